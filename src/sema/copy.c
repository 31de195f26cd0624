/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deep copies of expressions and statements; see sema.h. */
#include "sema/sema.h"

static struct ast_expr **copy_list(struct arena *a, struct ast_expr *const *list, size_t n)
{
	struct ast_expr **out;

	if (!list)
		return NULL;
	out = arena_new_array(a, struct ast_expr *, n + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = list[i] ? sema_copy_expr(a, list[i]) : NULL;
	return out;
}

static struct ast_expr *copy_opt(struct arena *a, const struct ast_expr *e)
{
	return e ? sema_copy_expr(a, e) : NULL;
}

static struct ast_target *copy_target(struct arena *a, const struct ast_target *t)
{
	struct ast_target *n = arena_memdup(a, t, sizeof(*t));

	n->operand = copy_opt(a, t->operand);
	n->accesses = arena_memdup(a, t->accesses, t->naccesses * sizeof(*t->accesses));
	for (size_t i = 0; i < t->naccesses; i++)
		n->accesses[i].index = copy_opt(a, t->accesses[i].index);
	return n;
}

static struct ast_print *copy_print(struct arena *a, const struct ast_print *p)
{
	struct ast_print *n = arena_memdup(a, p, sizeof(*p));

	n->args = copy_list(a, p->args, p->nargs);
	n->hist = copy_opt(a, p->hist);
	return n;
}

struct ast_expr *sema_copy_expr(struct arena *a, const struct ast_expr *e)
{
	struct ast_expr *n = arena_memdup(a, e, sizeof(*e));

	switch (e->kind) {
	case EXPR_NUMBER:
	case EXPR_STRING:
	case EXPR_EMBEDDED:
	case EXPR_SYMBOL:
	case EXPR_PERF:
	case EXPR_CONST:
	case EXPR_ENUM:
	case EXPR_REGISTER:
		break;
	case EXPR_INDEX:
	case EXPR_IN:
		n->index.base = copy_opt(a, e->index.base);
		n->index.keys = copy_list(a, e->index.keys, e->index.nkeys);
		break;
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
		n->target = copy_target(a, e->target);
		break;
	case EXPR_DEFINED:
	case EXPR_ENTRY:
	case EXPR_PROBEWRITE:
		n->wrap.operand = copy_opt(a, e->wrap.operand);
		break;
	case EXPR_DEREF:
		n->raw.address = copy_opt(a, e->raw.address);
		break;
	case EXPR_STAT:
		n->stat.stat = copy_opt(a, e->stat.stat);
		break;
	case EXPR_HIST:
		n->hist.stat = copy_opt(a, e->hist.stat);
		break;
	case EXPR_CALL:
		n->call.args = copy_list(a, e->call.args, e->call.nargs);
		break;
	case EXPR_PRINT:
		n->print = copy_print(a, e->print);
		break;
	case EXPR_UNARY:
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		n->unary.operand = copy_opt(a, e->unary.operand);
		break;
	case EXPR_BINARY:
	case EXPR_COMPARE:
	case EXPR_LOGICAL:
	case EXPR_CONCAT:
	case EXPR_REGEX:
	case EXPR_ASSIGN:
		n->binary.left = copy_opt(a, e->binary.left);
		n->binary.right = copy_opt(a, e->binary.right);
		break;
	case EXPR_TERNARY:
		n->ternary.cond = copy_opt(a, e->ternary.cond);
		n->ternary.yes = copy_opt(a, e->ternary.yes);
		n->ternary.no = copy_opt(a, e->ternary.no);
		break;
	}
	return n;
}

static struct ast_stmt *copy_stmt_opt(struct arena *a, const struct ast_stmt *s)
{
	return s ? sema_copy_stmt(a, s) : NULL;
}

static struct ast_foreach *copy_foreach(struct arena *a, const struct ast_foreach *f)
{
	struct ast_foreach *n = arena_memdup(a, f, sizeof(*f));

	n->keys = copy_list(a, f->keys, f->nkeys);
	n->value = copy_opt(a, f->value);
	n->base = copy_opt(a, f->base);
	n->slice = copy_list(a, f->slice, f->nslice);
	n->limit = copy_opt(a, f->limit);
	n->body = copy_stmt_opt(a, f->body);
	return n;
}

struct ast_stmt *sema_copy_stmt(struct arena *a, const struct ast_stmt *s)
{
	struct ast_stmt *n = arena_memdup(a, s, sizeof(*s));

	switch (s->kind) {
	case STMT_EMPTY:
	case STMT_NEXT:
	case STMT_BREAK:
	case STMT_CONTINUE:
	case STMT_EMBEDDED:
		break;
	case STMT_BLOCK:
		n->block.stmts = arena_new_array(a, struct ast_stmt *, s->block.nstmts + 1);
		for (size_t i = 0; i < s->block.nstmts; i++)
			n->block.stmts[i] = copy_stmt_opt(a, s->block.stmts[i]);
		break;
	case STMT_EXPR:
	case STMT_RETURN:
	case STMT_DELETE:
		n->expr = copy_opt(a, s->expr);
		break;
	case STMT_IF:
		n->if_.cond = copy_opt(a, s->if_.cond);
		n->if_.yes = copy_stmt_opt(a, s->if_.yes);
		n->if_.no = copy_stmt_opt(a, s->if_.no);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		n->loop.init = copy_opt(a, s->loop.init);
		n->loop.cond = copy_opt(a, s->loop.cond);
		n->loop.step = copy_opt(a, s->loop.step);
		n->loop.body = copy_stmt_opt(a, s->loop.body);
		break;
	case STMT_FOREACH:
		n->foreach = copy_foreach(a, s->foreach);
		break;
	case STMT_TRY:
		n->try_.body = copy_stmt_opt(a, s->try_.body);
		n->try_.error = copy_opt(a, s->try_.error);
		n->try_.handler = copy_stmt_opt(a, s->try_.handler);
		break;
	}
	return n;
}
