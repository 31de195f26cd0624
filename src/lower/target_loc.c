/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Location programs and steps of target variables as IR.
 *
 * Location ops are a stack program without jumps (the binder refused those): it is run here on a stack of
 * IR trees.  A tree that is needed twice is saved in a temporary first.
 */
#include "lower/target_priv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/btf.h"
#include "dbg/kernelfile.h"

#define MAX_STACK 64

struct ir_expr *target_fail(struct lower *L, const struct target_access *a, const char *fmt, ...)
{
	va_list ap;

	if (!L->failed) {
		va_start(ap, fmt);
		diag_error(L->mod->diag, "target-lowering", &a->at, "%s",
			   arena_vprintf(L->mod->arena, fmt, ap));
		va_end(ap);
	}
	L->failed = true;
	return ir_const(L->mod->ir, 0, &a->at);
}

static struct ir_expr *number(struct lower *L, int64_t v, const struct span *at)
{
	return ir_const(L->mod->ir, v, at);
}

/* a + n, folded where it is easy. */
static struct ir_expr *plus(struct lower *L, struct ir_expr *a, int64_t n, const struct span *at)
{
	if (!n)
		return a;
	if (a->op == IR_CONST)
		return number(L, (int64_t)((uint64_t)a->imm + (uint64_t)n), at);
	if (a->op == IR_ADD && a->args[1]->op == IR_CONST)
		return lower_op2(L, IR_ADD, a->args[0],
				 number(L, (int64_t)((uint64_t)a->args[1]->imm + (uint64_t)n), at), at);
	return lower_op2(L, IR_ADD, a, number(L, n, at), at);
}

static struct ir_expr *with_imm(struct ir_expr *e, int64_t imm)
{
	e->imm = imm;
	return e;
}

static struct ir_expr *zero_extend(struct lower *L, struct ir_expr *e, uint32_t bits, const struct span *at)
{
	return bits >= 64 ? e : with_imm(lower_op1(L, IR_ZEXT, e, at), bits);
}

static struct ir_expr *sign_extend(struct lower *L, struct ir_expr *e, uint32_t bits, const struct span *at)
{
	if (bits >= 64)
		return e;
	if (e->op == IR_ZEXT && e->imm >= bits)
		e = e->args[0];		/* of no use below a sign extension */
	return with_imm(lower_op1(L, IR_SEXT, e, at), bits);
}

static struct ir_expr *shift_right(struct lower *L, struct ir_expr *e, uint32_t bits, const struct span *at)
{
	return bits ? lower_op2(L, IR_USHR, e, number(L, bits, at), at) : e;
}

static struct ir_expr *memory(struct lower *L, const struct target_access *a, struct ir_expr *addr,
			      uint32_t size)
{
	return with_imm(lower_op1(L, a->kernel ? IR_KLOAD : IR_ULOAD, addr, &a->at), size);
}

struct ir_expr *target_bias(struct lower *L, struct dbg_module *m, const struct span *at)
{
	const struct dbg_module_info *info = dbg_module_info(m);
	struct program *p = L->mod->program;
	size_t i;

	if (info->type == DBG_ELF_EXEC || info->kernel)
		return NULL;
	for (i = 0; i < arrlenu(p->modules); i++)
		if (!strcmp(p->modules[i].path, info->real_path))
			break;
	if (i == arrlenu(p->modules)) {
		struct prog_module mod = { .path = info->real_path, .build_id = dbg_module_build_id(m) };

		arrput(p->modules, mod);
	}
	return with_imm(ir_expr_new(L->mod->ir, IR_MODULE_BIAS, at, 0), (int64_t)i);
}

static struct ir_expr *kernel_place(struct lower *L, const char *base, uint64_t offset, const struct span *at)
{
	return with_imm(ir_expr_new(L->mod->ir, IR_KPLACE, at, 0),
			program_place_add(L->mod->program, base, offset));
}

/* In the copy of this processor: so far behind the address is its. */
static struct ir_expr *of_this_cpu(struct lower *L, struct ir_expr *addr, const struct span *at)
{
	struct ir_expr *cpu = ir_expr_new(L->mod->ir, IR_CPU, at, 0), *offset;

