/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The context of a hit: what gen_save.c saved of it, the current task, time, and what else depends on the moment.
 */
#include "bpf/gen.h"

#include <linux/netfilter.h>

#include "base/ds.h"
#include "bpf/engine.h"
#include "bpf/kernel.h"
#include "bpf/unwind_state.h"

/* r3 = kernel address -> r0 = `size` bytes there, zero-extended; unreadable: 0 */
static void gen_peek(struct gen *g, int size)
{
	struct mem w = gen_word(g);

	gen_sti(g, w, 0);
	gen_addr(g, R1, w);
	em_movi(&g->em, R2, size);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

/* r0 = object -> r0 = member of `size` bytes */
static void gen_member(struct gen *g, const char *type, const char *member, int size)
{
	int off = kernel_offset(type, member);

	if (off < 0) {
		em_fail(&g->em, "the kernel's BTF has no such member of task_struct");
		return;
	}
	em_mov(&g->em, R3, R0);
	em_alui(&g->em, BPF_ADD, R3, off);
	gen_peek(g, size);
}

static void gen_task(struct gen *g)
{
	em_helper(&g->em, BPF_FUNC_get_current_task);
}

void gen_mm_word(struct gen *g, const char *member)
{
	gen_task(g);
	gen_member(g, "task_struct", "mm", 8);
	gen_member(g, "mm_struct", member, 8);
}

static void gen_cred(struct gen *g, const char *which)
{
	gen_member(g, "task_struct", "cred", 8);
	gen_member(g, "cred", which, 4);
}

/* The current task's own ids: programs at netfilter hooks lack the helpers. */
static void gen_task_ids(struct gen *g, enum ir_op op)
{
	gen_task(g);
	if (op == IR_PID || op == IR_TID)
		gen_member(g, "task_struct", op == IR_PID ? "tgid" : "pid", 4);
	else
		gen_cred(g, op == IR_UID ? "uid" : "gid");
}

static void gen_ids(struct gen *g, enum ir_op op)
{
	bool ids = op == IR_PID || op == IR_TID;

	if (g->kind == PROG_NETFILTER) {
		gen_task_ids(g, op);
		return;
	}
	em_helper(&g->em, ids ? BPF_FUNC_get_current_pid_tgid : BPF_FUNC_get_current_uid_gid);
	if (op == IR_TID || op == IR_UID)
		em_alui(&g->em, BPF_LSH, R0, 32);
	em_alui(&g->em, BPF_RSH, R0, 32);
}

/* Process group or session: task->signal->pids[type]->numbers[0].nr */
static void gen_pid_type(struct gen *g, int type)
{
	int pids = kernel_offset("signal_struct", "pids");

	gen_task(g);
	gen_member(g, "task_struct", "signal", 8);
	em_mov(&g->em, R3, R0);
	em_alui(&g->em, BPF_ADD, R3, pids + 8 * type);
	gen_peek(g, 8);
	gen_member(g, "pid", "numbers", 4);
}

static void gen_vars_word(struct gen *g, uint32_t off)
{
	gen_vars(g, R0, off);
	em_ldx(&g->em, BPF_DW, R0, R0, 0);
}

/* ns of the monotonic clock as cycles of the time stamp counter */
static void gen_cycles(struct gen *g)
{
	struct emit *em = &g->em;

	em_helper(em, BPF_FUNC_ktime_get_ns);
	em_mov(em, R1, R0);
	em_alui(em, BPF_MOD, R1, 1000);
	em_alui(em, BPF_MUL, R1, kernel_tsc_mhz());
	em_alui(em, BPF_DIV, R1, 1000);
	em_alui(em, BPF_DIV, R0, 1000);
	em_alui(em, BPF_MUL, R0, kernel_tsc_mhz());
	em_alu(em, BPF_ADD, R0, R1);
}

static void gen_is_target(struct gen *g)
{
	struct emit *em = &g->em;
	struct mem key = gen_word(g), out = gen_word(g);
	em_label no = em_new_label(em);

	g->u->wants_targets = true;
	gen_sti(g, out, 0);
	gen_ids(g, IR_PID);
	gen_st(g, key, R0);
	em_map_fd(em, R1, MAP_TARGETS);
	gen_map_key(g, key);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, no);
	gen_sti(g, out, 1);
	em_bind(em, no);
	gen_ld(g, R0, out);
	gen_word_free(g, out);
	gen_word_free(g, key);
}

