/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the candidates with the smallest edit distance to a word. */
#include "probe/family.h"

#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

#define MAX_WORD 128

/* Levenshtein's distance; words are compared by their first MAX_WORD bytes. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[MAX_WORD + 1];
	size_t na = strnlen(a, MAX_WORD), nb = strnlen(b, MAX_WORD);

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
			unsigned best = row[j - 1] + 1;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j] = replace < best ? replace : best;
		}
	}
	return row[nb];
}

struct scored {
	const char *word;
	unsigned score;
};

static int scored_compare(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return strcmp(x->word, y->word);
}

const char *probe_similar(struct arena *a, const char *word, const char *const *candidates, size_t n,
			  size_t max)
{
	struct scored *list = NULL;
	const char *text = "";
	size_t shown = 0;

	for (size_t i = 0; i < n; i++)
		if (candidates[i] && *candidates[i]) {
			struct scored s = { candidates[i], distance(word, candidates[i]) };

			arrput(list, s);
		}
	if (list)
		qsort(list, arrlenu(list), sizeof(*list), scored_compare);
	for (size_t i = 0; i < arrlenu(list) && shown < max; i++) {
		if (i && !strcmp(list[i].word, list[i - 1].word))
			continue;
		text = arena_printf(a, "%s%s%s", text, shown ? ", " : "", list[i].word);
		shown++;
	}
	arrfree(list);
	return text;
}
