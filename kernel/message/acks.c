// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What a requester is told of its packets: SACKs, NACKs, Transport ACKs and
 * NAKs, answers to probes.
 *
 * Nothing is sent here: packets are built under the QP lock, given a path
 * under peer->lock, and appended to a list that the caller sends once it has
 * dropped the QP lock.
 */
#include "message.h"

/* SACKs in answer to one packet, besides the first. */
#define MRC_MORE_SACKS	3

static void queue_ctl(struct mrc_qp *qp, struct sk_buff *skb,
		      struct sk_buff_head *out)
{
	int path;

	spin_lock(&qp->peer->lock);
	path = mrc_peer_control_path(qp->peer);
	spin_unlock(&qp->peer->lock);
	if (path < 0) {
		kfree_skb(skb);
		return;
	}
	MRC_TXCB(skb)->path = path;
	__skb_queue_tail(out, skb);
}

/* A Transport ACK, or the NAK the QP died of. */
static void emit_ack(struct mrc_qp *qp, u8 syndrome, u32 psn,
		     struct sk_buff_head *out)
{
	struct mrc_aeth *a;
	struct sk_buff *skb;

	skb = mrc_ctl_build(qp, MRC_OP_ACK, psn, sizeof(*a), (void **)&a);
	if (!skb)
		return;
	mrc_aeth_encode(a, syndrome, qp->resp.msn);
	queue_ctl(qp, skb, out);
	if (MRC_AETH_IS_NAK(syndrome)) {
		mrc_count(qp->dev, naks_sent);
	} else {
		mrc_count(qp->dev, acks_sent);
		qp->resp.ack_due = false;
	}
}

/**
 * mrc_emit_sack - tell the requester what has arrived
 * @qp: QP, lock held; peer->lock is taken within
 * @s: zeroed, but for what a probe answer has of its probe; filled
 * @cause: the packet that it answers
 * @repeat_ack: send the Transport ACK even if none is due
 * @out: answers
 *
 * A SACK, with the Transport ACK in the same packet for a peer that knows how
 * to read it. cack follows completed messages exactly, so it is the
 * acknowledged PSN of both layers.
 */
void mrc_emit_sack(struct mrc_qp *qp, struct mrc_sack *s,
		   const struct mrc_sack_cause *cause, bool repeat_ack,
		   struct sk_buff_head *out)
{
	bool ext = READ_ONCE(qp->peer->features) & MRC_HELLO_F_SACK_ACK;
	u32 terms = mrc_peer_terms(qp->peer);
	struct {
		struct mrc_seth seth;
		struct mrc_cc_state cc;
		struct mrc_aeth aeth;
	} *b;
	struct sk_buff *skb;

	mrc_rxwin_pressure(&qp->rxw,
			   atomic_long_read(&qp->dev->held_bytes) >> 10,
			   MRC_HELD_MAX >> 10,
			   MRC_TERMS_CAN(terms, MRC_PLAIN_DYN_MPR));
	mrc_rxwin_fill_sack(&qp->rxw, s, cause->psn);
	s->acked_psn = cause->psn;
	s->m = cause->ecn ? MRC_SACK_M_SKIP_ONCE : MRC_SACK_M_NONE;
	s->entropy = mrc_ev_wire(qp->dev, cause->entropy);
	s->spdcid = qp->qpn;
	s->dpdcid = qp->attr.dest_qp_num;
	s->tx_timestamp = cause->tx_timestamp;
	/* as if it had been sent later by the time it spent here */
	if (MRC_TERMS_CAN(terms, MRC_PLAIN_SERVICE_TIME))
		s->tx_timestamp += (ktime_get_ns() - cause->now) /
				   MRC_TS_UNIT_NS;

	skb = mrc_ctl_build(qp, ext ? MRC_OP_X_SACK_ACK : MRC_OP_SACK, s->cack,
			    ext ? sizeof(*b) : offsetof(typeof(*b), aeth),
			    (void **)&b);
	if (!skb)
		return;
	mrc_sack_encode(s, &b->seth, &b->cc);
	if (ext) {
		mrc_aeth_encode(&b->aeth, MRC_AETH_ACK, qp->resp.msn);
		qp->resp.ack_due = false;
	}
	queue_ctl(qp, skb, out);
	mrc_qp_count(qp, sacks_sent);
	if (!ext && (qp->resp.ack_due || repeat_ack))
		emit_ack(qp, MRC_AETH_ACK, mrc_cack(qp), out);
	if (mrc_psn_diff(mrc_cack(qp), qp->resp.ackreq_psn) >= 0)
		qp->resp.ackreq = false;
}

/*
 * SACKs of what the one before did not tell of. A SACK tells of 64 PSNs. Where
 * the requester has nothing more to send, no later packet will cause the SACKs
 * that tell of the rest.
 */
