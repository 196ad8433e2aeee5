// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Sockets and planes.
 *
 * All devices of a network namespace that use the same UDP port share one
 * pair of sockets (IPv4 and IPv6). A packet belongs to the device that has
 * the netdev it came in by as a plane; over loopback, to the device that owns
 * its destination address.
 */
#include <linux/ethtool.h>
#include <linux/igmp.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>
#include <net/udp_tunnel.h>

#include "icrc.h"
#include "port.h"

struct mrc_sock {
	struct list_head list;		/* mrc_socks */
	struct net *net;
	u16 udp_port;
	struct socket *sk4;
	struct socket *sk6;		/* NULL without IPv6 */
	struct list_head devs;		/* struct mrc_sock_dev, RCU */
};

struct mrc_sock_dev {
	struct list_head list;
	struct mrc_dev *dev;
	struct rcu_head rcu;
};

static LIST_HEAD(mrc_socks);
static DEFINE_MUTEX(mrc_socks_lock);

/* ------------------------------------------------------------ addresses */

static bool mrc_netdev_addr4(const struct net_device *netdev,
			     struct in6_addr *addr)
{
	struct in_device *in_dev = __in_dev_get_rcu(netdev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return false;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		if (ifa->ifa_flags & IFA_F_SECONDARY ||
		    ifa->ifa_scope >= RT_SCOPE_LINK)
			continue;
		ipv6_addr_set_v4mapped(ifa->ifa_local, addr);
		return true;
	}
	return false;
}

#if IS_ENABLED(CONFIG_IPV6)
static bool mrc_netdev_addr6(const struct net_device *netdev, bool linklocal,
			     struct in6_addr *addr)
{
	struct inet6_dev *idev = __in6_dev_get(netdev);
	const struct inet6_ifaddr *ifa;

	if (!idev)
		return false;
	list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
		if (ifa->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED |
				  IFA_F_DEPRECATED | IFA_F_TEMPORARY))
			continue;
		if (!!(ipv6_addr_type(&ifa->addr) & IPV6_ADDR_LINKLOCAL) !=
		    linklocal)
			continue;
		*addr = ifa->addr;
		return true;
	}
	return false;
}
#else
static bool mrc_netdev_addr6(const struct net_device *netdev, bool linklocal,
			     struct in6_addr *addr)
{
	return false;
}
#endif

/* Do planes have addresses of their own, or do they share the host's? */
static bool mrc_dev_shares_addr(struct mrc_dev *dev)
{
	struct mrc_port *port;
	int i;

	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference(dev->ports[i]);
		if (port && port->netdev == dev->netdev)
			return false;
	}
	return true;
}

/**
 * mrc_port_addr() - source address of a plane
 * @dev: device
 * @port: plane
 * @host: the GID by which the peer knows the device
 * @addr: the address
 *
 * Return: true if the address is the plane's own, false if it is @host.
 */
bool mrc_port_addr(struct mrc_dev *dev, const struct mrc_port *port,
		   const struct in6_addr *host, struct in6_addr *addr)
{
	*addr = *host;
	if (port->netdev == dev->netdev)
		return true;
	if (mrc_dev_shares_addr(dev))
		return false;
	if (mrc_addr_is_v4(host))
		return mrc_netdev_addr4(port->netdev, addr);
	return mrc_netdev_addr6(port->netdev, ipv6_addr_type(host) &
				IPV6_ADDR_LINKLOCAL, addr);
}

static struct net_device *mrc_addr_netdev(struct net *net,
					  const struct in6_addr *addr)
{
	if (mrc_addr_is_v4(addr))
		return __ip_dev_find(net, addr->s6_addr32[3], false);
#if IS_ENABLED(CONFIG_IPV6)
	return ipv6_dev_find(net, addr, NULL);
#else
	return NULL;
#endif
}

/**
 * mrc_addr_is_local() - is an address one of this node's?
 * @net: namespace
 * @addr: IPv4-mapped or IPv6 address
 *
 * Return: true if it is.
 */
bool mrc_addr_is_local(struct net *net, const struct in6_addr *addr)
{
	return mrc_addr_netdev(net, addr);
}

/* ------------------------------------------------------------ multicast */

/**
 * mrc_port_join() - receive what is sent to a group
 * @dev: device
 * @group: IPv6 or IPv4-mapped multicast address
 *
 * Counted: as many joins as leaves. Return: 0 or a negative errno.
 */
