/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a request of a line, unless its user has too many waiting, and passes the request to the
 * handler of its verb. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/control/internal.h"
#include "daemon/control/verbs.h"

/* True, with the reason in *err, if the connection or its user may not have another request
 * waiting. */
static bool too_many(const struct bd_conn *c, struct bl_err *err)
{
	if (c->charge.calls >= BD_CONN_CALLS_MAX)
		(void)bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				 "%d requests wait for their answer on this connection already",
				 BD_CONN_CALLS_MAX);
	else if (!bd_quota_may_call(c->user))
		(void)bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				 "%u requests of uid %u wait for their answer already", c->user->calls,
				 c->uid);
	else
		return false;
	return true;
}

static void handle_line(struct bd_conn *c, const char *text, size_t len)
{
	struct bd_conns *all = c->all;
	struct bl_rpc_request req;
	struct bd_call *call;
	struct bl_err err = { .errnum = ENOMEM, .id = BL_ERR_BACKEND, .msg = "out of memory" };
	const char *line;
	size_t line_len;

	if (len == strspn(text, "\r"))
		return; /* an empty line, as from the return key */
	if (bl_rpc_parse(text, len, &req, all->out) < 0) {
		if (bl_json_out_end_line(all->out, &line, &line_len) == 0)
			bd_conn_send(c, line, line_len);
		return;
	}
	call = too_many(c, &err) ? NULL : calloc(1, sizeof(*call));
	if (!call) {
		if (bl_rpc_error(all->out, req.id, &err, &line, &line_len) == 0 && req.id)
			bd_conn_send(c, line, line_len);
		bl_rpc_request_done(&req);
		return;
	}
	*call = (struct bd_call){ .conn = c, .all = all, .req = req, .len = len };
	DL_APPEND(c->calls, call);
	bd_call_count(c, true, len);
	bd_verbs_dispatch(call, c->role);
}

static void withdraw_all(struct bd_conn *c, const struct bl_err *why)
{
	struct bd_call *call, *next;

	DL_FOREACH_SAFE(c->calls, call, next) {
		bd_manager_abandon(c->all->manager, call);
		bd_call_fail(call, why);
	}
}

const struct bd_conns_serve bd_requests = { .line = handle_line, .withdraw_all = withdraw_all };
