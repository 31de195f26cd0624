/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching: each kind of point to its mechanism, and release of all of them at once.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "probe/tracefs.h"

#define FEW_EVENTS	8	/* perf events that are closed on the spot */

void attach_fail(struct attachment *a, uint32_t point, int err, const char *fmt, ...)
{
	struct attach_error e = { .point = point, .err = err };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.msg, sizeof(e.msg), fmt, ap);
	va_end(ap);
	arrput(a->errors, e);
}

int attach_program(const struct attach_request *rq, uint32_t point)
{
	return rq->point_fds ? rq->point_fds[point] : rq->handler_fds[rq->program->points[point].handler];
}

/* The calls that make or replace a process, as it sees them return. */
static void attach_process_begin(struct attachment *a, const struct attach_request *rq, uint32_t point,
				 bool thread)
{
	static const char *const calls[] = { "sys_exit_clone", "sys_exit_clone3", "sys_exit_fork",
					     "sys_exit_vfork", "sys_exit_execve", "sys_exit_execveat" };
	size_t n = thread ? 2 : sizeof(calls) / sizeof(calls[0]), armed = a->armed;

	if (!tracefs_has_event("syscalls", calls[0])) {
		attach_tracepoint(a, rq, point, "raw_syscalls", "sys_exit");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (tracefs_has_event("syscalls", calls[i]))
			attach_tracepoint(a, rq, point, "syscalls", calls[i]);
	if (a->armed > armed)
		a->armed = armed + 1;
}

const char *attach_exit_function(void)
{
	/* called by do_exit() in this order, the memory not yet given back; options of the kernel leave some out */
	static const char *const functions[] = { "taskstats_exit", "acct_collect", "exit_signals" };
	static const char *found;
	static bool tried;

	/* that field came with the tracepoint's move to where the memory is still there */
	if (tried || tracefs_has_field("sched", "sched_process_exit", "group_dead"))
		return found;
	tried = true;
	for (size_t i = 0; !found && i < sizeof(functions) / sizeof(functions[0]); i++)
		if (attach_can_kprobe(functions[i]))
			found = functions[i];
	return found;
}

/* POINT_TRACEPOINT: "category:event" of tracefs, or a raw one's name. */
static void attach_named(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];
	const char *colon = p->name ? strchr(p->name, ':') : NULL;
	char category[128];

	if (rq->program->handlers[p->handler].kind != PROG_TRACEPOINT) {
		attach_raw_tracepoint(a, rq, point, colon ? colon + 1 : p->name);
		return;
	}
	if (!colon || (size_t)(colon - p->name) >= sizeof(category)) {
		attach_fail(a, point, EINVAL, "'%s' is no tracepoint", p->name ? p->name : "");
		return;
	}
	memcpy(category, p->name, (size_t)(colon - p->name));
	category[colon - p->name] = 0;
	attach_tracepoint(a, rq, point, category, colon + 1);
}

static void attach_point(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];

	switch (p->kind) {
	case POINT_UPROBE:
		attach_uprobe_perf(a, rq, point);
		break;
	case POINT_PROCESS_BEGIN:
	case POINT_THREAD_BEGIN:
		attach_process_begin(a, rq, point, p->kind == POINT_THREAD_BEGIN);
		break;
	case POINT_PROCESS_END:
	case POINT_THREAD_END:
		if (rq->program->handlers[p->handler].kind == PROG_KPROBE)
			attach_kprobe(a, rq, point, attach_exit_function());
		else
			attach_tracepoint(a, rq, point, "sched", "sched_process_exit");
		break;
	case POINT_PROCESS_SYSCALL:
		attach_tracepoint(a, rq, point, "raw_syscalls", "sys_enter");
		break;
	case POINT_PROCESS_SYSCALL_RETURN:
		attach_tracepoint(a, rq, point, "raw_syscalls", "sys_exit");
		break;
	case POINT_TRACEPOINT:
		attach_named(a, rq, point);
		break;
	case POINT_SYSCALL:
		attach_syscall(a, rq, point);
		break;
	case POINT_KFUNC:
		attach_kernel_function(a, rq, point);
		break;
	case POINT_WATCH:
		attach_watch(a, rq, point);
		break;
	case POINT_NETFILTER:
		attach_netfilter(a, rq, point);
		break;
	case POINT_PROFILE:
	case POINT_PERF:
		attach_profile(a, rq, point);
		break;
	default:	/* the session's own, or not attached by this layer */
		break;
	}
}

/* Events need descriptors: as many as may be had. */
static void raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max < 1 << 20 ? 1 << 20 : r.rlim_max;
	r.rlim_max = r.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &r)) {
		getrlimit(RLIMIT_NOFILE, &r);
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static bool is_kprobe(const struct attach_request *rq, const struct prog_point *p)
{
	enum prog_kind kind = rq->program->handlers[p->handler].kind;

	return kind == PROG_KPROBE || kind == PROG_KRETPROBE;
}

static bool is_multi(const struct attach_request *rq, const struct prog_point *p)
{
	return p->kind == POINT_UPROBE ? rq->uprobe_multi :
	       p->kind == POINT_KFUNC && rq->kprobe_multi && is_kprobe(rq, p) && !(rq->alone && rq->alone[p->handler]);
}

static bool is_shared(const struct attach_request *rq, const struct prog_point *p)
{
	return rq->shared && rq->shared[p->handler];
}

size_t attach_single(const struct attach_request *rq)
{
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(rq->program->points); i++)
		n += attach_program(rq, (uint32_t)i) >= 0 && !is_multi(rq, &rq->program->points[i]) &&
		     rq->program->points[i].kind != POINT_SYSCALL;
	return n;
}

struct attachment *attach_points(const struct attach_request *rq, struct attach_error **errors)
{
	struct attachment *a = xcalloc(1, sizeof(*a));
	uint32_t *multi = NULL, *kmulti = NULL, *shared = NULL;
	size_t n = arrlenu(rq->program->points);

	raise_file_limit();
	for (size_t i = 0; i < n && !(rq->stopped && rq->stopped()); i++) {
		const struct prog_point *p = &rq->program->points[i];

		if (attach_program(rq, (uint32_t)i) < 0)
			continue;
		if (is_shared(rq, p))
			arrput(shared, (uint32_t)i);
		else if (!is_multi(rq, p))
			attach_point(a, rq, (uint32_t)i);
		else if (p->kind == POINT_UPROBE)
			arrput(multi, (uint32_t)i);
		else
			arrput(kmulti, (uint32_t)i);
	}
	attach_uprobes_multi(a, rq, multi, arrlenu(multi));
	attach_kprobes_multi(a, rq, kmulti, arrlenu(kmulti));
	attach_kprobes_shared(a, rq, shared, arrlenu(shared));
	arrfree(multi);
	arrfree(kmulti);
	arrfree(shared);
	*errors = a->errors;
	a->errors = NULL;
	return a;
}

size_t attach_count(const struct attachment *a)
{
	return a->armed;
}

void attach_release(struct attachment *a)
{
	size_t n;

	if (!a)
		return;
	attach_cpus_release(a);
	n = arrlenu(a->events);
	if (a->nf_tables)
		close(a->nf_tables);
	for (size_t i = 0; i < arrlenu(a->fds); i++)
		close(a->fds[i]);
	if (n <= FEW_EVENTS || !attach_close_aside(a->events))
		for (size_t i = 0; i < n; i++)
			close(a->events[i]);
	attach_shared_release(a);
	arrfree(a->counted);
	arrfree(a->fds);
	arrfree(a->events);
	arrfree(a->errors);
	free(a);
}
