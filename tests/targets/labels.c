/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A label in a function that is inlined, twice. */
volatile long sink;

static inline __attribute__((always_inline)) int choose(int value)
{
	if (value > 2)
		goto big;
	sink += 1; /* small */
	return 0;
big:
	sink += value; /* big */
	return 1;
}

__attribute__((noinline)) static int first(int value)
{
	return choose(value + 1);
}

__attribute__((noinline)) static int second(int value)
{
	return choose(value * 2);
}

int main(void)
{
	for (int i = 0; i < 4; i++)
		sink = first(i) + second(i);
	return 0;
}
