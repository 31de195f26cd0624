/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units, abbreviations and the tree of DIEs.
 *
 * Unit headers are read when the debug information is opened (a hop per unit);
 * abbreviations and root attributes when a unit is first used.  A unit whose
 * abbreviations or root cannot be read is dead and skipped by everyone.
 */
#include "dbg/dw.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

#define MAX_ABBREVS 1000000

/* Size of a form with a fixed size, or -1. */
static int form_size(unsigned form, unsigned version, unsigned addr_size, unsigned off_size)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1: case DW_FORM_ref1: case DW_FORM_flag: case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2: case DW_FORM_ref2: case DW_FORM_strx2: case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3: case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_strx4: case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8: case DW_FORM_ref8: case DW_FORM_ref_sig8: case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return (int)addr_size;
	case DW_FORM_ref_addr:
		return (int)(version <= 2 ? addr_size : off_size);
	case DW_FORM_strp: case DW_FORM_sec_offset: case DW_FORM_line_strp: case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		return (int)off_size;
	default:
		return -1;
	}
}

void dw_damaged(struct dw *d, enum dw_sect sect, uint64_t off, const char *fmt, ...)
{
	const struct dw_file *f = sect == DW_IN_ALT ? &d->alt : &d->main;
	char what[160];
	va_list ap;

	if (d->damage)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	d->damage = arena_printf(d->arena, "%s (%s%s%s, offset 0x%" PRIx64 ")", what,
				 sect == DW_IN_TYPES ? ".debug_types" : ".debug_info",
				 f->elf == d->m->elf ? "" : " of ", f->elf == d->m->elf ? "" : f->elf->path, off);
}

