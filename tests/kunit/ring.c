// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Rings, with a user who writes anything into them; CQs and SRQs over them. */
#include <linux/etherdevice.h>

#include "fixture.h"
#include "verbs/verbs.h"

/* ------------------------------------------------------------ geometry */

static void ring_alloc__geometry(struct kunit *test)
{
	static const struct {
		u32 entries, size, want_entries, want_size;
	} cases[] = {
		{ 1, 1, 1, 16 }, { 0, 0, 1, 16 }, { 3, 17, 4, 32 },
		{ 64, 64, 64, 64 }, { 65, 80, 128, 80 },
		{ 32768, 592, 32768, 592 }, { 7, PAGE_SIZE, 8, PAGE_SIZE },
	};
	struct mrc_kring r;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 n = cases[i].want_entries, size = cases[i].want_size;
		u8 *end;

		KUNIT_ASSERT_EQ(test, 0, mrc_ring_alloc(&r, cases[i].entries,
							cases[i].size, NULL,
							NULL));
		end = (u8 *)r.hdr + r.size;
		KUNIT_EXPECT_EQ(test, r.mask, n - 1);
		KUNIT_EXPECT_EQ(test, r.entry_size, size);
		KUNIT_EXPECT_EQ(test, 1U << r.hdr->log2_entries, n);
		KUNIT_EXPECT_EQ(test, r.hdr->entry_size, size);
		KUNIT_EXPECT_PTR_EQ(test, (void *)r.hdr + r.hdr->offset,
				    r.entries);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(r.size, PAGE_SIZE));
		KUNIT_EXPECT_TRUE(test, (u8 *)mrc_ring_entry(&r, U32_MAX) +
				  size <= end);
		/* what lies in there may be seen by user space */
		KUNIT_EXPECT_NULL(test, memchr_inv(r.entries, 0,
						   (size_t)n * size));
		/* the last byte can be written: KASAN watches what is behind */
		memset(mrc_ring_entry(&r, n - 1), 0xff, size);
		mrc_ring_free(&r);
		KUNIT_EXPECT_NULL(test, r.hdr);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mrc_ring_alloc(&r, 1, PAGE_SIZE + 1, NULL, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mrc_ring_alloc(&r, U32_MAX, 16, NULL, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mrc_ring_alloc(&r, 1U << 30, 64, NULL, NULL));
}

static void ring_avail__wild_indices(struct kunit *test)
{
	struct mrc_kring r;
	u32 taken;

	KUNIT_ASSERT_EQ(test, 0, mrc_ring_alloc(&r, 8, 64, NULL, NULL));
	for (taken = U32_MAX - 20; taken != 20; taken++) {
		s32 d;

		for (d = -20; d <= 20; d++) {
			r.hdr->prod = taken + d;
			r.cons = taken;
			KUNIT_EXPECT_EQ(test, mrc_ring_avail(&r, taken),
					d >= 0 && d <= 8 ? d : 0);
			/* three are taken and not retired: no room for them */
			r.cons = taken - 3;
			KUNIT_EXPECT_EQ(test, mrc_ring_avail(&r, taken),
					d >= 0 && d <= 5 ? d : 0);
		}
	}
	mrc_ring_free(&r);
}

/* The geometry is the kernel's: the header's can be overwritten at will. */
static void ring_entry__header_scribbled(struct kunit *test)
{
	struct mrc_kring r;
	void *first, *last;

	KUNIT_ASSERT_EQ(test, 0, mrc_ring_alloc(&r, 8, 64, NULL, NULL));
	first = mrc_ring_entry(&r, 0);
	last = mrc_ring_entry(&r, 7);
	memset(r.hdr, 0xff, sizeof(*r.hdr));
	KUNIT_EXPECT_PTR_EQ(test, mrc_ring_entry(&r, 0), first);
	KUNIT_EXPECT_PTR_EQ(test, mrc_ring_entry(&r, U32_MAX), last);
	mrc_ring_reset(&r);
	KUNIT_EXPECT_EQ(test, mrc_ring_avail(&r, 0), 0);
	mrc_ring_free(&r);
}

/* ------------------------------------------------------------ receives */

#define SGES	4

