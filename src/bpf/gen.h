/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code generation: the IR of one kernel handler -> one eBPF program.
 *
 * Registers.  r6: the context slot (struct rt_mem *); r7, r8: expression temporaries; r9: frame of the
 * running recursive function; r0-r5: scratch, an expression's value arrives in r0.  Everything that
 * lives longer is memory of the slot, because the verifier tracks nothing there (and 6.1 believes
 * for ever what it tracks).
 *
 * A handler that is small, straight and without strings does without a slot: its few words
 * are on the stack, base r10.  Generation is first tried so; the first construct that needs more
 * sets `want_slot` and it is done again.
 *
 * Control flow.  A region is the body of a handler or of a global function with the recursive
 * functions it calls.  Without loops and recursion its code is simply inline.  With loops it is a state machine:
 * the callback of one bpf_loop runs until a backward edge or a call of a recursive
 * function, stores in hdr.pc where to go on, and returns; the next step dispatches on it.  Where the kernel
 * has may_goto, loops are plain backward jumps instead.
 *
 * Functions.  Not recursive: a BPF global function with static locals, r0 = 0 or 1 (error).  Recursive (or too
 * deep for the kernel's 8 frames): part of the region, with a frame per call.
 */
#ifndef BPF_GEN_H
#define BPF_GEN_H

#include "bpf/emit.h"
#include "bpf/engine.h"
#include "bpf/layout.h"
#include "bpf/routines.h"
#include "bpf/slot.h"
#include "ir/program.h"
#include "ir/wire.h"
#include "rt/rt.h"

#define SLOT_B		128	/* offset of b[] in struct rt_mem */
#define SLOTS_PER_CPU	4
#define HDR(field)	(SLOT_B + (int)offsetof(struct slot_hdr, field))

/* The frame of the main program: the context pointer; for system calls instead the point's index and the interface. */
#define STACK_CTX	(-8)
#define STACK_COOKIE	(-16)
#define STACK_IA32	(-24)

#define REC_MIN		8192	/* bytes of a record */
#define REC_SLACK	1024	/* constant offsets behind a masked position in it */
#define REC_SLACK_STACK	(3 * WIRE_USTACK_MAX)	/* variable ones, of a stack */

/* Place of a value: `off` bytes from the slot (from r10 without one), or from the recursive frame. */
struct mem {
	bool frame;
	int32_t off;
};

/* A string in the slot: its buffer's place and size. */
struct sref {
	struct mem at;
	uint32_t bound;
};

/* How the points of a session may be hit within one another: see gen_guard.c. */
struct nesting {
	uint32_t points, inners;	/* of the kernel; of them those that may be hit in the midst of another */
	uint32_t free, free_inners;	/* those of them that the kernel does not keep apart */
	uint32_t sleepers;		/* whose handlers may sleep */
	bool *inner;			/* by handler: has such points */
};

/* What a handler does about that. */
struct guard {
	bool counts, marks;		/* tells others that it runs: in the processor's depth, or by its task */
	bool checks, checks_mark;	/* leaves if another runs */
	bool checks_process;		/* leaves if the process is changing a map */
};

/* What all handlers of a program share. */
struct unit {
	const struct program *p;
	uint32_t without;		/* features not to be used, by bit */
	const bool *by_address;		/* by handler: has no cookies; NULL: all have */
	struct layout lo;
	struct nesting nesting;
	char *pool;			/* string constants, 8-aligned; stb_ds arrays */
	struct { char *key; uint32_t value; } *pool_index;	/* stb_ds string map */
	uint32_t pool_base;		/* offset of the pool in b[] */
	uint32_t mem_size;		/* largest offset in b[] that a handler uses */
	uint32_t slot_size;		/* sizeof(struct rt_mem) of the variant */
	int variant;			/* of the routines, see routines.h */
	uint64_t coll_size;		/* bytes of one slot's part of MAP_COLLS */
	uint32_t coll_cap;		/* elements of a collection, a power of two */
	struct span *sites;		/* error sites */
	bool wants_bias, wants_targets, wants_names;
	bool shares_slot_code;		/* handlers of system calls: see gen_slot.c */
	bool parallel;			/* the process runs while a handler does */
	uint32_t unwind_rows;		/* of MAP_UNWIND, a power of two */
	uint32_t max_frames;		/* of a backtrace */
};

struct gen_fn {
	struct ir_func *f;
	struct mem *locals;		/* stb_ds */
	struct mem ret;			/* string result of a global function */
	em_label label;			/* global: subprogram; sub: entry within the region */
	uint32_t entry;			/* sub: dispatch number within the region */
	bool sub;			/* part of its caller's region, with frames */
	bool wanted, looped, done, busy;
	uint32_t depth;			/* BPF frames below and including it */
	uint32_t extra;			/* sub: next free offset in the frame */
};

struct err_stub {
	em_label label, catch;
	uint32_t code, site;
	bool has_arg;			/* in r1 */
};

struct region {
	bool looped;
	em_label *entries;		/* stb_ds: by dispatch number */
	struct { uint32_t fn, entry; } *subs;	/* stb_ds: functions that are part of it */
	em_label done;			/* step: leaves the driver */
};

/* Subprogram still to be generated. */
struct pending {
	enum { PEND_STEP, PEND_COLLECT, PEND_CLEAR, PEND_CHUNK } kind;
	em_label label;
	struct gen_fn *fn;		/* step */
	uint32_t global;		/* collect: array */
	const struct ir_foreach *fe;
	const struct ir_stmt *from, *to;	/* chunk: statements, `to` not included */
	bool alone;			/* part of what the kernel verifies alone */
};

/* What a subprogram of gen_insert_fns() gives. */
enum insert_result {
	INSERT_DONE,		/* the element is there */
	INSERT_FULL,		/* the array has as many elements as it may have */
	INSERT_REFUSED,		/* the kernel could not add it now */
};

/* Where an item goes on: so many bytes from the record's start, or from hdr.wpos. */
struct out_pos {
	bool fixed;			/* from the start */
	int32_t off;
};

struct temps {
	struct mem *words;		/* stb_ds */
	struct mem *bufs;		/* strings of maxstr bytes; stb_ds */
};

struct gen {
	struct unit *u;
	const struct program *p;
	struct ir_module *m;
	struct emit em;
	uint32_t handler;
	enum prog_kind kind;
	bool sleepable;
	struct guard guard;
	bool by_address;		/* the point is known by the address of the hit */
	bool slot, want_slot;
	int32_t top;			/* slot: next free offset; stack: lowest used (negative) */
	struct temps temps;		/* temporaries free for use */
	uint32_t bufs_used, words_used;
	unsigned regs_used;		/* bit 0: r7, bit 1: r8 */

	struct gen_fn *fns;		/* by index of module function */
	struct gen_fn root;
	struct gen_fn *fn;		/* being generated */
	struct region *rg;
	bool alone;			/* what is being generated is verified alone: a function of gen_fn_kind() */
	bool keys_alone;		/* there a key of a map lay in the slot */
	bool together;			/* functions are verified where they are called */
	struct pending *pending;	/* stb_ds */
	bool may_goto;
	struct mem frame_area;		/* frames of recursive functions */
	uint32_t frame_size, frame_levels;
	struct sref sub_ret;		/* string result of recursive functions */

	em_label catch, end;		/* where errors and `return` go */
	em_label brk, cont;
	struct err_stub *stubs;		/* stb_ds */
	em_label *routine;		/* by routine number, 0: not used */
	em_label flush_fn, take_fn, finish_fn, lock_fn[2];
	em_label *make_fn, *stat_fn;	/* stb_ds: insertion, adding to a share; by global */
	struct mem *stat_bufs;		/* stb_ds: merged aggregates, by global */
	struct mem *key_bufs;		/* stb_ds: by global */

	struct mem ctx_save[64];	/* context values saved at entry */
	uint64_t ctx_key[64];
	uint32_t nctx;
	bool uses_groups;
	bool uses_sizes;		/* of the unit, which are known when all code was made */
	bool uses_frames;		/* frames of the kernel's stack as values */
	bool uses_abort, uses_insert, uses_cookie, uses_error, uses_tokens, uses_matched, counts_actions;
	uint32_t nprints;
	struct mem rec;			/* record area */
	struct out_pos pos;		/* in the item under construction */
	bool first_item;		/* nothing was put into the record before what comes next */
	bool item_fixed;		/* the item under construction is the record's first */
	/* At the same places in all handlers, so that what uses them is the same code: */
	struct mem rec_near;		/* room for the record */
	struct mem sysargs;		/* of IR_SYSARG, by imm */
	struct temps fn_temps;		/* of functions that are verified alone */
	uint32_t rec_size;
	struct sref err_text;
	struct sref tok_state, match_subject;
	struct mem tok_pos;
	uint64_t colls;			/* bytes used of the slot's part of MAP_COLLS */
	struct mem stack_err, stack_arg;	/* without a slot */
	uint32_t *cookies;		/* instructions `r0 = point`, for programs of one point; stb_ds */
	struct mem verdict;		/* PROG_NETFILTER: what the program gives back */
	struct mem unwind;		/* struct unwind_state; off 0: none */
	struct mem names;		/* struct name_state; off 0: none */
};

/* gen.c */
/* Does the kernel offer it, and may it be used? */
bool gen_has(const struct gen *g, enum engine_feature f);
/* Memory. */
void gen_need_slot(struct gen *g);
struct mem gen_alloc(struct gen *g, uint32_t size);		/* for the whole handler */
void gen_fn_temps(struct gen *g);				/* room for those of functions */
struct mem gen_word(struct gen *g);				/* temporary; give back in reverse order */
void gen_word_free(struct gen *g, struct mem w);
struct mem gen_keep(struct gen *g, const struct ir_expr *e);	/* the value, in such a temporary */
struct sref gen_buf(struct gen *g);				/* temporary string buffer */
uint32_t gen_buf_mark(const struct gen *g);
void gen_buf_release(struct gen *g, uint32_t mark);
struct sref gen_pool(struct gen *g, const char *s, size_t len);	/* string constant */
/* r2 = address of a map's key */
void gen_map_key(struct gen *g, struct mem key);
/* Kind of the functions that are verified once and alone, unless the kernel cannot have their keys. */
int gen_fn_kind(const struct gen *g);
/* Any bytes, known by a name that no text is. */
struct sref gen_pool_bytes(struct gen *g, const char *name, const void *p, size_t len);
void gen_ld(struct gen *g, int dst, struct mem at);		/* 64 bit */
void gen_st(struct gen *g, struct mem at, int src);		/* 64 bit; may use r5 */
void gen_sti(struct gen *g, struct mem at, int32_t v);
void gen_addr(struct gen *g, int dst, struct mem at);		/* pointer */
void gen_soff(struct gen *g, int dst, struct sref s);		/* offset in b[], for routines */
struct mem gen_hdr(int off);					/* HDR(x) */
struct mem gen_arg(int n);					/* arg[n], further parameter of a routine */
void gen_result(struct gen *g, struct sref dst);		/* r2, r3 = where a routine puts its text, its bound */
void gen_line(struct gen *g, int dst, uint32_t global);		/* address of the global's line in vars */
void gen_vars(struct gen *g, int dst, uint32_t off);
/* Temporary holding r0: a callee-saved register, else a word. */
struct tmp { int reg; struct mem word; };
struct tmp gen_push(struct gen *g);
void gen_pop(struct gen *g, struct tmp t, int reg);
void gen_routine(struct gen *g, int routine);			/* r1 = slot, call */
/* Raises a soft error; with_arg: r1 holds the argument. */
void gen_error(struct gen *g, uint32_t code, const struct span *at, bool with_arg);
em_label gen_error_label(struct gen *g, uint32_t code, const struct span *at, bool with_arg);
void gen_stubs(struct gen *g);
void gen_cookie(struct gen *g);					/* r0 = index of the probe point */
/* Is one program loaded for each point, with its index in place of `cookies`? */
bool gen_own_programs(const struct gen *g);
/* Is it a handler of system calls?  Its main is no program, but called by one (bundle.c) with r1 = context, r2 = index
 * of the point, r3 = 1 for the 32-bit interface, if the session is active. */
bool gen_is_syscall(const struct gen *g);
/* Does main of such a handler keep these in its frame? */
bool gen_saves_call(const struct gen *g);
void gen_count(struct gen *g, uint32_t which);			/* counter of this point ++ */
void gen_count_r0(struct gen *g, uint32_t which);		/* of point r0 */

/* gen_slot.c */
void gen_slot_survey(struct unit *u);
/* Do other handlers of the program use the same functions to take and to give back a slot? */
bool gen_slot_shared(const struct gen *g);
/* r6 = slot; if none is free: to `none`, or to `counted` if it was counted as skipped already */
void gen_slot_take(struct gen *g, em_label none, em_label counted);
void gen_slot_finish(struct gen *g);				/* the record leaves */
/* A function of its own begins: r1 = slot, or 0 for the verifier, who is told that it returns then; r6 = slot */
void gen_slot_fn_begin(struct gen *g, em_label fn);
void gen_slot_fns(struct gen *g);				/* subprograms used */

/* gen_expr.c: value in r0 */
void gen_expr(struct gen *g, const struct ir_expr *e);
void gen_jump_if(struct gen *g, const struct ir_expr *e, bool sense, em_label l);

/* gen_str.c */
struct sref gen_str(struct gen *g, const struct ir_expr *e);	/* wherever it is, or a temporary */
void gen_str_to(struct gen *g, const struct ir_expr *e, struct sref dst);
void gen_str_copy(struct gen *g, struct sref dst, struct sref src);
bool gen_str_i64(struct gen *g, const struct ir_expr *e);	/* string ops with an i64 result; false: not one */
void gen_cut(struct gen *g);					/* r0 of a routine: counts RT_CUT */

/* gen_regex.c */
void gen_match(struct gen *g, const struct ir_expr *e);
void gen_matched(struct gen *g, const struct ir_expr *e, struct sref dst);
void gen_ngroups(struct gen *g, const struct ir_expr *e);

/* gen_sprintf.c */
void gen_sprintf(struct gen *g, const struct ir_expr *e, struct sref dst);

void gen_errno_str(struct gen *g, const struct ir_expr *e, struct sref dst);
void gen_zone_name(struct gen *g, struct sref dst);

/* gen_mem.c: target memory */
bool gen_mem_i64(struct gen *g, const struct ir_expr *e);
bool gen_mem_str(struct gen *g, const struct ir_expr *e, struct sref dst);
/* Operands of UBUF_QUOTED and KBUF_QUOTED; n: bytes to be read, 0 <= n < maxstr. */
struct gen_buffer { struct mem addr, n, room; };
void gen_buffer_args(struct gen *g, const struct ir_expr *e, const struct gen_buffer *b);

/* gen_save.c: context of the hit, saved at its start */
#define GEN_STACK_FRAMES 64	/* frames of a stack kept for USTACK_ADDR and the like */
/* r7 = point, r8 = 1 for the 32-bit interface: saves what any handler of system calls may want */
void gen_call_prologue(struct gen *g);
void gen_ctx_prologue(struct gen *g, const struct ir_func *f);	/* r7 = ctx: saves what the code wants */
/* Where the prologue put a context value; NULL: nowhere. */
const struct mem *gen_ctx_saved(struct gen *g, enum ir_op op, int64_t imm);
/* Is it one of a stack, for which the whole stack is saved? */
bool gen_is_stack(enum ir_op op);
/* r0 = address of the kernel function whose entry or return was hit */
void gen_func_ip(struct gen *g);
/* gen_point.c */
/* r0 = index of the point in the kernel that was hit, found by its address; only in main. */
void gen_point_at_address(struct gen *g);
void gen_point_int(struct gen *g, const struct ir_expr *e);
void gen_point_str(struct gen *g, const struct ir_expr *e, struct sref dst);
void gen_module_bias(struct gen *g, const struct ir_expr *e);
/* gen_ctx.c: r0 = member of the current process's mm_struct */
void gen_mm_word(struct gen *g, const char *member);
#define COMM	16	/* bytes of a process's name */
/* The current process's name to r1, padded with zeros: find it, set r1 (r0 stays), put it. */
void gen_comm_find(struct gen *g);
void gen_comm_put(struct gen *g);
bool gen_ctx_i64(struct gen *g, const struct ir_expr *e);
bool gen_ctx_str(struct gen *g, const struct ir_expr *e, struct sref dst);

/* gen_glob.c, gen_array.c, gen_stat.c, gen_foreach.c */
bool gen_glob_i64(struct gen *g, const struct ir_expr *e);
void gen_glob_str(struct gen *g, const struct ir_expr *e, struct sref dst);
void gen_keys(struct gen *g, const struct ir_expr *e, struct mem key);
struct mem gen_key_buf(struct gen *g, uint32_t global);
bool gen_array_i64(struct gen *g, const struct ir_expr *e);
void gen_array_str(struct gen *g, const struct ir_expr *e, struct sref dst);
/* r0 = address of the element's value, made if missing (from the template); errors raised. */
void gen_array_find_or_make(struct gen *g, const struct ir_expr *e, struct mem key);
/* gen_insert.c */
void gen_insert_fns(struct gen *g);
void gen_clear_fn(struct gen *g, const struct pending *pd);
bool gen_stat_i64(struct gen *g, const struct ir_expr *e);
/* Merged statistics of a scalar (key: ignored) or element, into the slot; label `missing` if there is none. */
struct mem gen_stat_merge(struct gen *g, uint32_t global, struct mem key, em_label missing);
/* The same for the array element whose value is at `reg`. */
void gen_stat_merge_ptr(struct gen *g, uint32_t global, int reg);
/* r0 = what is asked for, of the aggregate merged last. */
void gen_stat_value(struct gen *g, uint32_t global, enum ir_stat which);
void gen_stat_fns(struct gen *g);
void gen_foreach(struct gen *g, const struct ir_stmt *s);
void gen_collect_fn(struct gen *g, const struct pending *pd);

/* gen_early.c: leaves a handler that has nothing to do, before a slot is taken; r7 = ctx */
void gen_early(struct gen *g, em_label leave);
bool gen_has_early(const struct gen *g);

/* gen_shown.c: strings that are only printed */
void gen_shown(struct gen *g, const struct ir_expr *e);		/* an argument of the item under construction */
uint32_t gen_shown_max(const struct gen *g, const struct ir_expr *e);	/* bytes of it at most */

/* gen_out.c */
bool gen_out(struct gen *g, const struct ir_expr *e);
void gen_out_error(struct gen *g);				/* the pending soft error as an item */
void gen_catch_message(struct gen *g, struct sref dst);
void gen_out_str(struct gen *g, struct sref s);			/* a string, as an argument of the item */
void gen_out_args(struct gen *g, const struct ir_expr *e);	/* those of the expression, likewise */
void gen_out_flush(struct gen *g);				/* the record leaves */
void gen_out_reserve(struct gen *g);				/* the first memory of a slot */
void gen_out_prologue(struct gen *g);
void gen_out_clear(struct gen *g);				/* the record is empty */
void gen_out_fns(struct gen *g);				/* subprograms used */
void gen_call_flush(struct gen *g);

/* gen_item.c: the record under construction */
#define GEN_ITEM(kind, id)	((uint32_t)(kind) << 24 | ((uint32_t)(id) & 0xffffff))
struct mem gen_record(struct gen *g);				/* its place */
/* An item of at most `max` bytes begins; its head is written at its end.  r0-r5 are lost in all of these. */
void gen_item_begin(struct gen *g, uint32_t max);
void gen_item_end(struct gen *g, uint32_t kind, uint32_t id);
void gen_item_end_r2(struct gen *g);				/* r2 = kind and id; not for the first item */
/* Where it goes on: `off` bytes from a register, which is r1 unless the place is known. */
struct out_at { int reg, off; };
struct out_at gen_out_at(struct gen *g);
void gen_out_addr(struct gen *g, int dst, struct out_at at, int32_t off);	/* dst = address, off bytes behind it */
void gen_out_advance(struct gen *g, int32_t by);		/* it goes on so far behind */
void gen_out_advance_r0(struct gen *g);				/* and so far; r0 is at most the record's size */
/* Before code that knows hdr.wpos, or parts of which run or do not: what is behind is counted from hdr.wpos then. */
void gen_out_settle(struct gen *g);
void gen_out_head(struct gen *g, struct out_at at, enum wire_text what, uint32_t size);	/* of a text */
/* The head of a text of `size` bytes, its own not counted, 0: not known; it is written at its end. */
struct out_mark { struct out_pos pos; bool one_size; struct mem wpos; };
struct out_mark gen_out_open(struct gen *g, uint32_t size);
void gen_out_close(struct gen *g, struct out_mark m, enum wire_text what);

/* gen_backtrace.c: the payload of a stack item at hdr.wpos */
void gen_out_stack(struct gen *g, const struct ir_expr *e);
/* The same of a user stack, with pc, sp and fp from these words. */
void gen_out_stack_at(struct gen *g, const struct mem at[3]);
/* The payload of WIRE_UFRAMES; to the label if the walk in the kernel is not complete. */
void gen_out_frames(struct gen *g, em_label incomplete);
void gen_backtrace_str(struct gen *g, const struct ir_expr *e, struct sref dst);

/* gen_unwind.c: user stacks by call frame information */
#define UNWIND_VALUES 32		/* at most, what gen_unwind_values() writes */
/* Memory to look at the process in; false: this kernel does not tell where things are. */
bool gen_unwind_state(struct gen *g);
/* The same for a walk, to be filled with the registers. */
bool gen_unwind_prepare(struct gen *g);
bool gen_unwind_possible(void);
/* Walks, unless that was done in this hit. */
void gen_unwind(struct gen *g);
/* Returns the end of what it wrote, where the name is NULL. */
struct routine_value *gen_unwind_values(struct gen *g, struct routine_value *v);

/* gen_name.c: names of addresses and times; false: not one */
bool gen_name_str(struct gen *g, const struct ir_expr *e, struct sref dst);
/* A saved user stack as text, a line a frame; r0: as routines have it, negative: only the process can tell. */
bool gen_name_stack(struct gen *g, struct sref src, bool brief, struct sref dst);
#define NAME_VALUES 12
/* Puts the constants that routines of names are linked with at v; behind the last. */
struct routine_value *gen_name_values(struct gen *g, struct routine_value *v);

/* gen_flow.c */
void gen_stmts(struct gen *g, const struct ir_stmt *list);
void gen_chunk_fn(struct gen *g, const struct pending *pd);
/* A loop: begin() binds its head, again() is the backward edge. */
struct loop { em_label head; uint32_t entry; };
struct loop gen_loop_begin(struct gen *g, const struct span *at);
void gen_loop_again(struct gen *g, struct loop l);
void gen_entry(struct gen *g, em_label l);
uint32_t gen_entry_add(struct gen *g, em_label l);
void gen_goto_entry(struct gen *g, uint32_t entry);
/* A word that lives as long as the function's call. */
struct mem gen_local_word(struct gen *g);

/* gen_fn.c */
void gen_fns_scan(struct gen *g);
void gen_call(struct gen *g, const struct ir_expr *e);		/* i64 result in r0 */
void gen_call_str(struct gen *g, const struct ir_expr *e, struct sref dst);
void gen_return(struct gen *g, const struct ir_expr *value);
/* The body of fn: falls through at its end, goes to err_out on a soft error. */
void gen_region(struct gen *g, struct gen_fn *fn, em_label err_out);
void gen_pending(struct gen *g);	/* everything not yet generated */
void gen_frame(struct gen *g);					/* r9 = the running frame */

/* gen_lock.c */
void gen_locks_take(struct gen *g, em_label failed, em_label own);
void gen_locks_release(struct gen *g);
/* To `other` unless what runs is the process of the session itself; changes r0 and r1. */
void gen_unless_process(struct gen *g, em_label other);
void gen_lock_fns(struct gen *g);

/* gen_guard.c: no hit within a hit */
void gen_guard_survey(struct unit *u);	/* u->nesting; free(u->nesting.inner) */
struct guard gen_guard(const struct gen *g);
/* At the handler's start: to `out` if no hits are to run, to `nested` if the process is changing a map. */
void gen_guard_active(struct gen *g, em_label out, em_label nested);
/*
 * Counts the hit; to nested_counted, or to nested if it was not counted, if it is within another.  r7 = context stays.
 */
void gen_guard_enter(struct gen *g, em_label nested, em_label nested_counted);
void gen_guard_leave(struct gen *g);
/* Comes before code that calls what takes a lock; `reg`: one of r6 to r9 that is free, or r0: a word of memory. */
void gen_guard_lock(struct gen *g, int reg);

/* gen_handler.c */
/* Generates handler h; on success g->em holds the finished code.  NULL or the reason. */
const char *gen_handler(struct gen *g, struct unit *u, uint32_t handler);
void gen_fini(struct gen *g);

#endif
