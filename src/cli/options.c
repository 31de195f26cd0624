/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of options and its interpretation.  Most options set one field and say so in
 * their row; the others have a hook.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <regex.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/ds.h"
#include "base/intern.h"
#include "cli/rcfile.h"
#include "cli/rotation.h"

struct option_row;
typedef bool (*option_fn)(struct cli_options *o, const struct option_row *row, const char *arg);

struct option_row {
	int letter;		/* 0: long only */
	const char *name;	/* long name, or NULL */
	const char *arg;	/* its argument in --help; NULL: none; "[=X]": may be left out */
	option_fn set;		/* NULL: `field` is a bool set to true */
	size_t field;		/* offset in struct cli_options; 0: none; of --rlimit-*: the resource */
	const char *help;	/* "\n" between lines; NULL: not shown */
	const char *why;	/* of what is refused: the reason */
};

#define FIELD(f) offsetof(struct cli_options, f)

/* "ERROR: Safety pattern mismatch ..." unless the argument matches (ignoring case). */
static bool option_safe(const char *letter, const char *arg, const char *pattern)
{
	regex_t re;
	int rc;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB | REG_ICASE))
		abort();
	rc = regexec(&re, arg, 0, NULL, 0);
	regfree(&re);
	if (rc)
		fprintf(stderr, "ERROR: Safety pattern mismatch for %s parameter ('%s' vs. '%s') rc=%d\n",
			letter, arg, pattern, rc);
	return rc == 0;
}

static bool option_number(const char *arg, long min, long max, long *v)
{
	char *end;

	errno = 0;
	*v = strtol(arg, &end, 10);
	return !errno && end != arg && !*end && *v >= min && *v <= max;
}

static bool option_bad(const char *msg)
{
	fprintf(stderr, "%s\n", msg);
	return false;
}

static bool set_string(struct cli_options *o, const struct option_row *row, const char *arg)
{
	memcpy((char *)o + row->field, &arg, sizeof(arg));
	return true;
}

static bool set_list(struct cli_options *o, const struct option_row *row, const char *arg)
{
	const char ***list = (const char ***)((char *)o + row->field);

	arrput(*list, arg);
	return true;
}

static bool set_mode(struct cli_options *o, enum cli_mode mode)
{
	if (o->mode != CLI_RUN)
		return option_bad("ERROR: only one of the -l/-L/--dump-* switches may be specified");
	o->mode = mode;
	return true;
}

static bool set_help(struct cli_options *o, const struct option_row *row, const char *arg)
{
	o->mode = CLI_HELP;
	return true;
}

static bool set_version(struct cli_options *o, const struct option_row *row, const char *arg)
{
	o->mode = CLI_VERSION;
	return true;
}

static bool set_clean_cache(struct cli_options *o, const struct option_row *row, const char *arg)
{
	o->mode = CLI_CLEAN_CACHE;
	return true;
}

static bool set_pass(struct cli_options *o, const struct option_row *row, const char *arg)
{
	long n;

	if (!option_number(arg, 1, CLI_PASSES, &n))
		return option_bad("Invalid pass number (should be 1-5).");
	o->last_pass = (int)n;
	return true;
}

static bool set_verbose(struct cli_options *o, const struct option_row *row, const char *arg)
{
	for (int i = 1; i <= CLI_PASSES; i++)
		o->verbose[i]++;
	return true;
}

static bool set_vp(struct cli_options *o, const struct option_row *row, const char *arg)
{
	size_t n = strlen(arg);

	if (n < 1 || n > CLI_PASSES || strspn(arg, "0123456789") != n)
		return option_bad("Invalid --vp argument: it takes 1 to 5 digits.");
	for (size_t i = 0; i < n; i++)
		o->verbose[i + 1] += arg[i] - '0';
	return true;
}

static bool set_script(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (o->script_text)
		return option_bad("Only one script can be given on the command line.");
	o->script_text = arg;
	return true;
}

