/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses to names.  Modules are found by what is mapped (path, device, inode), opened
 * through the process's own root where that differs from ours, through
 * /proc/PID/map_files when the file has been deleted; the vdso is our own.
 */
#include "run/symb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/intern.h"
#include "base/procfs.h"
#include "base/xalloc.h"
#include "dbg/kernelfile.h"

struct symb_module {
	char *key;			/* device, inode and path */
	struct dbg_module *value;	/* NULL: cannot be read */
};

struct ksym {
	uint64_t addr;
	const char *name, *module;	/* interned; module NULL: the kernel proper */
};

struct run_symb {
	struct run_procs *procs;
	struct symb_module *modules;	/* shmap */
	struct ksym *ksyms;		/* stb_ds array, sorted */
	bool ksyms_read;
	int vdso_fd;			/* memfd with our vdso; -1: not made yet, -2: impossible */
};

struct run_symb *run_symb_create(struct run_procs *ps)
{
	struct run_symb *sy = xcalloc(1, sizeof(*sy));

	sy->procs = ps;
	sy->vdso_fd = -1;
	sh_new_strdup(sy->modules);
	return sy;
}

void run_symb_destroy(struct run_symb *sy)
{
	if (!sy)
		return;
	shfree(sy->modules);
	arrfree(sy->ksyms);
	if (sy->vdso_fd >= 0)
		close(sy->vdso_fd);
	free(sy);
}

/* Our own vdso as a file: every process of this kernel has the same. */
struct dbg_module *run_symb_vdso(struct run_symb *sy)
{
	uint64_t at = getauxval(AT_SYSINFO_EHDR);
	char *line = NULL, path[64];
	size_t cap = 0;
	struct run_map m;
	bool exec;
	FILE *f;

	if (sy->vdso_fd == -1 && at && (f = fopen("/proc/self/maps", "re")) != NULL) {
		sy->vdso_fd = -2;
		while (getline(&line, &cap, f) > 0) {
			int fd;

			if (!run_map_parse(line, &m, &exec) || m.start != at)
				continue;
			fd = memfd_create("vdso", MFD_CLOEXEC);
			if (fd >= 0 && write(fd, (const void *)(uintptr_t)at, m.end - m.start) > 0)
				sy->vdso_fd = fd;
			else if (fd >= 0)
				close(fd);
			break;
		}
		free(line);
		fclose(f);
	}
	if (sy->vdso_fd < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sy->vdso_fd);
	return dbg_module_open(path, NULL, NULL);
}

static bool symb_same_file(const char *path, uint64_t ino)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == ino;
}

static struct dbg_module *symb_open(struct run_symb *sy, pid_t tgid, const struct run_map *m)
{
	char path[128];
	struct dbg_open_opts opts = { .root = path };
	struct dbg_module *mod = NULL;

	if (!strcmp(m->path, "[vdso]"))
		return run_symb_vdso(sy);
	if (m->path[0] != '/')
		return NULL;
	if (m->deleted) {
		snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)tgid,
			 m->start, m->end);
		return dbg_module_open(path, NULL, NULL);
	}
	if (symb_same_file(m->path, m->ino))
		mod = dbg_module_open(m->path, NULL, NULL);
	if (!mod) {
		snprintf(path, sizeof(path), "/proc/%d/root", (int)tgid);
		mod = dbg_module_open(m->path, &opts, NULL);
	}
	return mod ? mod : dbg_module_open(m->path, NULL, NULL);
}

struct dbg_module *run_symb_module(struct run_symb *sy, pid_t tgid, const struct run_map *m)
{
	char *key = xasprintf("%x:%x:%" PRIu64 ":%s", m->dev_major, m->dev_minor, m->ino, m->path);
	ptrdiff_t i = shgeti(sy->modules, key);
	struct dbg_module *mod;

	if (i >= 0) {
		mod = sy->modules[i].value;
	} else {
		mod = symb_open(sy, tgid, m);
		shput(sy->modules, key, mod);
	}
	free(key);
	return mod;
}

