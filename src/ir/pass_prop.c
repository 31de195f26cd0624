/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Propagation: a read of a local that is known to hold a constant, or the same as
 * another local, becomes that.  Locals that are no parameters begin as 0 or "".
 *
 * What is known flows forward through the structured statements: into branches as it
 * is, into loops without what they assign, out of both without what either assigned.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/pass.h"
#include "ir/traverse.h"

struct prop {
	struct ir_module *m;
	struct ir_func *f;
	size_t n;
	struct ir_expr **known;		/* per local: CONST, STRLIT or LOCAL; NULL: not known */
};

static void forget(struct prop *p, uint32_t local)
{
	p->known[local] = NULL;
	for (size_t i = 0; i < p->n; i++)
		if (p->known[i] && p->known[i]->op == IR_LOCAL && p->known[i]->sym == local)
			p->known[i] = NULL;
}

static void forget_own(void *ctx, struct ir_stmt *s)
{
	struct prop *p = ctx;

	if (s->kind == IR_S_SET || s->has_sym)
		forget(p, s->sym);
	if (!s->foreach)
		return;
	for (uint32_t i = 0; i < s->foreach->nkeys; i++)
		if (s->foreach->key_local[i] >= 0)
			forget(p, (uint32_t)s->foreach->key_local[i]);
	if (s->foreach->value_local >= 0)
		forget(p, (uint32_t)s->foreach->value_local);
}

static void forget_assigned(struct prop *p, struct ir_stmt *list)
{
	const struct ir_walker w = { p, NULL, forget_own };

	ir_walk_list(list, &w);
}

static void replace(void *ctx, struct ir_expr **slot)
{
	struct prop *p = ctx;
	struct ir_expr *e = *slot, *value, *copy;

	if (e->op != IR_LOCAL)
		return;
	value = p->known[e->sym];
	if (!value)
		return;
	copy = arena_memdup(p->m->arena, value, sizeof(*value));
	copy->at = e->at;
	*slot = copy;
}

static void learn(struct prop *p, const struct ir_stmt *s)
{
	struct ir_expr *e = s->expr;
	uint32_t bound = p->f->locals[s->sym].bound;

	if (e->op == IR_LOCAL && e->sym == s->sym)
		return;		/* x = x */
	forget(p, s->sym);
	if (e->op == IR_CONST || (e->op == IR_STRLIT && e->bound <= bound) ||
	    (e->op == IR_LOCAL && e->bound <= bound))
		p->known[s->sym] = e;
}

static void do_list(struct prop *p, struct ir_stmt *list);

/* A branch with what is known here; afterwards that is as before. */
static void do_branch(struct prop *p, struct ir_stmt *list)
{
	struct ir_expr **saved = xmalloc((p->n + 1) * sizeof(*saved));

	memcpy(saved, p->known, p->n * sizeof(*saved));
	do_list(p, list);
	memcpy(p->known, saved, p->n * sizeof(*saved));
	free(saved);
}

static void do_list(struct prop *p, struct ir_stmt *list)
{
	const struct ir_walker w = { p, replace, NULL };

	for (struct ir_stmt *s = list; s; s = s->next) {
		switch (s->kind) {
		case IR_S_LOOP:
			forget_assigned(p, s->body);
			forget_assigned(p, s->orelse);
			do_branch(p, s->body);
			do_branch(p, s->orelse);
			break;
		case IR_S_FOREACH:
			ir_walk_own(s, &w);
			forget_own(p, s);
			forget_assigned(p, s->body);
			do_branch(p, s->body);
			break;
		case IR_S_TRY:
			do_branch(p, s->body);
			forget_assigned(p, s->body);
			forget_own(p, s);
			do_branch(p, s->orelse);
			forget_assigned(p, s->orelse);
			break;
		default:
			ir_walk_own(s, &w);
			if (s->kind == IR_S_SET)
				learn(p, s);
			if (!s->body && !s->orelse)
				break;
			do_branch(p, s->body);
			do_branch(p, s->orelse);
			forget_assigned(p, s->body);
			forget_assigned(p, s->orelse);
		}
	}
}

static void do_func(struct ir_module *m, struct ir_func *f)
{
	struct prop p = { .m = m, .f = f, .n = arrlenu(f->locals) };

	p.known = xcalloc(p.n + 1, sizeof(*p.known));
	for (size_t i = f->nparams; i < p.n; i++)
		p.known[i] = f->locals[i].type == IR_STR ? ir_str(m, "", &f->at) : ir_const(m, 0, &f->at);
	do_list(&p, f->body);
	free(p.known);
}

void ir_pass_prop(struct ir_module *m)
{
	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		do_func(m, m->funcs[i]);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		do_func(m, m->handlers[i]);
}
