/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules: errors, separate debug files, symbols, PLT, SDT notes, needed libraries, addresses. */
#include "dbg_support.h"

static const char program[] =
	"#include <stdio.h>\n"
	"int counter = 3;\n"
	"static int helper(int a) { return a * counter; }\n"
	"int main(int argc, char **argv) { puts(argv[0]); return helper(argc); }\n";

static void expect_open_error(const char *path, enum dbg_errcode code, const char *text)
{
	struct dbg_error e = { 0 };

	assert_null(dbg_module_open(path, NULL, &e));
	assert_int_equal(e.code, code);
	if (!strstr(e.msg, text))
		fail_msg("'%s' lacks '%s'", e.msg, text);
}

static void test_errors(void **state)
{
	const char *exe = dbg_compile("good", program, "gcc", "");
	static const char elf32[64] = "\177ELF\1\1\1";
	struct dbg_error e = { 0 };
	struct dbg_module *m;

	expect_open_error("/nonexistent/file", DBG_EUNREADABLE, "No such file");
	expect_open_error(dbg_dir, DBG_EUNREADABLE, "not a regular file");
	dbg_write("script", "#!/bin/sh\necho\n", 15);
	expect_open_error(dbg_path("script"), DBG_ENOTELF, "not an ELF file");
	dbg_write("empty", "", 0);
	expect_open_error(dbg_path("empty"), DBG_ENOTELF, "empty");
	dbg_write("elf32", elf32, sizeof(elf32));
	expect_open_error(dbg_path("elf32"), DBG_EARCH, "32-bit");
	dbg_sh("head -c 40 good > short");
	expect_open_error(dbg_path("short"), DBG_ECORRUPT, "truncated");
	dbg_sh("head -c 9000 good > cut");
	expect_open_error(dbg_path("cut"), DBG_ECORRUPT, "truncated");
	dbg_sh("cp good arm; printf '\\267' | dd of=arm bs=1 seek=18 conv=notrunc 2>/dev/null");
	expect_open_error(dbg_path("arm"), DBG_EARCH, "another architecture");

	dbg_sh("strip -o bare good");
	m = dbg_module_open(dbg_path("bare"), NULL, &e);
	assert_non_null(m);
	assert_int_equal(dbg_module_debug(m, &e), -DBG_ENODEBUG);
	assert_int_equal(e.code, DBG_ENODEBUG);
	assert_non_null(strstr(e.msg, "no debug information"));
	m = dbg_module_open(exe, NULL, &e);
	assert_ptr_equal(m, dbg_module_open(exe, NULL, &e));
}

/* What is gone of a file that was opened reads as zeros, and a pipe is not waited for. */
static void test_file_shrinks(void **state)
{
	struct dbg_error e = { 0 };
	struct dbg_module *m;
	size_t n;

	dbg_compile("shrinks", program, "gcc", "-g");
	m = dbg_module_open(dbg_path("shrinks"), NULL, &e);
	assert_non_null(m);
	dbg_sh("truncate -s 100 shrinks");
	assert_null(dbg_module_symbols(m, &n));
	assert_int_equal(n, 0);
	assert_true(dbg_module_debug(m, &e) < 0);

	dbg_sh("mkfifo pipe");
	expect_open_error(dbg_path("pipe"), DBG_EUNREADABLE, "not a regular file");
}

static void test_corrupt_dwarf(void **state)
{
	struct dbg_error e = { 0 };
	struct dbg_module *m;

	dbg_compile("plain", program, "gcc", "");
	dbg_sh("printf 'garbage, certainly not DWARF' > junk;"
	       "objcopy --update-section .debug_info=junk plain plain.bad");
	m = dbg_module_open(dbg_path("plain.bad"), NULL, &e);
	assert_non_null(m);
	assert_int_equal(dbg_module_debug(m, &e), -DBG_ECORRUPT);
	assert_string_equal(e.msg, "a unit of 0x62726167 bytes where 0x18 are left (.debug_info, offset 0x0)");
	assert_string_equal(dbg_module_damage(m), e.msg);
	m = dbg_module_open(dbg_path("plain"), NULL, &e);
	assert_int_equal(dbg_module_debug(m, &e), 0);
	assert_null(dbg_module_damage(m));
}