int mrc_port_join(struct mrc_dev *dev, const struct in6_addr *group)
{
	struct in_device *in_dev;
	int err = 0;

	if (!mrc_addr_is_mcast(group))
		return -EINVAL;
	rtnl_lock();
	if (mrc_addr_is_v4(group)) {
		in_dev = __in_dev_get_rtnl(dev->netdev);
		if (in_dev)
			ip_mc_inc_group(in_dev, group->s6_addr32[3]);
		else
			err = -ENODEV;
	} else {
#if IS_ENABLED(CONFIG_IPV6)
		err = ipv6_dev_mc_inc(dev->netdev, group);
#else
		err = -EAFNOSUPPORT;
#endif
	}
	rtnl_unlock();
	return err;
}

/**
 * mrc_port_leave() - undo mrc_port_join()
 * @dev: device
 * @group: multicast address
 */
void mrc_port_leave(struct mrc_dev *dev, const struct in6_addr *group)
{
	struct in_device *in_dev;

	rtnl_lock();
	if (mrc_addr_is_v4(group)) {
		/* gone, and the group with it, if the netdev is going */
		in_dev = __in_dev_get_rtnl(dev->netdev);
		if (in_dev)
			ip_mc_dec_group(in_dev, group->s6_addr32[3]);
	} else {
#if IS_ENABLED(CONFIG_IPV6)
		ipv6_dev_mc_dec(dev->netdev, group);
#endif
	}
	rtnl_unlock();
}

/* ------------------------------------------------------------ devices */

static struct mrc_port *mrc_dev_find_port(struct mrc_dev *dev,
					  const struct net_device *netdev)
{
	u32 planes = READ_ONCE(dev->planes);
	struct mrc_port *port;

	for (; planes; planes &= planes - 1) {
		port = rcu_dereference(dev->ports[__ffs(planes)]);
		if (port && port->netdev == netdev)
			return port;
	}
	return NULL;
}

/**
 * mrc_dev_plane() - the plane that a netdev is
 * @dev: device
 * @netdev: a netdev
 *
 * Context: RCU.
 * Return: 0 to 31, or -ENODEV.
 */
int mrc_dev_plane(struct mrc_dev *dev, const struct net_device *netdev)
{
	struct mrc_port *port = mrc_dev_find_port(dev, netdev);

	return port ? port->plane : -ENODEV;
}

/**
 * mrc_sock_find_dev() - whom a packet is for
 * @sk: socket it came in by
 * @skb: packet
 * @daddr: its destination
 * @portp: the plane it came in by, NULL over loopback
 *
 * Return: the device, or NULL. RCU.
 */
struct mrc_dev *mrc_sock_find_dev(struct sock *sk, const struct sk_buff *skb,
				  const struct in6_addr *daddr,
				  struct mrc_port **portp)
{
	struct mrc_sock *s = rcu_dereference_sk_user_data(sk);
	struct net_device *owner;
	struct mrc_sock_dev *sd;

	*portp = NULL;
	if (!s)
		return NULL;
	list_for_each_entry_rcu(sd, &s->devs, list) {
		*portp = mrc_dev_find_port(sd->dev, skb->dev);
		if (*portp)
			return sd->dev;
	}
	if (!(skb->dev->flags & IFF_LOOPBACK))
		return NULL;
	owner = mrc_addr_netdev(s->net, daddr);
	if (!owner)
		return NULL;
	list_for_each_entry_rcu(sd, &s->devs, list) {
		if (owner == sd->dev->netdev ||
		    mrc_dev_find_port(sd->dev, owner))
			return sd->dev;
	}
	return NULL;
}

/**
 * mrc_dev_planes() - planes of a device
 * @dev: device
 * @up: mask of those that can send and receive
 *
 * Return: mask of all of them.
 */
u32 mrc_dev_planes(struct mrc_dev *dev, u32 *up)
{
	struct mrc_port *port;
	u32 all = 0;
	int i;

	*up = 0;
	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference(dev->ports[i]);
		if (!port)
			continue;
		all |= BIT(i);
		if (READ_ONCE(port->up))
			*up |= BIT(i);
	}
	rcu_read_unlock();
	return all;
}

/* Taken for the speed of a netdev that does not tell, Mb/s. */
#define MRC_SPEED_DEFAULT	10000

/**
 * mrc_dev_speed() - link speed of a device
 * @dev: device
 *
 * Return: sum of its planes' speeds, Mb/s.
 */
