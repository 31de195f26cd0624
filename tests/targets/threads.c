/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads COUNT CALLS: COUNT threads, each calls work(its number) CALLS times. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

static long calls;
volatile long sink;

__attribute__((noinline)) void work(long number)
{
	sink = number;
}

static void *thread(void *argument)
{
	for (long i = 0; i < calls; i++)
		work((long)(intptr_t)argument);
	return NULL;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 2;
	pthread_t *ids = calloc((size_t)count, sizeof(*ids));

	calls = argc > 2 ? atol(argv[2]) : 1;
	for (long i = 0; i < count; i++)
		pthread_create(&ids[i], NULL, thread, (void *)(intptr_t)(i + 1));
	for (long i = 0; i < count; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	return 0;
}
