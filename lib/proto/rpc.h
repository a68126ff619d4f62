/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of the control socket: JSON-RPC 2.0, one message a line. */
#ifndef BL_PROTO_RPC_H
#define BL_PROTO_RPC_H

#include "lib/proto/json.h"

/* Longest request, with its newline. */
#define BL_RPC_LINE_MAX 65536
#define BL_RPC_VERSION_MAJOR 1
#define BL_RPC_VERSION_MINOR 0

#define BL_RPC_PARSE_ERROR (-32700)
#define BL_RPC_INVALID_REQUEST (-32600)
#define BL_RPC_NO_SUCH_METHOD (-32601)
#define BL_RPC_INVALID_PARAMS (-32602)
#define BL_RPC_INTERNAL_ERROR (-32603)

/* A plain value that may be copied, and kept until the answer is ready. */
struct bl_rpc_request {
	struct bl_json *root;	  /* owns all */
	const struct bl_json *id; /* string, number or null; NULL: a notification, which is never answered */
	const char *method;	  /* clean UTF-8 */
	const struct bl_json *params; /* as received; NULL: none. bl_params_decode() checks them */
};

/* line: without its newline. -EINVAL or -ENOMEM: *error has the answer to send, complete except
 * for bl_json_out_end_line(). */
int bl_rpc_parse(const char *line, size_t len, struct bl_rpc_request *ret, struct bl_json_out *error);
void bl_rpc_request_done(struct bl_rpc_request *r);

/* Clears o and writes the beginning, with "version"; members of the result follow. */
void bl_rpc_result_begin(struct bl_json_out *o, const struct bl_json *id);
/* The line with its newline, valid until the next call on o. */
int bl_rpc_result_end(struct bl_json_out *o, const char **ret_line, size_t *ret_len);

/* id NULL: null. Invalid or unclean text in the message is replaced. */
int bl_rpc_error(struct bl_json_out *o, const struct bl_json *id, const struct bl_err *err,
		 const char **ret_line, size_t *ret_len);
/* For the errors of JSON-RPC itself: BL_RPC_*. */
int bl_rpc_error_code(struct bl_json_out *o, const struct bl_json *id, int code, const char *message,
		      const char **ret_line, size_t *ret_len);

/* Clears o and writes the beginning; seq, time, type and the event's own members follow. */
void bl_rpc_event_begin(struct bl_json_out *o);
int bl_rpc_event_end(struct bl_json_out *o, const char **ret_line, size_t *ret_len);

#endif
