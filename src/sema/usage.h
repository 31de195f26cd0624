/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which variables code reads and writes, and whether it has other effects; private to sema. */
#ifndef SEMA_USAGE_H
#define SEMA_USAGE_H

#include "sema/state.h"

enum {
	USE_READ = 1,
	USE_WRITTEN = 2,
	USE_NEEDED = 4,	/* read for more than to be changed in place (x++ alone does not need x) */
};

struct usage {
	struct { const struct ast_var *key; unsigned value; } *vars;
	struct { struct ast_function *key; bool value; } *functions;	/* reached by calls */
	/*
	 * Set: what is only assigned, without effects, to locals that nothing reads does not count, and what is
	 * only assigned to those neither.  Such chains go at once rather than link by link.
	 */
	bool transitive;
	struct { const struct ast_var *key; struct ast_expr **value; } *waiting;	/* until the local is read */
	struct ast_expr **due;
};

/* Adds what s or e (either may be NULL) uses, functions called included. */
void usage_collect(struct usage *u, struct ast_stmt *s, struct ast_expr *e);
/* All bodies and conditions of the session. */
void usage_collect_all(struct usage *u, struct sema_state *st);
unsigned usage_of(struct usage *u, const struct ast_var *v);
void usage_fini(struct usage *u);

/* Evaluating e changes nothing that can be noticed. */
bool usage_effect_free(struct ast_expr *e);
/* Forgets what is known of functions' effects: call after changing code. */
void usage_reset(struct sema_state *st);

#endif
