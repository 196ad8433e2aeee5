/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* The kernel's side of RDMA, as far as needed. See shim.h. */
#ifndef MRC_FUZZ_SHIM_VERBS_H
#define MRC_FUZZ_SHIM_VERBS_H

/* What user space sees too has the values of the uverbs interface. */
enum ib_wc_status {
	IB_WC_SUCCESS, IB_WC_LOC_LEN_ERR, IB_WC_LOC_QP_OP_ERR,
	IB_WC_LOC_EEC_OP_ERR, IB_WC_LOC_PROT_ERR, IB_WC_WR_FLUSH_ERR,
	IB_WC_MW_BIND_ERR, IB_WC_BAD_RESP_ERR, IB_WC_LOC_ACCESS_ERR,
	IB_WC_REM_INV_REQ_ERR, IB_WC_REM_ACCESS_ERR, IB_WC_REM_OP_ERR,
	IB_WC_RETRY_EXC_ERR, IB_WC_RNR_RETRY_EXC_ERR,
};

enum ib_wc_opcode {
	IB_WC_SEND, IB_WC_RDMA_WRITE, IB_WC_RDMA_READ, IB_WC_COMP_SWAP,
	IB_WC_FETCH_ADD, IB_UVERBS_WC_BIND_MW, IB_WC_LOCAL_INV, IB_WC_REG_MR,
	IB_WC_RECV = 1 << 7, IB_WC_RECV_RDMA_WITH_IMM,
};

enum ib_wr_opcode {
	IB_WR_RDMA_WRITE, IB_WR_RDMA_WRITE_WITH_IMM, IB_WR_SEND,
	IB_WR_SEND_WITH_IMM, IB_WR_RDMA_READ, IB_WR_ATOMIC_CMP_AND_SWP,
	IB_WR_ATOMIC_FETCH_AND_ADD, IB_WR_LOCAL_INV, IB_UVERBS_WR_BIND_MW,
	IB_WR_SEND_WITH_INV, IB_WR_REG_MR = 0x20,
};

enum ib_qp_state {
	IB_QPS_RESET, IB_QPS_INIT, IB_QPS_RTR, IB_QPS_RTS, IB_QPS_SQD,
	IB_QPS_SQE, IB_QPS_ERR,
};

enum ib_qp_type { IB_QPT_SMI, IB_QPT_GSI, IB_QPT_RC, IB_QPT_UC, IB_QPT_UD };
enum ib_mw_type { IB_MW_TYPE_1 = 1, IB_MW_TYPE_2 };
enum ib_mr_type { IB_MR_TYPE_MEM_REG, IB_MR_TYPE_SG_GAPS };
enum ib_cq_notify_flags {
	IB_CQ_SOLICITED = 1, IB_CQ_NEXT_COMP = 2, IB_CQ_SOLICITED_MASK = 3,
	IB_CQ_REPORT_MISSED_EVENTS = 4,
};

enum ib_event_type {
	IB_EVENT_CQ_ERR, IB_EVENT_QP_FATAL, IB_EVENT_QP_REQ_ERR,
	IB_EVENT_QP_ACCESS_ERR, IB_EVENT_COMM_EST, IB_EVENT_SQ_DRAINED,
	IB_EVENT_SRQ_ERR, IB_EVENT_SRQ_LIMIT_REACHED,
	IB_EVENT_QP_LAST_WQE_REACHED,
};

enum ib_srq_attr_mask { IB_SRQ_MAX_WR = 1, IB_SRQ_LIMIT = 2 };
enum { IB_SRQT_BASIC };

#define IB_ACCESS_LOCAL_WRITE	1
#define IB_ACCESS_REMOTE_WRITE	2
#define IB_ACCESS_REMOTE_READ	4
#define IB_ACCESS_REMOTE_ATOMIC	8
#define IB_ACCESS_MW_BIND	16
#define IB_ACCESS_OPTIONAL	0x3ff00000
#define IB_MR_REREG_TRANS	1
#define IB_MR_REREG_PD		2
#define IB_MR_REREG_ACCESS	4
#define IB_MR_REREG_SUPPORTED	7
#define IB_WC_GRH		1
#define IB_WC_WITH_IMM		2
#define IB_WC_WITH_INVALIDATE	4
#define IB_WC_WITH_SMAC		16
#define IB_WC_WITH_VLAN		32
#define IB_WC_WITH_NETWORK_HDR_TYPE 64
#define IB_QP1_QKEY		0x80010000
#define IB_MULTICAST_QPN	0xffffff
#define IB_DEVICE_NAME_MAX	64
#define IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION 1
#define RDMA_NETWORK_IPV4	2
#define RDMA_NETWORK_IPV6	3

struct ib_device { u32 index; char name[IB_DEVICE_NAME_MAX]; };
struct ib_udata { size_t inlen, outlen; };
struct uverbs_attr_bundle { struct ib_udata driver_udata; };
struct ib_ucontext { struct ib_device *device; };
struct ib_pd { struct ib_device *device; };
struct vm_area_struct { unsigned long vm_flags, vm_pgoff, vm_start, vm_end; };
#define VM_SHARED 8
struct rdma_user_mmap_entry { int unused; };
union ib_gid { u8 raw[16]; };
struct ib_mr {
	struct ib_device *device;
	struct ib_pd *pd;
	u32 lkey, rkey;
	u64 iova, length;
	u32 page_size;
};
struct ib_mw { struct ib_device *device; struct ib_pd *pd; u32 rkey;
	       enum ib_mw_type type; };
