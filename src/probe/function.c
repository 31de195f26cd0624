/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process(...).function("NAME"), with .call .return .inline .exported .label .callee(s), and .function(ADDRESS).
 *
 * Functions come from debug information, and from the symbol tables for what that does not know.  A symbol
 * at the entry of a described function is another name of it (malloc of __libc_malloc).
 */
#include "probe/families.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "dbg/unwind.h"
#include "probe/kfunc.h"
#include "probe/process.h"
#include "probe/returns.h"

#define MAX_DEPTH	64	/* of .callees() */

enum { CALL_OPCODE = 0xe8, CALL_LENGTH = 5 };	/* call rel32 */

/* ---- what was found ---- */

/* A place to probe: a function or copy, or a bare symbol. */
struct found {
	const struct dbg_func *func;
	const struct dbg_sym *sym;
	uint64_t entry;
};

/* The entries of two functions; caller 0: of inlined copies. */
struct call {
	uint64_t callee, caller;
};

struct search {
	struct probe_session *ps;
	const struct probe_match *m;
	const struct probe_image *img;
	struct probe_image shared;	/* img, where so many are found that they share a program */
	struct probe_spec spec;
	int variant;
	struct found *list;		/* stb_ds array */
	uint64_t *inlined;		/* stb_ds array: functions of which copies have no return to probe */
	const char *breaks;		/* why the return of one must not be probed */
	struct { uint64_t key; size_t value; } *seen;	/* hmap: entry of a function -> its place in list + 1 */
	struct { struct call key; bool value; } *calls;	/* hmap: callees that have points, by who calls them */
};

/* A function that only chooses the implementation of the one asked for, once, when the program is linked. */
static bool is_resolver(const struct search *s, const struct dbg_func *f)
{
	const struct dbg_sym *sym = dbg_symbol_at(s->img->module, f->entry);

	return sym && sym->kind == DBG_SYM_IFUNC && sym->addr == f->entry && f->name &&
	       fnmatch(s->spec.function, f->name, 0);
}

static bool wants(const struct search *s, const struct dbg_func *f)
{
	if (!f->is_inline && is_resolver(s, f))
		return false;
	switch (s->variant) {
	case PROCESS_FUNCTION:
	case PROCESS_LABEL:
		return true;
	case PROCESS_INLINE:
		return f->is_inline;
	case PROCESS_EXPORTED:
		return !f->is_inline && f->exported;
	default:
		return !f->is_inline;
	}
}

static void note_inlined(struct search *s, uint64_t origin)
{
	for (size_t i = 0; i < arrlenu(s->inlined); i++)
		if (s->inlined[i] == origin)
			return;
	arrput(s->inlined, origin);
}

static void search_add(struct search *s, const struct dbg_func *f)
{
	struct found x = { .func = f, .entry = f->entry };
	bool want = wants(s, f);

	if (!f->is_inline) {
		ptrdiff_t at = hmgeti(s->seen, f->entry);
		size_t place = at < 0 ? 0 : s->seen[at].value;

		if (place && want && s->list[place - 1].func && f->die > s->list[place - 1].func->die)
			s->list[place - 1] = x;		/* of several names the last described */
		if (at >= 0)
			return;
		hmput(s->seen, f->entry, want ? arrlenu(s->list) + 1 : 0);
	}
	if (want)
		arrput(s->list, x);
	else if (f->is_inline && s->variant == PROCESS_RETURN)
		note_inlined(s, f->origin);
}

/* Does the source of f, from its declaration to its last line with code, reach over one of the lines asked for? */
static bool spans_lines(const struct search *s, const struct dbg_func *f)
{
	uint32_t base = s->spec.line_kind == PROBE_LINE_RELATIVE ? f->line : 0;

	for (size_t i = 0; i < s->spec.nlines; i++)
		if (f->line <= base + s->spec.lines[i].last && base + s->spec.lines[i].first <= dbg_func_last_line(f))
			return true;
	return false;
}

