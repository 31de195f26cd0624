/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IR: text errors, checker, passes, analysis, regular expressions, saved programs. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/ds.h"
#include "ir/bound.h"
#include "ir/check.h"
#include "ir/errors.h"
#include "ir/pass.h"
#include "ir/program.h"
#include "ir/regex.h"
#include "ir/text.h"
#include "ir_corpus.h"
#include "ir_support.h"

static struct arena *arena;

static struct ir_module *parse(const char *text)
{
	const char *err = NULL;
	struct ir_module *m = ir_parse(arena, source_create(arena, "<ir>", text, strlen(text)), &err);

	if (!m)
		fail_msg("%s in:\n%s", err, text);
	return m;
}

static char *printed(const struct ir_module *m)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ir_print(f, m);
	fclose(f);
	return text;
}

static void test_text_errors(void **state)
{
	static const char *const bad[] = {
		"handler", "handler h {", "handler h { set x = 1 }", "handler h { eval (nosuch 1) }",
		"handler h { eval (gadd n 1) }", "global a[i64: i64", "global x: int",
		"handler h { eval (printf \"%q\" 1) }", "handler h { eval (printf \"unclosed }",
		"handler h { local x: i64 set x = (call f 1) }", "maxstr 5", "global x: i64 = \"", "{",
		"handler h { eval (match \"(\" \"x\") }", "handler h { local x: i64 set x = 99999999999999999999 }",
		"handler h { loop { break }", "global a[i64,i64,i64,i64,i64,i64,i64,i64,i64,i64]: i64",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *err = NULL;

		if (ir_parse(arena, source_create(arena, "<ir>", bad[i], strlen(bad[i])), &err))
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(err);
	}
}

static void test_text_deep(void **state)
{
	size_t n = 200000;
	char *text = malloc(n + 64);
	const char *err = NULL;

	(void)state;
	strcpy(text, "handler h { local x: i64 set x = ");
	for (size_t i = 0; i < n / 5; i++)
		strcpy(text + 33 + i * 5, "(neg ");
	assert_null(ir_parse(arena, source_create(arena, "<ir>", text, strlen(text)), &err));
	assert_non_null(strstr(err, "deep"));
	free(text);
}

static void test_check(void **state)
{
	static const char *const bad[] = {
		"handler h { local x: i64 set x = \"s\" }",
		"handler h { local s: str set s = 5 }",
		"handler h { break }",
		"handler h { local x: i64 set x = (add x (gadd n 1)) } global n: i64",
		"global n: i64 handler h { local x: i64 set x = (add x (gadd n 1)) }",
		"global n: i64 handler h { eval (gstore n \"s\") }",
		"global n: i64 handler h { eval (astore n 1 1) }",
		"global a[i64]: i64 handler h { eval (astore a \"k\" 1) }",
		"global a[i64]: i64 handler h { eval (astore a 1) }",
		"global a[i64]: i64 handler h { eval (gadd a 1) }",
		"global s: stat handler h { eval (gadd s 1) }",
		"global s: stat handler h { eval (print.hist s) }",
		"global s: stat hist linear 0 1000 1",
		"global s: stat hist linear 10 0 1",
		"global s: stat hist linear 0 10 0",
		"global n: i64 hist log",
		"global n: i64 = \"text\"",
		"global a[i64]: i64 max 0",
		"func f(x: i64): i64 { return \"s\" } handler h { }",
		"func f(x: i64): i64 { return x } handler h { eval (call f) }",
		"func f(x: i64): i64 { return x } handler h { eval (call f \"s\") }",
		"handler h { eval (printf \"%d\\n\") }",
		"handler h { eval (printf \"%d\\n\" \"s\") }",
		"handler h { eval (printf \"%s\\n\" 5) }",
		"handler h { local x: i64 set x = (sext#64 x) }",
		"handler h { local x: i64 set x = (uload#3 x) }",
		"handler h { local s: str set s = (concat:100000 s s) }",
		"handler h { local x: i64 set x = (select x 1 \"s\") }",
		"handler h { local s: str 0 }",
		"global a[i64]: i64 handler h { local s: str foreach a [s] { } }",
		"global a[i64]: i64 handler h { local k: i64 foreach a [k] sort count { } }",
		"global a[i64, i64]: i64 handler h { local k: i64 foreach a [k] { } }",
		"handler h { action -1 }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *err = NULL;
		struct ir_module *m = ir_parse(arena, source_create(arena, "<ir>", bad[i], strlen(bad[i])), &err);

		if (m && !ir_check(m))
			fail_msg("accepted: %s", bad[i]);
	}
	assert_null(ir_check(parse("global n: i64 handler h { eval (gadd n 1) }")));
}

