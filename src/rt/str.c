/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings by words: length, copy, concatenation, order, padding. */
#include "rt/mem.h"

long rt_strlen(struct rt_mem *m, uint32_t s)
{
	if (!m)
		return 0;
	return rt_length(m, s, 0);
}

long rt_strcpy(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	if (!m)
		return 0;
	return rt_copy(m, dst, size, src, 0);
}

long rt_concat(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t a, uint32_t b)
{
	long n, more;

	if (!m)
		return 0;
	if (dst == a) {
		n = rt_length(m, a, 0);
		if (n >= (long)size) {
			RT_BYTE(m, dst + size - 1) = 0;
			n = (long)(size - 1) | RT_CUT;
		}
	} else {
		n = rt_copy(m, dst, size, a, 0);
	}
	if (n & RT_CUT)
		return n;
	rt_put(m, 1, n);
	n = (uint32_t)rt_got(m, 1);
	more = rt_copy(m, dst + (uint32_t)n, size - (uint32_t)n, b, 0);
	return (rt_got(m, 1) + RT_LEN(more)) | (more & RT_CUT);
}

long rt_strcmp(struct rt_mem *m, uint32_t a, uint32_t b)
{
	if (!m)
		return 0;
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		uint64_t x = RT_WORD(m, a + i), y = RT_WORD(m, b + i);
		uint64_t z = rt_zeros(x);

		if (x == y && !z)
			continue;
		/* keep the bytes up to x's first NUL, and compare them from the first on */
		z &= 0 - z;
		if (z) {
			uint64_t keep = z | (z - 1);

			x &= keep;
			y &= keep;
		}
		x = __builtin_bswap64(x);
		y = __builtin_bswap64(y);
		return x < y ? -1 : x > y;
	}
	return 0;
}

long rt_strpad(struct rt_mem *m, uint32_t s, uint32_t size)
{
	if (!m)
		return 0;
	rt_put(m, 0, 0);
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		uint64_t x, z;

		if (i >= size)
			break;
		if (rt_got(m, 0)) {
			RT_WORD(m, s + i) = 0;
			continue;
		}
		x = RT_WORD(m, s + i);
		z = rt_zeros(x);
		if (z) {
			z &= 0 - z;
			RT_WORD(m, s + i) = x & (z - 1);
			rt_put(m, 0, 1);
		}
	}
	return 0;
}
