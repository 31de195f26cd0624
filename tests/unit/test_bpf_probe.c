/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel handlers at real probe points of this process: context, memory of the process, counters, output;
 * and every kind of program loads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/ds.h"
#include "bpf_support.h"
#include "ir/pass.h"
#include "ir/text.h"
#include "ir_support.h"
#include "probe/attach.h"

static __attribute__((noinline, noclone)) long probed(long a, const char *s)
{
	__asm__ volatile("" : "+r"(a) : "r"(s) : "memory");
	return a + 1;
}

/* Link-time offset of a function in this (position-independent) file, whose code is mapped at its offset. */
static uint64_t file_offset(void *fn)
{
	unsigned long start, end, off;
	char line[512];
	uint64_t found = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) == 3 &&
		    (unsigned long)fn >= start && (unsigned long)fn < end)
			found = (unsigned long)fn - start + off;
	fclose(f);
	return found;
}

struct run {
	struct arena *a;
	struct program *p;
	struct engine *e;
	struct attachment *at;
	struct bpf_capture cap;
};

static struct program *parse(struct arena *a, const char *ir, enum prog_kind kind)
{
	struct program *p = program_create(a);
	struct prog_module self = { .path = "/proc/self/exe" };
	bool traced = kind == PROG_TRACEPOINT || kind == PROG_RAW_TP || kind == PROG_TP_BTF;
	struct prog_point pt = {
		.kind = traced ? POINT_TRACEPOINT : POINT_UPROBE,
		.str = { [IR_PP_FULL] = "process.function(\"probed\")", [IR_PP_FUNC] = "probed" },
		.ints = ir_point_ints(a, 1, (int64_t[]){ 4711 }),
		.path = self.path, .offset = file_offset((void *)probed), .address = file_offset((void *)probed),
		.name = kind == PROG_TRACEPOINT ? "syscalls:sys_enter_getppid" : "sys_enter",
	};
	const char *err = NULL;
	struct ir_module *m = ir_parse(a, source_create(a, "<ir>", ir, strlen(ir)), &err);

	if (!m)
		fail_msg("%s", err);
	p->limits.maxstringlen = m->maxstr;
	ir_program_fill(p, m, kind, &pt);
	for (size_t i = 0; i < arrlenu(p->handlers); i++)
		p->handlers[i].sleepable = true;
	arrput(p->modules, self);
	ir_analyse(p);
	return p;
}

static void run_begin(struct run *r, const char *ir, enum prog_kind kind)
{
	struct engine_options o = { .uprobe_multi = attach_has_uprobe_multi(), .show_log = true };
	struct attach_request rq = { 0 };
	struct attach_error *errors = NULL;

	*r = (struct run){ .a = arena_create() };
	r->p = parse(r->a, ir, kind);
	r->e = engine_create(r->p, &o);
	r->cap.program = r->p;
	r->cap.engine = r->e;
	if (engine_prepare(r->e) || engine_load(r->e))
		fail_msg("%s", engine_error(r->e));
	rq = (struct attach_request){ r->p, engine_handler_fds(r->e), o.uprobe_multi };
	r->at = attach_points(&rq, &errors);
	if (arrlen(errors))
		fail_msg("%s", errors[0].msg);
	assert_int_equal(engine_activate(r->e), 0);
}

static const char *run_output(struct run *r)
{
	engine_drain(r->e, UINT64_MAX, bpf_capture_record, &r->cap);
	out_buf_add(&r->cap.out, "", 1);
	r->cap.out.len--;
	out_buf_add(&r->cap.err, "", 1);
	r->cap.err.len--;
	return r->cap.out.p;
}

static void run_end(struct run *r)
{
	attach_release(r->at);
	engine_destroy(r->e);
	out_buf_free(&r->cap.out);
	out_buf_free(&r->cap.err);
	arena_destroy(r->a);
}

static void test_context(void **state)
{
	char want[1024];
	struct run r;

	run_begin(&r, "handler h {\n"
		      "  eval (printf \"%d %d %d %s|\" (pid) (tid) (uid) (execname))\n"
		      "  eval (printf \"%d %s %s %d|\" (reg#5) (ustr (reg#4) -1) (point.str#1) (point.int#0))\n"
		      "  eval (printf \"%d %d %d\\n\" (ppid) (sid) (euid))\n"
		      "}\n", PROG_UPROBE);
	probed(42, "some text");
	snprintf(want, sizeof(want), "%d %d %d %.15s|42 some text probed 4711|%d %d %d\n", getpid(), getpid(),
		 (int)getuid(), program_invocation_short_name, getppid(), getsid(0), (int)geteuid());
	assert_string_equal(run_output(&r), want);
	assert_string_equal(r.cap.err.p, "");
	run_end(&r);
}

