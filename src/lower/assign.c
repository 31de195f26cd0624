/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assignments, ++ and --, on locals, globals, array elements, statistics and
 * target variables.  Where one atomic op of the IR does the whole job (add to a
 * global, add to an element), it is used: such a handler needs no lock.
 */
#include "lower/parts.h"

#include "base/ds.h"
#include "lower/target.h"

uint32_t lower_var(struct lower *L, const struct ast_var *v)
{
	ptrdiff_t i = hmgeti(L->local_of, v);
	enum ir_type type = lower_type(v->type);
	const char *name = v->name;
	uint32_t index;

	if (i >= 0)
		return L->local_of[i].value;
	for (ptrdiff_t k = 0; k < arrlen(L->func->locals); k++)
		if (L->func->locals[k].name == name)
			name = arena_printf(L->mod->arena, "%s.%u", v->name, L->mod->temp_count++);
	if (type == IR_VOID)
		type = IR_I64;
	index = ir_local_add(L->mod->ir, L->func, name, type, type == IR_STR ? L->mod->maxstr : 0);
	hmput(L->local_of, v, index);
	return index;
}

void lower_store_var(struct lower *L, const struct ast_expr *var, struct ir_expr *value)
{
	const struct ast_var *v = var->symbol.referent;

	if (v->is_global) {
		struct lower_place p = { .global = lower_global(L->mod, v) };

		lower_eval(L, lower_place_op(L, IR_GSTORE, &p, value, &var->at));
	} else {
		lower_set(L, lower_var(L, v), value, &var->at);
	}
}

/* `old OP value` for a compound assignment. */
static struct ir_expr *combine(struct lower *L, enum ast_op op, struct ir_expr *old,
			       struct ir_expr *value, const struct span *at)
{
	static const enum ir_op ops[OP_COUNT] = {
		[OP_ADD] = IR_ADD, [OP_SUB] = IR_SUB, [OP_MUL] = IR_MUL, [OP_DIV] = IR_DIV,
		[OP_MOD] = IR_MOD, [OP_SHL] = IR_SHL, [OP_SHR] = IR_SHR, [OP_USHR] = IR_USHR,
		[OP_AND] = IR_AND, [OP_OR] = IR_OR, [OP_XOR] = IR_XOR, [OP_CONCAT] = IR_CONCAT,
	};

	return op == OP_NONE ? value : lower_op2(L, ops[op], old, value, at);
}

static struct ir_expr *assign_local(struct lower *L, const struct ast_expr *e, bool want)
{
	struct ir_expr *value = lower_expr(L, e->binary.right), *old;
	uint32_t local = lower_var(L, e->binary.left->symbol.referent);

	old = lower_local(L, local, &e->at);
	lower_set(L, local, combine(L, e->op, old, value, &e->at), &e->at);
	return want ? lower_local(L, local, &e->at) : NULL;
}

/* place += addend in one op; the value before or after, if wanted. */
static struct ir_expr *add_to_place(struct lower *L, const struct lower_place *p,
				    struct ir_expr *addend, bool want_old, bool want,
				    const struct span *at)
{
	const struct ir_global *g = L->mod->ir->globals[p->global];
	struct ir_expr *add, *old;

	if (want && !want_old)
		addend = lower_share(L, addend);
	add = lower_place_op(L, g->is_array ? IR_AADD : IR_GADD, p, addend, at);
	if (!want) {
		lower_eval(L, add);
		return NULL;
	}
	old = lower_save(L, add);
	return want_old ? old : lower_op2(L, IR_ADD, old, addend, at);
}

static struct ir_expr *assign_global(struct lower *L, const struct ast_expr *e, bool want)
{
	const struct ast_expr *left = e->binary.left;
	struct lower_place p;
	const struct ir_global *g;
	struct ir_expr *value;
	bool adds = e->op == OP_ADD || e->op == OP_SUB, reads = e->op != OP_NONE && !adds;

