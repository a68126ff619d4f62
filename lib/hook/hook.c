/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into the process that builds a domain: takes the place of what
 * libxenguest calls in libxenctrl before it populates, and has balloond claim
 * the domain's memory first. Everything that inherits it (a device model,
 * scripts) sees nothing of it: only calls from libxenguest count.
 *
 * What a builder takes a domain's memory with, as read in Xen 4.17.7, 4.20.4,
 * 4.22.0 and staging of August 2026 (c447b7308b): libxenguest (tools/libs/guest)
 * and libxl (tools/libs/light). Where no version is named, all four are alike.
 *
 * Wrapped here:
 *   xc_domain_claim_pages             With claim_mode, the first call of meminit_pv and
 *                                     meminit_hvm (xg_dom_x86.c; HVM and PVH are built by the
 *                                     same function). Without claim_mode they make only the call
 *                                     for 0 pages at the end, which cancels a claim; meminit_pv
 *                                     leaves it out when it fails.
 *   xc_domain_set_pod_target          meminit_hvm, if maxmem is above memory: the hypervisor
 *                                     fills the populate-on-demand cache, which is all of the
 *                                     guest's memory, before the first page is populated. libxl
 *                                     calls it too (xl mem-set), from libxenlight.
 *   xc_domain_populate_physmap        meminit_pv: extents of 2 MiB; meminit_hvm: of 1 GiB and of
 *                                     2 MiB. Called first by a PV or PVH build without
 *                                     claim_mode. A negative answer ends meminit_pv. meminit_hvm
 *                                     takes it for fragmentation, and goes on with the next
 *                                     smaller extents and then with single pages. Pages for ACPI
 *                                     tables afterwards (xg_dom_core.c).
 *   xc_domain_populate_physmap_exact  meminit_pv, meminit_hvm: single pages, which end the build
 *                                     when they fail; an HVM guest's first 640 KiB, before all
 *                                     else. Magic and ioreq pages afterwards. All of a restore or
 *                                     an incoming migration (populate_pfns in xg_sr_restore.c);
 *                                     from 4.22 on first extents of 2 MiB, where a failure means
 *                                     single pages. Arm builds (xg_dom_arm.c) have these two.
 *   xc_domain_create                  Takes no such memory: tells that a domid has come round.
 *
 * Not wrapped, and why:
 *   xc_domain_create, xc_domain_max_vcpus, xc_set_paging_mempool_size,
 *   xenforeignmemory_map_resource (grant tables)
 *                                     The hypervisor's own memory and its pools, not a domain's
 *                                     pages: no claim covers them. balloond counts them as the
 *                                     claim's overhead.
 *   xc_domain_add_to_physmap, xc_memory_op (XENMEM_add_to_physmap)
 *                                     Map pages that are the domain's or the hypervisor's already.
 *   xc_make_page_below_4G             32-bit PV: gives one page back and takes another.
 *   xc_domain_memory_exchange_pages   xg_offline_page.c: takes as many pages as it gives back.
 *   xc_domain_increase_reservation    Neither libxenguest nor libxl calls it.
 *   xc_mem_paging_load, xc_memshr_*, xc_vm_event_enable
 *                                     Calls of pagers and introspectors, for a domain that was
 *                                     built before.
 * QEMU populates an HVM guest's video memory itself, when the build is over; that is a
 * device model's call. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "lib/hook/handoff.h"

/* Declared as in xenctrl.h, which is not included since nothing else of it is used. */
typedef int claim_pages_fn(void *xch, uint32_t domid, unsigned long nr_pages);
typedef int populate_fn(void *xch, uint32_t domid, unsigned long nr_extents, unsigned int extent_order,
			unsigned int mem_flags, unsigned long *extents);
typedef int pod_target_fn(void *xch, uint32_t domid, uint64_t target_pages, uint64_t *tot_pages,
			  uint64_t *cache_pages, uint64_t *entries);
