/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions: AST trees to effect-free IR trees.
 *
 * Requires a type-checked AST (every expression typed, every symbol bound).
 * Guarantees the IR rule that effects stand at statement roots, and left to
 * right evaluation: when a later operand has effects, earlier ones are saved.
 */
#include "lower/parts.h"

#include <assert.h>

#include "ir/bound.h"
#include "ir/pure.h"
#include "lower/target.h"

enum ir_type lower_type(enum ast_type t)
{
	switch (t) {
	case AST_LONG:   return IR_I64;
	case AST_STRING: return IR_STR;
	case AST_STATS:  return IR_STAT;
	default:         return IR_VOID;
	}
}

/* ---- construction ---- */

struct ir_expr *lower_opn(struct lower *L, enum ir_op op, struct ir_expr *const *args, uint32_t n,
			  const struct span *at)
{
	struct ir_expr *e = ir_expr_new(L->mod->ir, op, at, 0);

	e->nargs = n;
	e->args = arena_memdup(L->mod->arena, args, n * sizeof(*args));
	return ir_expr_rebound(L->mod->ir, e);
}

struct ir_expr *lower_op1(struct lower *L, enum ir_op op, struct ir_expr *a, const struct span *at)
{
	return lower_opn(L, op, &a, 1, at);
}

struct ir_expr *lower_op2(struct lower *L, enum ir_op op, struct ir_expr *a, struct ir_expr *b,
			  const struct span *at)
{
	struct ir_expr *args[] = { a, b };

	return lower_opn(L, op, args, 2, at);
}

/* ---- effects ---- */

static bool any_effects(struct ast_expr *const *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (e[i] && lower_has_effects(e[i]))
			return true;
	return false;
}

static bool target_has_effects(const struct ast_target *t)
{
	if (t->operand && lower_has_effects(t->operand))
		return true;
	for (size_t i = 0; i < t->naccesses; i++)
		if (t->accesses[i].index && lower_has_effects(t->accesses[i].index))
			return true;
	return false;
}

bool lower_has_effects(const struct ast_expr *e)
{
	switch (e->kind) {
	case EXPR_ASSIGN:
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		return true;
	case EXPR_CALL:
		for (size_t i = 0; i < e->call.ntargets; i++)
			if (lower_call_has_effects(e->call.targets[i]))
				return true;
		return any_effects(e->call.args, e->call.nargs);
	case EXPR_PRINT:
		return !e->print->to_string || any_effects(e->print->args, e->print->nargs);
	case EXPR_UNARY:
		return lower_has_effects(e->unary.operand);
	case EXPR_BINARY:
	case EXPR_COMPARE:
	case EXPR_LOGICAL:
	case EXPR_CONCAT:
	case EXPR_REGEX:
		return lower_has_effects(e->binary.left) || lower_has_effects(e->binary.right);
	case EXPR_TERNARY:
		return lower_has_effects(e->ternary.cond) || lower_has_effects(e->ternary.yes) ||
		       lower_has_effects(e->ternary.no);
	case EXPR_INDEX:
	case EXPR_IN:
		return any_effects(e->index.keys, e->index.nkeys);
	case EXPR_STAT:
		return lower_has_effects(e->stat.stat);
	case EXPR_HIST:
		return lower_has_effects(e->hist.stat);
	case EXPR_TARGET:
	case EXPR_ATVAR:
	case EXPR_CAST:
	case EXPR_AUTOCAST:
		return target_has_effects(e->target);
	case EXPR_DEREF:
		return lower_has_effects(e->raw.address);
	default:
		return false;
	}
}

void lower_exprs(struct lower *L, struct ast_expr *const *e, size_t n, struct ir_expr **out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = lower_expr(L, e[i]);
		if (any_effects(e + i + 1, n - i - 1))
			out[i] = lower_share(L, out[i]);
	}
}

/* ---- variables ---- */

void lower_place(struct lower *L, const struct ast_expr *e, struct lower_place *p)
{
	const struct ast_expr *base = e;

	p->nkeys = 0;
	if (e->kind == EXPR_INDEX || e->kind == EXPR_IN) {
		base = e->index.base;
		p->nkeys = (uint32_t)e->index.nkeys;
		assert(p->nkeys <= IR_MAX_KEYS);
		lower_exprs(L, e->index.keys, e->index.nkeys, p->keys);
	}
	assert(base->kind == EXPR_SYMBOL);
	p->global = lower_global(L->mod, base->symbol.referent);
}

