/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces by process.  Mappings are appended and closed (`until`), never
 * removed while a handler's record could still refer to them; the newest one that
 * covers an address at the time asked for wins.
 */
#include "run/procs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/intern.h"
#include "base/procfs.h"
#include "base/xalloc.h"

#define PROCS_LIVE UINT64_MAX

struct proc {
	struct run_map *maps;		/* stb_ds array, in order of `since` */
	uint64_t exited;		/* 0: lives */
	bool read;			/* its mappings so far are known */
};

struct proc_entry {
	pid_t key;
	struct proc *value;
};

struct run_procs {
	struct proc_entry *table;	/* hmap */
	struct {
		const struct run_procs_hooks *hooks;
		void *ctx;
	} watchers[RUN_PROCS_WATCHERS];
	size_t nwatchers;
};

struct run_procs *run_procs_create(void)
{
	return xcalloc(1, sizeof(struct run_procs));
}

static void proc_free(struct proc *p)
{
	arrfree(p->maps);
	free(p);
}

void run_procs_destroy(struct run_procs *ps)
{
	if (!ps)
		return;
	for (size_t i = 0; i < hmlenu(ps->table); i++)
		proc_free(ps->table[i].value);
	hmfree(ps->table);
	free(ps);
}

void run_procs_watch(struct run_procs *ps, const struct run_procs_hooks *hooks, void *ctx)
{
	if (ps->nwatchers == RUN_PROCS_WATCHERS)
		return;
	ps->watchers[ps->nwatchers].hooks = hooks;
	ps->watchers[ps->nwatchers++].ctx = ctx;
}

static void procs_tell_map(struct run_procs *ps, pid_t tgid, const struct run_map *m)
{
	for (size_t i = 0; i < ps->nwatchers; i++)
		ps->watchers[i].hooks->map(ps->watchers[i].ctx, tgid, m);
}

static void procs_tell_exit(struct run_procs *ps, pid_t tgid)
{
	for (size_t i = 0; i < ps->nwatchers; i++)
		if (ps->watchers[i].hooks->exit)
			ps->watchers[i].hooks->exit(ps->watchers[i].ctx, tgid);
}

static struct proc *procs_get(struct run_procs *ps, pid_t tgid)
{
	return hmget(ps->table, tgid);
}

static struct proc *procs_add(struct run_procs *ps, pid_t tgid)
{
	struct proc *p = procs_get(ps, tgid);

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		hmput(ps->table, tgid, p);
	}
	return p;
}

static void proc_close_all(struct proc *p, uint64_t when)
{
	for (size_t i = 0; i < arrlenu(p->maps); i++)
		if (p->maps[i].until == PROCS_LIVE)
			p->maps[i].until = when;
}

/* Adds a mapping; it replaces what it overlaps. */
static void proc_map(struct proc *p, const struct run_map *m)
{
	struct run_map n = *m;

	for (size_t i = 0; i < arrlenu(p->maps); i++) {
		struct run_map *o = &p->maps[i];

		if (o->until != PROCS_LIVE || o->end <= n.start || o->start >= n.end)
			continue;
		if (o->start == n.start && o->end == n.end && o->pgoff == n.pgoff &&
		    o->ino == n.ino && o->path == n.path)
			return;		/* known already */
		o->until = n.since;
	}
	n.until = PROCS_LIVE;
	arrput(p->maps, n);
}

void run_map_set_path(struct run_map *m, const char *text, size_t len)
{
	static const char gone[] = " (deleted)";
	const size_t n = sizeof(gone) - 1;

	m->deleted = len > n && !memcmp(text + len - n, gone, n);
	m->path = intern_n(text, m->deleted ? len - n : len);
}

bool run_map_parse(const char *line, struct run_map *m, bool *exec)
{
	char perms[5];
	int at = 0;

	*m = (struct run_map){ .until = PROCS_LIVE };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
		   &m->end, perms, &m->pgoff, &m->dev_major, &m->dev_minor, &m->ino, &at) != 7 ||
	    m->end <= m->start || !at)
		return false;
	*exec = strchr(perms, 'x') != NULL;
	run_map_set_path(m, line + at, strcspn(line + at, "\n"));
	return true;
}

