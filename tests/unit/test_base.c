/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/base: arenas, interned strings, sources, diagnostics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/intern.h"
#include "base/source.h"

static void test_arena(void **state)
{
	struct arena *a = arena_create();
	char *last = NULL;

	for (size_t size = 1; size < 100000; size = size * 2 + 1) {
		char *p = arena_alloc(a, size);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
	assert_string_equal(arena_strndup(a, "abc", 2), "ab");
	assert_string_equal(arena_strndup(a, "abc", 9), "abc");
	assert_string_equal(arena_strdup(a, ""), "");
	arena_destroy(a);
	arena_destroy(NULL);
}

struct ending {
	char *order;	/* where to note what is being ended */
	char name;
	int *array;
};

static void note_end(void *data)
{
	struct ending *e = data;

	e->order[strlen(e->order)] = e->name;
	arrfree(e->array);
}

/* Memory outside the arena goes with it (LeakSanitizer would tell), the youngest owner first. */
static void test_arena_end(void **state)
{
	struct arena *a = arena_create();
	struct { int *grows; } *owner = arena_alloc(a, sizeof(*owner));
	char order[8] = "";

	arena_own_array(a, &owner->grows);
	for (int i = 0; i < 100; i++)
		arrput(owner->grows, i);
	for (char name = 'a'; name <= 'c'; name++) {
		struct ending *e = arena_new(a, struct ending);

		*e = (struct ending){ order, name, NULL };
		arrput(e->array, name);
		arena_at_end(a, note_end, e);
	}
	arena_destroy(a);
	assert_string_equal(order, "cba");
}

static void test_intern(void **state)
{
	const char *kept[20000];
	char name[16];

	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		kept[i] = intern(name);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "name%d", i);
		assert_ptr_equal(kept[i], intern(name));
		assert_string_equal(kept[i], name);
	}
	assert_ptr_equal(intern_n("abcdef", 3), intern("abc"));
	assert_ptr_equal(intern(""), intern_n("x", 0));
}

static void assert_line(const struct source *s, uint32_t line, const char *expected)
{
	size_t len = 0;
	const char *text = source_line(s, line, &len);

	if (!expected) {
		assert_null(text);
		return;
	}
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, len);
}

static void test_source(void **state)
{
	struct arena *a = arena_create();
	struct source *s = source_create(a, "x", "one\n\n three\nend", 15);

	assert_line(s, 0, NULL);
	assert_line(s, 1, "one");
	assert_line(s, 2, "");
	assert_line(s, 3, " three");
	assert_line(s, 4, "end");
	assert_line(s, 5, NULL);
	assert_line(source_create(a, "x", "", 0), 1, "");
	assert_null(source_read(a, "/nonexistent/file"));
	assert_null(source_read(a, "/"));
	arena_destroy(a);
}

struct capture {
	struct arena *arena;
	struct diag_sink sink;
	FILE *out;
	char *text;
	size_t len;
};

static void capture_start(struct capture *c)
{
	*c = (struct capture){.arena = arena_create()};
	c->out = open_memstream(&c->text, &c->len);
	diag_sink_init(&c->sink, c->arena, c->out);
}

static void capture_expect(struct capture *c, const char *expected)
{
	fclose(c->out);
	assert_string_equal(c->text, expected);
	free(c->text);
	diag_sink_fini(&c->sink);
	arena_destroy(c->arena);
}

static struct span span_at(const struct source *src, uint32_t line, uint32_t col, const char *text)
{
	return (struct span){.src = src, .line = line, .col = col, .text = text,
			     .kind = SPAN_IDENTIFIER};
}

static void test_layouts(void **state)
{
	static const char text[] = "probe\tx {}\ny\n";
	struct capture c;
	struct source *src;
	struct span x, y, eof;
	struct diag *d;

	capture_start(&c);
	src = source_create(c.arena, "f.stp", text, sizeof(text) - 1);
	x = span_at(src, 1, 7, "x");
	y = span_at(src, 2, 1, "y");
	eof = (struct span){.src = src};
	y.macro = &x;
	diag_issue(&c.sink, diag_new(&c.sink, DIAG_PARSE_ERROR, "p", &x, "expected %d", 3));
	diag_issue(&c.sink, diag_new(&c.sink, DIAG_PARSE_ERROR, "q", &eof, "more"));
	diag_error(&c.sink, "two", &x, "both");
	d = diag_new(&c.sink, DIAG_SEMANTIC_ERROR, "pair", &x, "type mismatch");
	diag_issue(&c.sink, diag_at2(d, &y));
	diag_warn(&c.sink, "w", &y, "odd");
	diag_issue(&c.sink, diag_new(&c.sink, DIAG_ERROR, "e", NULL, "plain"));
	assert_int_equal(c.sink.parse_errors, 2);
	assert_int_equal(c.sink.semantic_errors, 2);
	assert_int_equal(c.sink.warnings, 1);
	capture_expect(&c, "parse error: expected 3\n"
			   "        saw: identifier 'x' at f.stp:1:7\n"
			   "     source: probe\tx {}\n"
			   "                  \t^\n\n"
			   "parse error: more\n"
			   "        saw: f.stp EOF\n\n"
			   "semantic error: both: identifier 'x' at f.stp:1:7\n"
			   "        source: probe\tx {}\n"
			   "                     \t^\n\n"
			   "semantic error: type mismatch: identifier 'x' at :1:7\n"
			   "        source: probe\tx {}\n"
			   "                     \t^\n"
			   "identifier 'y' at :2:1\n"
			   "        source: y\n"
			   "                ^\n"
			   "\tin expansion of macro: identifier 'x' at f.stp:1:7\n"
			   "        source: probe\tx {}\n"
			   "                     \t^\n\n"
			   "WARNING: odd: identifier 'y' at :2:1\n"
			   " source: y\n"
			   "         ^\n"
			   "\tin expansion of macro: identifier 'x' at f.stp:1:7\n"
			   " source: probe\tx {}\n"
			   "              \t^\n"
			   "ERROR: plain\n");
}

