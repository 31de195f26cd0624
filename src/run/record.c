/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of kernel handlers: one row per kind of item.  Sizes and ids are checked
 * before use; an item that does not make sense is dropped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "ir/errors.h"
#include "run/priv.h"
#include "run/stackwalk.h"

struct item {
	enum wire_kind kind;
	uint32_t id;
	const uint8_t *data;
	size_t size;
};

/* The next item at *pos; false: no (sane) item left. */
static bool item_next(const struct wire_record *r, size_t *pos, struct item *it)
{
	const uint8_t *p = (const uint8_t *)r + *pos;
	uint32_t head[2];

	if (r->size < *pos + sizeof(head))
		return false;
	memcpy(head, p, sizeof(head));
	if (head[1] < sizeof(head) || head[1] % 8 || head[1] > r->size - *pos)
		return false;
	it->kind = (enum wire_kind)(head[0] >> 24);
	it->id = head[0] & 0xffffff;
	it->data = p + sizeof(head);
	it->size = head[1] - sizeof(head);
	*pos += head[1];
	return true;
}

void run_symbols_start(struct run_session *s)
{
	if (s->procs)
		return;
	s->procs = run_procs_create();
	s->symb = run_symb_create(s->procs);
	s->expand.symb = s->symb;
}

static void record_expand(void *ctx, const char *fields, size_t len, struct out_buf *b)
{
	struct run_session *s = ctx;

	run_symbols_start(s);
	run_expand_field(&s->expand, fields, len, b);
}

/* The string argument of an item, with what was left to be made; the caller frees it. */
static char *item_text(struct run_session *s, const struct item *it, size_t pos)
{
	struct out_buf b = { 0 }, made = { 0 };
	struct out_arg text;

	if (out_wire_str(it->data, it->size, &pos, &s->record_defer, &made, &text))
		out_expand(&b, &s->record_defer, text.s ? text.s : made.len ? made.p + text.i : "", text.len);
	out_buf_add(&b, "", 1);
	out_buf_free(&made);
	return b.p;
}

static void on_print(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	if (it->id < arrlenu(s->prog->ir->formats))
		out_format_wire(&s->text, s->prog->ir->formats[it->id], it->data, it->size, &s->record_defer);
}

static void on_error(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	struct {
		uint32_t site, zero;
		int64_t arg;
	} e;
	char line[4096], *text;

	if (it->size < sizeof(e))
		return;
	memcpy(&e, it->data, sizeof(e));
	text = item_text(s, it, sizeof(e));
	ir_error_line(line, sizeof(line), s->prog->ir, it->id, e.arg, text,
		      s->engine ? engine_site(s->engine, e.site) : NULL);
	free(text);
	run_sink_write(s->sink, s->text.p, s->text.len);
	s->text.len = 0;
	run_soft_error(s, line);
}

static void on_warn(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	char *text = item_text(s, it, 0);

	run_warn(s, "%s", text);
	free(text);
}

static void on_log(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	char *text = item_text(s, it, 0);

	out_buf_printf(&s->text, "%s\n", text);
	free(text);
}

static void on_system(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	char *text = item_text(s, it, 0);

	run_sink_write(s->sink, s->text.p, s->text.len);
	s->text.len = 0;
	run_sink_flush(s->sink);
	run_user_service(s, it->id, text);
	free(text);
}

static void on_exit_item(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	run_exit_request(s);
}

static void on_hist(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	const struct ir_global *g;
	struct wire_stat *st;

	if (it->id >= arrlenu(s->prog->ir->globals))
		return;
	g = s->prog->ir->globals[it->id];
	if (it->size < ir_stat_size(g) || g->hist == IR_HIST_NONE)
		return;
	st = xmalloc(it->size);
	memcpy(st, it->data, it->size);
	out_hist(&s->text, g, st);
	free(st);
}

