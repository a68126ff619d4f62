/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linked with --wrap: every call of the daemon that changes the disk or the
 * host passes here, and is one place to be killed before and one after. The
 * state folder alone counts; descriptors of sockets and of the loop do not. */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "daemon/base/host.h"
#include "lib/sim/world.h"
#include "tests/kill/points.h"

/* ---- the disk ---- */

#define WRAP(ret, name, ...)                                                                                \
	ret __real_##name(__VA_ARGS__);                                                                     \
	ret __wrap_##name(__VA_ARGS__);                                                                     \
	ret __wrap_##name(__VA_ARGS__)

/* What the call is about, without the path of this run in front. */
static const char *leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool of_state(int fd)
{
	struct stat st;

	return fd != STDERR_FILENO && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

#define AROUND(what, name, type, call)                                                                      \
	do {                                                                                                \
		type ret_;                                                                                  \
		point_before(what, name);                                                                   \
		ret_ = call;                                                                                \
		point_after(what, name);                                                                    \
		return ret_;                                                                                \
	} while (0)

static mode_t mode_of(int flags, va_list ap)
{
	return flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (!(flags & (O_CREAT | O_TRUNC)))
		return __real_open(path, flags);
	AROUND("open", leaf(path), int, __real_open(path, flags, mode));
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (!(flags & (O_CREAT | O_TRUNC)))
		return __real_openat(dir, path, flags);
	AROUND("openat", leaf(path), int, __real_openat(dir, path, flags, mode));
}

WRAP(ssize_t, write, int fd, const void *buf, size_t n)
{
	if (!of_state(fd))
		return __real_write(fd, buf, n);
	AROUND("write", NULL, ssize_t, __real_write(fd, buf, n));
}

WRAP(ssize_t, pwrite, int fd, const void *buf, size_t n, off_t at)
{
	AROUND("pwrite", NULL, ssize_t, __real_pwrite(fd, buf, n, at));
}

/* A kill leaves what the kernel has: nothing is to be waited for. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	(void)fd;
	AROUND("fsync", NULL, int, 0);
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	(void)fd;
	AROUND("fdatasync", NULL, int, 0);
}

WRAP(int, ftruncate, int fd, off_t n)
{
	AROUND("ftruncate", NULL, int, __real_ftruncate(fd, n));
}

WRAP(int, posix_fallocate, int fd, off_t at, off_t n)
{
	AROUND("posix_fallocate", NULL, int, __real_posix_fallocate(fd, at, n));
}

WRAP(int, rename, const char *from, const char *to)
{
	AROUND("rename", leaf(to), int, __real_rename(from, to));
}

WRAP(int, renameat, int a, const char *from, int b, const char *to)
{
	AROUND("renameat", leaf(to), int, __real_renameat(a, from, b, to));
}

WRAP(int, unlink, const char *path)
{
	AROUND("unlink", leaf(path), int, __real_unlink(path));
}

WRAP(int, unlinkat, int dir, const char *path, int flags)
{
	AROUND("unlinkat", leaf(path), int, __real_unlinkat(dir, path, flags));
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	AROUND("mkdir", leaf(path), int, __real_mkdir(path, mode));
}

WRAP(int, mkdirat, int dir, const char *path, mode_t mode)
{
	AROUND("mkdirat", leaf(path), int, __real_mkdirat(dir, path, mode));
}

/* ---- the host: every operation of the backend that changes it ---- */

static const struct bd_host_ops *real;
static struct bd_host_ops counted;

static int op_apply(struct bd_host *h, const struct bl_action *a, struct bl_err *err)
{
	static const char *const names[] = { [BL_ACT_MAXMEM] = "maxmem",
					     [BL_ACT_TARGET] = "target",
					     [BL_ACT_NUDGE] = "nudge",
					     [BL_ACT_STAKE] = "stake" };

	AROUND("apply", names[a->kind], int, real->apply(h, a, err));
}

static int op_stake(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		    uint32_t *ret_domid, struct bl_err *err)
{
	AROUND("stake", NULL, int, real->stake(h, handle, id, pages, node, ret_domid, err));
}

static int op_unstake(struct bd_host *h, uint32_t holder, const bl_uuid *handle)
{
	AROUND("unstake", NULL, int, real->unstake(h, holder, handle));
}

static int op_transfer(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
		       bl_pages pages, struct bl_err *err)
{
	AROUND("transfer", NULL, int, real->transfer(h, holder, handle, domid, pages, err));
}

static int op_cancel(struct bd_host *h, uint32_t domid)
{
	AROUND("cancel", NULL, int, real->cancel(h, domid));
}

/* One hypercall each. */
static int op_pool_set(struct bd_host *h, int node, bl_pages pages, struct bl_err *err)
{
	AROUND("pool_set", NULL, int, real->pool_set(h, node, pages, err));
}

static int op_pool_move(struct bd_host *h, int node, uint32_t domid, bl_pages pages, struct bl_err *err)
{
	AROUND("pool_move", NULL, int, real->pool_move(h, node, domid, pages, err));
}

static void op_adopt(struct bd_host *h, uint32_t domid)
{
	point_before("adopt", NULL);
	real->adopt(h, domid);
	point_after("adopt", NULL);
}

WRAP(int, bd_host_sim_open, struct event_base *base, const struct bd_host_events *ev, const char *world_file,
     const char *state_dir, double speed, struct bd_host **ret, struct bl_err *err)
{
	int r = __real_bd_host_sim_open(base, ev, world_file, state_dir, speed, ret, err);

	if (r)
		return r;
	real = (*ret)->ops;
	counted = *real;
	counted.apply = op_apply;
	counted.stake = op_stake;
	counted.unstake = op_unstake;
	counted.transfer = op_transfer;
	counted.cancel = op_cancel;
	counted.pool_set = op_pool_set;
	counted.pool_move = op_pool_move;
	counted.adopt = op_adopt;
	(*ret)->ops = &counted;
	return 0;
}

WRAP(int, bd_host_sim_create, struct bd_host *h, const struct bl_sim_launch *l, const struct bl_claim *claim,
     uint32_t *ret_domid, struct bl_err *err)
{
	AROUND("launch", l->name, int, __real_bd_host_sim_create(h, l, claim, ret_domid, err));
}

/* ---- and, within one operation, every hypercall it is made of ---- */

WRAP(int, bl_sim_domain_create, struct bl_sim *s, const bl_uuid *handle, uint32_t *ret_domid)
{
	AROUND("hypercall", "domctl_create", int, __real_bl_sim_domain_create(s, handle, ret_domid));
}

WRAP(int, bl_sim_claim_of, struct bl_sim *s, struct bl_sim_dom *d, uint64_t pages)
{
	AROUND("hypercall", pages ? "claim_pages" : "claim_pages 0", int,
	       __real_bl_sim_claim_of(s, d, pages));
}

WRAP(int, bl_sim_kill, struct bl_sim *s, struct bl_sim_dom *d)
{
	AROUND("hypercall", "domctl_destroy", int, __real_bl_sim_kill(s, d));
}