static void expect_pass(void (*pass)(struct ir_module *), const char *before, const char *after)
{
	struct ir_module *m = parse(before);
	char *got, *want;

	assert_null(ir_check(m));
	pass(m);
	assert_null(ir_check(m));
	got = printed(m);
	want = printed(parse(after));
	assert_string_equal(got, want);
	free(got);
	free(want);
}

static void test_fold(void **state)
{
	(void)state;
	expect_pass(ir_pass_fold,
		    "handler h { local x: i64 set x = (add (mul 6 7) (sub x 0)) eval (printf \"%d\" (mul x 1)) }",
		    "handler h { local x: i64 set x = (add 42 x) eval (printf \"%d\" x) }");
	expect_pass(ir_pass_fold,
		    "handler h { local s: str set s = (concat \"a\" (concat \"b\" \"c\")) }",
		    "handler h { local s: str set s = \"abc\" }");
	expect_pass(ir_pass_fold,
		    "handler h { if (lt 1 2) { eval (log \"y\") } else { eval (log \"n\") } if 0 { eval (exit) } }",
		    "handler h { eval (log \"y\") }");
	/* what fails stays */
	expect_pass(ir_pass_fold,
		    "handler h { local x: i64 set x = (div 1 0) set x = (mul (mod x 0) 0) }",
		    "handler h { local x: i64 set x = (div 1 0) set x = (mul (mod x 0) 0) }");
	/* what is cut at run time is counted there */
	expect_pass(ir_pass_fold,
		    "handler h { local s: str set s = (concat:3 \"ab\" \"cd\") }",
		    "handler h { local s: str set s = (concat:3 \"ab\" \"cd\") }");
	expect_pass(ir_pass_fold,
		    "handler h { local x: i64 set x = (andthen 1 x) set x = (orelse 0 (lt x 3)) set x = (select 1 x 9) }",
		    "handler h { local x: i64 set x = (ne x 0) set x = (lt x 3) set x = x }");
}

static void test_dead(void **state)
{
	(void)state;
	expect_pass(ir_pass_dead,
		    "handler h { local x: i64 local y: i64 set x = 3 set y = (add x 1) set y = (pid) eval (exit) return eval (exit) }",
		    "handler h { eval (exit) return }");
	expect_pass(ir_pass_dead,
		    "global a[i64]: i64 handler h { local u: str local k: i64 local v: str local w: i64 action 1 action 2 foreach a [k] = w { set w = (add w k) eval (printf \"%d\" w) } }",
		    "global a[i64]: i64 handler h { local k: i64 local w: i64 action 3 foreach a [k] = w { set w = (add w k) eval (printf \"%d\" w) } }");
	expect_pass(ir_pass_dead,
		    "handler h { local x: i64 set x = (div 1 (pid)) if (pid) { } try { } catch { eval (exit) } action 0 }",
		    "handler h { local x: i64 set x = (div 1 (pid)) }");
	expect_pass(ir_pass_dead,
		    "func unused(x: i64) { eval (exit) } func used() { eval (exit) } handler h { eval (call used) }",
		    "func unused(x: i64) { } func used() { eval (exit) } handler h { eval (call used) }");
}

