// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Completion queues: a ring with the kernel as its producer.
 *
 * The completion handler is called as soon as the entry is in the ring, after
 * cq->lock is dropped but maybe with a QP's lock held: a detour by a work item
 * would cost event-driven programs a context switch. The handlers of uverbs
 * only wake a process, those of the core's CQ API only schedule, and what
 * others may do in a handler (poll, arm, post) takes none of the QP's locks
 * but req.post_lock and rq_lock, under which no completion is ever posted.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/timekeeping.h>

#include "verbs.h"

/* Entries in the ring; more than it has if user space wrote a wild index. */
static u32 mrc_cq_used(const struct mrc_kring *r)
{
	/* Its user has read the entries up to there before it said so. */
	return r->prod - smp_load_acquire(&r->hdr->cons);
}

static void mrc_cq_notify(struct mrc_cq *cq)
{
	cq->ibcq.comp_handler(&cq->ibcq, cq->ibcq.cq_context);
}

/*
 * Shall the handler be called for a new completion? Disarms if so. cq->lock
 * is held.
 */
static bool mrc_cq_due(struct mrc_cq *cq, bool solicited, bool error)
{
	if (!cq->notify || (cq->notify == IB_CQ_SOLICITED && !solicited))
		return false;

	if (cq->mod_count > 1 && cq->mod_period_us && !error) {
		if (++cq->mod_pending < cq->mod_count) {
			if (cq->mod_pending == 1)
				hrtimer_start(&cq->mod_timer,
					      ns_to_ktime(cq->mod_period_us * NSEC_PER_USEC),
					      HRTIMER_MODE_REL_SOFT);
			return false;
		}
	}
	cq->mod_pending = 0;
	cq->notify = 0;
	return true;
}

static enum hrtimer_restart mrc_cq_mod_timer(struct hrtimer *timer)
{
	struct mrc_cq *cq = container_of(timer, struct mrc_cq, mod_timer);
	unsigned long flags;
	bool due;

	spin_lock_irqsave(&cq->lock, flags);
	due = cq->mod_pending && cq->notify && !cq->dying;
	if (due) {
		cq->mod_pending = 0;
		cq->notify = 0;
	}
	spin_unlock_irqrestore(&cq->lock, flags);
	if (due)
		mrc_cq_notify(cq);
	return HRTIMER_NORESTART;
}

static void mrc_cq_overflow(struct mrc_cq *cq)
{
	struct ib_event event = {
		.device = cq->ibcq.device,
		.event = IB_EVENT_CQ_ERR,
		.element.cq = &cq->ibcq,
	};

	ibdev_err_ratelimited(cq->ibcq.device,
			      "CQ overflow: a completion is lost\n");
	if (cq->ibcq.event_handler)
		cq->ibcq.event_handler(&event, cq->ibcq.cq_context);
}

/**
 * mrc_cq_post - add a completion
 * @cq: the CQ
 * @cqe: the entry, but for its time stamp
 * @solicited: the sender asked for an event, or it is an error
 *
 * Any context; the lock of the QP may be held.
 */
void mrc_cq_post(struct mrc_cq *cq, const struct mrc_cqe *cqe, bool solicited)
{
	struct mrc_kring *r = &cq->ring;
	bool due = false, lost = false;
	struct mrc_cqe *entry;
	unsigned long flags;

	spin_lock_irqsave(&cq->lock, flags);
	if (unlikely(mrc_cq_used(r) > r->mask)) {
		lost = !cq->overflow;
		cq->overflow = true;
		goto unlock;
	}
	entry = mrc_ring_entry(r, r->prod);
	*entry = *cqe;
	entry->timestamp = ktime_get_ns();
	r->prod++;
	/* The entry before its index: user space polls without a lock. */
	smp_store_release(&r->hdr->prod, r->prod);
	due = mrc_cq_due(cq, solicited, cqe->status != IB_WC_SUCCESS);
unlock:
	spin_unlock_irqrestore(&cq->lock, flags);

	if (due)
		mrc_cq_notify(cq);
	if (unlikely(lost))
		mrc_cq_overflow(cq);
}

/**
 * mrc_cq_clean - forget the completions of a QP
 * @cq: the CQ; of user space: nothing is done, its entries are its own
 * @qpn: number of a QP that is being reset or destroyed
 */
void mrc_cq_clean(struct mrc_cq *cq, u32 qpn)
{
	struct mrc_kring *r = &cq->ring;
	unsigned long flags;
	u32 from, to;

	if (r->mmap)
		return;
	spin_lock_irqsave(&cq->lock, flags);
	/* Backwards: what is kept moves towards the producer's end. */
	from = r->prod;
	to = r->prod;
	while (from != r->cons) {
		struct mrc_cqe *cqe = mrc_ring_entry(r, --from);

		if (cqe->qpn == qpn)
			continue;
		if (--to != from)
			*(struct mrc_cqe *)mrc_ring_entry(r, to) = *cqe;
	}
	r->cons = to;
	WRITE_ONCE(r->hdr->cons, to);
	spin_unlock_irqrestore(&cq->lock, flags);
}

