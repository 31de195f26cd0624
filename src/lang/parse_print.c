/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser: the print family and its format strings. */
#include <ctype.h>
#include <string.h>

#include "base/intern.h"
#include "lang/parser.h"

struct ast_print *print_lookup(struct parser *p, const char *name)
{
	static const struct {
		const char *name;
		bool format, delim, newline, single;
	} table[] = {
		{"print", .format = false}, {"println", .newline = true},
		{"printf", .format = true}, {"printd", .delim = true},
		{"printdln", .delim = true, .newline = true}, {"print_char", .single = true},
	};
	bool to_string = *name == 's';
	const char *rest = name + to_string;
	struct ast_print *print;

	if (strncmp(rest, "print", 5) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, rest) != 0)
			continue;
		print = arena_new(p->arena, struct ast_print);
		print->name = name;
		print->to_string = to_string;
		print->with_format = table[i].format;
		print->with_delim = table[i].delim;
		print->with_newline = table[i].newline;
		print->with_char = table[i].single;
		return print;
	}
	return NULL;
}

/* ---- format strings ---- */

static const char *parse_flags(const char *s, struct ast_format *f)
{
	static const char letters[] = "0+ -#";
	static const unsigned flags[] = {FMT_ZEROPAD, FMT_PLUS, FMT_SPACE, FMT_LEFT, FMT_SPECIAL};
	const char *letter;

	for (; *s && (letter = strchr(letters, *s)); s++)
		f->flags |= flags[letter - letters];
	return s;
}

/* A width or precision: digits or `*`. */
static const char *parse_size(const char *s, enum ast_fmt_size *kind, unsigned *value)
{
	if (*s == '*') {
		*kind = FMT_DYNAMIC;
		return s + 1;
	}
	for (; isdigit((unsigned char)*s); s++) {
		*kind = FMT_STATIC;
		if (*value < 1000000)
			*value = *value * 10 + (unsigned)(*s - '0');
	}
	return s;
}

static bool parse_conversion(char c, struct ast_format *f)
{
	switch (c) {
	case 'd':
	case 'i':
		f->conv = CONV_SIGNED;
		f->base = 10;
		return true;
	case 'u':
		f->conv = CONV_UNSIGNED;
		f->base = 10;
		return true;
	case 'o':
		f->conv = CONV_UNSIGNED;
		f->base = 8;
		return true;
	case 'X':
		f->flags |= FMT_UPPER;
		/* fall through */
	case 'x':
		f->conv = CONV_UNSIGNED;
		f->base = 16;
		return true;
	case 'c':
		f->conv = CONV_CHAR;
		return true;
	case 's':
		f->conv = CONV_STRING;
		return true;
	case 'p':
		f->conv = CONV_POINTER;
		return true;
	case 'b':
		f->conv = CONV_BINARY;
		return true;
	case 'm':
		f->conv = CONV_MEMORY;
		return true;
	case 'M':
		f->conv = CONV_MEMORY_HEX;
		return true;
	default:
		return false;
	}
}

/* One conversion behind its %; NULL if it is invalid (*error says why). */
static const char *parse_spec(const char *s, struct ast_format *f, const char **error)
{
	const char *start = s;

	s = parse_flags(s, f);
	s = parse_size(s, &f->width_kind, &f->width);
	if (*s == '.') {
		f->precision_kind = FMT_STATIC;
		s = parse_size(s + 1, &f->precision_kind, &f->precision);
	}
	if (*s == 'l')
		s++;
	if (!*s && s > start) {
		*error = "trailing incomplete print format conversion";
		return NULL;
	}
	*error = "invalid or missing conversion specifier";
	return parse_conversion(*s, f) ? s + 1 : NULL;
}

