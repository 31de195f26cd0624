/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user engine and its surroundings: context, memory, callbacks, locks, limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/ds.h"
#include "interp/interp.h"
#include "interp/memstore.h"
#include "ir/check.h"
#include "ir/pass.h"
#include "ir/text.h"
#include "ir_support.h"

struct world {
	struct out_buf text;	/* all that happens, in order */
	const char *memory;	/* at address 0x1000 */
	size_t size;
};

static void on_write(void *ctx, const char *text, size_t len)
{
	out_buf_add(&((struct world *)ctx)->text, text, len);
}

static void on_warn(void *ctx, const char *msg)
{
	out_buf_printf(&((struct world *)ctx)->text, "WARN(%s)", msg);
}

static void on_error(void *ctx, const char *line)
{
	out_buf_printf(&((struct world *)ctx)->text, "ERROR(%s)", line);
}

static void on_exit_call(void *ctx)
{
	out_buf_str(&((struct world *)ctx)->text, "EXIT");
}

static void on_service(void *ctx, int64_t kind, const char *text)
{
	out_buf_printf(&((struct world *)ctx)->text, "SERVICE%d(%s)", (int)kind, text);
}

static void on_expand(void *ctx, const char *fields, size_t len, struct out_buf *b)
{
	(void)ctx;
	out_buf_printf(b, "<%.*s>", (int)len, fields);
}

static void on_print_syms(void *ctx, const char *addrs, int64_t imm, struct out_buf *out)
{
	(void)ctx;
	out_buf_printf(out, "SYMS(%s,%d)", addrs, (int)imm);
}

static int on_read(void *ctx, uint64_t addr, void *buf, size_t n)
{
	struct world *w = ctx;

	if (addr < 0x1000 || addr - 0x1000 > w->size || n > w->size - (addr - 0x1000))
		return -EFAULT;
	memcpy(buf, w->memory + (addr - 0x1000), n);
	return 0;
}

static struct program *program_of(struct arena *a, const char *text)
{
	struct prog_point pt = { .kind = POINT_TIMER, .ints = ir_point_ints(a, 2, (int64_t[]){ 41, 42 }) };
	struct program *p = program_create(a);
	const char *err = NULL;
	struct ir_module *m = ir_parse(a, source_create(a, "<ir>", text, strlen(text)), &err);

	if (!m)
		fail_msg("%s in:\n%s", err, text);
	pt.str[IR_PP_FULL] = "timer.s(1)";
	ir_program_fill(p, m, PROG_USER, &pt);
	err = ir_check_program(p);
	if (err)
		fail_msg("%s in:\n%s", err, text);
	ir_analyse(p);
	return p;
}

/* Runs the text's handlers; what happened is compared. */
static void expect(const char *ir, const char *memory, size_t size, const char *want)
{
	struct arena *a = arena_create();
	struct program *p = program_of(a, ir);
	struct world w = { .memory = memory, .size = size };
	struct interp_env env = {
		.ctx = &w, .write = on_write, .warn = on_warn, .error = on_error, .exit = on_exit_call,
		.service = on_service, .defer = { &w, on_expand },
		.print_syms = on_print_syms, .target = 77, .read_user = on_read, .read_kernel = on_read,
	};
	struct ir_store *st = memstore_create(p->ir);
	struct interp *in = interp_create(p, st, &env);

	for (uint32_t i = 0; i < arrlenu(p->points); i++)
		interp_run_point(in, i);
	out_buf_add(&w.text, "", 1);
	assert_string_equal(w.text.p, want);
	out_buf_free(&w.text);
	interp_destroy(in);
	st->ops->destroy(st);
	arena_destroy(a);
}

static void test_callbacks(void **state)
{
	(void)state;
	expect("handler h { eval (printf \"a\") eval (warn \"careful\") eval (printf \"b\") eval (exit) eval (printf \"c\")"
	       " eval (system \"ls\") eval (system#2 \"note\") eval (printf \"d\") eval (log \"e\") eval (print.syms#2 \"1 2\") eval (error \"f\") }",
	       "", 0, "aWARN(careful)EXITbcSERVICE0(ls)SERVICE2(note)de\nSYMS(1 2,2)ERROR(f)");
}

