/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel and its modules as images with debug information: which files kernel.* and module("M").* mean,
 * and how a place in them is probed.
 *
 * The first instruction of a function that BTF describes is best reached by a trampoline (fentry, fexit), by
 * name; without it, or when many functions share a handler, by a kprobe; any other instruction by a kprobe of
 * its own.  Code that is gone after boot, and what kprobes must not touch, has no points.
 */
#include "probe/families.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/btf.h"
#include "dbg/func.h"
#include "dbg/kernelfile.h"
#include "probe/attach.h"
#include "probe/kblack.h"
#include "probe/kfunc.h"
#include "probe/ksyms.h"

#define MODULES	"/sys/module"

/* ---- files ---- */

static bool image_of_module(struct probe_session *ps, const struct dbg_kernel_opts *o, const char *name,
			    struct probe_image **list, struct dbg_error *e)
{
	struct probe_image img = { .kernel = true };
	const char *slash = strrchr(name, '/');

	img.module = dbg_kernel_module_open(o, name, e);
	if (!img.module)
		return false;
	name = arena_strdup(ps->arena, slash ? slash + 1 : name);
	img.path = arena_strndup(ps->arena, name, strcspn(name, "."));
	img.spelling = img.derived = arena_printf(ps->arena, "module(%s)", probe_quote(ps->arena, img.path));
	arrput(*list, img);
	return true;
}

/* Of the modules that are loaded, those that match. */
static void images_of_glob(struct probe_session *ps, const struct dbg_kernel_opts *o, const char *glob,
			   struct probe_image **list, struct dbg_error *e)
{
	struct dirent **names;
	int n = scandir(MODULES, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && !fnmatch(glob, names[i]->d_name, 0))
			image_of_module(ps, o, names[i]->d_name, list, e);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

struct probe_image *probe_kernel_images(struct probe_session *ps, const char *module, size_t *n,
					struct dbg_error *e)
{
	struct dbg_kernel_opts o = { ps->release, ps->debug_path, ps->no_debuginfod };
	struct probe_image *list = NULL;
	struct probe_image img = { .kernel = true, .path = "kernel", .spelling = "kernel", .derived = "kernel" };

	*e = (struct dbg_error){ 0 };
	if (module && is_glob(module)) {
		images_of_glob(ps, &o, module, &list, e);
	} else if (module) {
		image_of_module(ps, &o, module, &list, e);
	} else {
		img.module = dbg_kernel_open(&o, e);
		if (img.module)
			arrput(list, img);
	}
	return arena_take_array(ps->arena, list, sizeof(*list), n);
}

void probe_kernel_missing(struct probe_session *ps, struct probe_result *out, const struct dbg_error *e)
{
	struct utsname u = { 0 };
	const char *release = ps->release, *cure;

	uname(&u);
	if (!release)
		release = u.release;
	probe_fail(ps, out, "need-kernel-debuginfo", NULL,
		   "missing %s kernel/module debuginfo [man warning::debuginfo] "
		   "under '%s%s%s'", u.machine, *release == '/' ? "" : "/lib/modules/", release,
		   *release == '/' ? "" : "/build");
	cure = *release == '/' ? arena_printf(ps->arena, "put a file vmlinux that has it there") :
				 arena_printf(ps->arena, "install the package linux-image-%s-dbg", release);
	diag_hint(ps->diag, out->why,
		  "%s; source files, lines, inlined copies, labels, callees and local variables need "
		  "it: %s%s; functions by name work without: "
		  "kernel.function(\"NAME\")", *e->msg ? e->msg : "they are found by debug information", cure,
		  dbg_debuginfod_advice());
}

/* ---- places ---- */

/* NULL: the kernel proper */
static const char *module_of(const struct probe_image *img)
{
	return dbg_module_info(img->module)->type == DBG_ELF_REL ? img->path : NULL;
}

/* Is this code thrown away once the kernel, or the module, has started? */
static bool is_init_code(struct dbg_module *m, uint64_t pc)
{
	const char *section = dbg_section_name_at(m, pc);

	return section && (!strncmp(section, ".init", 5) || (dbg_module_info(m)->type != DBG_ELF_REL &&
							     !strncmp(section, ".exit", 5)));
}

/*
 * Does the kernel refuse probes in the function?  It marks such functions by symbols of their own; the running one
 * also tells, and refuses those that it cannot trace (notrace) and what was split off them (".cold").
 */
static bool is_forbidden(struct probe_session *ps, struct dbg_module *m, const char *function)
{
	const struct dbg_kernel_opts o = { .release = ps->release };
	const char *name = arena_strndup(ps->arena, function, strcspn(function, "."));

	if (kblack_reason(ps, function) || dbg_symbol_find(m, arena_printf(ps->arena, "_kbl_addr_%s", function)))
		return true;
	if (!dbg_kernel_is_running(&o))
		return false;
	return ksyms_blacklisted(function) || !(ksyms_traceable(function) || ksyms_traceable(name));
}

/* Has BTF the function that is at `sym`, the only one of its name? */
static bool find_type(struct probe_session *ps, const struct probe_image *img, const char *symbol,
		      struct dbg_btf_func *btf)
{
	const struct dbg_kernel_opts o = { .release = ps->release };
	const char *module = module_of(img);
	struct dbg_module *types;
	struct dbg_error e;
	size_t count;

