/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser: statements.
 *
 * A `;` behind a simple statement belongs to it; one behind a block-like
 * statement is an empty statement.  Statements need no separator.
 */
#include <string.h>

#include "lang/parser.h"

static struct ast_stmt *parse_statement(struct parser *p);

static struct ast_stmt *stmt_new(struct parser *p, enum ast_stmt_kind kind, const struct span *at)
{
	struct ast_stmt *s = arena_new(p->arena, struct ast_stmt);

	s->kind = kind;
	s->at = *at;
	return s;
}

struct ast_stmt *parse_block(struct parser *p)
{
	struct token t = parser_next(p);
	struct ast_stmt *s;

	if (t.id != TOK_LBRACE) {
		parser_fail(p, "block-open", "expected '{'");
		return NULL;
	}
	s = stmt_new(p, STMT_BLOCK, &t.at);
	while (!p->error && !parser_accept(p, TOK_RBRACE)) {
		struct ast_stmt *inner = parse_statement(p);

		if (inner)
			list_push(p->arena, s->block.stmts, s->block.nstmts, inner);
	}
	return p->error ? NULL : s;
}

struct ast_stmt *parse_embedded_body(struct parser *p)
{
	struct token t = parser_next(p);
	struct ast_stmt *s = stmt_new(p, STMT_EMBEDDED, &t.at);

	s->embedded = parser_embedded(p, &t);
	if (!p->privileged) {
		parser_fail(p, "embedded-unprivileged",
			    "embedded code in unprivileged script; need stap -g");
		p->error_resumes = true;
	}
	return s;
}

static bool expect_open(struct parser *p, const char *tag)
{
	if (parser_next(p).id == TOK_LPAREN)
		return true;
	parser_fail(p, tag, "expected '('");
	return false;
}

static bool expect_close(struct parser *p, const char *tag)
{
	if (p->error)
		return false;
	if (parser_next(p).id == TOK_RPAREN)
		return true;
	parser_fail(p, tag, "expected ')'");
	return false;
}

static struct ast_stmt *parse_if(struct parser *p)
{
	struct ast_stmt *s = stmt_new(p, STMT_IF, &p->last);

	parser_next(p);
	if (!expect_open(p, "if-open"))
		return NULL;
	s->if_.cond = parse_expression(p);
	if (!expect_close(p, "if-close"))
		return NULL;
	s->if_.yes = parse_statement(p);
	if (parser_accept(p, TOK_ELSE))
		s->if_.no = parse_statement(p);
	return p->error ? NULL : s;
}

static struct ast_stmt *parse_while(struct parser *p)
{
	struct ast_stmt *s = stmt_new(p, STMT_WHILE, &p->last);

	parser_next(p);
	if (!expect_open(p, "while-open"))
		return NULL;
	s->loop.cond = parse_expression(p);
	if (!expect_close(p, "while-close"))
		return NULL;
	s->loop.body = parse_statement(p);
	return p->error ? NULL : s;
}

/* The first or last part of a for statement's head. */
static struct ast_expr *parse_for_part(struct parser *p)
{
	if (parser_peek_is(p, TOK_EOF))
		parser_fail(p, "for-part", "expression statement expected");
	return parse_expression(p);
}

static struct ast_stmt *parse_for(struct parser *p)
{
	struct ast_stmt *s = stmt_new(p, STMT_FOR, &p->last);

	parser_next(p);
	if (!expect_open(p, "for-open"))
		return NULL;
	if (!parser_accept(p, TOK_SEMICOLON)) {
		s->loop.init = parse_for_part(p);
		if (!p->error && parser_next(p).id != TOK_SEMICOLON)
			parser_fail(p, "for-init", "expected ';'");
	}
	if (parser_peek_is(p, TOK_SEMICOLON)) {
		s->loop.cond = expr_new(p, EXPR_NUMBER, &p->last);
		s->loop.cond->type = AST_LONG;
		s->loop.cond->number = 1;
		parser_swallow(p);
	} else {
		s->loop.cond = parse_expression(p);
		if (!p->error && parser_next(p).id != TOK_SEMICOLON)
			parser_fail(p, "for-cond", "expected ';'");
	}
	if (!parser_accept(p, TOK_RPAREN)) {
		s->loop.step = parse_for_part(p);
		expect_close(p, "for-close");
	}
	if (p->error)
		return NULL;
	s->loop.body = parse_statement(p);
	return p->error ? NULL : s;
}

