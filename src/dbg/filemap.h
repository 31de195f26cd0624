/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files mapped to be read.  One that shrinks while it is mapped (a program that is built anew, or one that does so on
 * purpose) reads as zeros from there on, where the kernel would end the process by SIGBUS.
 */
#ifndef DBG_FILEMAP_H
#define DBG_FILEMAP_H

#include <stddef.h>

/* Maps the first `len` bytes of the file, len > 0; NULL and errno: it cannot be mapped. */
void *filemap_map(int fd, size_t len);
/* Of a pointer that filemap_map() gave. */
void filemap_unmap(void *p);

#endif
