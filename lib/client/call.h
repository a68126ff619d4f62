/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests and their answers over a connection. */
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

/* Parses the params of a request; NULL makes an empty object. */
int bl_call_params(const char *text, struct bl_json **ret, struct balloon_error *reterr);
/* Sends a request and waits for its answer. 0: *ret_message is the whole message, with its
 * "result". A claim is tried again as balloon.h tells. */
int bl_call(struct balloon *b, const char *method, const struct bl_json *params,
	    struct bl_json **ret_message, struct balloon_error *reterr);
/* The text of a value; give it back with free(). */
int bl_call_text(const struct bl_json *v, char **ret, struct balloon_error *reterr);
int bl_call_no_memory(struct balloon_error *reterr);

#endif
