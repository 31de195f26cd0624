/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF expressions -> location programs.
 *
 * A compiler, not an interpreter: frame base, CFA and called expressions are expanded in place, and
 * what is left is straight stack code.  DWARF 5's typed values are followed with a stack of types kept
 * at compile time, so that the ops can be told to sign- or zero-extend; floating-point ones are
 * not understood.  Expansion is bounded in depth and length.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"
#include "dbg/unwind.h"

#define MAX_DEPTH 8
#define MAX_OPS	  4096
#define MAX_TYPES 64

/* How a stack entry is to be taken: size 0 is DWARF's generic type (64 bits, unsigned). */
struct vtype {
	uint8_t size;
	bool is_signed;
};

struct comp {
	const struct dwexpr_ctx *x;
	struct dbg_op *ops;		/* stb_ds */
	struct vtype types[MAX_TYPES];
	unsigned depth;
	/* branches: byte offset of each op's start -> index in ops */
	struct { uint32_t off, index; } *starts;	/* stb_ds */
	struct { uint32_t op, target; } *fixups;	/* stb_ds */
	/* what ended the expression, if not an address */
	bool stack_value, is_reg, implicit, pointer, ended;
	uint16_t reg;
	struct dbg_bytes bytes;
	uint64_t ptr_die;
	int64_t ptr_off;
	bool failed;
};

static void comp_init(struct comp *c, const struct dwexpr_ctx *x)
{
	memset(c, 0, sizeof(*c));
	c->x = x;
}

static void comp_free(struct comp *c)
{
	arrfree(c->ops);
	arrfree(c->starts);
	arrfree(c->fixups);
}

static bool fail(struct comp *c)
{
	c->failed = true;
	return false;
}

static void op(struct comp *c, enum dbg_opcode code, int64_t a)
{
	if (arrlen(c->ops) >= MAX_OPS) {
		fail(c);
		return;
	}
	arrput(c->ops, ((struct dbg_op){ code, a }));
}

static void push_type(struct comp *c, struct vtype t)
{
	if (c->depth >= MAX_TYPES)
		fail(c);
	else
		c->types[c->depth++] = t;
}

static struct vtype pop_type(struct comp *c)
{
	if (!c->depth) {
		fail(c);
		return (struct vtype){ 0 };
	}
	return c->types[--c->depth];
}

static const struct vtype generic;

static void push(struct comp *c, enum dbg_opcode code, int64_t a)
{
	op(c, code, a);
	push_type(c, generic);
}

/* Narrows the top of stack to a type: what arithmetic of that type leaves. */
static void narrow(struct comp *c, struct vtype t)
{
	if (t.size && t.size < 8)
		op(c, t.is_signed ? DBG_OP_SEXT : DBG_OP_ZEXT, t.size);
}

/* The type of a base-type DIE of the unit; offset 0 is the generic type. */
static bool base_type(struct comp *c, uint64_t off, struct vtype *t)
{
	const struct dbg_type *b;
	struct dw_die d;

	*t = generic;
	if (off == 0)
		return true;
	if (!c->x->u || off >= c->x->u->end - c->x->u->off ||
	    !dw_die_at(c->x->u, c->x->u->off + off, &d))
		return fail(c);
	b = dwtype_of_die(c->x->m, &d);
	if ((b->kind != DBG_INT && b->kind != DBG_CHAR && b->kind != DBG_BOOL) || b->size > 8)
		return fail(c);
	*t = (struct vtype){ (uint8_t)b->size, b->is_signed };
	return true;
}

static void add_offset(struct comp *c, int64_t n)
{
	if (n) {
		op(c, DBG_OP_CONST, n);
		op(c, DBG_OP_ADD, 0);
	}
}

