// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Requester: from work requests in the SQ to messages, and to completions. */
#include "message.h"

/*
 * With this many packets in flight an acknowledgment is near, and it looks
 * for new work requests by itself: no doorbell is wanted.
 */
#define MRC_ACK_CLOCKED	8

static void free_unused(struct mrc_txmsg *m)
{
	if (!m->in_msgs && !m->in_owner && !m->placing)
		kfree(m);
}

/**
 * mrc_txmsg_release_owner - the message leaves req.wrs
 * @m: message
 */
void mrc_txmsg_release_owner(struct mrc_txmsg *m)
{
	if (m->in_owner) {
		list_del(&m->owner);
		m->in_owner = false;
	}
	free_unused(m);
}

/**
 * mrc_txmsg_release_msgs - the message leaves qp->msgs
 * @m: message
 */
void mrc_txmsg_release_msgs(struct mrc_txmsg *m)
{
	list_del(&m->msgs);
	m->in_msgs = false;
	free_unused(m);
}

/**
 * mrc_txmsg_placed - a packet of the answer has been placed
 * @m: message whose count placing the caller has raised
 */
void mrc_txmsg_placed(struct mrc_txmsg *m)
{
	m->placing--;
	free_unused(m);
}

/**
 * mrc_find_msg - the message that owns a PSN
 * @qp: QP, lock held
 * @psn: PSN that was sent and is not yet acknowledged cumulatively
 *
 * What is asked for is nearly always near the oldest, hence a list. Compared
 * with a message's end: a message of 2 GiB may be half of all PSNs long, so
 * that what follows it is not after its beginning.
 */
struct mrc_txmsg *mrc_find_msg(struct mrc_qp *qp, u32 psn)
{
	struct mrc_txmsg *m;

	list_for_each_entry(m, &qp->msgs, msgs) {
		if (mrc_psn_diff(psn, mrc_txmsg_last_psn(m)) <= 0)
			return ((psn - m->first_psn) & MRC_PSN_MASK) < m->made ?
				m : NULL;
	}
	return NULL;
}

/**
 * mrc_req_acked - all messages that end at or before a PSN are carried out
 * @qp: QP, lock held
 * @psn: the PSN, as the peer says
 *
 * Return: true if that is news, and @psn one that was sent. Between what was
 * told last and this more than half of all PSNs may lie: a plain MRC 1.0 peer
 * tells of a message of 2 GiB when it is complete.
 */
bool mrc_req_acked(struct mrc_qp *qp, u32 psn)
{
	u32 from = mrc_psn_add(qp->req.acked_psn, 1);
	u32 sent = (mrc_tx_next_psn(&qp->tx) - from) & MRC_PSN_MASK;

	if (((psn - from) & MRC_PSN_MASK) >= sent)
		return false;
	qp->req.acked_psn = psn;
	return true;
}

/**
 * mrc_msgs_delivered - forget messages all of whose packets have arrived
 * @qp: QP, lock held
 */
void mrc_msgs_delivered(struct mrc_qp *qp)
{
	u32 una = mrc_tx_una(&qp->tx);
	struct mrc_txmsg *m, *tmp;

	list_for_each_entry_safe(m, tmp, &qp->msgs, msgs) {
		if (m->made < m->npkts ||
		    mrc_psn_diff(una, mrc_txmsg_last_psn(m)) <= 0)
			break;
		if (m->kind != MRC_MSG_WR)
			qp->resp.num_answers--;
		mrc_txmsg_release_msgs(m);
	}
}

static u32 wc_opcode(const struct mrc_txmsg *m)
{
	switch (m->opcode) {
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
		return IB_WC_RDMA_WRITE;
	case IB_WR_RDMA_READ:
		return IB_WC_RDMA_READ;
	case IB_WR_ATOMIC_CMP_AND_SWP:
		return IB_WC_COMP_SWAP;
	case IB_WR_ATOMIC_FETCH_AND_ADD:
		return IB_WC_FETCH_ADD;
	case IB_WR_LOCAL_INV:
		return IB_WC_LOCAL_INV;
	case IB_WR_REG_MR:
		return IB_WC_REG_MR;
	case IB_UVERBS_WR_BIND_MW:
		return IB_UVERBS_WC_BIND_MW;
	default:
		return IB_WC_SEND;
	}
}

