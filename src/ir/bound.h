/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounds of strings: how large a buffer each string expression, local, global
 * and key needs at most.  Small bounds make small keys and cheap copies.
 */
#ifndef IR_BOUND_H
#define IR_BOUND_H

#include "ir/ir.h"

/* Sets e->bound (and SELECT's from its arms) from op and operands; returns e. */
struct ir_expr *ir_expr_rebound(struct ir_module *m, struct ir_expr *e);

/*
 * Narrows locals, globals and keys to the largest bound that is ever stored in
 * them, and all expressions with them.
 */
void ir_pass_bounds(struct ir_module *m);

#endif