static void test_similar(void **state)
{
	struct capture c;

	capture_start(&c);
	diag_error(&c.sink, "same", NULL, "first");
	diag_error(&c.sink, "same", NULL, "second");
	diag_error(&c.sink, "other", NULL, "third");
	diag_warn(&c.sink, "w", NULL, "text");
	diag_warn(&c.sink, "w", NULL, "text");
	diag_warn(&c.sink, "w", NULL, "another");
	diag_print_suppressed(&c.sink);
	assert_int_equal(c.sink.semantic_errors, 3);
	assert_int_equal(arrlen(c.sink.all), 6);
	capture_expect(&c, "semantic error: first\n\nsemantic error: third\n\n"
			   "WARNING: text\nWARNING: another\n"
			   "Number of similar error messages suppressed: 1.\n"
			   "Number of similar warning messages suppressed: 1.\n"
			   "Rerun with -v to see them.\n");
}

static void test_chain_and_hints(void **state)
{
	struct capture c;
	struct diag *d;

	capture_start(&c);
	d = diag_new(&c.sink, DIAG_SEMANTIC_ERROR, "a", NULL, "outer");
	diag_hint(&c.sink, d, "try %s", "this");
	diag_chain(d, diag_new(&c.sink, DIAG_SEMANTIC_ERROR, "b", NULL, "inner"));
	diag_issue(&c.sink, d);
	capture_expect(&c, "semantic error: outer\n        try this\n\nsemantic error: inner\n\n");
}

static void test_warning_switches(void **state)
{
	struct capture c;

	capture_start(&c);
	c.sink.suppress_warnings = true;
	diag_warn(&c.sink, "w", NULL, "hidden");
	c.sink.suppress_warnings = false;
	diag_warn(&c.sink, "w", NULL, "shown");
	assert_false(diag_failed(&c.sink));
	c.sink.warnings_are_errors = true;
	assert_true(diag_failed(&c.sink));
	capture_expect(&c, "WARNING: shown\n");
}

static void test_hold(void **state)
{
	struct capture c;

	capture_start(&c);
	diag_hold(&c.sink);
	diag_error(&c.sink, "a", NULL, "dropped");
	diag_hold(&c.sink);
	diag_warn(&c.sink, "b", NULL, "warned");
	assert_int_equal(diag_held_errors(&c.sink), 0);
	diag_error(&c.sink, "c", NULL, "inner");
	assert_int_equal(diag_held_errors(&c.sink), 1);
	diag_release(&c.sink, true);
	assert_int_equal(diag_held_errors(&c.sink), 2);
	diag_release(&c.sink, false);
	assert_int_equal(c.sink.semantic_errors, 0);
	diag_hold(&c.sink);
	diag_error(&c.sink, "d", NULL, "kept");
	diag_release(&c.sink, true);
	assert_int_equal(c.sink.semantic_errors, 1);
	capture_expect(&c, "semantic error: kept\n\n");
}

static void test_color(void **state)
{
	struct capture c;
	struct source *src;
	struct span x;

	capture_start(&c);
	c.sink.color = true;
	src = source_create(c.arena, "f", "a x b", 5);
	x = span_at(src, 1, 3, "x");
	diag_error(&c.sink, "t", &x, "odd");
	capture_expect(&c, "\033[01;31m\033[Ksemantic error:\033[m\033[K odd: identifier 'x' at "
			   "\033[00;34m\033[Kf:1:3\033[m\033[K\n"
			   "        source: a \033[01m\033[Kx\033[m\033[K b\n"
			   "                  \033[01m\033[K^\033[m\033[K\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_end),
		cmocka_unit_test(test_intern),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_similar),
		cmocka_unit_test(test_chain_and_hints),
		cmocka_unit_test(test_warning_switches),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_color),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
