/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel modules that come and go while the session runs.
 *
 * Points are resolved before the session begins: a module that is loaded later is left alone, and one that goes takes
 * its probes with it.  The user is told.  The kernel announces both by uevents, so that listening costs nothing.
 */
#include "run/modules.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

#include "base/ds.h"
#include "base/procfs.h"
#include "run/priv.h"

bool run_modules_wanted(const struct run_session *s)
{
	return arrlenu(s->prog->late) > 0;
}

struct function_search {
	const char *module, *glob;
	bool found;
};

static bool matches(void *ctx, const struct procfs_symbol *sym)
{
	struct function_search *fs = ctx;

	fs->found = sym->module && !strcmp(sym->module, fs->module) && strchr("tT", sym->type) &&
		    !fnmatch(fs->glob, sym->name, 0);
	return !fs->found;
}

void run_module_added(struct run_session *s, const char *module)
{
	for (size_t i = 0; i < arrlenu(s->prog->late); i++) {
		const struct prog_late *l = &s->prog->late[i];
		struct function_search fs = { module, l->function, !l->function };

		if (fnmatch(l->module, module, 0))
			continue;
		if (!fs.found)
			procfs_each_symbol(matches, &fs);
		if (fs.found)
			run_warn(s, "kernel module '%s' was loaded after the script was started: %s does not probe it",
				 module, l->point);
	}
}

void run_module_removed(struct run_session *s, const char *module)
{
	size_t n = 0;

	for (size_t i = 0; i < arrlenu(s->prog->points); i++) {
		const struct prog_point *p = &s->prog->points[i];

		n += p->kind == POINT_KFUNC && p->str[IR_PP_MODULE] && !strcmp(p->str[IR_PP_MODULE], module);
	}
	if (n)
		run_warn(s, "kernel module '%s' was unloaded: %zu probe point%s gone with it", module, n,
			 n == 1 ? " is" : "s are");
}