static void test_sink(void **state)
{
	(void)state;
	/* into the branch that alone uses it, with what it needs */
	expect_pass(ir_pass_sink,
		    "handler h { local x: i64 local s: str set x = (uid) set s = (sprintf \"%d\" x) action 1 "
		    "if (pid) { eval (log s) } }",
		    "handler h { local x: i64 local s: str action 1 "
		    "if (pid) { set x = (uid) set s = (sprintf \"%d\" x) eval (log s) } }");
	/* behind a test that may end the handler */
	expect_pass(ir_pass_sink,
		    "handler h { local x: i64 set x = (uid) if (pid) { return } eval (printf \"%d\" x) }",
		    "handler h { local x: i64 if (pid) { return } set x = (uid) eval (printf \"%d\" x) }");
#define STAYS(body) expect_pass(ir_pass_sink, "global g: i64 handler h { " body " }", "global g: i64 handler h { " body " }")
	/* used elsewhere, too */
	STAYS("local x: i64 set x = (uid) if (pid) { eval (printf \"%d\" x) } eval (printf \"%d\" x)");
	STAYS("local x: i64 set x = (uid) if (pid) { eval (exit) } eval (printf \"%d\" x)");
	STAYS("local x: i64 set x = (uid) if (gt x 3) { eval (printf \"%d\" x) }");
	/* set twice; by itself */
	STAYS("local x: i64 set x = 1 set x = (uid) if (pid) { eval (printf \"%d\" x) }");
	STAYS("local x: i64 loop { set x = (add x 1) if (pid) { eval (printf \"%d\" x) break } }");
	/* what it reads changes in between */
	STAYS("local x: i64 local y: i64 set x = (uid) set y = (tid) if (pid) { eval (exit) } set y = (cpu) "
	      "if (pid) { eval (printf \"%d %d\" x y) } eval (printf \"%d\" (add x y))");
	STAYS("local x: i64 set x = (gload g) eval (gstore g 2) if (pid) { eval (printf \"%d\" x) }");
	/* clocks, errors, the last match */
	STAYS("local x: i64 set x = (ktime.ns) if (pid) { eval (printf \"%d\" x) }");
	STAYS("local x: i64 set x = (div 1 (pid)) if (pid) { eval (printf \"%d\" x) }");
	/* calls of functions that change nothing, but not if they may fail or look at the time */
	expect_pass(ir_pass_sink,
		    "func f(p: i64): i64 { try { return (uload#8 p) } catch { return 0 } } "
		    "handler h { local x: i64 local y: i64 set x = (call f 1) set y = (call f x) action 1 "
		    "if (pid) { eval (printf \"%d\" y) } }",
		    "func f(p: i64): i64 { try { return (uload#8 p) } catch { return 0 } } "
		    "handler h { local x: i64 local y: i64 action 1 "
		    "if (pid) { set x = (call f 1) set y = (call f x) eval (printf \"%d\" y) } }");
#define CALL_STAYS(body) expect_pass(ir_pass_sink, \
		    "global g: i64 func f(): i64 { " body " } handler h { local x: i64 set x = (call f) if (pid) { eval (printf \"%d\" x) } }", \
		    "global g: i64 func f(): i64 { " body " } handler h { local x: i64 set x = (call f) if (pid) { eval (printf \"%d\" x) } }")
	CALL_STAYS("return (uload#8 1)");
	CALL_STAYS("try { } catch { return (uload#8 1) } return 1");
	CALL_STAYS("return (ktime.ns)");
	CALL_STAYS("eval (gstore g 1) return 1");
	CALL_STAYS("eval (exit) return 1");
	CALL_STAYS("local r: i64 set r = (call f) return r");
#undef CALL_STAYS
	/* a handler of errors sees what was set before */
	STAYS("local x: i64 try { set x = (uid) if (pid) { return } eval (error \"e\") eval (printf \"%d\" x) } "
	      "catch { eval (printf \"%d\" x) }");
#undef STAYS
}

static void test_inline(void **state)
{
	(void)state;
	expect_pass(ir_pass_inline,
		    "func f(x: i64): i64 { if (lt x 0) { return (neg x) } return x }\n"
		    "handler h { local r: i64 set r = (call f -5) }",
		    "func f(x: i64): i64 { if (lt x 0) { return (neg x) } return x }\n"
		    "handler h { local r: i64 local x: i64 set x = -5 "
		    "if (lt x 0) { set r = (neg x) } else { set r = x } }");
	expect_pass(ir_pass_inline,
		    "func f(n: i64): i64 { local r: i64 set r = (call f (sub n 1)) return r }\n"
		    "handler h { local r: i64 set r = (call f 1) }",
		    "func f(n: i64): i64 { local r: i64 set r = (call f (sub n 1)) return r }\n"
		    "handler h { local r: i64 set r = (call f 1) }");
}

