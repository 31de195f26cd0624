/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arena: a list of zeroed blocks; the newest serves small requests from its
 * free end, large requests get a block of their own behind it.  What is to be done at the end is a list in them.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define BLOCK_SIZE (64 * 1024)
#define ALIGNMENT  _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct at_end {
	struct at_end *next;
	void (*fn)(void *data);
	void *data;
};

struct arena {
	struct block *head;
	struct at_end *at_end;
};

static struct block *block_new(size_t size)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		out_of_memory();
	b = xcalloc(1, sizeof(*b) + size);
	b->size = size;
	return b;
}

struct arena *arena_create(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *a)
{
	struct block *b, *next;

	if (!a)
		return;
	for (const struct at_end *e = a->at_end; e; e = e->next)
		e->fn(e->data);
	for (b = a->head; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->head;
	void *p;

	if (size > SIZE_MAX - ALIGNMENT)
		out_of_memory();
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!b || b->size - b->used < size) {
		if (size > BLOCK_SIZE / 4) {
			struct block *own = block_new(size);

			own->used = size;
			if (b) {
				own->next = b->next;
				b->next = own;
			} else {
				a->head = own;
			}
			return own->data;
		}
		b = block_new(BLOCK_SIZE - sizeof(*b));
		b->next = a->head;
		a->head = b;
	}
	p = b->data + b->used;
	b->used += size;
	return p;
}

void arena_at_end(struct arena *a, void (*fn)(void *data), void *data)
{
	struct at_end *e = arena_new(a, struct at_end);

	*e = (struct at_end){ a->at_end, fn, data };
	a->at_end = e;
}

static void free_array(void *slot)
{
	void *array;

	memcpy(&array, slot, sizeof(array));
	arrfree(array);
}

void arena_own_array(struct arena *a, void *slot)
{
	arena_at_end(a, free_array, slot);
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size);

	if (size)
		memcpy(copy, p, size);
	return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy;

	n = strnlen(s, n);
	copy = arena_alloc(a, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_memdup(a, s, strlen(s) + 1);
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return arena_strdup(a, "");
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}