/* Of functions by a wildcard those at a line; one that is named needs no line, which may be another version's. */
static void search_debug_info(struct search *s)
{
	bool by_line = s->spec.nlines && is_glob(s->spec.function);
	size_t n;
	const struct dbg_func *const *f = dbg_funcs_find(s->img->module, s->spec.function, s->spec.file, &n);

	for (size_t i = 0; i < n; i++)
		if (!by_line || spans_lines(s, f[i]))
			search_add(s, f[i]);
}

static bool symbol_is_function(const struct dbg_sym *sym)
{
	return sym->kind == DBG_SYM_FUNC;
}

static void search_symbols(struct search *s)
{
	size_t n;
	const struct dbg_sym *sym = dbg_module_symbols(s->img->module, &n);
	bool glob = is_glob(s->spec.function);

	if (s->variant == PROCESS_INLINE || s->spec.file)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct dbg_func *f;
		struct found x = { .sym = &sym[i], .entry = sym[i].addr };

		if (!symbol_is_function(&sym[i]) || hmgeti(s->seen, sym[i].addr) >= 0)
			continue;
		if (glob ? fnmatch(s->spec.function, sym[i].name, 0) : strcmp(s->spec.function, sym[i].name))
			continue;
		if (s->variant == PROCESS_EXPORTED && !sym[i].global)
			continue;
		f = dbg_func_outer_at(s->img->module, sym[i].addr);
		if (f && f->entry == sym[i].addr) {
			search_add(s, f);
			continue;
		}
		if (f && strstr(sym[i].name, ".cold"))
			continue;	/* a part of it */
		hmput(s->seen, sym[i].addr, 0);
		arrput(s->list, x);
	}
}

/* ---- points ---- */

const char *probe_code_suffix(struct arena *a, const struct probe_match *m)
{
	const char *text = "";
	bool behind = false;

	for (size_t i = 0; i < m->n; i++) {
		if (behind)
			text = arena_printf(a, "%s.%s", text, probe_component_text(a, m->name[i],
						m->pt->components[i].arg));
		behind |= !strcmp(m->name[i], "function") || !strcmp(m->name[i], "statement");
	}
	return text;
}

/* "pc=.dynamic+0x1234" */
static const char *probe_pc_text(struct arena *a, struct dbg_module *m, uint64_t pc)
{
	const struct dbg_sym *text;

	if (dbg_module_info(m)->kernel) {
		text = dbg_module_info(m)->type == DBG_ELF_REL ? NULL : dbg_symbol_find(m, "_stext");
		return arena_printf(a, "pc=%s+0x%llx", text ? "_stext" : dbg_section_name_at(m, pc),
				    (unsigned long long)(pc - (text ? text->addr : dbg_section_start(m, pc))));
	}
	return arena_printf(a, "pc=.%s+0x%llx",
			    dbg_module_info(m)->type == DBG_ELF_EXEC ? "absolute" : "dynamic",
			    (unsigned long long)pc);
}

void probe_warn_debuginfo(struct probe_session *ps, const struct probe_image *img)
{
	diag_warn(ps->diag, "no-debuginfo", NULL, "cannot find module %s debuginfo: No DWARF information found "
		  "[man warning::debuginfo]", img->path);
}

/* Where .function("f") puts its probe: behind the prologue if variables are only there. */
static uint64_t probe_function_pc(const struct dbg_func *f)
{
	/* functions in assembly have no prologue, and nothing to wait for behind it */
	if (!strncmp(dbg_func_producer(f), "GNU AS", 6))
		return f->entry;
	return dbg_func_probe_pc(f);
}

const char *probe_place_text(struct arena *a, const struct dbg_func *f, const char *file, uint32_t line)
{
	struct dbg_line row;

	if (!file && f->module && dbg_line_at(f->module, f->entry, &row)) {
		file = row.file;
		line = row.line;
	}
	if (!file)
		return f->name ? f->name : "";
	if (!line)
		return arena_printf(a, "%s@%s", f->name, file);
	return arena_printf(a, "%s@%s:%u", f->name, file, line);
}

