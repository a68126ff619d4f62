/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress.h"

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

/* Long enough that what is held at once shows nothing. */
#define EVERY_MS 400
#define ANSWER_MS 2000
#define LINE_MAX_BYTES 512

struct cli_progress {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop; /* under lock */
	bool shown;
	const char *socket, *id;
};

static void print_line(struct cli_progress *p, const struct bl_json *claim)
{
	const char *reason = cli_text_string(claim, "reason");
	char size[CLI_TEXT_STR], left[CLI_TEXT_STR] = "", line[LINE_MAX_BYTES], cut[LINE_MAX_BYTES];
	unsigned width = cli_table_width(STDERR_FILENO);
	double eta;

	if (cli_text_number(claim, "eta_seconds", &eta))
		cli_text_duration(eta, left);
	snprintf(line, sizeof(line), "making room for %s%s%s%s%s%s",
		 cli_text_bytes(claim, "size_bytes", size), *left ? ", about " : "", left,
		 *left ? " left" : "", reason && *reason ? ": " : "", reason ? reason : "");
	/* bytes are at least as many as columns, so it never wraps */
	bl_text_scrub(cut, width && width < sizeof(cut) ? width : sizeof(cut), line, strlen(line));
	fprintf(stderr, "\r\033[K%s", cut);
	p->shown = true;
}

static void tell(struct cli_progress *p, struct balloon *b)
{
	char params[64 + BALLOON_ID_SIZE], *text = NULL;
	struct bl_json *result = NULL;
	const struct bl_json *claims;

	snprintf(params, sizeof(params), "{\"id\":\"%s\"}", p->id);
	if (balloon_call(b, "claims", params, &text, NULL) < 0)
		return;
	if (bl_json_parse(text, strlen(text), &result, NULL) == 0) {
		claims = bl_json_get(result, "claims");
		if (bl_json_count(claims))
			print_line(p, bl_json_at(claims, 0));
	}
	bl_json_free(result);
	balloon_free(text);
}

/* False when it is time to end. */
static bool pause_for(struct cli_progress *p)
{
	struct timespec until;
	bool stop;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += EVERY_MS * 1000000L;
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
		if (!b && balloon_connect(p->socket, &b, NULL) < 0)
			continue;
		balloon_set_timeout(b, ANSWER_MS);
		tell(p, b);
	}
	balloon_close(b);
	return NULL;
}

struct cli_progress *cli_progress_start(const char *socket, const char *id)
{
	struct cli_progress *p;
	pthread_condattr_t attr;
	sigset_t all, before;
	int r;

	if (!cli_table_width(STDERR_FILENO))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->socket = socket;
	p->id = id;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* signals are the main thread's */
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
