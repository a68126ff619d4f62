/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The toolstack: starts guests, at the start of the world and later. */
#include <errno.h>
#include <string.h>

#include "lib/sim/world.h"

/* xapi's estimate of a paging pool: 1 MiB, and two pages per MiB. PV guests have none. */
uint64_t bl_sim_overhead(const struct bl_sim_dom *d)
{
	uint64_t pool = BL_PAGES_PER_MIB + 2 * ((d->static_max + BL_PAGES_PER_MIB - 1) / BL_PAGES_PER_MIB);

	return BL_SIM_EMPTY_PAGES + (d->type == BL_DOM_PV ? 0 : pool);
}

void bl_sim_name_uuid(const struct bl_sim_world *w, struct bl_sim_dom *d, uint64_t salt)
{
	uint64_t h[2] = { w->seed, salt };

	for (size_t i = 0; d->name[i]; i++)
		h[1] = bl_sim_hash(h[1], (uint8_t)d->name[i], i);
	h[0] = bl_sim_hash(h[0], h[1], 1);
	h[1] = bl_sim_hash(h[0], h[1], 2);
	memcpy(d->uuid.b, h, sizeof(d->uuid.b));
	d->uuid.b[6] = (uint8_t)((d->uuid.b[6] & 0x0f) | 0x40);
	d->uuid.b[8] = (uint8_t)((d->uuid.b[8] & 0x3f) | 0x80);
}

int bl_sim_start(struct bl_sim *s, struct bl_sim_dom *d, struct bl_sim_dom *holder, uint64_t pooled)
{
	uint64_t overhead = bl_sim_overhead(d), room = bl_sim_unclaimed(s);

	if (overhead > room)
		return -ENOMEM;
	room -= overhead;
	if (!d->thief && d->memory > room + pooled + (holder ? holder->outstanding : 0))
		return -ENOMEM;
	bl_sim_touch(s);
	if (holder)
		bl_sim_claim_of(s, holder, 0);
	bl_sim_begin(s, d);
	bl_sim_make(s, d, overhead);
	d->max_pages = d->memory;
	bl_sim_pool_hold(s, s->w->pool - pooled);
	if (!d->thief)
		bl_sim_claim_of(s, d, d->memory);
	d->phase = BL_SIM_BUILDING;
	bl_sim_commit(s);
	return 0;
}

/* Starts a guest that runs from the first moment. */
static int boot_one(struct bl_sim *s, struct bl_sim_dom *d, const char *file, struct bl_err *reterr)
{
	uint64_t overhead = bl_sim_overhead(d);

	if (d->memory + overhead > s->free) {
		char need[BL_SIZE_STR], more[BL_SIZE_STR], left[BL_SIZE_STR];

		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s:%llu: %s needs %s and %s for its structures, of the "
				  "host's memory %s is left",
				  file, (unsigned long long)d->line, d->name,
				  bl_pages_format(BL_PAGES(d->memory), need),
				  bl_pages_format(BL_PAGES(overhead), more),
				  bl_pages_format(BL_PAGES(s->free), left));
	}
	bl_sim_make(s, d, overhead);
	d->max_pages = d->memory;
	bl_sim_take(s, d, d->memory);
	bl_sim_introduce(s, d);
	return 0;
}

int bl_sim_boot(struct bl_sim *s, const char *file, struct bl_err *reterr)
{
	for (size_t j = 0; j < s->w->n_slots; j++) {
		struct bl_sim_dom *d = &s->w->doms[j];
		int r;

		if (d->phase != BL_SIM_PENDING || d->appear > s->w->now)
			continue;
		r = boot_one(s, d, file, reterr);
		if (r)
			return r;
	}
	return 0;
}

#define ASLEEP_MS 2000 /* xl waits so long between a guest's end and its next start */

void bl_sim_start_again(struct bl_sim *s, struct bl_sim_dom *d)
{
	struct bl_sim_dom next;

	bl_sim_guest_defaults(&next);
	memcpy(next.name, d->name, sizeof(next.name));
	next.uuid = d->uuid;
	next.line = d->line;
	next.type = d->type;
	next.memory = bl_sim_asked(d);
	next.static_max = d->static_max;
	next.min = d->min;
	next.has_min = d->has_min;
	next.offset = d->offset;
	next.node = d->node;
	next.telemetry = d->telemetry;
	next.rate = d->rate;
	next.used = d->used;
	next.thief = 1; /* a toolstack that knows no claims and never gives up */
	next.appear = s->w->now + ASLEEP_MS;
	*d = next;
	s->dirty = true;
}

#define LAUNCH_RATE (UINT64_C(4) << 18) /* pages that a builder populates in a second: 4 GiB */
#define GUEST_RATE (UINT64_C(400) << 8) /* pages that a balloon moves in a second: 400 MiB */

void bl_sim_guest_defaults(struct bl_sim_dom *d)
{
	*d = (struct bl_sim_dom){
		.phase = BL_SIM_PENDING,
		.type = BL_DOM_PVH,
		.telemetry = BL_SIM_HONEST,
		.rate = GUEST_RATE,
		.build_rate = LAUNCH_RATE,
	};
}

