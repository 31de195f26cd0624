/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Touches pages that are not there yet, and prints how many page faults a perf event of its own counted meanwhile. */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile char *memory;

__attribute__((noinline)) int touch(int pages)
{
	for (int i = 0; i < pages; i++)
		*memory = 1, memory += 4096;
	return pages;
}

static long count(int fd)
{
	long n = -1;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : -1;
}

int main(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_PAGE_FAULTS };
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	static const int steps[] = { 0, 0, 1, 10, 100, 7 };

	memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise((void *)memory, 1 << 20, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		long before = count(fd), after;

		touch(steps[i]);
		after = count(fd);
		printf("counted %ld\n", after - before);
		fflush(stdout);
	}
	return 0;
}
