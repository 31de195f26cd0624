/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * $x$, $x$$, $$vars: one sprintf over the values, read under IR_TRY so that bad memory becomes text
 * rather than an error.
 */
#include "lower/target_priv.h"

#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "ir/bound.h"

#define NUMBER_TEXT 32	/* room for any number, sign and 0x included */

static void put_literal(struct ir_format *f, const char *text)
{
	struct ir_piece p = { .conv = IR_CONV_TEXT, .text = text, .text_len = (uint32_t)strlen(text),
			      .width = -1, .prec = -1 };

	if (p.text_len)
		arrput(f->pieces, p);
}

static void put_conversion(struct ir_format *f, enum text_conv conv)
{
	struct ir_piece p = { .width = -1, .prec = -1 };

	switch (conv) {
	case TEXT_INT:
		p.conv = IR_CONV_INT;
		break;
	case TEXT_UINT:
		p.conv = IR_CONV_UINT;
		break;
	case TEXT_HEX:
		p.conv = IR_CONV_HEX;
		p.flags = IR_FMT_ALT;
		break;
	case TEXT_POINTER:
		p.conv = IR_CONV_PTR;
		break;
	case TEXT_CHAR:
		put_literal(f, "'");
		p.conv = IR_CONV_CHAR;
		p.flags = IR_FMT_ALT;
		break;
	default:
		p.conv = IR_CONV_STR;
	}
	arrput(f->pieces, p);
	if (conv == TEXT_CHAR)
		put_literal(f, "'");
}

static struct ir_expr *format_values(struct lower *L, struct ir_format *f, struct ir_expr **args,
				     const struct target_access *a)
{
	uint32_t format = lower_format(L->mod, f);	/* first: the op's bound depends on formats */
	struct ir_expr *r = lower_opn(L, IR_SPRINTF, args, (uint32_t)arrlenu(args), &a->at);

	r->sym = format;
	return ir_expr_rebound(L->mod->ir, r);
}

/* A string's text: quoted; what cannot be read shows as its address. */
static struct ir_expr *string_value(struct lower *L, const struct target_access *a, uint64_t max)
{
	struct ir_module *m = L->mod->ir;
	int64_t limit = max && max < L->mod->maxstr ? (int64_t)max : (int64_t)L->mod->maxstr;

	return lower_save(L, lower_op2(L, a->kernel ? IR_KSTR_QUOTED : IR_USTR_QUOTED, target_number(L, a),
				       ir_const(m, limit, &a->at), &a->at));
}

static struct ir_expr *part_value(struct lower *L, const struct text_part *part)
{
	if (part->conv == TEXT_NESTED)
		return target_text(L, part->value);
	if (part->conv == TEXT_STRING)
		return string_value(L, part->value, part->max);
	return lower_save(L, target_number(L, part->value));
}

/* One variable of $$vars as a string of its own: "?" if it cannot be read. */
static struct ir_expr *guarded_value(struct lower *L, const struct text_part *part,
				     const struct target_access *a)
{
	struct ir_stmt *try = lower_try(L, &a->at), **saved;
	uint32_t local = lower_new_local(L, "v", IR_STR, NUMBER_TEXT);
	struct ir_format f = { 0 };
	struct ir_expr **args = NULL;

	saved = lower_into(L, &try->body);
	put_conversion(&f, part->conv);
	arrput(args, part_value(L, part));
	lower_set(L, local, format_values(L, &f, args, a), &a->at);
	lower_into_end(L, saved);
	saved = lower_into(L, &try->orelse);
	lower_set(L, local, ir_str(L->mod->ir, "?", &a->at), &a->at);
	lower_into_end(L, saved);
	arrfree(f.pieces);
	arrfree(args);
	return lower_local(L, local, &a->at);
}

static struct ir_expr *format_parts(struct lower *L, const struct target_access *a)
{
	struct ir_format f = { 0 };
	struct ir_expr **args = NULL, *r;

	for (size_t i = 0; i < a->nparts; i++) {
		const struct text_part *part = &a->parts[i];
		bool number = part->conv != TEXT_NESTED && part->conv != TEXT_STRING;

		if (part->conv == TEXT_LITERAL) {
			put_literal(&f, part->literal);
		} else if (!a->on_fault && number && target_may_fault(part->value)) {
			arrput(args, guarded_value(L, part, a));
			put_conversion(&f, TEXT_STRING);
		} else {
			arrput(args, part_value(L, part));
			put_conversion(&f, part->conv);
		}
	}
	r = format_values(L, &f, args, a);
	arrfree(f.pieces);
	arrfree(args);
	return r;
}

struct ir_expr *target_text(struct lower *L, const struct target_access *a)
{
	struct ir_stmt *try, **saved;
	uint32_t local;

	if (!a->nparts)
		return ir_str(L->mod->ir, "", &a->at);
	if (a->nparts == 1 && a->parts[0].conv == TEXT_LITERAL)
		return ir_str(L->mod->ir, a->parts[0].literal, &a->at);
	if (!a->on_fault)
		return lower_save(L, format_parts(L, a));
	local = lower_new_local(L, "text", IR_STR, L->mod->maxstr);
	try = lower_try(L, &a->at);
	saved = lower_into(L, &try->body);
	lower_set(L, local, format_parts(L, a), &a->at);
	lower_into_end(L, saved);
	saved = lower_into(L, &try->orelse);
	lower_set(L, local, ir_str(L->mod->ir, a->on_fault, &a->at), &a->at);
	lower_into_end(L, saved);
	return lower_local(L, local, &a->at);
}
