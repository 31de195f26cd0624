/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No hit within a hit.
 *
 * What handlers call in the kernel consists of functions too, and some are called with a lock held: that of the free
 * elements of an array, that of a ring.  A program at _raw_spin_unlock_irqrestore that runs there, and itself adds an
 * element or prints, takes the same lock again, and the machine stands still.  The kernel keeps apart the programs of
 * kprobes, perf events and their tracepoints, on each processor, and keeps them from the changes of arrays that
 * a process asks for.  Trampolines and raw tracepoints it only keeps from running within themselves, uprobes of
 * multi-links and programs of packets not even that.
 *
 * So where a session has points of both kinds, or several of the second, those that may be in the midst of
 * something ("outer") count it in a word of their processor, and those that may be hit there ("inner": functions, and
 * the tracepoints of locks) look at it and leave.  A handler that may sleep cannot count, for others run on its
 * processor meanwhile: it notes its task before each call that takes a lock.  What the process itself changes is told
 * by the word that every handler reads first (engine_change()).
 *
 * Interrupts, and with them clocks and counters, come only where none of these locks is held, and an NMI
 * does not wait for them: programs of perf events are outer, never inner.
 */
#include "bpf/gen.h"

#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"

/* Their places are in processes: they are hit in the midst of nothing. */
static bool is_in_process(enum prog_kind kind)
{
	return kind == PROG_UPROBE || kind == PROG_URETPROBE;
}

/* Does the kernel keep these programs from running within one another? */
static bool is_exclusive(enum prog_kind kind)
{
	switch (kind) {
	case PROG_KPROBE: case PROG_KRETPROBE: case PROG_KINSN: case PROG_TRACEPOINT: case PROG_PERF_EVENT:
		return true;
	default:
		return false;
	}
}

/* Tracepoints inside of locks and around what disables interrupts. */
static bool is_of_locks(const struct prog_point *pt)
{
	static const char *const systems[] = { "lock:", "preemptirq:", "contention_" };
	const char *name = pt->name ? pt->name : "";

	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (!strncmp(name, systems[i], strlen(systems[i])))
			return true;
	return false;
}

/* May the point be hit while a handler holds one of the kernel's locks? */
static bool is_inner(const struct program *p, const struct prog_point *pt)
{
	switch (p->handlers[pt->handler].kind) {
	case PROG_KPROBE: case PROG_KRETPROBE: case PROG_KINSN: case PROG_FENTRY: case PROG_FEXIT:
		return true;
	case PROG_TRACEPOINT: case PROG_RAW_TP: case PROG_TP_BTF:
		return is_of_locks(pt);
	default:
		return false;
	}
}

void gen_guard_survey(struct unit *u)
{
	const struct program *p = u->p;

	u->nesting = (struct nesting){ .inner = xcalloc((size_t)arrlen(p->handlers) + 1, sizeof(bool)) };
	for (ptrdiff_t i = 0; i < arrlen(p->points); i++) {
		const struct prog_point *pt = &p->points[i];
		const struct prog_handler *h = &p->handlers[pt->handler];
		bool inner = is_inner(p, pt);

		if (h->kind == PROG_USER)
			continue;
		u->nesting.points++;
		u->nesting.free += !is_exclusive(h->kind);
		u->nesting.inners += inner;
		u->nesting.free_inners += inner && !is_exclusive(h->kind);
		u->nesting.sleepers += h->sleepable && is_in_process(h->kind);
		u->nesting.inner[pt->handler] |= inner;
	}
}

struct guard gen_guard(const struct gen *g)
{
	const struct nesting *n = &g->u->nesting;
	bool exclusive = is_exclusive(g->kind), inner = n->inner[g->handler];
	bool outer = exclusive ? n->free_inners > 0 : n->inners > inner;

	return (struct guard){
		.counts = outer && !g->sleepable,
		.marks = outer && g->sleepable,
		.checks = inner && (exclusive ? n->free > 0 : n->points > 1),
		.checks_mark = inner && n->sleepers > 0,
		.checks_process = inner && !exclusive,
	};
}

/* r1 = word `which` of this processor */
static void cpu_word(struct gen *g, uint32_t which)
{
	em_helper(&g->em, BPF_FUNC_get_smp_processor_id);
	em_alui(&g->em, BPF_AND, R0, g->u->lo.ncpu_pow2 - 1);
	em_alui(&g->em, BPF_LSH, R0, 6);
	gen_vars(g, R1, VARS_CPU + which);
	em_alu(&g->em, BPF_ADD, R1, R0);
}

/* r1 = line of this processor: to `nested` if a handler of this task is in the midst of something there */
static void check_mark(struct gen *g, em_label nested)
{
	em_mov(&g->em, R7, R1);
	em_helper(&g->em, BPF_FUNC_get_current_task);
	em_ldx(&g->em, BPF_DW, R1, R7, CPU_MARK - CPU_DEPTH);
	em_jcc(&g->em, BPF_JEQ, R0, R1, nested);
	em_ldx(&g->em, BPF_DW, R7, R10, STACK_CTX);
}

void gen_guard_active(struct gen *g, em_label out, em_label nested)
{
	struct emit *em = &g->em;
	em_label on = em_new_label(em), other = em_new_label(em);

	gen_vars(g, R1, VARS_ACTIVE);
	em_ldx(em, BPF_W, R1, R1, 0);
	if (!g->guard.checks_process) {
		em_jcci(em, BPF_JEQ, R1, 0, out);
		return;
	}
	em_jcci(em, BPF_JEQ, R1, ACTIVE_ON, on);
	em_jcci(em, BPF_JEQ, R1, 0, out);
	gen_unless_process(g, other);
	em_jmp(em, nested);
	em_bind(em, other);
	em_bind(em, on);
}

void gen_guard_enter(struct gen *g, em_label nested, em_label nested_counted)
{
	struct emit *em = &g->em;
	const struct guard *gd = &g->guard;

	if (!gd->counts && !gd->checks)
		return;
	cpu_word(g, CPU_DEPTH);
	if (gd->counts) {
		em_movi(em, R2, 1);
		em_atomic(em, BPF_DW, BPF_ADD | BPF_FETCH, R1, 0, R2);
	} else {
		em_ldx(em, BPF_DW, R2, R1, 0);
	}
	if (!gd->checks)
		return;
	em_jcci(em, BPF_JNE, R2, 0, gd->counts ? nested_counted : nested);
	if (gd->checks_mark)
		check_mark(g, gd->counts ? nested_counted : nested);
}

void gen_guard_leave(struct gen *g)
{
	if (!g->guard.counts && !g->guard.marks)
		return;
	cpu_word(g, g->guard.counts ? CPU_DEPTH : CPU_MARK);
	if (g->guard.marks) {
		em_sti(&g->em, BPF_DW, R1, 0, 0);
		return;
	}
	em_movi(&g->em, R2, -1);
	em_atomic(&g->em, BPF_DW, BPF_ADD, R1, 0, R2);
}

void gen_guard_lock(struct gen *g, int reg)
{
	struct mem task;

	if (!g->guard.marks)
		return;
	em_helper(&g->em, BPF_FUNC_get_current_task);
	if (reg != R0) {
		em_mov(&g->em, reg, R0);
		cpu_word(g, CPU_MARK);
		em_stx(&g->em, BPF_DW, R1, 0, reg);
		return;
	}
	task = gen_word(g);
	gen_st(g, task, R0);
	cpu_word(g, CPU_MARK);
	gen_ld(g, R0, task);
	em_stx(&g->em, BPF_DW, R1, 0, R0);
	gen_word_free(g, task);
}
