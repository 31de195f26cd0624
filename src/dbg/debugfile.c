/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding debug information: the file itself, the build-id tree, .gnu_debuglink,
 * debuginfod, dwz's supplementary file, and .gnu_debugdata for symbols.
 *
 * A candidate is taken only if it is the same build (equal build id, or the link's
 * checksum) and has a .debug_info.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <elfutils/debuginfod.h>
#include <dlfcn.h>
#include <lzma.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

#define MINI_LIMIT (UINT64_C(256) << 20)

static bool has_dwarf(const struct elffile *f)
{
	size_t i = elffile_section(f, ".debug_info");

	return i && f->sh[i].sh_type != SHT_NOBITS && f->sh[i].sh_size;
}

/* The debug file of a kernel module has its sections where the module has them. */
static uint64_t same_address(void *data, const char *section)
{
	const struct elffile *f = data;
	size_t i = elffile_section(f, section);

	return i ? f->sh[i].sh_addr : 0;
}

/* Opens `path` if it belongs to m: same build id or, without one, the link's checksum. */
static struct elffile *try_path(struct dbg_module *m, const char *path, const uint32_t *crc)
{
	struct elffile *f;
	const uint8_t *id;
	size_t len;

	if (access(path, R_OK) != 0)
		return NULL;
	f = elffile_open(path, NULL);
	if (!f)
		return NULL;
	if (m->elf->placed)
		elffile_place(f, same_address, m->elf);
	id = elffile_build_id(f, &len);
	if (m->info.build_id && id) {
		if (len == m->info.build_id_len && !memcmp(id, m->info.build_id, len))
			return f;
	} else if (crc && crc32_z(0, f->map.p, f->map.len) == *crc) {
		return f;
	}
	elffile_close(f);
	return NULL;
}

/* DIR/.build-id/ab/cdef.debug for each directory of the list. */
static struct elffile *by_build_id(struct dbg_module *m, const char *dirs)
{
	const char *hex = m->build_id_hex;
	struct elffile *f = NULL;
	char path[4096];

	if (strlen(hex) < 4)
		return NULL;
	while (*dirs && !f) {
		size_t n = strcspn(dirs, ":");

		snprintf(path, sizeof(path), "%s%.*s/.build-id/%.2s/%s.debug", m->root, (int)n, dirs,
			 hex, hex + 2);
		f = try_path(m, path, NULL);
		if (!f && *m->root) {	/* the host's tree serves containers too */
			f = try_path(m, path + strlen(m->root), NULL);
		}
		dirs += n + (dirs[n] == ':');
	}
	return f;
}

/* The name in .gnu_debuglink: beside the file, in .debug/ there, and mirrored under each
 * directory. */
static struct elffile *by_debuglink(struct dbg_module *m, const char *dirs)
{
	struct dbg_cur c = cur_at(elffile_named(m->elf, ".gnu_debuglink"), 0);
	const char *name = cur_str(&c), *real = m->info.real_path, *slash = strrchr(real, '/');
	int dirlen = slash ? (int)(slash - real) : 1;
	const char *dir = slash ? real : ".";
	struct elffile *f;
	char path[8192];
	uint32_t crc;

	if (!name || !*name || strchr(name, '/'))
		return NULL;
	cur_skip(&c, (size_t)(-(strlen(name) + 1)) & 3);
	crc = cur_u32(&c);
	if (c.bad)
		return NULL;
	snprintf(path, sizeof(path), "%.*s/%s", dirlen, dir, name);
	f = strcmp(path, real) ? try_path(m, path, &crc) : NULL;
	if (!f) {
		snprintf(path, sizeof(path), "%.*s/.debug/%s", dirlen, dir, name);
		f = try_path(m, path, &crc);
	}
	while (!f && *dirs) {
		size_t n = strcspn(dirs, ":");

		snprintf(path, sizeof(path), "%.*s%.*s/%s", (int)n, dirs, dirlen, dir, name);
		f = try_path(m, path, &crc);
		dirs += n + (dirs[n] == ':');
	}
	return f;
}

static enum { NOT_ASKED, NO_LIBRARY, ASKED } servers;	/* of debuginfod */

const char *dbg_debuginfod_advice(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (!urls || !*urls)
		return ", or set DEBUGINFOD_URLS";
	if (servers == NOT_ASKED)
		return " (DEBUGINFOD_URLS is set, but nothing here tells the build id to ask for)";
	return servers == NO_LIBRARY ? " (DEBUGINFOD_URLS is set, but there is no libdebuginfod.so.1)" :
				       " (the servers of DEBUGINFOD_URLS do not give it)";
}

/* libdebuginfod pulls in curl, which costs more than all else at start: loaded only when asked
 * for. */
