/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* Private to the message layer. */
#ifndef MRC_MESSAGE_H
#define MRC_MESSAGE_H

#include "mrc.h"

/* Payload up to this size is copied into the skb's linear part. */
#define MRC_COPY_MAX		256
/* Packets built under one hold of the QP lock. */
#define MRC_BATCH		16
/* Bytes of skbs a device may hold for packets that wait for earlier ones. */
#define MRC_HELD_MAX		(128L << 20)

enum mrc_txmsg_kind {
	MRC_MSG_WR,		/* a work request of the SQ */
	MRC_MSG_READ_RESP,
	MRC_MSG_ATOMIC_RESP,
};

/*
 * A message of the outgoing stream. It lives while it is in one of two lists:
 * qp->msgs from its first packet until all its packets are delivered, and
 * req.wrs (or resp.answers) until it is completed; and while packets of its
 * answer are being placed, for a peer may send more of them than it was asked
 * for.
 */
struct mrc_txmsg {
	struct list_head msgs;
	struct list_head owner;		/* req.wrs or resp.answers */
	struct list_head reads;		/* req.reads: waits for an answer */
	u8 kind;			/* enum mrc_txmsg_kind */
	bool in_msgs;
	bool in_owner;
	bool answered;			/* READ, ATOMIC: the answer is complete */
	u32 opcode;			/* enum ib_wr_opcode, for MRC_MSG_WR */
	u32 flags;			/* MRC_SQE_* */
	u32 status;			/* enum ib_wc_status */
	u32 first_psn;			/* valid once in_msgs */
	u32 npkts;
	u32 made;			/* packets sent at least once */
	u32 length;			/* of the message, bytes */
	u32 placed;			/* READ: bytes of the answer that arrived */
	u32 placing;			/* CPUs that place its answer, unlocked */
	u16 msn;
	u16 rqmsn;
	u64 wr_id;
	u64 remote_addr;
	u32 rkey;
	u32 imm;
	u64 compare_add;
	u64 swap;			/* ATOMIC response: the original value */
	u32 num_sge;
	bool is_inline;
	union {
		DECLARE_FLEX_ARRAY(struct mrc_sge, sge);
		DECLARE_FLEX_ARRAY(u8, data);
	};
};

static inline u32 mrc_txmsg_last_psn(const struct mrc_txmsg *m)
{
	return mrc_psn_add(m->first_psn, m->npkts - 1);
}

static inline bool mrc_txmsg_is_read(const struct mrc_txmsg *m)
{
	return m->kind == MRC_MSG_WR && (m->opcode == IB_WR_RDMA_READ ||
					 m->opcode == IB_WR_ATOMIC_CMP_AND_SWP ||
					 m->opcode == IB_WR_ATOMIC_FETCH_AND_ADD);
}

/* struct sk_buff::cb of a packet held for its turn. */
struct mrc_heldcb {
	struct mrc_txmsg *answer;	/* READ, ATOMIC: allocated beforehand */
	u32 psn;
	bool placed;		/* payload lies in memory already */
	bool cut;		/* later WRITEs have the last word on parts of it */
	u8 syndrome;		/* refused: NAK to send, 0: fine */
	u8 wc_status;		/* refused: of the receive WR, 0: no matter */
};

#define MRC_HELDCB(skb)	((struct mrc_heldcb *)(skb)->cb)

/* Decode @skb as mrc_qp_rx() gets it; false: malformed. */
static inline bool mrc_pkt_parse(struct mrc_pkt *p, const struct sk_buff *skb)
{
	return mrc_pkt_decode(p, skb->data, skb_headlen(skb), skb->len);
}

/* packet.c */
/*
 * Build packet number @idx of @m with PSN @psn. NULL: no memory (*status
 * stays), or the message is at fault (*status says how). qp->lock held.
 */
struct sk_buff *mrc_pkt_build(struct mrc_qp *qp, struct mrc_txmsg *m, u32 idx,
			      u32 psn, bool ackreq, bool rtx, bool calm,
			      u32 *status);
u32 mrc_pkt_payload(const struct mrc_qp *qp, const struct mrc_txmsg *m, u32 idx);
/* UDP length + 40 of packet @idx of @m, without building it. */
u32 mrc_pkt_nominal(const struct mrc_qp *qp, const struct mrc_txmsg *m, u32 idx);
/* A control packet with @len bytes behind the BTH, zeroed; BTH filled. */
struct sk_buff *mrc_ctl_build(struct mrc_qp *qp, u8 opcode, u32 psn, u32 len,
			      void **body);

