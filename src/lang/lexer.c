/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lexer.
 *
 * An argument $N is read as text: a second input that the lexer enters and
 * leaves.  Letters and digits right behind $N belong to that text (`$1cd`), as
 * if it had been typed there.  All its tokens have the place of the $N.
 */
#include "lang/lexer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/intern.h"

struct word {
	const char *text;
	uint8_t len;
	uint8_t id;
};

#define X(id, text) {text, sizeof(text) - 1, TOK_##id},
static const struct word keywords[] = {TOKEN_KEYWORDS(X)};
static const struct word operators[] = {TOKEN_OPERATORS(X)};
#undef X

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '$' || c == '@';
}

const char *lexer_skip_string(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : end;
}

const char *lexer_skip_embedded(const char *p, const char *end)
{
	while (end - p >= 2) {
		p = memchr(p, '%', (size_t)(end - p));
		if (!p)
			return end;
		if (p + 1 < end && p[1] == '}')
			return p + 2;
		p++;
	}
	return end;
}

static const char *skip_to_newline(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl : end;
}

const char *lexer_skip_space(const char *p, const char *end)
{
	while (p < end) {
		if (isspace((unsigned char)*p)) {
			p++;
		} else if (*p == '#' || (*p == '/' && p + 1 < end && p[1] == '/')) {
			p = skip_to_newline(p, end);
		} else if (*p == '/' && p + 1 < end && p[1] == '*') {
			p = memmem(p + 2, (size_t)(end - p) - 2, "*/", 2);
			p = p ? p + 2 : end;
		} else {
			break;
		}
	}
	return p;
}

void lexer_init(struct lexer *lx, const struct parse_env *env, const struct source *src)
{
	*lx = (struct lexer){
		.env = env, .src = src, .p = src->text, .end = src->text + src->len,
		.line_start = src->text, .line = 1,
	};
}

/* Moves on, counting lines. */
static void advance(struct lexer *lx, const char *to)
{
	if (lx->outer.active) {
		lx->p = to;
		return;
	}
	for (const char *nl = lx->p; nl < to; nl++) {
		nl = memchr(nl, '\n', (size_t)(to - nl));
		if (!nl)
			break;
		lx->line++;
		lx->line_start = nl + 1;
	}
	lx->p = to;
}

static struct span place(const struct lexer *lx, enum span_kind kind)
{
	struct span at = {.src = lx->src, .line = lx->line, .kind = kind, .text = ""};
	ptrdiff_t col = lx->p - lx->line_start + 1;

	if (lx->outer.active) {
		at = lx->outer.at;
		at.kind = kind;
		return at;
	}
	at.col = col < (1 << 24) ? (uint32_t)col : (1 << 24) - 1;
	return at;
}

static struct token junk(const struct span *at, const char *msg)
{
	return (struct token){.id = TOK_JUNK, .at = *at, .junk = msg};
}

/* ---- command-line arguments ---- */

static void enter_argument(struct lexer *lx, const char *arg, const struct span *at)
{
	const char *tail = lx->p;
	size_t len = strlen(arg), extra;
	char *text;

	while (lx->p < lx->end && is_name_char(*lx->p))
		lx->p++;
	extra = (size_t)(lx->p - tail);
	text = arena_alloc(lx->env->arena, len + extra + 1);
	memcpy(text, arg, len);
	memcpy(text + len, tail, extra);
	lx->outer.active = true;
	lx->outer.p = lx->p;
	lx->outer.end = lx->end;
	lx->outer.at = *at;
	lx->p = text;
	lx->end = text + len + extra;
}

static void leave_argument(struct lexer *lx)
{
	lx->p = lx->outer.p;
	lx->end = lx->outer.end;
	lx->outer.active = false;
}