void probe_point_spell_code(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			    const char *kind, const char *arg, const char *suffix)
{
	struct arena *a = ps->arena;

	pt->canonical = arena_printf(a, "%s.%s(%s)%s", img->spelling, kind, arg, suffix);
	pt->derived = arena_printf(a, "%s.%s(%s)%s", img->derived, kind, arg, suffix);
	pt->listing = pt->derived;
	pt->prog.str[IR_PP_FULL] = pt->canonical;
	if (!pt->prog.str[IR_PP_TYPE])
		pt->prog.str[IR_PP_TYPE] = pt->kind == PROG_URETPROBE ? "uretprobe" : "uprobe";
	pt->pc_text = probe_pc_text(a, img->module, pt->pc);
}

/*
 * SystemTap's order: unit by unit as the debug information has them, in each from its end the functions and
 * then what was inlined, the copies of one function as they come; what has no debug information is last.
 */
static int found_compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (!x->func != !y->func)
		return x->func ? -1 : 1;
	if (x->func && x->func->cu == y->func->cu) {
		if (x->func->is_inline != y->func->is_inline)
			return x->func->is_inline ? 1 : -1;
		if (x->func->origin != y->func->origin)
			return x->func->origin > y->func->origin ? -1 : 1;
		if (x->func->die != y->func->die)
			return x->func->die < y->func->die ? -1 : 1;
	} else if (x->func) {
		return x->func->die < y->func->die ? -1 : 1;
	}
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static struct probe_point *function_point(struct search *s, const struct probe_family *f,
					  const struct found *x, uint64_t pc)
{
	struct arena *a = s->ps->arena;
	struct probe_point *pt = probe_point_new(s->ps, f, s->m);
	const char *place;

	if (!probe_point_place(s->ps, pt, s->img, pc))
		return NULL;
	pt->func = x->func;
	pt->symbol = x->sym ? x->sym->name : NULL;
	probe_point_mechanism(s->ps, pt, s->img, s->variant == PROCESS_RETURN ||
			      s->variant == PROCESS_CALLEE_RETURN);
	pt->own_scope = s->variant != PROCESS_LABEL;
	pt->prog.str[IR_PP_FUNC] = x->func ? x->func->name : pt->symbol;
	place = x->func ? probe_place_text(a, x->func, x->func->file, x->func->line) : pt->symbol;
	probe_point_spell_code(s->ps, pt, s->img, "function", probe_quote(a, place), probe_code_suffix(a, s->m));
	return pt;
}

static void callee_points(struct search *s, const struct probe_family *f, const struct found *x,
			  const char *want, int depth, struct probe_result *out);

static void label_points(struct search *s, const struct probe_family *f, const struct found *x,
			 struct probe_result *out)
{
	const char *want = probe_match_string(s->m, "label");
	size_t n;
	const struct dbg_label *l;

	if (!x->func || !want)
		return;
	l = dbg_func_labels(x->func, &n);
	for (size_t i = 0; i < n; i++) {
		struct probe_point *pt;
		const char *place;

		if (fnmatch(want, l[i].name, 0))
			continue;
		pt = function_point(s, f, x, l[i].pc);
		if (!pt)
			continue;
		place = probe_quote(s->ps->arena, probe_place_text(s->ps->arena, x->func, x->func->file,
								   l[i].line));
		probe_point_spell_code(s->ps, pt, s->img, "function", place,
				       arena_printf(s->ps->arena, ".label(%s)",
						    probe_quote(s->ps->arena, l[i].name)));
		pt->canonical = arena_printf(s->ps->arena, "%s.function(%s)", s->img->spelling, place);
		pt->prog.str[IR_PP_FULL] = pt->canonical;
		arrput(out->points, pt);
	}
}

