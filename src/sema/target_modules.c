/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules that scripts name in @var, @cast and @const: programs, libraries, the kernel and its modules.
 *
 * A name without a slash is a kernel module if one of that name is loaded, else a program of PATH, else a kernel
 * module that is not loaded.  One in <> is a header of C.
 */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/btf.h"
#include "dbg/headerfile.h"
#include "dbg/kernelfile.h"
#include "sema/target_access.h"

static struct dbg_kernel_opts kernel_opts(struct target_binder *b)
{
	const struct probe_session *ps = b->c->ps;

	return (struct dbg_kernel_opts){ ps->release, ps->debug_path, ps->no_debuginfod };
}

/* What describes types of the kernel at less cost than its debug information. */
static void kernel_types(struct target_binder *b, struct target_module **list)
{
	const struct dbg_kernel_opts o = kernel_opts(b);
	const char *module = b->c->point->prog.str[IR_PP_MODULE];
	struct target_module m = { .kernel = true, .name = module };
	struct dbg_error e;

	if (!dbg_kernel_is_running(&o))
		return;
	m.module = module && strcmp(module, "kernel") ? dbg_btf_kernel(module, &e) : NULL;
	if (!m.module)
		m.module = dbg_btf_kernel("vmlinux", &e);
	if (m.module)
		arrput(*list, m);
}

/* The modules of the point itself. */
static struct target_module *own_modules(struct target_binder *b)
{
	struct target_module *list = NULL, m = { .module = b->c->point->module };
	const struct dbg_module_info *info = dbg_module_info(m.module);

	m.kernel = probe_scope_is_kernel(b->c->point->scope) || info->kernel;
	m.name = m.kernel ? b->c->point->prog.str[IR_PP_MODULE] : info->path;
	if (info->kernel)
		kernel_types(b, &list);
	arrput(list, m);
	return list;
}

/* Is it "kernel", or "kernel<HEADER>"? */
static bool is_kernel(const char *name)
{
	return !strncmp(name, "kernel", 6) && (!name[6] || name[6] == '<');
}

static bool is_loaded(struct target_binder *b, const char *name)
{
	char *path = arena_printf(b->c->ps->arena, "/sys/module/%s", name);

	for (char *p = path; *p; p++)
		if (*p == '-')
			*p = '_';
	return !strchr(name, '/') && !access(path, F_OK);
}

/* What describes the types of the kernel, or of its module: BTF of the running one, debug information of another. */
static struct dbg_module *kernel_module(struct target_binder *b, const char *name)
{
	const struct dbg_kernel_opts o = kernel_opts(b);
	struct dbg_module *m = NULL;
	struct dbg_error e;

	if (is_kernel(name)) {
		m = dbg_kernel_is_running(&o) ? NULL : dbg_kernel_open(&o, &e);
		return m ? m : dbg_btf_kernel("vmlinux", &e);
	}
	if (dbg_kernel_is_running(&o))
		m = dbg_btf_kernel(name, &e);
	return m ? m : dbg_kernel_module_open(&o, name, &e);
}

/* One of the names between colons; its module is NULL if there is none. */
static struct target_module named(struct target_binder *b, const char *name)
{
	struct dbg_open_opts opts = { .debug_path = b->c->ps->debug_path, .no_debuginfod = b->c->ps->no_debuginfod };
	struct target_module m = { .name = name };
	const char *path = NULL;
	struct dbg_error e;

	if (!*name)
		return m;
	if (*name == '<') {
		m.module = dbg_header_open(name, &e);
		if (!m.module)
			b->no_header = arena_strdup(b->c->ps->arena, e.msg);
		return m;
	}
	if (!is_kernel(name) && !is_loaded(b, name))
		path = probe_find_program(b->c->ps, name);
	m.kernel = is_kernel(name) || (!path && !strchr(name, '/'));
	m.module = m.kernel ? kernel_module(b, name) : path ? dbg_module_open(path, &opts, &e) : NULL;
	if (m.module && !m.kernel)
		dbg_module_debug(m.module, &e);
	return m;
}

struct target_module *target_modules(struct target_binder *b, const char *text)
{
	struct target_module *list = NULL, m;

	if (!text || !*text) {
		if (b->c->point && b->c->point->module)
			return own_modules(b);
		text = "kernel";	/* as SystemTap in functions */
	}
	while (*text) {
		size_t len = strcspn(text, ":");

		m = named(b, arena_strndup(b->c->ps->arena, text, len));
		if (m.module)
			arrput(list, m);
		text += len + (text[len] == ':');
	}
	return list;
}

const char *target_searched(struct target_binder *b, const char *text)
{
	if (text && *text)
		return text;
	if (b->c->point && probe_scope_is_kernel(b->c->point->scope))
		return "kernel";
	return b->c->point && b->c->point->module ? dbg_module_info(b->c->point->module)->path : "";
}
