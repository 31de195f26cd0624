/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files the kernel gets unwind rules and names of.
 *
 * Beforehand: the program's modules, the command's file, what these load at start, and the vdso.  When
 * processes are looked at: all that the target and processes of a probed program have mapped or
 * map later.  Anything else when a handler meets it: a walk goes by frame pointers through the
 * file then, and later ones by its rules; for names a handler waits if it may (bpf/kern/names.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "bpf/unwind_state.h"
#include "dbg/module.h"
#include "run/priv.h"

#define ROOM_MIN	(1u << 17)	/* rows for what turns up later */
#define ROOM_ANY	(1u << 19)	/* the same if any process can */

struct feed_file {
	struct unwind_key key;
	struct dbg_module *module;
	struct dbg_walk_row *rows;	/* stb_ds */
	char *path;			/* as processes see it */
};

struct run_feed {
	struct feed_file *files;	/* stb_ds: found beforehand */
	struct { struct unwind_key key; char value; } *known;	/* hmap: what the engine was given */
	struct { pid_t key; char value; } *watched;	/* hmap: processes of probed programs */
	bool unwind;			/* handlers walk stacks */
	bool full, names_full;
};

static uint64_t feed_dev(unsigned maj, unsigned min)
{
	return (uint64_t)maj << 20 | min;
}

/* A file and what it loads at start. */
static void feed_file(struct run_feed *u, const char *path, bool libraries)
{
	struct dbg_module *m = dbg_module_open(path, NULL, NULL);
	const struct dbg_module_info *info = m ? dbg_module_info(m) : NULL;
	const char *const *libs;
	struct feed_file f = { .module = m };
	size_t n;

	if (!m)
		return;
	for (size_t i = 0; i < arrlenu(u->files); i++)
		if (u->files[i].module == m)
			return;
	f.key.ino = info->ino;
	f.key.dev = feed_dev(major(info->dev), minor(info->dev));
	f.rows = u->unwind ? dbg_walk_table(m) : NULL;
	f.path = realpath(info->real_path, NULL);
	arrput(u->files, f);
	libs = libraries ? dbg_module_ldd(m, &n) : NULL;
	for (size_t i = 0; libs && i < n; i++)
		feed_file(u, libs[i], false);
}

/* The command's file, looked up as the shell does. */
static void feed_command(struct run_feed *u, const char *command)
{
	char **argv = run_child_words(command), path[4096];
	const char *dirs = getenv("PATH");

	if (argv[0] && strchr(argv[0], '/')) {
		feed_file(u, argv[0], true);
	} else {
		while (argv[0] && dirs && *dirs) {
			int len = (int)strcspn(dirs, ":");

			snprintf(path, sizeof(path), "%.*s/%s", len, dirs, argv[0]);
			if (access(path, X_OK) == 0) {
				feed_file(u, path, true);
				break;
			}
			dirs += len + (dirs[len] == ':');
		}
	}
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	free(argv);
}

/* Can a handler run in a process that has nothing to do with the program's modules? */
static bool feed_any(const struct program *p)
{
	for (size_t i = 0; i < arrlenu(p->points); i++)
		if (p->handlers[p->points[i].handler].kind != PROG_USER &&
		    p->points[i].kind != POINT_UPROBE && !p->points[i].path)
			return true;
	return false;
}

uint32_t run_feed_collect(struct run_session *s)
{
	struct run_feed *u;
	uint64_t rows = 0;

	if (!run_wants_unwind(s->prog) && !run_wants_names(s->prog))
		return 0;
	u = s->feed = xcalloc(1, sizeof(*u));
	u->unwind = run_wants_unwind(s->prog);
	for (size_t i = 0; i < arrlenu(s->prog->modules); i++)
		feed_file(u, s->prog->modules[i].path, true);
	if (s->opt.command)
		feed_command(u, s->opt.command);
	for (size_t i = 0; i < arrlenu(u->files); i++)
		rows += arrlenu(u->files[i].rows);
	rows += feed_any(s->prog) ? ROOM_ANY : ROOM_MIN;
	return rows < UINT32_MAX / 2 ? (uint32_t)rows : UINT32_MAX / 2;
}

static void feed_rules(struct run_session *s, const struct unwind_key *key, const struct dbg_walk_row *rows)
{
	struct run_feed *u = s->feed;

	if (engine_unwind_add_module(s->engine, key->ino, key->dev, rows, arrlenu(rows)) == -ENOSPC &&
	    !u->full) {
		u->full = true;
		run_warn(s, "no room for the unwind information of all programs; some backtraces go by frame "
			    "pointers");
	}
}

/* m NULL: only the process's own mappings tell. */
static void feed_names(struct run_session *s, const struct unwind_key *key, struct dbg_module *m, const char *path)
{
	struct dbg_name_row *rows = m && path ? dbg_name_table(m) : NULL;

	if (engine_name_add_file(s->engine, key->ino, key->dev, path ? path : "", rows, arrlenu(rows)) ==
	    -ENOSPC && !s->feed->names_full) {
		s->feed->names_full = true;
		run_warn(s, "no room for the symbols of all programs; names that handlers compare or use as keys "
			    "may be wrong");
	}
	arrfree(rows);
}

/* The first time, what handlers want to know of a file. */
static void feed_module(struct run_session *s, const struct unwind_key *key, struct dbg_module *m,
			const char *path)
{
	struct dbg_walk_row *rows;

	if (hmgeti(s->feed->known, *key) >= 0)
		return;
	hmput(s->feed->known, *key, 1);
	if (engine_wants_names(s->engine))
		feed_names(s, key, m, path);
	if (!s->feed->unwind || !m)
		return;
	rows = dbg_walk_table(m);
	feed_rules(s, key, rows);
	arrfree(rows);
}

void run_feed_load(struct run_session *s)
{
	struct run_feed *u = s->feed;
	static const struct unwind_key vdso_key;
	struct dbg_module *vdso;

	if (!u)
		return;
	for (size_t i = 0; i < arrlenu(u->files); i++) {
		struct feed_file *f = &u->files[i];

		if (hmgeti(u->known, f->key) >= 0)
			continue;
		hmput(u->known, f->key, 1);
		if (u->unwind)
			feed_rules(s, &f->key, f->rows);
		if (engine_wants_names(s->engine))
			feed_names(s, &f->key, f->module, f->path);
		arrfree(f->rows);
	}
	run_symbols_start(s);
	vdso = run_symb_vdso(s->symb);
	if (vdso)
		feed_module(s, &vdso_key, vdso, "[vdso]");
}

/* Is it a program, no library, that the script probes? */
static bool feed_probed(const struct program *p, const char *path)
{
	for (size_t i = 0; i < arrlenu(p->modules); i++) {
		const struct dbg_module_info *info;
		struct dbg_module *m;

		if (strcmp(p->modules[i].path, path))
			continue;
		m = dbg_module_open(path, NULL, NULL);
		info = m ? dbg_module_info(m) : NULL;
		return info && (info->type == DBG_ELF_EXEC || info->type == DBG_ELF_PIE);
	}
	return false;
}

static void feed_on_map(void *ctx, pid_t tgid, const struct run_map *m)
{
	struct run_session *s = ctx;
	struct unwind_key key = { .ino = m->ino, .dev = feed_dev(m->dev_major, m->dev_minor) };
	struct dbg_module *mod;

	if (m->path[0] != '/')
		return;
	if (tgid != s->prog->target && hmgeti(s->feed->watched, tgid) < 0) {
		if (!feed_probed(s->prog, m->path))
			return;
		hmput(s->feed->watched, tgid, 1);
	}
	if (hmgeti(s->feed->known, key) >= 0)
		return;
	mod = run_symb_module(s->symb, tgid, m);
	if (mod)
		feed_module(s, &key, mod, m->path);
}

static void feed_on_exit(void *ctx, pid_t tgid)
{
	struct run_session *s = ctx;

	(void)hmdel(s->feed->watched, tgid);
}

void run_feed_watch(struct run_session *s)
{
	static const struct run_procs_hooks hooks = { .map = feed_on_map, .exit = feed_on_exit };

	if (s->feed)
		run_procs_watch(s->procs, &hooks, s);
}

static void feed_unknown(void *ctx, uint64_t ino, uint64_t dev, pid_t tgid, uint64_t addr)
{
	struct run_session *s = ctx;
	const struct unwind_key key = { .ino = ino, .dev = dev };
	const struct run_map *m = run_procs_find(s->procs, tgid, addr, (uint64_t)run_clock_ns());

	/* it may be newer than the last event that was read */
	if (!m && run_procs_read(s->procs, tgid))
		m = run_procs_find(s->procs, tgid, addr, (uint64_t)run_clock_ns());
	if (m)
		feed_module(s, &key, run_symb_module(s->symb, tgid, m), m->path);
}

void run_feed_poll(struct run_session *s)
{
	if (!s->feed || !s->procs || !s->engine)
		return;
	engine_unwind_unknown(s->engine, feed_unknown, s);
	engine_name_questions(s->engine, feed_unknown, s);
}

void run_feed_destroy(struct run_session *s)
{
	if (!s->feed)
		return;
	for (size_t i = 0; i < arrlenu(s->feed->files); i++) {
		arrfree(s->feed->files[i].rows);
		free(s->feed->files[i].path);
	}
	arrfree(s->feed->files);
	hmfree(s->feed->known);
	hmfree(s->feed->watched);
	free(s->feed);
	s->feed = NULL;
}
