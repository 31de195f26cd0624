// SPDX-License-Identifier: GPL-2.0-or-later
/* The index of the tapset; see index.h. */
#include "sema/index.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ds.h"
#include "base/intern.h"
#include "lang/parse.h"

#define MAX_DEPTH 8	/* of directories; ends loops of links */

struct index_file {
	const struct source *src;
	struct ast_file *ast;
	bool parsed;
};

struct name_files {
	const char *key;
	uint32_t *value;	/* stb_ds array of file numbers */
};

struct sema_index {
	struct sema_session *s;
	struct index_file *files;
	struct name_files *functions, *globals;
	struct sema_index_alias *aliases;
	uint32_t scanning;
	bool scanning_shipped;	/* not a directory of -I */
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

static void add_file(struct sema_index *ix, const char *path, bool macros)
{
	struct source *src = source_read(ix->s->arena, path);
	struct index_file f = {src, NULL, false};

	if (!src)
		return;
	src->tapset = true;
	src->shipped = ix->scanning_shipped;
	if (macros) {
		if (ix->s->parse)
			parse_macro_file(ix->s->parse, src);
		return;
	}
	ix->scanning = (uint32_t)arrlenu(ix->files);
	arrput(ix->files, f);
	parse_scan(src, on_name, ix);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && !strcmp(name + n - k, suffix);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Macro files of a directory go before its other files, files before subdirectories. */
static void add_directory(struct sema_index *ix, const char *dir, int depth)
{
	enum { MACROS, SCRIPTS, DIRECTORIES, ROUNDS };
	struct dirent **list = NULL;
	int n = depth < MAX_DEPTH ? scandir(dir, &list, NULL, by_name) : 0;

	for (int round = MACROS; round < ROUNDS; round++) {
		for (int i = 0; i < n; i++) {
			const char *name = list[i]->d_name;
			const char *path;
			struct stat st;

			if (name[0] == '.')
				continue;
			path = arena_printf(ix->s->arena, "%s/%s", dir, name);
			if (has_suffix(name, ".stpm")) {
				if (round == MACROS)
					add_file(ix, path, true);
			} else if (has_suffix(name, ".stp")) {
				if (round == SCRIPTS)
					add_file(ix, path, false);
			} else if (round == DIRECTORIES && !stat(path, &st) && S_ISDIR(st.st_mode)) {
				add_directory(ix, path, depth + 1);
			}
		}
	}
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

struct sema_index *sema_index_create(struct sema_session *s)
{
	struct sema_index *ix = calloc(1, sizeof(*ix));

	if (!ix)
		abort();
	ix->s = s;
	for (size_t i = 0; i < arrlenu(s->tapset_dirs); i++) {
		ix->scanning_shipped = i >= s->ninclude_dirs;
		add_directory(ix, s->tapset_dirs[i], 0);
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
	arrfree(ix->files);
	free(ix);
}

struct ast_file *sema_index_file(struct sema_index *ix, uint32_t file)
{
	struct index_file *f = &ix->files[file];

	if (!f->parsed) {
		f->parsed = true;
		f->ast = parse_library_file(ix->s->parse, f->src);
	}
	return f->ast;
}

size_t sema_index_nfiles(const struct sema_index *ix)
{
	return arrlenu(ix->files);
}

struct ast_function **sema_index_functions(struct sema_index *ix, const char *name)
{
	struct ast_function **out = NULL;
	ptrdiff_t i = hmgeti(ix->functions, name);

	for (size_t k = 0; i >= 0 && k < arrlenu(ix->functions[i].value); k++) {
		struct ast_file *f = sema_index_file(ix, ix->functions[i].value[k]);

		for (size_t n = 0; f && n < f->nfunctions; n++)
			if (f->functions[n]->name == name && !f->functions[n]->is_private)
				arrput(out, f->functions[n]);
	}
	return out;
}

struct ast_var *sema_index_global(struct sema_index *ix, const char *name)
{
	ptrdiff_t i = hmgeti(ix->globals, name);

	for (size_t k = 0; i >= 0 && k < arrlenu(ix->globals[i].value); k++) {
		struct ast_file *f = sema_index_file(ix, ix->globals[i].value[k]);

		for (size_t n = 0; f && n < f->nglobals; n++)
			if (f->globals[n]->name == name && !f->globals[n]->is_private)
				return f->globals[n];
	}
	return NULL;
}

const struct sema_index_alias *sema_index_aliases(const struct sema_index *ix, size_t *n)
{
	*n = arrlenu(ix->aliases);
	return ix->aliases;
}

const char **sema_index_function_names(const struct sema_index *ix)
{
	const char **out = NULL;

	for (ptrdiff_t i = 0; i < hmlen(ix->functions); i++)
		arrput(out, ix->functions[i].key);
	return out;
}