char *debugfile_download(const uint8_t *build_id, size_t len)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	__typeof__(&debuginfod_begin) begin;
	__typeof__(&debuginfod_find_debuginfo) find;
	__typeof__(&debuginfod_end) end;
	debuginfod_client *client;
	char *path = NULL;
	void *lib;
	int fd;

	if (!urls || !*urls || !build_id)
		return NULL;
	lib = dlopen("libdebuginfod.so.1", RTLD_NOW);
	servers = lib ? ASKED : NO_LIBRARY;
	if (!lib)
		return NULL;
	begin = (__typeof__(begin))dlsym(lib, "debuginfod_begin");
	find = (__typeof__(find))dlsym(lib, "debuginfod_find_debuginfo");
	end = (__typeof__(end))dlsym(lib, "debuginfod_end");
	client = begin && find && end ? begin() : NULL;
	if (client) {
		fd = find(client, build_id, (int)len, &path);
		if (fd >= 0) {
			close(fd);
		} else {
			free(path);
			path = NULL;
		}
		end(client);
	}
	return path;
}

static struct elffile *by_debuginfod(struct dbg_module *m)
{
	char *path = m->no_debuginfod ? NULL : debugfile_download(m->info.build_id, m->info.build_id_len);
	struct elffile *f = path ? try_path(m, path, NULL) : NULL;

	free(path);
	return f;
}

/* dwz's common file, named relative to the file that refers to it, and identified by build id. */
static struct elffile *open_alt(struct dbg_module *m, struct elffile *f)
{
	struct dbg_bytes b = elffile_named(f, ".gnu_debugaltlink");
	struct dbg_cur c = cur_at(b, 0);
	const char *name = cur_str(&c), *slash = strrchr(f->path, '/');
	const uint8_t *id;
	struct elffile *alt = NULL;
	char path[8192], hex[2 * 64 + 1];
	size_t len;

	if (!name || !*name || cur_left(&c) < 8 || cur_left(&c) > 64)
		return NULL;
	if (*name == '/' || !slash)
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - f->path), f->path, name);
	alt = access(path, R_OK) == 0 ? elffile_open(path, NULL) : NULL;
	if (!alt) {
		for (size_t i = 0; i < cur_left(&c); i++)
			snprintf(hex + 2 * i, 3, "%02x", c.p[i]);
		snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%.2s/%s.debug", m->root, hex, hex + 2);
		alt = access(path, R_OK) == 0 ? elffile_open(path, NULL) : NULL;
	}
	id = alt ? elffile_build_id(alt, &len) : NULL;
	if (alt && (!id || len != cur_left(&c) || memcmp(id, c.p, len))) {
		elffile_close(alt);
		alt = NULL;
	}
	return alt;
}

int debugfile_load(struct dbg_module *m, struct dbg_error *e)
{
	struct elffile *f = NULL;

	if (has_dwarf(m->elf))
		f = m->elf;
	if (!f)
		f = by_build_id(m, m->debug_dirs);
	if (!f)
		f = by_debuglink(m, m->debug_dirs);
	if (!f)
		f = by_debuginfod(m);
	if (f && f != m->elf && !m->debug)
		m->debug = f;		/* its symbols help even if it has no DWARF */
	if (!f || !has_dwarf(f))
		return dbg_fail(e, DBG_ENODEBUG, "no debug information for %s (build id %s)",
				m->info.path, *m->build_id_hex ? m->build_id_hex : "none");
	m->debug = f;
	m->info.debug_path = f->path;
	m->alt = open_alt(m, f);
	m->dw = dw_open(m->arena, m, f, m->alt, e);
	return m->dw ? 0 : -(int)DBG_ECORRUPT;
}

void debugfile_load_mini(struct dbg_module *m)
{
	struct dbg_bytes b = elffile_named(m->elf, ".gnu_debugdata");
	uint64_t memlimit = MINI_LIMIT;
	size_t in = 0, out = 0, cap;
	uint8_t *buf = NULL;
	lzma_ret r = LZMA_BUF_ERROR;

	if (m->mini || !b.len)
		return;
	for (cap = b.len * 8 + 4096; r == LZMA_BUF_ERROR && cap <= MINI_LIMIT; cap *= 4) {
		free(buf);
		buf = xmalloc(cap);
		in = out = 0;
		memlimit = MINI_LIMIT;
		r = lzma_stream_buffer_decode(&memlimit, 0, NULL, b.p, &in, b.len, buf, &out, cap);
	}
	if (r == LZMA_OK)
		m->mini = elffile_from_memory(".gnu_debugdata", buf, out, NULL);
	else
		free(buf);
}
