// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The scoreboard: what was sent, and what has become of it.
 *
 * Packets in flight are linked in the order of sending, those to be sent
 * again in the order of their PSNs. The work of a SACK is proportional to
 * what it tells, not to the window. When a packet counts as lost is the
 * subject of recovery.c.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "recovery.h"
#include "tx.h"

#define COUNT_MAX		7	/* of mrc_txent.count */

/* ------------------------------------------------------------ lists */

static void list_init(struct mrc_txlist *l)
{
	l->head = MRC_TX_NONE;
	l->tail = MRC_TX_NONE;
	l->count = 0;
}

/* Insert entry @i behind entry @after, MRC_TX_NONE: at the head. */
static void list_insert(struct mrc_tx *tx, struct mrc_txlist *l, u16 i,
			u16 after)
{
	struct mrc_txent *e = &tx->board[i];

	e->prev = after;
	e->next = after == MRC_TX_NONE ? l->head : tx->board[after].next;
	if (e->prev == MRC_TX_NONE)
		l->head = i;
	else
		tx->board[e->prev].next = i;
	if (e->next == MRC_TX_NONE)
		l->tail = i;
	else
		tx->board[e->next].prev = i;
	l->count++;
}

static void list_remove(struct mrc_tx *tx, struct mrc_txlist *l, u16 i)
{
	struct mrc_txent *e = &tx->board[i];

	if (e->prev == MRC_TX_NONE)
		l->head = e->next;
	else
		tx->board[e->prev].next = e->next;
	if (e->next == MRC_TX_NONE)
		l->tail = e->prev;
	else
		tx->board[e->next].prev = e->prev;
	l->count--;
}

/* ------------------------------------------------------------ set-up */

/**
 * mrc_tx_init - begin a stream
 * @tx: the stream
 * @first: first PSN to send
 * @board: scoreboard, owned by the caller
 * @entries: of it: a power of two, MRC_TX_BOARD_MIN to MRC_TX_BOARD_MAX
 */
void mrc_tx_init(struct mrc_tx *tx, u32 first, struct mrc_txent *board,
		 u32 entries)
{
	memset(tx, 0, sizeof(*tx));
	memset(board, 0, entries * sizeof(*board));
	tx->board = board;
	tx->mask = entries - 1;
	tx->una = first & MRC_PSN_MASK;
	tx->next_psn = tx->una;
	tx->fack = tx->una;
	tx->window = MRC_MPR_MIN * MRC_MPR_UNIT;
	tx->jitter = mrc_tx_ticks(MRC_TX_JITTER);
	tx->max_window = tx->window;
	list_init(&tx->flight);
	list_init(&tx->lost);
	mrc_rotor_init(&tx->rotor, first);
	tx->probe_path = MRC_TX_NONE;
	for (u32 i = 0; i < MRC_TX_PAST; i++)
		tx->past[i].path = MRC_TX_NONE;
}

/**
 * mrc_tx_set_params - set what was negotiated
 * @tx: the stream
 * @p: the parameters
 */
void mrc_tx_set_params(struct mrc_tx *tx, const struct mrc_tx_params *p)
{
	tx->rto_ns = p->rto_ns;
	tx->retry_cnt = p->retry_cnt;
	tx->exp_cnt = p->exp_cnt;
	tx->window = p->window;
	tx->max_window = p->window;
	tx->dynamic_mpr = p->dynamic_mpr;
	tx->service_time = p->service_time;
	tx->jitter = mrc_tx_ticks(p->jitter_ns ? p->jitter_ns : MRC_TX_JITTER);
	mrc_rotor_init(&tx->rotor, p->seed);
}

/**
 * mrc_tx_grow - move to a larger board
 * @tx: the stream
 * @board: the new one
 * @entries: of it: a power of two, more than before
 *
 * Return: the old board, no longer used.
 */
