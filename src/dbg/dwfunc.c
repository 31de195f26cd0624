/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions and their inlined copies.
 *
 * A unit's tree is walked once, when something in it is wanted; one dbg_func is made for
 * each DIE that has code, and found again by its handle.  Abstract instances (no code) are
 * never returned, only followed for names and types.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/priv.h"

#define MAX_INLINE_DEPTH 512

struct ranges_sink {
	struct dbg_range *list;		/* stb_ds */
	struct dbg_module *m;
};

static void collect_range(void *data, uint64_t lo, uint64_t hi)
{
	struct ranges_sink *s = data;

	/* code the linker dropped is left at 0 */
	if (dbg_addr_executable(s->m, lo))
		arrput(s->list, ((struct dbg_range){ lo, hi }));
}

/* The DIE at the end of the abstract_origin chain: one for all copies of a function. */
static struct dw_die origin_of(const struct dw_die *d)
{
	struct dw_die at = *d, next;

	for (int i = 0; i < 16 && dw_die_ref(&at, DW_AT_abstract_origin, &next); i++)
		at = next;
	return at;
}

static const char *deep_str(const struct dw_die *d, unsigned name)
{
	struct dw_die where;
	struct dw_val v;

	return dw_attr_deep(d, name, &v, &where) ? dw_val_str(where.u, &v) : NULL;
}

static void fill_source(struct dbg_func *f, const struct dw_die *d)
{
	struct dw_die where;
	struct dw_val v;

	f->name = dw_die_name(d);
	f->linkage_name = deep_str(d, DW_AT_linkage_name);
	if (!f->linkage_name)
		f->linkage_name = deep_str(d, DW_AT_MIPS_linkage_name);
	if (!f->name)
		f->name = f->linkage_name ? f->linkage_name : "";
	if (dw_attr_deep(d, DW_AT_decl_file, &v, &where))
		f->file = dwline_file(where.u, v.u);
	else if (dw_attr_deep(d, DW_AT_decl_line, &v, &where))
		f->file = where.u->name;
	if (dw_attr_deep(d, DW_AT_decl_line, &v, &where))
		f->line = (uint32_t)v.u;
	if (dw_attr_deep(d, DW_AT_external, &v, NULL))
		f->exported = v.u != 0;
}

/* Assembler functions are not declared anywhere: where their code starts. */
static void source_from_lines(struct dbg_func *f, struct dw_unit *u)
{
	const struct dw_lines *l = dwline_rows(u);

	for (size_t i = 0; l && i < l->nrows; i++)
		if (l->rows[i].pc == f->entry && !l->rows[i].end_sequence) {
			f->file = l->rows[i].file;
			f->line = l->rows[i].line;
			return;
		}
}

/* Some variable of the unit has a location list: it was compiled with variable tracking. */
static bool unit_has_loclists(const struct dw_unit *u)
{
	for (size_t i = 0; i < u->abbrevs->n; i++) {
		const struct dw_abbrev *ab = &u->abbrevs->tab[i];

		if (ab->tag != DW_TAG_formal_parameter && ab->tag != DW_TAG_variable)
			continue;
		for (int k = 0; k < ab->nattrs; k++) {
			struct dw_val v = { .form = ab->attrs[k].form };

			if (ab->attrs[k].name == DW_AT_location && dw_val_is_secoff(u, &v))
				return true;
		}
	}
	return false;
}

/* Makes the function of a DIE; NULL if it has no code. */
static struct dbg_func *make_func(struct dbg_module *m, const struct dw_die *d, uint64_t parent)
{
	struct ranges_sink sink = { .m = m };
	struct dbg_func *f;
	struct dw_die origin;
	struct dw_val v;
	uint64_t entry;

	bool have_entry;

