/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points in programs are armed in a file (an inode), not under a name.  A package that is upgraded, a program that is
 * linked again: the name means another file from then on, and what runs that one is not seen.  One that is written to
 * in place keeps its points, at places that may be any.  The user is told.  inotify says when to look, so that it costs
 * nothing until then.
 */
#include "run/replaced.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "run/priv.h"

/* The count of a file's names is one of its attributes: another file in its place changes it. */
#define REPLACED_EVENTS	(IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_MODIFY)

struct replaced_file {
	int wd;
	const char *path;	/* the program's */
	dev_t dev;
	ino_t ino;
	bool told;
};

struct run_replaced {
	int fd;
	struct replaced_file *files;	/* stb_ds array */
};

static bool knows(const struct run_replaced *r, const char *path)
{
	/* Points of one file come one after the other. */
	for (size_t i = arrlenu(r->files); i-- > 0;)
		if (!strcmp(r->files[i].path, path))
			return true;
	return false;
}

static void watch(struct run_replaced *r, const char *path)
{
	struct replaced_file f = { .path = path };
	struct stat st;

	if (knows(r, path) || stat(path, &st))
		return;
	f.dev = st.st_dev;
	f.ino = st.st_ino;
	f.wd = inotify_add_watch(r->fd, path, REPLACED_EVENTS);
	if (f.wd >= 0)
		arrput(r->files, f);
}

struct run_replaced *run_replaced_open(const struct run_session *s)
{
	struct run_replaced *r = NULL;

	for (size_t i = 0; i < arrlenu(s->prog->points); i++) {
		const struct prog_point *p = &s->prog->points[i];

		if (!p->path || p->kind == POINT_NEVER)
			continue;
		if (!r) {
			r = xcalloc(1, sizeof(*r));
			r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		}
		if (r->fd >= 0)
			watch(r, p->path);
	}
	return r;
}

int run_replaced_fd(const struct run_replaced *r)
{
	return r ? r->fd : -1;
}

static void look(struct run_session *s, struct replaced_file *f, bool modified)
{
	struct stat st;
	bool gone = stat(f->path, &st), other = !gone && (st.st_dev != f->dev || st.st_ino != f->ino);

	if (f->told || !(gone || other || modified))
		return;
	f->told = true;
	if (gone || other)
		run_warn(s, "'%s' was %s while it was probed: only processes that run the former file are seen", f->path,
			 gone ? "removed or renamed" : "replaced");
	else
		run_warn(s, "'%s' was changed while it was probed: its probes stay where they are in the former contents",
			 f->path);
}

void run_replaced_read(struct run_session *s, struct run_replaced *r)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(r->fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *e;

		for (const char *at = buf; at < buf + n; at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(const void *)at;
			for (size_t i = 0; i < arrlenu(r->files); i++)
				if (r->files[i].wd == e->wd || e->mask & IN_Q_OVERFLOW)
					look(s, &r->files[i], e->mask & IN_MODIFY);
		}
	}
}

void run_replaced_close(struct run_replaced *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	arrfree(r->files);
	free(r);
}
