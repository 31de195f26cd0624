/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Target variables: $x, $x->y[i], &$x, $x$, $$vars, @var, @cast, @entry, $return, $argN ...
 *
 * target_bind() looks one up at a probe point and returns a description of the access with its type,
 * or says what is wrong.  Nothing is printed and the AST is not changed: the caller (sema) keeps the
 * access with the expression (ast_expr.sema or a side table of its own), types the subexpressions that
 * the access mentions (all are longs), and issues the diagnostic unless the use is elided or stands
 * in @defined.  lower/target.h makes IR of it.
 *
 * Descriptions live in the arena of the probe session; equal source text at points with equal locations gives
 * descriptions that lower to equal IR, so such points can share a handler.
 */
#ifndef SEMA_TARGET_H
#define SEMA_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "lang/ast.h"
#include "probe/family.h"

struct dbg_type;
struct diag;
struct target_access;

enum target_use {
	TARGET_READ = 1,
	TARGET_WRITE = 2,	/* assigned; needs guru mode */
};

struct target_ctx {
	struct probe_session *ps;
	const struct probe_point *point;	/* NULL: in a function (only @cast and @var work there) */
	/* AUTOCAST `(e)->m`: the C type that sema knows e to have (target_access_type() of where the value
	 * came from), or NULL: unknown. */
	const struct dbg_type *operand_type;
	bool operand_kernel;	/* e is an address of the kernel's */
};

/*
 * Binds e, one of EXPR_TARGET, EXPR_ATVAR, EXPR_CAST, EXPR_AUTOCAST, EXPR_ENTRY, EXPR_PERF; `use` is a set of enum
 * target_use.  NULL: not possible, and *why (a diagnostic not yet issued, never NULL) says so.
 * EXPR_ENTRY wraps any expression: the caller types its operand; the access takes its value at the
 * function's entry (see target_entry_operand()).
 */
struct target_access *target_bind(struct target_ctx *c, const struct ast_expr *e, unsigned use,
				  struct diag **why);

/* AST_LONG or AST_STRING. */
enum ast_type target_type(const struct target_access *a);
/* C type of the value, for (e)->m on variables assigned from it; NULL: none. */
const struct dbg_type *target_access_type(const struct target_access *a);
/* Whether addresses that the value holds are the kernel's. */
bool target_access_is_kernel(const struct target_access *a);
/* If not NULL: the value must be taken at the entry of the point's function, by a handler of its own
 * at *this* point ("entry handler"), and looked up at the return: .return's $parameters and @entry.
 * Lowering makes that handler; sema needs it only for -p2. */
const struct probe_point *target_entry_point(const struct target_access *a);

/* @enum / @const-like: the value of an enumerator in the point's module or `module`.  False: none. */
bool target_enum(struct target_ctx *c, const char *name, const char *module, int64_t *value);

#endif
