/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk of a regular expression's DFA (ir/regex.h). */
#include "rt/mem.h"

enum { STATE, TEXT };	/* tmp[] */

struct walk {
	struct rt_mem *m;	/* first: what rt_step expects */
	const struct rt_dfa *d;
};

static long dfa_step(uint32_t i, void *ctx)
{
	struct walk *w = ctx;
	uint8_t c = RT_BYTE(w->m, (uint32_t)rt_got(w->m, TEXT) + i);
	uint32_t state = (uint32_t)rt_got(w->m, STATE);

	if (state < 2)
		return 1;
	rt_put(w->m, STATE, w->d->next[(state * w->d->nclasses + w->d->class_of[c]) & (RT_DFA_NEXT - 1)]);
	return !c;
}

long rt_dfa_match(struct rt_mem *m, const struct rt_dfa *d, uint32_t s)
{
	struct walk w = { m, d };

	if (!m || !d)
		return 0;
	rt_put(m, STATE, d->start);
	rt_put(m, TEXT, s);
	rt_repeat_ctx(&w, RT_STR_MAX, dfa_step);
	return rt_got(m, STATE) == 1;
}