	dw_ranges(d, collect_range, &sink);
	have_entry = dw_entry_pc(d, &entry) && dbg_addr_executable(m, entry);
	/* an inlined copy of which no instruction is left still has a place */
	if (!arrlen(sink.list) && !(have_entry && d->ab->tag == DW_TAG_inlined_subroutine)) {
		arrfree(sink.list);
		return NULL;
	}
	f = arena_new(m->arena, struct dbg_func);
	f->nranges = (uint32_t)arrlen(sink.list);
	if (f->nranges)
		f->ranges = arena_memdup(m->arena, sink.list, f->nranges * sizeof(*sink.list));
	arrfree(sink.list);
	f->module = m;
	f->cu = (struct dbg_cu *)d->u;
	f->die = dw_handle(d);
	origin = origin_of(d);
	f->origin = dw_handle(&origin);
	f->is_inline = d->ab->tag == DW_TAG_inlined_subroutine;
	f->depth_parent = parent;
	/* an inlined copy's entry may lie just outside its ranges, in what it is inlined in */
	f->entry = have_entry ? entry : f->ranges[0].lo;
	fill_source(f, d);
	if (f->is_inline) {
		f->call_line = (uint32_t)dw_die_u(d, DW_AT_call_line, 0);
		if (dw_attr(d, DW_AT_call_file, &v))
			f->call_file = dwline_file(d->u, v.u);
	}
	f->has_loclists = unit_has_loclists(d->u);
	if (!f->file && !f->line && d->u->lang == DW_LANG_Mips_Assembler)
		source_from_lines(f, d->u);
	return f;
}

bool dwfunc_contains(const struct dbg_func *f, uint64_t pc)
{
	for (uint32_t i = 0; i < f->nranges; i++)
		if (pc >= f->ranges[i].lo && pc < f->ranges[i].hi)
			return true;
	return false;
}

/* Functions, then inlined copies, each by address. */
static int cmp_func(const void *a, const void *b)
{
	const struct dbg_func *x = *(const struct dbg_func *const *)a;
	const struct dbg_func *y = *(const struct dbg_func *const *)b;

	if (x->is_inline != y->is_inline)
		return x->is_inline - y->is_inline;
	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return x->die < y->die ? -1 : x->die > y->die;
}

/* Tags whose children can hold functions, blocks or copies. */
static bool worth_entering(unsigned tag)
{
	switch (tag) {
	case DW_TAG_subprogram: case DW_TAG_inlined_subroutine: case DW_TAG_lexical_block:
	case DW_TAG_namespace: case DW_TAG_module: case DW_TAG_try_block: case DW_TAG_catch_block:
	case DW_TAG_with_stmt: case DW_TAG_class_type: case DW_TAG_structure_type:
		return true;
	default:
		return false;
	}
}

const struct dbg_func **dwfunc_walk(struct dw_unit *u)
{
	struct { unsigned depth; uint64_t func; } stack[MAX_INLINE_DEPTH];
	struct dbg_module *m = u->dw->m;
	struct dw_die root, d;
	unsigned depth, top = 0;
	struct dw_walk w;
	bool c_only;

	if (u->walked || !dw_unit_root(u, &root))
		return u->funcs;
	u->walked = true;
	c_only = u->lang == DW_LANG_C89 || u->lang == DW_LANG_C99 || u->lang == DW_LANG_C11 ||
		 u->lang == DW_LANG_C;
	dw_walk_start(&w, &root);
	while (dw_walk_next(&w, &d, &depth)) {
		unsigned tag = d.ab->tag;

		while (top && stack[top - 1].depth >= depth)
			top--;
		if (!worth_entering(tag) || top == MAX_INLINE_DEPTH ||
		    (c_only && (tag == DW_TAG_structure_type || tag == DW_TAG_class_type)))
			dw_walk_skip(&w);
		if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) {
			struct dbg_func *f;
			uint64_t parent = top ? stack[top - 1].func : 0;

			f = make_func(m, &d, tag == DW_TAG_inlined_subroutine ? parent : 0);
			if (f) {
				hmput(m->funcs, f->die, f);
				arrput(u->funcs, f);
				if (top < MAX_INLINE_DEPTH) {
					stack[top].depth = depth;
					stack[top++].func = f->die;
				}
			} else {
				dw_walk_skip(&w);	/* abstract: no code below */
			}
		}
	}
	if (arrlen(u->funcs))
		qsort(u->funcs, (size_t)arrlen(u->funcs), sizeof(*u->funcs), cmp_func);
	return u->funcs;
}

/* ---- lookup ---- */

bool dwfunc_glob(const char *pattern, const char *name)
{
	if (!strpbrk(pattern, "*?[\\"))
		return strcmp(pattern, name) == 0;
	if (pattern[0] == '*' && !pattern[1])
		return true;
	return fnmatch(pattern, name, 0) == 0;
}

/* Names of the namespaces and classes around the DIE at `target`, outermost first, each with
 * "::". */
