/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches of the kernel that silence probes: points are armed without a word, and never fire.
 *
 * Without ftrace trampolines and multi-links do not fire, nor do kprobes at the entry of a function, which is ftrace's;
 * those behind it (ktext.h) and anywhere else do.  The switch of kprobes silences all of these, and only them.
 */
#include "probe/attach_priv.h"

#include <stdio.h>

#include "base/ds.h"
#include "probe/ktext.h"

enum { BY_FTRACE = 1, BY_KPROBES = 2 };

static const struct attach_switch switches[ATTACH_SWITCHES] = {
	{ .what = "ftrace is", .path = "/proc/sys/kernel/ftrace_enabled" },
	{ .what = "kprobes are", .path = "/sys/kernel/debug/kprobes/enabled" },
};

const struct attach_switch *attach_next_off(const struct attach_switch *after)
{
	unsigned on;

	for (size_t i = after ? (size_t)(after - switches) + 1 : 0; i < ATTACH_SWITCHES; i++)
		if (attach_read_number(switches[i].path, "%u", &on) && !on)
			return &switches[i];
	return NULL;
}

static unsigned mechanisms_of(const struct attach_request *rq, const struct prog_point *p)
{
	bool shared = rq->shared && rq->shared[p->handler], alone = rq->alone && rq->alone[p->handler];

	switch (rq->program->handlers[p->handler].kind) {
	case PROG_FENTRY:
	case PROG_FEXIT:
		return BY_FTRACE;
	case PROG_KPROBE:
		if (p->kind == POINT_KFUNC && shared && p->address && ktext_entry(p->name, p->address))
			return BY_KPROBES;
		break;
	case PROG_KRETPROBE:
		break;
	case PROG_KINSN:
		return BY_KPROBES;
	default:
		return 0;
	}
	return p->kind == POINT_KFUNC && rq->kprobe_multi && !shared && !alone ? BY_FTRACE : BY_FTRACE | BY_KPROBES;
}

size_t attach_silenced(const struct attach_request *rq, const struct attach_switch *off, uint32_t *first)
{
	unsigned by = 1u << (off - switches);
	size_t silenced = 0;

	for (size_t i = 0; i < arrlenu(rq->program->points); i++) {
		if (attach_program(rq, (uint32_t)i) < 0 || !(mechanisms_of(rq, &rq->program->points[i]) & by))
			continue;
		if (!silenced++)
			*first = (uint32_t)i;
	}
	return silenced;
}
