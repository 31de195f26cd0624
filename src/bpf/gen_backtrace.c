/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks: payloads of stack items, and backtraces as strings. */
#include "bpf/gen.h"

#include "bpf/kernel.h"
#include "bpf/unwind_state.h"
#include "dbg/loc.h"

#define PAGE	4096

/* r1 = address of byte `off` of the payload at hdr.wpos */
static void payload(struct gen *g, int32_t off)
{
	gen_ld(g, R1, gen_hdr(HDR(wpos)));
	em_alui(&g->em, BPF_AND, R1, g->rec_size - 1);
	em_alu(&g->em, BPF_ADD, R1, R6);
	em_alui(&g->em, BPF_ADD, R1, g->rec.off + off);
}

static void advance(struct gen *g, int32_t by)
{
	gen_ld(g, R1, gen_hdr(HDR(wpos)));
	em_alui(&g->em, BPF_ADD, R1, by);
	gen_st(g, gen_hdr(HDR(wpos)), R1);
}

/*
 * Copies the user stack from rsp up: what is left of its page, then page by page, until one cannot be read.
 * Words: next address, bytes got so far, bytes to read now.
 */
static void copy_stack(struct gen *g, struct mem rsp)
{
	struct emit *em = &g->em;
	struct mem addr = gen_word(g), got = gen_word(g), now = gen_word(g);
	em_label done = em_new_label(em);

	gen_ld(g, R0, rsp);
	gen_st(g, addr, R0);
	gen_sti(g, got, 0);
	em_neg(em, R0);
	em_alui(em, BPF_AND, R0, (PAGE - 1) & ~7);
	gen_st(g, now, R0);
	for (int i = 0; i <= WIRE_USTACK_MAX / PAGE; i++) {
		if (i)
			gen_sti(g, now, PAGE);
		if (i == WIRE_USTACK_MAX / PAGE) {
			gen_ld(g, R0, got);
			em_movi(em, R1, WIRE_USTACK_MAX);
			em_alu(em, BPF_SUB, R1, R0);
			gen_st(g, now, R1);
		}
		payload(g, (int32_t)sizeof(struct wire_ustack));
		gen_ld(g, R2, got);
		em_alui(em, BPF_AND, R2, 2 * WIRE_USTACK_MAX - 1);
		em_alu(em, BPF_ADD, R1, R2);
		gen_ld(g, R2, now);
		em_alui(em, BPF_AND, R2, 2 * PAGE - 1);
		gen_ld(g, R3, addr);
		em_helper(em, BPF_FUNC_probe_read_user);
		em_jcci(em, BPF_JNE, R0, 0, done);
		gen_ld(g, R1, now);
		gen_ld(g, R0, got);
		em_alu(em, BPF_ADD, R0, R1);
		gen_st(g, got, R0);
		gen_ld(g, R0, addr);
		em_alu(em, BPF_ADD, R0, R1);
		gen_st(g, addr, R0);
	}
	em_bind(em, done);
	payload(g, offsetof(struct wire_ustack, size));
	gen_ld(g, R0, got);
	em_stx(em, BPF_DW, R1, 0, R0);
	gen_ld(g, R1, gen_hdr(HDR(wpos)));
	em_alu(em, BPF_ADD, R1, R0);
	em_alui(em, BPF_ADD, R1, sizeof(struct wire_ustack));
	gen_st(g, gen_hdr(HDR(wpos)), R1);
	gen_word_free(g, now);
	gen_word_free(g, got);
	gen_word_free(g, addr);
}

/* *word = 8 bytes of kernel memory at r3 */
static void read_word(struct gen *g, struct mem word, em_label failed)
{
	gen_addr(g, R1, word);
	em_movi(&g->em, R2, 8);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	em_jcci(&g->em, BPF_JNE, R0, 0, failed);
}

/*
 * Return addresses that pending return probes have replaced on the stack: pairs of where on the
 * stack, and what stood there.  Nothing where the kernel's types do not tell.
 */
static void pending_returns(struct gen *g)
{
	int utask = kernel_offset("task_struct", "utask");
	int list = kernel_offset("uprobe_task", "return_instances");
	int next = kernel_offset("return_instance", "next");
	int what[] = { kernel_offset("return_instance", "stack"),
		       kernel_offset("return_instance", "orig_ret_vaddr") };
	struct emit *em = &g->em;
	struct mem ri = gen_word(g), word = gen_word(g);
	em_label done = em_new_label(em);

	if (utask < 0 || list < 0 || next < 0 || what[0] < 0 || what[1] < 0)
		goto out;
	em_helper(em, BPF_FUNC_get_current_task);
	em_mov(em, R3, R0);
	em_alui(em, BPF_ADD, R3, utask);
	read_word(g, ri, done);
	for (int i = 0; i <= WIRE_USTACK_RETURNS; i++) {
		gen_ld(g, R3, ri);
		em_jcci(em, BPF_JEQ, R3, 0, done);
		for (int k = 0; i && k < 2; k++) {
			gen_ld(g, R3, ri);
			em_alui(em, BPF_ADD, R3, what[k]);
			read_word(g, word, done);
			payload(g, 8 * k);
			gen_ld(g, R0, word);
			em_stx(em, BPF_DW, R1, 0, R0);
		}
		if (i)
			advance(g, 16);
		gen_ld(g, R3, ri);
		em_alui(em, BPF_ADD, R3, i ? next : list);
		read_word(g, ri, done);
	}
out:
	em_bind(em, done);
	gen_word_free(g, word);
	gen_word_free(g, ri);
}

