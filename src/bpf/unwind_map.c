/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user side of walks of user stacks: rules of a module are appended to the table, then the directory
 * gets to know its file, so that a walk sees all of them or none.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "bpf/engine_priv.h"

#define UNKNOWN_BATCH	256

size_t unwind_map_size(const struct engine *e)
{
	return sizeof(struct unwind_table) + (size_t)e->unit.unwind_rows * sizeof(struct dbg_walk_row);
}

/* Appends the index of a module's rows; how many rows' room it takes. */
static size_t add_index(struct engine *e, struct unwind_module *m, const struct dbg_walk_row *rows, size_t n)
{
	uint32_t *index = &e->unwind->words[m->index], page = 0;

	for (size_t i = 0; i < n; i++)
		while (page <= (rows[i].offset >> UNWIND_PAGE_SHIFT) - m->base)
			index[page++] = (uint32_t)i;
	index[page] = (uint32_t)n;
	return (page + 2) / 2;
}

int engine_unwind_add_module(struct engine *e, uint64_t ino, uint64_t dev, const struct dbg_walk_row *rows,
			     size_t n)
{
	const struct unwind_key key = { .ino = ino, .dev = dev };
	struct unwind_module m = { .first = e->unwind_used, .index = (e->unwind_used + (uint32_t)n) * 2 };
	uint32_t used = 0;

	if (!e->unwind)
		return 0;
	if (n) {
		m.base = rows[0].offset >> UNWIND_PAGE_SHIFT;
		m.pages = (rows[n - 1].offset >> UNWIND_PAGE_SHIFT) - m.base + 1;
		if (n + m.pages / 2 + 1 > e->unit.unwind_rows - e->unwind_used)
			return -ENOSPC;
		memcpy(e->unwind->rows + m.first, rows, n * sizeof(*rows));
		used = (uint32_t)(n + add_index(e, &m, rows, n));
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (bpf_map_update_elem(e->map_fds[MAP_UNWIND_MODULES], &key, &m, BPF_NOEXIST))
		return -errno;
	e->unwind_used += used;
	return 0;
}

void engine_unwind_unknown(struct engine *e, engine_unknown_fn *fn, void *ctx)
{
	struct unwind_key key;
	struct unwind_unknown at;
	uint64_t now;
	int fd;

	if (!e->unwind)
		return;
	now = __atomic_load_n(&e->unwind->unknown, __ATOMIC_RELAXED);
	if (now == e->unwind_seen)
		return;
	e->unwind_seen = now;
	fd = e->map_fds[MAP_UNWIND_UNKNOWN];
	for (int i = 0; i < UNKNOWN_BATCH && !bpf_map_get_next_key(fd, NULL, &key); i++) {
		if (!bpf_map_lookup_elem(fd, &key, &at))
			fn(ctx, key.ino, key.dev, (pid_t)at.tgid, at.addr);
		bpf_map_delete_elem(fd, &key);
	}
}
