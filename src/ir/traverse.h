/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking the trees: each callback sees a node after its children. */
#ifndef IR_TRAVERSE_H
#define IR_TRAVERSE_H

#include "ir/ir.h"

struct ir_walker {
	void *ctx;
	/* Called for every expression slot, children first; may replace *e. */
	void (*expr)(void *ctx, struct ir_expr **e);
	/* Called for every statement, before its expressions and bodies. */
	void (*stmt)(void *ctx, struct ir_stmt *s);
};

void ir_walk_list(struct ir_stmt *list, const struct ir_walker *w);
/* The expressions of one statement, its bodies left out. */
void ir_walk_own(struct ir_stmt *s, const struct ir_walker *w);

/* Does the tree read the local? */
bool ir_reads_local(const struct ir_expr *e, uint32_t local);

/* How often a function reads and sets each of its locals (a parameter's being passed does not count). */
struct ir_local_uses {
	uint32_t *reads, *sets;		/* by local; free with ir_local_uses_fini() */
};
struct ir_local_uses ir_local_uses_count(struct ir_func *f);
void ir_local_uses_fini(struct ir_local_uses *u);

/* Marks in reached[] every op of the list and of the functions that it calls, directly or not. */
void ir_ops_reached(const struct ir_module *m, struct ir_stmt *list, bool reached[IR_OP_COUNT]);

/* Structural equality (spans and names do not count) and a hash that agrees with it. */
bool ir_expr_equal(const struct ir_expr *a, const struct ir_expr *b);
bool ir_func_equal(const struct ir_func *a, const struct ir_func *b);
uint64_t ir_func_hash(const struct ir_func *f);

#endif
