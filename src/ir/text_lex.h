/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of the text form of the IR; private to ir/text_*.c. */
#ifndef IR_TEXT_LEX_H
#define IR_TEXT_LEX_H

#include "ir/ir.h"

enum tok { T_END, T_IDENT, T_INT, T_STR, T_PUNCT };

struct parser {
	struct arena *a;
	struct ir_module *m;
	const struct source *src;
	const char *p, *end, *line_start;
	uint32_t line;
	const char *err;
	int depth;
	enum tok tok;
	const char *text;	/* T_IDENT, T_STR */
	int64_t num;
	char punct;
	struct span at;		/* of the token */
	struct ir_func *f;	/* being parsed */
	bool *defined;		/* stb_ds: per function */
};

/* Reads the next token; at the end, and after an error, T_END. */
void ir_text_next(struct parser *ps);
/* Notes the first error, with its line; the rest is not read. */
void ir_text_fail(struct parser *ps, const char *what);

#endif
