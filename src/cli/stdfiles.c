/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/stdfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void cli_open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
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
