/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removal of what has no effect, with SystemTap's warnings: functions never called, variables
 * never used, assignments to locals never read, statements without side effects, probes
 * left empty.  Repeats until nothing changes.
 *
 * Twice, as SystemTap does: before types are inferred, without regard to constants, so that code behind
 * `if (0)` or `return` is checked like any other; and afterwards together with constant folding.
 */
#include "probe/family.h"
#include "sema/usage.h"

struct elider {
	struct walk w;
	struct sema_state *st;
	struct usage use;
	bool changed;
	bool first;	/* first round of all: what later rounds remove follows from its warnings */
};

static bool warns(const struct elider *el, const struct span *at)
{
	return !el->st->s->listing && at->src && !at->src->tapset;
}

/* ---- functions and variables ---- */

/* Keeps the functions that calls reach. */
static void drop_functions(struct elider *el)
{
	struct ast_function **all = el->st->s->functions;
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(all); i++)
		if (hmgeti(el->use.functions, all[i]) >= 0)
			all[n++] = all[i];
	if (n < arrlenu(all)) {
		arrsetlen(el->st->s->functions, n);
		el->changed = true;
	}
}

static void drop_globals(struct elider *el)
{
	struct ast_var **all = el->st->s->globals;
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(all); i++)
		if (usage_of(&el->use, all[i]))
			all[n++] = all[i];
	if (n < arrlenu(all)) {
		arrsetlen(el->st->s->globals, n);
		el->changed = true;
	}
}

static void drop_locals(struct elider *el, struct ast_var **locals, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < *count; i++)
		if (usage_of(&el->use, locals[i]))
			locals[n++] = locals[i];
	if (n < *count) {
		*count = n;
		el->changed = true;
	}
}

/* ---- warnings about variables never assigned ---- */

static void warn_unassigned(struct elider *el, const struct ast_var *v, const char *what,
			    struct ast_var *const *locals, size_t n)
{
	struct sema_session *s = el->st->s;
	const char **names = NULL, *similar;

	if (!warns(el, &v->at))
		return;
	for (size_t i = 0; i < n; i++)
		if (locals[i]->name != v->name)
			arrput(names, locals[i]->name);
	for (size_t i = 0; i < arrlenu(s->globals); i++)
		if (s->globals[i]->name != v->name && s->globals[i]->at.src &&
		    !s->globals[i]->at.src->tapset)
			arrput(names, s->globals[i]->name);
	similar = probe_similar(s->arena, v->name, names, arrlenu(names), PROBE_SIMILAR_MAX);
	arrfree(names);
	diag_warn(s->diag, "never-assigned", &v->at, "never-assigned %s variable '%s'%s%s%s", what,
		  v->name, *similar ? " (similar: " : "", similar, *similar ? ")" : "");
}

static bool is_unassigned(struct elider *el, const struct ast_var *v)
{
	unsigned use = usage_of(&el->use, v);

	return use && !(use & USE_WRITTEN);
}

static void warn_variables(struct elider *el)
{
	struct sema_state *st = el->st;

	for (size_t i = 0; i < arrlenu(st->bodies); i++) {
		struct sema_body *b = st->bodies[i];

		for (size_t k = 0; k < b->nlocals; k++)
			if (is_unassigned(el, b->locals[k]))
				warn_unassigned(el, b->locals[k], "local", b->locals, b->nlocals);
	}
	for (size_t i = 0; i < arrlenu(st->s->functions); i++) {
		struct ast_function *f = st->s->functions[i];

		for (size_t k = 0; k < f->nlocals; k++)
			if (is_unassigned(el, f->locals[k]))
				warn_unassigned(el, f->locals[k], "local", f->locals, f->nlocals);
	}
	for (size_t i = 0; i < arrlenu(st->s->globals); i++)
		if (is_unassigned(el, st->s->globals[i]) && !st->s->globals[i]->init)
			warn_unassigned(el, st->s->globals[i], "global", NULL, 0);
}

/* ---- assignments ---- */

static void drop_assignment(struct walk *w, struct ast_expr *e)
{
	struct elider *el = (struct elider *)w;
	const struct ast_var *v;
	struct ast_expr *right;
	ptrdiff_t i;

	walk_expr(w, e);
	if (e->kind != EXPR_ASSIGN || e->binary.left->kind != EXPR_SYMBOL)
		return;
	v = e->binary.left->symbol.referent;
	if (!v || v->is_global || (usage_of(&el->use, v) & USE_READ))
		return;
	if (el->first && warns(el, &e->at))
		diag_warn(el->st->s->diag, "elide-assignment", &e->at, "Eliding assignment to '%s'",
			  v->name);
	right = e->binary.right;
	i = hmgeti(el->st->unbound, right);
	if (i >= 0) {
		struct diag *why = el->st->unbound[i].value;

		hmput(el->st->unbound, e, why);
	}
	*e = *right;
	el->changed = true;
}

