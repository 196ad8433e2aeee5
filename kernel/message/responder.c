// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Responder: packets of the incoming stream to memory, completions, answers.
 *
 * A packet from the middle of a message is placed when it arrives, outside
 * the QP lock and in any order. A packet that ends a message (or is a READ or
 * ATOMIC request) is held until all before it are done, then placed and acted
 * upon by one CPU at a time, the drainer. So the last byte of a message
 * appears in memory after all others, and completions come in order. Of WRITEs
 * to the same bytes the later one wins (transport/order.h).
 */
#include "message.h"

/* Requests held or being answered before new ones are put off. */
static u32 answer_limit(const struct mrc_qp *qp)
{
	return max_t(u32, 64, 2 * qp->attr.max_dest_rd_atomic);
}

/* ------------------------------------------------------ receive WRs */

static struct mrc_recv *take_recv(struct mrc_qp *qp)
{
	struct mrc_recv *r;

	if (qp->srq)
		return mrc_srq_take(qp->srq);
	if (!mrc_ring_avail(&qp->rq, qp->rq_taken))
		return NULL;
	r = mrc_recv_copy(&qp->rq, qp->rq_taken, qp->cap.max_recv_sge);
	/* nonsense stays where it is: the QP fails, and flushes it */
	if (!IS_ERR(r))
		qp->rq_taken++;
	return r;
}

/* The oldest receive of the RQ is over: its entry may be used again. */
static void retire_recv(struct mrc_qp *qp)
{
	if (qp->srq)
		return;
	qp->rq.cons++;
	/* the entry was copied before the application may write it again */
	smp_store_release(&qp->rq.hdr->cons, qp->rq.cons);
}

/*
 * Bind receive WRs to all messages up to @rqmsn. In order, also where a later
 * message arrives first: otherwise the last receives of an SRQ could go to
 * messages that wait for the one left without.
 * 0; -EAGAIN: none posted; -ENOMEM; -EINVAL: @rqmsn or a receive is nonsense.
 */
static int bind_recvs(struct mrc_qp *qp, u16 rqmsn)
{
	struct mrc_resp *resp = &qp->resp;

	if ((u16)(rqmsn - resp->next_rqmsn) >= MRC_RX_WINDOW)
		return -EINVAL;
	while ((s16)(rqmsn - resp->next_bind) >= 0) {
		struct mrc_recv *r;

		/* what has been taken cannot be given back */
		if (xa_reserve(&resp->recvs, resp->next_bind,
			       GFP_ATOMIC | __GFP_NOWARN))
			return -ENOMEM;
		r = take_recv(qp);
		if (!r)
			return -EAGAIN;
		if (IS_ERR(r))
			return PTR_ERR(r);
		xa_store(&resp->recvs, resp->next_bind, r, GFP_ATOMIC);
		resp->next_bind++;
		resp->bound++;
	}
	return 0;
}

/*
 * A receive is over. A peer may send more packets for it than its message has,
 * and other CPUs be placing them: then the last one frees it.
 */
static void free_recv(struct mrc_recv *r)
{
	r->over = true;
	if (!r->placing)
		kfree(r);
}

static void complete_recv(struct mrc_qp *qp, const struct mrc_pkt *p, u32 status)
{
	struct mrc_resp *resp = &qp->resp;
	struct mrc_recv *r = xa_erase(&resp->recvs, resp->next_rqmsn);
	struct mrc_cqe cqe = {
		.status = status,
		.opcode = IB_WC_RECV,
		.qpn = qp->qpn,
		.src_qpn = qp->attr.dest_qp_num,
		.vlan_id = 0xffff,
	};

	if (!r)
		return;
	resp->next_rqmsn++;
	resp->bound--;
	cqe.wr_id = r->wr_id;
	if (status == IB_WC_SUCCESS) {
		cqe.byte_len = p->dmalen;
		cqe.imm = (__force u32)p->imm;
		switch (p->op) {
		case MRC_OP_WRITE_LAST_IMM:
		case MRC_OP_WRITE_ONLY_IMM:
			cqe.opcode = IB_WC_RECV_RDMA_WITH_IMM;
			cqe.wc_flags = MRC_CQE_WITH_IMM;
			break;
		case MRC_OP_X_SEND_LAST_IMM:
			cqe.wc_flags = MRC_CQE_WITH_IMM;
			break;
		case MRC_OP_X_SEND_LAST_INV:
			cqe.wc_flags = MRC_CQE_WITH_INV;
			cqe.imm = be32_to_cpu(p->imm);
			break;
		}
	}
	retire_recv(qp);
	free_recv(r);
	mrc_cq_post(to_mcq(qp->ibqp.recv_cq), &cqe, p->se);
}

