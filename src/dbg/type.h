/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of the traced program, the same whether they come from DWARF or BTF.
 *
 * A dbg_type is created on first use and lives as long as its module; equal
 * origin gives the same pointer.  Parts that may recurse (target, members) are
 * resolved on demand by the accessors, so a cyclic or hostile description costs
 * nothing until it is walked, and every chain walk here is bounded.
 */
#ifndef DBG_TYPE_H
#define DBG_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct dbg_module;

enum dbg_type_kind {
	DBG_VOID,
	DBG_INT,		/* any integer but bool and char */
	DBG_BOOL,
	DBG_CHAR,		/* (un)signed char and friends: 1, 2 or 4 bytes */
	DBG_FLOAT,		/* also complex and decimal floats: not readable as a number */
	DBG_ENUM,
	DBG_POINTER,
	DBG_REFERENCE,		/* C++ & */
	DBG_RVALUE_REFERENCE,	/* C++ && */
	DBG_ARRAY,
	DBG_STRUCT,
	DBG_UNION,
	DBG_CLASS,
	DBG_TYPEDEF,
	DBG_CONST,
	DBG_VOLATILE,
	DBG_RESTRICT,
	DBG_ATOMIC,
	DBG_FUNCTION,		/* a function type; behind a pointer: function pointer */
	DBG_MEMBER_POINTER,	/* C++ T C::* */
	DBG_UNSPECIFIED,	/* e.g. decltype(nullptr), or a producer's own invention */
};

struct dbg_type {
	enum dbg_type_kind kind;
	bool is_signed;		/* DBG_INT, DBG_CHAR, DBG_ENUM */
	bool declaration;	/* struct/union/class/enum: only declared here; see dbg_type_complete */
	const char *name;	/* without "struct "; NULL when anonymous */
	uint64_t size;		/* bytes; 0 if unknown; arrays: whole array, 0 if unbounded */
	struct dbg_module *module;	/* where it was described */
	const struct dbg_type_ops *ops;	/* private: back end */
	uint64_t ref;			/* private: back end's handle */
	void *lazy;			/* private: resolved parts */
};

/* A member of a struct, union or class.  Offsets are in bits from its start. */
struct dbg_member {
	const char *name;		/* NULL: anonymous member, look inside its type */
	const struct dbg_type *type;
	uint64_t bit_offset;
	uint32_t bit_size;		/* 0: not a bitfield */
	bool is_base;			/* C++ base class */
};

struct dbg_enumerator {
	const char *name;
	int64_t value;
};

struct dbg_param {
	const char *name;		/* NULL: unnamed */
	const struct dbg_type *type;
};

/* What pointers, arrays, typedefs, qualifiers refer to, functions return, enums are based on.
 * Never NULL: void is a dbg_type of kind DBG_VOID. */
const struct dbg_type *dbg_type_target(const struct dbg_type *t);
/* Members of a struct, union or class in order; *n = 0 and NULL for other kinds. */
const struct dbg_member *dbg_type_members(const struct dbg_type *t, size_t *n);
const struct dbg_enumerator *dbg_type_enumerators(const struct dbg_type *t, size_t *n);
/* Parameters of a DBG_FUNCTION; *variadic may be NULL. */
const struct dbg_param *dbg_type_params(const struct dbg_type *t, size_t *n, bool *variadic);
/* Elements of the outermost dimension (int a[3][2] is an array of 3 of type int[2]);
 * false when not known (flexible, VLA). */
bool dbg_type_count(const struct dbg_type *t, uint64_t *count);

/* Without typedefs and qualifiers.  Bounded; a cycle ends in DBG_UNSPECIFIED. */
const struct dbg_type *dbg_type_strip(const struct dbg_type *t);
/* dbg_type_strip, and a mere declaration (`struct s;`) replaced by its definition found by name
 * in the same module.  Itself when there is none. */
const struct dbg_type *dbg_type_complete(const struct dbg_type *t);
/* Size in bytes seen through typedefs and qualifiers; 0 unknown. */
uint64_t dbg_type_sizeof(const struct dbg_type *t);
/* Whether it is signed when read as a number. */
bool dbg_type_is_signed(const struct dbg_type *t);
/* 1-byte char behind qualifiers and typedefs. */
bool dbg_type_is_char(const struct dbg_type *t);

/* Finds `name` in a struct, union or class (typedefs, qualifiers and declarations seen through),
 * also inside anonymous members and base classes; out->bit_offset is from the start of `t`.
 * False: no such member. */
bool dbg_type_member(const struct dbg_type *t, const char *name, struct dbg_member *out);

/* C spelling as SystemTap prints it in -L: "char const*", "struct s**", "int (*) (void)",
 * "struct {...}", "int[]".  In arena `a`. */
const char *dbg_type_name(struct arena *a, const struct dbg_type *t);

/* Where a struct, union, class, enum or typedef is declared.  False: not known. */
bool dbg_type_place(const struct dbg_type *t, const char **file, uint32_t *line);

/*
 * Lookup by the name as a script writes it: "struct s", "union u", "enum e", "class c", or a
 * plain name (typedef, base type or, last, any tag).  Definitions win over declarations.
 * NULL: none.
 */
const struct dbg_type *dbg_type_find(struct dbg_module *m, const char *name);
/* Value of an enumerator anywhere in the module (@const-like lookups). */
bool dbg_enumerator_find(struct dbg_module *m, const char *name, int64_t *value);
/* Names of all structs, unions and typedefs matching a glob, for "did you mean". stb_ds array,
 * caller arrfree()s it. */
const char **dbg_type_names(struct dbg_module *m, const char *glob);

#endif
