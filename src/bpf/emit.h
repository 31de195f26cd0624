/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffer of eBPF instructions with labels.
 *
 * Errors are sticky: after one, everything is a no-op and `err` names it.  Code that cannot be
 * reached (after an exit or a jump, until a label that something jumps to) is dropped,
 * because the verifier refuses it.  Jumps are resolved by em_finish(); when a jump does not fit 16 bits it
 * fails with `need_far` set, and the caller generates again with `far` set (32-bit jumps).
 */
#ifndef BPF_EMIT_H
#define BPF_EMIT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

typedef int em_label;		/* 0: none */

struct em_fix {
	uint32_t insn;
	em_label label;
	enum em_fix_kind { EM_FIX_JUMP, EM_FIX_FAR, EM_FIX_CALL, EM_FIX_FUNC } kind;
};

/* How BTF describes a subprogram: with a slot or two numbers as parameters, or a routine's own signature. */
enum {
	FN_KIND_STATIC,		/* not at all: verified where it is called */
	FN_KIND_GLOBAL,
	FN_KIND_NUMBERS,
	FN_KIND_ROUTINE,	/* and the routine's number */
};

struct em_subprog {
	uint32_t insn;
	int kind;		/* FN_KIND_... */
};

struct em_map_ref {
	uint32_t insn;
	uint32_t map;		/* index of the engine's map table */
};

struct emit {
	struct bpf_insn *insns;		/* stb_ds arrays */
	struct span *at;		/* source place of each instruction */
	int64_t *labels;		/* instruction index, -1: not bound; [0] unused */
	bool *used;			/* label is jumped to */
	struct em_fix *fixes;
	struct em_subprog *subprogs;
	struct em_map_ref *maps;
	struct span cur;		/* place given to what is emitted next */
	bool dead, far, need_far;
	const char *err;
};

/*
 * An empty program; `far`: jumps may span more than 16 bits say, by longer code.  Without, need_far tells if one must.
 */
void em_init(struct emit *em, bool far);
void em_fini(struct emit *em);
/* Notes the first thing that is wrong: em_finish() fails, what is emitted further is ignored. */
void em_fail(struct emit *em, const char *msg);
/* Resolves labels; false on error. */
bool em_finish(struct emit *em);

/* A label, not bound yet; never 0. */
em_label em_new_label(struct emit *em);
/* Binds here; code goes on being alive if something jumped here before or execution falls through. */
void em_bind(struct emit *em, em_label l);
/* The same for a label that only later code jumps to: always alive. */
void em_bind_entry(struct emit *em, em_label l);
/* Says that code emitted later will refer to l (if what is emitted here is alive). */
void em_will_use(struct emit *em, em_label l);
/* Does any code emitted so far refer to it?  False for 0. */
bool em_used(const struct emit *em, em_label l);
/* A subprogram begins here; l is bound. */
void em_subprog(struct emit *em, em_label l, int kind);

/* Instructions, one function each, of 64 bits where nothing else is said; nothing is emitted where code is dead. */
void em_raw(struct emit *em, struct bpf_insn in);
void em_mov(struct emit *em, int dst, int src);
void em_movi(struct emit *em, int dst, int64_t v);
void em_alu(struct emit *em, int op, int dst, int src);		/* op: BPF_ADD ... */
void em_alui(struct emit *em, int op, int dst, int64_t v);	/* v beyond 32 bits: through r5 */
void em_neg(struct emit *em, int dst);
void em_bswap(struct emit *em, int dst, int bits);
void em_ldx(struct emit *em, int size, int dst, int src, int off);	/* size: BPF_DW ... */
void em_stx(struct emit *em, int size, int dst, int off, int src);
void em_sti(struct emit *em, int size, int dst, int off, int32_t imm);
/* op: BPF_ADD | BPF_FETCH, BPF_XCHG ... */
void em_atomic(struct emit *em, int size, int op, int dst, int off, int src);
void em_jmp(struct emit *em, em_label l);
void em_jcc(struct emit *em, int op, int dst, int src, em_label l);
void em_jcci(struct emit *em, int op, int dst, int64_t v, em_label l);	/* v beyond 32 bits: through r5 */
/* Jumps when the program has looped too often (kernels that have may_goto). */
void em_may_goto(struct emit *em, em_label l);
void em_helper(struct emit *em, int helper);
void em_call(struct emit *em, em_label subprog);
void em_func_addr(struct emit *em, int dst, em_label subprog);	/* for bpf_loop and the like */
void em_map_fd(struct emit *em, int dst, uint32_t map);
/* r1 = the map, r2 = the address `off` behind `base`, where its key is: for em_helper() */
void em_map_key(struct emit *em, uint32_t map, int base, int off);
void em_map_value(struct emit *em, int dst, uint32_t map, uint32_t off);
void em_exit(struct emit *em);

#endif