	types = dbg_kernel_is_running(&o) ? dbg_btf_kernel(module ? module : "vmlinux", &e) : NULL;
	if (!types || !dbg_btf_func(types, symbol, btf))
		return false;
	ksyms_find(module, symbol, &count);
	return count == 1;
}

static bool fits_trampoline(const struct probe_image *img, const struct dbg_btf_func *btf)
{
	return !module_of(img) && !img->many && kfunc_fits_trampoline(btf->type) && attach_has_fentry(btf->id);
}

/* A function that kprobes must not touch, asked for by its name, that a trampoline or a multi-link reaches. */
static bool is_traced_only(struct probe_session *ps, const struct probe_image *img, const struct dbg_sym *sym,
			   uint64_t pc)
{
	const struct dbg_kernel_opts o = { .release = ps->release };
	struct dbg_btf_func btf;

	if (!img->named || sym->addr != pc || kblack_reason(ps, sym->name) || !dbg_kernel_is_running(&o) ||
	    !ksyms_traceable(sym->name))
		return false;
	return attach_has_kprobe_multi() || (find_type(ps, img, sym->name, &btf) && fits_trampoline(img, &btf));
}

/* What the address is relative to when the program runs, maybe after another boot or elsewhere. */
static void set_base(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img)
{
	char *place = dbg_kernel_place(img->module, pt->pc, &pt->prog.offset);

	pt->prog.base = place ? arena_strdup(ps->arena, place) : NULL;
	free(place);
}

bool probe_kernel_place(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img, uint64_t pc)
{
	const struct dbg_sym *sym = dbg_symbol_at(img->module, pc);

	if (!dbg_addr_executable(img->module, pc) || is_init_code(img->module, pc) || !sym ||
	    (is_forbidden(ps, img->module, sym->name) && !is_traced_only(ps, img, sym, pc)))
		return false;
	pt->module = img->module;
	pt->pc = pc;
	pt->prog.name = sym->name;
	set_base(ps, pt, img);
	if (!dbg_module_info(img->module)->kernel_elsewhere)
		pt->prog.address = pc + dbg_module_info(img->module)->kernel_bias;
	pt->prog.str[IR_PP_MODULE] = img->path;
	return true;
}

/* ---- mechanisms ---- */

/* A point at the entry or the return of a function. */
static void function_mechanism(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			       bool ret)
{
	struct dbg_btf_func btf;

	pt->kind = ret ? PROG_KRETPROBE : PROG_KPROBE;
	if (!find_type(ps, img, pt->prog.name, &btf))
		return;
	pt->scope = ret ? PROBE_SCOPE_KERNEL_RETURN : PROBE_SCOPE_KERNEL;
	pt->type = btf.type;
	pt->params = dbg_type_params(btf.type, &pt->nparams, NULL);
	if (fits_trampoline(img, &btf))
		pt->kind = ret ? PROG_FEXIT : PROG_FENTRY;
}

void probe_kernel_mechanism(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			    bool ret)
{
	const struct dbg_sym *sym = dbg_symbol_at(img->module, pt->pc);
	bool entry = sym && sym->addr == pt->pc && (!pt->func || !pt->func->is_inline);

	pt->prog.kind = POINT_KFUNC;
	pt->prog.str[IR_PP_TYPE] = ret ? "kretprobe" : "kprobe";
	pt->kind = PROG_KINSN;
	if (entry)
		function_mechanism(ps, pt, img, ret);
}
