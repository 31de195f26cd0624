/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables of every kind at known places, with known values. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum colour { RED, GREEN = 5, BLUE = -3 };

struct point {
	int x, y;
};

struct flags {
	unsigned one : 1;
	unsigned three : 3;
	int minus : 5;
	uint64_t wide : 40;
};

union number {
	int whole;
	unsigned char bytes[4];
};

struct node {
	const char *name;
	int value;
	struct node *next;
	struct point at;
	short table[4];
	char tag[8];
	struct flags bits;
	union number number;
	enum colour colour;
	long (*method)(long);
	void *nothing;
	double ratio;
	unsigned char small;
	signed char negative;
	_Bool yes;
	struct {
		int inside;
	};
};

long global_counter = 1234567890123;
static int static_value = -42;
int global_array[5] = { 10, 20, 30, 40, 50 };
struct node global_node = { .name = "global", .value = 99, .at = { 7, 8 } };
char global_text[] = "hello world";
__thread int thread_value = 77;
const char *volatile sink_text;
volatile long sink;

static long twice(long n)
{
	return 2 * n;
}

__attribute__((noinline)) int scalars(char c, short s, int i, long l, unsigned char uc,
				      unsigned short us, unsigned int ui, unsigned long ul)
{
	int local = i + 1;

	sink = c + s + i + l + uc + us + ui + (long)ul;
	local += 1; /* scalars-local */
	sink += local; /* scalars-after */
	return local;
}

__attribute__((noinline)) long chain(struct node *head, const char *text, struct node **pp, int n)
{
	struct point here = { n, n * 10 };
	int numbers[4] = { 1, 2, 3, n };

	sink_text = text;
	sink = here.x + numbers[3] + (*pp)->value;
	sink += head->next->value; /* chain-body */
	return head->next->value;
}

__attribute__((noinline)) const char *name_of(struct node *node)
{
	return node->name;
}

__attribute__((noinline)) struct node *find(struct node *node, int value)
{
	while (node && node->value != value)
		node = node->next;
	return node;
}

__attribute__((noinline)) struct point make_point(int x, int y)
{
	struct point p = { x, y };

	sink = x + y;
	return p;
}

__attribute__((noinline)) void nothing(void)
{
	sink++;
}

__attribute__((noinline)) int many(int a, int b, int c, int d, int e, int f, int g, int h)
{
	sink = a + b + c + d + e + f + g + h;
	return a * h;
}

__attribute__((noinline)) double real(double d, float f)
{
	sink = (long)(d + f);
	return d * f;
}

__attribute__((noinline)) int fails(int depth)
{
	sink += depth;
	if (depth == 0)
		return -1;
	return fails(depth - 1) + 0;
}

static struct node second = { .name = "second", .value = 2, .at = { 21, 22 } };
static struct node first = {
	.name = "first", .value = 1, .next = &second, .at = { 11, -12 }, .table = { 5, 6, 7, -8 },
	.tag = "tagged", .bits = { 1, 5, -7, 0xabcdef0123 }, .number = { .whole = 0x01020304 },
	.colour = BLUE, .method = twice, .ratio = 0.5, .small = 200, .negative = -100, .yes = 1,
	.inside = 31337,
};

int main(int argc, char **argv)
{
	struct node *head = &first;

	thread_value += argc - 1;
	scalars('A', -2, -3, -4, 250, 65000, 4000000000U, 18000000000000000000UL);
	chain(head, "some text", &head, 4);
	name_of(head);
	find(head, 2);
	find(head, 3);
	make_point(3, 4);
	nothing();
	many(1, 2, 3, 4, 5, 6, 7, 8);
	real(1.5, 2.0f);
	fails(3);
	sink += static_value + global_array[2] + global_node.value + (long)global_counter + thread_value;
	sink += global_text[0];
	return 0;
}
