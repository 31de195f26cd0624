/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols of a module from every table there is, and PLT stubs.
 *
 * The merged table is sorted by (address, preference), with duplicates of the same
 * name at the same address removed.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

#define MAX_TWINS 64		/* symbols of one address that are compared with each other */

static enum dbg_sym_kind sym_kind(unsigned type)
{
	switch (type) {
	case STT_FUNC:
		return DBG_SYM_FUNC;
	case STT_OBJECT:
	case STT_COMMON:
		return DBG_SYM_OBJECT;
	case STT_TLS:
		return DBG_SYM_TLS;
	case STT_GNU_IFUNC:
		return DBG_SYM_IFUNC;
	default:
		return DBG_SYM_OTHER;
	}
}

static void read_table(struct dbg_module *m, struct elffile *f, uint32_t type)
{
	size_t i;
	struct dbg_bytes tab, str;

	for (i = 1; i < f->nsh && f->sh[i].sh_type != type; i++)
		;
	tab = elffile_data(f, i);
	str = elffile_data(f, i < f->nsh ? f->sh[i].sh_link : 0);
	for (size_t k = 1; k < tab.len / sizeof(Elf64_Sym); k++) {
		struct dbg_sym s = { 0 };
		Elf64_Sym sym;
		unsigned t;

		memcpy(&sym, tab.p + k * sizeof(sym), sizeof(sym));
		t = ELF64_ST_TYPE(sym.st_info);
		if (sym.st_shndx == SHN_UNDEF || t == STT_SECTION || t == STT_FILE ||
		    (sym.st_shndx >= SHN_LORESERVE && sym.st_shndx != SHN_XINDEX))
			continue;
		s.name = bytes_str(str, sym.st_name);
		if (!s.name || !*s.name)
			continue;
		s.addr = sym.st_value;
		if (f->placed) {
			const Elf64_Shdr *in = sym.st_shndx < f->nsh ? &f->sh[sym.st_shndx] : NULL;

			if (!in || !in->sh_addr)
				continue;
			s.addr += in->sh_addr;
		}
		s.size = sym.st_size;
		s.kind = sym_kind(t);
		s.global = ELF64_ST_BIND(sym.st_info) != STB_LOCAL;
		s.weak = ELF64_ST_BIND(sym.st_info) == STB_WEAK;
		s.dynamic = type == SHT_DYNSYM;
		arrput(m->symbols, s);
	}
}

/* Smaller is better: functions and objects before labels, global before weak before local, with
 * size before without. */
static int preference(const struct dbg_sym *s)
{
	return (s->kind == DBG_SYM_OTHER) * 8 + (s->size == 0) * 4 +
	       (s->global ? s->weak : 2);
}

static int cmp_addr(const void *a, const void *b)
{
	const struct dbg_sym *x = a, *y = b;
	int p, q;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	p = preference(x);
	q = preference(y);
	if (p != q)
		return p - q;
	p = strcmp(x->name, y->name);
	return p ? p : x->dynamic - y->dynamic;
}

const struct dbg_sym *dbg_module_symbols(struct dbg_module *m, size_t *n)
{
	if (!m->symbols_read && m->elf) {
		ptrdiff_t out = 0;

		m->symbols_read = true;
		read_table(m, m->elf, SHT_SYMTAB);
		if (!arrlen(m->symbols)) {
			dbg_module_debug(m, NULL);
			if (m->debug && m->debug != m->elf)
				read_table(m, m->debug, SHT_SYMTAB);
		}
		if (!arrlen(m->symbols)) {
			debugfile_load_mini(m);
			if (m->mini)
				read_table(m, m->mini, SHT_SYMTAB);
		}
		read_table(m, m->elf, SHT_DYNSYM);
		if (arrlen(m->symbols))
			qsort(m->symbols, (size_t)arrlen(m->symbols), sizeof(*m->symbols), cmp_addr);
		for (ptrdiff_t i = 0; i < arrlen(m->symbols); i++) {
			struct dbg_sym *s = &m->symbols[i];
			bool dup = false;

			/* equal ones are neighbours, but for those of which tables tell different things */
			for (ptrdiff_t k = out - 1; k >= 0 && k >= out - MAX_TWINS &&
						    m->symbols[k].addr == s->addr && !dup; k--)
				dup = strcmp(m->symbols[k].name, s->name) == 0;
			if (!dup)
				m->symbols[out++] = *s;
		}
		if (out)
			arrsetlen(m->symbols, out);
	}
	*n = (size_t)arrlen(m->symbols);
	return m->symbols;
}