/* ------------------------------------------------------ placement */

/*
 * Scatter @len bytes, of @skb from @at on or of @buf if that is not NULL, to
 * a list of SGEs from @off on. qp->lock not held.
 */
static bool scatter(struct mrc_qp *qp, const struct mrc_sge *sge, u32 num_sge,
		    u32 off, const struct sk_buff *skb, u32 at,
		    const void *buf, u32 len)
{
	u32 left = len, i;

	for (i = 0; i < num_sge && left; i++) {
		struct mrc_mr *mr;
		int err = 0;
		u32 n;

		if (off >= sge[i].length) {
			off -= sge[i].length;
			continue;
		}
		n = min(left, sge[i].length - off);
		mr = mrc_mr_get(qp, sge[i].lkey,
				sge[i].addr + off, n, IB_ACCESS_LOCAL_WRITE,
				false);
		if (!mr)
			return false;
		if (buf)
			mrc_mr_copy_from_buf(mr, sge[i].addr + off,
					     buf + (len - left), n);
		else
			err = mrc_mr_copy_from_skb(mr, sge[i].addr + off, skb,
						   at + (len - left), n);
		mrc_mr_put(mr);
		if (err)
			return false;
		left -= n;
		off = 0;
	}
	return !left;
}

/* Why a packet is refused: what the requester is told, and the local receive. */
struct verdict {
	u8 syndrome;		/* 0: fine */
	u8 wc_status;
};

static struct verdict refuse(u8 syndrome, u8 wc_status)
{
	return (struct verdict){ syndrome, wc_status };
}

static const struct verdict fine;

static struct mrc_order_pkt order_pkt(const struct mrc_pkt *p)
{
	return (struct mrc_order_pkt){
		.va = p->va, .rkey = p->rkey, .psn = p->psn, .len = p->plen,
		.msn = p->msn,
	};
}

/* Ask transport/order.h, with qp->lock held, how to place a WRITE's payload. */
static enum mrc_order_verdict order_write(struct mrc_qp *qp,
					  const struct mrc_pkt *p)
{
	const struct mrc_order_pkt o = order_pkt(p);

	return mrc_order_begin(qp->resp.order, &qp->rxw, &o);
}

/* Copy @len bytes from @at on of a WRITE's payload. */
static struct verdict copy_write(struct mrc_qp *qp, const struct sk_buff *skb,
				 const struct mrc_pkt *p, u32 at, u32 len)
{
	/* the first packet knows where the whole message is to go */
	u32 room = p->op == MRC_OP_WRITE_FIRST ? p->dmalen - at : len;
	struct mrc_mr *mr;
	int err;

	mr = mrc_mr_get(qp, p->rkey, p->va + at, room, IB_ACCESS_REMOTE_WRITE,
			true);
	if (!mr)
		return refuse(MRC_AETH_NAK_REM_ACC, 0);
	err = mrc_mr_copy_from_skb(mr, p->va + at, skb, p->hdrlen + at, len);
	mrc_mr_put(mr);
	return err ? refuse(MRC_AETH_NAK_REM_OP, 0) : fine;
}

static struct verdict place_write(struct mrc_qp *qp, const struct sk_buff *skb,
				  const struct mrc_pkt *p)
{
	const struct mrc_order_pkt o = order_pkt(p);
	struct verdict v = fine;
	u32 at = 0, len;
	bool more;

	if (!MRC_HELDCB(skb)->cut)
		return copy_write(qp, skb, p, 0, p->plen);
	/* Later WRITEs have the last word on parts of it. */
	do {
		spin_lock_bh(&qp->lock);
		more = mrc_order_next(qp->resp.order, &qp->rxw, &o, &at, &len);
		spin_unlock_bh(&qp->lock);
		if (more)
			v = copy_write(qp, skb, p, at, len);
		at += len;
	} while (more && !v.syndrome);
	return v;
}

/*
 * Put a packet's payload where it belongs. The caller is accounted in
 * qp->busy, and sees to it that neither the receive WR nor the READ it belongs
 * to is freed meanwhile.
 */
static struct verdict place(struct mrc_qp *qp, const struct sk_buff *skb,
			    const struct mrc_pkt *p, struct mrc_recv *recv,
			    struct mrc_txmsg *read)
{
	__be64 wire = 0;
	u64 word;
	bool ok;

