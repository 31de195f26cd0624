/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the parser share: see lang_support.h. */
#include "lang_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "lang/print.h"

static const char *config(void *ctx, const char *name)
{
	if (strcmp(name, "CONFIG_X86") == 0)
		return "y";
	return strcmp(name, "CONFIG_HZ") == 0 ? "250" : NULL;
}

void run_parse(struct parse_run *r, const char *text, size_t len, const struct parse_options *o)
{
	static const struct parse_options none;
	struct source *src;
	FILE *out;

	if (!o)
		o = &none;
	*r = (struct parse_run){.arena = arena_create()};
	out = open_memstream(&r->messages, &r->messages_len);
	diag_sink_init(&r->sink, r->arena, out);
	r->env = (struct parse_env){
		.arena = r->arena, .sink = &r->sink, .kernel_v = "6.1.0",
		.kernel_vr = "6.1.0-56-cloud-amd64", .arch = "x86_64", .systemtap_v = "4.8",
		.privilege = "stapdev", .runtime = "kernel", .guru = o->guru, .config = config,
		.args = o->args, .nargs = o->nargs, .args_used = o->args_used,
	};
	if (o->macros)
		parse_macro_file(&r->env, source_create(r->arena, "macros.stpm", o->macros,
							strlen(o->macros)));
	src = source_create(r->arena, "<input>", text, len);
	r->file = o->library ? parse_library_file(&r->env, src) : parse_script(&r->env, src);
	diag_print_suppressed(&r->sink);
	fclose(out);
}

void run_free(struct parse_run *r)
{
	parse_env_fini(&r->env);
	diag_sink_fini(&r->sink);
	arena_destroy(r->arena);
	free(r->messages);
}

char *print_tree(const struct ast_file *f)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ast_print_file(out, f);
	fclose(out);
	return text;
}

char *run_print(const struct parse_run *r)
{
	char *text = print_tree(r->file);
	size_t skip = strcspn(text, "\n") + 1, len = strlen(text);

	memmove(text, text + skip, len - skip + 1);
	return text;
}