struct ir_expr *lower_place_op(struct lower *L, enum ir_op op, const struct lower_place *p,
			       struct ir_expr *value, const struct span *at)
{
	struct ir_expr *args[IR_MAX_KEYS + 1], *e;
	const struct ir_global *g = L->mod->ir->globals[p->global];
	uint32_t n = 0;

	for (; n < p->nkeys; n++)
		args[n] = p->keys[n];
	if (value)
		args[n++] = value;
	e = lower_opn(L, op, args, n, at);
	e->sym = p->global;
	if (op == IR_GLOAD || op == IR_ALOAD) {
		e->type = g->type;
		e->bound = g->type == IR_STR ? g->bound : 0;
	}
	return e;
}

static struct ir_expr *lower_symbol(struct lower *L, const struct ast_expr *e)
{
	const struct ast_var *v = e->symbol.referent;

	if (v->is_global) {
		struct lower_place p = { .global = lower_global(L->mod, v) };

		return lower_place_op(L, IR_GLOAD, &p, NULL, &e->at);
	}
	return lower_local(L, lower_var(L, v), &e->at);
}

/* ---- histograms ---- */

/* The place whose histogram EXPR_HIST names. */
static void hist_place(struct lower *L, const struct ast_expr *hist, struct lower_place *p)
{
	lower_place(L, hist->hist.stat, p);
}

static struct ir_expr *lower_hist_count(struct lower *L, const struct ast_expr *e)
{
	struct lower_place p;
	struct ir_expr *bucket;

	hist_place(L, e->index.base, &p);
	if (lower_has_effects(e->index.keys[0]))
		for (uint32_t i = 0; i < p.nkeys; i++)
			p.keys[i] = lower_share(L, p.keys[i]);
	bucket = lower_expr(L, e->index.keys[0]);
	return lower_place_op(L, IR_HIST_COUNT, &p, bucket, &e->at);
}

static struct ir_expr *lower_in(struct lower *L, const struct ast_expr *e)
{
	struct lower_place p;

	if (e->index.base->kind == EXPR_HIST) {
		struct ir_expr *i = lower_share(L, lower_expr(L, e->index.keys[0])), *n, *lo, *hi;

		hist_place(L, e->index.base, &p);
		n = lower_opn(L, IR_HIST_BUCKETS, NULL, 0, &e->at);
		n->sym = p.global;
		lo = lower_op2(L, IR_LE, ir_const(L->mod->ir, 0, &e->at), i, &e->at);
		hi = lower_op2(L, IR_LT, i, n, &e->at);
		return lower_op2(L, IR_ANDTHEN, lo, hi, &e->at);
	}
	if (lower_has_wildcard(e))
		return lower_in_slice(L, e);
	lower_place(L, e, &p);
	return lower_place_op(L, IR_AHAS, &p, NULL, &e->at);
}

static struct ir_expr *lower_index(struct lower *L, const struct ast_expr *e)
{
	struct lower_place p;

	if (e->index.base->kind == EXPR_HIST)
		return lower_hist_count(L, e);
	lower_place(L, e, &p);
	return lower_place_op(L, IR_ALOAD, &p, NULL, &e->at);
}

static struct ir_expr *lower_stat(struct lower *L, const struct ast_expr *e)
{
	static const enum ir_stat fn[] = {
		[STAT_COUNT] = IR_STAT_COUNT, [STAT_SUM] = IR_STAT_SUM, [STAT_AVG] = IR_STAT_AVG,
		[STAT_MIN] = IR_STAT_MIN, [STAT_MAX] = IR_STAT_MAX, [STAT_VARIANCE] = IR_STAT_VARIANCE,
	};
	struct lower_place p;
	struct ir_expr *shift = NULL, *r;

	lower_place(L, e->stat.stat, &p);
	if (e->stat.fn == STAT_VARIANCE)
		shift = ir_const(L->mod->ir, e->stat.has_param ? e->stat.param : 0, &e->at);
	r = lower_place_op(L, IR_STAT_GET, &p, shift, &e->at);
	r->imm = fn[e->stat.fn];
	return r;
}

/* ---- operators ---- */

static struct ir_expr *lower_unary(struct lower *L, const struct ast_expr *e)
{
	struct ir_expr *x = lower_expr(L, e->unary.operand);

