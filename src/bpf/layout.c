/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placement of globals: see layout.h. */
#include "bpf/layout.h"

#include <string.h>

#include "base/ds.h"
#include "ir/store.h"

static void place_array(struct layout *lo, const struct ir_global *g, struct global_place *pl)
{
	for (uint32_t k = 0; k < g->nkeys; k++) {
		pl->key_off[k] = pl->key_size;
		pl->key_size += g->key_type[k] == IR_STR ? round8(g->key_bound[k]) : 8;
	}
	pl->map = lo->nmaps++;
	pl->value_size = 8;
	if (g->type == IR_STAT)
		pl->value_size += pl->stat_stride * lo->ncpu;
	else if (g->type == IR_STR)
		pl->value_size += round8(g->bound);
	else
		pl->value_size += 8;
	if (g->wrap) {
		pl->order_map = lo->nmaps++;
		pl->order_cap = pow2_ceil(2 * g->max_entries);
	}
}

static void place_global(struct layout *lo, const struct ir_global *g)
{
	struct global_place pl = { .line = lo->vars_size };

	lo->vars_size += LINE_SIZE;
	if (g->type == IR_STAT) {
		pl.nbuckets = ir_hist_buckets(g);
		pl.stat_stride = (uint32_t)(ir_stat_size(g) + 63) & ~63u;
	}
	if (g->is_array) {
		place_array(lo, g, &pl);
	} else if (g->type == IR_STAT) {
		pl.stat = lo->vars_size;
		lo->vars_size += pl.stat_stride * lo->ncpu_pow2;
	} else if (g->type == IR_STR) {
		pl.str = lo->vars_size;
		lo->vars_size += (round8(g->bound) + 63) & ~63u;
	}
	if (g->is_array || g->type == IR_STAT) {
		pl.tmpl = lo->vars_size;
		lo->vars_size += g->is_array ? (pl.value_size + 63) & ~63u :
					       pl.stat_stride * lo->ncpu_pow2;
	}
	arrput(lo->globals, pl);
}

static void place_points(struct layout *lo, const struct program *p)
{
	uint32_t off = LAYOUT_POINT_STRS;
	size_t longest = 1;

	for (ptrdiff_t i = 0; i < arrlen(p->points); i++) {
		for (int k = 0; k < IR_PP_COUNT; k++)
			if (p->points[i].str[k] && strlen(p->points[i].str[k]) + 1 > longest)
				longest = strlen(p->points[i].str[k]) + 1;
		if (arrlen(p->points[i].ints) > lo->npoint_ints)
			lo->npoint_ints = (uint32_t)arrlen(p->points[i].ints);
	}
	if (longest > p->ir->maxstr)
		longest = p->ir->maxstr;
	lo->points_bound = round8((uint32_t)longest);
	for (int k = 0; k < IR_PP_COUNT; k++, off += lo->points_bound)
		lo->points_str[k] = off;
	lo->points_int = off;
	lo->points_stride = off + 8 * lo->npoint_ints;
}

void layout_init(struct layout *lo, const struct program *p, unsigned ncpu)
{
	*lo = (struct layout){ .ncpu = ncpu, .ncpu_pow2 = pow2_ceil(ncpu), .nmaps = MAP_ARRAYS };
	lo->vars_size = VARS_CPU + 64 * lo->ncpu_pow2;
	for (ptrdiff_t i = 0; i < arrlen(p->ir->globals); i++)
		place_global(lo, p->ir->globals[i]);
	for (ptrdiff_t i = 0; i < arrlen(p->ir->regexes); i++) {
		arrput(lo->regex_map, lo->nmaps++);
		arrput(lo->groups_map, lo->nmaps++);
	}
	if (ncpu <= LAYOUT_DIRECT_RINGS) {
		lo->ring_map = lo->nmaps;
		lo->nmaps += ncpu;
	}
	lo->counters = lo->vars_size;
	lo->vars_size += (uint32_t)arrlen(p->points) * WCNT_COUNT * 8;
	lo->bundle_numbers = lo->vars_size;
	lo->vars_size += round8(2 * (uint32_t)arrlen(p->points));
	lo->vars_size = (lo->vars_size + 4095) & ~4095u;
	place_points(lo, p);
}

void layout_fini(struct layout *lo)
{
	arrfree(lo->globals);
	arrfree(lo->regex_map);
	arrfree(lo->groups_map);
}
