/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run-time routines against plain C, with random strings around their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/ds.h"
#include "ir/regex.h"
#include "ir/statmath.h"
#include "out/format.h"
#include "rt/rt.h"

#define A	0u
#define B	4096u
#define C	8192u
#define DST	12288u
#define STATE	16384u

static struct rt_mem *m;
static unsigned char canary[1024];
static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % n;
}

static char *at(uint32_t off)
{
	return (char *)&m->b[off];
}

static void fill(uint32_t off, const char *s)
{
	memset(at(off), 0xaa, 2048);
	strcpy(at(off), s);
}

/* Few letters, so that searches hit. */
static char *random_string(char *buf, uint32_t max)
{
	uint32_t n = rnd(max + 1);

	for (uint32_t i = 0; i < n; i++)
		buf[i] = (char)(rnd(20) ? 'a' + (int)rnd(3) : (int)(128 + rnd(127)));
	buf[n] = 0;
	return buf;
}

/* The result at DST: its text, returned length, cut mark, and nothing written past the bound. */
static void expect(const char *want, uint32_t size, long r)
{
	char cut[4096];
	bool truncated = strlen(want) >= size;

	snprintf(cut, sizeof(cut), "%.*s", (int)size - 1, want);
	assert_string_equal(at(DST), cut);
	assert_int_equal(RT_LEN(r), strlen(cut));
	assert_int_equal((r & RT_CUT) != 0, truncated);
	assert_memory_equal(at(DST) + RT_ROUND(size), canary, sizeof(canary));
}

static int sign(long v)
{
	return v < 0 ? -1 : v > 0;
}

static void test_copies(void **state)
{
	char a[600], b[600], want[1300];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t size = 1 + rnd(rnd(2) ? 24 : 300), max = rnd(2) ? 20 : 300;

		fill(A, random_string(a, max));
		fill(B, random_string(b, max));
		assert_int_equal(rt_strlen(m, A), strlen(a));
		assert_int_equal(sign(rt_strcmp(m, A, B)), sign(strcmp(a, b)));
		memset(at(DST), 0xaa, 2048);
		expect(a, size, rt_strcpy(m, DST, size, A));
		memset(at(DST), 0xaa, 2048);
		snprintf(want, sizeof(want), "%s%s", a, b);
		expect(want, size, rt_concat(m, DST, size, A, B));
		memset(at(DST), 0xaa, 2048);
		rt_strcpy(m, DST, size, A);
		snprintf(want, sizeof(want), "%.*s%s", (int)size - 1, a, b);
		expect(want, size, rt_concat(m, DST, size, DST, B));
	}
}

static void test_equal_strings(void **state)
{
	char a[300];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		fill(A, random_string(a, 100));
		fill(B, a);
		memset(at(B) + strlen(a) + 1, 0x55, 32);
		assert_int_equal(rt_strcmp(m, A, B), 0);
		assert_int_equal(rt_starts(m, A, B), 1);
		rt_strpad(m, B, 128);
		assert_string_equal(at(B), a);
		for (size_t k = strlen(a); k < 128; k++)
			assert_int_equal(at(B)[k], 0);
	}
}

static void replace_all(char *out, const char *s, const char *from, const char *to)
{
	const char *hit;

	*out = 0;
	while (*from && (hit = strstr(s, from))) {
		strncat(out, s, (size_t)(hit - s));
		strcat(out, to);
		s = hit + strlen(from);
	}
	strcat(out, s);
}

static void test_searches(void **state)
{
	char a[200], b[8], c[8], want[4000];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t size = 1 + rnd(200);
		const char *hit;
		int64_t start = (int64_t)rnd(120) - 5, n = (int64_t)rnd(120) - 5;
		size_t len;

		fill(A, random_string(a, 100));
		fill(B, random_string(b, 3));
		fill(C, random_string(c, 5));
		hit = strstr(a, b);
		assert_int_equal(rt_strpos(m, A, B), hit ? hit - a : -1);
		memset(at(DST), 0xaa, 2048);
		m->arg[0] = start;
		m->arg[1] = n;
		len = strlen(a);
		if (start < 0 || start >= (int64_t)len || n <= 0)
			*want = 0;
		else
			snprintf(want, sizeof(want), "%.*s", (int)n, a + start);
		expect(want, size, rt_substr(m, DST, size, A));
		memset(at(DST), 0xaa, 2048);
		m->arg[0] = B;
		m->arg[1] = C;
		replace_all(want, a, b, c);
		expect(want, size, rt_str_replace(m, DST, size, A));
	}
}

