/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces of processes: which file is mapped where, with the time since when, so that an
 * address taken by a handler can be explained after the process has gone on, changed its
 * program, or exited.
 *
 * Fed by /proc/PID/maps (at start and when an unknown process shows up) and by the kernel's
 * sideband events (run/sideband.h): mappings, forks, execs, exits.  Times are
 * CLOCK_MONOTONIC ns.  What is read is not trusted.
 */
#ifndef RUN_PROCS_H
#define RUN_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct run_procs;

struct run_map {
	uint64_t start, end;
	uint64_t pgoff;			/* file offset of start */
	uint64_t since;			/* time of the mapping; 0: before we looked */
	uint64_t until;			/* time of its end; UINT64_MAX: still there */
	const char *path;		/* as the process sees it, interned; "[vdso]" */
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	bool deleted;			/* the file had no name any more */
};

/* Knows no process at first. */
struct run_procs *run_procs_create(void);
void run_procs_destroy(struct run_procs *ps);

/* Told of every mapping that becomes known, and of processes that end or change their program. */
struct run_procs_hooks {
	void (*map)(void *ctx, pid_t tgid, const struct run_map *m);
	void (*exit)(void *ctx, pid_t tgid);
};
/* Adds a watcher, RUN_PROCS_WATCHERS at most; exit may be NULL. */
#define RUN_PROCS_WATCHERS 4
void run_procs_watch(struct run_procs *ps, const struct run_procs_hooks *hooks, void *ctx);

/* The executable mapping that held `addr` of process `tgid` at `when`; NULL: none known.  The
 * pointer is valid until the next call that changes ps. */
const struct run_map *run_procs_find(struct run_procs *ps, pid_t tgid, uint64_t addr, uint64_t when);
/* A mapping of the file `path` in the process at `when`, likewise. */
const struct run_map *run_procs_find_file(struct run_procs *ps, pid_t tgid, const char *path,
					  uint64_t when);
/* Reads /proc/PID/maps of a process (again); false: it is gone. */
bool run_procs_read(struct run_procs *ps, pid_t tgid);
/* Reads those of all processes. */
void run_procs_read_all(struct run_procs *ps);

/* Sideband events. */
void run_procs_map(struct run_procs *ps, pid_t tgid, const struct run_map *m);
void run_procs_fork(struct run_procs *ps, pid_t parent, pid_t child, uint64_t when);
void run_procs_exec(struct run_procs *ps, pid_t tgid, uint64_t when);
void run_procs_exit(struct run_procs *ps, pid_t tgid, uint64_t when);
/* Forgets processes that ended, and mappings replaced, before `when`. */
void run_procs_prune(struct run_procs *ps, uint64_t when);

/* The path as the kernel writes it, `len` bytes: interned, with what is said of deleted files taken off. */
void run_map_set_path(struct run_map *m, const char *text, size_t len);
/* One line of /proc/PID/maps into *m (path interned, "" for none); false: malformed.  *exec: x set. */
bool run_map_parse(const char *line, struct run_map *m, bool *exec);

#endif
