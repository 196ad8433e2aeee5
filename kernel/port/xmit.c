// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Sending: ICRC, UDP and IP headers. */
#include <linux/ip.h>
#include <linux/pkt_sched.h>
#include <linux/udp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>

#include "icrc.h"
#include "control/trace.h"
#include "port.h"

/* ------------------------------------------------------------ headers */

/**
 * mrc_skb_alloc() - an skb for a packet to send
 * @len: linear bytes behind the headroom, trailer included
 * @gfp: how to allocate
 *
 * Return: the skb or NULL.
 */
struct sk_buff *mrc_skb_alloc(u32 len, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(MRC_TX_HEADROOM + len, gfp);

	if (skb)
		skb_reserve(skb, MRC_TX_HEADROOM);
	return skb;
}

/**
 * mrc_class_tos() - type of service of a class
 * @dev: device
 * @class: data, retransmission or control
 * @trim: the peer answers packets that were trimmed
 *
 * Return: DSCP and ECT(0).
 */
u8 mrc_class_tos(const struct mrc_dev *dev, enum mrc_class class, bool trim)
{
	u8 dscp = READ_ONCE(dev->set.dscp_data);

	if (class == MRC_CLASS_CONTROL) {
		dscp = READ_ONCE(dev->set.dscp_control);
	} else if (trim) {
		u8 trimmable = READ_ONCE(dev->set.dscp_trimmable);
		u8 retx = READ_ONCE(dev->set.dscp_retx);

		if (trimmable != MRC_DSCP_NONE)
			dscp = trimmable;
		if (class == MRC_CLASS_RETX && retx != MRC_DSCP_NONE)
			dscp = retx;
	}
	return dscp << 2 | INET_ECN_ECT_0;
}

/* Room for @n bytes at the end of the packet; skb->len grows by them. */
static void *mrc_put_trailer(struct sk_buff *skb, unsigned int n)
{
	int frags = skb_shinfo(skb)->nr_frags;
	void *p;

	if (skb_is_nonlinear(skb) && frags < MAX_SKB_FRAGS) {
		p = netdev_alloc_frag(n);
		if (!p)
			return NULL;
		skb_add_rx_frag(skb, frags, virt_to_head_page(p),
				p - page_address(virt_to_head_page(p)), n,
				SKB_DATA_ALIGN(n));
		return p;
	}
	if (skb_linearize(skb))
		return NULL;
	if (skb_tailroom(skb) < n && pskb_expand_head(skb, 0, n, GFP_ATOMIC))
		return NULL;
	return skb_put(skb, n);
}

static void mrc_push_ip4(struct sk_buff *skb, const struct mrc_txhdr *h)
{
	struct iphdr *ip = skb_push(skb, sizeof(*ip));

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = h->tos;
	ip->tot_len = htons(skb->len);
	/*
	 * Never fragmented, so the identification means nothing (RFC 6864);
	 * but the ICRC covers it, and segmentation writes it.
	 */
	ip->id = htons(h->segment);
	ip->frag_off = htons(IP_DF);
	ip->ttl = h->ttl;
	ip->protocol = IPPROTO_UDP;
	ip->check = 0;
	ip->saddr = h->saddr.s6_addr32[3];
	ip->daddr = h->daddr.s6_addr32[3];
	skb->protocol = htons(ETH_P_IP);
}

static void mrc_push_ip6(struct sk_buff *skb, const struct mrc_txhdr *h)
{
	struct ipv6hdr *ip = skb_push(skb, sizeof(*ip));

	ip6_flow_hdr(ip, h->tos, htonl(h->flow_label & 0xfffff));
	ip->payload_len = htons(skb->len - sizeof(*ip));
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = h->ttl;
	ip->saddr = h->saddr;
	ip->daddr = h->daddr;
	skb->protocol = htons(ETH_P_IPV6);
}

/*
 * Make a packet of what the message layer built: pad and ICRC behind it, UDP
 * and IP headers before it. False: no memory.
 */
static bool mrc_finish(struct mrc_dev *dev, struct sk_buff *skb,
		       const struct mrc_txhdr *h, bool icrc)
{
	bool v4 = mrc_addr_is_v4(&h->daddr);
	unsigned int iplen = v4 ? MRC_ICRC_V4_LEN : MRC_ICRC_V6_LEN;
	unsigned int pad = MRC_TXCB(skb)->pad;
	int body = skb->len + pad - sizeof(struct mrc_bth);
	struct udphdr *udp;
	__le32 crc = 0;
	u8 *trailer;

	trailer = mrc_put_trailer(skb, pad + MRC_ICRC_SIZE);
	if (!trailer)
		return false;
	memset(trailer, 0, pad);
	udp = skb_push(skb, sizeof(*udp));
	skb_reset_transport_header(skb);
	udp->source = htons(h->entropy);
	udp->dest = htons(READ_ONCE(dev->set.udp_port));
	udp->len = htons(skb->len);
	udp->check = 0;
	if (v4)
		mrc_push_ip4(skb, h);
	else
		mrc_push_ip6(skb, h);
	skb_reset_network_header(skb);
	if (icrc)
		crc = mrc_icrc(skb, iplen, iplen + sizeof(*udp) +
			       sizeof(struct mrc_bth), body);
	memcpy(trailer + pad, &crc, MRC_ICRC_SIZE);
	skb->ip_summed = CHECKSUM_NONE;
	/* every path of a packet stream may go by another queue */
	skb_set_hash(skb, (u32)h->entropy * GOLDEN_RATIO_32, PKT_HASH_TYPE_L4);
	return true;
}

