/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking, comparing and hashing trees. */
#include "ir/traverse.h"

#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"

static void ir_walk_expr(struct ir_expr **e, const struct ir_walker *w)
{
	if (!*e)
		return;
	for (uint32_t i = 0; i < (*e)->nargs; i++)
		ir_walk_expr(&(*e)->args[i], w);
	w->expr(w->ctx, e);
}

void ir_walk_own(struct ir_stmt *s, const struct ir_walker *w)
{
	struct ir_foreach *f = s->foreach;

	ir_walk_expr(&s->expr, w);
	if (!f)
		return;
	for (uint32_t i = 0; i < f->nkeys; i++)
		ir_walk_expr(&f->slice[i], w);
	if (f->hist && f->hist_keys)
		for (uint32_t i = 0; i < IR_MAX_KEYS && f->hist_keys[i]; i++)
			ir_walk_expr(&f->hist_keys[i], w);
	ir_walk_expr(&f->limit, w);
}

void ir_walk_list(struct ir_stmt *list, const struct ir_walker *w)
{
	for (struct ir_stmt *s = list; s; s = s->next) {
		if (w->stmt)
			w->stmt(w->ctx, s);
		if (w->expr)
			ir_walk_own(s, w);
		ir_walk_list(s->body, w);
		ir_walk_list(s->orelse, w);
	}
}

bool ir_reads_local(const struct ir_expr *e, uint32_t local)
{
	if (e->op == IR_LOCAL)
		return e->sym == local;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (ir_reads_local(e->args[i], local))
			return true;
	return false;
}

static void count_read(void *ctx, struct ir_expr **e)
{
	struct ir_local_uses *u = ctx;

	if ((*e)->op == IR_LOCAL)
		u->reads[(*e)->sym]++;
}

static void count_sets(void *ctx, struct ir_stmt *s)
{
	struct ir_local_uses *u = ctx;

	if (s->kind == IR_S_SET || (s->kind == IR_S_TRY && s->has_sym))
		u->sets[s->sym]++;
	if (!s->foreach)
		return;
	for (uint32_t i = 0; i < s->foreach->nkeys; i++)
		if (s->foreach->key_local[i] >= 0)
			u->sets[s->foreach->key_local[i]]++;
	if (s->foreach->value_local >= 0)
		u->sets[s->foreach->value_local]++;
}

struct ir_local_uses ir_local_uses_count(struct ir_func *f)
{
	size_t n = arrlenu(f->locals) + 1;
	struct ir_local_uses u = { xcalloc(n, sizeof(uint32_t)), xcalloc(n, sizeof(uint32_t)) };
	const struct ir_walker w = { &u, count_read, count_sets };

	ir_walk_list(f->body, &w);
	return u;
}

void ir_local_uses_fini(struct ir_local_uses *u)
{
	free(u->reads);
	free(u->sets);
}

struct ops_search {
	const struct ir_module *m;
	bool *seen;		/* functions looked at */
	bool *reached;
};

static void op_reached(void *ctx, struct ir_expr **slot)
{
	struct ops_search *s = ctx;
	const struct ir_expr *e = *slot;

	s->reached[e->op] = true;
	if (e->op == IR_CALL && !s->seen[e->sym]) {
		struct ir_walker w = { .ctx = s, .expr = op_reached };

		s->seen[e->sym] = true;
		ir_walk_list(s->m->funcs[e->sym]->body, &w);
	}
}

void ir_ops_reached(const struct ir_module *m, struct ir_stmt *list, bool reached[IR_OP_COUNT])
{
	struct ops_search s = { m, xcalloc(arrlenu(m->funcs) + 1, sizeof(bool)), reached };
	struct ir_walker w = { .ctx = &s, .expr = op_reached };

	ir_walk_list(list, &w);
	free(s.seen);
}

bool ir_expr_equal(const struct ir_expr *a, const struct ir_expr *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->op != b->op || a->type != b->type || a->bound != b->bound ||
	    a->sym != b->sym || a->imm != b->imm || a->nargs != b->nargs)
		return false;
	if (a->op == IR_STRLIT && strcmp(a->str, b->str) != 0)
		return false;
	for (uint32_t i = 0; i < a->nargs; i++)
		if (!ir_expr_equal(a->args[i], b->args[i]))
			return false;
	return true;
}

