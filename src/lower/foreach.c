/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreach over arrays and histograms, and what else walks elements: slices in `in` and `delete`. */
#include "lower/parts.h"

/*
 * The local that receives a key or value.  A global named there is stored from a
 * fresh local at the head of the body: *copy tells so.
 */
static int32_t receiver(struct lower *L, const struct ast_expr *var, bool *copy)
{
	const struct ast_var *v = var->symbol.referent;
	enum ir_type type = lower_type(v->type);

	*copy = v->is_global;
	if (!v->is_global)
		return (int32_t)lower_var(L, v);
	return (int32_t)lower_new_local(L, v->name, type, type == IR_STR ? L->mod->maxstr : 0);
}

static void lower_order(const struct ast_foreach *a, struct ir_foreach *f)
{
	static const enum ir_stat fn[] = {
		[STAT_COUNT] = IR_STAT_COUNT, [STAT_SUM] = IR_STAT_SUM, [STAT_AVG] = IR_STAT_AVG,
		[STAT_MIN] = IR_STAT_MIN, [STAT_MAX] = IR_STAT_MAX, [STAT_VARIANCE] = IR_STAT_VARIANCE,
	};

	f->descending = a->sort_dir < 0;
	if (!a->sort_dir) {
		f->sort = IR_SORT_NONE;
	} else if (a->sort_column) {
		f->sort = IR_SORT_KEY;
		f->sort_key = a->sort_column - 1;
	} else if (a->sort_stat != STAT_NONE) {
		f->sort = IR_SORT_STAT;
		f->sort_stat = fn[a->sort_stat];
	} else {
		f->sort = IR_SORT_VALUE;
	}
}

static void lower_source(struct lower *L, const struct ast_foreach *a, struct ir_foreach *f)
{
	struct lower_place p = { 0 };

	if (a->base->kind == EXPR_HIST) {
		f->hist = true;
		lower_place(L, a->base->hist.stat, &p);
		f->hist_keys = arena_memdup(L->mod->arena, p.keys, sizeof(p.keys));
	} else {
		p.global = lower_global(L->mod, a->base->symbol.referent);
	}
	f->global = p.global;
	for (size_t i = 0; a->slice && i < a->nslice; i++)
		if (a->slice[i])
			f->slice[i] = lower_share(L, lower_expr(L, a->slice[i]));
	if (a->limit)
		f->limit = lower_share(L, lower_expr(L, a->limit));
}

void lower_foreach(struct lower *L, const struct ast_stmt *s)
{
	const struct ast_foreach *a = s->foreach;
	struct ir_foreach *f = arena_new(L->mod->arena, struct ir_foreach);
	struct ir_stmt *loop, **saved;
	bool copy_key[IR_MAX_KEYS] = { false }, copy_value = false;

	lower_source(L, a, f);
	lower_order(a, f);
	/* A statistic sorted with no aggregate named sorts by its count, as SystemTap does. */
	if (f->sort == IR_SORT_VALUE && L->mod->ir->globals[f->global]->type == IR_STAT && !f->hist) {
		f->sort = IR_SORT_STAT;
		f->sort_stat = IR_STAT_COUNT;
	}
	f->nkeys = (uint32_t)a->nkeys;
	f->value_local = -1;
	for (size_t i = 0; i < IR_MAX_KEYS; i++)
		f->key_local[i] = i < a->nkeys ? receiver(L, a->keys[i], &copy_key[i]) : -1;
	if (a->value)
		f->value_local = receiver(L, a->value, &copy_value);

	loop = ir_stmt_new(L->mod->ir, IR_S_FOREACH, &s->at);
	loop->foreach = f;
	lower_emit(L, loop);
	saved = lower_into(L, &loop->body);
	for (size_t i = 0; i < a->nkeys; i++)
		if (copy_key[i])
			lower_store_var(L, a->keys[i],
					lower_local(L, (uint32_t)f->key_local[i], &s->at));
	if (copy_value)
		lower_store_var(L, a->value, lower_local(L, (uint32_t)f->value_local, &s->at));
	lower_into_end(L, saved);
	L->loops++;
	lower_body(L, a->body, &loop->body);
	L->loops--;
}

/* ---- slices ---- */

bool lower_has_wildcard(const struct ast_expr *e)
{
	for (size_t i = 0; i < e->index.nkeys; i++)
		if (!e->index.keys[i])
			return true;
	return false;
}

/* Emits a loop over the elements of a slice; each key gets a local. */
static struct ir_stmt *walk_slice(struct lower *L, const struct ast_expr *e)
{
	struct ir_foreach *f = arena_new(L->mod->arena, struct ir_foreach);
	struct ir_stmt *loop;

	f->global = lower_global(L->mod, e->index.base->symbol.referent);
	f->value_local = -1;
	f->nkeys = (uint32_t)e->index.nkeys;
	for (uint32_t i = 0; i < IR_MAX_KEYS; i++) {
		const struct ir_global *g = L->mod->ir->globals[f->global];

		f->key_local[i] = -1;
		if (i >= f->nkeys)
			continue;
		f->key_local[i] = (int32_t)lower_new_local(L, "key", g->key_type[i], g->key_bound[i]);
		if (e->index.keys[i])
			f->slice[i] = lower_share(L, lower_expr(L, e->index.keys[i]));
	}
	loop = ir_stmt_new(L->mod->ir, IR_S_FOREACH, &e->at);
	loop->foreach = f;
	lower_emit(L, loop);
	return loop;
}

struct ir_expr *lower_in_slice(struct lower *L, const struct ast_expr *e)
{
	uint32_t found = lower_new_local(L, "found", IR_I64, 0);
	struct ir_stmt *loop, **saved;

	lower_set(L, found, ir_const(L->mod->ir, 0, &e->at), &e->at);
	loop = walk_slice(L, e);
	saved = lower_into(L, &loop->body);
	lower_set(L, found, ir_const(L->mod->ir, 1, &e->at), &e->at);
	lower_emit(L, ir_stmt_new(L->mod->ir, IR_S_BREAK, &e->at));
	lower_into_end(L, saved);
	return lower_local(L, found, &e->at);
}

void lower_delete_slice(struct lower *L, const struct ast_expr *e)
{
	struct ir_stmt *loop = walk_slice(L, e), **saved = lower_into(L, &loop->body);
	struct lower_place p = { .global = loop->foreach->global, .nkeys = loop->foreach->nkeys };

	for (uint32_t i = 0; i < p.nkeys; i++)
		p.keys[i] = lower_local(L, (uint32_t)loop->foreach->key_local[i], &e->at);
	lower_eval(L, lower_place_op(L, IR_ADEL, &p, NULL, &e->at));
	lower_into_end(L, saved);
}
