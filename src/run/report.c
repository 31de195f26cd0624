/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the run: errors as they happen, and the reports at its end. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/ds.h"
#include "run/priv.h"

#define REPORT_WARNED_MAX 1024	/* different warnings that are remembered */

static void report_line(struct run_session *s, const char *prefix, const char *text)
{
	if (s->sink)
		run_sink_flush(s->sink);
	fprintf(stderr, "%s%s\n", prefix, text);
}

void run_error(struct run_session *s, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_line(s, "ERROR: ", text);
	s->failed = true;
}

void run_warn(struct run_session *s, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	if (s->opt.no_warnings)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Like SystemTap: the same text only once, unless asked to be verbose. */
	if (!s->opt.verbose) {
		if (!s->warned)
			sh_new_strdup(s->warned);
		if (shgeti(s->warned, text) >= 0)
			return;
		if (shlenu(s->warned) < REPORT_WARNED_MAX)
			shput(s->warned, text, 1);
	}
	report_line(s, "WARNING: ", text);
}

void run_soft_error(struct run_session *s, const char *line)
{
	s->errors++;
	if (s->opt.suppress_errors)
		return;
	run_error(s, "%s", line);
	if (s->errors > s->prog->limits.maxerrors)
		s->state = RUN_ERROR;
}

static uint64_t report_sum(const struct run_session *s, enum wire_count which)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; s->engine && i < arrlenu(s->prog->points); i++)
		sum += engine_count(s->engine, i, which);
	return sum;
}

/* Hits that were skipped so far, but for those in the midst of others. */
static uint64_t run_skipped(const struct run_session *s)
{
	return s->skipped + s->given_up + report_sum(s, WCNT_SKIP_LOCK) + report_sum(s, WCNT_SKIP_CONTEXT) +
	       report_sum(s, WCNT_SKIP_MEMORY);
}

void run_check_skipped(struct run_session *s)
{
	if (s->opt.suppress_errors || s->state != RUN_RUNNING ||
	    run_skipped(s) <= s->prog->limits.maxskipped)
		return;
	run_error(s, "Skipped too many probes, check MAXSKIPPED or try again with stap -t for more details.");
	s->state = RUN_ERROR;
}

/* One line of the hit report. */
static void report_point(struct run_session *s, uint32_t i, struct out_buf *b)
{
	const struct prog_point *p = &s->prog->points[i];
	const struct run_timing *u = &s->timing[i];
	const char *name = p->str[IR_PP_FULL] ? p->str[IR_PP_FULL] : "";
	const char *from = p->str[IR_PP_NAME] ? p->str[IR_PP_NAME] : name;
	bool user = s->prog->handlers[p->handler].kind == PROG_USER;
	struct run_timing t = *u;
	double mean, variance = 0;

	if (!user && s->engine) {
		t = (struct run_timing){ .hits = engine_count(s->engine, i, WCNT_HIT),
					 .sum = engine_count(s->engine, i, WCNT_CYCLES_SUM),
					 .min = engine_count(s->engine, i, WCNT_CYCLES_MIN),
					 .max = engine_count(s->engine, i, WCNT_CYCLES_MAX),
					 .sum_sq = (double)engine_count(s->engine, i, WCNT_CYCLES_SQUARES) };
		if (u->hits) {		/* processes that ran already */
			t.min = !t.hits || u->min < t.min ? u->min : t.min;
			t.max = u->max > t.max ? u->max : t.max;
			t.hits += u->hits;
			t.sum += u->sum;
			t.sum_sq += u->sum_sq;
		}
	}
	if (!t.hits)
		return;
	mean = (double)t.sum / (double)t.hits;
	if (t.hits > 1)
		variance = (t.sum_sq - mean * mean * (double)t.hits) / (double)(t.hits - 1);
	out_buf_printf(b, "%s, (", name);
	if (p->at.src)
		out_buf_printf(b, "%s:%u:%u", p->at.src->name, p->at.line, p->at.col);
	out_buf_printf(b, "), hits: %" PRIu64 ", cycles: %" PRIu64 "min/%" PRIu64 "avg/%" PRIu64 "max, "
		       "variance: %.0f, from: %s, index: %" PRIu32 "\n", t.hits, t.min, t.sum / t.hits, t.max,
		       variance < 0 ? 0 : variance, from, i);
}

static void report_timing(struct run_session *s)
{
	struct out_buf b = { 0 };
	uint64_t waits = report_sum(s, WCNT_LOCK_WAITS);

	out_buf_str(&b, "----- probe hit report: \n");
	for (uint32_t i = 0; i < arrlenu(s->prog->points); i++)
		report_point(s, i, &b);
	if (waits)
		out_buf_printf(&b, "lock contention occurred %" PRIu64 " times\n", waits);
	run_sink_write(s->sink, b.p, b.len);
	out_buf_free(&b);
}

/* Why hits were skipped and what was lost, a line a cause; nested: those in the midst of another. */
static void report_causes(struct run_session *s, uint64_t skipped, uint64_t nested, uint64_t returns)
{
	static const struct {
		enum wire_count which;
		const char *text;
	} skips[] = {
		{ WCNT_SKIP_LOCK, "lock timeout" },
		{ WCNT_SKIP_CONTEXT, "all contexts of a processor being in use" },
		{ WCNT_SKIP_MEMORY, "arrays not getting memory at once (lower MAXMAPENTRIES or the arrays' sizes)" },
	};

	if (s->errors || skipped)
		run_warn(s, "Number of errors: %" PRIu64 ", skipped probes: %" PRIu64, s->errors, skipped);
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		uint64_t n = report_sum(s, skips[i].which);

		if (skips[i].which == WCNT_SKIP_LOCK)
			n += s->skipped;
		if (skips[i].which == WCNT_SKIP_MEMORY)
			n += s->given_up;
		if (n)
			run_warn(s, "Skipped due to %s: %" PRIu64, skips[i].text, n);
	}
	if (nested)
		run_warn(s, "Skipped due to reentrancy: %" PRIu64, nested);
	if (returns)
		run_warn(s, "Skipped due to missed kretprobe: %" PRIu64 
			 " (.maxactive(N) lets more calls wait for their returns)", returns);
}

void run_report(struct run_session *s)
{
	uint64_t nested = report_sum(s, WCNT_SKIP_NESTED) + (s->engine ? engine_missed(s->engine) : 0) +
			  s->missed.hits;
	uint64_t lost = report_sum(s, WCNT_LOST_OUTPUT), cut;

	if (s->prog->timing)
		report_timing(s);
	report_causes(s, run_skipped(s) + nested + s->missed.returns, nested, s->missed.returns);
	if (lost)
		run_warn(s, "There were %" PRIu64 " transport failures. Output of as many probe hits is lost; "
			    "try a larger buffer (-s).", lost);
	cut = report_sum(s, WCNT_TRUNCATED);
	if (s->interp)
		cut += interp_get_stats(s->interp)->truncated;
	if (s->wiretext)
		cut += wiretext_truncated(s->wiretext);
	if (cut && (s->prog->timing || s->opt.verbose > 1))
		run_warn(s, "Number of strings cut to MAXSTRINGLEN: %" PRIu64, cut);
	if (s->sideband && run_sideband_lost(s->sideband))
		run_warn(s, "%" PRIu64 " mappings of processes were missed; some symbols may be unknown",
			 run_sideband_lost(s->sideband));
}
