/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printf of the script language.  It differs from C's: all integers have 64
 * bits, '#' puts the prefix before a zero too and escapes %c, '0' pads numbers even with a
 * precision, a negative precision is 0, %b writes raw bytes, %m and %M memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/fmt.h"
#include "out/format.h"

#define FEW_ARGS 32	/* of a print, that need no allocation */
#define MAX_FIELD 8192

struct field {
	enum ir_conv conv;
	unsigned flags;
	int64_t width, prec;	/* -1: none */
};

static unsigned digits_of(char *tmp, uint64_t v, unsigned base, const char *digits)
{
	unsigned n = 0;

	do {
		tmp[n++] = digits[v % base];
		v /= base;
	} while (v);
	return n;
}

static void put_number(struct out_buf *b, const struct field *f, uint64_t v, unsigned base, bool is_signed)
{
	bool upper = f->conv == IR_CONV_HEX_UP, left = f->flags & IR_FMT_MINUS;
	bool zero = (f->flags & IR_FMT_ZERO) && !left;
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	const char *prefix = "";
	char tmp[66], text[80], sign = 0;
	unsigned n, len = 0;
	int64_t room;

	if (is_signed && (int64_t)v < 0) {
		sign = '-';
		v = 0 - v;
	} else if (is_signed && (f->flags & IR_FMT_PLUS)) {
		sign = '+';
	} else if (is_signed && (f->flags & IR_FMT_SPACE)) {
		sign = ' ';
	}
	if (f->flags & IR_FMT_ALT)
		prefix = base == 8 ? "0" : base == 16 ? (upper ? "0X" : "0x") : "";
	n = digits_of(tmp, v, base, digits);
	room = f->width - (int64_t)strlen(prefix) - (sign != 0) - (f->prec > n ? f->prec : n);
	if (!zero && !left)
		out_buf_pad(b, ' ', room);
	if (sign)
		text[len++] = sign;
	while (*prefix)
		text[len++] = *prefix++;
	out_buf_add(b, text, len);
	if (zero)
		out_buf_pad(b, '0', room);
	out_buf_pad(b, '0', f->prec - n);
	for (len = 0; len < n; len++)
		text[len] = tmp[n - 1 - len];
	out_buf_add(b, text, n);
	if (left)
		out_buf_pad(b, ' ', room);
}

/* A byte as %c shows it; with '#' as a C escape.  Returns its length. */
static unsigned char_text(char *out, unsigned char c, bool escape)
{
	static const char named[] = "\aa\bb\ff\nn\rr\tt\vv''\\\\";

	if (!escape || (c >= 32 && c < 127 && c != '\'' && c != '\\')) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	for (const char *p = named; *p; p += 2)
		if ((unsigned char)*p == c) {
			out[1] = p[1];
			return 2;
		}
	out[1] = (char)('0' + (c >> 6));
	out[2] = (char)('0' + (c >> 3 & 7));
	out[3] = (char)('0' + (c & 7));
	return 4;
}

static void put_padded(struct out_buf *b, const struct field *f, const char *s, size_t n)
{
	int64_t room = f->width - (int64_t)n;

	if (!(f->flags & IR_FMT_MINUS))
		out_buf_pad(b, ' ', room);
	out_buf_add(b, s, n);
	if (f->flags & IR_FMT_MINUS)
		out_buf_pad(b, ' ', room);
}

static bool binary_size(int64_t n)
{
	return n == 1 || n == 2 || n == 4 || n == 8;
}

static void put_binary(struct out_buf *b, const struct field *f, uint64_t v)
{
	int64_t prec = binary_size(f->prec) ? f->prec : -1, width = f->width;
	char bytes[8];

	if (prec < 0)
		prec = binary_size(width) ? width : 8;
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(v >> (8 * i));
	if (!(f->flags & IR_FMT_MINUS))
		out_buf_pad(b, 0, width - prec);
	out_buf_add(b, bytes, (size_t)prec);
	if (f->flags & IR_FMT_MINUS)
		out_buf_pad(b, 0, width - prec);
}

