/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A handler that is one `if` is left before anything is taken or saved for it where the condition, or the first part of
 * an `&&`, compares what is in a register or a word: pid() == target().  It is the usual way to look at some processes
 * of all, and most hits end there.  The condition is computed again where it stands.
 */
#include "bpf/gen.h"

#include "base/ds.h"

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

/* The condition without which the list does nothing; NULL: there is none. */
static const struct ir_expr *condition_of(const struct ir_stmt *s)
{
	const struct ir_expr *e;

	while (s && s->kind == IR_S_ACTION)
		s = s->next;
	if (!s || s->kind != IR_S_IF || s->next || s->orelse)
		return NULL;
	e = s->expr;
	while (e->op == IR_ANDTHEN && !is_cheap(e))
		e = e->args[0];
	return is_cheap(e) ? e : NULL;
}

static const struct ir_expr *early_condition(const struct gen *g)
{
	const struct ir_expr *e = g->p->timing || g->counts_actions || !g->slot ? NULL : condition_of(g->root.f->body);

	return e && e->op != IR_CONST ? e : NULL;
}

bool gen_has_early(const struct gen *g)
{
	return early_condition(g);
}

void gen_early(struct gen *g, em_label leave)
{
	const struct ir_expr *e = early_condition(g);
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
	gen_jump_if(g, e, false, leave);
	arrfree(g->temps.words);
	g->regs_used &= ~1u;
	g->temps = temps;
	g->top = top;
	g->slot = slot;
}
