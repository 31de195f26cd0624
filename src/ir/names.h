/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of names, as the op `names` uses them.  Text form:
 *
 *   one NAME=VALUE NAME=VALUE ...		the name of a value
 *   bits NAME=BITS NAME=VALUE/MASK ...		the names of its bits or fields, "|" between them
 *
 * In `bits` the first entry that fits takes its bits away from those behind it.  What has no name is a number:
 * hexadecimal, or after `one decimal` decimal.
 */
#ifndef IR_NAMES_H
#define IR_NAMES_H

#include "ir/ir.h"
#include "ir/names_table.h"

struct ir_names {
	const char *text;
	uint64_t word;		/* NAMES_WORD() in the module's table */
	uint32_t bound;		/* of the longest result */
};

/* The module's table of this text: its index, or UINT32_MAX and *err. */
uint32_t ir_names_add(struct ir_module *m, const char *text, const char **err);

#endif
