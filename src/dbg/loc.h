/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Location programs: where a variable's value is, as a small stack language.
 *
 * Everything that depends only on the probed address is already expanded: frame
 * base, CFA, location list, thread-local storage, called expressions.  What
 * is left depends on registers and memory at the probe.  A program is straight
 * code on a stack of 64-bit words, except BRA/SKIP, which jump forward or backward
 * to another op of the same program (rare; evaluators bound the steps).
 */
#ifndef DBG_LOC_H
#define DBG_LOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct dbg_error;

/* x86_64 DWARF register numbers. */
enum dbg_reg {
	DBG_RAX, DBG_RDX, DBG_RCX, DBG_RBX, DBG_RSI, DBG_RDI, DBG_RBP, DBG_RSP,
	DBG_R8, DBG_R9, DBG_R10, DBG_R11, DBG_R12, DBG_R13, DBG_R14, DBG_R15,
	DBG_RIP,			/* 16: return address column; as a value: the pc */
	DBG_NREGS,			/* registers an unwinder tracks */
	DBG_XMM0 = 17,			/* .. 32 = xmm15 */
	DBG_XMM15 = 32,
	DBG_ST0 = 33,			/* .. 40 */
	DBG_RFLAGS = 49,
	DBG_FSBASE = 58,		/* thread pointer */
	DBG_GSBASE = 59,
};

/*
 * The operations.  "a" is the op's argument; stack effects in comments, top last.
 *   X(name, text, pops, pushes)
 */
#define DBG_OPS(X)                                                             \
	X(CONST, "const", 0, 1)      /* push a */                              \
	X(ADDR, "addr", 0, 1)        /* push a + load bias of the module */    \
	X(REG, "reg", 0, 1)          /* push DWARF register a */               \
	X(ENTRY_REG, "entry-reg", 0, 1) /* push register a as it was at the function's entry */ \
	X(DEREF, "deref", 1, 1)      /* pop address, push a bytes (1,2,4,8) zero-extended */ \
	/* pop offset in the TLS block of a library that does not tell where it is, push address */ \
	X(TLS, "tls", 1, 1)                                                    \
	X(DUP, "dup", 1, 2)                                                    \
	X(DROP, "drop", 1, 0)                                                  \
	X(OVER, "over", 2, 3)                                                  \
	X(PICK, "pick", 0, 1)        /* push the entry a below the top (0 = top) */ \
	X(SWAP, "swap", 2, 2)                                                  \
	X(ROT, "rot", 3, 3)          /* x y z -> z x y */                      \
	X(ADD, "add", 2, 1)                                                    \
	X(SUB, "sub", 2, 1)          /* x y -> x - y */                        \
	X(MUL, "mul", 2, 1)                                                    \
	X(DIV, "div", 2, 1)          /* signed */                              \
	X(MOD, "mod", 2, 1)          /* unsigned */                            \
	X(NEG, "neg", 1, 1)                                                    \
	X(ABS, "abs", 1, 1)                                                    \
	X(AND, "and", 2, 1)                                                    \
	X(OR, "or", 2, 1)                                                      \
	X(XOR, "xor", 2, 1)                                                    \
	X(NOT, "not", 1, 1)                                                    \
	X(SHL, "shl", 2, 1)                                                    \
	X(SHR, "shr", 2, 1)          /* logical */                             \
	X(SAR, "sar", 2, 1)          /* arithmetic */                          \
	X(EQ, "eq", 2, 1)            /* signed comparisons, push 1 or 0 */     \
	X(NE, "ne", 2, 1)                                                      \
	X(LT, "lt", 2, 1)                                                      \
	X(LE, "le", 2, 1)                                                      \
	X(GT, "gt", 2, 1)                                                      \
	X(GE, "ge", 2, 1)                                                      \
	X(SEXT, "sext", 1, 1)        /* sign-extend from a bytes */            \
	X(ZEXT, "zext", 1, 1)        /* zero-extend from a bytes */            \
	X(UDIV, "udiv", 2, 1)        /* unsigned division (typed DWARF ops) */ \
	X(SMOD, "smod", 2, 1)        /* signed remainder (typed DWARF ops) */  \
	X(ULT, "ult", 2, 1)          /* unsigned comparisons (typed DWARF ops) */ \
	X(ULE, "ule", 2, 1)                                                    \
	X(SKIP, "skip", 0, 0)        /* continue at op index a */              \
	X(BRA, "bra", 1, 0)          /* pop; if not 0 continue at op index a */ \
	X(ENTRY_PARAM, "entry-param", 0, 1) /* push what the caller passed for the removed parameter a */