int bl_sim_launch(struct bl_sim *s, const struct bl_sim_launch *l, uint32_t *ret_domid,
		  struct bl_err *reterr)
{
	struct bl_sim_dom *slot, *holder = NULL, d;
	size_t len = strlen(l->name);
	char size[BL_SIZE_STR], left[BL_SIZE_STR];

	if (!len || len > BL_NAME_MAX || !bl_text_clean(l->name, len))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "a domain's name is 1 to %d bytes of text", BL_NAME_MAX);
	if (!l->size.n || l->size.n > l->max.n || l->max.n > s->total)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: its size %s must be at most its max, and its max %s at most "
				  "the host's memory",
				  l->name, bl_pages_format(l->size, size), bl_pages_format(l->max, left));
	if (l->uuid && (bl_uuid_is_null(l->uuid) || bl_handle_is_ours(l->uuid)))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "uuid: a guest cannot have that UUID");
	if (l->holder) {
		for (uint32_t id = 0; id <= s->top_domid && !holder; id++) {
			holder = bl_sim_find(s, id);
			if (holder && !bl_uuid_equal(&holder->uuid, l->holder))
				holder = NULL;
		}
		if (!holder)
			return bl_err_set(reterr, ENOENT, BL_ERR_NO_SUCH_CLAIM,
					  "the claim's holder is gone");
	}
	slot = bl_sim_new_slot(s->w);
	if (!slot)
		return bl_err_set(reterr, ENOSPC, BL_ERR_BACKEND, "a simulated host has at most %d domains",
				  BL_SIM_DOMS_MAX);
	bl_sim_guest_defaults(&d);
	memcpy(d.name, l->name, len);
	d.memory = l->size.n;
	d.static_max = l->max.n;
	d.used = d.memory / 4;
	d.appear = UINT64_MAX; /* bl_sim_open() frees the slot of a launch that was cut short */
	if (l->uuid)
		d.uuid = *l->uuid;
	else
		bl_sim_name_uuid(s->w, &d, s->w->next_domid);
	bl_sim_fill_slot(s->w, slot, &d);
	if (bl_sim_start(s, slot, holder, l->pooled.n)) {
		slot->phase = BL_SIM_FREE;
		return bl_err_set(reterr, ENOMEM, BL_ERR_NO_MEMORY,
				  "%s needs %s and the hypervisor's structures; %s is free and "
				  "not claimed",
				  l->name, bl_pages_format(l->size, size),
				  bl_pages_format(BL_PAGES(bl_sim_unclaimed(s)), left));
	}
	if (holder)
		bl_sim_kill(s, holder);
	*ret_domid = (uint32_t)slot->domid;
	return 0;
}

/* ---- sim set ------------------------------------------------------------------ */

static int check_set(const struct bl_sim_dom *d, const struct bl_sim_values *v, struct bl_err *reterr)
{
	char most[BL_SIZE_STR];

	bl_pages_format(BL_PAGES(d->static_max), most);
	if (v->dom.has_min && v->dom.min > d->static_max)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "min: above the static-max of %s, %s", d->name, most);
	if (bl_sim_has_key(BL_SIM_IN_SET, v, "target") && v->target > d->static_max)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "target: above the static-max of %s, %s", d->name, most);
	return 0;
}

/* As `xl mem-set` does: sets the limit first, then the target. */
static void mem_set(struct bl_sim *s, struct bl_sim_dom *d, uint64_t target)
{
	uint64_t back = (uint64_t)(d->offset < 0 ? -d->offset : d->offset);

	d->max_pages = d->offset < 0 ? bl_sim_sat(target, back) : target + back;
	bl_sim_write_target(s, d, target);
	s->changes++;
}

int bl_sim_set(struct bl_sim *s, uint32_t domid, const char *key, const char *value, struct bl_err *reterr)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);
	struct bl_sim_values v = { 0 };
	uint64_t was;
	int r;

	if (!d)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "no domain %u", domid);
	if (d->phase != BL_SIM_RUNNING)
		return bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE, "domain %u does not run", domid);
	v.dom = *d;
	was = d->telemetry;
	r = bl_sim_key(BL_SIM_IN_SET, key, value, &v, reterr);
	if (!r)
		r = check_set(d, &v, reterr);
	if (r)
		return r;
	if (v.dom.telemetry == BL_SIM_SILENT && was != BL_SIM_SILENT) {
		v.dom.silent_since = s->w->now;
		v.dom.silent_used = v.dom.used;
		v.dom.silent_tot = bl_sim_tot(s, d);
	}
	if (bl_sim_has_key(BL_SIM_IN_SET, &v, "behaviour")) {
		bool leaves = v.dom.manner == BL_SIM_VANISH || v.dom.manner == BL_SIM_REBOOT;

		v.dom.leaves = leaves ? s->w->now + v.dom.stays : 0;
		v.dom.forgets = v.dom.forgot = 0;
		v.dom.gave_up = v.dom.tries = v.dom.retry = 0;
	}
	bl_sim_touch(s);
	bl_sim_begin(s, d);
	*d = v.dom;
	bl_sim_commit(s);
	if (bl_sim_has_key(BL_SIM_IN_SET, &v, "target"))
		mem_set(s, d, v.target);
	return 0;
}
