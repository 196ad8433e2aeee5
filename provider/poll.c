// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Polling a CQ: no system call, no look-up of a QP. An entry holds all that
 * an application may ask for, and belongs to this side until cons has passed
 * it.
 */
#include <errno.h>
#include <time.h>

#include "mrc.h"

/*
 * How far the kernel has come. A prod that is farther away than the ring is
 * long means that something wrote over its header: there is nothing to poll.
 */
static uint32_t cq_prod(const struct mrc_cq *cq)
{
	uint32_t prod = mrc_ring_prod(&cq->map);

	return prod - cq->cons <= cq->map.mask + 1 ? prod : cq->cons;
}

/*
 * The entry at cons, or NULL. Entries of QPs that are gone are passed over.
 * Caller holds the CQ's lock.
 */
static struct mrc_cqe *next_cqe(struct mrc_cq *cq)
{
	struct mrc_cqe *cqe;

	for (;;) {
		if (cq->cons == cq->prod) {
			cq->prod = cq_prod(cq);
			if (cq->cons == cq->prod)
				return NULL;
		}
		cqe = mrc_ring_entry(&cq->map, cq->cons);
		if (cqe->qpn != MRC_CQE_SKIP)
			return cqe;
		cq->cons++;
	}
}

/*
 * The completion of a datagram has to tell what kind of frame it came in (IBTA
 * annex A17, A17.4.5.1), for which struct ibv_wc has no field. A service level
 * means nothing in RoCE v2, so other providers put it there, and programs (UCX)
 * look for it: bit 3 for UDP, and 1 for IPv6 or 2 for IPv4.
 */
static uint8_t frame_type(const struct mrc_cqe *cqe)
{
	if (!(cqe->wc_flags & IBV_WC_GRH))
		return 0;
	return cqe->network_hdr_type == MRC_CQE_NET_IPV4 ? 8 | 2 : 8 | 1;
}

static void cqe_to_wc(const struct mrc_cqe *cqe, struct ibv_wc *wc)
{
	wc->wr_id = cqe->wr_id;
	wc->status = cqe->status;
	wc->opcode = cqe->opcode;
	wc->vendor_err = cqe->vendor_err;
	wc->byte_len = cqe->byte_len;
	wc->imm_data = (__be32)cqe->imm;
	wc->qp_num = cqe->qpn;
	wc->src_qp = cqe->src_qpn;
	wc->wc_flags = cqe->wc_flags;
	wc->pkey_index = cqe->pkey_index;
	wc->slid = 0;
	wc->sl = frame_type(cqe);
	wc->dlid_path_bits = 0;
}

int mrc_poll_cq(struct ibv_cq *ibcq, int num, struct ibv_wc *wc)
{
	struct mrc_cq *cq = to_mcq(ibcq);
	struct mrc_cqe *cqe;
	uint32_t first;
	int n = 0;

	mrc_lock(&cq->lock);
	if (cq->lost) {
		mrc_unlock(&cq->lock);
		return -EIO;
	}

	first = cq->cons;
	while (n < num) {
		cqe = next_cqe(cq);
		if (!cqe)
			break;
		cqe_to_wc(cqe, &wc[n++]);
		cq->cons++;
	}
	if (cq->cons != first)
		mrc_ring_release(&cq->map, cq->cons);
	mrc_unlock(&cq->lock);
	return n;
}

static int take_cqe(struct mrc_cq *cq)
{
	struct mrc_cqe *cqe = next_cqe(cq);

	cq->cur = cqe;
	if (!cqe)
		return ENOENT;

	cq->vcq.cq_ex.wr_id = cqe->wr_id;
	cq->vcq.cq_ex.status = cqe->status;
	return 0;
}

static int start_poll(struct ibv_cq_ex *ibcq, struct ibv_poll_cq_attr *attr)
{
	struct mrc_cq *cq = to_mcq_ex(ibcq);
	uint32_t first;
	int ret;

	if (attr->comp_mask)
		return EINVAL;

	mrc_lock(&cq->lock);
	if (cq->lost) {
		mrc_unlock(&cq->lock);
		return EIO;
	}

	first = cq->cons;
	ret = take_cqe(cq);
	if (cq->cons != first)
		mrc_ring_release(&cq->map, cq->cons);
	/* where this fails end_poll is not called */
	if (ret)
		mrc_unlock(&cq->lock);
	return ret;
}