/* ---- foreach ---- */

static struct ast_expr *parse_foreach_name(struct parser *p)
{
	struct token t = parser_next(p);
	struct ast_expr *e;

	if (t.id != TOK_IDENT) {
		parser_fail(p, "foreach-name", "expected identifier");
		return NULL;
	}
	e = expr_new(p, EXPR_SYMBOL, &t.at);
	e->symbol.name = t.at.text;
	return e;
}

/* An optional + or -: 1, -1 or 0. */
static int accept_sort(struct parser *p)
{
	if (parser_accept(p, TOK_PLUS))
		return 1;
	return parser_accept(p, TOK_MINUS) ? -1 : 0;
}

static void parse_foreach_sort(struct parser *p, struct ast_foreach *f, unsigned column)
{
	bool had = f->sort_dir != 0;

	if (!parser_peek_is(p, TOK_PLUS) && !parser_peek_is(p, TOK_MINUS))
		return;
	if (had) {
		parser_fail(p, column ? "foreach-sorts" : "foreach-sorts-value",
			    "multiple sort directives");
		return;
	}
	f->sort_dir = accept_sort(p);
	f->sort_column = column;
}

/* `[a, b+]`; the bracket has been consumed. */
static void parse_foreach_keys(struct parser *p, struct ast_foreach *f)
{
	for (;;) {
		struct ast_expr *name = parse_foreach_name(p);

		if (p->error)
			return;
		list_push(p->arena, f->keys, f->nkeys, name);
		parse_foreach_sort(p, f, (unsigned)f->nkeys);
		if (parser_accept(p, TOK_COMMA))
			continue;
		if (!parser_accept(p, TOK_RBRACKET))
			parser_fail(p, "foreach-keys", "expected ',' or ']'");
		return;
	}
}

/* Value and keys, up to `in`. */
static void parse_foreach_vars(struct parser *p, struct ast_foreach *f)
{
	struct ast_expr *name = NULL;
	int dir = 0;

	if (parser_peek_is(p, TOK_IDENT)) {
		name = parse_foreach_name(p);
		dir = accept_sort(p);
		if (parser_accept(p, TOK_ASSIGN)) {
			f->value = name;
			f->sort_dir = dir;
			name = NULL;
		}
	}
	if (name) {
		list_push(p->arena, f->keys, f->nkeys, name);
		f->sort_dir = dir;
		f->sort_column = dir ? 1 : 0;
	} else if (parser_accept(p, TOK_LBRACKET)) {
		parse_foreach_keys(p, f);
	} else {
		name = parse_foreach_name(p);
		if (p->error)
			return;
		list_push(p->arena, f->keys, f->nkeys, name);
		parse_foreach_sort(p, f, 1);
	}
}

/* `@count+` and the like, behind the array. */
static void parse_foreach_stat(struct parser *p, struct ast_foreach *f)
{
	if (!parser_peek_is(p, TOK_ATWORD))
		return;
	for (enum ast_stat s = 0; s < STAT_NONE; s++)
		if (strcmp(ast_stat_text(s), p->last.text) == 0)
			f->sort_stat = s;
	if (f->sort_stat == STAT_NONE) {
		parser_fail(p, "foreach-stat", "expected statistical operation");
		return;
	}
	parser_swallow(p);
	if (!parser_peek_is(p, TOK_PLUS) && !parser_peek_is(p, TOK_MINUS))
		parser_fail(p, "foreach-stat-sort", "expected sort directive");
}

static struct ast_stmt *parse_foreach(struct parser *p)
{
	struct ast_stmt *s = stmt_new(p, STMT_FOREACH, &p->last);
	struct ast_foreach *f = arena_new(p->arena, struct ast_foreach);

