// SPDX-License-Identifier: GPL-2.0
/* mrc port: the Ethernet ports (planes) of a device. */
#include <netlink/msg.h>

#include "mrc.h"

static const char *const states[] = { "down", "up", NULL };

static void show_row(struct nlattr **attrs)
{
	bool up = get_u32(attrs, MRC_A_PORT_UP);
	/* An older module cannot disable a port. */
	bool enabled = !attrs[MRC_A_PORT_ENABLED] ||
		       get_u32(attrs, MRC_A_PORT_ENABLED);

	object_begin();
	field_string("dev", "DEVICE", get_string(attrs, MRC_A_PORT_DEV));
	field_number("plane", "PLANE", get_u32(attrs, MRC_A_PORT_PLANE));
	field_string("netdev", "NETDEV", get_string(attrs, MRC_A_PORT_IFNAME));
	field_number("ifindex", opt.details ? "INDEX" : NULL,
		     get_u32(attrs, MRC_A_PORT_IFINDEX));
	field_bool("up", NULL, up, "", "");
	field_bool("enabled", NULL, enabled, "", "");
	field_text("STATE", enabled ? states[up] : "disabled");
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

static int change(int cmd, const char *dev, const struct plane *port)
{
	struct nl_msg *msg = new_request(cmd, false);

	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PORT_DEV, dev);
	nla_put_string(msg, MRC_A_PORT_IFNAME, port->netdev);
	if (cmd == MRC_CMD_PORT_NEW && port->number >= 0)
		nla_put_u32(msg, MRC_A_PORT_PLANE, port->number);
	/* An older module need not know of what is the default. */
	if (cmd == MRC_CMD_PORT_SET ||
	    (cmd == MRC_CMD_PORT_NEW && port->disabled))
		nla_put_u32(msg, MRC_A_PORT_ENABLED, !port->disabled);
	return run_request(msg);
}

int add_port(const char *dev, const struct plane *port)
{
	return change(MRC_CMD_PORT_NEW, dev, port);
}

int set_port(const char *dev, const struct plane *port)
{
	return change(MRC_CMD_PORT_SET, dev, port);
}

int del_port(const char *dev, const char *netdev)
{
	return change(MRC_CMD_PORT_DEL, dev, &(struct plane){ .netdev = netdev });
}

static int parse_state(const struct param *param, const char *word)
{
	int i = match(word, states, "state");

	if (i < 0)
		return EXIT_USAGE;
	*(bool *)param->value = !i;
	return 0;
}

/* "DEV netdev NETDEV", and of the other two what @plane and @state allow. */
static int parse_words(struct args *args, const char **dev, struct plane *port,
		       bool plane, bool state)
{
	uint32_t number = 0;
	struct param params[4] = {
		{ .name = "netdev", .parse = parse_string,
		  .value = &port->netdev },
	};
	int n = 1, ret;

	*port = (struct plane){ .number = -1 };
	if (state)
		params[n++] = (struct param){ .name = "state",
			.parse = parse_state, .value = &port->disabled };
	if (plane)
		params[n] = (struct param){ .name = "plane",
			.parse = parse_number, .value = &number, .max = 31 };
	ret = parse_params(args, params, dev, true);
	if (ret)
		return ret;
	if (!port->netdev)
		return usage("\"netdev NAME\" is missing: which Ethernet port?");
	if (state && !plane && !params[1].given)
		return usage("nothing to set: \"state up\" or \"state down\" is needed");
	if (plane && params[n].given)
		port->number = number;
	return 0;
}

int parse_port(struct args *args, const char **dev, struct plane *port)
{
	return parse_words(args, dev, port, true, true);
}

static int add(struct args *args)
{
	const char *dev = NULL;
	struct plane port;

	return parse_port(args, &dev, &port) ?: add_port(dev, &port);
}

static int set(struct args *args)
{
	const char *dev = NULL;
	struct plane port;

	return parse_words(args, &dev, &port, false, true) ?:
	       set_port(dev, &port);
}

static int del(struct args *args)
{
	const char *dev = NULL;
	struct plane port;

	return parse_words(args, &dev, &port, false, false) ?:
	       del_port(dev, port.netdev);
}

static const struct command commands[] = {
	{ "show", show, "[DEV]", "List the ports of one device, or of all." },
	{ "add", add, "DEV netdev NETDEV [plane N] [state up|down]",
	  "Make NETDEV a plane of DEV: number N, or the first free one." },
	{ "set", set, "DEV netdev NETDEV state up|down",
	  "Down: send nothing more by this plane, and tell the peers." },
	{ "del", del, "DEV netdev NETDEV",
	  "Take a plane away. Connections go on over those that remain." },
	{ .name = NULL }
};

const struct object port_object = {
	.name = "port",
	.help = "Ethernet ports of a device; each is a plane",
	.commands = commands,
};
