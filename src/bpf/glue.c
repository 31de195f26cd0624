/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of glue.h, from /proc/kallsyms. */
#include "bpf/glue.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "base/xalloc.h"
#include "bpf/engine_priv.h"

#define FUNCTION_MAX	4096	/* bytes of such a function at most, where the next symbol is not near */

static bool is_glue(const char *symbol)
{
	static const char *const prefixes[] = { "__bpf_trace_", "__traceiter_", "bpf_trace_run" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(symbol, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

struct range {
	uint64_t start, end;
};

struct glue_search {
	struct range *found;	/* stb_ds */
	bool open;		/* the last one may reach up to the next symbol */
};

/* A function reaches up to the next symbol. */
static bool add_symbol(void *ctx, const struct procfs_symbol *sym)
{
	struct glue_search *s = ctx;
	struct range *last = s->open ? &arrlast(s->found) : NULL;

	if (last && sym->addr == last->start)
		return true;
	if (last && sym->addr > last->start && sym->addr < last->end)
		last->end = sym->addr;
	s->open = sym->addr && (sym->type == 't' || sym->type == 'T') && is_glue(sym->name);
	if (s->open)
		arrput(s->found, ((struct range){ sym->addr, sym->addr + FUNCTION_MAX }));
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorts, and joins what touches. */
static void fill(struct glue_table *t, struct range *found)
{
	if (found)
		qsort(found, arrlenu(found), sizeof(*found), by_start);
	for (size_t i = 0; i < arrlenu(found); i++) {
		if (t->n && found[i].start <= t->range[t->n - 1].end) {
			if (found[i].end > t->range[t->n - 1].end)
				t->range[t->n - 1].end = found[i].end;
		} else if (t->n < GLUE_RANGES) {
			t->range[t->n].start = found[i].start;
			t->range[t->n++].end = found[i].end;
		}
	}
}

int glue_create(struct engine *e)
{
	struct glue_search s = { 0 };
	struct glue_table *t;
	int err;

	if (!map_wanted(e, MAP_GLUE))
		return 0;
	err = map_make(e, MAP_GLUE, BPF_MAP_TYPE_ARRAY, "glue", 4, sizeof(*t), 1, 0);
	if (err)
		return err;
	t = xcalloc(1, sizeof(*t));
	procfs_each_symbol(add_symbol, &s);
	fill(t, s.found);
	err = map_fill(e, MAP_GLUE, "glue", t);
	arrfree(s.found);
	free(t);
	return err;
}
