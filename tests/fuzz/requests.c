/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of the control socket of any content: the envelope, its answer, and
 * params decoded by a table with every kind of parameter. */
#include "lib/proto/params.h"
#include "lib/proto/rpc.h"

#include <errno.h>

#include "tests/fuzz/target.h"

struct all {
	bool flag;
	int64_t number;
	bl_pages pages;
	bl_ms seconds;
	bl_uuid uuid;
	char name[BL_NAME_MAX + 1];
	int choice;
	char domain[BL_NAME_MAX + 1];
	const struct bl_json *domains;
	const char *claim;
	const struct bl_json *claims;
	const struct bl_json *values;
	bool has_pages, has_number;
};

static const char *const choices[] = { "auto", "manual", "ignore", NULL };
static const struct bl_param table[] = {
	{ BL_PARAM_OPTIONAL(struct all, flag, "persist", BL_PARAM_BOOL) },
	{ BL_PARAM_OPTIONAL_HAS(struct all, number, has_number, "node", BL_PARAM_INT), .max = 63 },
	{ BL_PARAM_OPTIONAL_HAS(struct all, pages, has_pages, "size_bytes", BL_PARAM_PAGES) },
	{ BL_PARAM_OPTIONAL(struct all, seconds, "wait_seconds", BL_PARAM_SECONDS) },
	{ BL_PARAM_OPTIONAL(struct all, uuid, "uuid", BL_PARAM_UUID) },
	{ BL_PARAM_OPTIONAL(struct all, name, "name", BL_PARAM_NAME) },
	{ BL_PARAM_OPTIONAL(struct all, choice, "mode", BL_PARAM_ENUM), .names = choices },
	{ BL_PARAM_OPTIONAL(struct all, domain, "domain", BL_PARAM_DOMAIN) },
	{ BL_PARAM_OPTIONAL(struct all, domains, "domains", BL_PARAM_DOMAINS) },
	{ BL_PARAM_OPTIONAL(struct all, claim, "claim", BL_PARAM_CLAIM) },
	{ BL_PARAM_OPTIONAL(struct all, claims, "ids", BL_PARAM_CLAIMS) },
	{ BL_PARAM_OPTIONAL(struct all, values, "values", BL_PARAM_VALUES) },
};

/* What is sent is one line that any strict reader takes. */
static void sent(const char *line, size_t len)
{
	struct bl_json *v;

	FUZZ_EXPECT(len > 1 && line[len - 1] == '\n' && !memchr(line, '\n', len - 1));
	FUZZ_EXPECT(bl_json_parse(line, len - 1, &v, NULL) == 0);
	bl_json_free(v);
}

static void decoded(const struct all *a)
{
	char text[BL_NAME_MAX + 1];

	FUZZ_EXPECT(bl_text_clean(a->name, strlen(a->name)));
	FUZZ_EXPECT(bl_text_clean(a->domain, strlen(a->domain)));
	FUZZ_EXPECT(a->choice >= 0 && a->choice < 3);
	FUZZ_EXPECT(a->number >= 0 && a->number <= 63);
	FUZZ_EXPECT(!a->has_pages || (a->pages.n > 0 && a->pages.n <= BL_PAGES_MAX));
	for (size_t i = 0; a->domains && i < bl_json_count(a->domains); i++) {
		bl_param_domain_text(bl_json_at(a->domains, i), text);
		FUZZ_EXPECT(bl_text_clean(text, strlen(text)));
	}
	for (size_t i = 0; a->claims && i < bl_json_count(a->claims); i++)
		FUZZ_EXPECT(bl_param_claim_text(bl_json_at(a->claims, i)) != NULL);
}

static void request(struct bl_json_out *o, const struct bl_rpc_request *req)
{
	struct all a = { .name = "unset", .domain = "unset" };
	struct bl_err e;
	const char *line;
	size_t len;
	int r = bl_params_decode(req->params, table, sizeof(table) / sizeof(table[0]), &a, &e);

	if (r < 0) {
		FUZZ_EXPECT(r == -ENOMEM || (r == -EINVAL && e.id == BL_ERR_INVALID_PARAMS && e.msg[0]));
		FUZZ_EXPECT(bl_rpc_error(o, req->id, &e, &line, &len) == 0);
		sent(line, len);
		return;
	}
	decoded(&a);
	bl_rpc_result_begin(o, req->id);
	if (req->params)
		bl_json_put_value(o, "echo", req->params);
	FUZZ_EXPECT(bl_rpc_result_end(o, &line, &len) == 0);
	sent(line, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bl_json_out *o;
	struct bl_rpc_request req;
	const char *line;
	size_t len;
	char *text;

	if (!o)
		o = bl_json_out_new();
	if (!o)
		abort();
	text = fuzz_text(data, size);
	if (bl_rpc_parse(text, size, &req, o) < 0) {
		FUZZ_EXPECT(bl_json_out_end_line(o, &line, &len) == 0);
		sent(line, len);
	} else {
		request(o, &req);
		bl_rpc_request_done(&req);
	}
	free(text);
	return 0;
}
