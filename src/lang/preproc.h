/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The preprocessor: macros (first) and conditionals (behind them) over the
 * lexer's tokens.
 */
#ifndef LANG_PREPROC_H
#define LANG_PREPROC_H

#include "base/diag.h"
#include "lang/lexer.h"

struct token_list {
	struct token *v;
	size_t n;
};

struct macro {
	const char *name;	/* interned, without @ */
	struct token at;	/* the name's */
	const char **params;
	size_t nparams;
	struct token_list body;
};

struct macro_entry {
	const char *key;	/* interned: compared as a pointer */
	struct macro *value;
};

/* Macros by name. */
struct macro_table {
	struct macro_entry *map;	/* stb_ds hash map */
};

/* One invocation: what the parameters mean inside its body. */
struct macro_scope {
	const struct macro *macro;
	struct token_list *args;
	struct macro_scope *outer;	/* of the place of the invocation */
};

/* Tokens being read in place of an invocation or of a parameter. */
struct activation {
	const struct token *v;
	size_t i, n;
	const struct span *use;		/* the invocation: the chain of its tokens' places */
	struct macro_scope *scope;
};

enum cond_state {
	COND_NONE,
	COND_KEEP_THEN,
	COND_SKIP_THEN,
	COND_KEEP_ELSE,
	COND_SKIP_ELSE,
};

struct cond_level {
	struct token open;
	enum cond_state state;
};

struct preproc {
	struct lexer lx;
	const struct parse_env *env;
	struct macro_table macros;	/* of this file */
	struct activation *stack;	/* stb_ds array */
	struct cond_level *conds;	/* stb_ds array */
	size_t expanded;		/* tokens copied by macros, for the limit */
	struct diag *error;		/* of the last TOK_ERROR */
};

/* At the first token of a source, which must outlive it. */
void preproc_init(struct preproc *pp, const struct parse_env *env, const struct source *src);
void preproc_fini(struct preproc *pp);

/* The next token for the parser. */
struct token preproc_next(struct preproc *pp);

/* The library's macro of this (interned) name, or NULL; env->find_macro is asked. */
struct macro *macro_find_library(const struct parse_env *env, const char *name);

/* The next token behind macro expansion; `raw`: neither expand nor define. */
struct token macro_next(struct preproc *pp, bool raw);

/* Value of `left op right` in a conditional: 1, 0, or -1 with pp->error set. */
int cond_evaluate(struct preproc *pp, const struct token *left, const struct token *op,
		  const struct token *right);

/*
 * Records a parse error at a token and returns the TOK_ERROR token.  The message
 * of a junk token replaces the given one.
 */
struct token preproc_fail(struct preproc *pp, const char *tag, const struct token *t,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
