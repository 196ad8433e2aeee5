// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The ib_device: its birth and end, what it tells of itself and its port. */
#include <linux/etherdevice.h>
#include <linux/platform_device.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <rdma/ib_mad.h>

#include "control/control.h"
#include "port/port.h"
#include "verbs.h"

#define MRC_GID_TBL_LEN		256
/* "MRC": no OUI of anybody's, as its group bit is set. */
#define MRC_VENDOR_ID		0x4d5243
#define MRC_MAX_MR_SIZE		BIT_ULL(40)
/* Default setting: enough for ECMP to use every way through a fabric. */
#define MRC_PATHS_PER_PLANE	32
/* What a packet of the largest headers has around its payload, bytes. */
#define MRC_OVERHEAD							\
	(sizeof(struct ipv6hdr) + sizeof(struct udphdr) +		\
	 sizeof(struct mrc_bth) + sizeof(struct mrc_meth) +		\
	 sizeof(struct mrc_tseth) + sizeof(struct mrc_reth) +		\
	 sizeof(struct mrc_immdt) + MRC_ICRC_SIZE)

/* ------------------------------------------------------------ queries */

/* Asked once, by the core at registration, which keeps what it is told. */
static int mrc_query_device(struct ib_device *ibdev,
			    struct ib_device_attr *attr, struct ib_udata *udata)
{
	/* Later kernels ask for themselves without udata. */
	if (udata && (udata->inlen || udata->outlen))
		return -EINVAL;

	attr->sys_image_guid = ibdev->node_guid;
	attr->vendor_id = MRC_VENDOR_ID;
	attr->vendor_part_id = 1;
	attr->hw_ver = 1;
	attr->max_mr_size = MRC_MAX_MR_SIZE;
	/* 4 KiB and every power of two above: it is the CPU that copies. */
	attr->page_size_cap = 0xfffff000;
	attr->max_qp = MRC_MAX_QP;
	attr->max_qp_wr = MRC_MAX_QP_WR;
	attr->device_cap_flags = IB_DEVICE_CURR_QP_STATE_MOD |
				 IB_DEVICE_SYS_IMAGE_GUID |
				 IB_DEVICE_PORT_ACTIVE_EVENT |
				 IB_DEVICE_RC_RNR_NAK_GEN |
				 IB_DEVICE_SRQ_RESIZE |
				 IB_DEVICE_MEM_WINDOW |
				 IB_DEVICE_MEM_WINDOW_TYPE_2B |
				 IB_DEVICE_MEM_MGT_EXTENSIONS;
	/* `rdma link del` */
	attr->kernel_cap_flags = IBK_ALLOW_USER_UNREG;
	attr->max_send_sge = MRC_MAX_SGE;
	attr->max_recv_sge = MRC_MAX_SGE;
	attr->max_sge_rd = MRC_MAX_SGE;
	attr->max_cq = MRC_MAX_CQ;
	attr->max_cqe = MRC_MAX_CQE;
	attr->max_mr = MRC_MAX_MR;
	attr->max_mw = MRC_MAX_MR;
	attr->max_pd = MRC_MAX_PD;
	attr->max_qp_rd_atom = MRC_MAX_RD_ATOMIC;
	attr->max_res_rd_atom = MRC_MAX_RD_ATOMIC * MRC_MAX_QP;
	attr->max_qp_init_rd_atom = MRC_MAX_RD_ATOMIC;
	attr->atomic_cap = IB_ATOMIC_HCA;
	attr->max_ah = MRC_MAX_AH;
	attr->max_mcast_grp = MRC_MAX_MCAST;
	attr->max_mcast_qp_attach = MRC_MAX_MCAST;
	attr->max_total_mcast_qp_attach = MRC_MAX_MCAST;
	attr->max_srq = MRC_MAX_SRQ;
	attr->max_srq_wr = MRC_MAX_SRQ_WR;
	attr->max_srq_sge = MRC_MAX_SGE;
	attr->max_fast_reg_page_list_len = MRC_MAX_FAST_REG;
	attr->max_pkeys = 1;
	/* 4.096 us * 2^15: softirqs may be that late on a busy machine. */
	attr->local_ca_ack_delay = 15;
	/* Time stamps of completions are ns. */
	attr->timestamp_mask = U64_MAX;
	attr->hca_core_clock = USEC_PER_SEC;
	attr->cq_caps.max_cq_moderation_count = U16_MAX;
	attr->cq_caps.max_cq_moderation_period = U16_MAX;
	return 0;
}

