/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that constants rule out is still typed, but target variables that cannot be had there are
 * no error: they become 0.  Nothing else changes.  With --skip-badvars those that are left become 0, too, with a
 * warning.
 *
 * One walk: operators tell upwards whether they have a constant value (a literal's, or one
 * computed from their operands'), and what the value decides not to run is spared.
 */
#include <string.h>

#include "sema/state.h"

struct sparer {
	struct walk w;
	struct sema_state *st;
	bool known;	/* the expression visited last has the constant value n */
	int64_t n;
};

static void spare_expr(struct walk *w, struct ast_expr *e)
{
	struct sparer *s = (struct sparer *)w;

	if (hmgeti(s->st->unbound, e) < 0) {
		walk_expr(w, e);
		return;
	}
	hmdel(s->st->unbound, e);
	walk_set_number(e, 0);
}

static void spare(struct sparer *s, struct ast_expr *e, struct ast_stmt *stmt)
{
	struct sparer inner = {{spare_expr, walk_stmt}, s->st, false, 0};

	if (e)
		spare_expr(&inner.w, e);
	if (stmt)
		walk_stmt(&inner.w, stmt);
}

/* ---- values ---- */

static void visit_expr(struct walk *w, struct ast_expr *e);

static bool value_of(struct sparer *s, struct ast_expr *e, int64_t *n)
{
	visit_expr(&s->w, e);
	*n = s->n;
	return s->known;
}

static void visit_operator(struct sparer *s, struct ast_expr *e)
{
	const struct ast_expr *left = e->binary.left, *right = e->binary.right;
	int64_t l, r;
	bool known = value_of(s, e->binary.left, &l);

	known &= value_of(s, e->binary.right, &r);
	if (left->kind == EXPR_STRING && right->kind == EXPR_STRING)
		s->known = sema_compute(e->op, strcmp(left->string, right->string), 0, &s->n);
	else
		s->known = known && sema_compute(e->op, l, r, &s->n);
}

static void visit_logical(struct sparer *s, struct ast_expr *e)
{
	bool and = e->op == OP_LOGAND, left, right;
	int64_t l, r;

	left = value_of(s, e->binary.left, &l);
	right = value_of(s, e->binary.right, &r);
	if (left && !l == and) {
		spare(s, e->binary.right, NULL);
		s->known = true;
		s->n = !and;
	} else {
		s->known = left && right;
		s->n = r != 0;
	}
}

static void visit_ternary(struct sparer *s, struct ast_expr *e)
{
	int64_t cond, yes, no;
	bool decided = value_of(s, e->ternary.cond, &cond);
	bool known_yes = value_of(s, e->ternary.yes, &yes), known_no = value_of(s, e->ternary.no, &no);

	s->known = decided && (cond ? known_yes : known_no);
	s->n = decided && cond ? yes : no;
	if (decided)
		spare(s, cond ? e->ternary.no : e->ternary.yes, NULL);
}

static void visit_expr(struct walk *w, struct ast_expr *e)
{
	struct sparer *s = (struct sparer *)w;
	int64_t n;

	switch (e->kind) {
	case EXPR_NUMBER:
		s->known = true;
		s->n = e->number;
		break;
	case EXPR_UNARY:
		s->known = value_of(s, e->unary.operand, &n) && sema_compute_unary(e->op, n, &s->n);
		break;
	case EXPR_BINARY:
	case EXPR_COMPARE:
		visit_operator(s, e);
		break;
	case EXPR_LOGICAL:
		visit_logical(s, e);
		break;
	case EXPR_TERNARY:
		visit_ternary(s, e);
		break;
	default:
		walk_expr(w, e);
		s->known = false;
		break;
	}
}

/* ---- statements ---- */

static void visit_stmt(struct walk *w, struct ast_stmt *stmt)
{
	struct sparer *s = (struct sparer *)w;
	int64_t n;

	walk_stmt(w, stmt);
	switch (stmt->kind) {
	case STMT_IF:
		if (value_of(s, stmt->if_.cond, &n))
			spare(s, NULL, n ? stmt->if_.no : stmt->if_.yes);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		if (!value_of(s, stmt->loop.cond, &n) || n)
			break;
		spare(s, stmt->loop.step, stmt->loop.body);
		break;
	case STMT_BLOCK:
		for (size_t i = 0, left = 0; i < stmt->block.nstmts; i++) {
			if (left)
				spare(s, NULL, stmt->block.stmts[i]);
			left |= sema_leaves(stmt->block.stmts[i]);
		}
		break;
	default:
		break;
	}
}

void sema_spare_unreached(struct sema_state *st)
{
	struct sparer s = {{visit_expr, visit_stmt}, st, false, 0};

	if (!hmlen(st->unbound))
		return;
	for (size_t i = 0; i < arrlenu(st->bodies); i++)
		visit_stmt(&s.w, st->bodies[i]->stmt);
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		visit_stmt(&s.w, st->s->functions[i]->body);
}

/* ---- --skip-badvars ---- */

struct replacer {
	struct walk w;
	struct sema_state *st;
	const struct ast_expr *written;		/* left of the assignment at hand: an error, not 0 */
};

static void replace_expr(struct walk *w, struct ast_expr *e)
{
	struct replacer *r = (struct replacer *)w;
	bool written = r->written == e;

	switch (e->kind) {
	case EXPR_ASSIGN:
		r->written = e->binary.left;
		break;
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		r->written = e->unary.operand;
		break;
	default:
		break;
	}
	if (e->kind != EXPR_TARGET || written || hmgeti(r->st->unbound, e) < 0) {
		walk_expr(w, e);
		return;
	}
	diag_warn(r->st->s->diag, "bad-variable", &e->at, "Bad $context variable being substituted with literal 0");
	hmdel(r->st->unbound, e);
	walk_set_number(e, 0);
}

void sema_skip_badvars(struct sema_state *st)
{
	struct replacer r = {{replace_expr, walk_stmt}, st, NULL};

	if (!st->s->skip_badvars || !hmlen(st->unbound))
		return;
	for (size_t i = 0; i < arrlenu(st->bodies); i++)
		walk_stmt(&r.w, st->bodies[i]->stmt);
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		walk_stmt(&r.w, st->s->functions[i]->body);
}
