/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stap: the command. */
#include <locale.h>
#include <stdio.h>

#include "cli/invocation.h"
#include "cli/paths.h"
#include "cli/stdfiles.h"

static int run_mode(struct cli_session *cs)
{
	int status;

	switch (cs->opt.mode) {
	case CLI_HELP:
		cli_options_help(stdout);
		return 0;
	case CLI_VERSION:
		cli_options_version(stdout);
		return 0;
	default:
		break;
	}
	status = cli_session_init(cs);
	if (status)
		return status;
	switch (cs->opt.mode) {
	case CLI_CLEAN_CACHE:
		return cli_cache_clean(cs->arena);
	case CLI_LIST:
	case CLI_LIST_VARS:
		return cli_list(cs);
	case CLI_DUMP_TYPES:
	case CLI_DUMP_FUNCTIONS:
	case CLI_DUMP_ALIASES:
		return cli_dump(cs);
	default:
		return cli_run_passes(cs);
	}
}

int main(int argc, char **argv)
{
	static char name[] = "stap";
	struct cli_session cs = { 0 };
	int status;

	cli_open_standard_files();
	setlocale(LC_TIME, "");
	if (argc > 0)
		argv[0] = name;		/* as getopt's messages shall name us */
	status = cli_options_parse(&cs.opt, argc, argv);
	if (!status)
		status = run_mode(&cs);
	status = cli_close_output(status);
	cli_session_fini(&cs);
	return status;
}
