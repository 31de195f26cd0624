/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The passes in a row.  Each returns 0 or -1 after its errors were printed; with -pN the
 * last one prints its result.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "cli/tunables.h"
#include "cli/paths.h"
#include "cli/invocation.h"
#include "ir/text.h"
#include "lang/print.h"
#include "lower/program.h"
#include "run/background.h"
#include "run/builds.h"
#include "run/rights.h"
#include "run/session.h"

/* ---- pass 1 ---- */

/* The main script's text; NULL after a message. */
static struct source *script_source(struct cli_session *cs)
{
	const struct cli_options *o = &cs->opt;
	bool input = o->script_file && !strcmp(o->script_file, "-");
	const char *name = input || !o->script_file ? "<input>" : o->script_file;
	const char *path = o->example && !input ? cli_example_path(cs->arena, name) : o->script_file;
	struct source *src;

	if (!o->script_file)
		return source_create(cs->arena, name, o->script_text, strlen(o->script_text));
	src = source_read(cs->arena, path);
	if (!src) {
		if (errno == ENOENT)
			fprintf(stderr, "Input file '%s' is missing.\n", name);
		else
			fprintf(stderr, "Input file '%s' can't be opened for reading: %s\n", name, strerror(errno));
		return NULL;
	}
	if (!src->len) {
		fprintf(stderr, "Input file '%s' is empty.\n", name);
		return NULL;
	}
	if (input)
		src->name = name;
	return src;
}

static void pass1_parse(struct cli_session *cs, const struct source *src, bool *failed)
{
	struct ast_file *f = src ? parse_script(&cs->env, src) : NULL;

	if (f)
		arrput(cs->sema.files, f);
	else
		*failed = true;
}

static int pass1(struct cli_session *cs)
{
	bool failed = false;

	sema_open_tapset(&cs->sema);
	pass1_parse(cs, script_source(cs), &failed);
	for (size_t i = 0; i < arrlenu(cs->opt.extra_scripts); i++) {
		const char *text = cs->opt.extra_scripts[i];
		const char *name = arena_printf(cs->arena, "<input%zu>", i + 1);

		pass1_parse(cs, source_create(cs->arena, name, text, strlen(text)), &failed);
	}
	return failed || diag_failed(&cs->diag) ? -1 : 0;
}

static void pass1_print(struct cli_session *cs)
{
	puts("# parse tree dump");
	for (size_t i = 0; i < arrlenu(cs->sema.files); i++)
		ast_print_file(stdout, cs->sema.files[i]);
	puts("");
}

/* ---- rights ---- */

/* Whether the user's scripts name points that only the kernel can serve. */
static bool needs_kernel(const struct cli_session *cs)
{
	static const char *const families[] = { "process", "kernel", "module", "kprobe", "syscall", "nd_syscall",
						"tp_syscall", "dw_syscall", "perf", "netfilter" };

	for (size_t i = 0; i < arrlenu(cs->sema.files); i++) {
		const struct ast_file *f = cs->sema.files[i];

		for (size_t p = 0; p < f->nprobes; p++)
			for (size_t n = 0; n < f->probes[p]->npoints; n++)
				for (size_t k = 0; k < sizeof(families) / sizeof(families[0]); k++)
					if (!strcmp(f->probes[p]->points[n]->components[0].name, families[k]))
						return true;
	}
	return false;
}

/* Says at once what is missing: without rights the files to be probed may not be readable either. */
static int check_rights(struct cli_session *cs)
{
	char msg[256];

	if (cs->opt.last_pass < 5 || !needs_kernel(cs) || run_rights_check(msg, sizeof(msg)))
		return 0;
	fprintf(stderr, "ERROR: %s\n", msg);
	cli_pass_failed(5);
	return 1;
}

/* ---- pass 2 ---- */

static int pass2(struct cli_session *cs)
{
	return sema_run(&cs->sema) || diag_failed(&cs->diag) ? -1 : 0;
}

/* Arguments that neither $N nor @N took; -1 if that is an error (-W). */
static int pass2_unused_args(struct cli_session *cs)
{
	for (size_t i = 0; i < cs->env.nargs; i++)
		if (!cs->env.args_used[i])
			diag_warn(&cs->diag, "unused-argument", NULL,
				  "unused command line option $%zu/@%zu", i + 1, i + 1);
	return diag_failed(&cs->diag) ? -1 : 0;
}

static void pass2_coverage(const struct cli_session *cs)
{
	fputs("library files used:\n", stderr);
	for (size_t i = 0; i < arrlenu(cs->sema.used_files); i++)
		fprintf(stderr, "  %s\n", cs->sema.used_files[i]->name);
}