static bool set_listing(struct cli_options *o, const struct option_row *row, const char *arg)
{
	o->list_pattern = arg;
	return set_mode(o, row->letter == 'l' ? CLI_LIST : CLI_LIST_VARS);
}

static bool set_dump(struct cli_options *o, const struct option_row *row, const char *arg)
{
	return set_mode(o, !strcmp(row->name, "dump-functions") ? CLI_DUMP_FUNCTIONS :
			   !strcmp(row->name, "dump-probe-aliases") ? CLI_DUMP_ALIASES : CLI_DUMP_TYPES);
}

/* Splits "NAME=VALUE". */
static struct cli_define option_split(const char *arg)
{
	const char *eq = strchr(arg, '=');
	struct cli_define d = { arg, "" };

	if (eq) {
		d.name = intern_n(arg, (size_t)(eq - arg));
		d.value = eq + 1;
	}
	return d;
}

static bool set_define(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (!option_safe("-D", arg, "^[a-z_][a-z_0-9]*(=-?[a-z_0-9]+)?$"))
		return false;
	arrput(o->defines, option_split(arg));
	return true;
}

static bool set_global(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (!option_safe("-G", arg, "^[a-z_][a-z0-9_]*=[a-z0-9_.-]+$"))
		return false;
	arrput(o->globals, option_split(arg));
	return true;
}

static bool set_module(struct cli_options *o, const struct option_row *row, const char *arg)
{
	size_t n = strlen(arg);

	if (n > 3 && !strcmp(arg + n - 3, ".ko")) {
		arg = intern_n(arg, n - 3);
		fprintf(stderr, "Truncating module name to '%s'\n", arg);
	}
	if (!option_safe("-m", arg, "^[a-z0-9_]+$"))
		return false;
	o->module_name = arg;
	return true;
}

static bool set_sysroot(struct cli_options *o, const struct option_row *row, const char *arg)
{
	struct stat st;

	if (stat(arg, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "ERROR: %s is an invalid directory for --sysroot\n", arg);
		return false;
	}
	o->sysroot = arg;
	return true;
}

static bool set_buffer(struct cli_options *o, const struct option_row *row, const char *arg)
{
	long n;

	if (!option_number(arg, 1, 4095, &n))
		return option_bad("Invalid buffer size (should be 1-4095).");
	o->buffer_mb = (uint64_t)n;
	return true;
}

static bool set_rotate(struct cli_options *o, const struct option_row *row, const char *arg)
{
	return option_safe("-S", arg, "^[0-9]+(,[0-9]+)?$") &&
	       (cli_rotation_parse(arg, &o->rotate_bytes, &o->rotate_count) || option_bad("Invalid output file size."));
}

static bool set_timeout(struct cli_options *o, const struct option_row *row, const char *arg)
{
	long n;

	if (!option_number(arg, 1, INT_MAX, &n))
		return option_bad("Invalid timeout interval.");
	o->timeout_s = (uint64_t)n;
	return true;
}

static bool set_target(struct cli_options *o, const struct option_row *row, const char *arg)
{
	long n;

	if (!option_number(arg, 0, INT_MAX, &n))
		return option_bad("Invalid target process ID number.");
	o->target = (int32_t)n;
	o->target_given = true;
	return true;
}

static bool set_command(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (!arg[0])
		return option_bad("Empty CMD string invalid.");
	o->command = arg;
	return true;
}

/* One of a list of words, blank separated. */
static bool option_word(const char *name, const char *arg, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(*words, arg))
			return true;
	fprintf(stderr, "Invalid argument '%s' for --%s.\n", arg, name);
	return false;
}

static bool set_color(struct cli_options *o, const struct option_row *row, const char *arg)
{
	static const char *const words[] = { "never", "always", "auto", NULL };

	if (!arg)
		arg = "always";
	if (!option_word("color", arg, words))
		return false;
	o->color = !strcmp(arg, "never") ? CLI_COLOR_NEVER :
		   !strcmp(arg, "always") ? CLI_COLOR_ALWAYS : CLI_COLOR_AUTO;
	return true;
}

