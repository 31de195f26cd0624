/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions, inline instances, lines and variables of a module.
 *
 * Requires dbg_module_debug() == 0 for DWARF; everything here returns nothing
 * (n = 0, NULL) for a module without.  Returned pointers live as long as the module.
 */
#ifndef DBG_FUNC_H
#define DBG_FUNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbg/error.h"
#include "dbg/loc.h"
#include "dbg/type.h"

struct dbg_range {
	uint64_t lo, hi;		/* [lo, hi) link addresses */
};

struct dbg_cu;				/* private, except through the functions below */

/*
 * A function that has code: an out-of-line instance (concrete) or one inlined copy.
 * Both can be probed at `entry` and hold variables.
 */
struct dbg_func {
	const char *name;		/* DW_AT_name: "foo", "operator+" */
	const char *linkage_name;	/* mangled name, or NULL */
	const char *file;		/* declaration file as SystemTap's -L prints it; NULL unknown */
	uint32_t line;			/* declaration line; 0 unknown */
	bool is_inline;			/* an inlined copy, not a callable function */
	bool exported;			/* DW_AT_external */
	bool has_loclists;		/* its CU was optimised: location lists hold at `entry` */
	uint64_t entry;			/* lowest/entry pc of the code; inlined copies: their entry pc */
	const struct dbg_range *ranges;
	uint32_t nranges;		/* 0: an inlined copy with no instruction of its own left */
	uint32_t call_line;		/* inlined copies: where it was inlined */
	const char *call_file;
	struct dbg_cu *cu;
	struct dbg_module *module;
	uint64_t die, origin;		/* private handles; `origin` (abstract instance) is equal for
					 * all copies of the same source function */
	uint64_t depth_parent;		/* private */
};

/* ---- finding functions ---- */

/*
 * All functions and inlined copies whose name matches the glob `name` (SystemTap's: * ? [] and
 * plain names; C++ names match with or without their "ns::cls::" prefix) and, if `file` is not
 * NULL, whose declaration file matches it the way SystemTap matches "@file" (whole path, or a
 * glob/trailing part at a '/' boundary).  A function is also found by another name that the
 * symbol table has for it ("malloc" finds __libc_malloc).  What partial inlining split off a
 * function is left out, and so are further copies at the same address: they are not calls of
 * their own.  Functions come before inlined copies, each sorted by address.
 */
const struct dbg_func *const *dbg_funcs_find(struct dbg_module *m, const char *name,
					     const char *file, size_t *n);
/* Of those the copies that are inlined in f, not in other copies there; only f's unit is read. */
const struct dbg_func *const *dbg_func_copies(const struct dbg_func *f, const char *name, size_t *n);
/* The names of all functions, some more than once, from the index; stb_ds array, the caller frees it. */
const char **dbg_func_names(struct dbg_module *m);
/* Innermost function or inlined copy at pc; walk outwards with dbg_func_parent. */
const struct dbg_func *dbg_func_at(struct dbg_module *m, uint64_t pc);
/* The out-of-line function at pc. */
const struct dbg_func *dbg_func_outer_at(struct dbg_module *m, uint64_t pc);
/* For an inlined copy: the copy or function that it is inlined in.  NULL for functions. */
const struct dbg_func *dbg_func_parent(const struct dbg_func *f);
/* Where SystemTap puts probe .function("f"): after the prologue when the CU has no location lists
 * (-O0), else the entry.  Inlined copies: entry. */
uint64_t dbg_func_probe_pc(const struct dbg_func *f);
/* DW_AT_name of its CU ("src/core/nginx.c") and the compiler's DW_AT_producer; "" unknown. */
const char *dbg_func_cu_name(const struct dbg_func *f);
const char *dbg_func_producer(const struct dbg_func *f);
/* Code labels of a function: (name, pc).  For .label(). */
struct dbg_label {
	const char *name;
	uint64_t pc;
	uint32_t line;
};
const struct dbg_label *dbg_func_labels(const struct dbg_func *f, size_t *n);
/* Direct calls made by `f` (call-site entries): callee names, for .callee(). */
struct dbg_callsite {
	uint64_t ret_pc;		/* return address */
	const char *callee;		/* NULL: indirect */
	bool tail;
};
const struct dbg_callsite *dbg_func_callsites(const struct dbg_func *f, size_t *n);

/* Whether `file` (a CU's or declaration's path) matches a script's file pattern. */
bool dbg_file_matches(const char *file, const char *pattern);
/* All source files with code that match; for "did you mean" and statement points. */
const char *const *dbg_files_find(struct dbg_module *m, const char *pattern, size_t *n);

/* ---- lines ---- */

struct dbg_line {
	uint64_t pc;
	const char *file;
	uint32_t line, col;
	bool is_stmt, end_sequence, prologue_end;
};

enum dbg_line_mode {
	DBG_LINE_ABSOLUTE,		/* file:N */
	DBG_LINE_RELATIVE,		/* file+N: N lines after the function's declaration */
	DBG_LINE_RANGE,			/* file:N-M */
	DBG_LINE_WILDCARD,		/* file:* */
};