/*
 * Of the widths and speeds there are, the product next to @mbps; of equals
 * the one with the fewest lanes.
 */
static void mrc_speed_to_ib(u32 mbps, struct ib_port_attr *attr)
{
	static const struct {
		u16 ib;
		u32 lanes;
	} widths[] = {
		{ IB_WIDTH_1X, 1 }, { IB_WIDTH_2X, 2 }, { IB_WIDTH_4X, 4 },
		{ IB_WIDTH_8X, 8 }, { IB_WIDTH_12X, 12 },
	};
	static const struct {
		u16 ib;
		u32 mbps;
	} speeds[] = {
		{ IB_SPEED_SDR, 2500 }, { IB_SPEED_DDR, 5000 },
		{ IB_SPEED_FDR10, 10000 }, { IB_SPEED_FDR, 14000 },
		{ IB_SPEED_EDR, 25000 }, { IB_SPEED_HDR, 50000 },
		{ IB_SPEED_NDR, 100000 },
	};
	u32 best = U32_MAX;
	int w, s;

	for (w = 0; w < ARRAY_SIZE(widths); w++) {
		for (s = 0; s < ARRAY_SIZE(speeds); s++) {
			u32 rate = widths[w].lanes * speeds[s].mbps;
			u32 off = rate > mbps ? rate - mbps : mbps - rate;

			if (off >= best)
				continue;
			best = off;
			attr->active_width = widths[w].ib;
			attr->active_speed = speeds[s].ib;
		}
	}
}

static enum ib_mtu mrc_netdev_mtu(const struct net_device *netdev)
{
	u32 mtu = READ_ONCE(netdev->mtu);

	mtu = mtu > MRC_OVERHEAD ? mtu - MRC_OVERHEAD : 0;
	/* Returns IB_MTU_256 for what is less than that. */
	return ib_mtu_int_to_enum(mtu);
}

/*
 * The largest IB MTU whose packets more than half of the planes can carry: one
 * port that was set up wrong does not make all packets short. Such a port is
 * not used by QPs that need more.
 */
static enum ib_mtu mrc_active_mtu(struct mrc_dev *dev)
{
	u32 fit[IB_MTU_4096 + 1] = {}, ports = 0;
	int i, mtu;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		struct mrc_port *port = rcu_dereference(dev->ports[i]);

		if (!port)
			continue;
		ports++;
		for (mtu = mrc_netdev_mtu(port->netdev); mtu; mtu--)
			fit[mtu]++;
	}
	rcu_read_unlock();
	if (!ports)
		return mrc_netdev_mtu(dev->netdev);
	for (mtu = IB_MTU_4096; mtu > IB_MTU_256; mtu--)
		if (2 * fit[mtu] > ports)
			break;
	return mtu;
}

/**
 * mrc_dev_active - can the device send and receive?
 * @dev: the device
 *
 * Return: true if its address netdev and at least one plane are up.
 */
bool mrc_dev_active(struct mrc_dev *dev)
{
	u32 up;

	mrc_dev_planes(dev, &up);
	return up && netif_running(dev->netdev) &&
	       netif_carrier_ok(dev->netdev);
}

static int mrc_query_port(struct ib_device *ibdev, u32 port,
			  struct ib_port_attr *attr)
{
	struct mrc_dev *dev = to_mdev(ibdev);

