/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute values: forms, classes, strings, references, address ranges.
 *
 * Which class a form has depends on the DWARF version (data4 is a section offset up to 3);
 * the tests for it are here only.
 */
#include "dbg/dw.h"

#include "base/ds.h"

#define MAX_ORIGINS 16		/* abstract_origin/specification hops */
#define MAX_RANGES  65536

static bool read_block(struct dbg_cur *c, uint64_t len, struct dw_val *v)
{
	v->b.p = cur_take(c, len);
	v->b.len = v->b.p ? len : 0;
	return !c->bad;
}

bool dw_read_form(struct dw_unit *u, struct dbg_cur *c, unsigned form, int64_t implicit,
		  struct dw_val *v)
{
	for (int hops = 0; form == DW_FORM_indirect; hops++) {
		if (hops == 4)
			return cur_fail(c);
		form = (unsigned)cur_uleb(c);
	}
	v->form = (uint16_t)form;
	switch (form) {
	case DW_FORM_flag_present:
		v->u = 1;
		return true;
	case DW_FORM_implicit_const:
		v->u = (uint64_t)implicit;
		return true;
	case DW_FORM_data1: case DW_FORM_ref1: case DW_FORM_flag: case DW_FORM_strx1:
	case DW_FORM_addrx1:
		v->u = cur_u8(c);
		break;
	case DW_FORM_data2: case DW_FORM_ref2: case DW_FORM_strx2: case DW_FORM_addrx2:
		v->u = cur_u16(c);
		break;
	case DW_FORM_strx3: case DW_FORM_addrx3:
		v->u = cur_uint(c, 3);
		break;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_strx4: case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		v->u = cur_u32(c);
		break;
	case DW_FORM_data8: case DW_FORM_ref8: case DW_FORM_ref_sig8: case DW_FORM_ref_sup8:
		v->u = cur_u64(c);
		break;
	case DW_FORM_addr:
		v->u = cur_uint(c, u->addr_size);
		break;
	case DW_FORM_ref_addr:
		v->u = cur_uint(c, u->version <= 2 ? u->addr_size : u->off_size);
		break;
	case DW_FORM_strp: case DW_FORM_sec_offset: case DW_FORM_line_strp: case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		v->u = cur_uint(c, u->off_size);
		break;
	case DW_FORM_sdata:
		v->u = (uint64_t)cur_sleb(c);
		break;
	case DW_FORM_udata: case DW_FORM_ref_udata: case DW_FORM_strx: case DW_FORM_addrx:
	case DW_FORM_loclistx: case DW_FORM_rnglistx: case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		v->u = cur_uleb(c);
		break;
	case DW_FORM_string:
		v->b.p = (const uint8_t *)cur_str(c);
		v->b.len = 0;
		break;
	case DW_FORM_data16:
		return read_block(c, 16, v);
	case DW_FORM_block1:
		return read_block(c, cur_u8(c), v);
	case DW_FORM_block2:
		return read_block(c, cur_u16(c), v);
	case DW_FORM_block4:
		return read_block(c, cur_u32(c), v);
	case DW_FORM_block: case DW_FORM_exprloc:
		return read_block(c, cur_uleb(c), v);
	default:
		return cur_fail(c);
	}
	return !c->bad;
}

bool dw_attr(const struct dw_die *d, unsigned name, struct dw_val *v)
{
	struct dbg_cur c = { d->attrs, dw_unit_end(d->u), false };
	const struct dw_attr_spec *s = d->ab->attrs;
	int i, n = d->ab->nattrs;

	for (i = 0; i < n && s[i].name != name; i++)
		;
	if (i == n)
		return false;
	for (int k = 0; k <= i; k++)
		if (!dw_read_form(d->u, &c, s[k].form, s[k].implicit, v))
			return false;
	return true;
}