/* One address where SystemTap would put a .statement() probe. */
struct dbg_stmt {
	uint64_t pc;
	const char *file;
	uint32_t line;
	const struct dbg_func *func;	/* innermost function or inlined copy at pc */
};

/*
 * Statement points for function glob `name` in files matching `file` and lines by mode.  Sorted
 * by pc.  With none in a function that matched, *near (may be NULL) gets the closest line that
 * has code, 0 if no such file or function.
 */
const struct dbg_stmt *dbg_stmts_find(struct dbg_module *m, const char *name, const char *file,
				      enum dbg_line_mode mode, uint32_t first, uint32_t last,
				      size_t *n, uint32_t *near);
/* The line table row covering pc; false: none. */
bool dbg_line_at(struct dbg_module *m, uint64_t pc, struct dbg_line *out);
/* The last line of f's file that code of f's own is from; its declaration's line if there is none. */
uint32_t dbg_func_last_line(const struct dbg_func *f);
/* Frames at pc, innermost first: inlined copies then the function; each with its source line (the
 * call line for outer ones).  Returns the count, at most `max`. */
struct dbg_frame_line {
	const struct dbg_func *func;
	const char *file;
	uint32_t line;
};
size_t dbg_frames_at(struct dbg_module *m, uint64_t pc, struct dbg_frame_line *out, size_t max);

/* ---- variables ---- */

struct dbg_var {
	const char *name;
	const struct dbg_type *type;
	bool is_param;
	bool is_global;			/* namespace or file scope; static locals are not */
	uint16_t depth;			/* 0: the function's own scope, as `.function` probes list it;
					 * else in a nested block, or without code of its own there */
	uint32_t line;			/* declaration line, 0 unknown */
	const char *file;
	struct dbg_loc loc;		/* at the pc asked for */
	struct dbg_module *module;
	uint64_t die;			/* private */
	struct dbg_cu *cu;		/* private */
	const struct dbg_func *func;	/* private: the scope it was found in */
};

/*
 * All variables of the scopes around pc as seen from `f`, innermost block first, then outwards
 * to the function or inlined copy `f` itself (what an inlined copy was inlined in is another
 * function: see dbg_func_parent), each with its location at pc.  Unavailable ones are included
 * with loc.kind == DBG_LOC_NONE; a name hidden by an inner one is included later in the list.
 */
const struct dbg_var *dbg_vars_at(const struct dbg_func *f, uint64_t pc, size_t *n);
/*
 * `$name` at pc in f: innermost scope outwards, then globals of the CU.  0 and *out (loc may be
 * unavailable: then -DBG_EUNAVAIL, *out is filled but for its location and *e says why, naming the
 * nearest line where it has a value); -DBG_ENOENT: no such variable.
 */
int dbg_var_find(const struct dbg_func *f, uint64_t pc, const char *name, struct dbg_var *out,
		 struct dbg_error *e);
/* @var("name@file"): a file-scope or static variable of a CU matching `cu_glob` (NULL: any).
 * `near` (may be NULL): prefer its CU. */
int dbg_global_find(struct dbg_module *m, const struct dbg_func *near, const char *name,
		    const char *cu_glob, struct dbg_var *out, struct dbg_error *e);
/* A variable that a unit matching `cu_glob` (NULL: any) only declares; it has no location. */
bool dbg_global_declared(struct dbg_module *m, const char *name, const char *cu_glob, struct dbg_var *out);
/* Names visible at pc, for "did you mean" / alternatives; stb_ds array, caller arrfree()s. */
const char **dbg_var_names(const struct dbg_func *f, uint64_t pc);

/* ---- entry values ---- */

/*
 * A value that a function had at its entry is known to its callers: what a call site tells is a program over
 * the CALLER's registers.  To evaluate it: unwind one frame, look the return address up, run the
 * operations with the caller's registers.
 */
struct dbg_entry_value {
	uint64_t ret_pc;
	const struct dbg_op *ops;
	size_t nops;
};
/* DBG_OP_ENTRY_REG `reg` of the function called before `ret_pc`: 0 and *out or -DBG_ENOENT. */
int dbg_entry_value_at(struct dbg_module *caller, uint64_t ret_pc, int reg,
		       struct dbg_entry_value *out);
/* The same for DBG_OP_ENTRY_PARAM: a parameter the compiler removed, `param` being the op's argument. */
int dbg_entry_param_at(struct dbg_module *caller, uint64_t ret_pc, int64_t param,
		       struct dbg_entry_value *out);
/* Those calls of f that tell it by registers which are the same at the first instruction of f (rsp
 * being 8 less there); *all: whether those are all calls of f. */
const struct dbg_entry_value *dbg_entry_params(const struct dbg_func *f, int64_t param, size_t *n,
					       bool *all);

/* ---- calling convention (x86_64 System V) ---- */

/* The return type; DBG_VOID when it returns nothing. */
const struct dbg_type *dbg_func_return_type(const struct dbg_func *f);
/* Where the return value is right after the return: REGISTER, MEMORY (via rax), PIECES (two
 * registers), NONE for void or an unsupported type. */
void dbg_return_location(const struct dbg_type *t, struct dbg_loc *out);

#endif
