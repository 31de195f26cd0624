/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions, types, variables and lines from DWARF of gcc and clang, versions 4 and 5. */
#include "dbg_support.h"

static const char program[] =
	"struct fwd;\n"							/* 1 */
	"typedef int (*fn_t)(int, char);\n"
	"enum e { A = -1, B = 5 };\n"
	"struct s { int a; unsigned b : 3; signed c : 5; const char *n; struct s *next;\n"
	"\tunion { int u; float f; }; struct { short x, y; } in[2]; enum e kind; fn_t fn; };\n"
	"typedef struct s s_t;\n"
	"volatile long sink; int glob = 4; static const char *stat = \"hi\";\n"
	"static __attribute__((always_inline)) inline int inl(int q, s_t *p)\n"
	"{\n"
	"\tint z = q * 3 + (int)sink;\n"				/* 10 */
	"\tsink += z;\n"
	"\treturn z + p->a;\n"
	"}\n"
	"__attribute__((noinline)) long work(s_t *p, char *const *argv, enum e e, fn_t f,\n"
	"\t\tvolatile int *vi, unsigned long ul, struct fwd *w, const void *cv)\n"
	"{\n"
	"\tint m[3][2] = {{ p->a }};\n"
	"\tsink += ul;\n"
	"\tfor (int i = 0; i < p->a; i++)\n"
	"\t\tm[i % 3][0] += inl(i, p);\n"				/* 20 */
	"\tsink += m[1][0] + e + (glob += 2);\n"
	"\treturn m[2][0] + stat[0];\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\ts_t x = { .a = argc, .n = argv[0], .kind = B };\n"
	"\tvolatile int v = 1;\n"
	"\treturn (int)work(&x, argv, x.kind, 0, &v, 7, 0, argv) + inl(2, &x);\n"
	"}\n";

static struct dbg_module *build(size_t i)
{
	const struct dbg_compiler *c = &dbg_compilers[i];

	return dbg_open(dbg_compile(arena_printf(dbg_arena, "dw%zu", i), program, c->name, c->flags));
}

static const struct dbg_type *var_type(struct dbg_module *m, const char *func, const char *name)
{
	const struct dbg_func *f = dbg_the_func(m, func);
	struct dbg_var v;

	if (dbg_var_find(f, dbg_func_probe_pc(f), name, &v, NULL) == -DBG_ENOENT)
		fail_msg("no variable %s", name);
	return v.type;
}

static void expect_param(struct dbg_module *m, const char *name, const char *type)
{
	assert_string_equal(dbg_type_name(dbg_arena, var_type(m, "work", name)), type);
}

static void check_function(struct dbg_module *m, bool optimised)
{
	const struct dbg_func *f = dbg_the_func(m, "work"), *const *all;
	const struct dbg_var *p;
	size_t n, params = 0, copies = 0;

	assert_int_equal(f->line, 14);
	assert_true(dbg_file_matches(f->file, "dw*.c"));
	assert_true(f->exported);
	assert_int_equal(f->entry, dbg_symbol_find(m, "work")->addr);
	p = dbg_vars_at(f, dbg_func_probe_pc(f), &n);
	for (size_t i = 0; i < n; i++)
		params += p[i].is_param;
	assert_int_equal(params, 8);
	assert_string_equal(p[0].name, "p");
	assert_int_equal(p[0].loc.kind == DBG_LOC_NONE, 0);
	expect_param(m, "p", "s_t*");
	expect_param(m, "argv", "char* const*");
	expect_param(m, "e", "enum e");
	expect_param(m, "f", "fn_t");
	expect_param(m, "vi", "int volatile*");
	expect_param(m, "w", "struct fwd*");
	expect_param(m, "cv", "void const*");
	expect_param(m, "m", "int[]");
	assert_string_equal(dbg_type_name(dbg_arena, dbg_type_strip(var_type(m, "work", "f"))),
			    "int (*) (int, char)");

	all = dbg_funcs_find(m, "inl", NULL, &n);
	for (size_t i = 0; i < n; i++)
		if (all[i]->is_inline) {
			copies++;
			assert_int_equal(all[i]->line, 8);
			assert_true(all[i]->call_line == 20 || all[i]->call_line == 28);
			assert_non_null(dbg_func_parent(all[i]));
			assert_ptr_equal(dbg_func_outer_at(m, all[i]->ranges[0].lo),
					 dbg_the_func(m, all[i]->call_line == 20 ? "work" : "main"));
		}
	assert_true(copies >= 2);
	assert_non_null(dbg_funcs_find(m, "wo*", "dw*.c", &n));
	assert_int_equal(n, 1);
	dbg_funcs_find(m, "work", "other.c", &n);
	assert_int_equal(n, 0);
	assert_int_equal(dbg_func_probe_pc(f) > f->entry, !optimised);
}

