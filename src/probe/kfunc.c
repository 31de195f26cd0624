/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.function("NAME"), module("M").function("NAME") with .call .return .exported .maxactive, and the
 * kprobe.function() and kprobe.module().function() without variables.
 *
 * With debug information of the kernel they are resolved as those of programs are, see kimage.c.  Without it
 * functions come from kallsyms and are described by BTF: a few are probed by trampolines (fentry, fexit),
 * which are the cheapest; many, and those that BTF does not know, by kprobes, all of which
 * share a program.  What only DWARF tells (files, lines, inlined copies, labels, callees) is refused in words; why
 * a name has no function is found out in kfunc_why.c.
 */
#include "probe/families.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/btf.h"
#include "dbg/kernelfile.h"
#include "probe/attach.h"
#include "probe/kblack.h"
#include "probe/kfunc.h"
#include "probe/ksyms.h"
#include "probe/process.h"

#define MAX_ARGUMENTS	6	/* in registers: what trampolines of all kernels take */

static const struct probe_pattern kfunc_patterns[] = {
	PROBE_CODE_ROWS("kernel"),
	PROBE_CODE_ROWS("module(string)"),
	{ "kernel.function(string).return.maxactive(number)", PROCESS_RETURN },
	{ "module(string).function(string).return.maxactive(number)", PROCESS_RETURN },
	{ "kernel.statement(number).absolute", PROCESS_ABSOLUTE },
	{ "kprobe.statement(number).absolute", PROCESS_ABSOLUTE },
	{ "kprobe.function(string)", PROCESS_KPROBE },
	{ "kprobe.function(string).call", PROCESS_KPROBE },
	{ "kprobe.function(string).return", PROCESS_KPROBE_RETURN },
	{ "kprobe.function(string).return.maxactive(number)", PROCESS_KPROBE_RETURN },
	{ "kprobe.module(string).function(string)", PROCESS_KPROBE },
	{ "kprobe.module(string).function(string).call", PROCESS_KPROBE },
	{ "kprobe.module(string).function(string).return", PROCESS_KPROBE_RETURN },
	{ "kprobe.module(string).function(string).return.maxactive(number)", PROCESS_KPROBE_RETURN },
};

struct kfunc {
	const char *name, *module;	/* module NULL: the kernel */
	uint64_t addr;			/* 0: not needed, or not known */
	struct dbg_module *btf;		/* that describes it; NULL: none does */
	struct dbg_btf_func func;
};

struct search {
	struct probe_session *ps;
	const struct probe_match *m;
	enum process_variant variant;
	const char *name, *module;	/* globs; module NULL: the kernel */
	struct kfunc *found;		/* stb_ds array */
	bool elsewhere;			/* of a kernel that does not run here: its types are not at hand */
	bool unarmed;			/* found, but this kernel probes no functions */
};

static bool is_return(const struct search *s)
{
	return s->variant == PROCESS_RETURN || s->variant == PROCESS_KPROBE_RETURN;
}

static bool is_plain_kprobe(const struct search *s)
{
	return s->variant >= PROCESS_KPROBE;
}

/* ---- finding ---- */

static void describe(struct kfunc *k)
{
	struct dbg_error e;

	k->btf = dbg_btf_kernel(k->module ? k->module : "vmlinux", &e);
	if (k->btf && !dbg_btf_func(k->btf, k->name, &k->func))
		k->btf = NULL;
}

static void found_add(struct search *s, const struct ksym *sym, bool by_address)
{
	struct kfunc k = { .name = sym->name, .module = sym->module, .addr = by_address ? sym->addr : 0 };

	describe(&k);
	arrput(s->found, k);
}