static void test_cse(void **state)
{
	(void)state;
	expect_pass(ir_pass_cse,
		    "global a[i64]: i64 handler h { eval (printf \"%d\" (aload a 1)) eval (printf \"%d\" (aload a 1)) }",
		    "global a[i64]: i64 handler h { local common: i64 set common = (aload a 1) "
		    "eval (printf \"%d\" common) eval (printf \"%d\" common) }");
	expect_pass(ir_pass_cse,
		    "global a[i64]: i64 handler h { eval (printf \"%d\" (aload a 1)) eval (aadd a 1 1) eval (printf \"%d\" (aload a 1)) }",
		    "global a[i64]: i64 handler h { eval (printf \"%d\" (aload a 1)) eval (aadd a 1 1) eval (printf \"%d\" (aload a 1)) }");
	/* a->b->c and a->b->d share a->b; the inner value is set first */
	expect_pass(ir_pass_cse,
		    "handler h { local p: i64 local x: i64 "
		    "set x = (uload#8 (add (uload#8 p) 8)) set x = (uload#8 (add (uload#8 p) 16)) set x = (uload#8 (add (uload#8 p) 8)) }",
		    "handler h { local p: i64 local x: i64 local common: i64 local common.3: i64 "
		    "set common = (uload#8 p) set common.3 = (uload#8 (add common 8)) set x = common.3 "
		    "set x = (uload#8 (add common 16)) set x = common.3 }");
	expect_pass(ir_pass_cse,
		    "handler h { local p: i64 local x: i64 set x = (andthen p (uload#4 p)) set x = (uload#4 p) set p = 5 set x = (uload#4 p) }",
		    "handler h { local p: i64 local x: i64 set x = (andthen p (uload#4 p)) set x = (uload#4 p) set p = 5 set x = (uload#4 p) }");
}

static void test_prop(void **state)
{
	(void)state;
	expect_pass(ir_pass_prop,
		    "handler h { local x: i64 local y: i64 set x = 3 set y = x eval (printf \"%d %d\" x y) set x = (pid) eval (printf \"%d %d\" x y) }",
		    "handler h { local x: i64 local y: i64 set x = 3 set y = 3 eval (printf \"%d %d\" 3 3) set x = (pid) eval (printf \"%d %d\" x 3) }");
	expect_pass(ir_pass_prop,
		    "handler h { local x: i64 local y: i64 set y = (pid) set x = y eval (printf \"%d\" x) set y = 1 eval (printf \"%d\" x) }",
		    "handler h { local x: i64 local y: i64 set y = (pid) set x = y eval (printf \"%d\" y) set y = 1 eval (printf \"%d\" x) }");
	/* branches, loops, tries */
	expect_pass(ir_pass_prop,
		    "handler h { local x: i64 local y: i64 set y = 5 if (pid) { set x = y } else { set y = 6 } eval (printf \"%d %d\" x y) }",
		    "handler h { local x: i64 local y: i64 set y = 5 if (pid) { set x = 5 } else { set y = 6 } eval (printf \"%d %d\" x y) }");
	expect_pass(ir_pass_prop,
		    "handler h { local i: i64 local k: i64 loop { if (gt i k) { break } } step { set i = (add i 1) } eval (printf \"%d\" i) }",
		    "handler h { local i: i64 local k: i64 loop { if (gt i 0) { break } } step { set i = (add i 1) } eval (printf \"%d\" i) }");
	expect_pass(ir_pass_prop,
		    "handler h { local x: i64 try { set x = 1 eval (error \"\") } catch { eval (printf \"%d\" x) } }",
		    "handler h { local x: i64 try { set x = 1 eval (error \"\") } catch { eval (printf \"%d\" x) } }");
	/* a copy that was cut is no copy */
	expect_pass(ir_pass_prop,
		    "handler h { local s: str local t: str 4 set s = (execname) set t = s eval (printf \"%s\" t) set t = \"abcd\" eval (printf \"%s\" t) }",
		    "handler h { local s: str local t: str 4 set s = (execname) set t = s eval (printf \"%s\" t) set t = \"abcd\" eval (printf \"%s\" t) }");
}

static void test_bounds(void **state)
{
	(void)state;
	expect_pass(ir_pass_bounds,
		    "global a[str]: str handler h { local s: str set s = (execname) eval (astore a \"ab\" s) }",
		    "global a[str 3]: str 16 handler h { local s: str 16 set s = (execname:16) eval (astore a \"ab\" s) }");
	/* a key looked for must not be cut to one that is there */
	expect_pass(ir_pass_bounds,
		    "global a[str]: i64 handler h { eval (astore a \"ab\" 1) eval (printf \"%d\" (aload a \"abcd\")) }",
		    "global a[str 5]: i64 handler h { eval (astore a \"ab\" 1) eval (printf \"%d\" (aload a \"abcd\")) }");
	expect_pass(ir_pass_bounds,
		    "global t[str]: stat hist log handler h { local i: i64 foreach hist t (\"abc\") [i] { } }",
		    "global t[str 4]: stat hist log handler h { local i: i64 foreach hist t (\"abc\") [i] { } }");
}