static void post_wc(struct mrc_qp *qp, const struct mrc_txmsg *m)
{
	struct mrc_cqe cqe = {
		.wr_id = m->wr_id,
		.status = m->status,
		.opcode = wc_opcode(m),
		.qpn = qp->qpn,
		.vlan_id = 0xffff,
	};

	if (m->status == IB_WC_SUCCESS) {
		if (!(m->flags & MRC_SQE_SIGNALED))
			return;
		if (mrc_txmsg_is_read(m))
			cqe.byte_len = m->length;
	}
	mrc_cq_post(to_mcq(qp->ibqp.send_cq), &cqe, false);
}

/* The oldest work request is over: its ring entry may be used again. */
static void retire_first(struct mrc_qp *qp, struct mrc_txmsg *m)
{
	qp->sq.cons++;
	/* the entry was copied before the application may write it again */
	smp_store_release(&qp->sq.hdr->cons, qp->sq.cons);
	post_wc(qp, m);
	if (!list_empty(&m->reads)) {
		list_del_init(&m->reads);
		qp->req.rd_atomic--;
	}
	mrc_txmsg_release_owner(m);
}

static bool wr_done(const struct mrc_qp *qp, const struct mrc_txmsg *m)
{
	if (!m->npkts || mrc_txmsg_is_read(m))
		return m->answered;
	return m->made == m->npkts &&
	       mrc_psn_diff(qp->req.acked_psn, mrc_txmsg_last_psn(m)) >= 0;
}

/**
 * mrc_req_drained - tell that the SQ has drained, if that is wanted
 * @qp: QP, lock held
 */
void mrc_req_drained(struct mrc_qp *qp)
{
	if (qp->state != IB_QPS_SQD || !qp->sqd_notify ||
	    !list_empty(&qp->req.wrs))
		return;
	qp->sqd_notify = false;
	mrc_qp_event(qp, IB_EVENT_SQ_DRAINED);
}

/* Why a QP fails whose work request ends like this. */
static enum mrc_nl_qp_reason wc_reason(u32 status)
{
	switch (status) {
	case IB_WC_RETRY_EXC_ERR:
		return MRC_NL_QP_REASON_RETRY;
	case IB_WC_RNR_RETRY_EXC_ERR:
		return MRC_NL_QP_REASON_RNR_RETRY;
	case IB_WC_REM_ACCESS_ERR:
		return MRC_NL_QP_REASON_REMOTE_ACCESS;
	case IB_WC_REM_INV_REQ_ERR:
		return MRC_NL_QP_REASON_REMOTE_INVALID;
	case IB_WC_REM_OP_ERR:
		return MRC_NL_QP_REASON_REMOTE_OPERATION;
	default:
		return MRC_NL_QP_REASON_LOCAL;
	}
}

/**
 * mrc_req_retire - complete finished work requests, in order
 * @qp: QP, lock held
 *
 * A failed one brings the QP into error.
 */
void mrc_req_retire(struct mrc_qp *qp)
{
	struct mrc_txmsg *m;

	while ((m = list_first_entry_or_null(&qp->req.wrs, struct mrc_txmsg,
					     owner))) {
		if (m->status != IB_WC_SUCCESS) {
			/*
			 * The flush posts it, for which it waits for CPUs that
			 * may be placing what this message asked for.
			 */
			mrc_msg_error(qp, wc_reason(m->status));
			return;
		}
		if (!wr_done(qp, m))
			return;
		retire_first(qp, m);
	}
	mrc_req_drained(qp);
}

/**
 * mrc_req_fail - a work request has failed
 * @qp: QP, lock held
 * @m: message; an answer's failure fails the QP
 * @status: enum ib_wc_status
 *
 * It completes with @status as soon as all before it have completed.
 */
void mrc_req_fail(struct mrc_qp *qp, struct mrc_txmsg *m, u32 status)
{
	if (m->kind != MRC_MSG_WR) {
		mrc_qp_event(qp, IB_EVENT_QP_ACCESS_ERR);
		mrc_msg_error(qp, MRC_NL_QP_REASON_ANSWER);
		return;
	}
	if (m->status == IB_WC_SUCCESS)
		m->status = status;
	mrc_req_retire(qp);
}

/**
 * mrc_req_nak - a Transport NAK has come
 * @qp: QP, lock held
 * @psn: PSN it names
 * @syndrome: MRC_AETH_NAK_*
 */
