/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files kept from one run to the next: indexes of what is large and does not change.
 *
 * They lie in the user's cache. Writing one never fails a run; what is read is checked by who reads it, as
 * anything from outside.
 */
#ifndef DBG_CACHEFILE_H
#define DBG_CACHEFILE_H

#include <stdbool.h>
#include <stddef.h>

struct iovec;

/* Where such files are (the directory is made when it is needed); NULL, as at first: nowhere. */
void dbg_cache_directory(const char *dir);
/* Whether there is such a place. */
bool dbg_cache_enabled(void);
/*
 * Maps the file `name`, if it is ours or root's; what is written to the memory stays in the process. NULL: it is
 * not there. munmap() releases it.
 */
void *dbg_cache_map(const char *name, size_t *len);
/* Writes the file, whole or not at all. */
void dbg_cache_write(const char *name, const struct iovec *parts, size_t n);

#endif