	/* The core has zeroed it. */
	if (mrc_dev_active(dev)) {
		attr->state = IB_PORT_ACTIVE;
		attr->phys_state = IB_PORT_PHYS_STATE_LINK_UP;
	} else {
		attr->state = IB_PORT_DOWN;
		attr->phys_state = IB_PORT_PHYS_STATE_DISABLED;
	}
	attr->max_mtu = IB_MTU_4096;
	attr->active_mtu = mrc_active_mtu(dev);
	attr->gid_tbl_len = MRC_GID_TBL_LEN;
	attr->ip_gids = true;
	attr->port_cap_flags = IB_PORT_CM_SUP;
	attr->max_msg_sz = MRC_MAX_MSG;
	attr->pkey_tbl_len = 1;
	attr->max_vl_num = 1;
	mrc_speed_to_ib(mrc_dev_speed(dev), attr);
	return 0;
}

static int mrc_get_port_immutable(struct ib_device *ibdev, u32 port,
				  struct ib_port_immutable *immutable)
{
	immutable->core_cap_flags = RDMA_CORE_PORT_IBA_ROCE_UDP_ENCAP;
	immutable->gid_tbl_len = MRC_GID_TBL_LEN;
	immutable->pkey_tbl_len = 1;
	immutable->max_mad_size = IB_MGMT_MAD_SIZE;
	return 0;
}

static enum rdma_link_layer mrc_get_link_layer(struct ib_device *ibdev,
					       u32 port)
{
	return IB_LINK_LAYER_ETHERNET;
}

static int mrc_query_pkey(struct ib_device *ibdev, u32 port, u16 index,
			  u16 *pkey)
{
	if (index)
		return -EINVAL;
	*pkey = MRC_DEFAULT_PKEY;
	return 0;
}

static int mrc_modify_device(struct ib_device *ibdev, int mask,
			     struct ib_device_modify *attr)
{
	if (mask & ~IB_DEVICE_MODIFY_NODE_DESC) {
		ibdev_dbg(ibdev, "only the description can be changed\n");
		return -EOPNOTSUPP;
	}
	if (mask & IB_DEVICE_MODIFY_NODE_DESC)
		memcpy(ibdev->node_desc, attr->node_desc,
		       sizeof(ibdev->node_desc));
	return 0;
}

static void mrc_get_dev_fw_str(struct ib_device *ibdev, char *str)
{
	/* What there is instead of firmware is the protocol's version. */
	strscpy(str, "MRC 1.0", IB_FW_VERSION_NAME_MAX);
}

/* ------------------------------------------------------------ parent */

/*
 * Programs find the netdevs of an RDMA device, and its place in the machine,
 * by /sys/class/infiniband/NAME/device, which is the parent. A physical netdev
 * lends us its own. A virtual one has none, so we make one, with the link in
 * it that programs look for: device/net/NETDEV.
 */
