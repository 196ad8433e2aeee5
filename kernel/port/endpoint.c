// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What endpoints say to each other of planes and paths (MRC 1.0: packets to the
 * endpoint QP): port status updates, EV probes and their answers, and the timer
 * that sends them.
 */
#include "control/control.h"
#include "port.h"

/* Path probes sent at one expiry of the timer. */
#define MRC_PROBE_BATCH		8
/*
 * Port status updates: intervals double from the first so many times. A peer
 * that is not known to answer them is given up then.
 */
#define MRC_STATUS_FIRST	(1ULL * NSEC_PER_MSEC)
#define MRC_STATUS_TRIES	10
/* A status update that takes planes out is verified by a hello after it. */
#define MRC_STATUS_VERIFY	(20ULL * NSEC_PER_MSEC)

/* ------------------------------------------------------------ sending */

/**
 * mrc_endpoint_skb() - a packet to the endpoint QP
 * @opcode: opcode
 * @psn: request id, or 0
 * @len: bytes behind the BTH
 * @body: those bytes, zeroed
 *
 * Return: the skb or NULL.
 */
struct sk_buff *mrc_endpoint_skb(u8 opcode, u32 psn, u32 len, void **body)
{
	struct sk_buff *skb;
	struct mrc_bth *bth;

	skb = mrc_skb_alloc(sizeof(*bth) + len + MRC_ICRC_SIZE,
			    GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	bth = skb_put_zero(skb, sizeof(*bth) + len);
	mrc_bth_encode(bth, opcode, MRC_ENDPOINT_QPN, psn);
	MRC_TXCB(skb)->class = MRC_CLASS_CONTROL;
	*body = bth + 1;
	return skb;
}

static struct sk_buff *mrc_endpoint_request(enum mrc_ep_op op, u16 id,
					    u32 mask, u16 timestamp, int path,
					    u32 more)
{
	const struct mrc_ep ep = {
		.op = op,
		.ports = mask,
		.tx_timestamp = timestamp,
	};
	struct sk_buff *skb;
	void *erth;

	skb = mrc_endpoint_skb(MRC_OP_EP_REQUEST, id,
			       sizeof(struct mrc_erth) + more, &erth);
	if (!skb)
		return NULL;
	mrc_ep_req_encode(&ep, erth);
	MRC_TXCB(skb)->path = path;
	return skb;
}

/* Tell the peer which of our planes are up, until it answers. */
static struct sk_buff *mrc_status_tick(struct mrc_peer *peer, u32 up, u64 now)
{
	int path;

	if (!peer->status_at || peer->status_at > now)
		return NULL;
	if (peer->status_tries >= MRC_STATUS_TRIES) {
		if (peer->status != MRC_PEER_EXT ||
		    READ_ONCE(peer->idle_since)) {
			peer->status_at = 0;
			return NULL;
		}
		peer->status_tries--;
	}
	peer->status_at = now + (MRC_STATUS_FIRST << peer->status_tries++);
	path = mrc_peer_control_path(peer);
	if (path < 0)
		return NULL;
	if (peer->told_up != up || !peer->status_id) {
		peer->told_up = up;
		peer->status_id = get_random_u32() | 1;
	}
	peer->status_time = mrc_timestamp(now);
	return mrc_endpoint_request(MRC_EP_PORT_STATUS, peer->status_id, up,
				    peer->status_time, path, 0);
}

/* What follows an EV probe so that it is as long as the longest data packet. */
static u32 mrc_probe_more(const struct mrc_peer *peer)
{
	return peer->mtu.need + sizeof(struct mrc_meth) +
	       sizeof(struct mrc_tseth) + sizeof(struct mrc_reth) +
	       sizeof(struct mrc_immdt) - sizeof(struct mrc_erth);
}

static enum mrc_mtu_probe mrc_probe_kind(struct mrc_peer *peer, int idx)
{
	const struct mrc_path *path = mrc_path_get(peer->st.paths, idx);

	if (!(peer->features & MRC_HELLO_F_LONG_PROBE))
		return MRC_MTU_SHORT;
	return mrc_mtu_probe(&peer->mtu, path->plane,
			     path->state == MRC_PATH_ASSUMED_BAD,
			     mrc_paths_planes_bad(peer->st.paths) &
			     BIT(path->plane));
}

/*
 * A probe of @path, remembered in @probe, which is number @slot of its kind
 * and knows its kind.
 */
static struct sk_buff *mrc_probe_skb(struct mrc_peer *peer,
				     struct mrc_path_probe *probe, u32 slot,
				     int path, u32 up, u64 now)
{
	/* the slot in the low bits, chance in the others */
	u16 id = (get_random_u32() & ~(MRC_PATH_PROBES - 1)) | slot;

	probe->path = path;
	probe->id = id;
	probe->pending = true;
	probe->sent = now;
	mrc_count(peer->dev, path_probes_sent);
	return mrc_endpoint_request(MRC_EP_EV_PROBE, id, up,
				    mrc_timestamp(now), path,
				    probe->kind == MRC_MTU_LONG ?
				    mrc_probe_more(peer) : 0);
}

/* A probe of a path believed bad, or one not used for long. */
static struct sk_buff *mrc_probe_tick(struct mrc_peer *peer, u32 up, u64 now)
{
	struct mrc_path_probe *probe;
	int path;

