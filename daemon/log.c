/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The callers' own place in the source is no use in the journal. */
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/text.h"

#define LINE_MAX_BYTES 2048
#define FIELD_MAX_BYTES 256
#define LIMIT_SECONDS 60
#define LIMIT_LINES 10

static void (*test_sink)(int priority, const char *line);

void bd_log_set_sink(void (*sink)(int priority, const char *line))
{
	test_sink = sink;
}

/* systemd names the journal's device and inode; a stderr that was redirected
 * since is not the journal. */
static bool to_journal(void)
{
	static int known = -1;
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long dev, ino;
	struct stat st;

	if (known < 0)
		known = stream && sscanf(stream, "%lu:%lu", &dev, &ino) == 2 &&
			fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
	return known;
}

static void emit_journal(int priority, const struct bd_log_field *fields, const char *line)
{
	char text[BD_LOG_FIELDS_MAX + 3][FIELD_MAX_BYTES], message[LINE_MAX_BYTES + 8];
	struct iovec iov[BD_LOG_FIELDS_MAX + 3];
	int n = 0;

	(void)snprintf(message, sizeof(message), "MESSAGE=%s", line);
	(void)snprintf(text[0], FIELD_MAX_BYTES, "PRIORITY=%d", priority);
	(void)snprintf(text[1], FIELD_MAX_BYTES, "SYSLOG_IDENTIFIER=balloond");
	iov[n++] = (struct iovec){ message, strlen(message) };
	iov[n++] = (struct iovec){ text[0], strlen(text[0]) };
	iov[n++] = (struct iovec){ text[1], strlen(text[1]) };
	for (int i = 0; fields && fields[i].name && i < BD_LOG_FIELDS_MAX; i++) {
		(void)snprintf(text[i + 2], FIELD_MAX_BYTES, "%s=%s", fields[i].name,
			       fields[i].value ? fields[i].value : "");
		iov[n++] = (struct iovec){ text[i + 2], strlen(text[i + 2]) };
	}
	(void)sd_journal_sendv(iov, n);
}

static void emit(int priority, const struct bd_log_field *fields, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void emit(int priority, const struct bd_log_field *fields, const char *fmt, va_list ap)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	bl_text_scrub(line, sizeof(line), raw, strlen(raw));
	if (test_sink)
		test_sink(priority, line);
	else if (to_journal())
		emit_journal(priority, fields, line);
	else
		(void)dprintf(STDERR_FILENO, "balloond: %s%s\n",
			      priority <= LOG_ERR ? "error: " :
			      priority == LOG_WARNING ? "warning: " : "", line);
}

void bd_log(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(priority, NULL, fmt, ap);
	va_end(ap);
}

void bd_log_with(int priority, const struct bd_log_field *fields, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(priority, fields, fmt, ap);
	va_end(ap);
}

bool bd_log_allowed(struct bd_log_limit *limit, int priority)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (!limit->n || (uint64_t)now.tv_sec >= limit->window + LIMIT_SECONDS) {
		if (limit->n > LIMIT_LINES)
			bd_log(priority, "%u more lines like the next were left out",
			       limit->n - LIMIT_LINES);
		limit->window = (uint64_t)now.tv_sec;
		limit->n = 0;
	}
	if (limit->n < UINT32_MAX)
		limit->n++;
	return limit->n <= LIMIT_LINES;
}

void bd_log_limited(struct bd_log_limit *limit, int priority, const char *fmt, ...)
{
	va_list ap;

	if (!bd_log_allowed(limit, priority))
		return;
	va_start(ap, fmt);
	emit(priority, NULL, fmt, ap);
	va_end(ap);
}
