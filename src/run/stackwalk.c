/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwinding a copied stack, frame by frame: the module under the pc gives the rules,
 * memory comes from the copy, else from the process itself if it still lives, else from the
 * file (constant data).
 */
#include "run/stackwalk.h"

#include <string.h>
#include <sys/uio.h>

#include "dbg/unwind.h"

struct walk {
	struct run_symb *sy;
	const struct run_stack *st;
};

/* Bytes of the file mapped at addr. */
static bool walk_read_file(struct walk *w, uint64_t addr, void *buf, size_t len)
{
	struct run_query q = { .tgid = w->st->tgid, .addr = addr, .when = w->st->when };
	struct run_place p;
	const uint8_t *bytes;

	if (!run_symb_user(w->sy, &q, &p) || !p.module)
		return false;
	bytes = dbg_module_bytes(p.module, p.link, len);
	if (bytes)
		memcpy(buf, bytes, len);
	return bytes != NULL;
}

static bool walk_read(void *data, uint64_t addr, void *buf, size_t len)
{
	struct walk *w = data;
	uint64_t base = w->st->reg[DBG_RSP];
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = len };

	if (addr >= base && len <= w->st->copy_len && addr - base <= w->st->copy_len - len) {
		memcpy(buf, w->st->copy + (addr - base), len);
		return true;
	}
	if (process_vm_readv(w->st->tgid, &local, 1, &remote, 1, 0) == (ssize_t)len)
		return true;
	return walk_read_file(w, addr, buf, len);
}

/* The pc of the caller, were its return address not replaced by a return probe's. */
static uint64_t walk_original(const struct run_stack *st, uint64_t rsp, uint64_t pc)
{
	for (size_t i = 0; i < st->nreturns; i++) {
		uint64_t pair[2];

		memcpy(pair, st->returns + i * sizeof(pair), sizeof(pair));
		if (pair[0] == rsp - sizeof(uint64_t))
			return pair[1];
	}
	return pc;
}

size_t run_walk(struct run_symb *sy, const struct run_stack *st, uint64_t *pc, size_t max)
{
	struct walk w = { .sy = sy, .st = st };
	struct dbg_regs regs = { .valid = (1u << DBG_NREGS) - 1 };
	bool exact = true;
	size_t n = 0;

	for (int i = 0; i < DBG_NREGS; i++)
		regs.r[i] = st->reg[i];
	pc[n++] = regs.r[DBG_RIP];
	while (n < max) {
		struct run_query q = { .tgid = st->tgid, .addr = regs.r[DBG_RIP], .when = st->when,
				       .caller = !exact };
		struct run_place p;

		if (!run_symb_user(sy, &q, &p) || !p.module)
			break;
		if (dbg_unwind_step(p.module, p.bias, &regs, &exact, walk_read, &w, NULL) != 1 ||
		    !regs.r[DBG_RIP])
			break;
		regs.r[DBG_RIP] = walk_original(st, regs.r[DBG_RSP], regs.r[DBG_RIP]);
		pc[n++] = regs.r[DBG_RIP];
	}
	return n;
}
