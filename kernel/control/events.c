// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Events: from whatever happens to the netlink group "events". */
#include <net/genetlink.h>

#include "control.h"
#include "control/trace.h"
#include "port/port.h"

/* So many are sent in a row, then there is a pause. */
#define BATCH		32
#define PAUSE		(HZ / 10)

static bool listened_to(const struct mrc_dev *dev)
{
	return genl_has_listeners(&mrc_genl_family, mrc_dev_net(dev), 0);
}

static void post(struct mrc_dev *dev, struct mrc_event *ev)
{
	struct mrc_events *e = &dev->events;
	unsigned long flags;

	if (!listened_to(dev))
		return;
	ev->time = ktime_get_real_ns();
	spin_lock_irqsave(&e->lock, flags);
	if (e->in - e->out == MRC_EVENTS)
		e->missed[ev->type] += ev->count;
	else
		e->queue[e->in++ % MRC_EVENTS] = *ev;
	spin_unlock_irqrestore(&e->lock, flags);
	/* while the sender pauses, this changes nothing */
	queue_delayed_work(dev->wq, &e->work, 0);
}

static void set_peer(struct mrc_event *ev, const struct mrc_peer *peer)
{
	ev->has_peer = true;
	ev->remote = peer->key.remote;
	ev->local = peer->key.local;
}

/* ------------------------------------------------------------ sending */

static int put_attrs(struct sk_buff *skb, const struct mrc_dev *dev,
		     const struct mrc_event *ev)
{
	if (nla_put_u32(skb, MRC_A_EVENT_TYPE, ev->type) ||
	    nla_put_u64_64bit(skb, MRC_A_EVENT_TIME, ev->time,
			      MRC_A_EVENT_PAD) ||
	    nla_put_u32(skb, MRC_A_EVENT_COUNT, ev->count) ||
	    nla_put_string(skb, MRC_A_EVENT_DEV, dev->ibdev.name))
		return -EMSGSIZE;
	if (ev->has_peer &&
	    (nla_put_in6_addr(skb, MRC_A_EVENT_REMOTE, &ev->remote) ||
	     nla_put_in6_addr(skb, MRC_A_EVENT_LOCAL, &ev->local)))
		return -EMSGSIZE;
	if (ev->has_plane && nla_put_u32(skb, MRC_A_EVENT_PLANE, ev->plane))
		return -EMSGSIZE;
	if (ev->ifname[0] &&
	    nla_put_string(skb, MRC_A_EVENT_IFNAME, ev->ifname))
		return -EMSGSIZE;
	if (ev->has_path &&
	    (nla_put_u32(skb, MRC_A_EVENT_PATH, ev->path) ||
	     nla_put_u32(skb, MRC_A_EVENT_ENTROPY, ev->entropy)))
		return -EMSGSIZE;
	if (ev->qpn && (nla_put_u32(skb, MRC_A_EVENT_QPN, ev->qpn) ||
			nla_put_u32(skb, MRC_A_EVENT_REASON, ev->reason)))
		return -EMSGSIZE;
	return 0;
}

/* There is no memory to tell of it now: a number will be told later. */
static void put_off(struct mrc_events *e, const struct mrc_event *ev)
{
	spin_lock_irq(&e->lock);
	e->missed[ev->type] += ev->count;
	spin_unlock_irq(&e->lock);
}

static void send(struct mrc_dev *dev, const struct mrc_event *ev)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr;

	if (!skb) {
		put_off(&dev->events, ev);
		return;
	}
	hdr = genlmsg_put(skb, 0, 0, &mrc_genl_family, 0, MRC_CMD_EVENT);
	if (!hdr || put_attrs(skb, dev, ev)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&mrc_genl_family, mrc_dev_net(dev), skb, 0, 0,
				GFP_KERNEL);
}

/* The oldest of the queue, or a number of those that found no room. */
static bool take(struct mrc_events *e, struct mrc_event *ev)
{
	bool found = false;
	int i;

	spin_lock_irq(&e->lock);
	if (e->in != e->out) {
		*ev = e->queue[e->out++ % MRC_EVENTS];
		found = true;
	}
	for (i = 0; !found && i <= MRC_NL_EVENT_MAX; i++) {
		if (!e->missed[i])
			continue;
		memset(ev, 0, sizeof(*ev));
		ev->type = i;
		ev->time = ktime_get_real_ns();
		ev->count = e->missed[i];
		e->missed[i] = 0;
		found = true;
	}
	spin_unlock_irq(&e->lock);
	return found;
}

static void work_fn(struct work_struct *work)
{
	struct mrc_events *e = container_of(to_delayed_work(work),
					    struct mrc_events, work);
	struct mrc_dev *dev = container_of(e, struct mrc_dev, events);
	struct mrc_event ev;
	int i;

	for (i = 0; i < BATCH; i++) {
		if (!take(e, &ev))
			return;
		send(dev, &ev);
	}
	queue_delayed_work(dev->wq, &e->work, PAUSE);
}

/**
 * mrc_events_init - prepare a new device's queue
 * @dev: the device
 */
void mrc_events_init(struct mrc_dev *dev)
{
	spin_lock_init(&dev->events.lock);
	INIT_DELAYED_WORK(&dev->events.work, work_fn);
}

