/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of system calls and the code that looks a call up: see syscalls.h. */
#include "bpf/syscalls.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "bpf/kernel.h"
#include "bpf/pt_regs.h"

#define TS_COMPAT	2	/* thread_info.status: the call came by the 32-bit interface */

/* Calls of the 32-bit interface that are many: which one says the first argument, in the bits of `mask`. */
static const struct joint_call {
	uint32_t nr, base, last;
	int32_t mask;
} joint_calls[] = {
	{ 102, SOCKETCALL_BASE, 20, -1 },
	{ 117, IPC_BASE, 24, 0xffff },		/* above them a version */
};
#define JOINT_CALLS	(sizeof(joint_calls) / sizeof(joint_calls[0]))

static bool takes_all(const struct engine *e, uint32_t handler)
{
	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		if (e->p->points[i].handler == handler && e->p->points[i].syscall_nr < 0)
			return true;
	return false;
}

static uint32_t *entry(struct syscall_table *t, const struct prog_point *p)
{
	uint32_t nr = p->syscall_nr < 0 || p->syscall_nr >= SYSCALL_NUMBERS ? SYSCALL_NUMBERS - 1 :
		      (uint32_t)p->syscall_nr;

	return p->syscall_ia32 ? &t->point[nr].ia32 : &t->point[nr].native;
}

static bool has_part(const struct syscall_table *t, const struct joint_call *j)
{
	for (uint32_t i = 1; i <= j->last; i++)
		if (t->point[j->base + i].ia32)
			return true;
	return false;
}

static bool is_part(uint32_t nr)
{
	for (size_t i = 0; i < JOINT_CALLS; i++)
		if (nr > joint_calls[i].base && nr <= joint_calls[i].base + joint_calls[i].last)
			return true;
	return false;
}

static void fill(const struct engine *e, const uint32_t *handlers, size_t n, struct syscall_table *t)
{
	for (size_t k = 0; k < n; k++)
		for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
			if (e->p->points[i].handler == handlers[k])
				*entry(t, &e->p->points[i]) = (uint32_t)i + 1;
}

bool syscalls_disjoint(const struct engine *e, const uint32_t *set, size_t n, uint32_t handler)
{
	struct syscall_table t = { 0 };

	if (n && (takes_all(e, set[0]) || takes_all(e, handler)))
		return false;
	fill(e, set, n, &t);
	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		if (e->p->points[i].handler == handler && e->p->points[i].syscall_nr != SYSCALL_NONE &&
		    *entry(&t, &e->p->points[i]))
			return false;
	return true;
}

static bool same_call(const struct prog_point *a, const struct prog_point *b)
{
	return b->kind == POINT_SYSCALL && b->syscall_nr != SYSCALL_NONE && a->syscall_ia32 == b->syscall_ia32 &&
	       (a->syscall_nr == b->syscall_nr || a->syscall_nr < 0 || b->syscall_nr < 0);
}

uint32_t *syscalls_ranks(const struct engine *e)
{
	uint32_t *rank = xcalloc((size_t)arrlen(e->p->handlers) + 1, sizeof(*rank));

	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++) {
		const struct prog_point *pt = &e->p->points[i];
		uint32_t before = 0;

		for (ptrdiff_t k = 0; pt->kind == POINT_SYSCALL && k < i; k++)
			before += e->p->points[k].handler != pt->handler && same_call(pt, &e->p->points[k]) &&
				  e->p->handlers[e->p->points[k].handler].kind == e->p->handlers[pt->handler].kind;
		if (before > rank[pt->handler])
			rank[pt->handler] = before;
	}
	return rank;
}

