/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The context slot of a hit: taken at its start, given back at its end.
 *
 * Handlers of system calls are hundreds in one program at times.  What is the same in all of them is two functions
 * there, that the kernel verifies once: one takes a slot and puts into it what any of them needs, the call's arguments
 * too, the other sends the record.
 */
#include "bpf/gen.h"

#include "base/ds.h"

#define SHARE_MIN	8	/* handlers of system calls: fewer are not worth two calls a hit */

void gen_slot_survey(struct unit *u)
{
	size_t n = 0;

	for (size_t h = 0; h < arrlenu(u->p->handlers); h++)
		n += u->p->handlers[h].kind == PROG_SYSCALL || u->p->handlers[h].kind == PROG_SYSRET;
	u->shares_slot_code = n >= SHARE_MIN;
}

bool gen_slot_shared(const struct gen *g)
{
	return g->slot && gen_is_syscall(g) && g->u->shares_slot_code;
}

/* r0 = where the slots of this processor begin in MAP_SLOTS */
static void slots_offset(struct gen *g)
{
	em_helper(&g->em, BPF_FUNC_get_smp_processor_id);
	em_alui(&g->em, BPF_AND, R0, g->u->lo.ncpu_pow2 - 1);
	em_alui(&g->em, BPF_MUL, R0, (int64_t)g->u->slot_size * SLOTS_PER_CPU);
}

/* r6 = slot number r0; of the number the verifier shall know nothing: it would check what follows for each slot. */
static void slot_of_r0(struct gen *g)
{
	em_alui(&g->em, BPF_AND, R0, g->u->lo.ncpu_pow2 * SLOTS_PER_CPU - 1);
	em_alui(&g->em, BPF_MUL, R0, g->u->slot_size);
	em_map_value(&g->em, R6, MAP_SLOTS, 0);
	em_alu(&g->em, BPF_ADD, R6, R0);
}

/* r6 = a slot that was free; hdr.lock says that it is not any more */
static void find_slot(struct gen *g, em_label none)
{
	struct emit *em = &g->em;
	em_label got = em_new_label(em);

	slots_offset(g);
	em_map_value(em, R6, MAP_SLOTS, 0);
	em_alu(em, BPF_ADD, R6, R0);
	for (int i = 0; i < SLOTS_PER_CPU; i++) {
		if (i)
			em_alui(em, BPF_ADD, R6, g->u->slot_size);
		em_movi(em, R1, 1);
		em_atomic(em, BPF_DW, BPF_XCHG, R6, HDR(lock), R1);
		em_jcci(em, BPF_JEQ, R1, 0, got);
	}
	em_jmp(em, none);
	em_bind(em, got);
	gen_ld(g, R0, gen_hdr(HDR(index)));
	slot_of_r0(g);
	gen_sti(g, gen_hdr(HDR(err_code)), 0);
	gen_sti(g, gen_hdr(HDR(truncated)), 0);
}

/* What this handler wants of its slot. */
static void prepare_slot(struct gen *g)
{
	if (g->counts_actions)
		gen_sti(g, gen_hdr(HDR(act)), (int32_t)g->p->limits.maxaction);
	if (g->frame_size) {
		gen_sti(g, gen_hdr(HDR(sp)), 0);
		gen_sti(g, gen_hdr(HDR(depth)), 0);
	}
	if (g->uses_tokens) {
		g->tok_state = (struct sref){ gen_alloc(g, round8(g->m->maxstr) + 8), g->m->maxstr };
		g->tok_pos = gen_alloc(g, 8);
		gen_sti(g, g->tok_pos, -1);
	}
	if (g->uses_groups)
		g->match_subject = (struct sref){ gen_alloc(g, round8(g->m->maxstr) + 8), g->m->maxstr };
	if (g->uses_matched)
		gen_sti(g, gen_hdr(HDR(matched)), 0);
}

/* The point is in r2, the interface in r3, unless they were saved on the stack. */
static void call_take(struct gen *g, em_label taken)
{
	struct emit *em = &g->em;

	if (gen_saves_call(g)) {
		em_ldx(em, BPF_DW, R1, R10, STACK_COOKIE);
		em_ldx(em, BPF_DW, R2, R10, STACK_IA32);
	} else {
		em_mov(em, R1, R2);
		em_mov(em, R2, R3);
	}
	g->take_fn = em_new_label(em);
	em_call(em, g->take_fn);
	em_jcci(em, BPF_JSLT, R0, 0, taken);
	slot_of_r0(g);
}

void gen_slot_take(struct gen *g, em_label none, em_label counted)
{
	if (gen_slot_shared(g)) {
		call_take(g, counted);
		prepare_slot(g);
		return;
	}
	find_slot(g, none);
	prepare_slot(g);
	if (g->uses_cookie) {
		g->uses_cookie = false;
		gen_cookie(g);
		g->uses_cookie = true;
		gen_st(g, gen_hdr(HDR(cookie)), R0);
	}
}

/* r1 = point, r2 = interface: r0 = number of a slot, or -1, and the hit is counted as skipped */
static void take_fn(struct gen *g)
{
	struct emit *em = &g->em;
	em_label none = em_new_label(em);

	em_subprog(em, g->take_fn, FN_KIND_NUMBERS);
	em_mov(em, R7, R1);
	em_mov(em, R8, R2);
	find_slot(g, none);
	gen_st(g, gen_hdr(HDR(cookie)), R7);
	gen_out_clear(g);
	gen_call_prologue(g);
	gen_ld(g, R0, gen_hdr(HDR(index)));
	em_exit(em);
	em_bind(em, none);
	em_mov(em, R0, R7);
	gen_count_r0(g, WCNT_SKIP_CONTEXT);
	em_movi(em, R0, -1);
	em_exit(em);
}

static void count_truncated(struct gen *g)
{
	em_label none = em_new_label(&g->em);

	gen_ld(g, R0, gen_hdr(HDR(truncated)));
	em_jcci(&g->em, BPF_JEQ, R0, 0, none);
	gen_count(g, WCNT_TRUNCATED);
	em_bind(&g->em, none);
}

void gen_slot_finish(struct gen *g)
{
	if (!gen_slot_shared(g)) {
		gen_out_flush(g);
		count_truncated(g);
		return;
	}
	g->finish_fn = em_new_label(&g->em);
	em_mov(&g->em, R1, R6);
	em_call(&g->em, g->finish_fn);
}

void gen_slot_fn_begin(struct gen *g, em_label fn)
{
	struct emit *em = &g->em;
	em_label given = em_new_label(em);

	em_subprog(em, fn, FN_KIND_GLOBAL);
	em_jcci(em, BPF_JNE, R1, 0, given);
	em_movi(em, R0, 0);
	em_exit(em);
	em_bind(em, given);
	em_mov(em, R6, R1);
}

/* r1 = slot */
static void finish_fn(struct gen *g)
{
	gen_slot_fn_begin(g, g->finish_fn);
	gen_out_flush(g);
	count_truncated(g);
	em_movi(&g->em, R0, 0);
	em_exit(&g->em);
}

void gen_slot_fns(struct gen *g)
{
	if (em_used(&g->em, g->take_fn))
		take_fn(g);
	if (em_used(&g->em, g->finish_fn))
		finish_fn(g);
}
