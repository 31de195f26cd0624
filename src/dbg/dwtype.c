/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types from DWARF.
 *
 * One dbg_type per type DIE, found again by the DIE's handle.  Inner dimensions of an array are
 * types of their own, whose handle carries the dimension in bits 48..55 (no section is that
 * large).
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

#define DIM_SHIFT 48
#define DIM_MASK  (UINT64_C(0xff) << DIM_SHIFT)
#define MAX_PARTS 100000

static const struct dbg_type_ops dw_type_ops;

static enum dbg_type_kind base_kind(uint64_t encoding, bool *is_signed)
{
	*is_signed = false;
	switch (encoding) {
	case DW_ATE_boolean:
		return DBG_BOOL;
	case DW_ATE_signed_char:
		*is_signed = true;
		return DBG_CHAR;
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
		return DBG_CHAR;
	case DW_ATE_signed:
		*is_signed = true;
		return DBG_INT;
	case DW_ATE_unsigned:
	case DW_ATE_address:
		return DBG_INT;
	case DW_ATE_float:
	case DW_ATE_complex_float:
	case DW_ATE_imaginary_float:
	case DW_ATE_decimal_float:
		return DBG_FLOAT;
	default:
		return DBG_UNSPECIFIED;
	}
}

static enum dbg_type_kind tag_kind(unsigned tag)
{
	switch (tag) {
	case DW_TAG_enumeration_type:
		return DBG_ENUM;
	case DW_TAG_pointer_type:
		return DBG_POINTER;
	case DW_TAG_reference_type:
		return DBG_REFERENCE;
	case DW_TAG_rvalue_reference_type:
		return DBG_RVALUE_REFERENCE;
	case DW_TAG_array_type:
		return DBG_ARRAY;
	case DW_TAG_structure_type:
		return DBG_STRUCT;
	case DW_TAG_union_type:
		return DBG_UNION;
	case DW_TAG_class_type:
	case DW_TAG_interface_type:
		return DBG_CLASS;
	case DW_TAG_typedef:
	case DW_TAG_template_alias:
		return DBG_TYPEDEF;
	case DW_TAG_const_type:
		return DBG_CONST;
	case DW_TAG_volatile_type:
		return DBG_VOLATILE;
	case DW_TAG_restrict_type:
		return DBG_RESTRICT;
	case DW_TAG_atomic_type:
		return DBG_ATOMIC;
	case DW_TAG_subroutine_type:
		return DBG_FUNCTION;
	case DW_TAG_ptr_to_member_type:
		return DBG_MEMBER_POINTER;
	default:
		return DBG_UNSPECIFIED;
	}
}

/* gcc gives enums an underlying type or encoding; otherwise a negative enumerator decides. */
static bool enum_signed(struct dbg_module *m, const struct dw_die *d)
{
	struct dw_die under;
	struct dw_walk w;
	struct dw_die c;
	struct dw_val v;

	if (dw_attr(d, DW_AT_encoding, &v))
		return v.u == DW_ATE_signed || v.u == DW_ATE_signed_char;
	if (dw_die_ref(d, DW_AT_type, &under))
		return dbg_type_is_signed(dwtype_of_die(m, &under));
	dw_walk_start(&w, d);
	while (dw_walk_next(&w, &c, NULL)) {
		if (c.ab->tag == DW_TAG_enumerator && dw_attr(&c, DW_AT_const_value, &v) &&
		    v.form == DW_FORM_sdata && (int64_t)v.u < 0)
			return true;
		dw_walk_skip(&w);
	}
	return false;
}

static struct dbg_type *make_type(struct dbg_module *m, const struct dw_die *d)
{
	enum dbg_type_kind kind = tag_kind(d->ab->tag);
	struct dbg_type *t = type_new(m, kind, &dw_type_ops, dw_handle(d));
	struct dw_die real;

	t->name = dw_die_str(d, DW_AT_name);
	t->size = dw_die_u(d, DW_AT_byte_size, 0);
	t->declaration = dw_die_flag(d, DW_AT_declaration);
	if (t->declaration && dw_die_ref(d, DW_AT_signature, &real) &&
	    tag_kind(real.ab->tag) == kind) {	/* stands for the type of a type unit */
		t->ref = dw_handle(&real);
		t->name = dw_die_str(&real, DW_AT_name);
		t->size = dw_die_u(&real, DW_AT_byte_size, 0);
		t->declaration = false;
	}
	if (d->ab->tag == DW_TAG_base_type)
		t->kind = base_kind(dw_die_u(d, DW_AT_encoding, 0), &t->is_signed);
	switch (t->kind) {
	case DBG_POINTER:
	case DBG_REFERENCE:
	case DBG_RVALUE_REFERENCE:
		t->size = t->size ? t->size : 8;
		break;
	case DBG_MEMBER_POINTER:
		t->size = 8;
		break;
	default:
		break;
	}
	return t;
}

