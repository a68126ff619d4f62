/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/app.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/config/setup.h"
#include "daemon/control/control.h"
#include "daemon/notify.h"

/* Events kept for `monitor --since` and for slow readers. */
#define EVENTS_KEPT 2048
/* Larger than most blocks that stay, and smaller than most answers about many domains. */
#define LARGE_BYTES (64 << 10)

static const char usage[] =
	"Usage: balloond [OPTION...]\n"
	"Memory control plane of a Xen host; runs in the foreground.\n"
	"\n"
	"  --backend xen|sim    the host to manage: this host, or a simulated one\n"
	"  --config FILE        read FILE and FILE.d/*.conf only\n"
	"  --socket PATH        listen on PATH\n"
	"  --state-dir DIR      keep state in DIR\n"
	"  --sim-world FILE     the file that describes the simulated host\n"
	"  --sim-speed N        seconds of the simulated host per real second\n"
	"  --check-config       check the configuration, and exit\n"
	"  --drop-holders       release all memory that claims hold in the hypervisor, and exit\n"
	"  --version            print the version, and exit\n"
	"  --help               print this, and exit\n";

struct app {
	struct bd_options options;
	struct bd_setup setup;
	struct event_base *base;
	struct event *signals[3];
	struct bd_state *state;
	struct bd_events *events;
	struct bd_manager *manager;
	struct bd_control *control;
	struct bd_setup_reader *reader;
	struct bd_notify *notify;
	struct bd_host_events host_events; /* the backend uses them while it is open */
	int host_lock;			   /* -1: a simulated host, which its state folder locks */
};

static void on_stop(evutil_socket_t sig, short what, void *ud)
{
	struct app *a = ud;

	(void)what;
	bd_log(LOG_INFO, "stopping on %s; claims stay held", sigabbrev_np((int)sig));
	bd_notify_stopping(a->notify);
	(void)event_base_loopbreak(a->base);
}

static void say_ready(const struct app *a)
{
	bd_notify_ready(a->notify, a->options.sim ? "Managing a simulated host" : "Managing this host");
}

static void on_read(void *ud, struct bd_setup *fresh, const struct bl_err *err)
{
	struct app *a = ud;

	if (!fresh) {
		bd_log(LOG_ERR, "the old settings stay: %s", err->msg);
	} else {
		bd_manager_reload(a->manager, &fresh->config.settings);
		bd_control_reload(a->control, fresh);
		bd_log(LOG_NOTICE, "configuration read again");
	}
	say_ready(a);
}

static void on_reload(evutil_socket_t sig, short what, void *ud)
{
	struct app *a = ud;

	(void)sig, (void)what;
	bd_notify_reloading(a->notify);
	bd_setup_reader_ask(a->reader);
}

static int add_signal(struct app *a, size_t i, int sig, event_callback_fn handler)
{
	a->signals[i] = evsignal_new(a->base, sig, handler, a);
	return a->signals[i] && evsignal_add(a->signals[i], NULL) == 0 ? 0 : -ENOMEM;
}

static int open_host(struct app *a, struct bd_host **ret, struct bl_err *err)
{
	if (a->options.sim)
		return bd_host_sim_open(a->base, &a->host_events, a->options.sim_world, a->options.state_dir,
					a->options.sim_speed, ret, err);
#ifdef HAVE_XEN
	return bd_host_xen_open(a->base, &a->host_events, ret, err);
#else
	return bl_err_set(err, EOPNOTSUPP, BL_ERR_UNSUPPORTED,
			  "this balloond was built without Xen; only --backend sim works");
#endif
}

static int lock_host(struct app *a, struct bl_err *err)
{
#ifdef HAVE_XEN
	if (!a->options.sim) {
		a->host_lock = bd_host_xen_lock(err);
		return a->host_lock < 0 ? a->host_lock : 0;
	}
#endif
	(void)a, (void)err;
	return 0;
}

static int out_of_memory(struct bl_err *err)
{
	return bl_err_set(err, ENOMEM, BL_ERR_BACKEND, "out of memory");
}

static void warn(void *ud, const char *line)
{
	(void)ud;
	bd_log(LOG_WARNING, "%s", line);
}

