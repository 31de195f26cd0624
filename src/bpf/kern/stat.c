/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merging the CPUs' shares of a statistics aggregate, and its variance. */
#include "bpf/kern/kern.h"
#include "ir/wire.h"

enum { COUNT, SUM, MIN, MAX, SQ_HI, SQ_LO, BUCKETS };	/* words of a struct wire_stat */

enum { DST = 8, SRC, WORDS };				/* tmp[] */

RT_INLINE void add_word(struct rt_mem *m, uint32_t dst, uint32_t src, uint32_t k)
{
	RT_WORD(m, dst + 8 * k) += RT_WORD(m, src + 8 * k);
}

/* One CPU: its share is copied to the scratch and added. */
static long merge_share(uint32_t cpu, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t dst = (uint32_t)m->tmp[DST], src = (uint32_t)m->tmp[SRC];
	uint64_t lo;

	bpf_probe_read_kernel(&RT_WORD(m, src), 48, (void *)(m->arg[0] + cpu * m->arg[1]));
	if (!RT_WORD(m, src))
		return 0;
	if (!RT_WORD(m, dst) || (int64_t)RT_WORD(m, src + 8 * MIN) < (int64_t)RT_WORD(m, dst + 8 * MIN))
		RT_WORD(m, dst + 8 * MIN) = RT_WORD(m, src + 8 * MIN);
	if (!RT_WORD(m, dst) || (int64_t)RT_WORD(m, src + 8 * MAX) > (int64_t)RT_WORD(m, dst + 8 * MAX))
		RT_WORD(m, dst + 8 * MAX) = RT_WORD(m, src + 8 * MAX);
	add_word(m, dst, src, COUNT);
	add_word(m, dst, src, SUM);
	lo = RT_WORD(m, dst + 8 * SQ_LO) + RT_WORD(m, src + 8 * SQ_LO);
	RT_WORD(m, dst + 8 * SQ_HI) += RT_WORD(m, src + 8 * SQ_HI) + (lo < RT_WORD(m, src + 8 * SQ_LO));
	RT_WORD(m, dst + 8 * SQ_LO) = lo;
	return 0;
}

/* Eight buckets of one CPU; the scratch and the pad behind b[] hold 64 bytes. */
static long merge_buckets8(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t dst = (uint32_t)m->tmp[DST] + 8 * BUCKETS + 64 * i, src = (uint32_t)m->tmp[SRC];

	bpf_probe_read_kernel(&RT_WORD(m, src), 64,
			      (void *)(m->arg[3] + 8 * BUCKETS + 64 * (uint64_t)i));
	for (uint32_t k = 0; k < 8; k++) {
		if (8 * i + k >= (uint32_t)m->tmp[WORDS] - BUCKETS)
			break;
		add_word(m, dst, src, k);
	}
	return 0;
}

static long zero_bucket(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;

	RT_WORD(m, (uint32_t)m->tmp[DST] + 8 * (BUCKETS + i)) = 0;
	return 0;
}

static long merge_cpu_buckets(uint32_t cpu, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;

	m->arg[3] = m->arg[0] + cpu * m->arg[1];
	bpf_loop(((uint32_t)m->tmp[WORDS] - BUCKETS + 7) / 8, merge_buckets8, ctx, 0);
	return 0;
}

/*
 * Merges arg[2] shares, arg[1] bytes apart from address arg[0] on, into dst, `words` long; scratch has
 * at least 64 bytes.
 */
long bk_stat_merge(struct rt_mem *m, uint32_t dst, uint32_t scratch, uint32_t words)
{
	struct rt_mem *ctx = m;

	if (!m)
		return 0;
	m->tmp[DST] = dst;
	m->tmp[SRC] = scratch;
	m->tmp[WORDS] = words;
	for (uint32_t i = 0; i < BUCKETS; i++)
		RT_WORD(m, dst + 8 * i) = 0;
	bpf_loop((uint32_t)m->arg[2], merge_share, &ctx, 0);
	if (words > BUCKETS) {
		bpf_loop(words - BUCKETS, zero_bucket, &ctx, 0);
		bpf_loop((uint32_t)m->arg[2], merge_cpu_buckets, &ctx, 0);
	}
	return 0;
}

/* r = hi:lo mod n in tmp[HI], quotient in tmp[LO]: long division by shifting. */
enum { HI, LO, Q };

static long divide_bit(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint64_t n = (uint64_t)m->arg[1], hi = (uint64_t)m->tmp[HI], lo = (uint64_t)m->tmp[LO];
	uint64_t top = hi >> 63;

	hi = hi << 1 | lo >> 63;
	lo <<= 1;
	if (top || hi >= n) {
		hi -= n;
		lo |= 1;
	}
	m->tmp[HI] = (int64_t)hi;
	m->tmp[LO] = (int64_t)lo;
	return 0;
}

/* Low 64 bits of hi:lo / n. */
RT_INLINE uint64_t divide(struct rt_mem *m, uint64_t hi, uint64_t lo, uint64_t n)
{
	struct rt_mem *ctx = m;

	m->arg[1] = (int64_t)n;
	m->tmp[HI] = (int64_t)(n ? hi % n : 0);
	m->tmp[LO] = (int64_t)lo;
	bpf_loop(64, divide_bit, &ctx, 0);
	return (uint64_t)m->tmp[LO];
}

RT_INLINE void multiply(uint64_t a, uint64_t b, uint64_t *hi, uint64_t *lo)
{
	uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
	uint64_t ll = al * bl, lh = al * bh, hl = ah * bl, mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;

	*hi = ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32);
	*lo = mid << 32 | (uint32_t)ll;
}

/*
 * Sample variance of the aggregate at st, by ir/stat.c's formula: (sq - q*sum - q*r - r*r/n) / (n - 1),
 * where sum = q*n + r.
 */
long bk_variance(struct rt_mem *m, uint32_t st)
{
	uint64_t n, sum, q, r, hi, lo, sq_hi, sq_lo, part_hi, part_lo, rest;

	if (!m)
		return 0;
	n = RT_WORD(m, st + 8 * COUNT);
	if (n < 2)
		return 0;
	sum = RT_WORD(m, st + 8 * SUM);
	if ((int64_t)sum < 0)
		sum = 0 - sum;
	q = sum / n;
	r = sum % n;
	multiply(r, r, &hi, &lo);
	rest = divide(m, hi, lo, n);
	multiply(q, sum, &hi, &lo);
	multiply(q, r, &part_hi, &part_lo);
	lo += part_lo;
	hi += part_hi + (lo < part_lo);
	lo += rest;
	hi += lo < rest;
	sq_hi = RT_WORD(m, st + 8 * SQ_HI);
	sq_lo = RT_WORD(m, st + 8 * SQ_LO);
	if (sq_hi < hi || (sq_hi == hi && sq_lo <= lo))
		return 0;
	sq_hi -= hi + (sq_lo < lo);
	sq_lo -= lo;
	return (long)divide(m, sq_hi, sq_lo, n - 1);
}
