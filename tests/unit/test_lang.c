/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/lang: the tree's shape, arguments, library macros, limits, the scan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/intern.h"
#include "lang_support.h"

static void parse_ok(struct parse_run *r, const char *text, const struct parse_options *o)
{
	run_parse(r, text, strlen(text), o);
	assert_string_equal(r->messages, "");
	assert_non_null(r->file);
}

static void test_probe(void **state)
{
	struct parse_run r;
	const struct ast_probe *p;

	parse_ok(&r, "probe {a.b(1), c}.d(\"x\")?, e! if (f) { }", NULL);
	assert_int_equal(r.file->nprobes, 1);
	p = r.file->probes[0];
	assert_int_equal(p->npoints, 3);
	assert_int_equal(p->points[0]->ncomponents, 3);
	assert_ptr_equal(p->points[0]->components[1].name, intern("b"));
	assert_int_equal(p->points[0]->components[1].arg->number, 1);
	assert_string_equal(p->points[0]->components[2].arg->string, "x");
	assert_true(p->points[1]->optional && !p->points[1]->sufficient);
	assert_true(p->points[2]->sufficient && p->points[2]->optional);
	assert_ptr_equal(p->points[2]->cond->symbol.name, intern("f"));
	run_free(&r);
}

static void test_alias(void **state)
{
	struct parse_run r;

	parse_ok(&r, "probe a = b = c { x } , { y } probe d += e { }", NULL);
	assert_int_equal(r.file->naliases, 2);
	assert_int_equal(r.file->aliases[0]->nnames, 2);
	assert_int_equal(r.file->aliases[0]->npoints, 1);
	assert_non_null(r.file->aliases[0]->body2);
	assert_false(r.file->aliases[0]->epilogue);
	assert_true(r.file->aliases[1]->epilogue);
	run_free(&r);
}

static void test_declarations(void **state)
{
	struct parse_run r;
	const struct ast_function *f;

	parse_ok(&r,
		 "global a%[5], b = \"\\x41\\102\\n\"; private c = -7\n"
		 "private function f:string(x:long, y):3 { return y }\n"
		 "function g() { next }",
		 NULL);
	assert_int_equal(r.file->nglobals, 3);
	assert_true(r.file->globals[0]->wrap);
	assert_int_equal(r.file->globals[0]->maxsize, 5);
	assert_string_equal(r.file->globals[1]->init->string, "AB\n");
	assert_int_equal(r.file->globals[1]->type, AST_STRING);
	assert_true(r.file->globals[2]->is_private);
	assert_int_equal(r.file->globals[2]->init->number, -7);
	f = r.file->functions[0];
	assert_true(f->is_private && f->has_priority);
	assert_int_equal(f->type, AST_STRING);
	assert_int_equal(f->priority, 3);
	assert_int_equal(f->params[0]->type, AST_LONG);
	assert_int_equal(f->params[1]->type, AST_UNKNOWN);
	assert_int_equal(r.file->functions[1]->priority, 0);
	run_free(&r);

	parse_ok(&r, "function g() %{ /* pure */ /* unprivileged */ x %}",
		 &(struct parse_options){.library = true});
	f = r.file->functions[0];
	assert_int_equal(f->priority, 1);
	assert_int_equal(f->body->kind, STMT_EMBEDDED);
	assert_int_equal(f->body->embedded->tags, AST_TAG_PURE | AST_TAG_UNPRIVILEGED);
	run_free(&r);
}

/* The expression of the only statement. */
static const struct ast_expr *expr_of(const struct parse_run *r)
{
	const struct ast_stmt *body = r->file->probes[0]->body;

	assert_int_equal(body->block.nstmts, 1);
	assert_int_equal(body->block.stmts[0]->kind, STMT_EXPR);
	return body->block.stmts[0]->expr;
}