/* At $ or @ followed by a digit or #.  False: *t is a token to return. */
static bool lex_argument(struct lexer *lx, struct token *t)
{
	struct span at = place(lx, SPAN_JUNK);
	bool quoted = *lx->p == '@';
	const char *arg, *digits = lx->p + 1;
	size_t n = 0;

	lx->p += 2;
	if (lx->outer.active) {
		*t = junk(&at, "invalid nested substitution of command line arguments");
		return false;
	}
	if (*digits == '#') {
		arg = arena_printf(lx->env->arena, "%zu", lx->env->nargs);
	} else {
		for (lx->p = digits; lx->p < lx->end && isdigit((unsigned char)*lx->p); lx->p++)
			if (n <= lx->env->nargs)
				n = n * 10 + (size_t)(*lx->p - '0');
		if (n == 0 || n > lx->env->nargs) {
			const char *msg =
				arena_printf(lx->env->arena,
					     "command line argument out of range [1-%zu]",
					     lx->env->nargs);

			*t = junk(&at, msg);
			return false;
		}
		arg = lx->env->args[n - 1];
		if (lx->env->args_used)
			lx->env->args_used[n - 1] = true;
	}
	if (quoted) {
		at.kind = SPAN_STRING;
		at.text = intern(arg);
		*t = (struct token){.id = TOK_STRING_LITERAL, .at = at, .space_before = true};
		return false;
	}
	enter_argument(lx, arg, &at);
	return true;
}

/* ---- the kinds of tokens ---- */

static struct token lex_name(struct lexer *lx)
{
	const char *start = lx->p, *p = start + 1;
	struct token t = {.id = TOK_IDENT, .at = place(lx, SPAN_IDENTIFIER)};
	size_t len;

	while (p < lx->end && is_name_char(*p))
		p++;
	len = (size_t)(p - start);
	lx->p = p;
	t.at.text = intern_n(start, len);
	if (*start == '@') {
		t.id = TOK_ATWORD;
		t.at.kind = SPAN_OPERATOR;
		return t;
	}
	if (len > 8 || !islower((unsigned char)*start))
		return t;
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (keywords[i].len == len && memcmp(keywords[i].text, start, len) == 0) {
			t.id = keywords[i].id;
			t.at.kind = SPAN_KEYWORD;
		}
	return t;
}

static struct token lex_number(struct lexer *lx)
{
	struct token t = {.id = TOK_NUMBER, .at = place(lx, SPAN_NUMBER)};
	const char *start = lx->p;

	while (lx->p < lx->end && isalnum((unsigned char)*lx->p))
		lx->p++;
	t.at.text = intern_n(start, (size_t)(lx->p - start));
	return t;
}

/* True for the character behind a backslash that keeps the backslash. */
static bool is_escape(char c)
{
	return c && strchr("abtnvfrx01234567\\", c);
}

static struct token lex_string(struct lexer *lx)
{
	struct token t = {.id = TOK_STRING_LITERAL, .at = place(lx, SPAN_STRING)};
	const char *start = lx->p + 1, *p = start;
	bool plain = true;
	char *text, *out;

	while (p < lx->end && *p != '"' && *p != '\n') {
		if (*p == '\\' && p + 1 < lx->end) {
			plain = plain && is_escape(p[1]);
			p++;
		}
		p++;
	}
	if (p >= lx->end || *p == '\n') {
		t.at.kind = SPAN_JUNK;
		advance(lx, p);
		return junk(&t.at, "Could not find matching closing quote");
	}
	if (plain) {
		t.at.text = intern_n(start, (size_t)(p - start));
		advance(lx, p + 1);
		return t;
	}
	out = text = arena_alloc(lx->env->arena, (size_t)(p - start) + 1);
	for (const char *s = start; s < p; s++) {
		if (*s == '\\') {
			s++;
			if (is_escape(*s))
				*out++ = '\\';
		}
		*out++ = *s;
	}
	t.at.text = intern_n(text, (size_t)(out - text));
	advance(lx, p + 1);
	return t;
}

static struct token lex_embedded(struct lexer *lx)
{
	struct token t = {.id = TOK_EMBEDDED, .at = place(lx, SPAN_EMBEDDED)};
	const char *start = lx->p + 2, *p = lexer_skip_embedded(start, lx->end);

