// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Queue pairs: creation, state changes, posting. */
#include <rdma/ib_cache.h>
#include <rdma/ib_user_verbs.h>

#include "mrc.h"

/**
 * mrc_qp_put - drop a reference
 * @qp: QP
 */
void mrc_qp_put(struct mrc_qp *qp)
{
	if (refcount_dec_and_test(&qp->ref))
		complete(&qp->released);
}

/**
 * mrc_qp_get - find a QP
 * @dev: device
 * @qpn: its number; 1 is the GSI QP
 *
 * Return: a reference or NULL. Any context.
 */
struct mrc_qp *mrc_qp_get(struct mrc_dev *dev, u32 qpn)
{
	struct mrc_qp *qp;

	rcu_read_lock();
	qp = qpn == 1 ? rcu_dereference(dev->gsi_qp) : xa_load(&dev->qps, qpn);
	if (qp && !refcount_inc_not_zero(&qp->ref))
		qp = NULL;
	rcu_read_unlock();
	return qp;
}

static int check_init(struct mrc_dev *dev, const struct ib_qp_init_attr *init)
{
	const struct ib_qp_cap *cap = &init->cap;

	switch (init->qp_type) {
	case IB_QPT_RC:
	case IB_QPT_UD:
	case IB_QPT_GSI:
		break;
	default:
		ibdev_dbg(&dev->ibdev, "QP type %d not supported\n",
			  init->qp_type);
		return -EOPNOTSUPP;
	}
	if (init->create_flags) {
		ibdev_dbg(&dev->ibdev, "QP flags 0x%x not supported\n",
			  init->create_flags);
		return -EOPNOTSUPP;
	}
	if (!init->send_cq || !init->recv_cq ||
	    cap->max_send_wr > MRC_MAX_QP_WR ||
	    cap->max_send_sge > MRC_MAX_SGE ||
	    cap->max_inline_data > MRC_MAX_INLINE ||
	    (!init->srq && (cap->max_recv_wr > MRC_MAX_QP_WR ||
			    cap->max_recv_sge > MRC_MAX_SGE))) {
		ibdev_dbg(&dev->ibdev, "QP capabilities out of range\n");
		return -EINVAL;
	}
	return 0;
}

static int alloc_rings(struct mrc_qp *qp, struct ib_qp_init_attr *init,
		       struct ib_ucontext *uc, struct mrc_uresp_create_qp *resp)
{
	struct ib_qp_cap *cap = &init->cap;
	u32 room = max_t(u32, cap->max_send_sge * sizeof(struct mrc_sge),
			 cap->max_inline_data);
	int err;

	err = mrc_ring_alloc(&qp->sq, max_t(u32, cap->max_send_wr, 1),
			     sizeof(struct mrc_sqe) + room, uc, &resp->sq);
	if (err)
		return err;
	qp->sq.hdr->want_doorbell = 1;
	/* what the entries have room for anyway is free to use */
	cap->max_inline_data = min_t(u32, MRC_MAX_INLINE, qp->sq.entry_size -
				     sizeof(struct mrc_sqe));
	if (init->srq) {
		cap->max_recv_wr = 0;
		cap->max_recv_sge = 0;
		return 0;
	}
	err = mrc_ring_alloc(&qp->rq, max_t(u32, cap->max_recv_wr, 1),
			     sizeof(struct mrc_rqe) +
			     cap->max_recv_sge * sizeof(struct mrc_sge), uc,
			     &resp->rq);
	if (err)
		mrc_ring_free(&qp->sq);
	return err;
}

static void free_rings(struct mrc_qp *qp)
{
	mrc_ring_free(&qp->sq);
	if (qp->rq.hdr)
		mrc_ring_free(&qp->rq);
}

