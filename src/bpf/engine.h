/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The eBPF engine: compiles the kernel handlers of a program, loads them, and shares the globals
 * with the user engine.
 *
 * Phases:
 *   engine_create    nothing of the kernel is touched
 *   engine_prepare   generates code for every kernel handler (can be listed: -p3)
 *   engine_load      creates the maps and loads the programs; nothing fires yet
 *   (attach)         the caller arms the points with engine_point_fds() (probe/attach.h)
 *   engine_activate  from here on hits run; before (and after engine_deactivate) they return at once
 *   engine_destroy   from any state; the caller has detached before
 *
 * What the run must do besides:
 *   - begin handlers run before engine_activate, over engine_store();
 *   - poll engine_poll_fd() with a timeout of some 20-100 ms (records do not wake the reader one by
 *     one, only exit(), errors and half-full rings do) and call engine_drain();
 *   - after detaching and engine_deactivate, one engine_drain(UINT64_MAX);
 *   - for scripts that use engine_wants_bias(): engine_bias_set() for every process and module it
 *     knows of at start, and whenever the sideband tells of a mapping.  The bias of the probed module itself
 *     needs none of this: it follows from the probed address;
 *   - engine_target_set() once the pid of -c is known, before engine_activate.
 */
#ifndef BPF_ENGINE_H
#define BPF_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "dbg/name_table.h"
#include "dbg/unwind_table.h"
#include "ir/program.h"
#include "ir/store.h"
#include "ir/wire.h"

struct engine;

/* What the kernel offers; found by real attempts, cached in the process. */
enum engine_feature {
	ENGINE_LOOP,		/* bpf_loop */
	ENGINE_MAY_GOTO,
	ENGINE_RAW_TP_COOKIE,
	ENGINE_FUNC_IP,		/* bpf_get_func_ip in uprobes */
	ENGINE_COPY_FROM_USER,	/* sleepable uprobe programs */
	ENGINE_WRITE_USER,	/* bpf_probe_write_user */
	ENGINE_YIELD,		/* a helper for sleepable uprobes that lets others run: bpf_copy_from_user_task */
	ENGINE_MEM_KEY,		/* a map's key may lie in memory that a function was given by its address */
	ENGINE_WALK_TASK,	/* typed pointers from the current task on, to its program */
	ENGINE_FEATURE_COUNT
};
/* Tried once, then remembered. */
bool engine_has(enum engine_feature f);

struct engine_options {
	bool uprobe_multi;	/* uprobes are attached by multi-links: attach_has_uprobe_multi() */
	bool kprobe_multi;	/* points POINT_KFUNC likewise: attach_has_kprobe_multi() */
	const bool *no_multi;	/* by handler: attach_alone_handlers(), valid until engine_destroy(); NULL: none */
	const bool *by_address;	/* by handler: attach_shared_handlers(), valid until engine_destroy(); NULL: none */
	uint32_t without;	/* bit set of features to do without, for tests */
	bool show_log;		/* -v: a refused program prints the verifier's log on stderr */
	uint32_t max_frames;	/* of a user stack; 0: as many as can be had */
	uint32_t unwind_rows;	/* room for unwind rules, see engine_unwind_add_module(); 0: some */
};

/* The program must outlive the engine and have been through ir_analyse(). */
struct engine *engine_create(const struct program *p, const struct engine_options *o);
/* 0 or -errno; then engine_error() has the one-line message, not printed. */
int engine_prepare(struct engine *e);
int engine_load(struct engine *e);
int engine_activate(struct engine *e);
void engine_deactivate(struct engine *e);
/* A processor has come online: counters that count what processors do count there, too.  0 or -errno. */
int engine_cpu_online(struct engine *e, uint32_t cpu);
void engine_destroy(struct engine *e);
/* Why the last call failed; "" if none did. */
const char *engine_error(const struct engine *e);

/* Descriptors of the handlers' programs, by handler index, for attach_request; -1: runs in the user engine. */
const int *engine_handler_fds(const struct engine *e);
/* By point index: the handler's program, or one of the point's own. */
const int *engine_point_fds(const struct engine *e);

/* The globals, for interp_create(): valid from engine_load to engine_destroy. */
struct ir_store *engine_store(struct engine *e);

