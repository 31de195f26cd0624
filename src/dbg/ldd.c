/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries a program needs, resolved as the dynamic linker would: DT_RUNPATH/DT_RPATH with
 * $ORIGIN, /etc/ld.so.cache, then the default directories.  Nothing is run.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

#define MAX_LIBS 4096

struct dynamic {
	const char *soname, *runpath;
};

static void read_dynamic(struct dbg_module *m, struct dynamic *d)
{
	struct elffile *f = m->elf;
	struct dbg_bytes str;
	struct dbg_cur c;
	size_t i;

	memset(d, 0, sizeof(*d));
	for (i = 1; i < f->nsh && f->sh[i].sh_type != SHT_DYNAMIC; i++)
		;
	if (i >= f->nsh)
		return;
	str = elffile_data(f, f->sh[i].sh_link < f->nsh ? f->sh[i].sh_link : 0);
	c = cur_at(elffile_data(f, i), 0);
	while (cur_left(&c) >= sizeof(Elf64_Dyn)) {
		uint64_t tag = cur_u64(&c), val = cur_u64(&c);
		const char *s = bytes_str(str, val);

		if (tag == DT_NULL)
			break;
		if (!s)
			continue;
		if (tag == DT_NEEDED && !m->needed_read && arrlen(m->needed) < MAX_LIBS)
			arrput(m->needed, s);
		else if (tag == DT_SONAME)
			d->soname = s;
		else if (tag == DT_RUNPATH || (tag == DT_RPATH && !d->runpath))
			d->runpath = s;
	}
	m->needed_read = true;
	m->info.soname = d->soname;
}

const char *const *dbg_module_needed(struct dbg_module *m, size_t *n)
{
	struct dynamic d;

	if (!m->needed_read && m->elf)
		read_dynamic(m, &d);
	*n = (size_t)arrlen(m->needed);
	return m->needed;
}

/* ---- /etc/ld.so.cache, the format glibc writes since 2.2 ---- */

static const char cache_magic[] = "glibc-ld.so.cache1.1";

static const char *cache_find(struct dbg_bytes cache, const char *name)
{
	struct dbg_cur c;
	size_t start = 0, magic = sizeof(cache_magic) - 1;
	struct dbg_bytes all;
	uint32_t n;

	/* an old-format table may come first: the new one follows it, aligned */
	if (cache.len > 16 && !memcmp(cache.p, "ld.so-1.7.0", 11)) {
		uint32_t old;

		memcpy(&old, cache.p + 12, 4);
		start = (16 + (size_t)old * 12 + 7) & ~(size_t)7;
	}
	if (start > cache.len || cache.len - start < 48 ||
	    memcmp(cache.p + start, cache_magic, magic))
		return NULL;
	all = (struct dbg_bytes){ cache.p + start, cache.len - start };
	c = cur_at(all, magic);
	n = cur_u32(&c);
	c = cur_at(all, 48);
	for (uint32_t i = 0; i < n && !c.bad; i++) {
		uint32_t flags = cur_u32(&c), key = cur_u32(&c), value = cur_u32(&c);
		const char *k = bytes_str(all, key);

		cur_skip(&c, 12);
		/* 0x0303: ELF, libc6, x86-64 */
		if (k && flags == 0x0303 && strcmp(k, name) == 0)
			return bytes_str(all, value);
	}
	return NULL;
}

static struct dbg_bytes read_cache(const char *root)
{
	struct dbg_bytes b = { NULL, 0 };
	char path[4200];
	uint8_t *p;
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/etc/ld.so.cache", root);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* a container may have a pipe there */
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f)
		return b;
	p = xmalloc(16 << 20);
	b.len = fread(p, 1, 16 << 20, f);
	b.p = p;
	fclose(f);
	return b;
}

struct search {
	struct dbg_module *main;
	struct dbg_bytes cache;
	struct { struct dbg_module *m; const char *path; } *queue;	/* stb_ds */
};

/* An ELF library of this machine at root + path, or NULL. */
static struct dbg_module *probe(struct search *s, const char *path)
{
	const struct dbg_open_opts o = { .root = s->main->root,
					 .debug_path = s->main->debug_dirs,
					 .no_debuginfod = s->main->no_debuginfod };
	char full[8192];

	snprintf(full, sizeof(full), "%s%s", s->main->root, path);
	return access(full, R_OK) == 0 ? dbg_module_open(path, &o, NULL) : NULL;
}

/* Each directory of a RUNPATH, $ORIGIN expanded. */
static struct dbg_module *in_runpath(struct search *s, const char *dirs, const char *origin,
				     const char *name, char *path, size_t size)
{
	const char *slash = strrchr(origin, '/');
	int dirlen = slash ? (int)(slash - origin) : 1;

	if (!slash)
		origin = ".";
	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");
		struct dbg_module *m;

		if (n >= 7 && strncmp(dirs, "$ORIGIN", 7) == 0)
			snprintf(path, size, "%.*s%.*s/%s", dirlen, origin, (int)n - 7, dirs + 7, name);
		else if (n >= 9 && strncmp(dirs, "${ORIGIN}", 9) == 0)
			snprintf(path, size, "%.*s%.*s/%s", dirlen, origin, (int)n - 9, dirs + 9, name);
		else
			snprintf(path, size, "%.*s/%s", (int)n, dirs, name);
		m = probe(s, path);
		if (m)
			return m;
		dirs += n + (dirs[n] == ':');
	}
	return NULL;
}

static struct dbg_module *resolve(struct search *s, struct dbg_module *by, const char *by_path,
				  const char *name, char *path, size_t size)
{
	static const char defaults[] =
		"/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib";
	struct dbg_module *m;
	const char *cached;
	struct dynamic d;

	if (strchr(name, '/')) {
		snprintf(path, size, "%s", name);
		return probe(s, path);
	}
	read_dynamic(by, &d);
	m = in_runpath(s, d.runpath, by_path, name, path, size);
	if (m)
		return m;
	cached = cache_find(s->cache, name);
	if (cached) {
		snprintf(path, size, "%s", cached);
		m = probe(s, path);
		if (m)
			return m;
	}
	return in_runpath(s, defaults, by_path, name, path, size);
}

static void enqueue(struct search *s, struct dbg_module *m, const char *path)
{
	if (!m)
		return;
	for (ptrdiff_t i = 0; i < arrlen(s->queue); i++)
		if (s->queue[i].m == m)
			return;
	arrput(s->queue, ((__typeof__(*s->queue)){ m, arena_strdup(s->main->arena, path) }));
}

const char *const *dbg_module_ldd(struct dbg_module *m, size_t *n)
{
	struct search s = { .main = m };
	char path[8192];

	if (!m->ldd_read && m->elf) {
		m->ldd_read = true;
		s.cache = read_cache(m->root);
		enqueue(&s, m, m->info.path);
		for (ptrdiff_t i = 0; i < arrlen(s.queue) && arrlen(s.queue) < MAX_LIBS; i++) {
			struct dbg_module *by = s.queue[i].m;
			size_t count;
			const char *const *need = dbg_module_needed(by, &count);

			for (size_t k = 0; k < count; k++)
				enqueue(&s, resolve(&s, by, s.queue[i].path, need[k], path,
						    sizeof(path)), path);
		}
		if (m->info.interp)
			enqueue(&s, probe(&s, m->info.interp), m->info.interp);
		for (ptrdiff_t i = 1; i < arrlen(s.queue); i++)
			arrput(m->ldd, s.queue[i].path);
		arrfree(s.queue);
		free((void *)s.cache.p);
	}
	*n = (size_t)arrlen(m->ldd);
	return m->ldd;
}
