/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel programs and the stap process exchange: ring records, shared map
 * values, deferred text.  Included by the code generator, by the run-time
 * library (also when compiled for BPF) and by the drain; fixed-width types only.
 *
 * A record is one handler hit: a header, then items, all 8-byte aligned.
 *
 *   header | item item ... item
 *   item:  u32 kind_and_id (kind in the top 8 bits), u32 size (whole item, multiple of 8), payload
 */
#ifndef IR_WIRE_H
#define IR_WIRE_H

#include <stdint.h>

struct wire_record {
	uint64_t time_ns;	/* CLOCK_MONOTONIC at entry */
	uint32_t point;		/* probe point index */
	uint32_t size;		/* of the record, header included */
	uint32_t tgid, tid;
	uint32_t cpu;
	uint32_t seq;		/* per CPU, for equal times */
};

enum wire_kind {
	WIRE_PRINT = 1,		/* id: format; payload: arguments */
	WIRE_ERROR,		/* id: struct wire_error code; payload: u32 site, u32 0, i64 arg, text for error() */
	WIRE_WARN, WIRE_LOG, WIRE_SYSTEM,	/* payload: string argument; WIRE_SYSTEM: id is enum ir_service */
	WIRE_EXIT,		/* no payload */
	WIRE_HIST,		/* id: global; payload: struct wire_stat */
	WIRE_USTACK,		/* id: form of print_ubacktrace; payload: struct wire_ustack */
	WIRE_KSTACK,		/* id: form; payload: u64 n, u64 pc[n] */
	WIRE_SYMS,		/* id: imm of print.syms; payload: string argument */
	WIRE_UFRAMES,		/* as WIRE_USTACK, walked in the kernel; payload: u64 n, u64 pc[n] */
};

/*
 * Arguments of an item follow each other: an i64 is 8 bytes; a string is
 * u32 length, u32 enum wire_text, then length bytes, padded to 8.  What a handler only prints it sends as the values
 * of which the process makes the text; that is less work for the handler and for those who verify it.
 */
enum wire_text {
	WIRE_TEXT_PLAIN,	/* the bytes, without NUL */
	WIRE_TEXT_PADDED,	/* the bytes up to a NUL */
	WIRE_TEXT_QUOTED,	/* i64 bound of the text, bytes up to a NUL: in quotes, escaped */
	WIRE_TEXT_BYTES,	/* u32 bound, u32 0, i64 how many characters at most, bytes, NUL among them: likewise */
	WIRE_TEXT_ADDRESS,	/* u64: in hexadecimal with 0x */
	WIRE_TEXT_NAMES,	/* u64 index of a table of names, i64 value */
	WIRE_TEXT_POINT,	/* u64 enum ir_point_str: of the record's point */
	WIRE_TEXT_ERRNO,	/* i64: the name of an error's number, of either sign */
	WIRE_TEXT_FORMAT,	/* u32 format, u32 bound of the text, then its arguments */
	WIRE_TEXT_COUNT
};
#define WIRE_TEXT_DEPTH 8	/* of formats within formats */

/* Registers by DWARF number 0..16 (rax rdx rcx rbx rsi rdi rbp rsp r8..r15 rip), then a copy
 * of the stack from rsp upward, as much as was readable (multiple of 8, at most WIRE_USTACK_MAX). */
#define WIRE_USTACK_MAX 16384
/* Behind the copy: up to so many pairs of u64, for return addresses that pending return probes have
 * replaced: address of the stack slot, original return address. */
#define WIRE_USTACK_RETURNS 32
struct wire_ustack {
	uint64_t reg[17];
	uint64_t size;
};

/* Soft error codes; the text of each is in ir/errors.c. */
enum wire_error {
	WERR_NONE,
	WERR_USER,		/* error("..."): text follows */
	WERR_DIV0,
	WERR_MAXACTION,
	WERR_MAXNESTING,
	WERR_OVERFLOW,		/* array full; arg: global */
	WERR_EMPTY_AGG,
	WERR_UREAD_FAULT,	/* arg: address */
	WERR_KREAD_FAULT,
	WERR_USTR_FAULT,	/* arg: address */
	WERR_KSTR_FAULT,
	WERR_HIST_RANGE,
	WERR_STRINGAT_RANGE,
	WERR_MATCHED,		/* arg: group that does not exist; ~group after a failed match */
	WERR_NO_CONTEXT,	/* registers or memory of a process not available here */
	WERR_WRITE_REFUSED,	/* the kernel does not let target memory be written */
	WERR_BAD_FORMAT,	/* invalid width or precision */
	WERR_COUNTER,		/* arg: why a perf counter cannot be read, -errno */
	WERR_VERDICT,		/* arg: a verdict that eBPF programs cannot give */
	WERR_GIVEN_UP,		/* an array that is not full took no element: the hit ends, and counts as skipped */
	WERR_ABORT,		/* abort(): never reported */
	WERR_COUNT
};

/* A statistics aggregate, merged or one CPU's share; buckets follow if the global has a histogram. */
struct wire_stat {
	int64_t count, sum, min, max;
	int64_t sq_hi, sq_lo;	/* sum of squares, 128 bits, for @variance; running mean is derived */
	int64_t bucket[];
};
#define WIRE_HIST_LOG_BUCKETS 128

/* Why a hit was skipped or an output lost: index into the per-point counters. */
enum wire_count {
	WCNT_HIT, WCNT_ERROR, WCNT_SKIP_LOCK, WCNT_SKIP_CONTEXT, WCNT_SKIP_NESTED, WCNT_SKIP_MEMORY,
	WCNT_LOST_OUTPUT, WCNT_TRUNCATED, WCNT_CYCLES_SUM, WCNT_CYCLES_MIN, WCNT_CYCLES_MAX, WCNT_CYCLES_SQUARES,
	WCNT_LOCK_WAITS,
	WCNT_COUNT
};

/*
 * Deferred text: what a kernel handler cannot know (symbols, stacks) it
 * writes into a string as  \001 <letter> <fields in hex, comma-separated> \002 ; whatever
 * leaves the program (printf, string functions of the user engine) expands it first.
 *   s,d,m,f,F,L <tgid>,<addr>   usymname, usymdata, umodname, file:line, file, line
 *   k,K,M,g,G,l <addr>          symname, symdata, modname, file:line, file, line
 *   b,B <tgid>,<addr>,<addr>... sprint_ubacktrace, brief form
 *   c <tgid>,<addr>,<addr>...   sprint_backtrace
 */
#define WIRE_DEFER_OPEN  '\001'
#define WIRE_DEFER_CLOSE '\002'

#endif
