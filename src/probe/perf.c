/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf.type(N).config(N) with .sample(PERIOD) or .hz(FREQUENCY), or .process: a handler at every so many occurrences of
 * a perf event, on all processors; and with .counter("NAME"), which has no handler: @perf("NAME") reads it.
 */
#include "probe/families.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

enum variant { PERF_ALL, PERF_PROCESS, PERF_COUNTER, PERF_PROCESS_COUNTER };

static const struct probe_pattern perf_patterns[] = {
	{ "perf.type(number).config(number)", PERF_ALL },
	{ "perf.type(number).config(number).sample(number)", PERF_ALL },
	{ "perf.type(number).config(number).hz(number)", PERF_ALL },
	{ "perf.type(number).config(number).process", PERF_PROCESS },
	{ "perf.type(number).config(number).process(string)", PERF_PROCESS },
	{ "perf.type(number).config(number).counter(string)", PERF_COUNTER },
	{ "perf.type(number).config(number).process.counter(string)", PERF_PROCESS_COUNTER },
	{ "perf.type(number).config(number).process(string).counter(string)", PERF_PROCESS_COUNTER },
};

static struct probe_point *perf_point(struct probe_session *ps, const struct probe_family *f,
				      const struct probe_match *m, struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);
	int64_t type = 0, config = 0, period = PERF_PERIOD;

	probe_match_long(m, "type", &type);
	probe_match_long(m, "config", &config);
	if (type < 0 || type > UINT32_MAX) {
		probe_fail(ps, out, "perf-type", NULL, "invalid perf type %lld", (long long)type);
		return NULL;
	}
	if (probe_match_long(m, "sample", &period) && period < 1) {
		probe_fail(ps, out, "perf-period", NULL, "invalid perf sample period %lld", (long long)period);
		return NULL;
	}
	if (probe_match_long(m, "hz", &pt->prog.freq_hz) && pt->prog.freq_hz < 1) {
		probe_fail(ps, out, "perf-frequency", NULL, "invalid perf sample frequency %lld",
			   (long long)pt->prog.freq_hz);
		return NULL;
	}
	pt->kind = PROG_PERF_EVENT;
	pt->prog.kind = POINT_PERF;
	pt->prog.perf_type = (uint32_t)type;
	pt->prog.perf_config = (uint64_t)config;
	pt->prog.period_ns = period;
	pt->prog.str[IR_PP_TYPE] = "perf_event";
	return pt;
}

void probe_perf_spell(struct arena *a, const struct probe_match *m, struct probe_point *pt, int64_t sample,
		      const char *suffix)
{
	const struct prog_point *p = &pt->prog;

	probe_point_spell(pt, probe_match_text(a, m));
	pt->canonical = arena_printf(a, "perf.type(%" PRIu32 ").config(%" PRIu64 ").sample(%" PRId64 ")%s",
				     p->perf_type, p->perf_config, sample, suffix);
	pt->prog.str[IR_PP_FULL] = pt->canonical;
}

/* As SystemTap spells it, whatever was written: the period or the frequency, then the program, or the counter. */
static void spell(struct arena *a, const struct probe_match *m, struct probe_point *pt, const struct probe_image *img)
{
	const char *counter = probe_match_string(m, "counter"), *suffix = "";

	if (img)
		suffix = arena_printf(a, ".%s", img->spelling);
	if (counter)
		suffix = arena_printf(a, "%s.counter(%s)", suffix, probe_quote(a, counter));
	probe_perf_spell(a, m, pt, counter ? 0 : pt->prog.freq_hz ? pt->prog.freq_hz : pt->prog.period_ns, suffix);
}

int probe_counter_find(const struct probe_session *ps, const char *name)
{
	for (size_t i = 0; i < arrlenu(ps->counters); i++)
		if (!strcmp(ps->counters[i], name))
			return (int)i;
	return -1;
}

/* A counter is a point that nothing ever hits. */
static void make_counter(struct probe_session *ps, struct probe_point *pt, const char *name)
{
	int known = probe_counter_find(ps, name);

	pt->kind = PROG_USER;
	pt->prog.kind = POINT_COUNTER;
	pt->prog.name = name;
	pt->prog.offset = known >= 0 ? (uint64_t)known : arrlenu(ps->counters);
	if (known < 0)
		arrput(ps->counters, name);
}

static void perf_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			 struct probe_result *out)
{
	const struct probe_image *img = NULL;
	struct probe_point *pt;
	size_t n = 1;

	bool counter = m->pattern->variant == PERF_COUNTER || m->pattern->variant == PERF_PROCESS_COUNTER;

	if (m->pattern->variant == PERF_PROCESS || m->pattern->variant == PERF_PROCESS_COUNTER)
		img = probe_images(ps, m, out, &n);
	for (size_t i = 0; i < n; i++) {
		pt = perf_point(ps, f, m, out);
		if (!pt || (img && !probe_point_image(pt, &img[i])))
			continue;
		if (counter)
			make_counter(ps, pt, probe_match_string(m, "counter"));
		spell(ps->arena, m, pt, img ? &img[i] : NULL);
		arrput(out->points, pt);
	}
}

const struct probe_family probe_family_perf = {
	.name = "perf",
	.patterns = perf_patterns,
	.npatterns = sizeof(perf_patterns) / sizeof(perf_patterns[0]),
	.resolve = perf_resolve,
};
