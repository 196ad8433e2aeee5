/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Transmit side of one packet stream: the scoreboard of packets in flight,
 * loss recovery and its timers. What a packet carried is the message layer's
 * business; here a packet is a PSN, a path and a number of bytes.
 *
 * The caller serialises all calls on one mrc_tx, and holds the peer's lock
 * where struct mrc_peer_state (paths and congestion) is passed. Times are ns,
 * monotonic, and passed in.
 */
#ifndef MRC_TRANSPORT_TX_H
#define MRC_TRANSPORT_TX_H

#include "sack.h"
#include "paths.h"
#include "nscc.h"

/*
 * Send times are in units of 256 ns: fine enough for the RTT of a fabric, and
 * they wrap after 18 minutes only.
 */
#define MRC_TX_TICK_SHIFT	8
/* Unit of mrc_txent.gap, in ticks (1 << 10 = 262 us). */
#define MRC_TX_GAP_SHIFT	10

enum mrc_txent_state {
	MRC_TXENT_FREE,
	MRC_TXENT_FLIGHT,	/* in mrc_tx.flight */
	MRC_TXENT_LOST,		/* in mrc_tx.lost */
	MRC_TXENT_ACKED,
};

/* A packet sent: entry PSN modulo the board's size. */
struct mrc_txent {
	u32 sent;		/* last transmission, ticks */
	u16 bytes;		/* nominal */
	u16 path;
	u16 prev_path;		/* of the transmission before the last */
	u16 prev, next;		/* list: entry numbers */
	u8 state:2;		/* enum mrc_txent_state */
	u8 count:3;		/* transmissions, saturating */
	u8 judged:1;		/* the last transmission was found needless */
	u8 gap;			/* between the last two transmissions */
};

#define MRC_TX_NONE		0xffff

/* Entries linked by number. */
struct mrc_txlist {
	u16 head;		/* MRC_TX_NONE: empty */
	u16 tail;
	u32 count;
};

/*
 * A transmission that was given up for lost. Some are kept longer than the
 * scoreboard keeps them, to learn of those that arrive very late.
 */
struct mrc_txpast {
	u32 psn;
	u32 sent;		/* ticks */
	u16 path;		/* MRC_TX_NONE: unused */
};

#define MRC_TX_PAST		16

struct mrc_tx {
	struct mrc_txent *board;
	u32 mask;		/* entries - 1 */
	u32 una;		/* cack + 1 */
	u32 next_psn;
	u32 fack;		/* after the highest PSN reported on */
	u32 sacked;		/* ACKED entries, una .. next_psn - 1 */
	u32 window;		/* PSNs; what the peer's last SACK said if dynamic */
	u32 max_window;		/* PSNs, what was agreed on */
	bool dynamic_mpr;
	bool service_time;
	struct mrc_txlist flight;	/* in the order of sending */
	struct mrc_txlist lost;		/* ascending PSN */
	struct mrc_rotor rotor;

	u64 rto_ns;
	u64 rto_base;		/* last progress */
	u64 heard_at;		/* last word from the peer */
	u8 retry_cnt;
	u8 exp_cnt;
	u8 retry;		/* RTOs since the last progress */
	bool started;		/* something was sent ever */

	u32 srtt;		/* ns, 0: no sample */
	u32 min_rtt;		/* ns */
	/* The latest sent of the packets acknowledged, and its RTT; ticks */
	u32 rack_sent;
	u32 rack_rtt;
	bool rack_valid;
	bool told_valid;
	/* Of all that was sent before it is known whether it arrived; ticks */
	u32 told_sent;
	u32 jitter;		/* mrc_tx_params.jitter_ns, ticks */
	u32 reo_seen;		/* mrc_paths_reordering() when last asked; ticks */

	bool probe_pending;
	u8 probe_backoff;
	u16 probe_id;
	u16 probe_path;		/* MRC_TX_NONE: none */
	u32 probe_next_psn;	/* next_psn when it was sent */
	u64 probe_at;		/* when the last was sent; 0: never */
	struct mrc_txpast past[MRC_TX_PAST];	/* by PSN modulo its size */
};

/* Shared by all streams to one peer; under the peer's lock. */
struct mrc_peer_state {
	struct mrc_paths *paths;
	struct mrc_cc *cc;
};

struct mrc_tx_params {
	u64 rto_ns;		/* QP timeout: 4.096 us * 2^timeout; 0: never */
	/*
	 * RTOs without progress before giving up: retry_cnt (0..7, MRC's
	 * linear_cnt) at that interval, then exp_cnt more (0..25, 25: no end)
	 * at intervals that double.
	 */
	u8 retry_cnt;
	u8 exp_cnt;
	u32 window;		/* peer's MPR in PSNs */
	bool dynamic_mpr;	/* SACKs may make it smaller, or as large again */
	bool service_time;	/* reflected timestamps leave out the peer's time */
	u32 seed;		/* of the path rotation */
	/*
	 * By how much the endpoints themselves may hold packets up, usually:
	 * no packet counts as late before, and ten times that is the least
	 * time before a probe asks. 0: MRC_TX_JITTER, fit for software.
	 */
	u32 jitter_ns;
};

