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

const struct listing port_list = {
	.cmd = MRC_CMD_PORT_GET,
	.max = MRC_A_PORT_MAX,
	.a_dev = MRC_A_PORT_DEV,
	.row = show_row,
};

static int show(struct args *args)
{
	return show_listing(args, &port_list);
}

static int change(const char *dev, const char *netdev, int plane, int cmd)
{
	struct nl_msg *msg = new_request(cmd, false);

	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PORT_DEV, dev);
	nla_put_string(msg, MRC_A_PORT_IFNAME, netdev);
	if (plane >= 0)
		nla_put_u32(msg, MRC_A_PORT_PLANE, plane);
	return run_request(msg);
}

int add_port(const char *dev, const char *netdev, int plane)
{
	return change(dev, netdev, plane, MRC_CMD_PORT_NEW);
}

int del_port(const char *dev, const char *netdev)
{
	return change(dev, netdev, -1, MRC_CMD_PORT_DEL);
}

static int parse_change(struct args *args, int cmd)
{
	const char *dev = NULL, *netdev = NULL;
	uint32_t plane = 0;
	struct param params[] = {
		{ .name = "netdev", .parse = parse_string, .value = &netdev },
		{ .name = cmd == MRC_CMD_PORT_NEW ? "plane" : NULL,
		  .parse = parse_number, .value = &plane, .max = 31 },
		{ .name = NULL }
	};
	int ret;

	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	if (!netdev)
		return usage("\"netdev NAME\" is missing: which Ethernet port?");
	return change(dev, netdev, params[1].given ? (int)plane : -1, cmd);
}

static int add(struct args *args)
{
	return parse_change(args, MRC_CMD_PORT_NEW);
}

static int del(struct args *args)
{
	return parse_change(args, MRC_CMD_PORT_DEL);
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
