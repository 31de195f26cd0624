/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the running kernel has what its files describe: addresses of symbols, and places that outlive a boot, which are
 * a build id, a module and a symbol with an offset.
 */
#include "dbg/kernelfile.h"

#include <ctype.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/procfs.h"
#include "base/xalloc.h"
#include "dbg/kcore.h"
#include "dbg/priv.h"
#include "dbg/symbolcache.h"

#define MAX_NOTES	65536
#define PER_CPU_SECTION	".data..percpu"

/* ---- symbols ---- */

struct symbol_search {
	const char *module, *name;
	uint64_t *addr;
	bool found;
};

static bool is_symbol(void *ctx, const struct procfs_symbol *sym)
{
	struct symbol_search *s = ctx;

	if (!strcmp(sym->name, s->name) &&
	    (s->module ? sym->module && !strcmp(sym->module, s->module) : !sym->module)) {
		s->found = true;
		*s->addr = sym->addr;
	}
	return !s->found;
}

/* Run-time address of a symbol of the kernel proper (module NULL) or of a module, 0 if hidden; false: there is none. */
static bool listed_address(const char *module, const char *name, uint64_t *addr)
{
	struct symbol_search s = { .module = module, .name = name, .addr = addr };

	procfs_each_symbol(is_symbol, &s);
	if (s.found && !*addr && !module && !strcmp(name, "_text"))
		*addr = kcore_text();
	return s.found;
}

/*
 * The same; that of the kernel proper from what is kept of it, relative to _text, which the list has at its beginning.
 */
static bool symbol_address(const char *module, const char *name, uint64_t *addr)
{
	const char *id = dbg_kernel_build_id();
	struct symbol_answer a;
	uint64_t text = 0;
	bool found;

	if (module || !strcmp(name, "_text") || !listed_address(NULL, "_text", &text) || !text)
		return listed_address(module, name, addr);
	if (symbolcache_find(id, name, &a)) {
		*addr = a.place == SYMBOL_MOVED ? text + a.value : a.value;
		return a.place != SYMBOL_ABSENT;
	}
	*addr = 0;
	found = listed_address(NULL, name, addr);
	if (found && *addr >= text)
		a = (struct symbol_answer){ SYMBOL_MOVED, *addr - text };
	else
		a = (struct symbol_answer){ found ? SYMBOL_FIXED : SYMBOL_ABSENT, *addr };
	if (*addr || !found)	/* hidden addresses are 0 */
		symbolcache_keep(id, name, &a);
	return found;
}

uint64_t dbg_kernel_symbol(const char *name)
{
	uint64_t addr;

	return symbol_address(NULL, name, &addr) ? addr : 0;
}

/* ---- build ids ---- */

size_t kernel_notes_id(const char *module, uint8_t id[KERNEL_MAX_BUILD_ID])
{
	static uint8_t notes[MAX_NOTES];
	char path[512] = "/sys/kernel/notes";
	struct note_rec n;
	struct dbg_cur c;
	ssize_t got;
	int fd;

	if (module)
		snprintf(path, sizeof(path), "/sys/module/%s/notes/.note.gnu.build-id", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, notes, sizeof(notes));
	close(fd);
	c = cur_of(notes, got > 0 ? (size_t)got : 0);
	while (elffile_note(&c, 4, &n))
		if (n.type == NT_GNU_BUILD_ID && n.namelen == 3 && !memcmp(n.name, "GNU", 3) &&
		    n.desc.len <= KERNEL_MAX_BUILD_ID) {
			memcpy(id, n.desc.p, n.desc.len);
			return n.desc.len;
		}
	return 0;
}

/* The same in hex digits; "" if there is none. */
static void notes_hex_id(const char *module, char hex[2 * KERNEL_MAX_BUILD_ID + 1])
{
	uint8_t id[KERNEL_MAX_BUILD_ID];
	size_t n = kernel_notes_id(module, id);

	*hex = 0;
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", id[i]);
}

char *kernel_module_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *s = xstrdup(slash ? slash + 1 : name), *dot = strstr(s, ".ko");

	if (dot)
		*dot = 0;
	for (char *p = s; *p; p++)
		if (*p == '-')
			*p = '_';
	return s;
}

const char *dbg_kernel_build_id(void)
{
	static char hex[2 * KERNEL_MAX_BUILD_ID + 1];

	if (!*hex)
		notes_hex_id(NULL, hex);
	return hex;
}

/* Is the kernel, or the module, of that build? */
static bool is_of_build(const char *module, const char *id, size_t len)
{
	char hex[2 * KERNEL_MAX_BUILD_ID + 1];

	if (!len)
		return true;
	notes_hex_id(module, hex);
	return strlen(hex) == len && !strncmp(hex, id, len);
}

bool dbg_kernel_base(const char *base, uint64_t *addr, struct dbg_error *e)
{
	const char *module = base ? strchr(base, '/') : NULL, *symbol = module ? strchr(module + 1, '/') : NULL;
	char want[64], *name;
	bool kernel;

	if (!symbol || symbol - module > (ptrdiff_t)sizeof(want))
		return dbg_fail(e, DBG_ECORRUPT, "'%s' is no place in the kernel", base ? base : ""), false;
	snprintf(want, sizeof(want), "%.*s", (int)(symbol - module - 1), module + 1);
	for (char *p = want; *p; p++)
		if (*p == '-')
			*p = '_';
	kernel = !strcmp(want, "kernel");
	name = kernel ? NULL : want;
	if (!is_of_build(name, base, (size_t)(module - base)))
		return dbg_fail(e, DBG_ENODEBUG, kernel ? "this kernel is not the one that the program was made for" :
				"the module '%s' is not loaded, or of another build", want), false;
	/* the address 0 is that of per-CPU variables, or that of everything where they are hidden */
	if (symbol_address(name, symbol + 1, addr) && (*addr || dbg_kernel_symbol("_text")))
		return true;
	return dbg_fail(e, DBG_ENOENT,
			"the kernel has no '%s', or hides its address (see the sysctl kernel.kptr_restrict)",
			symbol + 1), false;
}

bool dbg_kernel_is_per_cpu(struct dbg_module *m, uint64_t addr)
{
	for (size_t i = 1; m->elf && i < m->elf->nsh; i++) {	/* vmlinux has it at the address 0 */
		const Elf64_Shdr *s = &m->elf->sh[i];

		if (m->elf->shname[i] && !strncmp(m->elf->shname[i], PER_CPU_SECTION, sizeof(PER_CPU_SECTION) - 1) &&
		    addr - s->sh_addr < s->sh_size && (s->sh_addr || m->info.type != DBG_ELF_REL))
			return true;
	}
	return false;
}

char *dbg_kernel_place(struct dbg_module *m, uint64_t addr, uint64_t *offset)
{
	bool module = m->info.type == DBG_ELF_REL;
	const struct dbg_sym *sym = module ? dbg_symbol_at(m, addr) :
		dbg_symbol_find(m, dbg_kernel_is_per_cpu(m, addr) ? "__per_cpu_start" : "_text");
	const char *id = dbg_module_build_id(m);
	char *name, *place;

	if (!*id || !sym)
		return NULL;
	*offset = addr - sym->addr;
	name = module ? kernel_module_name(m->info.path) : xstrdup("kernel");
	place = xasprintf("%s/%s/%s", id, name, sym->name);
	free(name);
	return place;
}
