/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of an answer, as text for people. A member that is missing or of another kind, as a
 * newer daemon may send, reads as unknown, never as an error. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdio.h>

#include "lib/core/size.h"
#include "lib/proto/json.h"

/* Parses an answer, and makes its strings safe to print: the daemon may be of another version, or
 * something else may answer. -ENOMEM or -EINVAL. */
int cli_text_parse(const char *text, struct bl_json **ret);
/* NULL if there is none; v may be NULL. */
const char *cli_text_string(const struct bl_json *v, const char *key);
/* 0 if there is none, or it is negative. */
uint64_t cli_text_uint(const struct bl_json *v, const char *key);
bool cli_text_number(const struct bl_json *v, const char *key, double *ret);
bool cli_text_true(const struct bl_json *v, const char *key);

#define CLI_TEXT_STR 64
/* "1.5 GiB"; "-" if there is none. These return buf. */
const char *cli_text_bytes(const struct bl_json *v, const char *key, char buf[CLI_TEXT_STR]);
/* "12"; "-" if there is none. */
const char *cli_text_count(const struct bl_json *v, const char *key, char buf[CLI_TEXT_STR]);
/* "45 s", "9 min 50 s", "3 h 12 min", "2 d 4 h". */
const char *cli_text_duration(double seconds, char buf[CLI_TEXT_STR]);

#endif
