/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which names of addresses kernel handlers look at.
 *
 * A handler in the kernel leaves names to be made by the process (deferred text, wire.h), which is right and cheap
 * where they are printed. Where the text is compared, taken apart or made a key, it must be there: then IR_SYM_NOW is
 * set in the imm of the op that makes it.
 *
 * Found backwards: what is looked at is an expression, and so everything that it may be: operands that are passed
 * on, locals, results of functions, globals; what is stored in these is looked at too. Repeated until
 * nothing is added. Only functions that kernel handlers reach count; the user engine knows names at once.
 */
#include <stdlib.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/pass.h"
#include "ir/program.h"
#include "ir/traverse.h"

struct cells {
	bool *local;		/* by index; looked at */
	bool ret;
	bool reached;
};

struct search {
	struct ir_module *m;
	struct cells *funcs;	/* functions, then handlers */
	bool *global;
	bool caught;		/* the text of errors is looked at */
	struct cells *self;	/* of the function being searched */
	bool changed;
	bool user;		/* the result: a USYM is */
};

static void add(struct search *s, bool *what)
{
	s->changed |= !*what;
	*what = true;
}

/* Conversions of a format take their arguments in order: is argument n changed by a width or precision? */
static bool shaped(const struct ir_format *f, uint32_t n)
{
	uint32_t at = 0;

	for (ptrdiff_t i = 0; i < arrlen(f->pieces); i++) {
		const struct ir_piece *p = &f->pieces[i];

		if (p->conv == IR_CONV_TEXT)
			continue;
		at += p->width_arg + p->prec_arg;
		if (at++ == n)
			return p->conv != IR_CONV_STR || p->width_arg || p->prec_arg || p->width > 0 ||
			       p->prec >= 0;
	}
	return true;
}

static void visit(struct search *s, struct ir_expr *e, bool looked);

static void visit_call(struct search *s, struct ir_expr *e, bool looked)
{
	struct cells *callee = &s->funcs[e->sym];

	add(s, &callee->reached);
	if (looked && e->type == IR_STR)
		add(s, &callee->ret);
	for (uint32_t i = 0; i < e->nargs; i++)
		visit(s, e->args[i], callee->local[i]);
}

/*
 * Keys are looked at, the value that follows them is if the array's are.  A backtrace as a key stays what it is: its
 * names would not fit into a string, and nobody looks it up by name.
 */
static void visit_keyed(struct search *s, struct ir_expr *e)
{
	const struct ir_global *g = s->m->globals[e->sym];
	uint32_t nkeys = g->is_array ? g->nkeys : 0;

	for (uint32_t i = 0; i < e->nargs; i++)
		visit(s, e->args[i], i < nkeys ? e->args[i]->op != IR_UBACKTRACE : s->global[e->sym]);
}

static void visit_args(struct search *s, struct ir_expr *e, bool looked)
{
	for (uint32_t i = 0; i < e->nargs; i++)
		visit(s, e->args[i], looked);
}

static void visit(struct search *s, struct ir_expr *e, bool looked)
{
	switch (e->op) {
	case IR_USYM: case IR_KSYM:
		if (looked)
			e->imm |= IR_SYM_NOW;
		s->user |= looked && e->op == IR_USYM;
		visit_args(s, e, false);
		break;
	case IR_UBACKTRACE:
		if (looked && e->imm)
			e->imm |= IR_SYM_NOW;
		s->user |= looked && e->imm;
		break;
	case IR_LOCAL:
		if (looked && e->type == IR_STR)
			add(s, &s->self->local[e->sym]);
		break;
	case IR_CALL:
		visit_call(s, e, looked);
		break;
	case IR_GLOAD: case IR_ALOAD:
		if (looked && e->type == IR_STR)
			add(s, &s->global[e->sym]);
		visit_keyed(s, e);
		break;
	case IR_SELECT: case IR_CONCAT:
		visit_args(s, e, looked);
		break;
	case IR_SPRINTF:
		for (uint32_t i = 0; i < e->nargs; i++)
			visit(s, e->args[i], looked || shaped(s->m->formats[e->sym], i));
		break;
	case IR_ERROR:
		visit_args(s, e, s->caught);
		break;
	case IR_PRINTF: case IR_WARN: case IR_LOG: case IR_SYSTEM: case IR_PRINT_SYMS:
		visit_args(s, e, false);
		break;
	default:
		if (ir_op_table[e->op].flags & IRF_SYM_GLOBAL)
			visit_keyed(s, e);
		else
			visit_args(s, e, true);
	}
}

static void visit_stmt(void *ctx, struct ir_stmt *st)
{
	struct search *s = ctx;
	const struct ir_foreach *l = st->foreach;

	if (st->expr)
		visit(s, st->expr, st->kind == IR_S_SET ? s->self->local[st->sym] :
				   st->kind == IR_S_RETURN && s->self->ret);
	if (st->kind == IR_S_TRY && st->has_sym && s->self->local[st->sym])
		add(s, &s->caught);
	if (!l)
		return;
	if (l->value_local >= 0 && s->self->local[l->value_local])
		add(s, &s->global[l->global]);
	for (uint32_t i = 0; i < IR_MAX_KEYS; i++) {
		if (i < l->nkeys && l->slice[i])
			visit(s, l->slice[i], true);
		if (l->hist_keys && l->hist_keys[i])
			visit(s, l->hist_keys[i], true);
	}
	if (l->limit)
		visit(s, l->limit, false);
}

static void visit_func(struct search *s, struct ir_func *f, struct cells *self)
{
	struct ir_walker w = { .ctx = s, .stmt = visit_stmt };

	s->self = self;
	ir_walk_list(f->body, &w);
}

static void init_cells(struct cells *c, const struct ir_func *f)
{
	c->local = xcalloc((size_t)arrlen(f->locals) + 1, sizeof(bool));
}

bool ir_pass_names(struct program *p)
{
	struct ir_module *m = p->ir;
	size_t nf = arrlenu(m->funcs), nh = arrlenu(p->handlers);
	struct search s = { .m = m, .funcs = xcalloc(nf + nh + 1, sizeof(*s.funcs)),
			    .global = xcalloc(arrlenu(m->globals) + 1, sizeof(bool)) };

	for (size_t i = 0; i < nf; i++)
		init_cells(&s.funcs[i], m->funcs[i]);
	for (size_t i = 0; i < nh; i++) {
		init_cells(&s.funcs[nf + i], p->handlers[i].body);
		s.funcs[nf + i].reached = p->handlers[i].kind != PROG_USER;
	}
	do {
		s.changed = false;
		for (size_t i = 0; i < nf + nh; i++)
			if (s.funcs[i].reached)
				visit_func(&s, i < nf ? m->funcs[i] : p->handlers[i - nf].body, &s.funcs[i]);
	} while (s.changed);
	for (size_t i = 0; i < nf + nh; i++)
		free(s.funcs[i].local);
	free(s.funcs);
	free(s.global);
	return s.user;
}
