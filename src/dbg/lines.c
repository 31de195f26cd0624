/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source lines of addresses and addresses of source lines.
 *
 * Statement points follow SystemTap: of the rows of a line, each function (or inlined copy)
 * gets the lowest address inside it, whether or not marked is_stmt; with ":*" each address is
 * used once.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

static struct dw_unit *unit_of(const struct dbg_func *f)
{
	return (struct dw_unit *)f->cu;
}

/* Index of the first row with pc >= addr. */
static size_t row_lower(const struct dw_lines *l, uint64_t addr)
{
	size_t lo = 0, hi = l->nrows;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (l->rows[mid].pc < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool dbg_line_at(struct dbg_module *m, uint64_t pc, struct dbg_line *out)
{
	struct dw_unit *u = dwfunc_unit_at(m, pc);
	const struct dw_lines *l = u ? dwline_rows(u) : NULL;
	size_t i;

	if (!l)
		return false;
	i = row_lower(l, pc + 1);	/* the last row at or before pc */
	if (!i || l->rows[i - 1].end_sequence)
		return false;
	*out = l->rows[i - 1];
	return true;
}

size_t dbg_frames_at(struct dbg_module *m, uint64_t pc, struct dbg_frame_line *out, size_t max)
{
	const struct dbg_func *f = dbg_func_at(m, pc);
	struct dbg_line row = { 0 };
	const char *file = NULL;
	uint32_t line = 0;
	size_t n = 0;

	if (dbg_line_at(m, pc, &row)) {
		file = row.file;
		line = row.line;
	}
	for (; f && n < max; f = dbg_func_parent(f)) {
		out[n++] = (struct dbg_frame_line){ f, file, line };
		if (!f->is_inline)
			break;
		file = f->call_file;
		line = f->call_line;
	}
	return n;
}

/* The first row with prologue_end set, else the second address of the function. */
static uint64_t dbg_func_prologue_end(const struct dbg_func *f)
{
	const struct dw_lines *l = dwline_rows(unit_of(f));
	uint64_t second = 0;

	if (!l || f->is_inline)
		return f->entry;
	for (size_t i = row_lower(l, f->entry); i < l->nrows; i++) {
		const struct dbg_line *r = &l->rows[i];

		if (!dwfunc_contains(f, r->pc) || r->end_sequence)
			break;
		if (r->prologue_end)
			return r->pc;
		if (!second && r->pc > f->entry)
			second = r->pc;
	}
	return second ? second : f->entry;
}

uint64_t dbg_func_probe_pc(const struct dbg_func *f)
{
	/* gcc's location lists hold from the entry on; others' may start after the prologue */
	if (f->is_inline || (f->has_loclists && !strncmp(dbg_func_producer(f), "GNU ", 4)))
		return f->entry;
	return dbg_func_prologue_end(f);
}

/* ---- statements ---- */

struct seen_key {
	uint64_t pc, die;
	uint64_t line;			/* 0 where an address is used once whatever its line */
};

struct search {
	const struct dbg_func *const *funcs;
	size_t nfuncs;
	const char *file;
	enum dbg_line_mode mode;
	uint32_t first, last;
	struct dbg_stmt *out;		/* stb_ds */
	struct { uint64_t key; bool value; } *wanted;		/* DIEs of funcs */
	struct { struct seen_key key; bool value; } *seen;	/* points in out */
	uint32_t near_line;
};

static void note_near(struct search *s, uint32_t line)
{
	uint32_t want = s->first;
	uint32_t d = line > want ? line - want : want - line;
	uint32_t have = s->near_line > want ? s->near_line - want : want - s->near_line;

	if (!s->near_line || d < have)
		s->near_line = line;
}

/*
 * Whether a row is f's own, not of something of the same file that was inlined there: of the copies and the function
 * that hold its address, the one that begins last before the row's line has the line.
 */
static bool own_row(const struct dbg_func *f, const struct dbg_line *r)
{
	const struct dbg_func *holder = dbg_func_at(f->module, r->pc);
	bool within = false;

	for (; holder; holder = dbg_func_parent(holder)) {
		within |= holder == f;
		if (holder->file && !strcmp(holder->file, r->file) && holder->line <= r->line && holder->line > f->line)
			return false;
	}
	return within && r->line >= f->line;
}

uint32_t dbg_func_last_line(const struct dbg_func *f)
{
	const struct dw_lines *l = dwline_rows(unit_of(f));
	uint32_t last = f->line;

	for (uint32_t k = 0; l && f->file && k < f->nranges; k++)
		for (size_t i = row_lower(l, f->ranges[k].lo); i < l->nrows && l->rows[i].pc < f->ranges[k].hi; i++) {
			const struct dbg_line *r = &l->rows[i];

			if (!r->end_sequence && r->line > last && r->file && !strcmp(r->file, f->file) && own_row(f, r))
				last = r->line;
		}
	return last;
}

static bool row_wanted(const struct search *s, const struct dbg_func *f, const struct dbg_line *r)
{
	switch (s->mode) {
	case DBG_LINE_WILDCARD:		/* not what was inlined from other functions */
		return own_row(f, r);
	case DBG_LINE_RELATIVE:
		return f->line && r->line == f->line + s->first;
	case DBG_LINE_RANGE:
		return r->line >= s->first && r->line <= s->last;
	default:
		return r->line == s->first;
	}
}

struct cand {
	uint64_t pc;
	uint32_t line;
	const char *file;
};

static int cmp_cand(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

/* Of several lines that start at f's entry, the one the rows there end with. */
static uint32_t line_in_effect(const struct dw_lines *l, const struct dbg_func *f, const char *file, uint32_t line)
{
	for (size_t i = row_lower(l, f->entry); i < l->nrows && l->rows[i].pc == f->entry; i++) {
		const struct dbg_line *r = &l->rows[i];

		if (!r->end_sequence && r->file && !strcmp(r->file, file) && own_row(f, r))
			line = r->line;
	}
	return line;
}

/* Rows of f that are wanted: the lowest address of each line. */
static void func_candidates(struct search *s, const struct dbg_func *f, struct cand **out)
{
	const struct dw_lines *l = dwline_rows(unit_of(f));
	struct cand *all = NULL;

	for (uint32_t k = 0; l && k < f->nranges; k++)
		for (size_t i = row_lower(l, f->ranges[k].lo);
		     i < l->nrows && l->rows[i].pc < f->ranges[k].hi; i++) {
			const struct dbg_line *r = &l->rows[i];

			if (r->end_sequence || !r->line || !r->file ||
			    (s->file ? !dbg_file_matches(r->file, s->file)
				     : !f->file || strcmp(r->file, f->file)))
				continue;
			note_near(s, r->line);
			if (row_wanted(s, f, r))
				arrput(all, ((struct cand){ r->pc, r->line, r->file }));
		}
	if (arrlen(all))
		qsort(all, (size_t)arrlen(all), sizeof(*all), cmp_cand);
	for (ptrdiff_t i = 0; i < arrlen(all); i++)
		if (!i || all[i].line != all[i - 1].line) {
			arrput(*out, all[i]);
			if (s->mode == DBG_LINE_WILDCARD && all[i].pc == f->entry)
				arrlast(*out).line = line_in_effect(l, f, all[i].file, all[i].line);
		}
	arrfree(all);
}

static int cmp_stmt(const void *a, const void *b)
{
	const struct dbg_stmt *x = a, *y = b;

	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->func->is_inline - y->func->is_inline;
}

/* A point for every wanted function that holds the address: a copy and what it is copied into. */
static void add_points(struct search *s, const struct cand *c, struct dbg_module *m)
{
	bool once = s->mode == DBG_LINE_WILDCARD || s->mode == DBG_LINE_RANGE;

	for (const struct dbg_func *f = dbg_func_at(m, c->pc); f; f = dbg_func_parent(f)) {
		struct seen_key k = { c->pc, f->die, once ? 0 : c->line };

		if (hmgeti(s->wanted, f->die) < 0 || hmgeti(s->seen, k) >= 0)
			continue;
		hmput(s->seen, k, true);
		arrput(s->out, ((struct dbg_stmt){ c->pc, c->file, c->line, f }));
	}
}

const struct dbg_stmt *dbg_stmts_find(struct dbg_module *m, const char *name, const char *file,
				      enum dbg_line_mode mode, uint32_t first, uint32_t last,
				      size_t *n, uint32_t *near)
{
	struct search s = { .file = file, .mode = mode, .first = first, .last = last };
	const struct dbg_stmt *r = NULL;
	struct cand *cands = NULL;

	s.funcs = dbg_funcs_find(m, name, file, &s.nfuncs);
	for (size_t i = 0; i < s.nfuncs; i++)
		hmput(s.wanted, s.funcs[i]->die, true);
	for (size_t i = 0; i < s.nfuncs; i++) {
		arrsetlen(cands, 0);
		func_candidates(&s, s.funcs[i], &cands);
		for (ptrdiff_t k = 0; k < arrlen(cands); k++)
			add_points(&s, &cands[k], m);
	}
	*n = (size_t)arrlen(s.out);
	if (near)
		*near = *n ? 0 : s.near_line;
	if (*n) {
		qsort(s.out, *n, sizeof(*s.out), cmp_stmt);
		r = arena_memdup(m->arena, s.out, *n * sizeof(*s.out));
	}
	arrfree(cands);
	arrfree(s.out);
	hmfree(s.wanted);
	hmfree(s.seen);
	return r;
}

const char *const *dbg_files_find(struct dbg_module *m, const char *pattern, size_t *n)
{
	struct { char *key; int value; } *seen = NULL;
	const char **list = NULL, **r = NULL;

	*n = 0;
	if (dbg_module_debug(m, NULL))
		return NULL;
	for (ptrdiff_t i = 0; i < arrlen(m->dw->units[DW_IN_INFO]); i++) {
		struct dw_unit *u = &m->dw->units[DW_IN_INFO][i];

		dwline_file(u, 0);
		for (ptrdiff_t k = 0; u->lines && k < arrlen(u->lines->files); k++) {
			const char *f = u->lines->files[k];

			if (f && dbg_file_matches(f, pattern) && shgeti(seen, f) < 0) {
				shput(seen, f, 1);
				arrput(list, f);
			}
		}
	}
	*n = (size_t)arrlen(list);
	if (*n)
		r = arena_memdup(m->arena, list, *n * sizeof(*list));
	arrfree(list);
	shfree(seen);
	return r;
}
