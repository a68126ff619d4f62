/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/hook/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/hook/reply.h"

/* A daemon that says nothing for so long, asked whether it is there, hangs. */
#define SILENCE_MS 10000
#define PING_EVERY_MS 2000
/* A daemon that is there takes the connection within this, even where very many others
 * want one; one that went away half way is restarted within this. */
#define REACH_MS 10000
#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 1000
/* One that answers and breaks again and again never comes to an end. */
#define BREAKS_MAX 3
#define PAGE_BYTES 4096
#define ID_LEN 36

enum { ID_HANDOFF = 1, ID_PING, ID_BUILT, ID_OTHER };

struct ask {
	uint32_t domid;
	uint64_t pages;
	char claim[ID_LEN + 1]; /* "" none */
	int fd;
	char line[8192]; /* of what comes, as much as fits */
	size_t len;
	uint64_t reach_by; /* when to stop trying to reach it */
	long pause_ms;	   /* before the next try */
	bool heard;	   /* it answered since it was reached */
	unsigned breaks;   /* after it was heard */
	char why[1024];	   /* the daemon's words when the memory is not claimed */
};

static void say(const struct ask *a, const char *what, const char *why)
{
	char text[1280];
	int n = snprintf(text, sizeof(text), "libballoon-claim: domain %" PRIu32 ": %s%s%s\n", a->domid,
			 what, *why ? ": " : "", why);

	if (n > (int)sizeof(text) - 1)
		n = (int)sizeof(text) - 1;
	(void)!write(STDERR_FILENO, text, (size_t)n);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const char *socket_path(void)
{
	const char *path = secure_getenv("BALLOOND_SOCKET");

	return path && *path ? path : BL_RUNSTATEDIR "/balloond/control.sock";
}

/* A descriptor, or -errno. Where the daemon's queue is full it waits for a place there
 * until the time is over (-EAGAIN). */
static int connect_once(uint64_t end)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = socket_path();
	uint64_t now = now_ms(), left = now < end ? end - now : 1;
	struct timeval limit = { .tv_sec = (time_t)(left / 1000),
				 .tv_usec = (suseconds_t)(left % 1000 * 1000) };
	int fd, r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	(void)strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	r = -errno;
	(void)close(fd);
	return r;
}

