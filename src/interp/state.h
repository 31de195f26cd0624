/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the user engine, private to src/interp.
 *
 * Strings under evaluation lie in the run-time library's memory (rt/rt.h), named
 * by offset, in a stack that grows with `top`: an expression's result replaces its
 * arguments.  Locals live in a separate byte stack, one frame a call.
 */
#ifndef INTERP_STATE_H
#define INTERP_STATE_H

#include "interp/interp.h"
#include "rt/rt.h"

/* Where the locals of a function are in its frame. */
struct layout {
	uint32_t size;
	uint32_t *offset;	/* per local; i64: 8 bytes, str: its bound rounded up */
};

enum ctl_kind { CTL_BLOCK, CTL_LOOP, CTL_FOREACH, CTL_TRY, CTL_CALL };

/* What to go on with when a list of statements has ended. */
struct ctl {
	enum ctl_kind kind;
	bool stepping;			/* CTL_LOOP: in the step */
	const struct ir_stmt *stmt;	/* the statement begun; CTL_CALL: the call */
	struct walk *walk;		/* CTL_FOREACH */
	const struct ir_func *func;	/* CTL_CALL: the caller, and its frame */
	uint32_t frame;
	uint32_t depth;
};

/* A foreach under way. */
struct walk {
	struct ir_snapshot snap;
	uint32_t *order;		/* elements selected, in their order */
	size_t n, next;
	struct wire_stat *hist;		/* histogram walked instead */
};

struct interp {
	const struct program *p;
	const struct ir_module *m;
	struct ir_store *store;
	const struct interp_env *env;
	struct interp_stats stats;
	struct { const struct ir_func *key; struct layout *value; } *layouts;

	struct rt_mem *mem;
	uint32_t top;
	char *frames;			/* byte stack */
	uint32_t frames_cap, frame, frame_end;
	const struct ir_func *func;	/* running, and its layout */
	const struct layout *layout;
	struct ctl *ctl;		/* stb_ds array */
	uint32_t depth;			/* calls of recursive functions under way */
	int64_t actions;		/* left; negative: exceeded */
	bool count_actions;
	uint32_t point;			/* being run; UINT32_MAX: none */

	/* soft error under way; err.code == WERR_NONE: none */
	struct {
		uint32_t code;
		int64_t arg;
		char *text;		/* WERR_USER; malloc'ed */
		struct span at;
	} err;

	/* state of the run that script functions see */
	struct out_buf out;
	/* in out: addresses, ended by a zero byte, that are named when it is handed out, if it can be without locks */
	struct interp_named { size_t at; int64_t imm; } *named;	/* stb_ds array */
	uint32_t match_regex;		/* of the last =~, UINT32_MAX: none yet */
	bool match_ok;
	char *match_text;
	int32_t match_group[16][2];
	int64_t token_pos;
	char *token_text;
};

/* value.c: evaluation */
int64_t interp_int(struct interp *in, const struct ir_expr *e);
/* Pushes the string and returns its offset. */
uint32_t interp_str(struct interp *in, const struct ir_expr *e);
/* The same with deferred text expanded: for all that looks at the contents. */
uint32_t interp_text(struct interp *in, const struct ir_expr *e);

/* Raises a soft error, unless one is under way. */
void interp_fail(struct interp *in, uint32_t code, int64_t arg, const struct ir_expr *e);
char *interp_at(struct interp *in, uint32_t offset);
/* Space for `size` bytes on the string stack; on overflow an error and offset 0. */
uint32_t interp_push(struct interp *in, uint32_t size);
/* Pushes s[0..n) cut to `bound`, counting truncation. */
uint32_t interp_push_text(struct interp *in, const char *s, size_t n, uint32_t bound);
char *interp_local(struct interp *in, uint32_t local);

/* globals.c */
/* Evaluates the keys of a global op; NULL for a scalar. */
const struct ir_val *interp_keys(struct interp *in, const struct ir_expr *e, struct ir_val *keys);
int64_t interp_global_int(struct interp *in, const struct ir_expr *e);
uint32_t interp_global_str(struct interp *in, const struct ir_expr *e);
struct walk *interp_walk_begin(struct interp *in, const struct ir_foreach *l);
/* Sets the loop's locals to the next element; false: no more. */
bool interp_walk_next(struct interp *in, const struct ir_foreach *l, struct walk *w);
void interp_walk_end(struct interp *in, struct walk *w);

/* effect.c: roots with EFFECT; the value of those that have one */
int64_t interp_effect(struct interp *in, const struct ir_expr *e);
uint32_t interp_effect_str(struct interp *in, const struct ir_expr *e);
/* Hands out what was printed so far. */
void interp_flush(struct interp *in);
/* Formats into `b`. */
void interp_format(struct interp *in, const struct ir_expr *e, struct out_buf *b);

/* strings.c */
int64_t interp_string_int(struct interp *in, const struct ir_expr *e);
uint32_t interp_string_str(struct interp *in, const struct ir_expr *e);
uint32_t interp_tokenize(struct interp *in, const struct ir_expr *e);

/* context.c */
int64_t interp_context_int(struct interp *in, const struct ir_expr *e);
uint32_t interp_context_str(struct interp *in, const struct ir_expr *e);

/* subject.c: the process the run is about */
pid_t interp_pid(const struct interp *in);
/* The point being run, as pp() has it. */
const char *interp_point_name(const struct interp *in);
pid_t interp_tid(const struct interp *in);
/* PID .. EGID */
int64_t interp_subject_int(const struct interp *in, enum ir_op op);
/* Inode number or device of its program */
int64_t interp_subject_image(const struct interp *in, bool device);
/* A variable of its environment, malloc'ed; NULL: none. */
char *interp_subject_env(const struct interp *in, const char *name);
/* Reads a file of /proc/PID/task/TID as text; its length, 0: gone. */
size_t interp_proc_file(pid_t pid, pid_t tid, const char *file, char *text, size_t size);

/* memory.c */
int64_t interp_memory_int(struct interp *in, const struct ir_expr *e);
uint32_t interp_memory_str(struct interp *in, const struct ir_expr *e);

#endif