/* target() and its process tree for IS_TARGET; also from program.target at load. */
int engine_target_set(struct engine *e, pid_t pid);
/* A process that descends from the target already. */
int engine_target_add(struct engine *e, pid_t pid);
/*
 * Whoever reports what runs already must not report what the handlers of .begin points do: between start
 * (before activation) and stop, threads are noted that begin, or begin a program, after the activation.
 */
int engine_begun_start(struct engine *e);
bool engine_begun(const struct engine *e, pid_t tid);
void engine_begun_stop(struct engine *e);
bool engine_wants_bias(const struct engine *e);
/* Run-time minus link-time address of program module `module` in process `tgid`. */
int engine_bias_set(struct engine *e, pid_t tgid, uint32_t module, int64_t bias);
void engine_bias_del(struct engine *e, pid_t tgid, uint32_t module);

/*
 * User stacks are walked in the kernel by tables that the caller builds (dbg/unwind_table.h) and adds between
 * load and activation, and later for files that turn up.  A file is known by the inode and device of
 * its mapping, major << 20 | minor; both 0 for the vdso.
 */
/* n 0: the file has no rules, which is then known.  0, -EEXIST, or -ENOSPC when the table is full. */
int engine_unwind_add_module(struct engine *e, uint64_t ino, uint64_t dev, const struct dbg_walk_row *rows,
			     size_t n);
/* Hands out each file that a walk met without knowing it, with where, and forgets it. */
typedef void engine_unknown_fn(void *ctx, uint64_t ino, uint64_t dev, pid_t tgid, uint64_t addr);
void engine_unwind_unknown(struct engine *e, engine_unknown_fn *fn, void *ctx);

/*
 * Handlers look at names of addresses by tables (dbg/name_table.h), which the caller adds likewise; `path` is what
 * the process calls the file.  n 0: only the process knows its names.
 */
bool engine_wants_names(const struct engine *e);		/* after prepare */
/* 0, -EEXIST, -ENOSPC when there is no more room, or another error. */
int engine_name_add_file(struct engine *e, uint64_t ino, uint64_t dev, const char *path,
			 const struct dbg_name_row *rows, size_t n);
/* Hands out the files that handlers asked for. */
void engine_name_questions(struct engine *e, engine_unknown_fn *fn, void *ctx);

/*
 * Hits that the kernel did not hand to the handlers because a program was running on that processor already, or
 * the kernel was in code where it lets none run.  Not all kernels tell.
 */
uint64_t engine_missed(const struct engine *e);

/* Readable when a ring wants to be drained. */
int engine_poll_fd(const struct engine *e);
/*
 * Hands out the records that began at or before `until` (CLOCK_MONOTONIC ns), those of all CPUs
 * merged by time; a record is checked: its size, and `point` is a point of the program.  Items within
 * are not: whoever takes them apart looks at their sizes.  `until` a few ms in the past gives exact order
 * even when handlers are slow; UINT64_MAX: everything there is.  Returns the number of records;
 * stops early when fn returns non-zero.
 */
long engine_drain(struct engine *e, uint64_t until, int (*fn)(void *ctx, const struct wire_record *r),
		  void *ctx);

/* A counter of a point since the load. */
uint64_t engine_count(const struct engine *e, uint32_t point, enum wire_count which);
/* The source place behind the u32 site of a WIRE_ERROR item; NULL: no such site. */
const struct span *engine_site(const struct engine *e, uint32_t site);

/* -p3: the eBPF instructions of every handler with the source lines they come from; after prepare. */
void engine_list(const struct engine *e, FILE *out);
/* Number of instructions of a handler's program, after prepare. */
size_t engine_insn_count(const struct engine *e, uint32_t handler);

/*
 * Runs a handler once in the kernel without any event (BPF_PROG_TEST_RUN); kinds PROG_RAW_TP and
 * PROG_TP_BTF only.  `args`: nargs u64 that ARG reads.  With cpu >= 0 on that CPU (else the current).
 * 0 or -errno.
 */
int engine_test_run(struct engine *e, uint32_t handler, const uint64_t *args, uint32_t nargs, int cpu);

#endif
