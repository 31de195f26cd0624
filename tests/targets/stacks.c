/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stacks WHAT: calls innermost() below the kind of frame that WHAT names. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OWN __attribute__((noinline, noclone))

volatile long sink;

OWN void innermost(long n)
{
	sink += n;
}

OWN long recurse(long n)
{
	if (n == 0)
		innermost(1);
	else
		sink += recurse(n - 1);
	return sink + n;
}

OWN void fork_left(long n)
{
	innermost(n);
	sink++;
}

OWN void fork_right(long n)
{
	innermost(n);
	sink--;
}

/* rsp is rounded: the frame address is only known through rbp. */
OWN void realigned(long n)
{
	_Alignas(64) volatile char space[256];

	space[n & 255] = 1;
	recurse(2);
	sink += space[n & 255];
}

OWN void sized(long n)
{
	volatile char *space = __builtin_alloca((size_t)(n & 4095) + 16);

	space[0] = 1;
	recurse(2);
	sink += space[0];
}

OWN void huge(long n)
{
	volatile char space[3 << 20];

	space[n * 5000] = 1;
	recurse(2);
	sink += space[n * 5000];
}

static void on_signal(int number)
{
	recurse(number & 1);
	sink++;
}

OWN void signalled(long n)
{
	raise(SIGUSR1);
	sink += n;
}

/* The frame under the handler is at a function's first instruction, and on another stack. */
OWN void faulting(void);
__asm__(".text\n.type faulting, @function\nfaulting:\n.cfi_startproc\nud2\nret\n.cfi_endproc\n.size faulting, .-faulting\n");

static void on_fault(int number, siginfo_t *info, void *context)
{
	recurse(1);
	_exit(0);
}

OWN void faults(long n)
{
	stack_t st = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&st, NULL);
	sigaction(SIGILL, &sa, NULL);
	faulting();
	sink += n;
}

static int compare(const void *l, const void *r)
{
	innermost(1);
	return *(const int *)l - *(const int *)r;
}

OWN void sorted(long n)
{
	int numbers[] = { 2, (int)n };

	qsort(numbers, 2, sizeof(numbers[0]), compare);
	sink += numbers[0];
}

static void *thread(void *arg)
{
	recurse((long)arg);
	return NULL;
}

OWN void threaded(long n)
{
	pthread_t t;

	pthread_create(&t, NULL, thread, (void *)n);
	pthread_join(t, NULL);
}

OWN void many(long n)
{
	for (long i = 0; i < 30; i++) {
		fork_left(n);
		if (i % 3 == 0)
			fork_right(n);
	}
	recurse(n);
}

/* Mappings change all the time while the stack is walked. */
static volatile int stop;

static void *mapper(void *arg)
{
	while (!stop) {
		void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		memset(p, 1, 8192);
		mprotect(p, 4096, PROT_READ);
		munmap(p, 1 << 20);
	}
	return arg;
}

OWN void mapping(long n)
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, mapper, NULL);
	for (int i = 0; i < 3000; i++)
		recurse(n);
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}

OWN long spin(long n)
{
	for (long i = 0; i < 300000000; i++)
		sink += i ^ n;
	return sink;
}

OWN void busy(long n)
{
	sink += spin(n) + 1;
}

static const struct {
	const char *name;
	void (*run)(long n);
} table[] = {
	{ "realigned", realigned }, { "sized", sized }, { "huge", huge }, { "signalled", signalled },
	{ "faults", faults }, { "sorted", sorted }, { "threaded", threaded }, { "many", many },
	{ "mapping", mapping }, { "busy", busy },
};

int main(int argc, char **argv)
{
	signal(SIGUSR1, on_signal);
	for (size_t i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(argv[1], table[i].name))
			table[i].run(3);
	sink++;
	return 0;
}
