/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files kept from one run to the next; see cachefile.h. */
#include "dbg/cachefile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/xalloc.h"

static char *directory;

void dbg_cache_directory(const char *dir)
{
	free(directory);
	directory = dir ? xstrdup(dir) : NULL;
}

bool dbg_cache_enabled(void)
{
	return directory != NULL;
}

/* Makes the directory, and the one that it is in. */
static void make_directory(void)
{
	char *parent = xstrdup(directory), *slash = strrchr(parent, '/');

	if (slash && slash != parent) {
		*slash = 0;
		mkdir(parent, 0755);
	}
	mkdir(directory, 0755);
	free(parent);
}

void *dbg_cache_map(const char *name, size_t *len)
{
	void *p = MAP_FAILED;
	struct stat st;
	char *path;
	int fd;

	if (!directory)
		return NULL;
	path = xasprintf("%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(path);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && (st.st_uid == geteuid() || st.st_uid == 0))
		p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return NULL;
	*len = (size_t)st.st_size;
	return p;
}

void dbg_cache_write(const char *name, const struct iovec *parts, size_t n)
{
	char *path, *temp;
	bool ok = true;
	FILE *f;

	if (!directory)
		return;
	make_directory();
	path = xasprintf("%s/%s", directory, name);
	temp = xasprintf("%s.%d", path, (int)getpid());
	f = fopen(temp, "wex");
	for (size_t i = 0; f && ok && i < n; i++)
		ok = fwrite(parts[i].iov_base, 1, parts[i].iov_len, f) == parts[i].iov_len;
	if (f) {
		ok = fclose(f) == 0 && ok;
		if (!ok || rename(temp, path))
			unlink(temp);
	}
	free(temp);
	free(path);
}
