/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Location programs: text form, register names, and the reference evaluator.
 */
#include "dbg/loc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "dbg/bytes.h"
#include "dbg/error.h"

#define STACK 128
#define STEPS 10000

/* ---- names ---- */

static const char *const reg64[] = {
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
	"r13", "r14", "r15", "rip",
};

static const struct {
	const char *name;
	uint8_t reg, bytes;
} narrow_regs[] = {
	{ "eax", 0, 4 }, { "edx", 1, 4 }, { "ecx", 2, 4 }, { "ebx", 3, 4 }, { "esi", 4, 4 },
	{ "edi", 5, 4 }, { "ebp", 6, 4 }, { "esp", 7, 4 }, { "eip", 16, 4 },
	{ "ax", 0, 2 }, { "dx", 1, 2 }, { "cx", 2, 2 }, { "bx", 3, 2 }, { "si", 4, 2 },
	{ "di", 5, 2 }, { "bp", 6, 2 }, { "sp", 7, 2 }, { "ip", 16, 2 },
	{ "al", 0, 1 }, { "dl", 1, 1 }, { "cl", 2, 1 }, { "bl", 3, 1 }, { "sil", 4, 1 },
	{ "dil", 5, 1 }, { "bpl", 6, 1 }, { "spl", 7, 1 },
	{ "ah", 0, 1 }, { "dh", 1, 1 }, { "ch", 2, 1 }, { "bh", 3, 1 },
	{ "rflags", DBG_RFLAGS, 8 }, { "eflags", DBG_RFLAGS, 4 }, { "flags", DBG_RFLAGS, 2 },
};

/* r8d, r8w, r8b .. r15b */
static int numbered(const char *s, int *bytes)
{
	char *end;
	long n = s[0] == 'r' && s[1] >= '1' && s[1] <= '9' ? strtol(s + 1, &end, 10) : 0;

	if (n < 8 || n > 15)
		return -1;
	*bytes = !*end ? 8 : end[1] ? 0 : *end == 'd' ? 4 : *end == 'w' ? 2 : *end == 'b' ? 1 : 0;
	return *bytes ? (int)n : -1;
}

int dbg_reg_number(const char *name, int *bytes)
{
	int ignored, n;

	if (!bytes)
		bytes = &ignored;
	if (*name == '%')
		name++;
	for (int i = 0; i < DBG_NREGS; i++)
		if (strcmp(name, reg64[i]) == 0) {
			*bytes = 8;
			return i;
		}
	for (size_t i = 0; i < sizeof(narrow_regs) / sizeof(*narrow_regs); i++)
		if (strcmp(name, narrow_regs[i].name) == 0) {
			*bytes = narrow_regs[i].bytes;
			return narrow_regs[i].reg;
		}
	if (strncmp(name, "xmm", 3) == 0 && name[3] >= '0' && name[3] <= '9') {
		char *end;

		n = (int)strtol(name + 3, &end, 10);
		*bytes = 16;
		return !*end && n < 16 ? DBG_XMM0 + n : -1;
	}
	return numbered(name, bytes);
}

const char *dbg_reg_name(int reg)
{
	static const char *const xmm[] = {
		"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		"xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
	};

	if (reg >= 0 && reg < DBG_NREGS)
		return reg64[reg];
	if (reg >= DBG_XMM0 && reg <= DBG_XMM15)
		return xmm[reg - DBG_XMM0];
	return reg == DBG_RFLAGS ? "rflags" : reg == DBG_FSBASE ? "fs.base"
	     : reg == DBG_GSBASE ? "gs.base" : NULL;
}

/* ---- text ---- */

static void print_ops(FILE *o, const struct dbg_op *ops, size_t n)
{
	static const char *const text[] = {
#define OP_TEXT(name, t, pops, pushes) [DBG_OP_##name] = t,
		DBG_OPS(OP_TEXT)
#undef OP_TEXT
	};

	for (size_t i = 0; i < n; i++) {
		const char *reg = NULL;

		fprintf(o, "%s%s", i ? "; " : " ", text[ops[i].op]);
		switch (ops[i].op) {
		case DBG_OP_REG:
		case DBG_OP_ENTRY_REG:
			reg = dbg_reg_name((int)ops[i].a);
			if (reg)
				fprintf(o, " %s", reg);
			else
				fprintf(o, " #%lld", (long long)ops[i].a);
			break;
		case DBG_OP_ADDR:
			fprintf(o, " 0x%llx", (unsigned long long)ops[i].a);
			break;
		case DBG_OP_CONST: case DBG_OP_DEREF: case DBG_OP_PICK: case DBG_OP_SEXT:
		case DBG_OP_ZEXT: case DBG_OP_SKIP: case DBG_OP_BRA:
			fprintf(o, " %lld", (long long)ops[i].a);
			break;
		default:
			break;
		}
	}
}

