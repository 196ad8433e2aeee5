// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Queue pairs as objects: create, modify, query, destroy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

struct mrc_create_qp_resp {
	struct ib_uverbs_create_qp_resp	base;
	struct mrc_uresp_create_qp	drv;
};

static_assert(offsetof(struct mrc_create_qp_resp, drv) ==
	      sizeof(struct ib_uverbs_create_qp_resp), "padding");

static int map_wq(struct mrc_wq *wq, int fd, const struct mrc_mmap_info *info,
		  size_t min_entry)
{
	int ret;

	if (!info->size) {
		/* no ring: a queue of length 0, or an SRQ's work */
		wq->max_wr = 0;
		return 0;
	}

	ret = mrc_ring_mmap(&wq->map, fd, info, min_entry);
	if (ret)
		return ret;

	if (wq->max_wr > wq->map.mask + 1) {
		mrc_ring_unmap(&wq->map);
		return EINVAL;
	}

	mrc_wq_sync(wq);
	return 0;
}

static int map_queues(struct mrc_qp *qp, int fd, const struct ibv_qp_cap *cap,
		      const struct mrc_uresp_create_qp *resp)
{
	size_t data = cap->max_send_sge * sizeof(struct mrc_sge);
	int ret;

	if (data < cap->max_inline_data)
		data = cap->max_inline_data;

	qp->sq.max_wr = cap->max_send_wr;
	qp->sq.max_sge = cap->max_send_sge;
	qp->sq.max_inline = cap->max_inline_data;
	ret = map_wq(&qp->sq, fd, &resp->sq, sizeof(struct mrc_sqe) + data);
	if (ret)
		return ret;

	qp->rq.max_wr = cap->max_recv_wr;
	qp->rq.max_sge = cap->max_recv_sge;
	ret = map_wq(&qp->rq, fd, &resp->rq, sizeof(struct mrc_rqe) +
		     cap->max_recv_sge * sizeof(struct mrc_sge));
	if (ret)
		mrc_ring_unmap(&qp->sq.map);
	return ret;
}

struct ibv_qp *mrc_create_qp_ex(struct ibv_context *ctx,
				struct ibv_qp_init_attr_ex *attr)
{
	bool ex = attr->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	struct ibv_qp_init_attr_ex known = *attr;
	struct mrc_create_qp_resp resp = {};
	struct ibv_create_qp cmd = {};
	bool single_threaded;
	struct mrc_qp *qp;
	int ret;

	if (!check_comp_mask(attr->comp_mask, IBV_QP_INIT_ATTR_PD |
			     IBV_QP_INIT_ATTR_CREATE_FLAGS |
			     IBV_QP_INIT_ATTR_SEND_OPS_FLAGS) ||
	    (attr->comp_mask & IBV_QP_INIT_ATTR_CREATE_FLAGS &&
	     attr->create_flags) ||
	    (attr->qp_type != IBV_QPT_RC && attr->qp_type != IBV_QPT_UD) ||
	    (ex && !mrc_wr_ops_supported(attr->qp_type,
					 attr->send_ops_flags))) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	if (!(attr->comp_mask & IBV_QP_INIT_ATTR_PD) || !attr->pd) {
		errno = EINVAL;
		return NULL;
	}

	qp = calloc(1, sizeof(*qp));
	if (!qp)
		return NULL;

	/* no flags are no flags: the command knows of none */
	known.comp_mask &= ~IBV_QP_INIT_ATTR_CREATE_FLAGS;
	ret = ibv_cmd_create_qp_ex(ctx, &qp->vqp, &known, &cmd, sizeof(cmd),
				   &resp.base, sizeof(resp));
	if (ret)
		goto err_free;
	attr->cap = known.cap;

	ret = map_queues(qp, ctx->cmd_fd, &attr->cap, &resp.drv);
	if (ret) {
		ibv_cmd_destroy_qp(&qp->vqp.qp);
		goto err_free;
	}

