/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking the AST: the direct children of a node, in the order of evaluation.
 *
 * A pass is a function that handles the kinds it cares for and hands all others
 * to walk_expr() or walk_stmt() with itself as callback.
 */
#ifndef SEMA_WALK_H
#define SEMA_WALK_H

#include "lang/ast.h"

struct walk {
	void (*expr)(struct walk *w, struct ast_expr *e);	/* NULL: expressions are skipped */
	void (*stmt)(struct walk *w, struct ast_stmt *s);	/* NULL: statements are skipped */
};

/* Calls w->expr for each direct subexpression of e. */
void walk_expr(struct walk *w, struct ast_expr *e);
/* Calls w->expr and w->stmt for each direct part of s. */
void walk_stmt(struct walk *w, struct ast_stmt *s);

/* The symbol at the root of an lvalue or indexable: `a`, `a[...]`, @hist_log(a)..., or NULL. */
struct ast_expr *walk_root_symbol(struct ast_expr *e);
/* May it stand left of an assignment: variable, array element or target variable? */
bool walk_is_lvalue(const struct ast_expr *e);
/* Does the statement or expression (either may be NULL) hold what binding to a point may change? */
bool walk_depends_on_point(struct ast_stmt *s, struct ast_expr *e);

/* The number n, or the string s, in place of *e; place and memory stay. */
void walk_set_number(struct ast_expr *e, int64_t n);
void walk_set_string(struct ast_expr *e, const char *s);

#endif
