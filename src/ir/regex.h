/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular expressions of =~ and !~: POSIX extended syntax as SystemTap's
 * (. [] [^] [:class:] ^ $ * + ? {n,m} | () \escape), unanchored search over bytes.
 *
 * Compiled to one DFA that answers "does it match" in both engines, and to a
 * small program that finds the groups (leftmost, then longest by priority).
 */
#ifndef IR_REGEX_H
#define IR_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/ir.h"

#define IR_REGEX_MAX_GROUPS	16
#define IR_DFA_DEAD		0	/* no match any more */
#define IR_DFA_MATCH		1	/* matched, stop */
#define IR_DFA_MAX_STATES	4096

/*
 * Walk: state = start; for each byte c of the string, its final NUL included:
 * state = next[state * nclasses + class_of[c]]; stop at DEAD or MATCH.
 */
struct ir_dfa {
	uint32_t nstates, nclasses, start;
	uint32_t ngroups;		/* group 0, the whole match, included */
	uint8_t class_of[256];
	uint16_t *next;			/* nstates * nclasses */
	const struct re_prog *prog;	/* for groups; private to ir/regex*.c */
};

/* Fills re->dfa.  0, or -EINVAL with *err a message (arena memory). */
int ir_regex_compile(struct ir_module *m, struct ir_regex *re, const char **err);
/* NULL if the text is a regular expression, else what is wrong with it (arena memory). */
const char *ir_regex_fault(struct arena *a, const char *text);
/* Finds or adds a regex of this text (not yet compiled); returns its index. */
uint32_t ir_regex_add(struct ir_module *m, const char *text, const struct span *at);

/* Does `s` contain a match? */
bool ir_dfa_match(const struct ir_dfa *d, const char *s);
/* Offsets of the groups of the leftmost match: start and end of each, -1 unset.  False: no match. */
bool ir_regex_groups(const struct ir_dfa *d, const char *s, int32_t (*group)[2]);

#endif
