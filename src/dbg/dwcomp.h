/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of compiling one DWARF expression, shared by dwexpr.c (places, pieces, the whole) and
 * dwops.c (arithmetic and the stack).  Private to src/dbg.
 */
#ifndef DBG_DWCOMP_H
#define DBG_DWCOMP_H

#include "dbg/priv.h"

#define COMP_MAX_TYPES 64

/* How a stack entry is to be taken: size 0 is DWARF's generic type (64 bits, unsigned). */
struct vtype {
	uint8_t size;
	bool is_signed;
};

struct comp {
	const struct dwexpr_ctx *x;
	struct dbg_op *ops;		/* stb_ds */
	struct vtype types[COMP_MAX_TYPES];
	unsigned depth;
	/* branches: byte offset of each op's start -> index in ops */
	struct { uint32_t off, index; } *starts;	/* stb_ds */
	struct { uint32_t op, target; } *fixups;	/* stb_ds */
	/* what ended the expression, if not an address */
	bool stack_value, is_reg, implicit, pointer, ended;
	uint16_t reg;
	struct dbg_bytes bytes;
	uint64_t ptr_die;
	int64_t ptr_off;
	bool failed;
};

extern const struct vtype comp_generic;

/* Marks the expression as not understood; false. */
bool comp_fail(struct comp *c);
/* Appends an op; the stack of types is the caller's business. */
void comp_op(struct comp *c, enum dbg_opcode code, int64_t a);
void comp_push_type(struct comp *c, struct vtype t);
/* Appends an op which pushes a value of the generic type. */
void comp_push(struct comp *c, enum dbg_opcode code, int64_t a);
/* Narrows the top of stack to a type: what arithmetic of that type leaves. */
void comp_narrow(struct comp *c, struct vtype t);
/* The type of a base-type DIE of the unit; offset 0 is the generic type. */
bool comp_base_type(struct comp *c, uint64_t off, struct vtype *t);
void comp_add_offset(struct comp *c, int64_t n);

/* Compiles operator `o`, whose operands are at e, if it is one of these: constants, stack
 * manipulation, loads, arithmetic, branches, typed values.  `start` is where the expression
 * starts. */
void comp_plain_op(struct comp *c, unsigned o, struct dbg_cur *e, const uint8_t *start);

/* tls.c: turns the offset of a thread-local variable on the stack into its address. */
void dwtls_address(struct comp *c);

#endif
