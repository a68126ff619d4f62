/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a world's file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/ini.h"
#include "lib/sim/world.h"

const char bl_sim_default_world[] = "[host]\nmemory = 16G\ndom0 = 1G\n"
				    "[guest web]\nstatic-max = 4G\nmemory = 3G\nmin = 1G\nused = 900M\n"
				    "[guest db]\nstatic-max = 4G\nmemory = 3G\nmin = 1G\nused = 1400M\n"
				    "[guest mail]\nstatic-max = 4G\nmemory = 2G\nmin = 1G\nused = 600M\n"
				    "[guest build]\nstatic-max = 4G\nmemory = 2G\nmin = 1G\nused = 700M\n"
				    "[guest files]\nstatic-max = 4G\nmemory = 2G\nmin = 1G\nused = 500M\n"
				    "[guest wiki]\nstatic-max = 4G\nmemory = 2G\nmin = 1G\nused = 800M\n";

struct parser {
	struct bl_ini ini;
	struct bl_sim_world *w;
	bool in_section, had_host;
	enum bl_sim_section in;
	unsigned section_line;
	struct bl_sim_values host, v;
	char label[BL_NAME_MAX + 16]; /* "[guest web]" */
};

/* An error at a line, or at the line where the reader is. */
#define FAIL_AT(p, line, ...) bl_ini_fail(&(p)->ini, line, EINVAL, __VA_ARGS__)
#define FAIL(p, ...) FAIL_AT(p, (p)->ini.line, __VA_ARGS__)

/* ---- Sections --------------------------------------------------------------- */

static int begin_section(struct parser *p, const char *kind, const char *name)
{
	size_t len = strlen(name);

	p->section_line = p->ini.line;
	if (!strcmp(kind, "host") && !*name) {
		if (p->had_host)
			return FAIL(p, "[host] is given twice");
		p->had_host = p->in_section = true;
		p->in = BL_SIM_IN_HOST;
		snprintf(p->label, sizeof(p->label), "[host]");
		return 0;
	}
	if (strcmp(kind, "guest") && strcmp(kind, "thief"))
		return FAIL(p, "unknown section [%s%s%s]", kind, *name ? " " : "", name);
	if (!len || len > BL_NAME_MAX)
		return FAIL(p, "[%s NAME] needs a name of 1 to %d bytes", kind, BL_NAME_MAX);
	p->in = *kind == 'g' ? BL_SIM_IN_GUEST : BL_SIM_IN_THIEF;
	p->in_section = true;
	p->v = (struct bl_sim_values){ .count = 1 };
	bl_sim_guest_defaults(&p->v.dom);
	memcpy(p->v.dom.name, name, len);
	p->v.dom.line = p->ini.line;
	snprintf(p->label, sizeof(p->label), "[%s %s]", kind, name);
	return 0;
}

/* What only the whole section can tell. */
static int check_guest(const struct parser *p, struct bl_sim_dom *d)
{
	if (!bl_sim_has_key(p->in, &p->v, p->in == BL_SIM_IN_THIEF ? "size" : "memory"))
		return FAIL_AT(p, p->section_line, "%s has no %s", p->label,
			       p->in == BL_SIM_IN_THIEF ? "size" : "memory");
	if (!d->static_max)
		d->static_max = d->memory;
	if (d->memory > d->static_max)
		return FAIL_AT(p, p->section_line, "%s: memory is above static-max", p->label);
	if (d->has_min && d->min > d->static_max)
		return FAIL_AT(p, p->section_line, "%s: min is above static-max", p->label);
	if (d->offset > 0 && (uint64_t)d->offset >= d->memory)
		return FAIL_AT(p, p->section_line, "%s: offset is not below memory", p->label);
	if (p->v.count > 1 && !bl_uuid_is_null(&d->uuid))
		return FAIL_AT(p, p->section_line, "%s: a uuid for more than one guest", p->label);
	if (!d->used)
		d->used = d->memory / 4;
	d->appear += BL_SIM_EPOCH_MS;
	if (p->in == BL_SIM_IN_THIEF) {
		d->thief = 1;
		d->manner = BL_SIM_NODRIVER;
		d->telemetry = BL_SIM_SILENT;
	}
	return 0;
}

static int add_guest(const struct parser *p, const struct bl_sim_dom *d)
{
	if (p->w->n_slots == BL_SIM_DOMS_MAX)
		return FAIL_AT(p, p->section_line, "%s: a simulated host has at most %d domains", p->label,
			       BL_SIM_DOMS_MAX);
	p->w->doms[p->w->n_slots++] = *d;
	return 0;
}

