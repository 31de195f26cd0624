/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser: probes and aliases, globals, functions. */
#include <string.h>

#include "base/intern.h"
#include "lang/parser.h"

struct point_list {
	struct ast_point **v;
	size_t n;
};

/* More points than this come from nested brace lists gone wild. */
#define MAX_POINTS 100000

static void parse_points(struct parser *p, struct point_list *out);

/* ---- probe points ---- */

/*
 * One component's name: identifiers, keywords and stars that touch, so that
 * `sys_*read` is one name.
 */
static struct token parse_component_name(struct parser *p, struct token t)
{
	const char *text = t.at.text;
	bool joined = false;

	for (;;) {
		const struct token *u = parser_peek(p);

		if (u->space_before ||
		    !(u->id == TOK_IDENT || u->id == TOK_STAR || u->id > TOK_FIRST_KEYWORD))
			break;
		text = arena_printf(p->arena, "%s%s", text, u->at.text);
		joined = true;
		parser_swallow(p);
	}
	if (joined) {
		t.at.text = intern(text);
		t.at.kind = t.at.kind == SPAN_OPERATOR ? SPAN_OPERATOR : SPAN_IDENTIFIER;
	}
	return t;
}

static void parse_component(struct parser *p, struct point_list *out)
{
	struct token t = parser_next(p);
	struct ast_point *point;
	struct ast_component *c;

	if (t.id == TOK_LBRACE) {
		parser_peek(p);
		if (!parser_enter(p))
			return;
		parse_points(p, out);
		parser_leave(p);
		if (!p->error && parser_next(p).id != TOK_RBRACE)
			parser_fail(p, "point-brace", "expected '}'");
		return;
	}
	if (t.id != TOK_IDENT && t.id != TOK_STAR && t.id < TOK_FIRST_KEYWORD) {
		parser_fail(p, "point-component", "expected identifier or '*' or '{'");
		return;
	}
	t = parse_component_name(p, t);
	c = arena_new(p->arena, struct ast_component);
	c->at = t.at;
	c->name = t.at.text;
	if (parser_accept(p, TOK_LPAREN)) {
		c->arg = parse_literal(p);
		if (!p->error && parser_next(p).id != TOK_RPAREN)
			parser_fail(p, "point-paren", "expected ')'");
	}
	point = arena_new(p->arena, struct ast_point);
	point->at = t.at;
	point->components = c;
	point->ncomponents = 1;
	list_push(p->arena, out->v, out->n, point);
}

/* The point a.b of two points; flags and condition are those of the suffix. */
static struct ast_point *join_points(struct parser *p, const struct ast_point *a,
				     const struct ast_point *b)
{
	struct ast_point *point = arena_memdup(p->arena, b, sizeof(*b));

	point->at = a->at;
	point->ncomponents = a->ncomponents + b->ncomponents;
	point->components = arena_new_array(p->arena, struct ast_component, point->ncomponents);
	memcpy(point->components, a->components, a->ncomponents * sizeof(*a->components));
	memcpy(point->components + a->ncomponents, b->components,
	       b->ncomponents * sizeof(*b->components));
	return point;
}

/* `prefix.suffix` for every pair. */
static void multiply(struct parser *p, struct point_list *prefix, const struct point_list *suffix)
{
	struct point_list out = {0};

	for (size_t i = 0; i < prefix->n; i++) {
		const struct ast_point *a = prefix->v[i];

		if (a->optional || a->sufficient || a->cond) {
			parser_fail_at(p, "point-suffix", &a->components[0].at,
				       "'?', '!' or condition must only be specified in suffix");
			return;
		}
	}
	if (prefix->n * suffix->n > MAX_POINTS) {
		parser_fail(p, "point-count", "too many probe points (limit %d)", MAX_POINTS);
		return;
	}
	for (size_t i = 0; i < prefix->n; i++)
		for (size_t j = 0; j < suffix->n; j++) {
			struct ast_point *point = join_points(p, prefix->v[i], suffix->v[j]);

			list_push(p->arena, out.v, out.n, point);
		}
	*prefix = out;
}

/* Behind the components: `?` or `!`, and a condition. */
static void parse_point_flags(struct parser *p, struct point_list *list)
{
	bool sufficient = parser_peek_is(p, TOK_BANG);
	bool optional = sufficient || parser_peek_is(p, TOK_QUESTION);
	struct ast_expr *cond = NULL;

	if (optional)
		parser_swallow(p);
	if (parser_accept(p, TOK_IF)) {
		if (!parser_accept(p, TOK_LPAREN)) {
			parser_fail(p, "point-cond-open", "expected '('");
			return;
		}
		cond = parse_expression(p);
		if (p->error)
			return;
		if (!parser_accept(p, TOK_RPAREN)) {
			parser_fail(p, "point-cond-close", "expected ')'");
			return;
		}
	}
	for (size_t i = 0; i < list->n; i++) {
		struct ast_point *point = list->v[i];

		if (optional && (point->optional || point->sufficient)) {
			parser_fail_at(p, "point-suffix", &point->components[0].at,
				       "'?', '!' or condition must only be specified in suffix");
			return;
		}
		point->optional |= optional;
		point->sufficient |= sufficient;
		if (cond)
			point->cond = cond;
	}
}