bool run_procs_read(struct run_procs *ps, pid_t tgid)
{
	char name[64], *line = NULL;
	size_t cap = 0;
	struct proc *p;
	FILE *f;
	bool any = false;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)tgid);
	f = fopen(name, "re");
	if (!f)
		return false;
	p = procs_add(ps, tgid);
	p->exited = 0;
	while (getline(&line, &cap, f) > 0) {
		struct run_map m;
		bool exec;

		any = true;
		if (run_map_parse(line, &m, &exec) && exec && m.path[0]) {
			proc_map(p, &m);
			procs_tell_map(ps, tgid, &m);
		}
	}
	free(line);
	fclose(f);
	p->read = true;
	return any;
}

static bool read_one(void *ctx, pid_t tgid)
{
	run_procs_read(ctx, tgid);
	return true;
}

void run_procs_read_all(struct run_procs *ps)
{
	procfs_each_id("/proc", read_one, ps);
}

static const struct run_map *proc_find(const struct proc *p, uint64_t addr, uint64_t when)
{
	const struct run_map *past = NULL;

	for (size_t i = arrlenu(p->maps); i-- > 0;) {
		const struct run_map *m = &p->maps[i];

		if (addr < m->start || addr >= m->end)
			continue;
		if (m->since <= when && when <= m->until)
			return m;
		/* Events may be stamped a little after the handler that saw their effect. */
		if (!past)
			past = m;
	}
	return past;
}

const struct run_map *run_procs_find(struct run_procs *ps, pid_t tgid, uint64_t addr, uint64_t when)
{
	struct proc *p = procs_get(ps, tgid);
	const struct run_map *m = p ? proc_find(p, addr, when) : NULL;

	if (m || (p && (p->exited || p->read)))
		return m;
	if (!run_procs_read(ps, tgid))
		return NULL;
	p = procs_get(ps, tgid);
	return p ? proc_find(p, addr, when) : NULL;
}

const struct run_map *run_procs_find_file(struct run_procs *ps, pid_t tgid, const char *path,
					  uint64_t when)
{
	const struct run_map *past = NULL;
	struct proc *p = procs_get(ps, tgid);

	if (!p && run_procs_read(ps, tgid))
		p = procs_get(ps, tgid);
	for (size_t i = p ? arrlenu(p->maps) : 0; i-- > 0;) {
		const struct run_map *m = &p->maps[i];

		if (strcmp(m->path, path))
			continue;
		if (m->since <= when && when <= m->until)
			return m;
		past = past ? past : m;
	}
	return past;
}

void run_procs_map(struct run_procs *ps, pid_t tgid, const struct run_map *m)
{
	proc_map(procs_add(ps, tgid), m);
	procs_tell_map(ps, tgid, m);
}

void run_procs_fork(struct run_procs *ps, pid_t parent, pid_t child, uint64_t when)
{
	struct proc *from, *p;

	if (parent == child)
		return;		/* a thread */
	p = procs_add(ps, child);
	from = procs_get(ps, parent);
	proc_close_all(p, when);	/* a pid used again */
	p->exited = 0;
	p->read = from && from->read;
	for (size_t i = 0; from && i < arrlenu(from->maps); i++) {
		struct run_map m = from->maps[i];

		if (m.until != PROCS_LIVE)
			continue;
		m.since = when;
		arrput(p->maps, m);
		procs_tell_map(ps, child, &m);
	}
}

void run_procs_exec(struct run_procs *ps, pid_t tgid, uint64_t when)
{
	struct proc *p = procs_add(ps, tgid);

	/* What the new image maps follows; the stack and vdso of the new image may precede. */
	proc_close_all(p, when);
	procs_tell_exit(ps, tgid);
	p->exited = 0;
	p->read = true;
}

void run_procs_exit(struct run_procs *ps, pid_t tgid, uint64_t when)
{
	struct proc *p = procs_get(ps, tgid);

	if (!p)
		return;
	proc_close_all(p, when);
	p->exited = when ? when : 1;
	procs_tell_exit(ps, tgid);
}

void run_procs_prune(struct run_procs *ps, uint64_t when)
{
	for (size_t i = hmlenu(ps->table); i-- > 0;) {
		struct proc *p = ps->table[i].value;
		size_t kept = 0;

		if (p->exited && p->exited < when) {
			pid_t key = ps->table[i].key;

			proc_free(p);
			(void)hmdel(ps->table, key);
			continue;
		}
		for (size_t k = 0; k < arrlenu(p->maps); k++)
			if (p->maps[k].until >= when)
				p->maps[kept++] = p->maps[k];
		if (p->maps)
			arrsetlen(p->maps, kept);
	}
}
