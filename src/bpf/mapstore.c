/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store of globals over the maps that kernel handlers share (ir/store.h).  Scalars, locks and
 * statistics scalars are memory mapped and changed by the same atomic operations; an element of an array is
 * read, changed and written back, which its lock makes safe.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "bpf/engine_priv.h"
#include "ir/statmath.h"

#define LOCK_PATIENCE_NS	100000000	/* how long a lock is tried for */
#define LOCK_SPINS		1000		/* before giving the processor away */
#define MEMORY_TRIES		1000		/* for an element of an array */

struct mapstore {
	struct ir_store base;
	struct engine *e;
	uint8_t *key, *value;		/* buffers for the largest element */
};

static struct mapstore *self(struct ir_store *st)
{
	return (struct mapstore *)st;
}

static const struct global_place *place(struct mapstore *ms, uint32_t global)
{
	return &ms->e->unit.lo.globals[global];
}

static const struct ir_global *global_of(struct mapstore *ms, uint32_t global)
{
	return ms->base.module->globals[global];
}

static int64_t *line(struct mapstore *ms, uint32_t global, unsigned off)
{
	return (int64_t *)(ms->e->vars + place(ms, global)->line + off);
}

static int map_fd(struct mapstore *ms, uint32_t global)
{
	return ms->e->map_fds[place(ms, global)->map];
}

static void destroy(struct ir_store *st)
{
	free(self(st)->key);
	free(self(st)->value);
	free(st);
}

static bool try_lock(uint32_t *word, enum ir_lock mode)
{
	uint32_t old = mode == IR_LOCK_WRITE ? 0 : __atomic_load_n(word, __ATOMIC_RELAXED);

	if (old & LOCK_WRITER)
		return false;
	return __atomic_compare_exchange_n(word, &old,
					   mode == IR_LOCK_WRITE ? LOCK_WRITER | LOCK_PROCESS : old + LOCK_PROCESS,
					   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int lock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	uint32_t *word = (uint32_t *)line(self(st), global, LINE_LOCK);
	int64_t end = 0;

	for (unsigned i = 0;; i++) {
		if (try_lock(word, mode))
			return 0;
		if (i < LOCK_SPINS)
			continue;
		if (!end)
			end = now_ns() + LOCK_PATIENCE_NS;
		else if (now_ns() > end)
			return -EBUSY;
		sched_yield();
	}
}

static void unlock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	uint32_t *word = (uint32_t *)line(self(st), global, LINE_LOCK);

	if (mode == IR_LOCK_WRITE)
		__atomic_store_n(word, 0, __ATOMIC_RELEASE);
	else
		__atomic_sub_fetch(word, LOCK_PROCESS, __ATOMIC_RELEASE);
}

static void put_str(uint8_t *to, const char *s, uint32_t bound)
{
	size_t n = strnlen(s, bound - 1);

	memset(to, 0, round8(bound));
	memcpy(to, s, n);
}

static void build_key(struct mapstore *ms, uint32_t global, const struct ir_val *keys)
{
	const struct global_place *pl = place(ms, global);
	const struct ir_global *g = global_of(ms, global);

	for (uint32_t k = 0; k < g->nkeys; k++) {
		if (g->key_type[k] == IR_STR)
			put_str(ms->key + pl->key_off[k], keys[k].s, g->key_bound[k]);
		else
			memcpy(ms->key + pl->key_off[k], &keys[k].i, 8);
	}
}

/* Reads the element of ms->key into ms->value. */
static bool find(struct mapstore *ms, uint32_t global)
{
	return !bpf_map_lookup_elem(map_fd(ms, global), ms->key, ms->value);
}

static bool get(struct ir_store *st, uint32_t global, const struct ir_val *keys, struct ir_val *out,
		char *buf)
{
	struct mapstore *ms = self(st);
	const struct ir_global *g = global_of(ms, global);
	const uint8_t *from = ms->value + 8;
	bool found = true;

	if (g->is_array) {
		build_key(ms, global, keys);
		found = find(ms, global);
	} else {
		from = g->type == IR_STR ? ms->e->vars + place(ms, global)->str :
					   (uint8_t *)line(ms, global, LINE_VALUE);
	}
	*out = (struct ir_val){ 0, g->type == IR_STR ? "" : NULL };
	if (g->type == IR_STR && buf) {
		buf[0] = '\0';
		if (found) {
			memcpy(buf, from, g->bound);
			buf[g->bound - 1] = '\0';
		}
		out->s = buf;
	} else if (g->type == IR_I64 && found) {
		memcpy(&out->i, from, 8);
	}
	return found;
}

