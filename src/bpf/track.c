/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's descendants, for IS_TARGET: a program at the kernel's fork tracepoint adds the
 * child of every process in the map of targets; one at its exit tracepoint removes a process whose last
 * thread ends, so that a later process of the same number is not taken for it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bpf/engine_priv.h"
#include "bpf/kernel.h"

#define KEY	(-8)
#define ONE	(-24)
#define WORD	(-32)

/* stack word `to` = member of the task in ctx argument `arg` (r6 = context) */
static void member(struct emit *em, int arg, const char *name, int to)
{
	em_sti(em, BPF_DW, R10, to, 0);
	em_ldx(em, BPF_DW, R3, R6, arg * 8);
	em_alui(em, BPF_ADD, R3, kernel_offset("task_struct", name));
	em_movi(em, R2, 4);
	em_mov(em, R1, R10);
	em_alui(em, BPF_ADD, R1, to);
	em_helper(em, BPF_FUNC_probe_read_kernel);
}

static void map_call(struct emit *em, int helper)
{
	em_map_key(em, MAP_TARGETS, R10, KEY);
	if (helper == BPF_FUNC_map_update_elem) {
		em_mov(em, R3, R10);
		em_alui(em, BPF_ADD, R3, ONE);
		em_movi(em, R4, BPF_ANY);
	}
	em_helper(em, helper);
}

/* sched_process_fork(parent, child) */
static void on_fork(struct emit *em)
{
	em_label out = em_new_label(em);

	em_mov(em, R6, R1);
	em_sti(em, BPF_DW, R10, ONE, 1);
	member(em, 0, "tgid", KEY);
	map_call(em, BPF_FUNC_map_lookup_elem);
	em_jcci(em, BPF_JEQ, R0, 0, out);
	member(em, 1, "tgid", KEY);
	map_call(em, BPF_FUNC_map_update_elem);
	em_bind(em, out);
	em_movi(em, R0, 0);
	em_exit(em);
}

/* stack word `to` = `size` bytes at the address in stack word `from`, plus off */
static void follow(struct emit *em, int from, int off, int size, int to)
{
	em_ldx(em, BPF_DW, R3, R10, from);
	em_sti(em, BPF_DW, R10, to, 0);
	em_alui(em, BPF_ADD, R3, off);
	em_movi(em, R2, size);
	em_mov(em, R1, R10);
	em_alui(em, BPF_ADD, R1, to);
	em_helper(em, BPF_FUNC_probe_read_kernel);
}

/* sched_process_exit(task): task->signal->live is 0 when the whole process ends */
static void on_exit_task(struct emit *em)
{
	em_label out = em_new_label(em);

	em_mov(em, R6, R1);
	member(em, 0, "tgid", KEY);
	em_ldx(em, BPF_DW, R0, R6, 0);
	em_stx(em, BPF_DW, R10, WORD, R0);
	follow(em, WORD, kernel_offset("task_struct", "signal"), 8, WORD);
	follow(em, WORD, kernel_offset("signal_struct", "live"), 4, WORD);
	em_ldx(em, BPF_W, R0, R10, WORD);
	em_jcci(em, BPF_JNE, R0, 0, out);
	map_call(em, BPF_FUNC_map_delete_elem);
	em_bind(em, out);
	em_movi(em, R0, 0);
	em_exit(em);
}

/* Loads one of them and attaches it; the descriptors of both, or -1. */
static bool start_one(struct engine *e, int which, void (*code)(struct emit *em), const char *tracepoint)
{
	struct load_request rq = { .kind = PROG_RAW_TP, .name = "stap_track", .map_fds = e->map_fds };
	struct emit em;

	em_init(&em, false);
	em_subprog(&em, em_new_label(&em), FN_KIND_STATIC);
	rq.em = &em;
	code(&em);
	if (em_finish(&em))
		e->track_fd[which] = load_prog(&rq);
	em_fini(&em);
	if (e->track_fd[which] >= 0)
		e->track_link[which] = bpf_raw_tracepoint_open(tracepoint, e->track_fd[which]);
	return e->track_link[which] >= 0;
}

int track_start(struct engine *e)
{
	if (!e->unit.wants_targets || e->map_fds[MAP_TARGETS] < 0 || e->track_link[0] >= 0)
		return 0;
	if (!start_one(e, 0, on_fork, "sched_process_fork") ||
	    !start_one(e, 1, on_exit_task, "sched_process_exit"))
		return engine_fail(e, -errno, "cannot follow the target's forks: %s", strerror(errno));
	return 0;
}

void track_stop(struct engine *e)
{
	for (int i = 0; i < 2; i++) {
		if (e->track_link[i] >= 0)
			close(e->track_link[i]);
		if (e->track_fd[i] >= 0)
			close(e->track_fd[i]);
		e->track_link[i] = e->track_fd[i] = -1;
	}
}
