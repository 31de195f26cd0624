/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to struct rt_mem for the routines.  Every offset is masked in the
 * access itself; scratch that lives across loops or differs by path goes through
 * rt_put/rt_got, which the verifier does not look through.
 */
#ifndef RT_MEM_H
#define RT_MEM_H

#include "rt/rt.h"

#define RT_INLINE static inline __attribute__((always_inline))

struct rt_word {
	uint64_t v;
#ifdef __bpf__	/* words load at any address, but clang would go byte by byte for less aligned types */
} __attribute__((may_alias));
#else
} __attribute__((packed, may_alias));
#endif

RT_INLINE struct rt_word *rt_word_at(struct rt_mem *m, uint32_t off)
{
	return (struct rt_word *)(void *)&m->b[off & RT_MEM_MASK];
}

#define RT_BYTE(m, off)	((m)->b[(uint32_t)(off) & RT_MEM_MASK])
#define RT_WORD(m, off)	(rt_word_at(m, (uint32_t)(off))->v)

RT_INLINE void rt_put(struct rt_mem *m, unsigned k, int64_t v)
{
	*(volatile int64_t *)&m->tmp[k] = v;
}

RT_INLINE int64_t rt_got(const struct rt_mem *m, unsigned k)
{
	return *(const volatile int64_t *)&m->tmp[k];
}

#define RT_ONES		0x0101010101010101ull
#define RT_HIGHS	0x8080808080808080ull

/* The high bit of the first zero byte (and perhaps of later bytes), 0 if there is none. */
RT_INLINE uint64_t rt_zeros(uint64_t x)
{
	return (x - RT_ONES) & ~x & RT_HIGHS;
}

/* Index of the first byte marked by rt_zeros(). */
RT_INLINE uint32_t rt_first(uint64_t z)
{
	uint32_t n = 0;

	if (!(z & 0xffffffff)) {
		n += 4;
		z >>= 32;
	}
	if (!(z & 0xffff)) {
		n += 2;
		z >>= 16;
	}
	if (!(z & 0xff))
		n++;
	return n;
}

/*
 * Rounds of a loop: step(i, &m) for i from 0 below n, until it returns 1.  What the rounds share is in
 * tmp[].  In the kernel every round of a plain loop is verified, up to some 8000 branches in all;
 * so a long body, or one for long strings, is made a callback, which is verified once.
 */
typedef long rt_step(uint32_t i, void *m);
#ifdef __bpf__
static long (*const rt_bpf_loop)(uint32_t n, rt_step *step, void *ctx, uint64_t flags) = (void *)181;
#endif

RT_INLINE void rt_repeat_long(struct rt_mem *m, uint32_t n, rt_step *step)
{
#ifdef __bpf__
	struct rt_mem *ctx = m;

	rt_bpf_loop(n, step, &ctx, 0);
#else
	for (uint32_t i = 0; i < n; i++)
		if (step(i, &m))
			break;
#endif
}

/* The same with more than `m` for the rounds: ctx is a struct on the stack, which they do not change. */
RT_INLINE void rt_repeat_ctx(void *ctx, uint32_t n, rt_step *step)
{
#if defined(__bpf__) && RT_STR_MAX > 512
	rt_bpf_loop(n, step, ctx, 0);
#else
	for (uint32_t i = 0; i < n; i++)
		if (step(i, ctx))
			break;
#endif
}

RT_INLINE void rt_repeat(struct rt_mem *m, uint32_t n, rt_step *step)
{
	rt_repeat_ctx(&m, n, step);
}

/* Length of the string at s, left in tmp[k] too. */
RT_INLINE uint32_t rt_length(struct rt_mem *m, uint32_t s, unsigned k)
{
	rt_put(m, k, RT_STR_MAX - 1);
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		uint64_t z = rt_zeros(RT_WORD(m, s + i));

		if (z) {
			rt_put(m, k, i + rt_first(z));
			break;
		}
	}
	return (uint32_t)rt_got(m, k) & (RT_STR_MAX - 1);
}

/*
 * Copies the string at src to dst, cut to size > 0; its length with RT_CUT stays in
 * tmp[k] and is returned.
 */
RT_INLINE long rt_copy(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, unsigned k)
{
	long n;
	uint32_t tail;

	rt_put(m, k, RT_STR_MAX);
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		uint64_t x, z;

		if (i + 8 > size)
			break;
		x = RT_WORD(m, src + i);
		RT_WORD(m, dst + i) = x;
		z = rt_zeros(x);
		if (z) {
			rt_put(m, k, i + rt_first(z));
			break;
		}
	}
	/* the last bytes one by one: nothing is written past the bound */
	tail = rt_got(m, k) == RT_STR_MAX ? size & ~7u : size;
	for (uint32_t i = 0; i < 8; i++) {
		uint8_t c;

		if (tail + i >= size)
			break;
		c = RT_BYTE(m, src + tail + i);
		RT_BYTE(m, dst + tail + i) = c;
		if (!c) {
			rt_put(m, k, tail + i);
			break;
		}
	}
	n = rt_got(m, k);
	if (n >= (long)size) {
		n = (long)(size - 1) | RT_CUT;
		RT_BYTE(m, dst + size - 1) = 0;
	}
	return n;
}

#endif
