// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Netlink commands about peers, planes and paths. Peers are walked under the
 * device's peers_lock in the order of their ids; what a message says of one
 * peer was true at one moment, under that peer's lock, but for sums of what
 * was counted of a plane's paths.
 */
#include <net/netlink.h>

#include "control.h"
#include "port/port.h"

#define PATHS_AT_ONCE	64

const struct nla_policy mrc_nl_peer_policy[MRC_A_PEER_MAX + 1] = {
	[MRC_A_PEER_DEV] = MRC_NL_DEVICE,
	[MRC_A_PEER_REMOTE] = MRC_NL_ADDRESS,
};

const struct nla_policy mrc_nl_plane_policy[MRC_A_PLANE_MAX + 1] = {
	[MRC_A_PLANE_DEV] = MRC_NL_DEVICE,
	[MRC_A_PLANE_REMOTE] = MRC_NL_ADDRESS,
};

const struct nla_policy mrc_nl_path_get_policy[MRC_A_PATH_MAX + 1] = {
	[MRC_A_PATH_DEV] = MRC_NL_DEVICE,
	[MRC_A_PATH_REMOTE] = MRC_NL_ADDRESS,
	[MRC_A_PATH_PLANE] = MRC_NL_PLANE,
};

const struct nla_policy mrc_nl_path_set_policy[MRC_A_PATH_MAX + 1] = {
	[MRC_A_PATH_DEV] = MRC_NL_DEVICE,
	[MRC_A_PATH_REMOTE] = MRC_NL_ADDRESS,
	[MRC_A_PATH_LOCAL] = MRC_NL_ADDRESS,
	[MRC_A_PATH_INDEX] = { .type = NLA_U32 },
	[MRC_A_PATH_PLANE] = MRC_NL_PLANE,
	[MRC_A_PATH_ENTROPY] = { .type = NLA_U32 },
	[MRC_A_PATH_STATE] = NLA_POLICY_MAX(NLA_U32, MRC_NL_PATH_DENIED),
};

const struct nla_policy mrc_nl_probe_policy[MRC_A_PROBE_MAX + 1] = {
	[MRC_A_PROBE_DEV] = MRC_NL_DEVICE,
	[MRC_A_PROBE_REMOTE] = MRC_NL_ADDRESS,
	[MRC_A_PROBE_LOCAL] = MRC_NL_ADDRESS,
	[MRC_A_PROBE_PATH] = { .type = NLA_U32 },
	[MRC_A_PROBE_COOKIE] = { .type = NLA_U32 },
};

static_assert((int)MRC_NL_PEER_HELLO == (int)MRC_PEER_HELLO);
static_assert((int)MRC_NL_PEER_PLAIN == (int)MRC_PEER_PLAIN);
static_assert((int)MRC_NL_PEER_EXT == (int)MRC_PEER_EXT);
static_assert((int)MRC_NL_PATH_GOOD == (int)MRC_PATH_GOOD);
static_assert((int)MRC_NL_PATH_SKIP == (int)MRC_PATH_SKIP);
static_assert((int)MRC_NL_PATH_ASSUMED_BAD == (int)MRC_PATH_ASSUMED_BAD);
static_assert((int)MRC_NL_PATH_DENIED == (int)MRC_PATH_DENIED);

static u32 path_count(const struct mrc_peer *peer)
{
	return peer->st.paths ? mrc_paths_count(peer->st.paths) : 0;
}

static bool peer_wanted(const struct mrc_peer *peer, const struct mrc_dump *d)
{
	if (peer->id < d->key)
		return false;
	return !d->one_remote ||
	       ipv6_addr_equal(&peer->key.remote, &d->remote);
}

typedef int (*peer_put_fn)(struct sk_buff *skb, struct netlink_callback *cb,
			   struct mrc_peer *peer, struct mrc_dump *d);

/*
 * Call @put for every peer that the dump is to report still. It reports what
 * there is from d->sub on and returns 0, or -EMSGSIZE.
 */