/* Pushes the CFA at the pc, by the unwind rule valid there. */
static bool push_cfa(struct comp *c)
{
	struct dbg_unwind_row row;

	if (c->x->cfi_mode || dbg_unwind_row(c->x->m, c->x->pc, &row, NULL))
		return fail(c);
	if (row.cfa.kind == DBG_RULE_REG_OFFSET) {
		push(c, DBG_OP_REG, row.cfa.reg);
		add_offset(c, row.cfa.offset);
	} else if (row.cfa.kind == DBG_RULE_EXPR_VAL) {
		int64_t base = arrlen(c->ops);

		for (uint32_t i = 0; i < row.cfa.nops; i++) {
			struct dbg_op o = row.cfa.ops[i];

			if (o.op == DBG_OP_SKIP || o.op == DBG_OP_BRA)
				o.a += base;
			op(c, o.op, o.a);
		}
		push_type(c, generic);
	} else {
		return fail(c);
	}
	return true;
}

static bool compile(struct comp *c, struct dbg_bytes expr);

/* Compiles another expression in place, leaving its value (or address) on the stack. */
static bool nested(struct comp *c, const struct dwexpr_ctx *x, struct dbg_bytes expr)
{
	struct comp in;
	bool ok;

	if (x->depth > MAX_DEPTH)
		return fail(c);
	comp_init(&in, x);
	ok = compile(&in, expr) && !in.implicit && !in.pointer;
	if (ok && in.is_reg) {
		push(c, DBG_OP_REG, in.reg);
	} else if (ok && arrlen(in.ops)) {
		int64_t base = arrlen(c->ops);

		for (ptrdiff_t i = 0; i < arrlen(in.ops); i++)
			op(c, in.ops[i].op,
			   in.ops[i].op == DBG_OP_SKIP || in.ops[i].op == DBG_OP_BRA
				   ? in.ops[i].a + base : in.ops[i].a);
		push_type(c, generic);
	} else {
		ok = false;
	}
	comp_free(&in);
	return ok || fail(c);
}

/* The frame base of the function: usually the CFA or a register. */
static bool push_frame_base(struct comp *c)
{
	const struct dbg_func *f = c->x->func;
	struct dwexpr_ctx x = *c->x;
	struct dbg_bytes expr;
	struct dw_die d;

	x.depth++;
	for (int i = 0; f && f->is_inline && i < 512; i++)
		f = dbg_func_parent(f);
	if (!f || c->x->cfi_mode || !dw_die_by_handle(c->x->m->dw, f->die, &d) ||
	    !dwloc_expr_at(&d, DW_AT_frame_base, c->x->pc, false, &expr))
		return fail(c);
	x.u = d.u;
	return nested(c, &x, expr);
}

/* DW_OP_call*: the location expression of another DIE. */
static bool call_die(struct comp *c, const struct dw_die *d)
{
	struct dwexpr_ctx x = *c->x;
	struct dbg_bytes expr;

	x.depth++;
	x.u = d->u;
	if (!dwloc_expr_at(d, DW_AT_location, c->x->pc, false, &expr))
		return fail(c);
	return nested(c, &x, expr);
}

/* DW_OP_GNU_variable_value: the value, read, of another variable (bounds of VLAs). */
static bool variable_value(struct comp *c, uint64_t off, enum dw_sect sect)
{
	struct dwexpr_ctx x = *c->x;
	struct dw_die d;
	struct dbg_loc l;
	const struct dbg_type *t;

	x.depth++;
	if (x.depth > MAX_DEPTH || !dw_die_by_handle(x.m->dw, DW_HANDLE(sect, off), &d))
		return fail(c);
	x.u = d.u;
	dwloc_attr(&x, &d, DW_AT_location, &l);
	t = dbg_type_strip(dwtype_of_attr(x.m, &d));
	if (l.kind == DBG_LOC_REGISTER) {
		push(c, DBG_OP_REG, l.reg);
	} else if (l.kind == DBG_LOC_MEMORY || l.kind == DBG_LOC_VALUE) {
		int64_t base = arrlen(c->ops);

		for (size_t i = 0; i < l.nops; i++)
			op(c, l.ops[i].op, l.ops[i].op == DBG_OP_SKIP || l.ops[i].op == DBG_OP_BRA
						   ? l.ops[i].a + base : l.ops[i].a);
		push_type(c, generic);
		if (l.kind == DBG_LOC_MEMORY)
			op(c, DBG_OP_DEREF, t->size && t->size <= 8 ? (int64_t)t->size : 8);
	} else {
		return fail(c);
	}
	narrow(c, (struct vtype){ t->size <= 8 ? (uint8_t)t->size : 0, t->is_signed });
	return true;
}

