/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every case of tests/ir in the user engine, as it is, after printing and parsing
 * it again, and optimised.  The kernel engine's test runs the same cases.
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
#include "ir/text.h"
#include "ir_corpus.h"

struct capture {
	struct out_buf out, err;
};

static void on_write(void *ctx, const char *text, size_t len)
{
	out_buf_add(&((struct capture *)ctx)->out, text, len);
}

static void on_error(void *ctx, const char *line)
{
	out_buf_printf(&((struct capture *)ctx)->err, "%s\n", line);
}

static void on_warn(void *ctx, const char *line)
{
	out_buf_printf(&((struct capture *)ctx)->err, "WARNING: %s\n", line);
}

static bool run_case(const struct ir_case *c, const char *how, bool optimise)
{
	struct arena *a = arena_create();
	const char *err = NULL;
	struct program *p = ir_corpus_program(a, c, PROG_USER, optimise, &err);
	struct capture cap = { 0 };
	struct interp_env env = { .ctx = &cap, .write = on_write, .error = on_error, .warn = on_warn };
	struct ir_store *st;
	struct interp *in;
	char *globals;
	bool ok = true;

	if (!p) {
		fprintf(stderr, "%s:%u: case %s (%s): %s\n", c->file, c->line, c->name, how, err);
		arena_destroy(a);
		return false;
	}
	st = memstore_create(p->ir);
	in = interp_create(p, st, &env);
	for (uint32_t i = 0; i < arrlenu(p->points); i++)
		interp_run_point(in, i);
	globals = ir_corpus_globals(st);
	out_buf_add(&cap.out, "", 1);
	out_buf_add(&cap.err, "", 1);
	ok &= ir_corpus_same(c, "output", how, c->out, cap.out.p);
	ok &= ir_corpus_same(c, "errors", how, c->err, cap.err.p);
	if (c->globals)
		ok &= ir_corpus_same(c, "globals", how, c->globals, globals);
	free(globals);
	interp_destroy(in);
	st->ops->destroy(st);
	out_buf_free(&cap.out);
	out_buf_free(&cap.err);
	arena_destroy(a);
	return ok;
}

/* Prints the parsed case and parses that: the same text must come out of it. */
static bool round_trip(const struct ir_case *c)
{
	struct arena *a = arena_create();
	const char *err = NULL;
	char *text[2] = { NULL, NULL };
	const char *ir = c->ir;
	bool ok = true;

	for (int i = 0; i < 2 && ok; i++) {
		struct ir_module *m = ir_parse(a, source_create(a, "<ir>", ir, strlen(ir)), &err);
		size_t size;
		FILE *f = open_memstream(&text[i], &size);

		if (m)
			ir_print(f, m);
		fclose(f);
		ok = m != NULL;
		ir = text[i];
	}
	if (!ok)
		fprintf(stderr, "%s:%u: case %s: printed form: %s\n%s", c->file, c->line, c->name, err,
			text[0]);
	else
		ok = ir_corpus_same(c, "printed forms", "round trip", text[0], text[1]);
	free(text[0]);
	free(text[1]);
	arena_destroy(a);
	return ok;
}

static void test_corpus(void **state)
{
	struct arena *a = arena_create();
	struct ir_case *cases = ir_corpus_load(a, IR_CORPUS_DIR);
	size_t bad = 0, n = arrlenu(cases);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool ok = run_case(&cases[i], "plain", false);

		ok &= round_trip(&cases[i]);
		ok &= run_case(&cases[i], "optimised", true);
		bad += !ok;
	}
	printf("%zu cases, %zu bad\n", n, bad);
	arrfree(cases);
	arena_destroy(a);
	assert_int_equal(bad, 0);
	assert_true(n >= 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