bool run_symb_user(struct run_symb *sy, const struct run_query *q, struct run_place *out)
{
	const struct run_map *m = run_procs_find(sy->procs, q->tgid, q->addr, q->when);
	const struct dbg_module_info *info;
	const struct dbg_sym *sym;

	*out = (struct run_place){ .map = m, .caller = q->caller };
	if (!m)
		return false;
	out->path = m->path;
	out->module = run_symb_module(sy, q->tgid, m);
	out->offset = q->addr - m->start;
	out->size = m->end - m->start;
	if (!out->module || !dbg_load_bias(out->module, m->start, m->pgoff, &out->bias)) {
		out->module = NULL;
		return true;
	}
	info = dbg_module_info(out->module);
	out->link = q->addr - out->bias;
	out->offset = out->link - info->base;
	out->size = info->end - info->base;
	sym = dbg_symbol_at(out->module, out->link - (q->caller ? 1 : 0));
	if (sym && sym->addr <= out->link) {
		out->name = sym->name;
		out->offset = out->link - sym->addr;
		out->size = dbg_symbol_extent(out->module, sym);
	}
	return true;
}

bool run_symb_address(struct run_symb *sy, pid_t tgid, const char *path, uint64_t link, uint64_t when,
		      uint64_t *addr)
{
	const struct run_map *m = run_procs_find_file(sy->procs, tgid, path, when);
	struct dbg_module *mod = m ? run_symb_module(sy, tgid, m) : NULL;
	uint64_t bias;

	if (!mod || !dbg_load_bias(mod, m->start, m->pgoff, &bias))
		return false;
	*addr = link + bias;
	return true;
}

static int ksym_compare(const void *va, const void *vb)
{
	const struct ksym *a = va, *b = vb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static bool symb_add_kernel(void *ctx, const struct procfs_symbol *s)
{
	struct run_symb *sy = ctx;
	struct ksym k = { .addr = s->addr };

	if (s->addr && strchr("tTwW", s->type)) {
		k.name = intern(s->name);
		k.module = s->module ? intern(s->module) : NULL;
		arrput(sy->ksyms, k);
	}
	return true;
}

void run_symb_read_kernel(struct run_symb *sy)
{
	if (sy->ksyms_read)
		return;
	sy->ksyms_read = true;
	procfs_each_symbol(symb_add_kernel, sy);
	if (arrlenu(sy->ksyms))
		qsort(sy->ksyms, arrlenu(sy->ksyms), sizeof(*sy->ksyms), ksym_compare);
}

bool run_symb_kernel(struct run_symb *sy, uint64_t addr, struct run_place *out)
{
	size_t lo = 0, hi;

	*out = (struct run_place){ .link = addr };
	run_symb_read_kernel(sy);
	hi = arrlenu(sy->ksyms);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sy->ksyms[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	hi = lo--;
	while (hi < arrlenu(sy->ksyms) && sy->ksyms[hi].addr == sy->ksyms[lo].addr)
		hi++;
	while (lo > 0 && sy->ksyms[lo - 1].addr == sy->ksyms[lo].addr)
		lo--;		/* aliases: the first, always the same */
	out->name = sy->ksyms[lo].name;
	out->path = sy->ksyms[lo].module ? sy->ksyms[lo].module : "kernel";
	out->offset = addr - sy->ksyms[lo].addr;
	out->size = hi < arrlenu(sy->ksyms) ? sy->ksyms[hi].addr - sy->ksyms[lo].addr : 0;
	return true;
}

void run_symb_kernel_module(struct run_place *p, uint64_t addr)
{
	struct dbg_kernel_opts o = { .debug_path = getenv("SYSTEMTAP_DEBUGINFO_PATH") };

	if (!p->path)
		return;
	p->module = strcmp(p->path, "kernel") ? dbg_kernel_module_open(&o, p->path, NULL) : dbg_kernel_open(&o, NULL);
	if (p->module)
		p->link = addr - dbg_module_info(p->module)->kernel_bias;
}

bool run_symb_kernel_address(struct run_symb *sy, const char *name, uint64_t *addr)
{
	run_symb_read_kernel(sy);
	for (size_t i = 0; name && i < arrlenu(sy->ksyms); i++)
		if (!sy->ksyms[i].module && !strcmp(sy->ksyms[i].name, name)) {
			*addr = sy->ksyms[i].addr;
			return true;
		}
	return false;
}

size_t run_symb_own_frames(struct run_symb *sy, const uint64_t *pc, size_t n)
{
	static const char *const own[] = { "__bpf_trace_", "__traceiter_", "bpf_trace_run", "bpf_prog_",
					   "bpf_trampoline_" };
	struct run_place place;
	size_t i, k = 0;

	for (i = 0; i < n && k < sizeof(own) / sizeof(own[0]); i++) {
		run_symb_kernel(sy, pc[i], &place);
		for (k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			if (place.name && !strncmp(place.name, own[k], strlen(own[k])))
				break;
	}
	return k < sizeof(own) / sizeof(own[0]) || !i ? i : i - 1;
}