const struct dbg_type *dwtype_of_die(struct dbg_module *m, const struct dw_die *d)
{
	uint64_t h = dw_handle(d);
	struct dbg_type *t = hmget(m->types, h);

	if (!t) {
		t = make_type(m, d);
		hmput(m->types, h, t);
		if (t->kind == DBG_ENUM)	/* may look at its underlying type: after the put */
			t->is_signed = enum_signed(m, d);
	}
	return t;
}

const struct dbg_type *dwtype_of_attr(struct dbg_module *m, const struct dw_die *d)
{
	struct dw_die where, target;
	struct dw_val v;

	if (!dw_attr_deep(d, DW_AT_type, &v, &where) || !dw_val_ref(where.u, &v, &target))
		return module_void_type(m);
	return dwtype_of_die(m, &target);
}

/* The DIE behind a type; *dim the array dimension. */
static bool type_die(const struct dbg_type *t, struct dw_die *d, unsigned *dim)
{
	*dim = (unsigned)((t->ref & DIM_MASK) >> DIM_SHIFT);
	return dw_die_by_handle(t->module->dw, t->ref & ~DIM_MASK, d);
}

/* ---- arrays ---- */

struct dims {
	struct { bool known; uint64_t count; } d[16];
	unsigned n;
};

static void array_dims(const struct dw_die *d, struct dims *out)
{
	struct dw_walk w;
	struct dw_die c;
	struct dw_val v;

	out->n = 0;
	dw_walk_start(&w, d);
	while (out->n < 16 && dw_walk_next(&w, &c, NULL)) {
		bool known = false;
		uint64_t count = 0;

		dw_walk_skip(&w);
		if (c.ab->tag != DW_TAG_subrange_type && c.ab->tag != DW_TAG_enumeration_type)
			continue;
		if (dw_attr(&c, DW_AT_count, &v) && dw_val_is_const(&v)) {
			known = true;
			count = v.u;
		} else if (dw_attr(&c, DW_AT_upper_bound, &v) && dw_val_is_const(&v)) {
			known = true;
			count = v.u - dw_die_u(&c, DW_AT_lower_bound, 0) + 1;
			if (v.u == UINT32_MAX && v.form == DW_FORM_data4)
				count = 0;	/* int a[0] of old compilers */
		}
		out->d[out->n].known = known;
		out->d[out->n++].count = count;
	}
}

static const struct dbg_type *array_target(const struct dbg_type *t, const struct dw_die *d,
					   unsigned dim)
{
	struct dims dims;
	struct dbg_type *inner;
	uint64_t key = (t->ref & ~DIM_MASK) | ((uint64_t)(dim + 1) << DIM_SHIFT);

	array_dims(d, &dims);
	if (dim + 1 >= dims.n)
		return dwtype_of_attr(t->module, d);
	inner = hmget(t->module->types, key);
	if (!inner) {
		inner = type_new(t->module, DBG_ARRAY, t->ops, key);
		hmput(t->module->types, key, inner);
	}
	return inner;
}

static bool dw_count(const struct dbg_type *t, uint64_t *count)
{
	struct dims dims;
	struct dw_die d;
	unsigned dim;

	if (!type_die(t, &d, &dim))
		return false;
	array_dims(&d, &dims);
	if (dim >= dims.n || !dims.d[dim].known)
		return false;
	*count = dims.d[dim].count;
	return true;
}

/* ---- the other parts ---- */

static const struct dbg_type *dw_target(const struct dbg_type *t)
{
	struct dbg_type *w = (struct dbg_type *)t;
	const struct dbg_type *r;
	struct dw_die d;
	unsigned dim;

	if (t->kind == DBG_STRUCT || t->kind == DBG_UNION || t->kind == DBG_CLASS)
		return NULL;
	/* `lazy` of enums and functions holds their other parts */
	if (t->lazy && t->kind != DBG_ENUM && t->kind != DBG_FUNCTION)
		return t->lazy;
	if (!type_die(t, &d, &dim))
		return NULL;
	r = t->kind == DBG_ARRAY ? array_target(t, &d, dim) : dwtype_of_attr(t->module, &d);
	if (t->kind != DBG_ENUM && t->kind != DBG_FUNCTION)
		w->lazy = (void *)r;
	return r;
}

/* A counted array in the arena: what `lazy` of structs, enums and functions points to. */
struct parts {
	size_t n;
	bool variadic;
	union {
		struct dbg_member *members;
		struct dbg_enumerator *enumerators;
		struct dbg_param *params;
	};
};

/* The parts of a type, none so far, and a walk over the entries that describe them; an empty one if they are gone. */
static struct parts *parts_start(const struct dbg_type *t, struct dw_walk *w)
{
	struct parts *p = arena_new(t->module->arena, struct parts);
	struct dw_die d;
	unsigned dim;

	((struct dbg_type *)t)->lazy = p;	/* filled in on first use */
	if (type_die(t, &d, &dim))
		dw_walk_start(w, &d);
	else
		*w = (struct dw_walk){ .done = true };
	return p;
}

