/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/conn-internal.h"
#include "daemon/verbs.h"

static void call_free(struct bd_call *call)
{
	struct bd_conn *c = call->conn;

	DL_DELETE(c->calls, call);
	c->n_calls--;
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
					     bd_conn_pump_events, c);
	if (call->subscribe && c->sub)
		bd_conn_pump_events(c);
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

bool bd_call_subscribed(const struct bd_call *call)
{
	return call->conn->sub != NULL;
}

void bd_call_line(struct bd_conn *c, const char *text, size_t len)
{
	struct bd_conns *all = c->all;
	struct bl_rpc_request req;
	struct bd_call *call;
	struct bl_err err;
	const char *line;
	size_t line_len;

	if (len == strspn(text, "\r"))
		return; /* somebody pressed return */
	if (bl_rpc_parse(text, len, &req, all->out) < 0) {
		if (bl_json_out_end_line(all->out, &line, &line_len) == 0)
			bd_conn_send(c, line, line_len);
		return;
	}
	call = c->n_calls < BD_CONN_CALLS_MAX ? calloc(1, sizeof(*call)) : NULL;
	if (!call) {
		(void)bl_err_set(&err, EBUSY, BL_ERR_BAD_STATE,
				 "%d requests wait for their answer on this connection already",
				 BD_CONN_CALLS_MAX);
		if (bl_rpc_error(all->out, req.id, &err, &line, &line_len) == 0 && req.id)
			bd_conn_send(c, line, line_len);
		bl_rpc_request_done(&req);
		return;
	}
	*call = (struct bd_call){ .conn = c, .all = all, .req = req };
	DL_APPEND(c->calls, call);
	c->n_calls++;
	bd_verbs_dispatch(call, c->role);
}
