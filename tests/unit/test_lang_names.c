/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of names of library files: written, read back, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/source.h"
#include "lang/names.h"

static const char first[] = "function f() { } function both() { } global g\nprobe a.b = begin { } probe a.b = end { }";
static const char second[] = "function both() { } @define m() %( 1 %) probe a = begin { } probe begin { }";

struct table {
	struct arena *arena;
	char path[64];
	char *bytes;
	size_t len;
};

static int make(void **state)
{
	struct table *t = calloc(1, sizeof(*t));
	struct names_maker *m = names_maker_create();
	FILE *out = open_memstream(&t->bytes, &t->len);

	t->arena = arena_create();
	strcpy(t->path, "/tmp/test_lang_names.XXXXXX");
	close(mkstemp(t->path));
	names_maker_add(m, "first.stp", source_create(t->arena, "first", first, strlen(first)));
	names_maker_add(m, "sub/second.stp", source_create(t->arena, "second", second, strlen(second)));
	assert_int_equal(names_maker_write(m, out), 0);
	fclose(out);
	names_maker_destroy(m);
	*state = t;
	return 0;
}

static int unmake(void **state)
{
	struct table *t = *state;

	unlink(t->path);
	arena_destroy(t->arena);
	free(t->bytes);
	free(t);
	return 0;
}

/* The table that these bytes are. */
static struct names *read_back(struct table *t, const char *bytes, size_t len)
{
	FILE *f = fopen(t->path, "w");

	fwrite(bytes, 1, len, f);
	fclose(f);
	return names_read(t->arena, t->path);
}

/* "name@file name@file ..." of a kind, from the first that is not before `from`. */
static const char *listed(struct table *t, const struct names *n, enum scan_kind kind, const char *from)
{
	const char *text = "";
	uint32_t file;

	for (size_t i = names_lower(n, kind, from); i < names_count(n, kind); i++) {
		const char *name = names_at(n, kind, i, &file);

		text = arena_printf(t->arena, "%s%s%s@%u", text, *text ? " " : "", name, file);
	}
	return text;
}

static void test_names(void **state)
{
	struct table *t = *state;
	struct names *n = read_back(t, t->bytes, t->len);

	assert_non_null(n);
	assert_int_equal(names_nfiles(n), 2);
	assert_string_equal(listed(t, n, SCAN_FUNCTION, ""), "both@0 both@1 f@0");
	assert_string_equal(listed(t, n, SCAN_FUNCTION, "both"), "both@0 both@1 f@0");
	assert_string_equal(listed(t, n, SCAN_FUNCTION, "c"), "f@0");
	assert_string_equal(listed(t, n, SCAN_FUNCTION, "g"), "");
	assert_string_equal(listed(t, n, SCAN_GLOBAL, ""), "g@0");
	assert_string_equal(listed(t, n, SCAN_ALIAS, "a"), "a@1 a.b@0");
	assert_string_equal(listed(t, n, SCAN_MACRO, ""), "m@1");
}

static void test_files(void **state)
{
	struct table *t = *state;
	struct names *n = read_back(t, t->bytes, t->len);
	struct timespec now = {0};
	struct stat st = {.st_size = (off_t)strlen(second)};

	clock_gettime(CLOCK_REALTIME, &now);
	assert_int_equal(names_find_file(n, "sub/second.stp", &st), 1);
	assert_int_equal(names_find_file(n, "second.stp", &st), -1);
	assert_int_equal(names_find_file(n, "first.stp", &st), -1);	/* of another size */
	st.st_mtim.tv_sec = now.tv_sec - 10;
	assert_int_equal(names_find_file(n, "sub/second.stp", &st), 1);
	st.st_mtim.tv_sec = now.tv_sec + 10;
	assert_int_equal(names_find_file(n, "sub/second.stp", &st), -1);
}

/* Walks over all that a table says: what the sanitizers watch. */
static size_t walk(const struct names *n)
{
	size_t sum = 0;
	uint32_t file;

	for (int kind = 0; kind < SCAN_PROBE; kind++)
		for (size_t i = 0; i < names_count(n, kind); i++) {
			sum += strlen(names_at(n, kind, i, &file));
			assert_true(file < names_nfiles(n));
			sum += names_lower(n, kind, "f");
		}
	return sum + (size_t)names_find_file(n, "none", &(struct stat){0});
}

static void test_cut(void **state)
{
	struct table *t = *state;

	for (size_t len = 0; len < t->len; len++)
		assert_null(read_back(t, t->bytes, len));
	assert_null(names_read(t->arena, "/nonexistent"));
	assert_null(names_read(t->arena, "/tmp"));
}

static void test_damaged(void **state)
{
	struct table *t = *state;
	char *bytes = malloc(t->len);
	size_t refused = 0;

	for (size_t i = 0; i < t->len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct names *n;

			memcpy(bytes, t->bytes, t->len);
			bytes[i] ^= (char)(1u << bit);
			n = read_back(t, bytes, t->len);
			if (n)
				walk(n);
			else
				refused++;
		}
	free(bytes);
	assert_true(refused > 8 * sizeof(uint64_t));	/* the magic at least */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, make, unmake),
		cmocka_unit_test_setup_teardown(test_files, make, unmake),
		cmocka_unit_test_setup_teardown(test_cut, make, unmake),
		cmocka_unit_test_setup_teardown(test_damaged, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