/* ------------------------------------------------------------ kernel users */

/* False: the QP is gone, and with it whoever would want to know. */
static bool mrc_cqe_to_wc(struct mrc_dev *dev, const struct mrc_cqe *cqe,
			  struct ib_wc *wc)
{
	struct mrc_qp *qp = mrc_qp_get(dev, cqe->qpn);

	if (!qp)
		return false;
	memset(wc, 0, sizeof(*wc));
	wc->wr_id = cqe->wr_id;
	wc->status = cqe->status;
	wc->opcode = cqe->opcode;
	wc->vendor_err = cqe->vendor_err;
	wc->byte_len = cqe->byte_len;
	wc->qp = &qp->ibqp;
	wc->src_qp = cqe->src_qpn;
	wc->port_num = 1;
	wc->pkey_index = cqe->pkey_index;
	if (cqe->wc_flags & MRC_CQE_WITH_INV) {
		wc->wc_flags |= IB_WC_WITH_INVALIDATE;
		wc->ex.invalidate_rkey = cqe->imm;
	} else if (cqe->wc_flags & MRC_CQE_WITH_IMM) {
		wc->wc_flags |= IB_WC_WITH_IMM;
		wc->ex.imm_data = (__force __be32)cqe->imm;
	}
	if (cqe->wc_flags & MRC_CQE_GRH) {
		wc->wc_flags |= IB_WC_GRH | IB_WC_WITH_NETWORK_HDR_TYPE;
		wc->network_hdr_type = cqe->network_hdr_type;
	}
	if (!is_zero_ether_addr(cqe->smac)) {
		wc->wc_flags |= IB_WC_WITH_SMAC;
		ether_addr_copy(wc->smac, cqe->smac);
	}
	if (cqe->vlan_id < VLAN_N_VID) {
		wc->wc_flags |= IB_WC_WITH_VLAN;
		wc->vlan_id = cqe->vlan_id;
	}
	/* The caller must not destroy a QP whose completions it polls. */
	mrc_qp_put(qp);
	return true;
}

/**
 * mrc_poll_cq - ib_device_ops.poll_cq, for kernel users
 * @ibcq: the CQ
 * @num: room in @wc
 * @wc: told the completions
 */
int mrc_poll_cq(struct ib_cq *ibcq, int num, struct ib_wc *wc)
{
	struct mrc_dev *dev = to_mdev(ibcq->device);
	struct mrc_cq *cq = to_mcq(ibcq);
	struct mrc_kring *r = &cq->ring;
	unsigned long flags;
	int n = 0;

	spin_lock_irqsave(&cq->lock, flags);
	while (n < num && r->cons != r->prod) {
		if (mrc_cqe_to_wc(dev, mrc_ring_entry(r, r->cons), wc + n))
			n++;
		r->cons++;
	}
	WRITE_ONCE(r->hdr->cons, r->cons);
	spin_unlock_irqrestore(&cq->lock, flags);
	return n;
}

/* ------------------------------------------------------------ all users */

/**
 * mrc_req_notify_cq - ib_device_ops.req_notify_cq: arm the CQ
 * @ibcq: the CQ
 * @flags: for which completions; whether to say that there are some already
 */
int mrc_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags)
{
	struct mrc_cq *cq = to_mcq(ibcq);
	unsigned long irq;
	int missed = 0;

	spin_lock_irqsave(&cq->lock, irq);
	if (cq->notify != IB_CQ_NEXT_COMP)
		cq->notify = flags & IB_CQ_SOLICITED_MASK;
	if (flags & IB_CQ_REPORT_MISSED_EVENTS)
		missed = mrc_cq_used(&cq->ring) != 0;
	spin_unlock_irqrestore(&cq->lock, irq);
	return missed;
}

static int mrc_cq_check_size(struct mrc_dev *dev, u32 cqe)
{
	if (cqe >= 1 && cqe <= MRC_MAX_CQE)
		return 0;
	ibdev_dbg(&dev->ibdev, "CQ: %u entries, from 1 to %u can be had\n",
		  cqe, MRC_MAX_CQE);
	return -EINVAL;
}

static int mrc_cq_ring_alloc(struct mrc_kring *r, u32 cqe,
			     struct ib_udata *udata, struct mrc_mmap_info *info)
{
	struct mrc_ucontext *uc = udata ?
		rdma_udata_to_drv_context(udata, struct mrc_ucontext, ibuc) :
		NULL;
	int err;

	if (udata && udata->outlen < sizeof(*info))
		return -EINVAL;
	err = mrc_ring_alloc(r, cqe, sizeof(struct mrc_cqe),
			     uc ? &uc->ibuc : NULL, info);
	if (err || !udata)
		return err;
	err = ib_copy_to_udata(udata, info, sizeof(*info));
	if (err)
		mrc_ring_free(r);
	return err;
}

/**
 * mrc_create_cq - ib_device_ops.create_cq and create_user_cq
 * @ibcq: the CQ
 * @attr: wanted size, completion vector, flags
 * @arg: the provider's data: answered by struct mrc_uresp_create_cq
 */
