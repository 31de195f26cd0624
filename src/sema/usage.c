/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Use of variables and effects; see usage.h. */
#include "sema/usage.h"

#include <string.h>

#include "ir/ir.h"

/* ---- variables ---- */

struct collector {
	struct walk w;
	struct usage *u;
	unsigned use;	/* how the expression visited next is used */
};

static void collect_expr(struct walk *w, struct ast_expr *e);
static void collect_stmt(struct walk *w, struct ast_stmt *s);

static void collect_as(struct collector *c, struct ast_expr *e, unsigned use)
{
	unsigned saved = c->use;

	c->use = use;
	collect_expr(&c->w, e);
	c->use = saved;
}

static void mark(struct collector *c, const struct ast_expr *symbol)
{
	const struct ast_var *v = symbol->symbol.referent;
	unsigned had, use;
	ptrdiff_t i;

	if (!v)
		return;
	had = usage_of(c->u, v);
	use = had | c->use;
	if (use == had)	/* most of the time; and nothing waits any more for a local that is read */
		return;
	hmput(c->u->vars, v, use);
	i = use & USE_READ ? hmgeti(c->u->waiting, v) : -1;
	if (i < 0)
		return;
	for (size_t k = 0; k < arrlenu(c->u->waiting[i].value); k++)
		arrput(c->u->due, c->u->waiting[i].value[k]);
	arrsetlen(c->u->waiting[i].value, 0);
}

/* The value of `local = value` as a statement: nothing to look at until the local is read. */
static bool postpone(struct collector *c, const struct ast_expr *e)
{
	const struct ast_expr *left = e->binary.left;
	ptrdiff_t i;

	if (!c->u->transitive || e->op != OP_NONE || left->kind != EXPR_SYMBOL || !left->symbol.referent ||
	    left->symbol.referent->is_global || (usage_of(c->u, left->symbol.referent) & USE_READ) ||
	    !usage_effect_free(e->binary.right))
		return false;
	i = hmgeti(c->u->waiting, left->symbol.referent);
	if (i < 0) {
		hmput(c->u->waiting, left->symbol.referent, NULL);
		i = hmgeti(c->u->waiting, left->symbol.referent);
	}
	arrput(c->u->waiting[i].value, e->binary.right);
	return true;
}

static unsigned modifying(const struct ast_expr *e, unsigned needed)
{
	if (e->kind == EXPR_ASSIGN && (e->op == OP_NONE || e->op == OP_AGGREGATE))
		return USE_WRITTEN | needed;
	return USE_READ | USE_WRITTEN | needed;
}

/* Assignments and ++ --; their value is not wanted if `needed` is 0. */
static void collect_modified(struct collector *c, struct ast_expr *e, unsigned needed)
{
	if (e->kind == EXPR_ASSIGN) {
		bool plain = e->op == OP_NONE || e->op == OP_AGGREGATE;

		collect_as(c, e->binary.left, modifying(e, plain ? 0 : needed));
		if (needed || !postpone(c, e))
			collect_as(c, e->binary.right, USE_READ | USE_NEEDED);
	} else {
		collect_as(c, e->unary.operand, modifying(e, needed));
	}
}

static bool modifies(const struct ast_expr *e)
{
	return e->kind == EXPR_ASSIGN || e->kind == EXPR_PREFIX || e->kind == EXPR_POSTFIX;
}

static void collect_call(struct collector *c, struct ast_expr *e)
{
	for (size_t i = 0; i < e->call.ntargets; i++) {
		struct ast_function *f = e->call.targets[i];

		if (hmgeti(c->u->functions, f) >= 0)
			continue;
		hmput(c->u->functions, f, true);
		collect_stmt(&c->w, f->body);
	}
}

static void collect_keys(struct collector *c, struct ast_expr **keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i])
			collect_as(c, keys[i], USE_READ | USE_NEEDED);
}

static void collect_expr(struct walk *w, struct ast_expr *e)
{
	struct collector *c = (struct collector *)w;
	unsigned saved = c->use;

	switch (e->kind) {
	case EXPR_SYMBOL:
		mark(c, e);
		break;
	case EXPR_INDEX:
		collect_expr(w, e->index.base);
		collect_keys(c, e->index.keys, e->index.nkeys);
		break;
	case EXPR_ASSIGN:
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		collect_modified(c, e, USE_NEEDED);
		break;
	case EXPR_CALL:
		c->use = USE_READ | USE_NEEDED;
		walk_expr(w, e);
		collect_call(c, e);
		c->use = saved;
		break;
	default:
		c->use = USE_READ | USE_NEEDED;
		walk_expr(w, e);
		c->use = saved;
		break;
	}
}