/* Any other error says nothing of whether there is a daemon. */
static bool says_nobody(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

static void wait_longer(struct ask *a)
{
	const struct timespec pause = { .tv_sec = a->pause_ms / 1000,
					.tv_nsec = a->pause_ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
	a->pause_ms = a->pause_ms * 2 < PAUSE_MAX_MS ? a->pause_ms * 2 : PAUSE_MAX_MS;
}

/* 0, or -errno of the last try. again: it was there, and may be being restarted. */
static int reach(struct ask *a, bool again)
{
	for (;;) {
		a->fd = connect_once(a->reach_by);
		if (a->fd >= 0)
			return 0;
		if (now_ms() >= a->reach_by || a->fd == -ENAMETOOLONG || (!again && says_nobody(a->fd)))
			return a->fd;
		wait_longer(a);
	}
}

/* Requests are far smaller than a socket's buffer. */
static int send_line(const struct ask *a, const char *line, size_t len)
{
	ssize_t n = send(a->fd, line, len, MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EPIPE;
}

static int send_call(const struct ask *a, int id, const char *method, const char *params)
{
	char line[512];
	int n = snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":{%s}}\n", id, method,
			 params);

	return send_line(a, line, (size_t)n);
}

static int send_handoff(const struct ask *a)
{
	char params[256], size[64] = "", claim[64] = "";

	if (a->pages)
		(void)snprintf(size, sizeof(size), ",\"size_bytes\":%" PRIu64, a->pages * PAGE_BYTES);
	if (a->claim[0])
		(void)snprintf(claim, sizeof(claim), ",\"claim\":\"%s\"", a->claim);
	(void)snprintf(params, sizeof(params), "\"domid\":%" PRIu32 "%s%s", a->domid, size, claim);
	return send_call(a, ID_HANDOFF, "handoff", params);
}

static int send_built(const struct ask *a)
{
	char params[64];

	(void)snprintf(params, sizeof(params), "\"domid\":%" PRIu32, a->domid);
	return send_call(a, ID_BUILT, "built", params);
}

/* 1: a->line is a whole line, or its beginning; 0: more has to come; -errno. */
static int take_bytes(struct ask *a)
{
	char c;

	for (;;) {
		ssize_t n = recv(a->fd, &c, 1, 0);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return -ECONNRESET;
		if (c == '\n')
			return 1;
		if (a->len < sizeof(a->line))
			a->line[a->len++] = c;
	}
}

/* The id of the line, ID_OTHER when it has none of ours, 0 when nothing came for
 * PING_EVERY_MS; -errno. */
static int next_line(struct ask *a)
{
	uint64_t end = now_ms() + PING_EVERY_MS;
	const char *id;
	int r;

	a->len = 0;
	for (;;) {
		struct pollfd p = { .fd = a->fd, .events = POLLIN };
		uint64_t now = now_ms();

		if (now >= end && a->len == 0)
			return 0;
		r = poll(&p, 1, now < end ? (int)(end - now) : PING_EVERY_MS);
		if (r < 0 && errno != EINTR)
			return -errno;
		r = r > 0 ? take_bytes(a) : 0;
		if (r < 0)
			return r;
		if (r > 0)
			break;
		if (now >= end + SILENCE_MS)
			return -ETIMEDOUT; /* in the middle of a line */
	}
	id = bl_hook_member(a->line, a->line + a->len, "id");
	return id && *id >= '0' + ID_HANDOFF && *id < '0' + ID_OTHER ? *id - '0' : ID_OTHER;
}

/* Told to whoever may not ask anything, and nothing follows. A daemon that has too much
 * to do says so likewise, but may have less later. */
static bool is_final(const struct ask *a)
{
	const char *end = a->line + a->len, *error = bl_hook_member(a->line, end, "error");
	const char *data = error ? bl_hook_member(error, end, "data") : NULL;
	char id[32];

	bl_hook_string(data ? bl_hook_member(data, end, "id") : NULL, end, id, sizeof(id));
	return !strcmp(id, "not-permitted");
}

/* 0: a->line answers the handoff; -errno. */
static int wait_for_answer(struct ask *a)
{
	uint64_t heard = now_ms();

	for (;;) {
		int id = next_line(a), r;

		if (id < 0)
			return id;
		if (id == ID_HANDOFF || (id == ID_OTHER && is_final(a)))
			return 0;
		if (id == ID_PING) {
			heard = now_ms();
			a->heard = true;
		}
		if (id)
			continue;
		if (now_ms() - heard >= SILENCE_MS)
			return -ETIMEDOUT;
		r = send_call(a, ID_PING, "ping", "");
		if (r < 0 && r != -EAGAIN && r != -EPIPE)
			return r;
	}
}

/* 0: staked; -EAGAIN: ask again, without the claim; -ENOMEM; -ESRCH: it is nothing that is
 * built; -EPROTO: not claimed for another reason. a->why: the daemon's words. */
static int read_answer(struct ask *a)
{
	const char *end = a->line + a->len, *error = bl_hook_member(a->line, end, "error");
	const char *data = error ? bl_hook_member(error, end, "data") : NULL;
	char id[32];

	if (!error) {
		(void)strcpy(a->why, "the answer makes no sense");
		return bl_hook_member(a->line, end, "result") ? 0 : -EPROTO;
	}
	bl_hook_string(bl_hook_member(error, end, "message"), end, a->why, sizeof(a->why));
	bl_hook_string(data ? bl_hook_member(data, end, "id") : NULL, end, id, sizeof(id));
	if (a->claim[0] && (!strcmp(id, "no-such-claim") || !strcmp(id, "bad-state"))) {
		a->claim[0] = '\0'; /* spent, on the same domain before its reboot, say */
		return -EAGAIN;
	}
	if (!strcmp(id, "bad-state") || !strcmp(id, "no-such-domain"))
		return -ESRCH; /* a domain that runs, say */
	return !strcmp(id, "no-memory") || !strcmp(id, "timeout") ? -ENOMEM : -EPROTO;
}

/* Of a connection, where the same errors as answers mean something else. */
static int broke(int r)
{
	return r == -EPROTO || r == -ENOMEM || r == -EAGAIN || r == -ESRCH ? -ECONNRESET : r;
}

static int ask_once(struct ask *a)
{
	int r;

	do {
		r = send_handoff(a);
		/* A daemon that has closed already may have said why before. */
		if (r == 0 || r == -EPIPE)
			r = wait_for_answer(a);
		if (r < 0)
			return broke(r);
		r = read_answer(a);
	} while (r == -EAGAIN);
	return r;
}

/* Given by whoever started us. */
static void take_claim(struct ask *a)
{
	const char *id = secure_getenv("BALLOOND_CLAIM");

	if (!id || !*id)
		return;
	if (strlen(id) == ID_LEN && strspn(id, "0123456789abcdefABCDEF-") == ID_LEN)
		(void)strcpy(a->claim, id);
	else
		say(a, "BALLOOND_CLAIM is ignored", "it is no UUID");
}

/* Whether a build fails for which a daemon that is there could not be asked, or did not claim
 * for another reason than a lack of memory. By default: the build would take memory that the
 * daemon may have promised to others. */
static bool must_fail(const struct ask *a)
{
	const char *value = secure_getenv("BALLOOND_UNREACHABLE");

	if (!value || !*value || !strcmp(value, "fail"))
		return true;
	if (!strcmp(value, "go-on"))
		return false;
	say(a, "BALLOOND_UNREACHABLE is ignored", "it is neither fail nor go-on");
	return true;
}

static const char *ending(bool fails)
{
	return fails ? "the build fails (BALLOOND_UNREACHABLE)" : "the build goes on without a claim";
}

/* The daemon answered, and did not claim. */
static enum bl_hook_answer not_claimed(const struct ask *a, int r)
{
	bool fails = r == -EPROTO && must_fail(a);
	char why[sizeof(a->why) + 64];

	if (r == -ENOMEM) {
		say(a, a->why, "");
		return BL_HOOK_REFUSED;
	}
	(void)snprintf(why, sizeof(why), "%s; %s", a->why, ending(fails));
	say(a, "its memory is not claimed", why);
	return fails ? BL_HOOK_REFUSED : BL_HOOK_ALONE;
}

/* asked: it may have heard the request. */
static enum bl_hook_answer give_up(const struct ask *a, int r, bool asked)
{
	bool nobody = says_nobody(r), fails = !nobody && must_fail(a);
	const char *what = !nobody ? "balloond does not answer"
			   : asked ? "balloond went away while it claimed the domain's memory"
				   : "no balloond to claim the domain's memory";
	char why[256];

	(void)snprintf(why, sizeof(why), "%s; %s", strerror(-r), ending(fails));
	say(a, what, why);
	return fails ? BL_HOOK_REFUSED : asked ? BL_HOOK_LOST : BL_HOOK_ALONE;
}

static void allow_time(struct ask *a)
{
	a->reach_by = now_ms() + REACH_MS;
	a->pause_ms = PAUSE_MIN_MS;
	a->heard = false;
}

/* The connection broke: whoever comes next knows what was done for us. */
static bool may_retry(struct ask *a, int r)
{
	if (r == -ETIMEDOUT || (a->heard && a->breaks++ == BREAKS_MAX))
		return false;
	if (a->heard)
		allow_time(a);
	if (now_ms() >= a->reach_by)
		return false;
	wait_longer(a);
	return true;
}

enum bl_hook_answer bl_hook_ask(uint32_t domid, uint64_t pages, int *ret_fd)
{
	struct ask a = { .domid = domid, .pages = pages };
	bool asked = false;
	int r;

	take_claim(&a);
	allow_time(&a);
	do {
		r = reach(&a, asked);
		if (r < 0)
			break;
		asked = true;
		r = ask_once(&a);
		if (r == 0)
			r = broke(send_built(&a));
		if (r == 0) {
			*ret_fd = a.fd;
			return BL_HOOK_STAKED;
		}
		(void)close(a.fd);
		if (r == -ENOMEM || r == -EPROTO || r == -ESRCH)
			return not_claimed(&a, r);
	} while (may_retry(&a, r));
	return give_up(&a, r, asked);
}
