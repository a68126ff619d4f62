/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

/* The least time between polls, however fast the ticks come. */
#define POLL_EVERY BL_MS(900)
#define SLOW_EVERY BL_MS(30000)
#define SLOW_JITTER 10000

/* Watches of the host; their cookies have no serial. */
enum { HOST_INTRODUCE, HOST_RELEASE, HOST_LIBXL, HOST_ALIVE, N_HOST };
_Static_assert(N_HOST <= BD_XEN_COOKIE_OTHER, "cookies of others are others");
static const char *const host_paths[N_HOST] = {
	[HOST_INTRODUCE] = "@introduceDomain",
	[HOST_RELEASE] = "@releaseDomain",
	[HOST_LIBXL] = "/libxl",
	[HOST_ALIVE] = "/local/domain/0/domid",
};

/* Read once when a domain appears, in this order; LAST_READ_ONCE completes the domain. */
static const enum bd_xen_key read_once_keys[] = {
	BD_XEN_KEY_VM,	      BD_XEN_KEY_STATIC_MAX, BD_XEN_KEY_VIDEORAM, BD_XEN_KEY_DYN_MIN,
	BD_XEN_KEY_ANNOUNCED, BD_XEN_KEY_TARGET,     BD_XEN_KEY_STUBDOM,
};
#define LAST_READ_ONCE BD_XEN_KEY_STUBDOM
/* Read now and then, since a toolstack may change them. */
static const enum bd_xen_key read_seldom_keys[] = {
	BD_XEN_KEY_VM,
	BD_XEN_KEY_STATIC_MAX,
	BD_XEN_KEY_DYN_MIN,
	BD_XEN_KEY_ANNOUNCED,
};

struct bd_xen_guest *bd_xen_guests_find(const struct bd_xen_guests *gs, uint32_t domid)
{
	struct bd_xen_guest *g;

	HASH_FIND(hh, gs->table, &domid, sizeof(domid), g);
	return g;
}

/* ---- questions --------------------------------------------------------------- */

static void watch(struct bd_xen_guest *g, enum bd_xen_key key, bool on)
{
	char path[BD_XEN_PATH_MAX];

	(void)bd_xen_guest_path(g, key, path);
	(void)(on ? bd_store_watch : bd_store_unwatch)(g->gs->store, bd_xen_guest_cookie(g, key), path,
						       true);
}

static void watch_all(struct bd_xen_guest *g, bool on)
{
	watch(g, BD_XEN_KEY_NAME, on);
	watch(g, g->holder ? BD_XEN_KEY_SHUTDOWN : BD_XEN_KEY_TARGET, on);
}

/* "Introduced" is read before the values: a toolstack introduces a domain after all is written,
 * so after a yes the values are complete. */
static void read_once(struct bd_xen_guest *g)
{
	char path[BD_XEN_PATH_MAX];

	if (g->holder)
		return;
	/* The name is read first: a claim may be for that name, and the build goes on meanwhile. */
	(void)bd_store_read(g->gs->store, bd_xen_guest_cookie(g, BD_XEN_KEY_NAME),
			    bd_xen_guest_path(g, BD_XEN_KEY_NAME, path));
	(void)bd_store_introduced(g->gs->store, bd_xen_guest_cookie(g, BD_XEN_KEY_INTRODUCED), g->domid);
	for (size_t i = 0; i < sizeof(read_once_keys) / sizeof(*read_once_keys); i++)
		(void)bd_store_read(g->gs->store, bd_xen_guest_cookie(g, read_once_keys[i]),
				    bd_xen_guest_path(g, read_once_keys[i], path));
}

void bd_xen_guests_reread(struct bd_xen_guest *g)
{
	if (!g->loaded)
		return; /* a read is under way */
	g->loaded = false;
	read_once(g);
}

static void on_connected(struct bd_xen_guests *gs)
{
	struct bd_xen_guest *g, *next;

	for (uint64_t i = 0; i < HOST_ALIVE; i++)
		(void)bd_store_watch(gs->store, i, host_paths[i], false);
	HASH_ITER(hh, gs->table, g, next)
	{
		watch_all(g, true);
		read_once(g);
	}
	bd_xen_guests_changed(gs);
}

static void poll_key(struct bd_xen_guest *g, enum bd_xen_key key)
{
	char path[BD_XEN_PATH_MAX];

	if (bd_store_read_later(g->gs->store, bd_xen_guest_cookie(g, key),
				bd_xen_guest_path(g, key, path)) == 0 &&
	    key >= BD_XEN_KEY_STAT)
		g->gs->reads_pending++;
}

static void poll_guest(struct bd_xen_guest *g, bl_ms now)
{
	for (int i = 0; i < BD_XEN_TELE_N; i++)
		if (bd_xen_tele_due(&g->tele, (enum bd_xen_tele_source)i, now, g->serial * 97))
			poll_key(g, (enum bd_xen_key)(BD_XEN_KEY_STAT + i));
	if (now.n < g->slow_at.n)
		return;
	g->slow_at = bl_ms_add(now, BL_MS(SLOW_EVERY.n + g->serial * 97 % SLOW_JITTER));
	for (size_t i = 0; i < sizeof(read_seldom_keys) / sizeof(*read_seldom_keys); i++)
		poll_key(g, read_seldom_keys[i]);
}

