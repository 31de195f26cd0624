/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The armer: a process in the background that has the shared events of a session (attach_shared.c).
 *
 * It defines them in tracefs, with many places each, and arms each by one perf event.  The places lie behind the
 * instruction of ftrace where they can (ktext.h), so that arming one is writing a byte.  It tells its owner what came of
 * it, keeps the events, and lets go of them when the owner does or ends in whatever way (attach_aside.c).
 *
 * Unlike perf events, definitions stay when this process is killed.  Each armer holds a lock on the file of definitions;
 * one that comes when there is no other removes what was left.
 */
#include "probe/attach_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/without.h"
#include "base/xalloc.h"
#include "probe/ktext.h"
#include "probe/tracefs.h"

#define SYSTEM		"bpftap"
#define MAX_ACTIVE	4096	/* the kernel takes no more */
#define ROOM_EACH_CPU	6	/* calls, as many as SystemTap lets wait ... */
#define MIN_ROOM	15	/* ... and at the least */
#define EVENT_PLACES	512	/* defining one takes time by the number of those that the event has */
#define EVENT_NAME_SIZE	(ATTACH_PREFIX_SIZE + 40)	/* a letter and two numbers behind the prefix */

static int open_events(int flags)
{
	char path[PATH_MAX];

	if (!tracefs_path())
		return -1;
	snprintf(path, sizeof(path), "%s/kprobe_events", tracefs_path());
	return open(path, flags | O_CLOEXEC);
}

bool attach_has_kprobe_events(void)
{
	static int known = -1;
	int fd;

	if (known >= 0)
		return known;
	known = 0;
	if (without("kprobe_events") || !attach_has_kprobes())
		return false;
	fd = open_events(O_WRONLY | O_APPEND);
	known = fd >= 0;
	if (fd >= 0)
		close(fd);
	return known;
}

/* ---- definitions ---- */

/* Removes what sessions left that were killed. */
static void remove_left(int fd)
{
	int list = open_events(O_RDONLY);
	FILE *f = list >= 0 ? fdopen(list, "r") : NULL;
	struct { char *key; bool value; } *names = NULL;	/* shmap */
	char line[512];

	sh_new_strdup(names);
	while (f && fgets(line, sizeof(line), f)) {
		char *name = strstr(line, ":" SYSTEM "/"), *end = name ? strchr(name, ' ') : NULL;

		if (!end)
			continue;
		*end = '\0';
		shput(names, name, true);
	}
	if (f)
		fclose(f);
	for (size_t i = 0; i < shlenu(names); i++) {
		int n = snprintf(line, sizeof(line), "-%s", names[i].key);

		if (write(fd, line, (size_t)n) != n)	/* in use, then: it stays */
			continue;
	}
	shfree(names);
}

/* The file of definitions, locked; 0: cannot be had. */
static int begin_definitions(void)
{
	int fd = open_events(O_WRONLY | O_APPEND);

	if (fd < 0)
		return 0;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		remove_left(fd);
	flock(fd, LOCK_SH);
	return fd;
}

/* What the process in the background has. */
struct armer {
	struct attachment *a;		/* its own: the events, errors, and how many are armed */
	const char *prefix;		/* of their names */
	const struct attach_request *rq;
	struct attach_aside owner;	/* where it hears of its owner's end, and tells what came of it */
	int definitions;		/* the locked file */
	char **removals;		/* stb_ds array: what removes the events, allocated */
};

