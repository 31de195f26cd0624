/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree of the SystemTap language, as pass 1 builds it and pass 2
 * annotates it.
 *
 * - All nodes live in the arena given to the parser; nothing is freed alone.
 * - Names and string literals are interned: compare with ==.
 * - Lists are a pointer and a count, allocated in the arena.
 * - Fields under "pass 2" are zero after parsing and belong to sema.
 * - No tree is deeper than AST_MAX_DEPTH levels: recursive walks are safe.
 */
#ifndef LANG_AST_H
#define LANG_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"

#define AST_MAX_DEPTH 1000

enum ast_type {
	AST_UNKNOWN,
	AST_LONG,
	AST_STRING,
	AST_STATS,
};

struct ast_expr;
struct ast_stmt;
struct ast_file;

/* Code between %{ and %}, without these marks. */
struct ast_embedded {
	struct span at;
	const char *text;	/* with its pragma comments */
	uint32_t tags;		/* AST_TAG_* found in the comments */
};

/* Pragmas in the comments of embedded code. */
enum {
	AST_TAG_PURE = 1 << 0,		/* pure: no side effects */
	AST_TAG_STABLE = 1 << 1,	/* stable: same value all through a handler */
	AST_TAG_UNPRIVILEGED = 1 << 2,
	AST_TAG_MYPROC = 1 << 3,	/* myproc-unprivileged */
	AST_TAG_GURU = 1 << 4,
	AST_TAG_UNMANGLED = 1 << 5,
	AST_TAG_UNMODIFIED = 1 << 6,	/* unmodified-fnargs */
	AST_TAG_STRING = 1 << 7,	/* string (embedded expressions): its type */
	AST_TAG_BPF = 1 << 8,		/* bpf: assembly of SystemTap's own eBPF back end */
};

/* ---- declarations ---- */

/* A global, a function parameter or a local variable. */
struct ast_var {
	struct span at;
	const char *name;
	enum ast_type type;	/* written (parameters, initialised globals) or inferred */
	struct ast_file *file;
	bool is_private;
	bool wrap;		/* `a%`: the oldest entry gives way */
	int64_t maxsize;	/* `a[N]`; 0: not given */
	struct ast_expr *init;	/* number or string literal, or NULL */

	/* pass 2 */
	struct span type_at;	/* where the type was inferred */
	int arity;		/* number of keys; sema sets -1 while unknown */
	struct span arity_at;
	enum ast_type *key_types;
	bool is_global;		/* set by the parser for globals */
	bool synthetic;		/* made by sema, not by the user */
	void *sema;
};

struct ast_function {
	struct span at;			/* the name */
	const char *name;
	struct ast_file *file;
	bool is_private;
	enum ast_type type;		/* written return type; AST_UNKNOWN: infer */
	struct span type_at;
	struct ast_var **params;
	size_t nparams;
	int64_t priority;		/* `:N`; not written: 0 in scripts, 1 in the library */
	bool has_priority;
	struct ast_stmt *body;		/* for embedded functions one STMT_EMBEDDED */

	/* pass 2 */
	struct ast_var **locals;
	size_t nlocals;
	bool synthetic;
	void *sema;
};

/* One component of a probe point: NAME or NAME(LITERAL). */
struct ast_component {
	struct span at;
	const char *name;	/* may hold the wild card characters * and ? */
	struct ast_expr *arg;	/* EXPR_NUMBER or EXPR_STRING, or NULL */
};

/* One probe point; brace lists are already expanded. */
struct ast_point {
	struct span at;
	struct ast_component *components;
	size_t ncomponents;
	bool optional;		/* `?` */
	bool sufficient;	/* `!` (implies optional) */
	struct ast_expr *cond;	/* `if (cond)`, or NULL */
};

/*
 * A probe, or with nnames > 0 an alias:
 * `probe name1 = name2 = point, point { body }`.
 */
