/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See plainstore.h.  Arrays that can hold no deferred text are passed through.  Of the others every
 * access by key looks at a snapshot, as more than one element may stand for a key.
 */
#include "interp/plainstore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "interp/suspect.h"

struct plainstore {
	struct ir_store st;
	struct ir_store *inner;
	const struct out_defer *defer;
	bool *suspect;			/* by global: an array that may hold deferred text */
	bool *assigned;			/* its values are not only added to */
};

/* What a snapshot of this store keeps. */
struct view {
	struct ir_snapshot inner;
	struct ir_elem *elems;		/* stb_ds */
	struct arena *texts;
};

static struct plainstore *self(struct ir_store *st)
{
	return (struct plainstore *)st;
}

static const char *plain(const struct plainstore *p, struct arena *a, const char *s)
{
	struct out_buf b = { 0 };
	const char *text;

	if (!strchr(s, WIRE_DEFER_OPEN))
		return s;
	out_expand(&b, p->defer, s, strlen(s));
	text = arena_strndup(a, b.p ? b.p : "", b.len);
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
			e.key[k].s = plain(p, a, raw->key[k].s);
	if (g->type == IR_STR)
		e.val.s = plain(p, a, raw->val.s);
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

/* Elements with plain keys, equal ones merged, in the order of their first. */
static int plain_snapshot(struct ir_store *st, uint32_t global, struct ir_snapshot *out)
{
	struct plainstore *p = self(st);
	const struct ir_global *g = st->module->globals[global];
	struct { uint64_t key; size_t value; } *index = NULL;
	struct view *v;
	int rc;

	*out = (struct ir_snapshot){ 0 };
	v = xcalloc(1, sizeof(*v));
	rc = p->inner->ops->snapshot(p->inner, global, &v->inner);
	if (rc) {
		free(v);
		return rc;
	}
	v->texts = arena_create();
	for (size_t i = 0; i < v->inner.n; i++) {
		struct ir_elem e = p->suspect[global] ? plain_elem(p, g, v->texts, &v->inner.elems[i]) :
							v->inner.elems[i];
		uint64_t h = p->suspect[global] ? hash_keys(g, e.key) : 0;
		ptrdiff_t known = p->suspect[global] ? hmgeti(index, h) : -1;

		if (known >= 0 && same_keys(g, v->elems[index[known].value].key, e.key)) {
			merge_elem(g, p->assigned[global], &v->elems[index[known].value], &e);
			continue;
		}
		if (p->suspect[global] && known < 0)
			hmput(index, h, arrlenu(v->elems));
		arrput(v->elems, e);
	}
	hmfree(index);
	out->elems = v->elems;
	out->n = arrlenu(v->elems);
	out->mem = v;
	return 0;
}

static void plain_snapshot_free(struct ir_store *st, struct ir_snapshot *snap)
{
	struct plainstore *p = self(st);
	struct view *v = snap->mem;

	if (v) {
		p->inner->ops->snapshot_free(p->inner, &v->inner);
		arrfree(v->elems);
		arena_destroy(v->texts);
		free(v);
	}
	*snap = (struct ir_snapshot){ 0 };
}

/* The element of a suspect array, in a snapshot to be freed; NULL: none. */
static const struct ir_elem *find(struct ir_store *st, uint32_t global, const struct ir_val *keys,
				  struct ir_snapshot *snap)
{
	const struct ir_global *g = st->module->globals[global];

	if (plain_snapshot(st, global, snap))
		return NULL;
	for (size_t i = 0; i < snap->n; i++)
		if (same_keys(g, snap->elems[i].key, keys))
			return &snap->elems[i];
	return NULL;
}

static bool plain_get(struct ir_store *st, uint32_t global, const struct ir_val *keys, struct ir_val *out,
		      char *buf)
{
	struct plainstore *p = self(st);
	const struct ir_global *g = st->module->globals[global];
	struct ir_snapshot snap;
	const struct ir_elem *e;
	bool found;

	if (!p->suspect[global])
		return p->inner->ops->get(p->inner, global, keys, out, buf);
	e = find(st, global, keys, &snap);
	found = e != NULL;
	out->i = e && g->type == IR_I64 ? e->val.i : 0;
	out->s = NULL;
	if (buf && g->type == IR_STR) {
		size_t n = e ? strlen(e->val.s) : 0;

		n = n < g->bound ? n : g->bound - 1;
		memcpy(buf, e ? e->val.s : "", n);
		buf[n] = 0;
		out->s = buf;
	}
	plain_snapshot_free(st, &snap);
	return found;
}

/* Removes the elements behind these plain keys. */
static void plain_del(struct ir_store *st, uint32_t global, const struct ir_val *keys)
{
	struct plainstore *p = self(st);
	const struct ir_global *g = st->module->globals[global];
	struct ir_snapshot raw;
	struct arena *a;

	p->inner->ops->del(p->inner, global, keys);
	if (!p->suspect[global] || p->inner->ops->snapshot(p->inner, global, &raw))
		return;
	a = arena_create();
	for (size_t i = 0; i < raw.n; i++) {
		struct ir_elem e = plain_elem(p, g, a, &raw.elems[i]);

		if (same_keys(g, e.key, keys))
			p->inner->ops->del(p->inner, global, raw.elems[i].key);
	}
	arena_destroy(a);
	p->inner->ops->snapshot_free(p->inner, &raw);
}

static int plain_set(struct ir_store *st, uint32_t global, const struct ir_val *keys, const struct ir_val *val)
{
	struct plainstore *p = self(st);

	if (p->suspect[global])
		plain_del(st, global, keys);
	return p->inner->ops->set(p->inner, global, keys, val);
}

static int plain_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t addend,
		     int64_t *old)
{
	struct plainstore *p = self(st);
	struct ir_val v = { 0 };

	if (!p->suspect[global])
		return p->inner->ops->add(p->inner, global, keys, addend, old);
	plain_get(st, global, keys, &v, NULL);
	*old = v.i;
	if (p->assigned[global]) {
		v.i = (int64_t)((uint64_t)v.i + (uint64_t)addend);
		return plain_set(st, global, keys, &v);
	}
	return p->inner->ops->add(p->inner, global, keys, addend, &v.i);
}

static bool plain_stat_get(struct ir_store *st, uint32_t global, const struct ir_val *keys, struct wire_stat *out)
{
	struct plainstore *p = self(st);
	const struct ir_global *g = st->module->globals[global];
	struct ir_snapshot snap;
	const struct ir_elem *e;
	bool found;

	if (!p->suspect[global])
		return p->inner->ops->stat_get(p->inner, global, keys, out);
	e = find(st, global, keys, &snap);
	found = e != NULL;
	if (e)
		memcpy(out, e->stat, ir_stat_size(g));
	else
		p->inner->ops->stat_get(p->inner, global, keys, out);	/* an empty one */
	plain_snapshot_free(st, &snap);
	return found;
}

static uint32_t plain_size(struct ir_store *st, uint32_t global)
{
	struct plainstore *p = self(st);
	struct ir_snapshot snap;
	uint32_t n;

	if (!p->suspect[global])
		return p->inner->ops->size(p->inner, global);
	plain_snapshot(st, global, &snap);
	n = (uint32_t)snap.n;
	plain_snapshot_free(st, &snap);
	return n;
}

static void plain_destroy(struct ir_store *st)
{
	struct plainstore *p = self(st);

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
	self(st)->inner->ops->clear(self(st)->inner, global);
}

static int plain_stat_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t v)
{
	return self(st)->inner->ops->stat_add(self(st)->inner, global, keys, v);
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
	return &p->st;
}
