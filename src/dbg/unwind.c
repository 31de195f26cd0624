/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of unwinding by the rules of a row.
 *
 * What CFI does not say: registers never mentioned are taken as unchanged, as debuggers do;
 * the caller's stack pointer is the CFA unless a rule says otherwise.
 */
#include "dbg/unwind.h"

#include "dbg/module.h"

struct step {
	const struct dbg_regs *regs;
	dbg_read_fn read;
	void *data;
};

static bool step_reg(void *data, int reg, uint64_t *v)
{
	const struct step *s = data;

	if (reg < 0 || reg >= DBG_NREGS || !(s->regs->valid & (1u << reg)))
		return false;
	*v = s->regs->r[reg];
	return true;
}

static bool step_read(void *data, uint64_t addr, void *buf, size_t len)
{
	const struct step *s = data;

	return s->read(s->data, addr, buf, len);
}

static bool eval(const struct dbg_rule *r, const struct step *s, uint64_t bias, const uint64_t *cfa,
		 uint64_t *v)
{
	const struct dbg_eval_ctx c = { .reg = step_reg, .read = step_read, .data = (void *)s,
					.bias = bias };

	return dbg_ops_eval(r->ops, r->nops, &c, cfa != NULL, cfa ? *cfa : 0, v, NULL) == 0;
}

static bool apply(const struct dbg_rule *r, const struct step *s, uint64_t bias, uint64_t cfa, int reg,
		  uint64_t *v)
{
	switch (r->kind) {
	case DBG_RULE_SAME:
		return step_reg((void *)s, reg, v);
	case DBG_RULE_CFA_OFFSET:
		return s->read(s->data, cfa + (uint64_t)r->offset, v, 8);
	case DBG_RULE_CFA_VALUE:
		*v = cfa + (uint64_t)r->offset;
		return true;
	case DBG_RULE_REG:
		return step_reg((void *)s, r->reg, v);
	case DBG_RULE_REG_OFFSET:
		if (!step_reg((void *)s, r->reg, v))
			return false;
		*v += (uint64_t)r->offset;
		return true;
	case DBG_RULE_EXPR_MEM: {
		uint64_t addr;

		return eval(r, s, bias, &cfa, &addr) && s->read(s->data, addr, v, 8);
	}
	case DBG_RULE_EXPR_VAL:
		return eval(r, s, bias, &cfa, v);
	default:
		return false;
	}
}

static int step_row(const struct dbg_unwind_row *row, uint64_t bias, struct dbg_regs *regs,
		    const struct step *s, struct dbg_error *e)
{
	struct dbg_regs out = { .valid = 0 };
	uint64_t cfa;
	bool ok;

	if (row->regs[DBG_RIP].kind == DBG_RULE_UNDEFINED)
		return 0;
	ok = row->cfa.kind == DBG_RULE_EXPR_VAL ? eval(&row->cfa, s, bias, NULL, &cfa)
						: apply(&row->cfa, s, bias, 0, 0, &cfa);
	if (!ok)
		return dbg_fail(e, DBG_EUNAVAIL, "cannot compute the frame address at 0x%llx",
				(unsigned long long)regs->r[DBG_RIP]);
	out.r[DBG_RSP] = cfa;
	out.valid = 1u << DBG_RSP;
	for (int i = 0; i < DBG_NREGS; i++) {
		if (i == DBG_RSP && row->regs[i].kind == DBG_RULE_SAME)
			continue;
		if (i == DBG_RIP && row->regs[i].kind == DBG_RULE_SAME)
			return dbg_fail(e, DBG_ECORRUPT, "no rule for the return address at 0x%llx",
					(unsigned long long)regs->r[DBG_RIP]);
		if (apply(&row->regs[i], s, bias, cfa, i, &out.r[i]))
			out.valid |= 1u << i;
		else if (i == DBG_RIP)
			return dbg_fail(e, DBG_EUNAVAIL, "cannot read the return address at 0x%llx",
					(unsigned long long)cfa - 8);
	}
	if (!row->signal_frame && out.r[DBG_RSP] <= regs->r[DBG_RSP])
		return dbg_fail(e, DBG_ECORRUPT, "frame at 0x%llx does not move up the stack",
				(unsigned long long)regs->r[DBG_RIP]);
	*regs = out;
	return 1;
}

/* Code without CFI: a PLT stub or hand-written leaf (return address on top), or a frame-pointer
 * chain. */
static int step_blind(struct dbg_module *m, uint64_t bias, struct dbg_regs *regs, bool exact,
		      const struct step *s, struct dbg_error *e)
{
	const struct dbg_sym *plt;
	uint64_t frame[2], rsp = regs->r[DBG_RSP], pc = regs->r[DBG_RIP] - bias;
	size_t n;

	plt = dbg_module_plt(m, &n);
	for (size_t i = 0; i < n && exact; i++)
		if (pc >= plt[i].addr && pc - plt[i].addr < plt[i].size &&
		    s->read(s->data, rsp, frame, 8)) {
			regs->r[DBG_RIP] = frame[0];
			regs->r[DBG_RSP] = rsp + 8;
			return 1;
		}
	if (!(regs->valid & (1u << DBG_RBP)) || regs->r[DBG_RBP] < rsp ||
	    regs->r[DBG_RBP] - rsp > (UINT64_C(1) << 24) ||
	    !s->read(s->data, regs->r[DBG_RBP], frame, sizeof(frame)) || !frame[1])
		return dbg_fail(e, DBG_ENOENT, "no unwind information for 0x%llx",
				(unsigned long long)regs->r[DBG_RIP]);
	regs->r[DBG_RSP] = regs->r[DBG_RBP] + 16;
	regs->r[DBG_RBP] = frame[0];
	regs->r[DBG_RIP] = frame[1];
	/* callee-saved registers may have been changed by the function skipped */
	regs->valid = 1u << DBG_RSP | 1u << DBG_RBP | 1u << DBG_RIP;
	return 1;
}

int dbg_unwind_step(struct dbg_module *m, uint64_t bias, struct dbg_regs *regs, bool *exact,
		    dbg_read_fn read, void *data, struct dbg_error *e)
{
	const uint32_t need = 1u << DBG_RSP | 1u << DBG_RIP;
	const struct step s = { regs, read, data };
	struct dbg_unwind_row row;
	uint64_t pc;
	int r;

	if ((regs->valid & need) != need)
		return dbg_fail(e, DBG_EUNAVAIL, "stack pointer or pc not known");
	pc = regs->r[DBG_RIP] - bias - !*exact;
	if (dbg_unwind_row(m, pc, &row, NULL) == 0) {
		r = step_row(&row, bias, regs, &s, e);
	} else {
		row.signal_frame = false;
		r = step_blind(m, bias, regs, *exact, &s, e);
	}
	if (r == 1) {
		*exact = row.signal_frame;
		if (!regs->r[DBG_RIP])
			return 0;
	}
	return r;
}
