/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lowering: the typed AST of pass 2 becomes IR and the program description.
 *
 * An AST expression becomes an effect-free IR tree; whatever it does (assigns,
 * calls, prints) is emitted as statements before the statement that uses the
 * tree.  Where a later operand has effects, earlier operands are saved in
 * temporaries first, so evaluation is left to right as the script reads.
 *
 * This header is for the files of src/lower; the entry point for others is
 * lower_program() in lower/program.h.
 */
#ifndef LOWER_LOWER_H
#define LOWER_LOWER_H

#include "base/diag.h"
#include "ir/ir.h"
#include "ir/program.h"
#include "lang/ast.h"

struct probe_point;

/* A register, or a parameter that the compiler removed, as it was at the entry of a function. */
struct lower_entry_key {
	const struct dbg_func *func;
	const struct ir_func *owner;	/* the handler that alone may use it; NULL: any */
	int64_t reg, param;
};

/* What is common to the whole program. */
struct lower_module {
	struct arena *arena;
	struct diag_sink *diag;
	struct ir_module *ir;
	struct program *program;
	uint32_t maxstr;
	bool skip_badvars;		/* target variables that cannot be read are 0 */
	struct { const struct ast_var *key; uint32_t value; } *global_of;	/* hmap */
	struct { const struct ast_function *key; uint32_t value; } *func_of;	/* hmap */
	struct { char *key; uint32_t value; } *format_of;			/* shmap */
	/* the overload that `next` in one goes on with */
	struct { const struct ast_function *key; const struct ast_function *value; } *next_of;	/* hmap */
	struct { struct lower_entry_key key; uint32_t value; } *entry_of;	/* hmap: the array that keeps it */
	struct { char *key; uint32_t value; } *call_entry_of;	/* shmap: the same of @entry(key) in system calls */
	const struct ast_function **pending;	/* functions called but not lowered yet; stb_ds array */
	uint32_t temp_count;		/* makes temporaries' and hidden globals' names unique */
};

/* One function or handler being lowered. */
struct lower {
	struct lower_module *mod;
	struct ir_func *func;
	const struct probe_point *point;	/* handlers: the point; functions: NULL */
	const struct ast_function *fn;		/* functions: what is being lowered; else NULL */
	struct ir_expr **passed;		/* functions with a further overload: the arguments as passed */
	struct ir_stmt **tail;			/* where lower_emit() appends */
	struct ir_stmt *actions;		/* IR_S_ACTION of the current straight run, or NULL */
	struct { const struct ast_var *key; uint32_t value; } *local_of;	/* hmap */
	unsigned loops;				/* around the current statement */
	bool failed;				/* a diagnostic was issued */
};

/* ---- emission ---- */

/* Appends a statement to the list being built. */
void lower_emit(struct lower *L, struct ir_stmt *s);

/* Directs emission into the list *list until lower_into_end() gets back what this returned. */
struct ir_stmt **lower_into(struct lower *L, struct ir_stmt **list);
void lower_into_end(struct lower *L, struct ir_stmt **saved);

/* A fresh local; the index. */
uint32_t lower_new_local(struct lower *L, const char *hint, enum ir_type type, uint32_t bound);
/* Emits `local = value`. */
void lower_set(struct lower *L, uint32_t local, struct ir_expr *value, const struct span *at);
/* Emits an EFFECT op whose result is not wanted. */
void lower_eval(struct lower *L, struct ir_expr *effect);
/* Saves a value (or the result of an EFFECT op) in a fresh local and returns a reference to it. */
struct ir_expr *lower_save(struct lower *L, struct ir_expr *value);
/* The same tree if it is a constant, else lower_save(). Use where a tree is needed twice. */
struct ir_expr *lower_share(struct lower *L, struct ir_expr *value);
struct ir_expr *lower_local(struct lower *L, uint32_t local, const struct span *at);

/* Emits `if (cond) { ... }` and returns the statement; fill ->body and ->orelse with lower_into(). */
struct ir_stmt *lower_if(struct lower *L, struct ir_expr *cond, const struct span *at);
/* Emits an empty IR_TRY, likewise. */
struct ir_stmt *lower_try(struct lower *L, const struct span *at);

/* ---- translation ---- */

/* The value of an expression; its effects are emitted. */
struct ir_expr *lower_expr(struct lower *L, const struct ast_expr *e);
/* Its effects only. */
void lower_expr_void(struct lower *L, const struct ast_expr *e);
/* Evaluates several, left to right; `out` gets n trees valid together. */
void lower_exprs(struct lower *L, struct ast_expr *const *e, size_t n, struct ir_expr **out);
void lower_stmt(struct lower *L, const struct ast_stmt *s);

/* ---- tables of the module ---- */

/* The IR global of a script's global; a hidden one of the compiler's own. */
uint32_t lower_global(struct lower_module *m, const struct ast_var *v);
uint32_t lower_hidden_global(struct lower_module *m, const struct ir_global *proto);
/* Index of a format equal to `f` (copied). */
uint32_t lower_format(struct lower_module *m, const struct ir_format *f);
/* Index of the format that printf-like `text` spells: only %d %s %x %u %p %c and text, for compiler-made output. */
uint32_t lower_format_text(struct lower_module *m, const char *text);
/* Index of a compiled regular expression; false after a diagnostic. */
bool lower_regex(struct lower *L, const char *text, const struct span *at, uint32_t *index);

/*
 * Adds a handler of the compiler's own (for example the entry half of a return
 * probe) that fires at `desc`; desc->handler is filled here, from kind and body.
 */
void lower_add_point(struct lower_module *m, enum prog_kind kind, struct ir_func *body,
		     const struct prog_point *desc);

#endif
