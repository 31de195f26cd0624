/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Type inference: expressions, messages, and the fixpoint over the program.
 *
 * Requires resolved symbols.  Rounds over all functions, bodies and conditions let types
 * flow both ways, from contexts into operands and back through variables, until a round adds
 * nothing.  If something is still unknown or in conflict, one more round issues messages.
 * Of several kinds of conflict only the most telling is reported (unless verbose): a variable's
 * two places before an operand's wrong type before a type that is merely unresolved.
 */
#include "sema/types.h"

#include "sema/target.h"

static const char *type_name(enum ast_type t)
{
	return ast_type_text(t);
}

/* ---- messages ---- */

void type_set(struct typer *ty, enum ast_type *slot, enum ast_type t)
{
	*slot = t;
	ty->newly++;
}

static bool reports(struct typer *ty, int complexity)
{
	ty->unresolved++;
	if (ty->final && ty->complexity <= complexity) {
		ty->told = true;
		return true;
	}
	if (ty->complexity < complexity)
		ty->complexity = complexity;
	return false;
}

void type_unresolved(struct typer *ty, const struct span *at)
{
	if (reports(ty, 0))
		diag_error(ty->st->s->diag, "unresolved-type", at, "unresolved type ");
}

static void mismatch_sides(struct typer *ty, const struct ast_expr *e, const struct ast_expr *left,
			   const struct ast_expr *right)
{
	if (reports(ty, 1))
		diag_error(ty->st->s->diag, "type-mismatch-sides", &e->at,
			   "type mismatch: left and right sides don't agree (%s vs %s)",
			   type_name(left->type), type_name(right->type));
}

static void type_mismatch(struct typer *ty, const struct span *at, enum ast_type want, enum ast_type found)
{
	if (!reports(ty, 2))
		return;
	if (found == AST_UNKNOWN)
		diag_error(ty->st->s->diag, "type-mismatch", at, "type mismatch: expected %s",
			   type_name(want));
	else
		diag_error(ty->st->s->diag, "type-mismatch", at,
			   "type mismatch: expected %s but found %s", type_name(want),
			   type_name(found));
}

/* A conflict with a type first inferred at `first` (src NULL: declared). */
static void mismatch_places(struct typer *ty, const struct span *at, enum ast_type found,
			    const struct span *first, enum ast_type had, int index)
{
	struct diag_sink *sink = ty->st->s->diag;
	struct diag *d, *origin;

	if (!reports(ty, 3))
		return;
	if (!first || !first->src) {
		diag_error(sink, "type-mismatch-declared", at, "type mismatch: expected %s but found %s",
			   type_name(found), type_name(had));
		return;
	}
	if (index >= 0) {
		d = diag_new(sink, DIAG_SEMANTIC_ERROR, "type-mismatch-index", at,
			     "index %d type mismatch (%s)", index, type_name(found));
		origin = diag_new(sink, DIAG_SEMANTIC_ERROR, "type-inferred-index", first,
				  "type of index %d was first inferred here (%s)", index,
				  type_name(had));
	} else {
		d = diag_new(sink, DIAG_SEMANTIC_ERROR, "type-mismatch-symbol", at,
			     "type mismatch (%s)", type_name(found));
		origin = diag_new(sink, DIAG_SEMANTIC_ERROR, "type-inferred", first,
				  "type was first inferred here (%s)", type_name(had));
	}
	diag_issue(sink, diag_chain(d, origin));
}

static int param_index(const struct ast_function *fn, const struct ast_var *var)
{
	for (size_t i = 0; fn && i < fn->nparams; i++)
		if (fn->params[i] == var)
			return (int)i;
	return -1;
}

static void type_mismatch_decl(struct typer *ty, const struct span *at, enum ast_type found,
			       const struct ast_var *var, int index)
{
	const struct span *first = &var->type_at;

	if (index < 0 && !var->is_global) {
		index = param_index(ty->fn, var);
		if (index >= 0 && !var->type_at.src)
			first = &((const struct sema_local *)var->sema)->call_at;
		else
			index = -1;
	} else if (index >= 0) {
		first = &((const struct sema_local *)var->sema)->call_at;
	}
	mismatch_places(ty, at, found, first, var->type, index);
}

void type_mismatch_function(struct typer *ty, const struct span *at, enum ast_type found,
			    const struct ast_function *f)
{
	mismatch_places(ty, at, found, &f->type_at, f->type, -1);
}

