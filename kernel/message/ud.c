// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * UD and GSI QPs, in RoCEv2's own packet format: BTH, DETH, payload. A
 * message is a packet, nothing is acknowledged, so a work request is over
 * when its packet has been handed to the port.
 */
#include <linux/ip.h>
#include <net/ipv6.h>
#include <rdma/ib_addr.h>
#include <rdma/ib_mad.h>

#include "message.h"
#include "port/port.h"

/* Work requests done before others get the CPU. */
#define MRC_UD_BUDGET		256
/* Bytes of GRH ahead of the payload in a receive buffer. */
#define MRC_UD_GRH		40

/* A work request, copied out of the ring. */
struct ud_wr {
	struct mrc_sqe sqe;
	union {
		struct mrc_sge sge[MRC_MAX_SGE];
		u8 data[MRC_MAX_INLINE];
	};
};

/* What has to be sent, and whither. */
struct ud_packet {
	struct sk_buff *skb;
	struct mrc_txhdr hdr;
};

/* ------------------------------------------------------------ sending */

/* Copy ring entry @idx; it may change at any time. False: it is nonsense. */
static bool ud_copy_wr(struct mrc_qp *qp, u32 idx, struct ud_wr *wr)
{
	const struct mrc_sqe *entry = mrc_ring_entry(&qp->sq, idx);

	memcpy(&wr->sqe, entry, sizeof(wr->sqe));
	/* Only the copy counts from here on. */
	barrier();
	if (wr->sqe.flags & MRC_SQE_INLINE) {
		if (wr->sqe.inline_len > qp->cap.max_inline_data ||
		    wr->sqe.inline_len > sizeof(wr->data))
			return false;
		memcpy(wr->data, entry->data, wr->sqe.inline_len);
	} else {
		if (wr->sqe.num_sge > qp->cap.max_send_sge ||
		    wr->sqe.num_sge > ARRAY_SIZE(wr->sge))
			return false;
		memcpy(wr->sge, entry->sge,
		       wr->sqe.num_sge * sizeof(wr->sge[0]));
	}
	barrier();
	return true;
}

static u64 ud_length(const struct ud_wr *wr)
{
	u64 len = 0;
	u32 i;

	if (wr->sqe.flags & MRC_SQE_INLINE)
		return wr->sqe.inline_len;
	for (i = 0; i < wr->sqe.num_sge; i++)
		len += wr->sge[i].length;
	return len;
}

static int ud_gather(struct mrc_qp *qp, const struct ud_wr *wr, u8 *to)
{
	u32 i;

	if (wr->sqe.flags & MRC_SQE_INLINE) {
		memcpy(to, wr->data, wr->sqe.inline_len);
		return IB_WC_SUCCESS;
	}
	for (i = 0; i < wr->sqe.num_sge; i++) {
		const struct mrc_sge *sge = &wr->sge[i];
		struct mrc_mr *mr;

		if (!sge->length)
			continue;
		mr = mrc_mr_get(qp, sge->lkey, sge->addr,
				sge->length, 0, false);
		if (!mr)
			return IB_WC_LOC_PROT_ERR;
		mrc_mr_copy_to_buf(mr, sge->addr, to, sge->length);
		mrc_mr_put(mr);
		to += sge->length;
	}
	return IB_WC_SUCCESS;
}

/* Addresses from the AH that the work request names. */
static bool ud_address(struct mrc_qp *qp, const struct ud_wr *wr,
		       struct mrc_txhdr *h)
{
	struct mrc_ah *ah;
	bool ok = false;

	rcu_read_lock();
	ah = xa_load(&qp->dev->ahs, wr->sqe.ud.ah_num);
	if (ah && ah->ibah.pd == qp->ibqp.pd) {
		const struct ib_global_route *grh = &ah->attr.grh;

		h->saddr = ah->src;
		h->daddr = ah->dst;
		h->flow_label = grh->flow_label;
		h->entropy = rdma_get_udp_sport(grh->flow_label, qp->qpn,
						wr->sqe.ud.remote_qpn);
		h->tos = grh->traffic_class;
		h->ttl = grh->hop_limit ?: MRC_TTL;
		ok = true;
	}
	rcu_read_unlock();
	return ok;
}

