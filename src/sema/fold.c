/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Constant folding and control flow decided by constants.  May run before types are known, and
 * then folds only what cannot hide a type error.
 */
#include <string.h>

#include "base/arena.h"
#include "sema/state.h"

struct folder {
	struct walk w;
	struct sema_state *st;
	bool changed;
};

static bool is_number(const struct ast_expr *e, int64_t n)
{
	return e->kind == EXPR_NUMBER && e->number == n;
}

static void set_number(struct folder *f, struct ast_expr *e, int64_t n)
{
	walk_set_number(e, n);
	f->changed = true;
}

/* e becomes one of its own operands. */
static void become(struct folder *f, struct ast_expr *e, const struct ast_expr *operand)
{
	ptrdiff_t i = hmgeti(f->st->unbound, operand);
	struct ast_expr copy = *operand;

	if (i >= 0) {
		struct diag *why = f->st->unbound[i].value;

		hmput(f->st->unbound, e, why);
	}
	*e = copy;
	f->changed = true;
}

static bool holds(enum ast_op op, int order)
{
	switch (op) {
	case OP_EQ: return order == 0;
	case OP_NE: return order != 0;
	case OP_LT: return order < 0;
	case OP_LE: return order <= 0;
	case OP_GT: return order > 0;
	default: return order >= 0;
	}
}

bool sema_compute(enum ast_op op, int64_t l, int64_t r, int64_t *out)
{
	uint64_t a = (uint64_t)l, b = (uint64_t)r;

	switch (op) {
	case OP_ADD: *out = (int64_t)(a + b); return true;
	case OP_SUB: *out = (int64_t)(a - b); return true;
	case OP_MUL: *out = (int64_t)(a * b); return true;
	case OP_DIV:
	case OP_MOD:
		if (r == 0 || (r == -1 && l == INT64_MIN))
			return false;
		*out = op == OP_DIV ? l / r : l % r;
		return true;
	case OP_SHL: *out = (int64_t)(a << (b & 63)); return true;
	case OP_SHR: *out = l >> (b & 63); return true;
	case OP_USHR: *out = (int64_t)(a >> (b & 63)); return true;
	case OP_AND: *out = l & r; return true;
	case OP_OR: *out = l | r; return true;
	case OP_XOR: *out = l ^ r; return true;
	case OP_EQ:
	case OP_NE:
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		*out = holds(op, (l > r) - (l < r));
		return true;
	default: return false;
	}
}

bool sema_compute_unary(enum ast_op op, int64_t n, int64_t *out)
{
	switch (op) {
	case OP_NEG: *out = (int64_t)(0 - (uint64_t)n); return true;
	case OP_PLUS: *out = n; return true;
	case OP_BITNOT: *out = ~n; return true;
	case OP_NOT: *out = !n; return true;
	default: return false;
	}
}

static void fold_binary(struct folder *f, struct ast_expr *e)
{
	const struct ast_expr *l = e->binary.left, *r = e->binary.right;
	int64_t n;

	if (l->kind == EXPR_NUMBER && r->kind == EXPR_NUMBER &&
	    sema_compute(e->op, l->number, r->number, &n))
		set_number(f, e, n);
}

static void fold_logical(struct folder *f, struct ast_expr *e)
{
	const struct ast_expr *l = e->binary.left, *r = e->binary.right;
	bool and = e->op == OP_LOGAND;

	if (l->kind != EXPR_NUMBER)
		return;
	if (!l->number == and)
		set_number(f, e, !and);
	else if (r->kind == EXPR_NUMBER)
		set_number(f, e, r->number != 0);
}

static void fold_compare(struct folder *f, struct ast_expr *e)
{
	const struct ast_expr *l = e->binary.left, *r = e->binary.right;

	fold_binary(f, e);
	if (l->kind == EXPR_STRING && r->kind == EXPR_STRING)
		set_number(f, e, holds(e->op, strcmp(l->string, r->string)));
}

