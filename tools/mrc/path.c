// SPDX-License-Identifier: GPL-2.0
/* mrc path: the paths (EVs) to a peer. */
#include <netlink/msg.h>
#include <stdio.h>

#include "mrc.h"

static const char *const states[] = {
	[MRC_NL_PATH_GOOD] = "good",
	[MRC_NL_PATH_SKIP] = "skip",
	[MRC_NL_PATH_ASSUMED_BAD] = "assumed_bad",
	[MRC_NL_PATH_DENIED] = "denied",
};

static void show_plane(struct nlattr **attrs)
{
	uint32_t srtt = get_u32(attrs, MRC_A_PLANE_SRTT);
	uint32_t good = get_u32(attrs, MRC_A_PLANE_GOOD);
	uint32_t skip = get_u32(attrs, MRC_A_PLANE_SKIP);
	char *text = scratch();
	bool down = get_u32(attrs, MRC_A_PLANE_DOWN);
	bool bad = get_u32(attrs, MRC_A_PLANE_BAD);
	const char *state = "up";

	if (down)
		state = "down";
	else if (bad && !get_u32(attrs, MRC_A_PLANE_ASSUMED_BAD))
		state = "denied";
	else if (bad)
		state = "bad";
	object_begin();
	field_string("dev", opt.details ? "DEVICE" : NULL,
		     get_string(attrs, MRC_A_PLANE_DEV));
	field_string("peer", "PEER", get_address(attrs, MRC_A_PLANE_REMOTE));
	field_string("local", NULL, get_address(attrs, MRC_A_PLANE_LOCAL));
	field_number("plane", "PLANE", get_u32(attrs, MRC_A_PLANE_PLANE));
	field_string("saddr", NULL, get_address(attrs, MRC_A_PLANE_SADDR));
	field_string("daddr", NULL, get_address(attrs, MRC_A_PLANE_DADDR));
	field_bool("down", NULL, down, "", "");
	field_bool("bad", NULL, bad, "", "");
	field_text("STATE", state);
	/* People need not know of paths that are passed over once. */
	snprintf(text, SCRATCH_SIZE, "%u", good + skip);
	field_number_as("good", "GOOD", good, text);
	field_number("skip", NULL, skip);
	field_number("assumed_bad", "BAD",
		     get_u32(attrs, MRC_A_PLANE_ASSUMED_BAD));
	field_number("denied", "DENIED", get_u32(attrs, MRC_A_PLANE_DENIED));
	field_number("tx", "SENT", get_u64(attrs, MRC_A_PLANE_TX));
	field_number("acked", NULL, get_u64(attrs, MRC_A_PLANE_ACKED));
	field_number("lost", "LOST", get_u64(attrs, MRC_A_PLANE_LOST));
	field_number_as("srtt_ns", "RTT", srtt, format_time(srtt));
	object_end();
}

static void show_path(struct nlattr **attrs)
{
	uint32_t srtt = get_u32(attrs, MRC_A_PATH_SRTT);

	object_begin();
	field_string("dev", opt.details ? "DEVICE" : NULL,
		     get_string(attrs, MRC_A_PATH_DEV));
	field_string("peer", "PEER", get_address(attrs, MRC_A_PATH_REMOTE));
	field_string("local", NULL, get_address(attrs, MRC_A_PATH_LOCAL));
	field_number("plane", "PLANE", get_u32(attrs, MRC_A_PATH_PLANE));
	field_number("path", "PATH", get_u32(attrs, MRC_A_PATH_INDEX));
	field_number("ev", "EV", get_u32(attrs, MRC_A_PATH_ENTROPY));
	field_string("state", "STATE",
		     NAME_OF(states, get_u32(attrs, MRC_A_PATH_STATE)));
	field_number("tx", "SENT", get_u32(attrs, MRC_A_PATH_TX));
	field_number("acked", NULL, get_u32(attrs, MRC_A_PATH_ACKED));
	field_number("lost", "LOST", get_u32(attrs, MRC_A_PATH_LOST));
	field_number_as("srtt_ns", "RTT", srtt, format_time(srtt));
	object_end();
}

const struct listing path_list = {
	.cmd = MRC_CMD_PATH_GET,
	.max = MRC_A_PATH_MAX,
	.a_dev = MRC_A_PATH_DEV,
	.a_remote = MRC_A_PATH_REMOTE,
	.a_plane = MRC_A_PATH_PLANE,
	.row = show_path,
};

const struct listing plane_list = {
	.cmd = MRC_CMD_PLANE_GET,
	.max = MRC_A_PLANE_MAX,
	.a_dev = MRC_A_PLANE_DEV,
	.a_remote = MRC_A_PLANE_REMOTE,
	.row = show_plane,
	.detail = &path_list,
};

static int show(struct args *args)
{
	return show_listing(args, &plane_list);
}

static int change(struct args *args, uint32_t state)
{
	struct in6_addr remote, local;
	uint32_t plane, path, ev;
	struct param params[] = {
		{ .name = "peer", .parse = parse_address, .value = &remote },
		{ .name = "local", .parse = parse_address, .value = &local },
		{ .name = "plane", .parse = parse_number, .value = &plane,
		  .max = 31 },
		{ .name = "path", .parse = parse_number, .value = &path,
		  .max = 4095 },
		{ .name = "ev", .parse = parse_number, .value = &ev,
		  .max = UINT32_MAX },
		{ .name = NULL }
	};
	const char *dev = NULL;
	struct nl_msg *msg;
	int ret;

	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	if (!params[0].given)
		return usage("\"peer ADDRESS\" is missing: paths to whom?");
	if (!params[2].given && !params[3].given && !params[4].given)
		return usage("which paths? \"plane N\", \"path N\" or \"ev N\" is needed");
	msg = new_request(MRC_CMD_PATH_SET, false);
	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PATH_DEV, dev);
	nla_put(msg, MRC_A_PATH_REMOTE, sizeof(remote), &remote);
	nla_put_u32(msg, MRC_A_PATH_STATE, state);
	if (params[1].given)
		nla_put(msg, MRC_A_PATH_LOCAL, sizeof(local), &local);
	if (params[2].given)
		nla_put_u32(msg, MRC_A_PATH_PLANE, plane);
	if (params[3].given)
		nla_put_u32(msg, MRC_A_PATH_INDEX, path);
	if (params[4].given)
		nla_put_u32(msg, MRC_A_PATH_ENTROPY, ev);
	return run_request(msg);
}

static int deny(struct args *args)
{
	return change(args, MRC_NL_PATH_DENIED);
}

static int allow(struct args *args)
{
	return change(args, MRC_NL_PATH_GOOD);
}

static const struct command commands[] = {
	{ "show", show, "[DEV] [peer ADDRESS] [plane N] [detail]",
	  "Sum up the paths per peer and plane; with \"detail\" or a plane, list them." },
	{ "deny", deny,
	  "DEV peer ADDRESS [local ADDRESS] { plane N | path N | ev N }",
	  "Use these paths no more, whatever their state." },
	{ "allow", allow,
	  "DEV peer ADDRESS [local ADDRESS] { plane N | path N | ev N }",
	  "Use them again." },
	{ .name = NULL }
};

const struct object path_object = {
	.name = "path",
	.help = "paths (EVs) to the peers, with state, loss and RTT",
	.commands = commands,
};
