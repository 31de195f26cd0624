/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers from text and, for sprintf, to text: the same rules as out/format.c.
 *
 * A field is a row of parts: blanks, sign and prefix, zeros, digits, blanks.  Their
 * ends stand in tmp[0..4]; one loop then writes the byte of each position.
 */
#include "ir/ir.h"
#include "rt/mem.h"

RT_INLINE int digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 99;
}

/* One digit: tmp[0] = tmp[0] * tmp[1] + it. */
static long digit_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	int64_t d = digit_value(RT_BYTE(m, (uint32_t)rt_got(m, 2) + i));

	if (d >= rt_got(m, 1))
		return 1;
	rt_put(m, 0, (int64_t)((uint64_t)rt_got(m, 0) * (uint64_t)rt_got(m, 1) + (uint64_t)d));
	return 0;
}

long rt_strtol(struct rt_mem *m, uint32_t s, int64_t base)
{
	uint32_t neg;

	if (!m)
		return 0;
	neg = RT_BYTE(m, s) == '-';
	s += neg;
	rt_put(m, 0, 0);
	if (RT_BYTE(m, s) == '0' && (RT_BYTE(m, s + 1) | 32) == 'x' &&
	    digit_value(RT_BYTE(m, s + 2)) < 16) {
		if (base == 0)
			base = 16;
		if (base == 16)
			s += 2;
	} else if (base == 0) {
		base = RT_BYTE(m, s) == '0' ? 8 : 10;
	}
	rt_put(m, 1, base);
	rt_put(m, 2, s);
	rt_repeat(m, RT_STR_MAX, digit_step);
	return neg ? (long)(0 - (uint64_t)rt_got(m, 0)) : rt_got(m, 0);
}

/* Scratch bytes for a value's digits, last first: tmp[6..9], 32 bytes. */
RT_INLINE uint8_t *scratch(struct rt_mem *m)
{
	return (uint8_t *)&m->tmp[6];
}

RT_INLINE uint32_t put_digits(struct rt_mem *m, uint64_t v, uint32_t base, uint32_t letters)
{
	uint32_t n = 0;

	for (n = 0; n < 22; n++) {
		uint32_t d = (uint32_t)(v % base);

		scratch(m)[n] = (uint8_t)(d < 10 ? '0' + d : letters + d - 10);
		v /= base;
		if (!v)
			return n + 1;
	}
	return n;
}

/* %c, last byte first like digits. */
RT_INLINE uint32_t put_char(struct rt_mem *m, uint8_t c, uint32_t escape)
{
	uint8_t *t = scratch(m), e = 0;

	t[0] = c;
	if (!escape || (c >= 32 && c < 127 && c != '\'' && c != '\\'))
		return 1;
	if (c >= '\a' && c <= '\r')
		e = (uint8_t)(0x7266766e746261ull >> ((uint32_t)(c - '\a') * 8));	/* a b t n v f r */
	else if (c == '\'' || c == '\\')
		e = c;
	if (e) {
		t[0] = e;
		t[1] = '\\';
		return 2;
	}
	t[0] = (uint8_t)('0' + (c & 7));
	t[1] = (uint8_t)('0' + (c >> 3 & 7));
	t[2] = (uint8_t)('0' + (c >> 6));
	t[3] = '\\';
	return 4;
}

RT_INLINE int64_t field_clamp(int64_t v)
{
	return v < 0 ? 0 : v > RT_STR_MAX ? RT_STR_MAX : v;
}

/*
 * One byte of the field whose parts end at tmp[0..4]: blanks (tmp[11]), prefix (bytes of tmp[5], first lowest),
 * zeros, `n` digits of scratch, blanks.
 */
static long field_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	int64_t p = i;
	uint8_t c = (uint8_t)rt_got(m, 11);

	if (p >= rt_got(m, 4) || p + 1 >= m->arg[3])
		return 1;
	if (p >= rt_got(m, 0) && p < rt_got(m, 1))
		c = (uint8_t)((uint64_t)rt_got(m, 5) >> ((uint64_t)(p - rt_got(m, 0)) * 8 & 63));
	else if (p >= rt_got(m, 1) && p < rt_got(m, 2))
		c = '0';
	else if (p >= rt_got(m, 2) && p < rt_got(m, 3))
		c = scratch(m)[(uint32_t)(rt_got(m, 3) - 1 - p) & 31];
	RT_BYTE(m, (uint32_t)m->arg[2] + i) = c;
	return 0;
}

/* Writes the field; arg[2], arg[3] become the result's offset and size. */
RT_INLINE long put_field(struct rt_mem *m, uint32_t dst, uint32_t size)
{
	m->arg[2] = dst;
	m->arg[3] = size;
	rt_repeat_long(m, RT_STR_MAX, field_step);
	if (rt_got(m, 4) + 1 > (int64_t)size) {
		RT_BYTE(m, dst + size - 1) = 0;
		return (long)(size - 1) | RT_CUT;
	}
	RT_BYTE(m, dst + (uint32_t)rt_got(m, 4)) = 0;
	return rt_got(m, 4);
}

/* Sets the ends of the parts: `npre` prefix bytes and `n` digits in the field of width and precision. */
RT_INLINE void lay_out(struct rt_mem *m, int64_t npre, int64_t n, uint32_t flags)
{
	int64_t width = m->arg[0], prec = m->arg[1], zeros, room, lead = 0;

	width = width < -1 ? -width : width;
	width = width < 0 ? 0 : field_clamp(width);
	zeros = prec > n ? field_clamp(prec) - n : 0;
	room = width - npre - n - zeros;
	room = room < 0 ? 0 : room;
	if (!(flags & IR_FMT_MINUS)) {
		if (flags & IR_FMT_ZERO)
			zeros += room;
		else
			lead = room;
		room = 0;
	}
	rt_put(m, 0, lead);
	rt_put(m, 1, lead + npre);
	rt_put(m, 2, lead + npre + zeros);
	rt_put(m, 3, lead + npre + zeros + n);
	rt_put(m, 4, lead + npre + zeros + n + room);
}