	s->foreach = f;
	f->sort_stat = STAT_NONE;
	parser_next(p);
	if (!expect_open(p, "foreach-open"))
		return NULL;
	parse_foreach_vars(p, f);
	if (!p->error && parser_next(p).id != TOK_IN)
		parser_fail(p, "foreach-in", "expected 'in'");
	if (p->error)
		return NULL;
	parser_peek(p);
	f->base = parse_indexable(p);
	if (parser_accept(p, TOK_LBRACKET) && !parse_keys(p, &f->slice, &f->nslice))
		parser_fail(p, "foreach-slice", "expected ',' or ']'");
	parse_foreach_stat(p, f);
	parse_foreach_sort(p, f, 0);
	if (parser_accept(p, TOK_LIMIT))
		f->limit = parse_expression(p);
	if (!expect_close(p, "foreach-close"))
		return NULL;
	f->body = parse_statement(p);
	return p->error ? NULL : s;
}

/* ---- the others ---- */

static struct ast_stmt *parse_try(struct parser *p)
{
	struct ast_stmt *s = stmt_new(p, STMT_TRY, &p->last);

	parser_next(p);
	s->try_.body = parse_block(p);
	if (p->error)
		return NULL;
	if (parser_next(p).id != TOK_CATCH) {
		parser_fail(p, "try-catch", "expected 'catch'");
		return NULL;
	}
	if (parser_accept(p, TOK_LPAREN)) {
		struct token t = parser_next(p);

		if (t.id != TOK_IDENT) {
			parser_fail(p, "catch-name", "expected identifier");
			return NULL;
		}
		s->try_.error = expr_new(p, EXPR_SYMBOL, &t.at);
		s->try_.error->symbol.name = t.at.text;
		if (!expect_close(p, "catch-close"))
			return NULL;
	}
	s->try_.handler = parse_block(p);
	return p->error ? NULL : s;
}

static struct ast_stmt *parse_return(struct parser *p)
{
	struct ast_stmt *s = stmt_new(p, STMT_RETURN, &p->last);

	if (p->context != CONTEXT_FUNCTION) {
		parser_fail(p, "return-context", "found 'return' not in function context");
		return NULL;
	}
	parser_next(p);
	if (!parser_peek_is(p, TOK_SEMICOLON) && !parser_peek_is(p, TOK_RBRACE))
		s->expr = parse_expression(p);
	return s;
}

static struct ast_stmt *parse_keyword(struct parser *p, enum ast_stmt_kind kind)
{
	struct ast_stmt *s = stmt_new(p, kind, &p->last);

	parser_next(p);
	return s;
}

/* A statement that a `;` may close. */
static struct ast_stmt *parse_simple(struct parser *p, const struct token *t)
{
	struct ast_stmt *s;

	switch (t->id) {
	case TOK_RETURN:
		return parse_return(p);
	case TOK_BREAK:
		return parse_keyword(p, STMT_BREAK);
	case TOK_CONTINUE:
		return parse_keyword(p, STMT_CONTINUE);
	case TOK_NEXT:
		return parse_keyword(p, STMT_NEXT);
	case TOK_DELETE:
		s = parse_keyword(p, STMT_DELETE);
		s->expr = parse_expression(p);
		return s;
	default:
		if (t->id == TOK_EOF || t->id == TOK_JUNK || t->id >= TOK_FIRST_KEYWORD) {
			parser_fail(p, "statement", "expected statement");
			return NULL;
		}
		s = stmt_new(p, STMT_EXPR, &t->at);
		s->expr = parse_expression(p);
		return s;
	}
}

static struct ast_stmt *parse_any(struct parser *p)
{
	struct token t = *parser_peek(p);
	struct ast_stmt *s;

	switch (t.id) {
	case TOK_SEMICOLON:
		return parse_keyword(p, STMT_EMPTY);
	case TOK_LBRACE:
		return parse_block(p);
	case TOK_TRY:
		return parse_try(p);
	case TOK_IF:
		return parse_if(p);
	case TOK_WHILE:
		return parse_while(p);
	case TOK_FOR:
		return parse_for(p);
	case TOK_FOREACH:
		return parse_foreach(p);
	default:
		s = parse_simple(p, &t);
		parser_accept(p, TOK_SEMICOLON);
		return s;
	}
}

static struct ast_stmt *parse_statement(struct parser *p)
{
	struct ast_stmt *s;

	if (p->error || !parser_enter(p))
		return NULL;
	s = parse_any(p);
	parser_leave(p);
	return p->error ? NULL : s;
}