static struct program *program_of(const char *text, enum prog_kind kind)
{
	struct program *p = program_create(arena);
	struct ir_func **handlers;

	p->ir = parse(text);
	handlers = p->ir->handlers;
	p->ir->handlers = NULL;
	for (size_t i = 0; i < arrlenu(handlers); i++) {
		bool begin = strcmp(handlers[i]->name, "begin") == 0;
		struct prog_point pt = { .kind = begin ? POINT_BEGIN : POINT_TRACEPOINT };

		pt.handler = program_handler_add(p, begin ? PROG_USER : kind, handlers[i]);
		arrput(p->points, pt);
	}
	arrfree(handlers);
	assert_null(ir_check_program(p));
	ir_analyse(p);
	return p;
}

static void expect_locks(const char *text, const char *want)
{
	struct program *p = program_of(text, PROG_RAW_TP);
	char got[256] = "";

	for (size_t g = 0; g < arrlenu(p->ir->globals); g++)
		strcat(got, p->ir->globals[g]->lock_free ? "f" : "l");
	for (size_t h = 0; h < arrlenu(p->handlers); h++) {
		strcat(got, " ");
		for (size_t g = 0; g < arrlenu(p->ir->globals); g++)
			strcat(got, (const char *[]){ "-", "r", "w" }[p->handlers[h].body->locks[g]]);
	}
	assert_string_equal(got, want);
}

static void test_locks(void **state)
{
	(void)state;
	expect_locks("global n: i64 handler a { eval (gadd n 1) }", "f -");
	expect_locks("global n: i64 global m: i64 handler a { eval (gadd n 1) eval (gadd m 1) }", "ll ww");
	expect_locks("global n: i64 handler a { eval (gstore n (add (gload n) 1)) }", "l w");
	expect_locks("global n: i64 handler a { loop { eval (gadd n 1) break } }", "l w");
	expect_locks("global n: i64 handler a { eval (gadd n 1) } handler b { eval (printf \"%d\" (gload n)) }",
		     "f - -");
	expect_locks("global n: i64 handler a { eval (gadd n 1) } handler b { eval (printf \"%d %d\" (gload n) (gload n)) }",
		     "l w r");
	/* handlers that run alone do not count */
	expect_locks("global n: i64 handler a { eval (gadd n 1) } handler begin { eval (gstore n 1) eval (gstore n 2) }",
		     "f - -");
	/* never written while others run: no lock */
	expect_locks("global n: i64 handler a { eval (printf \"%d %d\" (gload n) (gload n)) } handler begin { eval (gstore n 1) }",
		     "l - -");
	expect_locks("global h: i64 hidden handler a { eval (gadd h 1) eval (gadd h 1) }", "f -");
	expect_locks("global h: i64 hidden global n: i64 handler a { eval (gadd h 1) eval (gadd n 1) }", "ff --");
	/* through functions, once, twice, and recursion */
	expect_locks("global n: i64 func f() { eval (gadd n 1) } handler a { eval (call f) }", "f -");
	expect_locks("global n: i64 func f() { eval (gadd n 1) } handler a { eval (call f) eval (call f) }", "l w");
	expect_locks("global n: i64 func f(i: i64) { eval (gadd n 1) if i { eval (call f 0) } } handler a { eval (call f 1) }",
		     "l w");
	/* strings and walks are not atomic by themselves */
	expect_locks("global s: str handler a { eval (gstore s \"x\") }", "l w");
	expect_locks("global a[i64]: i64 handler x { eval (aadd a 1 1) } handler y { local k: i64 foreach a [k] { } }",
		     "l w r");
	expect_locks("global a[i64]: i64 wrap handler x { eval (aadd a 1 1) }", "l w");
	expect_locks("global s: stat handler x { eval (stat.add s 1) } handler y { eval (printf \"%d\" (stat.get#0 s)) }",
		     "f - -");
}

