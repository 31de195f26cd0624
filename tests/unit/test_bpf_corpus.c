/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every case of tests/ir in the kernel, by test runs of its handlers as raw tracepoint programs: output,
 * errors and globals must be those that the user engine is tested for.
 *
 * usage: unit_bpf_corpus [name of the only case [-v]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/ds.h"
#include "bpf_support.h"
#include "ir_corpus.h"

/* What Linux 6.1 does not have: loops are driven by bpf_loop. */
#define OLD	(1u << ENGINE_MEM_KEY | 1u << ENGINE_MAY_GOTO | 1u << ENGINE_RAW_TP_COOKIE)

static const char *only;
static bool verbose;

static bool run_case(const struct ir_case *c, const char *how, bool optimise, uint32_t without)
{
	struct arena *a = arena_create();
	const char *err = NULL;
	struct program *p = ir_corpus_program(a, c, PROG_RAW_TP, optimise, &err);
	struct engine_options o = { .show_log = verbose, .without = without };
	struct bpf_capture cap = { .program = p };
	struct engine *e;
	uint64_t args[12] = { 0 };
	char *globals;
	bool ok = true;

	if (!p) {
		fprintf(stderr, "%s:%u: case %s (%s): %s\n", c->file, c->line, c->name, how, err);
		arena_destroy(a);
		return false;
	}
	/* what is not read need not be kept; here everything is compared */
	for (size_t i = 0; c->globals && i < arrlenu(p->ir->globals); i++)
		p->ir->globals[i]->stat_ops = ~0u;
	e = engine_create(p, &o);
	cap.engine = e;
	if (engine_prepare(e) || (verbose && (engine_list(e, stderr), 0)) || engine_load(e) ||
	    engine_activate(e)) {
		fprintf(stderr, "%s:%u: case %s (%s): %s\n", c->file, c->line, c->name, how,
			engine_error(e));
		engine_destroy(e);
		arena_destroy(a);
		return false;
	}
	for (uint32_t i = 0; i < arrlenu(p->points); i++) {
		int rc = engine_test_run(e, p->points[i].handler, args, 12, -1);

		if (rc)
			out_buf_printf(&cap.err, "test run: %s\n", strerror(-rc));
		engine_drain(e, UINT64_MAX, bpf_capture_record, &cap);
	}
	globals = ir_corpus_globals(engine_store(e));
	out_buf_add(&cap.out, "", 1);
	out_buf_add(&cap.err, "", 1);
	ok &= ir_corpus_same(c, "output", how, c->out, cap.out.p);
	ok &= ir_corpus_same(c, "errors", how, c->err, cap.err.p);
	if (c->globals)
		ok &= ir_corpus_same(c, "globals", how, c->globals, globals);
	free(globals);
	engine_destroy(e);
	out_buf_free(&cap.out);
	out_buf_free(&cap.err);
	arena_destroy(a);
	return ok;
}

static void test_corpus(void **state)
{
	struct arena *a = arena_create();
	struct ir_case *cases = ir_corpus_load(a, IR_CORPUS_DIR);
	size_t bad = 0, ran = 0;

	(void)state;
	for (size_t i = 0; i < arrlenu(cases); i++) {
		bool ok = true;

		if (cases[i].user_only || (only && strcmp(cases[i].name, only) != 0))
			continue;
		ok &= run_case(&cases[i], "plain", false, OLD);
		ok &= run_case(&cases[i], "optimised", true, 0);
		bad += !ok;
		ran++;
	}
	printf("%zu cases, %zu bad\n", ran, bad);
	arrfree(cases);
	arena_destroy(a);
	assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

	if (geteuid() != 0)
		return 77;
	only = argc > 1 ? argv[1] : NULL;
	verbose = argc > 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