/* Frame n of a saved stack, 0 past its end */
static void gen_stack_addr(struct gen *g, const struct ir_expr *e, struct mem at)
{
	struct emit *em = &g->em;
	em_label none = em_new_label(em);
	struct mem w = gen_word(g);
	int frames = e->op == IR_USTACK_ADDR && g->unwind.off ? UNWIND_FRAMES : GEN_STACK_FRAMES;

	if (e->op == IR_USTACK_ADDR)
		gen_unwind(g);
	gen_expr(g, e->args[0]);
	gen_sti(g, w, 0);
	em_jcci(em, BPF_JGE, R0, frames, none);
	em_alui(em, BPF_LSH, R0, 3);
	gen_ld(g, R1, at);
	em_jcc(em, BPF_JSGE, R0, R1, none);
	em_alui(em, BPF_AND, R0, frames * 8 - 1);
	em_alu(em, BPF_ADD, R0, R6);
	em_alui(em, BPF_ADD, R0, at.off + 8);
	em_ldx(em, BPF_DW, R0, R0, 0);
	gen_st(g, w, R0);
	em_bind(em, none);
	gen_ld(g, R0, w);
	gen_word_free(g, w);
}

/* The program's file: task->mm->exe_file->f_inode, and its file system's device. */
static void gen_image(struct gen *g, bool device)
{
	if (gen_has(g, ENGINE_WALK_TASK)) {
		kernel_walk_image(&g->em, device);
		return;
	}
	gen_task(g);
	gen_member(g, "task_struct", "mm", 8);
	gen_member(g, "mm_struct", "exe_file", 8);
	gen_member(g, "file", "f_inode", 8);
	if (device) {
		gen_member(g, "inode", "i_sb", 8);
		gen_member(g, "super_block", "s_dev", 4);
	} else {
		gen_member(g, "inode", "i_ino", 8);
	}
}

static bool gen_id_op(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_PID: case IR_TID: case IR_UID: case IR_GID:
		gen_ids(g, e->op);
		return true;
	case IR_PPID:
		gen_task(g);
		gen_member(g, "task_struct", "real_parent", 8);
		gen_member(g, "task_struct", "tgid", 4);
		return true;
	case IR_PGRP:
	case IR_SID:
		gen_pid_type(g, e->op == IR_PGRP ? 2 : 3);
		return true;
	case IR_EUID:
	case IR_EGID:
		gen_task(g);
		gen_cred(g, e->op == IR_EUID ? "euid" : "egid");
		return true;
	case IR_IMAGE:
		gen_image(g, e->imm);
		return true;
	case IR_TASK:
		gen_task(g);
		return true;
	case IR_CPU:
		em_helper(&g->em, BPF_FUNC_get_smp_processor_id);
		return true;
	default:
		return false;
	}
}

static bool gen_time_op(struct gen *g, const struct ir_expr *e)
{
	switch (e->op) {
	case IR_TIME_NS:
		em_helper(&g->em, BPF_FUNC_ktime_get_ns);
		gen_vars(g, R1, VARS_WALL);
		em_ldx(&g->em, BPF_DW, R1, R1, 0);
		em_alu(&g->em, BPF_ADD, R0, R1);
		return true;
	case IR_KTIME_NS:
		em_helper(&g->em, BPF_FUNC_ktime_get_ns);
		return true;
	case IR_CYCLES:
		gen_cycles(g);
		return true;
	case IR_JIFFIES:
		em_helper(&g->em, BPF_FUNC_jiffies64);
		return true;
	case IR_TZ_INFO:
		gen_vars_word(g, VARS_TZ);
		return true;
	case IR_TARGET:
		gen_vars_word(g, VARS_TARGET);
		return true;
	case IR_STP_PID:
		gen_vars_word(g, VARS_STP_PID);
		return true;
	default:
		return false;
	}
}

static void gen_randint(struct gen *g, const struct ir_expr *e)
{
	struct tmp n;

	gen_expr(g, e->args[0]);
	n = gen_push(g);
	em_helper(&g->em, BPF_FUNC_get_prandom_u32);
	gen_pop(g, n, R1);
	em_alu(&g->em, BPF_MOD, R0, R1);
}

/* The counter's event of this processor; the kernel takes no other. */
static void gen_perf(struct gen *g, const struct ir_expr *e)
{
	struct emit *em = &g->em;
	struct mem value;

	if (g->kind != PROG_UPROBE && g->kind != PROG_URETPROBE) {
		gen_error(g, WERR_NO_CONTEXT, &e->at, false);
		return;
	}
	value = gen_alloc(g, 24);	/* struct bpf_perf_event_value */
	em_helper(em, BPF_FUNC_get_smp_processor_id);
	em_mov(em, R2, R0);
	em_alui(em, BPF_ADD, R2, (int32_t)(e->imm * g->u->lo.ncpu_pow2));
	em_map_fd(em, R1, MAP_COUNTERS);
	gen_addr(g, R3, value);
	em_movi(em, R4, 24);
	em_helper(em, BPF_FUNC_perf_event_read_value);
	em_mov(em, R1, R0);
	em_jcci(em, BPF_JNE, R0, 0, gen_error_label(g, WERR_COUNTER, &e->at, true));
	gen_ld(g, R0, value);
}

