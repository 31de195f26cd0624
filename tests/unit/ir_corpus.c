/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the corpus of IR cases and printing globals. */
#include "ir_corpus.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "ir/check.h"
#include "ir/pass.h"
#include "ir/text.h"
#include "ir_support.h"

static void parse_head(struct arena *a, struct ir_case *c, const char *line, size_t n)
{
	char *copy = arena_strndup(a, line, n), *save, *word;

	c->name = strtok_r(copy, " ", &save);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (strcmp(word, "user") == 0)
			c->user_only = true;
		else if (strncmp(word, "maxaction=", 10) == 0)
			c->maxaction = (uint32_t)strtoul(word + 10, NULL, 10);
		else if (strncmp(word, "maxnesting=", 11) == 0)
			c->maxnesting = (uint32_t)strtoul(word + 11, NULL, 10);
		else {
			fprintf(stderr, "%s: unknown word '%s' in case %s\n", c->file, word, c->name);
			abort();
		}
	}
}

/* Which section a "--- x" line begins; NULL: none. */
static const char **section_of(struct ir_case *c, const char *line, size_t n)
{
	if (n == 7 && strncmp(line, "--- out", n) == 0)
		return &c->out;
	if (n == 7 && strncmp(line, "--- err", n) == 0)
		return &c->err;
	if (n == 11 && strncmp(line, "--- globals", n) == 0)
		return &c->globals;
	return NULL;
}

static void load_file(struct arena *a, const char *path, struct ir_case **cases)
{
	const struct source *src = source_read(a, path);
	const char *p, *end, *start = NULL, **section = NULL;
	uint32_t line = 0;

	if (!src) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		abort();
	}
	for (p = src->text, end = p + src->len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		bool head = n > 4 && strncmp(p, "=== ", 4) == 0;
		const char **next = arrlenu(*cases) ? section_of(&arrlast(*cases), p, n) : NULL;

		line++;
		if ((head || next) && section)
			*section = arena_strndup(a, start, (size_t)(p - start));
		if (head) {
			struct ir_case c = { .file = arena_strdup(a, path), .line = line, .out = "",
					     .err = "" };

			parse_head(a, &c, p + 4, n - 4);
			arrput(*cases, c);
			next = &arrlast(*cases).ir;
		}
		p += n + 1;
		if (head || next) {
			section = next;
			start = p;
		}
	}
	if (section)
		*section = arena_strndup(a, start, (size_t)(end - start));
}

struct ir_case *ir_corpus_load(struct arena *a, const char *dir)
{
	struct ir_case *cases = NULL;
	glob_t g;

	if (glob(arena_printf(a, "%s/*.ir", dir), 0, NULL, &g)) {
		fprintf(stderr, "%s: no cases\n", dir);
		abort();
	}
	for (size_t i = 0; i < g.gl_pathc; i++)
		load_file(a, g.gl_pathv[i], &cases);
	globfree(&g);
	return cases;
}

bool ir_corpus_same(const struct ir_case *c, const char *what, const char *how, const char *want, const char *got)
{
	if (strcmp(want, got) == 0)
		return true;
	fprintf(stderr, "%s:%u: case %s (%s): %s differ\n--- expected\n%s--- got\n%s---\n", c->file,
		c->line, c->name, how, what, want, got);
	return false;
}

struct program *ir_corpus_program(struct arena *a, const struct ir_case *c, enum prog_kind kind,
				  bool optimise, const char **err)
{
	struct program *p = program_create(a);
	struct source *src = source_create(a, "<ir>", c->ir, strlen(c->ir));
	struct ir_module *m = ir_parse(a, src, err);
	struct prog_point pt = { .kind = kind == PROG_USER ? POINT_BEGIN : POINT_TRACEPOINT };

	if (!m)
		return NULL;
	p->limits.maxstringlen = m->maxstr;
	if (c->maxaction)
		p->limits.maxaction = p->limits.maxaction_interruptible = c->maxaction;
	else
		p->limits.maxaction_interruptible = p->limits.maxaction;
	if (c->maxnesting)
		p->limits.maxnesting = c->maxnesting;
	*err = ir_check(m);
	if (*err)
		return NULL;
	if (optimise)
		ir_optimise(m);
	pt.str[IR_PP_FULL] = "begin";
	ir_program_fill(p, m, kind, &pt);
	*err = ir_check_program(p);
	if (*err)
		return NULL;
	ir_analyse(p);
	return p;
}

static void put_value(FILE *f, enum ir_type type, const struct ir_val *v)
{
	if (type == IR_STR)
		fprintf(f, "\"%s\"", v->s);
	else
		fprintf(f, "%" PRId64, v->i);
}

static void put_stat(FILE *f, const struct ir_global *g, const struct wire_stat *st)
{
	uint32_t n = ir_hist_buckets(g);

	fprintf(f, ": count %" PRId64 " sum %" PRId64 " min %" PRId64 " max %" PRId64, st->count,
		st->sum, st->min, st->max);
	if (n && st->count)
		fputs(" hist", f);
	for (uint32_t i = 0; i < n; i++)
		if (st->bucket[i])
			fprintf(f, " %u:%" PRId64, i, st->bucket[i]);
	fputc('\n', f);
}

static void put_array(FILE *f, struct ir_store *st, uint32_t index)
{
	const struct ir_global *g = st->module->globals[index];
	struct ir_snapshot snap = { 0 };

	if (st->ops->snapshot(st, index, &snap))
		return;
	for (size_t i = 0; i < snap.n; i++) {
		fprintf(f, "%s[", g->name);
		for (uint32_t k = 0; k < g->nkeys; k++) {
			fputs(k ? ", " : "", f);
			put_value(f, g->key_type[k], &snap.elems[i].key[k]);
		}
		fputc(']', f);
		if (g->type == IR_STAT) {
			put_stat(f, g, snap.elems[i].stat);
			continue;
		}
		fputs(" = ", f);
		put_value(f, g->type, &snap.elems[i].val);
		fputc('\n', f);
	}
	st->ops->snapshot_free(st, &snap);
}

char *ir_corpus_globals(struct ir_store *st)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	for (uint32_t i = 0; i < arrlenu(st->module->globals); i++) {
		const struct ir_global *g = st->module->globals[i];

		if (g->hidden)
			continue;
		if (g->is_array) {
			put_array(f, st, i);
		} else if (g->type == IR_STAT) {
			struct wire_stat *s = malloc(ir_stat_size(g));

			st->ops->stat_get(st, i, NULL, s);
			fputs(g->name, f);
			put_stat(f, g, s);
			free(s);
		} else {
			char *buf = g->type == IR_STR ? malloc(g->bound) : NULL;
			struct ir_val v;

			st->ops->get(st, i, NULL, &v, buf);
			fprintf(f, "%s = ", g->name);
			put_value(f, g->type, &v);
			fputc('\n', f);
			free(buf);
		}
	}
	fclose(f);
	return text;
}
