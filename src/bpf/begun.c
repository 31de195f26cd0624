/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that begin while the session looks at those which run already: a program at the same event as
 * the handlers of .begin points, the successful return of a fork or an exec, notes them, from
 * the activation on as these.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ds.h"
#include "bpf/engine_priv.h"
#include "bpf/pt_regs.h"

#define KEY	(-8)
#define ONE	(-16)
#define NR	(-24)

bool begun_wanted(const struct engine *e)
{
	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		if (e->p->points[i].at_start)
			return true;
	return false;
}

/* sys_exit(regs, return value) */
static void on_return(struct emit *em)
{
	static const int calls[] = { SYS_clone, SYS_fork, SYS_vfork, SYS_execve, SYS_execveat, SYS_clone3 };
	em_label out = em_new_label(em), note = em_new_label(em);

	em_mov(em, R6, R1);
	em_map_value(em, R1, MAP_VARS, VARS_ACTIVE);
	em_ldx(em, BPF_W, R0, R1, 0);
	em_jcci(em, BPF_JEQ, R0, 0, out);
	em_ldx(em, BPF_DW, R0, R6, 8);
	em_jcci(em, BPF_JNE, R0, 0, out);
	em_sti(em, BPF_DW, R10, NR, -1);
	em_ldx(em, BPF_DW, R3, R6, 0);
	em_alui(em, BPF_ADD, R3, PT_ORIG_AX);
	em_movi(em, R2, 8);
	em_mov(em, R1, R10);
	em_alui(em, BPF_ADD, R1, NR);
	em_helper(em, BPF_FUNC_probe_read_kernel);
	em_ldx(em, BPF_DW, R0, R10, NR);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		em_jcci(em, BPF_JEQ, R0, calls[i], note);
	em_jmp(em, out);
	em_bind(em, note);
	em_helper(em, BPF_FUNC_get_current_pid_tgid);
	em_alui(em, BPF_LSH, R0, 32);
	em_alui(em, BPF_RSH, R0, 32);
	em_stx(em, BPF_DW, R10, KEY, R0);
	em_sti(em, BPF_DW, R10, ONE, 1);
	em_map_key(em, MAP_BEGUN, R10, KEY);
	em_mov(em, R3, R10);
	em_alui(em, BPF_ADD, R3, ONE);
	em_movi(em, R4, BPF_ANY);
	em_helper(em, BPF_FUNC_map_update_elem);
	em_bind(em, out);
	em_movi(em, R0, 0);
	em_exit(em);
}

int engine_begun_start(struct engine *e)
{
	struct load_request rq = { .kind = PROG_RAW_TP, .name = "stap_begun", .map_fds = e->map_fds };
	struct emit em;

	if (e->map_fds[MAP_BEGUN] < 0 || e->begun_link >= 0)
		return 0;
	em_init(&em, false);
	em_subprog(&em, em_new_label(&em), FN_KIND_STATIC);
	rq.em = &em;
	on_return(&em);
	if (em_finish(&em))
		e->begun_fd = load_prog(&rq);
	em_fini(&em);
	if (e->begun_fd >= 0)
		e->begun_link = bpf_raw_tracepoint_open("sys_exit", e->begun_fd);
	if (e->begun_link < 0)
		return engine_fail(e, -errno, "cannot follow what begins: %s", strerror(errno));
	return 0;
}

bool engine_begun(const struct engine *e, pid_t tid)
{
	uint64_t key = (uint32_t)tid;
	uint8_t one;

	return e->map_fds[MAP_BEGUN] >= 0 && !bpf_map_lookup_elem(e->map_fds[MAP_BEGUN], &key, &one);
}

void engine_begun_stop(struct engine *e)
{
	if (e->begun_link >= 0)
		close(e->begun_link);
	if (e->begun_fd >= 0)
		close(e->begun_fd);
	e->begun_link = e->begun_fd = -1;
}
