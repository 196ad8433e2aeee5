// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Shared receive queues as objects.
 */
#include <errno.h>
#include <stdlib.h>

#include "mrc.h"

struct mrc_create_srq_resp {
	struct ib_uverbs_create_srq_resp	base;
	struct mrc_uresp_create_srq		drv;
};

struct mrc_modify_srq_cmd {
	struct ibv_modify_srq			base;
	struct mrc_ureq_modify_srq		drv;
};

static_assert(offsetof(struct mrc_create_srq_resp, drv) ==
	      sizeof(struct ib_uverbs_create_srq_resp), "padding");
static_assert(offsetof(struct mrc_modify_srq_cmd, drv) ==
	      sizeof(struct ibv_modify_srq), "padding");

static size_t rqe_size(uint32_t max_sge)
{
	return sizeof(struct mrc_rqe) + max_sge * sizeof(struct mrc_sge);
}

struct ibv_srq *mrc_create_srq(struct ibv_pd *pd,
			       struct ibv_srq_init_attr *attr)
{
	struct mrc_create_srq_resp resp = {};
	struct ibv_create_srq cmd = {};
	struct mrc_srq *srq;
	int ret;

	srq = calloc(1, sizeof(*srq));
	if (!srq)
		return NULL;

	ret = ibv_cmd_create_srq(pd, &srq->vsrq.srq, attr, &cmd, sizeof(cmd),
				 &resp.base, sizeof(resp));
	if (ret)
		goto err_free;

	ret = mrc_ring_mmap(&srq->rq.map, pd->context->cmd_fd, &resp.drv.srq,
			    rqe_size(attr->attr.max_sge));
	if (ret)
		goto err_destroy;
	if (attr->attr.max_wr > srq->rq.map.mask + 1) {
		ret = EINVAL;
		goto err_unmap;
	}

	mrc_lock_init(&srq->rq.lock, !mrc_pd_single_threaded(pd));
	srq->rq.max_wr = attr->attr.max_wr;
	srq->rq.max_sge = attr->attr.max_sge;
	mrc_wq_sync(&srq->rq);
	srq->srqn = resp.drv.srqn;
	mrc_context_get(pd->context);
	return &srq->vsrq.srq;

err_unmap:
	mrc_ring_unmap(&srq->rq.map);
err_destroy:
	ibv_cmd_destroy_srq(&srq->vsrq.srq);
err_free:
	free(srq);
	errno = ret;
	return NULL;
}

struct ibv_srq *mrc_create_srq_ex(struct ibv_context *ctx,
				  struct ibv_srq_init_attr_ex *attr)
{
	struct ibv_srq_init_attr basic = {
		.srq_context = attr->srq_context,
		.attr = attr->attr,
	};
	struct ibv_srq *srq;

	if (!check_comp_mask(attr->comp_mask, IBV_SRQ_INIT_ATTR_TYPE |
			     IBV_SRQ_INIT_ATTR_PD) ||
	    ((attr->comp_mask & IBV_SRQ_INIT_ATTR_TYPE) &&
	     attr->srq_type != IBV_SRQT_BASIC)) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	if (!(attr->comp_mask & IBV_SRQ_INIT_ATTR_PD) || !attr->pd) {
		errno = EINVAL;
		return NULL;
	}

	srq = mrc_create_srq(attr->pd, &basic);
	if (!srq)
		return NULL;

	attr->attr = basic.attr;
	srq->srq_context = attr->srq_context;
	srq->pd = attr->pd;
	return srq;
}

/*
 * A new length comes with a new ring, to which the kernel has moved what it
 * had not taken yet.
 */
int mrc_modify_srq(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr, int mask)
{
	struct mrc_uresp_modify_srq resp = {};
	struct mrc_modify_srq_cmd cmd = {
		.drv.resp_addr = (uintptr_t)&resp,
	};
	struct mrc_srq *srq = to_msrq(ibsrq);
	struct mrc_wq *wq = &srq->rq;
	struct mrc_ring_map map;
	int ret;

	mrc_lock(&wq->lock);

	ret = ibv_cmd_modify_srq(ibsrq, attr, mask, &cmd.base, sizeof(cmd));
	if (ret || !(mask & IBV_SRQ_MAX_WR))
		goto out;

	if (resp.srq.size) {
		ret = mrc_ring_mmap(&map, ibsrq->context->cmd_fd, &resp.srq,
				    rqe_size(wq->max_sge));
		if (ret) {
			srq->lost = true;
			goto out;
		}
		mrc_ring_unmap(&wq->map);
		wq->map = map;
		mrc_wq_sync(wq);
		/* at least what was asked for, as query_srq says too */
		wq->max_wr = map.mask + 1;
		srq->lost = false;
	}
out:
	mrc_unlock(&wq->lock);
	return ret;
}

int mrc_query_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr)
{
	struct ibv_query_srq cmd = {};

	return ibv_cmd_query_srq(srq, attr, &cmd, sizeof(cmd));
}

int mrc_get_srq_num(struct ibv_srq *srq, uint32_t *srq_num)
{
	*srq_num = to_msrq(srq)->srqn;
	return 0;
}

int mrc_destroy_srq(struct ibv_srq *ibsrq)
{
	struct ibv_context *ctx = ibsrq->context;
	struct mrc_srq *srq = to_msrq(ibsrq);
	int ret;

	ret = mrc_destroy_status(ctx, ibv_cmd_destroy_srq(ibsrq));
	if (ret)
		return ret;

	mrc_ring_unmap(&srq->rq.map);
	mrc_lock_destroy(&srq->rq.lock);
	free(srq);
	mrc_context_put(ctx);
	return 0;
}
