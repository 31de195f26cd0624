/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inlining: a call of a small function that cannot reach itself becomes its
 * body.  Parameters and locals become fresh locals of the caller, set at each call;
 * a return becomes an assignment, which needs every return to be the last thing
 * done: what follows an `if` that returns is first moved into its other branch.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/pass.h"
#include "ir/traverse.h"

#define MAX_CALLEE	40	/* nodes */
#define MAX_CALLER	4000
#define ROUNDS		4	/* depth of calls inlined */

struct inliner {
	struct ir_module *m;
	bool *suitable;		/* per function */
	struct ir_func *caller;
	uint32_t *map;		/* callee local -> caller local */
	const struct ir_stmt *call;
	uint32_t size;		/* nodes of the caller */
	bool changed;
};

static void count_expr(void *ctx, struct ir_expr **e)
{
	(void)e;
	++*(uint32_t *)ctx;
}

static void count_stmt(void *ctx, struct ir_stmt *s)
{
	(void)s;
	++*(uint32_t *)ctx;
}

static uint32_t func_size(const struct ir_func *f)
{
	uint32_t n = 0;
	const struct ir_walker w = { &n, count_expr, count_stmt };

	ir_walk_list(f->body, &w);
	return n;
}

static bool has_return(const struct ir_stmt *s)
{
	for (; s; s = s->next)
		if (s->kind == IR_S_RETURN || has_return(s->body) || has_return(s->orelse))
			return true;
	return false;
}

/* Does every path through the list return? */
static bool always_returns(const struct ir_stmt *s)
{
	for (; s; s = s->next)
		if (s->kind == IR_S_RETURN ||
		    (s->kind == IR_S_IF && always_returns(s->body) && always_returns(s->orelse)))
			return true;
	return false;
}

/* Are all returns in places that can be made tail positions? */
static bool returns_fit(const struct ir_stmt *s)
{
	for (; s; s = s->next) {
		if (s->kind == IR_S_RETURN)
			return true;	/* the rest is dead */
		if (!has_return(s->body) && !has_return(s->orelse))
			continue;
		if (s->kind != IR_S_IF || !returns_fit(s->body) || !returns_fit(s->orelse))
			return false;
		if (s->next && !always_returns(s->body) && !always_returns(s->orelse))
			return false;
	}
	return true;
}

static bool return_bounds_fit(const struct ir_func *f, const struct ir_stmt *s)
{
	for (; s; s = s->next) {
		if (s->kind == IR_S_RETURN && s->expr && s->expr->type == IR_STR &&
		    s->expr->bound > f->ret_bound)
			return false;
		if (!return_bounds_fit(f, s->body) || !return_bounds_fit(f, s->orelse))
			return false;
	}
	return true;
}

static struct ir_expr *copy_expr(struct inliner *in, const struct ir_expr *e)
{
	struct ir_expr *c;

	if (!e)
		return NULL;
	c = arena_memdup(in->m->arena, e, sizeof(*e));
	if (e->nargs)
		c->args = arena_new_array(in->m->arena, struct ir_expr *, e->nargs);
	for (uint32_t i = 0; i < e->nargs; i++)
		c->args[i] = copy_expr(in, e->args[i]);
	if (c->op == IR_LOCAL)
		c->sym = in->map[e->sym];
	in->size++;
	return c;
}

static struct ir_foreach *copy_foreach(struct inliner *in, const struct ir_foreach *l)
{
	struct ir_foreach *c = arena_memdup(in->m->arena, l, sizeof(*l));

	for (uint32_t i = 0; i < l->nkeys; i++) {
		c->slice[i] = copy_expr(in, l->slice[i]);
		if (l->key_local[i] >= 0)
			c->key_local[i] = (int32_t)in->map[l->key_local[i]];
	}
	if (l->hist_keys) {
		c->hist_keys = arena_new_array(in->m->arena, struct ir_expr *, IR_MAX_KEYS + 1);
		for (uint32_t i = 0; i < IR_MAX_KEYS && l->hist_keys[i]; i++)
			c->hist_keys[i] = copy_expr(in, l->hist_keys[i]);
	}
	if (l->value_local >= 0)
		c->value_local = (int32_t)in->map[l->value_local];
	c->limit = copy_expr(in, l->limit);
	return c;
}

static struct ir_stmt *set_local(struct inliner *in, uint32_t local, struct ir_expr *e, const struct span *at)
{
	struct ir_stmt *s = ir_stmt_new(in->m, IR_S_SET, at);

	s->sym = local;
	s->expr = e;
	return s;
}

static struct ir_expr *zero_of(struct inliner *in, enum ir_type type, const struct span *at)
{
	return type == IR_STR ? ir_str(in->m, "", at) : ir_const(in->m, 0, at);
}

static struct ir_stmt *copy_list(struct inliner *in, const struct ir_stmt *s);

static struct ir_stmt *copy_return(struct inliner *in, const struct ir_stmt *s)
{
	const struct ir_func *callee = in->m->funcs[in->call->expr->sym];

