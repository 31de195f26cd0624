/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the engine where the program's modules are loaded in which process, for handlers that
 * read variables of a module other than the one they are in.
 */
#include <string.h>

#include "base/ds.h"
#include "dbg/module.h"
#include "run/priv.h"

static void bias_on_map(void *ctx, pid_t tgid, const struct run_map *m)
{
	struct run_session *s = ctx;

	for (uint32_t i = 0; i < arrlenu(s->prog->modules); i++) {
		struct dbg_module *mod;
		uint64_t bias;

		if (strcmp(s->prog->modules[i].path, m->path))
			continue;
		mod = dbg_module_open(m->path, NULL, NULL);
		if (mod && dbg_load_bias(mod, m->start, m->pgoff, &bias))
			engine_bias_set(s->engine, tgid, i, (int64_t)bias);
	}
}

static void bias_on_exit(void *ctx, pid_t tgid)
{
	struct run_session *s = ctx;

	for (uint32_t i = 0; i < arrlenu(s->prog->modules); i++)
		engine_bias_del(s->engine, tgid, i);
}

void run_bias_watch(struct run_session *s)
{
	static const struct run_procs_hooks hooks = { .map = bias_on_map, .exit = bias_on_exit };

	run_procs_watch(s->procs, &hooks, s);
}