/**
 * mrc_events_exit - the device goes
 * @dev: the device; nothing of it is left that could cause an event
 *
 * Context: process.
 */
void mrc_events_exit(struct mrc_dev *dev)
{
	cancel_delayed_work_sync(&dev->events.work);
}

/* ------------------------------------------------------------ what happens */

/**
 * mrc_event_port - a plane's port has changed its state
 * @dev: the device
 * @port: the port, RCU
 * @up: its carrier and administrative state now
 */
void mrc_event_port(struct mrc_dev *dev, const struct mrc_port *port, bool up)
{
	struct mrc_event ev = {
		.type = up ? MRC_NL_EVENT_PLANE_UP : MRC_NL_EVENT_PLANE_DOWN,
		.count = 1,
		.has_plane = true,
		.plane = port->plane,
	};

	strscpy(ev.ifname, port->netdev->name, sizeof(ev.ifname));
	post(dev, &ev);
}

/**
 * mrc_event_restart - a peer is another one than before
 * @peer: the peer
 */
void mrc_event_restart(const struct mrc_peer *peer)
{
	struct mrc_event ev = {
		.type = MRC_NL_EVENT_PEER_RESTART,
		.count = 1,
	};

	set_peer(&ev, peer);
	post(peer->dev, &ev);
}

/**
 * mrc_event_qp - a QP has failed
 * @qp: the QP, lock held, qp->reason set
 */
void mrc_event_qp(const struct mrc_qp *qp)
{
	struct mrc_event ev = {
		.type = MRC_NL_EVENT_QP_ERROR,
		.count = 1,
		.qpn = qp->qpn,
		.reason = qp->reason,
	};

	if (qp->peer)
		set_peer(&ev, qp->peer);
	post(qp->dev, &ev);
}

/* Planes that the peer can be reached by no more, or again. */
static void peer_planes(struct mrc_peer *peer)
{
	u32 lost = (mrc_paths_planes_bad(peer->st.paths) |
		    (peer->loopback ? 0 : peer->remote_down)) & peer->planes;
	u32 changed = lost ^ peer->lost_planes;
	struct mrc_event ev = { .count = 1, .has_plane = true };

	peer->lost_planes = lost;
	set_peer(&ev, peer);
	for (; changed; changed &= changed - 1) {
		ev.plane = __ffs(changed);
		ev.type = lost & BIT(ev.plane) ? MRC_NL_EVENT_PLANE_LOST :
						 MRC_NL_EVENT_PLANE_BACK;
		post(peer->dev, &ev);
	}
}

/*
 * Report paths that came into @state since @peer->paths_seen, an event per
 * plane. @n: how many times paths did; some may have left it again.
 */
static void report_paths(struct mrc_peer *peer, u8 state, u32 n)
{
	struct mrc_event ev = {
		.type = state == MRC_PATH_GOOD ? MRC_NL_EVENT_PATH_GOOD :
						 MRC_NL_EVENT_PATH_BAD,
	};
	u32 i, all = mrc_paths_count(peer->st.paths), plane, rest = n;
	u16 count[MRC_MAX_PORTS] = {}, last[MRC_MAX_PORTS];
	const struct mrc_path *path;

	set_peer(&ev, peer);
	for (i = 0; i < all; i++) {
		path = mrc_path_get(peer->st.paths, i);
		if (path->state != state || path->state_at <= peer->paths_seen)
			continue;
		count[path->plane]++;
		last[path->plane] = i;
		trace_mrc_path_state(peer, i, path);
	}
	ev.has_plane = true;
	for (plane = 0; plane < MRC_MAX_PORTS && rest; plane++) {
		if (!count[plane])
			continue;
		ev.count = min_t(u32, count[plane], rest);
		rest -= ev.count;
		ev.plane = plane;
		ev.has_path = ev.count == 1;
		ev.path = last[plane];
		ev.entropy = mrc_path_get(peer->st.paths, ev.path)->entropy;
		post(peer->dev, &ev);
	}
	if (!rest)
		return;
	ev.has_plane = false;
	ev.has_path = false;
	ev.count = rest;
	post(peer->dev, &ev);
}

/**
 * mrc_event_paths - look what has become of the paths to a peer
 * @peer: peer, its lock held
 *
 * Counts what went bad and good since the last time, too.
 */
void mrc_event_paths(struct mrc_peer *peer)
{
	const struct mrc_paths *paths = peer->st.paths;
	u32 bad = paths->went_bad - peer->went_bad;
	u32 good = paths->went_good - peer->went_good;

	if (!bad && !good && peer->lost_from == peer->remote_down)
		return;
	mrc_count_add(peer->dev, path_bad, bad);
	mrc_count_add(peer->dev, path_good, good);
	peer->went_bad = paths->went_bad;
	peer->went_good = paths->went_good;
	peer->lost_from = peer->remote_down;
	if (listened_to(peer->dev) || trace_mrc_path_state_enabled()) {
		if (bad)
			report_paths(peer, MRC_PATH_ASSUMED_BAD, bad);
		if (good)
			report_paths(peer, MRC_PATH_GOOD, good);
	}
	/* without listeners, too: who comes later is told news only */
	peer_planes(peer);
	peer->paths_seen = ktime_get_ns();
}