/* Parts that the compiler split off, and what cannot be probed, are left out of wild cards. */
static bool wild_card_takes(const struct search *s, const struct ksym *sym)
{
	if (s->module ? !sym->module || fnmatch(s->module, sym->module, 0) : sym->module != NULL)
		return false;
	if (fnmatch(s->name, sym->name, 0))
		return false;
	if (strchr(sym->name, '.') && !strchr(s->name, '.'))
		return false;
	if (s->variant == PROCESS_EXPORTED && !sym->exported)
		return false;
	return !kblack_reason(s->ps, sym->name) && ksyms_traceable(sym->name) && !ksyms_blacklisted(sym->name);
}

/* Of several names of one function, which are next to one another: the one by which users know system calls. */
static bool is_better_name(const struct ksym *a, const struct ksym *b)
{
	return !strncmp(a->name, "__x64_sys_", 10) && strncmp(b->name, "__x64_sys_", 10);
}

static void find_glob(struct search *s)
{
	size_t n, count;
	const struct ksym *sym = ksyms_functions(s->module != NULL, &n), *last = NULL;
	bool multi = attach_has_kprobe_multi();

	ksyms_expect_many();
	for (size_t i = 0; i < n; i++) {
		bool same = last && sym[i].addr && last->addr == sym[i].addr;

		if (!wild_card_takes(s, &sym[i]) || (same && !is_better_name(&sym[i], last)))
			continue;
		ksyms_find(sym[i].module, sym[i].name, &count);
		if (count > 1 && !ksyms_place_traceable(&sym[i]))
			continue;
		if (same)
			arrsetlen(s->found, arrlenu(s->found) - 1);
		last = &sym[i];
		found_add(s, last, multi || count > 1 || last->module);
	}
}

static void find_exact(struct search *s)
{
	size_t count;
	const struct ksym *sym = ksyms_find(s->module, s->name, &count);

	if (!sym || kblack_reason(s->ps, s->name))
		return;
	for (size_t i = 0; i < count; i++)
		if ((s->variant != PROCESS_EXPORTED || sym[i].exported) &&
		    (count == 1 || ksyms_place_traceable(&sym[i])))
			found_add(s, &sym[i], count > 1 || s->module || attach_has_kprobe_multi());
}

/* ---- points ---- */

bool kfunc_fits_trampoline(const struct dbg_type *function)
{
	size_t n;
	bool variadic = false;
	const struct dbg_param *p = dbg_type_params(function, &n, &variadic);

	if (n > MAX_ARGUMENTS || variadic)
		return false;
	for (size_t i = 0; i < n; i++)
		if (dbg_type_sizeof(p[i].type) > 8)
			return false;
	return dbg_type_sizeof(dbg_type_target(function)) <= 8;
}

/* The best way to reach the function. */
static enum prog_kind mechanism(const struct search *s, const struct kfunc *k)
{
	bool few = arrlenu(s->found) <= KFUNC_MAX_TRAMPOLINES && !is_plain_kprobe(s);

	if (few && k->btf && !k->module && kfunc_fits_trampoline(k->func.type) && attach_has_fentry(k->func.id))
		return is_return(s) ? PROG_FEXIT : PROG_FENTRY;
	return is_return(s) ? PROG_KRETPROBE : PROG_KPROBE;
}

static const char *prefix_text(struct arena *a, const struct search *s, const struct kfunc *k)
{
	if (k->module)
		return arena_printf(a, "%smodule(%s)", is_plain_kprobe(s) ? "kprobe." : "", probe_quote(a, k->module));
	return is_plain_kprobe(s) ? "kprobe" : "kernel";
}

static struct probe_point *kfunc_point(struct search *s, const struct probe_family *f, const struct kfunc *k)
{
	struct arena *a = s->ps->arena;
	struct probe_point *pt = probe_point_new(s->ps, f, s->m);
	int64_t active = 0;

