// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Planes of a device coming and going. */
#include <linux/if_arp.h>

#include "control/control.h"
#include "port.h"

static struct mrc_port *plane_of(struct mrc_dev *dev,
				 const struct net_device *netdev)
{
	struct mrc_port *port;
	int i;

	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference_protected(dev->ports[i],
						 lockdep_is_held(&dev->ports_lock));
		if (port && port->netdev == netdev)
			return port;
	}
	return NULL;
}

/* A netdev is a plane of one device at most. mrc_devices_lock held. */
static bool plane_taken(const struct net_device *netdev)
{
	struct mrc_dev *dev;
	bool taken = false;

	list_for_each_entry(dev, &mrc_devices, list) {
		mutex_lock(&dev->ports_lock);
		taken |= !!plane_of(dev, netdev);
		mutex_unlock(&dev->ports_lock);
	}
	return taken;
}

/* ports_lock held. A free plane number, or a negative errno. */
static int plane_number(struct mrc_dev *dev, int plane,
			struct netlink_ext_ack *extack)
{
	int i;

	if (plane >= MRC_MAX_PORTS) {
		NL_SET_ERR_MSG(extack, "Planes are numbered 0 to 31");
		return -EINVAL;
	}
	if (plane >= 0) {
		if (!rcu_access_pointer(dev->ports[plane]))
			return plane;
		NL_SET_ERR_MSG(extack, "The plane has a port already");
		return -EEXIST;
	}
	for (i = 0; i < MRC_MAX_PORTS; i++)
		if (!rcu_access_pointer(dev->ports[i]))
			return i;
	NL_SET_ERR_MSG(extack, "The device has 32 ports, which is all it can have");
	return -ENOSPC;
}

/**
 * mrc_port_add() - add a plane to a device
 * @dev: device
 * @netdev: its port
 * @plane: 0 to 31, negative: the lowest free
 * @enable: use it at once; see mrc_port_enable()
 * @extack: for the reason of a refusal, or NULL
 *
 * Context: process; neither mrc_devices_lock nor dev->ports_lock held.
 * Return: 0, -EINVAL, -EEXIST (plane has a port), -EBUSY (netdev is a plane
 * already), -ENOSPC, -ENOMEM.
 */
int mrc_port_add(struct mrc_dev *dev, struct net_device *netdev, int plane,
		 bool enable, struct netlink_ext_ack *extack)
{
	struct mrc_port *port;
	int err;

	if (netdev->type != ARPHRD_ETHER || netdev->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG(extack, "A plane has to be an Ethernet interface");
		return -EINVAL;
	}
	if (!net_eq(dev_net(netdev), mrc_dev_net(dev))) {
		NL_SET_ERR_MSG(extack, "The device is in another network namespace");
		return -EINVAL;
	}
	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->dev = dev;
	port->netdev = netdev;
	port->disabled = !enable;
	port->up = mrc_port_usable(port);

	mutex_lock(&mrc_devices_lock);
	if (plane_taken(netdev)) {
		NL_SET_ERR_MSG(extack, "The interface is a plane of an MRC device already");
		err = -EBUSY;
		goto unlock_devices;
	}
	mutex_lock(&dev->ports_lock);
	err = plane_number(dev, plane, extack);
	if (err >= 0) {
		port->plane = err;
		netdev_hold(netdev, &port->tracker, GFP_KERNEL);
		rcu_assign_pointer(dev->ports[port->plane], port);
		WRITE_ONCE(dev->planes, dev->planes | BIT(port->plane));
		err = 0;
	}
	mutex_unlock(&dev->ports_lock);
unlock_devices:
	mutex_unlock(&mrc_devices_lock);
	if (err) {
		kfree(port);
		return err;
	}
	mrc_ingress_update(dev);
	mrc_port_state_changed(dev, NULL);
	return 0;
}

/**
 * mrc_port_del() - take a plane away from a device
 * @dev: device
 * @netdev: the plane's port
 * @extack: for the reason of a refusal, or NULL
 *
 * What is in flight on the plane is lost and sent again on another.
 * Context: process; RTNL and mrc_devices_lock may be held.
 * Return: 0, or -ENODEV: not a plane of the device.
 */
int mrc_port_del(struct mrc_dev *dev, struct net_device *netdev,
		 struct netlink_ext_ack *extack)
{
	struct mrc_port *port;

	mutex_lock(&dev->ports_lock);
	port = plane_of(dev, netdev);
	if (port) {
		WRITE_ONCE(dev->planes, dev->planes & ~BIT(port->plane));
		RCU_INIT_POINTER(dev->ports[port->plane], NULL);
	}
	mutex_unlock(&dev->ports_lock);
	if (!port) {
		NL_SET_ERR_MSG(extack, "The interface is not a plane of the device");
		return -ENODEV;
	}
	mrc_ingress_stop(dev, port);
	mrc_port_state_changed(dev, NULL);
	netdev_put(netdev, &port->tracker);
	kfree_rcu(port, rcu);
	return 0;
}

/**
 * mrc_port_enable() - take a plane out of use, or back
 * @dev: device
 * @netdev: the plane's port
 * @enable: false: send nothing more by it, and tell peers that it is down
 * @extack: gets the reason of a refusal
 *
 * What is in flight on the plane still arrives. Context: process.
 * Return: 0, or -ENODEV: not a plane of the device.
 */
int mrc_port_enable(struct mrc_dev *dev, const struct net_device *netdev,
		    bool enable, struct netlink_ext_ack *extack)
{
	struct mrc_port *port;

	mutex_lock(&dev->ports_lock);
	port = plane_of(dev, netdev);
	if (port)
		WRITE_ONCE(port->disabled, !enable);
	mutex_unlock(&dev->ports_lock);
	if (!port) {
		NL_SET_ERR_MSG(extack, "The interface is not a plane of the device");
		return -ENODEV;
	}
	mrc_port_state_changed(dev, NULL);
	return 0;
}

/**
 * mrc_ports_enable() - say of all planes whether they are in use
 * @dev: device
 * @mask: of planes to enable; the others are disabled
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0, or -ENODEV: there is no such plane.
 */
int mrc_ports_enable(struct mrc_dev *dev, u32 mask,
		     struct netlink_ext_ack *extack)
{
	struct mrc_port *port;
	int i, err = 0;

	mutex_lock(&dev->ports_lock);
	if (mask & ~dev->planes) {
		NL_SET_ERR_MSG(extack, "The device has no such plane");
		err = -ENODEV;
	}
	for (i = 0; !err && i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference_protected(dev->ports[i],
						 lockdep_is_held(&dev->ports_lock));
		if (port)
			WRITE_ONCE(port->disabled, !(mask & BIT(i)));
	}
	mutex_unlock(&dev->ports_lock);
	if (!err)
		mrc_port_state_changed(dev, NULL);
	return err;
}

/**
 * mrc_ports_enabled() - planes that the operator has not disabled
 * @dev: device
 *
 * Return: mask of them.
 */
u32 mrc_ports_enabled(struct mrc_dev *dev)
{
	struct mrc_port *port;
	u32 mask = 0;
	int i;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference(dev->ports[i]);
		if (port && !READ_ONCE(port->disabled))
			mask |= BIT(i);
	}
	rcu_read_unlock();
	return mask;
}
