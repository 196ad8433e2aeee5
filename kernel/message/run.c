// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What makes a QP move: packets that arrive for it, its timer, doorbells; and
 * the start, the failure and the end of its streams.
 */
#include <linux/wait_bit.h>

#include "message.h"
#include "control/trace.h"
#include "port/port.h"

/* Rounds of MRC_BATCH packets before a CPU hands over to the work queue. */
#define MRC_MAX_ROUNDS	64
/*
 * A QP with so many bytes in flight need not ask for a SACK: receivers send one
 * each 16 KiB (UEC 1.0), each packet counted as 1 KiB at least. Four times that.
 */
#define MRC_ACKS_COME	(64 * 1024)
/* Wait after a resource NACK that names no time (plain MRC 1.0), ns. */
#define MRC_RNR_DEFAULT	(1280 * 1000ULL)

static enum hrtimer_restart qp_timer(struct hrtimer *t)
{
	struct mrc_qp *qp = container_of(t, struct mrc_qp, timer);
	struct mrc_peer *peer;

	rcu_read_lock();
	peer = READ_ONCE(qp->peer);
	WRITE_ONCE(qp->timer_at, 0);
	mrc_qp_run(qp);
	/* what it gave up for lost has made room for others */
	if (peer && !list_empty_careful(&peer->waiters))
		mrc_peer_run_waiters(peer);
	rcu_read_unlock();
	return HRTIMER_NORESTART;
}

static void qp_work(struct work_struct *work)
{
	struct mrc_qp *qp = container_of(work, struct mrc_qp, work);

	mrc_qp_run(qp);
	mrc_qp_put(qp);
}

/**
 * mrc_msg_init - prepare a new QP's message layer
 * @qp: QP being created
 */
