/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Type inference; private to types.c and types_stmt.c. */
#ifndef SEMA_TYPES_H
#define SEMA_TYPES_H

#include "sema/state.h"

struct typer {
	struct walk w;
	struct sema_state *st;
	struct ast_function *fn;	/* being typed, or NULL */
	enum ast_type t;		/* what the context of the expression wants; AST_UNKNOWN: anything */
	bool hurry, backward;		/* later rounds: see sema_infer_types(); from the last to the first */
	bool final;			/* last round: issue diagnostics */
	bool stop;			/* a fault after which further messages make no sense */
	int complexity;			/* the most telling kind of mismatch seen, 0..3 */
	bool told;			/* an error, in the final round */
	unsigned newly, unresolved;	/* this round */
};

/* Types e, which its context wants to be of type `want`. */
void type_expr(struct typer *ty, struct ast_expr *e, enum ast_type want);
/* The same, and insists: for operands whose type is fixed. */
void type_insist(struct typer *ty, struct ast_expr *e, enum ast_type want);
/* Keys against the key types of `array`. */
void type_keys(struct typer *ty, struct ast_var *array, struct ast_expr **keys, size_t n,
	       const struct span *at);
/* The single key of a histogram. */
void type_hist_key(struct typer *ty, struct ast_expr *base, struct ast_expr **keys, size_t n,
		   const struct span *at);

/* Sets the type of an expression, variable or parameter (*slot) and notes that this round told something new. */
void type_set(struct typer *ty, enum ast_type *slot, enum ast_type t);
void type_mismatch_function(struct typer *ty, const struct span *at, enum ast_type found,
			    const struct ast_function *f);
void type_unresolved(struct typer *ty, const struct span *at);
void type_invalid(struct typer *ty, const struct span *at, enum ast_type t);

#endif
