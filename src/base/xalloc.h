/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocators of libc for memory that no arena holds: same arguments, same results, but running out of memory
 * ends the process, so that callers need no checks.  The caller frees.  Not for sizes that a file claims.
 */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stddef.h>
#include <stdio.h>

/* Says so and ends with status 1; also for sizes that cannot be. */
_Noreturn void out_of_memory(void);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
/* The text itself, as asprintf(3) would store it. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A stream into memory: *text and *len are valid after fflush or fclose. */
FILE *xmemstream(char **text, size_t *len);

#endif
