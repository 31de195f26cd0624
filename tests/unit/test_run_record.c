/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of kernel handlers: what they print, and that nonsense in them does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "ir/fmt.h"
#include "ir/names.h"
#include "run/priv.h"

static struct arena *arena;
static struct program *prog;
static struct run_session *session;
static char path[] = "/tmp/unit_run_record_XXXXXX";

static union {
	struct wire_record head;
	uint64_t align;
	uint8_t bytes[65536];
} rec;

static int setup(void **state)
{
	static const char *const formats[] = { "%d and %s\n", "plain\n", "%5x|%-4d|\n" };
	struct run_options o = { .output = path, .no_warnings = true };
	struct prog_point p = { .kind = POINT_UPROBE };
	struct ir_func *body;
	const char *err;
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	arena = arena_create();
	prog = program_create(arena);
	for (size_t i = 0; i < 3; i++)
		ir_format_parse(prog->ir, formats[i], &err);
	body = ir_func_new(arena);
	body->name = "probe_0";
	program_handler_add(prog, PROG_UPROBE, body);
	arrput(prog->points, p);
	session = run_session_create(prog, &o, NULL);
	session->sink = run_sink_open(path, 0, 0);
	return session->sink ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	run_session_destroy(session);
	arena_destroy(arena);
	return unlink(path);
}

static void begin(void)
{
	memset(&rec, 0, sizeof(rec.head));
	rec.head = (struct wire_record){ .time_ns = 1000, .size = sizeof(rec.head), .tgid = (uint32_t)getpid() };
}

static void item(enum wire_kind kind, uint32_t id, const void *data, uint32_t size)
{
	uint32_t head[2] = { (uint32_t)kind << 24 | id, 8 + ((size + 7) & ~7u) };

	memcpy(rec.bytes + rec.head.size, head, sizeof(head));
	memset(rec.bytes + rec.head.size + 8, 0, head[1] - 8);
	if (size)
		memcpy(rec.bytes + rec.head.size + 8, data, size);
	rec.head.size += head[1];
}

/* What the record printed. */
static const char *printed(void)
{
	static char text[65536];
	static long from;
	FILE *f;
	size_t n;

	run_record(session, &rec.head);
	run_sink_flush(session->sink);
	f = fopen(path, "r");
	fseek(f, from, SEEK_SET);
	n = fread(text, 1, sizeof(text) - 1, f);
	from += (long)n;
	text[n] = 0;
	fclose(f);
	return text;
}

struct number_and_text {
	int64_t n;
	uint32_t len, zero;
	char text[16];
};

static void test_print(void **state)
{
	struct number_and_text args = { 42, 5, 0, "hello" };

	(void)state;
	begin();
	item(WIRE_PRINT, 0, &args, sizeof(args) - 8);
	item(WIRE_PRINT, 1, NULL, 0);
	item(WIRE_PRINT, 2, (int64_t[]){ 255, -7 }, 16);
	assert_string_equal(printed(), "42 and hello\nplain\n   ff|-7  |\n");
}

static void test_log_and_deferred_text(void **state)
{
	struct { uint32_t len, zero; char text[32]; } args = { 6, 0, "\001k0\002!\0" };

	(void)state;
	args.len = (uint32_t)strlen(args.text);
	begin();
	item(WIRE_LOG, 0, &args, sizeof(args));
	assert_string_equal(printed(), "0x0!\n");
}

/* `%d and %s` with a string of which there are only values. */
static const char *made(uint32_t what, const void *data, uint32_t size, uint32_t claimed)
{
	struct { int64_t n; uint32_t len, what; uint8_t data[64]; } args = { 1, claimed, what, { 0 } };

	memcpy(args.data, data, size);
	begin();
	item(WIRE_PRINT, 0, &args, 16 + size);
	return printed();
}