	switch (e->op) {
	case OP_NEG:    return lower_op1(L, IR_NEG, x, &e->at);
	case OP_BITNOT: return lower_op1(L, IR_NOT, x, &e->at);
	case OP_NOT:    return lower_op1(L, IR_LNOT, x, &e->at);
	default:        return x;	/* unary plus */
	}
}

static struct ir_expr *lower_binary(struct lower *L, const struct ast_expr *e, enum ir_op op)
{
	struct ast_expr *operands[] = { e->binary.left, e->binary.right };
	struct ir_expr *v[2];

	lower_exprs(L, operands, 2, v);
	return lower_op2(L, op, v[0], v[1], &e->at);
}

static enum ir_op compare_op(enum ast_op op, bool strings)
{
	switch (op) {
	case OP_EQ: return strings ? IR_SEQ : IR_EQ;
	case OP_NE: return strings ? IR_SNE : IR_NE;
	case OP_LT: return strings ? IR_SLT : IR_LT;
	case OP_LE: return strings ? IR_SLE : IR_LE;
	case OP_GT: return strings ? IR_SGT : IR_GT;
	default:    return strings ? IR_SGE : IR_GE;
	}
}

static struct ir_expr *truth(struct lower *L, struct ir_expr *x)
{
	return lower_op2(L, IR_NE, x, ir_const(L->mod->ir, 0, &x->at), &x->at);
}

static struct ir_expr *lower_logical(struct lower *L, const struct ast_expr *e)
{
	bool and = e->op == OP_LOGAND;
	struct ir_expr *left = lower_expr(L, e->binary.left), *right;
	struct ir_stmt *branch, *list = NULL, **saved = lower_into(L, &list);
	uint32_t t;

	right = lower_expr(L, e->binary.right);
	if (!list) {
		lower_into_end(L, saved);
		return lower_op2(L, and ? IR_ANDTHEN : IR_ORELSE, left, right, &e->at);
	}
	t = lower_new_local(L, "t", IR_I64, 0);
	lower_set(L, t, truth(L, right), &e->at);
	lower_into_end(L, saved);
	lower_set(L, t, truth(L, left), &e->at);
	branch = lower_if(L, lower_local(L, t, &e->at), &e->at);
	*(and ? &branch->body : &branch->orelse) = list;
	return lower_local(L, t, &e->at);
}

static struct ir_expr *lower_regex_match(struct lower *L, const struct ast_expr *e)
{
	struct ir_expr *m = lower_op1(L, IR_MATCH, lower_expr(L, e->binary.left), &e->at);

	if (!lower_regex(L, e->binary.right->string, &e->binary.right->at, &m->sym))
		return ir_const(L->mod->ir, 0, &e->at);
	return e->op == OP_NOMATCH ? lower_op1(L, IR_LNOT, m, &e->at) : m;
}

/* Both arms are built aside: when neither needs statements, the choice is one SELECT. */
static struct ir_expr *lower_ternary(struct lower *L, const struct ast_expr *e, bool want)
{
	struct ir_expr *cond = lower_expr(L, e->ternary.cond), *value[2] = { NULL, NULL };
	const struct ast_expr *arm[] = { e->ternary.yes, e->ternary.no };
	struct ir_stmt *branch, *list[2] = { NULL, NULL }, **saved;
	enum ir_type type = lower_type(e->type);
	uint32_t t;

	for (int i = 0; i < 2; i++) {
		saved = lower_into(L, &list[i]);
		if (want)
			value[i] = lower_expr(L, arm[i]);
		else
			lower_expr_void(L, arm[i]);
		lower_into_end(L, saved);
	}
	if (want && !list[0] && !list[1]) {
		struct ir_expr *args[] = { cond, value[0], value[1] };
		struct ir_expr *r = lower_opn(L, IR_SELECT, args, 3, &e->at);

		r->type = type;
		return ir_expr_rebound(L->mod->ir, r);
	}
	t = want ? lower_new_local(L, "t", type, type == IR_STR ? L->mod->maxstr : 0) : 0;
	branch = lower_if(L, cond, &e->at);
	branch->body = list[0];
	branch->orelse = list[1];
	for (int i = 0; want && i < 2; i++) {
		saved = lower_into(L, i ? &branch->orelse : &branch->body);
		lower_set(L, t, value[i], &arm[i]->at);
		lower_into_end(L, saved);
	}
	return want ? lower_local(L, t, &e->at) : NULL;
}

