/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics: adding, merging and reading aggregates; buckets of histograms. */

#include "ir/statmath.h"
#include "ir/store.h"

uint32_t ir_hist_buckets(const struct ir_global *g)
{
	if (g->hist == IR_HIST_LOG)
		return WIRE_HIST_LOG_BUCKETS;
	if (g->hist == IR_HIST_LINEAR && g->hist_step > 0)
		return (uint32_t)(((uint64_t)g->hist_hi - (uint64_t)g->hist_lo) /
				  (uint64_t)g->hist_step) + 3;
	return 0;
}

size_t ir_stat_size(const struct ir_global *g)
{
	return sizeof(struct wire_stat) + ir_hist_buckets(g) * sizeof(int64_t);
}

uint32_t ir_hist_index(const struct ir_global *g, int64_t v)
{
	if (g->hist == IR_HIST_LOG)
		return statmath_log_bucket(v);
	return statmath_linear_bucket(v, g->hist_lo, g->hist_step, ir_hist_buckets(g));
}

int64_t ir_hist_value(const struct ir_global *g, uint32_t i)
{
	if (g->hist == IR_HIST_LOG) {
		if (i == STATMATH_LOG_ZERO)
			return 0;
		if (i > STATMATH_LOG_ZERO)
			return (int64_t)(1ull << ((i - STATMATH_LOG_ZERO - 1) & 63));
		return INT64_MIN >> i;
	}
	if (i == 0)
		return g->hist_lo;
	if (i == ir_hist_buckets(g) - 1)
		i--;
	return (int64_t)((uint64_t)g->hist_lo + (uint64_t)(i - 1) * (uint64_t)g->hist_step);
}

void ir_stat_add(const struct ir_global *g, struct wire_stat *st, int64_t v)
{
	uint64_t hi = (uint64_t)st->sq_hi, lo = (uint64_t)st->sq_lo;

	if (!st->count || v < st->min)
		st->min = v;
	if (!st->count || v > st->max)
		st->max = v;
	st->count++;
	st->sum = (int64_t)((uint64_t)st->sum + (uint64_t)v);
	statmath_add_square(&hi, &lo, v);
	st->sq_hi = (int64_t)hi;
	st->sq_lo = (int64_t)lo;
	if (g->hist != IR_HIST_NONE)
		st->bucket[ir_hist_index(g, v)]++;
}

void ir_stat_merge(const struct ir_global *g, struct wire_stat *dst, const struct wire_stat *src)
{
	uint32_t n = ir_hist_buckets(g);
	uint64_t lo;

	if (!src->count)
		return;
	if (!dst->count || src->min < dst->min)
		dst->min = src->min;
	if (!dst->count || src->max > dst->max)
		dst->max = src->max;
	dst->count += src->count;
	dst->sum = (int64_t)((uint64_t)dst->sum + (uint64_t)src->sum);
	lo = (uint64_t)dst->sq_lo + (uint64_t)src->sq_lo;
	dst->sq_hi = (int64_t)((uint64_t)dst->sq_hi + (uint64_t)src->sq_hi + (lo < (uint64_t)dst->sq_lo));
	dst->sq_lo = (int64_t)lo;
	for (uint32_t i = 0; i < n; i++)
		dst->bucket[i] += src->bucket[i];
}

/*
 * Sample variance from the exact sums: M2 = sq - sum^2/n with sum = q*n + r, hence
 * sum^2/n = q*sum + q*r + r^2/n, which stays within 128 bits.
 */
static int64_t variance(const struct wire_stat *st)
{
	unsigned __int128 sq = (unsigned __int128)(uint64_t)st->sq_hi << 64 | (uint64_t)st->sq_lo;
	uint64_t n = (uint64_t)st->count;
	uint64_t sum = st->sum < 0 ? 0 - (uint64_t)st->sum : (uint64_t)st->sum;
	uint64_t q, r;
	unsigned __int128 mean;

	if (st->count < 2)
		return 0;
	q = sum / n;
	r = sum % n;
	mean = (unsigned __int128)q * sum + (unsigned __int128)q * r + (unsigned __int128)r * r / n;
	return sq <= mean ? 0 : (int64_t)((sq - mean) / (n - 1));
}

int64_t ir_stat_value(const struct wire_stat *st, enum ir_stat which, int64_t shift)
{
	(void)shift;	/* more bits for an inexact mean; the sums here are exact */
	if (!st->count)
		return 0;
	switch (which) {
	case IR_STAT_COUNT: return st->count;
	case IR_STAT_SUM: return st->sum;
	case IR_STAT_MIN: return st->min;
	case IR_STAT_MAX: return st->max;
	case IR_STAT_AVG: return st->count == -1 ? 0 : st->sum / st->count;
	case IR_STAT_VARIANCE: return variance(st);
	}
	return 0;
}
