/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic of the IR; see compute.h. */
#include "ir/compute.h"

bool ir_compute(enum ir_op op, int64_t a, int64_t b, int64_t *r)
{
	uint64_t u = (uint64_t)a, v = (uint64_t)b;

	switch (op) {
	case IR_ADD: *r = (int64_t)(u + v); return true;
	case IR_SUB: *r = (int64_t)(u - v); return true;
	case IR_MUL: *r = (int64_t)(u * v); return true;
	case IR_DIV:
	case IR_MOD:
		if (b == 0)
			return false;
		if (b == -1)
			*r = op == IR_DIV ? (int64_t)(0 - u) : 0;
		else
			*r = op == IR_DIV ? a / b : a % b;
		return true;
	case IR_AND: *r = a & b; return true;
	case IR_OR: *r = a | b; return true;
	case IR_XOR: *r = a ^ b; return true;
	case IR_SHL: *r = (int64_t)(u << (v & 63)); return true;
	case IR_SHR: *r = a >> (v & 63); return true;
	case IR_USHR: *r = (int64_t)(u >> (v & 63)); return true;
	case IR_EQ: *r = a == b; return true;
	case IR_NE: *r = a != b; return true;
	case IR_LT: *r = a < b; return true;
	case IR_LE: *r = a <= b; return true;
	case IR_GT: *r = a > b; return true;
	case IR_GE: *r = a >= b; return true;
	case IR_ULT: *r = u < v; return true;
	default: return false;
	}
}

bool ir_compute_unary(enum ir_op op, int64_t imm, int64_t a, int64_t *r)
{
	uint64_t u = (uint64_t)a;

	switch (op) {
	case IR_NEG: *r = (int64_t)(0 - u); return true;
	case IR_NOT: *r = ~a; return true;
	case IR_LNOT: *r = !a; return true;
	case IR_SEXT: *r = (int64_t)(u << (64 - imm)) >> (64 - imm); return true;
	case IR_ZEXT: *r = (int64_t)(u & ((1ull << imm) - 1)); return true;
	case IR_BSWAP:
		*r = imm == 16 ? (int64_t)__builtin_bswap16((uint16_t)u) :
		     imm == 32 ? (int64_t)__builtin_bswap32((uint32_t)u) : (int64_t)__builtin_bswap64(u);
		return true;
	default: return false;
	}
}
