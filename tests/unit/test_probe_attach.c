/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arming and releasing points for real: a small program counts hits by cookie.  Skipped without the rights. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/module.h"
#include "probe/attach.h"

#define SLOTS 4096
#define UPROBE_MULTI 48

static __attribute__((noinline, noclone)) int probed_function(int a)
{
	__asm__ volatile("" : "+r"(a));
	return a + 1;
}

static __attribute__((noinline, noclone)) int probed_other(int a)
{
	__asm__ volatile("" : "+r"(a));
	return a + 2;
}

static int map_fd = -1;

static int counting_map(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
				.max_entries = SLOTS };

	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

#define INSN(c, d, s, o, i) ((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* counts[bpf_get_attach_cookie(ctx)]++ */
static int counting_program(uint32_t type, uint32_t attach_type)
{
	struct bpf_insn code[] = {
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_attach_cookie),
		INSN(BPF_STX | BPF_MEM | BPF_W, 10, 0, -4, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = { .prog_type = type, .expected_attach_type = attach_type,
				.insns = (uintptr_t)code, .insn_cnt = sizeof(code) / sizeof(code[0]),
				.license = (uintptr_t) "GPL" };

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static uint64_t hits(uint32_t slot)
{
	uint64_t v = 0;
	union bpf_attr attr = { .map_fd = (uint32_t)map_fd, .key = (uintptr_t)&slot, .value = (uintptr_t)&v };

	assert_int_equal(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	return v;
}

static void need_rights(void)
{
	if (map_fd < 0)
		map_fd = counting_map();
	if (map_fd < 0)
		skip();
}

static struct program *one_handler(struct arena *a, enum prog_kind kind)
{
	struct program *p = program_create(a);
	struct prog_handler h = { .kind = kind };

	arrput(p->handlers, h);
	return p;
}

/* File offset of a function of this program. */
static uint64_t offset_of(const char *name)
{
	struct dbg_error e;
	struct dbg_module *m = dbg_module_open("/proc/self/exe", NULL, &e);
	const struct dbg_sym *sym = m ? dbg_symbol_find(m, name) : NULL;
	uint64_t offset;

	assert_non_null(sym);
	assert_true(dbg_addr_to_offset(m, sym->addr, &offset));
	return offset;
}

static struct prog_point uprobe_at(const char *name)
{
	static char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = 0;
	return (struct prog_point){ .kind = POINT_UPROBE, .path = self, .offset = offset_of(name) };
}

static void check_uprobes(bool multi, enum prog_kind kind)
{
	struct arena *arena = arena_create();
	struct program *p = one_handler(arena, kind);
	struct prog_point first = uprobe_at("probed_function"), other = uprobe_at("probed_other");
	struct prog_point elsewhere = first;
	int fd = counting_program(BPF_PROG_TYPE_KPROBE, multi ? UPROBE_MULTI : 0);
	struct attach_request rq = { .program = p, .handler_fds = &fd, .uprobe_multi = multi };
	struct attach_error *errors;
	struct attachment *at;
	uint64_t before[3];

	assert_true(fd >= 0);
	elsewhere.pid = 1;		/* never this process */
	arrput(p->points, first);
	arrput(p->points, other);
	arrput(p->points, elsewhere);
	for (uint32_t i = 0; i < 3; i++)
		before[i] = hits(i);
	at = attach_points(&rq, &errors);
	for (size_t i = 0; i < arrlenu(errors); i++)
		print_message("point %u: %s\n", errors[i].point, errors[i].msg);
	assert_int_equal(arrlenu(errors), 0);
	assert_int_equal(attach_count(at), 3);
	for (int i = 0; i < 10; i++)
		probed_function(i);
	for (int i = 0; i < 4; i++)
		probed_other(i);
	attach_release(at);
	if (multi)
		probed_function(1);
	assert_int_equal(hits(0) - before[0], 10);
	assert_int_equal(hits(1) - before[1], 4);
	if (multi || kind == PROG_UPROBE)	/* older kernels run return probes in every process: handlers look */
		assert_int_equal(hits(2) - before[2], 0);
	close(fd);
	arena_destroy(arena);
}

static void test_multi(void **state)
{
	need_rights();
	if (!attach_has_uprobe_multi())
		skip();
	check_uprobes(true, PROG_UPROBE);
	check_uprobes(true, PROG_URETPROBE);
}

static void test_perf_event(void **state)
{
	need_rights();
	if (!attach_has_perf_cookie())
		skip();
	check_uprobes(false, PROG_UPROBE);
	check_uprobes(false, PROG_URETPROBE);
}

/* A bad point is reported alone; the others of its link work. */
static void test_bad_offset(void **state)
{
	struct prog_point good = uprobe_at("probed_function"), bad = good;
	struct attach_error *errors;
	struct attachment *at;
	struct arena *arena;
	struct program *p;
	int fd;

	need_rights();
	if (!attach_has_uprobe_multi())
		skip();
	arena = arena_create();
	p = one_handler(arena, PROG_UPROBE);
	fd = counting_program(BPF_PROG_TYPE_KPROBE, UPROBE_MULTI);
	bad.offset = 1ull << 40;	/* beyond the file */
	arrput(p->points, good);
	arrput(p->points, bad);
	at = attach_points(&(struct attach_request){ p, &fd, true }, &errors);
	assert_int_equal(arrlenu(errors), 1);
	assert_int_equal(errors[0].point, 1);
	assert_int_equal(attach_count(at), 1);
	arrfree(errors);
	attach_release(at);
	close(fd);
	arena_destroy(arena);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Hundreds of perf events keep nobody waiting, although the kernel takes its time for each. */
static void test_bulk_release(void **state)
{
	struct arena *arena = arena_create();
	struct program *p = one_handler(arena, PROG_UPROBE);
	struct prog_point pt = uprobe_at("probed_function");
	struct attach_error *errors;
	struct attachment *at;
	uint64_t before;
	double t;
	int fd;

	need_rights();
	fd = counting_program(BPF_PROG_TYPE_KPROBE, 0);
	for (int i = 0; i < 300; i++)
		arrput(p->points, pt);
	at = attach_points(&(struct attach_request){ p, &fd, false }, &errors);
	assert_int_equal(arrlenu(errors), 0);
	before = hits(299);
	probed_function(1);
	assert_int_equal(hits(299) - before, 1);
	t = seconds();
	attach_release(at);
	t = seconds() - t;
	print_message("300 perf events released in %.2f s\n", t);
	assert_true(t < 3);
	close(fd);
	arena_destroy(arena);
}

static void test_tracepoints(void **state)
{
	struct arena *arena = arena_create();
	struct program *p = one_handler(arena, PROG_TRACEPOINT);
	struct prog_point enter = { .kind = POINT_PROCESS_SYSCALL };
	struct prog_point named = { .kind = POINT_TRACEPOINT, .name = "raw_syscalls:sys_exit" };
	struct prog_point wrong = { .kind = POINT_TRACEPOINT, .name = "nosuch:event" };
	struct attach_error *errors;
	struct attachment *at;
	uint64_t before[2];
	int fd;

	need_rights();
	fd = counting_program(BPF_PROG_TYPE_TRACEPOINT, 0);
	assert_true(fd >= 0);
	arrput(p->points, enter);
	arrput(p->points, named);
	arrput(p->points, wrong);
	before[0] = hits(0);
	before[1] = hits(1);
	at = attach_points(&(struct attach_request){ p, &fd, false }, &errors);
	if (attach_count(at) == 0)
		skip();		/* no tracefs here */
	assert_int_equal(attach_count(at), 2);
	assert_int_equal(arrlenu(errors), 1);
	assert_int_equal(errors[0].point, 2);
	arrfree(errors);
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	attach_release(at);
	assert_true(hits(0) - before[0] >= 100);
	assert_true(hits(1) - before[1] >= 100);
	close(fd);
	arena_destroy(arena);
}

static void test_profile(void **state)
{
	struct arena *arena = arena_create();
	struct program *p = one_handler(arena, PROG_PERF_EVENT);
	struct prog_point clock = { .kind = POINT_PROFILE, .perf_type = 1, .perf_config = 0, .freq_hz = 500 };
	struct attach_error *errors;
	struct attachment *at;
	uint64_t before;
	double until;
	int fd;

	need_rights();
	fd = counting_program(BPF_PROG_TYPE_PERF_EVENT, 0);
	assert_true(fd >= 0);
	arrput(p->points, clock);
	before = hits(0);
	at = attach_points(&(struct attach_request){ p, &fd, false }, &errors);
	assert_int_equal(attach_count(at), 1);
	until = seconds() + 0.3;
	while (seconds() < until)
		continue;
	attach_release(at);
	assert_true(hits(0) - before > 10);
	close(fd);
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multi),
		cmocka_unit_test(test_perf_event),
		cmocka_unit_test(test_bad_offset),
		cmocka_unit_test(test_bulk_release),
		cmocka_unit_test(test_tracepoints),
		cmocka_unit_test(test_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
