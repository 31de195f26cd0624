/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening modules, the cache of open ones, and address arithmetic.
 *
 * Requires: files may change or be garbage; elffile_open() has checked the headers.
 * Guarantees: the same file (device, inode, mtime, size) is opened once.
 */
#include "dbg/module.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

static struct dbg_module **all_modules;	/* stb_ds array */

struct dbg_module *module_new(void)
{
	struct arena *a = arena_create();
	struct dbg_module *m = arena_new(a, struct dbg_module);

	m->arena = a;
	arrput(all_modules, m);
	return m;
}

static void module_destroy(struct dbg_module *m)
{
	cfi_free(m);
	index_free(m);
	btf_file_free(m);
	dw_close(m->dw);
	if (m->debug != m->elf)
		elffile_close(m->debug);
	elffile_close(m->alt);
	elffile_close(m->mini);
	elffile_close(m->elf);
	arrfree(m->symbols);
	free(m->by_name.heads);
	free(m->by_name.next);
	arrfree(m->plt);
	arrfree(m->sdt);
	arrfree(m->needed);
	arrfree(m->ldd);
	arrfree(m->aranges);
	hmfree(m->types);
	hmfree(m->funcs);
	hmfree(m->call_values);
	shfree(m->type_names);
	arena_destroy(m->arena);
}

void dbg_modules_close_all(void)
{
	for (ptrdiff_t i = 0; i < arrlen(all_modules); i++)
		module_destroy(all_modules[i]);
	arrfree(all_modules);
	kernelfile_forget();
	headerfile_forget();
}

static struct dbg_module *module_cached(const struct stat *st)
{
	for (ptrdiff_t i = 0; i < arrlen(all_modules); i++) {
		const struct elffile *f = all_modules[i]->elf;

		if (f && f->st.st_dev == st->st_dev && f->st.st_ino == st->st_ino &&
		    f->st.st_size == st->st_size &&
		    f->st.st_mtim.tv_sec == st->st_mtim.tv_sec &&
		    f->st.st_mtim.tv_nsec == st->st_mtim.tv_nsec)
			return all_modules[i];
	}
	return NULL;
}

/* File bytes of a segment; empty if they are not all in the file. */
static struct dbg_bytes segment(const struct elffile *f, const Elf64_Phdr *p)
{
	if (p->p_offset > f->map.len || p->p_filesz > f->map.len - p->p_offset)
		return (struct dbg_bytes){ NULL, 0 };
	return (struct dbg_bytes){ f->map.p + p->p_offset, p->p_filesz };
}

static int read_segments(struct dbg_module *m, struct dbg_error *e)
{
	const struct elffile *f = m->elf;
	struct dbg_module_info *i = &m->info;

	i->base = UINT64_MAX;
	for (size_t k = 0; k < f->nph; k++) {
		const Elf64_Phdr *p = &f->ph[k];
		uint64_t lo = p->p_vaddr & ~UINT64_C(4095);

		if (p->p_type == PT_LOAD) {
			if (!segment(f, p).p)
				return dbg_fail(e, DBG_ECORRUPT,
						"%s: a loadable segment lies outside the file (truncated?)",
						f->path);
			if (lo < i->base)
				i->base = lo;
			if (p->p_vaddr + p->p_memsz > i->end)
				i->end = p->p_vaddr + p->p_memsz;
		} else if (p->p_type == PT_INTERP) {
			i->interp = bytes_str(segment(f, p), 0);
		} else if (p->p_type == PT_TLS) {
			i->tls_size = p->p_memsz;
			i->tls_align = p->p_align ? p->p_align : 1;
		}
	}
	if (i->base == UINT64_MAX)
		i->base = 0;
	return 0;
}

/* DT_FLAGS_1 has DF_1_PIE, or there is an interpreter. */
static bool is_pie(struct dbg_module *m)
{
	struct dbg_bytes d = elffile_named(m->elf, ".dynamic");
	struct dbg_cur c = cur_at(d, 0);

	while (cur_left(&c) >= sizeof(Elf64_Dyn)) {
		uint64_t tag = cur_u64(&c), val = cur_u64(&c);

		if (tag == DT_FLAGS_1)
			return (val & DF_1_PIE) != 0;
		if (tag == DT_NULL)
			break;
	}
	return m->info.interp != NULL && !elffile_section(m->elf, ".gnu.version_d");
}

static void describe(struct dbg_module *m)
{
	struct dbg_module_info *i = &m->info;

	i->entry = m->elf->eh.e_entry;
	dbg_module_needed(m, &(size_t){ 0 });	/* reads the soname too */
	i->dev = m->elf->st.st_dev;
	i->ino = m->elf->st.st_ino;
	i->build_id = elffile_build_id(m->elf, &i->build_id_len);
	m->build_id_hex = arena_alloc(m->arena, 2 * i->build_id_len + 1);
	for (size_t k = 0; k < i->build_id_len; k++)
		sprintf(m->build_id_hex + 2 * k, "%02x", i->build_id[k]);
	switch (m->elf->eh.e_type) {
	case ET_EXEC:
		i->type = DBG_ELF_EXEC;
		break;
	case ET_DYN:
		i->type = is_pie(m) ? DBG_ELF_PIE : DBG_ELF_LIB;
		break;
	default:
		i->type = DBG_ELF_REL;
	}
}