/* Make the packet of a work request; a completion status. qp->lock held. */
static noinline_for_stack int ud_build(struct mrc_qp *qp,
				       const struct ud_wr *wr,
				       struct ud_packet *p)
{
	const struct mrc_sqe *sqe = &wr->sqe;
	bool imm = sqe->opcode == IB_WR_SEND_WITH_IMM;
	u64 len = ud_length(wr);
	struct mrc_datagram d = {
		.op = imm ? MRC_OP_UD_SEND_ONLY_IMM : MRC_OP_UD_SEND_ONLY,
		.se = sqe->flags & MRC_SQE_SOLICITED,
		.dqpn = sqe->ud.remote_qpn,
		.qkey = sqe->ud.remote_qkey,
		.sqpn = qp->qpn,
		.imm = (__force __be32)sqe->imm,
	};
	void *headers;
	u32 hdrlen;
	int status;

	if (sqe->opcode != IB_WR_SEND && !imm)
		return IB_WC_LOC_QP_OP_ERR;
	if (len > ib_mtu_enum_to_int(iboe_get_mtu(qp->dev->netdev->mtu)))
		return IB_WC_LOC_LEN_ERR;
	if (!ud_address(qp, wr, &p->hdr))
		return IB_WC_LOC_QP_OP_ERR;

	hdrlen = mrc_opcode_hdrlen(d.op);
	d.pad = -len & 3;
	p->skb = mrc_skb_alloc(hdrlen + len + d.pad + MRC_ICRC_SIZE,
			       GFP_ATOMIC | __GFP_NOWARN);
	if (!p->skb)
		return IB_WC_SUCCESS;	/* lost, as a datagram may be */
	headers = skb_put(p->skb, hdrlen);
	status = ud_gather(qp, wr, skb_put(p->skb, len));
	if (status != IB_WC_SUCCESS) {
		kfree_skb(p->skb);
		p->skb = NULL;
		return status;
	}

	d.psn = qp->ud_psn++;
	/* IBTA 10.2.5: a Q_Key with the high bit set stands for the QP's own */
	if (d.qkey & BIT(31))
		d.qkey = qp->attr.qkey;
	if (qp->ibqp.qp_type == IB_QPT_GSI)
		d.qkey = IB_QP1_QKEY;
	mrc_datagram_encode(&d, headers);
	MRC_TXCB(p->skb)->class = MRC_CLASS_DATA;
	MRC_TXCB(p->skb)->pad = d.pad;
	return IB_WC_SUCCESS;
}

/* The work request taken last is over. qp->lock held. */
static void ud_retire(struct mrc_qp *qp, const struct ud_wr *wr, int status)
{
	struct mrc_cqe cqe = {
		.wr_id = wr->sqe.wr_id,
		.status = status,
		.opcode = IB_WC_SEND,
		.qpn = qp->qpn,
		.vlan_id = 0xffff,
	};

	qp->sq.cons = qp->req.taken;
	/* the entry is the producer's again once it sees this */
	smp_store_release(&qp->sq.hdr->cons, qp->sq.cons);
	if (status != IB_WC_SUCCESS || wr->sqe.flags & MRC_SQE_SIGNALED)
		mrc_cq_post(to_mcq(qp->ibqp.send_cq), &cqe, false);
}

static void ud_xmit(struct mrc_qp *qp, struct ud_packet *p)
{
	struct mrc_dev *dev = qp->dev;
	struct net_device *oif = NULL;

	/* an address on a link, or a group, means nothing without the link */
	rcu_read_lock();
	if (mrc_addr_is_mcast(&p->hdr.daddr) ||
	    (ipv6_addr_type(&p->hdr.daddr) & IPV6_ADDR_LINKLOCAL &&
	     !mrc_addr_is_local(mrc_dev_net(dev), &p->hdr.daddr)))
		oif = dev->netdev;
	rcu_read_unlock();
	mrc_port_xmit_to(dev, oif, p->skb, &p->hdr);
}

/*
 * Do the next work request. False: there is none. qp->lock held, released
 * while sending.
 */
