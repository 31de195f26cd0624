/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searching in strings: position, part, replacement, tokens. */
#include "rt/mem.h"

long rt_starts(struct rt_mem *m, uint32_t a, uint32_t b)
{
	if (!m)
		return 0;
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		uint64_t x = RT_WORD(m, a + i), y = RT_WORD(m, b + i);
		uint64_t z = rt_zeros(y);

		if (z) {
			uint64_t before = (z & (0 - z)) >> 7;	/* 1 in the NUL's byte */

			return ((x ^ y) & (before - 1)) == 0;
		}
		if (x != y)
			return 0;
	}
	return 0;
}

enum { POS_FOUND, POS_A, POS_B };	/* tmp[] */

static long strpos_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t at = (uint32_t)rt_got(m, POS_A) + i, b = (uint32_t)rt_got(m, POS_B);
	uint8_t c = RT_BYTE(m, at);

	if (!c)
		return 1;
	if (c != RT_BYTE(m, b) || !rt_starts(m, at, b))
		return 0;
	rt_put(m, POS_FOUND, i);
	return 1;
}

long rt_strpos(struct rt_mem *m, uint32_t a, uint32_t b)
{
	if (!m)
		return -1;
	if (!RT_BYTE(m, b))
		return 0;
	rt_put(m, POS_FOUND, -1);
	rt_put(m, POS_A, a);
	rt_put(m, POS_B, b);
	rt_repeat(m, RT_STR_MAX, strpos_step);
	return rt_got(m, POS_FOUND);
}

long rt_substr(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	int64_t start, n;
	long cut = 0;

	if (!m)
		return 0;
	RT_BYTE(m, dst) = 0;
	n = (int64_t)rt_length(m, src, 0);
	start = m->arg[0];
	if (start < 0 || start >= n || m->arg[1] <= 0)
		return 0;
	n -= start;
	if (n > m->arg[1])
		n = m->arg[1];
	if (n > (int64_t)size - 1) {
		n = (int64_t)size - 1;
		cut = RT_CUT;
	}
	rt_put(m, 0, n);
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		if ((int64_t)i >= rt_got(m, 0))
			break;
		RT_WORD(m, dst + i) = RT_WORD(m, src + (uint32_t)start + i);
	}
	n = rt_got(m, 0);
	RT_BYTE(m, dst + (uint32_t)n) = 0;
	return n | cut;
}

/* Appends the string at src at tmp[1] of dst; RT_CUT if it did not fit. */
RT_INLINE long append(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	uint32_t o = (uint32_t)rt_got(m, 1);
	long n = rt_copy(m, dst + o, size - o, src, 2);

	rt_put(m, 1, rt_got(m, 1) + RT_LEN(n));
	return n & RT_CUT;
}

/* State of a replacement, in tmp[]; 1 is the output position. */
enum { REPL_IN, REPL_OUT, REPL_COPY, REPL_LEN, REPL_DST, REPL_SIZE, REPL_SRC, REPL_CUT };

/* One byte of the source or one occurrence; 1: the end or no more room. */
static long replace_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t in = (uint32_t)rt_got(m, REPL_SRC) + (uint32_t)rt_got(m, REPL_IN);
	uint32_t o = (uint32_t)rt_got(m, REPL_OUT), size = (uint32_t)rt_got(m, REPL_SIZE);
	uint8_t c = RT_BYTE(m, in);

	if (!c)
		return 1;
	if (rt_starts(m, in, (uint32_t)m->arg[0])) {
		rt_put(m, REPL_CUT, append(m, (uint32_t)rt_got(m, REPL_DST), size, (uint32_t)m->arg[1]));
		rt_put(m, REPL_IN, rt_got(m, REPL_IN) + rt_got(m, REPL_LEN));
		return rt_got(m, REPL_CUT) != 0;
	}
	if (o + 1 >= size) {
		rt_put(m, REPL_CUT, RT_CUT);
		return 1;
	}
	RT_BYTE(m, (uint32_t)rt_got(m, REPL_DST) + o) = c;
	rt_put(m, REPL_IN, rt_got(m, REPL_IN) + 1);
	rt_put(m, REPL_OUT, o + 1);
	return 0;
}

long rt_str_replace(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	uint32_t srch;

	if (!m)
		return 0;
	srch = (uint32_t)m->arg[0];
	if (!RT_BYTE(m, srch))
		return rt_copy(m, dst, size, src, 0);
	rt_length(m, srch, REPL_LEN);
	rt_put(m, REPL_IN, 0);
	rt_put(m, REPL_OUT, 0);
	rt_put(m, REPL_DST, dst);
	rt_put(m, REPL_SIZE, size);
	rt_put(m, REPL_SRC, src);
	rt_put(m, REPL_CUT, 0);
	rt_repeat_long(m, RT_STR_MAX, replace_step);
	RT_BYTE(m, dst + (uint32_t)rt_got(m, REPL_OUT)) = 0;
	return rt_got(m, REPL_OUT) | rt_got(m, REPL_CUT);
}

/* State of tokenize, in tmp[]: position in the text and in the result, the set of delimiters. */
enum { TOK_IN, TOK_OUT, TOK_CUT, TOK_SIZE, TOK_SET, TOK_DST = 8, TOK_TEXT, TOK_DELIM };

static long delim_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint8_t c = RT_BYTE(m, (uint32_t)rt_got(m, TOK_DELIM) + i);

	m->tmp[TOK_SET + (c >> 6)] |= (int64_t)(c ? 1ull << (c & 63) : 0);
	return !c;
}

static long token_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t p = (uint32_t)rt_got(m, TOK_IN), o = (uint32_t)rt_got(m, TOK_OUT);
	uint8_t c = RT_BYTE(m, (uint32_t)rt_got(m, TOK_TEXT) + p);

	rt_put(m, TOK_IN, c ? (int64_t)p + 1 : -1);
	if (!c)
		return 1;
	if (m->tmp[TOK_SET + (c >> 6)] >> (c & 63) & 1)
		return o != 0;
	if (o + 1 >= (uint32_t)rt_got(m, TOK_SIZE)) {
		rt_put(m, TOK_CUT, RT_CUT);
		return 0;
	}
	RT_BYTE(m, (uint32_t)rt_got(m, TOK_DST) + o) = c;
	rt_put(m, TOK_OUT, o + 1);
	return 0;
}

long rt_tokenize(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t delim, uint32_t state)
{
	if (!m)
		return 0;
	RT_BYTE(m, dst) = 0;
	if (m->arg[0] < 0)
		return 0;
	for (unsigned k = 0; k < 4; k++)
		rt_put(m, TOK_SET + k, 0);
	rt_put(m, TOK_DELIM, delim);
	rt_repeat(m, RT_STR_MAX, delim_step);
	rt_put(m, TOK_IN, m->arg[0]);
	rt_put(m, TOK_OUT, 0);
	rt_put(m, TOK_CUT, 0);
	rt_put(m, TOK_SIZE, size);
	rt_put(m, TOK_DST, dst);
	rt_put(m, TOK_TEXT, state);
	rt_repeat(m, RT_STR_MAX, token_step);
	m->arg[0] = rt_got(m, TOK_IN);
	RT_BYTE(m, dst + (uint32_t)rt_got(m, TOK_OUT)) = 0;
	return rt_got(m, TOK_OUT) | rt_got(m, TOK_CUT);
}

long rt_tokenize_start(struct rt_mem *m, uint32_t state, uint32_t size, uint32_t src)
{
	if (!m)
		return 0;
	if (!RT_BYTE(m, src))
		return 0;
	m->arg[0] = 0;
	return rt_copy(m, state, size, src, 0);
}
