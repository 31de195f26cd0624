/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Context of a user handler: the stap process itself, or the subject of the run.  Where SystemTap's begin
 * and timer handlers have no answer either (stacks, registers), there is none here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "interp/errno_name.h"
#include "interp/state.h"
#include "ir/wire.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The kernel's counter: its tick is the coarse clock's, and it starts 300 s before zero. */
static int64_t jiffies(void)
{
	struct timespec tick;
	int64_t ns;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	ns = tick.tv_nsec > 0 ? tick.tv_nsec : 4000000;
	return (int64_t)(uint32_t)(-300 * (1000000000 / ns)) + clock_ns(CLOCK_MONOTONIC_COARSE) / ns;
}

static int64_t cycles(void)
{
#if defined(__x86_64__)
	return (int64_t)__builtin_ia32_rdtsc();
#else
	return clock_ns(CLOCK_MONOTONIC);
#endif
}

static int64_t random_below(int64_t n)
{
	static uint64_t state;

	if (n <= 0)
		return 0;
	if (!state)
		state = (uint64_t)clock_ns(CLOCK_REALTIME) ^ (uint64_t)getpid() << 40;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (int64_t)(state % (uint64_t)n);
}

static int64_t zone_offset(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) ? -(int64_t)tm.tm_gmtoff : 0;
}

/* target(): of -c it is known only once the command was started. */
static int32_t target_of(const struct interp *in)
{
	return in->env->target ? in->env->target : in->p->target;
}

static const struct prog_point *point_of(const struct interp *in)
{
	return in->point == UINT32_MAX ? NULL : &in->p->points[in->point];
}

const char *interp_point_name(const struct interp *in)
{
	const struct prog_point *pt = point_of(in);

	return pt && pt->str[IR_PP_FULL] ? pt->str[IR_PP_FULL] : "";
}

/* What sprint_backtrace() and the like give here, where there is no stack; backtrace() is empty. */
static uint32_t no_backtrace(struct interp *in, const struct ir_expr *e)
{
	char *text = e->imm ? xasprintf(OUT_NO_BACKTRACE, e->op == IR_KBACKTRACE ? "kernel" : "user",
					interp_point_name(in)) : xstrdup("");
	uint32_t at = interp_push_text(in, text, strlen(text), e->bound);

	free(text);
	return at;
}

/* Of the process of the run, which TASK 0 stands for. */
static int64_t own_field(const struct interp *in, int64_t field)
{
	switch (field) {
	case IR_OWN_PRIO: return 20 + getpriority(PRIO_PROCESS, (id_t)interp_tid(in));
	case IR_OWN_NICE: return getpriority(PRIO_PROCESS, (id_t)interp_tid(in));
	default: return sched_getcpu();
	}
}

int64_t interp_context_int(struct interp *in, const struct ir_expr *e)
{
	int64_t arg = 0;

	for (uint32_t i = 0; i < e->nargs; i++)
		arg = interp_int(in, e->args[i]);
	switch (e->op) {
	case IR_PID: case IR_TID: case IR_PPID: case IR_PGRP: case IR_SID: case IR_UID: case IR_EUID:
	case IR_GID: case IR_EGID:
		return interp_subject_int(in, e->op);
	case IR_STP_PID: return getpid();
	case IR_TASK:
		return e->imm && !in->env->subject && in->env->task ? (int64_t)in->env->task(in->env->ctx) : 0;
	case IR_IMAGE: return interp_subject_image(in, e->imm);
	case IR_CPU: return sched_getcpu();
	case IR_TIME_NS: return clock_ns(CLOCK_REALTIME);
	case IR_KTIME_NS: return clock_ns(CLOCK_MONOTONIC);
	case IR_CYCLES: return cycles();
	case IR_JIFFIES: return jiffies();
	case IR_RANDINT: return random_below(arg);
	case IR_TARGET: return target_of(in);
	case IR_IS_TARGET:
		return in->env->subject ? in->env->subject->is_target : target_of(in) == getpid();
	case IR_POINT_INT: {
		const struct prog_point *pt = point_of(in);

		return pt && e->imm >= 0 && (uint64_t)e->imm < arrlenu(pt->ints) ? pt->ints[e->imm] : 0;
	}
	case IR_TZ_INFO: return zone_offset();
	case IR_KPLACE:
		return e->imm >= 0 && (uint64_t)e->imm < arrlenu(in->p->places) ?
			(int64_t)in->p->places[e->imm].address : 0;
	case IR_MODULE_BIAS:
		if (in->env->module_bias && !in->env->module_bias(in->env->ctx, e->imm, &arg))
			return arg;
		interp_fail(in, WERR_NO_CONTEXT, 0, e);
		return 0;
	case IR_OWN_FIELD:
		return own_field(in, e->imm);
	case IR_REG: case IR_UREG:
		interp_fail(in, WERR_NO_CONTEXT, 0, e);
		return 0;
	default:
		return 0;	/* USER_MODE, UADDR, PROBE_ADDR, stack addresses: none */
	}
}

