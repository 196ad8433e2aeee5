/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mrc-integrity: both ends of every QP send a planned sequence of messages and
 * check every byte, immediate and completion of the other's.
 *
 *   requester (integrity_tx.c)  posts the plan's messages, checks send completions,
 *                               what READ brought and what atomics returned
 *   responder (integrity_rx.c)  posts receives to measure, runs the peer's plan,
 *                               checks memory and receive completions
 *
 * Memory that the peer writes into is filled with a fixed "clean" pattern; a
 * checked message is overwritten with it again. So a byte that lands where or
 * when it must not is found: at once when it is next to a message, by the check
 * of all memory at the end otherwise. A message number that the responder has
 * checked up to (the credit) is written into the requester's memory by an RDMA
 * WRITE of 8 bytes; only then may the requester use that target memory again.
 */
#ifndef INTEGRITY_H
#define INTEGRITY_H

#include "endpoint.h"
#include "plan.h"

#define MAX_SGE 4
#define SCRATCH_SLOTS 4
/* Memory windows of each flow, which the peer's SEND_INVs take away by turns. */
#define WINDOWS 4

enum inject {
	INJECT_NONE,
	INJECT_DATA,	/* send a message with its bytes shifted by one */
	INJECT_IMM,
	INJECT_SEQ,	/* wrong message number in the header */
	INJECT_GUARD,	/* write a byte in front of a message's target */
	INJECT_STALE,	/* write a byte where nothing is expected, at the very end */
	INJECT_ATOMIC,	/* add one too many */
	INJECT_DUP,	/* send a message twice */
	INJECT_LOST,	/* do not send a message */
	INJECT_READ,	/* read from the wrong place */
	INJECT_COUNT
};

/* What an end tells the other of one QP's memory. */
struct flow_address {
	struct qp_address qp;
	uint64_t target, scratch, words, pattern, shared;
	uint32_t rkey, pattern_rkey, shared_rkey;
	uint32_t window_rkey[WINDOWS];	/* before the first bind */
};

/* Words of 8 bytes that the peer writes. */
struct words {
	uint64_t credit;
	uint64_t fadd;
	uint64_t cas;
};

struct piece {
	uint32_t off, len;
};

/* A posted receive or the place a READ lands in: pieces of a vring. */
struct landing {
	struct piece piece[MAX_SGE];
	int pieces;
	uint64_t end;
};

/* A posted send work request. */
struct sent {
	enum ibv_wc_opcode opcode;
	bool signalled;
	bool lands;		/* READ or atomic: @landing is to be checked */
	bool atomic, exact;
	uint64_t msg;
	uint32_t len;
	struct landing landing;
	const uint8_t *expect;	/* READ: the bytes, of which ... */
	const uint8_t *over;	/* ... these replace a part */
	uint32_t over_off, over_len;
	uint64_t old;		/* atomic: the value to be returned */
};

/* A sent message that the peer has not yet said it has checked. */
struct unchecked {
	uint64_t index, end;
	bool consumes, is_write, is_inv;
};

struct tx {
	struct plan plan;
	struct msg msg;
	bool have_msg, all_posted;
	struct sent *sq;		/* by work request number, modulo sq_size */
	uint32_t sq_size;
	uint64_t sq_head, sq_tail;
	uint32_t unsignalled;
	uint32_t credits_queued;
	struct unchecked *fifo;
	uint32_t fifo_size;
	uint64_t fifo_head, fifo_tail;
	uint32_t consuming;		/* in the fifo */
	uint32_t invs;			/* SEND_INVs in the fifo */
	uint64_t next_inv;		/* number of the next SEND_INV */
	uint64_t checked;		/* the peer has checked messages below this */
	struct vring target;		/* the peer's; only the tail is used */
	struct vring land;
	uint64_t fadd, cas, shared_last;
	bool shared_seen;
	uint64_t raws, raws_done;
};

