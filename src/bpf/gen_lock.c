/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks of globals: a word in the global's line, bit 31 for a writer, else the number of readers.
 * The first try is inline; contended, a function tries MAXTRYLOCK times.  Taken in the order of the
 * globals for the whole handler; when one cannot be had the hit is skipped.  System calls that our process makes
 * while a handler of its own holds a lock are no hits: SystemTap's handlers make none.
 */
#include "bpf/gen.h"

#include "base/ds.h"

#define TRY_ROUNDS	256	/* a try of SystemTap's waits 10 us, a round here takes about 10 ns */
#define LOOP_MAX	((1 << 23) - 1)
#define OWN_HIT		2	/* a result of the slow path */
#define STACK_LINE	(-8)	/* of the slow path's frame */

static enum ir_lock lock_of(struct gen *g, ptrdiff_t global)
{
	const uint8_t *locks = g->root.f->locks;

	return locks ? (enum ir_lock)locks[global] : IR_LOCK_NONE;
}

/*
 * One try on the word at r2, by way of r0, r1; jumps to l if it failed.  A reader that lost a race
 * against another reader counts as failed too.
 */
static void try_lock(struct gen *g, enum ir_lock mode, em_label l)
{
	struct emit *em = &g->em;

	if (mode == IR_LOCK_WRITE) {
		em_movi(em, R0, 0);
		em_movi(em, R1, (int32_t)LOCK_WRITER);
		em_atomic(em, BPF_W, BPF_CMPXCHG, R2, LINE_LOCK, R1);
		em_alui(em, BPF_LSH, R0, 32);
		em_jcci(em, BPF_JNE, R0, 0, l);
		return;
	}
	em_ldx(em, BPF_W, R0, R2, LINE_LOCK);
	em_jcci(em, BPF_JSGT, R0, INT32_MAX, l);
	em_mov(em, R3, R0);
	em_mov(em, R1, R0);
	em_alui(em, BPF_ADD, R1, 1);
	em_atomic(em, BPF_W, BPF_CMPXCHG, R2, LINE_LOCK, R1);
	em_alui(em, BPF_LSH, R0, 32);
	em_alui(em, BPF_LSH, R3, 32);
	em_jcc(em, BPF_JNE, R0, R3, l);
}

static void release(struct gen *g, ptrdiff_t global)
{
	struct emit *em = &g->em;

	gen_line(g, R2, (uint32_t)global);
	if (lock_of(g, global) == IR_LOCK_WRITE) {
		em_movi(em, R1, 0);
		em_atomic(em, BPF_W, BPF_XCHG, R2, LINE_LOCK, R1);
	} else {
		em_movi(em, R1, -1);
		em_atomic(em, BPF_W, BPF_ADD, R2, LINE_LOCK, R1);
	}
}

/* What is held when taking lock number `upto` fails is given back there. */
struct undo {
	em_label label;
	ptrdiff_t upto;
};

void gen_locks_take(struct gen *g, em_label failed, em_label own)
{
	struct emit *em = &g->em;
	struct undo *undos = NULL;
	em_label over = em_new_label(em);

	for (ptrdiff_t i = 0; i < arrlen(g->m->globals); i++) {
		enum ir_lock mode = lock_of(g, i);
		em_label slow, got;
		struct undo u = { .upto = i };

		if (mode == IR_LOCK_NONE)
			continue;
		slow = em_new_label(em);
		got = em_new_label(em);
		u.label = em_new_label(em);
		arrput(undos, u);
		gen_line(g, R2, (uint32_t)i);
		try_lock(g, mode, slow);
		em_jmp(em, got);
		em_bind(em, slow);
		if (!g->lock_fn[mode == IR_LOCK_WRITE])
			g->lock_fn[mode == IR_LOCK_WRITE] = em_new_label(em);
		gen_line(g, R1, (uint32_t)i);
		em_call(em, g->lock_fn[mode == IR_LOCK_WRITE]);
		em_jcci(em, BPF_JNE, R0, 1, u.label);
		em_bind(em, got);
	}
	if (!arrlen(undos))
		return;
	em_jmp(em, over);
	for (ptrdiff_t i = arrlen(undos); i-- > 0;) {
		em_bind(em, undos[i].label);
		if (i > 0)
			release(g, undos[i - 1].upto);
	}
	em_jcci(em, BPF_JEQ, R0, OWN_HIT, own);
	em_jmp(em, failed);
	em_bind(em, over);
	arrfree(undos);
}

