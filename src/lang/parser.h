/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the parser: its state and the functions its files share.
 *
 * Errors are sticky: parser_fail records the first one and from then on every
 * token is TOK_EOF, so that all parse functions run out quickly; they return NULL
 * (lists may be incomplete).  The loop over declarations issues the error,
 * clears it and resumes at the next declaration.  A parse function must
 * check p->error before it looks into a node that it got from another one.
 */
#ifndef LANG_PARSER_H
#define LANG_PARSER_H

#include "lang/ast.h"
#include "lang/list.h"
#include "lang/preproc.h"

enum parse_context {
	CONTEXT_OTHER,
	CONTEXT_PROBE,
	CONTEXT_FUNCTION,
};

struct parser {
	struct parse_env *env;
	struct arena *arena;
	struct preproc pp;
	struct ast_file *file;
	bool privileged;	/* embedded code is accepted */
	enum parse_context context;
	struct token cur, ahead;	/* `ahead`: read while gluing string literals */
	bool have_cur, have_ahead;
	struct span last;	/* of the token seen last: what errors "saw" */
	const char *last_junk;	/* its message, if it is junk */
	struct diag *error;
	bool error_resumes;	/* the error does not skip to the next declaration */
	unsigned nerrors;
	unsigned depth;		/* of nested statements and expressions */
};

/* ---- tokens (parser.c) ---- */

/* The next token, not consumed; TOK_EOF at the end and after an error. */
const struct token *parser_peek(struct parser *p);
/* Consumes a token; the end of the input is an error. */
struct token parser_next(struct parser *p);
/* Consumes the token just peeked at; from then on no token has been seen. */
void parser_swallow(struct parser *p);
bool parser_peek_is(struct parser *p, enum token_id id);
/* Consumes the next token if it is `id`. */
bool parser_accept(struct parser *p, enum token_id id);
/* Consumes the next token, which must be `id`; the message is `expected 'TEXT'`. */
bool parser_expect(struct parser *p, enum token_id id, const char *text);

/* An error at the token seen last ("saw:"), or at a given place ("at:"). */
void parser_fail(struct parser *p, const char *tag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void parser_fail_at(struct parser *p, const char *tag, const struct span *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Guards nesting: enter fails the parse beyond AST_MAX_DEPTH. */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

/* What a TOK_EMBEDDED holds: its text, and the tags that stand in its comments. */
struct ast_embedded *parser_embedded(struct parser *p, const struct token *t);

/* ---- declarations (parse_decl.c): the keyword is the next token; what they make is added to the file ---- */

void parse_probe(struct parser *p);
void parse_global(struct parser *p, bool is_private);
void parse_private(struct parser *p);
void parse_function(struct parser *p, bool is_private);

/* ---- statements (parse_stmt.c) ---- */

/* `{` statements `}`; NULL after an error. */
struct ast_stmt *parse_block(struct parser *p);
/* A function's embedded body; the next token is TOK_EMBEDDED. */
struct ast_stmt *parse_embedded_body(struct parser *p);

/* ---- expressions (parse_expr.c, parse_value.c, parse_target.c, parse_print.c) ---- */

/* With all operators; NULL after an error, as all of these. */
struct ast_expr *parse_expression(struct parser *p);
/* A plain value or a target variable with its components. */
struct ast_expr *parse_dwarf_value(struct parser *p);
struct ast_expr *parse_value(struct parser *p);
/* Number (with sign) or string. */
struct ast_expr *parse_literal(struct parser *p);
/* A literal string token's decoded, interned text; NULL after an error. */
const char *parse_string(struct parser *p, const char *tag, const char *expected);
bool parse_number(struct parser *p, int64_t *value);
/* What may stand behind `in`: a name or a histogram. */
struct ast_expr *parse_indexable(struct parser *p);
/* True at @hist_linear and @hist_log. */
bool token_is_hist(const struct token *t);
/* @hist_linear(...) or @hist_log(...); `name` has been consumed. */
struct ast_expr *parse_hist(struct parser *p, const struct token *name);
/* `[` keys `]` with `*` for any; the opening bracket has been consumed. */
bool parse_keys(struct parser *p, struct ast_expr ***keys, size_t *nkeys);
/* The print family; NULL if `name` is none of them. */
struct ast_print *print_lookup(struct parser *p, const char *name);
struct ast_expr *parse_print(struct parser *p, const struct token *name, struct ast_print *print);

/* An expression without parts. */
struct ast_expr *expr_new(struct parser *p, enum ast_expr_kind kind, const struct span *at);
/* Notes that `child` (or NULL) is part of `e`; fails the parse if it gets too deep. */
void expr_adopt(struct parser *p, struct ast_expr *e, const struct ast_expr *child);

#endif
