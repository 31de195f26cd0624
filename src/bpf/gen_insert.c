/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Insertion into arrays: one subprogram per array, r1 = key -> r0 = enum insert_result.
 *
 * The kernel can refuse an element of an array that is not full: where elements are not allocated beforehand
 * (maps.c) its allocator runs dry while interrupts are off, and a map's locks are not waited for in an NMI or
 * when the hit interrupted a change of the same map.  So an array counts as full by its own count only.
 *
 * Elements carry an insertion number.  A wrapping array ('%') keeps the keys of the last
 * insertions in a ring, so that the oldest element is found by walking the ring from
 * LINE_TAIL; numbers whose element is gone are skipped.  When deletions made the ring lag more
 * than its size behind, the oldest is searched in the whole map.
 */
#include "bpf/gen.h"

#include <errno.h>

#include "base/ds.h"

#define STACK_SEQ	(-16)	/* initial value: number, 0 */
#define STACK_IDX	(-24)
#define VALUE_ON_STACK	16

#define RING_SEQ	0	/* ring entry: number, key */
#define RING_KEY	8

/* Callback of the eviction's walk, r2 -> none: one ring entry; 1: something was evicted or nothing is left */
static void gen_walk_fn(struct gen *g, uint32_t global, em_label l)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct emit *em = &g->em;
	em_label stop = em_new_label(em), next = em_new_label(em), skip = em_new_label(em);

	em_subprog(em, l, FN_KIND_STATIC);
	gen_line(g, R6, global);
	em_ldx(em, BPF_DW, R7, R6, LINE_TAIL);
	em_ldx(em, BPF_DW, R1, R6, LINE_SEQ);
	em_jcc(em, BPF_JGE, R7, R1, stop);
	em_alui(em, BPF_ADD, R7, 1);
	em_stx(em, BPF_DW, R6, LINE_TAIL, R7);
	em_mov(em, R0, R7);
	em_alui(em, BPF_AND, R0, pl->order_cap - 1);
	em_stx(em, BPF_W, R10, -8, R0);
	em_map_key(em, pl->order_map, R10, -8);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, next);
	em_mov(em, R8, R0);
	em_ldx(em, BPF_DW, R1, R8, RING_SEQ);
	em_jcc(em, BPF_JNE, R1, R7, next);
	em_map_key(em, pl->map, R8, RING_KEY);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, next);
	em_ldx(em, BPF_DW, R1, R0, 0);
	em_jcc(em, BPF_JNE, R1, R7, next);
	em_map_key(em, pl->map, R8, RING_KEY);
	em_helper(em, BPF_FUNC_map_delete_elem);
	em_jcci(em, BPF_JNE, R0, 0, skip);
	em_movi(em, R2, -1);
	em_atomic(em, BPF_DW, BPF_ADD, R6, LINE_VALUE, R2);
	em_bind(em, skip);
	em_bind(em, stop);
	em_movi(em, R0, 1);
	em_exit(em);
	em_bind(em, next);
	em_movi(em, R0, 0);
	em_exit(em);
}

/* Callback of the search: r2 key, r3 value; keeps the lowest number and its key in the ring's last entry. */
static void gen_min_fn(struct gen *g, uint32_t global, em_label l)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct emit *em = &g->em;
	em_label out = em_new_label(em), better = em_new_label(em);

	em_subprog(em, l, FN_KIND_STATIC);
	em_mov(em, R7, R2);
	em_ldx(em, BPF_DW, R8, R3, 0);
	em_movi(em, R0, (int32_t)pl->order_cap);
	em_stx(em, BPF_W, R10, -8, R0);
	em_map_key(em, pl->order_map, R10, -8);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, out);
	em_ldx(em, BPF_DW, R1, R0, RING_SEQ);
	em_jcci(em, BPF_JEQ, R1, 0, better);
	em_jcc(em, BPF_JGE, R8, R1, out);
	em_bind(em, better);
	em_stx(em, BPF_DW, R0, RING_SEQ, R8);
	em_mov(em, R1, R0);
	em_alui(em, BPF_ADD, R1, RING_KEY);
	em_movi(em, R2, pl->key_size);
	em_mov(em, R3, R7);
	em_helper(em, BPF_FUNC_probe_read_kernel);
	em_bind(em, out);
	em_movi(em, R0, 0);
	em_exit(em);
}

static void for_each(struct gen *g, uint32_t map, em_label cb)
{
	em_map_fd(&g->em, R1, map);
	em_func_addr(&g->em, R2, cb);
	em_movi(&g->em, R3, 0);
	em_movi(&g->em, R4, 0);
	em_helper(&g->em, BPF_FUNC_for_each_map_elem);
}

/* The whole map is searched for the oldest element, which goes. */
static void gen_evict_search(struct gen *g, uint32_t global, em_label min_fn, em_label done)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct emit *em = &g->em;

	em_movi(em, R0, (int32_t)pl->order_cap);
	em_stx(em, BPF_W, R10, STACK_IDX, R0);
	em_map_key(em, pl->order_map, R10, STACK_IDX);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, done);
	em_mov(em, R8, R0);
	em_sti(em, BPF_DW, R8, RING_SEQ, 0);
	for_each(g, pl->map, min_fn);
	em_map_key(em, pl->map, R8, RING_KEY);
	em_helper(em, BPF_FUNC_map_delete_elem);
	em_jcci(em, BPF_JNE, R0, 0, done);
	em_movi(em, R2, -1);
	em_atomic(em, BPF_DW, BPF_ADD, R7, LINE_VALUE, R2);
}

