/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"

/* At a higher speed a tick would take longer than a claim waits. */
#define SPEED_MAX 1e6

enum {
	OPT_BACKEND = 256,
	OPT_CONFIG,
	OPT_SOCKET,
	OPT_STATE_DIR,
	OPT_SIM_WORLD,
	OPT_SIM_SPEED,
	OPT_CHECK_CONFIG,
	OPT_DROP_HOLDERS,
	OPT_VERSION,
	OPT_HELP
};

static const struct option options[] = {
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "sim-world", required_argument, NULL, OPT_SIM_WORLD },
	{ "sim-speed", required_argument, NULL, OPT_SIM_SPEED },
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "drop-holders", no_argument, NULL, OPT_DROP_HOLDERS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int bad(FILE *err, const char *option, const char *why)
{
	(void)fprintf(err, "balloond: --%s: %s\n", option, why);
	return -EINVAL;
}

static int parse_speed(const char *text, FILE *err, double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !isfinite(v) || v <= 0 || v > SPEED_MAX)
		return bad(err, "sim-speed", "must be a number above 0, at most 1000000");
	*ret = v;
	return 0;
}

static int take(int opt, FILE *err, struct bd_options *o)
{
	switch (opt) {
	case OPT_BACKEND:
		o->sim = !strcmp(optarg, "sim");
		return o->sim || !strcmp(optarg, "xen") ? 0 : bad(err, "backend", "must be xen or sim");
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_SOCKET:
		o->socket = optarg;
		return 0;
	case OPT_STATE_DIR:
		o->state_dir = optarg;
		o->claims_dir = NULL;
		return 0;
	case OPT_SIM_WORLD:
		o->sim_world = optarg;
		return 0;
	case OPT_SIM_SPEED:
		return parse_speed(optarg, err, &o->sim_speed);
	case OPT_CHECK_CONFIG:
		o->what = BD_CHECK_CONFIG;
		return 0;
	case OPT_DROP_HOLDERS:
		o->what = BD_DROP_HOLDERS;
		return 0;
	case OPT_VERSION:
		o->what = BD_VERSION;
		return 0;
	case OPT_HELP:
		o->what = BD_HELP;
		return 0;
	default: /* getopt() has printed the error */
		return -EINVAL;
	}
}

int bd_options_parse(int argc, char **argv, FILE *err, struct bd_options *ret)
{
	struct bd_options o = {
		.socket = BL_RUNSTATEDIR "/balloond/control.sock",
		.state_dir = BL_LOCALSTATEDIR "/lib/balloond",
		.claims_dir = BL_RUNSTATEDIR "/balloond/claims",
		.sim_speed = 1.0,
		.what = BD_RUN,
	};
	int opt, r = 0;

	optind = 0; /* start again, in case main() ran before in this process */
	while (r == 0 && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		r = take(opt, err, &o);
	if (r == 0 && optind < argc) {
		(void)fprintf(err, "balloond: %s: no arguments are taken\n", argv[optind]);
		r = -EINVAL;
	}
	if (r == 0 && o.sim_world && !o.sim)
		r = bad(err, "sim-world", "only with --backend sim");
	if (r == 0)
		*ret = o;
	return r;
}
