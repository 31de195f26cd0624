/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings with unprintable bytes escaped as in C and UTF-8 as \uXXXX, within a
 * given length; quoted ones that had to be cut end in "...", never inside an escape.  Bytes in which NUL is one like
 * others, too.
 *
 * State of the loop, in tmp[]: 0 input position, 1 output position, 2 room left,
 * 3 the character read last, 4 begin and 5 length of the escape that truncation could split,
 * 6 the result's and 7 the source's offset, 8 whether it was cut, 9 the bytes of the source, -1: up to a NUL.
 */
#include "rt/mem.h"

enum { IN, OUT, ROOM, LAST, ESC, ESC_LEN, DST, SRC, CUT, LEN };

/* Decodes one character at `p` to tmp[LAST]; returns its bytes. What is not valid UTF-8 is one byte. */
RT_INLINE uint32_t decode(struct rt_mem *m, uint32_t p)
{
	uint32_t b = RT_BYTE(m, p), b1 = RT_BYTE(m, p + 1), b2 = RT_BYTE(m, p + 2),
		 b3 = RT_BYTE(m, p + 3), c;

	rt_put(m, LAST, b);
	if ((b & 0xe0) == 0xc0 && (b1 & 0xc0) == 0x80) {
		c = (b & 0x1f) << 6 | (b1 & 0x3f);
		if (c < 0x80)
			return 1;
		rt_put(m, LAST, c);
		return 2;
	}
	if ((b & 0xf0) == 0xe0 && (b1 & 0xc0) == 0x80 && (b2 & 0xc0) == 0x80) {
		c = (b & 0xf) << 12 | (b1 & 0x3f) << 6 | (b2 & 0x3f);
		if (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))
			return 1;
		rt_put(m, LAST, c);
		return 3;
	}
	if ((b & 0xf8) == 0xf0 && (b1 & 0xc0) == 0x80 && (b2 & 0xc0) == 0x80 && (b3 & 0xc0) == 0x80) {
		c = (b & 7) << 18 | (b1 & 0x3f) << 12 | (b2 & 0x3f) << 6 | (b3 & 0x3f);
		if (c < 0x10000 || c > 0x10ffff)
			return 1;
		rt_put(m, LAST, c);
		return 4;
	}
	return 1;
}

/* The letter of a short escape, 0: none. */
RT_INLINE uint32_t escape_letter(uint32_t c)
{
	if (c >= '\a' && c <= '\r')
		return (uint8_t)(0x7266766e746261ull >> ((c - '\a') * 8));	/* a b t n v f r */
	return c == '"' || c == '\\' ? c : 0;
}

RT_INLINE uint32_t hex(uint32_t nibble)
{
	return nibble < 10 ? '0' + nibble : 'A' - 10 + nibble;
}

/* Length of the character's text: 1 as it is, 2 short, 4 octal, 6 or 10 Unicode. */
RT_INLINE uint32_t text_size(uint32_t c, uint32_t bytes)
{
	if (bytes > 1)
		return c <= 0xffff ? 6 : 10;
	if (c >= 32 && c < 127 && c != '"' && c != '\\')
		return 1;
	return escape_letter(c) ? 2 : 4;
}

RT_INLINE void put_text(struct rt_mem *m, uint32_t o, uint32_t c, uint32_t num)
{
	if (num == 1) {
		RT_BYTE(m, o) = (uint8_t)c;
		return;
	}
	RT_BYTE(m, o) = '\\';
	if (num == 2) {
		RT_BYTE(m, o + 1) = (uint8_t)escape_letter(c);
	} else if (num == 4) {
		RT_BYTE(m, o + 1) = (uint8_t)('0' + (c >> 6 & 3));
		RT_BYTE(m, o + 2) = (uint8_t)('0' + (c >> 3 & 7));
		RT_BYTE(m, o + 3) = (uint8_t)('0' + (c & 7));
	} else {
		RT_BYTE(m, o + 1) = num == 6 ? 'u' : 'U';
		for (uint32_t i = 0; i < 8; i++)
			if (i < num - 2)
				RT_BYTE(m, o + 2 + i) = (uint8_t)hex(c >> ((num - 3 - i) * 4) & 15);
	}
}