void bd_xen_guests_poll(struct bd_xen_guests *gs, bl_ms now)
{
	struct bd_xen_guest *g, *next;

	/* If xenstored is slow, ask again only after it has answered. */
	if (gs->reads_pending || bl_ms_since(now, gs->reads_at).n < POLL_EVERY.n)
		return;
	gs->reads_at = now;
	HASH_ITER(hh, gs->table, g, next)
	if (!g->holder && g->loaded)
		poll_guest(g, now);
	/* A broken connection shows only when it is used. */
	if (!gs->reads_pending && bd_store_read_later(gs->store, HOST_ALIVE, host_paths[HOST_ALIVE]) == 0)
		gs->reads_pending++;
}

/* ---- answers ----------------------------------------------------------------- */

static void set_loaded(struct bd_xen_guest *g)
{
	g->loaded = true;
	bd_xen_guests_changed(g->gs);
}

static void guest_reply(struct bd_xen_guest *g, enum bd_xen_key key, const struct bd_store_reply *reply)
{
	/* Without a connection keep the last known value; a new connection asks again. */
	bool known = reply->r >= 0 || reply->r == -ENOENT;

	switch (reply->what) {
	case BD_STORE_WRITTEN:
		if (key == BD_XEN_KEY_TARGET)
			bd_xen_target_written(g, reply);
		break;
	case BD_STORE_INTRODUCED:
		if (reply->r >= 0)
			g->introduced = reply->r;
		break;
	case BD_STORE_VALUE:
		if (!known)
			break;
		bd_xen_guest_take(g, key, reply);
		if (key == LAST_READ_ONCE)
			set_loaded(g);
		break;
	case BD_STORE_FIRED:
	case BD_STORE_CONNECTED:
	case BD_STORE_LOST:
		break;
	}
}

static void host_reply(struct bd_xen_guests *gs, const struct bd_store_reply *reply)
{
	struct bd_xen_guest *g, *next;

	if (reply->cookie == HOST_ALIVE && gs->reads_pending)
		gs->reads_pending--;
	/* A holder that is gone needs no name. */
	if (reply->what == BD_STORE_WRITTEN && reply->r < 0 && reply->r != -ESRCH)
		bd_log(LOG_WARNING, "cannot write to xenstore: %s", strerror(-reply->r));
	if (reply->what != BD_STORE_FIRED)
		return;
	if (reply->cookie == HOST_INTRODUCE)
		HASH_ITER(hh, gs->table, g, next)
	if (!g->introduced)
		read_once(g);
	bd_xen_guests_changed(gs);
}

void bd_xen_guests_reply(void *ud, const struct bd_store_reply *reply)
{
	struct bd_xen_guests *gs = ud;
	enum bd_xen_key key = (enum bd_xen_key)(reply->cookie & 0xff);
	uint64_t serial = reply->cookie >> BD_XEN_COOKIE_SERIAL;
	struct bd_xen_guest *g;

	if (reply->what == BD_STORE_CONNECTED) {
		on_connected(gs);
		return;
	}
	if (reply->what == BD_STORE_LOST) {
		bd_log(LOG_WARNING, "lost the connection to xenstored; trying again every second");
		return;
	}
	if (!serial) {
		host_reply(gs, reply);
		return;
	}
	if (key >= BD_XEN_KEY_STAT && gs->reads_pending)
		gs->reads_pending--;
	g = bd_xen_guests_find(gs, (uint32_t)(reply->cookie >> BD_XEN_COOKIE_DOMID & 0xffff));
	if (g && g->serial == serial)
		guest_reply(g, key, reply);
}

/* ---- table ------------------------------------------------------------------- */

static void free_guest(struct bd_xen_guest *g)
{
	HASH_DEL(g->gs->table, g);
	bd_xen_target_free(&g->target);
	free(g);
}

static struct bd_xen_guest *new_guest(struct bd_xen_guests *gs, const struct bd_xen_info *i)
{
	struct bd_xen_guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->gs = gs;
	g->domid = i->domid;
	g->uuid = i->handle;
	g->serial = ++gs->last_serial;
	g->holder = bl_handle_is_ours(&i->handle);
	if (i->type == BL_DOM_PV)
		bd_xen_offset_fix(&g->offset);
	HASH_ADD(hh, gs->table, domid, sizeof(g->domid), g);
	read_once(g);
	watch_all(g, true);
	return g;
}

int bd_xen_guests_sync(struct bd_xen_guests *gs, const struct bd_xen_info *infos, size_t n)
{
	struct bd_xen_guest *g, *next;

	for (size_t i = 0; i < n; i++) {
		g = bd_xen_guests_find(gs, infos[i].domid);
		if (g && !bl_uuid_equal(&g->uuid, &infos[i].handle)) {
			watch_all(g, false);
			free_guest(g);
			g = NULL;
		}
		if (!g)
			g = new_guest(gs, &infos[i]);
		if (!g)
			return -ENOMEM;
		g->listed = true;
	}
	HASH_ITER(hh, gs->table, g, next)
	{
		if (!g->listed) {
			watch_all(g, false);
			free_guest(g);
		} else {
			g->listed = false;
		}
	}
	return 0;
}

void bd_xen_guests_free(struct bd_xen_guests *gs)
{
	struct bd_xen_guest *g, *next;

	HASH_ITER(hh, gs->table, g, next)
	free_guest(g);
}
