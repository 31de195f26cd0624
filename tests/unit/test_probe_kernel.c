/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points of the running kernel: tracepoints with the arguments that its BTF describes. */
#include "probe_support.h"

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

static bool has_symbols(void)
{
	return !access("/proc/kallsyms", R_OK);
}

static void test_function(void **state)
{
	struct fixture *f = *state;

	if (!has_btf() || !has_symbols())
		skip();
	f->session.listing = true;
	assert_int_equal(resolve(f, "kernel.function(\"vfs_read\")"), 1);
	assert_string_equal(f->result.points[0]->listing, "kernel.function(\"vfs_read\")");
	assert_int_equal(f->result.points[0]->scope, PROBE_SCOPE_KERNEL);
	assert_true(has_var(f, "file", "struct file*"));
	assert_false(has_var(f, "return", "ssize_t"));
	assert_int_equal(resolve(f, "kernel.function(\"vfs_read\").return.maxactive(7)"), 1);
	assert_string_equal(f->result.points[0]->listing, "kernel.function(\"vfs_read\").return.maxactive(7)");
	assert_int_equal(f->result.points[0]->prog.maxactive, 7);
	assert_true(has_var(f, "return", "ssize_t"));
	assert_int_equal(resolve(f, "kernel.function(\"vfs_read\").call"), 1);
	assert_int_equal(resolve(f, "kprobe.function(\"vfs_read\")"), 1);
	assert_int_equal(f->result.points[0]->kind, PROG_KPROBE);
	assert_false(has_var(f, "file", "struct file*"));
	assert_true(resolve(f, "kernel.function(\"vfs_*\")") > 20);
}

static void test_function_unknown(void **state)
{
	static const struct { const char *point, *why; } cases[] = {
		{ "kernel.function(\"vfs_reed\")", "no match (similar functions: vfs_re" },
		{ "kernel.function(\"_do_fork\")", "no match (similar functions: kernel_clone)" },
		{ "kernel.function(\"sys_close\")", "no match (similar functions: __x64_sys_close)" },
		{ "kernel.function(\"*@fs/read_write.c\")", "missing x86_64 kernel/module debuginfo" },
		{ "kernel.function(\"vfs_read@fs/read_write.c:7\")", "missing x86_64 kernel/module debuginfo" },
		{ "kernel.function(\"vfs_read\").inline", "missing x86_64 kernel/module debuginfo" },
		{ "kernel.statement(\"*@fs/read_write.c:7\")", "missing x86_64 kernel/module debuginfo" },
		{ "kernel.function(\"\")", "malformed specification ''" },
		{ "module(\"nosuch\").function(\"x\")", "no match (is kernel module 'nosuch' loaded?)" },
	};
	struct fixture *f = *state;

	if (!has_btf() || !has_symbols())
		skip();
	f->session.listing = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(resolve(f, "%s", cases[i].point), 0);
		if (!strstr(f->result.why->msg, cases[i].why))
			print_error("%s: %s\n", cases[i].point, f->result.why->msg);
		assert_non_null(strstr(f->result.why->msg, cases[i].why));
	}
}

/* What ends the machine or only wastes hits: not by wild cards; by name with the reason, or in guru mode. */
static void test_function_blacklisted(void **state)
{
	struct fixture *f = *state;

	if (!has_btf() || !has_symbols())
		skip();
	f->session.listing = true;
	assert_int_equal(resolve(f, "kernel.function(\"__rcu_read_unlock\")"), 0);
	assert_non_null(strstr(f->result.why->hints[0], "blacklisted: the kernel calls it after every handler"));
	assert_int_equal(resolve(f, "kernel.function(\"htab_map_update_elem\")"), 0);
	assert_non_null(strstr(f->result.why->hints[0], "'htab_map_update_elem' is blacklisted: "));
	assert_true(resolve(f, "kernel.function(\"htab_map_*\")") > 5);
	for (size_t i = 0; i < arrlenu(f->result.points); i++)
		assert_string_not_equal(f->result.points[i]->prog.name, "htab_map_update_elem");
	f->session.guru = true;
	assert_int_equal(resolve(f, "kernel.function(\"htab_map_update_elem\")"), 1);
	assert_int_equal(resolve(f, "kernel.function(\"__rcu_read_unlock\")"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_trace, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_trace_wild_cards, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_trace_unknown, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_function, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_function_unknown, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_function_blacklisted, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