	if (p - start < 2 || p[-1] != '}' || p[-2] != '%') {
		t.at.kind = SPAN_JUNK;
		advance(lx, lx->end);
		return junk(&t.at,
			    "Could not find matching '%}' to close embedded function block");
	}
	t.at.text = intern_n(start, (size_t)(p - 2 - start));
	advance(lx, p);
	return t;
}

static struct token lex_operator(struct lexer *lx)
{
	struct token t = {.id = TOK_OTHER, .at = place(lx, SPAN_OPERATOR)};
	size_t left = (size_t)(lx->end - lx->p), best = 0;

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		const struct word *w = &operators[i];

		if (w->text[0] == *lx->p && w->len > best && w->len <= left &&
		    memcmp(w->text, lx->p, w->len) == 0) {
			best = w->len;
			t.id = w->id;
			t.at.text = w->text;
		}
	}
	if (best == 0) {
		char buf[8];

		best = 1;
		if (ispunct((unsigned char)*lx->p)) {
			t.at.text = intern_n(lx->p, 1);
		} else {
			snprintf(buf, sizeof(buf), "\\x%02x", (unsigned char)*lx->p);
			t.id = TOK_JUNK;
			t.at.kind = SPAN_JUNK;
			t.at.text = intern(buf);
		}
	}
	lx->p += best;
	return t;
}

struct token lexer_next(struct lexer *lx)
{
	struct token t = {0};
	const char *p;
	bool space;

	for (;;) {
		p = lexer_skip_space(lx->p, lx->end);
		space = p != lx->p;
		advance(lx, p);
		if (p == lx->end && lx->outer.active) {
			leave_argument(lx);
			continue;
		}
		if (p == lx->end) {
			t.at = (struct span){.src = lx->src};
			return t;
		}
		if ((*p == '$' || *p == '@') && lx->end - p >= 2 &&
		    (isdigit((unsigned char)p[1]) || p[1] == '#')) {
			lx->saw_tokens = true;
			if (lex_argument(lx, &t))
				continue;
			return t;
		}
		break;
	}
	lx->saw_tokens = true;
	if (is_name_start(*p))
		t = lex_name(lx);
	else if (isdigit((unsigned char)*p))
		t = lex_number(lx);
	else if (*p == '"')
		t = lex_string(lx);
	else if (*p == '%' && lx->end - p >= 2 && p[1] == '{')
		t = lex_embedded(lx);
	else
		t = lex_operator(lx);
	t.space_before = space;
	return t;
}

/* ---- string literals ---- */

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* Decodes one escape behind the backslash; returns the position behind it. */
static const char *decode_escape(const char *p, char *out)
{
	static const char letters[] = "abtnvfr", values[] = "\a\b\t\n\v\f\r";
	const char *letter = strchr(letters, *p);
	unsigned value = 0;

	if (*p && letter) {
		*out = values[letter - letters];
		return p + 1;
	}
	if (*p == 'x' && hex_digit(p[1]) >= 0) {
		p++;
		for (int i = 0; i < 2 && hex_digit(*p) >= 0; i++)
			value = value * 16 + (unsigned)hex_digit(*p++);
		*out = (char)value;
		return p;
	}
	if (*p >= '0' && *p <= '7') {
		for (int i = 0; i < 3 && *p >= '0' && *p <= '7'; i++)
			value = value * 8 + (unsigned)(*p++ - '0');
		*out = (char)value;
		return p;
	}
	*out = *p;
	return p + 1;
}

char *token_decode_string(struct arena *a, const char *raw, size_t *len)
{
	char *text = arena_alloc(a, strlen(raw) + 1), *out = text;

	for (const char *p = raw; *p;) {
		if (*p == '\\' && p[1])
			p = decode_escape(p + 1, out++);
		else
			*out++ = *p++;
	}
	*out = '\0';
	*len = (size_t)(out - text);
	return text;
}
