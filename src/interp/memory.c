/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the target process or the kernel, read through the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/state.h"

static bool is_user(enum ir_op op)
{
	switch (op) {
	case IR_KLOAD: case IR_KSTR: case IR_KSTR_QUOTED: case IR_KBUF:
	case IR_KBUF_QUOTED:
		return false;
	default:
		return true;
	}
}

static bool fetch(struct interp *in, enum ir_op op, uint64_t addr, void *buf, size_t n)
{
	const struct interp_env *env = in->env;
	int (*read)(void *, uint64_t, void *, size_t) = is_user(op) ? env->read_user : env->read_kernel;

	return read && read(env->ctx, addr, buf, n) == 0;
}

int64_t interp_memory_int(struct interp *in, const struct ir_expr *e)
{
	uint64_t addr = (uint64_t)interp_int(in, e->args[0]), v = 0;
	char probe;

	if (e->op == IR_ULOAD || e->op == IR_KLOAD) {
		if (!fetch(in, e->op, addr, &v, (size_t)e->imm)) {
			interp_fail(in, e->op == IR_ULOAD ? WERR_UREAD_FAULT : WERR_KREAD_FAULT,
				    (int64_t)addr, e);
			return 0;
		}
		return (int64_t)v;
	}
	for (int64_t n = interp_int(in, e->args[1]), i = 0; i < n;) {
		if (!fetch(in, e->op, addr + (uint64_t)i, &probe, 1))
			return 0;
		i = i + 4096 < n || i == n - 1 ? i + 4096 : n - 1;
	}
	return 1;
}

/*
 * The string at `addr`, at most `max` bytes, appended to b; false: unreadable.
 * Read in pieces that do not cross a page, so that a string before a hole is whole.
 */
static bool fetch_string(struct interp *in, enum ir_op op, uint64_t addr, size_t max, struct out_buf *b)
{
	char piece[256];

	while (b->len < max) {
		size_t n = sizeof(piece) - (addr & (sizeof(piece) - 1)), got;

		if (n > max - b->len)
			n = max - b->len;
		if (!fetch(in, op, addr, piece, n))
			return false;
		got = strnlen(piece, n);
		out_buf_add(b, piece, got);
		if (got < n)
			break;
		addr += n;
	}
	return true;
}

static void add_utf8(struct out_buf *b, uint32_t c)
{
	if (c < 0x80) {
		out_buf_pad(b, (char)c, 1);
		return;
	}
	if (c < 0x800) {
		out_buf_pad(b, (char)(0xc0 | c >> 6), 1);
	} else {
		if (c < 0x10000) {
			out_buf_pad(b, (char)(0xe0 | c >> 12), 1);
		} else {
			out_buf_pad(b, (char)(0xf0 | c >> 18), 1);
			out_buf_pad(b, (char)(0x80 | (c >> 12 & 0x3f)), 1);
		}
		out_buf_pad(b, (char)(0x80 | (c >> 6 & 0x3f)), 1);
	}
	out_buf_pad(b, (char)(0x80 | (c & 0x3f)), 1);
}

/* UTF-16 or UTF-32 to UTF-8; false: unreadable or not valid. */
static bool fetch_wide(struct interp *in, const struct ir_expr *e, uint64_t addr, size_t max,
		       struct out_buf *b)
{
	size_t unit = e->op == IR_USTR_UTF16 ? 2 : 4;
	enum ir_op op = e->imm ? IR_KSTR : e->op;

	for (;;) {
		uint32_t c = 0, low = 0;

		if (!fetch(in, op, addr, &c, unit))
			return false;
		addr += unit;
		if (unit == 2 && c >= 0xd800 && c < 0xdc00) {
			if (!fetch(in, op, addr, &low, unit) || low < 0xdc00 || low > 0xdfff)
				return false;
			addr += unit;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
		if (!c || b->len + 4 > max)
			return true;
		if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		add_utf8(b, c);
	}
}

static uint32_t address_text(struct interp *in, const struct ir_expr *e, uint64_t addr)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)addr);
	return interp_push_text(in, hex, strlen(hex), e->bound);
}

