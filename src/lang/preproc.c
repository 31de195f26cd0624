/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditionals: %( condition %? tokens %: tokens %), and the reading of
 * library macro files.
 *
 * The condition's tokens are macro-expanded, a skipped branch is not.  After an
 * error the conditional stays as it is and reading goes on, as in SystemTap.
 */
#include "lang/preproc.h"

#include "base/arena.h"
#include "base/ds.h"

void preproc_init(struct preproc *pp, const struct parse_env *env, const struct source *src)
{
	*pp = (struct preproc){.env = env};
	lexer_init(&pp->lx, env, src);
}

void preproc_fini(struct preproc *pp)
{
	hmfree(pp->macros.map);
	arrfree(pp->stack);
	arrfree(pp->conds);
}

/* Skips a branch; returns the mark that ends it, or TOK_EOF. */
static struct token skip_branch(struct preproc *pp)
{
	size_t nesting = 0;

	for (;;) {
		struct token t = macro_next(pp, true);

		switch (t.id) {
		case TOK_EOF:
			return t;
		case TOK_PP_OPEN:
			nesting++;
			break;
		case TOK_PP_CLOSE:
			if (nesting == 0)
				return t;
			nesting--;
			break;
		case TOK_PP_THEN:
		case TOK_PP_ELSE:
			if (nesting == 0)
				return t;
			break;
		default:
			break;
		}
	}
}

/* One `left op right`.  Its value, or -1 with pp->error set. */
static int read_comparison(struct preproc *pp, const struct token *open)
{
	struct token t[3];

	for (int i = 0; i < 3; i++) {
		t[i] = macro_next(pp, false);
		if (t[i].id == TOK_ERROR)
			return -1;
		if (t[i].id == TOK_EOF) {
			preproc_fail(pp, "cond-incomplete", open,
				     "incomplete condition after '%%('");
			return -1;
		}
	}
	return cond_evaluate(pp, &t[0], &t[1], &t[2]);
}

/* Behind %(: the condition and %?.  Pushes the level; TOK_ERROR or TOK_EOF (well). */
static struct token open_conditional(struct preproc *pp, const struct token *open)
{
	bool result = false, all = true;
	struct cond_level level = {.open = *open};
	struct token t;

	do {
		int value = read_comparison(pp, open);

		if (value < 0)
			return (struct token){.id = TOK_ERROR, .at = open->at};
		all = all && value;
		t = macro_next(pp, false);
		if (t.id == TOK_ERROR)
			return t;
		if (t.id != TOK_ANDAND) {
			result = result || all;
			all = true;
		}
	} while (t.id == TOK_ANDAND || t.id == TOK_OROR);
	if (t.id != TOK_PP_THEN)
		return preproc_fail(pp, "cond-no-then", open,
				    "expected '%%?' marker for conditional");
	level.state = result ? COND_KEEP_THEN : COND_SKIP_THEN;
	arrput(pp->conds, level);
	return (struct token){.id = TOK_EOF};
}

/* A mark %? %: %) met outside a condition.  TOK_ERROR or TOK_EOF (well). */
static struct token take_mark(struct preproc *pp, const struct token *t)
{
	struct cond_level *top = arrlen(pp->conds) > 0 ? &arrlast(pp->conds) : NULL;

	if (t->id == TOK_PP_THEN || !top) {
		const char *tag = t->id == TOK_PP_THEN	 ? "cond-stray-then"
				  : t->id == TOK_PP_ELSE ? "cond-stray-else"
							 : "cond-stray-close";

		return preproc_fail(pp, tag, t, "incomplete conditional - missing '%%('");
	}
	if (t->id == TOK_PP_CLOSE) {
		(void)arrpop(pp->conds);
	} else if (top->state == COND_KEEP_ELSE || top->state == COND_SKIP_ELSE) {
		return preproc_fail(pp, "cond-two-elses", t,
				    "invalid conditional - duplicate '%%:'");
	} else {
		top->state = top->state == COND_KEEP_THEN ? COND_SKIP_ELSE : COND_KEEP_ELSE;
	}
	return (struct token){.id = TOK_EOF};
}

struct token preproc_next(struct preproc *pp)
{
	for (;;) {
		enum cond_state state = COND_NONE;
		struct token t;

		if (arrlen(pp->conds) > 0)
			state = arrlast(pp->conds).state;
		if (state == COND_SKIP_THEN || state == COND_SKIP_ELSE)
			t = skip_branch(pp);
		else
			t = macro_next(pp, false);

		switch (t.id) {
		case TOK_EOF:
			if (state != COND_NONE) {
				struct token open = arrpop(pp->conds).open;

				return preproc_fail(pp, "cond-unclosed", &open,
						    "incomplete conditional at end of file");
			}
			return t;
		case TOK_PP_THEN:
		case TOK_PP_ELSE:
		case TOK_PP_CLOSE:
			t = take_mark(pp, &t);
			break;
		case TOK_PP_OPEN:
			t = open_conditional(pp, &t);
			break;
		default:
			return t;
		}
		if (t.id == TOK_ERROR)
			return t;
	}
}

/* Adds the macros of a file to the library; false after a clash. */
static bool adopt_macros(struct parse_env *env, const struct preproc *pp)
{
	for (ptrdiff_t i = 0; i < hmlen(pp->macros.map); i++) {
		struct macro *m = pp->macros.map[i].value;
		struct macro *old = macro_find_library(env, m->name);
		struct diag *d, *first;

		if (!old) {
			hmput(env->library_macros->map, m->name, m);
			continue;
		}
		d = diag_new(env->sink, DIAG_PARSE_ERROR, "macro-library-duplicate", &m->at.at,
			     "duplicate definition of library macro '@%s'", m->name);
		first = diag_new(env->sink, DIAG_PARSE_ERROR, "macro-library-first", &old->at.at,
				 "macro '@%s' first defined here", m->name);
		d->says_at = first->says_at = true;
		diag_issue(env->sink, diag_chain(d, first));
		return false;
	}
	return true;
}

int parse_macro_file(struct parse_env *env, const struct source *src)
{
	struct preproc pp;
	struct token t;
	int ret = 0;

	if (!env->library_macros)
		env->library_macros = arena_new(env->arena, struct macro_table);
	preproc_init(&pp, env, src);
	for (t = preproc_next(&pp); t.id != TOK_EOF; t = preproc_next(&pp)) {
		if (t.id != TOK_ERROR)
			preproc_fail(&pp, "macro-file-token", &t,
				     "unexpected token in library macro file '%s'", src->name);
		diag_issue(env->sink, pp.error);
		ret = -1;
		break;
	}
	if (ret == 0 && !adopt_macros(env, &pp))
		ret = -1;
	preproc_fini(&pp);
	return ret;
}

void parse_env_fini(struct parse_env *env)
{
	if (env->library_macros)
		hmfree(env->library_macros->map);
	env->library_macros = NULL;
}
