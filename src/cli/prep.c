/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stap-prep: what this machine offers to stap, and what each missing part costs.  The exit status tells scripts. */
#include "cli/prep.h"

#include <bpf/libbpf.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "cli/stdfiles.h"
#include "dbg/module.h"

enum { EXIT_COMPLETE = 0, EXIT_USAGE = 1, EXIT_PARTS = 2, EXIT_NOTHING = 3 };

#define COLUMN 56

static int usage(FILE *out)
{
	fputs("Usage: stap-prep [options] [KERNEL-RELEASE]\n\n"
	      "Says what this machine offers to stap, and what each missing part costs.\n"
	      "With a release, that kernel's debug information is looked for.  Options:\n"
	      "   -q, --quiet    only what is missing\n"
	      "   -V, --version  print the version\n"
	      "   -h, --help     print this text\n\n"
	      "Exit status: 0 all probe points work, 1 wrong usage, 2 some families do not, 3 none do.\n", out);
	return out == stderr ? EXIT_USAGE : EXIT_COMPLETE;
}

/* Prints the answers; the worst weight of what is missing. */
static enum prep_weight report(bool quiet)
{
	enum prep_weight worst = PREP_NOTE;
	bool rights = prep_rights();

	for (size_t i = 0; i < prep_check_count; i++) {
		const struct prep_check *c = &prep_checks[i];
		char detail[256] = "";
		bool has;

		if (c->matters && !c->matters())
			continue;
		if (c->tried && !rights) {
			if (!quiet)
				printf("%-*s ? (to be found out with rights only)\n", COLUMN, c->name);
			continue;
		}
		has = c->has(detail, sizeof(detail));
		if (!has && c->weight < worst)
			worst = c->weight;
		if (has && quiet)
			continue;
		printf("%-*s %s%s%s%s\n", COLUMN, c->name, has ? "yes" : "no", *detail ? " (" : "", detail,
		       *detail ? ")" : "");
		if (!has)
			printf("    %s: %s\n", c->weight <= PREP_FAMILY ? "lost" : c->weight == PREP_LESS ? "cost" :
			       "note", c->cost);
	}
	return worst;
}

static void conclude(enum prep_weight worst, bool quiet)
{
	if (worst == PREP_ALL)
		puts("Nothing beyond begin, end and timers can be probed here.");
	else if (worst == PREP_FAMILY)
		puts("Some families of probe points cannot be used here, see \"lost\" above.");
	else if (!quiet)
		puts("All families of probe points can be used here.");
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "quiet", no_argument, NULL, 'q' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' }, { 0 } };
	enum prep_weight worst;
	bool quiet = false;
	struct utsname u;
	int c;

	cli_open_standard_files();
	libbpf_set_print(NULL);	/* what it complains of is what is asked here */
	while ((c = getopt_long(argc, argv, "qhV", options, NULL)) != -1) {
		switch (c) {
		case 'q':
			quiet = true;
			break;
		case 'h':
			return cli_close_output(usage(stdout));
		case 'V':
			printf("stap-prep (bpftap %s)\n", BPFTAP_VERSION);
			return cli_close_output(EXIT_COMPLETE);
		default:
			return usage(stderr);
		}
	}
	if (argc - optind > 1)
		return usage(stderr);
	prep_release = argv[optind];
	if (!quiet && !uname(&u))
		printf("Linux %s, %s\n\n", u.release, u.machine);
	worst = report(quiet);
	if (!quiet)
		putchar('\n');
	conclude(worst, quiet);
	dbg_modules_close_all();
	return cli_close_output(worst == PREP_ALL ? EXIT_NOTHING : worst == PREP_FAMILY ? EXIT_PARTS : EXIT_COMPLETE);
}