static void enclosing_names(struct dw_unit *u, uint64_t target, char *buf, size_t size)
{
	struct dw_die d, last = { 0 };
	struct dw_walk w;
	size_t len = 0;

	buf[0] = 0;
	if (!dw_unit_root(u, &last))
		return;
	for (int level = 0; level < 32; level++) {
		struct dw_die inner = { 0 };
		const char *name;

		dw_walk_start(&w, &last);
		while (dw_walk_next(&w, &d, NULL) && d.off < target) {
			dw_walk_skip(&w);
			inner = d;
		}
		if (d.off == target || !inner.ab || !inner.ab->children)
			return;
		name = dw_die_str(&inner, DW_AT_name);
		if (worth_entering(inner.ab->tag) && name)
			len += (size_t)snprintf(buf + len, size - len, "%s::", name);
		if (len >= size)
			return;
		last = inner;
	}
}

/* "ns::cls::f"; the plain name for C. */
static const char *qualified_name(const struct dbg_func *f)
{
	struct dw_die d, next;
	char prefix[1024];

	if (!dw_die_by_handle(f->module->dw, f->origin, &d))
		return f->name;
	for (int i = 0; i < 16 && dw_die_ref(&d, DW_AT_specification, &next); i++)
		d = next;
	enclosing_names(d.u, d.off, prefix, sizeof(prefix));
	return *prefix ? arena_printf(f->module->arena, "%s%s", prefix, f->name) : f->name;
}

/* C++ names may be written with any number of enclosing names: "ns::cls::f" matches f of cls of
 * ns. */
static bool name_matches(const char *pattern, const struct dbg_func *f)
{
	const char *name;

	if (!strstr(pattern, "::"))
		return dwfunc_glob(pattern, f->name);
	for (name = qualified_name(f); name; name = strstr(name, "::")) {
		name += 2 * (strncmp(name, "::", 2) == 0);
		if (dwfunc_glob(pattern, name))
			return true;
	}
	return false;
}

/* What a pattern says of the name itself: all behind the last "::". */
static const char *last_component(const char *pattern)
{
	const char *last = pattern, *p;

	for (p = pattern; (p = strstr(p, "::")) != NULL; p += 2)
		last = p + 2;
	return *last ? last : pattern;
}

/* Whether the text ends as the pattern does behind its last special character: most texts that do not match do not. */
static bool ends_alike(const char *text, size_t n, const char *pattern, size_t k)
{
	size_t tail = 0;

	while (tail < k && !strchr("*?[]\\", pattern[k - 1 - tail]))
		tail++;
	return n >= tail && !memcmp(text + n - tail, pattern + k - tail, tail);
}

bool dbg_file_matches(const char *file, const char *pattern)
{
	size_t n = strlen(file), k = strlen(pattern);
	char buf[4200];

	if (!ends_alike(file, n, pattern, k))
		return false;
	if (dwfunc_glob(pattern, file))
		return true;
	if (*pattern == '/')
		return false;
	if (!is_glob(pattern))
		return n > k && file[n - k - 1] == '/' && strcmp(file + n - k, pattern) == 0;
	if (k + 3 > sizeof(buf))
		return false;
	snprintf(buf, sizeof(buf), "*/%s", pattern);
	return fnmatch(buf, file, 0) == 0;
}

static int cmp_unit(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Units whose functions or copies may match: those that name one, and if a copied one may come from
 * another unit, those that copy from others. */
static void candidate_units(struct dbg_module *m, const char *name, struct dw_unit ***out)
{
	const char *last = last_component(name);
	struct index_iter it = index_start(m, strpbrk(last, "*?[\\") ? NULL : last);
	struct index_entry e;
	bool cross = false;

	while (index_next(&it, &e)) {
		struct dw_unit *u;

		if (e.kind != INDEX_FUNC || !dwfunc_glob(last, e.name))
			continue;
		u = &m->dw->units[DW_HANDLE_SECT(e.die)][e.unit];
		cross |= e.inlined && it.ix->crossing;
		if (!arrlen(*out) || arrlast(*out) != u)
			arrput(*out, u);
	}
	for (ptrdiff_t i = 0; cross && i < arrlen(m->dw->units[DW_IN_INFO]); i++) {
		struct dw_unit *u = &m->dw->units[DW_IN_INFO][i];

		if (u->cross_refs)
			arrput(*out, u);
	}
	if (arrlen(*out))
		qsort(*out, (size_t)arrlen(*out), sizeof(**out), cmp_unit);
}

/*
 * What partial inlining split off ("f.part.0") is not a call of f: whoever gets there came through
 * f or a copy of it, which are probed themselves.
 */
static bool is_split_part(const struct dbg_func *f)
{
	const struct dbg_sym *sym;

	if (f->is_inline || f->origin == f->die)
		return false;
	sym = dbg_symbol_at(f->module, f->entry);
	return sym && sym->addr == f->entry && strstr(sym->name, ".part.");
}

/* Removes copies of the same function at the same address, which would count one call twice: of
 * a sorted list the first, outermost, stays. */
static size_t without_twins(const struct dbg_func **list, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		bool twin = false;

		for (size_t k = out; k-- > 0 && list[k]->entry == list[i]->entry && !twin;)
			twin = list[i]->is_inline && list[k]->origin == list[i]->origin;
		if (!twin)
			list[out++] = list[i];
	}
	return out;
}

