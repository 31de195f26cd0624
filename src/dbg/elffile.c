/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping and checking ELF files.
 *
 * Only 64-bit little-endian x86_64 (and the machine-less objects of BTF tests) is taken.
 * After elffile_open() every section header lies inside the file, or its size is 0.
 */
#include "base/xalloc.h"
#include "dbg/elffile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "dbg/filemap.h"

#define MAX_UNPACKED (UINT64_C(4) << 30)

static int map_file(struct elffile *f, struct dbg_error *e)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* not waiting for what is a pipe */
	void *p;

	if (fd < 0)
		return dbg_fail(e, DBG_EUNREADABLE, "cannot open %s: %s", f->path, strerror(errno));
	if (fstat(fd, &f->st) < 0) {
		int err = errno;

		close(fd);
		return dbg_fail(e, DBG_EUNREADABLE, "cannot stat %s: %s", f->path, strerror(err));
	}
	if (!S_ISREG(f->st.st_mode)) {
		close(fd);
		return dbg_fail(e, DBG_EUNREADABLE, "%s is not a regular file", f->path);
	}
	if (f->st.st_size == 0) {
		close(fd);
		return dbg_fail(e, DBG_ENOTELF, "%s is empty, not an ELF file", f->path);
	}
	p = filemap_map(fd, (size_t)f->st.st_size);
	close(fd);
	if (!p)
		return dbg_fail(e, DBG_EUNREADABLE, "cannot map %s: %s", f->path, strerror(errno));
	f->map = (struct dbg_bytes){ p, (size_t)f->st.st_size };
	return 0;
}

static int check_header(struct elffile *f, struct dbg_error *e)
{
	const Elf64_Ehdr *h = &f->eh;
	struct dbg_cur c = cur_at(f->map, 0);
	const uint8_t *p;

	if (f->map.len < SELFMAG || memcmp(f->map.p, ELFMAG, SELFMAG) != 0)
		return dbg_fail(e, DBG_ENOTELF, "%s is not an ELF file", f->path);
	if (f->map.len >= EI_NIDENT && f->map.p[EI_CLASS] == ELFCLASS32)
		return dbg_fail(e, DBG_EARCH, "%s is a 32-bit ELF file, which is not supported",
				f->path);
	p = cur_take(&c, sizeof(f->eh));
	if (!p)
		return dbg_fail(e, DBG_ECORRUPT, "%s: truncated ELF header", f->path);
	memcpy(&f->eh, p, sizeof(f->eh));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return dbg_fail(e, DBG_EARCH, "%s is not a 64-bit little-endian ELF file", f->path);
	if (h->e_machine != EM_X86_64)
		return dbg_fail(e, DBG_EARCH, "%s is for another architecture (ELF machine %u)",
				f->path, h->e_machine);
	return 0;
}

static int read_segments(struct elffile *f, struct dbg_error *e)
{
	struct dbg_cur c = cur_at(f->map, f->eh.e_phoff);

	f->nph = f->eh.e_phnum;
	if (!f->eh.e_phoff)
		f->nph = 0;
	if (!f->nph)
		return 0;
	if (f->eh.e_phentsize != sizeof(Elf64_Phdr) || f->nph * sizeof(Elf64_Phdr) > cur_left(&c))
		return dbg_fail(e, DBG_ECORRUPT, "%s: program headers lie outside the file (truncated?)",
				f->path);
	f->ph = xmalloc(f->nph * sizeof(*f->ph));
	memcpy(f->ph, c.p, f->nph * sizeof(*f->ph));
	return 0;
}

