/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The print family: every form becomes one format (table of the module) and a
 * PRINTF or SPRINTF op; print(@hist_...) becomes PRINT_HIST.
 */
#include "lower/parts.h"

#include <string.h>

#include "base/ds.h"
#include "ir/bound.h"

static void put_text(struct ir_format *f, const char *text)
{
	struct ir_piece p = { .conv = IR_CONV_TEXT, .text = text, .text_len = (uint32_t)strlen(text),
			      .width = -1, .prec = -1 };

	if (p.text_len)
		arrput(f->pieces, p);
}

static enum ir_conv conversion(const struct ast_format *a)
{
	switch (a->conv) {
	case CONV_SIGNED: return IR_CONV_INT;
	case CONV_UNSIGNED:
		if (a->base == 8)
			return IR_CONV_OCT;
		if (a->base == 16)
			return a->flags & FMT_UPPER ? IR_CONV_HEX_UP : IR_CONV_HEX;
		return IR_CONV_UINT;
	case CONV_CHAR:       return IR_CONV_CHAR;
	case CONV_STRING:     return IR_CONV_STR;
	case CONV_POINTER:    return IR_CONV_PTR;
	case CONV_BINARY:     return IR_CONV_BIN;
	case CONV_MEMORY:     return IR_CONV_MEM;
	case CONV_MEMORY_HEX: return IR_CONV_MEM_HEX;
	default:              return IR_CONV_TEXT;
	}
}

static void put_conversion(struct ir_format *f, const struct ast_format *a)
{
	static const struct { unsigned ast; uint8_t ir; } flags[] = {
		{ FMT_ZEROPAD, IR_FMT_ZERO }, { FMT_PLUS, IR_FMT_PLUS }, { FMT_SPACE, IR_FMT_SPACE },
		{ FMT_LEFT, IR_FMT_MINUS }, { FMT_SPECIAL, IR_FMT_ALT },
	};
	struct ir_piece p = { .conv = conversion(a), .width = -1, .prec = -1 };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (a->flags & flags[i].ast)
			p.flags |= flags[i].ir;
	p.width_arg = a->width_kind == FMT_DYNAMIC;
	p.prec_arg = a->precision_kind == FMT_DYNAMIC;
	if (a->width_kind == FMT_STATIC)
		p.width = (int32_t)a->width;
	if (a->precision_kind == FMT_STATIC)
		p.prec = (int32_t)a->precision;
	arrput(f->pieces, p);
}

/* print, println, printd, printdln: a conversion by each argument's type. */
static void put_arguments(struct ir_format *f, const struct ast_print *pr)
{
	for (size_t i = 0; i < pr->nargs; i++) {
		struct ir_piece p = { .width = -1, .prec = -1 };

		if (i && pr->with_delim)
			put_text(f, pr->delim);
		p.conv = pr->with_char ? IR_CONV_CHAR
			 : pr->args[i]->type == AST_STRING ? IR_CONV_STR : IR_CONV_INT;
		arrput(f->pieces, p);
	}
	if (pr->with_newline)
		put_text(f, "\n");
}

/*
 * %m and %M print memory at an address, of the kernel or of the process, by the address's
 * upper half: the bytes are read here, at the hit, into a text that the conversion decodes.
 */
static struct ir_expr *memory_text(struct lower *L, struct ir_expr *addr, struct ir_expr *size)
{
	const struct span *at = &addr->at;
	struct ir_expr *choice[3], *text;

	addr = lower_share(L, addr);
	choice[0] = lower_op2(L, IR_LT, addr, ir_const(L->mod->ir, 0, at), at);
	choice[1] = lower_op2(L, IR_KBUF, addr, size, at);
	choice[2] = lower_op2(L, IR_UBUF, addr, size, at);
	text = lower_opn(L, IR_SELECT, choice, 3, at);
	text->type = IR_STR;
	return ir_expr_rebound(L->mod->ir, text);
}

/* What conversions want of their arguments besides the value: memory for %m and %M, escapes for %#s. */
static void prepare_arguments(struct lower *L, struct ir_format *f, struct ir_expr **args, size_t nargs)
{
	size_t arg = 0;

	for (ptrdiff_t i = 0; i < arrlen(f->pieces); i++) {
		struct ir_piece *p = &f->pieces[i];
		struct ir_expr *size;

		if (p->conv == IR_CONV_TEXT)
			continue;
		arg += p->width_arg + p->prec_arg;
		if (arg >= nargs)
			return;
		if (p->conv == IR_CONV_MEM || p->conv == IR_CONV_MEM_HEX) {
			size = p->prec_arg ? (args[arg - 1] = lower_share(L, args[arg - 1]))
			       : ir_const(L->mod->ir, p->prec >= 0 ? p->prec : 1, &args[arg]->at);
			args[arg] = memory_text(L, args[arg], size);
		} else if (p->conv == IR_CONV_STR && (p->flags & IR_FMT_ALT)) {
			p->flags &= (uint8_t)~IR_FMT_ALT;
			args[arg] = lower_op1(L, IR_TEXT_STR, args[arg], &args[arg]->at);
		}
		arg++;
	}
}

static struct ir_expr *print_hist(struct lower *L, const struct ast_expr *e)
{
	struct lower_place p;

	lower_place(L, e->print->hist->hist.stat, &p);
	lower_eval(L, lower_place_op(L, IR_PRINT_HIST, &p, NULL, &e->at));
	if (e->print->with_newline) {
		struct ir_expr *nl = lower_opn(L, IR_PRINTF, NULL, 0, &e->at);

		nl->sym = lower_format_text(L->mod, "\n");
		lower_eval(L, nl);
	}
	return NULL;
}

struct ir_expr *lower_print(struct lower *L, const struct ast_expr *e)
{
	const struct ast_print *pr = e->print;
	struct ir_format f = { 0 };
	struct ir_expr **args, *r;

	if (pr->hist)
		return print_hist(L, e);
	if (pr->with_format) {
		for (size_t i = 0; i < pr->nformats; i++) {
			if (pr->formats[i].conv == CONV_LITERAL)
				put_text(&f, pr->formats[i].literal);
			else
				put_conversion(&f, &pr->formats[i]);
		}
	} else {
		put_arguments(&f, pr);
	}
	args = arena_new_array(L->mod->arena, struct ir_expr *, pr->nargs + 1);
	lower_exprs(L, pr->args, pr->nargs, args);
	prepare_arguments(L, &f, args, pr->nargs);
	r = ir_expr_new(L->mod->ir, pr->to_string ? IR_SPRINTF : IR_PRINTF, &e->at, 0);
	r->nargs = (uint32_t)pr->nargs;
	r->args = args;
	r->sym = lower_format(L->mod, &f);
	arrfree(f.pieces);
	if (pr->to_string)
		return ir_expr_rebound(L->mod->ir, r);
	lower_eval(L, r);
	return NULL;
}
