/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the kernel's functions: made, kept, damaged; and that what is kept says what the kernel does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dbg/cachefile.h"
#include "dbg/kernelfile.h"
#include "probe/ksymtable.h"

#define TEXT	UINT64_C(0xffffffff81000000)

static char cache[] = "/tmp/test_probe_ksyms.XXXXXX";

static struct ksymtable *make(uint64_t text)
{
	static const struct { const char *name; uint64_t offset; bool exported; } functions[] = {
		{ "start", 0 }, { "twice", 0x10, true }, { "alias", 0x20 }, { "other_alias", 0x20 }, { "twice", 0x30 },
		{ "gone", 0x1000 }, { "twice", 0x1010 }, { "last", 0x2000 },
	};
	struct ksymtable *t = ksymtable_create();

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		ksymtable_add(t, functions[i].name, text + functions[i].offset, functions[i].exported);
	ksymtable_finish(t, text, (uint64_t[]){ text + 0x1000, text + 0x1fff });
	return t;
}

/* "address ..." of all functions of a name, from _text. */
static const char *offsets(const struct ksymtable *t, const char *name, uint64_t text)
{
	static char out[256];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = ksymtable_named(t, name, 0); i; i = ksymtable_named(t, name, i))
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%jx", n ? " " : "",
				      (uintmax_t)(ksymtable_at(t, i - 1).addr - text));
	return out;
}

static void test_names(void **state)
{
	struct ksymtable *t = make(TEXT);

	assert_int_equal(ksymtable_count(t), 6);
	assert_string_equal(offsets(t, "start", TEXT), "0");
	assert_string_equal(offsets(t, "twice", TEXT), "10 30");	/* the third is gone after boot */
	assert_string_equal(offsets(t, "gone", TEXT), "");
	assert_string_equal(offsets(t, "none", TEXT), "");
	assert_true(ksymtable_at(t, 1).exported);
	assert_false(ksymtable_at(t, 4).exported);	/* another of the name */
	assert_string_equal(ksymtable_at(t, 5).name, "last");
	assert_null(ksymtable_at(t, 5).module);
	ksymtable_destroy(t);
}

static void test_hidden_addresses(void **state)
{
	struct ksymtable *t = make(0);

	assert_string_equal(offsets(t, "alias", 0), "20");
	ksymtable_destroy(t);
	t = ksymtable_create();
	ksymtable_finish(t, 0, (uint64_t[]){ 0, 0 });
	assert_int_equal(ksymtable_count(t), 0);
	assert_int_equal(ksymtable_named(t, "start", 0), 0);
	ksymtable_destroy(t);
}

static void test_kept(void **state)
{
	uint64_t text = dbg_kernel_symbol("_text");
	struct ksymtable *t;

	if (!text || !*dbg_kernel_build_id())
		skip();
	assert_null(ksymtable_load());
	t = make(text + 0x100000);	/* as before another boot */
	ksymtable_set(t, ksymtable_named(t, "last", 0) - 1, KSYM_TRACEABLE);
	ksymtable_learned(t, KSYM_TRACEABLE);
	ksymtable_save(t);
	ksymtable_destroy(t);
	t = ksymtable_load();
	assert_non_null(t);
	assert_string_equal(offsets(t, "twice", text), "10 30");
	assert_true(ksymtable_knows(t, KSYM_TRACEABLE));
	assert_false(ksymtable_knows(t, KSYM_REFUSED));
	assert_true(ksymtable_has(t, ksymtable_named(t, "last", 0) - 1, KSYM_TRACEABLE));
	assert_false(ksymtable_has(t, ksymtable_named(t, "start", 0) - 1, KSYM_TRACEABLE));
	ksymtable_destroy(t);
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	fwrite(bytes, 1, len, f);
	fclose(f);
}

/* Whatever is changed, asking stays within the table. */
static void test_damaged(void **state)
{
	char path[256], bytes[4096], bad[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/kallsyms-%s.index", cache, dbg_kernel_build_id());
	f = fopen(path, "r");
	if (!f)
		skip();
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	for (size_t cut = 0; cut < len; cut++) {
		write_bytes(path, bytes, cut);
		assert_null(ksymtable_load());
	}
	for (size_t i = 0; i < len; i++) {
		struct ksymtable *t;

		memcpy(bad, bytes, len);
		bad[i] ^= (char)0x81;
		write_bytes(path, bad, len);
		t = ksymtable_load();
		for (size_t k = 0; t && k < ksymtable_count(t); k++)
			(void)strlen(ksymtable_at(t, k).name);
		if (t)
			(void)(ksymtable_named(t, "twice", 0) + ksymtable_named(t, "none", 0) +
			       ksymtable_named(t, "start", 9));
		ksymtable_destroy(t);
	}
	unlink(path);
}

static const char *asked[] = { "vfs_read", "schedule", "__rcu_read_lock", "start_kernel", "show", "__x64_sys_openat",
			       "no_such" };

/* What ksyms_*() say of some functions. */
static void say(FILE *out)
{
	size_t count;

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct ksym *s = ksyms_find(NULL, asked[i], &count);

		fprintf(out, "%s %zu", asked[i], count);
		for (size_t k = 0; k < count; k++)
			fprintf(out, " %jx%d%d", (uintmax_t)s[k].addr, s[k].exported,
				ksyms_place_traceable(&s[k]));
		fprintf(out, " %d%d\n", ksyms_traceable(asked[i]), ksyms_blacklisted(asked[i]));
	}
}

/* The same answers in a process of its own, that keeps the table, with `many` from the lists put into it. */
static char *answers(bool many)
{
	char *text = NULL, path[64] = "/tmp/test_probe_ksyms_say.XXXXXX";
	size_t len = 0;
	FILE *f;

	close(mkstemp(path));
	fflush(NULL);
	if (!fork()) {
		f = fopen(path, "w");
		if (many)
			ksyms_expect_many();
		say(f);
		fclose(f);
		ksyms_keep();
		_exit(0);
	}
	wait(NULL);
	f = fopen(path, "r");
	if (getdelim(&text, &len, '\0', f) < 0)
		fail();
	fclose(f);
	unlink(path);
	return text;
}

static void test_kernel(void **state)
{
	char *first, *next;

	if (!dbg_kernel_symbol("_text"))
		skip();
	first = answers(false);
	assert_non_null(strstr(first, "vfs_read 1 ffffffff"));
	assert_non_null(strstr(first, "\nno_such 0 "));
	assert_non_null(strstr(first, "\nstart_kernel 0 "));	/* gone after boot */
	for (int run = 0; run < 3; run++) {
		next = answers(run == 1);
		assert_string_equal(first, next);
		free(next);
	}
	free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hidden_addresses),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_kernel),
	};
	char path[256];
	int failed;

	if (!mkdtemp(cache))
		return 1;
	dbg_cache_directory(cache);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/kallsyms-%s.index", cache, dbg_kernel_build_id());
	unlink(path);
	rmdir(cache);
	dbg_cache_directory(NULL);
	return failed;
}
