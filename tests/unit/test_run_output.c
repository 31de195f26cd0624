/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output sink (files, rotation, failures) and the command of -c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run/child.h"
#include "run/sink.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/unit_run_XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static long size_of(const char *name)
{
	struct stat st;

	return stat(path_of(name), &st) ? -1 : (long)st.st_size;
}

static void test_file_is_truncated(void **state)
{
	struct run_sink *s;
	FILE *f = fopen(path_of("out"), "w");

	(void)state;
	fputs("what was there before", f);
	fclose(f);
	s = run_sink_open(path_of("out"), 0, 0);
	assert_non_null(s);
	run_sink_write(s, "hello\n", 6);
	assert_int_equal(run_sink_close(s), 0);
	assert_int_equal(size_of("out"), 6);
}

static void test_name_with_time(void **state)
{
	char name[64];
	time_t now = time(NULL);
	struct run_sink *s = run_sink_open(path_of("t%Y"), 0, 0);

	(void)state;
	assert_non_null(s);
	run_sink_close(s);
	strftime(name, sizeof(name), "t%Y", localtime(&now));
	assert_int_equal(size_of(name), 0);
}

static void test_large_and_small_writes(void **state)
{
	struct run_sink *s = run_sink_open(path_of("big"), 0, 0);
	char *block = calloc(1, 300000);
	long total = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		size_t n = i % 3 == 0 ? 300000 : (size_t)i * 1000;

		run_sink_write(s, block, n);
		total += (long)n;
	}
	assert_int_equal(run_sink_close(s), 0);
	assert_int_equal(size_of("big"), total);
	free(block);
}

static void test_rotation(void **state)
{
	struct run_sink *s = run_sink_open(path_of("r"), 1000, 2);
	char record[90];

	(void)state;
	memset(record, 'x', sizeof(record));
	for (int i = 0; i < 50; i++)	/* 11 records a file: 5 files */
		run_sink_write(s, record, sizeof(record));
	run_sink_close(s);
	assert_int_equal(size_of("r.0"), -1);
	assert_int_equal(size_of("r.2"), -1);
	assert_int_equal(size_of("r.3"), 990);
	assert_int_equal(size_of("r.4"), 50 * 90 - 4 * 990);
}

static void test_rotation_of_large_records(void **state)
{
	struct run_sink *s = run_sink_open(path_of("w"), 100, 0);
	char record[250];

	(void)state;
	memset(record, 'x', sizeof(record));
	run_sink_write(s, record, 50);
	run_sink_write(s, record, 60);	/* whole, in the next file */
	for (int i = 9; i < 250; i += 10)
		record[i] = '\n';
	run_sink_write(s, record, 250);	/* 40 more there, then by lines */
	memset(record, 'x', sizeof(record));
	run_sink_write(s, record, 150);	/* no line ends */
	run_sink_close(s);
	assert_int_equal(size_of("w.0"), 50);
	assert_int_equal(size_of("w.1"), 100);
	assert_int_equal(size_of("w.2"), 100);
	assert_int_equal(size_of("w.3"), 100);
	assert_int_equal(size_of("w.4"), 10);
	assert_int_equal(size_of("w.5"), 100);
	assert_int_equal(size_of("w.6"), 50);
}

static void test_cannot_open(void **state)
{
	(void)state;
	assert_null(run_sink_open(path_of("no/such/file"), 0, 0));
	assert_int_equal(errno, ENOENT);
}

static void test_full_disk_is_kept_as_error(void **state)
{
	struct run_sink *s = run_sink_open("/dev/full", 0, 0);

	(void)state;
	assert_non_null(s);
	run_sink_write(s, "x", 1);
	assert_int_equal(run_sink_flush(s), -ENOSPC);
	run_sink_write(s, "y", 1);
	assert_int_equal(run_sink_flush(s), -ENOSPC);
	assert_int_equal(run_sink_close(s), -ENOSPC);
}

/* ---- the command ---- */

static void check_words(const char *command, const char *const *expected)
{
	char **v = run_child_words(command);
	size_t i;

	for (i = 0; expected[i]; i++) {
		assert_non_null(v[i]);
		assert_string_equal(v[i], expected[i]);
	}
	assert_null(v[i]);
	for (i = 0; v[i]; i++)
		free(v[i]);
	free(v);
}

static void test_words(void **state)
{
	(void)state;
	check_words("echo 'one  two' \"three four\" $((1 + 2))",
		    (const char *[]){ "echo", "one  two", "three four", "3", NULL });
	check_words("ls | wc -l", (const char *[]){ "sh", "-c", "ls | wc -l", NULL });
	check_words("a=1; echo $a", (const char *[]){ "sh", "-c", "a=1; echo $a", NULL });
	check_words("echo $(id)", (const char *[]){ "sh", "-c", "echo $(id)", NULL });
	check_words("", (const char *[]){ "sh", "-c", "", NULL });
}

static void wait_for(struct run_child *c)
{
	while (!run_child_poll(c))
		usleep(1000);
}

static void test_child_waits_for_release(void **state)
{
	struct run_child c;
	char command[256], text[64];

	(void)state;
	snprintf(command, sizeof(command), "touch %s", path_of("touched"));
	assert_int_equal(run_child_start(&c, command), 0);
	usleep(50000);
	assert_false(run_child_poll(&c));
	assert_int_equal(size_of("touched"), -1);
	assert_int_equal(run_child_release(&c), 0);
	wait_for(&c);
	assert_int_equal(size_of("touched"), 0);
	assert_false(run_child_failure(&c, text, sizeof(text)));
}

static void test_child_status(void **state)
{
	static const struct {
		const char *command, *text;
	} cases[] = {
		{ "sh -c 'exit 3'", "exited with status 3" },
		{ "exit 4", "exited with status 4" },	/* known to the shell only */
		{ "sh -c 'kill -9 $$'", "exited with signal 9 (Killed)" },
	};
	struct run_child c;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run_child_start(&c, cases[i].command), 0);
		assert_int_equal(run_child_release(&c), 0);
		wait_for(&c);
		assert_true(run_child_failure(&c, text, sizeof(text)));
		assert_string_equal(text, cases[i].text);
	}
}

static void test_child_that_cannot_run(void **state)
{
	struct run_child c;

	(void)state;
	assert_int_equal(run_child_start(&c, "/no/such/program"), 0);
	assert_int_equal(run_child_release(&c), -ENOENT);
	wait_for(&c);
}

static void test_child_dropped(void **state)
{
	struct run_child c;

	(void)state;
	assert_int_equal(run_child_start(&c, "sleep 60"), 0);
	run_child_drop(&c);	/* never let go */
	assert_true(c.exited);
	assert_int_equal(run_child_start(&c, "sleep 60"), 0);
	assert_int_equal(run_child_release(&c), 0);
	run_child_drop(&c);	/* running */
	wait_for(&c);
	assert_true(WIFSIGNALED(c.status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_is_truncated), cmocka_unit_test(test_name_with_time),
		cmocka_unit_test(test_large_and_small_writes), cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_rotation_of_large_records), cmocka_unit_test(test_cannot_open),
		cmocka_unit_test(test_full_disk_is_kept_as_error), cmocka_unit_test(test_words),
		cmocka_unit_test(test_child_waits_for_release), cmocka_unit_test(test_child_status),
		cmocka_unit_test(test_child_that_cannot_run), cmocka_unit_test(test_child_dropped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
