/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection for requests, in balloon.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/client/call.h"
#include "lib/core/uuid.h"

const char *balloon_socket_path(const char *path)
{
	if (!path)
		path = secure_getenv("BALLOOND_SOCKET");
	return path && *path ? path : BL_RUNSTATEDIR "/balloond/control.sock";
}

int balloon_connect(const char *path, struct balloon **ret_connection, struct balloon_error *reterr)
{
	struct balloon *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return bl_call_no_memory(reterr);
	bl_conn_init(&b->conn);
	b->timeout_ms = -1;
	b->path = strdup(balloon_socket_path(path));
	r = b->path ? bl_conn_open(&b->conn, b->path, reterr) : bl_call_no_memory(reterr);
	if (r < 0) {
		balloon_close(b);
		return r;
	}
	*ret_connection = b;
	return 0;
}

void balloon_close(struct balloon *connection)
{
	if (!connection)
		return;
	bl_conn_close(&connection->conn);
	free(connection->path);
	free(connection);
}

void balloon_set_timeout(struct balloon *connection, int milliseconds)
{
	connection->timeout_ms = milliseconds;
}

void balloon_free(char *result)
{
	free(result);
}

int balloon_call(struct balloon *connection, const char *method, const char *params, char **ret_result,
		 struct balloon_error *reterr)
{
	struct bl_json *values = NULL, *message = NULL;
	int r = bl_call_params(params, &values, reterr);

	if (r < 0)
		return r;
	r = bl_call(connection, method, values, &message, reterr);
	bl_json_free(values);
	if (r < 0)
		return r;
	r = bl_call_text(bl_json_get(message, "result"), ret_result, reterr);
	bl_json_free(message);
	return r;
}

int balloon_ping(struct balloon *connection, struct balloon_error *reterr)
{
	struct bl_json *message = NULL;
	int r = bl_call(connection, "ping", NULL, &message, reterr);

	bl_json_free(message);
	return r;
}

int balloon_new_id(char ret_id[BALLOON_ID_SIZE])
{
	bl_uuid u;
	ssize_t n;

	do
		n = getrandom(&u, sizeof(u), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(u))
		return n < 0 ? -errno : -EIO;
	/* version 4 of RFC 4122 */
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	bl_uuid_format(&u, ret_id);
	return 0;
}
