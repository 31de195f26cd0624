/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host LIBRARY TIMES: loads the library with dlopen and calls its plugin_work. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	void *library = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW);
	long (*work)(long);

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	work = (long (*)(long))dlsym(library, "plugin_work");
	for (int i = 1; i <= (argc > 2 ? atoi(argv[2]) : 1); i++)
		work(i);
	dlclose(library);
	return 0;
}
