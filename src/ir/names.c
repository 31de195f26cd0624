/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of names from their text: see names.h. */
#include "ir/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

#define NUMBER_LEN 20	/* of any 64-bit number */

/* A number at *p, which moves behind it; false: none. */
static bool take_number(const char **p, int64_t *v)
{
	char *end;

	errno = 0;
	*v = **p == '-' ? strtoll(*p, &end, 0) : (int64_t)strtoull(*p, &end, 0);
	if (end == *p || errno)
		return false;
	*p = end;
	return true;
}

/* NAME=VALUE or NAME=VALUE/MASK into the table's next entry; NULL, or what is wrong with it. */
static const char *add_entry(struct ir_module *m, const char *p)
{
	size_t len = strcspn(p, "= \t\n");
	int64_t value, mask;

	if (p[len] != '=' || !len)
		return "NAME=VALUE expected in a table of names";
	if (len >= NAMES_TEXT)
		return "too long a name in a table of names";
	if (m->names_used == NAMES_ENTRIES)
		return "too many names in tables";
	memcpy(m->names_table->entry[m->names_used].text, p, len);
	m->names_table->entry[m->names_used].len = (int64_t)len;
	p += len + 1;
	if (!take_number(&p, &value))
		return "number expected in a table of names";
	mask = value;
	if (*p == '/') {
		p++;
		if (!take_number(&p, &mask))
			return "mask expected in a table of names";
	}
	if (*p && !strchr(" \t\n", *p))
		return "blank expected in a table of names";
	m->names_table->entry[m->names_used].value = value;
	m->names_table->entry[m->names_used++].mask = mask;
	return NULL;
}

static const char *next_word(const char *p)
{
	p += strcspn(p, " \t\n");
	return p + strspn(p, " \t\n");
}

static bool is_word(const char *p, const char *word)
{
	size_t len = strcspn(p, " \t\n");

	return len == strlen(word) && !memcmp(p, word, len);
}

uint32_t ir_names_add(struct ir_module *m, const char *text, const char **err)
{
	const char *p = text + strspn(text, " \t\n");
	struct ir_names *n;
	uint32_t first = m->names_used;
	uint64_t how = is_word(p, "one") ? NAMES_ONE : 0;

	for (uint32_t i = 0; i < arrlenu(m->names); i++)
		if (!strcmp(m->names[i]->text, text))
			return i;
	*err = NULL;
	if (!how && !is_word(p, "bits")) {
		*err = "a table of names begins with `one' or `bits'";
		return UINT32_MAX;
	}
	if (!m->names_table)
		m->names_table = arena_new(m->arena, struct names_table);
	n = arena_new(m->arena, struct ir_names);
	n->text = arena_strdup(m->arena, text);
	n->bound = NUMBER_LEN + NAMES_TEXT + 1;	/* names are copied in their full width */
	p = next_word(p);
	if (is_word(p, "decimal")) {
		how |= NAMES_DECIMAL;
		p = next_word(p);
	}
	for (; *p && !*err; p = next_word(p)) {
		*err = add_entry(m, p);
		if (!(how & NAMES_ONE))
			n->bound += (uint32_t)strcspn(p, "=") + 1;
	}
	if (*err) {
		m->names_used = first;
		return UINT32_MAX;
	}
	n->word = NAMES_WORD(first, m->names_used - first, how);
	arrput(m->names, n);
	return (uint32_t)arrlenu(m->names) - 1;
}