static bool set_privilege(struct cli_options *o, const struct option_row *row, const char *arg)
{
	static const char *const words[] = { "stapdev", "stapsys", "stapusr", NULL };

	if (!strcmp(row->name, "unprivileged"))
		arg = "stapusr";
	o->privilege = arg;
	return option_word("privilege", arg, words);
}

static bool set_prologue(struct cli_options *o, const struct option_row *row, const char *arg)
{
	static const char *const words[] = { "never", "always", "auto", NULL };

	return !arg || option_word("prologue-searching", arg, words);
}

static bool set_runtime(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (!arg)
		arg = row->name;	/* --bpf, --dyninst */
	if (!strcmp(arg, "kernel") || !strcmp(arg, "bpf"))
		return true;
	if (!strcmp(arg, "dyninst"))
		return option_bad("ERROR: --runtime=dyninst unavailable; this build lacks DYNINST feature");
	fprintf(stderr, "ERROR: %s is an invalid argument for --runtime\n", arg);
	return false;
}

static bool set_nothing(struct cli_options *o, const struct option_row *row, const char *arg)
{
	return true;
}

static bool set_rlimit(struct cli_options *o, const struct option_row *row, const char *arg)
{
	struct rlimit r;
	char *end;

	errno = 0;
	if (getrlimit((int)row->field, &r))
		r.rlim_max = RLIM_INFINITY;
	r.rlim_cur = strtoul(arg, &end, 0);
	if (errno || end == arg || *end) {
		fprintf(stderr, "Unable to convert resource limit '%s' for %s\n", arg, row->name);
		return false;
	}
	if (setrlimit((int)row->field, &r)) {
		fprintf(stderr, "Unable to set resource limits for %s: %s\n", row->name, strerror(errno));
		return false;
	}
	return true;
}

static bool set_sysenv(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (!o->sysroot)
		return option_bad("ERROR: --sysenv must follow --sysroot");
	if (!strchr(arg, '=')) {
		fprintf(stderr, "ERROR: %s is an invalid argument for --sysenv\n", arg);
		return false;
	}
	if (!strncmp(arg, "PATH=", 5))
		o->search_path = arg + 5;
	return true;
}

static bool set_arch(struct cli_options *o, const struct option_row *row, const char *arg)
{
	struct utsname u;

	if (uname(&u) || !strcmp(arg, u.machine))
		return true;
	fprintf(stderr, "ERROR: -a %s is not available in bpftap: scripts are compiled for the machine they run "
			"on, which is %s\n", arg, u.machine);
	return false;
}

static bool set_modinfo(struct cli_options *o, const struct option_row *row, const char *arg)
{
	return option_safe("--modinfo", arg, "^[a-z_][a-z0-9_]*=.+$");
}

static bool set_download(struct cli_options *o, const struct option_row *row, const char *arg)
{
	long n;

	if (!arg || !strcmp(arg, "yes") || !strcmp(arg, "no") || !strcmp(arg, "ask") ||
	    option_number(arg, 1, LONG_MAX, &n))
		return true;
	fprintf(stderr, "ERROR: %s is not a valid value. Use 'yes', 'no', 'ask' or a timeout value.\n", arg);
	return false;
}

static bool set_namespaces(struct cli_options *o, const struct option_row *row, const char *arg)
{
	long n;

	if (!option_number(arg, 1, INT_MAX, &n))
		return option_bad("Invalid process ID number for target namespaces.");
	o->namespaces = arg;
	return true;
}

static bool set_remote(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (!strcmp(arg, "direct://"))
		return true;
	fprintf(stderr, "ERROR: --remote=%s is not available in bpftap: %s\n", arg, row->why);
	return false;
}

static bool set_monitor(struct cli_options *o, const struct option_row *row, const char *arg)
{
	fputs("WARNING: Monitor mode is not supported by this version of systemtap\n", stderr);
	return true;
}

