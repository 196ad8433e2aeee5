/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * NSCC, the window-based congestion control of MRC 1.0 ("uet-1.0-nscc"),
 * per destination: one context serves all QPs to a peer. The caller holds
 * the peer's lock. Bytes are nominal packet bytes (UDP length + 40).
 */
#ifndef MRC_TRANSPORT_NSCC_H
#define MRC_TRANSPORT_NSCC_H

#include "mrc/wire.h"

struct mrc_cc_params {
	u32 mtu;		/* nominal bytes of a full packet */
	u64 speed_bps;		/* sum of the planes, bits per second */
	bool trimming;		/* the fabric trims */
};

struct mrc_cc;			/* full definition below */

void mrc_cc_init(struct mrc_cc *cc, const struct mrc_cc_params *p, u64 now);
/* May another packet of @bytes be sent? One is always allowed when idle. */
bool mrc_cc_may_send(const struct mrc_cc *cc, u32 bytes);
void mrc_cc_sent(struct mrc_cc *cc, u32 bytes);
/* @rtt_ns 0: no valid sample. */
void mrc_cc_acked(struct mrc_cc *cc, u32 bytes, u64 rtt_ns, bool ecn, u64 now);
/* Bytes taken for lost: leave the flight, window shrinks by a packet. */
void mrc_cc_lost(struct mrc_cc *cc, u32 bytes, u64 now);
void mrc_cc_trimmed(struct mrc_cc *cc, u32 bytes, u64 now);
/* Bytes leave the flight without meaning anything (QP destroyed, NACK). */
void mrc_cc_release(struct mrc_cc *cc, u32 bytes);
u64 mrc_cc_cwnd(const struct mrc_cc *cc);
u64 mrc_cc_inflight(const struct mrc_cc *cc);
u64 mrc_cc_base_rtt(const struct mrc_cc *cc);

#endif