/* DW_OP_entry_value: only of a plain register, which is what compilers write. */
static bool entry_value(struct comp *c, struct dbg_bytes expr)
{
	struct dbg_cur e = cur_at(expr, 0);
	unsigned o = cur_u8(&e), reg;
	struct vtype t = generic;

	if (o >= DW_OP_reg0 && o <= DW_OP_reg31)
		reg = o - DW_OP_reg0;
	else if (o == DW_OP_regx)
		reg = (unsigned)cur_uleb(&e);
	else if ((o == DW_OP_regval_type || o == DW_OP_GNU_regval_type) &&
		 (reg = (unsigned)cur_uleb(&e), base_type(c, cur_uleb(&e), &t)))
		;
	else
		return fail(c);
	if (e.bad || cur_left(&e) || c->x->cfi_mode || reg > 63)
		return fail(c);
	op(c, DBG_OP_ENTRY_REG, reg);
	push_type(c, t);
	narrow(c, t);
	return true;
}

static void binary(struct comp *c, enum dbg_opcode code, enum dbg_opcode is_signed,
		   enum dbg_opcode is_unsigned)
{
	struct vtype b = pop_type(c), a = pop_type(c);
	struct vtype t = a.size ? a : b;

	if (t.size)
		code = t.is_signed ? is_signed : is_unsigned;
	op(c, code, 0);
	if (code >= DBG_OP_EQ && code <= DBG_OP_GE)
		t = generic;
	else
		narrow(c, t);
	push_type(c, t);
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
		struct vtype top = c->depth ? c->types[c->depth - 1] : generic;

		if (top.size && !top.is_signed) {
			op(c, DBG_OP_SWAP, 0);
			binary(c, DBG_OP_LT, DBG_OP_LT, o == DW_OP_gt ? DBG_OP_ULT : DBG_OP_ULE);
		} else {
			enum dbg_opcode code = o == DW_OP_gt ? DBG_OP_GT : DBG_OP_GE;

			binary(c, code, code, code);
		}
		return;
	}
	for (size_t i = 0; i < sizeof(tab) / sizeof(*tab); i++)
		if (tab[i].dw == o) {
			struct vtype t = c->depth > 1 ? c->types[c->depth - 2] : generic;

			/* a narrow signed value is kept sign-extended: a logical shift wants its bits */
			if (o == DW_OP_shr && t.size && t.size < 8 && t.is_signed) {
				op(c, DBG_OP_SWAP, 0);
				op(c, DBG_OP_ZEXT, t.size);
				op(c, DBG_OP_SWAP, 0);
			}
			binary(c, tab[i].generic_op, tab[i].signed_op, tab[i].unsigned_op);
			return;
		}
	fail(c);
}

static void stack_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	unsigned n;
	struct vtype a, b, d;

	switch (o) {
	case DW_OP_dup:
		a = pop_type(c);
		push_type(c, a);
		push_type(c, a);
		op(c, DBG_OP_DUP, 0);
		break;
	case DW_OP_drop:
		pop_type(c);
		op(c, DBG_OP_DROP, 0);
		break;
	case DW_OP_over:
	case DW_OP_pick:
		n = o == DW_OP_over ? 1 : cur_u8(e);
		if (n >= c->depth) {
			fail(c);
			break;
		}
		push_type(c, c->types[c->depth - 1 - n]);
		op(c, o == DW_OP_over ? DBG_OP_OVER : DBG_OP_PICK, n);
		break;
	case DW_OP_swap:
		a = pop_type(c);
		b = pop_type(c);
		push_type(c, a);
		push_type(c, b);
		op(c, DBG_OP_SWAP, 0);
		break;
	default:		/* rot: x y z -> z x y */
		a = pop_type(c);
		b = pop_type(c);
		d = pop_type(c);
		push_type(c, a);
		push_type(c, d);
		push_type(c, b);
		op(c, DBG_OP_ROT, 0);
		break;
	}
}

