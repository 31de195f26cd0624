/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser: target variables ($x, @var, @cast, or any value with -> or []
 * behind it) and the steps behind them.
 */
#include <string.h>

#include "base/intern.h"
#include "lang/parser.h"

/* What kind of target variable the token begins; EXPR_NUMBER: none. */
static enum ast_expr_kind parse_target_kind(const struct token *t)
{
	if (t->id == TOK_IDENT && t->at.text[0] == '$')
		return EXPR_TARGET;
	if (t->id == TOK_ATWORD && strcmp(t->at.text, "@cast") == 0)
		return EXPR_CAST;
	if (t->id == TOK_ATWORD && strcmp(t->at.text, "@var") == 0)
		return EXPR_ATVAR;
	return EXPR_NUMBER;
}

/* @cast(operand, "type"[, "module"]) */
static void parse_cast(struct parser *p, struct ast_expr *e)
{
	struct ast_target *target = e->target;

	if (!parser_expect(p, TOK_LPAREN, "("))
		return;
	target->operand = parse_expression(p);
	if (p->error || !parser_expect(p, TOK_COMMA, ","))
		return;
	parser_peek(p);
	target->type_name = parse_string(p, "cast-type", "expected string");
	parser_peek(p);
	if (!p->error && !*target->type_name)
		parser_fail(p, "empty-string", "expected non-empty string");
	if (parser_accept(p, TOK_COMMA))
		target->module = parse_string(p, "module-string", "expected string");
	parser_expect(p, TOK_RPAREN, ")");
	expr_adopt(p, e, target->operand);
}

/* @var("name[@file]"[, "module"]) */
static void parse_atvar(struct parser *p, struct ast_target *target)
{
	const char *at;

	if (!parser_expect(p, TOK_LPAREN, "("))
		return;
	target->full = parse_string(p, "var-name", "expected string");
	if (parser_accept(p, TOK_COMMA))
		target->module = parse_string(p, "module-string", "expected string");
	if (!parser_expect(p, TOK_RPAREN, ")"))
		return;
	at = strchr(target->full, '@');
	target->symbol = at ? intern_n(target->full, (size_t)(at - target->full)) : target->full;
	target->cu = at ? intern(at + 1) : "";
}

static struct ast_expr *parse_target(struct parser *p, enum ast_expr_kind kind)
{
	struct token t = parser_next(p);
	struct ast_expr *e = expr_new(p, kind, &t.at);

	e->target = arena_new(p->arena, struct ast_target);
	e->target->name = t.at.text;
	e->target->module = "";
	if (kind == EXPR_CAST)
		parse_cast(p, e);
	else if (kind == EXPR_ATVAR)
		parse_atvar(p, e->target);
	return p->error ? NULL : e;
}

/* ---- the steps behind ---- */

static struct ast_access *access_new(struct parser *p, struct ast_target *target,
				     enum ast_access_kind kind, const struct span *at)
{
	struct ast_access access = {.kind = kind, .at = *at};

	list_push(p->arena, target->accesses, target->naccesses, access);
	return &target->accesses[target->naccesses - 1];
}

/* Splits the `$` or `$$` off the end of a name; "" if there is none. */
static const char *split_pretty(const char **name)
{
	size_t len = strlen(*name), keep = len;
	const char *suffix;

	while (keep > 0 && (*name)[keep - 1] == '$')
		keep--;
	if (keep == len)
		return "";
	suffix = intern(*name + keep);
	*name = intern_n(*name, keep);
	return suffix;
}

/* `->name`, `->name$`, `->$`.  True if it is pretty printing, the last step. */
static bool parse_member(struct parser *p, struct ast_target *target)
{
	struct span at = parser_next(p).at;
	struct token t = parser_next(p);
	const char *name = t.at.text, *pretty;

	if (t.id != TOK_IDENT && t.id <= TOK_FIRST_KEYWORD) {
		parser_fail(p, "member-name", "expected identifier or keyword");
		return false;
	}
	pretty = split_pretty(&name);
	if (*name)
		access_new(p, target, ACCESS_MEMBER, &at)->member = name;
	if (*pretty)
		access_new(p, target, ACCESS_PRETTY, &at)->member = pretty;
	return *pretty;
}