void type_invalid(struct typer *ty, const struct span *at, enum ast_type t)
{
	ty->unresolved++;
	if (!ty->final)
		return;
	ty->told = true;
	if (at->kind == SPAN_OPERATOR)
		diag_error(ty->st->s->diag, "invalid-operator", at, "invalid operator");
	else
		diag_error(ty->st->s->diag, "invalid-type", at, "invalid type %s", type_name(t));
}

/* ---- expressions ---- */

/*
 * An expression `e` that stands for something with a type of its own (`*decl`, whose
 * conflicts `conflict` reports), in a context that wants `want`.
 */
enum agreement { AGREES, CONFLICT_OWN, CONFLICT_WANT, NEW_OWN, NEW_DECL, UNKNOWN };

static enum agreement agree(enum ast_type own, enum ast_type decl, enum ast_type want)
{
	if (own != AST_UNKNOWN && own == decl && (want == AST_UNKNOWN || want == own))
		return AGREES;
	if (own != AST_UNKNOWN && decl != AST_UNKNOWN && own != decl)
		return CONFLICT_OWN;
	if (own != AST_UNKNOWN && want != AST_UNKNOWN && own != want)
		return CONFLICT_WANT;
	if (decl != AST_UNKNOWN && want != AST_UNKNOWN && decl != want)
		return CONFLICT_WANT;
	if (own == AST_UNKNOWN && (want != AST_UNKNOWN || decl != AST_UNKNOWN))
		return NEW_OWN;
	if (own != AST_UNKNOWN && decl == AST_UNKNOWN)
		return NEW_DECL;
	return UNKNOWN;
}

static void type_reference(struct typer *ty, struct ast_expr *e, struct ast_var *var,
			   enum ast_type want)
{
	switch (agree(e->type, var->type, want)) {
	case AGREES:
		break;
	case CONFLICT_OWN:
		type_mismatch_decl(ty, &e->at, e->type, var, -1);
		break;
	case CONFLICT_WANT:
		type_mismatch_decl(ty, &e->at, want, var, -1);
		break;
	case NEW_OWN:
		type_set(ty, &e->type, want != AST_UNKNOWN ? want : var->type);
		break;
	case NEW_DECL:
		type_set(ty, &var->type, e->type);
		var->type_at = e->at;
		break;
	case UNKNOWN:
		type_unresolved(ty, &e->at);
		break;
	}
}

static void type_return_value(struct typer *ty, struct ast_expr *e, struct ast_function *f,
			      enum ast_type want)
{
	switch (agree(e->type, f->type, want)) {
	case CONFLICT_OWN:
		type_mismatch_function(ty, &e->at, e->type, f);
		break;
	case CONFLICT_WANT:
		type_mismatch_function(ty, &e->at, want, f);
		break;
	case NEW_OWN:
		type_set(ty, &e->type, want != AST_UNKNOWN ? want : f->type);
		break;
	case NEW_DECL:
		type_set(ty, &f->type, e->type);
		f->type_at = e->at;
		break;
	case AGREES:
	case UNKNOWN:	/* a function without a value */
		break;
	}
}

static void type_argument(struct typer *ty, struct ast_expr *arg, struct ast_var *param, int i)
{
	struct sema_local *l = param->sema;

	type_expr(ty, arg, param->type);
	if ((arg->type == AST_STRING || arg->type == AST_LONG) && param->type == AST_UNKNOWN) {
		type_set(ty, &param->type, arg->type);
		l->call_at = arg->at;
	}
	if (arg->type == AST_STATS)
		type_invalid(ty, &arg->at, arg->type);
	if (param->type == AST_STATS)
		type_invalid(ty, &param->at, param->type);
	if (arg->type != AST_UNKNOWN && param->type != AST_UNKNOWN && arg->type != param->type)
		type_mismatch_decl(ty, &arg->at, arg->type, param, i);
	if (arg->type == AST_UNKNOWN)
		type_unresolved(ty, &arg->at);
}

static void type_call(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	for (size_t n = 0; n < e->call.ntargets; n++) {
		struct ast_function *f = e->call.targets[n];

		type_return_value(ty, e, f, want);
		if (e->type == AST_STATS)
			type_invalid(ty, &e->at, e->type);
		for (size_t i = 0; i < e->call.nargs && i < f->nparams; i++)
			type_argument(ty, e->call.args[i], f->params[i], (int)i);
	}
}

static void key_mismatch(struct typer *ty, const struct ast_var *array, const struct ast_expr *key,
			 int i)
{
	const struct sema_global *g = array->sema;

	mismatch_places(ty, &key->at, key->type, &g->key_at[i], array->key_types[i], i);
}