static void test_functions(void **state)
{
	for (size_t i = 0; dbg_compilers[i].name; i++) {
		/* clang's location lists need the prologue skipped as without any */
		bool optimised = !strstr(dbg_compilers[i].flags, "-O0") && *dbg_compilers[i].name == 'g';

		check_function(build(i), optimised);
	}
}

static void expect_member(const struct dbg_type *t, const char *name, uint64_t off, uint32_t bits)
{
	struct dbg_member mem;

	assert_true(dbg_type_member(t, name, &mem));
	assert_int_equal(mem.bit_offset, off);
	assert_int_equal(mem.bit_size, bits);
}

static void test_types(void **state)
{
	for (size_t i = 0; dbg_compilers[i].name; i++) {
		struct dbg_module *m = build(i);
		const struct dbg_type *s = dbg_type_find(m, "struct s"), *t;
		struct dbg_member mem;
		uint64_t count;
		int64_t value;
		size_t n;

		assert_non_null(s);
		assert_int_equal(dbg_type_sizeof(s), 48);
		assert_ptr_equal(dbg_type_strip(dbg_type_find(m, "s_t")), s);
		expect_member(s, "a", 0, 0);
		expect_member(s, "b", 32, 3);
		expect_member(s, "c", 35, 5);
		expect_member(s, "next", 128, 0);
		expect_member(s, "u", 192, 0);
		expect_member(s, "f", 192, 0);
		assert_false(dbg_type_member(s, "zz", &mem));
		assert_true(dbg_type_member(s, "c", &mem));
		assert_true(dbg_type_is_signed(mem.type));
		assert_true(dbg_type_member(s, "in", &mem));
		assert_true(dbg_type_count(mem.type, &count));
		assert_int_equal(count, 2);
		expect_member(dbg_type_target(mem.type), "y", 16, 0);
		assert_string_equal(dbg_type_name(dbg_arena, dbg_type_target(mem.type)), "struct {...}");

		t = dbg_type_find(m, "enum e");
		assert_int_equal(dbg_type_enumerators(t, &n)[0].value, -1);
		assert_int_equal(n, 2);
		assert_true(t->is_signed);
		assert_true(dbg_enumerator_find(m, "B", &value));
		assert_int_equal(value, 5);

		t = var_type(m, "work", "m");
		assert_true(dbg_type_count(t, &count));
		assert_int_equal(count, 3);
		assert_true(dbg_type_count(dbg_type_target(t), &count));
		assert_int_equal(count, 2);
		assert_int_equal(dbg_type_sizeof(t), 24);
		assert_null(dbg_type_find(m, "struct nothing"));
		assert_true(dbg_type_complete(dbg_type_target(var_type(m, "work", "w")))->declaration);
	}
}

static void test_forward_declarations(void **state)
{
	static const char one[] = "struct deep; int use(struct deep *d) { return d != 0; }\n"
				  "int main(void) { return use(0); }\n";
	static const char two[] = "struct deep { int x, y; } instance;\n";
	const struct dbg_type *t;
	struct dbg_member mem;
	struct dbg_module *m;

	dbg_write("two.c", two, strlen(two));
	m = dbg_open(dbg_compile("one", one, "gcc", "two.c"));
	t = dbg_type_target(var_type(m, "use", "d"));
	assert_true(dbg_type_strip(t)->declaration);
	assert_true(dbg_type_member(t, "y", &mem));
	assert_int_equal(mem.bit_offset, 32);
}

