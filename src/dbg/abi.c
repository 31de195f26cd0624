/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86_64 System V calling convention: where the value of a function is right after it returned.
 *
 * A type of up to 16 bytes is classified per eightbyte; anything else, or with
 * unaligned members, lives in memory.
 */
#include <string.h>

#include "base/arena.h"
#include "dbg/priv.h"

#define MAX_NEST 16

enum abi_class { ABI_NONE, ABI_INTEGER, ABI_SSE, ABI_X87, ABI_MEMORY };

static enum abi_class merge(enum abi_class a, enum abi_class b)
{
	if (a == b || b == ABI_NONE)
		return a;
	if (a == ABI_NONE)
		return b;
	if (a == ABI_MEMORY || b == ABI_MEMORY || a == ABI_X87 || b == ABI_X87)
		return ABI_MEMORY;
	return a == ABI_INTEGER || b == ABI_INTEGER ? ABI_INTEGER : ABI_SSE;
}

static void classify(const struct dbg_type *t, uint64_t off, enum abi_class cls[2], int depth);

static void classify_members(const struct dbg_type *t, uint64_t off, enum abi_class cls[2],
			     int depth)
{
	const struct dbg_member *m;
	size_t n;

	m = dbg_type_members(t, &n);
	for (size_t i = 0; i < n && n <= 256; i++) {
		uint64_t at = off + m[i].bit_offset / 8;

		if (m[i].bit_size) {
			if (at < 16)
				cls[at / 8] = merge(cls[at / 8], ABI_INTEGER);
			continue;
		}
		classify(m[i].type, at, cls, depth + 1);
	}
	if (n > 256)
		cls[0] = ABI_MEMORY;
}

static void classify(const struct dbg_type *t, uint64_t off, enum abi_class cls[2], int depth)
{
	enum abi_class c = ABI_MEMORY;
	uint64_t size, count;

	t = dbg_type_complete(t);
	size = dbg_type_sizeof(t);
	if (depth > MAX_NEST || off + size > 16 || off >= 16) {
		cls[0] = size || off < 16 ? ABI_MEMORY : cls[0];
		return;
	}
	switch (t->kind) {
	case DBG_STRUCT: case DBG_UNION: case DBG_CLASS:
		classify_members(t, off, cls, depth);
		return;
	case DBG_ARRAY:
		if (!dbg_type_count(t, &count) || count > 16)
			count = 0;
		for (uint64_t i = 0; i < count; i++)
			classify(dbg_type_target(t), off + i * size / count, cls, depth + 1);
		return;
	case DBG_FLOAT:
		if (size == 4 || size == 8)
			c = off % size ? ABI_MEMORY : ABI_SSE;
		else if (size == 16)
			c = ABI_X87;
		break;
	case DBG_MEMBER_POINTER:
		c = ABI_INTEGER;
		break;
	default:
		if (size == 16 && off == 0) {		/* __int128 */
			cls[0] = merge(cls[0], ABI_INTEGER);
			cls[1] = merge(cls[1], ABI_INTEGER);
			return;
		}
		c = size && size <= 8 && off % size == 0 ? ABI_INTEGER : ABI_MEMORY;
	}
	cls[off / 8] = merge(cls[off / 8], c);
}

/* Eightbytes of t and their classes; MEMORY in the first means all of it. */
static unsigned classes(const struct dbg_type *t, enum abi_class cls[2])
{
	uint64_t size;

	cls[0] = cls[1] = ABI_NONE;
	t = dbg_type_complete(t);
	size = dbg_type_sizeof(t);
	if (size > 16) {
		cls[0] = ABI_MEMORY;
		return 0;
	}
	classify(t, 0, cls, 0);
	if (cls[1] == ABI_MEMORY || cls[1] == ABI_X87)
		cls[0] = ABI_MEMORY;
	return (unsigned)((size + 7) / 8);
}

/* A register, or two as pieces. */
static void in_registers(struct arena *a, const uint16_t *regs, unsigned n, struct dbg_loc *out)
{
	struct dbg_piece *p;

	if (n == 1) {
		*out = (struct dbg_loc){ .kind = DBG_LOC_REGISTER, .reg = regs[0] };
		return;
	}
	p = arena_new_array(a, struct dbg_piece, 2);
	p[0] = (struct dbg_piece){ { .kind = DBG_LOC_REGISTER, .reg = regs[0] }, 64, 0 };
	p[1] = (struct dbg_piece){ { .kind = DBG_LOC_REGISTER, .reg = regs[1] }, 64, 0 };
	*out = (struct dbg_loc){ .kind = DBG_LOC_PIECES, .pieces = p, .npieces = 2 };
}

void dbg_return_location(const struct dbg_type *t, struct dbg_loc *out)
{
	static const struct dbg_op rax[] = { { DBG_OP_REG, DBG_RAX } };
	enum abi_class cls[2];
	uint16_t regs[2];
	unsigned n, ints = 0, sses = 0;

	memset(out, 0, sizeof(*out));
	out->why = DBG_OPTIMIZED_OUT;
	t = dbg_type_complete(t);
	if (t->kind == DBG_VOID || t->kind == DBG_UNSPECIFIED)
		return;
	n = classes(t, cls);
	if (cls[0] == ABI_MEMORY) {
		*out = (struct dbg_loc){ .kind = DBG_LOC_MEMORY, .ops = rax, .nops = 1 };
		return;
	}
	if (cls[0] == ABI_X87) {
		*out = (struct dbg_loc){ .kind = DBG_LOC_REGISTER, .reg = DBG_ST0 };
		return;
	}
	for (unsigned i = 0; i < n; i++)
		regs[i] = cls[i] == ABI_SSE ? (uint16_t)(DBG_XMM0 + sses++)
					    : (uint16_t)(ints++ ? DBG_RDX : DBG_RAX);
	if (n && t->module)
		in_registers(t->module->arena, regs, n, out);
}
