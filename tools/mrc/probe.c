// SPDX-License-Identifier: GPL-2.0
/* mrc probe: measures the paths to a peer one by one, as ping does hosts. */
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mrc.h"

/* The kernel remembers 64 per peer. */
#define ON_THE_WAY	32

struct path {
	char dev[64];
	struct in6_addr local;
	uint32_t index, plane, ev;
	uint32_t sent, answered;
	uint64_t min, max, sum;		/* ns */
	bool waiting;
	bool down;		/* the plane is: nothing can be sent */
};

static struct path *paths;
static size_t num_paths, waiting;
static const uint32_t *only_path, *only_ev;

static void on_path(struct nlattr **attrs)
{
	struct path *p;

	if (only_path && *only_path != get_u32(attrs, MRC_A_PATH_INDEX))
		return;
	if (only_ev && *only_ev != get_u32(attrs, MRC_A_PATH_ENTROPY))
		return;
	paths = must(realloc(paths, (num_paths + 1) * sizeof(*paths)));
	p = &paths[num_paths++];
	memset(p, 0, sizeof(*p));
	snprintf(p->dev, sizeof(p->dev), "%s",
		 get_string(attrs, MRC_A_PATH_DEV));
	memcpy(&p->local, nla_data(attrs[MRC_A_PATH_LOCAL]), sizeof(p->local));
	p->index = get_u32(attrs, MRC_A_PATH_INDEX);
	p->plane = get_u32(attrs, MRC_A_PATH_PLANE);
	p->ev = get_u32(attrs, MRC_A_PATH_ENTROPY);
}

static void on_plane(struct nlattr **attrs)
{
	uint32_t plane = get_u32(attrs, MRC_A_PLANE_PLANE);
	size_t i;

	if (!get_u32(attrs, MRC_A_PLANE_DOWN))
		return;
	for (i = 0; i < num_paths; i++) {
		struct path *p = &paths[i];

		if (p->plane == plane &&
		    !strcmp(p->dev, get_string(attrs, MRC_A_PLANE_DEV)) &&
		    !memcmp(&p->local, nla_data(attrs[MRC_A_PLANE_LOCAL]),
			    sizeof(p->local)))
			p->down = true;
	}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* The cookie is the number of the path and of the round. */
static int on_answer(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[MRC_A_PROBE_MAX + 1];
	const uint32_t *round = arg;
	uint32_t cookie;
	struct path *p;
	uint64_t rtt;

	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd != MRC_CMD_PROBE ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, MRC_A_PROBE_MAX, NULL))
		return NL_OK;
	cookie = get_u32(attrs, MRC_A_PROBE_COOKIE);
	p = &paths[cookie & 0xffff];
	/* Later than its time is as good as never. */
	if ((cookie & 0xffff) >= num_paths || cookie >> 16 != *round ||
	    !p->waiting)
		return NL_OK;
	rtt = get_u64(attrs, MRC_A_PROBE_RTT);
	if (!p->answered || rtt < p->min)
		p->min = rtt;
	if (rtt > p->max)
		p->max = rtt;
	p->sum += rtt;
	p->answered++;
	p->waiting = false;
	waiting--;
	return NL_OK;
}

/* Let answers come until nothing is awaited or the time is up. */
static void receive(struct nl_sock *sock, uint64_t until)
{
	struct pollfd pfd = { .fd = nl_socket_get_fd(sock), .events = POLLIN };
	uint64_t now;

	while (waiting && (now = now_ms()) < until) {
		if (poll(&pfd, 1, until - now) > 0)
			nl_recvmsgs_default(sock);
	}
}

static int send_probe(struct nl_sock *sock, const struct in6_addr *remote,
		      uint32_t i, uint32_t round)
{
	struct nl_msg *msg = new_request(MRC_CMD_PROBE, false);
	struct path *p = &paths[i];

	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PROBE_DEV, p->dev);
	nla_put(msg, MRC_A_PROBE_REMOTE, sizeof(*remote), remote);
	nla_put(msg, MRC_A_PROBE_LOCAL, sizeof(p->local), &p->local);
	nla_put_u32(msg, MRC_A_PROBE_PATH, p->index);
	nla_put_u32(msg, MRC_A_PROBE_COOKIE, round << 16 | i);
	p->waiting = true;
	waiting++;
	return run_request_from(sock, msg);
}

