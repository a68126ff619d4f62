/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client that sends anything at all to a whole daemon on a simulated host:
 * the control socket's lines, every method with every parameter, the manager
 * and its state. Afterwards the host's books balance, and what is staked is
 * staked for a claim. Input: lines; a 'v' before them makes it a viewer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/control/conn.h"
#include "daemon/manager/internal.h"
#include "daemon/sim/map.h"
#include "lib/sim/sim.h"
#include "tests/fuzz/target.h"

/* A second of the host's goes by in a hundredth of a millisecond. */
#define SPEED 1e5

/* ---- a world in memory, in place of the file the backend keeps it in ---- */

static int template_fd = -1;

int __wrap_bd_sim_map_open(const char *state_dir, const char *world_file, struct bd_sim_map *ret,
			   struct bl_err *reterr);
int __wrap_bd_sim_map_open(const char *state_dir, const char *world_file, struct bd_sim_map *ret,
			   struct bl_err *reterr)
{
	(void)state_dir, (void)world_file, (void)reterr;
	ret->fd = -1;
	ret->size = bl_sim_world_size();
	ret->mem = mmap(NULL, ret->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, template_fd, 0);
	FUZZ_EXPECT(ret->mem != MAP_FAILED);
	return 0;
}

/* The books, once the daemon is gone. */
void __wrap_bd_sim_map_close(struct bd_sim_map *m);
void __wrap_bd_sim_map_close(struct bd_sim_map *m)
{
	struct bl_sim *s;
	struct bl_err err;

	FUZZ_EXPECT(bl_sim_open(m->mem, m->size, &s, &err) == 0);
	FUZZ_EXPECT(bl_sim_check(s, &err) == 0);
	bl_sim_free(s);
	munmap(m->mem, m->size);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- what lives as long as the process ---- */

static struct event_base *base;
static char folder[64];

static void say_nothing(int priority, const char *line)
{
	(void)priority, (void)line;
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command);
}

static void set_up(void)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct bl_err err;
	void *mem;

	bd_log_set_sink(say_nothing);
	snprintf(folder, sizeof(folder), "%s/fuzz-session-XXXXXX", tmp);
	FUZZ_EXPECT(mkdtemp(folder));
	atexit(remove_folder);
	template_fd = memfd_create("world", MFD_CLOEXEC);
	FUZZ_EXPECT(template_fd >= 0 && ftruncate(template_fd, (off_t)bl_sim_world_size()) == 0);
	mem = mmap(NULL, bl_sim_world_size(), PROT_READ | PROT_WRITE, MAP_SHARED, template_fd, 0);
	FUZZ_EXPECT(mem != MAP_FAILED);
	FUZZ_EXPECT(bl_sim_world_parse(mem, "world", bl_sim_default_world, strlen(bl_sim_default_world),
				       &err) == 0);
	munmap(mem, bl_sim_world_size());
	base = event_base_new();
	FUZZ_EXPECT(base);
}

/* ---- one daemon and its client ---- */

struct life {
	struct bd_config config;
	struct bd_state *state;
	struct bd_events *events;
	struct bd_host_events host_events;
	struct bd_manager *m;
	struct bd_conns conns;
	int client;
	char *in; /* the line being received */
	size_t len, cap;
};

