/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process(...).statement("FUNC@FILE:LINES") and .statement(ADDRESS), with .nearest and .absolute.
 */
#include "probe/families.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "probe/process.h"

/* An address, and the function or copy whose variables are seen there. */
struct place {
	uint64_t pc, die;
};

struct search {
	struct probe_session *ps;
	const struct probe_family *f;
	const struct probe_match *m;
	const struct probe_image *img;
	struct probe_spec spec;
	struct probe_result *out;
	struct { struct place key; bool value; } *seen;	/* hmap: places of earlier lines of a list */
};

static struct probe_point *statement_point(struct search *s, const struct dbg_func *func, uint64_t pc)
{
	struct probe_point *pt = probe_point_new(s->ps, s->f, s->m);

	if (!probe_point_place(s->ps, pt, s->img, pc))
		return NULL;
	pt->func = func;
	probe_point_mechanism(s->ps, pt, s->img, false);
	pt->prog.str[IR_PP_FUNC] = func ? func->name : NULL;
	arrput(s->out->points, pt);
	return pt;
}

/* Spells it with the line found; -l shows the line asked for. */
static void spell_line(struct search *s, struct probe_point *pt, const struct dbg_func *func,
		       const char *file, uint32_t line, uint32_t asked)
{
	struct arena *a = s->ps->arena;
	const char *place = probe_quote(a, probe_place_text(a, func, file, line));
	bool nearest = s->m->pattern->variant == PROCESS_NEAREST;

	probe_point_spell_code(s->ps, pt, s->img, "statement", place, "");
	if (!nearest)
		return;
	pt->derived = arena_printf(a, "%s.nearest", pt->derived);
	place = probe_quote(a, probe_place_text(a, func, file, asked ? asked : line));
	pt->listing = arena_printf(a, "%s.statement(%s).nearest", s->img->derived, place);
}

static bool add_lines(struct search *s, enum dbg_line_mode mode, uint32_t first, uint32_t last,
		      uint32_t asked, uint32_t *near)
{
	size_t n;
	const struct dbg_stmt *st = dbg_stmts_find(s->img->module, s->spec.function, s->spec.file, mode,
						   first, last, &n, near);

	for (size_t i = 0; i < n; i++) {
		struct probe_point *pt;

		if (!st[i].func || hmgeti(s->seen, ((struct place){ st[i].pc, st[i].func->die })) >= 0)
			continue;
		if (s->spec.nlines > 1)
			hmput(s->seen, ((struct place){ st[i].pc, st[i].func->die }), true);
		pt = statement_point(s, st[i].func, st[i].pc);
		if (pt)
			spell_line(s, pt, st[i].func, st[i].file, st[i].line, asked);
	}
	return n > 0;
}

/* FUNC or FUNC@FILE without a line: the entries of the functions. */
static void add_entries(struct search *s)
{
	size_t n;
	const struct dbg_func *const *f = dbg_funcs_find(s->img->module, s->spec.function, s->spec.file, &n);

	for (size_t i = 0; i < n; i++) {
		struct probe_point *pt = statement_point(s, f[i], f[i]->entry);

		if (pt)
			spell_line(s, pt, f[i], f[i]->file, f[i]->line, 0);
	}
}

/* "no match", and the lines that have code. */
static void explain_line(struct search *s, uint32_t line)
{
	size_t n;
	uint32_t before = 0, after = 0;
	const char *file = s->spec.file;
	const char *const *files = dbg_files_find(s->img->module, file, &n);
	const struct dbg_stmt *st;
	const char *text;
	struct diag *why;

	probe_fail(s->ps, s->out, "no-match", NULL, "no match");
	if (!n) {
		diag_hint(s->ps->diag, s->out->why, "no source file of %s matches '%s'", s->img->path, file);
		return;
	}
	file = files[0];
	st = dbg_stmts_find(s->img->module, s->spec.function, s->spec.file, DBG_LINE_WILDCARD, 0, 0, &n, NULL);
	for (size_t i = 0; i < n; i++) {
		file = st[i].file;
		if (st[i].line < line && st[i].line > before)
			before = st[i].line;
		if (st[i].line > line && (!after || st[i].line < after))
			after = st[i].line;
	}
	text = arena_printf(s->ps->arena, "no line records for %s:%u [man error::dwarf]", file, line);
	if (before && after)
		text = arena_printf(s->ps->arena, "%s (try :%u or :%u)", text, before, after);
	else if (before || after)
		text = arena_printf(s->ps->arena, "%s (try :%u)", text, before ? before : after);
	why = diag_new(s->ps->diag, DIAG_SEMANTIC_ERROR, "no-line", NULL, "%s", text);
	diag_chain(s->out->why, why);
}

