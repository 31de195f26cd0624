/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's release and configuration.  The configuration is kept as its text with every line
 * ended by NUL; lines "NAME=VALUE" answer questions.
 */
#include "cli/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/xalloc.h"

#define CONFIG_MAX (4u << 20)

void cli_kernel_init(struct cli_kernel *k, struct arena *a, const char *release)
{
	struct utsname u = { 0 };
	size_t n;

	uname(&u);
	*k = (struct cli_kernel){ 0 };
	if (!release || release[0] == '/')
		release = u.release;
	k->release = arena_strdup(a, release);
	n = strspn(release, "0123456789.");
	while (n && release[n - 1] == '.')
		n--;
	k->version = arena_strndup(a, release, n);
	k->arch = arena_strdup(a, u.machine);
}

/* Reads a plain or compressed file; NULL if there is none. */
static char *config_read(const char *path, size_t *len)
{
	gzFile f = gzopen(path, "rbe");
	char *text;
	int n;

	if (!f)
		return NULL;
	text = xmalloc(CONFIG_MAX + 1);
	n = gzread(f, text, CONFIG_MAX);
	gzclose(f);
	if (n <= 0) {
		free(text);
		return NULL;
	}
	text[n] = 0;
	*len = (size_t)n;
	return text;
}

static void config_load(struct cli_kernel *k)
{
	static const char *const places[] = { "/boot/config-%s", "/lib/modules/%s/config",
					      "/lib/modules/%s/build/.config", "/proc/config.gz" };
	char path[512];

	k->config_read = true;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !k->config; i++) {
		const char *mark = strstr(places[i], "%s");

		if (mark)
			snprintf(path, sizeof(path), "%.*s%s%s", (int)(mark - places[i]), places[i],
				 k->release, mark + 2);
		else
			snprintf(path, sizeof(path), "%s", places[i]);
		k->config = config_read(path, &k->config_len);
	}
	for (size_t i = 0; i < k->config_len; i++)
		if (k->config[i] == '\n')
			k->config[i] = 0;
}

const char *cli_kernel_config(void *ctx, const char *name)
{
	struct cli_kernel *k = ctx;
	size_t n = strlen(name);

	if (!k->config_read)
		config_load(k);
	for (const char *p = k->config; p && p < k->config + k->config_len; p += strlen(p) + 1)
		if (!strncmp(p, name, n) && p[n] == '=')
			return p + n + 1;
	return NULL;
}

void cli_kernel_fini(struct cli_kernel *k)
{
	free(k->config);
	k->config = NULL;
}
