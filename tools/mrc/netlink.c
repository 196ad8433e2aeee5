// SPDX-License-Identifier: GPL-2.0
/* Talks to the kernel: the generic netlink family "mrc", and the RDMA core. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mrc.h"

static struct nl_sock *sock, *rdma_sock;
static int family;

/* What came of the request that is running. */
static struct {
	int error;		/* errno */
	bool done;
	int hdrlen;		/* between netlink's header and attributes */
	int max;
	void (*row)(struct nlattr **attrs);
} state;

static int fail(const char *what)
{
	fprintf(stderr, "mrc: %s%s\n", where, what);
	return EXIT_KERNEL;
}

static struct nl_sock *open_netlink(int protocol)
{
	struct nl_sock *s = nl_socket_alloc();
	int one = 1;

	if (!s || nl_connect(s, protocol)) {
		fail("cannot open a netlink socket");
		nl_socket_free(s);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(s), SOL_NETLINK, NETLINK_EXT_ACK, &one,
		   sizeof(one));
	setsockopt(nl_socket_get_fd(s), SOL_NETLINK, NETLINK_CAP_ACK, &one,
		   sizeof(one));
	nl_socket_set_msg_buf_size(s, 32768);
	return s;
}

static bool open_family(void)
{
	if (sock)
		return true;
	sock = open_netlink(NETLINK_GENERIC);
	if (!sock)
		return false;
	family = genl_ctrl_resolve(sock, MRC_GENL_NAME);
	if (family < 0) {
		fail("the kernel has no MRC: load the module with \"modprobe mrc\"");
		return false;
	}
	return true;
}

struct nl_msg *new_request(int cmd, bool dump)
{
	struct nl_msg *msg;

	if (!open_family())
		return NULL;
	msg = nlmsg_alloc();
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
				 dump ? NLM_F_DUMP : NLM_F_ACK, cmd,
				 MRC_GENL_VERSION)) {
		fail("out of memory");
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/*
 * Print the kernel's sentence: the extack message behind a struct nlmsgerr or
 * the error number of a dump's end, else what the number says.
 */
static void report(int error, const struct nlmsghdr *nlh, size_t offset)
{
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1] = {};
	const char *text = NULL;

	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && nlh->nlmsg_len > offset)
		nla_parse(attrs, NLMSGERR_ATTR_MAX,
			  (struct nlattr *)((char *)nlh + offset),
			  nlh->nlmsg_len - offset, NULL);
	if (attrs[NLMSGERR_ATTR_MSG])
		text = nla_get_string(attrs[NLMSGERR_ATTR_MSG]);
	else if (error == EPERM)
		text = "only root may do that (CAP_NET_ADMIN is needed)";
	else if (error == EOPNOTSUPP)
		text = "the module does not know this command: it is older than this tool";
	fail(text ? text : strerror(error));
	state.error = error;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	size_t offset = NLMSG_HDRLEN + sizeof(*err);

	(void)from;
	(void)arg;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	report(-err->error, nlh, offset);
	state.done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	state.done = true;
	return NL_STOP;
}

static int on_finish(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(msg);
	int error = 0;

	(void)arg;
	if (nlmsg_datalen(nlh) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(nlh), sizeof(error));
	if (error < 0)
		report(-error, nlh, NLMSG_HDRLEN + sizeof(error));
	state.done = true;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct nlattr **attrs;

	(void)arg;
	attrs = calloc(state.max + 1, sizeof(*attrs));
	if (attrs && state.row &&
	    !nlmsg_parse(nlmsg_hdr(msg), state.hdrlen, attrs, state.max, NULL))
		state.row(attrs);
	free(attrs);
	return NL_OK;
}

static int run(struct nl_sock *to, struct nl_msg *msg, int max,
	       void (*row)(struct nlattr **attrs))
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb) {
		nlmsg_free(msg);
		return fail("out of memory");
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, NULL);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, NULL);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, NULL);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, NULL);
	state.error = 0;
	state.done = false;
	state.hdrlen = to == rdma_sock ? 0 : GENL_HDRLEN;
	state.max = max;
	state.row = row;
	err = nl_send_auto(to, msg);
	nlmsg_free(msg);
	while (err >= 0 && !state.done)
		err = nl_recvmsgs(to, cb);
	nl_cb_put(cb);
	if (state.error)
		return EXIT_KERNEL;
	if (!state.done)
		return fail(nl_geterror(err));
	return 0;
}