static int assign_qpn(struct mrc_dev *dev, struct mrc_qp *qp)
{
	int err;

	if (qp->ibqp.qp_type == IB_QPT_GSI) {
		qp->qpn = 1;
		/* the core makes one GSI QP per port */
		if (rcu_access_pointer(dev->gsi_qp))
			return -EBUSY;
		rcu_assign_pointer(dev->gsi_qp, qp);
		return 0;
	}
	err = xa_alloc_cyclic(&dev->qps, &qp->qpn, qp,
			      XA_LIMIT(MRC_MIN_QPN, MRC_QPN_MASK - 1),
			      &dev->next_qpn, GFP_KERNEL);
	return err < 0 ? err : 0;
}

static void remove_qpn(struct mrc_dev *dev, struct mrc_qp *qp)
{
	if (qp->qpn == 1)
		RCU_INIT_POINTER(dev->gsi_qp, NULL);
	else
		xa_erase(&dev->qps, qp->qpn);
}

static int mrc_create_qp(struct ib_qp *ibqp, struct ib_qp_init_attr *init,
			 struct ib_udata *udata)
{
	struct mrc_dev *dev = to_mdev(ibqp->device);
	struct mrc_qp *qp = to_mqp(ibqp);
	struct mrc_uresp_create_qp resp = {};
	struct ib_ucontext *uc = NULL;
	int err;

	err = check_init(dev, init);
	if (err)
		return err;
	if (udata) {
		struct mrc_ucontext *muc =
			rdma_udata_to_drv_context(udata, struct mrc_ucontext,
						  ibuc);

		uc = &muc->ibuc;
		if (udata->outlen < sizeof(resp))
			return -EINVAL;
	}
	if (atomic_inc_return(&dev->num_qp) > MRC_MAX_QP) {
		err = -ENOMEM;
		goto err_num;
	}

	qp->dev = dev;
	qp->user = uc;
	qp->sq_sig_all = init->sq_sig_type == IB_SIGNAL_ALL_WR;
	qp->srq = init->srq ? to_msrq(init->srq) : NULL;
	qp->state = IB_QPS_RESET;
	qp->attr.qp_state = IB_QPS_RESET;
	qp->ibqp.qp_type = init->qp_type;
	qp->ibqp.srq = init->srq;
	refcount_set(&qp->ref, 1);
	init_completion(&qp->released);
	mutex_init(&qp->modify_lock);
	mrc_msg_init(qp);

	err = alloc_rings(qp, init, uc, &resp);
	if (err)
		goto err_num;
	qp->cap = init->cap;
	err = assign_qpn(dev, qp);
	if (err)
		goto err_rings;
	ibqp->qp_num = qp->qpn;

	if (udata) {
		err = ib_copy_to_udata(udata, &resp, sizeof(resp));
		if (err)
			goto err_qpn;
	}
	return 0;

err_qpn:
	remove_qpn(dev, qp);
	mrc_qp_put(qp);
	wait_for_completion(&qp->released);
	synchronize_rcu();
err_rings:
	free_rings(qp);
err_num:
	atomic_dec(&dev->num_qp);
	return err;
}

static int mrc_destroy_qp(struct ib_qp *ibqp, struct ib_udata *udata)
{
	struct mrc_qp *qp = to_mqp(ibqp);

	remove_qpn(qp->dev, qp);
	mrc_msg_stop(qp);
	mrc_qp_put(qp);
	wait_for_completion(&qp->released);
	/* somebody may have found the QP and be about to fail to get it */
	synchronize_rcu_expedited();
	/* the last reference may have armed the timer once more */
	hrtimer_cancel(&qp->timer);
	if (!qp->user) {
		mrc_cq_clean(to_mcq(ibqp->send_cq), qp->qpn);
		mrc_cq_clean(to_mcq(ibqp->recv_cq), qp->qpn);
	}
	free_rings(qp);
	atomic_dec(&qp->dev->num_qp);
	return 0;
}

/* ------------------------------------------------------ modify */

