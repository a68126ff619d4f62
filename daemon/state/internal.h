/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the files of daemon/state alone. */
#ifndef BD_STATE_INTERNAL_H
#define BD_STATE_INTERNAL_H

#include <dirent.h>

#include "daemon/state/worker.h"

struct bd_state_key {
	uint32_t kind;
	bl_uuid id;
};

/* A file: what is wanted of it, and how far that has come. */
struct bd_state_entry {
	struct bd_state_key key;
	uint64_t order; /* claim: its place in the queue; times may be equal */
	bool wanted;	/* the file is to be there */
	char *text;	/* its content; NULL until the content is set */
	size_t len;
	uint64_t seq;	  /* number of the newest change */
	uint64_t written; /* number of the newest change that is done */
	int failed;	  /* why the newest change failed; 0 */
	bool busy;	  /* a job is under way */
	bool due;	  /* the newest change is no job yet */
	bool on_disk;	  /* the file may be there */
	bool kept;	  /* a newer balloond's record: never changed */
	UT_hash_handle hh;
	struct bd_state_entry *prev, *next; /* in the list of due entries */
};

struct bd_state {
	char *path;
	struct bd_place places[BD_STATE_KINDS];
	/* Claims have a thread of their own, so that they do not wait for the disk of the
	 * domains' records. */
	struct bd_worker of_claims, of_domains;
	struct event_base *base; /* NULL: not started */
	struct event *reply, *flush;
	int reply_fd;
	bd_state_sink sink;
	void *ud;
	bl_uuid boot;
	struct bd_state_entry *entries, *due;
	uint64_t next_order, seq;
	int failing[BD_STATE_KINDS];  /* why writing there failed; 0 */
	int n_failed[BD_STATE_KINDS]; /* how many entries failed */
	uint64_t retried;	      /* CLOCK_MONOTONIC ms */
	size_t n_kept;		      /* records of a newer balloond */
	bool unknown_claims;	      /* such a record does not tell what its claim holds */
	char kept_example[512];
	struct bl_json_out *out;
};

/* entries.c */
/* NULL: there is none. */
struct bd_state_entry *bd_state_find(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id);
struct bd_state_entry *
bd_state_entry(struct bd_state *s, enum bd_state_kind kind,
	       const bl_uuid *id); /* makes the entry if there is none; NULL: no memory */
void bd_state_set_failed(struct bd_state *s, struct bd_state_entry *e, int r);
void bd_state_free_entry(struct bd_state *s, struct bd_state_entry *e);

/* jobs.c */
struct bd_job *bd_state_make_job(enum bd_job_what what, const struct bd_state_key *key, uint64_t seq,
				 const char *text, size_t len);
/* Gives the job to a thread, or does it here if no thread was started. */
void bd_state_hand_out(struct bd_state *s, struct bd_job *j);
void bd_state_take_result(struct bd_state *s, const struct bd_job *j);
/* Makes a job of what is wanted, at the end of this turn of the event loop, */
void bd_state_make_due(struct bd_state *s, struct bd_state_entry *e);
/* or at once, */
void bd_state_flush(struct bd_state *s);
/* or at once if no thread was started. */
void bd_state_settle_at_once(struct bd_state *s);

/* open.c */
/* Moves the records of claims that an older balloond left in the state folder to their folder. */
int bd_state_move_claims(struct bd_state *s, struct bl_err *reterr);
/* True if the file is no record. Removes what is left of a write that was cut off. */
bool bd_state_passes_over(const struct bd_place *p, const char *name);
/* Renames a file that balloond cannot have written. */
void bd_state_set_aside(const struct bd_place *p, const char *name, const char *why);
/* As bd_atomic_file_read(), but tries again after an error that may pass. */
ssize_t bd_state_read(const struct bd_place *p, const char *name, char *text, size_t size);
/* 1: there is such a file, 0: there is none; -errno: *reterr says why that cannot be told. */
int bd_state_is_there(const struct bd_place *p, const char *name, struct bl_err *reterr);
/* As scandir(); fills *reterr. */
int bd_state_list(const struct bd_place *p, struct dirent ***ret, struct bl_err *reterr);
/* Returns r with an error that names the file. */
int bd_state_fail(const struct bd_place *p, const char *name, int r, struct bl_err *reterr);

#endif
