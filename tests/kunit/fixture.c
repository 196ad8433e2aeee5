// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See fixture.h. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "fixture.h"
#include "message/message.h"

int mrc_fixture_init(struct kunit *test)
{
	struct mrc_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct mrc_dev *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct mrc_qp *qp = kunit_kzalloc(test, sizeof(*qp), GFP_KERNEL);

	if (!f || !dev || !qp)
		return -ENOMEM;
	dev->stats = alloc_percpu(struct mrc_stats);
	if (!dev->stats)
		return -ENOMEM;
	xa_init_flags(&dev->qps, XA_FLAGS_ALLOC);
	xa_init_flags(&dev->mrs, XA_FLAGS_ALLOC1);
	dev->set.ordered_last = true;
	f->dev = dev;
	f->pd.device = &dev->ibdev;
	f->other.device = &dev->ibdev;
	qp->dev = dev;
	qp->qpn = 17;
	qp->ibqp.device = &dev->ibdev;
	qp->ibqp.pd = &f->pd;
	qp->ibqp.qp_type = IB_QPT_RC;
	refcount_set(&qp->ref, 1);
	mrc_msg_init(qp);
	f->qp = qp;
	test->priv = f;
	return 0;
}

void mrc_fixture_exit(struct kunit *test)
{
	struct mrc_fixture *f = test->priv;

	if (!f)
		return;
	/* the end of a burst may still be at work on the QP */
	for (int ms = 0; ms < 1000 && refcount_read(&f->qp->ref) > 1; ms++)
		msleep(1);
	KUNIT_EXPECT_EQ(test, refcount_read(&f->qp->ref), 1);
	/* what a test has left behind is its failure */
	KUNIT_EXPECT_EQ(test, atomic_read(&f->dev->num_mr), 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&f->dev->mrs));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->dev->held_bytes), 0);
	xa_destroy(&f->dev->mrs);
	xa_destroy(&f->dev->qps);
	free_percpu(f->dev->stats);
}

struct thread {
	void (*fn)(void *arg, int i);
	void *arg;
	int i;
	struct completion *go;
	struct completion done;
};

static int thread_main(void *data)
{
	struct thread *t = data;

	wait_for_completion(t->go);
	t->fn(t->arg, t->i);
	complete(&t->done);
	return 0;
}

void mrc_fixture_threads(struct kunit *test, int n,
			 void (*fn)(void *arg, int i), void *arg)
{
	struct thread *threads = kunit_kcalloc(test, n, sizeof(*threads),
					       GFP_KERNEL);
	DECLARE_COMPLETION_ONSTACK(go);
	int i, started = 0;

	KUNIT_ASSERT_NOT_NULL(test, threads);
	for (i = 0; i < n; i++) {
		struct thread *t = &threads[i];
		struct task_struct *task;

		t->fn = fn;
		t->arg = arg;
		t->i = i;
		t->go = &go;
		init_completion(&t->done);
		task = kthread_run(thread_main, t, "mrc_kunit/%d", i);
		if (IS_ERR(task))
			break;
		started++;
	}
	complete_all(&go);
	for (i = 0; i < started; i++)
		wait_for_completion(&threads[i].done);
	KUNIT_ASSERT_EQ(test, started, n);
}

struct sk_buff *mrc_fixture_skb(struct kunit *test, const void *data, u32 len,
				u32 linear, u32 frag_size)
{
	struct sk_buff *skb;
	u32 at;

	if (!frag_size || linear > len)
		linear = len;
	skb = alloc_skb(linear, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put_data(skb, data, linear);
	for (at = linear; at < len; at += frag_size) {
		u32 n = min(frag_size, len - at);
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		KUNIT_ASSERT_LT(test, skb_shinfo(skb)->nr_frags,
				MAX_SKB_FRAGS);
		/* not at the page's start, so that offsets count */
		memcpy(page_address(page) + 7, data + at, n);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 7, n,
				PAGE_SIZE);
	}
	return skb;
}
