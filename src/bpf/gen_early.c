/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A handler that is one `if`, or begins with an `if` that ends it, is left before anything is taken or saved for it
 * where the condition, or the first part of an `&&` or `||`, compares what is in a register or a word: pid() ==
 * target().  It is the usual way to look at some processes of all, and most hits end there.  The condition is computed
 * again where it stands.  What is only computed before it does not matter.
 */
#include "bpf/gen.h"

#include "base/ds.h"

#define MAX_DEPTH	4	/* of calls looked into */

/* Of what the current task and the session are. */
static bool is_cheap(const struct ir_expr *e)
{
	switch (e->op) {
	case IR_CONST: case IR_PID: case IR_TID: case IR_UID: case IR_GID: case IR_EUID: case IR_EGID: case IR_TARGET:
	case IR_STP_PID:
	case IR_EQ: case IR_NE: case IR_LT: case IR_LE: case IR_GT: case IR_GE:
	case IR_LNOT: case IR_ANDTHEN: case IR_ORELSE:
		break;
	default:
		return false;
	}
	for (uint32_t i = 0; i < e->nargs; i++)
		if (!is_cheap(e->args[i]))
			return false;
	return true;
}

static bool only_computes(const struct gen *g, const struct ir_stmt *s, int depth);

/* Can it neither fail nor change anything but locals? */
static bool is_computed(const struct gen *g, const struct ir_expr *e, int depth)
{
	if (e->op == IR_CALL) {
		if (depth >= MAX_DEPTH || !only_computes(g, g->m->funcs[e->sym]->body, depth + 1))
			return false;
	} else if (ir_op_table[e->op].flags & (IRF_EFFECT | IRF_FAIL)) {
		return false;
	}
	for (uint32_t i = 0; i < e->nargs; i++)
		if (!is_computed(g, e->args[i], depth))
			return false;
	return true;
}

static bool only_computes(const struct gen *g, const struct ir_stmt *s, int depth)
{
	for (; s; s = s->next) {
		if (s->expr && !is_computed(g, s->expr, depth))
			return false;
		if (s->kind == IR_S_IF) {
			if (!only_computes(g, s->body, depth) || !only_computes(g, s->orelse, depth))
				return false;
		} else if (s->kind != IR_S_SET && s->kind != IR_S_RETURN && s->kind != IR_S_ACTION) {
			return false;
		}
	}
	return true;
}

static const struct ir_stmt *past_actions(const struct ir_stmt *s)
{
	while (s && s->kind == IR_S_ACTION)
		s = s->next;
	return s;
}

/*
 * The condition that decides whether the list does anything, and the value with which it does not; NULL: there is none.
 */
static const struct ir_expr *condition_of(const struct gen *g, const struct ir_stmt *s, bool *leaves)
{
	const struct ir_stmt *first;
	const struct ir_expr *e;

	for (s = past_actions(s); s && s->kind == IR_S_SET && is_computed(g, s->expr, 0);)
		s = past_actions(s->next);
	if (!s || s->kind != IR_S_IF)
		return NULL;
	first = past_actions(s->body);
	*leaves = first && first->kind == IR_S_RETURN;
	if (!*leaves && (s->next || s->orelse))
		return NULL;
	e = s->expr;
	while (e->op == (*leaves ? IR_ORELSE : IR_ANDTHEN) && !is_cheap(e))
		e = e->args[0];
	return is_cheap(e) ? e : NULL;
}

static bool takes_locks(const struct gen *g)
{
	const uint8_t *locks = g->root.f->locks;

	for (ptrdiff_t i = 0; locks && i < arrlen(g->m->globals); i++)
		if (locks[i] != IR_LOCK_NONE)
			return true;
	return false;
}

static const struct ir_expr *early_condition(const struct gen *g, bool *leaves)
{
	bool never = g->p->timing || g->counts_actions || !(g->slot || takes_locks(g));
	const struct ir_expr *e = never ? NULL : condition_of(g, g->root.f->body, leaves);

	return e && e->op != IR_CONST ? e : NULL;
}

bool gen_has_early(const struct gen *g)
{
	bool leaves;

	return early_condition(g, &leaves);
}

void gen_early(struct gen *g, em_label leave)
{
	bool leaves = false;
	const struct ir_expr *e = early_condition(g, &leaves);
	struct temps temps = g->temps;
	bool slot = g->slot;
	int32_t top = g->top;

	if (!e)
		return;
	/* as in a handler without a slot: temporaries are on the stack; r7 is the context */
	g->slot = false;
	g->top = STACK_IA32;
	g->temps = (struct temps){ 0 };
	g->regs_used |= 1;
	gen_jump_if(g, e, leaves, leave);
	arrfree(g->temps.words);
	g->regs_used &= ~1u;
	g->temps = temps;
	g->top = top;
	g->slot = slot;
}
