/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program of a regular expression in a form of fixed size, for finding
 * groups in kernel handlers (rt/groups.c).  Fixed-width types only.
 */
#ifndef IR_REGEX_TABLE_H
#define IR_REGEX_TABLE_H

#include <stdint.h>

#define REGEX_TABLE_INSTS	128
#define REGEX_TABLE_SETS	64

enum regex_table_op {
	REGEX_SET,	/* a byte of set[x] */
	REGEX_SPLIT,	/* x first, then y */
	REGEX_JMP,	/* x */
	REGEX_SAVE,	/* the position: begin of group x/2 if x is even, else its end */
	REGEX_BOL, REGEX_EOL,
	REGEX_MATCH,
};

struct regex_table {
	uint32_t ninsts, ngroups;
	struct {
		uint8_t op, x, y, zero;
	} inst[REGEX_TABLE_INSTS];
	uint8_t set[REGEX_TABLE_SETS][32];	/* bit c&7 of byte c>>3 */
};

#endif