RT_INLINE int64_t binary_size(int64_t n)
{
	return n == 1 || n == 2 || n == 4 || n == 8 ? n : 0;
}

/* %b: as many of the value's bytes as the precision, else the width, says; padded with zeros. */
RT_INLINE long put_binary(struct rt_mem *m, uint32_t dst, uint32_t size, uint64_t v, uint32_t flags)
{
	int64_t width = m->arg[0] < -1 ? -m->arg[0] : m->arg[0], n = binary_size(m->arg[1]);

	if (!n)
		n = binary_size(width);
	rt_put(m, 5, n ? n : 8);
	for (uint32_t i = 0; i < 8; i++)
		scratch(m)[((uint32_t)rt_got(m, 5) - 1 - i) & 31] = (uint8_t)(v >> (8 * i));
	m->arg[1] = -1;
	rt_put(m, 11, 0);
	lay_out(m, 0, rt_got(m, 5), flags & IR_FMT_MINUS);
	return put_field(m, dst, size);
}

long rt_fmt_int(struct rt_mem *m, uint32_t dst, uint32_t size, int64_t v, uint32_t spec)
{
	uint32_t conv = spec & 255, flags = spec >> 8 & 255, base = 10, letters = 'a', npre = 0;
	uint64_t u = (uint64_t)v, prefix = 0;

	if (!m || !size)
		return 0;
	if (conv == IR_CONV_BIN)
		return put_binary(m, dst, size, u, flags);
	rt_put(m, 11, ' ');
	if (conv == IR_CONV_CHAR) {
		m->arg[1] = -1;
		rt_put(m, 5, put_char(m, (uint8_t)v, flags & IR_FMT_ALT));
		lay_out(m, 0, rt_got(m, 5), flags & ~(uint32_t)IR_FMT_ZERO);
		return put_field(m, dst, size);
	}
	if (conv == IR_CONV_HEX || conv == IR_CONV_HEX_UP || conv == IR_CONV_PTR)
		base = 16;
	if (conv == IR_CONV_OCT)
		base = 8;
	if (conv == IR_CONV_HEX_UP)
		letters = 'A';
	if (conv == IR_CONV_INT) {
		if (v < 0) {
			prefix = '-';
			u = 0 - u;
		} else if (flags & IR_FMT_PLUS) {
			prefix = '+';
		} else if (flags & IR_FMT_SPACE) {
			prefix = ' ';
		}
		npre = prefix != 0;
	}
	if (conv == IR_CONV_PTR || (flags & IR_FMT_ALT)) {
		if (base == 16) {
			prefix = '0' | (uint64_t)(letters + 'x' - 'a') << 8;
			npre = 2;
		} else if (base == 8) {
			prefix = '0';
			npre = 1;
		}
	}
	rt_put(m, 5, put_digits(m, u, base, letters));
	lay_out(m, npre, rt_got(m, 5), flags);
	rt_put(m, 5, (int64_t)prefix);
	return put_field(m, dst, size);
}

RT_INLINE uint32_t hex_value(uint8_t c)
{
	return (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) & 15;
}

/* One byte of a string's field, which lies in tmp[0..1] of tmp[2] bytes; source in tmp[3], hex digits if tmp[4]. */
static long str_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	int64_t p = i;
	uint8_t c = ' ';

	if (p >= rt_got(m, 2) || p + 1 >= m->arg[3])
		return 1;
	if (p >= rt_got(m, 0) && p < rt_got(m, 1)) {
		uint32_t s = (uint32_t)rt_got(m, 3), at = (uint32_t)(p - rt_got(m, 0));

		if (rt_got(m, 4))
			c = (uint8_t)(hex_value(RT_BYTE(m, s + 2 * at)) << 4 |
				      hex_value(RT_BYTE(m, s + 2 * at + 1)));
		else
			c = RT_BYTE(m, s + at);
	}
	RT_BYTE(m, (uint32_t)m->arg[2] + i) = c;
	return 0;
}

long rt_fmt_str(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, uint32_t spec)
{
	int64_t n, width, pad;
	uint32_t left;

	if (!m || !size)
		return 0;
	left = spec >> 8 & IR_FMT_MINUS;
	n = (int64_t)rt_length(m, src, 0);
	rt_put(m, 4, (spec & 255) == IR_CONV_MEM);
	if (rt_got(m, 4))
		n /= 2;
	if (m->arg[1] >= 0 && n > m->arg[1])
		n = m->arg[1];
	width = m->arg[0] < -1 ? -m->arg[0] : m->arg[0];
	width = width < 0 ? 0 : field_clamp(width);
	pad = width > n ? width - n : 0;
	rt_put(m, 0, left ? 0 : pad);			/* where the string begins */
	rt_put(m, 1, (left ? 0 : pad) + n);		/* and ends */
	rt_put(m, 2, pad + n);
	rt_put(m, 3, src);
	m->arg[2] = dst;
	m->arg[3] = size;
	rt_repeat_long(m, RT_STR_MAX, str_step);
	if (rt_got(m, 2) + 1 > (int64_t)size) {
		RT_BYTE(m, dst + size - 1) = 0;
		return (long)(size - 1) | RT_CUT;
	}
	RT_BYTE(m, dst + (uint32_t)rt_got(m, 2)) = 0;
	return rt_got(m, 2);
}
