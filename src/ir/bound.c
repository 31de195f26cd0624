/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bound of an expression follows from its op and operands; the bound of a
 * cell (local, global, key, parameter, return value) is the largest of what is
 * stored in it.  As cells feed each other the pass iterates to a fixed point,
 * from below; bounds only grow, up to maxstr, so it ends.
 */
#include "ir/bound.h"

#include <string.h>

#include "base/ds.h"
#include "ir/names.h"
#include "ir/traverse.h"

#define COMM_BOUND	16	/* TASK_COMM_LEN */
#define NUMBER_BOUND	24	/* a 64-bit number in any base SystemTap prints by default */

static uint32_t clamp(const struct ir_module *m, uint64_t n)
{
	return n > m->maxstr ? m->maxstr : n < 1 ? 1 : (uint32_t)n;
}

static uint32_t const_bound(const struct ir_expr *e, uint32_t otherwise)
{
	if (e->op == IR_CONST && e->imm >= 0 && e->imm < otherwise)
		return (uint32_t)e->imm + 1;
	return otherwise;
}

/* Largest text of one conversion whose argument is `arg`. */
static uint64_t piece_bound(const struct ir_module *m, const struct ir_piece *p,
			    const struct ir_expr *arg)
{
	uint64_t n;

	if (p->conv == IR_CONV_TEXT)
		return p->text_len;
	if (p->width_arg || p->prec_arg || p->conv == IR_CONV_MEM || p->conv == IR_CONV_MEM_HEX)
		return m->maxstr;
	n = p->conv == IR_CONV_STR ? arg->bound - 1 : NUMBER_BOUND;
	if (p->width > 0 && (uint64_t)p->width > n)
		n = (uint64_t)p->width;
	if (p->conv != IR_CONV_STR && p->prec > 0)
		n += (uint64_t)p->prec;
	return n;
}

static uint32_t sprintf_bound(const struct ir_module *m, const struct ir_expr *e)
{
	const struct ir_format *f = m->formats[e->sym];
	uint64_t n = 1;
	uint32_t arg = 0;

	for (ptrdiff_t i = 0; i < arrlen(f->pieces); i++) {
		const struct ir_piece *p = &f->pieces[i];

		if (p->conv != IR_CONV_TEXT)
			arg += p->width_arg + p->prec_arg;
		if (p->conv != IR_CONV_TEXT && arg >= e->nargs)
			return m->maxstr;
		n += piece_bound(m, p, p->conv == IR_CONV_TEXT ? NULL : e->args[arg]);
		if (p->conv != IR_CONV_TEXT)
			arg++;
	}
	return clamp(m, n);
}

struct ir_expr *ir_expr_rebound(struct ir_module *m, struct ir_expr *e)
{
	if (e->type != IR_STR)
		return e;
	switch (e->op) {
	case IR_STRLIT:
		e->bound = clamp(m, strlen(e->str) + 1);
		break;
	case IR_LOCAL:
	case IR_GLOAD:
	case IR_ALOAD:
	case IR_CALL:
		if (!e->bound)
			e->bound = m->maxstr;
		break;	/* the cell's, see below */
	case IR_CONCAT:
		e->bound = clamp(m, (uint64_t)e->args[0]->bound + e->args[1]->bound - 1);
		break;
	case IR_SELECT:
		e->bound = e->args[1]->bound > e->args[2]->bound ? e->args[1]->bound
								 : e->args[2]->bound;
		break;
	case IR_SUBSTR:
		e->bound = const_bound(e->args[2], e->args[0]->bound);
		if (e->bound > e->args[0]->bound)
			e->bound = e->args[0]->bound;
		break;
	case IR_USTR:
	case IR_KSTR:
		e->bound = const_bound(e->args[1], m->maxstr);
		break;
	case IR_NAMES:
		e->bound = e->sym < arrlenu(m->names) ? clamp(m, m->names[e->sym]->bound) : m->maxstr;
		break;
	case IR_POINT_STR:
		e->bound = e->imm >= 0 && e->imm < IR_PP_COUNT && m->point_bound[e->imm] ?
			   clamp(m, m->point_bound[e->imm]) : m->maxstr;
		break;
	case IR_SPRINTF:
		e->bound = sprintf_bound(m, e);
		break;
	case IR_EXECNAME:
	case IR_PEXECNAME:
		e->bound = clamp(m, COMM_BOUND);
		break;
	case IR_CHR:
		e->bound = clamp(m, 2);
		break;
	default:
		e->bound = m->maxstr;
		break;
	}
	return e;
}

/* ---- the pass ---- */

struct narrowing {
	struct ir_module *m;
	struct ir_func *f;
	bool grown;
};

static void grow(struct narrowing *n, uint32_t *cell, uint32_t bound)
{
	if (bound > *cell) {
		*cell = bound;
		n->grown = true;
	}
}

static void grow_keys(struct narrowing *n, struct ir_global *g, struct ir_expr *const *keys)
{
	for (uint32_t k = 0; k < g->nkeys; k++)
		if (g->key_type[k] == IR_STR)
			grow(n, &g->key_bound[k], keys[k]->bound);
}

