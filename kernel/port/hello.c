// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The hello exchange: who speaks the extensions, and where its planes are.
 *
 * Each end asks for itself. A request carries a random nonce, the response
 * echoes it and must come from the address that was asked, so only somebody
 * who sees the requests can forge a response. The responder keeps no state
 * and learns nothing from a request: it answers with its own ports, and if it
 * has a peer by the name in the request that it does not know, or knows
 * otherwise, it asks that peer itself. Requests and responses have the same
 * length and answers are limited in number, so nothing is amplified.
 */
#include <linux/jhash.h>
#include <linux/random.h>

#include "port.h"

/* Milliseconds between requests; after the last one the peer is plain. */
static const u16 mrc_hello_wait[] = {
	1, 2, 5, 10, 20, 50, 100, 200, 400, 400, 400, 400
};

/* A peer that did not answer is asked again so often while QPs use it. */
#define MRC_HELLO_RETRY		(5ULL * NSEC_PER_SEC)
/* Requests of others make us ask them, at most so often. */
#define MRC_HELLO_ECHO		(20ULL * NSEC_PER_MSEC)
/* Answers to strangers: tokens per second, and how many can be saved up. */
#define MRC_BUCKET_RATE		2000
#define MRC_BUCKET_SIZE		500

/* Features that mean something to us. */
#define MRC_HELLO_F_KNOWN	(MRC_HELLO_F_ALL | MRC_HELLO_F_NO_ICRC)

/**
 * mrc_bucket_take() - may something be sent to a stranger?
 * @b: the device's limit
 * @now: ns
 *
 * Return: true if so; it has been counted.
 */
bool mrc_bucket_take(struct mrc_bucket *b, u64 now)
{
	const u64 unit = NSEC_PER_SEC / MRC_BUCKET_RATE;
	bool ok = false;
	u64 n;

	spin_lock_bh(&b->lock);
	if (now > b->last) {
		n = div_u64(now - b->last, unit);
		b->tokens = min_t(u64, b->tokens + n, MRC_BUCKET_SIZE);
		b->last += n * unit;
	}
	if (b->tokens) {
		b->tokens--;
		ok = true;
	}
	spin_unlock_bh(&b->lock);
	return ok;
}

/* ------------------------------------------------------------ our side */

/* Write what others may know of our planes; returns their sum of speeds. */
static u32 mrc_hello_ports(struct mrc_dev *dev, const struct in6_addr *host,
			   struct mrc_hello *h)
{
	struct mrc_hello_port *hp = h->port;
	struct in6_addr addr;
	struct mrc_port *port;
	u32 speed = 0;
	int i;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		port = rcu_dereference(dev->ports[i]);
		if (!port)
			continue;
		hp->plane = i;
		hp->flags = READ_ONCE(port->up) ? MRC_HELLO_PORT_UP : 0;
		hp->mtu = cpu_to_be16(min(READ_ONCE(port->netdev->mtu), 65535U));
		/* all zero: the host address */
		if (mrc_port_addr(dev, port, host, &addr))
			memcpy(hp->addr, &addr, sizeof(hp->addr));
		speed += READ_ONCE(port->speed);
		hp++;
	}
	rcu_read_unlock();
	h->nports = hp - h->port;
	return speed;
}

static u32 mrc_hello_features(const struct mrc_dev *dev)
{
	return READ_ONCE(dev->set.icrc) ? MRC_HELLO_F_ALL :
					  MRC_HELLO_F_ALL | MRC_HELLO_F_NO_ICRC;
}

/**
 * mrc_hello_hash() - what a hello says of us, but for the planes' state
 * @dev: device
 * @host: the GID the peer knows us by
 *
 * Return: a hash that changes when peers need another hello.
 */
u32 mrc_hello_hash(struct mrc_dev *dev, const struct in6_addr *host)
{
	struct mrc_hello *h;
	u32 hash;
	int i;

	h = kzalloc(sizeof(*h), GFP_ATOMIC);
	if (!h)
		return 0;
	mrc_hello_ports(dev, host, h);
	for (i = 0; i < h->nports; i++)
		h->port[i].flags = 0;
	hash = jhash(h->port, sizeof(h->port), mrc_hello_features(dev));
	kfree(h);
	return hash;
}