/* ---- pass 3 ---- */

static int pass3(struct cli_session *cs)
{
	const struct cli_options *o = &cs->opt;
	struct lower_options lo = {
		.limits = cs->limits, .timing = o->timing, .optimise = !o->unoptimized,
		.target = o->target, .modules = o->modules,
	};

	cs->program = lower_program(&cs->sema, &lo);
	return cs->program && !diag_failed(&cs->diag) ? 0 : -1;
}

/* ---- pass 4 ---- */

static int pass4(struct cli_session *cs)
{
	const struct cli_options *o = &cs->opt;
	struct run_options ro = {
		.output = o->output, .rotate_bytes = o->rotate_bytes, .rotate_count = o->rotate_count,
		.command = o->command, .name = o->module_name, .target = o->target,
		.timeout_ns = o->timeout_s * 1000000000ull,
		.verbose = o->verbose[5], .max_frames = cli_max_backtrace(o),
		.no_warnings = o->no_warnings, .suppress_errors = o->suppress_errors,
	};

	cs->run = run_session_create(cs->program, &ro, &cs->diag);
	return run_session_build(cs->run) ? -1 : 0;
}

/* Writes the object where it is wanted: -m, -k, or the cache.  The path, NULL after a message. */
static const char *pass4_save(struct cli_session *cs)
{
	const char *name = cs->opt.module_name, *dir = ".";
	const char *path;
	int rc;

	if (!name)
		dir = cs->keep_dir ? cs->keep_dir : cli_cache_dir(cs->arena);
	if (!dir) {
		fprintf(stderr, "ERROR: cannot create the cache directory %s: %s; SYSTEMTAP_DIR names another place, -m NAME "
			"writes NAME.bpo here\n", cli_cache_path(cs->arena), strerror(errno));
		return NULL;
	}
	path = name ? arena_printf(cs->arena, "%s.bpo", name) :
		      arena_printf(cs->arena, "%s/stap_%d.bpo", dir, (int)getpid());
	run_builds_note(cs->program, cs->arena);
	rc = program_save(cs->program, path);
	if (rc) {
		fprintf(stderr, "ERROR: cannot write %s: %s\n", path, strerror(-rc));
		return NULL;
	}
	return path;
}

static int pass4_keep(struct cli_session *cs)
{
	char dir[] = "/tmp/stapXXXXXX";

	if (!cs->opt.keep)
		return 0;
	if (!mkdtemp(dir)) {
		fprintf(stderr, "ERROR: cannot create temporary directory (\"%s\"): %s\n", dir, strerror(errno));
		return -1;
	}
	cs->keep_dir = arena_strdup(cs->arena, dir);
	return 0;
}

/* What -p4, -k and -m leave behind. */
static int pass4_result(struct cli_session *cs)
{
	const char *path;

	if (pass4_keep(cs))
		return -1;
	if (cs->opt.last_pass > 4 && !cs->opt.keep && !cs->opt.module_name)
		return 0;
	path = pass4_save(cs);
	if (path && cs->opt.last_pass == 4)
		puts(path);
	return path ? 0 : -1;
}

/* ---- pass 5 ---- */

/* -F: returns in the process that goes on; the other one says where that is, or ends with its status. */
static int pass5_background(struct cli_session *cs)
{
	const struct cli_options *o = &cs->opt;
	struct run_background b;
	const char *name;
	int rc;

	fflush(stdout);
	rc = run_background_fork(&b);
	if (rc) {
		fprintf(stderr, "ERROR: cannot go to the background: %s\n", strerror(-rc));
		return -1;
	}
	name = o->module_name ? o->module_name :
				arena_printf(cs->arena, "stap_%d", (int)(b.pid ? b.pid : getpid()));
	if (!b.pid) {
		run_session_detach(cs->run, b.ready, o->output ? NULL : name);
		return 0;
	}
	if (b.status < 0 && o->output)
		printf("%d\n", (int)b.pid);
	else if (b.status < 0)
		fprintf(stderr, "\nDisconnecting from systemtap module.\n"
				"To reconnect, type \"staprun -A %s\"\n", name);
	fflush(stdout);
	_exit(b.status < 0 ? 0 : b.status);
}

static int pass5(struct cli_session *cs)
{
	if (cs->opt.background && pass5_background(cs))
		return -1;
	if (run_session_prepare(cs->run) || run_session_load(cs->run))
		return -1;
	return run_session_run(cs->run) ? -1 : 0;
}

/* ---- all of them ---- */

