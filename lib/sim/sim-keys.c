/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of a world's file, and of `sim set`: a table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sim/world.h"

typedef int (*reader)(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr);

static int bad(struct bl_err *reterr, const char *key, const char *value, const char *want)
{
	char shown[128];

	bl_text_scrub(shown, sizeof(shown), value, strlen(value));
	return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: \"%s\" is not %s", key, shown, want);
}

static int number(const char *key, const char *value, uint64_t lo, uint64_t hi, uint64_t *ret,
		  struct bl_err *reterr)
{
	uint64_t n = 0;
	const char *c = value;

	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n))
			n = UINT64_MAX;
	if (c == value || *c || n < lo || n > hi)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: must be a whole number from %llu to %llu", key,
				  (unsigned long long)lo, (unsigned long long)hi);
	*ret = n;
	return 0;
}

#define SIZE_MAX_PAGES (UINT64_C(1) << 40) /* 4 PiB; sums of them cannot overflow */

static int size(const char *key, const char *value, uint64_t *ret, struct bl_err *reterr)
{
	bl_bytes b;
	int r = bl_size_parse(key, value, &b, reterr);

	if (r < 0)
		return r;
	if (bl_pages_from_bytes_ceil(b).n > SIZE_MAX_PAGES)
		return bad(reterr, key, value, "a size that a host has");
	*ret = bl_pages_from_bytes_ceil(b).n;
	return 0;
}

static int duration(const char *key, const char *value, uint64_t *ret, struct bl_err *reterr)
{
	bl_ms ms;
	int r = bl_duration_parse(key, value, false, &ms, reterr);

	if (r < 0)
		return r;
	if (ms.n > UINT64_C(1) << 48)
		return bad(reterr, key, value, "a duration that a host sees");
	*ret = ms.n;
	return 0;
}

static int yes_no(const char *key, const char *value, uint64_t *ret, struct bl_err *reterr)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return bad(reterr, key, value, "yes or no");
	*ret = value[0] == 'y';
	return 0;
}

/* A reader for a key that is no more than one field of one kind. */
#define FIELD(fn, kind, field)                                                                              \
	static int fn(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)   \
	{                                                                                                   \
		return kind(key, value, &v->field, reterr);                                                 \
	}
FIELD(read_host_memory, size, memory)
FIELD(read_dom0, size, dom0)
FIELD(read_dom0_used, size, dom0_used)
FIELD(read_dom0_rate, size, dom0_rate)
FIELD(read_memory, size, dom.memory)
FIELD(read_static_max, size, dom.static_max)
FIELD(read_rate, size, dom.rate)
FIELD(read_build_rate, size, dom.build_rate)
FIELD(read_used, size, dom.used)
FIELD(read_target, size, target)
FIELD(read_appear, duration, dom.appear)
FIELD(read_for, duration, dom.stays)
FIELD(read_paused, yes_no, dom.paused)
FIELD(read_migrating, yes_no, dom.migrating)

static int read_nodes(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	return number(key, value, 1, BL_SIM_NODES_MAX, &v->nodes, reterr);
}

static int read_seed(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	return number(key, value, 0, UINT64_MAX - 1, &v->seed, reterr);
}

static int read_count(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	return number(key, value, 1, BL_SIM_DOMS_MAX, &v->count, reterr);
}

static int read_node(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	uint64_t n = 0;
	int r = number(key, value, 0, BL_SIM_NODES_MAX - 1, &n, reterr);

	if (r == 0)
		v->dom.node = n + 1;
	return r;
}

static int read_min(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	int r = size(key, value, &v->dom.min, reterr);

	if (r == 0)
		v->dom.has_min = 1;
	return r;
}

/* The one size that may be negative: what tot_pages has beyond memory/target. */
static int read_offset(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	bool negative = value[0] == '-';
	uint64_t n = 0;
	int r = size(key, value + negative, &n, reterr);

	if (r == 0)
		v->dom.offset = negative ? -(int64_t)n : (int64_t)n;
	return r;
}

