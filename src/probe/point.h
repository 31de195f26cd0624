/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A resolved probe point: what one component list of the script became.
 *
 * One written point gives any number of these (wild cards, inlined copies, lines).
 * All memory is the arena of the struct probe_session that resolved it.
 */
#ifndef PROBE_POINT_H
#define PROBE_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/program.h"

struct ast_point;
struct dbg_func;
struct dbg_module;
struct dbg_param;
struct dbg_sdt;
struct dbg_type;
struct probe_family;

/* Which target variables ($...) the point has. */
enum probe_scope {
	PROBE_SCOPE_NONE,	/* begin, end, timers: none */
	PROBE_SCOPE_CODE,	/* variables of `func` at `pc`; func NULL: no debug information there */
	PROBE_SCOPE_RETURN,	/* $return, and the parameters of `func` as they were at its entry */
	PROBE_SCOPE_MARK,	/* $arg1 ... of `sdt`, $$name, $$provider, $$vars/$$parms */
	PROBE_SCOPE_SYSCALL,	/* process.syscall: $syscall, $arg1..$arg6, $$vars */
	PROBE_SCOPE_SYSCALL_RETURN, /* $syscall, $return */
	PROBE_SCOPE_PROCESS,	/* process.begin and friends: registers of the new image; no variables */
	PROBE_SCOPE_PLT,	/* a PLT stub: no variables but the ABI's registers */
	PROBE_SCOPE_TRACE,	/* `params` of a tracepoint, by position; $$name, $$vars/$$parms */
	PROBE_SCOPE_KERNEL,	/* `params` of a kernel function; none known: `type` is NULL */
	PROBE_SCOPE_KERNEL_RETURN, /* the same as they were at its entry, and $return */
	PROBE_SCOPE_FILE,	/* procfs, input: $value, a string; of .write and input read-only */
	PROBE_SCOPE_NETFILTER,	/* $skb, $in, $out, $hooknum, $verdict; `params` have the types */
};

/*
 * Slots of prog.ints (POINT_INT): what a shared handler must know about its point.  lower emits the
 * checks (lower/target.h, lower_target_filter()); the kernel part never sees these names.
 */
enum probe_int {
	PROBE_INT_PID,		/* process(PID): thread group, else 0 */
	PROBE_INT_INO,		/* inode and device of the image: process("PATH").begin and the like */
	PROBE_INT_DEV,
	PROBE_INT_CALLER_LO,	/* .callee: the caller's code, relative to the probed instruction */
	PROBE_INT_CALLER_HI,
	PROBE_INT_HOOK,		/* netfilter by nf_tables: the chain's hook and priority */
	PROBE_INT_PRIORITY,
	PROBE_INT_COUNT
};

/* Does the point have variables of the kernel? */
static inline bool probe_scope_is_kernel(enum probe_scope s)
{
	return s == PROBE_SCOPE_TRACE || s == PROBE_SCOPE_KERNEL || s == PROBE_SCOPE_KERNEL_RETURN ||
	       s == PROBE_SCOPE_NETFILTER;
}

/* What the handler checks before anything else. */
enum probe_filter {
	PROBE_FILTER_PID = 1,		/* current process is ints[PROBE_INT_PID] */
	PROBE_FILTER_IMAGE = 2,		/* its program is the file ints[INO], ints[DEV] */
	PROBE_FILTER_TARGET = 4,	/* descends from the target of -c / -x, or there is no target */
	PROBE_FILTER_LEADER = 8,	/* process.begin/.end: thread group leaders only */
	PROBE_FILTER_THREAD = 16,	/* thread.begin/.end: other threads only */
	/* The function was called from ints[CALLER_LO] .. ints[CALLER_HI]; the return address is */
	PROBE_FILTER_CALLER_RSP = 32,	/* at [rsp] */
	PROBE_FILTER_CALLER_RBP = 64,	/* at [rbp + 8] */
	PROBE_FILTER_CALLER_RIP = 128,	/* the pc: right after the return */
	/* argument 0 is a chain of nf_tables that this stap made, with ints[HOOK], ints[PRIORITY] */
	PROBE_FILTER_CHAIN = 256,
};

/* PROBE_SCOPE_NETFILTER: `params` by what they describe. */
enum { PROBE_NETFILTER_SKB, PROBE_NETFILTER_STATE, PROBE_NETFILTER_PARAMS };

struct probe_point {
	const struct probe_family *family;
	const struct ast_point *written;	/* the component list it comes from */
	enum prog_kind kind;			/* kind of program its handler becomes */
	struct prog_point prog;			/* all filled but handler, at, str[IR_PP_NAME] */

	/* Spellings, as SystemTap's: what pp() and -p2 print first; what -p2 prints as the derived
	 * point behind "<-"; what -l and -L print. */
	const char *canonical, *derived, *listing;
	const char *pc_text;			/* "pc=.dynamic+0x11d8" for -p2's comment, or NULL */

	enum probe_scope scope;
	bool own_scope;				/* .function and its kin: $$vars and -L show the function's
						 * own scope, not blocks that happen to start at pc */
	struct dbg_module *module;		/* of the code, or the kernel's BTF; NULL: none */
	const struct dbg_func *func;		/* function or inlined copy, NULL: symbol only */
	uint64_t pc;				/* link address of the probed instruction; for returns
						 * the function's entry */
	const struct dbg_sdt *sdt;		/* marks */
	const char *symbol;			/* function name without debug information, or NULL */
	const struct dbg_type *type;		/* PROBE_SCOPE_KERNEL*: the function's, by the kernel's BTF */
	const struct dbg_param *params;		/* and PROBE_SCOPE_TRACE: its parameters */
	size_t nparams;
	unsigned filter;			/* enum probe_filter bits */
};

/* A variable as -L prints it: "$name:type". */
struct probe_var {
	const char *name, *type;
	bool local;		/* a variable of the handler (an alias's), shown without the $ */
};

#endif
