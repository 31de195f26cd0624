/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pass 1 against written expectations: GOLDEN_DIR/errors.txt (messages) and
 * canonical.txt (trees).  A file is a list of cases:
 *
 *   === [guru] [args WORD...]
 *   the script
 *   ---
 *   what comes out
 *
 * With GOLDEN_UPDATE in the environment the files are written anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "lang_support.h"

#define MAX_ARGS 8

struct golden {
	char *text;
	FILE *update;
	unsigned cases, failed;
};

static char *read_file(struct arena *arena, const char *name)
{
	const struct source *src = source_read(arena, arena_printf(arena, "%s/%s", GOLDEN_DIR, name));

	assert_non_null(src);
	return arena_strndup(arena, src->text, src->len);
}

/* Runs a case; returns what comes out. */
static char *outcome(char *options, const char *script, bool want_tree)
{
	const char *args[MAX_ARGS];
	struct parse_options o = {.args = args};
	bool in_args = false;
	struct parse_run r;
	char *text;

	for (char *w = strtok(options, " "); w; w = strtok(NULL, " ")) {
		if (in_args && o.nargs < MAX_ARGS)
			args[o.nargs++] = w;
		else if (strcmp(w, "guru") == 0)
			o.guru = true;
		else
			in_args = strcmp(w, "args") == 0;
	}
	run_parse(&r, script, strlen(script), &o);
	text = want_tree && r.file ? run_print(&r) : strdup(r.messages);
	run_free(&r);
	return text;
}

static void run_case(struct golden *g, char *header, char *script, const char *expected,
		     bool want_tree)
{
	char *options = strdup(header), *got = outcome(options, script, want_tree);

	g->cases++;
	if (g->update) {
		fprintf(g->update, "===%s%s\n%s\n---\n%s", *header ? " " : "", header, script, got);
	} else if (strcmp(got, expected) != 0) {
		print_error("script:\n%s\nexpected:\n%s\ngot:\n%s\n", script, expected, got);
		g->failed++;
	}
	free(got);
	free(options);
}

static void run_golden(const char *name, bool want_tree)
{
	struct arena *arena = arena_create();
	struct golden g = {.text = read_file(arena, name)};
	char *p = g.text;

	if (getenv("GOLDEN_UPDATE")) {
		g.update = fopen(arena_printf(arena, "%s/%s", GOLDEN_DIR, name), "w");
		assert_non_null(g.update);
	}
	p = strncmp(p, "===", 3) == 0 ? p : strstr(p, "\n===") + 1;
	if (g.update)
		fwrite(g.text, 1, (size_t)(p - g.text), g.update);
	while (p && *p) {
		char *header = p + 3, *script, *expected, *next;

		script = strchr(header, '\n');
		*script++ = '\0';
		header += *header == ' ';
		expected = strstr(script, "\n---\n");
		assert_non_null(expected);
		*expected = '\0';
		expected += 5;
		next = strncmp(expected, "===", 3) == 0 ? expected : strstr(expected, "\n===");
		if (next && *next == '\n')
			next++;
		p = next;
		if (next) {
			char keep = *next;

			*next = '\0';
			run_case(&g, header, script, expected, want_tree);
			*next = keep;
		} else {
			run_case(&g, header, script, expected, want_tree);
		}
	}
	if (g.update)
		fclose(g.update);
	arena_destroy(arena);
	assert_true(g.cases > 60);
	assert_int_equal(g.failed, 0);
}

static void test_errors(void **state)
{
	run_golden("errors.txt", false);
}

static void test_canonical(void **state)
{
	run_golden("canonical.txt", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
