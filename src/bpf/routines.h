/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C routines compiled for BPF at build time (src/rt, src/bpf/kern), linked into a generated program when
 * it calls them.  There are variants for several sizes of the context slot.
 */
#ifndef BPF_ROUTINES_H
#define BPF_ROUTINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emit;

enum routine_id {
#define ROUTINE(name, sig) ROUTINE_##name,
#include "bpf/routines.def"
#undef ROUTINE
	ROUTINE_COUNT
};

struct routine_info {
	const char *name;
	const char *sig;	/* one letter per parameter, see routines.def */
};
extern const struct routine_info routine_table[ROUTINE_COUNT];

struct routine_object {
	const unsigned char *elf;
	size_t size;
};

struct routine_variant {
	uint32_t mem_shift;	/* b[] has 1 << mem_shift bytes, and 64 more */
	uint32_t str_max;	/* largest bound of a string */
	const struct routine_object *objects;	/* ended by NULL */
};
extern const struct routine_variant routine_variants[];	/* by size; ended by mem_shift 0 */

/* Smallest variant for that many bytes of b[] and that string bound; -1: none. */
int routine_variant_for(uint32_t mem, uint32_t maxstr);

/*
 * Appends the code of every routine whose label[id] is not 0, and of what these call, as subprograms
 * (BTF kind kind_base + id, 0 for their callbacks).  `cap_mask` is the value of bk_cap_mask.
 * False and em's error on failure.
 */
bool routine_link(struct emit *em, int variant, int *label, int kind_base, uint64_t cap_mask);

#endif