u32 mrc_dev_speed(struct mrc_dev *dev)
{
	struct mrc_port *port;
	u32 sum = 0;
	bool locked;
	int i;

	/* Not more than a try: a holder of RTNL may be waiting for us. */
	locked = rtnl_trylock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		struct ethtool_link_ksettings ks;
		struct net_device *netdev = NULL;
		u32 speed = 0;

		rcu_read_lock();
		port = rcu_dereference(dev->ports[i]);
		if (port) {
			netdev = port->netdev;
			dev_hold(netdev);
			speed = READ_ONCE(port->speed);
		}
		rcu_read_unlock();
		if (!netdev)
			continue;
		if (locked && !__ethtool_get_link_ksettings(netdev, &ks) &&
		    ks.base.speed && ks.base.speed != SPEED_UNKNOWN)
			speed = ks.base.speed;
		dev_put(netdev);
		sum += speed ?: MRC_SPEED_DEFAULT;
		rcu_read_lock();
		port = rcu_dereference(dev->ports[i]);
		if (port && port->netdev == netdev)
			WRITE_ONCE(port->speed, speed);
		rcu_read_unlock();
	}
	if (locked)
		rtnl_unlock();
	return sum ?: MRC_SPEED_DEFAULT;
}

/* Who looked last at what a plane's state is made of writes it last, too. */
static DEFINE_SPINLOCK(mrc_up_lock);

/* RCU */
static void mrc_port_look(struct mrc_dev *dev, struct mrc_port *port)
{
	bool up;

	spin_lock_bh(&mrc_up_lock);
	up = mrc_port_usable(port);
	if (port->up != up) {
		WRITE_ONCE(port->up, up);
		mrc_event_port(dev, port, up);
	}
	spin_unlock_bh(&mrc_up_lock);
}

/**
 * mrc_port_state_changed() - look at the planes of a device again
 * @dev: device
 * @port: the plane that changed, NULL: any
 */
void mrc_port_state_changed(struct mrc_dev *dev, struct mrc_port *port)
{
	u64 now = ktime_get_ns();
	struct mrc_peer *peer;
	u32 all_up;
	int i;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		struct mrc_port *p = rcu_dereference(dev->ports[i]);

		if (p && (!port || p == port))
			mrc_port_look(dev, p);
	}
	mrc_dev_planes(dev, &all_up);
	list_for_each_entry_rcu(peer, &dev->peer_list, list) {
		spin_lock_bh(&peer->lock);
		mrc_peer_update_planes_down(peer, now);
		mrc_peer_tell_status(peer, all_up, now);
		mrc_peer_renew(peer);
		spin_unlock_bh(&peer->lock);
	}
	rcu_read_unlock();
}

/* ------------------------------------------------------------ sockets */

static int mrc_sock_create(struct mrc_sock *s, bool v6, struct socket **sockp)
{
	struct udp_tunnel_sock_cfg tunnel = {
		.sk_user_data = s,
		.encap_type = 1,
		.encap_rcv = mrc_udp_rcv,
	};
	struct udp_port_cfg cfg = {
		.family = v6 ? AF_INET6 : AF_INET,
		.local_udp_port = htons(s->udp_port),
		.use_udp6_rx_checksums = 0,
		.ipv6_v6only = v6,
	};
	int err;

	err = udp_sock_create(s->net, &cfg, sockp);
	if (err)
		return err;
	setup_udp_tunnel_sock(s->net, mrc_tunnel_sock(*sockp), &tunnel);
	return 0;
}

static void mrc_sock_shut(struct mrc_sock *s)
{
	if (s->sk4)
		udp_tunnel_sock_release(mrc_tunnel_sock(s->sk4));
	if (s->sk6)
		udp_tunnel_sock_release(mrc_tunnel_sock(s->sk6));
	s->sk4 = NULL;
	s->sk6 = NULL;
}

static struct mrc_sock *mrc_sock_get(struct net *net, u16 udp_port)
{
	struct mrc_sock *s;
	int err;

	list_for_each_entry(s, &mrc_socks, list)
		if (s->net == net && s->udp_port == udp_port && s->sk4)
			return s;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->net = net;
	s->udp_port = udp_port;
	INIT_LIST_HEAD(&s->devs);
	err = mrc_sock_create(s, false, &s->sk4);
	if (!err && IS_ENABLED(CONFIG_IPV6)) {
		err = mrc_sock_create(s, true, &s->sk6);
		/* disabled on the kernel's command line */
		if (err == -EAFNOSUPPORT || err == -EPFNOSUPPORT)
			err = 0;
	}
	if (err) {
		mrc_sock_shut(s);
		kfree(s);
		return ERR_PTR(err);
	}
	list_add_tail(&s->list, &mrc_socks);
	return s;
}

