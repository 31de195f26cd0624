/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls hit|getppid|read COUNT: that many calls in a loop on one processor; prints "ns N", nanoseconds a call.
 * calls now: prints "at N", what the monotonic clock says in nanoseconds.
 * hit() begins with a nop, which the kernel emulates: a single step would cost more than any tracer does. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline, noclone, patchable_function_entry(1))) void hit(long number)
{
	__asm__ volatile("" : : "r"(number) : "memory");
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 1;
	int system_call = argc > 1 && !strcmp(argv[1], "getppid"), read_call = argc > 1 && !strcmp(argv[1], "read");
	int zero = open("/dev/zero", O_RDONLY);
	char byte;
	struct timespec from, to;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1 % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (argc > 1 && !strcmp(argv[1], "now")) {
		printf("at %ld\n", from.tv_sec * 1000000000 + from.tv_nsec);
		return 0;
	}
	for (long i = 0; i < count; i++) {
		if (system_call)
			syscall(SYS_getppid);
		else if (read_call && read(zero, &byte, 1) != 1)
			return 1;
		else if (!read_call)
			hit(i);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("ns %ld\n", ((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec) / count);
	return 0;
}
