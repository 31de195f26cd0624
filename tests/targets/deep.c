/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call chain through the C library (qsort calls back), deep enough for a backtrace to prove itself. */
#include <stdlib.h>
#include <stdio.h>

volatile long sink;

__attribute__((noinline, noclone)) void deepest(int level)
{
	sink += level;
}

__attribute__((noinline, noclone)) static int compare(const void *left, const void *right)
{
	const int *l = left, *r = right;

	deepest(*l);
	sink++;
	return (*l > *r) - (*l < *r);
}

__attribute__((noinline, noclone)) static void sorts(int *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), compare);
	sink++;
}

__attribute__((noinline, noclone)) static void frame(int level, int *numbers)
{
	volatile char space[200];

	space[level] = (char)level;
	if (level == 0)
		sorts(numbers, 2);
	else
		frame(level - 1, numbers);
	sink += space[level];
}

int main(int argc, char **argv)
{
	int numbers[] = { 2, 1 };

	frame(argc > 1 ? atoi(argv[1]) : 5, numbers);
	return 0;
}
