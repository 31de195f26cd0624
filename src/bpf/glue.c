/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of glue.h, from /proc/kallsyms. */
#include "bpf/glue.h"

#include <bpf/bpf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ds.h"
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

/* Every such function up to the next symbol, in the order of the symbols; an stb_ds array. */
static struct range *read_ranges(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct range *found = NULL;
	char *line = NULL;
	size_t size = 0;
	bool open = false;

	while (f && getline(&line, &size, f) > 0) {
		char type, symbol[512];
		uint64_t addr;

		if (sscanf(line, "%" SCNx64 " %c %511s", &addr, &type, symbol) != 3)
			continue;
		if (open && addr == arrlast(found).start)
			continue;
		if (open && addr > arrlast(found).start && addr < arrlast(found).end)
			arrlast(found).end = addr;
		open = addr && (type == 't' || type == 'T') && is_glue(symbol);
		if (open)
			arrput(found, ((struct range){ addr, addr + FUNCTION_MAX }));
	}
	free(line);
	if (f)
		fclose(f);
	return found;
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
	struct glue_table *t;
	struct range *found;
	int err;

	if (!map_wanted(e, MAP_GLUE))
		return 0;
	err = map_make(e, MAP_GLUE, BPF_MAP_TYPE_ARRAY, "glue", 4, sizeof(*t), 1, 0);
	if (err)
		return err;
	t = xcalloc(1, sizeof(*t));
	found = read_ranges();
	fill(t, found);
	err = map_fill(e, MAP_GLUE, "glue", t);
	arrfree(found);
	free(t);
	return err;
}