static void parse_element(struct parser *p, struct ast_expr *e)
{
	struct span at = parser_next(p).at;
	struct ast_expr *index = parse_expression(p);
	struct ast_access *access;

	if (p->error)
		return;
	if (index->kind == EXPR_NUMBER) {
		access_new(p, e->target, ACCESS_LITERAL, &at)->number = index->number;
	} else {
		access = access_new(p, e->target, ACCESS_INDEX, &at);
		access->index = index;
		expr_adopt(p, e, index);
	}
	parser_expect(p, TOK_RBRACKET, "]");
}

static bool is_pretty_name(const char *text)
{
	return *text == '$' && text[strspn(text, "$")] == '\0';
}

static void parse_accesses(struct parser *p, struct ast_expr *e)
{
	struct ast_target *target = e->target;
	bool pretty = false;
	size_t len;

	/* $foo$: the lexer has the suffix in the name; $$ alone is a name */
	if (e->kind == EXPR_TARGET && !is_pretty_name(target->name)) {
		const char *suffix = split_pretty(&target->name);

		if (*suffix) {
			access_new(p, target, ACCESS_PRETTY, &e->at)->member = suffix;
			pretty = true;
		}
	}
	while (!pretty && !p->error) {
		if (parser_peek_is(p, TOK_ARROW))
			pretty = parse_member(p, target);
		else if (parser_peek_is(p, TOK_LBRACKET))
			parse_element(p, e);
		else
			break;
	}
	if (!pretty && parser_peek_is(p, TOK_IDENT) && is_pretty_name(p->last.text)) {
		access_new(p, target, ACCESS_PRETTY, &p->last)->member = p->last.text;
		parser_swallow(p);
		pretty = true;
	}
	if (pretty && (parser_peek_is(p, TOK_ARROW) || parser_peek_is(p, TOK_LBRACKET)))
		parser_fail(p, "pretty-access",
			    "-> and [ are not accepted for a pretty-printing variable");
	len = target->naccesses;
	if (len > AST_MAX_DEPTH)
		parser_fail(p, "too-deep", "nested too deeply (limit %d levels)", AST_MAX_DEPTH);
}

/* ---- values ---- */

static bool is_target(const struct ast_expr *e)
{
	return e->kind == EXPR_TARGET || e->kind == EXPR_CAST || e->kind == EXPR_ATVAR ||
	       e->kind == EXPR_AUTOCAST;
}

struct ast_expr *parse_dwarf_value(struct parser *p)
{
	bool address = parser_peek_is(p, TOK_AMP);
	struct span amp = p->last;
	enum ast_expr_kind kind;
	struct ast_expr *e, *cast;
	bool more;

	if (address)
		parser_swallow(p);
	kind = parse_target_kind(parser_peek(p));
	if (kind != EXPR_NUMBER) {
		e = parse_target(p, kind);
		if (p->error)
			return NULL;
		e->target->addressof = address;
		parse_accesses(p, e);
		return p->error ? NULL : e;
	}
	e = parse_value(p);
	if (p->error)
		return NULL;
	more = parser_peek_is(p, TOK_ARROW) || parser_peek_is(p, TOK_LBRACKET) ||
	       (parser_peek_is(p, TOK_IDENT) && is_pretty_name(p->last.text));
	if (!address && !more)
		return e;
	if (address && is_target(e)) {
		if (e->target->addressof)
			parser_fail_at(p, "address-twice", &amp,
				       "cannot take address more than once");
		e->target->addressof = true;
		parse_accesses(p, e);
		return p->error ? NULL : e;
	}
	cast = expr_new(p, EXPR_AUTOCAST, address ? &amp : &e->at);
	cast->target = arena_new(p->arena, struct ast_target);
	cast->target->operand = e;
	cast->target->module = "";
	cast->target->addressof = address;
	expr_adopt(p, cast, e);
	parse_accesses(p, cast);
	return p->error ? NULL : cast;
}
