/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Type inference: statements, and the rounds over the whole program; see types.c. */
#include "sema/types.h"

#define PLAIN_ROUNDS 4

static void type_stmt(struct walk *w, struct ast_stmt *s);

static void type_value(struct typer *ty, struct ast_expr *e)
{
	if (e)
		type_expr(ty, e, AST_UNKNOWN);
}

static void type_truth(struct typer *ty, struct ast_expr *e)
{
	if (e)
		type_expr(ty, e, AST_LONG);
}

static void type_part(struct typer *ty, struct ast_stmt *s)
{
	if (s)
		type_stmt(&ty->w, s);
}

static void type_foreach(struct typer *ty, struct ast_stmt *s)
{
	struct ast_foreach *f = s->foreach;
	enum ast_type value = AST_LONG;

	if (f->base->kind == EXPR_HIST) {
		type_hist_key(ty, f->base, f->keys, f->nkeys, &s->at);
	} else {
		struct ast_var *array = f->base->symbol.referent;

		type_keys(ty, array, f->keys, f->nkeys, &s->at);
		if (f->slice)
			type_keys(ty, array, f->slice, f->nslice, &s->at);
		type_value(ty, f->base);
		value = array->type;
	}
	if (f->value) {
		if (value == AST_STATS)
			type_invalid(ty, &f->value->at, value);
		else if (value != AST_UNKNOWN)
			type_insist(ty, f->value, value);
		else
			type_value(ty, f->value);
	}
	/* only statistics can be sorted by an aggregate */
	if (value != AST_UNKNOWN && f->sort_stat != STAT_NONE && value != AST_STATS)
		type_invalid(ty, &f->base->at, value);
	type_truth(ty, f->limit);
	type_part(ty, f->body);
}

static void type_return(struct typer *ty, struct ast_stmt *s)
{
	struct ast_function *f = ty->fn;
	struct ast_expr *v = s->expr;

	if (!f || !v)
		return;
	type_expr(ty, v, f->type);
	if (f->type != AST_UNKNOWN && v->type != AST_UNKNOWN && f->type != v->type)
		type_mismatch_function(ty, &v->at, v->type, f);
	if (f->type == AST_UNKNOWN && (v->type == AST_LONG || v->type == AST_STRING)) {
		type_set(ty, &f->type, v->type);
		f->type_at = v->at;
	}
	if (v->type == AST_STATS)
		type_invalid(ty, &v->at, v->type);
}

/* Types a statement and all below it; w is the typer. */
static void type_stmt(struct walk *w, struct ast_stmt *s)
{
	struct typer *ty = (struct typer *)w;

	if (ty->stop)
		return;
	switch (s->kind) {
	case STMT_EXPR:
	case STMT_DELETE:
		type_value(ty, s->expr);
		break;
	case STMT_IF:
		type_truth(ty, s->if_.cond);
		type_part(ty, s->if_.yes);
		type_part(ty, s->if_.no);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		type_value(ty, s->loop.init);
		type_truth(ty, s->loop.cond);
		type_value(ty, s->loop.step);
		type_part(ty, s->loop.body);
		break;
	case STMT_FOREACH:
		type_foreach(ty, s);
		break;
	case STMT_RETURN:
		type_return(ty, s);
		break;
	case STMT_TRY:
		type_part(ty, s->try_.body);
		if (s->try_.error)
			type_expr(ty, s->try_.error, AST_STRING);
		type_part(ty, s->try_.handler);
		break;
	case STMT_BLOCK:
	case STMT_EMPTY:
	case STMT_NEXT:
	case STMT_BREAK:
	case STMT_CONTINUE:
	case STMT_EMBEDDED:
		walk_stmt(w, s);
		break;
	}
}

static void type_local(struct typer *ty, const struct ast_var *v)
{
	if (v->type == AST_UNKNOWN) {
		type_unresolved(ty, &v->at);
	} else if (v->type == AST_STATS) {
		ty->unresolved++;
		ty->told |= ty->final;
		if (ty->final)
			diag_error(ty->st->s->diag, "local-statistic", &v->at,
				   "stat locals not supported, missing global declaration? ");
	}
}

