/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random modules: the optimised one does what the plain one does, also with the bounds
 * of strings narrowed.
 *
 * usage: unit_interp_fuzz [first seed [count]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/ds.h"
#include "interp/interp.h"
#include "interp/memstore.h"
#include "ir/bound.h"
#include "ir/check.h"
#include "ir_corpus.h"
#include "ir_gen.h"

static uint32_t first, count = 300;

static void on_write(void *ctx, const char *text, size_t len)
{
	out_buf_add(ctx, text, len);
}

static void on_error(void *ctx, const char *line)
{
	out_buf_printf(ctx, "ERROR: %s\n", line);
}

/* All that a run of the text shows: output, errors, globals. */
static char *run(const char *ir, bool optimise, bool bounds)
{
	struct arena *a = arena_create();
	struct ir_case c = { .file = "random", .name = "random", .ir = ir, .maxaction = 100000 };
	const char *err = NULL;
	struct program *p = ir_corpus_program(a, &c, PROG_USER, optimise, &err);
	struct out_buf out = { 0 };
	struct interp_env env = { .ctx = &out, .write = on_write, .error = on_error };
	struct ir_store *st;
	struct interp *in;
	char *globals;

	if (!p)
		fail_msg("%s in:\n%s", err, ir);
	if (bounds)
		ir_pass_bounds(p->ir);
	assert_null(ir_check(p->ir));
	st = memstore_create(p->ir);
	in = interp_create(p, st, &env);
	for (uint32_t i = 0; i < arrlenu(p->points); i++)
		interp_run_point(in, i);
	globals = ir_corpus_globals(st);
	out_buf_str(&out, globals);
	out_buf_add(&out, "", 1);
	free(globals);
	interp_destroy(in);
	st->ops->destroy(st);
	arena_destroy(a);
	return out.p;
}

static void compare(uint32_t seed, char *ir, bool bounds)
{
	char *plain = run(ir, false, false), *optimised = run(ir, true, bounds);

	if (strcmp(plain, optimised) != 0)
		fail_msg("seed %u:\n%s--- plain\n%s--- optimised\n%s", seed, ir, plain, optimised);
	free(ir);
	free(plain);
	free(optimised);
}

static void test_optimiser(void **state)
{
	(void)state;
	for (uint32_t seed = first; seed < first + count; seed++)
		compare(seed, ir_gen(seed), false);
}

/* Gives every string the largest bound, as lowering does. */
static char *widen(char *ir)
{
	static const char *const narrow[][2] = { { "str 12", "str 64" }, { "str 8,", "str 64," }, { "concat:11", "concat:64" } };
	struct out_buf b = { 0 };

	for (const char *p = ir; *p;) {
		size_t i = 0;

		while (i < 3 && strncmp(p, narrow[i][0], strlen(narrow[i][0])) != 0)
			i++;
		if (i < 3) {
			out_buf_str(&b, narrow[i][1]);
			p += strlen(narrow[i][0]);
		} else {
			out_buf_add(&b, p++, 1);
		}
	}
	out_buf_add(&b, "", 1);
	free(ir);
	return b.p;
}

static void test_bounds(void **state)
{
	(void)state;
	for (uint32_t seed = first; seed < first + count; seed++)
		compare(seed, widen(ir_gen(seed)), true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_optimiser), cmocka_unit_test(test_bounds) };

	if (argc > 1)
		first = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		count = (uint32_t)strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
