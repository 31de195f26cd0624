/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reading of hostile bytes: a cursor which never leaves its range.  A
 * read past the end yields 0, moves the cursor to the end and sets `bad`, so a
 * parser may read a whole structure and check once.  Little endian, as everything here.
 */
#ifndef DBG_BYTES_H
#define DBG_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dbg_bytes {
	const uint8_t *p;
	size_t len;
};

struct dbg_cur {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct dbg_cur cur_of(const uint8_t *p, size_t len)
{
	return (struct dbg_cur){ p, p + len, false };
}

/* A cursor over b from offset `off` on; bad at once if off is outside. */
static inline struct dbg_cur cur_at(struct dbg_bytes b, uint64_t off)
{
	if (!b.p || off > b.len)
		return (struct dbg_cur){ b.p, b.p, true };
	return (struct dbg_cur){ b.p + off, b.p + b.len, false };
}

static inline size_t cur_left(const struct dbg_cur *c)
{
	return (size_t)(c->end - c->p);
}

static inline bool cur_fail(struct dbg_cur *c)
{
	c->bad = true;
	c->p = c->end;
	return false;
}

static inline bool cur_skip(struct dbg_cur *c, uint64_t n)
{
	if (n > cur_left(c))
		return cur_fail(c);
	c->p += n;
	return true;
}

/* n bytes in place, or NULL. */
static inline const uint8_t *cur_take(struct dbg_cur *c, uint64_t n)
{
	const uint8_t *p = c->p;

	return cur_skip(c, n) ? p : NULL;
}

/* Unsigned integer of n = 0..8 bytes. */
static inline uint64_t cur_uint(struct dbg_cur *c, unsigned n)
{
	const uint8_t *p = cur_take(c, n);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, n);
	return v;
}

static inline uint8_t cur_u8(struct dbg_cur *c)
{
	if (c->p >= c->end) {
		cur_fail(c);
		return 0;
	}
	return *c->p++;
}

static inline uint16_t cur_u16(struct dbg_cur *c)
{
	return (uint16_t)cur_uint(c, 2);
}

static inline uint32_t cur_u32(struct dbg_cur *c)
{
	return (uint32_t)cur_uint(c, 4);
}

static inline uint64_t cur_u64(struct dbg_cur *c)
{
	return cur_uint(c, 8);
}

/* Sign extension from n bytes, n = 1..8. */
static inline int64_t sign_extend(uint64_t v, unsigned n)
{
	unsigned sh = n >= 8 ? 0 : 64 - 8 * n;

	return (int64_t)(v << sh) >> sh;
}

/* The bits of a LEB128 number; *sh: how many there were, *last: its last byte.  False: it does not end. */
static inline bool cur_leb(struct dbg_cur *c, uint64_t *v, unsigned *sh, uint8_t *last)
{
	*v = 0;
	*sh = 0;
	while (c->p < c->end) {
		*last = *c->p++;
		if (*sh < 64)
			*v |= (uint64_t)(*last & 0x7f) << *sh;
		*sh += 7;
		if (!(*last & 0x80))
			return true;
	}
	cur_fail(c);
	return false;
}

static inline uint64_t cur_uleb(struct dbg_cur *c)
{
	uint64_t v;
	unsigned sh;
	uint8_t last;

	return cur_leb(c, &v, &sh, &last) ? v : 0;
}

static inline int64_t cur_sleb(struct dbg_cur *c)
{
	uint64_t v;
	unsigned sh;
	uint8_t last;

	if (!cur_leb(c, &v, &sh, &last))
		return 0;
	if ((last & 0x40) && sh < 64)
		v |= ~UINT64_C(0) << sh;
	return (int64_t)v;
}

/* NUL-terminated string in place; NULL if it does not end inside. */
static inline const char *cur_str(struct dbg_cur *c)
{
	const uint8_t *nul = c->p < c->end ? memchr(c->p, 0, cur_left(c)) : NULL;
	const char *s = (const char *)c->p;

	if (!nul) {
		cur_fail(c);
		return NULL;
	}
	c->p = nul + 1;
	return s;
}

/* The string at offset `off` of a string section; NULL if out of bounds or unterminated. */
static inline const char *bytes_str(struct dbg_bytes b, uint64_t off)
{
	struct dbg_cur c = cur_at(b, off);

	return c.bad ? NULL : cur_str(&c);
}

#endif
