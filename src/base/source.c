/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source texts: reading files, finding lines. */
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

struct source *source_create(struct arena *a, const char *name, const char *text, size_t len)
{
	struct source *s = arena_new(a, struct source);

	s->arena = a;
	s->name = name;
	s->text = text;
	s->len = len;
	return s;
}

/* Reads `fd` to its end into *text (malloc'ed), *len.  0 or -errno. */
static int read_all(int fd, size_t expect, char **text, size_t *len)
{
	size_t size = expect + 1, used = 0;
	char *buf = malloc(size);

	while (buf) {
		ssize_t n;

		if (used == size) {
			char *bigger = size < UINT32_MAX ? realloc(buf, size * 2) : NULL;

			if (!bigger)
				break;
			buf = bigger;
			size *= 2;
		}
		n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;

			free(buf);
			return -err;
		}
		if (n == 0) {
			*text = buf;
			*len = used;
			return 0;
		}
		used += (size_t)n;
	}
	free(buf);
	return -EFBIG;
}

struct source *source_read(struct arena *a, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct source *s;
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int err;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || st.st_size < 0 || st.st_size > INT32_MAX)
		err = -EFBIG;
	else
		err = read_all(fd, (size_t)st.st_size, &text, &len);
	if (!is_stdin)
		close(fd);
	if (err) {
		errno = -err;
		return NULL;
	}
	s = source_create(a, is_stdin ? "<input>" : arena_strdup(a, path),
			  arena_memdup(a, text, len), len);
	free(text);
	return s;
}

static void index_lines(struct source *s)
{
	uint32_t n = 1;

	for (size_t i = 0; i < s->len; i++)
		n += s->text[i] == '\n';
	s->line_start = arena_new_array(s->arena, uint32_t, n);
	s->line_count = n;
	n = 1;
	for (size_t i = 0; i < s->len; i++)
		if (s->text[i] == '\n')
			s->line_start[n++] = (uint32_t)i + 1;
}

const char *source_line(const struct source *src, uint32_t line, size_t *len)
{
	struct source *s = (struct source *)src; /* the index is a cache */
	const char *start, *end;
	size_t rest;

	if (!s->line_start)
		index_lines(s);
	if (line == 0 || line > s->line_count)
		return NULL;
	start = s->text + s->line_start[line - 1];
	rest = s->len - s->line_start[line - 1];
	end = rest ? memchr(start, '\n', rest) : NULL;
	*len = end ? (size_t)(end - start) : rest;
	return start;
}
