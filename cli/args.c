/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/text.h"
#include "lib/core/uuid.h"

#define OPTIONS_MAX 24
#define OPT_NO_COLOR 255

static const struct option global[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "no-color", no_argument, NULL, OPT_NO_COLOR },
	{ "quiet", no_argument, NULL, 'q' },
	{ "socket", required_argument, NULL, 's' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void print_help(const struct cli *c)
{
	const struct cli_verb *verb = c->verb;

	if (verb) {
		printf("Usage: balloonctl %s%s%s\n\n%s", verb->name, *verb->usage ? " " : "", verb->usage,
		       verb->help);
		return;
	}
	printf("Usage: balloonctl [OPTION...] COMMAND [ARGUMENT...]\n\n"
	       "See and steer the memory of a Xen host.\n\nCommands:\n");
	for (const struct cli_verb *const *v = c->verbs; *v; v++)
		printf("  %-10s %s\n", (*v)->name, (*v)->summary);
	printf("\nOptions, before the command or after it:\n"
	       "  -h, --help           this; with a command, what that command takes\n"
	       "  -j, --json           machine output on stdout, errors too\n"
	       "      --no-color       no colours (NO_COLOR does the same)\n"
	       "  -q, --quiet          nothing but what was asked for\n"
	       "  -s, --socket PATH    the daemon's socket (else $BALLOOND_SOCKET)\n"
	       "  -V, --version        the version\n\n"
	       "A DOMAIN is a name, a UUID or a domid. A SIZE has a unit: 512M, 1.5G.\n"
	       "A DURATION too: 500ms, 10s, 5m, 2h.\n\n"
	       "Exit status: 0 done, 1 failed, 2 usage, 3 not enough memory, 4 timed out,\n"
	       "5 no such domain or claim, 6 no daemon, 7 not permitted.\n");
}

/* True if val is a global option. *ret_stop: the program ends, with success. */
static bool take_global(struct cli *c, int val, bool *ret_stop)
{
	*ret_stop = false;
	switch (val) {
	case 'h':
		print_help(c);
		*ret_stop = true;
		return true;
	case 'V':
		puts("balloonctl " PACKAGE_VERSION);
		*ret_stop = true;
		return true;
	case 'j':
		c->json = true;
		return true;
	case 'q':
		c->quiet = true;
		return true;
	case 's':
		c->socket = optarg;
		return true;
	case OPT_NO_COLOR:
		c->no_color = true;
		return true;
	default:
		return false;
	}
}

/* The argument that getopt_long() does not accept. */
static const char *culprit(int argc, char **argv)
{
	static char letter[] = "-?";

	/* Among letters like -xyz getopt stands before the argument, and after the last letter
	 * behind it. */
	if (optopt > 0 && optopt < OPT_NO_COLOR && isgraph(optopt)) {
		for (int i = optind < argc ? optind : optind - 1; i >= optind - 1 && i > 0; i--)
			if (argv[i][0] == '-' && argv[i][1] != '-' && strchr(argv[i], optopt) &&
			    (isdigit((unsigned char)argv[i][1]) || argv[i][1] == '.'))
				return argv[i];
		letter[1] = (char)optopt;
		return letter;
	}
	return optind > 1 ? argv[optind - 1] : "";
}

static int bad_option(struct cli *c, int val, int argc, char **argv)
{
	const char *arg = culprit(argc, argv);

	if (val == ':')
		return cli_fail_usage(c, "%s needs an argument", optind > 1 ? argv[optind - 1] : arg);
	/* -1G was meant as a size. */
	if (arg[0] == '-' && (isdigit((unsigned char)arg[1]) || arg[1] == '.')) {
		struct bl_err err;
		bl_bytes b;

		if (bl_size_parse("SIZE", arg, &b, &err) < 0)
			return cli_fail(c, "invalid-params", c->verb ? c->verb->name : "usage", "%s",
					err.msg);
	}
	return cli_fail_usage(c, "option %s is unknown, ambiguous or takes no argument", arg);
}

int cli_args_next(struct cli *c, int argc, char **argv, const struct option *own, int *ret_status)
{
	struct option all[OPTIONS_MAX];
	size_t n = 0;
	bool stop;

	for (; own && own->name && n < OPTIONS_MAX - sizeof(global) / sizeof(global[0]); own++)
		all[n++] = *own;
	memcpy(all + n, global, sizeof(global));
	for (;;) {
		int val = getopt_long(argc, argv, ":hjqs:V", all, NULL);

		if (val == -1)
			return CLI_ARGS_END;
		if (val == '?' || val == ':') {
			*ret_status = bad_option(c, val, argc, argv);
			return CLI_ARGS_STOP;
		}
		if (!take_global(c, val, &stop))
			return val;
		if (stop) {
			*ret_status = CLI_DONE;
			return CLI_ARGS_STOP;
		}
	}
}

bool cli_args_count(struct cli *c, int argc, int min, int max, const char *missing, int *ret_status)
{
	int n = argc - optind;

	if (n >= min && n <= max)
		return true;
	if (n < min)
		*ret_status = cli_fail_usage(c, "%s is missing", missing);
	else if (max == 0)
		*ret_status = cli_fail_usage(c, "takes no arguments");
	else
		*ret_status = cli_fail_usage(c, "too many arguments");
	return false;
}

bool cli_args_plain(struct cli *c, int argc, char **argv, int min, int max, const char *missing,
		    int *ret_status)
{
	int val = cli_args_next(c, argc, argv, NULL, ret_status);

	return val == CLI_ARGS_END && cli_args_count(c, argc, min, max, missing, ret_status);
}

int cli_args_global(struct cli *c, int argc, char **argv, int *ret_status)
{
	bool stop;

	opterr = 0;
	for (;;) {
		int val = getopt_long(argc, argv, "+:hjqs:V", global, NULL);

		if (val == -1)
			break;
		if (val == '?' || val == ':') {
			*ret_status = bad_option(c, val, argc, argv);
			return -1;
		}
		take_global(c, val, &stop);
		if (stop) {
			*ret_status = CLI_DONE;
			return -1;
		}
	}
	if (optind == argc) {
		*ret_status = cli_fail_usage(c, "a command is missing");
		return -1;
	}
	return optind;
}

int cli_put_size(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text)
{
	struct bl_err err;
	bl_bytes b;

	if (!text)
		return CLI_DONE;
	if (bl_size_parse(what, text, &b, &err) < 0)
		return cli_fail(c, "invalid-params", c->verb->name, "%s", err.msg);
	bl_json_put_uint(o, key, b.n);
	return CLI_DONE;
}

int cli_put_duration(struct cli *c, struct bl_json_out *o, const char *key, const char *what,
		     const char *text, bool zero_ok)
{
	struct bl_err err;
	bl_ms ms;

	if (!text)
		return CLI_DONE;
	if (bl_duration_parse(what, text, zero_ok, &ms, &err) < 0)
		return cli_fail(c, "invalid-params", c->verb->name, "%s", err.msg);
	if (ms.n % 1000)
		bl_json_put_real(o, key, (double)ms.n / 1000.0);
	else
		bl_json_put_uint(o, key, ms.n / 1000);
	return CLI_DONE;
}

int cli_put_number(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text)
{
	long long n;
	char *end;

	if (!text)
		return CLI_DONE;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno)
		return cli_fail(c, "invalid-params", c->verb->name, "%s: '%.64s' is not a whole number",
				what, text);
	bl_json_put_int(o, key, n);
	return CLI_DONE;
}

int cli_put_uuid(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text)
{
	bl_uuid u;

	if (!text)
		return CLI_DONE;
	if (!bl_uuid_parse(text, &u))
		return cli_fail(c, "invalid-params", c->verb->name, "%s: '%.64s' is not a UUID", what, text);
	bl_json_put_string(o, key, text);
	return CLI_DONE;
}

int cli_put_text(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text)
{
	if (!text)
		return CLI_DONE;
	if (!bl_text_utf8(text, strlen(text)))
		return cli_fail(c, "invalid-params", c->verb->name, "%s: '%.64s' is not valid UTF-8", what,
				text);
	bl_json_put_string(o, key, text);
	return CLI_DONE;
}

int cli_put_claim(struct cli *c, struct bl_json_out *o, const char *key, const char *text)
{
	if (!text)
		return CLI_DONE;
	if (!bl_text_utf8(text, strlen(text)))
		return cli_fail(c, "no-such-claim", c->verb->name, "no claim '%.64s'", text);
	bl_json_put_string(o, key, text);
	return CLI_DONE;
}
