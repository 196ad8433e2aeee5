/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the provider's data path needs of rdma-core's private header, so that
 * its tests build from the public one alone.
 */
#ifndef STUB_DRIVER_H
#define STUB_DRIVER_H

#include <assert.h>
#include <stddef.h>

#include <infiniband/verbs.h>

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

struct verbs_cq {
	union {
		struct ibv_cq cq;
		struct ibv_cq_ex cq_ex;
	};
};

struct verbs_qp {
	union {
		struct ibv_qp qp;
		struct ibv_qp_ex qp_ex;
	};
};

struct verbs_srq {
	struct ibv_srq srq;
};

struct verbs_mr;

/* the doorbells; test.c */
int ibv_cmd_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		      struct ibv_send_wr **bad_wr);
int ibv_cmd_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad_wr);
int ibv_cmd_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr,
			  struct ibv_recv_wr **bad_wr);


/* what mw.c asks the kernel for; nothing here looks into it */
struct ibv_alloc_mw {
	uint64_t opaque;
};

int ibv_cmd_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type,
		     struct ibv_mw *mw, struct ibv_alloc_mw *cmd,
		     size_t cmd_size, struct ib_uverbs_alloc_mw_resp *resp,
		     size_t resp_size);
int ibv_cmd_dealloc_mw(struct ibv_mw *mw);

#endif /* STUB_DRIVER_H */
