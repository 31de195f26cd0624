/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic of statistics, in a form that clang -target bpf compiles too: no
 * 128-bit types, no signed division.
 */
#ifndef IR_STATMATH_H
#define IR_STATMATH_H

#include <stdint.h>

#define STATMATH_LOG_ZERO	64	/* bucket of the value 0 */

/* Bucket of v in a log histogram: 64 + bits of v, 64 - bits of -v; 0 <= result < 128. */
static inline uint32_t statmath_log_bucket(int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint32_t bits = 0;

	if (u >> 32) {
		bits += 32;
		u >>= 32;
	}
	if (u >> 16) {
		bits += 16;
		u >>= 16;
	}
	if (u >> 8) {
		bits += 8;
		u >>= 8;
	}
	if (u >> 4) {
		bits += 4;
		u >>= 4;
	}
	if (u >> 2) {
		bits += 2;
		u >>= 2;
	}
	if (u >> 1) {
		bits += 1;
		u >>= 1;
	}
	bits += (uint32_t)u;
	if (v < 0)
		return STATMATH_LOG_ZERO - bits;
	return (STATMATH_LOG_ZERO + bits) & 127;
}

/* Bucket of v among n: 0 below lo, n - 1 at or above the end, else 1 + (v - lo) / step; step > 0. */
static inline uint32_t statmath_linear_bucket(int64_t v, int64_t lo, int64_t step, uint32_t n)
{
	uint64_t i;

	if (v < lo)
		return 0;
	i = ((uint64_t)v - (uint64_t)lo) / (uint64_t)step;
	return i >= n - 2 ? n - 1 : (uint32_t)i + 1;
}

/* hi:lo += v * v, unsigned 128 bits. */
static inline void statmath_add_square(uint64_t *hi, uint64_t *lo, int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint64_t a = u >> 32, b = u & 0xffffffff;
	uint64_t cross = a * b, low = b * b, sum;

	sum = low + (cross << 33);
	*hi += a * a + (cross >> 31) + (sum < low);
	low = *lo + sum;
	*hi += low < sum;
	*lo = low;
}

#endif