static int check_values(struct mrc_qp *qp, const struct ib_qp_attr *a, int mask)
{
	struct ib_port_attr port;
	int err;

	if ((mask & IB_QP_PORT) && a->port_num != 1)
		return -EINVAL;
	if ((mask & IB_QP_PKEY_INDEX) && a->pkey_index)
		return -EINVAL;
	if ((mask & IB_QP_TIMEOUT) && a->timeout > 31)
		return -EINVAL;
	if ((mask & IB_QP_RETRY_CNT) && a->retry_cnt > 7)
		return -EINVAL;
	if ((mask & IB_QP_RNR_RETRY) && a->rnr_retry > 7)
		return -EINVAL;
	if ((mask & IB_QP_MIN_RNR_TIMER) && a->min_rnr_timer > 31)
		return -EINVAL;
	if ((mask & IB_QP_MAX_QP_RD_ATOMIC) &&
	    a->max_rd_atomic > MRC_MAX_RD_ATOMIC)
		return -EINVAL;
	if ((mask & IB_QP_MAX_DEST_RD_ATOMIC) &&
	    a->max_dest_rd_atomic > MRC_MAX_RD_ATOMIC)
		return -EINVAL;
	if (mask & IB_QP_ALT_PATH)	/* planes make APM superfluous */
		return -EINVAL;
	if (mask & IB_QP_CAP)
		return -EINVAL;
	if ((mask & IB_QP_AV) &&
	    (!(rdma_ah_get_ah_flags(&a->ah_attr) & IB_AH_GRH) ||
	     !rdma_ah_read_grh(&a->ah_attr)->sgid_attr))
		return -EINVAL;
	if (mask & IB_QP_PATH_MTU) {
		err = ib_query_port(&qp->dev->ibdev, 1, &port);
		if (err)
			return err;
		if (a->path_mtu < IB_MTU_256 || a->path_mtu > port.active_mtu)
			return -EINVAL;
	}
	return 0;
}

/* Copy what @mask names; qp->lock held. */
static void set_values(struct mrc_qp *qp, const struct ib_qp_attr *a, int mask)
{
	struct ib_qp_attr *q = &qp->attr;

	if (mask & IB_QP_ACCESS_FLAGS)
		q->qp_access_flags = a->qp_access_flags;
	if (mask & IB_QP_QKEY)
		q->qkey = a->qkey;
	if (mask & IB_QP_PORT)
		q->port_num = a->port_num;
	if (mask & IB_QP_AV) {
		q->ah_attr = a->ah_attr;
		/* the core holds that reference, in ib_qp */
		q->ah_attr.grh.sgid_attr = NULL;
	}
	if (mask & IB_QP_PATH_MTU) {
		q->path_mtu = a->path_mtu;
		qp->mtu = ib_mtu_enum_to_int(a->path_mtu);
	}
	if (mask & IB_QP_TIMEOUT)
		q->timeout = a->timeout;
	if (mask & IB_QP_RETRY_CNT)
		q->retry_cnt = a->retry_cnt;
	if (mask & IB_QP_RNR_RETRY)
		q->rnr_retry = a->rnr_retry;
	if (mask & IB_QP_RQ_PSN)
		q->rq_psn = a->rq_psn & MRC_PSN_MASK;
	if (mask & IB_QP_SQ_PSN)
		q->sq_psn = a->sq_psn & MRC_PSN_MASK;
	if (mask & IB_QP_MAX_QP_RD_ATOMIC)
		q->max_rd_atomic = a->max_rd_atomic;
	if (mask & IB_QP_MAX_DEST_RD_ATOMIC)
		q->max_dest_rd_atomic = a->max_dest_rd_atomic;
	if (mask & IB_QP_MIN_RNR_TIMER)
		q->min_rnr_timer = a->min_rnr_timer;
	if (mask & IB_QP_DEST_QPN)
		q->dest_qp_num = a->dest_qp_num & MRC_QPN_MASK;
	if (mask & IB_QP_PATH_MIG_STATE)
		q->path_mig_state = a->path_mig_state;
}