static bool set_unavailable(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (row->letter)
		fprintf(stderr, "ERROR: -%c is not available in bpftap: %s\n", row->letter, row->why);
	else
		fprintf(stderr, "ERROR: --%s is not available in bpftap: %s\n", row->name, row->why);
	return false;
}

#define NO_SERVER	"there are no compile servers, and no need: nothing is built by a C compiler"

/* ---- the table ---- */

static const struct option_row option_table[] = {
	{ 'h', "help", NULL, set_help, 0, "print this text" },
	{ 'V', "version", NULL, set_version, 0, "print the version" },
	{ 'p', NULL, "NUM", set_pass, 0,
	  "end after this pass: 1 parse, 2 elaborate, 3 translate,\n4 build, 5 run (the default)" },
	{ 'v', NULL, NULL, set_verbose, 0, "say more, in every pass; may be repeated" },
	{ 0, "vp", "{N}+", set_vp, 0, "say more by pass: one digit for each of the five" },
	{ 'e', NULL, "SCRIPT", set_script, 0, "the script itself, instead of FILE" },
	{ 'E', NULL, "SCRIPT", set_list, FIELD(extra_scripts),
	  "a further script to run with the main one; may be repeated" },
	{ 'l', NULL, "PROBE", set_listing, 0, "print the probe points that PROBE matches" },
	{ 'L', NULL, "PROBE", set_listing, 0, "the same, with the variables to be had there" },
	{ 'c', NULL, "CMD", set_command, 0,
	  "run CMD once everything is armed, end when it ends;\ntarget() is its process ID" },
	{ 'x', NULL, "PID", set_target, 0, "target() is PID" },
	{ 'o', NULL, "FILE", set_string, FIELD(output),
	  "write the script's output to FILE (strftime(3) formats allowed)" },
	{ 'S', NULL, "SIZE[,N]", set_rotate, 0, "with -o: begin a new file after SIZE megabytes, keep the last N" },
	{ 'F', NULL, NULL, NULL, FIELD(background),
	  "go on in the background: with -o FILE print its process ID, without keep\n"
	  "the latest output in memory until \"staprun -A NAME\" asks for it" },
	{ 'T', NULL, "SECS", set_timeout, 0, "end after so many seconds" },
	{ 'g', NULL, NULL, NULL, FIELD(guru), "guru mode: the script may write to the target" },
	{ 'D', NULL, "NM[=VAL]", set_define, 0, "set a limit, such as MAXERRORS=10 or MAXMAPENTRIES=50000" },
	{ 'G', NULL, "VAR=VAL", set_global, 0, "initial value of a global variable" },
	{ 'I', NULL, "DIR", set_list, FIELD(include_dirs), "look for library scripts in DIR, too" },
	{ 's', NULL, "NUM", set_buffer, 0, "output buffer of each processor, in megabytes" },
	{ 'd', NULL, "OBJECT", set_list, FIELD(modules), "have symbols and unwind tables of this file at hand" },
	{ 0, "ldd", NULL, NULL, FIELD(ldd), "the same for all libraries that probed programs load" },
	{ 0, "all-modules", NULL, set_nothing, 0, "the same for all kernel modules" },
	{ 't', NULL, NULL, NULL, FIELD(timing), "report hits and time spent for each probe point" },
	{ 'q', NULL, NULL, NULL, FIELD(coverage), "report which parts of the library were used" },
	{ 'w', NULL, NULL, NULL, FIELD(no_warnings), "no warnings" },
	{ 'W', NULL, NULL, NULL, FIELD(warnings_are_errors), "warnings are errors" },
	{ 'u', NULL, NULL, NULL, FIELD(unoptimized), "do not optimise" },
	{ 'k', NULL, NULL, NULL, FIELD(keep), "keep the built object and print where it is" },
	{ 'm', NULL, "NAME", set_module, 0, "name of the built object, put into the current directory" },
	{ 'r', NULL, "RELEASE", set_string, FIELD(release), "kernel release that conditionals in the script see" },
	{ 0, "color", "[=WHEN]", set_color, 0, "colour in messages: never, always, auto" },
	{ 0, "colour", "[=WHEN]", set_color, 0, NULL },
	{ 0, "suppress-time-limits", NULL, NULL, FIELD(suppress_time_limits),
	  "no limit on the statements of a handler (needs -g)" },
	{ 0, "suppress-handler-errors", NULL, NULL, FIELD(suppress_errors), "errors in handlers do not end the run" },
	{ 0, "no-global-var-display", NULL, NULL, FIELD(no_global_display),
	  "do not print globals that the script only writes" },
	{ 0, "skip-badvars", NULL, NULL, FIELD(skip_badvars), "variables that cannot be had are 0" },
	{ 0, "privilege", "WHICH", set_privilege, 0,
	  "privilege that conditionals in the script see:\nstapdev, stapsys, stapusr" },
	{ 0, "unprivileged", NULL, set_privilege, 0, "the same as --privilege=stapusr" },
	{ 0, "compatible", "VERSION", set_string, FIELD(compatible), "be compatible with this version of SystemTap" },
	{ 0, "sysroot", "DIR", set_sysroot, 0, "target files are below DIR" },
	{ 0, "sysenv", "VAR=VALUE", set_sysenv, 0, "after --sysroot: PATH there" },
	{ 0, "target-namespaces", "PID", set_namespaces, 0, "ns_pid() and its like speak of the namespaces of PID" },
	{ 0, "example", NULL, NULL, FIELD(example), "FILE is one of the examples" },
	{ 0, "rlimit-as", "NUM", set_rlimit, RLIMIT_AS, "limit of stap's address space, in bytes" },
	{ 0, "rlimit-cpu", "NUM", set_rlimit, RLIMIT_CPU, "limit of stap's processor time, in seconds" },
	{ 0, "rlimit-nproc", "NUM", set_rlimit, RLIMIT_NPROC, "limit of the user's processes" },
	{ 0, "rlimit-stack", "NUM", set_rlimit, RLIMIT_STACK, "limit of stap's stack, in bytes" },
	{ 0, "rlimit-fsize", "NUM", set_rlimit, RLIMIT_FSIZE, "limit of files that stap writes, in bytes" },
	{ 0, "dump-probe-types", NULL, set_dump, 0, "print the kinds of probe points" },
	{ 0, "dump-probe-aliases", NULL, set_dump, 0, "print the probe aliases of the library" },
	{ 0, "dump-functions", NULL, set_dump, 0, "print the functions of the library" },
	{ 0, "disable-cache", NULL, set_nothing, 0, "accepted: scripts are always compiled anew" },
	{ 0, "poison-cache", NULL, set_nothing, 0, "accepted: scripts are always compiled anew" },
	{ 0, "clean-cache", NULL, set_clean_cache, 0, "remove the objects that -p4 has saved, and end" },
	/* Accepted for SystemTap's sake; nothing here depends on them. */
	{ 'b', NULL, NULL, set_nothing, 0, NULL },
	{ 'P', NULL, NULL, set_nothing, 0, NULL },
	{ 'B', NULL, "NM=VAL", set_nothing, 0, NULL },
	{ 'R', NULL, "DIR", set_nothing, 0, NULL },
	{ 'a', NULL, "ARCH", set_arch, 0, NULL },
	{ 0, "prologue-searching", "[=WHEN]", set_prologue, 0, NULL },
	{ 0, "runtime", "MODE", set_runtime, 0, NULL },
	{ 0, "bpf", NULL, set_runtime, 0, NULL },
	{ 0, "dyninst", NULL, set_runtime, 0, NULL },
	{ 0, "modinfo", "NM=VAL", set_modinfo, 0, NULL },
	{ 0, "check-version", NULL, set_nothing, 0, NULL },
	{ 0, "tmpdir", "NAME", set_nothing, 0, NULL },
	{ 0, "download-debuginfo", "[=WHEN]", set_download, 0, NULL },
	{ 0, "save-uprobes", NULL, set_nothing, 0, NULL },
	{ 0, "sign-module", NULL, set_nothing, 0, NULL },
	{ 0, "use-server-on-error", "[=WHEN]", set_nothing, 0, NULL },
	{ 0, "monitor", "[=SECS]", set_monitor, 0, NULL },
	{ 0, "remote-prefix", NULL, set_nothing, 0, NULL },
	{ 0, "remote", "HOST", set_remote, 0, NULL,
	  "run stap on that machine, as in \"ssh HOST stap - <FILE\"" },
	/* Refused: they promise what is not done. */
	{ 'i', "interactive", NULL, set_unavailable, 0, NULL,
	  "put the script into a file, compiling it takes milliseconds" },
	{ 0, "use-server", "[=SPEC]", set_unavailable, 0, NULL, NO_SERVER },
	{ 0, "list-servers", "[=SPEC]", set_unavailable, 0, NULL, NO_SERVER },
	{ 0, "trust-servers", "[=SPEC]", set_unavailable, 0, NULL, NO_SERVER },
};
#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))
#define OPTION_LONG 256		/* getopt's value of row n's long name is OPTION_LONG + n */