static void emit_more(struct mrc_qp *qp, struct mrc_sack *s,
		      const struct mrc_sack_cause *cause,
		      struct sk_buff_head *out)
{
	for (int i = 0; i < MRC_MORE_SACKS && mrc_rxwin_more(&qp->rxw); i++)
		mrc_emit_sack(qp, s, cause, false, out);
}

/**
 * mrc_sack_now - send the SACK that mrc_sack_later() has put off, if any
 * @qp: QP that can receive, lock held; peer->lock is taken within
 * @out: answers
 */
void mrc_sack_now(struct mrc_qp *qp, struct sk_buff_head *out)
{
	struct mrc_sack s = {};

	if (!qp->resp.sack_due)
		return;
	qp->resp.sack_due = false;
	mrc_emit_sack(qp, &s, &qp->resp.cause, false, out);
	emit_more(qp, &s, &qp->resp.cause, out);
}

/**
 * mrc_sack_later - a SACK is due when this burst of packets has been processed
 * @qp: QP that can receive, lock held; peer->lock is taken within
 * @cause: the packet that it answers
 * @out: answers
 *
 * Packets that arrive together are answered by one SACK, which names the last.
 * Only marked ones have one each: it is the SACK that tells of the mark.
 */
void mrc_sack_later(struct mrc_qp *qp, const struct mrc_sack_cause *cause,
		    struct sk_buff_head *out)
{
	if (qp->resp.sack_due && qp->resp.cause.ecn)
		mrc_sack_now(qp, out);
	qp->resp.cause = *cause;
	qp->resp.sack_due = true;
}

/**
 * mrc_emit_nack - tell the requester that a packet was not taken
 * @qp: QP, lock held; peer->lock is taken within
 * @p: packet: PSN and timestamp
 * @info: of the packet
 * @reason: MRC_NACK_*
 * @out: answers
 */
void mrc_emit_nack(struct mrc_qp *qp, const struct mrc_pkt *p,
		   const struct mrc_rxinfo *info, u8 reason,
		   struct sk_buff_head *out)
{
	struct mrc_nack n = {
		.reason = reason,
		.entropy = mrc_ev_wire(qp->dev, info->entropy),
		.spdcid = qp->qpn,
		.dpdcid = qp->attr.dest_qp_num,
		.psn = p->psn,
		.tx_timestamp = p->tx_timestamp,
	};
	struct mrc_neth *neth;
	struct sk_buff *skb;

	if (reason == MRC_NACK_NO_RESOURCE) {
		mrc_qp_count(qp, rnr_sent);
		if (READ_ONCE(qp->peer->status) == MRC_PEER_EXT)
			n.vendor = qp->attr.min_rnr_timer;
	}
	skb = mrc_ctl_build(qp, MRC_OP_NACK, p->psn, sizeof(*neth),
			    (void **)&neth);
	if (!skb)
		return;
	mrc_nack_encode(&n, neth);
	queue_ctl(qp, skb, out);
	mrc_qp_count(qp, nacks_sent);
}

/**
 * mrc_resp_probe - answer a reliability probe
 * @qp: QP, lock held
 * @probe_id: its id
 * @tx_timestamp: its timestamp, reflected
 * @info: of the probe
 * @out: answers
 */
void mrc_resp_probe(struct mrc_qp *qp, u16 probe_id, u16 tx_timestamp,
		    const struct mrc_rxinfo *info, struct sk_buff_head *out)
{
	const struct mrc_sack_cause cause =
		mrc_sack_cause(mrc_cack(qp), tx_timestamp, info);
	struct mrc_sack s = { .probe = true, .probe_id = probe_id };

	mrc_emit_sack(qp, &s, &cause, true, out);
	emit_more(qp, &s, &cause, out);
}

/**
 * mrc_resp_trimmed - ask for a packet again of which only the headers came
 * @qp: QP that can receive, lock held
 * @psn: its PSN
 * @tx_timestamp: its timestamp, reflected
 * @info: its outer headers
 * @lasthop: trimmed by the last switch
 * @out: answers
 */
void mrc_resp_trimmed(struct mrc_qp *qp, u32 psn, u16 tx_timestamp,
		      const struct mrc_rxinfo *info, bool lasthop,
		      struct sk_buff_head *out)
{
	struct mrc_pkt p = { .psn = psn, .tx_timestamp = tx_timestamp };

	if (mrc_rxwin_check(&qp->rxw, psn) != MRC_RX_NEW)
		return;
	mrc_emit_nack(qp, &p, info, lasthop ? MRC_NACK_TRIMMED_LASTHOP :
					      MRC_NACK_TRIMMED, out);
}

/**
 * mrc_resp_repeat_nak - tell the requester again why the QP died
 * @qp: QP with resp.nak set, lock held
 * @out: answers
 */
void mrc_resp_repeat_nak(struct mrc_qp *qp, struct sk_buff_head *out)
{
	emit_ack(qp, qp->resp.nak, qp->resp.nak_psn, out);
}
