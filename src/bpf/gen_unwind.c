/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks of user stacks: the call of the routine, and the kernel's offsets that it is linked with. */
#include "bpf/gen.h"

#include <limits.h>

#include "bpf/kernel.h"
#include "bpf/unwind_state.h"

struct offset {
	const char *symbol, *type, *member;
};

#define OFFSET(name, type, member) { "bk_" #name, type, member },
static const struct offset offsets[] = { UNWIND_OFFSETS(OFFSET) };
static const struct offset near_offsets[] = { UNWIND_NEAR_OFFSETS(OFFSET) };
static const struct offset return_offsets[] = { UNWIND_RETURN_OFFSETS(OFFSET) };
#undef OFFSET

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define OTHERS		8	/* values besides offsets */
_Static_assert(COUNT(offsets) + COUNT(near_offsets) + COUNT(return_offsets) + OTHERS <= UNWIND_VALUES,
	       "too few values");

static bool all_there(const struct offset *o, size_t n, int max)
{
	for (size_t i = 0; i < n; i++) {
		int off = kernel_offset(o[i].type, o[i].member);

		if (off < 0 || off > max)
			return false;
	}
	return true;
}

static struct mem field(const struct gen *g, size_t off)
{
	return (struct mem){ .off = g->unwind.off + (int32_t)off };
}

bool gen_unwind_possible(void)
{
	static signed char known;	/* 1 yes, -1 no */

	if (!known)
		known = all_there(offsets, COUNT(offsets), INT_MAX) &&
			all_there(near_offsets, COUNT(near_offsets), UNWIND_BLOCK - 8) ? 1 : -1;
	return known > 0;
}

bool gen_unwind_state(struct gen *g)
{
	gen_need_slot(g);
	if (!gen_unwind_possible())
		return false;
	if (!g->unwind.off)
		g->unwind = gen_alloc(g, sizeof(struct unwind_state));
	return true;
}

bool gen_unwind_prepare(struct gen *g)
{
	if (!gen_unwind_state(g))
		return false;
	gen_sti(g, field(g, offsetof(struct unwind_state, done)), 0);
	return true;
}

void gen_unwind(struct gen *g)
{
	em_label done = em_new_label(&g->em);

	if (!g->unwind.off)
		return;
	gen_ld(g, R0, field(g, offsetof(struct unwind_state, done)));
	em_jcci(&g->em, BPF_JNE, R0, 0, done);
	gen_routine(g, ROUTINE_bk_unwind);
	em_bind(&g->em, done);
}

static struct routine_value *add(struct routine_value *v, const char *name, int kind, uint64_t value)
{
	*v = (struct routine_value){ name, kind, value };
	return v + 1;
}

static struct routine_value *add_offsets(struct routine_value *v, const struct offset *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int off = kernel_offset(o[i].type, o[i].member);

		v = add(v, o[i].symbol, ROUTINE_NUMBER, off < 0 ? 0 : (uint64_t)off);
	}
	return v;
}

struct routine_value *gen_unwind_values(struct gen *g, struct routine_value *v)
{
	if (g->unwind.off) {
		v = add_offsets(v, offsets, COUNT(offsets));
		v = add_offsets(v, near_offsets, COUNT(near_offsets));
		v = add_offsets(v, return_offsets, COUNT(return_offsets));
		v = add(v, "bk_unwind_return", ROUTINE_NUMBER,
			all_there(return_offsets, COUNT(return_offsets), INT_MAX));
		v = add(v, "bk_unwind_at", ROUTINE_NUMBER, (uint64_t)g->unwind.off);
		v = add(v, "bk_unwind_max", ROUTINE_NUMBER, 8 * (uint64_t)g->u->max_frames);
		v = add(v, "bk_unwind_mask", ROUTINE_NUMBER, g->u->unwind_rows - 1);
		v = add(v, "bk_sleepable", ROUTINE_NUMBER, g->sleepable);
		v = add(v, "bk_copy_from_user", ROUTINE_HELPER,
			g->sleepable ? BPF_FUNC_copy_from_user : BPF_FUNC_probe_read_user);
		v = add(v, "bk_unwind_table", ROUTINE_MAP_DATA, MAP_UNWIND);
		v = add(v, "bk_unwind_modules", ROUTINE_MAP, MAP_UNWIND_MODULES);
		v = add(v, "bk_unwind_unknown", ROUTINE_MAP, MAP_UNWIND_UNKNOWN);
	}
	v->name = NULL;
	return v;
}
