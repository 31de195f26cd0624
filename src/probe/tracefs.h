/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's tracing file system. */
#ifndef PROBE_TRACEFS_H
#define PROBE_TRACEFS_H

#include <stdbool.h>

/* Where tracefs is mounted (it is mounted if it was not and we may); NULL: it cannot be had. */
const char *tracefs_path(void);
/* Whether it has the event. */
bool tracefs_has_event(const char *category, const char *event);
/* Whether the event's record has a field of that name. */
bool tracefs_has_field(const char *category, const char *event, const char *field);

/* Calls fn for each field that the event's record has of its own, in order; false: no such event. */
typedef void tracefs_field_fn(void *ctx, const char *type, const char *name);
bool tracefs_fields(const char *category, const char *event, tracefs_field_fn *fn, void *ctx);

typedef void tracefs_event_fn(void *ctx, const char *category, const char *event);
/* Calls fn for each event whose category and name match the globs. */
void tracefs_events(const char *category, const char *event, tracefs_event_fn *fn, void *ctx);

#endif
