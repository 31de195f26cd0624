/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What target_bind() found: how to get at a target variable.  Read by src/lower/target*.c.
 *
 * A fetch starts from a base, which is either an address or a value without one (in a register, in
 * pieces ...), and follows steps to the object; `final` says how the object is read.  Steps before
 * the first dereference move within the base value when that has no address.
 */
#ifndef SEMA_TARGET_ACCESS_H
#define SEMA_TARGET_ACCESS_H

#include "dbg/func.h"
#include "dbg/loc.h"
#include "dbg/module.h"
#include "dbg/type.h"
#include "sema/target.h"

enum access_step_kind {
	STEP_OFFSET,		/* n bytes further */
	STEP_DEREF,		/* the pointer here is the next address */
	STEP_INDEX,		/* operand times n bytes further */
};

struct access_step {
	enum access_step_kind kind;
	int64_t n;
	uint32_t operand;
};

enum access_base {
	BASE_LOC,		/* `loc`, of `module` */
	BASE_OPERAND,		/* the operand is the address */
	BASE_CONTEXT,		/* n bytes (size) of the program's context at an offset */
	BASE_SDT,		/* argument of a mark */
	BASE_ARG,		/* argument `arg` of the program: a value of 8 bytes */
	BASE_SYSARG,		/* argument `arg` of the system call, likewise */
	BASE_RESULT,		/* the function's result, likewise */
	BASE_COUNTER,		/* perf counter number `arg` */
	BASE_VERDICT,		/* what becomes of the packet of a netfilter hook */
};

enum access_kind {
	ACCESS_FETCH,		/* the value */
	ACCESS_ADDRESS,		/* its address */
	ACCESS_TEXT,		/* `text`: $$vars, $x$ ... */
	ACCESS_POINT,		/* a string of the point: enum ir_point_str */
	ACCESS_VALUE,		/* $value of a file: a string */
	ACCESS_EXPR,		/* @entry: a script expression, taken at the entry */
};

/* One part of a text: literal, or a value with its conversion. */
enum text_conv {
	TEXT_LITERAL,
	TEXT_INT, TEXT_UINT,	/* decimal */
	TEXT_HEX,		/* with 0x */
	TEXT_POINTER,
	TEXT_CHAR,		/* 'x', escaped */
	TEXT_STRING,		/* the access is the address of a string: quoted, escaped */
	TEXT_NESTED,		/* the access is itself a text, with its own fate on a fault */
};

struct text_part {
	enum text_conv conv;
	const char *literal;
	struct target_access *value;
	uint64_t max;		/* TEXT_STRING: at most so many bytes; 0: no limit */
};

struct target_access {
	enum access_kind kind;
	enum ast_type type;
	const struct dbg_type *ctype;
	struct span at;

	enum access_base base;
	struct dbg_loc loc;
	struct dbg_module *module;	/* what relocated locations are relative to */
	const struct dbg_func *func;	/* for values at the function's entry */
	uint64_t pc;
	uint32_t context_offset, context_size;
	struct dbg_sdt_arg sdt;
	uint32_t arg;
	bool kernel;			/* addresses are the kernel's */
	const char *place;		/* loc: what its addresses are behind (prog_place.base), not `module`'s file */
	bool per_cpu;			/* and each processor has a copy */
	bool partial;			/* in a text: may be unknown for some callers, as a fault */

	struct access_step *steps;
	size_t nsteps;
	uint32_t size;			/* 1, 2, 4, 8 */
	bool is_signed;
	uint32_t bit_offset, bit_size;	/* bit field: from the last step's place; size 0: none */

	struct text_part *parts;
	size_t nparts;
	const char *on_fault;		/* TEXT: replaces the whole; NULL: each part falls to "?" */
	int point_str;

	struct ast_expr **operands;
	size_t noperands;
	const struct probe_point *entry;	/* evaluate there, at the function's entry */
};

#define ACCESS_MAX_CALLERS 16	/* call sites told apart for a parameter the compiler removed */

/* The out-of-line function that the access is in, or NULL. */
const struct dbg_func *access_function(const struct target_access *a);

/* ---- between the files of target binding ---- */

