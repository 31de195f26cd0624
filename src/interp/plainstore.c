/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See plainstore.h.  Arrays that can hold no deferred text are passed through.  Of the others a view is made at the
 * first access: a snapshot with plain keys, found by a hash table, each with the elements that stand for it.  It is
 * kept until the handler ends or adds an element.
 */
#include "interp/plainstore.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "interp/suspect.h"

#define NONE SIZE_MAX

struct view;

struct plainstore {
	struct ir_store st;
	struct ir_store *inner;
	const struct out_defer *defer;
	bool *suspect;			/* by global: an array that may hold deferred text */
	bool *assigned;			/* its values are not only added to */
	struct view **views;		/* by global; NULL: none is kept */
};

/* What is known of an element of a view. */
struct row {
	size_t raw;			/* its first element in the snapshot; view.next has the others */
	size_t same_hash;		/* the next element of its hash, or NONE */
	bool gone;			/* deleted since */
};

/* The elements of an array with plain keys, equal ones merged, in the order of their first. */
struct view {
	unsigned users;			/* snapshots given out, and the store */
	struct ir_snapshot raw;
	struct ir_elem *elems;		/* stb_ds, as are these */
	struct row *rows;		/* beside elems */
	size_t *next;			/* beside raw.elems: the next that stands for the same element, or NONE */
	struct { uint64_t key; size_t value; } *index;	/* hash to the first element */
	struct arena *texts;
	size_t ngone;			/* of elems */
};

static struct plainstore *self(struct ir_store *st)
{
	return (struct plainstore *)st;
}

/* The plain text of `s`, as long as a string of the script may be: `bound` counts the NUL. */
static const char *plain(const struct plainstore *p, struct arena *a, const char *s, uint32_t bound)
{
	struct out_buf b = { 0 };
	const char *text;

	if (!strchr(s, WIRE_DEFER_OPEN))
		return s;
	out_expand(&b, p->defer, s, strlen(s));
	text = arena_strndup(a, b.p ? b.p : "", b.len < bound ? b.len : bound - 1);
	out_buf_free(&b);
	return text;
}

static bool same_keys(const struct ir_global *g, const struct ir_val *a, const struct ir_val *b)
{
	for (uint32_t k = 0; k < g->nkeys; k++)
		if (g->key_type[k] == IR_STR ? strcmp(a[k].s, b[k].s) != 0 : a[k].i != b[k].i)
			return false;
	return true;
}

static struct ir_elem plain_elem(const struct plainstore *p, const struct ir_global *g, struct arena *a,
				 const struct ir_elem *raw)
{
	struct ir_elem e = *raw;

	for (uint32_t k = 0; k < g->nkeys; k++)
		if (g->key_type[k] == IR_STR)
			e.key[k].s = plain(p, a, raw->key[k].s, g->key_bound[k]);
	if (g->type == IR_STR)
		e.val.s = plain(p, a, raw->val.s, g->bound);
	return e;
}

static void merge_elem(const struct ir_global *g, bool assigned, struct ir_elem *to, const struct ir_elem *e)
{
	if (g->type == IR_STAT)
		ir_stat_merge(g, to->stat, e->stat);
	else if (g->type == IR_I64 && !assigned)
		to->val.i += e->val.i;
	else
		to->val = e->val;
}

static uint64_t hash_keys(const struct ir_global *g, const struct ir_val *key)
{
	uint64_t h = HASH64;

	for (uint32_t k = 0; k < g->nkeys; k++)
		h = hash64_add(h, g->key_type[k] == IR_STR ? stbds_hash_string((char *)(uintptr_t)key[k].s, 1) :
							     (uint64_t)key[k].i);
	return h;
}

/* The element with these plain keys, or NONE. */
static size_t view_find(const struct ir_global *g, struct view *v, const struct ir_val *keys)
{
	ptrdiff_t at = hmgeti(v->index, hash_keys(g, keys));

	for (size_t i = at >= 0 ? v->index[at].value : NONE; i != NONE; i = v->rows[i].same_hash)
		if (!v->rows[i].gone && same_keys(g, v->elems[i].key, keys))
			return i;
	return NONE;
}

static void view_append(const struct ir_global *g, struct view *v, const struct ir_elem *e, size_t raw)
{
	uint64_t h = hash_keys(g, e->key);
	ptrdiff_t at = hmgeti(v->index, h);
	struct row row = { raw, at >= 0 ? v->index[at].value : NONE, false };

	hmput(v->index, h, arrlenu(v->elems));
	arrput(v->elems, *e);
	arrput(v->rows, row);
}

static void view_fill(const struct plainstore *p, uint32_t global, struct view *v)
{
	const struct ir_global *g = p->st.module->globals[global];

	v->texts = arena_create();
	for (size_t i = 0; i < v->raw.n; i++) {
		struct ir_elem e = plain_elem(p, g, v->texts, &v->raw.elems[i]);
		size_t known = view_find(g, v, e.key);

		arrput(v->next, NONE);
		if (known == NONE) {
			view_append(g, v, &e, i);
			continue;
		}
		merge_elem(g, p->assigned[global], &v->elems[known], &e);
		v->next[i] = v->rows[known].raw;
		v->rows[known].raw = i;
	}
}