static struct sk_buff *mrc_hello_skb(struct mrc_dev *dev, u8 opcode,
				     const struct in6_addr *host, __be64 nonce)
{
	struct mrc_hello *h;
	struct sk_buff *skb;
	void *body;

	skb = mrc_endpoint_skb(opcode, 0, sizeof(*h), &body);
	if (!skb)
		return NULL;
	h = body;
	h->version = MRC_HELLO_VERSION;
	h->mpr = MRC_RX_WINDOW / MRC_MPR_UNIT;
	h->features = cpu_to_be32(mrc_hello_features(dev));
	h->nonce = nonce;
	h->instance = cpu_to_be64(dev->instance);
	memcpy(h->host, host, sizeof(h->host));
	h->speed = cpu_to_be32(mrc_hello_ports(dev, host, h));
	return skb;
}

/**
 * mrc_hello_send() - send a hello request
 * @peer: peer; no locks held
 * @nonce: what the response has to echo
 *
 * Over every plane that has a route to the peer's GID: one of them may be
 * dead without our knowing.
 */
void mrc_hello_send(struct mrc_peer *peer, u64 nonce)
{
	struct mrc_dev *dev = peer->dev;
	struct mrc_txhdr h = {
		.daddr = peer->key.remote,
		.tos = mrc_class_tos(dev, MRC_CLASS_CONTROL, false),
		.ttl = MRC_TTL,
	};
	struct dst_entry *dst;
	struct mrc_port *port;
	struct in6_addr outer;
	struct sk_buff *skb;
	bool srv6;
	int i;

	rcu_read_lock();
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		struct net_device *oif;

		port = rcu_dereference(dev->ports[i]);
		if (!port || (!READ_ONCE(port->up) && !peer->loopback))
			continue;
		oif = peer->loopback ? NULL : port->netdev;
		mrc_port_addr(dev, port, &peer->key.local, &h.saddr);
		if (ipv6_addr_type(&h.daddr) & IPV6_ADDR_LINKLOCAL &&
		    port->netdev != dev->netdev)
			continue;
		/* no route is no error here */
		if (mrc_route_to(dev, oif, &h, &dst, &srv6, &outer))
			continue;
		dst_release(dst);
		skb = mrc_hello_skb(dev, MRC_OP_X_HELLO_REQ, &peer->key.local,
				    cpu_to_be64(nonce));
		if (!skb)
			break;
		h.entropy = 0xc000 | (get_random_u32() & 0x3fff);
		h.flow_label = h.entropy;
		if (!mrc_port_xmit_to(dev, oif, skb, &h))
			mrc_count(dev, hellos_sent);
		if (peer->loopback)
			break;
	}
	rcu_read_unlock();
}

/**
 * mrc_hello_start() - start a hello exchange if none is going on
 * @peer: peer, its lock held
 * @now: ns
 */
void mrc_hello_start(struct mrc_peer *peer, u64 now)
{
	if (peer->hello_tries)
		return;
	peer->hello_at = now;
	mrc_peer_arm(peer, now);
}

/**
 * mrc_hello_tick() - the time of peer->hello_at has come
 * @peer: peer, its lock held
 * @now: ns
 *
 * Return: true if a request with peer->nonce is to be sent.
 */
bool mrc_hello_tick(struct mrc_peer *peer, u64 now)
{
	if (peer->hello_tries >= ARRAY_SIZE(mrc_hello_wait)) {
		/* a late response is still good until the next exchange */
		peer->hello_tries = 0;
		peer->hello_at = now + MRC_HELLO_RETRY;
		if (READ_ONCE(peer->idle_since))
			peer->hello_at = 0;
		if (peer->status == MRC_PEER_HELLO) {
			WRITE_ONCE(peer->status, MRC_PEER_PLAIN);
			mrc_peer_renew(peer);
		}
		return false;
	}
	if (!peer->hello_tries) {
		do {
			peer->nonce = get_random_u64();
		} while (!peer->nonce);
		mrc_dev_planes(peer->dev, &peer->told_up);
		peer->told_hello = mrc_hello_hash(peer->dev, &peer->key.local);
	}
	peer->hello_at = now + mrc_hello_wait[peer->hello_tries++] *
			 NSEC_PER_MSEC;
	return true;
}

/* ------------------------------------------------------------ theirs */

/* Does @h say what is known already? peer->lock held. */
static bool mrc_hello_is_known(const struct mrc_peer *peer,
			       const struct mrc_hello *h)
{
	return peer->status == MRC_PEER_EXT &&
	       peer->instance == be64_to_cpu(h->instance) &&
	       peer->features == (be32_to_cpu(h->features) &
				  MRC_HELLO_F_KNOWN) &&
	       peer->nports == h->nports &&
	       !memcmp(peer->ports, h->port, h->nports * sizeof(*h->port));
}

