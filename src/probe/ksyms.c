/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions by /proc/kallsyms; what is known about them is in klists.c. */
#include "probe/ksyms.h"

#include <string.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "base/xalloc.h"
#include "probe/klists.h"
#include "probe/ksymtable.h"

#define EXPORT_PREFIX	"__ksymtab_"
#define PADDING_PREFIX	"__pfx_"	/* bytes in front of a function */

static struct {
	struct ksymtable *table;	/* of the kernel proper; NULL: not known yet */
	bool read;			/* /proc/kallsyms was, so that modules are known */
	struct ksym *kernel, *modules;	/* stb_ds arrays; the first from the table, once it is asked for */
	struct ksym *found;		/* result of ksyms_find() */
	struct { char *key; bool value; } *exported, *module_names;	/* shmaps; the first: by modules */
} ks;

/* What reading collects. */
struct reading {
	struct ksymtable *table;	/* of the kernel's functions; NULL: they are known */
	uint64_t text, init[2];		/* of _text; code that is thrown away after boot lies between the others */
	char *exports;			/* stb_ds array: names that the kernel proper exports, each with a NUL */
};

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static void add_module_function(const struct procfs_symbol *sym)
{
	struct ksym s = { xstrdup(sym->name), NULL, sym->addr };

	shput(ks.module_names, sym->module, true);
	s.module = ks.module_names[shgeti(ks.module_names, sym->module)].key;
	arrput(ks.modules, s);
}

static void take_export(const struct procfs_symbol *sym, struct reading *r)
{
	const char *name = sym->name + strlen(EXPORT_PREFIX);

	if (sym->module)
		shput(ks.exported, name, true);
	else
		memcpy(arraddnptr(r->exports, strlen(name) + 1), name, strlen(name) + 1);
}

static bool take_symbol(void *ctx, const struct procfs_symbol *sym)
{
	struct reading *r = ctx;

	if (begins(sym->name, EXPORT_PREFIX))
		take_export(sym, r);
	else if (!sym->module && !strcmp(sym->name, "_text"))
		r->text = sym->addr;
	else if (!sym->module && !strcmp(sym->name, "_sinittext"))
		r->init[0] = sym->addr;
	else if (!sym->module && !strcmp(sym->name, "_einittext"))
		r->init[1] = sym->addr;
	if (!strchr("tTwW", sym->type) || begins(sym->name, PADDING_PREFIX))
		return true;
	if (!sym->module && r->table)
		ksymtable_add(r->table, sym->name, strlen(sym->name), sym->addr);
	else if (sym->module && strcmp(sym->module, "bpf") != 0)
		add_module_function(sym);
	return true;
}

static void mark_exports(struct ksymtable *table, const struct reading *r)
{
	for (size_t i = 0; i < arrlenu(r->exports); i += strlen(r->exports + i) + 1)
		for (size_t at = ksymtable_named(table, r->exports + i, 0); at;
		     at = ksymtable_named(table, r->exports + i, at))
			ksymtable_set(table, at - 1, KSYM_EXPORTED);
}

/* Reads /proc/kallsyms: functions of modules, and those of the kernel if they are not known. */
static void read_all(void)
{
	struct reading r = { .table = ks.table || ks.read ? NULL : ksymtable_create() };

	if (ks.read)
		return;
	ks.read = true;
	sh_new_strdup(ks.exported);
	sh_new_strdup(ks.module_names);
	procfs_each_symbol(take_symbol, &r);
	if (r.table) {
		ksymtable_finish(r.table, r.text, r.init);
		mark_exports(r.table, &r);
		ks.table = r.table;
	}
	arrfree(r.exports);
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

bool ksyms_exported(const struct ksym *s)
{
	size_t i = s->module ? 0 : ksymtable_named(ksyms_table(), s->name, 0);

	if (!s->module)
		return i && ksymtable_has(ks.table, i - 1, KSYM_EXPORTED);
	read_all();
	return shgeti(ks.exported, s->name) >= 0;
}

void ksyms_keep(void)
{
	if (ks.table)
		ksymtable_save(ks.table);
}