	lower_place(L, left, &p);
	if (lower_has_effects(e->binary.right) || (reads && e->op != OP_AGGREGATE))
		for (uint32_t i = 0; i < p.nkeys; i++)
			p.keys[i] = lower_share(L, p.keys[i]);
	value = lower_expr(L, e->binary.right);
	g = L->mod->ir->globals[p.global];

	if (e->op == OP_AGGREGATE) {
		if (want)
			value = lower_share(L, value);
		lower_eval(L, lower_place_op(L, IR_STAT_ADD, &p, value, &left->at));
		return want ? value : NULL;
	}
	if (adds) {
		if (e->op == OP_SUB)
			value = lower_op1(L, IR_NEG, value, &e->at);
		return add_to_place(L, &p, value, false, want, &left->at);
	}
	if (reads) {
		struct ir_expr *old = lower_place_op(L, g->is_array ? IR_ALOAD : IR_GLOAD, &p, NULL,
						     &left->at);

		value = combine(L, e->op, old, value, &e->at);
	}
	if (want)
		value = lower_share(L, value);
	lower_eval(L, lower_place_op(L, g->is_array ? IR_ASTORE : IR_GSTORE, &p, value, &left->at));
	return want ? value : NULL;
}

static struct ir_expr *assign_target(struct lower *L, const struct ast_expr *left, enum ast_op op,
				     struct ir_expr *value, bool want, bool want_old,
				     const struct span *at)
{
	struct ir_expr *old = NULL;

	if (op != OP_NONE) {
		value = lower_share(L, value);
		old = lower_target(L, left);
		if (want_old)
			old = lower_save(L, old);
		value = combine(L, op, old, value, at);
	}
	if (want && !want_old)
		value = lower_share(L, value);
	lower_target_store(L, left, value);
	if (!want)
		return NULL;
	return want_old ? old : value;
}

struct ir_expr *lower_assign(struct lower *L, const struct ast_expr *e, bool want)
{
	const struct ast_expr *left = e->binary.left;

	switch (left->kind) {
	case EXPR_SYMBOL:
		return left->symbol.referent->is_global ? assign_global(L, e, want)
							: assign_local(L, e, want);
	case EXPR_INDEX:
		return assign_global(L, e, want);
	default:
		return assign_target(L, left, e->op, lower_expr(L, e->binary.right), want, false,
				     &e->at);
	}
}

static struct ir_expr *incdec_local(struct lower *L, const struct ast_expr *e, int64_t by,
				    bool want, bool want_old)
{
	uint32_t local = lower_var(L, e->unary.operand->symbol.referent);
	struct ir_expr *old = lower_local(L, local, &e->at), *saved = NULL;

	if (want && want_old)
		saved = lower_save(L, old);
	lower_set(L, local, lower_op2(L, IR_ADD, old, ir_const(L->mod->ir, by, &e->at), &e->at),
		  &e->at);
	if (!want)
		return NULL;
	return saved ? saved : lower_local(L, local, &e->at);
}

struct ir_expr *lower_incdec(struct lower *L, const struct ast_expr *e, bool want)
{
	const struct ast_expr *operand = e->unary.operand;
	bool want_old = e->kind == EXPR_POSTFIX;
	int64_t by = e->op == OP_INC ? 1 : -1;
	struct lower_place p;

	switch (operand->kind) {
	case EXPR_SYMBOL:
		if (!operand->symbol.referent->is_global)
			return incdec_local(L, e, by, want, want_old);
		/* fall through */
	case EXPR_INDEX:
		lower_place(L, operand, &p);
		return add_to_place(L, &p, ir_const(L->mod->ir, by, &e->at), want_old, want, &operand->at);
	default:
		return assign_target(L, operand, OP_ADD, ir_const(L->mod->ir, by, &e->at), want,
				     want_old, &e->at);
	}
}
