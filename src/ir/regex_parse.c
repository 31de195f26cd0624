/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended regular expressions -> a small program over byte sets.
 *
 * Recursive descent builds a tree, the tree is emitted as instructions; counted
 * repetition emits its operand several times.
 */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/ds.h"
#include "ir/regex_prog.h"

#define MAX_DEPTH	200
#define MAX_PROG	10000
#define MAX_REPEAT	4000

enum node_kind { N_EMPTY, N_SET, N_CAT, N_ALT, N_REPEAT, N_GROUP, N_BOL, N_EOL };

struct node {
	enum node_kind kind;
	struct node *a, *b;
	int min, max;		/* N_REPEAT; max -1: any */
	uint32_t index;		/* N_SET: of the set; N_GROUP: its number */
};

struct re_parser {
	struct arena *arena;
	const char *text, *p;
	const char *err;	/* the first fault, with its position where there is one */
	int depth;
	struct re_prog *prog;
};

static void fault(struct re_parser *ps, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes a fault in SystemTap's words; `at` is the place that it counts from 0. */
static void fault(struct re_parser *ps, const char *at, const char *fmt, ...)
{
	va_list ap;

	if (ps->err)
		return;
	va_start(ap, fmt);
	ps->err = arena_printf(ps->arena, "regex compilation error (at position %td): %s", at - ps->text,
			       arena_vprintf(ps->arena, fmt, ap));
	va_end(ap);
}

/* At the end, what was opened is still open. */
static void fault_open(struct re_parser *ps, const char *what)
{
	fault(ps, ps->p > ps->text ? ps->p - 1 : ps->p, "%s", what);
}

static struct node *new_node(struct re_parser *ps, enum node_kind kind)
{
	struct node *n = arena_new(ps->arena, struct node);

	n->kind = kind;
	return n;
}

static struct node *new_set(struct re_parser *ps, const struct re_set *set)
{
	struct node *n = new_node(ps, N_SET);

	n->index = (uint32_t)arrlenu(ps->prog->sets);
	arrput(ps->prog->sets, *set);
	return n;
}

static void set_add(struct re_set *s, unsigned char c)
{
	s->bits[c >> 3] |= (uint8_t)(1u << (c & 7));
}

static void set_invert(struct re_set *s)
{
	for (size_t i = 0; i < sizeof(s->bits); i++)
		s->bits[i] = (uint8_t)~s->bits[i];
	s->bits[0] &= (uint8_t)~1;	/* NUL ends the text */
}

/* "[:alpha:]" within brackets; the position is behind "[:". */
static void parse_class(struct re_parser *ps, struct re_set *set)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {
		{ "alnum:]", isalnum }, { "alpha:]", isalpha }, { "blank:]", isblank },
		{ "cntrl:]", iscntrl }, { "digit:]", isdigit }, { "graph:]", isgraph },
		{ "lower:]", islower }, { "print:]", isprint }, { "punct:]", ispunct },
		{ "space:]", isspace }, { "upper:]", isupper }, { "xdigit:]", isxdigit },
	};
	const char *end;

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		size_t n = strlen(classes[i].name);

		if (strncmp(ps->p, classes[i].name, n) == 0) {
			for (int c = 1; c < 128; c++)
				if (classes[i].is(c))
					set_add(set, (unsigned char)c);
			ps->p += n;
			return;
		}
	}
	end = strstr(ps->p, ":]");
	if (!end)
		fault(ps, ps->p + strlen(ps->p), "unclosed character class '[:%s'", ps->p);
	else if (!ps->err)
		ps->err = arena_printf(ps->arena, "regex compilation error: unknown character class '%.*s'",
				       (int)(end - ps->p), ps->p);
}

static unsigned char bracket_char(struct re_parser *ps)
{
	if (*ps->p == '\\' && ps->p[1])
		ps->p++;
	return (unsigned char)*ps->p++;
}

static struct node *parse_bracket(struct re_parser *ps)
{
	struct re_set set = { { 0 } };
	bool invert = false, first = true;

	if (*ps->p == '^') {
		invert = true;
		ps->p++;
	}
	for (; !ps->err && (*ps->p != ']' || first); first = false) {
		unsigned char lo, hi;

		if (!*ps->p) {
			fault_open(ps, "unclosed character class");
			break;
		}
		if (ps->p[0] == '[' && ps->p[1] == ':') {
			ps->p += 2;
			parse_class(ps, &set);
			continue;
		}
		lo = hi = bracket_char(ps);
		if (ps->p[0] == '-' && ps->p[1] && ps->p[1] != ']') {
			ps->p++;
			hi = bracket_char(ps);
		}
		if (hi < lo)
			fault(ps, ps->p, "Inverted character range %c-%c", lo, hi);
		for (unsigned c = lo; c <= hi; c++)
			set_add(&set, (unsigned char)c);
	}
	if (!ps->err)
		ps->p++;
	if (invert)
		set_invert(&set);
	return new_set(ps, &set);
}