typedef int create_fn(void *xch, uint32_t *domid, void *config);
#define EXPORTED __attribute__((visibility("default")))
EXPORTED claim_pages_fn xc_domain_claim_pages;
EXPORTED populate_fn xc_domain_populate_physmap;
EXPORTED populate_fn xc_domain_populate_physmap_exact;
EXPORTED pod_target_fn xc_domain_set_pod_target;
EXPORTED create_fn xc_domain_create;

#define DOMIDS 32768  /* domids that a domain can have */
#define BUILDS_MAX 64 /* builds at the same time in one process */

/* What this process knows of a domain's build. */
enum stage {
	STAGE_NEW,     /* balloond was not asked yet */
	STAGE_ASKED,   /* balloond was asked, the build goes on */
	STAGE_REFUSED, /* balloond refused: the rest of this build fails */
};

static struct {
	pthread_mutex_t lock;
	uint8_t stages[DOMIDS]; /* enum stage */
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

/* Without a free place closes fd: the rest of the claim is released too early, and the build
 * takes the rest from free memory. */
static void keep_connection(uint32_t domid, int fd)
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

static enum stage stage_of(uint32_t domid)
{
	return (enum stage)__atomic_load_n(&state.stages[domid], __ATOMIC_RELAXED);
}

static void set_stage(uint32_t domid, enum stage stage)
{
	__atomic_store_n(&state.stages[domid], (uint8_t)stage, __ATOMIC_RELAXED);
}

static void close_builds(uint32_t domid)
{
	for (size_t i = 0; i < BUILDS_MAX; i++)
		if (state.builds[i].used && state.builds[i].domid == domid) {
			state.builds[i].used = false;
			(void)close(state.builds[i].fd);
		}
}

/* In a process that lives long a domid is used again: what the process knows of the old domain
 * does not hold for the new one. */
static void begin_build(uint32_t domid)
{
	if (domid >= DOMIDS)
		return;
	(void)pthread_mutex_lock(&state.lock);
	set_stage(domid, STAGE_NEW);
	close_builds(domid);
	(void)pthread_mutex_unlock(&state.lock);
}

/* The builder populates a few more pages after the end of its claim, without asking balloond. A
 * refused build is over: if the builder tries again, balloond decides again. */
static void end_build(uint32_t domid)
{
	if (domid >= DOMIDS)
		return;
	(void)pthread_mutex_lock(&state.lock);
	if (stage_of(domid) == STAGE_REFUSED)
		set_stage(domid, STAGE_NEW);
	close_builds(domid);
	(void)pthread_mutex_unlock(&state.lock);
}

/* Keeps errno, but sets ENOMEM if balloond refused. */
static enum bl_hook_answer hand_off(uint32_t domid, uint64_t pages)
{
	int error = errno, fd = -1;
	enum bl_hook_answer answer = bl_hook_handoff(domid, pages, &fd);

	if (answer == BL_HOOK_STAKED)
		keep_connection(domid, fd);
	if (answer == BL_HOOK_REFUSED)
		set_stage(domid, STAGE_REFUSED);
	errno = answer == BL_HOOK_REFUSED ? ENOMEM : error;
	return answer;
}

/* A claim is the first call of a build, so asks balloond whatever is known of the domid, unless
 * balloond has a claim for this build already. */
static enum bl_hook_answer hand_off_claim(uint32_t domid, unsigned long pages, const void *caller)
{
	bool open;

