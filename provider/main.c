// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Matching a device and opening it.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mrc.h"

struct mrc_get_context_resp {
	struct ib_uverbs_get_context_resp	base;
	struct mrc_uresp_alloc_ucontext		drv;
};

static_assert(offsetof(struct mrc_get_context_resp, drv) ==
	      sizeof(struct ib_uverbs_get_context_resp), "padding");

/* By number, not by name: a device can be renamed. */
static const struct verbs_match_ent match_table[] = {
	VERBS_DRIVER_ID(RDMA_DRIVER_MRC),
	{},
};

static void mrc_free_context(struct ibv_context *ibctx);

static const struct verbs_context_ops mrc_ctx_ops = {
	.alloc_mw = mrc_alloc_mw,
	.alloc_parent_domain = mrc_alloc_parent_domain,
	.alloc_pd = mrc_alloc_pd,
	.alloc_td = mrc_alloc_td,
	.attach_mcast = ibv_cmd_attach_mcast,
	.bind_mw = mrc_bind_mw,
	.create_ah = mrc_create_ah,
	.create_cq = mrc_create_cq,
	.create_cq_ex = mrc_create_cq_ex,
	.create_qp = mrc_create_qp,
	.create_qp_ex = mrc_create_qp_ex,
	.create_srq = mrc_create_srq,
	.create_srq_ex = mrc_create_srq_ex,
	.dealloc_mw = mrc_dealloc_mw,
	.dealloc_pd = mrc_dealloc_pd,
	.dealloc_td = mrc_dealloc_td,
	.dereg_mr = mrc_dereg_mr,
	.destroy_ah = mrc_destroy_ah,
	.destroy_cq = mrc_destroy_cq,
	.destroy_qp = mrc_destroy_qp,
	.destroy_srq = mrc_destroy_srq,
	.detach_mcast = ibv_cmd_detach_mcast,
	.free_context = mrc_free_context,
	.get_srq_num = mrc_get_srq_num,
	.modify_cq = mrc_modify_cq,
	.modify_qp = mrc_modify_qp,
	.modify_srq = mrc_modify_srq,
	.poll_cq = mrc_poll_cq,
	.post_recv = mrc_post_recv,
	.post_send = mrc_post_send,
	.post_srq_recv = mrc_post_srq_recv,
	.query_device_ex = mrc_query_device_ex,
	.query_port = mrc_query_port,
	.query_qp = mrc_query_qp,
	.query_qp_data_in_order = mrc_query_qp_data_in_order,
	.query_rt_values = mrc_query_rt_values,
	.query_srq = mrc_query_srq,
	.reg_dmabuf_mr = mrc_reg_dmabuf_mr,
	.reg_mr = mrc_reg_mr,
	.req_notify_cq = ibv_cmd_req_notify_cq,
	.rereg_mr = mrc_rereg_mr,
	.resize_cq = mrc_resize_cq,
};

static struct verbs_context *mrc_alloc_context(struct ibv_device *ibdev,
					       int cmd_fd, void *private_data)
{
	struct mrc_get_context_resp resp = {};
	struct ibv_get_context cmd = {};
	struct mrc_context *ctx;

	ctx = verbs_init_and_alloc_context(ibdev, cmd_fd, ctx, ibv_ctx,
					   RDMA_DRIVER_MRC);
	if (!ctx)
		return NULL;

	if (ibv_cmd_get_context(&ctx->ibv_ctx, &cmd, sizeof(cmd), &resp.base,
				sizeof(resp)))
		goto err;

	if (resp.drv.abi_version != MRC_ABI_VERSION) {
		verbs_err(&ctx->ibv_ctx,
			  "kernel ABI %u, this library speaks %u\n",
			  resp.drv.abi_version, MRC_ABI_VERSION);
		errno = EPROTONOSUPPORT;
		goto err;
	}

	atomic_init(&ctx->refs, 1);
	verbs_set_ops(&ctx->ibv_ctx, &mrc_ctx_ops);
	return &ctx->ibv_ctx;

err:
	verbs_uninit_context(&ctx->ibv_ctx);
	free(ctx);
	return NULL;
}

/**
 * mrc_context_put - an object of a context has gone, or the context was closed
 * @ibctx: the context
 */
void mrc_context_put(struct ibv_context *ibctx)
{
	struct mrc_context *ctx = to_mctx(ibctx);

	if (atomic_fetch_sub(&ctx->refs, 1) != 1)
		return;
	verbs_uninit_context(&ctx->ibv_ctx);
	free(ctx);
}

static void mrc_free_context(struct ibv_context *ibctx)
{
	struct mrc_context *ctx = to_mctx(ibctx);

	/*
	 * What is still there in the kernel goes with the file, as a program
	 * that closes a device expects; only the memory waits for its users.
	 */
	if (atomic_load(&ctx->refs) > 1) {
		close(ibctx->cmd_fd);
		close(ibctx->async_fd);
		ibctx->cmd_fd = -1;
		ibctx->async_fd = -1;
	}
	mrc_context_put(ibctx);
}

static struct verbs_device *mrc_alloc_device(struct verbs_sysfs_dev *sysfs_dev)
{
	return calloc(1, sizeof(struct verbs_device));
}

static void mrc_uninit_device(struct verbs_device *vdev)
{
	free(vdev);
}

static const struct verbs_device_ops mrc_dev_ops = {
	.name = "mrc",
	.match_min_abi_version = MRC_ABI_VERSION,
	.match_max_abi_version = MRC_ABI_VERSION,
	.match_table = match_table,
	.alloc_device = mrc_alloc_device,
	.uninit_device = mrc_uninit_device,
	.alloc_context = mrc_alloc_context,
};

PROVIDER_DRIVER(mrc, mrc_dev_ops);
