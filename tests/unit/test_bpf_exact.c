/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No update of a global is lost: two threads on two CPUs run a handler half a million times each, without and
 * with locks; what is counted and what was skipped (and told) add up to a million.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "bpf_support.h"
#include "ir_corpus.h"

#define RUNS	500000

struct thread {
	pthread_t id;
	struct engine *e;
	int cpu;
	long failed;
};

static void *hammer(void *arg)
{
	struct thread *t = arg;
	uint64_t args[12] = { 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(t->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (int i = 0; i < RUNS; i++)
		t->failed += engine_test_run(t->e, 0, args, 12, -1) != 0;
	return NULL;
}

/* Runs the handler a million times; what global 0 then holds (as value, element 7, or count), and the hits skipped. */
static int64_t run(const char *ir, uint64_t *skipped)
{
	struct arena *a = arena_create();
	struct ir_case c = { .file = "exact", .name = "exact", .ir = ir };
	const char *err = NULL;
	struct program *p = ir_corpus_program(a, &c, PROG_RAW_TP, false, &err);
	struct engine_options o = { .show_log = true };
	struct engine *e = engine_create(p, &o);
	struct thread t[2];
	struct ir_val key = { .i = 7 }, v = { 0 };
	struct ir_store *st;
	int64_t got;

	assert_int_equal(engine_prepare(e), 0);
	if (engine_load(e) || engine_activate(e))
		fail_msg("%s", engine_error(e));
	for (int i = 0; i < 2; i++) {
		t[i] = (struct thread){ .e = e, .cpu = i };
		pthread_create(&t[i].id, NULL, hammer, &t[i]);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i].id, NULL);
		assert_int_equal(t[i].failed, 0);
	}
	st = engine_store(e);
	if (p->ir->globals[0]->type == IR_STAT) {
		struct wire_stat s;

		st->ops->stat_get(st, 0, NULL, &s);
		assert_int_equal(s.count, s.sum);
		got = s.count;
	} else {
		st->ops->get(st, 0, p->ir->globals[0]->is_array ? &key : NULL, &v, NULL);
		got = v.i;
	}
	*skipped = engine_count(e, 0, WCNT_SKIP_LOCK) + engine_count(e, 0, WCNT_SKIP_CONTEXT) +
		   engine_count(e, 0, WCNT_SKIP_NESTED);
	engine_destroy(e);
	arena_destroy(a);
	return got;
}

static void test_exact(void **state)
{
	static const struct { const char *name, *ir; bool locked; } cases[] = {
		{ "n++", "global n: i64\nhandler h { eval (gadd n 1) }\n", false },
		{ "a[k]++", "global a[i64]: i64\nhandler h { eval (aadd a 7 1) }\n", false },
		{ "s <<< 1", "global s: stat\nhandler h { eval (stat.add s 1) }\n", false },
		{ "n = n + 1", "global n: i64\nhandler h { eval (gstore n (add (gload n) 1)) }\n", true },
		{ "a[k] = a[k] + 1",
		  "global a[i64]: i64\nhandler h { eval (astore a 7 (add (aload a 7) 1)) }\n", true },
		{ "s <<< 1; m++", "global s: stat\nglobal m: i64\nhandler h { eval (stat.add s 1)\n eval (gadd m 1) }\n",
		  true },
	};

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t skipped;
		int64_t got = run(cases[i].ir, &skipped);

		printf("%-16s %lld, skipped %llu\n", cases[i].name, (long long)got,
		       (unsigned long long)skipped);
		assert_int_equal(got + (int64_t)skipped, 2 * RUNS);
		if (!cases[i].locked)
			assert_int_equal(skipped, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_exact) };

	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
