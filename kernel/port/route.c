// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Routes: which way packets leave by each plane. */
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/route.h>

#include "port.h"

static int mrc_route_lookup4(struct net *net, struct net_device *oif,
			     __be32 saddr, __be32 daddr, struct dst_entry **dst)
{
	struct flowi4 fl4 = {
		.flowi4_oif = oif ? oif->ifindex : 0,
		.flowi4_iif = LOOPBACK_IFINDEX,
		.flowi4_proto = IPPROTO_UDP,
		.saddr = saddr,
		.daddr = daddr,
	};
	struct fib_result res;
	struct rtable *rt;
	int err;

	if (oif && !ipv4_is_multicast(daddr)) {
		/*
		 * Asked for a route out of an interface, IPv4 invents one if
		 * there is none. A plane without a route is no way to the
		 * peer, so look at the tables first.
		 */
		rcu_read_lock();
		err = fib_lookup(net, &fl4, &res, 0);
		if (!err && res.type != RTN_UNICAST)
			err = -ENETUNREACH;
		rcu_read_unlock();
		if (err)
			return err;
	}
	rt = ip_route_output_key(net, &fl4);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	*dst = &rt->dst;
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
static int mrc_route_lookup6(struct net *net, struct net_device *oif,
			     const struct in6_addr *saddr,
			     const struct in6_addr *daddr,
			     struct dst_entry **dst, u32 *cookie)
{
	struct flowi6 fl6 = {
		.flowi6_oif = oif ? oif->ifindex : 0,
		.flowi6_proto = IPPROTO_UDP,
		.saddr = *saddr,
		.daddr = *daddr,
	};

	*dst = ip6_route_output_flags(net, NULL, &fl6,
				      oif ? RT6_LOOKUP_F_IFACE : 0);
	if ((*dst)->error) {
		int err = (*dst)->error;

		dst_release(*dst);
		return err;
	}
	*cookie = rt6_get_cookie((struct rt6_info *)*dst);
	return 0;
}
#else
static int mrc_route_lookup6(struct net *net, struct net_device *oif,
			     const struct in6_addr *saddr,
			     const struct in6_addr *daddr,
			     struct dst_entry **dst, u32 *cookie)
{
	return -EAFNOSUPPORT;
}
#endif

/**
 * mrc_route_lookup() - find the way to an address
 * @net: namespace
 * @oif: interface to leave by, NULL: what the routing tables say
 * @saddr: source
 * @daddr: destination
 * @dst: the route, with a reference
 * @cookie: for dst_check()
 *
 * Return: 0 or a negative errno: -ENETUNREACH if there is no route, or none
 * by @oif.
 */
int mrc_route_lookup(struct net *net, struct net_device *oif,
		     const struct in6_addr *saddr, const struct in6_addr *daddr,
		     struct dst_entry **dst, u32 *cookie)
{
	bool v4 = mrc_addr_is_v4(daddr);
	int err;

	*cookie = 0;
	if (v4 != mrc_addr_is_v4(saddr))
		return -EAFNOSUPPORT;
	if (v4)
		err = mrc_route_lookup4(net, oif, saddr->s6_addr32[3],
					daddr->s6_addr32[3], dst);
	else
		err = mrc_route_lookup6(net, oif, saddr, daddr, dst, cookie);
	if (err)
		return err;
	if (oif && (*dst)->dev != oif) {
		dst_release(*dst);
		return -ENETUNREACH;
	}
	return 0;
}

/**
 * mrc_route_to() - the way of a packet to an address
 * @dev: device
 * @oif: netdev to leave by, NULL: what the routing tables say
 * @h: addresses and EV
 * @dst: the route, with a reference
 * @srv6: the packet gets an outer header
 * @outer: its destination
 *
 * Context: any.
 * Return: 0 or a negative errno, as mrc_route_lookup().
 */
int mrc_route_to(struct mrc_dev *dev, struct net_device *oif,
		 const struct mrc_txhdr *h, struct dst_entry **dst, bool *srv6,
		 struct in6_addr *outer)
{
	u32 ev = h->entropy, cookie;
	int plane;

	if (h->flow_label != h->entropy)
		ev |= h->flow_label << 16;
	rcu_read_lock();
	plane = oif ? mrc_dev_plane(dev, oif) : -1;
	*srv6 = plane >= 0 && mrc_srv6_dst(dev, plane, &h->daddr, ev, outer);
	rcu_read_unlock();
	return mrc_route_lookup(mrc_dev_net(dev), oif, &h->saddr,
				*srv6 ? outer : &h->daddr, dst, &cookie);
}

static void mrc_route_free_rcu(struct rcu_head *head)
{
	struct mrc_route *route = container_of(head, struct mrc_route, rcu);

	dst_release(route->dst);
	kfree(route);
}

/**
 * mrc_route_free() - free a route after a grace period
 * @route: route or NULL
 */
void mrc_route_free(struct mrc_route *route)
{
	if (route)
		call_rcu(&route->rcu, mrc_route_free_rcu);
}

/* ------------------------------------------------------------ of peers */

/* Where the peer is on @plane. False: not there. peer->lock held. */
static bool mrc_peer_plane_addr(const struct mrc_peer *peer, u32 plane,
				struct in6_addr *addr)
{
	u32 i;

	for (i = 0; i < peer->nports; i++) {
		const struct mrc_hello_port *port = &peer->ports[i];

		if (port->plane != plane)
			continue;
		memcpy(addr, port->addr, sizeof(*addr));
		if (ipv6_addr_any(addr))
			*addr = peer->key.remote;
		return true;
	}
	return false;
}

/*
 * The route to the peer by one plane. @paired: the plane's address is that
 * of the same plane at the peer, otherwise the peer's GID. RCU.
 */
static struct mrc_route *mrc_plane_route(struct mrc_peer *peer, u32 plane,
					 bool paired)
{
	struct mrc_dev *dev = peer->dev;
	struct net *net = mrc_dev_net(dev);
	struct mrc_route *route;
	struct mrc_port *port;
	struct in6_addr to;

	port = rcu_dereference(dev->ports[plane]);
	if (!port)
		return NULL;
	route = kzalloc(sizeof(*route), GFP_ATOMIC);
	if (!route)
		return NULL;
	route->daddr = peer->key.remote;
	if (paired) {
		spin_lock_bh(&peer->lock);
		paired = mrc_peer_plane_addr(peer, plane, &route->daddr);
		spin_unlock_bh(&peer->lock);
		if (!paired)
			goto none;
	} else if (ipv6_addr_type(&route->daddr) & IPV6_ADDR_LINKLOCAL &&
		   port->netdev != dev->netdev) {
		/* every link has a route for these, the peer is on one */
		goto none;
	}
	mrc_port_addr(dev, port, &peer->key.local, &route->saddr);
	to = route->daddr;
	/* one route for the block: it must not depend on the EV */
	route->srv6 = !peer->loopback &&
		      mrc_srv6_dst(dev, plane, &route->daddr, 0, &to);
	if (mrc_route_lookup(net, peer->loopback ? NULL : port->netdev,
			     &route->saddr, &to, &route->dst, &route->cookie))
		goto none;
	return route;
none:
	kfree(route);
	return NULL;
}

/**
 * mrc_peer_find_routes() - find the routes to a peer by all planes
 * @peer: peer, its lock not held
 * @paired: to the address of the same plane at the peer, otherwise to its GID
 * @routes: set, MRC_MAX_PORTS; NULL where there is none
 *
 * Return: the mask of planes that have one.
 */
u32 mrc_peer_find_routes(struct mrc_peer *peer, bool paired,
			 struct mrc_route **routes)
{
	u32 usable = 0;
	int i;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		routes[i] = mrc_plane_route(peer, i, paired);
		if (routes[i])
			usable |= BIT(i);
	}
	rcu_read_unlock();
	return usable;
}

