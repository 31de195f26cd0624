/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling in a struct dbg_error. */
#include "dbg/error.h"

#include <stdarg.h>
#include <stdio.h>

int dbg_fail(struct dbg_error *e, enum dbg_errcode code, const char *fmt, ...)
{
	va_list ap;

	if (e) {
		e->code = code;
		va_start(ap, fmt);
		vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
		va_end(ap);
	}
	return -(int)code;
}