/* Loads of `size` bytes, leaving a value of type t. */
static void deref(struct comp *c, uint64_t size, struct vtype t)
{
	pop_type(c);
	if (size != 1 && size != 2 && size != 4 && size != 8)
		fail(c);
	op(c, DBG_OP_DEREF, (int64_t)size);
	if (t.is_signed && size < 8)
		op(c, DBG_OP_SEXT, (int64_t)size);
	push_type(c, t);
}

static void typed_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	struct vtype t, from;
	uint64_t n;

	switch (o) {
	case DW_OP_const_type:
	case DW_OP_GNU_const_type:
		if (!base_type(c, cur_uleb(e), &t))
			return;
		n = cur_u8(e);
		if (n == 0 || n > 8) {
			fail(c);
			return;
		}
		op(c, DBG_OP_CONST, t.is_signed ? sign_extend(cur_uint(e, (unsigned)n), (unsigned)n)
						: (int64_t)cur_uint(e, (unsigned)n));
		push_type(c, t);
		break;
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		n = cur_uleb(e);
		if (!base_type(c, cur_uleb(e), &t) || n > 16) {
			fail(c);
			return;
		}
		op(c, DBG_OP_REG, (int64_t)n);
		push_type(c, t);
		narrow(c, t);
		break;
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		n = cur_u8(e);
		if (base_type(c, cur_uleb(e), &t))
			deref(c, n, t);
		break;
	default:		/* convert, reinterpret */
		if (!base_type(c, cur_uleb(e), &t))
			return;
		from = pop_type(c);
		if (!t.size && from.size && from.size < 8 && from.is_signed)
			op(c, DBG_OP_ZEXT, from.size);	/* to generic: unsigned bits */
		narrow(c, t);
		push_type(c, t);
		break;
	}
}

static void branch(struct comp *c, unsigned o, struct dbg_cur *e, const uint8_t *start)
{
	int16_t d = (int16_t)cur_u16(e);
	int64_t target = e->p - start + d;

	if (target < 0 || target > UINT32_MAX) {
		fail(c);
		return;
	}
	if (o == DW_OP_bra)
		pop_type(c);
	arrput(c->fixups, ((__typeof__(*c->fixups)){ (uint32_t)arrlen(c->ops), (uint32_t)target }));
	op(c, o == DW_OP_bra ? DBG_OP_BRA : DBG_OP_SKIP, 0);
}

static void constant(struct comp *c, unsigned o, struct dbg_cur *e)
{
	static const uint8_t size[] = { 1, 1, 2, 2, 4, 4, 8, 8 };	/* const1u .. const8s */
	unsigned n;

	if (o == DW_OP_constu) {
		push(c, DBG_OP_CONST, (int64_t)cur_uleb(e));
	} else if (o == DW_OP_consts) {
		push(c, DBG_OP_CONST, cur_sleb(e));
	} else {
		uint64_t v;

		n = size[o - DW_OP_const1u];
		v = cur_uint(e, n);
		push(c, DBG_OP_CONST,
		     (o - DW_OP_const1u) & 1 ? sign_extend(v, n) : (int64_t)v);
	}
}