bool dw_attr_deep(const struct dw_die *d, unsigned name, struct dw_val *v, struct dw_die *where)
{
	struct dw_die at = *d, next;

	for (int i = 0; i < MAX_ORIGINS; i++) {
		if (dw_attr(&at, name, v)) {
			if (where)
				*where = at;
			return true;
		}
		if (!dw_die_ref(&at, DW_AT_abstract_origin, &next) &&
		    !dw_die_ref(&at, DW_AT_specification, &next))
			return false;
		at = next;
	}
	return false;
}

/* ---- classes ---- */

bool dw_val_is_block(const struct dw_val *v)
{
	switch (v->form) {
	case DW_FORM_block1: case DW_FORM_block2: case DW_FORM_block4: case DW_FORM_block:
	case DW_FORM_exprloc: case DW_FORM_data16:
		return true;
	default:
		return false;
	}
}

bool dw_val_is_secoff(const struct dw_unit *u, const struct dw_val *v)
{
	switch (v->form) {
	case DW_FORM_sec_offset: case DW_FORM_loclistx: case DW_FORM_rnglistx:
		return true;
	case DW_FORM_data4: case DW_FORM_data8:
		return u->version <= 3;
	default:
		return false;
	}
}

bool dw_val_is_const(const struct dw_val *v)
{
	switch (v->form) {
	case DW_FORM_data1: case DW_FORM_data2: case DW_FORM_data4: case DW_FORM_data8:
	case DW_FORM_sdata: case DW_FORM_udata: case DW_FORM_implicit_const:
		return true;
	default:
		return false;
	}
}

const char *dw_val_str(struct dw_unit *u, const struct dw_val *v)
{
	struct dbg_cur c;

	switch (v->form) {
	case DW_FORM_string:
		return (const char *)v->b.p;
	case DW_FORM_strp:
		return bytes_str(dw_section(u->file, DW_S_STR), v->u);
	case DW_FORM_line_strp:
		return bytes_str(dw_section(u->file, DW_S_LINE_STR), v->u);
	case DW_FORM_strp_sup: case DW_FORM_GNU_strp_alt:
		return bytes_str(dw_section(&u->dw->alt, DW_S_STR), v->u);
	case DW_FORM_strx: case DW_FORM_strx1: case DW_FORM_strx2: case DW_FORM_strx3:
	case DW_FORM_strx4: case DW_FORM_GNU_str_index:
		if (v->u > dw_section(u->file, DW_S_STR_OFFSETS).len / u->off_size)
			return NULL;
		c = cur_at(dw_section(u->file, DW_S_STR_OFFSETS), u->str_off_base + v->u * u->off_size);
		return c.bad ? NULL : bytes_str(dw_section(u->file, DW_S_STR), cur_uint(&c, u->off_size));
	default:
		return NULL;
	}
}

/* The type DIE of a type unit, by signature. */
static bool ref_signature(struct dw *d, uint64_t sig, struct dw_die *out)
{
	static const enum dw_sect sects[] = { DW_IN_TYPES, DW_IN_INFO };

	for (int s = 0; s < 2; s++) {
		struct dw_unit *list = d->units[sects[s]];

		for (ptrdiff_t i = 0; i < arrlen(list); i++)
			if ((list[i].type == DW_UT_type || list[i].type == DW_UT_split_type) &&
			    list[i].type_sig == sig)
				return dw_die_at(&list[i], list[i].off + list[i].type_off, out);
	}
	return false;
}

bool dw_val_ref(struct dw_unit *u, const struct dw_val *v, struct dw_die *out)
{
	enum dw_sect own = u->sect == DW_IN_ALT ? DW_IN_ALT : DW_IN_INFO;

	switch (v->form) {
	case DW_FORM_ref1: case DW_FORM_ref2: case DW_FORM_ref4: case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		return v->u < u->end - u->off && dw_die_at(u, u->off + v->u, out);
	case DW_FORM_ref_addr:
		return v->u < (UINT64_C(1) << 62) &&
		       dw_die_by_handle(u->dw, DW_HANDLE(own, v->u), out);
	case DW_FORM_ref_sup4: case DW_FORM_ref_sup8: case DW_FORM_GNU_ref_alt:
		return v->u < (UINT64_C(1) << 62) &&
		       dw_die_by_handle(u->dw, DW_HANDLE(DW_IN_ALT, v->u), out);
	case DW_FORM_ref_sig8:
		return ref_signature(u->dw, v->u, out);
	default:
		return false;
	}
}

