/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interned strings: an open-addressing table that only grows.  It belongs to
 * the compiling thread; the texts it returns may be read from any thread.
 */
#include "base/intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/xalloc.h"

struct entry {
	uint32_t hash, len;
	const char *text;
};

static struct {
	struct entry *slots;
	size_t mask, count;
	struct arena *arena;
} table;

/* Releases the table at exit, so that leak checkers see only real leaks. */
static void table_free(void)
{
	free(table.slots);
	arena_destroy(table.arena);
	memset(&table, 0, sizeof(table));
}

static void table_grow(void)
{
	size_t mask = table.mask * 2 + 1;
	struct entry *slots = xcalloc(mask + 1, sizeof(*slots));

	for (size_t i = 0; i <= table.mask; i++) {
		size_t at = table.slots[i].hash & mask;

		if (!table.slots[i].text)
			continue;
		while (slots[at].text)
			at = (at + 1) & mask;
		slots[at] = table.slots[i];
	}
	free(table.slots);
	table.slots = slots;
	table.mask = mask;
}

const char *intern_n(const char *s, size_t n)
{
	uint32_t hash = hash_bytes(s, n);
	size_t at;

	if (!table.slots) {
		table.mask = 4095;
		table.slots = xcalloc(table.mask + 1, sizeof(*table.slots));
		table.arena = arena_create();
		atexit(table_free);
	}
	for (at = hash & table.mask; table.slots[at].text; at = (at + 1) & table.mask) {
		struct entry *e = &table.slots[at];

		if (e->hash == hash && e->len == n && memcmp(e->text, s, n) == 0)
			return e->text;
	}
	if (table.count * 2 > table.mask) {
		table_grow();
		for (at = hash & table.mask; table.slots[at].text;)
			at = (at + 1) & table.mask;
	}
	table.count++;
	char *copy = arena_alloc(table.arena, n + 1);

	memcpy(copy, s, n);
	table.slots[at] = (struct entry){hash, (uint32_t)n, copy};
	return copy;
}

const char *intern(const char *s)
{
	return intern_n(s, strlen(s));
}
