/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The port layer: what sends and receives packets. Above it nobody knows of
 * sockets, IP or Ethernet; here nobody knows of PSNs or work requests.
 *
 * A device opens its sockets, receives through mrc_udp_rcv() and sends to
 * peers with mrc_port_xmit() (declared in mrc.h) or, without a peer, with
 * mrc_port_xmit_to().
 */
#ifndef MRC_PORT_H
#define MRC_PORT_H

#include "mrc.h"

struct sock;

/* Module load and unload. */
int mrc_net_init(void);
void mrc_net_exit(void);

/*
 * Start and stop receiving for a device: dev->set.udp_port in the namespace
 * of dev->netdev. After mrc_dev_sock_close() no packet is being handed to
 * the device any more. Process context, RTNL not held.
 */
int mrc_dev_sock_open(struct mrc_dev *dev);
void mrc_dev_sock_close(struct mrc_dev *dev);

/*
 * A plane came, went, or changed its carrier, administrative state, MTU or
 * addresses (@port NULL: look at all of them). Peers stop using a plane that
 * is down before this returns; the rest (routes, path sets, telling the
 * peers) follows from a work item. Not from hard interrupts.
 */
void mrc_port_state_changed(struct mrc_dev *dev, struct mrc_port *port);
/* Mask of planes that exist, and of those that are up. */
u32 mrc_dev_planes(struct mrc_dev *dev, u32 *up);
/* IPv4-mapped addresses are IPv4 on the wire. */
static inline bool mrc_addr_is_v4(const struct in6_addr *a)
{
	return ipv6_addr_v4mapped(a);
}

/* ------------------------------------------------------------ peers */

/* The peer table of a device. 0 or -ENOMEM. */
int mrc_peers_init(struct mrc_dev *dev);
/*
 * Device removal, after the last QP: forgets all peers and waits until
 * nobody uses them. Also after a failed mrc_dev_sock_open().
 */
void mrc_peers_flush(struct mrc_dev *dev);
/* RCU look-up; a reference or NULL. */
struct mrc_peer *mrc_peer_find(struct mrc_dev *dev,
			       const struct mrc_peer_key *key);

#endif /* MRC_PORT_H */