/* The out-of-line function whose code starts at a symbol: "malloc" is __libc_malloc. */
static void add_alias(struct dbg_module *m, const struct dbg_sym *sym, const char *file,
		      const struct dbg_func ***list)
{
	const struct dbg_func *f;

	if (sym->kind != DBG_SYM_FUNC && sym->kind != DBG_SYM_IFUNC)
		return;
	for (ptrdiff_t i = 0; i < arrlen(*list); i++)
		if (!(*list)[i]->is_inline && (*list)[i]->entry == sym->addr)
			return;
	f = dbg_func_outer_at(m, sym->addr);
	if (f && f->entry == sym->addr &&
	    (!file || (f->file && dbg_file_matches(f->file, file))))
		arrput(*list, f);
}

/* Functions known to the symbol table under another name than to DWARF. */
static void add_aliases(struct dbg_module *m, const char *name, const char *file,
			const struct dbg_func ***list)
{
	const struct dbg_sym *sym;
	size_t n;

	if (!strpbrk(name, "*?[\\")) {
		sym = dbg_symbol_find(m, name);
		if (sym)
			add_alias(m, sym, file, list);
		return;
	}
	if (!strcmp(name, "*"))
		return;			/* all functions are there already */
	sym = dbg_module_symbols(m, &n);
	for (size_t i = 0; i < n; i++)
		if (dwfunc_glob(name, sym[i].name))
			add_alias(m, &sym[i], file, list);
}

const struct dbg_func *const *dbg_funcs_find(struct dbg_module *m, const char *name,
					     const char *file, size_t *n)
{
	const struct dbg_func **list = NULL, **r = NULL;
	struct dw_unit **units = NULL;

	*n = 0;
	if (dbg_module_debug(m, NULL))
		return NULL;
	candidate_units(m, name, &units);
	for (ptrdiff_t i = 0; i < arrlen(units); i++) {
		const struct dbg_func **f;

		if ((i && units[i] == units[i - 1]) || (file && !dwline_may_match(units[i], file)))
			continue;
		f = dwfunc_walk(units[i]);
		for (ptrdiff_t k = 0; k < arrlen(f); k++)
			if (name_matches(name, f[k]) && !is_split_part(f[k]) &&
			    (!file || (f[k]->file && dbg_file_matches(f[k]->file, file))))
				arrput(list, f[k]);
	}
	add_aliases(m, name, file, &list);
	*n = (size_t)arrlen(list);
	if (*n) {
		qsort(list, *n, sizeof(*list), cmp_func);
		*n = without_twins(list, *n);
		r = arena_memdup(m->arena, list, *n * sizeof(*list));
	}
	arrfree(list);
	arrfree(units);
	return r;
}

const struct dbg_func *const *dbg_func_copies(const struct dbg_func *f, const char *name, size_t *n)
{
	const struct dbg_func **in = dwfunc_walk((struct dw_unit *)f->cu), **list = NULL, **r = NULL;
	size_t count, kept = 0;

	for (ptrdiff_t i = 0; i < arrlen(in); i++)
		if (in[i]->is_inline && name_matches(name, in[i]))
			arrput(list, in[i]);
	count = list ? without_twins(list, arrlenu(list)) : 0;
	for (size_t i = 0; i < count; i++)
		if (list[i]->depth_parent == f->die)
			list[kept++] = list[i];
	if (kept)
		r = arena_memdup(f->module->arena, list, kept * sizeof(*list));
	arrfree(list);
	*n = kept;
	return r;
}