static void test_tokens(void **state)
{
	char a[200], b[4];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		char copy[200], *save = copy, *tok;

		random_string(a, 60);
		random_string(b, 2);
		strcpy(copy, a);
		fill(A, a);
		fill(B, b);
		m->arg[0] = -1;
		rt_tokenize_start(m, STATE, 512, A);
		for (int k = 0; k < 80; k++) {
			do
				tok = strsep(&save, b);
			while (tok && !*tok);
			memset(at(DST), 0xaa, 2048);
			expect(tok ? tok : "", 512, rt_tokenize(m, DST, 512, B, STATE));
		}
	}
}

static void test_numbers(void **state)
{
	static const enum ir_conv convs[] = { IR_CONV_INT, IR_CONV_UINT, IR_CONV_OCT, IR_CONV_HEX,
					      IR_CONV_HEX_UP, IR_CONV_PTR, IR_CONV_CHAR };
	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct ir_piece piece = { .conv = convs[rnd(7)], .flags = (uint8_t)rnd(32) };
		struct ir_format f = { 0 };
		struct out_arg arg = { .i = (int64_t)(seed >> rnd(64)) * (rnd(2) ? 1 : -1) };
		struct out_buf b = { 0 };
		uint32_t size = 1 + rnd(60);

		piece.width = (int32_t)rnd(40) - 1;
		piece.prec = (int32_t)rnd(30) - 1;
		if (piece.conv == IR_CONV_CHAR && !(arg.i & 255))
			arg.i = 'x';
		arrput(f.pieces, piece);
		assert_int_equal(out_format(&b, &f, &arg, 1, NULL), 0);
		out_buf_add(&b, "", 1);
		memset(at(DST), 0xaa, 2048);
		m->arg[0] = piece.width;
		m->arg[1] = piece.prec;
		expect(b.p, size, rt_fmt_int(m, DST, size, arg.i, RT_SPEC(piece.conv, piece.flags)));
		out_buf_free(&b);
		arrfree(f.pieces);
	}
}

static void test_fields(void **state)
{
	char a[100];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct ir_piece piece = { .conv = IR_CONV_STR, .flags = rnd(2) ? IR_FMT_MINUS : 0 };
		struct ir_format f = { 0 };
		struct out_arg arg = { .s = random_string(a, 30), .len = (uint32_t)strlen(a) };
		struct out_buf b = { 0 };
		uint32_t size = 1 + rnd(60);

		fill(A, a);
		piece.width = (int32_t)rnd(40) - 1;
		piece.prec = (int32_t)rnd(30) - 1;
		arrput(f.pieces, piece);
		out_format(&b, &f, &arg, 1, NULL);
		out_buf_add(&b, "", 1);
		memset(at(DST), 0xaa, 2048);
		m->arg[0] = piece.width;
		m->arg[1] = piece.prec;
		expect(b.p, size, rt_fmt_str(m, DST, size, A, RT_SPEC(IR_CONV_STR, piece.flags)));
		out_buf_free(&b);
		arrfree(f.pieces);
	}
}

static void test_strtol(void **state)
{
	static const char *const texts[] = { "0", "-0", "7fffffffffffffff", "0x7f", "-0x10", "0777", "08" };
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		fill(A, texts[i]);
		assert_int_equal(rt_strtol(m, A, 16), strtoll(texts[i], NULL, 16));
		assert_int_equal(rt_strtol(m, A, 0), strtoll(texts[i], NULL, 0));
	}
	for (int i = 0; i < 10000; i++) {
		int64_t v = (int64_t)(seed >> rnd(64)) * (rnd(2) ? 1 : -1);

		(void)rnd(2);
		snprintf(buf, sizeof(buf), "%lld,", (long long)v);
		fill(A, buf);
		assert_int_equal(rt_strtol(m, A, rnd(2) ? 10 : 0), v);
	}
}

