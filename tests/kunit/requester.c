// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The requester's messages: which of them has a PSN, and what is acknowledged. */
#include "fixture.h"
#include "message/message.h"

#define FIRST	0xfffff0

/*
 * A message of 2 GiB at the smallest MTU is half of all PSNs long, and so is
 * the distance between what comes before and what comes after it.
 */
static void psns__half_of_all(struct kunit *test)
{
	struct mrc_txmsg *m = kunit_kcalloc(test, 2, sizeof(*m), GFP_KERNEL);
	struct mrc_qp *qp = ((struct mrc_fixture *)test->priv)->qp;
	u32 half = MRC_MAX_MSG / 256, last, second;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m[0].first_psn = FIRST;
	m[0].npkts = half;
	m[0].made = half;
	last = mrc_txmsg_last_psn(&m[0]);
	second = mrc_psn_add(last, 1);
	m[1].first_psn = second;
	m[1].npkts = 3;
	m[1].made = 2;
	list_add_tail(&m[0].msgs, &qp->msgs);
	list_add_tail(&m[1].msgs, &qp->msgs);

	KUNIT_EXPECT_PTR_EQ(test, mrc_find_msg(qp, FIRST), &m[0]);
	KUNIT_EXPECT_PTR_EQ(test, mrc_find_msg(qp, last), &m[0]);
	KUNIT_EXPECT_PTR_EQ(test, mrc_find_msg(qp, second), &m[1]);
	KUNIT_EXPECT_PTR_EQ(test, mrc_find_msg(qp, second + 1), &m[1]);
	KUNIT_EXPECT_NULL(test, mrc_find_msg(qp, second + 2));
	KUNIT_EXPECT_NULL(test, mrc_find_msg(qp, FIRST - 1));

	qp->tx.next_psn = second + 2;
	qp->req.acked_psn = FIRST - 1;
	KUNIT_EXPECT_FALSE(test, mrc_req_acked(qp, FIRST - 1));
	KUNIT_EXPECT_FALSE(test, mrc_req_acked(qp, second + 2));
	KUNIT_EXPECT_TRUE(test, mrc_req_acked(qp, last));
	KUNIT_EXPECT_EQ(test, qp->req.acked_psn, last);
	KUNIT_EXPECT_FALSE(test, mrc_req_acked(qp, last));
	KUNIT_EXPECT_FALSE(test, mrc_req_acked(qp, FIRST));
	KUNIT_EXPECT_TRUE(test, mrc_req_acked(qp, second + 1));
	KUNIT_EXPECT_FALSE(test, mrc_req_acked(qp, second + 2));
	KUNIT_EXPECT_EQ(test, qp->req.acked_psn, second + 1);
}

static struct kunit_case requester_cases[] = {
	KUNIT_CASE(psns__half_of_all),
	{}
};

static struct kunit_suite requester_suite = {
	.name = "mrc_requester",
	.init = mrc_fixture_init,
	.exit = mrc_fixture_exit,
	.test_cases = requester_cases,
};

kunit_test_suite(requester_suite);