static struct node *parse_alt(struct re_parser *ps);

/* "(...)" or, without a number, "(?:...)". */
static struct node *parse_group(struct re_parser *ps)
{
	struct node *n;

	ps->p++;
	if (ps->p[0] == '?' && ps->p[1] == ':') {
		ps->p += 2;
		n = new_node(ps, N_CAT);
	} else {
		if (*ps->p == '?')
			fault(ps, ps->p, "unexpected '(?'");
		n = new_node(ps, N_GROUP);
		if (++ps->prog->ngroups > IR_REGEX_MAX_GROUPS)
			fault(ps, ps->p, "too many groups");
		n->index = ps->prog->ngroups - 1;
	}
	if (++ps->depth > MAX_DEPTH)
		fault(ps, ps->p, "too deeply nested");
	n->a = ps->err ? NULL : parse_alt(ps);
	ps->depth--;
	if (ps->err)
		return n;
	if (*ps->p)
		ps->p++;
	else
		fault_open(ps, "expected ), found end of regex");
	return n;
}

static struct node *parse_atom(struct re_parser *ps)
{
	struct re_set set = { { 0 } };

	switch (*ps->p) {
	case '(':
		return parse_group(ps);
	case '[':
		ps->p++;
		return parse_bracket(ps);
	case '.':
		ps->p++;
		set_invert(&set);
		return new_set(ps, &set);
	case '^':
		ps->p++;
		return new_node(ps, N_BOL);
	case '$':
		ps->p++;
		return new_node(ps, N_EOL);
	case '*': case '+': case '?': case '{':
		fault(ps, ps->p, "unexpected '%c'", *ps->p);
		return NULL;
	case '\\':
		if (!ps->p[1]) {
			fault(ps, ps->p + 1, "unexpected end of regex");
			return NULL;
		}
		ps->p++;
		break;
	default:
		break;
	}
	set_add(&set, (unsigned char)*ps->p++);
	return new_set(ps, &set);
}

static bool parse_count(struct re_parser *ps, int *v)
{
	const char *start = ps->p;

	*v = 0;
	while (isdigit((unsigned char)*ps->p)) {
		if (*v <= MAX_REPEAT)
			*v = *v * 10 + (*ps->p - '0');
		ps->p++;
	}
	if (*v > MAX_REPEAT)
		fault(ps, ps->p, "%.*s is too large", (int)(ps->p - start), start);
	return ps->p > start;
}

/* {n} {n,} {n,m} */
static void parse_braces(struct re_parser *ps, int *min, int *max)
{
	ps->p++;
	if (!parse_count(ps, min))
		fault(ps, *ps->p ? ps->p + 1 : ps->p, "expected number");
	*max = *min;
	if (*ps->p == ',') {
		ps->p++;
		if (!parse_count(ps, max)) {
			*max = -1;
			if (*ps->p != '}')
				fault(ps, *ps->p ? ps->p + 1 : ps->p, "expected '}' or number");
		}
	}
	if (!*ps->p)
		fault(ps, ps->p, "unexpected end of regex");
	else if (*ps->p != '}')
		fault(ps, ps->p, "expected }, found %c", *ps->p);
	else if (*max >= 0 && *max < *min)
		fault(ps, ps->p, "invalid repeat counts");
	if (!ps->err)
		ps->p++;
}

static struct node *parse_repeat(struct re_parser *ps)
{
	struct node *n = parse_atom(ps), *r;
	int stacked = 0;

	while (!ps->err && *ps->p && strchr("*+?{", *ps->p)) {
		int min = 0, max = -1;

		if (n->kind == N_BOL || n->kind == N_EOL)
			fault(ps, ps->p, "postfix closure '%c' applied to anchoring operator", *ps->p);
		if (*ps->p == '*')
			ps->p++;
		else if (*ps->p == '+') {
			min = 1;
			ps->p++;
		} else if (*ps->p == '?') {
			max = 1;
			ps->p++;
		} else
			parse_braces(ps, &min, &max);
		if (++stacked > 8)
			fault(ps, ps->p, "too many repetitions");
		r = new_node(ps, N_REPEAT);
		r->a = n;
		r->min = min;
		r->max = max;
		n = r;
	}
	return n;
}