/* One dotted point, which braces may make several. */
static void parse_components(struct parser *p, struct point_list *out)
{
	struct point_list list = {0};
	size_t n = 0;

	do {
		struct point_list suffix = {0};

		parse_component(p, &suffix);
		if (p->error)
			return;
		if (++n > AST_MAX_DEPTH) {
			parser_fail(p, "too-deep", "nested too deeply (limit %d levels)",
				    AST_MAX_DEPTH);
			return;
		}
		if (list.n)
			multiply(p, &list, &suffix);
		else
			list = suffix;
		if (p->error)
			return;
	} while (parser_accept(p, TOK_DOT));
	parse_point_flags(p, &list);
	for (size_t i = 0; i < list.n; i++)
		list_push(p->arena, out->v, out->n, list.v[i]);
}

/* A comma list of points. */
static void parse_points(struct parser *p, struct point_list *out)
{
	for (;;) {
		parse_components(p, out);
		if (p->error)
			return;
		switch (parser_peek(p)->id) {
		case TOK_COMMA:
			parser_swallow(p);
			break;
		case TOK_LBRACE:
		case TOK_RBRACE:
		case TOK_ASSIGN:
		case TOK_ADD_ASSIGN:
			return;
		default:
			parser_fail(p, "point-end", "expected one of ', { } = +='");
			return;
		}
	}
}

/* ---- probes ---- */

/* The alias names and points of a probe, up to its body. */
static void parse_probe_head(struct parser *p, struct ast_probe *probe)
{
	for (;;) {
		struct point_list list = {0};
		enum token_id id;

		parse_points(p, &list);
		if (p->error)
			return;
		id = parser_peek(p)->id;
		if (list.n == 1 && (id == TOK_ASSIGN || id == TOK_ADD_ASSIGN)) {
			if (list.v[0]->optional || list.v[0]->sufficient) {
				parser_fail_at(p, id == TOK_ASSIGN ? "alias-flags" : "alias-flags+",
					       &list.v[0]->components[0].at,
					       "probe point alias name cannot be optional nor "
					       "sufficient");
				return;
			}
			probe->epilogue |= id == TOK_ADD_ASSIGN;
			list_push(p->arena, probe->names, probe->nnames, list.v[0]);
			parser_swallow(p);
			continue;
		}
		if (id != TOK_LBRACE) {
			parser_fail(p, "probe-points", "expected probe point specifier");
			return;
		}
		probe->points = list.v;
		probe->npoints = list.n;
		return;
	}
}

void parse_probe(struct parser *p)
{
	struct ast_probe *probe = arena_new(p->arena, struct ast_probe);
	struct ast_file *f = p->file;

	probe->at = parser_next(p).at;
	probe->file = f;
	parse_probe_head(p, probe);
	if (p->error)
		return;
	probe->body = parse_block(p);
	if (p->error)
		return;
	if (probe->nnames == 0) {
		list_push(p->arena, f->probes, f->nprobes, probe);
		return;
	}
	if (parser_peek_is(p, TOK_COMMA)) {
		if (probe->epilogue) {
			parser_fail(p, "alias-combined",
				    "Combined prologue and epilogue cannot be defined with '+='");
			return;
		}
		parser_swallow(p);
		probe->body2 = parse_block(p);
	}
	if (!p->error)
		list_push(p->arena, f->aliases, f->naliases, probe);
}

/* ---- globals ---- */

static bool parse_global_size(struct parser *p, struct ast_var *v)
{
	if (!parse_number(p, &v->maxsize))
		return false;
	if (v->maxsize <= 0 || v->maxsize > INT32_MAX) {
		parser_fail(p, "global-size", "array size out of range");
		return false;
	}
	return parser_expect(p, TOK_RBRACKET, "]");
}

static void parse_one_global(struct parser *p, bool is_private)
{
	struct ast_var *v = arena_new(p->arena, struct ast_var);
	struct ast_file *f = p->file;
	struct token t = parser_next(p);

	if (t.id != TOK_IDENT) {
		parser_fail(p, "global-name", "expected identifier");
		return;
	}
	for (size_t i = 0; i < f->nglobals; i++)
		if (f->globals[i]->name == t.at.text) {
			if (f->globals[i]->is_private == is_private)
				parser_fail(p, "global-duplicate", "duplicate global name");
			else
				parser_fail(p, "global-private",
					    "global versus private variable declaration conflict");
			return;
		}
	v->at = t.at;
	v->name = t.at.text;
	v->file = f;
	v->is_global = true;
	v->is_private = is_private;
	v->wrap = parser_accept(p, TOK_PERCENT);
	if (parser_accept(p, TOK_LBRACKET) && !parse_global_size(p, v))
		return;
	if (parser_peek_is(p, TOK_ASSIGN)) {
		if (v->maxsize) {
			parser_fail(p, "global-array-init",
				    "only scalar globals can be initialized");
			return;
		}
		v->type_at = v->arity_at = parser_next(p).at;
		v->init = parse_literal(p);
		if (p->error)
			return;
		v->type = v->init->type;
	}
	list_push(p->arena, f->globals, f->nglobals, v);
}