static int walk_peers(struct sk_buff *skb, struct netlink_callback *cb,
		      struct mrc_dev *dev, struct mrc_dump *d,
		      peer_put_fn put)
{
	struct mrc_peer *peer;
	int err = 0;

	mutex_lock(&dev->peers_lock);
	list_for_each_entry(peer, &dev->peer_list, list) {
		if (!peer_wanted(peer, d))
			continue;
		if (peer->id != d->key) {
			d->key = peer->id;
			d->sub = 0;
		}
		err = put(skb, cb, peer, d);
		if (err)
			break;
		d->key = peer->id + 1;
		d->sub = 0;
	}
	mutex_unlock(&dev->peers_lock);
	return err;
}

/* ------------------------------------------------------------ peers */

static int peer_put_attrs(struct sk_buff *skb, struct mrc_peer *peer)
{
	u32 status, features, window, planes = 0, down = 0, bad = 0, mtu;
	u32 states[MRC_PATH_STATES] = {};
	u64 cwnd = 0, inflight = 0, base_rtt = 0;
	int i;

	spin_lock_bh(&peer->lock);
	status = peer->status;
	features = peer->features;
	window = peer->window;
	mtu = peer->mtu.small | peer->mtu.hole;
	for (i = 0; i < MRC_MAX_PORTS; i++) {
		if (rcu_access_pointer(peer->routes[i]))
			planes |= BIT(i);
	}
	if (peer->st.paths) {
		down = mrc_paths_planes_down(peer->st.paths);
		bad = mrc_paths_planes_bad(peer->st.paths);
		for (i = 0; i < MRC_PATH_STATES; i++)
			states[i] = mrc_paths_in_state(peer->st.paths, -1, i);
	}
	if (peer->st.cc) {
		cwnd = mrc_cc_cwnd(peer->st.cc);
		inflight = mrc_cc_inflight(peer->st.cc);
		base_rtt = mrc_cc_base_rtt(peer->st.cc);
	}
	spin_unlock_bh(&peer->lock);

	if (nla_put_string(skb, MRC_A_PEER_DEV, peer->dev->ibdev.name) ||
	    nla_put_in6_addr(skb, MRC_A_PEER_REMOTE, &peer->key.remote) ||
	    nla_put_in6_addr(skb, MRC_A_PEER_LOCAL, &peer->key.local) ||
	    nla_put_u32(skb, MRC_A_PEER_STATUS, status) ||
	    nla_put_u32(skb, MRC_A_PEER_FEATURES, features) ||
	    nla_put_u32(skb, MRC_A_PEER_WINDOW, window) ||
	    nla_put_u32(skb, MRC_A_PEER_PLANES, planes) ||
	    nla_put_u32(skb, MRC_A_PEER_PLANES_DOWN, down) ||
	    nla_put_u32(skb, MRC_A_PEER_PLANES_BAD, bad) ||
	    nla_put_u64_64bit(skb, MRC_A_PEER_CWND, cwnd, MRC_A_PEER_PAD) ||
	    nla_put_u64_64bit(skb, MRC_A_PEER_INFLIGHT, inflight,
			      MRC_A_PEER_PAD) ||
	    nla_put_u64_64bit(skb, MRC_A_PEER_BASE_RTT, base_rtt,
			      MRC_A_PEER_PAD) ||
	    nla_put_u32(skb, MRC_A_PEER_GOOD, states[MRC_PATH_GOOD]) ||
	    nla_put_u32(skb, MRC_A_PEER_SKIP, states[MRC_PATH_SKIP]) ||
	    nla_put_u32(skb, MRC_A_PEER_ASSUMED_BAD,
			states[MRC_PATH_ASSUMED_BAD]) ||
	    nla_put_u32(skb, MRC_A_PEER_DENIED, states[MRC_PATH_DENIED]) ||
	    nla_put_u32(skb, MRC_A_PEER_PLANES_MTU, mtu))
		return -EMSGSIZE;
	return 0;
}

