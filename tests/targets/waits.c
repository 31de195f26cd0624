/* SPDX-License-Identifier: GPL-2.0-or-later */
/* waits [MILLISECONDS]: calls tick(n), n counting up, every so often until it is killed. */
#include <stdlib.h>
#include <unistd.h>

volatile long sink;

__attribute__((noinline)) void tick(long number)
{
	sink = number;
}

int main(int argc, char **argv)
{
	useconds_t pause = 1000 * (useconds_t)(argc > 1 ? atoi(argv[1]) : 10);

	for (long i = 1;; i++) {
		tick(i);
		usleep(pause);
	}
}
