/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See name_table.h.  Which symbol covers an address can change only where a symbol, a stub or a section begins
 * or ends, so it is asked there.
 */
#include "dbg/name_table.h"

#include <stdlib.h>

#include "base/ds.h"
#include "dbg/priv.h"

#define PAGE	UINT64_C(4096)

struct builder {
	struct dbg_module *m;
	uint64_t *edges;		/* stb_ds: link addresses */
	struct dbg_name_row *rows;	/* stb_ds */
};

static void add_edges(struct builder *b, uint64_t addr, uint64_t size)
{
	arrput(b->edges, addr);
	arrput(b->edges, addr + size);
}

static void collect_edges(struct builder *b)
{
	const struct dbg_sym *s;
	size_t n;

	s = dbg_module_symbols(b->m, &n);
	for (size_t i = 0; i < n; i++)
		if (s[i].kind != DBG_SYM_TLS)
			add_edges(b, s[i].addr, s[i].size ? s[i].size : 1);
	s = dbg_module_plt(b->m, &n);
	for (size_t i = 0; i < n; i++)
		add_edges(b, s[i].addr, s[i].size);
	for (size_t i = 1; i < b->m->elf->nsh; i++)
		add_edges(b, b->m->elf->sh[i].sh_addr, b->m->elf->sh[i].sh_size);
}

static int compare_edges(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

static void add_row(struct builder *b, const Elf64_Phdr *p, uint64_t addr)
{
	const struct dbg_module_info *info = dbg_module_info(b->m);
	const struct dbg_sym *s = dbg_symbol_at(b->m, addr);
	uint64_t delta = p->p_offset - p->p_vaddr;
	struct dbg_name_row r = { .offset = (uint32_t)(addr + delta) };

	if (s && s->addr <= addr) {
		r.name = s->name;
		r.start = (uint32_t)(s->addr + delta);
		r.size = (uint32_t)dbg_symbol_extent(b->m, s);
	} else {
		r.start = (uint32_t)(info->base + delta);
		r.size = (uint32_t)(info->end - info->base);
	}
	if (arrlen(b->rows) && arrlast(b->rows).start == r.start && arrlast(b->rows).name == r.name &&
	    arrlast(b->rows).size == r.size)
		return;
	arrput(b->rows, r);
}

/* Whole pages are mapped. */
static void add_segment(struct builder *b, const Elf64_Phdr *p)
{
	uint64_t last = p->p_vaddr & ~(PAGE - 1), end = (p->p_vaddr + p->p_filesz + PAGE - 1) & ~(PAGE - 1);

	if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || end <= last || p->p_offset > UINT32_MAX - PAGE ||
	    p->p_filesz > UINT32_MAX - PAGE - p->p_offset || (p->p_vaddr - p->p_offset) % PAGE)
		return;
	add_row(b, p, last);
	for (ptrdiff_t i = 0; i < arrlen(b->edges); i++) {
		if (b->edges[i] <= last || b->edges[i] >= end)
			continue;
		last = b->edges[i];
		add_row(b, p, last);
	}
}

static int compare_rows(const void *va, const void *vb)
{
	const struct dbg_name_row *a = va, *b = vb;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

struct dbg_name_row *dbg_name_table(struct dbg_module *m)
{
	struct builder b = { .m = m };

	if (!m->elf)
		return NULL;
	collect_edges(&b);
	if (arrlen(b.edges))
		qsort(b.edges, (size_t)arrlen(b.edges), sizeof(*b.edges), compare_edges);
	for (size_t i = 0; i < m->elf->nph; i++)
		add_segment(&b, &m->elf->ph[i]);
	arrfree(b.edges);
	if (arrlen(b.rows))
		qsort(b.rows, (size_t)arrlen(b.rows), sizeof(*b.rows), compare_rows);
	return b.rows;
}
