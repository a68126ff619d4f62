/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: numbered, kept, and the number of those missed told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/events.h"

#define KEPT 8

static struct bd_events *events;
static unsigned woken;
static char logged[512];

static void keep_log(int priority, const char *line)
{
	(void)priority;
	snprintf(logged, sizeof(logged), "%s", line);
}

static int set_up(void **state)
{
	(void)state;
	bd_log_set_sink(keep_log);
	woken = 0;
	events = bd_events_new(KEPT);
	return events ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	bd_events_free(events);
	return 0;
}

static void wake(void *ud)
{
	assert_ptr_equal(ud, &woken);
	woken++;
}

static void publish(unsigned n)
{
	while (n--)
		bd_events_publish(events, "host.ok", NULL, NULL);
}

/* The next event's seq, 0 when there is none; *ret_lost what it says was lost. */
static int64_t next(struct bd_subscription *s, int64_t *ret_lost)
{
	struct bl_json *root;
	const struct bl_json *params, *type;
	const char *line;
	size_t len;
	int64_t seq;

	*ret_lost = 0;
	line = bd_events_next(s, &len);
	if (!line)
		return 0;
	assert_int_equal(line[len - 1], '\n');
	assert_int_equal(bl_json_parse(line, len, &root, NULL), 0);
	params = bl_json_get(root, "params");
	type = bl_json_get(params, "type");
	seq = bl_json_int(bl_json_get(params, "seq"));
	assert_int_equal(strlen(bl_json_string(bl_json_get(params, "time"), NULL)), 20);
	if (!strcmp(bl_json_string(type, NULL), "daemon.lost"))
		*ret_lost = bl_json_int(bl_json_get(params, "lost"));
	bl_json_free(root);
	return seq;
}

static void each_comes_once_in_order(void **state)
{
	struct bd_subscription *s;
	int64_t lost;

	(void)state;
	publish(3);
	s = bd_events_subscribe(events, false, 0, wake, &woken);
	assert_int_equal(next(s, &lost), 0); /* from now on */
	publish(2);
	assert_int_equal(woken, 2);
	assert_int_equal(next(s, &lost), 4);
	assert_int_equal(next(s, &lost), 5);
	assert_int_equal(next(s, &lost), 0);
	assert_int_equal(bd_events_last(events), 5);
	bd_events_unsubscribe(s);
	publish(1);
	assert_int_equal(woken, 2);
}

static void kept_ones_are_replayed(void **state)
{
	static const struct {
		uint64_t since;
		int64_t first, lost;
	} rows[] = {
		{ 10, 11, 0 }, { 4, 5, 0 }, { 3, 4, 1 }, { 0, 4, 4 }, { 12, 0, 0 }, { 999, 5, 0 },
	};
	struct bd_subscription *s;
	int64_t lost;

	(void)state;
	publish(12); /* 5 to 12 are kept */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s = bd_events_subscribe(events, true, rows[i].since, wake, &woken);
		assert_int_equal(next(s, &lost), rows[i].first);
		assert_int_equal(lost, rows[i].lost);
		for (int64_t seq = rows[i].first + 1; rows[i].first && seq <= 12; seq++) {
			assert_int_equal(next(s, &lost), seq);
			assert_int_equal(lost, 0);
		}
		assert_int_equal(next(s, &lost), 0);
		bd_events_unsubscribe(s);
	}
}

static void a_slow_reader_is_told_what_it_missed(void **state)
{
	struct bd_subscription *s = bd_events_subscribe(events, false, 0, wake, &woken), *quick;
	int64_t lost;

	(void)state;
	quick = bd_events_subscribe(events, false, 0, wake, &woken);
	for (unsigned i = 1; i <= 30; i++) {
		publish(1);
		assert_int_equal(next(quick, &lost), i);
		assert_int_equal(lost, 0);
	}
	assert_int_equal(next(s, &lost), 22);
	assert_int_equal(lost, 22);
	assert_int_equal(next(s, &lost), 23);
	assert_int_equal(lost, 0);
	bd_events_unsubscribe(s);
	bd_events_unsubscribe(quick);
}

/* A name that is hostile stays one clean line in the log. */
static void domains_and_claims_are_told(void **state)
{
	struct bl_dom d = { .domid = 7, .tot = BL_MIB_PAGES(1), .has_target = true };
	struct bl_claim c = { .state = BL_CLAIM_FAILED,
			      .size = BL_MIB_PAGES(3),
			      .domid = BL_DOMID_NONE,
			      .reason = "no room" };
	struct bd_subscription *s = bd_events_subscribe(events, false, 0, wake, &woken);
	const char *line;
	size_t len;

	(void)state;
	strcpy(d.name, "a\nb");
	bd_events_domain(events, "stuck", &d, "it is");
	line = bd_events_next(s, &len);
	assert_non_null(strstr(line, "\"type\":\"domain.stuck\""));
	assert_non_null(strstr(line, "\"current_bytes\":1048576"));
	assert_non_null(strstr(line, "\"reason\":\"it is\""));
	assert_non_null(strstr(logged, "a?b"));
	assert_null(strchr(logged, '\n'));
	bd_events_claim(events, &c);
	line = bd_events_next(s, &len);
	assert_non_null(strstr(line, "\"type\":\"claim.failed\""));
	assert_non_null(strstr(line, "\"domid\":null"));
	assert_non_null(strstr(logged, "of 3 MiB: failed: no room"));
	bd_events_unsubscribe(s);
}

static unsigned lines;

static void count_lines(int priority, const char *line)
{
	(void)priority, (void)line;
	lines++;
}

/* One guest's noise does not fill the log, and leaves others' lines alone. */
static void a_noisy_guest_is_limited(void **state)
{
	struct bl_dom noisy = { .domid = 1 }, other = { .domid = 2 };

	(void)state;
	bd_log_set_sink(count_lines);
	for (unsigned i = 0; i < 1000; i++)
		bd_events_domain(events, "stuck", &noisy, NULL);
	assert_in_range(lines, 1, 20);
	lines = 0;
	bd_events_domain(events, "stuck", &other, NULL);
	assert_int_equal(lines, 1);
	assert_int_equal(bd_events_last(events), 1001);
}

/* Whatever a caller let through. */
static void the_log_shows_no_more_than_a_terminal_would(void **state)
{
	(void)state;
	bd_log(LOG_INFO, "domain %s is \x1b[1m away\n", "a\u202ebew\u2066\u200b\U000e0061");
	assert_string_equal(logged, "domain a?bew??? is ?[1m away?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_comes_once_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept_ones_are_replayed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_slow_reader_is_told_what_it_missed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(domains_and_claims_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_noisy_guest_is_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_log_shows_no_more_than_a_terminal_would, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
