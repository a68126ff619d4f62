/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/text.h"

static const char *either(const char *s, const char *otherwise)
{
	return s && *s ? s : otherwise;
}

void cli_show_daemon(const struct cli *c, const struct bl_json *daemon)
{
	const struct bl_json *problems = bl_json_get(daemon, "problems");
	const char *backend = cli_text_string(daemon, "backend"),
		   *version = cli_text_string(daemon, "backend_version"),
		   *health = either(cli_text_string(daemon, "health"), "health unknown");
	const char *on = "", *off = "";
	char up[CLI_TEXT_STR] = "?";
	double seconds;

	if (cli_table_colours(c)) {
		on = strcmp(health, "ok") ? "\033[31m" : "\033[32m";
		off = "\033[0m";
	}
	if (cli_text_number(daemon, "uptime_seconds", &seconds))
		cli_text_duration(seconds, up);
	printf("balloond %s, %s%s%s%s, up %s: %s%s%s%s\n", either(cli_text_string(daemon, "version"), "?"),
	       either(backend, "unknown backend"), version ? " (" : "", either(version, ""),
	       version ? ")" : "", up, on, health, off, cli_text_true(daemon, "paused") ? ", paused" : "");
	for (size_t i = 0; i < bl_json_count(problems); i++)
		if (bl_json_type(bl_json_at(problems, i)) == BL_JSON_STRING)
			printf("  problem: %s\n", bl_json_string(bl_json_at(problems, i), NULL));
}

void cli_show_host(const struct bl_json *host)
{
	const struct bl_json *nodes = bl_json_get(host, "nodes");
	uint64_t total = cli_text_uint(host, "total_bytes"), free = cli_text_uint(host, "free_bytes"),
		 claimed = cli_text_uint(host, "outstanding_bytes");
	uint64_t used = total > free ? total - free : 0;
	char bar[CLI_BAR_STR], b[4][CLI_TEXT_STR];

	printf("host %s %s, %s free, %s available, %s reclaimable\n",
	       cli_table_bar(bar, 24, used, used + claimed, total),
	       cli_text_bytes(host, "total_bytes", b[0]), cli_text_bytes(host, "free_bytes", b[1]),
	       cli_text_bytes(host, "available_bytes", b[2]),
	       cli_text_bytes(host, "reclaimable_bytes", b[3]));
	printf("     not available of the free: %s outstanding, %s promised, %s growing, %s reserve\n",
	       cli_text_bytes(host, "outstanding_bytes", b[0]), cli_text_bytes(host, "promised_bytes", b[1]),
	       cli_text_bytes(host, "growing_bytes", b[2]), cli_text_bytes(host, "reserve_bytes", b[3]));
	if (cli_text_uint(host, "warm_bytes"))
		printf("     of the available: %s kept for another try of a claim, and for guests in need\n",
		       cli_text_bytes(host, "warm_bytes", b[0]));
	for (size_t i = 0; bl_json_count(nodes) > 1 && i < bl_json_count(nodes); i++) {
		const struct bl_json *n = bl_json_at(nodes, i);

		printf("     node %s: %s, %s free\n", cli_text_count(n, "node", b[0]),
		       cli_text_bytes(n, "total_bytes", b[1]), cli_text_bytes(n, "free_bytes", b[2]));
	}
}

static enum cli_colour state_colour(const char *state)
{
	static const struct {
		const char *state;
		enum cli_colour colour;
	} colours[] = {
		{ "stuck", CLI_RED },	      { "external", CLI_YELLOW }, { "growing", CLI_YELLOW },
		{ "shrinking", CLI_YELLOW },  { "building", CLI_YELLOW }, { "incapable", CLI_DIM },
		{ "paused", CLI_DIM },	      { "dying", CLI_DIM },	  { "migrating", CLI_DIM },
		{ "reclaiming", CLI_YELLOW }, { "held", CLI_GREEN },
	};

	for (size_t i = 0; state && i < sizeof(colours) / sizeof(colours[0]); i++)
		if (!strcmp(colours[i].state, state))
			return colours[i].colour;
	return CLI_PLAIN;
}

/* True if the guest's own driver stays above the target. */
static bool refuses(const struct bl_json *domain)
{
	const struct bl_json *tele = bl_json_get(domain, "telemetry");

	return tele && cli_text_string(tele, "refused");
}

/* Prints "web: reason" for each row in a state that needs an explanation. */
static void show_reasons(const struct bl_json *rows, const char *name_key, const char *quiet_state)
{
	for (size_t i = 0; i < bl_json_count(rows); i++) {
		const struct bl_json *v = bl_json_at(rows, i);
		const char *reason = cli_text_string(v, "reason"), *state = cli_text_string(v, "state");
		char id[CLI_TEXT_STR];

		if (!reason || !*reason || !state || (!strcmp(state, quiet_state) && !refuses(v)))
			continue;
		printf("  %s: %s\n", either(cli_text_string(v, name_key), cli_text_count(v, "domid", id)),
		       reason);
	}
}

