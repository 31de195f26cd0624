/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of addresses in kernel handlers: what the routines (kern/names.c), the code generator and the user side
 * (name_map.c) share.
 *
 * The symbols of a file are rows sorted by file offset, each valid up to the next, and texts. Both lie in chunks of
 * one hash map: rows in chunks 0, 1, ..., texts in those from NAME_TEXT on; a reference to a text is its byte offset in
 * the latter, a multiple of 8, and 0 means none.  No text crosses the end of its chunk.  The chunks of a
 * file are there before the directory gets to know the file.
 */
#ifndef BPF_NAME_STATE_H
#define BPF_NAME_STATE_H

#include <stdint.h>

#include "bpf/unwind_state.h"

#define NAME_CHUNK_SHIFT	11
#define NAME_CHUNK	(1u << NAME_CHUNK_SHIFT)	/* bytes */
#define NAME_ROWS	(NAME_CHUNK / 16)		/* rows of a chunk */
#define NAME_CHUNKS	(1u << 14)	/* of all files together; their rows: a binary search of 14 steps */
#define NAME_TEXT	(1u << 31)
#define NAME_KERNEL	640				/* bytes of the kernel's own text for an address */

struct name_row {
	uint32_t offset;	/* in the file */
	uint32_t start;		/* where the symbol, or without one the module, begins: file offset modulo 2^32 */
	uint32_t size;		/* of the symbol or module */
	uint32_t name;		/* text; 0: no symbol */
};

/* Key of a chunk. */
struct name_key {
	uint32_t file, chunk;
};

union name_chunk {
	struct name_row row[NAME_ROWS];
	uint64_t text[NAME_CHUNK / 8];
};

/* A file of the directory, whose key is struct unwind_key. */
struct name_file {
	uint32_t id;
	uint32_t chunks;	/* of rows; 0: its names are not to be had in the kernel */
	uint32_t path, base;	/* texts: as processes see it, and its last component */
};

/* A file that was met without being known, and where. */
struct name_question {
	struct unwind_key key;
	uint64_t tgid, addr;
};

enum name_form {
	NAME_ONLY,		/* as enum ir_sym: name, */
	NAME_DATA,		/* name+0x1/0x20 [/path], */
	NAME_MODULE,		/* path */
	NAME_SIMPLE,		/* name+0x1 [file] */
	NAME_BRIEF,		/* name+0x1 */
};

/* State of a search, in the context slot. */
struct name_state {
	uint64_t addr, offset;	/* asked for; file offset, later that from the row's start */
	uint64_t lo, hi;	/* binary search */
	struct name_file file;	/* chunks 0: in no file */
	struct name_row row;
	uint64_t last;		/* word of a text that is copied byte by byte */
	char text[NAME_KERNEL];
};

#endif