static bool option_optional(const struct option_row *r)
{
	return r->arg && r->arg[0] == '[';
}

/* ---- parsing ---- */

static bool option_apply(struct cli_options *o, const struct option_row *row, const char *arg)
{
	if (row->set)
		return row->set(o, row, arg);
	*((bool *)o + row->field) = true;
	return true;
}

static void option_usage(void)
{
	fputs("Try '--help' for more information. [man stap]\n"
	      "A message like [man foo] means for more info, run % man foo\n", stderr);
}

/* Runs getopt over one argument vector; false after a message. */
static bool options_getopt(struct cli_options *o, int argc, char **argv)
{
	char letters[2 * OPTION_COUNT + 1], *l = letters;
	struct option longs[OPTION_COUNT + 1];
	size_t n = 0;
	int c;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *r = &option_table[i];

		if (r->letter) {
			*l++ = (char)r->letter;
			if (r->arg)
				*l++ = ':';
		}
		if (r->name)
			longs[n++] = (struct option){ r->name, option_optional(r) ? optional_argument :
						      r->arg ? required_argument : no_argument, NULL,
						      OPTION_LONG + (int)i };
	}
	*l = 0;
	longs[n] = (struct option){ 0 };
	optind = 0;	/* glibc: start anew */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *row = NULL;

		if (c == '?') {
			option_usage();
			return false;
		}
		for (size_t i = 0; i < OPTION_COUNT; i++)
			if (c >= OPTION_LONG ? c == OPTION_LONG + (int)i : c == option_table[i].letter)
				row = &option_table[i];
		if (!row || !option_apply(o, row, optarg))
			return false;
	}
	return true;
}

