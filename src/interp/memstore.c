/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Globals in this process's memory.  An array is a hash table of elements that
 * also hang on a list in insertion order.  One thread: locks are nothing.
 */
#include "interp/memstore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"

struct elem {
	struct elem *chain;		/* same bucket */
	struct elem *older, *newer;
	uint64_t hash;
	struct ir_val key[IR_MAX_KEYS];	/* strings are owned */
	struct ir_val val;
	struct wire_stat *stat;
};

struct cell {
	const struct ir_global *g;
	struct ir_val val;		/* scalar */
	struct wire_stat *stat;
	struct elem **buckets;
	uint32_t nbuckets, count;
	struct elem *oldest, *newest;
};

struct memstore {
	struct ir_store base;
	struct cell *cells;
	size_t ncells;
};

static struct memstore *of(struct ir_store *st)
{
	return (struct memstore *)st;
}

/* A copy cut to a buffer of `bound` bytes. */
static char *dup_cut(const char *s, uint32_t bound)
{
	size_t n = strnlen(s, bound ? bound - 1 : 0);
	char *p = xcalloc(1, n + 1);

	memcpy(p, s, n);
	return p;
}

static uint64_t hash_keys(const struct ir_global *g, const struct ir_val *keys)
{
	uint64_t h = HASH64;

	for (uint32_t k = 0; k < g->nkeys; k++) {
		if (g->key_type[k] == IR_STR) {
			for (uint32_t i = 0; keys[k].s[i] && i + 1 < g->key_bound[k]; i++)
				h = hash64_add(h, (unsigned char)keys[k].s[i]);
			h = hash64_add(h, 0xff);
		} else {
			h = (h ^ (uint64_t)keys[k].i) * 0x9e3779b97f4a7c15ull;
			h ^= h >> 32;
		}
	}
	return h;
}

static bool keys_equal(const struct ir_global *g, const struct elem *e, const struct ir_val *keys)
{
	for (uint32_t k = 0; k < g->nkeys; k++) {
		if (g->key_type[k] != IR_STR) {
			if (e->key[k].i != keys[k].i)
				return false;
		} else if (strncmp(e->key[k].s, keys[k].s, g->key_bound[k] - 1) != 0) {
			return false;
		}
	}
	return true;
}

static struct elem *find(const struct cell *c, const struct ir_val *keys, uint64_t hash)
{
	struct elem *e = c->nbuckets ? c->buckets[hash & (c->nbuckets - 1)] : NULL;

	while (e && (e->hash != hash || !keys_equal(c->g, e, keys)))
		e = e->chain;
	return e;
}

static struct elem *lookup(const struct cell *c, const struct ir_val *keys)
{
	return find(c, keys, hash_keys(c->g, keys));
}

static void elem_free(const struct ir_global *g, struct elem *e)
{
	for (uint32_t k = 0; k < g->nkeys; k++)
		free((char *)(uintptr_t)e->key[k].s);
	free((char *)(uintptr_t)e->val.s);
	free(e->stat);
	free(e);
}

static void unlink_elem(struct cell *c, struct elem *e)
{
	struct elem **p = &c->buckets[e->hash & (c->nbuckets - 1)];

	while (*p != e)
		p = &(*p)->chain;
	*p = e->chain;
	if (e->older)
		e->older->newer = e->newer;
	else
		c->oldest = e->newer;
	if (e->newer)
		e->newer->older = e->older;
	else
		c->newest = e->older;
	c->count--;
	elem_free(c->g, e);
}

static void grow(struct cell *c)
{
	uint32_t n = c->nbuckets ? c->nbuckets * 2 : 16;

	free(c->buckets);
	c->buckets = xcalloc(n, sizeof(*c->buckets));
	c->nbuckets = n;
	for (struct elem *e = c->oldest; e; e = e->newer) {
		e->chain = c->buckets[e->hash & (n - 1)];
		c->buckets[e->hash & (n - 1)] = e;
	}
}

/* The element of these keys, made if it is missing; NULL: the array is full. */
static struct elem *obtain(struct cell *c, const struct ir_val *keys)
{
	uint64_t hash = hash_keys(c->g, keys);
	struct elem *e = find(c, keys, hash);

