// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Completion queues as objects: create, resize, moderate, destroy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

struct mrc_create_cq_resp {
	struct ib_uverbs_ex_create_cq_resp	base;
	struct mrc_uresp_create_cq		drv;
};

struct mrc_resize_cq_resp {
	struct ib_uverbs_resize_cq_resp		base;
	struct mrc_uresp_resize_cq		drv;
};

static_assert(offsetof(struct mrc_create_cq_resp, drv) ==
	      sizeof(struct ib_uverbs_ex_create_cq_resp), "padding");
static_assert(offsetof(struct mrc_resize_cq_resp, drv) ==
	      sizeof(struct ib_uverbs_resize_cq_resp), "padding");

enum {
	MRC_CQ_WC_FLAGS = IBV_WC_STANDARD_FLAGS |
			  IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
			  IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK,
};

static struct mrc_cq *create_cq(struct ibv_context *ctx,
				struct ibv_cq_init_attr_ex *attr)
{
	struct mrc_create_cq_resp resp = {};
	struct ibv_create_cq_ex cmd = {};
	bool single_threaded = false;
	struct mrc_cq *cq;
	int ret;

	if (!check_comp_mask(attr->comp_mask, IBV_CQ_INIT_ATTR_MASK_FLAGS |
			     IBV_CQ_INIT_ATTR_MASK_PD) ||
	    !check_comp_mask(attr->wc_flags, MRC_CQ_WC_FLAGS)) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	/* A CQ that overruns stays broken: there is no ignoring of it. */
	if (attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS) {
		if (!check_comp_mask(attr->flags,
				     IBV_CREATE_CQ_ATTR_SINGLE_THREADED)) {
			errno = EOPNOTSUPP;
			return NULL;
		}
		single_threaded = attr->flags &
				  IBV_CREATE_CQ_ATTR_SINGLE_THREADED;
	}

	if (attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_PD) {
		if (!attr->parent_domain) {
			errno = EINVAL;
			return NULL;
		}
		single_threaded |= mrc_pd_single_threaded(attr->parent_domain);
	}

	cq = calloc(1, sizeof(*cq));
	if (!cq)
		return NULL;

	/* every entry carries its time: nothing to ask the kernel for */
	ret = ibv_cmd_create_cq_ex(ctx, attr, &cq->vcq, &cmd, sizeof(cmd),
				   &resp.base, sizeof(resp),
				   CREATE_CQ_CMD_FLAGS_TS_IGNORED_EX);
	if (ret)
		goto err_free;

	ret = mrc_ring_mmap(&cq->map, ctx->cmd_fd, &resp.drv.cq,
			    sizeof(struct mrc_cqe));
	if (ret) {
		ibv_cmd_destroy_cq(&cq->vcq.cq);
		goto err_free;
	}

	mrc_lock_init(&cq->lock, !single_threaded);
	mrc_context_get(ctx);
	return cq;

err_free:
	free(cq);
	errno = ret;
	return NULL;
}

struct ibv_cq *mrc_create_cq(struct ibv_context *ctx, int cqe,
			     struct ibv_comp_channel *channel, int comp_vector)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = cqe,
		.channel = channel,
		.comp_vector = comp_vector,
	};
	struct mrc_cq *cq;

	cq = create_cq(ctx, &attr);
	return cq ? &cq->vcq.cq : NULL;
}

struct ibv_cq_ex *mrc_create_cq_ex(struct ibv_context *ctx,
				   struct ibv_cq_init_attr_ex *attr)
{
	struct mrc_cq *cq;

	cq = create_cq(ctx, attr);
	if (!cq)
		return NULL;

	mrc_cq_set_poll_ops(cq);
	return &cq->vcq.cq_ex;
}

int mrc_modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr)
{
	struct ibv_modify_cq cmd = {};

	return ibv_cmd_modify_cq(cq, attr, &cmd, sizeof(cmd));
}

/*
 * The kernel moves what has not been polled into a new ring and answers with
 * it. The lock keeps pollers away from the old one in the meantime.
 */
int mrc_resize_cq(struct ibv_cq *ibcq, int cqe)
{
	struct mrc_resize_cq_resp resp = {};
	struct mrc_cq *cq = to_mcq(ibcq);
	struct ibv_resize_cq cmd = {};
	struct mrc_ring_map map;
	int ret;

	mrc_lock(&cq->lock);

	ret = ibv_cmd_resize_cq(ibcq, cqe, &cmd, sizeof(cmd), &resp.base,
				sizeof(resp));
	if (ret || !resp.drv.cq.size)
		goto out;

	ret = mrc_ring_mmap(&map, ibcq->context->cmd_fd, &resp.drv.cq,
			    sizeof(struct mrc_cqe));
	if (ret) {
		cq->lost = true;
		goto out;
	}

	mrc_ring_unmap(&cq->map);
	cq->map = map;
	cq->cons = mrc_ring_cons(&map);
	cq->prod = cq->cons;
	cq->lost = false;
out:
	mrc_unlock(&cq->lock);
	return ret;
}

int mrc_destroy_cq(struct ibv_cq *ibcq)
{
	struct ibv_context *ctx = ibcq->context;
	struct mrc_cq *cq = to_mcq(ibcq);
	int ret;

	ret = mrc_destroy_status(ctx, ibv_cmd_destroy_cq(ibcq));
	if (ret)
		return ret;

	mrc_ring_unmap(&cq->map);
	mrc_lock_destroy(&cq->lock);
	free(cq);
	mrc_context_put(ctx);
	return 0;
}
