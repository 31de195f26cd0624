/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of stap: one table of options, from which parsing and --help are made.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum cli_mode {
	CLI_RUN,		/* passes 1 to last_pass */
	CLI_LIST, CLI_LIST_VARS,	/* -l, -L */
	CLI_DUMP_TYPES, CLI_DUMP_FUNCTIONS, CLI_DUMP_ALIASES,
	CLI_HELP, CLI_VERSION, CLI_CLEAN_CACHE,
};

enum cli_color { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER };

#define CLI_PASSES 5

struct cli_define {		/* -D NAME=VALUE, -G NAME=VALUE */
	const char *name;
	const char *value;	/* "" when none was given */
};

struct cli_options {
	enum cli_mode mode;
	int last_pass;
	int verbose[CLI_PASSES + 1];	/* by pass number */
	const char *script_file;	/* path or "-"; NULL: script_text */
	const char *script_text;	/* -e, or made from -l/-L */
	const char **extra_scripts;	/* -E; stb_ds arrays from here */
	const char **args;		/* of the script */
	const char **include_dirs;	/* -I */
	struct cli_define *defines;	/* -D */
	struct cli_define *globals;	/* -G */
	const char **modules;		/* -d */
	const char *list_pattern;	/* -l, -L */
	const char *command;		/* -c */
	int32_t target;			/* -x */
	bool target_given;
	const char *output;		/* -o */
	uint64_t rotate_bytes;		/* -S */
	unsigned rotate_count;
	uint64_t timeout_s;		/* -T */
	uint64_t buffer_mb;		/* -s; 0: default */
	const char *module_name;	/* -m */
	const char *release;		/* -r */
	const char *privilege;		/* "stapdev" unless given */
	const char *compatible;		/* --compatible: version scripts see */
	const char *sysroot;
	const char *search_path;	/* --sysenv=PATH=...; NULL: the environment's */
	const char *namespaces;		/* --target-namespaces: whose; NULL: stap's own */
	bool background;		/* -F */
	bool example;			/* --example: script_file is a name below the examples */
	enum cli_color color;
	bool keep, guru, unoptimized, no_warnings, warnings_are_errors, timing, coverage, ldd;
	bool suppress_time_limits, suppress_errors, skip_badvars, no_global_display;
};

/*
 * Parses the options of the rc file ($SYSTEMTAP_DIR/rc), then argv.  Strings point into argv or
 * live as long as the process.  0, or an exit status after a message on standard error.
 */
int cli_options_parse(struct cli_options *o, int argc, char **argv);
void cli_options_free(struct cli_options *o);

/* What --help prints. */
void cli_options_help(FILE *out);
void cli_options_version(FILE *out);

/* The value of -D `name`; NULL: not given. */
const char *cli_define(const struct cli_options *o, const char *name);

#endif