/* As bpf(2) does it, but no hit of this process comes in between, where locks are held. */
static int update_elem(struct mapstore *ms, uint32_t global, uint64_t flags)
{
	int rc, err;

	engine_change_begin(ms->e);
	rc = bpf_map_update_elem(map_fd(ms, global), ms->key, ms->value, flags);
	err = errno;
	engine_change_end(ms->e);
	errno = err;
	return rc;
}

static int delete_elem(struct mapstore *ms, uint32_t global, const void *key)
{
	int rc;

	engine_change_begin(ms->e);
	rc = bpf_map_delete_elem(map_fd(ms, global), key);
	engine_change_end(ms->e);
	return rc;
}

/* Takes the oldest element out of a wrapping array. */
static void evict(struct mapstore *ms, uint32_t global)
{
	const struct global_place *pl = place(ms, global);
	uint8_t *key = xcalloc(2, pl->key_size), *value = xmalloc(pl->value_size), *oldest = NULL;
	uint64_t best = UINT64_MAX, seq;
	const void *prev = NULL;
	uint8_t *best_key = xmalloc(pl->key_size);

	while (!bpf_map_get_next_key(map_fd(ms, global), prev, key)) {
		if (!bpf_map_lookup_elem(map_fd(ms, global), key, value)) {
			memcpy(&seq, value, 8);
			if (seq < best) {
				best = seq;
				oldest = memcpy(best_key, key, pl->key_size);
			}
		}
		prev = memcpy(key + pl->key_size, key, pl->key_size);
	}
	if (oldest && !delete_elem(ms, global, oldest))
		__atomic_sub_fetch(line(ms, global, LINE_VALUE), 1, __ATOMIC_RELAXED);
	free(best_key);
	free(key);
	free(value);
}

/* Notes the key in the ring from which the kernel finds the oldest element. */
static void remember(struct mapstore *ms, uint32_t global, uint64_t seq)
{
	const struct global_place *pl = place(ms, global);
	uint32_t i = (uint32_t)(seq & (pl->order_cap - 1));
	uint8_t *entry = xmalloc(8 + pl->key_size);

	memcpy(entry, &seq, 8);
	memcpy(entry + 8, ms->key, pl->key_size);
	bpf_map_update_elem(ms->e->map_fds[pl->order_map], &i, entry, BPF_ANY);
	free(entry);
}

/*
 * Inserts the element of ms->key with the initial value, which stays in ms->value.  0, -ENOSPC when the array is
 * full, or -ENOMEM when the kernel does not have the memory even after a while.
 */
static int insert(struct mapstore *ms, uint32_t global)
{
	const struct global_place *pl = place(ms, global);
	const struct ir_global *g = global_of(ms, global);
	unsigned tries = 0;
	uint64_t seq;

	if (g->wrap && *line(ms, global, LINE_VALUE) >= g->max_entries)
		evict(ms, global);
	seq = (uint64_t)__atomic_add_fetch(line(ms, global, LINE_SEQ), 1, __ATOMIC_RELAXED);
	memcpy(ms->value, ms->e->vars + pl->tmpl, pl->value_size);
	memcpy(ms->value, &seq, 8);
	while (update_elem(ms, global, BPF_NOEXIST)) {
		if (errno == EEXIST && find(ms, global))
			return 0;
		if (*line(ms, global, LINE_VALUE) >= g->max_entries)
			return -ENOSPC;
		if (++tries == MEMORY_TRIES)
			return -ENOMEM;
		sched_yield();
	}
	__atomic_add_fetch(line(ms, global, LINE_VALUE), 1, __ATOMIC_RELAXED);
	if (g->wrap)
		remember(ms, global, seq);
	return 0;
}

