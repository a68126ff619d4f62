/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names, sizes and times as text, for all files that make reasons. */
#ifndef BL_CORE_REASON_SAY_H
#define BL_CORE_REASON_SAY_H

#include "lib/core/reason.h"

/* Most names in a sentence: nobody reads more. */
#define BL_REASON_NAMED 4

/* Appends to buf; cuts what does not fit. */
void bl_say(char buf[BL_REASON_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct bl_say_text {
	char s[BL_NAME_MAX + 32];
};

/* These return t->s, valid as long as *t. */
const char *bl_say_label(const struct bl_dom *d, struct bl_say_text *t);
/* The domain as an argument of a command that needs no quotes in a shell. */
const char *bl_say_arg(const struct bl_dom *d, struct bl_say_text *t);
const char *bl_say_size(bl_pages p, struct bl_say_text *t); /* "nothing" for 0 */
const char *bl_say_time(bl_ms ms, struct bl_say_text *t);   /* "12 s", "5 min", "2 h" */
/* The target: "800 MiB", or "40 MiB less" if the target and the size read the same. */
const char *bl_say_target(const struct bl_dom *d, struct bl_say_text *t);

#define LABEL(d) bl_say_label((d), &(struct bl_say_text){ { 0 } })
#define ARG(d) bl_say_arg((d), &(struct bl_say_text){ { 0 } })
#define SIZE(p) bl_say_size((p), &(struct bl_say_text){ { 0 } })
#define TARGET(d) bl_say_target((d), &(struct bl_say_text){ { 0 } })
#define TIME(ms) bl_say_time((ms), &(struct bl_say_text){ { 0 } })

/* Why a driver refuses, as part of a sentence. */
const char *bl_say_refusal(enum bl_refusal r);
/* "claim 1a2b3c4d of web (4 GiB)" */
void bl_say_claim(char buf[BL_REASON_MAX], const struct bl_claim *c);
/* True if the min of the guest's own driver is the limit that counts. */
bool bl_say_own_min_counts(const struct bl_view *v);

#endif
