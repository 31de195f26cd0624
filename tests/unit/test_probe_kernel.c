// SPDX-License-Identifier: GPL-2.0-or-later
// Points of the running kernel: tracepoints with the arguments that its BTF describes.
#include "probe_support.h"

#include "dbg/type.h"

static bool has_btf(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

static bool has_var(struct fixture *f, const char *name, const char *type)
{
	size_t n;
	const struct probe_var *v = probe_point_vars(&f->session, f->result.points[0], &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].name, name))
			return !strcmp(v[i].type, type);
	return false;
}

static void test_trace(void **state)
{
	struct fixture *f = *state;
	const struct probe_point *pt;

	if (!has_btf())
		skip();
	assert_int_equal(resolve(f, "kernel.trace(\"sched_switch\")"), 1);
	pt = f->result.points[0];
	assert_string_equal(pt->listing, "kernel.trace(\"sched:sched_switch\")");
	assert_int_equal(pt->kind, PROG_RAW_TP);
	assert_int_equal(pt->scope, PROBE_SCOPE_TRACE);
	assert_string_equal(pt->prog.str[IR_PP_MARK], "sched_switch");
	assert_true(has_var(f, "prev", "struct task_struct*"));
	assert_true(has_var(f, "next", "struct task_struct*"));
	assert_int_equal(resolve(f, "kernel.trace(\"sched:sched_switch\")"), 1);
	assert_int_equal(resolve(f, "kernel.tracepoint(\"sched_switch\")"), 1);
	assert_string_equal(f->result.points[0]->listing, "kernel.trace(\"sched:sched_switch\")");
}

static void test_trace_wild_cards(void **state)
{
	struct fixture *f = *state;

	if (!has_btf())
		skip();
	assert_true(resolve(f, "kernel.trace(\"sched:sched_process_*\")") > 3);
	assert_true(resolve(f, "kernel.trace(\"*:sys_*\")") >= 2);
	assert_true(resolve(f, "kernel.trace(\"*\")") > 200);
	for (size_t i = 1; i < arrlenu(f->result.points); i++)
		assert_true(strcmp(f->result.points[i - 1]->listing, f->result.points[i]->listing) != 0);
}

static void test_trace_unknown(void **state)
{
	struct fixture *f = *state;

	if (!has_btf())
		skip();
	assert_int_equal(resolve(f, "kernel.trace(\"sched_swtch\")"), 0);
	assert_non_null(strstr(f->result.why->msg, "no match (similar tracepoints: sched_switch"));
	assert_int_equal(resolve(f, "kernel.trace(\"nosuch:sched_switch\")"), 0);
	assert_int_equal(resolve(f, "kernel.trace(\"\")"), 0);
	assert_int_equal(resolve(f, "kernel.trace(\":\")"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_trace, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_trace_wild_cards, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_trace_unknown, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
