/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operators of DWARF expressions that compute: constants, the stack, loads, arithmetic, branches,
 * and DWARF 5's typed values, whose types are followed on a stack at compile time.
 */
#include "base/ds.h"
#include "dbg/dwcomp.h"

#define MAX_OPS 4096

const struct vtype comp_generic = { 0, false };

bool comp_fail(struct comp *c)
{
	c->failed = true;
	return false;
}

void comp_op(struct comp *c, enum dbg_opcode code, int64_t a)
{
	if (arrlen(c->ops) >= MAX_OPS) {
		comp_fail(c);
		return;
	}
	arrput(c->ops, ((struct dbg_op){ code, a }));
}

void comp_push_type(struct comp *c, struct vtype t)
{
	if (c->depth >= COMP_MAX_TYPES)
		comp_fail(c);
	else
		c->types[c->depth++] = t;
}

static struct vtype comp_pop_type(struct comp *c)
{
	if (!c->depth) {
		comp_fail(c);
		return (struct vtype){ 0 };
	}
	return c->types[--c->depth];
}

void comp_push(struct comp *c, enum dbg_opcode code, int64_t a)
{
	comp_op(c, code, a);
	comp_push_type(c, comp_generic);
}

void comp_narrow(struct comp *c, struct vtype t)
{
	if (t.size && t.size < 8)
		comp_op(c, t.is_signed ? DBG_OP_SEXT : DBG_OP_ZEXT, t.size);
}

bool comp_base_type(struct comp *c, uint64_t off, struct vtype *t)
{
	const struct dbg_type *b;
	struct dw_die d;

	*t = comp_generic;
	if (off == 0)
		return true;
	if (!c->x->u || off >= c->x->u->end - c->x->u->off ||
	    !dw_die_at(c->x->u, c->x->u->off + off, &d))
		return comp_fail(c);
	b = dwtype_of_die(c->x->m, &d);
	if ((b->kind != DBG_INT && b->kind != DBG_CHAR && b->kind != DBG_BOOL) || b->size > 8)
		return comp_fail(c);
	*t = (struct vtype){ (uint8_t)b->size, b->is_signed };
	return true;
}

void comp_add_offset(struct comp *c, int64_t n)
{
	if (n) {
		comp_op(c, DBG_OP_CONST, n);
		comp_op(c, DBG_OP_ADD, 0);
	}
}

static void binary(struct comp *c, enum dbg_opcode code, enum dbg_opcode is_signed,
		   enum dbg_opcode is_unsigned)
{
	struct vtype b = comp_pop_type(c), a = comp_pop_type(c);
	struct vtype t = a.size ? a : b;

	if (t.size)
		code = t.is_signed ? is_signed : is_unsigned;
	comp_op(c, code, 0);
	if (code >= DBG_OP_EQ && code <= DBG_OP_GE)
		t = comp_generic;
	else
		comp_narrow(c, t);
	comp_push_type(c, t);
}

