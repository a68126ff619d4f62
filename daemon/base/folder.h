/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files that are either old or new, never half. */
#ifndef BD_FOLDER_H
#define BD_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Of a file that is being written; one that is found is left over. */
#define BD_FOLDER_TMP ".tmp"
/* Longest name of a file. */
#define BD_FOLDER_NAME_MAX 64

/* The folder of that path, made 0700 if need be; a parent that is missing is made
 * with parent_mode. A descriptor, or -errno. */
int bd_folder_open(const char *path, mode_t parent_mode);
/* Writes a temporary, with sync waits until the disk has it, and renames it. The folder
 * itself has to be synced afterwards. On an error the old content stands. */
int bd_folder_write(int dir, const char *name, const char *text, size_t len, bool sync);
/* 0 where there was none. The folder has to be synced afterwards. */
int bd_folder_drop(int dir, const char *name);
/* Whether a file can be made there: makes one and removes it. */
int bd_folder_probe(int dir);
/* A regular file of at most max bytes, to be read; of anything else, such as a FIFO that
 * nobody writes to, nothing is waited for. -EISDIR, -ENOTSUP: it is none; -EFBIG. */
int bd_file_open(const char *path, off_t max);
/* Reads such a file into *ret, which is the caller's; returns its length. */
ssize_t bd_file_read(const char *path, size_t max, char **ret);
/* How many bytes were read. -EINVAL: no regular file, or not less than size. Any other
 * error says nothing about the file. */
ssize_t bd_folder_read(int dir, const char *name, char *ret, size_t size);

#endif
