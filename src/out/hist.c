/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms as text: a row per bucket from the lowest to the highest used one,
 * two empty ones around; longer runs of empty rows become one "~".
 */
#include <inttypes.h>
#include <stdio.h>

#include "ir/statmath.h"
#include "ir/store.h"
#include "out/format.h"

#define WIDTH	50	/* of the bars */
#define NEAR	2	/* rows this near to a used one are shown */


struct range {
	int64_t lo, hi;		/* buckets shown */
	bool under, over;	/* linear: does it include the outer ones? */
};

static int digits(int64_t v)
{
	return snprintf(NULL, 0, "%" PRId64, v);
}

static struct range find_range(const struct ir_global *g, const struct wire_stat *st, int64_t n)
{
	struct range r = { -1, 0, false, false };

	for (int64_t i = 0; i < n; i++) {
		if (st->bucket[i] <= 0)
			continue;
		if (r.lo < 0)
			r.lo = i;
		r.hi = i;
	}
	for (int k = 0; k < NEAR; k++) {
		if (r.lo > 0 && !(g->hist == IR_HIST_LOG && r.lo == STATMATH_LOG_ZERO))
			r.lo--;
		if (r.hi < n - 1)
			r.hi++;
	}
	if (g->hist == IR_HIST_LINEAR) {
		if (r.lo == 0 && !st->bucket[0])
			r.lo++;
		if (r.hi == n - 1 && !st->bucket[n - 1])
			r.hi--;
		r.under = r.lo == 0;
		r.over = r.hi == n - 1;
	}
	return r;
}

static bool near_used(const struct wire_stat *st, const struct range *r, int64_t i)
{
	for (int64_t k = i - NEAR; k <= i + NEAR; k++)
		if (k >= r->lo && k <= r->hi && st->bucket[k])
			return true;
	return false;
}

static int value_width(const struct ir_global *g, const struct range *r)
{
	int a, b;

	if (g->hist == IR_HIST_LINEAR) {
		a = digits(g->hist_lo) + r->under;
		b = digits((int64_t)((uint64_t)g->hist_lo +
				     (uint64_t)g->hist_step * (uint64_t)r->hi)) + r->over;
	} else {
		a = digits(ir_hist_value(g, (uint32_t)r->hi));
		b = digits(ir_hist_value(g, (uint32_t)r->lo));
	}
	a = a > b ? a : b;
	return a > 5 ? a : 5;
}

void out_hist(struct out_buf *b, const struct ir_global *g, const struct wire_stat *st)
{
	int64_t n = ir_hist_buckets(g), max = 0, scale;
	struct range r;
	int value_space, count_space;
	bool eliding = false;

	if (!n || !st->count)
		return;
	r = find_range(g, st, n);
	if (r.lo < 0)
		return;
	for (int64_t i = 0; i < n; i++)
		max = st->bucket[i] > max ? st->bucket[i] : max;
	scale = max <= WIDTH ? 1 : max / WIDTH + (max % WIDTH != 0);
	count_space = digits(max);
	value_space = value_width(g, &r);

	out_buf_printf(b, "%*s |", value_space, "value");
	out_buf_pad(b, '-', WIDTH);
	out_buf_str(b, " count\n");
	for (int64_t i = r.lo; i <= r.hi; i++) {
		int64_t value = ir_hist_value(g, (uint32_t)i), bar;
		const char *prefix = "";

		if (!near_used(st, &r, i)) {
			eliding = true;
			continue;
		}
		if (eliding)
			out_buf_printf(b, "%*s ~\n", value_space, "");
		eliding = false;
		if (g->hist == IR_HIST_LINEAR && i == 0)
			prefix = "<";
		else if (g->hist == IR_HIST_LINEAR && i == n - 1)
			prefix = ">";
		out_buf_printf(b, "%*s%" PRId64 " |", value_space - digits(value), prefix, value);
		bar = st->bucket[i] > 0 ? st->bucket[i] / scale : 0;
		out_buf_pad(b, '@', bar);
		out_buf_printf(b, "%*" PRId64 "\n", (int)(WIDTH - bar + 1 + count_space), st->bucket[i]);
	}
	out_buf_str(b, "\n");
}
