// SPDX-License-Identifier: GPL-2.0
/* mrc port: the Ethernet ports (planes) of a device. */
#include <netlink/msg.h>

#include "mrc.h"

static void show_row(struct nlattr **attrs)
{
	object_begin();
	field_string("dev", "DEVICE", get_string(attrs, MRC_A_PORT_DEV));
	field_number("plane", "PLANE", get_u32(attrs, MRC_A_PORT_PLANE));
	field_string("netdev", "NETDEV", get_string(attrs, MRC_A_PORT_IFNAME));
	field_number("ifindex", opt.details ? "INDEX" : NULL,
		     get_u32(attrs, MRC_A_PORT_IFINDEX));
	field_bool("up", "STATE", get_u32(attrs, MRC_A_PORT_UP), "up", "down");
	field_number("mtu", "MTU", get_u32(attrs, MRC_A_PORT_MTU));
	object_end();
}

static int show(struct args *args)
{
	static const struct listing list = {
		.cmd = MRC_CMD_PORT_GET,
		.max = MRC_A_PORT_MAX,
		.a_dev = MRC_A_PORT_DEV,
		.row = show_row,
	};

	return show_listing(args, &list);
}

static int change(struct args *args, int cmd)
{
	const char *dev = NULL, *netdev = NULL;
	uint32_t plane = 0;
	struct param params[] = {
		{ .name = "netdev", .parse = parse_string, .value = &netdev },
		{ .name = cmd == MRC_CMD_PORT_NEW ? "plane" : NULL,
		  .parse = parse_number, .value = &plane, .max = 31 },
		{ .name = NULL }
	};
	struct nl_msg *msg;
	int ret;

	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	if (!netdev)
		return usage("\"netdev NAME\" is missing: which Ethernet port?");
	msg = new_request(cmd, false);
	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PORT_DEV, dev);
	nla_put_string(msg, MRC_A_PORT_IFNAME, netdev);
	if (params[1].given)
		nla_put_u32(msg, MRC_A_PORT_PLANE, plane);
	return run_request(msg);
}

static int add(struct args *args)
{
	return change(args, MRC_CMD_PORT_NEW);
}

static int del(struct args *args)
{
	return change(args, MRC_CMD_PORT_DEL);
}

static const struct command commands[] = {
	{ "show", show, "[DEV]", "List the ports of one device, or of all." },
	{ "add", add, "DEV netdev NETDEV [plane N]",
	  "Make NETDEV a plane of DEV: number N, or the first free one." },
	{ "del", del, "DEV netdev NETDEV",
	  "Take a plane away. Connections go on over those that remain." },
	{ .name = NULL }
};

const struct object port_object = {
	.name = "port",
	.help = "Ethernet ports of a device; each is a plane",
	.commands = commands,
};
