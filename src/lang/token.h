/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens, as they flow from the lexer through the preprocessor to the parser. */
#ifndef LANG_TOKEN_H
#define LANG_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"

/* id, text */
#define TOKEN_OPERATORS(X) \
	X(LPAREN, "(") X(RPAREN, ")") X(LBRACKET, "[") X(RBRACKET, "]") X(LBRACE, "{") \
	X(RBRACE, "}") X(COMMA, ",") X(SEMICOLON, ";") X(COLON, ":") X(QUESTION, "?") \
	X(DOT, ".") X(ARROW, "->") X(PLUS, "+") X(MINUS, "-") X(STAR, "*") X(SLASH, "/") \
	X(PERCENT, "%") X(AMP, "&") X(PIPE, "|") X(CARET, "^") X(TILDE, "~") X(BANG, "!") \
	X(LT, "<") X(GT, ">") X(LE, "<=") X(GE, ">=") X(EQ, "==") X(NE, "!=") \
	X(ANDAND, "&&") X(OROR, "||") X(SHL, "<<") X(SHR, ">>") X(USHR, ">>>") \
	X(MATCH, "=~") X(NOMATCH, "!~") X(INC, "++") X(DEC, "--") X(ASSIGN, "=") \
	X(AGGREGATE, "<<<") X(ADD_ASSIGN, "+=") X(SUB_ASSIGN, "-=") X(MUL_ASSIGN, "*=") \
	X(DIV_ASSIGN, "/=") X(MOD_ASSIGN, "%=") X(SHL_ASSIGN, "<<=") X(SHR_ASSIGN, ">>=") \
	X(AND_ASSIGN, "&=") X(OR_ASSIGN, "|=") X(XOR_ASSIGN, "^=") X(CAT_ASSIGN, ".=") \
	X(PP_OPEN, "%(") X(PP_THEN, "%?") X(PP_ELSE, "%:") X(PP_CLOSE, "%)")

#define TOKEN_KEYWORDS(X) \
	X(PROBE, "probe") X(GLOBAL, "global") X(PRIVATE, "private") X(FUNCTION, "function") \
	X(IF, "if") X(ELSE, "else") X(FOR, "for") X(FOREACH, "foreach") X(IN, "in") \
	X(LIMIT, "limit") X(RETURN, "return") X(DELETE, "delete") X(WHILE, "while") \
	X(BREAK, "break") X(CONTINUE, "continue") X(NEXT, "next") X(STRING, "string") \
	X(LONG, "long") X(TRY, "try") X(CATCH, "catch")

enum token_id {
	TOK_EOF,
	TOK_ERROR,	/* from the preprocessor, which has the diagnostic */
	TOK_IDENT,
	TOK_STRING_LITERAL,
	TOK_NUMBER,
	TOK_EMBEDDED,
	TOK_JUNK,
	TOK_ATWORD,	/* @name: a macro or a built-in operator */
	TOK_OTHER,	/* a character that is no operator of the language */
#define X(id, text) TOK_##id,
	TOKEN_OPERATORS(X)
	TOK_FIRST_KEYWORD,
	TOKEN_KEYWORDS(X)
#undef X
};

struct token {
	/*
	 * at.text: identifiers, numbers and operators as written; string literals
	 * without their quotes, with the escapes still in place; embedded code
	 * without its marks.
	 */
	struct span at;
	enum token_id id : 16;
	bool space_before;
	const char *junk;	/* TOK_JUNK: what is wrong, or NULL for an unknown character */
};

/* Decodes the escapes of a string literal's text; *len gets the length. */
char *token_decode_string(struct arena *a, const char *raw, size_t *len);

#endif