/**
 * mrc_route_renew() - look a route up again whose dst is obsolete
 * @peer: peer, its lock not held
 * @plane: plane
 * @old: the route
 *
 * Context: RCU.
 * Return: what is the peer's route by @plane now, NULL: none.
 */
struct mrc_route *mrc_route_renew(struct mrc_peer *peer, u8 plane,
				  struct mrc_route *old)
{
	struct mrc_dev *dev = peer->dev;
	struct net_device *oif = NULL;
	struct mrc_route *new, *cur;
	struct mrc_port *port;
	struct in6_addr to;

	port = rcu_dereference(dev->ports[plane]);
	if (!port)
		return NULL;
	if (!mrc_addr_is_local(mrc_dev_net(dev), &old->daddr))
		oif = port->netdev;
	new = kmalloc(sizeof(*new), GFP_ATOMIC | __GFP_NOWARN);
	if (!new)
		return NULL;
	new->saddr = old->saddr;
	new->daddr = old->daddr;
	to = old->daddr;
	new->srv6 = oif && mrc_srv6_dst(dev, plane, &new->daddr, 0, &to);
	if (mrc_route_lookup(mrc_dev_net(dev), oif, &new->saddr, &to,
			     &new->dst, &new->cookie)) {
		kfree(new);
		return NULL;
	}
	spin_lock_bh(&peer->lock);
	cur = rcu_dereference_protected(peer->routes[plane],
					lockdep_is_held(&peer->lock));
	if (cur == old && !peer->dead) {
		rcu_assign_pointer(peer->routes[plane], new);
		mrc_route_free(old);
		cur = new;
		new = NULL;
	}
	spin_unlock_bh(&peer->lock);
	if (new)
		mrc_route_free(new);
	return cur;
}