static void mrc_hello_request(struct mrc_dev *dev, struct mrc_port *port,
			      const struct mrc_hello *req,
			      const struct mrc_rxinfo *info)
{
	struct mrc_txhdr h = mrc_answer_hdr(dev, info);
	struct mrc_peer *peer;
	struct sk_buff *skb;

	skb = mrc_hello_skb(dev, MRC_OP_X_HELLO_RESP, &info->daddr,
			    req->nonce);
	if (skb)
		mrc_port_xmit_to(dev, port ? port->netdev : NULL, skb, &h);

	list_for_each_entry_rcu(peer, &dev->peer_list, list) {
		if (memcmp(&peer->key.remote, req->host, sizeof(req->host)))
			continue;
		spin_lock(&peer->lock);
		if (!mrc_hello_is_known(peer, req) &&
		    info->now - peer->heard_at >= MRC_HELLO_ECHO) {
			peer->heard_at = info->now;
			/* it is there: do not wait for the next try */
			peer->hello_at = info->now;
			mrc_peer_arm(peer, info->now);
		}
		spin_unlock(&peer->lock);
	}
}

/* Believe a response whose nonce is right. peer->lock held. */
static void mrc_hello_learn(struct mrc_peer *peer, const struct mrc_hello *h)
{
	u64 instance = be64_to_cpu(h->instance);
	u32 down = ~0U;
	int i;

	if (peer->instance && peer->instance != instance) {
		peer->relearn = true;
		mrc_event_restart(peer);
	}
	peer->instance = instance;
	WRITE_ONCE(peer->features, be32_to_cpu(h->features) & MRC_HELLO_F_KNOWN);
	WRITE_ONCE(peer->window, h->mpr * MRC_MPR_UNIT);
	memcpy(peer->ports, h->port, h->nports * sizeof(*h->port));
	WRITE_ONCE(peer->nports, h->nports);
	for (i = 0; i < h->nports; i++)
		if (h->port[i].flags & MRC_HELLO_PORT_UP)
			down &= ~BIT(h->port[i].plane);
	peer->remote_down = down;
	peer->nonce_done = peer->nonce;
	peer->nonce = 0;
	peer->hello_tries = 0;
	peer->hello_at = 0;
	peer->answered = true;
	mrc_peer_renew(peer);
}

static void mrc_hello_response(struct mrc_dev *dev, const struct mrc_hello *h,
			       const struct mrc_rxinfo *info)
{
	u64 nonce = be64_to_cpu(h->nonce);
	struct mrc_peer *peer;
	bool ours = false;

	if (memcmp(&info->saddr, h->host, sizeof(h->host))) {
		mrc_count(dev, drop_hello);
		return;
	}
	list_for_each_entry_rcu(peer, &dev->peer_list, list) {
		if (!ipv6_addr_equal(&peer->key.remote, &info->saddr))
			continue;
		spin_lock(&peer->lock);
		if (peer->nonce == nonce) {
			mrc_hello_learn(peer, h);
			ours = true;
		} else if (peer->nonce_done == nonce) {
			/* one request went out over every plane */
			ours = true;
		}
		spin_unlock(&peer->lock);
		if (ours)
			return;
	}
	/* very late, or forged */
	mrc_count(dev, drop_hello);
}

/**
 * mrc_hello_rx() - a hello request or response
 * @dev: device
 * @port: plane it came in by, NULL over loopback
 * @skb: packet, not consumed
 * @info: its outer headers
 *
 * Context: softirq, RCU.
 */
void mrc_hello_rx(struct mrc_dev *dev, struct mrc_port *port,
		  const struct sk_buff *skb, const struct mrc_rxinfo *info)
{
	const struct mrc_bth *bth = (const struct mrc_bth *)skb->data;
	const struct mrc_hello *h = (const struct mrc_hello *)(bth + 1);
	bool request = bth->opcode == MRC_OP_X_HELLO_REQ;

	mrc_count(dev, hellos_received);
	if (!mrc_hello_valid(h) ||
	    (request && !mrc_bucket_take(&dev->answers, info->now)))
		mrc_count(dev, drop_hello);
	else if (request)
		mrc_hello_request(dev, port, h, info);
	else
		mrc_hello_response(dev, h, info);
}
