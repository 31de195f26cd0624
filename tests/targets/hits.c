/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hits CALLS PROCESSES: each of PROCESSES processes, on a processor of its own, calls hit() CALLS times.
 * hit() begins with a nop, so that the kernel emulates the probed instruction instead of stepping it. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline, noclone, patchable_function_entry(1))) void hit(long number)
{
	__asm__ volatile("" : : "r"(number) : "memory");
}

static void run(long calls, long which)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned long)(which % sysconf(_SC_NPROCESSORS_ONLN)), &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (long i = 0; i < calls; i++)
		hit(i);
}

int main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 1;
	long processes = argc > 2 ? atol(argv[2]) : 1;

	for (long p = 1; p < processes; p++) {
		if (fork() == 0) {
			run(calls, p);
			_exit(0);
		}
	}
	run(calls, 0);
	while (wait(NULL) > 0)
		;
	return 0;
}
