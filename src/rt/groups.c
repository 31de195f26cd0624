/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place of one group of a regular expression's match, leftmost and longest.
 *
 * Threads of the program run over the text in step, those that began earlier first,
 * then by priority.  At each position every instruction is entered at most once: by
 * the best thread.  A thread is one word: instruction, begin of the match, begin and
 * end of the group wanted (NONE: not met).  work holds the threads before and after the
 * current byte and the stack of instructions to enter.
 *
 * One call of the step function enters one instruction or takes one thread over the
 * byte, so that the kernel can run it in a bpf_loop.
 */
#include "rt/mem.h"

/* tmp[] */
enum { POS, LIST, NLIST, NEXT, NNEXT, STACK, MARK_LO, MARK_HI, BEST, BEST_END, SEEDED, GROUP };

#define NONE		0xffffu
#define MAX_LIST	REGEX_TABLE_INSTS
#define LIST_BYTES	(8u * MAX_LIST)

#define THREAD(pc, start, gs, ge) \
	((uint64_t)(pc) | (uint64_t)(start) << 16 | (uint64_t)(gs) << 32 | (uint64_t)(ge) << 48)
#define T_PC(t)		((uint32_t)(t) & (REGEX_TABLE_INSTS - 1))
#define T_START(t)	((uint32_t)((t) >> 16) & 0xffff)
#define T_GS(t)		((uint32_t)((t) >> 32) & 0xffff)
#define T_GE(t)		((uint32_t)((t) >> 48) & 0xffff)

long rt_groups_begin(struct rt_mem *m)
{
	if (!m)
		return 0;
	for (unsigned k = 0; k < 11; k++)
		rt_put(m, k, 0);
	rt_put(m, BEST, -1);
	rt_put(m, GROUP, m->arg[0]);
	return 0;
}

RT_INLINE void push(struct rt_mem *m, uint32_t work, uint64_t thread)
{
	uint32_t sp = (uint32_t)rt_got(m, STACK);

	if (sp >= 2 * MAX_LIST)
		return;		/* cannot be: each instruction pushes two at most once */
	RT_WORD(m, work + 2 * LIST_BYTES + 8 * sp) = thread;
	rt_put(m, STACK, sp + 1);
}

/* Has the instruction been entered at this position?  Notes that it is now. */
RT_INLINE uint32_t entered(struct rt_mem *m, uint32_t pc)
{
	unsigned k = pc & 64 ? MARK_HI : MARK_LO;
	uint64_t marks = (uint64_t)rt_got(m, k), bit = 1ull << (pc & 63);

	rt_put(m, k, (int64_t)(marks | bit));
	return (marks & bit) != 0;
}

/* A match that began at T_START(th) and ends at pos. */
RT_INLINE void matched(struct rt_mem *m, uint64_t th, uint32_t pos)
{
	uint64_t best = (uint64_t)rt_got(m, BEST);

	if (rt_got(m, BEST) != -1 && (T_START(th) > T_START(best) ||
	    (T_START(th) == T_START(best) && pos <= (uint32_t)rt_got(m, BEST_END))))
		return;
	rt_put(m, BEST, (int64_t)(th & ~0xffffull));
	rt_put(m, BEST_END, pos);
}

