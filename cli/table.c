/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/table.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libsmartcols.h>

#define CELLS_MAX 60U

struct cli_table {
	struct libscols_table *t;
	struct libscols_line *line;
	bool colours;
	bool failed;
};

static const char *const sequences[] = {
	[CLI_PLAIN] = NULL,	[CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
	[CLI_RED] = "\033[31m", [CLI_DIM] = "\033[2m",
};

bool cli_table_colours(const struct cli *c)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return !c->no_color && !(no && *no) && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

unsigned cli_table_width(int fd)
{
	struct winsize w;

	if (!isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static bool add_columns(struct cli_table *t, const struct cli_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int flags = columns[i].align == CLI_RIGHT ? SCOLS_FL_RIGHT
			    : columns[i].align == CLI_CUT ? SCOLS_FL_TRUNC
							  : 0;

		if (!scols_table_new_column(t->t, columns[i].head, 0, flags))
			return false;
	}
	return true;
}

struct cli_table *cli_table_new(const struct cli *c, const struct cli_column *columns, size_t n)
{
	struct cli_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->colours = cli_table_colours(c);
	t->t = scols_new_table();
	if (!t->t || !add_columns(t, columns, n)) {
		scols_unref_table(t->t);
		free(t);
		return NULL;
	}
	scols_table_enable_colors(t->t, t->colours);
	/* A pipe has no width, so nothing is cut. */
	if (!cli_table_width(STDOUT_FILENO))
		scols_table_set_termforce(t->t, SCOLS_TERMFORCE_NEVER);
	return t;
}

void cli_table_row(struct cli_table *t)
{
	if (!t)
		return;
	t->line = scols_table_new_line(t->t, NULL);
	t->failed |= !t->line;
}

void cli_table_cell(struct cli_table *t, size_t column, const char *text, enum cli_colour colour)
{
	if (!t || t->failed)
		return;
	if (scols_line_set_data(t->line, column, text && *text ? text : "-") < 0)
		t->failed = true;
	else if (t->colours && colour != CLI_PLAIN)
		scols_cell_set_color(scols_line_get_cell(t->line, column), sequences[colour]);
}

bool cli_table_print(struct cli_table *t)
{
	bool ok = t && !t->failed && scols_print_table(t->t) == 0;

	if (t) {
		scols_unref_table(t->t);
		free(t);
	}
	return ok;
}

/* Rounds to the nearest cell, but shows a value above zero, and a gap below the whole. */
static unsigned cells_of(uint64_t value, uint64_t whole, unsigned cells)
{
	double share = (double)value / (double)whole * cells + 0.5;
	unsigned n = share >= cells ? cells : (unsigned)share;

	if (n == 0 && value > 0)
		return 1;
	if (n == cells && value < whole && cells > 1)
		return cells - 1;
	return n;
}

const char *cli_table_bar(char buf[CLI_BAR_STR], unsigned cells, uint64_t value, uint64_t target,
			  uint64_t whole)
{
	bool fine = !strcmp(nl_langinfo(CODESET), "UTF-8");
	const char *full = fine ? "\u2588" : "#", *moving = fine ? "\u2592" : "+",
		   *empty = fine ? "\u2591" : ".";
	unsigned lo, hi;
	char *p = buf;

	if (cells > CELLS_MAX)
		cells = CELLS_MAX;
	if (!whole) {
		buf[0] = '\0';
		return buf;
	}
	lo = cells_of(value < target ? value : target, whole, cells);
	hi = cells_of(value > target ? value : target, whole, cells);
	for (unsigned i = 0; i < cells; i++)
		p = stpcpy(p, i < lo ? full : i < hi ? moving : empty);
	return buf;
}
