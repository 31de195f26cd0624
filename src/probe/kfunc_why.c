/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a name has no function of the kernel that can be probed, and which could be meant: renamed since, changed by the
 * compiler, of a module, gone after boot, or such as the kernel or we do not let be probed.
 */
#include "probe/families.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/kernelfile.h"
#include "probe/kblack.h"
#include "probe/kfunc.h"
#include "probe/ksyms.h"

/* Names that functions had in other versions of the kernel. */
static const struct { const char *old, *now; } renamed[] = {
	{ "_do_fork", "kernel_clone" },
	{ "do_fork", "kernel_clone" },
	{ "do_sys_open", "do_sys_openat2" },
	{ "__vfs_read", "vfs_read" },
	{ "__vfs_write", "vfs_write" },
	{ "generic_make_request", "submit_bio_noacct" },
	{ "blk_account_io_completion", "blk_account_io_done" },
};

const char *kfunc_release(struct arena *a)
{
	struct utsname u;

	return uname(&u) ? "" : arena_strdup(a, u.release);
}

/* What the compiler made of the function, as NAME.isra.0: all call that, it may have lost parameters.  Or NULL. */
static const char *name_of_clone(const char *name)
{
	size_t n, len = strlen(name);
	const struct ksym *sym = ksyms_functions(false, &n);

	for (size_t i = 0; i < n; i++)
		if (!strncmp(sym[i].name, name, len) && (!strncmp(sym[i].name + len, ".isra.", 6) ||
							 !strncmp(sym[i].name + len, ".constprop.", 11)))
			return sym[i].name;
	return NULL;
}

/* What the function is called by now, if this kernel has that; NULL. */
static const char *name_by_now(const char *name)
{
	size_t count;

	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (!strcmp(name, renamed[i].old) && ksyms_find(NULL, renamed[i].now, &count))
			return renamed[i].now;
	return name_of_clone(name);
}

/* The loaded module that has the function, or NULL. */
static const char *module_with(const char *name)
{
	size_t n;
	const struct ksym *sym = ksyms_functions(true, &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(sym[i].name, name))
			return sym[i].module;
	return NULL;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

const char *kfunc_new_name(struct arena *a, const char *name, const char *const *names, size_t n)
{
	const char *entry;

	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (!strcmp(name, renamed[i].old) && is_among(renamed[i].now, names, n))
			return renamed[i].now;
	if (strncasecmp(name, "sys_", 4))
		return NULL;
	entry = arena_printf(a, "__x64_sys_%s", name + 4);
	return is_among(entry, names, n) ? entry : NULL;
}

const char *kfunc_similar(struct arena *a, const char *module, const char *name)
{
	const char **names = NULL, *like;
	size_t n;
	const struct ksym *sym = ksyms_functions(module != NULL, &n);

	for (size_t i = 0; i < n; i++)
		if (!module || !strcmp(module, sym[i].module))
			arrput(names, sym[i].name);
	like = module ? NULL : kfunc_new_name(a, name, names, arrlenu(names));
	if (!like)
		like = probe_similar(a, name, names, arrlenu(names), PROBE_SIMILAR_MAX);
	arrfree(names);
	return like;
}

/* A function that wild cards leave out, as NAME.isra.0, although they match; NULL: none. */
static const char *clone_matching(const char *glob)
{
	size_t n;
	const struct ksym *sym = ksyms_functions(false, &n);

	for (size_t i = 0; i < n; i++)
		if ((strstr(sym[i].name, ".isra.") || strstr(sym[i].name, ".constprop.")) &&
		    !strstr(sym[i].name, ".part.") && !fnmatch(glob, sym[i].name, 0))
			return sym[i].name;
	return NULL;
}

/* How many functions match the wild cards, which then are such as cannot be probed. */
static size_t refused_matches(const struct probe_session *ps, const char *module, const char *name)
{
	size_t n, matches = 0;
	const struct ksym *sym = ksyms_functions(module != NULL, &n);

	for (size_t i = 0; i < n; i++)
		matches += !fnmatch(name, sym[i].name, 0) && (!module || !fnmatch(module, sym[i].module, 0)) &&
			   (kblack_reason(ps, sym[i].name) || ksyms_blacklisted(sym[i].name) ||
			    !ksyms_traceable(sym[i].name));
	return matches;
}

/* Is there a symbol of the name, in the code that the kernel runs as it starts? */
static bool is_gone_after_boot(const char *name)
{
	uint64_t addr = dbg_kernel_symbol(name);

	return addr && addr >= dbg_kernel_symbol("_sinittext") && addr < dbg_kernel_symbol("_einittext");
}

void kfunc_explain_refusal(struct probe_session *ps, const struct probe_match *m, const struct probe_spec *spec,
			   bool by_symbols, struct probe_result *out)
{
	const char *within = probe_match_string(m, "module");
	const char *reason = kblack_reason(ps, spec->function), *now, *module;
	size_t count, matches;

	if (!out->why)
		return;
	if (reason)
		diag_hint(ps->diag, out->why, "function '%s' is blacklisted: %s", spec->function, reason);
	else if (!dbg_kernel_is_running(&(struct dbg_kernel_opts){ ps->release }))
		return;		/* lists are those of the running kernel */
	else if (ksyms_find(within, spec->function, &count) &&
		 (ksyms_blacklisted(spec->function) || !ksyms_traceable(spec->function)))
		diag_hint(ps->diag, out->why,
			  "the kernel does not let '%s' be probed: it is marked notrace, or on the "
			  "list of functions that kprobes must not touch", spec->function);
	else if (is_glob(spec->function) && (matches = refused_matches(ps, within, spec->function)))
		diag_hint(ps->diag, out->why, matches == 1 ?
			  "%zu function matches, and the kernel does not let it be probed" :
			  "%zu functions match, and the kernel lets none of them be probed", matches);
	else if (!within && is_glob(spec->function) && (now = clone_matching(spec->function)))
		diag_hint(ps->diag, out->why,
			  "functions that the compiler changed, as '%s', are matched by patterns "
			  "with a dot only, as \"%s.*\"", now, spec->function);
	else if (!within && is_gone_after_boot(spec->function))
		diag_hint(ps->diag, out->why, "'%s' is code that the kernel runs as it starts, and frees then",
			  spec->function);
	else if (!within && (now = name_by_now(spec->function)))
		diag_hint(ps->diag, out->why, "in this kernel the function is called '%s'", now);
	else if (!within && (module = module_with(spec->function)))
		diag_hint(ps->diag, out->why, "the module '%s' has a function of this name: module(\"%s\").%s",
			  module, module, m->name[1]);
	else if (by_symbols && !within && !is_glob(spec->function) && !ksyms_find(NULL, spec->function, &count))
		diag_hint(ps->diag, out->why,
			  "a function that the compiler inlined everywhere is found by the kernel's debug "
			  "information only: package linux-image-%s-dbg, or DEBUGINFOD_URLS",
			  kfunc_release(ps->arena));
}
