/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Location attributes: single expressions, location lists of DWARF 2..4 (.debug_loc) and 5
 * (.debug_loclists), and constant values.
 */
#include "base/arena.h"
#include "dbg/priv.h"

#define MAX_ENTRIES 65536

typedef bool entry_fn(void *data, uint64_t lo, uint64_t hi, struct dbg_bytes expr);

static void list_v4(struct dw_unit *u, uint64_t off, entry_fn *fn, void *data)
{
	struct dbg_cur c = cur_at(dw_section(u->file, DW_S_LOC), off);
	uint64_t base = u->low_pc, max = u->addr_size == 4 ? UINT32_MAX : UINT64_MAX;

	for (int i = 0; i < MAX_ENTRIES; i++) {
		uint64_t lo = cur_uint(&c, u->addr_size), hi = cur_uint(&c, u->addr_size);
		struct dbg_bytes expr;

		if (c.bad || (lo == 0 && hi == 0))
			return;
		if (lo == max) {
			base = hi;
			continue;
		}
		expr.len = cur_u16(&c);
		expr.p = cur_take(&c, expr.len);
		if (c.bad || (hi >= lo && !fn(data, base + lo, base + hi, expr)))
			return;
	}
}

static void list_v5(struct dw_unit *u, uint64_t off, entry_fn *fn, void *data)
{
	struct dbg_cur c = cur_at(dw_section(u->file, DW_S_LOCLISTS), off);
	uint64_t base = u->low_pc;

	for (int i = 0; i < MAX_ENTRIES && !c.bad; i++) {
		unsigned code = cur_u8(&c);
		enum dw_entry entry = DW_ENTRY_RANGE;
		uint64_t lo = 0, hi = UINT64_MAX;
		struct dbg_bytes expr;

		if (code == DW_LLE_GNU_view_pair) {
			cur_uleb(&c);
			cur_uleb(&c);
			continue;
		}
		if (code != DW_LLE_default_location)
			entry = dw_list_entry(u, &c, code, &base, &lo, &hi);
		if (entry == DW_ENTRY_END)
			return;
		if (entry == DW_ENTRY_BASE)
			continue;
		expr.len = cur_uleb(&c);
		expr.p = cur_take(&c, expr.len);
		if (c.bad || (entry == DW_ENTRY_RANGE && hi >= lo && !fn(data, lo, hi, expr)))
			return;
	}
}

static bool each_entry(struct dw_unit *u, const struct dw_val *v, entry_fn *fn, void *data)
{
	uint64_t off = v->u;
	struct dbg_cur c;

	if (!dw_val_is_secoff(u, v))
		return false;
	if (u->version < 5) {
		list_v4(u, off, fn, data);
		return true;
	}
	if (v->form == DW_FORM_loclistx) {
		if (off > dw_section(u->file, DW_S_LOCLISTS).len / u->off_size)
			return true;
		c = cur_at(dw_section(u->file, DW_S_LOCLISTS), u->loclists_base + off * u->off_size);
		off = u->loclists_base + cur_uint(&c, u->off_size);
	}
	list_v5(u, off, fn, data);
	return true;
}

bool dwloc_each(const struct dw_die *d, unsigned name, entry_fn *fn, void *data)
{
	struct dw_die where;
	struct dw_val v;

	return dw_attr_deep(d, name, &v, &where) && each_entry(where.u, &v, fn, data);
}

struct at_pc {
	uint64_t pc;
	bool entry;			/* pc is the first instruction of its function */
	struct dbg_bytes expr;
	bool found;
};

static bool covers(void *data, uint64_t lo, uint64_t hi, struct dbg_bytes expr)
{
	struct at_pc *a = data;

	/* an empty range at the function's entry says where a parameter is before the first
	 * instruction, when the compiler already has a later view of it there */
	if (lo == hi ? !a->entry || a->pc != lo : a->pc < lo || a->pc >= hi)
		return true;
	a->expr = expr;
	a->found = true;
	return false;
}

bool dwloc_expr_at(const struct dw_die *d, unsigned name, uint64_t pc, bool entry,
		   struct dbg_bytes *expr)
{
	struct at_pc a = { .pc = pc, .entry = entry };
	struct dw_die where;
	struct dw_val v;

	if (!dw_attr_deep(d, name, &v, &where))
		return false;
	if (dw_val_is_block(&v)) {
		*expr = v.b;
		return true;
	}
	each_entry(where.u, &v, covers, &a);
	*expr = a.expr;
	return a.found;
}

/* DW_AT_const_value: a number, block or string. */
static bool const_value(const struct dwexpr_ctx *x, const struct dw_die *d, struct dbg_loc *out)
{
	struct dw_die where;
	struct dw_val v;
	const char *s;

	if (!dw_attr_deep(d, DW_AT_const_value, &v, &where))
		return false;
	memset(out, 0, sizeof(*out));
	if (dw_val_is_block(&v)) {
		out->kind = DBG_LOC_BYTES;
		out->bytes = v.b.p;
		out->nbytes = v.b.len;
	} else if ((s = dw_val_str(where.u, &v)) != NULL) {
		out->kind = DBG_LOC_BYTES;
		out->bytes = (const uint8_t *)s;
		out->nbytes = strlen(s) + 1;
	} else {
		struct dbg_op *o = arena_new(x->m->arena, struct dbg_op);

		*o = (struct dbg_op){ DBG_OP_CONST, (int64_t)v.u };
		out->kind = DBG_LOC_VALUE;
		out->ops = o;
		out->nops = 1;
	}
	return true;
}

/* Whether the pc is the entry of the out-of-line function around it. */
static bool at_entry(const struct dwexpr_ctx *x)
{
	const struct dbg_func *f = x->func;

	for (int i = 0; f && f->is_inline && i < 512; i++)
		f = dbg_func_parent(f);
	return f && f->entry == x->pc;
}

void dwloc_attr(const struct dwexpr_ctx *x, const struct dw_die *d, unsigned name,
		struct dbg_loc *out)
{
	struct dw_die where;
	struct dbg_bytes expr;
	struct dw_val v;

	if (!dw_attr_deep(d, name, &v, &where)) {
		if (!const_value(x, d, out))
			*out = (struct dbg_loc){ .why = DBG_OPTIMIZED_OUT };
		return;
	}
	if (dwloc_expr_at(d, name, x->pc, at_entry(x), &expr)) {
		struct dwexpr_ctx in = *x;

		in.u = where.u;
		dwexpr_location(&in, expr, out);
		if (out->kind == DBG_LOC_NONE && out->why == DBG_OPTIMIZED_OUT &&
		    dw_val_is_secoff(where.u, &v))
			out->why = DBG_NOT_HERE;
	} else {
		*out = (struct dbg_loc){ .why = DBG_NOT_HERE };
	}
}
