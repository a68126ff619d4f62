/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a turn of the event loop does at most, and whom it serves first. The requests name
 * methods that need no manager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/base/log.h"
#include "daemon/control/control.h"
#include "daemon/control/internal.h"
#include "tests/unit/fake-clock.h"

#define CLIENTS_MAX 400
#define SLOW BL_MS(7) /* what such a request takes */
/* Each rank that waits has one request beyond the bound. */
#define REQUESTS_BOUND (BD_TURN_REQUESTS + BD_RANKS)

static struct event_base *base;
static struct bd_events *events;
static struct bd_conns all;
static int clients[CLIENTS_MAX];
static size_t n_clients;

static void say_nothing(int priority, const char *line)
{
	(void)priority, (void)line;
}

static int set_up(void **state)
{
	(void)state;
	bd_log_set_sink(say_nothing);
	base = event_base_new();
	events = bd_events_new(64);
	all = (struct bd_conns){ .serve = &bd_requests, .events = events };
	n_clients = 0;
	return base && events && bd_conns_init(&all, base, 4096) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_clients; i++)
		if (clients[i] >= 0)
			close(clients[i]);
	all.stopping = true;
	bd_conns_free(&all);
	bd_events_free(events);
	event_base_free(base);
	return 0;
}

static int client(enum bd_role role, uid_t uid)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	bd_conns_admit(&all, pair[0], role, uid);
	assert_in_range(n_clients, 0, CLIENTS_MAX - 1);
	return clients[n_clients++] = pair[1];
}

static void ask(int fd, const char *method, unsigned times)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n", method);

	while (times--)
		assert_int_equal(send(fd, line, (size_t)len, MSG_NOSIGNAL), len);
}

/* Lines that have come. */
static unsigned heard(int fd)
{
	static char buf[1 << 16];
	unsigned lines = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	return lines;
}

static void loop_once(void)
{
	all.turn = (struct bd_turn){ .requests = 0 };
	assert_in_range(event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 0, 1);
}

static bool somebody_waits(void)
{
	struct bd_conn *c;

	DL_FOREACH(all.list, c)
		if (c->ready || evbuffer_get_length(bufferevent_get_input(c->bev)))
			return true;
	return false;
}

static void a_turn_is_bounded(void **state)
{
	unsigned asked = 50 * 40, answered = 0, most = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		ask(client(i % 3 ? BD_ROLE_VIEWER : BD_ROLE_ADMIN, i % 2 ? i : 0), "nonsense", 50);
	for (unsigned turns = 0; answered < asked; turns++) {
		loop_once();
		most = all.turn.requests > most ? all.turn.requests : most;
		assert_in_range(all.turn.requests, 0, REQUESTS_BOUND);
		assert_in_range(all.turn.bytes, 0, BD_TURN_BYTES + BD_RANKS * BL_RPC_LINE_MAX);
		assert_in_range(turns, 0, asked);
		for (size_t i = 0; i < n_clients; i++)
			answered += heard(clients[i]);
	}
	assert_int_equal(answered, asked);
	assert_in_range(most, BD_TURN_REQUESTS, REQUESTS_BOUND);
}

static void takes_long(struct bd_conn *c, const char *text, size_t len)
{
	fake_clock_pass(SLOW);
	bd_requests.line(c, text, len);
}

/* So does the time that requests take: many that take long are not all made in one turn. */
static void slow_requests_fill_a_turn(void **state)
{
	static const struct bd_conns_serve slow = { .line = takes_long };
	unsigned asked = 12 * 20, answered = 0;

	(void)state;
	all.serve = &slow;
	for (unsigned i = 0; i < 12; i++)
		ask(client(i % 3 ? BD_ROLE_VIEWER : BD_ROLE_ADMIN, i % 2 ? i : 0), "nonsense", 20);
	for (unsigned turns = 0; answered < asked; turns++) {
		bl_ms began = bd_clock_now();

		loop_once();
		assert_in_range(bl_ms_since(bd_clock_now(), began).n, 0, BD_TURN_TIME.n + BD_RANKS * SLOW.n);
		assert_in_range(turns, 0, asked);
		for (size_t i = 0; i < n_clients; i++)
			answered += heard(clients[i]);
	}
	assert_int_equal(answered, asked);
}

/* What a request and its answer cost counts, too: few large ones make a turn. */
static void large_requests_fill_a_turn(void **state)
{
	static char line[60000];

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nonsense\"", 43);
	line[sizeof(line) - 2] = '}';
	line[sizeof(line) - 1] = '\n';
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(send(client(BD_ROLE_ADMIN, 0), line, sizeof(line), MSG_NOSIGNAL),
				 sizeof(line));
	for (unsigned turns = 0, answered = 0; answered < 30; turns++) {
		loop_once();
		assert_in_range(all.turn.requests, 0, BD_TURN_BYTES / sizeof(line) + BD_RANKS);
		for (size_t i = 0; i < n_clients; i++)
			answered += heard(clients[i]);
		assert_in_range(turns, 0, 1000);
	}
}

static struct bd_conn *conn_of(uid_t uid)
{
	struct bd_conn *c;

	DL_FOREACH(all.list, c)
		if (c->uid == uid)
			return c;
	fail();
	return NULL;
}

