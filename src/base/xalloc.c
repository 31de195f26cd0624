/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See xalloc.h. */
#include "base/xalloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MIN	128	/* bytes that xmemstream() begins with */

void out_of_memory(void)
{
	fputs("ERROR: out of memory\n", stderr);
	_exit(1);
}

static void *checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

/* Of size 0 libc may return NULL: one byte is asked for then. */
void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return checked(n && size ? calloc(n, size) : calloc(1, 1));
}

void *xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return checked(text);
}

/* What a stream of xmemstream() has got. */
struct memory {
	char **text;
	size_t *len, room;
};

static ssize_t memory_write(void *cookie, const char *data, size_t n)
{
	struct memory *m = cookie;

	if (m->room - *m->len <= n) {
		m->room = 2 * (*m->len + n) + MEMORY_MIN;
		*m->text = xrealloc(*m->text, m->room);
	}
	memcpy(*m->text + *m->len, data, n);
	*m->len += n;
	(*m->text)[*m->len] = 0;
	return (ssize_t)n;
}

static int memory_close(void *cookie)
{
	free(cookie);
	return 0;
}

/* Not open_memstream(): it clears 8 KiB first, each time. */
FILE *xmemstream(char **text, size_t *len)
{
	struct memory *m = xmalloc(sizeof(*m));

	*m = (struct memory){ .text = text, .len = len, .room = MEMORY_MIN };
	*text = xmalloc(MEMORY_MIN);
	**text = 0;
	*len = 0;
	return checked(fopencookie(m, "w", (cookie_io_functions_t){ .write = memory_write, .close = memory_close }));
}