	if (mrc_opcode_flags(p->op) & MRC_OPF_RETH)
		return place_write(qp, skb, p);
	if (recv) {
		ok = scatter(qp, recv->sge, recv->num_sge, p->offset, skb,
			     p->hdrlen, NULL, p->plen);
	} else if (read && p->op == MRC_OP_X_ATOMIC_RESP) {
		/* to memory in the host's byte order */
		ok = !skb_copy_bits(skb, p->hdrlen, &wire, sizeof(wire));
		word = be64_to_cpu(wire);
		ok = ok && scatter(qp, read->sge, read->num_sge, 0, NULL, 0,
				   &word, sizeof(word));
	} else if (read) {
		ok = scatter(qp, read->sge, read->num_sge, p->offset, skb,
			     p->hdrlen, NULL, p->plen);
	} else {
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	}
	return ok ? fine : refuse(MRC_AETH_NAK_REM_OP, IB_WC_LOC_PROT_ERR);
}

/*
 * Place a packet whose turn may not have come: drops and retakes qp->lock.
 * Receive WR and READ may be over when it returns.
 */
static struct verdict place_unlocked(struct mrc_qp *qp,
				     const struct sk_buff *skb,
				     const struct mrc_pkt *p,
				     struct mrc_recv *recv,
				     struct mrc_txmsg *read)
{
	u32 bytes = mrc_opcode_flags(p->op) & MRC_OPF_RETH ? 0 : p->plen;
	struct verdict v;

	if (recv)
		recv->placing++;
	if (read)
		read->placing++;
	spin_unlock_bh(&qp->lock);
	v = place(qp, skb, p, recv, read);
	spin_lock_bh(&qp->lock);
	if (v.syndrome)
		bytes = 0;
	if (recv) {
		recv->placed += bytes;
		if (!--recv->placing && recv->over)
			kfree(recv);
	}
	if (read) {
		read->placed += bytes;
		mrc_txmsg_placed(read);
	}
	return v;
}

/* ------------------------------------------------------ checks on arrival */

static struct verdict check_lengths(const struct mrc_qp *qp,
				    const struct mrc_pkt *p, u16 f)
{
	u32 before = 0;

	if (!(f & MRC_OPF_PAYLOAD))
		return p->dmalen > MRC_MAX_MSG ?
			refuse(MRC_AETH_NAK_INV_REQ, 0) : fine;
	if (p->op == MRC_OP_X_ATOMIC_RESP)
		return p->plen == sizeof(u64) ?
			fine : refuse(MRC_AETH_NAK_INV_REQ, 0);
	if (p->dmalen > MRC_MAX_MSG || p->plen > p->dmalen ||
	    p->plen > qp->mtu || (!(f & MRC_OPF_END) && p->plen != qp->mtu) ||
	    (p->dmalen && !p->plen))
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	/* all packets before this one were full */
	if (f & MRC_OPF_XOETH)
		before = p->offset;
	else if (f & MRC_OPF_END)
		before = p->dmalen - p->plen;
	if (before & (qp->mtu - 1))
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	if (f & MRC_OPF_XOETH) {
		if (p->offset > p->dmalen - p->plen ||
		    ((f & MRC_OPF_END) && p->offset != p->dmalen - p->plen))
			return refuse(MRC_AETH_NAK_INV_REQ, 0);
	} else if ((p->op == MRC_OP_WRITE_ONLY ||
		    p->op == MRC_OP_WRITE_ONLY_IMM) && p->plen != p->dmalen) {
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	}
	return fine;
}

/* Does the QP let its peer do this? */
static struct verdict check_allowed(const struct mrc_qp *qp,
				    const struct mrc_pkt *p, u16 f)
{
	int need = 0;

	if (f & MRC_OPF_ATOMIC)
		need = IB_ACCESS_REMOTE_ATOMIC;
	else if (p->op == MRC_OP_X_READ_REQ)
		need = IB_ACCESS_REMOTE_READ;
	else if (f & MRC_OPF_RETH)
		need = IB_ACCESS_REMOTE_WRITE;
	if (need & ~qp->attr.qp_access_flags)
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	if ((p->op == MRC_OP_X_READ_REQ || (f & MRC_OPF_ATOMIC)) &&
	    !qp->attr.max_dest_rd_atomic)
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	return fine;
}

