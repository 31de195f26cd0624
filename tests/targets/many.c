/* SPDX-License-Identifier: GPL-2.0-or-later */
/* many: calls ten functions, each with other parameters, with the numbers 1, 2, 3 ... as arguments. */
struct pair {
	int first;
	long second;
};

volatile long sink;

#define CALL(name, parameters, value)                                                                                  \
	__attribute__((noinline)) long name parameters                                                                 \
	{                                                                                                              \
		sink += value;                                                                                         \
		return sink;                                                                                           \
	}

CALL(f0, (int a), a)
CALL(f1, (long b), b)
CALL(f2, (char c, int d), c + d)
CALL(f3, (unsigned char e, short f), e + f)
CALL(f4, (const char *s, int n), s[n])
CALL(f5, (struct pair *p), p->first + p->second)
CALL(f6, (int g, int h, int i), g + h + i)
CALL(f7, (int j, int k, int l, int m, int n, int o), j + k + l + m + n + o)
CALL(f8, (unsigned long u), (long)u)
CALL(f9, (short v, const char *w), v + *w)

int main(void)
{
	struct pair p = { 1, 2 };

	f0(1);
	f1(2);
	f2(3, 4);
	f3(5, 6);
	f4("seven", 1);
	f5(&p);
	f6(7, 8, 9);
	f7(10, 11, 12, 13, 14, 15);
	f8(16);
	f9(17, "eighteen");
	return 0;
}
