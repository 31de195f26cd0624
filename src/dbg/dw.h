/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF reader: units, abbreviations, DIEs and their attributes, versions 2 to 5.
 * Private to src/dbg.
 *
 * Everything is read in place from the mapped sections.  Walks move forward only
 * and references are resolved a bounded number of times, so hostile input ends.
 */
#ifndef DBG_DW_H
#define DBG_DW_H

#include <dwarf.h>

#include "dbg/bytes.h"
#include "dbg/elffile.h"

struct arena;
struct dbg_module;

/* A DIE's handle: section in the top two bits, offset in it below. */
enum dw_sect { DW_IN_INFO, DW_IN_TYPES, DW_IN_ALT, DW_IN_COUNT };
#define DW_HANDLE(sect, off) (((uint64_t)(sect) << 62) | (off))
#define DW_HANDLE_SECT(h)    ((enum dw_sect)((h) >> 62))
#define DW_HANDLE_OFF(h)     ((h) & ~(UINT64_C(3) << 62))

struct dw_attr_spec {
	uint16_t name, form;
	int64_t implicit;
};

struct dw_abbrev {
	uint32_t code;
	uint16_t tag;
	bool children;
	bool fixed;			/* all forms of known size: `size` bytes in all */
	uint16_t nattrs;
	int16_t sibling;		/* index of DW_AT_sibling, -1: none */
	uint32_t size;
	const struct dw_attr_spec *attrs;
};

struct dw_abbrevs {
	uint64_t off;			/* in its file's .debug_abbrev */
	bool alt;
	uint8_t addr_size, off_size;
	uint16_t version;
	size_t n;
	struct dw_abbrev *tab;		/* sorted by code; usually tab[code - 1].code == code */
};

/* Sections read when first needed: unpacking compressed ones takes long. */
enum dw_section_id {
	DW_S_STR, DW_S_LINE, DW_S_LINE_STR, DW_S_LOC, DW_S_LOCLISTS, DW_S_RANGES, DW_S_RNGLISTS,
	DW_S_ADDR, DW_S_STR_OFFSETS, DW_S_COUNT,
};

/* Sections of one file. */
struct dw_file {
	struct elffile *elf;
	struct dbg_bytes info, types, abbrev;
	struct dbg_bytes lazy[DW_S_COUNT];
	uint32_t loaded;		/* bit per lazy section */
};

/* Reads a section the first time it is asked for: for dw_section(), empty if the file has none. */
struct dbg_bytes dw_section_load(struct dw_file *f, enum dw_section_id id);

static inline struct dbg_bytes dw_section(struct dw_file *f, enum dw_section_id id)
{
	return f->loaded & (1u << id) ? f->lazy[id] : dw_section_load(f, id);
}

struct dw_lines;
struct dbg_func;

struct dw_unit {
	struct dw *dw;
	struct dw_file *file;
	enum dw_sect sect;
	uint64_t off, end, die_off;	/* in its section */
	uint64_t type_sig, type_off;	/* type units */
	uint16_t version;
	uint8_t type, addr_size, off_size;
	bool dead;			/* header or root DIE unusable */
	bool rooted;			/* root attributes below were read */
	bool walked;			/* funcs is filled */
	bool types_indexed;
	bool cross_refs;		/* refers to other units for inlined functions */
	struct dw_abbrevs *abbrevs;
	/* root attributes */
	uint16_t tag;
	uint64_t lang;
	const char *name, *comp_dir, *producer;
	uint64_t low_pc;
	uint64_t stmt_list;		/* UINT64_MAX: none */
	uint64_t str_off_base, addr_base, rnglists_base, loclists_base;
	/* lazy */
	struct dw_lines *lines;
	const struct dbg_func **funcs;	/* stb_ds array: functions and inlined copies */
};

struct dw_die {
	struct dw_unit *u;
	uint64_t off;			/* in the unit's section */
	const struct dw_abbrev *ab;
	const uint8_t *attrs;
};

struct dw_val {
	uint16_t form;
	uint64_t u;			/* numbers, offsets, addresses, indexes */
	struct dbg_bytes b;		/* blocks, inline strings */
};

/* The debug information of one module. */
struct dw {
	struct arena *arena;
	struct dbg_module *m;
	struct dw_file main, alt;
	bool have_alt;
	struct dw_unit *units[DW_IN_COUNT];	/* sorted by offset; stb_ds arrays */
	struct dw_abbrevs **abbrev_cache;	/* stb_ds array */
	const char *damage;		/* the first thing met that no compiler writes; NULL: nothing */
};