static int read_type(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	for (unsigned t = BL_DOM_PV; t <= BL_DOM_HVM; t++)
		if (!strcmp(value, bl_dom_type_name((enum bl_dom_type)t))) {
			v->dom.type = t;
			return 0;
		}
	return bad(reterr, key, value, "pv, pvh or hvm");
}

static int read_claim_method(const char *key, const char *value, struct bl_sim_values *v,
			     struct bl_err *reterr)
{
	if (strcmp(value, "holder") && strcmp(value, "pool"))
		return bad(reterr, key, value, "holder or pool");
	v->has_pool = value[0] == 'p';
	return 0;
}

static int read_telemetry(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	static const char *const names[] = {
		[BL_SIM_SILENT] = "no",
		[BL_SIM_HONEST] = "yes",
		[BL_SIM_LIES] = "lies",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(value, names[i])) {
			v->dom.telemetry = i;
			return 0;
		}
	return bad(reterr, key, value, "yes, no or lies");
}

static int read_uuid(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	bl_uuid u;

	/* a guest with a holder's handle would be destroyed as one */
	if (!bl_uuid_parse(value, &u) || bl_uuid_is_null(&u) || bl_handle_is_ours(&u))
		return bad(reterr, key, value, "a UUID a guest can have");
	v->dom.uuid = u;
	return 0;
}

static bool takes_value(uint64_t manner)
{
	return manner == BL_SIM_FLOOR || manner == BL_SIM_OWN_MIN || manner == BL_SIM_VANISH ||
	       manner == BL_SIM_REBOOT || manner == BL_SIM_SHORT;
}

static const char manners_wanted[] =
	"normal, stuck, slow, floor:SIZE, forgetful, vanish:DURATION, reboot:DURATION, nodriver, "
	"gives-up, own-min:SIZE, short:SIZE or zombie:SIZE";

/* The manner that value begins with; its own value, if it has one, in *ret_value. */
static uint64_t find_manner(const char *value, size_t len, const char **ret_value)
{
	static const char *const names[BL_SIM_MANNERS] = {
		[BL_SIM_NORMAL] = "normal",	  [BL_SIM_STUCK] = "stuck",
		[BL_SIM_SLOW] = "slow",		  [BL_SIM_FLOOR] = "floor",
		[BL_SIM_FORGETFUL] = "forgetful", [BL_SIM_VANISH] = "vanish",
		[BL_SIM_REBOOT] = "reboot",	  [BL_SIM_NODRIVER] = "nodriver",
		[BL_SIM_GIVES_UP] = "gives-up",	  [BL_SIM_OWN_MIN] = "own-min",
		[BL_SIM_SHORT] = "short",
	};
	const char *colon = memchr(value, ':', len);
	size_t name = colon ? (size_t)(colon - value) : len;
	uint64_t i = 0;

	while (i < BL_SIM_MANNERS && (strlen(names[i]) != name || memcmp(names[i], value, name)))
		i++;
	*ret_value = colon ? colon + 1 : NULL;
	return i < BL_SIM_MANNERS && !colon == !takes_value(i) ? i : BL_SIM_MANNERS;
}

static int read_manner(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	const char *of;
	uint64_t i = find_manner(value, strlen(value), &of);
	int r = 0;

	if (i == BL_SIM_MANNERS)
		return bad(reterr, key, value, manners_wanted);
	if (i == BL_SIM_FLOOR || i == BL_SIM_OWN_MIN)
		r = size(i == BL_SIM_FLOOR ? "behaviour floor" : "behaviour own-min", of, &v->dom.floor,
			 reterr);
	if (i == BL_SIM_SHORT)
		r = size("behaviour short", of, &v->dom.inexact, reterr);
	if (i == BL_SIM_VANISH)
		r = duration("behaviour vanish", of, &v->dom.stays, reterr);
	if (i == BL_SIM_REBOOT)
		r = duration("behaviour reboot", of, &v->dom.stays, reterr);
	if (r == 0)
		v->dom.manner = i;
	return r;
}