void type_keys(struct typer *ty, struct ast_var *array, struct ast_expr **keys, size_t n,
	       const struct span *at)
{
	struct sema_global *g = array->sema;

	if (array->arity < 0 || (size_t)array->arity != n) {
		type_unresolved(ty, at);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		enum ast_type *kt = &array->key_types[i];

		if (!keys[i])
			continue;
		type_expr(ty, keys[i], *kt);
		if ((keys[i]->type == AST_STRING || keys[i]->type == AST_LONG) && *kt == AST_UNKNOWN) {
			type_set(ty, kt, keys[i]->type);
			g->key_at[i] = keys[i]->at;
		}
		if (keys[i]->type == AST_STATS)
			type_invalid(ty, &keys[i]->at, AST_STATS);
		if (keys[i]->type != AST_UNKNOWN && *kt != AST_UNKNOWN && keys[i]->type != *kt)
			key_mismatch(ty, array, keys[i], (int)i);
		if (keys[i]->type == AST_UNKNOWN)
			type_unresolved(ty, &keys[i]->at);
	}
}

void type_hist_key(struct typer *ty, struct ast_expr *base, struct ast_expr **keys, size_t n,
		   const struct span *at)
{
	if (n != 1)
		type_unresolved(ty, at);
	if (n && keys[0]) {
		type_expr(ty, keys[0], AST_LONG);
		if (keys[0]->type != AST_LONG)
			type_unresolved(ty, at);
	}
	type_expr(ty, base, AST_UNKNOWN);
}

static void type_index(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	struct ast_expr *base = e->index.base;

	if (base->kind == EXPR_HIST) {
		if (want == AST_STRING || want == AST_STATS)
			type_mismatch(ty, &e->at, want, AST_LONG);
		type_hist_key(ty, base, e->index.keys, e->index.nkeys, &e->at);
		if (e->type != AST_LONG)
			type_set(ty, &e->type, AST_LONG);
		return;
	}
	type_reference(ty, e, base->symbol.referent, want);
	base->type = e->type;
	type_keys(ty, base->symbol.referent, e->index.keys, e->index.nkeys, &e->at);
}

static void type_in(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	struct ast_expr *base = e->index.base;

	if (base->kind == EXPR_HIST) {
		type_hist_key(ty, base, e->index.keys, e->index.nkeys, &e->at);
	} else {
		type_expr(ty, base, AST_UNKNOWN);
		type_keys(ty, base->symbol.referent, e->index.keys, e->index.nkeys, &e->at);
	}
	if (want == AST_STRING || want == AST_STATS)
		type_mismatch(ty, &e->at, want, AST_LONG);
	else if (e->type == AST_UNKNOWN)
		type_set(ty, &e->type, AST_LONG);
}

/* Gives e the type that its operator has, and tells if the context wants another. */
static void type_operator(struct typer *ty, struct ast_expr *e, enum ast_type want, enum ast_type is)
{
	if (want == AST_STATS || (want != AST_UNKNOWN && want != is))
		type_invalid(ty, &e->at, want);
	if (e->type == AST_UNKNOWN)
		type_set(ty, &e->type, is);
}

static void type_operands(struct typer *ty, struct ast_expr *e, enum ast_type want,
			  enum ast_type operands, enum ast_type is)
{
	struct ast_expr *l = e->binary.left, *r = e->binary.right;

	if (want == AST_STATS || (want != AST_UNKNOWN && want != is))
		type_invalid(ty, &e->at, want);
	type_expr(ty, l, operands);
	type_expr(ty, r, operands);
	if ((e->kind == EXPR_BINARY || (e->kind == EXPR_ASSIGN && is == AST_LONG)) &&
	    l->type != AST_UNKNOWN && r->type != AST_UNKNOWN && l->type != r->type)
		mismatch_sides(ty, e, l, r);
	if (e->type == AST_UNKNOWN)
		type_set(ty, &e->type, is);
}

static void type_compare(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	struct ast_expr *l = e->binary.left, *r = e->binary.right;

	if (want == AST_STATS || want == AST_STRING)
		type_invalid(ty, &e->at, want);
	type_expr(ty, l, r->type);
	type_expr(ty, r, l->type);
	if (l->type != AST_UNKNOWN && r->type != AST_UNKNOWN && l->type != r->type)
		mismatch_sides(ty, e, l, r);
	if (e->type == AST_UNKNOWN)
		type_set(ty, &e->type, AST_LONG);
}

/* The two ways of a `?:`, or the two sides of a `=`: of one type, which is that of the whole. */
static void type_same(struct typer *ty, struct ast_expr *e, enum ast_type want, struct ast_expr *a,
		      struct ast_expr *b)
{
	enum ast_type sub = want != AST_UNKNOWN ? want : e->type;

