// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Protection domains, thread domains, parent domains and the address handles
 * that live in them.
 */
#include <errno.h>
#include <stdlib.h>

#include "mrc.h"

struct mrc_alloc_pd_resp {
	struct ib_uverbs_alloc_pd_resp	base;
	struct mrc_uresp_alloc_pd	drv;
};

struct mrc_create_ah_resp {
	struct ib_uverbs_create_ah_resp	base;
	struct mrc_uresp_create_ah	drv;
};

static_assert(offsetof(struct mrc_alloc_pd_resp, drv) ==
	      sizeof(struct ib_uverbs_alloc_pd_resp), "padding");
static_assert(offsetof(struct mrc_create_ah_resp, drv) ==
	      sizeof(struct ib_uverbs_create_ah_resp), "padding");

struct ibv_pd *mrc_alloc_pd(struct ibv_context *ctx)
{
	struct mrc_alloc_pd_resp resp = {};
	struct ibv_alloc_pd cmd = {};
	struct mrc_pd *pd;

	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;

	if (ibv_cmd_alloc_pd(ctx, &pd->ibv_pd, &cmd, sizeof(cmd), &resp.base,
			     sizeof(resp))) {
		free(pd);
		return NULL;
	}

	atomic_init(&pd->refs, 0);
	mrc_context_get(ctx);
	return &pd->ibv_pd;
}

int mrc_dealloc_pd(struct ibv_pd *ibpd)
{
	struct ibv_context *ctx = ibpd->context;
	struct mrc_pd *pd = to_mpd(ibpd);
	int ret;

	if (pd->parent) {
		if (pd->td)
			atomic_fetch_sub(&pd->td->refs, 1);
		atomic_fetch_sub(&pd->parent->refs, 1);
		free(pd);
		mrc_context_put(ctx);
		return 0;
	}

	if (atomic_load(&pd->refs))
		return EBUSY;

	ret = mrc_destroy_status(ctx, ibv_cmd_dealloc_pd(ibpd));
	if (ret)
		return ret;

	free(pd);
	mrc_context_put(ctx);
	return 0;
}

struct ibv_td *mrc_alloc_td(struct ibv_context *ctx,
			    struct ibv_td_init_attr *attr)
{
	struct mrc_td *td;

	if (attr->comp_mask) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	td = calloc(1, sizeof(*td));
	if (!td)
		return NULL;

	td->ibv_td.context = ctx;
	atomic_init(&td->refs, 0);
	mrc_context_get(ctx);
	return &td->ibv_td;
}

int mrc_dealloc_td(struct ibv_td *ibtd)
{
	struct ibv_context *ctx = ibtd->context;
	struct mrc_td *td = to_mtd(ibtd);

	if (atomic_load(&td->refs))
		return EBUSY;

	free(td);
	mrc_context_put(ctx);
	return 0;
}

struct ibv_pd *mrc_alloc_parent_domain(struct ibv_context *ctx,
				       struct ibv_parent_domain_init_attr *attr)
{
	struct mrc_pd *pd;

	if (ibv_check_alloc_parent_domain(attr))
		return NULL;

	/*
	 * Allocators are for buffers that a device reads and writes. There are
	 * none here, the rings being the kernel's memory, so they are taken
	 * and have nothing to allocate.
	 */
	if (!check_comp_mask(attr->comp_mask,
			     IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS |
			     IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT)) {
		errno = EOPNOTSUPP;
		return NULL;
	}

	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;

	/* a parent domain of a parent domain refers to the real one */
	pd->parent = to_mpd(attr->pd);
	if (pd->parent->parent)
		pd->parent = pd->parent->parent;
	atomic_fetch_add(&pd->parent->refs, 1);

	if (attr->td) {
		pd->td = to_mtd(attr->td);
		atomic_fetch_add(&pd->td->refs, 1);
	}

	ibv_initialize_parent_domain(&pd->ibv_pd, &pd->parent->ibv_pd);
	mrc_context_get(ctx);
	return &pd->ibv_pd;
}

struct ibv_ah *mrc_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr)
{
	struct mrc_create_ah_resp resp = {};
	struct mrc_ah *ah;

	ah = calloc(1, sizeof(*ah));
	if (!ah)
		return NULL;

	if (ibv_cmd_create_ah(pd, &ah->ibv_ah, attr, &resp.base,
			      sizeof(resp))) {
		free(ah);
		return NULL;
	}

	ah->ah_num = resp.drv.ah_num;
	mrc_context_get(pd->context);
	return &ah->ibv_ah;
}

int mrc_destroy_ah(struct ibv_ah *ibah)
{
	struct ibv_context *ctx = ibah->context;
	int ret;

	ret = mrc_destroy_status(ctx, ibv_cmd_destroy_ah(ibah));
	if (ret)
		return ret;

	free(to_mah(ibah));
	mrc_context_put(ctx);
	return 0;
}
