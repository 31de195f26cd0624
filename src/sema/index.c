/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of the tapset; see index.h. */
#include "sema/index.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ds.h"
#include "base/intern.h"
#include "base/xalloc.h"
#include "lang/names.h"
#include "lang/parse.h"

#define MAX_DEPTH 8	/* of directories; ends loops of links */
#define NAME_TABLE "tapset.names"

/* A script or macro file of the library. */
struct index_file {
	const char *path;
	const struct source *src;	/* NULL until it is needed */
	struct ast_file *ast;
	bool shipped;			/* not in a directory of -I */
	bool macros;
	bool parsed;
	int64_t known;			/* its number in the name table, or -1: its text is looked at */
};

struct name_files {
	const char *key;
	uint32_t *value;	/* stb_ds array of file numbers */
};

struct sema_index {
	struct sema_session *s;
	struct index_file *scripts, *macros;
	/* of the scripts that the name table does not know */
	struct name_files *functions, *globals;
	struct sema_index_alias *aliases;
	uint32_t scanning;
	const struct names *table;	/* or NULL */
	struct index_file **by_table;	/* its files by number; NULL: not there, or not as the table says */
	uint32_t *found;		/* result of files_defining(); stb_ds array */
};

static void add_name(struct name_files **map, const char *name, uint32_t file)
{
	ptrdiff_t i = hmgeti(*map, name);

	if (i < 0) {
		hmput(*map, name, NULL);
		i = hmgeti(*map, name);
	}
	if (!arrlenu((*map)[i].value) || arrlast((*map)[i].value) != file)
		arrput((*map)[i].value, file);
}

static void on_name(void *ctx, enum scan_kind kind, const char *name, size_t len)
{
	struct sema_index *ix = ctx;

	switch (kind) {
	case SCAN_FUNCTION:
		add_name(&ix->functions, intern_n(name, len), ix->scanning);
		break;
	case SCAN_GLOBAL:
		add_name(&ix->globals, intern_n(name, len), ix->scanning);
		break;
	case SCAN_ALIAS: {
		struct sema_index_alias a = {intern_n(name, len), ix->scanning};

		arrput(ix->aliases, a);
		break;
	}
	case SCAN_MACRO:
	case SCAN_PROBE:
		break;
	}
}

/* The text of a file, or NULL. */
static const struct source *file_text(struct sema_index *ix, struct index_file *f)
{
	struct source *src;

	if (f->src)
		return f->src;
	src = source_read(ix->s->arena, f->path);
	if (src) {
		src->tapset = true;
		src->shipped = f->shipped;
	}
	return f->src = src;
}

static void read_macros(struct sema_index *ix, struct index_file *f)
{
	if (f->parsed || !ix->s->parse)
		return;
	f->parsed = true;
	if (file_text(ix, f))
		parse_macro_file(ix->s->parse, f->src);
}

/* ---- finding the files ---- */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && !strcmp(name + n - k, suffix);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A directory of the library; `below`: where the names of its files begin that the name table has. */
struct index_dir {
	const char *path;
	size_t below;
	bool shipped;
	int depth;
};

static void add_file(struct sema_index *ix, const struct index_dir *d, const char *path, bool macros)
{
	struct index_file f = {.path = path, .shipped = d->shipped, .macros = macros, .known = -1};
	struct stat st;

	if (stat(path, &st))
		return;
	if (d->shipped && ix->table)
		f.known = names_find_file(ix->table, path + d->below, &st);
	if (macros)
		arrput(ix->macros, f);
	else
		arrput(ix->scripts, f);
}