	pt->kind = mechanism(s, k);
	pt->prog.kind = POINT_KFUNC;
	pt->prog.name = k->name;
	pt->prog.address = k->addr;
	probe_match_long(s->m, "maxactive", &active);
	pt->prog.maxactive = (int32_t)active;
	pt->prog.str[IR_PP_FUNC] = k->name;
	pt->prog.str[IR_PP_TYPE] = is_return(s) ? "kretprobe" : "kprobe";
	pt->prog.str[IR_PP_MODULE] = k->module ? k->module : "kernel";
	pt->symbol = k->name;
	pt->scope = is_plain_kprobe(s) ? PROBE_SCOPE_NONE :
		    is_return(s) ? PROBE_SCOPE_KERNEL_RETURN : PROBE_SCOPE_KERNEL;
	if (k->btf) {
		pt->module = k->btf;
		pt->type = k->func.type;
		pt->params = dbg_type_params(k->func.type, &pt->nparams, NULL);
	} else if (!s->elsewhere) {
		struct dbg_error e;

		pt->module = dbg_btf_kernel("vmlinux", &e);
	}
	probe_point_spell(pt, arena_printf(a, "%s.function(%s)%s", prefix_text(a, s, k),
					   probe_quote(a, k->name), probe_code_suffix(a, s->m)));
	return pt;
}

/* kernel.statement(ADDRESS).absolute, or kprobe.statement(ADDRESS).absolute: a run-time address, whatever is there. */
static void absolute_point(struct search *s, const struct probe_family *f, struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(s->ps, f, s->m);
	int64_t addr = 0;

	if (!s->ps->guru) {
		probe_fail(s->ps, out, "absolute-guru", NULL,
			   "absolute statement probe in unprivileged mode: need stap -g");
		return;
	}
	probe_match_long(s->m, "statement", &addr);
	pt->kind = PROG_KINSN;
	pt->scope = PROBE_SCOPE_NONE;
	pt->prog.kind = POINT_KFUNC;
	pt->prog.address = (uint64_t)addr;
	pt->prog.name = arena_printf(s->ps->arena, "0x%" PRIx64, (uint64_t)addr);
	pt->prog.str[IR_PP_TYPE] = "kprobe";
	pt->prog.str[IR_PP_MODULE] = "kernel";
	probe_point_spell(pt, arena_printf(s->ps->arena, "%s.statement(%s).absolute", s->m->name[0], pt->prog.name));
	arrput(out->points, pt);
}

/* ---- what is wrong ---- */

static void refuse_functions(struct search *s, struct probe_result *out)
{
	s->unarmed = true;
	probe_fail(s->ps, out, "no-kernel-functions", NULL, "this kernel (%s) does not let its functions be probed: it "
		   "offers neither kprobes (CONFIG_KPROBE_EVENTS) nor fentry programs (CONFIG_FPROBE, "
		   "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS); its tracepoints can be probed: kernel.trace(\"*\")",
		   kfunc_release(s->ps->arena));
}

/* Does the kernel let any of its functions be probed? */
static bool probes_any(void)
{
	struct dbg_error e;
	struct dbg_module *btf = dbg_btf_kernel("vmlinux", &e);
	struct dbg_btf_func func;

	return attach_has_kprobes() ||
	       (btf && !dbg_btf_func(btf, "vfs_read", &func) && attach_has_fentry(func.id));
}

static void kfunc_explain(struct search *s, struct probe_result *out)
{
	size_t n, count;
	const char *like;
	bool exists = ksyms_find(s->module, s->name, &count);	/* then somebody else says why it is not probed */

	ksyms_functions(false, &n);
	if (!n) {
		probe_fail(s->ps, out, "no-kallsyms", NULL, "the kernel's functions are not known: /proc/kallsyms "
			   "cannot be read");
		return;
	}
	if (!s->ps->listing && !s->module && !probes_any()) {
		refuse_functions(s, out);
		return;
	}
	like = exists || s->ps->optional || is_glob(s->name) ? "" : kfunc_similar(s->ps->arena, s->module, s->name);
	if (s->module && !*like && !exists)
		probe_fail(s->ps, out, "no-match", NULL, "no match (is kernel module '%s' loaded?)", s->module);
	else
		probe_no_match(s->ps, out, "functions", like);
}

