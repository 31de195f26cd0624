/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -l and -L of programs built for the purpose (their paths are the arguments): -O0 and -O2, marks, places. */
#include "probe_support.h"

#include "dbg/module.h"

static const char *variables, *marks, *places;

/* The listing of a point, with variables; caller frees. */
static char *listing(struct fixture *f, bool with_vars)
{
	struct probe_listing *l = probe_listing_create();
	char *text = NULL;
	size_t size, n;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < arrlenu(f->result.points); i++) {
		const struct probe_var *v = probe_point_vars(&f->session, f->result.points[i], &n);

		probe_listing_add(l, f->result.points[i]->listing, v, n);
	}
	probe_listing_print(l, out, with_vars);
	fclose(out);
	probe_listing_destroy(l);
	return text;
}

static void check_has(struct fixture *f, const char *line)
{
	char *text = listing(f, true);

	if (!strstr(text, line))
		print_error("no '%s' in:\n%s", line, text);
	assert_non_null(strstr(text, line));
	free(text);
}

static void test_functions(void **state)
{
	struct fixture *f = *state;

	assert_true(resolve(f, "process(\"%s\").function(\"*\")", variables) > 14);
	check_has(f, "variables.c:72\") $head:struct node* $text:char const* $pp:struct node** $n:int "
		     "$here:struct point $numbers:int[]\n");
	check_has(f, ".function(\"_start\")\n");
	assert_int_equal(resolve(f, "process(\"%s\").function(\"chain\").call", variables), 1);
	check_has(f, "variables.c:72\").call $head:");
	assert_int_equal(f->result.points[0]->scope, PROBE_SCOPE_CODE);
	assert_int_equal(resolve(f, "process(\"%s\").function(\"find\").return", variables), 1);
	assert_int_equal(f->result.points[0]->kind, PROG_URETPROBE);
	check_has(f, "variables.c:88\").return $return:struct node* $node:struct node* $value:int\n");
	assert_int_equal(resolve(f, "process(\"%s\").function(\"nosuch\")", variables), 0);
	assert_non_null(strstr(f->result.why->msg, "no match (similar functions: "));
}

static void test_inline(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(resolve(f, "process(\"%s\").function(\"inlined\")", places), 2);
	assert_int_equal(resolve(f, "process(\"%s\").function(\"inlined\").inline", places), 2);
	assert_int_equal(resolve(f, "process(\"%s\").function(\"inlined\").call", places), 0);
	assert_int_equal(resolve(f, "process(\"%s\").function(\"jumps\").label(\"*\")", places), 1);
	check_has(f, "places.c:43\").label(\"big\") $value:int\n");
	assert_int_equal(resolve(f, "process(\"%s\").function(\"outer\").callee(\"help*\")", places), 1);
	assert_string_equal(f->result.points[0]->prog.str[IR_PP_FUNC], "helper");
}

static void test_statements(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(resolve(f, "process(\"%s\").statement(\"chain@variables.c:77,78-80\")", variables), 4);
	check_has(f, "statement(\"chain@");
	assert_int_equal(resolve(f, "process(\"%s\").statement(\"find@variables.c+2\")", variables), 1);
	check_has(f, "variables.c:90\")");
	assert_true(resolve(f, "process(\"%s\").statement(\"chain@*:*\")", variables) > 6);
	assert_int_equal(resolve(f, "process(\"%s\").statement(\"chain@variables.c:76\")", variables), 0);
	assert_string_equal(f->result.why->msg, "no match");
	assert_non_null(strstr(f->result.why->next->msg, "variables.c:76 [man error::dwarf] (try :75 or :77)"));
	assert_int_equal(resolve(f, "process(\"%s\").statement(\"chain@variables.c:76\").nearest", variables), 1);
	check_has(f, "variables.c:76\").nearest $head");
	assert_non_null(strstr(f->result.points[0]->canonical, "variables.c:77\")"));
	assert_int_equal(resolve(f, "process(\"%s\").function(\"x@y:z\")", variables), 0);
	assert_string_equal(f->result.why->msg, "malformed specification 'x@y:z'");
}

static void test_marks(void **state)
{
	struct fixture *f = *state;
	char *text;

	assert_int_equal(resolve(f, "process(\"%s\").mark(\"*\")", marks), 3);
	text = listing(f, true);
	assert_non_null(strstr(text, ".mark(\"close\")\n"));
	assert_non_null(strstr(text, ".mark(\"order\") $arg1:long\n"));	/* common to both providers */
	free(text);
	assert_int_equal(resolve(f, "process(\"%s\").provider(\"shop\").mark(\"order\")", marks), 1);
	check_has(f, ".provider(\"shop\").mark(\"order\") $arg1:long $arg2:long $arg3:long $arg4:long\n");
	assert_string_equal(f->result.points[0]->prog.str[IR_PP_PROVIDER], "shop");
	assert_true(f->result.points[0]->prog.ref_ctr != 0);
	assert_int_equal(resolve(f, "process(\"%s\").mark(\"ordr\")", marks), 0);
	assert_string_equal(f->result.why->msg, "no match (similar marks: order, close)");
}

static void test_libraries(void **state)
{
	struct fixture *f = *state;

	assert_true(resolve(f, "process(\"%s\").library(\"libc.so*\").function(\"malloc\")", variables) >= 1);
	assert_non_null(strstr(f->result.points[0]->canonical, "process(\"/"));
	assert_null(strstr(f->result.points[0]->canonical, "library"));
	assert_non_null(strstr(f->result.points[0]->derived, ".library(\"/"));
	assert_int_equal(resolve(f, "process(\"%s\").library(\"libnosuch\").function(\"x\")", variables), 0);
	assert_non_null(strstr(f->result.why->msg, "no match (similar libraries: "));
}

static void test_targets_of_the_session(void **state)
{
	struct fixture *f = *state;

	f->session.cmd = arena_printf(f->arena, "'%s' a b | cat", variables);
	assert_int_equal(resolve(f, "process.function(\"chain\")"), 1);
	f->session.cmd = NULL;
	f->session.target = getpid();
	assert_int_equal(resolve(f, "process.function(\"test_targets_of_the_session\")"), 1);
	assert_int_equal(resolve(f, "process(%d).function(\"main\")", (int)getpid()), 1);
	assert_int_equal(f->result.points[0]->prog.pid, getpid());
	assert_true(f->result.points[0]->filter & PROBE_FILTER_PID);
	assert_int_equal(resolve(f, "process(\"%s\").syscall", variables), 1);
	assert_true(f->result.points[0]->filter & PROBE_FILTER_IMAGE);
	assert_true(f->result.points[0]->prog.ints[PROBE_INT_INO] > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_functions, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_inline, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_statements, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_marks, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_libraries, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_targets_of_the_session, fixture_setup, fixture_teardown),
	};
	int failed;

	if (argc < 4) {
		fprintf(stderr, "usage: %s VARIABLES MARKS PLACES\n", argv[0]);
		return 2;
	}
	variables = argv[1];
	marks = argv[2];
	places = argv[3];
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	dbg_modules_close_all();
	return failed;
}
