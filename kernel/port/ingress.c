// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Packets that IP would not let through: trimmed ones.
 *
 * A switch that trims cuts a packet's payload off and gives the rest another
 * DSCP; lengths in IP and UDP may stay as they were, and then ip_rcv() drops
 * the packet before any socket or netfilter hook of IP sees it. So they are
 * taken at the netdev's netfilter ingress hook. That is the one place before
 * IP that several users can share (an rx_handler belongs to a bond or bridge),
 * that may keep a packet from IP (a packet_type cannot), that sees VLAN and
 * bond ports as such, and that costs nothing where it is not in use. The hook
 * is registered only while the device has a DSCP for trimmed packets.
 *
 * Nothing of the packet can be checked by an ICRC. What it can do is to make us
 * tell the QP's peer that one packet of its window was trimmed.
 */
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/udp.h>
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
	if (ntohs(udp->dest) != READ_ONCE(dev->set.udp_port))
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

static unsigned int ingress(void *priv, struct sk_buff *skb,
			    const struct nf_hook_state *state)
{
	struct mrc_port *port = priv;
	struct mrc_dev *dev = port->dev;
	struct mrc_rxinfo info = {};
	unsigned int off;
	u8 dscp;
	bool lasthop;

	/* its own address is what is wanted: not what others are sent */
	if (skb->pkt_type == PACKET_OTHERHOST || skb_shared(skb))
		return NF_ACCEPT;
	off = outer_headers(skb, &info);
	if (!off)
		return NF_ACCEPT;
	dscp = info.tos >> 2;
	lasthop = dscp == READ_ONCE(dev->set.dscp_trimmed_lasthop);
	if ((!lasthop && dscp != READ_ONCE(dev->set.dscp_trimmed)) ||
	    !trimmed_packet(dev, skb, off, &info, lasthop))
		return NF_ACCEPT;
	return NF_DROP;
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
	return dev->set.dscp_trimmed != MRC_DSCP_NONE ||
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
