/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of a module's DWARF: names of functions and variables at the top level
 * (namespaces and, outside C, classes included), and which unit covers which address.
 * One pass over every unit's top level, jumping over what is nested, when first needed.
 *
 * Types are indexed separately, unit by unit, until the wanted name turns up: the
 * first few units of a program usually have them all.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

#define MAX_DEPTH 64

static bool is_c(const struct dw_unit *u)
{
	switch (u->lang) {
	case DW_LANG_C89: case DW_LANG_C: case DW_LANG_C99: case DW_LANG_C11: case DW_LANG_Mips_Assembler:
		return true;
	default:
		return false;
	}
}

/* Whether names below this DIE count as top-level ones. */
static bool is_container(const struct dw_unit *u, unsigned tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
		return true;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		return !is_c(u);
	default:
		return false;
	}
}

static void add_entry(struct dbg_index *ix, struct dw_unit *u, const struct dw_die *d, uint8_t kind)
{
	struct index_entry e = { .die = dw_handle(d), .kind = kind };
	struct dw_val v;

	if (kind == INDEX_VAR && dw_die_flag(d, DW_AT_declaration))
		return;
	if (kind == INDEX_FUNC && dw_die_flag(d, DW_AT_declaration))
		return;
	e.name = dw_die_name(d);
	if (!e.name) {
		if (!dw_attr_deep(d, DW_AT_linkage_name, &v, NULL))
			return;
		e.name = dw_val_str(u, &v);
		if (!e.name)
			return;
	}
	e.inlined = kind == INDEX_FUNC && dw_attr(d, DW_AT_inline, &v) &&
		    (v.u == DW_INL_inlined || v.u == DW_INL_declared_inlined);
	e.unit = (uint32_t)(u - u->dw->units[u->sect]);
	arrput(ix->entries, e);
}

static void scan_unit(struct dbg_index *ix, struct dw_unit *u)
{
	struct dw_die root, d;
	struct dw_walk w;
	unsigned depth;

	if (!dw_unit_root(u, &root) || u->type == DW_UT_type)
		return;
	dw_walk_start(&w, &root);
	while (dw_walk_next(&w, &d, &depth)) {
		if (d.ab->tag == DW_TAG_subprogram)
			add_entry(ix, u, &d, INDEX_FUNC);
		else if (d.ab->tag == DW_TAG_variable || d.ab->tag == DW_TAG_constant)
			add_entry(ix, u, &d, INDEX_VAR);
		if (depth > MAX_DEPTH || !is_container(u, d.ab->tag))
			dw_walk_skip(&w);
	}
	if (root.ab->children && !w.depth && w.p < dw_unit_end(u) && *w.p)
		dw_damaged(u->dw, u->sect, u->off, "a unit whose entries end before it does");
	for (size_t i = 0; i < u->abbrevs->n; i++) {
		const struct dw_abbrev *ab = &u->abbrevs->tab[i];

		if (ab->tag != DW_TAG_inlined_subroutine)
			continue;
		for (int k = 0; k < ab->nattrs; k++)
			if (ab->attrs[k].name == DW_AT_abstract_origin &&
			    (ab->attrs[k].form == DW_FORM_ref_addr ||
			     ab->attrs[k].form == DW_FORM_GNU_ref_alt ||
			     ab->attrs[k].form == DW_FORM_ref_sup4 ||
			     ab->attrs[k].form == DW_FORM_ref_sup8))
				ix->crossing = u->cross_refs = true;
	}
}

struct range_sink {
	struct dbg_index *ix;
	struct dw_unit *u;
};

static void add_range(void *data, uint64_t lo, uint64_t hi)
{
	struct range_sink *s = data;

	arrput(s->ix->ranges, ((struct index_range){ lo, hi, s->u }));
}

