/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwinding: rules for finding the caller's registers at any pc, from .eh_frame and
 * .debug_frame, and one step of unwinding with them.  x86_64.
 */
#ifndef DBG_UNWIND_H
#define DBG_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbg/error.h"
#include "dbg/loc.h"

struct dbg_module;

enum dbg_rule_kind {
	DBG_RULE_SAME,			/* unchanged (callee-saved, not touched), or not mentioned */
	DBG_RULE_UNDEFINED,		/* lost; for RIP: the outermost frame */
	DBG_RULE_CFA_OFFSET,		/* saved at memory [CFA + offset] */
	DBG_RULE_CFA_VALUE,		/* is CFA + offset */
	DBG_RULE_REG,			/* is in register `reg` */
	DBG_RULE_REG_OFFSET,		/* is reg + offset (CFA only) */
	DBG_RULE_EXPR_MEM,		/* saved at the address `ops` computes (CFA is pushed first) */
	DBG_RULE_EXPR_VAL,		/* is the value `ops` compute (for the CFA: nothing pushed first) */
};

struct dbg_rule {
	enum dbg_rule_kind kind;
	int reg;
	int64_t offset;
	const struct dbg_op *ops;	/* live as long as the module */
	uint32_t nops;
};

/* The rules valid in [lo, hi). */
struct dbg_unwind_row {
	uint64_t lo, hi;
	struct dbg_rule cfa;		/* REG_OFFSET or EXPR_VAL */
	struct dbg_rule regs[DBG_NREGS];
	bool signal_frame;		/* the caller's pc is exact: do not subtract 1 to look it up */
};

/* The row covering pc.  0, or -DBG_ENOENT (no CFI there), -DBG_ECORRUPT. */
int dbg_unwind_row(struct dbg_module *m, uint64_t pc, struct dbg_unwind_row *row,
		   struct dbg_error *e);
/* Calls fn for every row of the module, by FDE (ascending addresses where .eh_frame_hdr sorts
 * them), until it returns non-zero, which is returned.  A separate debug file counts only for modules
 * without any rows of their own.  For building compact tables. */
int dbg_unwind_each(struct dbg_module *m, int (*fn)(const struct dbg_unwind_row *row, void *data),
		    void *data);

struct dbg_regs {
	uint64_t r[DBG_NREGS];		/* by DWARF number; r[DBG_RIP] is a run-time pc */
	uint32_t valid;			/* bit n: r[n] is known */
};

/* Copies `len` bytes of the traced thread's memory at a run-time address; false: not available. */
typedef bool (*dbg_read_fn)(void *data, uint64_t addr, void *buf, size_t len);

/*
 * Replaces *regs by the caller's.  `bias` is the module's load bias; `exact` says that the pc is an
 * instruction about to run (the first frame, or above a signal frame) rather than a return address;
 * it is set for the next step.  Without CFI (and for PLT stubs lacking it) falls back to the frame
 * pointer chain if that is plausible.  1: stepped; 0: this was the outermost frame; -code: stuck.
 * Callers bound the number of steps; a step which does not move the stack pointer upward fails.
 */
int dbg_unwind_step(struct dbg_module *m, uint64_t bias, struct dbg_regs *regs, bool *exact,
		    dbg_read_fn read, void *data, struct dbg_error *e);

#endif
