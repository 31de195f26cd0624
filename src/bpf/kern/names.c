/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of addresses, as text that a handler can look at: of the current process by the tables of name_state.h,
 * of the kernel by the kernel itself.
 *
 * A file that the directory lacks is asked for: the stap process reads its symbols and adds it. A handler that may do
 * so waits for that, a few milliseconds once per file; not for ever, and no more at all when that was in vain too
 * often.
 */
#include "bpf/kern/mapping.h"
#include "bpf/kern/put.h"
#include "bpf/name_state.h"

static void *(*const bpf_map_lookup)(void *map, const void *key) = (void *)1;
static uint64_t (*const bpf_ktime_get_ns)(void) = (void *)5;
static uint64_t (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static uint64_t (*const bpf_get_current_task)(void) = (void *)35;
static long (*const bpf_ringbuf_output)(void *ring, void *data, uint64_t size, uint64_t flags) = (void *)130;
static uint64_t (*const bpf_ringbuf_query)(void *ring, uint64_t flags) = (void *)134;
static long (*const bpf_snprintf)(char *str, uint32_t size, const char *fmt, uint64_t *data,
				  uint32_t len) = (void *)165;

/* Put in by the linker. */
extern const char bk_name_at[];		/* offset of struct name_state in struct rt_mem */
extern const char bk_name_wait[];	/* ns that the program may wait for a file */
extern const char bk_name_yield[];	/* it can let others run meanwhile, by this helper: */
extern long bk_copy_from_user_task(void *dst, uint32_t size, const void *src, void *task, uint64_t flags);
extern void *bk_current_task(void);
extern const char bk_patience_at[];	/* offset in the variables: how often waiting may be in vain yet */
extern char bk_vars[], bk_names[], bk_name_files[], bk_name_questions[];
extern const char bk_name_format[];	/* "%pS" */

#define WAKE		2		/* BPF_RB_FORCE_WAKEUP */
#define AVAILABLE	0		/* BPF_RB_AVAIL_DATA */
#define QUESTIONS	512		/* bytes of questions that wait for an answer at most */
#define SEARCH_STEPS	16		/* more than there can be chunks */
#define ROW_STEPS	8		/* log2(NAME_ROWS) + 1 */

/* Of a slot that was tested for NULL, which the compiler must not do later. */
RT_INLINE struct name_state *names(struct rt_mem *m)
{
	asm volatile("" : "+r"(m));
	return (struct name_state *)((char *)m + (uint64_t)bk_name_at);
}

struct wait {
	struct unwind_key key;
	uint64_t until;
	uint64_t addr;		/* of a page of the process */
};

static long wait_step(uint32_t i, struct wait *w)
{
	struct unwind_key key = w->key;
	uint64_t word;

	if (CONST(name_yield))
		bk_copy_from_user_task(&word, sizeof(word), (void *)w->addr, bk_current_task(), 0);
	return bpf_map_lookup(bk_name_files, &key) || bpf_ktime_get_ns() >= w->until;
}

/* Asks for the file that holds addr; 1: it is there now. */
RT_INLINE long ask_file(const struct unwind_state *u, uint64_t addr)
{
	struct name_question q = { .key = u->key, .tgid = bpf_get_current_pid_tgid() >> 32, .addr = addr };
	volatile uint64_t *patience = (volatile uint64_t *)(bk_vars + (uint64_t)bk_patience_at);
	struct wait w = { .key = u->key, .addr = u->map.start };
	struct unwind_key key = u->key;

	if (bpf_ringbuf_query(bk_name_questions, AVAILABLE) < QUESTIONS)
		bpf_ringbuf_output(bk_name_questions, &q, sizeof(q), WAKE);
	if (!CONST(name_wait) || !*patience)
		return 0;
	w.until = bpf_ktime_get_ns() + CONST(name_wait);
	bpf_loop(1 << 23, wait_step, &w, 0);
	if (bpf_map_lookup(bk_name_files, &key))
		return 1;
	*patience -= 1;
	return 0;
}

RT_INLINE int look_up_file(const struct unwind_state *u, struct name_file *found)
{
	struct unwind_key key = u->key;
	const struct name_file *f = bpf_map_lookup(bk_name_files, &key);

	if (f)
		*found = *f;
	return f != 0;
}

/* Finds the file around the address at `back` bytes before addr, and the offset in it; 1: only others can tell. */
RT_INLINE long find_file(struct rt_mem *m, struct name_state *n, uint64_t back)
{
	struct unwind_state *u = state(m);

	n->file.chunks = 0;
	u->mm = kernel_word(u, bpf_get_current_task() + CONST(task_mm));
	if (!u->mm)
		return 0;
	/* again, because of races */
	if (bk_mapping(m, n->addr - back) != MAPPING_FILE && bk_mapping(m, n->addr - back) != MAPPING_FILE)
		return 0;
	n->offset = n->addr - back + u->map.shift;
	if (look_up_file(u, &n->file))
		return !n->file.chunks;
	return !ask_file(u, n->addr) || !look_up_file(u, &n->file) || !n->file.chunks;
}

/* The rows of one chunk are searched: the last at or before the offset is copied to the state. */
RT_INLINE void find_in_chunk(struct name_state *n, const union name_chunk *c)
{
	volatile uint64_t *lo = &n->lo, *hi = &n->hi;
	uint64_t offset = n->offset;

	*lo = 0;
	*hi = NAME_ROWS;
	for (int i = 0; i < ROW_STEPS; i++) {
		uint64_t mid = (*lo + *hi) >> 1;

		if (*lo >= *hi)
			break;
		if (c->row[mid & (NAME_ROWS - 1)].offset <= offset)
			*lo = mid + 1;
		else
			*hi = mid;
	}
	if (*lo)
		n->row = c->row[(*lo - 1) & (NAME_ROWS - 1)];
}

/* The row of the offset; without one the row is empty. */
__attribute__((noinline)) long bk_name_find(struct rt_mem *m)
{
	volatile uint64_t *lo, *hi;
	const union name_chunk *c;
	struct name_state *n;
	struct name_key key;

	if (!m)
		return 0;
	n = names(m);
	n->row.offset = n->row.start = n->row.size = n->row.name = 0;
	key.file = n->file.id;
	lo = &n->lo;
	hi = &n->hi;
	*lo = 0;
	*hi = n->file.chunks;
	for (int i = 0; i < SEARCH_STEPS; i++) {
		uint64_t mid = (*lo + *hi) >> 1;

		if (*lo >= *hi)
			break;
		key.chunk = (uint32_t)mid;
		c = bpf_map_lookup(bk_names, &key);
		if (c && c->row[0].offset <= n->offset)
			*lo = mid + 1;
		else
			*hi = mid;
	}
	key.chunk = (uint32_t)*lo - 1;
	c = bpf_map_lookup(bk_names, &key);
	if (c)
		find_in_chunk(n, c);
	return 0;
}

/* Words of a text that a string of the largest bound can take. */
#define TEXT_WORDS	(RT_STR_MAX / 8 + 1 < NAME_CHUNK / 8 ? RT_STR_MAX / 8 + 1 : NAME_CHUNK / 8)

/* Appends a text of the file: whole words while there is room for them, then the rest of one. */
__attribute__((noinline)) long bk_name_text(struct rt_mem *m, uint32_t dst, uint32_t text)
{
	const union name_chunk *c;
	struct name_state *n;
	struct name_key key;

	if (!m)
		return 0;
	n = names(m);
	key.file = n->file.id;
	key.chunk = NAME_TEXT + (text >> NAME_CHUNK_SHIFT);
	c = bpf_map_lookup(bk_names, &key);
	if (!c)
		return 0;
	n->last = 0;
	for (uint32_t i = 0; i < TEXT_WORDS; i++) {
		uint64_t x = c->text[((text >> 3) + i) & (NAME_CHUNK / 8 - 1)];
		uint32_t at = (uint32_t)rt_got(m, POS);

		if (rt_zeros(x) || at + 8 >= (uint32_t)rt_got(m, SIZE)) {
			*(volatile uint64_t *)&n->last = x;
			break;
		}
		RT_WORD(m, dst + at) = x;
		rt_put(m, POS, at + 8);
	}
	for (int k = 0; k < 8; k++) {
		uint8_t byte = *(volatile uint8_t *)((char *)&n->last + k);

		if (!byte)
			break;
		put(m, dst, byte);
	}
	return 0;
}

/* Appends c unless it is 0, then "0x" and v. */
__attribute__((noinline)) long bk_name_hex(struct rt_mem *m, uint32_t dst, uint64_t v, uint32_t c)
{
	if (!m)
		return 0;
	if (c)
		put(m, dst, (uint8_t)c);
	put(m, dst, '0');
	put(m, dst, 'x');
	put_hex(m, dst, v);
	return 0;
}

/* The forms of a name that is known. */
RT_INLINE void put_name(struct rt_mem *m, struct name_state *n, uint32_t dst, uint32_t form)
{
	bk_name_text(m, dst, n->row.name);
	if (form == NAME_ONLY)
		return;
	bk_name_hex(m, dst, n->offset, '+');
	if (form == NAME_BRIEF)
		return;
	if (form == NAME_DATA)
		bk_name_hex(m, dst, n->row.size, '/');
	put(m, dst, ' ');
	put(m, dst, '[');
	bk_name_text(m, dst, form == NAME_DATA ? n->file.path : n->file.base);
	put(m, dst, ']');
}

/* Those of an address in a file without a symbol. */
RT_INLINE void put_place(struct rt_mem *m, struct name_state *n, uint32_t dst, uint32_t form)
{
	bk_name_hex(m, dst, n->addr, 0);
	if (form != NAME_DATA && form != NAME_SIMPLE)
		return;
	put(m, dst, ' ');
	put(m, dst, '[');
	bk_name_text(m, dst, form == NAME_DATA ? n->file.path : n->file.base);
	bk_name_hex(m, dst, n->offset, '+');
	if (form == NAME_DATA)
		bk_name_hex(m, dst, n->row.size, '/');
	put(m, dst, ']');
}

RT_INLINE void put_unknown(struct rt_mem *m, uint32_t dst)
{
	put(m, dst, '<');
	put(m, dst, 'u');
	put(m, dst, 'n');
	put(m, dst, 'k');
	put(m, dst, 'n');
	put(m, dst, 'o');
	put(m, dst, 'w');
	put(m, dst, 'n');
	put(m, dst, '>');
}

/*
 * Appends what `back` bytes before an address of the current process are called, in a form; 1: only the
 * process can tell.
 */
RT_INLINE long append(struct rt_mem *m, uint32_t dst, uint32_t form, uint64_t addr, uint64_t back)
{
	struct name_state *n = names(m);

	n->addr = addr;
	if (find_file(m, n, back))
		return 1;
	if (!n->file.chunks) {
		if (form == NAME_MODULE)
			put_unknown(m, dst);
		else
			bk_name_hex(m, dst, n->addr, 0);
		return 0;
	}
	if (form == NAME_MODULE) {
		bk_name_text(m, dst, n->file.path);
		return 0;
	}
	bk_name_find(m);
	n->offset = (uint32_t)(n->offset + back - n->row.start);
	if (n->row.name)
		put_name(m, n, dst, form);
	else
		put_place(m, n, dst, form);
	return 0;
}

/* What the address arg[0] is called; -1: only the process can tell. */
long bk_name(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t form)
{
	if (!m || !size)
		return 0;
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	if (append(m, dst, form, (uint64_t)m->arg[0], 0))
		return -1;
	return finish(m, dst, size);
}

enum { STACK_DST = 5, STACK_SRC, STACK_FORM, STACK_UNKNOWN };	/* tmp[] */

static long stack_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t dst = (uint32_t)rt_got(m, STACK_DST), src = (uint32_t)rt_got(m, STACK_SRC);

	if ((int64_t)RT_WORD(m, src) < 8 * (int64_t)i + 8 || rt_got(m, POS) >= rt_got(m, SIZE))
		return 1;
	if (append(m, dst, (uint32_t)rt_got(m, STACK_FORM), RT_WORD(m, src + 8 + 8 * i), i != 0)) {
		rt_put(m, STACK_UNKNOWN, 1);
		return 1;
	}
	put(m, dst, '\n');
	return 0;
}

