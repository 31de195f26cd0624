/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stap: the command. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/paths.h"
#include "cli/invocation.h"

/* Descriptors 0 to 2 must be taken, or our own files would get these numbers. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Whatever was printed must have arrived. */
static int close_output(int status)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "ERROR: Couldn't write to standard output: %s\n",
			strerror(errno ? errno : EIO));
		return 1;
	}
	return status;
}

static int run_mode(struct cli_session *cs)
{
	int status;

	switch (cs->opt.mode) {
	case CLI_HELP:
		cli_options_help(stdout, &cs->opt);
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

	open_standard_files();
	setlocale(LC_TIME, "");
	if (argc > 0)
		argv[0] = name;		/* as getopt's messages shall name us */
	status = cli_options_parse(&cs.opt, argc, argv);
	if (!status)
		status = run_mode(&cs);
	status = close_output(status);
	cli_session_fini(&cs);
	return status;
}
