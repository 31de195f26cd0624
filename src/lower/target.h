/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Target variables to IR: what sema/target.h bound becomes register and memory reads at the hit.
 */
#ifndef LOWER_TARGET_H
#define LOWER_TARGET_H

#include "lower/lower.h"

/* The value of $x, $x->y[i], $x$, $$vars, @var, @cast, (e)->x, @entry, @perf, @enum ...; effects emitted. */
struct ir_expr *lower_target(struct lower *L, const struct ast_expr *e);
/* Emits the write of `value` to a target variable (guru mode). */
void lower_target_store(struct lower *L, const struct ast_expr *e, struct ir_expr *value);
/* Emits the checks of L->point->filter: `return` from the handler unless the hit is wanted. */
void lower_target_filter(struct lower *L);

#endif