	path = mrc_paths_next_probe(peer->st.paths, now);
	if (path < 0)
		return NULL;
	peer->probe_next = (peer->probe_next + 1) % MRC_PATH_PROBES;
	probe = &peer->probes[peer->probe_next];
	probe->kind = mrc_probe_kind(peer, path);
	return mrc_probe_skb(peer, probe, peer->probe_next, path, up, now);
}

/**
 * mrc_peer_probe() - probe a path because the operator wants it
 * @peer: peer, held
 * @path: index of the path, good or bad or denied
 * @portid: netlink port that mrc_nl_probe_answered() tells of the answer
 * @cookie: handed to it
 *
 * The path's state does not change by what comes of it. Context: process.
 * Return: 0, -ENOENT: no such path, -ENETDOWN: its plane is down, -ENOMEM.
 */
int mrc_peer_probe(struct mrc_peer *peer, u32 path, u32 portid, u32 cookie)
{
	struct mrc_asked_probe *asked;
	struct sk_buff *skb = NULL;
	struct sk_buff_head out;
	int err = 0;
	u32 up;

	mrc_dev_planes(peer->dev, &up);
	spin_lock_bh(&peer->lock);
	if (path >= mrc_paths_count(peer->st.paths)) {
		err = -ENOENT;
	} else if (mrc_paths_planes_down(peer->st.paths) &
		   BIT(mrc_path_get(peer->st.paths, path)->plane)) {
		err = -ENETDOWN;
	} else {
		peer->asked_next = (peer->asked_next + 1) % MRC_PATH_PROBES;
		asked = &peer->asked[peer->asked_next];
		asked->portid = portid;
		asked->cookie = cookie;
		asked->probe.kind = MRC_MTU_SHORT;
		if (peer->features & MRC_HELLO_F_LONG_PROBE && peer->mtu.need)
			asked->probe.kind = MRC_MTU_LONG;
		skb = mrc_probe_skb(peer, &asked->probe, peer->asked_next, path,
				    up, ktime_get_ns());
		if (!skb)
			err = -ENOMEM;
	}
	spin_unlock_bh(&peer->lock);
	if (err)
		return err;
	__skb_queue_head_init(&out);
	__skb_queue_tail(&out, skb);
	local_bh_disable();
	mrc_port_xmit(peer, &out);
	local_bh_enable();
	return 0;
}

/**
 * mrc_peer_tell_status() - a plane of ours went down or came up
 * @peer: peer, its lock held
 * @up: mask of the planes that are up
 * @now: ns
 *
 * Does nothing if the peer knows. A peer in its hello is told by that.
 */
void mrc_peer_tell_status(struct mrc_peer *peer, u32 up, u64 now)
{
	if (peer->status == MRC_PEER_HELLO || up == peer->told_up)
		return;
	peer->status_tries = 0;
	peer->status_at = now;
	mrc_peer_arm(peer, now);
}

/**
 * mrc_peer_timer() - say to a peer what is due: hello, port status, probes
 * @timer: of the peer; set by mrc_peer_arm()
 *
 * Context: softirq.
 * Return: HRTIMER_NORESTART; it arms itself.
 */
enum hrtimer_restart mrc_peer_timer(struct hrtimer *timer)
{
	struct mrc_peer *peer = container_of(timer, struct mrc_peer, timer);
	struct sk_buff_head out;
	struct sk_buff *skb;
	u64 now = ktime_get_ns();
	u64 nonce = 0;
	u32 up;
	int i;

