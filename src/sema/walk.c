/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children of AST nodes, and small questions about trees; see walk.h. */
#include "sema/walk.h"

static void child(struct walk *w, struct ast_expr *e)
{
	if (e && w->expr)
		w->expr(w, e);
}

static void child_stmt(struct walk *w, struct ast_stmt *s)
{
	if (s && w->stmt)
		w->stmt(w, s);
}

static void children(struct walk *w, struct ast_expr *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		child(w, list[i]);
}

static void walk_target(struct walk *w, const struct ast_target *t)
{
	child(w, t->operand);
	for (size_t i = 0; i < t->naccesses; i++)
		child(w, t->accesses[i].index);
}

void walk_expr(struct walk *w, struct ast_expr *e)
{
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
		child(w, e->index.base);
		children(w, e->index.keys, e->index.nkeys);
		break;
	case EXPR_IN:
		children(w, e->index.keys, e->index.nkeys);
		child(w, e->index.base);
		break;
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
		walk_target(w, e->target);
		break;
	case EXPR_DEFINED:
	case EXPR_ENTRY:
	case EXPR_PROBEWRITE:
		child(w, e->wrap.operand);
		break;
	case EXPR_DEREF:
		child(w, e->raw.address);
		break;
	case EXPR_STAT:
		child(w, e->stat.stat);
		break;
	case EXPR_HIST:
		child(w, e->hist.stat);
		break;
	case EXPR_CALL:
		children(w, e->call.args, e->call.nargs);
		break;
	case EXPR_PRINT:
		child(w, e->print->hist);
		children(w, e->print->args, e->print->nargs);
		break;
	case EXPR_UNARY:
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		child(w, e->unary.operand);
		break;
	case EXPR_BINARY:
	case EXPR_COMPARE:
	case EXPR_LOGICAL:
	case EXPR_CONCAT:
	case EXPR_REGEX:
	case EXPR_ASSIGN:
		child(w, e->binary.left);
		child(w, e->binary.right);
		break;
	case EXPR_TERNARY:
		child(w, e->ternary.cond);
		child(w, e->ternary.yes);
		child(w, e->ternary.no);
		break;
	}
}

void walk_stmt(struct walk *w, struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_EMPTY:
	case STMT_NEXT:
	case STMT_BREAK:
	case STMT_CONTINUE:
	case STMT_EMBEDDED:
		break;
	case STMT_BLOCK:
		for (size_t i = 0; i < s->block.nstmts; i++)
			child_stmt(w, s->block.stmts[i]);
		break;
	case STMT_EXPR:
	case STMT_RETURN:
	case STMT_DELETE:
		child(w, s->expr);
		break;
	case STMT_IF:
		child(w, s->if_.cond);
		child_stmt(w, s->if_.yes);
		child_stmt(w, s->if_.no);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		child(w, s->loop.init);
		child(w, s->loop.cond);
		child(w, s->loop.step);
		child_stmt(w, s->loop.body);
		break;
	case STMT_FOREACH:
		children(w, s->foreach->keys, s->foreach->nkeys);
		child(w, s->foreach->base);
		children(w, s->foreach->slice, s->foreach->nslice);
		child(w, s->foreach->value);
		child(w, s->foreach->limit);
		child_stmt(w, s->foreach->body);
		break;
	case STMT_TRY:
		child_stmt(w, s->try_.body);
		child(w, s->try_.error);
		child_stmt(w, s->try_.handler);
		break;
	}
}

struct ast_expr *walk_root_symbol(struct ast_expr *e)
{
	while (e) {
		switch (e->kind) {
		case EXPR_SYMBOL:
			return e;
		case EXPR_INDEX:
			e = e->index.base;
			break;
		case EXPR_HIST:
			e = e->hist.stat;
			break;
		default:
			return NULL;
		}
	}
	return NULL;
}

bool walk_is_lvalue(const struct ast_expr *e)
{
	switch (e->kind) {
	case EXPR_SYMBOL:
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
		return true;
	case EXPR_INDEX:
		return e->index.base->kind == EXPR_SYMBOL;
	default:
		return false;
	}
}

struct search {
	struct walk w;
	bool found;
};

static void search_expr(struct walk *w, struct ast_expr *e)
{
	struct search *s = (struct search *)w;

	switch (e->kind) {
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
	case EXPR_DEFINED:
	case EXPR_ENTRY:
	case EXPR_PERF:
	case EXPR_CONST:
	case EXPR_ENUM:
		s->found = true;
		break;
	default:
		if (!s->found)
			walk_expr(w, e);
	}
}

bool walk_depends_on_point(struct ast_stmt *stmt, struct ast_expr *e)
{
	struct search s = {{search_expr, walk_stmt}, false};

	if (stmt)
		walk_stmt(&s.w, stmt);
	if (e)
		search_expr(&s.w, e);
	return s.found;
}

void walk_set_number(struct ast_expr *e, int64_t n)
{
	e->kind = EXPR_NUMBER;
	e->op = OP_NONE;
	e->number = n;
	e->type = AST_LONG;
	e->sema = NULL;
}

void walk_set_string(struct ast_expr *e, const char *s)
{
	e->kind = EXPR_STRING;
	e->op = OP_NONE;
	e->string = s;
	e->type = AST_STRING;
	e->sema = NULL;
}
