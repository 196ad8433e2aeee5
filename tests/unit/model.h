/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A sender and a receiver with a network of planes between them, driven by
 * events. The sender is kernel/transport as the message layer uses it; what it
 * does is checked at every step against what really happened.
 */
#ifndef MRC_UNIT_MODEL_H
#define MRC_UNIT_MODEL_H

#include "harness.h"
#include "transport/rxwin.h"
#include "transport/tx.h"

#define MODEL_PLANES	8

struct plane_model {
	u64 delay;		/* ns, one way */
	u64 jitter;		/* ns, uniform on top */
	u32 loss;		/* ppm */
	u32 late;		/* ppm of packets that take late_by more */
	u64 late_by;		/* ns */
	u32 dup;		/* ppm */
	u64 ns_per_kb;		/* serialisation, 0: infinitely fast */
	u32 queue;		/* packets that fit, with ns_per_kb */
	bool dead;		/* swallows everything */
	u64 busy_until[2];
};

struct model_conf {
	u64 seed;
	u32 planes;
	u32 paths;
	u32 rx_window;		/* PSNs */
	u32 tx_window;		/* what the sender thinks it is */
	u32 board;		/* entries at the start */
	u32 board_max;
	u32 first_psn;
	u32 packets;		/* to deliver; 0: until time is up */
	u32 bytes;		/* nominal, per packet */
	u32 ackreq_every;
	bool calm;		/* the receiver heeds what mrc_tx_calm() says */
	u64 done_delay;		/* ns from claim to done, at most */
	u64 send_gap;		/* ns between new packets; 0: as fast as can be */
	u64 rto_ns;
	u8 retry_cnt;
	u64 speed_bps;
	u64 time_limit;		/* ns */
	/* now and then (0: never) an endpoint does nothing for so long, ns */
	u64 stall_every;
	u64 stall_for;
	struct plane_model plane[MODEL_PLANES];
	bool trim;		/* full queues cut off payload, the rest overtakes */
	u32 bad_path;		/* this path loses bad_loss ppm besides */
	u32 bad_loss;
};

struct model_stats {
	u64 sent, retransmits, dropped, sacks, sacks_dropped, probes;
	u64 path_probes, spurious_needless, spurious_seen, rtos, dups;
	u64 delivered, bytes_delivered, done_at;
	u64 plane_tx[MODEL_PLANES];
	u64 trimmed, nacks;
	u64 calm;		/* packets sent that said so */
	u64 repair, repair_max;	/* ns from sending to NACK, sum and greatest */
};

struct event;

struct model {
	struct model_conf c;
	struct rng rng;
	u64 now;
	struct event *heap;
	u32 nheap, heap_size;
	u32 event_seq;

	struct mrc_tx tx;
	struct mrc_txent *board;
	u32 entries;
	struct mrc_peer_state ps;
	struct mrc_cc cc;
	struct mrc_rxwin rx;
	void *rx_storage;

	u32 made;		/* new packets sent */
	u64 next_new;		/* when send_gap allows the next */
	u64 timer_at, path_timer_at;
	bool dead;
	u64 stalled_until[2], next_stall[2];	/* sender, receiver */
	/* by packet number modulo TRUTH, which exceeds any window */
	struct truth *truth;
	struct model_stats st;
	/* called at points in time that the test wants */
	void (*hook)(struct model *m);
	u64 hook_at;
};

/* Fills in sensible values: four planes of 50 us, 10 us of jitter. */
void model_defaults(struct model_conf *c);
void model_init(struct model *m, const struct model_conf *c);
/* Until all is delivered, the sender gives up, or time is up. */
void model_run(struct model *m);
/* After the end: nothing is left over anywhere. */
void model_check_end(struct model *m);
void model_free(struct model *m);

#endif
