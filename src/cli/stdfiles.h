/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard input, output and error. */
#ifndef CLI_STDFILES_H
#define CLI_STDFILES_H

/*
 * Descriptors 0 to 2 must be taken, or our own files would get these numbers: opens /dev/null for those missing,
 * standard output only for reading, so that output that cannot arrive is an error.
 */
void cli_open_standard_files(void);
/* Flushes stdout; the status, or 1 after a message if not everything arrived. */
int cli_close_output(int status);

#endif
