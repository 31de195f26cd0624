/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The typed intermediate representation: what every handler and function is
 * lowered to, and what both engines (src/bpf, src/interp) consume.
 *
 * Shape: structured statements over expression trees.  No jumps, no registers,
 * no machine limits.  Locals are mutable cells of type i64 or string that live
 * for one call; a handler's locals start as 0 or "".
 *
 * Rules, enforced by ir_check() after every pass:
 *  - An op flagged EFFECT stands only at the root of an IR_SET or IR_EVAL;
 *    expression trees below are free of effects, so operand order is free,
 *    except that LAZY ops evaluate later operands only when needed.
 *  - Types: i64 and str never mix; every str expression has bound >= 1, the
 *    size of the buffer that holds it, NUL included, at most `maxstr`.
 *  - IR_BREAK and IR_CONTINUE stand inside a loop; IR_RETURN with a value only
 *    in functions that return one.
 *  - KONLY ops only in kernel handlers and functions only they call.
 *
 * Soft errors unwind to the nearest IR_TRY, else end the handler.
 * All memory is the module's arena's.
 */
#ifndef IR_IR_H
#define IR_IR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/source.h"

#define IR_MAX_KEYS	9

enum ir_type { IR_VOID, IR_I64, IR_STR, IR_STAT };	/* IR_STAT: value type of globals only */

enum ir_op {
#define OP(e, text, result, args, flags) IR_##e,
#include "ir/ops.def"
#undef OP
	IR_OP_COUNT
};

enum ir_op_flag {
	IRF_PURE = 1 << 0, IRF_READ = 1 << 1, IRF_EFFECT = 1 << 2, IRF_FAIL = 1 << 3,
	IRF_LAZY = 1 << 4, IRF_KONLY = 1 << 5, IRF_UONLY = 1 << 6,
	IRF_SYM_LOCAL = 1 << 8, IRF_SYM_GLOBAL = 1 << 9, IRF_SYM_FUNC = 1 << 10,
	IRF_SYM_FORMAT = 1 << 11, IRF_SYM_REGEX = 1 << 12, IRF_SYM_NAMES = 1 << 13,
};

struct ir_op_info {
	const char *name;
	int result;		/* enum ir_type, or -1: any */
	const char *args;
	unsigned flags;
};
extern const struct ir_op_info ir_op_table[IR_OP_COUNT];

enum ir_stat { IR_STAT_COUNT, IR_STAT_SUM, IR_STAT_MIN, IR_STAT_MAX, IR_STAT_AVG, IR_STAT_VARIANCE };

enum ir_point_str {
	IR_PP_FULL,	/* pp(): probe point as resolved */
	IR_PP_FUNC,	/* ppfunc()/probefunc(): function name or "" */
	IR_PP_NAME,	/* pn(): the alias that the script names, or the probe point with wild cards expanded */
	IR_PP_TYPE,	/* probe_type() */
	IR_PP_MODULE,	/* path of the probed module or "" */
	IR_PP_MARK,	/* $$name: name of the mark or tracepoint */
	IR_PP_PROVIDER,	/* $$provider */
	IR_PP_COUNT
};

enum ir_own_field { IR_OWN_PRIO, IR_OWN_NICE, IR_OWN_CPU };

enum ir_service {
	IR_SERVICE_SHELL,	/* run as a shell command */
	IR_SERVICE_KMSG,	/* a line for the kernel's log, "<level>text" */
	IR_SERVICE_TRACE,	/* a line for the kernel's trace buffer */
	IR_SERVICE_SWITCH_FILE,	/* the next output file of -o with -S; text unused */
	IR_SERVICE_PANIC,	/* crashes the machine; the text goes to the kernel's log before */
};

enum ir_sym {
	IR_SYM_NAME, IR_SYM_DATA, IR_SYM_MODULE, IR_SYM_FILELINE, IR_SYM_FILE, IR_SYM_LINE,
	IR_SYM_NOW = 8,		/* flag, set by ir_pass_names(): a kernel handler looks at the text */
};
#define IR_SYM_FORM(imm)	((enum ir_sym)((imm) & 7))

struct ir_expr {
	enum ir_op op;
	enum ir_type type;
	uint32_t bound;		/* str: buffer size with the NUL */
	uint32_t sym;		/* index, by the op's SYM_ flag */
	int64_t imm;
	const char *str;	/* IR_STRLIT (may not contain NUL) */
	uint32_t nargs;
	struct ir_expr **args;
	struct span at;		/* place that errors name */
};

enum ir_stmt_kind {
	IR_S_SET,	/* local `sym` = expr */
	IR_S_EVAL,	/* expr (EFFECT) */
	IR_S_IF,	/* expr, body, orelse */
	IR_S_LOOP,	/* forever body; after each round (also on continue) `orelse` as step; left by break */
	IR_S_FOREACH,	/* see struct ir_foreach */
	IR_S_BREAK, IR_S_CONTINUE,
	IR_S_RETURN,	/* optional expr; in a handler: ends it normally (`next`) */
	IR_S_TRY,	/* body; on a soft error `orelse`, with the message in local `sym` if has_sym */
	IR_S_ACTION,	/* counts imm statements against MAXACTION (placed by lowering) */
};

enum ir_sort_by { IR_SORT_NONE, IR_SORT_KEY, IR_SORT_VALUE, IR_SORT_STAT };