static int cmp_range(const void *a, const void *b)
{
	const struct index_range *x = a, *y = b;

	return x->lo != y->lo ? (x->lo < y->lo ? -1 : 1) : x->hi < y->hi ? -1 : x->hi > y->hi;
}

/* A unit without ranges of its own: those of its functions. */
static void ranges_of_functions(struct dbg_index *ix, struct dw_unit *u)
{
	struct range_sink sink = { ix, u };
	const struct dbg_func **f = dwfunc_walk(u);

	for (ptrdiff_t i = 0; i < arrlen(f); i++)
		for (uint32_t k = 0; k < f[i]->nranges && !f[i]->is_inline; k++)
			add_range(&sink, f[i]->ranges[k].lo, f[i]->ranges[k].hi);
}

static void scan_ranges(struct dbg_module *m, struct dbg_index *ix)
{
	struct dw_unit *list = m->dw->units[DW_IN_INFO];

	for (ptrdiff_t i = 0; i < arrlen(list); i++) {
		struct range_sink sink = { ix, &list[i] };
		struct dw_die root;

		if (!dw_unit_root(&list[i], &root) || list[i].tag == DW_TAG_partial_unit)
			continue;
		if (!dw_ranges(&root, add_range, &sink) && root.ab->children)
			ranges_of_functions(ix, &list[i]);
	}
	if (arrlen(ix->ranges))
		qsort(ix->ranges, (size_t)arrlen(ix->ranges), sizeof(*ix->ranges), cmp_range);
}

static const struct dbg_index *index_get(struct dbg_module *m)
{
	if (!m->index && m->dw) {
		m->index = xcalloc(1, sizeof(*m->index));
		if (indexcache_load(m, m->index))
			return m->index;
		for (int s = 0; s < DW_IN_COUNT; s++)
			for (ptrdiff_t i = 0; i < arrlen(m->dw->units[s]); i++)
				scan_unit(m->index, &m->dw->units[s][i]);
		indexcache_save(m, m->index);
	}
	return m->index;
}

struct index_iter index_start(struct dbg_module *m, const char *exact)
{
	struct index_iter it = { m, index_get(m), exact, 0 };

	if (exact && it.ix->recs)
		it.at = indexcache_first(it.ix, exact);
	return it;
}

static bool next_kept(struct index_iter *it, struct index_entry *out)
{
	while (it->at < it->ix->nrecs && (!it->exact || indexcache_same(it->ix, it->at, it->exact)))
		if (indexcache_entry(it->m, it->ix, it->at++, out) &&
		    (!it->exact || !strcmp(it->exact, out->name)))
			return true;
	return false;
}

bool index_next(struct index_iter *it, struct index_entry *out)
{
	if (it->ix->recs)
		return next_kept(it, out);
	while (it->at < arrlenu(it->ix->entries)) {
		*out = it->ix->entries[it->at++];
		if (!it->exact || !strcmp(it->exact, out->name))
			return true;
	}
	return false;
}

const struct index_range *index_ranges(struct dbg_module *m, size_t *n)
{
	*n = 0;
	if (!m->dw)
		return NULL;
	if (!m->ranges_index) {
		m->ranges_index = xcalloc(1, sizeof(*m->ranges_index));
		scan_ranges(m, m->ranges_index);
	}
	*n = (size_t)arrlen(m->ranges_index->ranges);
	return m->ranges_index->ranges;
}

void index_free(struct dbg_module *m)
{
	struct dbg_index *both[] = { m->index, m->ranges_index };

	for (int i = 0; i < 2; i++)
		if (both[i]) {
			indexcache_free(both[i]);
			arrfree(both[i]->entries);
			arrfree(both[i]->ranges);
			free(both[i]);
		}
}

/* ---- types by name ---- */

static const char *type_word(unsigned tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
		return "struct ";
	case DW_TAG_union_type:
		return "union ";
	case DW_TAG_class_type:
		return "class ";
	case DW_TAG_enumeration_type:
		return "enum ";
	case DW_TAG_typedef:
	case DW_TAG_base_type:
	case DW_TAG_template_alias:
		return "";
	default:
		return NULL;
	}
}

