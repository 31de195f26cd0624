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

/* Memory from a ring buffer is such memory too. */
static void use_mem_key(struct emit *em)
{
	em_label none = em_new_label(em);

	em_map_fd(em, R1, 1);
	em_movi(em, R2, 8);
	em_movi(em, R3, 0);
	em_helper(em, BPF_FUNC_ringbuf_reserve);
	em_jcci(em, BPF_JEQ, R0, 0, none);
	em_mov(em, R6, R0);
	em_sti(em, BPF_DW, R6, 0, 0);
	em_map_key(em, 0, R6, 0);
	em_helper(em, BPF_FUNC_map_lookup_elem);
	em_mov(em, R1, R6);
	em_movi(em, R2, 0);
	em_helper(em, BPF_FUNC_ringbuf_discard);
	em_bind(em, none);
}

static void walk_task(struct emit *em)
{
	kernel_walk_image(em, false);
}

static const struct {
	void (*body)(struct emit *em);
	enum prog_kind kind;
	bool sleepable;
	bool maps;		/* map 0: a hash, map 1: a ring */
} features[ENGINE_FEATURE_COUNT] = {
	[ENGINE_LOOP] = { call_loop, PROG_RAW_TP, false },
	[ENGINE_MAY_GOTO] = { call_may_goto, PROG_RAW_TP, false },
	[ENGINE_RAW_TP_COOKIE] = { call_cookie, PROG_RAW_TP, false },
	[ENGINE_FUNC_IP] = { call_func_ip, PROG_UPROBE, false },
	[ENGINE_COPY_FROM_USER] = { call_copy, PROG_UPROBE, true },
	[ENGINE_WRITE_USER] = { call_write, PROG_UPROBE, false },
	[ENGINE_YIELD] = { call_yield, PROG_UPROBE, true },
	[ENGINE_MEM_KEY] = { use_mem_key, PROG_RAW_TP, false, true },
	[ENGINE_WALK_TASK] = { walk_task, PROG_TRACEPOINT, false },
};

static int load_with_maps(struct emit *em, enum prog_kind kind)
{
	int maps[] = { bpf_map_create(BPF_MAP_TYPE_HASH, "key", 8, 8, 1, NULL),
		       bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, 4096, NULL) };
	struct load_request rq = { .em = em, .kind = kind, .name = "probe", .map_fds = maps };
	int fd = maps[0] >= 0 && maps[1] >= 0 ? load_prog(&rq) : -1;

	for (int i = 0; i < 2; i++)
		if (maps[i] >= 0)
			close(maps[i]);
	return fd;
}

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
		fd = features[f].maps ? load_with_maps(&em, features[f].kind) :
					load_plain(&em, features[f].kind, features[f].sleepable);
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