/* Notes that something at an offset of .debug_info (or its like) is not what it should be. */
void dw_damaged(struct dw *d, enum dw_sect sect, uint64_t off, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Reads unit headers of `f` (taken over) and, if not NULL, `alt` (dwz's supplementary file). */
struct dw *dw_open(struct arena *a, struct dbg_module *m, struct elffile *f, struct elffile *alt,
		   struct dbg_error *e);
void dw_close(struct dw *d);

/* Abbreviations and root attributes of a unit, read once.  False: unusable. */
bool dw_unit_ready(struct dw_unit *u);
const uint8_t *dw_unit_end(const struct dw_unit *u);
struct dw_unit *dw_unit_of(struct dw *d, uint64_t handle);

static inline uint64_t dw_handle(const struct dw_die *d)
{
	return DW_HANDLE(d->u->sect, d->off);
}

/* The first DIE of a unit, that at an offset of the section, that of a handle; false: damaged, or no DIE there. */
bool dw_unit_root(struct dw_unit *u, struct dw_die *out);
bool dw_die_at(struct dw_unit *u, uint64_t off, struct dw_die *out);
bool dw_die_by_handle(struct dw *d, uint64_t handle, struct dw_die *out);

/*
 * Preorder walk below a DIE: dw_walk_next() yields every descendant with its depth (1: child);
 * dw_walk_skip() leaves out the descendants of the DIE just returned.
 */
struct dw_walk {
	struct dw_unit *u;
	const uint8_t *p;
	unsigned depth;
	bool done;
	struct dw_die last;
	bool pending;			/* last's children not entered nor skipped yet */
};
void dw_walk_start(struct dw_walk *w, const struct dw_die *root);
bool dw_walk_next(struct dw_walk *w, struct dw_die *out, unsigned *depth);
void dw_walk_skip(struct dw_walk *w);

/* Reads one attribute value of form `form` (indirect resolved), or skips it. */
bool dw_read_form(struct dw_unit *u, struct dbg_cur *c, unsigned form, int64_t implicit,
		  struct dw_val *v);
/* An attribute of this very DIE. */
bool dw_attr(const struct dw_die *d, unsigned name, struct dw_val *v);
/* The same, following DW_AT_abstract_origin and DW_AT_specification; *where gets the DIE that
 * has it (may be NULL). */
bool dw_attr_deep(const struct dw_die *d, unsigned name, struct dw_val *v, struct dw_die *where);

/* A value as a string, the DIE or the address that it names; NULL or false: it is of another class, or damaged. */
const char *dw_val_str(struct dw_unit *u, const struct dw_val *v);
bool dw_val_ref(struct dw_unit *u, const struct dw_val *v, struct dw_die *out);
bool dw_val_addr(struct dw_unit *u, const struct dw_val *v, uint64_t *addr);
bool dw_val_is_block(const struct dw_val *v);
bool dw_val_is_const(const struct dw_val *v);
/* Section offset or index classes (not constants): location and range lists, line programs. */
bool dw_val_is_secoff(const struct dw_unit *u, const struct dw_val *v);

/* Attributes of this very DIE: NULL, `otherwise` or false without one. */
const char *dw_die_str(const struct dw_die *d, unsigned name);
uint64_t dw_die_u(const struct dw_die *d, unsigned name, uint64_t otherwise);
bool dw_die_flag(const struct dw_die *d, unsigned name);
bool dw_die_ref(const struct dw_die *d, unsigned name, struct dw_die *out);
const char *dw_die_name(const struct dw_die *d);	/* deep */

/* Entry `index` of .debug_addr. */
bool dw_addrx(struct dw_unit *u, uint64_t index, uint64_t *addr);

/* What an entry of a list of ranges or locations (DWARF 5) says. */
enum dw_entry {
	DW_ENTRY_END,		/* no more entries, or none that is understood */
	DW_ENTRY_BASE,		/* nothing but a new *base */
	DW_ENTRY_RANGE,		/* from *lo to *hi */
	DW_ENTRY_UNKNOWN,	/* a range, but not which */
};
/* Reads an entry behind its code, DW_LLE_*: those that have a meaning in both kinds of lists. */
enum dw_entry dw_list_entry(struct dw_unit *u, struct dbg_cur *c, unsigned code, uint64_t *base, uint64_t *lo,
			    uint64_t *hi);
/* Address ranges of a DIE (low/high pc or ranges); calls fn for each non-empty one.
 * False: it has none. */
bool dw_ranges(const struct dw_die *d, void (*fn)(void *data, uint64_t lo, uint64_t hi), void *data);
/* DW_AT_entry_pc, or the lowest address. */
bool dw_entry_pc(const struct dw_die *d, uint64_t *pc);

#endif