/* The same of a saved stack (count of bytes, then addresses, at offset src), a line each; -1 likewise. */
long bk_name_stack(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, uint32_t form)
{
	if (!m || !size)
		return 0;
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	rt_put(m, STACK_DST, dst);
	rt_put(m, STACK_SRC, src);
	rt_put(m, STACK_FORM, form);
	rt_put(m, STACK_UNKNOWN, 0);
	rt_repeat_long(m, UNWIND_FRAMES, stack_step);
	return rt_got(m, STACK_UNKNOWN) ? -1 : finish(m, dst, size);
}

enum { KERNEL_DST = 5, KERNEL_FORM, KERNEL_OFFSET, KERNEL_MODULE };	/* tmp[] */

/* One character of the kernel's "name+0x1/0x20 [module]", or "0x1" for what it does not know. */
static long kernel_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t form = (uint32_t)rt_got(m, KERNEL_FORM);
	uint8_t c;

	if (i >= NAME_KERNEL)
		return 1;
	c = *(volatile uint8_t *)&names(m)->text[i];
	if (!c)
		return 1;
	if (c == '+')
		rt_put(m, KERNEL_OFFSET, 1);
	if (form == NAME_DATA || (form == NAME_ONLY && !rt_got(m, KERNEL_OFFSET) && c != ' ') ||
	    (form == NAME_MODULE && rt_got(m, KERNEL_MODULE) && c != ']'))
		put(m, (uint32_t)rt_got(m, KERNEL_DST), c);
	if (c == '[')
		rt_put(m, KERNEL_MODULE, 1);
	return c == ' ' && form == NAME_ONLY;
}

