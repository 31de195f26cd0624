/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing byte buffers and the expansion of deferred text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "out/format.h"

static void reserve(struct out_buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->len + more <= b->cap)
		return;
	while (cap < b->len + more)
		cap *= 2;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
}

void out_buf_add(struct out_buf *b, const void *p, size_t n)
{
	if (!n)
		return;
	reserve(b, n);
	memcpy(b->p + b->len, p, n);
	b->len += n;
}

void out_buf_str(struct out_buf *b, const char *s)
{
	out_buf_add(b, s, strlen(s));
}

void out_buf_pad(struct out_buf *b, char c, int64_t n)
{
	if (n <= 0)
		return;
	reserve(b, (size_t)n);
	memset(b->p + b->len, c, (size_t)n);
	b->len += (size_t)n;
}

void out_buf_printf(struct out_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		reserve(b, (size_t)n + 1);
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void out_buf_free(struct out_buf *b)
{
	free(b->p);
	*b = (struct out_buf){ 0 };
}

void out_expand(struct out_buf *b, const struct out_defer *d, const char *s, size_t n)
{
	const char *end = s + n, *open;

	while ((open = memchr(s, WIRE_DEFER_OPEN, (size_t)(end - s)))) {
		const char *close = memchr(open, WIRE_DEFER_CLOSE, (size_t)(end - open));

		out_buf_add(b, s, (size_t)(open - s));
		s = open;
		if (!close || close - open < 2) {
			out_buf_add(b, s, 1);
			s++;
			continue;
		}
		if (d && d->expand)
			d->expand(d->ctx, open + 1, (size_t)(close - open - 1), b);
		s = close + 1;
	}
	out_buf_add(b, s, (size_t)(end - s));
}