struct mrc_txent *mrc_tx_grow(struct mrc_tx *tx, struct mrc_txent *board,
			      u32 entries)
{
	struct mrc_txent *old = tx->board;
	struct mrc_txlist flight = tx->flight, lost = tx->lost;
	u32 old_mask = tx->mask;
	u32 n = (tx->next_psn - tx->una) & MRC_PSN_MASK;
	u16 i;

	memset(board, 0, entries * sizeof(*board));
	for (u32 k = 0; k < n; k++)
		board[(tx->una + k) & (entries - 1)] =
			old[(tx->una + k) & old_mask];
	tx->board = board;
	tx->mask = entries - 1;

	list_init(&tx->flight);
	for (i = flight.head; i != MRC_TX_NONE; i = old[i].next) {
		u32 psn = tx->una + ((i - tx->una) & old_mask);

		list_insert(tx, &tx->flight, psn & tx->mask, tx->flight.tail);
	}
	list_init(&tx->lost);
	for (i = lost.head; i != MRC_TX_NONE; i = old[i].next) {
		u32 psn = tx->una + ((i - tx->una) & old_mask);

		list_insert(tx, &tx->lost, psn & tx->mask, tx->lost.tail);
	}
	return old;
}

/* ------------------------------------------------------------ questions */

static u32 span(const struct mrc_tx *tx)
{
	return (tx->next_psn - tx->una) & MRC_PSN_MASK;
}

/**
 * mrc_tx_board_full - is it the board that holds sending up?
 * @tx: the stream
 *
 * Return: true if the peer's window has room and the board has none.
 */
bool mrc_tx_board_full(const struct mrc_tx *tx)
{
	return span(tx) > tx->mask && span(tx) < tx->window;
}

/**
 * mrc_tx_next_psn - PSN of the next new packet
 * @tx: the stream
 *
 * Return: the PSN.
 */
u32 mrc_tx_next_psn(const struct mrc_tx *tx)
{
	return tx->next_psn;
}

/**
 * mrc_tx_una - oldest PSN not acknowledged cumulatively
 * @tx: the stream
 *
 * Return: the PSN.
 */
u32 mrc_tx_una(const struct mrc_tx *tx)
{
	return tx->una;
}

/**
 * mrc_tx_window_open - is there room for one more new packet?
 * @tx: the stream
 *
 * Return: true if window and board have room.
 */
bool mrc_tx_window_open(const struct mrc_tx *tx)
{
	return span(tx) < min(tx->window, tx->mask + 1);
}

/**
 * mrc_tx_idle - has everything sent been delivered?
 * @tx: the stream
 *
 * Return: true if so.
 */
bool mrc_tx_idle(const struct mrc_tx *tx)
{
	return tx->una == tx->next_psn;
}

/**
 * mrc_tx_flight - packets in flight
 * @tx: the stream
 *
 * Return: their number, those found lost not among them.
 */
u32 mrc_tx_flight(const struct mrc_tx *tx)
{
	return tx->flight.count;
}

/**
 * mrc_tx_peek_lost - the oldest packet to be sent again
 * @tx: the stream
 * @psn: set to its PSN
 *
 * Return: false if there is none.
 */
bool mrc_tx_peek_lost(const struct mrc_tx *tx, u32 *psn)
{
	if (tx->lost.head == MRC_TX_NONE)
		return false;
	*psn = mrc_tx_psn_of(tx, tx->lost.head);
	return true;
}

/* ------------------------------------------------------------ sending */

/**
 * mrc_tx_pick_path - choose a path for a packet
 * @tx: the stream
 * @ps: the peer's paths
 * @psn: the packet; a retransmission avoids the path of the time before
 * @now: ns
 *
 * Return: number of a path; -1: none can send now.
 */
int mrc_tx_pick_path(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
		     u64 now)
{
	int avoid = -1;

	if (mrc_psn_diff(psn, tx->next_psn) < 0)
		avoid = mrc_tx_entry(tx, psn)->path;
	return mrc_paths_pick(ps->paths, &tx->rotor, avoid, now);
}

