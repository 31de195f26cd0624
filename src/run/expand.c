/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deferred text: one row a letter.  The fields come from a kernel handler's string, which may have
 * been cut or made up by a traced program: anything odd expands to what can be made of it.
 */
#include "run/expand.h"

#include "run/stackwalk.h"

#define EXPAND_MAX_FIELDS (RUN_WALK_MAX + 1)

enum expand_what { EXPAND_USER, EXPAND_KERNEL, EXPAND_STACK, EXPAND_KSTACK };

static const struct expand_row {
	char letter;
	enum expand_what what;
	enum run_addr_form form;
} expand_rows[] = {
	{ 's', EXPAND_USER, RUN_ADDR_NAME },
	{ 'd', EXPAND_USER, RUN_ADDR_DATA },
	{ 'm', EXPAND_USER, RUN_ADDR_MODULE },
	{ 'f', EXPAND_USER, RUN_ADDR_FILELINE },
	{ 'F', EXPAND_USER, RUN_ADDR_FILE },
	{ 'L', EXPAND_USER, RUN_ADDR_LINE },
	{ 'k', EXPAND_KERNEL, RUN_ADDR_NAME },
	{ 'K', EXPAND_KERNEL, RUN_ADDR_DATA },
	{ 'M', EXPAND_KERNEL, RUN_ADDR_MODULE },
	{ 'g', EXPAND_KERNEL, RUN_ADDR_FILELINE },
	{ 'G', EXPAND_KERNEL, RUN_ADDR_FILE },
	{ 'l', EXPAND_KERNEL, RUN_ADDR_LINE },
	{ 'b', EXPAND_STACK, RUN_ADDR_SIMPLE },
	{ 'B', EXPAND_STACK, RUN_ADDR_BRIEF },
	{ 'c', EXPAND_KSTACK, RUN_ADDR_SIMPLE },
};

/* Hex numbers separated by commas; how many. */
static size_t expand_fields(const char *s, size_t len, uint64_t *v, size_t max)
{
	size_t n = 0;
	bool digits = false;

	for (size_t i = 0; i < len && n < max; i++) {
		int d = s[i] >= '0' && s[i] <= '9' ? s[i] - '0' :
			s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10 : -1;

		if (d >= 0) {
			v[n] = digits ? v[n] << 4 | (uint64_t)d : (uint64_t)d;
			digits = true;
		} else if (digits) {
			n++;
			digits = false;
		}
	}
	return digits ? n + 1 : n;
}

void run_expand_field(void *ctx, const char *fields, size_t len, struct out_buf *b)
{
	const struct run_expand *x = ctx;
	uint64_t v[EXPAND_MAX_FIELDS];
	const struct expand_row *row = NULL;
	size_t n;

	if (!len)
		return;
	for (size_t i = 0; i < sizeof(expand_rows) / sizeof(expand_rows[0]); i++)
		if (expand_rows[i].letter == fields[0])
			row = &expand_rows[i];
	n = expand_fields(fields + 1, len - 1, v, EXPAND_MAX_FIELDS);
	if (!row || !n)
		return;
	switch (row->what) {
	case EXPAND_KERNEL:
		run_symb_print_kernel(x->symb, v[0], row->form, b);
		break;
	case EXPAND_KSTACK:
		for (size_t i = 1 + run_symb_own_frames(x->symb, v + 1, n - 1); i < n; i++) {
			run_symb_print_kernel_frame(x->symb, v[i], i > 1, row->form, b);
			out_buf_str(b, "\n");
		}
		break;
	case EXPAND_USER:
	case EXPAND_STACK:
		for (size_t i = 1; i < n; i++) {
			struct run_query q = { .tgid = (pid_t)v[0], .addr = v[i], .when = x->when,
					       .caller = i > 1 };

			run_symb_print_user(x->symb, &q, row->form, b);
			if (row->what == EXPAND_USER)
				break;
			out_buf_str(b, "\n");
		}
		break;
	}
}