static void view_release(struct plainstore *p, struct view *v)
{
	if (!v || --v->users)
		return;
	p->inner->ops->snapshot_free(p->inner, &v->raw);
	arrfree(v->elems);
	arrfree(v->rows);
	arrfree(v->next);
	hmfree(v->index);
	if (v->texts)
		arena_destroy(v->texts);
	free(v);
}

static void forget(struct plainstore *p, uint32_t global)
{
	view_release(p, p->views[global]);
	p->views[global] = NULL;
}

/* A view with the elements as they are; 0 or -errno. */
static int view_create(struct plainstore *p, uint32_t global, struct view **out)
{
	struct view *v = xcalloc(1, sizeof(*v));
	int rc = p->inner->ops->snapshot(p->inner, global, &v->raw);

	v->users = 1;
	*out = rc ? NULL : v;
	if (rc)
		free(v);
	return rc;
}

/* The view of a suspect array, the store's.  0 or -errno. */
static int view_of(struct plainstore *p, uint32_t global, struct view **out)
{
	int rc = 0;

	if (!p->views[global]) {
		rc = view_create(p, global, &p->views[global]);
		if (!rc)
			view_fill(p, global, p->views[global]);
	}
	*out = p->views[global];
	return rc;
}

/* The element of a suspect array, and its view; NONE: no such. */
static size_t find(struct plainstore *p, uint32_t global, const struct ir_val *keys, struct view **v)
{
	return view_of(p, global, v) ? NONE : view_find(p->st.module->globals[global], *v, keys);
}

static const struct ir_val *raw_key(const struct view *v, size_t i)
{
	return v->raw.elems[v->rows[i].raw].key;
}

static int plain_snapshot(struct ir_store *st, uint32_t global, struct ir_snapshot *out)
{
	struct plainstore *p = self(st);
	struct view *v;
	int rc;

	*out = (struct ir_snapshot){ 0 };
	if (!p->suspect[global]) {
		rc = view_create(p, global, &v);
		if (!rc)
			*out = (struct ir_snapshot){ v->raw.elems, v->raw.n, v };
		return rc;
	}
	if (p->views[global] && p->views[global]->ngone)
		forget(p, global);
	rc = view_of(p, global, &v);
	if (rc)
		return rc;
	v->users++;
	*out = (struct ir_snapshot){ v->elems, arrlenu(v->elems), v };
	return 0;
}

static void plain_snapshot_free(struct ir_store *st, struct ir_snapshot *snap)
{
	view_release(self(st), snap->mem);
	*snap = (struct ir_snapshot){ 0 };
}

static bool plain_get(struct ir_store *st, uint32_t global, const struct ir_val *keys, struct ir_val *out,
		      char *buf)
{
	struct plainstore *p = self(st);
	const struct ir_global *g = st->module->globals[global];
	struct view *v;
	size_t i;

	if (!p->suspect[global])
		return p->inner->ops->get(p->inner, global, keys, out, buf);
	i = find(p, global, keys, &v);
	out->i = i != NONE && g->type == IR_I64 ? v->elems[i].val.i : 0;
	out->s = NULL;
	if (buf && g->type == IR_STR) {
		const char *text = i != NONE ? v->elems[i].val.s : "";
		size_t n = strnlen(text, g->bound - 1);

		memcpy(buf, text, n);
		buf[n] = 0;
		out->s = buf;
	}
	return i != NONE;
}

/* Deletes what stands for element `i`, but for its last if `keep`. */
static void del_raw(struct plainstore *p, uint32_t global, struct view *v, size_t i, bool keep)
{
	size_t first = v->rows[i].raw;

	for (size_t r = keep ? v->next[first] : first; r != NONE; r = v->next[r])
		p->inner->ops->del(p->inner, global, v->raw.elems[r].key);
	v->next[first] = NONE;
}

static void plain_del(struct ir_store *st, uint32_t global, const struct ir_val *keys)
{
	struct plainstore *p = self(st);
	struct view *v;
	size_t i;

	if (!p->suspect[global]) {
		p->inner->ops->del(p->inner, global, keys);
		return;
	}
	i = find(p, global, keys, &v);
	if (i == NONE)
		return;
	del_raw(p, global, v, i, false);
	v->rows[i].gone = true;
	v->ngone++;
}

/*
 * The element of a suspect array that is to be changed, or NONE: then the store below has the key as it is, or gets it,
 * and with it the array looks different.
 */
static size_t find_to_change(struct plainstore *p, uint32_t global, const struct ir_val *keys, struct view **v)
{
	size_t i = NONE;

	if (p->suspect[global]) {
		i = find(p, global, keys, v);
		if (i == NONE)
			forget(p, global);
	}
	return i;
}