static bool ud_send_next(struct mrc_qp *qp)
{
	struct ud_packet p = {};
	struct ud_wr wr;
	int status = IB_WC_LOC_QP_OP_ERR;

	if (qp->state != IB_QPS_RTS ||
	    !mrc_ring_avail(&qp->sq, qp->req.taken))
		return false;
	if (ud_copy_wr(qp, qp->req.taken, &wr))
		status = ud_build(qp, &wr, &p);
	qp->req.taken++;
	if (p.skb) {
		mrc_qp_busy(qp);
		spin_unlock(&qp->lock);
		ud_xmit(qp, &p);
		spin_lock(&qp->lock);
		mrc_qp_unbusy(qp);
		if (qp->state == IB_QPS_RESET)
			return false;
	}
	ud_retire(qp, &wr, status);
	if (status != IB_WC_SUCCESS)
		mrc_msg_error(qp, MRC_NL_QP_REASON_LOCAL);
	return true;
}

/**
 * mrc_ud_run() - do the work requests of a UD or GSI QP
 * @qp: QP, lock not held
 *
 * In ERR they are flushed instead. Context: process or softirq.
 */
void mrc_ud_run(struct mrc_qp *qp)
{
	int budget = MRC_UD_BUDGET;

	spin_lock_bh(&qp->lock);
	qp->rerun = true;
	if (qp->running) {
		spin_unlock_bh(&qp->lock);
		return;
	}
	qp->running = true;
	while (qp->rerun && budget > 0) {
		qp->rerun = false;
		while (budget > 0 && ud_send_next(qp))
			budget--;
		if (qp->state == IB_QPS_ERR)
			mrc_req_flush(qp);
	}
	qp->running = false;
	/* whoever posts tells: work is never left for later but here */
	WRITE_ONCE(qp->sq.hdr->want_doorbell, 1);
	if (budget <= 0)
		mrc_qp_kick(qp);
	spin_unlock_bh(&qp->lock);
}

/* ------------------------------------------------------------ receiving */

/* The next receive; not retired yet, so that it can be left where it is. */
static struct mrc_recv *ud_peek_recv(struct mrc_qp *qp)
{
	if (qp->srq)
		return mrc_srq_take(qp->srq);
	if (!mrc_ring_avail(&qp->rq, qp->rq_taken))
		return NULL;
	return mrc_recv_copy(&qp->rq, qp->rq_taken, qp->cap.max_recv_sge);
}

static void ud_retire_recv(struct mrc_qp *qp)
{
	if (qp->srq)
		return;
	qp->rq_taken++;
	qp->rq.cons = qp->rq_taken;
	/* the entry is the producer's again once it sees this */
	smp_store_release(&qp->rq.hdr->cons, qp->rq.cons);
}

/* Scatter the GRH and the payload; a completion status. */
static int ud_scatter(struct mrc_qp *qp, const struct mrc_recv *r,
		      const struct sk_buff *skb, u32 hdrlen, u32 plen,
		      const u8 *grh)
{
	u32 off = 0, total = MRC_UD_GRH + plen;
	u32 i;

	for (i = 0; i < r->num_sge && off < total; i++) {
		const struct mrc_sge *sge = &r->sge[i];
		u32 n = min(sge->length, total - off), head = 0;
		struct mrc_mr *mr;
		int err = 0;

		if (!n)
			continue;
		mr = mrc_mr_get(qp, sge->lkey, sge->addr, n,
				IB_ACCESS_LOCAL_WRITE, false);
		if (!mr)
			return IB_WC_LOC_PROT_ERR;
		if (off < MRC_UD_GRH) {
			head = min(n, MRC_UD_GRH - off);
			mrc_mr_copy_from_buf(mr, sge->addr, grh + off, head);
		}
		if (n > head)
			err = mrc_mr_copy_from_skb(mr, sge->addr + head, skb,
						   hdrlen + off + head -
						   MRC_UD_GRH, n - head);
		mrc_mr_put(mr);
		if (err)
			return IB_WC_LOC_PROT_ERR;
		off += n;
	}
	return IB_WC_SUCCESS;
}

/*
 * The GRH as receivers of datagrams expect it: an IPv6 header, or an IPv4
 * header in the last 20 bytes (IBTA annex A17).
 */
static void ud_grh(const struct sk_buff *skb, const struct mrc_rxinfo *info,
		   u8 *grh)
{
	memset(grh, 0, MRC_UD_GRH);
	if (info->ipv4)
		memcpy(grh + MRC_UD_GRH - sizeof(struct iphdr),
		       skb_network_header(skb), sizeof(struct iphdr));
	else
		memcpy(grh, skb_network_header(skb), sizeof(struct ipv6hdr));
}

