// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Packets: opcode properties, parsing, and building from messages. */
#include "message.h"

static const u16 opcode_flags[32] = {
	[MRC_OP_WRITE_FIRST & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD,
	[MRC_OP_WRITE_MIDDLE & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD,
	[MRC_OP_WRITE_LAST & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END,
	[MRC_OP_WRITE_LAST_IMM & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END | MRC_OPF_IMM | MRC_OPF_RECV,
	[MRC_OP_WRITE_ONLY & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END,
	[MRC_OP_WRITE_ONLY_IMM & 31] =
		MRC_OPF_DATA | MRC_OPF_RETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_END | MRC_OPF_IMM | MRC_OPF_RECV,
	[MRC_OP_X_SEND & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV,
	[MRC_OP_X_SEND_LAST & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV | MRC_OPF_END,
	[MRC_OP_X_SEND_LAST_IMM & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV | MRC_OPF_END | MRC_OPF_IMM,
	[MRC_OP_X_SEND_LAST_INV & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_REQ | MRC_OPF_PAYLOAD |
		MRC_OPF_RECV | MRC_OPF_END | MRC_OPF_IMM,
	[MRC_OP_X_READ_REQ & 31] =
		MRC_OPF_DATA | MRC_OPF_XRETH | MRC_OPF_RETH | MRC_OPF_REQ |
		MRC_OPF_END,
	[MRC_OP_X_READ_RESP & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_PAYLOAD,
	[MRC_OP_X_READ_RESP_LAST & 31] =
		MRC_OPF_DATA | MRC_OPF_XOETH | MRC_OPF_PAYLOAD | MRC_OPF_END,
	[MRC_OP_X_CMP_SWAP & 31] =
		MRC_OPF_DATA | MRC_OPF_XRETH | MRC_OPF_ATOMIC | MRC_OPF_REQ |
		MRC_OPF_END,
	[MRC_OP_X_FETCH_ADD & 31] =
		MRC_OPF_DATA | MRC_OPF_XRETH | MRC_OPF_ATOMIC | MRC_OPF_REQ |
		MRC_OPF_END,
	[MRC_OP_X_ATOMIC_RESP & 31] =
		MRC_OPF_DATA | MRC_OPF_PAYLOAD | MRC_OPF_END,
};

/** mrc_opcode_flags - MRC_OPF_* of a data opcode, 0 for every other */
u16 mrc_opcode_flags(u8 op)
{
	return op >> 5 == 6 ? opcode_flags[op & 31] : 0;
}

static u32 ext_hdrlen(u16 f)
{
	u32 len = 0;

	if (f & MRC_OPF_XRETH)
		len += sizeof(struct mrc_xreth);
	if (f & MRC_OPF_RETH)
		len += sizeof(struct mrc_reth);
	if (f & MRC_OPF_XOETH)
		len += sizeof(struct mrc_xoeth);
	if (f & MRC_OPF_ATOMIC)
		len += sizeof(struct mrc_atomiceth);
	if (f & MRC_OPF_IMM)
		len += sizeof(struct mrc_immdt);
	return len;
}

/**
 * mrc_opcode_hdrlen - headers of an opcode
 * @opcode: BTH opcode
 *
 * Return: bytes including the BTH, without the optional TSETH; 0: unknown.
 */
u32 mrc_opcode_hdrlen(u8 opcode)
{
	u16 f = mrc_opcode_flags(opcode);

	if (f)
		return sizeof(struct mrc_bth) + sizeof(struct mrc_meth) +
		       ext_hdrlen(f);

	switch (opcode) {
	case MRC_OP_ACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_aeth);
	case MRC_OP_SACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_seth) +
		       sizeof(struct mrc_cc_state);
	case MRC_OP_X_SACK_ACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_seth) +
		       sizeof(struct mrc_cc_state) + sizeof(struct mrc_aeth);
	case MRC_OP_NACK:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_neth);
	case MRC_OP_PROBE:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_peth);
	case MRC_OP_EP_REQUEST:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_erth);
	case MRC_OP_EP_RESPONSE:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_eeth);
	case MRC_OP_X_HELLO_REQ:
	case MRC_OP_X_HELLO_RESP:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_hello);
	case MRC_OP_UD_SEND_ONLY:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_deth);
	case MRC_OP_UD_SEND_ONLY_IMM:
		return sizeof(struct mrc_bth) + sizeof(struct mrc_deth) +
		       sizeof(struct mrc_immdt);
	}
	return 0;
}

/**
 * mrc_pkt_parse - parse a data packet's headers
 * @skb: packet, data at the BTH, ICRC removed
 * @p: result, host order
 *
 * Return: false if lengths and fields contradict each other.
 */
bool mrc_pkt_parse(const struct sk_buff *skb, struct mrc_pkt *p)
{
	const struct mrc_bth *bth = (const void *)skb->data;
	const u8 *h = skb->data + sizeof(*bth);
	u32 psn = be32_to_cpu(bth->psn);
	u16 f = mrc_opcode_flags(bth->opcode);
	const struct mrc_meth *meth;
	u32 pad;

	memset(p, 0, sizeof(*p));
	p->op = bth->opcode;
	p->psn = psn & MRC_PSN_MASK;
	p->ackreq = psn & MRC_BTH_ACKREQ;
	p->rtx = psn & MRC_BTH_RTX;
	p->se = bth->flags & MRC_BTH_SE;
	p->hdrlen = mrc_opcode_hdrlen(p->op);
	if (psn & MRC_BTH_TS)
		p->hdrlen += sizeof(struct mrc_tseth);
	pad = (bth->flags & MRC_BTH_PAD_MASK) >> MRC_BTH_PAD_SHIFT;
	if (skb->len < p->hdrlen + pad || skb_headlen(skb) < p->hdrlen)
		return false;
	p->plen = skb->len - p->hdrlen - pad;

	meth = (const void *)h;
	p->msn = be16_to_cpu(meth->msn);
	p->rqmsn = be16_to_cpu(meth->rqmsn);
	h += sizeof(*meth);
	if (psn & MRC_BTH_TS) {
		const struct mrc_tseth *ts = (const void *)h;

		p->tx_timestamp = be16_to_cpu(ts->tx_timestamp);
		h += sizeof(*ts);
	}
	if (f & MRC_OPF_XRETH) {
		const struct mrc_xreth *x = (const void *)h;

		p->first_psn = be32_to_cpu(x->first_psn) & MRC_PSN_MASK;
		h += sizeof(*x);
	}
	if (f & MRC_OPF_RETH) {
		const struct mrc_reth *r = (const void *)h;

		p->va = be64_to_cpu(r->va);
		p->rkey = be32_to_cpu(r->rkey);
		p->dmalen = be32_to_cpu(r->dmalen);
		h += sizeof(*r);
	}
	if (f & MRC_OPF_XOETH) {
		const struct mrc_xoeth *x = (const void *)h;

		p->offset = be32_to_cpu(x->offset);
		p->dmalen = be32_to_cpu(x->len);
		h += sizeof(*x);
	}
	if (f & MRC_OPF_ATOMIC) {
		const struct mrc_atomiceth *a = (const void *)h;

		p->va = be64_to_cpu(a->va);
		p->rkey = be32_to_cpu(a->rkey);
		p->swap_add = be64_to_cpu(a->swap_add);
		p->compare = be64_to_cpu(a->compare);
		h += sizeof(*a);
	}
	if (f & MRC_OPF_IMM) {
		const struct mrc_immdt *i = (const void *)h;

		p->imm = (__force u32)i->imm;
	}
	if (!(f & MRC_OPF_PAYLOAD) && (p->plen || pad))
		return false;
	return true;
}

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

static void put_headers(struct mrc_qp *qp, const struct mrc_txmsg *m, u8 op,
			u32 off, u32 psn, u32 pad, bool ackreq, bool rtx,
			bool last, struct sk_buff *skb)
{
	u16 f = mrc_opcode_flags(op);
	struct mrc_bth *bth = skb_put(skb, sizeof(*bth));
	struct mrc_meth *meth = skb_put(skb, sizeof(*meth));
	struct mrc_tseth *ts = skb_put(skb, sizeof(*ts));

	bth->opcode = op;
	bth->flags = pad << MRC_BTH_PAD_SHIFT;
	if (last && (m->flags & MRC_SQE_SOLICITED))
		bth->flags |= MRC_BTH_SE;
	bth->pkey = cpu_to_be16(MRC_DEFAULT_PKEY);
	bth->dqpn = cpu_to_be32(qp->attr.dest_qp_num);
	bth->psn = cpu_to_be32(psn | MRC_BTH_TS |
			       (ackreq ? MRC_BTH_ACKREQ : 0) |
			       (rtx ? MRC_BTH_RTX : 0));
	meth->rqmsn = cpu_to_be16(m->rqmsn);
	meth->msn = cpu_to_be16(m->msn);
	ts->tx_timestamp = cpu_to_be16(mrc_timestamp(ktime_get_ns()));
	ts->ftype = cpu_to_be16(MRC_TSETH_FTYPE);
	if (f & MRC_OPF_XRETH) {
		struct mrc_xreth *x = skb_put(skb, sizeof(*x));

		x->first_psn = cpu_to_be32(qp->attr.rq_psn & MRC_PSN_MASK);
	}
	if (f & MRC_OPF_RETH) {
		struct mrc_reth *r = skb_put(skb, sizeof(*r));

		r->va = cpu_to_be64(m->remote_addr + off);
		r->rkey = cpu_to_be32(m->rkey);
		r->dmalen = cpu_to_be32(m->length);
	}
	if (f & MRC_OPF_XOETH) {
		struct mrc_xoeth *x = skb_put(skb, sizeof(*x));

		x->offset = cpu_to_be32(off);
		x->len = cpu_to_be32(m->length);
	}
	if (f & MRC_OPF_ATOMIC) {
		struct mrc_atomiceth *a = skb_put(skb, sizeof(*a));
		bool cas = op == MRC_OP_X_CMP_SWAP;

		a->va = cpu_to_be64(m->remote_addr);
		a->rkey = cpu_to_be32(m->rkey);
		a->swap_add = cpu_to_be64(cas ? m->swap : m->compare_add);
		a->compare = cpu_to_be64(cas ? m->compare_add : 0);
	}
	if (f & MRC_OPF_IMM) {
		struct mrc_immdt *i = skb_put(skb, sizeof(*i));

		i->imm = op == MRC_OP_X_SEND_LAST_INV ?
			cpu_to_be32(m->imm) : (__force __be32)m->imm;
	}
}

/**
 * mrc_pkt_build - build one data packet
 * @qp: QP, lock held
 * @m: message
 * @idx: number of the packet in it
 * @psn: its PSN
 * @ackreq: set AckReq
 * @rtx: it is a retransmission
 * @status: enum ib_wc_status, written if the message is at fault
 *
 * Return: the packet, or NULL for want of memory or a fault of the message.
 */
struct sk_buff *mrc_pkt_build(struct mrc_qp *qp, struct mrc_txmsg *m, u32 idx,
			      u32 psn, bool ackreq, bool rtx, u32 *status)
{
	u8 op = pkt_opcode(m, idx);
	u32 off = idx * qp->mtu, plen = mrc_pkt_payload(qp, m, idx);
	u32 hdrlen = pkt_hdrlen(op), pad = -plen & 3;
	bool copy = plen <= MRC_COPY_MAX || m->is_inline;
	struct sk_buff *skb;
	int err;

again:
	skb = mrc_skb_alloc(hdrlen + (copy ? plen + pad : 0) + MRC_ICRC_SIZE,
			    GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	put_headers(qp, m, op, off, psn, pad, ackreq, rtx,
		    idx == m->npkts - 1, skb);
	MRC_TXCB(skb)->class = MRC_CLASS_DATA;
	MRC_TXCB(skb)->pad = pad;
	err = add_payload(qp, m, off, plen, copy, skb);
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
	bth->opcode = opcode;
	bth->flags = 0;
	bth->pkey = cpu_to_be16(MRC_DEFAULT_PKEY);
	bth->dqpn = cpu_to_be32(qp->attr.dest_qp_num);
	bth->psn = cpu_to_be32(psn & MRC_PSN_MASK);
	*body = skb_put_zero(skb, len);
	MRC_TXCB(skb)->class = MRC_CLASS_CONTROL;
	MRC_TXCB(skb)->pad = 0;
	return skb;
}
