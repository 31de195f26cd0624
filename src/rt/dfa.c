/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk of a regular expression's DFA (ir/regex.h). */
#include "rt/mem.h"

long rt_dfa_match(struct rt_mem *m, const struct rt_dfa *d, uint32_t s)
{
	uint32_t state;

	if (!m || !d)
		return 0;
	state = d->start;
	for (uint32_t i = 0; i < RT_STR_MAX; i++) {
		uint8_t c = RT_BYTE(m, s + i);

		if (state < 2)
			break;
		state = d->next[(state * d->nclasses + d->class_of[c]) & (RT_DFA_NEXT - 1)];
		if (!c)
			break;
	}
	return state == 1;
}
