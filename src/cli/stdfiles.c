/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See stdfiles.h. */
#include "cli/stdfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void cli_open_standard_files(void)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };

	/* Those below are open by then: open() gives this very number.  Writes to what was closed are to fail. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) < 0)
			return;
}

int cli_close_output(int status)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "ERROR: Couldn't write to standard output: %s\n",
			strerror(errno ? errno : EIO));
		return 1;
	}
	return status;
}
