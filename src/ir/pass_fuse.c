/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values into prints: a value that is computed only for a print that follows becomes an operand of the print, and so do
 * those that it is made of. What sprintf makes for a plain %s is formatted by the print itself, and constants become
 * text of the format.
 *
 *	t = sprintf("x=%d", a)
 *	u = names(b)
 *	printf("got %s %s\n", t, u)		->	printf("got x=%d %s\n", a, names(b))
 *
 * An `if` that chooses between two texts is a value of this kind, too:
 *
 *	if (c) t = a else t = b		->	t = select(c, a, b)
 *
 * A kernel handler then sends values and makes no text.  Requires narrowed bounds (ir_pass_bounds): a sprintf
 * that may have to be cut stays one, so nothing that would have been cut appears whole.  Between the statements
 * nothing may happen but settings of other locals and calls of functions that change nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "ir/fmt.h"
#include "ir/pass.h"
#include "ir/pure.h"
#include "ir/traverse.h"

struct fuse {
	struct ir_module *m;
	struct ir_local_uses uses;
	const uint8_t *pure;		/* by function, see ir_pure_functions() */
	struct ir_stmt **values;	/* stb_ds array: `local = value` that may still be moved */
};

/* ---- one print ---- */

/* The arguments of the print that is being built. */
struct print {
	struct fuse *fu;
	uint32_t format;
	struct ir_expr **args;	/* stb_ds array */
	bool changed;
};

static bool plain(const struct ir_piece *p)
{
	return p->width < 0 && p->prec < 0 && !p->width_arg && !p->prec_arg && !p->flags;
}

static bool movable(const struct ir_expr *e)
{
	if (ir_op_table[e->op].flags & IRF_EFFECT || ir_is_clock(e->op) || e->op == IR_MATCHED ||
	    e->op == IR_MATCH || e->op == IR_NGROUPS)
		return false;
	for (uint32_t i = 0; i < e->nargs; i++)
		if (!movable(e->args[i]))
			return false;
	return true;
}

static bool fits(const struct fuse *fu, const struct ir_expr *e)
{
	return e->op == IR_SPRINTF && e->bound < fu->m->maxstr;
}

static void take_operands(struct fuse *fu, struct ir_expr *e, bool lazy);

/* The value behind an operand, itself or through a local; it then belongs to the print.  lazy: it may not be needed. */
static struct ir_expr *take_value(struct fuse *fu, struct ir_expr *arg, bool lazy)
{
	struct ir_expr *value = arg;

	for (size_t i = 0; arg->op == IR_LOCAL && i < arrlenu(fu->values); i++) {
		struct ir_stmt *s = fu->values[i];

		if (s->sym != arg->sym || (lazy && ir_may_fail(fu->m, s->expr)))
			continue;
		value = s->expr;
		arrdel(fu->values, i);
		/* for ir_pass_dead() to drop */
		s->expr = value->type == IR_STR ? ir_str(fu->m, "", &value->at) : ir_const(fu->m, 0, &value->at);
		break;
	}
	take_operands(fu, value, lazy);
	return value;
}

/* The values that a text is put together from. */
static void take_operands(struct fuse *fu, struct ir_expr *e, bool lazy)
{
	if (e->op != IR_SPRINTF && e->op != IR_SELECT)
		return;
	for (uint32_t i = 0; i < e->nargs; i++)
		e->args[i] = take_value(fu, e->args[i], lazy || (e->op == IR_SELECT && i));
}

static void put_format(struct print *pr, uint32_t format, struct ir_expr *const *args);

static void put_value(struct print *pr, const struct ir_piece *p, struct ir_expr *arg)
{
	struct ir_module *m = pr->fu->m;
	struct ir_expr *value = take_value(pr->fu, arg, false);
	char number[24];

	pr->changed |= value != arg;
	arg = value;
	if (p->conv == IR_CONV_STR && plain(p)) {
		if (fits(pr->fu, arg)) {
			pr->changed = true;
			put_format(pr, arg->sym, arg->args);
			return;
		}
		if (arg->op == IR_STRLIT) {
			pr->changed = true;
			ir_format_text(m, pr->format, arg->str, strlen(arg->str));
			return;
		}
	} else if (p->conv == IR_CONV_INT && plain(p) && arg->op == IR_CONST) {
		pr->changed = true;
		snprintf(number, sizeof(number), "%" PRId64, arg->imm);
		ir_format_text(m, pr->format, number, strlen(number));
		return;
	}
	ir_format_conv(m, pr->format, p);
	arrput(pr->args, arg);
}

static void put_format(struct print *pr, uint32_t format, struct ir_expr *const *args)
{
	struct ir_module *m = pr->fu->m;

	/* ir_format_text() may move the table of formats: look it up anew each time. */
	for (size_t i = 0; i < arrlenu(m->formats[format]->pieces); i++) {
		struct ir_piece p = m->formats[format]->pieces[i];

		if (p.conv == IR_CONV_TEXT) {
			ir_format_text(m, pr->format, p.text, p.text_len);
			continue;
		}
		for (int star = p.width_arg + p.prec_arg; star > 0; star--)
			arrput(pr->args, *args++);
		put_value(pr, &p, *args++);
	}
}

