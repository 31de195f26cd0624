/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A wait that keeps the processor busy: udelay() and mdelay(). */
#include "bpf/kern/kern.h"

static uint64_t (*const bpf_ktime_get_ns)(void) = (void *)5;

static long delay_step(uint32_t i, uint64_t *until)
{
	return bpf_ktime_get_ns() >= *until;
}

long bk_delay(struct rt_mem *m, uint64_t ns)
{
	uint64_t until;

	if (!m)
		return 0;
	until = bpf_ktime_get_ns() + ns;
	bpf_loop(1 << 23, delay_step, &until, 0);
	return 0;
}