static void print_loc(FILE *o, const struct dbg_loc *l, int depth)
{
	static const char *const why[] = { "none", "optimized out", "not here", "not understood" };
	const char *reg;

	switch (l->kind) {
	case DBG_LOC_NONE:
		fputs(why[l->why], o);
		break;
	case DBG_LOC_MEMORY:
		fputs("mem:", o);
		print_ops(o, l->ops, l->nops);
		break;
	case DBG_LOC_REGISTER:
		reg = dbg_reg_name(l->reg);
		if (reg)
			fprintf(o, "reg: %s", reg);
		else
			fprintf(o, "reg: #%d", l->reg);
		break;
	case DBG_LOC_VALUE:
		fputs("value:", o);
		print_ops(o, l->ops, l->nops);
		break;
	case DBG_LOC_BYTES:
		fputs("bytes:", o);
		for (size_t i = 0; i < l->nbytes; i++)
			fprintf(o, " %02x", l->bytes[i]);
		break;
	default:
		fputs(l->kind == DBG_LOC_POINTER ? "pointer:" : "pieces:", o);
		for (size_t i = 0; i < l->npieces && depth < 8; i++) {
			fputs(" [", o);
			print_loc(o, &l->pieces[i].loc, depth + 1);
			fprintf(o, "] %u", l->pieces[i].bit_size);
		}
		if (l->offset)
			fprintf(o, " + %lld", (long long)l->offset);
	}
}

const char *dbg_loc_text(struct arena *a, const struct dbg_loc *l)
{
	char *text = NULL;
	const char *r;
	size_t len;
	FILE *o = xmemstream(&text, &len);

	print_loc(o, l, 0);
	fclose(o);
	r = arena_strdup(a, text);
	free(text);
	return r;
}

/* ---- evaluation ---- */

struct vm {
	const struct dbg_eval_ctx *c;
	struct dbg_error *e;
	uint64_t st[STACK];
	unsigned n;
};

static int unavailable(struct vm *v, const char *what, int64_t a)
{
	return dbg_fail(v->e, DBG_EUNAVAIL, "%s %lld is not available", what, (long long)a);
}

/* Binary operators on x (below) and y (top).  False: division by zero. */
static bool binary(enum dbg_opcode op, uint64_t x, uint64_t y, uint64_t *r)
{
	int64_t sx = (int64_t)x, sy = (int64_t)y;

	switch (op) {
	case DBG_OP_ADD: *r = x + y; break;
	case DBG_OP_SUB: *r = x - y; break;
	case DBG_OP_MUL: *r = x * y; break;
	case DBG_OP_DIV: *r = !y ? 0 : sy == -1 ? 0 - x : (uint64_t)(sx / sy); return y != 0;
	case DBG_OP_UDIV: *r = y ? x / y : 0; return y != 0;
	case DBG_OP_MOD: *r = y ? x % y : 0; return y != 0;
	case DBG_OP_SMOD: *r = !y || sy == -1 ? 0 : (uint64_t)(sx % sy); return y != 0;
	case DBG_OP_AND: *r = x & y; break;
	case DBG_OP_OR: *r = x | y; break;
	case DBG_OP_XOR: *r = x ^ y; break;
	case DBG_OP_SHL: *r = y < 64 ? x << y : 0; break;
	case DBG_OP_SHR: *r = y < 64 ? x >> y : 0; break;
	case DBG_OP_SAR: *r = (uint64_t)(sx >> (y < 64 ? y : 63)); break;
	case DBG_OP_EQ: *r = x == y; break;
	case DBG_OP_NE: *r = x != y; break;
	case DBG_OP_LT: *r = sx < sy; break;
	case DBG_OP_LE: *r = sx <= sy; break;
	case DBG_OP_GT: *r = sx > sy; break;
	case DBG_OP_GE: *r = sx >= sy; break;
	case DBG_OP_ULT: *r = x < y; break;
	default: *r = x <= y; break;
	}
	return true;
}

