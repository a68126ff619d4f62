/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes lines to a descriptor whose reader may keep the writer waiting for ever: a stopped
 * terminal, a pipe that nobody reads. A thread waits; the caller does not. Other processes share
 * the descriptor, so it is never made non-blocking. */
#ifndef BD_LOG_WRITER_H
#define BD_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of lines that wait to be written; further lines are lost. */
#define BD_LOG_WRITER_BYTES (128U << 10)

struct bd_log_writer;

/* NULL: no thread. */
struct bd_log_writer *bd_log_writer_new(int fd);
/* False: the line does not fit and is lost. */
bool bd_log_writer_put(struct bd_log_writer *w, const char *text, size_t len);
/* Leaves waiting lines so many milliseconds more. */
void bd_log_writer_free(struct bd_log_writer *w, unsigned ms);

#endif
