/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files that have their old content or their new content, never a part. */
#ifndef BD_ATOMIC_FILE_H
#define BD_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The end of the name of a file that is being written. Such a file that is found was left by a
 * crash. */
#define BD_ATOMIC_FILE_TMP ".tmp"
/* Longest name of a file. */
#define BD_ATOMIC_FILE_NAME_MAX 64

/* Opens the folder, which is made with mode 0700 if it is missing; a missing parent is made with
 * parent_mode. Returns a descriptor, or -errno. */
int bd_atomic_file_open_folder(const char *path, mode_t parent_mode);
/* Writes a temporary file (with sync, waits for the disk) and renames it. Sync the folder
 * afterwards. After an error the old content is there. */
int bd_atomic_file_write(int dir, const char *name, const char *text, size_t len, bool sync);
/* Removes a file; 0 also if there was none. Sync the folder afterwards. */
int bd_atomic_file_remove(int dir, const char *name);
/* Finds out whether files can be made, by making one and removing it. */
int bd_atomic_file_probe_folder(int dir);
/* Opens a regular file of at most max bytes for reading. Never waits, for instance for the writer
 * of a FIFO. -EISDIR, -ENOTSUP: no regular file; -EFBIG. */
int bd_file_open(const char *path, off_t max);
/* Returns how many bytes were read. -EINVAL: no regular file, or not less than size bytes. Other
 * errors tell nothing about the file. */
ssize_t bd_atomic_file_read(int dir, const char *name, char *ret, size_t size);

#endif
