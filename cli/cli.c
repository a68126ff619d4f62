/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "lib/core/err.h"
#include "lib/core/text.h"

static int exit_of(const char *id)
{
	switch (bl_err_id_parse(id)) {
	case BL_ERR_INVALID_PARAMS:
		return CLI_USAGE;
	case BL_ERR_NO_MEMORY:
		return CLI_NO_MEMORY;
	case BL_ERR_TIMEOUT:
		return CLI_TIMEOUT;
	case BL_ERR_NO_SUCH_DOMAIN:
	case BL_ERR_NO_SUCH_CLAIM:
		return CLI_NO_SUCH;
	case BL_ERR_NO_DAEMON:
		return CLI_NO_DAEMON;
	case BL_ERR_NOT_PERMITTED:
		return CLI_NOT_PERMITTED;
	default:
		return CLI_FAILED;
	}
}

static void print_error_object(const char *id, const char *message)
{
	struct bl_json_out *o = bl_json_out_new();
	const char *text;
	size_t len;

	if (!o)
		return;
	bl_json_object(o, NULL);
	bl_json_object(o, "error");
	bl_json_put_string(o, "id", id);
	bl_json_put_string(o, "message", message);
	bl_json_object(o, "data");
	bl_json_put_string(o, "id", id);
	bl_json_object_end(o);
	bl_json_object_end(o);
	bl_json_object_end(o);
	if (bl_json_out_end_line(o, &text, &len) == 0)
		fwrite(text, 1, len, stdout);
	bl_json_out_free(o);
}

static int fail(const struct cli *c, const char *id, const char *what, const char *why)
{
	char line[BL_ERR_MSG_MAX + BL_NAME_MAX], clean[sizeof(line)];

	/* An argument may have characters that break the line, or the terminal. */
	snprintf(line, sizeof(line), "%s: %s", what, why);
	bl_text_scrub(clean, sizeof(clean), line, strlen(line));
	fprintf(stderr, "balloonctl: %s\n", clean);
	if (c->json) {
		bl_text_scrub(clean, sizeof(clean), why, strlen(why));
		print_error_object(id, clean);
	}
	return exit_of(id);
}

int cli_fail(const struct cli *c, const char *id, const char *what, const char *fmt, ...)
{
	char why[BL_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return fail(c, id, what, why);
}

int cli_fail_memory(const struct cli *c)
{
	return fail(c, "backend", c->verb ? c->verb->name : "start", "out of memory");
}

int cli_fail_usage(const struct cli *c, const char *fmt, ...)
{
	const char *verb = c->verb ? c->verb->name : NULL;
	char why[BL_ERR_MSG_MAX];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	n = strlen(why);
	snprintf(why + n, sizeof(why) - n, " (see balloonctl%s%s --help)", verb ? " " : "",
		 verb ? verb : "");
	return fail(c, "invalid-params", verb ? verb : "command line", why);
}

int cli_fail_call(const struct cli *c, const struct balloon_error *err)
{
	return fail(c, err->id, c->verb->name, err->message);
}

struct bl_json_out *cli_params(void)
{
	struct bl_json_out *o = bl_json_out_new();

	if (o)
		bl_json_object(o, NULL);
	return o;
}

static int call(struct cli *c, const char *method, const char *params, int timeout_ms, struct cli_answer *a)
{
	int r = c->conn ? 0 : balloon_connect(c->socket, &c->conn, &a->err);

	if (r < 0)
		return r;
	balloon_set_timeout(c->conn, timeout_ms);
	return balloon_call(c->conn, method, params, &a->text, &a->err);
}

static int no_memory(struct cli_answer *a)
{
	a->err = (struct balloon_error){ .errnum = ENOMEM, .id = "backend", .message = "out of memory" };
	return -ENOMEM;
}

void cli_ask(struct cli *c, const char *method, struct bl_json_out *params, int timeout_ms,
	     struct cli_answer *a)
{
	const char *text = NULL;
	size_t len;

	*a = (struct cli_answer){ 0 };
	if (params) {
		bl_json_object_end(params);
		if (bl_json_out_end(params, &text, &len) < 0)
			a->r = no_memory(a);
	}
	if (a->r == 0)
		a->r = call(c, method, text, timeout_ms, a);
	bl_json_out_free(params);
}

int cli_answer(const struct cli *c, struct cli_answer *a, struct bl_json **ret)
{
	if (a->r == 0 && cli_text_parse(a->text, ret) < 0)
		a->r = no_memory(a);
	if (a->r == 0 && c->json)
		puts(a->text);
	balloon_free(a->text);
	a->text = NULL;
	return a->r < 0 ? cli_fail_call(c, &a->err) : CLI_DONE;
}

int cli_call(struct cli *c, const char *method, struct bl_json_out *params, int timeout_ms,
	     struct bl_json **ret)
{
	struct cli_answer a;

	cli_ask(c, method, params, timeout_ms, &a);
	return cli_answer(c, &a, ret);
}
