/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, bars and colours on a terminal: the only module that knows
 * libsmartcols. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/cli.h"

enum cli_align { CLI_LEFT, CLI_RIGHT, CLI_CUT /* left; the first to be cut on a narrow terminal */ };
enum cli_colour { CLI_PLAIN, CLI_GREEN, CLI_YELLOW, CLI_RED, CLI_DIM };

struct cli_column {
	const char *head;
	enum cli_align align;
};

struct cli_table;
struct cli_table *cli_table_new(const struct cli *c, const struct cli_column *columns, size_t n);
void cli_table_row(struct cli_table *t); /* the cells go into it from now on */
/* Copies text; NULL is "-". */
void cli_table_cell(struct cli_table *t, size_t column, const char *text, enum cli_colour colour);
/* Prints and frees; false: out of memory at some point. t may be NULL. */
bool cli_table_print(struct cli_table *t);

/* Whether stdout is a terminal that may have colours. */
bool cli_table_colours(const struct cli *c);
/* How wide the terminal of that descriptor is; 0: it is none. */
unsigned cli_table_width(int fd);

#define CLI_BAR_STR (64 * 4)
/* A bar of that many cells (at most 60) for value out of whole; what lies
 * between value and target is shaded. Returns buf. */
const char *cli_table_bar(char buf[CLI_BAR_STR], unsigned cells, uint64_t value, uint64_t target,
			  uint64_t whole);

#endif
