/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about the kernel that scripts' conditionals ask for. */
#ifndef CLI_KERNEL_H
#define CLI_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct cli_kernel {
	const char *release;	/* "6.1.0-56-amd64" */
	const char *version;	/* "6.1.0" */
	const char *arch;	/* "x86_64" */
	char *config;		/* private: text of the configuration, read on first use */
	size_t config_len;
	bool config_read;
};

/* Of the running kernel, or of `release` if it is not NULL; memory of the arena. */
void cli_kernel_init(struct cli_kernel *k, struct arena *a, const char *release);
/* parse_env.config: ctx is the cli_kernel.  The value stays until cli_kernel_fini(). */
const char *cli_kernel_config(void *ctx, const char *name);
void cli_kernel_fini(struct cli_kernel *k);

#endif
