/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One invocation of stap: what the passes hand to each other. */
#ifndef CLI_INVOCATION_H
#define CLI_INVOCATION_H

#include "base/arena.h"
#include "base/diag.h"
#include "cli/kernel.h"
#include "cli/options.h"
#include "cli/passlog.h"
#include "ir/program.h"
#include "lang/parse.h"
#include "probe/family.h"
#include "sema/sema.h"

struct run_session;

struct cli_session {
	struct cli_options opt;
	struct arena *arena;
	struct diag_sink diag;
	struct cli_kernel kernel;
	struct prog_limits limits;
	struct parse_env env;
	struct probe_session probe;
	struct sema_session sema;
	struct program *program;	/* after pass 3 */
	struct run_session *run;	/* after pass 4 */
	const char *keep_dir;		/* -k */
};

/* Prepares everything from the options, which have been parsed.  0 or an exit status. */
int cli_session_init(struct cli_session *cs);
void cli_session_fini(struct cli_session *cs);

/* Passes 1 to opt.last_pass; the exit status. */
int cli_run_passes(struct cli_session *cs);
/* -l, -L; the exit status. */
int cli_list(struct cli_session *cs);
/* --dump-...; the exit status. */
int cli_dump(struct cli_session *cs);

#endif