	offset = lower_op2(L, IR_ADD, kernel_place(L, "/kernel/__per_cpu_offset", 0, at),
			   lower_op2(L, IR_MUL, cpu, number(L, 8, at), at), at);
	return lower_op2(L, IR_ADD, addr, with_imm(lower_op1(L, IR_KLOAD, offset, at), 8), at);
}

struct ir_expr *target_kernel_address(struct lower *L, const struct target_access *a, struct dbg_module *m,
				      uint64_t addr)
{
	uint64_t offset = addr;
	char *place = dbg_kernel_place(m, addr, &offset);
	const char *base = place ? arena_strdup(L->mod->ir->arena, place) : NULL;

	free(place);
	return base ? kernel_place(L, base, offset, &a->at) :
	       target_fail(L, a, "the file '%s' has no build id or no symbol for the address 0x%" PRIx64,
			   dbg_module_info(m)->path, addr);
}

/* A variable of the kernel. */
static struct ir_expr *in_kernel(struct lower *L, const struct target_access *a, uint64_t addr)
{
	bool per_cpu = a->place ? a->per_cpu : dbg_kernel_is_per_cpu(a->module, addr);
	struct ir_expr *e = a->place ? kernel_place(L, a->place, addr, &a->at) :
			    target_kernel_address(L, a, a->module, addr);

	return per_cpu ? of_this_cpu(L, e, &a->at) : e;
}

static struct ir_expr *relocated(struct lower *L, const struct target_access *a, int64_t addr)
{
	struct ir_expr *bias;

	if (a->place || (a->module && dbg_module_info(a->module)->kernel))
		return in_kernel(L, a, (uint64_t)addr);
	bias = a->module ? target_bias(L, a->module, &a->at) : NULL;
	return bias ? plus(L, bias, addr, &a->at) : number(L, addr, &a->at);
}

/* The thread pointer, which is not among the registers that a probe is given. */
static struct ir_expr *thread_pointer(struct lower *L, const struct target_access *a)
{
	struct dbg_error e;
	struct dbg_module *k = dbg_btf_kernel("vmlinux", &e);
	uint64_t offset, size;

	if (!k || !dbg_btf_offset(k, "struct task_struct", "thread.fsbase", &offset, &size))
		return target_fail(L, a, "thread-local variables need the kernel's BTF");
	return with_imm(lower_op1(L, IR_KLOAD, plus(L, ir_expr_new(L->mod->ir, IR_TASK, &a->at, 0),
						     (int64_t)offset, &a->at), &a->at), 8);
}

struct ir_expr *target_register(struct lower *L, const struct target_access *a, int reg)
{
	if (reg == DBG_FSBASE)
		return thread_pointer(L, a);
	if (reg < 0 || reg > DBG_RIP)
		return target_fail(L, a, "register %s is not available in a probe", dbg_reg_name(reg));
	return with_imm(ir_expr_new(L->mod->ir, IR_REG, &a->at, 0), reg);
}

struct stack {
	struct ir_expr *v[MAX_STACK];
	size_t n;
};

/* Two-operand ops that are one IR op. */
static int binary_op(enum dbg_opcode op)
{
	switch (op) {
	case DBG_OP_ADD: return IR_ADD;
	case DBG_OP_SUB: return IR_SUB;
	case DBG_OP_MUL: return IR_MUL;
	case DBG_OP_DIV: return IR_DIV;
	case DBG_OP_SMOD: return IR_MOD;
	case DBG_OP_AND: return IR_AND;
	case DBG_OP_OR: return IR_OR;
	case DBG_OP_XOR: return IR_XOR;
	case DBG_OP_SHL: return IR_SHL;
	case DBG_OP_SHR: return IR_USHR;
	case DBG_OP_SAR: return IR_SHR;
	case DBG_OP_EQ: return IR_EQ;
	case DBG_OP_NE: return IR_NE;
	case DBG_OP_LT: return IR_LT;
	case DBG_OP_LE: return IR_LE;
	case DBG_OP_GT: return IR_GT;
	case DBG_OP_GE: return IR_GE;
	case DBG_OP_ULT: return IR_ULT;
	default: return -1;
	}
}

