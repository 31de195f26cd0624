/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instruction buffer: see emit.h. */
#include "bpf/emit.h"

#include <limits.h>

#include "base/ds.h"

#define JCOND	0xe0	/* BPF_JCOND of newer headers */

void em_init(struct emit *em, bool far)
{
	*em = (struct emit){ .far = far };
	arrput(em->labels, -1);
	arrput(em->used, false);
}

void em_fini(struct emit *em)
{
	arrfree(em->insns);
	arrfree(em->at);
	arrfree(em->labels);
	arrfree(em->used);
	arrfree(em->fixes);
	arrfree(em->subprogs);
	arrfree(em->maps);
	*em = (struct emit){ 0 };
}

void em_fail(struct emit *em, const char *msg)
{
	if (!em->err)
		em->err = msg;
}

em_label em_new_label(struct emit *em)
{
	arrput(em->labels, -1);
	arrput(em->used, false);
	return (em_label)arrlen(em->labels) - 1;
}

void em_will_use(struct emit *em, em_label l)
{
	if (!em->dead)
		em->used[l] = true;
}

bool em_used(const struct emit *em, em_label l)
{
	return l && em->used[l];
}

void em_bind(struct emit *em, em_label l)
{
	em->labels[l] = (int64_t)arrlen(em->insns);
	if (em->used[l])
		em->dead = false;
}

void em_bind_entry(struct emit *em, em_label l)
{
	em->used[l] = true;
	em_bind(em, l);
}

void em_subprog(struct emit *em, em_label l, int kind)
{
	struct em_subprog s = { .insn = (uint32_t)arrlen(em->insns), .kind = kind };

	em_bind_entry(em, l);
	arrput(em->subprogs, s);
}

void em_raw(struct emit *em, struct bpf_insn in)
{
	if (em->dead || em->err)
		return;
	if (arrlen(em->insns) >= 1000000) {
		em_fail(em, "the handler needs more than a million instructions");
		return;
	}
	arrput(em->insns, in);
	arrput(em->at, em->cur);
}

static struct bpf_insn insn(int code, int dst, int src, int off, int32_t imm)
{
	return (struct bpf_insn){ .code = (uint8_t)code, .dst_reg = (uint8_t)(dst & 15),
				  .src_reg = (uint8_t)(src & 15), .off = (int16_t)off, .imm = imm };
}

static bool fits32(int64_t v)
{
	return v >= INT32_MIN && v <= INT32_MAX;
}

void em_mov(struct emit *em, int dst, int src)
{
	if (dst != src)
		em_raw(em, insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0));
}

static void ld_imm64(struct emit *em, int dst, int src, int32_t lo, int32_t hi)
{
	em_raw(em, insn(BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, lo));
	em_raw(em, insn(0, 0, 0, 0, hi));
}

void em_movi(struct emit *em, int dst, int64_t v)
{
	if (fits32(v))
		em_raw(em, insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, (int32_t)v));
	else
		ld_imm64(em, dst, 0, (int32_t)(uint32_t)v, (int32_t)(uint32_t)((uint64_t)v >> 32));
}

void em_alu(struct emit *em, int op, int dst, int src)
{
	em_raw(em, insn(BPF_ALU64 | op | BPF_X, dst, src, 0, 0));
}

void em_alui(struct emit *em, int op, int dst, int64_t v)
{
	if (fits32(v)) {
		em_raw(em, insn(BPF_ALU64 | op | BPF_K, dst, 0, 0, (int32_t)v));
	} else {
		em_movi(em, R5, v);
		em_alu(em, op, dst, R5);
	}
}

void em_neg(struct emit *em, int dst)
{
	em_raw(em, insn(BPF_ALU64 | BPF_NEG, dst, 0, 0, 0));
}

void em_bswap(struct emit *em, int dst, int bits)
{
	em_raw(em, insn(BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits));
}

static bool fits16(struct emit *em, int64_t off)
{
	if (off >= INT16_MIN && off <= INT16_MAX)
		return true;
	em_fail(em, "internal: offset of a memory access");
	return false;
}

void em_ldx(struct emit *em, int size, int dst, int src, int off)
{
	if (fits16(em, off))
		em_raw(em, insn(BPF_LDX | size | BPF_MEM, dst, src, off, 0));
}

void em_stx(struct emit *em, int size, int dst, int off, int src)
{
	if (fits16(em, off))
		em_raw(em, insn(BPF_STX | size | BPF_MEM, dst, src, off, 0));
}

void em_sti(struct emit *em, int size, int dst, int off, int32_t imm)
{
	if (fits16(em, off))
		em_raw(em, insn(BPF_ST | size | BPF_MEM, dst, 0, off, imm));
}

