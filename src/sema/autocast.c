/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * (e)->member: the C type of e, and whether it points into the kernel, follow from where its value came from.
 * Target variables and casts have one; assignments, arguments and returns hand it on to variables, parameters
 * and functions; the first one found counts.  Repeats until nothing more can be told.  A @defined of such an
 * expression is decided with it.
 */
#include "sema/state.h"
#include "sema/target.h"

struct origin {
	const struct dbg_type *type;	/* NULL: unknown */
	bool kernel;			/* addresses are the kernel's */
};

struct caster {
	struct walk w;
	struct sema_state *st;
	const struct probe_point *point;	/* of the body at hand */
	struct ast_function *fn;		/* or the function */
	struct { const struct ast_var *key; struct origin value; } *vars;
	struct { const struct ast_function *key; struct origin value; } *functions;
	bool progress, last;
	bool any;				/* the program has such expressions */
	bool decided;				/* some @defined has become a constant */
};

static const struct origin unknown;

static struct origin origin_of(struct caster *c, const struct ast_expr *e)
{
	const struct ast_expr *s;
	struct origin o;

	switch (e->kind) {
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
		return e->sema ? (struct origin){target_access_type(e->sema),
						 target_access_is_kernel(e->sema)} : unknown;
	case EXPR_ENTRY:
		return origin_of(c, e->wrap.operand);
	case EXPR_SYMBOL:
	case EXPR_INDEX:
		s = walk_root_symbol((struct ast_expr *)e);
		return s && s->symbol.referent ? hmget(c->vars, s->symbol.referent) : unknown;
	case EXPR_ASSIGN:
		return origin_of(c, e->binary.right);
	case EXPR_CALL:
		return e->call.ntargets ? hmget(c->functions, e->call.targets[0]) : unknown;
	case EXPR_TERNARY:
		o = origin_of(c, e->ternary.yes);
		return o.type ? o : origin_of(c, e->ternary.no);
	default:
		return unknown;
	}
}

static void learn_var(struct caster *c, const struct ast_var *v, const struct ast_expr *value)
{
	struct origin o;

	if (!v || hmget(c->vars, v).type)
		return;
	o = origin_of(c, value);
	if (!o.type)
		return;
	hmput(c->vars, v, o);
	c->progress = true;
}

static void learn_call(struct caster *c, const struct ast_expr *e)
{
	for (size_t i = 0; i < e->call.ntargets; i++)
		for (size_t k = 0; k < e->call.nargs && k < e->call.targets[i]->nparams; k++)
			learn_var(c, e->call.targets[i]->params[k], e->call.args[k]);
}

static void bind_autocast(struct caster *c, struct ast_expr *e)
{
	struct target_ctx ctx = {.ps = c->st->s->probe, .point = c->point};
	struct origin o = origin_of(c, e->target->operand);
	struct diag *why = NULL;

	c->any = true;
	if (e->sema || hmgeti(c->st->unbound, e) >= 0)
		return;
	if (!o.type && !c->last)
		return;
	ctx.operand_type = o.type;
	ctx.operand_kernel = o.kernel;
	e->sema = target_bind(&ctx, e, TARGET_READ, &why);
	if (!e->sema)
		hmput(c->st->unbound, e, why);
	c->progress = true;
}

static void cast_expr(struct walk *w, struct ast_expr *e)
{
	struct caster *c = (struct caster *)w;
	const struct ast_expr *s;

	walk_expr(w, e);
	switch (e->kind) {
	case EXPR_AUTOCAST:
		bind_autocast(c, e);
		break;
	case EXPR_ASSIGN:
		s = e->op == OP_NONE ? walk_root_symbol(e->binary.left) : NULL;
		if (s)
			learn_var(c, s->symbol.referent, e->binary.right);
		break;
	case EXPR_CALL:
		learn_call(c, e);
		break;
	case EXPR_DEFINED:
		if (sema_fold_defined(c->st, e))
			c->decided = c->progress = true;
		break;
	default:
		break;
	}
}

static void cast_stmt(struct walk *w, struct ast_stmt *s)
{
	struct caster *c = (struct caster *)w;
	struct origin o;

	if (s->kind == STMT_FOREACH && s->foreach->value)
		learn_var(c, s->foreach->value->symbol.referent, s->foreach->base);
	walk_stmt(w, s);
	if (s->kind != STMT_RETURN || !s->expr || !c->fn || hmget(c->functions, c->fn).type)
		return;
	o = origin_of(c, s->expr);
	if (o.type) {
		hmput(c->functions, c->fn, o);
		c->progress = true;
	}
}

static void cast_all(struct caster *c)
{
	struct sema_session *s = c->st->s;

	for (size_t i = 0; i < arrlenu(c->st->bodies); i++) {
		c->point = c->st->bodies[i]->point;
		cast_stmt(&c->w, c->st->bodies[i]->stmt);
	}
	c->point = NULL;
	for (size_t i = 0; i < arrlenu(s->functions); i++) {
		c->fn = s->functions[i];
		cast_stmt(&c->w, s->functions[i]->body);
	}
	c->fn = NULL;
}

bool sema_bind_autocasts(struct sema_state *st)
{
	struct caster c = {.w = {cast_expr, cast_stmt}, .st = st};

	do {
		c.progress = false;
		cast_all(&c);
	} while (c.progress && c.any);
	if (c.any) {
		c.last = true;
		cast_all(&c);
	}
	hmfree(c.vars);
	hmfree(c.functions);
	return c.decided;
}
