// SPDX-License-Identifier: GPL-2.0
/* "show" of every object: which part is wanted, ask the kernel, list it. */
#include <netlink/msg.h>

#include "mrc.h"

int fetch(const struct listing *list, const struct filter *filter,
	  void (*row)(struct nlattr **attrs))
{
	struct nl_msg *msg = new_request(list->cmd, true);

	if (!msg)
		return EXIT_KERNEL;
	if (filter->dev)
		nla_put_string(msg, list->a_dev, filter->dev);
	if (filter->one_remote)
		nla_put(msg, list->a_remote, sizeof(filter->remote),
			&filter->remote);
	if (filter->one_plane)
		nla_put_u32(msg, list->a_plane, filter->plane);
	if (filter->one_qpn)
		nla_put_u32(msg, list->a_qpn, filter->qpn);
	return run_dump(msg, list->max, row);
}

static int parse_filter(struct args *args, const struct listing *list,
			struct filter *filter)
{
	const struct listing *most = list->detail ?: list;
	struct param params[5] = {}, *remote = NULL, *plane = NULL, *qpn = NULL;
	int n = 0, ret;

	if (list->a_remote) {
		remote = &params[n++];
		*remote = (struct param){ .name = "peer",
			.parse = parse_address, .value = &filter->remote };
	}
	if (most->a_plane) {
		plane = &params[n++];
		*plane = (struct param){ .name = "plane",
			.parse = parse_number, .value = &filter->plane,
			.max = 31 };
	}
	if (list->a_qpn) {
		qpn = &params[n++];
		*qpn = (struct param){ .name = "qpn", .parse = parse_number,
			.value = &filter->qpn, .max = 0xffffff };
	}
	if (list->detail)
		params[n++] = (struct param){ .name = "detail",
			.parse = parse_flag, .value = &filter->detail };
	ret = parse_params(args, params, &filter->dev, false);
	filter->one_remote = remote && remote->given;
	filter->one_plane = plane && plane->given;
	filter->one_qpn = qpn && qpn->given;
	return ret;
}

int show_listing(struct args *args, const struct listing *list)
{
	struct filter filter = {};
	int ret = parse_filter(args, list, &filter);

	if (ret)
		return ret;
	/* Who asks for one plane wants to see what is on it. */
	if (list->detail && (filter.detail || opt.details || filter.one_plane))
		list = list->detail;
	list_begin();
	ret = fetch(list, &filter, list->row);
	list_end();
	return ret;
}
