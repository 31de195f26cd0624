/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watchpoints: hardware breakpoints as perf events, for memory of the kernel on every processor, for a process's in
 * each of its threads and those that they start.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "base/procfs.h"

struct watch {
	struct attachment *a;
	struct perf_event_attr attr;
	int prog_fd;
	uint32_t point;
	int err;		/* of the last thread */
	unsigned threads;	/* that are watched, or were tried */
};

static bool watch_thread(void *ctx, pid_t tid)
{
	struct watch *w = ctx;
	int err = attach_event(w->a, &w->attr, tid, -1, w->prog_fd, w->point);

	if (err == ESRCH)	/* it has ended by now */
		return true;
	w->err = err;
	w->threads++;
	return !err;
}

static int watch_process(struct watch *w, pid_t pid)
{
	char path[32];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	err = -procfs_each_id(path, watch_thread, w);
	if (err)
		return err == ENOENT ? ESRCH : err;
	return w->threads ? w->err : ESRCH;
}

static const char *watch_problem(int err)
{
	switch (err) {
	case ENOSPC:
		return "all breakpoint registers of the processor are taken";
	case EINVAL:
		return "the kernel does not let this address be watched";
	default:
		return strerror(err);
	}
}

void attach_watch(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];
	struct watch w = { .a = a, .prog_fd = attach_program(rq, point), .point = point };
	int err;

	w.attr = (struct perf_event_attr){
		.type = PERF_TYPE_BREAKPOINT, .bp_type = p->perf_type, .bp_addr = p->address, .bp_len = p->offset,
		.sample_period = 1, .inherit = p->pid > 0,
	};
	err = p->pid > 0 ? watch_process(&w, p->pid) : attach_on_cpus(a, &w.attr, w.prog_fd, point);
	if (err)
		attach_fail(a, point, err, "watching %llu bytes at 0x%llx: %s", (unsigned long long)p->offset,
			    (unsigned long long)p->address, watch_problem(err));
	else
		a->armed++;
}
