/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formats into formats: a text that sprintf makes only for a plain %s of a print that follows is
 * formatted by the print itself, and constants become text of the format.
 *
 *	t = sprintf("x=%d", a)			printf("got x=%d\n", a)
 *	printf("got %s\n", t)		->
 *
 * A kernel handler then sends raw values and formats nothing.  Requires narrowed bounds
 * (ir_pass_bounds): only texts that are certain to fit are taken, so nothing that would
 * have been cut appears whole.  Between the two statements nothing may happen but settings of
 * other locals.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ds.h"
#include "ir/fmt.h"
#include "ir/pass.h"
#include "ir/traverse.h"

struct fuse {
	struct ir_module *m;
	struct ir_local_uses uses;
	struct ir_stmt **texts;		/* stb_ds array: `local = sprintf(...)` that may still be moved */
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

static bool movable(const struct fuse *fu, const struct ir_expr *e)
{
	return e->op == IR_SPRINTF && e->bound < fu->m->maxstr;
}

/* The sprintf behind an argument, itself or through a local; it then belongs to the print. */
static struct ir_expr *take_text(struct fuse *fu, struct ir_expr *arg)
{
	if (movable(fu, arg))
		return arg;
	if (arg->op != IR_LOCAL)
		return NULL;
	for (size_t i = 0; i < arrlenu(fu->texts); i++) {
		struct ir_stmt *s = fu->texts[i];
		struct ir_expr *text = s->expr;

		if (s->sym != arg->sym)
			continue;
		arrdel(fu->texts, i);
		s->expr = ir_str(fu->m, "", &text->at);	/* for ir_pass_dead() to drop */
		return text;
	}
	return NULL;
}

static void put_format(struct print *pr, uint32_t format, struct ir_expr *const *args);

static void put_value(struct print *pr, const struct ir_piece *p, struct ir_expr *arg)
{
	struct ir_module *m = pr->fu->m;
	struct ir_expr *text;
	char number[24];

	if (p->conv == IR_CONV_STR && plain(p)) {
		text = take_text(pr->fu, arg);
		if (text) {
			pr->changed = true;
			put_format(pr, text->sym, text->args);
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

/* ---- lists of statements ---- */

/* `local` changes: texts that read it stay where they are. */
static void local_changes(struct fuse *fu, uint32_t local)
{
	for (size_t i = arrlenu(fu->texts); i-- > 0;)
		if (ir_reads_local(fu->texts[i]->expr, local))
			arrdel(fu->texts, i);
}

static void fuse_list(struct fuse *fu, struct ir_stmt *list)
{
	arrsetlen(fu->texts, 0);
	for (struct ir_stmt *s = list; s; s = s->next) {
		if (s->kind == IR_S_ACTION)
			continue;
		if (s->kind == IR_S_SET && !(ir_op_table[s->expr->op].flags & IRF_EFFECT)) {
			local_changes(fu, s->sym);
			if (movable(fu, s->expr) && fu->uses.reads[s->sym] == 1 && fu->uses.sets[s->sym] == 1)
				arrput(fu->texts, s);
			continue;
		}
		if (s->kind == IR_S_EVAL && s->expr->op == IR_PRINTF)
			fuse_print(fu, s->expr);
		fuse_list(fu, s->body);
		fuse_list(fu, s->orelse);
		arrsetlen(fu->texts, 0);
	}
}

static void fuse_func(struct ir_module *m, struct ir_func *f)
{
	struct fuse fu = { .m = m, .uses = ir_local_uses_count(f) };

	fuse_list(&fu, f->body);
	arrfree(fu.texts);
	ir_local_uses_fini(&fu.uses);
}

void ir_pass_fuse(struct ir_module *m)
{
	for (size_t i = 0; i < arrlenu(m->funcs); i++)
		fuse_func(m, m->funcs[i]);
	for (size_t i = 0; i < arrlenu(m->handlers); i++)
		fuse_func(m, m->handlers[i]);
}