static struct mrc_txmsg *alloc_answer(const struct mrc_pkt *p)
{
	struct mrc_txmsg *m;

	m = kzalloc(sizeof(*m), GFP_ATOMIC | __GFP_NOWARN);
	if (!m)
		return NULL;
	INIT_LIST_HEAD(&m->reads);
	m->kind = p->op == MRC_OP_X_READ_REQ ? MRC_MSG_READ_RESP :
					       MRC_MSG_ATOMIC_RESP;
	m->msn = p->msn;
	m->remote_addr = p->va;
	m->rkey = p->rkey;
	m->length = p->op == MRC_OP_X_READ_REQ ? p->dmalen : sizeof(u64);
	return m;
}

/* ------------------------------------------------------ held packets */

static void hold(struct mrc_qp *qp, struct sk_buff *skb)
{
	struct rb_node **link = &qp->resp.held.rb_node, *parent = NULL;
	u32 psn = MRC_HELDCB(skb)->psn;

	while (*link) {
		parent = *link;
		if (mrc_psn_diff(psn, MRC_HELDCB(rb_to_skb(parent))->psn) < 0)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, link);
	rb_insert_color(&skb->rbnode, &qp->resp.held);
	atomic_long_add(skb->truesize, &qp->dev->held_bytes);
}

static struct sk_buff *first_held(const struct mrc_qp *qp)
{
	struct rb_node *n = rb_first(&qp->resp.held);

	return n ? rb_to_skb(n) : NULL;
}

static void unhold(struct mrc_qp *qp, struct sk_buff *skb)
{
	rb_erase(&skb->rbnode, &qp->resp.held);
	/* the node lies over next, prev and dev */
	RB_CLEAR_NODE(&skb->rbnode);
	skb->next = NULL;
	skb->prev = NULL;
	skb->dev = NULL;
	atomic_long_sub(skb->truesize, &qp->dev->held_bytes);
}

/* The answer that a held request was to have is not to be. */
static void drop_answer(struct mrc_qp *qp, struct mrc_heldcb *cb)
{
	if (!cb->answer)
		return;
	qp->resp.num_answers--;
	kfree(cb->answer);
	cb->answer = NULL;
}

/* Drop all held packets, with the answers that were to be. */
static void purge_held(struct mrc_qp *qp)
{
	struct sk_buff *skb;

	while ((skb = first_held(qp))) {
		struct mrc_heldcb *cb = MRC_HELDCB(skb);

		unhold(qp, skb);
		drop_answer(qp, cb);
		kfree_skb(skb);
	}
}

/* ------------------------------------------------------ in-order processing */

static struct verdict run_atomic(struct mrc_qp *qp, const struct mrc_pkt *p,
				 struct mrc_txmsg *answer)
{
	struct mrc_mr *mr;
	u64 *word;

	if (p->va & 7)
		return refuse(MRC_AETH_NAK_INV_REQ, 0);
	mr = mrc_mr_get(qp, p->rkey, p->va, sizeof(u64),
			IB_ACCESS_REMOTE_ATOMIC, true);
	if (!mr)
		return refuse(MRC_AETH_NAK_REM_ACC, 0);
	word = mrc_mr_word(mr, p->va);
	if (word && p->op == MRC_OP_X_CMP_SWAP)
		answer->swap = cmpxchg64(word, p->compare, p->swap_add);
	else if (word)
		answer->swap = atomic64_fetch_add(p->swap_add,
						  (atomic64_t *)word);
	mrc_mr_put(mr);
	return word ? fine : refuse(MRC_AETH_NAK_INV_REQ, 0);
}

/* Carry out what a packet asks for whose turn has come. No lock held. */
static struct verdict act(struct mrc_qp *qp, struct sk_buff *skb,
			  const struct mrc_pkt *p, struct mrc_recv *recv,
			  struct mrc_txmsg *read)
{
	struct mrc_heldcb *cb = MRC_HELDCB(skb);
	struct verdict v = fine;
	struct mrc_mr *mr;

	if (cb->syndrome)
		return refuse(cb->syndrome, cb->wc_status);

	switch (p->op) {
	case MRC_OP_X_READ_REQ:
		if (!p->dmalen)
			return fine;
		mr = mrc_mr_get(qp, p->rkey, p->va,
				p->dmalen, IB_ACCESS_REMOTE_READ, true);
		if (!mr)
			return refuse(MRC_AETH_NAK_REM_ACC, 0);
		mrc_mr_put(mr);
		return fine;
	case MRC_OP_X_CMP_SWAP:
	case MRC_OP_X_FETCH_ADD:
		return run_atomic(qp, p, cb->answer);
	}

