// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching: each kind of point to its mechanism, and release of all of them at once.
 *
 * Closing a perf event waits for a grace period of the kernel (some 100 ms), so events are closed
 * by many short-lived threads together.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ds.h"

#define MAX_CLOSERS	256
#define CLOSER_STACK	(64 * 1024)

void attach_fail(struct attachment *a, uint32_t point, int err, const char *fmt, ...)
{
	struct attach_error e = { .point = point, .err = err };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.msg, sizeof(e.msg), fmt, ap);
	va_end(ap);
	arrput(a->errors, e);
}

/* The calls that make or replace a process, as it sees them return. */
static void attach_process_begin(struct attachment *a, const struct attach_request *rq, uint32_t point,
				 bool thread)
{
	static const char *const calls[] = { "sys_exit_clone", "sys_exit_clone3", "sys_exit_fork",
					     "sys_exit_vfork", "sys_exit_execve", "sys_exit_execveat" };
	size_t n = thread ? 2 : sizeof(calls) / sizeof(calls[0]), armed = a->armed;

	if (!attach_tracepoint_exists("syscalls", calls[0])) {
		attach_tracepoint(a, rq, point, "raw_syscalls", "sys_exit");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (attach_tracepoint_exists("syscalls", calls[i]))
			attach_tracepoint(a, rq, point, "syscalls", calls[i]);
	if (a->armed > armed)
		a->armed = armed + 1;
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

struct attachment *attach_points(const struct attach_request *rq, struct attach_error **errors)
{
	struct attachment *a = calloc(1, sizeof(*a));
	uint32_t *multi = NULL;
	size_t n = arrlenu(rq->program->points);

	if (!a)
		abort();
	raise_file_limit();
	for (size_t i = 0; i < n; i++) {
		const struct prog_point *p = &rq->program->points[i];

		if (rq->handler_fds[p->handler] < 0)
			continue;
		if (p->kind == POINT_UPROBE && rq->uprobe_multi)
			arrput(multi, (uint32_t)i);
		else
			attach_point(a, rq, (uint32_t)i);
	}
	attach_uprobes_multi(a, rq, multi, arrlenu(multi));
	arrfree(multi);
	*errors = a->errors;
	a->errors = NULL;
	return a;
}

size_t attach_count(const struct attachment *a)
{
	return a->armed;
}

struct closer {
	pthread_t thread;
	int *fds;
	size_t n, step, first;
	bool running;
};

static void *closer_run(void *data)
{
	struct closer *c = data;

	for (size_t i = c->first; i < c->n; i += c->step)
		close(c->fds[i]);
	return NULL;
}

static void close_all(int *fds, size_t n)
{
	struct closer *c = calloc(MAX_CLOSERS, sizeof(*c));
	size_t threads = n < MAX_CLOSERS ? n : MAX_CLOSERS;
	pthread_attr_t attr;

	if (!c)
		abort();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLOSER_STACK);
	for (size_t i = 0; i < threads; i++) {
		c[i] = (struct closer){ .fds = fds, .n = n, .step = threads, .first = i };
		c[i].running = threads > 1 && !pthread_create(&c[i].thread, &attr, closer_run, &c[i]);
	}
	for (size_t i = 0; i < threads; i++) {
		if (c[i].running)
			pthread_join(c[i].thread, NULL);
		else
			closer_run(&c[i]);
	}
	pthread_attr_destroy(&attr);
	free(c);
}

void attach_release(struct attachment *a)
{
	if (!a)
		return;
	close_all(a->fds, arrlenu(a->fds));
	arrfree(a->fds);
	arrfree(a->errors);
	free(a);
}