struct ast_probe {
	struct span at;
	struct ast_file *file;
	bool is_private;
	struct ast_point **names;
	size_t nnames;
	bool epilogue;		/* alias with `+=` */
	struct ast_point **points;
	size_t npoints;
	struct ast_stmt *body;
	struct ast_stmt *body2;	/* aliases `= point { prologue }, { epilogue }`, or NULL */

	/* pass 2 */
	struct ast_var **locals;
	size_t nlocals;
	void *sema;
};

struct ast_file {
	const struct source *src;
	const char *name;
	bool library;		/* a tapset file */
	bool synthetic;
	struct ast_embedded **embeds;
	size_t nembeds;
	struct ast_var **globals;
	size_t nglobals;
	struct ast_function **functions;
	size_t nfunctions;
	struct ast_probe **aliases;
	size_t naliases;
	struct ast_probe **probes;
	size_t nprobes;

	void *sema;		/* pass 2 */
};

/* ---- expressions ---- */

enum ast_expr_kind {
	EXPR_NUMBER,
	EXPR_STRING,
	EXPR_EMBEDDED,	/* %{ ... %} */
	EXPR_SYMBOL,	/* variable */
	EXPR_INDEX,	/* base[keys], base a symbol or a histogram */
	EXPR_TARGET,	/* $name components, &$name, $$vars */
	EXPR_ATVAR,	/* @var("name@file", "module") components */
	EXPR_CAST,	/* @cast(e, "type", "module") components */
	EXPR_AUTOCAST,	/* (e) components */
	EXPR_DEFINED,	/* @defined(e) */
	EXPR_ENTRY,	/* @entry(e) */
	EXPR_PROBEWRITE,	/* @probewrite(e) */
	EXPR_PERF,	/* @perf("name") */
	EXPR_CONST,	/* @const("text") */
	EXPR_ENUM,	/* @enum("name"[, "module"]) */
	EXPR_REGISTER,	/* @kregister(dwarf number), @uregister */
	EXPR_DEREF,	/* @kderef(size, address), @uderef */
	EXPR_STAT,	/* @count(s) ... @variance(s, shift) */
	EXPR_HIST,	/* @hist_linear(s, low, high, width), @hist_log(s) */
	EXPR_CALL,
	EXPR_PRINT,	/* print, printf, printd, println, printdln, print_char, s... */
	EXPR_UNARY,
	EXPR_PREFIX,	/* ++x --x */
	EXPR_POSTFIX,	/* x++ x-- */
	EXPR_BINARY,	/* arithmetic and bitwise */
	EXPR_COMPARE,
	EXPR_LOGICAL,	/* && || */
	EXPR_CONCAT,	/* a . b */
	EXPR_REGEX,	/* a =~ "re", a !~ "re" */
	EXPR_IN,	/* [keys] in array */
	EXPR_TERNARY,
	EXPR_ASSIGN,
};

enum ast_op {
	OP_NONE,
	/* binary; also the operation of a compound assignment */
	OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD,
	OP_SHL, OP_SHR, OP_USHR,	/* >>> is the logical shift */
	OP_AND, OP_OR, OP_XOR,
	OP_CONCAT,			/* `.=` */
	OP_AGGREGATE,			/* `<<<`, assignment only */
	/* unary */
	OP_NEG, OP_PLUS, OP_BITNOT, OP_NOT,
	/* comparison */
	OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
	/* logical */
	OP_LOGAND, OP_LOGOR,
	/* regex */
	OP_MATCH, OP_NOMATCH,
	/* ++ -- */
	OP_INC, OP_DEC,
	OP_COUNT
};

/* "+", "<<<", ...: as written in scripts (without the = of assignments). */
const char *ast_op_text(enum ast_op op);
const char *ast_type_text(enum ast_type t);

/* One step behind a target variable. */
enum ast_access_kind {
	ACCESS_MEMBER,		/* ->name or .name */
	ACCESS_LITERAL,		/* [3] */
	ACCESS_INDEX,		/* [expr] */
	ACCESS_PRETTY,		/* $ or $$ at the end */
};

