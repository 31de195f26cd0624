/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passes over a module.  Each keeps the meaning, MAXACTION counting included,
 * and leaves a module that passes ir_check().
 */
#ifndef IR_PASS_H
#define IR_PASS_H

#include "ir/ir.h"

struct program;

/* All optimisations, in their order. */
void ir_optimise(struct ir_module *m);

void ir_pass_fold(struct ir_module *m);		/* constants, strings, algebra, decided branches */
void ir_pass_inline(struct ir_module *m);	/* small functions that cannot reach themselves */
void ir_pass_prop(struct ir_module *m);		/* constants and copies through locals */
void ir_pass_cse(struct ir_module *m);		/* equal expensive reads in straight-line code */
void ir_pass_sink(struct ir_module *m);		/* values that one branch needs are computed there */
void ir_pass_dead(struct ir_module *m);		/* unread locals, code after return, uncalled functions' bodies */

/* Handlers of one point know it; a program's points must all be there. */
void ir_pass_points(struct program *p);

/* sprintf for a print becomes part of the print; after ir_pass_bounds() (bound.h), not part of ir_optimise(). */
void ir_pass_fuse(struct ir_module *m);

/* Sets IR_SYM_NOW in USYM, KSYM, UBACKTRACE of kernel handlers where their text is looked at; is any the process's? */
bool ir_pass_names(struct program *p);

/*
 * Facts for the back ends: func.recursive; global.read, .written, .stat_ops;
 * global.lock_free and func.locks of handlers.
 *
 * A global is lock_free iff every handler that accesses it (handlers of begin, end
 * and error points run alone and do not count) holds exactly one global-access op
 * in all, not in a loop, not in a recursive function.  hidden globals are lock_free.
 */
void ir_analyse(struct program *p);

/* Is it called, directly or not, from any handler?  `reach` has a bool per function. */
void ir_reachable(const struct ir_module *m, bool *reach);
/* Marks the functions that `f` may call, directly or not. */
void ir_reach_from(const struct ir_module *m, const struct ir_func *f, bool *reach);

#endif
