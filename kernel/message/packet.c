// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Building packets from messages. */
#include "message.h"

static u8 write_opcode(bool first, bool last, bool imm)
{
	if (first && last)
		return imm ? MRC_OP_WRITE_ONLY_IMM : MRC_OP_WRITE_ONLY;
	if (last)
		return imm ? MRC_OP_WRITE_LAST_IMM : MRC_OP_WRITE_LAST;
	return first ? MRC_OP_WRITE_FIRST : MRC_OP_WRITE_MIDDLE;
}

static u8 pkt_opcode(const struct mrc_txmsg *m, u32 idx)
{
	bool last = idx == m->npkts - 1;

	if (m->kind == MRC_MSG_READ_RESP)
		return last ? MRC_OP_X_READ_RESP_LAST : MRC_OP_X_READ_RESP;
	if (m->kind == MRC_MSG_ATOMIC_RESP)
		return MRC_OP_X_ATOMIC_RESP;

	switch (m->opcode) {
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
		return write_opcode(!idx, last,
				    m->opcode == IB_WR_RDMA_WRITE_WITH_IMM);
	case IB_WR_SEND_WITH_IMM:
		return last ? MRC_OP_X_SEND_LAST_IMM : MRC_OP_X_SEND;
	case IB_WR_SEND_WITH_INV:
		return last ? MRC_OP_X_SEND_LAST_INV : MRC_OP_X_SEND;
	case IB_WR_RDMA_READ:
		return MRC_OP_X_READ_REQ;
	case IB_WR_ATOMIC_CMP_AND_SWP:
		return MRC_OP_X_CMP_SWAP;
	case IB_WR_ATOMIC_FETCH_AND_ADD:
		return MRC_OP_X_FETCH_ADD;
	default:
		return last ? MRC_OP_X_SEND_LAST : MRC_OP_X_SEND;
	}
}

/**
 * mrc_pkt_payload - payload bytes of a packet, without pad
 * @qp: QP that sends it
 * @m: message
 * @idx: number of the packet in the message
 */
u32 mrc_pkt_payload(const struct mrc_qp *qp, const struct mrc_txmsg *m, u32 idx)
{
	if (m->kind == MRC_MSG_ATOMIC_RESP)
		return sizeof(struct mrc_atomicacketh);
	if (mrc_txmsg_is_read(m))
		return 0;
	return min(qp->mtu, m->length - idx * qp->mtu);
}

static u32 pkt_hdrlen(u8 op)
{
	return mrc_opcode_hdrlen(op) + sizeof(struct mrc_tseth);
}

/**
 * mrc_pkt_nominal - size of a packet for congestion control
 * @qp: QP that sends it
 * @m: message
 * @idx: number of the packet in the message
 *
 * Return: bytes: UDP length + 40 (UE specification, nominal packet size).
 */
u32 mrc_pkt_nominal(const struct mrc_qp *qp, const struct mrc_txmsg *m, u32 idx)
{
	u32 plen = mrc_pkt_payload(qp, m, idx);

	return pkt_hdrlen(pkt_opcode(m, idx)) + ALIGN(plen, 4) +
	       MRC_ICRC_SIZE + sizeof(struct udphdr) + 40;
}

/*
 * Add @len payload bytes from offset @off of a scatter/gather list, by copy
 * into the linear part or as fragments. An enum ib_wc_status, or -ENOMEM,
 * -EMSGSIZE (too many fragments).
 */
static int add_sges(struct mrc_qp *qp, const struct mrc_txmsg *m, u32 off,
		    u32 len, bool copy, struct sk_buff *skb)
{
	u32 i;
	int err;

	for (i = 0; i < m->num_sge && len; i++) {
		const struct mrc_sge *sge = &m->sge[i];
		struct mrc_mr *mr;
		u32 n;

		if (off >= sge->length) {
			off -= sge->length;
			continue;
		}
		n = min(len, sge->length - off);
		mr = mrc_mr_get(qp, sge->lkey,
				sge->addr + off, n, 0, false);
		if (!mr)
			return IB_WC_LOC_PROT_ERR;
		if (copy) {
			mrc_mr_copy_to_buf(mr, sge->addr + off,
					   skb_put(skb, n), n);
			err = 0;
		} else {
			err = mrc_mr_add_frags(mr, sge->addr + off, n, skb);
		}
		mrc_mr_put(mr);
		if (err)
			return err;
		len -= n;
		off = 0;
	}
	return IB_WC_SUCCESS;
}

static int add_read_resp(struct mrc_qp *qp, const struct mrc_txmsg *m, u32 off,
			 u32 len, bool copy, struct sk_buff *skb)
{
	struct mrc_mr *mr;
	int err = 0;

	mr = mrc_mr_get(qp, m->rkey, m->remote_addr + off,
			len, IB_ACCESS_REMOTE_READ, true);
	if (!mr)
		return IB_WC_REM_ACCESS_ERR;
	if (copy)
		mrc_mr_copy_to_buf(mr, m->remote_addr + off,
				   skb_put(skb, len), len);
	else
		err = mrc_mr_add_frags(mr, m->remote_addr + off, len, skb);
	mrc_mr_put(mr);
	return err;
}

