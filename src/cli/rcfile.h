/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of standing options, $SYSTEMTAP_DIR/rc (default ~/.systemtap/rc). */
#ifndef CLI_RCFILE_H
#define CLI_RCFILE_H

/* Directory of the user's files ($SYSTEMTAP_DIR); static memory. */
const char *cli_user_dir(void);
const char *cli_rcfile_path(void);
/*
 * Its words as an argument vector beginning with argv0, ended by NULL, for the life of the process.  The
 * count; 0 without a file.
 */
int cli_rcfile_read(char *argv0, char ***argv);

#endif