/* Only calls from `caller` count: where the return address is, and what it lies between. */
static void callee_filter(struct probe_point *pt, const struct dbg_func *caller)
{
	struct dbg_unwind_row row;
	struct dbg_error e;
	struct dbg_range r = { 0 };

	for (uint32_t i = 0; i < caller->nranges; i++)
		if (caller->entry >= caller->ranges[i].lo && caller->entry < caller->ranges[i].hi)
			r = caller->ranges[i];
	if (pt->kind == PROG_URETPROBE || pt->kind == PROG_KRETPROBE)
		pt->filter |= PROBE_FILTER_CALLER_RIP;
	else if (!dbg_unwind_row(pt->module, pt->pc, &row, &e) && row.cfa.kind == DBG_RULE_REG_OFFSET &&
		 row.cfa.reg == DBG_RBP && row.cfa.offset == 16)
		pt->filter |= PROBE_FILTER_CALLER_RBP;
	else
		pt->filter |= PROBE_FILTER_CALLER_RSP;
	probe_point_int(pt, PROBE_INT_CALLER_LO, (int64_t)(r.lo - pt->pc));
	probe_point_int(pt, PROBE_INT_CALLER_HI, (int64_t)(r.hi - pt->pc));
}

/* The point is found as a callee of this caller; what is probed is a function. */
static void callee_spell(struct search *s, struct probe_point *pt, const struct dbg_func *caller)
{
	struct arena *a = s->ps->arena;
	const char *end = s->variant == PROCESS_CALLEE_RETURN ? ".return" :
			  s->variant == PROCESS_CALLEE_CALL ? ".call" : "";
	const char *callee = probe_quote(a, probe_place_text(a, pt->func, pt->func->file, pt->func->line));
	const char *place = probe_quote(a, probe_place_text(a, caller, caller->file, caller->line));

	probe_point_spell_code(s->ps, pt, s->img, "function", place, arena_printf(a, ".callee(%s)%s", callee, end));
	pt->canonical = arena_printf(a, "%s.function(%s)%s", s->img->spelling, callee, end);
	pt->prog.str[IR_PP_FULL] = pt->canonical;
}

/* Where a callee is probed: behind its prologue if the return address is still known there. */
static uint64_t callee_pc(const struct search *s, const struct dbg_func *callee)
{
	uint64_t pc = probe_function_pc(callee);
	struct dbg_unwind_row row;
	struct dbg_error e;

	if (s->img->kernel || s->variant == PROCESS_CALLEE_RETURN || dbg_unwind_row(s->img->module, pc, &row, &e) ||
	    row.cfa.kind != DBG_RULE_REG_OFFSET || row.cfa.reg != DBG_RBP || row.cfa.offset != 16)
		return callee->entry;
	return pc;
}

/* Adds the callee's point, unless it is there already, and goes on to its own callees. */
static void callee_add(struct search *s, const struct probe_family *f, const struct dbg_func *caller,
		       const struct dbg_func *callee, const char *want, int depth, struct probe_result *out)
{
	struct found y = { .func = callee, .entry = callee->entry };
	const struct call call = { callee->entry, caller->entry };
	struct probe_point *pt;

	if (callee->is_inline || hmgeti(s->calls, call) >= 0)
		return;
	hmput(s->calls, call, true);
	pt = function_point(s, f, &y, callee_pc(s, callee));
	if (!pt)
		return;
	callee_filter(pt, caller);
	callee_spell(s, pt, caller);
	arrput(out->points, pt);
	callee_points(s, f, &y, want, depth - 1, out);
}