	type_expr(ty, a, sub != AST_UNKNOWN ? sub : b->type);
	type_expr(ty, b, sub != AST_UNKNOWN ? sub : a->type);
	if (e->type == AST_UNKNOWN) {
		enum ast_type t = sub != AST_UNKNOWN ? sub : a->type != AST_UNKNOWN ? a->type : b->type;

		if (t == AST_STATS)
			type_invalid(ty, &e->at, t);
		else if (t != AST_UNKNOWN)
			type_set(ty, &e->type, t);
	}
	if (a->type != AST_UNKNOWN && b->type != AST_UNKNOWN && a->type != b->type)
		mismatch_sides(ty, e, a, b);
}

static void type_assign(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	struct ast_expr *l = e->binary.left, *r = e->binary.right;

	if (want == AST_STATS)
		type_invalid(ty, &e->at, want);
	if (e->op == OP_AGGREGATE) {
		if (want == AST_STRING)
			type_invalid(ty, &e->at, want);
		type_expr(ty, l, AST_STATS);
		type_expr(ty, r, AST_LONG);
		if (e->type == AST_UNKNOWN || e->type == AST_STATS)
			type_set(ty, &e->type, AST_LONG);
	} else if (r->type == AST_STATS) {
		type_invalid(ty, &r->at, r->type);
	} else if (e->op == OP_NONE) {
		type_same(ty, e, want, l, r);
	} else {
		enum ast_type is = e->op == OP_CONCAT ? AST_STRING : AST_LONG;

		type_operands(ty, e, want, is, is);
	}
}

static void check_arg(struct typer *ty, struct ast_expr *arg, enum ast_type want)
{
	type_expr(ty, arg, want);
	if (arg->type == AST_UNKNOWN)
		type_set(ty, &arg->type, want);
	else if (arg->type != want)
		type_mismatch(ty, &arg->at, want, arg->type);
}

void type_insist(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	check_arg(ty, e, want);
}

static size_t format_nargs(const struct ast_print *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nformats; i++)
		n += (p->formats[i].conv != CONV_LITERAL) + (p->formats[i].width_kind == FMT_DYNAMIC) +
		     (p->formats[i].precision_kind == FMT_DYNAMIC);
	return n;
}

static void type_format(struct typer *ty, struct ast_expr *e)
{
	const struct ast_print *p = e->print;
	size_t arg = 0;

	if (format_nargs(p) != p->nargs) {
		diag_error(ty->st->s->diag, "format-arguments", &e->at,
			   "Wrong number of args to formatted print operator");
		ty->stop = true;
		return;
	}
	for (size_t i = 0; i < p->nformats; i++) {
		const struct ast_format *f = &p->formats[i];

		if (f->conv == CONV_LITERAL)
			continue;
		if (f->width_kind == FMT_DYNAMIC)
			check_arg(ty, p->args[arg++], AST_LONG);
		if (f->precision_kind == FMT_DYNAMIC)
			check_arg(ty, p->args[arg++], AST_LONG);
		check_arg(ty, p->args[arg++], f->conv == CONV_STRING ? AST_STRING : AST_LONG);
	}
}

static void type_print(struct typer *ty, struct ast_expr *e)
{
	const struct ast_print *p = e->print;
	size_t unknown = 0;

	if (p->hist) {
		type_expr(ty, p->hist, AST_UNKNOWN);
	} else if (p->with_format) {
		type_format(ty, e);
	} else {
		for (size_t i = 0; i < p->nargs; i++) {
			type_expr(ty, p->args[i], AST_UNKNOWN);
			if (p->args[i]->type == AST_UNKNOWN) {
				type_unresolved(ty, &p->args[i]->at);
				unknown++;
			} else if (p->args[i]->type == AST_STATS) {
				type_invalid(ty, &p->args[i]->at, AST_STATS);
			}
		}
	}
	if (unknown) {
		e->type = AST_UNKNOWN;
		type_unresolved(ty, &e->at);
	} else if (e->type == AST_UNKNOWN) {
		type_set(ty, &e->type, p->to_string ? AST_STRING : AST_LONG);
	}
}

/* A print of the wrong type; an operator around it says it better. */
static void mismatch_print(struct typer *ty, const struct ast_expr *e, enum ast_type want)
{
	if (reports(ty, 0))
		diag_error(ty->st->s->diag, "type-mismatch", &e->at,
			   "type mismatch: expected %s but found %s", type_name(want),
			   type_name(e->type));
}

