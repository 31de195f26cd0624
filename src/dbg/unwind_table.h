/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rules in eight bytes, for walking stacks where there is no room for more: rows sorted by
 * file offset of the code, each valid up to the next.  The format is shared with the walker in the
 * kernel, so this header has only what both need.
 *
 * A rule says how to find the canonical frame address (CFA: the stack pointer of the caller) and
 * the caller's rbp; the return address is always at CFA-8.
 *   bits 0..2    enum dbg_walk_kind
 *   bits 3..8    rbp: 0 unchanged, DBG_WALK_RBP_LOST unknown, else at CFA - 8 * n
 *   bits 9..31   signed number n of the kind, in units of 8 bytes except for PLT
 */
#ifndef DBG_UNWIND_TABLE_H
#define DBG_UNWIND_TABLE_H

#include <stdint.h>

enum dbg_walk_kind {
	DBG_WALK_NONE,		/* nothing known: perhaps there is a frame pointer */
	DBG_WALK_RSP,		/* CFA = rsp + 8n */
	DBG_WALK_RBP,		/* CFA = rbp + 8n */
	DBG_WALK_PLT,		/* CFA = rsp + 8, and 8 more if (rip & 15) >= n */
	DBG_WALK_DEREF,		/* CFA = *(rbp + 8n), a realigned frame; rbp: 1 means at rbp itself */
	DBG_WALK_SIGNAL,	/* the kernel's signal frame: registers are in the ucontext at rsp */
	DBG_WALK_END,		/* outermost frame */
};

#define DBG_WALK_KIND(rule)	((rule) & 7u)
#define DBG_WALK_RBP_AT(rule)	((rule) >> 3 & 63u)
#define DBG_WALK_N(rule)	((int32_t)(rule) >> 9)
#define DBG_WALK_RBP_LOST	63u

/* Offsets of registers in the ucontext, for DBG_WALK_SIGNAL. */
#define DBG_WALK_UC_RBP		120
#define DBG_WALK_UC_RSP		160
#define DBG_WALK_UC_RIP		168

struct dbg_walk_row {
	uint32_t offset;	/* in the file, of the first instruction */
	uint32_t rule;
};

struct dbg_module;

/*
 * All rows of a module as an stb_ds array that the caller frees; NULL: it has no call frame
 * information.  Code beyond 4 GiB of a file is left out.
 */
struct dbg_walk_row *dbg_walk_table(struct dbg_module *m);

#endif
