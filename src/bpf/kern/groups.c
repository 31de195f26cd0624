/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of the leftmost match, the longest of those, by backtracking in priority order.  A state (instruction,
 * position) is entered once: whoever comes later has lower priority, and if no match
 * was found from it before none will be.
 */
#include "bpf/groups.h"
#include "bpf/kern/kern.h"

struct groups_ctx {
	struct rt_mem *m;
	const struct groups_prog *p;
	struct groups_search *s;
};

#define RESTORE		(1ull << 63)

RT_INLINE void push(struct groups_search *s, uint64_t entry)
{
	s->stack[s->sp & (GROUPS_STACK - 1)] = entry;
	s->sp++;
}

RT_INLINE void push_state(struct groups_search *s, uint64_t pc, uint64_t pos)
{
	push(s, pc | pos << 16);
}

RT_INLINE void keep_match(struct groups_search *s, int64_t pos)
{
	if (s->found && pos <= s->best[1])
		return;
	s->found = 1;
	for (int i = 0; i < GROUPS_SLOTS; i++)
		s->best[i] = s->cur[i];
	s->best[1] = pos;
}

/* Enters the next start of a match; 1: the search is over. */
RT_INLINE long next_start(struct groups_ctx *g)
{
	struct groups_search *s = g->s;

	if (s->found || (s->from && !RT_BYTE(g->m, s->text + s->from - 1)) || s->from >= g->p->npos)
		return 1;
	for (int i = 0; i < GROUPS_SLOTS; i++)
		s->cur[i] = -1;
	s->cur[0] = (int64_t)s->from;
	push_state(s, 0, s->from);
	s->from++;
	return 0;
}

RT_INLINE void enter(struct groups_ctx *g, uint64_t pc, uint64_t pos)
{
	struct groups_search *s = g->s;
	uint64_t bit = pc * g->p->npos + pos, x, y, op;
	uint8_t c;

	if (pos >= g->p->npos || s->visited[(bit >> 6) & (GROUPS_VISITED / 8 - 1)] >> (bit & 63) & 1)
		return;
	s->visited[(bit >> 6) & (GROUPS_VISITED / 8 - 1)] |= 1ull << (bit & 63);
	op = g->p->inst[pc & (GROUPS_INSTS - 1)].op;
	x = g->p->inst[pc & (GROUPS_INSTS - 1)].x;
	y = g->p->inst[pc & (GROUPS_INSTS - 1)].y;
	c = RT_BYTE(g->m, s->text + pos);
	if (op == GROUPS_JMP) {
		push_state(s, x, pos);
	} else if (op == GROUPS_SPLIT) {
		push_state(s, y, pos);
		push_state(s, x, pos);
	} else if (op == GROUPS_SAVE) {
		push(s, RESTORE | (x & (GROUPS_SLOTS - 1)) << 32 |
			(uint32_t)s->cur[x & (GROUPS_SLOTS - 1)]);
		s->cur[x & (GROUPS_SLOTS - 1)] = (int64_t)pos;
		push_state(s, pc + 1, pos);
	} else if (op == GROUPS_MATCH) {
		keep_match(s, (int64_t)pos);
	} else if (op == GROUPS_SET) {
		if (c && g->p->set[x & (GROUPS_SETS - 1)][(c >> 6) & 3] >> (c & 63) & 1)
			push_state(s, pc + 1, pos + 1);
	} else if (op == GROUPS_BOL ? !pos : !c) {
		push_state(s, pc + 1, pos);
	}
}

static long groups_step(uint32_t i, void *ctx)
{
	struct groups_ctx *g = ctx;
	struct groups_search *s = g->s;
	uint64_t e;

	if (!s->sp)
		return next_start(g);
	if (s->sp > GROUPS_STACK)
		return 1;
	s->sp--;
	/* reloaded, or the compiler, which knows better, leaves the mask out, and 6.1 sees no lower bound */
	e = s->stack[*(volatile uint64_t *)&s->sp & (GROUPS_STACK - 1)];
	if (e & RESTORE)
		s->cur[(e >> 32) & (GROUPS_SLOTS - 1)] = (int32_t)e;
	else
		enter(g, e & 0xffff, (e >> 16) & 0xffff);
	return 0;
}

static long clear_step(uint32_t i, void *ctx)
{
	struct groups_ctx *g = ctx;

	g->s->visited[i & (GROUPS_VISITED / 8 - 1)] = 0;
	return 0;
}

/* Puts group n of the match in the text at `text` into arg[0] (start) and arg[1] (length, 0: no such text). */
long bk_groups(struct rt_mem *m, const struct groups_prog *p, struct groups_search *s, uint32_t text,
	       uint64_t n)
{
	struct groups_ctx g = { m, p, s };

	if (!m || !p || !s)
		return 0;
	s->from = s->sp = s->found = 0;
	s->text = text;
	bpf_loop(GROUPS_VISITED / 8, clear_step, &g, 0);
	bpf_loop(1 << 22, groups_step, &g, 0);
	m->arg[0] = m->arg[1] = 0;
	n = (2 * n) & (GROUPS_SLOTS - 2);
	if (!s->found || s->best[n] < 0 || s->best[n + 1] < s->best[n])
		return 0;
	m->arg[0] = s->best[n];
	m->arg[1] = s->best[n + 1] - s->best[n];
	return 1;
}
