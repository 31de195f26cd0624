/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser: literals, symbols, calls, array elements and @operators. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "lang/parser.h"

/* ---- literals ---- */

static const char *decode(struct parser *p, const char *raw)
{
	size_t len;
	char *text;

	if (!strchr(raw, '\\'))
		return raw;
	text = token_decode_string(p->arena, raw, &len);
	return intern(text);
}

const char *parse_string(struct parser *p, const char *tag, const char *expected)
{
	struct token t = parser_next(p);

	if (t.id != TOK_STRING_LITERAL)
		parser_fail(p, tag, "%s", expected);
	return p->error ? NULL : decode(p, t.at.text);
}

/* A number token's value, within -2**63 .. 2**64-1. */
static bool number_value(struct parser *p, const struct token *t, bool negative, int64_t *value)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(t->at.text, &end, 0);
	if (errno || *end || (negative && n > 1ULL << 63)) {
		parser_fail(p, "number-range", "number invalid or out of range");
		return false;
	}
	*value = (int64_t)(negative ? 0 - n : n);
	return true;
}

struct ast_expr *parse_literal(struct parser *p)
{
	struct token t = parser_next(p);
	struct ast_expr *e;
	bool negative = false;

	if (t.id == TOK_STRING_LITERAL) {
		e = expr_new(p, EXPR_STRING, &t.at);
		e->type = AST_STRING;
		e->string = decode(p, t.at.text);
		return e;
	}
	if (t.id == TOK_MINUS) {
		negative = true;
		t = parser_next(p);
	}
	if (t.id != TOK_NUMBER) {
		parser_fail(p, "literal", "expected literal string or number");
		return NULL;
	}
	e = expr_new(p, EXPR_NUMBER, &t.at);
	e->type = AST_LONG;
	return number_value(p, &t, negative, &e->number) ? e : NULL;
}

bool parse_number(struct parser *p, int64_t *value)
{
	bool negative = parser_accept(p, TOK_MINUS);
	struct token t = parser_next(p);

	if (t.id != TOK_NUMBER) {
		parser_fail(p, "number", "expected number");
		return false;
	}
	if (!number_value(p, &t, negative, value))
		return false;
	parser_swallow(p);
	return true;
}

/* ---- @operators ---- */

static struct ast_expr *parse_wrap(struct parser *p, const struct token *name,
				   enum ast_expr_kind kind)
{
	struct ast_expr *e = expr_new(p, kind, &name->at);

	if (!parser_expect(p, TOK_LPAREN, "("))
		return NULL;
	e->wrap.operand = parse_expression(p);
	if (p->error || !parser_expect(p, TOK_RPAREN, ")"))
		return NULL;
	expr_adopt(p, e, e->wrap.operand);
	return p->error ? NULL : e;
}

/* @probewrite: of a name, which may be a target variable. */
static struct ast_expr *parse_probewrite(struct parser *p, const struct token *name)
{
	struct ast_expr *e = expr_new(p, EXPR_PROBEWRITE, &name->at);
	struct token t;

	e->type = AST_LONG;
	if (!parser_expect(p, TOK_LPAREN, "("))
		return NULL;
	t = parser_next(p);
	if (t.id != TOK_IDENT) {
		parser_fail(p, "expected-identifier", "expected identifier");
		return NULL;
	}
	e->wrap.operand = expr_new(p, *t.at.text == '$' ? EXPR_TARGET : EXPR_SYMBOL, &t.at);
	if (*t.at.text == '$') {
		e->wrap.operand->target = arena_new(p->arena, struct ast_target);
		e->wrap.operand->target->name = t.at.text;
	} else {
		e->wrap.operand->symbol.name = t.at.text;
	}
	expr_adopt(p, e, e->wrap.operand);
	return parser_expect(p, TOK_RPAREN, ")") ? e : NULL;
}

/* Some operators are for guru mode and the library only. */
static bool check_privilege(struct parser *p, const struct token *name, const char *tag)
{
	if (p->privileged)
		return true;
	parser_fail(p, tag, "using %s operator not permitted; need stap -g", name->at.text);
	p->error_resumes = true;
	return false;
}

/* @perf("x"), @const("x"), @enum("x"[, "module"]). */
static struct ast_expr *parse_named(struct parser *p, const struct token *name,
				    enum ast_expr_kind kind)
{
	struct ast_expr *e = expr_new(p, kind, &name->at);

