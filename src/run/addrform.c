/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an address is written: SystemTap's forms, and what each falls back to when the symbol,
 * the module or the line is unknown.
 */
#include <inttypes.h>
#include <string.h>

#include "dbg/func.h"
#include "run/symb.h"

#define MAX_INLINED 32	/* functions inlined into each other */

static const char *addr_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Source line of a place; false: unknown. */
static bool addr_line(const struct run_place *p, struct dbg_line *line)
{
	return p->module && dbg_module_debug(p->module, NULL) == 0 &&
	       dbg_line_at(p->module, p->link - (p->caller ? 1 : 0), line);
}

/* What was inlined at the place, innermost first, a line each; true: *outer is the function they are in. */
static bool addr_inlined(const struct run_place *p, uint64_t addr, struct dbg_frame_line *outer,
			 struct out_buf *out)
{
	struct dbg_frame_line f[MAX_INLINED];
	size_t n;

	if (!p->name || !p->module || dbg_module_debug(p->module, NULL))
		return false;
	n = dbg_frames_at(p->module, p->link - (p->caller ? 1 : 0), f, MAX_INLINED);
	if (n < 2 || !f[n - 1].file)
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		out_buf_printf(out, " 0x%" PRIx64 " : %s at %s:%u (inlined)%s%s%s\n", addr, f[i].func->name,
			       f[i].file ? f[i].file : "?", f[i].line, p->path ? " [" : "", p->path ? p->path : "",
			       p->path ? "]" : "");
	*outer = f[n - 1];
	return true;
}

/* "name+0x1/0x20 [/path]" and what is left of it with less known; outer: the line to show, NULL: find it. */
static void addr_data(const struct run_place *p, uint64_t addr, bool line, const struct dbg_frame_line *outer,
		      struct out_buf *out)
{
	struct dbg_line at;

	if (!p->name) {
		out_buf_printf(out, "0x%" PRIx64, addr);
		if (p->path)
			out_buf_printf(out, " [%s+0x%" PRIx64 "/0x%" PRIx64 "]", p->path, p->offset, p->size);
		return;
	}
	out_buf_printf(out, "%s+0x%" PRIx64 "/0x%" PRIx64, p->name, p->offset, p->size);
	if (line && addr_line(p, &at))
		out_buf_printf(out, " at %s:%u", outer ? outer->file : at.file, outer ? outer->line : at.line);
	if (p->path)
		out_buf_printf(out, " [%s]", p->path);
}

static void addr_fileline(const struct run_place *p, uint64_t addr, enum run_addr_form form,
			  struct out_buf *out)
{
	struct dbg_line at;

	if (!addr_line(p, &at))
		out_buf_printf(out, "0x%" PRIx64, addr);
	else if (form == RUN_ADDR_FILE)
		out_buf_str(out, at.file);
	else if (form == RUN_ADDR_LINE)
		out_buf_printf(out, "%u", at.line);
	else
		out_buf_printf(out, "%s:%u", at.file, at.line);
}

/* Writes an address in a form; what is not known falls back to less, at last to hex.  No newline. */
static void run_symb_print(const struct run_place *p, uint64_t addr, enum run_addr_form form,
			   struct out_buf *out)
{
	struct dbg_frame_line outer;
	bool inlined;

	switch (form) {
	case RUN_ADDR_NAME:
		if (!p->name)
			break;
		out_buf_str(out, p->name);
		return;
	case RUN_ADDR_BRIEF:
		if (!p->name)
			break;
		out_buf_printf(out, "%s+0x%" PRIx64, p->name, p->offset);
		return;
	case RUN_ADDR_SIMPLE:
		if (!p->path)
			break;
		if (p->name)
			out_buf_printf(out, "%s+0x%" PRIx64 " [%s]", p->name, p->offset,
				       addr_basename(p->path));
		else
			out_buf_printf(out, "0x%" PRIx64 " [%s+0x%" PRIx64 "]", addr,
				       addr_basename(p->path), p->offset);
		return;
	case RUN_ADDR_DATA:
		addr_data(p, addr, false, NULL, out);
		return;
	case RUN_ADDR_FULL:
	case RUN_ADDR_FULLER:
		inlined = form == RUN_ADDR_FULLER && addr_inlined(p, addr, &outer, out);
		out_buf_str(out, " ");
		if (p->name)
			out_buf_printf(out, "0x%" PRIx64 " : ", addr);
		addr_data(p, addr, form == RUN_ADDR_FULLER, inlined ? &outer : NULL, out);
		return;
	case RUN_ADDR_FILELINE:
	case RUN_ADDR_FILE:
	case RUN_ADDR_LINE:
		addr_fileline(p, addr, form, out);
		return;
	case RUN_ADDR_MODULE:
		out_buf_str(out, p->path ? p->path : "<unknown>");
		return;
	case RUN_ADDR_HEX:
		break;
	}
	out_buf_printf(out, "0x%" PRIx64, addr);
}

void run_symb_print_user(struct run_symb *sy, const struct run_query *q, enum run_addr_form form,
			 struct out_buf *out)
{
	struct run_place p = { 0 };

	if (form != RUN_ADDR_HEX)
		run_symb_user(sy, q, &p);
	run_symb_print(&p, q->addr, form, out);
}

static bool wants_lines(enum run_addr_form form)
{
	return form == RUN_ADDR_FULLER || form == RUN_ADDR_FILELINE || form == RUN_ADDR_FILE || form == RUN_ADDR_LINE;
}

void run_symb_print_kernel_frame(struct run_symb *sy, uint64_t addr, bool caller, enum run_addr_form form,
				 struct out_buf *out)
{
	struct run_place p = { 0 };

	if (form != RUN_ADDR_HEX && run_symb_kernel(sy, addr, &p) && wants_lines(form))
		run_symb_kernel_module(&p, addr);
	p.caller = caller;
	run_symb_print(&p, addr, form, out);
}

void run_symb_print_kernel(struct run_symb *sy, uint64_t addr, enum run_addr_form form,
			   struct out_buf *out)
{
	run_symb_print_kernel_frame(sy, addr, false, form, out);
}