static void fuse_print(struct fuse *fu, struct ir_expr *e)
{
	struct print pr = { .fu = fu };

	pr.format = ir_format_new(fu->m);
	put_format(&pr, e->sym, e->args);
	if (pr.changed) {
		e->sym = pr.format;
		e->nargs = (uint32_t)arrlenu(pr.args);
		e->args = arena_memdup(fu->m->arena, pr.args, e->nargs * sizeof(*pr.args));
	} else {
		(void)arrpop(fu->m->formats);
	}
	arrfree(pr.args);
}

/* ---- choices ---- */

/*
 * The value that a list does nothing but set a local to, if that value could stand elsewhere; NULL: it does more.  By
 * way of another local, too, that nothing else reads.  *actions: how many it counts.
 */
static struct ir_expr *only_value(struct fuse *fu, struct ir_stmt *list, uint32_t *local, int64_t *actions)
{
	struct ir_expr *value = NULL;

	*actions = 0;
	for (struct ir_stmt *s = list; s; s = s->next) {
		if (s->kind == IR_S_ACTION) {
			*actions += s->imm;
			continue;
		}
		if (s->kind != IR_S_SET || !movable(s->expr))
			return NULL;
		if (!value)
			value = s->expr;
		else if (s->expr->op != IR_LOCAL || s->expr->sym != *local || fu->uses.reads[*local] != 1)
			return NULL;
		*local = s->sym;
	}
	return value && value->type == IR_STR ? value : NULL;
}

/* An earlier statement of the list may set the local to a text that nothing can see any more: it is dropped. */
static void drop_earlier(struct fuse *fu, struct ir_stmt *list, const struct ir_stmt *end, uint32_t local)
{
	struct ir_stmt *earlier = NULL;

	for (struct ir_stmt *s = list; s != end; s = s->next) {
		if (s->kind == IR_S_ACTION)
			continue;
		if (s->kind != IR_S_SET || ir_reads_local(s->expr, local))
			earlier = NULL;
		else if (s->sym == local && s->expr->op == IR_STRLIT)
			earlier = s;
	}
	if (!earlier || ir_reads_local(end->expr, local))
		return;
	earlier->kind = IR_S_ACTION;
	earlier->imm = 0;
	earlier->expr = NULL;
	fu->uses.sets[local]--;
}

/* An `if` of the list that only chooses the value of a text becomes the setting of that text. */
static void choose(struct fuse *fu, struct ir_stmt *list, struct ir_stmt *s)
{
	struct ir_expr *e, *a, *b;
	int64_t one, other;
	uint32_t local, same;
	struct ir_stmt *set;

	if (s->kind != IR_S_IF || !movable(s->expr))
		return;
	a = only_value(fu, s->body, &local, &one);
	b = a ? only_value(fu, s->orelse, &same, &other) : NULL;
	if (!b || local != same || fu->uses.reads[local] != 1)
		return;
	e = ir_expr_new(fu->m, IR_SELECT, &s->at, 3, s->expr, a, b);
	e->type = IR_STR;
	e->bound = a->bound > b->bound ? a->bound : b->bound;
	set = ir_stmt_new(fu->m, IR_S_SET, &s->at);
	set->sym = local;
	set->expr = e;
	set->next = s->next;
	s->kind = IR_S_ACTION;
	s->imm = one > other ? one : other;
	s->expr = NULL;
	s->body = s->orelse = NULL;
	s->next = set;
	fu->uses.sets[local]--;
	drop_earlier(fu, list, set, local);
}

static void choose_all(struct fuse *fu, struct ir_stmt *list)
{
	for (struct ir_stmt *s = list; s; s = s->next) {
		choose_all(fu, s->body);
		choose_all(fu, s->orelse);
		choose(fu, list, s);
	}
}

/* ---- lists of statements ---- */

/* `local` changes: values that read it stay where they are. */
static void local_changes(struct fuse *fu, uint32_t local)
{
	for (size_t i = arrlenu(fu->values); i-- > 0;)
		if (ir_reads_local(fu->values[i]->expr, local))
			arrdel(fu->values, i);
}

static void fuse_list(struct fuse *fu, struct ir_stmt *list)
{
	arrsetlen(fu->values, 0);
	for (struct ir_stmt *s = list; s; s = s->next) {
		if (s->kind == IR_S_ACTION)
			continue;
		if (s->kind == IR_S_SET && !(ir_op_table[s->expr->op].flags & IRF_EFFECT)) {
			local_changes(fu, s->sym);
			if (movable(s->expr) && fu->uses.reads[s->sym] == 1 && fu->uses.sets[s->sym] == 1)
				arrput(fu->values, s);
			continue;
		}
		if (s->kind == IR_S_SET && s->expr->op == IR_CALL && fu->pure[s->expr->sym]) {
			local_changes(fu, s->sym);
			continue;
		}
		if (s->kind == IR_S_EVAL && s->expr->op == IR_PRINTF)
			fuse_print(fu, s->expr);
		fuse_list(fu, s->body);
		fuse_list(fu, s->orelse);
		arrsetlen(fu->values, 0);
	}
}

static void fuse_func(struct ir_module *m, struct ir_func *f, const uint8_t *pure)
{
	struct fuse fu = { .m = m, .uses = ir_local_uses_count(f), .pure = pure };

	choose_all(&fu, f->body);
	fuse_list(&fu, f->body);
	arrfree(fu.values);
	ir_local_uses_fini(&fu.uses);
}

void ir_pass_fuse(struct ir_module *m)
{
	uint8_t *pure = ir_pure_functions(m);

	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		fuse_func(m, m->funcs[i], pure);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		fuse_func(m, m->handlers[i], pure);
	free(pure);
}
