/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A saved program may be run long after it was made.  Its places are those of the build that a file had then, so that
 * the build id is kept with it, and points in files of another are left out.  Events of processes know theirs by the
 * inode; those of the same build under another are left out.
 */
#include "run/builds.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/elffile.h"
#include "run/priv.h"

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

void run_builds_note(struct program *p, struct arena *a)
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

bool run_builds_check(struct run_session *s)
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
