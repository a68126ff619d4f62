/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/text.h"
#include "lib/client/balloon.h"
#include "lib/core/text.h"

/* Long enough that a claim that is held at once shows nothing. */
#define EVERY_MS 400
/* A wait that is too short is reported as early as possible. */
#define FIRST_MS 100
#define ANSWER_MS 2000
#define LINE_MAX_BYTES 512

struct cli_progress {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop; /* under lock */
	bool shown;
	bool line;    /* stderr is a terminal, and shows the progress */
	bool limited; /* a limit in seconds was given */
	double limit;
	unsigned answers, late; /* answers so far; answers in a row that say that the limit is too short */
	const struct cli *c;
	const char *id;
};

static void print_line(struct cli_progress *p, const struct bl_json *claim)
{
	const char *reason = cli_text_string(claim, "reason");
	char size[CLI_TEXT_STR], left[CLI_TEXT_STR] = "", lacks[CLI_TEXT_STR + 16] = "", b[CLI_TEXT_STR];
	char line[LINE_MAX_BYTES], cut[LINE_MAX_BYTES];
	unsigned width = cli_table_width(STDERR_FILENO);
	double eta;

	if (cli_text_number(claim, "eta_seconds", &eta))
		cli_text_duration(eta, left);
	if (cli_text_uint(claim, "lacking_bytes"))
		snprintf(lacks, sizeof(lacks), ", %s to come", cli_text_bytes(claim, "lacking_bytes", b));
	snprintf(line, sizeof(line), "making room for %s%s%s%s%s%s%s",
		 cli_text_bytes(claim, "size_bytes", size), lacks, *left ? ", about " : "", left,
		 *left ? " left" : "", reason && *reason ? ": " : "", reason ? reason : "");
	/* A character has at least as many bytes as columns, so the line never wraps. */
	bl_text_scrub(cut, width && width < sizeof(cut) ? width : sizeof(cut), line, strlen(line));
	fprintf(stderr, "\r\033[K%s", cut);
	p->shown = true;
}

/* The argument of --wait for a wait that is a little longer than `seconds`. */
static const char *as_option(double seconds, char buf[CLI_TEXT_STR])
{
	uint64_t s = (uint64_t)(seconds < 1e9 ? seconds * 1.1 : 1e9) + 1;

	if (s > 600)
		snprintf(buf, CLI_TEXT_STR, "%" PRIu64 "m", (s + 59) / 60);
	else
		snprintf(buf, CLI_TEXT_STR, "%" PRIu64 "s", s);
	return buf;
}

/* Prints once that the limit is too short. Two answers in a row must agree, since the first known
 * rate may be that of a balloon that has only begun. */
static void warn_if_late(struct cli_progress *p, const struct bl_json *claim)
{
	char limit[CLI_TEXT_STR], enough[CLI_TEXT_STR];
	double eta, ends, margin;

	if (!p->limited || p->late == 2)
		return;
	if (!cli_text_number(claim, "eta_seconds", &eta) ||
	    !cli_text_number(claim, "wait_ends_in_seconds", &ends)) {
		p->late = 0;
		return;
	}
	margin = ends > 10 ? ends / 10 : 1;
	p->late = eta > ends + margin ? p->late + 1 : 0;
	if (p->late < 2)
		return;
	if (p->shown)
		fputs("\r\033[K", stderr);
	fprintf(stderr,
		"balloonctl: %s: at the rate at which guests give, --wait %s is too short: "
		"--wait %s would do\n",
		p->c->verb->name, cli_text_duration(p->limit, limit),
		as_option(p->limit - ends + eta, enough));
}

static void show_progress(struct cli_progress *p, struct balloon *b)
{
	char params[64 + BALLOON_ID_SIZE], *text = NULL;
	struct bl_json *result = NULL;
	const struct bl_json *claims;

	snprintf(params, sizeof(params), "{\"id\":\"%s\"}", p->id);
	if (balloon_call(b, "claims", params, &text, NULL) < 0)
		return;
	if (bl_json_parse(text, strlen(text), &result, NULL) == 0) {
		claims = bl_json_get(result, "claims");
		if (bl_json_count(claims)) {
			warn_if_late(p, bl_json_at(claims, 0));
			if (p->line && (p->answers || !p->limited))
				print_line(p, bl_json_at(claims, 0));
			p->answers++;
		}
	}
	bl_json_free(result);
	balloon_free(text);
}

/* False if it is time to end. */
static bool pause_for(struct cli_progress *p)
{
	struct timespec until;
	bool stop;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (p->limited && !p->answers ? FIRST_MS : EVERY_MS) * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&p->lock);
	while (!p->stop && r == 0)
		r = pthread_cond_timedwait(&p->wake, &p->lock, &until);
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static void *run(void *ud)
{
	struct cli_progress *p = ud;
	struct balloon *b = NULL;

	while (pause_for(p)) {
		if (!b && balloon_connect(p->c->socket, &b, NULL) < 0)
			continue;
		balloon_set_timeout(b, ANSWER_MS);
		show_progress(p, b);
	}
	balloon_close(b);
	return NULL;
}

struct cli_progress *cli_progress_start(const struct cli *c, const char *id, const char *wait)
{
	bool line = cli_table_width(STDERR_FILENO) > 0;
	struct cli_progress *p;
	pthread_condattr_t attr;
	sigset_t all, before;
	bl_ms limit;
	int r;

	if (!line && !wait)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->c = c;
	p->id = id;
	p->line = line;
	p->limited = wait && bl_duration_parse("--wait", wait, true, &limit, NULL) == 0;
	if (p->limited)
		p->limit = (double)limit.n / 1000.0;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* The main thread handles signals. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free(p);
		return NULL;
	}
	return p;
}

void cli_progress_stop(struct cli_progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	if (p->shown)
		fputs("\r\033[K", stderr);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