/* Without call sites in the debug information: call instructions that lead to the entry of a function. */
static void callees_in_code(struct search *s, const struct probe_family *f, const struct dbg_func *func,
			    const char *want, int depth, struct probe_result *out)
{
	for (uint32_t r = 0; r < func->nranges; r++) {
		uint64_t lo = func->ranges[r].lo, len = func->ranges[r].hi - lo;
		const uint8_t *code = dbg_module_bytes(s->img->module, lo, len);

		for (uint64_t i = 0; code && i + CALL_LENGTH <= len; i++) {
			const struct dbg_func *to;
			uint64_t target;
			int32_t rel;

			if (code[i] != CALL_OPCODE)
				continue;
			memcpy(&rel, code + i + 1, sizeof(rel));
			target = lo + i + CALL_LENGTH + (uint64_t)(int64_t)rel;
			to = dbg_func_outer_at(s->img->module, target);
			if (to && to->entry == target && (!want || !fnmatch(want, to->name, 0)))
				callee_add(s, f, func, to, want, depth, out);
		}
	}
}

/* Functions of which x->func has an inlined copy: that copy. */
static void callees_inlined(struct search *s, const struct probe_family *f, const struct found *x,
			    const char *want, struct probe_result *out)
{
	size_t n;
	const struct dbg_func *const *copies = dbg_func_copies(x->func, want ? want : "*", &n);

	for (size_t i = 0; i < n; i++) {
		struct found y = { .func = copies[i], .entry = copies[i]->entry };
		const struct call call = { .callee = y.entry };
		struct probe_point *pt;

		if (hmgeti(s->calls, call) >= 0)
			continue;
		hmput(s->calls, call, true);
		pt = function_point(s, f, &y, y.entry);
		if (!pt)
			continue;
		callee_spell(s, pt, x->func);
		arrput(out->points, pt);
	}
}

/* .callee("x"), .callees(depth): functions that x->func calls. */
static void callee_points(struct search *s, const struct probe_family *f, const struct found *x,
			  const char *want, int depth, struct probe_result *out)
{
	size_t n, k;
	const struct dbg_callsite *cs;

	if (!x->func || depth <= 0)
		return;
	if (s->variant == PROCESS_CALLEE)
		callees_inlined(s, f, x, want, out);
	cs = dbg_func_callsites(x->func, &n);
	if (!n)
		callees_in_code(s, f, x->func, want, depth, out);
	for (size_t i = 0; i < n; i++) {
		const struct dbg_func *const *callee;

		if (!cs[i].callee || (want && fnmatch(want, cs[i].callee, 0)))
			continue;
		callee = dbg_funcs_find(s->img->module, cs[i].callee, NULL, &k);
		for (size_t j = 0; j < k; j++)
			callee_add(s, f, x->func, callee[j], want, depth, out);
	}
}

static bool breaks_by_return(struct search *s, const struct found *x)
{
	const char *name = x->func ? x->func->name : x->sym->name;
	const char *why = s->img->kernel ? NULL : probe_return_breaks(s->img->module, name, x->entry);

	if (why)
		s->breaks = why;
	return why != NULL;
}

static void found_points(struct search *s, const struct probe_family *f, struct probe_result *out)
{
	const char *callee = probe_match_string(s->m, "callee");
	int64_t depth = 1;

	s->shared = *s->img;
	s->shared.many = arrlenu(s->list) > KFUNC_MAX_TRAMPOLINES || s->variant >= PROCESS_CALLEE;
	s->shared.named = s->spec.function && !is_glob(s->spec.function) && s->variant < PROCESS_LABEL;
	s->img = &s->shared;
	probe_match_long(s->m, "callees", &depth);
	if (s->list)
		qsort(s->list, arrlenu(s->list), sizeof(*s->list), found_compare);
	for (size_t i = 0; i < arrlenu(s->list); i++) {
		const struct found *x = &s->list[i];
		struct probe_point *pt;

		if (s->variant == PROCESS_RETURN && breaks_by_return(s, x))
			continue;
		if (s->variant == PROCESS_LABEL) {
			label_points(s, f, x, out);
			continue;
		}
		if (s->variant >= PROCESS_CALLEE) {
			callee_points(s, f, x, callee, depth > MAX_DEPTH ? MAX_DEPTH : (int)depth, out);
			continue;
		}
		pt = function_point(s, f, x, x->func && s->variant != PROCESS_RETURN && !s->img->kernel ?
				    probe_function_pc(x->func) : x->entry);
		if (pt)
			arrput(out->points, pt);
	}
}

