/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Tracepoints, group "mrc", for perf and bpftrace; the admin guide has
 * examples. While nobody looks, each is an instruction that does nothing.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mrc

#if !defined(MRC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MRC_TRACE_H

#include <linux/tracepoint.h>

#include "mrc.h"

#define mrc_show_path_state(state)					\
	__print_symbolic(state, { MRC_PATH_GOOD, "good" },		\
			 { MRC_PATH_SKIP, "skip" },			\
			 { MRC_PATH_ASSUMED_BAD, "assumed_bad" },	\
			 { MRC_PATH_DENIED, "denied" })

/* A packet as it leaves or comes in: fields of its BTH and of its way. */
DECLARE_EVENT_CLASS(mrc_packet,
	TP_PROTO(const struct mrc_dev *dev, const struct mrc_bth *bth,
		 int plane, u32 entropy, u32 len, bool ecn),
	TP_ARGS(dev, bth, plane, entropy, len, ecn),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(int, plane)
		__field(u32, entropy)
		__field(u32, qpn)
		__field(u32, psn)
		__field(u32, len)
		__field(u8, opcode)
		__field(bool, ackreq)
		__field(bool, rtx)
		__field(bool, ecn)
	),
	TP_fast_assign(
		__entry->dev = dev->ibdev.index;
		__entry->plane = plane;
		__entry->entropy = entropy;
		__entry->qpn = be32_to_cpu(bth->dqpn) & MRC_QPN_MASK;
		__entry->psn = be32_to_cpu(bth->psn) & MRC_PSN_MASK;
		__entry->len = len;
		__entry->opcode = bth->opcode;
		__entry->ackreq = be32_to_cpu(bth->psn) & MRC_BTH_ACKREQ;
		__entry->rtx = be32_to_cpu(bth->psn) & MRC_BTH_RTX;
		__entry->ecn = ecn;
	),
	TP_printk("dev=%u plane=%d ev=%u op=0x%02x qpn=%u psn=%u len=%u ackreq=%d rtx=%d ecn=%d",
		  __entry->dev, __entry->plane, __entry->entropy,
		  __entry->opcode, __entry->qpn, __entry->psn, __entry->len,
		  __entry->ackreq, __entry->rtx, __entry->ecn)
);

/*
 * Handed to IP; @len: from the BTH to before pad and ICRC, bytes. Plane -1: a
 * hello, a probe's answer or UD, which go where the routing tables say.
 */
DEFINE_EVENT(mrc_packet, mrc_send,
	TP_PROTO(const struct mrc_dev *dev, const struct mrc_bth *bth,
		 int plane, u32 entropy, u32 len, bool ecn),
	TP_ARGS(dev, bth, plane, entropy, len, ecn)
);

/* Checked, and about to be given to a QP, pad and all; plane -1: over loopback. */
DEFINE_EVENT(mrc_packet, mrc_receive,
	TP_PROTO(const struct mrc_dev *dev, const struct mrc_bth *bth,
		 int plane, u32 entropy, u32 len, bool ecn),
	TP_ARGS(dev, bth, plane, entropy, len, ecn)
);

/* A SACK has come. */
TRACE_EVENT(mrc_sack,
	TP_PROTO(const struct mrc_qp *qp, const struct mrc_sack *s,
		 const struct mrc_tx_result *res),
	TP_ARGS(qp, s, res),
	TP_STRUCT__entry(
		__field(u32, qpn)
		__field(u32, cack)
		__field(u32, psn)
		__field(u32, entropy)
		__field(u32, acked)
		__field(u32, lost)
		__field(u8, m)
		__field(bool, stale)
	),
	TP_fast_assign(
		__entry->qpn = qp->qpn;
		__entry->cack = s->cack;
		__entry->psn = s->acked_psn;
		__entry->entropy = s->entropy;
		__entry->acked = res->acked_packets;
		__entry->lost = res->lost_packets;
		__entry->m = s->m;
		__entry->stale = res->stale;
	),
	TP_printk("qpn=%u cack=%u psn=%u ev=%u m=%u acked=%u lost=%u stale=%d",
		  __entry->qpn, __entry->cack, __entry->psn, __entry->entropy,
		  __entry->m, __entry->acked, __entry->lost, __entry->stale)
);

/* Packets were found lost, to be sent again. */
TRACE_EVENT(mrc_loss,
	TP_PROTO(const struct mrc_qp *qp, u32 packets, u8 cause),
	TP_ARGS(qp, packets, cause),
	TP_STRUCT__entry(
		__field(u32, qpn)
		__field(u32, packets)
		__field(u32, una)
		__field(u32, next)
		__field(u8, cause)
	),
	TP_fast_assign(
		__entry->qpn = qp->qpn;
		__entry->packets = packets;
		__entry->una = mrc_tx_una(&qp->tx);
		__entry->next = mrc_tx_next_psn(&qp->tx);
		__entry->cause = cause;
	),
	TP_printk("qpn=%u packets=%u cause=%s una=%u next=%u",
		  __entry->qpn, __entry->packets,
		  __print_symbolic(__entry->cause,
				   { MRC_QPC_lost_sack, "sack" },
				   { MRC_QPC_lost_nack, "nack" },
				   { MRC_QPC_lost_timer, "timer" }),
		  __entry->una, __entry->next)
);

/* A path has gone bad or become good. */
TRACE_EVENT(mrc_path_state,
	TP_PROTO(const struct mrc_peer *peer, u32 index,
		 const struct mrc_path *path),
	TP_ARGS(peer, index, path),
	TP_STRUCT__entry(
		__array(u8, remote, 16)
		__field(u32, index)
		__field(u32, entropy)
		__field(u32, tx)
		__field(u32, lost)
		__field(u64, at)
		__field(u8, plane)
		__field(u8, state)
	),
	TP_fast_assign(
		memcpy(__entry->remote, &peer->key.remote, 16);
		__entry->index = index;
		__entry->entropy = path->entropy;
		__entry->tx = path->tx;
		__entry->lost = path->lost;
		__entry->at = path->state_at;
		__entry->plane = path->plane;
		__entry->state = path->state;
	),
	TP_printk("peer=%pI6c plane=%u path=%u ev=%u state=%s tx=%u lost=%u at=%llu",
		  __entry->remote, __entry->plane, __entry->index,
		  __entry->entropy, mrc_show_path_state(__entry->state),
		  __entry->tx, __entry->lost, __entry->at)
);

/* The congestion window after feedback, bytes; peer->lock held. */
TRACE_EVENT(mrc_cwnd,
	TP_PROTO(const struct mrc_qp *qp),
	TP_ARGS(qp),
	TP_STRUCT__entry(
		__array(u8, remote, 16)
		__field(u32, qpn)
		__field(u32, srtt)
		__field(u64, cwnd)
		__field(u64, inflight)
	),
	TP_fast_assign(
		memcpy(__entry->remote, &qp->peer->key.remote, 16);
		__entry->qpn = qp->qpn;
		__entry->srtt = qp->tx.srtt;
		__entry->cwnd = mrc_cc_cwnd(qp->peer->st.cc);
		__entry->inflight = mrc_cc_inflight(qp->peer->st.cc);
	),
	TP_printk("peer=%pI6c qpn=%u cwnd=%llu inflight=%llu srtt_ns=%u",
		  __entry->remote, __entry->qpn, __entry->cwnd,
		  __entry->inflight, __entry->srtt)
);

#endif /* MRC_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH control
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