	__skb_queue_head_init(&out);
	mrc_dev_planes(peer->dev, &up);
	spin_lock(&peer->lock);
	WRITE_ONCE(peer->timer_at, 0);
	mrc_event_paths(peer);
	/* Whoever makes room wakes them; that it be so does not hang on it. */
	if (peer->status != MRC_PEER_HELLO && !list_empty(&peer->waiters) &&
	    mrc_cc_may_send(peer->st.cc, MRC_PKT_OVERHEAD))
		mrc_peer_wake(peer);
	if (peer->hello_at && peer->hello_at <= now && mrc_hello_tick(peer, now))
		nonce = peer->nonce;
	skb = mrc_status_tick(peer, up, now);
	if (skb)
		__skb_queue_tail(&out, skb);
	for (i = 0; i < MRC_PROBE_BATCH; i++) {
		skb = mrc_probe_tick(peer, up, now);
		if (!skb)
			break;
		__skb_queue_tail(&out, skb);
	}
	mrc_peer_arm(peer, now);
	spin_unlock(&peer->lock);
	if (nonce)
		mrc_hello_send(peer, nonce);
	mrc_port_xmit(peer, &out);
	return HRTIMER_NORESTART;
}

/* ------------------------------------------------------------ receiving */

static void mrc_port_status(struct mrc_peer *peer, u32 mask, u64 now)
{
	spin_lock(&peer->lock);
	if (peer->remote_down != ~mask) {
		bool worse = ~mask & ~peer->remote_down & peer->planes;

		peer->remote_down = ~mask;
		mrc_peer_update_planes_down(peer, now);
		/* nothing in it proves who sent it */
		if (worse && peer->status == MRC_PEER_EXT && !peer->hello_tries)
			peer->hello_at = now + MRC_STATUS_VERIFY;
		mrc_peer_renew(peer);
		mrc_peer_arm(peer, now);
	}
	spin_unlock(&peer->lock);
}

/* Is @ep with this id the answer to @probe? */
static bool mrc_probe_is(const struct mrc_path_probe *probe, u16 id,
			 const struct mrc_ep *ep)
{
	return ep->op == MRC_EP_EV_PROBE && probe->pending && probe->id == id &&
	       mrc_timestamp(probe->sent) == ep->tx_timestamp;
}

/* A probe was answered: what of its path? peer->lock held. */
static void mrc_probe_tells(struct mrc_peer *peer,
			    const struct mrc_path_probe *probe, u64 now)
{
	struct mrc_paths *paths = peer->st.paths;

	if (probe->path < mrc_paths_count(paths) &&
	    mrc_mtu_answered(&peer->mtu, mrc_path_get(paths, probe->path)->plane,
			     probe->kind))
		mrc_count(peer->dev, mtu_mismatch);
	if (probe->kind != MRC_MTU_HINT)
		mrc_paths_probe_answered(paths, probe->path,
					 min_t(u64, now - probe->sent, U32_MAX),
					 now);
}

static void mrc_endpoint_answer(struct mrc_peer *peer, u16 id,
				const struct mrc_ep *ep, u64 now)
{
	struct mrc_asked_probe *asked = &peer->asked[id % MRC_PATH_PROBES];
	struct mrc_path_probe *probe = &peer->probes[id % MRC_PATH_PROBES];
	struct mrc_asked_probe told = {};

	spin_lock(&peer->lock);
	if (mrc_probe_is(&asked->probe, id, ep)) {
		asked->probe.pending = false;
		mrc_count(peer->dev, path_probes_answered);
		told = *asked;
	} else if (mrc_probe_is(probe, id, ep)) {
		probe->pending = false;
		mrc_count(peer->dev, path_probes_answered);
		mrc_probe_tells(peer, probe, now);
		mrc_event_paths(peer);
		mrc_peer_arm(peer, now);
	} else if (ep->op == MRC_EP_PORT_STATUS && peer->status_at &&
		   id == peer->status_id &&
		   ep->tx_timestamp == peer->status_time) {
		peer->status_at = 0;
		peer->status_id = 0;
	} else {
		mrc_count(peer->dev, drop_stale);
	}
	spin_unlock(&peer->lock);
	if (told.portid)
		mrc_nl_probe_answered(peer, &told, now);
}

static void mrc_endpoint_respond(struct mrc_dev *dev, struct mrc_port *port,
				 const struct mrc_ep *ep, u16 id,
				 const struct mrc_rxinfo *info)
{
	struct mrc_txhdr h = mrc_answer_hdr(dev, info);
	struct sk_buff *skb;
	void *eeth;

	skb = mrc_endpoint_skb(MRC_OP_EP_RESPONSE, id, sizeof(struct mrc_eeth),
			       &eeth);
	if (!skb)
		return;
	mrc_ep_resp_encode(ep, eeth);
	mrc_port_xmit_to(dev, port ? port->netdev : NULL, skb, &h);
}

/**
 * mrc_endpoint_rx() - an endpoint request or response
 * @dev: device
 * @port: plane it came in by, NULL over loopback
 * @skb: packet, not consumed
 * @info: its outer headers
 *
 * Context: softirq, RCU.
 */
void mrc_endpoint_rx(struct mrc_dev *dev, struct mrc_port *port,
		     const struct sk_buff *skb, const struct mrc_rxinfo *info)
{
	const struct mrc_bth *bth = (const struct mrc_bth *)skb->data;
	bool request = bth->opcode == MRC_OP_EP_REQUEST;
	u16 id = be32_to_cpu(bth->psn);
	struct mrc_peer *peer;
	bool known = false;
	struct mrc_ep ep;

	if (request)
		mrc_ep_req_decode(&ep, (const void *)(bth + 1));
	else
		mrc_ep_resp_decode(&ep, (const void *)(bth + 1));
	list_for_each_entry_rcu(peer, &dev->peer_list, list) {
		if (!mrc_peer_addr_ok(peer, &info->saddr))
			continue;
		known = true;
		if (!request)
			mrc_endpoint_answer(peer, id, &ep, info->now);
		else if (ep.op == MRC_EP_PORT_STATUS)
			mrc_port_status(peer, ep.ports, info->now);
	}
	if (!known && (!request || !mrc_bucket_take(&dev->answers, info->now)))
		mrc_count(dev, drop_sender);
	else if (request)
		mrc_endpoint_respond(dev, port, &ep, id, info);
}