static void test_faults(void **state)
{
	struct run r;

	run_begin(&r, "handler h {\n"
		      "  local m: str\n"
		      "  try { eval (printf \"%s\\n\" (ustr (reg#4) -1)) } catch m { eval (printf \"caught %s\\n\" m) }\n"
		      "  eval (printf \"%s %d\\n\" (ustr.quoted (reg#4) 20) (uload.ok (reg#4) 4))\n"
		      "  eval (printf \"%d\\n\" (uload#4 (reg#4)))\n"
		      "}\n", PROG_UPROBE);
	probed(1, (const char *)16);
	probed(1, "ab\n");
	assert_string_equal(run_output(&r), "caught user string copy fault -14 at 0x10 [man error::fault]\n"
			    "0x10 0\nab\n\n\"ab\\n\" 1\n680545\n");
	assert_string_equal(r.cap.err.p, "read fault [man error::fault] at 0x10 near operator 'uload' at <ir>:5:24\n");
	assert_int_equal(engine_count(r.e, 0, WCNT_ERROR), 1);
	run_end(&r);
}

/* A page that is not resident yet is no fault. */
static void test_page_in(void **state)
{
	char path[] = "/tmp/bpf_probe_XXXXXX", page[8192] = "text in a file";
	int fd = mkstemp(path);
	struct run r;
	char *mem;

	assert_int_equal(write(fd, page, sizeof(page)), (long)sizeof(page));
	mem = mmap(NULL, sizeof(page), PROT_READ, MAP_PRIVATE, fd, 0);
	run_begin(&r, "handler h { eval (printf \"%s %d\\n\" (ustr (reg#4) -1) (uload#1 (add 4097 (reg#4)))) }\n",
		  PROG_UPROBE);
	probed(1, mem);
	assert_string_equal(run_output(&r), "text in a file 0\n");
	run_end(&r);
	munmap(mem, sizeof(page));
	close(fd);
	unlink(path);
}

static void test_return(void **state)
{
	struct run r;

	run_begin(&r, "handler h { eval (printf \"%d %d\\n\" (retval) (reg#0)) }\n", PROG_URETPROBE);
	probed(41, "");
	assert_string_equal(run_output(&r), "42 42\n");
	run_end(&r);
}

static void test_bias(void **state)
{
	struct run r;
	char want[64];

	run_begin(&r, "handler h { eval (printf \"%x %x\\n\" (add (module.bias#0) 0) (probe.addr)) }\n",
		  PROG_UPROBE);
	probed(1, "");
	snprintf(want, sizeof(want), "%lx %lx\n", (unsigned long)probed - (unsigned long)file_offset((void *)probed),
		 (unsigned long)probed);
	assert_string_equal(run_output(&r), want);
	run_end(&r);
}

static void test_stack(void **state)
{
	struct run r;

	run_begin(&r, "handler h { eval (print.ubt#0)\n eval (printf \"%s %d\\n\" (usym#0 (uaddr)) (ustack.addr 0)) }\n",
		  PROG_UPROBE);
	probed(1, "");
	run_output(&r);
	assert_int_equal(r.cap.records, 1);
	assert_true(r.cap.stack_bytes > 256);
	assert_string_equal(r.cap.err.p, "");
	run_end(&r);
}

/* A child of `depth` generations that calls the probed function at last. */
static pid_t spawn(int depth, int gate)
{
	pid_t pid = fork();
	char c;

	if (pid)
		return pid;
	if (gate >= 0 && read(gate, &c, 1) != 1)
		_exit(1);
	if (depth > 0)
		waitpid(spawn(depth - 1, -1), NULL, 0);
	else
		probed(7, "");
	_exit(0);
}

/* The target and its descendants are told from other processes. */
static void test_target(void **state)
{
	struct run r;
	int gate[2];
	pid_t pid;

	assert_int_equal(pipe(gate), 0);
	pid = spawn(2, gate[0]);
	run_begin(&r, "handler h { eval (printf \"%d %d\\n\" (is.target) (eq (target) (stp.pid))) }\n", PROG_UPROBE);
	assert_int_equal(engine_target_set(r.e, pid), 0);
	waitpid(spawn(0, -1), NULL, 0);
	assert_int_equal(write(gate[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
	assert_string_equal(run_output(&r), "0 0\n1 0\n");
	run_end(&r);
	close(gate[0]);
	close(gate[1]);
}

static void test_tracepoints(void **state)
{
	static const enum prog_kind kinds[] = { PROG_TRACEPOINT, PROG_RAW_TP, PROG_TP_BTF };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct run r;
		const char *ir = kinds[i] == PROG_TRACEPOINT ?
			"global c[i64]: i64\nhandler h { if (eq (tid) (ctxload#1028)) { eval (aadd c (pid) 1) } }\n" :
			"global c[i64]: i64\nhandler h { if (andthen (eq (arg#1) 110) (eq (pid) (stp.pid))) { eval (aadd c (pid) 1) } }\n";
		struct ir_val key = { .i = getpid() }, v;

		run_begin(&r, ir, kinds[i]);
		for (int k = 0; k < 100; k++)
			getppid();
		engine_deactivate(r.e);
		assert_true(engine_store(r.e)->ops->get(engine_store(r.e), 0, &key, &v, NULL));
		assert_int_equal(v.i, 100);
		run_end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_context), cmocka_unit_test(test_faults),
		cmocka_unit_test(test_page_in), cmocka_unit_test(test_return),
		cmocka_unit_test(test_bias), cmocka_unit_test(test_target), cmocka_unit_test(test_stack),
		cmocka_unit_test(test_tracepoints),
	};

	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