/* The element of these keys in ms->value, made if missing. */
static int find_or_make(struct mapstore *ms, uint32_t global, const struct ir_val *keys)
{
	build_key(ms, global, keys);
	return find(ms, global) ? 0 : insert(ms, global);
}

/* 0 or -ENOMEM */
static int write_back(struct mapstore *ms, uint32_t global)
{
	for (unsigned i = 0; i < MEMORY_TRIES; i++) {
		if (!update_elem(ms, global, BPF_EXIST))
			return 0;
		sched_yield();
	}
	return -ENOMEM;
}

static int set(struct ir_store *st, uint32_t global, const struct ir_val *keys, const struct ir_val *val)
{
	struct mapstore *ms = self(st);
	const struct ir_global *g = global_of(ms, global);
	int err;

	if (!g->is_array) {
		if (g->type == IR_STR)
			put_str(ms->e->vars + place(ms, global)->str, val->s, g->bound);
		else
			__atomic_store_n(line(ms, global, LINE_VALUE), val->i, __ATOMIC_RELAXED);
		return 0;
	}
	err = find_or_make(ms, global, keys);
	if (err)
		return err;
	if (g->type == IR_STR)
		put_str(ms->value + 8, val->s, g->bound);
	else
		memcpy(ms->value + 8, &val->i, 8);
	return write_back(ms, global);
}

static int add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t addend,
	       int64_t *old)
{
	struct mapstore *ms = self(st);
	int64_t v;
	int err;

	*old = 0;
	if (!global_of(ms, global)->is_array) {
		*old = __atomic_fetch_add(line(ms, global, LINE_VALUE), addend, __ATOMIC_RELAXED);
		return 0;
	}
	err = find_or_make(ms, global, keys);
	if (err)
		return err;
	memcpy(old, ms->value + 8, 8);
	v = (int64_t)((uint64_t)*old + (uint64_t)addend);
	memcpy(ms->value + 8, &v, 8);
	return write_back(ms, global);
}

static void del_key(struct mapstore *ms, uint32_t global, const void *key)
{
	if (!delete_elem(ms, global, key))
		__atomic_sub_fetch(line(ms, global, LINE_VALUE), 1, __ATOMIC_RELAXED);
}

static void del(struct ir_store *st, uint32_t global, const struct ir_val *keys)
{
	build_key(self(st), global, keys);
	del_key(self(st), global, self(st)->key);
}

/*
 * The next element is found before one goes: to find the first, the kernel looks at all places that are empty by now.
 */
static void clear_array(struct mapstore *ms, uint32_t global)
{
	uint32_t size = place(ms, global)->key_size;
	uint8_t *keys = xmalloc(2 * (size_t)size), *key = keys, *next = keys + size, *done;
	int fd = map_fd(ms, global);

	while (!bpf_map_get_next_key(fd, NULL, key)) {
		for (bool more = true; more;) {
			more = !bpf_map_get_next_key(fd, key, next);
			del_key(ms, global, key);
			done = key;
			key = next;
			next = done;
		}
	}
	free(keys);
}

static void clear(struct ir_store *st, uint32_t global)
{
	struct mapstore *ms = self(st);
	const struct global_place *pl = place(ms, global);
	const struct ir_global *g = global_of(ms, global);

	if (!g->is_array) {
		if (g->type == IR_STAT)
			memcpy(ms->e->vars + pl->stat, ms->e->vars + pl->tmpl,
			       (size_t)pl->stat_stride * ms->e->unit.lo.ncpu_pow2);
		else if (g->type == IR_STR)
			memset(ms->e->vars + pl->str, 0, round8(g->bound));
		else
			__atomic_store_n(line(ms, global, LINE_VALUE), 0, __ATOMIC_RELAXED);
		return;
	}
	clear_array(ms, global);
}

static uint32_t size(struct ir_store *st, uint32_t global)
{
	return (uint32_t)__atomic_load_n(line(self(st), global, LINE_VALUE), __ATOMIC_RELAXED);
}

