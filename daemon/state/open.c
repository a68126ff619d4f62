/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the state folders, and reads them with patience. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/atomic-file.h"
#include "daemon/base/log.h"
#include "daemon/state/file.h"
#include "daemon/state/internal.h"

#define BAD ".bad"
/* In the folder of claims: the records of the older folder were all copied there in this boot,
 * and some could not be removed from the older. */
#define MOVED ".moved"
/* An error that may pass, such as a lack of descriptors or memory, is tried so often. */
#define TRIES 5
#define TRY_AGAIN_MS 100

static void wait_a_little(void)
{
	const struct timespec t = { .tv_nsec = TRY_AGAIN_MS * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* ---- folders ---- */

/* True if nothing is there and nothing can be made: the daemon is still of use without the
 * folder. Other errors may hide records. */
static bool can_go_without(int r)
{
	return r == -ENOENT || r == -EROFS || r == -ENOSPC || r == -EDQUOT || r == -ENOTDIR || r == -EPERM;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int open_place(struct bd_state *s, enum bd_state_kind kind)
{
	struct bd_place *p = &s->places[kind];
	int r = 0;

	for (int i = 0; i < TRIES; i++) {
		p->read = true;
		r = bd_place_open(p);
		if (r == 0 || r == -EBUSY)
			return r;
		p->read = false;
		if (can_go_without(r) || (r == -EACCES && !is_there(p->path)))
			break;
		wait_a_little();
	}
	s->failing[kind] = r;
	return can_go_without(r) || (r == -EACCES && !is_there(p->path)) ? 0 : r;
}

static int set_path(struct bd_place *p, const char *dir, const char *name, mode_t parent_mode)
{
	int n = snprintf(p->path, sizeof(p->path), "%s%s%s", dir, *name ? "/" : "", name);

	p->fd = p->lock = -1;
	p->parent_mode = parent_mode;
	return n < (int)sizeof(p->path) ? 0 : -ENAMETOOLONG;
}

static int open_places(struct bd_state *s, const char *dir, const char *claims)
{
	struct bd_place *p = s->places;
	int r = set_path(&p[BD_STATE_PAUSED], dir, "", 0755);

	r = r < 0 ? r : set_path(&p[BD_STATE_DOMAIN], dir, "domains", 0700);
	if (r == 0 && claims)
		r = set_path(&p[BD_STATE_CLAIM], claims, "", 0755);
	else if (r == 0)
		r = set_path(&p[BD_STATE_CLAIM], dir, "claims", 0700);
	p[BD_STATE_PAUSED].sync = p[BD_STATE_DOMAIN].sync = true;
	p[BD_STATE_PAUSED].locks = true;
	p[BD_STATE_CLAIM].locks = claims != NULL;
	/* The outer folder comes first: it has the lock. */
	r = r < 0 ? r : open_place(s, BD_STATE_PAUSED);
	r = r < 0 ? r : open_place(s, BD_STATE_DOMAIN);
	return r < 0 ? r : open_place(s, BD_STATE_CLAIM);
}

int bd_state_open(const char *dir, const char *claims, struct bd_state **ret, struct bl_err *reterr)
{
	struct bd_state *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	s->reply_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bd_worker_init(&s->of_claims, s->places, s->reply_fd);
	bd_worker_init(&s->of_domains, s->places, s->reply_fd);
	for (size_t k = 0; k < BD_STATE_KINDS; k++)
		s->places[k].fd = s->places[k].lock = -1;
	s->path = strdup(dir);
	s->out = bl_json_out_new();
	if (s->reply_fd < 0)
		r = -EMFILE;
	else
		r = s->path && s->out ? open_places(s, dir, claims) : -ENOMEM;
	if (r == 0) {
		*ret = s;
		return 0;
	}
	bd_state_close(s);
	return bl_err_set(reterr, -r, BL_ERR_BACKEND, "state folder %s: %s", dir,
			  r == -EBUSY ? "another balloond has it" : strerror(-r));
}

/* ---- files ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

bool bd_state_passes_over(const struct bd_place *p, const char *name)
{
	if (ends_with(name, BD_ATOMIC_FILE_TMP)) /* left by a write that was cut off */
		(void)bd_atomic_file_remove(p->fd, name);
	return name[0] == '.' || ends_with(name, BAD) || ends_with(name, BD_ATOMIC_FILE_TMP) ||
	       !strcmp(name, "lock");
}

void bd_state_set_aside(const struct bd_place *p, const char *name, const char *why)
{
	char bad[NAME_MAX + sizeof(BAD)];

	snprintf(bad, sizeof(bad), "%s" BAD, name);
	bd_log(LOG_WARNING, "%s/%s is not what balloond wrote and was set aside as %s: %s", p->path, name,
	       bad, why);
	if (renameat(p->fd, name, p->fd, bad) < 0)
		bd_log(LOG_WARNING, "%s/%s: %s", p->path, bad, strerror(errno));
}

int bd_state_fail(const struct bd_place *p, const char *name, int r, struct bl_err *reterr)
{
	return bl_err_set(reterr, -r, BL_ERR_BACKEND,
			  "%s/%s cannot be read: %s; it was left as it is, and the start is given up",
			  p->path, name, strerror(-r));
}

ssize_t bd_state_read(const struct bd_place *p, const char *name, char *text, size_t size)
{
	ssize_t n = 0;

	for (int i = 0; i < TRIES; i++) {
		n = bd_atomic_file_read(p->fd, name, text, size);
		if (n >= 0 || n == -EINVAL)
			break;
		wait_a_little();
	}
	return n;
}

int bd_state_is_there(const struct bd_place *p, const char *name, struct bl_err *reterr)
{
	int r = -EIO;

	for (int i = 0; i < TRIES; i++) {
		if (i)
			wait_a_little();
		r = faccessat(p->fd, name, F_OK, 0) == 0 ? 1 : -errno;
		if (r == 1 || r == -ENOENT)
			return r == 1;
	}
	return bd_state_fail(p, name, r, reterr);
}

int bd_state_list(const struct bd_place *p, struct dirent ***ret, struct bl_err *reterr)
{
	int n = -1;

	for (int i = 0; n < 0 && i < TRIES; i++) {
		if (i)
			wait_a_little();
		n = scandirat(p->fd, ".", ret, NULL, alphasort);
	}
	return n < 0 ? bd_state_fail(p, ".", -errno, reterr) : n;
}

/* ---- records of an older balloond ---- */

static int move_failed(const struct bd_place *from, const struct bd_place *to, const char *name, int r,
		       struct bl_err *reterr)
{
	return bl_err_set(reterr, -r, BL_ERR_BACKEND, "%s/%s cannot be moved to %s: %s", from->path, name,
			  to->path, strerror(-r));
}

/* *left: it cannot be removed from where it was. */
static int move_claim(const struct bd_place *from, const struct bd_place *to, const char *name, bool *left,
		      struct bl_err *reterr)
{
	char text[BD_STATE_FILE_MAX];
	ssize_t n;
	int r;

	if (bd_state_passes_over(from, name) || strlen(name) > BD_ATOMIC_FILE_NAME_MAX)
		return 0;
	n = bd_state_read(from, name, text, sizeof(text));
	if (n == -EINVAL) {
		bd_state_set_aside(from, name, "not a file of its kind");
		return 0;
	}
	if (n < 0)
		return bd_state_fail(from, name, (int)n, reterr);
	r = to->fd < 0 ? -ENOENT : bd_atomic_file_write(to->fd, name, text, (size_t)n, to->sync);
	if (r < 0)
		return move_failed(from, to, name, r, reterr);
	r = bd_atomic_file_remove(from->fd, name);
	if (!can_go_without(r))
		return r < 0 ? move_failed(from, to, name, r, reterr) : 0;
	bd_log(LOG_WARNING, "%s/%s was copied to %s and cannot be removed: %s", from->path, name, to->path,
	       strerror(-r));
	*left = true;
	return 0;
}

int bd_state_move_claims(struct bd_state *s, struct bl_err *reterr)
{
	const struct bd_place *to = &s->places[BD_STATE_CLAIM];
	struct bd_place from;
	struct dirent **list = NULL;
	bool left = false;
	int n, r = 0;

	if (set_path(&from, s->path, "claims", 0700) || !strcmp(from.path, to->path))
		return 0;
	n = to->fd < 0 ? 0 : bd_state_is_there(to, MOVED, reterr);
	if (n)
		return n < 0 ? n : 0;
	from.fd = open(from.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from.fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : bd_state_fail(&from, ".", -errno, reterr);
	n = bd_state_list(&from, &list, reterr);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = move_claim(&from, to, list[i]->d_name, &left, reterr);
		free(list[i]);
	}
	free(list);
	bd_place_close(&from);
	/* What is left there is not to come back when its claim has ended. */
	if (n >= 0 && r == 0 && left) {
		r = bd_atomic_file_write(to->fd, MOVED, "", 0, false);
		if (r < 0)
			return move_failed(&from, to, MOVED, r, reterr);
	}
	/* This fails if a file in it was set aside. */
	if (n >= 0 && r == 0)
		(void)unlinkat(AT_FDCWD, from.path, AT_REMOVEDIR);
	return n < 0 ? n : r;
}
