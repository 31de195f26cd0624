/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Soft errors in words; the texts are those SystemTap users know. */
#include "ir/errors.h"

#include <stdio.h>
#include <string.h>

#include "base/ds.h"

static size_t clip(int n, size_t size)
{
	if (n < 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size - 1;
}

static size_t overflow_message(char *buf, size_t size, const struct ir_module *m, int64_t arg)
{
	const struct ir_global *g = NULL;

	if (m && arg >= 0 && (uint64_t)arg < arrlenu(m->globals))
		g = m->globals[arg];
	if (g && g->sized)
		return clip(snprintf(buf, size, "Array overflow, check size limit (%u)",
				     g->max_entries), size);
	return clip(snprintf(buf, size, "Array overflow, check MAXMAPENTRIES"), size);
}

size_t ir_error_message(char *buf, size_t size, const struct ir_module *m, uint32_t code,
			int64_t arg, const char *text)
{
	static const char *const fixed[WERR_COUNT] = {
		[WERR_DIV0] = "division by 0",
		[WERR_MAXACTION] = "MAXACTION exceeded",
		[WERR_MAXNESTING] = "MAXNESTING exceeded",
		[WERR_EMPTY_AGG] = "empty aggregate",
		[WERR_HIST_RANGE] = "histogram index out of range",
		[WERR_STRINGAT_RANGE] = "Position out of bounds",
		[WERR_NO_CONTEXT] = "registers not available in this context",
		[WERR_WRITE_REFUSED] = "write to target memory refused by the kernel",
		[WERR_BAD_FORMAT] = "invalid width or precision in format",
	};
	int n;

	if (!size)
		return 0;
	switch (code) {
	case WERR_USER:
		n = snprintf(buf, size, "%s", text ? text : "");
		break;
	case WERR_OVERFLOW:
		return overflow_message(buf, size, m, arg);
	case WERR_UREAD_FAULT:
	case WERR_KREAD_FAULT:
		n = snprintf(buf, size, "read fault [man error::fault] at 0x%llx",
			     (unsigned long long)arg);
		break;
	case WERR_USTR_FAULT:
		n = snprintf(buf, size, "user string copy fault -14 at 0x%llx [man error::fault]",
			     (unsigned long long)arg);
		break;
	case WERR_KSTR_FAULT:
		n = snprintf(buf, size, "kernel string copy fault at 0x%llx [man error::fault]",
			     (unsigned long long)arg);
		break;
	case WERR_COUNTER:
		n = snprintf(buf, size, "perf counter cannot be read in this thread (error %lld)", (long long)-arg);
		break;
	case WERR_VERDICT:
		n = snprintf(buf, size, "verdict %lld is not available: a netfilter probe can drop (0) or accept (1)",
			     (long long)arg);
		break;
	case WERR_MATCHED:
		n = arg < 0 ? snprintf(buf, size, "Attempted to get subexpression %lld from failed match",
				       (long long)~arg)
			    : snprintf(buf, size, "Attempted to get nonexistent subexpression %lld",
				       (long long)arg);
		break;
	default:
		if (code < WERR_COUNT && fixed[code])
			n = snprintf(buf, size, "%s", fixed[code]);
		else
			n = snprintf(buf, size, "unknown error %u", code);
	}
	return clip(n, size);
}

static const char *kind_word(enum span_kind kind)
{
	switch (kind) {
	case SPAN_IDENTIFIER: return "identifier";
	case SPAN_OPERATOR: return "operator";
	case SPAN_STRING: return "string";
	case SPAN_NUMBER: return "number";
	case SPAN_EMBEDDED: return "embedded code";
	case SPAN_KEYWORD: return "keyword";
	case SPAN_JUNK: break;
	}
	return "unknown token";
}

/* "operator '/' at <input>:1:25", as SystemTap prints a token. */
static size_t ir_error_place(char *buf, size_t size, const struct span *at)
{
	const char *file = at->src ? at->src->name : "";
	int n;

	if (!size)
		return 0;
	if (at->text && at->kind != SPAN_KEYWORD && at->kind != SPAN_EMBEDDED)
		n = snprintf(buf, size, "%s '%s' at %s:%u:%u", kind_word(at->kind), at->text, file,
			     at->line, at->col);
	else
		n = snprintf(buf, size, "%s at %s:%u:%u", kind_word(at->kind), file, at->line, at->col);
	return clip(n, size);
}

size_t ir_error_line(char *buf, size_t size, const struct ir_module *m, uint32_t code, int64_t arg,
		     const char *text, const struct span *at)
{
	size_t n = ir_error_message(buf, size, m, code, arg, text);

	if (code == WERR_USER || !at || !at->src)
		return n;
	if (n + 8 < size) {
		memcpy(buf + n, " near ", 7);
		n += 6;
		n += ir_error_place(buf + n, size - n, at);
	}
	return n;
}
