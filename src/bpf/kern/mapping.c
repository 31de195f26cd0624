/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file an address of the current process is mapped from.
 *
 * Mappings are looked up in the process's maple tree, read as plain memory: no lock is taken, so it
 * works where bpf_find_vma does not (a second time in an interrupt, or while another thread maps memory). A tree
 * that changes meanwhile can mislead the descent, but what it leads to is a mapping only if it has the
 * address between its bounds; else it is tried again.
 */
#include "bpf/kern/mapping.h"

#define NODE_LEAF	1		/* enum maple_type: leaf, range, allocation range */
#define NODE_ARANGE	3
#define LEVELS		12
#define VM_EXEC		4
#define ELF64		0x00010102464c457full

/* 1 if pivot p lies before the address whose half is given; pivots are odd (ends of pages) or 0 (unused). */
RT_INLINE uint64_t before(uint64_t p, uint64_t half)
{
	uint64_t d = ((p - 1) >> 1) - half;

	asm volatile("" : "+r"(d));	/* no branches, please: each would double what there is to verify */
	return d >> 63;
}

/* One level down from entry; 0: entry is the vma now, 1: go on, -1: there is none. */
RT_INLINE int descend(struct unwind_state *u, uint64_t half)
{
	uint64_t entry, type, slot = 0;

	asm volatile("" : "+r"(u));	/* else addresses of all the pivots would be kept on the stack */
	entry = u->entry;
	type = entry >> 3 & 15;
	if (entry < 4096 || type < NODE_LEAF || type > NODE_ARANGE)
		return -1;
	if (kernel_block(u, entry & ~255ull))
		return -1;
	if ((u->node[0] & ~255ull) == (entry & ~255ull))
		return -1;	/* dead */
	if (type == NODE_ARANGE) {
#pragma unroll
		for (int i = 1; i <= 9; i++)
			slot += before(u->node[i], half);
		slot += 10;
	} else {
#pragma unroll
		for (int i = 1; i <= 15; i++)
			slot += before(u->node[i], half);
		slot += 16;
	}
	asm volatile("" : "+r"(slot));
	slot &= 31;
	u->entry = *(volatile uint64_t *)&u->node[slot];
	return type != NODE_LEAF;
}

/* The mapping around pc: map, entry = its file; 0: there is none that can be executed. */
RT_INLINE int find_mapping(struct unwind_state *u, uint64_t pc)
{
	int more = 1;

	u->entry = kernel_word(u, u->mm + CONST(mm_tree) + CONST(tree_root));
	for (int i = 0; i < LEVELS; i++) {
		more = descend(u, pc >> 1);
		if (more <= 0)
			break;
	}
	if (more || !u->entry || (u->entry & 3) || kernel_block(u, u->entry) ||
	    !(field(u, CONST(vma_flags)) & VM_EXEC))
		return 0;
	u->map.start = field(u, CONST(vma_start));
	u->map.end = field(u, CONST(vma_end));
	if (pc < u->map.start || pc >= u->map.end)
		return 0;
	u->map.shift = (field(u, CONST(vma_pgoff)) << 12) - u->map.start;
	u->entry = field(u, CONST(vma_file));
	return 1;
}

__attribute__((noinline)) long bk_mapping(struct rt_mem *m, uint64_t pc)
{
	struct unwind_state *u;

	if (!m)
		return MAPPING_NONE;
	u = state(m);
	if (!find_mapping(u, pc)) {
		u->map.start = u->map.end = 0;
		return MAPPING_NONE;
	}
	if (u->entry) {
		if (kernel_block(u, kernel_word(u, u->entry + CONST(file_inode))))
			return MAPPING_OTHER;
		u->key.ino = field(u, CONST(inode_ino));
		u->key.dev = (uint32_t)kernel_word(u, field(u, CONST(inode_sb)) + CONST(sb_dev));
		return MAPPING_FILE;
	}
	if (user_words(u, u->map.start, 8) || u->word[0] != ELF64)
		return MAPPING_OTHER;
	u->key.ino = u->key.dev = 0;
	u->map.shift = 0 - u->map.start;
	return MAPPING_FILE;
}