static void test_analysis_facts(void **state)
{
	struct program *p = program_of(
		"global s: stat global t[i64]: stat global n: i64 global m: i64\n"
		"func f(x: i64): i64 { local r: i64 set r = (call g x) return r }\n"
		"func g(x: i64): i64 { local r: i64 if x { set r = (call f (sub x 1)) } return r }\n"
		"func h(x: i64): i64 { return x }\n"
		"handler a { local r: i64 local k: i64 set r = (call f 1) set r = (call h r) eval (stat.add s r) "
		"eval (printf \"%d %d\" (stat.get#4 s) (gload n)) foreach t [k] sort max { } eval (gstore m 1) }",
		PROG_RAW_TP);

	(void)state;
	assert_true(p->ir->funcs[0]->recursive && p->ir->funcs[1]->recursive && !p->ir->funcs[2]->recursive);
	assert_int_equal(p->ir->globals[0]->stat_ops, 1u << IR_STAT_AVG);
	assert_int_equal(p->ir->globals[1]->stat_ops, 1u << IR_STAT_MAX);
	assert_true(p->ir->globals[2]->read && !p->ir->globals[2]->written);
	assert_true(!p->ir->globals[3]->read && p->ir->globals[3]->written);
}

static void test_merge(void **state)
{
	struct program *p = program_of(
		"global n: i64\n"
		"handler a { local x: i64 set x = (pid) eval (printf \"%d\\n\" x) eval (gadd n 1) }\n"
		"handler b { local y: i64 set y = (pid) eval (printf \"%d\\n\" y) eval (gadd n 1) }\n"
		"handler c { local y: i64 set y = (pid) eval (printf \"%d!\\n\" y) eval (gadd n 1) }\n"
		"handler d { local y: i64 set y = (pid) eval (printf \"%d\\n\" y) eval (gadd n 2) }\n",
		PROG_RAW_TP);

	(void)state;
	assert_int_equal(arrlenu(p->handlers), 3);
	assert_int_equal(p->points[0].handler, p->points[1].handler);
	assert_int_not_equal(p->points[0].handler, p->points[2].handler);
	assert_int_not_equal(p->points[0].handler, p->points[3].handler);
}

/* A handler of one point knows what the point is; one of two, and a function, do not. */
static void test_points(void **state)
{
	struct program *p = program_of(
		"handler a { if (eq (point.int#0) 7) { eval (printf \"%s\" (point.str#1)) } }\n"
		"handler b { eval (printf \"%d\" (point.int#0)) }\n"
		"handler c { eval (printf \"%d\" (point.int#0)) }\n", PROG_RAW_TP);
	char *text;

	(void)state;
	p->points[0].ints = ir_point_ints(arena, 1, (int64_t[]){ 7 });
	p->points[1].ints = ir_point_ints(arena, 1, (int64_t[]){ 8 });
	p->points[2].ints = ir_point_ints(arena, 1, (int64_t[]){ 9 });
	p->points[0].str[1] = "name";
	ir_pass_points(p);
	assert_null(ir_check_program(p));
	text = printed(p->ir);
	assert_non_null(strstr(text, "(eq 7 7)"));
	assert_non_null(strstr(text, "\"name\""));
	assert_non_null(strstr(text, "(printf \"%d\" (point.int))"));
	free(text);
}

static void test_kernel_only(void **state)
{
	struct program *p = program_create(arena);

	(void)state;
	p->ir = parse("func f(): i64 { return (arg#0) } handler h { local r: i64 set r = (call f) }");
	arrsetlen(p->ir->handlers, 1);
	arrput(p->handlers, ((struct prog_handler){ .kind = PROG_USER, .body = p->ir->handlers[0] }));
	assert_non_null(ir_check_program(p));
	p->handlers[0].kind = PROG_UPROBE;
	assert_null(ir_check_program(p));
}

static void test_errors(void **state)
{
	struct source src = { .name = "<input>" };
	struct span at = { .src = &src, .line = 1, .col = 25, .text = "/", .kind = SPAN_OPERATOR };
	struct span kw = { .src = &src, .line = 2, .col = 3, .kind = SPAN_KEYWORD };
	char buf[200], small[10];

	(void)state;
	ir_error_line(buf, sizeof(buf), NULL, WERR_DIV0, 0, NULL, &at);
	assert_string_equal(buf, "division by 0 near operator '/' at <input>:1:25");
	ir_error_line(buf, sizeof(buf), NULL, WERR_MAXACTION, 0, NULL, &kw);
	assert_string_equal(buf, "MAXACTION exceeded near keyword at <input>:2:3");
	ir_error_line(buf, sizeof(buf), NULL, WERR_USER, 0, "mine", &at);
	assert_string_equal(buf, "mine");
	ir_error_line(buf, sizeof(buf), NULL, WERR_OVERFLOW, 99, NULL, NULL);
	assert_string_equal(buf, "Array overflow, check MAXMAPENTRIES");
	ir_error_line(buf, sizeof(buf), NULL, 12345, 0, NULL, NULL);
	assert_string_equal(buf, "unknown error 12345");
	assert_true(ir_error_line(small, sizeof(small), NULL, WERR_DIV0, 0, NULL, &at) < sizeof(small));
	for (uint32_t code = 1; code < WERR_COUNT; code++)
		assert_true(ir_error_message(buf, sizeof(buf), NULL, code, 7, NULL) > 0 || code == WERR_USER);
}