static void visit_expr(void *ctx, struct ir_expr **slot)
{
	struct narrowing *n = ctx;
	struct ir_expr *e = *slot;
	struct ir_module *m = n->m;

	switch (e->op) {
	case IR_LOCAL:
		e->bound = n->f->locals[e->sym].bound;
		return;
	case IR_GLOAD:
	case IR_ALOAD:
		grow_keys(n, m->globals[e->sym], e->args);
		if (e->type == IR_STR)
			e->bound = m->globals[e->sym]->bound;
		return;
	case IR_CALL: {
		struct ir_func *callee = m->funcs[e->sym];

		for (uint32_t i = 0; i < callee->nparams; i++)
			if (callee->locals[i].type == IR_STR)
				grow(n, &callee->locals[i].bound, e->args[i]->bound);
		if (e->type == IR_STR)
			e->bound = callee->ret_bound;
		return;
	}
	case IR_GSTORE:
	case IR_ASTORE: {
		struct ir_global *g = m->globals[e->sym];

		grow_keys(n, g, e->args);
		if (g->type == IR_STR)
			grow(n, &g->bound, e->args[e->nargs - 1]->bound);
		return;
	}
	/* also where elements are only looked for: a key cut to the bound could meet another */
	case IR_AADD:
	case IR_AHAS:
	case IR_ADEL:
	case IR_STAT_ADD:
	case IR_STAT_GET:
	case IR_HIST_COUNT:
	case IR_PRINT_HIST:
		grow_keys(n, m->globals[e->sym], e->args);
		return;
	default:
		ir_expr_rebound(m, e);
	}
}

/* Runs before the statement's expressions are walked again next round: uses last round's bounds. */
static void visit_stmt(void *ctx, struct ir_stmt *s)
{
	struct narrowing *n = ctx;
	struct ir_func *f = n->f;

	if (s->kind == IR_S_SET && f->locals[s->sym].type == IR_STR) {
		grow(n, &f->locals[s->sym].bound, s->expr->bound);
	} else if (s->kind == IR_S_RETURN && s->expr && f->ret == IR_STR) {
		grow(n, &f->ret_bound, s->expr->bound);
	} else if (s->kind == IR_S_TRY && s->has_sym) {
		grow(n, &f->locals[s->sym].bound, n->m->maxstr);
	} else if (s->kind == IR_S_FOREACH && s->foreach->hist) {
		grow_keys(n, n->m->globals[s->foreach->global], s->foreach->hist_keys);
	} else if (s->kind == IR_S_FOREACH) {
		const struct ir_foreach *l = s->foreach;
		struct ir_global *g = n->m->globals[l->global];

		for (uint32_t k = 0; k < l->nkeys; k++)
			if (l->slice[k] && g->key_type[k] == IR_STR)
				grow(n, &g->key_bound[k], l->slice[k]->bound);
		for (uint32_t k = 0; k < l->nkeys; k++)
			if (l->key_local[k] >= 0 && g->key_type[k] == IR_STR)
				grow(n, &f->locals[l->key_local[k]].bound, g->key_bound[k]);
		if (l->value_local >= 0 && g->type == IR_STR)
			grow(n, &f->locals[l->value_local].bound, g->bound);
	}
}

static void reset_func(struct ir_func *f)
{
	for (ptrdiff_t i = 0; i < arrlen(f->locals); i++)
		f->locals[i].bound = f->locals[i].type == IR_STR ? 1 : 0;
	f->ret_bound = f->ret == IR_STR ? 1 : 0;
}

static void reset(struct ir_module *m)
{
	for (ptrdiff_t i = 0; i < arrlen(m->globals); i++) {
		struct ir_global *g = m->globals[i];

		g->bound = g->type != IR_STR ? 0 : g->init.set && g->init.is_str
			   ? clamp(m, strlen(g->init.s) + 1) : 1;
		for (uint32_t k = 0; k < g->nkeys; k++)
			g->key_bound[k] = g->key_type[k] == IR_STR ? 1 : 0;
	}
	for (ptrdiff_t i = 0; i < arrlen(m->funcs); i++)
		reset_func(m->funcs[i]);
	for (ptrdiff_t i = 0; i < arrlen(m->handlers); i++)
		reset_func(m->handlers[i]);
}

void ir_pass_bounds(struct ir_module *m)
{
	struct narrowing n = { .m = m };
	struct ir_walker w = { .ctx = &n, .expr = visit_expr };
	ptrdiff_t nfuncs = arrlen(m->funcs), all = nfuncs + arrlen(m->handlers);
	int quiet = 0;

	/* Statements see the bounds that their expressions had in the round before: so the first round
	 * leaves the statements out, and two rounds without growth make the end. */
	reset(m);
	for (; quiet < 2; w.stmt = visit_stmt) {
		n.grown = false;
		for (ptrdiff_t i = 0; i < all; i++) {
			n.f = i < nfuncs ? m->funcs[i] : m->handlers[i - nfuncs];
			ir_walk_list(n.f->body, &w);
		}
		quiet = n.grown ? 0 : quiet + 1;
	}
}
