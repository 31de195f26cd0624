/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces over time: lines of maps, replacement, forks, execs, exits, the sideband. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/intern.h"
#include "run/procs.h"
#include "run/sideband.h"
#include "run/timers.h"

static void test_maps_lines(void **state)
{
	struct run_map m;
	bool exec;

	(void)state;
	assert_true(run_map_parse("55d0c7a00000-55d0c7a02000 r-xp 00001000 08:01 131 /usr/bin/a b\n", &m, &exec));
	assert_true(exec);
	assert_int_equal(m.start, 0x55d0c7a00000);
	assert_int_equal(m.end, 0x55d0c7a02000);
	assert_int_equal(m.pgoff, 0x1000);
	assert_int_equal(m.dev_major, 8);
	assert_int_equal(m.ino, 131);
	assert_string_equal(m.path, "/usr/bin/a b");
	assert_false(m.deleted);
	assert_true(run_map_parse("1000-2000 rw-p 00000000 00:00 5 /tmp/x (deleted)\n", &m, &exec));
	assert_false(exec);
	assert_true(m.deleted);
	assert_string_equal(m.path, "/tmp/x");
	assert_true(run_map_parse("7ffe3b1f6000-7ffe3b1f8000 r-xp 00000000 00:00 0                          [vdso]\n",
				  &m, &exec));
	assert_string_equal(m.path, "[vdso]");
	assert_true(run_map_parse("1000-2000 rwxp 00000000 00:00 0 \n", &m, &exec));
	assert_string_equal(m.path, "");
	assert_false(run_map_parse("", &m, &exec));
	assert_false(run_map_parse("2000-1000 r-xp 0 0:0 0 /x\n", &m, &exec));
	assert_false(run_map_parse("hello\n", &m, &exec));
}

static void map_at(struct run_procs *ps, pid_t pid, uint64_t start, uint64_t end, const char *path,
		   uint64_t when)
{
	struct run_map m = { .start = start, .end = end, .since = when, .path = intern(path) };

	run_procs_map(ps, pid, &m);
}

static const char *path_at(struct run_procs *ps, pid_t pid, uint64_t addr, uint64_t when)
{
	const struct run_map *m = run_procs_find(ps, pid, addr, when);

	return m ? m->path : "";
}

/* A pid that no process has. */
#define NOBODY 0x7ffffff0

static void test_newer_mapping_wins_from_its_time(void **state)
{
	struct run_procs *ps = run_procs_create();

	(void)state;
	map_at(ps, NOBODY, 0x1000, 0x3000, "/a", 10);
	map_at(ps, NOBODY, 0x2000, 0x4000, "/b", 20);
	assert_string_equal(path_at(ps, NOBODY, 0x2800, 15), "/a");
	assert_string_equal(path_at(ps, NOBODY, 0x2800, 25), "/b");
	assert_string_equal(path_at(ps, NOBODY, 0x5000, 25), "");
	run_procs_destroy(ps);
}

static void test_fork_exec_exit(void **state)
{
	struct run_procs *ps = run_procs_create();

	(void)state;
	map_at(ps, NOBODY, 0x1000, 0x2000, "/parent", 10);
	run_procs_fork(ps, NOBODY, NOBODY + 1, 20);
	assert_string_equal(path_at(ps, NOBODY + 1, 0x1000, 21), "/parent");
	run_procs_exec(ps, NOBODY + 1, 30);
	map_at(ps, NOBODY + 1, 0x1000, 0x2000, "/child", 31);
	assert_string_equal(path_at(ps, NOBODY + 1, 0x1800, 25), "/parent");
	assert_string_equal(path_at(ps, NOBODY + 1, 0x1800, 35), "/child");
	run_procs_exit(ps, NOBODY + 1, 40);
	/* A record of the process may be looked at after its end. */
	assert_string_equal(path_at(ps, NOBODY + 1, 0x1800, 39), "/child");
	run_procs_prune(ps, 35);
	assert_string_equal(path_at(ps, NOBODY + 1, 0x1800, 39), "/child");
	run_procs_prune(ps, 50);
	assert_string_equal(path_at(ps, NOBODY + 1, 0x1800, 39), "");
	assert_string_equal(path_at(ps, NOBODY, 0x1800, 39), "/parent");
	run_procs_destroy(ps);
}

static void test_own_maps(void **state)
{
	struct run_procs *ps = run_procs_create();
	uint64_t addr = (uint64_t)(uintptr_t)test_own_maps;
	const char *path = path_at(ps, getpid(), addr, 1);

	(void)state;
	assert_non_null(strstr(path, "unit_run_procs"));
	assert_non_null(run_procs_find_file(ps, getpid(), path, 1));
	run_procs_destroy(ps);
}

struct seen {
	int maps, exits;
};

static void seen_map(void *ctx, pid_t tgid, const struct run_map *m)
{
	(void)tgid;
	(void)m;
	((struct seen *)ctx)->maps++;
}

static void seen_exit(void *ctx, pid_t tgid)
{
	(void)tgid;
	((struct seen *)ctx)->exits++;
}

static void test_hooks(void **state)
{
	static const struct run_procs_hooks hooks = { seen_map, seen_exit };
	struct run_procs *ps = run_procs_create();
	struct seen seen = { 0 };

	(void)state;
	run_procs_watch(ps, &hooks, &seen);
	map_at(ps, NOBODY, 0x1000, 0x2000, "/a", 1);
	run_procs_fork(ps, NOBODY, NOBODY + 1, 2);
	run_procs_exec(ps, NOBODY + 1, 3);
	run_procs_exit(ps, NOBODY, 4);
	assert_int_equal(seen.maps, 2);
	assert_int_equal(seen.exits, 2);
	run_procs_destroy(ps);
}

/* A short-lived program is known although it has ended before anybody asks. */
static void test_sideband(void **state)
{
	struct run_sideband *sb = run_sideband_open();
	struct run_procs *ps = run_procs_create();
	const struct run_map *m;
	uint64_t when;
	pid_t pid;

	(void)state;
	if (!sb)
		skip();
	run_procs_read_all(ps);
	pid = fork();
	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	when = (uint64_t)run_clock_ns();
	run_sideband_drain(sb, ps);
	m = run_procs_find_file(ps, pid, "/usr/bin/true", when);
	if (!m)
		m = run_procs_find_file(ps, pid, "/bin/true", when);
	assert_non_null(m);
	assert_true(m->until <= when && m->since > 0);
	assert_int_equal(run_sideband_lost(sb), 0);
	run_procs_destroy(ps);
	run_sideband_close(sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_lines), cmocka_unit_test(test_newer_mapping_wins_from_its_time),
		cmocka_unit_test(test_fork_exec_exit), cmocka_unit_test(test_own_maps),
		cmocka_unit_test(test_hooks), cmocka_unit_test(test_sideband),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