/* What the options say together. */
static int options_check(struct cli_options *o)
{
	bool listing = o->mode != CLI_RUN;
	const char *version = SYSTEMTAP_COMPATIBLE;

	if (o->mode == CLI_HELP || o->mode == CLI_VERSION || o->mode == CLI_CLEAN_CACHE)
		return 0;
	if (o->compatible && strverscmp(o->compatible, version) > 0) {
		fprintf(stderr, "ERROR: systemtap version %s cannot be compatible with future version %s\n",
			version, o->compatible);
		return 1;
	}
	if (listing && (o->script_text || o->script_file)) {
		fputs("Cannot specify a script with -l/-L/--dump-* switches.\n", stderr);
		option_usage();
		return 1;
	}
	if (!listing && !o->script_text && !o->script_file) {
		fputs("A script must be specified.\n", stderr);
		option_usage();
		return 1;
	}
	if (o->command && o->target_given) {
		fputs("You can't specify -c and -x together.\n", stderr);
		option_usage();
		return 1;
	}
	if (o->rotate_bytes && !o->output && o->last_pass == CLI_PASSES && !listing) {
		fputs("You have to specify output FILE with '-S' option.\n", stderr);
		return 1;
	}
	if (o->suppress_time_limits && !o->guru) {
		fputs("ERROR: --suppress-time-limits requires guru mode (-g)\n", stderr);
		return 1;
	}
	return 0;
}

