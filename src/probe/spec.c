/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Specifications of places, as .function() and .statement() take them: "NAME", "NAME@FILE", "NAME@FILE:LINES". */
#include "probe/families.h"

#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

static bool parse_number(const char **s, uint32_t *v)
{
	uint64_t n = 0;
	const char *p = *s;

	while (*p >= '0' && *p <= '9' && n < UINT32_MAX)
		n = n * 10 + (uint64_t)(*p++ - '0');
	if (p == *s || n > INT32_MAX)
		return false;
	*v = (uint32_t)n;
	*s = p;
	return true;
}

/* "5" or "5-9"; *text moves behind it. */
static bool parse_range(const char **text, struct probe_lines *l)
{
	if (!parse_number(text, &l->first))
		return false;
	l->last = l->first;
	if (**text != '-')
		return true;
	++*text;
	return parse_number(text, &l->last) && l->last >= l->first;
}

/* "5", "5-9", "3,5-9,12" */
static bool parse_lines(struct arena *a, const char *text, struct probe_spec *s)
{
	struct probe_lines *list = NULL, l;
	bool ok, more;

	do {
		ok = parse_range(&text, &l);
		if (ok)
			arrput(list, l);
		more = ok && *text == ',';
		text += more;
	} while (more);
	ok = ok && !*text;
	if (ok)
		s->line_kind = arrlenu(list) == 1 && list[0].first == list[0].last ? PROBE_LINE_ABSOLUTE :
										     PROBE_LINE_LIST;
	s->lines = arena_take_array(a, list, sizeof(*list), &s->nlines);
	return ok;
}

bool probe_spec_parse(struct arena *a, const char *text, struct probe_spec *s)
{
	const char *at = strchr(text, '@'), *line;

	memset(s, 0, sizeof(*s));
	if (!at) {
		s->function = text;
		return *text != 0;
	}
	s->function = arena_strndup(a, text, (size_t)(at - text));
	line = strpbrk(at + 1, ":+");
	s->file = line ? arena_strndup(a, at + 1, (size_t)(line - at - 1)) : at + 1;
	if (!*s->function || !*s->file)
		return false;
	if (!line)
		return true;
	if (!strcmp(line, ":*")) {
		s->line_kind = PROBE_LINE_WILDCARD;
		return true;
	}
	if (!parse_lines(a, line + 1, s))
		return false;
	if (*line == '+') {
		if (s->line_kind != PROBE_LINE_ABSOLUTE)
			return false;
		s->line_kind = PROBE_LINE_RELATIVE;
	}
	return true;
}
