/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes lines to a descriptor that may keep its writer waiting for ever: a terminal
 * that is stopped, a pipe that nobody reads. A thread waits; whoever has a line does
 * not. The descriptor is shared with others, so it is never made non-blocking. */
#ifndef BD_LOG_WRITER_H
#define BD_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>

/* Lines that wait to be written, in bytes; what comes then is lost. */
#define BD_LOG_WRITER_BYTES (128U << 10)

struct bd_log_writer;

/* NULL: no thread could be made. */
struct bd_log_writer *bd_log_writer_new(int fd);
/* False: there is no room for all of it, and it is lost. */
bool bd_log_writer_put(struct bd_log_writer *w, const char *text, size_t len);
/* Gives what waits so many milliseconds more. */
void bd_log_writer_free(struct bd_log_writer *w, unsigned ms);

#endif