/* The -v line of a pass that has ended, whether well or not. */
static void passes_log(struct cli_session *cs, int pass, const struct cli_clock *since)
{
	size_t instructions, handlers, embeds = 0;

	if (!cs->opt.verbose[pass])
		return;
	switch (pass) {
	case 1:
		cli_pass_log(1, since, true, "parsed user script and %zu library scripts",
			     sema_tapset_size(&cs->sema));
		break;
	case 2:
		for (size_t i = 0; i < arrlenu(cs->sema.used_files); i++)
			embeds += cs->sema.used_files[i]->nembeds;
		cli_pass_log(2, since, true,
			     "analyzed script: %zu probe%s, %zu function%s, %zu embed%s, %zu global%s",
			     arrlenu(cs->sema.probes), arrlenu(cs->sema.probes) == 1 ? "" : "s",
			     arrlenu(cs->sema.functions), arrlenu(cs->sema.functions) == 1 ? "" : "s",
			     embeds, embeds == 1 ? "" : "s",
			     arrlenu(cs->sema.globals), arrlenu(cs->sema.globals) == 1 ? "" : "s");
		break;
	case 3:
		cli_pass_log(3, since, true, "translated to IR, %zu handlers for %zu probe points",
			     cs->program ? arrlenu(cs->program->handlers) : 0,
			     cs->program ? arrlenu(cs->program->points) : 0);
		break;
	case 4:
		handlers = cs->run ? run_session_code(cs->run, &instructions) : (instructions = 0);
		cli_pass_log(4, since, false, "compiled %zu kernel handlers, %zu instructions,", handlers,
			     instructions);
		break;
	case 5:
		cli_pass_log(5, since, false, "run completed");
		break;
	}
}

static void passes_print(struct cli_session *cs, int pass)
{
	switch (pass) {
	case 1:
		pass1_print(cs);
		break;
	case 2:
		sema_print(stdout, &cs->sema);
		break;
	case 3:
		ir_print(stdout, cs->program->ir);
		if (!pass4(cs))
			run_session_list(cs->run, stdout);
		break;
	}
	fflush(stdout);
}

int cli_run_passes(struct cli_session *cs)
{
	static int (*const passes[])(struct cli_session *) = { NULL, pass1, pass2, pass3, pass4, pass5 };
	int status = 0;

	for (int pass = 1; pass <= cs->opt.last_pass && !status; pass++) {
		struct cli_clock clock;

		cli_clock_start(&clock);
		if (pass == 5 && cs->opt.verbose[5])
			fputs("Pass 5: starting run.\n", stderr);
		status = passes[pass](cs) ? 1 : 0;
		if (!status && pass == cs->opt.last_pass)
			passes_print(cs, pass);
		passes_log(cs, pass, &clock);
		if (!status && pass == 2 && cs->opt.coverage)
			pass2_coverage(cs);
		if (pass == 2 && pass2_unused_args(cs))
			status = 1;
		if (!status && pass == 4)
			status = pass4_result(cs) ? 1 : 0;
		if (status)
			cli_pass_failed(pass);
		else if (pass == 1)
			status = check_rights(cs);
		if (pass < 5 && (status || pass == 4 || pass == cs->opt.last_pass))
			diag_print_suppressed(&cs->diag);
	}
	if (cs->keep_dir)
		fprintf(stderr, "Keeping temporary directory \"%s\"\n", cs->keep_dir);
	return status;
}

/* ---- listings ---- */

int cli_list(struct cli_session *cs)
{
	const char *text = arena_printf(cs->arena, "probe %s {}", cs->opt.list_pattern);
	struct ast_file *f;
	size_t lines;

	sema_open_tapset(&cs->sema);
	f = parse_script(&cs->env, source_create(cs->arena, "<input>", text, strlen(text)));
	if (!f)
		return 1;
	arrput(cs->sema.files, f);
	/* What does not match is not talked about, unless asked for. */
	diag_hold(&cs->diag);
	sema_run(&cs->sema);
	diag_release(&cs->diag, cs->opt.verbose[2] > 0);
	lines = sema_list(stdout, &cs->sema, cs->opt.mode == CLI_LIST_VARS);
	return lines ? 0 : 1;
}

int cli_dump(struct cli_session *cs)
{
	const char **types;

	switch (cs->opt.mode) {
	case CLI_DUMP_FUNCTIONS:
		sema_open_tapset(&cs->sema);
		return sema_dump_functions(stdout, &cs->sema) ? 1 : 0;
	case CLI_DUMP_ALIASES:
		sema_open_tapset(&cs->sema);
		return sema_dump_aliases(stdout, &cs->sema) ? 1 : 0;
	default:
		types = probe_pattern_list();
		for (size_t i = 0; i < arrlenu(types); i++)
			puts(types[i]);
		arrfree(types);
		return 0;
	}
}
