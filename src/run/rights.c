/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rights: effective capabilities, kernel lockdown. */
#include "run/rights.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CAP_BIT(n) (UINT64_C(1) << (n))

enum { RIGHTS_SYS_ADMIN = 21, RIGHTS_PERFMON = 38, RIGHTS_BPF = 39 };

/* First line of a file that starts with `key`, what follows it; false: none. */
static bool rights_read(const char *path, const char *key, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[256];
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(buf, size, "%s", line + strlen(key));
		found = true;
	}
	fclose(f);
	return found;
}

bool run_rights_check(char *msg, size_t size)
{
	char text[128];
	uint64_t caps = 0;

	if (!rights_read("/proc/self/status", "CapEff:", text, sizeof(text)) ||
	    sscanf(text, "%" SCNx64, &caps) != 1)
		return true;	/* cannot tell: let the kernel decide */
	if (caps & CAP_BIT(RIGHTS_SYS_ADMIN))
		return true;
	if ((caps & CAP_BIT(RIGHTS_BPF)) && (caps & CAP_BIT(RIGHTS_PERFMON)))
		return true;
	snprintf(msg, size,
		 "Probing needs root, or the capabilit%s%s%s%s (or CAP_SYS_ADMIN), which this process lacks.",
		 !(caps & CAP_BIT(RIGHTS_BPF)) && !(caps & CAP_BIT(RIGHTS_PERFMON)) ? "ies " : "y ",
		 caps & CAP_BIT(RIGHTS_BPF) ? "" : "CAP_BPF",
		 !(caps & CAP_BIT(RIGHTS_BPF)) && !(caps & CAP_BIT(RIGHTS_PERFMON)) ? " and " : "",
		 caps & CAP_BIT(RIGHTS_PERFMON) ? "" : "CAP_PERFMON");
	return false;
}

const char *run_rights_advice(int err)
{
	char text[128];

	if (err != EPERM && err != EACCES && err != EINVAL)
		return "";
	if (rights_read("/sys/kernel/security/lockdown", "", text, sizeof(text)) &&
	    strstr(text, "[confidentiality]"))
		return " (kernel lockdown is in confidentiality mode, which closes the kernel's memory and kprobes: "
		       "/sys/kernel/security/lockdown)";
	if (err == EINVAL)
		return "";	/* what the verifier says of helpers that lockdown takes away */
	if (rights_read("/proc/sys/kernel/perf_event_paranoid", "", text, sizeof(text)) && text[0] >= '2')
		return " (see the sysctl kernel.perf_event_paranoid)";
	return "";
}