static int add_payload(struct mrc_qp *qp, const struct mrc_txmsg *m, u32 off,
		       u32 len, bool copy, struct sk_buff *skb)
{
	if (!len)
		return IB_WC_SUCCESS;
	if (m->kind == MRC_MSG_READ_RESP)
		return add_read_resp(qp, m, off, len, copy, skb);
	if (m->kind == MRC_MSG_ATOMIC_RESP) {
		struct mrc_atomicacketh *a = skb_put(skb, sizeof(*a));

		a->orig = cpu_to_be64(m->swap);
		return IB_WC_SUCCESS;
	}
	if (m->is_inline) {
		skb_put_data(skb, m->data + off, len);
		return IB_WC_SUCCESS;
	}
	return add_sges(qp, m, off, len, copy, skb);
}

/* What the headers of packet @idx of @m say, but for the PSN and its flags. */
static void fill_headers(const struct mrc_qp *qp, const struct mrc_txmsg *m,
			 u32 idx, struct mrc_pkt *p)
{
	u32 off = idx * qp->mtu;

	p->se = idx == m->npkts - 1 && (m->flags & MRC_SQE_SOLICITED);
	p->dqpn = qp->attr.dest_qp_num;
	p->rqmsn = m->rqmsn;
	p->msn = m->msn;
	p->ts = true;
	p->tx_timestamp = mrc_timestamp(ktime_get_ns());
	p->first_psn = qp->attr.rq_psn;
	p->va = m->remote_addr + off;
	p->rkey = m->rkey;
	p->dmalen = m->length;
	p->offset = off;
	if (p->op == MRC_OP_X_CMP_SWAP) {
		p->swap_add = m->swap;
		p->compare = m->compare_add;
	} else {
		p->swap_add = m->compare_add;
	}
	p->imm = p->op == MRC_OP_X_SEND_LAST_INV ?
		cpu_to_be32(m->imm) : (__force __be32)m->imm;
}

/**
 * mrc_pkt_build - build one data packet
 * @qp: QP, lock held
 * @m: message
 * @idx: number of the packet in it
 * @psn: its PSN
 * @ackreq: set AckReq
 * @rtx: it is a retransmission
 * @calm: few SACKs will do, to a peer that heeds it
 * @status: enum ib_wc_status, written if the message is at fault
 *
 * Return: the packet, or NULL for want of memory or a fault of the message.
 */
struct sk_buff *mrc_pkt_build(struct mrc_qp *qp, struct mrc_txmsg *m, u32 idx,
			      u32 psn, bool ackreq, bool rtx, bool calm,
			      u32 *status)
{
	u32 plen = mrc_pkt_payload(qp, m, idx);
	bool copy = plen <= MRC_COPY_MAX || m->is_inline;
	struct mrc_pkt p = {
		.op = pkt_opcode(m, idx),
		.pad = -plen & 3,
		.psn = psn,
		.ackreq = ackreq,
		.rtx = rtx,
		.calm = calm && READ_ONCE(qp->peer->features) & MRC_HELLO_F_CALM,
	};
	u32 hdrlen = pkt_hdrlen(p.op);
	struct sk_buff *skb;
	int err;

	fill_headers(qp, m, idx, &p);
again:
	skb = mrc_skb_alloc(hdrlen + (copy ? plen + p.pad : 0) + MRC_ICRC_SIZE,
			    GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	mrc_pkt_encode(&p, skb_put(skb, hdrlen));
	MRC_TXCB(skb)->class = MRC_CLASS_DATA;
	MRC_TXCB(skb)->pad = p.pad;
	err = add_payload(qp, m, p.offset, plen, copy, skb);
	if (!err)
		return skb;

	kfree_skb(skb);
	if (err == -EMSGSIZE && !copy) {
		copy = true;
		goto again;
	}
	if (err > 0)
		*status = err;
	return NULL;
}

/**
 * mrc_ctl_build - build a control packet
 * @qp: QP it is from
 * @opcode: BTH opcode
 * @psn: BTH PSN
 * @len: bytes behind the BTH
 * @body: set to those bytes, zeroed
 *
 * Return: the packet or NULL.
 */
struct sk_buff *mrc_ctl_build(struct mrc_qp *qp, u8 opcode, u32 psn, u32 len,
			      void **body)
{
	struct sk_buff *skb;
	struct mrc_bth *bth;

	skb = mrc_skb_alloc(sizeof(*bth) + len + MRC_ICRC_SIZE,
			    GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	bth = skb_put(skb, sizeof(*bth));
	mrc_bth_encode(bth, opcode, qp->attr.dest_qp_num, psn);
	*body = skb_put_zero(skb, len);
	MRC_TXCB(skb)->class = MRC_CLASS_CONTROL;
	MRC_TXCB(skb)->pad = 0;
	return skb;
}