/* Hand a finished packet with its route to IP. */
static int mrc_output(struct mrc_dev *dev, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	u32 len = skb->len;
	int err;

	skb->dev = dst->dev;
	if (skb_is_gso(skb))
		len = skb_transport_offset(skb) + sizeof(struct udphdr) +
		      skb_shinfo(skb)->gso_size;
	if (len > dst_mtu(dst)) {
		kfree_skb(skb);
		return -EMSGSIZE;
	}
	if (MRC_TXCB(skb)->class == MRC_CLASS_CONTROL)
		skb->priority = TC_PRIO_INTERACTIVE;
	/* IP's control block is in the same place */
	memset(skb->cb, 0, sizeof(skb->cb));
	if (skb->protocol == htons(ETH_P_IP))
		err = ip_local_out(mrc_dev_net(dev), NULL, skb);
	else
		err = ip6_local_out(mrc_dev_net(dev), NULL, skb);
	return net_xmit_eval(err);
}

/**
 * mrc_port_xmit_to() - send a packet to an address
 * @dev: device
 * @oif: netdev to leave by, NULL: what the routing tables say
 * @skb: from mrc_skb_alloc(); consumed
 * @h: addresses and the rest of the headers
 *
 * Context: BH disabled.
 * Return: 0 or a negative errno, counted in tx_errors.
 */
int mrc_port_xmit_to(struct mrc_dev *dev, struct net_device *oif,
		     struct sk_buff *skb, const struct mrc_txhdr *h)
{
	struct in6_addr outer;
	struct dst_entry *dst;
	bool srv6;
	int err;

	err = mrc_route_to(dev, oif, h, &dst, &srv6, &outer);
	if (err)
		goto drop;
	skb_dst_set(skb, dst);
	trace_mrc_send(dev, (const struct mrc_bth *)skb->data, -1, h->entropy,
		       skb->len, false);
	if (!mrc_finish(dev, skb, h, true)) {
		err = -ENOMEM;
		goto drop;
	}
	if (srv6)
		mrc_srv6_push(skb, &outer);
	rcu_read_lock();
	err = mrc_output(dev, skb);
	rcu_read_unlock();
	if (!err) {
		mrc_count(dev, tx_packets);
		return 0;
	}
	mrc_count(dev, tx_errors);
	return err;
drop:
	mrc_count(dev, tx_errors);
	kfree_skb(skb);
	return err;
}

static void trace_send(const struct mrc_dev *dev, const struct sk_buff *skb,
		       const struct mrc_txhdr *h)
{
	trace_mrc_send(dev, (const struct mrc_bth *)skb->data, h->plane,
		       h->entropy, skb->len, false);
}

/*
 * The way of a packet to a peer: its path gives plane and entropy, the plane
 * the route. *@srv6: it gets an outer header, to @outer. RCU. NULL: there is
 * no way.
 */
static struct mrc_route *mrc_peer_route(struct mrc_peer *peer,
					const struct sk_buff *skb,
					struct mrc_txhdr *h, bool *srv6,
					struct in6_addr *outer)
{
	struct mrc_paths *paths = READ_ONCE(peer->st.paths);
	u16 idx = MRC_TXCB(skb)->path;
	struct mrc_route *route;
	u8 plane;
	u32 ev;

	/* Path sets are replaced as a whole; an old index may be too high. */
	if (idx >= mrc_paths_count(paths))
		return NULL;
	plane = mrc_path_get(paths, idx)->plane;
	ev = mrc_path_get(paths, idx)->entropy;
	h->entropy = ev;
	route = rcu_dereference(peer->routes[plane % MRC_MAX_PORTS]);
	if (route && unlikely(!dst_check(route->dst, route->cookie)))
		route = mrc_route_renew(peer, plane, route);
	if (unlikely(!route))
		return NULL;
	h->saddr = route->saddr;
	h->daddr = route->daddr;
	/* an EV of 16 bits is repeated in the flow label */
	h->flow_label = ev >> 16 ?: h->entropy;
	h->tos = mrc_class_tos(peer->dev, MRC_TXCB(skb)->class,
			       MRC_TERMS_CAN(mrc_peer_terms(peer),
					     MRC_PLAIN_TRIM_NACK));
	h->ttl = MRC_TTL;
	h->segment = 0;
	h->plane = plane;
	*srv6 = unlikely(route->srv6) &&
		mrc_srv6_dst(peer->dev, plane, &route->daddr, ev, outer);
	trace_send(peer->dev, skb, h);
	return route;
}