/* ---- statements ---- */

static void set_empty(struct elider *el, struct ast_stmt *s)
{
	s->kind = STMT_EMPTY;
	el->changed = true;
}

/* The operand that alone has effects, where an operator's result is not used; or NULL. */
static struct ast_expr *only_effect(const struct ast_expr *e)
{
	switch (e->kind) {
	case EXPR_UNARY:
		return e->unary.operand;
	case EXPR_LOGICAL:
		return usage_effect_free(e->binary.right) ? e->binary.left : NULL;
	case EXPR_BINARY:
	case EXPR_COMPARE:
	case EXPR_CONCAT:
		if (usage_effect_free(e->binary.right))
			return e->binary.left;
		return usage_effect_free(e->binary.left) ? e->binary.right : NULL;
	case EXPR_TERNARY:
		return usage_effect_free(e->ternary.yes) && usage_effect_free(e->ternary.no) ?
			e->ternary.cond : NULL;
	default:
		return NULL;
	}
}

static void drop_expression(struct elider *el, struct ast_stmt *s)
{
	struct ast_expr *only;

	if (!usage_effect_free(s->expr)) {
		only = only_effect(s->expr);
		if (only) {
			s->expr = only;
			el->changed = true;
		}
		return;
	}
	if (el->first && warns(el, &s->at))
		diag_warn(el->st->s->diag, "elide-expression", &s->at,
			  "Eliding side-effect-free expression ");
	set_empty(el, s);
}

static void simplify_block(struct elider *el, struct ast_stmt *s)
{
	struct ast_stmt **flat = NULL;
	bool nested = false;

	for (size_t i = 0; i < s->block.nstmts; i++) {
		struct ast_stmt *c = s->block.stmts[i];

		if (c->kind == STMT_EMPTY) {
			nested = true;
		} else if (c->kind == STMT_BLOCK) {
			nested = true;
			for (size_t k = 0; k < c->block.nstmts; k++)
				arrput(flat, c->block.stmts[k]);
		} else {
			arrput(flat, c);
		}
	}
	if (!arrlenu(flat)) {
		set_empty(el, s);
	} else if (arrlenu(flat) == 1) {
		*s = *flat[0];
		el->changed = true;
	} else if (nested) {
		s->block.nstmts = arrlenu(flat);
		s->block.stmts = arena_memdup(el->st->s->arena, flat, arrlenu(flat) * sizeof(*flat));
		el->changed = true;
	}
	arrfree(flat);
}

static struct ast_expr *negation(struct arena *a, struct ast_expr *e)
{
	struct ast_expr *n = arena_new(a, struct ast_expr);

	n->kind = EXPR_UNARY;
	n->op = OP_NOT;
	n->at = e->at;
	n->type = AST_LONG;
	n->unary.operand = e;
	return n;
}

static bool is_empty(const struct ast_stmt *s)
{
	return !s || s->kind == STMT_EMPTY;
}

static void simplify_if(struct elider *el, struct ast_stmt *s)
{
	struct ast_expr *cond = s->if_.cond;

	if (is_empty(s->if_.yes) && is_empty(s->if_.no)) {
		if (usage_effect_free(cond)) {
			set_empty(el, s);
		} else {
			s->kind = STMT_EXPR;
			s->expr = cond;
			el->changed = true;
		}
	} else if (is_empty(s->if_.yes)) {
		s->if_.cond = negation(el->st->s->arena, cond);
		s->if_.yes = s->if_.no;
		s->if_.no = NULL;
		el->changed = true;
	} else if (s->if_.no && s->if_.no->kind == STMT_EMPTY) {
		s->if_.no = NULL;
		el->changed = true;
	}
}

static bool loop_is_idle(struct ast_stmt *s)
{
	return is_empty(s->loop.body) && (!s->loop.init || usage_effect_free(s->loop.init)) &&
	       usage_effect_free(s->loop.cond) && (!s->loop.step || usage_effect_free(s->loop.step));
}

