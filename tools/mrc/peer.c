// SPDX-License-Identifier: GPL-2.0
/* mrc peer: what is known of the other ends. */
#include <stdio.h>

#include "mrc.h"

static const char *const statuses[] = {
	[MRC_NL_PEER_HELLO] = "hello",
	[MRC_NL_PEER_PLAIN] = "plain",
	[MRC_NL_PEER_EXT] = "extended",
};

/* Those in use out of all: "96/128". */
static const char *paths_text(struct nlattr **attrs)
{
	/* A path that is left out once is a good one that is busy. */
	uint32_t good = get_u32(attrs, MRC_A_PEER_GOOD) +
			get_u32(attrs, MRC_A_PEER_SKIP);
	char *text = scratch();

	snprintf(text, SCRATCH_SIZE, "%u/%u", good,
		 good + get_u32(attrs, MRC_A_PEER_ASSUMED_BAD) +
		 get_u32(attrs, MRC_A_PEER_DENIED));
	return text;
}

static void show_row(struct nlattr **attrs)
{
	uint32_t status = get_u32(attrs, MRC_A_PEER_STATUS);
	uint64_t cwnd = get_u64(attrs, MRC_A_PEER_CWND);
	uint64_t inflight = get_u64(attrs, MRC_A_PEER_INFLIGHT);
	uint64_t rtt = get_u64(attrs, MRC_A_PEER_BASE_RTT);

	object_begin();
	field_string("dev", opt.details ? "DEVICE" : NULL,
		     get_string(attrs, MRC_A_PEER_DEV));
	field_string("peer", "PEER", get_address(attrs, MRC_A_PEER_REMOTE));
	field_string("local", opt.details ? "LOCAL" : NULL,
		     get_address(attrs, MRC_A_PEER_LOCAL));
	field_string("status", "STATUS", NAME_OF(statuses, status));
	field_number("features", NULL, get_u32(attrs, MRC_A_PEER_FEATURES));
	field_number("window", opt.details ? "WINDOW" : NULL,
		     get_u32(attrs, MRC_A_PEER_WINDOW));
	field_planes("planes", "PLANES", get_u32(attrs, MRC_A_PEER_PLANES));
	field_planes("planes_down", "DOWN",
		     get_u32(attrs, MRC_A_PEER_PLANES_DOWN));
	field_planes("planes_bad", "BAD",
		     get_u32(attrs, MRC_A_PEER_PLANES_BAD));
	field_planes("planes_mtu", opt.details ? "SMALL-MTU" : NULL,
		     get_u32(attrs, MRC_A_PEER_PLANES_MTU));
	field_number_as("cwnd", "CWND", cwnd, format_bytes(cwnd));
	field_number_as("inflight", "FLIGHT", inflight, format_bytes(inflight));
	field_number_as("base_rtt_ns", "RTT", rtt, format_time(rtt));
	field_number("good", NULL, get_u32(attrs, MRC_A_PEER_GOOD));
	field_number("skip", NULL, get_u32(attrs, MRC_A_PEER_SKIP));
	field_number("assumed_bad", NULL,
		     get_u32(attrs, MRC_A_PEER_ASSUMED_BAD));
	field_number("denied", NULL, get_u32(attrs, MRC_A_PEER_DENIED));
	field_text("PATHS", paths_text(attrs));
	object_end();
}

static int show(struct args *args)
{
	static const struct listing list = {
		.cmd = MRC_CMD_PEER_GET,
		.max = MRC_A_PEER_MAX,
		.a_dev = MRC_A_PEER_DEV,
		.a_remote = MRC_A_PEER_REMOTE,
		.row = show_row,
	};

	return show_listing(args, &list);
}

static const struct command commands[] = {
	{ "show", show, "[DEV] [peer ADDRESS]",
	  "List peers: planes, congestion window, paths by state." },
	{ .name = NULL }
};

const struct object peer_object = {
	.name = "peer",
	.help = "the other ends that a device talks to",
	.commands = commands,
};
