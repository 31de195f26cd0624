/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places in the code: lines, labels, inline functions, callees, a loop, recursion. */
#include <stdio.h>
#include <stdlib.h>

volatile long sink;

static inline __attribute__((always_inline)) int inlined(int value)
{
	int result = value * 3; /* inlined-first */

	sink += result;
	return result;
}

__attribute__((noinline)) static int helper(int value)
{
	sink += value;
	return value + 1;
}

__attribute__((noinline)) int outer(int value)
{
	int total = 0; /* outer-first */

	total += inlined(value); /* outer-second */
	total += helper(total); /* outer-third */
	sink = total; /* outer-fourth */
	return total;
}

__attribute__((noinline)) int other(int value)
{
	return inlined(value + 1) + helper(value);
}

__attribute__((noinline)) int jumps(int value)
{
	if (value > 2)
		goto big;
	sink += 1;
	return 0;
big:
	sink += 2;
	return 1;
}

__attribute__((noinline)) int recursive(int depth)
{
	sink += depth;
	if (depth == 0)
		return 0;
	return 1 + recursive(depth - 1);
}

__attribute__((noinline)) int loop(int rounds)
{
	int sum = 0;

	for (int i = 0; i < rounds; i++)
		sum += i; /* loop-body */
	sink = sum;
	return sum;
}

int main(int argc, char **argv)
{
	outer(5);
	other(6);
	for (int i = 0; i < 5; i++)
		jumps(i);
	recursive(4);
	loop(10);
	return 0;
}
