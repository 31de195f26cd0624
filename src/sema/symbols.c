/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbol resolution: names of variables in bodies, functions and conditions.
 *
 * A name is, in this order: a local or parameter; a private global of its file; a public global
 * of the files in use; a global of the tapset, whose file then comes into use; else a new
 * local.  Along the way lvalues, operands of delete and numbers of keys are checked, calls
 * are resolved (calls.c) and target variables are bound (bind.c).
 */
#include <string.h>

#include "ir/ir.h"
#include "sema/index.h"
#include "sema/state.h"

static void resolve_expr(struct sema_scope *sc, struct ast_expr *e);
static void resolve_stmt(struct sema_scope *sc, struct ast_stmt *s);

/* ---- declarations ---- */

static void register_global(struct sema_state *st, struct ast_var *v)
{
	struct sema_global *g;
	ptrdiff_t i = hmgeti(st->globals, v->name);

	if (v->sema)
		return;
	g = arena_new(st->s->arena, struct sema_global);
	g->var = v;
	v->sema = g;
	v->is_global = true;
	v->arity = -1;
	v->type_at = (struct span){0};	/* a declared type has no place of inference */
	if (v->init)
		v->type = v->init->type;
	if (v->is_private)
		return;
	if (i >= 0) {
		struct diag *d = diag_new(st->s->diag, DIAG_SEMANTIC_ERROR, "global-conflict", &v->at,
					  "conflicting global variables");

		diag_issue(st->s->diag, diag_at2(d, &st->globals[i].value->at));
		return;
	}
	hmput(st->globals, v->name, v);
}

void sema_register_file(struct sema_state *st, struct ast_file *f)
{
	hmput(st->file_of, f->src, f);
	for (size_t i = 0; i < f->nglobals; i++)
		register_global(st, f->globals[i]);
	for (size_t i = 0; i < f->nfunctions; i++) {
		struct ast_function *fn = f->functions[i];
		ptrdiff_t k;

		if (fn->is_private)
			continue;
		k = hmgeti(st->functions, fn->name);
		if (k < 0) {
			hmput(st->functions, fn->name, NULL);
			k = hmgeti(st->functions, fn->name);
		}
		arrput(st->functions[k].value, fn);
	}
}

/* Sets the number of keys of a variable, or says that it disagrees.  False: it does. */
static bool sema_set_arity(struct sema_state *st, struct ast_var *v, int n, const struct span *at)
{
	struct diag_sink *sink = st->s->diag;
	struct sema_global *g = v->sema;

	if (v->arity == n)
		return true;
	if (v->arity >= 0) {
		struct diag *d = diag_new(sink, DIAG_SEMANTIC_ERROR, "arity-conflict", at,
					  "inconsistent arity (%d vs %d)", v->arity, n);

		diag_issue(sink, diag_chain(d, diag_new(sink, DIAG_SEMANTIC_ERROR, "arity-first",
							&v->arity_at, "arity %d first inferred here",
							v->arity)));
		return false;
	}
	if (n == 0 && v->maxsize > 0) {
		diag_error(sink, "arity-size", &v->at, "inconsistent arity");
		return false;
	}
	if (n > IR_MAX_KEYS) {
		diag_error(sink, "arity-limit", at, "too many keys for array '%s' (%d, at most %d)",
			   v->name, n, IR_MAX_KEYS);
		return false;
	}
	v->arity = n;
	v->arity_at = *at;
	v->key_types = arena_new_array(st->s->arena, enum ast_type, n + 1);
	g->key_at = arena_new_array(st->s->arena, struct span, n + 1);
	return true;
}

/* ---- variables ---- */

/*
 * Functions of the installed tapset know nothing of the script: what they call i stays theirs when a script has
 * a global i.  (Aliases do: a script may take what an alias sets into a global, as with SystemTap.)
 */
static bool hidden_from(const struct ast_var *v, const struct ast_function *fn)
{
	return fn && fn->at.src->shipped && !v->at.src->shipped;
}

/* The global that `name` means in file `src`, in a body or, else, in function `fn`. */
static struct ast_var *lookup_global(struct sema_state *st, const char *name, const struct source *src,
				     const struct ast_function *fn)
{
	ptrdiff_t f = hmgeti(st->file_of, src), i;
	struct ast_var *v;

	if (f >= 0) {
		const struct ast_file *file = st->file_of[f].value;

		for (size_t k = 0; k < file->nglobals; k++)
			if (file->globals[k]->name == name && file->globals[k]->is_private)
				return file->globals[k];
	}
	i = hmgeti(st->globals, name);
	if (i >= 0 && !hidden_from(st->globals[i].value, fn))
		return st->globals[i].value;
	v = sema_index_global(st->s->index, name);
	if (v && v->file)
		sema_use_file(st, v->file);
	return v;
}

