/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection for events, in balloon.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/client/call.h"

/* Time for the daemon to confirm a subscription. */
#define SUBSCRIBE_MS 30000

struct balloon_events {
	struct balloon b;
};

int balloon_subscribe(const char *path, const uint64_t *since, struct balloon_events **ret_events,
		      struct balloon_error *reterr)
{
	struct balloon *b = NULL;
	char params[64] = "{}";
	char *result = NULL;
	int r = balloon_connect(path, &b, reterr);

	if (r < 0)
		return r;
	if (since)
		snprintf(params, sizeof(params), "{\"since\":%" PRIu64 "}", *since);
	b->timeout_ms = SUBSCRIBE_MS;
	r = balloon_call(b, "subscribe", params, &result, reterr);
	balloon_free(result);
	if (r < 0) {
		balloon_close(b);
		return r;
	}
	*ret_events = (struct balloon_events *)b;
	return 0;
}

int balloon_events_fd(const struct balloon_events *events)
{
	return events->b.conn.fd;
}

int balloon_events_next(struct balloon_events *events, int timeout_milliseconds, char **ret_event,
			struct balloon_error *reterr)
{
	int64_t deadline = bl_conn_deadline(timeout_milliseconds);
	struct balloon *b = &events->b;

	if (b->conn.fd < 0)
		return bl_conn_error(reterr, ENOTCONN, BL_ERR_NO_DAEMON, "%s: the subscription has ended",
				     b->path);
	for (;;) {
		const struct bl_json *method, *event;
		struct bl_json *message;
		char *line;
		size_t len;
		int r = bl_conn_line(&b->conn, deadline, &line, &len);

		if (r == 0)
			return 0;
		if (r == 1)
			r = bl_json_parse(line, len, &message, NULL);
		if (r < 0) {
			bl_conn_close(&b->conn);
			return r == -ENOMEM ? bl_call_no_memory(reterr)
					    : bl_conn_error(reterr, -r, BL_ERR_NO_DAEMON,
							    "%s: balloond closed the connection", b->path);
		}
		method = bl_json_get(message, "method");
		event = bl_json_get(message, "params");
		if (method && bl_json_type(method) == BL_JSON_STRING &&
		    !strcmp(bl_json_string(method, NULL), "event") && event) {
			r = bl_call_text(event, ret_event, reterr);
			bl_json_free(message);
			return r < 0 ? r : 1;
		}
		bl_json_free(message);
	}
}

void balloon_events_close(struct balloon_events *events)
{
	balloon_close((struct balloon *)events);
}
