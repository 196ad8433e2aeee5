// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The ibv_wr_*() way of posting. Entries are built in the ring, beyond prod,
 * where the kernel does not look; ibv_wr_complete() hands over the lot or, if
 * any of it was wrong, none.
 */
#include <errno.h>
#include <string.h>

#include "mrc.h"

enum {
	MRC_WR_FLAGS = IBV_SEND_FENCE | IBV_SEND_SIGNALED | IBV_SEND_SOLICITED,

	MRC_UD_OPS = IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM,

	MRC_RC_OPS = MRC_UD_OPS | IBV_QP_EX_WITH_RDMA_WRITE |
		     IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM |
		     IBV_QP_EX_WITH_RDMA_READ |
		     IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
		     IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD |
		     IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_BIND_MW |
		     IBV_QP_EX_WITH_SEND_WITH_INV,
};

static void fail(struct mrc_qp *qp, int err)
{
	if (!qp->wr_err)
		qp->wr_err = err;
	/* setters of this request find nothing to set */
	qp->wr_cur = NULL;
}

static struct mrc_sqe *begin(struct ibv_qp_ex *ibqp, uint32_t opcode)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);
	struct mrc_sqe *sqe;

	if (qp->wr_err)
		return NULL;

	if (mrc_wq_full(&qp->sq, qp->sq.prod)) {
		fail(qp, ENOMEM);
		return NULL;
	}
	/* inline data announces itself by its setter */
	if (ibqp->wr_flags & ~(MRC_WR_FLAGS | IBV_SEND_INLINE)) {
		fail(qp, EINVAL);
		return NULL;
	}

	sqe = mrc_ring_entry(&qp->sq.map, qp->sq.prod++);
	memset(sqe, 0, sizeof(*sqe));
	sqe->wr_id = ibqp->wr_id;
	sqe->opcode = opcode;
	sqe->flags = ibqp->wr_flags & MRC_WR_FLAGS;
	if (qp->sig_all)
		sqe->flags |= MRC_SQE_SIGNALED;
	qp->wr_cur = sqe;
	return sqe;
}

static struct mrc_sqe *begin_rdma(struct ibv_qp_ex *ibqp, uint32_t opcode,
				  uint32_t rkey, uint64_t remote_addr)
{
	struct mrc_sqe *sqe = begin(ibqp, opcode);

	if (sqe) {
		sqe->rdma.remote_addr = remote_addr;
		sqe->rdma.rkey = rkey;
	}
	return sqe;
}

static void wr_send(struct ibv_qp_ex *ibqp)
{
	begin(ibqp, IBV_WR_SEND);
}

static void wr_send_imm(struct ibv_qp_ex *ibqp, __be32 imm)
{
	struct mrc_sqe *sqe = begin(ibqp, IBV_WR_SEND_WITH_IMM);

	if (sqe)
		sqe->imm = (__u32)imm;
}

static void wr_send_inv(struct ibv_qp_ex *ibqp, uint32_t rkey)
{
	struct mrc_sqe *sqe = begin(ibqp, IBV_WR_SEND_WITH_INV);

	if (sqe)
		sqe->imm = rkey;
}

static void wr_local_inv(struct ibv_qp_ex *ibqp, uint32_t rkey)
{
	struct mrc_sqe *sqe = begin(ibqp, IBV_WR_LOCAL_INV);

	if (sqe)
		sqe->imm = rkey;
}

static void wr_bind_mw(struct ibv_qp_ex *ibqp, struct ibv_mw *mw, uint32_t rkey,
		       const struct ibv_mw_bind_info *info)
{
	struct mrc_sqe *sqe = begin(ibqp, IBV_WR_BIND_MW);
	int err;

	if (!sqe)
		return;
	err = mrc_put_bind(sqe, mw, rkey, info);
	if (err)
		fail(to_mqp_ex(ibqp), err);
}

static void wr_rdma_write(struct ibv_qp_ex *ibqp, uint32_t rkey,
			  uint64_t remote_addr)
{
	begin_rdma(ibqp, IBV_WR_RDMA_WRITE, rkey, remote_addr);
}

static void wr_rdma_write_imm(struct ibv_qp_ex *ibqp, uint32_t rkey,
			      uint64_t remote_addr, __be32 imm)
{
	struct mrc_sqe *sqe = begin_rdma(ibqp, IBV_WR_RDMA_WRITE_WITH_IMM,
					 rkey, remote_addr);

	if (sqe)
		sqe->imm = (__u32)imm;
}

static void wr_rdma_read(struct ibv_qp_ex *ibqp, uint32_t rkey,
			 uint64_t remote_addr)
{
	begin_rdma(ibqp, IBV_WR_RDMA_READ, rkey, remote_addr);
}

static void wr_atomic_cmp_swp(struct ibv_qp_ex *ibqp, uint32_t rkey,
			      uint64_t remote_addr, uint64_t compare,
			      uint64_t swap)
{
	struct mrc_sqe *sqe = begin_rdma(ibqp, IBV_WR_ATOMIC_CMP_AND_SWP,
					 rkey, remote_addr);

	if (sqe) {
		sqe->rdma.compare_add = compare;
		sqe->rdma.swap = swap;
	}
}

static void wr_atomic_fetch_add(struct ibv_qp_ex *ibqp, uint32_t rkey,
				uint64_t remote_addr, uint64_t add)
{
	struct mrc_sqe *sqe = begin_rdma(ibqp, IBV_WR_ATOMIC_FETCH_AND_ADD,
					 rkey, remote_addr);

	if (sqe)
		sqe->rdma.compare_add = add;
}