static void drop_statement(struct walk *w, struct ast_stmt *s)
{
	struct elider *el = (struct elider *)w;

	walk_stmt(w, s);
	switch (s->kind) {
	case STMT_EXPR:
		drop_expression(el, s);
		break;
	case STMT_BLOCK:
		simplify_block(el, s);
		break;
	case STMT_IF:
		simplify_if(el, s);
		break;
	case STMT_WHILE:
	case STMT_FOR:
		if (loop_is_idle(s))
			set_empty(el, s);
		break;
	case STMT_FOREACH:
		if (is_empty(s->foreach->body))
			set_empty(el, s);
		break;
	case STMT_TRY:
		if (is_empty(s->try_.body))
			set_empty(el, s);
		break;
	default:
		break;
	}
}

/* ---- rounds ---- */

static void for_all_code(struct elider *el)
{
	struct sema_session *s = el->st->s;

	for (size_t i = 0; i < arrlenu(el->st->bodies); i++)
		el->w.stmt(&el->w, el->st->bodies[i]->stmt);
	for (size_t i = 0; i < arrlenu(s->functions); i++)
		el->w.stmt(&el->w, s->functions[i]->body);
}

static void fold_all(struct elider *el)
{
	struct sema_state *st = el->st;

	for (size_t i = 0; i < arrlenu(st->bodies); i++) {
		el->changed |= sema_fold_stmt(st, st->bodies[i]->stmt);
		if (st->bodies[i]->cond)
			el->changed |= sema_fold_expr(st, st->bodies[i]->cond);
	}
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		el->changed |= sema_fold_stmt(st, st->s->functions[i]->body);
}

static void use_all(struct elider *el)
{
	usage_fini(&el->use);
	el->use = (struct usage){.transitive = !el->first && !el->st->s->unoptimized && !el->st->s->listing};
	usage_collect_all(&el->use, el->st);
	usage_reset(el->st);
}

static void drop_variables(struct elider *el)
{
	struct sema_state *st = el->st;

	drop_functions(el);
	if (el->first && !st->s->unoptimized)
		warn_variables(el);
	drop_globals(el);
	if (st->s->unoptimized || st->s->listing)
		return;
	for (size_t i = 0; i < arrlenu(st->bodies); i++)
		drop_locals(el, st->bodies[i]->locals, &st->bodies[i]->nlocals);
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		drop_locals(el, st->s->functions[i]->locals, &st->s->functions[i]->nlocals);
}

/* Drops the probes whose bodies are empty. */
static void drop_probes(struct elider *el)
{
	struct sema_session *s = el->st->s;
	size_t n = 0, nb = 0;

	for (size_t i = 0; i < arrlenu(s->probes); i++) {
		struct sema_probe *p = s->probes[i];

		if (!is_empty(p->body->stmt) || p->point->prog.kind == POINT_COUNTER) {
			s->probes[n++] = p;
			continue;
		}
		if (warns(el, &p->probe->at))
			diag_warn(s->diag, "elide-probe", &p->probe->at, "Probe '%s' has been elided",
				  p->point->canonical);
		el->changed = true;
	}
	arrsetlen(s->probes, n);
	for (size_t i = 0; i < arrlenu(el->st->bodies); i++)
		if (!is_empty(el->st->bodies[i]->stmt))
			el->st->bodies[nb++] = el->st->bodies[i];
	arrsetlen(el->st->bodies, nb);
}

static void warn_functions(struct elider *el)
{
	struct sema_session *s = el->st->s;

	for (size_t i = 0; i < arrlenu(s->functions); i++) {
		const struct ast_function *f = s->functions[i];

		if (is_empty(f->body) && warns(el, &f->at))
			diag_warn(s->diag, "elide-function", &f->at, "side-effect-free function '%s'",
				  f->name);
	}
}

static void optimise(struct elider *el, bool fold)
{
	struct sema_state *st = el->st;
	bool all = !st->s->unoptimized && !st->s->listing;

	do {
		el->changed = false;
		if (fold)
			fold_all(el);
		use_all(el);
		drop_variables(el);
		if (all) {
			el->w = (struct walk){drop_assignment, walk_stmt};
			for_all_code(el);
			usage_reset(st);
			el->w = (struct walk){NULL, drop_statement};
			for_all_code(el);
			if (el->first)
				warn_functions(el);
			drop_probes(el);
		}
		el->first = false;
	} while (el->changed);
	usage_fini(&el->use);
}

void sema_elide(struct sema_state *st)
{
	struct elider el = {.st = st, .first = true};

	optimise(&el, false);
}

void sema_optimise(struct sema_state *st)
{
	struct elider el = {.st = st};

	optimise(&el, true);
}

void sema_drop_unused(struct sema_state *st)
{
	struct elider el = {.st = st};

	use_all(&el);
	drop_functions(&el);
	drop_globals(&el);
	usage_fini(&el.use);
}