/**
 * mrc_tx_sent - a packet goes out
 * @tx: the stream
 * @ps: the peer's paths and congestion window, which is charged
 * @psn: mrc_tx_next_psn(), or what mrc_tx_peek_lost() said
 * @path: from mrc_tx_pick_path()
 * @bytes: nominal size
 * @now: ns
 */
void mrc_tx_sent(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
		 int path, u32 bytes, u64 now)
{
	struct mrc_txent *e = mrc_tx_entry(tx, psn);
	u16 i = psn & tx->mask;
	u32 sent = mrc_tx_ticks(now);

	tx->started = true;
	if (psn == tx->next_psn) {
		if (mrc_tx_idle(tx))
			mrc_recovery_start(tx, ps, now);
		memset(e, 0, sizeof(*e));
		e->prev_path = MRC_TX_NONE;
		tx->next_psn = mrc_psn_add(psn, 1);
	} else {
		mrc_recovery_remember(tx, psn, now);
		list_remove(tx, &tx->lost, i);
		e->prev_path = e->path;
		e->gap = min_t(u32, (sent - e->sent) >> MRC_TX_GAP_SHIFT,
			       U8_MAX);
		e->judged = 0;
	}
	e->state = MRC_TXENT_FLIGHT;
	e->sent = sent;
	e->path = path;
	e->bytes = min_t(u32, bytes, U16_MAX);
	if (e->count < COUNT_MAX)
		e->count++;
	list_insert(tx, &tx->flight, i, tx->flight.tail);
	if (path >= 0 && path < mrc_paths_count(ps->paths))
		mrc_path_get(ps->paths, path)->tx++;
	mrc_paths_flight(ps->paths, path, true);
	mrc_cc_sent(ps->cc, e->bytes);
}

/**
 * mrc_tx_calm - can the stream do with few SACKs?
 * @tx: the stream
 * @ps: the peer's paths and congestion window
 *
 * Not where the window or paths wait for them, nor where packets are delayed,
 * marked or lost. Nor for one of many streams to the peer, each of which keeps
 * a part of the window that it is told of late.
 *
 * Return: true if so.
 */
bool mrc_tx_calm(const struct mrc_tx *tx, const struct mrc_peer_state *ps)
{
	return tx->lost.head == MRC_TX_NONE && mrc_tx_window_open(tx) &&
	       mrc_cc_may_send(ps->cc, 0) &&
	       mrc_paths_busy(ps->paths, tx->flight.count) &&
	       mrc_cc_calm(ps->cc);
}

/**
 * mrc_tx_mark_lost - a packet in flight is to be sent again
 * @tx: the stream
 * @ps: the peer's paths
 * @psn: its PSN
 *
 * What that means to path and congestion is the caller's to say.
 */
void mrc_tx_mark_lost(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn)
{
	struct mrc_txent *e = mrc_tx_entry(tx, psn);
	u16 after = tx->lost.tail;

	list_remove(tx, &tx->flight, psn & tx->mask);
	mrc_paths_flight(ps->paths, e->path, false);
	e->state = MRC_TXENT_LOST;
	/* Mostly the highest so far, or a repeat that is lower than all. */
	if (after != MRC_TX_NONE &&
	    mrc_psn_diff(psn, mrc_tx_psn_of(tx, tx->lost.head)) < 0)
		after = MRC_TX_NONE;
	while (after != MRC_TX_NONE &&
	       mrc_psn_diff(psn, mrc_tx_psn_of(tx, after)) < 0)
		after = tx->board[after].prev;
	list_insert(tx, &tx->lost, psn & tx->mask, after);
}

/**
 * mrc_tx_release - the stream ends
 * @tx: the stream
 * @ps: the peer's paths and congestion window, of which it gives back its part
 */