struct dbg_module *dbg_module_open(const char *path, const struct dbg_open_opts *opts,
				   struct dbg_error *e)
{
	const char *root = opts && opts->root ? opts->root : "";
	struct dbg_module *m;
	struct elffile *f;
	struct stat st;
	char *real;

	real = xasprintf("%s%s", root, path);
	if (stat(real, &st) == 0 && (m = module_cached(&st)) != NULL) {
		free(real);
		return m;
	}
	f = elffile_open(real, e);
	free(real);
	if (!f)
		return NULL;
	if (f->eh.e_type != ET_EXEC && f->eh.e_type != ET_DYN && f->eh.e_type != ET_REL) {
		dbg_fail(e, DBG_ENOTELF, "%s is an ELF file, but not a program or library", f->path);
		elffile_close(f);
		return NULL;
	}
	m = module_new();
	m->elf = f;
	m->info.path = arena_strdup(m->arena, path);
	m->info.real_path = f->path;
	m->root = arena_strdup(m->arena, root);
	m->debug_dirs = arena_strdup(m->arena, opts && opts->debug_path ? opts->debug_path
									: "/usr/lib/debug");
	m->no_debuginfod = opts && opts->no_debuginfod;
	if (f->eh.e_type == ET_REL)
		elffile_place(f, opts ? opts->section_address : NULL, opts ? opts->section_data : NULL);
	if (read_segments(m, e)) {
		arrsetlen(all_modules, arrlen(all_modules) - 1);
		module_destroy(m);
		return NULL;
	}
	describe(m);
	return m;
}

int dbg_module_debug(struct dbg_module *m, struct dbg_error *e)
{
	if (!m->debug_tried) {
		m->debug_tried = true;
		if (m->btf)
			dbg_fail(&m->debug_error, DBG_ENODEBUG, "%s has BTF only", m->info.path);
		else
			debugfile_load(m, &m->debug_error);
	}
	if (m->dw)
		return 0;
	return dbg_fail(e, m->debug_error.code, "%s", m->debug_error.msg);
}

struct dbg_module *dbg_modules_at(size_t i)
{
	return i < arrlenu(all_modules) ? all_modules[i] : NULL;
}

const char *dbg_module_damage(const struct dbg_module *m)
{
	if (m->dw)
		return m->dw->damage;
	return m->debug_error.code == DBG_ECORRUPT ? m->debug_error.msg : NULL;
}

const struct dbg_module_info *dbg_module_info(struct dbg_module *m)
{
	return &m->info;
}

const char *dbg_module_build_id(struct dbg_module *m)
{
	return m->build_id_hex ? m->build_id_hex : "";
}

/* ---- addresses ---- */

const char *dbg_section_name_at(struct dbg_module *m, uint64_t addr)
{
	size_t i = m->elf ? elffile_section_at(m->elf, addr) : 0;

	return i ? m->elf->shname[i] : NULL;
}

uint64_t dbg_section_start(struct dbg_module *m, uint64_t addr)
{
	size_t i = m->elf ? elffile_section_at(m->elf, addr) : 0;

	return i ? m->elf->sh[i].sh_addr : 0;
}

bool dbg_addr_to_offset(struct dbg_module *m, uint64_t addr, uint64_t *offset)
{
	for (size_t k = 0; m->elf && k < m->elf->nph; k++) {
		const Elf64_Phdr *p = &m->elf->ph[k];

		if (p->p_type == PT_LOAD && addr >= p->p_vaddr && addr - p->p_vaddr < p->p_filesz) {
			*offset = addr - p->p_vaddr + p->p_offset;
			return true;
		}
	}
	return false;
}

bool dbg_load_bias(struct dbg_module *m, uint64_t start, uint64_t pgoff, uint64_t *bias)
{
	for (size_t k = 0; m->elf && k < m->elf->nph; k++) {
		const Elf64_Phdr *p = &m->elf->ph[k];
		uint64_t off = p->p_offset & ~UINT64_C(4095);

		if (p->p_type == PT_LOAD && pgoff >= off && pgoff < p->p_offset + p->p_filesz) {
			*bias = start - ((p->p_vaddr & ~UINT64_C(4095)) + (pgoff - off));
			return true;
		}
	}
	return false;
}

bool dbg_addr_executable(struct dbg_module *m, uint64_t addr)
{
	if (m->elf && m->elf->placed)
		return (m->elf->sh[elffile_section_at(m->elf, addr)].sh_flags & SHF_EXECINSTR) != 0;
	for (size_t k = 0; m->elf && k < m->elf->nph; k++) {
		const Elf64_Phdr *p = &m->elf->ph[k];

		if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && addr >= p->p_vaddr &&
		    addr - p->p_vaddr < (m->info.kernel ? p->p_memsz : p->p_filesz))
			return true;
	}
	return false;
}

const uint8_t *dbg_module_bytes(struct dbg_module *m, uint64_t addr, size_t len)
{
	uint64_t off, last;

	if (!len || !dbg_addr_to_offset(m, addr, &off) ||
	    !dbg_addr_to_offset(m, addr + len - 1, &last) || last - off != len - 1)
		return NULL;
	return last < m->elf->map.len ? m->elf->map.p + off : NULL;
}
