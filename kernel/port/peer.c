// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Peers: what is known of a destination, shared by all QPs to it.
 *
 * The table holds one reference on each peer, every QP another. A peer that
 * no QP uses stays for a while, so that the next connection starts with what
 * was learnt, and is then forgotten by the device's peer_gc.
 *
 * Everything that changes with time hangs on one timer per peer: hello
 * requests, status updates and path probes. Everything that needs process
 * context (a new path set, link speeds) is done by its work item, which also
 * finds the routes anew. Path sets are replaced as a whole: packets in flight
 * keep the index of a path in the set they were sent with, so feedback may
 * go to another path of the same peer or to none. Both are harmless, and the
 * set only changes when planes come or the peer restarts.
 */
#include <linux/rhashtable.h>
#include <net/ip.h>
#include <rdma/ib_addr.h>

#include "control/control.h"
#include "port.h"

/* How long a peer without QPs is remembered, and how many of them. */
#define MRC_PEER_LINGER		(30ULL * NSEC_PER_SEC)
#define MRC_PEER_IDLE_MAX	1024
#define MRC_PEER_GC_PERIOD	(5 * HZ)
/* Packets that a QP may send when its turn comes while others wait. */
#define MRC_TURN		16
/* QPs that get their turn before the work item goes on. */
#define MRC_TURNS		64
/* The timer runs at least so often while QPs use the peer. */
#define MRC_PEER_TICK		(100ULL * NSEC_PER_MSEC)
struct mrc_pathset {
	struct rcu_head rcu;
	u64 paths[];			/* struct mrc_paths */
};

static struct mrc_pathset *mrc_pathset_of(struct mrc_paths *paths)
{
	return container_of((void *)paths, struct mrc_pathset, paths);
}

static const struct rhashtable_params mrc_peer_params = {
	.key_len = sizeof(struct mrc_peer_key),
	.key_offset = offsetof(struct mrc_peer, key),
	.head_offset = offsetof(struct mrc_peer, node),
	.automatic_shrinking = true,
};

static void mrc_peer_free_rcu(struct rcu_head *head)
{
	struct mrc_peer *peer = container_of(head, struct mrc_peer, rcu);
	int i;

	for (i = 0; i < MRC_MAX_PORTS; i++)
		mrc_route_free(rcu_dereference_protected(peer->routes[i], true));
	if (peer->st.paths)
		kvfree(mrc_pathset_of(peer->st.paths));
	kfree(peer->st.cc);
	kfree(peer);
}

/**
 * mrc_peer_put() - drop a reference
 * @peer: peer
 */
void mrc_peer_put(struct mrc_peer *peer)
{
	/* somebody else may drop the last reference before we have looked */
	rcu_read_lock();
	if (refcount_dec_and_test(&peer->ref))
		call_rcu(&peer->rcu, mrc_peer_free_rcu);
	else if (refcount_read(&peer->ref) == 1)
		WRITE_ONCE(peer->idle_since, ktime_get_ns());
	rcu_read_unlock();
}

/**
 * mrc_peer_terms() - what was agreed on with a peer
 * @peer: peer
 *
 * By hello, or out of band with one that knows none: then the device's
 * settings plain_mpr and plain_features tell.
 *
 * Return: for MRC_TERMS_WINDOW() and MRC_TERMS_CAN().
 */
u32 mrc_peer_terms(const struct mrc_peer *peer)
{
	u32 features = READ_ONCE(peer->features);
	u32 can = 0;

	if (READ_ONCE(peer->status) == MRC_PEER_PLAIN) {
		const struct mrc_settings *set = &peer->dev->set;

		return READ_ONCE(set->plain_mpr) * MRC_MPR_UNIT |
		       READ_ONCE(set->plain_features) << 24;
	}
	if (features & MRC_HELLO_F_DYN_MPR)
		can |= MRC_PLAIN_DYN_MPR;
	if (features & MRC_HELLO_F_SERVICE_TIME)
		can |= MRC_PLAIN_SERVICE_TIME;
	if (features & MRC_HELLO_F_TRIM_NACK)
		can |= MRC_PLAIN_TRIM_NACK;
	return READ_ONCE(peer->window) | can << 24;
}

/**
 * mrc_peer_addr_ok() - may a packet of this peer come from an address?
 * @peer: peer
 * @saddr: source address of the packet
 *
 * Return: true if it is the peer's GID or the address of one of its planes.
 */