struct rx {
	struct plan plan;
	struct msg *fifo;		/* planned and not yet checked */
	uint32_t fifo_size;
	uint64_t fifo_head, fifo_tail;
	bool planned_all;
	struct landing *rq;		/* posted receives, by number modulo depth */
	uint64_t rq_head, rq_tail;	/* without SRQ only */
	uint64_t unposted;		/* next message in the fifo to post a receive for */
	struct vring recv;
	uint64_t checked, credit_sent;
	uint64_t invs;			/* windows lost to SEND_INVs so far */
	uint64_t bound;			/* binds posted so far */
};

struct flow {
	struct run *run;
	uint32_t id;
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	uint8_t *target, *scratch;	/* written by the peer */
	struct words *words;
	struct ibv_mr *remote_mr;
	struct ibv_mw *window[WINDOWS];	/* of remote_mr */
	uint8_t *land, *recv;		/* written by our own device only */
	struct msg_header *headers;
	struct ibv_mr *local_mr;
	struct flow_address self, peer;
	struct tx tx;
	struct rx rx;
	struct prng rnd;		/* choices the peer need not know */
};

struct run {
	struct plan_config cfg;
	struct endpoint ep;
	bool is_client;
	int channel;
	struct flow *flow;
	struct ibv_cq **cq;
	uint32_t cqs;
	struct ibv_comp_channel *comp;
	struct flow **by_qpn;		/* hash, open addressing */
	uint32_t by_qpn_mask;

	uint8_t *pattern[2];		/* our own, two copies of the same bytes */
	struct ibv_mr *pattern_mr[2];
	uint8_t *peer_pattern;
	uint8_t *clean;
	uint64_t *shared;		/* the counter that all of the peer's QPs add to */
	struct ibv_mr *shared_mr;
	uint64_t shared_sum;		/* what we have added to the peer's */

	struct ibv_srq *srq;
	uint8_t *srq_mem;
	struct ibv_mr *srq_mr;
	uint32_t srq_slots, srq_slot_size;

	uint32_t max_inline, max_sge;
	uint32_t land_size, recv_size;
	double progress;		/* when something last moved */
	uint64_t tx_count[K_COUNT], rx_count[K_COUNT];
	uint64_t tx_bytes, rx_bytes, completions, events, injected;
};

/*
 * Says what is wrong, with the state of the flow, and ends the program with
 * status 1. The first mismatch is the one worth reading.
 */
void __attribute__((noreturn, format(printf, 2, 3)))
mismatch(struct flow *f, const char *fmt, ...);

/* @got must hold @want; @where and @base only name the place in the message. */
void check_bytes(struct flow *f, const char *where, uint64_t msg, const uint8_t *got,
		 const uint8_t *want, uint32_t len, uint32_t base);
/* Memory at @mem + @off, @len must be untouched. */
void check_clean(struct flow *f, const char *where, uint64_t msg, const uint8_t *mem,
		 uint32_t off, uint32_t len);
/* Both guards around a piece; then makes the piece itself clean again. */
void release_piece(struct flow *f, const char *where, uint64_t msg, uint8_t *mem,
		   uint32_t off, uint32_t len);
/* Splits @len into pieces of @ring, at random; false when there is no room now. */
bool landing_alloc(struct flow *f, struct vring *ring, uint32_t len, uint32_t align,
		   struct landing *l);

/*
 * The key of a window after bind number @n of the flow, whose windows have their
 * turns. @initial: their keys before the first one.
 */
static inline uint32_t window_key(const uint32_t *initial, uint64_t n)
{
	uint32_t key = initial[n % WINDOWS];

	return (key & ~0xffu) | ((key + 1 + n / WINDOWS) & 0xff);
}

uint32_t tx_sq_size(const struct plan_config *cfg);
void tx_init(struct flow *f);
/* Posts the first binds; their completions come like all others. */
void tx_bind_windows(struct flow *f);
/* Posts what may be posted. */
void tx_post(struct flow *f, bool idle);
void tx_completion(struct flow *f, const struct ibv_wc *wc);
bool tx_done(const struct flow *f);

void rx_init(struct flow *f);
void rx_init_srq(struct run *r);
void rx_post(struct flow *f);
void rx_completion(struct flow *f, const struct ibv_wc *wc);
bool rx_done(const struct flow *f);

#endif