static const char *const patterns[] = {
	"a", "ab", "a|b", "a*", "(ab)*c", "^a", "a$", "^a$", "^$", "a+b?", "[abc]+", "[^a]b", "a.c", "(a|b)(b|c)",
	"a{2}", "a{1,2}b", "(ab|ba){2,}", "^(a|b)*c$", "a(b(c|a)|d)?", "((a)|b)+", "x|", "(^a|b)", "(a|b$)", "c*a|b",
};

static void random_subject(char *s)
{
	int n = rand() % 9;

	for (int i = 0; i < n; i++)
		s[i] = "abcd"[rand() % 4];
	s[n] = 0;
}

/* Agreement with the C library: whether there is a match, and which. */
static void test_regex(void **state)
{
	struct ir_module *m = ir_module_create(arena);

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		uint32_t index = ir_regex_add(m, patterns[i], NULL);
		struct ir_regex *re = m->regexes[index];
		const char *err = NULL;
		regex_t posix;

		if (ir_regex_compile(m, re, &err))
			fail_msg("%s: %s", patterns[i], err);
		assert_int_equal(regcomp(&posix, patterns[i], REG_EXTENDED), 0);
		for (int k = 0; k < 500; k++) {
			char s[16];
			regmatch_t want[1];
			int32_t got[IR_REGEX_MAX_GROUPS][2];
			bool hit;

			random_subject(s);
			hit = regexec(&posix, s, 1, want, 0) == 0;
			if (ir_dfa_match(re->dfa, s) != hit || ir_regex_groups(re->dfa, s, got) != hit)
				fail_msg("/%s/ on '%s': should %smatch", patterns[i], s, hit ? "" : "not ");
			if (hit && (got[0][0] != want[0].rm_so || got[0][1] != want[0].rm_eo))
				fail_msg("/%s/ on '%s': %d..%d, should be %d..%d", patterns[i], s, got[0][0],
					 got[0][1], (int)want[0].rm_so, (int)want[0].rm_eo);
		}
		regfree(&posix);
	}
}

static void test_regex_errors(void **state)
{
	static const char *const bad[] = { "(", ")", "a)", "[a", "*a", "a|*", "[z-a]", "a{3,1}", "a{9999}",
					   "[[:nope:]]", "\\", "((((a){99}){99}){99}){99}" };
	struct ir_module *m = ir_module_create(arena);
	char deep[1001];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct ir_regex re = { .text = bad[i] };
		const char *err = NULL;

		if (!ir_regex_compile(m, &re, &err))
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(err);
	}
	memset(deep, '(', 1000);
	deep[1000] = 0;
	assert_int_not_equal(ir_regex_compile(m, &(struct ir_regex){ .text = deep }, &(const char *){ NULL }), 0);
	/* exponentially many states: refused in bounded time */
	assert_int_not_equal(ir_regex_compile(m, &(struct ir_regex){ .text = "(a|b)*a(a|b){200}" },
					      &(const char *){ NULL }), 0);
}

static const char saved_text[] =
	"maxstr 256\nglobal n: i64 = 4\nglobal s: str 20 = \"x\"\nglobal a[i64, str 16]: stat size 30 wrap hist linear 0 10 2\n"
	"func f(x: i64, s: str): str { return (concat s \"!\") }\n"
	"handler a { local k: i64 local t: str foreach a [k, t] slice [_, \"q\"] sort count desc limit 3 { eval (printf \"%5.2d %s%%\\n\" k t) }\n"
	"try { set k = (div 1 k) } catch t { set t = (call f 1 t) } if (match \"a(b|c)\" t) { return } eval (print.hist a 1 t) }\n"
	"handler begin { eval (exit) }\n";