static const enum run_addr_form stack_forms[] = { RUN_ADDR_FULL, RUN_ADDR_BRIEF, RUN_ADDR_FULLER };
#define STACK_FORMS (sizeof(stack_forms) / sizeof(stack_forms[0]))

/* A return probe's backtrace begins with the function that returns. */
static void stack_returning(struct run_session *s, const struct wire_record *r)
{
	const struct prog_point *p = &s->prog->points[r->point];
	uint64_t addr;

	if (s->prog->handlers[p->handler].kind != PROG_URETPROBE || !p->path ||
	    !run_symb_address(s->symb, (pid_t)r->tgid, p->path, p->address, r->time_ns, &addr))
		return;
	out_buf_str(&s->text, "Returning from: ");
	run_symb_print_user(s->symb, &(struct run_query){ .tgid = (pid_t)r->tgid, .addr = addr,
							   .when = r->time_ns }, RUN_ADDR_FULL, &s->text);
	out_buf_str(&s->text, "\nReturning to  : ");
}

/* The kernel's, likewise. */
static void kstack_returning(struct run_session *s, const struct wire_record *r)
{
	const struct prog_point *p = &s->prog->points[r->point];
	enum prog_kind kind = s->prog->handlers[p->handler].kind;
	uint64_t addr = p->address;

	if ((kind != PROG_KRETPROBE && kind != PROG_FEXIT) ||
	    (!addr && !run_symb_kernel_address(s->symb, p->str[IR_PP_FUNC], &addr)))
		return;
	out_buf_str(&s->text, "Returning from: ");
	run_symb_print_kernel(s->symb, addr, RUN_ADDR_FULL, &s->text);
	out_buf_str(&s->text, "\nReturning to  : ");
}

/* For a stack without frames: of a kernel thread, or of the kernel at an instruction of a program. */
static void no_frames(struct run_session *s, const struct wire_record *r, const char *whose)
{
	const char *name = s->prog->points[r->point].str[IR_PP_FULL];

	out_buf_printf(&s->text, OUT_NO_BACKTRACE, whose, name ? name : "");
}

static void print_frames(struct run_session *s, const struct wire_record *r, enum run_addr_form form,
			 const uint64_t *pc, size_t n)
{
	if (!n || !pc[0]) {	/* a kernel thread has no registers of user space, they read as zero */
		no_frames(s, r, "user");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct run_query q = { .tgid = (pid_t)r->tgid, .addr = pc[i], .when = r->time_ns,
				       .caller = i > 0 };

		run_symb_print_user(s->symb, &q, form, &s->text);
		out_buf_str(&s->text, "\n");
	}
}

static void on_ustack(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	struct wire_ustack u;
	struct run_stack st = { .tgid = (pid_t)r->tgid, .when = r->time_ns, .reg = u.reg };
	enum run_addr_form form = stack_forms[it->id % STACK_FORMS];
	uint64_t pc[RUN_WALK_MAX];
	size_t n;

	if (it->size < sizeof(u))
		return;
	memcpy(&u, it->data, sizeof(u));
	st.copy = it->data + sizeof(u);
	st.copy_len = it->size - sizeof(u) < u.size ? it->size - sizeof(u) : u.size;
	run_symbols_start(s);
	st.returns = st.copy + st.copy_len;
	st.nreturns = (it->size - sizeof(u) - st.copy_len) / 16;
	if (form == RUN_ADDR_FULL)
		stack_returning(s, r);
	n = run_walk(s->symb, &st, pc, s->opt.max_frames);
	print_frames(s, r, form, pc, n);
}

/* A user stack that the handler walked itself. */
static void on_uframes(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	enum run_addr_form form = stack_forms[it->id % STACK_FORMS];
	uint64_t n, pc[RUN_WALK_MAX];

	if (it->size < sizeof(n))
		return;
	memcpy(&n, it->data, sizeof(n));
	if (n > RUN_WALK_MAX || n > it->size / 8 - 1)
		return;
	memcpy(pc, it->data + sizeof(n), n * 8);
	run_symbols_start(s);
	if (form == RUN_ADDR_FULL)
		stack_returning(s, r);
	print_frames(s, r, form, pc, n);
}