/* How it lives, how it dies (zombie:SIZE), or both with a comma between them. */
static int read_behaviour(const char *key, const char *value, struct bl_sim_values *v, struct bl_err *reterr)
{
	static const char zombie[] = "zombie:";
	const char *comma = strchr(value, ',');
	const char *dies = comma ? comma + 1 : value;
	char lives[64] = "normal";
	uint64_t keeps = 0;
	int r;

	while (comma && *dies == ' ')
		dies++;
	if (!strncmp(dies, zombie, sizeof(zombie) - 1)) {
		if (comma && (size_t)(comma - value) >= sizeof(lives))
			return bad(reterr, key, value, manners_wanted);
		if (comma) {
			memcpy(lives, value, (size_t)(comma - value));
			lives[comma - value] = '\0';
		}
		r = size("behaviour zombie", dies + sizeof(zombie) - 1, &keeps, reterr);
		if (r == 0)
			r = read_manner(key, lives, v, reterr);
	} else {
		r = read_manner(key, value, v, reterr);
	}
	if (r == 0)
		v->dom.keeps = keeps;
	return r;
}

#define HOST (1U << BL_SIM_IN_HOST)
#define GUEST (1U << BL_SIM_IN_GUEST)
#define THIEF (1U << BL_SIM_IN_THIEF)
#define SET (1U << BL_SIM_IN_SET)

static const struct {
	const char *name;
	unsigned where;
	reader read;
} keys[] = {
	{ "memory", HOST, read_host_memory },
	{ "dom0", HOST, read_dom0 },
	{ "dom0-used", HOST, read_dom0_used },
	{ "dom0-rate", HOST, read_dom0_rate },
	{ "nodes", HOST, read_nodes },
	{ "seed", HOST, read_seed },
	{ "claim-method", HOST, read_claim_method },
	{ "memory", GUEST, read_memory },
	{ "static-max", GUEST, read_static_max },
	{ "min", GUEST | SET, read_min },
	{ "rate", GUEST | SET, read_rate },
	{ "used", GUEST | SET, read_used },
	{ "telemetry", GUEST | SET, read_telemetry },
	{ "behaviour", GUEST | SET, read_behaviour },
	{ "paused", GUEST | SET, read_paused },
	{ "migrating", GUEST | SET, read_migrating },
	{ "type", GUEST, read_type },
	{ "offset", GUEST, read_offset },
	{ "node", GUEST, read_node },
	{ "uuid", GUEST, read_uuid },
	{ "appear", GUEST, read_appear },
	{ "count", GUEST, read_count },
	{ "target", SET, read_target },
	{ "size", THIEF, read_memory },
	{ "at", THIEF, read_appear },
	{ "rate", THIEF, read_build_rate },
	{ "for", THIEF, read_for },
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static size_t find_key(enum bl_sim_section in, const char *key)
{
	size_t i = 0;

	while (i < N_KEYS && (!(keys[i].where & 1U << in) || strcmp(keys[i].name, key)))
		i++;
	return i;
}

int bl_sim_key(enum bl_sim_section in, const char *key, const char *value, struct bl_sim_values *v,
	       struct bl_err *reterr)
{
	size_t i = find_key(in, key);
	int r;

	if (i == N_KEYS) {
		char shown[64];

		bl_text_scrub(shown, sizeof(shown), key, strlen(key));
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "unknown key \"%s\"", shown);
	}
	if (v->seen & UINT64_C(1) << i)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s is given twice", key);
	r = keys[i].read(key, value, v, reterr);
	if (r == 0)
		v->seen |= UINT64_C(1) << i;
	return r;
}

bool bl_sim_has_key(enum bl_sim_section in, const struct bl_sim_values *v, const char *key)
{
	size_t i = find_key(in, key);

	return i < N_KEYS && v->seen & UINT64_C(1) << i;
}