/* Stack manipulation; false: not one of these ops. */
static bool stack_op(struct lower *L, struct stack *s, const struct dbg_op *op)
{
	struct ir_expr **top = &s->v[s->n - 1], *t;
	size_t depth = op->op == DBG_OP_DUP ? 0 : op->op == DBG_OP_OVER ? 1 : (size_t)op->a;

	switch (op->op) {
	case DBG_OP_DUP:
	case DBG_OP_OVER:
	case DBG_OP_PICK:
		if (depth >= s->n)
			return false;
		s->v[s->n - 1 - depth] = lower_share(L, s->v[s->n - 1 - depth]);
		s->v[s->n] = s->v[s->n - 1 - depth];
		s->n++;
		return true;
	case DBG_OP_DROP:
		s->n--;
		return true;
	case DBG_OP_SWAP:
		t = top[0];
		top[0] = top[-1];
		top[-1] = t;
		return true;
	case DBG_OP_ROT:	/* x y z -> z x y */
		t = top[0];
		top[0] = top[-1];
		top[-1] = top[-2];
		top[-2] = t;
		return true;
	default:
		return false;
	}
}

/* Ops that compute; false: not understood. */
static bool compute_op(struct lower *L, const struct target_access *a, struct stack *s, const struct dbg_op *op)
{
	struct ir_expr **top = s->n ? &s->v[s->n - 1] : NULL;
	const struct span *at = &a->at;
	int two = binary_op(op->op);

	if (two >= 0) {
		top[-1] = lower_op2(L, (enum ir_op)two, top[-1], top[0], at);
		s->n--;
		return true;
	}
	switch (op->op) {
	case DBG_OP_CONST:
		s->v[s->n++] = number(L, op->a, at);
		return true;
	case DBG_OP_ADDR:
		s->v[s->n++] = relocated(L, a, op->a);
		return true;
	case DBG_OP_REG:
		s->v[s->n++] = target_register(L, a, (int)op->a);
		return true;
	case DBG_OP_ENTRY_REG:
		s->v[s->n++] = target_entry_register(L, a, (int)op->a);
		return true;
	case DBG_OP_ENTRY_PARAM:
		s->v[s->n++] = target_entry_param(L, a, op->a);
		return true;
	case DBG_OP_DEREF:
		*top = memory(L, a, *top, (uint32_t)op->a);
		return true;
	case DBG_OP_NEG:
		*top = lower_op1(L, IR_NEG, *top, at);
		return true;
	case DBG_OP_NOT:
		*top = lower_op1(L, IR_NOT, *top, at);
		return true;
	case DBG_OP_SEXT:
		*top = sign_extend(L, *top, 8 * (uint32_t)op->a, at);
		return true;
	case DBG_OP_ZEXT:
		*top = zero_extend(L, *top, 8 * (uint32_t)op->a, at);
		return true;
	case DBG_OP_ULE:
		top[-1] = lower_op1(L, IR_LNOT, lower_op2(L, IR_ULT, top[0], top[-1], at), at);
		s->n--;
		return true;
	case DBG_OP_ABS: {
		struct ir_expr *x = lower_share(L, *top), *args[] = {
			lower_op2(L, IR_LT, x, number(L, 0, at), at), lower_op1(L, IR_NEG, x, at), x };

		*top = lower_opn(L, IR_SELECT, args, 3, at);
		(*top)->type = IR_I64;
		return true;
	}
	default:
		return false;
	}
}

struct ir_expr *target_ops(struct lower *L, const struct target_access *a, const struct dbg_op *ops, size_t n)
{
	static const uint8_t pops[] = {
#define DBG_OP_POPS(name, text, in, out) in,
		DBG_OPS(DBG_OP_POPS)
#undef DBG_OP_POPS
	};
	struct stack s = { .n = 0 };

