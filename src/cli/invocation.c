/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything an invocation needs, from its options: see invocation.h. */
#include "cli/invocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "cli/tunables.h"
#include "cli/paths.h"
#include "dbg/cachefile.h"
#include "dbg/module.h"
#include "run/session.h"

static bool session_color(const struct cli_options *o)
{
	const char *colors = getenv("SYSTEMTAP_COLORS");

	if (o->color != CLI_COLOR_AUTO)
		return o->color == CLI_COLOR_ALWAYS;
	return isatty(STDERR_FILENO) && !(colors && !colors[0]);
}

int cli_session_init(struct cli_session *cs)
{
	const struct cli_options *o = &cs->opt;
	bool listing = o->mode == CLI_LIST || o->mode == CLI_LIST_VARS;

	cs->arena = arena_create();
	dbg_cache_directory(cli_cache_path(cs->arena));
	diag_sink_init(&cs->diag, cs->arena, stderr);
	cs->diag.suppress_warnings = o->no_warnings;
	cs->diag.warnings_are_errors = o->warnings_are_errors;
	cs->diag.verbose = o->verbose[2];
	cs->diag.color = session_color(o);
	cli_kernel_init(&cs->kernel, cs->arena, o->release);
	if (cli_limits(o, &cs->limits))
		return 1;
	cs->env = (struct parse_env){
		.arena = cs->arena, .sink = &cs->diag,
		.kernel_v = cs->kernel.version, .kernel_vr = cs->kernel.release, .arch = cs->kernel.arch,
		.systemtap_v = o->compatible ? o->compatible : SYSTEMTAP_COMPATIBLE,
		.privilege = o->privilege, .runtime = "kernel", .guru = o->guru,
		.config = cli_kernel_config, .config_ctx = &cs->kernel,
		.args = o->args, .nargs = arrlenu(o->args),
		.args_used = arena_new_array(cs->arena, bool, arrlenu(o->args) + 1),
	};
	cs->probe = (struct probe_session){
		.arena = cs->arena, .diag = &cs->diag, .cmd = o->command, .target = o->target,
		.sysroot = o->sysroot, .search_path = o->search_path, .listing = listing, .guru = o->guru,
		.debug_path = getenv("SYSTEMTAP_DEBUGINFO_PATH"), .release = o->release,
		.unprivileged = !strcmp(o->privilege, "stapusr"),
		.config = cli_kernel_config, .config_ctx = &cs->kernel,
	};
	sema_session_init(&cs->sema, cs->arena, &cs->diag);
	cs->sema.tapset_dirs = cli_tapset_dirs(cs->arena, o);
	cs->sema.ninclude_dirs = arrlenu(o->include_dirs);
	cs->sema.parse = &cs->env;
	cs->sema.probe = &cs->probe;
	cs->sema.limits = (struct sema_limits){ cs->limits.maxstringlen, cs->limits.maxmapentries };
	cs->sema.guru = o->guru;
	cs->sema.unoptimized = o->unoptimized;
	cs->sema.listing = listing;
	cs->sema.no_display = o->no_global_display;
	cs->sema.skip_badvars = o->skip_badvars;
	cs->sema.verbose = o->verbose[2];
	for (size_t i = 0; i < arrlenu(o->globals); i++) {
		struct sema_override ov = { o->globals[i].name, o->globals[i].value };

		arrput(cs->sema.overrides, ov);
	}
	if (o->namespaces) {
		struct sema_override ov = { "__target_namespaces", o->namespaces };

		arrput(cs->sema.overrides, ov);
	}
	return 0;
}

void cli_session_fini(struct cli_session *cs)
{
	run_session_destroy(cs->run);
	arrfree(cs->sema.tapset_dirs);
	arrfree(cs->sema.overrides);
	arrfree(cs->sema.files);
	sema_session_fini(&cs->sema);
	parse_env_fini(&cs->env);
	probe_session_fini(&cs->probe);
	dbg_modules_close_all();
	cli_kernel_fini(&cs->kernel);
	diag_sink_fini(&cs->diag);
	arena_destroy(cs->arena);
	cli_options_free(&cs->opt);
}