/* The names behind `global` or `private [global]`. */
static void parse_global_names(struct parser *p, bool is_private)
{
	do {
		parse_one_global(p, is_private);
		if (p->error)
			return;
		if (parser_accept(p, TOK_SEMICOLON))
			return;
	} while (parser_accept(p, TOK_COMMA));
}

void parse_global(struct parser *p, bool is_private)
{
	parser_swallow(p);
	parse_global_names(p, is_private);
}

void parse_private(struct parser *p)
{
	parser_next(p);
	switch (parser_peek(p)->id) {
	case TOK_FUNCTION:
		p->context = CONTEXT_FUNCTION;
		parse_function(p, true);
		break;
	case TOK_GLOBAL:
		parse_global(p, true);
		break;
	case TOK_IDENT:
		parse_global_names(p, true);
		break;
	default:
		parser_next(p);
		parser_fail(p, "private-what", "expected 'function' or identifier");
	}
}

/* ---- functions ---- */

/* Behind `:`: the type. */
static enum ast_type parse_type(struct parser *p, const char *tag)
{
	switch (parser_next(p).id) {
	case TOK_STRING:
		return AST_STRING;
	case TOK_LONG:
		return AST_LONG;
	default:
		parser_fail(p, tag, "expected 'string' or 'long'");
		return AST_UNKNOWN;
	}
}

static void parse_params(struct parser *p, struct ast_function *f)
{
	for (;;) {
		struct ast_var *v;
		struct token t;

		if (parser_accept(p, TOK_RPAREN))
			return;
		t = parser_next(p);
		if (t.id != TOK_IDENT) {
			parser_fail(p, "param-name", "expected identifier");
			return;
		}
		for (size_t i = 0; i < f->nparams; i++)
			if (f->params[i]->name == t.at.text) {
				parser_fail(p, "param-duplicate", "duplicate parameter names");
				return;
			}
		v = arena_new(p->arena, struct ast_var);
		v->at = t.at;
		v->name = t.at.text;
		v->file = p->file;
		t = parser_next(p);
		if (t.id == TOK_COLON) {
			parser_peek(p);
			v->type = parse_type(p, "param-type");
			v->type_at = p->last;
			t = parser_next(p);
		}
		list_push(p->arena, f->params, f->nparams, v);
		if (t.id == TOK_RPAREN)
			return;
		if (t.id != TOK_COMMA) {
			parser_fail(p, "param-end", "expected ',' or ')'");
			return;
		}
	}
}

static void parse_priority(struct parser *p, struct ast_function *f)
{
	struct ast_expr *n;

	f->priority = p->file->library ? 1 : 0;
	if (!parser_accept(p, TOK_COLON))
		return;
	n = parse_literal(p);
	if (p->error)
		return;
	if (n->kind != EXPR_NUMBER) {
		parser_fail(p, "priority-literal", "expected literal number");
		return;
	}
	f->has_priority = true;
	f->priority = n->number;
	if (f->priority <= 0)
		parser_fail(p, "priority-range", "specified priority must be > 0");
}

void parse_function(struct parser *p, bool is_private)
{
	struct ast_function *f = arena_new(p->arena, struct ast_function);
	struct token t;

	parser_next(p);
	parser_peek(p);
	t = parser_next(p);
	if (t.id != TOK_IDENT && t.id != TOK_STRING && t.id != TOK_LONG) {
		parser_fail(p, "function-name", "expected identifier");
		return;
	}
	f->at = t.at;
	f->name = t.at.text;
	f->file = p->file;
	f->is_private = is_private;
	t = parser_next(p);
	if (t.id == TOK_COLON) {
		f->type = parse_type(p, "function-type");
		f->type_at = p->last;
		t = parser_next(p);
	}
	if (t.id != TOK_LPAREN) {
		parser_fail(p, "function-open", "expected '('");
		return;
	}
	parse_params(p, f);
	if (!p->error)
		parse_priority(p, f);
	if (p->error)
		return;
	if (parser_peek_is(p, TOK_EMBEDDED))
		f->body = parse_embedded_body(p);
	else
		f->body = parse_block(p);
	if (!p->error || p->error_resumes)
		list_push(p->arena, p->file->functions, p->file->nfunctions, f);
}