static void test_targets(void **state)
{
	const struct ast_target *t;
	const struct ast_expr *e;
	struct parse_run r;

	parse_ok(&r, "probe x { &$a->b[3][i]->c$$ }", NULL);
	e = expr_of(&r);
	t = e->target;
	assert_int_equal(e->kind, EXPR_TARGET);
	assert_true(t->addressof);
	assert_string_equal(t->name, "$a");
	assert_int_equal(t->naccesses, 5);
	assert_string_equal(t->accesses[0].member, "b");
	assert_int_equal(t->accesses[1].kind, ACCESS_LITERAL);
	assert_int_equal(t->accesses[1].number, 3);
	assert_int_equal(t->accesses[2].kind, ACCESS_INDEX);
	assert_string_equal(t->accesses[3].member, "c");
	assert_int_equal(t->accesses[4].kind, ACCESS_PRETTY);
	assert_string_equal(t->accesses[4].member, "$$");
	run_free(&r);

	parse_ok(&r, "probe x { @var(\"g@d/f.c\", \"/bin/m\")->q }", NULL);
	t = expr_of(&r)->target;
	assert_string_equal(t->symbol, "g");
	assert_string_equal(t->cu, "d/f.c");
	assert_string_equal(t->module, "/bin/m");
	run_free(&r);

	parse_ok(&r, "probe x { f(y)->z }", NULL);
	e = expr_of(&r);
	assert_int_equal(e->kind, EXPR_AUTOCAST);
	assert_int_equal(e->target->operand->kind, EXPR_CALL);
	run_free(&r);
}

static void test_formats(void **state)
{
	const struct ast_format *f;
	const struct ast_print *p;
	struct parse_run r;

	parse_ok(&r, "probe x { printf(\"a%%%-5d|%*.*s%#X%.3m\\n\", 1, 2, 3, \"s\", 4, 5) }", NULL);
	p = expr_of(&r)->print;
	assert_int_equal(p->nformats, 7);
	assert_int_equal(p->nargs, 6);
	f = p->formats;
	assert_string_equal(f[0].literal, "a%");
	assert_int_equal(f[1].conv, CONV_SIGNED);
	assert_int_equal(f[1].flags, FMT_LEFT);
	assert_int_equal(f[1].width, 5);
	assert_string_equal(f[2].literal, "|");
	assert_int_equal(f[3].width_kind, FMT_DYNAMIC);
	assert_int_equal(f[3].precision_kind, FMT_DYNAMIC);
	assert_int_equal(f[4].flags, FMT_SPECIAL | FMT_UPPER);
	assert_int_equal(f[4].base, 16);
	assert_int_equal(f[5].conv, CONV_MEMORY);
	assert_int_equal(f[5].precision, 3);
	assert_string_equal(f[6].literal, "\n");
	run_free(&r);
}

static void test_foreach(void **state)
{
	const struct ast_foreach *f;
	struct parse_run r;

	parse_ok(&r, "probe x { foreach (v = [a, b-] in s[*, 2] limit 3) { } }", NULL);
	f = r.file->probes[0]->body->block.stmts[0]->foreach;
	assert_string_equal(f->value->symbol.name, "v");
	assert_int_equal(f->nkeys, 2);
	assert_int_equal(f->sort_dir, -1);
	assert_int_equal(f->sort_column, 2);
	assert_int_equal(f->nslice, 2);
	assert_null(f->slice[0]);
	assert_int_equal(f->sort_stat, STAT_NONE);
	assert_int_equal(f->limit->number, 3);
	run_free(&r);

	parse_ok(&r, "probe x { foreach (a in s @avg+) { } }", NULL);
	f = r.file->probes[0]->body->block.stmts[0]->foreach;
	assert_int_equal(f->sort_stat, STAT_AVG);
	assert_int_equal(f->sort_column, 0);
	assert_int_equal(f->sort_dir, 1);
	run_free(&r);
}

