/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why debug information could not be had.  Functions of this layer never print:
 * they fill a struct dbg_error, whose message the caller wraps into a diagnostic.
 */
#ifndef DBG_ERROR_H
#define DBG_ERROR_H

enum dbg_errcode {
	DBG_OK,
	DBG_EUNREADABLE,	/* no such file, no permission, a directory, I/O error */
	DBG_ENOTELF,		/* readable, but not an ELF file (perhaps a script) */
	DBG_ECORRUPT,		/* truncated or inconsistent ELF, DWARF or BTF */
	DBG_EARCH,		/* ELF of another class, byte order or machine */
	DBG_ENODEBUG,		/* fine, but without debug information */
	DBG_EMISMATCH,		/* debug information of another build */
	DBG_ENOENT,		/* debug information has no such thing */
	DBG_EUNAVAIL,		/* variable exists, but has no value here */
	DBG_EUNSUPPORTED,	/* valid, but an operation or form not understood */
};

struct dbg_error {
	enum dbg_errcode code;
	char msg[480];		/* one line, no trailing newline */
};

/* Fills *e (which may be NULL) and returns -code, so callers can `return dbg_fail(...)`. */
int dbg_fail(struct dbg_error *e, enum dbg_errcode code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
