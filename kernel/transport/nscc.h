/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * NSCC, the window-based congestion control of MRC 1.0 ("uet-1.0-nscc"), or
 * "null", which holds nothing back; per destination: one context serves all QPs
 * to a peer. The caller holds the peer's lock. Bytes are nominal packet bytes
 * (UDP length + 40).
 */
#ifndef MRC_TRANSPORT_NSCC_H
#define MRC_TRANSPORT_NSCC_H

#include <linux/types.h>

#include "mrc/wire.h"

enum mrc_cc_algorithm {
	MRC_CC_NSCC,
	MRC_CC_NULL,		/* only the peer's PSN windows are a limit */
};

/*
 * What an operator can set. In percent unless it says otherwise; a and b are
 * those of UEC 1.0: BDP / 150,000 bytes and target / 12 us.
 */
struct mrc_cc_profile {
	u16 algorithm;		/* enum mrc_cc_algorithm */
	u16 trimming;		/* the fabric trims */
	u16 target;		/* delay aimed at, of base RTT; 0: 100, trimming 75 */
	u16 initial;		/* first window, packets */
	u16 limit;		/* greatest window, of BDP */
	u16 gamma;		/* multiplicative decrease */
	u16 md_jump;		/* decrease at once, at most, of the window */
	u16 fi;			/* fair increase, of an MTU, times a */
	u16 fi_scale;		/* fast increase, per byte, times a */
	u16 eta;		/* per period, of an MTU, times a */
	u16 alpha;		/* proportional increase, of an MTU, times a b */
	u16 qa_gate;		/* quick adapt: below limit >> qa_gate */
	u16 qa_threshold;	/* quick adapt: delay, of target */
	u16 adjust;		/* packets acknowledged before an adjustment */
};

extern const struct mrc_cc_profile mrc_cc_default;

struct mrc_cc_params {
	const struct mrc_cc_profile *profile;	/* copied; NULL: the default */
	u32 mtu;		/* nominal bytes of a full packet */
	u64 speed_bps;		/* sum of the planes, bits per second */
	/*
	 * Delay up to which a queue cannot be told from busy processors.
	 * 0: MRC_CC_HOLD, fit for software.
	 */
	u32 hold_ns;
};

#define MRC_CC_HOLD	4000000	/* ns: a scheduler's tick */

struct mrc_cc {
	u64 cwnd;		/* bytes */
	u64 inflight;		/* bytes */
	u64 max_wnd;		/* bytes */
	u64 saved_wnd;		/* cwnd before the receiver's penalty, 0: none */
	u64 speed_bps;
	u32 mtu;		/* nominal bytes */
	struct mrc_cc_profile p;

	u64 base_rtt;		/* ns, 0: no sample yet */
	u64 base_next;		/* least RTT of the running period, 0: none */
	u64 base_since;		/* start of that period */
	u64 target;		/* delay, ns */
	u64 queue;		/* least delay that is a queue of all, ns */
	u32 hold;		/* ns */
	u64 avg_delay;		/* ns << MRC_CC_DELAY_SHIFT */

	u64 inc;		/* bytes^2 to be added as inc / cwnd */
	u64 mtu_a;		/* a MTUs, bytes */
	u64 fi;			/* bytes per window of fair increase */
	u64 pi;			/* the same, proportional, at delay 0 */
	u64 eta;		/* bytes per period */
	u64 fi_count;		/* bytes acknowledged with hardly any delay */
	u64 adj_bytes;		/* acknowledged since the last adjustment */
	u64 adj_at;
	u64 dec_at;		/* last multiplicative decrease */

	u64 qa_at;		/* start of the quick adapt period */
	u64 qa_bytes;		/* acknowledged in it */
	u64 qa_lost;		/* lost in it */
	u64 lost_cut;		/* taken off the window for losses */
	u64 qa_min_delay;	/* least delay in it, U64_MAX: no sample */
	u64 qa_ignore;		/* bytes whose feedback is to be ignored */
	u32 qa_samples;		/* RTT samples in it */
	bool qa_trim;
	bool calm;		/* as it was when last acknowledged */
	u8 qa_high;		/* periods in a row with high delay only */
	u64 ecn_at;		/* last ECN mark, 0: never */
};

void mrc_cc_init(struct mrc_cc *cc, const struct mrc_cc_params *p, u64 now);
/* Another profile, in use: the window stays as far as it may. */
void mrc_cc_set_profile(struct mrc_cc *cc, const struct mrc_cc_profile *p,
			u64 now);
/* May another packet of @bytes be sent? One is always allowed when idle. */
bool mrc_cc_may_send(const struct mrc_cc *cc, u32 bytes);
/* Bytes that may still be sent, where the window is what limits. */
u64 mrc_cc_room(const struct mrc_cc *cc);
void mrc_cc_sent(struct mrc_cc *cc, u32 bytes);
/* @rtt_ns 0: no valid sample. */
void mrc_cc_acked(struct mrc_cc *cc, u32 bytes, u64 rtt_ns, bool ecn, u64 now);
/*
 * Bytes taken for lost: leave the flight; the window shrinks by them where
 * packets are delayed or many are lost.
 */
void mrc_cc_lost(struct mrc_cc *cc, u32 bytes, u64 now);
/* A packet counted as lost was not. */
void mrc_cc_spurious(struct mrc_cc *cc, u32 bytes);
/* CC_STATE of a SACK that acknowledged @bytes. */
void mrc_cc_penalty(struct mrc_cc *cc, u8 penalty, bool restore, u32 bytes);
/* @rtt_ns: from packet to NACK; 0: no valid sample. */
void mrc_cc_trimmed(struct mrc_cc *cc, u32 bytes, u64 rtt_ns, u64 now);
/* Bytes leave the flight without meaning anything (QP destroyed, NACK). */
void mrc_cc_release(struct mrc_cc *cc, u32 bytes);
/* Packets are neither delayed nor marked nor lost. */
bool mrc_cc_calm(const struct mrc_cc *cc);
u64 mrc_cc_cwnd(const struct mrc_cc *cc);
u64 mrc_cc_inflight(const struct mrc_cc *cc);
u64 mrc_cc_base_rtt(const struct mrc_cc *cc);

#endif
