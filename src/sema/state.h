/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of sema share while pass 2 runs; private to this folder. */
#ifndef SEMA_STATE_H
#define SEMA_STATE_H

#include "base/ds.h"
#include "base/intern.h"
#include "sema/sema.h"
#include "sema/walk.h"

/* ast_var.sema of locals and parameters: where an argument gave a parameter its type. */
struct sema_local {
	struct span call_at;
};

/* ast_function.sema */
struct sema_function {
	bool queued;	/* its body is resolved or about to be */
	bool visiting;	/* guard of recursive walks */
	int effects;	/* memo of the walk in usage.c: 0 unknown */
};

enum { SEMA_READ = 1, SEMA_WRITTEN = 2 };

struct sema_state {
	struct sema_session *s;
	/* public symbols of the user's files and of the tapset files in use, by interned name */
	struct { const char *key; struct ast_var *value; } *globals;
	struct { const char *key; struct ast_function **value; } *functions;	/* stb_ds arrays */
	struct { const struct source *key; struct ast_file *value; } *file_of;
	struct ast_function **queue;	/* functions whose bodies are to be resolved */
	struct ast_file **new_files;	/* tapset files whose probes are to be derived */
	/* dotted names of the aliases of parsed tapset files, see alias.c */
	struct { const struct ast_file *key; struct alias_names *value; } *alias_names;
	struct alias_tree *aliases;	/* see alias.h */
	size_t expansions;		/* of aliases, so far */
	struct sema_body **bodies;	/* each once, in order of creation */
	/* target expressions that could not be bound: why, issued when they prove to be needed */
	struct { const struct ast_expr *key; struct diag *value; } *unbound;
};

/* Where names are looked up: one function or one body. */
struct sema_scope {
	struct sema_state *st;
	struct ast_function *fn;		/* or NULL */
	struct ast_var **vars;			/* stb_ds array: locals made so far */
	struct { const char *key; struct ast_var *value; } *by_name;
	const struct probe_point *point;	/* bodies: where $variables are looked up */
	bool condition;				/* in `if (cond)` of a probe point */
	unsigned assigned;			/* SEMA_*: how the expression being visited is used */
};

/* symbols.c */
void sema_register_file(struct sema_state *st, struct ast_file *f);
/* Resolves a body's names, calls and target variables. */
void sema_resolve_body(struct sema_state *st, struct sema_body *b, const struct probe_point *pt);
void sema_resolve_function(struct sema_state *st, struct ast_function *f);

/* calls.c */
void sema_resolve_call(struct sema_state *st, struct ast_expr *e);
/* Brings a tapset file into use. */
void sema_use_file(struct sema_state *st, struct ast_file *f);
void sema_queue_function(struct sema_state *st, struct ast_function *f);

/* bind.c: target variables, @defined, @const ...; called for each such expression of a scope */
void sema_bind(struct sema_scope *sc, struct ast_expr *e, void (*resolve)(struct sema_scope *,
									   struct ast_expr *));
/*
 * Replaces @defined(...), the operand of which has been bound, by 1 or 0.  False: that depends on the C type of
 * some e of (e)->m, which is not known so far.
 */
bool sema_fold_defined(struct sema_state *st, struct ast_expr *e);

/* text.c: points and expressions as pass 2 prints them */
const char *sema_text_point(struct arena *a, const struct ast_point *pt);
/* The expression as the parser would print it. */
const char *sema_text_expr(struct arena *a, const struct ast_expr *e);
const char *sema_text_points(struct arena *a, struct ast_point *const *list, size_t n, const char *sep);
const char *sema_text_alias(struct arena *a, const struct ast_probe *alias);

/* derive.c: probes -> session.probes */
void sema_derive_probe(struct sema_state *st, struct ast_probe *p);

/* types.c, types_stmt.c */
int sema_infer_types(struct sema_state *st);

/* elide.c: unused code and variables; before types are inferred, and, with constants folded, afterwards */
void sema_elide(struct sema_state *st);
void sema_optimise(struct sema_state *st);
/* Functions and globals that nothing uses any more. */
void sema_drop_unused(struct sema_state *st);

/* autocast.c: binds (e)->m where the C type of e can be told; true if that decided some @defined */
bool sema_bind_autocasts(struct sema_state *st);

/* fold.c: folds constants and what they decide; true if something changed. */
bool sema_fold_stmt(struct sema_state *st, struct ast_stmt *s);
bool sema_fold_expr(struct sema_state *st, struct ast_expr *e);
/* Arithmetic and comparisons, wrapping as the machine does; false: no value, or no such operator. */
bool sema_compute(enum ast_op op, int64_t l, int64_t r, int64_t *out);
bool sema_compute_unary(enum ast_op op, int64_t n, int64_t *out);
/* Does control never pass this statement? */
bool sema_leaves(const struct ast_stmt *s);

/* spare.c: target variables that are not to be had do not matter where constants rule the code out */
void sema_spare_unreached(struct sema_state *st);
/* With --skip-badvars: target variables that are not to be had and are only read become 0, with a warning. */
void sema_skip_badvars(struct sema_state *st);

/* checks.c: what holds only once types are known */
void sema_check_statistics(struct sema_state *st);
void sema_check_iterations(struct sema_state *st);
void sema_check_regexes(struct sema_state *st);
/* Calls in the script of what needs guru mode. */
void sema_check_guru(struct sema_state *st);

/* display.c: an `end` probe for each global that is written and never read */
void sema_add_displays(struct sema_state *st);

#endif
