/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole daemon through random worlds, on the stand-ins of Xen and on the simulated
 * host: requests, guests, builds, failures, kills and clocks, with what must be true
 * looked at after every step. Each world lives in a process of its own.
 * Replay: BL_SEED=S BL_WORLD=N. BL_SECONDS: for so long, whatever BL_WORLDS says. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "tests/property/random.h"
#include "tests/stateful/checks.h"
#include "tests/stateful/faults.h"
#include "tests/stateful/played.h"
#include "tests/stateful/steps.h"
#include "tests/stateful/wires.h"

#define WORLDS 40
#define STEPS 80
/* Longer than any world takes, by far: one that hangs. */
#define HANGS_SECONDS 60

static char top[64], folder[80];

void world_failed(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "# at %" PRIu64 " ms: ", played_now());
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	checks_print_log();
	_exit(1);
}

static int leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __lsan_do_recoverable_leak_check();
#else
	return 0;
#endif
}

static void remove_all(const char *path)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s", path);
	if (system(command))
		abort();
}

static void make_folders(void)
{
	char proc[96];

	snprintf(folder, sizeof(folder), "%s/state", top);
	snprintf(proc, sizeof(proc), "%s/proc", top);
	remove_all(folder);
	remove_all(proc);
	if (mkdir(folder, 0700) < 0 || mkdir(proc, 0700) < 0)
		abort();
}

static bool is_gentle(uint64_t number)
{
	return number % 8 == 0 || number % 8 == 7; /* the second is simulated */
}

/* The steps of the world, without those whose bit is set in drop. */
static void live(const struct run *run, uint64_t number, const bool drop[STEPS], bool aloud)
{
	const struct host_view *host = number % 4 == 3 ? &sim_view : &guests_view;
	struct rnd r = rnd_of_world(run->seed, number);

	played_time_begin();
	faults_begin(folder, rnd_next(&r));
	wires_begin();
	checks_begin(host);
	host->begin(&r);
	life_begin(host->host, folder);
	steps_begin(host, aloud, is_gentle(number));
	for (unsigned i = 0; i < STEPS; i++) {
		struct rnd own = rnd_of_world(run->seed ^ rnd_next(&r), i);

		if (!drop[i])
			step_do(&own);
	}
	steps_peace();
	life_stop();
}

/* In a child: what is killed there in the midst of its work leaves memory behind. 0: the
 * world ended well. */
static int try(const struct run *run, uint64_t number, const bool drop[STEPS], bool aloud, bool quiet)
{
	int status, null;
	pid_t pid;

	make_folders();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(HANGS_SECONDS);
		if (quiet) {
			null = open("/dev/null", O_WRONLY | O_CLOEXEC);
			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
			close(null);
		}
		live(run, number, drop, aloud);
		fflush(stdout);
		_exit(is_gentle(number) ? leaks() : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFSIGNALED(status) && !quiet)
		fprintf(stderr, "# it ended with signal %d\n", WTERMSIG(status));
	return status;
}

/* Leaves out what is not needed for it to fail. */
static void shrink(const struct run *run, uint64_t number, bool drop[STEPS])
{
	bool more[STEPS];

	for (unsigned n = STEPS / 2; n; n /= 2)
		for (unsigned from = 0; from < STEPS; from += n) {
			memcpy(more, drop, sizeof(more));
			for (unsigned i = from; i < from + n && i < STEPS; i++)
				more[i] = true;
			if (memcmp(more, drop, sizeof(more)) && try(run, number, more, false, true))
				memcpy(drop, more, sizeof(more));
		}
}

/* One that hangs is shown as it is: each try to shrink it would take HANGS_SECONDS. */
static void show(const struct run *run, uint64_t number, int status)
{
	bool drop[STEPS] = { false };

	if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM))
		shrink(run, number, drop);
	printf("# what of world %" PRIu64 " is needed for it:\n", number);
	(void)try(run, number, drop, true, false);
	printf("# replay with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n", run->seed, number);
}

static uint64_t seconds_now(void)
{
	struct stat st;
	char path[96];
	int fd;

	/* The clocks are played in here. */
	snprintf(path, sizeof(path), "%s/clock", top);
	fd = creat(path, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	close(fd);
	return (uint64_t)st.st_mtim.tv_sec;
}

int main(int argc, char **argv)
{
	static const bool none[STEPS];
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	uint64_t seconds = run_number(getenv("BL_SECONDS"), 0), began, n;
	struct run run;
	int status = 0;

	snprintf(top, sizeof(top), "%s/stateful-XXXXXX", tmp);
	if (!mkdtemp(top))
		abort();
	began = seconds_now();
	played_time_begin();
	played_wall_jump((int64_t)began + getpid());
	run = run_begin(argc, argv, WORLDS);
	printf("1..1\n# seed %" PRIu64 "\n", run.seed);
	for (n = run.from;
	     !status && (seconds && !run.replay ? seconds_now() < began + seconds : n < run.to); n++) {
		status = try(&run, n, none, run.replay, false);
		if (status && !run.replay)
			show(&run, n, status);
	}
	remove_all(top);
	printf("%sok 1 - the whole daemon through %" PRIu64 " worlds of %d steps\n", status ? "not " : "",
	       n - run.from, STEPS);
	return status != 0;
}
