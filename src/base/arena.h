/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arena: memory for compile-time data, released all at once.
 *
 * Everything the compiler half builds (tokens, AST, IR, descriptions) lives in
 * an arena and is never freed one by one.  Out of memory aborts the program.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* An empty arena; the caller destroys it. */
struct arena *arena_create(void);
/* Releases the arena and all memory taken from it; NULL is ignored. */
void arena_destroy(struct arena *a);

/* Calls fn(data) when the arena is destroyed, before its memory goes; what was told last comes first. */
void arena_at_end(struct arena *a, void (*fn)(void *data), void *data);
/*
 * The array (base/ds.h) that a pointer holds when the arena is destroyed is freed with it; `slot`, in the arena, is
 * the pointer's address.
 */
void arena_own_array(struct arena *a, void *slot);

/*
 * Copies an array (base/ds.h) whose elements have `size` bytes, and frees it; *n is how many there are.  NULL if there
 * are none.
 */
void *arena_take_array(struct arena *a, void *array, size_t size, size_t *n);

/* Zeroed memory of `size` bytes, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
/* Copies and formatted texts, NUL-terminated; of at most `n` bytes of s. */
void *arena_memdup(struct arena *a, const void *p, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(2)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((nonnull(2)));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

#endif
