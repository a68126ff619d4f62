/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/control/internal.h"
#include "daemon/control/verbs.h"

/* Calls of a doomed connection count for nobody any more. */
static void count_call(struct bd_conn *c, bool begins, size_t len)
{
	if (c->doomed)
		return;
	if (begins) {
		c->charge.calls++;
		c->user->calls++;
		c->charge.held += len;
		bd_quota_add_held(&c->all->quota, c->user, len, 0);
	} else {
		c->charge.calls--;
		c->user->calls--;
		c->charge.held -= len;
		bd_quota_add_held(&c->all->quota, c->user, 0, len);
	}
}

static void call_free(struct bd_call *call)
{
	struct bd_conn *c = call->conn;

	DL_DELETE(c->calls, call);
	count_call(c, false, call->len);
	bl_rpc_request_done(&call->req);
	free(call->failed);
	free(call);
	bd_conn_finish(c);
}

struct bl_json_out *bd_call_result(struct bd_call *call)
{
	bl_rpc_result_begin(call->all->out, call->req.id);
	return call->all->out;
}

static void answer(struct bd_call *call, int r, const char *line, size_t len)
{
	if (r < 0)
		r = bl_rpc_error_code(call->all->out, call->req.id, BL_RPC_INTERNAL_ERROR,
				      strerror(-r), &line, &len);
	if (r == 0 && call->req.id)
		bd_conn_send(call->conn, line, len);
}

void bd_call_done(struct bd_call *call)
{
	struct bd_conn *c = call->conn;
	const char *line = NULL;
	size_t len = 0;
	int r = bl_rpc_result_end(call->all->out, &line, &len);

	answer(call, r, line, len);
	if (call->subscribe && !c->sub)
		c->sub = bd_events_subscribe(call->all->events, call->replay, call->since,
					     bd_turn_wake, c);
	if (call->subscribe && c->sub)
		bd_turn_add(c);
	call_free(call);
}

void bd_call_fail(struct bd_call *call, const struct bl_err *err)
{
	const char *line = NULL;
	size_t len = 0;
	int r = bl_rpc_error(call->all->out, call->req.id, err, &line, &len);

	answer(call, r, line, len);
	call_free(call);
}

void bd_call_fail_code(struct bd_call *call, int code, const char *message)
{
	const char *line = NULL;
	size_t len = 0;
	int r = bl_rpc_error_code(call->all->out, call->req.id, code, message, &line, &len);

	answer(call, r, line, len);
	call_free(call);
}

bool bd_call_unheard(const struct bd_call *call)
{
	return call->conn->gone;
}

void bd_call_drop(struct bd_call *call)
{
	call_free(call);
}

bool bd_call_subscribed(const struct bd_call *call)
{
	return call->conn->sub != NULL;
}

void bd_call_withdraw_all(struct bd_conn *c, const struct bl_err *why)
{
	struct bd_call *call, *next;

	DL_FOREACH_SAFE(c->calls, call, next) {
		bd_manager_abandon(c->all->manager, call);
		bd_call_fail(call, why);
	}
}

/* True, and *err says why, when one more request must not wait. */
static bool too_many(const struct bd_conn *c, struct bl_err *err)
{
	if (c->charge.calls >= BD_CONN_CALLS_MAX)
		(void)bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				 "%d requests wait for their answer on this connection already",
				 BD_CONN_CALLS_MAX);
	else if (!bd_quota_may_call(c->user))
		(void)bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				 "%u requests of uid %u wait for their answer already",
				 c->user->calls, c->uid);
	else
		return false;
	return true;
}

void bd_call_line(struct bd_conn *c, const char *text, size_t len)
{
	struct bd_conns *all = c->all;
	struct bl_rpc_request req;
	struct bd_call *call;
	struct bl_err err = { .errnum = ENOMEM, .id = BL_ERR_BACKEND, .msg = "out of memory" };
	const char *line;
	size_t line_len;

	if (len == strspn(text, "\r"))
		return; /* somebody pressed return */
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
	count_call(c, true, len);
	bd_verbs_dispatch(call, c->role);
}
