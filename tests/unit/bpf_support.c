/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing the records of kernel handlers: see bpf_support.h. */
#include "bpf_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "interp/wiretext.h"
#include "ir/errors.h"

static char *wire_text(const struct out_defer *d, const void *payload, size_t size, size_t pos)
{
	struct out_buf made = { 0 };
	struct out_arg s;
	char *copy;

	if (!out_wire_str(payload, size, &pos, d, &made, &s))
		return calloc(1, 1);
	copy = calloc(1, (size_t)s.len + 1);
	if (s.len)
		memcpy(copy, s.s ? s.s : made.p + s.i, s.len);
	out_buf_free(&made);
	return copy;
}

static void show_error(struct bpf_capture *cap, uint32_t code, const uint8_t *payload, size_t size)
{
	char line[1024];
	uint32_t site;
	int64_t arg;
	char *text;

	memcpy(&site, payload, 4);
	memcpy(&arg, payload + 8, 8);
	text = wire_text(&cap->defer, payload, size, 16);
	ir_error_line(line, sizeof(line), cap->program->ir, code, arg, text,
		      engine_site(cap->engine, site));
	out_buf_printf(&cap->err, "%s\n", line);
	free(text);
}

static void show_item(struct bpf_capture *cap, uint32_t kind, uint32_t id, const uint8_t *payload,
		      size_t size)
{
	char *text;

	switch (kind) {
	case WIRE_PRINT:
		if (out_format_wire(&cap->out, cap->program->ir->formats[id], payload, size, &cap->defer))
			out_buf_printf(&cap->out, "(bad print item)\n");
		break;
	case WIRE_ERROR:
		show_error(cap, id, payload, size);
		break;
	case WIRE_WARN:
	case WIRE_LOG:
		text = wire_text(&cap->defer, payload, size, 0);
		if (kind == WIRE_WARN)
			out_buf_printf(&cap->err, "WARNING: %s\n", text);
		else
			out_buf_printf(&cap->out, "%s\n", text);
		free(text);
		break;
	case WIRE_HIST:
		out_hist(&cap->out, cap->program->ir->globals[id], (const struct wire_stat *)payload);
		break;
	case WIRE_USTACK:
		cap->stack_bytes += ((const struct wire_ustack *)payload)->size;
		break;
	case WIRE_EXIT:
		cap->exits++;
		break;
	default:
		break;
	}
}

int bpf_capture_record(void *ctx, const struct wire_record *r)
{
	struct bpf_capture *cap = ctx;
	const uint8_t *p = (const uint8_t *)(r + 1), *end = (const uint8_t *)r + r->size;

	struct wiretext *w = wiretext_create(cap->program);

	cap->defer = (struct out_defer){ .maker = w, .make = wiretext_make };
	wiretext_begin(w, r->point, &cap->defer);
	cap->records++;
	while (p + 8 <= end) {
		uint32_t head, size;

		memcpy(&head, p, 4);
		memcpy(&size, p + 4, 4);
		if (size < 8 || size > (size_t)(end - p)) {
			out_buf_printf(&cap->out, "(bad item)\n");
			break;
		}
		show_item(cap, head >> 24, head & 0xffffff, p + 8, size - 8);
		p += size;
	}
	wiretext_destroy(w);
	return 0;
}
