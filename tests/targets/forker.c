/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forker: three times fork and sleep. */
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() < 0)
			return 1;
		sleep(1);
	}
	return 0;
}
