// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Posting work requests: write ring entries, hand them over, ring the doorbell
 * if the kernel has asked for it.
 *
 * Doorbells are uverbs' own post commands with an empty list: the kernel
 * reads it as "look at your ring". Nothing but the object's handle goes in.
 */
#include <errno.h>
#include <string.h>

#include <util/compiler.h>

#include "mrc.h"

enum {
	MRC_SEND_FLAGS = IBV_SEND_FENCE | IBV_SEND_SIGNALED |
			 IBV_SEND_SOLICITED | IBV_SEND_INLINE,
};

/* These go through to the ring as they are. */
static_assert(IBV_SEND_FENCE == MRC_SQE_FENCE &&
	      IBV_SEND_SIGNALED == MRC_SQE_SIGNALED &&
	      IBV_SEND_SOLICITED == MRC_SQE_SOLICITED &&
	      IBV_SEND_INLINE == MRC_SQE_INLINE, "flags differ");
static_assert(sizeof(struct mrc_sge) == sizeof(struct ibv_sge) &&
	      offsetof(struct mrc_sge, addr) == offsetof(struct ibv_sge, addr) &&
	      offsetof(struct mrc_sge, length) ==
	      offsetof(struct ibv_sge, length) &&
	      offsetof(struct mrc_sge, lkey) == offsetof(struct ibv_sge, lkey),
	      "SGEs differ");

/**
 * mrc_sq_check_state - may work be posted to the send queue?
 * @qp: the QP
 *
 * The state is what the application last set or queried. In the error state
 * posting is right: the kernel flushes.
 *
 * Return: 0 or EINVAL.
 */
int mrc_sq_check_state(const struct ibv_qp *qp)
{
	switch (qp->state) {
	case IBV_QPS_RESET:
	case IBV_QPS_INIT:
	case IBV_QPS_RTR:
		return EINVAL;
	default:
		return 0;
	}
}

/**
 * mrc_ring_sq - doorbell of a send queue
 * @qp: the QP
 *
 * Return: 0 or an errno value, which means that the device is gone.
 */
int mrc_ring_sq(struct mrc_qp *qp)
{
	struct ibv_send_wr *bad;

	return ibv_cmd_post_send(&qp->vqp.qp, NULL, &bad);
}

static int put_inline(struct mrc_sqe *sqe, const struct ibv_send_wr *wr,
		      uint32_t max)
{
	uint32_t len = 0;
	int i;

	for (i = 0; i < wr->num_sge; i++) {
		const struct ibv_sge *sge = &wr->sg_list[i];

		if (sge->length > max - len)
			return EINVAL;
		memcpy(sqe->data + len, (void *)(uintptr_t)sge->addr,
		       sge->length);
		len += sge->length;
	}
	sqe->inline_len = len;
	return 0;
}

static int put_remote(struct mrc_sqe *sqe, const struct ibv_send_wr *wr)
{
	switch (wr->opcode) {
	case IBV_WR_SEND:
		break;
	case IBV_WR_SEND_WITH_IMM:
		sqe->imm = (__u32)wr->imm_data;
		break;
	case IBV_WR_SEND_WITH_INV:
	case IBV_WR_LOCAL_INV:
		sqe->imm = wr->invalidate_rkey;
		break;
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		sqe->imm = (__u32)wr->imm_data;
		SWITCH_FALLTHROUGH;
	case IBV_WR_RDMA_WRITE:
	case IBV_WR_RDMA_READ:
		sqe->rdma.remote_addr = wr->wr.rdma.remote_addr;
		sqe->rdma.rkey = wr->wr.rdma.rkey;
		break;
	case IBV_WR_ATOMIC_CMP_AND_SWP:
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		sqe->rdma.remote_addr = wr->wr.atomic.remote_addr;
		sqe->rdma.rkey = wr->wr.atomic.rkey;
		sqe->rdma.compare_add = wr->wr.atomic.compare_add;
		sqe->rdma.swap = wr->wr.atomic.swap;
		break;
	case IBV_WR_BIND_MW:
		return mrc_put_bind(sqe, wr->bind_mw.mw, wr->bind_mw.rkey,
				    &wr->bind_mw.bind_info);
	default:
		return EINVAL;
	}
	return 0;
}

static int put_ud(struct mrc_sqe *sqe, const struct ibv_send_wr *wr)
{
	if (!wr->wr.ud.ah)
		return EINVAL;

	switch (wr->opcode) {
	case IBV_WR_SEND:
		break;
	case IBV_WR_SEND_WITH_IMM:
		sqe->imm = (__u32)wr->imm_data;
		break;
	default:
		return EINVAL;
	}

	sqe->ud.remote_qpn = wr->wr.ud.remote_qpn;
	sqe->ud.remote_qkey = wr->wr.ud.remote_qkey;
	sqe->ud.ah_num = to_mah(wr->wr.ud.ah)->ah_num;
	return 0;
}

/* Does the operation send data of ours, so that it can be inline? */
static bool has_payload(uint32_t opcode)
{
	switch (opcode) {
	case IBV_WR_RDMA_READ:
	case IBV_WR_ATOMIC_CMP_AND_SWP:
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
	case IBV_WR_LOCAL_INV:
	case IBV_WR_BIND_MW:
		return false;
	default:
		return true;
	}
}

