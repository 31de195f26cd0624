/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: values, refusals, the rc file, limits, facts of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/intern.h"
#include "cli/kernel.h"
#include "cli/options.h"
#include "cli/tunables.h"

/* Parses up to 12 words; what is said on standard error goes to `said`. */
static char said[4096];

static int parse(struct cli_options *o, const char *const *words)
{
	char *argv[14] = { (char *)"stap" };
	int argc = 1, status, saved = dup(STDERR_FILENO);
	FILE *f = tmpfile();
	size_t n;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)intern(words[argc - 1]);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	status = cli_options_parse(o, argc, argv);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = 0;
	fclose(f);
	return status;
}
#define PARSE(o, ...) parse(o, (const char *[]){ __VA_ARGS__, NULL })

static int no_rc_file(void **state)
{
	(void)state;
	return setenv("SYSTEMTAP_DIR", "/nonexistent", 1) || unsetenv("SYSTEMTAP_RELEASE");
}

static void test_values(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-e", "probe begin {}", "-vp4", "-x", "12", "-T5", "-S", "3,7", "-o", "f", "-gt"), 0);
	assert_string_equal(o.script_text, "probe begin {}");
	assert_int_equal(o.last_pass, 4);
	assert_int_equal(o.verbose[1], 1);
	assert_int_equal(o.target, 12);
	assert_int_equal(o.timeout_s, 5);
	assert_int_equal(o.rotate_bytes, 3 << 20);
	assert_int_equal(o.rotate_count, 7);
	assert_string_equal(o.output, "f");
	assert_true(o.guru && o.timing && !o.keep);
	cli_options_free(&o);
}

static void test_script_and_arguments(void **state)
{
	struct cli_options o;

	(void)state;
	/* Options may follow the script; what follows "--" is the script's. */
	assert_int_equal(PARSE(&o, "a.stp", "one", "-x", "5", "two", "--", "-v"), 0);
	assert_string_equal(o.script_file, "a.stp");
	assert_int_equal(o.target, 5);
	assert_int_equal(arrlen(o.args), 3);
	assert_string_equal(o.args[0], "one");
	assert_string_equal(o.args[2], "-v");
	assert_int_equal(o.verbose[1], 0);
	cli_options_free(&o);
	assert_int_equal(PARSE(&o, "-e", "x", "one"), 0);
	assert_null(o.script_file);
	assert_string_equal(o.args[0], "one");
	cli_options_free(&o);
}

static void test_verbosity_by_pass(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-e", "x", "-v", "--vp", "02"), 0);
	assert_int_equal(o.verbose[1], 1);
	assert_int_equal(o.verbose[2], 3);
	assert_int_equal(o.verbose[3], 1);
	cli_options_free(&o);
}

