// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The generic netlink family "mrc": devices and ports; netlink_peer.c has
 * peers and paths, netlink_qp.c QPs. include/uapi/linux/mrc.h describes every command.
 *
 * Commands run in parallel with each other and with devices, ports and peers
 * that come and go. A device is found in mrc_devices and held by
 * ib_device_try_get(): it cannot be unregistered meanwhile, so commands do not
 * wait for anything that waits for a device to go.
 */
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "control.h"
#include "port/port.h"

/* Does the caller see this device? Its ports' names mean something there. */
static bool dev_visible(const struct mrc_dev *dev, const struct net *net)
{
	return net_eq(dev_net(dev->netdev), net);
}

/* A reference to the device of that name that @net sees, or NULL. */
static struct mrc_dev *mdev_get_by_name(struct net *net, const char *name)
{
	struct mrc_dev *dev, *found = NULL;

	mutex_lock(&mrc_devices_lock);
	list_for_each_entry(dev, &mrc_devices, list) {
		if (dev_visible(dev, net) && !strcmp(dev->ibdev.name, name) &&
		    ib_device_try_get(&dev->ibdev)) {
			found = dev;
			break;
		}
	}
	mutex_unlock(&mrc_devices_lock);
	return found;
}

/* A reference to the device of the least index from @index on, or NULL. */
static struct mrc_dev *mdev_get_from(struct net *net, u32 index)
{
	struct mrc_dev *dev, *found = NULL;

	mutex_lock(&mrc_devices_lock);
	list_for_each_entry(dev, &mrc_devices, list) {
		if (!dev_visible(dev, net) || dev->ibdev.index < index)
			continue;
		if (found && found->ibdev.index < dev->ibdev.index)
			continue;
		if (!ib_device_try_get(&dev->ibdev))
			continue;
		if (found)
			ib_device_put(&found->ibdev);
		found = dev;
	}
	mutex_unlock(&mrc_devices_lock);
	return found;
}

/**
 * mrc_nl_dev - find the device that a command is about
 * @info: the command
 * @attr: attribute with the device's name
 *
 * Return: the device, to be released by ib_device_put(), or ERR_PTR with the
 * extack message set.
 */
struct mrc_dev *mrc_nl_dev(struct genl_info *info, int attr)
{
	struct mrc_dev *dev;

	if (!info->attrs[attr]) {
		NL_SET_ERR_MSG(info->extack, "The device's name is missing");
		return ERR_PTR(-EINVAL);
	}
	dev = mdev_get_by_name(genl_info_net(info), nla_data(info->attrs[attr]));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
				    "No MRC device of this name in this network namespace");
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

/* Read the request of a dump. */
static int dump_begin(struct netlink_callback *cb,
		      const struct mrc_dump_spec *spec, struct mrc_dump *d)
{
	struct net *net = sock_net(cb->skb->sk);
	/* As many as the largest of the families' objects has. */
	struct nlattr *attrs[64];
	struct mrc_dev *dev;
	int err;

	if (WARN_ON_ONCE(spec->maxattr >= ARRAY_SIZE(attrs)))
		return -EINVAL;
	/*
	 * The core has parsed and checked them, too, but where it keeps the
	 * result differs between kernels.
	 */
	err = genlmsg_parse(cb->nlh, &mrc_genl_family, attrs, spec->maxattr,
			    spec->policy, cb->extack);
	if (err)
		return err;
	if (spec->a_remote && attrs[spec->a_remote]) {
		d->remote = nla_get_in6_addr(attrs[spec->a_remote]);
		d->one_remote = true;
	}
	if (spec->a_plane && attrs[spec->a_plane]) {
		d->plane = nla_get_u32(attrs[spec->a_plane]);
		d->one_plane = true;
	}
	if (spec->a_qpn && attrs[spec->a_qpn]) {
		d->qpn = nla_get_u32(attrs[spec->a_qpn]);
		d->one_qpn = true;
	}
	if (attrs[spec->a_dev]) {
		dev = mdev_get_by_name(net, nla_data(attrs[spec->a_dev]));
		if (!dev) {
			NL_SET_ERR_MSG_ATTR(cb->extack, attrs[spec->a_dev],
					    "No MRC device of this name in this network namespace");
			return -ENODEV;
		}
		d->dev_index = dev->ibdev.index;
		d->one_dev = true;
		ib_device_put(&dev->ibdev);
	}
	d->begun = true;
	return 0;
}

/**
 * mrc_nl_dump - dump objects of all devices that the caller sees
 * @skb: reply to fill
 * @cb: the dump
 * @spec: which objects
 */
