/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory/target. One write per domain is under way at a time; of further values the newest waits.
 * The store's thread writes only over the value that we know. So a value that comes back and is
 * not ours is somebody else's, and is never overwritten unseen. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/xen/guest.h"

/* The pause between the two writes of a nudge. A guest reads the value when the event reaches it,
 * and its balloon must see the first value before the second is there. */
#define NUDGE_PAUSE BL_MS(500)

/* Two readings of dom0's size may differ by this. */
#define SIZE_WITHIN_KIB 1024

uint64_t bd_xen_target_kib(const struct bd_xen_target *t)
{
	return t->wanted ? t->want : t->kib;
}

static void stop_nudge(struct bd_xen_target *t)
{
	t->nudging = false;
	bd_clock_timer_stop(t->second);
}

void bd_xen_target_free(struct bd_xen_target *t)
{
	bd_clock_timer_free(t->second);
	t->second = NULL;
}

static void fail(struct bd_xen_guest *g, int error)
{
	const struct bd_host_events *events = g->gs->events;

	stop_nudge(&g->target);
	g->target.wanted = false;
	events->failed(events->ud, &g->target.action, error);
}

static int send_value(struct bd_xen_guest *g, uint64_t kib)
{
	struct bd_xen_target *t = &g->target;
	char path[BD_XEN_PATH_MAX], vm[BD_XEN_PATH_MAX], text[BD_XEN_NUMBER_MAX];
	/* The write may wait for xenstored until another domain has the id. */
	const struct bd_store_guard same = { .path = bd_xen_guest_path(g, BD_XEN_KEY_VM, vm),
					     .value = g->vm };
	int r;

	(void)snprintf(text, sizeof(text), "%" PRIu64, kib);
	r = bd_store_write(g->gs->store, bd_xen_guest_cookie(g, BD_XEN_KEY_TARGET),
			   bd_xen_guest_path(g, BD_XEN_KEY_TARGET, path), text, t->raw,
			   g->vm[0] ? &same : NULL);
	if (r < 0)
		return r;
	t->writing = true;
	t->sent = kib;
	return 0;
}

/* Sends the wanted value, unless it is there or another write is under way. */
static int send_wanted(struct bd_xen_guest *g)
{
	struct bd_xen_target *t = &g->target;

	if (!t->wanted || t->writing)
		return 0;
	if (!t->present)
		return -ENOENT; /* a value written for a domain that is gone would stay for ever */
	if (t->want == t->kib) {
		t->wanted = false;
		return 0;
	}
	return send_value(g, t->want);
}

static void send_second(void *ud)
{
	struct bd_xen_guest *g = ud;
	int r = send_wanted(g);

	if (r < 0)
		fail(g, -r);
}

static void start_second(struct bd_xen_guest *g)
{
	struct bd_xen_target *t = &g->target;

	t->nudging = false;
	if (!t->second)
		t->second = bd_clock_timer_new(g->gs->base, send_second, g);
	/* Without the pause the guest may miss the nudge; the next one comes later. */
	if (!t->second || !bd_clock_timer_set(t->second, NUDGE_PAUSE))
		send_second(g);
}

/* Takes the value that xenstore has. False: not a number of KiB. */
static bool parse_value(struct bd_xen_target *t, const char *text, size_t len)
{
	bl_kib kib;

	if (len >= sizeof(t->raw) || !bl_telemetry_parse_kib(text, len, &kib)) {
		t->present = false;
		return false;
	}
	t->present = true;
	t->kib = kib.n;
	memcpy(t->raw, text, len);
	t->raw[len] = '\0';
	return true;
}

/* Takes a value that we did not write. While a domain is being built, its toolstack writes. */
static void take_external_value(struct bd_xen_guest *g)
{
	const struct bd_host_events *events = g->gs->events;

	stop_nudge(&g->target);
	g->target.wanted = false;
	if (g->domid == 0 || (g->loaded && g->introduced))
		g->external = true;
	g->pod_covered = false; /* `xl mem-set` changes populate-on-demand as well */
	events->changed(events->ud);
}

/* dom0 has no target until the first `xl mem-set 0`, but a program that only asks xl for dom0's
 * size makes xl write the size as target. */
static bool is_its_size(const struct bd_xen_guest *g)
{
	uint64_t size = bl_pages_to_kib(g->tot).n, kib = g->target.kib;

	return !size || (kib > size ? kib - size : size - kib) <= SIZE_WITHIN_KIB;
}

void bd_xen_target_value(struct bd_xen_guest *g, const struct bd_store_reply *reply)
{
	struct bd_xen_target *t = &g->target;
	bool had = t->present, lost = t->lost, absent = t->absent;
	uint64_t kib = t->kib;

	if (reply->r == -ENOENT) {
		stop_nudge(t);
		t->absent = !had && !lost;
		t->lost = had || lost;
		t->present = t->wanted = false;
	}
	if (reply->r < 0)
		return;
	t->absent = false;
	if (!parse_value(t, reply->value, reply->len)) {
		t->lost = had || lost;
		if (had)
			take_external_value(g);
		return;
	}
	t->lost = false;
	if ((had || lost) ? t->kib != kib : absent && g->domid == 0 && !is_its_size(g))
		take_external_value(g);
}

void bd_xen_target_written(struct bd_xen_guest *g, const struct bd_store_reply *reply)
{
	struct bd_xen_target *t = &g->target;
	int r;

	t->writing = false;
	if (reply->r == -ESTALE) {
		(void)parse_value(t, reply->value, reply->len);
		take_external_value(g);
		return;
	}
	if (reply->r < 0) {
		fail(g, -reply->r);
		return;
	}
	t->present = true;
	t->kib = t->sent;
	(void)snprintf(t->raw, sizeof(t->raw), "%" PRIu64, t->sent);
	if (t->nudging) {
		start_second(g);
		return;
	}
	r = send_wanted(g);
	if (r < 0)
		fail(g, -r);
}

static void set_wanted(struct bd_xen_guest *g, uint64_t kib, const struct bl_action *a)
{
	g->target.wanted = true;
	g->target.want = kib;
	g->target.action = *a;
	g->target.action.claim = NULL; /* the claim may be freed before the write fails */
}

int bd_xen_target_nudge(struct bd_xen_guest *g, const struct bl_action *a)
{
	struct bd_xen_target *t = &g->target;
	int r;

	/* The write that is under way wakes the guest as well. */
	if (t->wanted || t->writing)
		return 0;
	if (!t->present || t->kib <= BL_PAGE_KIB)
		return -ENOENT;
	r = send_value(g, t->kib - BL_PAGE_KIB);
	if (r < 0)
		return r;
	set_wanted(g, t->kib, a);
	t->nudging = true;
	return 0;
}

int bd_xen_target_set(struct bd_xen_guest *g, uint64_t kib, const struct bl_action *a)
{
	struct bd_xen_target *t = &g->target;
	int r;

	stop_nudge(t);
	t->wanted = false;
	if (t->present && t->kib == kib && !t->writing)
		return bd_xen_target_nudge(g, a);
	set_wanted(g, kib, a);
	r = send_wanted(g);
	if (r < 0)
		t->wanted = false;
	return r;
}
