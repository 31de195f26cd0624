/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the context of a hit holds: registers, arguments, stacks.  The context pointer exists only in the main program,
 * at its start, so whatever the code wants from it is copied to memory there, once.
 */
#include "bpf/gen.h"

#include "base/ds.h"
#include "bpf/engine.h"
#include "bpf/glue.h"
#include "bpf/pt_regs.h"
#include "bpf/unwind_state.h"
#include "dbg/loc.h"
#include "ir/traverse.h"

enum { DWARF_CS = 51, DWARF_SS = 52 };	/* registers that no location is in */

/* By DWARF register number; -1: none */
static int pt_regs_off(int64_t reg)
{
	static const uint8_t general[DBG_NREGS] = {
		PT_AX, PT_DX, PT_CX, PT_BX, PT_SI, PT_DI, PT_BP, PT_SP,
		PT_R8, PT_R9, PT_R10, PT_R11, PT_R12, PT_R13, PT_R14, PT_R15, PT_IP
	};

	switch (reg) {
	case DBG_RFLAGS: return PT_FLAGS;
	case DWARF_CS: return PT_CS;
	case DWARF_SS: return PT_SS;
	default: return reg >= 0 && reg < DBG_NREGS ? general[reg] : -1;
	}
}

#define SYSARG_IA32 6	/* imm of IR_SYSARG */
#define SYSARG_NUMBER 7

#define BREAKPOINT_BYTES 1
#define ENTRY_NOP	5	/* behind it lie probes of functions that share an event */

#define OWN_FRAMES	2	/* without registers a stack begins with the program and its caller */

static bool has_regs(const struct gen *g)
{
	switch (g->kind) {
	case PROG_UPROBE: case PROG_URETPROBE: case PROG_PERF_EVENT: case PROG_KPROBE:
	case PROG_KRETPROBE: case PROG_KINSN:
		return true;
	default:
		return false;
	}
}

static bool in_user(const struct gen *g)
{
	return g->kind == PROG_UPROBE || g->kind == PROG_URETPROBE;
}

static struct mem *saved(struct gen *g, uint64_t key)
{
	for (uint32_t i = 0; i < g->nctx; i++)
		if (g->ctx_key[i] == key)
			return &g->ctx_save[i];
	return NULL;
}

static uint64_t key_of(enum ir_op op, int64_t imm)
{
	return (uint64_t)op << 48 | ((uint64_t)imm & 0xffffffffffffULL);
}