/* Ops that name places: registers, frame, addresses, TLS, other DIEs. */
static void place_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	struct dw_unit *u = c->x->u;
	const struct dbg_module_info *mi = &c->x->m->info;
	struct dw_die d;
	uint64_t v;

	switch (o) {
	case DW_OP_addr:
		push(c, DBG_OP_ADDR, (int64_t)cur_uint(e, u ? u->addr_size : 8));
		break;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		if (!u || !dw_addrx(u, cur_uleb(e), &v))
			fail(c);
		else
			push(c, DBG_OP_ADDR, (int64_t)v);
		break;
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		if (!u || !dw_addrx(u, cur_uleb(e), &v))
			fail(c);
		else
			push(c, DBG_OP_CONST, (int64_t)v);
		break;
	case DW_OP_bregx:
		v = cur_uleb(e);
		push(c, DBG_OP_REG, (int64_t)(v & 0xff));
		add_offset(c, cur_sleb(e));
		break;
	case DW_OP_fbreg:
		push_frame_base(c);
		add_offset(c, cur_sleb(e));
		break;
	case DW_OP_call_frame_cfa:
		push_cfa(c);
		break;
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address:
		if (mi->type == DBG_ELF_EXEC || mi->type == DBG_ELF_PIE) {
			/* the executable's block ends at the thread pointer, aligned */
			uint64_t al = mi->tls_align ? mi->tls_align : 1;

			op(c, DBG_OP_REG, DBG_FSBASE);
			op(c, DBG_OP_ADD, 0);
			add_offset(c, -(int64_t)((mi->tls_size + al - 1) / al * al));
		} else {
			op(c, DBG_OP_TLS, 0);
		}
		break;
	case DW_OP_call2:
	case DW_OP_call4:
		v = cur_uint(e, o == DW_OP_call2 ? 2 : 4);
		if (!u || !dw_die_at(u, u->off + v, &d))
			fail(c);
		else
			call_die(c, &d);
		break;
	case DW_OP_GNU_parameter_ref:
		v = cur_u32(e);
		if (!u || !dw_die_at(u, u->off + v, &d))
			fail(c);
		else
			push(c, DBG_OP_ENTRY_PARAM, (int64_t)dw_handle(&d));
		break;
	case DW_OP_GNU_variable_value:
		variable_value(c, cur_uint(e, u ? u->off_size : 4), u ? u->sect : DW_IN_INFO);
		break;
	default:
		fail(c);
	}
}

/* Ops that end a location description. */
static void final_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	struct dw_unit *u = c->x->u;
	uint64_t v;

	c->ended = true;
	switch (o) {
	case DW_OP_stack_value:
		c->stack_value = true;
		break;
	case DW_OP_implicit_value:
		v = cur_uleb(e);
		c->bytes.p = cur_take(e, v);
		c->bytes.len = c->bytes.p ? v : 0;
		c->implicit = true;
		break;
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		v = cur_uint(e, !u ? 4 : u->version <= 2 ? u->addr_size : u->off_size);
		c->ptr_off = cur_sleb(e);
		c->ptr_die = DW_HANDLE(u && u->sect == DW_IN_ALT ? DW_IN_ALT : DW_IN_INFO,
				       v & ~(UINT64_C(3) << 62));
		c->pointer = true;
		break;
	default:
		c->is_reg = true;
		c->reg = (uint16_t)(o == DW_OP_regx ? cur_uleb(e) : o - DW_OP_reg0);
		break;
	}
}

static void unary(struct comp *c, enum dbg_opcode code)
{
	struct vtype t = pop_type(c);

	op(c, code, 0);
	narrow(c, t);
	push_type(c, t);
}