RT_INLINE void put_kernel(struct rt_mem *m, uint32_t dst)
{
	put(m, dst, 'k');
	put(m, dst, 'e');
	put(m, dst, 'r');
	put(m, dst, 'n');
	put(m, dst, 'e');
	put(m, dst, 'l');
}

/* What the address arg[0] of the kernel is called. */
long bk_kernel_name(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t form)
{
	uint64_t addr;

	if (!m || !size)
		return 0;
	addr = (uint64_t)m->arg[0];
	bpf_snprintf(names(m)->text, NAME_KERNEL, bk_name_format, &addr, sizeof(addr));
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	rt_put(m, KERNEL_DST, dst);
	rt_put(m, KERNEL_FORM, form);
	rt_put(m, KERNEL_OFFSET, 0);
	rt_put(m, KERNEL_MODULE, 0);
	rt_repeat_long(m, NAME_KERNEL, kernel_step);
	if (!rt_got(m, KERNEL_OFFSET)) {
		if (form == NAME_MODULE)
			put_unknown(m, dst);
	} else if (!rt_got(m, KERNEL_MODULE) && form != NAME_ONLY) {
		if (form == NAME_DATA) {
			put(m, dst, ' ');
			put(m, dst, '[');
		}
		put_kernel(m, dst);
		if (form == NAME_DATA)
			put(m, dst, ']');
	}
	return finish(m, dst, size);
}
