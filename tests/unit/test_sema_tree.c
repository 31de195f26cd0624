/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies and walks of the tree, and the tree of alias names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lang/parse.h"
#include "lang/print.h"
#include "sema/sema.h"
#include "sema/walk.h"

static const char everything[] =
	"global a, s\n"
	"function f(x) { return x }\n"
	"probe begin {\n"
	"  for (i = 0; i < 3; i++) { if (i == 1) continue; else break }\n"
	"  while (1) { next }\n"
	"  foreach (v = [k+, l] in a[1, *] limit 2) { delete a[k, l]; delete a }\n"
	"  try { s <<< f(1); print(@hist_log(s)); x = @avg(s) } catch (e) { println(e) }\n"
	"  y = [1, 2] in a ? -x : !x . \"t\" =~ \"r\"; --y; y--\n"
	"  printf(\"%*d %s\\n\", 3, $p->q[y], @cast(y, \"struct t\")->u)\n"
	"  z = @defined($w) && @entry($v) + @var(\"g@f.c\") ; z .= sprint(f(3))\n"
	"}\n";

struct fixture {
	struct arena *arena;
	struct diag_sink diag;
	struct parse_env env;
};

static struct ast_file *parse(struct fixture *fx, const char *text)
{
	fx->arena = arena_create();
	diag_sink_init(&fx->diag, fx->arena, stderr);
	fx->env = (struct parse_env){.arena = fx->arena, .sink = &fx->diag, .kernel_v = "6.1.0",
				     .kernel_vr = "6.1.0", .arch = "x86_64", .systemtap_v = "4.8",
				     .privilege = "stapdev", .runtime = "kernel"};
	return parse_script(&fx->env, source_create(fx->arena, "<input>", text, strlen(text)));
}

static void fixture_fini(struct fixture *fx)
{
	parse_env_fini(&fx->env);
	diag_sink_fini(&fx->diag);
	arena_destroy(fx->arena);
}

static char *text_of(const struct ast_stmt *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ast_print_stmt(out, s);
	fclose(out);
	return text;
}

static void renumber(struct walk *w, struct ast_expr *e)
{
	if (e->kind == EXPR_NUMBER)
		e->number += 100;
	if (e->kind == EXPR_SYMBOL)
		e->symbol.name = "changed";
	walk_expr(w, e);
}

/* A copy prints the same, and shares nothing that a change could reach. */
static void copy_is_deep(void **state)
{
	struct fixture fx;
	struct ast_file *f = parse(&fx, everything);
	struct walk w = {renumber, walk_stmt};
	struct ast_stmt *copy;
	char *before, *same, *after, *changed;

	assert_non_null(f);
	before = text_of(f->probes[0]->body);
	copy = sema_copy_stmt(fx.arena, f->probes[0]->body);
	same = text_of(copy);
	walk_stmt(&w, copy);
	after = text_of(f->probes[0]->body);
	changed = text_of(copy);
	assert_string_equal(before, same);
	assert_string_equal(before, after);
	assert_string_not_equal(before, changed);
	free(before);
	free(same);
	free(after);
	free(changed);
	fixture_fini(&fx);
}

struct counter {
	struct walk w;
	unsigned symbols;
};

static void count_symbols(struct walk *w, struct ast_expr *e)
{
	((struct counter *)w)->symbols += e->kind == EXPR_SYMBOL;
	walk_expr(w, e);
}

static void walk_reaches_every_symbol(void **state)
{
	struct fixture fx;
	struct ast_file *f = parse(&fx, "probe begin { foreach (v = [k, l] in a[m, *] limit n) x[o] += p ? "
					"q : (r in t) } global a, t, x");
	struct counter c = {{count_symbols, walk_stmt}, 0};

	/* v k l a m n x o p q r t */
	assert_non_null(f);
	walk_stmt(&c.w, f->probes[0]->body);
	assert_int_equal(c.symbols, 12);
	fixture_fini(&fx);
}

static bool depends(const char *text)
{
	struct fixture fx;
	struct ast_file *f = parse(&fx, text);
	bool r;

	assert_non_null(f);
	r = walk_depends_on_point(f->probes[0]->body, NULL);
	fixture_fini(&fx);
	return r;
}

static void dependence_on_the_point(void **state)
{
	assert_false(depends("probe begin { println(1) }"));
	assert_false(depends("probe begin { x = \"$y\"; if (x == \"\") next }"));
	assert_true(depends("probe begin { println($x) }"));
	assert_true(depends("probe begin { if (1) { x = 1 + $$vars } }"));
	assert_true(depends("probe begin { if (@defined($x)) println(1) }"));
	assert_true(depends("probe begin { println(@cast(0, \"t\")->x) }"));
}

static void lvalues(void **state)
{
	struct fixture fx;
	struct ast_file *f = parse(&fx, "probe begin { a; a[1]; $x; 1; \"s\"; @count(a); @hist_log(a)[1] } global a");
	static const bool expected[] = {true, true, true, false, false, false, false};
	const struct ast_stmt *body;

	assert_non_null(f);
	body = f->probes[0]->body;
	for (size_t i = 0, k = 0; i < body->block.nstmts; i++)
		if (body->block.stmts[i]->kind == STMT_EXPR)
			assert_int_equal(walk_is_lvalue(body->block.stmts[i]->expr), expected[k++]);
	fixture_fini(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_deep),
		cmocka_unit_test(walk_reaches_every_symbol),
		cmocka_unit_test(dependence_on_the_point),
		cmocka_unit_test(lvalues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