void mrc_tx_release(struct mrc_tx *tx, struct mrc_peer_state *ps)
{
	for (u16 i = tx->flight.head; i != MRC_TX_NONE; i = tx->board[i].next) {
		mrc_cc_release(ps->cc, tx->board[i].bytes);
		mrc_paths_flight(ps->paths, tx->board[i].path, false);
	}
	list_init(&tx->flight);
	list_init(&tx->lost);
	tx->una = tx->next_psn;
	tx->fack = tx->next_psn;
	tx->sacked = 0;
}

/* ------------------------------------------------------------ answers */

/* What one answer of the peer brought; told to others at its end. */
struct news {
	struct mrc_ack_info info;
	u32 flight_bytes;	/* acknowledged, of those in flight */
	u64 rtt_ns;		/* valid sample, or 0 */
	bool stamped;		/* the answer reflects a timestamp */
	u16 stamp;
	u8 m;			/* enum mrc_sack_m, for the packet named */
	u32 named;		/* its PSN; U32_MAX: none */
	u32 entropy;		/* EV over which it came */
};

/*
 * The RTT of the packet that is named: by our own clock or, if the peer leaves
 * the time that it took itself out of the timestamp it reflects, by that. The
 * 16 bits wrap after 8.4 ms, so it counts only where our own measure agrees.
 */
static u64 rtt_of(const struct mrc_tx *tx, const struct mrc_txent *e,
		  const struct news *n, u64 now)
{
	u64 own = mrc_tx_elapsed(e->sent, now);
	u64 net;

	if (!tx->service_time || !n->stamped || own >= MRC_TS_WRAP_NS)
		return own;
	net = (u16)(now / MRC_TS_UNIT_NS - n->stamp) * MRC_TS_UNIT_NS;
	return net && net < own ? net : own;
}

static void entry_acked(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
			struct news *n, u64 now, struct mrc_tx_result *res)
{
	struct mrc_txent *e = mrc_tx_entry(tx, psn);
	bool named = psn == n->named;
	enum mrc_verdict verdict;
	u32 rtt = 0;

	verdict = mrc_recovery_acked(tx, ps, psn, named ? &n->entropy : NULL,
				     now, &n->info);
	if (e->state == MRC_TXENT_LOST) {
		list_remove(tx, &tx->lost, psn & tx->mask);
	} else {
		list_remove(tx, &tx->flight, psn & tx->mask);
		mrc_paths_flight(ps->paths, e->path, false);
		n->flight_bytes += e->bytes;
	}

	switch (verdict) {
	case MRC_VERDICT_LATE:
		/*
		 * Thought lost, not yet sent again. Of one that had been sent
		 * before it may be the transmission before that arrived.
		 */
		if (e->count == 1 ||
		    (named && mrc_tx_took(ps, e->path, n->entropy)))
			mrc_paths_spurious(ps->paths, e->path, now);
		mrc_cc_spurious(ps->cc, e->bytes);
		break;
	case MRC_VERDICT_FIRST:
		/* Sent again in vain; what the repeat met is not known. */
		e->judged = 1;
		res->spurious++;
		mrc_paths_spurious(ps->paths, e->prev_path, now);
		mrc_cc_spurious(ps->cc, e->bytes);
		break;
	case MRC_VERDICT_LAST:
		if (named && e->count == 1) {
			n->rtt_ns = rtt_of(tx, e, n, now);
			rtt = min_t(u64, n->rtt_ns, U32_MAX);
		}
		mrc_paths_acked(ps->paths, e->path,
				named ? n->m : MRC_SACK_M_NONE, rtt, now);
		break;
	}
	e->state = MRC_TXENT_ACKED;
	tx->sacked++;
	res->acked_packets++;
	res->acked_bytes += e->bytes;
}

/* All PSNs below @to have arrived and been processed. */
static void advance_una(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 to,
			struct news *n, u64 now, struct mrc_tx_result *res)
{
	while (tx->una != to) {
		if (mrc_tx_entry(tx, tx->una)->state != MRC_TXENT_ACKED)
			entry_acked(tx, ps, tx->una, n, now, res);
		tx->sacked--;
		tx->una = mrc_psn_add(tx->una, 1);
		res->advanced = true;
	}
	if (mrc_psn_diff(tx->fack, tx->una) < 0)
		tx->fack = tx->una;
}