static void arithmetic(struct comp *c, unsigned o)
{
	static const struct {
		uint8_t dw;
		enum dbg_opcode generic_op, signed_op, unsigned_op;
	} tab[] = {
		{ DW_OP_plus, DBG_OP_ADD, DBG_OP_ADD, DBG_OP_ADD },
		{ DW_OP_minus, DBG_OP_SUB, DBG_OP_SUB, DBG_OP_SUB },
		{ DW_OP_mul, DBG_OP_MUL, DBG_OP_MUL, DBG_OP_MUL },
		{ DW_OP_div, DBG_OP_DIV, DBG_OP_DIV, DBG_OP_UDIV },
		{ DW_OP_mod, DBG_OP_MOD, DBG_OP_SMOD, DBG_OP_MOD },
		{ DW_OP_and, DBG_OP_AND, DBG_OP_AND, DBG_OP_AND },
		{ DW_OP_or, DBG_OP_OR, DBG_OP_OR, DBG_OP_OR },
		{ DW_OP_xor, DBG_OP_XOR, DBG_OP_XOR, DBG_OP_XOR },
		{ DW_OP_shl, DBG_OP_SHL, DBG_OP_SHL, DBG_OP_SHL },
		{ DW_OP_shr, DBG_OP_SHR, DBG_OP_SHR, DBG_OP_SHR },
		{ DW_OP_shra, DBG_OP_SAR, DBG_OP_SAR, DBG_OP_SAR },
		{ DW_OP_eq, DBG_OP_EQ, DBG_OP_EQ, DBG_OP_EQ },
		{ DW_OP_ne, DBG_OP_NE, DBG_OP_NE, DBG_OP_NE },
		{ DW_OP_lt, DBG_OP_LT, DBG_OP_LT, DBG_OP_ULT },
		{ DW_OP_le, DBG_OP_LE, DBG_OP_LE, DBG_OP_ULE },
	};

	/* x > y is y < x: the typed forms need only two comparisons */
	if (o == DW_OP_gt || o == DW_OP_ge) {
		struct vtype top = c->depth ? c->types[c->depth - 1] : comp_generic;

		if (top.size && !top.is_signed) {
			comp_op(c, DBG_OP_SWAP, 0);
			binary(c, DBG_OP_LT, DBG_OP_LT, o == DW_OP_gt ? DBG_OP_ULT : DBG_OP_ULE);
		} else {
			enum dbg_opcode code = o == DW_OP_gt ? DBG_OP_GT : DBG_OP_GE;

			binary(c, code, code, code);
		}
		return;
	}
	for (size_t i = 0; i < sizeof(tab) / sizeof(*tab); i++)
		if (tab[i].dw == o) {
			struct vtype t = c->depth > 1 ? c->types[c->depth - 2] : comp_generic;

			/* a narrow signed value is kept sign-extended: a logical shift wants
			 * its bits */
			if (o == DW_OP_shr && t.size && t.size < 8 && t.is_signed) {
				comp_op(c, DBG_OP_SWAP, 0);
				comp_op(c, DBG_OP_ZEXT, t.size);
				comp_op(c, DBG_OP_SWAP, 0);
			}
			binary(c, tab[i].generic_op, tab[i].signed_op, tab[i].unsigned_op);
			return;
		}
	comp_fail(c);
}

static void stack_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	unsigned n;
	struct vtype a, b, d;

	switch (o) {
	case DW_OP_dup:
		a = comp_pop_type(c);
		comp_push_type(c, a);
		comp_push_type(c, a);
		comp_op(c, DBG_OP_DUP, 0);
		break;
	case DW_OP_drop:
		comp_pop_type(c);
		comp_op(c, DBG_OP_DROP, 0);
		break;
	case DW_OP_over:
	case DW_OP_pick:
		n = o == DW_OP_over ? 1 : cur_u8(e);
		if (n >= c->depth) {
			comp_fail(c);
			break;
		}
		comp_push_type(c, c->types[c->depth - 1 - n]);
		comp_op(c, o == DW_OP_over ? DBG_OP_OVER : DBG_OP_PICK, n);
		break;
	case DW_OP_swap:
		a = comp_pop_type(c);
		b = comp_pop_type(c);
		comp_push_type(c, a);
		comp_push_type(c, b);
		comp_op(c, DBG_OP_SWAP, 0);
		break;
	default:		/* rot: x y z -> z x y */
		a = comp_pop_type(c);
		b = comp_pop_type(c);
		d = comp_pop_type(c);
		comp_push_type(c, a);
		comp_push_type(c, d);
		comp_push_type(c, b);
		comp_op(c, DBG_OP_ROT, 0);
		break;
	}
}

/* Loads of `size` bytes, leaving a value of type t. */
static void deref(struct comp *c, uint64_t size, struct vtype t)
{
	comp_pop_type(c);
	if (size != 1 && size != 2 && size != 4 && size != 8)
		comp_fail(c);
	comp_op(c, DBG_OP_DEREF, (int64_t)size);
	if (t.is_signed && size < 8)
		comp_op(c, DBG_OP_SEXT, (int64_t)size);
	comp_push_type(c, t);
}