static void test_context(void **state)
{
	char want[200];

	(void)state;
	snprintf(want, sizeof(want), "%d %d %d %d %d %d", getpid(), getpid(), getppid(), (int)getuid(), 77, 0);
	expect("handler h { eval (printf \"%d %d %d %d %d %d\" (pid) (tid) (ppid) (uid) (target) (is.target)) }", "", 0,
	       want);
	expect("handler h { eval (printf \"%s %d %d\" (point.str#0) (point.int#1) (point.int#9)) }", "", 0,
	       "timer.s(1) 42 0");
	expect("handler h { local a: i64 local b: i64 local c: i64 set a = (ktime.ns) set b = (time.ns) set c = (ktime.ns)"
	       " eval (printf \"%d%d%d%d\" (le a c) (gt b 1600000000000000000) (ge (cpu) 0) (gt (jiffies) 0)) }", "", 0,
	       "1111");
	expect("handler h { local i: i64 local r: i64 loop { if (ge i 100) { break } set r = (randint 3)"
	       " if (orelse (lt r 0) (ge r 3)) { eval (printf \"bad\") } } step { set i = (add i 1) } eval (printf \"%d\" (randint 0)) }",
	       "", 0, "0");
	setenv("BPFTAP_TEST", "value", 1);
	expect("handler h { eval (printf \"%s|%s|%d|%d\" (env \"BPFTAP_TEST\") (env \"NO_SUCH_THING\") (seq (execname) \"\") (seq (cmdline) \"\")) }",
	       "", 0, "value||0|0");
	expect("handler h { local x: i64 set x = (ureg#7) }", "", 0,
	       "ERROR(registers not available in this context near operator 'ureg' at <ir>:1:35)");
	expect("handler h { eval (printf \"%s %s\" (errno.str 13) (errno.str 3333)) }", "", 0, "EACCES E#3333");
}

static void test_deferred(void **state)
{
	(void)state;
	expect("handler h { local s: str set s = (usym#0 255) eval (printf \"%s %s %s\" s (ksym#0 16) (usym#2 1)) }", "", 0,
	       "<s4d,ff> <k10> <m4d,1>");
	/* what looks at the text sees it expanded, what stores it does not */
	expect("global a[str]: i64 handler h { local s: str set s = (ksym#0 16) eval (astore a s 1)"
	       " eval (printf \"%d %d %s %d\" (strlen s) (seq s \"<k10>\") (substr s 1 2) (aload a s)) }", "", 0,
	       "5 1 k1 1");
}

static void test_memory(void **state)
{
	static const char mem[256] = "hello\0wor\"ld\n\0\x34\x12\x00\x80";

	(void)state;
	expect("handler h { eval (printf \"%d %x %s|%s|%s\" (uload#1 4096) (uload#2 4110) (ustr 4096 -1) (ustr 4096 3) (ustr 4102 100)) }",
	       mem, sizeof(mem), "104 1234 hello|hel|wor\"ld\n");
	expect("handler h { eval (printf \"%s %s %s\" (ustr.quoted 4096 -1) (ustr.quoted 4102 -1) (ustr.quoted 4102 3)) }", mem,
	       sizeof(mem), "\"hello\" \"wor\\\"ld\\n\" \"wor\"");
	expect("handler h { eval (printf \"%s\" (ustr.quoted 64 -1)) }", mem, sizeof(mem), "0x40");
	expect("handler h { eval (printf \"%d%d%d\" (uload.ok 4096 4) (uload.ok 64 1) (uload.ok 4096 1000000)) }", mem,
	       sizeof(mem), "100");
	expect("handler h { eval (printf \"%M %3m|\" (ubuf 4096 2) (kbuf 4096 2)) }", mem, sizeof(mem), "6865  he|");
	expect("handler h { local x: i64 set x = (uload#8 64) }", mem, sizeof(mem),
	       "ERROR(read fault [man error::fault] at 0x40 near operator 'uload' at <ir>:1:35)");
	expect("handler h { local s: str set s = (ustr 64 -1) }", mem, sizeof(mem),
	       "ERROR(user string copy fault -14 at 0x40 [man error::fault] near operator 'ustr' at <ir>:1:35)");
	expect("handler h { eval (ustore#4 4096 1) }", mem, sizeof(mem),
	       "ERROR(write to target memory refused by the kernel near operator 'ustore' at <ir>:1:19)");
}

