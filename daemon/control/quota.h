/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shares of the control socket: how much of it each user may have. One user must not
 * be able to take connections, memory or time from the others, so every user has limits,
 * every rank has a budget of its own, and a part of max-clients is kept for the ranks
 * above. xenstored's quotas are the model. Pure: no I/O, and the caller brings the time. */
#ifndef BD_QUOTA_H
#define BD_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/control/peer.h"
#include "lib/core/err.h"

/* In the order in which the ranks are served. */
enum bd_rank {
	BD_RANK_ROOT,
	BD_RANK_GROUP,	 /* members of [control] group */
	BD_RANK_VIEWER,	 /* members of [control] viewers */
	BD_RANK_REFUSED, /* connections that are told why they are closed */
	BD_RANKS
};

/* How many users have a row of their own. A user can have 65536 subordinate uids, so the table is
 * bounded: when the table is full, further users of a rank share a row. */
#define BD_QUOTA_USERS 256
/* Connections beyond max-clients for root: an administrator must be able to look at a daemon that
 * others have filled. */
#define BD_QUOTA_ROOT_EXTRA 16
/* Refused connections that get time to read why. */
#define BD_QUOTA_REFUSED_MAX 64

struct bd_user {
	uid_t uid;
	enum bd_rank rank;
	bool known;	   /* the row of one user; false: free, or shared */
	unsigned conns;	   /* open connections */
	unsigned calls;	   /* requests that are not answered yet */
	size_t held;	   /* bytes of requests, read and not answered yet */
	size_t unsent;	   /* bytes of answers and events that the peers have not read */
	uint64_t tokens;   /* thousandths of a connection that the user may still open now */
	uint64_t refilled; /* time of the last refill of tokens, in ms */
};

struct bd_quota {
	unsigned max_clients;
	unsigned conns[BD_RANKS];
	size_t held[BD_RANKS], unsent[BD_RANKS];
	struct bd_user users[BD_QUOTA_USERS];
	struct bd_user shared[BD_RANKS]; /* root, refused peers, users without a row */
};

enum bd_rank bd_quota_rank(enum bd_role role, uid_t uid);

void bd_quota_init(struct bd_quota *q, unsigned max_clients);

/* Counts one more connection of uid. Returns its user, valid until bd_quota_disconnect(); NULL,
 * with the reason in *reterr, if the user may not connect. now: milliseconds of a clock that
 * never goes back. */
struct bd_user *bd_quota_connect(struct bd_quota *q, uid_t uid, enum bd_rank rank, uint64_t now,
				 struct bl_err *reterr);
/* The caller has taken off before what the connection had under way. */
void bd_quota_disconnect(struct bd_quota *q, struct bd_user *u);

/* What one connection has under way, as counted for its user. */
struct bd_charge {
	unsigned calls;
	size_t held, unsent;
};
/* Counts a connection and its charge for another rank, whatever the limits are, since the rank of
 * its user has changed. Returns the new row. */
struct bd_user *bd_quota_move(struct bd_quota *q, struct bd_user *u, uid_t uid, enum bd_rank rank,
			      const struct bd_charge *charge);

/* True while u may have one more request under way. */
bool bd_quota_may_call(const struct bd_user *u);

void bd_quota_add_held(struct bd_quota *q, struct bd_user *u, size_t added, size_t removed);
void bd_quota_add_unsent(struct bd_quota *q, struct bd_user *u, size_t added, size_t removed);

/* The user whose connections must be closed: u if u is over its own limit; the user of u's rank
 * with most bytes if the rank is over its budget; otherwise NULL. */
const struct bd_user *bd_quota_over_held(const struct bd_quota *q, const struct bd_user *u);
const struct bd_user *bd_quota_over_unsent(const struct bd_quota *q, const struct bd_user *u);

/* Bytes of all ranks: how much memory the connections cost. */
size_t bd_quota_bytes(const struct bd_quota *q);

#endif
