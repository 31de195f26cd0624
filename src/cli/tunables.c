/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of -D and the limits behind them: one row each. */
#include "cli/tunables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "cli/options.h"
#include "run/stackwalk.h"

static const struct limit_row {
	const char *name;
	size_t field;		/* a uint32_t of struct prog_limits */
	uint32_t min, max;
} limit_table[] = {
	{ "MAXSTRINGLEN", offsetof(struct prog_limits, maxstringlen), 16, 65536 },
	{ "MAXMAPENTRIES", offsetof(struct prog_limits, maxmapentries), 1, 100000000 },
	{ "MAXACTION", offsetof(struct prog_limits, maxaction), 1, UINT32_MAX },
	{ "MAXACTION_INTERRUPTIBLE", offsetof(struct prog_limits, maxaction_interruptible), 1, UINT32_MAX },
	{ "MAXNESTING", offsetof(struct prog_limits, maxnesting), 1, 1000 },
	{ "MAXTRYLOCK", offsetof(struct prog_limits, maxtrylock), 0, 1000000 },
	{ "MAXERRORS", offsetof(struct prog_limits, maxerrors), 0, UINT32_MAX },
	{ "MAXSKIPPED", offsetof(struct prog_limits, maxskipped), 0, UINT32_MAX },
	{ "KRETACTIVE", offsetof(struct prog_limits, kretactive), 1, 4096 },
};

#define BUFFER_EACH	(4u << 20)	/* default of -s: enough for bursts while stap waits for a processor */
#define BUFFER_TOTAL	(64u << 20)	/* but no more than this over all processors */
#define BUFFER_LEAST	(256u << 10)

static uint64_t default_buffer(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	uint64_t size = BUFFER_EACH;

	while (size > BUFFER_LEAST && n > 0 && size * (uint64_t)n > BUFFER_TOTAL)
		size /= 2;
	return size;
}

/* A number of C, cut to the range; false: not a number. */
static bool limit_value(const char *text, uint32_t min, uint32_t max, uint32_t *v)
{
	long long n;
	char *end;

	errno = 0;
	n = strtoll(text, &end, 0);
	if (errno || end == text || *end)
		return false;
	*v = n < (long long)min ? min : n > (long long)max ? max : (uint32_t)n;
	return true;
}

unsigned cli_max_backtrace(const struct cli_options *o)
{
	const char *text = cli_define(o, "MAXBACKTRACE");
	uint32_t v = RUN_WALK_MAX;

	if (text && !limit_value(text, 1, RUN_WALK_MAX, &v))
		v = RUN_WALK_MAX;
	return v;
}

int cli_limits(const struct cli_options *o, struct prog_limits *l)
{
	program_limits_default(l);
	for (size_t i = 0; i < arrlenu(o->defines); i++) {
		const struct cli_define *d = &o->defines[i];

		for (size_t k = 0; k < sizeof(limit_table) / sizeof(limit_table[0]); k++) {
			const struct limit_row *r = &limit_table[k];

			if (strcmp(r->name, d->name))
				continue;
			if (!limit_value(d->value, r->min, r->max,
					 (uint32_t *)((char *)l + r->field))) {
				fprintf(stderr, "ERROR: -D %s needs a number, not '%s'\n", d->name, d->value);
				return 1;
			}
		}
		if (!strcmp(d->name, "MAXACTION") && !cli_define(o, "MAXACTION_INTERRUPTIBLE"))
			l->maxaction_interruptible = l->maxaction < UINT32_MAX / 10 ? l->maxaction * 10 : UINT32_MAX;
	}
	l->suppress_time_limits = o->suppress_time_limits;
	l->buffer_bytes = o->buffer_mb ? o->buffer_mb << 20 : default_buffer();
	return 0;
}
