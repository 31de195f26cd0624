/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scan of library files for the index of what they define.
 *
 * It walks over the text on words and brackets only: a declaration is a keyword
 * outside of all braces.  Conditionals are transparent, so that both of their
 * branches count; for braces that differ between branches the depth at %: is
 * set back to that at %(.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "lang/lexer.h"
#include "lang/parse.h"

#define MAX_CONDS 32

struct scan {
	const char *p, *end;
	scan_fn *fn;
	void *ctx;
	unsigned depth;			/* of braces */
	unsigned conds[MAX_CONDS];	/* depth at each open %( */
	unsigned nconds;
};

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '$';
}

static char peek(struct scan *s)
{
	s->p = lexer_skip_space(s->p, s->end);
	return s->p < s->end ? *s->p : '\0';
}

static size_t word_length(const struct scan *s)
{
	const char *p = s->p;

	while (p < s->end && is_word_char(*p))
		p++;
	return (size_t)(p - s->p);
}

static bool is_word(const char *word, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(word, text, len) == 0;
}

/* Skips one token; true for the marks of conditionals. */
static void skip_token(struct scan *s)
{
	char c = *s->p++;

	if (c == '"') {
		s->p = lexer_skip_string(s->p, s->end);
	} else if (c == '%' && s->p < s->end && *s->p == '{') {
		s->p = lexer_skip_embedded(s->p + 1, s->end);
	} else if (c == '%' && s->p < s->end && *s->p == '(') {
		s->p++;
		if (s->nconds < MAX_CONDS)
			s->conds[s->nconds] = s->depth;
		s->nconds++;
	} else if (c == '%' && s->p < s->end && *s->p == ':') {
		s->p++;
		if (s->nconds > 0 && s->nconds <= MAX_CONDS)
			s->depth = s->conds[s->nconds - 1];
	} else if (c == '%' && s->p < s->end && *s->p == ')') {
		s->p++;
		s->nconds -= s->nconds > 0;
	} else if (c == '{') {
		s->depth++;
	} else if (c == '}') {
		s->depth -= s->depth > 0;
	} else if (is_word_char(c)) {
		s->p--;
		s->p += word_length(s);
	}
}

/* @define NAME(...) %( body %) */
static void scan_macro(struct scan *s)
{
	unsigned nesting = 0;
	size_t len;

	peek(s);
	len = word_length(s);
	if (len)
		s->fn(s->ctx, SCAN_MACRO, s->p, len);
	s->p += len;
	while (peek(s)) {
		bool open = *s->p == '%' && s->end - s->p >= 2 && s->p[1] == '(';
		bool close = *s->p == '%' && s->end - s->p >= 2 && s->p[1] == ')';

		if (open || close) {
			s->p += 2;
			nesting += open ? 1 : -1;
			if (nesting == 0)
				return;
		} else if (*s->p == '"') {
			s->p = lexer_skip_string(s->p + 1, s->end);
		} else if (*s->p == '%' && s->end - s->p >= 2 && s->p[1] == '{') {
			s->p = lexer_skip_embedded(s->p + 2, s->end);
		} else {
			s->p++;
		}
	}
}

/* The names behind `global`. */
static void scan_globals(struct scan *s)
{
	for (;;) {
		size_t len;

		peek(s);
		len = word_length(s);
		if (!len)
			return;
		s->fn(s->ctx, SCAN_GLOBAL, s->p, len);
		s->p += len;
		while (peek(s) && *s->p != ',' && *s->p != ';' && !isalpha((unsigned char)*s->p) &&
		       *s->p != '_' && *s->p != '@')
			skip_token(s);
		if (peek(s) != ',')
			return;
		s->p++;
	}
}

/*
 * Behind `probe`: reports each dotted name with = or += behind it.  Parameters
 * are left out of the name, which for these needs a copy of its own; a name longer
 * than the buffer is cut.
 */
static void scan_probe(struct scan *s)
{
	char name[256];
	size_t len = 0;
	bool alias = false;

	while (peek(s) && *s->p != '{') {
		size_t word = word_length(s);

		if (word || *s->p == '.' || *s->p == '*') {
			word = word ? word : 1;
			if (len + word < sizeof(name)) {
				memcpy(name + len, s->p, word);
				len += word;
			}
			s->p += word;
		} else if (*s->p == '(') {
			while (peek(s) && *s->p != ')' && *s->p != '{')
				skip_token(s);
			s->p += s->p < s->end && *s->p == ')';
		} else if (*s->p == '=') {
			if (len)
				s->fn(s->ctx, SCAN_ALIAS, name, len);
			alias = true;
			len = 0;
			s->p++;
		} else if (*s->p == '+') {
			s->p++;
		} else {
			len = 0;
			skip_token(s);
		}
	}
	if (!alias)
		s->fn(s->ctx, SCAN_PROBE, NULL, 0);
}

/* Inside braces: goes on to the next character that can change the depth, or hide one that would. */
static void skip_plain(struct scan *s)
{
	static const bool matters[256] = {
		['{'] = true, ['}'] = true, ['%'] = true, ['"'] = true, ['#'] = true, ['/'] = true, ['@'] = true,
	};

	while (s->p < s->end && !matters[(unsigned char)*s->p])
		s->p++;
}

/* As peek(), for the next token that the scan looks at. */
static char next(struct scan *s)
{
	if (s->depth > 0)
		skip_plain(s);
	return peek(s);
}

void parse_scan(const struct source *src, scan_fn *fn, void *ctx)
{
	struct scan s = {.p = src->text, .end = src->text + src->len, .fn = fn, .ctx = ctx};

	while (next(&s)) {
		const char *word = s.p;
		size_t len;

		if (*s.p == '@') {
			s.p++;
			len = word_length(&s);
			s.p += len;
			if (is_word(word + 1, len, "define"))
				scan_macro(&s);
			continue;
		}
		len = word_length(&s);
		if (len == 0 || s.depth > 0) {
			skip_token(&s);
			continue;
		}
		s.p += len;
		if (is_word(word, len, "function")) {
			peek(&s);
			len = word_length(&s);
			if (len)
				fn(ctx, SCAN_FUNCTION, s.p, len);
		} else if (is_word(word, len, "global")) {
			scan_globals(&s);
		} else if (is_word(word, len, "private")) {
			peek(&s);
			len = word_length(&s);
			if (len && !is_word(s.p, len, "function") && !is_word(s.p, len, "global"))
				scan_globals(&s);
		} else if (is_word(word, len, "probe")) {
			scan_probe(&s);
		}
	}
}
