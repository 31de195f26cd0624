/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DFA of a regular expression by subset construction over byte classes, and the
 * search for groups by simulating the program's threads in priority order.
 */
#include "ir/regex.h"

#include <errno.h>
#include <string.h>

#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "ir/regex_prog.h"

#define MAX_WORK	100000000ull	/* some tenths of a second */

/* A set of instructions: only RE_SET and RE_EOL ones stay after the closure. */
struct pcset {
	uint32_t *pcs;		/* stb_ds array, sorted */
	bool match;
};

struct builder {
	const struct re_prog *prog;
	struct ir_dfa *dfa;
	uint32_t **states;	/* stb_ds: the pcs of each state, from 2 on */
	uint16_t *next;		/* stb_ds */
	uint32_t *mark, round;	/* per instruction: the last closure that had it */
	uint64_t work;		/* instructions visited so far */
	uint32_t *stack;
	struct { uint64_t key; uint32_t value; } *seen;	/* hash -> last state of that hash */
	uint32_t *chain;	/* previous state of the same hash */
};

/* Adds the closure of `pc`; `bol`, `eol`: is this the text's begin, end? */
static void closure_add(struct builder *b, struct pcset *set, uint32_t start, bool bol, bool eol)
{
	arrput(b->stack, start);
	while (arrlenu(b->stack)) {
		uint32_t pc = arrpop(b->stack);
		const struct re_inst *in = &b->prog->insts[pc];

		b->work++;
		if (b->mark[pc] == b->round)
			continue;
		b->mark[pc] = b->round;
		switch (in->op) {
		case RE_SET:
			arrput(set->pcs, pc);
			break;
		case RE_EOL:
			if (eol)
				arrput(b->stack, pc + 1);
			else
				arrput(set->pcs, pc);
			break;
		case RE_BOL:
			if (bol)
				arrput(b->stack, pc + 1);
			break;
		case RE_SAVE:
			arrput(b->stack, pc + 1);
			break;
		case RE_SPLIT:
			arrput(b->stack, in->y);
			arrput(b->stack, in->x);
			break;
		case RE_JMP:
			arrput(b->stack, in->x);
			break;
		case RE_MATCH:
			set->match = true;
			break;
		}
	}
}

static int pc_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The state of this set, made if it is new; UINT32_MAX: too many. Takes the set's memory. */
static uint32_t state_of(struct builder *b, struct pcset *set)
{
	uint64_t hash = HASH64;
	size_t n = arrlenu(set->pcs);
	uint32_t found = UINT32_MAX;
	ptrdiff_t slot;

	if (set->match || !n) {
		arrfree(set->pcs);
		return set->match ? IR_DFA_MATCH : IR_DFA_DEAD;
	}
	qsort(set->pcs, n, sizeof(*set->pcs), pc_cmp);
	for (size_t i = 0; i < n; i++)
		hash = hash64_add(hash, set->pcs[i]);
	slot = hmgeti(b->seen, hash);
	for (found = slot >= 0 ? b->seen[slot].value : UINT32_MAX; found != UINT32_MAX;
	     found = b->chain[found])
		if (arrlenu(b->states[found]) == n &&
		    memcmp(b->states[found], set->pcs, n * sizeof(*set->pcs)) == 0) {
			arrfree(set->pcs);
			return found;
		}
	found = (uint32_t)arrlenu(b->states);
	if (found >= IR_DFA_MAX_STATES) {
		arrfree(set->pcs);
		return UINT32_MAX;
	}
	arrput(b->states, set->pcs);
	arrput(b->chain, slot >= 0 ? b->seen[slot].value : UINT32_MAX);
	hmput(b->seen, hash, found);
	return found;
}

static void build_classes(struct builder *b)
{
	struct ir_dfa *d = b->dfa;
	uint32_t n = 2;

	/* class 0 is NUL alone, class 1 the others, split by each set in turn */
	for (int c = 1; c < 256; c++)
		d->class_of[c] = 1;
	for (size_t i = 0; i < arrlenu(b->prog->sets); i++) {
		int inside[256], outside[256];

		memset(inside, -1, sizeof(inside));
		memset(outside, -1, sizeof(outside));
		for (int c = 1; c < 256; c++) {
			bool in = re_set_has(&b->prog->sets[i], (unsigned char)c);
			int *side = in ? inside : outside, *other = in ? outside : inside;
			int old = d->class_of[c];

			if (side[old] < 0)
				side[old] = other[old] < 0 ? old : (int)n++;
			d->class_of[c] = (uint8_t)side[old];
		}
	}
	d->nclasses = n;
}