static void collect_stmt(struct walk *w, struct ast_stmt *s)
{
	struct collector *c = (struct collector *)w;
	const struct ast_foreach *f;

	switch (s->kind) {
	case STMT_EXPR:
		if (modifies(s->expr))
			collect_modified(c, s->expr, 0);
		else
			collect_expr(w, s->expr);
		break;
	case STMT_DELETE:
		collect_as(c, s->expr, USE_READ | USE_WRITTEN | USE_NEEDED);
		break;
	case STMT_FOREACH:
		f = s->foreach;
		for (size_t i = 0; i < f->nkeys; i++)
			if (f->keys[i])
				collect_as(c, f->keys[i], USE_WRITTEN);
		if (f->value)
			collect_as(c, f->value, USE_WRITTEN);
		/* sorting counts as a change of the array's order */
		collect_as(c, f->base, c->use | (f->sort_dir ? USE_WRITTEN : 0));
		if (f->slice)
			collect_keys(c, f->slice, f->nslice);
		if (f->limit)
			collect_expr(w, f->limit);
		collect_stmt(w, f->body);
		break;
	case STMT_TRY:
		collect_stmt(w, s->try_.body);
		if (s->try_.error)
			collect_as(c, s->try_.error, USE_WRITTEN);
		if (s->try_.handler)
			collect_stmt(w, s->try_.handler);
		break;
	case STMT_FOR:
	case STMT_WHILE:
		if (s->loop.init)
			collect_expr(w, s->loop.init);
		collect_expr(w, s->loop.cond);
		if (s->loop.step)
			collect_expr(w, s->loop.step);
		collect_stmt(w, s->loop.body);
		break;
	default:
		walk_stmt(w, s);
		break;
	}
}

void usage_collect(struct usage *u, struct ast_stmt *s, struct ast_expr *e)
{
	struct collector c = {{collect_expr, collect_stmt}, u, USE_READ | USE_NEEDED};

	if (s)
		collect_stmt(&c.w, s);
	if (e)
		collect_expr(&c.w, e);
}

void usage_collect_all(struct usage *u, struct sema_state *st)
{
	for (size_t i = 0; i < arrlenu(st->bodies); i++)
		usage_collect(u, st->bodies[i]->stmt, st->bodies[i]->cond);
	while (arrlenu(u->due)) {
		struct ast_expr *e = arrpop(u->due);

		usage_collect(u, NULL, e);
	}
}

unsigned usage_of(struct usage *u, const struct ast_var *v)
{
	ptrdiff_t i = hmgeti(u->vars, v);

	return i < 0 ? 0 : u->vars[i].value;
}

void usage_fini(struct usage *u)
{
	hmfree(u->vars);
	hmfree(u->functions);
	for (ptrdiff_t i = 0; i < hmlen(u->waiting); i++)
		arrfree(u->waiting[i].value);
	hmfree(u->waiting);
	arrfree(u->due);
}

/* ---- effects ---- */

enum { EFFECTS_UNKNOWN, EFFECTS_NONE, EFFECTS_SOME };

struct effects {
	struct walk w;
	const struct ast_function *fn;	/* whose body is looked at, or NULL */
	bool found;
};

static void effects_expr(struct walk *w, struct ast_expr *e);
static void effects_stmt(struct walk *w, struct ast_stmt *s);

/* "ir OPNAME ...": does the operation change anything? */
static bool embedded_has_effects(const struct ast_embedded *em)
{
	const char *p = em->text + strspn(em->text, " \t\n");
	size_t len;

	if (strncmp(p, "ir ", 3))
		return !(em->tags & AST_TAG_PURE);
	p += 3 + strspn(p + 3, " \t\n");
	len = strcspn(p, " \t\n");
	for (int op = 0; op < IR_OP_COUNT; op++) {
		const char *name = ir_op_table[op].name;

		if (strlen(name) == len && !strncmp(name, p, len))
			return ir_op_table[op].flags & IRF_EFFECT;
	}
	return true;
}

static bool function_has_effects(struct ast_function *f)
{
	struct sema_function *sf = f->sema;
	struct effects e = {{effects_expr, effects_stmt}, f, false};

	if (sf->visiting)
		return false;	/* recursion: decided by the rest of the body */
	if (sf->effects == EFFECTS_UNKNOWN) {
		sf->visiting = true;
		effects_stmt(&e.w, f->body);
		sf->visiting = false;
		sf->effects = e.found ? EFFECTS_SOME : EFFECTS_NONE;
	}
	return sf->effects == EFFECTS_SOME;
}

static bool writes_own_local(const struct effects *x, struct ast_expr *lvalue)
{
	const struct ast_expr *s = walk_root_symbol(lvalue);

	return x->fn && s && s->symbol.referent && !s->symbol.referent->is_global;
}

static void effects_expr(struct walk *w, struct ast_expr *e)
{
	struct effects *x = (struct effects *)w;

	if (x->found)
		return;
	switch (e->kind) {
	case EXPR_ASSIGN:
		x->found = !writes_own_local(x, e->binary.left);
		break;
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		x->found = !writes_own_local(x, e->unary.operand);
		break;
	case EXPR_PRINT:
		x->found = !e->print->to_string;
		break;
	case EXPR_EMBEDDED:
		x->found = embedded_has_effects(e->embedded);
		break;
	case EXPR_CALL:
		for (size_t i = 0; i < e->call.ntargets; i++)
			x->found |= function_has_effects(e->call.targets[i]);
		break;
	default:
		break;
	}
	if (!x->found)
		walk_expr(w, e);
}

static void effects_stmt(struct walk *w, struct ast_stmt *s)
{
	struct effects *x = (struct effects *)w;

	if (s->kind == STMT_DELETE)
		x->found = true;
	if (s->kind == STMT_EMBEDDED)
		x->found |= embedded_has_effects(s->embedded);
	if (!x->found)
		walk_stmt(w, s);
}

bool usage_effect_free(struct ast_expr *e)
{
	struct effects x = {{effects_expr, effects_stmt}, NULL, false};

	effects_expr(&x.w, e);
	return !x.found;
}

void usage_reset(struct sema_state *st)
{
	for (size_t i = 0; i < arrlenu(st->s->functions); i++)
		((struct sema_function *)st->s->functions[i]->sema)->effects = EFFECTS_UNKNOWN;
}