struct ast_access {
	enum ast_access_kind kind;
	struct span at;
	const char *member;	/* ACCESS_MEMBER; "$" or "$$" for ACCESS_PRETTY */
	int64_t number;		/* ACCESS_LITERAL */
	struct ast_expr *index;	/* ACCESS_INDEX */
};

/* The common part of $x, @var, @cast and (e)->x. */
struct ast_target {
	const char *name;	/* "$x"; "@var"/"@cast" for these; NULL for AUTOCAST */
	bool addressof;		/* & in front */
	struct ast_access *accesses;
	size_t naccesses;
	struct ast_expr *operand;	/* CAST, AUTOCAST */
	const char *type_name;		/* CAST: "struct foo", without the quotes */
	const char *module;		/* CAST, ATVAR: "" where not given */
	const char *symbol;		/* ATVAR: the name before @ */
	const char *cu;			/* ATVAR: the file after @, or "" */
	const char *full;		/* ATVAR: the literal as written */
};

enum ast_stat {
	STAT_COUNT,
	STAT_SUM,
	STAT_AVG,
	STAT_MIN,
	STAT_MAX,
	STAT_VARIANCE,
	STAT_NONE,		/* foreach: no aggregate sort */
};

/* "@count", ... */
const char *ast_stat_text(enum ast_stat s);

enum ast_hist {
	HIST_LINEAR,
	HIST_LOG,
};

/* One part of a format string. */
enum ast_conv {
	CONV_LITERAL,
	CONV_SIGNED,		/* %d %i */
	CONV_UNSIGNED,		/* %u %o %x %X */
	CONV_CHAR,		/* %c */
	CONV_STRING,		/* %s */
	CONV_POINTER,		/* %p */
	CONV_BINARY,		/* %b: raw bytes of a number */
	CONV_MEMORY,		/* %m: raw memory */
	CONV_MEMORY_HEX,	/* %M: memory in hex */
};

enum {
	FMT_ZEROPAD = 1 << 0,
	FMT_PLUS = 1 << 1,
	FMT_SPACE = 1 << 2,
	FMT_LEFT = 1 << 3,
	FMT_SPECIAL = 1 << 4,	/* # */
	FMT_UPPER = 1 << 5,	/* %X */
};

enum ast_fmt_size {
	FMT_NONE,		/* not given */
	FMT_STATIC,		/* a number in the format */
	FMT_DYNAMIC,		/* `*`: an argument */
};

struct ast_format {
	enum ast_conv conv;
	const char *literal;	/* CONV_LITERAL: decoded text */
	unsigned base;		/* CONV_UNSIGNED: 8, 10, 16 */
	unsigned flags;		/* FMT_* */
	enum ast_fmt_size width_kind, precision_kind;
	unsigned width, precision;
};

struct ast_print {
	const char *name;	/* as written: "printf", "sprintln", ... */
	bool to_string;		/* s... */
	bool with_format;	/* ...f */
	bool with_delim;	/* ...d, ...dln */
	bool with_newline;	/* ...ln */
	bool with_char;		/* print_char */
	const char *raw_format;	/* with_format: decoded */
	struct ast_format *formats;
	size_t nformats;
	const char *delim;	/* with_delim: decoded */
	struct ast_expr **args;
	size_t nargs;
	struct ast_expr *hist;	/* print(@hist_...(s)): EXPR_HIST, then no args */
};

