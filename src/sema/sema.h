/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pass 2: from the parsed script to what lowering, listing and -p2 need.
 *
 * sema_run() finds the tapset files that the script uses, resolves symbols and
 * probe points, binds target variables, drops what has no effect, infers the
 * types and checks.  It annotates the AST in place ("pass 2" fields of lang/ast.h).
 *
 * After success, for everything reachable from session.probes and session.functions:
 *  - expr->type is AST_LONG, AST_STRING, AST_STATS, or AST_UNKNOWN only where the value
 *    is not used (a call of a function without a value, a print);
 *  - EXPR_SYMBOL has its referent; EXPR_CALL its targets, in order of trial (`next`
 *    in one goes on with the following one; after the last it is a run-time error);
 *  - EXPR_TARGET, ATVAR, CAST, AUTOCAST, ENTRY carry in expr->sema the binding of sema/target.h;
 *    EXPR_DEFINED, CONST, ENUM and (in handlers) PROBEWRITE are gone, folded to EXPR_NUMBER;
 *  - tapset primitives are functions whose body is one STMT_EMBEDDED, or EXPR_EMBEDDED,
 *    whose text begins with "ir OPNAME"; operands are `#NUMBER` and `$param`;
 *  - print formats agree with their arguments in number and type;
 *  - locals are in body->locals / function->locals, each with its type; those that
 *    nothing reads are gone, with their assignments.
 */
#ifndef SEMA_SEMA_H
#define SEMA_SEMA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"
#include "lang/ast.h"

struct parse_env;
struct probe_point;
struct probe_session;
struct sema_index;
struct sema_state;

/* What pass 2 knows of a global: ast_var.sema of globals. */
struct sema_global {
	struct ast_var *var;	/* type, arity (0: scalar), key_types, maxsize, wrap, init */
	uint32_t index;		/* position in session.globals */
	bool read, written;
	bool listed;		/* is in session.globals */
	uint32_t stat_ops;	/* bit set of 1 << enum ast_stat, read anywhere */
	int64_t variance_shift;	/* @variance(v, N); 0: none */
	bool has_hist;
	enum ast_hist hist;
	int64_t low, high, width;	/* linear */
	struct span *key_at;	/* arrays: where the type of each key was inferred */
};

/*
 * A handler's typed body, with the prologues and epilogues of the aliases it came
 * through.  Points whose bodies hold nothing that depends on the point share one.
 */
struct sema_body {
	struct ast_stmt *stmt;
	struct ast_expr *cond;		/* all `if (cond)` of the way joined by &&, or NULL; globals only */
	struct ast_var **locals;
	size_t nlocals;
	const struct ast_probe *probe;	/* the probe of the script or tapset */
	const struct probe_point *point;	/* the first one that it serves */
	void *lower;			/* for the next pass */
};

/* One resolved probe point with its handler. */
struct sema_probe {
	struct probe_point *point;	/* resolved, see probe/point.h */
	struct sema_body *body;
	const struct ast_probe *probe;	/* where it is written */
	const struct ast_point *written;	/* the point in that probe's list */
	const struct ast_point *derived;	/* after alias and wild card expansion */
	const char *origin;		/* the way from the script: "alias = point <- list", as -p2 prints it */
	const char *alias;		/* name of the alias that the script's point matched, with suffix, or NULL */
};

struct sema_override {		/* -G name=value */
	const char *name, *value;
};

struct sema_limits {		/* those that the language can see */
	uint32_t maxstringlen, maxmapentries;
};

/* Filled in by the caller, then sema_run(). */
struct sema_session {
	/* in */
	struct arena *arena;
	struct diag_sink *diag;
	struct ast_file **files;	/* the user's, parsed; stb_ds array */
	const char **tapset_dirs;	/* -I first, then the installed one; stb_ds array */
	size_t ninclude_dirs;		/* how many of them are of -I */
	struct parse_env *parse;	/* how tapset files are preprocessed (lang/parse.h) */
	struct probe_session *probe;	/* how probe points are resolved (probe/family.h) */
	struct sema_override *overrides;	/* stb_ds array */
	struct sema_limits limits;
	bool guru;			/* -g */
	bool unoptimized;		/* -u */
	bool listing;			/* -l, -L: keep all locals, no warnings about them */
	bool skip_badvars;		/* target variables that cannot be had are 0 */
	bool no_display;		/* --no-global-var-display */
	int verbose;

	/* out; stb_ds arrays */
	struct ast_var **globals;	/* used; ->sema is struct sema_global */
	struct ast_function **functions;	/* used, callees and callers in no order */
	struct sema_probe **probes;	/* in order of derivation */
	struct ast_file **used_files;	/* tapset files that were needed */

	/* private */
	struct sema_index *index;
	struct sema_state *state;
};

/* Zeroes and sets defaults. */
void sema_session_init(struct sema_session *s, struct arena *a, struct diag_sink *diag);
/* The points go with it, and with them what a program made of them refers to. */
void sema_session_fini(struct sema_session *s);

/*
 * Finds the tapset's files under s->tapset_dirs and reads its macros (.stpm) into
 * s->parse->library_macros, which pass 1 needs.  Call before parsing the script; sema_run() does it
 * otherwise.  A directory that cannot be read counts as empty.
 */
void sema_open_tapset(struct sema_session *s);
/* Number of the tapset's files, once it is open. */
size_t sema_tapset_size(const struct sema_session *s);

/* 0, or -1 after errors were issued.  Call once. */
int sema_run(struct sema_session *s);

/* What `stap -p2` prints; with bodies if s->verbose > 0. */
void sema_print(FILE *out, const struct sema_session *s);

/* What -l (and with_vars: -L) prints: one line a point, sorted, without doubles.  The number of lines. */
size_t sema_list(FILE *out, const struct sema_session *s, bool with_vars);

/* --dump-functions and --dump-probe-aliases: the whole tapset.  0 or -1. */
int sema_dump_functions(FILE *out, struct sema_session *s);
int sema_dump_aliases(FILE *out, struct sema_session *s);

/* Deep copies, for passes that duplicate code; annotations are copied as they are. */
struct ast_expr *sema_copy_expr(struct arena *a, const struct ast_expr *e);
struct ast_stmt *sema_copy_stmt(struct arena *a, const struct ast_stmt *s);

#endif
