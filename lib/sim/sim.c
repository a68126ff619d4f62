/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world and a handle on it: slots, undo, sums. */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sim/world.h"

static_assert(sizeof(BL_SIM_MAGIC) == 16, "the magic fills its field");

size_t bl_sim_world_size(void)
{
	return sizeof(struct bl_sim_world);
}

/* splitmix64 spreads its input evenly. */
uint64_t bl_sim_hash(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b * UINT64_C(0xd1b54a32d192ed03) + c +
		     UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- One change, whole or not at all ------------------------------------ */

/* A kill falls between two instructions of one thread, so it is enough that the compiler keeps
 * the order of the stores. */
static void publish(uint64_t *p, uint64_t v)
{
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)p = v;
	atomic_signal_fence(memory_order_seq_cst);
}

void bl_sim_begin(struct bl_sim *s, struct bl_sim_dom *d)
{
	if (s->depth++) {
		assert(s->w->undo_slot == bl_sim_slot(s, d) + 1);
		return;
	}
	s->w->undo = *d;
	s->w->undo_pool = s->w->pool;
	publish(&s->w->undo_slot, bl_sim_slot(s, d) + 1);
}

void bl_sim_commit(struct bl_sim *s)
{
	assert(s->depth);
	if (!--s->depth)
		publish(&s->w->undo_slot, 0);
}

static void undo(struct bl_sim_world *w)
{
	if (w->undo_slot) {
		w->doms[w->undo_slot - 1] = w->undo;
		w->pool = w->undo_pool;
	}
	publish(&w->undo_slot, 0);
	/* A launch may have been cut short before its domain existed. */
	for (size_t j = 0; j < w->n_slots; j++)
		if (w->doms[j].phase == BL_SIM_PENDING && w->doms[j].appear == UINT64_MAX)
			publish(&w->doms[j].phase, BL_SIM_FREE);
}

/* ---- Slots ---------------------------------------------------------------- */

bool bl_sim_exists(const struct bl_sim_dom *d)
{
	return d->phase >= BL_SIM_EMPTY;
}

size_t bl_sim_slot(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	return (size_t)(d - s->w->doms);
}

uint64_t bl_sim_tot(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	uint64_t tot = 0;

	for (size_t i = 0; i < s->w->n_nodes; i++)
		tot += d->pages[i];
	return tot;
}

struct bl_sim_dom *bl_sim_find(const struct bl_sim *s, uint32_t domid)
{
	if (domid >= BL_SIM_DOMID_FIRST_RESERVED || !s->slot_of[domid])
		return NULL;
	return &s->w->doms[s->slot_of[domid] - 1];
}

struct bl_sim_dom *bl_sim_new_slot(struct bl_sim_world *w)
{
	struct bl_sim_dom *d = w->doms;

	while (d < w->doms + w->n_slots && d->phase != BL_SIM_FREE)
		d++;
	if (d == w->doms + BL_SIM_DOMS_MAX)
		return NULL;
	memset(d, 0, sizeof(*d));
	if (d == w->doms + w->n_slots)
		publish(&w->n_slots, w->n_slots + 1);
	return d;
}

void bl_sim_fill_slot(struct bl_sim_world *w, struct bl_sim_dom *slot, const struct bl_sim_dom *d)
{
	struct bl_sim_dom unborn = *d;

	assert(slot >= w->doms && slot < w->doms + w->n_slots && slot->phase == BL_SIM_FREE);
	unborn.phase =
		BL_SIM_FREE; /* the copy is many stores; only the phase, stored last, makes the slot used */
	*slot = unborn;
	publish(&slot->phase, d->phase);
}

/* ---- The handle ------------------------------------------------------------ */

struct sums {
	uint64_t node_free[BL_SIM_NODES_MAX];
	uint64_t total, free, outstanding;
};

/* What is wrong with a slot; NULL: nothing. */
static const char *bad_dom(const struct bl_sim_dom *d)
{
	if (d->phase >= BL_SIM_PHASES || d->manner >= BL_SIM_MANNERS || d->telemetry > BL_SIM_LIES ||
	    d->type > BL_DOM_HVM)
		return "is in a state that does not exist";
	if (bl_sim_exists(d) && d->domid >= BL_SIM_DOMID_FIRST_RESERVED)
		return "has a domid that does not exist";
	if (d->node > BL_SIM_NODES_MAX || (d->phase == BL_SIM_BUILDING && !d->build_rate))
		return "is where it cannot be";
	if (!memchr(d->name, '\0', sizeof(d->name)))
		return "has a name without an end";
	return NULL;
}

/* False if less than n is left. */
static bool subtract(uint64_t *left, uint64_t n)
{
	return !__builtin_sub_overflow(*left, n, left);
}

