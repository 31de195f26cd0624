/* SPDX-License-Identifier: GPL-2.0-or-later */
/* staprun: pass 5 alone, for an object that `stap -p4` wrote. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "cli/rotation.h"
#include "cli/stdfiles.h"
#include "dbg/module.h"
#include "ir/program.h"
#include "run/background.h"
#include "run/session.h"

static int usage(FILE *out)
{
	fputs("Usage: staprun [options] OBJECT\n\n"
	      "Runs an object made by stap -p4.  Options:\n"
	      "   -c CMD       run CMD once everything is armed, end when it ends\n"
	      "   -x PID       target() is PID\n"
	      "   -o FILE      write the output to FILE\n"
	      "   -S SIZE[,N]  with -o: begin a new file after SIZE megabytes, keep the last N\n"
	      "   -T SECS      end after so many seconds\n"
	      "   -b NUM       output buffer of each processor, in megabytes\n"
	      "   -v           say more\n"
	      "   -w           no warnings\n"
	      "   -A NAME      instead of OBJECT: show the output of the session NAME, which stap -F has\n"
	      "                left in the background; ^C ends that session, ^\\ leaves it\n"
	      "   -d NAME      end that session\n"
	      "   -V           print the version\n"
	      "   -h           print this text\n", out);
	return out == stderr;
}

static bool number(const char *text, unsigned long max, unsigned long *v)
{
	char *end;

	errno = 0;
	*v = strtoul(text, &end, 10);
	return !errno && end != text && !*end && text[0] != '-' && *v && *v <= max;
}

/* The options; 0, or -1 after a message. */
static int parse(int argc, char **argv, struct run_options *o, unsigned long *buffer_mb)
{
	unsigned long n;
	int c;

	while ((c = getopt(argc, argv, "c:x:o:S:T:b:A:d:vwVh")) != -1) {
		bool good = true;

		switch (c) {
		case 'c':
			o->command = optarg;
			break;
		case 'x':
			good = number(optarg, INT_MAX, &n);
			o->target = (pid_t)n;
			break;
		case 'o':
			o->output = optarg;
			break;
		case 'S':
			good = cli_rotation_parse(optarg, &o->rotate_bytes, &o->rotate_count);
			break;
		case 'T':
			good = number(optarg, INT_MAX, &n);
			o->timeout_ns = n * 1000000000ull;
			break;
		case 'b':
			good = number(optarg, 4095, buffer_mb);
			break;
		case 'A':
		case 'd':
			exit(run_recorder_follow(optarg, c == 'd'));
		case 'v':
			o->verbose++;
			break;
		case 'w':
			o->no_warnings = true;
			break;
		case 'V':
			printf("staprun (bpftap %s)\n", BPFTAP_VERSION);
			exit(0);
		case 'h':
			exit(usage(stdout));
		default:
			usage(stderr);
			return -1;
		}
		if (!good) {
			fprintf(stderr, "ERROR: Invalid argument '%s' of -%c.\n", optarg, c);
			return -1;
		}
	}
	return 0;
}

/* "NAME" of the object "/DIRECTORY/NAME.bpo". */
static const char *session_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return arena_strndup(a, name, strcspn(name, "."));
}

static int run(struct program *p, const struct run_options *o, struct diag_sink *diag)
{
	struct run_session *s = run_session_create(p, o, diag);
	int status = 1;

	if (!run_session_build(s) && !run_session_prepare(s) && !run_session_load(s))
		status = run_session_run(s);
	run_session_destroy(s);
	return status;
}

int main(int argc, char **argv)
{
	struct run_options o = { 0 };
	struct arena *a = arena_create();
	struct diag_sink diag;
	unsigned long buffer_mb = 0;
	const char *err = NULL;
	struct program *p;
	int status = 1;

	cli_open_standard_files();
	diag_sink_init(&diag, a, stderr);
	if (parse(argc, argv, &o, &buffer_mb))
		goto out;
	if (optind + 1 != argc) {
		usage(stderr);
		goto out;
	}
	if (o.command && o.target) {
		fputs("ERROR: You can't specify -c and -x together.\n", stderr);
		goto out;
	}
	p = program_load(a, argv[optind], &err);
	if (!p) {
		fprintf(stderr, "ERROR: %s: %s\n", argv[optind], err ? err : "cannot be read");
		goto out;
	}
	o.name = session_name(a, argv[optind]);
	if (buffer_mb)
		p->limits.buffer_bytes = (uint64_t)buffer_mb << 20;
	status = run(p, &o, &diag);
out:
	dbg_modules_close_all();
	diag_sink_fini(&diag);
	arena_destroy(a);
	return status;
}