bool dw_addrx(struct dw_unit *u, uint64_t index, uint64_t *addr)
{
	struct dbg_cur c;

	if (index > dw_section(u->file, DW_S_ADDR).len / u->addr_size)
		return false;
	c = cur_at(dw_section(u->file, DW_S_ADDR), u->addr_base + index * u->addr_size);
	*addr = cur_uint(&c, u->addr_size);
	return !c.bad;
}

bool dw_val_addr(struct dw_unit *u, const struct dw_val *v, uint64_t *addr)
{
	switch (v->form) {
	case DW_FORM_addr:
		*addr = v->u;
		return true;
	case DW_FORM_addrx: case DW_FORM_addrx1: case DW_FORM_addrx2: case DW_FORM_addrx3:
	case DW_FORM_addrx4: case DW_FORM_GNU_addr_index:
		return dw_addrx(u, v->u, addr);
	default:
		return false;
	}
}

/* ---- shorthands ---- */

const char *dw_die_str(const struct dw_die *d, unsigned name)
{
	struct dw_val v;

	return dw_attr(d, name, &v) ? dw_val_str(d->u, &v) : NULL;
}

uint64_t dw_die_u(const struct dw_die *d, unsigned name, uint64_t otherwise)
{
	struct dw_val v;

	if (!dw_attr(d, name, &v) || dw_val_is_block(&v) || v.form == DW_FORM_string)
		return otherwise;
	return v.u;
}

bool dw_die_flag(const struct dw_die *d, unsigned name)
{
	struct dw_val v;

	return dw_attr(d, name, &v) && v.u != 0;
}

bool dw_die_ref(const struct dw_die *d, unsigned name, struct dw_die *out)
{
	struct dw_val v;

	return dw_attr(d, name, &v) && dw_val_ref(d->u, &v, out);
}

const char *dw_die_name(const struct dw_die *d)
{
	struct dw_die where;
	struct dw_val v;

	return dw_attr_deep(d, DW_AT_name, &v, &where) ? dw_val_str(where.u, &v) : NULL;
}

/* ---- ranges ---- */

typedef void range_fn(void *data, uint64_t lo, uint64_t hi);

static void ranges_v4(struct dw_unit *u, uint64_t off, range_fn *fn, void *data)
{
	struct dbg_cur c = cur_at(dw_section(u->file, DW_S_RANGES), off);
	uint64_t base = u->low_pc;
	uint64_t max = u->addr_size == 4 ? UINT32_MAX : UINT64_MAX;

	for (int i = 0; i < MAX_RANGES; i++) {
		uint64_t lo = cur_uint(&c, u->addr_size), hi = cur_uint(&c, u->addr_size);

		if (c.bad || (lo == 0 && hi == 0))
			return;
		if (lo == max)
			base = hi;
		else if (hi > lo)
			fn(data, base + lo, base + hi);
	}
}