	if (!cb->placed && p->plen)
		v = place(qp, skb, p, recv, read);
	if (!v.syndrome && p->op == MRC_OP_X_SEND_LAST_INV &&
	    mrc_mr_invalidate(qp, be32_to_cpu(p->imm), true))
		v = refuse(MRC_AETH_NAK_REM_ACC, IB_WC_REM_INV_REQ_ERR);
	return v;
}

/* The answer's last packet has been placed, or could not be. */
static void finish_read(struct mrc_qp *qp, const struct mrc_pkt *p,
			struct mrc_txmsg *read, struct verdict v)
{
	if (!read) {
		/*
		 * The answer to something else has come with the PSN of what
		 * somebody is waiting for, perhaps.
		 */
		mrc_count(qp->dev, drop_stale);
		read = list_first_entry_or_null(&qp->req.reads,
						struct mrc_txmsg, reads);
		if (read && read->made)
			mrc_req_fail(qp, read, IB_WC_BAD_RESP_ERR);
		return;
	}
	if (v.syndrome)
		mrc_req_fail(qp, read, v.wc_status ?: IB_WC_BAD_RESP_ERR);
	else if (read->placed != read->length)
		mrc_req_fail(qp, read, IB_WC_BAD_RESP_ERR);
	else
		mrc_req_answer_placed(qp, read);
}

/* A request has been refused: no more of the incoming stream is processed. */
static void resp_refuse(struct mrc_qp *qp, const struct mrc_pkt *p, u16 f,
			struct verdict v)
{
	if ((f & MRC_OPF_RECV) && v.wc_status)
		complete_recv(qp, p, v.wc_status);
	qp->resp.nak_want = v.syndrome;
	qp->resp.nak_psn = p->psn;
	purge_held(qp);
}

/* Completions and answers of a packet that was acted upon. qp->lock held. */
static void conclude(struct mrc_qp *qp, struct sk_buff *skb,
		     const struct mrc_pkt *p, struct mrc_recv *recv,
		     struct mrc_txmsg *read, struct verdict v)
{
	struct mrc_heldcb *cb = MRC_HELDCB(skb);
	u16 f = mrc_opcode_flags(p->op);

	if (!(f & MRC_OPF_REQ)) {
		if (read && !v.syndrome && !cb->placed)
			read->placed += p->plen;
		finish_read(qp, p, read, v);
		return;
	}
	if (recv && (f & MRC_OPF_XOETH) && !v.syndrome) {
		if (!cb->placed)
			recv->placed += p->plen;
		if (recv->placed != p->dmalen)
			v = refuse(MRC_AETH_NAK_INV_REQ, IB_WC_LOC_QP_OP_ERR);
	}
	if (v.syndrome) {
		drop_answer(qp, cb);
		resp_refuse(qp, p, f, v);
		return;
	}
	if (!(f & MRC_OPF_END))
		return;
	if (f & MRC_OPF_RECV)
		complete_recv(qp, p, IB_WC_SUCCESS);
	if (cb->answer) {
		struct mrc_txmsg *m = cb->answer;

		cb->answer = NULL;
		m->npkts = m->kind == MRC_MSG_READ_RESP ?
			max_t(u32, 1, DIV_ROUND_UP(m->length, qp->mtu)) : 1;
		m->in_owner = true;
		list_add_tail(&m->owner, &qp->resp.answers);
		if (!qp->tx_started)
			mrc_tx_start(qp, p->first_psn);
		qp->rerun = true;
	}
	qp->resp.msn++;
	qp->resp.ack_due = true;
}

/*
 * Process held packets whose turn has come. One CPU at a time does so; it
 * drops and retakes qp->lock, and looks again before it ends, so that whoever
 * finds it at work need not wait.
 */