static enum ir_op binary_op(enum ast_op op)
{
	switch (op) {
	case OP_ADD: return IR_ADD;
	case OP_SUB: return IR_SUB;
	case OP_MUL: return IR_MUL;
	case OP_DIV: return IR_DIV;
	case OP_MOD: return IR_MOD;
	case OP_SHL: return IR_SHL;
	case OP_SHR: return IR_SHR;
	case OP_USHR: return IR_USHR;
	case OP_AND: return IR_AND;
	case OP_OR:  return IR_OR;
	case OP_XOR: return IR_XOR;
	default:     return IR_CONCAT;
	}
}

/* @kregister, @uregister, @kderef, @uderef */
static struct ir_expr *lower_raw(struct lower *L, const struct ast_expr *e)
{
	struct ir_expr *r;

	if (e->kind == EXPR_DEREF)
		r = lower_op1(L, e->raw.user ? IR_ULOAD : IR_KLOAD, lower_expr(L, e->raw.address),
			      &e->at);
	else
		r = lower_opn(L, e->raw.user ? IR_UREG : IR_REG, NULL, 0, &e->at);
	r->imm = e->raw.number;
	return r;
}

/* $x and its kin; with --skip-badvars 0 or "" where the target's memory cannot be read. */
static struct ir_expr *lower_target_value(struct lower *L, const struct ast_expr *e)
{
	struct ir_stmt *attempt, **saved;
	struct ir_expr *none;
	uint32_t value;

	if (!L->mod->skip_badvars)
		return lower_target(L, e);
	none = e->type == AST_STRING ? ir_str(L->mod->ir, "", &e->at)
				     : ir_const(L->mod->ir, 0, &e->at);
	value = lower_new_local(L, "var", none->type, none->type == IR_STR ? L->mod->maxstr : 0);
	lower_set(L, value, none, &e->at);
	attempt = lower_try(L, &e->at);
	saved = lower_into(L, &attempt->body);
	lower_set(L, value, lower_target(L, e), &e->at);
	lower_into_end(L, saved);
	return lower_local(L, value, &e->at);
}

/* ---- dispatch ---- */

static struct ir_expr *lower_any(struct lower *L, const struct ast_expr *e, bool want)
{
	struct ir_module *m = L->mod->ir;

	switch (e->kind) {
	case EXPR_NUMBER:
		return ir_const(m, e->number, &e->at);
	case EXPR_STRING:
		return ir_str(m, e->string, &e->at);
	case EXPR_SYMBOL:
		return lower_symbol(L, e);
	case EXPR_INDEX:
		return lower_index(L, e);
	case EXPR_IN:
		return lower_in(L, e);
	case EXPR_STAT:
		return lower_stat(L, e);
	case EXPR_CALL:
		return lower_call(L, e, want);
	case EXPR_PRINT:
		return lower_print(L, e);
	case EXPR_UNARY:
		return lower_unary(L, e);
	case EXPR_PREFIX:
	case EXPR_POSTFIX:
		return lower_incdec(L, e, want);
	case EXPR_BINARY:
	case EXPR_CONCAT:
		return lower_binary(L, e, binary_op(e->op));
	case EXPR_COMPARE:
		return lower_binary(L, e, compare_op(e->op, e->binary.left->type == AST_STRING));
	case EXPR_LOGICAL:
		return lower_logical(L, e);
	case EXPR_REGEX:
		return lower_regex_match(L, e);
	case EXPR_TERNARY:
		return lower_ternary(L, e, want);
	case EXPR_ASSIGN:
		return lower_assign(L, e, want);
	case EXPR_REGISTER:
	case EXPR_DEREF:
		return lower_raw(L, e);
	case EXPR_EMBEDDED:
		return lower_primitive(L, e->embedded, NULL, NULL, &e->at, want);
	default:	/* $x, @cast, @var, @entry ... */
		return lower_target_value(L, e);
	}
}

struct ir_expr *lower_expr(struct lower *L, const struct ast_expr *e)
{
	struct ir_expr *v = lower_any(L, e, true);

	return v ? v : ir_const(L->mod->ir, 0, &e->at);
}

void lower_expr_void(struct lower *L, const struct ast_expr *e)
{
	struct ir_expr *v = lower_any(L, e, false);

	/* A read that may fail is kept for its error: `$x->y` alone on a line. */
	if (v && ir_may_fail(L->mod->ir, v))
		lower_save(L, v);
}
