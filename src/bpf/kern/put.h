/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text put together byte by byte: the position and the room are in tmp[POS] and tmp[SIZE]. */
#ifndef BPF_KERN_PUT_H
#define BPF_KERN_PUT_H

#include "bpf/kern/kern.h"

enum { POS, SIZE, DIGITS };	/* tmp[] */

RT_INLINE void put(struct rt_mem *m, uint32_t dst, uint8_t c)
{
	uint32_t at = (uint32_t)rt_got(m, POS);

	if (at + 1 < (uint32_t)rt_got(m, SIZE))
		RT_BYTE(m, dst + at) = c;
	rt_put(m, POS, at + 1);
}

RT_INLINE uint8_t hex_digit(uint64_t v)
{
	v &= 15;
	return (uint8_t)(v < 10 ? '0' + v : 'a' - 10 + v);
}

RT_INLINE void put_hex(struct rt_mem *m, uint32_t dst, uint64_t v)
{
	rt_put(m, DIGITS, 0);
	for (int i = 0; i < 16; i++) {
		uint64_t d = v >> 60;

		v <<= 4;
		if (d)
			rt_put(m, DIGITS, 1);
		if (rt_got(m, DIGITS) || i == 15)
			put(m, dst, hex_digit(d));
	}
}

/* Ends the string; its length, RT_CUT if there was too little room. */
RT_INLINE long finish(struct rt_mem *m, uint32_t dst, uint32_t size)
{
	uint32_t n = (uint32_t)rt_got(m, POS);

	if (n >= size) {
		RT_BYTE(m, dst + size - 1) = 0;
		return (long)(size - 1) | RT_CUT;
	}
	RT_BYTE(m, dst + n) = 0;
	return n;
}

#endif
