/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the user engine finds the globals: in its own memory (interp/memstore)
 * or in the maps that kernel handlers share (bpf/mapstore).
 *
 * Keys come as an array of ir_val typed by the global; NULL for a scalar.
 * Strings are NUL-terminated, and are cut to the global's bounds by the store.
 * Every operation is atomic by itself; what must be atomic together is inside
 * lock/unlock, which the engine calls by ir_func.locks.
 */
#ifndef IR_STORE_H
#define IR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/ir.h"
#include "ir/wire.h"

struct ir_val {
	int64_t i;
	const char *s;		/* if the type is IR_STR */
};

/* One element of a snapshot; memory of the snapshot. */
struct ir_elem {
	struct ir_val key[IR_MAX_KEYS];
	struct ir_val val;
	struct wire_stat *stat;		/* statistics arrays: merged, buckets included */
};

struct ir_snapshot {
	struct ir_elem *elems;	/* in insertion order */
	size_t n;
	void *mem;		/* private to the store */
};

struct ir_store;

struct ir_store_ops {
	void (*destroy)(struct ir_store *st);
	/* 0, or -EBUSY when it could not be had in bounded time. */
	int (*lock)(struct ir_store *st, uint32_t global, enum ir_lock mode);
	void (*unlock)(struct ir_store *st, uint32_t global, enum ir_lock mode);

	/*
	 * The value of a scalar or element; true if it exists (a scalar always does).
	 * Missing: 0 or "".  A string is copied to `buf` of the global's bound, and
	 * out->s set to it; `buf` may be NULL for i64 and when only existence matters.
	 */
	bool (*get)(struct ir_store *st, uint32_t global, const struct ir_val *keys,
		    struct ir_val *out, char *buf);
	/* 0, -ENOSPC: array full (never when it wraps), or -ENOMEM: no memory for the element at this time. */
	int (*set)(struct ir_store *st, uint32_t global, const struct ir_val *keys,
		   const struct ir_val *val);
	/* Adds; *old gets the value before, 0 when missing.  Returns as set. */
	int (*add)(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t addend,
		   int64_t *old);
	void (*del)(struct ir_store *st, uint32_t global, const struct ir_val *keys);
	/* Removes all elements; a scalar becomes 0, "" or empty. */
	void (*clear)(struct ir_store *st, uint32_t global);
	uint32_t (*size)(struct ir_store *st, uint32_t global);

	/* Statistics; `buckets` of out are ir_hist_buckets() of the global.  stat_add returns as set. */
	int (*stat_add)(struct ir_store *st, uint32_t global, const struct ir_val *keys, int64_t v);
	bool (*stat_get)(struct ir_store *st, uint32_t global, const struct ir_val *keys,
			 struct wire_stat *out);

	/* All elements of an array.  0 or -errno; freed with snapshot_free. */
	int (*snapshot)(struct ir_store *st, uint32_t global, struct ir_snapshot *out);
	void (*snapshot_free)(struct ir_store *st, struct ir_snapshot *snap);
};

struct ir_store {
	const struct ir_store_ops *ops;
	const struct ir_module *module;
};

/* Statistics and histograms, ir/stat.c; the kernel's part is in src/rt. */

/* Number of buckets of the global's histogram, 0 if it has none. */
uint32_t ir_hist_buckets(const struct ir_global *g);
/* Bytes of a wire_stat of this global. */
size_t ir_stat_size(const struct ir_global *g);
/* Index of the bucket that counts v. */
uint32_t ir_hist_index(const struct ir_global *g, int64_t v);
/* Lowest value of bucket i (as the histogram's rows are labelled). */
int64_t ir_hist_value(const struct ir_global *g, uint32_t i);
void ir_stat_add(const struct ir_global *g, struct wire_stat *st, int64_t v);
/* dst += src, both of this global. */
void ir_stat_merge(const struct ir_global *g, struct wire_stat *dst, const struct wire_stat *src);
/* COUNT ... VARIANCE; `shift` only for VARIANCE (@variance's bit shift).  count 0 gives 0. */
int64_t ir_stat_value(const struct wire_stat *st, enum ir_stat which, int64_t shift);

#endif
