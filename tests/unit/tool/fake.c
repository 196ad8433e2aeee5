// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel for "mrc top" that is none: linked with the tool by --wrap, it tells
 * of one device with 8 planes and of 60 peers, whose counters grow with time.
 * Peer n loses n in a thousand packets, but for those of a remainder of 7 by
 * 10, which lose none; plane 5 is down, plane 6 is disabled.
 */
#include <arpa/inet.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mrc.h"

#define PLANES	8
#define PEERS	60
#define RATE	20000.0		/* packets per second, peer and plane */

int __wrap_fetch(const struct listing *list, const struct filter *filter,
		 void (*row)(struct nlattr **attrs));
int __wrap_read_counters(uint32_t index,
			 void (*tell)(const char *name, uint64_t value));

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void tell(struct nl_msg *msg, int max,
		 void (*row)(struct nlattr **attrs))
{
	struct nlattr *attrs[64] = {};

	nlmsg_parse(nlmsg_hdr(msg), 0, attrs, max, NULL);
	row(attrs);
	nlmsg_free(msg);
}

static struct nl_msg *message(void)
{
	return must(nlmsg_alloc_simple(0, 0));
}

static void device(void (*row)(struct nlattr **attrs))
{
	struct nl_msg *msg = message();

	nla_put_string(msg, MRC_A_DEV_NAME, "mrc0");
	nla_put_string(msg, MRC_A_DEV_IFNAME, "enp193s0f0np0");
	nla_put_u32(msg, MRC_A_DEV_PLANES, 0xff);
	nla_put_u32(msg, MRC_A_DEV_PLANES_UP, 0x9f);
	nla_put_u32(msg, MRC_A_DEV_PEERS, PEERS);
	nla_put_u32(msg, MRC_A_DEV_QPS, 4 * PEERS);
	tell(msg, MRC_A_DEV_MAX, row);
}

static void port(uint32_t plane, void (*row)(struct nlattr **attrs))
{
	struct nl_msg *msg = message();
	char name[16];

	snprintf(name, sizeof(name), "enp%us0f0np0", 193 + plane);
	nla_put_string(msg, MRC_A_PORT_DEV, "mrc0");
	nla_put_u32(msg, MRC_A_PORT_PLANE, plane);
	nla_put_string(msg, MRC_A_PORT_IFNAME, name);
	nla_put_u32(msg, MRC_A_PORT_UP, plane != 5 && plane != 6);
	nla_put_u32(msg, MRC_A_PORT_ENABLED, plane != 6);
	tell(msg, MRC_A_PORT_MAX, row);
}

static void paths(uint32_t peer, uint32_t plane,
		  void (*row)(struct nlattr **attrs))
{
	bool up = plane != 5 && plane != 6;
	uint64_t tx = up ? RATE * seconds() : 1000;
	struct in6_addr addr = {}, local = {};
	struct nl_msg *msg = message();

	/* Some have addresses as long as they come. */
	inet_pton(AF_INET6, peer % 2 ? "2001:db8:1234:5678:9abc:def0:1234:1000" :
		  "::ffff:10.100.200.0", &addr);
	addr.s6_addr[15] = peer;
	nla_put_string(msg, MRC_A_PLANE_DEV, "mrc0");
	nla_put(msg, MRC_A_PLANE_REMOTE, sizeof(addr), &addr);
	nla_put(msg, MRC_A_PLANE_LOCAL, sizeof(local), &local);
	nla_put_u32(msg, MRC_A_PLANE_PLANE, plane);
	nla_put_u32(msg, MRC_A_PLANE_DOWN, !up);
	nla_put_u32(msg, MRC_A_PLANE_GOOD, 30);
	nla_put_u32(msg, MRC_A_PLANE_SKIP, 2);
	nla_put_u32(msg, MRC_A_PLANE_ASSUMED_BAD, peer % 10 == 3);
	nla_put_u64(msg, MRC_A_PLANE_TX, tx);
	nla_put_u64(msg, MRC_A_PLANE_LOST,
		    peer % 10 == 7 ? 0 : tx / 1000.0 * peer);
	nla_put_u32(msg, MRC_A_PLANE_SRTT, 12000 + 997 * peer);
	tell(msg, MRC_A_PLANE_MAX, row);
}

int __wrap_fetch(const struct listing *list, const struct filter *filter,
		 void (*row)(struct nlattr **attrs))
{
	uint32_t i;

	(void)filter;
	if (list == &dev_list)
		device(row);
	for (i = 0; i < PLANES && list == &port_list; i++)
		port(i, row);
	for (i = 0; i < PEERS * PLANES && list == &plane_list; i++)
		paths(i / PLANES, i % PLANES, row);
	return 0;
}

int __wrap_read_counters(uint32_t index,
			 void (*counter)(const char *name, uint64_t value))
{
	double sent = RATE * seconds() * PEERS * (PLANES - 2);

	(void)index;
	counter("tx_packets", sent * 1.03);
	counter("tx_data_packets", sent);
	counter("tx_bytes", sent * 4096);
	counter("rx_bytes", sent * 1000);
	counter("retransmits", sent / 100);
	counter("ecn_marked", sent / 50);
	counter("drop_stale", seconds());
	return 0;
}