int mrc_create_cq(struct ib_cq *ibcq, const struct ib_cq_init_attr *attr,
		  mrc_cq_arg *arg)
{
	struct mrc_dev *dev = to_mdev(ibcq->device);
	struct mrc_uresp_create_cq resp = {};
	struct mrc_cq *cq = to_mcq(ibcq);
	int err;

	/* Overrun is never ignored, and time stamps there are always. */
	if (attr->flags & ~IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION) {
		ibdev_dbg(&dev->ibdev, "CQ: flags %#x unsupported\n",
			  attr->flags);
		return -EOPNOTSUPP;
	}
	err = mrc_cq_check_size(dev, attr->cqe);
	if (err)
		return err;
	err = mrc_object_add(&dev->num_cq, MRC_MAX_CQ);
	if (err) {
		ibdev_dbg(&dev->ibdev, "CQ: %u exist already\n", MRC_MAX_CQ);
		return err;
	}
	spin_lock_init(&cq->lock);
	hrtimer_setup(&cq->mod_timer, mrc_cq_mod_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
	err = mrc_cq_ring_alloc(&cq->ring, attr->cqe, mrc_cq_udata(arg),
				&resp.cq);
	if (err) {
		atomic_dec(&dev->num_cq);
		return err;
	}
	ibcq->cqe = cq->ring.mask + 1;
	return 0;
}

/**
 * mrc_destroy_cq - ib_device_ops.destroy_cq
 * @ibcq: the CQ; no QP uses it any more
 * @udata: not used
 */
int mrc_destroy_cq(struct ib_cq *ibcq, struct ib_udata *udata)
{
	struct mrc_cq *cq = to_mcq(ibcq);

	spin_lock_irq(&cq->lock);
	cq->dying = true;
	spin_unlock_irq(&cq->lock);
	hrtimer_cancel(&cq->mod_timer);
	mrc_ring_free(&cq->ring);
	atomic_dec(&to_mdev(ibcq->device)->num_cq);
	return 0;
}

/**
 * mrc_resize_cq - ib_device_ops.resize_cq and resize_user_cq
 * @ibcq: the CQ
 * @cqe: entries wanted
 * @udata: answered by struct mrc_uresp_resize_cq, NULL for the kernel's own
 *
 * The new ring takes over the indices and the entries not polled yet. User
 * space keeps off the CQ during the call and then goes on in the new ring,
 * where completions arrive from the moment of the change.
 */
int mrc_resize_cq(struct ib_cq *ibcq, mrc_cqe_t cqe, struct ib_udata *udata)
{
	struct mrc_dev *dev = to_mdev(ibcq->device);
	struct mrc_uresp_resize_cq resp = {};
	struct mrc_cq *cq = to_mcq(ibcq);
	struct mrc_kring ring;
	u32 used, i;
	int err;

	err = mrc_cq_check_size(dev, cqe);
	if (err)
		return err;
	err = mrc_cq_ring_alloc(&ring, cqe, udata, &resp.cq);
	if (err)
		return err;

	spin_lock_irq(&cq->lock);
	used = mrc_cq_used(&cq->ring);
	if (used > cq->ring.mask + 1 || used > ring.mask + 1) {
		spin_unlock_irq(&cq->lock);
		ibdev_dbg(&dev->ibdev, "CQ: %u entries wait, %d do not hold them\n",
			  used, (int)cqe);
		mrc_ring_free(&ring);
		return -EINVAL;
	}
	ring.prod = cq->ring.prod;
	ring.cons = ring.prod - used;
	for (i = ring.cons; i != ring.prod; i++)
		memcpy(mrc_ring_entry(&ring, i), mrc_ring_entry(&cq->ring, i),
		       sizeof(struct mrc_cqe));
	ring.hdr->cons = ring.cons;
	/* The entries before their index. */
	smp_store_release(&ring.hdr->prod, ring.prod);
	swap(ring, cq->ring);
	cq->overflow = false;
	ibcq->cqe = cq->ring.mask + 1;
	spin_unlock_irq(&cq->lock);

	mrc_ring_free(&ring);
	return 0;
}

/**
 * mrc_modify_cq - ib_device_ops.modify_cq: moderation of events
 * @ibcq: the CQ
 * @count: completions an armed CQ waits for, 0 or 1: none
 * @period: and for how long at most, us; 0: not at all
 */
int mrc_modify_cq(struct ib_cq *ibcq, u16 count, u16 period)
{
	struct mrc_cq *cq = to_mcq(ibcq);
	bool due = false;

	spin_lock_irq(&cq->lock);
	cq->mod_count = count;
	cq->mod_period_us = period;
	/* What was held back under the old rule is reported now. */
	if (cq->mod_pending && cq->notify) {
		cq->notify = 0;
		due = true;
	}
	cq->mod_pending = 0;
	spin_unlock_irq(&cq->lock);
	if (due)
		mrc_cq_notify(cq);
	return 0;
}
