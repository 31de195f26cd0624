/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listing of generated programs (-p3): one instruction a line, source lines between them. */
#include "bpf/engine_priv.h"

#include "base/ds.h"

static const char *const alu_names[16] = {
	"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "be"
};
static const char *const jump_names[16] = {
	"", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<="
};
static const char *const size_names[4] = { "u32", "u16", "u8", "u64" };

static void list_source(FILE *out, const struct span *at)
{
	size_t len;
	const char *line = at->src ? source_line(at->src, at->line, &len) : NULL;

	if (line)
		fprintf(out, "; %s:%u: %.*s\n", at->src->name, at->line, (int)len, line);
}

static void list_alu(FILE *out, const struct bpf_insn *in)
{
	char r = BPF_CLASS(in->code) == BPF_ALU64 ? 'r' : 'w';
	const char *op = alu_names[BPF_OP(in->code) >> 4];

	if (BPF_OP(in->code) == BPF_NEG)
		fprintf(out, "%c%u = -%c%u", r, in->dst_reg, r, in->dst_reg);
	else if (BPF_OP(in->code) == BPF_END)
		fprintf(out, "r%u = be%d(r%u)", in->dst_reg, in->imm, in->dst_reg);
	else if (BPF_SRC(in->code) == BPF_X)
		fprintf(out, "%c%u %s %c%u", r, in->dst_reg, op, r, in->src_reg);
	else
		fprintf(out, "%c%u %s %d", r, in->dst_reg, op, in->imm);
}

static void list_call(FILE *out, const struct bpf_insn *in, size_t at)
{
	if (in->src_reg == BPF_PSEUDO_CALL)
		fprintf(out, "call %zu", at + 1 + (size_t)(int64_t)in->imm);
	else
		fprintf(out, "call helper %d", in->imm);
}

static void list_jump(FILE *out, const struct bpf_insn *in, size_t at)
{
	int64_t to = (int64_t)at + 1 + in->off;

	switch (BPF_OP(in->code)) {
	case BPF_CALL:
		list_call(out, in, at);
		return;
	case BPF_EXIT:
		fputs("exit", out);
		return;
	case BPF_JA:
		if (BPF_CLASS(in->code) == BPF_JMP32)
			to = (int64_t)at + 1 + in->imm;
		fprintf(out, "goto %lld", (long long)to);
		return;
	case 0xe0:
		fprintf(out, "may_goto %lld", (long long)to);
		return;
	default:
		break;
	}
	if (BPF_SRC(in->code) == BPF_X)
		fprintf(out, "if r%u %s r%u goto %lld", in->dst_reg, jump_names[BPF_OP(in->code) >> 4],
			in->src_reg, (long long)to);
	else
		fprintf(out, "if r%u %s %d goto %lld", in->dst_reg, jump_names[BPF_OP(in->code) >> 4],
			in->imm, (long long)to);
}

static const char *atomic_name(int32_t op)
{
	switch (op) {
	case BPF_XCHG: return "xchg";
	case BPF_CMPXCHG: return "cmpxchg";
	case BPF_ADD | BPF_FETCH: return "fetch_add";
	default: return "add";
	}
}

/* Returns the number of instruction slots taken. */
static size_t list_insn(FILE *out, const struct bpf_insn *in, size_t at, size_t n)
{
	const char *size = size_names[BPF_SIZE(in->code) >> 3];

	fprintf(out, "%6zu: ", at);
	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		list_alu(out, in);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		list_jump(out, in, at);
		break;
	case BPF_LDX:
		fprintf(out, "r%u = *(%s *)(r%u %+d)", in->dst_reg, size, in->src_reg, in->off);
		break;
	case BPF_STX:
		if (BPF_MODE(in->code) == BPF_ATOMIC)
			fprintf(out, "%s (%s *)(r%u %+d), r%u", atomic_name(in->imm), size, in->dst_reg,
				in->off, in->src_reg);
		else
			fprintf(out, "*(%s *)(r%u %+d) = r%u", size, in->dst_reg, in->off, in->src_reg);
		break;
	case BPF_ST:
		fprintf(out, "*(%s *)(r%u %+d) = %d", size, in->dst_reg, in->off, in->imm);
		break;
	default:
		if (at + 1 >= n)
			break;
		if (in->src_reg == BPF_PSEUDO_FUNC)
			fprintf(out, "r%u = function %lld", in->dst_reg, (long long)at + 1 + in->imm);
		else if (in->src_reg)
			fprintf(out, "r%u = map%s + %d", in->dst_reg,
				in->src_reg == BPF_PSEUDO_MAP_VALUE ? " value" : "", in[1].imm);
		else
			fprintf(out, "r%u = 0x%llx", in->dst_reg, (unsigned long long)
				((uint64_t)(uint32_t)in[1].imm << 32 | (uint32_t)in->imm));
		fputc('\n', out);
		return 2;
	}
	fputc('\n', out);
	return 1;
}

static const char *kind_of(int kind)
{
	return kind < FN_KIND_ROUTINE ? kind == FN_KIND_STATIC ? "local" : "function" :
				   routine_table[kind - FN_KIND_ROUTINE].name;
}

static void list_program(FILE *out, const struct emit *em)
{
	const struct span *last = NULL;
	ptrdiff_t sub = 0;
	size_t n = (size_t)arrlen(em->insns);

	for (size_t i = 0; i < n;) {
		const struct span *at = &em->at[i];

		if (sub < arrlen(em->subprogs) && em->subprogs[sub].insn == i)
			fprintf(out, "%zu <%s>:\n", i, kind_of(em->subprogs[sub++].kind));
		if (at->src && (!last || last->src != at->src || last->line != at->line))
			list_source(out, at);
		last = at;
		i += list_insn(out, &em->insns[i], i, n);
	}
}

void engine_list(const struct engine *e, FILE *out)
{
	for (ptrdiff_t h = 0; h < arrlen(e->p->handlers); h++) {
		if (!e->generated[h])
			continue;
		fprintf(out, "# eBPF program of handler %td: %td instructions%s\n", h,
			arrlen(e->gens[h].em.insns), e->gens[h].slot ? "" : ", no context slot");
		list_program(out, &e->gens[h].em);
	}
}