enum dw_entry dw_list_entry(struct dw_unit *u, struct dbg_cur *c, unsigned code, uint64_t *base, uint64_t *lo,
			    uint64_t *hi)
{
	bool known = true;

	*lo = *hi = 0;
	switch (code) {
	case DW_LLE_base_addressx:
		dw_addrx(u, cur_uleb(c), base);
		return DW_ENTRY_BASE;
	case DW_LLE_base_address:
		*base = cur_uint(c, u->addr_size);
		return DW_ENTRY_BASE;
	case DW_LLE_startx_endx:
		known = dw_addrx(u, cur_uleb(c), lo);
		known = dw_addrx(u, cur_uleb(c), hi) && known;
		break;
	case DW_LLE_startx_length:
		known = dw_addrx(u, cur_uleb(c), lo);
		*hi = *lo + cur_uleb(c);
		break;
	case DW_LLE_offset_pair:
		*lo = *base + cur_uleb(c);
		*hi = *base + cur_uleb(c);
		break;
	case DW_LLE_start_end:
		*lo = cur_uint(c, u->addr_size);
		*hi = cur_uint(c, u->addr_size);
		break;
	case DW_LLE_start_length:
		*lo = cur_uint(c, u->addr_size);
		*hi = *lo + cur_uleb(c);
		break;
	default:
		return DW_ENTRY_END;
	}
	return known ? DW_ENTRY_RANGE : DW_ENTRY_UNKNOWN;
}

static void ranges_v5(struct dw_unit *u, uint64_t off, range_fn *fn, void *data)
{
	struct dbg_cur c = cur_at(dw_section(u->file, DW_S_RNGLISTS), off);
	uint64_t base = u->low_pc, lo, hi;

	for (int i = 0; i < MAX_RANGES && !c.bad; i++) {
		unsigned code = cur_u8(&c);
		enum dw_entry entry;

		/* location lists have the same codes, with one more in their midst */
		if (code >= DW_RLE_base_address)
			code += DW_LLE_base_address - DW_RLE_base_address;
		entry = dw_list_entry(u, &c, code, &base, &lo, &hi);
		if (entry == DW_ENTRY_END)
			return;
		if (entry == DW_ENTRY_RANGE && hi > lo && !c.bad)
			fn(data, lo, hi);
	}
}

static bool ranges_list(struct dw_unit *u, const struct dw_val *v, range_fn *fn, void *data)
{
	uint64_t off = v->u;
	struct dbg_cur c;

	if (u->version < 5) {
		ranges_v4(u, off, fn, data);
		return true;
	}
	if (v->form == DW_FORM_rnglistx) {
		if (off > dw_section(u->file, DW_S_RNGLISTS).len / u->off_size)
			return false;
		c = cur_at(dw_section(u->file, DW_S_RNGLISTS), u->rnglists_base + off * u->off_size);
		off = u->rnglists_base + cur_uint(&c, u->off_size);
	}
	ranges_v5(u, off, fn, data);
	return true;
}

bool dw_ranges(const struct dw_die *d, range_fn *fn, void *data)
{
	struct dw_val v;
	uint64_t lo, hi;

	if (dw_attr(d, DW_AT_ranges, &v))
		return ranges_list(d->u, &v, fn, data);
	if (!dw_attr(d, DW_AT_low_pc, &v) || !dw_val_addr(d->u, &v, &lo) ||
	    !dw_attr(d, DW_AT_high_pc, &v))
		return false;
	if (!dw_val_addr(d->u, &v, &hi))
		hi = lo + v.u;
	if (hi > lo)
		fn(data, lo, hi);
	return hi > lo;
}

static void lowest(void *data, uint64_t lo, uint64_t hi)
{
	uint64_t *min = data;

	(void)hi;
	if (*min == UINT64_MAX)
		*min = lo;		/* the first range holds the entry, unless said otherwise */
}

bool dw_entry_pc(const struct dw_die *d, uint64_t *pc)
{
	uint64_t low = UINT64_MAX;
	struct dw_val v;

	if (dw_attr(d, DW_AT_entry_pc, &v)) {
		if (dw_val_addr(d->u, &v, pc))
			return true;
		if (dw_val_is_const(&v) && dw_ranges(d, lowest, &low) && low != UINT64_MAX) {
			*pc = low + v.u;
			return true;
		}
	}
	if (dw_attr(d, DW_AT_low_pc, &v) && dw_val_addr(d->u, &v, pc) &&
	    !dw_attr(d, DW_AT_ranges, &v))
		return true;
	if (!dw_ranges(d, lowest, &low) || low == UINT64_MAX)
		return false;
	*pc = low;
	return true;
}
