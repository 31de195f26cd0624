/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Globals of the script that are written but never read are shown at the end: each gets an
 * `end` probe, written here as script text and parsed like any other.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "lang/parse.h"
#include "sema/usage.h"

#define STAT_FORMAT "@count=%%#d @min=%%#d @max=%%#d @sum=%%#d @avg=%%#d"

static void put_stat_args(FILE *out, const char *element)
{
	fprintf(out, "@count(%s), @min(%s), @max(%s), @sum(%s), @avg(%s)", element, element, element,
		element, element);
}

static void put_scalar(FILE *out, const struct ast_var *v)
{
	if (v->type == AST_STATS) {
		fprintf(out, "if (@count(%s) == 0) printf(\"%s @count=0x0\\n\") else printf(\"%s "
			STAT_FORMAT "\\n\", ", v->name, v->name, v->name);
		put_stat_args(out, v->name);
		fputs(")", out);
	} else {
		fprintf(out, v->type == AST_STRING ? "printf(\"%s=\\\"%%#s\\\"\\n\", %s)" :
						     "printf(\"%s=%%d\\n\", %s)", v->name, v->name);
	}
}

static void put_keys(FILE *out, const struct ast_var *v)
{
	for (int i = 0; i < v->arity; i++)
		fprintf(out, "%s__idx%d", i ? ", " : "", i);
}

static void put_array(FILE *out, const struct ast_var *v, struct arena *a)
{
	bool stats = v->type == AST_STATS;
	const char *element = arena_printf(a, "%s[__idx0", v->name);

	fprintf(out, "foreach (%s[", stats ? "" : "__val = ");
	put_keys(out, v);
	fprintf(out, "] in %s-) printf(\"%s[", v->name, v->name);
	for (int i = 0; i < v->arity; i++) {
		fprintf(out, "%s%s", i ? "," : "", v->key_types[i] == AST_STRING ? "\\\"%#s\\\"" : "%#d");
		if (i)
			element = arena_printf(a, "%s, __idx%d", element, i);
	}
	element = arena_printf(a, "%s]", element);
	if (stats)
		fprintf(out, "] " STAT_FORMAT "\\n\", ");
	else
		fprintf(out, "]=%s\\n\", ", v->type == AST_STRING ? "\\\"%#s\\\"" : "%d");
	put_keys(out, v);
	fputs(", ", out);
	if (stats)
		put_stat_args(out, element);
	else
		fputs("__val", out);
	fputs(")", out);
}

static void add_display(struct sema_state *st, const struct ast_var *v)
{
	struct arena *a = st->s->arena;
	char *text = NULL;
	size_t len = 0;
	FILE *out = xmemstream(&text, &len);
	struct source *src;
	struct ast_file *f;
	ptrdiff_t home = hmgeti(st->file_of, v->at.src);

	fputs("probe end { ", out);
	if (v->arity > 0)
		put_array(out, v, a);
	else
		put_scalar(out, v);
	fputs(" }\n", out);
	fclose(out);
	src = source_create(a, v->at.src->name, arena_strndup(a, text, len), len);
	free(text);
	src->tapset = true;
	f = parse_script(st->s->parse, src);
	if (!f || !f->nprobes)
		return;
	/* names mean what they mean in the global's own file */
	if (home >= 0) {
		struct ast_file *file = st->file_of[home].value;

		hmput(st->file_of, src, file);
	}
	sema_derive_probe(st, f->probes[0]);
}

void sema_add_displays(struct sema_state *st)
{
	struct usage u = {0};
	size_t before = arrlenu(st->bodies);

	usage_collect_all(&u, st);
	for (size_t i = 0; i < arrlenu(st->s->globals); i++) {
		const struct ast_var *v = st->s->globals[i];
		unsigned use = usage_of(&u, v);

		if ((use & USE_WRITTEN) && !(use & USE_NEEDED) && v->at.src && !v->at.src->tapset)
			add_display(st, v);
	}
	usage_fini(&u);
	if (arrlenu(st->bodies) > before)
		sema_infer_types(st);
}
