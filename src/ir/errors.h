/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Soft errors in words: the text of each wire_error code and how an ERROR line
 * names the place.  Both engines and the drain of kernel records use it.
 */
#ifndef IR_ERRORS_H
#define IR_ERRORS_H

#include <stddef.h>
#include <stdint.h>

#include "ir/ir.h"
#include "ir/wire.h"

/*
 * The message as `catch (msg)` sees it ("division by 0"), without a place.
 * `arg` is the record's argument (address, global, number), `text` the text of
 * error(), may be NULL for other codes.  Unknown codes and bad arguments from
 * outside give a message too.  NUL-terminated within `size`; returns its length.
 */
size_t ir_error_message(char *buf, size_t size, const struct ir_module *m, uint32_t code,
			int64_t arg, const char *text);

/*
 * The whole line without "ERROR: " and newline: the message, then
 * " near operator '/' at <input>:1:25".  error() names no place, nor does a NULL `at`.
 */
size_t ir_error_line(char *buf, size_t size, const struct ir_module *m, uint32_t code, int64_t arg,
		     const char *text, const struct span *at);

#endif
