/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking things up in tracefs, which many containers and small systems have not mounted. */
#include "probe/tracefs.h"

#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/glob.h"

static const char *const roots[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

static const char *mounted(void)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		char events[64];

		snprintf(events, sizeof(events), "%s/events", roots[i]);
		if (!access(events, F_OK))
			return roots[i];
	}
	return NULL;
}

const char *tracefs_path(void)
{
	static const char *root;
	static bool tried;

	if (root || tried)
		return root;
	tried = true;
	root = mounted();
	if (!root && !mount("nodev", roots[0], "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		root = mounted();
	return root;
}

bool tracefs_has_event(const char *category, const char *event)
{
	char path[PATH_MAX];
	int n;

	if (!tracefs_path())
		return false;
	n = snprintf(path, sizeof(path), "%s/events/%s/%s/id", tracefs_path(), category, event);
	return n > 0 && (size_t)n < sizeof(path) && !access(path, F_OK);
}

static FILE *open_format(const char *category, const char *event)
{
	char path[PATH_MAX];
	int n;

	if (!tracefs_path())
		return NULL;
	n = snprintf(path, sizeof(path), "%s/events/%s/%s/format", tracefs_path(), category, event);
	return n > 0 && (size_t)n < sizeof(path) ? fopen(path, "re") : NULL;
}

/* A line "\tfield:TYPE NAME;\toffset:..." */
static void field_line(char *line, tracefs_field_fn *fn, void *ctx)
{
	char *type = strstr(line, "field:"), *end = type ? strchr(type, ';') : NULL, *name;

	if (!end)
		return;
	*end = 0;
	type += strlen("field:");
	name = strrchr(type, ' ');
	if (!name || !strncmp(name + 1, "common_", 7))
		return;
	*name = 0;
	fn(ctx, type, name + 1);
}

bool tracefs_fields(const char *category, const char *event, tracefs_field_fn *fn, void *ctx)
{
	FILE *f = open_format(category, event);
	char line[512];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		field_line(line, fn, ctx);
	fclose(f);
	return true;
}

bool tracefs_has_field(const char *category, const char *event, const char *field)
{
	FILE *f = open_format(category, event);
	char line[512], want[128];
	bool found = false;

	if (!f)
		return false;
	snprintf(want, sizeof(want), " %s;", field);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, want) != NULL;
	fclose(f);
	return found;
}

static void events_of(const char *category, const char *event, tracefs_event_fn *fn, void *ctx)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;
	int n;

	if (!is_glob(event)) {
		if (tracefs_has_event(category, event))
			fn(ctx, category, event);
		return;
	}
	n = snprintf(path, sizeof(path), "%s/events/%s", tracefs_path(), category);
	dir = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
	if (!dir)
		return;
	while ((d = readdir(dir)))
		if (d->d_type == DT_DIR && *d->d_name != '.' && !fnmatch(event, d->d_name, 0))
			fn(ctx, category, d->d_name);
	closedir(dir);
}

void tracefs_events(const char *category, const char *event, tracefs_event_fn *fn, void *ctx)
{
	char path[64];
	struct dirent *d;
	DIR *dir;

	if (!tracefs_path())
		return;
	if (!is_glob(category)) {
		events_of(category, event, fn, ctx);
		return;
	}
	snprintf(path, sizeof(path), "%s/events", tracefs_path());
	dir = opendir(path);
	if (!dir)
		return;
	while ((d = readdir(dir)))
		if (d->d_type == DT_DIR && *d->d_name != '.' && !fnmatch(category, d->d_name, 0))
			events_of(d->d_name, event, fn, ctx);
	closedir(dir);
}