/* Files of a directory go before subdirectories. */
static void add_directory(struct sema_index *ix, const struct index_dir *d)
{
	struct dirent **list = NULL;
	int n = d->depth < MAX_DEPTH ? scandir(d->path, &list, NULL, by_name) : 0;

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (name[0] != '.' && has_suffix(name, ".stpm"))
			add_file(ix, d, arena_printf(ix->s->arena, "%s/%s", d->path, name), true);
		else if (name[0] != '.' && has_suffix(name, ".stp"))
			add_file(ix, d, arena_printf(ix->s->arena, "%s/%s", d->path, name), false);
	}
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		struct index_dir sub = {NULL, d->below, d->shipped, d->depth + 1};
		struct stat st;

		if (name[0] != '.' && !has_suffix(name, ".stpm") && !has_suffix(name, ".stp")) {
			sub.path = arena_printf(ix->s->arena, "%s/%s", d->path, name);
			if (list[i]->d_type == DT_DIR ||
			    (list[i]->d_type != DT_REG && !stat(sub.path, &st) && S_ISDIR(st.st_mode)))
				add_directory(ix, &sub);
		}
		free(list[i]);
	}
	free(list);
}

/* The name table of the first shipped directory that has one: it tells of the files of all of them. */
static const struct names *read_table(struct sema_session *s)
{
	const struct names *t = NULL;

	for (size_t i = s->ninclude_dirs; i < arrlenu(s->tapset_dirs) && !t; i++)
		t = names_read(s->arena, arena_printf(s->arena, "%s/" NAME_TABLE, s->tapset_dirs[i]));
	return t;
}

/* Notes which files the table knows; of two with one path only the first. */
static void note_known(struct sema_index *ix, struct index_file *files)
{
	for (size_t i = 0; i < arrlenu(files); i++) {
		struct index_file *f = &files[i];

		if (f->known >= 0 && ix->by_table[f->known])
			f->known = -1;
		if (f->known >= 0)
			ix->by_table[f->known] = f;
	}
}

/* env->find_macro: reads the macro files known to define `name`. */
static void find_macro(void *ctx, const char *name)
{
	struct sema_index *ix = ctx;
	uint32_t file;

	for (size_t i = names_lower(ix->table, SCAN_MACRO, name); i < names_count(ix->table, SCAN_MACRO); i++) {
		if (strcmp(names_at(ix->table, SCAN_MACRO, i, &file), name) != 0)
			break;
		if (ix->by_table[file] && ix->by_table[file]->macros)
			read_macros(ix, ix->by_table[file]);
	}
}

struct sema_index *sema_index_create(struct sema_session *s)
{
	struct sema_index *ix = xcalloc(1, sizeof(*ix));

	ix->s = s;
	ix->table = read_table(s);
	for (size_t i = 0; i < arrlenu(s->tapset_dirs); i++) {
		struct index_dir d = {s->tapset_dirs[i], strlen(s->tapset_dirs[i]) + 1, i >= s->ninclude_dirs, 0};

		add_directory(ix, &d);
	}
	if (ix->table) {
		ix->by_table = arena_new_array(s->arena, struct index_file *, names_nfiles(ix->table));
		note_known(ix, ix->macros);
		note_known(ix, ix->scripts);
		if (s->parse) {
			s->parse->find_macro = find_macro;
			s->parse->find_macro_ctx = ix;
		}
	}
	for (size_t i = 0; i < arrlenu(ix->macros); i++)
		if (ix->macros[i].known < 0)
			read_macros(ix, &ix->macros[i]);
	for (size_t i = 0; i < arrlenu(ix->scripts); i++) {
		ix->scanning = (uint32_t)i;
		if (ix->scripts[i].known < 0 && file_text(ix, &ix->scripts[i]))
			parse_scan(ix->scripts[i].src, on_name, ix);
	}
	return ix;
}

static void free_names(struct name_files *map)
{
	for (ptrdiff_t i = 0; i < hmlen(map); i++)
		arrfree(map[i].value);
	hmfree(map);
}

void sema_index_destroy(struct sema_index *ix)
{
	if (!ix)
		return;
	free_names(ix->functions);
	free_names(ix->globals);
	arrfree(ix->aliases);
	arrfree(ix->scripts);
	arrfree(ix->macros);
	arrfree(ix->found);
	free(ix);
}

/* ---- looking up ---- */

struct ast_file *sema_index_file(struct sema_index *ix, uint32_t file)
{
	struct index_file *f = &ix->scripts[file];

	if (!f->parsed) {
		f->parsed = true;
		f->ast = file_text(ix, f) ? parse_library_file(ix->s->parse, f->src) : NULL;
	}
	return f->ast;
}

