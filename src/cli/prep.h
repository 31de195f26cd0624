/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stap-prep's questions to the machine, each answered by an attempt where that is possible. */
#ifndef CLI_PREP_H
#define CLI_PREP_H

#include <stdbool.h>
#include <stddef.h>

/* What a "no" means. */
enum prep_weight {
	PREP_ALL,	/* nothing can be probed without it */
	PREP_FAMILY,	/* probe points of some families cannot be had */
	PREP_LESS,	/* something is slower, or a rare use is not possible */
	PREP_NOTE,	/* just told */
};

struct prep_check {
	const char *name;
	enum prep_weight weight;
	/* Whether it is there; `detail` (may stay "") says what was found, or why it is not. */
	bool (*has)(char *detail, size_t size);
	const char *cost;	/* what is lost without it */
	bool (*matters)(void);	/* NULL: always */
	bool tried;		/* by doing it, so that without rights there is no answer */
};

extern const struct prep_check prep_checks[];
extern const size_t prep_check_count;

/* Has this process the rights to probe? */
bool prep_rights(void);

/* Whose debug information is looked for; NULL: the running kernel's. */
extern const char *prep_release;

#endif