static void recv_copy__nonsense(struct kunit *test)
{
	struct mrc_recv *recv;
	struct mrc_kring r;
	struct mrc_rqe *rqe;
	int i;

	KUNIT_ASSERT_EQ(test, 0,
			mrc_ring_alloc(&r, 2, struct_size(rqe, sge, SGES),
				       NULL, NULL));
	rqe = mrc_ring_entry(&r, 1);
	rqe->wr_id = 0x1122334455667788;
	for (i = 0; i < SGES; i++)
		rqe->sge[i] = (struct mrc_sge){ i, 0x40000000, i };
	rqe->num_sge = 3;
	recv = mrc_recv_copy(&r, 3, SGES);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, recv);
	KUNIT_EXPECT_EQ(test, recv->wr_id, rqe->wr_id);
	KUNIT_EXPECT_EQ(test, recv->num_sge, 3);
	KUNIT_EXPECT_EQ(test, recv->length, 0xc0000000);
	KUNIT_EXPECT_EQ(test, 0, memcmp(recv->sge, rqe->sge,
					3 * sizeof(rqe->sge[0])));
	kfree(recv);
	/* more than 4 GiB, more elements than there is room for */
	rqe->num_sge = SGES;
	KUNIT_EXPECT_EQ(test, PTR_ERR(mrc_recv_copy(&r, 1, SGES)), -EINVAL);
	rqe->num_sge = SGES + 1;
	KUNIT_EXPECT_EQ(test, PTR_ERR(mrc_recv_copy(&r, 1, SGES)), -EINVAL);
	rqe->num_sge = U32_MAX;
	KUNIT_EXPECT_EQ(test, PTR_ERR(mrc_recv_copy(&r, 1, SGES)), -EINVAL);
	mrc_ring_free(&r);
}

/* A user rewrites an entry while it is being copied. */
struct tear {
	struct mrc_kring ring;
	bool stop;
	u32 bad;
};

static void tear_thread(void *arg, int i)
{
	struct tear *t = arg;
	struct mrc_rqe *rqe = mrc_ring_entry(&t->ring, 0);
	int n;

	if (i) {
		for (n = 0; !READ_ONCE(t->stop); n++) {
			WRITE_ONCE(rqe->num_sge, n % 7 ? n % (SGES + 1) :
							 U32_MAX);
			WRITE_ONCE(rqe->sge[n % SGES].length, n * 77777777);
			if (!(n & 255))
				cond_resched();
		}
		return;
	}
	for (n = 0; n < 20000; n++) {
		struct mrc_recv *r = mrc_recv_copy(&t->ring, 0, SGES);
		u64 sum = 0;
		u32 k;

		if (IS_ERR(r))
			continue;
		/* what was checked is what is used from now on */
		for (k = 0; k < r->num_sge; k++)
			sum += r->sge[k].length;
		if (r->num_sge > SGES || sum != r->length)
			t->bad++;
		kfree(r);
	}
	WRITE_ONCE(t->stop, true);
}

static void recv_copy__rewritten_meanwhile(struct kunit *test)
{
	struct tear *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_EQ(test, 0,
			mrc_ring_alloc(&t->ring, 1,
				       struct_size_t(struct mrc_rqe, sge, SGES),
				       NULL, NULL));
	mrc_fixture_threads(test, 2, tear_thread, t);
	KUNIT_EXPECT_EQ(test, t->bad, 0);
	mrc_ring_free(&t->ring);
}

/* ------------------------------------------------------------ SRQ */

static int srq_events;

static void srq_event(struct ib_event *event, void *context)
{
	srq_events++;
}

static void srq_take__limit_and_nonsense(struct kunit *test)
{
	struct mrc_fixture *f = test->priv;
	struct mrc_srq *srq = kunit_kzalloc(test, sizeof(*srq), GFP_KERNEL);
	struct mrc_recv *r;
	struct mrc_rqe *rqe;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, srq);
	srq->ibsrq.device = &f->dev->ibdev;
	srq->ibsrq.event_handler = srq_event;
	spin_lock_init(&srq->lock);
	KUNIT_ASSERT_EQ(test, 0,
			mrc_ring_alloc(&srq->ring, 8,
				       struct_size(rqe, sge, 1), NULL, NULL));
	srq->max_sge = 1;
	srq->ring.cons = U32_MAX - 1;
	srq->ring.hdr->prod = srq->ring.cons;
	srq->limit = 2;
	srq_events = 0;
	KUNIT_EXPECT_NULL(test, mrc_srq_take(srq));
	for (i = 0; i < 4; i++) {
		rqe = mrc_ring_entry(&srq->ring, srq->ring.cons + i);
		rqe->wr_id = i;
		rqe->num_sge = i == 3 ? 2 : 0;
	}
	srq->ring.hdr->prod += 4;
	for (i = 0; i < 3; i++) {
		r = mrc_srq_take(srq);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r);
		KUNIT_EXPECT_EQ(test, r->wr_id, i);
		kfree(r);
		KUNIT_EXPECT_EQ(test, srq_events, i == 2);
	}
	/* the fourth is nonsense: told once, and passed over */
	KUNIT_EXPECT_EQ(test, PTR_ERR(mrc_srq_take(srq)), -EINVAL);
	KUNIT_EXPECT_TRUE(test, srq->error);
	KUNIT_EXPECT_EQ(test, srq_events, 2);
	KUNIT_EXPECT_EQ(test, srq->ring.hdr->cons, 2);
	KUNIT_EXPECT_NULL(test, mrc_srq_take(srq));
	mrc_ring_free(&srq->ring);
}

