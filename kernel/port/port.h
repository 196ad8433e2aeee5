/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The port layer: what sends and receives packets. Above it nobody knows of
 * sockets, IP or Ethernet; here nobody knows of PSNs or work requests.
 *
 * A device opens its sockets, receives through mrc_udp_rcv() and sends to
 * peers with mrc_port_xmit() (declared in mrc.h) or, without a peer, with
 * mrc_port_xmit_to(). A received packet is handed to the message layer
 * without its ICRC but with its pad bytes; the skb belongs to nobody, refers
 * to no route and to no netdev, so it may be kept.
 */
#ifndef MRC_PORT_H
#define MRC_PORT_H

#include <linux/in.h>
#include <linux/in6.h>
#include <net/ipv6.h>

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
 * Receive on another UDP port from now on, and send to it. Process context,
 * RTNL not held. 0 or a negative errno, nothing changed.
 */
int mrc_dev_sock_move(struct mrc_dev *dev, u16 udp_port);

/*
 * A plane came, went, or changed its carrier, administrative state, MTU or
 * addresses (@port NULL: look at all of them). Peers stop using a plane that
 * is down before this returns; the rest (routes, path sets, telling the
 * peers) follows from a work item. Not from hard interrupts.
 */
void mrc_port_state_changed(struct mrc_dev *dev, struct mrc_port *port);
/* Can a plane send and receive? */
static inline bool mrc_port_usable(const struct mrc_port *port)
{
	return !READ_ONCE(port->disabled) && netif_running(port->netdev) &&
	       netif_carrier_ok(port->netdev);
}

/*
 * The operator takes planes out of use, or back: one by its netdev, or all,
 * those in @mask being enabled. Process context. 0, -ENODEV.
 */
int mrc_port_enable(struct mrc_dev *dev, const struct net_device *netdev,
		    bool enable, struct netlink_ext_ack *extack);
int mrc_ports_enable(struct mrc_dev *dev, u32 mask,
		     struct netlink_ext_ack *extack);
/* Mask of planes that exist and are not disabled. */
u32 mrc_ports_enabled(struct mrc_dev *dev);
/* The plane that a netdev is, negative: none. RCU. */
int mrc_dev_plane(struct mrc_dev *dev, const struct net_device *netdev);
/* Mask of planes that exist; *@up: of those that are up. */
u32 mrc_dev_planes(struct mrc_dev *dev, u32 *up);
/*
 * The address that packets of @port have as source when the device's name
 * towards the peer is @host: an address of the plane, or @host itself where
 * planes share the host address. True if it is one of the plane's own. RCU.
 */
bool mrc_port_addr(struct mrc_dev *dev, const struct mrc_port *port,
		   const struct in6_addr *host, struct in6_addr *addr);
/*
 * Ask the netdevs for their link speeds if RTNL is free; the result, or the
 * last one, is in port->speed. Process context. Returns the sum in Mb/s.
 */
u32 mrc_dev_speed(struct mrc_dev *dev);
/* Is @addr one of this node's? RCU. */
bool mrc_addr_is_local(struct net *net, const struct in6_addr *addr);

/*
 * Receive what is sent to an IP multicast group, on the address netdev.
 * Process context. 0 or a negative errno.
 */
int mrc_port_join(struct mrc_dev *dev, const struct in6_addr *group);
void mrc_port_leave(struct mrc_dev *dev, const struct in6_addr *group);

static inline bool mrc_addr_is_mcast(const struct in6_addr *a)
{
	if (ipv6_addr_v4mapped(a))
		return ipv4_is_multicast(a->s6_addr32[3]);
	return ipv6_addr_is_multicast(a);
}

static inline struct net *mrc_dev_net(const struct mrc_dev *dev)
{
	return dev_net(dev->netdev);
}

/* IPv4-mapped addresses are IPv4 on the wire. */
static inline bool mrc_addr_is_v4(const struct in6_addr *a)
{
	return ipv6_addr_v4mapped(a);
}