static int probe_all(struct nl_sock *sock, const struct in6_addr *remote,
		     uint32_t round, uint32_t timeout)
{
	uint32_t first, i;
	int ret;

	for (first = 0; first < num_paths; first += ON_THE_WAY) {
		for (i = first; i < num_paths && i < first + ON_THE_WAY; i++) {
			paths[i].sent++;
			ret = paths[i].down ? 0 :
			      send_probe(sock, remote, i, round);
			if (ret)
				return ret;
		}
		receive(sock, now_ms() + timeout);
		for (i = first; i < num_paths && i < first + ON_THE_WAY; i++)
			paths[i].waiting = false;
		waiting = 0;
	}
	return 0;
}

static bool list_paths(void)
{
	bool silent = false;
	size_t i;

	list_begin();
	for (i = 0; i < num_paths; i++) {
		const struct path *p = &paths[i];
		uint64_t avg = p->answered ? p->sum / p->answered : 0;
		char *loss = scratch();

		silent |= !p->answered;
		if (p->down)
			strcpy(loss, "down");
		else
			snprintf(loss, SCRATCH_SIZE, "%u%%",
				 100 * (p->sent - p->answered) / p->sent);
		object_begin();
		field_string("dev", opt.details ? "DEVICE" : NULL, p->dev);
		field_number("plane", "PLANE", p->plane);
		field_number("path", "PATH", p->index);
		field_number("ev", "EV", p->ev);
		field_bool("down", NULL, p->down, "", "");
		field_number("sent", "SENT", p->sent);
		field_number("answered", NULL, p->answered);
		field_number_as("lost", "LOSS", p->sent - p->answered, loss);
		field_number_as("min_ns", "MIN", p->min, format_time(p->min));
		field_number_as("avg_ns", "AVG", avg, format_time(avg));
		field_number_as("max_ns", "MAX", p->max, format_time(p->max));
		object_end();
	}
	list_end();
	return silent;
}

static int run(struct args *args)
{
	uint32_t path, ev, count = 3, timeout = 1000, interval = 200, round;
	struct filter filter = { .one_remote = true };
	const struct param peer = { .name = "the peer", .value = &filter.remote };
	struct param params[] = {
		{ .name = "dev", .parse = parse_string, .value = &filter.dev },
		{ .name = "plane", .parse = parse_number,
		  .value = &filter.plane, .max = 31 },
		{ .name = "path", .parse = parse_number, .value = &path,
		  .max = 4095 },
		{ .name = "ev", .parse = parse_number, .value = &ev,
		  .max = UINT32_MAX },
		{ .name = "count", .parse = parse_number, .value = &count,
		  .max = 10000 },
		{ .name = "interval", .parse = parse_number,
		  .value = &interval, .max = 60000 },
		{ .name = "timeout", .parse = parse_number, .value = &timeout,
		  .max = 60000 },
		{ .name = NULL }
	};
	struct nl_sock *sock;
	int ret;

	if (!args->n)
		return usage("probe whom? Give the address of a peer that \"mrc peer show\" lists");
	ret = parse_address(&peer, next_word(args)) ?:
	      parse_params(args, params, NULL, false);
	if (ret)
		return ret;
	if (!count || !timeout)
		return usage("count and timeout must be at least 1");
	num_paths = 0;
	filter.one_plane = params[1].given;
	only_path = params[2].given ? &path : NULL;
	only_ev = params[3].given ? &ev : NULL;
	ret = fetch(&path_list, &filter, on_path);
	if (ret)
		return ret;
	if (!num_paths) {
		fprintf(stderr, "mrc: no such path: \"mrc path show detail\" lists those that a connection has made\n");
		return EXIT_KERNEL;
	}
	ret = fetch(&plane_list, &(struct filter){ .dev = filter.dev,
		    .remote = filter.remote, .one_remote = true }, on_plane);
	if (ret)
		return ret;
	sock = open_answers(on_answer, &round);
	if (!sock)
		return EXIT_KERNEL;
	for (round = 0; round < count && !ret; round++) {
		if (round)
			nanosleep(&(struct timespec){
				.tv_sec = interval / 1000,
				.tv_nsec = interval % 1000 * 1000000 }, NULL);
		ret = probe_all(sock, &filter.remote, round, timeout);
	}
	nl_socket_free(sock);
	if (ret)
		return ret;
	return list_paths() ? EXIT_NO_ANSWER : 0;
}

const struct object probe_object = {
	.name = "probe",
	.help = "measure loss and RTT of each path to a peer",
	.run = run,
	.synopsis = "PEER [dev DEV] [plane N] [path N] [ev N] [count N]\n"
		    "          [interval MS] [timeout MS]",
};