/* With six turns' work of viewers before them, whose turn it is next are root and group. */
static void root_comes_first(void **state)
{
	bool root_waited = false, member_waited = false;
	int member, root, answered = 0;

	(void)state;
	for (unsigned i = 0; i < 390; i++)
		ask(client(BD_ROLE_VIEWER, 5), "nonsense", 10);
	for (unsigned turns = 0; turns < 12; turns++)
		loop_once(); /* all of them wait from now on */
	assert_int_equal(all.turn.requests, BD_TURN_REQUESTS);
	member = client(BD_ROLE_ADMIN, 6);
	root = client(BD_ROLE_ADMIN, 0);
	ask(member, "nonsense", 1);
	ask(root, "nonsense", 1);
	while (answered < 2) {
		loop_once();
		assert_false(root_waited && conn_of(0)->ready);
		assert_false(member_waited && conn_of(6)->ready);
		root_waited = conn_of(0)->ready;
		member_waited = conn_of(6)->ready;
		answered += (int)(heard(root) + heard(member));
	}
	assert_true(somebody_waits());
}

/* An answer that nobody reads any more has cost as much as any other. */
static void answers_of_the_gone_count(void **state)
{
	static const char line[1000] = { '\n' };
	struct bd_conn *c;

	(void)state;
	(void)client(BD_ROLE_ADMIN, 0);
	loop_once();
	c = conn_of(0);
	c->hung_up = true;
	bd_conn_send(c, line, sizeof(line));
	assert_int_equal(all.turn.bytes, sizeof(line));
	assert_int_equal(c->charge.unsent, 0);
}

static void nobody_starves(void **state)
{
	int viewer, roots[10];
	unsigned turns = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		roots[i] = client(BD_ROLE_ADMIN, 0);
	viewer = client(BD_ROLE_VIEWER, 5);
	ask(viewer, "nonsense", 1);
	do {
		for (unsigned i = 0; i < 10; i++) {
			ask(roots[i], "nonsense", 8); /* together more than a turn does */
			(void)heard(roots[i]);
		}
		loop_once();
		assert_in_range(turns++, 0, 4 + BD_TURN_WAITS);
	} while (heard(viewer) == 0);
}

/* A viewer's lines without end cost itself its connections, and nobody else. */
static void unfinished_lines(void **state)
{
	static char half[60000];
	unsigned left = 0;
	struct bd_conn *c;
	int root, member;

	(void)state;
	memset(half, ' ', sizeof(half));
	root = client(BD_ROLE_ADMIN, 0);
	member = client(BD_ROLE_VIEWER, 6);
	assert_int_equal(send(root, half, sizeof(half), MSG_NOSIGNAL), sizeof(half));
	assert_int_equal(send(member, half, 1000, MSG_NOSIGNAL), 1000);
	for (unsigned i = 0; i < 300; i++)
		(void)!send(client(BD_ROLE_VIEWER, 5), half, sizeof(half), MSG_NOSIGNAL);
	for (unsigned turns = 0; turns < 50; turns++) {
		loop_once();
		assert_in_range(bd_quota_bytes(&all.quota), 0, (1 << 20) + 2 * sizeof(half) + 16384);
	}
	DL_FOREACH(all.list, c)
		left += c->uid == 5;
	assert_in_range(left, 1, 300 - 1);
	assert_int_equal(send(root, "\n", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(send(member, "\n", 1, MSG_NOSIGNAL), 1);
	for (unsigned turns = 0; turns < 3 + BD_TURN_WAITS; turns++)
		loop_once();
	assert_int_equal(heard(root), 1);
	assert_int_equal(heard(member), 1);
}

/* Those who do not read their events have a copy of few of them. */
static void deaf_subscribers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		ask(client(BD_ROLE_VIEWER, 5), "subscribe", 1);
	for (unsigned turns = 0; turns < 10; turns++)
		loop_once();
	for (unsigned i = 0; i < 3000; i++) {
		bd_events_publish(events, "host.ok", NULL, NULL);
		loop_once();
		assert_in_range(bd_quota_bytes(&all.quota), 0, 100 * (BD_CONN_EVENTS_PAUSE + 256));
	}
	/* and read what is left of them in the end */
	for (unsigned i = 0; i < 100; i++)
		assert_in_range(heard(clients[i]), 10, 3001);
}

static void connections_come_in_batches(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct bd_setup setup = { 0 };
	struct bd_control *c;
	struct bl_err err;
	int fds[100];
	unsigned n = 0;

	(void)state;
	bd_config_init(&setup.config);
	c = bd_control_new(base, NULL, events, &setup);
	assert_non_null(c);
	snprintf(a.sun_path, sizeof(a.sun_path), "test-turn-%d.sock", (int)getpid());
	assert_int_equal(bd_control_listen(c, a.sun_path, &err), 0);
	for (unsigned i = 0; i < 100; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&a, sizeof(a)), 0);
	}
	for (unsigned turns = 0; n < 100; turns++) {
		loop_once();
		assert_in_range(bd_control_accepted(c), 1, BD_CONTROL_ACCEPTS);
		n += bd_control_accepted(c);
		assert_in_range(turns, 0, 100);
	}
	assert_int_equal(n, 100);
	for (unsigned i = 0; i < 100; i++)
		close(fds[i]);
	bd_control_free(c);
	assert_int_equal(access(a.sun_path, F_OK), -1);
	bd_setup_free(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_turn_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slow_requests_fill_a_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(large_requests_fill_a_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_of_the_gone_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(root_comes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_starves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unfinished_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(deaf_subscribers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connections_come_in_batches, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
