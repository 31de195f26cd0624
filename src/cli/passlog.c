/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of this process's time and memory, as SystemTap prints it. */
#include "cli/passlog.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void clock_now(struct cli_clock *c)
{
	struct rusage self, children;
	struct timespec ts;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	c->user_us = (self.ru_utime.tv_sec + children.ru_utime.tv_sec) * 1000000LL +
		     self.ru_utime.tv_usec + children.ru_utime.tv_usec;
	c->sys_us = (self.ru_stime.tv_sec + children.ru_stime.tv_sec) * 1000000LL +
		    self.ru_stime.tv_usec + children.ru_stime.tv_usec;
	c->real_us = ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

void cli_clock_start(struct cli_clock *c)
{
	clock_now(c);
}

/* Sizes of this process in kilobytes. */
static void log_memory(void)
{
	unsigned long size = 0, resident = 0, shared = 0, text, lib, data = 0;
	unsigned long kb = (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return;
	if (fscanf(f, "%lu %lu %lu %lu %lu %lu", &size, &resident, &shared, &text, &lib, &data) == 6)
		fprintf(stderr, " using %luvirt/%lures/%lushr/%ludata kb,", size * kb, resident * kb,
			shared * kb, data * kb);
	fclose(f);
}

void cli_pass_log(int pass, const struct cli_clock *since, bool memory, const char *fmt, ...)
{
	struct cli_clock now;
	va_list ap;

	clock_now(&now);
	fprintf(stderr, "Pass %d: ", pass);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (memory)
		log_memory();
	fprintf(stderr, " in %lldusr/%lldsys/%lldreal ms.\n",
		(long long)(now.user_us - since->user_us) / 1000,
		(long long)(now.sys_us - since->sys_us) / 1000,
		(long long)(now.real_us - since->real_us) / 1000);
}

void cli_pass_failed(int pass)
{
	static const char *const names[] = { "", "parse", "analysis", "translation", "compilation", "run" };

	fprintf(stderr, "Pass %d: %s failed.  [man error::pass%d]\n", pass, names[pass], pass);
}