/* Chains of equal hashes run in the order of the table. */
static void index_names(struct dbg_module *m, size_t n)
{
	size_t slots = 1;

	while (slots < n)
		slots *= 2;
	m->by_name.mask = slots - 1;
	m->by_name.heads = xcalloc(slots, sizeof(*m->by_name.heads));
	m->by_name.next = xcalloc(n, sizeof(*m->by_name.next));
	for (size_t i = n; i-- > 0;) {
		uint32_t *head = &m->by_name.heads[hash_text(m->symbols[i].name) & m->by_name.mask];

		m->by_name.next[i] = *head;
		*head = (uint32_t)i + 1;
	}
}

const struct dbg_sym *dbg_symbol_find(struct dbg_module *m, const char *name)
{
	size_t n, bare = strcspn(name, "@");
	const struct dbg_sym *s = dbg_module_symbols(m, &n), *best = NULL;

	if (!m->by_name.heads && n)
		index_names(m, n);
	for (uint32_t i = n ? m->by_name.heads[hash_text(name) & m->by_name.mask] : 0; i; i = m->by_name.next[i - 1])
		if (!strcmp(s[i - 1].name, name) && (!best || preference(&s[i - 1]) < preference(best)))
			best = &s[i - 1];
	if (best)
		return best;
	if (name[bare]) {
		char *base = xstrndup(name, bare);
		const struct dbg_sym *r = bare ? dbg_symbol_find(m, base) : NULL;

		free(base);
		return r;
	}
	return NULL;
}

/* Section with index i holds both addresses? Used to bound sizeless symbols. */
static bool same_section(const struct dbg_module *m, uint64_t a, uint64_t b)
{
	for (size_t i = 1; i < m->elf->nsh; i++) {
		const Elf64_Shdr *s = &m->elf->sh[i];

		if ((s->sh_flags & SHF_ALLOC) && a >= s->sh_addr && a - s->sh_addr < s->sh_size)
			return b >= s->sh_addr && b - s->sh_addr < s->sh_size;
	}
	return false;
}

static const struct dbg_sym *covering(const struct dbg_sym *tab, size_t n, uint64_t addr,
				      const struct dbg_module *m)
{
	const struct dbg_sym *loose = NULL;
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (tab[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* several symbols may share the start: the preferred one comes first, so look at them all;
	 * go back a bounded number of symbols for one whose size still reaches here */
	for (size_t i = lo, seen = 0; i-- > 0 && seen < 256; seen++) {
		const struct dbg_sym *s = &tab[i];

		if (s->kind == DBG_SYM_TLS)
			continue;
		if (s->size ? addr - s->addr < s->size : addr == s->addr) {
			while (i-- > 0 && tab[i].addr == s->addr)
				if (tab[i].kind != DBG_SYM_TLS &&
				    (!tab[i].size || addr - tab[i].addr < tab[i].size))
					s = &tab[i];
			return s;
		}
		if (!loose && !s->size && same_section(m, s->addr, addr))
			loose = s;
	}
	return loose;
}

/* The stub under the name backtraces give it; made once for all stubs. */
static const struct dbg_sym *plt_named(struct dbg_module *m, const struct dbg_sym *s, size_t n)
{
	if (!m->plt_at) {
		m->plt_at = arena_memdup(m->arena, m->plt, n * sizeof(*m->plt));
		for (size_t i = 0; i < n; i++)
			m->plt_at[i].name = arena_printf(m->arena, "%s@plt", m->plt[i].name);
	}
	return &m->plt_at[s - m->plt];
}

const struct dbg_sym *dbg_symbol_at(struct dbg_module *m, uint64_t addr)
{
	const struct dbg_sym *tab, *s;
	size_t n;

	if (!m->elf)
		return NULL;
	tab = dbg_module_plt(m, &n);
	if (n && addr >= tab[0].addr && addr < tab[n - 1].addr + tab[n - 1].size) {
		s = covering(tab, n, addr, m);
		if (s)
			return plt_named(m, s, n);
	}
	tab = dbg_module_symbols(m, &n);
	return covering(tab, n, addr, m);
}

uint64_t dbg_symbol_extent(struct dbg_module *m, const struct dbg_sym *s)
{
	size_t n, lo = 0, hi;
	const struct dbg_sym *all = dbg_module_symbols(m, &n);

	hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all[mid].addr > s->addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	for (; lo < n; lo++)
		if (all[lo].kind == s->kind)
			return all[lo].addr - s->addr;
	return s->size;
}
