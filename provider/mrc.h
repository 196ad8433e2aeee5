/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * libmrc: objects of the provider and the functions its files share.
 */
#ifndef MRC_H
#define MRC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <infiniband/driver.h>
#include <rdma/mrc-abi.h>

#include "ring.h"

/*
 * A spin lock that costs nothing where the application has promised to use
 * the object from one thread only (thread domain, single-threaded CQ).
 */
struct mrc_lock {
	pthread_spinlock_t	spin;
	bool			needed;
};

/*
 * A context lives as long as its last object. Programs in languages that
 * collect garbage (pyverbs) destroy objects in any order, also after the device
 * was closed; without the count that would read freed memory.
 */
struct mrc_context {
	struct verbs_context	ibv_ctx;
	atomic_int		refs;	/* objects, and one while it is open */
};

struct mrc_td {
	struct ibv_td		ibv_td;
	atomic_int		refs;
};

/* A protection domain, or a parent domain over one (parent not NULL). */
struct mrc_pd {
	struct ibv_pd		ibv_pd;
	atomic_int		refs;	/* parent domains made of this one */
	struct mrc_pd		*parent;
	struct mrc_td		*td;
};

struct mrc_ah {
	struct ibv_ah		ibv_ah;
	uint32_t		ah_num;
};

struct mrc_cq {
	struct verbs_cq		vcq;
	struct mrc_lock		lock;
	struct mrc_ring_map	map;
	uint32_t		cons;
	uint32_t		prod;	/* as last read */
	/* a new ring of the kernel's could not be mapped: nothing to poll */
	bool			lost;
	/* the entry that an extended poll is at, inside the ring */
	struct mrc_cqe		*cur;
};

/* A ring that this side produces for: SQ, RQ or SRQ. */
struct mrc_wq {
	struct mrc_lock		lock;
	struct mrc_ring_map	map;
	uint32_t		prod;
	uint32_t		cons;	/* as last read */
	uint32_t		max_wr;
	uint32_t		max_sge;
	uint32_t		max_inline;
};

struct mrc_qp {
	struct verbs_qp		vqp;
	struct mrc_wq		sq;
	struct mrc_wq		rq;	/* no ring with an SRQ */
	bool			sig_all;

	/* between ibv_wr_start() and ibv_wr_complete(), under sq.lock */
	struct mrc_sqe		*wr_cur;
	uint32_t		wr_first;
	int			wr_err;
};

struct mrc_srq {
	struct verbs_srq	vsrq;
	struct mrc_wq		rq;
	uint32_t		srqn;
	/* a new ring of the kernel's could not be mapped: nothing to post to */
	bool			lost;
};

static inline struct mrc_context *to_mctx(struct ibv_context *ctx)
{
	return container_of(ctx, struct mrc_context, ibv_ctx.context);
}

static inline void mrc_context_get(struct ibv_context *ctx)
{
	atomic_fetch_add(&to_mctx(ctx)->refs, 1);
}

void mrc_context_put(struct ibv_context *ctx);

/* What the kernel's answer to a destroy command means for the object here. */
static inline int mrc_destroy_status(const struct ibv_context *ctx, int ret)
{
	/* with the closed device the kernel's object has gone already */
	return ctx->cmd_fd < 0 ? 0 : ret;
}

static inline struct mrc_td *to_mtd(struct ibv_td *td)
{
	return container_of(td, struct mrc_td, ibv_td);
}

static inline struct mrc_pd *to_mpd(struct ibv_pd *pd)
{
	return container_of(pd, struct mrc_pd, ibv_pd);
}

static inline struct mrc_ah *to_mah(struct ibv_ah *ah)
{
	return container_of(ah, struct mrc_ah, ibv_ah);
}

static inline struct mrc_cq *to_mcq(struct ibv_cq *cq)
{
	return container_of(cq, struct mrc_cq, vcq.cq);
}

static inline struct mrc_cq *to_mcq_ex(struct ibv_cq_ex *cq)
{
	return container_of(cq, struct mrc_cq, vcq.cq_ex);
}

static inline struct mrc_qp *to_mqp(struct ibv_qp *qp)
{
	return container_of(qp, struct mrc_qp, vqp.qp);
}

static inline struct mrc_qp *to_mqp_ex(struct ibv_qp_ex *qp)
{
	return container_of(qp, struct mrc_qp, vqp.qp_ex);
}

static inline struct mrc_srq *to_msrq(struct ibv_srq *srq)
{
	return container_of(srq, struct mrc_srq, vsrq.srq);
}

static inline void mrc_lock_init(struct mrc_lock *lock, bool needed)
{
	pthread_spin_init(&lock->spin, PTHREAD_PROCESS_PRIVATE);
	lock->needed = needed;
}

static inline void mrc_lock_destroy(struct mrc_lock *lock)
{
	pthread_spin_destroy(&lock->spin);
}

static inline void mrc_lock(struct mrc_lock *lock)
{
	if (lock->needed)
		pthread_spin_lock(&lock->spin);
}

static inline void mrc_unlock(struct mrc_lock *lock)
{
	if (lock->needed)
		pthread_spin_unlock(&lock->spin);
}