static void test_separate_files(void **state)
{
	struct dbg_open_opts o = { .debug_path = dbg_path("tree") };
	struct dbg_error e = { 0 };
	struct dbg_module *m;
	const char *id;
	size_t n;

	/* .gnu_debuglink beside the file */
	dbg_compile("sep", program, "gcc", "-O2 -Wl,--build-id");
	dbg_sh("objcopy --only-keep-debug sep sep.debug; strip sep;"
	       "objcopy --add-gnu-debuglink=sep.debug sep");
	m = dbg_open(dbg_path("sep"));
	assert_string_equal(dbg_module_info(m)->debug_path, dbg_path("sep.debug"));
	assert_non_null(dbg_the_func(m, "main"));
	assert_non_null(dbg_symbol_find(m, "main"));

	/* build-id tree, without a link */
	dbg_compile("tre", program, "gcc", "-O0 -Wl,--build-id");
	m = dbg_module_open(dbg_path("tre"), NULL, &e);
	id = dbg_module_build_id(m);
	assert_int_equal(strlen(id), 40);
	dbg_sh("mkdir -p tree/.build-id/%.2s; objcopy --only-keep-debug tre tree/.build-id/%.2s/%s.debug;"
	       "strip -o tre.bin tre", id, id, id + 2);
	m = dbg_module_open(dbg_path("tre.bin"), &o, &e);
	assert_int_equal(dbg_module_debug(m, &e), 0);
	assert_non_null(dbg_the_func(m, "helper"));
	assert_non_null(dbg_symbol_find(m, "helper"));

	/* a debug file of another build is not taken */
	dbg_compile("one", program, "gcc", "-O0 -Wl,--build-id -DA");
	dbg_compile("two", program, "gcc", "-O2 -Wl,--build-id -DB");
	dbg_sh("objcopy --only-keep-debug two x.debug; strip one; cp x.debug one.debug;"
	       "objcopy --add-gnu-debuglink=one.debug one");
	m = dbg_module_open(dbg_path("one"), NULL, &e);
	assert_int_equal(dbg_module_debug(m, &e), -DBG_ENODEBUG);

	/* minidebuginfo: symbols only */
	dbg_compile("mini", program, "gcc", "-O0");
	dbg_sh("objcopy --only-keep-debug mini mini.dbg;"
	       "objcopy -S --remove-section .gdb_index --remove-section .comment --keep-symbol helper mini.dbg mini.sym;"
	       "xz -f mini.sym; strip mini; objcopy --add-section .gnu_debugdata=mini.sym.xz mini");
	m = dbg_module_open(dbg_path("mini"), NULL, &e);
	dbg_module_symbols(m, &n);
	assert_non_null(dbg_symbol_find(m, "helper"));
}

static void read_at(const char *path, uint64_t offset, void *buf, size_t len)
{
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
	assert_int_equal(fread(buf, 1, len, f), len);
	fclose(f);
}

static void test_symbols(void **state)
{
	struct dbg_module *m = dbg_open(dbg_compile("syms", program, "gcc", "-O0"));
	const struct dbg_sym *s = dbg_symbol_find(m, "main"), *plt;
	uint64_t off, bias;
	uint8_t bytes[8];
	size_t n;

	assert_non_null(s);
	assert_int_equal(s->kind, DBG_SYM_FUNC);
	assert_true(s->global && s->size > 0);
	assert_string_equal(dbg_symbol_at(m, s->addr + 5)->name, "main");
	assert_string_equal(dbg_symbol_at(m, s->addr - 1)->name, "helper");
	assert_null(dbg_symbol_find(m, "nothing"));
	assert_null(dbg_symbol_at(m, 0xffffffff00000000));
	assert_int_equal(dbg_symbol_find(m, "counter")->kind, DBG_SYM_OBJECT);

	assert_true(dbg_addr_to_offset(m, s->addr, &off));
	read_at(dbg_path("syms"), off, bytes, sizeof(bytes));
	assert_memory_equal(dbg_module_bytes(m, s->addr, sizeof(bytes)), bytes, sizeof(bytes));
	assert_true(dbg_addr_executable(m, s->addr));
	assert_false(dbg_addr_executable(m, dbg_symbol_find(m, "counter")->addr));
	assert_true(dbg_load_bias(m, 0x555555554000, 0, &bias));
	assert_int_equal(bias, 0x555555554000 - dbg_module_info(m)->base);
	assert_int_equal(dbg_module_bytes(m, s->addr, 4)[0], 0x55);	/* push %rbp */
	assert_null(dbg_module_bytes(m, s->addr, 1 << 30));

	plt = dbg_module_plt(m, &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(plt[i].name, "puts")) {
			assert_string_equal(dbg_symbol_at(m, plt[i].addr + 3)->name, "puts@plt");
			return;
		}
	fail_msg("no PLT entry of puts");
}

static void test_plt_kinds(void **state)
{
	static const char *const flags[] = { "-O2 -Wl,-z,now", "-O2 -Wl,-z,lazy -no-pie",
					     "-O2 -fcf-protection=full -Wl,-z,ibtplt",
					     "-O2 -fno-plt -Wl,-z,lazy" };

	for (int i = 0; i < 3; i++) {
		const char *name = arena_printf(dbg_arena, "plt%d", i);
		struct dbg_module *m = dbg_open(dbg_compile(name, program, "gcc", flags[i]));
		const struct dbg_sym *plt;
		bool found = false;
		size_t n;

		plt = dbg_module_plt(m, &n);
		for (size_t k = 0; k < n; k++)
			found |= !strcmp(plt[k].name, "puts") && dbg_addr_executable(m, plt[k].addr);
		assert_true(found);
	}
}

