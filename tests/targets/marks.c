/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static marks of two providers; with -DSEMAPHORES they are guarded, and the program says whether they are on. */
#ifdef SEMAPHORES
#define _SDT_HAS_SEMAPHORES 1
#endif
#include <sys/sdt.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef SEMAPHORES
#define SEMAPHORE(provider, name) \
	__extension__ unsigned short provider##_##name##_semaphore __attribute__((unused, section(".probes")))
SEMAPHORE(shop, order);
SEMAPHORE(shop, close);
SEMAPHORE(other, order);
#define ENABLED(provider, name) __builtin_expect(provider##_##name##_semaphore, 0)
#else
#define ENABLED(provider, name) 1
#endif

struct order {
	int number;
	const char *customer;
};

__attribute__((noinline)) static void handle(struct order *order, signed char tiny, unsigned short units)
{
	STAP_PROBE4(shop, order, order->number, order->customer, tiny, units);
	STAP_PROBE1(other, order, order);
}

int main(int argc, char **argv)
{
	struct order orders[] = { { 1, "ann" }, { 2, "bob" }, { 3, "cy" } };

	printf("order %d\n", !!ENABLED(shop, order));
	printf("close %d\n", !!ENABLED(shop, close));
	for (int i = 0; i < 3; i++)
		handle(&orders[i], (signed char)-i, (unsigned short)(65000 + i));
	STAP_PROBE(shop, close);
	(void)argc;
	(void)argv;
	return 0;
}