/*
 * Soft errors name places, so code that may fail is equal only if its places are.  One place of the library is as good
 * as another: aliases of the same text share their handlers.
 */
static bool same_place(const struct span *a, const struct span *b)
{
	if (a->src && b->src && a->src->tapset && b->src->tapset)
		return true;
	return a->src == b->src && a->line == b->line && a->col == b->col;
}

static bool expr_same(const struct ir_expr *a, const struct ir_expr *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->nargs != b->nargs || a->op != b->op || a->type != b->type ||
	    a->bound != b->bound || a->sym != b->sym || a->imm != b->imm)
		return false;
	if ((ir_op_table[a->op].flags & (IRF_FAIL | IRF_SYM_FORMAT)) == IRF_FAIL && !same_place(&a->at, &b->at))
		return false;
	if (a->op == IR_STRLIT && strcmp(a->str, b->str) != 0)
		return false;
	for (uint32_t i = 0; i < a->nargs; i++)
		if (!expr_same(a->args[i], b->args[i]))
			return false;
	return true;
}

static bool foreach_equal(const struct ir_foreach *a, const struct ir_foreach *b)
{
	if (!a || !b)
		return a == b;
	if (a->global != b->global || a->hist != b->hist || a->nkeys != b->nkeys ||
	    a->value_local != b->value_local || a->sort != b->sort || a->sort_key != b->sort_key ||
	    a->sort_stat != b->sort_stat || a->descending != b->descending ||
	    !expr_same(a->limit, b->limit) || !a->hist_keys != !b->hist_keys)
		return false;
	for (uint32_t i = 0; i < a->nkeys; i++)
		if (a->key_local[i] != b->key_local[i] || !expr_same(a->slice[i], b->slice[i]))
			return false;
	if (a->hist && a->hist_keys)
		for (uint32_t i = 0; i < IR_MAX_KEYS && (a->hist_keys[i] || b->hist_keys[i]); i++)
			if (!expr_same(a->hist_keys[i], b->hist_keys[i]))
				return false;
	return true;
}

static bool list_equal(const struct ir_stmt *a, const struct ir_stmt *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->kind != b->kind || a->sym != b->sym || a->has_sym != b->has_sym ||
		    a->imm != b->imm || (a->kind == IR_S_ACTION && !same_place(&a->at, &b->at)) ||
		    !expr_same(a->expr, b->expr) || !foreach_equal(a->foreach, b->foreach) ||
		    !list_equal(a->body, b->body) || !list_equal(a->orelse, b->orelse))
			return false;
	return a == b;
}

bool ir_func_equal(const struct ir_func *a, const struct ir_func *b)
{
	if (a->nparams != b->nparams || a->ret != b->ret || a->ret_bound != b->ret_bound ||
	    arrlenu(a->locals) != arrlenu(b->locals))
		return false;
	for (size_t i = 0; i < arrlenu(a->locals); i++)
		if (a->locals[i].type != b->locals[i].type || a->locals[i].bound != b->locals[i].bound)
			return false;
	return list_equal(a->body, b->body);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * 0x9e3779b97f4a7c15ull + (h >> 29);
}

struct hasher {
	uint64_t h;
};

static void hash_expr(void *ctx, struct ir_expr **slot)
{
	struct hasher *hs = ctx;
	const struct ir_expr *e = *slot;

	hs->h = mix(hs->h, e->op);
	hs->h = mix(hs->h, (uint64_t)e->imm ^ e->sym);
	if (e->op == IR_STRLIT)
		for (const char *p = e->str; *p; p++)
			hs->h = mix(hs->h, (unsigned char)*p);
}

static void hash_stmt(void *ctx, struct ir_stmt *s)
{
	struct hasher *hs = ctx;

	hs->h = mix(hs->h, s->kind);
	hs->h = mix(hs->h, s->sym);
}

uint64_t ir_func_hash(const struct ir_func *f)
{
	struct hasher hs = { 17 };
	const struct ir_walker w = { &hs, hash_expr, hash_stmt };

	ir_walk_list(f->body, &w);
	return hs.h;
}
