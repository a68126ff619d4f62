/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/wires.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ask {
	bool open;
	int64_t id;
	char method[32];
	wire_answered answered;
	void *ud;
};

static struct wire {
	bool open;
	int fd;
	struct ask asks[WIRE_ASKS];
	char *in;
	size_t len, cap;
} wires[WIRES];
static int64_t last_id;

void wires_begin(void)
{
	memset(wires, 0, sizeof(wires));
	last_id = 0;
}

int wire_open(unsigned wire)
{
	struct wire *w = &wires[wire];
	int pair[2];

	if (w->open)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	*w = (struct wire){ .open = true, .fd = pair[0] };
	return pair[1];
}

bool wire_is_open(unsigned wire)
{
	return wires[wire].open;
}

bool wires_own(int fd)
{
	for (unsigned i = 0; i < WIRES; i++)
		if (wires[i].open && wires[i].fd == fd)
			return true;
	return false;
}

static struct ask *free_ask(struct wire *w)
{
	for (unsigned i = 0; i < WIRE_ASKS; i++)
		if (!w->asks[i].open)
			return &w->asks[i];
	return NULL;
}

bool wire_ask(unsigned wire, wire_answered answered, void *ud, const char *method, const char *params, ...)
{
	struct wire *w = &wires[wire];
	struct ask *a = w->open ? free_ask(w) : NULL;
	char inside[1024], line[1280];
	va_list ap;
	int n;

	if (!a)
		return false;
	va_start(ap, params);
	vsnprintf(inside, sizeof(inside), params, ap);
	va_end(ap);
	*a = (struct ask){ .open = true, .id = ++last_id, .answered = answered, .ud = ud };
	snprintf(a->method, sizeof(a->method), "%s", method);
	n = snprintf(line, sizeof(line),
		     "{\"jsonrpc\":\"2.0\",\"id\":%" PRId64 ",\"method\":\"%s\",\"params\":{%s}}\n", a->id,
		     method, inside);
	/* Lines are short: there is always room for those that may be open. */
	if (send(w->fd, line, (size_t)n, MSG_NOSIGNAL) != n && errno != EPIPE)
		world_failed("the daemon does not read what it is sent: %s", strerror(errno));
	return true;
}

/* Whoever answered is not to ask again on this wire before all of it is settled. */
static void settle(struct ask *a, const struct bl_json *result, const struct bl_json *error)
{
	struct ask was = *a;

	a->open = false;
	if (was.answered)
		was.answered(was.ud, result, error);
}

static void drop(struct wire *w)
{
	if (!w->open)
		return;
	close(w->fd);
	free(w->in);
	w->in = NULL;
	w->open = false;
	for (unsigned i = 0; i < WIRE_ASKS; i++)
		if (w->asks[i].open)
			settle(&w->asks[i], NULL, NULL);
}

void wire_close(unsigned wire)
{
	drop(&wires[wire]);
}

void wires_daemon_gone(void)
{
	for (unsigned i = 0; i < WIRES; i++)
		drop(&wires[i]);
}

static void take_line(struct wire *w, const char *line, size_t len)
{
	const struct bl_json *id, *result, *error;
	struct bl_json *v = NULL;

	if (bl_json_parse(line, len, &v, NULL) < 0)
		world_failed("the daemon sends what is no JSON: %.*s", (int)len, line);
	id = bl_json_get(v, "id");
	result = bl_json_get(v, "result");
	error = bl_json_get(v, "error");
	if (bl_json_get(v, "method")) {
		if (id || result || error)
			world_failed("an event that is an answer: %.*s", (int)len, line);
	} else {
		struct ask *a = NULL;

		if (!id || bl_json_type(id) != BL_JSON_INT || !result == !error)
			world_failed("an answer to nobody: %.*s", (int)len, line);
		for (unsigned i = 0; i < WIRE_ASKS; i++)
			if (w->asks[i].open && w->asks[i].id == bl_json_int(id))
				a = &w->asks[i];
		if (!a)
			world_failed("an answer that nobody waits for, a second one perhaps: %.*s", (int)len,
				     line);
		settle(a, result, error);
	}
	bl_json_free(v);
}

static void take_lines(struct wire *w)
{
	size_t start = 0;
	char *end;

	while (w->open && (end = memchr(w->in + start, '\n', w->len - start))) {
		take_line(w, w->in + start, (size_t)(end - w->in) - start);
		start = (size_t)(end - w->in) + 1;
	}
	memmove(w->in, w->in + start, w->len - start);
	w->len -= start;
}

static bool receive(struct wire *w)
{
	bool any = false;

	while (w->open) {
		ssize_t n;

		if (w->cap - w->len < 4096) {
			w->cap = w->cap * 2 + 65536;
			w->in = realloc(w->in, w->cap);
			if (!w->in)
				abort();
		}
		n = recv(w->fd, w->in + w->len, w->cap - w->len, 0);
		if (n == 0)
			world_failed("the daemon hangs up on a client that does nothing wrong");
		if (n < 0)
			return any;
		any = true;
		w->len += (size_t)n;
		take_lines(w);
	}
	return any;
}

bool wires_receive(void)
{
	bool any = false;

	for (unsigned i = 0; i < WIRES; i++)
		any |= receive(&wires[i]);
	return any;
}

unsigned wires_open_asks(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WIRES; i++)
		for (unsigned k = 0; k < WIRE_ASKS; k++)
			n += wires[i].open && wires[i].asks[k].open;
	return n;
}
