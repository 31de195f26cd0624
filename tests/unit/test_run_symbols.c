/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols and stacks of this very process, and the text that handlers leave to be expanded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <execinfo.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "dbg/module.h"
#include "run/expand.h"
#include "run/stackwalk.h"

static struct run_procs *procs;
static struct run_symb *symb;

static int setup(void **state)
{
	(void)state;
	procs = run_procs_create();
	symb = run_symb_create(procs);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run_symb_destroy(symb);
	run_procs_destroy(procs);
	dbg_modules_close_all();
	return 0;
}

/* What is printed for an address of this process. */
static const char *text_of(uint64_t addr, enum run_addr_form form)
{
	static char text[1024];
	struct run_query q = { .tgid = getpid(), .addr = addr, .when = 1 };
	struct out_buf b = { 0 };

	run_symb_print_user(symb, &q, form, &b);
	snprintf(text, sizeof(text), "%.*s", (int)b.len, b.p ? b.p : "");
	out_buf_free(&b);
	return text;
}

static __attribute__((noinline, noclone)) int named_function(int x)
{
	return x * 3 + 1;
}

static void test_forms(void **state)
{
	uint64_t at = (uint64_t)(uintptr_t)named_function;
	char self[4096] = { 0 }, expected[5000];
	unsigned size;

	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_string_equal(text_of(at, RUN_ADDR_NAME), "named_function");
	assert_string_equal(text_of(at + 1, RUN_ADDR_BRIEF), "named_function+0x1");
	assert_string_equal(text_of(at, RUN_ADDR_MODULE), self);
	snprintf(expected, sizeof(expected), "named_function+0x2 [%s]", strrchr(self, '/') + 1);
	assert_string_equal(text_of(at + 2, RUN_ADDR_SIMPLE), expected);
	assert_int_equal(sscanf(text_of(at, RUN_ADDR_DATA), "named_function+0x0/0x%x", &size), 1);
	assert_in_range(size, 4, 200);
	snprintf(expected, sizeof(expected), " 0x%" PRIx64 " : named_function+0x0/0x%x [%s]", at, size, self);
	assert_string_equal(text_of(at, RUN_ADDR_FULL), expected);
	assert_non_null(strstr(text_of(at, RUN_ADDR_FILELINE), "test_run_symbols.c:"));
	assert_true(atoi(text_of(at, RUN_ADDR_LINE)) > 30);
	assert_non_null(strstr(text_of(at, RUN_ADDR_FULLER), "test_run_symbols.c:"));
}

static void test_unknown_addresses(void **state)
{
	(void)state;
	assert_string_equal(text_of(1, RUN_ADDR_NAME), "0x1");
	assert_string_equal(text_of(1, RUN_ADDR_FULL), " 0x1");
	assert_string_equal(text_of(1, RUN_ADDR_DATA), "0x1");
	assert_string_equal(text_of(1, RUN_ADDR_FILELINE), "0x1");
	assert_string_equal(text_of(0, RUN_ADDR_BRIEF), "0x0");
}

static void test_library_and_vdso(void **state)
{
	uint64_t vdso = getauxval(AT_SYSINFO_EHDR);

	(void)state;
	assert_non_null(strstr(text_of((uint64_t)(uintptr_t)getpid, RUN_ADDR_DATA), "getpid+0x0/0x"));
	assert_non_null(strstr(text_of((uint64_t)(uintptr_t)getpid, RUN_ADDR_MODULE), "libc"));
	if (vdso)
		assert_string_equal(text_of(vdso + 0x10, RUN_ADDR_MODULE), "[vdso]");
}

/* ---- stacks ---- */

static uint64_t walked[RUN_WALK_MAX];
static size_t nwalked;
static void *truth[RUN_WALK_MAX];
static int ntruth;
static bool hide_returns;

/* Does to a copied stack what return probes of the callers would have done; the number of pairs. */
static size_t replace_returns(uint8_t *copy, size_t len, uint64_t base, uint64_t (*pairs)[2], size_t max)
{
	const uint64_t trampoline = 0x7fffffffe000;
	size_t n = 0;

	for (size_t at = 0; at + 8 <= len && n < max; at += 8) {
		uint64_t v;

		memcpy(&v, copy + at, 8);
		for (int k = 1; k < ntruth; k++) {
			if (v != (uint64_t)(uintptr_t)truth[k])
				continue;
			pairs[n][0] = base + at;
			pairs[n++][1] = v;
			memcpy(copy + at, &trampoline, 8);
			break;
		}
	}
	return n;
}

