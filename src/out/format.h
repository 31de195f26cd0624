/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of print formats and histograms, exactly as SystemTap prints them.
 */
#ifndef OUT_FORMAT_H
#define OUT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/ir.h"
#include "ir/wire.h"

/* What a backtrace is where there is none: "kernel" or "user", and the point. */
#define OUT_NO_BACKTRACE "<no %s backtrace at %s>\n"

/* Growing byte buffer; zero-initialise, release with out_buf_free(). */
struct out_buf {
	char *p;
	size_t len, cap;
};

/* These append, growing the buffer; nothing is NUL-terminated. */
void out_buf_add(struct out_buf *b, const void *p, size_t n);
void out_buf_str(struct out_buf *b, const char *s);
void out_buf_pad(struct out_buf *b, char c, int64_t n);	/* n <= 0: nothing */
void out_buf_printf(struct out_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
void out_buf_free(struct out_buf *b);

/*
 * Makes what kernel handlers leave to be made (wire.h), appended to `b`; NULL hooks drop it.
 * Deferred text: `fields` is what stands between OPEN and CLOSE, letter first.
 * Strings of which there are only values: `what` is enum wire_text.
 */
struct out_defer {
	void *ctx;
	void (*expand)(void *ctx, const char *fields, size_t len, struct out_buf *b);
	void *maker;
	void (*make)(void *maker, uint32_t what, const void *data, size_t len, struct out_buf *b);
};

/* Appends s[0..n) with deferred text expanded; what is malformed stays as it is. */
void out_expand(struct out_buf *b, const struct out_defer *d, const char *s, size_t n);

struct out_arg {
	int64_t i;
	const char *s;		/* %s %m %M: `len` bytes, no NUL needed; NULL: not a string */
	uint32_t len;
};

/*
 * Appends the formatted text.  0; or -EINVAL if an argument is missing or of the
 * wrong type (then nothing sensible is appended: only from a corrupt record).
 */
int out_format(struct out_buf *b, const struct ir_format *f, const struct out_arg *args, size_t nargs,
	       const struct out_defer *d);
/* The same from a WIRE_PRINT payload, checked. */
int out_format_wire(struct out_buf *b, const struct ir_format *f, const void *payload, size_t size,
		    const struct out_defer *d);
/*
 * Reads one wire string argument at *pos; false if it does not fit.  What has to be made is appended to `made`, which
 * may move: then s->s is not set but s->i, its place there.
 */
bool out_wire_str(const void *payload, size_t size, size_t *pos, const struct out_defer *d, struct out_buf *made,
		  struct out_arg *s);

/* print(@hist_log(s)), print(@hist_linear(s,...)): the kind is the global's.  Count 0 gives nothing. */
void out_hist(struct out_buf *b, const struct ir_global *g, const struct wire_stat *st);

#endif