static void test_arguments(void **state)
{
	static const char *const args[] = {"foo", "a b", "unused"};
	bool used[3] = {false};
	struct parse_run r;
	char *text;

	parse_ok(&r, "probe $1 { x = @2 . @# ; y = $# }",
		 &(struct parse_options){.args = args, .nargs = 3, .args_used = used});
	text = run_print(&r);
	assert_string_equal(text, "probe foo{\n(x) = ((\"a b\") . (\"3\"));\n(y) = (3);\n}\n");
	free(text);
	assert_true(used[0] && used[1] && !used[2]);
	run_free(&r);
}

static void test_library_macros(void **state)
{
	static const struct parse_options o = {
		.macros = "@define two %( 2 %)\n"
			  "%( arch == \"x86_64\" %? @define add(a, b) %( (@a + @b) %) %)\n"};
	struct parse_run r;
	char *text;

	parse_ok(&r, "@define two %( 3 %) probe x { @add(@two, 1) }", &o);
	text = run_print(&r);
	assert_string_equal(text, "probe x{\n(3) + (1);\n}\n");
	free(text);
	run_free(&r);

	run_parse(&r, "probe x { }", 11, &(struct parse_options){.macros = "@define a %( 1 %) x"});
	assert_non_null(strstr(r.messages, "unexpected token in library macro file 'macros.stpm'"));
	run_free(&r);
}

/* ---- limits ---- */

static char *repeat(const char *head, const char *unit, size_t n, const char *tail, size_t *len)
{
	char *text;
	FILE *out = open_memstream(&text, len);

	fputs(head, out);
	for (size_t i = 0; i < n; i++)
		fputs(unit, out);
	fputs(tail, out);
	fclose(out);
	return text;
}

static void expect_too_deep(const char *head, const char *unit, const char *tail)
{
	struct parse_run r;
	size_t len;
	char *text = repeat(head, unit, 10000, tail, &len);

	run_parse(&r, text, len, NULL);
	assert_null(r.file);
	assert_non_null(strstr(r.messages, "nested too deeply (limit 1000 levels)"));
	run_free(&r);
	free(text);
}

static void test_depth(void **state)
{
	expect_too_deep("probe x { y = ", "(", "1 }");
	expect_too_deep("probe x { y = ", "- ", "1 }");
	expect_too_deep("probe x { y = ", "f(", "1 }");
	expect_too_deep("probe x { y = ", "a[", "1 }");
	expect_too_deep("probe x { y = ", "b = ", "1 }");
	expect_too_deep("probe x { y = ", "a ? b : ", "1 }");
	expect_too_deep("probe x { y = 1", " + 1", " }");
	expect_too_deep("probe x { y = 1", " . \"a\"", " }");
	expect_too_deep("probe x { y = a", "->b", " }");
	expect_too_deep("probe x { y = $a", "[b", " }");
	expect_too_deep("probe x { y = ", "@cast(", " }");
	expect_too_deep("probe x ", "{", "}");
	expect_too_deep("probe x { ", "if (1) ", " }");
	expect_too_deep("probe x { ", "if (1) a; else ", " }");
	expect_too_deep("probe x { ", "foreach (a in b) ", " }");
	expect_too_deep("probe x { ", "try { ", " }");
	expect_too_deep("probe ", "{", "x {}");
	expect_too_deep("probe x", ".x", " {}");
}

/* Must come back, well or with a message. */
static void expect_survives(const char *head, const char *unit, size_t n, const char *tail)
{
	struct parse_run r;
	size_t len;
	char *text = repeat(head, unit, n, tail, &len);

	run_parse(&r, text, len, &(struct parse_options){.guru = true});
	assert_true(r.file || r.messages_len > 0);
	run_free(&r);
	free(text);
}