static uint32_t quoted(struct interp *in, const struct ir_expr *e, uint64_t addr, int64_t max)
{
	uint32_t src, dst;
	struct out_buf b = { 0 };
	size_t limit = in->m->maxstr - 1;

	if (max >= 0 && (uint64_t)max < limit)
		limit = (size_t)max;
	if (!fetch_string(in, e->op, addr, limit, &b)) {
		out_buf_free(&b);
		return address_text(in, e, addr);
	}
	src = interp_push_text(in, b.p ? b.p : "", b.len, in->m->maxstr);
	dst = interp_push(in, e->bound);
	in->mem->arg[0] = 0;
	in->mem->arg[1] = 1;
	rt_text_str(in->mem, dst, e->bound, src);
	out_buf_free(&b);
	return dst;
}

static bool fetch_hex(struct interp *in, enum ir_op op, uint64_t addr, int64_t n, size_t max,
		      struct out_buf *b)
{
	for (int64_t i = 0; i < n && b->len + 2 <= max; i++) {
		unsigned char c;

		if (!fetch(in, op, addr + (uint64_t)i, &c, 1))
			return false;
		out_buf_printf(b, "%02x", c);
	}
	return true;
}

static uint32_t quoted_bytes(struct interp *in, const struct ir_expr *e, uint64_t addr, int64_t n)
{
	int64_t most = interp_int(in, e->args[2]), limit = in->m->maxstr - 1;
	uint32_t src = interp_push(in, in->m->maxstr), dst = interp_push(in, e->bound);

	if (most > 0 && most < limit - RT_LOOK_AHEAD)
		limit = most + RT_LOOK_AHEAD;
	n = n < 0 ? 0 : n > limit ? limit : n;
	if (!fetch(in, e->op, addr, in->mem->b + src, (size_t)n)) {
		if (e->imm)
			return address_text(in, e, addr);
		interp_fail(in, is_user(e->op) ? WERR_USTR_FAULT : WERR_KSTR_FAULT, (int64_t)addr, e);
		n = 0;
	}
	in->mem->b[src + n] = 0;
	in->mem->arg[0] = most;
	in->mem->arg[2] = n;
	rt_text_buf(in->mem, dst, e->bound, src);
	return dst;
}

uint32_t interp_memory_str(struct interp *in, const struct ir_expr *e)
{
	uint64_t addr = (uint64_t)interp_int(in, e->args[0]);
	int64_t n = e->nargs > 1 ? interp_int(in, e->args[1]) : -1;
	size_t max = e->bound - 1;
	struct out_buf b = { 0 };
	bool ok;
	uint32_t at;

	if (e->op == IR_USTR_QUOTED || e->op == IR_KSTR_QUOTED)
		return quoted(in, e, addr, n);
	if (e->op == IR_UBUF_QUOTED || e->op == IR_KBUF_QUOTED)
		return quoted_bytes(in, e, addr, n);
	if (e->op == IR_UBUF || e->op == IR_KBUF)
		ok = fetch_hex(in, e->op, addr, n, max, &b);
	else if (e->op == IR_USTR_UTF16 || e->op == IR_USTR_UTF32)
		ok = fetch_wide(in, e, addr, max, &b);
	else
		ok = fetch_string(in, e->op, addr, n >= 0 && (size_t)n < max ? (size_t)n : max, &b);
	if (!ok) {
		b.len = 0;
		interp_fail(in, is_user(e->op) && !e->imm ? WERR_USTR_FAULT : WERR_KSTR_FAULT, (int64_t)addr, e);
	}
	at = interp_push_text(in, b.p ? b.p : "", b.len, e->bound);
	out_buf_free(&b);
	return at;
}