	for (size_t i = 0; i < n; i++) {
		if (ops[i].op >= DBG_NOPS || s.n < pops[ops[i].op] || s.n + 1 >= MAX_STACK)
			return target_fail(L, a, "malformed location");
		if (!(s.n && stack_op(L, &s, &ops[i])) && !compute_op(L, a, &s, &ops[i]))
			return target_fail(L, a, "location of the variable is not supported");
	}
	if (!s.n)
		return target_fail(L, a, "malformed location");
	return s.v[s.n - 1];
}

/* ---- reading ---- */

/* The bits [lo, lo + width) of a location in pieces. */
static struct ir_expr *load_pieces(struct lower *L, const struct target_access *a, const struct dbg_loc *loc,
				   uint64_t lo, uint32_t width)
{
	uint64_t hi = lo + width, pos = 0;
	struct ir_expr *sum = NULL;

	for (size_t i = 0; i < loc->npieces && pos < hi; pos += loc->pieces[i++].bit_size) {
		const struct dbg_piece *piece = &loc->pieces[i];
		uint64_t end = pos + piece->bit_size, from = lo > pos ? lo : pos, to = hi < end ? hi : end;
		uint64_t inside = piece->bit_offset + (from - pos);
		struct target_place p = { .loc = &piece->loc, .off = (int64_t)(inside / 8) };
		uint32_t bytes = 1;
		struct ir_expr *v;

		if (from >= to)
			continue;
		while (bytes < 8 && 8ull * bytes < inside % 8 + (to - from))
			bytes *= 2;
		v = shift_right(L, target_load(L, a, &p, bytes), inside % 8, &a->at);
		v = zero_extend(L, v, (uint32_t)(to - from), &a->at);
		if (from > lo)
			v = lower_op2(L, IR_SHL, v, number(L, (int64_t)(from - lo), &a->at), &a->at);
		sum = sum ? lower_op2(L, IR_OR, sum, v, &a->at) : v;
	}
	return sum ? sum : target_fail(L, a, "variable is not available here");
}

static struct ir_expr *load_bytes(struct lower *L, const struct target_access *a, const struct dbg_loc *loc,
				  int64_t off, uint32_t size)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < size; i++)
		if (off >= 0 && (uint64_t)off + i < loc->nbytes)
			v |= (uint64_t)loc->bytes[off + i] << (8 * i);
	return number(L, (int64_t)v, &a->at);
}

struct ir_expr *target_load(struct lower *L, const struct target_access *a, const struct target_place *p,
			    uint32_t size)
{
	struct ir_expr *v;

	if (p->addr)
		return memory(L, a, p->addr, size);
	switch (p->value ? DBG_LOC_VALUE : p->loc->kind) {
	case DBG_LOC_MEMORY:
		return memory(L, a, plus(L, target_ops(L, a, p->loc->ops, p->loc->nops), p->off, &a->at), size);
	case DBG_LOC_REGISTER:
		v = target_register(L, a, p->loc->reg);
		break;
	case DBG_LOC_VALUE:
		v = p->value ? p->value : target_ops(L, a, p->loc->ops, p->loc->nops);
		break;
	case DBG_LOC_BYTES:
		return load_bytes(L, a, p->loc, p->off, size);
	case DBG_LOC_PIECES:
		return load_pieces(L, a, p->loc, 8 * (uint64_t)p->off, 8 * size);
	default:
		return target_fail(L, a, "variable is not available here");
	}
	if (p->off < 0 || p->off > 7)
		return target_fail(L, a, "variable is not available here");
	v = shift_right(L, v, 8 * (uint32_t)p->off, &a->at);
	return zero_extend(L, v, 8 * size, &a->at);
}

/* ---- steps ---- */

static struct ir_expr *sdt_address(struct lower *L, const struct target_access *a)
{
	const struct dbg_sdt_arg *s = &a->sdt;
	struct ir_expr *addr = s->relocated ? relocated(L, a, s->value) : number(L, s->value, &a->at);

	if (s->reg >= 0)
		addr = s->value || s->relocated ? lower_op2(L, IR_ADD, target_register(L, a, s->reg), addr, &a->at)
						: target_register(L, a, s->reg);
	if (s->index >= 0) {
		struct ir_expr *index = lower_op2(L, IR_MUL, target_register(L, a, s->index),
						  number(L, s->scale, &a->at), &a->at);

		addr = lower_op2(L, IR_ADD, addr, index, &a->at);
	}
	return addr;
}