static int sum_up(const struct bl_sim_world *w, struct sums *ret, struct bl_err *reterr)
{
	struct sums t = { .outstanding = w->pool };

	for (size_t i = 0; i < w->n_nodes; i++)
		t.node_free[i] = w->node_total[i];
	for (size_t j = 0; j < w->n_slots; j++) {
		const struct bl_sim_dom *d = &w->doms[j];
		const char *why = bad_dom(d);

		if (!why && bl_sim_exists(d)) {
			for (size_t i = 0; i < w->n_nodes; i++)
				if (!subtract(&t.node_free[i], d->pages[i]) ||
				    !subtract(&t.node_free[i], d->overhead[i]))
					why = "has more memory than there is";
			if (__builtin_add_overflow(t.outstanding, d->outstanding, &t.outstanding))
				why = "has a claim beyond all numbers";
		}
		if (why)
			return bl_err_set(reterr, EBADMSG, BL_ERR_BACKEND,
					  "the simulated world is damaged: domain %llu %s",
					  (unsigned long long)d->domid, why);
	}
	for (size_t i = 0; i < w->n_nodes; i++) {
		t.total += w->node_total[i];
		t.free += t.node_free[i];
	}
	*ret = t;
	return 0;
}

static int index_domains(struct bl_sim *s, struct bl_err *reterr)
{
	for (size_t j = 0; j < s->w->n_slots; j++) {
		const struct bl_sim_dom *d = &s->w->doms[j];

		if (!bl_sim_exists(d))
			continue;
		if (s->slot_of[d->domid])
			return bl_err_set(reterr, EBADMSG, BL_ERR_BACKEND,
					  "the simulated world is damaged: two domains %llu",
					  (unsigned long long)d->domid);
		s->slot_of[d->domid] = (uint16_t)(j + 1);
		if (d->domid > s->top_domid)
			s->top_domid = (uint32_t)d->domid;
	}
	return 0;
}

int bl_sim_attach(struct bl_sim_world *w, struct bl_sim **ret, struct bl_err *reterr)
{
	struct bl_sim *s = calloc(1, sizeof(*s));
	struct sums t;
	int r;

	if (s) {
		s->seen = calloc(BL_SIM_DOMS_MAX, sizeof(*s->seen));
		s->active = calloc(BL_SIM_DOMS_MAX, sizeof(*s->active));
	}
	if (!s || !s->seen || !s->active) {
		bl_sim_free(s);
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	}
	s->w = w;
	s->dirty = true;
	undo(w);
	r = sum_up(w, &t, reterr);
	if (!r)
		r = index_domains(s, reterr);
	if (r) {
		bl_sim_free(s);
		return r;
	}
	memcpy(s->node_free, t.node_free, sizeof(s->node_free));
	s->total = t.total;
	s->free = t.free;
	s->outstanding = t.outstanding;
	*ret = s;
	return 0;
}

int bl_sim_open(void *mem, size_t size, struct bl_sim **ret, struct bl_err *reterr)
{
	struct bl_sim_world *w = mem;

	if (size != sizeof(*w) || memcmp(w->magic, BL_SIM_MAGIC, sizeof(w->magic)) ||
	    w->size != sizeof(*w) || !w->n_nodes || w->n_nodes > BL_SIM_NODES_MAX ||
	    w->n_slots > BL_SIM_DOMS_MAX || w->undo_slot > BL_SIM_DOMS_MAX)
		return bl_err_set(reterr, EBADMSG, BL_ERR_BACKEND,
				  "this is no simulated world, or one of another version");
	return bl_sim_attach(w, ret, reterr);
}

void bl_sim_free(struct bl_sim *s)
{
	if (!s)
		return;
	free(s->seen);
	free(s->active);
	free(s);
}

struct bl_sim_keep *bl_sim_keep(struct bl_sim *s)
{
	return &s->w->keep;
}

int bl_sim_check(const struct bl_sim *s, struct bl_err *reterr)
{
	struct sums t;
	int r = sum_up(s->w, &t, reterr);

	if (r)
		return r;
	if (memcmp(t.node_free, s->node_free, sizeof(t.node_free)) || t.total != s->total ||
	    t.free != s->free || t.outstanding != s->outstanding || s->depth || s->w->undo_slot)
		return bl_err_set(reterr, EBADMSG, BL_ERR_BACKEND,
				  "sums of the simulated world: free %llu, outstanding %llu; "
				  "added up: %llu, %llu",
				  (unsigned long long)s->free, (unsigned long long)s->outstanding,
				  (unsigned long long)t.free, (unsigned long long)t.outstanding);
	return 0;
}

bool bl_sim_has_pool(const struct bl_sim *s)
{
	return s->w->has_pool;
}

void bl_sim_touch(struct bl_sim *s)
{
	s->dirty = true;
	s->quiet = false;
}

uint64_t bl_sim_changes(const struct bl_sim *s)
{
	return s->changes;
}

void bl_sim_physinfo(const struct bl_sim *s, struct bl_sim_physinfo *ret)
{
	*ret = (struct bl_sim_physinfo){ BL_PAGES(s->total), BL_PAGES(s->free), BL_PAGES(s->outstanding) };
}