static void test_lists(void **state)
{
	struct cli_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-e", "x", "-Ia", "-I", "b", "-DMAXERRORS=3", "-DFLAG", "-Gv=1", "-E", "y"), 0);
	assert_string_equal(o.include_dirs[1], "b");
	assert_string_equal(cli_define(&o, "MAXERRORS"), "3");
	assert_string_equal(cli_define(&o, "FLAG"), "");
	assert_null(cli_define(&o, "OTHER"));
	assert_string_equal(o.globals[0].name, "v");
	assert_string_equal(o.globals[0].value, "1");
	assert_string_equal(o.extra_scripts[0], "y");
	cli_options_free(&o);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *words[8], *message;
	} cases[] = {
		{ { "--nosuch" }, "stap: unrecognized option '--nosuch'\nTry '--help' for more information. [man stap]\n" },
		{ { "-Z" }, "stap: invalid option -- 'Z'\n" },
		{ { "-e" }, "stap: option requires an argument -- 'e'\n" },
		{ { "-v" }, "A script must be specified.\n" },
		{ { "-p6", "-e", "x" }, "Invalid pass number (should be 1-5).\n" },
		{ { "-px", "-e", "x" }, "Invalid pass number (should be 1-5).\n" },
		{ { "--vp", "12x", "-e", "x" }, "Invalid --vp argument: it takes 1 to 5 digits.\n" },
		{ { "-s", "4096", "-e", "x" }, "Invalid buffer size (should be 1-4095).\n" },
		{ { "-T", "0", "-e", "x" }, "Invalid timeout interval.\n" },
		{ { "-x", "1x", "-e", "x" }, "Invalid target process ID number.\n" },
		{ { "-c", "", "-e", "x" }, "Empty CMD string invalid.\n" },
		{ { "-e", "x", "-e", "y" }, "Only one script can be given on the command line.\n" },
		{ { "-l", "a", "-L", "b" }, "ERROR: only one of the -l/-L/--dump-* switches may be specified\n" },
		{ { "-l", "a", "-e", "x" }, "Cannot specify a script with -l/-L/--dump-* switches.\n" },
		{ { "-c", "a", "-x", "1", "-e", "x" }, "You can't specify -c and -x together.\n" },
		{ { "-S", "1,", "-e", "x" },
		  "ERROR: Safety pattern mismatch for -S parameter ('1,' vs. '^[0-9]+(,[0-9]+)?$') rc=1\n" },
		{ { "-D", "a b", "-e", "x" }, "ERROR: Safety pattern mismatch for -D parameter ('a b' vs." },
		{ { "-G", "a", "-e", "x" }, "ERROR: Safety pattern mismatch for -G parameter ('a' vs." },
		{ { "-m", "a-b", "-e", "x" }, "ERROR: Safety pattern mismatch for -m parameter ('a-b' vs." },
		{ { "-S", "1", "-e", "x" }, "You have to specify output FILE with '-S' option.\n" },
		{ { "--color=pink", "-e", "x" }, "Invalid argument 'pink' for --color.\n" },
		{ { "--privilege=me", "-e", "x" }, "Invalid argument 'me' for --privilege.\n" },
		{ { "--runtime=none", "-e", "x" }, "ERROR: none is an invalid argument for --runtime\n" },
		{ { "--compatible=99", "-e", "x" },
		  "ERROR: systemtap version 4.8 cannot be compatible with future version 99\n" },
		{ { "--suppress-time-limits", "-e", "x" }, "ERROR: --suppress-time-limits requires guru mode (-g)\n" },
		{ { "--remote=host", "-e", "x" }, "ERROR: --remote=host is not available in bpftap: run stap on that" },
		{ { "-i", "-e", "x" }, "ERROR: -i is not available in bpftap: put the script into a file" },
		{ { "--interactive", "-e", "x" }, "ERROR: -i is not available in bpftap: put the script into a file" },
		{ { "--use-server", "-e", "x" }, "ERROR: --use-server is not available in bpftap: there are no" },
		{ { "--list-servers=all", "-e", "x" }, "ERROR: --list-servers is not available in bpftap: there are no" },
		{ { "--trust-servers", "-e", "x" }, "ERROR: --trust-servers is not available in bpftap: there are no" },
		{ { "--dyninst", "-e", "x" },
		  "ERROR: --runtime=dyninst unavailable; this build lacks DYNINST feature\n" },
		{ { "--runtime=dyninst", "-e", "x" },
		  "ERROR: --runtime=dyninst unavailable; this build lacks DYNINST feature\n" },
		{ { "-a", "arm64", "-e", "x" }, "ERROR: -a arm64 is not available in bpftap: scripts are compiled" },
		{ { "--rlimit-cpu=x", "-e", "x" }, "Unable to convert resource limit 'x' for rlimit-cpu\n" },
		{ { "--sysenv=PATH=/bin", "-e", "x" }, "ERROR: --sysenv must follow --sysroot\n" },
		{ { "--sysroot=/", "--sysenv=PATH", "-e", "x" }, "ERROR: PATH is an invalid argument for --sysenv\n" },
		{ { "--target-namespaces=x", "-e", "x" }, "Invalid process ID number for target namespaces.\n" },
		{ { "--modinfo=x", "-e", "x" },
		  "ERROR: Safety pattern mismatch for --modinfo parameter ('x' vs. '^[a-z_][a-z0-9_]*=.+$') rc=1\n" },
		{ { "--download-debuginfo=x", "-e", "x" },
		  "ERROR: x is not a valid value. Use 'yes', 'no', 'ask' or a timeout value.\n" },
	};
	struct cli_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&o, cases[i].words), 1);
		if (strncmp(said, cases[i].message, strlen(cases[i].message)))
			fail_msg("said: %s instead of: %s", said,
				 cases[i].message);
		cli_options_free(&o);
	}
}

static void test_rc_file(void **state)
{
	char dir[] = "/tmp/unit_cli_XXXXXX", path[64];
	struct cli_options o;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/rc", dir);
	f = fopen(path, "w");
	fputs("# standing options\n-v -DMAXERRORS=9\n-G 'n=3'\n", f);
	fclose(f);
	setenv("SYSTEMTAP_DIR", dir, 1);
	assert_int_equal(PARSE(&o, "-e", "x", "-v"), 0);
	assert_int_equal(o.verbose[1], 2);
	assert_string_equal(cli_define(&o, "MAXERRORS"), "9");
	assert_string_equal(o.globals[0].value, "3");
	cli_options_free(&o);
	unlink(path);
	rmdir(dir);
	no_rc_file(state);
}

static void test_tunables(void **state)
{
	struct prog_limits l;
	struct cli_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-e", "x", "-DMAXACTION=50", "-DMAXSTRINGLEN=4", "-DSTP_NO_OVERLOAD", "-s", "2",
			       "-DMAXBACKTRACE=3"), 0);
	assert_int_equal(cli_limits(&o, &l), 0);
	assert_int_equal(l.maxaction, 50);
	assert_int_equal(l.maxaction_interruptible, 500);
	assert_true(l.maxstringlen >= 4);
	assert_int_equal(l.buffer_bytes, 2 << 20);
	assert_int_equal(cli_max_backtrace(&o), 3);
	cli_options_free(&o);
}

static void test_kernel(void **state)
{
	struct arena *a = arena_create();
	struct cli_kernel k;

	(void)state;
	cli_kernel_init(&k, a, "6.1.0-56-amd64");
	assert_string_equal(k.version, "6.1.0");
	assert_string_equal(k.release, "6.1.0-56-amd64");
	cli_kernel_fini(&k);
	cli_kernel_init(&k, a, NULL);
	assert_true(k.version[0] >= '1');
	assert_null(cli_kernel_config(&k, "CONFIG_NO_SUCH_OPTION"));
	cli_kernel_fini(&k);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_script_and_arguments),
		cmocka_unit_test(test_verbosity_by_pass), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_rc_file),
		cmocka_unit_test(test_tunables), cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, no_rc_file, NULL);
}
