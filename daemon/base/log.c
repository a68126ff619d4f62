/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log-writer.h"
#include "lib/core/text.h"

/* The journal's own protocol: a datagram of FIELD=value lines. libsystemd's functions use it as
 * well, but wait while the journal's daemon does not read. */
#define JOURNAL "/run/systemd/journal/socket"
/* Time at the end for lines that still wait for stderr. */
#define STOP_MS 1000
#define LINE_MAX_BYTES 2048
#define FIELD_MAX_BYTES 256
#define LIMIT_SECONDS 60
#define LIMIT_LINES 10

static void (*test_sink)(int priority, const char *line);
static struct bd_log_writer *writer; /* NULL: the caller writes its lines itself */
static unsigned long lost;	     /* lines since the last line that was read */

void bd_log_set_sink(void (*sink)(int priority, const char *line))
{
	test_sink = sink;
}

/* systemd tells the device and inode of the journal; a stderr that was redirected since is not
 * the journal. */
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

static int journal_socket(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd;
}

static bool send_journal(int priority, const struct bd_log_field *fields, const char *line)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	char text[BD_LOG_FIELDS_MAX + 2][FIELD_MAX_BYTES], message[LINE_MAX_BYTES + 16];
	struct iovec iov[BD_LOG_FIELDS_MAX + 2];
	/* Give the address with each line: the journal's daemon may have been started again. */
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = iov };
	char clean[FIELD_MAX_BYTES - 64];
	size_t n = 0;

	(void)snprintf(message, sizeof(message), "MESSAGE=%s\n", line);
	(void)snprintf(text[0], FIELD_MAX_BYTES, "PRIORITY=%d\nSYSLOG_IDENTIFIER=balloond\n", priority);
	iov[n++] = (struct iovec){ message, strlen(message) };
	iov[n++] = (struct iovec){ text[0], strlen(text[0]) };
	for (size_t i = 0; fields && fields[i].name && i < BD_LOG_FIELDS_MAX; i++) {
		const char *value = fields[i].value ? fields[i].value : "";

		bl_text_scrub(clean, sizeof(clean), value, strlen(value));
		(void)snprintf(text[i + 1], FIELD_MAX_BYTES, "%.60s=%s\n", fields[i].name, clean);
		iov[n++] = (struct iovec){ text[i + 1], strlen(text[i + 1]) };
	}
	msg.msg_iovlen = n;
	return sendmsg(journal_socket(), &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool write_stderr(int priority, const char *line)
{
	char text[LINE_MAX_BYTES + 32];
	const char *kind = priority <= LOG_ERR ? "error: " : priority == LOG_WARNING ? "warning: " : "";
	size_t len;

	(void)snprintf(text, sizeof(text), "balloond: %s%s\n", kind, line);
	len = strlen(text);
	if (writer)
		return bd_log_writer_put(writer, text, len);
	return write(STDERR_FILENO, text, len) == (ssize_t)len;
}

static bool send_line(int priority, const struct bd_log_field *fields, const char *line)
{
	return to_journal() ? send_journal(priority, fields, line) : write_stderr(priority, line);
}

void bd_log_catch_up(void)
{
	char line[128];

	if (!lost || test_sink)
		return;
	(void)snprintf(line, sizeof(line), "%lu line%s of the log were lost: nobody read them", lost,
		       lost > 1 ? "s" : "");
	if (send_line(LOG_WARNING, NULL, line))
		lost = 0;
}

void bd_log_start(void)
{
	if (!writer && !to_journal())
		writer = bd_log_writer_new(STDERR_FILENO);
}

void bd_log_stop(void)
{
	bd_log_catch_up();
	bd_log_writer_free(writer, STOP_MS);
	writer = NULL;
}

static void emit(int priority, const struct bd_log_field *fields, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void emit(int priority, const struct bd_log_field *fields, const char *fmt, va_list ap)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	bl_text_scrub(line, sizeof(line), raw, strlen(raw));
	if (test_sink) {
		test_sink(priority, line);
		return;
	}
	bd_log_catch_up();
	/* Keep the order: report the missing lines before the next line. */
	if (lost || !send_line(priority, fields, line))
		lost++;
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
