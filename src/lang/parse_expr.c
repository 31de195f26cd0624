/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser: operators.  From loose to tight:
 *
 *   = <<< += ...   right
 *   ?:             right
 *   || && | ^ &    left, one level each
 *   in             `a in b`, `[a, b] in c`
 *   < <= == ...    left; =~ !~ once, with a literal
 *   << >> >>>  .  + -  * / %   left, one level each
 *   + - ! ~        prefix
 *   ++ --          prefix or postfix
 *
 * `&` in front of a value makes it a target variable's address and is parsed
 * with the values.
 */
#include "lang/parser.h"

/* ---- nodes ---- */

struct ast_expr *expr_new(struct parser *p, enum ast_expr_kind kind, const struct span *at)
{
	struct ast_expr *e = arena_new(p->arena, struct ast_expr);

	e->kind = kind;
	e->at = *at;
	return e;
}

void expr_adopt(struct parser *p, struct ast_expr *e, const struct ast_expr *child)
{
	if (!child || child->depth < e->depth)
		return;
	e->depth = child->depth + 1;
	if (e->depth > AST_MAX_DEPTH)
		parser_fail(p, "too-deep", "nested too deeply (limit %d levels)", AST_MAX_DEPTH);
}

static struct ast_expr *expr_unary(struct parser *p, enum ast_expr_kind kind, enum ast_op op,
				   const struct span *at, struct ast_expr *operand)
{
	struct ast_expr *e = expr_new(p, kind, at);

	e->op = op;
	e->unary.operand = operand;
	expr_adopt(p, e, operand);
	return p->error ? NULL : e;
}

static struct ast_expr *expr_binary(struct parser *p, enum ast_expr_kind kind, enum ast_op op,
				    const struct span *at, struct ast_expr *left,
				    struct ast_expr *right)
{
	struct ast_expr *e = expr_new(p, kind, at);

	e->op = op;
	e->binary.left = left;
	e->binary.right = right;
	expr_adopt(p, e, left);
	expr_adopt(p, e, right);
	return p->error ? NULL : e;
}

/* ---- unary ---- */

static struct ast_expr *parse_crement(struct parser *p)
{
	enum token_id id = parser_peek(p)->id;
	struct ast_expr *e;

	if (id == TOK_INC || id == TOK_DEC) {
		struct span at = parser_next(p).at;

		e = parse_dwarf_value(p);
		return p->error ? NULL
				: expr_unary(p, EXPR_PREFIX, id == TOK_INC ? OP_INC : OP_DEC, &at,
					     e);
	}
	e = parse_dwarf_value(p);
	if (p->error)
		return NULL;
	id = parser_peek(p)->id;
	if (id == TOK_INC || id == TOK_DEC) {
		struct span at = parser_next(p).at;

		return expr_unary(p, EXPR_POSTFIX, id == TOK_INC ? OP_INC : OP_DEC, &at, e);
	}
	return e;
}

static struct ast_expr *parse_unary(struct parser *p)
{
	struct ast_expr *e;
	struct span at;
	enum ast_op op;

	switch (parser_peek(p)->id) {
	case TOK_PLUS:
		op = OP_PLUS;
		break;
	case TOK_MINUS:
		op = OP_NEG;
		break;
	case TOK_BANG:
		op = OP_NOT;
		break;
	case TOK_TILDE:
		op = OP_BITNOT;
		break;
	default:
		return parse_crement(p);
	}
	at = parser_next(p).at;
	if (!parser_enter(p))
		return NULL;
	e = parse_unary(p);
	parser_leave(p);
	return p->error ? NULL : expr_unary(p, EXPR_UNARY, op, &at, e);
}

/* ---- binary ---- */

enum level {
	LEVEL_NONE,
	LEVEL_LOGICAL_OR,
	LEVEL_LOGICAL_AND,
	LEVEL_OR,
	LEVEL_XOR,
	LEVEL_AND,
	LEVEL_IN,	/* between these: `in` and comparisons, by functions of their own */
	LEVEL_SHIFT,
	LEVEL_CONCAT,
	LEVEL_ADD,
	LEVEL_MUL,
};

struct binary {
	enum level level;
	enum ast_expr_kind kind;
	enum ast_op op;
};

