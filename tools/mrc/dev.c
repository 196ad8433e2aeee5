// SPDX-License-Identifier: GPL-2.0
/* mrc dev: devices and their settings. */
#include <assert.h>
#include <netlink/msg.h>
#include <stdio.h>

#include "mrc.h"

const struct setting settings[] = {
	{ "ordered_last", MRC_A_DEV_ORDERED_LAST },
	{ "icrc", MRC_A_DEV_ICRC },
	{ "dscp_data", MRC_A_DEV_DSCP_DATA },
	{ "dscp_control", MRC_A_DEV_DSCP_CONTROL },
	{ "paths_per_plane", MRC_A_DEV_PATHS_PER_PLANE },
	{ "ev_order", MRC_A_DEV_EV_ORDER },
	{ "oow_nack", MRC_A_DEV_OOW_NACK },
	{ "rto_exp", MRC_A_DEV_RTO_EXP },
	{ "plain_mpr", MRC_A_DEV_PLAIN_MPR },
	{ "plain_features", MRC_A_DEV_PLAIN_FEATURES },
	{ "dscp_trimmable", MRC_A_DEV_DSCP_TRIMMABLE },
	{ "dscp_retx", MRC_A_DEV_DSCP_RETX },
	{ "dscp_trimmed", MRC_A_DEV_DSCP_TRIMMED },
	{ "dscp_trimmed_lasthop", MRC_A_DEV_DSCP_TRIMMED_LASTHOP },
	{ "spray_unit", MRC_A_DEV_SPRAY_UNIT },
	{ "udp_port", MRC_A_DEV_UDP_PORT },
};

static_assert(sizeof(settings) / sizeof(*settings) == NUM_SETTINGS,
	      "the table has all");

/* "name value" pairs, in lines that fit a narrow terminal. */
static void show_settings(struct nlattr **attrs)
{
	int column = 0, n;
	char text[64];
	size_t i;

	for (i = 0; i < NUM_SETTINGS; i++) {
		n = snprintf(text, sizeof(text), " %s %u", settings[i].name,
			     get_u32(attrs, settings[i].attr));
		if (column && column + n > 79) {
			putchar('\n');
			column = 0;
		}
		if (!column)
			column = printf("   ");
		column += printf("%s", text);
	}
	putchar('\n');
}

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
	show_settings(attrs);
}

static void show_row(struct nlattr **attrs)
{
	size_t i;

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
	for (i = 0; i < NUM_SETTINGS; i++)
		field_number(settings[i].name, NULL,
			     get_u32(attrs, settings[i].attr));
	object_end();
}

const struct listing dev_list = {
	.cmd = MRC_CMD_DEV_GET,
	.max = MRC_A_DEV_MAX,
	.a_dev = MRC_A_DEV_NAME,
	.row = show_row,
};

static int show(struct args *args)
{
	return show_listing(args, &dev_list);
}

void settings_params(struct param *params, uint32_t *values)
{
	size_t i;

	/* The kernel knows the bounds and says so. */
	for (i = 0; i < NUM_SETTINGS; i++)
		params[i] = (struct param){ .name = settings[i].name,
			.parse = parse_number, .value = &values[i],
			.max = UINT32_MAX };
	params[i] = (struct param){ .name = NULL };
}

int set_settings(const char *dev, const uint32_t *values, const bool *given)
{
	struct nl_msg *msg = new_request(MRC_CMD_DEV_SET, false);
	size_t i;

	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_DEV_NAME, dev);
	for (i = 0; i < NUM_SETTINGS; i++) {
		if (given[i])
			nla_put_u32(msg, settings[i].attr, values[i]);
	}
	return run_request(msg);
}

static int set(struct args *args)
{
	struct param params[NUM_SETTINGS + 1];
	uint32_t values[NUM_SETTINGS];
	bool given[NUM_SETTINGS];
	const char *dev = NULL;
	bool any = false;
	int i, ret;

	settings_params(params, values);
	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	for (i = 0; i < NUM_SETTINGS; i++) {
		given[i] = params[i].given;
		any |= given[i];
	}
	if (!any)
		return usage("nothing to set: \"mrc dev help\" lists the settings");
	return set_settings(dev, values, given);
}

static const struct command commands[] = {
	{ "show", show, "[DEV]", "List one device, or all, with settings." },
	{ "set", set, "DEV SETTING VALUE ...",
	  "Change settings: udp_port, ordered_last, icrc, paths_per_plane,\n"
	  "        spray_unit, dscp_data, dscp_control, dscp_trimmable, dscp_retx,\n"
	  "        dscp_trimmed, dscp_trimmed_lasthop, ev_order, oow_nack, rto_exp, plain_mpr,\n"
	  "        plain_features; mrc-dev(8) explains them." },
	{ .name = NULL }
};

const struct object dev_object = {
	.name = "dev",
	.help = "devices and their settings",
	.commands = commands,
};