static void empty(const char *name)
{
	char path[512];
	DIR *d;
	struct dirent *e;

	snprintf(path, sizeof(path), "%s/state/%s", folder, name);
	d = opendir(path);
	while (d && (e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static void life_begin(struct life *l, enum bd_role role)
{
	struct bd_manager_config mc;
	struct bd_host *host;
	struct bl_err err;
	char state[128];
	int pair[2];

	*l = (struct life){ .events = bd_events_new(64) };
	snprintf(state, sizeof(state), "%s/state", folder);
	empty("claims");
	empty("domains");
	empty(".");
	bd_config_init(&l->config);
	FUZZ_EXPECT(bd_state_open(state, NULL, &l->state, &err) == 0);
	mc = (struct bd_manager_config){
		.base = base, .state = l->state, .events = l->events, .settings = &l->config.settings
	};
	FUZZ_EXPECT(bd_manager_new(&mc, &l->m) == 0);
	l->host_events = bd_manager_host_events(l->m);
	FUZZ_EXPECT(bd_host_sim_open(base, &l->host_events, NULL, state, SPEED, &host, &err) == 0);
	FUZZ_EXPECT(bd_manager_start(l->m, host, &err) == 0);
	l->conns = (struct bd_conns){ .serve = &bd_requests, .manager = l->m, .events = l->events };
	FUZZ_EXPECT(bd_conns_init(&l->conns, base, 16) == 0);
	FUZZ_EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	bd_conns_admit(&l->conns, pair[0], role, 1000);
	FUZZ_EXPECT(l->conns.list);
	l->client = pair[1];
}

/* Every line that comes is JSON of the strict kind. */
static void check_lines(struct life *l)
{
	size_t start = 0;
	char *end;

	while (start < l->len && (end = memchr(l->in + start, '\n', l->len - start))) {
		struct bl_json *v;

		FUZZ_EXPECT(bl_json_parse(l->in + start, (size_t)(end - l->in) - start, &v, NULL) == 0);
		bl_json_free(v);
		start = (size_t)(end - l->in) + 1;
	}
	memmove(l->in, l->in + start, l->len - start);
	l->len -= start;
}

static void receive(struct life *l)
{
	for (;;) {
		ssize_t n;

		if (l->cap - l->len < 4096) {
			l->cap = l->cap * 2 + 65536;
			l->in = realloc(l->in, l->cap);
			FUZZ_EXPECT(l->in);
		}
		n = read(l->client, l->in + l->len, l->cap - l->len);
		if (n <= 0)
			return;
		l->len += (size_t)n;
		check_lines(l);
	}
}

static void turn(struct life *l)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	receive(l);
}

/* As much as fits, and what it leads to; then a tick, whose time never comes
 * by itself here. False: nobody takes it any more. */
static bool send_some(struct life *l, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = send(l->client, data, size, MSG_NOSIGNAL);

		if (n <= 0 && errno != EAGAIN)
			return false;
		data += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		turn(l);
	}
	turn(l);
	event_active(l->m->tick_timer, EV_TIMEOUT, 1);
	turn(l);
	return true;
}

/* What the hypervisor keeps is kept for a claim, and every claim that is held
 * has it. */
static void check_promises(struct life *l)
{
	const struct bl_snapshot *s = &l->m->snap;

	event_active(l->m->tick_timer, EV_TIMEOUT, 1);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	FUZZ_EXPECT(bd_manager_look(l->m) == 0);
	for (size_t i = 0; i < s->n_doms; i++)
		if (s->doms[i].flags & BL_DOM_HOLDER)
			FUZZ_EXPECT(bl_ledger_by_handle(&l->m->ledger, &s->doms[i].uuid));
	for (size_t i = 0; i < l->m->ledger.n; i++) {
		const struct bl_claim *c = l->m->ledger.claims[i];
		const struct bl_dom *d = bl_snapshot_find(s, c->holder);

		FUZZ_EXPECT(bl_claim_live(c) && c->min.n <= c->size.n);
		if (c->state == BL_CLAIM_HELD)
			FUZZ_EXPECT(d && d->outstanding.n == c->size.n);
	}
}

static void life_end(struct life *l)
{
	close(l->client);
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	check_promises(l);
	l->conns.stopping = true;
	bd_manager_free(l->m);
	bd_conns_free(&l->conns);
	bd_events_free(l->events);
	bd_state_close(l->state);
	bd_config_free(&l->config);
	free(l->in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	enum bd_role role = BD_ROLE_ADMIN;
	struct life l;

	if (!base)
		set_up();
	if (size && *data == 'v') {
		role = BD_ROLE_VIEWER;
		data++;
	}
	life_begin(&l, role);
	while (data < end) {
		const uint8_t *nl = memchr(data, '\n', (size_t)(end - data));
		size_t n = nl ? (size_t)(nl - data) + 1 : (size_t)(end - data);

		if (!send_some(&l, data, n))
			break;
		data += n;
	}
	life_end(&l);
	return 0;
}
