/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arena: a list of zeroed blocks; the newest serves small requests from its
 * free end, large requests get a block of their own behind it.  An arena that has grown large gets huge pages, where
 * the kernel has them to give: filling it with small ones would cost a fault each.  What is to be done at the end is a
 * list in the blocks.
 */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define BLOCK_SIZE (64 * 1024)
#define HUGE_SIZE  (2 * 1024 * 1024)
#define LARGE_FROM (16 * BLOCK_SIZE)	/* of an arena in blocks of small pages */
#define ALIGNMENT  _Alignof(max_align_t)

/* AddressSanitizer shall see what leaves an allocation, not only what leaves a block. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1	/* gcc's word for it */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define GAP ALIGNMENT			/* behind each allocation */
#else
#define GAP 0
#define ASAN_POISON_MEMORY_REGION(p, size)   ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#endif

struct block {
	struct block *next;
	size_t used, size;
	bool mapped;
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
	size_t in_blocks;
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

/* A huge page, or what stands for it; NULL: there is no such memory. */
static struct block *block_map(void)
{
	char *p = mmap(NULL, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;
	struct block *b;

	if (p == MAP_FAILED)
		return NULL;
	at = (char *)(((uintptr_t)p + HUGE_SIZE - 1) & ~(uintptr_t)(HUGE_SIZE - 1));
	if (at > p)
		munmap(p, (size_t)(at - p));
	munmap(at + HUGE_SIZE, HUGE_SIZE - (size_t)(at - p));
	madvise(at, HUGE_SIZE, MADV_HUGEPAGE);
	b = (struct block *)(void *)at;
	b->mapped = true;
	b->size = HUGE_SIZE - sizeof(*b);
	ASAN_POISON_MEMORY_REGION(b->data, b->size);
	return b;
}

/* The block that small requests are served from next. */
static struct block *block_next(struct arena *a)
{
	struct block *b = a->in_blocks >= LARGE_FROM ? block_map() : NULL;

	if (b)
		return b;
	a->in_blocks += BLOCK_SIZE;
	b = block_new(BLOCK_SIZE - sizeof(*b));
	ASAN_POISON_MEMORY_REGION(b->data, b->size);
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
		ASAN_UNPOISON_MEMORY_REGION(b->data, b->size);
		if (b->mapped)
			munmap(b, HUGE_SIZE);
		else
			free(b);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t asked = size;
	struct block *b = a->head;
	void *p;

	if (size > SIZE_MAX - ALIGNMENT - GAP)
		out_of_memory();
	size = ((size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + GAP;
	if (!b || b->size - b->used < size) {
		if (size > BLOCK_SIZE / 4) {
			struct block *own = block_new(asked);

			own->used = asked;
			if (b) {
				own->next = b->next;
				b->next = own;
			} else {
				a->head = own;
			}
			return own->data;
		}
		b = block_next(a);
		b->next = a->head;
		a->head = b;
	}
	p = b->data + b->used;
	b->used += size;
	ASAN_UNPOISON_MEMORY_REGION(p, asked);
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

void *arena_take_array(struct arena *a, void *array, size_t size, size_t *n)
{
	char *elements = array;		/* the header that has its length is in front, whatever the type */
	void *copy;

	*n = elements ? stbds_header(elements)->length : 0;
	copy = *n ? arena_memdup(a, elements, *n * size) : NULL;
	arrfree(elements);
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
