/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timer.s, ms, us, ns, jiffies, hz (user engine) and timer.profile (a CPU clock event
 * on every processor).
 */
#include "probe/families.h"

#include <linux/perf_event.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"

#define NS_PER_S	1000000000LL
#define MAX_INTERVAL_NS	(86400 * NS_PER_S)	/* a day, as SystemTap */
#define USUAL_HZ	250	/* of kernels that do not show their configuration */
#define MIN_INTERVAL_NS	100000
#define MAX_JIFFIES	1000000

enum { TIMER_HZ = -1, TIMER_PROFILE = -2, TIMER_JIFFIES = -3 };

#define INTERVAL(name, ns)                                                                         \
	{ "timer." name "(number)", ns }, { "timer." name "(number).randomize(number)", ns }

/* variant: nanoseconds per unit, or one of the above */
static const struct probe_pattern timer_patterns[] = {
	INTERVAL("s", NS_PER_S),
	INTERVAL("sec", NS_PER_S),
	INTERVAL("ms", 1000000),
	INTERVAL("msec", 1000000),
	INTERVAL("us", 1000),
	INTERVAL("usec", 1000),
	INTERVAL("ns", 1),
	INTERVAL("nsec", 1),
	INTERVAL("jiffies", TIMER_JIFFIES),
	{ "timer.hz(number)", TIMER_HZ },
	{ "timer.profile", TIMER_PROFILE },
	{ "timer.profile.tick", TIMER_PROFILE },
	{ "timer.profile.freq.hz(number)", TIMER_PROFILE },
};

static int64_t jiffy_ns(const struct probe_session *ps)
{
	const char *hz = ps->config ? ps->config(ps->config_ctx, "CONFIG_HZ") : NULL;
	long n = hz ? strtol(hz, NULL, 10) : 0;

	return NS_PER_S / (n > 0 ? n : USUAL_HZ);
}

/* The interval and its random part in nanoseconds; false: said why not. */
static bool timer_interval(struct probe_session *ps, const struct probe_match *m,
			   struct probe_result *out, struct prog_point *p)
{
	int64_t unit = m->pattern->variant, value = 0, random = 0, min, max;

	probe_match_long(m, m->name[1], &value);
	probe_match_long(m, "randomize", &random);
	if (unit == TIMER_JIFFIES) {
		if (value < 1 || value > MAX_JIFFIES || random < 0 || random > value) {
			probe_fail(ps, out, "timer-jiffies", NULL, "invalid %s for jiffies timer",
				   value < 1 || value > MAX_JIFFIES ? "interval" : "randomize");
			return false;
		}
		p->period_ns = value * jiffy_ns(ps);
		p->random_ns = random * jiffy_ns(ps);
		return true;
	}
	if (unit == TIMER_HZ) {
		if (value <= 0) {
			probe_fail(ps, out, "timer-frequency", NULL, "frequency must be greater than 0");
			return false;
		}
		value = NS_PER_S / value;
		unit = 1;
	}
	min = unit < MIN_INTERVAL_NS ? MIN_INTERVAL_NS / unit : 1;
	max = MAX_INTERVAL_NS / unit;
	if (value < min || value > max) {
		probe_fail(ps, out, "timer-interval", NULL, "interval value out of range (%lld, %lld)",
			   (long long)min, (long long)max);
		return false;
	}
	if (random < 0 || random > value) {
		probe_fail(ps, out, "timer-randomize", NULL, "randomization value out of range");
		return false;
	}
	p->period_ns = value * unit;
	p->random_ns = random * unit;
	return true;
}

static void timer_resolve(struct probe_session *ps, const struct probe_family *f,
			  const struct probe_match *m, struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);

	if (m->pattern->variant == TIMER_PROFILE) {
		pt->kind = PROG_PERF_EVENT;
		pt->prog.kind = POINT_PROFILE;
		if (probe_match_long(m, "hz", &pt->prog.freq_hz) &&
		    (pt->prog.freq_hz <= 0 || pt->prog.freq_hz > 1000000)) {
			probe_fail(ps, out, "timer-frequency", NULL, "frequency out of range (1, 1000000)");
			return;
		}
		pt->prog.perf_type = PERF_TYPE_SOFTWARE;
		pt->prog.perf_config = PERF_COUNT_SW_CPU_CLOCK;
		pt->prog.period_ns = PERF_PERIOD;
	} else {
		pt->kind = PROG_USER;
		pt->prog.kind = POINT_TIMER;
		if (!timer_interval(ps, m, out, &pt->prog))
			return;
	}
	pt->prog.str[IR_PP_TYPE] = m->pattern->variant == TIMER_PROFILE ? "profile_timer" :
				   probe_match_has(m, "jiffies") ? "timer" : "hrtimer";
	if (m->pattern->variant == TIMER_PROFILE && !probe_match_has(m, "tick"))
		probe_perf_spell(ps->arena, m, pt, pt->prog.freq_hz ? pt->prog.freq_hz : pt->prog.period_ns, "");
	else
		probe_point_spell(pt, probe_match_text(ps->arena, m));
	arrput(out->points, pt);
}

const struct probe_family probe_family_timer = {
	.name = "timer",
	.patterns = timer_patterns,
	.npatterns = sizeof(timer_patterns) / sizeof(timer_patterns[0]),
	.resolve = timer_resolve,
};
