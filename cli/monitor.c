/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/show.h"
#include "cli/text.h"
#include "cli/verbs.h"

/* "1 GiB", "1.5 GiB -> 1 GiB", or "". */
static const char *sizes(const struct bl_json *e, char buf[2 * CLI_TEXT_STR + 8])
{
	char a[CLI_TEXT_STR], b[CLI_TEXT_STR];
	uint64_t now = cli_text_uint(e, "current_bytes"), target = cli_text_uint(e, "target_bytes");

	if (target && target != now)
		snprintf(buf, 2 * CLI_TEXT_STR + 8, ", %s -> %s", cli_text_bytes(e, "current_bytes", a),
			 cli_text_bytes(e, "target_bytes", b));
	else if (bl_json_get(e, "current_bytes"))
		snprintf(buf, 2 * CLI_TEXT_STR + 8, ", %s", cli_text_bytes(e, "current_bytes", a));
	else if (bl_json_get(e, "size_bytes"))
		snprintf(buf, 2 * CLI_TEXT_STR + 8, ", %s", cli_text_bytes(e, "size_bytes", a));
	else
		buf[0] = '\0';
	return buf;
}

/* True for a member that the line has shown already, or that nobody wants to read. */
static bool is_shown(const char *key)
{
	static const char *const keys[] = { "seq",	    "time",	  "type",  "id",
					    "name",	    "uuid",	  "domid", "current_bytes",
					    "target_bytes", "size_bytes", "reason" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

/* Prints the other members of an event, as key=value. */
static void show_rest(const struct bl_json *e)
{
	for (size_t i = 0; i < bl_json_count(e); i++) {
		const struct bl_json *v = bl_json_at(e, i);
		const char *key = bl_json_key(e, i);

		if (is_shown(key))
			continue;
		if (bl_json_type(v) == BL_JSON_STRING)
			printf(" %s=%s", key, bl_json_string(v, NULL));
		else if (bl_json_type(v) == BL_JSON_INT)
			printf(" %s=%" PRId64, key, bl_json_int(v));
		else if (bl_json_type(v) == BL_JSON_BOOL)
			printf(" %s=%s", key, bl_json_bool(v) ? "true" : "false");
	}
}

static void show_event(const struct bl_json *e)
{
	const char *time = cli_text_string(e, "time"), *type = cli_text_string(e, "type"),
		   *id = cli_text_string(e, "id"), *name = cli_text_string(e, "name"),
		   *reason = cli_text_string(e, "reason");
	char count[CLI_TEXT_STR], text[2 * CLI_TEXT_STR + 8], who[CLI_SHOW_FOR_STR];

	printf("%s %s %s", cli_text_count(e, "seq", count), time ? time : "-", type ? type : "-");
	if (id && *cli_show_for(e, who))
		printf(" %s for %s", id, who);
	else if (id)
		printf(" %s", id);
	else if (name && *name)
		printf(" %s", name);
	else if (bl_json_get(e, "domid"))
		printf(" domain %s", cli_text_count(e, "domid", count));
	printf("%s", sizes(e, text));
	show_rest(e);
	if (reason && *reason)
		printf(": %s", reason);
	putchar('\n');
}

static int follow(struct cli *c, struct balloon_events *events)
{
	struct balloon_error err;
	char *text = NULL;
	int r;

	while ((r = balloon_events_next(events, -1, &text, &err)) == 1) {
		struct bl_json *e = NULL;

		if (c->json)
			puts(text);
		else if (cli_text_parse(text, &e) == 0)
			show_event(e);
		bl_json_free(e);
		balloon_free(text);
		text = NULL;
		if (fflush(stdout))
			return CLI_DONE; /* main() reports the error */
	}
	return cli_fail_call(c, &err);
}

static int run_monitor(struct cli *c, int argc, char **argv)
{
	static const struct option own[] = {
		{ "since", required_argument, NULL, CLI_OPT(0) },
		{ NULL, 0, NULL, 0 },
	};
	struct balloon_events *events = NULL;
	struct balloon_error err;
	const char *since = NULL;
	uint64_t n = 0;
	char *end;
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0)
		since = optarg;
	if (val == CLI_ARGS_STOP || !cli_args_count(c, argc, 0, 0, "", &r))
		return r;
	if (since) {
		errno = 0;
		n = strtoull(since, &end, 10);
		if (!isdigit((unsigned char)since[0]) || *end || errno || n > INT64_MAX)
			return cli_fail(c, "invalid-params", "monitor",
					"--since: '%.64s' is not an event's number", since);
	}
	r = balloon_subscribe(c->socket, since ? &n : NULL, &events, &err);
	if (r < 0)
		return cli_fail_call(c, &err);
	r = follow(c, events);
	balloon_events_close(events);
	return r;
}

const struct cli_verb cli_verb_monitor = {
	.name = "monitor",
	.usage = "[--since SEQ]",
	.summary = "show events as they happen",
	.help = "Each line begins with the event's number. With --json an event is a line of JSON.\n\n"
		"  --since SEQ   begin with the events after that number that the daemon still has;\n"
		"                0: with all that it has\n",
	.run = run_monitor,
};