bool cli_show_domains(const struct cli *c, const struct bl_json *domains)
{
	static const struct cli_column columns[] = {
		{ "ID", CLI_RIGHT },  { "NAME", CLI_CUT },   { "STATE", CLI_LEFT },
		{ "MODE", CLI_LEFT }, { "SIZE", CLI_RIGHT }, { "TARGET", CLI_RIGHT },
		{ "MIN", CLI_RIGHT }, { "MAX", CLI_RIGHT },  { "", CLI_LEFT },
	};
	unsigned width = cli_table_width(STDOUT_FILENO), cells = width && width < 96 ? 8 : 20;
	struct cli_table *t;

	if (!bl_json_count(domains)) {
		puts("no domains");
		return true;
	}
	t = cli_table_new(c, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < bl_json_count(domains); i++) {
		const struct bl_json *d = bl_json_at(domains, i);
		const char *state = cli_text_string(d, "state");
		uint64_t now = cli_text_uint(d, "current_bytes"), target = cli_text_uint(d, "target_bytes");
		char b[CLI_TEXT_STR], bar[CLI_BAR_STR];

		cli_table_row(t);
		cli_table_cell(t, 0, cli_text_count(d, "domid", b), CLI_PLAIN);
		cli_table_cell(t, 1, cli_text_string(d, "name"), CLI_PLAIN);
		cli_table_cell(t, 2, state, state_colour(state));
		cli_table_cell(t, 3, cli_text_string(d, "mode"), CLI_PLAIN);
		cli_table_cell(t, 4, cli_text_bytes(d, "current_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 5, cli_text_bytes(d, "target_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 6, cli_text_bytes(d, "min_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 7, cli_text_bytes(d, "max_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 8,
			       cli_table_bar(bar, cells, now, target ? target : now,
					     cli_text_uint(d, "max_bytes")),
			       CLI_PLAIN);
	}
	if (!cli_table_print(t))
		return false;
	show_reasons(domains, "name", "steady");
	return true;
}

const char *cli_show_for(const struct bl_json *claim, char buf[CLI_SHOW_FOR_STR])
{
	const char *name = cli_text_string(claim, "name"), *uuid = cli_text_string(claim, "uuid");
	char domid[CLI_TEXT_STR];

	if (name || uuid)
		snprintf(buf, CLI_SHOW_FOR_STR, "%s", name ? name : uuid);
	else if (*cli_text_count(claim, "domid", domid) != '-')
		snprintf(buf, CLI_SHOW_FOR_STR, "domain %s", domid);
	else
		buf[0] = '\0';
	return buf;
}

/* When the lease ends, or when the claim may be held. */
static const char *claim_time(const struct bl_json *claim, char buf[CLI_TEXT_STR])
{
	char d[CLI_TEXT_STR];
	double s;

	if (cli_text_number(claim, "expires_in_seconds", &s))
		snprintf(buf, CLI_TEXT_STR, "ends in %s", cli_text_duration(s, d));
	else if (cli_text_number(claim, "eta_seconds", &s))
		snprintf(buf, CLI_TEXT_STR, "held in %s", cli_text_duration(s, d));
	else
		snprintf(buf, CLI_TEXT_STR, "-");
	return buf;
}

bool cli_show_claims(const struct cli *c, const struct bl_json *claims)
{
	static const struct cli_column columns[] = {
		{ "CLAIM", CLI_LEFT }, { "FOR", CLI_CUT },    { "STATE", CLI_LEFT },
		{ "SIZE", CLI_RIGHT }, { "HELD", CLI_RIGHT }, { "TIME", CLI_LEFT },
	};
	struct cli_table *t;

	if (!bl_json_count(claims)) {
		puts("no claims");
		return true;
	}
	t = cli_table_new(c, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < bl_json_count(claims); i++) {
		const struct bl_json *v = bl_json_at(claims, i);
		const char *state = cli_text_string(v, "state");
		char b[CLI_TEXT_STR], who[CLI_SHOW_FOR_STR];

		cli_table_row(t);
		cli_table_cell(t, 0, cli_text_string(v, "id"), CLI_PLAIN);
		cli_table_cell(t, 1, cli_show_for(v, who), CLI_PLAIN);
		cli_table_cell(t, 2, state, state_colour(state));
		cli_table_cell(t, 3, cli_text_bytes(v, "size_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 4, cli_text_bytes(v, "held_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 5, claim_time(v, b), CLI_PLAIN);
	}
	if (!cli_table_print(t))
		return false;
	show_reasons(claims, "id", "held");
	return true;
}

void cli_show_domain(const struct bl_json *domain)
{
	char b[4][CLI_TEXT_STR], weight[CLI_TEXT_STR];

	printf("%s: %s, %s, %s, target %s, min %s, max %s, weight %s\n",
	       either(cli_text_string(domain, "name"), "domain"),
	       either(cli_text_string(domain, "mode"), "-"), either(cli_text_string(domain, "state"), "-"),
	       cli_text_bytes(domain, "current_bytes", b[0]), cli_text_bytes(domain, "target_bytes", b[1]),
	       cli_text_bytes(domain, "min_bytes", b[2]), cli_text_bytes(domain, "max_bytes", b[3]),
	       cli_text_count(domain, "weight", weight));
}