static void fold_concat(struct folder *f, struct ast_expr *e)
{
	const struct ast_expr *l = e->binary.left, *r = e->binary.right;

	if (l->kind == EXPR_STRING && r->kind == EXPR_STRING) {
		const char *s = arena_printf(f->st->s->arena, "%s%s", l->string, r->string);

		if (strlen(s) >= f->st->s->limits.maxstringlen)
			return;
		walk_set_string(e, intern(s));
		f->changed = true;
	} else if (l->kind == EXPR_STRING && !*l->string && r->type == AST_STRING) {
		become(f, e, r);
	} else if (r->kind == EXPR_STRING && !*r->string && l->type == AST_STRING) {
		become(f, e, l);
	}
}

static void fold_unary(struct folder *f, struct ast_expr *e)
{
	int64_t n;

	if (e->unary.operand->kind == EXPR_NUMBER &&
	    sema_compute_unary(e->op, e->unary.operand->number, &n))
		set_number(f, e, n);
}

static void fold_ternary(struct folder *f, struct ast_expr *e)
{
	const struct ast_expr *yes = e->ternary.yes, *no = e->ternary.no;

	if (e->ternary.cond->kind != EXPR_NUMBER)
		return;
	/* two types: let inference complain */
	if (yes->type != AST_UNKNOWN && no->type != AST_UNKNOWN && yes->type != no->type)
		return;
	become(f, e, e->ternary.cond->number ? yes : no);
}

static void fold_expr(struct walk *w, struct ast_expr *e)
{
	struct folder *f = (struct folder *)w;

	walk_expr(w, e);
	switch (e->kind) {
	case EXPR_BINARY:
		fold_binary(f, e);
		break;
	case EXPR_LOGICAL:
		fold_logical(f, e);
		break;
	case EXPR_COMPARE:
		fold_compare(f, e);
		break;
	case EXPR_CONCAT:
		fold_concat(f, e);
		break;
	case EXPR_UNARY:
		fold_unary(f, e);
		break;
	case EXPR_TERNARY:
		fold_ternary(f, e);
		break;
	case EXPR_PROBEWRITE:	/* in a function: no probe writes anything there */
		set_number(f, e, 0);
		break;
	default:
		break;
	}
}

/* ---- statements ---- */

static void set_empty(struct folder *f, struct ast_stmt *s)
{
	s->kind = STMT_EMPTY;
	f->changed = true;
}

bool sema_leaves(const struct ast_stmt *s)
{
	return s->kind == STMT_NEXT || s->kind == STMT_RETURN || s->kind == STMT_BREAK ||
	       s->kind == STMT_CONTINUE;
}

static void fold_stmt(struct walk *w, struct ast_stmt *s)
{
	struct folder *f = (struct folder *)w;
	struct ast_stmt *branch;

	walk_stmt(w, s);
	switch (s->kind) {
	case STMT_IF:
		if (s->if_.cond->kind != EXPR_NUMBER)
			break;
		branch = s->if_.cond->number ? s->if_.yes : s->if_.no;
		if (branch) {
			*s = *branch;
			f->changed = true;
		} else {
			set_empty(f, s);
		}
		break;
	case STMT_WHILE:
	case STMT_FOR:
		if (!is_number(s->loop.cond, 0))
			break;
		if (s->loop.init) {
			s->kind = STMT_EXPR;
			s->expr = s->loop.init;
			f->changed = true;
		} else {
			set_empty(f, s);
		}
		break;
	case STMT_BLOCK:
		for (size_t i = 0; i + 1 < s->block.nstmts; i++) {
			if (!sema_leaves(s->block.stmts[i]))
				continue;
			s->block.nstmts = i + 1;
			f->changed = true;
		}
		break;
	default:
		break;
	}
}

bool sema_fold_stmt(struct sema_state *st, struct ast_stmt *s)
{
	struct folder f = {{fold_expr, fold_stmt}, st, false};

	fold_stmt(&f.w, s);
	return f.changed;
}

bool sema_fold_expr(struct sema_state *st, struct ast_expr *e)
{
	struct folder f = {{fold_expr, fold_stmt}, st, false};

	fold_expr(&f.w, e);
	return f.changed;
}
