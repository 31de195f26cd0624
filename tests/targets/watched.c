/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says its pid and the address of a number; after a line on standard input writes it 150 times, reads it 7 times. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static volatile int watched[4];
static volatile long sink;

static void *other(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++)
		watched[1] = i;
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char c;

	printf("%d %p\n", getpid(), (void *)&watched[1]);
	fflush(stdout);
	if (read(0, &c, 1) < 0)
		return 1;
	for (int i = 0; i < 100; i++)
		watched[1] = i;
	for (int i = 0; i < 7; i++)
		sink += watched[1];
	watched[2] = 9;
	pthread_create(&thread, NULL, other, NULL);
	pthread_join(thread, NULL);
	return 0;
}
