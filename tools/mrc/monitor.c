// SPDX-License-Identifier: GPL-2.0
/* mrc monitor: what happens, one line each, as it happens. */
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mrc.h"

static const char *const types[] = {
	[MRC_NL_EVENT_PATH_BAD] = "path_bad",
	[MRC_NL_EVENT_PATH_GOOD] = "path_good",
	[MRC_NL_EVENT_PLANE_DOWN] = "plane_down",
	[MRC_NL_EVENT_PLANE_UP] = "plane_up",
	[MRC_NL_EVENT_PLANE_LOST] = "plane_lost",
	[MRC_NL_EVENT_PLANE_BACK] = "plane_back",
	[MRC_NL_EVENT_PEER_RESTART] = "peer_restart",
	[MRC_NL_EVENT_QP_ERROR] = "qp_error",
};

static const char *device;	/* only of this one */
static uint32_t left;		/* so many still to show; 0: no end */

static void print_time(uint64_t ns)
{
	time_t seconds = ns / 1000000000;
	char text[32];

	strftime(text, sizeof(text), "%F %T", localtime(&seconds));
	printf("%s.%06u ", text, (unsigned int)(ns % 1000000000 / 1000));
}

static void print_text(struct nlattr **attrs)
{
	uint32_t count = get_u32(attrs, MRC_A_EVENT_COUNT);

	print_time(get_u64(attrs, MRC_A_EVENT_TIME));
	printf("%s %s", get_string(attrs, MRC_A_EVENT_DEV),
	       NAME_OF(types, get_u32(attrs, MRC_A_EVENT_TYPE)));
	if (attrs[MRC_A_EVENT_REMOTE])
		printf(" peer %s", get_address(attrs, MRC_A_EVENT_REMOTE));
	if (attrs[MRC_A_EVENT_PLANE])
		printf(" plane %u", get_u32(attrs, MRC_A_EVENT_PLANE));
	if (attrs[MRC_A_EVENT_IFNAME])
		printf(" netdev %s", get_string(attrs, MRC_A_EVENT_IFNAME));
	if (attrs[MRC_A_EVENT_PATH])
		printf(" path %u ev %u", get_u32(attrs, MRC_A_EVENT_PATH),
		       get_u32(attrs, MRC_A_EVENT_ENTROPY));
	if (attrs[MRC_A_EVENT_QPN])
		printf(" qpn %u reason %s", get_u32(attrs, MRC_A_EVENT_QPN),
		       qp_reason(get_u32(attrs, MRC_A_EVENT_REASON)));
	if (count != 1)
		printf(" count %u", count);
	putchar('\n');
}

static void print_json(struct nlattr **attrs)
{
	line_begin();
	field_number("time_ns", NULL, get_u64(attrs, MRC_A_EVENT_TIME));
	field_string("dev", NULL, get_string(attrs, MRC_A_EVENT_DEV));
	field_string("event", NULL,
		     NAME_OF(types, get_u32(attrs, MRC_A_EVENT_TYPE)));
	field_number("count", NULL, get_u32(attrs, MRC_A_EVENT_COUNT));
	if (attrs[MRC_A_EVENT_REMOTE]) {
		field_string("peer", NULL,
			     get_address(attrs, MRC_A_EVENT_REMOTE));
		field_string("local", NULL,
			     get_address(attrs, MRC_A_EVENT_LOCAL));
	}
	if (attrs[MRC_A_EVENT_PLANE])
		field_number("plane", NULL, get_u32(attrs, MRC_A_EVENT_PLANE));
	if (attrs[MRC_A_EVENT_IFNAME])
		field_string("netdev", NULL,
			     get_string(attrs, MRC_A_EVENT_IFNAME));
	if (attrs[MRC_A_EVENT_PATH]) {
		field_number("path", NULL, get_u32(attrs, MRC_A_EVENT_PATH));
		field_number("ev", NULL, get_u32(attrs, MRC_A_EVENT_ENTROPY));
	}
	if (attrs[MRC_A_EVENT_QPN]) {
		field_number("qpn", NULL, get_u32(attrs, MRC_A_EVENT_QPN));
		field_string("reason", NULL,
			     qp_reason(get_u32(attrs, MRC_A_EVENT_REASON)));
	}
	line_end();
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[MRC_A_EVENT_MAX + 1];

	(void)arg;
	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd != MRC_CMD_EVENT ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, MRC_A_EVENT_MAX, NULL))
		return NL_OK;
	if (device && strcmp(device, get_string(attrs, MRC_A_EVENT_DEV)))
		return NL_OK;
	if (opt.json)
		print_json(attrs);
	else
		print_text(attrs);
	fflush(stdout);
	if (left && !--left)
		return NL_STOP;
	return NL_OK;
}

static int run(struct args *args)
{
	uint32_t count = 0;
	struct param params[] = {
		{ .name = "count", .parse = parse_number, .value = &count,
		  .max = 1000000 },
		{ .name = NULL }
	};
	struct nl_sock *sock;
	int err, ret;

	ret = parse_params(args, params, &device, false);
	if (ret)
		return ret;
	if (params[0].given && !count)
		return usage("count must be at least 1");
	left = count;
	sock = open_events();
	if (!sock)
		return EXIT_KERNEL;
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, NULL);
	while (!count || left) {
		err = nl_recvmsgs_default(sock);
		/* Better late than never: go on with what comes now. */
		if (err == -NLE_NOMEM)
			fprintf(stderr, "mrc: events were lost: they came faster than they were read\n");
		else if (err < 0)
			return EXIT_KERNEL;
	}
	return 0;
}

const struct object monitor_object = {
	.name = "monitor",
	.help = "tell what happens: paths, planes, peers, QPs",
	.run = run,
	.synopsis = "[DEV] [count N]",
};