/* A chain of N_CAT leaning to the right, built without recursion. */
static struct node *parse_cat(struct re_parser *ps)
{
	struct node *first = NULL, **slot = &first;

	while (!ps->err && *ps->p && *ps->p != '|' && *ps->p != ')') {
		struct node *c = new_node(ps, N_CAT);

		c->a = parse_repeat(ps);
		*slot = c;
		slot = &c->b;
	}
	if (!first)
		return new_node(ps, N_EMPTY);
	return first;
}

static struct node *parse_alt(struct re_parser *ps)
{
	struct node *first = new_node(ps, N_ALT), *n = first;

	n->a = parse_cat(ps);
	while (!ps->err && *ps->p == '|') {
		ps->p++;
		n->b = new_node(ps, N_ALT);
		n = n->b;
		n->a = parse_cat(ps);
	}
	return first;
}

static uint32_t emit(struct re_parser *ps, enum re_op op, uint32_t x)
{
	struct re_inst in = { .op = op, .x = x };

	if (arrlenu(ps->prog->insts) >= MAX_PROG)
		fault(ps, ps->text, "expression too large");
	else
		arrput(ps->prog->insts, in);
	return (uint32_t)arrlenu(ps->prog->insts) - 1;
}

static uint32_t here(const struct re_parser *ps)
{
	return (uint32_t)arrlenu(ps->prog->insts);
}

static void emit_node(struct re_parser *ps, const struct node *n);

static void emit_repeat(struct re_parser *ps, const struct node *n)
{
	uint32_t at, *holes = NULL;

	for (int i = 0; i < n->min && !ps->err; i++)
		emit_node(ps, n->a);
	if (n->max < 0) {
		at = emit(ps, RE_SPLIT, here(ps) + 1);
		emit_node(ps, n->a);
		emit(ps, RE_JMP, at);
		if (!ps->err)
			ps->prog->insts[at].y = here(ps);
		return;
	}
	for (int i = n->min; i < n->max && !ps->err; i++) {
		at = emit(ps, RE_SPLIT, here(ps) + 1);
		arrput(holes, at);
		emit_node(ps, n->a);
	}
	for (size_t i = 0; i < arrlenu(holes) && !ps->err; i++)
		ps->prog->insts[holes[i]].y = here(ps);
	arrfree(holes);
}

static void emit_alt(struct re_parser *ps, const struct node *n)
{
	uint32_t *ends = NULL;

	for (; n->b && !ps->err; n = n->b) {
		uint32_t split = emit(ps, RE_SPLIT, here(ps) + 1);
		uint32_t end;

		emit_node(ps, n->a);
		end = emit(ps, RE_JMP, 0);
		arrput(ends, end);
		if (!ps->err)
			ps->prog->insts[split].y = here(ps);
	}
	emit_node(ps, n->a);
	for (size_t i = 0; i < arrlenu(ends) && !ps->err; i++)
		ps->prog->insts[ends[i]].x = here(ps);
	arrfree(ends);
}

static void emit_node(struct re_parser *ps, const struct node *n)
{
	if (ps->err)
		return;
	switch (n->kind) {
	case N_EMPTY: break;
	case N_SET: emit(ps, RE_SET, n->index); break;
	case N_BOL: emit(ps, RE_BOL, 0); break;
	case N_EOL: emit(ps, RE_EOL, 0); break;
	case N_CAT:
		for (; n; n = n->b)
			emit_node(ps, n->a);
		break;
	case N_ALT: emit_alt(ps, n); break;
	case N_REPEAT: emit_repeat(ps, n); break;
	case N_GROUP:
		emit(ps, RE_SAVE, n->index * 2);
		emit_node(ps, n->a);
		emit(ps, RE_SAVE, n->index * 2 + 1);
		break;
	}
}

struct re_prog *re_prog_parse(struct arena *a, const char *text, const char **err)
{
	struct re_parser ps = { .arena = a, .text = text, .p = text };
	struct node *n;

	ps.prog = arena_new(a, struct re_prog);
	arena_own_array(a, &ps.prog->insts);
	arena_own_array(a, &ps.prog->sets);
	ps.prog->ngroups = 1;
	n = parse_alt(&ps);
	if (*ps.p)
		fault(&ps, ps.p, "unexpected '%c'", *ps.p);
	emit_node(&ps, n);
	emit(&ps, RE_MATCH, 0);
	*err = ps.err;
	return ps.err ? NULL : ps.prog;
}

const char *ir_regex_fault(struct arena *a, const char *text)
{
	const char *err;

	re_prog_parse(a, text, &err);
	return err;
}
