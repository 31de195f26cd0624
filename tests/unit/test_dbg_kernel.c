/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kernels need of src/dbg: relocatable files at the addresses of their sections, and kept indexes. */
#include "dbg_support.h"

#include "dbg/cachefile.h"
#include "dbg/unwind.h"

#define TEXT_F	0x7000000u
#define TEXT_G	0x7100040u
#define DATA	0x7200000u

static const char module_source[] =
	"struct pair { int a; long b; };\n"
	"static struct pair known = { 7, 8 };\n"
	"int callee(struct pair *p);\n"
	"int f(struct pair *p, int n) {\n"
	"  for (int i = 0; i < n; i++)\n"
	"    p->a += callee(p);\n"
	"  return p->a + known.a++;\n"
	"}\n"
	"int g(int x) { known.b = x; return f(&known, x); }\n"
	"int callee(struct pair *p) { return p->b; }\n";

static uint64_t loaded_at(void *data, const char *section)
{
	return !strcmp(section, ".text.f") ? TEXT_F : !strcmp(section, ".text.g") ? TEXT_G :
	       !strcmp(section, ".data") ? DATA : 0;
}

static struct dbg_module *open_loaded(const char *name)
{
	struct dbg_open_opts o = { .section_address = loaded_at, .debug_path = dbg_path("tree") };
	struct dbg_error e;
	struct dbg_module *m = dbg_module_open(dbg_path(name), &o, &e);

	assert_non_null(m);
	if (dbg_module_debug(m, &e))
		fail_msg("%s", e.msg);
	return m;
}

/* The address of a global as its debug information has it. */
static uint64_t global_address(struct dbg_module *m, const char *name)
{
	struct dbg_error e;
	struct dbg_var v;

	assert_int_equal(dbg_global_find(m, NULL, name, NULL, &v, &e), 0);
	assert_int_equal(v.loc.kind, DBG_LOC_MEMORY);
	assert_int_equal(v.loc.ops[0].op, DBG_OP_ADDR);
	return (uint64_t)v.loc.ops[0].a;
}

/* Same functions, lines, locations, frames and symbols as the file that the linker puts at these addresses. */
static void expect_as_linked(struct dbg_module *m, struct dbg_module *linked)
{
	static const char *const names[] = { "f", "g" };
	static const uint64_t entries[] = { TEXT_F, TEXT_G };

	for (size_t i = 0; i < 2; i++) {
		const struct dbg_func *ours = dbg_the_func(m, names[i]), *theirs = dbg_the_func(linked, names[i]);
		struct dbg_unwind_row row, row_linked;
		struct dbg_line line, line_linked;
		struct dbg_error e;

		assert_int_equal(ours->entry, entries[i]);
		assert_int_equal(theirs->entry, entries[i]);
		assert_int_equal(ours->ranges[0].hi, theirs->ranges[0].hi);
		assert_int_equal(dbg_symbol_find(m, names[i])->addr, entries[i]);
		assert_string_equal(dbg_symbol_at(m, entries[i] + 1)->name, names[i]);
		for (uint64_t pc = ours->entry; pc < ours->ranges[0].hi; pc++) {
			assert_true(dbg_addr_executable(m, pc));
			assert_true(dbg_line_at(m, pc, &line) && dbg_line_at(linked, pc, &line_linked));
			assert_int_equal(line.line, line_linked.line);
			assert_int_equal(line.pc, line_linked.pc);
			assert_int_equal(dbg_unwind_row(m, pc, &row, &e), 0);
			assert_int_equal(dbg_unwind_row(linked, pc, &row_linked, &e), 0);
			assert_int_equal(row.cfa.offset, row_linked.cfa.offset);
			assert_ptr_equal(dbg_func_outer_at(m, pc), ours);
		}
	}
	assert_int_equal(global_address(m, "known"), DATA);
	assert_int_equal(global_address(linked, "known"), DATA);
	assert_string_equal(dbg_section_name_at(m, TEXT_G + 2), ".text.g");
	assert_int_equal(dbg_section_start(m, TEXT_G + 2), TEXT_G);
	assert_null(dbg_section_name_at(m, 1));
}

/* A linker script that puts the sections where loaded_at() does. */
static void write_layout(void)
{
	const char *text = arena_printf(dbg_arena, "ENTRY(f) SECTIONS { .text.f %#x : { *(.text.f) } "
					".text.g %#x : { *(.text.g) } .text : { *(.text .text.*) } "
					".data %#x : { *(.data) } }\n", TEXT_F, TEXT_G, DATA);

	dbg_write("layout", text, strlen(text));
}

static void test_loaded_module(void **state)
{
	write_layout();
	dbg_write("module.c", module_source, strlen(module_source));
	dbg_sh("gcc -c -g -O2 -fno-inline -ffunction-sections -fno-asynchronous-unwind-tables module.c -o module.ko;"
	       "ld -T layout module.ko -o linked");
	expect_as_linked(open_loaded("module.ko"), dbg_open(dbg_path("linked")));
}

