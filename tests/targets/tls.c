/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thread-local variables of a library (with -DLIBRARY) and of the program that is linked with it or loads it:
 * tls [LIBRARY].  Each of four threads, one after the other, says which it is and calls show() twice. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>

#ifdef LIBRARY
__thread long tls_first = 11;
__thread struct { int number; char name[8]; } tls_record = { 7, "seven" };
__thread long tls_zero;
static __thread long tls_hidden = 5;

__attribute__((noinline)) void show(long number)
{
	__asm__ volatile("" : : "r"(number) : "memory");
}

void enter(long number)
{
	show(number);
	tls_first += number;
	tls_record.number += 10 * (int)number;
	tls_hidden -= number;
	tls_zero = number;
	show(number);
}
#else
static void (*entry)(long);

static void *thread(void *number)
{
	entry((intptr_t)number);
	return NULL;
}

int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;

	entry = (void (*)(long))(intptr_t)dlsym(library, "enter");
	for (intptr_t i = 1; entry && i <= 4; i++) {
		pthread_t id;

		pthread_create(&id, NULL, thread, (void *)i);
		pthread_join(id, NULL);
	}
	return !entry;
}
#endif