bool mrc_peer_addr_ok(const struct mrc_peer *peer,
		      const struct in6_addr *saddr)
{
	u32 planes = READ_ONCE(peer->planes);
	const struct mrc_route *route;
	bool ok = false;

	if (ipv6_addr_equal(saddr, &peer->key.remote))
		return true;
	rcu_read_lock();
	for (; planes && !ok; planes &= planes - 1) {
		route = rcu_dereference(peer->routes[__ffs(planes)]);
		ok = route && ipv6_addr_equal(saddr, &route->daddr);
	}
	rcu_read_unlock();
	return ok;
}

/**
 * mrc_peer_control_path() - choose a path for a control packet
 * @peer: peer, its lock held
 *
 * Return: index of the path, -1: no plane is up.
 */
int mrc_peer_control_path(struct mrc_peer *peer)
{
	return mrc_paths_pick_reverse(peer->st.paths, &peer->rotor,
				      ktime_get_ns());
}

/* Has path feedback made a probe due before the timer runs? */
static bool mrc_peer_probe_early(struct mrc_peer *peer)
{
	u64 at, timer_at = READ_ONCE(peer->timer_at);

	rcu_read_lock();
	at = mrc_paths_probe_deadline(READ_ONCE(peer->st.paths));
	rcu_read_unlock();
	return at < (timer_at ?: U64_MAX);
}

/**
 * mrc_peer_run_waiters() - let QPs run that waited for the peer
 * @peer: peer; no locks held
 *
 * As long as the congestion window has room, in the order in which they came,
 * MRC_TURN packets each. A QP that still cannot send puts itself at the end of
 * the list again.
 */
void mrc_peer_run_waiters(struct mrc_peer *peer)
{
	struct mrc_qp *qp, *first = NULL;
	unsigned int budget = MRC_TURNS;
	bool sent = false;

	if (unlikely(mrc_peer_probe_early(peer))) {
		spin_lock_bh(&peer->lock);
		mrc_event_paths(peer);
		mrc_peer_arm(peer, ktime_get_ns());
		spin_unlock_bh(&peer->lock);
	}
	/*
	 * What made room was done under the lock, so who failed to send before
	 * it is seen here, and who fails after it will be seen by the next.
	 */
	if (list_empty(&peer->waiters))
		return;
	spin_lock_bh(&peer->lock);
	while ((qp = list_first_entry_or_null(&peer->waiters, struct mrc_qp,
					      waiter)) &&
	       mrc_cc_may_send(peer->st.cc, qp->mtu + MRC_PKT_OVERHEAD)) {
		/* once round: go on if it was only their turns that ended */
		if (qp == first) {
			if (!sent)
				break;
			sent = false;
		}
		if (!first)
			first = qp;
		if (!budget--) {
			if (mrc_cc_inflight(peer->st.cc))
				mrc_peer_wake(peer);
			break;
		}
		list_del_init(&qp->waiter);
		qp->turn = MRC_TURN;
		spin_unlock_bh(&peer->lock);
		mrc_qp_run(qp);
		spin_lock_bh(&peer->lock);
		sent |= qp->turn < MRC_TURN;
		mrc_qp_put(qp);
	}
	spin_unlock_bh(&peer->lock);
}

/* ------------------------------------------------------------ timer */

/**
 * mrc_peer_wake() - let the work item run all QPs that wait
 * @peer: peer, its lock held
 */
void mrc_peer_wake(struct mrc_peer *peer)
{
	peer->wake = true;
	if (!peer->dead)
		queue_work(peer->dev->wq, &peer->work);
}

/**
 * mrc_peer_renew() - let the work item look for routes and paths again, and
 * then run all QPs that wait
 * @peer: peer, its lock held
 */
void mrc_peer_renew(struct mrc_peer *peer)
{
	peer->renew = true;
	mrc_peer_wake(peer);
}

/**
 * mrc_peer_arm() - set the timer to the earliest of the peer's deadlines
 * @peer: peer, its lock held
 * @now: ns
 */