static void finish(struct mrc_tx *tx, struct mrc_peer_state *ps,
		   struct news *n, u64 now, struct mrc_tx_result *res)
{
	if (n->rtt_ns)
		mrc_recovery_rtt(tx, n->rtt_ns);
	if (n->flight_bytes)
		mrc_cc_acked(ps->cc, n->flight_bytes, n->rtt_ns,
			     n->m == MRC_SACK_M_SKIP_ONCE, now);
	mrc_recovery_answered(tx, &n->info, now);
	if (res->acked_packets || res->advanced)
		mrc_tx_progress(tx, now);
	res->lost_packets += mrc_recovery_detect(tx, ps, now);
}

/* Does a SACK speak only of what was sent, and not of times long past? */
static bool sack_plausible(const struct mrc_tx *tx, const struct mrc_sack *s)
{
	s32 ahead = mrc_psn_diff(tx->next_psn, s->cack);
	u32 base = mrc_psn_add(s->cack, s->sack_offset);
	s32 room = mrc_psn_diff(tx->next_psn, base);

	/* cack is at most next - 1, and not older than two windows. */
	if (ahead < 1 || ahead > 2 * (s32)(tx->mask + 1) + MRC_SACK_BITS)
		return false;
	if (!s->probe && mrc_psn_diff(tx->next_psn, s->acked_psn) < 1)
		return false;
	if (s->bitmap && room < MRC_SACK_BITS &&
	    (room <= 0 || s->bitmap >> room))
		return false;
	return true;
}

/*
 * A packet is named that was known to have arrived. If it is the transmission
 * before the last that is meant, the last was in vain. The last itself being
 * named proves nothing: that SACK may only have been overtaken by another.
 */
static void duplicate_named(struct mrc_tx *tx, struct mrc_peer_state *ps,
			    const struct mrc_sack *s, u64 now,
			    struct mrc_tx_result *res)
{
	struct mrc_txent *e = mrc_tx_entry(tx, s->acked_psn);

	/* The entry may be that of a later PSN by now. */
	if (mrc_psn_diff(tx->next_psn, s->acked_psn) > (s32)tx->mask + 1) {
		if (mrc_recovery_recall(tx, ps, s->acked_psn, s->entropy, now))
			res->spurious++;
		return;
	}
	if (e->state != MRC_TXENT_ACKED || e->count < 2 || e->judged ||
	    mrc_tx_took(ps, e->path, s->entropy) ||
	    !mrc_tx_took(ps, e->prev_path, s->entropy))
		return;
	e->judged = 1;
	res->spurious++;
	mrc_recovery_spurious(tx, ps, s->acked_psn, now);
	mrc_paths_spurious(ps->paths, e->prev_path, now);
	mrc_cc_spurious(ps->cc, e->bytes);
}

/**
 * mrc_tx_on_sack - a SACK has come
 * @tx: the stream
 * @ps: the peer's paths and congestion window
 * @s: the SACK
 * @now: ns
 * @res: what came of it; written
 */
void mrc_tx_on_sack(struct mrc_tx *tx, struct mrc_peer_state *ps,
		    const struct mrc_sack *s, u64 now,
		    struct mrc_tx_result *res)
{
	struct news n = {
		.m = s->m, .named = U32_MAX, .entropy = s->entropy,
		.stamped = true, .stamp = s->tx_timestamp,
	};
	u32 base = mrc_psn_add(s->cack, s->sack_offset);
	u64 bits = s->bitmap;
	s32 skip;

	memset(res, 0, sizeof(*res));
	if (!sack_plausible(tx, s)) {
		res->stale = true;
		return;
	}

