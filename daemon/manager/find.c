/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the domain, or the claim, that a client names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/manager/internal.h"

static bool parse_domid(const char *what, uint32_t *ret)
{
	unsigned long v;
	char *end;

	if (!*what || strspn(what, "0123456789") != strlen(what) || strlen(what) > 9)
		return false;
	v = strtoul(what, &end, 10);
	*ret = (uint32_t)v;
	return true;
}

/* What the client named: a name or a UUID. */
struct wanted {
	const char *name;
	bool by_uuid;
	bl_uuid uuid;
};

static bool is_wanted(const struct wanted *w, const struct bl_dom *d, bool dying)
{
	if (d->flags & BL_DOM_HOLDER || !(d->flags & BL_DOM_DYING) != !dying)
		return false;
	return w->by_uuid ? bl_uuid_equal(&d->uuid, &w->uuid) : *w->name && !strcmp(d->name, w->name);
}

/* Counts the wanted domains among those that die, or live. *ret is one of them; *same: all have
 * the same UUID. */
static size_t count_wanted(const struct bl_snapshot *s, const struct wanted *w, bool dying,
			   const struct bl_dom **ret, bool *same)
{
	const struct bl_dom *first = NULL;
	size_t n = 0;

	*same = true;
	for (size_t i = 0; i < s->n_doms; i++) {
		const struct bl_dom *d = &s->doms[i];

		if (!is_wanted(w, d, dying))
			continue;
		first = first ? first : d;
		*same &= bl_uuid_equal(&d->uuid, &first->uuid);
		n++;
	}
	if (n)
		*ret = first;
	return n;
}

/* Lists the wanted domains, by their domids alone if they have the same UUID. */
static void list_wanted(const struct bl_snapshot *s, const struct wanted *w, bool dying, bool same,
			char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < s->n_doms && used + BL_UUID_STR + 20 < size; i++) {
		const struct bl_dom *d = &s->doms[i];
		const char *comma = used ? ", " : "";
		char uuid[BL_UUID_STR];

		if (!is_wanted(w, d, dying))
			continue;
		bl_uuid_format(&d->uuid, uuid);
		if (same)
			used += (size_t)snprintf(buf + used, size - used, "%s%u", comma, d->domid);
		else
			used += (size_t)snprintf(buf + used, size - used, "%s%s (domid %u)", comma, uuid,
						 d->domid);
	}
}

int bd_manager_find_domain(struct bd_manager *m, const char *what, const struct bl_dom **ret,
			   struct bl_err *reterr)
{
	struct wanted w = { .name = what };
	const struct bl_dom *found = NULL;
	bool dying = false, same;
	char all[512];
	uint32_t domid;
	size_t n;

	if (parse_domid(what, &domid) && (found = bl_snapshot_find(&m->snap, domid)) &&
	    !(found->flags & BL_DOM_HOLDER)) {
		*ret = found;
		return 0;
	}
	w.by_uuid = bl_uuid_parse(what, &w.uuid);
	n = count_wanted(&m->snap, &w, false, &found, &same);
	if (!n) {
		dying = true;
		n = count_wanted(&m->snap, &w, true, &found, &same);
	}
	if (!n)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "%.200s: no such domain", what);
	if (n > 1) {
		list_wanted(&m->snap, &w, dying, same, all, sizeof(all));
		return bl_err_set(reterr, ENOTUNIQ, BL_ERR_AMBIGUOUS,
				  "%s: %zu %sdomains have that %s; say which by %s: %s", what, n,
				  dying ? "dying " : "", w.by_uuid ? "UUID" : "name",
				  same ? "domid" : "UUID", all);
	}
	*ret = found;
	return 0;
}

int bd_manager_check_lives(struct bd_manager *m, const struct bl_dom *d, struct bl_err *reterr)
{
	const struct bl_dom *lives = bl_snapshot_living(&m->snap, &d->uuid);

	if (!(d->flags & BL_DOM_DYING) || !lives)
		return 0;
	return bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE,
			  "domain %u is dying; %s lives on as domain %u, to which all that is remembered "
			  "belongs",
			  d->domid, lives->name[0] ? lives->name : "a domain", lives->domid);
}

int bd_manager_find_claim(struct bd_manager *m, const char *what, struct bl_claim **ret,
			  struct bl_err *reterr)
{
	struct bl_claim *c;
	bl_uuid id;

	c = bl_uuid_parse(what, &id) ? bl_ledger_find(&m->ledger, &id) : NULL;
	if (!c)
		return bl_err_set(reterr, ENOENT, BL_ERR_NO_SUCH_CLAIM, "%.200s: no such claim", what);
	*ret = c;
	return 0;
}
