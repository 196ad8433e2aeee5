// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * QPs as seen from outside: the netlink command and what `rdma resource show
 * qp -dd` adds. What is said of one QP was true at one moment, under its lock
 * and its peer's.
 */
#include <net/netlink.h>
#include <rdma/rdma_netlink.h>
#include <rdma/restrack.h>

#include "control.h"
#include "mrc/names.h"

const struct nla_policy mrc_nl_qp_policy[MRC_A_QP_MAX + 1] = {
	[MRC_A_QP_DEV] = MRC_NL_DEVICE,
	[MRC_A_QP_REMOTE] = MRC_NL_ADDRESS,
	[MRC_A_QP_QPN] = NLA_POLICY_MIN(NLA_U32, 1),
};

static_assert((int)MRC_NL_QP_RESET == (int)IB_QPS_RESET);
static_assert((int)MRC_NL_QP_ERR == (int)IB_QPS_ERR);
static_assert(MRC_A_QP_OUT_OF_ORDER - MRC_A_QP_TX_BYTES ==
	      (int)MRC_QPC_out_of_order - (int)MRC_QPC_tx_bytes);
static_assert(MRC_A_QP_OUT_OF_ORDER == MRC_A_QP_MAX);

/* A QP at one moment. */
struct qp_view {
	u32 qpn, type, state, remote_qpn, mtu, wait, reason;
	struct in6_addr remote, local;
	u32 wrs, una, next, lost, window, retry, srtt, receives;
	u64 cwnd, inflight;
	u32 paths[MRC_PATH_STATES];
	u64 count[MRC_QPC_MAX];
};

static u32 qp_type(const struct mrc_qp *qp)
{
	switch (qp->ibqp.qp_type) {
	case IB_QPT_RC:
		return MRC_NL_QP_RC;
	case IB_QPT_GSI:
		return MRC_NL_QP_GSI;
	default:
		return MRC_NL_QP_UD;
	}
}

/* Why a QP does not send its next packet now; qp->lock held. */
static u32 qp_wait(const struct mrc_qp *qp)
{
	u32 psn;

	if ((qp->state != IB_QPS_RTR && qp->state != IB_QPS_RTS &&
	     qp->state != IB_QPS_SQD) || !qp->peer)
		return MRC_NL_QP_WAIT_STATE;
	if (READ_ONCE(qp->peer->status) == MRC_PEER_HELLO)
		return MRC_NL_QP_WAIT_HELLO;
	if (qp->req.rnr_until)
		return MRC_NL_QP_WAIT_RNR;
	if (!list_empty_careful(&qp->waiter))
		return MRC_NL_QP_WAIT_CWND;
	if (qp->tx_started && mrc_tx_peek_lost(&qp->tx, &psn))
		return MRC_NL_QP_WAIT_NOTHING;
	if (qp->sending || !list_empty(&qp->resp.answers) ||
	    (qp->state == IB_QPS_RTS &&
	     mrc_ring_avail(&qp->sq, qp->req.taken)))
		return qp->tx_started && !mrc_tx_window_open(&qp->tx) ?
			MRC_NL_QP_WAIT_WINDOW : MRC_NL_QP_WAIT_NOTHING;
	if (!list_empty(&qp->req.wrs) || !list_empty(&qp->msgs))
		return MRC_NL_QP_WAIT_ANSWER;
	return MRC_NL_QP_WAIT_WORK;
}

/* qp->lock held */
static void view_stream(const struct mrc_qp *qp, struct qp_view *v)
{
	v->wrs = qp->req.taken - qp->sq.cons;
	v->receives = qp->resp.bound;
	if (!qp->tx_started)
		return;
	v->una = mrc_tx_una(&qp->tx);
	v->next = mrc_tx_next_psn(&qp->tx);
	v->lost = qp->tx.lost.count;
	v->window = qp->tx.window;
	v->retry = qp->tx.retry;
	v->srtt = qp->tx.srtt;
}

static void view_peer(struct mrc_peer *peer, struct qp_view *v)
{
	int i;

	v->remote = peer->key.remote;
	v->local = peer->key.local;
	spin_lock(&peer->lock);
	v->cwnd = mrc_cc_cwnd(peer->st.cc);
	v->inflight = mrc_cc_inflight(peer->st.cc);
	for (i = 0; peer->st.paths && i < MRC_PATH_STATES; i++)
		v->paths[i] = mrc_paths_in_state(peer->st.paths, -1, i);
	spin_unlock(&peer->lock);
}

static void view(struct mrc_qp *qp, struct qp_view *v)
{
	memset(v, 0, sizeof(*v));
	v->qpn = qp->qpn;
	v->type = qp_type(qp);
	spin_lock_bh(&qp->lock);
	v->state = qp->state;
	v->mtu = qp->mtu;
	v->wait = v->type == MRC_NL_QP_RC ? qp_wait(qp) : MRC_NL_QP_WAIT_WORK;
	v->reason = qp->reason;
	memcpy(v->count, qp->count, sizeof(v->count));
	if (v->type == MRC_NL_QP_RC) {
		v->remote_qpn = qp->attr.dest_qp_num;
		view_stream(qp, v);
	}
	if (qp->peer)
		view_peer(qp->peer, v);
	spin_unlock_bh(&qp->lock);
}

static int qp_put_attrs(struct sk_buff *skb, const struct mrc_dev *dev,
			const struct qp_view *v)
{
	int i;

	if (nla_put_string(skb, MRC_A_QP_DEV, dev->ibdev.name) ||
	    nla_put_u32(skb, MRC_A_QP_QPN, v->qpn) ||
	    nla_put_u32(skb, MRC_A_QP_TYPE, v->type) ||
	    nla_put_u32(skb, MRC_A_QP_STATE, v->state) ||
	    nla_put_in6_addr(skb, MRC_A_QP_REMOTE, &v->remote) ||
	    nla_put_in6_addr(skb, MRC_A_QP_LOCAL, &v->local) ||
	    nla_put_u32(skb, MRC_A_QP_REMOTE_QPN, v->remote_qpn) ||
	    nla_put_u32(skb, MRC_A_QP_MTU, v->mtu) ||
	    nla_put_u32(skb, MRC_A_QP_WAIT, v->wait) ||
	    nla_put_u32(skb, MRC_A_QP_REASON, v->reason) ||
	    nla_put_u32(skb, MRC_A_QP_WRS, v->wrs) ||
	    nla_put_u32(skb, MRC_A_QP_UNA, v->una) ||
	    nla_put_u32(skb, MRC_A_QP_NEXT, v->next) ||
	    nla_put_u32(skb, MRC_A_QP_LOST, v->lost) ||
	    nla_put_u32(skb, MRC_A_QP_WINDOW, v->window) ||
	    nla_put_u32(skb, MRC_A_QP_RETRY, v->retry) ||
	    nla_put_u32(skb, MRC_A_QP_SRTT, v->srtt) ||
	    nla_put_u32(skb, MRC_A_QP_RECEIVES, v->receives) ||
	    nla_put_u64_64bit(skb, MRC_A_QP_CWND, v->cwnd, MRC_A_QP_PAD) ||
	    nla_put_u64_64bit(skb, MRC_A_QP_INFLIGHT, v->inflight,
			      MRC_A_QP_PAD) ||
	    nla_put_u32(skb, MRC_A_QP_GOOD, v->paths[MRC_PATH_GOOD]) ||
	    nla_put_u32(skb, MRC_A_QP_SKIP, v->paths[MRC_PATH_SKIP]) ||
	    nla_put_u32(skb, MRC_A_QP_ASSUMED_BAD,
			v->paths[MRC_PATH_ASSUMED_BAD]) ||
	    nla_put_u32(skb, MRC_A_QP_DENIED, v->paths[MRC_PATH_DENIED]))
		return -EMSGSIZE;
	for (i = 0; i < MRC_QPC_MAX; i++)
		if (nla_put_u64_64bit(skb, MRC_A_QP_TX_BYTES + i, v->count[i],
				      MRC_A_QP_PAD))
			return -EMSGSIZE;
	return 0;
}

static int qp_put(struct sk_buff *skb, struct netlink_callback *cb,
		  const struct mrc_dev *dev, const struct qp_view *v)
{
	void *hdr = mrc_nl_put(skb, cb, MRC_CMD_QP_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (qp_put_attrs(skb, dev, v)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int qp_fill(struct sk_buff *skb, struct netlink_callback *cb,
		   struct mrc_dev *dev, struct mrc_dump *d)
{
	struct qp_view *v;
	struct mrc_qp *qp;
	unsigned long qpn;
	int err = 0;

	v = kmalloc(sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	if (d->one_qpn)
		d->key = max(d->key, d->qpn);
	/* a QP is freed a grace period after it has left the table */
	rcu_read_lock();
	xa_for_each_start(&dev->qps, qpn, qp, d->key) {
		d->key = qpn;
		if (d->one_qpn && qpn != d->qpn)
			break;
		view(qp, v);
		if (d->one_remote && !ipv6_addr_equal(&v->remote, &d->remote))
			continue;
		err = qp_put(skb, cb, dev, v);
		if (err)
			break;
	}
	rcu_read_unlock();
	kfree(v);
	return err;
}

/**
 * mrc_nl_qp_dump - MRC_CMD_QP_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_qp_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_qp_policy,
		.maxattr = MRC_A_QP_MAX,
		.a_dev = MRC_A_QP_DEV,
		.a_remote = MRC_A_QP_REMOTE,
		.a_qpn = MRC_A_QP_QPN,
		.fill = qp_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

static const char *wait_name(u32 wait)
{
	static const char *const names[] = MRC_QP_WAIT_NAMES;

	return names[wait];
}

static int res_put(struct sk_buff *msg, const struct qp_view *v)
{
	char peer[sizeof("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")];

	if (ipv6_addr_v4mapped(&v->remote))
		snprintf(peer, sizeof(peer), "%pI4", &v->remote.s6_addr32[3]);
	else
		snprintf(peer, sizeof(peer), "%pI6c", &v->remote);
	if (rdma_nl_put_driver_string(msg, "peer", peer) ||
	    rdma_nl_put_driver_string(msg, "waits_for", wait_name(v->wait)) ||
	    rdma_nl_put_driver_u32(msg, "tx_una", v->una) ||
	    rdma_nl_put_driver_u32(msg, "tx_next", v->next) ||
	    rdma_nl_put_driver_u32(msg, "tx_lost", v->lost) ||
	    rdma_nl_put_driver_u32(msg, "wrs_outstanding", v->wrs) ||
	    rdma_nl_put_driver_u32(msg, "receives_bound", v->receives) ||
	    rdma_nl_put_driver_u64(msg, "peer_cwnd", v->cwnd) ||
	    rdma_nl_put_driver_u64(msg, "peer_inflight", v->inflight) ||
	    rdma_nl_put_driver_u32(msg, "paths_good",
				   v->paths[MRC_PATH_GOOD]) ||
	    rdma_nl_put_driver_u32(msg, "paths_skip",
				   v->paths[MRC_PATH_SKIP]) ||
	    rdma_nl_put_driver_u32(msg, "paths_assumed_bad",
				   v->paths[MRC_PATH_ASSUMED_BAD]) ||
	    rdma_nl_put_driver_u32(msg, "paths_denied",
				   v->paths[MRC_PATH_DENIED]))
		return -EMSGSIZE;
	return 0;
}

/**
 * mrc_fill_res_qp_entry - ib_device_ops.fill_res_qp_entry
 * @msg: reply to `rdma resource show qp -dd`
 * @ibqp: the QP, held by the core
 */
int mrc_fill_res_qp_entry(struct sk_buff *msg, struct ib_qp *ibqp)
{
	struct nlattr *table;
	struct qp_view *v;
	int err;

	if (ibqp->qp_type != IB_QPT_RC)
		return 0;
	v = kmalloc(sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	view(to_mqp(ibqp), v);
	table = nla_nest_start(msg, RDMA_NLDEV_ATTR_DRIVER);
	err = table ? res_put(msg, v) : -EMSGSIZE;
	if (!err)
		nla_nest_end(msg, table);
	else if (table)
		nla_nest_cancel(msg, table);
	kfree(v);
	return err;
}