static void to_reset(struct mrc_qp *qp)
{
	mrc_msg_stop(qp);
	if (!qp->user) {
		mrc_cq_clean(to_mcq(qp->ibqp.send_cq), qp->qpn);
		mrc_cq_clean(to_mcq(qp->ibqp.recv_cq), qp->qpn);
	}
	mrc_ring_reset(&qp->sq);
	qp->sq.hdr->want_doorbell = 1;
	if (qp->rq.hdr)
		mrc_ring_reset(&qp->rq);
	qp->req.taken = 0;
	qp->req.awake = false;
	qp->rq_taken = 0;
	memset(&qp->attr, 0, sizeof(qp->attr));
}

static int start_rc(struct mrc_qp *qp, const struct ib_qp_attr *attr)
{
	const struct ib_global_route *grh = rdma_ah_read_grh(&attr->ah_attr);
	struct mrc_peer_key key = {};

	memcpy(&key.remote, &grh->dgid, sizeof(key.remote));
	memcpy(&key.local, &grh->sgid_attr->gid, sizeof(key.local));
	qp->attr.rq_psn = attr->rq_psn & MRC_PSN_MASK;
	/* the peer is told of it; RTR always sets it */
	qp->mtu = ib_mtu_enum_to_int(attr->path_mtu);
	return mrc_msg_start(qp, &key);
}

static int modify_locked(struct mrc_qp *qp, struct ib_qp_attr *attr, int mask)
{
	bool rc = qp->ibqp.qp_type == IB_QPT_RC;
	enum ib_qp_state cur = READ_ONCE(qp->state), new;
	int err;

	if ((mask & IB_QP_CUR_STATE) && attr->cur_qp_state != cur)
		return -EINVAL;
	new = mask & IB_QP_STATE ? attr->qp_state : cur;
	if (!ib_modify_qp_is_ok(cur, new, qp->ibqp.qp_type, mask))
		return -EINVAL;
	err = check_values(qp, attr, mask);
	if (err)
		return err;

	if (new == IB_QPS_RESET) {
		if (cur != IB_QPS_RESET)
			to_reset(qp);
		return 0;
	}
	if (rc && cur == IB_QPS_INIT && new == IB_QPS_RTR) {
		err = start_rc(qp, attr);
		if (err)
			return err;
	}

	spin_lock_bh(&qp->lock);
	if (qp->state != cur) {
		/* it failed meanwhile; only ERR and RESET lead on from there */
		err = new == IB_QPS_ERR ? 0 : -EINVAL;
		goto unlock;
	}
	set_values(qp, attr, mask);
	if (rc && new == IB_QPS_RTS)
		mrc_msg_rts(qp);
	if (new == IB_QPS_SQD && cur != IB_QPS_SQD)
		qp->sqd_notify = (mask & IB_QP_EN_SQD_ASYNC_NOTIFY) &&
				 attr->en_sqd_async_notify;
	if (new == IB_QPS_ERR) {
		mrc_msg_error(qp, MRC_NL_QP_REASON_APPLICATION);
	} else {
		WRITE_ONCE(qp->state, new);
		qp->attr.qp_state = new;
		if (rc && new == IB_QPS_SQD)
			mrc_req_drained(qp);
	}
unlock:
	spin_unlock_bh(&qp->lock);
	if (!err && (new == IB_QPS_RTS || new == IB_QPS_SQD))
		mrc_qp_run(qp);
	return err;
}

static int mrc_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
			 struct ib_udata *udata)
{
	struct mrc_qp *qp = to_mqp(ibqp);
	int err;

	if (mask & ~IB_QP_ATTR_STANDARD_BITS)
		return -EOPNOTSUPP;
	mutex_lock(&qp->modify_lock);
	err = modify_locked(qp, attr, mask);
	mutex_unlock(&qp->modify_lock);
	return err;
}