struct ast_expr {
	enum ast_expr_kind kind;
	enum ast_op op;
	enum ast_type type;	/* known literals' from parsing; the rest inferred in pass 2 */
	uint32_t depth;		/* height of the tree below */
	struct span at;
	union {
		int64_t number;
		const char *string;		/* decoded; ends at its first NUL */
		struct ast_embedded *embedded;
		struct {
			const char *name;
			struct ast_var *referent;	/* pass 2 */
		} symbol;
		struct {
			struct ast_expr *base;	/* EXPR_SYMBOL or EXPR_HIST */
			struct ast_expr **keys;	/* a NULL key is `*` */
			size_t nkeys;
		} index;			/* EXPR_INDEX; EXPR_IN uses it too */
		struct ast_target *target;	/* TARGET ATVAR CAST AUTOCAST */
		struct {
			struct ast_expr *operand;
		} wrap;				/* DEFINED, ENTRY, PROBEWRITE */
		struct {
			const char *text, *module;
		} name;				/* PERF, CONST, ENUM */
		struct {
			bool user;		/* @u... rather than @k... */
			int64_t number;		/* REGISTER: DWARF number; DEREF: size */
			struct ast_expr *address;	/* DEREF */
		} raw;				/* REGISTER, DEREF */
		struct {
			enum ast_stat fn;
			struct ast_expr *stat;	/* EXPR_SYMBOL or EXPR_INDEX */
			bool has_param;
			int64_t param;		/* @variance's shift */
		} stat;
		struct {
			enum ast_hist kind;
			struct ast_expr *stat;
			int64_t low, high, width;
		} hist;
		struct {
			const char *name;
			struct ast_expr **args;
			size_t nargs;
			struct ast_function **targets;	/* pass 2: overloads by priority */
			size_t ntargets;
		} call;
		struct ast_print *print;
		struct {
			struct ast_expr *operand;
		} unary;			/* UNARY, PREFIX, POSTFIX */
		struct {
			struct ast_expr *left, *right;
		} binary;			/* BINARY COMPARE LOGICAL CONCAT REGEX ASSIGN */
		struct {
			struct ast_expr *cond, *yes, *no;
		} ternary;
	};
	struct span type_at;	/* pass 2: where the type was first inferred */
	void *sema;		/* pass 2 */
};

/* ---- statements ---- */

enum ast_stmt_kind {
	STMT_BLOCK,
	STMT_EMPTY,	/* ; */
	STMT_EXPR,
	STMT_IF,
	STMT_WHILE,
	STMT_FOR,
	STMT_FOREACH,
	STMT_RETURN,
	STMT_DELETE,
	STMT_NEXT,
	STMT_BREAK,
	STMT_CONTINUE,
	STMT_TRY,
	STMT_EMBEDDED,
};

struct ast_foreach {
	struct ast_expr **keys;		/* EXPR_SYMBOL each */
	size_t nkeys;
	struct ast_expr *value;		/* `value = [keys] in`: EXPR_SYMBOL or NULL */
	struct ast_expr *base;		/* array: EXPR_SYMBOL, or EXPR_HIST */
	struct ast_expr **slice;	/* arr[1, *]: a NULL entry is `*`; NULL: no slice */
	size_t nslice;
	int sort_dir;			/* +1 ascending, -1 descending, 0 unsorted */
	unsigned sort_column;		/* 0: the value, 1..: that key */
	enum ast_stat sort_stat;	/* sort by this aggregate of the value, or STAT_NONE */
	struct ast_expr *limit;		/* or NULL */
	struct ast_stmt *body;
};

struct ast_stmt {
	enum ast_stmt_kind kind;
	struct span at;
	union {
		struct {
			struct ast_stmt **stmts;
			size_t nstmts;
		} block;
		struct ast_expr *expr;		/* EXPR, DELETE; RETURN (NULL: no value) */
		struct {
			struct ast_expr *cond;
			struct ast_stmt *yes, *no;	/* no may be NULL */
		} if_;
		struct {
			struct ast_expr *init, *cond, *step;	/* init and step may be NULL */
			struct ast_stmt *body;
		} loop;				/* WHILE (cond only), FOR */
		struct ast_foreach *foreach;
		struct {
			struct ast_stmt *body, *handler;
			struct ast_expr *error;	/* catch (error): EXPR_SYMBOL, or NULL */
		} try_;
		struct ast_embedded *embedded;
	};
	void *sema;		/* pass 2 */
};

#endif