static int start_manager(struct app *a, struct bl_err *err)
{
	const struct bd_manager_config cfg = { .base = a->base,
					       .state = a->state,
					       .events = a->events,
					       .settings = &a->setup.config.settings };
	struct bd_host *host;
	int r;

	if (bd_manager_new(&cfg, &a->manager) < 0)
		return out_of_memory(err);
	a->host_events = bd_manager_host_events(a->manager);
	r = open_host(a, &host, err);
	return r < 0 ? r : bd_manager_start(a->manager, host, err);
}

static int start(struct app *a, struct bl_err *err)
{
	int r;

	a->base = event_base_new();
	a->events = bd_events_new(EVENTS_KEPT);
	if (!a->base || !a->events || add_signal(a, 0, SIGTERM, on_stop) < 0 ||
	    add_signal(a, 1, SIGINT, on_stop) < 0 || add_signal(a, 2, SIGHUP, on_reload) < 0)
		return out_of_memory(err);
	r = lock_host(a, err);
	if (r == 0)
		r = bd_state_open(a->options.state_dir, a->options.claims_dir, &a->state, err);
	if (r == 0)
		r = start_manager(a, err);
	if (r < 0)
		return r;
	a->control = bd_control_new(a->base, a->manager, a->events, &a->setup);
	a->notify = bd_notify_new(a->base);
	a->reader = bd_setup_reader_new(a->base, a->options.config, on_read, a);
	if (!a->control || !a->notify || !a->reader)
		return out_of_memory(err);
	return bd_control_listen(a->control, a->options.socket, err);
}

static void stop(struct app *a)
{
	bd_setup_reader_free(a->reader);
	if (a->control)
		bd_control_stop(a->control);
	bd_manager_free(a->manager);
	bd_control_free(a->control);
	bd_notify_free(a->notify);
	bd_events_free(a->events);
	bd_state_close(a->state);
	bd_setup_free(&a->setup);
	for (size_t i = 0; i < 3; i++)
		if (a->signals[i])
			event_free(a->signals[i]);
	if (a->base)
		event_base_free(a->base);
	libevent_global_shutdown();
	if (a->host_lock >= 0)
		(void)close(
			a->host_lock); /* last, so that the next daemon finds nothing that still changes */
}

static int run(const struct bd_options *o)
{
	struct app a = { .options = *o, .host_lock = -1 };
	struct bl_err err;
	int r;

	/* SIGPIPE and SIGXFSZ are reported as errors as well. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	/* Give the memory of large answers back to the system at once. By default malloc raises
	 * the threshold with each large block that is freed, and keeps the memory. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	r = bd_setup_load(o->config, &a.setup, &err);
	if (r < 0) {
		bd_log(LOG_ERR, "%s", err.msg);
		return EXIT_FAILURE;
	}
	bd_log_start();
	r = start(&a, &err);
	if (r < 0) {
		bd_log(LOG_ERR, "%s", err.msg);
	} else {
		say_ready(&a);
		bd_manager_problems(a.manager, warn, NULL);
		bd_log(LOG_INFO, "balloond %s manages %s", PACKAGE_VERSION,
		       o->sim ? "a simulated host" : "this host");
		r = event_base_dispatch(a.base);
	}
	stop(&a);
	bd_log_stop();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check_config(const struct bd_options *o)
{
	struct bd_setup setup;
	struct bl_err err;

	if (bd_setup_load(o->config, &setup, &err) < 0) {
		(void)fprintf(stderr, "balloond: %s\n", err.msg);
		return EXIT_FAILURE;
	}
	bd_setup_free(&setup);
	return EXIT_SUCCESS;
}

static int drop_holders(void)
{
#ifdef HAVE_XEN
	struct bl_err err;

	if (bd_host_xen_drop_holders(&err) == 0)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "balloond: %s\n", err.msg);
#else
	(void)fprintf(stderr, "balloond: --drop-holders: built without Xen\n");
#endif
	return EXIT_FAILURE;
}

int bd_app_main(int argc, char **argv)
{
	struct bd_options o;

	if (bd_options_parse(argc, argv, stderr, &o) < 0) {
		(void)fprintf(stderr, "balloond: try --help\n");
		return 2;
	}
	switch (o.what) {
	case BD_HELP:
		return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	case BD_VERSION:
		return printf("balloond %s\n", PACKAGE_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	case BD_CHECK_CONFIG:
		return check_config(&o);
	case BD_DROP_HOLDERS:
		return drop_holders();
	case BD_RUN:
		break;
	}
	return run(&o);
}
