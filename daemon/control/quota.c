/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/quota.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define MIB ((size_t)1 << 20)
#define NO_LIMIT 0

struct limits {
	unsigned per_second, burst; /* connections that one user may open */
	unsigned calls;		    /* requests of one user; one connection may have 64 */
	size_t user_held, user_unsent;
	size_t rank_held, rank_unsent;
};

/* The status of 1,001 domains has half a MiB: the budget of unsent bytes holds many of them, for
 * slow readers. */
static const struct limits limits[BD_RANKS] = {
	[BD_RANK_ROOT] = { NO_LIMIT, NO_LIMIT, NO_LIMIT, 16 * MIB, 48 * MIB, 16 * MIB, 48 * MIB },
	[BD_RANK_GROUP] = { 500, 4096, 512, 4 * MIB, 16 * MIB, 8 * MIB, 32 * MIB },
	[BD_RANK_VIEWER] = { 100, 1000, 64, 1 * MIB, 8 * MIB, 4 * MIB, 16 * MIB },
	[BD_RANK_REFUSED] = { 100, 200, NO_LIMIT, 1 * MIB, 1 * MIB, 1 * MIB, 1 * MIB },
};

enum bd_rank bd_quota_rank(enum bd_role role, uid_t uid)
{
	if (role == BD_ROLE_NONE)
		return BD_RANK_REFUSED;
	if (uid == 0)
		return BD_RANK_ROOT;
	return role == BD_ROLE_ADMIN ? BD_RANK_GROUP : BD_RANK_VIEWER;
}

static uint64_t full(enum bd_rank rank)
{
	return (uint64_t)limits[rank].burst * 1000;
}

void bd_quota_init(struct bd_quota *q, unsigned max_clients)
{
	memset(q, 0, sizeof(*q));
	q->max_clients = max_clients;
	for (int rank = 0; rank < BD_RANKS; rank++)
		q->shared[rank] = (struct bd_user){ .rank = (enum bd_rank)rank,
						    .tokens = full((enum bd_rank)rank) };
}

static void refill(struct bd_user *u, uint64_t now)
{
	uint64_t ms = now > u->refilled ? now - u->refilled : 0;
	uint64_t room = full(u->rank) - u->tokens, rate = limits[u->rank].per_second;

	if (!rate)
		return;
	u->tokens += ms > room / rate ? room : ms * rate;
	if (now > u->refilled)
		u->refilled = now;
}

/* A row is free once its user is treated as a user that was never seen: no connection, all
 * tokens. */
static bool is_free(struct bd_user *u, uint64_t now)
{
	if (!u->known)
		return true;
	if (u->conns)
		return false;
	refill(u, now);
	return u->tokens == full(u->rank);
}

static struct bd_user *row_of(struct bd_quota *q, uid_t uid, enum bd_rank rank, uint64_t now)
{
	struct bd_user *unused = NULL;

	if (rank == BD_RANK_ROOT || rank == BD_RANK_REFUSED)
		return &q->shared[rank];
	for (size_t i = 0; i < BD_QUOTA_USERS; i++) {
		struct bd_user *u = &q->users[i];

		if (u->known && u->uid == uid && u->rank == rank)
			return u;
		if (!unused && is_free(u, now))
			unused = u;
	}
	if (!unused)
		return &q->shared[rank];
	*unused = (struct bd_user){
		.uid = uid, .rank = rank, .known = true, .tokens = full(rank), .refilled = now
	};
	return unused;
}

static unsigned share(unsigned of, unsigned part, unsigned parts)
{
	unsigned n = (unsigned)((uint64_t)of * part / parts);

	return n ? n : 1;
}

/* Why u may not have one more connection; NULL: u may. */
static const char *no_room(const struct bd_quota *q, const struct bd_user *u)
{
	unsigned max = q->max_clients, all, others;

	others = q->conns[BD_RANK_GROUP] + q->conns[BD_RANK_VIEWER];
	all = others + q->conns[BD_RANK_ROOT];
	switch (u->rank) {
	case BD_RANK_ROOT:
		return all >= max + BD_QUOTA_ROOT_EXTRA ? "too many clients are connected" : NULL;
	case BD_RANK_GROUP:
	case BD_RANK_VIEWER:
		if (all >= max)
			return "too many clients are connected";
		if (others >= share(max, 7, 8))
			return "the rest of the connections is kept for root";
		if (u->rank == BD_RANK_GROUP)
			return u->conns >= share(max, 1, 2) ? "this user has half of the connections" : NULL;
		if (q->conns[BD_RANK_VIEWER] >= share(max, 1, 2))
			return "viewers have half of the connections";
		return u->conns >= share(max, 1, 8) ? "this user has an eighth of the connections" : NULL;
	case BD_RANK_REFUSED:
	case BD_RANKS:
		break;
	}
	return u->conns >= BD_QUOTA_REFUSED_MAX ? "too many clients are being refused" : NULL;
}