struct ib_global_route { u32 flow_label; u8 traffic_class, hop_limit; };
struct rdma_ah_attr { struct ib_global_route grh; };
struct ib_ah { struct ib_pd *pd; };
struct rdma_ah_init_attr;
struct ib_device_ops;
struct ib_dmah;
struct dma_buf;
struct scatterlist { struct page *page; u32 offset, length; };
struct sg_table { struct scatterlist *sgl; u32 nents; };
struct mm_struct;
struct ib_umem {
	struct { struct sg_table sgt; } sgt_append;
	struct mm_struct *owning_mm;
	unsigned long address;
	bool writable;
};
struct task { struct mm_struct *mm; };
#define current			((struct task *)NULL)
#define sg_page(s)		((s)->page)
#define for_each_sgtable_sg(t, s, i) \
	for (i = 0, s = (t)->sgl; i < (t)->nents; i++, s++)
#define ib_umem_offset(u)	((u)->address & ~PAGE_MASK)
#define ib_umem_get_va(d, s, l, a) ((struct ib_umem *)ERR_PTR(-ENOMEM))
#define HAVE_IB_UMEM_GET_VA
#define ib_umem_release(u)	WARN_ON(u)
#define ib_access_writable(a)	((a) & ~IB_ACCESS_REMOTE_READ)
#define ib_sg_to_pages(m, s, n, o, f) ((void)(f), -EINVAL)

struct ib_event;
struct ib_cq {
	struct ib_device *device;
	int cqe;
	void (*comp_handler)(struct ib_cq *cq, void *context);
	void (*event_handler)(struct ib_event *ev, void *context);
	void *cq_context;
};
struct ib_cq_init_attr { u32 cqe, comp_vector, flags; };
struct ib_srq_attr { u32 max_wr, max_sge, srq_limit; };
struct ib_srq_init_attr { struct ib_srq_attr attr; int srq_type; };
struct ib_srq {
	struct ib_device *device;
	void (*event_handler)(struct ib_event *ev, void *context);
	void *srq_context;
};
struct ib_qp {
	struct ib_device *device;
	struct ib_pd *pd;
	struct ib_cq *send_cq, *recv_cq;
	enum ib_qp_type qp_type;
	void (*event_handler)(struct ib_event *ev, void *context);
	void *qp_context;
};
struct ib_qp_attr {
	enum ib_qp_state qp_state;
	u32 qkey, rq_psn, sq_psn, dest_qp_num;
	int qp_access_flags;
	u8 max_rd_atomic, max_dest_rd_atomic, min_rnr_timer, timeout,
	   retry_cnt, rnr_retry;
};
struct ib_qp_cap {
	u32 max_send_wr, max_recv_wr, max_send_sge, max_recv_sge,
	    max_inline_data;
};
struct ib_event {
	struct ib_device *device;
	union { struct ib_cq *cq; struct ib_qp *qp; struct ib_srq *srq; }
		element;
	enum ib_event_type event;
};
struct ib_wc {
	u64 wr_id;
	int status, opcode;
	u32 vendor_err, byte_len, src_qp, pkey_index, port_num, wc_flags;
	struct ib_qp *qp;
	union { __be32 imm_data; u32 invalidate_rkey; } ex;
	u8 network_hdr_type, smac[6];
	u16 vlan_id;
};
struct ib_sge { u64 addr; u32 length, lkey; };
struct ib_recv_wr {
	struct ib_recv_wr *next;
	u64 wr_id;
	struct ib_sge *sg_list;
	int num_sge;
};
#define ibdev_dbg(d, ...)
#define ibdev_err_ratelimited(d, ...)
#define rdma_udata_to_drv_context(u, t, m) ((t *)NULL)
#define ib_copy_to_udata(u, p, n) (-EFAULT)
#define ib_copy_from_udata(p, u, n) (-EFAULT)
#define copy_to_user(d, s, n)	(1)
#define u64_to_user_ptr(p)	((void *)(uintptr_t)(p))
#define rdma_user_mmap_entry_insert(c, e, n) (-ENOMEM)
#define rdma_user_mmap_get_offset(e) 0
#define rdma_user_mmap_entry_get(c, v) ((struct rdma_user_mmap_entry *)NULL)
#define rdma_user_mmap_entry_put(e)
#define rdma_user_mmap_entry_remove(e) abort()
#define remap_vmalloc_range(v, r, o) (-EINVAL)
#define ida_alloc_range(i, lo, hi, g) (lo)
#define ida_free(i, n)
#define rdma_get_udp_sport(f, a, b) ((u16)(0xc000 | ((f) & 0x3fff)))
#define iboe_get_mtu(m)		((m) / 1024)
#define ib_mtu_enum_to_int(m)	((m) * 1024)

#endif
