// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory windows.
 */
#include <errno.h>
#include <stdlib.h>

#include "mrc.h"

enum {
	MRC_MW_ACCESS = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
			IBV_ACCESS_REMOTE_ATOMIC,
};

struct ibv_mw *mrc_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type)
{
	struct ib_uverbs_alloc_mw_resp resp;
	struct ibv_alloc_mw cmd = {};
	struct ibv_mw *mw;

	mw = calloc(1, sizeof(*mw));
	if (!mw)
		return NULL;

	if (ibv_cmd_alloc_mw(pd, type, mw, &cmd, sizeof(cmd), &resp,
			     sizeof(resp))) {
		free(mw);
		return NULL;
	}
	mrc_context_get(pd->context);
	return mw;
}

int mrc_dealloc_mw(struct ibv_mw *mw)
{
	struct ibv_context *ctx = mw->context;
	int ret;

	ret = mrc_destroy_status(ctx, ibv_cmd_dealloc_mw(mw));
	if (ret)
		return ret;

	free(mw);
	mrc_context_put(ctx);
	return 0;
}

/**
 * mrc_put_bind - write what a BIND_MW request is about
 * @sqe: the entry
 * @mw: the window
 * @rkey: its key from then on
 * @info: the part of an MR that it is to open; a length of 0 closes it
 *
 * Return: 0 or EINVAL.
 */
int mrc_put_bind(struct mrc_sqe *sqe, struct ibv_mw *mw, uint32_t rkey,
		 const struct ibv_mw_bind_info *info)
{
	/* what is granted is remote: a right to write locally changes nothing */
	const unsigned int known = MRC_MW_ACCESS | IBV_ACCESS_LOCAL_WRITE;

	/* a key's upper part says whose it is, the lower is free to choose */
	if (!mw || (mw->rkey ^ rkey) >> 8 || (info->length && !info->mr) ||
	    info->mw_access_flags & ~known)
		return EINVAL;

	sqe->bind.addr = info->addr;
	sqe->bind.length = info->length;
	sqe->bind.rkey = rkey;
	sqe->bind.lkey = info->mr ? info->mr->lkey : 0;
	sqe->bind.access = info->mw_access_flags & MRC_MW_ACCESS;
	return 0;
}

/* Type 1: the library chooses the key. */
int mrc_bind_mw(struct ibv_qp *qp, struct ibv_mw *mw,
		struct ibv_mw_bind *mw_bind)
{
	struct ibv_send_wr wr = {
		.wr_id = mw_bind->wr_id,
		.opcode = IBV_WR_BIND_MW,
		.send_flags = mw_bind->send_flags,
		.bind_mw = {
			.mw = mw,
			.rkey = ibv_inc_rkey(mw->rkey),
			.bind_info = mw_bind->bind_info,
		},
	}, *bad;
	int ret;

	ret = mrc_post_send(qp, &wr, &bad);
	if (!ret)
		mw->rkey = wr.bind_mw.rkey;
	return ret;
}