static bool can_probe(struct search *s, struct probe_result *out)
{
	if (s->ps->listing || attach_has_kprobes())
		return true;
	for (size_t i = 0; i < arrlenu(s->found); i++)
		if (s->found[i].btf && !s->found[i].module && attach_has_fentry(s->found[i].func.id))
			return true;
	refuse_functions(s, out);
	return false;
}

/* "NAME@FILE" with a name that only one function has means that, also when files are not known. */
static bool take_spec(struct search *s, const struct probe_spec *spec, const struct dbg_error *missing,
		      struct probe_result *out)
{
	size_t count;

	s->name = spec->function;
	if (!spec->file)
		return true;
	if (spec->line_kind != PROBE_LINE_NONE || is_glob(s->name) || (ksyms_find(s->module, s->name, &count) &&
								       count > 1)) {
		probe_kernel_missing(s->ps, out, missing);
		return false;
	}
	diag_warn(s->ps->diag, "file-unchecked", &s->m->pt->at, "the file '%s' of kernel function '%s' is not checked: "
		  "that needs debug information", spec->file, s->name);
	return true;
}

/* By BTF and the list of symbols: functions by name. */
static void resolve_symbols(struct search *s, const struct probe_family *f, struct probe_result *out)
{
	if (is_glob(s->name) || (s->module && is_glob(s->module)))
		find_glob(s);
	else
		find_exact(s);
	if (!arrlenu(s->found))
		kfunc_explain(s, out);
	else if (can_probe(s, out))
		for (size_t i = 0; i < arrlenu(s->found); i++)
			arrput(out->points, kfunc_point(s, f, &s->found[i]));
	arrfree(s->found);
}

static bool symbol_wanted(const struct search *s, const struct dbg_sym *sym)
{
	if (sym->kind != DBG_SYM_FUNC || kblack_reason(s->ps, sym->name))
		return false;
	if (!is_glob(s->name))
		return !strcmp(s->name, sym->name);
	return !fnmatch(s->name, sym->name, 0) && (!strchr(sym->name, '.') || strchr(s->name, '.'));
}

/*
 * kprobe.* for a kernel that does not run here: functions by the symbols of its vmlinux.  What is in modules is only
 * known to the kernel that the program will run on, and believed.
 */
static void resolve_elsewhere(struct search *s, const struct probe_family *f, const struct probe_spec *spec,
			      struct probe_result *out)
{
	struct { const char *key; bool value; } *seen = NULL;
	const struct dbg_sym *sym = NULL;
	struct probe_image *img;
	struct dbg_error e;
	size_t n;

	s->elsewhere = true;
	s->name = spec->function;
	if (s->module) {
		arrput(s->found, ((struct kfunc){ .name = s->name, .module = s->module }));
	} else {
		img = probe_kernel_images(s->ps, NULL, &n, &e);
		if (n)
			sym = dbg_module_symbols(img[0].module, &n);
		else
			diag_warn(s->ps->diag, "no-symbols", &s->m->pt->at, "Kernel function symbol table missing "
				  "[man warning::symbols]: %s", e.msg);
		for (size_t i = 0; i < n; i++)
			if (symbol_wanted(s, &sym[i]) && shgeti(seen, sym[i].name) < 0) {
				shput(seen, sym[i].name, true);		/* several of a name are one point */
				arrput(s->found, ((struct kfunc){ .name = sym[i].name }));
			}
		shfree(seen);
	}
	for (size_t i = 0; i < arrlenu(s->found) && !spec->file; i++)
		arrput(out->points, kfunc_point(s, f, &s->found[i]));
	arrfree(s->found);
	if (!arrlenu(out->points))
		probe_fail(s->ps, out, "no-match", NULL, "no match");
}

