/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lexer of the IR's text form. */
#include "ir/text_lex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/ds.h"
#include "base/intern.h"

void ir_text_fail(struct parser *ps, const char *what)
{
	if (!ps->err)
		ps->err = arena_printf(ps->a, "line %u: %s", ps->at.line, what);
	ps->tok = T_END;
	ps->p = ps->end;
}

static void skip_blank(struct parser *ps)
{
	while (ps->p < ps->end) {
		if (*ps->p == '#') {
			while (ps->p < ps->end && *ps->p != '\n')
				ps->p++;
		} else if (*ps->p == '\n') {
			ps->line++;
			ps->line_start = ++ps->p;
		} else if (isspace((unsigned char)*ps->p)) {
			ps->p++;
		} else {
			break;
		}
	}
}

static bool ident_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$' || c == '@';
}

static void lex_string(struct parser *ps)
{
	char *out = NULL;

	ps->p++;
	while (ps->p < ps->end && *ps->p != '"' && *ps->p != '\n') {
		char c = *ps->p++;

		if (c == '\\' && ps->p < ps->end) {
			c = *ps->p++;
			if (c == 'n')
				c = '\n';
			else if (c == 't')
				c = '\t';
			else if (c >= '0' && c <= '7') {
				int v = c - '0';

				for (int i = 0; i < 2 && ps->p < ps->end && *ps->p >= '0' && *ps->p <= '7'; i++)
					v = v * 8 + (*ps->p++ - '0');
				c = (char)v;
			}
		}
		arrput(out, c);
	}
	ps->text = arena_strndup(ps->a, out ? out : "", arrlenu(out));
	ps->tok = T_STR;
	if (ps->p >= ps->end || *ps->p != '"' || memchr(out ? out : "x", 0, arrlenu(out)))
		ir_text_fail(ps, "bad string");
	else
		ps->p++;
	arrfree(out);
}

void ir_text_next(struct parser *ps)
{
	const char *start;

	if (ps->err)
		return;
	skip_blank(ps);
	start = ps->p;
	ps->at = (struct span){ .src = ps->src, .line = ps->line,
				.col = (uint32_t)(ps->p - ps->line_start) + 1 };
	if (ps->p >= ps->end) {
		ps->tok = T_END;
	} else if (*ps->p == '"') {
		ps->at.kind = SPAN_STRING;
		lex_string(ps);
	} else if (isdigit((unsigned char)*ps->p) ||
		   (*ps->p == '-' && ps->p + 1 < ps->end && isdigit((unsigned char)ps->p[1]))) {
		char buf[32];
		size_t n = 0;
		char *stop;

		while (ps->p < ps->end && n < sizeof(buf) - 1 &&
		       (isalnum((unsigned char)*ps->p) || *ps->p == '-'))
			buf[n++] = *ps->p++;
		buf[n] = 0;
		errno = 0;
		ps->num = buf[0] == '-' ? strtoll(buf, &stop, 0) : (int64_t)strtoull(buf, &stop, 0);
		ps->tok = T_INT;
		ps->at.kind = SPAN_NUMBER;
		if (*stop || errno)
			ir_text_fail(ps, "bad number");
	} else if (ident_char(*ps->p)) {
		while (ps->p < ps->end && ident_char(*ps->p))
			ps->p++;
		ps->text = intern_n(start, (size_t)(ps->p - start));
		ps->tok = T_IDENT;
		ps->at.kind = SPAN_IDENTIFIER;
		ps->at.text = ps->text;
	} else {
		ps->punct = *ps->p++;
		ps->tok = T_PUNCT;
		ps->at.kind = SPAN_OPERATOR;
	}
}
