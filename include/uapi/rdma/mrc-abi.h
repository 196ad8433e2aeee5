/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR Linux-OpenIB) */
/*
 * Kernel <-> provider interface: uverbs command extensions and the layout of
 * the shared rings. All of it is little to trust: the kernel copies an entry
 * out of a ring before it looks at it, and keeps its own indices.
 */
#ifndef RDMA_MRC_ABI_H
#define RDMA_MRC_ABI_H

#include <linux/stddef.h>
#include <linux/types.h>

#define MRC_ABI_VERSION		1
/*
 * Not one of enum rdma_driver_id's numbers: this driver has none assigned,
 * and RDMA_DRIVER_UNKNOWN would match other drivers' devices.
 */
#define RDMA_DRIVER_MRC		0x4d524331

#define MRC_MAX_INLINE		512
#define MRC_MAX_SGE		32

/*
 * A ring is one mmap()ed region: this header, padding up to offset, then
 * entries << log2. Indices run freely through 32 bits; entry = index & (n-1).
 * Producer and consumer indices lie in cache lines of their own.
 */
struct mrc_ring {
	/* written by the producer (user for SQ, RQ, SRQ; kernel for CQ) */
	__u32	prod __attribute__((aligned(64)));
	/* written by the consumer */
	__u32	cons __attribute__((aligned(64)));
	/*
	 * SQ, RQ and SRQ: nonzero if the kernel wants a doorbell after prod
	 * was advanced (it sleeps, or the QP is in error and entries are to
	 * be flushed). The producer stores prod, issues a full barrier, then
	 * reads this.
	 */
	__u32	want_doorbell __attribute__((aligned(64)));
	__u32	log2_entries;
	__u32	entry_size;	/* bytes */
	__u32	offset;		/* of entry 0 from the start of the region */
	__u32	rsvd[12];
};

/* An SGE in a ring. */
struct mrc_sge {
	__aligned_u64	addr;
	__u32		length;
	__u32		lkey;
};

/* struct mrc_sqe::opcode holds enum ib_uverbs_wr_opcode / ib_wr_opcode. */

/* struct mrc_sqe::flags: enum ibv_send_flags, same bits. */
#define MRC_SQE_FENCE		(1 << 0)
#define MRC_SQE_SIGNALED	(1 << 1)
#define MRC_SQE_SOLICITED	(1 << 2)
#define MRC_SQE_INLINE		(1 << 3)

struct mrc_sqe {
	__aligned_u64	wr_id;
	__u32		opcode;
	__u32		flags;
	__u32		imm;		/* big-endian immediate, or rkey to invalidate */
	__u32		num_sge;	/* not with MRC_SQE_INLINE */
	__u32		inline_len;	/* bytes, with MRC_SQE_INLINE */
	__u32		rsvd;
	union {
		struct {
			__aligned_u64	remote_addr;
			__u32		rkey;
			__u32		rsvd;
			__aligned_u64	compare_add;
			__aligned_u64	swap;
		} rdma;
		struct {
			__u32		remote_qpn;
			__u32		remote_qkey;
			__u32		ah_num;
			__u32		rsvd;
		} ud;
		struct {
			/* kernel QPs only: struct ib_mr pointer */
			__aligned_u64	mr;
			__u32		key;
			__u32		access;
		} reg;
		struct {
			__aligned_u64	addr;
			__aligned_u64	length;	/* 0: unbind */
			__u32		rkey;	/* the window's, from now on */
			__u32		lkey;	/* of the MR */
			__u32		access;
			__u32		rsvd;
		} bind;
	};
	/* struct mrc_sge[num_sge], or inline_len bytes */
	union {
		__DECLARE_FLEX_ARRAY(struct mrc_sge, sge);
		__DECLARE_FLEX_ARRAY(__u8, data);
	};
};

struct mrc_rqe {
	__aligned_u64	wr_id;
	__u32		num_sge;
	__u32		rsvd;
	struct mrc_sge	sge[];
};

/* struct mrc_cqe::opcode holds enum ibv_wc_opcode (= ib_uverbs_wc_opcode). */

/*
 * struct mrc_cqe::wc_flags: enum ibv_wc_flags, which is not ib_wc_flags: an
 * invalidated key is bit 3 here, bit 2 in the kernel's enum.
 */
#define MRC_CQE_GRH		(1 << 0)
#define MRC_CQE_WITH_IMM	(1 << 1)
#define MRC_CQE_WITH_INV	(1 << 3)

/* struct mrc_cqe::network_hdr_type: the kernel's enum rdma_network_type */
#define MRC_CQE_NET_IPV4	2
#define MRC_CQE_NET_IPV6	3

/*
 * The entries between cons and prod belong to user space, which writes this
 * into qpn to have poll pass over the entries of a QP that is gone.
 */
#define MRC_CQE_SKIP		0xffffffff

struct mrc_cqe {
	__aligned_u64	wr_id;
	__u32		status;		/* enum ibv_wc_status */
	__u32		opcode;
	__u32		vendor_err;
	__u32		byte_len;
	__u32		imm;		/* big-endian, or invalidated rkey */
	__u32		qpn;
	__u32		src_qpn;
	__u32		wc_flags;
	__aligned_u64	timestamp;	/* CLOCK_MONOTONIC, ns */
	__u16		pkey_index;
	__u16		vlan_id;	/* 0xffff: none */
	__u8		smac[6];
	__u8		network_hdr_type; /* datagrams: MRC_CQE_NET_* */
	__u8		rsvd[5];
};

/* What mmap() wants to know of one ring. size 0: no such ring. */
struct mrc_mmap_info {
	__aligned_u64	offset;
	__aligned_u64	size;
};

struct mrc_uresp_alloc_ucontext {
	__u32	abi_version;
	__u32	max_inline;
};

struct mrc_uresp_alloc_pd {
	__u32	pdn;
	__u32	rsvd;
};

struct mrc_uresp_create_ah {
	__u32	ah_num;
	__u32	rsvd;
};

struct mrc_uresp_create_cq {
	struct mrc_mmap_info	cq;
};

struct mrc_uresp_resize_cq {
	struct mrc_mmap_info	cq;
};

struct mrc_uresp_create_qp {
	struct mrc_mmap_info	sq;
	struct mrc_mmap_info	rq;	/* size 0 with an SRQ */
};

struct mrc_uresp_create_srq {
	struct mrc_mmap_info	srq;
	__u32			srqn;
	__u32			rsvd;
};

/*
 * ibv_modify_srq(IBV_SRQ_MAX_WR). The uverbs command has no response, so the
 * request carries the address of where to copy it to.
 */
struct mrc_ureq_modify_srq {
	__aligned_u64		resp_addr;	/* of struct mrc_uresp_modify_srq */
};

struct mrc_uresp_modify_srq {
	struct mrc_mmap_info	srq;
};

#endif /* RDMA_MRC_ABI_H */