static void on_kstack(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	enum run_addr_form form = stack_forms[it->id % STACK_FORMS];
	uint64_t n, pc[RUN_WALK_MAX];
	size_t first;

	if (it->size < sizeof(n))
		return;
	memcpy(&n, it->data, sizeof(n));
	if (n > RUN_WALK_MAX || n > it->size / 8 - 1)
		return;
	if (!n) {
		no_frames(s, r, "kernel");
		return;
	}
	memcpy(pc, it->data + sizeof(n), n * 8);
	run_symbols_start(s);
	if (form != RUN_ADDR_BRIEF)
		kstack_returning(s, r);
	first = run_symb_own_frames(s->symb, pc, n);
	for (size_t i = first; i < n; i++) {
		run_symb_print_kernel_frame(s->symb, pc[i], i > first, form, &s->text);
		out_buf_str(&s->text, "\n");
	}
}

void run_print_syms(struct run_session *s, const char *addrs, size_t len, int64_t imm, pid_t tgid,
		    struct out_buf *b)
{
	const char *p = addrs, *end = addrs + len;

	run_symbols_start(s);
	while (p < end) {
		uint64_t addr;
		size_t n;
		char word[32];

		while (p < end && *p == ' ')
			p++;
		for (n = 0; p + n < end && p[n] && p[n] != ' '; n++)
			;
		if (!n)
			break;
		snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word) - 1), p);
		addr = strtoull(word, NULL, 16);
		p += n;
		out_buf_printf(b, " %s : ", word);
		if (imm & 1) {
			run_symb_print_kernel(s->symb, addr, RUN_ADDR_DATA, b);
		} else {
			struct run_query q = { .tgid = tgid, .addr = addr, .when = s->expand.when };

			run_symb_print_user(s->symb, &q, RUN_ADDR_DATA, b);
		}
		out_buf_str(b, "\n");
	}
}

static void on_syms(struct run_session *s, const struct wire_record *r, const struct item *it)
{
	char *text = item_text(s, it, 0);

	run_print_syms(s, text, strlen(text), it->id, (pid_t)r->tgid, &s->text);
	free(text);
}

typedef void (*item_fn)(struct run_session *s, const struct wire_record *r, const struct item *it);

static const item_fn item_table[] = {
	[WIRE_PRINT] = on_print, [WIRE_ERROR] = on_error, [WIRE_WARN] = on_warn, [WIRE_LOG] = on_log,
	[WIRE_SYSTEM] = on_system, [WIRE_EXIT] = on_exit_item, [WIRE_HIST] = on_hist,
	[WIRE_USTACK] = on_ustack, [WIRE_KSTACK] = on_kstack, [WIRE_SYMS] = on_syms,
	[WIRE_UFRAMES] = on_uframes,
};

void run_record(struct run_session *s, const struct wire_record *r)
{
	size_t pos = sizeof(*r);
	struct item it;

	if (s->quiet)
		return;
	if (!s->wiretext) {
		s->wiretext = wiretext_create(s->prog);
		s->record_defer = (struct out_defer){ s, record_expand, s->wiretext, wiretext_make };
	}
	wiretext_begin(s->wiretext, r->point, &s->record_defer);
	s->expand.when = r->time_ns;
	s->text.len = 0;
	while (item_next(r, &pos, &it))
		if ((size_t)it.kind < sizeof(item_table) / sizeof(item_table[0]) && item_table[it.kind])
			item_table[it.kind](s, r, &it);
	run_sink_write(s->sink, s->text.p, s->text.len);
	s->text.len = 0;
	/* After an error that ends the session no handler runs; those that did are not shown. */
	if (s->state == RUN_ERROR)
		s->quiet = true;
}
