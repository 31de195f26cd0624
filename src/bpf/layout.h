/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the globals of a program lie in BPF maps: one mmapable array ("vars") for scalars, locks,
 * statistics scalars and counters, and one hash per array.  Used by the code generator and
 * by the user side of the same data.
 *
 * An array element: keys one after the other, i64 as 8 bytes, a string zero-padded to its bound rounded
 * up to 8; value: u64 insertion number, then the i64, the string padded likewise, or one wire_stat per
 * CPU, `stat_stride` bytes apart.
 */
#ifndef BPF_LAYOUT_H
#define BPF_LAYOUT_H

#include <stdint.h>

#include "ir/program.h"

/* vars: fixed part */
enum {
	VARS_ACTIVE = 0,	/* u32: 0 or one of ACTIVE_ */
	VARS_TARGET = 8,	/* s64: target() */
	VARS_STP_PID = 16,	/* s64 */
	VARS_WALL = 24,		/* s64: CLOCK_REALTIME - CLOCK_MONOTONIC */
	VARS_TZ = 32,		/* s64: seconds west of UTC */
	VARS_PATIENCE = 40,	/* u64: how often a handler may wait in vain for symbols yet */
	VARS_CPU = 64,		/* 64 bytes per CPU; u64 record number, and for gen_guard.c: */
	CPU_DEPTH = 8,		/* u64: handlers that run, one within the other */
	CPU_MARK = 16,		/* u64: task whose handler may sleep and holds, or is about to take, a lock; 0: none */
};

/* Hits run: */
enum {
	ACTIVE_ON = 1,
	ACTIVE_CHANGE = 2,	/* and the process is changing a map that handlers change too */
};

/* vars: one line of 64 bytes per global */
enum {
	LINE_LOCK = 0,		/* u32: bit 31 a writer, else the number of readers */
	LINE_VALUE = 8,		/* s64: i64 scalar; array: number of elements */
	LINE_SEQ = 16,		/* u64: array: last insertion number */
	LINE_TAIL = 24,		/* u64: wrapping array: all insertion numbers up to it are gone */
	LINE_SIZE = 64,
};
#define LOCK_WRITER (1u << 31)
#define LOCK_PROCESS (1u << 30)	/* the process has it, to write if LOCK_WRITER is set too; counts as readers */

/* Maps of a program, by index into the engine's table. */
enum {
	MAP_VARS,
	MAP_SLOTS,
	MAP_COLLS,		/* collected elements, per slot */
	MAP_RINGS,		/* array of the rings, when there are many */
	MAP_TARGETS,		/* tgid -> u8: target() and its descendants */
	MAP_BEGUN,		/* tid -> u8: threads that began while that is watched */
	MAP_BIAS,		/* {u32 tgid, u32 module} -> s64 */
	MAP_POINTS,		/* per-point strings and integers */
	MAP_UNWIND,		/* struct unwind_table */
	MAP_UNWIND_MODULES,	/* struct unwind_key -> unwind_module */
	MAP_UNWIND_UNKNOWN,	/* struct unwind_key -> unwind_unknown */
	MAP_NAMES,		/* struct name_key -> union name_chunk */
	MAP_NAME_FILES,		/* struct unwind_key -> name_file */
	MAP_NAME_QUESTIONS,	/* ring of struct name_question */
	MAP_NAME_FORMAT,	/* how the kernel is to write an address */
	MAP_GROUPS,		/* memory for their search, per slot */
	MAP_NUMBERS,		/* struct names_table */
	MAP_SYSCALLS,		/* struct syscall_table; each program's own */
	MAP_COUNTERS,		/* perf events: number of the counter * ncpu_pow2 + processor */
	MAP_GLUE,		/* struct glue_table */
	MAP_PLACES,		/* layout_place() -> u32 point: of handlers that know their points by address */
	MAP_ARRAYS,		/* first of the arrays' and regexes' */
};

struct global_place {
	uint32_t line;		/* offset of its line in vars */
	uint32_t str;		/* string scalar: offset in vars */
	uint32_t stat;		/* statistics scalar: offset in vars of CPU 0's share */
	uint32_t stat_stride;	/* bytes from one CPU's share to the next */
	uint32_t nbuckets;
	uint32_t tmpl;		/* arrays and statistics: offset in vars of the initial value */
	uint32_t map;		/* array: index of its map */
	uint32_t key_size, value_size;
	uint32_t key_off[IR_MAX_KEYS];
	uint32_t order_map;	/* wrapping array: ring of {number, key} by number, and one more entry */
	uint32_t order_cap;	/* its entries, a power of two */
};

struct layout {
	uint32_t ncpu, ncpu_pow2;
	uint32_t vars_size;
	struct global_place *globals;	/* stb_ds arrays */
	uint32_t *regex_map;		/* tables of the automaton */
	uint32_t *groups_map;		/* programs that find groups */
	uint32_t ring_map;		/* first of the rings, one per CPU; 0: only through MAP_RINGS */
	uint32_t nmaps;
	uint32_t counters;		/* offset in vars: u64[points][WCNT_COUNT] */
	uint32_t bundle_numbers;	/* offset in vars: u16[points], which handler of a bundle it has */
	uint32_t points_stride, points_int;	/* MAP_POINTS: bytes of a row; offset of its integers */
	uint32_t points_str[IR_PP_COUNT];	/* offset of each string within the row */
	uint32_t points_bound;		/* bytes of each string */
	uint32_t npoint_ints;
};

#define LAYOUT_POINT_ADDR	0	/* MAP_POINTS row: u64 link-time address */
#define LAYOUT_POINT_MODULE	8	/* s64: its program module, -1: none */
#define LAYOUT_POINT_STRS	16

/*
 * Up to so many CPUs a program names each ring; beyond, it looks it up in an array of maps, which costs
 * time per hit and, because of the kernel's grace periods, at start.
 */
#define LAYOUT_DIRECT_RINGS	24

/* Places for all that the program shares, on a machine with so many processors. */
void layout_init(struct layout *lo, const struct program *p, unsigned ncpu);
void layout_fini(struct layout *lo);

/* Key of MAP_PLACES: the address, whose upper 16 bits are the same for all of the kernel's, with the handler there. */
static inline uint64_t layout_place(uint32_t handler, uint64_t address)
{
	return address << 16 >> 16 | (uint64_t)handler << 48;
}

static inline uint32_t round8(uint32_t n)
{
	return (n + 7) & ~7u;
}

static inline uint32_t pow2_ceil(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

#endif
