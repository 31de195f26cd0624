/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel BTF as neutral types; skipped where the kernel has none. */
#include "dbg_support.h"

#include "dbg/btf.h"

static struct dbg_module *vmlinux(void)
{
	struct dbg_error e = { 0 };
	struct dbg_module *m = dbg_btf_kernel("vmlinux", &e);

	if (!m) {
		print_message("%s\n", e.msg);
		skip();
	}
	return m;
}

static void test_types(void **state)
{
	struct dbg_module *m = vmlinux();
	const struct dbg_type *t = dbg_type_find(m, "struct task_struct");
	struct dbg_member mem;
	uint64_t off, size;
	uint64_t count;

	assert_non_null(t);
	assert_ptr_equal(t, dbg_type_find(m, "struct task_struct"));
	assert_int_equal(t->kind, DBG_STRUCT);
	assert_true(dbg_type_sizeof(t) > 1000);
	assert_true(dbg_type_member(t, "comm", &mem));
	assert_true(dbg_type_count(mem.type, &count));
	assert_int_equal(count, 16);
	assert_true(dbg_type_is_char(dbg_type_target(mem.type)));
	assert_true(dbg_type_member(t, "real_parent", &mem));
	assert_string_equal(dbg_type_name(dbg_arena, mem.type), "struct task_struct*");
	assert_true(dbg_btf_offset(m, "struct task_struct", "thread.fsbase", &off, &size));
	assert_int_equal(size, 8);
	assert_false(dbg_btf_offset(m, "struct task_struct", "thread.nothing", &off, &size));
	assert_null(dbg_type_find(m, "struct there_is_no_such"));
	assert_string_equal(dbg_type_name(dbg_arena, dbg_type_find(m, "pid_t")), "pid_t");
	assert_true(dbg_type_is_signed(dbg_type_find(m, "pid_t")));
}

static void test_functions(void **state)
{
	struct dbg_module *m = vmlinux();
	const struct dbg_param *p;
	struct dbg_btf_func f;
	size_t n;

	assert_true(dbg_btf_func(m, "vfs_read", &f));
	p = dbg_type_params(f.type, &n, NULL);
	assert_int_equal(n, 4);
	assert_string_equal(p[0].name, "file");
	assert_string_equal(dbg_type_name(dbg_arena, p[0].type), "struct file*");
	assert_false(dbg_btf_func(m, "no_such_function", &f));
	p = dbg_btf_tracepoint(m, "sched_switch", &n);
	assert_true(n >= 3);
	assert_string_equal(dbg_type_name(dbg_arena, p[1].type), "struct task_struct*");
	assert_null(dbg_btf_tracepoint(m, "no_such_tracepoint", &n));
}

static void test_errors(void **state)
{
	static const uint8_t magic[] = { 0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 };
	struct dbg_error e;

	assert_null(dbg_btf_open("/nonexistent", NULL, &e));
	assert_int_equal(e.code, DBG_EUNREADABLE);
	dbg_write("junk", "hello, world, this is not it", 28);
	assert_null(dbg_btf_open(dbg_path("junk"), NULL, &e));
	assert_int_equal(e.code, DBG_ECORRUPT);
	dbg_write("cut", magic, sizeof(magic));
	assert_null(dbg_btf_open(dbg_path("cut"), NULL, &e));
	assert_int_equal(e.code, DBG_ECORRUPT);
	assert_null(dbg_btf_kernel("../vmlinux", &e));
	assert_null(dbg_btf_kernel("no_such_module", &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_functions),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, dbg_setup, dbg_teardown);
}
