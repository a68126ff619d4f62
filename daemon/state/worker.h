/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that writes the files of some folders. A disk that hangs keeps only the thread
 * waiting. */
#ifndef BD_STATE_WORKER_H
#define BD_STATE_WORKER_H

#include <pthread.h>
#include <sys/queue.h>

#include "daemon/state/state.h"

/* A folder, which may not be there yet: opening it is tried again until it is there. */
struct bd_place {
	char path[512];
	mode_t parent_mode; /* of the folder above, if that has to be made */
	int fd;
	int lock;   /* a descriptor while we have the lock */
	bool locks; /* only one daemon may have the folder */
	bool sync;  /* its files must outlive a crash of the host */
	bool read;  /* its records were read at the start, or there were none */
};

enum bd_job_what { BD_JOB_WRITE, BD_JOB_DROP, BD_JOB_PROBE };

struct bd_job {
	STAILQ_ENTRY(bd_job) link;
	enum bd_job_what what;
	enum bd_state_kind kind;
	bl_uuid id;
	uint64_t seq;
	int r; /* the result */
	size_t len;
	char text[];
};
STAILQ_HEAD(bd_jobs, bd_job);

struct bd_worker {
	struct bd_place *places; /* by kind; the thread's own once it is started */
	int reply_fd;		 /* becomes readable when jobs are done */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: */
	struct bd_jobs jobs, done;
	bool stop;
};

void bd_worker_init(struct bd_worker *w, struct bd_place *places, int reply_fd);
int bd_worker_start(struct bd_worker *w);
/* Waits at most so many seconds for the jobs. False: the thread hangs, and *w must stay. */
bool bd_worker_stop(struct bd_worker *w, unsigned seconds);
/* Takes over the job. */
void bd_worker_push(struct bd_worker *w, struct bd_job *job);
/* Moves the jobs that are done to *ret; the caller frees them. */
void bd_worker_take_done(struct bd_worker *w, struct bd_jobs *ret);

/* Does the jobs in the caller's thread, and fills `r` of each. */
void bd_jobs_run(struct bd_place *places, struct bd_jobs *jobs);
/* Opens the folder if it is not open. -EBUSY: another daemon has it; -ESTALE: it has records that
 * were not read at the start. */
int bd_place_open(struct bd_place *p);
void bd_place_close(struct bd_place *p);

#endif
