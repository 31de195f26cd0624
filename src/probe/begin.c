/* SPDX-License-Identifier: GPL-2.0-or-later */
/* begin, end, error and never: points of the session itself, run by the user engine. */
#include "probe/families.h"

#include "base/arena.h"
#include "base/ds.h"

static const struct probe_pattern begin_patterns[] = {
	{ "begin", POINT_BEGIN }, { "begin(number)", POINT_BEGIN },
	{ "end", POINT_END }, { "end(number)", POINT_END },
	{ "error", POINT_ERROR }, { "error(number)", POINT_ERROR },
	{ "never", POINT_NEVER },
};

static void begin_resolve(struct probe_session *ps, const struct probe_family *f,
			  const struct probe_match *m, struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);

	pt->kind = PROG_USER;
	pt->prog.kind = (enum point_kind)m->pattern->variant;
	pt->prog.priority = 0;
	probe_match_long(m, m->name[0], &pt->prog.priority);
	pt->prog.str[IR_PP_TYPE] = "begin_end";
	probe_point_spell(pt, probe_match_text(ps->arena, m));
	arrput(out->points, pt);
}

const struct probe_family probe_family_begin = {
	.name = "begin",
	.patterns = begin_patterns,
	.npatterns = sizeof(begin_patterns) / sizeof(begin_patterns[0]),
	.resolve = begin_resolve,
};
