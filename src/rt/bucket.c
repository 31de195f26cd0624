/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buckets of histograms, as functions for the linker of kernel programs. */
#include "ir/statmath.h"
#include "rt/mem.h"

long rt_log_bucket(int64_t v)
{
	return statmath_log_bucket(v);
}

long rt_linear_bucket(int64_t v, int64_t lo, int64_t step, uint32_t n)
{
	return step > 0 && n > 2 ? statmath_linear_bucket(v, lo, step, n) : 0;
}