static int read_sections(struct elffile *f, struct dbg_error *e)
{
	struct dbg_cur c = cur_at(f->map, f->eh.e_shoff);
	size_t n = f->eh.e_shnum, strndx = f->eh.e_shstrndx;
	struct dbg_bytes names;
	Elf64_Shdr first;

	if (!f->eh.e_shoff)
		return 0;
	if (f->eh.e_shentsize != sizeof(Elf64_Shdr) || cur_left(&c) < sizeof(first))
		return dbg_fail(e, DBG_ECORRUPT, "%s: section headers lie outside the file (truncated?)",
				f->path);
	memcpy(&first, c.p, sizeof(first));
	if (n == 0)
		n = first.sh_size;
	if (strndx == SHN_XINDEX)
		strndx = first.sh_link;
	if (n > cur_left(&c) / sizeof(Elf64_Shdr))
		return dbg_fail(e, DBG_ECORRUPT, "%s: section headers lie outside the file (truncated?)",
				f->path);
	f->sh = xmalloc((n + 1) * sizeof(*f->sh));
	memcpy(f->sh, c.p, n * sizeof(*f->sh));
	f->nsh = n;
	f->shname = xcalloc(n + 1, sizeof(*f->shname));
	f->unpacked = xcalloc(n + 1, sizeof(*f->unpacked));
	for (size_t i = 0; i < n; i++) {
		Elf64_Shdr *s = &f->sh[i];

		if (s->sh_type != SHT_NOBITS &&
		    (s->sh_offset > f->map.len || s->sh_size > f->map.len - s->sh_offset))
			s->sh_size = 0;
	}
	names = strndx < n ? elffile_data(f, strndx) : (struct dbg_bytes){ NULL, 0 };
	for (size_t i = 0; i < n; i++) {
		const char *s = bytes_str(names, f->sh[i].sh_name);

		f->shname[i] = s ? s : "";
	}
	return 0;
}

static struct elffile *elffile_check(struct elffile *f, struct dbg_error *e)
{
	if (check_header(f, e) || read_segments(f, e) || read_sections(f, e)) {
		elffile_close(f);
		return NULL;
	}
	return f;
}

struct elffile *elffile_open(const char *path, struct dbg_error *e)
{
	struct elffile *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(path);
	if (map_file(f, e)) {
		elffile_close(f);
		return NULL;
	}
	return elffile_check(f, e);
}

struct elffile *elffile_from_memory(const char *name, void *image, size_t len,
				    struct dbg_error *e)
{
	struct elffile *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(name);
	f->map = (struct dbg_bytes){ image, len };
	f->owned = true;
	return elffile_check(f, e);
}

void elffile_close(struct elffile *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nsh && f->unpacked; i++)
		free((void *)f->unpacked[i].p);
	if (f->owned)
		free((void *)f->map.p);
	else if (f->map.p)
		filemap_unmap((void *)f->map.p);
	free(f->unpacked);
	free(f->shname);
	free(f->sh);
	free(f->ph);
	free(f->path);
	free(f);
}

size_t elffile_section(const struct elffile *f, const char *name)
{
	for (size_t i = 1; i < f->nsh; i++)
		if (strcmp(f->shname[i], name) == 0)
			return i;
	return 0;
}

/* Inflates an SHF_COMPRESSED section; an unreadable one becomes empty. */
static struct dbg_bytes unpack(const uint8_t *p, size_t len)
{
	struct dbg_bytes none = { NULL, 0 };
	Elf64_Chdr ch;
	uLongf outlen;
	uint8_t *out;

	if (len < sizeof(ch))
		return none;
	memcpy(&ch, p, sizeof(ch));
	/* zlib cannot expand by more than about 1030: a giant claim is a lie */
	if (ch.ch_type != ELFCOMPRESS_ZLIB || ch.ch_size > MAX_UNPACKED ||
	    ch.ch_size / 1100 > len)
		return none;
	out = malloc(ch.ch_size + 1);
	outlen = ch.ch_size;
	if (!out || uncompress(out, &outlen, p + sizeof(ch), len - sizeof(ch)) != Z_OK) {
		free(out);
		return none;
	}
	return (struct dbg_bytes){ out, outlen };
}