/* ------------------------------------------------------------ receiving */

int mrc_udp_rcv(struct sock *sk, struct sk_buff *skb);
/* The device and plane a packet is for (port.c). *@port: NULL over loopback. */
struct mrc_dev *mrc_sock_find_dev(struct sock *sk, const struct sk_buff *skb,
				  const struct in6_addr *daddr,
				  struct mrc_port **port);

/*
 * Packets to MRC_ENDPOINT_QPN; they do not consume the skb. Checked like
 * those for mrc_qp_rx(). @port: the plane it came in by, or NULL.
 */
void mrc_hello_rx(struct mrc_dev *dev, struct mrc_port *port,
		  const struct sk_buff *skb, const struct mrc_rxinfo *info);
void mrc_endpoint_rx(struct mrc_dev *dev, struct mrc_port *port,
		     const struct sk_buff *skb, const struct mrc_rxinfo *info);

/* Ports come and go, or settings change: trimmed packets, see ingress.c. */
void mrc_ingress_update(struct mrc_dev *dev);
void mrc_ingress_stop(struct mrc_dev *dev, struct mrc_port *port);

/* ------------------------------------------------------------ sending */

/*
 * Find the way to @daddr, out of @oif unless that is NULL. Takes a reference
 * on *@dst. Any context. 0 or a negative errno.
 */
int mrc_route_lookup(struct net *net, struct net_device *oif,
		     const struct in6_addr *saddr, const struct in6_addr *daddr,
		     struct dst_entry **dst, u32 *cookie);

struct mrc_txhdr;
int mrc_route_to(struct mrc_dev *dev, struct net_device *oif,
		 const struct mrc_txhdr *h, struct dst_entry **dst, bool *srv6,
		 struct in6_addr *outer);
/* Free a route after a grace period. */
void mrc_route_free(struct mrc_route *route);
/* See route.c; peer->lock not held. */
u32 mrc_peer_find_routes(struct mrc_peer *peer, bool paired,
			 struct mrc_route **routes);
struct mrc_route *mrc_route_renew(struct mrc_peer *peer, u8 plane,
				  struct mrc_route *old);

/* A packet's IP and UDP headers. */
struct mrc_txhdr {
	struct in6_addr saddr;
	struct in6_addr daddr;
	u32 flow_label;
	u16 entropy;		/* UDP source port */
	u16 segment;		/* place in its unit, the IPv4 identification */
	u8 tos;
	u8 ttl;
	u8 plane;		/* to a peer; for those who trace it */
};

#define MRC_TTL		64

/*
 * Type of service of @class: DSCP and ECT(0). @trim: the peer answers packets
 * that were trimmed.
 */
u8 mrc_class_tos(const struct mrc_dev *dev, enum mrc_class class, bool trim);

/* Headers of an answer that goes back the way a packet came. */
static inline struct mrc_txhdr mrc_answer_hdr(const struct mrc_dev *dev,
					      const struct mrc_rxinfo *info)
{
	return (struct mrc_txhdr){
		.saddr = info->daddr,
		.daddr = info->saddr,
		.entropy = info->entropy,
		.flow_label = info->entropy >> 16,
		.tos = mrc_class_tos(dev, MRC_CLASS_CONTROL, false),
		.ttl = MRC_TTL,
	};
}

/*
 * Send a packet to an address instead of a peer, out of @oif unless that is
 * NULL. Consumes the skb; 0 or a negative errno. BH disabled.
 */
int mrc_port_xmit_to(struct mrc_dev *dev, struct net_device *oif,
		     struct sk_buff *skb, const struct mrc_txhdr *h);
/*
 * A control packet to the endpoint QP with @len bytes behind the BTH, zeroed
 * and returned in *@body.
 */
struct sk_buff *mrc_endpoint_skb(u8 opcode, u32 psn, u32 len, void **body);

/* ------------------------------------------------------------ profiles */