static void drain(struct mrc_qp *qp)
{
	struct mrc_resp *resp = &qp->resp;
	struct sk_buff *skb;

	if (resp->draining)
		return;
	resp->draining = true;
	mrc_qp_busy(qp);
	while (mrc_receiving(qp) && (skb = first_held(qp)) &&
	       MRC_HELDCB(skb)->psn == mrc_rxwin_next(&qp->rxw)) {
		struct mrc_txmsg *read = NULL;
		struct mrc_recv *recv = NULL;
		struct mrc_pkt p;
		struct verdict v;
		u16 f;

		unhold(qp, skb);
		mrc_pkt_parse(&p, skb);
		f = mrc_opcode_flags(p.op);
		if (f & MRC_OPF_RECV)
			recv = xa_load(&resp->recvs, p.rqmsn);
		if (!(f & MRC_OPF_REQ))
			read = mrc_req_find_read(qp, p.msn);
		if ((f & MRC_OPF_RECV) && p.rqmsn != resp->next_rqmsn &&
		    (f & MRC_OPF_END) && !MRC_HELDCB(skb)->syndrome)
			MRC_HELDCB(skb)->syndrome = MRC_AETH_NAK_INV_REQ;
		if ((f & MRC_OPF_RETH) && p.plen && !MRC_HELDCB(skb)->placed)
			MRC_HELDCB(skb)->cut = order_write(qp, &p) ==
					       MRC_ORDER_REST;

		spin_unlock_bh(&qp->lock);
		v = act(qp, skb, &p, recv, read);
		spin_lock_bh(&qp->lock);

		if (mrc_receiving(qp)) {
			conclude(qp, skb, &p, recv, read, v);
			if (!resp->nak_want)
				mrc_rxwin_done(&qp->rxw, p.psn);
		} else {
			drop_answer(qp, MRC_HELDCB(skb));
		}
		kfree_skb(skb);
	}
	resp->draining = false;
	mrc_qp_unbusy(qp);
}

/* ------------------------------------------------------ arrival */

/*
 * Find what the payload of a message with a receive WR or of an answer goes
 * to. 0: go on (*v may refuse); -EAGAIN, -ENOMEM: put off.
 */
static int find_target(struct mrc_qp *qp, const struct mrc_pkt *p, u16 f,
		       struct mrc_recv **recv, struct mrc_txmsg **read,
		       struct verdict *v)
{
	int err;

	*recv = NULL;
	*read = NULL;
	/* of a WRITE WITH IMM only the last packet names its receive WR */
	if (f & MRC_OPF_RECV) {
		err = bind_recvs(qp, p->rqmsn);
		if (err == -EAGAIN || err == -ENOMEM)
			return err;
		if (err)
			*v = refuse(MRC_AETH_NAK_INV_REQ, 0);
		else
			*recv = xa_load(&qp->resp.recvs, p->rqmsn);
		if (*recv && (f & MRC_OPF_XOETH) && p->dmalen > (*recv)->length)
			*v = refuse(MRC_AETH_NAK_INV_REQ, IB_WC_LOC_LEN_ERR);
	} else if (!(f & MRC_OPF_REQ)) {
		*read = mrc_req_find_read(qp, p->msn);
		if (!*read || !(f & MRC_OPF_XOETH) !=
			      ((*read)->opcode != IB_WR_RDMA_READ) ||
		    ((f & MRC_OPF_XOETH) && p->dmalen != (*read)->length))
			*v = refuse(MRC_AETH_NAK_INV_REQ, IB_WC_BAD_RESP_ERR);
	}
	return 0;
}

static void duplicate(struct mrc_qp *qp, const struct mrc_pkt *p, bool old,
		      const struct mrc_rxinfo *info, struct sk_buff_head *out)
{
	mrc_qp_count(qp, duplicates);
	if (mrc_rxwin_sack_due(&qp->rxw, p->ackreq, info->ecn, p->rtx, true,
			       false)) {
		const struct mrc_sack_cause cause =
			mrc_sack_cause(p->psn, p->tx_timestamp, info);
		struct mrc_sack s = {};

		mrc_emit_sack(qp, &s, &cause, old, out);
	}
}

/**
 * mrc_resp_data - a data packet has arrived
 * @qp: QP that can receive, lock held; dropped and retaken
 * @skb: packet, consumed
 * @p: its headers
 * @info: what the port layer knows
 * @out: answers to send
 */
