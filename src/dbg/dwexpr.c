/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF expressions -> location programs.
 *
 * A compiler, not an interpreter: frame base, CFA and called expressions are expanded in place,
 * and what is left is straight stack code.  Floating-point values are not understood.
 * Expansion is bounded in depth and length.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/dwcomp.h"
#include "dbg/unwind.h"

#define MAX_DEPTH 8

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

/* Pushes the CFA at the pc, by the unwind rule valid there. */
static bool push_cfa(struct comp *c)
{
	struct dbg_unwind_row row;

	if (c->x->cfi_mode || dbg_unwind_row(c->x->m, c->x->pc, &row, NULL))
		return comp_fail(c);
	if (row.cfa.kind == DBG_RULE_REG_OFFSET) {
		comp_push(c, DBG_OP_REG, row.cfa.reg);
		comp_add_offset(c, row.cfa.offset);
	} else if (row.cfa.kind == DBG_RULE_EXPR_VAL) {
		int64_t base = arrlen(c->ops);

		for (uint32_t i = 0; i < row.cfa.nops; i++) {
			struct dbg_op o = row.cfa.ops[i];

			if (o.op == DBG_OP_SKIP || o.op == DBG_OP_BRA)
				o.a += base;
			comp_op(c, o.op, o.a);
		}
		comp_push_type(c, comp_generic);
	} else {
		return comp_fail(c);
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
		return comp_fail(c);
	comp_init(&in, x);
	ok = compile(&in, expr) && !in.implicit && !in.pointer;
	if (ok && in.is_reg) {
		comp_push(c, DBG_OP_REG, in.reg);
	} else if (ok && arrlen(in.ops)) {
		int64_t base = arrlen(c->ops);

		for (ptrdiff_t i = 0; i < arrlen(in.ops); i++)
			comp_op(c, in.ops[i].op,
			   in.ops[i].op == DBG_OP_SKIP || in.ops[i].op == DBG_OP_BRA
				   ? in.ops[i].a + base : in.ops[i].a);
		comp_push_type(c, comp_generic);
	} else {
		ok = false;
	}
	comp_free(&in);
	return ok || comp_fail(c);
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
		return comp_fail(c);
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
		return comp_fail(c);
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
		return comp_fail(c);
	x.u = d.u;
	dwloc_attr(&x, &d, DW_AT_location, &l);
	t = dbg_type_strip(dwtype_of_attr(x.m, &d));
	if (l.kind == DBG_LOC_REGISTER) {
		comp_push(c, DBG_OP_REG, l.reg);
	} else if (l.kind == DBG_LOC_MEMORY || l.kind == DBG_LOC_VALUE) {
		int64_t base = arrlen(c->ops);

		for (size_t i = 0; i < l.nops; i++)
			comp_op(c, l.ops[i].op, l.ops[i].op == DBG_OP_SKIP || l.ops[i].op == DBG_OP_BRA
						   ? l.ops[i].a + base : l.ops[i].a);
		comp_push_type(c, comp_generic);
		if (l.kind == DBG_LOC_MEMORY)
			comp_op(c, DBG_OP_DEREF, t->size && t->size <= 8 ? (int64_t)t->size : 8);
	} else {
		return comp_fail(c);
	}
	comp_narrow(c, (struct vtype){ t->size <= 8 ? (uint8_t)t->size : 0, t->is_signed });
	return true;
}

/* DW_OP_entry_value: only of a plain register, which is what compilers write. */
static bool entry_value(struct comp *c, struct dbg_bytes expr)
{
	struct dbg_cur e = cur_at(expr, 0);
	unsigned o = cur_u8(&e), reg;
	struct vtype t = comp_generic;

	if (o >= DW_OP_reg0 && o <= DW_OP_reg31)
		reg = o - DW_OP_reg0;
	else if (o == DW_OP_regx)
		reg = (unsigned)cur_uleb(&e);
	else if ((o == DW_OP_regval_type || o == DW_OP_GNU_regval_type) &&
		 (reg = (unsigned)cur_uleb(&e), comp_base_type(c, cur_uleb(&e), &t)))
		;
	else
		return comp_fail(c);
	if (e.bad || cur_left(&e) || c->x->cfi_mode || reg > 63)
		return comp_fail(c);
	comp_op(c, DBG_OP_ENTRY_REG, reg);
	comp_push_type(c, t);
	comp_narrow(c, t);
	return true;
}

/* Ops that name places: registers, frame, addresses, TLS, other DIEs. */
static void place_op(struct comp *c, unsigned o, struct dbg_cur *e)
{
	struct dw_unit *u = c->x->u;
	struct dw_die d;
	uint64_t v;

	switch (o) {
	case DW_OP_addr:
		comp_push(c, DBG_OP_ADDR, (int64_t)cur_uint(e, u ? u->addr_size : 8));
		break;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		if (!u || !dw_addrx(u, cur_uleb(e), &v))
			comp_fail(c);
		else
			comp_push(c, DBG_OP_ADDR, (int64_t)v);
		break;
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		if (!u || !dw_addrx(u, cur_uleb(e), &v))
			comp_fail(c);
		else
			comp_push(c, DBG_OP_CONST, (int64_t)v);
		break;
	case DW_OP_bregx:
		v = cur_uleb(e);
		comp_push(c, DBG_OP_REG, (int64_t)(v & 0xff));
		comp_add_offset(c, cur_sleb(e));
		break;
	case DW_OP_fbreg:
		push_frame_base(c);
		comp_add_offset(c, cur_sleb(e));
		break;
	case DW_OP_call_frame_cfa:
		push_cfa(c);
		break;
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address:
		dwtls_address(c);
		break;
	case DW_OP_call2:
	case DW_OP_call4:
		v = cur_uint(e, o == DW_OP_call2 ? 2 : 4);
		if (!u || !dw_die_at(u, u->off + v, &d))
			comp_fail(c);
		else
			call_die(c, &d);
		break;
	case DW_OP_GNU_parameter_ref:
		v = cur_u32(e);
		if (!u || !dw_die_at(u, u->off + v, &d))
			comp_fail(c);
		else
			comp_push(c, DBG_OP_ENTRY_PARAM, (int64_t)dw_handle(&d));
		break;
	case DW_OP_GNU_variable_value:
		variable_value(c, cur_uint(e, u ? u->off_size : 4), u ? u->sect : DW_IN_INFO);
		break;
	default:
		comp_fail(c);
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

static void one_op(struct comp *c, unsigned o, struct dbg_cur *e, const uint8_t *start)
{
	struct dbg_bytes b;

	if (o >= DW_OP_reg0 && o <= DW_OP_reg31) {
		final_op(c, o, e);
		return;
	}
	if (o >= DW_OP_breg0 && o <= DW_OP_breg31) {
		comp_push(c, DBG_OP_REG, o - DW_OP_breg0);
		comp_add_offset(c, cur_sleb(e));
		return;
	}
	switch (o) {
	case DW_OP_regx: case DW_OP_stack_value: case DW_OP_implicit_value:
	case DW_OP_implicit_pointer: case DW_OP_GNU_implicit_pointer:
		final_op(c, o, e);
		break;
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		b.len = cur_uleb(e);
		b.p = cur_take(e, b.len);
		if (b.p)
			entry_value(c, b);
		break;
	case DW_OP_addr: case DW_OP_addrx: case DW_OP_GNU_addr_index: case DW_OP_constx:
	case DW_OP_GNU_const_index: case DW_OP_bregx: case DW_OP_fbreg:
	case DW_OP_call_frame_cfa: case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address: case DW_OP_call2: case DW_OP_call4:
	case DW_OP_GNU_variable_value: case DW_OP_GNU_parameter_ref:
		place_op(c, o, e);
		break;
	default:
		comp_plain_op(c, o, e, start);
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
			comp_fail(c);
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
			return comp_fail(c);
		arrput(c->starts, ((__typeof__(*c->starts)){ (uint32_t)(e->p - start),
							     (uint32_t)arrlen(c->ops) }));
		one_op(c, cur_u8(e), e, start);
	}
	if (e->bad)
		comp_fail(c);
	resolve_branches(c, (size_t)(e->p - start));
	return !c->failed;
}

static bool compile(struct comp *c, struct dbg_bytes expr)
{
	struct dbg_cur e = cur_at(expr, 0);

	return compile_part(c, &e) && (!cur_left(&e) || comp_fail(c));
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
		comp_push_type(&c, comp_generic);		/* the CFA, pushed by whoever runs it */
	ok = compile(&c, expr) && !c.implicit && !c.pointer;
	if (ok && c.is_reg)
		comp_op(&c, DBG_OP_REG, c.reg);
	ok = ok && arrlen(c.ops);
	if (ok) {
		*nops = (size_t)arrlen(c.ops);
		*ops = arena_memdup(x->m->arena, c.ops, *nops * sizeof(*c.ops));
	}
	comp_free(&c);
	return ok;
}
