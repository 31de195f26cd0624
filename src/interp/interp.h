/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user engine: runs handlers' IR in this process over a store of globals.
 * Everything a handler asks of the world goes through struct interp_env; NULL
 * callbacks fall back to what the process itself can answer (below).
 */
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ir/program.h"
#include "ir/store.h"
#include "out/format.h"

struct interp;

/* The process or thread that a handler runs for, in place of the stap process. */
struct interp_subject {
	pid_t pid, tid;
	bool is_target;		/* answers IS_TARGET */
};

struct interp_env {
	void *ctx;
	/* Text of one handler run (all its printf), at its end or at flush(). */
	void (*write)(void *ctx, const char *text, size_t len);
	/* "WARNING: " text, without prefix and newline.  NULL: standard error. */
	void (*warn)(void *ctx, const char *msg);
	/* A soft error ended the handler: the whole line without "ERROR: " and newline. */
	void (*error)(void *ctx, const char *line);
	/* exit() was called. */
	void (*exit)(void *ctx);
	/* system() and its like: kind is enum ir_service; NULL: ignored. */
	void (*service)(void *ctx, int64_t kind, const char *text);
	/* Deferred text (symbols, backtraces); also used for USYM, MODNAME, UBACKTRACE ops. */
	struct out_defer defer;
	/* Names the addresses of a text (print_syms() and the like); NULL: nothing is printed. */
	void (*print_syms)(void *ctx, const char *addrs, int64_t imm, struct out_buf *out);
	int32_t target;		/* target(): pid of -x or -c */
	const struct interp_subject *subject;	/* of the next runs; NULL: the stap process */
	/* Run-time minus link-time address of a module of the program in the subject; NULL: none has. */
	int (*module_bias)(void *ctx, int64_t module, int64_t *bias);	/* 0 or -ENOENT */
	/* Memory of the subject, else of the process `target`, or of the kernel; NULL: every read faults. */
	int (*read_user)(void *ctx, uint64_t addr, void *buf, size_t n);	/* 0 or -EFAULT */
	int (*read_kernel)(void *ctx, uint64_t addr, void *buf, size_t n);
	/* $value of the file whose point runs; NULL: there is none */
	const char *(*value)(void *ctx);
	void (*value_set)(void *ctx, const char *text, bool append);
	uint64_t (*task)(void *ctx);	/* address of this thread's task_struct; NULL: 0 */
};

enum interp_status {
	INTERP_OK,
	INTERP_ERROR,		/* a soft error ended it; env.error was called */
	INTERP_SKIPPED,		/* a lock could not be had; nothing was run */
	INTERP_GIVEN_UP,	/* ended where an array could not take an element: WERR_GIVEN_UP */
};

struct interp_stats {
	uint64_t truncated;	/* strings cut to their bound */
};

/* The program, store and environment must outlive the result.  The module must pass ir_check(). */
struct interp *interp_create(const struct program *p, struct ir_store *store,
			     const struct interp_env *env);
void interp_destroy(struct interp *in);

/*
 * Runs the handler of probe point `point` (index into program.points).  MAXACTION is
 * the interruptible limit for begin, end and error points.
 */
enum interp_status interp_run_point(struct interp *in, uint32_t point);
/* Runs the handler that the point has for what is there at the start, for env.subject. */
enum interp_status interp_run_start(struct interp *in, uint32_t point);

/* Counted since its creation; valid as long as it lives. */
const struct interp_stats *interp_get_stats(const struct interp *in);

#endif
