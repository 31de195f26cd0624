/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the engine where the program's modules are loaded in which process, for handlers that
 * read variables of a module other than the one they are in.
 */
#include <errno.h>
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

int run_bias_of(struct run_session *s, pid_t tgid, int64_t module, int64_t *bias)
{
	const struct run_map *map;
	struct dbg_module *mod;
	uint64_t b;

	if (module < 0 || (uint64_t)module >= arrlenu(s->prog->modules))
		return -ENOENT;
	run_symbols_start(s);
	run_procs_read(s->procs, tgid);
	map = run_procs_find_file(s->procs, tgid, s->prog->modules[module].path, (uint64_t)run_clock_ns());
	mod = map ? dbg_module_open(map->path, NULL, NULL) : NULL;
	if (!mod || !dbg_load_bias(mod, map->start, map->pgoff, &b))
		return -ENOENT;
	*bias = (int64_t)b;
	return 0;
}

void run_bias_watch(struct run_session *s)
{
	static const struct run_procs_hooks hooks = { .map = bias_on_map, .exit = bias_on_exit };

	run_procs_watch(s->procs, &hooks, s);
}
