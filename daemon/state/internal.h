/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the state see of each other. */
#ifndef BD_STATE_INTERNAL_H
#define BD_STATE_INTERNAL_H

#include <dirent.h>

#include "daemon/state/worker.h"

struct bd_state_key {
	uint32_t kind;
	bl_uuid id;
};

/* A file as it is to be: what is wanted, and how far that has come. */
struct bd_state_entry {
	struct bd_state_key key;
	uint64_t order; /* of a claim: its place in the queue; times alone do not tell two of
			   * one millisecond apart */
	bool wanted;	/* there is to be a file */
	char *text;	/* what is to be in it, once that was said */
	size_t len;
	uint64_t seq;	  /* of the newest wish */
	uint64_t written; /* of the last that came true */
	int failed;	  /* why the newest could not be done; 0 */
	bool busy;	  /* a job is under way */
	bool due;	  /* the newest wish has yet to become a job */
	bool on_disk;	  /* there may be a file */
	bool kept;	  /* a newer balloond's: never changed */
	UT_hash_handle hh;
	struct bd_state_entry *prev, *next; /* of those that are due */
};

struct bd_state {
	char *path;
	struct bd_place places[BD_STATE_KINDS];
	/* Claims have a thread of their own: they do not wait for the disk of the other. */
	struct bd_worker of_claims, of_domains;
	struct event_base *base; /* NULL: not started */
	struct event *reply, *flush;
	int reply_fd;
	bd_state_sink sink;
	void *ud;
	bl_uuid boot;
	struct bd_state_entry *entries, *due;
	uint64_t next_order, seq;
	int failing[BD_STATE_KINDS];  /* why something there could not be done; 0 */
	int n_failed[BD_STATE_KINDS]; /* entries */
	uint64_t retried;	      /* CLOCK_MONOTONIC ms */
	size_t n_kept;		      /* records of a newer balloond */
	bool unknown_claims;	      /* one of them does not tell what it holds */
	char kept_example[512];
	struct bl_json_out *out;
};

/* entries.c */
/* NULL: there is none. */
struct bd_state_entry *bd_state_find(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id);
struct bd_state_entry *bd_state_entry(struct bd_state *s, enum bd_state_kind kind,
				      const bl_uuid *id); /* made if need be; NULL: no memory */
void bd_state_set_failed(struct bd_state *s, struct bd_state_entry *e, int r);
void bd_state_free_entry(struct bd_state *s, struct bd_state_entry *e);

/* jobs.c */
struct bd_job *bd_state_make_job(enum bd_job_what what, const struct bd_state_key *key, uint64_t seq,
				 const char *text, size_t len);
/* A thread does it, or it is done here where none was started. */
void bd_state_hand_out(struct bd_state *s, struct bd_job *j);
/* What came of a job. */
void bd_state_take_result(struct bd_state *s, const struct bd_job *j);
/* What is wanted of the file becomes a job at the end of this turn of the event loop. */
void bd_state_make_due(struct bd_state *s, struct bd_state_entry *e);
/* Or now. */
void bd_state_flush(struct bd_state *s);
/* Or now, where no thread was started. */
void bd_state_settle_at_once(struct bd_state *s);

/* open.c */
/* Moves claims' records that an older balloond left in the state folder to where they
 * are now. */
int bd_state_move_claims(struct bd_state *s, struct bl_err *reterr);
/* The file is no record; what is left of a write that was cut off is removed. */
bool bd_state_passes_over(const struct bd_place *p, const char *name);
/* What balloond cannot have written gets another name. */
void bd_state_set_aside(const struct bd_place *p, const char *name, const char *why);
/* As bd_folder_read, but an error that may pass is tried again. */
ssize_t bd_state_read(const struct bd_place *p, const char *name, char *text, size_t size);
/* 1: there is such a file, 0: there is none; -errno: *reterr says why that cannot be told. */
int bd_state_is_there(const struct bd_place *p, const char *name, struct bl_err *reterr);
/* As scandir; fills *reterr. */
int bd_state_list(const struct bd_place *p, struct dirent ***ret, struct bl_err *reterr);
/* -r, with an error that names the file. */
int bd_state_fail(const struct bd_place *p, const char *name, int r, struct bl_err *reterr);

#endif
