/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of BTF, for the files btf*.c of this folder. */
#ifndef DBG_BTF_PRIV_H
#define DBG_BTF_PRIV_H

#include <linux/btf.h>

#include "dbg/btf.h"
#include "dbg/priv.h"

#ifndef BTF_KIND_ENUM64
#define BTF_KIND_ENUM64 19
#endif

struct btf_file {
	uint8_t *data;			/* malloc'ed, or mapped */
	size_t len;
	bool mapped;
	struct dbg_bytes types, strings;
	uint32_t *offset;		/* of own types in `types`; stb_ds */
	uint32_t first_id, first_str;	/* own ones start here */
	struct dbg_module *base;
	char *name;			/* of the kernel module, or the path */
	uint32_t *heads, *next;		/* own types by hash of their names: index + 1; malloc'ed, NULL at first */
	uint32_t nheads, lookups;
};

struct rec {
	struct btf_type t;
	struct dbg_cur c;		/* what follows */
};

/* String at an offset, of m or its base; NULL: none.  The second: NULL for an empty one too. */
const char *btfrec_str(const struct dbg_module *m, uint32_t off);
const char *btfrec_name(const struct dbg_module *m, uint32_t off);
/* The module (m or its base) that has type `id`, and its record. */
struct dbg_module *btfrec_get(struct dbg_module *m, uint32_t id, struct rec *r);
/* The type of an id; type tags are looked through. */
const struct dbg_type *btfrec_type(struct dbg_module *m, uint32_t id);

#endif
