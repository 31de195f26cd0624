/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables of the kernel's own points: arguments of tracepoints and functions by position and their results, as
 * the kernel's BTF types them, and the kernel's global variables.
 */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/btf.h"
#include "dbg/kernelfile.h"
#include "sema/target_access.h"

#define REGISTERS	6	/* that pass parameters */

static struct target_access *kernel_value(struct target_binder *b, enum access_base base,
					  const struct dbg_type *type, const char *name)
{
	struct target_access *a;

	if (dbg_type_sizeof(type) > 8)
		return access_fail(b, "wide-value", &b->e->at, "'%s' of %u bytes is not accessible", name,
				   (unsigned)dbg_type_sizeof(type));
	a = access_new(b, ACCESS_FETCH);
	a->base = base;
	a->module = b->c->point->module;
	a->kernel = true;
	a->ctype = type;
	return a;
}

/*
 * Where parameter i is, counted in words: first the six registers, then the stack.  Structures of two words take two
 * registers if there are that many left; larger ones are on the stack.
 */
static uint32_t parameter_word(const struct probe_point *pt, size_t i)
{
	uint32_t registers = 0, stack = 0;

	for (size_t k = 0;; k++) {
		uint64_t size = dbg_type_sizeof(pt->params[k].type);
		uint32_t words = size > 8 ? (uint32_t)((size + 7) / 8) : 1;
		bool fits = words <= 2 && registers + words <= REGISTERS;

		if (k == i)
			return fits ? registers : REGISTERS + stack;
		*(fits ? &registers : &stack) += words;
	}
}

struct target_access *target_parameter(struct target_binder *b, size_t i)
{
	const struct probe_point *pt = b->c->point;
	struct target_access *a = kernel_value(b, BASE_ARG, pt->params[i].type, pt->params[i].name);

	if (!a)
		return NULL;
	a->arg = parameter_word(pt, i);
	/* a trampoline has the arguments at the return too */
	if (pt->kind == PROG_KRETPROBE)
		a->entry = target_entry_of(b);
	return a;
}

struct target_access *target_no_parameter(struct target_binder *b, const char *name)
{
	static const char *const common[] = { "$$name", "$$parms", "$$vars" };
	struct arena *arena = b->c->ps->arena;
	const struct probe_point *pt = b->c->point;
	bool trace = pt->scope == PROBE_SCOPE_TRACE;
	const char **names = NULL, *like;

	if (!trace && !pt->module)
		return access_fail(b, "no-btf", &b->e->at, "unable to find '$%s': the kernel offers no type "
				   "information (CONFIG_DEBUG_INFO_BTF, /sys/kernel/btf/vmlinux), so the parameters of its "
				   "functions are not known", name);
	if (!trace && !pt->type)
		return access_fail(b, "no-prototype", &b->e->at, "unable to find '$%s': the kernel's type information "
				   "does not describe the function '%s', so its parameters are not known", name,
				   pt->symbol);
	for (size_t i = 0; i < pt->nparams; i++)
		if (pt->params[i].name)
			arrput(names, arena_printf(arena, "$%s", pt->params[i].name));
	if (pt->prog.kind == POINT_SYSCALL)
		target_syscall_names(arena, pt, &names);
	if (pt->kind == PROG_SYSRET)
		arrput(names, "$return");
	for (size_t i = trace ? 0 : 1; i < sizeof(common) / sizeof(common[0]); i++)
		arrput(names, common[i]);
	if (pt->scope == PROBE_SCOPE_KERNEL_RETURN)
		arrput(names, "$return");
	like = probe_similar(arena, arena_printf(arena, "$%s", name), names, arrlenu(names), arrlenu(names));
	arrfree(names);
	if (trace)
		return access_fail(b, "no-variable", &b->e->at, "unable to find tracepoint variable '$%s' "
				   "(alternatives: %s)", name, like);
	return access_fail(b, "no-variable", &b->e->at, "unable to find parameter '$%s' of kernel function '%s' "
			   "(alternatives: %s); local variables need the kernel's debug information", name, pt->symbol,
			   like);
}

struct target_access *target_kernel_result(struct target_binder *b)
{
	const struct probe_point *pt = b->c->point;
	const struct dbg_type *type = pt->type ? dbg_type_target(pt->type) : NULL;

	if (!type)
		return target_no_parameter(b, "return");
	if (type->kind == DBG_VOID)
		return access_fail(b, "no-return", &b->e->at, "function '%s' does not return a value", pt->symbol);
	return kernel_value(b, BASE_RESULT, type, "$return");
}

struct target_access *target_kernel_bind(struct target_binder *b, const char *name)
{
	const struct probe_point *pt = b->c->point;

