// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory windows: keys for remote use of a part of an MR.
 *
 * A window is an entry of the table of MRs, of type MRC_MR_MW, which the core's
 * struct ib_mw only points to. It names its MR by pointer and serial number
 * without holding it, so that an MR can be deregistered any time; the window
 * then leads nowhere. mrc_mr_get() takes references to both.
 */
#include "verbs.h"

/* What a window may grant. */
#define MRC_MW_ACCESS	(IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_READ | \
			 IB_ACCESS_REMOTE_ATOMIC)

/**
 * mrc_alloc_mw - ib_device_ops.alloc_mw
 * @ibmw: the window, its PD and type set
 * @udata: not used
 */
int mrc_alloc_mw(struct ib_mw *ibmw, struct ib_udata *udata)
{
	struct mrc_mw *mw = container_of(ibmw, struct mrc_mw, ibmw);
	struct mrc_mr *mr;
	int err;

	mr = mrc_mr_new(to_mdev(ibmw->device), ibmw->pd, MRC_MR_MW, 0);
	if (IS_ERR(mr))
		return PTR_ERR(mr);
	mr->mw_type = ibmw->type;
	err = mrc_mr_publish(mr, MRC_MR_FREE);
	if (err) {
		mrc_mr_free(mr);
		return err;
	}
	mw->mr = mr;
	ibmw->rkey = mr->key;
	return 0;
}

/**
 * mrc_dealloc_mw - ib_device_ops.dealloc_mw
 * @ibmw: the window
 */
int mrc_dealloc_mw(struct ib_mw *ibmw)
{
	mrc_mr_retire(container_of(ibmw, struct mrc_mw, ibmw)->mr);
	return 0;
}

/* Take the window out of use to change it; false: not in this state. */
static bool mrc_mw_begin(struct mrc_mr *mw)
{
	enum mrc_mr_state old = READ_ONCE(mw->state);

	/* One of type 2 has to be invalidated before it is bound again. */
	if (old == MRC_MR_INVALID ||
	    (old == MRC_MR_VALID && mw->mw_type != IB_MW_TYPE_1) ||
	    cmpxchg(&mw->state, old, MRC_MR_INVALID) != old)
		return false;
	mrc_mr_revoke(mw, MRC_MR_INVALID);
	return true;
}

/* May these bytes of the MR be given away so? */
static bool mrc_mw_allowed(const struct mrc_mr *base, const struct mrc_qp *qp,
			   const struct mrc_sqe *sqe)
{
	u32 access = sqe->bind.access;

	if (base->type != MRC_MR_USER || base->pd != qp->ibqp.pd ||
	    !(base->access & IB_ACCESS_MW_BIND) || (access & ~MRC_MW_ACCESS))
		return false;
	if ((access & (IB_ACCESS_REMOTE_WRITE | IB_ACCESS_REMOTE_ATOMIC)) &&
	    !(base->access & IB_ACCESS_LOCAL_WRITE))
		return false;
	return mrc_mr_in_range(base, sqe->bind.addr, sqe->bind.length);
}

/**
 * mrc_mw_bind - work request BIND_MW
 * @qp: the QP it was posted to
 * @sqe: the work request; a length of 0 unbinds
 *
 * Softirqs disabled; the caller holds no reference to an MR. Return: 0 or
 * -EINVAL: the window is as it was.
 */
int mrc_mw_bind(struct mrc_qp *qp, const struct mrc_sqe *sqe)
{
	struct mrc_mr *mw, *base = NULL;
	int err = -EINVAL;

	if (sqe->bind.length) {
		base = mrc_mr_lookup(qp->dev, sqe->bind.lkey);
		if (!base)
			return -EINVAL;
		if (!mrc_mw_allowed(base, qp, sqe))
			goto drop;
	}
	/* RCU keeps the window: its references are being counted. */
	rcu_read_lock();
	mw = xa_load(&qp->dev->mrs, sqe->bind.rkey >> 8);
	if (mw && mw->type == MRC_MR_MW && mw->pd == qp->ibqp.pd &&
	    mrc_mw_begin(mw)) {
		mw->iova = sqe->bind.addr;
		mw->length = sqe->bind.length;
		mw->access = sqe->bind.access;
		mw->qpn = qp->qpn;
		mw->base = base;
		mw->base_key = sqe->bind.lkey;
		mw->base_serial = base ? base->serial : 0;
		WRITE_ONCE(mw->key, sqe->bind.rkey);
		/* Pairs with mrc_mr_lookup(): whoever finds it sees all that. */
		smp_store_release(&mw->state,
				  base ? MRC_MR_VALID : MRC_MR_FREE);
		err = 0;
	}
	rcu_read_unlock();
drop:
	if (base)
		mrc_mr_drop(base);
	return err;
}
