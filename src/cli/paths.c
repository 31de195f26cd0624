/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tapset is searched in the directories of -I, then in $SYSTEMTAP_TAPSET or else in the source and build
 * trees when this stap was started from its build tree, or else where it is installed.
 */
#include "cli/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "cli/options.h"
#include "cli/rcfile.h"

#define CACHE_DAYS	30

/* What may be removed when it is old: saved programs, indexes of debug information. */
static const char *const cache_suffixes[] = { ".bpo", ".index" };

/* Whether the running program lies below directory `dir`. */
static bool running_below(const char *dir)
{
	char self[PATH_MAX], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t len;

	if (n <= 0 || !realpath(dir, real))
		return false;
	self[n] = 0;
	len = strlen(real);
	return !strncmp(self, real, len) && self[len] == '/';
}

const char **cli_tapset_dirs(struct arena *a, const struct cli_options *o)
{
	const char *env = getenv("SYSTEMTAP_TAPSET"), **dirs = NULL;

	for (size_t i = 0; i < arrlenu(o->include_dirs); i++)
		arrput(dirs, o->include_dirs[i]);
	if (env && env[0]) {
		arrput(dirs, arena_strdup(a, env));
	} else if (running_below(BPFTAP_BUILD_DIR)) {
		arrput(dirs, BPFTAP_SOURCE_TAPSET_DIR);
		arrput(dirs, BPFTAP_BUILD_TAPSET_DIR);	/* what is made from tables */
	} else {
		arrput(dirs, BPFTAP_TAPSET_DIR);
	}
	return dirs;
}

const char *cli_example_path(struct arena *a, const char *name)
{
	const char *tapset = running_below(BPFTAP_BUILD_DIR) ? BPFTAP_SOURCE_TAPSET_DIR : BPFTAP_TAPSET_DIR;

	return arena_printf(a, "%s/../examples/%s", tapset, name);
}

const char *cli_cache_path(struct arena *a)
{
	return arena_printf(a, "%s/cache", cli_user_dir());
}

const char *cli_cache_dir(struct arena *a)
{
	const char *user = cli_user_dir();
	const char *dir = cli_cache_path(a);

	if ((mkdir(user, 0755) && errno != EEXIST) || (mkdir(dir, 0755) && errno != EEXIST))
		return NULL;
	return dir;
}

static bool is_cached_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(cache_suffixes) / sizeof(cache_suffixes[0]); i++)
		if (dot != name && !strcmp(dot, cache_suffixes[i]))
			return true;
	return false;
}

int cli_cache_clean(struct arena *a)
{
	const char *dir = cli_cache_dir(a);
	DIR *d = dir ? opendir(dir) : NULL;
	time_t old = time(NULL) - CACHE_DAYS * 86400;
	struct dirent *e;

	if (!d)
		return 1;
	while ((e = readdir(d)) != NULL) {
		struct stat st;

		if (is_cached_file(e->d_name) && !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_mtime < old)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
	return 0;
}