static uint64_t zero_extend(uint64_t v, int64_t bytes)
{
	return bytes >= 8 || bytes < 1 ? v : v & ((UINT64_C(1) << (8 * bytes)) - 1);
}

/* Ops that push from outside: registers, memory, TLS. */
static int load(struct vm *v, const struct dbg_op *o)
{
	uint64_t *top = &v->st[v->n ? v->n - 1 : 0], val = 0;

	switch (o->op) {
	case DBG_OP_REG:
		if (!v->c->reg || !v->c->reg(v->c->data, (int)o->a, &v->st[v->n]))
			return unavailable(v, "register", o->a);
		v->n++;
		return 0;
	case DBG_OP_ENTRY_REG:
		if (!v->c->entry_reg || !v->c->entry_reg(v->c->data, (int)o->a, &v->st[v->n]))
			return unavailable(v, "entry value of register", o->a);
		v->n++;
		return 0;
	case DBG_OP_ENTRY_PARAM:
		if (!v->c->entry_param || !v->c->entry_param(v->c->data, o->a, &v->st[v->n]))
			return dbg_fail(v->e, DBG_EUNAVAIL, "removed parameter is not available");
		v->n++;
		return 0;
	case DBG_OP_DEREF:
		if (o->a < 1 || o->a > 8)
			return dbg_fail(v->e, DBG_ECORRUPT, "bad size in location");
		if (!v->c->read || !v->c->read(v->c->data, *top, &val, (size_t)o->a))
			return dbg_fail(v->e, DBG_EUNAVAIL, "cannot read memory at 0x%llx",
					(unsigned long long)*top);
		*top = val;
		return 0;
	default:		/* TLS */
		if (!v->c->tls || !v->c->tls(v->c->data, *top, &val))
			return unavailable(v, "thread-local storage at", (int64_t)*top);
		*top = val;
		return 0;
	}
}

/* Everything else but jumps.  Stack depth was checked. */
static int simple(struct vm *v, const struct dbg_op *o)
{
	uint64_t *s = &v->st[v->n], t;	/* s[-1] is the top */

	switch (o->op) {
	case DBG_OP_CONST: *s = (uint64_t)o->a; v->n++; break;
	case DBG_OP_ADDR: *s = (uint64_t)o->a + v->c->bias; v->n++; break;
	case DBG_OP_DUP: *s = s[-1]; v->n++; break;
	case DBG_OP_DROP: v->n--; break;
	case DBG_OP_OVER: *s = s[-2]; v->n++; break;
	case DBG_OP_PICK:
		if (o->a < 0 || o->a >= (int64_t)v->n)
			return dbg_fail(v->e, DBG_ECORRUPT, "stack underflow in location");
		*s = s[-1 - o->a];
		v->n++;
		break;
	case DBG_OP_SWAP: t = s[-1]; s[-1] = s[-2]; s[-2] = t; break;
	case DBG_OP_ROT: t = s[-1]; s[-1] = s[-2]; s[-2] = s[-3]; s[-3] = t; break;
	case DBG_OP_NEG: s[-1] = 0 - s[-1]; break;
	case DBG_OP_NOT: s[-1] = ~s[-1]; break;
	case DBG_OP_ABS: s[-1] = (int64_t)s[-1] < 0 ? 0 - s[-1] : s[-1]; break;
	case DBG_OP_SEXT:
		s[-1] = o->a >= 1 && o->a < 8 ? (uint64_t)sign_extend(s[-1], (unsigned)o->a) : s[-1];
		break;
	case DBG_OP_ZEXT: s[-1] = zero_extend(s[-1], o->a); break;
	case DBG_OP_REG: case DBG_OP_ENTRY_REG: case DBG_OP_DEREF: case DBG_OP_TLS:
	case DBG_OP_ENTRY_PARAM:
		return load(v, o);
	default:
		if (!binary(o->op, s[-2], s[-1], &s[-2]))
			return dbg_fail(v->e, DBG_EUNAVAIL, "division by zero in location");
		v->n--;
	}
	return 0;
}

