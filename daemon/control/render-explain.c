/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a domain is as it is, and what was forgotten of a domain. */
#include <stdio.h>
#include <string.h>

#include "daemon/control/render.h"
#include "lib/core/reason.h"

static void put_pages(struct bl_json_out *o, const char *key, bl_pages p)
{
	bl_json_put_uint(o, key, bl_pages_to_bytes(p).n);
}

void bd_render_forgotten(struct bl_json_out *o, const struct bd_changed *f)
{
	char uuid[BL_UUID_STR];

	bl_uuid_format(&f->uuid, uuid);
	bl_json_put_bool(o, "forgotten", f->any);
	bl_json_put_string(o, "uuid", uuid);
}

/* Another domain with the same UUID or name, where at least one of the two is dying: the remains
 * of an earlier run, or its successor. */
static bool is_namesake(const struct bl_dom *d, const struct bl_dom *other)
{
	if (other->domid == d->domid || other->flags & BL_DOM_HOLDER ||
	    !((d->flags | other->flags) & BL_DOM_DYING))
		return false;
	return (!bl_uuid_is_null(&d->uuid) && bl_uuid_equal(&d->uuid, &other->uuid)) ||
	       (d->name[0] && !strcmp(d->name, other->name));
}

static void put_namesakes(struct bl_json_out *o, const struct bd_picture *p, const struct bl_dom *d,
			  bool as_text)
{
	char line[128], size[BL_SIZE_STR];

	for (size_t i = 0; i < p->snap->n_doms; i++) {
		const struct bl_dom *other = &p->snap->doms[i];
		const char *same = strcmp(d->name, other->name) ? "UUID" : "name";

		if (!is_namesake(d, other))
			continue;
		if (!as_text) {
			bl_json_object(o, NULL);
			bd_render_who(o, other);
			bl_json_put_bool(o, "dying", other->flags & BL_DOM_DYING);
			put_pages(o, "current_bytes", other->tot);
			bl_json_object_end(o);
			continue;
		}
		if (other->flags & BL_DOM_DYING)
			(void)snprintf(line, sizeof(line),
				       "domain %u, of the same %s, is dying and still keeps %s",
				       other->domid, same, bl_pages_format(other->tot, size));
		else
			(void)snprintf(line, sizeof(line), "domain %u, of the same %s, is alive",
				       other->domid, same);
		bl_json_put_string(o, NULL, line);
	}
}

static const char *base_reason(const struct bl_view *v, char *buf, size_t size)
{
	static const char *const why[BL_BASE_FROMS] = {
		[BL_BASE_STARTED] = "the size it was started with",
		[BL_BASE_REBOOTED] = "kept over its reboot",
		[BL_BASE_RESTORED] = "kept over a restore or a migration",
	};
	enum bl_base_from from = v->limits.base_from;

	if (from != BL_BASE_UNSEEN)
		return why[from];
	(void)snprintf(buf, size,
		       "kept, since balloond did not see how the domain started: 'balloonctl forget "
		       "%.64s' makes its present size the base",
		       v->dom->name[0] ? v->dom->name : "DOMAIN");
	return buf;
}

void bd_render_explain(struct bl_json_out *o, const struct bd_picture *p, const struct bl_view *v)
{
	const struct bl_plan_in in = bd_render_input(p);
	const struct bl_limits *l = &v->limits;
	char reason[BL_REASON_MAX], limits[512], why[256];
	struct {
		char min[BL_SIZE_STR], max[BL_SIZE_STR], base[BL_SIZE_STR];
	} s;

	bd_render_domain(o, "domain", p, v);
	bl_json_object(o, "limits");
	bl_json_put_string(o, "mode", bl_mode_name(l->mode));
	bl_json_put_bool(o, "external", l->external);
	put_pages(o, "min_bytes", l->min);
	bl_json_put_string(o, "min_from", bl_limit_source_name(l->min_from));
	put_pages(o, "max_bytes", l->max);
	put_pages(o, "base_bytes", l->base);
	bl_json_put_string(o, "base_from", bl_base_from_name(l->base_from));
	bl_json_put_uint(o, "weight", l->weight);
	put_pages(o, "floor_bytes", v->floor);
	put_pages(o, "goal_bytes", v->goal);
	bl_json_object_end(o);
	bl_json_put_string(o, "reason", bl_reason_domain(p->plan, &in, v, reason));
	bl_json_array(o, "reasons");
	bl_json_put_string(o, NULL, reason);
	if (v->track)
		bl_json_put_string(o, NULL, bl_reason_givable(&in, v, reason));
	(void)snprintf(limits, sizeof(limits), "min %s (from %s), max %s, base %s (%s), weight %u",
		       bl_pages_format(l->min, s.min), bl_limit_source_name(l->min_from),
		       bl_pages_format(l->max, s.max), bl_pages_format(l->base, s.base),
		       base_reason(v, why, sizeof(why)), l->weight);
	bl_json_put_string(o, NULL, limits);
	put_namesakes(o, p, v->dom, true);
	bl_json_array_end(o);
	bl_json_array(o, "namesakes");
	put_namesakes(o, p, v->dom, false);
	bl_json_array_end(o);
}