#define MRC_TX_JITTER		100000	/* ns */
#define MRC_TX_EXP_FOREVER	25	/* mrc_tx_params.exp_cnt */
#define MRC_TX_BOARD_MIN	64
#define MRC_TX_BOARD_MAX	32768

/*
 * @first: first PSN to send. @board: MRC_TX_BOARD_MIN entries or more, power
 * of two, owned by the caller.
 */
void mrc_tx_init(struct mrc_tx *tx, u32 first, struct mrc_txent *board,
		 u32 entries);
void mrc_tx_set_params(struct mrc_tx *tx, const struct mrc_tx_params *p);
/* Move to a larger board; returns the old one for the caller to free. */
struct mrc_txent *mrc_tx_grow(struct mrc_tx *tx, struct mrc_txent *board,
			      u32 entries);
/* True if the board, and not the peer's window, is what holds sending up. */
bool mrc_tx_board_full(const struct mrc_tx *tx);

/* PSN of the next new packet; oldest PSN not yet acknowledged cumulatively. */
u32 mrc_tx_next_psn(const struct mrc_tx *tx);
u32 mrc_tx_una(const struct mrc_tx *tx);
/* Room for one more new packet in the peer's window and on the board? */
bool mrc_tx_window_open(const struct mrc_tx *tx);
/* Everything sent has been acknowledged (delivered)? */
bool mrc_tx_idle(const struct mrc_tx *tx);

/* Packets in flight. */
u32 mrc_tx_flight(const struct mrc_tx *tx);

/* The oldest PSN that is to be sent again; false: none. */
bool mrc_tx_peek_lost(const struct mrc_tx *tx, u32 *psn);
/*
 * Choose a path for a packet of @psn (another than the last time for a
 * retransmission); -1: no path can send now.
 */
int mrc_tx_pick_path(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
		     u64 now);
/*
 * A packet goes out: the next new PSN, or one from mrc_tx_peek_lost().
 * @bytes: nominal size. Charges congestion control.
 */
void mrc_tx_sent(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
		 int path, u32 bytes, u64 now);

/*
 * Asked after mrc_tx_sent(): can the stream do with fewer SACKs than every
 * 16 KiB? The packet may then say so, to a peer that heeds it.
 */
bool mrc_tx_calm(const struct mrc_tx *tx, const struct mrc_peer_state *ps);

struct mrc_tx_result {
	u32 acked_packets;	/* newly acknowledged */
	u32 acked_bytes;
	u32 lost_packets;	/* newly found lost, to be sent again */
	u32 spurious;		/* retransmissions that were not needed */
	bool advanced;		/* mrc_tx_una() moved */
	bool stale;		/* outside what was sent: ignored altogether */
};

void mrc_tx_on_sack(struct mrc_tx *tx, struct mrc_peer_state *ps,
		    const struct mrc_sack *s, u64 now,
		    struct mrc_tx_result *res);
/* A Transport ACK: all PSNs up to @psn have been delivered. */
void mrc_tx_on_ack(struct mrc_tx *tx, struct mrc_peer_state *ps, u32 psn,
		   u64 now, struct mrc_tx_result *res);
/*
 * A NACK: the packet is to be sent again. TRIMMED and TRIMMED_LASTHOP go to
 * congestion control and (not LASTHOP) to the path; the other reasons blame
 * no path. MRC_NACK_UNEXP_EVENT is left to the caller.
 */
void mrc_tx_on_nack(struct mrc_tx *tx, struct mrc_peer_state *ps,
		    const struct mrc_nack *n, u64 now,
		    struct mrc_tx_result *res);

enum mrc_tx_timer_action {
	MRC_TX_PROBE	= 1,	/* send a reliability probe (mrc_tx_probe_sent) */
	MRC_TX_RESEND	= 2,	/* packets were marked lost */
	MRC_TX_RTO	= 4,	/* the retransmission timeout fired */
	MRC_TX_DEAD	= 8,	/* retry count exceeded */
};

/*
 * Earliest time at which mrc_tx_on_timer() has something to do, U64_MAX: none.
 * @awaiting: the caller waits for an answer although all is delivered (a
 * Transport ACK, a READ response): probes and timeouts go on.
 * @paused: sending is suspended (RNR): no probe, no timeout meanwhile.
 */
u64 mrc_tx_deadline(const struct mrc_tx *tx, bool awaiting);
unsigned int mrc_tx_on_timer(struct mrc_tx *tx, struct mrc_peer_state *ps,
			     u64 now, bool awaiting,
			     struct mrc_tx_result *res);
/* The caller heard from the peer something that counts as progress. */
void mrc_tx_progress(struct mrc_tx *tx, u64 now);
/* A probe goes out: returns its id, chooses *path (-1: none can send). */
u16 mrc_tx_probe_sent(struct mrc_tx *tx, struct mrc_peer_state *ps, int *path,
		      u64 now);
/* The stream ends: give back what it holds of the shared congestion window. */
void mrc_tx_release(struct mrc_tx *tx, struct mrc_peer_state *ps);

#endif
