/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as names (ir/names_table.h).
 *
 * State of the loop, in tmp[]: the output's position and bound, bits still without a name, whether something
 * was written, the result's offset, what is asked for; and of a number the place of its next digit and whether it
 * began.
 */
#include "ir/names_table.h"
#include "rt/mem.h"

enum { AT, SIZE, LEFT, ANY, DST, HOW, UNIT, STARTED };

struct names_walk {
	struct rt_mem *m;	/* first: what rt_step expects */
	const struct names_table *t;
};

RT_INLINE void put(struct rt_mem *m, uint8_t c)
{
	uint32_t at = (uint32_t)rt_got(m, AT);

	if (at + 1 < (uint32_t)rt_got(m, SIZE))
		RT_BYTE(m, (uint32_t)rt_got(m, DST) + at) = c;
	rt_put(m, AT, at + 1);
}

/* One digit of LEFT. */
static long digit_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint64_t v = (uint64_t)rt_got(m, LEFT), unit = (uint64_t)rt_got(m, UNIT), d = v / unit;

	rt_put(m, LEFT, (int64_t)(v - d * unit));
	rt_put(m, STARTED, rt_got(m, STARTED) | (int64_t)d);
	if (rt_got(m, STARTED) || unit == 1)
		put(m, (uint8_t)(d < 10 ? '0' + d : 'a' - 10 + d));
	rt_put(m, UNIT, (int64_t)(rt_got(m, HOW) & (int64_t)NAMES_DECIMAL ? unit / 10 : unit / 16));
	return unit == 1;
}

/* LEFT as a number: in hexadecimal, with its prefix, or decimal. */
RT_INLINE void put_number(struct rt_mem *m)
{
	rt_put(m, STARTED, 0);
	rt_put(m, UNIT, 1ll << 60);
	if (!(rt_got(m, HOW) & (int64_t)NAMES_DECIMAL)) {
		put(m, '0');
		put(m, 'x');
	} else {
		rt_put(m, UNIT, 1000000000000000000ll);
		if (rt_got(m, LEFT) < 0) {
			put(m, '-');
			rt_put(m, LEFT, -rt_got(m, LEFT));
		}
	}
	rt_repeat_long(m, 20, digit_step);
}

static long names_step(uint32_t i, void *ctx)
{
	struct names_walk *w = ctx;
	struct rt_mem *m = w->m;
	uint64_t how = (uint64_t)rt_got(m, HOW);
	uint32_t k = (NAMES_FIRST(how) + i) & (NAMES_ENTRIES - 1), at;
	int64_t mask;

	if (i >= NAMES_COUNT(how))
		return 1;
	mask = how & NAMES_ONE ? -1 : w->t->entry[k].mask;
	if ((rt_got(m, LEFT) & mask) != w->t->entry[k].value)
		return 0;
	if (rt_got(m, ANY))
		put(m, '|');
	rt_put(m, ANY, 1);
	rt_put(m, LEFT, rt_got(m, LEFT) & ~mask);
	at = (uint32_t)rt_got(m, AT);
	if (at + NAMES_TEXT > (uint32_t)rt_got(m, SIZE)) {
		RT_BYTE(m, (uint32_t)rt_got(m, DST) + at) = 0;	/* no room: cut here */
		rt_put(m, AT, rt_got(m, SIZE) + NAMES_TEXT);
		return 1;
	}
	for (uint32_t c = 0; c < NAMES_TEXT; c += 8) {
		struct rt_word x;

		__builtin_memcpy(&x, &w->t->entry[k].text[c], sizeof(x));
		RT_WORD(m, (uint32_t)rt_got(m, DST) + at + c) = x.v;
	}
	rt_put(m, AT, at + w->t->entry[k].len);
	return (how & NAMES_ONE) != 0;
}

/* By callbacks in every variant: the rounds are too long to be verified one by one. */
RT_INLINE void names_repeat(struct names_walk *w)
{
#ifdef __bpf__
	rt_bpf_loop(NAMES_ENTRIES, names_step, w, 0);
#else
	for (uint32_t i = 0; !names_step(i, w); i++)
		;
#endif
}

long rt_names(struct rt_mem *m, const struct names_table *t, uint32_t dst, uint32_t size, uint64_t how)
{
	struct names_walk w = { m, t };
	uint32_t n;

	if (!m || !t || !size)
		return 0;
	rt_put(m, AT, 0);
	rt_put(m, SIZE, size);
	rt_put(m, LEFT, m->arg[0]);
	rt_put(m, ANY, 0);
	rt_put(m, DST, dst);
	rt_put(m, HOW, (int64_t)how);
	names_repeat(&w);
	if (!rt_got(m, ANY) || rt_got(m, LEFT)) {
		if (rt_got(m, ANY))
			put(m, '|');
		put_number(m);
	}
	n = (uint32_t)rt_got(m, AT);
	if (n >= size) {
		RT_BYTE(m, dst + size - 1) = 0;
		return (long)(size - 1) | RT_CUT;
	}
	RT_BYTE(m, dst + n) = 0;
	return n;
}
