/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics: messages about scripts, targets and the machine, each issued
 * once, where the fault is found, with a stable tag and the places concerned.
 * The text follows SystemTap:
 *
 *   semantic error: while resolving probe point: identifier 'x' at FILE:L:C
 *           source: probe x {}
 *                         ^
 *
 * (parse errors have their own layout, with a "saw:" line).  A diagnostic may
 * have a chain of further messages and hints, printed after it.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/source.h"

struct arena;

enum diag_kind {
	DIAG_PARSE_ERROR,	/* "parse error: " */
	DIAG_SEMANTIC_ERROR,	/* "semantic error: " */
	DIAG_WARNING,		/* "WARNING: " */
	DIAG_ERROR,		/* "ERROR: ": run time and command line */
};

struct diag {
	enum diag_kind kind;
	const char *tag;	/* stable name, one per message: "no-match", "type-mismatch" */
	const char *msg;
	struct span at, at2;	/* at2: the other place concerned (src NULL: none) */
	struct diag *next;	/* chained: printed right after this one */
	bool says_at;		/* parse errors: "at:" a place rather than "saw:" a token */
	const char **hints;	/* stb_ds array: printed last, one line each */
};

/* Collects, prints and counts.  One per compilation. */
struct diag_sink {
	struct arena *arena;
	FILE *out;		/* normally stderr */
	bool suppress_warnings;	/* -w */
	bool warnings_are_errors;	/* -W */
	int verbose;		/* -v level: >0 also prints duplicate warnings */
	unsigned parse_errors, semantic_errors, warnings, errors;
	struct diag **all;	/* stb_ds array of everything issued, printed or not */
	void *seen;		/* duplicates already printed; private */
	int hold;		/* >0: collect into `held` instead of printing, see diag_hold */
	struct diag **held;	/* stb_ds array; NULL marks the start of a hold */
	bool color;		/* colour sequences as SystemTap's --color=always */
	unsigned suppressed_errors, suppressed_warnings;	/* similar ones not printed */
	const struct source *last_src;	/* of the place printed last: its name is not repeated */
};

/* Nothing issued so far; messages go to `out`, their memory is the arena's.  The caller sets the options. */
void diag_sink_init(struct diag_sink *s, struct arena *a, FILE *out);
/* Releases what the sink allocated outside its arena. */
void diag_sink_fini(struct diag_sink *s);

/* Builds a diagnostic without issuing it.  `at` may be NULL. */
struct diag *diag_new(struct diag_sink *s, enum diag_kind kind, const char *tag,
		      const struct span *at, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Add another place, or messages or a line to be printed behind it; d itself. */
struct diag *diag_at2(struct diag *d, const struct span *at2);
struct diag *diag_chain(struct diag *d, struct diag *next);
struct diag *diag_hint(struct diag_sink *s, struct diag *d, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Prints (or holds) and counts it.  Without verbosity an error is printed only
 * if none with the same tags (its own and its chain's) was, a warning only if none
 * with the same text was; the others are counted as suppressed.
 */
void diag_issue(struct diag_sink *s, struct diag *d);

/* The common case: build and issue. */
void diag_error(struct diag_sink *s, const char *tag, const struct span *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));	/* semantic error */
void diag_warn(struct diag_sink *s, const char *tag, const struct span *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* True if anything issued means that the pass failed (-W counts warnings). */
bool diag_failed(const struct diag_sink *s);
/* "Number of similar error messages suppressed: N." and its hint, if there were any. */
void diag_print_suppressed(struct diag_sink *s);

/*
 * Speculation (optional probe points, @defined): between hold and release
 * diagnostics are kept back.  release(false) drops them, release(true) issues them.
 * Holds nest.
 */
void diag_hold(struct diag_sink *s);
void diag_release(struct diag_sink *s, bool issue);
/* Number of errors (of any kind) held since the innermost hold. */
unsigned diag_held_errors(const struct diag_sink *s);

#endif