struct target_binder {
	struct target_ctx *c;
	const struct ast_expr *e;
	struct diag *why;
	const char *no_header;		/* why the types of a header could not be had; NULL: none was asked for */
};

/* Sets why (the first reason stays) and returns NULL. */
struct target_access *access_fail(struct target_binder *b, const char *tag, const struct span *at,
				  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
struct target_access *access_new(struct target_binder *b, enum access_kind kind);
/* A fetch of a located variable. */
struct target_access *access_of_var(struct target_binder *b, const struct dbg_var *v, uint64_t pc);
/* Copies steps, so that a pretty printer can go on from an access in several directions. */
struct target_access *access_fork(struct target_binder *b, const struct target_access *a);
void access_step(struct target_binder *b, struct target_access *a, enum access_step_kind kind, int64_t n);

/*
 * Follows the accesses [first, n) of t from an object of type `type` at the end of a's steps; sets a->ctype.
 * With `element`, the object is the first of an array of unknown length (@cast).  False: b->why is set.
 */
bool access_walk(struct target_binder *b, struct target_access *a, const struct ast_target *t,
		 const struct dbg_type *type, bool element);
/* Sets how the object is read or written; false: b->why. */
bool access_finish(struct target_binder *b, struct target_access *a, const struct ast_target *t, unsigned use);
/* The same for a plain read, without a reason when it fails. */
bool access_scalar(struct target_binder *b, struct target_access *a);

/* target.c */
/* The point at the function's entry that keeps values for a return point. */
const struct probe_point *target_entry_of(struct target_binder *b);
/* The object of $name in described code, before any ->. */
struct target_access *target_local(struct target_binder *b, const char *name);
/* $return, and argument n of a mark or system call; NULL and b->why, or NULL alone: none. */
struct target_access *target_return_value(struct target_binder *b);
struct target_access *target_argument(struct target_binder *b, unsigned n);
unsigned target_argument_count(struct target_binder *b);
/* Object found: walks on from it and finishes; NULL: b->why. */
struct target_access *target_finish(struct target_binder *b, struct target_access *a, const struct dbg_type *type,
				    bool element, unsigned use);

/* target_kernel.c; each NULL and b->why */
/* $name at a point of the kernel; $return; @var(...) of the kernel or a module of it. */
struct target_access *target_kernel_bind(struct target_binder *b, const char *name);
struct target_access *target_kernel_result(struct target_binder *b);
struct target_access *target_kernel_var(struct target_binder *b, const char *module, unsigned use);
/* Says that there is no such $name, and which there are. */
struct target_access *target_no_parameter(struct target_binder *b, const char *name);
/* A parameter of the system call at the point; NULL: it has none of that name, or the kernel does not tell. */
struct target_access *target_syscall_parameter(struct target_binder *b, const char *name);
/* $return at the end of a system call */
struct target_access *target_syscall_result(struct target_binder *b);
/* Appends the names of its parameters, each behind a $. */
void target_syscall_names(struct arena *a, const struct probe_point *pt, const char ***names);
/* Parameter i of a point that has them by position; NULL and b->why. */
struct target_access *target_parameter(struct target_binder *b, size_t i);
/* " (FILE:LINE)" of a type's declaration, or "". */
const char *target_type_place(struct arena *arena, const struct dbg_type *t);

/* target_modules.c */
struct target_module {
	struct dbg_module *module;	/* describes its types */
	bool kernel;			/* the kernel or a module of it, `name` */
	const char *name;
};
/* The modules of "A:B:C", the point's own for ""; stb_ds array, the caller's to free. */
struct target_module *target_modules(struct target_binder *b, const char *text);
/* What messages call the place that was searched. */
const char *target_searched(struct target_binder *b, const char *text);

/* target_netfilter.c: $name of a netfilter hook, finished; NULL and b->why. */
struct target_access *target_netfilter_bind(struct target_binder *b, const char *name, unsigned use);

/* target_text.c */
struct target_access *access_pretty(struct target_binder *b, struct target_access *object, bool deep);
struct target_access *access_context(struct target_binder *b, const char *name, const char *pretty);

#endif