static int end_section(struct parser *p)
{
	struct bl_sim_dom d = p->v.dom;
	size_t len = strlen(d.name);
	int r;

	if (!p->in_section)
		return 0;
	p->in_section = false;
	if (p->in == BL_SIM_IN_HOST)
		return 0;
	r = check_guest(p, &d);
	for (uint64_t i = 1; r == 0 && i <= p->v.count; i++) {
		if (p->v.count > 1 && snprintf(d.name + len, sizeof(d.name) - len, "-%llu",
					       (unsigned long long)i) >= (int)(sizeof(d.name) - len))
			return FAIL_AT(p, p->section_line, "%s: its name is too long to be counted",
				       p->label);
		r = add_guest(p, &d);
	}
	return r;
}

/* ---- Lines ------------------------------------------------------------------- */

static int check_text(const struct parser *p, const char *text)
{
	return bl_text_clean(text, strlen(text)) ? 0 : FAIL(p, "the line is not UTF-8 text");
}

static int on_section(struct bl_ini *in, char *t)
{
	struct parser *p = in->ud;
	size_t kind = strcspn(t, " \t");
	const char *name = t + kind + strspn(t + kind, " \t");
	int r = check_text(p, name);

	t[kind] = '\0';
	if (r == 0)
		r = end_section(p);
	return r < 0 ? r : begin_section(p, t, name);
}

static int on_key(struct bl_ini *in, const char *key, const char *value)
{
	struct parser *p = in->ud;
	struct bl_err e;
	int r = check_text(p, key);

	if (r == 0)
		r = check_text(p, value);
	if (r == 0 && bl_sim_key(p->in, key, value, p->in == BL_SIM_IN_HOST ? &p->host : &p->v, &e))
		r = FAIL(p, "%s in %s", e.msg, p->label);
	return r;
}

/* ---- The whole -------------------------------------------------------------- */

static void fill_host(struct bl_sim_world *w, const struct bl_sim_values *host)
{
	w->seed = host->seed;
	w->n_nodes = host->nodes;
	w->has_pool = host->has_pool;
	for (size_t i = 0; i < w->n_nodes; i++)
		w->node_total[i] = host->memory / w->n_nodes;
	w->node_total[0] += host->memory % w->n_nodes;
	w->doms[0] = (struct bl_sim_dom){
		.phase = BL_SIM_PENDING,
		.name = "Domain-0",
		.appear = BL_SIM_EPOCH_MS,
		.type = BL_DOM_PV,
		.rate = host->dom0_rate,
		.used = host->dom0_used,
		.telemetry = host->dom0_used ? BL_SIM_HONEST : BL_SIM_SILENT,
		.memory = host->dom0,
		.static_max = host->dom0,
		.line = 1,
	};
}

/* Once all is read, in whatever order it stood. */
static int finish_world(const struct parser *p)
{
	struct bl_sim_world *w = p->w;
	struct bl_sim *s;
	int r;

	fill_host(w, &p->host);
	for (size_t j = 1; j < w->n_slots; j++) {
		struct bl_sim_dom *d = &w->doms[j];

		if (d->node > w->n_nodes)
			return FAIL_AT(p, (unsigned)d->line, "%s: the host has no node %llu", d->name,
				       (unsigned long long)d->node - 1);
		if (bl_uuid_is_null(&d->uuid))
			bl_sim_name_uuid(w, d, j);
	}
	r = bl_sim_attach(w, &s, p->ini.reterr);
	if (r < 0)
		return r;
	r = bl_sim_boot(s, p->ini.file, p->ini.reterr);
	bl_sim_free(s);
	return r;
}

int bl_sim_world_parse(void *mem, const char *file, const char *text, size_t len, struct bl_err *reterr)
{
	struct parser p = {
		.ini = { .file = file, .reterr = reterr, .on_section = on_section, .on_key = on_key },
		.w = mem,
		.host = { .memory = UINT64_C(16) << 18,
			  .dom0 = UINT64_C(1) << 18,
			  .nodes = 1,
			  .seed = 1,
			  .dom0_rate = UINT64_C(400) << 8 },
	};
	int r;

	p.ini.ud = &p;
	p.w->size = sizeof(*p.w);
	p.w->now = BL_SIM_EPOCH_MS;
	p.w->n_slots = 1; /* dom0's */
	r = bl_ini_read(&p.ini, text, len);
	if (r == 0)
		r = end_section(&p);
	if (r == 0)
		r = finish_world(&p);
	if (r == 0)
		memcpy(p.w->magic, BL_SIM_MAGIC, sizeof(p.w->magic));
	return r;
}