	if (e)
		return e;
	if (c->count >= c->g->max_entries) {
		if (!c->g->wrap || !c->oldest)
			return NULL;
		unlink_elem(c, c->oldest);
	}
	if (c->count >= c->nbuckets)
		grow(c);
	e = xcalloc(1, sizeof(*e));
	e->hash = hash;
	for (uint32_t k = 0; k < c->g->nkeys; k++) {
		if (c->g->key_type[k] == IR_STR)
			e->key[k].s = dup_cut(keys[k].s, c->g->key_bound[k]);
		else
			e->key[k].i = keys[k].i;
	}
	if (c->g->type == IR_STAT)
		e->stat = xcalloc(1, ir_stat_size(c->g));
	e->chain = c->buckets[hash & (c->nbuckets - 1)];
	c->buckets[hash & (c->nbuckets - 1)] = e;
	e->older = c->newest;
	if (c->newest)
		c->newest->newer = e;
	else
		c->oldest = e;
	c->newest = e;
	c->count++;
	return e;
}

static int mem_lock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	(void)st;
	(void)global;
	(void)mode;
	return 0;
}

static void mem_unlock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	(void)st;
	(void)global;
	(void)mode;
}

static bool mem_get(struct ir_store *st, uint32_t global, const struct ir_val *keys,
		    struct ir_val *out, char *buf)
{
	struct cell *c = &of(st)->cells[global];
	struct elem *e = c->g->is_array ? lookup(c, keys) : NULL;
	const struct ir_val *v = c->g->is_array ? (e ? &e->val : NULL) : &c->val;

	out->i = v ? v->i : 0;
	out->s = buf;
	if (buf)
		strcpy(buf, v && v->s ? v->s : "");
	return v != NULL;
}

static void assign(const struct ir_global *g, struct ir_val *to, const struct ir_val *v)
{
	if (g->type == IR_STR) {
		char *copy = dup_cut(v->s, g->bound);

		free((char *)(uintptr_t)to->s);
		to->s = copy;
	} else {
		to->i = v->i;
	}
}

static int mem_set(struct ir_store *st, uint32_t global, const struct ir_val *keys,
		   const struct ir_val *val)
{
	struct cell *c = &of(st)->cells[global];
	struct elem *e;

	if (!c->g->is_array) {
		assign(c->g, &c->val, val);
		return 0;
	}
	e = obtain(c, keys);
	if (!e)
		return -ENOSPC;
	assign(c->g, &e->val, val);
	return 0;
}

static int mem_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t addend,
		   int64_t *old)
{
	struct cell *c = &of(st)->cells[global];
	struct elem *e = c->g->is_array ? obtain(c, keys) : NULL;
	struct ir_val *v = c->g->is_array ? (e ? &e->val : NULL) : &c->val;

	if (!v)
		return -ENOSPC;
	*old = v->i;
	v->i = (int64_t)((uint64_t)v->i + (uint64_t)addend);
	return 0;
}

static void mem_del(struct ir_store *st, uint32_t global, const struct ir_val *keys)
{
	struct cell *c = &of(st)->cells[global];
	struct elem *e = lookup(c, keys);

	if (e)
		unlink_elem(c, e);
}

static void mem_clear(struct ir_store *st, uint32_t global)
{
	struct cell *c = &of(st)->cells[global];

	while (c->oldest)
		unlink_elem(c, c->oldest);
	free((char *)(uintptr_t)c->val.s);
	c->val = (struct ir_val){ 0 };
	if (c->stat)
		memset(c->stat, 0, ir_stat_size(c->g));
}

static uint32_t mem_size(struct ir_store *st, uint32_t global)
{
	return of(st)->cells[global].count;
}

static int mem_stat_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t v)
{
	struct cell *c = &of(st)->cells[global];
	struct elem *e = c->g->is_array ? obtain(c, keys) : NULL;

	if (c->g->is_array && !e)
		return -ENOSPC;
	ir_stat_add(c->g, e ? e->stat : c->stat, v);
	return 0;
}

