/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/asks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/stateful/checks.h"
#include "tests/stateful/played.h"
#include "tests/stateful/wires.h"

#define MIB UINT64_C(1048576)
#define IDS 12 /* so few that the same is asked for again */
#define NAMES 4

static bool aloud;

void asks_begin(bool say)
{
	aloud = say;
}

static void said(void *ud, const struct bl_json *result, const struct bl_json *error)
{
	const struct bl_json *m = error ? bl_json_get(error, "message") : NULL;

	(void)ud;
	if (aloud)
		printf("# %8" PRIu64 "   answer: %s\n", played_now(),
		       result ? "done"
		       : m    ? bl_json_string(m, NULL)
			      : "none: the connection is gone");
}

static void send_ask(struct rnd *r, const char *method, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void send_ask(struct rnd *r, const char *method, const char *fmt, ...)
{
	unsigned wire = (unsigned)rnd_below(r, WIRES / 2);
	char params[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(params, sizeof(params), fmt, ap);
	va_end(ap);
	life_connect(wire);
	if (aloud)
		printf("# %8" PRIu64 " %s %s\n", played_now(), method, params);
	(void)wire_ask(wire, said, NULL, method, "%s", params);
}

static bl_uuid claim_id(uint64_t n)
{
	return (bl_uuid){ { 0xc1, [6] = 0x40, [8] = 0x80, [15] = (uint8_t)n } };
}

static const char *text_of(const bl_uuid *u, char buf[BL_UUID_STR])
{
	bl_uuid_format(u, buf);
	return buf;
}

static const char *some_id(struct rnd *r, char buf[BL_UUID_STR])
{
	bl_uuid id = claim_id(rnd_below(r, IDS));

	return text_of(&id, buf);
}

const char *asks_some_name(struct rnd *r)
{
	static char name[8];

	if (rnd_one_in(r, 2))
		return NULL;
	snprintf(name, sizeof(name), "n%u", (unsigned)rnd_below(r, NAMES));
	return name;
}

void asks_claim(struct rnd *r)
{
	static const char *const waits[] = { "", ",\"no_wait\":true", ",\"now\":true",
					     ",\"wait_seconds\":0" };
	char id[BL_UUID_STR], more[256] = "", wait[64];
	uint64_t size = rnd_in(r, 1, rnd_one_in(r, 3) ? 6000 : 900) * MIB;
	const char *name = asks_some_name(r);
	size_t n = 0;

	snprintf(wait, sizeof(wait), "%s", waits[rnd_below(r, 4)]);
	if (rnd_one_in(r, 3))
		snprintf(wait, sizeof(wait), ",\"wait_seconds\":%u", (unsigned)rnd_in(r, 1, 90));
	if (name)
		n += (size_t)snprintf(more + n, sizeof(more) - n, ",\"name\":\"%s\"", name);
	if (rnd_one_in(r, 3))
		n += (size_t)snprintf(more + n, sizeof(more) - n, ",\"min_bytes\":%" PRIu64,
				      rnd_in(r, 1, size));
	if (rnd_one_in(r, 2))
		n += (size_t)snprintf(more + n, sizeof(more) - n, ",\"ttl_seconds\":%u",
				      (unsigned)rnd_in(r, 1, 600));
	if (rnd_one_in(r, 3))
		n += (size_t)snprintf(more + n, sizeof(more) - n, ",\"overhead_bytes\":%" PRIu64,
				      rnd_in(r, 1, 40) * MIB);
	if (rnd_one_in(r, 5))
		n += (size_t)snprintf(more + n, sizeof(more) - n, ",\"hooked\":true");
	send_ask(r, "claim", "\"size_bytes\":%" PRIu64 ",\"id\":\"%s\"%s%s", size, some_id(r, id), wait,
		 more);
}

void asks_release(struct rnd *r)
{
	uint64_t n = rnd_below(r, IDS);
	char id[BL_UUID_STR];
	bl_uuid u = claim_id(n);

	check_may_end(&u);
	send_ask(r, "release", "\"ids\":[\"%s\"]", text_of(&u, id));
}

void asks_renew(struct rnd *r)
{
	char id[BL_UUID_STR];
	uint64_t n = rnd_below(r, IDS);
	bl_uuid u = claim_id(n);
	unsigned ttl = (unsigned)rnd_in(r, 1, 900);

	if (ttl < 60) /* shorter than the step may take */
		check_may_end(&u);
	send_ask(r, "renew", "\"id\":\"%s\",\"ttl_seconds\":%u", text_of(&u, id), ttl);
}

/* Of a domain: by its id, its name or its UUID. */
static const char *some_domain(struct rnd *r, char buf[64])
{
	const struct guest *g = guests_some(r);
	char uuid[BL_UUID_STR];

	if (!g)
		snprintf(buf, 64, "\"g%u\"", (unsigned)rnd_below(r, 6));
	else if (rnd_one_in(r, 2))
		snprintf(buf, 64, "\"%s\"", g->name);
	else if (rnd_one_in(r, 2))
		snprintf(buf, 64, "%u", g->domid);
	else
		snprintf(buf, 64, "\"%s\"", text_of(&g->uuid, uuid));
	return buf;
}

void asks_set(struct rnd *r)
{
	static const char *const modes[] = { "auto", "auto", "manual", "ignore" };
	char domain[64];
	uint64_t size = rnd_in(r, 1, 1500) * MIB;

	some_domain(r, domain);
	switch (rnd_below(r, 9)) {
	case 0:
	case 1:
		send_ask(r, "set", "\"domain\":%s,\"min_bytes\":%" PRIu64, domain, size / 2);
		break;
	case 2:
		send_ask(r, "set", "\"domain\":%s,\"max_bytes\":%" PRIu64 ",\"persist\":false", domain,
			 size);
		break;
	case 3:
	case 4:
		send_ask(r, "set", "\"domain\":%s,\"mode\":\"%s\"", domain, modes[rnd_below(r, 4)]);
		break;
	case 5:
		guests_by_hand_at = played_now();
		send_ask(r, "set", "\"domain\":%s,\"size_bytes\":%" PRIu64 ",\"weight\":%u", domain, size,
			 (unsigned)rnd_in(r, 1, 1000));
		break;
	case 6:
		send_ask(r, "forget", "\"domain\":%s", domain);
		break;
	case 7:
		send_ask(r, "pause", " ");
		break;
	default:
		send_ask(r, "resume", " ");
		break;
	}
}

void asks_look(struct rnd *r)
{
	char domain[64], id[BL_UUID_STR];

	switch (rnd_below(r, 8)) {
	case 0:
		send_ask(r, "ping", " ");
		break;
	case 1:
		send_ask(r, "claims", " ");
		break;
	case 2:
		send_ask(r, "claims", "\"id\":\"%s\"", some_id(r, id));
		break;
	case 3:
		send_ask(r, "plan", "\"size_bytes\":%" PRIu64, rnd_in(r, 1, 8000) * MIB);
		break;
	case 4:
		send_ask(r, "explain", "\"domain\":%s", some_domain(r, domain));
		break;
	case 5:
		send_ask(r, "rebalance", " ");
		break;
	case 6:
		send_ask(r, "subscribe", "\"since\":0");
		break;
	default:
		send_ask(r, "status", " ");
		break;
	}
}

void asks_sim(struct rnd *r)
{
	static const char *const sets[] = { "\"paused\":\"yes\"",      "\"paused\":\"no\"",
					    "\"migrating\":\"yes\"",   "\"migrating\":\"no\"",
					    "\"telemetry\":\"no\"",    "\"telemetry\":\"yes\"",
					    "\"behaviour\":\"stuck\"", "\"behaviour\":\"normal\"",
					    "\"target\":\"700M\"",     "\"used\":\"300M\"" };
	char id[BL_UUID_STR], claim[64] = "";
	unsigned n = (unsigned)rnd_below(r, 12);

	switch (rnd_below(r, 8)) {
	case 0:
	case 1:
		send_ask(r, "sim.destroy", "\"name\":\"%s%u\"", n < 8 ? "g" : "new", n % 8);
		break;
	case 2:
	case 3:
	case 4:
		if (rnd_one_in(r, 2)) {
			bl_uuid u = claim_id(n % IDS);

			check_may_end(&u);
			snprintf(claim, sizeof(claim), ",\"claim\":\"%s\"", text_of(&u, id));
		}
		send_ask(r, "sim.create", "\"name\":\"new%u\",\"size_bytes\":%" PRIu64 "%s", n % 8,
			 rnd_in(r, 1, 1500) * MIB, claim);
		break;
	default:
		send_ask(r, "sim.set", "\"name\":\"g%u\",\"values\":{%s}", n % 8, sets[rnd_below(r, 10)]);
		break;
	}
}

void asks_hang_up(struct rnd *r)
{
	unsigned wire = (unsigned)rnd_below(r, WIRES / 2);

	if (aloud)
		printf("# %8" PRIu64 " client %u hangs up\n", played_now(), wire);
	wire_close(wire);
}

/* ---- the hook ---- */

struct build {
	uint32_t domid;
	unsigned wire;
};
static struct build builds[WIRES];

static struct guest *guest_of(const struct build *b)
{
	struct guest *g = guests_by_domid(b->domid);

	return g && g->state == GUEST_BUILT && g->wire == b->wire ? g : NULL;
}

/* Claimed or not, it goes on; refused, xl gives up; where the daemon is gone, it is asked
 * again when there is one. */
static void handed(void *ud, const struct bl_json *result, const struct bl_json *error)
{
	struct build *b = ud;
	struct guest *g = guest_of(b);

	said(NULL, result, error);
	if (!g)
		return;
	if (result) {
		(void)wire_ask(b->wire, said, NULL, "built", "\"domid\":%u", b->domid);
		g->waits = false;
	} else if (error) {
		g->waits = false;
		g->wire = WIRES;
	} else {
		g->wire = WIRES; /* see asks_built */
	}
}

void asks_handoff(struct guest *g, struct rnd *r)
{
	unsigned wire = WIRES / 2 + (unsigned)rnd_below(r, WIRES / 2);
	char id[BL_UUID_STR], more[128] = "";
	struct build *b = &builds[wire];
	size_t n = 0;

	if (wire_is_open(wire) || !life_up())
		return;
	life_connect(wire);
	*b = (struct build){ .domid = g->domid, .wire = wire };
	g->wire = wire;
	g->waits = true;
	if (rnd_one_in(r, 3)) {
		bl_uuid u = claim_id(rnd_below(r, IDS));

		check_may_end(&u);
		n = (size_t)snprintf(more, sizeof(more), ",\"claim\":\"%s\"", text_of(&u, id));
	}
	if (rnd_one_in(r, 2))
		snprintf(more + n, sizeof(more) - n, ",\"wait_seconds\":%u", (unsigned)rnd_in(r, 1, 60));
	if (aloud)
		printf("# %8" PRIu64 " handoff of %u%s\n", played_now(), g->domid, more);
	if (!wire_ask(wire, handed, b, "handoff", "\"domid\":%u,\"size_bytes\":%" PRIu64 "%s", g->domid,
		      g->goal * 4096, more))
		g->waits = false;
}

void asks_built(struct rnd *r)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		struct guest *g = &guests[i];

		if (g->state != GUEST_BUILT)
			continue;
		if (g->wire < WIRES && rnd_one_in(r, 2)) {
			if (aloud)
				printf("# %8" PRIu64 " the builder of %u is killed\n", played_now(),
				       g->domid);
			wire_close(g->wire);
			g->wire = WIRES;
			g->waits = false;
			if (rnd_one_in(r, 2))
				guests_destroy(g);
		} else if (g->wire == WIRES && g->waits) {
			asks_handoff(g, r);
		}
		return;
	}
}

void asks_release_all(void)
{
	struct bd_picture p;
	char id[BL_UUID_STR];

	for (unsigned i = 0; i < WIRES; i++)
		wire_close(i);
	life_wait(10);
	if (!life_up())
		return;
	check_all_may_end();
	life_connect(0);
	bd_manager_picture(life_manager(), &p);
	for (size_t i = 0; i < p.ledger->n && i < WIRE_ASKS; i++)
		(void)wire_ask(0, said, NULL, "release", "\"ids\":[\"%s\"]",
			       text_of(&p.ledger->claims[i]->id, id));
}
