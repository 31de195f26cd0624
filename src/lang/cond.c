/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparisons of preprocessor conditionals.
 *
 * Versions compare with strverscmp, or with == and != as wild cards; names (arch,
 * runtime, options) as wild cards; two literals as numbers or as strings.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "lang/preproc.h"

static int fail(struct preproc *pp, const char *tag, const struct token *t, const char *msg)
{
	preproc_fail(pp, tag, t, "%s", msg);
	return -1;
}

/* Applies a comparison operator to the sign of a three-way comparison. */
static int compare(struct preproc *pp, const struct token *op, int order)
{
	switch (op->id) {
	case TOK_LT:
		return order < 0;
	case TOK_LE:
		return order <= 0;
	case TOK_GT:
		return order > 0;
	case TOK_GE:
		return order >= 0;
	case TOK_EQ:
		return order == 0;
	case TOK_NE:
		return order != 0;
	default:
		return fail(pp, "cond-operator", op, "expected comparison operator");
	}
}

static int compare_numbers(struct preproc *pp, const struct token *op, int64_t l, int64_t r)
{
	return compare(pp, op, l < r ? -1 : l > r);
}

static bool to_number(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	return !errno && *text && !*end;
}

static int version(struct preproc *pp, const char *target, const struct token *op,
		   const struct token *right)
{
	const char *query = right->at.text;
	bool wild = is_glob(query);

	if (right->id != TOK_STRING_LITERAL)
		return fail(pp, "cond-version", right, "expected string literal");
	if (wild && (op->id == TOK_EQ || op->id == TOK_NE))
		return (fnmatch(query, target, FNM_NOESCAPE) == 0) == (op->id == TOK_EQ);
	if (compare(pp, op, 0) < 0)
		return -1;
	if (wild)
		return fail(pp, "cond-wildcard", op,
			    "wildcard not allowed with order comparison operators");
	return compare(pp, op, strverscmp(target, query));
}

/* A wild card match of a name, with == or != only. */
static int name(struct preproc *pp, const char *target, const struct token *op,
		const struct token *right)
{
	if (right->id != TOK_STRING_LITERAL)
		return fail(pp, "cond-name", right, "expected string literal");
	if (op->id != TOK_EQ && op->id != TOK_NE)
		return fail(pp, "cond-name-operator", op, "expected '==' or '!='");
	return (fnmatch(right->at.text, target, FNM_NOESCAPE) == 0) == (op->id == TOK_EQ);
}

static int guru_mode(struct preproc *pp, const struct token *op, const struct token *right)
{
	int64_t value;

	if (right->id != TOK_NUMBER)
		return fail(pp, "cond-guru", right, "expected number");
	if (!to_number(right->at.text, &value) || (value != 0 && value != 1))
		return fail(pp, "cond-guru-value", op, "expected 0 or 1");
	if (op->id != TOK_EQ && op->id != TOK_NE)
		return fail(pp, "cond-guru-operator", op, "expected '==' or '!='");
	return (value == pp->env->guru) == (op->id == TOK_EQ);
}

static const char *config_value(const struct preproc *pp, const char *option)
{
	const char *value = pp->env->config ? pp->env->config(pp->env->config_ctx, option) : NULL;

	return value ? value : "";
}

static int config(struct preproc *pp, const char *option, const struct token *op,
		  const struct token *right)
{
	const char *value = config_value(pp, option), *other;
	int64_t l, r;

	if (right->id == TOK_STRING_LITERAL)
		return name(pp, value, op, right);
	if (right->id == TOK_NUMBER) {
		if (!to_number(right->at.text, &r))
			return fail(pp, "cond-number", right, "number invalid or out of range");
		if (!*value)
			l = 0;
		else if (!to_number(value, &l))
			return fail(pp, "cond-config-number", right,
				    "Config option value not a number");
		return compare_numbers(pp, op, l, r);
	}
	if (right->id == TOK_IDENT && strncmp(right->at.text, "CONFIG_", 7) == 0) {
		other = config_value(pp, right->at.text);
		if (to_number(value, &l) && to_number(other, &r))
			return compare_numbers(pp, op, l, r);
		return compare(pp, op, strcmp(value, other));
	}
	return fail(pp, "cond-config", right,
		    "expected string, number literal or other CONFIG_... as right side operand");
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* Conditions that start with a name.  -2: it is not one of them. */
static int named(struct preproc *pp, const char *what, const struct token *op,
		 const struct token *right)
{
	const struct parse_env *env = pp->env;

	if (strcmp(what, "kernel_v") == 0)
		return version(pp, or_empty(env->kernel_v), op, right);
	if (strcmp(what, "kernel_vr") == 0)
		return version(pp, or_empty(env->kernel_vr), op, right);
	if (strcmp(what, "systemtap_v") == 0)
		return version(pp, or_empty(env->systemtap_v), op, right);
	if (strcmp(what, "systemtap_privilege") == 0)
		return name(pp, or_empty(env->privilege), op, right);
	if (strcmp(what, "arch") == 0)
		return name(pp, or_empty(env->arch), op, right);
	if (strcmp(what, "runtime") == 0)
		return name(pp, or_empty(env->runtime), op, right);
	if (strcmp(what, "guru_mode") == 0)
		return guru_mode(pp, op, right);
	if (strncmp(what, "CONFIG_", 7) == 0)
		return config(pp, what, op, right);
	return -2;
}

int cond_evaluate(struct preproc *pp, const struct token *left, const struct token *op,
		  const struct token *right)
{
	int64_t l, r;

	if (left->id == TOK_IDENT) {
		int value = named(pp, left->at.text, op, right);

		if (value != -2)
			return value;
	}
	if (left->id == TOK_STRING_LITERAL && right->id == TOK_STRING_LITERAL)
		return compare(pp, op, strcmp(left->at.text, right->at.text));
	if (left->id == TOK_NUMBER && right->id == TOK_NUMBER) {
		if (!to_number(left->at.text, &l))
			return fail(pp, "cond-number", left, "number invalid or out of range");
		if (!to_number(right->at.text, &r))
			return fail(pp, "cond-number", right, "number invalid or out of range");
		return compare_numbers(pp, op, l, r);
	}
	if (left->id == TOK_STRING_LITERAL && right->id == TOK_NUMBER)
		return fail(pp, "cond-string", right, "expected string literal as right value");
	if (left->id == TOK_NUMBER && right->id == TOK_STRING_LITERAL)
		return fail(pp, "cond-number-literal", right,
			    "expected number literal as right value");
	return fail(pp, "cond-what", left,
		    "expected 'arch', 'kernel_v', 'kernel_vr', 'systemtap_v',\n"
		    "             'runtime', 'systemtap_privilege', 'CONFIG_...', or\n"
		    "             comparison between strings or integers");
}
