// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Packets that IP would not let through: trimmed ones, and those with an SRv6
 * outer header.
 *
 * A switch that trims cuts a packet's payload off and gives the rest another
 * DSCP; lengths in IP and UDP may stay as they were, and then ip_rcv() drops
 * the packet before any socket or netfilter hook of IP sees it. So they are
 * taken at the netdev's netfilter ingress hook. That is the one place before
 * IP that several users can share (an rx_handler belongs to a bond or bridge),
 * that may keep a packet from IP (a packet_type cannot), that sees VLAN and
 * bond ports as such, and that costs nothing where it is not in use. The hook
 * is registered only while the device has a DSCP for trimmed packets or an SRv6
 * template.
 *
 * The outer header of SRv6 is taken off here, too: what is left of its
 * destination when it arrives need not be an address of this node then. Only
 * packets to one of our templates' blocks are touched, with an inner packet to
 * our UDP port at an address of this node.
 *
 * Nothing of the packet can be checked by an ICRC. What it can do is to make us
 * tell the QP's peer that one packet of its window was trimmed.
 */
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "port.h"
#include "transport/codec.h"

#if IS_ENABLED(CONFIG_NETFILTER_INGRESS)

/* The UDP header's offset; 0: not a packet that could be ours. */
static unsigned int outer_headers(struct sk_buff *skb, struct mrc_rxinfo *info)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		const struct iphdr *ip;

		if (!pskb_may_pull(skb, sizeof(*ip)))
			return 0;
		ip = (const struct iphdr *)skb->data;
		if (ip->version != 4 || ip->ihl != 5 ||
		    ip->protocol != IPPROTO_UDP || ip_is_fragment(ip) ||
		    ip_fast_csum((const u8 *)ip, ip->ihl))
			return 0;
		info->ipv4 = true;
		info->tos = ip->tos;
		info->ttl = ip->ttl;
		ipv6_addr_set_v4mapped(ip->saddr, &info->saddr);
		ipv6_addr_set_v4mapped(ip->daddr, &info->daddr);
		return sizeof(*ip);
	}
	if (skb->protocol == htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip;

		if (!pskb_may_pull(skb, sizeof(*ip)))
			return 0;
		ip = (const struct ipv6hdr *)skb->data;
		if (ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
			return 0;
		info->tos = ipv6_get_dsfield(ip);
		info->ttl = ip->hop_limit;
		info->saddr = ip->saddr;
		info->daddr = ip->daddr;
		info->entropy = ntohl(ip6_flowlabel(ip)) << 16;
		return sizeof(*ip);
	}
	return 0;
}

/* A packet with the DSCP of trimmed ones: is it ours, and of which packet? */
static bool trimmed_packet(struct mrc_dev *dev, struct sk_buff *skb,
			   unsigned int off, struct mrc_rxinfo *info,
			   bool lasthop)
{
	struct mrc_tseth *ts;
	const struct udphdr *udp;
	const struct mrc_bth *bth;
	unsigned int need = off + sizeof(*udp) + sizeof(*bth);
	u16 timestamp = 0;
	struct mrc_qp *qp;
	u32 psn, dqpn;

	if (!pskb_may_pull(skb, need))
		return false;
	udp = (const struct udphdr *)(skb->data + off);
	/* what is only forwarded here is for another to answer */
	if (ntohs(udp->dest) != READ_ONCE(dev->set.udp_port) ||
	    !mrc_addr_is_local(mrc_dev_net(dev), &info->daddr))
		return false;
	bth = (const struct mrc_bth *)(udp + 1);
	psn = be32_to_cpu(bth->psn);
	dqpn = be32_to_cpu(bth->dqpn) & MRC_QPN_MASK;
	mrc_count(dev, trimmed);
	if (bth->flags & MRC_BTH_TVER_MASK || !mrc_opcode_flags(bth->opcode)) {
		mrc_count(dev, drop_malformed);
		return true;
	}
	info->entropy |= ntohs(udp->source);
	/* Some keep more of the packet than the BTH, some do not. */
	need += sizeof(struct mrc_meth) + sizeof(*ts);
	if (psn & MRC_BTH_TS && pskb_may_pull(skb, need)) {
		ts = (void *)(skb->data + need - sizeof(*ts));
		timestamp = be16_to_cpu(ts->tx_timestamp);
	}
	qp = mrc_qp_get(dev, dqpn);
	if (!qp) {
		mrc_count(dev, drop_no_qp);
		return true;
	}
	info->now = ktime_get_ns();
	info->ecn = INET_ECN_is_ce(info->tos);
	if (qp->ibqp.qp_type == IB_QPT_RC)
		mrc_qp_trimmed(qp, psn & MRC_PSN_MASK, timestamp, info,
			       lasthop);
	mrc_qp_put(qp);
	return true;
}

/* Is there a packet for us behind the outer header? Its headers in @info. */
static bool has_inner(struct mrc_dev *dev, struct sk_buff *skb,
		      struct mrc_rxinfo *info)
{
	const unsigned int len = sizeof(struct ipv6hdr);
	const struct ipv6hdr *outer, *inner;
	const struct udphdr *udp;