void mrc_req_nak(struct mrc_qp *qp, u32 psn, u8 syndrome)
{
	struct mrc_txmsg *m = mrc_find_msg(qp, psn);
	u32 status;

	if (!m || m->kind != MRC_MSG_WR)
		return;
	switch (syndrome) {
	case MRC_AETH_NAK_REM_ACC:
		status = IB_WC_REM_ACCESS_ERR;
		break;
	case MRC_AETH_NAK_REM_OP:
		status = IB_WC_REM_OP_ERR;
		break;
	default:
		status = IB_WC_REM_INV_REQ_ERR;
	}
	/* All before it had been carried out when the NAK was sent. */
	mrc_req_acked(qp, mrc_psn_add(m->first_psn, -1));
	mrc_req_fail(qp, m, status);
}

/**
 * mrc_req_find_read - the work request that waits for an answer
 * @qp: QP, lock held
 * @msn: its MSN
 */
struct mrc_txmsg *mrc_req_find_read(struct mrc_qp *qp, u16 msn)
{
	struct mrc_txmsg *m;

	list_for_each_entry(m, &qp->req.reads, reads)
		if (m->msn == msn && m->made)
			return m;
	return NULL;
}

/**
 * mrc_req_answer_placed - the answer of a READ or ATOMIC is complete
 * @qp: QP, lock held
 * @m: the work request's message
 */
void mrc_req_answer_placed(struct mrc_qp *qp, struct mrc_txmsg *m)
{
	m->answered = true;
	list_del_init(&m->reads);
	qp->req.rd_atomic--;
	mrc_req_retire(qp);
}

static u32 check_sges(struct mrc_qp *qp, const struct mrc_txmsg *m)
{
	int access = mrc_txmsg_is_read(m) ? IB_ACCESS_LOCAL_WRITE : 0;
	u32 i;

	for (i = 0; i < m->num_sge; i++) {
		const struct mrc_sge *sge = &m->sge[i];
		struct mrc_mr *mr;

		if (!sge->length)
			continue;
		mr = mrc_mr_get(qp, sge->lkey, sge->addr,
				sge->length, access, false);
		if (!mr)
			return IB_WC_LOC_PROT_ERR;
		mrc_mr_put(mr);
	}
	return IB_WC_SUCCESS;
}

static u32 needed_feature(u32 opcode)
{
	switch (opcode) {
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
		return 0;
	case IB_WR_RDMA_READ:
		return MRC_HELLO_F_READ;
	case IB_WR_ATOMIC_CMP_AND_SWP:
	case IB_WR_ATOMIC_FETCH_AND_ADD:
		return MRC_HELLO_F_ATOMIC;
	default:
		return MRC_HELLO_F_SEND;
	}
}

/* Execute a work request that sends nothing. */
static u32 local_op(struct mrc_qp *qp, const struct mrc_sqe *sqe)
{
	int err;

	if (sqe->opcode == IB_WR_LOCAL_INV)
		err = mrc_mr_invalidate(qp, sqe->imm, false);
	else if (sqe->opcode == IB_UVERBS_WR_BIND_MW)
		err = mrc_mw_bind(qp, sqe);
	else
		err = mrc_mr_fast_reg(qp->ibqp.pd,
				      (struct ib_mr *)(uintptr_t)sqe->reg.mr,
				      sqe->reg.key, sqe->reg.access);
	return err ? IB_WC_MW_BIND_ERR : IB_WC_SUCCESS;
}

/* What a message of the copied entry @sqe amounts to; sets status if it is wrong. */
static void prepare_msg(struct mrc_qp *qp, struct mrc_txmsg *m,
			const struct mrc_sqe *sqe)
{
	u64 length = 0;
	u32 i;

	if (m->is_inline) {
		length = sqe->inline_len;
	} else {
		for (i = 0; i < m->num_sge; i++)
			length += m->sge[i].length;
	}
	if (length > MRC_MAX_MSG) {
		m->status = IB_WC_LOC_LEN_ERR;
		return;
	}
	m->length = length;
	m->npkts = 1;

	switch (m->opcode) {
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
	case IB_WR_SEND:
	case IB_WR_SEND_WITH_IMM:
	case IB_WR_SEND_WITH_INV:
		m->npkts = max_t(u32, 1, DIV_ROUND_UP(m->length, qp->mtu));
		break;
	case IB_WR_RDMA_READ:
		if (m->is_inline || !qp->attr.max_rd_atomic)
			m->status = IB_WC_LOC_QP_OP_ERR;
		break;
	case IB_WR_ATOMIC_CMP_AND_SWP:
	case IB_WR_ATOMIC_FETCH_AND_ADD:
		if (m->is_inline || !qp->attr.max_rd_atomic)
			m->status = IB_WC_LOC_QP_OP_ERR;
		else if (m->length < sizeof(u64))
			m->status = IB_WC_LOC_LEN_ERR;
		m->length = sizeof(u64);
		break;
	case IB_WR_LOCAL_INV:
	case IB_UVERBS_WR_BIND_MW:
		m->npkts = 0;
		break;
	case IB_WR_REG_MR:
		m->npkts = 0;
		if (qp->user)
			m->status = IB_WC_LOC_QP_OP_ERR;
		break;
	default:
		m->status = IB_WC_LOC_QP_OP_ERR;
	}
	if (m->status != IB_WC_SUCCESS || !m->npkts)
		return;
	if (needed_feature(m->opcode) & ~READ_ONCE(qp->peer->features)) {
		/* A plain MRC 1.0 endpoint knows WRITE and WRITE WITH IMM. */
		m->status = IB_WC_REM_INV_REQ_ERR;
		return;
	}
	if (!m->is_inline)
		m->status = check_sges(qp, m);
}

