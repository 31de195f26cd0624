/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netfilter.pf("FAMILY").hook("HOOK") and netfilter.hook("HOOK").pf("FAMILY"), with .priority("PRIORITY"): packets that
 * pass a hook of the network stack, in the network namespace that stap runs in.
 *
 * The kernel's own links of eBPF programs to hooks come first; they exist for IPv4 and IPv6 and let the handler
 * decide about the packet.  Else a chain of nf_tables without rules stands at the hook, and a kprobe of the function
 * that runs such chains sees each packet that gets there; it can only watch.
 */
#include "probe/families.h"

#include <limits.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/btf.h"
#include "probe/attach.h"
#include "probe/ksyms.h"

#define PRIORITY_FIRST	(INT_MIN + 1)	/* the kernel keeps the outermost ones to itself */
#define PRIORITY_LAST	(INT_MAX - 1)

/* A function of the kernel from whose prototype the types of a packet and of a hook's state come. */
#define TYPES_FUNCTION	"nf_hook_slow"

static const struct probe_pattern netfilter_patterns[] = {
	{ "netfilter.hook(string).pf(string)", 0 },
	{ "netfilter.pf(string).hook(string)", 0 },
	{ "netfilter.hook(string).pf(string).priority(string)", 0 },
	{ "netfilter.pf(string).hook(string).priority(string)", 0 },
};

struct named_number {
	const char *name;
	int number;
};

static const struct named_number inet_hooks[] = {
	{ "NF_INET_PRE_ROUTING", 0 }, { "NF_INET_LOCAL_IN", 1 }, { "NF_INET_FORWARD", 2 },
	{ "NF_INET_LOCAL_OUT", 3 }, { "NF_INET_POST_ROUTING", 4 },
	{ "NF_IP_PRE_ROUTING", 0 }, { "NF_IP_LOCAL_IN", 1 }, { "NF_IP_FORWARD", 2 },
	{ "NF_IP_LOCAL_OUT", 3 }, { "NF_IP_POST_ROUTING", 4 }, { NULL, 0 },
};

static const struct named_number inet6_hooks[] = {
	{ "NF_IP6_PRE_ROUTING", 0 }, { "NF_IP6_LOCAL_IN", 1 }, { "NF_IP6_FORWARD", 2 },
	{ "NF_IP6_LOCAL_OUT", 3 }, { "NF_IP6_POST_ROUTING", 4 },
	{ "NF_INET_PRE_ROUTING", 0 }, { "NF_INET_LOCAL_IN", 1 }, { "NF_INET_FORWARD", 2 },
	{ "NF_INET_LOCAL_OUT", 3 }, { "NF_INET_POST_ROUTING", 4 }, { NULL, 0 },
};

static const struct named_number arp_hooks[] = {
	{ "NF_ARP_IN", 0 }, { "NF_ARP_OUT", 1 }, { "NF_ARP_FORWARD", 2 }, { NULL, 0 },
};

static const struct named_number bridge_hooks[] = {
	{ "NF_BR_PRE_ROUTING", 0 }, { "NF_BR_LOCAL_IN", 1 }, { "NF_BR_FORWARD", 2 },
	{ "NF_BR_LOCAL_OUT", 3 }, { "NF_BR_POST_ROUTING", 4 }, { NULL, 0 },
};

/* Behind NF_IP_PRI_ and NF_IP6_PRI_. */
static const struct named_number priorities[] = {
	{ "FIRST", PRIORITY_FIRST }, { "CONNTRACK_DEFRAG", -400 }, { "RAW", -300 }, { "SELINUX_FIRST", -225 },
	{ "CONNTRACK", -200 }, { "MANGLE", -150 }, { "NAT_DST", -100 }, { "FILTER", 0 }, { "SECURITY", 50 },
	{ "NAT_SRC", 100 }, { "SELINUX_LAST", 225 }, { "CONNTRACK_HELPER", 300 },
	{ "CONNTRACK_CONFIRM", PRIORITY_LAST }, { "LAST", PRIORITY_LAST }, { NULL, 0 },
};

struct nf_family {
	const char *name;
	uint32_t number;
	const struct named_number *hooks;
	const char *priority_prefix;	/* NULL: its priorities have no names */
	const char *chain_function;	/* runs chains of nf_tables */
};

static const struct nf_family families[] = {
	{ "NFPROTO_IPV4", NFPROTO_IPV4, inet_hooks, "NF_IP_PRI_", "nft_do_chain_ipv4" },
	{ "NFPROTO_IPV6", NFPROTO_IPV6, inet6_hooks, "NF_IP6_PRI_", "nft_do_chain_ipv6" },
	{ "NFPROTO_ARP", NFPROTO_ARP, arp_hooks, NULL, "nft_do_chain_arp" },
	{ "NFPROTO_BRIDGE", NFPROTO_BRIDGE, bridge_hooks, NULL, "nft_do_chain_bridge" },
};

static bool find_named(const struct named_number *list, const char *name, int32_t *v)
{
	for (; list->name; list++)
		if (!strcmp(list->name, name)) {
			*v = list->number;
			return true;
		}
	return false;
}

static bool plain_number(const char *text, int32_t *v)
{
	char *end;
	long n = strtol(text, &end, 0);

	if (end == text || *end || n < INT_MIN || n > INT_MAX)
		return false;
	*v = (int32_t)n;
	return true;
}

/* In guru mode also by its number. */
static const struct nf_family *find_family(const struct probe_session *ps, const char *name)
{
	int32_t number = -1;

	if (ps->guru)
		plain_number(name, &number);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (!strcmp(families[i].name, name) || (int32_t)families[i].number == number)
			return &families[i];
	return NULL;
}

