/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many frames at a stack's beginning are the tracepoint's own. */
#include "bpf/glue.h"
#include "bpf/kern/kern.h"

extern const struct glue_table bk_glue_table;	/* put in by the linker */

/* Is it in one of the ranges?  Searched for the first range that ends behind it. */
RT_INLINE int is_glue(const struct glue_table *t, uint64_t pc)
{
	uint32_t lo = 0, hi = (uint32_t)t->n;

	for (int i = 0; i <= GLUE_SHIFT; i++) {
		uint32_t mid = (lo + hi) >> 1;

		if (lo >= hi)
			break;
		if (t->range[mid & (GLUE_RANGES - 1)].end <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && t->range[lo & (GLUE_RANGES - 1)].start <= pc;
}

struct glue {
	struct rt_mem *m;
	uint64_t at, n;
};

static long glue_step(uint32_t i, struct glue *g)
{
	struct rt_mem *m = g->m;

	if ((int64_t)RT_WORD(m, (uint32_t)g->at) < 8 * (int64_t)i + 8 ||
	    !is_glue(&bk_glue_table, RT_WORD(m, (uint32_t)g->at + 8 + 8 * i)))
		return 1;
	g->n++;
	return 0;
}

/* The number of such frames of the saved stack (count of bytes, then addresses) at an offset. */
long bk_glue(struct rt_mem *m, uint32_t at)
{
	struct glue g = { m, at, 0 };

	if (!m)
		return 0;
	bpf_loop(GLUE_FRAMES, glue_step, &g, 0);
	return (long)g.n;
}