	if (!READ_ONCE(dev->num_srv6) || skb->protocol != htons(ETH_P_IPV6) ||
	    skb_is_gso(skb) || !pskb_may_pull(skb, 2 * len + sizeof(*udp)))
		return false;
	outer = (const struct ipv6hdr *)skb->data;
	inner = outer + 1;
	udp = (const struct udphdr *)(inner + 1);
	if (outer->version != 6 || outer->nexthdr != IPPROTO_IPV6 ||
	    inner->version != 6 || inner->nexthdr != IPPROTO_UDP ||
	    ntohs(udp->dest) != READ_ONCE(dev->set.udp_port) ||
	    !mrc_srv6_is_block(dev, &outer->daddr) ||
	    !mrc_addr_is_local(mrc_dev_net(dev), &inner->daddr))
		return false;
	/* switches see and mark the outer header alone */
	info->tos = ipv6_get_dsfield(outer);
	info->ttl = inner->hop_limit;
	info->saddr = inner->saddr;
	info->daddr = inner->daddr;
	info->entropy = ntohl(ip6_flowlabel(inner)) << 16;
	return true;
}

/*
 * Take the outer header off. False: no memory, more within than the outer
 * header has, or marked against the rules. IP checks the inner header as that
 * of any packet.
 */
static bool decapsulate(struct sk_buff *skb, u8 tos)
{
	const unsigned int len = sizeof(struct ipv6hdr);
	struct ipv6hdr *outer, *inner;

	if (skb_ensure_writable(skb, 2 * len))
		return false;
	outer = (struct ipv6hdr *)skb->data;
	inner = outer + 1;
	if (len + ntohs(inner->payload_len) > ntohs(outer->payload_len))
		return false;
	skb_pull_rcsum(skb, len);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	inner = ipv6_hdr(skb);
	/* RFC 6040: what an outer mark makes of the inner field */
	if (INET_ECN_is_ce(tos)) {
		if (INET_ECN_is_not_ect(ipv6_get_dsfield(inner)))
			return false;
		IP6_ECN_set_ce(skb, inner);
	}
	skb_clear_hash(skb);
	return true;
}

static unsigned int ingress(void *priv, struct sk_buff *skb,
			    const struct nf_hook_state *state)
{
	struct mrc_port *port = priv;
	struct mrc_dev *dev = port->dev;
	struct mrc_rxinfo info = {};
	unsigned int off;
	bool lasthop, tunnel;
	u8 dscp;

	/* its own address is what is wanted: not what others are sent */
	if (skb->pkt_type == PACKET_OTHERHOST || skb_shared(skb))
		return NF_ACCEPT;
	tunnel = has_inner(dev, skb, &info);
	off = tunnel ? 2 * sizeof(struct ipv6hdr) : outer_headers(skb, &info);
	if (!off)
		return NF_ACCEPT;
	dscp = info.tos >> 2;
	lasthop = dscp == READ_ONCE(dev->set.dscp_trimmed_lasthop);
	if ((lasthop || dscp == READ_ONCE(dev->set.dscp_trimmed)) &&
	    trimmed_packet(dev, skb, off, &info, lasthop))
		return NF_DROP;
	if (tunnel && !decapsulate(skb, info.tos)) {
		mrc_count(dev, drop_malformed);
		return NF_DROP;
	}
	return NF_ACCEPT;
}

static void hook(struct mrc_dev *dev, struct mrc_port *port, bool want)
{
	struct net *net = mrc_dev_net(dev);

	if (want == port->hooked)
		return;
	if (!want) {
		nf_unregister_net_hook(net, &port->hook);
		port->hooked = false;
		return;
	}
	port->hook = (struct nf_hook_ops){
		.hook = ingress,
		.dev = port->netdev,
		.priv = port,
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_INGRESS,
		.priority = INT_MIN,
	};
	port->hooked = !nf_register_net_hook(net, &port->hook);
}

static bool wanted(const struct mrc_dev *dev)
{
	return READ_ONCE(dev->num_srv6) ||
	       dev->set.dscp_trimmed != MRC_DSCP_NONE ||
	       dev->set.dscp_trimmed_lasthop != MRC_DSCP_NONE;
}

#else

static void hook(struct mrc_dev *dev, struct mrc_port *port, bool want)
{
}

static bool wanted(const struct mrc_dev *dev)
{
	return false;
}

#endif

/**
 * mrc_ingress_update() - hook a device's ports, or not
 * @dev: device whose settings or ports have changed
 *
 * Context: process; dev->ports_lock not held.
 */
void mrc_ingress_update(struct mrc_dev *dev)
{
	struct mrc_port *port;
	int i;

	mutex_lock(&dev->ports_lock);
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference_protected(dev->ports[i],
						 lockdep_is_held(&dev->ports_lock));
		if (port)
			hook(dev, port, wanted(dev));
	}
	mutex_unlock(&dev->ports_lock);
}

/**
 * mrc_ingress_stop() - a port goes away
 * @dev: its device
 * @port: the port, out of dev->ports already
 *
 * Context: process. The hook may still run for an RCU grace period.
 */
void mrc_ingress_stop(struct mrc_dev *dev, struct mrc_port *port)
{
	hook(dev, port, false);
}