	if (domid >= DOMIDS || !by_builder(caller))
		return BL_HOOK_UNCLAIMED;
	(void)pthread_mutex_lock(&state.lock);
	open = is_open(domid);
	if (!open)
		set_stage(domid, STAGE_ASKED);
	(void)pthread_mutex_unlock(&state.lock);
	return open ? BL_HOOK_UNCLAIMED : hand_off(domid, pages);
}

/* Called before each call that takes memory; the first of a build asks balloond. A builder takes
 * a refusal for fragmentation and tries smaller extents, so refuses the later calls of a refused
 * build as well. pages: as for bl_hook_handoff(). */
static bool may_take(uint32_t domid, uint64_t pages, const void *caller)
{
	enum stage stage;

	/* Most calls belong to a build that balloond knows: decide without looking for the
	 * caller. */
	if (domid >= DOMIDS || stage_of(domid) == STAGE_ASKED || !by_builder(caller))
		return true;
	(void)pthread_mutex_lock(&state.lock);
	stage = stage_of(domid);
	if (stage == STAGE_NEW)
		set_stage(domid, STAGE_ASKED);
	(void)pthread_mutex_unlock(&state.lock);
	if (stage == STAGE_REFUSED)
		errno = ENOMEM;
	return stage == STAGE_NEW ? hand_off(domid, pages) != BL_HOOK_REFUSED : stage == STAGE_ASKED;
}

/* The function of libxenctrl that ours replaces, found once. */
static void *next_function(void **cache, const char *name)
{
	void *f = __atomic_load_n(cache, __ATOMIC_RELAXED);

	if (!f) {
		f = dlsym(RTLD_NEXT, name);
		__atomic_store_n(cache, f, __ATOMIC_RELAXED);
	}
	if (!f)
		errno = ENOSYS; /* libxenctrl is not loaded */
	return f;
}

int xc_domain_claim_pages(void *xch, uint32_t domid, unsigned long nr_pages)
{
	static void *cache;
	claim_pages_fn *call = (claim_pages_fn *)next_function(&cache, "xc_domain_claim_pages");
	enum bl_hook_answer answer = BL_HOOK_UNCLAIMED;
	int error, r;

	if (!call)
		return -1;
	if (nr_pages)
		answer = hand_off_claim(domid, nr_pages, __builtin_return_address(0));
	if (answer == BL_HOOK_STAKED)
		return 0;
	if (answer == BL_HOOK_REFUSED)
		return -1;
	error = errno;
	r = call(xch, domid, nr_pages);
	/* The domain has a claim already, which balloond staked before it went away. */
	if (r && errno == EINVAL && answer == BL_HOOK_MAYBE_CLAIMED) {
		errno = error;
		r = 0;
	}
	if (!nr_pages) {
		error = errno;
		end_build(domid);
		errno = error;
	}
	return r;
}

int xc_domain_populate_physmap(void *xch, uint32_t domid, unsigned long nr_extents,
			       unsigned int extent_order, unsigned int mem_flags, unsigned long *extents)
{
	static void *cache;
	populate_fn *call = (populate_fn *)next_function(&cache, "xc_domain_populate_physmap");

	/* The size of the whole domain is unknown here. libxenctrl calls this function from the
	 * exact one as well; that call is let through, since its caller was. */
	if (!call || !may_take(domid, 0, __builtin_return_address(0)))
		return -1;
	return call(xch, domid, nr_extents, extent_order, mem_flags, extents);
}

int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     unsigned long *extents)
{
	static void *cache;
	populate_fn *call = (populate_fn *)next_function(&cache, "xc_domain_populate_physmap_exact");

	if (!call || !may_take(domid, 0, __builtin_return_address(0)))
		return -1;
	return call(xch, domid, nr_extents, extent_order, mem_flags, extents);
}

int xc_domain_set_pod_target(void *xch, uint32_t domid, uint64_t target_pages, uint64_t *tot_pages,
			     uint64_t *cache_pages, uint64_t *entries)
{
	static void *cache;
	pod_target_fn *call = (pod_target_fn *)next_function(&cache, "xc_domain_set_pod_target");

	/* The target is the size of the whole domain, as in a claim. */
	if (!call || !may_take(domid, target_pages, __builtin_return_address(0)))
		return -1;
	return call(xch, domid, target_pages, tot_pages, cache_pages, entries);
}

int xc_domain_create(void *xch, uint32_t *domid, void *config)
{
	static void *cache;
	create_fn *call = (create_fn *)next_function(&cache, "xc_domain_create");
	int error, r;

	if (!call)
		return -1;
	r = call(xch, domid, config);
	error = errno;
	if (!r)
		begin_build(*domid);
	errno = error;
	return r;
}