void mrc_peer_arm(struct mrc_peer *peer, u64 now)
{
	u64 at = mrc_paths_probe_deadline(peer->st.paths);

	if (peer->hello_at)
		at = min(at, peer->hello_at);
	if (peer->status_at)
		at = min(at, peer->status_at);
	if (!READ_ONCE(peer->idle_since))
		at = min(at, now + MRC_PEER_TICK);
	if (at == U64_MAX || peer->dead)
		return;
	if (peer->timer_at && peer->timer_at <= at)
		return;
	WRITE_ONCE(peer->timer_at, at);
	hrtimer_start(&peer->timer, ns_to_ktime(at), HRTIMER_MODE_ABS_SOFT);
}

/* ------------------------------------------------------------ planes, paths */

/* Payload that fits into a plane's packets at both ends. peer->lock held. */
static u32 mrc_peer_plane_room(struct mrc_peer *peer, u32 plane)
{
	const struct mrc_route *route =
		rcu_dereference_protected(peer->routes[plane],
					  lockdep_is_held(&peer->lock));
	u32 i, mtu = route ? dst_mtu(route->dst) : 0, headers;

	headers = MRC_PKT_OVERHEAD;
	if (mrc_addr_is_v4(&peer->key.remote))
		headers -= sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	if (route && route->srv6)
		headers += sizeof(struct ipv6hdr);
	for (i = 0; i < peer->nports; i++)
		if (peer->ports[i].plane == plane && peer->ports[i].mtu)
			mtu = min_t(u32, mtu, be16_to_cpu(peer->ports[i].mtu));
	return mtu > headers ? mtu - headers : 0;
}

/* Planes of @usable that take what the QPs send. peer->lock held. */
static u32 mrc_peer_mtu_fits(struct mrc_peer *peer, u32 usable)
{
	u32 room[MRC_MAX_PORTS], found;
	int i;

	for (i = 0; i < MRC_MAX_PORTS; i++)
		room[i] = mrc_peer_plane_room(peer, i);
	usable = mrc_mtu_fits(&peer->mtu, usable, room, &found);
	if (found)
		mrc_count_add(peer->dev, mtu_mismatch, hweight32(found));
	return usable;
}

/**
 * mrc_peer_need_mtu() - a QP's packets have so much payload
 * @peer: peer
 * @mtu: bytes
 */
void mrc_peer_need_mtu(struct mrc_peer *peer, u32 mtu)
{
	u64 now = ktime_get_ns();

	spin_lock_bh(&peer->lock);
	if (mtu > peer->mtu.need) {
		peer->mtu.need = mtu;
		mrc_peer_update_planes_down(peer, now);
		mrc_peer_arm(peer, now);
	}
	spin_unlock_bh(&peer->lock);
}

/**
 * mrc_peer_update_planes_down() - tell the path set which planes are down
 * @peer: peer, its lock held
 * @now: ns
 *
 * A plane is down that is gone or has no link here, has no route to the peer,
 * of which the peer said that it is down, or has an MTU at either end that is
 * too small for what the QPs send.
 */
void mrc_peer_update_planes_down(struct mrc_peer *peer, u64 now)
{
	u32 up, usable = 0;
	int i;

	mrc_dev_planes(peer->dev, &up);
	for (i = 0; i < MRC_MAX_PORTS; i++)
		if (rcu_access_pointer(peer->routes[i]))
			usable |= BIT(i);
	/* over loopback there is no link to be down */
	if (!peer->loopback)
		usable &= up & ~peer->remote_down;
	usable = mrc_peer_mtu_fits(peer, usable);
	if (mrc_paths_planes_down(peer->st.paths) != (peer->planes & ~usable))
		mrc_paths_set_planes_down(peer->st.paths,
					  peer->planes & ~usable, now);
}

/*
 * Nominal size of a full packet, from the greatest MTU of the routes: a plane
 * with a smaller one is used by nobody who needs more.
 */
static u32 mrc_routes_nominal(struct mrc_route **routes)
{
	u32 mtu = 0;
	int i;

	for (i = 0; i < MRC_MAX_PORTS; i++)
		if (routes[i])
			mtu = max(mtu, dst_mtu(routes[i]->dst));
	/* no route yet: any MTU may come */
	mtu = iboe_get_mtu(mtu ?: 9000);
	return ib_mtu_enum_to_int(mtu ?: IB_MTU_256) + MRC_PKT_OVERHEAD;
}

/*
 * Congestion control begins anew with a new path set; what is in flight stays
 * counted, for its owners will give it back. peer->lock held.
 */
