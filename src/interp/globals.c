/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading globals, statistics, and foreach over a snapshot. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "interp/state.h"

const struct ir_val *interp_keys(struct interp *in, const struct ir_expr *e, struct ir_val *keys)
{
	const struct ir_global *g = in->m->globals[e->sym];
	uint32_t at[IR_MAX_KEYS];

	if (!g->is_array)
		return NULL;
	for (uint32_t k = 0; k < g->nkeys; k++) {
		if (g->key_type[k] == IR_STR)
			at[k] = interp_text(in, e->args[k]);
		else
			keys[k] = (struct ir_val){ interp_int(in, e->args[k]), NULL };
	}
	for (uint32_t k = 0; k < g->nkeys; k++)
		if (g->key_type[k] == IR_STR)
			keys[k] = (struct ir_val){ 0, interp_at(in, at[k]) };
	return keys;
}

static int64_t stat_get(struct interp *in, const struct ir_expr *e, const struct ir_val *keys)
{
	const struct ir_global *g = in->m->globals[e->sym];
	struct wire_stat *st = xmalloc(ir_stat_size(g));
	enum ir_stat which = (enum ir_stat)e->imm;
	uint32_t nkeys = g->is_array ? g->nkeys : 0;
	int64_t v;

	in->store->ops->stat_get(in->store, e->sym, keys, st);
	if (!st->count && which != IR_STAT_COUNT && which != IR_STAT_SUM)
		interp_fail(in, WERR_EMPTY_AGG, 0, e);
	v = ir_stat_value(st, which, e->nargs > nkeys ? interp_int(in, e->args[nkeys]) : 0);
	free(st);
	return v;
}

static int64_t hist_count(struct interp *in, const struct ir_expr *e, const struct ir_val *keys)
{
	const struct ir_global *g = in->m->globals[e->sym];
	struct wire_stat *st = xmalloc(ir_stat_size(g));
	int64_t i = interp_int(in, e->args[e->nargs - 1]), v = 0;

	in->store->ops->stat_get(in->store, e->sym, keys, st);
	if (!st->count)
		interp_fail(in, WERR_EMPTY_AGG, 0, e);
	else if (i < 0 || i >= ir_hist_buckets(g))
		interp_fail(in, WERR_HIST_RANGE, 0, e);
	else
		v = st->bucket[i];
	free(st);
	return v;
}

int64_t interp_global_int(struct interp *in, const struct ir_expr *e)
{
	const struct ir_store_ops *ops = in->store->ops;
	struct ir_val keys[IR_MAX_KEYS], v = { 0 };
	uint32_t mark = in->top;
	const struct ir_val *k;
	int64_t r = 0;

	if (e->op == IR_ASIZE)
		return ops->size(in->store, e->sym);
	if (e->op == IR_HIST_BUCKETS)
		return ir_hist_buckets(in->m->globals[e->sym]);
	k = interp_keys(in, e, keys);
	if (in->err.code != WERR_NONE) {
		in->top = mark;
		return 0;
	}
	switch (e->op) {
	case IR_STAT_GET:
		r = stat_get(in, e, k);
		break;
	case IR_HIST_COUNT:
		r = hist_count(in, e, k);
		break;
	case IR_AHAS:
		r = ops->get(in->store, e->sym, k, &v, NULL);
		break;
	default:
		ops->get(in->store, e->sym, k, &v, NULL);
		r = v.i;
	}
	in->top = mark;
	return r;
}

uint32_t interp_global_str(struct interp *in, const struct ir_expr *e)
{
	uint32_t bound = in->m->globals[e->sym]->bound, at;
	struct ir_val keys[IR_MAX_KEYS], v;
	const struct ir_val *k = interp_keys(in, e, keys);

	at = interp_push(in, bound);
	if (in->err.code != WERR_NONE)
		return interp_push_text(in, "", 0, 1);
	in->store->ops->get(in->store, e->sym, k, &v, interp_at(in, at));
	if (strlen(interp_at(in, at)) >= e->bound) {
		interp_at(in, at)[e->bound - 1] = 0;
		in->stats.truncated++;
	}
	return at;
}

/* How the elements of a foreach are ordered. */
struct sorter {
	const struct ir_global *g;
	const struct ir_foreach *l;
	const struct ir_elem *elems;
};

static int compare_vals(enum ir_type type, const struct ir_val *a, const struct ir_val *b)
{
	if (type == IR_STR)
		return strcmp(a->s, b->s);
	return a->i < b->i ? -1 : a->i > b->i;
}