static bool mem_stat_get(struct ir_store *st, uint32_t global, const struct ir_val *keys,
			 struct wire_stat *out)
{
	struct cell *c = &of(st)->cells[global];
	struct elem *e = c->g->is_array ? lookup(c, keys) : NULL;
	const struct wire_stat *s = c->g->is_array ? (e ? e->stat : NULL) : c->stat;
	size_t size = ir_stat_size(c->g);

	if (s)
		memcpy(out, s, size);
	else
		memset(out, 0, size);
	return s != NULL;
}

static size_t elem_text(const struct ir_global *g, const struct elem *e)
{
	size_t n = e->val.s ? strlen(e->val.s) + 1 : 0;

	for (uint32_t k = 0; k < g->nkeys; k++)
		n += e->key[k].s ? strlen(e->key[k].s) + 1 : 0;
	return n;
}

static const char *take_text(char **p, const char *s)
{
	char *at = *p;

	if (!s)
		return NULL;
	*p = stpcpy(at, s) + 1;
	return at;
}

static int mem_snapshot(struct ir_store *st, uint32_t global, struct ir_snapshot *out)
{
	struct cell *c = &of(st)->cells[global];
	size_t text = 0, stat = c->g->type == IR_STAT ? ir_stat_size(c->g) : 0, i = 0;
	char *p, *q;

	for (struct elem *e = c->oldest; e; e = e->newer)
		text += elem_text(c->g, e);
	out->n = c->count;
	out->elems = xcalloc(c->count, sizeof(*out->elems));
	out->mem = xcalloc(1, c->count * stat + text);
	q = out->mem;
	p = q + c->count * stat;
	for (struct elem *e = c->oldest; e; e = e->newer, i++) {
		struct ir_elem *o = &out->elems[i];

		for (uint32_t k = 0; k < c->g->nkeys; k++)
			o->key[k] = (struct ir_val){ e->key[k].i, take_text(&p, e->key[k].s) };
		o->val.i = e->val.i;
		o->val.s = take_text(&p, e->val.s);
		if (c->g->type == IR_STR && !o->val.s)
			o->val.s = "";
		if (stat) {
			o->stat = memcpy(q, e->stat, stat);
			q += stat;
		}
	}
	return 0;
}

static void mem_snapshot_free(struct ir_store *st, struct ir_snapshot *snap)
{
	(void)st;
	free(snap->elems);
	free(snap->mem);
	*snap = (struct ir_snapshot){ 0 };
}

static void mem_destroy(struct ir_store *st)
{
	struct memstore *ms = of(st);

	for (size_t i = 0; i < ms->ncells; i++) {
		mem_clear(st, (uint32_t)i);
		free(ms->cells[i].buckets);
		free(ms->cells[i].stat);
	}
	free(ms->cells);
	free(ms);
}

static const struct ir_store_ops memstore_ops = {
	.destroy = mem_destroy,
	.lock = mem_lock,
	.unlock = mem_unlock,
	.get = mem_get,
	.set = mem_set,
	.add = mem_add,
	.del = mem_del,
	.clear = mem_clear,
	.size = mem_size,
	.stat_add = mem_stat_add,
	.stat_get = mem_stat_get,
	.snapshot = mem_snapshot,
	.snapshot_free = mem_snapshot_free,
};

struct ir_store *memstore_create(const struct ir_module *m)
{
	struct memstore *ms = xcalloc(1, sizeof(*ms));

	ms->base.ops = &memstore_ops;
	ms->base.module = m;
	ms->ncells = arrlenu(m->globals);
	ms->cells = xcalloc(ms->ncells, sizeof(*ms->cells));
	for (size_t i = 0; i < ms->ncells; i++) {
		const struct ir_global *g = m->globals[i];
		struct cell *c = &ms->cells[i];

		c->g = g;
		if (g->type == IR_STAT && !g->is_array)
			c->stat = xcalloc(1, ir_stat_size(g));
		if (g->init.set) {
			struct ir_val v = { g->init.i, g->init.s };

			assign(g, &c->val, &v);
		}
	}
	return &ms->base;
}
