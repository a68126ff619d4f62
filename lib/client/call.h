/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and answers over a connection. */
#ifndef BL_CLIENT_CALL_H
#define BL_CLIENT_CALL_H

#include "lib/client/conn.h"
#include "lib/proto/json.h"

struct balloon {
	struct bl_conn conn;
	char *path; /* owned */
	int timeout_ms;
	int64_t last_id;
};

/* A request's params from their text; NULL gives an empty object. */
int bl_call_params(const char *text, struct bl_json **ret, struct balloon_error *reterr);
/* Sends one request and waits for its answer: 0 and the whole message, whose
 * "result" is there. A claim is tried again as balloon.h says. */
int bl_call(struct balloon *b, const char *method, const struct bl_json *params,
	    struct bl_json **ret_message, struct balloon_error *reterr);
/* The text of one value; give back with free. */
int bl_call_text(const struct bl_json *v, char **ret, struct balloon_error *reterr);
int bl_call_no_memory(struct balloon_error *reterr);

#endif