static void mrc_sock_put(struct mrc_sock *s)
{
	if (!list_empty(&s->devs))
		return;
	mrc_sock_shut(s);
	list_del(&s->list);
	kfree(s);
}

/* The device receives on @udp_port, too. mrc_socks_lock held. */
static int mrc_sock_add_dev(struct mrc_dev *dev, u16 udp_port)
{
	struct mrc_sock_dev *sd;
	struct mrc_sock *s;

	sd = kzalloc(sizeof(*sd), GFP_KERNEL);
	if (!sd)
		return -ENOMEM;
	sd->dev = dev;
	s = mrc_sock_get(mrc_dev_net(dev), udp_port);
	if (IS_ERR(s)) {
		kfree(sd);
		return PTR_ERR(s);
	}
	list_add_tail_rcu(&sd->list, &s->devs);
	return 0;
}

/* Not any more. mrc_socks_lock held. */
static void mrc_sock_del_dev(struct mrc_dev *dev, u16 udp_port)
{
	struct mrc_sock_dev *sd;
	struct mrc_sock *s;

	list_for_each_entry(s, &mrc_socks, list) {
		if (s->udp_port != udp_port)
			continue;
		list_for_each_entry(sd, &s->devs, list) {
			if (sd->dev != dev)
				continue;
			list_del_rcu(&sd->list);
			kfree_rcu(sd, rcu);
			mrc_sock_put(s);
			return;
		}
	}
}

/**
 * mrc_dev_sock_open() - start receiving for a device
 * @dev: device, complete but for its registration
 *
 * Return: 0, or a negative errno: -EADDRINUSE if another program has the port.
 */
int mrc_dev_sock_open(struct mrc_dev *dev)
{
	int err;

	mutex_lock(&mrc_socks_lock);
	err = mrc_sock_add_dev(dev, dev->set.udp_port);
	mutex_unlock(&mrc_socks_lock);
	return err;
}

/**
 * mrc_dev_sock_move() - receive on and send to another UDP port
 * @dev: device
 * @udp_port: host order, not 0
 *
 * What is on its way to the old one is lost, and sent again.
 *
 * Return: 0, or a negative errno as mrc_dev_sock_open(), nothing changed.
 */
int mrc_dev_sock_move(struct mrc_dev *dev, u16 udp_port)
{
	u16 old;
	int err = 0;

	mutex_lock(&mrc_socks_lock);
	old = dev->set.udp_port;
	if (udp_port != old)
		err = mrc_sock_add_dev(dev, udp_port);
	if (!err && udp_port != old) {
		WRITE_ONCE(dev->set.udp_port, udp_port);
		mrc_sock_del_dev(dev, old);
	}
	mutex_unlock(&mrc_socks_lock);
	return err;
}

/**
 * mrc_dev_sock_close() - stop receiving for a device
 * @dev: device; no harm if mrc_dev_sock_open() failed or was not called
 *
 * No packet is in the hands of the device's receive path afterwards.
 */
void mrc_dev_sock_close(struct mrc_dev *dev)
{
	mutex_lock(&mrc_socks_lock);
	mrc_sock_del_dev(dev, dev->set.udp_port);
	mutex_unlock(&mrc_socks_lock);
	synchronize_net();
}

/*
 * The devices of a namespace that ends have lost their netdevs and are being
 * removed by the device code; the sockets must not outlive the namespace.
 */
static void __net_exit mrc_net_ns_exit(struct net *net)
{
	struct mrc_sock *s;

	mutex_lock(&mrc_socks_lock);
	list_for_each_entry(s, &mrc_socks, list)
		if (s->net == net)
			mrc_sock_shut(s);
	mutex_unlock(&mrc_socks_lock);
}

static struct pernet_operations mrc_net_ops = {
	.exit = mrc_net_ns_exit,
};

/**
 * mrc_net_init() - the port layer at module load
 *
 * Return: 0 or a negative errno.
 */
int mrc_net_init(void)
{
	int err;

	mrc_icrc_init();
	err = register_pernet_subsys(&mrc_net_ops);
	if (err)
		mrc_icrc_exit();
	return err;
}

/**
 * mrc_net_exit() - the port layer at module unload, after the last device
 */
void mrc_net_exit(void)
{
	unregister_pernet_subsys(&mrc_net_ops);
	mrc_icrc_exit();
	/* peers are freed by RCU callbacks of this module */
	rcu_barrier();
}