/* "no match", with what was close. */
static void function_explain(struct search *s, struct probe_result *out)
{
	const char **names = NULL, *like;
	size_t n;
	const struct dbg_sym *sym = dbg_module_symbols(s->img->module, &n);
	const char **described;
	struct dbg_error e;

	if (dbg_module_debug(s->img->module, &e) == -DBG_ENODEBUG)
		probe_warn_debuginfo(s->ps, s->img);
	for (size_t i = 0; i < n; i++)
		if (symbol_is_function(&sym[i]))
			arrput(names, sym[i].name);
	described = dbg_func_names(s->img->module);
	for (size_t i = 0; i < arrlenu(described); i++)
		arrput(names, described[i]);
	arrfree(described);
	like = s->img->kernel ? kfunc_new_name(s->ps->arena, s->spec.function, names, arrlenu(names)) : NULL;
	if (!like)
		like = probe_similar(s->ps->arena, s->spec.function, names, arrlenu(names), PROBE_SIMILAR_MAX);
	probe_no_match(s->ps, out, "functions", s->variant < PROCESS_LABEL ? like : "");
	arrfree(names);
}

/* .function(ADDRESS): the function that the address is in. */
static void function_at(struct search *s, uint64_t addr)
{
	const struct dbg_func *f = dbg_func_outer_at(s->img->module, addr);
	const struct dbg_sym *sym;
	struct found x = { 0 };

	if (f) {
		search_add(s, f);
		return;
	}
	sym = dbg_symbol_at(s->img->module, addr);
	if (!sym || !symbol_is_function(sym))
		return;
	x.sym = sym;
	x.entry = sym->addr;
	arrput(s->list, x);
}

void probe_resolve_function(struct probe_session *ps, const struct probe_family *f,
			    const struct probe_match *m, const struct probe_image *img,
			    struct probe_result *out)
{
	struct search s = { .ps = ps, .m = m, .img = img, .variant = m->pattern->variant };
	const char *text = probe_match_string(m, "function");
	size_t before = arrlenu(out->points);
	int64_t addr;
	struct dbg_error e;

	s.spec.function = "";
	if (text && !probe_spec_parse(ps->arena, text, &s.spec)) {
		probe_fail(ps, out, "malformed", NULL, "malformed specification '%s'", text);
		return;
	}
	dbg_module_debug(img->module, &e);
	if (!text && probe_match_long(m, "function", &addr)) {
		function_at(&s, (uint64_t)addr);
	} else {
		if (s.spec.line_kind == PROBE_LINE_ABSOLUTE || s.spec.line_kind == PROBE_LINE_RELATIVE)
			diag_warn(ps->diag, "use-statement", &m->pt->at, "For probing a particular line, "
				  "use a .statement() probe, not .function()");
		search_debug_info(&s);
		search_symbols(&s);
	}
	found_points(&s, f, out);
	if (arrlenu(out->points) == before && s.inlined && !is_glob(s.spec.function))
		diag_warn(ps->diag, "inlined-return", NULL, "cannot probe .return of %zu inlined functions  %s",
			  arrlenu(s.inlined), s.spec.function);
	if (arrlenu(out->points) == before && s.breaks)
		probe_fail(ps, out, "return-breaks", NULL, "the return of '%s' cannot be probed: %s", s.spec.function, s.breaks);
	else if (arrlenu(out->points) == before)
		function_explain(&s, out);
	arrfree(s.list);
	arrfree(s.inlined);
	hmfree(s.seen);
	hmfree(s.calls);
}
