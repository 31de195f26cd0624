/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a program (pass 5): one session, phases in this order.
 *
 *   run_session_create     takes the program and the options
 *   run_session_build      pass 4: code of the kernel handlers; nothing of the kernel is touched
 *   run_session_prepare    decides whether the kernel is needed at all, starts the -c command (held
 *                          back before its exec), opens the output
 *   run_session_load       kernel handlers and maps are loaded; nothing for scripts without
 *   run_session_run        begin probes, arming, the command let go, events until the end, disarming,
 *                          end or error probes, reports; returns the exit status
 *   run_session_destroy    from any state; nothing stays armed
 *
 * Each phase reports its own faults on the diagnostics sink or standard error, once.
 */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "ir/program.h"

struct diag_sink;
struct run_session;

struct run_options {
	const char *output;		/* -o: strftime(3) pattern; NULL: standard output */
	uint64_t rotate_bytes;		/* -S: size of one output file, 0: no rotation */
	unsigned rotate_count;		/* -S: files kept, 0: all */
	const char *command;		/* -c; NULL: none */
	const char *name;		/* of the directory of procfs files; NULL: by the process id */
	pid_t target;			/* -x; 0: none */
	uint64_t timeout_ns;		/* -T; 0: none */
	int verbose;			/* -v of pass 5 */
	unsigned max_frames;		/* of a backtrace; 0: RUN_WALK_MAX */
	bool no_warnings;		/* -w */
	bool suppress_errors;		/* --suppress-handler-errors: MAXERRORS and MAXSKIPPED do not end */
};

/* The program stays the caller's and must outlive the session. */
struct run_session *run_session_create(struct program *p, const struct run_options *o,
				       struct diag_sink *diag);
/* 0 or -errno, after a message.  Works without any rights. */
int run_session_build(struct run_session *s);
/* Before prepare, in the child of run_background_fork(): its descriptor, and the name under which the output can be
 * had; NULL: the output goes where the options say.  The name must outlive the session. */
void run_session_detach(struct run_session *s, int ready, const char *record);
/* -p3: the code of the kernel handlers, if there are any; after run_session_build. */
void run_session_list(const struct run_session *s, FILE *out);
/* Number of kernel handlers and of their instructions. */
size_t run_session_code(const struct run_session *s, size_t *instructions);
int run_session_prepare(struct run_session *s);
int run_session_load(struct run_session *s);
/* Exit status of the run: 0, or 1 after errors. */
int run_session_run(struct run_session *s);
void run_session_destroy(struct run_session *s);

/* Whether any handler of the program runs in the kernel. */
bool run_needs_kernel(const struct program *p);

#endif