int mrc_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		const struct mrc_dump_spec *spec)
{
	struct mrc_dump *d = (struct mrc_dump *)cb->ctx;
	struct net *net = sock_net(skb->sk);
	struct mrc_dev *dev;
	u32 index;
	int err;

	BUILD_BUG_ON(sizeof(*d) > sizeof(cb->ctx));
	if (!d->begun) {
		err = dump_begin(cb, spec, d);
		if (err)
			return err;
	}
	while (!d->done) {
		dev = mdev_get_from(net, d->dev_index);
		if (!dev)
			break;
		index = dev->ibdev.index;
		if (index != d->dev_index) {
			/* The device we were at has gone, or this is the first. */
			if (d->one_dev) {
				ib_device_put(&dev->ibdev);
				break;
			}
			d->dev_index = index;
			d->key = 0;
			d->sub = 0;
		}
		err = spec->fill(skb, cb, dev, d);
		ib_device_put(&dev->ibdev);
		if (err)
			return skb->len ? skb->len : err;
		d->done = d->one_dev;
		d->dev_index = index + 1;
		d->key = 0;
		d->sub = 0;
	}
	return skb->len;
}

/**
 * mrc_nl_put - begin one reply of a dump
 * @skb: reply to fill
 * @cb: the dump
 * @cmd: MRC_CMD_*
 */
void *mrc_nl_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &mrc_genl_family, NLM_F_MULTI, cmd);
}

/* ------------------------------------------------------------ devices */

static const struct nla_policy dev_get_policy[MRC_A_DEV_MAX + 1] = {
	[MRC_A_DEV_NAME] = MRC_NL_DEVICE,
};

static const struct nla_policy dev_set_policy[MRC_A_DEV_MAX + 1] = {
	[MRC_A_DEV_NAME] = MRC_NL_DEVICE,
	/* Bounds are checked where it is said which they are. */
	[MRC_A_DEV_UDP_PORT] = { .type = NLA_U32 },
	[MRC_A_DEV_ORDERED_LAST] = { .type = NLA_U32 },
	[MRC_A_DEV_ICRC] = { .type = NLA_U32 },
	[MRC_A_DEV_DSCP_DATA] = { .type = NLA_U32 },
	[MRC_A_DEV_DSCP_CONTROL] = { .type = NLA_U32 },
	[MRC_A_DEV_PATHS_PER_PLANE] = { .type = NLA_U32 },
	[MRC_A_DEV_EV_ORDER] = { .type = NLA_U32 },
	[MRC_A_DEV_OOW_NACK] = { .type = NLA_U32 },
	[MRC_A_DEV_RTO_EXP] = { .type = NLA_U32 },
	[MRC_A_DEV_PLAIN_MPR] = { .type = NLA_U32 },
	[MRC_A_DEV_PLAIN_FEATURES] = { .type = NLA_U32 },
	[MRC_A_DEV_DSCP_TRIMMABLE] = { .type = NLA_U32 },
	[MRC_A_DEV_DSCP_RETX] = { .type = NLA_U32 },
	[MRC_A_DEV_DSCP_TRIMMED] = { .type = NLA_U32 },
	[MRC_A_DEV_DSCP_TRIMMED_LASTHOP] = { .type = NLA_U32 },
	[MRC_A_DEV_SPRAY_UNIT] = { .type = NLA_U32 },
};

static int dev_put_attrs(struct sk_buff *skb, struct mrc_dev *dev)
{
	u32 planes, up, peers = 0;
	struct mrc_peer *peer;
	int attr;

	planes = mrc_dev_planes(dev, &up);
	mutex_lock(&dev->peers_lock);
	list_for_each_entry(peer, &dev->peer_list, list)
		peers++;
	mutex_unlock(&dev->peers_lock);
	if (nla_put_string(skb, MRC_A_DEV_NAME, dev->ibdev.name) ||
	    nla_put_u32(skb, MRC_A_DEV_INDEX, dev->ibdev.index) ||
	    nla_put_u32(skb, MRC_A_DEV_IFINDEX, dev->netdev->ifindex) ||
	    nla_put_string(skb, MRC_A_DEV_IFNAME, dev->netdev->name) ||
	    nla_put_u32(skb, MRC_A_DEV_UDP_PORT, dev->set.udp_port) ||
	    nla_put_u32(skb, MRC_A_DEV_PLANES, planes) ||
	    nla_put_u32(skb, MRC_A_DEV_PLANES_UP, up) ||
	    nla_put_u32(skb, MRC_A_DEV_PEERS, peers) ||
	    nla_put_u32(skb, MRC_A_DEV_QPS, atomic_read(&dev->num_qp)))
		return -EMSGSIZE;
	for (attr = MRC_SETTING_FIRST; attr <= MRC_SETTING_LAST; attr++) {
		if (nla_put_u32(skb, attr, mrc_setting_get(dev, attr)))
			return -EMSGSIZE;
	}
	return 0;
}

