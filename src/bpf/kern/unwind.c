/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks the user stack of the current task by the unwind rules that the user side loaded.
 *
 * bk_unwind(m) fills pc[] of the struct unwind_state at bk_unwind_at in the slot, from rip, rsp, rbp there.
 * Each frame: find the mapping of its pc and so the file, search the file's rows, apply the rule.
 *
 * The state is in memory and each function is small, so that the verifier looks at each once.
 */
#include "bpf/kern/mapping.h"

static long (*const bpf_map_lookup)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update)(void *map, const void *key, const void *value, uint64_t flags) = (void *)2;
static uint64_t (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static uint64_t (*const bpf_get_current_task)(void) = (void *)35;

#define UPDATE_NOEXIST	1

/* Put in by the linker: constants and maps; see also mapping.h. */
#define OFFSET(name, type, member) extern const char bk_##name[];
UNWIND_RETURN_OFFSETS(OFFSET)
#undef OFFSET
extern const char bk_unwind_max[];	/* bytes of pc[] to fill at most */
extern const char bk_unwind_mask[];	/* rows of the table, a power of two, less 1 */
extern const char bk_unwind_return[];	/* there are return probes to see through */
extern char bk_unwind_table[], bk_unwind_modules[], bk_unwind_unknown[];

#define WORDS_MASK	(2 * (uint64_t)bk_unwind_mask + 1)

#define SIGRETURN	0x0f0000000fc0c748ull	/* mov $15,%rax; syscall */
#define SIGRETURN2	0x00050f0000000fb8ull	/* mov $15,%eax; syscall */
#define PUSH_RBP	0x55
#define RET		0xc3
#define MOV_RSP_RBP	0xe58948
#define ENDBR_PUSH_RBP	0x55fa1e0full	/* all but its first byte */
#define FRAME_MAX	(16u << 20)	/* of a frame that only its frame pointer tells */

/* Before 6.10 a map's key and value may not lie in the memory of a global function's argument: by the stack. */
RT_INLINE int look_up_file(const struct unwind_state *u, struct unwind_module *found)
{
	struct unwind_key key = u->key;
	const struct unwind_module *mod = (const struct unwind_module *)bpf_map_lookup(bk_unwind_modules, &key);

	if (mod)
		*found = *mod;
	return mod != 0;
}

RT_INLINE void note_unknown(const struct unwind_state *u, uint64_t pc)
{
	struct unwind_unknown unknown = { .tgid = bpf_get_current_pid_tgid() >> 32, .addr = pc };
	struct unwind_key key = u->key;

	if (!bpf_map_update(bk_unwind_unknown, &key, &unknown, UPDATE_NOEXIST))
		((struct unwind_table *)bk_unwind_table)->unknown++;
}

/* Which file's rows cover pc: module, start, end, shift.  0: pc is not in executable memory. */
RT_INLINE int find_module(struct rt_mem *m, struct unwind_state *u, uint64_t pc)
{
	long kind;

	u->map.module.pages = 0;
	kind = bk_mapping(m, pc);
	if (kind == MAPPING_FILE && !look_up_file(u, &u->map.module))
		note_unknown(u, pc);
	return kind != MAPPING_NONE;
}

/* The rule for rip: that of the last row at or before it. */
RT_INLINE void find_rule(struct unwind_state *u)
{
	const struct unwind_table *t = (void *)bk_unwind_table;
	volatile uint64_t *lo = &u->lo, *hi = &u->hi;
	uint64_t offset = u->rip - u->back + u->map.shift, at;

	u->rule = DBG_WALK_NONE;
	at = (offset >> UNWIND_PAGE_SHIFT) - u->map.module.base;
	if (at >= u->map.module.pages)
		return;
	at += u->map.module.index;
	*lo = u->map.module.first + t->words[at & WORDS_MASK];
	at++;
	*hi = u->map.module.first + t->words[at & WORDS_MASK];
	for (int i = 0; i <= UNWIND_PAGE_SHIFT; i++) {
		uint64_t mid = (*lo + *hi) >> 1;

		if (*lo >= *hi)
			break;
		if (t->rows[mid & (uint64_t)bk_unwind_mask].offset <= offset)
			*lo = mid + 1;
		else
			*hi = mid;
	}
	at = *lo - 1;
	if (at >= u->map.module.first)
		u->rule = t->rows[at & (uint64_t)bk_unwind_mask].rule;
}

/* rip is the trampoline of return probes, read just below rsp: takes the address that it replaced. */
__attribute__((noinline)) long bk_unwind_returning(struct rt_mem *m)
{
	struct unwind_state *u;

	if (!m)
		return 0;
	u = state(m);
	for (int i = 0; i < 256; i++) {
		uint64_t at = *(volatile uint64_t *)&u->instance;

		if (!at)
			break;
		u->instance = kernel_word(u, at + CONST(instance_next));
		if (kernel_word(u, at + CONST(instance_stack)) == u->rsp - 8) {
			u->rip = kernel_word(u, at + CONST(instance_orig));
			break;
		}
	}
	return 0;
}

/*
 * Without a rule: by the code about to run, if it is code that tells; else by the frame pointer.  The first
 * byte may be a breakpoint's.
 */
RT_INLINE uint32_t rule_by_code(struct unwind_state *u)
{
	uint64_t code = user_words(u, u->rip, 8) ? 0 : u->word[0];

	if (code == SIGRETURN || (code << 8) == (SIGRETURN2 << 8))
		return DBG_WALK_SIGNAL;
	if (!u->back) {
		if ((code >> 8 & 0xffffff) == MOV_RSP_RBP || (code >> 8 & 0xffffffff) == ENDBR_PUSH_RBP ||
		    (code & 0xff) == PUSH_RBP || (code & 0xff) == RET)
			return DBG_WALK_RSP | 1 << 9;
		if ((code & 0xffffff) == MOV_RSP_RBP)
			return DBG_WALK_RSP | 2 << 3 | 2 << 9;
	}
	if (u->rbp < u->rsp || u->rbp - u->rsp > FRAME_MAX)
		return DBG_WALK_END;
	return DBG_WALK_RBP | 2 << 3 | 2 << 9;
}

RT_INLINE long signal_frame(struct unwind_state *u)
{
	uint64_t uc = u->rsp;

	if (user_words(u, uc + DBG_WALK_UC_RSP, 16))
		return 1;
	u->rsp = u->word[0];
	u->rip = u->word[1];
	if (user_words(u, uc + DBG_WALK_UC_RBP, 8))
		return 1;
	u->rbp = u->word[0];
	u->back = 0;
	return 0;
}

/* The CFA by a rule, in lo; 1: cannot be had */
RT_INLINE long frame_address(struct unwind_state *u, uint32_t rule)
{
	int64_t n = DBG_WALK_N(rule);

	switch (DBG_WALK_KIND(rule)) {
	case DBG_WALK_RSP:
		u->lo = u->rsp + 8 * n;
		return 0;
	case DBG_WALK_RBP:
		u->lo = u->rbp + 8 * n;
		return 0;
	case DBG_WALK_PLT:
		u->lo = u->rsp + ((int64_t)(u->rip & 15) >= n ? 16 : 8);
		return 0;
	case DBG_WALK_DEREF:
		if (user_words(u, u->rbp + 8 * n, 8))
			return 1;
		u->lo = u->word[0];
		return 0;
	default:
		return 1;
	}
}

/*
 * word[1] = the word below cfa, word[0] = the n-th below it, 0 < n < UNWIND_STACK.  Reads a piece of the stack at once:
 * what takes time is the access, not the bytes.
 */
RT_INLINE long stack_words(struct unwind_state *u, uint64_t cfa, uint64_t n)
{
	uint64_t low = cfa - 8 * n, off = low - u->stack_at;

	if ((off & 7) || off > 8 * (UNWIND_STACK - n)) {
		u->stack_at = low;
		if (user_read(u->stack, sizeof(u->stack), low)) {
			u->stack_at = 1;
			if (user_words(u, cfa - 8, 8))
				return 1;
			u->word[1] = u->word[0];
			if (user_words(u, low, 8))
				u->word[0] = 0;
			return 0;
		}
	}
	off = (low - u->stack_at) >> 3;
	n += off - 1;
	u->word[0] = u->stack[off & (UNWIND_STACK - 1)];
	u->word[1] = u->stack[n & (UNWIND_STACK - 1)];
	return 0;
}

/* Replaces rip, rsp, rbp by the caller's; 1: there is none. */
__attribute__((noinline)) long bk_unwind_caller(struct rt_mem *m)
{
	struct unwind_state *u;
	uint32_t rule, at;
	uint64_t cfa;
	int deref;

	if (!m)
		return 1;
	u = state(m);
	rule = (uint32_t)u->rule;
	if (rule == DBG_WALK_NONE) {
		u->guessed = 1;
		rule = rule_by_code(u);
	}
	if (rule == DBG_WALK_END)
		u->complete = !u->guessed;
	if (rule == DBG_WALK_SIGNAL)
		return signal_frame(u);
	if (frame_address(u, rule))
		return 1;
	cfa = *(volatile uint64_t *)&u->lo;
	at = DBG_WALK_RBP_AT(rule);
	deref = DBG_WALK_KIND(rule) == DBG_WALK_DEREF;
	if (cfa <= u->rsp || stack_words(u, cfa, at && at != DBG_WALK_RBP_LOST && !deref ? at : 1))
		return 1;
	u->rsp = cfa;
	u->rip = u->word[1];
	u->back = 1;
	if (at == DBG_WALK_RBP_LOST || (at && deref && user_words(u, u->rbp, 8)))
		u->word[0] = 0;
	if (at)
		u->rbp = u->word[0];
	return 0;
}

/* Makes map the mapping around pc; 0: there is none. */
RT_INLINE long enter_mapping(struct rt_mem *m, struct unwind_state *u, uint64_t pc)
{
	struct unwind_mapping last;

	if (pc >= u->map.start && pc < u->map.end)
		return 1;
	last = u->map;
	if (pc >= u->other.start && pc < u->other.end) {
		u->map = u->other;
		u->other = last;
		return 1;
	}
	u->other = last;
	/* twice, because of races */
	return find_module(m, u, pc) || find_module(m, u, pc);
}

/* Notes the frame and goes to its caller; 1: it was the last. */
__attribute__((noinline)) long bk_unwind_frame(struct rt_mem *m)
{
	struct unwind_state *u;
	uint64_t n;

	if (!m)
		return 1;
	u = state(m);
	n = u->bytes;
	if (n >= (uint64_t)bk_unwind_max) {
		u->complete = !u->guessed;
		return 1;
	}
	/* the innermost frame is shown wherever it is */
	if (!enter_mapping(m, u, u->rip - u->back) && n)
		return 1;
	u->bytes = n + 8;
	n = n >> 3 & (UNWIND_FRAMES - 1);
	u->pc[n] = u->rip;
	u->rule = DBG_WALK_NONE;
	if (u->map.module.pages)
		find_rule(u);
	if (bk_unwind_caller(m))
		return 1;
	if (CONST(unwind_return) && u->trampoline && u->rip == u->trampoline)
		bk_unwind_returning(m);
	if (u->rip)
		return 0;
	u->complete = !u->guessed;
	return 1;
}

/* The address that return probes put on the stack, and the first of those in force. */
RT_INLINE void find_trampoline(struct unwind_state *u, uint64_t task)
{
	uint64_t area, utask = kernel_word(u, task + CONST(task_utask));

	u->instance = utask ? kernel_word(u, utask + CONST(utask_instances)) : 0;
	if (!u->instance)
		return;
	area = kernel_word(u, u->mm + CONST(mm_uprobes) + CONST(uprobes_area));
	if (area)
		u->trampoline = kernel_word(u, area + CONST(area_vaddr));
}

long bk_unwind(struct rt_mem *m)
{
	struct unwind_state *u;
	uint64_t task;

	if (!m)
		return 0;
	u = state(m);
	task = bpf_get_current_task();
	u->done = 1;
	u->bytes = u->complete = u->guessed = 0;
	u->back = 0;
	u->map.start = u->map.end = u->other.start = u->other.end = 0;
	u->map.module.pages = 0;
	u->trampoline = 0;
	u->stack_at = 1;
	u->mm = kernel_word(u, task + CONST(task_mm));
	if (!u->mm)
		return 0;
	if (CONST(unwind_return))
		find_trampoline(u, task);
	for (int i = 0; i < UNWIND_FRAMES; i++)
		if (bk_unwind_frame(m))
			break;
	return 0;
}