	if (kind != EXPR_CONST)
		e->type = AST_LONG;
	if (kind == EXPR_CONST && !check_privilege(p, name, "const-unprivileged"))
		return NULL;
	if (!parser_expect(p, TOK_LPAREN, "("))
		return NULL;
	e->name.text = parse_string(p, "named-string",
				    kind == EXPR_PERF ? "expected literal string"
						      : "expected string");
	e->name.module = "";
	parser_peek(p);
	if (!p->error && !*e->name.text)
		parser_fail(p, "empty-string", "expected non-empty string");
	if (kind == EXPR_ENUM && parser_accept(p, TOK_COMMA))
		e->name.module = parse_string(p, "module-string", "expected string");
	return parser_expect(p, TOK_RPAREN, ")") ? e : NULL;
}

/* @kregister(n) @uregister(n) @kderef(size, address) @uderef(size, address) */
static struct ast_expr *parse_raw(struct parser *p, const struct token *name,
				  enum ast_expr_kind kind)
{
	struct ast_expr *e = expr_new(p, kind, &name->at);

	e->type = AST_LONG;
	e->raw.user = name->at.text[1] == 'u';
	if (!check_privilege(p, name,
			     kind == EXPR_DEREF ? "deref-unprivileged" : "register-unprivileged"))
		return NULL;
	if (!parser_expect(p, TOK_LPAREN, "(") || !parse_number(p, &e->raw.number))
		return NULL;
	if (kind == EXPR_DEREF) {
		if (!parser_expect(p, TOK_COMMA, ","))
			return NULL;
		e->raw.address = parse_expression(p);
		expr_adopt(p, e, e->raw.address);
	}
	return !p->error && parser_expect(p, TOK_RPAREN, ")") ? e : NULL;
}

static struct ast_expr *parse_stat(struct parser *p, const struct token *name)
{
	struct ast_expr *e = expr_new(p, EXPR_STAT, &name->at);

	e->type = AST_LONG;
	for (e->stat.fn = 0; e->stat.fn < STAT_NONE; e->stat.fn++)
		if (strcmp(ast_stat_text(e->stat.fn), name->at.text) == 0)
			break;
	if (e->stat.fn == STAT_NONE) {
		parser_fail(p, "unknown-operator", "unknown operator %s", name->at.text);
		return NULL;
	}
	if (!parser_expect(p, TOK_LPAREN, "("))
		return NULL;
	e->stat.stat = parse_expression(p);
	if (e->stat.fn == STAT_VARIANCE && parser_accept(p, TOK_COMMA)) {
		e->stat.has_param = true;
		if (!parse_number(p, &e->stat.param))
			return NULL;
	}
	if (parser_peek_is(p, TOK_COMMA)) {
		int limit = e->stat.fn == STAT_VARIANCE ? 2 : 1;

		parser_fail_at(p, "stat-params", &p->last, "not more than %d parameter%s allowed",
			       limit, limit == 1 ? "" : "s");
	}
	if (p->error || !parser_expect(p, TOK_RPAREN, ")"))
		return NULL;
	expr_adopt(p, e, e->stat.stat);
	return p->error ? NULL : e;
}

struct ast_expr *parse_hist(struct parser *p, const struct token *name)
{
	struct ast_expr *e = expr_new(p, EXPR_HIST, &name->at);

	e->hist.kind = strcmp(name->at.text, "@hist_log") == 0 ? HIST_LOG : HIST_LINEAR;
	if (!parser_expect(p, TOK_LPAREN, "("))
		return NULL;
	e->hist.stat = parse_expression(p);
	if (p->error)
		return NULL;
	if (e->hist.kind == HIST_LINEAR) {
		int64_t *const numbers[] = {&e->hist.low, &e->hist.high, &e->hist.width};

		for (int i = 0; i < 3; i++)
			if (!parser_expect(p, TOK_COMMA, ",") || !parse_number(p, numbers[i]))
				return NULL;
	}
	expr_adopt(p, e, e->hist.stat);
	return parser_expect(p, TOK_RPAREN, ")") ? e : NULL;
}

bool token_is_hist(const struct token *t)
{
	return t->id == TOK_ATWORD && (strcmp(t->at.text, "@hist_linear") == 0 ||
				       strcmp(t->at.text, "@hist_log") == 0);
}

static struct ast_expr *parse_operator(struct parser *p, const struct token *t)
{
	static const struct {
		const char *name;
		enum ast_expr_kind kind;
		struct ast_expr *(*parse)(struct parser *p, const struct token *name,
					  enum ast_expr_kind kind);
	} table[] = {
		{"@defined", EXPR_DEFINED, parse_wrap},	 {"@entry", EXPR_ENTRY, parse_wrap},
		{"@perf", EXPR_PERF, parse_named},	 {"@const", EXPR_CONST, parse_named},
		{"@enum", EXPR_ENUM, parse_named},	 {"@kregister", EXPR_REGISTER, parse_raw},
		{"@uregister", EXPR_REGISTER, parse_raw}, {"@kderef", EXPR_DEREF, parse_raw},
		{"@uderef", EXPR_DEREF, parse_raw},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, t->at.text) == 0)
			return table[i].parse(p, t, table[i].kind);
	if (strcmp(t->at.text, "@probewrite") == 0)
		return parse_probewrite(p, t);
	return parse_stat(p, t);
}