static int mrc_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
			struct ib_qp_init_attr *init)
{
	struct mrc_qp *qp = to_mqp(ibqp);

	spin_lock_bh(&qp->lock);
	*attr = qp->attr;
	attr->qp_state = qp->state;
	attr->cur_qp_state = qp->state;
	attr->sq_draining = qp->state == IB_QPS_SQD &&
			    !list_empty(&qp->req.wrs);
	attr->cap = qp->cap;
	spin_unlock_bh(&qp->lock);

	init->event_handler = ibqp->event_handler;
	init->qp_context = ibqp->qp_context;
	init->send_cq = ibqp->send_cq;
	init->recv_cq = ibqp->recv_cq;
	init->srq = ibqp->srq;
	init->cap = qp->cap;
	init->sq_sig_type = qp->sq_sig_all ? IB_SIGNAL_ALL_WR :
					     IB_SIGNAL_REQ_WR;
	init->qp_type = ibqp->qp_type;
	return 0;
}

/* ------------------------------------------------------ posting */

static int fill_ud(struct mrc_sqe *sqe, const struct ib_send_wr *wr)
{
	const struct ib_ud_wr *ud = ud_wr(wr);

	if (!ud->ah)
		return -EINVAL;
	sqe->ud.ah_num = to_mah(ud->ah)->ah_num;
	sqe->ud.remote_qpn = ud->remote_qpn;
	sqe->ud.remote_qkey = ud->remote_qkey;
	return 0;
}

static int fill_op(struct mrc_qp *qp, struct mrc_sqe *sqe,
		   const struct ib_send_wr *wr)
{
	if (qp->ibqp.qp_type != IB_QPT_RC)
		return fill_ud(sqe, wr);

	switch (wr->opcode) {
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
	case IB_WR_RDMA_READ:
		sqe->rdma.remote_addr = rdma_wr(wr)->remote_addr;
		sqe->rdma.rkey = rdma_wr(wr)->rkey;
		break;
	case IB_WR_ATOMIC_CMP_AND_SWP:
	case IB_WR_ATOMIC_FETCH_AND_ADD:
		sqe->rdma.remote_addr = atomic_wr(wr)->remote_addr;
		sqe->rdma.rkey = atomic_wr(wr)->rkey;
		sqe->rdma.compare_add = atomic_wr(wr)->compare_add;
		sqe->rdma.swap = atomic_wr(wr)->swap;
		break;
	case IB_WR_REG_MR:
		sqe->reg.mr = (uintptr_t)reg_wr(wr)->mr;
		sqe->reg.key = reg_wr(wr)->key;
		sqe->reg.access = reg_wr(wr)->access;
		break;
	case IB_WR_SEND:
	case IB_WR_SEND_WITH_IMM:
	case IB_WR_SEND_WITH_INV:
	case IB_WR_LOCAL_INV:
		break;
	default:
		return -EOPNOTSUPP;
	}
	return 0;
}