/* Process context, but for the first no locks held; see profile.c. */
struct mrc_profile *mrc_profile_alloc(u32 nev);
int mrc_profile_put(struct mrc_dev *dev, struct mrc_profile *profile,
		    bool create, struct netlink_ext_ack *extack);
int mrc_profile_del(struct mrc_dev *dev, const char *name,
		    struct netlink_ext_ack *extack);
int mrc_profile_use(struct mrc_dev *dev, const char *name,
		    struct netlink_ext_ack *extack);
void mrc_profiles_free(struct mrc_dev *dev);
void *mrc_profile_paths(struct mrc_dev *dev, u32 planes,
			struct mrc_paths *(*alloc)(size_t bytes));
void mrc_cc_profile_get(struct mrc_dev *dev, struct mrc_cc_profile *p);
int mrc_cc_profile_change(struct mrc_dev *dev,
			  int (*edit)(struct mrc_cc_profile *p, void *arg),
			  void *arg);
u32 mrc_profile_active(struct mrc_dev *dev);
int mrc_profile_set_active(struct mrc_dev *dev, u32 active,
			   struct netlink_ext_ack *extack);

/* ------------------------------------------------------------ SRv6 */

/* See srv6.c. */
int mrc_srv6_add(struct mrc_dev *dev, struct mrc_srv6_entry *new,
		 struct netlink_ext_ack *extack);
int mrc_srv6_del(struct mrc_dev *dev, const struct in6_addr *prefix, u32 plen,
		 struct netlink_ext_ack *extack);
void mrc_srv6_free(struct mrc_dev *dev);
bool mrc_srv6_dst(struct mrc_dev *dev, u32 plane, const struct in6_addr *daddr,
		  u32 ev, struct in6_addr *outer);
bool mrc_srv6_is_block(struct mrc_dev *dev, const struct in6_addr *addr);
void mrc_srv6_push(struct sk_buff *skb, const struct in6_addr *outer);

/* ------------------------------------------------------------ peers */

/* IPv6 and UDP, BTH, METH, TSETH, RETH, ImmDt, ICRC */
#define MRC_PKT_OVERHEAD	(40 + 8 + 12 + 4 + 4 + 16 + 4 + 4)

/* The peer table of a device. 0 or -ENOMEM. */
int mrc_peers_init(struct mrc_dev *dev);
/*
 * Device removal, after mrc_dev_sock_close() and the last QP: forgets all
 * peers and waits until nobody uses them.
 */
void mrc_peers_flush(struct mrc_dev *dev);
int mrc_peer_probe(struct mrc_peer *peer, u32 path, u32 portid, u32 cookie);
enum hrtimer_restart mrc_peer_timer(struct hrtimer *timer);
/* The following: peer->lock held. */
/* Let the work item look for routes and paths again, then as mrc_peer_wake(). */
void mrc_peer_renew(struct mrc_peer *peer);
/* Tell the path set which planes cannot be used now. */
void mrc_peer_update_planes_down(struct mrc_peer *peer, u64 now);
void mrc_peer_tell_status(struct mrc_peer *peer, u32 up, u64 now);
/* Put all QPs that wait into the hands of the work item. */
void mrc_peer_wake(struct mrc_peer *peer);
/* Start a hello exchange if none is going on. */
void mrc_hello_start(struct mrc_peer *peer, u64 now);
/* The hello's timer. Returns true if a request is to be sent. */
bool mrc_hello_tick(struct mrc_peer *peer, u64 now);

/* Send a hello request over all planes that have a way to the peer. No lock. */
void mrc_hello_send(struct mrc_peer *peer, u64 nonce);
/* Hash of what a hello says of us but for the planes' state. */
u32 mrc_hello_hash(struct mrc_dev *dev, const struct in6_addr *host);
/* May a packet be sent to a stranger now? */
bool mrc_bucket_take(struct mrc_bucket *b, u64 now);

#endif /* MRC_PORT_H */
