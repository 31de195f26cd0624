/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text made of the values that handlers sent, one row a kind: see wiretext.h.  The records are checked, not trusted. */
#include "interp/wiretext.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "interp/errno_name.h"
#include "ir/names.h"
#include "rt/rt.h"

#define RESULT	(RT_MEM_SIZE / 2)	/* where texts are made; sources are at 0 */

struct wiretext {
	const struct program *p;
	struct rt_mem *mem;
	const struct out_defer *defer;
	uint32_t point, depth;
	uint64_t truncated;
};

struct wiretext *wiretext_create(const struct program *p)
{
	struct wiretext *w = xcalloc(1, sizeof(*w));

	w->p = p;
	w->mem = xcalloc(1, sizeof(*w->mem));
	return w;
}

void wiretext_destroy(struct wiretext *w)
{
	if (!w)
		return;
	free(w->mem);
	free(w);
}

void wiretext_begin(struct wiretext *w, uint32_t point, const struct out_defer *d)
{
	w->point = point;
	w->defer = d;
	w->depth = 0;
}

uint64_t wiretext_truncated(const struct wiretext *w)
{
	return w->truncated;
}

/* A bound as a handler sent it, within what is sane. */
static uint32_t sane_bound(const struct wiretext *w, uint64_t bound)
{
	return bound < 1 || bound > w->p->ir->maxstr ? w->p->ir->maxstr : (uint32_t)bound;
}

static void add_result(struct wiretext *w, long r, struct out_buf *b)
{
	w->truncated += (r & RT_CUT) != 0;
	out_buf_str(b, (const char *)&w->mem->b[RESULT]);	/* a cut one may be shorter than it says */
}

static void add_quoted(struct wiretext *w, const uint8_t *data, size_t len, struct out_buf *b)
{
	uint64_t bound;

	if (len < sizeof(bound))
		return;
	memcpy(&bound, data, sizeof(bound));
	len -= sizeof(bound);
	if (len > RT_STR_MAX)
		return;
	memcpy(w->mem->b, data + sizeof(bound), len);
	memset(w->mem->b + len, 0, 8);
	w->mem->arg[0] = 0;
	w->mem->arg[1] = 1;
	add_result(w, rt_text_str(w->mem, RESULT, sane_bound(w, bound), 0), b);
}

static void add_bytes(struct wiretext *w, const uint8_t *data, size_t len, struct out_buf *b)
{
	struct { uint32_t bound, zero; int64_t most; } q;

	if (len < sizeof(q))
		return;
	memcpy(&q, data, sizeof(q));
	len -= sizeof(q);
	if (len > RT_STR_MAX)
		return;
	memcpy(w->mem->b, data + sizeof(q), len);
	memset(w->mem->b + len, 0, 8);
	w->mem->arg[0] = q.most;
	w->mem->arg[2] = (int64_t)len;
	add_result(w, rt_text_buf(w->mem, RESULT, sane_bound(w, q.bound), 0), b);
}

static void add_names(struct wiretext *w, const uint8_t *data, size_t len, struct out_buf *b)
{
	const struct ir_module *m = w->p->ir;
	struct { uint64_t table; int64_t value; } n;

	if (len < sizeof(n))
		return;
	memcpy(&n, data, sizeof(n));
	if (n.table >= arrlenu(m->names) || !m->names_table)
		return;
	w->mem->arg[0] = n.value;
	add_result(w, rt_names(w->mem, m->names_table, RESULT, sane_bound(w, m->names[n.table]->bound),
			       m->names[n.table]->word), b);
}

static void add_point(const struct wiretext *w, const uint8_t *data, size_t len, struct out_buf *b)
{
	uint64_t which;
	const char *s;

	if (len < sizeof(which))
		return;
	memcpy(&which, data, sizeof(which));
	if (which >= IR_PP_COUNT || w->point >= arrlenu(w->p->points))
		return;
	s = w->p->points[w->point].str[which];
	if (s)
		out_buf_add(b, s, strnlen(s, w->p->ir->maxstr - 1));
}

static void add_address(const struct wiretext *w, const uint8_t *data, size_t len, struct out_buf *b)
{
	uint64_t addr;

	if (len < sizeof(addr))
		return;
	memcpy(&addr, data, sizeof(addr));
	out_buf_printf(b, "0x%" PRIx64, addr);
}

static void add_errno(const uint8_t *data, size_t len, struct out_buf *b)
{
	char room[ERRNO_NAME_MAX];
	int64_t n;

	if (len < sizeof(n))
		return;
	memcpy(&n, data, sizeof(n));
	out_buf_str(b, errno_name(n, room));
}

static void add_format(struct wiretext *w, const uint8_t *data, size_t len, struct out_buf *b)
{
	const struct ir_module *m = w->p->ir;
	struct { uint32_t format, bound; } f;
	size_t start = b->len, most;

	if (len < sizeof(f) || w->depth >= WIRE_TEXT_DEPTH)
		return;
	memcpy(&f, data, sizeof(f));
	if (f.format >= arrlenu(m->formats))
		return;
	w->depth++;
	out_format_wire(b, m->formats[f.format], data + sizeof(f), len - sizeof(f), w->defer);
	w->depth--;
	most = sane_bound(w, f.bound) - 1;
	if (b->len - start > most) {
		b->len = start + most;
		w->truncated++;
	}
}

void wiretext_make(void *maker, uint32_t what, const void *data, size_t len, struct out_buf *b)
{
	struct wiretext *w = maker;

	switch ((enum wire_text)what) {
	case WIRE_TEXT_PADDED:
		out_buf_add(b, data, strnlen(data, len));
		break;
	case WIRE_TEXT_QUOTED:
		add_quoted(w, data, len, b);
		break;
	case WIRE_TEXT_BYTES:
		add_bytes(w, data, len, b);
		break;
	case WIRE_TEXT_ADDRESS:
		add_address(w, data, len, b);
		break;
	case WIRE_TEXT_NAMES:
		add_names(w, data, len, b);
		break;
	case WIRE_TEXT_POINT:
		add_point(w, data, len, b);
		break;
	case WIRE_TEXT_ERRNO:
		add_errno(data, len, b);
		break;
	case WIRE_TEXT_FORMAT:
		add_format(w, data, len, b);
		break;
	case WIRE_TEXT_PLAIN:
	case WIRE_TEXT_COUNT:
		break;
	}
}