/* A kernel user's work request into the SQ; req.post_lock held. */
static int post_one(struct mrc_qp *qp, const struct ib_send_wr *wr)
{
	struct mrc_sqe *sqe = mrc_ring_entry(&qp->sq, qp->sq.prod);
	u32 used;
	int i, err;

	/* pairs with the release when the requester retires an entry */
	used = qp->sq.prod - smp_load_acquire(&qp->sq.hdr->cons);
	if (used >= max_t(u32, qp->cap.max_send_wr, 1))
		return -ENOMEM;
	if (wr->num_sge < 0 || wr->num_sge > qp->cap.max_send_sge)
		return -EINVAL;
	memset(sqe, 0, sizeof(*sqe));
	sqe->wr_id = wr->wr_id;
	sqe->opcode = wr->opcode;
	sqe->flags = wr->send_flags & (MRC_SQE_FENCE | MRC_SQE_SIGNALED |
				       MRC_SQE_SOLICITED | MRC_SQE_INLINE);
	/* one union: immediate or R_Key */
	sqe->imm = wr->ex.invalidate_rkey;
	err = fill_op(qp, sqe, wr);
	if (err)
		return err;
	if (sqe->flags & MRC_SQE_INLINE) {
		for (i = 0; i < wr->num_sge; i++) {
			const struct ib_sge *s = &wr->sg_list[i];

			if (s->length > qp->cap.max_inline_data -
					sqe->inline_len)
				return -EINVAL;
			memcpy(sqe->data + sqe->inline_len,
			       (void *)(uintptr_t)s->addr, s->length);
			sqe->inline_len += s->length;
		}
	} else {
		sqe->num_sge = wr->num_sge;
		for (i = 0; i < wr->num_sge; i++) {
			sqe->sge[i].addr = wr->sg_list[i].addr;
			sqe->sge[i].length = wr->sg_list[i].length;
			sqe->sge[i].lkey = wr->sg_list[i].lkey;
		}
	}
	/* the entry is complete before the requester sees it */
	smp_store_release(&qp->sq.hdr->prod, ++qp->sq.prod);
	return 0;
}

/*
 * A user's entries are in the ring already: what comes here is the doorbell,
 * without work requests.
 */
static int doorbell(struct mrc_qp *qp, bool wrs)
{
	if (wrs)
		return -EINVAL;
	mrc_count(qp->dev, doorbells);
	mrc_qp_run(qp);
	return 0;
}

static int mrc_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
			 const struct ib_send_wr **bad_wr)
{
	struct mrc_qp *qp = to_mqp(ibqp);
	enum ib_qp_state state;
	unsigned long flags;
	int err = 0;

	if (qp->user) {
		*bad_wr = wr;
		return doorbell(qp, wr);
	}

	state = READ_ONCE(qp->state);
	if (state != IB_QPS_RTS && state != IB_QPS_SQD &&
	    state != IB_QPS_ERR && state != IB_QPS_SQE) {
		*bad_wr = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&qp->req.post_lock, flags);
	for (; wr; wr = wr->next) {
		err = post_one(qp, wr);
		if (err) {
			*bad_wr = wr;
			break;
		}
	}
	spin_unlock_irqrestore(&qp->req.post_lock, flags);
	/* kernel users post with interrupts off and from completion handlers */
	mrc_qp_kick(qp);
	return err;
}

static int mrc_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
			 const struct ib_recv_wr **bad_wr)
{
	struct mrc_qp *qp = to_mqp(ibqp);
	unsigned long flags;
	int err = 0;

	if (qp->user) {
		*bad_wr = wr;
		return doorbell(qp, wr);
	}

	if (qp->srq || READ_ONCE(qp->state) == IB_QPS_RESET) {
		*bad_wr = wr;
		return -EINVAL;
	}
	spin_lock_irqsave(&qp->rq_lock, flags);
	for (; wr; wr = wr->next) {
		err = mrc_ring_post_recv(&qp->rq, max_t(u32, 1,
							qp->cap.max_recv_wr),
					 qp->cap.max_recv_sge, wr);
		if (err) {
			*bad_wr = wr;
			break;
		}
	}
	spin_unlock_irqrestore(&qp->rq_lock, flags);
	if (READ_ONCE(qp->state) == IB_QPS_ERR)
		mrc_qp_kick(qp);
	return err;
}

const struct ib_device_ops mrc_qp_ops = {
	.create_qp = mrc_create_qp,
	.destroy_qp = mrc_destroy_qp,
	.modify_qp = mrc_modify_qp,
	.post_recv = mrc_post_recv,
	.post_send = mrc_post_send,
	.query_qp = mrc_query_qp,

	INIT_RDMA_OBJ_SIZE(ib_qp, mrc_qp, ibqp),
};
