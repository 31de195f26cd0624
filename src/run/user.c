/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handlers that run in this process: begin, end, error, timers.  What they print,
 * report and ask for comes back through the environment of the user engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/ds.h"
#include "interp/plainstore.h"
#include "probe/tracefs.h"
#include "run/priv.h"
#include "run/stop.h"

static void user_write(void *ctx, const char *text, size_t len)
{
	run_output(ctx, text, len);
}

static void user_warn(void *ctx, const char *msg)
{
	run_warn(ctx, "%s", msg);
}

static void user_error(void *ctx, const char *line)
{
	run_soft_error(ctx, line);
}

void run_exit_request(struct run_session *s)
{
	if (s->state == RUN_STARTING || s->state == RUN_RUNNING)
		s->state = RUN_STOPPING;
}

static void user_exit(void *ctx)
{
	run_exit_request(ctx);
}

/* Its exit is collected by the event loop. */
static void shell_command(struct run_session *s, const char *command)
{
	pid_t pid = fork();

	if (pid < 0)
		run_warn(s, "cannot run \"%s\": %s", command, strerror(errno));
	if (pid == 0) {
		run_stop_child();
		setpriority(PRIO_PROCESS, 0, s->nice);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
}

/* One line into a file of the kernel's, in one write. */
static void kernel_line(struct run_session *s, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		run_warn(s, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void trace_line(struct run_session *s, const char *text)
{
	const char *tracefs = tracefs_path();
	char path[64];

	snprintf(path, sizeof(path), "%s/trace_marker", tracefs ? tracefs : "/sys/kernel/tracing");
	kernel_line(s, path, text);
}

void run_user_service(struct run_session *s, int64_t kind, const char *text)
{
	switch (kind) {
	case IR_SERVICE_SHELL:
		shell_command(s, text);
		break;
	case IR_SERVICE_KMSG:
		kernel_line(s, "/dev/kmsg", text);
		break;
	case IR_SERVICE_TRACE:
		trace_line(s, text);
		break;
	case IR_SERVICE_PANIC:
		kernel_line(s, "/dev/kmsg", text);
		kernel_line(s, "/proc/sysrq-trigger", "c");
		break;
	case IR_SERVICE_SWITCH_FILE:
		run_sink_switch(s->sink);
		break;
	}
}

static void user_service(void *ctx, int64_t kind, const char *text)
{
	struct run_session *s = ctx;

	run_drain(s, (uint64_t)run_clock_ns());
	run_sink_flush(s->sink);
	run_user_service(s, kind, text);
}

static void user_expand(void *ctx, const char *fields, size_t len, struct out_buf *b)
{
	struct run_session *s = ctx;

	run_symbols_start(s);
	s->expand.when = (uint64_t)run_clock_ns();
	run_expand_field(&s->expand, fields, len, b);
}

static void user_print_syms(void *ctx, const char *addrs, int64_t imm, struct out_buf *out)
{
	struct run_session *s = ctx;

	run_print_syms(s, addrs, strlen(addrs), imm, s->prog->target, out);
}

static int user_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct run_session *s = ctx;
	struct iovec local = { .iov_base = buf, .iov_len = n };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = n };
	pid_t pid = s->env.subject ? s->env.subject->pid : s->prog->target;

	if (!pid || process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)n)
		return -EFAULT;
	return 0;
}

static struct kernel_reader *user_reader(struct run_session *s)
{
	if (!s->reader && !s->no_reader) {
		s->reader = kernel_reader_create();
		s->no_reader = !s->reader;
	}
	return s->reader;
}

static int user_read_kernel(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct kernel_reader *r = user_reader(ctx);

	return r ? kernel_reader_read(r, addr, buf, n) : -EFAULT;
}

static uint64_t user_task(void *ctx)
{
	struct kernel_reader *r = user_reader(ctx);

	return r ? kernel_reader_task(r) : 0;
}

static int user_bias(void *ctx, int64_t module, int64_t *bias)
{
	struct run_session *s = ctx;

	return s->env.subject ? run_bias_of(s, s->env.subject->pid, module, bias) : -ENOENT;
}

void run_user_env(struct run_session *s, struct interp_env *env)
{
	*env = (struct interp_env){
		.ctx = s, .write = user_write, .warn = user_warn, .error = user_error,
		.exit = user_exit, .service = user_service,
		.defer = { .ctx = s, .expand = user_expand }, .print_syms = user_print_syms,
		.target = s->prog->target, .module_bias = user_bias,
		.read_user = user_read, .read_kernel = user_read_kernel, .task = user_task,
		.value = run_files_value, .value_set = run_files_value_set,
	};
}

/* The processor's clock, or nanoseconds where there is none we know. */
static uint64_t user_cycles(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return (uint64_t)run_clock_ns();
#endif
}

typedef enum interp_status user_run_fn(struct interp *in, uint32_t point);

static void user_run(struct run_session *s, uint32_t point, user_run_fn *fn)
{
	struct run_timing *t = &s->timing[point];
	uint64_t start = user_cycles(), took;
	enum interp_status status;

	s->current = point;
	status = fn(s->interp, point);
	if (s->view)
		plainstore_forget(s->view);
	if (status == INTERP_SKIPPED || status == INTERP_GIVEN_UP) {
		s->skipped += status == INTERP_SKIPPED;
		s->given_up += status == INTERP_GIVEN_UP;
		run_check_skipped(s);
		return;
	}
	took = user_cycles() - start;
	t->min = !t->hits || took < t->min ? took : t->min;
	t->max = took > t->max ? took : t->max;
	t->sum += took;
	t->sum_sq += (double)took * (double)took;
	t->hits++;
}

/*
 * While kernel handlers wait for the globals that this one has locked, no other process should run in its place.  It is
 * bounded by MAXACTION.  Without the right to it nothing changes.
 */
static void user_hurry(bool on)
{
	const struct sched_param first = { .sched_priority = 1 }, none = { 0 };

	sched_setscheduler(0, (on ? SCHED_FIFO : SCHED_OTHER) | SCHED_RESET_ON_FORK, on ? &first : &none);
}

void run_user_point(struct run_session *s, uint32_t point)
{
	bool hurry = s->engine && s->state == RUN_RUNNING;

	if (hurry)
		user_hurry(true);
	user_run(s, point, interp_run_point);
	if (hurry)
		user_hurry(false);
}

void run_user_start(struct run_session *s, uint32_t point, const struct interp_subject *subject)
{
	s->env.subject = subject;
	user_run(s, point, interp_run_start);
	s->env.subject = NULL;
}

struct user_order {
	int64_t priority;
	uint32_t point;
};

static int user_order_compare(const void *va, const void *vb)
{
	const struct user_order *a = va, *b = vb;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return a->point < b->point ? -1 : a->point > b->point;
}

void run_user_kind(struct run_session *s, enum point_kind kind, enum run_state state)
{
	struct user_order *order = NULL;

	for (size_t i = 0; i < arrlenu(s->prog->points); i++) {
		struct user_order o = { s->prog->points[i].priority, (uint32_t)i };

		if (s->prog->points[i].kind == kind)
			arrput(order, o);
	}
	if (arrlenu(order) > 1)
		qsort(order, arrlenu(order), sizeof(*order), user_order_compare);
	for (size_t i = 0; i < arrlenu(order) && s->state == state; i++)
		run_user_point(s, order[i].point);
	arrfree(order);
}