/* Take over the indices of a ring that the kernel has set up anew. */
static inline void mrc_wq_sync(struct mrc_wq *wq)
{
	wq->prod = mrc_ring_prod(&wq->map);
	wq->cons = mrc_ring_cons(&wq->map);
}

/*
 * No room for a request at @prod? The kernel's cache line is looked at only
 * when what is known of it does not do. A cons that lies outside of what was
 * posted means that something wrote over the ring's header: it counts as full.
 */
static inline bool mrc_wq_full(struct mrc_wq *wq, uint32_t prod)
{
	if (prod - wq->cons < wq->max_wr)
		return false;

	wq->cons = mrc_ring_cons(&wq->map);
	return prod - wq->cons >= wq->max_wr;
}

/* Is @pd a parent domain that promises a single thread? */
static inline bool mrc_pd_single_threaded(struct ibv_pd *pd)
{
	return pd && to_mpd(pd)->td;
}

/* device.c */
int mrc_query_device_ex(struct ibv_context *ctx,
			const struct ibv_query_device_ex_input *input,
			struct ibv_device_attr_ex *attr, size_t attr_size);
int mrc_query_port(struct ibv_context *ctx, uint8_t port,
		   struct ibv_port_attr *attr);
int mrc_query_rt_values(struct ibv_context *ctx, struct ibv_values_ex *values);

/* pd.c */
struct ibv_pd *mrc_alloc_pd(struct ibv_context *ctx);
int mrc_dealloc_pd(struct ibv_pd *pd);
struct ibv_td *mrc_alloc_td(struct ibv_context *ctx,
			    struct ibv_td_init_attr *attr);
int mrc_dealloc_td(struct ibv_td *td);
struct ibv_pd *mrc_alloc_parent_domain(struct ibv_context *ctx,
				       struct ibv_parent_domain_init_attr *attr);
struct ibv_ah *mrc_create_ah(struct ibv_pd *pd, struct ibv_ah_attr *attr);
int mrc_destroy_ah(struct ibv_ah *ah);

/* mr.c */
struct ibv_mr *mrc_reg_mr(struct ibv_pd *pd, void *addr, size_t length,
			  uint64_t hca_va, int access);
struct ibv_mr *mrc_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset,
				 size_t length, uint64_t iova, int fd,
				 int access);
int mrc_rereg_mr(struct verbs_mr *vmr, int flags, struct ibv_pd *pd,
		 void *addr, size_t length, int access);
int mrc_dereg_mr(struct verbs_mr *vmr);

/* mw.c */
struct ibv_mw *mrc_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type);
int mrc_dealloc_mw(struct ibv_mw *mw);
int mrc_bind_mw(struct ibv_qp *qp, struct ibv_mw *mw,
		struct ibv_mw_bind *mw_bind);
int mrc_put_bind(struct mrc_sqe *sqe, struct ibv_mw *mw, uint32_t rkey,
		 const struct ibv_mw_bind_info *info);

/* cq.c */
struct ibv_cq *mrc_create_cq(struct ibv_context *ctx, int cqe,
			     struct ibv_comp_channel *channel, int comp_vector);
struct ibv_cq_ex *mrc_create_cq_ex(struct ibv_context *ctx,
				   struct ibv_cq_init_attr_ex *attr);
int mrc_modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr);
int mrc_resize_cq(struct ibv_cq *cq, int cqe);
int mrc_destroy_cq(struct ibv_cq *cq);

/* poll.c */
int mrc_poll_cq(struct ibv_cq *cq, int num, struct ibv_wc *wc);
void mrc_cq_set_poll_ops(struct mrc_cq *cq);
void mrc_cq_forget_qp(struct mrc_cq *cq, uint32_t qpn);

/* qp.c */
struct ibv_qp *mrc_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
struct ibv_qp *mrc_create_qp_ex(struct ibv_context *ctx,
				struct ibv_qp_init_attr_ex *attr);
int mrc_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		 struct ibv_qp_init_attr *init_attr);
int mrc_query_qp_data_in_order(struct ibv_qp *qp, enum ibv_wr_opcode op,
			       uint32_t flags);
int mrc_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask);
int mrc_destroy_qp(struct ibv_qp *qp);

/* srq.c */
struct ibv_srq *mrc_create_srq(struct ibv_pd *pd,
			       struct ibv_srq_init_attr *attr);
struct ibv_srq *mrc_create_srq_ex(struct ibv_context *ctx,
				  struct ibv_srq_init_attr_ex *attr);
int mrc_modify_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr, int mask);
int mrc_query_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr);
int mrc_get_srq_num(struct ibv_srq *srq, uint32_t *srq_num);
int mrc_destroy_srq(struct ibv_srq *srq);

/* post.c */
int mrc_sq_check_state(const struct ibv_qp *qp);
int mrc_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		  struct ibv_send_wr **bad_wr);
int mrc_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr,
		  struct ibv_recv_wr **bad_wr);
int mrc_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad_wr);
int mrc_ring_sq(struct mrc_qp *qp);

/* wr.c */
bool mrc_wr_ops_supported(enum ibv_qp_type type, uint64_t ops);
void mrc_qp_set_wr_ops(struct mrc_qp *qp);

#endif /* MRC_H */