static struct binary binary_operator(enum token_id id)
{
	switch (id) {
	case TOK_OROR:
		return (struct binary){LEVEL_LOGICAL_OR, EXPR_LOGICAL, OP_LOGOR};
	case TOK_ANDAND:
		return (struct binary){LEVEL_LOGICAL_AND, EXPR_LOGICAL, OP_LOGAND};
	case TOK_PIPE:
		return (struct binary){LEVEL_OR, EXPR_BINARY, OP_OR};
	case TOK_CARET:
		return (struct binary){LEVEL_XOR, EXPR_BINARY, OP_XOR};
	case TOK_AMP:
		return (struct binary){LEVEL_AND, EXPR_BINARY, OP_AND};
	case TOK_SHL:
		return (struct binary){LEVEL_SHIFT, EXPR_BINARY, OP_SHL};
	case TOK_SHR:
		return (struct binary){LEVEL_SHIFT, EXPR_BINARY, OP_SHR};
	case TOK_USHR:
		return (struct binary){LEVEL_SHIFT, EXPR_BINARY, OP_USHR};
	case TOK_DOT:
		return (struct binary){LEVEL_CONCAT, EXPR_CONCAT, OP_CONCAT};
	case TOK_PLUS:
		return (struct binary){LEVEL_ADD, EXPR_BINARY, OP_ADD};
	case TOK_MINUS:
		return (struct binary){LEVEL_ADD, EXPR_BINARY, OP_SUB};
	case TOK_STAR:
		return (struct binary){LEVEL_MUL, EXPR_BINARY, OP_MUL};
	case TOK_SLASH:
		return (struct binary){LEVEL_MUL, EXPR_BINARY, OP_DIV};
	case TOK_PERCENT:
		return (struct binary){LEVEL_MUL, EXPR_BINARY, OP_MOD};
	default:
		return (struct binary){LEVEL_NONE, EXPR_BINARY, OP_NONE};
	}
}

static struct ast_expr *parse_in(struct parser *p);

/*
 * Operators of at least `min`: the logical and bitwise ones over `in`
 * expressions, the arithmetic ones over unary expressions.
 */
static struct ast_expr *parse_binary(struct parser *p, enum level min)
{
	enum level max = min < LEVEL_IN ? LEVEL_AND : LEVEL_MUL;
	struct ast_expr *left = min < LEVEL_IN ? parse_in(p) : parse_unary(p);

	while (!p->error) {
		struct binary b = binary_operator(parser_peek(p)->id);
		struct ast_expr *right;
		struct span at;

		if (b.level < min || b.level > max)
			return left;
		at = parser_next(p).at;
		if (b.level == LEVEL_AND)
			right = parse_in(p);
		else if (b.level == LEVEL_MUL)
			right = parse_unary(p);
		else
			right = parse_binary(p, b.level + 1);
		if (p->error)
			return NULL;
		left = expr_binary(p, b.kind, b.op, &at, left, right);
	}
	return NULL;
}

static enum ast_op comparison_operator(enum token_id id)
{
	switch (id) {
	case TOK_LT:
		return OP_LT;
	case TOK_LE:
		return OP_LE;
	case TOK_GT:
		return OP_GT;
	case TOK_GE:
		return OP_GE;
	case TOK_EQ:
		return OP_EQ;
	case TOK_NE:
		return OP_NE;
	default:
		return OP_NONE;
	}
}

static struct ast_expr *parse_comparison(struct parser *p)
{
	struct ast_expr *left = parse_binary(p, LEVEL_SHIFT), *right;
	enum token_id id;
	struct span at;

	if (p->error)
		return NULL;
	id = parser_peek(p)->id;
	if (id == TOK_MATCH || id == TOK_NOMATCH) {
		const char *text;

		at = parser_next(p).at;
		text = parse_string(p, "regex-literal", "expected literal string");
		if (p->error)
			return NULL;
		right = expr_new(p, EXPR_STRING, &p->last);
		right->type = AST_STRING;
		right->string = text;
		return expr_binary(p, EXPR_REGEX, id == TOK_MATCH ? OP_MATCH : OP_NOMATCH, &at,
				   left, right);
	}
	while (!p->error) {
		enum ast_op op = comparison_operator(parser_peek(p)->id);

		if (op == OP_NONE)
			return left;
		at = parser_next(p).at;
		right = parse_binary(p, LEVEL_SHIFT);
		if (p->error)
			return NULL;
		left = expr_binary(p, EXPR_COMPARE, op, &at, left, right);
	}
	return NULL;
}