static void type_function(struct typer *ty, struct ast_function *f)
{
	ty->fn = f;
	type_stmt(&ty->w, f->body);
	for (size_t i = 0; i < f->nlocals && !ty->stop; i++)
		type_local(ty, f->locals[i]);
	ty->fn = NULL;
}

static void type_body(struct typer *ty, struct sema_body *b)
{
	type_stmt(&ty->w, b->stmt);
	for (size_t i = 0; i < b->nlocals && !ty->stop; i++)
		type_local(ty, b->locals[i]);
	type_truth(ty, b->cond);
}

static void type_global(struct typer *ty, struct ast_var *v)
{
	if (v->type == AST_UNKNOWN)
		type_unresolved(ty, &v->at);
	if (v->arity == 0 && v->wrap) {
		diag_error(ty->st->s->diag, "wrap-scalar", &v->at, "wrapping not supported for scalars");
		ty->stop = true;
	}
}

/* The i-th of n in the direction of this round. */
static size_t turn(const struct typer *ty, size_t i, size_t n)
{
	return ty->backward ? n - 1 - i : i;
}

/* Goes over a function or body, in a hurry until that adds nothing: what flows through it arrives in this round. */
static void type_function_wholly(struct typer *ty, struct ast_function *f)
{
	unsigned newly, unresolved = ty->unresolved;

	do {
		newly = ty->newly;
		ty->unresolved = unresolved;
		type_function(ty, f);
	} while (ty->hurry && ty->newly != newly && !ty->stop);
}

static void type_body_wholly(struct typer *ty, struct sema_body *b)
{
	unsigned newly, unresolved = ty->unresolved;

	do {
		newly = ty->newly;
		ty->unresolved = unresolved;
		type_body(ty, b);
	} while (ty->hurry && ty->newly != newly && !ty->stop);
}

static void type_functions(struct typer *ty)
{
	struct ast_function **list = ty->st->s->functions;

	for (size_t i = 0, n = arrlenu(list); i < n && !ty->stop; i++)
		type_function_wholly(ty, list[turn(ty, i, n)]);
}

static void type_bodies(struct typer *ty)
{
	struct sema_body **list = ty->st->bodies;

	for (size_t i = 0, n = arrlenu(list); i < n && !ty->stop; i++)
		type_body_wholly(ty, list[turn(ty, i, n)]);
}

static void round_over_all(struct typer *ty)
{
	struct sema_session *s = ty->st->s;

	ty->newly = ty->unresolved = 0;
	if (ty->backward) {
		type_bodies(ty);
		type_functions(ty);
	} else {
		type_functions(ty);
		type_bodies(ty);
	}
	for (size_t i = 0; i < arrlenu(s->globals) && !ty->stop; i++)
		type_global(ty, s->globals[i]);
}

/*
 * Which of two places gave something its type first, as messages tell it, is decided in the first rounds, which are
 * SystemTap's. Long chains of functions or globals that get their types from one another need more: then every
 * other round goes backward, so that few do, whichever way the chains run.
 */
int sema_infer_types(struct sema_state *st)
{
	struct typer ty = {.w = {NULL, type_stmt}, .st = st};
	unsigned rounds = 0;

	while (!ty.stop) {
		round_over_all(&ty);
		if (ty.newly) {
			ty.final = false;
			ty.hurry = ++rounds >= PLAIN_ROUNDS;
			ty.backward = ty.hurry && !ty.backward;
			continue;
		}
		ty.backward = false;
		if (!ty.unresolved)
			return 0;
		if (ty.final && (ty.told || !ty.complexity))
			break;
		/* what hides lesser errors may be gone by the last round, and then these are told */
		if (ty.final || st->s->verbose > 0)
			ty.complexity = 0;
		ty.final = true;
	}
	return -1;
}
