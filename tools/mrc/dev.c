// SPDX-License-Identifier: GPL-2.0
/* mrc dev: devices and their settings. */
#include <netlink/msg.h>
#include <stdio.h>

#include "mrc.h"

static void show_text(struct nlattr **attrs)
{
	uint32_t planes = get_u32(attrs, MRC_A_DEV_PLANES);
	uint32_t down = planes & ~get_u32(attrs, MRC_A_DEV_PLANES_UP);

	printf("%s: netdev %s planes %s", get_string(attrs, MRC_A_DEV_NAME),
	       get_string(attrs, MRC_A_DEV_IFNAME), format_planes(planes));
	if (down)
		printf(" (down: %s)", format_planes(down));
	printf(" peers %u qps %u\n", get_u32(attrs, MRC_A_DEV_PEERS),
	       get_u32(attrs, MRC_A_DEV_QPS));
	printf("    udp_port %u ordered_last %u icrc %u dscp_data %u dscp_control %u\n",
	       get_u32(attrs, MRC_A_DEV_UDP_PORT),
	       get_u32(attrs, MRC_A_DEV_ORDERED_LAST),
	       get_u32(attrs, MRC_A_DEV_ICRC),
	       get_u32(attrs, MRC_A_DEV_DSCP_DATA),
	       get_u32(attrs, MRC_A_DEV_DSCP_CONTROL));
	printf("    paths_per_plane %u spray_unit %u\n",
	       get_u32(attrs, MRC_A_DEV_PATHS_PER_PLANE),
	       get_u32(attrs, MRC_A_DEV_SPRAY_UNIT));
}

static void show_row(struct nlattr **attrs)
{
	if (!opt.json) {
		show_text(attrs);
		return;
	}
	object_begin();
	field_string("dev", NULL, get_string(attrs, MRC_A_DEV_NAME));
	field_number("index", NULL, get_u32(attrs, MRC_A_DEV_INDEX));
	field_string("netdev", NULL, get_string(attrs, MRC_A_DEV_IFNAME));
	field_number("ifindex", NULL, get_u32(attrs, MRC_A_DEV_IFINDEX));
	field_planes("planes", NULL, get_u32(attrs, MRC_A_DEV_PLANES));
	field_planes("planes_up", NULL, get_u32(attrs, MRC_A_DEV_PLANES_UP));
	field_number("peers", NULL, get_u32(attrs, MRC_A_DEV_PEERS));
	field_number("qps", NULL, get_u32(attrs, MRC_A_DEV_QPS));
	field_number("udp_port", NULL, get_u32(attrs, MRC_A_DEV_UDP_PORT));
	field_number("ordered_last", NULL,
		     get_u32(attrs, MRC_A_DEV_ORDERED_LAST));
	field_number("icrc", NULL, get_u32(attrs, MRC_A_DEV_ICRC));
	field_number("dscp_data", NULL, get_u32(attrs, MRC_A_DEV_DSCP_DATA));
	field_number("dscp_control", NULL,
		     get_u32(attrs, MRC_A_DEV_DSCP_CONTROL));
	field_number("paths_per_plane", NULL,
		     get_u32(attrs, MRC_A_DEV_PATHS_PER_PLANE));
	field_number("spray_unit", NULL,
		     get_u32(attrs, MRC_A_DEV_SPRAY_UNIT));
	object_end();
}

static int show(struct args *args)
{
	static const struct listing list = {
		.cmd = MRC_CMD_DEV_GET,
		.max = MRC_A_DEV_MAX,
		.a_dev = MRC_A_DEV_NAME,
		.row = show_row,
	};

	return show_listing(args, &list);
}

static int set(struct args *args)
{
	static const int types[] = {
		MRC_A_DEV_ORDERED_LAST, MRC_A_DEV_ICRC, MRC_A_DEV_DSCP_DATA,
		MRC_A_DEV_DSCP_CONTROL, MRC_A_DEV_PATHS_PER_PLANE,
		MRC_A_DEV_SPRAY_UNIT,
	};
	uint32_t values[sizeof(types) / sizeof(types[0])];
	/* The kernel knows the bounds and says so. */
#define SETTING(n, word)	{ .name = word, .parse = parse_number,	\
				  .value = &values[n], .max = UINT32_MAX }
	struct param params[] = {
		SETTING(0, "ordered_last"),
		SETTING(1, "icrc"),
		SETTING(2, "dscp_data"),
		SETTING(3, "dscp_control"),
		SETTING(4, "paths_per_plane"),
		SETTING(5, "spray_unit"),
		{ .name = NULL }
	};
#undef SETTING
	const char *dev = NULL;
	struct nl_msg *msg;
	bool any = false;
	int i, ret;

	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	for (i = 0; params[i].name; i++)
		any |= params[i].given;
	if (!any)
		return usage("nothing to set: \"mrc dev help\" lists the settings");
	msg = new_request(MRC_CMD_DEV_SET, false);
	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_DEV_NAME, dev);
	for (i = 0; params[i].name; i++) {
		if (params[i].given)
			nla_put_u32(msg, types[i], values[i]);
	}
	return run_request(msg);
}

static const struct command commands[] = {
	{ "show", show, "[DEV]", "List one device, or all, with settings." },
	{ "set", set, "DEV SETTING VALUE ...",
	  "Change settings: ordered_last 0|1, icrc 0|1, dscp_data 0..63,\n"
	  "        dscp_control 0..63, paths_per_plane 1..128,\n"
	  "        spray_unit 1..16." },
	{ .name = NULL }
};

const struct object dev_object = {
	.name = "dev",
	.help = "devices and their settings",
	.commands = commands,
};
