/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Macros: @define and expansion.
 *
 * An invocation reads its arguments as unexpanded tokens and pushes the body
 * on a stack of activations.  Inside a body @param pushes the argument's tokens,
 * which are read in the scope of the invocation (so an argument may use the
 * parameters of the macro around it).  A macro that is met again in its own
 * scope is recursive: an error.  The total of copied tokens is limited, since
 * nested macros can grow exponentially.
 */
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/intern.h"
#include "lang/list.h"
#include "lang/preproc.h"

#define MAX_EXPANDED (2 * 1000 * 1000)

struct token preproc_fail(struct preproc *pp, const char *tag, const struct token *t,
			  const char *fmt, ...)
{
	char *msg;
	va_list ap;

	va_start(ap, fmt);
	msg = arena_vprintf(pp->env->arena, fmt, ap);
	va_end(ap);
	pp->error = diag_new(pp->env->sink, DIAG_PARSE_ERROR, tag, &t->at, "%s",
			     t->junk ? t->junk : msg);
	pp->error->says_at = true;
	return (struct token){.id = TOK_ERROR, .at = t->at};
}

/* The next token before expansion: from the innermost activation or the lexer. */
static struct token raw_next(struct preproc *pp)
{
	struct token t;

	while (arrlen(pp->stack) > 0) {
		struct activation *a = &arrlast(pp->stack);

		if (a->i < a->n) {
			t = a->v[a->i++];
			t.at.macro = a->use;
			return t;
		}
		(void)arrpop(pp->stack);
	}
	return lexer_next(&pp->lx);
}

static struct macro_scope *current_scope(const struct preproc *pp)
{
	return arrlen(pp->stack) > 0 ? arrlast(pp->stack).scope : NULL;
}

static bool over_limit(struct preproc *pp, size_t more)
{
	pp->expanded += more;
	return pp->expanded > MAX_EXPANDED;
}

static struct token fail_too_large(struct preproc *pp, const struct token *t)
{
	return preproc_fail(pp, "macro-too-large", t, "macro expansion too large (limit %d tokens)",
			    MAX_EXPANDED);
}

/*
 * Collects tokens up to the closing mark: `close` outside any nested
 * open/close pair (or `other`, if not 0).  Returns the mark, TOK_EOF or TOK_ERROR.
 */
static struct token collect(struct preproc *pp, struct token_list *list, enum token_id open,
			    enum token_id close, enum token_id other)
{
	size_t nesting = 0;

	for (;;) {
		struct token t = raw_next(pp);

		if (t.id == TOK_EOF)
			return t;
		if (nesting == 0 && (t.id == close || (other && t.id == other)))
			return t;
		if (t.id == open)
			nesting++;
		else if (t.id == close)
			nesting--;
		if (arrlen(pp->stack) > 0 && over_limit(pp, 1))
			return fail_too_large(pp, &t);
		list_push(pp->env->arena, list->v, list->n, t);
	}
}

/* ---- definitions ---- */

/* `(a, b)`; the opening parenthesis has been read.  TOK_ERROR or the closing one. */
static struct token read_params(struct preproc *pp, struct macro *m)
{
	for (;;) {
		struct token t = raw_next(pp);

		if (t.id != TOK_IDENT)
			return preproc_fail(pp, "macro-param", &t, "expected identifier");
		list_push(pp->env->arena, m->params, m->nparams, t.at.text);
		t = raw_next(pp);
		if (t.id == TOK_RPAREN)
			return t;
		if (t.id != TOK_COMMA)
			return preproc_fail(pp, "macro-params", &t, "expected ',' or ')'");
	}
}

/* Behind @define.  Returns TOK_EOF when all is well, or TOK_ERROR. */
static struct token define(struct preproc *pp)
{
	struct macro *m, *old;
	struct token t = raw_next(pp);

	if (t.id != TOK_IDENT)
		return preproc_fail(pp, "macro-name", &t, "expected identifier");
	if (strcmp(t.at.text, "define") == 0)
		return preproc_fail(pp, "macro-define", &t, "attempt to redefine '@define'");
	old = hmget(pp->macros.map, t.at.text);
	if (old) {
		struct token e = preproc_fail(pp, "macro-redefined", &t,
					      "attempt to redefine macro '@%s' in the same file",
					      t.at.text);
		struct diag *first = diag_new(pp->env->sink, DIAG_PARSE_ERROR, "macro-defined-here",
					      &old->at.at, "macro '@%s' first defined here",
					      t.at.text);

		first->says_at = true;
		diag_chain(pp->error, first);
		return e;
	}
	m = arena_new(pp->env->arena, struct macro);
	m->name = t.at.text;
	m->at = t;
	hmput(pp->macros.map, m->name, m);