static void test_wide_strings(void **state)
{
	static const char utf16[] = "h\0\xe9\0\xac\x20\x3d\xd8\x00\xde\0\0";
	static const char utf32[] = "h\0\0\0\xac\x20\0\0\0\xf6\x01\0\0\0\0";
	static const char lone[] = "\x00\xdc\0\0";

	(void)state;
	expect("handler h { eval (printf \"%s\" (ustr.utf16 4096)) }", utf16, sizeof(utf16), "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	expect("handler h { eval (printf \"%s\" (ustr.utf32 4096)) }", utf32, sizeof(utf32), "h\xe2\x82\xac\xf0\x9f\x98\x80");
	expect("handler h { try { eval (printf \"%s\" (ustr.utf16 4096)) } catch { eval (printf \"bad\") } }", lone, sizeof(lone), "bad");
}

static int busy_lock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	(void)st;
	(void)mode;
	return global == 1 ? -EBUSY : 0;
}

static int unlocked;

static void count_unlock(struct ir_store *st, uint32_t global, enum ir_lock mode)
{
	(void)st;
	(void)global;
	(void)mode;
	unlocked++;
}

static void test_lock_failure(void **state)
{
	struct arena *a = arena_create();
	struct program *p = program_of(a, "global n: i64 global m: i64 handler h { eval (gadd n 1) eval (gadd m 1) }");
	struct ir_store *st = memstore_create(p->ir);
	struct ir_store_ops ops = *st->ops;
	struct ir_val v;
	struct world w = { 0 };
	struct interp_env env = { .ctx = &w, .write = on_write, .error = on_error };
	struct interp *in = interp_create(p, st, &env);
	const struct ir_store_ops *real = st->ops;

	(void)state;
	ops.lock = busy_lock;
	ops.unlock = count_unlock;
	st->ops = &ops;
	assert_int_equal(interp_run_point(in, 0), INTERP_SKIPPED);
	assert_int_equal(unlocked, 1);
	st->ops->get(st, 0, NULL, &v, NULL);
	assert_int_equal(v.i, 0);
	st->ops = real;
	assert_int_equal(interp_run_point(in, 0), INTERP_OK);
	interp_destroy(in);
	st->ops->destroy(st);
	arena_destroy(a);
}

static void test_truncation_is_counted(void **state)
{
	struct arena *a = arena_create();
	struct program *p = program_of(a, "handler h { local s: str 4 set s = \"abcdef\" set s = (concat:8 \"abcdef\" \"ghij\") }");
	struct ir_store *st = memstore_create(p->ir);
	struct interp_env env = { 0 };
	struct interp *in = interp_create(p, st, &env);

	(void)state;
	assert_int_equal(interp_run_point(in, 0), INTERP_OK);
	assert_int_equal(interp_get_stats(in)->truncated, 3);
	interp_destroy(in);
	st->ops->destroy(st);
	arena_destroy(a);
}

/* Much memory for strings in one statement is an error, not a crash. */
static void test_string_memory(void **state)
{
	struct out_buf ir = { 0 };

	(void)state;
	out_buf_str(&ir, "maxstr 65536\nglobal g: str 65536\nhandler h { local s: str 65536 local i: i64 set s = \"0123456789\"\n"
			 "loop { if (ge i 13) { break } set s = (concat s s) } step { set i = (add i 1) }\n"
			 "eval (gstore g s) eval (printf \"");
	for (int i = 0; i < 60; i++)
		out_buf_str(&ir, "%1s");
	out_buf_str(&ir, "\"");
	for (int i = 0; i < 60; i++)
		out_buf_str(&ir, " (gload g)");
	out_buf_str(&ir, ") }");
	out_buf_add(&ir, "", 1);
	expect(ir.p, "", 0, "ERROR(strings of one statement need too much memory)");
	out_buf_free(&ir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callbacks),   cmocka_unit_test(test_context),
		cmocka_unit_test(test_deferred),    cmocka_unit_test(test_memory),
		cmocka_unit_test(test_wide_strings), cmocka_unit_test(test_lock_failure),
		cmocka_unit_test(test_truncation_is_counted), cmocka_unit_test(test_string_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