/* ------------------------------------------------------------ CQ */

#define CQ_ENTRIES	64

struct cq_test {
	struct mrc_cq cq;
	struct kunit *test;
	atomic_t notified;
	int errors;
	/* producers and consumer */
	u32 each;
	u32 seen[4];
	u32 disorder;
	u32 rounds;
	wait_queue_head_t wait;
};

static void cq_notify(struct ib_cq *ibcq, void *context)
{
	struct cq_test *t = context;

	atomic_inc(&t->notified);
	wake_up(&t->wait);
}

static void cq_event(struct ib_event *event, void *context)
{
	struct cq_test *t = context;

	t->errors += event->event == IB_EVENT_CQ_ERR;
}

static struct cq_test *cq_new(struct kunit *test)
{
	struct cq_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct mrc_fixture *f = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->cq.ibcq.device = &f->dev->ibdev;
	t->cq.ibcq.comp_handler = cq_notify;
	t->cq.ibcq.event_handler = cq_event;
	t->cq.ibcq.cq_context = t;
	spin_lock_init(&t->cq.lock);
	init_waitqueue_head(&t->wait);
	KUNIT_ASSERT_EQ(test, 0,
			mrc_ring_alloc(&t->cq.ring, CQ_ENTRIES,
				       sizeof(struct mrc_cqe), NULL, NULL));
	/* near the wrap */
	t->cq.ring.prod = U32_MAX - 5;
	t->cq.ring.cons = t->cq.ring.prod;
	t->cq.ring.hdr->prod = t->cq.ring.prod;
	t->cq.ring.hdr->cons = t->cq.ring.prod;
	return t;
}

static void cq_add(struct cq_test *t, u64 wr_id, u32 qpn, bool solicited)
{
	struct mrc_cqe cqe = { .wr_id = wr_id, .qpn = qpn };

	mrc_cq_post(&t->cq, &cqe, solicited);
}

static void cq_post__overflow(struct kunit *test)
{
	struct cq_test *t = cq_new(test);
	struct mrc_kring *r = &t->cq.ring;
	u32 i, first = r->prod;

	for (i = 0; i < CQ_ENTRIES; i++)
		cq_add(t, i, 1, false);
	KUNIT_EXPECT_EQ(test, t->errors, 0);
	cq_add(t, 99, 1, false);
	cq_add(t, 100, 1, false);
	KUNIT_EXPECT_EQ(test, t->errors, 1);
	KUNIT_EXPECT_EQ(test, r->hdr->prod, first + CQ_ENTRIES);
	for (i = 0; i < CQ_ENTRIES; i++) {
		struct mrc_cqe *cqe = mrc_ring_entry(r, first + i);

		KUNIT_EXPECT_EQ(test, cqe->wr_id, i);
	}
	/* indices that the user made up: nothing is written */
	r->hdr->cons = first + 2 * CQ_ENTRIES;
	cq_add(t, 101, 1, false);
	r->hdr->cons = first - 1;
	cq_add(t, 102, 1, false);
	KUNIT_EXPECT_EQ(test, r->hdr->prod, first + CQ_ENTRIES);
	mrc_ring_free(r);
}

