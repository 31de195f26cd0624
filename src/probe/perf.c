// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * perf.type(N).config(N) with .sample(PERIOD) or .hz(FREQUENCY), or .process: a handler at every so many occurrences of
 * a perf event, on all processors.
 */
#include "probe/families.h"

#include "base/arena.h"
#include "base/ds.h"

#define DEFAULT_PERIOD	1000000

enum variant { PERF_ALL, PERF_PROCESS };

static const struct probe_pattern perf_patterns[] = {
	{ "perf.type(number).config(number)", PERF_ALL },
	{ "perf.type(number).config(number).sample(number)", PERF_ALL },
	{ "perf.type(number).config(number).hz(number)", PERF_ALL },
	{ "perf.type(number).config(number).process", PERF_PROCESS },
	{ "perf.type(number).config(number).process(string)", PERF_PROCESS },
};

static struct probe_point *perf_point(struct probe_session *ps, const struct probe_family *f,
				      const struct probe_match *m, struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);
	int64_t type = 0, config = 0, period = DEFAULT_PERIOD;

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

static void perf_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			 struct probe_result *out)
{
	const struct probe_image *img = NULL;
	struct probe_point *pt;
	size_t n = 1;

	if (m->pattern->variant == PERF_PROCESS)
		img = probe_images(ps, m, out, &n);
	for (size_t i = 0; i < n; i++) {
		pt = perf_point(ps, f, m, out);
		if (!pt || (img && !probe_point_image(pt, &img[i])))
			continue;
		probe_point_spell(pt, probe_match_text(ps->arena, m));
		arrput(out->points, pt);
	}
}

const struct probe_family probe_family_perf = {
	.name = "perf",
	.patterns = perf_patterns,
	.npatterns = sizeof(perf_patterns) / sizeof(perf_patterns[0]),
	.resolve = perf_resolve,
};
