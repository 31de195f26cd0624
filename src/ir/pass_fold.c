/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folding: expressions of constants become constants, algebraic identities go,
 * branches on constants are decided.
 *
 * An operand that may fail (division, memory) is never dropped.  String results
 * are folded only where they fit their bound: what is cut at run time is counted there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "ir/compute.h"
#include "ir/pass.h"
#include "ir/pure.h"
#include "ir/traverse.h"

static bool is_int(const struct ir_expr *e, int64_t *v)
{
	*v = e->imm;
	return e->op == IR_CONST;
}

static bool fold_strings(const struct ir_expr *e, int64_t *r)
{
	const char *a = e->args[0]->str, *b = e->nargs > 1 ? e->args[1]->str : "";
	const char *at;
	int c = e->nargs > 1 && e->args[1]->op == IR_STRLIT ? strcmp(a, b) : 0;

	switch (e->op) {
	case IR_STRLEN: *r = (int64_t)strlen(a); return true;
	case IR_SEQ: *r = c == 0; return true;
	case IR_SNE: *r = c != 0; return true;
	case IR_SLT: *r = c < 0; return true;
	case IR_SLE: *r = c <= 0; return true;
	case IR_SGT: *r = c > 0; return true;
	case IR_SGE: *r = c >= 0; return true;
	case IR_ISINSTR: *r = strstr(a, b) != NULL; return true;
	case IR_STRPOS:
		at = strstr(a, b);
		*r = at ? at - a : -1;
		return true;
	default: return false;
	}
}

static struct ir_expr *to_int(struct ir_module *m, const struct ir_expr *e, int64_t v)
{
	return ir_const(m, v, &e->at);
}

static struct ir_expr *fold_concat(struct ir_module *m, struct ir_expr *e)
{
	const struct ir_expr *a = e->args[0], *b = e->args[1];

	if (a->op == IR_STRLIT && b->op == IR_STRLIT && strlen(a->str) + strlen(b->str) < e->bound)
		return ir_str(m, arena_printf(m->arena, "%s%s", a->str, b->str), &e->at);
	if (b->op == IR_STRLIT && !*b->str && a->bound <= e->bound)
		return e->args[0];
	if (a->op == IR_STRLIT && !*a->str && b->bound <= e->bound)
		return e->args[1];
	return e;
}

/* x op constant, where nothing is left to do. */
static struct ir_expr *fold_identity(struct ir_module *m, struct ir_expr *e)
{
	struct ir_expr *a = e->args[0], *b = e->args[1];
	int64_t v;

	if (is_int(b, &v)) {
		switch (e->op) {
		case IR_ADD: case IR_SUB: case IR_OR: case IR_XOR: case IR_SHL: case IR_SHR: case IR_USHR:
			if (v == 0)
				return a;
			break;
		case IR_MUL: case IR_DIV:
			if (v == 1)
				return a;
			break;
		case IR_AND:
			if (v == -1)
				return a;
			break;
		default:
			break;
		}
		if ((e->op == IR_MUL || e->op == IR_AND) && v == 0 && !ir_may_fail(m, a))
			return to_int(m, e, 0);
	}
	if (is_int(a, &v)) {
		if (v == 0 && (e->op == IR_ADD || e->op == IR_OR || e->op == IR_XOR))
			return b;
		if (v == 1 && e->op == IR_MUL)
			return b;
	}
	return e;
}

static bool is_truth(const struct ir_expr *e)
{
	switch (e->op) {
	case IR_EQ: case IR_NE: case IR_LT: case IR_LE: case IR_GT: case IR_GE: case IR_ULT:
	case IR_LNOT: case IR_ANDTHEN: case IR_ORELSE: case IR_SEQ: case IR_SNE: case IR_SLT:
	case IR_SLE: case IR_SGT: case IR_SGE: case IR_MATCH: case IR_ISINSTR: case IR_AHAS:
		return true;
	default:
		return e->op == IR_CONST && (e->imm == 0 || e->imm == 1);
	}
}

static struct ir_expr *fold_lazy(struct ir_module *m, struct ir_expr *e)
{
	struct ir_expr *rest;
	int64_t v;

	if (e->op == IR_SELECT) {
		if (!is_int(e->args[0], &v))
			return e;
		rest = e->args[v ? 1 : 2];
		return e->type == IR_STR && rest->bound > e->bound ? e : rest;
	}
	if (!is_int(e->args[0], &v))
		return e;
	if ((e->op == IR_ANDTHEN) != (v != 0))
		return to_int(m, e, e->op == IR_ORELSE);
	rest = e->args[1];
	if (is_int(rest, &v))
		return to_int(m, e, v != 0);
	return is_truth(rest) ? rest : ir_expr_new(m, IR_NE, &e->at, 2, rest, ir_const(m, 0, &e->at));
}

static void fold_expr(void *ctx, struct ir_expr **slot)
{
	struct ir_module *m = ctx;
	struct ir_expr *e = *slot;
	unsigned flags = ir_op_table[e->op].flags;
	bool ints = e->nargs > 0, strs = e->nargs > 0;
	int64_t r;

	if (!(flags & IRF_PURE))
		return;
	for (uint32_t i = 0; i < e->nargs; i++) {
		ints &= e->args[i]->op == IR_CONST;
		strs &= e->args[i]->op == IR_STRLIT;
	}
	if (flags & IRF_LAZY)
		*slot = fold_lazy(m, e);
	else if (e->op == IR_CONCAT)
		*slot = fold_concat(m, e);
	else if (ints && e->nargs == 2 && ir_compute(e->op, e->args[0]->imm, e->args[1]->imm, &r))
		*slot = to_int(m, e, r);
	else if (ints && e->nargs == 1 && ir_compute_unary(e->op, e->imm, e->args[0]->imm, &r))
		*slot = to_int(m, e, r);
	else if (strs && e->type == IR_I64 && e->nargs <= 2 && fold_strings(e, &r))
		*slot = to_int(m, e, r);
	else if (e->nargs == 2 && e->args[0]->type == IR_I64 && e->args[1]->type == IR_I64)
		*slot = fold_identity(m, e);
}

/* Puts `body` in the place of *slot, whose successors follow. */
static void splice(struct ir_stmt **slot, struct ir_stmt *body)
{
	struct ir_stmt *rest = (*slot)->next, **tail;

	*slot = body;
	for (tail = slot; *tail; tail = &(*tail)->next)
		;
	*tail = rest;
}

static void fold_branches(struct ir_stmt **slot)
{
	while (*slot) {
		struct ir_stmt *s = *slot;

		fold_branches(&s->body);
		fold_branches(&s->orelse);
		if (s->kind == IR_S_IF && s->expr->op == IR_CONST) {
			splice(slot, s->expr->imm ? s->body : s->orelse);
			continue;	/* what is spliced in was folded already; go on from there */
		}
		slot = &s->next;
	}
}

void ir_pass_fold(struct ir_module *m)
{
	const struct ir_walker w = { m, fold_expr, NULL };

	for (size_t i = 0; i < arrlenu(m->funcs); i++) {
		ir_walk_list(m->funcs[i]->body, &w);
		fold_branches(&m->funcs[i]->body);
	}
	for (size_t i = 0; i < arrlenu(m->handlers); i++) {
		ir_walk_list(m->handlers[i]->body, &w);
		fold_branches(&m->handlers[i]->body);
	}
}
