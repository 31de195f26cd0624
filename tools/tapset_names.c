/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the table of the names that the tapset defines (lang/names.h).
 *
 * usage: tapset_names OUTPUT DEPFILE DIRECTORY...
 *
 * The directories become one when they are installed, so paths are relative to the directory they are below.
 * DEPFILE gets a make rule with the files and directories that the table was made from.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/source.h"
#include "lang/names.h"

struct walk {
	struct arena *arena;
	struct names_maker *maker;
	FILE *depends;
	size_t below;	/* where relative paths begin */
	const char *output;
	bool failed;
};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && !strcmp(name + n - k, suffix);
}

static void add_file(struct walk *w, const char *path)
{
	struct source *src = source_read(w->arena, path);

	if (!src) {
		perror(path);
		w->failed = true;
		return;
	}
	names_maker_add(w->maker, path + w->below, src);
	fprintf(w->depends, " %s", path);
}

static void add_directory(struct walk *w, const char *dir)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort);

	if (n < 0) {
		perror(dir);
		w->failed = true;
	}
	if (strncmp(w->output, dir, strlen(dir)) != 0)	/* what is made there is listed, and always newer */
		fprintf(w->depends, " %s", dir);
	for (int i = 0; i < n; i++) {
		const char *path = arena_printf(w->arena, "%s/%s", dir, list[i]->d_name);
		struct stat st;

		if (has_suffix(path, ".stp") || has_suffix(path, ".stpm"))
			add_file(w, path);
		else if (list[i]->d_name[0] != '.' && !stat(path, &st) && S_ISDIR(st.st_mode))
			add_directory(w, path);
		free(list[i]);
	}
	free(list);
}

int main(int argc, char **argv)
{
	struct walk w = {.arena = arena_create(), .maker = names_maker_create(), .output = argv[1]};
	FILE *out;

	if (argc < 4) {
		fprintf(stderr, "usage: %s OUTPUT DEPFILE DIRECTORY...\n", argv[0]);
		return 2;
	}
	w.depends = fopen(argv[2], "w");
	if (!w.depends) {
		perror(argv[2]);
		return 1;
	}
	fprintf(w.depends, "%s:", argv[1]);
	for (int i = 3; i < argc; i++) {
		w.below = strlen(argv[i]) + 1;
		add_directory(&w, argv[i]);
	}
	fputc('\n', w.depends);
	out = fopen(argv[1], "w");
	if (!out || names_maker_write(w.maker, out) || fclose(out) || fclose(w.depends)) {
		perror(argv[1]);
		return 1;
	}
	names_maker_destroy(w.maker);
	arena_destroy(w.arena);
	return w.failed;
}