static int sort_cmp(const void *x, const void *y, void *ctx)
{
	const struct sorter *so = ctx;
	uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
	const struct ir_elem *a = &so->elems[i], *b = &so->elems[j];
	int c = 0;

	if (so->l->sort == IR_SORT_KEY) {
		uint32_t k = so->l->sort_key;

		c = compare_vals(so->g->key_type[k], &a->key[k], &b->key[k]);
	} else if (so->l->sort == IR_SORT_VALUE) {
		c = compare_vals(so->g->type, &a->val, &b->val);
	} else if (so->l->sort == IR_SORT_STAT) {
		int64_t v = ir_stat_value(a->stat, so->l->sort_stat, 0);
		int64_t w = ir_stat_value(b->stat, so->l->sort_stat, 0);

		c = v < w ? -1 : v > w;
	}
	if (so->l->descending)
		c = -c;
	return c ? c : i < j ? -1 : i > j;
}

static bool selected(const struct ir_global *g, const struct ir_foreach *l, const struct ir_elem *e,
		     const struct ir_val *slice)
{
	for (uint32_t k = 0; k < l->nkeys; k++)
		if (l->slice[k] && compare_vals(g->key_type[k], &e->key[k], &slice[k]) != 0)
			return false;
	return true;
}

static void walk_hist(struct interp *in, const struct ir_foreach *l, struct walk *w)
{
	const struct ir_global *g = in->m->globals[l->global];
	struct ir_expr probe = { .op = IR_STAT_GET, .sym = l->global, .args = l->hist_keys,
				 .nargs = g->nkeys };
	struct ir_val keys[IR_MAX_KEYS];
	const struct ir_val *k = interp_keys(in, &probe, keys);

	w->hist = xmalloc(ir_stat_size(g));
	w->n = ir_hist_buckets(g);
	in->store->ops->stat_get(in->store, l->global, k, w->hist);
}

static void walk_array(struct interp *in, const struct ir_foreach *l, struct walk *w)
{
	const struct ir_global *g = in->m->globals[l->global];
	struct sorter so = { .g = g, .l = l };
	struct ir_val slice[IR_MAX_KEYS] = { { 0 } };

	for (uint32_t k = 0; k < l->nkeys; k++) {
		if (!l->slice[k])
			continue;
		if (g->key_type[k] == IR_STR)
			slice[k].s = interp_at(in, interp_text(in, l->slice[k]));
		else
			slice[k].i = interp_int(in, l->slice[k]);
	}
	if (in->err.code != WERR_NONE)
		return;
	if (in->store->ops->snapshot(in->store, l->global, &w->snap)) {
		static const struct ir_expr nowhere;

		interp_fail(in, WERR_GIVEN_UP, l->global, &nowhere);
		return;
	}
	so.elems = w->snap.elems;
	w->order = xmalloc((w->snap.n + 1) * sizeof(*w->order));
	for (size_t i = 0; i < w->snap.n; i++)
		if (selected(g, l, &w->snap.elems[i], slice))
			w->order[w->n++] = (uint32_t)i;
	if (l->sort != IR_SORT_NONE)
		qsort_r(w->order, w->n, sizeof(*w->order), sort_cmp, &so);
}

struct walk *interp_walk_begin(struct interp *in, const struct ir_foreach *l)
{
	struct walk *w = xcalloc(1, sizeof(*w));
	uint32_t mark = in->top;

	if (l->hist)
		walk_hist(in, l, w);
	else
		walk_array(in, l, w);
	if (l->limit) {
		int64_t limit = interp_int(in, l->limit);

		if (limit < 0)
			limit = 0;
		if ((uint64_t)limit < w->n)
			w->n = (size_t)limit;
	}
	in->top = mark;
	return w;
}

static void set_local(struct interp *in, int32_t local, enum ir_type type, const struct ir_val *v)
{
	const struct ir_local *l;
	char *to;
	size_t n;

	if (local < 0)
		return;
	to = interp_local(in, (uint32_t)local);
	if (type != IR_STR) {
		memcpy(to, &v->i, sizeof(v->i));
		return;
	}
	l = &in->func->locals[local];
	n = strlen(v->s);
	if (n >= l->bound) {
		n = l->bound - 1;
		in->stats.truncated++;
	}
	memcpy(to, v->s, n);
	to[n] = 0;
}

bool interp_walk_next(struct interp *in, const struct ir_foreach *l, struct walk *w)
{
	const struct ir_global *g = in->m->globals[l->global];
	const struct ir_elem *e;

	if (w->next >= w->n)
		return false;
	if (w->hist) {
		struct ir_val i = { .i = (int64_t)w->next }, v = { .i = w->hist->bucket[w->next] };

		set_local(in, l->key_local[0], IR_I64, &i);
		set_local(in, l->value_local, IR_I64, &v);
		w->next++;
		return true;
	}
	e = &w->snap.elems[w->order[w->next++]];
	for (uint32_t k = 0; k < l->nkeys; k++)
		set_local(in, l->key_local[k], g->key_type[k], &e->key[k]);
	if (g->type != IR_STAT)
		set_local(in, l->value_local, g->type, &e->val);
	return true;
}

void interp_walk_end(struct interp *in, struct walk *w)
{
	if (!w)
		return;
	if (w->snap.mem)
		in->store->ops->snapshot_free(in->store, &w->snap);
	free(w->order);
	free(w->hist);
	free(w);
}
