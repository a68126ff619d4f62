/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of the state folder of any content, read as a claim and as what is
 * known of a domain. What is accepted comes back the same once written. */
#include "daemon/state/file.h"

#include <errno.h>

#include "lib/core/text.h"
#include "tests/fuzz/target.h"

static void sound_claim(const struct bl_claim *c)
{
	FUZZ_EXPECT(bl_handle_is_ours(&c->handle));
	FUZZ_EXPECT(c->min.n >= 1 && c->min.n <= c->size.n && c->size.n <= BL_HOST_PAGES_MAX);
	FUZZ_EXPECT(c->node >= -1 && c->node < BL_NODES_MAX);
	FUZZ_EXPECT(c->state != BL_CLAIM_BUILDING || c->domid != BL_DOMID_NONE);
	FUZZ_EXPECT(bl_text_clean(c->name, strlen(c->name)));
	FUZZ_EXPECT(bl_text_clean(c->reason, strlen(c->reason)));
	FUZZ_EXPECT(c->holder == BL_DOMID_NONE && c->staked.n == 0);
}

static void claim(struct bl_json_out *o, const char *text, size_t len)
{
	struct bd_state_claim one, two;
	struct bl_err e;
	char *first;
	const char *again;
	size_t first_len, again_len;
	bool newer;

	if (bd_state_claim_read(text, len, &one, &newer, &e) < 0) {
		FUZZ_EXPECT(e.msg[0] && bl_text_clean(e.msg, strlen(e.msg)));
		return;
	}
	sound_claim(&one.claim);
	bd_state_claim_write(o, &one.claim, &one.boot, one.order);
	FUZZ_EXPECT(bl_json_out_end(o, &again, &first_len) == 0);
	first = fuzz_text((const uint8_t *)again, first_len);
	FUZZ_EXPECT(bd_state_claim_read(first, first_len, &two, &newer, &e) == 0);
	bd_state_claim_write(o, &two.claim, &two.boot, two.order);
	FUZZ_EXPECT(bl_json_out_end(o, &again, &again_len) == 0);
	FUZZ_EXPECT(first_len == again_len && !memcmp(first, again, again_len));
	free(first);
}

static void memory(struct bl_json_out *o, const char *text, size_t len)
{
	struct bl_dom_record one = { .dirty = true }, two = { 0 };
	struct bl_err e;
	char *first;
	const char *again;
	size_t first_len, again_len;
	bool newer;

	if (bd_state_dom_read(text, len, &one, &newer, &e) < 0) {
		FUZZ_EXPECT(e.msg[0] && bl_text_clean(e.msg, strlen(e.msg)));
		FUZZ_EXPECT(one.dirty && one.base.n == 0);
		return;
	}
	if (one.set.has_weight)
		FUZZ_EXPECT(one.set.weight >= 1 && one.set.weight <= BL_WEIGHT_MAX);
	FUZZ_EXPECT(one.base.n <= BL_HOST_PAGES_MAX);
	bd_state_dom_write(o, &one, &one.set);
	FUZZ_EXPECT(bl_json_out_end(o, &again, &first_len) == 0);
	first = fuzz_text((const uint8_t *)again, first_len);
	FUZZ_EXPECT(bd_state_dom_read(first, first_len, &two, &newer, &e) == 0);
	bd_state_dom_write(o, &two, &two.set);
	FUZZ_EXPECT(bl_json_out_end(o, &again, &again_len) == 0);
	FUZZ_EXPECT(first_len == again_len && !memcmp(first, again, again_len));
	free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bl_json_out *o;
	char *text;

	if (!o)
		o = bl_json_out_new();
	if (!o)
		abort();
	if (size >= BD_STATE_FILE_MAX)
		return 0;
	text = fuzz_text(data, size);
	claim(o, text, size);
	memory(o, text, size);
	free(text);
	return 0;
}
