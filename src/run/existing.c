/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that run already when the session starts: .begin and .thread.begin points report them as well,
 * as SystemTap does, one after the other by pid.  Their handlers run here, for the process in question.
 *
 * Each process is reported once: the kernel's handlers report what begins after the activation, this walk
 * of /proc what it meets but for that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "run/priv.h"

#define MAX_ANCESTORS	1000

/* One process, and what is known of it. */
struct existing {
	struct run_session *s;
	pid_t pid;
	struct stat exe;
	bool descends;		/* from the target, or is it */
};

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *p;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	p = strrchr(text, ')');
	return p && strlen(p) > 4 ? (pid_t)strtol(p + 3, NULL, 10) : 0;
}

static bool descends_from(pid_t pid, pid_t target)
{
	for (int i = 0; i < MAX_ANCESTORS && target > 0 && pid > 0; i++) {
		if (pid == target)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

static bool add_target(void *ctx, pid_t pid)
{
	struct run_session *s = ctx;

	if (pid != s->prog->target && descends_from(pid, s->prog->target))
		engine_target_add(s->engine, pid);
	return true;
}

void run_existing_targets(struct run_session *s)
{
	procfs_each_id("/proc", add_target, s);
}

/* Does the point mean this process? */
static bool point_means(const struct prog_point *p, const struct existing *x)
{
	struct stat st;

	if (p->pid)
		return p->pid == x->pid;
	if (p->path)
		return !stat(p->path, &st) && st.st_ino == x->exe.st_ino && st.st_dev == x->exe.st_dev;
	return !x->s->prog->target || x->descends;
}

struct start_call {
	const struct existing *x;
	uint32_t point;
};

static bool start_thread(void *ctx, pid_t tid)
{
	const struct start_call *c = ctx;
	struct run_session *s = c->x->s;
	struct interp_subject subject = { c->x->pid, tid, c->x->descends };
	bool wanted = (s->prog->points[c->point].kind == POINT_PROCESS_BEGIN) == (tid == c->x->pid);

	if (wanted && s->state == RUN_RUNNING && !engine_begun(s->engine, tid))
		run_user_start(s, c->point, &subject);
	return true;
}

static bool start_process(void *ctx, pid_t pid)
{
	struct run_session *s = ctx;
	struct existing x = { .s = s, .pid = pid };
	char path[64], tasks[64];

	if (pid == getpid() || pid == s->child.pid)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &x.exe))
		return true;		/* gone, or a thread of the kernel */
	x.descends = descends_from(pid, s->prog->target);
	snprintf(tasks, sizeof(tasks), "/proc/%d/task", (int)pid);
	for (uint32_t i = 0; i < arrlenu(s->prog->points); i++) {
		struct start_call c = { &x, i };

		if (s->prog->points[i].at_start && point_means(&s->prog->points[i], &x))
			procfs_each_id(tasks, start_thread, &c);
	}
	return true;
}

static bool existing_wanted(const struct run_session *s)
{
	for (size_t i = 0; s->engine && i < arrlenu(s->prog->points); i++)
		if (s->prog->points[i].at_start)
			return true;
	return false;
}

void run_existing_watch(struct run_session *s)
{
	if (existing_wanted(s) && engine_begun_start(s->engine))
		run_warn(s, "%s; processes that begin now may be reported twice", engine_error(s->engine));
}

void run_existing_report(struct run_session *s)
{
	if (!existing_wanted(s))
		return;
	procfs_each_id("/proc", start_process, s);
	engine_begun_stop(s->engine);
}
