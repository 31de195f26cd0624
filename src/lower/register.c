/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * register("rdi"): registers by name.  A literal name, the usual case, is one read; any other is
 * compared with the names in turn.
 */
#include "lower/parts.h"

#include <string.h>

struct reg_name {
	const char *name;
	uint8_t dwarf;		/* DWARF number, see IR_REG */
	uint8_t bits, shift;
};

#define GENERAL(letter, n) \
	{ "r" letter "x", n, 64, 0 }, { "e" letter "x", n, 32, 0 }, { letter "x", n, 64, 0 }, \
	{ letter "l", n, 8, 0 }, { letter "h", n, 8, 8 }
#define INDEXED(name, n) \
	{ "r" name, n, 64, 0 }, { "e" name, n, 32, 0 }, { name, n, 64, 0 }, { name "l", n, 8, 0 }
#define NUMBERED(name, n) \
	{ name, n, 64, 0 }, { name "d", n, 32, 0 }, { name "w", n, 16, 0 }, { name "b", n, 8, 0 }

static const struct reg_name reg_names[] = {
	GENERAL("a", 0), GENERAL("d", 1), GENERAL("c", 2), GENERAL("b", 3),
	INDEXED("si", 4), INDEXED("di", 5), INDEXED("bp", 6), INDEXED("sp", 7),
	NUMBERED("r8", 8), NUMBERED("r9", 9), NUMBERED("r10", 10), NUMBERED("r11", 11),
	NUMBERED("r12", 12), NUMBERED("r13", 13), NUMBERED("r14", 14), NUMBERED("r15", 15),
	{ "rip", 16, 64, 0 }, { "eip", 16, 32, 0 }, { "ip", 16, 64, 0 },
	{ "flags", 49, 32, 0 }, { "eflags", 49, 32, 0 },
	{ "xcs", 51, 64, 0 }, { "cs", 51, 64, 0 }, { "xss", 52, 64, 0 }, { "ss", 52, 64, 0 },
};

static struct ir_expr *read_register(struct lower *L, const struct reg_name *r, bool is_unsigned,
				     const struct span *at)
{
	struct ir_module *m = L->mod->ir;
	struct ir_expr *e = ir_expr_new(m, IR_REG, at, 0);

	e->imm = r->dwarf;
	if (r->shift)
		e = lower_op2(L, IR_USHR, e, ir_const(m, r->shift, at), at);
	if (r->bits < 64) {
		e = lower_op1(L, is_unsigned ? IR_ZEXT : IR_SEXT, e, at);
		e->imm = r->bits;
	}
	return e;
}

static struct ir_expr *no_register(struct lower *L, struct ir_expr *name, const struct span *at)
{
	struct ir_expr *args[] = { ir_str(L->mod->ir, "unknown register name: ", at), name };
	struct ir_expr *msg = lower_opn(L, IR_CONCAT, args, 2, at);

	lower_eval(L, lower_op1(L, IR_ERROR, msg, at));
	return ir_const(L->mod->ir, 0, at);
}

struct ir_expr *lower_register(struct lower *L, struct ir_expr *name, bool is_unsigned,
			       const struct span *at)
{
	const size_t n = sizeof(reg_names) / sizeof(reg_names[0]);
	uint32_t value;

	if (name->op == IR_STRLIT) {
		for (size_t i = 0; i < n; i++)
			if (!strcmp(reg_names[i].name, name->str))
				return read_register(L, &reg_names[i], is_unsigned, at);
		return no_register(L, name, at);
	}
	name = lower_share(L, name);
	value = lower_new_local(L, "reg", IR_I64, 0);

	struct ir_stmt **outer = NULL, **saved;

	for (size_t i = 0; i < n; i++) {
		struct ir_expr *same = lower_op2(L, IR_SEQ, name,
						 ir_str(L->mod->ir, reg_names[i].name, at), at);
		struct ir_stmt *branch = lower_if(L, same, at);

		saved = lower_into(L, &branch->body);
		lower_set(L, value, read_register(L, &reg_names[i], is_unsigned, at), at);
		lower_into_end(L, saved);
		saved = lower_into(L, &branch->orelse);
		if (!outer)
			outer = saved;
	}
	no_register(L, name, at);
	lower_into_end(L, outer);
	return lower_local(L, value, at);
}