static int mrc_parent_init(struct mrc_dev *dev)
{
	struct platform_device *pdev;

	if (dev->netdev->dev.parent) {
		dev->ibdev.dev.parent = dev->netdev->dev.parent;
		return 0;
	}
	pdev = platform_device_register_simple("mrc", PLATFORM_DEVID_AUTO,
					       NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	dev->parent = pdev;
	dev->ibdev.dev.parent = &pdev->dev;
	dev->parent_net = kobject_create_and_add("net", &pdev->dev.kobj);
	if (!dev->parent_net)
		return -ENOMEM;
	mrc_parent_link(dev);
	return 0;
}

/**
 * mrc_parent_link - make or renew the link to the address netdev
 * @dev: the device; RTNL held, or not registered yet
 */
void mrc_parent_link(struct mrc_dev *dev)
{
	if (!dev->parent_net)
		return;
	if (dev->parent_link[0])
		sysfs_remove_link(dev->parent_net, dev->parent_link);
	strscpy(dev->parent_link, netdev_name(dev->netdev),
		sizeof(dev->parent_link));
	/* Without it the device works, only less is known about it. */
	if (sysfs_create_link(dev->parent_net, &dev->netdev->dev.kobj,
			      dev->parent_link))
		dev->parent_link[0] = '\0';
}

static void mrc_parent_exit(struct mrc_dev *dev)
{
	if (dev->parent_net) {
		if (dev->parent_link[0])
			sysfs_remove_link(dev->parent_net, dev->parent_link);
		kobject_put(dev->parent_net);
	}
	if (dev->parent)
		platform_device_unregister(dev->parent);
}

/* ------------------------------------------------------------ life */

/*
 * The core calls this when the device has been unregistered and all objects
 * are gone, and also when mrc_device_add() gives up: it copes with whatever
 * part of the device there is.
 */
static void mrc_dealloc_driver(struct ib_device *ibdev)
{
	struct mrc_dev *dev = to_mdev(ibdev);
	struct mrc_port *port;
	int i;

	mutex_lock(&mrc_devices_lock);
	list_del(&dev->list);
	mutex_unlock(&mrc_devices_lock);

	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference_protected(dev->ports[i], true);
		if (port)
			mrc_port_del(dev, port->netdev, NULL);
	}
	/* Waits for packets that a port's ingress hook still has, too. */
	mrc_dev_sock_close(dev);
	mrc_peers_flush(dev);
	mrc_events_exit(dev);
	mrc_profiles_free(dev);
	mrc_srv6_free(dev);
	destroy_workqueue(dev->wq);
	mrc_parent_exit(dev);

	WARN_ON(!xa_empty(&dev->qps));
	WARN_ON(!xa_empty(&dev->mrs));
	WARN_ON(!xa_empty(&dev->ahs));
	xa_destroy(&dev->qps);
	xa_destroy(&dev->mrs);
	xa_destroy(&dev->ahs);
	WARN_ON(!xa_empty(&dev->groups));
	ida_destroy(&dev->pdns);
	ida_destroy(&dev->srqns);
	free_percpu(dev->stats);
	/* The netdev may go now, and its namespace with it. */
	dev_put(dev->netdev);
}

static const struct ib_device_ops mrc_dev_ops = {
	.owner = THIS_MODULE,
	.driver_id = (enum rdma_driver_id)RDMA_DRIVER_MRC,
	.uverbs_abi_ver = MRC_ABI_VERSION,
	.device_group = &mrc_attr_group,

	.alloc_hw_port_stats = mrc_alloc_hw_port_stats,
	.counter_alloc_stats = mrc_counter_alloc_stats,
	.counter_bind_qp = mrc_counter_bind_qp,
	.counter_dealloc = mrc_counter_dealloc,
	.counter_unbind_qp = mrc_counter_unbind_qp,
	.counter_update_stats = mrc_counter_update_stats,
	.alloc_mr = mrc_alloc_mr,
	.alloc_mw = mrc_alloc_mw,
	.alloc_pd = mrc_alloc_pd,
	.alloc_ucontext = mrc_alloc_ucontext,
	.attach_mcast = mrc_attach_mcast,
	.create_ah = mrc_create_ah,
	.create_srq = mrc_create_srq,
	.create_user_ah = mrc_create_ah,
	.dealloc_driver = mrc_dealloc_driver,
	.dealloc_mw = mrc_dealloc_mw,
	.dealloc_pd = mrc_dealloc_pd,
	.dealloc_ucontext = mrc_dealloc_ucontext,
	.dereg_mr = mrc_dereg_mr,
	.destroy_ah = mrc_destroy_ah,
	.detach_mcast = mrc_detach_mcast,
	.destroy_cq = mrc_destroy_cq,
	.destroy_srq = mrc_destroy_srq,
	.disassociate_ucontext = mrc_disassociate_ucontext,
	.fill_res_qp_entry = mrc_fill_res_qp_entry,
	.get_dev_fw_str = mrc_get_dev_fw_str,
	.get_dma_mr = mrc_get_dma_mr,
	.get_hw_stats = mrc_get_hw_stats,
	.get_link_layer = mrc_get_link_layer,
	.get_port_immutable = mrc_get_port_immutable,
	.map_mr_sg = mrc_map_mr_sg,
	.mmap = mrc_mmap,
	.mmap_free = mrc_mmap_free,
	.modify_cq = mrc_modify_cq,
	.modify_device = mrc_modify_device,
	.modify_srq = mrc_modify_srq,
	.poll_cq = mrc_poll_cq,
	.post_srq_recv = mrc_post_srq_recv,
	.query_ah = mrc_query_ah,
	.query_device = mrc_query_device,
	.query_pkey = mrc_query_pkey,
	.query_port = mrc_query_port,
	.query_srq = mrc_query_srq,
	.reg_user_mr = mrc_reg_user_mr,
	.reg_user_mr_dmabuf = mrc_reg_user_mr_dmabuf,
	.req_notify_cq = mrc_req_notify_cq,
	.rereg_user_mr = mrc_rereg_user_mr,
	MRC_CREATE_CQ_OPS
	MRC_REPORT_PORT_EVENT_OPS
	MRC_RESIZE_CQ_OPS

	INIT_RDMA_OBJ_SIZE(ib_ah, mrc_ah, ibah),
	INIT_RDMA_OBJ_SIZE(ib_cq, mrc_cq, ibcq),
	INIT_RDMA_OBJ_SIZE(ib_mw, mrc_mw, ibmw),
	INIT_RDMA_OBJ_SIZE(ib_pd, mrc_pd, ibpd),
	INIT_RDMA_OBJ_SIZE(ib_srq, mrc_srq, ibsrq),
	INIT_RDMA_OBJ_SIZE(ib_ucontext, mrc_ucontext, ibuc),
};