static int cmp_abbrev(const void *a, const void *b)
{
	const struct dw_abbrev *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

/* Reads one declaration's attribute specifications into `specs`. */
static void read_specs(struct dbg_cur *c, struct dw_abbrevs *t, struct dw_abbrev *ab,
		       struct dw_attr_spec **specs)
{
	ab->sibling = -1;
	ab->fixed = true;
	while (!c->bad) {
		struct dw_attr_spec s = { (uint16_t)cur_uleb(c), (uint16_t)cur_uleb(c), 0 };
		int size;

		if (s.form == DW_FORM_implicit_const)
			s.implicit = cur_sleb(c);
		if (s.name == 0 && s.form == 0)
			break;
		if (ab->nattrs == INT16_MAX) {
			cur_fail(c);
			break;
		}
		if (s.name == DW_AT_sibling)
			ab->sibling = (int16_t)ab->nattrs;
		size = form_size(s.form, t->version, t->addr_size, t->off_size);
		if (size < 0)
			ab->fixed = false;
		else
			ab->size += (uint32_t)size;
		arrput(*specs, s);
		ab->nattrs++;
	}
}

static bool read_abbrevs(struct dw *d, struct dw_file *f, struct dw_abbrevs *t)
{
	struct dbg_cur c = cur_at(f->abbrev, t->off);
	struct dw_abbrev *tab = NULL;
	struct dw_attr_spec *specs = NULL, *all;
	uint32_t *first = NULL;
	uint64_t code;
	bool sorted = true;

	while (!c.bad && (code = cur_uleb(&c)) != 0 && arrlen(tab) < MAX_ABBREVS) {
		struct dw_abbrev ab = { .code = (uint32_t)code };

		ab.tag = (uint16_t)cur_uleb(&c);
		ab.children = cur_u8(&c) != 0;
		arrput(first, (uint32_t)arrlen(specs));
		read_specs(&c, t, &ab, &specs);
		if (arrlen(tab) && arrlast(tab).code >= ab.code)
			sorted = false;
		if (!c.bad)
			arrput(tab, ab);
	}
	t->n = (size_t)arrlen(tab);
	if (t->n) {
		all = arena_memdup(d->arena, specs ? specs : (struct dw_attr_spec *)tab,
				   (size_t)arrlen(specs) * sizeof(*specs));
		t->tab = arena_memdup(d->arena, tab, t->n * sizeof(*tab));
		for (size_t i = 0; i < t->n; i++)
			t->tab[i].attrs = all + first[i];
		if (!sorted)
			qsort(t->tab, t->n, sizeof(*t->tab), cmp_abbrev);
	}
	arrfree(tab);
	arrfree(specs);
	arrfree(first);
	return t->n > 0;
}

static struct dw_abbrevs *abbrevs_get(struct dw_unit *u, uint64_t off)
{
	struct dw *d = u->dw;
	struct dw_abbrevs *t;

	for (ptrdiff_t i = arrlen(d->abbrev_cache) - 1; i >= 0 && i > arrlen(d->abbrev_cache) - 16;
	     i--) {
		t = d->abbrev_cache[i];
		if (t->off == off && t->alt == (u->sect == DW_IN_ALT) &&
		    t->version == u->version && t->addr_size == u->addr_size &&
		    t->off_size == u->off_size)
			return t->n ? t : NULL;
	}
	t = arena_new(d->arena, struct dw_abbrevs);
	t->off = off;
	t->alt = u->sect == DW_IN_ALT;
	t->version = u->version;
	t->addr_size = u->addr_size;
	t->off_size = u->off_size;
	arrput(d->abbrev_cache, t);
	return read_abbrevs(d, u->file, t) ? t : NULL;
}

static const struct dw_abbrev *abbrev_find(const struct dw_abbrevs *t, uint64_t code)
{
	size_t lo = 0, hi = t->n;

	if (code - 1 < t->n && t->tab[code - 1].code == code)
		return &t->tab[code - 1];
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (t->tab[mid].code == code)
			return &t->tab[mid];
		if (t->tab[mid].code < code)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- units ---- */

static struct dbg_bytes sect_bytes(const struct dw *d, enum dw_sect s)
{
	return s == DW_IN_ALT ? d->alt.info : s == DW_IN_TYPES ? d->main.types : d->main.info;
}

const uint8_t *dw_unit_end(const struct dw_unit *u)
{
	return sect_bytes(u->dw, u->sect).p + u->end;
}

/* Reads the header at c into u; leaves c after the unit.  False: nothing sensible follows. */
static bool read_unit_header(struct dw *d, enum dw_sect sect, struct dbg_cur *c, struct dw_unit *u,
			     uint64_t *abbrev_off)
{
	struct dbg_bytes b = sect_bytes(d, sect);
	uint64_t len;

	u->dw = d;
	u->sect = sect;
	u->file = sect == DW_IN_ALT ? &d->alt : &d->main;
	u->off = (uint64_t)(c->p - b.p);
	u->off_size = 4;
	len = cur_u32(c);
	if (len == 0xffffffff) {
		u->off_size = 8;
		len = cur_u64(c);
	}
	if (c->bad || len > cur_left(c) || len < 7) {
		dw_damaged(d, sect, u->off, "a unit of 0x%" PRIx64 " bytes where 0x%zx are left", len, cur_left(c));
		return false;
	}
	u->end = (uint64_t)(c->p - b.p) + len;
	u->version = cur_u16(c);
	u->type = sect == DW_IN_TYPES ? DW_UT_type : DW_UT_compile;
	if (u->version >= 5) {
		u->type = cur_u8(c);
		u->addr_size = cur_u8(c);
		*abbrev_off = cur_uint(c, u->off_size);
	} else {
		*abbrev_off = cur_uint(c, u->off_size);
		u->addr_size = cur_u8(c);
	}
	if (u->type == DW_UT_type || u->type == DW_UT_split_type) {
		u->type_sig = cur_u64(c);
		u->type_off = cur_uint(c, u->off_size);
	} else if (u->type == DW_UT_skeleton || u->type == DW_UT_split_compile) {
		cur_skip(c, 8);
	}
	u->die_off = (uint64_t)(c->p - b.p);
	u->dead = c->bad || u->version < 2 || u->version > 5 || u->die_off > u->end ||
		  (u->addr_size != 8 && u->addr_size != 4);
	if (u->dead)
		dw_damaged(d, sect, u->off, "a unit of version %u with addresses of %u bytes", u->version,
			   u->addr_size);
	c->p = b.p + u->end;
	c->bad = false;
	return true;
}

static void read_units(struct dw *d, enum dw_sect sect)
{
	struct dbg_cur c = cur_at(sect_bytes(d, sect), 0);
	struct dw_unit *list = NULL;

	while (cur_left(&c) > 11) {
		struct dw_unit u = { 0 };
		uint64_t abbrev_off;

		if (!read_unit_header(d, sect, &c, &u, &abbrev_off))
			break;
		u.stmt_list = abbrev_off;	/* kept here until the unit is made ready */
		arrput(list, u);
	}
	d->units[sect] = list;
}

static void read_root(struct dw_unit *u)
{
	struct dw_die root;
	struct dw_val v;

	/* bases first: other attributes' forms depend on them */
	u->stmt_list = UINT64_MAX;
	if (!dw_die_at(u, u->die_off, &root)) {
		dw_damaged(u->dw, u->sect, u->off, "a unit without entries");
		u->dead = true;
		return;
	}
	u->tag = root.ab->tag;
	u->str_off_base = dw_die_u(&root, DW_AT_str_offsets_base, u->off_size == 8 ? 16 : 8);
	u->addr_base = dw_die_u(&root, DW_AT_addr_base, u->off_size == 8 ? 16 : 8);
	u->rnglists_base = dw_die_u(&root, DW_AT_rnglists_base, 0);
	u->loclists_base = dw_die_u(&root, DW_AT_loclists_base, 0);
	u->stmt_list = dw_die_u(&root, DW_AT_stmt_list, UINT64_MAX);
	u->lang = dw_die_u(&root, DW_AT_language, 0);
	u->name = dw_die_str(&root, DW_AT_name);
	u->comp_dir = dw_die_str(&root, DW_AT_comp_dir);
	u->producer = dw_die_str(&root, DW_AT_producer);
	if (dw_attr(&root, DW_AT_low_pc, &v))
		dw_val_addr(u, &v, &u->low_pc);
}

bool dw_unit_ready(struct dw_unit *u)
{
	if (!u->rooted) {
		u->rooted = true;
		if (!u->dead) {
			u->abbrevs = abbrevs_get(u, u->stmt_list);
			u->dead = !u->abbrevs;
			if (u->dead)
				dw_damaged(u->dw, u->sect, u->off, "no abbreviations at 0x%" PRIx64 " of .debug_abbrev",
					   u->stmt_list);
		}
		if (!u->dead)
			read_root(u);
	}
	return !u->dead;
}

struct dw_unit *dw_unit_of(struct dw *d, uint64_t handle)
{
	enum dw_sect s = DW_HANDLE_SECT(handle);
	uint64_t off = DW_HANDLE_OFF(handle);
	struct dw_unit *list;
	size_t lo = 0, hi;

	if (s >= DW_IN_COUNT)
		return NULL;
	list = d->units[s];
	hi = (size_t)arrlen(list);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (off >= list[mid].end)
			lo = mid + 1;
		else if (off < list[mid].off)
			hi = mid;
		else
			return &list[mid];
	}
	return NULL;
}

struct dbg_bytes dw_section_load(struct dw_file *f, enum dw_section_id id)
{
	static const char *const names[] = {
		[DW_S_STR] = ".debug_str", [DW_S_LINE] = ".debug_line",
		[DW_S_LINE_STR] = ".debug_line_str", [DW_S_LOC] = ".debug_loc",
		[DW_S_LOCLISTS] = ".debug_loclists", [DW_S_RANGES] = ".debug_ranges",
		[DW_S_RNGLISTS] = ".debug_rnglists", [DW_S_ADDR] = ".debug_addr",
		[DW_S_STR_OFFSETS] = ".debug_str_offsets",
	};

	f->loaded |= 1u << id;
	if (f->elf)
		f->lazy[id] = elffile_named(f->elf, names[id]);
	return f->lazy[id];
}

static void load_file(struct dw_file *f, struct elffile *elf)
{
	f->elf = elf;
	f->info = elffile_named(elf, ".debug_info");
	f->types = elffile_named(elf, ".debug_types");
	f->abbrev = elffile_named(elf, ".debug_abbrev");
}

struct dw *dw_open(struct arena *a, struct dbg_module *m, struct elffile *f, struct elffile *alt,
		   struct dbg_error *e)
{
	struct dw *d = arena_new(a, struct dw);
	size_t live = 0;

	d->arena = a;
	d->m = m;
	load_file(&d->main, f);
	if (alt) {
		load_file(&d->alt, alt);
		d->have_alt = true;
		read_units(d, DW_IN_ALT);
	}
	read_units(d, DW_IN_INFO);
	read_units(d, DW_IN_TYPES);
	for (ptrdiff_t i = 0; i < arrlen(d->units[DW_IN_INFO]); i++)
		live += !d->units[DW_IN_INFO][i].dead;
	if (!live) {
		dbg_fail(e, DBG_ECORRUPT, "%s", d->damage ? d->damage : "no unit (.debug_info, offset 0x0)");
		dw_close(d);
		return NULL;
	}
	return d;
}

void dw_close(struct dw *d)
{
	if (!d)
		return;
	for (int s = 0; s < DW_IN_COUNT; s++) {
		for (ptrdiff_t i = 0; i < arrlen(d->units[s]); i++) {
			arrfree(d->units[s][i].funcs);
			dwline_free(&d->units[s][i]);
		}
		arrfree(d->units[s]);
	}
	arrfree(d->abbrev_cache);
}

/* ---- DIEs ---- */

/* Parses the DIE at p; *attrs_end unknown.  False: null entry (code 0) or corrupt. */
static bool die_parse(struct dw_unit *u, const uint8_t *p, struct dw_die *out, bool *corrupt)
{
	struct dbg_bytes b = sect_bytes(u->dw, u->sect);
	struct dbg_cur c = { p, b.p + u->end, false };
	uint64_t code = cur_uleb(&c);

	*corrupt = c.bad;
	out->u = u;
	out->off = (uint64_t)(p - b.p);
	out->attrs = c.p;
	out->ab = NULL;
	if (c.bad || code == 0)
		return false;
	out->ab = abbrev_find(u->abbrevs, code);
	*corrupt = !out->ab;
	if (*corrupt)
		dw_damaged(u->dw, u->sect, out->off, "unknown abbreviation %" PRIu64, code);
	return out->ab != NULL;
}

bool dw_die_at(struct dw_unit *u, uint64_t off, struct dw_die *out)
{
	bool corrupt;

	if (!dw_unit_ready(u) || off < u->die_off || off >= u->end)
		return false;
	return die_parse(u, sect_bytes(u->dw, u->sect).p + off, out, &corrupt);
}

bool dw_die_by_handle(struct dw *d, uint64_t handle, struct dw_die *out)
{
	struct dw_unit *u = dw_unit_of(d, handle);

	return u && dw_die_at(u, DW_HANDLE_OFF(handle), out);
}

bool dw_unit_root(struct dw_unit *u, struct dw_die *out)
{
	return dw_unit_ready(u) && dw_die_at(u, u->die_off, out);
}

static struct dbg_cur die_cur(const struct dw_die *d)
{
	return (struct dbg_cur){ d->attrs, dw_unit_end(d->u), false };
}

/* End of the attributes: where children, or the next sibling, start.  NULL: corrupt. */
static const uint8_t *die_end(const struct dw_die *d, const uint8_t **sibling)
{
	struct dbg_cur c = die_cur(d);
	struct dw_val v;

	if (sibling)
		*sibling = NULL;
	if (d->ab->fixed && (!sibling || d->ab->sibling < 0)) {
		if (cur_skip(&c, d->ab->size))
			return c.p;
		dw_damaged(d->u->dw, d->u->sect, d->off, "an entry that reaches beyond its unit");
		return NULL;
	}
	for (int i = 0; i < d->ab->nattrs; i++) {
		if (!dw_read_form(d->u, &c, d->ab->attrs[i].form, d->ab->attrs[i].implicit, &v)) {
			dw_damaged(d->u->dw, d->u->sect, d->off, "unreadable attribute 0x%x (form 0x%x)",
				   d->ab->attrs[i].name, d->ab->attrs[i].form);
			return NULL;
		}
		if (sibling && i == d->ab->sibling && v.u < d->u->end - d->u->off) {
			const uint8_t *s = sect_bytes(d->u->dw, d->u->sect).p + d->u->off + v.u;

			/* forward only: anything else would be a loop */
			if (v.form != DW_FORM_ref_addr && s > c.p) {
				*sibling = s;
				return c.p;
			}
		}
	}
	return c.p;
}

void dw_walk_start(struct dw_walk *w, const struct dw_die *root)
{
	memset(w, 0, sizeof(*w));
	w->u = root->u;
	w->p = root->ab->children ? die_end(root, NULL) : NULL;
	w->done = !w->p;
	w->depth = 1;
}

/* Moves past the last DIE: into its children if `enter`, else over them if a sibling
 * attribute says where they end; otherwise into them all the same (*entered). */
static bool walk_advance(struct dw_walk *w, bool enter, bool *entered)
{
	const uint8_t *sib, *end;

	w->pending = false;
	*entered = false;
	end = die_end(&w->last, enter || !w->last.ab->children ? NULL : &sib);
	if (!end)
		return false;
	if (!w->last.ab->children) {
		w->p = end;
	} else if (!enter && sib) {
		w->p = sib;
	} else {
		w->p = end;
		w->depth++;
		*entered = true;
	}
	return true;
}

bool dw_walk_next(struct dw_walk *w, struct dw_die *out, unsigned *depth)
{
	const uint8_t *end = dw_unit_end(w->u);
	bool corrupt, entered;

	if (w->done || (w->pending && !walk_advance(w, true, &entered)))
		goto finish;
	while (w->p < end) {
		if (die_parse(w->u, w->p, &w->last, &corrupt)) {
			w->pending = true;
			*out = w->last;
			if (depth)
				*depth = w->depth;
			return true;
		}
		if (corrupt)
			break;
		w->p++;			/* null entry: one level up */
		if (--w->depth == 0)
			break;
	}
finish:
	w->done = true;
	return false;
}

void dw_walk_skip(struct dw_walk *w)
{
	unsigned level = w->depth;
	struct dw_die die;
	bool corrupt, entered;

	if (w->done || !w->pending)
		return;
	if (!walk_advance(w, false, &entered)) {
		w->done = true;
		return;
	}
	while (entered && w->depth > level) {
		const uint8_t *end = dw_unit_end(w->u);
		bool deeper;

		if (w->p >= end) {
			w->done = true;
			return;
		}
		if (die_parse(w->u, w->p, &die, &corrupt)) {
			w->last = die;
			if (!walk_advance(w, false, &deeper)) {
				w->done = true;
				return;
			}
		} else if (corrupt) {
			w->done = true;
			return;
		} else {
			w->p++;
			w->depth--;
		}
	}
}
