/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reads CALLS PROCESSES: each of PROCESSES processes, on a processor of its own, reads CALLS times from
 * /dev/zero: 1, 2, 3, 4, 1, ... bytes at a time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(int fd, long calls, long which)
{
	char buffer[4];
	cpu_set_t set;
	long total = 0;

	CPU_ZERO(&set);
	CPU_SET((unsigned long)(which % sysconf(_SC_NPROCESSORS_ONLN)), &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (long i = 0; i < calls; i++)
		total += read(fd, buffer, (size_t)(1 + i % 4));
	return total < calls;
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 1;
	long processes = argc > 2 ? atol(argv[2]) : 1;
	int fd = open("/dev/zero", O_RDONLY), failed;

	for (long p = 1; p < processes; p++)
		if (fork() == 0)
			_exit(run(fd, calls, p));
	failed = run(fd, calls, 0);
	while (wait(NULL) > 0)
		;
	return failed;
}
