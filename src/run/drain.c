/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outputs in order of time: the kernel's records, which the engine merges over CPUs, and what
 * user handlers printed meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "run/priv.h"

/* Writes what user handlers printed up to `until`. */
static void drain_pending(struct run_session *s, uint64_t until)
{
	size_t n = 0;

	while (n < arrlenu(s->pending) && s->pending[n].time_ns <= until) {
		run_sink_write(s->sink, s->pending[n].text, s->pending[n].len);
		free(s->pending[n].text);
		n++;
	}
	if (n)
		arrdeln(s->pending, 0, n);
}

void run_output(struct run_session *s, const char *text, size_t len)
{
	struct run_pending p = { .time_ns = (uint64_t)run_clock_ns(), .len = len };

	if (!len)
		return;
	if (!s->engine) {
		run_sink_write(s->sink, text, len);
		return;
	}
	p.text = xmalloc(len);
	memcpy(p.text, text, len);
	arrput(s->pending, p);
}

static int drain_record(void *ctx, const struct wire_record *r)
{
	struct run_session *s = ctx;

	drain_pending(s, r->time_ns);
	run_record(s, r);
	return 0;
}

void run_drain(struct run_session *s, uint64_t until)
{
	if (s->engine) {
		if (s->sideband)
			run_sideband_drain(s->sideband, s->procs);
		run_feed_poll(s);
		engine_drain(s->engine, until, drain_record, s);
	}
	drain_pending(s, until);
}
