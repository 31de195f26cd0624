/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points and aliases as text, for -p2 and messages. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "lang/print.h"
#include "sema/state.h"

const char *sema_text_points(struct arena *a, struct ast_point *const *list, size_t n, const char *sep)
{
	char *text = NULL, *kept;
	size_t len = 0;
	FILE *out = xmemstream(&text, &len);

	for (size_t i = 0; i < n; i++) {
		if (i)
			fputs(sep, out);
		ast_print_point(out, list[i]);
	}
	fclose(out);
	kept = arena_strndup(a, text, len);
	free(text);
	return kept;
}

const char *sema_text_expr(struct arena *a, const struct ast_expr *e)
{
	char *text = NULL;
	const char *kept;
	size_t len = 0;
	FILE *out = xmemstream(&text, &len);

	ast_print_expr(out, e);
	fclose(out);
	kept = arena_strndup(a, text, len);
	free(text);
	return kept;
}

const char *sema_text_point(struct arena *a, const struct ast_point *pt)
{
	struct ast_point *list[] = {(struct ast_point *)pt};

	return sema_text_points(a, list, 1, "");
}

const char *sema_text_alias(struct arena *a, const struct ast_probe *alias)
{
	return arena_printf(a, "%s %s %s", sema_text_points(a, alias->names, alias->nnames, " = "),
			    alias->epilogue ? "+=" : "=",
			    sema_text_points(a, alias->points, alias->npoints, ", "));
}