void mrc_resp_data(struct mrc_qp *qp, struct sk_buff *skb, struct mrc_pkt *p,
		   const struct mrc_rxinfo *info, struct sk_buff_head *out)
{
	u16 f = mrc_opcode_flags(p->op);
	struct mrc_resp *resp = &qp->resp;
	struct mrc_heldcb *cb = MRC_HELDCB(skb);
	struct mrc_txmsg *read, *answer = NULL;
	enum mrc_order_verdict order = MRC_ORDER_ALL;
	struct mrc_recv *recv;
	struct verdict v;
	bool due, place_now;
	int err;

	if (!mrc_receiving(qp))
		goto drop;
	switch (mrc_rxwin_check(&qp->rxw, p->psn)) {
	case MRC_RX_NEW:
		break;
	case MRC_RX_DUP:
		duplicate(qp, p, false, info, out);
		goto drop;
	case MRC_RX_OLD:
		duplicate(qp, p, true, info, out);
		goto drop;
	default:
		mrc_count(qp->dev, drop_window);
		if (READ_ONCE(qp->dev->set.oow_nack))
			mrc_emit_nack(qp, p, info, MRC_NACK_PSN_OOR_WINDOW,
				      out);
		goto drop;
	}

	if (!resp->established) {
		resp->established = true;
		if (qp->state == IB_QPS_RTR)
			mrc_qp_event(qp, IB_EVENT_COMM_EST);
	}
	v = check_lengths(qp, p, f);
	if (!v.syndrome)
		v = check_allowed(qp, p, f);
	recv = NULL;
	read = NULL;
	if (!v.syndrome) {
		err = find_target(qp, p, f, &recv, &read, &v);
		if (err) {
			mrc_emit_nack(qp, p, info, err == -EAGAIN ?
				      MRC_NACK_NO_RESOURCE :
				      MRC_NACK_NO_PKT_BUFFER, out);
			goto drop;
		}
	}
	if (!v.syndrome &&
	    (p->op == MRC_OP_X_READ_REQ || (f & MRC_OPF_ATOMIC))) {
		if (resp->num_answers < answer_limit(qp))
			answer = alloc_answer(p);
		if (!answer) {
			mrc_emit_nack(qp, p, info, MRC_NACK_NO_PKT_BUFFER, out);
			goto drop;
		}
		resp->num_answers++;
	}
	place_now = !v.syndrome && (f & MRC_OPF_PAYLOAD) && p->plen &&
		    (!(f & MRC_OPF_END) ||
		     !READ_ONCE(qp->dev->set.ordered_last));
	if (place_now && (f & MRC_OPF_RETH)) {
		order = order_write(qp, p);
		place_now = order != MRC_ORDER_WAIT;
	} else {
		mrc_order_forget(resp->order, &qp->rxw);
	}
	if (p->psn != mrc_rxwin_next(&qp->rxw)) {
		mrc_qp_count(qp, out_of_order);
		if (((f & MRC_OPF_END) || v.syndrome ||
		     order == MRC_ORDER_WAIT) &&
		    atomic_long_read(&qp->dev->held_bytes) > MRC_HELD_MAX) {
			if (answer)
				resp->num_answers--;
			kfree(answer);
			mrc_emit_nack(qp, p, info, MRC_NACK_NO_PKT_BUFFER, out);
			goto drop;
		}
	}

	mrc_rxwin_claim(&qp->rxw, p->psn, info->nominal);
	mrc_qp_count_add(qp, rx_bytes, p->plen);
	due = mrc_rxwin_sack_due(&qp->rxw, p->ackreq, info->ecn, p->rtx, false,
				 p->calm && READ_ONCE(qp->peer->features) &
					    MRC_HELLO_F_CALM);
	if (p->ackreq && (!resp->ackreq ||
			  mrc_psn_diff(p->psn, resp->ackreq_psn) > 0)) {
		resp->ackreq = true;
		resp->ackreq_psn = p->psn;
	}
	/* an answer is news of the peer */
	if (qp->tx_started && !(f & MRC_OPF_REQ))
		mrc_tx_progress(&qp->tx, info->now);

	memset(cb, 0, sizeof(*cb));
	cb->psn = p->psn;
	cb->answer = answer;
	cb->cut = order == MRC_ORDER_REST;
	if (place_now) {
		mrc_qp_busy(qp);
		v = place_unlocked(qp, skb, p, recv, read);
		mrc_qp_unbusy(qp);
		if (!mrc_receiving(qp))
			goto drop;
		cb->placed = !v.syndrome;
	}
	if ((f & MRC_OPF_END) || v.syndrome || order == MRC_ORDER_WAIT) {
		cb->syndrome = v.syndrome;
		cb->wc_status = v.wc_status;
		hold(qp, skb);
	} else {
		mrc_rxwin_done(&qp->rxw, p->psn);
		consume_skb(skb);
	}
	drain(qp);
	mrc_resp_try_nak(qp, out);
	if (!mrc_receiving(qp))
		return;
	if (due || (resp->ack_due && resp->ackreq &&
		    mrc_psn_diff(mrc_cack(qp), resp->ackreq_psn) >= 0)) {
		const struct mrc_sack_cause cause =
			mrc_sack_cause(p->psn, p->tx_timestamp, info);

		mrc_sack_later(qp, &cause, out);
		if (mrc_rxwin_sack_overdue(&qp->rxw))
			mrc_sack_now(qp, out);
	}
	return;
drop:
	kfree_skb(skb);
}