static void test_save(void **state)
{
	char path[] = "/tmp/bpftap-save-XXXXXX";
	int fd = mkstemp(path);
	struct program *p = program_of(saved_text, PROG_UPROBE), *q;
	const char *err = NULL;
	char *a, *b;

	(void)state;
	assert_true(fd >= 0);
	p->points[0].path = "/bin/true";
	p->points[0].str[IR_PP_FULL] = "process(\"/bin/true\").function(\"main\")";
	p->points[0].ints = ir_point_ints(arena, 1, (int64_t[]){ 77 });
	arrput(p->modules, ((struct prog_module){ "/bin/true", "abcd" }));
	p->limits.maxaction = 123;
	assert_int_equal(program_save(p, path), 0);
	q = program_load(arena, path, &err);
	if (!q)
		fail_msg("load: %s", err);
	a = printed(p->ir);
	b = printed(q->ir);
	assert_string_equal(a, b);
	free(a);
	free(b);
	assert_int_equal(q->points[0].ints[0], 77);
	assert_string_equal(q->points[0].str[IR_PP_FULL], p->points[0].str[IR_PP_FULL]);
	assert_string_equal(q->modules[0].build_id, "abcd");
	assert_int_equal(q->limits.maxaction, 123);
	assert_string_equal(q->ir->funcs[0]->at.src->name, "<ir>");
	assert_true(q->handlers[0].kind == PROG_UPROBE && q->handlers[0].body == q->ir->handlers[0]);
	assert_int_equal(program_save(p, "/nonexistent/x"), -2);
	assert_null(program_load(arena, "/nonexistent/x", &err));
	close(fd);
	unlink(path);
}

static uint64_t fnv(const unsigned char *p, size_t n)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211ull;
	return h;
}

/* Damaged files: every byte changed in turn, with the checksum made to fit. */
static void test_load_hostile(void **state)
{
	char path[] = "/tmp/bpftap-save-XXXXXX";
	int fd = mkstemp(path);
	struct program *p = program_of(saved_text, PROG_UPROBE);
	const struct source *file;
	unsigned char *bytes;
	const char *err;

	(void)state;
	assert_int_equal(program_save(p, path), 0);
	file = source_read(arena, path);
	bytes = arena_memdup(arena, file->text, file->len);
	for (size_t i = 0; i < file->len; i += i < 64 ? 1 : 3) {
		struct arena *a = arena_create();
		unsigned char old = bytes[i];
		uint64_t sum;

		bytes[i] = (unsigned char)(i % 2 ? 0xff : old + 1);
		sum = fnv(bytes + 32, file->len - 32);
		memcpy(bytes + 24, &sum, 8);
		assert_int_equal(pwrite(fd, bytes, file->len, 0), (ssize_t)file->len);
		err = NULL;
		if (!program_load(a, path, &err))
			assert_non_null(err);
		bytes[i] = old;
		arena_destroy(a);
	}
	for (size_t n = 0; n < file->len; n += 37) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, file->text, n, 0), (ssize_t)n);
		assert_null(program_load(arena, path, &err));
	}
	close(fd);
	unlink(path);
}

/* Every case of the corpus survives saving and loading. */
static void test_save_corpus(void **state)
{
	struct ir_case *cases = ir_corpus_load(arena, IR_CORPUS_DIR);
	char path[] = "/tmp/bpftap-save-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	for (size_t i = 0; i < arrlenu(cases); i++) {
		const char *err = NULL;
		struct program *p = ir_corpus_program(arena, &cases[i], PROG_USER, i % 2, &err), *q;
		char *a, *b;

		assert_non_null(p);
		assert_int_equal(program_save(p, path), 0);
		q = program_load(arena, path, &err);
		if (!q)
			fail_msg("%s: %s", cases[i].name, err);
		a = printed(p->ir);
		b = printed(q->ir);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
	arrfree(cases);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_errors), cmocka_unit_test(test_text_deep),
		cmocka_unit_test(test_check),	    cmocka_unit_test(test_fold),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_sink),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_cse),	    cmocka_unit_test(test_prop),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_analysis_facts), cmocka_unit_test(test_merge),
		cmocka_unit_test(test_points), cmocka_unit_test(test_kernel_only), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_regex),	    cmocka_unit_test(test_regex_errors),
		cmocka_unit_test(test_save),	    cmocka_unit_test(test_load_hostile),
		cmocka_unit_test(test_save_corpus),
	};
	int rc;

	arena = arena_create();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_destroy(arena);
	return rc;
}
