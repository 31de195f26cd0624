/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words shared by the printer and the parser of the text form. */
#ifndef IR_TEXT_NAMES_H
#define IR_TEXT_NAMES_H

extern const char *const ir_type_names[4];	/* by enum ir_type */
extern const char *const ir_stat_names[6];	/* by enum ir_stat */

#endif