struct bd_user *bd_quota_connect(struct bd_quota *q, uid_t uid, enum bd_rank rank, uint64_t now,
				 struct bl_err *reterr)
{
	struct bd_user *u = row_of(q, uid, rank, now);
	const struct limits *l = &limits[rank];
	const char *why = no_room(q, u);

	refill(u, now);
	if (l->per_second && u->tokens < 1000) {
		(void)bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE,
				 "uid %u opens more than %u connections a second: keep one open", uid,
				 l->per_second);
		return NULL;
	}
	/* A try that fails costs the daemon as much as one that succeeds. */
	if (l->per_second)
		u->tokens -= 1000;
	if (why) {
		(void)bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE, "%s (max-clients is %u)", why,
				 q->max_clients);
		return NULL;
	}
	u->conns++;
	q->conns[rank]++;
	return u;
}

void bd_quota_disconnect(struct bd_quota *q, struct bd_user *u)
{
	assert(u->conns && q->conns[u->rank]);
	u->conns--;
	q->conns[u->rank]--;
	assert(u->conns || (!u->calls && !u->held && !u->unsent));
}

struct bd_user *bd_quota_move(struct bd_quota *q, struct bd_user *u, uid_t uid, enum bd_rank rank,
			      const struct bd_charge *charge)
{
	/* Counts the tokens as of the last refill, so that the move costs the user none. */
	struct bd_user *to = row_of(q, uid, rank, u->refilled);

	to->conns++;
	q->conns[rank]++;
	to->calls += charge->calls;
	bd_quota_add_held(q, to, charge->held, 0);
	bd_quota_add_unsent(q, to, charge->unsent, 0);
	u->calls -= charge->calls;
	bd_quota_add_held(q, u, 0, charge->held);
	bd_quota_add_unsent(q, u, 0, charge->unsent);
	bd_quota_disconnect(q, u);
	return to;
}

bool bd_quota_may_call(const struct bd_user *u)
{
	return !limits[u->rank].calls || u->calls < limits[u->rank].calls;
}

void bd_quota_add_held(struct bd_quota *q, struct bd_user *u, size_t added, size_t removed)
{
	assert(u->held + added >= removed);
	u->held += added - removed;
	q->held[u->rank] += added - removed;
}

void bd_quota_add_unsent(struct bd_quota *q, struct bd_user *u, size_t added, size_t removed)
{
	assert(u->unsent + added >= removed);
	u->unsent += added - removed;
	q->unsent[u->rank] += added - removed;
}

/* The user of a rank with the largest size_t at `offset` of its row. */
static const struct bd_user *largest(const struct bd_quota *q, enum bd_rank rank, size_t offset)
{
	const struct bd_user *most = &q->shared[rank];

#define BYTES(u) (*(const size_t *)(const void *)((const char *)(u) + offset))
	for (size_t i = 0; i < BD_QUOTA_USERS; i++) {
		const struct bd_user *u = &q->users[i];

		if (u->known && u->rank == rank && BYTES(u) > BYTES(most))
			most = u;
	}
#undef BYTES
	return most;
}

const struct bd_user *bd_quota_over_held(const struct bd_quota *q, const struct bd_user *u)
{
	if (u->held > limits[u->rank].user_held)
		return u;
	if (q->held[u->rank] <= limits[u->rank].rank_held)
		return NULL;
	return largest(q, u->rank, offsetof(struct bd_user, held));
}

const struct bd_user *bd_quota_over_unsent(const struct bd_quota *q, const struct bd_user *u)
{
	if (u->unsent > limits[u->rank].user_unsent)
		return u;
	if (q->unsent[u->rank] <= limits[u->rank].rank_unsent)
		return NULL;
	return largest(q, u->rank, offsetof(struct bd_user, unsent));
}

size_t bd_quota_bytes(const struct bd_quota *q)
{
	size_t sum = 0;

	for (int rank = 0; rank < BD_RANKS; rank++)
		sum += q->held[rank] + q->unsent[rank];
	return sum;
}