static void test_globals(void **state)
{
	for (size_t i = 0; dbg_compilers[i].name; i++) {
		struct dbg_module *m = build(i);
		const struct dbg_func *f = dbg_the_func(m, "work");
		struct dbg_error e;
		struct dbg_var v;

		assert_int_equal(dbg_var_find(f, f->entry, "glob", &v, &e), 0);
		assert_true(v.is_global);
		assert_int_equal(v.loc.kind, DBG_LOC_MEMORY);
		assert_int_equal(v.loc.ops[0].op, DBG_OP_ADDR);
		assert_int_equal(v.loc.ops[0].a, dbg_symbol_find(m, "glob")->addr);
		assert_int_equal(dbg_global_find(m, NULL, "stat", "dw*.c", &v, &e) == -DBG_ENOENT, 0);
		assert_int_equal(dbg_global_find(m, NULL, "glob", "nope.c", &v, &e), -DBG_ENOENT);
		assert_int_equal(dbg_var_find(f, f->entry, "missing", &v, &e), -DBG_ENOENT);
		assert_non_null(strstr(e.msg, "missing"));
	}
}

static void test_unavailable(void **state)
{
	static const char src[] =
		"volatile long sink;\n"
		"__attribute__((noinline)) long f(long a)\n"
		"{\n"
		"\tlong dead = a * 3; long late;\n"
		"\tsink = a;\n"
		"\tlate = sink + 1;\n"
		"\tsink = late;\n"
		"\treturn sink;\n"
		"}\n"
		"int main(int c, char **v) { return (int)f(c); }\n";
	struct dbg_module *m = dbg_open(dbg_compile("una", src, "gcc", "-O2"));
	const struct dbg_func *f = dbg_the_func(m, "f");
	struct dbg_error e;
	struct dbg_var v;

	assert_int_equal(dbg_var_find(f, f->entry, "late", &v, &e), -DBG_EUNAVAIL);
	assert_int_equal(v.loc.why, DBG_NOT_HERE);
	if (!strstr(e.msg, "una.c:6") && !strstr(e.msg, "una.c:7"))
		fail_msg("%s", e.msg);
}

static void test_lines(void **state)
{
	for (size_t i = 0; dbg_compilers[i].name; i++) {
		struct dbg_module *m = build(i);
		const struct dbg_func *f = dbg_the_func(m, "work");
		struct dbg_frame_line frames[8];
		const struct dbg_stmt *s;
		struct dbg_line row;
		uint32_t near;
		size_t n;

		s = dbg_stmts_find(m, "work", "dw*.c", DBG_LINE_ABSOLUTE, 18, 0, &n, &near);
		assert_int_equal(n, 1);
		assert_ptr_equal(s[0].func, f);
		assert_true(dbg_line_at(m, s[0].pc, &row));
		s = dbg_stmts_find(m, "work", "dw*.c", DBG_LINE_RELATIVE, 4, 0, &n, &near);
		assert_int_equal(n, 1);
		assert_int_equal(s[0].line, 18);
		s = dbg_stmts_find(m, "inl", "dw*.c", DBG_LINE_ABSOLUTE, 11, 0, &n, &near);
		assert_true(n >= 2);		/* every copy */
		assert_string_equal(s[0].func->name, "inl");
		n = dbg_frames_at(m, s[0].pc, frames, 8);
		assert_true(n >= 2);
		assert_int_equal(frames[0].line, 11);
		assert_true(frames[1].line == 20 || frames[1].line == 28);
		dbg_stmts_find(m, "work", "dw*.c", DBG_LINE_ABSOLUTE, 1000, 0, &n, &near);
		assert_int_equal(n, 0);
		assert_true(near >= 21 && near <= 23);
		dbg_stmts_find(m, "work", "nope.c", DBG_LINE_ABSOLUTE, 18, 0, &n, &near);
		assert_int_equal(n, 0);
		assert_int_equal(near, 0);
		dbg_stmts_find(m, "*", "dw*.c", DBG_LINE_WILDCARD, 0, 0, &n, &near);
		assert_true(n > 8);
	}
}

static void expect_return(struct dbg_module *m, const char *type, const char *text)
{
	const struct dbg_type *t = dbg_type_find(m, type);
	struct dbg_loc l;

	assert_non_null(t);
	dbg_return_location(t, &l);
	assert_string_equal(dbg_loc_text(dbg_arena, &l), text);
}