void mrc_msg_init(struct mrc_qp *qp)
{
	spin_lock_init(&qp->lock);
	spin_lock_init(&qp->rq_lock);
	spin_lock_init(&qp->req.post_lock);
	INIT_LIST_HEAD(&qp->waiter);
	INIT_LIST_HEAD(&qp->msgs);
	INIT_LIST_HEAD(&qp->req.wrs);
	INIT_LIST_HEAD(&qp->req.reads);
	INIT_LIST_HEAD(&qp->resp.answers);
	xa_init(&qp->resp.recvs);
	qp->resp.held = RB_ROOT;
	hrtimer_setup(&qp->timer, qp_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	INIT_WORK(&qp->work, qp_work);
}

/**
 * mrc_qp_kick - run the QP from the work queue
 * @qp: QP; any context
 */
void mrc_qp_kick(struct mrc_qp *qp)
{
	refcount_inc(&qp->ref);
	if (!queue_work(qp->dev->wq, &qp->work))
		mrc_qp_put(qp);
}

/**
 * mrc_qp_event - tell the owner of an asynchronous event
 * @qp: QP; lock may be held
 * @type: IB_EVENT_QP_*
 */
void mrc_qp_event(struct mrc_qp *qp, enum ib_event_type type)
{
	struct ib_event ev = {
		.device = &qp->dev->ibdev,
		.element.qp = &qp->ibqp,
		.event = type,
	};

	if (qp->ibqp.event_handler)
		qp->ibqp.event_handler(&ev, qp->ibqp.qp_context);
}

/* ------------------------------------------------------ end of streams */

static void leave_waiters(struct mrc_qp *qp)
{
	bool was = false;

	spin_lock(&qp->peer->lock);
	if (!list_empty(&qp->waiter)) {
		list_del_init(&qp->waiter);
		was = true;
	}
	spin_unlock(&qp->peer->lock);
	if (was)
		mrc_qp_put(qp);
}

/* Nothing of the outgoing stream is needed any more. */
static void end_stream(struct mrc_qp *qp)
{
	struct mrc_txmsg *m, *tmp;

	if (qp->peer) {
		leave_waiters(qp);
		if (qp->tx_started) {
			spin_lock(&qp->peer->lock);
			mrc_tx_release(&qp->tx, &qp->peer->st);
			/* room for others, of which no packet may tell them */
			if (!list_empty(&qp->peer->waiters))
				mrc_peer_wake(qp->peer);
			spin_unlock(&qp->peer->lock);
		}
	}
	qp->tx_started = false;
	qp->sending = NULL;
	list_for_each_entry_safe(m, tmp, &qp->msgs, msgs)
		mrc_txmsg_release_msgs(m);
	list_for_each_entry_safe(m, tmp, &qp->resp.answers, owner)
		mrc_txmsg_release_owner(m);
}

static void flush(struct mrc_qp *qp)
{
	qp->flush_pending = false;
	end_stream(qp);
	mrc_req_flush(qp);
	mrc_resp_flush(qp);
	qp->resp.num_answers = 0;
}

/**
 * mrc_qp_busy - account the caller as working without the lock
 * @qp: QP, lock held
 */
void mrc_qp_busy(struct mrc_qp *qp)
{
	qp->busy++;
}

/**
 * mrc_qp_unbusy - end of what mrc_qp_busy() began
 * @qp: QP, lock held
 */
void mrc_qp_unbusy(struct mrc_qp *qp)
{
	if (--qp->busy)
		return;
	if (qp->state == IB_QPS_RESET)
		wake_up_var(&qp->busy);
	else if (qp->flush_pending)
		flush(qp);
}

/**
 * mrc_msg_error - the QP goes to ERR
 * @qp: QP, lock held
 * @reason: why
 *
 * Everything posted is completed with a flush error, at once or when the last
 * CPU has ended its work on the QP.
 */
void mrc_msg_error(struct mrc_qp *qp, enum mrc_nl_qp_reason reason)
{
	if (qp->state == IB_QPS_ERR || qp->state == IB_QPS_RESET)
		return;
	WRITE_ONCE(qp->state, IB_QPS_ERR);
	qp->attr.qp_state = IB_QPS_ERR;
	qp->reason = reason;
	if (reason != MRC_NL_QP_REASON_APPLICATION)
		mrc_event_qp(qp);
	if (qp->ibqp.qp_type != IB_QPT_RC) {
		mrc_qp_kick(qp);	/* mrc_qp_run() flushes */
		return;
	}
	if (qp->busy)
		qp->flush_pending = true;
	else
		flush(qp);
}

static bool idle(struct mrc_qp *qp)
{
	bool r;

	spin_lock_bh(&qp->lock);
	r = !qp->busy;
	spin_unlock_bh(&qp->lock);
	return r;
}

/**
 * mrc_msg_stop - the QP goes to RESET or away
 * @qp: QP, no locks held, process context
 */
void mrc_msg_stop(struct mrc_qp *qp)
{
	struct mrc_txmsg *m, *tmp;
	struct mrc_peer *peer;

	spin_lock_bh(&qp->lock);
	WRITE_ONCE(qp->state, IB_QPS_RESET);
	qp->attr.qp_state = IB_QPS_RESET;
	spin_unlock_bh(&qp->lock);
	wait_var_event(&qp->busy, idle(qp));
	hrtimer_cancel(&qp->timer);
	if (cancel_work_sync(&qp->work))
		mrc_qp_put(qp);

	spin_lock_bh(&qp->lock);
	end_stream(qp);
	list_for_each_entry_safe(m, tmp, &qp->req.wrs, owner)
		mrc_txmsg_release_owner(m);
	INIT_LIST_HEAD(&qp->req.reads);
	qp->req.rd_atomic = 0;
	mrc_resp_free(qp);
	peer = qp->peer;
	WRITE_ONCE(qp->peer, NULL);
	qp->flush_pending = false;
	qp->timer_at = 0;
	spin_unlock_bh(&qp->lock);

	if (peer)
		mrc_peer_put(peer);
	kvfree(qp->board);
	qp->board = NULL;
	kvfree(qp->rxw_storage);
	qp->rxw_storage = NULL;
}

/* ------------------------------------------------------ start of streams */

static void set_tx_params(struct mrc_qp *qp)
{
	u32 terms = mrc_peer_terms(qp->peer);
	struct mrc_tx_params p = {
		/* IBTA: 4.096 us * 2^timeout, 0: none */
		.rto_ns = qp->attr.timeout ? 4096ULL << qp->attr.timeout : 0,
		.retry_cnt = qp->attr.retry_cnt,
		.exp_cnt = READ_ONCE(qp->dev->set.rto_exp),
		.window = min_t(u32, MRC_TERMS_WINDOW(terms), MRC_TX_WINDOW),
		.dynamic_mpr = MRC_TERMS_CAN(terms, MRC_PLAIN_DYN_MPR),
		.service_time = MRC_TERMS_CAN(terms, MRC_PLAIN_SERVICE_TIME),
		.seed = qp->qpn * 2654435761U,
	};

	if (!p.window)
		p.window = MRC_MPR_MIN * MRC_MPR_UNIT;
	qp->peer_terms = terms;
	mrc_tx_set_params(&qp->tx, &p);
}

/**
 * mrc_tx_start - the outgoing stream begins
 * @qp: QP, lock held
 * @psn: its first PSN
 */
void mrc_tx_start(struct mrc_qp *qp, u32 psn)
{
	mrc_tx_init(&qp->tx, psn & MRC_PSN_MASK, qp->board, qp->board_entries);
	qp->req.acked_psn = mrc_psn_add(psn, -1);
	qp->tx_started = true;
	set_tx_params(qp);
}

/**
 * mrc_msg_start - get ready to receive
 * @qp: QP in INIT, rq_psn and the address vector in qp->attr; no locks
 * @key: names the peer
 *
 * Return: 0 or a negative errno, QP unchanged.
 */
int mrc_msg_start(struct mrc_qp *qp, const struct mrc_peer_key *key)
{
	size_t window = mrc_rxwin_storage(MRC_RX_WINDOW);
	struct mrc_peer *peer;

	qp->board_entries = MRC_TX_BOARD_MIN;
	qp->board = kvcalloc(qp->board_entries, sizeof(*qp->board), GFP_KERNEL);
	qp->rxw_storage = kvzalloc(window + sizeof(*qp->resp.order),
				   GFP_KERNEL);
	if (!qp->board || !qp->rxw_storage) {
		peer = ERR_PTR(-ENOMEM);
		goto err;
	}
	peer = mrc_peer_get(qp->dev, key);
	if (IS_ERR(peer))
		goto err;

	mrc_peer_need_mtu(peer, qp->mtu);

	spin_lock_bh(&qp->lock);
	qp->peer = peer;
	mrc_rxwin_init(&qp->rxw, qp->attr.rq_psn & MRC_PSN_MASK, MRC_RX_WINDOW,
		       qp->rxw_storage);
	qp->resp.order = qp->rxw_storage + window;
	mrc_order_init(qp->resp.order, qp->mtu);
	qp->tx_started = false;
	qp->resp.draining = false;
	qp->resp.ackreq = false;
	qp->resp.ack_due = false;
	qp->resp.sack_due = false;
	qp->run_due = false;
	qp->resp.flushed = false;
	qp->resp.established = false;
	qp->resp.msn = 0;
	qp->resp.next_bind = 0;
	qp->resp.next_rqmsn = 0;
	qp->resp.nak = 0;
	qp->resp.nak_want = 0;
	qp->req.msn = 0;
	qp->req.rqmsn = 0;
	qp->req.rnr_until = 0;
	qp->req.rnr_tries = 0;
	/* IBTA has no default; RTS brings the application's. */
	qp->attr.timeout = 14;
	qp->attr.retry_cnt = 7;
	qp->attr.rnr_retry = 7;
	spin_unlock_bh(&qp->lock);
	return 0;

err:
	kvfree(qp->board);
	kvfree(qp->rxw_storage);
	qp->board = NULL;
	qp->rxw_storage = NULL;
	return PTR_ERR(peer);
}

/**
 * mrc_msg_rts - get ready to send
 * @qp: QP, lock held, attributes of RTS set
 */
void mrc_msg_rts(struct mrc_qp *qp)
{
	/* an answer may have started the stream while the QP was in RTR */
	if (!qp->tx_started)
		mrc_tx_start(qp, qp->attr.sq_psn);
	else
		set_tx_params(qp);
}

/* ------------------------------------------------------ sending */

static struct mrc_txmsg *next_message(struct mrc_qp *qp, u64 now)
{
	struct mrc_txmsg *m;

	m = list_first_entry_or_null(&qp->resp.answers, struct mrc_txmsg,
				     owner);
	if (m) {
		list_del(&m->owner);
		m->in_owner = false;
	} else if (qp->state == IB_QPS_RTS) {
		m = mrc_req_next(qp, now);
	}
	if (!m)
		return NULL;
	m->first_psn = mrc_tx_next_psn(&qp->tx);
	m->in_msgs = true;
	list_add_tail(&m->msgs, &qp->msgs);
	qp->sending = m;
	return m;
}

/* A larger scoreboard; without one the QP goes on with what it has. */
static bool grow_board(struct mrc_qp *qp)
{
	u32 n = qp->board_entries * 2;
	struct mrc_txent *board;

	if (n > MRC_TX_WINDOW)
		return false;
	board = kmalloc_array(n, sizeof(*board), GFP_ATOMIC | __GFP_NOWARN);
	if (!board)
		return false;
	kvfree(mrc_tx_grow(&qp->tx, board, n));
	qp->board = board;
	qp->board_entries = n;
	return true;
}

/* The QP runs again when the peer has something for it; peer->lock held. */
static void wait_for_peer(struct mrc_qp *qp)
{
	if (list_empty(&qp->waiter)) {
		refcount_inc(&qp->ref);
		list_add_tail(&qp->waiter, &qp->peer->waiters);
	}
}

/* Nothing is sent before the peer has said who it is, or has not in time. */
static bool peer_known(struct mrc_qp *qp)
{
	struct mrc_peer *peer = qp->peer;
	bool known;

	/* pairs with mrc_peer_work(): what the hello told is known with it */
	if (likely(smp_load_acquire(&peer->status) != MRC_PEER_HELLO))
		return true;
	spin_lock(&peer->lock);
	known = peer->status != MRC_PEER_HELLO;
	if (!known)
		wait_for_peer(qp);
	spin_unlock(&peer->lock);
	return known;
}

/* A spray unit being filled: new packets that leave together on one path. */
struct unit {
	int path;
	u32 left;		/* packets it has room for */
	bool joined;		/* the packet that came last is not its first */
	bool calm;		/* and few SACKs will do for it */
};

/* The path of the packet that takes a place in @unit. peer->lock held. */
static int unit_path(struct mrc_qp *qp, u32 psn, bool rtx, u64 now,
		     struct unit *unit)
{
	struct mrc_peer_state *st = &qp->peer->st;

	unit->joined = unit->left && !rtx;
	if (unit->joined) {
		unit->left--;
	} else {
		unit->path = mrc_tx_pick_path(&qp->tx, st, psn, now);
		unit->left = rtx ? 0 : READ_ONCE(qp->dev->set.spray_unit) - 1;
	}
	return unit->path;
}

/*
 * Charge one packet to the congestion window and choose its path. False: not
 * now; the QP waits in the peer's list. @last: no other may follow at once.
 */
static bool reserve(struct mrc_qp *qp, u32 psn, bool rtx, u32 bytes, u64 now,
		    struct unit *unit, bool *last)
{
	struct mrc_peer *peer = qp->peer;
	bool ok = false, turn;

	spin_lock(&peer->lock);
	/* While others wait nobody sends out of turn, whatever room he made. */
	turn = qp->turn || list_empty(&peer->waiters);
	if (turn && mrc_cc_may_send(peer->st.cc, bytes)) {
		int path = unit_path(qp, psn, rtx, now, unit);

		if (qp->turn)
			qp->turn--;
		if (path >= 0) {
			mrc_tx_sent(&qp->tx, &peer->st, psn, path, bytes, now);
			*last = !mrc_cc_may_send(peer->st.cc, bytes);
			unit->calm = mrc_tx_calm(&qp->tx, &peer->st);
			ok = true;
		}
	}
	if (!ok) {
		wait_for_peer(qp);
		/* with nothing in flight no feedback comes to end the wait */
		if (!turn && !mrc_cc_inflight(peer->st.cc))
			mrc_peer_wake(peer);
	}
	spin_unlock(&peer->lock);
	return ok;
}

/* Build the next packet into @out. False: nothing can be sent now. */
static bool send_one(struct mrc_qp *qp, u64 now, struct unit *unit,
		     struct sk_buff_head *out)
{
	u32 psn, idx, bytes, status = IB_WC_SUCCESS;
	struct mrc_txmsg *m;
	struct sk_buff *skb;
	bool ackreq, last;
	bool rtx;

	if (!peer_known(qp))
		return false;
	rtx = mrc_tx_peek_lost(&qp->tx, &psn);
	if (rtx) {
		m = mrc_find_msg(qp, psn);
		if (WARN_ON_ONCE(!m))
			return false;
		idx = mrc_psn_diff(psn, m->first_psn);
	} else {
		m = qp->sending ?: next_message(qp, now);
		if (!m || m->status != IB_WC_SUCCESS)
			return false;
		while (!mrc_tx_window_open(&qp->tx))
			if (!mrc_tx_board_full(&qp->tx) || !grow_board(qp))
				return false;
		idx = m->made;
		psn = mrc_tx_next_psn(&qp->tx);
	}

	bytes = mrc_pkt_nominal(qp, m, idx);
	if (!reserve(qp, psn, rtx, bytes, now, unit, &last))
		return false;
	if (!rtx && ++m->made == m->npkts)
		qp->sending = NULL;
	/*
	 * Ask to be told where the receiver has no other reason to: at the end
	 * of what there is to send, and where the window ends unless so much
	 * is on its way that SACKs will come. Plain MRC 1.0 completes messages
	 * by Transport ACKs, so ask for each.
	 */
	ackreq = (last && mrc_tx_flight(&qp->tx) * max(bytes, 1024U) <
			  MRC_ACKS_COME) ||
		 !mrc_tx_window_open(&qp->tx) ||
		 (idx == m->npkts - 1 &&
		  (READ_ONCE(qp->peer->status) != MRC_PEER_EXT ||
		   (list_empty(&qp->resp.answers) && !mrc_req_more(qp))));

	skb = mrc_pkt_build(qp, m, idx, psn, ackreq, rtx, unit->calm, &status);
	if (skb) {
		MRC_TXCB(skb)->path = unit->path;
		MRC_TXCB(skb)->joined = unit->joined;
		__skb_queue_tail(out, skb);
		if (rtx) {
			MRC_TXCB(skb)->class = MRC_CLASS_RETX;
			mrc_qp_count(qp, retransmits);
		} else {
			mrc_qp_count(qp, tx_data_packets);
			mrc_qp_count_add(qp, tx_bytes, mrc_pkt_payload(qp, m, idx));
		}
		return true;
	}
	if (status != IB_WC_SUCCESS) {
		mrc_req_fail(qp, m, status);
		return false;
	}
	unit->left = 0;
	/* No memory: to the protocol, a packet that was lost. */
	mrc_count(qp->dev, drop_no_memory);
	return true;
}

static void send_probe(struct mrc_qp *qp, u64 now, struct sk_buff_head *out)
{
	struct mrc_probe probe = {
		.spdcid = qp->qpn,
		.dpdcid = qp->attr.dest_qp_num,
		.tx_timestamp = mrc_timestamp(now),
	};
	struct mrc_peth *peth;
	struct sk_buff *skb;
	int path;

	spin_lock(&qp->peer->lock);
	probe.id = mrc_tx_probe_sent(&qp->tx, &qp->peer->st, &path, now);
	spin_unlock(&qp->peer->lock);
	if (path < 0)
		return;
	skb = mrc_ctl_build(qp, MRC_OP_PROBE, mrc_tx_una(&qp->tx),
			    sizeof(*peth), (void **)&peth);
	if (!skb)
		return;
	mrc_probe_encode(&probe, peth);
	MRC_TXCB(skb)->class = MRC_CLASS_DATA;
	MRC_TXCB(skb)->path = path;
	__skb_queue_tail(out, skb);
	mrc_qp_count(qp, probes_sent);
}

static bool awaiting(const struct mrc_qp *qp)
{
	return !list_empty(&qp->req.wrs);
}

static void count_result(struct mrc_qp *qp, const struct mrc_tx_result *res)
{
	if (res->spurious)
		mrc_qp_count_add(qp, spurious, res->spurious);
}

static void run_timers(struct mrc_qp *qp, u64 now, struct sk_buff_head *out)
{
	struct mrc_tx_result res = {};
	unsigned int act;

	if (qp->req.rnr_until) {
		if (now < qp->req.rnr_until)
			return;
		qp->req.rnr_until = 0;
		mrc_tx_progress(&qp->tx, now);
	}
	if (mrc_tx_deadline(&qp->tx, awaiting(qp)) > now)
		return;
	spin_lock(&qp->peer->lock);
	act = mrc_tx_on_timer(&qp->tx, &qp->peer->st, now, awaiting(qp), &res);
	spin_unlock(&qp->peer->lock);
	count_result(qp, &res);
	mrc_qp_count_add(qp, lost_timer, res.lost_packets);
	if (res.lost_packets)
		trace_mrc_loss(qp, res.lost_packets, MRC_QPC_lost_timer);
	if (act & MRC_TX_RTO)
		mrc_qp_count(qp, rtos);
	if (act & MRC_TX_DEAD) {
		struct mrc_txmsg *m =
			list_first_entry_or_null(&qp->req.wrs,
						 struct mrc_txmsg, owner);

		if (m) {
			m->status = IB_WC_RETRY_EXC_ERR;
			mrc_req_retire(qp);
		} else {
			mrc_qp_event(qp, IB_EVENT_QP_FATAL);
			mrc_msg_error(qp, MRC_NL_QP_REASON_RETRY);
		}
		return;
	}
	if (act & MRC_TX_PROBE)
		send_probe(qp, now, out);
}

static void arm_timer(struct mrc_qp *qp)
{
	u64 at = qp->req.rnr_until ?: mrc_tx_deadline(&qp->tx, awaiting(qp));
	u64 timer_at = READ_ONCE(qp->timer_at);	/* the timer itself clears it */

	/* An earlier shot does no harm: it looks and arms again. */
	if (at == U64_MAX || (timer_at && timer_at <= at))
		return;
	WRITE_ONCE(qp->timer_at, at);
	hrtimer_start(&qp->timer, ns_to_ktime(at), HRTIMER_MODE_ABS_SOFT);
}

static bool sending_state(const struct mrc_qp *qp)
{
	return (qp->state == IB_QPS_RTS || qp->state == IB_QPS_SQD ||
		qp->state == IB_QPS_RTR) && qp->tx_started;
}

/**
 * mrc_qp_run - let a QP send what it can
 * @qp: QP; no locks held; softirq or process context
 *
 * One CPU at a time runs a QP; others only tell it to look again.
 */
void mrc_qp_run(struct mrc_qp *qp)
{
	struct sk_buff_head out;
	unsigned int rounds = 0;
	struct unit unit;
	bool more;
	u64 now;

	if (qp->ibqp.qp_type != IB_QPT_RC) {
		mrc_ud_run(qp);
		spin_lock_bh(&qp->lock);
		if (qp->state == IB_QPS_ERR)
			mrc_resp_flush(qp);
		spin_unlock_bh(&qp->lock);
		return;
	}

	__skb_queue_head_init(&out);
	spin_lock_bh(&qp->lock);
	if (qp->running) {
		qp->rerun = true;
		spin_unlock_bh(&qp->lock);
		return;
	}
	if (qp->state == IB_QPS_ERR && !qp->busy) {
		/* a doorbell in ERR: flush what was posted */
		mrc_req_flush(qp);
		mrc_resp_flush(qp);
	}
	if (!sending_state(qp)) {
		spin_unlock_bh(&qp->lock);
		return;
	}
	qp->running = true;
	mrc_qp_busy(qp);
	if (qp->peer_terms != mrc_peer_terms(qp->peer))
		set_tx_params(qp);	/* the hello has told others */
	do {
		qp->rerun = false;
		now = ktime_get_ns();
		run_timers(qp, now, &out);
		more = false;
		unit.left = 0;
		while (sending_state(qp) && !qp->req.rnr_until) {
			if (skb_queue_len(&out) >= MRC_BATCH) {
				more = true;
				break;
			}
			if (!send_one(qp, now, &unit, &out))
				break;
		}
		spin_unlock(&qp->lock);
		mrc_port_xmit(qp->peer, &out);
		spin_lock(&qp->lock);
		if (++rounds >= MRC_MAX_ROUNDS && (more || qp->rerun)) {
			mrc_qp_kick(qp);
			break;
		}
	} while ((more || qp->rerun) && sending_state(qp));
	qp->running = false;
	if (sending_state(qp))
		arm_timer(qp);
	mrc_qp_unbusy(qp);
	spin_unlock_bh(&qp->lock);
}

/* ------------------------------------------------------ control packets in */

static void after_feedback(struct mrc_qp *qp, const struct mrc_tx_result *res)
{
	count_result(qp, res);
	if (res->advanced) {
		qp->req.rnr_tries = 0;
		mrc_msgs_delivered(qp);
	}
	mrc_req_retire(qp);
}

static bool rx_sack(struct mrc_qp *qp, const struct sk_buff *skb, bool ack,
		    u64 now)
{
	const void *h = skb->data + sizeof(struct mrc_bth);
	struct mrc_tx_result res = {};
	struct mrc_sack s;

	if (!mrc_sack_decode(&s, h, h + sizeof(struct mrc_seth)))
		return false;
	s.entropy = mrc_ev_wire(qp->dev, s.entropy);
	spin_lock(&qp->peer->lock);
	mrc_tx_on_sack(&qp->tx, &qp->peer->st, &s, now, &res);
	trace_mrc_cwnd(qp);
	spin_unlock(&qp->peer->lock);
	mrc_qp_count(qp, sacks_received);
	mrc_qp_count_add(qp, lost_sack, res.lost_packets);
	trace_mrc_sack(qp, &s, &res);
	if (res.lost_packets)
		trace_mrc_loss(qp, res.lost_packets, MRC_QPC_lost_sack);
	if (res.stale)
		return false;
	if (ack)
		mrc_req_acked(qp, s.cack);
	after_feedback(qp, &res);
	return true;
}

static bool rx_ack(struct mrc_qp *qp, const struct sk_buff *skb, u64 now)
{
	const struct mrc_bth *bth = (const void *)skb->data;
	const struct mrc_aeth *aeth = (const void *)(bth + 1);
	u32 psn = be32_to_cpu(bth->psn) & MRC_PSN_MASK;
	u8 syndrome = mrc_aeth_syndrome(aeth);
	struct mrc_tx_result res = {};

	if (mrc_psn_diff(psn, mrc_tx_next_psn(&qp->tx)) >= 0)
		return false;
	if (MRC_AETH_IS_NAK(syndrome)) {
		mrc_count(qp->dev, naks_received);
		mrc_req_nak(qp, psn, syndrome);
		return true;
	}
	mrc_count(qp->dev, acks_received);
	if (psn != qp->req.acked_psn && !mrc_req_acked(qp, psn))
		return false;
	spin_lock(&qp->peer->lock);
	mrc_tx_on_ack(&qp->tx, &qp->peer->st, psn, now, &res);
	trace_mrc_cwnd(qp);
	spin_unlock(&qp->peer->lock);
	after_feedback(qp, &res);
	return true;
}

/* IBTA 9.7.5.2.8: RNR NAK timer, in units of 10 us. */
static const u32 rnr_10us[32] = {
	65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256,
	384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384,
	24576, 32768, 49152,
};

static void rnr(struct mrc_qp *qp, const struct mrc_nack *n, u64 now)
{
	struct mrc_txmsg *m = mrc_find_msg(qp, n->psn);

	mrc_qp_count(qp, rnr_received);
	mrc_tx_progress(&qp->tx, now);
	if (qp->req.rnr_until || !m)
		return;		/* one pause for all packets of a round */
	if (m->kind == MRC_MSG_WR && qp->attr.rnr_retry < 7 &&
	    ++qp->req.rnr_tries > qp->attr.rnr_retry) {
		mrc_req_fail(qp, m, IB_WC_RNR_RETRY_EXC_ERR);
		return;
	}
	qp->req.rnr_until = now + (READ_ONCE(qp->peer->status) == MRC_PEER_EXT ?
				   rnr_10us[n->vendor & 31] * 10000ULL :
				   MRC_RNR_DEFAULT);
}

static bool rx_nack(struct mrc_qp *qp, const struct sk_buff *skb, u64 now)
{
	const void *h = skb->data + sizeof(struct mrc_bth);
	struct mrc_tx_result res = {};
	struct mrc_txmsg *m;
	struct mrc_nack n;

	if (!mrc_nack_decode(&n, h))
		return false;
	mrc_qp_count(qp, nacks_received);
	if (n.reason == MRC_NACK_UNEXP_EVENT) {
		m = mrc_find_msg(qp, n.psn);
		if (!m)
			return false;
		mrc_req_fail(qp, m, IB_WC_REM_OP_ERR);
		return true;
	}
	n.entropy = mrc_ev_wire(qp->dev, n.entropy);
	spin_lock(&qp->peer->lock);
	mrc_tx_on_nack(&qp->tx, &qp->peer->st, &n, now, &res);
	trace_mrc_cwnd(qp);
	spin_unlock(&qp->peer->lock);
	mrc_qp_count_add(qp, lost_nack, res.lost_packets);
	if (res.lost_packets)
		trace_mrc_loss(qp, res.lost_packets, MRC_QPC_lost_nack);
	if (res.stale)
		return false;
	if (n.reason == MRC_NACK_NO_RESOURCE)
		rnr(qp, &n, now);
	after_feedback(qp, &res);
	return true;
}

static void rx_probe(struct mrc_qp *qp, const struct sk_buff *skb,
		     const struct mrc_rxinfo *info, struct sk_buff_head *out)
{
	struct mrc_probe probe;

	mrc_probe_decode(&probe,
			 (const void *)(skb->data + sizeof(struct mrc_bth)));
	mrc_count(qp->dev, probes_received);
	mrc_resp_probe(qp, probe.id, probe.tx_timestamp, info, out);
}

/**
 * mrc_qp_trimmed - a switch has trimmed a packet
 * @qp: QP, reference or RCU held by the caller
 * @psn: the packet
 * @tx_timestamp: its timestamp, 0 if that was cut off
 * @info: its outer headers
 * @lasthop: by the last switch, so because of this receiver
 *
 * Answered by a NACK if the packet is one still missing, and the peer knows
 * such NACKs; otherwise its loss shows in the next SACKs.
 */
void mrc_qp_trimmed(struct mrc_qp *qp, u32 psn, u16 tx_timestamp,
		    const struct mrc_rxinfo *info, bool lasthop)
{
	struct mrc_peer *peer = READ_ONCE(qp->peer);
	struct sk_buff_head out;

	if (!peer || !mrc_peer_addr_ok(peer, &info->saddr)) {
		mrc_count(qp->dev, drop_sender);
		return;
	}
	if (!MRC_TERMS_CAN(mrc_peer_terms(peer), MRC_PLAIN_TRIM_NACK))
		return;
	__skb_queue_head_init(&out);
	spin_lock_bh(&qp->lock);
	if (qp->peer == peer && mrc_receiving(qp))
		mrc_resp_trimmed(qp, psn, tx_timestamp, info, lasthop, &out);
	spin_unlock_bh(&qp->lock);
	mrc_port_xmit(peer, &out);
}

/**
 * mrc_qp_rx - a packet for an RC QP
 * @qp: QP, reference held by the caller; RCU
 * @skb: packet, consumed
 * @info: what the port layer knows of it
 */
void mrc_qp_rx(struct mrc_qp *qp, struct sk_buff *skb,
	       const struct mrc_rxinfo *info)
{
	const struct mrc_bth *bth = (const void *)skb->data;
	struct mrc_peer *peer = READ_ONCE(qp->peer);
	struct sk_buff_head out;
	bool ok = true, data;
	u8 op = bth->opcode;
	bool later;
	struct mrc_pkt pkt;

	if (!peer) {
		mrc_count(qp->dev, drop_no_qp);
		kfree_skb(skb);
		return;
	}
	if (!mrc_peer_addr_ok(peer, &info->saddr)) {
		mrc_count(qp->dev, drop_sender);
		kfree_skb(skb);
		return;
	}
	data = mrc_opcode_flags(op);
	if (data && !mrc_pkt_parse(&pkt, skb)) {
		mrc_count(qp->dev, drop_malformed);
		kfree_skb(skb);
		return;
	}
	__skb_queue_head_init(&out);
	spin_lock_bh(&qp->lock);
	if (qp->peer != peer) {
		/* reset, and perhaps connected to another, meanwhile */
		mrc_count(qp->dev, drop_no_qp);
	} else if (qp->state == IB_QPS_ERR && qp->resp.nak &&
		   (data || op == MRC_OP_PROBE)) {
		mrc_resp_repeat_nak(qp, &out);
	} else if (qp->state != IB_QPS_RTR && qp->state != IB_QPS_RTS &&
		   qp->state != IB_QPS_SQD) {
		mrc_count(qp->dev, drop_no_qp);
	} else if (data) {
		mrc_resp_data(qp, skb, &pkt, info, &out);
		skb = NULL;
		qp->run_due |= qp->rerun || !list_empty(&qp->resp.answers) ||
			       !(mrc_opcode_flags(op) & MRC_OPF_REQ);
	} else if (op == MRC_OP_PROBE) {
		rx_probe(qp, skb, info, &out);
	} else if (!qp->tx_started) {
		ok = false;
	} else {
		qp->run_due = true;
		switch (op) {
		case MRC_OP_SACK:
		case MRC_OP_X_SACK_ACK:
			ok = rx_sack(qp, skb, op == MRC_OP_X_SACK_ACK,
				     info->now);
			break;
		case MRC_OP_ACK:
			ok = rx_ack(qp, skb, info->now);
			break;
		case MRC_OP_NACK:
			ok = rx_nack(qp, skb, info->now);
			break;
		default:
			mrc_count(qp->dev, drop_opcode);
		}
		mrc_resp_try_nak(qp, &out);
	}
	later = qp->run_due || qp->resp.sack_due;
	spin_unlock_bh(&qp->lock);
	if (!ok)
		mrc_count(qp->dev, drop_stale);
	kfree_skb(skb);

	/* the peer cannot go within this RCU read section */
	mrc_port_xmit(peer, &out);
	if (later && !data)
		mrc_qp_after_rx(qp);	/* few, and the sender waits for them */
	else if (later)
		mrc_batch_add(qp);
}

/**
 * mrc_qp_after_rx - do what a burst of packets has left to be done
 * @qp: QP; no locks held
 *
 * Sends the SACK that is due, and what the packets have made room for.
 * Context: softirq, RCU read side.
 */
void mrc_qp_after_rx(struct mrc_qp *qp)
{
	struct sk_buff_head out;
	struct mrc_peer *peer;
	bool run;

	__skb_queue_head_init(&out);
	spin_lock_bh(&qp->lock);
	peer = qp->peer;
	if (peer && mrc_receiving(qp))
		mrc_sack_now(qp, &out);
	run = peer && qp->run_due;
	qp->run_due = false;
	spin_unlock_bh(&qp->lock);
	if (!peer)
		return;

	/* the peer cannot go within this RCU read section */
	mrc_port_xmit(peer, &out);
	if (run) {
		mrc_qp_run(qp);
		if (!list_empty_careful(&peer->waiters))
			mrc_peer_run_waiters(peer);
	}
}