/* Text that only the drain can make, left in the string as kernel handlers do. */
static uint32_t deferred(struct interp *in, const struct ir_expr *e)
{
	char letter = ir_sym_letter(e);
	char text[64];
	uint64_t addr = (uint64_t)interp_int(in, e->args[0]);

	if (e->op == IR_USYM)
		snprintf(text, sizeof(text), "%c%c%x,%" PRIx64 "%c", WIRE_DEFER_OPEN, letter,
			 (unsigned)(in->env->subject || !target_of(in) ? interp_pid(in) : target_of(in)), addr,
			 WIRE_DEFER_CLOSE);
	else
		snprintf(text, sizeof(text), "%c%c%" PRIx64 "%c", WIRE_DEFER_OPEN, letter, addr,
			 WIRE_DEFER_CLOSE);
	return interp_push_text(in, text, strlen(text), e->bound);
}

/* Arguments of the process, with blanks between them; an empty one but the first is shown as "". */
static uint32_t cmdline(struct interp *in, const struct ir_expr *e)
{
	char args[4096], text[3 * sizeof(args)];
	size_t n = interp_proc_file(interp_pid(in), interp_pid(in), "cmdline", args, sizeof(args)), len = 0;

	for (size_t i = 0; i < n; i++) {
		if (args[i]) {
			text[len++] = args[i];
			continue;
		}
		if (i && !args[i - 1]) {
			text[len++] = '"';
			text[len++] = '"';
		}
		if (i + 1 < n)
			text[len++] = ' ';
	}
	return interp_push_text(in, text, len, e->bound);
}

static uint32_t execname(struct interp *in, const struct ir_expr *e, pid_t pid, pid_t tid)
{
	char text[64];
	size_t n = interp_proc_file(pid, tid, "comm", text, sizeof(text));

	return interp_push_text(in, text, n ? n - 1 : 0, e->bound);
}

static uint32_t env_text(struct interp *in, const struct ir_expr *e)
{
	const char *name = interp_at(in, interp_text(in, e->args[0]));
	char *value = interp_subject_env(in, name);
	uint32_t at = interp_push_text(in, value ? value : "", value ? strlen(value) : 0, e->bound);

	free(value);
	return at;
}

static uint32_t errno_text(struct interp *in, const struct ir_expr *e)
{
	char room[ERRNO_NAME_MAX];
	const char *name = errno_name(interp_int(in, e->args[0]), room);

	return interp_push_text(in, name, strlen(name), e->bound);
}

static uint32_t file_text(struct interp *in, const struct ir_expr *e)
{
	const char *path = interp_at(in, interp_text(in, e->args[0]));
	char text[4096];
	ssize_t n = readlink(path, text, sizeof(text));
	int fd;

	if (n < 0 && errno == EINVAL) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0) {
			n = read(fd, text, sizeof(text));
			close(fd);
		}
	}
	n = n > 0 ? (ssize_t)strnlen(text, (size_t)n) : 0;
	return interp_push_text(in, text, (size_t)n, e->bound);
}

static uint32_t zone_name(struct interp *in, const struct ir_expr *e)
{
	time_t now = time(NULL);
	struct tm tm;
	const char *s = localtime_r(&now, &tm) && tm.tm_zone ? tm.tm_zone : "";

	return interp_push_text(in, s, strlen(s), e->bound);
}

uint32_t interp_context_str(struct interp *in, const struct ir_expr *e)
{
	const struct prog_point *pt = point_of(in);
	const char *s = "";
	pid_t parent;

	switch (e->op) {
	case IR_EXECNAME:
		return execname(in, e, interp_pid(in), interp_tid(in));
	case IR_PEXECNAME:
		parent = (pid_t)interp_subject_int(in, IR_PPID);
		return execname(in, e, parent, parent);
	case IR_CMDLINE:
		return cmdline(in, e);
	case IR_POINT_STR:
		if (pt && pt->str[e->imm])
			s = pt->str[e->imm];
		break;
	case IR_VALUE:
		if (in->env->value)
			s = in->env->value(in->env->ctx);
		break;
	case IR_USYM: case IR_KSYM:
		return deferred(in, e);
	case IR_TZ_NAME:
		return zone_name(in, e);
	case IR_ENV:
		return env_text(in, e);
	case IR_FILE_TEXT:
		return file_text(in, e);
	case IR_ERRNO_STR:
		return errno_text(in, e);
	case IR_UBACKTRACE: case IR_KBACKTRACE:
		return no_backtrace(in, e);
	default:
		break;
	}
	s = s ? s : "";
	return interp_push_text(in, s, strlen(s), e->bound);
}