/* Ends a quoted text; what was cut makes place for the dots. */
RT_INLINE void put_end(struct rt_mem *m, uint32_t dst, uint32_t cut)
{
	int64_t out = rt_got(m, OUT);

	if (cut) {
		int64_t at = out - 3 + rt_got(m, ROOM);

		if (rt_got(m, ESC) >= 0 && rt_got(m, ESC) < at && at < rt_got(m, ESC) + rt_got(m, ESC_LEN))
			at = rt_got(m, ESC);
		out = at < 1 ? 1 : at;
	}
	RT_BYTE(m, dst + (uint32_t)out) = '"';
	out++;
	for (uint32_t i = 0; cut && i < 3; i++, out++)
		RT_BYTE(m, dst + (uint32_t)out) = '.';
	rt_put(m, OUT, out);
}

/* One character; 1: the end or no more room. */
static long text_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t in = (uint32_t)rt_got(m, IN), bytes = decode(m, (uint32_t)rt_got(m, SRC) + in), num;
	uint32_t c = (uint32_t)rt_got(m, LAST);

	if (rt_got(m, LEN) < 0 ? !c : in >= rt_got(m, LEN))
		return 1;
	rt_put(m, CUT, 1);
	if (rt_got(m, ROOM) <= 0)
		return 1;
	num = text_size(c, bytes);
	if (num > 1 && rt_got(m, ESC) < 0 && rt_got(m, ROOM) - 3 < num) {
		rt_put(m, ESC, rt_got(m, OUT));
		rt_put(m, ESC_LEN, num);
	}
	if (rt_got(m, ROOM) < num)
		return 1;
	rt_put(m, CUT, 0);
	put_text(m, (uint32_t)rt_got(m, DST) + (uint32_t)rt_got(m, OUT), c, num);
	rt_put(m, IN, rt_got(m, IN) + bytes);
	rt_put(m, OUT, rt_got(m, OUT) + num);
	rt_put(m, ROOM, rt_got(m, ROOM) - num);
	return 0;
}

RT_INLINE long text(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, int64_t len)
{
	int64_t room;
	uint32_t quoted, cut;

	if (!m || !size)
		return 0;
	room = m->arg[0];
	quoted = len >= 0 || m->arg[1] != 0;
	if (room <= 0 || room > (int64_t)size - 1)
		room = (int64_t)size - 1;
	if (quoted) {
		if (size < 6) {
			RT_BYTE(m, dst) = 0;
			return RT_CUT;
		}
		room = (room < 5 ? 5 : room) - 2;
		RT_BYTE(m, dst) = '"';
	}
	rt_put(m, IN, 0);
	rt_put(m, OUT, quoted);
	rt_put(m, ROOM, room);
	rt_put(m, ESC, -1);
	rt_put(m, ESC_LEN, 0);
	rt_put(m, DST, dst);
	rt_put(m, SRC, src);
	rt_put(m, CUT, 0);
	rt_put(m, LEN, len);
	rt_repeat_long(m, RT_STR_MAX, text_step);
	cut = rt_got(m, CUT) != 0;
	if (quoted)
		put_end(m, dst, cut);
	RT_BYTE(m, dst + (uint32_t)rt_got(m, OUT)) = 0;
	return rt_got(m, OUT) | (cut && !quoted && m->arg[0] <= 0 ? RT_CUT : 0);
}

long rt_text_str(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	return text(m, dst, size, src, -1);
}

long rt_text_buf(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	return m ? text(m, dst, size, src, m->arg[2] < 0 ? 0 : m->arg[2]) : 0;
}