/* The line below wins if it is as near as the one above. */
static bool add_nearest(struct search *s, uint32_t near, uint32_t asked)
{
	uint32_t below = 2 * asked - near;

	if (near < asked && add_lines(s, DBG_LINE_ABSOLUTE, below, below, asked, NULL))
		return true;
	return add_lines(s, DBG_LINE_ABSOLUTE, near, near, asked, NULL);
}

static void resolve_lines(struct search *s)
{
	bool nearest = s->m->pattern->variant == PROCESS_NEAREST;
	enum dbg_line_mode mode = DBG_LINE_ABSOLUTE;

	if (s->spec.line_kind == PROBE_LINE_NONE) {
		add_entries(s);
		return;
	}
	if (s->spec.line_kind == PROBE_LINE_WILDCARD) {
		add_lines(s, DBG_LINE_WILDCARD, 0, 0, 0, NULL);
		return;
	}
	for (size_t i = 0; i < s->spec.nlines; i++) {
		const struct probe_lines *l = &s->spec.lines[i];
		uint32_t near = 0;

		if (s->spec.line_kind == PROBE_LINE_RELATIVE)
			mode = DBG_LINE_RELATIVE;
		else
			mode = l->first == l->last ? DBG_LINE_ABSOLUTE : DBG_LINE_RANGE;
		if (add_lines(s, mode, l->first, l->last, 0, &near))
			continue;
		if (nearest && near && add_nearest(s, near, l->first))
			continue;
		if (s->spec.nlines == 1 && mode != DBG_LINE_RELATIVE)
			explain_line(s, l->first);
	}
}

/* .absolute: a run-time address of process(PID). */
static bool absolute_to_link(struct search *s, uint64_t addr, uint64_t *pc)
{
	char *path, line[8192];
	FILE *f;
	bool found = false;

	path = xasprintf("/proc/%d/maps", s->img->pid);
	f = fopen(path, "re");
	free(path);
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		uint64_t lo, hi, off, bias;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &lo, &hi, &off) != 3 || addr < lo ||
		    addr >= hi)
			continue;
		if (!dbg_load_bias(s->img->module, lo, off, &bias))
			break;
		*pc = addr - bias;
		found = true;
	}
	fclose(f);
	return found;
}

static void resolve_address(struct search *s, uint64_t pc)
{
	struct arena *a = s->ps->arena;
	const struct dbg_func *func;
	struct dbg_line row;
	struct probe_point *pt;
	const char *suffix = "";

	if (s->m->pattern->variant == PROCESS_ABSOLUTE && !absolute_to_link(s, pc, &pc))
		return;
	if (s->m->pattern->variant == PROCESS_NEAREST)
		suffix = ".nearest";
	if (!dbg_addr_executable(s->img->module, pc))
		return;
	if (dbg_line_at(s->img->module, pc, &row) && row.pc != pc) {
		struct diag *d = diag_new(s->ps->diag, DIAG_SEMANTIC_ERROR, "not-a-statement", NULL,
					  "address 0x%" PRIx64 " does not match the beginning of a "
					  "statement (try 0x%" PRIx64 ")", pc, row.pc);

		if (s->m->pattern->variant != PROCESS_NEAREST) {
			probe_fail(s->ps, s->out, "no-match", NULL, "no match");
			diag_chain(s->out->why, d);
			return;
		}
		pc = row.pc;
	}
	func = dbg_func_at(s->img->module, pc);
	pt = statement_point(s, func, pc);
	if (!pt)
		return;
	if (!func) {
		const struct dbg_sym *sym = dbg_symbol_at(s->img->module, pc);

		pt->symbol = sym ? sym->name : NULL;
		pt->prog.str[IR_PP_FUNC] = pt->symbol;
	}
	probe_point_spell_code(s->ps, pt, s->img, "statement", arena_printf(a, "0x%" PRIx64, pc), "");
	pt->derived = arena_printf(a, "%s%s", pt->derived, suffix);
	pt->listing = pt->derived;
}

void probe_resolve_statement(struct probe_session *ps, const struct probe_family *f,
			     const struct probe_match *m, const struct probe_image *img,
			     struct probe_result *out)
{
	struct search s = { .ps = ps, .f = f, .m = m, .img = img, .out = out };
	const char *text = probe_match_string(m, "statement");
	size_t before = arrlenu(out->points);
	struct dbg_error e;
	int64_t addr;

	if (text && !probe_spec_parse(ps->arena, text, &s.spec)) {
		probe_fail(ps, out, "malformed", NULL, "malformed specification '%s'", text);
		return;
	}
	if (dbg_module_debug(img->module, &e) == -DBG_ENODEBUG && text)
		probe_warn_debuginfo(ps, img);
	if (text)
		resolve_lines(&s);
	else if (probe_match_long(m, "statement", &addr))
		resolve_address(&s, (uint64_t)addr);
	hmfree(s.seen);
	if (arrlenu(out->points) == before)
		probe_fail(ps, out, "no-match", NULL, "no match");
}
