// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Loss recovery: when a packet counts as lost, and what is done when nothing
 * is heard.
 *
 * Packets are sprayed, so counting how many later ones arrived says nothing;
 * time does (RACK, RFC 8985). A packet is lost if one sent after it has been
 * acknowledged and the reordering window has passed since its own
 * acknowledgment could have come. The window is a quarter of an RTT, or what
 * reordering the last seconds have shown, if that is more.
 *
 * A SACK tells of one region of 64 PSNs, so absence from it is evidence only
 * for PSNs below the highest one reported (fack). The packets above wait for
 * a probe's answer.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "recovery.h"

#define TICKS(ns)		((u32)((ns) >> MRC_TX_TICK_SHIFT))
#define REO_CAP			TICKS(50ULL * NSEC_PER_MSEC)

/* Least time before a probe, in terms of the endpoints' jitter. */
#define PTO_JITTERS		10
#define PTO_NO_RTT		(5ULL * NSEC_PER_MSEC)
#define PTO_MAX			(100ULL * NSEC_PER_MSEC)
/* So many go unanswered before the interval doubles: probes are lost, too. */
#define PTO_LINEAR		2
#define PTO_MAX_BACKOFF		(7 + PTO_LINEAR)
/* Interval of repeating everything where the QP never gives up. */
#define RTO_FOREVER		(1ULL * NSEC_PER_SEC)
/* Sent again at a timeout */
#define RTO_PACKETS		16
#define RTO_FLOOR		(4ULL * NSEC_PER_MSEC)
/* Doubling ends here, unless the interval is longer from the start. */
#define RTO_CAP			(30ULL * NSEC_PER_SEC)