static void typed_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	struct vtype t, from;
	uint64_t n;

	switch (o) {
	case DW_OP_const_type:
	case DW_OP_GNU_const_type:
		if (!comp_base_type(c, cur_uleb(e), &t))
			return;
		n = cur_u8(e);
		if (n == 0 || n > 8) {
			comp_fail(c);
			return;
		}
		comp_op(c, DBG_OP_CONST, t.is_signed ? sign_extend(cur_uint(e, (unsigned)n), (unsigned)n)
						: (int64_t)cur_uint(e, (unsigned)n));
		comp_push_type(c, t);
		break;
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		n = cur_uleb(e);
		if (!comp_base_type(c, cur_uleb(e), &t) || n > 16) {
			comp_fail(c);
			return;
		}
		comp_op(c, DBG_OP_REG, (int64_t)n);
		comp_push_type(c, t);
		comp_narrow(c, t);
		break;
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		n = cur_u8(e);
		if (comp_base_type(c, cur_uleb(e), &t))
			deref(c, n, t);
		break;
	default:		/* convert, reinterpret */
		if (!comp_base_type(c, cur_uleb(e), &t))
			return;
		from = comp_pop_type(c);
		if (!t.size && from.size && from.size < 8 && from.is_signed)
			comp_op(c, DBG_OP_ZEXT, from.size);	/* to generic: unsigned bits */
		comp_narrow(c, t);
		comp_push_type(c, t);
		break;
	}
}

static void branch(struct comp *c, unsigned o, struct dbg_cur *e, const uint8_t *start)
{
	int16_t d = (int16_t)cur_u16(e);
	int64_t target = e->p - start + d;

	if (target < 0 || target > UINT32_MAX) {
		comp_fail(c);
		return;
	}
	if (o == DW_OP_bra)
		comp_pop_type(c);
	arrput(c->fixups, ((__typeof__(*c->fixups)){ (uint32_t)arrlen(c->ops), (uint32_t)target }));
	comp_op(c, o == DW_OP_bra ? DBG_OP_BRA : DBG_OP_SKIP, 0);
}

static void constant(struct comp *c, unsigned o, struct dbg_cur *e)
{
	static const uint8_t size[] = { 1, 1, 2, 2, 4, 4, 8, 8 };	/* const1u .. const8s */
	unsigned n;

	if (o == DW_OP_constu) {
		comp_push(c, DBG_OP_CONST, (int64_t)cur_uleb(e));
	} else if (o == DW_OP_consts) {
		comp_push(c, DBG_OP_CONST, cur_sleb(e));
	} else {
		uint64_t v;

		n = size[o - DW_OP_const1u];
		v = cur_uint(e, n);
		comp_push(c, DBG_OP_CONST,
		     (o - DW_OP_const1u) & 1 ? sign_extend(v, n) : (int64_t)v);
	}
}

static void unary(struct comp *c, enum dbg_opcode code)
{
	struct vtype t = comp_pop_type(c);

	comp_op(c, code, 0);
	comp_narrow(c, t);
	comp_push_type(c, t);
}

void comp_plain_op(struct comp *c, unsigned o, struct dbg_cur *e, const uint8_t *start)
{
	if (o >= DW_OP_lit0 && o <= DW_OP_lit31) {
		comp_push(c, DBG_OP_CONST, o - DW_OP_lit0);
		return;
	}
	if (o >= DW_OP_const1u && o <= DW_OP_consts) {
		constant(c, o, e);
		return;
	}
	if (o >= DW_OP_dup && o <= DW_OP_rot) {
		stack_op(c, o, e);
		return;
	}
	switch (o) {
	case DW_OP_nop:
		break;
	case DW_OP_deref:
		deref(c, 8, comp_generic);
		break;
	case DW_OP_deref_size:
		deref(c, cur_u8(e), comp_generic);
		break;
	case DW_OP_plus_uconst:
		comp_add_offset(c, (int64_t)cur_uleb(e));
		break;
	case DW_OP_neg:
		unary(c, DBG_OP_NEG);
		break;
	case DW_OP_not:
		unary(c, DBG_OP_NOT);
		break;
	case DW_OP_abs:
		unary(c, DBG_OP_ABS);
		break;
	case DW_OP_skip:
	case DW_OP_bra:
		branch(c, o, e, start);
		break;
	case DW_OP_const_type: case DW_OP_GNU_const_type:
	case DW_OP_regval_type: case DW_OP_GNU_regval_type:
	case DW_OP_deref_type: case DW_OP_GNU_deref_type:
	case DW_OP_convert: case DW_OP_GNU_convert:
	case DW_OP_reinterpret: case DW_OP_GNU_reinterpret:
		typed_op(c, o, e);
		break;
	default:
		arithmetic(c, o);
	}
}
