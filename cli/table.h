/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, bars and colours on a terminal. Only this module uses libsmartcols. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/cli.h"

enum cli_align { CLI_LEFT, CLI_RIGHT, CLI_CUT /* left, and cut first on a narrow terminal */ };
enum cli_colour { CLI_PLAIN, CLI_GREEN, CLI_YELLOW, CLI_RED, CLI_DIM };

struct cli_column {
	const char *head;
	enum cli_align align;
};

struct cli_table;
struct cli_table *cli_table_new(const struct cli *c, const struct cli_column *columns, size_t n);
void cli_table_row(struct cli_table *t); /* the next cells belong to this row */
/* Copies text; NULL is "-". */
void cli_table_cell(struct cli_table *t, size_t column, const char *text, enum cli_colour colour);
/* Prints the table and frees it; false: memory ran out. t may be NULL. */
bool cli_table_print(struct cli_table *t);

/* True if stdout is a terminal that may have colours. */
bool cli_table_colours(const struct cli *c);
/* The width of the terminal; 0: not a terminal. */
unsigned cli_table_width(int fd);

#define CLI_BAR_STR (64 * 4)
/* A bar of `cells` cells (at most 60) for value out of whole; the part between value and target
 * is shaded. Returns buf. */
const char *cli_table_bar(char buf[CLI_BAR_STR], unsigned cells, uint64_t value, uint64_t target,
			  uint64_t whole);

#endif
