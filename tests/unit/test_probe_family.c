/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points that need no program, the matching of patterns, and what is said when nothing matches. */
#include "probe_support.h"

#include "probe/families.h"

static void test_begin(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(resolve(f, "begin"), 1);
	assert_int_equal(f->result.points[0]->prog.kind, POINT_BEGIN);
	assert_string_equal(f->result.points[0]->canonical, "begin");
	assert_int_equal(resolve(f, "end(-4)"), 1);
	assert_int_equal(f->result.points[0]->prog.priority, -4);
	assert_string_equal(f->result.points[0]->canonical, "end(-4)");
	assert_int_equal(resolve(f, "never"), 1);
	assert_int_equal(f->result.points[0]->kind, PROG_USER);
}

static void test_timers(void **state)
{
	static const struct {
		const char *text;
		int64_t period, random;
	} good[] = {
		{ "timer.s(2)", 2000000000, 0 },
		{ "timer.ms(10).randomize(3)", 10000000, 3000000 },
		{ "timer.us(100)", 100000, 0 },
		{ "timer.nsec(100000)", 100000, 0 },
		{ "timer.hz(100)", 10000000, 0 },
	};
	static const char *const bad[][2] = {
		{ "timer.ms(0)", "interval value out of range (1, 86400000)" },
		{ "timer.us(0)", "interval value out of range (100, 86400000000)" },
		{ "timer.s(99999999)", "interval value out of range (1, 86400)" },
		{ "timer.hz(0)", "frequency must be greater than 0" },
		{ "timer.ms(10).randomize(11)", "randomization value out of range" },
		{ "timer.jiffies(0)", "invalid interval for jiffies timer" },
		{ "timer.jiffies(10).randomize(20)", "invalid randomize for jiffies timer" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(resolve(f, "%s", good[i].text), 1);
		assert_int_equal(f->result.points[0]->prog.period_ns, good[i].period);
		assert_int_equal(f->result.points[0]->prog.random_ns, good[i].random);
		assert_string_equal(f->result.points[0]->canonical, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(resolve(f, "%s", bad[i][0]), 0);
		assert_string_equal(f->result.why->msg, bad[i][1]);
	}
	assert_int_equal(resolve(f, "timer.profile"), 1);
	assert_int_equal(f->result.points[0]->kind, PROG_PERF_EVENT);
}

static void test_mismatch(void **state)
{
	static const char *const cases[][2] = {
		{ "timer.foo", "probe point mismatch (similar: hz, ms, ns, s, sec)" },
		{ "begin.foo", "invalid suffix for probe" },
		{ "process(\"x\").functio(\"main\")", "probe point mismatch (similar: function, begin, end, plt, syscall)" },
		{ "timer.s", "probe point mismatch (similar: s, ms, ns, us, hz)" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(resolve(f, "%s", cases[i][0]), 0);
		assert_string_equal(f->result.why->msg, cases[i][1]);
		assert_false(f->result.known);
	}
	assert_int_equal(resolve(f, "timer"), 0);
	assert_non_null(strstr(f->result.why->msg, "probe point truncated (follow:  hz(number) jiffies(number) "));
	assert_int_equal(resolve(f, "process.function(\"main\")"), 0);
	assert_non_null(strstr(f->result.why->msg, "without a -c COMMAND or -x PID"));
	assert_true(f->result.known);
}

static void test_globs(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(resolve(f, "beg*"), 1);
	assert_string_equal(f->result.points[0]->canonical, "begin");
	assert_int_equal(resolve(f, "process.*"), 3);		/* begin end syscall */
	assert_int_equal(resolve(f, "process.thread.*"), 2);
	assert_int_equal(resolve(f, "process.**"), 6);
}

static void test_similar(void **state)
{
	static const char *const words[] = { "kitten", "sitting", "mitten", "kitchen", "dog", "kitten" };
	struct fixture *f = *state;

	assert_string_equal(probe_similar(f->arena, "kiten", words, 6, 3), "kitten, kitchen, mitten");
	assert_string_equal(probe_similar(f->arena, "x", words, 0, 3), "");
}

static void test_spec(void **state)
{
	struct fixture *f = *state;
	struct probe_spec s;

	assert_true(probe_spec_parse(f->arena, "main", &s));
	assert_null(s.file);
	assert_true(probe_spec_parse(f->arena, "ma*@src/a.c", &s));
	assert_string_equal(s.file, "src/a.c");
	assert_int_equal(s.line_kind, PROBE_LINE_NONE);
	assert_true(probe_spec_parse(f->arena, "f@a.c:12", &s));
	assert_int_equal(s.line_kind, PROBE_LINE_ABSOLUTE);
	assert_int_equal(s.lines[0].first, 12);
	assert_true(probe_spec_parse(f->arena, "f@a.c+3", &s));
	assert_int_equal(s.line_kind, PROBE_LINE_RELATIVE);
	assert_true(probe_spec_parse(f->arena, "f@a.c:*", &s));
	assert_int_equal(s.line_kind, PROBE_LINE_WILDCARD);
	assert_true(probe_spec_parse(f->arena, "f@a.c:1,3-5,9", &s));
	assert_int_equal(s.line_kind, PROBE_LINE_LIST);
	assert_int_equal(s.nlines, 3);
	assert_int_equal(s.lines[1].last, 5);
	assert_false(probe_spec_parse(f->arena, "", &s));
	assert_false(probe_spec_parse(f->arena, "@", &s));
	assert_false(probe_spec_parse(f->arena, "f@a.c:xx", &s));
	assert_false(probe_spec_parse(f->arena, "f@a.c:5-3", &s));
	assert_false(probe_spec_parse(f->arena, "f@a.c:99999999999", &s));
	assert_false(probe_spec_parse(f->arena, "f@a.c:1,", &s));
}

static void test_program_search(void **state)
{
	struct fixture *f = *state;

	assert_non_null(probe_find_program(&f->session, "sh"));
	assert_int_equal(probe_find_program(&f->session, "sh")[0], '/');
	assert_null(probe_find_program(&f->session, "no-such-program-anywhere"));
	assert_int_equal(resolve(f, "process(\"no-such-program-anywhere\").begin"), 0);
	assert_string_equal(f->result.why->msg, "cannot find executable 'no-such-program-anywhere'");
	/* through /proc/PID/root, as for a container */
	assert_string_equal(probe_find_program(&f->session, "/proc/self/root/bin/sh") + 15,
			    probe_find_program(&f->session, "/bin/sh"));
	assert_int_equal(resolve(f, "process(99999999).begin"), 0);
	assert_string_equal(f->result.why->msg, "cannot probe pid 99999999: No such process");
}

static void test_patterns_listed(void **state)
{
	const char **list = probe_pattern_list();

	assert_true(arrlenu(list) > 100);
	for (size_t i = 1; i < arrlenu(list); i++)
		assert_true(strcmp(list[i - 1], list[i]) < 0);
	arrfree(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begin, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_timers, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_mismatch, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_globs, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_similar, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_spec, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_program_search, fixture_setup, fixture_teardown),
		cmocka_unit_test(test_patterns_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
