/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* The operations of the verbs layer that device.c puts into its table. */
#ifndef MRC_VERBS_H
#define MRC_VERBS_H

#include "mrc.h"

/* Objects of one device, at most. */
#define MRC_MAX_PD		65536
#define MRC_MAX_CQ		65536
#define MRC_MAX_SRQ		65536
#define MRC_MAX_AH		1048576
#define MRC_MAX_MR		((1U << 24) - 1)
/* Pages of a fast registration. */
#define MRC_MAX_FAST_REG	4096

/*
 * Count an object of the device, if that many may be.
 * @num: the counter, @max: its limit. 0 or -ENOMEM.
 */
static inline int mrc_object_add(atomic_t *num, int max)
{
	return atomic_add_unless(num, 1, max) ? 0 : -ENOMEM;
}

/* device.c */
bool mrc_dev_active(struct mrc_dev *dev);
void mrc_parent_link(struct mrc_dev *dev);

/* ring.c */
int mrc_mmap(struct ib_ucontext *ibuc, struct vm_area_struct *vma);
void mrc_mmap_free(struct rdma_user_mmap_entry *entry);

/* pd.c */
int mrc_alloc_ucontext(struct ib_ucontext *ibuc, struct ib_udata *udata);
void mrc_dealloc_ucontext(struct ib_ucontext *ibuc);
void mrc_disassociate_ucontext(struct ib_ucontext *ibuc);
int mrc_alloc_pd(struct ib_pd *ibpd, struct ib_udata *udata);
int mrc_dealloc_pd(struct ib_pd *ibpd, struct ib_udata *udata);

/* ah.c */
int mrc_create_ah(struct ib_ah *ibah, struct rdma_ah_init_attr *init,
		  struct ib_udata *udata);
int mrc_query_ah(struct ib_ah *ibah, struct rdma_ah_attr *attr);
int mrc_destroy_ah(struct ib_ah *ibah, u32 flags);

/* cq.c */
int mrc_create_cq(struct ib_cq *ibcq, const struct ib_cq_init_attr *attr,
		  mrc_cq_arg *arg);
int mrc_destroy_cq(struct ib_cq *ibcq, struct ib_udata *udata);
int mrc_resize_cq(struct ib_cq *ibcq, mrc_cqe_t cqe, struct ib_udata *udata);
int mrc_modify_cq(struct ib_cq *ibcq, u16 count, u16 period);
int mrc_poll_cq(struct ib_cq *ibcq, int num, struct ib_wc *wc);
int mrc_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags);

/* srq.c */
int mrc_create_srq(struct ib_srq *ibsrq, struct ib_srq_init_attr *init,
		   struct ib_udata *udata);
int mrc_modify_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr,
		   enum ib_srq_attr_mask mask, struct ib_udata *udata);
int mrc_query_srq(struct ib_srq *ibsrq, struct ib_srq_attr *attr);
int mrc_destroy_srq(struct ib_srq *ibsrq, struct ib_udata *udata);
int mrc_post_srq_recv(struct ib_srq *ibsrq, const struct ib_recv_wr *wr,
		      const struct ib_recv_wr **bad);

/* segments.c */
int mrc_mr_add_piece(struct mrc_mr *mr, struct page *page, u32 offset, u64 len);

/* mr.c */
struct mrc_mr *mrc_mr_new(struct mrc_dev *dev, struct ib_pd *pd,
			  enum mrc_mr_type type, int access);
int mrc_mr_publish(struct mrc_mr *mr, enum mrc_mr_state state);
void mrc_mr_free(struct mrc_mr *mr);
void mrc_mr_retire(struct mrc_mr *mr);
struct mrc_mr *mrc_mr_lookup(struct mrc_dev *dev, u32 key);
void mrc_mr_drop(struct mrc_mr *mr);
bool mrc_mr_in_range(const struct mrc_mr *mr, u64 addr, u64 len);
void mrc_mr_revoke(struct mrc_mr *mr, enum mrc_mr_state state);
struct ib_mr *mrc_get_dma_mr(struct ib_pd *ibpd, int access);
struct ib_mr *mrc_reg_user_mr(struct ib_pd *ibpd, u64 start, u64 length,
			      u64 iova, int access, MRC_DMAH_PARAM
			      struct ib_udata *udata);
struct ib_mr *mrc_rereg_user_mr(struct ib_mr *ibmr, int flags, u64 start,
				u64 length, u64 iova, int access,
				struct ib_pd *ibpd, struct ib_udata *udata);
int mrc_dereg_mr(struct ib_mr *ibmr, struct ib_udata *udata);
struct ib_mr *mrc_alloc_mr(struct ib_pd *ibpd, enum ib_mr_type type,
			   u32 max_num_sg);
int mrc_map_mr_sg(struct ib_mr *ibmr, struct scatterlist *sg, int nents,
		  unsigned int *offset);

/* mw.c */
int mrc_alloc_mw(struct ib_mw *ibmw, struct ib_udata *udata);
int mrc_dealloc_mw(struct ib_mw *ibmw);

/* dmabuf.c */
void mrc_dmabuf_put(struct mrc_dmabuf *d);
struct ib_mr *mrc_reg_user_mr_dmabuf(struct ib_pd *ibpd, u64 offset, u64 length,
				     u64 iova, int fd, int access,
				     MRC_DMAH_PARAM
				     mrc_dmabuf_arg_t *arg);

#endif /* MRC_VERBS_H */
