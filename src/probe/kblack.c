/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in blacklist: functions that every hit, or what handlers do most, goes through.
 *
 * Some end the machine: a trampoline calls them before the kernel knows that a program is running, and so itself, until
 * the stack is used up (6.1 lets __rcu_read_lock be probed so).  The others do no harm, for the kernel never runs a
 * program within itself, but each hit of any probe makes some more, which are all skipped: under kernel.function("*")
 * they were nearly all of what was skipped, and most of the time.  What the kernel itself must not be stopped in it
 * refuses by lists of its own (notrace, NOKPROBE_SYMBOL).
 */
#include "probe/kblack.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>

#include "probe/family.h"

static const struct {
	const char *glob, *reason;
	bool fatal;		/* ends the machine: not even in guru mode */
} blacklist[] = {
	{ "__rcu_read_lock", "the kernel calls it before every handler", true },
	{ "__rcu_read_unlock", "the kernel calls it after every handler", true },
	{ "rcu_read_unlock_strict", "the kernel calls it after every handler", true },
	{ "migrate_disable", "the kernel calls it before every handler", true },
	{ "migrate_enable", "the kernel calls it after every handler", true },
	{ "preempt_count_add", "the kernel calls it before every handler", true },
	{ "preempt_count_sub", "the kernel calls it after every handler", true },
	{ "bpf_get_smp_processor_id", "handlers learn by it on which processor they run", false },
	{ "__htab_map_lookup_elem", "handlers find elements of arrays by it", false },
	{ "htab_map_lookup_elem", "handlers find elements of arrays by it", false },
	{ "lookup_elem_raw", "handlers find elements of arrays by it", false },
	{ "lookup_nulls_elem_raw", "handlers find elements of arrays by it", false },
	{ "htab_map_update_elem", "handlers add elements to arrays by it", false },
	{ "htab_map_delete_elem", "handlers delete elements of arrays by it", false },
	{ "alloc_htab_elem", "handlers add elements to arrays by it", false },
	{ "bpf_map_*_elem", "handlers look at elements of arrays by it", false },
	{ "*pcpu_freelist_p*", "handlers take elements of arrays from it", false },
	{ "bpf_ringbuf_output", "handlers hand over by it what they print", false },
	{ "__bpf_ringbuf_reserve", "handlers hand over by it what they print", false },
	{ "copy_from_kernel_nofault*", "handlers read the kernel's memory by it", false },
};

const char *kblack_reason(const struct probe_session *ps, const char *function)
{
	for (size_t i = 0; i < sizeof(blacklist) / sizeof(blacklist[0]); i++)
		if ((blacklist[i].fatal || !ps->guru) && !fnmatch(blacklist[i].glob, function, 0))
			return blacklist[i].reason;
	return NULL;
}
