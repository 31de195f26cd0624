/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiled with -O2, the locals of work() have values only after the calls that make them. */
#include <stdlib.h>

struct inner {
	int a;
	char text[8];
};

struct outer {
	int x;
	struct inner in;
	union {
		int u;
		long v;
	};
	char *name;
	int table[4];
};

__attribute__((noipa)) struct outer *make(int n)
{
	struct outer *o = calloc(1, sizeof(*o));

	o->x = n;
	return o;
}

__attribute__((noipa)) const char *name_of(const struct outer *o)
{
	return o->x ? "many" : "none";
}

__attribute__((noipa)) int work(int n)
{
	struct outer *object = make(n);
	const char *name = name_of(object);
	int first = name[0];

	object->x = first;
	return object->x != n;
}

int main(void)
{
	return !work(41);
}