/* Where a bitfield or member starts, in bits. */
static void member_place(const struct dw_die *d, struct dbg_member *mem)
{
	uint64_t size = dw_die_u(d, DW_AT_byte_size, 0), off = 0;
	struct dw_val v;

	mem->bit_size = (uint32_t)dw_die_u(d, DW_AT_bit_size, 0);
	if (dw_attr(d, DW_AT_data_member_location, &v)) {
		struct dbg_cur c = cur_of(v.b.p, v.b.len);

		/* DWARF 2 wrote a block: DW_OP_plus_uconst N */
		if (!dw_val_is_block(&v))
			off = v.u;
		else if (v.b.p && cur_u8(&c) == DW_OP_plus_uconst)
			off = cur_uleb(&c);
	}
	mem->bit_offset = off * 8;
	if (dw_attr(d, DW_AT_data_bit_offset, &v)) {
		mem->bit_offset += v.u;
	} else if (dw_attr(d, DW_AT_bit_offset, &v)) {
		/* DWARF 3: counted from the most significant bit of the storage unit */
		if (!size)
			size = dbg_type_sizeof(mem->type);
		mem->bit_offset += size * 8 - v.u - mem->bit_size;
	}
}

static const struct dbg_member *dw_members(const struct dbg_type *t, size_t *n)
{
	struct dbg_member *list = NULL;
	struct parts *p = t->lazy;
	struct dw_die c;
	struct dw_walk w;

	if (!p) {
		p = parts_start(t, &w);
		while (arrlen(list) < MAX_PARTS && dw_walk_next(&w, &c, NULL)) {
			struct dbg_member mem = { 0 };

			dw_walk_skip(&w);
			if ((c.ab->tag != DW_TAG_member && c.ab->tag != DW_TAG_inheritance) ||
			    dw_die_flag(&c, DW_AT_external) || dw_die_flag(&c, DW_AT_declaration))
				continue;	/* C++ static members are variables */
			mem.name = dw_die_str(&c, DW_AT_name);
			if (mem.name && !*mem.name)
				mem.name = NULL;
			mem.type = dwtype_of_attr(t->module, &c);
			mem.is_base = c.ab->tag == DW_TAG_inheritance;
			member_place(&c, &mem);
			arrput(list, mem);
		}
		p->members = arena_take_array(t->module->arena, list, sizeof(*list), &p->n);
	}
	*n = p->n;
	return p->members;
}

static const struct dbg_enumerator *dw_enumerators(const struct dbg_type *t, size_t *n)
{
	struct dbg_enumerator *list = NULL;
	struct parts *p = t->lazy;
	struct dw_die c;
	struct dw_walk w;
	struct dw_val v;

	if (!p) {
		p = parts_start(t, &w);
		while (arrlen(list) < MAX_PARTS && dw_walk_next(&w, &c, NULL)) {
			const char *name = dw_die_str(&c, DW_AT_name);

			dw_walk_skip(&w);
			if (c.ab->tag != DW_TAG_enumerator || !name ||
			    !dw_attr(&c, DW_AT_const_value, &v))
				continue;
			/* data1..8 are only used for values that are not negative */
			arrput(list, ((struct dbg_enumerator){ name, (int64_t)v.u }));
		}
		p->enumerators = arena_take_array(t->module->arena, list, sizeof(*list), &p->n);
	}
	*n = p->n;
	return p->enumerators;
}

static const struct dbg_param *dw_params(const struct dbg_type *t, size_t *n, bool *variadic)
{
	struct dbg_param *list = NULL;
	struct parts *p = t->lazy;
	struct dw_die c;
	struct dw_walk w;

	if (!p) {
		p = parts_start(t, &w);
		while (arrlen(list) < MAX_PARTS && dw_walk_next(&w, &c, NULL)) {
			dw_walk_skip(&w);
			if (c.ab->tag == DW_TAG_unspecified_parameters)
				p->variadic = true;
			else if (c.ab->tag == DW_TAG_formal_parameter)
				arrput(list, ((struct dbg_param){ dw_die_name(&c),
						dwtype_of_attr(t->module, &c) }));
		}
		p->params = arena_take_array(t->module->arena, list, sizeof(*list), &p->n);
	}
	*n = p->n;
	if (variadic)
		*variadic = p->variadic;
	return p->params;
}

bool dbg_type_place(const struct dbg_type *t, const char **file, uint32_t *line)
{
	struct dw_die d, where;
	struct dw_val v;
	unsigned dim;

	if (t->ops != &dw_type_ops || !type_die(t, &d, &dim) || !dw_attr_deep(&d, DW_AT_decl_line, &v, NULL))
		return false;
	*line = (uint32_t)v.u;
	if (!dw_attr_deep(&d, DW_AT_decl_file, &v, &where))
		return false;
	*file = dwline_file(where.u, v.u);
	return *file != NULL;
}

static const struct dbg_type_ops dw_type_ops = {
	.target = dw_target,
	.members = dw_members,
	.enumerators = dw_enumerators,
	.params = dw_params,
	.count = dw_count,
};