/* Splits a decoded format string; NULL, or what is wrong with it. */
static const char *format_parse(struct arena *a, const char *text, struct ast_format **parts,
				size_t *nparts)
{
	const char *error = NULL;
	char *literal = arena_alloc(a, strlen(text) + 1);
	const char *s = text;
	size_t len = 0;

	for (;;) {
		struct ast_format f = {0};

		if (*s && (*s != '%' || s[1] == '%')) {
			literal[len++] = *s;
			s += *s == '%' ? 2 : 1;
			continue;
		}
		if (len) {
			struct ast_format lit = {.conv = CONV_LITERAL,
						 .literal = intern_n(literal, len)};

			list_push(a, *parts, *nparts, lit);
			len = 0;
		}
		if (!*s)
			return NULL;
		s = parse_spec(s + 1, &f, &error);
		if (!s)
			return error;
		list_push(a, *parts, *nparts, f);
	}
}

/* ---- calls ---- */

static void add_arg(struct parser *p, struct ast_expr *e, struct ast_expr *arg)
{
	if (p->error)
		return;
	list_push(p->arena, e->print->args, e->print->nargs, arg);
	expr_adopt(p, e, arg);
}

/* Between arguments; a missing one is noticed behind the parenthesis, as in SystemTap. */
static bool expect_separator(struct parser *p)
{
	enum token_id id = parser_next(p).id;

	if (id == TOK_COMMA || id == TOK_RPAREN)
		return true;
	parser_fail(p, "print-args", "expected one of ', )'");
	return false;
}

/*
 * print(@hist...(s)) prints a histogram, print(@hist...(s)[i], ...) one of its
 * buckets.  At @hist.
 */
static void parse_print_hist(struct parser *p, struct ast_expr *e)
{
	struct token name = parser_next(p);
	struct ast_expr *hist = parse_hist(p, &name), *bucket;

	if (p->error)
		return;
	if (!parser_accept(p, TOK_LBRACKET)) {
		e->print->hist = hist;
		expr_adopt(p, e, hist);
		return;
	}
	bucket = expr_new(p, EXPR_INDEX, &name.at);
	bucket->index.base = hist;
	bucket->index.nkeys = 1;
	bucket->index.keys = arena_new(p->arena, struct ast_expr *);
	bucket->index.keys[0] = parse_expression(p);
	if (p->error || !parser_expect(p, TOK_RBRACKET, "]"))
		return;
	expr_adopt(p, bucket, hist);
	expr_adopt(p, bucket, bucket->index.keys[0]);
	add_arg(p, e, bucket);
	while (!p->error && !parser_peek_is(p, TOK_RPAREN))
		if (expect_separator(p))
			add_arg(p, e, parse_expression(p));
}

static void parse_print_args(struct parser *p, struct ast_expr *e)
{
	struct ast_print *print = e->print;
	const char *error;
	bool comma = true;
	int wanted = 0;

	parser_peek(p);
	if (print->with_format) {
		print->raw_format = parse_string(p, "format", "expected literal string");
		parser_peek(p);
		if (p->error)
			return;
		error = format_parse(p->arena, print->raw_format, &print->formats,
				     &print->nformats);
		if (error)
			parser_fail(p, *error == 't' ? "format-incomplete" : "format-invalid",
				    "%s", error);
	} else if (print->with_delim) {
		print->delim = parse_string(p, "delimiter", "expected literal string");
		wanted = 2;
	} else if (!print->with_newline) {
		add_arg(p, e, parse_expression(p));
	} else {
		comma = false;
	}
	while (!p->error && (wanted > 0 || !parser_peek_is(p, TOK_RPAREN))) {
		if (comma && !expect_separator(p))
			return;
		add_arg(p, e, parse_expression(p));
		comma = true;
		wanted--;
	}
}

struct ast_expr *parse_print(struct parser *p, const struct token *name, struct ast_print *print)
{
	struct ast_expr *e = expr_new(p, EXPR_PRINT, &name->at);

	e->print = print;
	e->type = print->to_string ? AST_STRING : AST_LONG;
	if (!parser_expect(p, TOK_LPAREN, "("))
		return NULL;
	if (!print->with_format && !print->with_delim && !print->with_char &&
	    token_is_hist(parser_peek(p)))
		parse_print_hist(p, e);
	else
		parse_print_args(p, e);
	if (p->error || !parser_expect(p, TOK_RPAREN, ")"))
		return NULL;
	return e;
}