static struct ir_expr *sdt_value(struct lower *L, const struct target_access *a)
{
	const struct dbg_sdt_arg *s = &a->sdt;
	struct ir_expr *v;

	switch (s->kind) {
	case DBG_SDT_CONST:
		return s->relocated ? relocated(L, a, s->value) : number(L, s->value, &a->at);
	case DBG_SDT_REG:
		v = shift_right(L, target_register(L, a, s->reg), (uint32_t)s->reg_shift, &a->at);
		return zero_extend(L, v, 8 * (uint32_t)s->size, &a->at);
	default:
		return memory(L, a, sdt_address(L, a), (uint32_t)s->size);
	}
}

static void place_start(struct lower *L, const struct target_access *a, struct target_place *p)
{
	*p = (struct target_place){ 0 };
	if (a->base == BASE_OPERAND)
		p->addr = lower_expr(L, a->operands[0]);
	else if (a->base == BASE_ARG)
		p->value = with_imm(ir_expr_new(L->mod->ir, IR_ARG, &a->at, 0), a->arg);
	else if (a->base == BASE_SYSARG)
		p->value = with_imm(ir_expr_new(L->mod->ir, IR_SYSARG, &a->at, 0), a->arg);
	else if (a->base == BASE_RESULT)
		p->value = ir_expr_new(L->mod->ir, IR_RETVAL, &a->at, 0);
	else if (a->loc.kind == DBG_LOC_MEMORY)
		p->addr = target_ops(L, a, a->loc.ops, a->loc.nops);
	else
		p->loc = &a->loc;
}

void target_walk(struct lower *L, const struct target_access *a, struct target_place *p)
{
	place_start(L, a, p);
	for (size_t i = 0; i < a->nsteps; i++) {
		const struct access_step *s = &a->steps[i];

		if (s->kind == STEP_OFFSET) {
			if (p->addr)
				p->addr = plus(L, p->addr, s->n, &a->at);
			else
				p->off += s->n;
		} else if (s->kind == STEP_INDEX) {
			struct ir_expr *index = lower_expr(L, a->operands[s->operand]);

			if (!p->addr) {
				target_fail(L, a, "an array that is not in memory needs a constant index");
				return;
			}
			index = lower_op2(L, IR_MUL, index, number(L, s->n, &a->at), &a->at);
			p->addr = lower_op2(L, IR_ADD, p->addr, index, &a->at);
		} else if (!p->addr && !p->value && p->loc->kind == DBG_LOC_POINTER && p->loc->npieces) {
			p->off = p->loc->offset;
			p->loc = &p->loc->pieces[0].loc;
			if (p->loc->kind == DBG_LOC_MEMORY) {
				p->addr = plus(L, target_ops(L, a, p->loc->ops, p->loc->nops), p->off, &a->at);
				p->off = 0;
			}
		} else {
			p->addr = target_load(L, a, p, 8);
			p->loc = NULL;
			p->value = NULL;
			p->off = 0;
		}
	}
}

/* A bit field, as an aligned load where one holds it. */
static struct ir_expr *bit_field(struct lower *L, const struct target_access *a, struct target_place p)
{
	uint32_t first = a->bit_offset / 8, shift = a->bit_offset % 8, size;
	struct ir_expr *v;

	if (!p.addr && !p.value && p.loc->kind == DBG_LOC_PIECES) {	/* its neighbours may not be there */
		v = load_pieces(L, a, p.loc, 8 * (uint64_t)p.off + a->bit_offset, a->bit_size);
		return a->is_signed ? sign_extend(L, v, a->bit_size, &a->at) : v;
	}
	for (size = 1; size <= 8; size *= 2) {
		uint32_t start = first / size * size, s = a->bit_offset - 8 * start;

		if (s + a->bit_size <= 8 * size) {
			first = start;
			shift = s;
			break;
		}
	}
	if (p.addr)
		p.addr = lower_share(L, plus(L, p.addr, first, &a->at));
	else
		p.off += first;
	v = shift_right(L, target_load(L, a, &p, size > 8 ? 8 : size), shift, &a->at);
	if (size > 8 && shift + a->bit_size > 64) {	/* over nine bytes */
		struct target_place last = p;

		if (p.addr)
			last.addr = plus(L, p.addr, 8, &a->at);
		else
			last.off += 8;
		v = lower_op2(L, IR_OR, v, lower_op2(L, IR_SHL, target_load(L, a, &last, 1),
						      number(L, 64 - shift, &a->at), &a->at), &a->at);
	}
	return a->is_signed ? sign_extend(L, v, a->bit_size, &a->at) : zero_extend(L, v, a->bit_size, &a->at);
}

