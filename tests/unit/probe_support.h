/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolving a probe point given as text, for the unit tests of src/probe. */
#ifndef TESTS_PROBE_SUPPORT_H
#define TESTS_PROBE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/ds.h"
#include "lang/parse.h"
#include "probe/family.h"

struct fixture {
	struct arena *arena;
	struct diag_sink sink;
	struct probe_session session;
	struct probe_result result;
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->arena = arena_create();
	diag_sink_init(&f->sink, f->arena, stderr);
	f->session = (struct probe_session){ .arena = f->arena, .diag = &f->sink, .no_debuginfod = true };
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	arrfree(f->result.points);
	probe_session_fini(&f->session);
	diag_sink_fini(&f->sink);
	arena_destroy(f->arena);
	free(f);
	return 0;
}

/* Parses "probe TEXT {}" and resolves its only point; the number of points found. */
static inline size_t resolve(struct fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline size_t resolve(struct fixture *f, const char *fmt, ...)
{
	struct parse_env env = { .arena = f->arena, .sink = &f->sink, .kernel_v = "6.1", .kernel_vr = "6.1",
				 .arch = "x86_64", .systemtap_v = "4.8", .privilege = "stapdev",
				 .runtime = "kernel" };
	struct ast_file *file;
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_printf(f->arena, "probe %s {}", arena_vprintf(f->arena, fmt, ap));
	va_end(ap);
	file = parse_script(&env, source_create(f->arena, "<input>", text, strlen(text)));
	assert_non_null(file);
	assert_int_equal(file->nprobes, 1);
	arrfree(f->result.points);
	probe_resolve(&f->session, file->probes[0]->points[0], &f->result);
	return arrlenu(f->result.points);
}

#endif