static int put_sqe(struct mrc_qp *qp, struct mrc_sqe *sqe,
		   const struct ibv_send_wr *wr)
{
	int ret;

	if ((unsigned int)wr->num_sge > qp->sq.max_sge ||
	    wr->send_flags & ~MRC_SEND_FLAGS)
		return EINVAL;

	memset(sqe, 0, sizeof(*sqe));
	sqe->wr_id = wr->wr_id;
	sqe->opcode = wr->opcode;
	sqe->flags = wr->send_flags;
	if (qp->sig_all)
		sqe->flags |= MRC_SQE_SIGNALED;

	if (qp->vqp.qp.qp_type == IBV_QPT_UD)
		ret = put_ud(sqe, wr);
	else
		ret = put_remote(sqe, wr);
	if (ret)
		return ret;

	if (wr->send_flags & IBV_SEND_INLINE) {
		if (!has_payload(wr->opcode))
			return EINVAL;
		return put_inline(sqe, wr, qp->sq.max_inline);
	}

	if (wr->opcode == IBV_WR_LOCAL_INV || wr->opcode == IBV_WR_BIND_MW)
		return 0;

	sqe->num_sge = wr->num_sge;
	if (wr->num_sge)
		memcpy(sqe->sge, wr->sg_list,
		       wr->num_sge * sizeof(*sqe->sge));
	return 0;
}

int mrc_post_send(struct ibv_qp *ibqp, struct ibv_send_wr *wr,
		  struct ibv_send_wr **bad_wr)
{
	struct mrc_qp *qp = to_mqp(ibqp);
	struct ibv_send_wr *first = wr;
	struct mrc_wq *sq = &qp->sq;
	bool doorbell = false;
	uint32_t prod;
	int ret, err;

	mrc_lock(&sq->lock);

	prod = sq->prod;
	ret = mrc_sq_check_state(ibqp);
	for (; wr && !ret; wr = wr->next) {
		if (mrc_wq_full(sq, prod))
			ret = ENOMEM;
		else
			ret = put_sqe(qp, mrc_ring_entry(&sq->map, prod), wr);
		if (ret)
			break;
		prod++;
	}

	/* what precedes a bad request is posted */
	if (prod != sq->prod) {
		sq->prod = prod;
		doorbell = mrc_ring_publish(&sq->map, prod);
	}

	mrc_unlock(&sq->lock);

	if (ret)
		*bad_wr = wr;

	if (doorbell) {
		err = mrc_ring_sq(qp);
		if (err) {
			*bad_wr = first;
			return err;
		}
	}
	return ret;
}

/*
 * What posting a list comes to: @ret says what was wrong with @wr, @err of the
 * doorbell that nothing from @first on will be looked at.
 */
static int posted(int ret, int err, struct ibv_recv_wr *first,
		  struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr)
{
	if (ret)
		*bad_wr = wr;
	if (err)
		*bad_wr = first;
	return err ? err : ret;
}

/*
 * Write a list of receive requests. @wr is moved to the first one that was
 * not taken. Caller holds the queue's lock.
 */
static int put_recvs(struct mrc_wq *rq, struct ibv_recv_wr **wr, bool *doorbell)
{
	uint32_t prod = rq->prod;
	int ret = 0;

	for (; *wr; *wr = (*wr)->next) {
		const struct ibv_recv_wr *r = *wr;
		struct mrc_rqe *rqe;

		if ((unsigned int)r->num_sge > rq->max_sge) {
			ret = EINVAL;
			break;
		}
		if (mrc_wq_full(rq, prod)) {
			ret = ENOMEM;
			break;
		}

		rqe = mrc_ring_entry(&rq->map, prod);
		rqe->wr_id = r->wr_id;
		rqe->num_sge = r->num_sge;
		rqe->rsvd = 0;
		if (r->num_sge)
			memcpy(rqe->sge, r->sg_list,
			       r->num_sge * sizeof(*rqe->sge));
		prod++;
	}

	if (prod != rq->prod) {
		rq->prod = prod;
		*doorbell = mrc_ring_publish(&rq->map, prod);
	}
	return ret;
}

int mrc_post_recv(struct ibv_qp *ibqp, struct ibv_recv_wr *wr,
		  struct ibv_recv_wr **bad_wr)
{
	struct ibv_recv_wr *first = wr, *none;
	struct mrc_qp *qp = to_mqp(ibqp);
	bool doorbell = false;
	int ret, err = 0;

	mrc_lock(&qp->rq.lock);
	if (ibqp->state == IBV_QPS_RESET || !qp->rq.map.hdr)
		ret = EINVAL;
	else
		ret = put_recvs(&qp->rq, &wr, &doorbell);
	mrc_unlock(&qp->rq.lock);

	if (doorbell)
		err = ibv_cmd_post_recv(ibqp, NULL, &none);
	return posted(ret, err, first, wr, bad_wr);
}

int mrc_post_srq_recv(struct ibv_srq *ibsrq, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad_wr)
{
	struct ibv_recv_wr *first = wr, *none;
	struct mrc_srq *srq = to_msrq(ibsrq);
	bool doorbell = false;
	int ret, err = 0;

	mrc_lock(&srq->rq.lock);
	if (srq->lost)
		ret = EIO;
	else
		ret = put_recvs(&srq->rq, &wr, &doorbell);
	mrc_unlock(&srq->rq.lock);

	if (doorbell)
		err = ibv_cmd_post_srq_recv(ibsrq, NULL, &none);
	return posted(ret, err, first, wr, bad_wr);
}