/* Sections whose addresses are wanted; code is left as it is. */
static bool is_described(const char *name)
{
	return !strncmp(name, ".debug_", 7) || !strcmp(name, ".eh_frame");
}

static struct dbg_bytes copy_of(const uint8_t *p, size_t len)
{
	uint8_t *copy = xmalloc(len);

	memcpy(copy, p, len);
	return (struct dbg_bytes){ copy, len };
}

struct dbg_bytes elffile_data(struct elffile *f, size_t i)
{
	struct dbg_bytes none = { NULL, 0 };
	const Elf64_Shdr *s;

	if (i == 0 || i >= f->nsh)
		return none;
	s = &f->sh[i];
	if (s->sh_type == SHT_NOBITS || s->sh_size == 0)
		return none;
	if (f->unpacked[i].p)
		return f->unpacked[i];
	if (s->sh_flags & SHF_COMPRESSED)
		f->unpacked[i] = unpack(f->map.p + s->sh_offset, s->sh_size);
	else if (f->placed && is_described(f->shname[i]))
		f->unpacked[i] = copy_of(f->map.p + s->sh_offset, s->sh_size);
	else
		return (struct dbg_bytes){ f->map.p + s->sh_offset, s->sh_size };
	if (f->placed && f->unpacked[i].p)
		elffile_relocate(f, i, (uint8_t *)f->unpacked[i].p, f->unpacked[i].len);
	return f->unpacked[i];
}

struct dbg_bytes elffile_named(struct elffile *f, const char *name)
{
	return elffile_data(f, elffile_section(f, name));
}

bool elffile_note(struct dbg_cur *c, unsigned align, struct note_rec *out)
{
	uint32_t namesz, descsz;
	const uint8_t *start = c->p;
	size_t pad;

	if (cur_left(c) < sizeof(Elf64_Nhdr))
		return false;
	namesz = cur_u32(c);
	descsz = cur_u32(c);
	out->type = cur_u32(c);
	out->name = (const char *)cur_take(c, namesz);
	out->namelen = namesz && out->name && out->name[namesz - 1] == 0 ? namesz - 1 : namesz;
	pad = (size_t)(-(c->p - start)) & (align - 1);
	if (pad <= cur_left(c))
		c->p += pad;
	out->desc.p = cur_take(c, descsz);
	out->desc.len = descsz;
	pad = (size_t)(-(c->p - start)) & (align - 1);
	c->p += pad <= cur_left(c) ? pad : cur_left(c);
	return !c->bad;
}

static const uint8_t *build_id_in(struct dbg_bytes b, unsigned align, size_t *len)
{
	struct dbg_cur c = cur_at(b, 0);
	struct note_rec n;

	while (elffile_note(&c, align, &n))
		if (n.type == NT_GNU_BUILD_ID && n.namelen == 3 && !memcmp(n.name, "GNU", 3) &&
		    n.desc.len >= 2 && n.desc.len <= 64) {
			*len = n.desc.len;
			return n.desc.p;
		}
	return NULL;
}

const uint8_t *elffile_build_id(struct elffile *f, size_t *len)
{
	const uint8_t *id;

	for (size_t i = 1; i < f->nsh; i++)
		if (f->sh[i].sh_type == SHT_NOTE) {
			id = build_id_in(elffile_data(f, i), f->sh[i].sh_addralign == 8 ? 8 : 4, len);
			if (id)
				return id;
		}
	for (size_t i = 0; i < f->nph; i++) {
		const Elf64_Phdr *p = &f->ph[i];

		if (p->p_type != PT_NOTE || p->p_offset > f->map.len ||
		    p->p_filesz > f->map.len - p->p_offset)
			continue;
		id = build_id_in((struct dbg_bytes){ f->map.p + p->p_offset, p->p_filesz },
				 p->p_align == 8 ? 8 : 4, len);
		if (id)
			return id;
	}
	return NULL;
}
