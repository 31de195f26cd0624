/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of one handler hit, shared by the code generator and the C routines compiled for BPF.
 *
 * A context slot is a struct rt_mem (rt/rt.h).  Its b[] begins with struct slot_hdr; behind it
 * lie saved context values, locals, temporaries, string buffers, the record and at last
 * the string constants, which user space wrote before the first hit and which nobody changes.
 */
#ifndef BPF_SLOT_H
#define BPF_SLOT_H

#include <stdint.h>

struct slot_hdr {
	uint64_t lock;		/* 1: taken */
	uint64_t pc;		/* where the next step of the control-flow driver goes on */
	uint64_t sp;		/* frame of the running recursive function */
	int64_t act;		/* statements left (MAXACTION) */
	uint32_t err_code, err_site;	/* enum wire_error, 0: none */
	int64_t err_arg;
	uint64_t wpos;		/* record: end of what is written */
	uint64_t rpos;		/* record: end of what is complete; 0-based from its start */
	uint64_t item;		/* position of the item under construction */
	uint64_t wake;		/* wake the reader */
	uint64_t cookie;	/* probe point */
	uint64_t index;		/* of the slot in the pool */
	uint64_t truncated;	/* strings cut */
	int64_t rv;		/* result of a function */
	uint64_t time;
	uint64_t matched;	/* regex index + 1 of the last match, subject in a buffer */
	uint64_t seed;
	uint64_t depth;		/* calls of recursive functions under way */
	uint64_t spare[2];
};

/* Elements collected for one foreach. */
struct coll_elem {
	uint64_t key, seq;	/* order: key, then seq, both unsigned */
	uint64_t kaddr, vaddr;	/* kernel addresses of key and value in the map */
};

struct coll {
	uint64_t n;		/* elements in the heap e[0..n) */
	uint64_t root, child;	/* scratch */
	uint64_t desc;		/* descending */
	uint64_t in_value;	/* text is part of the value, not of the key */
	uint64_t str_off, str_len;	/* where the text to sort by is in it; its bytes, 0: not text */
	uint64_t spare;
	struct coll_elem cur;	/* last one taken out */
	struct coll_elem tmp;
	struct coll_elem e[];
};

#endif
