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

/* What stands for a symbol that the routines leave open. */
struct routine_value {
	const char *name;
	enum { ROUTINE_NUMBER, ROUTINE_HELPER, ROUTINE_MAP, ROUTINE_MAP_DATA } kind;
	uint64_t value;		/* number; index of the map whose address, or whose only value's, it is */
};

/*
 * Appends the code of every routine whose label[id] is not 0, and of what these call, as subprograms
 * (BTF kind kind_base + id, 0 for their callbacks).  `values` ends with a NULL name.
 * False and em's error on failure.
 */
bool routine_link(struct emit *em, int variant, int *label, int kind_base,
		  const struct routine_value *values);

#endif