	single_threaded = mrc_pd_single_threaded(attr->pd);
	mrc_lock_init(&qp->sq.lock, !single_threaded);
	mrc_lock_init(&qp->rq.lock, !single_threaded);
	qp->sig_all = attr->sq_sig_all;
	if (ex) {
		mrc_qp_set_wr_ops(qp);
		qp->vqp.comp_mask |= VERBS_QP_EX;
	}
	mrc_context_get(ctx);
	return &qp->vqp.qp;

err_free:
	free(qp);
	errno = ret;
	return NULL;
}

struct ibv_qp *mrc_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct ibv_qp_init_attr_ex ex = {
		.qp_context = attr->qp_context,
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.srq = attr->srq,
		.cap = attr->cap,
		.qp_type = attr->qp_type,
		.sq_sig_all = attr->sq_sig_all,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = pd,
	};
	struct ibv_qp *qp;

	qp = mrc_create_qp_ex(pd->context, &ex);
	if (qp)
		attr->cap = ex.cap;
	return qp;
}

int mrc_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		 struct ibv_qp_init_attr *init_attr)
{
	struct ibv_query_qp cmd = {};

	return ibv_cmd_query_qp(qp, attr, mask, init_attr, &cmd, sizeof(cmd));
}

/*
 * Packets are placed as they arrive, by whichever CPU they arrive at. That the
 * last one is placed after all others, which is the default, makes the last
 * byte of a message fit to be polled; it promises nothing of the order among
 * the rest, nor of an aligned block that two packets share.
 */
int mrc_query_qp_data_in_order(struct ibv_qp *qp, enum ibv_wr_opcode op,
			       uint32_t flags)
{
	return 0;
}

static void forget_completions(struct ibv_qp *qp)
{
	if (qp->send_cq)
		mrc_cq_forget_qp(to_mcq(qp->send_cq), qp->qp_num);
	if (qp->recv_cq && qp->recv_cq != qp->send_cq)
		mrc_cq_forget_qp(to_mcq(qp->recv_cq), qp->qp_num);
}

/* The kernel has emptied the rings: follow it. Caller holds both locks. */
static void reset_queues(struct mrc_qp *qp)
{
	if (qp->sq.map.hdr)
		mrc_wq_sync(&qp->sq);
	if (qp->rq.map.hdr)
		mrc_wq_sync(&qp->rq);
}

int mrc_modify_qp(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask)
{
	bool reset = (mask & IBV_QP_STATE) && attr->qp_state == IBV_QPS_RESET;
	struct mrc_qp *qp = to_mqp(ibqp);
	struct ibv_modify_qp cmd = {};
	int ret;

	if (!reset)
		return ibv_cmd_modify_qp(ibqp, attr, mask, &cmd, sizeof(cmd));

	mrc_lock(&qp->sq.lock);
	mrc_lock(&qp->rq.lock);
	ret = ibv_cmd_modify_qp(ibqp, attr, mask, &cmd, sizeof(cmd));
	if (!ret) {
		reset_queues(qp);
		/* before a poster that waits for the locks gets to look */
		ibqp->state = IBV_QPS_RESET;
	}
	mrc_unlock(&qp->rq.lock);
	mrc_unlock(&qp->sq.lock);

	if (!ret)
		forget_completions(ibqp);
	return ret;
}

int mrc_destroy_qp(struct ibv_qp *ibqp)
{
	struct ibv_context *ctx = ibqp->context;
	struct mrc_qp *qp = to_mqp(ibqp);
	int ret;

	ret = mrc_destroy_status(ctx, ibv_cmd_destroy_qp(ibqp));
	if (ret)
		return ret;

	/* of a closed device the CQs may have gone before */
	if (ctx->cmd_fd >= 0)
		forget_completions(ibqp);
	mrc_ring_unmap(&qp->sq.map);
	mrc_ring_unmap(&qp->rq.map);
	mrc_lock_destroy(&qp->sq.lock);
	mrc_lock_destroy(&qp->rq.lock);
	free(qp);
	mrc_context_put(ctx);
	return 0;
}
