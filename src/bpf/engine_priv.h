/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's insides, shared by its files. */
#ifndef BPF_ENGINE_PRIV_H
#define BPF_ENGINE_PRIV_H

#include "bpf/engine.h"
#include "bpf/gen.h"
#include "bpf/load.h"
#include "bpf/unwind_state.h"

struct ring {
	int fd;
	uint32_t size;			/* of the data area */
	volatile uint64_t *consumer, *producer;
	const uint8_t *data;		/* mapped twice in a row */
};

struct engine {
	const struct program *p;
	struct engine_options opt;
	struct unit unit;
	struct gen *gens;		/* by handler; finished code */
	bool *generated;
	int *fds;			/* stb_ds: programs by handler, -1: none */
	int *point_fds;			/* stb_ds: programs by point, the handler's or its own */
	int *bundle_fds;		/* stb_ds: those of them that belong to several handlers */
	int *map_fds;			/* stb_ds: by map index, -1: not needed */
	uint8_t *vars;			/* mapped vars */
	struct unwind_table *unwind;	/* mapped, NULL: not wanted */
	uint32_t unwind_used;		/* rows of it */
	uint64_t unwind_seen;		/* of its `unknown` */
	struct ring_buffer *questions;	/* about files, NULL: not wanted */
	struct { engine_unknown_fn *fn; void *ctx; } answer;	/* who is told of them */
	uint32_t name_files, name_chunks;	/* how many there are */
	struct prog_btf btf;
	struct ring *rings;		/* stb_ds: by CPU */
	int epoll_fd;
	int track_fd[2], track_link[2];	/* programs that follow forks and exits of the target */
	int begun_fd, begun_link;	/* program that notes what begins */
	struct ir_store *store;
	char error[512];
};

/* Sets the error message; returns err. */
int engine_fail(struct engine *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The message of a kernel that wants rights; -EPERM. */
int engine_not_permitted(struct engine *e);
/* Explains why the kernel does not take a handler's program; returns err. */
int engine_load_failed(struct engine *e, uint32_t handler, const struct load_request *rq, int err);

/*
 * Around a change, by the process, of a map that handlers change too: its own hits are skipped there, see gen_guard.c.
 */
void engine_change_begin(struct engine *e);
void engine_change_end(struct engine *e);

/* maps.c */
int maps_create(struct engine *e);
void maps_close(struct engine *e);
/* One map; it is in e->map_fds then, else the error is set. */
int map_make(struct engine *e, uint32_t map, enum bpf_map_type type, const char *name, uint32_t key,
	     uint32_t value, uint32_t n, uint32_t flags);
/* The value of a map of one element; else the error is set. */
int map_fill(struct engine *e, uint32_t map, const char *name, const void *value);
/* Does a handler use it? */
bool map_wanted(const struct engine *e, uint32_t map);

/* name_map.c */
int names_create(struct engine *e);
void names_close(struct engine *e);

/* unwind_map.c */
size_t unwind_map_size(const struct engine *e);

/* ring.c */
int rings_open(struct engine *e);
void rings_close(struct engine *e);

/* mapstore.c */
struct ir_store *mapstore_create(struct engine *e);

/* track.c: the target's descendants */
int track_start(struct engine *e);
void track_stop(struct engine *e);

/* bundle.c: loads what is better loaded together; the rest of e->fds stays -1 */
void bundles_load(struct engine *e);
/* Loads one handler as a bundle of its own: 0, or -errno and the engine's error. */
int bundle_alone(struct engine *e, uint32_t handler);
bool bundle_owns(const struct engine *e, int fd);
void bundles_close(struct engine *e);

/* counters.c: their map; the events in it, once the target is known.  0, or -errno and the engine's error. */
int counters_create(struct engine *e);
int counters_open(struct engine *e);

/* glue.c: its map, if a handler wants it; 0, or -errno and the engine's error */
int glue_create(struct engine *e);

/* begun.c */
bool begun_wanted(const struct engine *e);

#endif
