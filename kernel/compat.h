/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The module is written for the interfaces of a recent kernel; what older
 * ones lack or name otherwise is put right here. HAVE_* comes from probe.sh.
 * Included ahead of every source file, so that none needs a conditional.
 */
#ifndef MRC_COMPAT_H
#define MRC_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>

/* A netdev for NAPI instances that belong to none was the caller's memory. */
#ifdef HAVE_NETDEV_DUMMY
#define mrc_free_netdev_dummy	free_netdev
#else
static inline struct net_device *alloc_netdev_dummy(int sizeof_priv)
{
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
}

#define mrc_free_netdev_dummy	kfree
#endif

#ifndef HAVE_HRTIMER_SETUP
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* create_cq() takes the attributes where it took the provider's data. */
#ifdef HAVE_CREATE_CQ_ATTRS
#define mrc_cq_arg		struct uverbs_attr_bundle

static inline struct ib_udata *mrc_cq_udata(mrc_cq_arg *arg)
{
	return arg ? &arg->driver_udata : NULL;
}
#else
#define mrc_cq_arg		struct ib_udata

static inline struct ib_udata *mrc_cq_udata(mrc_cq_arg *arg)
{
	return arg;
}
#endif

/* Binding a QP to counters says by which port. */
#ifdef HAVE_COUNTER_BIND_PORT
#define MRC_COUNTER_PORT_PARAM	, u32 port
#else
#define MRC_COUNTER_PORT_PARAM
#endif

/* Creation of user and of kernel CQs are different operations. */
#ifdef HAVE_CREATE_USER_CQ
#define MRC_CREATE_CQ_OPS						\
	.create_cq = mrc_create_cq, .create_user_cq = mrc_create_cq,
#else
#define MRC_CREATE_CQ_OPS	.create_cq = mrc_create_cq,
#endif

/* Resizing is for user CQs only. */
#ifdef HAVE_RESIZE_USER_CQ
#define mrc_cqe_t		unsigned int
#define MRC_RESIZE_CQ_OPS	.resize_user_cq = mrc_resize_cq,
#else
#define mrc_cqe_t		int
#define MRC_RESIZE_CQ_OPS	.resize_cq = mrc_resize_cq,
#endif

/* Registration of memory takes a TPH handle: one more argument. */
#ifdef HAVE_REG_USER_MR_DMAH
#define MRC_DMAH_PARAM		struct ib_dmah *dmah,
#define mrc_dmah_given()	(dmah)
#else
#define MRC_DMAH_PARAM
#define mrc_dmah_given()	false
#endif

/* reg_user_mr_dmabuf() takes the attributes where it took provider's data. */
#ifdef HAVE_REG_DMABUF_ATTRS
#define mrc_dmabuf_arg_t	struct uverbs_attr_bundle
#else
#define mrc_dmabuf_arg_t	struct ib_udata
#endif

#ifndef HAVE_DMA_BUF_VMAP_UNLOCKED
#define dma_buf_vmap_unlocked	dma_buf_vmap
#define dma_buf_vunmap_unlocked	dma_buf_vunmap
#endif

/* Names of symbol namespaces have become strings. */
#ifdef HAVE_IMPORT_NS_STRING
#define MRC_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS("DMA_BUF")
#else
#define MRC_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS(DMA_BUF)
#endif

#ifndef HAVE_IB_UMEM_GET_VA
#define ib_umem_get_va		ib_umem_get
#endif

#ifndef HAVE_IB_VIRT_DMA_TO_PAGE
static inline struct page *ib_virt_dma_to_page(u64 dma_addr)
{
	return virt_to_page((void *)(uintptr_t)dma_addr);
}
#endif

/*
 * A core that watches the netdev would report port events by the state of
 * that one netdev; ours goes by the planes too.
 */
#ifdef HAVE_REPORT_PORT_EVENT
static inline void mrc_report_port_event(struct ib_device *ibdev,
					 struct net_device *ndev,
					 unsigned long event)
{
}

#define MRC_REPORT_PORT_EVENT_OPS .report_port_event = mrc_report_port_event,
#else
#define MRC_REPORT_PORT_EVENT_OPS
#endif

/* The functions for tunnels want the socket's inner half. */
#ifdef HAVE_UDP_TUNNEL_SK
#define mrc_tunnel_sock(sock)	((sock)->sk)
#else
#define mrc_tunnel_sock(sock)	(sock)
#endif

#ifndef struct_size_t
#define struct_size_t(type, member, count) \
	struct_size((type *)NULL, member, count)
#endif

/* Before messages could be formatted, one could not say the bounds. */
#ifndef NL_SET_ERR_MSG_FMT
#define NL_SET_ERR_MSG_FMT(extack, fmt, ...)				\
	NL_SET_ERR_MSG(extack, "the value is outside its bounds")
#endif

#endif /* MRC_COMPAT_H */
