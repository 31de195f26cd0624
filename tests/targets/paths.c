/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leaf reached on many ways: 100 times from up to 20 frames, or with an argument once on each of 2048 ways. */
__attribute__((noinline)) int leaf_with_a_name_that_takes_some_room(int n) { asm volatile(""); return n; }
__attribute__((noinline)) int down_with_a_name_that_takes_some_room(int n, unsigned path)
{
	int r;

	if (n == 0)
		r = leaf_with_a_name_that_takes_some_room(n);
	else if (path & 1)
		r = down_with_a_name_that_takes_some_room(n - 1, path >> 1) + 1;
	else
		r = down_with_a_name_that_takes_some_room(n - 1, path >> 1) + 2;
	asm volatile("");
	return r;
}
int main(int argc, char **argv)
{
	for (int i = 0; argc > 1 && i < 2048; i++)
		down_with_a_name_that_takes_some_room(11, i);
	for (int i = 0; argc == 1 && i < 100; i++)
		down_with_a_name_that_takes_some_room(i % 20, 0);
	return 0;
}