/* r6 = key, r7 = line: makes room if the array is full */
static void gen_evict(struct gen *g, uint32_t global, em_label walk_fn, em_label min_fn)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct emit *em = &g->em;
	em_label done = em_new_label(em), walk = em_new_label(em);

	em_ldx(em, BPF_DW, R0, R7, LINE_VALUE);
	em_jcci(em, BPF_JLT, R0, g->m->globals[global]->max_entries, done);
	em_ldx(em, BPF_DW, R0, R7, LINE_SEQ);
	em_ldx(em, BPF_DW, R1, R7, LINE_TAIL);
	em_alu(em, BPF_SUB, R0, R1);
	em_jcci(em, BPF_JLE, R0, pl->order_cap, walk);
	gen_evict_search(g, global, min_fn, done);
	em_jmp(em, done);
	em_bind(em, walk);
	em_movi(em, R1, (int32_t)pl->order_cap);
	em_func_addr(em, R2, walk_fn);
	em_movi(em, R3, 0);
	em_movi(em, R4, 0);
	em_helper(em, BPF_FUNC_loop);
	em_bind(em, done);
}

/* r6 = key, r7 = line, r8 = number: remembers the key in the ring */
static void gen_remember(struct gen *g, uint32_t global, em_label out)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	struct emit *em = &g->em;

	em_mov(em, R0, R8);
	em_alui(em, BPF_AND, R0, pl->order_cap - 1);
	em_stx(em, BPF_W, R10, STACK_IDX, R0);
	em_map_key(em, pl->order_map, R10, STACK_IDX);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, out);
	em_stx(em, BPF_DW, R0, RING_SEQ, R8);
	em_mov(em, R1, R0);
	em_alui(em, BPF_ADD, R1, RING_KEY);
	em_movi(em, R2, pl->key_size);
	em_mov(em, R3, R6);
	em_helper(em, BPF_FUNC_probe_read_kernel);
}

static void gen_insert_fn(struct gen *g, uint32_t global)
{
	const struct global_place *pl = &g->u->lo.globals[global];
	const struct ir_global *gl = g->m->globals[global];
	struct emit *em = &g->em;
	em_label walk_fn = em_new_label(em), min_fn = em_new_label(em), out = em_new_label(em),
		 inserted = em_new_label(em), refused = em_new_label(em);
	em_label full = em_new_label(em);
	bool on_stack = pl->value_size <= VALUE_ON_STACK;

	em_subprog(em, g->make_fn[global], FN_KIND_STATIC);
	em_mov(em, R6, R1);
	gen_guard_lock(g, R7);
	gen_line(g, R7, global);
	if (gl->wrap)
		gen_evict(g, global, walk_fn, min_fn);
	em_movi(em, R8, 1);
	em_atomic(em, BPF_DW, BPF_ADD | BPF_FETCH, R7, LINE_SEQ, R8);
	em_alui(em, BPF_ADD, R8, 1);
	if (on_stack) {
		em_stx(em, BPF_DW, R10, STACK_SEQ, R8);
		em_sti(em, BPF_DW, R10, STACK_SEQ + 8, 0);
		em_mov(em, R3, R10);
		em_alui(em, BPF_ADD, R3, STACK_SEQ);
	} else {
		gen_vars(g, R3, pl->tmpl);
	}
	em_map_key(em, pl->map, R6, 0);
	em_movi(em, R4, BPF_NOEXIST);
	em_helper(em, BPF_FUNC_map_update_elem);
	em_jcci(em, BPF_JEQ, R0, 0, inserted);
	em_alui(em, BPF_LSH, R0, 32);
	em_alui(em, BPF_ARSH, R0, 32);
	em_jcci(em, BPF_JNE, R0, -EEXIST, refused);
	em_movi(em, R0, INSERT_DONE);
	em_exit(em);
	em_bind(em, refused);
	em_ldx(em, BPF_DW, R1, R7, LINE_VALUE);
	em_movi(em, R0, INSERT_FULL);
	em_jcci(em, BPF_JGE, R1, gl->max_entries, full);
	em_movi(em, R0, INSERT_REFUSED);
	em_bind(em, full);
	em_exit(em);
	em_bind(em, inserted);
	em_movi(em, R1, 1);
	em_atomic(em, BPF_DW, BPF_ADD, R7, LINE_VALUE, R1);
	if (!on_stack) {
		em_map_key(em, pl->map, R6, 0);
		em_helper(em, BPF_FUNC_map_lookup_elem);
		em_jcci(em, BPF_JEQ, R0, 0, out);
		em_stx(em, BPF_DW, R0, 0, R8);
	}
	if (gl->wrap)
		gen_remember(g, global, out);
	em_bind(em, out);
	em_movi(em, R0, INSERT_DONE);
	em_exit(em);
	if (gl->wrap) {
		gen_walk_fn(g, global, walk_fn);
		gen_min_fn(g, global, min_fn);
	}
}

void gen_insert_fns(struct gen *g)
{
	for (ptrdiff_t i = 0; i < arrlen(g->make_fn); i++)
		if (em_used(&g->em, g->make_fn[i]))
			gen_insert_fn(g, (uint32_t)i);
}