static int dev_fill(struct sk_buff *skb, struct netlink_callback *cb,
		    struct mrc_dev *dev, struct mrc_dump *d)
{
	void *hdr = mrc_nl_put(skb, cb, MRC_CMD_DEV_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (dev_put_attrs(skb, dev)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int dev_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = dev_get_policy,
		.maxattr = MRC_A_DEV_MAX,
		.a_dev = MRC_A_DEV_NAME,
		.fill = dev_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

static int dev_set(struct sk_buff *skb, struct genl_info *info)
{
	struct mrc_dev *dev = mrc_nl_dev(info, MRC_A_DEV_NAME);
	struct nlattr *udp_port = info->attrs[MRC_A_DEV_UDP_PORT];
	bool any = udp_port;
	int attr, err = 0;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	/* All are checked before the first is changed. */
	for (attr = MRC_SETTING_FIRST; attr <= MRC_SETTING_LAST; attr++) {
		if (!info->attrs[attr])
			continue;
		any = true;
		err = mrc_setting_check(attr, nla_get_u32(info->attrs[attr]),
					info->extack);
		if (err)
			goto out;
	}
	if (!any) {
		NL_SET_ERR_MSG(info->extack, "No setting to change was given");
		err = -EINVAL;
		goto out;
	}
	/* The only one that can fail, so it comes first. */
	if (udp_port) {
		err = mrc_udp_port_set(dev, nla_get_u32(udp_port),
				       info->extack);
		if (err)
			goto out;
	}
	for (attr = MRC_SETTING_FIRST; attr <= MRC_SETTING_LAST; attr++) {
		if (info->attrs[attr])
			mrc_setting_set(dev, attr,
					nla_get_u32(info->attrs[attr]));
	}
out:
	ib_device_put(&dev->ibdev);
	return err;
}

/* ------------------------------------------------------------ ports */

#define IFINDEX		NLA_POLICY_MIN(NLA_U32, 1)
#define IFNAME		{ .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 }

static const struct nla_policy port_get_policy[MRC_A_PORT_MAX + 1] = {
	[MRC_A_PORT_DEV] = MRC_NL_DEVICE,
};

static const struct nla_policy port_new_policy[MRC_A_PORT_MAX + 1] = {
	[MRC_A_PORT_DEV] = MRC_NL_DEVICE,
	[MRC_A_PORT_PLANE] = MRC_NL_PLANE,
	[MRC_A_PORT_IFINDEX] = IFINDEX,
	[MRC_A_PORT_IFNAME] = IFNAME,
	[MRC_A_PORT_ENABLED] = NLA_POLICY_MAX(NLA_U32, 1),
};

static const struct nla_policy port_set_policy[MRC_A_PORT_MAX + 1] = {
	[MRC_A_PORT_DEV] = MRC_NL_DEVICE,
	[MRC_A_PORT_IFINDEX] = IFINDEX,
	[MRC_A_PORT_IFNAME] = IFNAME,
	[MRC_A_PORT_ENABLED] = NLA_POLICY_MAX(NLA_U32, 1),
};

static const struct nla_policy port_del_policy[MRC_A_PORT_MAX + 1] = {
	[MRC_A_PORT_DEV] = MRC_NL_DEVICE,
	[MRC_A_PORT_IFINDEX] = IFINDEX,
	[MRC_A_PORT_IFNAME] = IFNAME,
};

static int port_put_attrs(struct sk_buff *skb, struct mrc_dev *dev,
			  const struct mrc_port *port)
{
	if (nla_put_string(skb, MRC_A_PORT_DEV, dev->ibdev.name) ||
	    nla_put_u32(skb, MRC_A_PORT_PLANE, port->plane) ||
	    nla_put_u32(skb, MRC_A_PORT_IFINDEX, port->netdev->ifindex) ||
	    nla_put_string(skb, MRC_A_PORT_IFNAME, port->netdev->name) ||
	    nla_put_u32(skb, MRC_A_PORT_UP, READ_ONCE(port->up)) ||
	    nla_put_u32(skb, MRC_A_PORT_MTU, READ_ONCE(port->netdev->mtu)) ||
	    nla_put_u32(skb, MRC_A_PORT_ENABLED, !READ_ONCE(port->disabled)))
		return -EMSGSIZE;
	return 0;
}

static int port_fill(struct sk_buff *skb, struct netlink_callback *cb,
		     struct mrc_dev *dev, struct mrc_dump *d)
{
	struct mrc_port *port;
	int err = 0;
	void *hdr;

	rcu_read_lock();
	for (; d->key < MRC_MAX_PORTS; d->key++) {
		port = rcu_dereference(dev->ports[d->key]);
		if (!port)
			continue;
		err = -EMSGSIZE;
		hdr = mrc_nl_put(skb, cb, MRC_CMD_PORT_GET);
		if (!hdr)
			break;
		err = port_put_attrs(skb, dev, port);
		if (err) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	rcu_read_unlock();
	return err;
}

static int port_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = port_get_policy,
		.maxattr = MRC_A_PORT_MAX,
		.a_dev = MRC_A_PORT_DEV,
		.fill = port_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

/* The netdev that a port command names; held. */
static struct net_device *port_netdev(struct genl_info *info)
{
	struct nlattr *index = info->attrs[MRC_A_PORT_IFINDEX];
	struct nlattr *name = info->attrs[MRC_A_PORT_IFNAME];
	struct net *net = genl_info_net(info);
	struct net_device *netdev;

	if (!index == !name) {
		NL_SET_ERR_MSG(info->extack,
			       "One interface is needed, by name or by index");
		return ERR_PTR(-EINVAL);
	}
	if (index)
		netdev = dev_get_by_index(net, nla_get_u32(index));
	else
		netdev = dev_get_by_name(net, nla_data(name));
	if (!netdev) {
		NL_SET_ERR_MSG_ATTR(info->extack, index ? index : name,
				    "No such interface in this network namespace");
		return ERR_PTR(-ENODEV);
	}
	return netdev;
}

static int port_change(struct genl_info *info, u8 cmd)
{
	struct nlattr *enabled = info->attrs[MRC_A_PORT_ENABLED];
	struct nlattr *plane = info->attrs[MRC_A_PORT_PLANE];
	bool enable = !enabled || nla_get_u32(enabled);
	struct net_device *netdev;
	struct mrc_dev *dev;
	int err;

	dev = mrc_nl_dev(info, MRC_A_PORT_DEV);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	netdev = port_netdev(info);
	if (IS_ERR(netdev)) {
		err = PTR_ERR(netdev);
		goto put_dev;
	}
	if (cmd == MRC_CMD_PORT_NEW)
		err = mrc_port_add(dev, netdev, plane ? nla_get_u32(plane) : -1,
				   enable, info->extack);
	else if (cmd == MRC_CMD_PORT_SET)
		err = mrc_port_enable(dev, netdev, enable, info->extack);
	else
		err = mrc_port_del(dev, netdev, info->extack);
	dev_put(netdev);
put_dev:
	ib_device_put(&dev->ibdev);
	return err;
}

static int port_new(struct sk_buff *skb, struct genl_info *info)
{
	return port_change(info, MRC_CMD_PORT_NEW);
}

static int port_set(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[MRC_A_PORT_ENABLED]) {
		NL_SET_ERR_MSG(info->extack, "Nothing to change was given");
		return -EINVAL;
	}
	return port_change(info, MRC_CMD_PORT_SET);
}

static int port_del(struct sk_buff *skb, struct genl_info *info)
{
	return port_change(info, MRC_CMD_PORT_DEL);
}

/* ------------------------------------------------------------ family */

static const struct genl_ops mrc_genl_ops[] = {
	{
		.cmd = MRC_CMD_DEV_GET,
		.policy = dev_get_policy,
		.maxattr = MRC_A_DEV_MAX,
		.dumpit = dev_dump,
	},
	{
		.cmd = MRC_CMD_DEV_SET,
		.flags = GENL_ADMIN_PERM,
		.policy = dev_set_policy,
		.maxattr = MRC_A_DEV_MAX,
		.doit = dev_set,
	},
	{
		.cmd = MRC_CMD_PORT_GET,
		.policy = port_get_policy,
		.maxattr = MRC_A_PORT_MAX,
		.dumpit = port_dump,
	},
	{
		.cmd = MRC_CMD_PORT_NEW,
		.flags = GENL_ADMIN_PERM,
		.policy = port_new_policy,
		.maxattr = MRC_A_PORT_MAX,
		.doit = port_new,
	},
	{
		.cmd = MRC_CMD_PORT_DEL,
		.flags = GENL_ADMIN_PERM,
		.policy = port_del_policy,
		.maxattr = MRC_A_PORT_MAX,
		.doit = port_del,
	},
	{
		.cmd = MRC_CMD_PEER_GET,
		.policy = mrc_nl_peer_policy,
		.maxattr = MRC_A_PEER_MAX,
		.dumpit = mrc_nl_peer_dump,
	},
	{
		.cmd = MRC_CMD_PLANE_GET,
		.policy = mrc_nl_plane_policy,
		.maxattr = MRC_A_PLANE_MAX,
		.dumpit = mrc_nl_plane_dump,
	},
	{
		.cmd = MRC_CMD_PATH_GET,
		.policy = mrc_nl_path_get_policy,
		.maxattr = MRC_A_PATH_MAX,
		.dumpit = mrc_nl_path_dump,
	},
	{
		.cmd = MRC_CMD_PATH_SET,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_path_set_policy,
		.maxattr = MRC_A_PATH_MAX,
		.doit = mrc_nl_path_set,
	},
	{
		.cmd = MRC_CMD_PROBE,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_probe_policy,
		.maxattr = MRC_A_PROBE_MAX,
		.doit = mrc_nl_probe,
	},
	{
		.cmd = MRC_CMD_QP_GET,
		.policy = mrc_nl_qp_policy,
		.maxattr = MRC_A_QP_MAX,
		.dumpit = mrc_nl_qp_dump,
	},
	{
		.cmd = MRC_CMD_PROFILE_GET,
		.policy = mrc_nl_profile_get_policy,
		.maxattr = MRC_A_PROFILE_MAX,
		.dumpit = mrc_nl_profile_dump,
	},
	{
		.cmd = MRC_CMD_PROFILE_NEW,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_profile_new_policy,
		.maxattr = MRC_A_PROFILE_MAX,
		.doit = mrc_nl_profile_new,
	},
	{
		.cmd = MRC_CMD_PROFILE_SET,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_profile_new_policy,
		.maxattr = MRC_A_PROFILE_MAX,
		.doit = mrc_nl_profile_set,
	},
	{
		.cmd = MRC_CMD_PROFILE_DEL,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_profile_name_policy,
		.maxattr = MRC_A_PROFILE_MAX,
		.doit = mrc_nl_profile_del,
	},
	{
		.cmd = MRC_CMD_PROFILE_USE,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_profile_name_policy,
		.maxattr = MRC_A_PROFILE_MAX,
		.doit = mrc_nl_profile_use,
	},
	{
		.cmd = MRC_CMD_CC_GET,
		.policy = mrc_nl_cc_get_policy,
		.maxattr = MRC_A_CC_MAX,
		.dumpit = mrc_nl_cc_dump,
	},
	{
		.cmd = MRC_CMD_CC_SET,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_cc_set_policy,
		.maxattr = MRC_A_CC_MAX,
		.doit = mrc_nl_cc_set,
	},
	{
		.cmd = MRC_CMD_SRV6_GET,
		.policy = mrc_nl_srv6_get_policy,
		.maxattr = MRC_A_SRV6_MAX,
		.dumpit = mrc_nl_srv6_dump,
	},
	{
		.cmd = MRC_CMD_SRV6_NEW,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_srv6_new_policy,
		.maxattr = MRC_A_SRV6_MAX,
		.doit = mrc_nl_srv6_new,
	},
	{
		.cmd = MRC_CMD_SRV6_DEL,
		.flags = GENL_ADMIN_PERM,
		.policy = mrc_nl_srv6_del_policy,
		.maxattr = MRC_A_SRV6_MAX,
		.doit = mrc_nl_srv6_del,
	},
	{
		.cmd = MRC_CMD_PORT_SET,
		.flags = GENL_ADMIN_PERM,
		.policy = port_set_policy,
		.maxattr = MRC_A_PORT_MAX,
		.doit = port_set,
	},
};

static const struct genl_multicast_group mrc_genl_groups[] = {
	{ .name = MRC_GENL_GROUP_EVENTS },
};

struct genl_family mrc_genl_family __ro_after_init = {
	.name = MRC_GENL_NAME,
	.version = MRC_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = mrc_genl_ops,
	.n_ops = ARRAY_SIZE(mrc_genl_ops),
	.mcgrps = mrc_genl_groups,
	.n_mcgrps = ARRAY_SIZE(mrc_genl_groups),
};

/**
 * mrc_netlink_init - register the generic netlink family
 */
int __init mrc_netlink_init(void)
{
	return genl_register_family(&mrc_genl_family);
}

/**
 * mrc_netlink_exit - unregister it and wait for running commands
 */
void mrc_netlink_exit(void)
{
	genl_unregister_family(&mrc_genl_family);
}
