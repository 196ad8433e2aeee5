// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The end of a burst of packets.
 *
 * Packets reach a CPU in bursts: what a NIC, or the backlog, holds when the
 * CPU polls it, 64 at most. Each is placed and completed when it arrives. That
 * a SACK is to be sent, or that there is an answer to send, is only noted: the
 * QP joins this CPU's list, and a NAPI instance of ours, polled after the
 * device's own, works off the list. So a burst costs a QP a SACK or two,
 * however many packets it has.
 *
 * A QP is in one list at most. The CPU that finds it in another's leaves it
 * there: mrc_qp_after_rx() looks at the QP, not at what put it into the list.
 */
#include <linux/netdevice.h>

#include "message.h"

struct mrc_batch {
	struct napi_struct napi;
	struct list_head qps;	/* struct mrc_qp, batch; this CPU, BH disabled */
};

static struct mrc_batch __percpu *mrc_batches;
static struct net_device *mrc_batch_netdev;

static int mrc_batch_poll(struct napi_struct *napi, int budget)
{
	struct mrc_batch *b = container_of(napi, struct mrc_batch, napi);
	int done = 0;

	while (done < budget && !list_empty(&b->qps)) {
		struct mrc_qp *qp = list_first_entry(&b->qps, struct mrc_qp,
						     batch);

		list_del(&qp->batch);
		/* whoever notes something from here on adds it again */
		smp_store_mb(qp->batched, 0);
		rcu_read_lock();
		mrc_qp_after_rx(qp);
		rcu_read_unlock();
		mrc_qp_put(qp);
		done++;
	}
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

/**
 * mrc_batch_add - have mrc_qp_after_rx() called at the end of the burst
 * @qp: QP, reference held by the caller
 *
 * Context: softirq, or BH disabled.
 */
void mrc_batch_add(struct mrc_qp *qp)
{
	struct mrc_batch *b = this_cpu_ptr(mrc_batches);

	if (xchg(&qp->batched, 1))
		return;
	refcount_inc(&qp->ref);
	list_add_tail(&qp->batch, &b->qps);
	napi_schedule(&b->napi);
}

/**
 * mrc_batch_init - make the lists
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int mrc_batch_init(void)
{
	int cpu;

	mrc_batches = alloc_percpu(struct mrc_batch);
	if (!mrc_batches)
		return -ENOMEM;
	mrc_batch_netdev = alloc_netdev_dummy(0);
	if (!mrc_batch_netdev) {
		free_percpu(mrc_batches);
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu) {
		struct mrc_batch *b = per_cpu_ptr(mrc_batches, cpu);

		INIT_LIST_HEAD(&b->qps);
		netif_napi_add_tx(mrc_batch_netdev, &b->napi, mrc_batch_poll);
		napi_enable(&b->napi);
	}
	return 0;
}

/**
 * mrc_batch_exit - undo mrc_batch_init()
 *
 * Context: process; no QP is left.
 */
void mrc_batch_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct mrc_batch *b = per_cpu_ptr(mrc_batches, cpu);

		napi_disable(&b->napi);
		netif_napi_del(&b->napi);
	}
	mrc_free_netdev_dummy(mrc_batch_netdev);
	free_percpu(mrc_batches);
}
