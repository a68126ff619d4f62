/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plays scenarios: whole hosts from data files, in virtual time, and says in
 * TAP what came of them. A file is a simulated world, then a line [steps],
 * then one step a line (step.h). Without arguments all *.scenario files of
 * the source tree are played. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/step.h"

#define WORDS_MAX 16
#define STEPS "[steps]"

struct scenario {
	const char *path, *name;
	char *text;
	struct play play;
	unsigned *count; /* of TAP's results */
	bool failed;
};

static void result(struct scenario *s, bool ok, unsigned long line, const char *what, const char *found)
{
	printf("%sok %u - %s:%lu %s\n", ok ? "" : "not ", ++*s->count, s->name, line, what);
	if (ok)
		return;
	printf("# %s:%lu: %s\n", s->path, line, found);
	/* what follows a failure is a consequence of it: the first is explained */
	if (!s->failed)
		play_diagnose(&s->play);
	s->failed = true;
}

static char *read_all(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t len = 0;

	if (!in || getdelim(&text, &len, '\0', in) < 0) {
		free(text);
		text = NULL;
	}
	if (in)
		fclose(in);
	return text;
}

/* One step; false: no use going on. */
static bool step(struct scenario *s, char *line, unsigned long number)
{
	char *words[WORDS_MAX], shown[256], *save = NULL;
	struct bl_err err = { 0 };
	size_t n = 0;

	line[strcspn(line, "#\n")] = '\0';
	snprintf(shown, sizeof(shown), "%s", line);
	for (char *w = strtok_r(line, " \t", &save); w && n < WORDS_MAX; w = strtok_r(NULL, " \t", &save))
		words[n++] = w;
	if (!n)
		return true;
	switch (step_do(&s->play, words, n, &err)) {
	case STEP_DONE:
		return true;
	case STEP_PASSED:
		result(s, true, number, shown, NULL);
		return true;
	case STEP_FAILED:
		result(s, false, number, shown, err.msg);
		return true;
	case STEP_BAD:
		break;
	}
	result(s, false, number, shown, err.msg);
	return false;
}

static unsigned long lines_before(const char *text, const char *at)
{
	unsigned long n = 1;

	for (; text < at; text++)
		n += *text == '\n';
	return n;
}

static void steps(struct scenario *s, char *text, unsigned long line)
{
	char *next;

	for (; text; text = next) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		if (!step(s, text, line++))
			return;
	}
}

static void play(struct scenario *s)
{
	char *begin = strstr(s->text, "\n" STEPS);
	struct bl_err err;
	unsigned long line;

	if (!begin) {
		result(s, false, 1, "has no " STEPS, "no steps");
		return;
	}
	line = lines_before(s->text, begin + 1);
	if (play_begin(&s->play, s->path, s->text, (size_t)(begin + 1 - s->text), &err)) {
		s->failed = true;
		result(s, false, line, "the world", err.msg);
	} else {
		steps(s, begin + 1 + strlen(STEPS), line);
		result(s, !s->play.broken, line, "the rules of the core were kept", s->play.what);
	}
	play_end(&s->play);
}

static int play_file(const char *path, unsigned *count)
{
	const char *slash = strrchr(path, '/');
	struct scenario s = { .path = path, .name = slash ? slash + 1 : path, .count = count };

	s.text = read_all(path);
	if (!s.text) {
		printf("not ok %u - %s: %s\n", ++*count, path, strerror(errno));
		return 1;
	}
	play(&s);
	free(s.text);
	return s.failed;
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char pattern[4096];
	unsigned count = 0;
	int failed = 0;
	glob_t files = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		failed |= play_file(argv[i], &count);
	if (argc == 1) {
		snprintf(pattern, sizeof(pattern), "%s/tests/scenario/*.scenario", top ? top : ".");
		if (glob(pattern, 0, NULL, &files)) {
			printf("Bail out! no scenario matches %s\n", pattern);
			return 1;
		}
		for (size_t i = 0; i < files.gl_pathc; i++)
			failed |= play_file(files.gl_pathv[i], &count);
		globfree(&files);
	}
	printf("1..%u\n", count);
	return failed;
}