	t = raw_next(pp);
	if (t.id != TOK_LPAREN && t.id != TOK_PP_OPEN)
		return preproc_fail(pp, "macro-start", &t, "expected '%%(' or '('");
	if (t.id == TOK_LPAREN) {
		t = read_params(pp, m);
		if (t.id == TOK_ERROR)
			return t;
		t = raw_next(pp);
	}
	if (t.id != TOK_PP_OPEN)
		return preproc_fail(pp, "macro-body", &t, "expected '%%('");
	t = collect(pp, &m->body, TOK_PP_OPEN, TOK_PP_CLOSE, 0);
	if (t.id == TOK_EOF)
		return preproc_fail(pp, "macro-unclosed", &m->at,
				    "incomplete macro definition - missing '%%)'");
	if (t.id == TOK_ERROR)
		return t;
	return (struct token){.id = TOK_EOF};
}

/* ---- expansion ---- */

static const struct span *keep_span(struct preproc *pp, const struct span *at)
{
	return arena_memdup(pp->env->arena, at, sizeof(*at));
}

/* Reads the arguments behind an invocation into `scope`.  TOK_ERROR or TOK_EOF (well). */
static struct token read_args(struct preproc *pp, const struct token *use,
			      struct macro_scope *scope)
{
	const struct macro *m = scope->macro;
	struct token t = raw_next(pp);

	if (t.id != TOK_LPAREN)
		return preproc_fail(pp, "macro-call", &t,
				    "expected '(' in invocation of macro '@%s' taking %zu parameter%s",
				    m->name, m->nparams, m->nparams == 1 ? "" : "s");
	scope->args = arena_new_array(pp->env->arena, struct token_list, m->nparams);
	for (size_t i = 0; i < m->nparams; i++) {
		t = collect(pp, &scope->args[i], TOK_LPAREN, TOK_RPAREN, TOK_COMMA);
		if (t.id == TOK_ERROR)
			return t;
		if (t.id == TOK_EOF)
			return preproc_fail(pp, "macro-call-unclosed", use,
					    "could not find end of macro invocation");
		if (t.id == TOK_RPAREN && i + 1 < m->nparams)
			return preproc_fail(pp, "macro-few-args", &t,
					    "too few parameters for macro '@%s' (expected %zu)",
					    m->name, m->nparams);
	}
	if (t.id == TOK_COMMA)
		return preproc_fail(pp, "macro-many-args", &t,
				    "too many parameters for macro '@%s' (expected %zu)", m->name,
				    m->nparams);
	return (struct token){.id = TOK_EOF};
}

static void activate(struct preproc *pp, const struct token_list *list, const struct span *use,
		     struct macro_scope *scope)
{
	struct activation a = {.v = list->v, .n = list->n, .use = keep_span(pp, use),
			       .scope = scope};

	arrput(pp->stack, a);
}

/* If @name is a parameter of the macro being read, pushes its argument. */
static bool expand_param(struct preproc *pp, const struct token *use, const char *name)
{
	struct macro_scope *scope = current_scope(pp);

	if (!scope)
		return false;
	for (size_t i = scope->macro->nparams; i-- > 0;)
		if (scope->macro->params[i] == name) {
			pp->expanded += scope->args[i].n;
			activate(pp, &scope->args[i], &use->at, scope->outer);
			return true;
		}
	return false;
}

static struct token expand_macro(struct preproc *pp, const struct token *use,
				 const struct macro *m)
{
	struct macro_scope *scope = arena_new(pp->env->arena, struct macro_scope);

	scope->macro = m;
	scope->outer = current_scope(pp);
	for (const struct macro_scope *s = scope->outer; s; s = s->outer)
		if (s->macro == m)
			return preproc_fail(pp, "macro-recursive", use,
					    "recursive expansion of macro '@%s'", m->name);
	if (m->nparams > 0) {
		struct token t = read_args(pp, use, scope);

		if (t.id == TOK_ERROR)
			return t;
	}
	if (over_limit(pp, m->body.n + 1))
		return fail_too_large(pp, use);
	activate(pp, &m->body, &use->at, scope);
	return (struct token){.id = TOK_EOF};
}

struct macro *macro_find_library(const struct parse_env *env, const char *name)
{
	struct macro *m = env->library_macros ? hmget(env->library_macros->map, name) : NULL;

	if (m || !env->find_macro)
		return m;
	env->find_macro(env->find_macro_ctx, name);
	return env->library_macros ? hmget(env->library_macros->map, name) : NULL;
}

static const struct macro *find_macro(struct preproc *pp, const char *name)
{
	struct macro *m = hmget(pp->macros.map, name);

	return m ? m : macro_find_library(pp->env, name);
}

struct token macro_next(struct preproc *pp, bool raw)
{
	for (;;) {
		struct token t = raw_next(pp);
		const struct macro *m;
		const char *name;

		if (t.id != TOK_ATWORD || raw)
			return t;
		if (strcmp(t.at.text, "@define") == 0) {
			if (arrlen(pp->stack) > 0)
				return preproc_fail(pp, "macro-nested-define", &t,
						    "'@define' forbidden inside macro body");
			t = define(pp);
			if (t.id == TOK_ERROR)
				return t;
			continue;
		}
		name = intern(t.at.text + 1);
		if (expand_param(pp, &t, name)) {
			if (over_limit(pp, 0))
				return fail_too_large(pp, &t);
			continue;
		}
		m = find_macro(pp, name);
		if (!m)
			return t;
		t = expand_macro(pp, &t, m);
		if (t.id == TOK_ERROR)
			return t;
	}
}