void em_atomic(struct emit *em, int size, int op, int dst, int off, int src)
{
	if (fits16(em, off))
		em_raw(em, insn(BPF_STX | size | BPF_ATOMIC, dst, src, off, op));
}

static void fix(struct emit *em, em_label l, enum em_fix_kind kind)
{
	struct em_fix f = { .insn = (uint32_t)arrlen(em->insns), .label = l, .kind = kind };

	if (em->dead || em->err)
		return;
	em->used[l] = true;
	arrput(em->fixes, f);
}

void em_jmp(struct emit *em, em_label l)
{
	fix(em, l, em->far ? EM_FIX_FAR : EM_FIX_JUMP);
	em_raw(em, insn((em->far ? BPF_JMP32 : BPF_JMP) | BPF_JA, 0, 0, 0, 0));
	em->dead = true;
}

static void jcc(struct emit *em, struct bpf_insn in, em_label l)
{
	if (!em->far) {
		fix(em, l, EM_FIX_JUMP);
		em_raw(em, in);
		return;
	}
	in.off = 1;
	em_raw(em, in);
	em_raw(em, insn(BPF_JMP | BPF_JA, 0, 0, 1, 0));
	fix(em, l, EM_FIX_FAR);
	em_raw(em, insn(BPF_JMP32 | BPF_JA, 0, 0, 0, 0));
}

void em_jcc(struct emit *em, int op, int dst, int src, em_label l)
{
	jcc(em, insn(BPF_JMP | op | BPF_X, dst, src, 0, 0), l);
}

void em_jcci(struct emit *em, int op, int dst, int64_t imm, em_label l)
{
	if (fits32(imm)) {
		jcc(em, insn(BPF_JMP | op | BPF_K, dst, 0, 0, (int32_t)imm), l);
	} else {
		em_movi(em, R5, imm);
		em_jcc(em, op, dst, R5, l);
	}
}

void em_may_goto(struct emit *em, em_label l)
{
	jcc(em, insn(BPF_JMP | JCOND, 0, 0, 0, 0), l);
}

void em_helper(struct emit *em, int helper)
{
	em_raw(em, insn(BPF_JMP | BPF_CALL, 0, 0, 0, helper));
}

void em_call(struct emit *em, em_label l)
{
	fix(em, l, EM_FIX_CALL);
	em_raw(em, insn(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0));
}

void em_func_addr(struct emit *em, int dst, em_label l)
{
	fix(em, l, EM_FIX_FUNC);
	ld_imm64(em, dst, BPF_PSEUDO_FUNC, 0, 0);
}

static void map_ref(struct emit *em, uint32_t map)
{
	struct em_map_ref r = { .insn = (uint32_t)arrlen(em->insns), .map = map };

	if (!em->dead && !em->err)
		arrput(em->maps, r);
}

void em_map_fd(struct emit *em, int dst, uint32_t map)
{
	map_ref(em, map);
	ld_imm64(em, dst, BPF_PSEUDO_MAP_FD, 0, 0);
}

void em_map_key(struct emit *em, uint32_t map, int base, int off)
{
	em_map_fd(em, BPF_REG_1, map);
	em_mov(em, BPF_REG_2, base);
	if (off)
		em_alui(em, BPF_ADD, BPF_REG_2, off);
}

void em_map_value(struct emit *em, int dst, uint32_t map, uint32_t off)
{
	map_ref(em, map);
	ld_imm64(em, dst, BPF_PSEUDO_MAP_VALUE, 0, (int32_t)off);
}

void em_exit(struct emit *em)
{
	em_raw(em, insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	em->dead = true;
}

static bool resolve(struct emit *em, const struct em_fix *f)
{
	struct bpf_insn *in = &em->insns[f->insn];
	int64_t delta = em->labels[f->label] - (int64_t)f->insn - 1;

	if (em->labels[f->label] < 0) {
		em_fail(em, "internal: a jump to nowhere");
		return false;
	}
	switch (f->kind) {
	case EM_FIX_JUMP:
		if (delta < INT16_MIN || delta > INT16_MAX) {
			em->need_far = true;
			em_fail(em, "a jump is too long for this kernel");
			return false;
		}
		in->off = (int16_t)delta;
		break;
	case EM_FIX_FAR:
	case EM_FIX_CALL:
	case EM_FIX_FUNC:
		in->imm = (int32_t)delta;
		break;
	}
	return true;
}

bool em_finish(struct emit *em)
{
	for (ptrdiff_t i = 0; i < arrlen(em->fixes) && !em->err; i++)
		resolve(em, &em->fixes[i]);
	return !em->err;
}