static void wr_set_ud_addr(struct ibv_qp_ex *ibqp, struct ibv_ah *ah,
			   uint32_t remote_qpn, uint32_t remote_qkey)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);

	if (!qp->wr_cur)
		return;
	if (!ah) {
		fail(qp, EINVAL);
		return;
	}

	qp->wr_cur->ud.remote_qpn = remote_qpn;
	qp->wr_cur->ud.remote_qkey = remote_qkey;
	qp->wr_cur->ud.ah_num = to_mah(ah)->ah_num;
}

static void wr_set_sge_list(struct ibv_qp_ex *ibqp, size_t num_sge,
			    const struct ibv_sge *sg_list)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);
	struct mrc_sqe *sqe = qp->wr_cur;

	if (!sqe)
		return;
	if (num_sge > qp->sq.max_sge) {
		fail(qp, EINVAL);
		return;
	}

	if (num_sge)
		memcpy(sqe->sge, sg_list, num_sge * sizeof(*sqe->sge));
	sqe->num_sge = num_sge;
}

static void wr_set_sge(struct ibv_qp_ex *ibqp, uint32_t lkey, uint64_t addr,
		       uint32_t length)
{
	struct ibv_sge sge = { .addr = addr, .length = length, .lkey = lkey };

	wr_set_sge_list(ibqp, 1, &sge);
}

static void wr_set_inline_data_list(struct ibv_qp_ex *ibqp, size_t num_buf,
				    const struct ibv_data_buf *buf_list)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);
	struct mrc_sqe *sqe = qp->wr_cur;
	uint32_t len = 0;
	size_t i;

	if (!sqe)
		return;

	switch (sqe->opcode) {
	case IBV_WR_SEND:
	case IBV_WR_SEND_WITH_IMM:
	case IBV_WR_SEND_WITH_INV:
	case IBV_WR_RDMA_WRITE:
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		break;
	default:
		fail(qp, EINVAL);
		return;
	}

	for (i = 0; i < num_buf; i++) {
		if (buf_list[i].length > qp->sq.max_inline - len) {
			fail(qp, EINVAL);
			return;
		}
		memcpy(sqe->data + len, buf_list[i].addr, buf_list[i].length);
		len += buf_list[i].length;
	}
	sqe->inline_len = len;
	sqe->flags |= MRC_SQE_INLINE;
}

static void wr_set_inline_data(struct ibv_qp_ex *ibqp, void *addr,
			       size_t length)
{
	struct ibv_data_buf buf = { .addr = addr, .length = length };

	wr_set_inline_data_list(ibqp, 1, &buf);
}

static void wr_start(struct ibv_qp_ex *ibqp)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);

	mrc_lock(&qp->sq.lock);
	qp->wr_first = qp->sq.prod;
	qp->wr_cur = NULL;
	qp->wr_err = mrc_sq_check_state(&ibqp->qp_base);
}

static int wr_complete(struct ibv_qp_ex *ibqp)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);
	bool doorbell = false;
	int err = qp->wr_err;

	if (err)
		qp->sq.prod = qp->wr_first;
	else if (qp->sq.prod != qp->wr_first)
		doorbell = mrc_ring_publish(&qp->sq.map, qp->sq.prod);
	mrc_unlock(&qp->sq.lock);

	if (doorbell)
		err = mrc_ring_sq(qp);
	return err;
}

static void wr_abort(struct ibv_qp_ex *ibqp)
{
	struct mrc_qp *qp = to_mqp_ex(ibqp);

	qp->sq.prod = qp->wr_first;
	mrc_unlock(&qp->sq.lock);
}

/**
 * mrc_wr_ops_supported - can a QP of this type offer these operations?
 * @type: IBV_QPT_RC or IBV_QPT_UD
 * @ops: of enum ibv_qp_create_send_ops_flags
 */
bool mrc_wr_ops_supported(enum ibv_qp_type type, uint64_t ops)
{
	return !(ops & ~(uint64_t)(type == IBV_QPT_UD ? MRC_UD_OPS :
							MRC_RC_OPS));
}

/**
 * mrc_qp_set_wr_ops - make a QP an extended one
 * @qp: the QP, whose type is set
 */
void mrc_qp_set_wr_ops(struct mrc_qp *qp)
{
	struct ibv_qp_ex *ex = &qp->vqp.qp_ex;

	ex->wr_start = wr_start;
	ex->wr_complete = wr_complete;
	ex->wr_abort = wr_abort;

	ex->wr_send = wr_send;
	ex->wr_send_imm = wr_send_imm;
	ex->wr_set_sge = wr_set_sge;
	ex->wr_set_sge_list = wr_set_sge_list;
	ex->wr_set_inline_data = wr_set_inline_data;
	ex->wr_set_inline_data_list = wr_set_inline_data_list;

	if (ex->qp_base.qp_type == IBV_QPT_UD) {
		ex->wr_set_ud_addr = wr_set_ud_addr;
		return;
	}

	ex->wr_send_inv = wr_send_inv;
	ex->wr_local_inv = wr_local_inv;
	ex->wr_bind_mw = wr_bind_mw;
	ex->wr_rdma_write = wr_rdma_write;
	ex->wr_rdma_write_imm = wr_rdma_write_imm;
	ex->wr_rdma_read = wr_rdma_read;
	ex->wr_atomic_cmp_swp = wr_atomic_cmp_swp;
	ex->wr_atomic_fetch_add = wr_atomic_fetch_add;
}
