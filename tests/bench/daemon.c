/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon costs on a simulated host: the round trip of `status` and
 * how it grows, wake-ups and memory at rest. Run in the build folder. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/hypercalls.h"

#define ROUNDS 51
#define BATCHES 3
#define STATUS_BOUND_MS 10.0
#define IDLE_SECONDS 30
#define WAKE_UP_EVERY 5 /* seconds: at most one in so many */
#define RSS_BOUND_KIB (12 * 1024)
/* The daemon takes a picture for one of now that is younger than this. */
#define FRESH_US 6000

static char folder[] = "bench-XXXXXX"; /* of this run, in the build folder */

struct daemon {
	pid_t pid;
	int fd;
	char *line; /* the last answer */
	size_t cap;
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void write_file(const char *name, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		die(path);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void clean_up(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command);
}

/* n guests of 1 GiB that use a quarter, and room for as many again. */
static void write_world(unsigned n)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "[host]\nmemory = %uM\ndom0 = 1G\n"
		 "[guest g]\nmemory = 1G\nmin = 128M\ncount = %u\n",
		 2 * 1024 * n + 4096, n);
	write_file("world", text);
}

static void connect_to(struct daemon *d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	double end = now_ms() + 20000;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", folder);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (connect(d->fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		if (now_ms() > end || waitpid(d->pid, NULL, WNOHANG) != 0)
			die("balloond does not listen");
		usleep(2000);
	}
}

static void daemon_start(struct daemon *d, unsigned n)
{
	static char socket_path[64], state[64], conf[64], world[64];

	write_world(n);
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(state, sizeof(state), "%s/state-%u", folder, n);
	snprintf(conf, sizeof(conf), "%s/conf", folder);
	snprintf(world, sizeof(world), "%s/world", folder);
	d->pid = fork();
	if (d->pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		execl("./balloond", "balloond", "--backend", "sim", "--config", conf, "--socket",
		      socket_path, "--state-dir", state, "--sim-world", world, (char *)NULL);
		_exit(127);
	}
	connect_to(d);
}

static void daemon_end(struct daemon *d)
{
	close(d->fd);
	kill(d->pid, SIGTERM);
	waitpid(d->pid, NULL, 0);
	free(d->line);
	*d = (struct daemon){ 0 };
}

/* One request, its answer in d->line; its length. */
static size_t ask(struct daemon *d, const char *method)
{
	char request[128];
	size_t len = 0;
	int n = snprintf(request, sizeof(request), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n",
			 method);

	if (write(d->fd, request, (size_t)n) != n)
		die("request");
	do {
		ssize_t got;

		if (d->cap - len < 65536) {
			d->cap = d->cap * 2 + 262144;
			d->line = realloc(d->line, d->cap);
			if (!d->line)
				die("memory");
		}
		got = read(d->fd, d->line + len, d->cap - len - 1);
		if (got <= 0)
			die("answer");
		len += (size_t)got;
	} while (d->line[len - 1] != '\n');
	d->line[len] = '\0';
	return len;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double batch(struct daemon *d, size_t *ret_bytes)
{
	static double ms[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		double start;

		usleep(FRESH_US);
		start = now_ms();
		*ret_bytes = ask(d, "status");
		ms[i] = now_ms() - start;
	}
	qsort(ms, ROUNDS, sizeof(ms[0]), by_value);
	return ms[ROUNDS / 2];
}

/* Median milliseconds of a round trip that looks at the host, of the best
 * batch: the machine may have other things to do. */
static double measure_status(struct daemon *d, size_t *ret_bytes)
{
	double best = INFINITY;

	(void)ask(d, "status");
	for (int i = 0; i < BATCHES; i++)
		best = fmin(best, batch(d, ret_bytes));
	if (!strstr(d->line, "\"result\""))
		die("status");
	return best;
}

/* A number from /proc/PID/status. */
static unsigned long proc_number(pid_t pid, const char *key)
{
	char path[64], line[256];
	unsigned long v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = strtoul(line + strlen(key) + 1, NULL, 10);
	fclose(f);
	return v;
}

/* Times it slept and was woken. */
static unsigned long sleeps(pid_t pid)
{
	return proc_number(pid, "voluntary_ctxt_switches");
}

/* A time says something of the machine, too: it is told, and fails nothing. */
static void tell(bool met)
{
#ifdef BL_SANITIZED
	printf("  (sanitizers: not judged)\n");
#else
	printf("  %s\n", met ? "met" : "MISSED");
#endif
}

/* What is counted is the same everywhere. */
static int verdict(bool met)
{
#ifdef BL_SANITIZED
	printf("  (sanitizers: not judged)\n");
	return 0;
#else
	printf("  %s\n", met ? "met" : "BROKEN");
	return !met;
#endif
}

static int bench_rest(struct daemon *d)
{
	unsigned long before, n, rss = proc_number(d->pid, "VmRSS:");
	int status;

	printf("resident with 1000 domains: %lu KiB (of it %lu its own), bound %d KiB:", rss,
	       proc_number(d->pid, "RssAnon:"), RSS_BOUND_KIB);
	status = verdict(rss <= RSS_BOUND_KIB);
	before = sleeps(d->pid);
	sleep(IDLE_SECONDS);
	n = sleeps(d->pid) - before;
	printf("wake-ups at rest: %lu in %d s, bound one in %d s:", n, IDLE_SECONDS, WAKE_UP_EVERY);
	return status | verdict(n <= IDLE_SECONDS / WAKE_UP_EVERY);
}

static int bench_curve(void)
{
	static const unsigned rows[] = { 100, 300, 1000, 3000, 10000 };
	double per[5];
	int status = 0;

	printf("status: median of %d round trips, each with a look at the host, best of %d\n", ROUNDS,
	       BATCHES);
	printf("%8s %12s %12s %18s\n", "domains", "round trip", "answer", "ns / (n log2 n)");
	for (size_t i = 0; i < 5; i++) {
		struct daemon d = { 0 };
		size_t bytes;
		double ms;

		daemon_start(&d, rows[i]);
		ms = measure_status(&d, &bytes);
		per[i] = ms * 1e6 / (rows[i] * log2(rows[i]));
		printf("%8u %9.2f ms %8zu KiB %18.1f", rows[i], ms, bytes / 1024, per[i]);
		if (rows[i] == 1000) {
			printf("  bound %.0f ms:", STATUS_BOUND_MS);
			tell(ms <= STATUS_BOUND_MS);
			status |= bench_rest(&d);
		} else {
			printf("\n");
		}
		daemon_end(&d);
	}
	printf("from 1000 to 10000 domains: %.2f of n log n, bound 2:", per[4] / per[2]);
	tell(per[4] <= 2 * per[2]);
	return status;
}

int main(void)
{
	struct group *group = getgrgid(getgid());
	char conf[256];
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(folder))
		die(folder);
	atexit(clean_up);
	snprintf(conf, sizeof(conf), "[control]\ngroup = %s\n", group ? group->gr_name : "(none)");
	write_file("conf", conf);
	status = bench_curve();
	write_world(1000);
	return status | bench_hypercalls(folder, 1000);
}
