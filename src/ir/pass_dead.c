/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing what cannot matter: statements that are never reached, values that
 * are never read, branches and tries that do nothing, functions that nobody calls.
 * Whatever may raise an error stays.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "ir/pass.h"
#include "ir/traverse.h"

struct dead {
	struct ir_func *f;
	uint32_t *reads;	/* per local */
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

static void clean_func(struct ir_func *f)
{
	struct dead d = { .f = f };
	const struct ir_walker w = { &d, count_read, NULL };
	size_t n = arrlenu(f->locals);

	d.reads = malloc((n + 1) * sizeof(*d.reads));
	do {
		d.changed = false;
		memset(d.reads, 0, n * sizeof(*d.reads));
		ir_walk_list(f->body, &w);
		sweep(&d, &f->body);
	} while (d.changed);
	free(d.reads);
}

void ir_pass_dead(struct ir_module *m)
{
	bool *reach = malloc(arrlenu(m->funcs) + 1);

	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		clean_func(m->funcs[i]);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		clean_func(m->handlers[i]);
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
}
