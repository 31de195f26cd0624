/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program a regular expression becomes before its DFA; private to ir/regex*.c. */
#ifndef IR_REGEX_PROG_H
#define IR_REGEX_PROG_H

#include "ir/regex.h"

enum re_op {
	RE_SET,		/* a byte of sets[x] */
	RE_SPLIT,	/* x first, then y */
	RE_JMP,		/* x */
	RE_SAVE,	/* the position into slot x */
	RE_BOL, RE_EOL,
	RE_MATCH,
};

struct re_inst {
	enum re_op op;
	uint32_t x, y;
};

struct re_set {
	uint8_t bits[32];
};

struct re_prog {
	struct re_inst *insts;	/* stb_ds arrays */
	struct re_set *sets;
	uint32_t ngroups;
};

static inline bool re_set_has(const struct re_set *s, unsigned char c)
{
	return s->bits[c >> 3] >> (c & 7) & 1;
}

/* NULL with *err set if the text is no regular expression. */
struct re_prog *re_prog_parse(struct arena *a, const char *text, const char **err);

#endif
