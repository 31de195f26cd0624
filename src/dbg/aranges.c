/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * .debug_aranges: which unit covers which address, as the compiler summed it up.  Optional, and not to be
 * trusted for what it lacks: an address that is not in it is looked for in the units themselves.
 */
#include <stdlib.h>

#include "base/ds.h"
#include "dbg/priv.h"

static int cmp_range(const void *a, const void *b)
{
	const struct index_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* One set: the header of a unit and its ranges. */
static void read_set(struct dbg_module *m, struct dbg_cur c, unsigned off_size, uint64_t start,
		     struct index_range **out)
{
	unsigned version = cur_u16(&c), addr_size, segment_size;
	struct dw_unit *u = dw_unit_of(m->dw, DW_HANDLE(DW_IN_INFO, cur_uint(&c, off_size) & ~(UINT64_C(3) << 62)));
	uint64_t head = 2 + off_size + 2 + start;

	addr_size = cur_u8(&c);
	segment_size = cur_u8(&c);
	if (c.bad || version != 2 || addr_size != 8 || segment_size || !u)
		return;
	cur_skip(&c, -head & (2 * addr_size - 1));
	while (cur_left(&c) >= 2 * addr_size) {
		uint64_t lo = cur_u64(&c), len = cur_u64(&c);

		if (lo && len && lo + len > lo)
			arrput(*out, ((struct index_range){ lo, lo + len, u }));
	}
}

/* stb_ds array, sorted. */
static struct index_range *read_all(struct dbg_module *m)
{
	struct dbg_cur c = cur_at(elffile_named(m->debug ? m->debug : m->elf, ".debug_aranges"), 0);
	struct index_range *list = NULL;

	while (cur_left(&c) > 12) {
		uint64_t len = cur_u32(&c);
		unsigned off_size = 4;

		if (len == 0xffffffff) {
			len = cur_u64(&c);
			off_size = 8;
		}
		if (c.bad || len > cur_left(&c))
			break;
		read_set(m, cur_of(c.p, len), off_size, off_size == 8 ? 12 : 4, &list);
		c.p += len;
	}
	if (list)
		qsort(list, arrlenu(list), sizeof(*list), cmp_range);
	return list;
}

struct dw_unit *aranges_unit(struct dbg_module *m, uint64_t pc)
{
	size_t lo = 0, hi;

	if (!m->aranges_read) {
		m->aranges_read = true;
		m->aranges = read_all(m);
	}
	for (hi = arrlenu(m->aranges); lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->aranges[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && pc < m->aranges[lo - 1].hi ? m->aranges[lo - 1].u : NULL;
}
