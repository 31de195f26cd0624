/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing lists in an arena: a pointer and a count, capacity a power of two. */
#ifndef LANG_LIST_H
#define LANG_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"

#define LIST_MIN 4

static inline bool list_is_full(size_t n)
{
	return n == 0 || (n >= LIST_MIN && (n & (n - 1)) == 0);
}

static inline void *list_grow(struct arena *a, const void *old, size_t n, size_t item)
{
	void *bigger = arena_alloc(a, (n ? n * 2 : LIST_MIN) * item);

	if (n)
		memcpy(bigger, old, n * item);
	return bigger;
}

#define list_push(a, ptr, n, value)                                            \
	do {                                                                   \
		if (list_is_full(n))                                           \
			(ptr) = list_grow((a), (ptr), (n), sizeof(*(ptr)));    \
		(ptr)[(n)++] = (value);                                        \
	} while (0)

#endif
