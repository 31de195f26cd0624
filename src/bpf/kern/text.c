/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that only kernel handlers make: deferred fields, hex digits, wide characters. */
#include "bpf/kern/put.h"
#include "ir/wire.h"

#define STACK_FRAMES	128	/* of a stack as text; it is their room that bounds them */

/*
 * Deferred text (ir/wire.h): letter, then arg[0] unless negative, then arg[1], in hex.  A field that does not fit
 * is no use cut: the result is "" then.
 */
long bk_defer(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t letter)
{
	if (!m || !size)
		return 0;
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	put(m, dst, WIRE_DEFER_OPEN);
	put(m, dst, (uint8_t)letter);
	if (m->arg[0] >= 0) {
		put_hex(m, dst, (uint64_t)m->arg[0]);
		put(m, dst, ',');
	}
	put_hex(m, dst, (uint64_t)m->arg[1]);
	put(m, dst, WIRE_DEFER_CLOSE);
	if (rt_got(m, POS) >= (int64_t)size) {
		RT_BYTE(m, dst) = 0;
		return RT_CUT;
	}
	return finish(m, dst, size);
}

enum { STEP_DST = 5, STEP_SRC, STEP_LETTER };

static long stack_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t dst = (uint32_t)rt_got(m, STEP_DST), src = (uint32_t)rt_got(m, STEP_SRC);

	if ((int64_t)RT_WORD(m, src) < 8 * (int64_t)i + 8 || rt_got(m, POS) + 21 > rt_got(m, SIZE))
		return 1;
	if (rt_got(m, STEP_LETTER)) {
		put(m, dst, ',');
	} else {
		if (i)
			put(m, dst, ' ');
		put(m, dst, '0');
		put(m, dst, 'x');
	}
	put_hex(m, dst, RT_WORD(m, src + 8 + 8 * i));
	return 0;
}

/*
 * A saved stack (count of bytes, then addresses, at offset src) as text: letter 0: addresses "0x1 0x2 ..."; else a
 * deferred backtrace of process arg[0].  As many frames as fit.
 */
long bk_stack(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, uint32_t letter)
{
	if (!m || !size)
		return 0;
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	rt_put(m, STEP_DST, dst);
	rt_put(m, STEP_SRC, src);
	rt_put(m, STEP_LETTER, letter);
	if (letter) {
		put(m, dst, WIRE_DEFER_OPEN);
		put(m, dst, (uint8_t)letter);
		put_hex(m, dst, (uint64_t)m->arg[0]);
	}
	rt_repeat_long(m, STACK_FRAMES, stack_step);
	if (rt_got(m, STEP_LETTER))
		put(m, dst, WIRE_DEFER_CLOSE);
	return finish(m, dst, size);
}

static long hex_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint8_t c;

	if (i >= m->arg[0])
		return 1;
	c = RT_BYTE(m, (uint32_t)rt_got(m, STEP_SRC) + i);
	put(m, (uint32_t)rt_got(m, STEP_DST), hex_digit(c >> 4));
	put(m, (uint32_t)rt_got(m, STEP_DST), hex_digit(c));
	return 0;
}

RT_INLINE void convert(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src, rt_step *step)
{
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	rt_put(m, STEP_DST, dst);
	rt_put(m, STEP_SRC, src);
	rt_repeat(m, RT_STR_MAX, step);
}

/* arg[0] bytes at src as two hex digits each. */
long bk_hex(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	if (!m || !size)
		return 0;
	convert(m, dst, size, src, hex_step);
	return finish(m, dst, size);
}