/*
 * Events wait in the socket while nobody has time to read them; what finds no
 * room there is lost. libnl makes that 32 KiB.
 */
static void make_room(struct nl_sock *s)
{
	int fd = nl_socket_get_fd(s), size = 4 << 20;

	/* more than anybody may have, if we may */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

struct nl_sock *open_events(void)
{
	struct nl_sock *s;
	int group;

	if (!open_family())
		return NULL;
	group = genl_ctrl_resolve_grp(sock, MRC_GENL_NAME,
				      MRC_GENL_GROUP_EVENTS);
	s = open_netlink(NETLINK_GENERIC);
	if (!s || group < 0 || nl_socket_add_membership(s, group)) {
		fail("the module has no events: it is older than this tool");
		nl_socket_free(s);
		return NULL;
	}
	make_room(s);
	return s;
}

struct nl_sock *open_answers(int (*on_message)(struct nl_msg *msg, void *arg),
			     void *arg)
{
	struct nl_sock *s = open_netlink(NETLINK_GENERIC);

	if (!s)
		return NULL;
	nl_socket_disable_seq_check(s);
	nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, on_message, arg);
	return s;
}

int run_request_from(struct nl_sock *from, struct nl_msg *msg)
{
	int err;

	nl_socket_modify_err_cb(from, NL_CB_CUSTOM, on_error, NULL);
	nl_socket_modify_cb(from, NL_CB_ACK, NL_CB_CUSTOM, on_ack, NULL);
	state.error = 0;
	state.done = false;
	err = nl_send_auto(from, msg);
	nlmsg_free(msg);
	while (err >= 0 && !state.done)
		err = nl_recvmsgs_default(from);
	if (state.error)
		return EXIT_KERNEL;
	return state.done ? 0 : fail(nl_geterror(err));
}

int run_request(struct nl_msg *msg)
{
	return run(sock, msg, 0, NULL);
}

int run_dump(struct nl_msg *msg, int max, void (*row)(struct nlattr **attrs))
{
	return run(sock, msg, max, row);
}

struct nl_msg *new_rdma_request(int cmd)
{
	struct nl_msg *msg;

	if (!rdma_sock)
		rdma_sock = open_netlink(NETLINK_RDMA);
	if (!rdma_sock)
		return NULL;
	msg = nlmsg_alloc_simple(RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, cmd),
				 NLM_F_REQUEST | NLM_F_ACK);
	if (!msg)
		fail("out of memory");
	return msg;
}

int run_rdma(struct nl_msg *msg, void (*row)(struct nlattr **attrs))
{
	return run(rdma_sock, msg, RDMA_NLDEV_ATTR_MAX - 1, row);
}

uint32_t get_u32(struct nlattr **attrs, int type)
{
	return attrs[type] ? nla_get_u32(attrs[type]) : 0;
}

uint64_t get_u64(struct nlattr **attrs, int type)
{
	return attrs[type] ? nla_get_u64(attrs[type]) : 0;
}

const char *get_string(struct nlattr **attrs, int type)
{
	return attrs[type] ? nla_get_string(attrs[type]) : "";
}

const char *get_address(struct nlattr **attrs, int type)
{
	struct in6_addr addr = IN6ADDR_ANY_INIT;
	char *text = scratch();

	if (attrs[type] && nla_len(attrs[type]) == sizeof(addr))
		memcpy(&addr, nla_data(attrs[type]), sizeof(addr));
	if (IN6_IS_ADDR_V4MAPPED(&addr))
		inet_ntop(AF_INET, &addr.s6_addr[12], text, SCRATCH_SIZE);
	else
		inet_ntop(AF_INET6, &addr, text, SCRATCH_SIZE);
	return text;
}