/* Everything with qp->lock held unless it says otherwise. */

/* requester.c */
struct mrc_txmsg *mrc_req_next(struct mrc_qp *qp, u64 now);
bool mrc_req_more(const struct mrc_qp *qp);
void mrc_req_retire(struct mrc_qp *qp);
void mrc_req_nak(struct mrc_qp *qp, u32 psn, u8 syndrome);
void mrc_req_fail(struct mrc_qp *qp, struct mrc_txmsg *m, u32 status);
void mrc_req_flush(struct mrc_qp *qp);
void mrc_req_answer_placed(struct mrc_qp *qp, struct mrc_txmsg *m);
struct mrc_txmsg *mrc_req_find_read(struct mrc_qp *qp, u16 msn);
struct mrc_txmsg *mrc_find_msg(struct mrc_qp *qp, u32 psn);
bool mrc_req_acked(struct mrc_qp *qp, u32 psn);
void mrc_msgs_delivered(struct mrc_qp *qp);
void mrc_txmsg_release_owner(struct mrc_txmsg *m);
void mrc_txmsg_release_msgs(struct mrc_txmsg *m);
void mrc_txmsg_placed(struct mrc_txmsg *m);

/* Does the responder take packets? */
static inline bool mrc_receiving(const struct mrc_qp *qp)
{
	return (qp->state == IB_QPS_RTR || qp->state == IB_QPS_RTS ||
		qp->state == IB_QPS_SQD) && !qp->resp.nak_want;
}

static inline struct mrc_sack_cause
mrc_sack_cause(u32 psn, u16 tx_timestamp, const struct mrc_rxinfo *info)
{
	return (struct mrc_sack_cause){
		.now = info->now, .psn = psn, .entropy = info->entropy,
		.tx_timestamp = tx_timestamp, .ecn = info->ecn,
	};
}

/* The PSN up to which all packets are done. */
static inline u32 mrc_cack(const struct mrc_qp *qp)
{
	return mrc_psn_add(mrc_rxwin_next(&qp->rxw), -1);
}

/* acks.c */
/* They take peer->lock, and leave in @out what is to be sent once unlocked. */
void mrc_emit_sack(struct mrc_qp *qp, struct mrc_sack *s,
		   const struct mrc_sack_cause *cause, bool repeat_ack,
		   struct sk_buff_head *out);
void mrc_sack_later(struct mrc_qp *qp, const struct mrc_sack_cause *cause,
		    struct sk_buff_head *out);
void mrc_sack_now(struct mrc_qp *qp, struct sk_buff_head *out);
void mrc_emit_nack(struct mrc_qp *qp, const struct mrc_pkt *p,
		   const struct mrc_rxinfo *info, u8 reason,
		   struct sk_buff_head *out);
void mrc_resp_probe(struct mrc_qp *qp, u16 probe_id, u16 tx_timestamp,
		    const struct mrc_rxinfo *info, struct sk_buff_head *out);
void mrc_resp_trimmed(struct mrc_qp *qp, u32 psn, u16 tx_timestamp,
		      const struct mrc_rxinfo *info, bool lasthop,
		      struct sk_buff_head *out);
void mrc_resp_repeat_nak(struct mrc_qp *qp, struct sk_buff_head *out);

/* batch.c */
void mrc_batch_add(struct mrc_qp *qp);

/* responder.c */
/* Takes the skb. Drops and retakes qp->lock. */
void mrc_resp_data(struct mrc_qp *qp, struct sk_buff *skb, struct mrc_pkt *p,
		   const struct mrc_rxinfo *info, struct sk_buff_head *out);
/* Send a NAK that waited for the answers before it. */
void mrc_resp_try_nak(struct mrc_qp *qp, struct sk_buff_head *out);
void mrc_resp_flush(struct mrc_qp *qp);
void mrc_resp_free(struct mrc_qp *qp);

/* run.c */
void mrc_qp_busy(struct mrc_qp *qp);
void mrc_qp_unbusy(struct mrc_qp *qp);
/* The outgoing stream begins with @psn. */
void mrc_tx_start(struct mrc_qp *qp, u32 psn);
/* What packets have left to be done. RCU, BH disabled, no locks held. */
void mrc_qp_after_rx(struct mrc_qp *qp);
/* Async event about the QP. */
void mrc_qp_event(struct mrc_qp *qp, enum ib_event_type type);

#endif
