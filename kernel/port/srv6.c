// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * SRv6: which destinations get an outer IPv6 header, and that header. A
 * template belongs to a prefix of destinations; the longest one counts.
 * Templates are looked up under RCU and changed under profiles_lock.
 */
#include <net/dsfield.h>
#include <net/ipv6.h>

#include "port.h"

static struct mrc_srv6_entry *find_exact(struct mrc_dev *dev,
					 const struct in6_addr *prefix,
					 u32 plen)
{
	struct mrc_srv6_entry *e;

	lockdep_assert_held(&dev->profiles_lock);
	list_for_each_entry(e, &dev->srv6, list)
		if (e->plen == plen && ipv6_addr_equal(&e->prefix, prefix))
			return e;
	return NULL;
}

/* Routes change with the templates. */
static void renew_routes(struct mrc_dev *dev)
{
	struct mrc_peer *peer;

	mutex_lock(&dev->peers_lock);
	list_for_each_entry(peer, &dev->peer_list, list) {
		spin_lock_bh(&peer->lock);
		mrc_peer_renew(peer);
		spin_unlock_bh(&peer->lock);
	}
	mutex_unlock(&dev->peers_lock);
	mrc_ingress_update(dev);
}

/**
 * mrc_srv6_add() - use a template for a prefix, in place of another if need be
 * @dev: device
 * @new: complete; taken over if this succeeds
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0 or -ENOSPC.
 */
int mrc_srv6_add(struct mrc_dev *dev, struct mrc_srv6_entry *new,
		 struct netlink_ext_ack *extack)
{
	struct mrc_srv6_entry *old;
	int err = 0;

	mutex_lock(&dev->profiles_lock);
	old = find_exact(dev, &new->prefix, new->plen);
	if (old) {
		new->id = old->id;
		list_replace_rcu(&old->list, &new->list);
		kfree_rcu(old, rcu);
	} else if (dev->num_srv6 >= MRC_MAX_SRV6) {
		NL_SET_ERR_MSG(extack, "The device has 64 templates, which is all it can have");
		err = -ENOSPC;
	} else {
		new->id = ++dev->next_srv6;
		WRITE_ONCE(dev->num_srv6, dev->num_srv6 + 1);
		list_add_tail_rcu(&new->list, &dev->srv6);
	}
	mutex_unlock(&dev->profiles_lock);
	if (!err)
		renew_routes(dev);
	return err;
}

/**
 * mrc_srv6_del() - the destinations of a prefix get no outer header any more
 * @dev: device
 * @prefix: the prefix
 * @plen: its length
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0 or -ENOENT.
 */
int mrc_srv6_del(struct mrc_dev *dev, const struct in6_addr *prefix, u32 plen,
		 struct netlink_ext_ack *extack)
{
	struct mrc_srv6_entry *e;

	mutex_lock(&dev->profiles_lock);
	e = find_exact(dev, prefix, plen);
	if (e) {
		list_del_rcu(&e->list);
		WRITE_ONCE(dev->num_srv6, dev->num_srv6 - 1);
		kfree_rcu(e, rcu);
	}
	mutex_unlock(&dev->profiles_lock);
	if (!e) {
		NL_SET_ERR_MSG(extack, "The device has no template for this prefix");
		return -ENOENT;
	}
	renew_routes(dev);
	return 0;
}

/**
 * mrc_srv6_free() - a device goes away
 * @dev: device, no port left
 */
void mrc_srv6_free(struct mrc_dev *dev)
{
	struct mrc_srv6_entry *e, *next;

	list_for_each_entry_safe(e, next, &dev->srv6, list)
		kfree_rcu(e, rcu);
	INIT_LIST_HEAD(&dev->srv6);
	dev->num_srv6 = 0;
}

/**
 * mrc_srv6_dst() - the outer destination of a packet
 * @dev: device
 * @plane: it leaves by
 * @daddr: its destination
 * @ev: EV of its path
 * @outer: filled
 *
 * Context: RCU.
 * Return: false if it gets no outer header: no template's prefix has it, or it
 * is a group or of the link, where no switches can be named.
 */
bool mrc_srv6_dst(struct mrc_dev *dev, u32 plane, const struct in6_addr *daddr,
		  u32 ev, struct in6_addr *outer)
{
	const struct mrc_srv6_entry *e, *best = NULL;

	if (likely(!READ_ONCE(dev->num_srv6)) || mrc_addr_is_v4(daddr) ||
	    ipv6_addr_type(daddr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL))
		return false;
	list_for_each_entry_rcu(e, &dev->srv6, list)
		if (ipv6_prefix_equal(daddr, &e->prefix, e->plen) &&
		    (!best || e->plen > best->plen))
			best = e;
	if (!best)
		return false;
	mrc_srv6_address(&best->template, plane, ev, outer->s6_addr);
	return true;
}

/**
 * mrc_srv6_is_block() - is an address in one of our templates' blocks?
 * @dev: device
 * @addr: the address
 *
 * Context: RCU.
 */
bool mrc_srv6_is_block(struct mrc_dev *dev, const struct in6_addr *addr)
{
	const struct mrc_srv6_entry *e;

	list_for_each_entry_rcu(e, &dev->srv6, list)
		if (e->template.block == ntohl(addr->s6_addr32[0]))
			return true;
	return false;
}

/**
 * mrc_srv6_push() - put an outer header before a packet's IPv6 header
 * @skb: packet, data at its IPv6 header, 40 bytes of headroom
 * @outer: destination
 */
void mrc_srv6_push(struct sk_buff *skb, const struct in6_addr *outer)
{
	const struct ipv6hdr *inner = (const struct ipv6hdr *)skb->data;
	struct ipv6hdr *ip = skb_push(skb, sizeof(*ip));

	ip6_flow_hdr(ip, ipv6_get_dsfield(inner), ip6_flowlabel(inner));
	ip->payload_len = htons(skb->len - sizeof(*ip));
	ip->nexthdr = IPPROTO_IPV6;
	ip->hop_limit = MRC_TTL;
	ip->saddr = inner->saddr;
	ip->daddr = *outer;
	skb_reset_network_header(skb);
}
