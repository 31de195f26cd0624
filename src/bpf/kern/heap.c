/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements collected for a foreach as a heap, least first by (key, seq).  For text, key is its first
 * eight bytes; when these are equal the whole texts are compared.
 *
 * bk_cap_mask stands for the number of elements a collection can hold, a power of two, less 1: the
 * linker puts the value in.
 */
#include "bpf/kern/kern.h"

#define LEVELS	24

extern const char bk_cap_mask[];
#define CAP_MASK	((uint64_t)bk_cap_mask)
#define ELEM(c, i)	((c)->e[(i) & CAP_MASK])

/* Order of the texts of elements i and j: <0, 0, >0. */
__attribute__((noinline)) long bk_text_order(struct coll *c, uint32_t i, uint32_t j)
{
	uint64_t a, b;

	if (!c)
		return 0;
	a = (c->in_value ? ELEM(c, i).vaddr : ELEM(c, i).kaddr) + c->str_off;
	b = (c->in_value ? ELEM(c, j).vaddr : ELEM(c, j).kaddr) + c->str_off;
	for (uint32_t k = 0; k < RT_STR_MAX; k += 8) {
		uint64_t x = 0, y = 0, z;

		if (k >= c->str_len)
			break;
		bpf_probe_read_kernel(&x, 8, (void *)(a + k));
		bpf_probe_read_kernel(&y, 8, (void *)(b + k));
		z = rt_zeros(x);
		if (x == y && !z)
			continue;
		z &= 0 - z;
		if (z) {
			x &= z | (z - 1);
			y &= z | (z - 1);
		}
		x = __builtin_bswap64(x);
		y = __builtin_bswap64(y);
		if (c->desc)
			return x > y ? -1 : x < y;
		return x < y ? -1 : x > y;
	}
	return 0;
}

RT_INLINE int before(struct coll *c, uint32_t i, uint32_t j, int text)
{
	if (ELEM(c, i).key != ELEM(c, j).key)
		return ELEM(c, i).key < ELEM(c, j).key;
	if (text) {
		long o = bk_text_order(c, i, j);

		if (o)
			return o < 0;
	}
	return ELEM(c, i).seq < ELEM(c, j).seq;
}

RT_INLINE void move(struct coll_elem *to, const struct coll_elem *from)
{
	to->key = from->key;
	to->seq = from->seq;
	to->kaddr = from->kaddr;
	to->vaddr = from->vaddr;
}

/* Lets element c->root sink to its place. */
RT_INLINE void sink(struct coll *c, int text)
{
	for (int level = 0; level < LEVELS; level++) {
		uint64_t root = c->root, child = 2 * root + 1;

		if (child >= c->n)
			break;
		c->child = child;
		if (child + 1 < c->n && before(c, child + 1, child, text))
			c->child = child + 1;
		if (!before(c, c->child, root, text))
			break;
		move(&c->tmp, &ELEM(c, root));
		move(&ELEM(c, root), &ELEM(c, c->child));
		move(&ELEM(c, c->child), &c->tmp);
		c->root = c->child;
	}
}

RT_INLINE long pop(struct coll *c, int text)
{
	if (!c->n)
		return 0;
	move(&c->cur, &ELEM(c, 0));
	c->n--;
	move(&ELEM(c, 0), &ELEM(c, c->n));
	c->root = 0;
	sink(c, text);
	return 1;
}

static long heap_step(uint32_t i, void *ctx)
{
	struct coll *c = *(struct coll **)ctx;

	c->root = c->n / 2 - 1 - i;
	sink(c, 0);
	return 0;
}

static long heap_step_str(uint32_t i, void *ctx)
{
	struct coll *c = *(struct coll **)ctx;

	c->root = c->n / 2 - 1 - i;
	sink(c, 1);
	return 0;
}

/* Makes the collected elements a heap. */
long bk_heap(struct coll *c)
{
	struct coll *ctx = c;

	if (!c)
		return 0;
	bpf_loop((uint32_t)(c->n / 2), heap_step, &ctx, 0);
	return 0;
}

long bk_heap_str(struct coll *c)
{
	struct coll *ctx = c;

	if (!c)
		return 0;
	bpf_loop((uint32_t)(c->n / 2), heap_step_str, &ctx, 0);
	return 0;
}

/* Takes the least element out, to c->cur; 0: there is none. */
long bk_pop(struct coll *c)
{
	if (!c)
		return 0;
	return pop(c, 0);
}

long bk_pop_str(struct coll *c)
{
	if (!c)
		return 0;
	return pop(c, 1);
}
