/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One mapped ELF file: headers checked once, sections found by name, compressed
 * sections unpacked on first use.  Private to src/dbg.
 */
#ifndef DBG_ELFFILE_H
#define DBG_ELFFILE_H

#include <elf.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "dbg/bytes.h"
#include "dbg/error.h"

struct elffile {
	char *path;
	struct stat st;
	struct dbg_bytes map;
	bool owned;			/* map is malloc'ed, not mmap'ed */
	Elf64_Ehdr eh;
	Elf64_Shdr *sh;			/* copies, nsh of them */
	size_t nsh;
	const char **shname;		/* never NULL entries */
	struct dbg_bytes *unpacked;	/* per section: malloc'ed decompressed bytes */
	Elf64_Phdr *ph;
	size_t nph;
};

/* Maps and checks `path`.  NULL and *e: UNREADABLE, NOTELF, CORRUPT, ARCH. */
struct elffile *elffile_open(const char *path, struct dbg_error *e);
/* The same for an image in malloc'ed memory, which is taken over (freed on failure too). */
struct elffile *elffile_from_memory(const char *name, void *image, size_t len,
				    struct dbg_error *e);
void elffile_close(struct elffile *f);

/* Index of the first section with this name; 0: none. */
size_t elffile_section(const struct elffile *f, const char *name);
/* Bytes of a section, decompressed; empty for NOBITS, none, or corrupt. */
struct dbg_bytes elffile_data(struct elffile *f, size_t index);
struct dbg_bytes elffile_named(struct elffile *f, const char *name);
/* Build id from PT_NOTE or SHT_NOTE; NULL: none. */
const uint8_t *elffile_build_id(struct elffile *f, size_t *len);
/* Steps through notes in b.  False at the end.  Alignment 4 or 8 as the section says. */
struct note_rec {
	uint32_t type;
	const char *name;
	size_t namelen;
	struct dbg_bytes desc;
};
bool elffile_note(struct dbg_cur *c, unsigned align, struct note_rec *out);

#endif
