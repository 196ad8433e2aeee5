// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Shared receive queues, and what they have in common with the receive queue
 * of a QP: how a receive work request gets into a ring and out of it.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "verbs.h"

/**
 * mrc_recv_copy - copy a receive out of its ring
 * @ring: the ring; its user may be writing to the entry meanwhile
 * @idx: index of the entry
 * @max_sge: scatter/gather elements an entry has room for
 *
 * Return: to be freed by kfree(), or ERR_PTR(-ENOMEM), or ERR_PTR(-EINVAL):
 * the entry is nonsense.
 */
struct mrc_recv *mrc_recv_copy(const struct mrc_kring *ring, u32 idx,
			       u32 max_sge)
{
	const struct mrc_rqe *rqe = mrc_ring_entry(ring, idx);
	u32 i, num_sge = READ_ONCE(rqe->num_sge);
	struct mrc_recv *recv;
	u64 length = 0;

	if (num_sge > max_sge)
		return ERR_PTR(-EINVAL);
	recv = kmalloc(struct_size(recv, sge, num_sge), GFP_ATOMIC);
	if (!recv)
		return ERR_PTR(-ENOMEM);
	*recv = (struct mrc_recv){
		.wr_id = READ_ONCE(rqe->wr_id), .num_sge = num_sge,
	};
	memcpy(recv->sge, rqe->sge, num_sge * sizeof(recv->sge[0]));
	/* Only the copy counts from here on. */
	barrier();
	for (i = 0; i < num_sge; i++)
		length += recv->sge[i].length;
	if (length > U32_MAX) {
		kfree(recv);
		return ERR_PTR(-EINVAL);
	}
	recv->length = length;
	return recv;
}

/**
 * mrc_ring_post_recv - put a kernel user's receive into a ring
 * @ring: ring of the RQ or SRQ, its lock held
 * @max_wr: receives that may wait
 * @max_sge: scatter/gather elements each
 * @wr: the receive
 */
int mrc_ring_post_recv(struct mrc_kring *ring, u32 max_wr, u32 max_sge,
		       const struct ib_recv_wr *wr)
{
	struct mrc_rqe *rqe;
	int i;

	if (wr->num_sge < 0 || wr->num_sge > max_sge)
		return -EINVAL;
	if (ring->prod - READ_ONCE(ring->hdr->cons) >= max_wr)
		return -ENOMEM;
	rqe = mrc_ring_entry(ring, ring->prod);
	rqe->wr_id = wr->wr_id;
	rqe->num_sge = wr->num_sge;
	for (i = 0; i < wr->num_sge; i++) {
		rqe->sge[i].addr = wr->sg_list[i].addr;
		rqe->sge[i].length = wr->sg_list[i].length;
		rqe->sge[i].lkey = wr->sg_list[i].lkey;
	}
	ring->prod++;
	/* The entry before its index: mrc_ring_avail() */
	smp_store_release(&ring->hdr->prod, ring->prod);
	return 0;
}

static void mrc_srq_event(struct mrc_srq *srq, enum ib_event_type type)
{
	struct ib_event event = {
		.device = srq->ibsrq.device,
		.event = type,
		.element.srq = &srq->ibsrq,
	};

	if (srq->ibsrq.event_handler)
		srq->ibsrq.event_handler(&event, srq->ibsrq.srq_context);
}

/**
 * mrc_srq_take - take the next receive of an SRQ and retire its entry
 * @srq: the SRQ
 *
 * Raises IB_EVENT_SRQ_LIMIT_REACHED. Any context. Return: NULL if none is
 * posted, else as mrc_recv_copy(); with -EINVAL the entry has been retired
 * and IB_EVENT_SRQ_ERR raised.
 */
struct mrc_recv *mrc_srq_take(struct mrc_srq *srq)
{
	struct mrc_kring *r = &srq->ring;
	bool limit = false, error = false;
	struct mrc_recv *recv = NULL;
	unsigned long flags;
	u32 avail;

	spin_lock_irqsave(&srq->lock, flags);
	avail = mrc_ring_avail(r, r->cons);
	if (!avail)
		goto unlock;
	recv = mrc_recv_copy(r, r->cons, srq->max_sge);
	if (recv == ERR_PTR(-ENOMEM))
		goto unlock;
	if (IS_ERR(recv)) {
		error = !srq->error;
		srq->error = true;
	}
	r->cons++;
	/* It may be written again only now that it has been copied. */
	smp_store_release(&r->hdr->cons, r->cons);
	if (srq->limit && avail - 1 < srq->limit) {
		srq->limit = 0;
		limit = true;
	}
unlock:
	spin_unlock_irqrestore(&srq->lock, flags);

