/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Receive window of one packet stream: which PSNs have arrived, which are
 * done, and when a SACK is due.
 *
 * A PSN is claimed once (its packet passed every check and belongs to the
 * claimer) and done once (its payload lies in final memory and it was
 * processed). cack follows "done" without gaps; the SACK bitmap shows
 * "claimed". The caller serialises all calls.
 */
#ifndef MRC_TRANSPORT_RXWIN_H
#define MRC_TRANSPORT_RXWIN_H

#include "sack.h"

enum mrc_rx_verdict {
	MRC_RX_NEW,
	MRC_RX_DUP,		/* claimed before */
	MRC_RX_OLD,		/* at or below cack */
	MRC_RX_OUTSIDE,		/* beyond the window */
};

/*
 * The bitmaps are rings of 64-bit words indexed by PSN modulo the window. A
 * region is 64 PSNs aligned to 64; a window that does not begin at a region's
 * start touches one region more than it has words.
 */
struct mrc_rxwin {
	u32 next;		/* cack + 1 */
	u32 gap;		/* first PSN not claimed, next or later */
	u32 size;		/* PSNs */
	u32 offer;		/* PSNs that the sender is told it may use */
	u8 penalty;		/* asked of the sender's congestion window */
	bool penalised;		/* it was asked for once */
	u32 claimed_count;	/* claimed at or above next */
	u32 since_sack;		/* bytes counted towards the next SACK */
	u32 untold;		/* packets since then */
	bool told_gap;		/* the last SACK showed that some are missing */
	u64 rcvd_bytes;
	u64 *claimed;
	u64 *done;
	/*
	 * News of a region is to be told twice, as a SACK may be lost: fresh
	 * if it was never told, again if only once. One bit per region.
	 */
	u64 *fresh;
	u64 *again;
	u32 nfresh;
	u32 nagain;
};

/* Bytes of bitmap storage for a window of @psns (power of two, 64..32768). */
size_t mrc_rxwin_storage(u32 psns);
/* @first: the PSN expected first. @storage: zeroed or not, kept by the caller. */
void mrc_rxwin_init(struct mrc_rxwin *w, u32 first, u32 psns, void *storage);

enum mrc_rx_verdict mrc_rxwin_check(const struct mrc_rxwin *w, u32 psn);
/*
 * Take a PSN for which mrc_rxwin_check() said MRC_RX_NEW.
 * @nominal: nominal packet size (UDP length + 40), for rcvd_bytes and the
 * SACK trigger by bytes.
 */
void mrc_rxwin_claim(struct mrc_rxwin *w, u32 psn, u32 nominal);
/* A claimed PSN is done. Returns by how many PSNs cack moved on. */
u32 mrc_rxwin_done(struct mrc_rxwin *w, u32 psn);
/* Is a PSN that was claimed done? */
bool mrc_rxwin_is_done(const struct mrc_rxwin *w, u32 psn);
/* The PSN after cack. */
u32 mrc_rxwin_next(const struct mrc_rxwin *w);

/*
 * Is a SACK due after this arrival (new or duplicate)? The triggers of the
 * specification: bytes since the last (16 KiB, at least 1 KiB counted per
 * packet), AckReq, ECN mark, retransmission, duplicate. @calm: the sender can
 * do without (mrc_tx_calm()); rarer, then, while nothing is missing.
 */
bool mrc_rxwin_sack_due(struct mrc_rxwin *w, bool ackreq, bool ecn, bool rtx,
			bool dup, bool calm);
/* Is one due that can wait no longer for the end of a burst of packets? */
bool mrc_rxwin_sack_overdue(const struct mrc_rxwin *w);
/*
 * Are there arrivals that no SACK has told of yet? After an AckReq or a probe
 * the caller may then send another SACK.
 */
bool mrc_rxwin_more(const struct mrc_rxwin *w);
/*
 * The receiver's memory: @used of @limit units, @limit at least 8. Decides
 * what later SACKs offer (if @dynamic) and ask for.
 */
void mrc_rxwin_pressure(struct mrc_rxwin *w, u32 used, u32 limit, bool dynamic);
/*
 * Fill cack, bitmap, sack_offset, ooo_count, rcvd_bytes and mpr of @s for a
 * SACK caused by @psn (or by a probe: psn = cack) and count it as sent.
 * The bitmap covers @psn unless an older region has news not yet reported.
 */
void mrc_rxwin_fill_sack(struct mrc_rxwin *w, struct mrc_sack *s, u32 psn);

#endif
