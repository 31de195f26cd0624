/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where output text goes: a file descriptor behind a buffer.  A write error is
 * reported once (to standard error) and remembered; later text is dropped.
 */
#ifndef OUT_STREAM_H
#define OUT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out_stream;

/*
 * Writes to `fd` (not closed).  `name` appears in the message ("standard output").
 * max_size > 0: files of at most that many bytes, `next` is then asked for the
 * next descriptor (-S); both may be 0/NULL.
 */
struct out_stream *out_stream_create(int fd, const char *name);
void out_stream_rotate(struct out_stream *s, uint64_t max_size, int (*next)(void *ctx), void *ctx);
void out_stream_destroy(struct out_stream *s);	/* flushes */

void out_stream_write(struct out_stream *s, const void *p, size_t n);
/* 0, or the -errno of the first failure (EPIPE: the reader is gone). */
int out_stream_flush(struct out_stream *s);
int out_stream_error(const struct out_stream *s);

#endif
