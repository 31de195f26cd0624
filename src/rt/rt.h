/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run-time routines too large to inline, compiled twice: natively for the user
 * engine and with `clang -target bpf` for kernel handlers.  Global functions
 * without library or data but what is passed; some call one another.
 *
 * All strings live in one block of memory, struct rt_mem, and are named by
 * their offset in b[]: 8-aligned (sources and results of rt_fmt_* need not be),
 * NUL-terminated, in buffers of RT_ROUND(bound) bytes, past which nothing is written.  What follows
 * the NUL is unspecified.  In the kernel the block is the context slot.  Offsets are masked
 * at every access, so a wrong one gives a wrong answer, never a stray access.
 *
 * `size` is the bound of the result, its NUL included, 1 <= size <= RT_STR_MAX.
 * String results return their length, with RT_CUT set if it was cut to the bound.
 * dst must not overlap the sources, except where said.  A routine with more than
 * five parameters takes the others from arg[].
 *
 * Rules for the BPF build: loops are bounded `for`s over RT_STR_MAX; words not
 * bytes where it matters; state that differs by path in arg[] or tmp[], not in registers;
 * masks last.
 */
#ifndef RT_RT_H
#define RT_RT_H

#include <stdint.h>

#ifndef RT_MEM_SHIFT
#define RT_MEM_SHIFT	21		/* native: 2 MiB; the BPF build chooses less */
#endif
#define RT_MEM_SIZE	(1u << RT_MEM_SHIFT)
#define RT_MEM_MASK	(RT_MEM_SIZE - 1)
#ifndef RT_STR_MAX
#define RT_STR_MAX	(RT_MEM_SIZE / 8)	/* largest bound; a multiple of 8 */
#endif
#define RT_PAD		64		/* behind the block, so that words can be read at any masked offset */
#define RT_ROUND(n)	(((n) + 7u) & ~7u)
#define RT_CUT		(1L << 32)
#define RT_LEN(r)	((uint32_t)(r))

struct rt_mem {
	int64_t arg[4];			/* further parameters */
	int64_t tmp[12];		/* scratch of the routines */
	uint8_t b[RT_MEM_SIZE + RT_PAD];
};

/* rt/str.c */
long rt_strlen(struct rt_mem *m, uint32_t s);
/* Copies, cut to size. */
long rt_strcpy(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src);
/* dst = a . b; dst may be a itself. */
long rt_concat(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t a, uint32_t b);
/* <0, 0, >0 in the order of unsigned bytes */
long rt_strcmp(struct rt_mem *m, uint32_t a, uint32_t b);
/* Zeroes the buffer of `size` bytes (rounded up) behind the string's NUL: for map keys. */
long rt_strpad(struct rt_mem *m, uint32_t s, uint32_t size);

/* rt/find.c */
/* Index of b in a, -1: not there.  The empty string is at 0. */
long rt_strpos(struct rt_mem *m, uint32_t a, uint32_t b);
/* arg[1] bytes of src from arg[0]; out of range gives "", too long is clamped. */
long rt_substr(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src);
/* Every srch (arg[0], an offset) in src replaced by arg[1]; an empty srch changes nothing. */
long rt_str_replace(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src);
/* 1 if the text at a (any offset) begins with b, else 0. */
__attribute__((noinline)) long rt_starts(struct rt_mem *m, uint32_t a, uint32_t b);
/*
 * The next token of the text at `state`, empty ones skipped.  arg[0] is the position in it, -1 at the
 * end: kept by the caller between calls, at first -1.  "" at the end.
 */
long rt_tokenize(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t delim, uint32_t state);
/* Before it: a non-empty src is copied to `state` and arg[0] becomes 0; an empty one changes nothing. */
long rt_tokenize_start(struct rt_mem *m, uint32_t state, uint32_t size, uint32_t src);

/* rt/num.c */
/* Like the kernel's simple_strtol: one '-', no blanks; base 0 (from prefix), 2..36. */
long rt_strtol(struct rt_mem *m, uint32_t s, int64_t base);
/* Text of a number per RT_FMT_ flags and conversion; width, precision in arg[0], arg[1] (-1: none). */
long rt_fmt_int(struct rt_mem *m, uint32_t dst, uint32_t size, int64_t v, uint32_t spec);
/* A string in a field: arg[0] width, arg[1] precision; IR_CONV_MEM: of hex digits, the bytes that they mean. */
long rt_fmt_str(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, uint32_t spec);

/* spec: enum ir_conv in the low 8 bits, IR_FMT_ flags in the next 8 */
#define RT_SPEC(conv, flags)	((uint32_t)(conv) | (uint32_t)(flags) << 8)

/* rt/text.c */
/* Escapes unprintables as in C; arg[0]: at most that many bytes (0: the bound), arg[1]: in quotes, "..." if cut. */
long rt_text_str(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src);

/*
 * The same in quotes for arg[2] bytes, NUL among them. Of more bytes than the text may have characters only
 * RT_LOOK_AHEAD are looked at.
 */
#define RT_LOOK_AHEAD	8
long rt_text_buf(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src);

/* rt/names.c: arg[0] by the names of the table that `how` says (NAMES_WORD()). */
struct names_table;
long rt_names(struct rt_mem *m, const struct names_table *t, uint32_t dst, uint32_t size, uint64_t how);

/* rt/dfa.c: tables as ir/regex.h describes, 16-bit transitions in one flat block */
#define RT_DFA_NEXT	(1u << 15)
struct rt_dfa {
	uint32_t nclasses, start;
	uint8_t class_of[256];
	uint16_t next[RT_DFA_NEXT];
};
/* 1: matches, 0: does not */
long rt_dfa_match(struct rt_mem *m, const struct rt_dfa *d, uint32_t s);

/* rt/bucket.c */
/* Bucket of v in a log histogram, 0..127 */
long rt_log_bucket(int64_t v);
/* Bucket of v in a linear histogram of n buckets (underflow and overflow included) */
long rt_linear_bucket(int64_t v, int64_t lo, int64_t step, uint32_t n);

#endif
