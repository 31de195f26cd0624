/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lexer: text to tokens, with the command-line arguments $N @N $# @# put in.
 */
#ifndef LANG_LEXER_H
#define LANG_LEXER_H

#include "lang/parse.h"
#include "lang/token.h"

struct lexer {
	const struct parse_env *env;
	const struct source *src;
	const char *p, *end;		/* what is left of the current text */
	const char *line_start;
	uint32_t line;
	bool saw_tokens;
	struct {			/* the script, while an argument is read */
		bool active;
		const char *p, *end;
		struct span at;		/* of $N: the place of all its tokens */
	} outer;
};

/* At the first byte of a source, which must outlive it. */
void lexer_init(struct lexer *lx, const struct parse_env *env, const struct source *src);
/*
 * The next token; TOK_EOF at the end, again and again.  Faulty text is TOK_JUNK
 * with a message, which replaces that of the parse error which follows.
 */
struct token lexer_next(struct lexer *lx);

/*
 * Low-level steps shared with the scan of library files: skip white space and
 * comments, a quoted string (*p behind the opening quote), embedded code (*p behind
 * its mark).  They return the new position; end if the text ends before.
 */
const char *lexer_skip_space(const char *p, const char *end);
const char *lexer_skip_string(const char *p, const char *end);
const char *lexer_skip_embedded(const char *p, const char *end);

#endif