/* ---- symbols ---- */

static struct ast_expr *parse_call(struct parser *p, const struct token *name)
{
	struct ast_expr *e = expr_new(p, EXPR_CALL, &name->at);

	e->call.name = name->at.text;
	if (parser_accept(p, TOK_RPAREN))
		return e;
	for (;;) {
		struct ast_expr *arg = parse_expression(p);

		if (p->error)
			return NULL;
		list_push(p->arena, e->call.args, e->call.nargs, arg);
		expr_adopt(p, e, arg);
		if (parser_accept(p, TOK_RPAREN))
			return p->error ? NULL : e;
		if (parser_next(p).id != TOK_COMMA) {
			parser_fail(p, "call-args", "expected one of ') ,'");
			return NULL;
		}
	}
}

bool parse_keys(struct parser *p, struct ast_expr ***keys, size_t *nkeys)
{
	for (;;) {
		struct ast_expr *key = NULL;

		if (!parser_accept(p, TOK_STAR))
			key = parse_expression(p);
		if (p->error)
			return false;
		list_push(p->arena, *keys, *nkeys, key);
		if (parser_accept(p, TOK_RBRACKET))
			return true;
		if (!parser_accept(p, TOK_COMMA))
			return false;
	}
}

/* `base[keys]`; the bracket has been consumed. */
static struct ast_expr *parse_index(struct parser *p, const struct token *name,
				    struct ast_expr *base)
{
	struct ast_expr *e = expr_new(p, EXPR_INDEX, &name->at);

	e->index.base = base;
	expr_adopt(p, e, base);
	if (!parse_keys(p, &e->index.keys, &e->index.nkeys)) {
		if (parser_peek_is(p, TOK_EOF))
			parser_next(p);
		parser_fail(p, "index-keys", "expected one of '] ,'");
		return NULL;
	}
	for (size_t i = 0; i < e->index.nkeys; i++)
		expr_adopt(p, e, e->index.keys[i]);
	return p->error ? NULL : e;
}

static struct ast_expr *symbol_new(struct parser *p, const struct token *t)
{
	struct ast_expr *e = expr_new(p, EXPR_SYMBOL, &t->at);

	e->symbol.name = t->at.text;
	return e;
}

/* Identifier, call, array element, @operator. */
static struct ast_expr *parse_symbol(struct parser *p)
{
	struct token t = parser_next(p);
	struct ast_expr *base;

	if (token_is_hist(&t)) {
		base = parse_hist(p, &t);
	} else if (t.id == TOK_ATWORD) {
		return parse_operator(p, &t);
	} else {
		struct ast_print *print = print_lookup(p, t.at.text);

		if (print)
			return parse_print(p, &t, print);
		if (parser_accept(p, TOK_LPAREN))
			return parse_call(p, &t);
		base = symbol_new(p, &t);
	}
	if (p->error)
		return NULL;
	if (parser_accept(p, TOK_LBRACKET))
		return parse_index(p, &t, base);
	if (base->kind == EXPR_HIST) {
		parser_fail_at(p, "bare-histogram", &t.at,
			       "base histogram operator where expression expected");
		return NULL;
	}
	return base;
}

struct ast_expr *parse_indexable(struct parser *p)
{
	struct token t = parser_next(p);

	if (token_is_hist(&t))
		return parse_hist(p, &t);
	if (t.id != TOK_IDENT) {
		parser_fail(p, "indexable", "expected identifier or statistical operation");
		return NULL;
	}
	return symbol_new(p, &t);
}

struct ast_expr *parse_value(struct parser *p)
{
	const struct token *t = parser_peek(p);
	struct ast_expr *e;

	switch (t->id) {
	case TOK_EOF:
		parser_fail(p, "value", "expected value");
		return NULL;
	case TOK_EMBEDDED:
		if (!p->privileged) {
			parser_fail(p, "embedded-expression",
				    "embedded expression code in unprivileged script; "
				    "need stap -g");
			p->error_resumes = true;
			return NULL;
		}
		e = expr_new(p, EXPR_EMBEDDED, &t->at);
		e->embedded = parser_embedded(p, t);
		parser_swallow(p);
		return e;
	case TOK_LPAREN:
		parser_swallow(p);
		e = parse_expression(p);
		if (p->error)
			return NULL;
		if (parser_next(p).id != TOK_RPAREN) {
			parser_fail(p, "value-close", "expected ')'");
			return NULL;
		}
		return e;
	case TOK_IDENT:
	case TOK_ATWORD:
		return parse_symbol(p);
	default:
		return parse_literal(p);
	}
}