	if (limit)
		mrc_srq_event(srq, IB_EVENT_SRQ_LIMIT_REACHED);
	if (error)
		mrc_srq_event(srq, IB_EVENT_SRQ_ERR);
	return recv;
}

static u32 mrc_rqe_size(u32 max_sge)
{
	return struct_size_t(struct mrc_rqe, sge, max_sge);
}

/**
 * mrc_create_srq - ib_device_ops.create_srq
 * @ibsrq: the SRQ
 * @init: what is wanted; told what is had
 * @udata: answered by struct mrc_uresp_create_srq, NULL for the kernel's own
 */
int mrc_create_srq(struct ib_srq *ibsrq, struct ib_srq_init_attr *init,
		   struct ib_udata *udata)
{
	struct mrc_dev *dev = to_mdev(ibsrq->device);
	struct mrc_uresp_create_srq resp = {};
	struct mrc_srq *srq = to_msrq(ibsrq);
	struct ib_srq_attr *attr = &init->attr;
	struct mrc_ucontext *uc = NULL;
	int err;

	if (init->srq_type != IB_SRQT_BASIC) {
		ibdev_dbg(&dev->ibdev, "SRQ: type %d unsupported\n",
			  init->srq_type);
		return -EOPNOTSUPP;
	}
	if (!attr->max_wr || attr->max_wr > MRC_MAX_SRQ_WR ||
	    attr->max_sge > MRC_MAX_SGE || attr->srq_limit > attr->max_wr) {
		ibdev_dbg(&dev->ibdev,
			  "SRQ: %u receives of %u SGEs, limit %u: at most %u of %u can be had\n",
			  attr->max_wr, attr->max_sge, attr->srq_limit,
			  MRC_MAX_SRQ_WR, MRC_MAX_SGE);
		return -EINVAL;
	}
	if (udata) {
		if (udata->outlen < sizeof(resp))
			return -EINVAL;
		uc = rdma_udata_to_drv_context(udata, struct mrc_ucontext,
					       ibuc);
	}
	err = mrc_object_add(&dev->num_srq, MRC_MAX_SRQ);
	if (err) {
		ibdev_dbg(&dev->ibdev, "SRQ: %u exist already\n", MRC_MAX_SRQ);
		return err;
	}
	err = ida_alloc_range(&dev->srqns, 1, 0xffffff, GFP_KERNEL);
	if (err < 0)
		goto uncount;
	srq->srqn = err;
	err = mrc_ring_alloc(&srq->ring, attr->max_wr,
			     mrc_rqe_size(attr->max_sge),
			     uc ? &uc->ibuc : NULL, &resp.srq);
	if (err)
		goto free_srqn;

	spin_lock_init(&srq->lock);
	attr->max_wr = srq->ring.mask + 1;
	srq->max_wr = attr->max_wr;
	srq->max_sge = attr->max_sge;
	srq->limit = attr->srq_limit;
	if (udata) {
		resp.srqn = srq->srqn;
		err = ib_copy_to_udata(udata, &resp, sizeof(resp));
		if (err)
			goto free_ring;
	}
	return 0;

free_ring:
	mrc_ring_free(&srq->ring);
free_srqn:
	ida_free(&dev->srqns, srq->srqn);
uncount:
	atomic_dec(&dev->num_srq);
	return err;
}

/* Make a ring for @max_wr receives; @info: where user space finds it. */
static int mrc_srq_resize(struct mrc_srq *srq, u32 max_wr,
			  struct ib_udata *udata)
{
	struct mrc_uresp_modify_srq resp = {};
	struct mrc_ureq_modify_srq req = {};
	struct mrc_ucontext *uc = NULL;
	struct mrc_kring ring;
	u32 avail, i;
	int err;

	if (udata) {
		if (udata->inlen < sizeof(req))
			return -EINVAL;
		err = ib_copy_from_udata(&req, udata, sizeof(req));
		if (err)
			return err;
		uc = rdma_udata_to_drv_context(udata, struct mrc_ucontext,
					       ibuc);
	}
	err = mrc_ring_alloc(&ring, max_wr, mrc_rqe_size(srq->max_sge),
			     uc ? &uc->ibuc : NULL, &resp.srq);
	if (err)
		return err;
	if (udata && copy_to_user(u64_to_user_ptr(req.resp_addr), &resp,
				  sizeof(resp))) {
		err = -EFAULT;
		goto free;
	}