enum dbg_opcode {
#define DBG_OP_ENUM(name, text, pops, pushes) DBG_OP_##name,
	DBG_OPS(DBG_OP_ENUM)
#undef DBG_OP_ENUM
	DBG_NOPS,
};

struct dbg_op {
	enum dbg_opcode op;
	int64_t a;
};

enum dbg_loc_kind {
	DBG_LOC_NONE,		/* no value here: see `why` */
	DBG_LOC_MEMORY,		/* ops compute the address of the object */
	DBG_LOC_REGISTER,	/* the object is in DWARF register `reg` (low bytes); writable */
	DBG_LOC_VALUE,		/* ops compute the value itself; it has no address */
	DBG_LOC_BYTES,		/* the value is these constant bytes; no address */
	DBG_LOC_POINTER,	/* a pointer to something optimised away: `pieces[0]` is the location
				 * of the pointee, `offset` is added to it; usable only under a
				 * dereference */
	DBG_LOC_PIECES,		/* concatenation of pieces, lowest address first */
};

enum dbg_unavailable {
	DBG_AVAILABLE,
	DBG_OPTIMIZED_OUT,	/* no location anywhere */
	DBG_NOT_HERE,		/* has one, but not at this pc */
	DBG_UNKNOWN_EXPR,	/* its expression is not understood */
};

struct dbg_piece;

struct dbg_loc {
	enum dbg_loc_kind kind;
	enum dbg_unavailable why;
	uint16_t reg;
	size_t nops;
	const struct dbg_op *ops;
	size_t nbytes;
	const uint8_t *bytes;
	size_t npieces;
	const struct dbg_piece *pieces;
	int64_t offset;		/* DBG_LOC_POINTER */
};

struct dbg_piece {
	struct dbg_loc loc;	/* DBG_LOC_NONE: these bits are not available */
	uint32_t bit_size;	/* width of this piece in the object */
	uint32_t bit_offset;	/* where in `loc` it starts (from the low end) */
};

/* Text form, for tests and eyes: "mem: reg 7; const 16; add". */
const char *dbg_loc_text(struct arena *a, const struct dbg_loc *l);
/* Number of the register called "rdi", "%rdi", "edi", "r8", "xmm0"; *bytes its width.  -1: none. */
int dbg_reg_number(const char *name, int *bytes);
const char *dbg_reg_name(int reg);

/* ---- reference evaluator: the unwinder, and the comparisons with gdb (tests/dwarf) ---- */

struct dbg_eval_ctx {
	/* DWARF register n into *v; false: not known. */
	bool (*reg)(void *data, int reg, uint64_t *v);
	/* Memory; false: fault. */
	bool (*read)(void *data, uint64_t addr, void *buf, size_t len);
	/* Register as at the function's entry, or NULL: entry values are unavailable. */
	bool (*entry_reg)(void *data, int reg, uint64_t *v);
	/* Address of an offset in the module's TLS block, or NULL. */
	bool (*tls)(void *data, uint64_t offset, uint64_t *addr);
	void *data;
	uint64_t bias;
	/* What the caller passed for a parameter that was optimised away, or NULL. */
	bool (*entry_param)(void *data, int64_t param, uint64_t *v);
};

/* Runs ops (at most 10 000 steps); `push` is put on the stack first if has_push.
 * 0 and the top of stack in *v, or -code. */
int dbg_ops_eval(const struct dbg_op *ops, size_t nops, const struct dbg_eval_ctx *c,
		 bool has_push, uint64_t push, uint64_t *v, struct dbg_error *e);
/* Reads the first `size` bytes of the object at `l` into buf. */
int dbg_loc_read(const struct dbg_loc *l, const struct dbg_eval_ctx *c, void *buf, size_t size,
		 struct dbg_error *e);

#endif
