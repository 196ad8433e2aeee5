// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The module: `rdma link add`, netdevs that come, go and change, and the end
 * of it all.
 *
 * A device's end always goes the core's way: it takes away the users, then
 * calls ib_device_ops.dealloc_driver. Here we only ask for it.
 */
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <net/addrconf.h>
#include <rdma/rdma_netlink.h>

#include "control/control.h"
#include "port/port.h"
#include "verbs/verbs.h"

/* Every device, also those being registered or unregistered. */
LIST_HEAD(mrc_devices);
/* Nests inside RTNL. Who wants to keep a device takes ib_device_try_get(). */
/* mrc_devices; before dev->ports_lock */
DEFINE_MUTEX(mrc_devices_lock);

static int mrc_newlink(const char *name, struct net_device *netdev)
{
	/* The core gives no GIDs to a device whose netdev is a VLAN. */
	if (is_vlan_dev(netdev))
		return -EOPNOTSUPP;
	return mrc_device_add(name, netdev);
}

static struct rdma_link_ops mrc_link_ops = {
	.type = "mrc",
	.newlink = mrc_newlink,
};

/* ------------------------------------------------------------ netdevs */

/* Tell the users if what they can do with the port has changed. */
static void mrc_dev_report(struct mrc_dev *dev)
{
	struct ib_event event = {
		.device = &dev->ibdev,
		.element.port_num = 1,
	};
	bool active = mrc_dev_active(dev);

	if (active == dev->active)
		return;
	dev->active = active;
	event.event = active ? IB_EVENT_PORT_ACTIVE : IB_EVENT_PORT_ERR;
	ib_dispatch_event(&event);
}

static bool mrc_dev_has_plane(struct mrc_dev *dev,
			      const struct net_device *netdev)
{
	struct mrc_port *port;
	bool found = false;
	int i;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS && !found; i++) {
		port = rcu_dereference(dev->ports[i]);
		found = port && port->netdev == netdev;
	}
	rcu_read_unlock();
	return found;
}

static void mrc_dev_netdev_event(struct mrc_dev *dev, struct net_device *netdev,
				 unsigned long event)
{
	bool plane = mrc_dev_has_plane(dev, netdev);

	if (netdev != dev->netdev && !plane)
		return;
	switch (event) {
	case NETDEV_UNREGISTER:
		/* The core works it off; the netdev waits for our reference. */
		if (netdev == dev->netdev)
			ib_unregister_device_queued(&dev->ibdev);
		else
			mrc_port_del(dev, netdev, NULL);
		break;
	case NETDEV_CHANGENAME:
		if (netdev == dev->netdev)
			mrc_parent_link(dev);
		return;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGEADDR:
		mrc_port_state_changed(dev, NULL);
		break;
	default:
		return;
	}
	mrc_dev_report(dev);
}

static int mrc_netdev_notify(struct notifier_block *nb, unsigned long event,
			     void *ptr)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(ptr);
	struct mrc_dev *dev;

	mutex_lock(&mrc_devices_lock);
	list_for_each_entry(dev, &mrc_devices, list) {
		/*
		 * One that is on its way in or out needs nothing: it looks at
		 * the netdevs itself, and their end is told time and again
		 * until nobody holds them.
		 */
		if (!ib_device_try_get(&dev->ibdev))
			continue;
		mrc_dev_netdev_event(dev, netdev, event);
		ib_device_put(&dev->ibdev);
	}
	mutex_unlock(&mrc_devices_lock);
	return NOTIFY_DONE;
}

static struct notifier_block mrc_netdev_nb = {
	.notifier_call = mrc_netdev_notify,
};

/* ------------------------------------------------------------ addresses */

/* Addresses change in atomic context; and it is no hurry. */
static void mrc_addr_work_fn(struct work_struct *work)
{
	struct mrc_dev *dev;

	mutex_lock(&mrc_devices_lock);
	list_for_each_entry(dev, &mrc_devices, list) {
		if (!ib_device_try_get(&dev->ibdev))
			continue;
		mrc_port_state_changed(dev, NULL);
		ib_device_put(&dev->ibdev);
	}
	mutex_unlock(&mrc_devices_lock);
}

static DECLARE_WORK(mrc_addr_work, mrc_addr_work_fn);

static int mrc_addr_notify(struct notifier_block *nb, unsigned long event,
			   void *ptr)
{
	schedule_work(&mrc_addr_work);
	return NOTIFY_DONE;
}

static struct notifier_block mrc_inetaddr_nb = {
	.notifier_call = mrc_addr_notify,
};

static struct notifier_block mrc_inet6addr_nb = {
	.notifier_call = mrc_addr_notify,
};

/* ------------------------------------------------------------ module */

static int __init mrc_init(void)
{
	int err;

	err = mrc_batch_init();
	if (err)
		return err;
	err = mrc_net_init();
	if (err)
		goto batch;
	err = register_netdevice_notifier(&mrc_netdev_nb);
	if (err)
		goto net;
	err = register_inetaddr_notifier(&mrc_inetaddr_nb);
	if (err)
		goto netdev;
	err = register_inet6addr_notifier(&mrc_inet6addr_nb);
	if (err)
		goto inet;
	err = mrc_netlink_init();
	if (err)
		goto inet6;
	rdma_link_register(&mrc_link_ops);
	return 0;

inet6:
	unregister_inet6addr_notifier(&mrc_inet6addr_nb);
inet:
	unregister_inetaddr_notifier(&mrc_inetaddr_nb);
netdev:
	unregister_netdevice_notifier(&mrc_netdev_nb);
net:
	mrc_net_exit();
batch:
	mrc_batch_exit();
	return err;
}

static void __exit mrc_exit(void)
{
	/* First whatever could make a device or take hold of one. */
	rdma_link_unregister(&mrc_link_ops);
	mrc_netlink_exit();
	unregister_inet6addr_notifier(&mrc_inet6addr_nb);
	unregister_inetaddr_notifier(&mrc_inetaddr_nb);
	cancel_work_sync(&mrc_addr_work);
	/* While netdevs are still watched: they cannot go without it. */
	ib_unregister_driver((enum rdma_driver_id)RDMA_DRIVER_MRC);
	unregister_netdevice_notifier(&mrc_netdev_nb);
	mrc_net_exit();
	mrc_batch_exit();
	/* What was freed by call_rcu() is freed by code of this module. */
	rcu_barrier();
}

module_init(mrc_init);
module_exit(mrc_exit);

MODULE_DESCRIPTION("Multipath Reliable Connection (MRC 1.0) over Ethernet");
MODULE_AUTHOR("The MRC for Linux developers");
MODULE_LICENSE("Dual BSD/GPL");
MODULE_ALIAS_RDMA_LINK("mrc");
