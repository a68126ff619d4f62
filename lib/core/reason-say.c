/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/reason-say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void bl_say(char buf[BL_REASON_MAX], const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, BL_REASON_MAX - used, fmt, ap);
	va_end(ap);
}

const char *bl_say_label(const struct bl_dom *d, struct bl_say_text *t)
{
	if (d->name[0])
		snprintf(t->s, sizeof(t->s), "%s", d->name);
	else
		snprintf(t->s, sizeof(t->s), "domain %u", d->domid);
	return t->s;
}

const char *bl_say_arg(const struct bl_dom *d, struct bl_say_text *t)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:";

	/* A name of digits alone would be taken for a domid. */
	if (d->name[0] && d->name[0] != '-' && strspn(d->name, plain) == strlen(d->name) &&
	    strspn(d->name, "0123456789") != strlen(d->name))
		snprintf(t->s, sizeof(t->s), "%s", d->name);
	else
		snprintf(t->s, sizeof(t->s), "%u", d->domid);
	return t->s;
}

const char *bl_say_size(bl_pages p, struct bl_say_text *t)
{
	if (p.n)
		bl_pages_format(p, t->s);
	else
		snprintf(t->s, sizeof(t->s), "nothing");
	return t->s;
}

const char *bl_say_target(const struct bl_dom *d, struct bl_say_text *t)
{
	char size[sizeof(t->s)];

	bl_pages_format(d->tot, size);
	bl_pages_format(d->target, t->s);
	if (d->target.n == d->tot.n || strcmp(size, t->s) != 0)
		return t->s;
	bl_pages_format(bl_pages_distance(d->target, d->tot), size);
	snprintf(t->s, sizeof(t->s), "%.64s %s", size, d->target.n < d->tot.n ? "less" : "more");
	return t->s;
}

const char *bl_say_time(bl_ms ms, struct bl_say_text *t)
{
	unsigned long long s = (unsigned long long)(ms.n / 1000 + (ms.n % 1000 != 0));

	if (s < 120)
		snprintf(t->s, sizeof(t->s), "%llu s", s);
	else if (s < 7200)
		snprintf(t->s, sizeof(t->s), "%llu min", s / 60);
	else
		snprintf(t->s, sizeof(t->s), "%llu h", s / 3600);
	return t->s;
}

const char *bl_say_refusal(enum bl_refusal r)
{
	switch (r) {
	case BL_REFUSES_MIN:
		return "its floor (xen.balloon.min in the guest)";
	case BL_REFUSES_PRESSURE:
		return "memory pressure inside the guest";
	case BL_REFUSES_NO_PAGES:
		return "its kernel finds no page to give";
	case BL_REFUSES_NOT:
		break;
	}
	return "it refuses";
}

void bl_say_claim(char buf[BL_REASON_MAX], const struct bl_claim *c)
{
	char id[BL_UUID_STR];

	bl_uuid_format(&c->id, id);
	bl_say(buf, "claim %.8s%s%s (%s)", id, c->name[0] ? " of " : "", c->name, SIZE(c->size));
}

bool bl_say_own_min_counts(const struct bl_view *v)
{
	bl_pages own = bl_view_own_min(v);

	return own.n && own.n > v->limits.min.n && own.n >= v->dom->tele.used.n;
}
