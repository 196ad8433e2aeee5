// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory regions.
 */
#include <errno.h>
#include <stdlib.h>

#include "mrc.h"

struct ibv_mr *mrc_reg_mr(struct ibv_pd *pd, void *addr, size_t length,
			  uint64_t hca_va, int access)
{
	struct ib_uverbs_reg_mr_resp resp;
	struct ibv_reg_mr cmd = {};
	struct verbs_mr *vmr;

	vmr = calloc(1, sizeof(*vmr));
	if (!vmr)
		return NULL;

	if (ibv_cmd_reg_mr(pd, addr, length, hca_va, access, vmr, &cmd,
			   sizeof(cmd), &resp, sizeof(resp))) {
		free(vmr);
		return NULL;
	}
	mrc_context_get(pd->context);
	return &vmr->ibv_mr;
}

/*
 * rdma-core 54 gave the library's function an argument for a driver's own
 * attributes. The type of the function tells which one this is built with.
 */
typedef int dmabuf_fn(struct ibv_pd *pd, uint64_t offset, size_t length,
		      uint64_t iova, int fd, int access, struct verbs_mr *vmr);
typedef int dmabuf_driver_fn(struct ibv_pd *pd, uint64_t offset, size_t length,
			     uint64_t iova, int fd, int access,
			     struct verbs_mr *vmr,
			     struct ibv_command_buffer *driver);

static inline int call_dmabuf(dmabuf_fn *fn, struct ibv_pd *pd,
			      uint64_t offset, size_t length, uint64_t iova,
			      int fd, int access, struct verbs_mr *vmr)
{
	return fn(pd, offset, length, iova, fd, access, vmr);
}

static inline int call_dmabuf_driver(dmabuf_driver_fn *fn, struct ibv_pd *pd,
				     uint64_t offset, size_t length,
				     uint64_t iova, int fd, int access,
				     struct verbs_mr *vmr)
{
	return fn(pd, offset, length, iova, fd, access, vmr, NULL);
}

struct ibv_mr *mrc_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset,
				 size_t length, uint64_t iova, int fd,
				 int access)
{
	struct verbs_mr *vmr;
	int ret;

	vmr = calloc(1, sizeof(*vmr));
	if (!vmr)
		return NULL;

	ret = _Generic(&ibv_cmd_reg_dmabuf_mr, dmabuf_fn *: call_dmabuf,
		       dmabuf_driver_fn *: call_dmabuf_driver)
		(&ibv_cmd_reg_dmabuf_mr, pd, offset, length, iova, fd, access,
		 vmr);
	if (ret) {
		free(vmr);
		return NULL;
	}
	mrc_context_get(pd->context);
	return &vmr->ibv_mr;
}

int mrc_rereg_mr(struct verbs_mr *vmr, int flags, struct ibv_pd *pd,
		 void *addr, size_t length, int access)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct ibv_rereg_mr cmd = {};

	return ibv_cmd_rereg_mr(vmr, flags, addr, length, (uintptr_t)addr,
				access, pd, &cmd, sizeof(cmd), &resp,
				sizeof(resp));
}

int mrc_dereg_mr(struct verbs_mr *vmr)
{
	struct ibv_context *ctx = vmr->ibv_mr.context;
	int ret;

	ret = mrc_destroy_status(ctx, ibv_cmd_dereg_mr(vmr));
	if (ret)
		return ret;

	free(vmr);
	mrc_context_put(ctx);
	return 0;
}
