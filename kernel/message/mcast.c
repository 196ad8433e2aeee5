// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Multicast groups of UD QPs. As in RoCEv2 a group is an IP multicast group;
 * its datagrams travel over the address netdev alone and have the multicast
 * QPN as their destination. A device keeps one list of (group, QP).
 */
#include <linux/slab.h>
#include <rdma/ib_verbs.h>

#include "mrc.h"
#include "port/port.h"

struct mrc_mcast {
	struct list_head list;		/* dev->mcasts */
	struct in6_addr group;
	u32 qpn;
	struct rcu_head rcu;
};

static struct mrc_mcast *mcast_find(struct mrc_dev *dev,
				    const struct in6_addr *group, u32 qpn)
{
	struct mrc_mcast *m;

	list_for_each_entry(m, &dev->mcasts, list)
		if (m->qpn == qpn && ipv6_addr_equal(&m->group, group))
			return m;
	return NULL;
}

/**
 * mrc_attach_mcast() - ib_device_ops.attach_mcast
 * @ibqp: a UD QP
 * @gid: the group: an IPv6 multicast address or an IPv4-mapped one
 * @lid: means nothing here
 *
 * Return: 0, also if it is attached already, or a negative errno.
 */
int mrc_attach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid)
{
	struct mrc_dev *dev = to_mdev(ibqp->device);
	struct mrc_mcast *m;
	int err = 0;

	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	memcpy(&m->group, gid->raw, sizeof(m->group));
	m->qpn = to_mqp(ibqp)->qpn;

	mutex_lock(&dev->mcast_lock);
	if (mcast_find(dev, &m->group, m->qpn)) {
		kfree(m);
		goto unlock;
	}
	if (dev->num_mcasts >= MRC_MAX_MCAST)
		err = -ENOMEM;
	if (!err)
		err = mrc_port_join(dev, &m->group);
	if (err) {
		kfree(m);
		goto unlock;
	}
	dev->num_mcasts++;
	list_add_tail_rcu(&m->list, &dev->mcasts);
unlock:
	mutex_unlock(&dev->mcast_lock);
	return err;
}

/**
 * mrc_detach_mcast() - ib_device_ops.detach_mcast
 * @ibqp: the QP
 * @gid: the group
 * @lid: means nothing here
 *
 * Return: 0, or -EINVAL: it is not attached.
 */
int mrc_detach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid)
{
	struct mrc_dev *dev = to_mdev(ibqp->device);
	struct in6_addr group;
	struct mrc_mcast *m;

	memcpy(&group, gid->raw, sizeof(group));
	mutex_lock(&dev->mcast_lock);
	m = mcast_find(dev, &group, to_mqp(ibqp)->qpn);
	if (m) {
		list_del_rcu(&m->list);
		dev->num_mcasts--;
		mrc_port_leave(dev, &group);
		kfree_rcu(m, rcu);
	}
	mutex_unlock(&dev->mcast_lock);
	return m ? 0 : -EINVAL;
}

/**
 * mrc_mcast_rx() - a datagram to a group
 * @dev: device
 * @skb: packet as for mrc_ud_rx(); consumed
 * @info: its outer headers
 *
 * Every QP that is attached gets it, but for the sender: the network may
 * bring its own packets back.
 *
 * Context: softirq, RCU.
 */
void mrc_mcast_rx(struct mrc_dev *dev, struct sk_buff *skb,
		  const struct mrc_rxinfo *info)
{
	bool own = mrc_addr_is_local(mrc_dev_net(dev), &info->saddr);
	struct mrc_datagram d;
	bool found = false;
	struct mrc_mcast *m;
	struct mrc_qp *qp;

	if (!mrc_datagram_decode(&d, skb->data, skb_headlen(skb), skb->len)) {
		mrc_count(dev, drop_malformed);
		kfree_skb(skb);
		return;
	}
	list_for_each_entry_rcu(m, &dev->mcasts, list) {
		if (!ipv6_addr_equal(&m->group, &info->daddr) ||
		    (own && m->qpn == d.sqpn))
			continue;
		qp = mrc_qp_get(dev, m->qpn);
		if (!qp)
			continue;
		/* only read, so one buffer does for all */
		mrc_ud_rx(qp, skb_get(skb), info);
		mrc_qp_put(qp);
		found = true;
	}
	if (!found && !own)
		mrc_count(dev, drop_no_qp);
	kfree_skb(skb);
}
