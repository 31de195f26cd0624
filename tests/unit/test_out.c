/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats and histograms: what SystemTap prints. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ir/fmt.h"
#include "ir/store.h"
#include "out/format.h"

static struct arena *arena;
static struct ir_module *module;

static const struct ir_format *format(const char *text)
{
	const char *err = NULL;
	uint32_t i = ir_format_parse(module, text, &err);

	if (err)
		fail_msg("%s: %s", text, err);
	return module->formats[i];
}

static void check_int(const char *fmt, int64_t v, const char *want, size_t len)
{
	struct out_buf b = { 0 };
	struct out_arg a = { .i = v };

	assert_int_equal(out_format(&b, format(fmt), &a, 1, NULL), 0);
	if (b.len != len || memcmp(b.p, want, len) != 0)
		fail_msg("%s of %lld: got '%.*s', want '%s'", fmt, (long long)v, (int)b.len, b.p, want);
	out_buf_free(&b);
}

static void test_integers(void **state)
{
	static const struct {
		const char *fmt;
		int64_t v;
		const char *want;
	} t[] = {
		{ "%d", 0, "0" }, { "%i", -7, "-7" }, { "%u", -1, "18446744073709551615" },
		{ "%x", 255, "ff" }, { "%X", 255, "FF" }, { "%o", 8, "10" },
		{ "%#x", 255, "0xff" }, { "%#X", 255, "0XFF" }, { "%#o", 8, "010" },
		{ "%#x", 0, "0x0" }, { "%#o", 0, "00" }, { "%p", 0, "0x0" }, { "%p", 0xdead, "0xdead" },
		{ "%8p", 1, "     0x1" }, { "%-8p|", 1, "0x1     |" }, { "%08p", 1, "0x000001" },
		{ "%5d", 42, "   42" }, { "%-5d|", 42, "42   |" }, { "%05d", -42, "-0042" },
		{ "%+d", 5, "+5" }, { "% d", 5, " 5" }, { "%+x", 5, "5" }, { "%-05d|", 3, "3    |" },
		{ "%.3d", 5, "005" }, { "%6.3d", 5, "   005" }, { "%06.3d", 5, "000005" },
		{ "%.0d", 0, "0" }, { "%d", INT64_MIN, "-9223372036854775808" },
		{ "%lld %%", 3, "3 %" }, { "%ld", 3, "3" }, { "%hx", 0x12345, "12345" },
		{ "%c", 'A', "A" }, { "%3c", 'A', "  A" }, { "%-3c|", 'A', "A  |" },
		{ "%#c", '\n', "\\n" }, { "%#c", 1, "\\001" }, { "%#c", 200, "\\310" },
		{ "%#c", 'q', "q" }, { "%#c", '\\', "\\\\" }, { "%#4c|", '\t', "  \\t|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		check_int(t[i].fmt, t[i].v, t[i].want, strlen(t[i].want));
	check_int("%c", 0, "", 1);
	check_int("%b", 0x4142434445464748, "HGFEDCBA", 8);
	check_int("%1b", 0x4142, "B", 1);
	check_int("%2b", 0x4142, "BA", 2);
	check_int("%4b", 0x41424344, "DCBA", 4);
	check_int("%8.4b", 0x41424344, "\0\0\0\0DCBA", 8);
	check_int("%-8.4b", 0x41424344, "DCBA\0\0\0\0", 8);
	check_int("%3b", 0x41, "A\0\0\0\0\0\0\0", 8);
}

static void check_str(const char *fmt, const char *s, const char *want)
{
	struct out_buf b = { 0 };
	struct out_arg a = { .s = s, .len = (uint32_t)strlen(s) };

	assert_int_equal(out_format(&b, format(fmt), &a, 1, NULL), 0);
	out_buf_add(&b, "", 1);
	assert_string_equal(b.p, want);
	out_buf_free(&b);
}

static void test_strings(void **state)
{
	(void)state;
	check_str("%s", "", "");
	check_str("[%s]", "abc", "[abc]");
	check_str("%6s", "abc", "   abc");
	check_str("%-6s|", "abc", "abc   |");
	check_str("%.2s", "abc", "ab");
	check_str("%5.1s|", "abc", "    a|");
	check_str("%2s", "abc", "abc");
	check_str("%m", "41420a", "AB\n");
	check_str("%M", "41420a", "41420a");
	check_str("%8M", "4142", "    4142");
	check_str("%-4m|", "4142", "AB  |");
	check_str("%m", "4", "");
}

static void test_stars(void **state)
{
	struct out_buf b = { 0 };
	struct out_arg a[] = { { .i = -5 }, { .i = 3 }, { .i = 7 }, { .i = -2 }, { .s = "x", .len = 1 } };

	(void)state;
	assert_int_equal(out_format(&b, format("%*.*d|%.*s|"), a, 5, NULL), 0);
	out_buf_add(&b, "", 1);
	assert_string_equal(b.p, "007  ||");
	out_buf_free(&b);
	assert_int_equal(out_format(&b, format("%d %d"), a, 1, NULL), -EINVAL);
	assert_int_equal(out_format(&b, format("%s"), a, 1, NULL), -EINVAL);
	assert_int_equal(b.len, 0);
	out_buf_free(&b);
}

static void test_bad_formats(void **state)
{
	const char *err;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		err = NULL;
		assert_int_equal(ir_format_parse(module, ((const char *[]){ "%", "%5", "%z", "%-" })[i], &err),
				 UINT32_MAX);
		assert_non_null(err);
	}
}

static void expand(void *ctx, const char *fields, size_t len, struct out_buf *b)
{
	(void)ctx;
	out_buf_printf(b, "<%.*s>", (int)len, fields);
}

static void test_deferred(void **state)
{
	const struct out_defer d = { NULL, expand };
	static const char text[] = "a\001s1,2\002b\001k3\002\001 open";
	struct out_arg a = { .s = text, .len = sizeof(text) - 1 };
	struct out_buf b = { 0 };

	(void)state;
	assert_int_equal(out_format(&b, format("%s|%.4s"), (struct out_arg[]){ a, a }, 2, &d), 0);
	out_buf_add(&b, "", 1);
	assert_string_equal(b.p, "a<s1,2>b<k3>\001 open|a<s1");
	out_buf_free(&b);
}

static void test_wire(void **state)
{
	const struct ir_format *f = format("%d %s %*d\n");
	uint64_t raw[8] = { 7, 5, 0, 4, 9 };
	struct out_buf b = { 0 };

	(void)state;
	memcpy(&raw[2], "hello\0\0", 8);
	assert_int_equal(out_format_wire(&b, f, raw, 40, NULL), 0);
	out_buf_add(&b, "", 1);
	assert_string_equal(b.p, "7 hello    9\n");
	b.len = 0;
	for (size_t size = 0; size < 40; size++)
		assert_int_equal(out_format_wire(&b, f, raw, size, NULL), -EINVAL);
	raw[1] = 0xffffffff;
	assert_int_equal(out_format_wire(&b, f, raw, 40, NULL), -EINVAL);
	raw[1] = 25;
	assert_int_equal(out_format_wire(&b, f, raw, 40, NULL), -EINVAL);
	assert_int_equal(b.len, 0);
	out_buf_free(&b);
}

static void check_hist(const struct ir_global *g, const struct wire_stat *st, const char *want)
{
	struct out_buf b = { 0 };

	out_hist(&b, g, st);
	out_buf_add(&b, "", 1);
	assert_string_equal(b.p, want);
	out_buf_free(&b);
}

static void add_many(const struct ir_global *g, struct wire_stat *st, int64_t v, int n)
{
	while (n-- > 0)
		ir_stat_add(g, st, v);
}

/* The two histograms of the Language Reference's chapter on statistics. */
static void test_hist_reference(void **state)
{
	const struct ir_global lin = { .type = IR_STAT, .hist = IR_HIST_LINEAR, .hist_lo = 0,
				       .hist_hi = 2000, .hist_step = 200 };
	const struct ir_global log = { .type = IR_STAT, .hist = IR_HIST_LOG };
	struct wire_stat *st = calloc(1, ir_stat_size(&log));

	(void)state;
	add_many(&lin, st, 100, 1650);
	add_many(&lin, st, 250, 8);
	add_many(&lin, st, 1500, 1);
	check_hist(&lin, st,
		   "value |-------------------------------------------------- count\n"
		   "    0 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1650\n"
		   "  200 |                                                      8\n"
		   "  400 |                                                      0\n"
		   "  600 |                                                      0\n"
		   "      ~\n"
		   " 1000 |                                                      0\n"
		   " 1200 |                                                      0\n"
		   " 1400 |                                                      1\n"
		   " 1600 |                                                      0\n"
		   " 1800 |                                                      0\n"
		   "\n");
	memset(st, 0, ir_stat_size(&log));
	add_many(&log, st, 50, 254);
	add_many(&log, st, 64, 3);
	add_many(&log, st, 200, 2);
	add_many(&log, st, 300, 2);
	add_many(&log, st, 1000, 4);
	add_many(&log, st, 1024, 16689);
	check_hist(&log, st,
		   "value |-------------------------------------------------- count\n"
		   "    8 |                                                       0\n"
		   "   16 |                                                       0\n"
		   "   32 |                                                     254\n"
		   "   64 |                                                       3\n"
		   "  128 |                                                       2\n"
		   "  256 |                                                       2\n"
		   "  512 |                                                       4\n"
		   " 1024 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@  16689\n"
		   " 2048 |                                                       0\n"
		   " 4096 |                                                       0\n"
		   "\n");
	free(st);
}

static void test_hist_edges(void **state)
{
	const struct ir_global lin = { .type = IR_STAT, .hist = IR_HIST_LINEAR, .hist_lo = 10,
				       .hist_hi = 20, .hist_step = 5 };
	const struct ir_global log = { .type = IR_STAT, .hist = IR_HIST_LOG };
	struct wire_stat *st = calloc(1, ir_stat_size(&log));

	(void)state;
	check_hist(&log, st, "");
	add_many(&lin, st, 3, 2);
	add_many(&lin, st, 12, 1);
	add_many(&lin, st, 99, 3);
	check_hist(&lin, st,
		   "value |-------------------------------------------------- count\n"
		   "  <10 |@@                                                 2\n"
		   "   10 |@                                                  1\n"
		   "   15 |                                                   0\n"
		   "   20 |                                                   0\n"
		   "  >20 |@@@                                                3\n"
		   "\n");
	memset(st, 0, ir_stat_size(&log));
	add_many(&log, st, -3, 1);
	add_many(&log, st, 0, 1);
	check_hist(&log, st,
		   "value |-------------------------------------------------- count\n"
		   "   -8 |                                                   0\n"
		   "   -4 |                                                   0\n"
		   "   -2 |@                                                  1\n"
		   "   -1 |                                                   0\n"
		   "    0 |@                                                  1\n"
		   "    1 |                                                   0\n"
		   "    2 |                                                   0\n"
		   "\n");
	memset(st, 0, ir_stat_size(&log));
	add_many(&log, st, INT64_MIN, 1);
	add_many(&log, st, INT64_MAX, 1);
	check_hist(&log, st,
		   "               value |-------------------------------------------------- count\n"
		   "-9223372036854775808 |@                                                  1\n"
		   "-4611686018427387904 |                                                   0\n"
		   "-2305843009213693952 |                                                   0\n"
		   "                     ~\n"
		   " 1152921504606846976 |                                                   0\n"
		   " 2305843009213693952 |                                                   0\n"
		   " 4611686018427387904 |@                                                  1\n"
		   "\n");
	free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),       cmocka_unit_test(test_strings),
		cmocka_unit_test(test_stars),	       cmocka_unit_test(test_bad_formats),
		cmocka_unit_test(test_deferred),       cmocka_unit_test(test_wire),
		cmocka_unit_test(test_hist_reference), cmocka_unit_test(test_hist_edges),
	};
	int rc;

	arena = arena_create();
	module = ir_module_create(arena);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_destroy(arena);
	return rc;
}
