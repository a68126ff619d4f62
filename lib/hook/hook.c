/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into the process that builds a domain: takes the place of what
 * libxenguest calls in libxenctrl before it populates, and has balloond claim
 * the domain's memory first. Everything that inherits it (a device model,
 * scripts) sees nothing of it: only calls from libxenguest count. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "lib/hook/ask.h"

/* As xenctrl.h has them; that is not included, for nothing of it is called. */
typedef int claim_pages_fn(void *xch, uint32_t domid, unsigned long nr_pages);
typedef int populate_fn(void *xch, uint32_t domid, unsigned long nr_extents,
			unsigned int extent_order, unsigned int mem_flags, unsigned long *extents);
__attribute__((visibility("default"))) claim_pages_fn xc_domain_claim_pages;
__attribute__((visibility("default"))) populate_fn xc_domain_populate_physmap_exact;

#define DOMIDS 32768 /* that a domain can have */
#define BUILDS_MAX 64 /* at once, in one process */

static struct {
	pthread_mutex_t lock;
	uint32_t asked[DOMIDS / 32]; /* a bit a domain that was asked for */
	struct {
		bool used;
		uint32_t domid;
		int fd;
	} builds[BUILDS_MAX];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool by_builder(const void *caller)
{
	static const char library[] = "libxenguest";
	Dl_info info;
	const char *slash;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return false;
	slash = strrchr(info.dli_fname, '/');
	return !strncmp(slash ? slash + 1 : info.dli_fname, library, sizeof(library) - 1);
}

static bool is_open(uint32_t domid)
{
	for (size_t i = 0; i < BUILDS_MAX; i++)
		if (state.builds[i].used && state.builds[i].domid == domid)
			return true;
	return false;
}

/* Whether to ask now: at the first claim of a build, else at its first pages. A
 * builder populates after its last claim too; and one that lives for long sees
 * domids come round again, which then begin with a claim. */
static bool begins(uint32_t domid, bool claims, const void *caller)
{
	const uint32_t bit = UINT32_C(1) << domid % 32;
	uint32_t *word = &state.asked[domid % DOMIDS / 32];
	bool first;

	if (domid >= DOMIDS || (!claims && __atomic_load_n(word, __ATOMIC_RELAXED) & bit) ||
	    !by_builder(caller))
		return false;
	(void)pthread_mutex_lock(&state.lock);
	first = claims ? !is_open(domid) : !(*word & bit);
	__atomic_store_n(word, *word | bit, __ATOMIC_RELAXED);
	(void)pthread_mutex_unlock(&state.lock);
	return first;
}

/* An fd without a place is closed: then what is left is given back too early,
 * and the rest comes out of what is free. */
static void keep(uint32_t domid, int fd)
{
	size_t i = 0;

	(void)pthread_mutex_lock(&state.lock);
	while (i < BUILDS_MAX && state.builds[i].used)
		i++;
	if (i < BUILDS_MAX) {
		state.builds[i].used = true;
		state.builds[i].domid = domid;
		state.builds[i].fd = fd;
	}
	(void)pthread_mutex_unlock(&state.lock);
	if (i == BUILDS_MAX)
		(void)close(fd);
}

static void done(uint32_t domid)
{
	(void)pthread_mutex_lock(&state.lock);
	for (size_t i = 0; i < BUILDS_MAX; i++)
		if (state.builds[i].used && state.builds[i].domid == domid) {
			state.builds[i].used = false;
			(void)close(state.builds[i].fd);
		}
	(void)pthread_mutex_unlock(&state.lock);
}

static enum bl_hook_answer ask(uint32_t domid, unsigned long pages)
{
	int error = errno, fd = -1;
	enum bl_hook_answer answer = bl_hook_ask(domid, pages, &fd);

	if (answer == BL_HOOK_STAKED)
		keep(domid, fd);
	errno = answer == BL_HOOK_REFUSED ? ENOMEM : error;
	return answer;
}

/* What we stand before; found once. */
static void *real(void **cache, const char *name)
{
	void *f = __atomic_load_n(cache, __ATOMIC_RELAXED);

	if (!f) {
		f = dlsym(RTLD_NEXT, name);
		__atomic_store_n(cache, f, __ATOMIC_RELAXED);
	}
	if (!f)
		errno = ENOSYS; /* no libxenctrl behind us: its caller found us alone */
	return f;
}

int xc_domain_claim_pages(void *xch, uint32_t domid, unsigned long nr_pages)
{
	static void *cache;
	claim_pages_fn *call = (claim_pages_fn *)real(&cache, "xc_domain_claim_pages");
	enum bl_hook_answer answer = BL_HOOK_ALONE;
	int error, r;

	if (!call)
		return -1;
	if (nr_pages && begins(domid, true, __builtin_return_address(0)))
		answer = ask(domid, nr_pages);
	if (answer == BL_HOOK_STAKED)
		return 0;
	if (answer == BL_HOOK_REFUSED)
		return -1;
	error = errno;
	r = call(xch, domid, nr_pages);
	/* It has a claim already: what balloond did before it went away. */
	if (r && errno == EINVAL && answer == BL_HOOK_LOST) {
		errno = error;
		r = 0;
	}
	if (!nr_pages) {
		error = errno;
		done(domid);
		errno = error;
	}
	return r;
}

int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     unsigned long *extents)
{
	static void *cache;
	populate_fn *call = (populate_fn *)real(&cache, "xc_domain_populate_physmap_exact");

	if (!call)
		return -1;
	/* How much it will be in the end is not known here. */
	if (begins(domid, false, __builtin_return_address(0)) && ask(domid, 0) == BL_HOOK_REFUSED)
		return -1;
	return call(xch, domid, nr_extents, extent_order, mem_flags, extents);
}
