/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of the kernel that are not probed although the kernel would let them be. */
#ifndef PROBE_KBLACK_H
#define PROBE_KBLACK_H

struct probe_session;

/* Why the function is not probed; NULL: it is.  Guru mode (-g) probes those that only waste time. */
const char *kblack_reason(const struct probe_session *ps, const char *function);

#endif