/* Where state `s` goes on a byte of class `cls` (`c` is one of its bytes). */
static uint32_t step(struct builder *b, uint32_t s, unsigned char c, bool start)
{
	struct pcset set = { 0 };
	const uint32_t *pcs = b->states[s];

	b->round++;
	b->work += arrlenu(pcs);
	for (size_t i = 0; i < arrlenu(pcs); i++) {
		const struct re_inst *in = &b->prog->insts[pcs[i]];

		if (!c && in->op == RE_EOL)
			closure_add(b, &set, pcs[i], start, true);
		else if (c && in->op == RE_SET && re_set_has(&b->prog->sets[in->x], c))
			closure_add(b, &set, pcs[i] + 1, false, false);
	}
	if (!c) {
		arrfree(set.pcs);
		return set.match ? IR_DFA_MATCH : IR_DFA_DEAD;
	}
	closure_add(b, &set, 0, false, false);
	return state_of(b, &set);
}

static int build_states(struct builder *b)
{
	struct ir_dfa *d = b->dfa;
	unsigned char sample[256] = { 0 };
	struct pcset set = { 0 };

	for (int c = 255; c >= 0; c--)
		sample[d->class_of[c]] = (unsigned char)c;
	for (int i = 0; i < 2; i++) {
		arrput(b->states, NULL);
		arrput(b->chain, UINT32_MAX);
	}
	b->round = 1;
	closure_add(b, &set, 0, true, false);
	d->start = state_of(b, &set);
	for (uint32_t s = 0; s < arrlenu(b->states); s++)
		for (uint32_t k = 0; k < d->nclasses; k++) {
			uint32_t to = s < 2 ? s : step(b, s, sample[k], s == d->start);

			if (to == UINT32_MAX || b->work > MAX_WORK)
				return -ENOSPC;
			arrput(b->next, (uint16_t)to);
		}
	d->nstates = (uint32_t)arrlenu(b->states);
	return 0;
}

int ir_regex_compile(struct ir_module *m, struct ir_regex *re, const char **err)
{
	const struct re_prog *prog = re_prog_parse(m->arena, re->text, err);
	struct builder b = { .prog = prog };
	int rc;

	if (!prog)
		return -EINVAL;
	b.dfa = arena_new(m->arena, struct ir_dfa);
	b.dfa->ngroups = prog->ngroups;
	b.dfa->prog = prog;
	b.mark = xcalloc(arrlenu(prog->insts), sizeof(*b.mark));
	build_classes(&b);
	rc = build_states(&b);
	if (!rc)
		b.dfa->next = arena_memdup(m->arena, b.next, arrlenu(b.next) * sizeof(*b.next));
	for (size_t i = 0; i < arrlenu(b.states); i++)
		arrfree(b.states[i]);
	arrfree(b.states);
	arrfree(b.next);
	arrfree(b.stack);
	arrfree(b.chain);
	hmfree(b.seen);
	free(b.mark);
	if (rc) {
		*err = "regex compilation error: expression too complex";
		return -EINVAL;
	}
	re->dfa = b.dfa;
	return 0;
}

uint32_t ir_regex_add(struct ir_module *m, const char *text, const struct span *at)
{
	struct ir_regex *re;

	for (uint32_t i = 0; i < arrlenu(m->regexes); i++)
		if (strcmp(m->regexes[i]->text, text) == 0)
			return i;
	re = arena_new(m->arena, struct ir_regex);
	re->text = arena_strdup(m->arena, text);
	if (at)
		re->at = *at;
	arrput(m->regexes, re);
	return (uint32_t)arrlenu(m->regexes) - 1;
}

bool ir_dfa_match(const struct ir_dfa *d, const char *s)
{
	uint32_t state = d->start;

	for (;; s++) {
		if (state < 2)
			return state == IR_DFA_MATCH;
		state = d->next[state * d->nclasses + d->class_of[(unsigned char)*s]];
		if (!*s)
			return state == IR_DFA_MATCH;
	}
}