/* Unsorted order is insertion order.  The elements are those present when the loop starts. */
struct ir_foreach {
	uint32_t global;		/* array, or scalar/array element whose histogram is walked */
	bool hist;			/* walk the buckets: key_local[0] = bucket index */
	struct ir_expr **hist_keys;	/* hist over an array element: its keys */
	uint32_t nkeys;
	int32_t key_local[IR_MAX_KEYS];	/* local receiving each key, -1: not wanted */
	int32_t value_local;		/* local receiving the value (i64/str arrays), -1 */
	struct ir_expr *slice[IR_MAX_KEYS];	/* only elements whose key equals this; NULL: any */
	enum ir_sort_by sort;
	uint32_t sort_key;		/* IR_SORT_KEY: 0-based */
	enum ir_stat sort_stat;		/* IR_SORT_STAT */
	bool descending;
	struct ir_expr *limit;		/* NULL: all */
};

struct ir_stmt {
	enum ir_stmt_kind kind;
	struct span at;
	uint32_t sym;
	bool has_sym;
	int64_t imm;
	struct ir_expr *expr;
	struct ir_stmt *body, *orelse;	/* lists */
	struct ir_foreach *foreach;
	struct ir_stmt *next;
};

struct ir_local {
	const char *name;	/* for the text form; unique within the function */
	enum ir_type type;
	uint32_t bound;
};

enum ir_lock { IR_LOCK_NONE, IR_LOCK_READ, IR_LOCK_WRITE };

struct ir_func {
	const char *name;
	struct span at;
	uint32_t nparams;	/* the first locals */
	struct ir_local *locals;	/* stb_ds array */
	enum ir_type ret;
	uint32_t ret_bound;
	struct ir_stmt *body;
	bool recursive;		/* set by ir_analyse(): may reach itself */
	uint8_t *locks;		/* set by ir_analyse(): enum ir_lock per global; handlers only,
				   callees included; NONE where the lock is provably not needed */
};

enum ir_hist_kind { IR_HIST_NONE, IR_HIST_LINEAR, IR_HIST_LOG };

struct ir_global {
	const char *name;	/* as the user wrote it */
	struct span at;
	enum ir_type type;	/* of the value */
	uint32_t bound;		/* str value */
	bool is_array;
	uint32_t nkeys;
	enum ir_type key_type[IR_MAX_KEYS];
	uint32_t key_bound[IR_MAX_KEYS];
	uint32_t max_entries;	/* arrays: MAXMAPENTRIES or the declared size */
	bool sized;			/* max_entries was declared; only for the words of the overflow error */
	bool wrap;		/* '%': full arrays drop the oldest entry */
	bool hidden;		/* made by the compiler: not shown, not locked */
	struct { bool is_str; int64_t i; const char *s; bool set; } init;
	uint32_t stat_ops;	/* bit set of enum ir_stat that are read anywhere */
	enum ir_hist_kind hist;
	int64_t hist_lo, hist_hi, hist_step;	/* linear */
	bool lock_free;		/* set by ir_analyse() */
	bool read, written;	/* by any code kept */
};

/* One conversion of a print format, or a run of literal text. */
enum ir_conv { IR_CONV_TEXT, IR_CONV_INT, IR_CONV_UINT, IR_CONV_OCT, IR_CONV_HEX, IR_CONV_HEX_UP,
	       IR_CONV_CHAR, IR_CONV_STR, IR_CONV_PTR, IR_CONV_BIN /* %b */, IR_CONV_MEM /* %m */,
	       IR_CONV_MEM_HEX /* %M */ };

enum { IR_FMT_MINUS = 1, IR_FMT_PLUS = 2, IR_FMT_SPACE = 4, IR_FMT_ALT = 8, IR_FMT_ZERO = 16 };

struct ir_piece {
	enum ir_conv conv;
	const char *text;
	uint32_t text_len;
	uint8_t flags;
	bool width_arg, prec_arg;	/* '*': one i64 argument before the value, width first */
	int32_t width, prec;		/* -1: none */
};

struct ir_format {
	struct ir_piece *pieces;	/* stb_ds array; arguments are taken in order */
};

/* A regular expression; the DFA is built by ir/regex.c. */
struct ir_regex {
	const char *text;
	struct span at;
	void *dfa;			/* struct ir_dfa */
};

struct ir_module {
	struct arena *arena;
	uint32_t maxstr;		/* MAXSTRINGLEN: the largest bound */
	uint32_t point_bound[IR_PP_COUNT];	/* of what the probe points have for POINT_STR; 0: not known */
	struct ir_global **globals;	/* stb_ds arrays */
	struct ir_func **funcs;
	struct ir_format **formats;
	struct ir_regex **regexes;
	struct ir_names **names;	/* ir/names.h */
	struct names_table *names_table;	/* their entries; NULL: none yet */
	uint32_t names_used;		/* of its entries */
	struct ir_func **handlers;	/* bodies of program handlers, see ir/program.h */
};

/* ir.c: construction */
struct ir_module *ir_module_create(struct arena *a);
/* An empty function, an empty format, not yet in a module. */
struct ir_func *ir_func_new(struct arena *a);
struct ir_format *ir_format_alloc(struct arena *a);
struct ir_expr *ir_expr_new(struct ir_module *m, enum ir_op op, const struct span *at, uint32_t nargs, ...);
struct ir_expr *ir_const(struct ir_module *m, int64_t v, const struct span *at);
struct ir_expr *ir_str(struct ir_module *m, const char *s, const struct span *at);
struct ir_stmt *ir_stmt_new(struct ir_module *m, enum ir_stmt_kind kind, const struct span *at);
/* Adds a local; returns its index. */
uint32_t ir_local_add(struct ir_module *m, struct ir_func *f, const char *name, enum ir_type type, uint32_t bound);
struct ir_expr *ir_local_ref(struct ir_module *m, struct ir_func *f, uint32_t local, const struct span *at);
/* The letter of deferred text (ir/wire.h) that stands for USYM or KSYM. */
char ir_sym_letter(const struct ir_expr *e);

#endif
