/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forks CHILDREN [PROGRAM ARG...]: each child calls work(n) and exits with n; the last one executes PROGRAM. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

volatile long sink;

__attribute__((noinline)) void work(long number)
{
	sink = number;
}

int main(int argc, char **argv)
{
	int children = argc > 1 ? atoi(argv[1]) : 2;

	for (int i = 1; i <= children; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			work(i);
			if (i == children && argc > 2)
				execv(argv[2], argv + 2);
			_exit(i);
		}
		waitpid(pid, NULL, 0);
	}
	work(0);
	return 0;
}