/* Threads of the group search: a list in priority order, at most one per instruction. */
struct thread {
	uint32_t pc;
	int32_t slot[IR_REGEX_MAX_GROUPS * 2];
};

struct search {
	const struct re_prog *prog;
	struct thread *list, *nlist;	/* stb_ds */
	uint8_t *mark;
	struct undo { uint32_t pc; int32_t slot, old; } *stack;	/* slot >= 0: restore */
	const char *text;
};

static void add_thread(struct search *s, struct thread **list, uint32_t start, const int32_t *slots,
		       int32_t pos)
{
	struct thread t = { .pc = start };

	memcpy(t.slot, slots, sizeof(t.slot));
	arrput(s->stack, ((struct undo){ start, -1, 0 }));
	while (arrlenu(s->stack)) {
		struct undo u = arrpop(s->stack);
		const struct re_inst *in;

		if (u.slot >= 0) {
			t.slot[u.slot] = u.old;
			continue;
		}
		if (s->mark[u.pc])
			continue;
		s->mark[u.pc] = 1;
		in = &s->prog->insts[u.pc];
		switch (in->op) {
		case RE_JMP:
			arrput(s->stack, ((struct undo){ in->x, -1, 0 }));
			break;
		case RE_SPLIT:
			arrput(s->stack, ((struct undo){ in->y, -1, 0 }));
			arrput(s->stack, ((struct undo){ in->x, -1, 0 }));
			break;
		case RE_SAVE:
			arrput(s->stack, ((struct undo){ 0, (int32_t)in->x, t.slot[in->x] }));
			t.slot[in->x] = pos;
			arrput(s->stack, ((struct undo){ u.pc + 1, -1, 0 }));
			break;
		case RE_BOL:
		case RE_EOL:
			if (in->op == RE_BOL ? pos == 0 : !s->text[pos])
				arrput(s->stack, ((struct undo){ u.pc + 1, -1, 0 }));
			break;
		case RE_SET:
		case RE_MATCH:
			t.pc = u.pc;
			arrput(*list, t);
			break;
		}
	}
}

/* The longest match that starts at `from`; among equals the first by priority. */
static bool search_at(struct search *s, int32_t from, int32_t *best)
{
	int32_t none[IR_REGEX_MAX_GROUPS * 2];
	size_t ninst = arrlenu(s->prog->insts);
	bool found = false;

	memset(none, -1, sizeof(none));
	none[0] = from;
	memset(s->mark, 0, ninst);
	arrsetlen(s->list, 0);
	add_thread(s, &s->list, 0, none, from);
	for (int32_t pos = from; arrlenu(s->list); pos++) {
		struct thread *swap;
		unsigned char c = (unsigned char)s->text[pos];
		bool here = false;

		memset(s->mark, 0, ninst);
		arrsetlen(s->nlist, 0);
		for (size_t i = 0; i < arrlenu(s->list); i++) {
			const struct re_inst *in = &s->prog->insts[s->list[i].pc];

			if (in->op == RE_MATCH && !here) {
				memcpy(best, s->list[i].slot, sizeof(none));
				best[1] = pos;
				found = here = true;
			} else if (c && in->op == RE_SET && re_set_has(&s->prog->sets[in->x], c)) {
				add_thread(s, &s->nlist, s->list[i].pc + 1, s->list[i].slot, pos + 1);
			}
		}
		swap = s->list;
		s->list = s->nlist;
		s->nlist = swap;
		if (!c)
			break;
	}
	return found;
}

bool ir_regex_groups(const struct ir_dfa *d, const char *text, int32_t (*group)[2])
{
	struct search s = { .prog = d->prog, .text = text };
	int32_t best[IR_REGEX_MAX_GROUPS * 2];
	bool found = false;

	s.mark = xcalloc(arrlenu(s.prog->insts), 1);
	for (int32_t from = 0; !found; from++) {
		found = search_at(&s, from, best);
		if (!text[from])
			break;
	}
	for (uint32_t i = 0; found && i < d->ngroups; i++) {
		group[i][0] = best[i * 2];
		group[i][1] = best[i * 2 + 1];
	}
	free(s.mark);
	arrfree(s.list);
	arrfree(s.nlist);
	arrfree(s.stack);
	return found;
}