static void mrc_fill_ibdev(struct mrc_dev *dev)
{
	struct ib_device *ibdev = &dev->ibdev;

	ibdev->node_type = RDMA_NODE_IB_CA;
	ibdev->phys_port_cnt = 1;
	ibdev->num_comp_vectors = num_possible_cpus();
	strscpy(ibdev->node_desc, "Multipath Reliable Connection",
		sizeof(ibdev->node_desc));
	addrconf_addr_eui48((u8 *)&ibdev->node_guid, dev->netdev->dev_addr);
	/* Doorbells of user space are these commands without work requests. */
	ibdev->uverbs_cmd_mask |= BIT_ULL(IB_USER_VERBS_CMD_POST_SEND) |
				  BIT_ULL(IB_USER_VERBS_CMD_POST_RECV) |
				  BIT_ULL(IB_USER_VERBS_CMD_POST_SRQ_RECV) |
				  BIT_ULL(IB_USER_VERBS_CMD_REQ_NOTIFY_CQ);
}

/* What has to be there before mrc_dealloc_driver() can be called. */
static struct mrc_dev *mrc_dev_alloc(struct net_device *netdev)
{
	struct mrc_dev *dev;

	dev = ib_alloc_device(mrc_dev, ibdev);
	if (!dev)
		return NULL;
	/* It is born into the namespace of its netdev. */
	write_pnet(&dev->ibdev.coredev.rdma_net, dev_net(netdev));
	dev->stats = alloc_percpu(struct mrc_stats);
	/*
	 * Not bound to the CPU that asked: a program may be polling there,
	 * waiting for just this work.
	 */
	dev->wq = alloc_workqueue("mrc", WQ_UNBOUND | WQ_HIGHPRI |
				  WQ_MEM_RECLAIM, 0);
	if (!dev->stats || !dev->wq)
		goto free;

