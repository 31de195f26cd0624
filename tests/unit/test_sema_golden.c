/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden tests of pass 2: tables of scripts and of what passes 1 and 2 print for them.
 *
 *   %% name [-v] [-u] [-w] [-W] [-g] [-G name=value] [-l | -L]
 *   script
 *   %=
 *   diagnostics, then the listing of pass 2 (if there are no errors)
 *
 * A table without any "%=" checks that each case issues the diagnostic whose tag is the case's name;
 * there PROG stands for this program, which has debug information.
 *
 * Usage: test_sema_golden TAPSET TABLE...        compares
 *        test_sema_golden --print TAPSET TABLE   prints the table with what is printed now
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "dbg/module.h"
#include "lang/parse.h"
#include "probe/family.h"
#include "sema/sema.h"

/* What the cases about target variables probe. */
struct diagnosed {
	unsigned bits : 3;
	double real;
	int array[4];
	struct { int x; } inner;
	struct unknown *opaque;
	void *nothing;
	__int128 wide;
	int (*call)(void);
};

__attribute__((noinline)) void diagnosed_nothing(struct diagnosed *d);
__attribute__((noinline)) int diagnosed_target(struct diagnosed *d, double real, int n);

void diagnosed_nothing(struct diagnosed *d)
{
	d->array[0]++;
	__asm__ volatile("" ::: "memory");
}

int diagnosed_target(struct diagnosed *d, double real, int n)
{
	d->real += real;
	diagnosed_nothing(d);
	return d->array[n & 3] + d->bits;
}

struct golden_case {
	char *head, *script;
	char *expected;		/* NULL: only the diagnostic is looked at */
};

/* Cuts `text` at the next line that starts with `mark`; returns what follows that line's mark. */
static char *cut(char *text, const char *mark)
{
	char *p = text;
	size_t n = strlen(mark);

	while (p && strncmp(p, mark, n)) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return NULL;
	*p = 0;
	return p + n;
}

static struct golden_case *read_table(char *text)
{
	struct golden_case *list = NULL;
	bool tags_only = !strstr(text, "\n%=\n");
	char *p = cut(text, "%% ");

	while (p) {
		struct golden_case c = {.head = p};
		char *line = strchr(p, '\n');

		if (!line)
			break;
		*line = 0;
		c.script = line + 1;
		c.expected = tags_only ? NULL : cut(c.script, "%=\n");
		p = cut(c.expected ? c.expected : c.script, "%% ");
		arrput(list, c);
	}
	return list;
}

struct settings {
	bool verbose, unoptimized, guru, list, with_vars, skip_badvars;
	struct sema_override *overrides;
};

static void read_options(struct settings *o, struct diag_sink *diag, char *words)
{
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " ")) {
		if (!strcmp(w, "-v")) {
			o->verbose = true;
		} else if (!strcmp(w, "-u")) {
			o->unoptimized = true;
		} else if (!strcmp(w, "-g")) {
			o->guru = true;
		} else if (!strcmp(w, "--skip-badvars")) {
			o->skip_badvars = true;
		} else if (!strcmp(w, "-w")) {
			diag->suppress_warnings = true;
		} else if (!strcmp(w, "-W")) {
			diag->warnings_are_errors = true;
		} else if (!strcmp(w, "-l") || !strcmp(w, "-L")) {
			o->list = true;
			o->with_vars = w[1] == 'L';
		} else if (!strcmp(w, "-G")) {
			char *name = strtok(NULL, " "), *value = name ? strchr(name, '=') : NULL;

			if (value) {
				struct sema_override ov = {name, value + 1};

				*value = 0;
				arrput(o->overrides, ov);
			}
		}
	}
}

static void pass2(struct sema_session *s, const struct settings *o, FILE *out)
{
	if (sema_run(s) && !o->list)
		return;
	if (o->list)
		sema_list(out, s, o->with_vars);
	else
		sema_print(out, s);
}

/* Was the diagnostic that the case is named after issued? */
static bool issued(const struct diag_sink *diag, const struct golden_case *c)
{
	size_t len = strcspn(c->head, " ");

	for (size_t i = 0; i < arrlenu(diag->all); i++)
		for (const struct diag *d = diag->all[i]; d; d = d->next)
			if (strlen(d->tag) == len && !strncmp(d->tag, c->head, len))
				return true;
	return false;
}