/* How many calls can wait for their returns, if that is not said: many functions take less each. */
static int room_for(const struct program *p, const struct share *s, const struct prog_point *pt)
{
	int n = ROOM_EACH_CPU * (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (pt->maxactive > 0)
		return pt->maxactive < MAX_ACTIVE ? pt->maxactive : MAX_ACTIVE;
	if (p->limits.kretactive)
		return (int)p->limits.kretactive;
	if (arrlenu(s->points) >= SHARE_MANY)
		n /= 3;
	return n > MIN_ROOM ? n : MIN_ROOM;
}

static char letter_of(const struct share *s)
{
	return s->is_return ? 'r' : 'p';
}

/* attach_missed.c reads the letter behind the prefix. */
static void event_name(char name[EVENT_NAME_SIZE], const struct armer *m, const struct share *s, size_t event)
{
	snprintf(name, EVENT_NAME_SIZE, "%.*s%c%u_%zu", ATTACH_PREFIX_SIZE, m->prefix, letter_of(s), s->number, event);
}

/* One place of an event; 0 or a positive errno. */
static int define_at(const struct armer *m, const struct share *s, size_t event, uint32_t point, unsigned offset)
{
	const struct prog_point *pt = &m->rq->program->points[point];
	char line[256], name[EVENT_NAME_SIZE], active[16] = "";
	int n;

	if (s->is_return)
		snprintf(active, sizeof(active), "%d", room_for(m->rq->program, s, pt));
	event_name(name, m, s, event);
	/* the argument makes it another than the rest: the kernel refuses two places that look the same */
	n = snprintf(line, sizeof(line), "%c%s:" SYSTEM "/%s 0x%" PRIx64 " n=\\%u:u32\n", letter_of(s), active, name,
		     pt->address + offset, point);
	return write(m->definitions, line, (size_t)n) == n ? 0 : errno;
}

static bool define(const struct armer *m, const struct share *s, size_t event, uint32_t point)
{
	const struct prog_point *pt = &m->rq->program->points[point];
	unsigned offset = s->is_return || s->at_entry || !pt->address ? 0 : ktext_entry(pt->name, pt->address);
	int err = pt->address ? define_at(m, s, event, point, offset) : ENOENT;

	if (err && offset)
		err = define_at(m, s, event, point, 0);
	if (err)
		attach_fail(m->a, point, err, "kprobe of %s: %s", pt->name, attach_function_problem(pt->name, err));
	return !err;
}

/* ---- arming ---- */

static bool owner_stopped(const struct armer *m)
{
	struct pollfd p = { .fd = m->owner.go };

	return poll(&p, 1, 0) > 0;
}

static void tell(const struct armer *m, const struct attach_error *e)
{
	if (write(m->owner.done, e, sizeof(*e)) < 0)	/* nobody listens any more */
		return;
}

static void tell_number(const struct armer *m, int what, size_t number)
{
	tell(m, &(struct attach_error){ .err = what, .point = (uint32_t)number });
}

/* The event with the places of these points. */
static void arm(struct armer *m, const struct share *s, size_t event, const uint32_t *points)
{
	char name[EVENT_NAME_SIZE];

	if (!arrlenu(points))
		return;
	event_name(name, m, s, event);
	arrput(m->removals, xasprintf("-:" SYSTEM "/%s\n", name));
	if (owner_stopped(m))
		return;
	if (!attach_tracefs_event(m->a, SYSTEM, name, s->prog_fd, points[0])) {
		m->a->armed += arrlenu(points);
		return;
	}
	for (size_t i = 0; i < arrlenu(points); i++)	/* one of them cannot be armed */
		tell_number(m, ARMER_ALONE, points[i]);
}

/*
 * Places are dealt out to the events in turn: the kernel looks for an event's first place from the first of all, and
 * then goes through those of the event.
 */
static void arm_share(struct armer *m, const struct share *s)
{
	size_t n = arrlenu(s->points), events = (n + EVENT_PLACES - 1) / EVENT_PLACES;
	uint32_t **defined = xcalloc(events, sizeof(*defined));

	for (size_t i = 0; i < n && !owner_stopped(m); i++)
		if (define(m, s, i % events, s->points[i]))
			arrput(defined[i % events], s->points[i]);
	for (size_t i = 0; i < events; i++) {
		arm(m, s, i, defined[i]);
		arrfree(defined[i]);
	}
	free(defined);
}

void attach_armer_run(const struct attach_request *rq, const struct share *shares, const char *prefix,
		      struct attach_aside owner)
{
	struct attachment own = { .armed = 0 };
	struct armer m = { .a = &own, .prefix = prefix, .rq = rq, .owner = owner, .definitions = begin_definitions() };

	for (size_t i = 0; i < arrlenu(shares); i++) {
		if (m.definitions)
			arm_share(&m, &shares[i]);
		for (size_t j = 0; !m.definitions && j < arrlenu(shares[i].points); j++)
			tell_number(&m, ARMER_ALONE, shares[i].points[j]);
	}
	for (size_t i = 0; i < arrlenu(own.errors); i++)
		tell(&m, &own.errors[i]);
	tell_number(&m, ARMER_END, own.armed);
	attach_aside_end(owner.go, own.events, m.definitions, m.removals);
}
