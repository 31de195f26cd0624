/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc tells of the process that a run is about: the subject of a process.begin handler that runs for a
 * process found at start, else the stap process itself.  A process that is gone answers with 0 and "".
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "interp/state.h"

pid_t interp_pid(const struct interp *in)
{
	return in->env->subject ? in->env->subject->pid : getpid();
}

pid_t interp_tid(const struct interp *in)
{
	return in->env->subject ? in->env->subject->tid : getpid();
}

size_t interp_proc_file(pid_t pid, pid_t tid, const char *file, char *text, size_t size)
{
	char path[96];
	ssize_t n = -1;
	int fd;

	if (tid == pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	else
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

/* The n-th number of a line of /proc/PID/status. */
static int64_t status_number(const struct interp *in, const char *line, int n)
{
	char text[4096], *p;
	int64_t v = 0;

	interp_proc_file(interp_pid(in), interp_tid(in), "status", text, sizeof(text));
	p = strstr(text, line);
	if (!p)
		return 0;
	p += strlen(line);
	for (int i = 0; i <= n; i++)
		v = strtoll(p, &p, 10);
	return v;
}

/* The n-th number behind the state in /proc/PID/stat; its second field may hold anything. */
static int64_t stat_number(const struct interp *in, int n)
{
	char text[1024], *p;
	int64_t v = 0;

	interp_proc_file(interp_pid(in), interp_tid(in), "stat", text, sizeof(text));
	p = strrchr(text, ')');
	if (!p || strlen(p) < 4)
		return 0;
	p += 3;
	for (int i = 0; i <= n; i++)
		v = strtoll(p, &p, 10);
	return v;
}

int64_t interp_subject_int(const struct interp *in, enum ir_op op)
{
	switch (op) {
	case IR_PID: return interp_pid(in);
	case IR_TID: return interp_tid(in);
	case IR_PPID: return stat_number(in, 0);
	case IR_PGRP: return stat_number(in, 1);
	case IR_SID: return stat_number(in, 2);
	case IR_UID: return status_number(in, "\nUid:", 0);
	case IR_EUID: return status_number(in, "\nUid:", 1);
	case IR_GID: return status_number(in, "\nGid:", 0);
	default: return status_number(in, "\nGid:", 1);	/* EGID */
	}
}

int64_t interp_subject_image(const struct interp *in, bool device)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)interp_pid(in));
	if (stat(path, &st))
		return 0;
	return device ? (int64_t)((uint64_t)major(st.st_dev) << 20 | minor(st.st_dev)) : (int64_t)st.st_ino;
}

char *interp_subject_env(const struct interp *in, const char *name)
{
	size_t len = strlen(name), cap = 0;
	char path[64], *line = NULL, *value = NULL;
	FILE *f;

	if (!in->env->subject)
		return getenv(name) ? xstrdup(getenv(name)) : NULL;
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)interp_pid(in));
	f = fopen(path, "re");
	if (!f)
		return NULL;
	while (!value && getdelim(&line, &cap, 0, f) > 0)
		if (!strncmp(line, name, len) && line[len] == '=')
			value = xstrdup(line + len + 1);
	free(line);
	fclose(f);
	return value;
}
