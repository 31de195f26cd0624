/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the walk of user stacks in the kernel (kern/unwind.c), the code generator and the user side
 * (unwind_map.c) share.
 *
 * Unwind rules (dbg/unwind_table.h) of all modules lie in one array; a directory says by the inode of a
 * mapped file where its rows are.  The vdso has no file: its key is zero.  When the walk meets a
 * file that the directory does not know, it notes that for the user side, which may then add it.
 */
#ifndef BPF_UNWIND_STATE_H
#define BPF_UNWIND_STATE_H

#include <stdint.h>

#include "dbg/unwind_table.h"

#define UNWIND_BLOCK	256	/* bytes read of a structure of the kernel; those of a maple node */
#define UNWIND_STACK	64	/* words of the stack read at a time, a power of two */
#define UNWIND_FRAMES	128	/* most frames of a stack, a power of two */

/* A file as the kernel knows it; dev is the kernel's dev_t (20 bits of minor number). */
struct unwind_key {
	uint64_t ino;
	uint64_t dev;
};

/*
 * Rows `first` and on of the table.  To begin the search near its end, there is an index by kilobytes of
 * the file, from kilobyte `base` on: for each the number of rows before it.
 */
struct unwind_module {
	uint32_t first;
	uint32_t index;			/* of the table's 32-bit words */
	uint32_t base, pages;		/* pages + 1 numbers; 0: no rows */
};
#define UNWIND_PAGE_SHIFT	10

/* Where an unknown file was met. */
struct unwind_unknown {
	uint64_t tgid, addr;
};

struct unwind_table {
	uint64_t unknown;		/* changes whenever an unknown file is met */
	uint64_t pad[7];
	union {
		struct dbg_walk_row rows[1];
		uint32_t words[2];
	};
};

/* A mapping of a file. */
struct unwind_mapping {
	uint64_t start, end, shift;	/* file offset = address + shift */
	struct unwind_module module;
};

/* The state of a walk, in the context slot. */
struct unwind_state {
	uint64_t bytes;			/* 8 times the number of frames in pc[] */
	uint64_t pc[UNWIND_FRAMES];
	uint64_t done;
	uint64_t complete;		/* the walk reached the outermost frame, or as many as are wanted */
	uint64_t guessed;		/* some frame was found without a rule */
	uint64_t rip, rsp, rbp;		/* of the frame reached */
	uint64_t back;			/* 1: rip is a return address, 0: an instruction about to run */
	uint64_t trampoline;		/* of return probes, 0: none; instance: the next one in force */
	uint64_t instance;
	uint64_t mm;
	struct unwind_mapping map, other;	/* the last two met */
	struct unwind_key key;
	uint64_t lo, hi;		/* binary search */
	uint64_t rule;
	uint64_t entry;			/* descent in the tree of mappings */
	uint64_t node[UNWIND_BLOCK / 8];	/* start of a structure of the kernel */
	uint64_t word[2];		/* read last */
	uint64_t stack_at;		/* address of a piece of the stack, and its words; odd: none */
	uint64_t stack[UNWIND_STACK];
};

/*
 * Offsets in structures of the kernel that the walk reads: O(name, structure, member).  Those of the second list
 * must lie within UNWIND_BLOCK bytes.  Without those of the third return probes of the probed
 * program are not seen through.
 */
#define UNWIND_OFFSETS(O)                                                                          \
	O(task_mm, "task_struct", "mm")                                                            \
	O(mm_tree, "mm_struct", "mm_mt")                                                           \
	O(tree_root, "maple_tree", "ma_root")                                                      \
	O(file_inode, "file", "f_inode")                                                           \
	O(sb_dev, "super_block", "s_dev")
#define UNWIND_NEAR_OFFSETS(O)                                                                     \
	O(vma_start, "vm_area_struct", "vm_start")                                                 \
	O(vma_end, "vm_area_struct", "vm_end")                                                     \
	O(vma_flags, "vm_area_struct", "vm_flags")                                                 \
	O(vma_pgoff, "vm_area_struct", "vm_pgoff")                                                 \
	O(vma_file, "vm_area_struct", "vm_file")                                                   \
	O(inode_ino, "inode", "i_ino")                                                             \
	O(inode_sb, "inode", "i_sb")
#define UNWIND_RETURN_OFFSETS(O)                                                                   \
	O(task_utask, "task_struct", "utask")                                                      \
	O(utask_instances, "uprobe_task", "return_instances")                                      \
	O(instance_stack, "return_instance", "stack")                                              \
	O(instance_orig, "return_instance", "orig_ret_vaddr")                                      \
	O(instance_next, "return_instance", "next")                                                \
	O(mm_uprobes, "mm_struct", "uprobes_state")                                                \
	O(uprobes_area, "uprobes_state", "xol_area")                                               \
	O(area_vaddr, "xol_area", "vaddr")

#endif