/*
 * Copy ring entry @idx into a new message. The entry belongs to user space:
 * it is read once, and only the copy is looked at.
 */
static struct mrc_txmsg *copy_wr(struct mrc_qp *qp, u32 idx,
				 struct mrc_sqe *sqe)
{
	const struct mrc_sqe *entry = mrc_ring_entry(&qp->sq, idx);
	size_t room = qp->sq.entry_size - sizeof(*entry), extra;
	struct mrc_txmsg *m;
	bool bad;

	memcpy(sqe, entry, sizeof(*sqe));
	/* Only the copy counts from here on. */
	barrier();
	if (sqe->flags & MRC_SQE_INLINE) {
		extra = sqe->inline_len;
		bad = extra > room || extra > qp->cap.max_inline_data;
	} else {
		extra = (size_t)sqe->num_sge * sizeof(struct mrc_sge);
		bad = extra > room || sqe->num_sge > qp->cap.max_send_sge;
	}
	if (bad)
		extra = 0;
	m = kmalloc(sizeof(*m) + extra, GFP_ATOMIC | __GFP_NOWARN);
	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	INIT_LIST_HEAD(&m->reads);
	m->kind = MRC_MSG_WR;
	m->status = bad ? IB_WC_LOC_LEN_ERR : IB_WC_SUCCESS;
	m->opcode = sqe->opcode;
	m->flags = sqe->flags;
	if (qp->sq_sig_all)
		m->flags |= MRC_SQE_SIGNALED;
	m->wr_id = sqe->wr_id;
	m->imm = sqe->imm;
	m->remote_addr = sqe->rdma.remote_addr;
	m->rkey = sqe->rdma.rkey;
	m->compare_add = sqe->rdma.compare_add;
	m->swap = sqe->rdma.swap;
	if (bad)
		return m;
	m->is_inline = sqe->flags & MRC_SQE_INLINE;
	if (!m->is_inline)
		m->num_sge = sqe->num_sge;
	memcpy(m->data, entry->data, extra);
	barrier();
	return m;
}

/* Nothing in the ring: may the requester sleep? False: something came. */
static bool sq_sleep(struct mrc_qp *qp)
{
	if (mrc_psn_diff(mrc_tx_next_psn(&qp->tx), mrc_tx_una(&qp->tx)) >=
	    MRC_ACK_CLOCKED)
		return true;
	qp->req.awake = false;
	WRITE_ONCE(qp->sq.hdr->want_doorbell, 1);
	/* Pairs with the provider's barrier between prod and want_doorbell. */
	smp_mb();
	return !mrc_ring_avail(&qp->sq, qp->req.taken);
}

/* Must the work request in ring entry @idx wait for earlier ones? */
static bool must_wait(const struct mrc_qp *qp, u32 idx)
{
	const struct mrc_sqe *entry = mrc_ring_entry(&qp->sq, idx);
	u32 opcode = READ_ONCE(entry->opcode);

	/*
	 * A hint only: what is taken is judged by its copy, and a fence that
	 * the application removes meanwhile is its own loss.
	 */
	if ((READ_ONCE(entry->flags) & MRC_SQE_FENCE) && qp->req.rd_atomic)
		return true;
	/* An MR must not go while earlier messages may be sent again from it. */
	if (opcode == IB_WR_LOCAL_INV)
		return !list_empty(&qp->req.wrs);
	/* one more answer than the responder has room for */
	return qp->req.rd_atomic >= max_t(u32, qp->attr.max_rd_atomic, 1) &&
	       (opcode == IB_WR_RDMA_READ ||
		opcode == IB_WR_ATOMIC_CMP_AND_SWP ||
		opcode == IB_WR_ATOMIC_FETCH_AND_ADD);
}