/* The script with PROG replaced; malloc()ed. */
static char *script_text(const char *script)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const char *prog;

	for (; (prog = strstr(script, "PROG")); script = prog + 4)
		fprintf(out, "%.*s\"/proc/self/exe\"", (int)(prog - script), script);
	fputs(script, out);
	fclose(out);
	return text;
}

/* What passes 1 and 2 print; malloc()ed. */
static char *run_case(const struct golden_case *c, const char *tapset, bool *has_tag)
{
	char *text = NULL, *options = strdup(strchr(c->head, ' ') ? strchr(c->head, ' ') + 1 : "");
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct arena *arena = arena_create();
	struct diag_sink diag;
	struct sema_session s;
	struct settings o = {0};
	struct parse_env env = {
		.arena = arena, .sink = &diag, .kernel_v = "6.1.0", .kernel_vr = "6.1.0-56-cloud-amd64",
		.arch = "x86_64", .systemtap_v = "4.8", .privilege = "stapdev", .runtime = "kernel",
	};
	struct probe_session ps = {.arena = arena, .diag = &diag, .no_debuginfod = true};
	char *script = script_text(c->script);
	struct ast_file *f;

	diag_sink_init(&diag, arena, out);
	read_options(&o, &diag, options);
	diag.verbose = o.verbose;
	env.guru = ps.guru = o.guru;
	ps.listing = o.list;
	sema_session_init(&s, arena, &diag);
	s.parse = &env;
	s.probe = &ps;
	s.guru = o.guru;
	s.skip_badvars = o.skip_badvars;
	s.unoptimized = o.unoptimized;
	s.listing = o.list;
	s.verbose = o.verbose;
	s.overrides = o.overrides;
	arrput(s.tapset_dirs, tapset);
	sema_open_tapset(&s);
	f = parse_script(&env, source_create(arena, "<input>", script, strlen(script)));
	if (f) {
		arrput(s.files, f);
		pass2(&s, &o, out);
	}
	diag_print_suppressed(&diag);
	*has_tag = issued(&diag, c);
	arrfree(s.files);
	arrfree(s.tapset_dirs);
	arrfree(s.overrides);
	sema_session_fini(&s);
	parse_env_fini(&env);
	probe_session_fini(&ps);
	diag_sink_fini(&diag);
	arena_destroy(arena);
	free(options);
	free(script);
	fclose(out);
	return text;
}

static char *read_file(const char *path)
{
	char *text = NULL, buf[4096];
	size_t len = 0, n;
	FILE *in = fopen(path, "r"), *out = open_memstream(&text, &len);

	while (in && (n = fread(buf, 1, sizeof(buf), in)) > 0)
		fwrite(buf, 1, n, out);
	if (in)
		fclose(in);
	fclose(out);
	return text;
}

static unsigned run_table(const char *path, const char *tapset, bool print)
{
	char *text = read_file(path);
	char *preface_end = strstr(text, "%% ");
	struct golden_case *list;
	unsigned bad = 0;

	if (print && preface_end)
		fwrite(text, 1, (size_t)(preface_end - text), stdout);
	list = read_table(text);
	for (size_t i = 0; i < arrlenu(list); i++) {
		bool has_tag;
		char *got = run_case(&list[i], tapset, &has_tag);

		if (!list[i].expected) {
			if (!has_tag)
				printf("FAILED %s\n%s--- its diagnostic is not issued, but\n%s", list[i].head,
				       list[i].script, got);
			bad += !has_tag;
		} else if (print) {
			printf("%%%% %s\n%s%%=\n%s", list[i].head, list[i].script, got);
		} else if (strcmp(got, list[i].expected)) {
			printf("FAILED %s\n%s--- expected\n%s--- got\n%s", list[i].head, list[i].script,
			       list[i].expected, got);
			bad++;
		}
		free(got);
	}
	if (!print)
		printf("%s: %zu cases, %u failed\n", path, arrlenu(list), bad);
	bad += !arrlenu(list);
	arrfree(list);
	free(text);
	return bad;
}

int main(int argc, char **argv)
{
	bool print = argc > 1 && !strcmp(argv[1], "--print");
	struct diagnosed d = {0};
	int first = print ? 2 : 1;
	unsigned bad = 0;

	for (int i = first + 1; i < argc; i++)
		bad += run_table(argv[i], argv[first], print);
	diagnosed_target(&d, 0, argc);
	dbg_modules_close_all();
	return bad || argc < first + 2;
}
