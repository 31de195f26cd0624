/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the groups of a regular expression in the kernel (matched()): the expression's program in a map, and
 * memory for the search.  Included by the C routine, the map's maker and the code generator.
 */
#ifndef BPF_GROUPS_H
#define BPF_GROUPS_H

#include <stdint.h>

#define GROUPS_INSTS	512		/* powers of two */
#define GROUPS_SETS	128
#define GROUPS_STACK	16384
#define GROUPS_VISITED	65536		/* bytes: a bit for each instruction and position */
#define GROUPS_SLOTS	32

enum { GROUPS_SET, GROUPS_SPLIT, GROUPS_JMP, GROUPS_SAVE, GROUPS_BOL, GROUPS_EOL, GROUPS_MATCH };

struct groups_prog {
	uint64_t npos;			/* positions that the visited bits allow for each instruction */
	struct { uint32_t op, x, y, pad; } inst[GROUPS_INSTS];
	uint64_t set[GROUPS_SETS][4];
};

struct groups_search {
	int64_t best[GROUPS_SLOTS], cur[GROUPS_SLOTS];
	uint64_t from, sp, found, text;
	uint64_t stack[GROUPS_STACK];
	uint64_t visited[GROUPS_VISITED / 8];
};

#endif
