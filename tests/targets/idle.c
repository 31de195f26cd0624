/* SPDX-License-Identifier: GPL-2.0-or-later */
/* idle COUNT: COUNT threads beside the first, says "ready", and waits until it is killed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *thread(void *argument)
{
	for (;;)
		pause();
	return argument;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1;
	pthread_t id;

	for (long i = 0; i < count; i++)
		pthread_create(&id, NULL, thread, NULL);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
