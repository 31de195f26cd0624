/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing what cannot matter: statements that are never reached, values that
 * are never read, branches and tries that do nothing, functions that nobody calls.
 * Whatever may raise an error stays.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/pass.h"
#include "ir/traverse.h"

struct dead {
	struct ir_module *m;
	struct ir_func *f;
	uint32_t *reads;	/* per local: how often it is read; its new number */
	bool changed;
};

static bool harmless(const struct ir_expr *e)
{
	if (ir_op_table[e->op].flags & (IRF_FAIL | IRF_EFFECT) || e->op == IR_MATCH)
		return false;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (!harmless(e->args[i]))
			return false;
	return true;
}

static void count_read(void *ctx, struct ir_expr **e)
{
	struct dead *d = ctx;

	if ((*e)->op == IR_LOCAL)
		d->reads[(*e)->sym]++;
}

static bool is_jump(const struct ir_stmt *s)
{
	return s->kind == IR_S_RETURN || s->kind == IR_S_BREAK || s->kind == IR_S_CONTINUE;
}

static bool useless(const struct dead *d, const struct ir_stmt *s)
{
	switch (s->kind) {
	case IR_S_SET:
		if (s->expr->op == IR_LOCAL && s->expr->sym == s->sym)
			return true;
		return !d->reads[s->sym] && harmless(s->expr);
	case IR_S_EVAL:
		return harmless(s->expr);
	case IR_S_IF:
		return !s->body && !s->orelse && harmless(s->expr);
	case IR_S_TRY:
		return !s->body;
	case IR_S_ACTION:
		return s->imm == 0;
	default:
		return false;
	}
}

static void sweep(struct dead *d, struct ir_stmt **slot)
{
	while (*slot) {
		struct ir_stmt *s = *slot;

		sweep(d, &s->body);
		sweep(d, &s->orelse);
		if (s->kind == IR_S_ACTION && s->next && s->next->kind == IR_S_ACTION) {
			s->imm += s->next->imm;
			s->next = s->next->next;
			d->changed = true;
			continue;
		}
		if (is_jump(s) && s->next) {
			s->next = NULL;
			d->changed = true;
		}
		if (useless(d, s)) {
			*slot = s->next;
			d->changed = true;
			continue;
		}
		slot = &s->next;
	}
}

static void mark_target(struct dead *d, int64_t local)
{
	if (local >= 0)
		d->reads[local]++;
}

static void count_targets(void *ctx, struct ir_stmt *s)
{
	if (s->kind == IR_S_SET || s->has_sym)
		mark_target(ctx, s->sym);
	if (!s->foreach)
		return;
	for (uint32_t i = 0; i < s->foreach->nkeys; i++)
		mark_target(ctx, s->foreach->key_local[i]);
	mark_target(ctx, s->foreach->value_local);
}

static void renumber_expr(void *ctx, struct ir_expr **e)
{
	struct dead *d = ctx;

	/* a node may stand in several places: it is renumbered by a copy */
	if ((*e)->op != IR_LOCAL || d->reads[(*e)->sym] == (*e)->sym)
		return;
	*e = arena_memdup(d->m->arena, *e, sizeof(**e));
	(*e)->sym = d->reads[(*e)->sym];
}

static void renumber_stmt(void *ctx, struct ir_stmt *s)
{
	struct dead *d = ctx;
	struct ir_foreach *l = s->foreach;

	if (s->kind == IR_S_SET || s->has_sym)
		s->sym = d->reads[s->sym];
	for (uint32_t i = 0; l && i < l->nkeys; i++)
		if (l->key_local[i] >= 0)
			l->key_local[i] = (int32_t)d->reads[l->key_local[i]];
	if (l && l->value_local >= 0)
		l->value_local = (int32_t)d->reads[l->value_local];
}

/* Removes the locals that nothing names any more; parameters stay. */
static void compact_locals(struct dead *d)
{
	const struct ir_walker counter = { d, count_read, count_targets };
	const struct ir_walker renumber = { d, renumber_expr, renumber_stmt };
	size_t n = arrlenu(d->f->locals);
	uint32_t kept = 0;

	memset(d->reads, 0, n * sizeof(*d->reads));
	ir_walk_list(d->f->body, &counter);
	for (uint32_t i = 0; i < n; i++) {
		if (i >= d->f->nparams && !d->reads[i])
			continue;
		d->f->locals[kept] = d->f->locals[i];
		d->reads[i] = kept++;
	}
	if (kept == n)
		return;
	ir_walk_list(d->f->body, &renumber);
	arrsetlen(d->f->locals, kept);
}

static void clean_func(struct ir_module *m, struct ir_func *f)
{
	struct dead d = { .m = m, .f = f };
	const struct ir_walker w = { &d, count_read, NULL };
	size_t n = arrlenu(f->locals);

	d.reads = xmalloc((n + 1) * sizeof(*d.reads));
	do {
		d.changed = false;
		memset(d.reads, 0, n * sizeof(*d.reads));
		ir_walk_list(f->body, &w);
		sweep(&d, &f->body);
	} while (d.changed);
	compact_locals(&d);
	free(d.reads);
}

void ir_pass_dead(struct ir_module *m)
{
	bool *reach = xmalloc(arrlenu(m->funcs) + 1);

	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		clean_func(m, m->funcs[i]);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		clean_func(m, m->handlers[i]);
	ir_reachable(m, reach);
	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		if (!reach[i])
			m->funcs[i]->body = NULL;
	free(reach);
}

void ir_optimise(struct ir_module *m)
{
	ir_pass_fold(m);
	ir_pass_inline(m);
	ir_pass_prop(m);
	ir_pass_fold(m);
	ir_pass_cse(m);
	ir_pass_prop(m);
	ir_pass_fold(m);
	ir_pass_dead(m);
	ir_pass_sink(m);
}
