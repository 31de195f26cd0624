/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probe families: from the component lists of scripts to resolved points.
 *
 * A family is one row of the table in family.c: the patterns it owns, and hooks.  Adding a family is one
 * file and one row.  Patterns are matched here; aliases of the tapset are sema's, which asks
 * probe_resolve() for whatever no alias matched (both, when a wild card is written).
 */
#ifndef PROBE_FAMILY_H
#define PROBE_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lang/ast.h"
#include "probe/point.h"

struct arena;
struct diag;
struct diag_sink;

/* Facts of the session that resolving needs; filled by the driver, one per compilation. */
struct probe_session {
	struct arena *arena;
	struct diag_sink *diag;		/* warnings; errors come back in struct probe_result */
	const char *cmd;		/* -c: the command line, or NULL */
	int32_t target;			/* -x: pid, or 0 */
	const char *sysroot;		/* --sysroot, or NULL */
	const char *search_path;	/* commands are looked up along it; NULL: $PATH */
	const char *debug_path;		/* search list for debug files, NULL: default */
	bool no_debuginfod;
	const char *release;		/* -r: kernel to resolve for; NULL: the running one */
	bool listing;			/* -l or -L: only name the points */
	bool guru;
	bool optional;			/* the point being resolved is: nobody reads why there are none */
	bool unprivileged;		/* --privilege=stapusr: nothing that watches the kernel or every process */
	const char **counters;		/* names of perf counters in order, see probe_counter_find(); stb_ds array */
	struct prog_late *late;		/* points in kernel modules, met so far; stb_ds array */
	/* The value of a line "NAME=VALUE" of the kernel's configuration, or NULL. */
	const char *(*config)(void *ctx, const char *name);
	void *config_ctx;
	unsigned watchpoints;		/* private: asked for so far */
};

/* Releases what lies outside the arena. */
void probe_session_fini(struct probe_session *ps);

/*
 * The whole result of one written point.  With no points, `why` says what was wrong: a diagnostic
 * (or chain) not yet issued, to be chained behind
 *   "while resolving probe point: identifier 'process' at ..."
 * ("no match", "no match (similar functions: a, b)", "probe point mismatch (similar: ...)", ...).
 * For points that are optional, sema drops it.
 */
struct probe_result {
	struct probe_point **points;	/* stb_ds array, sorted as SystemTap derives them; caller arrfree()s */
	struct diag *why;
	bool known;			/* the patterns have such a point, whatever became of it */
	/* Set when no pattern begins this way: the first component that fits none, and why names the
	 * families' own candidates; sema, which knows the aliases too, may say it better. */
	const struct ast_component *mismatch;
};

/* Resolves one point.  Wild cards in component names are expanded over the families' patterns. */
void probe_resolve(struct probe_session *ps, const struct ast_point *pt, struct probe_result *out);

/*
 * Component names that may follow `prefix` (n components, names and presence of arguments matched;
 * 0: what a point may start with), sorted, unique, in arena `a`.  stb_ds array, caller arrfree()s.
 */
const char **probe_next_names(struct arena *a, const struct ast_component *prefix, size_t n);

/* All pattern rows as --dump-probe-types prints them ("process(string).function(string).call"),
 * sorted.  stb_ds array of static strings, caller arrfree()s. */
const char **probe_pattern_list(void);

/* Target variables of a point for -L, in SystemTap's order.  In the arena; *n may be 0. */
const struct probe_var *probe_point_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n);

/* The file that process("PATH") means: found along PATH, links resolved, `#!` interpreters followed.  Absolute path in
 * the arena, or NULL. */
const char *probe_find_program(struct probe_session *ps, const char *path);

/* ---- listing: -l and -L ---- */

/*
 * Collects lines: equal names become one, keeping the variables common to all of them, as SystemTap does.
 * Sema adds its aliases' names with the variables of the points behind them.
 */
struct probe_listing;
struct probe_listing *probe_listing_create(void);
void probe_listing_destroy(struct probe_listing *l);
void probe_listing_add(struct probe_listing *l, const char *name, const struct probe_var *vars, size_t n);
/* Prints sorted lines, with variables (-L) or without (-l).  Number of lines. */
size_t probe_listing_print(const struct probe_listing *l, FILE *out, bool with_vars);

/* ---- did you mean ---- */

#define PROBE_SIMILAR_MAX 5	/* as many as SystemTap offers */

/* The (at most `max`) candidates closest to `word` by edit distance, best first, joined by ", ".
 * "" when none is close.  In arena `a`. */
const char *probe_similar(struct arena *a, const char *word, const char *const *candidates, size_t n,
			  size_t max);

/* ---- for families ---- */

/*
 * One pattern: "process(string).function(string).call".  Written components match by name (wild cards
 * allowed in scripts) and by kind of argument.
 */
struct probe_pattern {
	const char *text;
	int variant;			/* the family's own meaning */
};

#define PROBE_MAX_PARTS 8

/* A written point matched against a pattern: the arguments of its components, by component. */
struct probe_match {
	const struct ast_point *pt;
	const struct probe_pattern *pattern;
	const char *name[PROBE_MAX_PARTS];	/* of each component, wild cards resolved */
	size_t n;
};

struct probe_family {
	const char *name;
	const struct probe_pattern *patterns;
	size_t npatterns;
	/* Appends the points of a matched pattern to out->points, or sets out->why. */
	void (*resolve)(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			struct probe_result *out);
	/* Variables for -L; NULL: none. */
	const struct probe_var *(*vars)(struct probe_session *ps, const struct probe_point *pt, size_t *n);
};

/* Number of the perf counter that a point resolved before has defined; -1: none has this name. */
int probe_counter_find(const struct probe_session *ps, const char *name);

/* Argument of component `name` of a match; false / NULL when it has none. */
bool probe_match_long(const struct probe_match *m, const char *name, int64_t *v);
const char *probe_match_string(const struct probe_match *m, const char *name);
bool probe_match_has(const struct probe_match *m, const char *name);
/* A new point with family, written place and defaults filled in. */
struct probe_point *probe_point_new(struct probe_session *ps, const struct probe_family *f,
				    const struct probe_match *m);
/* The component list as text, arguments as literals, for spellings. */
const char *probe_match_text(struct arena *a, const struct probe_match *m);

#endif
