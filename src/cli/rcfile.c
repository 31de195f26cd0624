/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rc file: a line is split into words as a shell does, but runs nothing. */
#include "cli/rcfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>

#include "base/ds.h"
#include "base/intern.h"

const char *cli_user_dir(void)
{
	static char path[4096];
	const char *dir = getenv("SYSTEMTAP_DIR"), *home = getenv("HOME");

	if (dir && dir[0])
		snprintf(path, sizeof(path), "%s", dir);
	else
		snprintf(path, sizeof(path), "%s/.systemtap", home ? home : "");
	return path;
}

const char *cli_rcfile_path(void)
{
	static char path[4096 + 8];

	snprintf(path, sizeof(path), "%s/rc", cli_user_dir());
	return path;
}

int cli_rcfile_read(char *argv0, char ***argv)
{
	FILE *f = fopen(cli_rcfile_path(), "re");
	static char **v;	/* kept: options point into it */
	char *line = NULL;
	size_t cap = 0;
	int n;

	if (!f)
		return 0;
	arrsetlen(v, 0);
	arrput(v, argv0);
	while (getline(&line, &cap, f) > 0) {
		wordexp_t w = { 0 };

		line[strcspn(line, "\n")] = 0;
		if (line[0] == '#' || wordexp(line, &w, WRDE_NOCMD))
			continue;
		for (size_t i = 0; i < w.we_wordc; i++)
			arrput(v, (char *)intern(w.we_wordv[i]));
		wordfree(&w);
	}
	free(line);
	fclose(f);
	n = (int)arrlen(v);
	arrput(v, NULL);
	*argv = v;
	return n;
}