static void keep_extreme(int64_t *at, int64_t v, bool lowest)
{
	int64_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (lowest ? v < old : v > old)
		if (__atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
}

/* Adds to one CPU's share as a handler does, so that both may do it at once. */
static void share_add(const struct ir_global *g, struct wire_stat *sh, int64_t v)
{
	uint64_t hi = 0, lo = 0;
	int64_t before;

	statmath_add_square(&hi, &lo, v);
	__atomic_fetch_add(&sh->count, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sh->sum, v, __ATOMIC_RELAXED);
	keep_extreme(&sh->min, v, true);
	keep_extreme(&sh->max, v, false);
	before = __atomic_fetch_add(&sh->sq_lo, (int64_t)lo, __ATOMIC_RELAXED);
	if ((uint64_t)before + lo < lo)
		hi++;
	__atomic_fetch_add(&sh->sq_hi, (int64_t)hi, __ATOMIC_RELAXED);
	if (g->hist != IR_HIST_NONE)
		__atomic_fetch_add(&sh->bucket[ir_hist_index(g, v)], 1, __ATOMIC_RELAXED);
}

static int stat_add(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t v)
{
	struct mapstore *ms = self(st);
	const struct ir_global *g = global_of(ms, global);
	int err;

	if (!g->is_array) {
		share_add(g, (struct wire_stat *)(ms->e->vars + place(ms, global)->stat), v);
		return 0;
	}
	err = find_or_make(ms, global, keys);
	if (err)
		return err;
	share_add(g, (struct wire_stat *)(ms->value + 8), v);
	return write_back(ms, global);
}

static void merge(struct mapstore *ms, uint32_t global, const uint8_t *shares, struct wire_stat *out)
{
	const struct ir_global *g = global_of(ms, global);
	uint32_t stride = place(ms, global)->stat_stride;

	memset(out, 0, ir_stat_size(g));
	for (uint32_t cpu = 0; cpu < ms->e->unit.lo.ncpu; cpu++)
		ir_stat_merge(g, out, (const struct wire_stat *)(shares + (size_t)cpu * stride));
}

static bool stat_get(struct ir_store *st, uint32_t global, const struct ir_val *keys,
		     struct wire_stat *out)
{
	struct mapstore *ms = self(st);
	const struct ir_global *g = global_of(ms, global);

	if (!g->is_array) {
		merge(ms, global, ms->e->vars + place(ms, global)->stat, out);
		return true;
	}
	memset(out, 0, ir_stat_size(g));
	build_key(ms, global, keys);
	if (!find(ms, global))
		return false;
	merge(ms, global, ms->value + 8, out);
	return true;
}

/* All elements of a map as read: n keys, n values. */
struct raw {
	uint8_t *keys, *values;
	uint32_t n, room;
};

#define RAW_ROOM	256	/* elements to begin with */

static void raw_grow(struct raw *r, const struct global_place *pl)
{
	r->room = r->room ? 2 * r->room : RAW_ROOM;
	r->keys = xrealloc(r->keys, (size_t)r->room * pl->key_size);
	r->values = xrealloc(r->values, (size_t)r->room * pl->value_size);
}

/* More elements may be read than an array can have: meanwhile handlers that need no lock add and delete some. */
static int read_all(struct mapstore *ms, uint32_t global, struct raw *r)
{
	const struct global_place *pl = place(ms, global);
	uint32_t batch, count;
	void *in = NULL;
	int rc = -ENOSPC;	/* of the kernel: no room for all elements of one hash value */

	do {
		if (rc == -ENOSPC || r->n == r->room)
			raw_grow(r, pl);
		count = r->room - r->n;
		engine_change_begin(ms->e);	/* it locks what it reads */
		rc = bpf_map_lookup_batch(map_fd(ms, global), in, &batch,
					  r->keys + (size_t)r->n * pl->key_size,
					  r->values + (size_t)r->n * pl->value_size, &count, NULL) ? -errno : 0;
		engine_change_end(ms->e);
		if (rc && rc != -ENOENT && rc != -ENOSPC)
			return rc;
		r->n += count;
		in = &batch;
	} while (rc != -ENOENT);
	return 0;
}

static uint64_t seq_at(const struct raw *r, uint32_t value_size, uint32_t i)
{
	uint64_t v;

	memcpy(&v, r->values + (size_t)i * value_size, 8);
	return v;
}

struct order {
	const struct raw *raw;
	uint32_t value_size;
};

static int by_seq(const void *a, const void *b, void *ctx)
{
	const struct order *o = ctx;
	uint64_t x = seq_at(o->raw, o->value_size, *(const uint32_t *)a);
	uint64_t y = seq_at(o->raw, o->value_size, *(const uint32_t *)b);

	return x < y ? -1 : x > y;
}

/* What a snapshot's elements point into. */
struct snap {
	struct raw raw;
	uint8_t *stats;
};

static void fill_elem(struct mapstore *ms, uint32_t global, struct snap *sn, uint32_t from,
		      struct ir_elem *el, struct wire_stat *stat)
{
	const struct global_place *pl = place(ms, global);
	const struct ir_global *g = global_of(ms, global);
	uint8_t *key = sn->raw.keys + (size_t)from * pl->key_size;
	uint8_t *val = sn->raw.values + (size_t)from * pl->value_size + 8;

	for (uint32_t k = 0; k < g->nkeys; k++) {
		uint8_t *at = key + pl->key_off[k];

		if (g->key_type[k] == IR_STR) {
			at[round8(g->key_bound[k]) - 1] = '\0';
			el->key[k].s = (const char *)at;
		} else {
			memcpy(&el->key[k].i, at, 8);
		}
	}
	if (g->type == IR_STR) {
		val[round8(g->bound) - 1] = '\0';
		el->val.s = (const char *)val;
	} else if (g->type == IR_I64) {
		memcpy(&el->val.i, val, 8);
	} else {
		merge(ms, global, val, stat);
		el->stat = stat;
	}
}

static void snapshot_free(struct ir_store *st, struct ir_snapshot *snap)
{
	struct snap *sn = snap->mem;

	if (!sn)
		return;
	free(sn->raw.keys);
	free(sn->raw.values);
	free(sn->stats);
	free(sn);
	free(snap->elems);
	*snap = (struct ir_snapshot){ 0 };
}

static int snapshot(struct ir_store *st, uint32_t global, struct ir_snapshot *out)
{
	struct mapstore *ms = self(st);
	const struct ir_global *g = global_of(ms, global);
	struct snap *sn = xcalloc(1, sizeof(*sn));
	size_t stat_size = g->type == IR_STAT ? ir_stat_size(g) : 0;
	struct order o = { &sn->raw, place(ms, global)->value_size };
	uint32_t *order;
	int err;

	*out = (struct ir_snapshot){ .mem = sn };
	err = read_all(ms, global, &sn->raw);
	if (err) {
		snapshot_free(st, out);
		return err;
	}
	out->n = sn->raw.n;
	out->elems = xcalloc(out->n + 1, sizeof(*out->elems));
	sn->stats = stat_size ? xcalloc(out->n + 1, stat_size) : NULL;
	order = xmalloc((out->n + 1) * sizeof(*order));
	for (uint32_t i = 0; i < out->n; i++)
		order[i] = i;
	qsort_r(order, out->n, sizeof(*order), by_seq, &o);
	for (uint32_t i = 0; i < out->n; i++)
		fill_elem(ms, global, sn, order[i], &out->elems[i],
			  (struct wire_stat *)(sn->stats + i * stat_size));
	free(order);
	return 0;
}

static const struct ir_store_ops mapstore_ops = {
	.destroy = destroy, .lock = lock, .unlock = unlock, .get = get, .set = set, .add = add,
	.del = del, .clear = clear, .size = size, .stat_add = stat_add, .stat_get = stat_get,
	.snapshot = snapshot, .snapshot_free = snapshot_free,
};

struct ir_store *mapstore_create(struct engine *e)
{
	struct mapstore *ms = xcalloc(1, sizeof(*ms));
	uint32_t key = 8, value = 16;

	for (ptrdiff_t i = 0; i < arrlen(e->unit.lo.globals); i++) {
		key = e->unit.lo.globals[i].key_size > key ? e->unit.lo.globals[i].key_size : key;
		value = e->unit.lo.globals[i].value_size > value ? e->unit.lo.globals[i].value_size : value;
	}
	ms->base.ops = &mapstore_ops;
	ms->base.module = e->p->ir;
	ms->e = e;
	ms->key = xcalloc(1, key);
	ms->value = xcalloc(1, value);
	return &ms->base;
}
