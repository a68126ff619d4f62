/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/sim/map.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sim/sim.h"

#define READ_MS 5000
#define TEXT_MAX (4U << 20) /* Longest world's file: room for more than 10,000 sections. */

static int failed(struct bl_err *reterr, int error, const char *what, const char *path)
{
	return bl_err_set(reterr, error, BL_ERR_BACKEND, "%s %s: %s", what, path, strerror(error));
}

/* FNV-1a. */
static uint64_t fingerprint(const char *text, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Waits for the writer of a pipe, but not for ever. */
static ssize_t read_some(int fd, char *text, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = poll(&p, 1, READ_MS);

	if (r == 0)
		errno = ETIMEDOUT;
	return r > 0 ? read(fd, text, size) : -1;
}

/* Reads the whole file into *ret, to be freed. A pipe is fine: the size is not known beforehand. */
static int read_text(const char *path, char **ret, size_t *ret_len, struct bl_err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = 0;
	char *text;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return failed(reterr, errno, "cannot open", path);
	text = malloc(TEXT_MAX);
	if (!text)
		error = ENOMEM;
	while (!error && n && len < TEXT_MAX) {
		n = read_some(fd, text + len, TEXT_MAX - len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			error = errno;
		if (n > 0)
			len += (size_t)n;
	}
	close(fd);
	if (!error && len == TEXT_MAX)
		error = EFBIG;
	if (error) {
		free(text);
		return failed(reterr, error, "cannot read", path);
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

static int begin_world(void *mem, const char *file, const char *text, size_t len, struct bl_err *reterr)
{
	struct bl_sim *s;
	struct bl_sim_keep *keep;
	int r = bl_sim_world_parse(mem, file, text, len, reterr);

	if (!r)
		r = bl_sim_open(mem, bl_sim_world_size(), &s, reterr);
	if (r)
		return r;
	keep = bl_sim_keep(s);
	keep->source = fingerprint(text, len);
	if (getrandom(keep->boot.b, sizeof(keep->boot.b), 0) != (ssize_t)sizeof(keep->boot.b))
		r = failed(reterr, errno, "no random numbers for", file);
	bl_sim_free(s);
	return r;
}

/* Makes the file under another name, and renames it when it is whole. */
static int create(const char *path, const char *file, const char *text, size_t len, struct bl_err *reterr)
{
	size_t size = bl_sim_world_size();
	char fresh[4096];
	void *mem;
	int fd, r;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return failed(reterr, ENAMETOOLONG, "cannot create", path);
	unlink(fresh); /* left by a process that was killed here */
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(reterr, errno, "cannot create", fresh);
	/* Allocate all of the file now: a full disk is an error here, and a SIGBUS later. */
	r = posix_fallocate(fd, 0, (off_t)size);
	mem = r ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED) {
		r = failed(reterr, r ? r : errno, "cannot make room for", fresh);
	} else {
		r = begin_world(mem, file, text, len, reterr);
		munmap(mem, size);
	}
	close(fd);
	if (!r && rename(fresh, path) < 0)
		r = failed(reterr, errno, "cannot rename", fresh);
	if (r)
		unlink(fresh);
	return r;
}

static int map(struct bd_sim_map *m, const char *path, struct bl_err *reterr)
{
	struct stat st;

	if (flock(m->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? bl_err_set(reterr, EBUSY, BL_ERR_BACKEND,
							 "another process simulates %s", path)
					    : failed(reterr, errno, "cannot lock", path);
	if (fstat(m->fd, &st) < 0)
		return failed(reterr, errno, "cannot look at", path);
	m->size = bl_sim_world_size();
	if (st.st_size != (off_t)m->size)
		return bl_err_set(reterr, EBADMSG, BL_ERR_BACKEND,
				  "%s is no simulated world, or one of another version: remove it "
				  "to begin a new one",
				  path);
	m->mem = mmap(NULL, m->size, PROT_READ | PROT_WRITE, m->passing ? MAP_PRIVATE : MAP_SHARED, m->fd,
		      0);
	return m->mem == MAP_FAILED ? failed(reterr, errno, "cannot map", path) : 0;
}

/* True if the folder is missing or cannot be written: simulate without the file. */
static bool unwritable(int error)
{
	return error == EROFS || error == EACCES || error == EPERM || error == ENOENT || error == ENOTDIR ||
	       error == ENOSPC || error == EDQUOT;
}

static int map_copy(struct bd_sim_map *m, const char *path, const char *file, const char *text, size_t len,
		    struct bl_err *reterr)
{
	int r = 0;

	m->passing = true;
	m->size = bl_sim_world_size();
	m->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fd >= 0)
		return map(m, path, reterr);
	m->mem = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->mem == MAP_FAILED)
		return failed(reterr, errno, "cannot make room for", path);
	r = begin_world(m->mem, file, text, len, reterr);
	if (r)
		munmap(m->mem, m->size);
	return r;
}

static int open_or_create(const char *path, const char *file, const char *text, size_t len,
			  struct bd_sim_map *m, struct bl_err *reterr)
{
	int r;

	m->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0 && errno == ENOENT) {
		r = create(path, file, text, len, reterr);
		if (r && !unwritable(-r))
			return r;
		m->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	}
	if (m->fd < 0 && !unwritable(errno))
		return failed(reterr, errno, "cannot open", path);
	r = m->fd < 0 ? map_copy(m, path, file, text, len, reterr) : map(m, path, reterr);
	if (r && m->fd >= 0)
		close(m->fd);
	return r;
}

int bd_sim_map_open(const char *state_dir, const char *world_file, struct bd_sim_map *ret,
		    struct bl_err *reterr)
{
	const char *file = world_file ? world_file : "built-in world";
	char path[4096], *read = NULL;
	const char *text = bl_sim_default_world;
	size_t len = strlen(text);
	struct bd_sim_map m = { .fd = -1 };
	int r = 0;

	if (snprintf(path, sizeof(path), "%s/%s", state_dir, BD_SIM_MAP_NAME) >= (int)sizeof(path))
		return failed(reterr, ENAMETOOLONG, "cannot open", state_dir);
	if (world_file)
		r = read_text(world_file, &read, &len, reterr);
	if (r)
		return r;
	if (read)
		text = read;
	r = open_or_create(path, file, text, len, &m, reterr);
	if (!r) {
		const struct bl_sim_keep *keep = NULL;
		struct bl_sim *s;

		r = bl_sim_open(m.mem, m.size, &s, reterr);
		if (!r) {
			keep = bl_sim_keep(s);
			m.other_source = world_file && keep->source != fingerprint(text, len);
			bl_sim_free(s);
			*ret = m;
		} else {
			bd_sim_map_close(&m);
		}
	}
	free(read);
	return r;
}

void bd_sim_map_close(struct bd_sim_map *m)
{
	munmap(m->mem, m->size);
	if (m->fd >= 0)
		close(m->fd);
}
