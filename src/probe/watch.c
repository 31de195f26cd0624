/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.data(ADDRESS), kernel.data("SYMBOL") and process(PID).data(ADDRESS) with .write or .rw, before
 * them .length(N): a handler at each access to a few bytes of memory, by the processor's breakpoint registers.
 *
 * Without a length one byte is watched, which sees every access to a number that begins there.
 */
#include "probe/families.h"

#include <inttypes.h>
#include <linux/hw_breakpoint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "dbg/kernelfile.h"

#define REGISTERS	4	/* breakpoints that a processor has */
#define MAX_LENGTH	8

#define WATCH_ROWS(p)                                                                              \
	{ p ".write", HW_BREAKPOINT_W },                                                           \
	{ p ".rw", HW_BREAKPOINT_RW }

static const struct probe_pattern watch_patterns[] = {
	WATCH_ROWS("kernel.data(number)"),
	WATCH_ROWS("kernel.data(number).length(number)"),
	WATCH_ROWS("kernel.data(string)"),
	WATCH_ROWS("kernel.data(string).length(number)"),
	WATCH_ROWS("process(number).data(number)"),
	WATCH_ROWS("process(number).data(number).length(number)"),
};

/* Address and length of what is to be watched; false and out->why. */
static bool watched(struct probe_session *ps, const struct probe_match *m, struct probe_point *pt,
		    struct probe_result *out)
{
	const char *symbol = probe_match_string(m, "data");
	int64_t address = 0, length = 1;

	if (symbol) {
		address = (int64_t)dbg_kernel_symbol(symbol);
		if (!address && !ps->listing) {
			probe_fail(ps, out, "no-symbol", NULL, "no match: the kernel has no symbol '%s', or hides its "
				   "address (kernel.kptr_restrict)", symbol);
			return false;
		}
	} else {
		probe_match_long(m, "data", &address);
	}
	probe_match_long(m, "length", &length);
	if (length < 1 || length > MAX_LENGTH || (length & (length - 1))) {
		probe_fail(ps, out, "watch-length", NULL,
			   "invalid length %" PRId64 " of a hardware breakpoint: 1, 2, 4 or "
			   "8 bytes can be watched", length);
		return false;
	}
	if (address & (length - 1)) {
		probe_fail(ps, out, "watch-alignment", NULL,
			   "a hardware breakpoint of %" PRId64 " bytes cannot begin at "
			   "0x%" PRIx64 ", which is no multiple of its length", length, (uint64_t)address);
		return false;
	}
	pt->prog.address = (uint64_t)address;
	pt->prog.offset = (uint64_t)length;
	return true;
}

static const char *place_text(struct arena *a, const struct probe_match *m, size_t i)
{
	int64_t address;

	if (!strcmp(m->name[i], "data") && probe_match_long(m, "data", &address))
		return arena_printf(a, "data(0x%" PRIx64 ")", (uint64_t)address);
	return probe_component_text(a, m->name[i], m->pt->components[i].arg);
}

/* With the length, and addresses as such, as SystemTap's -p2 shows it. */
static const char *canonical_text(struct arena *a, const struct probe_match *m, uint64_t length)
{
	const char *text = "";

	for (size_t i = 0; i + 1 < m->n; i++)
		text = arena_printf(a, "%s%s.", text, place_text(a, m, i));
	if (!probe_match_has(m, "length"))
		text = arena_printf(a, "%slength(%" PRIu64 ").", text, length);
	return arena_printf(a, "%s%s", text, m->name[m->n - 1]);
}

/* Counts the registers that a session asks for and warns once when there cannot be so many. */
static void count_registers(struct probe_session *ps, const struct probe_match *m)
{
	if (++ps->watchpoints == REGISTERS + 1)
		diag_warn(ps->diag, "too-many-watchpoints", &m->pt->at,
			  "Too many hardware breakpoint probes requested: a "
			  "processor has %d", REGISTERS);
}

static void watch_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			  struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);
	int64_t pid = 0;

	if (!watched(ps, m, pt, out))
		return;
	count_registers(ps, m);
	pt->kind = PROG_PERF_EVENT;
	pt->prog.kind = POINT_WATCH;
	pt->prog.perf_type = (uint32_t)m->pattern->variant;
	pt->prog.name = probe_match_string(m, "data");
	if (probe_match_long(m, "process", &pid))
		pt->prog.pid = (int32_t)pid;
	pt->prog.str[IR_PP_TYPE] = "hwbkpt";
	pt->prog.str[IR_PP_MODULE] = pid ? "" : "kernel";
	probe_point_spell(pt, probe_match_text(ps->arena, m));
	pt->canonical = canonical_text(ps->arena, m, pt->prog.offset);
	pt->prog.str[IR_PP_FULL] = pt->canonical;
	arrput(out->points, pt);
}

const struct probe_family probe_family_watch = {
	.name = "kernel.data",
	.patterns = watch_patterns,
	.npatterns = sizeof(watch_patterns) / sizeof(watch_patterns[0]),
	.resolve = watch_resolve,
};