	spin_lock_irq(&srq->lock);
	avail = mrc_ring_avail(&srq->ring, srq->ring.cons);
	if (avail > ring.mask + 1 || srq->limit > ring.mask + 1) {
		spin_unlock_irq(&srq->lock);
		ibdev_dbg(srq->ibsrq.device,
			  "SRQ: %u receives are posted and the limit is %u\n",
			  avail, srq->limit);
		err = -EINVAL;
		goto free;
	}
	/* The new ring takes over the indices and what is posted. */
	ring.cons = srq->ring.cons;
	ring.prod = ring.cons + avail;
	for (i = ring.cons; i != ring.prod; i++)
		memcpy(mrc_ring_entry(&ring, i), mrc_ring_entry(&srq->ring, i),
		       ring.entry_size);
	ring.hdr->want_doorbell = srq->ring.hdr->want_doorbell;
	ring.hdr->cons = ring.cons;
	/* The entries before their index. */
	smp_store_release(&ring.hdr->prod, ring.prod);
	swap(ring, srq->ring);
	srq->max_wr = srq->ring.mask + 1;
	spin_unlock_irq(&srq->lock);
free:
	mrc_ring_free(&ring);
	return err;
}

/**
 * mrc_modify_srq - ib_device_ops.modify_srq
 * @ibsrq: the SRQ
 * @attr: what is wanted
 * @mask: what of it counts: the limit, the size, or both
 * @udata: size: struct mrc_ureq_modify_srq, NULL for the kernel's own
 */
int mrc_modify_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr,
		   enum ib_srq_attr_mask mask, struct ib_udata *udata)
{
	struct mrc_srq *srq = to_msrq(ibsrq);
	int err;

	if (mask & ~(IB_SRQ_MAX_WR | IB_SRQ_LIMIT))
		return -EINVAL;
	if (mask & IB_SRQ_MAX_WR) {
		if (!attr->max_wr || attr->max_wr > MRC_MAX_SRQ_WR) {
			ibdev_dbg(ibsrq->device,
				  "SRQ: %u receives, from 1 to %u can be had\n",
				  attr->max_wr, MRC_MAX_SRQ_WR);
			return -EINVAL;
		}
		if ((mask & IB_SRQ_LIMIT) &&
		    attr->srq_limit > roundup_pow_of_two(attr->max_wr))
			return -EINVAL;
		err = mrc_srq_resize(srq, attr->max_wr, udata);
		if (err)
			return err;
	}
	if (mask & IB_SRQ_LIMIT) {
		err = 0;
		spin_lock_irq(&srq->lock);
		if (attr->srq_limit <= srq->max_wr)
			srq->limit = attr->srq_limit;
		else
			err = -EINVAL;
		spin_unlock_irq(&srq->lock);
		if (err) {
			ibdev_dbg(ibsrq->device,
				  "SRQ: limit %u, there are %u receives\n",
				  attr->srq_limit, srq->max_wr);
			return err;
		}
	}
	return 0;
}

/**
 * mrc_query_srq - ib_device_ops.query_srq
 * @ibsrq: the SRQ
 * @attr: told how it is
 */
int mrc_query_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr)
{
	struct mrc_srq *srq = to_msrq(ibsrq);

	if (srq->error)
		return -EINVAL;
	attr->max_wr = srq->max_wr;
	attr->max_sge = srq->max_sge;
	attr->srq_limit = srq->limit;
	return 0;
}

/**
 * mrc_destroy_srq - ib_device_ops.destroy_srq
 * @ibsrq: the SRQ; no QP uses it any more
 * @udata: not used
 */
int mrc_destroy_srq(struct ib_srq *ibsrq, struct ib_udata *udata)
{
	struct mrc_dev *dev = to_mdev(ibsrq->device);
	struct mrc_srq *srq = to_msrq(ibsrq);

	mrc_ring_free(&srq->ring);
	ida_free(&dev->srqns, srq->srqn);
	atomic_dec(&dev->num_srq);
	return 0;
}

/**
 * mrc_post_srq_recv - ib_device_ops.post_srq_recv
 * @ibsrq: the SRQ
 * @wr: receives of a kernel user; NULL: a user's doorbell, for which there is
 *	nothing to do, as receives are looked for when a message needs one
 * @bad: told the receive that could not be posted
 */
int mrc_post_srq_recv(struct ib_srq *ibsrq, const struct ib_recv_wr *wr,
		      const struct ib_recv_wr **bad)
{
	struct mrc_srq *srq = to_msrq(ibsrq);
	unsigned long flags;
	int err = 0;

	if (!wr)
		return 0;
	/* User space posts into the ring, and only it. */
	if (srq->ring.mmap) {
		*bad = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&srq->lock, flags);
	for (; wr; wr = wr->next) {
		err = mrc_ring_post_recv(&srq->ring, srq->max_wr, srq->max_sge,
					 wr);
		if (err) {
			*bad = wr;
			break;
		}
	}
	spin_unlock_irqrestore(&srq->lock, flags);
	return err;
}