const char **dbg_func_names(struct dbg_module *m)
{
	struct index_iter it;
	struct index_entry e;
	const char **names = NULL;

	if (dbg_module_debug(m, NULL))
		return NULL;
	it = index_start(m, NULL);
	while (index_next(&it, &e))
		if (e.kind == INDEX_FUNC)
			arrput(names, e.name);
	return names;
}

struct dw_unit *dwfunc_unit_at(struct dbg_module *m, uint64_t pc)
{
	size_t n, lo = 0, hi;
	const struct index_range *r;
	struct dw_unit *u;

	if (dbg_module_debug(m, NULL))
		return NULL;
	u = aranges_unit(m, pc);
	if (u)
		return u;
	r = index_ranges(m, &n);
	for (hi = n; lo < hi;) {
		size_t mid = (lo + hi) / 2;

		if (r[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* ranges of different units may nest in odd files: look back a little */
	for (size_t i = lo, k = 0; i-- > 0 && k < 16; k++)
		if (pc < r[i].hi)
			return r[i].u;
	return NULL;
}

/* Total bytes: the innermost of nested functions is the smallest. */
static uint64_t func_size(const struct dbg_func *f)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->nranges; i++)
		n += f->ranges[i].hi - f->ranges[i].lo;
	return n;
}

/* Whether `a` is somewhere inside `b`. */
static bool nested_in(const struct dbg_func *a, const struct dbg_func *b)
{
	for (int i = 0; a && i < MAX_INLINE_DEPTH; i++) {
		a = dbg_func_parent(a);
		if (a == b)
			return true;
	}
	return false;
}

const struct dbg_func *dbg_func_at(struct dbg_module *m, uint64_t pc)
{
	struct dw_unit *u = dwfunc_unit_at(m, pc);
	const struct dbg_func **f = u ? dwfunc_walk(u) : NULL, *best = NULL;

	for (ptrdiff_t i = 0; i < arrlen(f); i++) {
		if (!dwfunc_contains(f[i], pc))
			continue;
		if (!best || nested_in(f[i], best) ||
		    (!nested_in(best, f[i]) && func_size(f[i]) < func_size(best)))
			best = f[i];
	}
	return best;
}

const struct dbg_func *dbg_func_parent(const struct dbg_func *f)
{
	return f->depth_parent ? hmget(f->module->funcs, f->depth_parent) : NULL;
}

const struct dbg_func *dbg_func_outer_at(struct dbg_module *m, uint64_t pc)
{
	const struct dbg_func *f = dbg_func_at(m, pc);

	while (f && f->is_inline && f->depth_parent)
		f = dbg_func_parent(f);
	return f;
}

const char *dbg_func_cu_name(const struct dbg_func *f)
{
	const struct dw_unit *u = (const struct dw_unit *)f->cu;

	return u->name ? u->name : "";
}

const char *dbg_func_producer(const struct dbg_func *f)
{
	const struct dw_unit *u = (const struct dw_unit *)f->cu;

	return u->producer ? u->producer : "";
}

const struct dbg_label *dbg_func_labels(const struct dbg_func *f, size_t *n)
{
	struct dbg_label *list = NULL;
	struct dw_die d, root;
	struct dw_walk w;
	struct dw_val v;

	*n = 0;
	if (!dw_die_by_handle(f->module->dw, f->die, &root))
		return NULL;
	dw_walk_start(&w, &root);
	while (dw_walk_next(&w, &d, NULL)) {
		struct dbg_label l = { 0 };

		if (d.ab->tag != DW_TAG_lexical_block)
			dw_walk_skip(&w);
		if (d.ab->tag != DW_TAG_label || !dw_attr(&d, DW_AT_low_pc, &v) ||
		    !dw_val_addr(d.u, &v, &l.pc))
			continue;
		l.name = dw_die_name(&d);
		if (dw_attr_deep(&d, DW_AT_decl_line, &v, NULL))
			l.line = (uint32_t)v.u;
		if (l.name)
			arrput(list, l);
	}
	return arena_take_array(f->module->arena, list, sizeof(*list), n);
}

const struct dbg_type *dbg_func_return_type(const struct dbg_func *f)
{
	struct dw_die d;

	if (!dw_die_by_handle(f->module->dw, f->die, &d))
		return module_void_type(f->module);
	return dwtype_of_attr(f->module, &d);
}