/* What names of functions alone do not tell. */
static bool needs_debuginfo(const struct search *s, const char *text)
{
	switch (s->variant) {
	case PROCESS_FUNCTION:
	case PROCESS_CALL:
	case PROCESS_RETURN:
	case PROCESS_EXPORTED:
		return !text;
	default:
		return !is_plain_kprobe(s);
	}
}

/* The point means modules that are not loaded yet, too. */
static void note_late(struct search *s, const struct probe_spec *spec)
{
	struct arena *a = s->ps->arena;
	const char *slash = s->module ? strrchr(s->module, '/') : NULL, *text = s->module, *part = "statement";
	struct prog_late late = { .module = slash ? slash + 1 : s->module, .function = spec->function };

	if (!s->module || s->ps->listing)
		return;
	if (slash)	/* a file */
		late.module = arena_strndup(a, late.module, strcspn(late.module, "."));
	if (probe_match_string(s->m, "function"))
		part = "function";
	text = probe_match_string(s->m, part);
	late.point = arena_printf(a, "%smodule(%s).%s(%s)%s", is_plain_kprobe(s) ? "kprobe." : "",
				  probe_quote(a, s->module), part, text ? probe_quote(a, text) : "...",
				  probe_code_suffix(a, s->m));
	for (size_t i = 0; i < arrlenu(s->ps->late); i++)
		if (!strcmp(s->ps->late[i].point, late.point))
			return;
	arrput(s->ps->late, late);
}

static void kfunc_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			  struct probe_result *out)
{
	struct search s = { .ps = ps, .m = m, .variant = (enum process_variant)m->pattern->variant,
			    .module = probe_match_string(m, "module") };
	const char *text = probe_match_string(m, "function");
	struct probe_image *img = NULL;
	struct probe_spec spec = { 0 };
	struct dbg_error missing = { 0 };
	size_t n = 0;

	if (text && !probe_spec_parse(ps->arena, text, &spec)) {
		probe_fail(ps, out, "malformed", NULL, "malformed specification '%s'", text);
		return;
	}
	if (s.variant == PROCESS_ABSOLUTE) {
		absolute_point(&s, f, out);
		return;
	}
	if (is_plain_kprobe(&s) && !dbg_kernel_is_running(&(struct dbg_kernel_opts){ ps->release })) {
		resolve_elsewhere(&s, f, &spec, out);
		return;
	}
	note_late(&s, &spec);
	if (!is_plain_kprobe(&s))
		img = probe_kernel_images(ps, s.module, &n, &missing);
	for (size_t i = 0; i < n; i++)
		probe_resolve_place(ps, f, m, &img[i], out);
	if (!n) {
		if (needs_debuginfo(&s, text) || !dbg_kernel_is_running(&(struct dbg_kernel_opts){ ps->release })) {
			probe_kernel_missing(ps, out, &missing);
			return;
		}
		if (missing.code == DBG_EMISMATCH)
			diag_warn(ps->diag, "other-build", NULL, "%s: its debug information is not used", missing.msg);
		if (!take_spec(&s, &spec, &missing, out))
			return;
		resolve_symbols(&s, f, out);
	}
	if (!text && (text = probe_match_string(m, "statement")) && !probe_spec_parse(ps->arena, text, &spec))
		text = NULL;
	if (!arrlenu(out->points) && text && !ps->optional && !s.unarmed)
		kfunc_explain_refusal(ps, m, &spec, !n, out);
	ksyms_keep();
}

static const struct probe_var *kfunc_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n)
{
	return pt->func ? probe_code_vars(ps, pt, n) : probe_arg_vars(ps, pt, n);
}

const struct probe_family probe_family_kfunc = {
	.name = "kernel.function",
	.patterns = kfunc_patterns,
	.npatterns = sizeof(kfunc_patterns) / sizeof(kfunc_patterns[0]),
	.resolve = kfunc_resolve,
	.vars = kfunc_vars,
};
