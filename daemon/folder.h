/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files that are either old or new, never half. */
#ifndef BD_FOLDER_H
#define BD_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

/* Of a file that is being written; one that is found is left over. */
#define BD_FOLDER_TMP ".tmp"
/* Longest name of a file. */
#define BD_FOLDER_NAME_MAX 64

/* The folder name in parent (a descriptor, or AT_FDCWD), made 0700 if need
 * be. A descriptor, or -errno. */
int bd_folder_open(int parent, const char *name);
/* Writes a temporary, syncs it, renames it, syncs the folder. On an error the
 * old content stands, unless the last sync failed. */
int bd_folder_write(int dir, const char *name, const char *text, size_t len);
/* 0 where there was none. */
int bd_folder_drop(int dir, const char *name);
/* How many bytes were read. -EINVAL: no regular file, or not less than size. */
ssize_t bd_folder_read(int dir, const char *name, char *ret, size_t size);

#endif