/* What becomes of a packet: only programs at netfilter hooks have a say. */
static void gen_verdict(struct gen *g, const struct ir_expr *e)
{
	if (g->kind != PROG_NETFILTER) {
		gen_error(g, WERR_NO_CONTEXT, &e->at, false);
		return;
	}
	if (e->op == IR_VERDICT) {
		gen_ld(g, R0, g->verdict);
		return;
	}
	gen_expr(g, e->args[0]);
	em_mov(&g->em, R1, R0);
	em_jcci(&g->em, BPF_JGT, R0, NF_ACCEPT, gen_error_label(g, WERR_VERDICT, &e->at, true));
	gen_st(g, g->verdict, R0);
}

bool gen_ctx_i64(struct gen *g, const struct ir_expr *e)
{
	const struct mem *at = gen_is_stack(e->op) ? NULL : gen_ctx_saved(g, e->op, e->imm);

	if (at) {
		gen_ld(g, R0, *at);
		return true;
	}
	if (gen_id_op(g, e) || gen_time_op(g, e))
		return true;
	switch (e->op) {
	case IR_REG: case IR_UREG: case IR_RETVAL: case IR_SYSARG: case IR_OWN_FIELD:
		gen_error(g, WERR_NO_CONTEXT, &e->at, false);
		return true;
	case IR_POINT_INT:
		gen_point_int(g, e);
		return true;
	case IR_RANDINT:
		gen_randint(g, e);
		return true;
	case IR_PERF:
		gen_perf(g, e);
		return true;
	case IR_VERDICT:
	case IR_VERDICT_SET:
		gen_verdict(g, e);
		return true;
	case IR_IS_TARGET:
		gen_is_target(g);
		return true;
	case IR_KPLACE:
		em_movi(&g->em, R0, e->imm >= 0 && (uint64_t)e->imm < arrlenu(g->p->places) ?
			(int64_t)g->p->places[e->imm].address : 0);
		return true;
	case IR_MODULE_BIAS:
		gen_module_bias(g, e);
		return true;
	case IR_USTACK_ADDR:
	case IR_KSTACK_ADDR:
		at = gen_ctx_saved(g, e->op, 0);
		gen_stack_addr(g, e, *at);
		return true;
	default:
		return false;
	}
}

/* r0 = task_struct -> its comm */
static void gen_task_comm(struct gen *g, struct sref dst)
{
	uint32_t mark = gen_buf_mark(g);
	struct sref t = gen_buf(g);

	t.bound = 16;
	em_mov(&g->em, R3, R0);
	em_alui(&g->em, BPF_ADD, R3, kernel_offset("task_struct", "comm"));
	gen_sti(g, t.at, 0);
	gen_addr(g, R1, t.at);
	em_movi(&g->em, R2, 16);
	em_helper(&g->em, BPF_FUNC_probe_read_kernel_str);
	gen_str_copy(g, dst, t);
	gen_buf_release(g, mark);
}

void gen_comm_find(struct gen *g)
{
	if (g->kind != PROG_NETFILTER)
		return;
	gen_task(g);
	em_alui(&g->em, BPF_ADD, R0, kernel_offset("task_struct", "comm"));
}

void gen_comm_put(struct gen *g)
{
	em_movi(&g->em, R2, COMM);
	if (g->kind == PROG_NETFILTER) {	/* lacks the helper, before 6.18 */
		em_mov(&g->em, R3, R0);
		em_helper(&g->em, BPF_FUNC_probe_read_kernel);
	} else {
		em_helper(&g->em, BPF_FUNC_get_current_comm);
	}
}

static void gen_comm(struct gen *g, struct sref dst)
{
	struct sref t = dst;
	uint32_t mark = gen_buf_mark(g);

	if (dst.bound < COMM || dst.at.frame)
		t = gen_buf(g);
	gen_comm_find(g);
	gen_addr(g, R1, t.at);
	gen_comm_put(g);
	if (t.at.off != dst.at.off || dst.at.frame) {
		t.bound = COMM;
		gen_str_copy(g, dst, t);
	}
	gen_buf_release(g, mark);
}

bool gen_ctx_str(struct gen *g, const struct ir_expr *e, struct sref dst)
{
	switch (e->op) {
	case IR_EXECNAME:
		gen_comm(g, dst);
		return true;
	case IR_PEXECNAME:
		gen_task(g);
		gen_member(g, "task_struct", "real_parent", 8);
		gen_task_comm(g, dst);
		return true;
	case IR_POINT_STR:
		gen_point_str(g, e, dst);
		return true;
	case IR_UBACKTRACE:
	case IR_KBACKTRACE:
		gen_backtrace_str(g, e, dst);
		return true;
	default:
		return false;
	}
}