/* Puts the unit's top-level types in m->type_names; definitions replace declarations. */
static void index_types(struct dbg_module *m, struct dw_unit *u)
{
	struct dw_die root, d;
	struct dw_walk w;
	unsigned depth;
	char key[512];

	u->types_indexed = true;
	if (!dw_unit_root(u, &root))
		return;
	if (!m->type_names)
		sh_new_arena(m->type_names);
	dw_walk_start(&w, &root);
	while (dw_walk_next(&w, &d, &depth)) {
		const char *word = type_word(d.ab->tag), *name;
		const struct dbg_type *have;
		bool decl;

		if (depth > MAX_DEPTH || !is_container(u, d.ab->tag))
			dw_walk_skip(&w);
		name = word ? dw_die_str(&d, DW_AT_name) : NULL;
		if (!name || !*name)
			continue;
		snprintf(key, sizeof(key), "%s%s", word, name);
		decl = dw_die_flag(&d, DW_AT_declaration);
		have = shget(m->type_names, key);
		if (have && (decl || !have->declaration))
			continue;
		shput(m->type_names, key, dwtype_of_die(m, &d));
	}
}

static const struct dbg_type *find_exact(struct dbg_module *m, const char *name)
{
	const struct dbg_type *t = m->type_names ? shget(m->type_names, name) : NULL;

	for (int s = 0; s < DW_IN_COUNT; s++)
		for (ptrdiff_t i = 0; i < arrlen(m->dw->units[s]); i++) {
			struct dw_unit *u = &m->dw->units[s][i];

			if (t && !t->declaration)
				return t;
			if (u->types_indexed)
				continue;
			index_types(m, u);
			t = m->type_names ? shget(m->type_names, name) : NULL;
		}
	return t;
}

const struct dbg_type *dwtype_find(struct dbg_module *m, const char *name)
{
	static const char *const words[] = { "struct ", "union ", "class ", "enum " };
	const struct dbg_type *t = NULL;
	char key[512];

	if (strlen(name) > 480)
		return NULL;
	/* C++ has one kind of name for struct and class */
	if (!strncmp(name, "struct ", 7) || !strncmp(name, "class ", 6)) {
		const char *bare = strchr(name, ' ') + 1;

		t = find_exact(m, name);
		snprintf(key, sizeof(key), "%s%s", *name == 's' ? "class " : "struct ", bare);
		return t ? t : find_exact(m, key);
	}
	t = find_exact(m, name);
	for (int i = 0; !t && i < 4 && !strchr(name, ' '); i++) {
		snprintf(key, sizeof(key), "%s%s", words[i], name);
		t = find_exact(m, key);
	}
	return t;
}

const char **dbg_type_names(struct dbg_module *m, const char *glob)
{
	const char **out = NULL;

	if (m->btf)
		return btftype_names(m, glob);
	if (m->dw)
		find_exact(m, "");
	for (ptrdiff_t i = 0; i < shlen(m->type_names); i++)
		if (dwfunc_glob(glob, m->type_names[i].key))
			arrput(out, m->type_names[i].key);
	return out;
}

bool dbg_enumerator_find(struct dbg_module *m, const char *name, int64_t *value)
{
	if (m->btf)
		return btf_enumerator(m, name, value);
	if (dbg_module_debug(m, NULL) == 0)
		find_exact(m, "");
	for (ptrdiff_t i = 0; i < shlen(m->type_names); i++) {
		const struct dbg_enumerator *e;
		size_t n;

		e = dbg_type_enumerators(dbg_type_strip(m->type_names[i].value), &n);
		for (size_t k = 0; k < n; k++)
			if (strcmp(e[k].name, name) == 0) {
				*value = e[k].value;
				return true;
			}
	}
	return false;
}