static void one_op(struct comp *c, unsigned o, struct dbg_cur *e, const uint8_t *start)
{
	struct dbg_bytes b;

	if ((o >= DW_OP_reg0 && o <= DW_OP_reg31) || o == DW_OP_regx || o == DW_OP_stack_value ||
	    o == DW_OP_implicit_value || o == DW_OP_implicit_pointer ||
	    o == DW_OP_GNU_implicit_pointer) {
		final_op(c, o, e);
	} else if (o >= DW_OP_lit0 && o <= DW_OP_lit31) {
		push(c, DBG_OP_CONST, o - DW_OP_lit0);
	} else if (o >= DW_OP_breg0 && o <= DW_OP_breg31) {
		push(c, DBG_OP_REG, o - DW_OP_breg0);
		add_offset(c, cur_sleb(e));
	} else if (o >= DW_OP_const1u && o <= DW_OP_consts) {
		constant(c, o, e);
	} else if (o >= DW_OP_dup && o <= DW_OP_rot) {
		stack_op(c, o, e);
	} else {
		switch (o) {
		case DW_OP_nop:
			break;
		case DW_OP_deref:
			deref(c, 8, generic);
			break;
		case DW_OP_deref_size:
			deref(c, cur_u8(e), generic);
			break;
		case DW_OP_plus_uconst:
			add_offset(c, (int64_t)cur_uleb(e));
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
		case DW_OP_entry_value:
		case DW_OP_GNU_entry_value:
			b.len = cur_uleb(e);
			b.p = cur_take(e, b.len);
			if (b.p)
				entry_value(c, b);
			break;
		case DW_OP_const_type: case DW_OP_GNU_const_type:
		case DW_OP_regval_type: case DW_OP_GNU_regval_type:
		case DW_OP_deref_type: case DW_OP_GNU_deref_type:
		case DW_OP_convert: case DW_OP_GNU_convert:
		case DW_OP_reinterpret: case DW_OP_GNU_reinterpret:
			typed_op(c, o, e);
			break;
		case DW_OP_addr: case DW_OP_addrx: case DW_OP_GNU_addr_index: case DW_OP_constx:
		case DW_OP_GNU_const_index: case DW_OP_bregx: case DW_OP_fbreg:
		case DW_OP_call_frame_cfa: case DW_OP_form_tls_address:
		case DW_OP_GNU_push_tls_address: case DW_OP_call2: case DW_OP_call4:
		case DW_OP_GNU_variable_value: case DW_OP_GNU_parameter_ref:
			place_op(c, o, e);
			break;
		default:
			arithmetic(c, o);
		}
	}
}

static void resolve_branches(struct comp *c, size_t len)
{
	arrput(c->starts, ((__typeof__(*c->starts)){ (uint32_t)len, (uint32_t)arrlen(c->ops) }));
	for (ptrdiff_t i = 0; i < arrlen(c->fixups); i++) {
		ptrdiff_t k = 0;

		while (k < arrlen(c->starts) && c->starts[k].off != c->fixups[i].target)
			k++;
		if (k == arrlen(c->starts))
			fail(c);
		else
			c->ops[c->fixups[i].op].a = c->starts[k].index;
	}
}

/* Compiles up to a piece operator, which is not consumed, or the end. */
static bool compile_part(struct comp *c, struct dbg_cur *e)
{
	const uint8_t *start = e->p;

	while (cur_left(e) && !c->failed && *e->p != DW_OP_piece && *e->p != DW_OP_bit_piece) {
		if (c->ended)
			return fail(c);
		arrput(c->starts, ((__typeof__(*c->starts)){ (uint32_t)(e->p - start),
							     (uint32_t)arrlen(c->ops) }));
		one_op(c, cur_u8(e), e, start);
	}
	if (e->bad)
		fail(c);
	resolve_branches(c, (size_t)(e->p - start));
	return !c->failed;
}

static bool compile(struct comp *c, struct dbg_bytes expr)
{
	struct dbg_cur e = cur_at(expr, 0);

	return compile_part(c, &e) && (!cur_left(&e) || fail(c));
}

static void none(struct dbg_loc *out, enum dbg_unavailable why)
{
	*out = (struct dbg_loc){ .kind = DBG_LOC_NONE, .why = why };
}

/* What DW_OP_implicit_pointer points at: the location of that variable. */
static void pointer_loc(struct comp *c, struct dbg_loc *out)
{
	struct dbg_module *m = c->x->m;
	struct dwexpr_ctx x = *c->x;
	struct dbg_piece *p;
	struct dw_die d;

	x.depth++;
	if (x.depth > MAX_DEPTH || !dw_die_by_handle(m->dw, c->ptr_die, &d)) {
		none(out, DBG_UNKNOWN_EXPR);
		return;
	}
	x.u = d.u;
	p = arena_new(m->arena, struct dbg_piece);
	dwloc_attr(&x, &d, DW_AT_location, &p->loc);
	out->kind = DBG_LOC_POINTER;
	out->pieces = p;
	out->npieces = 1;
	out->offset = c->ptr_off;
}