	dev->netdev = netdev;
	mutex_init(&dev->ports_lock);
	INIT_LIST_HEAD(&dev->list);
	INIT_LIST_HEAD(&dev->mcasts);
	mutex_init(&dev->mcast_lock);
	mutex_init(&dev->profiles_lock);
	INIT_LIST_HEAD(&dev->profiles);
	INIT_LIST_HEAD(&dev->srv6);
	dev->cc = mrc_cc_default;
	xa_init_flags(&dev->qps, XA_FLAGS_ALLOC);
	xa_init_flags(&dev->mrs, XA_FLAGS_ALLOC1);
	xa_init_flags(&dev->ahs, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);
	xa_init_flags(&dev->groups, XA_FLAGS_ALLOC1);
	mutex_init(&dev->groups_lock);
	mrc_events_init(dev);
	ida_init(&dev->pdns);
	ida_init(&dev->srqns);
	dev->instance = get_random_u64();
	dev->set.udp_port = MRC_UDP_PORT;
	dev->set.ordered_last = true;
	dev->set.icrc = true;
	dev->set.paths_per_plane = MRC_PATHS_PER_PLANE;
	dev->set.plain_mpr = MRC_MPR_MIN;
	dev->set.dscp_trimmable = MRC_DSCP_NONE;
	dev->set.dscp_retx = MRC_DSCP_NONE;
	dev->set.dscp_trimmed = MRC_DSCP_NONE;
	dev->set.dscp_trimmed_lasthop = MRC_DSCP_NONE;
	dev->set.spray_unit = 1;
	if (mrc_peers_init(dev))
		goto free;

	dev_hold(netdev);
	ib_set_device_ops(&dev->ibdev, &mrc_dev_ops);
	ib_set_device_ops(&dev->ibdev, &mrc_qp_ops);
	return dev;
free:
	if (dev->wq)
		destroy_workqueue(dev->wq);
	free_percpu(dev->stats);
	ib_dealloc_device(&dev->ibdev);
	return NULL;
}

/* Enter the device into the list, unless the netdev has one. */
static int mrc_dev_enlist(struct mrc_dev *dev)
{
	struct mrc_dev *other;
	int err = 0;

	mutex_lock(&mrc_devices_lock);
	list_for_each_entry(other, &mrc_devices, list) {
		if (other->netdev == dev->netdev)
			err = -EEXIST;
	}
	if (!err)
		list_add_tail(&dev->list, &mrc_devices);
	mutex_unlock(&mrc_devices_lock);
	return err;
}

/* A dummy only lends its address; nothing comes in or goes out by it. */
static bool mrc_is_dummy(const struct net_device *netdev)
{
	return netdev->rtnl_link_ops &&
	       !strcmp(netdev->rtnl_link_ops->kind, "dummy");
}

/**
 * mrc_device_add - make and register a device
 * @name: name of the RDMA device, maybe with a %d
 * @netdev: address netdev, which also becomes plane 0 if it can be one
 *
 * RTNL not held. Return: 0, -EEXIST: the netdev has a device, -EOPNOTSUPP: no
 * Ethernet, -EADDRINUSE: somebody else has the UDP port, or another errno.
 */
int mrc_device_add(const char *name, struct net_device *netdev)
{
	struct mrc_dev *dev;
	int err;

	if (netdev->type != ARPHRD_ETHER) {
		netdev_info(netdev, "no Ethernet, so not for MRC\n");
		return -EOPNOTSUPP;
	}
	dev = mrc_dev_alloc(netdev);
	if (!dev)
		return -ENOMEM;
	err = mrc_dev_enlist(dev);
	if (err) {
		netdev_info(netdev, "has an MRC device already\n");
		goto dealloc;
	}
	err = mrc_parent_init(dev);
	if (err)
		goto dealloc;
	mrc_fill_ibdev(dev);
	err = ib_device_set_netdev(&dev->ibdev, netdev, 1);
	if (err)
		goto dealloc;
	if (!mrc_is_dummy(netdev)) {
		err = mrc_port_add(dev, netdev, 0, true, NULL);
		if (err)
			goto dealloc;
	}
	err = mrc_dev_sock_open(dev);
	if (err) {
		netdev_info(netdev, "MRC cannot have UDP port %u: %d\n",
			    dev->set.udp_port, err);
		goto dealloc;
	}
	dev->active = mrc_dev_active(dev);
	err = ib_register_device(&dev->ibdev, name, NULL);
	if (err)
		goto dealloc;
	return 0;
dealloc:
	ib_dealloc_device(&dev->ibdev);
	return err;
}
