/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operators of the IR give, for folding and for the user engine: numbers wrap, shifts take six bits. */
#ifndef IR_COMPUTE_H
#define IR_COMPUTE_H

#include "ir/ir.h"

/* a OP b; false: no operator of two numbers, or a division by 0. */
bool ir_compute(enum ir_op op, int64_t a, int64_t b, int64_t *r);
/* OP a, with the op's immediate; false: no operator of one number. */
bool ir_compute_unary(enum ir_op op, int64_t imm, int64_t a, int64_t *r);

#endif
