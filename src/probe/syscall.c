/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * __syscall(N).call("NAME").function("FUNCTION") and .return: one system call by its number, as the native interface
 * counts; __syscall32: by the 32-bit one; __syscall.rest: all numbers that no other point of the handler has.
 * The tapset's aliases (syscall.NAME, made from tools/syscalls) are defined with these; users
 * do not write them.
 */
#include "probe/families.h"

#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/btf.h"

#define NATIVE_PREFIX	"__x64_sys_"
#define IA32_PREFIX	"__ia32_"	/* "compat_sys_" or "sys_" is part of the function's name there */

enum { CALL, RETURN };

#define CALL_ROWS(p)                                                                               \
	{ p, CALL },                                                                               \
	{ p ".return", RETURN }

static const struct probe_pattern syscall_patterns[] = {
	CALL_ROWS("__syscall(number).call(string).function(string)"),
	CALL_ROWS("__syscall32(number).call(string).function(string)"),
	CALL_ROWS("__syscall.rest"),
	CALL_ROWS("__syscall32.rest"),
};

/* pp() tells the event, as the calls of one handler share it. */
static const char *event_text(bool is_return)
{
	return is_return ? "kernel.trace(\"raw_syscalls:sys_exit\")" : "kernel.trace(\"raw_syscalls:sys_enter\")";
}

static void syscall_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			    struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);
	bool is_return = m->pattern->variant == RETURN, ia32 = !strcmp(m->name[0], "__syscall32");
	int64_t nr = -1;
	const char *function = NULL;
	struct dbg_error e;
	struct dbg_module *kernel = dbg_btf_kernel("vmlinux", &e);

	if (!kernel) {
		probe_fail(ps, out, "no-btf", NULL, "system calls need the kernel's type information "
			   "(CONFIG_DEBUG_INFO_BTF): %s", e.msg);
		return;
	}
	if (probe_match_long(m, m->name[0], &nr))
		function = probe_match_string(m, "function");
	pt->kind = is_return ? PROG_SYSRET : PROG_SYSCALL;
	pt->prog.kind = POINT_SYSCALL;
	pt->prog.name = is_return ? "sys_exit" : "sys_enter";
	pt->prog.syscall_nr = (int32_t)nr;
	pt->prog.syscall_ia32 = ia32;
	if (function)
		pt->prog.str[IR_PP_FUNC] = arena_printf(ps->arena, "%s%s", ia32 ? IA32_PREFIX : NATIVE_PREFIX,
							function);
	pt->prog.str[IR_PP_MARK] = probe_match_string(m, "call");
	pt->prog.str[IR_PP_TYPE] = "tracepoint";
	pt->prog.str[IR_PP_MODULE] = "kernel";
	pt->scope = PROBE_SCOPE_TRACE;
	pt->module = kernel;
	pt->params = dbg_btf_tracepoint(kernel, pt->prog.name, &pt->nparams);
	probe_point_spell(pt, event_text(is_return));
	arrput(out->points, pt);
}

const struct probe_family probe_family_syscall = {
	.name = "syscall",
	.patterns = syscall_patterns,
	.npatterns = sizeof(syscall_patterns) / sizeof(syscall_patterns[0]),
	.resolve = syscall_resolve,
	.vars = probe_arg_vars,
};
