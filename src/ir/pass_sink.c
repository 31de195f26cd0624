/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving computations to where they are needed: a value that only one branch uses is computed there, and one
 * that is used behind a test which may end the handler is computed behind that.  What an alias prepares (the
 * text of a system call's arguments) then costs nothing in hits that the script's own test leaves out.
 *
 * Only locals that are set once move, and only over statements that change nothing of what they read.  Clocks
 * and whatever may raise an error stay, calls of functions that change nothing move too (a loop in one that would need
 * more than MAXACTION allows is an error only where its result is wanted).
 */
#include <stdlib.h>

#include "base/ds.h"
#include "ir/pass.h"
#include "ir/pure.h"
#include "ir/traverse.h"

#define MAX_DISTANCE	64	/* statements looked at behind a set */

struct sink {
	const struct ir_module *m;
	const uint8_t *pure;		/* by function, see ir_pure_functions() */
	struct ir_local_uses uses;
};

/* What a statement, bodies included, does to the local `v` and to the value `e` of its set. */
struct effects {
	const struct sink *k;
	uint32_t v;
	const struct ir_expr *e;
	uint32_t reads;			/* of v */
	bool changes, leaves;		/* a local that e reads or memory; may jump out of the list */
};

static bool is_match(enum ir_op op)
{
	return op == IR_MATCH || op == IR_MATCHED || op == IR_NGROUPS;
}

static bool has_effect(const struct ir_expr *e)
{
	if (ir_op_table[e->op].flags & IRF_EFFECT || ir_is_clock(e->op) || is_match(e->op))
		return true;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (has_effect(e->args[i]))
			return true;
	return false;
}

static bool movable(const struct sink *k, const struct ir_expr *e)
{
	if (e->op != IR_CALL)
		return !has_effect(e) && !ir_may_fail(k->m, e);
	if (k->pure[e->sym] != IR_PURE)
		return false;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (!movable(k, e->args[i]))
			return false;
	return true;
}

/* Does the value depend on its operands and locals alone? */
static bool is_pure(const struct ir_expr *e)
{
	if (e->op != IR_LOCAL && !(ir_op_table[e->op].flags & IRF_PURE))
		return false;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (!is_pure(e->args[i]))
			return false;
	return true;
}

static void on_expr(void *ctx, struct ir_expr **e)
{
	struct effects *x = ctx;

	if ((*e)->op == IR_LOCAL && (*e)->sym == x->v)
		x->reads++;
	if ((*e)->op == IR_CALL && x->k->pure[(*e)->sym])
		return;
	if (ir_op_table[(*e)->op].flags & IRF_EFFECT && !is_pure(x->e))
		x->changes = true;
}

static void on_write(struct effects *x, int64_t local)
{
	if (local >= 0 && ir_reads_local(x->e, (uint32_t)local))
		x->changes = true;
}

static void on_stmt(void *ctx, struct ir_stmt *s)
{
	struct effects *x = ctx;

	if (s->kind == IR_S_SET || s->has_sym)
		on_write(x, s->sym);
	for (uint32_t i = 0; s->foreach && i < s->foreach->nkeys; i++)
		on_write(x, s->foreach->key_local[i]);
	if (s->foreach)
		on_write(x, s->foreach->value_local);
	x->leaves |= s->kind == IR_S_RETURN || s->kind == IR_S_BREAK || s->kind == IR_S_CONTINUE;
}

static uint32_t list_reads(const struct sink *k, struct ir_stmt *list, uint32_t v, const struct ir_expr *e)
{
	struct effects x = { .k = k, .v = v, .e = e };
	const struct ir_walker w = { &x, on_expr, NULL };

	ir_walk_list(list, &w);
	return x.reads;
}

static struct effects effects_of(const struct sink *k, struct ir_stmt *s, uint32_t v, const struct ir_expr *e)
{
	struct effects x = { .k = k, .v = v, .e = e };
	const struct ir_walker w = { &x, on_expr, on_stmt };

	on_stmt(&x, s);
	ir_walk_own(s, &w);
	ir_walk_list(s->body, &w);
	ir_walk_list(s->orelse, &w);
	return x;
}

/* The branch of an if that alone uses v, or NULL. */
static struct ir_stmt **only_branch(const struct sink *k, struct ir_stmt *s, uint32_t v, const struct ir_expr *e)
{
	if (s->kind != IR_S_IF || ir_reads_local(s->expr, v))
		return NULL;
	if (list_reads(k, s->body, v, e) == k->uses.reads[v])
		return &s->body;
	return list_reads(k, s->orelse, v, e) == k->uses.reads[v] ? &s->orelse : NULL;
}

/* Where the set should go; NULL: it is where it belongs. */
static struct ir_stmt **destination(const struct sink *k, struct ir_stmt *set)
{
	struct ir_stmt **slot = &set->next;
	bool leaves = false;

	if (set->kind != IR_S_SET || k->uses.sets[set->sym] != 1 || !k->uses.reads[set->sym] ||
	    !movable(k, set->expr) || ir_reads_local(set->expr, set->sym))
		return NULL;
	for (unsigned n = 0; *slot && n < MAX_DISTANCE; n++, slot = &(*slot)->next) {
		struct effects x = effects_of(k, *slot, set->sym, set->expr);
		struct ir_stmt **branch = only_branch(k, *slot, set->sym, set->expr);

		if (branch)
			return branch;
		if (x.reads || x.changes)
			return leaves && list_reads(k, *slot, set->sym, set->expr) == k->uses.reads[set->sym]
				       ? slot : NULL;
		leaves |= x.leaves;
	}
	return NULL;
}

/* From the last statement to the first, so that what a moved value needs can follow it. */
static void sink_list(const struct sink *k, struct ir_stmt **list)
{
	struct ir_stmt ***slots = NULL;

	for (struct ir_stmt **s = list; *s; s = &(*s)->next)
		arrput(slots, s);
	for (size_t i = arrlenu(slots); i-- > 0;) {
		struct ir_stmt *s = *slots[i], **to = destination(k, s);

		if (!to)
			continue;
		*slots[i] = s->next;
		s->next = *to;
		*to = s;
	}
	arrfree(slots);
	for (struct ir_stmt *s = *list; s; s = s->next) {
		sink_list(k, &s->body);
		sink_list(k, &s->orelse);
	}
}

static void sink_func(struct ir_module *m, struct ir_func *f, const uint8_t *pure)
{
	struct sink k = { m, pure, ir_local_uses_count(f) };

	for (uint32_t p = 0; p < f->nparams; p++)
		k.uses.sets[p]++;
	sink_list(&k, &f->body);
	ir_local_uses_fini(&k.uses);
}

void ir_pass_sink(struct ir_module *m)
{
	uint8_t *pure = ir_pure_functions(m);

	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		sink_func(m, m->funcs[i], pure);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		sink_func(m, m->handlers[i], pure);
	free(pure);
}
