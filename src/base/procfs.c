/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See procfs.h. */
#include "base/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_PID_NAMESPACE 0xEFFFFFFC	/* its inode, in every kernel */

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

/* "ADDRESS TYPE NAME" and, of a module's, "\t[MODULE]"; `end` is its newline.  There are 200 000 such lines. */
static bool parse_symbol(char *line, char *end, struct procfs_symbol *s)
{
	char *p = line, *tab;

	*end = '\0';
	s->addr = 0;
	for (; isxdigit((unsigned char)*p); p++)
		s->addr = s->addr << 4 | (uint64_t)((*p & 15) + (*p > '9' ? 9 : 0));
	if (*p != ' ' || end - p < 4 || p[2] != ' ')
		return false;
	s->type = p[1];
	s->name = p + 3;
	tab = memchr(p + 3, '\t', (size_t)(end - p - 3));
	s->module = NULL;
	if (tab) {
		*tab = '\0';
		if (end - tab > 3 && tab[1] == '[' && end[-1] == ']') {
			s->module = tab + 2;
			end[-1] = '\0';
		}
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
	ssize_t n;

	if (!f)
		return -errno;
	while (more && (n = getline(&line, &cap, f)) > 0)
		if (line[n - 1] == '\n' && parse_symbol(line, line + n - 1, &s))
			more = fn(ctx, &s);
	free(line);
	fclose(f);
	return 0;
}

bool procfs_has_own_ids(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != FIRST_PID_NAMESPACE;
}