/**
 * mrc_req_more - will another work request be taken at once?
 * @qp: QP, lock held
 *
 * Not one that waits for earlier ones to complete: for these an
 * acknowledgment has to be asked for.
 */
bool mrc_req_more(const struct mrc_qp *qp)
{
	return qp->state == IB_QPS_RTS &&
	       mrc_ring_avail(&qp->sq, qp->req.taken) &&
	       !must_wait(qp, qp->req.taken);
}

/**
 * mrc_req_next - take the next work request that sends something
 * @qp: QP in RTS, lock held, peer known
 * @now: ns
 *
 * Return: its message, in req.wrs but not in qp->msgs; NULL: none, or it has
 * to wait, or the QP failed.
 */
struct mrc_txmsg *mrc_req_next(struct mrc_qp *qp, u64 now)
{
	struct mrc_req *req = &qp->req;
	unsigned int budget = MRC_BATCH;

	while (qp->state == IB_QPS_RTS) {
		struct mrc_txmsg *m;
		struct mrc_sqe sqe;

		/*
		 * A user who posts as fast as we are done with what sends
		 * nothing would keep us here, with the lock held.
		 */
		if (!budget--) {
			qp->rerun = true;
			return NULL;
		}
		if (!mrc_ring_avail(&qp->sq, req->taken)) {
			if (sq_sleep(qp))
				return NULL;
			continue;
		}
		WRITE_ONCE(qp->sq.hdr->want_doorbell, 0);
		if (!list_empty(&req->wrs) &&
		    list_last_entry(&req->wrs, struct mrc_txmsg,
				    owner)->status != IB_WC_SUCCESS)
			return NULL;	/* nothing starts after a failed one */
		if (must_wait(qp, req->taken))
			return NULL;

		m = copy_wr(qp, req->taken, &sqe);
		if (!m) {
			mrc_qp_kick(qp);	/* try again when memory is back */
			return NULL;
		}
		req->taken++;
		if (qp->user && req->awake)
			mrc_count(qp->dev, doorbells_saved);
		req->awake = true;
		if (m->status == IB_WC_SUCCESS)
			prepare_msg(qp, m, &sqe);
		m->in_owner = true;
		list_add_tail(&m->owner, &req->wrs);
		if (m->status != IB_WC_SUCCESS) {
			mrc_req_retire(qp);
			return NULL;
		}
		if (!m->npkts) {
			m->status = local_op(qp, &sqe);
			m->answered = true;
			mrc_req_retire(qp);
			continue;
		}
		m->msn = req->msn++;
		m->rqmsn = req->rqmsn;
		if (needed_feature(m->opcode) == MRC_HELLO_F_SEND ||
		    m->opcode == IB_WR_RDMA_WRITE_WITH_IMM)
			req->rqmsn++;
		if (mrc_txmsg_is_read(m)) {
			list_add_tail(&m->reads, &req->reads);
			req->rd_atomic++;
		}
		return m;
	}
	return NULL;
}

/**
 * mrc_req_flush - complete everything in the SQ with a flush error
 * @qp: QP in error, lock held, nobody busy
 */
void mrc_req_flush(struct mrc_qp *qp)
{
	struct mrc_req *req = &qp->req;
	struct mrc_txmsg *m, *tmp;
	u32 n;

	list_for_each_entry_safe(m, tmp, &req->wrs, owner) {
		if (m->status == IB_WC_SUCCESS)
			m->status = IB_WC_WR_FLUSH_ERR;
		retire_first(qp, m);
	}
	req->awake = false;
	WRITE_ONCE(qp->sq.hdr->want_doorbell, 1);
	smp_mb();	/* as in sq_sleep() */
	/* who posts from now on rings the doorbell */
	for (n = mrc_ring_avail(&qp->sq, req->taken); n; n--) {
		const struct mrc_sqe *e = mrc_ring_entry(&qp->sq, req->taken);
		struct mrc_cqe cqe = {
			.wr_id = READ_ONCE(e->wr_id),
			.status = IB_WC_WR_FLUSH_ERR,
			.qpn = qp->qpn,
			.vlan_id = 0xffff,
		};

		req->taken++;
		qp->sq.cons = req->taken;
		/* wr_id was read before the entry may be written again */
		smp_store_release(&qp->sq.hdr->cons, qp->sq.cons);
		mrc_cq_post(to_mcq(qp->ibqp.send_cq), &cqe, false);
	}
}
