/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random IR, written as text: a grammar walk with bounded depth. */
#include "ir_gen.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOPS	4	/* counters l0.., one for each nesting level */

struct gen {
	FILE *f;
	uint64_t seed;
	bool failed;		/* this statement has its failing operation */
	int loops, depth, func;	/* func: functions below this index may be called */
};

static uint32_t rnd(struct gen *g, uint32_t n)
{
	g->seed ^= g->seed << 13;
	g->seed ^= g->seed >> 7;
	g->seed ^= g->seed << 17;
	return (uint32_t)(g->seed >> 20) % n;
}

static const char *pick(struct gen *g, const char *const *words, uint32_t n)
{
	return words[rnd(g, n)];
}

#define PICK(g, ...) pick((g), (const char *const[]){ __VA_ARGS__ }, \
			  sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void str(struct gen *g, int depth);

static void constant(struct gen *g)
{
	static const int64_t edges[] = { 0, 1, -1, 2, 63, 64, 255, -128, 1000, INT64_MAX, INT64_MIN,
					 INT32_MAX, INT32_MIN, 4294967296 };

	if (rnd(g, 4))
		fprintf(g->f, "%d", (int)rnd(g, 10));
	else
		fprintf(g->f, "%" PRId64, edges[rnd(g, sizeof(edges) / sizeof(*edges))]);
}

