// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Address handles, for UD. User space names one in a work request by its
 * number. The core frees an AH as soon as it is destroyed, maybe while a
 * packet to it is being built; so the table holds copies, freed by RCU. Of a
 * copy's ibah only device and pd are set.
 */
#include <linux/slab.h>
#include <net/ipv6.h>
#include <rdma/ib_cache.h>

#include "verbs.h"

static int mrc_ah_check(struct mrc_dev *dev, const struct rdma_ah_attr *attr)
{
	const struct ib_global_route *grh = rdma_ah_read_grh(attr);

	if (attr->type != RDMA_AH_ATTR_TYPE_ROCE ||
	    !(rdma_ah_get_ah_flags(attr) & IB_AH_GRH)) {
		ibdev_dbg(&dev->ibdev, "AH: needs a GRH\n");
		return -EINVAL;
	}
	if (!grh->sgid_attr ||
	    grh->sgid_attr->gid_type != IB_GID_TYPE_ROCE_UDP_ENCAP) {
		ibdev_dbg(&dev->ibdev, "AH: source GID %u is not of RoCE v2\n",
			  grh->sgid_index);
		return -EINVAL;
	}
	if (rdma_is_zero_gid((union ib_gid *)&grh->dgid) ||
	    ipv6_addr_v4mapped((struct in6_addr *)grh->dgid.raw) !=
	    ipv6_addr_v4mapped((struct in6_addr *)grh->sgid_attr->gid.raw)) {
		ibdev_dbg(&dev->ibdev, "AH: no way from GID %u to %pI6c\n",
			  grh->sgid_index, grh->dgid.raw);
		return -EINVAL;
	}
	return 0;
}

static void mrc_ah_fill(struct mrc_ah *ah, const struct rdma_ah_attr *attr)
{
	const struct ib_global_route *grh = rdma_ah_read_grh(attr);

	/* A copy outlives the reference to the source GID: it has none. */
	ah->attr = *attr;
	ah->attr.grh.sgid_attr = NULL;
	memcpy(&ah->dst, grh->dgid.raw, sizeof(ah->dst));
	memcpy(&ah->src, grh->sgid_attr->gid.raw, sizeof(ah->src));
	memcpy(ah->dmac, attr->roce.dmac, ETH_ALEN);
}

/**
 * mrc_create_ah - ib_device_ops.create_ah
 * @ibah: the AH
 * @init: its address, and whether we may sleep
 * @udata: answered by struct mrc_uresp_create_ah, NULL for the kernel's own
 */
int mrc_create_ah(struct ib_ah *ibah, struct rdma_ah_init_attr *init,
		  struct ib_udata *udata)
{
	gfp_t gfp = init->flags & RDMA_CREATE_AH_SLEEPABLE ? GFP_KERNEL :
							     GFP_ATOMIC;
	struct mrc_dev *dev = to_mdev(ibah->device);
	struct mrc_uresp_create_ah resp = {};
	struct mrc_ah *ah = to_mah(ibah);
	struct mrc_ah *entry;
	unsigned long flags;
	int err;

	err = mrc_ah_check(dev, init->ah_attr);
	if (err)
		return err;
	err = mrc_object_add(&dev->num_ah, MRC_MAX_AH);
	if (err) {
		ibdev_dbg(&dev->ibdev, "AH: %u exist already\n", MRC_MAX_AH);
		return err;
	}
	entry = kzalloc(sizeof(*entry), gfp);
	if (!entry) {
		err = -ENOMEM;
		goto uncount;
	}
	mrc_ah_fill(ah, init->ah_attr);
	mrc_ah_fill(entry, init->ah_attr);
	entry->ibah.device = ibah->device;
	entry->ibah.pd = ibah->pd;

	xa_lock_irqsave(&dev->ahs, flags);
	err = __xa_alloc_cyclic(&dev->ahs, &entry->ah_num, entry,
				XA_LIMIT(1, 0xffffff), &dev->next_ah, gfp);
	xa_unlock_irqrestore(&dev->ahs, flags);
	if (err < 0)
		goto free;
	ah->ah_num = entry->ah_num;
	if (!udata)
		return 0;

	resp.ah_num = ah->ah_num;
	err = -EINVAL;
	if (udata->outlen >= sizeof(resp))
		err = ib_copy_to_udata(udata, &resp, sizeof(resp));
	if (!err)
		return 0;

	xa_erase_irq(&dev->ahs, ah->ah_num);
	/* A process may have guessed the number and be sending by it. */
	kfree_rcu(entry, rcu);
	goto uncount;
free:
	kfree(entry);
uncount:
	atomic_dec(&dev->num_ah);
	return err;
}

/**
 * mrc_query_ah - ib_device_ops.query_ah
 * @ibah: the AH
 * @attr: told what it was made of
 */
int mrc_query_ah(struct ib_ah *ibah, struct rdma_ah_attr *attr)
{
	*attr = to_mah(ibah)->attr;
	return 0;
}

/**
 * mrc_destroy_ah - ib_device_ops.destroy_ah
 * @ibah: the AH
 * @flags: whether we may sleep; never needed
 */
int mrc_destroy_ah(struct ib_ah *ibah, u32 flags)
{
	struct mrc_dev *dev = to_mdev(ibah->device);
	struct mrc_ah *entry;
	unsigned long irq;

	xa_lock_irqsave(&dev->ahs, irq);
	entry = __xa_erase(&dev->ahs, to_mah(ibah)->ah_num);
	xa_unlock_irqrestore(&dev->ahs, irq);
	kfree_rcu(entry, rcu);
	atomic_dec(&dev->num_ah);
	return 0;
}