/* `[a, b]` in front of `in`; the bracket has been consumed. */
static void parse_in_keys(struct parser *p, struct ast_expr ***keys, size_t *nkeys)
{
	for (;;) {
		struct ast_expr *key = NULL;

		if (!parser_accept(p, TOK_STAR))
			key = parse_comparison(p);
		if (p->error)
			return;
		list_push(p->arena, *keys, *nkeys, key);
		if (parser_accept(p, TOK_COMMA))
			continue;
		if (!parser_accept(p, TOK_RBRACKET))
			parser_fail(p, "in-keys", "expected ',' or ']'");
		return;
	}
}

static struct ast_expr *parse_in(struct parser *p)
{
	struct ast_expr **keys = NULL, *first, *e;
	size_t nkeys = 0;

	if (parser_accept(p, TOK_LBRACKET)) {
		parse_in_keys(p, &keys, &nkeys);
		first = nkeys == 1 ? keys[0] : NULL;
	} else {
		first = parse_comparison(p);
	}
	if (p->error)
		return NULL;
	if (parser_peek_is(p, TOK_IN)) {
		e = expr_new(p, EXPR_IN, &p->last);
		parser_next(p);
		e->type = AST_LONG;
		if (nkeys == 0)
			list_push(p->arena, keys, nkeys, first);
		e->index.keys = keys;
		e->index.nkeys = nkeys;
		e->index.base = parse_indexable(p);
		for (size_t i = 0; i < nkeys; i++)
			expr_adopt(p, e, keys[i]);
		expr_adopt(p, e, e->index.base);
		return p->error ? NULL : e;
	}
	if (first)
		return first;
	parser_fail(p, "comma-list", "unexpected comma-separated expression list");
	return NULL;
}

/* ---- ternary and assignment ---- */

static struct ast_expr *parse_ternary(struct parser *p)
{
	struct ast_expr *cond = parse_binary(p, LEVEL_LOGICAL_OR), *e;

	if (p->error || !parser_peek_is(p, TOK_QUESTION))
		return cond;
	e = expr_new(p, EXPR_TERNARY, &p->last);
	parser_swallow(p);
	e->ternary.cond = cond;
	e->ternary.yes = parse_expression(p);
	if (p->error)
		return NULL;
	if (parser_next(p).id != TOK_COLON) {
		parser_fail(p, "ternary-colon", "expected ':'");
		return NULL;
	}
	if (!parser_enter(p))
		return NULL;
	e->ternary.no = parse_ternary(p);
	parser_leave(p);
	if (p->error)
		return NULL;
	expr_adopt(p, e, cond);
	expr_adopt(p, e, e->ternary.yes);
	expr_adopt(p, e, e->ternary.no);
	return p->error ? NULL : e;
}

/* The operation of an assignment operator; OP_COUNT if it is none. */
static enum ast_op assignment_operator(enum token_id id)
{
	switch (id) {
	case TOK_ASSIGN:
		return OP_NONE;
	case TOK_AGGREGATE:
		return OP_AGGREGATE;
	case TOK_ADD_ASSIGN:
		return OP_ADD;
	case TOK_SUB_ASSIGN:
		return OP_SUB;
	case TOK_MUL_ASSIGN:
		return OP_MUL;
	case TOK_DIV_ASSIGN:
		return OP_DIV;
	case TOK_MOD_ASSIGN:
		return OP_MOD;
	case TOK_SHL_ASSIGN:
		return OP_SHL;
	case TOK_SHR_ASSIGN:
		return OP_SHR;
	case TOK_AND_ASSIGN:
		return OP_AND;
	case TOK_OR_ASSIGN:
		return OP_OR;
	case TOK_XOR_ASSIGN:
		return OP_XOR;
	case TOK_CAT_ASSIGN:
		return OP_CONCAT;
	default:
		return OP_COUNT;
	}
}

struct ast_expr *parse_expression(struct parser *p)
{
	struct ast_expr *left, *right;
	enum ast_op op;

	if (p->error || !parser_enter(p))
		return NULL;
	left = parse_ternary(p);
	op = assignment_operator(parser_peek(p)->id);
	if (!p->error && op != OP_COUNT) {
		struct span at = parser_next(p).at;

		right = parse_expression(p);
		left = p->error ? NULL : expr_binary(p, EXPR_ASSIGN, op, &at, left, right);
	}
	parser_leave(p);
	return p->error ? NULL : left;
}