	if (in->call->kind != IR_S_SET) {
		/* what the value reads may fail, and must */
		uint32_t unused;

		if (!s->expr)
			return NULL;
		unused = ir_local_add(in->m, in->caller, "unused", s->expr->type, s->expr->bound);
		return set_local(in, unused, copy_expr(in, s->expr), &s->at);
	}
	return set_local(in, in->call->sym, s->expr ? copy_expr(in, s->expr) :
			 zero_of(in, callee->ret, &s->at), &s->at);
}

static struct ir_stmt *append(struct ir_stmt *list, struct ir_stmt *more)
{
	struct ir_stmt **tail = &list;

	while (*tail)
		tail = &(*tail)->next;
	*tail = more;
	return list;
}

static struct ir_stmt *copy_stmt(struct inliner *in, const struct ir_stmt *s)
{
	struct ir_stmt *c = arena_memdup(in->m->arena, s, sizeof(*s));

	c->next = NULL;
	c->expr = copy_expr(in, s->expr);
	c->body = copy_list(in, s->body);
	c->orelse = copy_list(in, s->orelse);
	if (s->foreach)
		c->foreach = copy_foreach(in, s->foreach);
	if (s->kind == IR_S_SET || s->has_sym)
		c->sym = in->map[s->sym];
	in->size++;
	return c;
}

/* Copies a list; what follows an `if` that returns goes into its other branch. */
static struct ir_stmt *copy_list(struct inliner *in, const struct ir_stmt *s)
{
	struct ir_stmt *first = NULL, **tail = &first;

	for (; s; s = s->next) {
		if (s->kind == IR_S_RETURN) {
			*tail = copy_return(in, s);
			return first;
		}
		*tail = copy_stmt(in, s);
		if (s->kind == IR_S_IF && s->next && (has_return(s->body) || has_return(s->orelse))) {
			if (always_returns(s->body)) {
				if (!always_returns(s->orelse))
					(*tail)->orelse = append((*tail)->orelse, copy_list(in, s->next));
			} else {
				(*tail)->body = append((*tail)->body, copy_list(in, s->next));
			}
			return first;
		}
		tail = &(*tail)->next;
	}
	return first;
}

static struct ir_stmt *expand_call(struct inliner *in, const struct ir_stmt *call)
{
	const struct ir_func *callee = in->m->funcs[call->expr->sym];
	size_t n = arrlenu(callee->locals);
	struct ir_stmt *first = NULL, **tail = &first;

	in->call = call;
	in->map = xcalloc(n + 1, sizeof(*in->map));
	for (size_t i = 0; i < n; i++)
		in->map[i] = ir_local_add(in->m, in->caller, callee->locals[i].name,
					  callee->locals[i].type, callee->locals[i].bound);
	for (size_t i = 0; i < n; i++, tail = &(*tail)->next)
		*tail = set_local(in, in->map[i], i < callee->nparams ? call->expr->args[i] :
				  zero_of(in, callee->locals[i].type, &call->at), &call->at);
	if (call->kind == IR_S_SET && !always_returns(callee->body)) {
		*tail = set_local(in, call->sym, zero_of(in, callee->ret, &call->at), &call->at);
		tail = &(*tail)->next;
	}
	*tail = copy_list(in, callee->body);
	free(in->map);
	in->changed = true;
	return first;
}

static void inline_list(struct inliner *in, struct ir_stmt **slot)
{
	while (*slot) {
		struct ir_stmt *s = *slot, *next = s->next;

		inline_list(in, &s->body);
		inline_list(in, &s->orelse);
		if (s->expr && s->expr->op == IR_CALL && in->suitable[s->expr->sym] &&
		    in->size < MAX_CALLER) {
			*slot = expand_call(in, s);
			while (*slot)
				slot = &(*slot)->next;
			*slot = next;
			continue;
		}
		slot = &s->next;
	}
}

static void find_suitable(struct inliner *in)
{
	size_t n = arrlenu(in->m->funcs);
	bool *reach = xmalloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct ir_func *f = in->m->funcs[i];

		memset(reach, 0, n);
		ir_reach_from(in->m, f, reach);
		in->suitable[i] = !reach[i] && func_size(f) <= MAX_CALLEE && returns_fit(f->body) &&
				  return_bounds_fit(f, f->body);
	}
	free(reach);
}

void ir_pass_inline(struct ir_module *m)
{
	struct inliner in = { .m = m };
	size_t nf = arrlenu(m->funcs), nh = arrlenu(m->handlers);

	in.suitable = xmalloc(nf + 1);
	for (int round = 0; round < ROUNDS; round++) {
		in.changed = false;
		find_suitable(&in);
		for (size_t i = 0; i < nf + nh; i++) {
			in.caller = i < nf ? m->funcs[i] : m->handlers[i - nf];
			in.size = func_size(in.caller);
			inline_list(&in, &in.caller->body);
		}
		if (!in.changed)
			break;
	}
	free(in.suitable);
}