int dbg_ops_eval(const struct dbg_op *ops, size_t nops, const struct dbg_eval_ctx *c,
		 bool has_push, uint64_t push, uint64_t *out, struct dbg_error *e)
{
	static const uint8_t pops[] = {
#define OP_POPS(name, t, npop, npush) [DBG_OP_##name] = npop,
		DBG_OPS(OP_POPS)
#undef OP_POPS
	};
	struct vm v = { .c = c, .e = e };
	size_t pc = 0;
	int r;

	if (has_push)
		v.st[v.n++] = push;
	for (int steps = 0; pc < nops; steps++) {
		const struct dbg_op *o = &ops[pc++];

		if (steps == STEPS || o->op >= DBG_NOPS || v.n < pops[o->op] || v.n >= STACK)
			return dbg_fail(e, DBG_ECORRUPT, "bad location program");
		if (o->op == DBG_OP_SKIP || o->op == DBG_OP_BRA) {
			if (o->op == DBG_OP_BRA && !v.st[--v.n])
				continue;
			if (o->a < 0 || (size_t)o->a > nops)
				return dbg_fail(e, DBG_ECORRUPT, "bad branch in location program");
			pc = (size_t)o->a;
			continue;
		}
		r = simple(&v, o);
		if (r)
			return r;
	}
	if (!v.n)
		return dbg_fail(e, DBG_ECORRUPT, "empty location program");
	*out = v.st[v.n - 1];
	return 0;
}

/* Copies nbits bits of src from bit soff on to dst at bit doff. */
static void copy_bits(uint8_t *dst, size_t dbits, uint64_t doff, const uint8_t *src, uint64_t soff,
		      uint64_t nbits)
{
	for (uint64_t i = 0; i < nbits && doff + i < dbits; i++) {
		unsigned bit = (src[(soff + i) / 8] >> ((soff + i) % 8)) & 1;
		uint64_t d = doff + i;

		dst[d / 8] = (uint8_t)((dst[d / 8] & ~(1u << (d % 8))) | bit << (d % 8));
	}
}

static int read_pieces(const struct dbg_loc *l, const struct dbg_eval_ctx *c, uint8_t *buf,
		       size_t size, struct dbg_error *e)
{
	uint64_t at = 0;

	memset(buf, 0, size);
	for (size_t i = 0; i < l->npieces && at < (uint64_t)size * 8; i++) {
		const struct dbg_piece *p = &l->pieces[i];
		size_t bytes = ((size_t)p->bit_offset + p->bit_size + 7) / 8;
		uint8_t *tmp;
		int r;

		if (bytes > 65536)
			return dbg_fail(e, DBG_ECORRUPT, "giant piece in location");
		tmp = xcalloc(1, bytes + 8);
		r = dbg_loc_read(&p->loc, c, tmp, bytes, e);
		if (!r)
			copy_bits(buf, size * 8, at, tmp, p->bit_offset, p->bit_size);
		free(tmp);
		if (r)
			return r;
		at += p->bit_size;
	}
	return at < (uint64_t)size * 8 ? dbg_fail(e, DBG_EUNAVAIL, "value is only partly available") : 0;
}

int dbg_loc_read(const struct dbg_loc *l, const struct dbg_eval_ctx *c, void *buf, size_t size,
		 struct dbg_error *e)
{
	uint64_t v = 0;
	int r;

	switch (l->kind) {
	case DBG_LOC_MEMORY:
		r = dbg_ops_eval(l->ops, l->nops, c, false, 0, &v, e);
		if (r)
			return r;
		return c->read && c->read(c->data, v, buf, size)
			       ? 0 : dbg_fail(e, DBG_EUNAVAIL, "cannot read memory at 0x%llx",
					      (unsigned long long)v);
	case DBG_LOC_REGISTER:
		if (!c->reg || !c->reg(c->data, l->reg, &v))
			return dbg_fail(e, DBG_EUNAVAIL, "register %d is not available", l->reg);
		break;
	case DBG_LOC_VALUE:
		r = dbg_ops_eval(l->ops, l->nops, c, false, 0, &v, e);
		if (r)
			return r;
		break;
	case DBG_LOC_BYTES:
		memset(buf, 0, size);
		memcpy(buf, l->bytes, size < l->nbytes ? size : l->nbytes);
		return 0;
	case DBG_LOC_PIECES:
		return read_pieces(l, c, buf, size, e);
	default:
		return dbg_fail(e, DBG_EUNAVAIL, "no value here");
	}
	if (size > 8)
		return dbg_fail(e, DBG_EUNSUPPORTED, "value of %zu bytes in one register", size);
	memcpy(buf, &v, size);
	return 0;
}
