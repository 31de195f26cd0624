/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netfilter hooks: links of eBPF programs, or chains of nf_tables and a kprobe of the function that runs them.
 *
 * Chains are made over netlink, in a table of each protocol family that the socket owns (NFT_TABLE_F_OWNER): the
 * kernel removes it with the socket, however this process ends.  The socket's port is the process id, by which the
 * handlers know our chains from others.  libbpf 1.1 knows neither the link nor the program type.
 */
#include "probe/attach_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/kernel_numbers.h"
#include "base/without.h"

#define PRIORITY_TRIES		64	/* two eBPF programs at a hook cannot have the same */
#define REPLY_SECONDS		2

/* union bpf_attr, link_create.netfilter */
struct hook_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint32_t pf, hook;
	int32_t priority;
	uint32_t hook_flags;
	uint64_t room[16];
};

static int hook_link(int prog_fd, const struct prog_nf *nf)
{
	struct hook_attr attr = {
		.prog_fd = (uint32_t)prog_fd, .attach_type = ATTACH_NETFILTER,
		.pf = nf->pf, .hook = nf->hook, .priority = nf->priority,
	};

	return (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

bool attach_has_netfilter_link(void)
{
	static int known = -1;
	const struct prog_nf nowhere = { .pf = NFPROTO_NUMPROTO };
	int prog, link = -1;

	if (known >= 0 || without("netfilter_link"))
		return known > 0;
	prog = attach_trivial_program(PROG_TYPE_NETFILTER, ATTACH_NETFILTER, 0);
	if (prog >= 0)
		link = hook_link(prog, &nowhere);
	/* a kernel that has such links complains about the protocol family */
	known = prog >= 0 && link < 0 && errno == EAFNOSUPPORT;
	if (link >= 0)
		close(link);
	if (prog >= 0)
		close(prog);
	return known;
}

static void attach_link(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	struct prog_nf nf = rq->program->points[point].nf;
	int fd = -1, step = nf.priority < 0 ? 1 : -1;	/* away from the outermost ones */

	for (int i = 0; i < PRIORITY_TRIES; i++) {
		fd = hook_link(attach_program(rq, point), &nf);
		if (fd >= 0 || errno != EBUSY)
			break;
		nf.priority += step;
	}
	if (fd < 0) {
		attach_fail(a, point, errno, "netfilter hook %u of protocol family %u: %s", nf.hook, nf.pf,
			    strerror(errno));
		return;
	}
	arrput(a->fds, fd);
	a->armed++;
}

/* ---- chains of nf_tables ---- */

/* Some netlink messages, one behind the other. */
struct batch {
	char buf[1024];
	size_t len, start;	/* start: of the last message */
	uint32_t seq;
};

/* A buffer that is too small is our fault: the messages have fixed parts and short names. */
static void *batch_room(struct batch *b, size_t size)
{
	char *p = b->buf + b->len;

	if (b->len + NLMSG_ALIGN(size) > sizeof(b->buf))
		abort();
	b->len += NLMSG_ALIGN(size);
	memset(p, 0, NLMSG_ALIGN(size));
	return p;
}

static void message_end(struct batch *b)
{
	((struct nlmsghdr *)(b->buf + b->start))->nlmsg_len = (uint32_t)(b->len - b->start);
}

static void message(struct batch *b, int type, int flags, uint32_t family, int resource)
{
	struct nlmsghdr *h;
	struct nfgenmsg *g;

	b->start = b->len;
	h = batch_room(b, sizeof(*h));
	h->nlmsg_type = (uint16_t)type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++b->seq;
	g = batch_room(b, sizeof(*g));
	g->nfgen_family = (uint8_t)family;
	g->version = NFNETLINK_V0;
	g->res_id = htons((uint16_t)resource);
	message_end(b);
}

static void attribute(struct batch *b, int type, const void *data, size_t size)
{
	struct nlattr *at = batch_room(b, NLA_HDRLEN + size);

	at->nla_type = (uint16_t)type;
	at->nla_len = (uint16_t)(NLA_HDRLEN + size);
	memcpy((char *)at + NLA_HDRLEN, data, size);
	message_end(b);
}

static void attribute_u32(struct batch *b, int type, uint32_t v)
{
	v = htonl(v);
	attribute(b, type, &v, sizeof(v));
}

static void attribute_text(struct batch *b, int type, const char *text)
{
	attribute(b, type, text, strlen(text) + 1);
}

static void chain_messages(struct batch *b, const struct prog_nf *nf)
{
	const int change = NFNL_SUBSYS_NFTABLES << 8;
	char table[32], chain[64];
	struct nlattr *hook;
	size_t at;

	snprintf(table, sizeof(table), "stap_%d", (int)getpid());
	snprintf(chain, sizeof(chain), "hook_%u_%d", nf->hook, nf->priority);
	message(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	message(b, change | NFT_MSG_NEWTABLE, NLM_F_CREATE, nf->pf, 0);
	attribute_text(b, NFTA_TABLE_NAME, table);
	attribute_u32(b, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	message(b, change | NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, nf->pf, 0);
	attribute_text(b, NFTA_CHAIN_TABLE, table);
	attribute_text(b, NFTA_CHAIN_NAME, chain);
	at = b->len;
	hook = batch_room(b, NLA_HDRLEN);
	attribute_u32(b, NFTA_HOOK_HOOKNUM, nf->hook);
	attribute_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)nf->priority);
	hook->nla_type = NFTA_CHAIN_HOOK | NLA_F_NESTED;
	hook->nla_len = (uint16_t)(b->len - at);
	attribute_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	attribute_text(b, NFTA_CHAIN_TYPE, "filter");
	message(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

/*
 * The first error among the replies, or 0 if there are only acknowledgements; positive errno.  They are all there when
 * the batch is sent.  None is left: it would be taken for a reply to the next batch.
 */
static int batch_reply(int fd)
{
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	int err = -1;

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), err < 0 ? 0 : MSG_DONTWAIT);
		const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err >= 0 ? err : n < 0 ? errno : EIO;
		for (size_t left = (size_t)n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			if (err <= 0 && h->nlmsg_type == NLMSG_ERROR &&
			    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
				err = -((const struct nlmsgerr *)NLMSG_DATA(h))->error;
	}
}

/* A socket that is bound to `port`, 0: to any; -1 and errno. */
static int nf_tables_socket(uint32_t port)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_pid = port };
	struct timeval patience = { .tv_sec = REPLY_SECONDS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool attach_has_nf_tables(void)
{
	static int known = -1;
	struct batch b = { .len = 0 };
	int fd;

	if (known >= 0)
		return known;
	fd = nf_tables_socket(0);
	/* a question that changes nothing; the kernel loads its module for it */
	message(&b, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_ACK, AF_UNSPEC, 0);
	known = fd >= 0 && send(fd, b.buf, b.len, 0) == (ssize_t)b.len && !batch_reply(fd);
	if (fd >= 0)
		close(fd);
	return known;
}

static int make_chain(struct attachment *a, const struct prog_nf *nf)
{
	struct batch b = { .len = 0 };
	int fd;

	if (!a->nf_tables) {
		fd = nf_tables_socket((uint32_t)getpid());
		if (fd < 0)
			return errno;
		a->nf_tables = fd;
	}
	chain_messages(&b, nf);
	if (send(a->nf_tables, b.buf, b.len, 0) != (ssize_t)b.len)
		return errno;
	return batch_reply(a->nf_tables);
}

void attach_netfilter(struct attachment *a, const struct attach_request *rq, uint32_t point)
{
	const struct prog_point *p = &rq->program->points[point];
	int err;

	if (rq->program->handlers[p->handler].kind == PROG_NETFILTER) {
		attach_link(a, rq, point);
		return;
	}
	err = make_chain(a, &p->nf);
	if (err)
		attach_fail(a, point, err, "nf_tables chain at hook %u of protocol family %u: %s", p->nf.hook, p->nf.pf,
			    err == EOPNOTSUPP ? "nf_tables has no such hook" : strerror(err));
	else
		attach_kprobe(a, rq, point, p->name);
}