static void integer(struct gen *g, int depth)
{
	if (depth <= 0 || !rnd(g, 5)) {
		switch (rnd(g, 4)) {
		case 0: constant(g); break;
		case 1: fprintf(g->f, "(gload n%u)", rnd(g, 2)); break;
		default: fprintf(g->f, "x%u", rnd(g, 3));
		}
		return;
	}
	switch (rnd(g, 15)) {
	case 0: case 1: case 2: case 3:
		fprintf(g->f, "(%s ", PICK(g, "add", "sub", "mul", "and", "or", "xor", "shl", "shr", "ushr"));
		integer(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		break;
	case 4: case 5:
		fprintf(g->f, "(%s ", PICK(g, "eq", "ne", "lt", "le", "gt", "ge", "ult", "andthen", "orelse"));
		integer(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		break;
	case 6:
		fprintf(g->f, "(%s ", g->failed ? "add" : PICK(g, "div", "mod"));
		g->failed = true;
		integer(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		break;
	case 7:
		fprintf(g->f, "(%s ", PICK(g, "neg", "not", "lnot", "sext#8", "sext#32", "zext#16", "zext#33",
					   "bswap#16", "bswap#32", "bswap#64"));
		integer(g, depth - 1);
		break;
	case 8:
		fputs("(select ", g->f);
		integer(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		break;
	case 9:
		fprintf(g->f, "(%s ", PICK(g, "seq", "sne", "slt", "sle", "sgt", "sge", "strpos", "isinstr"));
		str(g, depth - 1);
		fputc(' ', g->f);
		str(g, depth - 1);
		break;
	case 10:
		fputs("(strlen ", g->f);
		str(g, depth - 1);
		break;
	case 11:
		fprintf(g->f, "(%s a ", PICK(g, "aload", "ahas"));
		integer(g, depth - 1);
		break;
	case 12:
		fputs("(aload b ", g->f);
		str(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		break;
	case 13:
		fprintf(g->f, "(stat.get#%u t ", rnd(g, 2));
		integer(g, depth - 1);
		break;
	default:
		if (rnd(g, 2)) {
			fputs("(match \"^a.*c$|[0-9]+\" ", g->f);
			str(g, depth - 1);
		} else {
			fputs("(strtol ", g->f);
			str(g, depth - 1);
			fprintf(g->f, " %s", PICK(g, "0", "10", "16"));
		}
	}
	fputc(')', g->f);
}

static void str(struct gen *g, int depth)
{
	if (depth <= 0 || !rnd(g, 3)) {
		if (rnd(g, 3))
			fprintf(g->f, "s%u", rnd(g, 3));
		else
			fprintf(g->f, "\"%s\"", PICK(g, "", "a", "ab", "12", "-7 x", "abcabc", "eight ch", "longer than a word"));
		return;
	}
	switch (rnd(g, 7)) {
	case 0: case 1:
		fputs(rnd(g, 3) ? "(concat " : "(concat:11 ", g->f);
		str(g, depth - 1);
		fputc(' ', g->f);
		str(g, depth - 1);
		break;
	case 2:
		fputs("(substr ", g->f);
		str(g, depth - 1);
		fprintf(g->f, " %d %d", (int)rnd(g, 6) - 1, (int)rnd(g, 8) - 1);
		break;
	case 3:
		fputs("(sprintf \"%d|%x\" ", g->f);
		integer(g, depth - 1);
		fputc(' ', g->f);
		integer(g, depth - 1);
		break;
	case 4:
		fputs("(select ", g->f);
		integer(g, depth - 1);
		fputc(' ', g->f);
		str(g, depth - 1);
		fputc(' ', g->f);
		str(g, depth - 1);
		break;
	case 5:
		fputs("(str_replace ", g->f);
		str(g, depth - 1);
		fprintf(g->f, " \"%s\" ", PICK(g, "a", "ab", "", "1"));
		str(g, 0);
		break;
	default:
		if (rnd(g, 2)) {
			fputs("(gload w", g->f);
		} else {
			fputs("(text_str ", g->f);
			str(g, 0);
		}
	}
	fputc(')', g->f);
}

static void block(struct gen *g, int n);

static void assignment(struct gen *g)
{
	uint32_t x = rnd(g, 3);

	switch (rnd(g, 6)) {
	case 0:
		fprintf(g->f, "set s%u = ", x);
		str(g, 3);
		break;
	case 1:
		fprintf(g->f, "set x%u = (gadd n%u ", x, rnd(g, 2));
		integer(g, 2);
		fputc(')', g->f);
		break;
	case 2:
		fprintf(g->f, "set x%u = (aadd a (and 7 x%u) ", x, rnd(g, 3));
		integer(g, 2);
		fputc(')', g->f);
		break;
	case 3:
		if (g->func > 0) {
			fprintf(g->f, "set x%u = (call f%u ", x, rnd(g, (uint32_t)g->func));
			integer(g, 2);
			fputc(' ', g->f);
			str(g, 1);
			fputc(')', g->f);
			break;
		}
		/* fallthrough */
	default:
		fprintf(g->f, "set x%u = ", x);
		integer(g, 4);
	}
}

static void effect(struct gen *g)
{
	switch (rnd(g, 9)) {
	case 0:
		fputs("eval (gstore w ", g->f);
		str(g, 2);
		break;
	case 1:
		fputs("eval (astore a (and 7 ", g->f);
		integer(g, 1);
		fputs(") ", g->f);
		integer(g, 2);
		break;
	case 2:
		fputs("eval (aadd b ", g->f);
		str(g, 1);
		fputs(" (and 3 ", g->f);
		integer(g, 1);
		fputs(") 1", g->f);
		break;
	case 3:
		fputs("eval (adel a (and 7 ", g->f);
		integer(g, 1);
		fputc(')', g->f);
		break;
	case 4:
		fputs("eval (stat.add s ", g->f);
		integer(g, 2);
		break;
	case 5:
		fputs("eval (stat.add t (and 3 ", g->f);
		integer(g, 1);
		fputs(") ", g->f);
		integer(g, 1);
		break;
	case 6:
		fprintf(g->f, "eval (gstore n%u ", rnd(g, 2));
		integer(g, 3);
		break;
	default:
		fputs("eval (printf \"%d %s %5x|%-4s|\\n\" ", g->f);
		integer(g, 3);
		fputc(' ', g->f);
		str(g, 2);
		fputc(' ', g->f);
		integer(g, 1);
		fputc(' ', g->f);
		str(g, 1);
	}
	fputc(')', g->f);
}

static void loop(struct gen *g)
{
	int l = g->loops++;

	fprintf(g->f, "set l%d = 0\nloop {\naction 1\nif (ge l%d %u) { break }\n", l, l, rnd(g, 4));
	block(g, 3);
	fprintf(g->f, "} step { set l%d = (add l%d 1) }", l, l);
	g->loops--;
}

static void foreach(struct gen *g)
{
	g->loops++;
	fprintf(g->f, "foreach a [x%u] = x%u sort %s%s limit %u {\naction 1\n", rnd(g, 2), 2,
		PICK(g, "key 0", "value"), PICK(g, "", " desc"), rnd(g, 5));
	block(g, 2);
	fputc('}', g->f);
	g->loops--;
}

static void statement(struct gen *g)
{
	uint32_t kind = rnd(g, g->depth > 3 ? 6 : 12);

	g->failed = false;
	g->depth++;
	if (kind < 3) {
		assignment(g);
	} else if (kind < 6) {
		effect(g);
	} else if (kind < 8) {
		fputs("if ", g->f);
		integer(g, 2);
		fputs(" {\n", g->f);
		block(g, 3);
		fputs("} else {\n", g->f);
		block(g, 2);
		fputs("}", g->f);
	} else if (kind == 8 && g->loops < 2) {
		loop(g);
	} else if (kind == 9 && g->loops < 2) {
		foreach(g);
	} else if (kind == 10) {
		fputs("try {\n", g->f);
		block(g, 3);
		fputs("} catch s2 {\n", g->f);
		block(g, 2);
		fputs("}", g->f);
	} else if (g->loops && !rnd(g, 3)) {
		fprintf(g->f, "if x0 { %s }", PICK(g, "break", "continue"));
	} else {
		effect(g);
	}
	fputc('\n', g->f);
	g->depth--;
}

static void block(struct gen *g, int n)
{
	for (uint32_t i = rnd(g, (uint32_t)n + 1); i > 0; i--)
		statement(g);
}

static void locals(struct gen *g, int from)
{
	for (int i = from; i < 3; i++)
		fprintf(g->f, "local x%d: i64\nlocal s%d: str %d\n", i, i, i == 1 ? 12 : 64);
	for (int i = 0; i < LOOPS; i++)
		fprintf(g->f, "local l%d: i64\n", i);
}

char *ir_gen(uint32_t seed)
{
	char *text = NULL;
	size_t size;
	struct gen g = { .seed = (uint64_t)(seed + 1) * 0x9e3779b97f4a7c15ull };

	g.f = open_memstream(&text, &size);
	fputs("maxstr 64\nglobal n0: i64 = 3\nglobal n1: i64\nglobal w: str 64\nglobal a[i64]: i64 max 8\n"
	      "global b[str 8, i64]: i64 max 100\nglobal s: stat hist log\nglobal t[i64]: stat max 10\n", g.f);
	for (g.func = 0; g.func < 2; g.func++) {
		fprintf(g.f, "func f%d(x0: i64, s0: str 64): i64 {\n", g.func);
		locals(&g, 1);
		block(&g, 4);
		if (rnd(&g, 2))
			fputs("if x1 { return x2 }\n", g.f);
		block(&g, 2);
		g.failed = true;
		fputs("return ", g.f);
		integer(&g, 2);
		fputs("\n}\n", g.f);
	}
	for (int h = 0; h < 2; h++) {
		fprintf(g.f, "handler h%d {\n", h);
		locals(&g, 0);
		for (int i = 0; i < 8; i++)
			statement(&g);
		fputs("}\n", g.f);
	}
	fclose(g.f);
	return text;
}