int syscalls_table(const struct engine *e, const uint32_t *handlers, size_t n)
{
	struct syscall_table t = { 0 };
	uint32_t zero = 0;
	int fd, err;

	fill(e, handlers, n, &t);
	if (takes_all(e, handlers[0])) {
		for (uint32_t i = 0; i < SYSCALL_NUMBERS; i++) {
			if (is_part(i))
				continue;
			if (!t.point[i].native)
				t.point[i].native = t.point[SYSCALL_NUMBERS - 1].native;
			if (!t.point[i].ia32)
				t.point[i].ia32 = t.point[SYSCALL_NUMBERS - 1].ia32;
		}
	}
	for (size_t i = 0; i < JOINT_CALLS; i++)
		if (!t.point[joint_calls[i].nr].ia32 && has_part(&t, &joint_calls[i]))
			t.point[joint_calls[i].nr].ia32 = UINT32_MAX;	/* no point, but worth a look */
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "syscalls", 4, sizeof(t), 1, NULL);
	if (fd < 0)
		return -errno;
	if (!bpf_map_update_elem(fd, &zero, &t, BPF_ANY))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* r7 = point of a joint call: of which part, if it is known */
static void find_part(struct emit *em, const struct joint_call *j, em_label found)
{
	em_jcci(em, BPF_JEQ, R8, 0, found);
	em_ldx(em, BPF_DW, R1, R6, 0);
	em_ldx(em, BPF_W, R1, R1, PT_BX);
	em_alui(em, BPF_AND, R1, j->mask);
	em_jcci(em, BPF_JGT, R1, (int32_t)j->last, found);
	em_alui(em, BPF_LSH, R1, 3);
	em_map_value(em, R2, MAP_SYSCALLS, j->base * 8 + 4);
	em_alu(em, BPF_ADD, R2, R1);
	em_ldx(em, BPF_W, R1, R2, 0);
	em_jcci(em, BPF_JEQ, R1, 0, found);
	em_mov(em, R7, R1);
	em_jmp(em, found);
}

void syscalls_find(struct emit *em, enum prog_kind kind, em_label out)
{
	em_label in_table = em_new_label(em), found = em_new_label(em), chosen = em_new_label(em), part[JOINT_CALLS];
	int info = kernel_offset("task_struct", "thread_info"), status = kernel_offset("thread_info", "status");

	em_mov(em, R6, R1);
	if (kind == PROG_SYSCALL) {
		em_ldx(em, BPF_DW, R7, R1, 8);
	} else {
		em_ldx(em, BPF_DW, R7, R1, 0);
		em_ldx(em, BPF_DW, R7, R7, PT_ORIG_AX);
	}
	em_jcci(em, BPF_JLT, R7, SYSCALL_NUMBERS, in_table);
	em_movi(em, R7, SYSCALL_NUMBERS - 1);
	em_bind(em, in_table);
	em_mov(em, R9, R7);
	em_alui(em, BPF_LSH, R7, 3);
	em_map_value(em, R1, MAP_SYSCALLS, 0);
	em_alu(em, BPF_ADD, R1, R7);
	em_ldx(em, BPF_DW, R7, R1, 0);
	em_jcci(em, BPF_JEQ, R7, 0, out);
	em_helper(em, BPF_FUNC_get_current_task_btf);
	em_ldx(em, BPF_W, R8, R0, info + status);
	em_alui(em, BPF_AND, R8, TS_COMPAT);
	em_alui(em, BPF_RSH, R8, 1);
	/* not by a branch: what follows would be verified for either interface */
	em_mov(em, R1, R8);
	em_alui(em, BPF_LSH, R1, 5);
	em_alu(em, BPF_RSH, R7, R1);
	em_alui(em, BPF_LSH, R7, 32);
	em_alui(em, BPF_RSH, R7, 32);
	for (size_t i = 0; i < JOINT_CALLS; i++) {
		part[i] = em_new_label(em);
		em_jcci(em, BPF_JEQ, R9, (int32_t)joint_calls[i].nr, part[i]);
	}
	em_bind_entry(em, found);
	em_jcci(em, BPF_JEQ, R7, 0, out);
	em_alui(em, BPF_SUB, R7, 1);
	em_jmp(em, chosen);
	for (size_t i = 0; i < JOINT_CALLS; i++) {
		em_bind(em, part[i]);
		find_part(em, &joint_calls[i], found);
	}
	em_bind(em, chosen);
}