RT_INLINE void enter(struct rt_mem *m, const struct regex_table *t, uint32_t s, uint32_t work, uint64_t th)
{
	uint32_t pc = T_PC(th), pos = (uint32_t)rt_got(m, POS), n;
	uint32_t op = t->inst[pc].op, x = t->inst[pc].x, y = t->inst[pc].y;
	uint64_t rest = th & ~0xffffull;

	if (entered(m, pc))
		return;
	switch (op) {
	case REGEX_JMP:
		push(m, work, rest | x);
		break;
	case REGEX_SPLIT:
		push(m, work, rest | y);
		push(m, work, rest | x);
		break;
	case REGEX_SAVE:
		if (x >> 1 == (uint32_t)rt_got(m, GROUP)) {
			if (x & 1)
				rest = THREAD(0, T_START(th), T_GS(th), pos);
			else
				rest = THREAD(0, T_START(th), pos, T_GE(th));
		}
		push(m, work, rest | (pc + 1));
		break;
	case REGEX_BOL:
	case REGEX_EOL:
		if (op == REGEX_BOL ? pos == 0 : !RT_BYTE(m, s + pos))
			push(m, work, rest | (pc + 1));
		break;
	case REGEX_MATCH:
		matched(m, th, pos);
		break;
	default:
		n = (uint32_t)rt_got(m, NLIST);
		if (n < MAX_LIST) {
			RT_WORD(m, work + (rt_got(m, NNEXT) ? LIST_BYTES : 0) + 8 * n) = th;
			rt_put(m, NLIST, n + 1);
		}
	}
}

/* The position is done: the new threads become the current ones.  1: nothing can follow. */
RT_INLINE long advance(struct rt_mem *m, uint32_t s)
{
	uint32_t pos = (uint32_t)rt_got(m, POS);

	if (!RT_BYTE(m, s + pos) || pos + 1 >= NONE)
		return 1;
	if (!rt_got(m, NLIST) && rt_got(m, BEST) != -1)
		return 1;
	rt_put(m, POS, pos + 1);
	rt_put(m, LIST, rt_got(m, NLIST));
	rt_put(m, NLIST, 0);
	rt_put(m, NEXT, 0);
	rt_put(m, NNEXT, !rt_got(m, NNEXT));
	rt_put(m, MARK_LO, 0);
	rt_put(m, MARK_HI, 0);
	rt_put(m, SEEDED, 0);
	return 0;
}

long rt_groups_step(struct rt_mem *m, const struct regex_table *t, uint32_t s, uint32_t work)
{
	uint32_t sp, i;

	if (!m || !t)
		return 1;
	sp = (uint32_t)rt_got(m, STACK);
	i = (uint32_t)rt_got(m, NEXT);
	if (sp) {
		rt_put(m, STACK, sp - 1);
		enter(m, t, s, work, RT_WORD(m, work + 2 * LIST_BYTES + 8 * (sp - 1)));
		return 0;
	}
	if (i < (uint32_t)rt_got(m, LIST)) {
		uint64_t th = RT_WORD(m, work + (rt_got(m, NNEXT) ? 0 : LIST_BYTES) + 8 * i);
		uint32_t set = t->inst[T_PC(th)].x;
		uint8_t c = RT_BYTE(m, s + (uint32_t)rt_got(m, POS) - 1);

		rt_put(m, NEXT, i + 1);
		if (rt_got(m, BEST) != -1 && T_START(th) > T_START((uint64_t)rt_got(m, BEST)))
			return 0;
		if (t->set[set & (REGEX_TABLE_SETS - 1)][c >> 3] >> (c & 7) & 1)
			push(m, work, th + 1);
		return 0;
	}
	if (!rt_got(m, SEEDED) && rt_got(m, BEST) == -1) {
		rt_put(m, SEEDED, 1);
		push(m, work, THREAD(0, rt_got(m, POS), NONE, NONE));
		return 0;
	}
	return advance(m, s);
}

long rt_groups_end(struct rt_mem *m)
{
	uint64_t best;

	if (!m)
		return 0;
	best = (uint64_t)rt_got(m, BEST);
	m->arg[0] = m->arg[1] = 0;
	if (rt_got(m, BEST) == -1)
		return 0;
	if (rt_got(m, GROUP) == 0) {
		m->arg[0] = T_START(best);
		m->arg[1] = rt_got(m, BEST_END) - T_START(best);
	} else if (T_GS(best) != NONE && T_GE(best) != NONE && T_GE(best) >= T_GS(best)) {
		m->arg[0] = T_GS(best);
		m->arg[1] = (int64_t)T_GE(best) - T_GS(best);
	}
	return 1;
}