int cli_options_parse(struct cli_options *o, int argc, char **argv)
{
	char **rc = NULL;
	int nrc, first;

	*o = (struct cli_options){ .last_pass = CLI_PASSES, .privilege = "stapdev",
				   .release = getenv("SYSTEMTAP_RELEASE") };
	nrc = cli_rcfile_read(argv[0], &rc);
	if (nrc > 1 && !options_getopt(o, nrc, rc))
		return 1;
	if (!options_getopt(o, argc, argv))
		return 1;
	first = optind;
	if (o->mode == CLI_RUN && !o->script_text && first < argc)
		o->script_file = argv[first++];
	for (; first < argc; first++)
		arrput(o->args, argv[first]);
	return options_check(o);
}

void cli_options_free(struct cli_options *o)
{
	arrfree(o->extra_scripts);
	arrfree(o->args);
	arrfree(o->include_dirs);
	arrfree(o->defines);
	arrfree(o->globals);
	arrfree(o->modules);
}

const char *cli_define(const struct cli_options *o, const char *name)
{
	for (size_t i = arrlenu(o->defines); i-- > 0;)
		if (!strcmp(o->defines[i].name, name))
			return o->defines[i].value;
	return NULL;
}

/* ---- help ---- */

void cli_options_version(FILE *out)
{
	fprintf(out, "Systemtap translator/driver (bpftap %s, language of version %s)\n"
		     "This is free software; see the source for copying conditions.\n",
		BPFTAP_VERSION, SYSTEMTAP_COMPATIBLE);
}

/* One row: the option in its column, the help beside or below it. */
static void option_help(FILE *out, const struct option_row *r)
{
	char left[64];
	int n = 0;
	const char *h = r->help, *nl;

	if (r->letter)
		n = snprintf(left, sizeof(left), "-%c", r->letter);
	if (r->name)
		n += snprintf(left + n, sizeof(left) - (size_t)n, "%s--%s", n ? " " : "", r->name);
	if (r->arg)
		n += snprintf(left + n, sizeof(left) - (size_t)n, "%s%s",
			      option_optional(r) ? "" : r->letter ? " " : "=", r->arg);
	fprintf(out, "   %-10s ", left);
	if (n > 10)
		fprintf(out, "\n%14s", "");
	while ((nl = strchr(h, '\n')) != NULL) {
		fprintf(out, "%.*s\n%14s", (int)(nl - h), h, "");
		h = nl + 1;
	}
	fprintf(out, "%s\n", h);
}

void cli_options_help(FILE *out)
{
	cli_options_version(out);
	fputs("\nUsage: stap [options] FILE                    Run the script in FILE.\n"
	      "   or: stap [options] -                       Run the script on standard input.\n"
	      "   or: stap [options] -e SCRIPT               Run this script.\n"
	      "   or: stap [options] -l PROBE                List matching probes.\n"
	      "   or: stap [options] -L PROBE                List matching probes and their variables.\n"
	      "   or: stap [options] --dump-probe-types      List the kinds of probe points.\n"
	      "   or: stap [options] --dump-probe-aliases    List the probe aliases.\n"
	      "   or: stap [options] --dump-functions        List the functions.\n\n", out);
	fprintf(out, "Options (in %s and on the command line):\n"
		     "   --         end of stap's options, arguments of the script follow\n", cli_rcfile_path());
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].help)
			option_help(out, &option_table[i]);
}