static_assert(MRC_CQE_NET_IPV4 == RDMA_NETWORK_IPV4);
static_assert(MRC_CQE_NET_IPV6 == RDMA_NETWORK_IPV6);

/* Receive a datagram: take, place, complete. A completion status, or < 0. */
static int ud_receive(struct mrc_qp *qp, const struct sk_buff *skb,
		      const struct mrc_datagram *d,
		      const struct mrc_rxinfo *info)
{
	struct mrc_cqe cqe = {
		.opcode = IB_WC_RECV,
		.qpn = qp->qpn,
		.src_qpn = d->sqpn,
		.byte_len = d->plen + MRC_UD_GRH,
		.wc_flags = MRC_CQE_GRH,
		.network_hdr_type = info->ipv4 ? MRC_CQE_NET_IPV4 :
						 MRC_CQE_NET_IPV6,
		.vlan_id = 0xffff,
	};
	struct mrc_recv *r;
	u8 grh[MRC_UD_GRH];

	r = ud_peek_recv(qp);
	if (IS_ERR_OR_NULL(r))
		return r ? PTR_ERR(r) : -ENOBUFS;
	cqe.wr_id = r->wr_id;
	if (r->length < d->plen + MRC_UD_GRH) {
		/* one of an SRQ is taken already and cannot be given back */
		if (!qp->srq) {
			kfree(r);
			return -ENOBUFS;
		}
		cqe.status = IB_WC_LOC_LEN_ERR;
	} else {
		ud_grh(skb, info, grh);
		cqe.status = ud_scatter(qp, r, skb, d->hdrlen, d->plen,
					grh);
	}
	kfree(r);
	if (d->op == MRC_OP_UD_SEND_ONLY_IMM) {
		cqe.wc_flags |= MRC_CQE_WITH_IMM;
		cqe.imm = (__force u32)d->imm;
	}
	ud_retire_recv(qp);
	mrc_cq_post(to_mcq(qp->ibqp.recv_cq), &cqe, d->se);
	return cqe.status;
}

/* A receive that cannot be used: the application's mistake. */
static void ud_recv_failed(struct mrc_qp *qp)
{
	spin_lock_bh(&qp->lock);
	mrc_msg_error(qp, MRC_NL_QP_REASON_LOCAL);
	spin_unlock_bh(&qp->lock);
	mrc_qp_event(qp, IB_EVENT_QP_FATAL);
}

/**
 * mrc_ud_rx() - a datagram for a UD or GSI QP
 * @qp: QP
 * @skb: packet as for mrc_qp_rx(); consumed
 * @info: its outer headers
 *
 * Context: softirq, RCU.
 */
void mrc_ud_rx(struct mrc_qp *qp, struct sk_buff *skb,
	       const struct mrc_rxinfo *info)
{
	enum ib_qp_state state = READ_ONCE(qp->state);
	u32 qkey = READ_ONCE(qp->attr.qkey);
	struct mrc_dev *dev = qp->dev;
	struct mrc_datagram d;
	unsigned long flags;
	int status;

	if (qp->ibqp.qp_type == IB_QPT_GSI)
		qkey = IB_QP1_QKEY;
	if (!mrc_datagram_decode(&d, skb->data, skb_headlen(skb), skb->len)) {
		mrc_count(dev, drop_malformed);
		goto out;
	}
	if (state != IB_QPS_RTR && state != IB_QPS_RTS && state != IB_QPS_SQD &&
	    state != IB_QPS_SQE) {
		mrc_count(dev, drop_no_qp);
		goto out;
	}
	if (d.qkey != qkey) {
		mrc_count(dev, drop_qkey);
		goto out;
	}
	/* the lock keeps completions in the order of the receives */
	spin_lock_irqsave(&qp->rq_lock, flags);
	status = ud_receive(qp, skb, &d, info);
	spin_unlock_irqrestore(&qp->rq_lock, flags);

	if (status == -ENOBUFS)
		mrc_count(dev, drop_no_receive);
	else if (status == -ENOMEM)
		mrc_count(dev, drop_no_memory);
	else if (status == -EINVAL || status == IB_WC_LOC_PROT_ERR)
		ud_recv_failed(qp);
	else if (status == IB_WC_SUCCESS)
		mrc_count_add(dev, rx_bytes, d.plen);
out:
	kfree_skb(skb);
}