static void mrc_peer_new_cc(struct mrc_peer *peer,
			    const struct mrc_cc_params *params, bool first,
			    u64 now)
{
	u64 inflight = first ? 0 : mrc_cc_inflight(peer->st.cc);

	mrc_cc_init(peer->st.cc, params, now);
	if (inflight)
		mrc_cc_sent(peer->st.cc, min_t(u64, inflight, U32_MAX));
}

static struct mrc_paths *mrc_pathset_alloc(size_t bytes)
{
	struct mrc_pathset *set = kvzalloc(sizeof(*set) + bytes, GFP_KERNEL);

	return set ? (struct mrc_paths *)set->paths : NULL;
}

/*
 * Find the routes anew and, if there are planes that the path set does not
 * have or the peer is another now, make a new path set. Process context,
 * never twice at the same time for one peer. 0 or -ENOMEM, which leaves a
 * peer that has been set up before as it was.
 */
static int mrc_peer_rebuild(struct mrc_peer *peer)
{
	struct mrc_route **routes;
	struct mrc_dev *dev = peer->dev;
	struct mrc_pathset *old = NULL;
	struct mrc_cc_profile profile;
	struct mrc_cc_params cc = { .profile = &profile };
	struct mrc_paths *paths = NULL;
	u32 usable = 0, planes, up, all;
	bool relearn, repath, more;
	u64 now;
	int i;

	routes = kcalloc(MRC_MAX_PORTS, sizeof(*routes), GFP_KERNEL);
	if (!routes)
		return -ENOMEM;
	rcu_read_lock();
	peer->loopback = mrc_addr_is_local(mrc_dev_net(dev),
					   &peer->key.remote);
	rcu_read_unlock();
	if (READ_ONCE(peer->nports))
		usable = mrc_peer_find_routes(peer, true, routes);
	if (!usable)
		usable = mrc_peer_find_routes(peer, false, routes);
	all = mrc_dev_planes(dev, &up);
	cc.speed_bps = mrc_dev_speed(dev) * 1000000ULL;
	cc.mtu = mrc_routes_nominal(routes);

	spin_lock_bh(&peer->lock);
	relearn = peer->relearn;
	repath = peer->repath;
	peer->repath = false;
	spin_unlock_bh(&peer->lock);
	planes = usable | (relearn ? 0 : peer->planes & all);
	if (!planes)
		planes = peer->planes ?: all ?: 1;
	more = relearn || planes & ~peer->planes;
	if (!peer->st.paths || more || repath) {
		paths = mrc_profile_paths(dev, planes, mrc_pathset_alloc);
		if (!paths) {
			spin_lock_bh(&peer->lock);
			peer->repath |= repath;
			spin_unlock_bh(&peer->lock);
			for (i = 0; i < MRC_MAX_PORTS; i++)
				mrc_route_free(routes[i]);
			kfree(routes);
			return -ENOMEM;
		}
	}

	/* a change meanwhile would go to a window that is being replaced */
	mutex_lock(&dev->profiles_lock);
	profile = dev->cc;
	now = ktime_get_ns();
	spin_lock_bh(&peer->lock);
	for (i = 0; i < MRC_MAX_PORTS; i++)
		routes[i] = rcu_replace_pointer(peer->routes[i], routes[i],
						lockdep_is_held(&peer->lock));
	if (paths) {
		if (peer->st.paths) {
			mrc_event_paths(peer);
			old = mrc_pathset_of(peer->st.paths);
		}
		WRITE_ONCE(peer->planes, planes);
		/* seen by mrc_port_xmit() without the lock */
		smp_store_release(&peer->st.paths, paths);
		peer->went_bad = 0;
		peer->went_good = 0;
		peer->lost_planes = 0;
		/* other EVs on the same planes change nothing of the load */
		if (more || !old)
			mrc_peer_new_cc(peer, &cc, !old, now);
		if (relearn)
			peer->relearn = false;
	}
	mrc_peer_update_planes_down(peer, now);
	spin_unlock_bh(&peer->lock);
	mutex_unlock(&dev->profiles_lock);

	for (i = 0; i < MRC_MAX_PORTS; i++)
		mrc_route_free(routes[i]);
	kfree(routes);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/* Tell the peer of planes of ours that changed. peer->lock held. */
static void mrc_peer_tell(struct mrc_peer *peer, u32 hello, u32 up, u64 now)
{
	if (peer->status == MRC_PEER_HELLO)
		return;
	if (peer->status == MRC_PEER_EXT && hello != peer->told_hello)
		mrc_hello_start(peer, now);
	else
		mrc_peer_tell_status(peer, up, now);
	mrc_peer_arm(peer, now);
}

static void mrc_peer_work(struct work_struct *work)
{
	struct mrc_peer *peer = container_of(work, struct mrc_peer, work);
	bool renew, wake, answered;
	u32 up, hello;
	int err = 0;

	spin_lock_bh(&peer->lock);
	renew = peer->renew;
	peer->renew = false;
	spin_unlock_bh(&peer->lock);
	if (renew)
		err = mrc_peer_rebuild(peer);
	mrc_dev_planes(peer->dev, &up);
	hello = mrc_hello_hash(peer->dev, &peer->key.local);
	spin_lock_bh(&peer->lock);
	wake = peer->wake;
	answered = peer->answered;
	peer->wake = false;
	peer->answered = false;
	/* without memory, the old routes and paths have to do */
	if (answered) {
		/* pairs with peer_known(): who sees it knows the hello */
		smp_store_release(&peer->status, MRC_PEER_EXT);
	}
	if (err)
		peer->renew = true;	/* when it is woken next */
	else if (renew)
		mrc_peer_tell(peer, hello, up, ktime_get_ns());
	spin_unlock_bh(&peer->lock);
	if (wake || answered)
		mrc_peer_run_waiters(peer);
}

/* ------------------------------------------------------------ table */

static struct mrc_peer *mrc_peer_create(struct mrc_dev *dev,
					const struct mrc_peer_key *key)
{
	struct mrc_peer *peer;
	int err;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->key = *key;
	peer->dev = dev;
	refcount_set(&peer->ref, 2);	/* the table's and the caller's */
	spin_lock_init(&peer->lock);
	INIT_LIST_HEAD(&peer->waiters);
	peer->window = MRC_MPR_MIN * MRC_MPR_UNIT;
	hrtimer_setup(&peer->timer, mrc_peer_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	INIT_WORK(&peer->work, mrc_peer_work);
	mrc_rotor_init(&peer->rotor, get_random_u32());
	peer->st.cc = kzalloc(sizeof(*peer->st.cc), GFP_KERNEL);
	err = peer->st.cc ? mrc_peer_rebuild(peer) : -ENOMEM;
	if (!err)
		err = rhashtable_lookup_insert_fast(&dev->peers, &peer->node,
						    mrc_peer_params);
	if (err) {
		call_rcu(&peer->rcu, mrc_peer_free_rcu);
		return ERR_PTR(err);
	}
	peer->id = ++dev->next_peer_id;
	list_add_tail_rcu(&peer->list, &dev->peer_list);
	queue_delayed_work(dev->wq, &dev->peer_gc, MRC_PEER_GC_PERIOD);
	spin_lock_bh(&peer->lock);
	mrc_hello_start(peer, ktime_get_ns());
	spin_unlock_bh(&peer->lock);
	return peer;
}

/**
 * mrc_peer_get() - the peer of a QP
 * @dev: device
 * @key: addresses of both ends
 *
 * Makes the peer if it is not known, and starts the hello exchange.
 * Context: process.
 * Return: the peer with a reference, or an ERR_PTR: -EINVAL if the addresses
 * cannot be those of two ends, -ENOMEM.
 */
struct mrc_peer *mrc_peer_get(struct mrc_dev *dev,
			      const struct mrc_peer_key *key)
{
	struct mrc_peer *peer;
	u64 now;

	if (ipv6_addr_any(&key->remote) || mrc_addr_is_mcast(&key->remote) ||
	    mrc_addr_is_v4(&key->remote) != mrc_addr_is_v4(&key->local))
		return ERR_PTR(-EINVAL);
	mutex_lock(&dev->peers_lock);
	/* nobody else removes peers, so it has the table's reference */
	peer = rhashtable_lookup_fast(&dev->peers, key, mrc_peer_params);
	if (!peer) {
		peer = mrc_peer_create(dev, key);
	} else {
		refcount_inc(&peer->ref);
		now = ktime_get_ns();
		spin_lock_bh(&peer->lock);
		/* it may be another by now, or have learnt to answer */
		if (peer->idle_since || peer->status == MRC_PEER_PLAIN)
			mrc_hello_start(peer, now);
		WRITE_ONCE(peer->idle_since, 0);
		mrc_peer_arm(peer, now);
		spin_unlock_bh(&peer->lock);
	}
	mutex_unlock(&dev->peers_lock);
	return peer;
}

/* Take a peer out of the table; mrc_peers_release() then drops it. */
static void mrc_peer_unlink(struct mrc_peer *peer, struct list_head *gone)
{
	struct mrc_dev *dev = peer->dev;

	rhashtable_remove_fast(&dev->peers, &peer->node, mrc_peer_params);
	list_del_rcu(&peer->list);
	spin_lock_bh(&peer->lock);
	peer->dead = true;
	spin_unlock_bh(&peer->lock);
	list_add_tail(&peer->gone, gone);
}

/* Wait for what still happens to peers taken out, then let go of them. */
static void mrc_peers_release(struct list_head *gone)
{
	struct mrc_peer *peer, *next;

	if (list_empty(gone))
		return;
	/* readers that found the peer may start its timer or work */
	synchronize_rcu();
	list_for_each_entry_safe(peer, next, gone, gone) {
		hrtimer_cancel(&peer->timer);
		cancel_work_sync(&peer->work);
		mrc_peer_put(peer);
	}
}

/*
 * Nobody tells of a route that has come. peers_lock: the peer is in the table.
 */
static void mrc_peer_seek_routes(struct mrc_peer *peer)
{
	int i;

	spin_lock_bh(&peer->lock);
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		if (peer->planes & BIT(i) &&
		    !rcu_access_pointer(peer->routes[i])) {
			mrc_peer_renew(peer);
			break;
		}
	}
	spin_unlock_bh(&peer->lock);
}

static void mrc_peers_gc(struct work_struct *work)
{
	struct mrc_dev *dev = container_of(to_delayed_work(work),
					   struct mrc_dev, peer_gc);
	u64 since, now = ktime_get_ns();
	struct mrc_peer *peer, *next;
	u32 idle = 0, excess;
	LIST_HEAD(gone);

	mutex_lock(&dev->peers_lock);
	list_for_each_entry(peer, &dev->peer_list, list)
		idle += refcount_read(&peer->ref) == 1;
	/* the list is in the order of creation: the oldest go first */
	excess = idle > MRC_PEER_IDLE_MAX ? idle - MRC_PEER_IDLE_MAX : 0;
	list_for_each_entry_safe(peer, next, &dev->peer_list, list) {
		since = READ_ONCE(peer->idle_since);
		if (!since)
			mrc_peer_seek_routes(peer);
		/* new references are only taken under peers_lock */
		if (refcount_read(&peer->ref) != 1 || !since ||
		    (now < since + MRC_PEER_LINGER && !excess))
			continue;
		if (excess)
			excess--;
		mrc_peer_unlink(peer, &gone);
	}
	if (!list_empty(&dev->peer_list))
		queue_delayed_work(dev->wq, &dev->peer_gc, MRC_PEER_GC_PERIOD);
	mutex_unlock(&dev->peers_lock);
	mrc_peers_release(&gone);
}

/**
 * mrc_peers_init() - the peer table of a new device
 * @dev: device
 *
 * Return: 0 or -ENOMEM.
 */
int mrc_peers_init(struct mrc_dev *dev)
{
	mutex_init(&dev->peers_lock);
	INIT_LIST_HEAD(&dev->peer_list);
	INIT_DELAYED_WORK(&dev->peer_gc, mrc_peers_gc);
	spin_lock_init(&dev->answers.lock);
	return rhashtable_init(&dev->peers, &mrc_peer_params);
}

/**
 * mrc_peers_flush() - forget all peers of a device that goes away
 * @dev: device; no QP is left and mrc_dev_sock_close() was called
 *
 * Context: process; dev->wq still exists.
 */
void mrc_peers_flush(struct mrc_dev *dev)
{
	struct mrc_peer *peer, *next;
	LIST_HEAD(gone);

	mutex_lock(&dev->peers_lock);
	list_for_each_entry_safe(peer, next, &dev->peer_list, list)
		mrc_peer_unlink(peer, &gone);
	mutex_unlock(&dev->peers_lock);
	mrc_peers_release(&gone);
	cancel_delayed_work_sync(&dev->peer_gc);
	rhashtable_destroy(&dev->peers);
}
