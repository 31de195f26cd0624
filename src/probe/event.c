/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process(...).begin .end .thread.begin .thread.end .syscall .syscall.return: life and system calls of
 * processes, by tracepoints; the handler itself checks whose event it is.
 */
#include "probe/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/module.h"
#include "probe/attach.h"

#define EVENT_ROWS(p)                                                                              \
	{ p ".begin", POINT_PROCESS_BEGIN },                                                       \
	{ p ".end", POINT_PROCESS_END },                                                           \
	{ p ".thread.begin", POINT_THREAD_BEGIN },                                                 \
	{ p ".thread.end", POINT_THREAD_END },                                                     \
	{ p ".syscall", POINT_PROCESS_SYSCALL },                                                   \
	{ p ".syscall.return", POINT_PROCESS_SYSCALL_RETURN }

static const struct probe_pattern event_patterns[] = {
	EVENT_ROWS("process"),
	EVENT_ROWS("process(string)"),
	EVENT_ROWS("process(number)"),
};

/* The device number as the kernel keeps it: of the mount, which stat(2) of some file systems differs from. */
static uint64_t kernel_device(const char *file, const struct stat *st)
{
	uint64_t dev = ((uint64_t)major(st->st_dev) << 20) | minor(st->st_dev);
	struct statx sx;
	char line[8192];
	FILE *f;

	if (statx(AT_FDCWD, file, 0, STATX_MNT_ID, &sx) || !(sx.stx_mask & STATX_MNT_ID))
		return dev;
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return dev;
	while (fgets(line, sizeof(line), f)) {
		unsigned long long id;
		unsigned maj, min;

		if (sscanf(line, "%llu %*u %u:%u", &id, &maj, &min) == 3 && id == sx.stx_mnt_id) {
			dev = ((uint64_t)maj << 20) | min;
			break;
		}
	}
	fclose(f);
	return dev;
}

bool probe_point_image(struct probe_point *pt, const struct probe_image *img)
{
	const char *file = dbg_module_info(img->module)->real_path;
	struct stat st;

	if (stat(file, &st))
		return false;
	pt->filter |= PROBE_FILTER_IMAGE;
	pt->module = img->module;
	pt->prog.path = file;
	pt->prog.str[IR_PP_MODULE] = img->path;
	probe_point_int(pt, PROBE_INT_INO, (int64_t)st.st_ino);
	probe_point_int(pt, PROBE_INT_DEV, (int64_t)kernel_device(file, &st));
	return true;
}

static struct probe_point *event_point(struct probe_session *ps, const struct probe_family *f,
				       const struct probe_match *m)
{
	struct probe_point *pt = probe_point_new(ps, f, m);

	pt->kind = PROG_TRACEPOINT;
	pt->prog.kind = (enum point_kind)m->pattern->variant;
	switch (pt->prog.kind) {
	case POINT_PROCESS_SYSCALL:
		pt->scope = PROBE_SCOPE_SYSCALL;
		break;
	case POINT_PROCESS_SYSCALL_RETURN:
		pt->scope = PROBE_SCOPE_SYSCALL_RETURN;
		break;
	case POINT_THREAD_BEGIN:
	case POINT_THREAD_END:
		pt->filter |= PROBE_FILTER_THREAD;
		pt->scope = PROBE_SCOPE_PROCESS;
		break;
	default:
		pt->filter |= PROBE_FILTER_LEADER;
		pt->scope = PROBE_SCOPE_PROCESS;
	}
	if ((pt->prog.kind == POINT_PROCESS_END || pt->prog.kind == POINT_THREAD_END) && attach_exit_function())
		pt->kind = PROG_KPROBE;
	pt->prog.str[IR_PP_TYPE] = pt->prog.kind == POINT_PROCESS_SYSCALL ||
				   pt->prog.kind == POINT_PROCESS_SYSCALL_RETURN ?
				   "utrace_syscall" : "utrace";
	return pt;
}

static const char *suffix_text(struct arena *a, const struct probe_match *m)
{
	const char *text = "";

	for (size_t i = 1; i < m->n; i++)
		text = arena_printf(a, "%s.%s", text, m->name[i]);
	return text;
}

static void event_resolve(struct probe_session *ps, const struct probe_family *f,
			  const struct probe_match *m, struct probe_result *out)
{
	struct arena *a = ps->arena;
	struct probe_point *pt;
	const struct probe_image *img;
	int64_t pid;
	size_t n;

	if (probe_match_long(m, "process", &pid)) {
		pt = event_point(ps, f, m);
		img = probe_images(ps, m, out, &n);
		if (!n)
			return;
		pt->filter |= PROBE_FILTER_PID;
		pt->module = img[0].module;
		pt->prog.pid = (int32_t)pid;
		probe_point_int(pt, PROBE_INT_PID, pid);
		probe_point_spell(pt, probe_match_text(a, m));
		arrput(out->points, pt);
		return;
	}
	if (!probe_match_string(m, "process")) {
		pt = event_point(ps, f, m);
		pt->filter |= PROBE_FILTER_TARGET;
		probe_point_spell(pt, probe_match_text(a, m));
		arrput(out->points, pt);
		return;
	}
	img = probe_images(ps, m, out, &n);
	for (size_t i = 0; i < n; i++) {
		pt = event_point(ps, f, m);
		if (!probe_point_image(pt, &img[i]))
			continue;
		probe_point_spell(pt, arena_printf(a, "%s%s", img[i].spelling, suffix_text(a, m)));
		arrput(out->points, pt);
	}
}

static const struct probe_var *event_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n)
{
	static const struct probe_var call[] = {
		{ "syscall", "long" }, { "arg1", "long" }, { "arg2", "long" }, { "arg3", "long" },
		{ "arg4", "long" }, { "arg5", "long" }, { "arg6", "long" },
	};
	static const struct probe_var ret[] = { { "syscall", "long" }, { "return", "long" } };

	(void)ps;
	*n = 0;
	if (pt->scope == PROBE_SCOPE_SYSCALL) {
		*n = sizeof(call) / sizeof(call[0]);
		return call;
	}
	if (pt->scope == PROBE_SCOPE_SYSCALL_RETURN) {
		*n = sizeof(ret) / sizeof(ret[0]);
		return ret;
	}
	return NULL;
}

const struct probe_family probe_family_process_event = {
	.name = "process.event",
	.patterns = event_patterns,
	.npatterns = sizeof(event_patterns) / sizeof(event_patterns[0]),
	.resolve = event_resolve,
	.vars = event_vars,
};