static int peer_put(struct sk_buff *skb, struct netlink_callback *cb,
		    struct mrc_peer *peer, struct mrc_dump *d)
{
	void *hdr = mrc_nl_put(skb, cb, MRC_CMD_PEER_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (peer_put_attrs(skb, peer)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int peer_fill(struct sk_buff *skb, struct netlink_callback *cb,
		     struct mrc_dev *dev, struct mrc_dump *d)
{
	return walk_peers(skb, cb, dev, d, peer_put);
}

/**
 * mrc_nl_peer_dump - MRC_CMD_PEER_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_peer_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_peer_policy,
		.maxattr = MRC_A_PEER_MAX,
		.a_dev = MRC_A_PEER_DEV,
		.a_remote = MRC_A_PEER_REMOTE,
		.fill = peer_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

/* ------------------------------------------------------------ planes */

/*
 * Sum up the paths of a plane. Few at a time, for packets wait for the lock; a
 * sum is of counts that grow meanwhile.
 */
static void sum_paths(struct mrc_peer *peer, u32 plane,
		      struct mrc_path_sum *sum)
{
	u32 next = 0;
	bool more;

	memset(sum, 0, sizeof(*sum));
	do {
		spin_lock_bh(&peer->lock);
		more = next < path_count(peer);
		if (more)
			next = mrc_paths_sum(peer->st.paths, plane, next,
					     PATHS_AT_ONCE, sum);
		spin_unlock_bh(&peer->lock);
	} while (more);
}

/* -ENOENT: no paths on this plane. */
static int plane_put_attrs(struct sk_buff *skb, struct mrc_peer *peer,
			   u32 plane)
{
	struct in6_addr saddr = in6addr_any, daddr = in6addr_any;
	u32 states[MRC_PATH_STATES], n = 0, down, bad, i;
	const struct mrc_route *route;
	struct mrc_path_sum sum;

	spin_lock_bh(&peer->lock);
	for (i = 0; path_count(peer) && i < MRC_PATH_STATES; i++) {
		states[i] = mrc_paths_in_state(peer->st.paths, plane, i);
		n += states[i];
	}
	if (!n) {
		spin_unlock_bh(&peer->lock);
		return -ENOENT;
	}
	route = rcu_dereference_protected(peer->routes[plane],
					  lockdep_is_held(&peer->lock));
	if (route) {
		saddr = route->saddr;
		daddr = route->daddr;
	}
	down = !!(mrc_paths_planes_down(peer->st.paths) & BIT(plane));
	bad = !!(mrc_paths_planes_bad(peer->st.paths) & BIT(plane));
	spin_unlock_bh(&peer->lock);
	sum_paths(peer, plane, &sum);

	if (nla_put_string(skb, MRC_A_PLANE_DEV, peer->dev->ibdev.name) ||
	    nla_put_in6_addr(skb, MRC_A_PLANE_REMOTE, &peer->key.remote) ||
	    nla_put_in6_addr(skb, MRC_A_PLANE_LOCAL, &peer->key.local) ||
	    nla_put_u32(skb, MRC_A_PLANE_PLANE, plane) ||
	    nla_put_in6_addr(skb, MRC_A_PLANE_SADDR, &saddr) ||
	    nla_put_in6_addr(skb, MRC_A_PLANE_DADDR, &daddr) ||
	    nla_put_u32(skb, MRC_A_PLANE_DOWN, down) ||
	    nla_put_u32(skb, MRC_A_PLANE_BAD, bad) ||
	    nla_put_u32(skb, MRC_A_PLANE_GOOD, states[MRC_PATH_GOOD]) ||
	    nla_put_u32(skb, MRC_A_PLANE_SKIP, states[MRC_PATH_SKIP]) ||
	    nla_put_u32(skb, MRC_A_PLANE_ASSUMED_BAD,
			states[MRC_PATH_ASSUMED_BAD]) ||
	    nla_put_u32(skb, MRC_A_PLANE_DENIED, states[MRC_PATH_DENIED]) ||
	    nla_put_u64_64bit(skb, MRC_A_PLANE_TX, sum.tx, MRC_A_PLANE_PAD) ||
	    nla_put_u64_64bit(skb, MRC_A_PLANE_ACKED, sum.acked,
			      MRC_A_PLANE_PAD) ||
	    nla_put_u64_64bit(skb, MRC_A_PLANE_LOST, sum.lost,
			      MRC_A_PLANE_PAD) ||
	    nla_put_u32(skb, MRC_A_PLANE_SRTT, sum.sampled ?
			div_u64(sum.srtt_ns, sum.sampled) : 0))
		return -EMSGSIZE;
	return 0;
}

static int planes_put(struct sk_buff *skb, struct netlink_callback *cb,
		      struct mrc_peer *peer, struct mrc_dump *d)
{
	void *hdr;
	int err;

	for (; d->sub < MRC_MAX_PORTS; d->sub++) {
		/* not worth a message */
		if (!(READ_ONCE(peer->planes) & BIT(d->sub)))
			continue;
		hdr = mrc_nl_put(skb, cb, MRC_CMD_PLANE_GET);
		if (!hdr)
			return -EMSGSIZE;
		err = plane_put_attrs(skb, peer, d->sub);
		if (err) {
			genlmsg_cancel(skb, hdr);
			if (err == -ENOENT)
				continue;
			return err;
		}
		genlmsg_end(skb, hdr);
	}
	return 0;
}

static int plane_fill(struct sk_buff *skb, struct netlink_callback *cb,
		      struct mrc_dev *dev, struct mrc_dump *d)
{
	return walk_peers(skb, cb, dev, d, planes_put);
}

/**
 * mrc_nl_plane_dump - MRC_CMD_PLANE_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_plane_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_plane_policy,
		.maxattr = MRC_A_PLANE_MAX,
		.a_dev = MRC_A_PLANE_DEV,
		.a_remote = MRC_A_PLANE_REMOTE,
		.fill = plane_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

/* ------------------------------------------------------------ paths */

static int path_put_attrs(struct sk_buff *skb, const struct mrc_peer *peer,
			  u32 index, const struct mrc_path *path)
{
	if (nla_put_string(skb, MRC_A_PATH_DEV, peer->dev->ibdev.name) ||
	    nla_put_in6_addr(skb, MRC_A_PATH_REMOTE, &peer->key.remote) ||
	    nla_put_in6_addr(skb, MRC_A_PATH_LOCAL, &peer->key.local) ||
	    nla_put_u32(skb, MRC_A_PATH_INDEX, index) ||
	    nla_put_u32(skb, MRC_A_PATH_PLANE, path->plane) ||
	    nla_put_u32(skb, MRC_A_PATH_ENTROPY, path->entropy) ||
	    nla_put_u32(skb, MRC_A_PATH_STATE, path->state) ||
	    nla_put_u32(skb, MRC_A_PATH_TX, path->tx) ||
	    nla_put_u32(skb, MRC_A_PATH_ACKED, path->acked) ||
	    nla_put_u32(skb, MRC_A_PATH_LOST, path->lost) ||
	    nla_put_u32(skb, MRC_A_PATH_SRTT, path->srtt_ns) ||
	    nla_put_u32(skb, MRC_A_PATH_BACKUP, path->backup))
		return -EMSGSIZE;
	return 0;
}

/* The first path from *index on that the dump wants; false: none left. */
static bool next_path(struct mrc_peer *peer, const struct mrc_dump *d,
		      u32 *index, struct mrc_path *path)
{
	bool found = false;

	spin_lock_bh(&peer->lock);
	for (; *index < path_count(peer); (*index)++) {
		*path = *mrc_path_get(peer->st.paths, *index);
		if (!d->one_plane || path->plane == d->plane) {
			found = true;
			break;
		}
	}
	spin_unlock_bh(&peer->lock);
	return found;
}

static int paths_put(struct sk_buff *skb, struct netlink_callback *cb,
		     struct mrc_peer *peer, struct mrc_dump *d)
{
	struct mrc_path path;
	void *hdr;

	for (; next_path(peer, d, &d->sub, &path); d->sub++) {
		hdr = mrc_nl_put(skb, cb, MRC_CMD_PATH_GET);
		if (!hdr)
			return -EMSGSIZE;
		if (path_put_attrs(skb, peer, d->sub, &path)) {
			genlmsg_cancel(skb, hdr);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
	}
	return 0;
}

static int path_fill(struct sk_buff *skb, struct netlink_callback *cb,
		     struct mrc_dev *dev, struct mrc_dump *d)
{
	return walk_peers(skb, cb, dev, d, paths_put);
}

/**
 * mrc_nl_path_dump - MRC_CMD_PATH_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_path_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_path_get_policy,
		.maxattr = MRC_A_PATH_MAX,
		.a_dev = MRC_A_PATH_DEV,
		.a_remote = MRC_A_PATH_REMOTE,
		.a_plane = MRC_A_PATH_PLANE,
		.fill = path_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

/* The peer that a command names; peers_lock held. */
static struct mrc_peer *find_peer(struct mrc_dev *dev, struct genl_info *info,
				  int a_remote, int a_local)
{
	struct nlattr *local = info->attrs[a_local];
	struct nlattr *remote = info->attrs[a_remote];
	struct mrc_peer *peer, *found = NULL;

	list_for_each_entry(peer, &dev->peer_list, list) {
		if (memcmp(&peer->key.remote, nla_data(remote),
			   sizeof(struct in6_addr)))
			continue;
		if (local && memcmp(&peer->key.local, nla_data(local),
				    sizeof(struct in6_addr)))
			continue;
		if (found) {
			NL_SET_ERR_MSG_ATTR(info->extack, remote,
					    "Several local addresses talk to this peer: name one");
			return ERR_PTR(-EINVAL);
		}
		found = peer;
	}
	if (!found) {
		NL_SET_ERR_MSG_ATTR(info->extack, remote,
				    "The device knows no such peer");
		return ERR_PTR(-ENOENT);
	}
	return found;
}

static bool path_matches(struct nlattr **attrs, u32 index,
			 const struct mrc_path *path)
{
	if (attrs[MRC_A_PATH_INDEX] &&
	    nla_get_u32(attrs[MRC_A_PATH_INDEX]) != index)
		return false;
	if (attrs[MRC_A_PATH_PLANE] &&
	    nla_get_u32(attrs[MRC_A_PATH_PLANE]) != path->plane)
		return false;
	if (attrs[MRC_A_PATH_ENTROPY] &&
	    nla_get_u32(attrs[MRC_A_PATH_ENTROPY]) != path->entropy)
		return false;
	return true;
}

/* peer->lock held */
static int set_paths(struct mrc_peer *peer, struct nlattr **attrs, bool deny,
		     struct netlink_ext_ack *extack)
{
	u32 i, n = path_count(peer), matching = 0, left = 0;
	const struct mrc_path *path;
	bool denied;

	for (i = 0; i < n; i++) {
		path = mrc_path_get(peer->st.paths, i);
		if (path_matches(attrs, i, path))
			matching++;
		else if (path->state != MRC_PATH_DENIED)
			left++;
	}
	if (!matching) {
		NL_SET_ERR_MSG(extack, "The peer has no such path");
		return -ENOENT;
	}
	if (deny && !left) {
		NL_SET_ERR_MSG(extack,
			       "That would leave no path to the peer");
		return -EBUSY;
	}
	for (i = 0; i < n; i++) {
		path = mrc_path_get(peer->st.paths, i);
		if (!path_matches(attrs, i, path))
			continue;
		/* Allowing what is not denied would forget a state. */
		denied = path->state == MRC_PATH_DENIED;
		if (deny != denied)
			mrc_paths_deny(peer->st.paths, i, deny);
	}
	return 0;
}

static int path_set_check(struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	u32 state;

	if (!attrs[MRC_A_PATH_REMOTE]) {
		NL_SET_ERR_MSG(info->extack, "The peer's address is missing");
		return -EINVAL;
	}
	if (!attrs[MRC_A_PATH_STATE]) {
		NL_SET_ERR_MSG(info->extack, "The state wanted is missing");
		return -EINVAL;
	}
	state = nla_get_u32(attrs[MRC_A_PATH_STATE]);
	if (state != MRC_NL_PATH_GOOD && state != MRC_NL_PATH_DENIED) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[MRC_A_PATH_STATE],
				    "A path can be denied or allowed, nothing else");
		return -EINVAL;
	}
	if (!attrs[MRC_A_PATH_INDEX] && !attrs[MRC_A_PATH_PLANE] &&
	    !attrs[MRC_A_PATH_ENTROPY]) {
		NL_SET_ERR_MSG(info->extack,
			       "Which paths: an index, a plane or an EV is needed");
		return -EINVAL;
	}
	return 0;
}

/**
 * mrc_nl_path_set - MRC_CMD_PATH_SET
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_path_set(struct sk_buff *skb, struct genl_info *info)
{
	struct mrc_peer *peer;
	struct mrc_dev *dev;
	bool deny;
	int err;

	err = path_set_check(info);
	if (err)
		return err;
	deny = nla_get_u32(info->attrs[MRC_A_PATH_STATE]) == MRC_NL_PATH_DENIED;
	dev = mrc_nl_dev(info, MRC_A_PATH_DEV);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	mutex_lock(&dev->peers_lock);
	peer = find_peer(dev, info, MRC_A_PATH_REMOTE, MRC_A_PATH_LOCAL);
	if (IS_ERR(peer)) {
		err = PTR_ERR(peer);
	} else {
		spin_lock_bh(&peer->lock);
		err = set_paths(peer, info->attrs, deny, info->extack);
		spin_unlock_bh(&peer->lock);
	}
	mutex_unlock(&dev->peers_lock);
	ib_device_put(&dev->ibdev);
	return err;
}

/* ------------------------------------------------------------ probes */

static int probe_path(struct mrc_dev *dev, struct genl_info *info)
{
	struct nlattr *cookie = info->attrs[MRC_A_PROBE_COOKIE];
	struct nlattr *path = info->attrs[MRC_A_PROBE_PATH];
	struct mrc_peer *peer;
	int err;

	peer = find_peer(dev, info, MRC_A_PROBE_REMOTE, MRC_A_PROBE_LOCAL);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	err = mrc_peer_probe(peer, nla_get_u32(path), info->snd_portid,
			     cookie ? nla_get_u32(cookie) : 0);
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, path,
				    "The peer has no such path");
	else if (err == -ENETDOWN)
		NL_SET_ERR_MSG_ATTR(info->extack, path,
				    "The plane of the path is down");
	return err;
}

/**
 * mrc_nl_probe - MRC_CMD_PROBE
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_probe(struct sk_buff *skb, struct genl_info *info)
{
	struct mrc_dev *dev;
	int err;

	if (!info->attrs[MRC_A_PROBE_REMOTE]) {
		NL_SET_ERR_MSG(info->extack, "The peer's address is missing");
		return -EINVAL;
	}
	if (!info->attrs[MRC_A_PROBE_PATH]) {
		NL_SET_ERR_MSG(info->extack, "The path is missing");
		return -EINVAL;
	}
	dev = mrc_nl_dev(info, MRC_A_PROBE_DEV);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	mutex_lock(&dev->peers_lock);
	err = probe_path(dev, info);
	mutex_unlock(&dev->peers_lock);
	ib_device_put(&dev->ibdev);
	return err;
}

/**
 * mrc_nl_probe_answered - tell who asked that a probe was answered
 * @peer: peer; no lock held
 * @asked: the probe
 * @now: ns
 */
void mrc_nl_probe_answered(const struct mrc_peer *peer,
			   const struct mrc_asked_probe *asked, u64 now)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	void *hdr;

	if (!skb)
		return;
	hdr = genlmsg_put(skb, asked->portid, 0, &mrc_genl_family, 0,
			  MRC_CMD_PROBE);
	if (!hdr || nla_put_u32(skb, MRC_A_PROBE_COOKIE, asked->cookie) ||
	    nla_put_u32(skb, MRC_A_PROBE_PATH, asked->probe.path) ||
	    nla_put_u64_64bit(skb, MRC_A_PROBE_RTT, now - asked->probe.sent,
			      MRC_A_PROBE_PAD)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	/* who asked may have gone */
	genlmsg_unicast(dev_net(peer->dev->netdev), skb, asked->portid);
}