struct ir_expr *target_number(struct lower *L, const struct target_access *a)
{
	struct target_place p;
	struct ir_expr *v;

	if (a->base == BASE_CONTEXT) {
		v = with_imm(ir_expr_new(L->mod->ir, IR_CTXLOAD, &a->at, 0),
			     (int64_t)a->context_offset << 8 | a->context_size);
		return a->is_signed ? sign_extend(L, v, 8 * a->context_size, &a->at) : v;
	}
	if (a->base == BASE_COUNTER)
		return with_imm(ir_expr_new(L->mod->ir, IR_PERF, &a->at, 0), a->arg);
	if (a->base == BASE_VERDICT)
		return ir_expr_new(L->mod->ir, IR_VERDICT, &a->at, 0);
	if (a->base == BASE_SDT) {
		v = sdt_value(L, a);
		return a->is_signed ? sign_extend(L, v, 8 * a->size, &a->at) : v;
	}
	target_walk(L, a, &p);
	if (L->failed)
		return number(L, 0, &a->at);
	if (a->kind == ACCESS_ADDRESS)
		return p.addr ? p.addr : target_fail(L, a, "variable has no address");
	if (a->bit_size)
		return bit_field(L, a, p);
	v = target_load(L, a, &p, a->size);
	return a->is_signed ? sign_extend(L, v, 8 * a->size, &a->at) : v;
}

/* Whether computing it reads memory, or a parameter that some callers do not tell. */
static bool loc_may_fault(const struct target_access *a, const struct dbg_loc *loc)
{
	for (size_t i = 0; i < loc->nops; i++)
		if (loc->ops[i].op == DBG_OP_DEREF || loc->ops[i].op == DBG_OP_ADDR ||
		    (a->partial && loc->ops[i].op == DBG_OP_ENTRY_PARAM))
			return true;
	for (size_t i = 0; i < loc->npieces; i++)
		if (loc->pieces[i].loc.kind == DBG_LOC_MEMORY || loc_may_fault(a, &loc->pieces[i].loc))
			return true;
	return false;
}

/* An address a fixed distance from the stack or frame pointer: memory that the code itself is using. */
static bool on_stack(const struct target_access *a)
{
	bool based = false;

	for (size_t i = 0; i < a->loc.nops; i++) {
		const struct dbg_op *op = &a->loc.ops[i];

		if (op->op == DBG_OP_REG && (op->a == DBG_RSP || op->a == DBG_RBP))
			based = true;
		else if (op->op != DBG_OP_CONST && op->op != DBG_OP_ADD && op->op != DBG_OP_SUB)
			return false;
	}
	for (size_t i = 0; i < a->nsteps; i++)
		if (a->steps[i].kind != STEP_OFFSET)
			return false;
	return based;
}

bool target_may_fault(const struct target_access *a)
{
	if (a->base == BASE_CONTEXT || (a->base == BASE_LOC && a->loc.kind == DBG_LOC_MEMORY && on_stack(a)))
		return false;
	if (a->base == BASE_SDT)
		return a->sdt.kind == DBG_SDT_MEM;
	for (size_t i = 0; i < a->nsteps; i++)
		if (a->steps[i].kind == STEP_DEREF)
			return true;
	if (a->kind == ACCESS_FETCH && (a->base == BASE_OPERAND || a->loc.kind == DBG_LOC_MEMORY))
		return true;
	return a->base == BASE_LOC && loc_may_fault(a, &a->loc);
}
