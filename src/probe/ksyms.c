/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions by /proc/kallsyms; what is known about them is in klists.c. */
#include "probe/ksyms.h"

#include <string.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "base/xalloc.h"
#include "probe/klists.h"
#include "probe/ksymtable.h"

#define PADDING_PREFIX	"__pfx_"	/* bytes in front of a function */

static struct {
	struct ksymtable *table;	/* of the kernel proper; NULL: not known yet */
	bool read;			/* /proc/kallsyms was, so that modules are known */
	struct ksym *kernel, *modules;	/* stb_ds arrays; the first from the table, once it is asked for */
	struct ksym *found;		/* result of ksyms_find() */
	struct { char *key; bool value; } *module_names;	/* shmap */
} ks;

/* What reading collects. */
struct reading {
	struct ksymtable *table;	/* of the kernel's functions; NULL: they are known */
	uint64_t text, init[2];		/* of _text; code that is thrown away after boot lies between the others */
};

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* Capital letters are global symbols. */
static bool is_exported(const struct procfs_symbol *sym)
{
	return sym->type == 'T' || sym->type == 'W';
}

static void add_module_function(const struct procfs_symbol *sym)
{
	struct ksym s = { xstrdup(sym->name), NULL, sym->addr, is_exported(sym) };

	shput(ks.module_names, sym->module, true);
	s.module = ks.module_names[shgeti(ks.module_names, sym->module)].key;
	arrput(ks.modules, s);
}

static bool take_symbol(void *ctx, const struct procfs_symbol *sym)
{
	struct reading *r = ctx;

	if (!sym->module && !strcmp(sym->name, "_text"))
		r->text = sym->addr;
	else if (!sym->module && !strcmp(sym->name, "_sinittext"))
		r->init[0] = sym->addr;
	else if (!sym->module && !strcmp(sym->name, "_einittext"))
		r->init[1] = sym->addr;
	if (!strchr("tTwW", sym->type) || begins(sym->name, PADDING_PREFIX))
		return true;
	if (!sym->module && r->table)
		ksymtable_add(r->table, sym->name, sym->addr, is_exported(sym));
	else if (sym->module && strcmp(sym->module, "bpf") != 0)
		add_module_function(sym);
	return true;
}

/* Reads /proc/kallsyms: functions of modules, and those of the kernel if they are not known. */
static void read_all(void)
{
	struct reading r = { .table = ks.table || ks.read ? NULL : ksymtable_create() };

	if (ks.read)
		return;
	ks.read = true;
	sh_new_strdup(ks.module_names);
	procfs_each_symbol(take_symbol, &r);
	if (r.table) {
		ksymtable_finish(r.table, r.text, r.init);
		ks.table = r.table;
	}
}

struct ksymtable *ksyms_table(void)
{
	if (!ks.table)
		ks.table = ksymtable_load();
	if (!ks.table)
		read_all();
	return ks.table;
}

const struct ksym *ksyms_functions(bool modules, size_t *n)
{
	if (modules) {
		read_all();
		*n = arrlenu(ks.modules);
		return ks.modules;
	}
	*n = ksymtable_count(ksyms_table());
	if (!ks.kernel) {
		arrsetcap(ks.kernel, *n);
		for (size_t i = 0; i < *n; i++)
			arrput(ks.kernel, ksymtable_at(ks.table, i));
	}
	return ks.kernel;
}

const struct ksym *ksyms_find(const char *module, const char *name, size_t *count)
{
	const struct ksymtable *t = module ? NULL : ksyms_table();

	arrsetlen(ks.found, 0);
	for (size_t i = t ? ksymtable_named(t, name, 0) : 0; i; i = ksymtable_named(t, name, i))
		arrput(ks.found, ksymtable_at(t, i - 1));
	if (module) {
		size_t n;
		const struct ksym *s = ksyms_functions(true, &n);

		for (size_t i = 0; i < n; i++)
			if (!strcmp(s[i].module, module) && !strcmp(s[i].name, name))
				arrput(ks.found, s[i]);
	}
	*count = arrlenu(ks.found);
	return *count ? ks.found : NULL;
}

void ksyms_keep(void)
{
	if (ks.table)
		ksymtable_save(ks.table);
}
