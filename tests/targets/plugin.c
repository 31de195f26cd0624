/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shared library with a global, loaded at start-up or with dlopen. */
volatile long plugin_total = 5;

__attribute__((noinline)) static long plugin_inner(long value)
{
	plugin_total += value;
	return plugin_total;
}

__attribute__((noinline)) long plugin_work(long value)
{
	return plugin_inner(value) + 1;
}