/* Something whose type is given: literals, target variables, embedded expressions. */
static void type_fixed(struct typer *ty, struct ast_expr *e, enum ast_type is, enum ast_type want)
{
	if (e->type == AST_UNKNOWN)
		type_set(ty, &e->type, is);
	if (want == AST_UNKNOWN || want == e->type)
		return;
	if (e->kind == EXPR_NUMBER || e->kind == EXPR_STRING)
		type_mismatch(ty, &e->at, want, e->type);
	else
		mismatch_places(ty, &e->at, want, NULL, e->type, -1);
}

static void type_operand_cb(struct walk *w, struct ast_expr *e)
{
	type_insist((struct typer *)w, e, AST_LONG);
}

static void type_target(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	struct walk operands = ty->w;
	ptrdiff_t i = hmgeti(ty->st->unbound, e);

	if (i >= 0) {
		if (ty->final)
			diag_issue(ty->st->s->diag, ty->st->unbound[i].value);
		ty->told |= ty->final;
		ty->unresolved++;
		return;
	}
	if (e->kind == EXPR_ENTRY) {
		type_expr(ty, e->wrap.operand, want);
		if (e->wrap.operand->type == AST_UNKNOWN)
			type_unresolved(ty, &e->wrap.operand->at);
		else
			type_fixed(ty, e, e->wrap.operand->type, want);
		return;
	}
	ty->w.expr = type_operand_cb;
	walk_expr(&ty->w, e);
	ty->w = operands;
	type_fixed(ty, e, target_type(e->sema), want);
}

/* @count(s) and its like */
static void type_extractor(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	type_expr(ty, e->stat.stat, AST_STATS);
	if (want == AST_STRING || want == AST_STATS)
		type_mismatch(ty, &e->at, want, AST_LONG);
	if (e->type == AST_UNKNOWN)
		type_set(ty, &e->type, AST_LONG);
}

static void type_printed(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	type_print(ty, e);
	if (want != AST_UNKNOWN && e->type != AST_UNKNOWN && want != e->type)
		mismatch_print(ty, e, want);
}

void type_expr(struct typer *ty, struct ast_expr *e, enum ast_type want)
{
	if (ty->stop)
		return;
	switch (e->kind) {
	case EXPR_NUMBER:
	case EXPR_DEFINED:
	case EXPR_REGISTER:
	case EXPR_PROBEWRITE:
		type_fixed(ty, e, AST_LONG, want);
		break;
	case EXPR_STRING:
		type_fixed(ty, e, AST_STRING, want);
		break;
	case EXPR_EMBEDDED:
		type_fixed(ty, e, e->embedded->tags & AST_TAG_STRING ? AST_STRING : AST_LONG, want);
		break;
	case EXPR_SYMBOL:
		if (e->symbol.referent)
			type_reference(ty, e, e->symbol.referent, want);
		break;
	case EXPR_INDEX:
		type_index(ty, e, want);
		break;
	case EXPR_IN:
		type_in(ty, e, want);
		break;
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
	case EXPR_ENTRY:
	case EXPR_PERF:
	case EXPR_CONST:
	case EXPR_ENUM:
		type_target(ty, e, want);
		break;
	case EXPR_DEREF:
		type_insist(ty, e->raw.address, AST_LONG);
		type_fixed(ty, e, AST_LONG, want);
		break;
	case EXPR_STAT:
		type_extractor(ty, e, want);
		break;
	case EXPR_HIST:
		type_expr(ty, e->hist.stat, AST_STATS);
		break;
	case EXPR_CALL:
		type_call(ty, e, want);
		break;
	case EXPR_PRINT:
		type_printed(ty, e, want);
		break;
	case EXPR_UNARY:
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		type_expr(ty, e->unary.operand, AST_LONG);
		type_operator(ty, e, want, AST_LONG);
		break;
	case EXPR_BINARY:
	case EXPR_LOGICAL:
		type_operands(ty, e, want, AST_LONG, AST_LONG);
		break;
	case EXPR_REGEX:
		type_operands(ty, e, want, AST_STRING, AST_LONG);
		break;
	case EXPR_CONCAT:
		type_operands(ty, e, want, AST_STRING, AST_STRING);
		break;
	case EXPR_COMPARE:
		type_compare(ty, e, want);
		break;
	case EXPR_TERNARY:
		type_expr(ty, e->ternary.cond, AST_LONG);
		type_same(ty, e, want, e->ternary.yes, e->ternary.no);
		break;
	case EXPR_ASSIGN:
		type_assign(ty, e, want);
		break;
	}
}