/**
 * mrc_resp_try_nak - send the NAK that had to wait for earlier answers
 * @qp: QP, lock held
 * @out: answers
 */
void mrc_resp_try_nak(struct mrc_qp *qp, struct sk_buff_head *out)
{
	struct mrc_resp *resp = &qp->resp;

	if (!resp->nak_want || resp->nak || resp->num_answers)
		return;
	resp->nak = resp->nak_want;
	mrc_resp_repeat_nak(qp, out);
	switch (resp->nak) {
	case MRC_AETH_NAK_REM_ACC:
		mrc_qp_event(qp, IB_EVENT_QP_ACCESS_ERR);
		break;
	case MRC_AETH_NAK_INV_REQ:
		mrc_qp_event(qp, IB_EVENT_QP_REQ_ERR);
		break;
	default:
		mrc_qp_event(qp, IB_EVENT_QP_FATAL);
	}
	mrc_msg_error(qp, MRC_NL_QP_REASON_REFUSED);
}

static void flush_recv(struct mrc_qp *qp, u64 wr_id)
{
	struct mrc_cqe cqe = {
		.wr_id = wr_id,
		.status = IB_WC_WR_FLUSH_ERR,
		.opcode = IB_WC_RECV,
		.qpn = qp->qpn,
		.vlan_id = 0xffff,
	};

	mrc_cq_post(to_mcq(qp->ibqp.recv_cq), &cqe, false);
}

/* rq_lock: a UD QP receives under it. Not held when completions are posted. */
static bool take_for_flush(struct mrc_qp *qp, u64 *wr_id)
{
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&qp->rq_lock, flags);
	more = mrc_ring_avail(&qp->rq, qp->rq_taken);
	if (more) {
		const struct mrc_rqe *e = mrc_ring_entry(&qp->rq, qp->rq_taken);

		*wr_id = READ_ONCE(e->wr_id);
		qp->rq_taken++;
		qp->rq.cons = qp->rq_taken;
		/* wr_id was read before the entry may be written again */
		smp_store_release(&qp->rq.hdr->cons, qp->rq.cons);
	}
	spin_unlock_irqrestore(&qp->rq_lock, flags);
	return more;
}

/**
 * mrc_resp_flush - complete all receives of a QP with a flush error
 * @qp: QP in error, lock held, nobody busy
 *
 * An SRQ's receives that are not bound to a message of this QP stay.
 */
void mrc_resp_flush(struct mrc_qp *qp)
{
	struct mrc_resp *resp = &qp->resp;
	bool first = !resp->flushed;
	u64 wr_id;
	u32 left;

	resp->flushed = true;
	purge_held(qp);
	while (resp->bound) {
		struct mrc_recv *r = xa_erase(&resp->recvs, resp->next_rqmsn++);

		resp->bound--;
		retire_recv(qp);
		if (r)
			flush_recv(qp, r->wr_id);
		kfree(r);
	}
	if (qp->srq) {
		if (first)
			mrc_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
		return;
	}
	if (!qp->rq.hdr)
		return;
	WRITE_ONCE(qp->rq.hdr->want_doorbell, 1);
	smp_mb();	/* pairs with the provider's, between prod and this */
	/* a ring full at most: who posts from now on rings the doorbell */
	for (left = qp->rq.mask + 1; left && take_for_flush(qp, &wr_id); left--)
		flush_recv(qp, wr_id);
}

/**
 * mrc_resp_free - free what the responder holds
 * @qp: QP, lock held, nobody busy
 */
void mrc_resp_free(struct mrc_qp *qp)
{
	struct mrc_resp *resp = &qp->resp;
	struct mrc_txmsg *m, *tmp;
	struct mrc_recv *r;
	unsigned long i;

	purge_held(qp);
	xa_for_each(&resp->recvs, i, r)
		kfree(r);
	xa_destroy(&resp->recvs);
	list_for_each_entry_safe(m, tmp, &resp->answers, owner)
		mrc_txmsg_release_owner(m);
	resp->bound = 0;
	resp->num_answers = 0;
}
