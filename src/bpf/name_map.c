/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user side of names in kernel handlers: the tables of name_state.h.  The rows and texts of a file are written
 * first, then the directory gets to know it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/ds.h"
#include "bpf/engine_priv.h"
#include "bpf/name_state.h"

#define FILES_MAX	4096
#define RING_BYTES	4096
#define RETRIES		100		/* 100 us apart, until the kernel has memory at hand */

static const char kernel_format[8] = "%pS";

bool engine_wants_names(const struct engine *e)
{
	return e->unit.wants_names;
}

/* The kernel reads the format when the program is loaded: nobody may change it any more. */
static int make_format(struct engine *e)
{
	uint32_t zero = 0;
	int err = map_make(e, MAP_NAME_FORMAT, BPF_MAP_TYPE_ARRAY, "format", 4, sizeof(kernel_format), 1,
			   BPF_F_RDONLY_PROG);

	if (err)
		return err;
	if (bpf_map_update_elem(e->map_fds[MAP_NAME_FORMAT], &zero, kernel_format, 0) ||
	    bpf_map_freeze(e->map_fds[MAP_NAME_FORMAT]))
		return engine_fail(e, -errno, "cannot fill a map: %s", strerror(errno));
	return 0;
}

static int on_question(void *ctx, void *data, size_t size)
{
	struct engine *e = ctx;
	const struct name_question *q = data;

	if (size >= sizeof(*q) && e->answer.fn)
		e->answer.fn(e->answer.ctx, q->key.ino, q->key.dev, (pid_t)q->tgid, q->addr);
	return 0;
}

static int make_questions(struct engine *e)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int err = map_make(e, MAP_NAME_QUESTIONS, BPF_MAP_TYPE_RINGBUF, "questions", 0, 0, RING_BYTES, 0);

	if (err)
		return err;
	e->questions = ring_buffer__new(e->map_fds[MAP_NAME_QUESTIONS], on_question, e, NULL);
	if (!e->questions)
		return engine_fail(e, -errno, "cannot map a ring: %s", strerror(errno));
	if (e->epoll_fd < 0)
		e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, ring_buffer__epoll_fd(e->questions), &ev))
		return engine_fail(e, -errno, "epoll: %s", strerror(errno));
	return 0;
}

int names_create(struct engine *e)
{
	int err = map_wanted(e, MAP_NAME_FORMAT) ? make_format(e) : 0;

	if (err || !map_wanted(e, MAP_NAME_FILES))
		return err;
	err = map_make(e, MAP_NAMES, BPF_MAP_TYPE_HASH, "names", sizeof(struct name_key),
		       sizeof(union name_chunk), NAME_CHUNKS, BPF_F_NO_PREALLOC);
	if (!err)
		err = map_make(e, MAP_NAME_FILES, BPF_MAP_TYPE_HASH, "files", sizeof(struct unwind_key),
			       sizeof(struct name_file), FILES_MAX, BPF_F_NO_PREALLOC);
	return err ? err : make_questions(e);
}

void names_close(struct engine *e)
{
	ring_buffer__free(e->questions);
	e->questions = NULL;
}

void engine_name_questions(struct engine *e, engine_unknown_fn *fn, void *ctx)
{
	if (!e->questions)
		return;
	e->answer.fn = fn;
	e->answer.ctx = ctx;
	ring_buffer__consume(e->questions);
}

/* Texts being packed: chunks full so far, and the one being filled. */
struct packer {
	union name_chunk *chunks;	/* stb_ds */
	uint32_t used;			/* bytes, of all chunks */
};

/* The reference to a text, cut to what a chunk holds. */
static uint32_t pack(struct packer *p, const char *s)
{
	size_t len = strlen(s);
	uint32_t room = NAME_CHUNK - p->used % NAME_CHUNK, ref;

	if (len > NAME_CHUNK - 16)
		len = NAME_CHUNK - 16;
	if (p->used == 0)
		p->used = 8;	/* 0 means none */
	else if (len + 1 > room)
		p->used += room;
	while ((size_t)arrlen(p->chunks) <= p->used / NAME_CHUNK) {
		union name_chunk empty = { 0 };

		arrput(p->chunks, empty);
	}
	ref = p->used;
	memcpy((char *)&p->chunks[ref / NAME_CHUNK] + ref % NAME_CHUNK, s, len);
	p->used += round8((uint32_t)len + 1);
	return ref;
}

static int put_chunk(struct engine *e, uint32_t file, uint32_t number, const union name_chunk *c)
{
	const struct name_key key = { file, number };
	int rc = -1;

	if (e->name_chunks >= NAME_CHUNKS)
		return -ENOSPC;
	for (int i = 0; i < RETRIES; i++) {
		rc = bpf_map_update_elem(e->map_fds[MAP_NAMES], &key, c, BPF_ANY);
		if (!rc || errno != ENOMEM)
			break;
		usleep(100);
	}
	if (rc)
		return -errno;
	e->name_chunks++;
	return 0;
}

static int put_rows(struct engine *e, uint32_t file, const struct dbg_name_row *rows, size_t n,
		    struct packer *p)
{
	const char *last = NULL;
	uint32_t ref = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i += NAME_ROWS) {
		union name_chunk c;

		memset(&c, 0xff, sizeof(c));	/* rows behind the last: at no offset */
		for (size_t k = 0; k < NAME_ROWS && i + k < n; k++) {
			const struct dbg_name_row *r = &rows[i + k];

			if (r->name && r->name != last) {
				last = r->name;
				ref = pack(p, last);
			}
			c.row[k] = (struct name_row){ r->offset, r->start, r->size, r->name ? ref : 0 };
		}
		err = put_chunk(e, file, (uint32_t)(i / NAME_ROWS), &c);
	}
	return err;
}

static int put_file(struct engine *e, struct name_file *f, const char *path, const struct dbg_name_row *rows,
		    size_t n)
{
	struct packer p = { 0 };
	const char *slash = strrchr(path, '/');
	int err;

	f->path = pack(&p, path);
	f->base = slash ? pack(&p, slash + 1) : f->path;
	err = put_rows(e, f->id, rows, n, &p);
	for (ptrdiff_t i = 0; i < arrlen(p.chunks) && !err; i++)
		err = put_chunk(e, f->id, NAME_TEXT + (uint32_t)i, &p.chunks[i]);
	arrfree(p.chunks);
	f->chunks = (uint32_t)((n + NAME_ROWS - 1) / NAME_ROWS);
	return err;
}

int engine_name_add_file(struct engine *e, uint64_t ino, uint64_t dev, const char *path,
			 const struct dbg_name_row *rows, size_t n)
{
	const struct unwind_key key = { .ino = ino, .dev = dev };
	struct name_file f = { .id = e->name_files++ };
	int err = n ? put_file(e, &f, path, rows, n) : 0;

	if (err)
		f.chunks = 0;
	if (bpf_map_update_elem(e->map_fds[MAP_NAME_FILES], &key, &f, BPF_NOEXIST) && !err)
		err = -errno;
	return err;
}
