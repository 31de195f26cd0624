/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers: exact grids, order, random intervals, falling behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/timers.h"

#define MS 1000000LL

static void test_grid_is_exact(void **state)
{
	struct run_timers t;
	uint32_t id;
	int64_t due;

	(void)state;
	run_timers_init(&t);
	run_timers_add(&t, 7, 1000, 10 * MS, 0, false);
	/* Served late every time: deadlines stay on the grid. */
	for (int64_t i = 1; i <= 1000; i++) {
		assert_true(run_timers_pop(&t, 1000 + i * 10 * MS + 3 * MS, &id, &due));
		assert_int_equal(id, 7);
		assert_int_equal(due, 1000 + i * 10 * MS);
		assert_false(run_timers_pop(&t, 1000 + i * 10 * MS + 3 * MS, &id, &due));
	}
	run_timers_fini(&t);
}

static void test_order_of_several(void **state)
{
	struct run_timers t;
	int64_t last = 0, due;
	int count[5] = { 0 };
	uint32_t id;

	(void)state;
	run_timers_init(&t);
	for (uint32_t i = 0; i < 5; i++)
		run_timers_add(&t, i, 0, (int64_t)(i + 1) * MS, 0, false);
	while (run_timers_pop(&t, 60 * MS, &id, &due)) {
		assert_true(due >= last);
		last = due;
		count[id]++;
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(count[i], 60 / (i + 1));
	run_timers_fini(&t);
}

static void test_equal_deadlines_by_id(void **state)
{
	struct run_timers t;
	uint32_t id;
	int64_t due;

	(void)state;
	run_timers_init(&t);
	for (uint32_t i = 9; i > 0; i--)
		run_timers_add(&t, i, 0, MS, 0, true);
	for (uint32_t i = 1; i <= 9; i++) {
		assert_true(run_timers_pop(&t, MS, &id, &due));
		assert_int_equal(id, i);
	}
	assert_false(run_timers_pop(&t, MS * 100, &id, &due));
	run_timers_fini(&t);
}

static void test_random_stays_in_range(void **state)
{
	struct run_timers t;
	int64_t last = 0, due, low = INT64_MAX, high = 0;
	uint32_t id;

	(void)state;
	run_timers_init(&t);
	run_timers_add(&t, 0, 0, 10 * MS, 4 * MS, false);
	for (int i = 0; i < 2000; i++) {
		assert_true(run_timers_pop(&t, last + 20 * MS, &id, &due));
		assert_in_range(due - last, 6 * MS, 14 * MS);
		low = due - last < low ? due - last : low;
		high = due - last > high ? due - last : high;
		last = due;
	}
	assert_true(low < 7 * MS && high > 13 * MS);
	run_timers_fini(&t);
}

static void test_far_behind_skips(void **state)
{
	struct run_timers t;
	uint32_t id;
	int64_t due;
	int n = 0;

	(void)state;
	run_timers_init(&t);
	run_timers_add(&t, 0, 0, MS, 0, false);
	while (run_timers_pop(&t, 60000 * MS, &id, &due))
		n++;
	assert_in_range(n, 1, 5);
	/* Still on the grid. */
	assert_true(run_timers_pop(&t, 60001 * MS, &id, &due));
	assert_int_equal(due % MS, 0);
	run_timers_fini(&t);
}

static void test_no_period_no_endless_loop(void **state)
{
	struct run_timers t;
	uint32_t id;
	int64_t due;
	int n = 0;

	(void)state;
	run_timers_init(&t);
	run_timers_add(&t, 0, 0, 0, 0, false);
	while (n < 100000 && run_timers_pop(&t, 1000000, &id, &due))
		n++;
	assert_true(n < 100000);
	run_timers_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid_is_exact), cmocka_unit_test(test_order_of_several),
		cmocka_unit_test(test_equal_deadlines_by_id), cmocka_unit_test(test_random_stays_in_range),
		cmocka_unit_test(test_far_behind_skips), cmocka_unit_test(test_no_period_no_endless_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
