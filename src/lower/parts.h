/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of expression lowering, one file each; for src/lower alone. */
#ifndef LOWER_PARTS_H
#define LOWER_PARTS_H

#include "lower/lower.h"

/* The IR's type; IR_VOID where there is no value. */
enum ir_type lower_type(enum ast_type t);

/* A global with its keys: what a[k1,k2] and a scalar name have in common. */
struct lower_place {
	uint32_t global;
	uint32_t nkeys;
	struct ir_expr *keys[IR_MAX_KEYS];
};

/* expr.c: may evaluating `e` change state that a sibling expression reads? */
bool lower_has_effects(const struct ast_expr *e);
/* expr.c: evaluates the keys of a symbol or index expression. */
void lower_place(struct lower *L, const struct ast_expr *e, struct lower_place *p);
/* An op on a place: keys first, then `value` if it is not NULL. */
struct ir_expr *lower_place_op(struct lower *L, enum ir_op op, const struct lower_place *p,
			       struct ir_expr *value, const struct span *at);
/* An op of one or two operands with the result type of the table. */
struct ir_expr *lower_op1(struct lower *L, enum ir_op op, struct ir_expr *a, const struct span *at);
struct ir_expr *lower_op2(struct lower *L, enum ir_op op, struct ir_expr *a, struct ir_expr *b,
			  const struct span *at);
/* An op with arguments in an array. */
struct ir_expr *lower_opn(struct lower *L, enum ir_op op, struct ir_expr *const *args, uint32_t n,
			  const struct span *at);

/* assign.c; `want`: the value is used, else NULL is returned */
struct ir_expr *lower_assign(struct lower *L, const struct ast_expr *e, bool want);
struct ir_expr *lower_incdec(struct lower *L, const struct ast_expr *e, bool want);
/* Emits `lvalue = value` for a variable (foreach keys, catch messages); local or global. */
void lower_store_var(struct lower *L, const struct ast_expr *var, struct ir_expr *value);
/* The IR local of a script's local variable. */
uint32_t lower_var(struct lower *L, const struct ast_var *v);

/* call.c */
struct ir_expr *lower_call(struct lower *L, const struct ast_expr *e, bool want);
/* Is a call of `f` an effect (a script function, or a primitive whose op is one)? */
bool lower_call_has_effects(const struct ast_function *f);
/*
 * The op that the embedded text of a tapset primitive names; `args` are the values of the
 * parameters of `f` (both NULL for an expression).  NULL if it has no value.
 */
struct ir_expr *lower_primitive(struct lower *L, const struct ast_embedded *code,
				const struct ast_function *f, struct ir_expr *const *args,
				const struct span *at, bool want);
/* Lowers the body of a function that lower_function() knows; false after an error. */
bool lower_function_body(struct lower_module *m, const struct ast_function *f);
/* `next` in a function: hands over to the overload of next lower priority. */
void lower_next_overload(struct lower *L, const struct span *at);

/* register.c: the register of the hit that `name` (a string) names; zero-extended if `is_unsigned`. */
struct ir_expr *lower_register(struct lower *L, struct ir_expr *name, bool is_unsigned,
			       const struct span *at);

/* print.c */
struct ir_expr *lower_print(struct lower *L, const struct ast_expr *e);

/* sleepable.c: sets the handlers' `sleepable`. */
void lower_mark_sleepable(struct program *p, bool names);

/* mechanism.c: handlers of trampolines that need registers become those of kprobes. */
void lower_choose_mechanism(struct lower_module *m);

/* foreach.c */
bool lower_has_wildcard(const struct ast_expr *e);	/* a[1, *] */
/* `[1, *] in a` and `delete a[1, *]`. */
struct ir_expr *lower_in_slice(struct lower *L, const struct ast_expr *e);
void lower_delete_slice(struct lower *L, const struct ast_expr *e);
void lower_foreach(struct lower *L, const struct ast_stmt *s);

/* stmt.c: a statement as the body of something, with its own action count. */
void lower_body(struct lower *L, const struct ast_stmt *s, struct ir_stmt **list);

#endif
