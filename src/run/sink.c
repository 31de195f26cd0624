/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The output: one buffer, written when full and on flush; files switched between
 * writes of the caller.
 */
#include "run/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define SINK_BUFFER (64 * 1024)

struct run_sink {
	int fd;
	int error;			/* errno of the first failed write */
	const char *pattern;		/* NULL: standard output */
	uint64_t rotate_bytes;
	unsigned rotate_count;
	unsigned number;		/* of the next file */
	uint64_t file_bytes;		/* accepted for the current file */
	char *name;
	char **kept;			/* stb_ds array: names of rotated files, oldest first */
	char *ring;			/* NULL: a file */
	size_t ring_size;
	uint64_t ring_total;		/* bytes put into it so far */
	size_t len;
	char buf[SINK_BUFFER];
};

/* The name of the next file: pattern by strftime(3), with the number when rotating. */
static char *sink_make_name(const struct run_sink *s)
{
	char base[4096];
	time_t now = time(NULL);
	struct tm tm;

	if (!strchr(s->pattern, '%') || !localtime_r(&now, &tm) ||
	    !strftime(base, sizeof(base), s->pattern, &tm))
		snprintf(base, sizeof(base), "%s", s->pattern);
	return s->rotate_bytes || s->number ? xasprintf("%s.%u", base, s->number) : xstrdup(base);
}

/* Opens the next file and removes the oldest beyond the count; 0 or -errno. */
static int sink_next_file(struct run_sink *s)
{
	char *name = sink_make_name(s);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0) {
		int err = errno;

		free(name);
		return -err;
	}
	if (s->fd >= 0)
		close(s->fd);
	free(s->name);
	s->fd = fd;
	s->name = name;
	s->number++;
	s->file_bytes = 0;
	if (s->rotate_bytes && s->rotate_count) {
		char *copy = xstrdup(name);

		arrput(s->kept, copy);
		if (arrlenu(s->kept) > s->rotate_count) {
			unlink(s->kept[0]);
			free(s->kept[0]);
			arrdel(s->kept, 0);
		}
	}
	return 0;
}

struct run_sink *run_sink_open(const char *pattern, uint64_t rotate_bytes, unsigned rotate_count)
{
	struct run_sink *s = xmalloc(sizeof(*s));
	int rc;

	memset(s, 0, offsetof(struct run_sink, buf));
	s->pattern = pattern;
	s->rotate_bytes = rotate_bytes;
	s->rotate_count = rotate_count;
	s->fd = -1;
	if (!pattern) {
		s->fd = STDOUT_FILENO;
		s->rotate_bytes = 0;
		return s;
	}
	rc = sink_next_file(s);
	if (rc) {
		free(s);
		errno = -rc;
		return NULL;
	}
	return s;
}

struct run_sink *run_sink_open_ring(size_t bytes)
{
	struct run_sink *s = run_sink_open(NULL, 0, 0);

	s->fd = -1;
	s->ring_size = bytes;
	s->ring = xmalloc(bytes);
	return s;
}

static void sink_record(struct run_sink *s, const char *p, size_t len)
{
	while (len) {
		size_t at = (size_t)(s->ring_total % s->ring_size), n = s->ring_size - at;

		if (n > len)
			n = len;
		memcpy(s->ring + at, p, n);
		s->ring_total += n;
		p += n;
		len -= n;
	}
}

size_t run_sink_recorded(struct run_sink *s, uint64_t *from, const char **data)
{
	size_t at, n;

	run_sink_flush(s);
	if (*from + s->ring_size < s->ring_total) {
		*from = s->ring_total - s->ring_size;
		while (*from < s->ring_total && s->ring[*from % s->ring_size] != '\n')
			++*from;
		*from += *from < s->ring_total;
	}
	at = (size_t)(*from % s->ring_size);
	n = (size_t)(s->ring_total - *from);
	*data = s->ring + at;
	return n < s->ring_size - at ? n : s->ring_size - at;
}

/* Writes everything or notes the error; later calls do nothing. */
static void sink_put(struct run_sink *s, const char *p, size_t len)
{
	if (s->ring) {
		sink_record(s, p, len);
		return;
	}
	while (len && !s->error) {
		ssize_t n = write(s->fd, p, len);

		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			usleep(1000);
		} else if (errno != EINTR) {
			s->error = errno;
		}
	}
}

int run_sink_flush(struct run_sink *s)
{
	size_t len = s->len;

	s->len = 0;
	sink_put(s, s->buf, len);
	return -s->error;
}

/* Into the buffer of the current file. */
static void sink_add(struct run_sink *s, const char *data, size_t len)
{
	s->file_bytes += len;
	if (len > SINK_BUFFER - s->len)
		run_sink_flush(s);
	if (len >= SINK_BUFFER) {
		sink_put(s, data, len);
		return;
	}
	memcpy(s->buf + s->len, data, len);
	s->len += len;
}

/* How much of the data still belongs to the current file: all, or whole lines, or what fits an empty one. */
static size_t sink_room(const struct run_sink *s, const char *data, size_t len)
{
	uint64_t left = s->rotate_bytes - s->file_bytes;
	const char *nl;

	if (s->file_bytes > s->rotate_bytes)
		left = 0;
	if (len <= left)
		return len;
	if (len <= s->rotate_bytes)
		return 0;	/* fits the next file whole */
	nl = memrchr(data, '\n', left);
	if (nl)
		return (size_t)(nl + 1 - data);
	return s->file_bytes ? 0 : left;
}

void run_sink_switch(struct run_sink *s)
{
	int rc = 0;

	run_sink_flush(s);
	if (s->pattern)
		rc = sink_next_file(s);
	if (rc && !s->error)
		s->error = -rc;
}

void run_sink_write(struct run_sink *s, const void *data, size_t len)
{
	const char *p = data;

	while (len && !s->error) {
		size_t n = s->rotate_bytes ? sink_room(s, p, len) : len;

		sink_add(s, p, n);
		p += n;
		len -= n;
		if (len)
			run_sink_switch(s);
	}
}

const char *run_sink_name(const struct run_sink *s)
{
	return s->name ? s->name : "standard output";
}

int run_sink_close(struct run_sink *s)
{
	int rc;

	if (!s)
		return 0;
	rc = run_sink_flush(s);
	if (s->pattern && close(s->fd) && !rc)
		rc = -errno;
	for (size_t i = 0; i < arrlenu(s->kept); i++)
		free(s->kept[i]);
	arrfree(s->kept);
	free(s->name);
	free(s->ring);
	free(s);
	return rc;
}
