// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Receiving: from UDP to a QP. Everything here comes from a stranger: nothing
 * is logged, only counted, and nothing is looked at before its length is
 * known.
 */
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "icrc.h"
#include "control/trace.h"
#include "port.h"

/* Addresses and the rest of the headers below UDP. False: not for us. */
static bool mrc_rx_info(const struct sk_buff *skb, struct mrc_rxinfo *info,
			unsigned int *iplen)
{
	const struct udphdr *udp = udp_hdr(skb);

	info->ipv4 = ip_hdr(skb)->version == 4;
	if (info->ipv4) {
		const struct iphdr *ip = ip_hdr(skb);

		ipv6_addr_set_v4mapped(ip->saddr, &info->saddr);
		ipv6_addr_set_v4mapped(ip->daddr, &info->daddr);
		info->tos = ip->tos;
		info->ttl = ip->ttl;
		info->entropy = 0;
		*iplen = sizeof(*ip);
		if (ipv4_is_lbcast(ip->daddr))
			return false;
	} else {
		const struct ipv6hdr *ip = ipv6_hdr(skb);

		info->saddr = ip->saddr;
		info->daddr = ip->daddr;
		info->tos = ipv6_get_dsfield(ip);
		info->ttl = ip->hop_limit;
		info->entropy = ntohl(ip6_flowlabel(ip)) << 16;
		*iplen = sizeof(*ip);
	}
	/* RoCE has no IP options and no extension headers. */
	if (skb_network_header(skb) + *iplen != (const u8 *)udp)
		return false;
	info->entropy |= ntohs(udp->source);
	info->nominal = ntohs(udp->len) + 40;
	info->ecn = INET_ECN_is_ce(info->tos);
	info->now = ktime_get_ns();
	return true;
}

/*
 * Check the BTH and lengths; skb->data is at the UDP header. On success all
 * headers are in the linear part.
 */
static bool mrc_rx_check(struct mrc_dev *dev, struct sk_buff *skb)
{
	const unsigned int bthoff = sizeof(struct udphdr);
	const struct mrc_bth *bth;
	int hdrlen;

	if (ntohs(udp_hdr(skb)->len) != skb->len ||
	    skb->len < bthoff + sizeof(*bth) + MRC_ICRC_SIZE ||
	    !pskb_may_pull(skb, bthoff + sizeof(*bth)))
		goto malformed;
	hdrlen = mrc_bth_check((struct mrc_bth *)(skb->data + bthoff),
			       skb->len - bthoff - MRC_ICRC_SIZE);
	if (hdrlen == -ENOENT) {
		mrc_count(dev, drop_opcode);
		return false;
	}
	if (hdrlen < 0)
		goto malformed;
	if (!pskb_may_pull(skb, bthoff + hdrlen)) {
		mrc_count(dev, drop_no_memory);
		return false;
	}
	bth = (struct mrc_bth *)(skb->data + bthoff);
	if ((be16_to_cpu(bth->pkey) & 0x7fff) != (MRC_DEFAULT_PKEY & 0x7fff)) {
		mrc_count(dev, drop_pkey);
		return false;
	}
	return true;
malformed:
	mrc_count(dev, drop_malformed);
	return false;
}

/* Check the ICRC, unless told not to, and remove it. */
static bool mrc_rx_icrc(struct mrc_dev *dev, struct sk_buff *skb,
			unsigned int iplen)
{
	const int off = sizeof(struct udphdr) + sizeof(struct mrc_bth);
	int end = skb->len - MRC_ICRC_SIZE;
	__le32 got;

	if (READ_ONCE(dev->set.icrc)) {
		if (skb_copy_bits(skb, end, &got, sizeof(got)) ||
		    mrc_icrc(skb, iplen, off, end - off) != got) {
			mrc_count(dev, drop_icrc);
			return false;
		}
	}
	if (pskb_trim(skb, end)) {
		mrc_count(dev, drop_no_memory);
		return false;
	}
	return true;
}

/* Hand a checked packet, skb->data at the BTH, to whom it is for. */
static void mrc_rx_dispatch(struct mrc_dev *dev, struct mrc_port *port,
			    struct sk_buff *skb, const struct mrc_rxinfo *info)
{
	const struct mrc_bth *bth = (struct mrc_bth *)skb->data;
	u32 dqpn = be32_to_cpu(bth->dqpn) & MRC_QPN_MASK;
	bool mcast = dqpn == IB_MULTICAST_QPN;
	u8 op = bth->opcode;
	struct mrc_qp *qp;

	if (mrc_addr_is_mcast(&info->daddr) != mcast) {
		mrc_count(dev, drop_no_qp);
		goto drop;
	}
	if (mcast) {
		if (op == MRC_OP_UD_SEND_ONLY ||
		    op == MRC_OP_UD_SEND_ONLY_IMM) {
			mrc_mcast_rx(dev, skb, info);
			return;
		}
		mrc_count(dev, drop_opcode);
		goto drop;
	}
	if (dqpn == MRC_ENDPOINT_QPN) {
		if (op == MRC_OP_X_HELLO_REQ || op == MRC_OP_X_HELLO_RESP)
			mrc_hello_rx(dev, port, skb, info);
		else if (op == MRC_OP_EP_REQUEST || op == MRC_OP_EP_RESPONSE)
			mrc_endpoint_rx(dev, port, skb, info);
		else
			mrc_count(dev, drop_opcode);
		goto drop;
	}
	qp = mrc_qp_get(dev, dqpn);
	if (!qp) {
		mrc_count(dev, drop_no_qp);
		goto drop;
	}
	if (op == MRC_OP_UD_SEND_ONLY || op == MRC_OP_UD_SEND_ONLY_IMM) {
		if (qp->ibqp.qp_type == IB_QPT_UD ||
		    qp->ibqp.qp_type == IB_QPT_GSI) {
			mrc_ud_rx(qp, skb, info);
			skb = NULL;
		} else {
			mrc_count(dev, drop_opcode);
		}
	} else if (qp->ibqp.qp_type == IB_QPT_RC) {
		mrc_qp_rx(qp, skb, info);
		skb = NULL;
	} else {
		mrc_count(dev, drop_opcode);
	}
	mrc_qp_put(qp);
drop:
	kfree_skb(skb);
}

/**
 * mrc_udp_rcv() - a packet to our UDP port
 * @sk: our socket
 * @skb: the packet, data at the UDP header
 *
 * Context: softirq, RCU.
 * Return: 0, the packet is consumed.
 */
int mrc_udp_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct mrc_rxinfo info;
	struct mrc_port *port;
	struct mrc_dev *dev;
	unsigned int iplen;

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return 0;
	if (!mrc_rx_info(skb, &info, &iplen))
		goto drop;
	dev = mrc_sock_find_dev(sk, skb, &info.daddr, &port);
	if (!dev)
		goto drop;
	mrc_count(dev, rx_packets);
	if (info.ecn)
		mrc_count(dev, ecn_marked);
	if (!mrc_rx_check(dev, skb) || !mrc_rx_icrc(dev, skb, iplen))
		goto drop;
	skb_pull(skb, sizeof(struct udphdr));
	skb_orphan(skb);
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	skb->dev = NULL;
	trace_mrc_receive(dev, (const struct mrc_bth *)skb->data,
			  port ? port->plane : -1, info.entropy, skb->len,
			  info.ecn);
	mrc_rx_dispatch(dev, port, skb, &info);
	return 0;
drop:
	kfree_skb(skb);
	return 0;
}