	mrc_recovery_begin(tx, &n.info);
	if (!s->probe) {
		n.named = s->acked_psn;
		if (mrc_psn_diff(s->acked_psn, tx->una) < 0 ||
		    mrc_tx_entry(tx, s->acked_psn)->state == MRC_TXENT_ACKED)
			duplicate_named(tx, ps, s, now, res);
		else
			entry_acked(tx, ps, s->acked_psn, &n, now, res);
	}
	if (mrc_psn_diff(s->cack, tx->una) >= 0)
		advance_una(tx, ps, mrc_psn_add(s->cack, 1), &n, now, res);
	/* Not from a SACK that others have overtaken; 0 would stop for ever. */
	if (tx->dynamic_mpr && s->mpr &&
	    mrc_psn_add(s->cack, 1) == tx->una)
		tx->window = min_t(u32, s->mpr * MRC_MPR_UNIT, tx->max_window);

	skip = mrc_psn_diff(tx->una, base);
	if (skip >= MRC_SACK_BITS)
		bits = 0;
	else if (skip > 0)
		bits &= ~0ULL << skip;
	while (bits) {
		u32 psn = mrc_psn_add(base, __ffs64(bits));

		bits &= bits - 1;
		if (mrc_tx_entry(tx, psn)->state != MRC_TXENT_ACKED)
			entry_acked(tx, ps, psn, &n, now, res);
	}

	mrc_recovery_reported(tx, ps, s, &n.info, now);
	if (s->penalty || s->restore_cwnd)
		mrc_cc_penalty(ps->cc, s->penalty, s->restore_cwnd,
			       res->acked_bytes);
	finish(tx, ps, &n, now, res);
}

/**
 * mrc_tx_on_ack - a Transport ACK has come
 * @tx: the stream
 * @ps: the peer's paths and congestion window
 * @psn: all PSNs up to it have been delivered
 * @now: ns
 * @res: what came of it; written
 */
void mrc_tx_on_ack(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
		   u64 now, struct mrc_tx_result *res)
{
	struct news n = { .named = U32_MAX };

	memset(res, 0, sizeof(*res));
	if (mrc_psn_diff(tx->next_psn, psn) < 1) {
		res->stale = true;
		return;
	}
	mrc_recovery_begin(tx, &n.info);
	if (mrc_psn_diff(psn, tx->una) >= 0)
		advance_una(tx, ps, mrc_psn_add(psn, 1), &n, now, res);
	finish(tx, ps, &n, now, res);
}

/**
 * mrc_tx_on_nack - a NACK has come
 * @tx: the stream
 * @ps: the peer's paths and congestion window
 * @nack: the NACK
 * @now: ns
 * @res: what came of it; written
 */
void mrc_tx_on_nack(struct mrc_tx *tx, struct mrc_peer_state *ps,
		    const struct mrc_nack *nack, u64 now,
		    struct mrc_tx_result *res)
{
	struct mrc_txent *e = mrc_tx_entry(tx, nack->psn);

	memset(res, 0, sizeof(*res));
	if (mrc_psn_diff(tx->next_psn, nack->psn) < 1) {
		res->stale = true;
		return;
	}
	tx->heard_at = now;
	if (mrc_psn_diff(nack->psn, tx->una) < 0 ||
	    e->state != MRC_TXENT_FLIGHT)
		return;
	/* Of an earlier transmission: another one is on its way. */
	if (e->count > 1 && !mrc_tx_took(ps, e->path, nack->entropy))
		return;

	switch (nack->reason) {
	case MRC_NACK_TRIMMED:
		mrc_paths_trimmed(ps->paths, e->path, now);
		fallthrough;
	case MRC_NACK_TRIMMED_LASTHOP:
		mrc_cc_trimmed(ps->cc, e->bytes, e->count == 1 ?
			       mrc_tx_elapsed(e->sent, now) : 0, now);
		break;
	default:
		mrc_cc_release(ps->cc, e->bytes);
	}
	mrc_tx_mark_lost(tx, ps, nack->psn);
	res->lost_packets = 1;
}