/* r0 = field of the registers with which the current task left user mode */
static void gen_user_reg(struct gen *g, int off)
{
	struct emit *em = &g->em;
	struct mem w = gen_word(g);

	gen_sti(g, w, 0);
	em_helper(em, BPF_FUNC_get_current_task_btf);
	em_mov(em, R1, R0);
	em_helper(em, BPF_FUNC_task_pt_regs);
	em_mov(em, R3, R0);
	em_alui(em, BPF_ADD, R3, off);
	em_movi(em, R2, 8);
	gen_addr(g, R1, w);
	em_helper(em, BPF_FUNC_probe_read_kernel);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

static void load_reg(struct gen *g, int off)
{
	em_ldx(&g->em, BPF_DW, R0, R7, off);
	if (off == PT_IP && g->kind == PROG_KINSN)	/* it is behind the breakpoint */
		em_alui(&g->em, BPF_SUB, R0, BREAKPOINT_BYTES);
}

void gen_func_ip(struct gen *g)
{
	struct emit *em = &g->em;
	em_label known = em_new_label(em);

	em_ldx(em, BPF_DW, R1, R10, STACK_CTX);
	em_helper(em, BPF_FUNC_get_func_ip);
	if (!g->by_address || g->kind != PROG_KPROBE)
		return;
	em_jcci(em, BPF_JNE, R0, 0, known);
	em_ldx(em, BPF_DW, R1, R10, STACK_CTX);
	em_ldx(em, BPF_DW, R0, R1, PT_IP);
	em_alui(em, BPF_SUB, R0, BREAKPOINT_BYTES + ENTRY_NOP);
	em_bind(em, known);
}

/* Arguments as the calling convention passes them: registers, then the stack above the return address. */
static void load_arg(struct gen *g, int64_t n)
{
	static const uint8_t regs[] = { PT_DI, PT_SI, PT_DX, PT_CX, PT_R8, PT_R9 };
	const int64_t nregs = sizeof(regs);
	struct mem w;

	if (g->kind != PROG_KPROBE && g->kind != PROG_KINSN) {
		em_ldx(&g->em, BPF_DW, R0, R7, (int)n * 8);
		/* typed here: the verifier forbids arithmetic on pointers, until one has become a number */
		for (int i = 0; i < 2 && g->kind != PROG_RAW_TP; i++)
			em_alui(&g->em, BPF_NEG, R0, 0);
		return;
	}
	if (n < nregs) {
		load_reg(g, regs[n]);
		return;
	}
	w = gen_word(g);
	gen_sti(g, w, 0);
	em_ldx(&g->em, BPF_DW, R3, R7, PT_SP);
	em_alui(&g->em, BPF_ADD, R3, 8 * (n - nregs + 1));
	em_movi(&g->em, R2, 8);
	gen_addr(g, R1, w);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

static struct mem sysarg_place(const struct gen *g, int64_t n)
{
	return (struct mem){ .off = g->sysargs.off + 8 * (int)n };
}

/* In the slot the verifier knows nothing of it, and does not go on once for each interface. */
static void keep_ia32(struct gen *g)
{
	em_ldx(&g->em, BPF_DW, R0, R10, STACK_IA32);
	gen_st(g, sysarg_place(g, SYSARG_IA32), R0);
}

/* A system call's arguments are in the user's registers, by interface. */
static const uint8_t call_native[SYSARG_IA32] = { PT_DI, PT_SI, PT_DX, PT_R10, PT_R8, PT_R9 };
static const uint8_t call_ia32[SYSARG_IA32] = { PT_BX, PT_CX, PT_DX, PT_SI, PT_DI, PT_BP };

void gen_call_prologue(struct gen *g)
{
	struct emit *em = &g->em;
	em_label other = em_new_label(em), done = em_new_label(em);

	gen_st(g, sysarg_place(g, SYSARG_IA32), R8);
	em_helper(em, BPF_FUNC_get_current_task_btf);
	em_mov(em, R1, R0);
	em_helper(em, BPF_FUNC_task_pt_regs);
	em_jcci(em, BPF_JNE, R8, 0, other);
	for (int i = 0; i < SYSARG_IA32; i++) {
		em_ldx(em, BPF_DW, R1, R0, call_native[i]);
		gen_st(g, sysarg_place(g, i), R1);
	}
	em_jmp(em, done);
	em_bind(em, other);
	for (int i = 0; i < SYSARG_IA32; i++) {
		em_ldx(em, BPF_W, R1, R0, call_ia32[i]);
		gen_st(g, sysarg_place(g, i), R1);
	}
	em_bind(em, done);
}

static void load_ia32(struct gen *g, int dst)
{
	if (g->slot)
		gen_ld(g, dst, sysarg_place(g, SYSARG_IA32));
	else
		em_ldx(&g->em, BPF_DW, dst, R10, STACK_IA32);
}

static void load_sysarg(struct gen *g, int64_t n)
{
	struct emit *em = &g->em;
	em_label other = em_new_label(em), done = em_new_label(em);

	if (n == SYSARG_IA32) {
		load_ia32(g, R0);
		return;
	}
	em_ldx(em, BPF_DW, R1, R7, 0);
	if (n == SYSARG_NUMBER) {
		em_ldx(em, BPF_DW, R0, R1, PT_ORIG_AX);
		em_alui(em, BPF_LSH, R0, 32);
		em_alui(em, BPF_ARSH, R0, 32);
		return;
	}
	load_ia32(g, R2);
	em_jcci(em, BPF_JNE, R2, 0, other);
	em_ldx(em, BPF_DW, R0, R1, call_native[n]);
	em_jmp(em, done);
	em_bind(em, other);
	em_ldx(em, BPF_W, R0, R1, call_ia32[n]);
	em_bind(em, done);
}

/* r0 = result of the function that returns; a trampoline has it behind the arguments */
static void load_result(struct gen *g)
{
	struct mem w;

	if (g->kind == PROG_SYSRET) {
		em_ldx(&g->em, BPF_DW, R0, R7, 8);
		return;
	}
	if (g->kind != PROG_FEXIT) {
		load_reg(g, PT_AX);
		return;
	}
	w = gen_word(g);
	gen_sti(g, w, 0);
	em_mov(&g->em, R1, R7);
	gen_addr(g, R2, w);
	em_helper(&g->em, BPF_FUNC_get_func_ret);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

static bool in_kernel_function(const struct gen *g)
{
	return g->kind == PROG_KPROBE || g->kind == PROG_KRETPROBE || g->kind == PROG_FENTRY ||
	       g->kind == PROG_FEXIT;
}

/* Where the return address is, or where the trampoline keeps the arguments. */
static void load_frame(struct gen *g)
{
	if (!has_regs(g)) {
		em_mov(&g->em, R0, R7);
		return;
	}
	em_ldx(&g->em, BPF_DW, R0, R7, PT_SP);
	if (g->kind == PROG_KPROBE || g->kind == PROG_KINSN)
		em_alui(&g->em, BPF_ADD, R0, 8);
}

/* An address on the stack that the program was called on: that of the context, which most kinds have there. */
static void load_stack_pointer(struct gen *g)
{
	if (g->kind == PROG_KPROBE)
		em_ldx(&g->em, BPF_DW, R0, R7, PT_SP);
	else
		em_mov(&g->em, R0, g->kind == PROG_TRACEPOINT ? R10 : R7);
}

static void load_ctx(struct gen *g, int64_t imm)
{
	static const int sizes[9] = { [1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW };
	int bytes = (int)(imm & 0xff);

	/* the kernel keeps the common fields of a tracepoint's record to itself; common_pid is the thread */
	if (g->kind == PROG_TRACEPOINT && imm >> 8 < 8) {
		em_helper(&g->em, BPF_FUNC_get_current_pid_tgid);
		em_alui(&g->em, BPF_LSH, R0, 32);
		em_alui(&g->em, BPF_RSH, R0, 32);
		if (imm >> 8 != 4)
			em_movi(&g->em, R0, 0);
		return;
	}
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) {
		em_fail(&g->em, "ctxload of an odd size");
		return;
	}
	em_ldx(&g->em, sizes[bytes], R0, R7, (int)(imm >> 8));
}

/*
 * Frames before those that count: without registers the program's and its caller's; of a function that
 * returns its own.
 */
static int own_frames(const struct gen *g)
{
	if (has_regs(g) || g->kind == PROG_TRACEPOINT)
		return 0;
	return g->kind == PROG_FEXIT ? OWN_FRAMES + 1 : OWN_FRAMES;
}

/* Drops what a saved stack begins with that belongs to the tracepoint; r7 = context stays. */
static void drop_glue(struct gen *g, struct mem at, struct mem pcs)
{
	struct emit *em = &g->em;
	em_label none = em_new_label(em);

	em_movi(em, R2, at.off - SLOT_B);
	gen_routine(g, ROUTINE_bk_glue);
	em_jcci(em, BPF_JEQ, R0, 0, none);
	em_alui(em, BPF_AND, R0, 2 * GLUE_FRAMES - 1);
	em_alui(em, BPF_LSH, R0, 3);
	gen_ld(g, R1, at);
	em_alu(em, BPF_SUB, R1, R0);
	gen_st(g, at, R1);
	gen_addr(g, R1, pcs);
	em_mov(em, R3, R1);
	em_alu(em, BPF_ADD, R3, R0);
	em_movi(em, R2, GEN_STACK_FRAMES * 8);
	em_helper(em, BPF_FUNC_probe_read_kernel);
	em_bind(em, none);
}

static bool at_tracepoint(const struct gen *g)
{
	return g->kind == PROG_RAW_TP || g->kind == PROG_TP_BTF || g->kind == PROG_TRACEPOINT || gen_is_syscall(g);
}

/* bpf_get_stack into a word count and GEN_STACK_FRAMES words */
static struct mem save_stack(struct gen *g, bool user)
{
	struct mem at = gen_alloc(g, 8 + GEN_STACK_FRAMES * 8), pcs = { .off = at.off + 8 };

	gen_need_slot(g);
	if (g->kind == PROG_NETFILTER) {
		em_fail(&g->em, "stacks cannot be had at netfilter hooks");
		return at;
	}
	em_mov(&g->em, R1, R7);
	gen_addr(g, R2, pcs);
	em_movi(&g->em, R3, GEN_STACK_FRAMES * 8);
	em_movi(&g->em, R4, user ? BPF_F_USER_STACK : own_frames(g));
	em_helper(&g->em, BPF_FUNC_get_stack);
	gen_st(g, at, R0);
	/* not behind the breakpoint or the call */
	if (!user && (g->kind == PROG_KPROBE || g->kind == PROG_FENTRY)) {
		gen_func_ip(g);
		gen_st(g, pcs, R0);
	} else if (!user && g->kind == PROG_KINSN) {
		load_reg(g, PT_IP);
		gen_st(g, pcs, R0);
	} else if (!user && g->uses_frames && at_tracepoint(g)) {
		drop_glue(g, at, pcs);
	}
	return at;
}

static bool at_return(const struct gen *g)
{
	return g->kind == PROG_KRETPROBE || g->kind == PROG_URETPROBE || g->kind == PROG_FEXIT;
}

/* r0 = where the function returns to: a trampoline's program finds it on the stack. */
static void load_return_address(struct gen *g)
{
	struct mem pc;

	if (g->kind != PROG_FEXIT) {
		load_reg(g, PT_IP);
		return;
	}
	pc = gen_word(g);
	gen_sti(g, pc, 0);
	em_mov(&g->em, R1, R7);
	gen_addr(g, R2, pc);
	em_movi(&g->em, R3, 8);
	em_movi(&g->em, R4, own_frames(g));
	em_helper(&g->em, BPF_FUNC_get_stack);
	gen_ld(g, R0, pc);
	gen_word_free(g, pc);
}

/* r0 = user registers: the context's if the hit was in user code, else those saved at kernel entry */
static void load_ureg(struct gen *g, int off)
{
	em_label user = em_new_label(&g->em), done = em_new_label(&g->em);
	struct mem w;

	if (in_user(g)) {
		load_reg(g, off);
		return;
	}
	if (g->kind != PROG_PERF_EVENT) {
		gen_user_reg(g, off);
		return;
	}
	w = gen_word(g);
	em_ldx(&g->em, BPF_DW, R0, R7, PT_CS);
	em_alui(&g->em, BPF_AND, R0, 3);
	em_jcci(&g->em, BPF_JNE, R0, 0, user);
	gen_user_reg(g, off);
	gen_st(g, w, R0);
	em_jmp(&g->em, done);
	em_bind(&g->em, user);
	load_reg(g, off);
	gen_st(g, w, R0);
	em_bind(&g->em, done);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

/* User stack: the registers to start from; the walk is done where it is first asked for. */
static struct mem save_user_stack(struct gen *g)
{
	static const struct { int reg, field; } regs[] = {
		{ PT_IP, offsetof(struct unwind_state, rip) }, { PT_SP, offsetof(struct unwind_state, rsp) },
		{ PT_BP, offsetof(struct unwind_state, rbp) },
	};

	if (!gen_unwind_prepare(g))
		return save_stack(g, true);
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		load_ureg(g, regs[i].reg);
		gen_st(g, (struct mem){ .off = g->unwind.off + regs[i].field }, R0);
	}
	return g->unwind;
}

/* Registers of a system call: the program's, but that the fourth argument stands where functions have it. */
static bool load_call_reg(struct gen *g, int64_t reg)
{
	static const int8_t argument[] = { [DBG_RDI] = 1, [DBG_RSI] = 2, [DBG_RDX] = 3, [DBG_RCX] = 4, [DBG_R8] = 5,
					   [DBG_R9] = 6 };

	if (reg >= 0 && reg < (int64_t)sizeof(argument) && argument[reg])
		load_sysarg(g, argument[reg] - 1);
	else if (pt_regs_off(reg) >= 0)
		load_ureg(g, pt_regs_off(reg));
	else
		return false;
	return true;
}

/* Loads one context value into r0; false: stays as the operation does it. */
static bool load_one(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_REG:
		if (gen_is_syscall(g))
			return load_call_reg(g, e->imm);
		if (!has_regs(g) || pt_regs_off(e->imm) < 0)
			return false;
		if (g->kind == PROG_KPROBE && pt_regs_off(e->imm) == PT_IP)
			gen_func_ip(g);		/* the registers have what is behind the breakpoint, or the call */
		else
			load_reg(g, pt_regs_off(e->imm));
		return true;
	case IR_UREG:
		if (pt_regs_off(e->imm) < 0)
			return false;
		load_ureg(g, pt_regs_off(e->imm));
		return true;
	case IR_UADDR:
		load_ureg(g, PT_IP);
		return true;
	case IR_ARG:
		load_arg(g, e->imm);
		return true;
	case IR_SYSARG:
		if (!gen_is_syscall(g) || e->imm < 0 || e->imm > SYSARG_NUMBER)
			return false;
		load_sysarg(g, e->imm);
		return true;
	case IR_FRAME:
		load_frame(g);
		return true;
	case IR_KSTACK_PTR:
		load_stack_pointer(g);
		return true;
	case IR_CTXLOAD:
		load_ctx(g, e->imm);
		return true;
	case IR_RETVAL:
		if (!has_regs(g) && g->kind != PROG_FEXIT && g->kind != PROG_SYSRET)
			return false;
		load_result(g);
		return true;
	case IR_USER_MODE:
		if (g->kind != PROG_PERF_EVENT) {
			em_movi(&g->em, R0, in_user(g));
			return true;
		}
		em_ldx(&g->em, BPF_DW, R0, R7, PT_CS);
		em_alui(&g->em, BPF_AND, R0, 3);
		em_alui(&g->em, BPF_ADD, R0, 1);
		em_alui(&g->em, BPF_RSH, R0, 2);
		return true;
	case IR_PROBE_ADDR:
		if (e->imm && at_return(g)) {
			load_return_address(g);
		} else if (in_kernel_function(g) || (g->kind == PROG_URETPROBE && gen_has(g, ENGINE_FUNC_IP))) {
			gen_func_ip(g);
		} else if (has_regs(g)) {
			load_reg(g, PT_IP);
		} else {
			em_movi(&g->em, R0, 0);
		}
		return true;
	default:
		return false;
	}
}

bool gen_is_stack(enum ir_op op)
{
	return op == IR_USTACK_ADDR || op == IR_UBACKTRACE || op == IR_KSTACK_ADDR || op == IR_KBACKTRACE ||
	       op == IR_PRINT_KBT;
}

static void save_one(void *ctx, struct ir_expr **ep)
{
	struct gen *g = ctx;
	const struct ir_expr *e = *ep;
	bool user = e->op == IR_USTACK_ADDR || e->op == IR_UBACKTRACE;
	uint64_t key = gen_is_stack(e->op) ? key_of(user ? IR_USTACK_ADDR : IR_KSTACK_ADDR, 0) :
					 key_of(e->op, e->imm);
	struct mem at;

	if (g->em.err || saved(g, key))
		return;
	if (e->op == IR_MODULE_BIAS) {
		struct ir_expr probe = { .op = IR_PROBE_ADDR };
		struct ir_expr *pp = &probe;

		save_one(g, &pp);
		return;
	}
	if (e->op == IR_PRINT_UBT || e->op == IR_PRINT_UBT_AT) {
		for (int i = 0; i < DBG_NREGS; i++) {
			struct ir_expr reg = { .op = IR_UREG, .imm = i };
			struct ir_expr *pr = &reg;

			save_one(g, &pr);
		}
		if (e->op == IR_PRINT_UBT && gen_unwind_possible()) {
			struct ir_expr stack = { .op = IR_USTACK_ADDR };
			struct ir_expr *ps = &stack;

			save_one(g, &ps);
		}
		return;
	}
	if (gen_is_stack(e->op)) {
		at = user ? save_user_stack(g) : save_stack(g, false);
	} else if (e->op == IR_SYSARG && gen_slot_shared(g) && e->imm >= 0 && e->imm <= SYSARG_IA32) {
		at = sysarg_place(g, e->imm);
	} else {
		if (!load_one(g, e))
			return;
		at = e->op == IR_SYSARG && g->slot ? sysarg_place(g, e->imm) :
		     gen_alloc(g, 8);
		gen_st(g, at, R0);
	}
	if (g->nctx == sizeof(g->ctx_key) / sizeof(g->ctx_key[0])) {
		em_fail(&g->em, "too many different context values in one handler");
		return;
	}
	g->ctx_key[g->nctx] = key;
	g->ctx_save[g->nctx++] = at;
}

const struct mem *gen_ctx_saved(struct gen *g, enum ir_op op, int64_t imm)
{
	return saved(g, key_of(op, imm));
}

void gen_ctx_prologue(struct gen *g, const struct ir_func *f)
{
	struct ir_walker w = { .ctx = g, .expr = save_one };

	if (g->slot && gen_is_syscall(g) && !gen_slot_shared(g))
		keep_ia32(g);
	ir_walk_list(f->body, &w);
	for (ptrdiff_t i = 0; i < arrlen(g->m->funcs); i++)
		if (g->fns[i].wanted)
			ir_walk_list(g->fns[i].f->body, &w);
}
