/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables of netfilter hooks: the packet, its devices and the hook's number out of the hook's state, and
 * the verdict, which a handler that the hook itself runs can set.
 */
#include <string.h>

#include "sema/target_access.h"

/* Arguments of the handler by how it is reached: the link's context, or the function that runs a chain. */
static uint32_t argument_of(const struct probe_point *pt, bool state)
{
	if (pt->kind == PROG_NETFILTER)
		return state ? 0 : 1;
	return state ? 2 : 1;
}

static struct target_access *handler_argument(struct target_binder *b, bool state)
{
	const struct probe_point *pt = b->c->point;
	struct target_access *a = access_new(b, ACCESS_FETCH);

	a->base = BASE_ARG;
	a->module = pt->module;
	a->kernel = true;
	a->arg = argument_of(pt, state);
	a->ctype = pt->params[state ? PROBE_NETFILTER_STATE : PROBE_NETFILTER_SKB].type;
	return a;
}

static struct target_access *state_member(struct target_binder *b, const char *name)
{
	struct target_access *a = handler_argument(b, true);
	const struct dbg_type *state = dbg_type_complete(dbg_type_target(dbg_type_strip(a->ctype)));
	struct dbg_member m;

	if (!dbg_type_member(state, name, &m) || m.bit_size)
		return access_fail(b, "hook-state", &b->e->at, "the kernel's struct nf_hook_state has no '%s'", name);
	access_step(b, a, STEP_DEREF, 0);
	access_step(b, a, STEP_OFFSET, (int64_t)(m.bit_offset / 8));
	a->ctype = m.type;
	return a;
}

static struct target_access *verdict(struct target_binder *b, unsigned use)
{
	struct target_access *a;

	if ((use & TARGET_WRITE) && !b->c->ps->guru)
		return access_fail(b, "write-verdict", &b->e->at, "write to netfilter verdict requires guru mode; need "
				   "stap -g");
	if (b->c->point->kind != PROG_NETFILTER)
		return access_fail(b, "no-verdict", &b->e->at, "netfilter hooks of this protocol family can only be "
				   "watched on this kernel: it has no eBPF links for them, which the verdict needs");
	if (b->e->target->naccesses)
		return access_fail(b, "invalid-access", &b->e->at, "the netfilter verdict is a number");
	a = access_new(b, ACCESS_FETCH);
	a->base = BASE_VERDICT;
	a->size = 8;
	return a;
}

struct target_access *target_netfilter_bind(struct target_binder *b, const char *name, unsigned use)
{
	static const struct { const char *name, *member; } of_state[] = {
		{ "in", "in" }, { "out", "out" }, { "hooknum", "hook" },
	};
	struct target_access *a = NULL;

	if (b->e->target->addressof && !b->e->target->naccesses)
		return access_fail(b, "netfilter-address", &b->e->at, "cannot take address of netfilter hook context "
				   "variable");
	if (!strcmp(name, "verdict"))
		return verdict(b, use);
	if (use & TARGET_WRITE)
		return access_fail(b, "write-netfilter", &b->e->at, "write to netfilter parameter not permitted");
	if (!strcmp(name, "skb"))
		a = handler_argument(b, false);
	for (size_t i = 0; i < sizeof(of_state) / sizeof(of_state[0]); i++)
		if (!strcmp(name, of_state[i].name))
			a = state_member(b, of_state[i].member);
	if (!a)
		return access_fail(b, "no-variable", &b->e->at, "unsupported context variable");
	return target_finish(b, a, a->ctype, false, use);
}