static void test_large(void **state)
{
	expect_survives("probe x { ", "a++; ", 2000000, "}");
	expect_survives("", "(", 10000000, "");
	expect_survives("", "%( 1 == 1 %? ", 800000, "");
	expect_survives("", "@define ", 1250000, "");
	expect_survives("/*", "* ", 5000000, "");
	expect_survives("probe x { y = \"", "abcdefghij", 1000000, "\" }");
	expect_survives("probe x { y = ", "\"a\" ", 2500000, "}");
	expect_survives("probe x { y = ", "z", 10000000, "}");
	expect_survives("probe x { y = ", "1", 10000000, "}");
	expect_survives("", "\n", 10000000, "");
	expect_survives("", "%{", 5000000, "");
	expect_survives("@define a(x) %( @x %) probe y { ", "@a(", 3000000, "1");
	expect_survives("probe ", "{a,b}.", 30, "c {}");
}

static void test_macro_bomb(void **state)
{
	struct parse_run r;
	size_t len;
	char *text;
	FILE *out = open_memstream(&text, &len);

	fputs("@define m0 %( 1 + 1 %)\n", out);
	for (int i = 1; i < 60; i++)
		fprintf(out, "@define m%d %%( @m%d + @m%d %%)\n", i, i - 1, i - 1);
	fputs("probe x { y = @m59 }", out);
	fclose(out);
	run_parse(&r, text, len, NULL);
	assert_null(r.file);
	assert_non_null(strstr(r.messages, "macro expansion too large"));
	run_free(&r);
	free(text);
}

static void test_every_prefix(void **state)
{
	static const char text[] =
		"@define m(a,b) %( (@a+@b) %) global g%[3]=1 private function f:long(x:string):2\n"
		"{ return x =~ \"a\\x41\" } %( kernel_v > \"2\" %? probe a.{b,c(\"d\")}! if (e), f?\n"
		"%: err %) { foreach (v=[x+,y] in s[*,1] @count- limit 3) { try { delete a[1] }\n"
		"catch (e) { printf(\"%d%*s\\n\", $1, @2) } } @m(1,[2] in c) ? &$x->y[1]$ : @entry(3)\n"
		"print(@hist_linear(s,0,10,1)) @cast(x,\"y\")->z; for(;;) { break } /* c */ # d\n"
		"%{ code %} }\n";
	static const char *const args[] = {"1", "two"};

	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n + 1);
		struct parse_run r;

		memcpy(copy, text, n);
		run_parse(&r, copy, n,
			  &(struct parse_options){.guru = true, .args = args, .nargs = 2});
		run_free(&r);
		free(copy);
	}
}

/* ---- the scan ---- */

static void note(void *ctx, enum scan_kind kind, const char *name, size_t len)
{
	static const char letters[] = "fgamp";

	fprintf(ctx, "%c:%.*s ", letters[kind], (int)len, name ? name : "");
}

static void test_scan(void **state)
{
	static const char text[] =
		"#! /usr/bin/stap\n"
		"global a, b[3], c = \"global x\" /* global y */; private d\n"
		"private global e%[5] = 3, f\n"
		"%( arch == \"x86_64\" %? function g(x) { return x } %: function h() { %) }\n"
		"function i:long (x) %{ function z %}\n"
		"@define j(x) %( function k() { @x } %)\n"
		"probe l.m(\"n\") = o.p, q { function }\n"
		"probe r = s += t { if (x) { } }\n"
		"probe begin { global }\n"
		"private function u() { }\n";
	struct arena *arena = arena_create();
	struct source *src = source_create(arena, "x", text, sizeof(text) - 1);
	char *out_text;
	size_t len;
	FILE *out = open_memstream(&out_text, &len);

	parse_scan(src, note, out);
	fclose(out);
	assert_string_equal(out_text, "g:a g:b g:c g:d g:e g:f f:g f:h f:i m:j a:l.m a:r a:s p: f:u ");
	free(out_text);
	for (size_t n = 0; n < sizeof(text); n++) {
		out = open_memstream(&out_text, &len);
		parse_scan(source_create(arena, "x", text, n), note, out);
		fclose(out);
		free(out_text);
	}
	arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_declarations),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_foreach),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_library_macros),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_macro_bomb),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