RT_INLINE void put_utf8(struct rt_mem *m, uint32_t dst, uint32_t c)
{
	if (c < 0x80) {
		put(m, dst, (uint8_t)c);
	} else if (c < 0x800) {
		put(m, dst, (uint8_t)(0xc0 | c >> 6));
		put(m, dst, (uint8_t)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		put(m, dst, (uint8_t)(0xe0 | c >> 12));
		put(m, dst, (uint8_t)(0x80 | (c >> 6 & 63)));
		put(m, dst, (uint8_t)(0x80 | (c & 63)));
	} else {
		put(m, dst, (uint8_t)(0xf0 | (c >> 18 & 7)));
		put(m, dst, (uint8_t)(0x80 | (c >> 12 & 63)));
		put(m, dst, (uint8_t)(0x80 | (c >> 6 & 63)));
		put(m, dst, (uint8_t)(0x80 | (c & 63)));
	}
}

enum { HIGH = 3, WIDE_DST, WIDE_SRC };

/* Two bytes of the source: a unit, or half of one of UTF-32. */
static long wide_step(uint32_t n, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t i = 2 * n, src = (uint32_t)m->tmp[WIDE_SRC] + i;
	uint32_t c = RT_BYTE(m, src) | (uint32_t)RT_BYTE(m, src + 1) << 8;

	if (m->arg[1] == 4 && (i & 2))
		return 0;
	if (m->arg[1] == 4)
		c |= (uint32_t)RT_BYTE(m, src + 2) << 16 | (uint32_t)RT_BYTE(m, src + 3) << 24;
	if (i >= m->arg[0] || !c || rt_got(m, POS) >= rt_got(m, SIZE))
		return 1;
	if (m->arg[1] == 2 && (c & 0xfc00) == 0xd800) {
		rt_put(m, HIGH, c);
		return 0;
	}
	if (rt_got(m, HIGH) && (c & 0xfc00) == 0xdc00)
		c = 0x10000 + (((uint32_t)rt_got(m, HIGH) & 0x3ff) << 10) + (c & 0x3ff);
	rt_put(m, HIGH, 0);
	put_utf8(m, (uint32_t)m->tmp[WIDE_DST], c);
	return 0;
}

/* UTF-16 (arg[1] = 2) or UTF-32 (4) in arg[0] bytes at src, up to a zero unit, as UTF-8. */
long bk_wide(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	if (!m || !size)
		return 0;
	rt_put(m, POS, 0);
	rt_put(m, SIZE, size);
	rt_put(m, HIGH, 0);
	m->tmp[WIDE_DST] = dst;
	m->tmp[WIDE_SRC] = src;
	rt_repeat_long(m, RT_STR_MAX / 2, wide_step);
	return finish(m, dst, size);
}

static long args_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t dst = (uint32_t)rt_got(m, STEP_DST), src = (uint32_t)rt_got(m, STEP_SRC);
	uint8_t c;

	if (i >= m->arg[0])
		return 1;
	c = RT_BYTE(m, src + i);
	if (c) {
		put(m, dst, c);
		return 0;
	}
	if (i && !RT_BYTE(m, src + i - 1)) {
		put(m, dst, '"');
		put(m, dst, '"');
	}
	if (i + 1 < m->arg[0])
		put(m, dst, ' ');
	return 0;
}

/* arg[0] bytes at src as the arguments of a process: each ends with NUL, an empty one but the first is shown as "". */
long bk_args(struct rt_mem *m, uint32_t dst, uint32_t size, uint32_t src)
{
	if (!m || !size)
		return 0;
	convert(m, dst, size, src, args_step);
	return finish(m, dst, size);
}

enum { NAME = 3, BUF, INSIDE };

/* Looks at 64 bytes of the environment at arg[0]. */
static long env_step(uint32_t i, void *ctx)
{
	struct rt_mem *m = *(struct rt_mem **)ctx;
	uint32_t buf = (uint32_t)m->tmp[BUF], name = (uint32_t)m->tmp[NAME];
	uint64_t at = (uint64_t)m->arg[0];

	if (at >= (uint64_t)m->arg[1] || bpf_probe_read_user(&RT_WORD(m, buf), 64, (void *)at))
		return 1;
	for (uint32_t k = 0; k < 64 && !m->tmp[INSIDE]; k++) {
		uint8_t c = RT_BYTE(m, name + k);

		if (!c && RT_BYTE(m, buf + k) == '=') {
			m->arg[2] = (int64_t)(at + k + 1);
			return 1;
		}
		if (!c || RT_BYTE(m, buf + k) != c)
			break;
	}
	rt_put(m, INSIDE, 1);
	m->arg[0] = (int64_t)(at + 64);
	for (uint32_t k = 0; k < 64; k++) {
		if (RT_BYTE(m, buf + k))
			continue;
		m->arg[0] = (int64_t)(at + k + 1);
		rt_put(m, INSIDE, 0);
		break;
	}
	return 0;
}

/*
 * Address of the value of an environment variable, 0: none.  arg[0], arg[1]: where the environment begins and
 * ends; buf has 64 bytes.
 */
long bk_env(struct rt_mem *m, uint32_t name, uint32_t buf)
{
	if (!m)
		return 0;
	m->tmp[NAME] = name;
	m->tmp[BUF] = buf;
	m->tmp[INSIDE] = 0;
	m->arg[2] = 0;
	rt_repeat_long(m, 8192, env_step);
	return m->arg[2];
}