static void put_string(struct out_buf *b, const struct field *f, const char *s, size_t n,
		       const struct out_defer *d)
{
	struct out_buf text = { 0 };

	if (memchr(s, WIRE_DEFER_OPEN, n)) {
		out_expand(&text, d, s, n);
		s = text.p ? text.p : "";
		n = text.len;
	}
	if (f->prec >= 0 && (size_t)f->prec < n)
		n = (size_t)f->prec;
	put_padded(b, f, s, n);
	if (f->flags & IR_FMT_ZERO)
		out_buf_pad(b, 0, 1);
	out_buf_free(&text);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The argument of %m and %M is the memory in hex digits. */
static void put_memory(struct out_buf *b, const struct field *f, const char *s, size_t n)
{
	struct out_buf raw = { 0 };

	if (f->conv == IR_CONV_MEM_HEX) {
		put_padded(b, f, s, n);
		return;
	}
	for (size_t i = 0; i + 1 < n && hex_digit(s[i]) >= 0 && hex_digit(s[i + 1]) >= 0; i += 2)
		out_buf_pad(&raw, (char)(hex_digit(s[i]) << 4 | hex_digit(s[i + 1])), 1);
	put_padded(b, f, raw.p, raw.len);
	out_buf_free(&raw);
}

static void put_value(struct out_buf *b, struct field *f, const struct out_arg *a,
		      const struct out_defer *d)
{
	char text[4];

	switch (f->conv) {
	case IR_CONV_INT:
		put_number(b, f, (uint64_t)a->i, 10, true);
		break;
	case IR_CONV_UINT:
		put_number(b, f, (uint64_t)a->i, 10, false);
		break;
	case IR_CONV_OCT:
		put_number(b, f, (uint64_t)a->i, 8, false);
		break;
	case IR_CONV_PTR:
		f->flags |= IR_FMT_ALT;
		put_number(b, f, (uint64_t)a->i, 16, false);
		break;
	case IR_CONV_HEX:
	case IR_CONV_HEX_UP:
		put_number(b, f, (uint64_t)a->i, 16, false);
		break;
	case IR_CONV_CHAR:
		put_padded(b, f, text, char_text(text, (unsigned char)a->i, f->flags & IR_FMT_ALT));
		break;
	case IR_CONV_BIN:
		put_binary(b, f, (uint64_t)a->i);
		break;
	case IR_CONV_STR:
		put_string(b, f, a->s, a->len, d);
		break;
	case IR_CONV_MEM:
	case IR_CONV_MEM_HEX:
		put_memory(b, f, a->s, a->len);
		break;
	case IR_CONV_TEXT:
		break;
	}
}

static int64_t clamp(int64_t v)
{
	return v < 0 ? 0 : v > MAX_FIELD ? MAX_FIELD : v;
}

static bool wants_string(enum ir_conv conv)
{
	return conv == IR_CONV_STR || conv == IR_CONV_MEM || conv == IR_CONV_MEM_HEX;
}

/* Width and precision of a piece; false if a '*' has no argument. */
static bool read_sizes(struct field *f, const struct ir_piece *p, const struct out_arg *args,
		       size_t nargs, size_t *next)
{
	f->width = p->width < 0 ? -1 : clamp(p->width);
	f->prec = p->prec < 0 ? -1 : clamp(p->prec);
	if (p->width_arg) {
		if (*next >= nargs || args[*next].s)
			return false;
		f->width = (int32_t)args[(*next)++].i;
		if (f->width < 0) {
			f->flags |= IR_FMT_MINUS;
			f->width = -f->width;
		}
		f->width = clamp(f->width);
	}
	if (p->prec_arg) {
		if (*next >= nargs || args[*next].s)
			return false;
		f->prec = clamp((int32_t)args[(*next)++].i);
	}
	return true;
}

int out_format(struct out_buf *b, const struct ir_format *fmt, const struct out_arg *args, size_t nargs,
	       const struct out_defer *d)
{
	size_t next = 0, start = b->len;

	for (size_t i = 0; i < arrlenu(fmt->pieces); i++) {
		const struct ir_piece *p = &fmt->pieces[i];
		struct field f = { .conv = p->conv, .flags = p->flags };

		if (p->conv == IR_CONV_TEXT) {
			out_buf_add(b, p->text, p->text_len);
			continue;
		}
		if (!read_sizes(&f, p, args, nargs, &next) || next >= nargs ||
		    wants_string(p->conv) != (args[next].s != NULL)) {
			b->len = start;
			return -EINVAL;
		}
		put_value(b, &f, &args[next++], d);
	}
	return 0;
}

bool out_wire_str(const void *payload, size_t size, size_t *pos, const struct out_defer *d, struct out_buf *made,
		  struct out_arg *s)
{
	const char *p = payload;
	uint32_t head[2];

	if (size < 8 || *pos > size - 8)
		return false;
	memcpy(head, p + *pos, sizeof(head));
	if (head[0] > size - 8 - *pos)
		return false;
	p += *pos + 8;
	*pos += 8 + (((size_t)head[0] + 7) & ~(size_t)7);
	if (*pos > size)
		*pos = size;
	*s = (struct out_arg){ .s = p, .len = head[0] };
	if (head[1] == WIRE_TEXT_PLAIN)
		return true;
	*s = (struct out_arg){ .i = (int64_t)made->len };
	if (d && d->make)
		d->make(d->maker, head[1], p, head[0], made);
	s->len = (uint32_t)(made->len - (size_t)s->i);
	return true;
}

static const char is_made[] = "";	/* stands for a text in `made`, which may move until all are made */

/* The arguments of a payload; how many, or -1 if it has not enough. */
static int wire_args(const struct ir_format *fmt, const void *payload, size_t size, const struct out_defer *d,
		     struct out_buf *made, struct out_arg *args)
{
	size_t pos = 0;
	int n = 0;

	for (size_t i = 0; i < arrlenu(fmt->pieces); i++) {
		const struct ir_piece *p = &fmt->pieces[i];
		int ints = p->width_arg + p->prec_arg + !wants_string(p->conv);

		if (p->conv == IR_CONV_TEXT)
			continue;
		for (; ints > 0; ints--, pos += 8) {
			if (size < 8 || pos > size - 8)
				return -1;
			args[n] = (struct out_arg){ 0 };
			memcpy(&args[n++].i, (const char *)payload + pos, 8);
		}
		if (!wants_string(p->conv))
			continue;
		if (!out_wire_str(payload, size, &pos, d, made, &args[n]))
			return -1;
		if (!args[n].s)
			args[n].s = is_made;
		n++;
	}
	return n;
}

int out_format_wire(struct out_buf *b, const struct ir_format *fmt, const void *payload, size_t size,
		    const struct out_defer *d)
{
	uint32_t most = ir_format_args(fmt, NULL, 0);
	struct out_arg few[FEW_ARGS], *args = most > FEW_ARGS ? xcalloc(most, sizeof(*args)) : few;
	struct out_buf made = { 0 };
	int n = wire_args(fmt, payload, size, d, &made, args), err = -EINVAL;

	for (int i = 0; i < n; i++)
		if (args[i].s == is_made)
			args[i].s = made.len ? made.p + args[i].i : "";
	if (n >= 0)
		err = out_format(b, fmt, args, (size_t)n, d);
	out_buf_free(&made);
	if (args != few)
		free(args);
	return err;
}