/* Takes registers and `copy` bytes of the stack as a handler would, and unwinds. */
__attribute__((noinline)) static int take_stack(size_t copy)
{
	static const int order[17] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
				       REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
				       REG_RIP };
	struct run_stack st = { .tgid = getpid(), .when = 1 };
	uint64_t reg[17], pairs[200][2];
	uint8_t *bytes = malloc(copy + 1);
	ucontext_t uc;

	ntruth = backtrace(truth, RUN_WALK_MAX);
	getcontext(&uc);
	for (int i = 0; i < 17; i++)
		reg[i] = (uint64_t)uc.uc_mcontext.gregs[order[i]];
	/* Through the kernel: a sanitizer takes the copy for a fault. */
	assert_int_equal(process_vm_readv(getpid(), &(struct iovec){ bytes, copy }, 1,
					  &(struct iovec){ (void *)(uintptr_t)reg[7], copy }, 1, 0), copy);
	st.reg = reg;
	st.copy = bytes;
	st.copy_len = copy;
	if (hide_returns) {
		st.returns = (const uint8_t *)pairs;
		st.nreturns = replace_returns(bytes, copy, reg[7], pairs, 200);
	}
	nwalked = run_walk(symb, &st, walked, RUN_WALK_MAX);
	free(bytes);
	return (int)nwalked;
}

__attribute__((noinline)) static int recurse(int depth, size_t copy)
{
	volatile char pad[200];
	int n;

	pad[0] = (char)depth;
	n = depth ? recurse(depth - 1, copy) : take_stack(copy);
	return n + pad[0] - (char)depth;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) static int through_library(const void *a, const void *b)
{
	recurse(3, 2048);
	return compare(a, b);
}

static void check_walk(void)
{
	assert_true(ntruth > 3 && nwalked > 3);
	/* From the outermost frame inwards; the innermost ones are at other places of take_stack(), and
	 * backtrace() may be a sanitizer's. */
	for (int k = 1; k < ntruth - 1 && k < (int)nwalked; k++)
		assert_int_equal(walked[nwalked - (size_t)k], (uint64_t)(uintptr_t)truth[ntruth - k]);
	assert_true((int)nwalked >= ntruth - 1);
}

static void test_walk_with_large_copy(void **state)
{
	(void)state;
	recurse(5, 4096);
	check_walk();
}

static void test_walk_beyond_the_copy(void **state)
{
	(void)state;
	recurse(20, 64);
	check_walk();
}

static void test_walk_through_return_probes(void **state)
{
	(void)state;
	hide_returns = true;
	recurse(5, 4096);
	hide_returns = false;
	check_walk();
}

static void test_walk_through_libc(void **state)
{
	int v[2] = { 2, 1 };

	(void)state;
	qsort(v, 2, sizeof(v[0]), through_library);
	check_walk();
}

static void test_walk_of_nonsense(void **state)
{
	uint64_t reg[17] = { 0 }, pc[RUN_WALK_MAX];
	uint8_t copy[512];
	struct run_stack st = { .tgid = getpid(), .when = 1, .reg = reg, .copy = copy, .copy_len = sizeof(copy) };

	(void)state;
	memset(copy, 0x41, sizeof(copy));
	for (uint64_t seed = 1; seed < 300; seed++) {
		for (int i = 0; i < 16; i++)
			reg[i] = seed * 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
		reg[16] = (uint64_t)(uintptr_t)named_function + seed * 7 % 5000;
		assert_in_range(run_walk(symb, &st, pc, RUN_WALK_MAX), 1, RUN_WALK_MAX);
	}
}

/* ---- deferred text ---- */

static const char *expanded(const char *fields)
{
	static char text[8192];
	struct run_expand x = { .symb = symb, .when = 1 };
	struct out_buf b = { 0 };

	run_expand_field(&x, fields, strlen(fields), &b);
	snprintf(text, sizeof(text), "%.*s", (int)b.len, b.p ? b.p : "");
	out_buf_free(&b);
	return text;
}

static void test_expand(void **state)
{
	char fields[128];

	(void)state;
	snprintf(fields, sizeof(fields), "s%x,%" PRIx64, getpid(), (uint64_t)(uintptr_t)named_function);
	assert_string_equal(expanded(fields), "named_function");
	fields[0] = 'B';
	assert_string_equal(expanded(fields), "named_function+0x0\n");
	assert_string_equal(expanded("k0"), "0x0");
	assert_string_equal(expanded("s0,1"), "0x1");
}

static void test_expand_malformed(void **state)
{
	static const char *const cases[] = { "", "s", "s,", "s1", "?1,2", "s,,,", "bffffffffffffffffffff,zz", "t0" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(expanded(cases[i]), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms), cmocka_unit_test(test_unknown_addresses),
		cmocka_unit_test(test_library_and_vdso), cmocka_unit_test(test_walk_with_large_copy),
		cmocka_unit_test(test_walk_beyond_the_copy), cmocka_unit_test(test_walk_through_libc),
		cmocka_unit_test(test_walk_through_return_probes),
		cmocka_unit_test(test_walk_of_nonsense), cmocka_unit_test(test_expand),
		cmocka_unit_test(test_expand_malformed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