/* The session's globals are listed as they are first referred to. */
static struct ast_var *find_global(const struct sema_scope *sc, const struct ast_expr *e)
{
	struct sema_state *st = sc->st;
	struct ast_var *v = lookup_global(st, e->symbol.name, e->at.src, sc->fn);
	struct sema_global *g = v ? v->sema : NULL;

	if (g && !g->listed) {
		g->listed = true;
		arrput(st->s->globals, v);
	}
	return v;
}

static struct ast_var *find_local(const struct sema_scope *sc, const char *name)
{
	struct sema_scope *s = (struct sema_scope *)sc;
	ptrdiff_t i = hmgeti(s->by_name, name);

	return i < 0 ? NULL : s->by_name[i].value;
}

static struct ast_var *new_local(struct sema_scope *sc, const struct ast_expr *e)
{
	struct arena *a = sc->st->s->arena;
	struct ast_var *v = arena_new(a, struct ast_var);

	v->at = e->at;
	v->arity_at = e->at;
	v->name = e->symbol.name;
	v->sema = arena_new(a, struct sema_local);
	arrput(sc->vars, v);
	hmput(sc->by_name, v->name, v);
	return v;
}

/* `nkeys` < 0: any number is right. */
static void resolve_symbol(struct sema_scope *sc, struct ast_expr *e, int nkeys)
{
	struct diag_sink *sink = sc->st->s->diag;
	struct ast_var *v;

	if (e->symbol.referent)
		return;
	v = find_local(sc, e->symbol.name);
	if (!v)
		v = find_global(sc, e);
	if (!v && sc->condition) {
		diag_error(sink, "condition-undeclared", &e->at,
			   "probe condition must not reference undeclared global");
		return;
	}
	if (!v && nkeys > 0) {
		diag_error(sink, "array-undeclared", &e->at,
			   "unresolved arity-%d global array %s, missing global declaration?", nkeys,
			   e->symbol.name);
		return;
	}
	if (!v)
		v = new_local(sc, e);
	if (v->is_global && nkeys >= 0) {
		if (!sema_set_arity(sc->st, v, nkeys, &e->at))
			return;
	} else if (!v->is_global && nkeys > 0) {
		struct diag *d = diag_new(sink, DIAG_SEMANTIC_ERROR, "arity-conflict", &e->at,
					  "inconsistent arity (0 vs %d)", nkeys);

		diag_issue(sink, diag_chain(d, diag_new(sink, DIAG_SEMANTIC_ERROR, "arity-first",
							&v->arity_at, "arity 0 first inferred here")));
		return;
	}
	e->symbol.referent = v;
}

/* An array or histogram with `nkeys` keys. */
static void resolve_indexable(struct sema_scope *sc, struct ast_expr *base, size_t nkeys)
{
	if (base->kind == EXPR_SYMBOL)
		resolve_symbol(sc, base, (int)nkeys);
	else
		resolve_expr(sc, base);
}

/* ---- expressions ---- */

static void require_lvalue(struct sema_scope *sc, const struct ast_expr *e, const struct ast_expr *left)
{
	struct diag *d;

	if (sc->condition) {
		diag_error(sc->st->s->diag, "condition-modifies", &e->at,
			   "probe condition must not modify any variables");
		return;
	}
	if (walk_is_lvalue(left))
		return;
	d = diag_new(sc->st->s->diag, DIAG_SEMANTIC_ERROR, "lvalue", &e->at,
		     "Expecting lvalue for assignment");
	diag_issue(sc->st->s->diag, diag_at2(d, &left->at));
}

static void resolve_assigned(struct sema_scope *sc, struct ast_expr *e, struct ast_expr *left, bool reads)
{
	unsigned saved = sc->assigned;

	require_lvalue(sc, e, left);
	sc->assigned = reads ? SEMA_WRITTEN | SEMA_READ : SEMA_WRITTEN;
	resolve_expr(sc, left);
	sc->assigned = saved;
}

struct resolver {
	struct walk w;
	struct sema_scope *sc;
};

static void resolve_child(struct walk *w, struct ast_expr *e)
{
	resolve_expr(((struct resolver *)w)->sc, e);
}

static void resolve_child_stmt(struct walk *w, struct ast_stmt *s)
{
	resolve_stmt(((struct resolver *)w)->sc, s);
}

static void resolve_keys(struct sema_scope *sc, struct ast_expr **keys, size_t n)
{
	unsigned saved = sc->assigned;

	sc->assigned = 0;
	for (size_t i = 0; i < n; i++)
		if (keys[i])
			resolve_expr(sc, keys[i]);
	sc->assigned = saved;
}

static void resolve_embedded(struct sema_scope *sc, const struct ast_embedded *em)
{
	const char *p = em->text;

	while (p && (*p == ' ' || *p == '\n' || *p == '\t'))
		p++;
	if (!p || strncmp(p, "ir ", 3))
		diag_error(sc->st->s->diag, "embedded-c", &em->at,
			   "embedded C code is not available: handlers do not run as a kernel module");
}

