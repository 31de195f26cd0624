/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addresses LIBRARY COUNT: loads the library with dlopen, then calls look() with COUNT addresses spread over each of
 * its executable mappings, and with some that are in none. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline, noclone)) void look(unsigned long address)
{
	__asm__ volatile("" : : "r"(address) : "memory");
}

int main(int argc, char **argv)
{
	static const unsigned long nowhere[] = { 0, 1, 0x1000, 0x123456789abc, 0xffffffffff600000, -1 };
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 10, start, end;
	char line[1024], perms[8];
	FILE *maps;

	if (argc > 1 && *argv[1] && !dlopen(argv[1], RTLD_NOW)) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	maps = fopen("/proc/self/maps", "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, perms) != 3 || !strchr(perms, 'x') || strstr(line, "[vsyscall]"))
			continue;
		look(start);
		for (unsigned long i = 0; i < count; i++)
			look(start + (end - start) / count * i + i % 16);
		look(end - 1);
	}
	for (unsigned long i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		look(nowhere[i]);
	return 0;
}
