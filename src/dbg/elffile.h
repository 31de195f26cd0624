/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One mapped ELF file: headers checked once, sections found by name, compressed
 * sections unpacked on first use, those of relocatable files relocated.  Private to src/dbg.
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
	struct dbg_bytes *unpacked;	/* per section: malloc'ed decompressed or relocated bytes */
	bool placed;			/* ET_REL: sections have addresses, relocations are applied */
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
/* Bytes of a section, decompressed and, once the file is placed, relocated; empty for NOBITS, none, or
 * corrupt. */
struct dbg_bytes elffile_data(struct elffile *f, size_t index);
struct dbg_bytes elffile_named(struct elffile *f, const char *name);
/* Build id from PT_NOTE or SHT_NOTE; NULL: none. */
const uint8_t *elffile_build_id(struct elffile *f, size_t *len);

/* Where a section of a relocatable file is in memory; 0: not known. */
typedef uint64_t elffile_address_fn(void *data, const char *section);
/*
 * Gives the sections of a relocatable file (kernel module) their addresses: those that `at` knows, the
 * others (all, if it is NULL) one behind the other.  From then on debug information is read relocated.
 */
void elffile_place(struct elffile *f, elffile_address_fn *at, void *data);
/* Applies the relocations of section i to `out`, a copy of its len bytes.  reloc.c */
void elffile_relocate(struct elffile *f, size_t i, uint8_t *out, size_t len);
/* The section in memory that an address of a placed file is in; 0: none. */
size_t elffile_section_at(const struct elffile *f, uint64_t addr);

/* Steps through notes in b.  False at the end.  Alignment 4 or 8 as the section says. */
struct note_rec {
	uint32_t type;
	const char *name;
	size_t namelen;
	struct dbg_bytes desc;
};
bool elffile_note(struct dbg_cur *c, unsigned align, struct note_rec *out);

#endif