static void test_separate_debug_file(void **state)
{
	write_layout();
	dbg_write("module2.c", module_source, strlen(module_source));
	dbg_sh("gcc -c -g -O2 -fno-inline -ffunction-sections -fno-asynchronous-unwind-tables module2.c -o m2.ko;"
	       "ld -T layout m2.ko -o linked2; objcopy --only-keep-debug m2.ko m2.ko.debug;"
	       "strip -g m2.ko; objcopy --add-gnu-debuglink=m2.ko.debug m2.ko");
	expect_as_linked(open_loaded("m2.ko"), dbg_open(dbg_path("linked2")));
}

/* Sections of a module that is not loaded lie one behind the other. */
static void test_not_loaded(void **state)
{
	struct dbg_module *m;
	const struct dbg_func *f, *g;

	dbg_write("module3.c", module_source, strlen(module_source));
	dbg_sh("gcc -c -g -O2 -fno-inline -ffunction-sections module3.c -o m3.ko");
	m = dbg_open(dbg_path("m3.ko"));
	f = dbg_the_func(m, "f");
	g = dbg_the_func(m, "g");
	assert_true(f->entry > 0 && g->entry >= f->ranges[0].hi);
	assert_true(global_address(m, "known") != f->entry);
	assert_ptr_equal(dbg_func_outer_at(m, g->entry), g);
}

/* Whatever relocations say, reading ends. */
static void test_damaged_relocations(void **state)
{
	static const char *const sections[] = { ".rela.debug_info", ".rela.debug_line", ".symtab", ".debug_info" };

	dbg_write("module4.c", module_source, strlen(module_source));
	dbg_sh("gcc -c -g -O2 -ffunction-sections module4.c -o m4.ko");
	for (unsigned i = 0; i < 16; i++) {
		struct dbg_error e;
		struct dbg_module *m;
		size_t n;

		dbg_sh("python3 -c '\n"
		       "import random, subprocess, re\n"
		       "random.seed(%u); data = bytearray(open(\"m4.ko\", \"rb\").read())\n"
		       "text = subprocess.check_output([\"readelf\", \"-SW\", \"m4.ko\"], text=True)\n"
		       "off, size = re.search(r\" %s +\\w+ +\\w+ (\\w+) (\\w+)\", text).groups()\n"
		       "for k in range(20): data[int(off, 16) + random.randrange(int(size, 16))] = random.randrange(256)\n"
		       "open(\"bad%u.ko\", \"wb\").write(data)'", i, sections[i % 4], i);
		m = dbg_module_open(dbg_path(arena_printf(dbg_arena, "bad%u.ko", i)), NULL, &e);
		if (!m || dbg_module_debug(m, &e))
			continue;
		dbg_funcs_find(m, "*", NULL, &n);
		dbg_stmts_find(m, "*", "*", DBG_LINE_WILDCARD, 0, 0, &n, NULL);
		dbg_module_symbols(m, &n);
	}
}

/* The index of a large file is found again by its build id, and refused when it is damaged. */
static void test_kept_index(void **state)
{
	struct dbg_module *m;
	uint64_t entry;
	size_t n;

	dbg_sh("python3 -c 'for s in range(30):\n"
	       "  print(\"struct s%%d {\" %% s, \" \".join(\"int m%%d_%%d;\" %% (s, i) for i in range(30000)), \"};\")\n"
	       "print(\"static int wanted(int a) { return a + 1; } int main(int c, char **v) { return wanted(c); }\")'"
	       " > large.c; gcc -g -O0 -Wl,--build-id -fno-eliminate-unused-debug-types large.c -o large");
	dbg_cache_directory(dbg_path("cache/below"));
	entry = dbg_the_func(dbg_open(dbg_path("large")), "wanted")->entry;
	dbg_sh("test -s cache/below/*.index");
	dbg_modules_close_all();
	m = dbg_open(dbg_path("large"));
	assert_int_equal(dbg_the_func(m, "wanted")->entry, entry);
	dbg_funcs_find(m, "wante*", NULL, &n);
	assert_int_equal(n, 1);
	dbg_funcs_find(m, "wante", NULL, &n);
	assert_int_equal(n, 0);

	/* records that point anywhere */
	dbg_sh("dd if=/dev/urandom of=$(ls cache/below/*.index) bs=1 seek=112 count=64 conv=notrunc 2>/dev/null");
	dbg_modules_close_all();
	dbg_funcs_find(dbg_open(dbg_path("large")), "*", NULL, &n);

	/* a file that was cut short is made anew */
	dbg_sh("truncate -s 100 cache/below/*.index");
	dbg_modules_close_all();
	assert_int_equal(dbg_the_func(dbg_open(dbg_path("large")), "wanted")->entry, entry);
	dbg_sh("test $(stat -c %%s cache/below/*.index) -gt 100");
	dbg_cache_directory(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loaded_module), cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_not_loaded), cmocka_unit_test(test_damaged_relocations),
		cmocka_unit_test(test_kept_index),
	};

	return cmocka_run_group_tests(tests, dbg_setup, dbg_teardown);
}