static void test_return_locations(void **state)
{
	static const char src[] =
		"struct i2 { long a, b; } i2; struct fi { double d; int i; } fi; struct big { long x[3]; } big;\n"
		"struct f2 { float x, y; } f2; struct if_ { int i; float f; } if_;\n"
		"struct in { struct { char c; short s; } p[2]; } in; union u { double d; long l; } u;\n"
		"int main(void) { return 0; }\n";
	struct dbg_module *m = dbg_open(dbg_compile("abi", src, "gcc", ""));

	expect_return(m, "int", "reg: rax");
	expect_return(m, "double", "reg: xmm0");
	expect_return(m, "struct i2", "pieces: [reg: rax] 64 [reg: rdx] 64");
	expect_return(m, "struct fi", "pieces: [reg: xmm0] 64 [reg: rax] 64");
	expect_return(m, "struct big", "mem: reg rax");
	expect_return(m, "struct f2", "reg: xmm0");
	expect_return(m, "struct if_", "reg: rax");
	expect_return(m, "struct in", "reg: rax");
	expect_return(m, "union u", "reg: rax");
	assert_string_equal(dbg_type_name(dbg_arena, dbg_func_return_type(dbg_the_func(m, "main"))), "int");
}

static void test_entry_values(void **state)
{
	static const char src[] =
		"volatile long sink;\n"
		"__attribute__((noinline)) static void other(void) { sink++; __asm__ volatile(\"\" ::: \"rdi\"); }\n"
		"__attribute__((noinline)) static long f(long a) { sink = a; other(); sink++; return sink; }\n"
		"int main(int c, char **v) { return (int)f(1234); }\n";
	struct dbg_module *m = dbg_open(dbg_compile("ent", src, "gcc", "-O2 -fno-ipa-cp"));
	const struct dbg_func *f = dbg_the_func(m, "f");
	const struct dbg_callsite *c;
	struct dbg_entry_value at;
	uint64_t v;
	size_t n;

	c = dbg_func_callsites(dbg_the_func(m, "main"), &n);
	assert_int_equal(n, 1);
	assert_string_equal(c[0].callee, "f");
	assert_int_equal(dbg_entry_value_at(m, c[0].ret_pc, DBG_RDI, &at), 0);
	assert_int_equal(dbg_ops_eval(at.ops, at.nops, &(struct dbg_eval_ctx){ 0 }, false, 0, &v, NULL), 0);
	assert_int_equal(v, 1234);
	assert_int_equal(dbg_entry_value_at(m, c[0].ret_pc, DBG_RSI, &at), -DBG_ENOENT);
	c = dbg_func_callsites(f, &n);
	assert_int_equal(n, 1);
	assert_string_equal(c[0].callee, "other");
}

static void test_cplusplus(void **state)
{
	static const char src[] =
		"namespace ns { class cls { public: int x; int meth(int a) const; static int sm(cls &&r); };\n"
		"int cls::meth(int a) const { return a + x; } int cls::sm(cls &&r) { return r.x; } }\n"
		"int main() { ns::cls c; c.x = 2; return c.meth(1); }\n";
	struct dbg_module *m;
	const struct dbg_func *f;
	size_t n;

	dbg_write("cpp.cc", src, strlen(src));
	dbg_sh("g++ -g cpp.cc -o cpp");
	m = dbg_open(dbg_path("cpp"));
	f = dbg_the_func(m, "meth");
	assert_string_equal(f->linkage_name, "_ZNK2ns3cls4methEi");
	assert_ptr_equal(dbg_the_func(m, "ns::cls::meth"), f);
	assert_ptr_equal(dbg_the_func(m, "cls::meth"), f);
	assert_ptr_equal(dbg_the_func(m, "cls::me*"), f);
	dbg_funcs_find(m, "other::meth", NULL, &n);
	assert_int_equal(n, 0);
	assert_string_equal(dbg_type_name(dbg_arena, var_type(m, "meth", "this")),
			    "class cls const* const");
	assert_string_equal(dbg_type_name(dbg_arena, var_type(m, "sm", "r")), "class cls&&");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions), cmocka_unit_test(test_types),
		cmocka_unit_test(test_forward_declarations), cmocka_unit_test(test_globals),
		cmocka_unit_test(test_unavailable), cmocka_unit_test(test_lines),
		cmocka_unit_test(test_return_locations), cmocka_unit_test(test_entry_values),
		cmocka_unit_test(test_cplusplus),
	};

	return cmocka_run_group_tests(tests, dbg_setup, dbg_teardown);
}
