/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User stacks from what a handler copied: registers and the top of the stack.  Unwound by
 * call frame information; memory beyond the copy is read from the live process, code and constant
 * data from its files.
 */
#ifndef RUN_STACKWALK_H
#define RUN_STACKWALK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "run/symb.h"

#define RUN_WALK_MAX 100		/* frames, as SystemTap's MAXBACKTRACE */

struct run_stack {
	pid_t tgid;
	uint64_t when;
	const uint64_t *reg;		/* 17, by DWARF number */
	const uint8_t *copy;		/* memory at reg[7] (rsp) */
	size_t copy_len;
	const uint8_t *returns;		/* pairs of u64: stack slot, return address that stood there before a
					 * return probe replaced it (ir/wire.h) */
	size_t nreturns;
};

/* Program counters from the innermost frame outwards; how many (at least 1). */
size_t run_walk(struct run_symb *sy, const struct run_stack *st, uint64_t *pc, size_t max);

#endif