static bool find_priority(const struct nf_family *nf, const char *name, int32_t *v)
{
	size_t len = nf->priority_prefix ? strlen(nf->priority_prefix) : 0;

	if (plain_number(name, v)) {
		if (*v < PRIORITY_FIRST || *v > PRIORITY_LAST)
			*v = *v < 0 ? PRIORITY_FIRST : PRIORITY_LAST;
		return true;
	}
	return len && !strncmp(name, nf->priority_prefix, len) && find_named(priorities, name + len, v);
}

/* The hook that was written, by numbers; NULL and out->why. */
static const struct nf_family *written_hook(struct probe_session *ps, const struct probe_match *m,
					    struct prog_nf *nf, struct probe_result *out)
{
	const char *pf = probe_match_string(m, "pf"), *hook = probe_match_string(m, "hook"),
		   *priority = probe_match_string(m, "priority");
	const struct nf_family *family = find_family(ps, pf);
	int32_t number;

	if (!family) {
		probe_fail(ps, out, "netfilter-family", NULL, "unsupported netfilter protocol family \"%s\"%s", pf,
			   ps->guru ? "" : "; need stap -g");
		return NULL;
	}
	if (!find_named(family->hooks, hook, &number) && !(ps->guru && plain_number(hook, &number))) {
		probe_fail(ps, out, "netfilter-hook", NULL, "unsupported netfilter hook \"%s\" for protocol family "
			   "\"%u\"%s", hook, family->number, ps->guru ? "" : "; need stap -g");
		return NULL;
	}
	*nf = (struct prog_nf){ .pf = family->number, .hook = (uint32_t)number };
	if (priority && !find_priority(family, priority, &nf->priority)) {
		probe_fail(ps, out, "netfilter-priority", NULL, "unsupported netfilter priority \"%s\" for protocol "
			   "family \"%u\"%s", priority, family->number, ps->guru ? "" : "; need stap -g");
		return NULL;
	}
	return family;
}

/* Chooses how the hook is reached; false: in no way. */
static bool choose_mechanism(struct probe_session *ps, struct probe_point *pt, const struct nf_family *family,
			     struct probe_result *out)
{
	size_t count;

	pt->kind = PROG_NETFILTER;
	if ((family->number == NFPROTO_IPV4 || family->number == NFPROTO_IPV6) && attach_has_netfilter_link())
		return true;
	if (ps->listing)
		return true;
	if (!attach_has_kprobes() || !attach_has_nf_tables() ||
	    (!ksyms_find(NULL, family->chain_function, &count) &&
	     !ksyms_find("nf_tables", family->chain_function, &count))) {
		probe_fail(ps, out, "no-netfilter", NULL, "this kernel's netfilter hooks of %s cannot be probed: that "
			   "needs eBPF links to hooks (IPv4 and IPv6 only, Linux 6.4 and CONFIG_NETFILTER_BPF_LINK), "
			   "or nf_tables (CONFIG_NF_TABLES) together with kprobes (CONFIG_KPROBE_EVENTS)",
			   family->name);
		return false;
	}
	ksyms_keep();
	pt->kind = PROG_KPROBE;
	pt->prog.name = family->chain_function;
	pt->filter |= PROBE_FILTER_CHAIN;
	probe_point_int(pt, PROBE_INT_HOOK, pt->prog.nf.hook);
	probe_point_int(pt, PROBE_INT_PRIORITY, pt->prog.nf.priority);
	return true;
}

static void netfilter_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			      struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);
	const struct nf_family *family = written_hook(ps, m, &pt->prog.nf, out);
	struct dbg_btf_func types;
	struct dbg_error e;

	if (!family || !choose_mechanism(ps, pt, family, out))
		return;
	pt->prog.kind = POINT_NETFILTER;
	pt->prog.str[IR_PP_TYPE] = "netfilter";
	pt->prog.str[IR_PP_FUNC] = probe_match_string(m, "hook");
	pt->prog.str[IR_PP_MODULE] = "kernel";
	pt->scope = PROBE_SCOPE_NETFILTER;
	pt->module = dbg_btf_kernel("vmlinux", &e);
	if (pt->module && dbg_btf_func(pt->module, TYPES_FUNCTION, &types))
		pt->params = dbg_type_params(types.type, &pt->nparams, NULL);
	if (pt->nparams < PROBE_NETFILTER_PARAMS) {
		probe_fail(ps, out, "no-btf", NULL, "netfilter hooks need the kernel's type information "
			   "(CONFIG_DEBUG_INFO_BTF)");
		return;
	}
	probe_point_spell(pt, probe_match_text(ps->arena, m));
	arrput(out->points, pt);
}

static const struct probe_var *netfilter_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n)
{
	static const struct probe_var devices[] = {
		{ .name = "in", .type = "struct net_device*" }, { .name = "out", .type = "struct net_device*" },
		{ .name = "hooknum", .type = "long" },
	};
	const size_t ndevices = sizeof(devices) / sizeof(devices[0]);
	struct probe_var *list = arena_new_array(ps->arena, struct probe_var, ndevices + 2);

	*n = 0;
	list[(*n)++] = (struct probe_var){
		.name = "skb", .type = dbg_type_name(ps->arena, pt->params[PROBE_NETFILTER_SKB].type) };
	for (size_t i = 0; i < ndevices; i++)
		list[(*n)++] = devices[i];
	if (pt->kind == PROG_NETFILTER)
		list[(*n)++] = (struct probe_var){ .name = "verdict", .type = "long" };
	return list;
}

const struct probe_family probe_family_netfilter = {
	.name = "netfilter",
	.patterns = netfilter_patterns,
	.npatterns = sizeof(netfilter_patterns) / sizeof(netfilter_patterns[0]),
	.resolve = netfilter_resolve,
	.vars = netfilter_vars,
};