/* UDP payload of what the message layer built, as it will be on the wire. */
static u32 mrc_wire_len(const struct sk_buff *skb)
{
	return skb->len + MRC_TXCB(skb)->pad + MRC_ICRC_SIZE;
}

/*
 * May @skb, the next packet to send, be a segment of the unit that @head
 * began? @size: of the unit's first segment. All are of that size but the
 * last, as for any segmentation.
 */
static bool mrc_unit_takes(const struct sk_buff *head, u32 size,
			   const struct sk_buff *skb)
{
	return MRC_TXCB(skb)->joined && mrc_wire_len(skb) <= size &&
	       head->len + mrc_wire_len(skb) <= IP_MAX_MTU;
}

/*
 * Append @skb, finished and with headers of its own, to the unit of @head. A
 * unit goes down the stack as one packet: once through IP, queueing discipline
 * and neighbour. It falls apart again, without a copy, in front of a device
 * that cannot take it, or at the receiver's socket.
 */
static void mrc_unit_add(struct sk_buff *head, struct sk_buff *skb,
			 struct sk_buff **last)
{
	struct skb_shared_info *si = skb_shinfo(head);
	const u32 hdrlen = skb_transport_offset(head) + sizeof(struct udphdr);

	if (!*last) {
		si->gso_size = head->len - hdrlen;
		si->gso_type = SKB_GSO_UDP_L4 | SKB_GSO_FRAGLIST;
		si->gso_segs = 1;
		si->frag_list = skb;
		/* Nobody is to compute a checksum: UDP has none here. */
		head->ip_summed = CHECKSUM_UNNECESSARY;
	} else {
		(*last)->next = skb;
	}
	*last = skb;
	skb_pull(skb, hdrlen);
	si->gso_segs++;
	head->len += skb->len;
	head->data_len += skb->len;
	head->truesize += skb->truesize;
	udp_hdr(head)->len = htons(head->len - skb_transport_offset(head));
}

/*
 * Send the first packet of @list, and with it those that follow in the same
 * unit. Packets with an outer header leave one by one: the segmentation of
 * units knows nothing of a tunnel. RCU.
 */
static void mrc_xmit_unit(struct mrc_peer *peer, struct sk_buff_head *list,
			  bool icrc)
{
	struct sk_buff *head = __skb_dequeue(list), *last = NULL, *skb;
	u32 size = mrc_wire_len(head), len = size;
	struct mrc_dev *dev = peer->dev;
	struct mrc_route *route;
	struct in6_addr outer;
	struct mrc_txhdr h;
	u32 sent = 1;
	bool srv6;
	int err;

	route = mrc_peer_route(peer, head, &h, &srv6, &outer);
	if (unlikely(!route || !mrc_finish(dev, head, &h, icrc))) {
		mrc_count(dev, tx_errors);
		kfree_skb(head);
		return;
	}
	if (srv6)
		mrc_srv6_push(head, &outer);
	while (!srv6 && len == size && (skb = skb_peek(list)) &&
	       mrc_unit_takes(head, size, skb)) {
		__skb_unlink(skb, list);
		len = mrc_wire_len(skb);
		h.segment++;
		trace_send(dev, skb, &h);
		if (unlikely(!mrc_finish(dev, skb, &h, icrc))) {
			mrc_count(dev, tx_errors);
			kfree_skb(skb);
			break;
		}
		mrc_unit_add(head, skb, &last);
		sent++;
	}
	skb_dst_set_noref(head, route->dst);
	err = mrc_output(dev, head);
	if (likely(!err))
		mrc_count_add(dev, tx_packets, sent);
	else
		mrc_count_add(dev, tx_errors, sent);
	/* a router has told of a smaller MTU: look at the routes again */
	if (unlikely(err == -EMSGSIZE) &&
	    !(READ_ONCE(peer->mtu.small) & BIT(h.plane))) {
		spin_lock_bh(&peer->lock);
		mrc_peer_renew(peer);
		spin_unlock_bh(&peer->lock);
	}
}

/**
 * mrc_port_xmit - send packets to a peer
 * @peer: peer
 * @list: packets from mrc_skb_alloc(), MRC_TXCB() filled; left empty
 *
 * A packet that has "joined" set leaves in one unit with the one before it.
 * Errors are counted and otherwise the same as a loss in the network.
 * Context: BH disabled, no QP or peer lock held.
 */
void mrc_port_xmit(struct mrc_peer *peer, struct sk_buff_head *list)
{
	bool icrc;

	rcu_read_lock();
	icrc = READ_ONCE(peer->dev->set.icrc) ||
	       !(READ_ONCE(peer->features) & MRC_HELLO_F_NO_ICRC);
	while (!skb_queue_empty(list))
		mrc_xmit_unit(peer, list, icrc);
	rcu_read_unlock();
}