/* The registers, but those that `at` (pc, sp, fp), if not NULL, has other values of; and the stack. */
static void user_stack(struct gen *g, const struct mem *at)
{
	for (int i = 0; i < 17; i++) {
		const struct mem *r = gen_ctx_saved(g, IR_UREG, i);

		if (at && (i == DBG_RIP || i == DBG_RSP || i == DBG_RBP))
			r = &at[i == DBG_RIP ? 0 : i == DBG_RSP ? 1 : 2];
		gen_ld(g, R0, *r);
		payload(g, 8 * i);
		em_stx(&g->em, BPF_DW, R1, 0, R0);
	}
	copy_stack(g, at ? at[1] : *gen_ctx_saved(g, IR_UREG, DBG_RSP));
	pending_returns(g);
}

/* u64 n, u64 pc[n] from a saved stack (bytes or an error, then addresses); there is room in the item */
static void saved_stack(struct gen *g, struct mem at)
{
	struct emit *em = &g->em;
	em_label none = em_new_label(em), some = em_new_label(em);

	gen_ld(g, R0, at);
	em_jcci(em, BPF_JSGE, R0, 0, some);
	gen_sti(g, at, 0);
	em_bind(em, some);
	gen_ld(g, R0, at);
	payload(g, 0);
	em_alui(em, BPF_RSH, R0, 3);
	em_stx(em, BPF_DW, R1, 0, R0);
	advance(g, 8);
	gen_ld(g, R2, at);
	em_jcci(em, BPF_JEQ, R2, 0, none);
	payload(g, 0);
	gen_ld(g, R2, at);
	em_alui(em, BPF_AND, R2, 2 * 8 * UNWIND_FRAMES - 1);
	gen_addr(g, R3, (struct mem){ .off = at.off + 8 });
	em_helper(em, BPF_FUNC_probe_read_kernel);
	gen_ld(g, R0, at);
	gen_ld(g, R1, gen_hdr(HDR(wpos)));
	em_alu(em, BPF_ADD, R1, R0);
	gen_st(g, gen_hdr(HDR(wpos)), R1);
	em_bind(em, none);
}

void gen_out_frames(struct gen *g, em_label incomplete)
{
	gen_unwind(g);
	gen_ld(g, R0, (struct mem){ .off = g->unwind.off + (int32_t)offsetof(struct unwind_state, complete) });
	em_jcci(&g->em, BPF_JEQ, R0, 0, incomplete);
	saved_stack(g, g->unwind);
}

void gen_out_stack(struct gen *g, const struct ir_expr *e)
{
	if (e->op == IR_PRINT_UBT)
		user_stack(g, NULL);
	else
		saved_stack(g, *gen_ctx_saved(g, IR_KSTACK_ADDR, 0));
}

void gen_out_stack_at(struct gen *g, const struct mem at[3])
{
	user_stack(g, at);
}

/* ubacktrace(), sprint_ubacktrace() and the kernel's */
void gen_backtrace_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	bool user = e->op == IR_UBACKTRACE;
	const struct mem *at = gen_ctx_saved(g, user ? IR_USTACK_ADDR : IR_KSTACK_ADDR, 0);
	struct sref src = { *at, 8 };
	int64_t form = e->imm & ~(int64_t)IR_SYM_NOW;
	int letter = form == 0 ? 0 : !user ? 'c' : form == 1 ? 'b' : 'B';
	em_label made = em_new_label(&g->em);

	if (user)
		gen_unwind(g);
	if ((e->imm & IR_SYM_NOW) && gen_name_stack(g, src, form == 2, dst))
		em_jcci(&g->em, BPF_JSGE, R0, 0, made);
	em_helper(&g->em, BPF_FUNC_get_current_pid_tgid);
	em_alui(&g->em, BPF_RSH, R0, 32);
	gen_st(g, gen_arg(0), R0);
	gen_result(g, dst);
	gen_soff(g, R4, src);
	em_movi(&g->em, R5, letter);
	gen_routine(g, ROUTINE_bk_stack);
	em_bind(&g->em, made);
	gen_cut(g);
}