static int plain_set(struct ir_store *st, uint32_t global, const struct ir_val *keys, const struct ir_val *val)
{
	struct plainstore *p = self(st);
	const struct ir_global *g = st->module->globals[global];
	struct view *v;
	size_t i;
	int rc;

	i = find_to_change(p, global, keys, &v);
	if (i == NONE)
		return p->inner->ops->set(p->inner, global, keys, val);
	del_raw(p, global, v, i, true);
	rc = p->inner->ops->set(p->inner, global, raw_key(v, i), val);
	if (!rc && g->type == IR_STR)
		v->elems[i].val.s = arena_strndup(v->texts, val->s, strnlen(val->s, g->bound - 1));
	else if (!rc)
		v->elems[i].val.i = val->i;
	return rc;
}

static int plain_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t addend,
		     int64_t *old)
{
	struct plainstore *p = self(st);
	struct ir_val sum = { 0 };
	struct view *v;
	size_t i;
	int rc;

	i = find_to_change(p, global, keys, &v);
	if (i == NONE)
		return p->inner->ops->add(p->inner, global, keys, addend, old);
	*old = v->elems[i].val.i;
	sum.i = (int64_t)((uint64_t)*old + (uint64_t)addend);
	if (p->assigned[global])
		return plain_set(st, global, keys, &sum);
	rc = p->inner->ops->add(p->inner, global, raw_key(v, i), addend, &(int64_t){ 0 });
	if (!rc)
		v->elems[i].val.i = sum.i;
	return rc;
}

static int plain_stat_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t value)
{
	struct plainstore *p = self(st);
	struct view *v;
	size_t i;
	int rc;

	i = find_to_change(p, global, keys, &v);
	if (i == NONE)
		return p->inner->ops->stat_add(p->inner, global, keys, value);
	rc = p->inner->ops->stat_add(p->inner, global, raw_key(v, i), value);
	if (!rc)
		ir_stat_add(st->module->globals[global], v->elems[i].stat, value);
	return rc;
}

static bool plain_stat_get(struct ir_store *st, uint32_t global, const struct ir_val *keys, struct wire_stat *out)
{
	struct plainstore *p = self(st);
	struct view *v;
	size_t i = p->suspect[global] ? find(p, global, keys, &v) : NONE;

	if (i == NONE)		/* in a suspect array an empty one */
		return p->inner->ops->stat_get(p->inner, global, keys, out);
	memcpy(out, v->elems[i].stat, ir_stat_size(st->module->globals[global]));
	return true;
}

static uint32_t plain_size(struct ir_store *st, uint32_t global)
{
	struct plainstore *p = self(st);
	struct view *v;

	if (!p->suspect[global])
		return p->inner->ops->size(p->inner, global);
	return view_of(p, global, &v) ? 0 : (uint32_t)(arrlenu(v->elems) - v->ngone);
}

void plainstore_forget(struct ir_store *st)
{
	for (size_t i = 0; i < arrlenu(st->module->globals); i++)
		forget(self(st), (uint32_t)i);
}

static void plain_destroy(struct ir_store *st)
{
	struct plainstore *p = self(st);

	plainstore_forget(st);
	free(p->views);
	free(p->suspect);
	free(p->assigned);
	free(p);
}

static int plain_lock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	return self(st)->inner->ops->lock(self(st)->inner, global, mode);
}

static void plain_unlock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	self(st)->inner->ops->unlock(self(st)->inner, global, mode);
}

static void plain_clear(struct ir_store *st, uint32_t global)
{
	forget(self(st), global);
	self(st)->inner->ops->clear(self(st)->inner, global);
}

static const struct ir_store_ops plain_ops = {
	.destroy = plain_destroy, .lock = plain_lock, .unlock = plain_unlock, .get = plain_get, .set = plain_set,
	.add = plain_add, .del = plain_del, .clear = plain_clear, .size = plain_size,
	.stat_add = plain_stat_add, .stat_get = plain_stat_get, .snapshot = plain_snapshot,
	.snapshot_free = plain_snapshot_free,
};

bool plainstore_wanted(const struct ir_module *m)
{
	bool *suspect = interp_suspects(m), any = false;

	for (size_t i = 0; i < arrlenu(m->globals); i++)
		any |= suspect[i];
	free(suspect);
	return any;
}

struct ir_store *plainstore_create(struct ir_store *inner, const struct out_defer *defer)
{
	struct plainstore *p = xcalloc(1, sizeof(*p));

	p->st = (struct ir_store){ &plain_ops, inner->module };
	p->inner = inner;
	p->defer = defer;
	p->suspect = interp_suspects(inner->module);
	p->assigned = interp_assigned(inner->module);
	p->views = xcalloc(arrlenu(inner->module->globals) + 1, sizeof(struct view *));
	return &p->st;
}
