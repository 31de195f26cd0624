/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the candidates with the smallest edit distance to a word. */
#include "probe/family.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

#define MAX_WORD 128

/* Levenshtein's distance, by the first MAX_WORD bytes of words. More than `limit` may be any such number. */
static unsigned distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[MAX_WORD + 1];
	size_t na = strnlen(a, MAX_WORD), nb = strnlen(b, MAX_WORD);

	if ((na > nb ? na - nb : nb - na) > limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0], least = (unsigned)i;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
			unsigned best = row[j - 1] + 1;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j] = replace < best ? replace : best;
			if (row[j] < least)
				least = row[j];
		}
		if (least > limit)
			return limit + 1;
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
	struct scored *best = NULL;	/* sorted; `max` of them at most */
	const char *text = "";

	for (size_t i = 0; i < n; i++) {
		bool full = arrlenu(best) == max;
		struct scored s = { candidates[i], 0 };
		size_t at;

		if (!s.word || !*s.word || !max)
			continue;
		s.score = distance(word, s.word, full ? arrlast(best).score : UINT_MAX - 1);
		for (at = arrlenu(best); at > 0 && scored_compare(&s, &best[at - 1]) < 0; at--)
			;
		if (at == max || (at > 0 && !scored_compare(&s, &best[at - 1])))
			continue;
		if (full)
			arrsetlen(best, max - 1);
		arrins(best, at, s);
	}
	for (size_t i = 0; i < arrlenu(best); i++)
		text = arena_printf(a, "%s%s%s", text, i ? ", " : "", best[i].word);
	arrfree(best);
	return text;
}
