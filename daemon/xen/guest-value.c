/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes a value that xenstore has for a domain, or ignores nonsense. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/xen/guest.h"

static void complain(struct bd_xen_guest *g, enum bd_xen_key key)
{
	if (g->complained)
		return;
	g->complained = true;
	bd_log(LOG_NOTICE,
	       "domain %" PRIu32 " (%s): its %s makes no sense and is ignored; what "
	       "else makes no sense there is ignored without a line in the log",
	       g->domid, g->name, bd_xen_key_name(key));
}

static void take_kib(struct bd_xen_guest *g, enum bd_xen_key key, const struct bd_store_reply *reply,
		     bool *ret_has, uint64_t *ret)
{
	bl_kib kib = { 0 };

	*ret_has = reply->value && bl_telemetry_parse_kib(reply->value, reply->len, &kib);
	if (reply->value && !*ret_has)
		complain(g, key);
	*ret = kib.n;
}

static void take_name(struct bd_xen_guest *g, const struct bd_store_reply *reply)
{
	bool news = !g->holder && !g->name[0] && !g->introduced, was = g->removed;

	if (reply->value)
		bl_text_sanitize(g->name, reply->value, reply->len);
	else
		news = g->holder && g->name[0]; /* after `xl destroy` no other event comes */
	g->removed = !g->holder && !reply->value && g->name[0] && g->introduced;
	if (news || was != g->removed)
		bd_xen_guests_changed(g->gs);
}

static void take_vm(struct bd_xen_guest *g, const struct bd_store_reply *reply)
{
	bool fits = reply->value && reply->len < sizeof(g->vm) && strlen(reply->value) == reply->len;

	(void)snprintf(g->vm, sizeof(g->vm), "%s", fits ? reply->value : "");
}

void bd_xen_guest_take(struct bd_xen_guest *g, enum bd_xen_key key, const struct bd_store_reply *reply)
{
	bool ignored;

	switch (key) {
	case BD_XEN_KEY_NAME:
		take_name(g, reply);
		break;
	case BD_XEN_KEY_VM:
		take_vm(g, reply);
		break;
	case BD_XEN_KEY_TARGET:
		bd_xen_target_value(g, reply);
		break;
	case BD_XEN_KEY_SHUTDOWN:
		if (reply->value && reply->len && !g->asked_down) {
			g->asked_down = true;
			bd_xen_guests_changed(g->gs);
		}
		break;
	case BD_XEN_KEY_STATIC_MAX:
		take_kib(g, key, reply, &g->has_static_max, &g->static_max);
		break;
	case BD_XEN_KEY_VIDEORAM:
		take_kib(g, key, reply, &ignored, &g->videoram);
		break;
	case BD_XEN_KEY_DYN_MIN:
		take_kib(g, key, reply, &g->has_dyn_min, &g->dyn_min);
		break;
	case BD_XEN_KEY_STUBDOM:
		g->stubdom = reply->value;
		break;
	case BD_XEN_KEY_ANNOUNCED:
		g->announced = reply->value && reply->len == 1 && reply->value[0] == '1';
		break;
	case BD_XEN_KEY_STAT:
	case BD_XEN_KEY_MEMINFO_TOTAL:
	case BD_XEN_KEY_MEMINFO_FREE:
	case BD_XEN_KEY_MEMINFO:
		if (!bd_xen_tele_take(&g->tele, (enum bd_xen_tele_source)(key - BD_XEN_KEY_STAT),
				      reply->value, reply->len, bd_clock_now()))
			complain(g, key);
		break;
	case BD_XEN_KEY_INTRODUCED:
	case BD_XEN_N_KEYS:
		break;
	}
}
