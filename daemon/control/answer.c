/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends the answer to a request on the connection that the request came on, and frees the
 * request. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/control/internal.h"

/* bd_conn_close() has already taken off all that was counted for a closing connection. */
void bd_call_count(struct bd_conn *c, bool begins, size_t len)
{
	if (c->closing)
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
	bd_call_count(c, false, call->len);
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
		r = bl_rpc_error_code(call->all->out, call->req.id, BL_RPC_INTERNAL_ERROR, strerror(-r),
				      &line, &len);
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
		c->sub = bd_events_subscribe(call->all->events, call->replay, call->since, bd_turn_wake, c);
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
	return call->conn->hung_up;
}

void bd_call_drop(struct bd_call *call)
{
	call_free(call);
}

bool bd_call_subscribed(const struct bd_call *call)
{
	return call->conn->sub != NULL;
}