/* Turns what compile_part() found into a location. */
static void finish(struct comp *c, struct dbg_loc *out)
{
	struct arena *a = c->x->m->arena;

	memset(out, 0, sizeof(*out));
	if (c->is_reg) {
		out->kind = DBG_LOC_REGISTER;
		out->reg = c->reg;
	} else if (c->implicit) {
		out->kind = DBG_LOC_BYTES;
		out->bytes = c->bytes.p;
		out->nbytes = c->bytes.len;
	} else if (c->pointer) {
		pointer_loc(c, out);
	} else if (arrlen(c->ops) && c->depth) {
		out->kind = c->stack_value ? DBG_LOC_VALUE : DBG_LOC_MEMORY;
		out->nops = (size_t)arrlen(c->ops);
		out->ops = arena_memdup(a, c->ops, out->nops * sizeof(*c->ops));
	} else {
		none(out, DBG_OPTIMIZED_OUT);
	}
}

static void pieces_location(const struct dwexpr_ctx *x, struct dbg_bytes expr, struct dbg_loc *out)
{
	struct dbg_cur e = cur_at(expr, 0);
	struct dbg_piece *list = NULL;

	while (cur_left(&e) && !e.bad && arrlen(list) < 64) {
		struct dbg_piece p = { 0 };
		struct comp c;
		bool ok;

		comp_init(&c, x);
		ok = compile_part(&c, &e);
		if (ok)
			finish(&c, &p.loc);
		else
			none(&p.loc, DBG_UNKNOWN_EXPR);
		comp_free(&c);
		if (!ok || !cur_left(&e))
			goto unknown;
		if (cur_u8(&e) == DW_OP_piece) {
			p.bit_size = (uint32_t)cur_uleb(&e) * 8;
		} else {
			p.bit_size = (uint32_t)cur_uleb(&e);
			p.bit_offset = (uint32_t)cur_uleb(&e);
		}
		arrput(list, p);
	}
	if (e.bad || !arrlen(list))
		goto unknown;
	memset(out, 0, sizeof(*out));
	out->kind = DBG_LOC_PIECES;
	out->npieces = (size_t)arrlen(list);
	out->pieces = arena_memdup(x->m->arena, list, out->npieces * sizeof(*list));
	arrfree(list);
	return;
unknown:
	none(out, DBG_UNKNOWN_EXPR);
	arrfree(list);
}

void dwexpr_location(const struct dwexpr_ctx *x, struct dbg_bytes expr, struct dbg_loc *out)
{
	struct dbg_cur e = cur_at(expr, 0);
	struct comp c;
	bool ok;

	if (!expr.len || x->depth > MAX_DEPTH) {
		none(out, DBG_OPTIMIZED_OUT);
		return;
	}
	comp_init(&c, x);
	ok = compile_part(&c, &e);
	if (ok && cur_left(&e))
		pieces_location(x, expr, out);
	else if (ok)
		finish(&c, out);
	else
		none(out, DBG_UNKNOWN_EXPR);
	comp_free(&c);
}

bool dwexpr_value(const struct dwexpr_ctx *x, struct dbg_bytes expr, const struct dbg_op **ops,
		  size_t *nops)
{
	struct comp c;
	bool ok;

	comp_init(&c, x);
	if (x->cfi_mode)
		push_type(&c, generic);		/* the CFA, pushed by whoever runs it */
	ok = compile(&c, expr) && !c.implicit && !c.pointer;
	if (ok && c.is_reg)
		op(&c, DBG_OP_REG, c.reg);
	ok = ok && arrlen(c.ops);
	if (ok) {
		*nops = (size_t)arrlen(c.ops);
		*ops = arena_memdup(x->m->arena, c.ops, *nops * sizeof(*c.ops));
	}
	comp_free(&c);
	return ok;
}