static void test_sdt(void **state)
{
	static const char src[] =
		"#include <sys/sdt.h>\n"
		"__attribute__((section(\".probes\"))) unsigned short prov_two_semaphore;\n"
		"int main(int c, char **v) { long l = -5; DTRACE_PROBE2(prov, one, c, v[0]);\n"
		"  DTRACE_PROBE1(prov, three, l); return 0; }\n";
	struct dbg_module *m = dbg_open(dbg_compile("sdt", src, "gcc", "-O2"));
	struct dbg_sdt_arg a[4];
	const struct dbg_sdt *s;
	struct dbg_error e;
	size_t n;

	s = dbg_module_sdt(m, &n);
	assert_int_equal(n, 2);
	assert_string_equal(s[0].provider, "prov");
	assert_string_equal(s[0].name, "one");
	assert_true(dbg_addr_executable(m, s[0].pc));
	assert_int_equal(dbg_module_bytes(m, s[0].pc, 1)[0], 0x90);
	assert_int_equal(dbg_sdt_parse(m, s[0].args, a, 4, &e), 2);
	assert_int_equal(a[0].size, 4);
	assert_true(a[0].is_signed);
	assert_int_equal(a[1].size, 8);

	assert_int_equal(dbg_sdt_parse(m, "-4@%edi 8@-8(%rbp) 1@%ah -8@$-5", a, 4, &e), 4);
	assert_int_equal(a[0].kind, DBG_SDT_REG);
	assert_int_equal(a[0].reg, DBG_RDI);
	assert_int_equal(a[0].reg_bytes, 4);
	assert_int_equal(a[1].kind, DBG_SDT_MEM);
	assert_int_equal(a[1].reg, DBG_RBP);
	assert_int_equal(a[1].value, -8);
	assert_int_equal(a[2].reg_shift, 8);
	assert_int_equal(a[3].kind, DBG_SDT_CONST);
	assert_int_equal(a[3].value, -5);
	assert_int_equal(dbg_sdt_parse(m, "8@16(%rax,%rcx,8) 4@main+4(%rip)", a, 4, &e), 2);
	assert_int_equal(a[0].index, DBG_RCX);
	assert_int_equal(a[0].scale, 8);
	assert_true(a[1].relocated);
	assert_int_equal(a[1].reg, -1);
	assert_int_equal(a[1].value, dbg_symbol_find(m, "main")->addr + 4);
	assert_true(dbg_sdt_parse(m, "8@%zzz", a, 4, &e) < 0);
	assert_int_equal(dbg_sdt_parse(m, "", a, 4, &e), 0);
}

static void test_needed(void **state)
{
	static const char lib[] = "int lib_f(void) { return 1; }\n";
	static const char use[] = "int lib_f(void); int main(void) { return lib_f(); }\n";
	const char *const *l;
	bool found = false, libc = false, interp = false;
	struct dbg_module *m;
	size_t n;

	dbg_write("lib.c", lib, strlen(lib));
	dbg_sh("mkdir -p sub; gcc -shared -fPIC lib.c -Wl,-soname,libx.so -o sub/libx.so");
	m = dbg_open(dbg_compile("use", use, "gcc", "-Lsub -l:libx.so '-Wl,-rpath,$ORIGIN/sub'"));
	l = dbg_module_needed(m, &n);
	assert_true(n >= 2);
	assert_string_equal(l[0], "libx.so");
	l = dbg_module_ldd(m, &n);
	for (size_t i = 0; i < n; i++) {
		found |= !strcmp(l[i], dbg_path("sub/libx.so"));
		libc |= strstr(l[i], "libc.so.6") != NULL;
		interp |= strstr(l[i], "ld-linux") != NULL;
	}
	assert_true(found && libc && interp);
	assert_string_equal(dbg_module_info(dbg_module_open(dbg_path("sub/libx.so"), NULL, NULL))->soname,
			    "libx.so");
	assert_int_equal(dbg_module_info(m)->type, DBG_ELF_PIE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors), cmocka_unit_test(test_file_shrinks), cmocka_unit_test(test_corrupt_dwarf),
		cmocka_unit_test(test_separate_files), cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_plt_kinds), cmocka_unit_test(test_sdt),
		cmocka_unit_test(test_needed),
	};

	return cmocka_run_group_tests(tests, dbg_setup, dbg_teardown);
}
