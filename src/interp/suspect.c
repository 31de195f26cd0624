/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where deferred text may get to, found function by function: one that makes it, is given strings by one that has
 * some, calls one that returns some, or reads a global that may hold some, has some; and globals that such a
 * function writes strings or string keys to may hold some.  Repeated until nothing is added.
 */
#include "interp/suspect.h"

#include <stdlib.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/traverse.h"

struct search {
	const struct ir_module *m;
	bool *func;		/* functions, then handlers, that have some */
	bool *global;		/* that may hold some */
	bool *self;		/* of the function looked at */
	bool changed;
};

static void add(struct search *s, bool *what)
{
	s->changed |= !*what;
	*what = true;
}

static bool holds_strings(const struct ir_global *g)
{
	bool any = g->type == IR_STR;

	for (uint32_t k = 0; g->is_array && k < g->nkeys; k++)
		any |= g->key_type[k] == IR_STR;
	return any;
}

static bool has_strings(const struct ir_expr *e)
{
	for (uint32_t i = 0; i < e->nargs; i++)
		if (e->args[i]->type == IR_STR)
			return true;
	return false;
}

static void look_at(void *ctx, struct ir_expr **slot)
{
	struct search *s = ctx;
	const struct ir_expr *e = *slot;

	switch (e->op) {
	case IR_USYM: case IR_KSYM:
		add(s, s->self);
		break;
	case IR_UBACKTRACE: case IR_KBACKTRACE:
		if (e->imm)
			add(s, s->self);
		break;
	case IR_CALL:
		if (*s->self && has_strings(e))
			add(s, &s->func[e->sym]);
		if (s->func[e->sym] && s->m->funcs[e->sym]->ret == IR_STR)
			add(s, s->self);
		break;
	case IR_GLOAD: case IR_ALOAD:
		if (s->global[e->sym] && e->type == IR_STR)
			add(s, s->self);
		break;
	case IR_GSTORE: case IR_ASTORE: case IR_AADD: case IR_STAT_ADD:
		if (*s->self && holds_strings(s->m->globals[e->sym]) && has_strings(e))
			add(s, &s->global[e->sym]);
		break;
	default:
		break;
	}
}

static void look_at_stmt(void *ctx, struct ir_stmt *st)
{
	struct search *s = ctx;

	if (st->foreach && s->global[st->foreach->global] && holds_strings(s->m->globals[st->foreach->global]))
		add(s, s->self);
}

static void look_at_func(struct search *s, struct ir_func *f, bool *self)
{
	struct ir_walker w = { .ctx = s, .expr = look_at, .stmt = look_at_stmt };

	s->self = self;
	ir_walk_list(f->body, &w);
}

bool *interp_suspects(const struct ir_module *m)
{
	size_t nf = arrlenu(m->funcs), nh = arrlenu(m->handlers), ng = arrlenu(m->globals);
	struct search s = { .m = m, .func = xcalloc(nf + nh + 1, sizeof(bool)),
			    .global = xcalloc(ng + 1, sizeof(bool)) };

	do {
		s.changed = false;
		for (size_t i = 0; i < nf; i++)
			look_at_func(&s, m->funcs[i], &s.func[i]);
		for (size_t i = 0; i < nh; i++)
			look_at_func(&s, m->handlers[i], &s.func[nf + i]);
	} while (s.changed);
	for (size_t i = 0; i < ng; i++)
		s.global[i] &= m->globals[i]->is_array;
	free(s.func);
	return s.global;
}

static void note_store(void *ctx, struct ir_expr **e)
{
	bool *assigned = ctx;

	if ((*e)->op == IR_ASTORE)
		assigned[(*e)->sym] = true;
}

bool *interp_assigned(const struct ir_module *m)
{
	bool *assigned = xcalloc(arrlenu(m->globals) + 1, sizeof(bool));
	struct ir_walker w = { .ctx = assigned, .expr = note_store };

	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		ir_walk_list(m->funcs[i]->body, &w);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		ir_walk_list(m->handlers[i]->body, &w);
	return assigned;
}
