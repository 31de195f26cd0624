/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routines for records, BPF only. */
#include "bpf/kern/kern.h"

/*
 * Writes the string at src as a wire string at dst: u32 length, u32 0, bytes padded with zeros to 8.
 * Returns the bytes written.
 */
long bk_put_str(struct rt_mem *m, uint32_t dst, uint32_t src)
{
	if (!m)
		return 0;
	rt_put(m, 0, 0);
	for (uint32_t i = 0; i < RT_STR_MAX; i += 8) {
		uint64_t x = RT_WORD(m, src + i), z = rt_zeros(x);

		if (z) {
			z &= 0 - z;
			x &= z - 1;
			RT_WORD(m, dst + 8 + i) = x;
			rt_put(m, 0, i + rt_first(z));
			break;
		}
		RT_WORD(m, dst + 8 + i) = x;
	}
	RT_WORD(m, dst) = (uint32_t)rt_got(m, 0);
	return 8 + ((rt_got(m, 0) + 7) & ~7l);
}