static void test_texts_of_values(void **state)
{
	const uint64_t address = 0x7fff12, names[] = { 0, 5 }, no_names[] = { 7, 5 }, point = IR_PP_NAME, no_point = 77;
	const struct { uint32_t format, bound; int64_t a, b; } format = { 2, 512, 1, 2 }, cut = { 2, 4, 1, 2 };
	const struct { uint32_t format, bound; int64_t n; uint32_t len, what; uint64_t p; } within = {
		0, 512, 3, 8, WIRE_TEXT_POINT, IR_PP_NAME };
	const struct { uint64_t bound; char text[8]; } quoted = { 512, "a\"b\n" }, short_one = { 6, "abcdef" };
	const struct { uint32_t bound, zero; int64_t most; char bytes[16]; } bytes = { 512, 0, 12, "a\0b\n0123456789ab" };
	const char *err;

	(void)state;
	ir_names_add(prog->ir, "bits A=1 B=2 C=4", &err);
	prog->points[0].str[IR_PP_NAME] = "name";
	assert_string_equal(made(WIRE_TEXT_PADDED, "comm\0\0\0", 8, 8), "1 and comm\n");
	assert_string_equal(made(WIRE_TEXT_ADDRESS, &address, 8, 8), "1 and 0x7fff12\n");
	assert_string_equal(made(WIRE_TEXT_NAMES, names, 16, 16), "1 and A|C\n");
	assert_string_equal(made(WIRE_TEXT_POINT, &point, 8, 8), "1 and name\n");
	assert_string_equal(made(WIRE_TEXT_QUOTED, &quoted, 16, 16), "1 and \"a\\\"b\\n\"\n");
	assert_string_equal(made(WIRE_TEXT_QUOTED, &short_one, 16, 16), "1 and \"\"...\n");
	assert_string_equal(made(WIRE_TEXT_BYTES, &bytes, 20, 20), "1 and \"a\\000b\\n\"\n");
	assert_string_equal(made(WIRE_TEXT_BYTES, &bytes, 32, 32), "1 and \"a\\000b\"...\n");
	assert_string_equal(made(WIRE_TEXT_BYTES, &bytes, 32, 12), "1 and \n");
	assert_string_equal(made(WIRE_TEXT_FORMAT, &format, 24, 24), "1 and     1|2   |\n\n");
	assert_string_equal(made(WIRE_TEXT_FORMAT, &cut, 24, 24), "1 and    \n");
	assert_string_equal(made(WIRE_TEXT_FORMAT, &within, 32, 32), "1 and 3 and name\n\n");
	/* what makes no sense gives nothing, or no item at all */
	assert_string_equal(made(WIRE_TEXT_NAMES, no_names, 16, 16), "1 and \n");
	assert_string_equal(made(WIRE_TEXT_NAMES, names, 16, 8), "1 and \n");
	assert_string_equal(made(WIRE_TEXT_POINT, &no_point, 8, 8), "1 and \n");
	assert_string_equal(made(WIRE_TEXT_FORMAT, &format, 24, 16), "1 and \n");
	assert_string_equal(made(99, &format, 24, 24), "1 and \n");
	assert_string_equal(made(WIRE_TEXT_ADDRESS, &address, 8, 4000000000u), "");
}

static void test_exit_stops(void **state)
{
	(void)state;
	session->state = RUN_RUNNING;
	begin();
	item(WIRE_EXIT, 0, NULL, 0);
	printed();
	assert_int_equal(session->state, RUN_STOPPING);
	session->state = RUN_RUNNING;
}

static void test_symbols_of_a_list(void **state)
{
	struct { uint32_t len, zero; char text[32]; } args = { 7, 0, "0x1 0x2" };

	(void)state;
	begin();
	item(WIRE_SYMS, 0, &args, 16);
	assert_string_equal(printed(), " 0x1 : 0x1\n 0x2 : 0x2\n");
}

static void test_backtrace_of_nowhere(void **state)
{
	struct wire_ustack u = { .size = 0 };

	(void)state;
	u.reg[16] = 0x10;
	begin();
	item(WIRE_USTACK, 0, &u, sizeof(u));
	assert_string_equal(printed(), " 0x10\n");
	begin();
	item(WIRE_USTACK, 1, &u, sizeof(u));
	assert_string_equal(printed(), "0x10\n");
}

static void test_ids_out_of_range(void **state)
{
	int64_t args[4] = { 0 };

	(void)state;
	begin();
	for (uint32_t kind = 0; kind < 40; kind++)
		if (kind != WIRE_ERROR && kind != WIRE_SYSTEM && kind != WIRE_LOG && kind != WIRE_WARN &&
		    kind != WIRE_SYMS)
			item(kind, 0xffffff, args, sizeof(args));
	run_record(session, &rec.head);
}

/* Items of any kind but those that run commands, with random contents, cut anywhere. */
static void test_noise(void **state)
{
	static const uint32_t kinds[] = { WIRE_PRINT, WIRE_ERROR, WIRE_LOG, WIRE_HIST, WIRE_USTACK, WIRE_KSTACK,
					  WIRE_SYMS };

	(void)state;
	srand(1);
	session->opt.suppress_errors = true;
	for (int round = 0; round < 20000; round++) {
		begin();
		for (int items = rand() % 4; items >= 0; items--) {
			uint8_t data[256];
			uint32_t n = (uint32_t)rand() % sizeof(data);

			for (uint32_t i = 0; i < n; i++)
				data[i] = (uint8_t)(rand() % 4 ? rand() % WIRE_TEXT_COUNT : rand());
			item(kinds[(size_t)rand() % (sizeof(kinds) / sizeof(kinds[0]))], (uint32_t)rand() % 5, data, n);
		}
		if (rand() % 2)
			rec.head.size -= (uint32_t)rand() % (rec.head.size - sizeof(rec.head) + 1) & ~7u;
		run_record(session, &rec.head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print), cmocka_unit_test(test_log_and_deferred_text),
		cmocka_unit_test(test_texts_of_values),
		cmocka_unit_test(test_exit_stops), cmocka_unit_test(test_symbols_of_a_list),
		cmocka_unit_test(test_backtrace_of_nowhere), cmocka_unit_test(test_ids_out_of_range),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