static void test_text(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char a[100];
		uint32_t size = 6 + rnd(80), n = rnd(30);
		int64_t max = rnd(40), quoted = rnd(2);
		long r;

		for (uint32_t k = 0; k < n; k++)
			a[k] = (char)(1 + rnd(255));
		a[n] = 0;
		fill(A, a);
		memset(at(DST), 0xaa, 2048);
		m->arg[0] = max;
		m->arg[1] = quoted;
		r = rt_text_str(m, DST, size, A);
		assert_true(strlen(at(DST)) < size);
		assert_int_equal(RT_LEN(r), strlen(at(DST)));
		for (const char *p = at(DST); *p; p++)
			assert_true(*p >= 32 && *p < 127);
		if (quoted)
			assert_true(at(DST)[0] == '"' && strchr("\".", at(DST)[RT_LEN(r) - 1]));
		assert_memory_equal(at(DST) + RT_ROUND(size), canary, sizeof(canary));
	}
}

static void test_dfa(void **state)
{
	static struct rt_dfa table;
	struct arena *a = arena_create();
	struct ir_module *mod = ir_module_create(a);
	uint32_t re = ir_regex_add(mod, "^a*(b|c)+$|aab", NULL);
	const struct ir_dfa *d;
	const char *err;

	(void)state;
	assert_int_equal(ir_regex_compile(mod, mod->regexes[re], &err), 0);
	d = mod->regexes[re]->dfa;
	table.nclasses = d->nclasses;
	table.start = d->start;
	memcpy(table.class_of, d->class_of, sizeof(table.class_of));
	memcpy(table.next, d->next, d->nstates * d->nclasses * sizeof(*d->next));
	for (int i = 0; i < 5000; i++) {
		char s[40];

		fill(A, random_string(s, 12));
		assert_int_equal(rt_dfa_match(m, &table, A), ir_dfa_match(d, s));
	}
	arena_destroy(a);
}

static void test_buckets(void **state)
{
	(void)state;
	assert_int_equal(rt_log_bucket(0), 64);
	assert_int_equal(rt_log_bucket(1), 65);
	assert_int_equal(rt_log_bucket(INT64_MAX), 127);
	assert_int_equal(rt_log_bucket(-1), 63);
	assert_int_equal(rt_log_bucket(INT64_MIN), 0);
	assert_int_equal(rt_linear_bucket(INT64_MIN, 0, 10, 13), 0);
	assert_int_equal(rt_linear_bucket(INT64_MAX, INT64_MIN, 1, 13), 12);
	for (int i = 0; i < 20000; i++) {
		int64_t v = (int64_t)(seed >> rnd(64)) * (rnd(2) ? 1 : -1);
		uint64_t hi = rnd(5), lo = (uint64_t)seed;
		unsigned __int128 want = ((unsigned __int128)hi << 64 | lo) +
			(unsigned __int128)((__int128)v * v);

		assert_int_equal(rt_log_bucket(v), v == 0 ? 64 : v > 0 ? 128 - __builtin_clzll((uint64_t)v) :
				 __builtin_clzll(0 - (uint64_t)v));
		statmath_add_square(&hi, &lo, v);
		assert_true(hi == (uint64_t)(want >> 64) && lo == (uint64_t)want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),	 cmocka_unit_test(test_equal_strings),
		cmocka_unit_test(test_searches), cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_numbers),	 cmocka_unit_test(test_fields),
		cmocka_unit_test(test_strtol),	 cmocka_unit_test(test_text),
		cmocka_unit_test(test_dfa),	 cmocka_unit_test(test_buckets),
	};

	m = calloc(1, sizeof(*m));
	memset(canary, 0xaa, sizeof(canary));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
