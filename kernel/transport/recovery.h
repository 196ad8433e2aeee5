/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Between tx.c, the scoreboard, and recovery.c, which judges what is lost and
 * keeps the timers. Nobody else includes this.
 */
#ifndef MRC_TRANSPORT_RECOVERY_H
#define MRC_TRANSPORT_RECOVERY_H

#include "tx.h"

static inline struct mrc_txent *mrc_tx_entry(const struct mrc_tx *tx, u32 psn)
{
	return &tx->board[psn & tx->mask];
}

/* PSN of entry @i, which lies between una and next_psn. */
static inline u32 mrc_tx_psn_of(const struct mrc_tx *tx, u16 i)
{
	return mrc_psn_add(tx->una, (i - tx->una) & tx->mask);
}

static inline u32 mrc_tx_ticks(u64 ns)
{
	return ns >> MRC_TX_TICK_SHIFT;
}

/* ns since @ticks, which is not in the future; at least 1. */
static inline u64 mrc_tx_elapsed(u32 ticks, u64 now)
{
	u64 ns = (u64)(mrc_tx_ticks(now) - ticks) << MRC_TX_TICK_SHIFT;

	return ns ? ns : 1;
}

/* Is @entropy that of path @path? */
static inline bool mrc_tx_took(struct mrc_peer_state *ps, u16 path, u32 entropy)
{
	u32 ev;

	if (path >= mrc_paths_count(ps->paths))
		return false;
	ev = mrc_path_get(ps->paths, path)->entropy;
	/* Over IPv4 the source port is all that arrives. */
	if (!(ev >> 16) || !(entropy >> 16))
		return !((ev ^ entropy) & 0xffff);
	return ev == entropy;
}

/* Which transmission of a packet has arrived? */
enum mrc_verdict {
	MRC_VERDICT_LAST,	/* the last, as far as can be told */
	MRC_VERDICT_FIRST,	/* one before the last, thought lost */
	MRC_VERDICT_LATE,	/* the last, thought lost, not sent again yet */
};

/* The latest sent of the packets that one answer acknowledges. */
struct mrc_ack_info {
	u32 old_rack;		/* mrc_tx.rack_sent when the answer came */
	bool old_valid;
	u32 sent;		/* ticks */
	bool any;
};

void mrc_tx_mark_lost(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn);

void mrc_recovery_start(struct mrc_tx *tx, struct mrc_peer_state *ps, u64 now);
void mrc_recovery_begin(const struct mrc_tx *tx, struct mrc_ack_info *info);
enum mrc_verdict mrc_recovery_acked(struct mrc_tx *tx,
				    struct mrc_peer_state *ps, u32 psn,
				    const u32 *entropy, u64 now,
				    struct mrc_ack_info *info);
void mrc_recovery_spurious(struct mrc_tx *tx, struct mrc_peer_state *ps,
			   u32 psn, u64 now);
void mrc_recovery_remember(struct mrc_tx *tx, u32 psn, u64 now);
bool mrc_recovery_recall(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
			 u32 entropy, u64 now);
void mrc_recovery_rtt(struct mrc_tx *tx, u64 rtt_ns);
void mrc_recovery_reported(struct mrc_tx *tx, struct mrc_peer_state *ps,
			   const struct mrc_sack *s,
			   struct mrc_ack_info *info, u64 now);
void mrc_recovery_answered(struct mrc_tx *tx, const struct mrc_ack_info *info,
			   u64 now);
u32 mrc_recovery_detect(struct mrc_tx *tx, struct mrc_peer_state *ps, u64 now);

#endif