static void cq_arm__once_for_each(struct kunit *test)
{
	struct cq_test *t = cq_new(test);
	struct ib_cq *ibcq = &t->cq.ibcq;

	cq_add(t, 0, 1, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->notified), 0);
	KUNIT_EXPECT_EQ(test, 1, mrc_req_notify_cq(ibcq, IB_CQ_NEXT_COMP |
						   IB_CQ_REPORT_MISSED_EVENTS));
	cq_add(t, 1, 1, false);
	cq_add(t, 2, 1, false);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->notified), 1);
	mrc_req_notify_cq(ibcq, IB_CQ_SOLICITED);
	cq_add(t, 3, 1, false);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->notified), 1);
	cq_add(t, 4, 1, true);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->notified), 2);
	/* the wider of two wishes counts */
	mrc_req_notify_cq(ibcq, IB_CQ_NEXT_COMP);
	mrc_req_notify_cq(ibcq, IB_CQ_SOLICITED);
	cq_add(t, 5, 1, false);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->notified), 3);
	mrc_ring_free(&t->cq.ring);
}

static void cq_clean__keeps_others_in_order(struct kunit *test)
{
	struct cq_test *t = cq_new(test);
	struct mrc_kring *r = &t->cq.ring;
	u64 want = 1;
	u32 i;

	for (i = 0; i < 40; i++)
		cq_add(t, i, i % 3 == 1 ? 5 : 6, false);
	mrc_cq_clean(&t->cq, 6);
	KUNIT_EXPECT_EQ(test, r->prod - r->cons, 13);
	for (i = r->cons; i != r->prod; i++, want += 3) {
		struct mrc_cqe *cqe = mrc_ring_entry(r, i);

		KUNIT_EXPECT_EQ(test, cqe->qpn, 5);
		KUNIT_EXPECT_EQ(test, cqe->wr_id, want);
	}
	mrc_ring_free(r);
}

/*
 * Three producers, and a consumer as user space is one: it polls, arms, polls
 * once more, and sleeps. A completion that it is not woken for ends the test.
 */
static void cq_thread(void *arg, int i)
{
	struct cq_test *t = arg;
	struct mrc_kring *r = &t->cq.ring;
	u32 cons = r->cons, total = 0, n;

	if (i) {
		for (n = 0; n < t->each;) {
			/* as the size of the queues keeps it from overflowing */
			if (READ_ONCE(r->prod) - READ_ONCE(r->hdr->cons) >
			    CQ_ENTRIES - 8) {
				cond_resched();
				continue;
			}
			cq_add(t, n++, i, false);
			if (n % 13 == 0)
				usleep_range(20, 50);
		}
		return;
	}
	while (total < 3 * t->each) {
		int before = atomic_read(&t->notified);

		mrc_req_notify_cq(&t->cq.ibcq, IB_CQ_NEXT_COMP);
		/* what came before arming is not told of */
		if (smp_load_acquire(&r->hdr->prod) == cons) {
			t->rounds++;
			if (!wait_event_timeout(t->wait,
						atomic_read(&t->notified) !=
						before, 30 * HZ))
				return;
		}
		/* an entry is there before the index says so */
		while (smp_load_acquire(&r->hdr->prod) != cons) {
			struct mrc_cqe *cqe = mrc_ring_entry(r, cons++);

			if (cqe->wr_id != t->seen[cqe->qpn]++)
				t->disorder++;
			total++;
			/* and has been read before it is given back */
			smp_store_release(&r->hdr->cons, cons);
		}
	}
}

static void cq__producers_and_a_sleeper(struct kunit *test)
{
	struct cq_test *t = cq_new(test);
	int i;

	t->each = 3000;
	mrc_fixture_threads(test, 4, cq_thread, t);
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_EQ(test, t->seen[i], t->each);
	KUNIT_EXPECT_EQ(test, t->disorder, 0);
	KUNIT_EXPECT_EQ(test, t->errors, 0);
	KUNIT_EXPECT_GT(test, t->rounds, 0);
	mrc_ring_free(&t->cq.ring);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(ring_alloc__geometry),
	KUNIT_CASE(ring_avail__wild_indices),
	KUNIT_CASE(ring_entry__header_scribbled),
	KUNIT_CASE(recv_copy__nonsense),
	KUNIT_CASE(recv_copy__rewritten_meanwhile),
	KUNIT_CASE(srq_take__limit_and_nonsense),
	KUNIT_CASE(cq_post__overflow),
	KUNIT_CASE(cq_arm__once_for_each),
	KUNIT_CASE(cq_clean__keeps_others_in_order),
	KUNIT_CASE_SLOW(cq__producers_and_a_sleeper),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "mrc_ring",
	.init = mrc_fixture_init,
	.exit = mrc_fixture_exit,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