static bool later(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

/* The reordering window, ticks. */
static u32 reo_wnd(const struct mrc_tx *tx)
{
	u32 wnd = max(TICKS(tx->srtt / 4), tx->jitter);

	return min(max(wnd, tx->reo_seen + tx->reo_seen / 4), REO_CAP);
}

static void look_up_reordering(struct mrc_tx *tx, struct mrc_peer_state *ps,
			       u64 now)
{
	tx->reo_seen = TICKS(mrc_paths_reordering(ps->paths, now));
}

/* Reordering over @extent ticks has been seen: all streams profit from it. */
static void reordered(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 extent,
		      u64 now)
{
	mrc_paths_reordered(ps->paths, (u64)extent << MRC_TX_TICK_SHIFT, now);
	look_up_reordering(tx, ps, now);
}

/**
 * mrc_recovery_start - the first packet after silence is about to be sent
 * @tx: the stream
 * @ps: the peer's paths
 * @now: ns
 */
void mrc_recovery_start(struct mrc_tx *tx, struct mrc_peer_state *ps, u64 now)
{
	/* Ticks wrap after 18 minutes. */
	tx->rack_valid = false;
	tx->told_valid = false;
	tx->rto_base = now;
	tx->heard_at = now;
	tx->retry = 0;
	tx->probe_backoff = 0;
	look_up_reordering(tx, ps, now);
}

/**
 * mrc_recovery_begin - an answer is about to be worked through
 * @tx: the stream
 * @info: set up
 */
void mrc_recovery_begin(const struct mrc_tx *tx, struct mrc_ack_info *info)
{
	info->old_rack = tx->rack_sent;
	info->old_valid = tx->rack_valid;
	info->any = false;
}

/**
 * mrc_recovery_spurious - a packet had been sent again in vain
 * @tx: the stream
 * @ps: the peer's paths
 * @psn: the packet
 * @now: ns
 *
 * Its first transmission took longer than reo_wnd allowed: learn how long.
 */
void mrc_recovery_spurious(struct mrc_tx *tx, struct mrc_peer_state *ps,
			   u32 psn, u64 now)
{
	const struct mrc_txent *e = mrc_tx_entry(tx, psn);
	u32 age = mrc_tx_ticks(now) - e->sent +
		  ((u32)e->gap << MRC_TX_GAP_SHIFT);
	u32 rtt = TICKS(tx->min_rtt);

	if (age > rtt)
		reordered(tx, ps, age - rtt, now);
}

/**
 * mrc_recovery_remember - a packet is about to be sent again
 * @tx: the stream
 * @psn: the packet
 * @now: ns
 */
void mrc_recovery_remember(struct mrc_tx *tx, u32 psn, u64 now)
{
	struct mrc_txpast *past = &tx->past[psn % MRC_TX_PAST];
	const struct mrc_txent *e = mrc_tx_entry(tx, psn);

	/* A sample is enough, so those remembered keep their place. */
	if (past->path != MRC_TX_NONE &&
	    mrc_tx_ticks(now) - past->sent < 2 * REO_CAP)
		return;
	past->psn = psn;
	past->sent = e->sent;
	past->path = e->path;
}

/**
 * mrc_recovery_recall - a duplicate of long ago has arrived at the receiver
 * @tx: the stream
 * @ps: the peer's paths
 * @psn: the packet
 * @entropy: EV over which it came
 * @now: ns
 *
 * Return: true if it was a transmission given up for lost.
 */
bool mrc_recovery_recall(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
			 u32 entropy, u64 now)
{
	struct mrc_txpast *past = &tx->past[psn % MRC_TX_PAST];
	u32 age = mrc_tx_ticks(now) - past->sent;

	if (past->psn != psn || !mrc_tx_took(ps, past->path, entropy))
		return false;
	if (age > TICKS(tx->min_rtt))
		reordered(tx, ps, age - TICKS(tx->min_rtt), now);
	mrc_paths_spurious(ps->paths, past->path, now);
	past->path = MRC_TX_NONE;
	return true;
}

/* What no answer can be faster than, ticks: a stream may have few samples. */
static u32 least_rtt(const struct mrc_tx *tx, const struct mrc_peer_state *ps)
{
	u64 peer = mrc_cc_base_rtt(ps->cc);

	return TICKS(peer ? min_t(u64, peer, tx->min_rtt) : tx->min_rtt);
}

/**
 * mrc_recovery_acked - a packet is acknowledged that was not before
 * @tx: the stream
 * @ps: the peer's paths
 * @psn: the packet
 * @entropy: EV of the transmission that arrived, NULL if unknown
 * @now: ns
 * @info: of this answer
 *
 * Return: which transmission it was.
 */
enum mrc_verdict mrc_recovery_acked(struct mrc_tx *tx,
				    struct mrc_peer_state *ps, u32 psn,
				    const u32 *entropy, u64 now,
				    struct mrc_ack_info *info)
{
	const struct mrc_txent *e = mrc_tx_entry(tx, psn);
	u32 age = mrc_tx_ticks(now) - e->sent;

	if (mrc_psn_diff(psn, tx->fack) >= 0)
		tx->fack = mrc_psn_add(psn, 1);

	if (e->state == MRC_TXENT_LOST) {
		if (age > TICKS(tx->min_rtt))
			reordered(tx, ps, age - TICKS(tx->min_rtt), now);
		return MRC_VERDICT_LATE;
	}
	if (e->count > 1) {
		bool first = entropy ?
			mrc_tx_took(ps, e->prev_path, *entropy) &&
			!mrc_tx_took(ps, e->path, *entropy) :
			age < least_rtt(tx, ps) * 3 / 4;

		if (first) {
			mrc_recovery_spurious(tx, ps, psn, now);
			return MRC_VERDICT_FIRST;
		}
	} else if (info->old_valid && later(info->old_rack, e->sent)) {
		reordered(tx, ps, info->old_rack - e->sent, now);
	}
	if (!info->any || later(e->sent, info->sent)) {
		info->any = true;
		info->sent = e->sent;
	}
	return MRC_VERDICT_LAST;
}

/**
 * mrc_recovery_rtt - take an RTT sample
 * @tx: the stream
 * @rtt_ns: of a packet sent once
 */
void mrc_recovery_rtt(struct mrc_tx *tx, u64 rtt_ns)
{
	u32 rtt = min_t(u64, rtt_ns, S32_MAX);

	tx->srtt = tx->srtt ? tx->srtt + ((s32)rtt - (s32)tx->srtt) / 8 : rtt;
	if (!tx->min_rtt || rtt < tx->min_rtt)
		tx->min_rtt = rtt;
}

/**
 * mrc_recovery_reported - a SACK's bits have been worked through
 * @tx: the stream
 * @ps: the peer's paths
 * @s: the SACK
 * @info: of this answer
 * @now: ns
 */
void mrc_recovery_reported(struct mrc_tx *tx, struct mrc_peer_state *ps,
			   const struct mrc_sack *s,
			   struct mrc_ack_info *info, u64 now)
{
	u32 end, sent;

	/* Are all known that the receiver has beyond its gap? */
	if (info->any && s->ooo_count <= tx->sacked &&
	    mrc_psn_add(s->cack, 1) == tx->una) {
		tx->told_sent = info->sent;
		tx->told_valid = true;
	}
	if (!s->probe || !tx->probe_pending || s->probe_id != tx->probe_id)
		return;
	tx->probe_pending = false;
	mrc_paths_acked(ps->paths, tx->probe_path, MRC_SACK_M_NONE,
			min_t(u64, max_t(u64, now - tx->probe_at, 1), U32_MAX),
			now);

	/*
	 * The answer speaks for all that was sent before the probe, up to the
	 * end of the region; and for everything if we know of each packet
	 * that the receiver has beyond its gap.
	 */
	end = mrc_psn_add(s->cack, s->sack_offset + MRC_SACK_BITS);
	if (s->ooo_count <= tx->sacked ||
	    mrc_psn_diff(end, tx->probe_next_psn) > 0)
		end = tx->probe_next_psn;
	if (mrc_psn_diff(end, tx->fack) > 0)
		tx->fack = end;

	/* It counts as a packet that arrived. */
	sent = mrc_tx_ticks(tx->probe_at);
	if (!info->any || later(sent, info->sent)) {
		info->any = true;
		info->sent = sent;
	}
}

/**
 * mrc_recovery_answered - an answer has been worked through
 * @tx: the stream
 * @info: of this answer
 * @now: ns
 */
void mrc_recovery_answered(struct mrc_tx *tx, const struct mrc_ack_info *info,
			   u64 now)
{
	tx->heard_at = now;
	/* All has arrived, and the peer lives: it may take its time. */
	if (tx->flight.head == MRC_TX_NONE && tx->lost.head == MRC_TX_NONE)
		tx->retry = 0;
	if (!info->any)
		return;
	if (!tx->rack_valid || later(info->sent, tx->rack_sent)) {
		tx->rack_valid = true;
		tx->rack_sent = info->sent;
		tx->rack_rtt = mrc_tx_ticks(now) - info->sent;
	}
}

/*
 * When does the packet sent longest ago count as lost if nothing more is
 * heard? Ticks; false: there is no evidence against it.
 */
static bool head_expires(const struct mrc_tx *tx, u32 *when)
{
	const struct mrc_txent *e;
	u32 psn;

	if (tx->flight.head == MRC_TX_NONE || !tx->rack_valid)
		return false;
	e = &tx->board[tx->flight.head];
	psn = mrc_tx_psn_of(tx, tx->flight.head);
	if (!later(tx->rack_sent, e->sent))
		return false;
	if (mrc_psn_diff(psn, tx->fack) >= 0 &&
	    !(tx->told_valid && later(tx->told_sent, e->sent)))
		return false;
	*when = e->sent + tx->rack_rtt + reo_wnd(tx);
	return true;
}

/**
 * mrc_recovery_detect - find lost packets
 * @tx: the stream
 * @ps: the peer's paths and congestion window
 * @now: ns
 *
 * Return: how many there were.
 */
u32 mrc_recovery_detect(struct mrc_tx *tx, struct mrc_peer_state *ps, u64 now)
{
	u32 n = 0, when;

	look_up_reordering(tx, ps, now);
	while (head_expires(tx, &when) && !later(when, mrc_tx_ticks(now))) {
		const struct mrc_txent *e = &tx->board[tx->flight.head];

		mrc_cc_lost(ps->cc, e->bytes, now);
		mrc_paths_lost(ps->paths, e->path, now);
		mrc_tx_mark_lost(tx, ps, mrc_tx_psn_of(tx, tx->flight.head));
		/* What is sent again deserves to be asked for anew. */
		tx->probe_backoff = 0;
		n++;
	}
	return n;
}

/* ------------------------------------------------------------ timers */

static u64 ticks_to_ns(u32 ticks, u64 near)
{
	s32 d = ticks - mrc_tx_ticks(near);

	return ((near >> MRC_TX_TICK_SHIFT) + d) << MRC_TX_TICK_SHIFT;
}

static u64 reo_deadline(const struct mrc_tx *tx)
{
	u32 when;

	if (!head_expires(tx, &when))
		return U64_MAX;
	return ticks_to_ns(when, tx->heard_at);
}

static u64 pto_floor(const struct mrc_tx *tx)
{
	return ((u64)tx->jitter << MRC_TX_TICK_SHIFT) * PTO_JITTERS;
}

/*
 * From the last transmission on, as RFC 9002 has it: what was heard since may
 * be of others. But who has just been heard gets half of the time again.
 */
static u64 probe_deadline(const struct mrc_tx *tx, bool awaiting)
{
	u64 base = tx->heard_at;
	u64 pto;

	pto = tx->srtt ? max(2ULL * tx->srtt, pto_floor(tx)) : PTO_NO_RTT;
	if (tx->flight.head != MRC_TX_NONE)
		base = max(base - min(base, pto / 2),
			   ticks_to_ns(tx->board[tx->flight.tail].sent,
				       tx->heard_at));
	else if (tx->lost.head != MRC_TX_NONE)
		return U64_MAX;	/* to be sent first */
	else if (mrc_tx_idle(tx) && !(awaiting && tx->started))
		return U64_MAX;

	if (tx->probe_backoff)
		base = max(base, tx->probe_at);
	if (tx->probe_backoff > PTO_LINEAR)
		pto = min_t(u64, pto << (tx->probe_backoff - PTO_LINEAR),
			    max_t(u64, pto, PTO_MAX));
	return base + pto;
}

static u64 rto(const struct mrc_tx *tx)
{
	u64 least = 4 * ((u64)tx->srtt +
			 ((u64)reo_wnd(tx) << MRC_TX_TICK_SHIFT));

	u64 ns;

	if (!tx->rto_ns)
		return RTO_FOREVER;
	ns = max3(tx->rto_ns, least, (u64)RTO_FLOOR);
	/* The first linear_cnt repeats are a constant interval apart. */
	if (tx->exp_cnt && tx->retry > tx->retry_cnt)
		ns = max(ns, min_t(u64, RTO_CAP,
				   ns << min(tx->retry - tx->retry_cnt, 20)));
	return ns;
}

static u64 rto_deadline(const struct mrc_tx *tx, bool awaiting)
{
	/*
	 * While something is in flight a probe comes first, and gets time to
	 * be answered: this may run late, with answers waiting to be read.
	 */
	if (tx->flight.head != MRC_TX_NONE)
		return tx->probe_at <= tx->heard_at ? U64_MAX :
			max(tx->rto_base + rto(tx),
			    tx->probe_at + max_t(u64, 2ULL * tx->srtt,
						 RTO_FLOOR));
	if (tx->lost.head != MRC_TX_NONE)
		return tx->rto_base + rto(tx);
	/* All has arrived: a peer that answers probes may take its time. */
	if (!mrc_tx_idle(tx) || (awaiting && tx->started))
		return max(tx->rto_base, tx->heard_at) + rto(tx);
	return U64_MAX;
}

/**
 * mrc_tx_deadline - when is mrc_tx_on_timer() to be called?
 * @tx: the stream
 * @awaiting: the caller waits for an answer although all is delivered
 *
 * Return: ns, U64_MAX for never.
 */
u64 mrc_tx_deadline(const struct mrc_tx *tx, bool awaiting)
{
	return min3(reo_deadline(tx), probe_deadline(tx, awaiting),
		    rto_deadline(tx, awaiting));
}

/*
 * The packets sent longest ago are to be sent again; what their answers tell
 * decides about the others.
 */
static u32 lose_oldest(struct mrc_tx *tx, struct mrc_peer_state *ps, u64 now)
{
	u32 n = 0;

	while (tx->flight.head != MRC_TX_NONE && n < RTO_PACKETS) {
		const struct mrc_txent *e = &tx->board[tx->flight.head];

		/* What was sent a moment ago may well arrive. */
		if (mrc_tx_elapsed(e->sent, now) < max_t(u64, pto_floor(tx),
							 tx->srtt))
			break;
		mrc_cc_lost(ps->cc, e->bytes, now);
		mrc_paths_lost(ps->paths, e->path, now);
		mrc_tx_mark_lost(tx, ps, mrc_tx_psn_of(tx, tx->flight.head));
		n++;
	}
	return n;
}

/**
 * mrc_tx_on_timer - time has passed
 * @tx: the stream
 * @ps: the peer's paths and congestion window
 * @now: ns
 * @awaiting: as for mrc_tx_deadline()
 * @res: what came of it; written
 *
 * Return: enum mrc_tx_timer_action bits.
 */
unsigned int mrc_tx_on_timer(struct mrc_tx *tx, struct mrc_peer_state *ps,
			     u64 now, bool awaiting,
			     struct mrc_tx_result *res)
{
	unsigned int what = 0;

	memset(res, 0, sizeof(*res));
	res->lost_packets = mrc_recovery_detect(tx, ps, now);
	if (now >= rto_deadline(tx, awaiting)) {
		u32 n = lose_oldest(tx, ps, now);

		/*
		 * Waiting for the window is not the peer's fault, nor is
		 * silence if it was not asked. A packet that is to be sent
		 * again waits for other streams while these have some in
		 * flight, otherwise for a way to the peer.
		 */
		if (n || (now - tx->heard_at >= rto(tx) &&
			  ((tx->lost.head != MRC_TX_NONE &&
			    !mrc_cc_inflight(ps->cc)) ||
			   tx->probe_at > tx->heard_at))) {
			what |= MRC_TX_RTO;
			if (tx->rto_ns && tx->retry < U8_MAX)
				tx->retry++;
			if (tx->exp_cnt < MRC_TX_EXP_FOREVER &&
			    tx->retry > tx->retry_cnt + tx->exp_cnt)
				what |= MRC_TX_DEAD;
		}
		res->lost_packets += n;
		tx->rto_base = now;
	}
	if (now >= probe_deadline(tx, awaiting))
		what |= MRC_TX_PROBE;
	if (res->lost_packets)
		what |= MRC_TX_RESEND;
	return what;
}

/**
 * mrc_tx_progress - something was heard that counts as progress
 * @tx: the stream
 * @now: ns
 */
void mrc_tx_progress(struct mrc_tx *tx, u64 now)
{
	tx->heard_at = now;
	tx->rto_base = now;
	tx->retry = 0;
	tx->probe_backoff = 0;
}

/**
 * mrc_tx_probe_sent - a reliability probe goes out
 * @tx: the stream
 * @ps: the peer's paths
 * @path: set to the path it is to take, -1: none can send
 * @now: ns
 *
 * Return: its id.
 */
u16 mrc_tx_probe_sent(struct mrc_tx *tx, struct mrc_peer_state *ps, int *path,
		      u64 now)
{
	int avoid = -1;

	/* The one before may still be on its way, as late as others were. */
	if (tx->probe_pending && tx->probe_path != MRC_TX_NONE &&
	    now - tx->probe_at >= tx->srtt +
	    ((u64)reo_wnd(tx) << MRC_TX_TICK_SHIFT))
		mrc_paths_lost(ps->paths, tx->probe_path, now);
	if (tx->flight.head != MRC_TX_NONE)
		avoid = tx->board[tx->flight.head].path;
	*path = mrc_paths_pick(ps->paths, &tx->rotor, avoid, now);

	tx->probe_pending = true;
	tx->probe_path = *path < 0 ? MRC_TX_NONE : *path;
	tx->probe_next_psn = tx->next_psn;
	tx->probe_at = now;
	if (tx->probe_backoff < PTO_MAX_BACKOFF)
		tx->probe_backoff++;
	return ++tx->probe_id;
}
