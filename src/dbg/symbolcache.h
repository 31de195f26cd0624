/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where symbols of the kernel proper are, kept from one run to the next: looking one up in /proc/kallsyms takes the
 * kernel longer than all the rest of starting most scripts.
 *
 * A build of a kernel has the same symbols at every boot, all moved by one number; a kept answer is a small file
 * for each symbol that was asked for, named by build id and symbol.
 */
#ifndef DBG_SYMBOLCACHE_H
#define DBG_SYMBOLCACHE_H

#include <stdbool.h>
#include <stdint.h>

enum symbol_place {
	SYMBOL_ABSENT,		/* the kernel has no such symbol */
	SYMBOL_FIXED,		/* at this address at every boot: per-CPU variables, absolute symbols */
	SYMBOL_MOVED,		/* so many bytes behind _text */
};

struct symbol_answer {
	enum symbol_place place;
	uint64_t value;
};

/* The kept answer; false: there is none, or it is damaged. */
bool symbolcache_find(const char *build_id, const char *symbol, struct symbol_answer *a);
/* Keeps an answer, where there is a cache. */
void symbolcache_keep(const char *build_id, const char *symbol, const struct symbol_answer *a);

#endif
