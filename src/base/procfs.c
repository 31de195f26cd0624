/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See procfs.h. */
#include "base/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int procfs_each_id(const char *dir, procfs_id_fn *fn, void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool more = true;

	if (!d)
		return -errno;
	while (more && (e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			more = fn(ctx, (pid_t)strtol(e->d_name, NULL, 10));
	closedir(d);
	return 0;
}

/* The word at *p, which is ended there; *p goes behind it. */
static char *take_word(char **p)
{
	char *word = *p + strspn(*p, " \t\n"), *end = word + strcspn(word, " \t\n");

	*p = end + (*end != '\0');
	*end = '\0';
	return word;
}

/* "ADDRESS TYPE NAME" and, of a module's, "\t[MODULE]" */
static bool parse_symbol(char *line, struct procfs_symbol *s)
{
	char *module;
	size_t n;

	s->addr = strtoull(line, &line, 16);
	s->type = *take_word(&line);
	s->name = take_word(&line);
	module = take_word(&line);
	n = strlen(module);
	s->module = NULL;
	if (n > 2 && module[0] == '[' && module[n - 1] == ']') {
		module[n - 1] = '\0';
		s->module = module + 1;
	}
	return s->name[0] != '\0';
}

int procfs_each_symbol(procfs_symbol_fn *fn, void *ctx)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct procfs_symbol s;
	char *line = NULL;
	size_t cap = 0;
	bool more = true;

	if (!f)
		return -errno;
	while (more && getline(&line, &cap, f) > 0)
		if (parse_symbol(line, &s))
			more = fn(ctx, &s);
	free(line);
	fclose(f);
	return 0;
}