size_t sema_index_nfiles(const struct sema_index *ix)
{
	return arrlenu(ix->scripts);
}

/* Number of a script that the table knows by this number; false: it does not hold. */
static bool table_script(const struct sema_index *ix, uint32_t known, uint32_t *file)
{
	const struct index_file *f = ix->by_table[known];

	if (!f || f->macros)
		return false;
	*file = (uint32_t)(f - ix->scripts);
	return true;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The files that define a name, in order: ix->found. */
static void files_defining(struct sema_index *ix, enum scan_kind kind, const char *name)
{
	struct name_files **map = kind == SCAN_FUNCTION ? &ix->functions : &ix->globals;
	ptrdiff_t scanned = hmgeti(*map, name);
	uint32_t known, file;

	arrsetlen(ix->found, 0);
	for (size_t k = 0; scanned >= 0 && k < arrlenu((*map)[scanned].value); k++)
		arrput(ix->found, (*map)[scanned].value[k]);
	for (size_t i = ix->table ? names_lower(ix->table, kind, name) : 0;
	     ix->table && i < names_count(ix->table, kind) && !strcmp(names_at(ix->table, kind, i, &known), name); i++)
		if (table_script(ix, known, &file))
			arrput(ix->found, file);
	if (arrlenu(ix->found) > 1)
		qsort(ix->found, arrlenu(ix->found), sizeof(*ix->found), by_number);
}

struct ast_function **sema_index_functions(struct sema_index *ix, const char *name)
{
	struct ast_function **out = NULL;

	files_defining(ix, SCAN_FUNCTION, name);
	for (size_t k = 0; k < arrlenu(ix->found); k++) {
		struct ast_file *f = sema_index_file(ix, ix->found[k]);

		for (size_t n = 0; f && n < f->nfunctions; n++)
			if (f->functions[n]->name == name && !f->functions[n]->is_private)
				arrput(out, f->functions[n]);
	}
	return out;
}

struct ast_var *sema_index_global(struct sema_index *ix, const char *name)
{
	files_defining(ix, SCAN_GLOBAL, name);
	for (size_t k = 0; k < arrlenu(ix->found); k++) {
		struct ast_file *f = sema_index_file(ix, ix->found[k]);

		for (size_t n = 0; f && n < f->nglobals; n++)
			if (f->globals[n]->name == name && !f->globals[n]->is_private)
				return f->globals[n];
	}
	return NULL;
}

/* Whether a dotted name's first component is `first`. */
static bool begins_with(const char *dotted, const char *first, size_t len)
{
	return !strncmp(dotted, first, len) && (!dotted[len] || dotted[len] == '.');
}

struct sema_index_alias *sema_index_aliases(const struct sema_index *ix, const char *first)
{
	size_t len = first ? strlen(first) : 0;
	struct sema_index_alias *out = NULL;

	for (size_t i = 0; i < arrlenu(ix->aliases); i++)
		if (!first || begins_with(ix->aliases[i].name, first, len))
			arrput(out, ix->aliases[i]);
	for (size_t i = first && ix->table ? names_lower(ix->table, SCAN_ALIAS, first) : 0;
	     ix->table && i < names_count(ix->table, SCAN_ALIAS); i++) {
		struct sema_index_alias a;
		uint32_t known;
		const char *name = names_at(ix->table, SCAN_ALIAS, i, &known);

		if (first && strncmp(name, first, len) != 0)
			break;
		if ((first && !begins_with(name, first, len)) || !table_script(ix, known, &a.file))
			continue;
		a.name = intern(name);
		arrput(out, a);
	}
	return out;
}

const char **sema_index_function_names(const struct sema_index *ix)
{
	const char **out = NULL;
	uint32_t known, file;

	for (ptrdiff_t i = 0; i < hmlen(ix->functions); i++)
		arrput(out, ix->functions[i].key);
	for (size_t i = 0; ix->table && i < names_count(ix->table, SCAN_FUNCTION); i++) {
		const char *name = names_at(ix->table, SCAN_FUNCTION, i, &known);

		if (table_script(ix, known, &file))
			arrput(out, name);
	}
	return out;
}
