/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the script's output goes: standard output, or the file of -o, switched by size (-S).
 * Buffered; nothing is written later than run_sink_flush().  After a failed write
 * everything further is dropped and the error is kept.
 */
#ifndef RUN_SINK_H
#define RUN_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run_sink;

/*
 * `pattern`: -o, expanded by strftime(3) at every file opened, NULL: descriptor 1.  With
 * rotate_bytes a file name gets ".N" appended (N counts from 0) and a new file is begun when
 * the next record would exceed that size; only the last `rotate_count` files are kept (0: all).
 * NULL and errno when the file cannot be opened.
 */
struct run_sink *run_sink_open(const char *pattern, uint64_t rotate_bytes, unsigned rotate_count);
/* A sink that only remembers the latest `bytes` of its output, in memory. */
struct run_sink *run_sink_open_ring(size_t bytes);
/* Of such a sink: what there is from byte *from of all output on, or, if that is lost, from the oldest byte kept
 * on that begins a line, to which *from is set then.  The length, not beyond the ring's end; 0: nothing. */
size_t run_sink_recorded(struct run_sink *s, uint64_t *from, const char **data);
/* One handler's output: not split over two files unless it is larger than one, then between lines. */
void run_sink_write(struct run_sink *s, const void *data, size_t len);
/* What follows goes to the next file; nothing happens to standard output. */
void run_sink_switch(struct run_sink *s);
/* 0, or the -errno of the first write that failed. */
int run_sink_flush(struct run_sink *s);
const char *run_sink_name(const struct run_sink *s);	/* of the current file; "standard output" */
/* Flushes, closes.  The error, as run_sink_flush(). */
int run_sink_close(struct run_sink *s);

#endif
