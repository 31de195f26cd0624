/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's descendants, for IS_TARGET: a program at the kernel's fork tracepoint adds the
 * child of every process in the map of targets.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bpf/engine_priv.h"
#include "bpf/kernel.h"

#define KEY	(-8)
#define ONE	(-24)

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
	em_map_fd(em, R1, MAP_TARGETS);
	em_mov(em, R2, R10);
	em_alui(em, BPF_ADD, R2, KEY);
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

int track_start(struct engine *e)
{
	struct load_request rq = { .kind = PROG_RAW_TP, .name = "stap_fork", .map_fds = e->map_fds };
	struct emit em;

	if (!e->unit.wants_targets || e->map_fds[MAP_TARGETS] < 0 || e->track_link >= 0)
		return 0;
	em_init(&em, false);
	rq.em = &em;
	on_fork(&em);
	if (em_finish(&em))
		e->track_fd = load_prog(&rq);
	em_fini(&em);
	if (e->track_fd >= 0)
		e->track_link = bpf_raw_tracepoint_open("sched_process_fork", e->track_fd);
	if (e->track_link < 0)
		return engine_fail(e, -errno, "cannot follow the target's forks: %s", strerror(errno));
	return 0;
}

void track_stop(struct engine *e)
{
	if (e->track_link >= 0)
		close(e->track_link);
	if (e->track_fd >= 0)
		close(e->track_fd);
	e->track_link = e->track_fd = -1;
}
