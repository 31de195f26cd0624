/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points in programs are armed in a file (an inode), not under a name.  A package that is upgraded, a program that is
 * linked again: the name means another file from then on, and what runs that one is not seen.  One that is written to
 * in place keeps its points, at places that may be any.  The user is told.  inotify says when to look, so that it costs
 * nothing until then.
 *
 * A saved program may be run long after it was made.  Its places are those of the build that a file had then, so that
 * the build id is kept with it, and points in files of another are left out.  Events of processes know theirs by the
 * inode; those of the same build under another are left out.
 */
#include "run/replaced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/elffile.h"
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

/* The build id in hex, in the arena; NULL: the file has none, or cannot be read. */
static const char *build_of(const char *path, struct arena *a)
{
	struct dbg_error e;
	struct elffile *f = elffile_open(path, &e);
	size_t len = 0;
	const uint8_t *id = f ? elffile_build_id(f, &len) : NULL;
	char *hex = NULL;

	if (id) {
		hex = arena_alloc(a, 2 * len + 1);
		hex[0] = '\0';
		for (size_t i = 0; i < len; i++)
			snprintf(hex + 2 * i, 3, "%02x", id[i]);
	}
	if (f)
		elffile_close(f);
	return hex;
}

void run_replaced_note(struct program *p, struct arena *a)
{
	for (size_t i = 0; i < arrlenu(p->modules); i++) {
		struct prog_module *m = &p->modules[i];
		struct stat st;

		if (!m->build_id)
			m->build_id = build_of(m->path, a);
		m->ino = stat(m->path, &st) ? 0 : st.st_ino;
	}
}

static bool is_by_inode(enum point_kind kind)
{
	return kind == POINT_PROCESS_BEGIN || kind == POINT_PROCESS_END || kind == POINT_THREAD_BEGIN ||
	       kind == POINT_THREAD_END || kind == POINT_PROCESS_SYSCALL || kind == POINT_PROCESS_SYSCALL_RETURN;
}

/* Takes away the points that are in a file, or only those that know it by its inode; how many. */
static size_t leave_out(struct program *p, const char *path, bool by_inode)
{
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(p->points); i++) {
		struct prog_point *pt = &p->points[i];

		if (!pt->path || strcmp(pt->path, path) || (by_inode && !is_by_inode(pt->kind)))
			continue;
		pt->kind = POINT_NEVER;
		n++;
	}
	return n;
}

static bool any_left(const struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->points); i++)
		if (run_is_timely(p->points[i].kind))
			return true;
	return false;
}

bool run_replaced_check(struct run_session *s)
{
	struct arena *a = arena_create();
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(s->prog->modules); i++) {
		const struct prog_module *m = &s->prog->modules[i];
		const char *is = m->build_id && *m->build_id ? build_of(m->path, a) : NULL;
		bool other = is && strcmp(is, m->build_id) != 0;
		struct stat st;
		size_t out;

		if (!other && (!m->ino || stat(m->path, &st) || st.st_ino == m->ino))
			continue;
		out = leave_out(s->prog, m->path, !other);
		if (out && other)
			run_warn(s, "Build-id mismatch [man warning::buildid]: \"%s\", expected %s actual %s: %zu probe "
				 "point%s left out; compile the script again", m->path, m->build_id, is, out,
				 out == 1 ? " is" : "s are");
		else if (out)
			run_warn(s, "'%s' was replaced after the script was compiled: %zu probe point%s left out; compile "
				 "it again", m->path, out, out == 1 ? " is" : "s are");
		n += out;
	}
	arena_destroy(a);
	return !n || any_left(s->prog);
}

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
