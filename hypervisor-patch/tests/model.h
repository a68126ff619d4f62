/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations on the code of the series, each held against the rules. */
#ifndef HYPERVISOR_PATCH_MODEL_H
#define HYPERVISOR_PATCH_MODEL_H

#include <inttypes.h>
#include <string.h>

#include "check.h"
/* A million operations take a second, sanitized or not. */
#undef BL_SANITIZED
#include "tests/property/random.h"

#define MODEL_HELD_MAX (XEN_NODES * XEN_NODE_PAGES)

struct model {
	struct rnd rnd;
	struct rules now; /* what the rules made of it until now */
	unsigned int affinity[XEN_DOMAINS];
	bool gave_up[XEN_DOMAINS];
	struct held {
		struct xen_extent e;
		int id; /* or XEN_NOBODY */
		bool extra;
	} held[MODEL_HELD_MAX];
	unsigned int n_held;
	bool going[XEN_NODES][XEN_NODE_PAGES]; /* once they are freed */
};
extern struct model model;

#define say(...)                                                                                            \
	do {                                                                                                \
		if (check.say)                                                                              \
			printf("# " __VA_ARGS__);                                                           \
	} while (0)

static inline int some_domain(void)
{
	return (int)rnd_below(&model.rnd, XEN_DOMAINS);
}

/* calls.c: one hypercall */
void call_pages(void);
void call_set(void);
void call_move(void);
void call_query(void);
void call_bad(void);
void call_ctl(struct xen_memory_claim_ctl *ctl, enum op op);

/* memory.c: one step of an allocator's life */
void memory_take(void);
void memory_free(unsigned int i); /* of held[] */
void memory_offline(void);

#endif
