/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of numbers in a form of fixed size, for the run-time library (rt/names.c), in the kernel too: all tables of
 * a program, one after the other.  Fixed-width types only.
 */
#ifndef IR_NAMES_TABLE_H
#define IR_NAMES_TABLE_H

#include <stdint.h>

#define NAMES_ENTRIES	4096	/* a power of two */
#define NAMES_TEXT	48	/* bytes of the longest name, NUL included: six words */

struct names_table {
	struct {
		int64_t mask, value, len;	/* len: of the text */
		char text[NAMES_TEXT];
	} entry[NAMES_ENTRIES];
};

/* How a table is used: bits of the word that names it, above its first entry and number of entries. */
#define NAMES_FIRST(w)	((uint32_t)(w) & (NAMES_ENTRIES - 1))
#define NAMES_COUNT(w)	((uint32_t)((w) >> 16) & (2 * NAMES_ENTRIES - 1))
#define NAMES_ONE	(1ull << 32)	/* the name of the value, not those of its bits */
#define NAMES_DECIMAL	(1ull << 33)	/* what has no name is printed in decimal, not hexadecimal */
#define NAMES_WORD(first, count, how)	((uint64_t)(first) | (uint64_t)(count) << 16 | (how))

#endif
