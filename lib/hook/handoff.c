/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/hook/handoff.h"

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

/* A daemon that does not answer a ping for so long hangs. */
#define SILENCE_MS 10000
#define PING_EVERY_MS 2000
/* A daemon accepts a connection within this, even when very many clients connect; a daemon that
 * went away is restarted within this. */
#define REACH_MS 10000
#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 1000
/* Give up on a daemon that answers, and breaks the connection, so often. */
#define BREAKS_MAX 3
#define PAGE_BYTES 4096
#define ID_LEN 36

enum { ID_HANDOFF = 1, ID_PING, ID_BUILT, ID_OTHER };

struct handoff {
	uint32_t domid;
	uint64_t pages;
	char claim[ID_LEN + 1]; /* "": none */
	int fd;
	char line[8192]; /* the line that is being received, cut to this */
	size_t len;
	uint64_t reach_by; /* when to stop trying to connect */
	long pause_ms;	   /* before the next try */
	bool heard;	   /* the daemon answered on this connection */
	unsigned breaks;   /* breaks after an answer */
	char why[1024];	   /* the daemon's message when the memory is not claimed */
};

static void report(const struct handoff *h, const char *what, const char *why)
{
	char text[1280];
	int n = snprintf(text, sizeof(text), "libballoon-claim: domain %" PRIu32 ": %s%s%s\n", h->domid,
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

/* A descriptor, or -errno. While the daemon's queue is full, waits for a place until `end`
 * (-EAGAIN). */
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

/* After any other error there may be a daemon. */
static bool means_no_daemon(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

static void wait_longer(struct handoff *h)
{
	const struct timespec pause = { .tv_sec = h->pause_ms / 1000,
					.tv_nsec = h->pause_ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL);
	h->pause_ms = h->pause_ms * 2 < PAUSE_MAX_MS ? h->pause_ms * 2 : PAUSE_MAX_MS;
}

/* 0, or -errno of the last try. again: the daemon was there, and may be starting again. */
static int connect_daemon(struct handoff *h, bool again)
{
	for (;;) {
		h->fd = connect_once(h->reach_by);
		if (h->fd >= 0)
			return 0;
		if (now_ms() >= h->reach_by || h->fd == -ENAMETOOLONG || (!again && means_no_daemon(h->fd)))
			return h->fd;
		wait_longer(h);
	}
}

/* One send() is enough: requests are far smaller than a socket's buffer. */
static int send_line(const struct handoff *h, const char *line, size_t len)
{
	ssize_t n = send(h->fd, line, len, MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EPIPE;
}

static int send_call(const struct handoff *h, int id, const char *method, const char *params)
{
	char line[512];
	int n = snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":{%s}}\n", id, method,
			 params);

	return send_line(h, line, (size_t)n);
}

static int send_handoff(const struct handoff *h)
{
	char params[256], size[64] = "", claim[64] = "";

	if (h->pages)
		snprintf(size, sizeof(size), ",\"size_bytes\":%" PRIu64, h->pages * PAGE_BYTES);
	if (h->claim[0])
		snprintf(claim, sizeof(claim), ",\"claim\":\"%s\"", h->claim);
	snprintf(params, sizeof(params), "\"domid\":%" PRIu32 "%s%s", h->domid, size, claim);
	return send_call(h, ID_HANDOFF, "handoff", params);
}

static int send_built(const struct handoff *h)
{
	char params[64];

	snprintf(params, sizeof(params), "\"domid\":%" PRIu32, h->domid);
	return send_call(h, ID_BUILT, "built", params);
}

/* 1: h->line has a whole line, or as much of it as fits; 0: more must come; -errno. */
static int take_bytes(struct handoff *h)
{
	char c;

	for (;;) {
		ssize_t n = recv(h->fd, &c, 1, 0);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return -ECONNRESET;
		if (c == '\n')
			return 1;
		if (h->len < sizeof(h->line))
			h->line[h->len++] = c;
	}
}

/* The id of the next line; ID_OTHER if it is none of ours; 0 if nothing came for PING_EVERY_MS;
 * -errno. */
static int next_line(struct handoff *h)
{
	uint64_t end = now_ms() + PING_EVERY_MS;
	const char *id;
	int r;

	h->len = 0;
	for (;;) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN };
		uint64_t now = now_ms();

		if (now >= end && h->len == 0)
			return 0;
		r = poll(&p, 1, now < end ? (int)(end - now) : PING_EVERY_MS);
		if (r < 0 && errno != EINTR)
			return -errno;
		r = r > 0 ? take_bytes(h) : 0;
		if (r < 0)
			return r;
		if (r > 0)
			break;
		if (now >= end + SILENCE_MS)
			return -ETIMEDOUT; /* in the middle of a line */
	}
	id = bl_hook_member(h->line, h->line + h->len, "id");
	return id && *id >= '0' + ID_HANDOFF && *id < '0' + ID_OTHER ? *id - '0' : ID_OTHER;
}

/* Finds the error in the line, NULL if there is none, and its id, "" if it has none. */
static const char *find_error(const struct handoff *h, char id[32])
{
	const char *end = h->line + h->len, *error = bl_hook_member(h->line, end, "error");
	const char *data = error ? bl_hook_member(error, end, "data") : NULL;

	bl_hook_string(data ? bl_hook_member(data, end, "id") : NULL, end, id, 32);
	return error;
}

/* "not-permitted" without an id is the last line on the connection. A busy daemon may refuse a
 * request in the same way, but may accept it later. */
static bool is_final(const struct handoff *h)
{
	char id[32];

	(void)find_error(h, id);
	return !strcmp(id, "not-permitted");
}

/* 0: h->line has the answer to the handoff; -errno. */
static int wait_for_answer(struct handoff *h)
{
	uint64_t answered_at = now_ms();

	for (;;) {
		int id = next_line(h), r;

		if (id < 0)
			return id;
		if (id == ID_HANDOFF || (id == ID_OTHER && is_final(h)))
			return 0;
		if (id == ID_PING) {
			answered_at = now_ms();
			h->heard = true;
		}
		if (id)
			continue;
		if (now_ms() - answered_at >= SILENCE_MS)
			return -ETIMEDOUT;
		r = send_call(h, ID_PING, "ping", "");
		if (r < 0 && r != -EAGAIN && r != -EPIPE)
			return r;
	}
}

/* 0: staked; -EAGAIN: ask again, without the claim; -ENOMEM: refused; -ESRCH: the domain is not
 * being built; -EPROTO: not claimed for another reason. Fills h->why. */
static int read_answer(struct handoff *h)
{
	char id[32];
	const char *end = h->line + h->len, *error = find_error(h, id);

	if (!error) {
		(void)strcpy(h->why, "the answer makes no sense");
		return bl_hook_member(h->line, end, "result") ? 0 : -EPROTO;
	}
	bl_hook_string(bl_hook_member(error, end, "message"), end, h->why, sizeof(h->why));
	if (h->claim[0] && (!strcmp(id, "no-such-claim") || !strcmp(id, "bad-state"))) {
		h->claim[0] = '\0'; /* used already, for instance by the same domain before its reboot */
		return -EAGAIN;
	}
	if (!strcmp(id, "bad-state") || !strcmp(id, "no-such-domain"))
		return -ESRCH; /* for instance a domain that runs */
	return !strcmp(id, "no-memory") || !strcmp(id, "timeout") ? -ENOMEM : -EPROTO;
}

/* Maps errors of the connection that have another meaning as answers. */
static int connection_error(int r)
{
	return r == -EPROTO || r == -ENOMEM || r == -EAGAIN || r == -ESRCH ? -ECONNRESET : r;
}

static int try_handoff(struct handoff *h)
{
	int r;

	do {
		r = send_handoff(h);
		/* A daemon that closes the connection may have sent the reason first. */
		if (r == 0 || r == -EPIPE)
			r = wait_for_answer(h);
		if (r < 0)
			return connection_error(r);
		r = read_answer(h);
	} while (r == -EAGAIN);
	return r;
}

/* Takes the claim that `balloonctl run`, or whoever started the process, passes on. */
static void take_claim(struct handoff *h)
{
	const char *id = secure_getenv("BALLOOND_CLAIM");

	if (!id || !*id)
		return;
	if (strlen(id) == ID_LEN && strspn(id, "0123456789abcdefABCDEF-") == ID_LEN)
		(void)strcpy(h->claim, id);
	else
		report(h, "BALLOOND_CLAIM is ignored", "it is no UUID");
}

/* True if the build fails when a daemon may be there but cannot be reached, or did not claim for
 * another reason than a lack of memory. By default it fails: the build would take memory that the
 * daemon may have promised to others. */
static bool must_fail(const struct handoff *h)
{
	const char *value = secure_getenv("BALLOOND_UNREACHABLE");

	if (!value || !*value || !strcmp(value, "fail"))
		return true;
	if (!strcmp(value, "go-on"))
		return false;
	report(h, "BALLOOND_UNREACHABLE is ignored", "it is neither fail nor go-on");
	return true;
}

static const char *ending(bool fails)
{
	return fails ? "the build fails (BALLOOND_UNREACHABLE)" : "the build goes on without a claim";
}

/* The daemon answered, and did not claim. r is what read_answer() returned. */
static enum bl_hook_answer not_claimed(const struct handoff *h, int r)
{
	bool fails = r == -EPROTO && must_fail(h);
	char why[sizeof(h->why) + 64];

	if (r == -ENOMEM) {
		report(h, h->why, "");
		return BL_HOOK_REFUSED;
	}
	snprintf(why, sizeof(why), "%s; %s", h->why, ending(fails));
	report(h, "its memory is not claimed", why);
	return fails ? BL_HOOK_REFUSED : BL_HOOK_UNCLAIMED;
}

/* asked: the daemon may have received the request. */
static enum bl_hook_answer give_up(const struct handoff *h, int r, bool asked)
{
	bool nobody = means_no_daemon(r), fails = !nobody && must_fail(h);
	const char *what = !nobody ? "balloond does not answer"
			   : asked ? "balloond went away while it claimed the domain's memory"
				   : "no balloond to claim the domain's memory";
	char why[256];

	snprintf(why, sizeof(why), "%s; %s", strerror(-r), ending(fails));
	report(h, what, why);
	return fails ? BL_HOOK_REFUSED : asked ? BL_HOOK_MAYBE_CLAIMED : BL_HOOK_UNCLAIMED;
}

static void allow_time(struct handoff *h)
{
	h->reach_by = now_ms() + REACH_MS;
	h->pause_ms = PAUSE_MIN_MS;
	h->heard = false;
}

/* After a broken connection the next daemon knows what was staked for the domain. */
static bool may_retry(struct handoff *h, int r)
{
	if (r == -ETIMEDOUT || (h->heard && h->breaks++ == BREAKS_MAX))
		return false;
	if (h->heard)
		allow_time(h);
	if (now_ms() >= h->reach_by)
		return false;
	wait_longer(h);
	return true;
}

enum bl_hook_answer bl_hook_handoff(uint32_t domid, uint64_t pages, int *ret_fd)
{
	struct handoff h = { .domid = domid, .pages = pages };
	bool asked = false;
	int r;

	take_claim(&h);
	allow_time(&h);
	do {
		r = connect_daemon(&h, asked);
		if (r < 0)
			break;
		asked = true;
		r = try_handoff(&h);
		if (r == 0)
			r = connection_error(send_built(&h));
		if (r == 0) {
			*ret_fd = h.fd;
			return BL_HOOK_STAKED;
		}
		(void)close(h.fd);
		if (r == -ENOMEM || r == -EPROTO || r == -ESRCH)
			return not_claimed(&h, r);
	} while (may_retry(&h, r));
	return give_up(&h, r, asked);
}
