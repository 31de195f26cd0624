/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Canonical source parses to itself: for every script of this repository, and
 * of an installed SystemTap if there is one.
 */
#include <fnmatch.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "lang_support.h"

static struct arena *arena;
static struct diag_sink sink;
static struct parse_env env;
static unsigned files, empty, failed;

/* Scripts that take arguments want probe points or numbers. */
static struct ast_file *parse_with_args(const struct source *src)
{
	static const char *const points[] = {"begin", "end", "begin", "end", "begin", "end"};
	static const char *const mixed[] = {"begin", "end", "3", "4", "5", "6"};
	static const char *const numbers[] = {"1", "2", "3", "4", "5", "6"};
	static const char *const *const sets[] = {points, mixed, numbers};
	struct ast_file *f = NULL;

	env.nargs = sizeof(points) / sizeof(points[0]);
	for (size_t i = 0; !f && i < sizeof(sets) / sizeof(sets[0]); i++) {
		bool last = i + 1 == sizeof(sets) / sizeof(sets[0]);

		env.args = sets[i];
		diag_hold(&sink);
		f = parse_library_file(&env, src);
		diag_release(&sink, last && !f);
	}
	return f;
}

static void check_file(const char *path)
{
	struct source *src = source_read(arena, path);
	struct ast_file *first, *second;
	char *once, *twice;

	assert_non_null(src);
	files++;
	first = parse_with_args(src);
	if (!first) {
		print_error("%s does not parse\n", path);
		failed++;
		return;
	}
	once = print_tree(first);
	second = parse_library_file(&env, source_create(arena, path, once, strlen(once)));
	if (!second) {
		print_error("%s: its canonical form does not parse\n", path);
		failed++;
	} else {
		twice = print_tree(second);
		if (strcmp(once, twice) != 0) {
			print_error("%s: its canonical form is not stable\n", path);
			failed++;
		}
		empty += strchr(once, '\n')[1] == '\0';
		free(twice);
	}
	free(once);
}

static int visit_script(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && fnmatch("*.stp", path, 0) == 0 &&
	    fnmatch("*/security-bandaid-template.stp", path, 0) != 0)
		check_file(path);
	return 0;
}

static int visit_macros(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const char *const elsewhere[] = {"*/powerpc/*", "*/arm*/*", "*/s390/*", "*/ia64/*",
						"*/i386/*", "*/mips/*", "*/riscv/*",
						"*/dyninst/*", "*/bpf/*"};

	if (type != FTW_F || fnmatch("*.stpm", path, 0) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (fnmatch(elsewhere[i], path, 0) == 0)
			return 0;
	if (parse_macro_file(&env, source_read(arena, path)) != 0) {
		print_error("%s does not parse\n", path);
		failed++;
	}
	return 0;
}

static void start(void)
{
	arena = arena_create();
	diag_sink_init(&sink, arena, stderr);
	env = (struct parse_env){
		.arena = arena, .sink = &sink, .kernel_v = "6.1.0", .kernel_vr = "6.1.0-56",
		.arch = "x86_64", .systemtap_v = "4.8", .privilege = "stapdev",
		.runtime = "kernel",
	};
	files = failed = empty = 0;
}

static void finish(void)
{
	parse_env_fini(&env);
	diag_sink_fini(&sink);
	arena_destroy(arena);
}

/* `dir` with its macros, then all its scripts. */
static void check_tree(const char *dir)
{
	nftw(dir, visit_macros, 16, FTW_PHYS);
	nftw(dir, visit_script, 16, FTW_PHYS);
}

static void test_repository(void **state)
{
	start();
	check_tree(SOURCE_DIR "/tapset");
	check_tree(SOURCE_DIR "/examples");
	finish();
	assert_int_equal(failed, 0);
}

static void test_systemtap(void **state)
{
	start();
	check_tree("/usr/share/systemtap/tapset");
	check_tree("/usr/share/systemtap/examples");
	check_tree("/usr/share/doc/systemtap/examples");
	finish();
	assert_int_equal(failed, 0);
	if (files == 0)
		skip();
	assert_true(empty < files / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repository),
		cmocka_unit_test(test_systemtap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