	if (pt->scope == PROBE_SCOPE_KERNEL_RETURN && !strcmp(name, "return"))
		return target_kernel_result(b);
	for (size_t i = 0; i < pt->nparams; i++)
		if (pt->params[i].name && !strcmp(pt->params[i].name, name))
			return target_parameter(b, i);
	if (pt->kind == PROG_SYSRET && !strcmp(name, "return"))
		return target_syscall_result(b);
	if (pt->prog.kind == POINT_SYSCALL) {
		struct target_access *a = target_syscall_parameter(b, name);

		if (a)
			return a;
	}
	return pt->func ? target_local(b, name) : target_no_parameter(b, name);
}

static struct dbg_loc memory_at(struct target_binder *b, uint64_t addr)
{
	const struct dbg_op op = { .op = DBG_OP_ADDR, .a = (int64_t)addr };

	return (struct dbg_loc){ .kind = DBG_LOC_MEMORY, .nops = 1,
				 .ops = arena_memdup(b->c->ps->arena, &op, sizeof(op)) };
}

static const struct dbg_type untyped = { .kind = DBG_VOID };

/* By BTF and the list of symbols; for an address alone no type is needed. */
static struct target_access *var_by_symbol(struct target_binder *b)
{
	const struct ast_target *t = b->e->target;
	bool per_cpu = false;
	struct dbg_error e;
	struct dbg_module *kernel = dbg_btf_kernel("vmlinux", &e);
	const struct dbg_type *type = kernel ? dbg_btf_var(kernel, t->symbol, &per_cpu) : NULL;
	struct arena *arena = b->c->ps->arena;
	uint64_t addr = 0;
	struct target_access *a;
	const char *place;

	place = arena_printf(arena, "%s/kernel/%s", dbg_kernel_build_id(), t->symbol);
	if (!dbg_kernel_base(place, &addr, &e))
		return access_fail(b, "no-global", &b->e->at, "unable to find global '%s' in kernel", t->symbol);
	if (!type && t->addressof && !t->naccesses)
		type = &untyped;
	if (!type)
		return access_fail(b, "global-type", &b->e->at,
				   "the type of global '%s' of the kernel is not known: its type "
				   "information (BTF) describes no such variable, and its debug information is not "
				   "installed; @cast(&@var(\"%s\", \"kernel\"), \"TYPE\", \"kernel\") reads it",
				   t->symbol, t->symbol);
	a = access_new(b, ACCESS_FETCH);
	a->base = BASE_LOC;
	a->loc = memory_at(b, 0);
	a->place = place;
	a->per_cpu = per_cpu;
	a->kernel = true;
	a->ctype = type;
	return a;
}

/* One of debug information; the location of what is only declared, as jiffies is, by the linker's symbol. */
static bool var_by_debug(struct target_binder *b, struct dbg_module *m, struct dbg_var *v)
{
	const struct ast_target *t = b->e->target;
	const char *cu = t->cu && *t->cu ? t->cu : NULL;
	const struct dbg_sym *symbol;
	struct dbg_error e;

	if (!dbg_global_find(m, NULL, t->symbol, cu, v, &e))
		return true;
	symbol = dbg_symbol_find(m, t->symbol);
	if (!symbol || !dbg_global_declared(m, t->symbol, cu, v))
		return false;
	v->loc = memory_at(b, symbol->addr);
	return true;
}

/* A variable of the kernel or its module: of its debug information, or what BTF describes at the kernel's symbol. */
struct target_access *target_kernel_var(struct target_binder *b, const char *module, unsigned use)
{
	const struct probe_session *ps = b->c->ps;
	struct dbg_kernel_opts o = { ps->release, ps->debug_path, ps->no_debuginfod };
	bool of_module = module && strncmp(module, "kernel", 6), named = b->e->target->module && *b->e->target->module;
	struct target_access *a;
	struct dbg_module *m;
	struct dbg_error e;
	struct dbg_var v;

	m = of_module ? dbg_kernel_module_open(&o, module, &e) : NULL;
	if (of_module && named && !m)
		return access_fail(b, "no-global", &b->e->at, "unable to find global '%s' in %s: %s",
				   b->e->target->symbol, module, e.msg);
	if (m && !var_by_debug(b, m, &v)) {
		if (named)
			return access_fail(b, "no-global", &b->e->at, "unable to find global '%s' in %s",
					   b->e->target->symbol, module);
		m = NULL;
	}
	if (!m) {
		m = dbg_kernel_open(&o, &e);
		if (m && !var_by_debug(b, m, &v))
			m = NULL;
	}
	a = m ? access_of_var(b, &v, 0) : var_by_symbol(b);
	return a ? target_finish(b, a, a->ctype, false, use) : NULL;
}
