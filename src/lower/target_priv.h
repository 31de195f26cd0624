/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of target variables' lowering; for src/lower/target*.c alone. */
#ifndef LOWER_TARGET_PRIV_H
#define LOWER_TARGET_PRIV_H

#include "lower/parts.h"
#include "lower/target.h"
#include "sema/target_access.h"

/* A place on the way to an object: an address, or bytes of a location that has none. */
struct target_place {
	struct ir_expr *addr;		/* in memory, or NULL: */
	struct ir_expr *value;		/* from byte `off` of this value of 8 bytes, or NULL: */
	const struct dbg_loc *loc;	/* from byte `off` of this location */
	int64_t off;
};

/* target_loc.c: the value that location ops compute; the access says in which module and function. */
struct ir_expr *target_ops(struct lower *L, const struct target_access *a, const struct dbg_op *ops, size_t n);
/* size bytes at a place, zero-extended. */
struct ir_expr *target_load(struct lower *L, const struct target_access *a, const struct target_place *p,
			    uint32_t size);
/* Where the access's steps lead. */
void target_walk(struct lower *L, const struct target_access *a, struct target_place *p);
/* The number an access stands for (FETCH, ADDRESS). */
struct ir_expr *target_number(struct lower *L, const struct target_access *a);
/* May evaluating it fault? */
bool target_may_fault(const struct target_access *a);
struct ir_expr *target_register(struct lower *L, const struct target_access *a, int reg);
/* run-time minus link-time address of a module in the current process; NULL: always 0 */
struct ir_expr *target_bias(struct lower *L, struct dbg_module *m, const struct span *at);
/* An address of the kernel's or a module's file, where the kernel that runs the program will have it. */
struct ir_expr *target_kernel_address(struct lower *L, const struct target_access *a, struct dbg_module *m,
				      uint64_t addr);
/* Issues an error of this layer (something that the program cannot express) and returns a 0. */
struct ir_expr *target_fail(struct lower *L, const struct target_access *a, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* target_entry.c: a value kept by a handler at the function's entry. */
struct ir_expr *target_kept_value(struct lower *L, const struct target_access *a);
/* Register reg as it was at the entry of the function that the access is in. */
struct ir_expr *target_entry_register(struct lower *L, const struct target_access *a, int reg);

/* What the caller would have passed for a parameter that the compiler removed. */
struct ir_expr *target_entry_param(struct lower *L, const struct target_access *a, int64_t param);

/* target_chain.c: leaves the handler unless argument 0 is the point's own chain of nf_tables. */
void target_filter_chain(struct lower *L);

/* target_format.c */
struct ir_expr *target_text(struct lower *L, const struct target_access *a);

/* target_ir.c: any access, ignoring that it may belong to another point. */
struct ir_expr *target_value(struct lower *L, const struct target_access *a);

#endif
