/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing the records of kernel handlers: see bpf_support.h. */
#include "bpf_support.h"

#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "ir/errors.h"

static char *wire_text(const void *payload, size_t size, size_t pos)
{
	uint32_t len = 0;
	const char *s = out_wire_str(payload, size, &pos, &len);
	char *copy = calloc(1, (size_t)len + 1);

	if (s)
		memcpy(copy, s, len);
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
	text = wire_text(payload, size, 16);
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
		if (out_format_wire(&cap->out, cap->program->ir->formats[id], payload, size, NULL))
			out_buf_printf(&cap->out, "(bad print item)\n");
		break;
	case WIRE_ERROR:
		show_error(cap, id, payload, size);
		break;
	case WIRE_WARN:
	case WIRE_LOG:
		text = wire_text(payload, size, 0);
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

	cap->records++;
	while (p + 8 <= end) {
		uint32_t head, size;

		memcpy(&head, p, 4);
		memcpy(&size, p + 4, 4);
		if (size < 8 || size > (size_t)(end - p)) {
			out_buf_printf(&cap->out, "(bad item)\n");
			return 0;
		}
		show_item(cap, head >> 24, head & 0xffffff, p + 8, size - 8);
		p += size;
	}
	return 0;
}