static void resolve_expr(struct sema_scope *sc, struct ast_expr *e)
{
	struct resolver r = {{resolve_child, resolve_child_stmt}, sc};

	switch (e->kind) {
	case EXPR_SYMBOL:
		resolve_symbol(sc, e, 0);
		break;
	case EXPR_INDEX:
	case EXPR_IN:
		resolve_keys(sc, e->index.keys, e->index.nkeys);
		resolve_indexable(sc, e->index.base, e->index.nkeys);
		break;
	case EXPR_ASSIGN:
		resolve_assigned(sc, e, e->binary.left, e->op != OP_NONE);
		resolve_expr(sc, e->binary.right);
		break;
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		resolve_assigned(sc, e, e->unary.operand, true);
		break;
	case EXPR_CALL:
		walk_expr(&r.w, e);
		if (sc->condition)
			diag_error(sc->st->s->diag, "condition-function", &e->at,
				   "probe condition must not reference function");
		else
			sema_resolve_call(sc->st, e);
		break;
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
	case EXPR_DEFINED:
	case EXPR_ENTRY:
	case EXPR_PERF:
	case EXPR_CONST:
	case EXPR_ENUM:
		sema_bind(sc, e, resolve_expr);
		break;
	case EXPR_EMBEDDED:
		resolve_embedded(sc, e->embedded);
		break;
	default:
		walk_expr(&r.w, e);
		break;
	}
}

/* ---- statements ---- */

static void resolve_foreach(struct sema_scope *sc, struct ast_foreach *f)
{
	resolve_keys(sc, f->keys, f->nkeys);
	if (f->value)
		resolve_expr(sc, f->value);
	resolve_indexable(sc, f->base, f->base->kind == EXPR_HIST ? 1 : f->nkeys);
	if (f->slice) {
		if (f->nslice != f->nkeys)
			diag_error(sc->st->s->diag, "slice-arity", &f->base->at,
				   "inconsistent arity (%zu vs %zu)", f->nkeys, f->nslice);
		resolve_keys(sc, f->slice, f->nslice);
	}
	if (f->limit)
		resolve_expr(sc, f->limit);
	resolve_stmt(sc, f->body);
}

static void resolve_delete(struct sema_scope *sc, struct ast_expr *e)
{
	if (e->kind == EXPR_SYMBOL && !find_local(sc, e->symbol.name) &&
	    !find_global(sc, e))
		diag_error(sc->st->s->diag, "delete-unresolved", &e->at,
			   "unresolved array in delete statement");
	else if (e->kind == EXPR_SYMBOL)
		resolve_symbol(sc, e, -1);
	else if (e->kind == EXPR_INDEX && e->index.base->kind == EXPR_SYMBOL)
		resolve_expr(sc, e);
	else
		diag_error(sc->st->s->diag, "delete-operand", &e->at,
			   "invalid operand of delete expression");
}

static void resolve_stmt(struct sema_scope *sc, struct ast_stmt *s)
{
	struct resolver r = {{resolve_child, resolve_child_stmt}, sc};

	switch (s->kind) {
	case STMT_FOREACH:
		resolve_foreach(sc, s->foreach);
		break;
	case STMT_DELETE:
		resolve_delete(sc, s->expr);
		break;
	case STMT_EMBEDDED:
		resolve_embedded(sc, s->embedded);
		break;
	default:
		walk_stmt(&r.w, s);
		break;
	}
}

/* ---- entry points ---- */

static struct ast_var **scope_take_locals(struct sema_scope *sc, size_t *n)
{
	*n = arrlenu(sc->vars);
	return *n ? arena_memdup(sc->st->s->arena, sc->vars, *n * sizeof(*sc->vars)) : NULL;
}

static void scope_fini(struct sema_scope *sc)
{
	arrfree(sc->vars);
	hmfree(sc->by_name);
}

void sema_resolve_body(struct sema_state *st, struct sema_body *b, const struct probe_point *pt)
{
	struct sema_scope sc = {.st = st, .point = pt};

	resolve_stmt(&sc, b->stmt);
	b->locals = scope_take_locals(&sc, &b->nlocals);
	scope_fini(&sc);
	if (b->cond) {
		struct sema_scope cond = {.st = st, .point = pt, .condition = true};

		resolve_expr(&cond, b->cond);
		scope_fini(&cond);
	}
}

void sema_resolve_function(struct sema_state *st, struct ast_function *f)
{
	struct sema_scope sc = {.st = st, .fn = f};

	for (size_t i = 0; i < f->nparams; i++)
		hmput(sc.by_name, f->params[i]->name, f->params[i]);
	resolve_stmt(&sc, f->body);
	f->locals = scope_take_locals(&sc, &f->nlocals);
	scope_fini(&sc);
}