void gen_locks_release(struct gen *g)
{
	for (ptrdiff_t i = arrlen(g->m->globals); i-- > 0;)
		if (lock_of(g, i) != IR_LOCK_NONE)
			release(g, i);
}

void gen_unless_process(struct gen *g, em_label other)
{
	em_helper(&g->em, BPF_FUNC_get_current_pid_tgid);
	em_alui(&g->em, BPF_RSH, R0, 32);
	gen_vars(g, R1, VARS_STP_PID);
	em_ldx(&g->em, BPF_DW, R1, R1, 0);
	em_jcc(&g->em, BPF_JNE, R0, R1, other);
}

/*
 * r1 = line; leaves the function if the process holds the lock and is what runs: it would be waited for in vain.  Its
 * system calls are its own doing; anything else may be an interrupt's, and counts as skipped.
 */
static void leave_own_hit(struct gen *g)
{
	struct emit *em = &g->em;
	em_label other = em_new_label(em);

	if (g->kind == PROG_NETFILTER)	/* cannot tell what runs */
		return;
	em_ldx(em, BPF_W, R1, R1, LINE_LOCK);
	em_alui(em, BPF_AND, R1, (int32_t)LOCK_PROCESS);
	em_jcci(em, BPF_JEQ, R1, 0, other);
	gen_unless_process(g, other);
	em_movi(em, R0, gen_is_syscall(g) ? OWN_HIT : 0);
	em_exit(em);
	em_bind(em, other);
}

/*
 * r1 = line -> r0 = 1: have it, 0: not, OWN_HIT.  Up to MAXTRYLOCK times, by bpf_loop; the callback returns 1
 * when it succeeded, and its last round does not try, so that the number of rounds tells.
 */
static void gen_lock_fn(struct gen *g, enum ir_lock mode)
{
	struct emit *em = &g->em;
	em_label cb = em_new_label(em), busy = em_new_label(em), failed = em_new_label(em);
	int32_t tries = g->p->limits.maxtrylock && g->p->limits.maxtrylock < LOOP_MAX / TRY_ROUNDS ?
			(int32_t)g->p->limits.maxtrylock * TRY_ROUNDS : LOOP_MAX;

	em_subprog(em, g->lock_fn[mode == IR_LOCK_WRITE], FN_KIND_STATIC);
	em_stx(em, BPF_DW, R10, STACK_LINE, R1);
	leave_own_hit(g);
	em_movi(em, R1, tries + 1);
	em_func_addr(em, R2, cb);
	em_mov(em, R3, R10);
	em_alui(em, BPF_ADD, R3, STACK_LINE);
	em_movi(em, R4, 0);
	em_helper(em, BPF_FUNC_loop);
	em_jcci(em, BPF_JGT, R0, tries, failed);
	em_movi(em, R0, 1);
	em_exit(em);
	em_bind(em, failed);
	em_movi(em, R0, 0);
	em_exit(em);

	em_subprog(em, cb, FN_KIND_STATIC);
	em_jcci(em, BPF_JGE, R1, tries, busy);
	em_ldx(em, BPF_DW, R2, R2, 0);
	try_lock(g, mode, busy);
	em_movi(em, R0, 1);
	em_exit(em);
	em_bind(em, busy);
	em_movi(em, R0, 0);
	em_exit(em);
}

void gen_lock_fns(struct gen *g)
{
	if (em_used(&g->em, g->lock_fn[0]))
		gen_lock_fn(g, IR_LOCK_READ);
	if (em_used(&g->em, g->lock_fn[1]))
		gen_lock_fn(g, IR_LOCK_WRITE);
}
