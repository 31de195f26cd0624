/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -l and -L: sorted, unique names, each with the variables common to all points of that name. */
#include "probe/family.h"

#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"

struct line {
	char *name;
	char **vars;		/* "$name:type"; stb_ds */
};

struct probe_listing {
	struct line *lines;	/* stb_ds array */
	struct { char *key; size_t value; } *by_name;	/* shmap: index into lines */
};

struct probe_listing *probe_listing_create(void)
{
	struct probe_listing *l = xcalloc(1, sizeof(*l));

	sh_new_strdup(l->by_name);
	return l;
}

void probe_listing_destroy(struct probe_listing *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < arrlenu(l->lines); i++) {
		for (size_t j = 0; j < arrlenu(l->lines[i].vars); j++)
			free(l->lines[i].vars[j]);
		arrfree(l->lines[i].vars);
		free(l->lines[i].name);
	}
	arrfree(l->lines);
	shfree(l->by_name);
	free(l);
}

static char *var_text(const struct probe_var *v)
{
	return xasprintf("%s%s:%s", v->local ? "" : "$", v->name, v->type);
}

static bool var_among(const char *text, const struct probe_var *vars, size_t n)
{
	const char *colon = strchr(text, ':'), *name = text + (*text == '$');
	size_t len;

	if (!colon)
		return false;
	len = (size_t)(colon - name);
	for (size_t i = 0; i < n; i++)
		if (vars[i].local == (name == text) && !strncmp(name, vars[i].name, len) && !vars[i].name[len] &&
		    !strcmp(colon + 1, vars[i].type))
			return true;
	return false;
}

void probe_listing_add(struct probe_listing *l, const char *name, const struct probe_var *vars, size_t n)
{
	ptrdiff_t at = shgeti(l->by_name, name);
	struct line fresh = { 0 }, *line;
	size_t kept = 0;

	if (at < 0) {
		fresh.name = xstrdup(name);
		for (size_t i = 0; i < n; i++)
			arrput(fresh.vars, var_text(&vars[i]));
		shput(l->by_name, name, arrlenu(l->lines));
		arrput(l->lines, fresh);
		return;
	}
	line = &l->lines[l->by_name[at].value];
	for (size_t i = 0; i < arrlenu(line->vars); i++) {
		if (var_among(line->vars[i], vars, n))
			line->vars[kept++] = line->vars[i];
		else
			free(line->vars[i]);
	}
	if (line->vars)
		arrsetlen(line->vars, kept);
}

static int line_compare(const void *a, const void *b)
{
	return strcmp((*(const struct line *const *)a)->name, (*(const struct line *const *)b)->name);
}

size_t probe_listing_print(const struct probe_listing *l, FILE *out, bool with_vars)
{
	size_t n = arrlenu(l->lines);
	const struct line **sorted = xcalloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &l->lines[i];
	qsort(sorted, n, sizeof(*sorted), line_compare);
	for (size_t i = 0; i < n; i++) {
		fputs(sorted[i]->name, out);
		for (size_t j = 0; with_vars && j < arrlenu(sorted[i]->vars); j++)
			fprintf(out, " %s", sorted[i]->vars[j]);
		fputc('\n', out);
	}
	free(sorted);
	return n;
}
