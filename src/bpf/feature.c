/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel offers, found by loading a small program for each question, once. */
#include <bpf/bpf.h>
#include <unistd.h>

#include "bpf/emit.h"
#include "bpf/engine.h"
#include "bpf/kernel.h"
#include "bpf/load.h"


static void call_loop(struct emit *em)
{
	em_label cb = em_new_label(em);

	em_movi(em, R1, 1);
	em_func_addr(em, R2, cb);
	em_movi(em, R3, 0);
	em_movi(em, R4, 0);
	em_helper(em, BPF_FUNC_loop);
	em_movi(em, R0, 0);
	em_exit(em);
	em_subprog(em, cb, 0);
}

static void call_may_goto(struct emit *em)
{
	em_label out = em_new_label(em), again = em_new_label(em);

	em_bind_entry(em, again);
	em_may_goto(em, out);
	em_jmp(em, again);
	em_bind(em, out);
}

static void call_cookie(struct emit *em)
{
	em_helper(em, BPF_FUNC_get_attach_cookie);
}

static void call_func_ip(struct emit *em)
{
	em_helper(em, BPF_FUNC_get_func_ip);
}

static void read_user(struct emit *em, int helper)
{
	em_mov(em, R1, R10);
	em_alui(em, BPF_ADD, R1, -8);
	em_movi(em, R2, 8);
	em_movi(em, R3, 0);
	em_helper(em, helper);
}

static void call_copy(struct emit *em)
{
	read_user(em, BPF_FUNC_copy_from_user);
}

static void call_write(struct emit *em)
{
	em_sti(em, BPF_DW, R10, -8, 0);
	em_movi(em, R1, 0);
	em_mov(em, R2, R10);
	em_alui(em, BPF_ADD, R2, -8);
	em_movi(em, R3, 8);
	em_helper(em, BPF_FUNC_probe_write_user);
}

static void call_yield(struct emit *em)
{
	em_helper(em, BPF_FUNC_get_current_task_btf);
	em_mov(em, R4, R0);
	em_mov(em, R1, R10);
	em_alui(em, BPF_ADD, R1, -8);
	em_movi(em, R2, 8);
	em_movi(em, R3, 0);
	em_movi(em, R5, 0);
	em_helper(em, BPF_FUNC_copy_from_user_task);
}

static void walk_task(struct emit *em)
{
	kernel_walk_image(em, false);
}

static const struct {
	const char *name;
	void (*body)(struct emit *em);
	enum prog_kind kind;
	bool sleepable;
} features[ENGINE_FEATURE_COUNT] = {
	[ENGINE_LOOP] = { "bpf_loop", call_loop, PROG_RAW_TP, false },
	[ENGINE_MAY_GOTO] = { "may_goto", call_may_goto, PROG_RAW_TP, false },
	[ENGINE_RAW_TP_COOKIE] = { "cookies of raw tracepoints", call_cookie, PROG_RAW_TP, false },
	[ENGINE_FUNC_IP] = { "bpf_get_func_ip in uprobes", call_func_ip, PROG_UPROBE, false },
	[ENGINE_COPY_FROM_USER] = { "sleepable uprobes", call_copy, PROG_UPROBE, true },
	[ENGINE_WRITE_USER] = { "bpf_probe_write_user", call_write, PROG_UPROBE, false },
	[ENGINE_YIELD] = { "bpf_copy_from_user_task in uprobes", call_yield, PROG_UPROBE, true },
	[ENGINE_WALK_TASK] = { "typed pointers to the program of a task", walk_task, PROG_TRACEPOINT, false },
};

static bool try_load(enum engine_feature f)
{
	struct emit em;
	int fd = -1;

	em_init(&em, false);
	em_subprog(&em, em_new_label(&em), 0);
	features[f].body(&em);
	em_movi(&em, R0, 0);
	em_exit(&em);
	if (em_finish(&em))
		fd = load_plain(&em, features[f].kind, features[f].sleepable);
	em_fini(&em);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool engine_has(enum engine_feature f)
{
	static signed char known[ENGINE_FEATURE_COUNT];	/* 1 yes, -1 no */

	if (!known[f])
		known[f] = try_load(f) ? 1 : -1;
	return known[f] > 0;
}

const char *engine_feature_name(enum engine_feature f)
{
	return features[f].name;
}
