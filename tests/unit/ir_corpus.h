/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The corpus of IR cases (files of tests/ir), shared by the tests of both engines.
 *
 * A file holds cases:
 *
 *   === name [user] [maxaction=N] [maxnesting=N]
 *   IR text: globals, functions, handlers, run one after the other in their order
 *   --- out
 *   all that is printed
 *   --- err
 *   the ERROR lines, without "ERROR: "; "WARNING: " lines of warn()
 *   --- globals
 *   the globals afterwards, as ir_corpus_globals() prints them
 *
 * Sections may be missing: no output, no errors, globals not compared.  "user": for
 * the user engine only.  Lines between cases beginning with # are comments.
 */
#ifndef TESTS_IR_CORPUS_H
#define TESTS_IR_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/program.h"
#include "ir/store.h"

struct ir_case {
	const char *file, *name;
	uint32_t line;
	const char *ir, *out, *err, *globals;	/* globals NULL: not compared */
	bool user_only;
	uint32_t maxaction, maxnesting;		/* 0: default */
};

/* All cases of a directory's *.ir files, in order: a stb_ds array. Aborts with a message if unreadable. */
struct ir_case *ir_corpus_load(struct arena *a, const char *dir);

/*
 * The case as a program: one handler of this kind and one point per IR handler (a begin
 * point for PROG_USER, else a tracepoint).  Checked and analysed, optimised on demand.
 * NULL with *err on failure.
 */
struct program *ir_corpus_program(struct arena *a, const struct ir_case *c, enum prog_kind kind,
				  bool optimise, const char **err);

/* Are they the same?  If not, says what of the case differs, and how it was run. */
bool ir_corpus_same(const struct ir_case *c, const char *what, const char *how, const char *want, const char *got);

/*
 * The globals of a store as text (malloc'ed):
 *   n = 5
 *   name = "abc"
 *   a[1, "x"] = 3
 *   s: count 2 sum 3 min 1 max 2 hist 65:1 66:1
 */
char *ir_corpus_globals(struct ir_store *st);

#endif