static int next_poll(struct ibv_cq_ex *ibcq)
{
	struct mrc_cq *cq = to_mcq_ex(ibcq);
	int ret;

	if (cq->cur)
		cq->cons++;
	ret = take_cqe(cq);
	mrc_ring_release(&cq->map, cq->cons);
	return ret;
}

static void end_poll(struct ibv_cq_ex *ibcq)
{
	struct mrc_cq *cq = to_mcq_ex(ibcq);

	if (cq->cur) {
		cq->cur = NULL;
		mrc_ring_release(&cq->map, ++cq->cons);
	}
	mrc_unlock(&cq->lock);
}

static enum ibv_wc_opcode read_opcode(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->opcode;
}

static uint32_t read_vendor_err(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->vendor_err;
}

static uint32_t read_byte_len(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->byte_len;
}

static __be32 read_imm_data(struct ibv_cq_ex *cq)
{
	return (__be32)to_mcq_ex(cq)->cur->imm;
}

static uint32_t read_qp_num(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->qpn;
}

static uint32_t read_src_qp(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->src_qpn;
}

static unsigned int read_wc_flags(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->wc_flags;
}

/* InfiniBand's local addresses do not exist on Ethernet. */
static uint32_t read_slid(struct ibv_cq_ex *cq)
{
	return 0;
}

static uint8_t read_sl(struct ibv_cq_ex *cq)
{
	return frame_type(to_mcq_ex(cq)->cur);
}

static uint8_t read_dlid_path_bits(struct ibv_cq_ex *cq)
{
	return 0;
}

static uint64_t read_completion_ts(struct ibv_cq_ex *cq)
{
	return to_mcq_ex(cq)->cur->timestamp;
}

static uint64_t timespec_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + ts->tv_nsec;
}

/* Entries carry the monotonic clock: shift by what the two differ now. */
static uint64_t read_completion_wallclock_ns(struct ibv_cq_ex *cq)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return to_mcq_ex(cq)->cur->timestamp + timespec_ns(&real) -
	       timespec_ns(&mono);
}

/**
 * mrc_cq_set_poll_ops - make a CQ an extended one
 * @cq: the CQ
 */
void mrc_cq_set_poll_ops(struct mrc_cq *cq)
{
	struct ibv_cq_ex *ex = &cq->vcq.cq_ex;

	ex->start_poll = start_poll;
	ex->next_poll = next_poll;
	ex->end_poll = end_poll;
	ex->read_opcode = read_opcode;
	ex->read_vendor_err = read_vendor_err;
	ex->read_byte_len = read_byte_len;
	ex->read_imm_data = read_imm_data;
	ex->read_qp_num = read_qp_num;
	ex->read_src_qp = read_src_qp;
	ex->read_wc_flags = read_wc_flags;
	ex->read_slid = read_slid;
	ex->read_sl = read_sl;
	ex->read_dlid_path_bits = read_dlid_path_bits;
	ex->read_completion_ts = read_completion_ts;
	ex->read_completion_wallclock_ns = read_completion_wallclock_ns;
}

/**
 * mrc_cq_forget_qp - drop the unpolled completions of a QP
 * @cq: the CQ
 * @qpn: number of the QP, which the kernel will add no more entries of
 *
 * A number can be used again soon: what an old QP left must not be taken for
 * a completion of the new one.
 */
void mrc_cq_forget_qp(struct mrc_cq *cq, uint32_t qpn)
{
	struct mrc_cqe *cqe;
	uint32_t i, prod;

	mrc_lock(&cq->lock);
	prod = cq_prod(cq);
	for (i = cq->cons; i != prod; i++) {
		cqe = mrc_ring_entry(&cq->map, i);
		if (cqe->qpn == qpn)
			cqe->qpn = MRC_CQE_SKIP;
	}
	mrc_unlock(&cq->lock);
}
