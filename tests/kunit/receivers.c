// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * One QP whose packets arrive on several CPUs at once, in any order and many
 * of them more than once: every message is placed once and whole, and whoever sees its
 * completion sees all of its bytes.
 */
#include <linux/random.h>

#include "fixture.h"
#include "message/message.h"
#include "verbs/verbs.h"

#define MTU		1024
#define PACKETS		8		/* of a message */
#define MESSAGES	200
#define TOTAL		(PACKETS * MESSAGES)
#define MESSAGE		(MTU * (PACKETS - 1) + 100)	/* bytes */
#define FIRST_PSN	0xffffe0u			/* wraps */
#define RECEIVERS	3
#define KEY		0x100

struct receivers {
	struct kunit *test;
	struct mrc_fixture *f;
	struct mrc_peer *peer;
	struct mrc_cq cq;
	struct mrc_mr *mr;
	u8 *target;
	u64 iova;
	u16 order[TOTAL + TOTAL / 8];	/* packet numbers */
	u32 arrivals;
	atomic_t next;
	/* what the one who polls has seen */
	u32 completions;
	u32 disorder;
	u32 wrong;
	u32 early;
};

static void notify(struct ib_cq *ibcq, void *context)
{
}

static u8 byte_of(u32 message, u32 off)
{
	return mrc_pattern((u64)message * 100003 + off);
}

static struct sk_buff *packet(u32 n)
{
	u32 message = n / PACKETS, idx = n % PACKETS, off = idx * MTU;
	u32 len = min_t(u32, MTU, MESSAGE - off), i;
	struct mrc_pkt p = {
		.op = !idx ? MRC_OP_WRITE_FIRST :
		      idx == PACKETS - 1 ? MRC_OP_WRITE_LAST_IMM :
					   MRC_OP_WRITE_MIDDLE,
		.ts = true,
		.ackreq = n % 31 == 0,
		.msn = message,
		.rqmsn = message,
		.dqpn = 17,
		.psn = mrc_psn_add(FIRST_PSN, n),
		.va = (u64)message * MESSAGE + off,
		.rkey = KEY,
		.dmalen = MESSAGE,
		.imm = cpu_to_be32(message),
		.pad = -len & 3,
	};
	u32 hdrlen = mrc_opcode_hdrlen(p.op) + sizeof(struct mrc_tseth);
	struct sk_buff *skb;
	u8 *to;

	skb = alloc_skb(hdrlen + len + p.pad, GFP_KERNEL);
	if (!skb)
		return NULL;
	mrc_pkt_encode(&p, skb_put(skb, hdrlen));
	to = skb_put_zero(skb, len + p.pad);
	for (i = 0; i < len; i++)
		to[i] = byte_of(message, off + i);
	return skb;
}

/* The application: sees a completion, then looks at the memory. */
static void poll(struct receivers *r, u64 deadline)
{
	struct mrc_kring *ring = &r->cq.ring;
	u32 cons = 0, i;

	while (r->completions < MESSAGES && ktime_get_ns() < deadline) {
		struct mrc_cqe *cqe;
		const u8 *at;

		/* as user space does: the entry, then what it completes */
		if (smp_load_acquire(&ring->hdr->prod) == cons) {
			usleep_range(50, 100);
			continue;
		}
		cqe = mrc_ring_entry(ring, cons);
		r->disorder += cqe->wr_id != cons ||
			       cqe->status != IB_WC_SUCCESS ||
			       be32_to_cpu((__force __be32)cqe->imm) != cons;
		at = r->target + cons * MESSAGE;
		for (i = 0; i < MESSAGE; i++)
			r->wrong += READ_ONCE(at[i]) != byte_of(cons, i);
		/* the entry has been read */
		smp_store_release(&ring->hdr->cons, ++cons);
		r->completions++;
	}
}

/* Is the last byte of a message there before the rest of it? */
static void watch(struct receivers *r, u64 deadline)
{
	while (READ_ONCE(r->completions) < MESSAGES &&
	       ktime_get_ns() < deadline) {
		u32 m = READ_ONCE(r->completions) + get_random_u32_below(4), i;
		const u8 *at = r->target + m * MESSAGE;

		if (m >= MESSAGES)
			continue;
		if (READ_ONCE(at[MESSAGE - 1]) == byte_of(m, MESSAGE - 1)) {
			smp_rmb();	/* the last byte, then the others */
			for (i = 0; i < MTU * (PACKETS - 1); i += 97)
				r->early += READ_ONCE(at[i]) != byte_of(m, i);
		}
		cond_resched();
	}
}

static void thread(void *arg, int i)
{
	u64 deadline = ktime_get_ns() + 60ULL * NSEC_PER_SEC;
	struct receivers *r = arg;
	struct mrc_rxinfo info = {
		.saddr = r->peer->key.remote,
		.daddr = r->peer->key.local,
		.nominal = MTU + 100,
	};
	u32 n;

	if (i == RECEIVERS) {
		poll(r, deadline);
		return;
	}
	if (i == RECEIVERS + 1) {
		watch(r, deadline);
		return;
	}
	/* what came before its window had moved so far comes again */
	while (READ_ONCE(r->completions) < MESSAGES &&
	       ktime_get_ns() < deadline) {
		struct sk_buff *skb;

		n = atomic_inc_return(&r->next) - 1;
		skb = packet(r->order[n % r->arrivals]);

		if (!skb)
			return;
		info.now = ktime_get_ns();
		info.entropy = 0xc000 + n % 16;
		local_bh_disable();
		rcu_read_lock();
		mrc_qp_rx(r->f->qp, skb, &info);
		rcu_read_unlock();
		local_bh_enable();
		cond_resched();
	}
}

static void new_peer(struct receivers *r)
{
	static const u8 planes[] = { 0, 1 };
	struct kunit *test = r->test;
	struct mrc_peer *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);
	struct mrc_cc_params cp = { .mtu = 1100, .speed_bps = 1000000000 };

	KUNIT_ASSERT_NOT_NULL(test, peer);
	peer->dev = r->f->dev;
	spin_lock_init(&peer->lock);
	INIT_LIST_HEAD(&peer->waiters);
	INIT_LIST_HEAD(&peer->list);
	/* the fixture's own, and the QP's */
	refcount_set(&peer->ref, 2);
	peer->status = MRC_PEER_EXT;
	peer->features = MRC_HELLO_F_ALL;
	peer->window = MRC_RX_WINDOW;
	ipv6_addr_set_v4mapped(cpu_to_be32(0x0a000001), &peer->key.remote);
	ipv6_addr_set_v4mapped(cpu_to_be32(0x0a000002), &peer->key.local);
	/* no routes: what is sent is counted and dropped */
	peer->st.paths = kunit_kzalloc(test, mrc_paths_size(16), GFP_KERNEL);
	peer->st.cc = kunit_kzalloc(test, sizeof(struct mrc_cc), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, peer->st.paths);
	KUNIT_ASSERT_NOT_NULL(test, peer->st.cc);
	mrc_paths_init(peer->st.paths, 16, planes, 2, 1);
	mrc_cc_init(peer->st.cc, &cp, ktime_get_ns());
	mrc_rotor_init(&peer->rotor, 1);
	r->peer = peer;
}

static void new_cq(struct receivers *r)
{
	r->cq.ibcq.device = &r->f->dev->ibdev;
	r->cq.ibcq.comp_handler = notify;
	spin_lock_init(&r->cq.lock);
	KUNIT_ASSERT_EQ(r->test, 0,
			mrc_ring_alloc(&r->cq.ring, MESSAGES,
				       sizeof(struct mrc_cqe), NULL, NULL));
}

static void new_target(struct receivers *r)
{
	struct kunit *test = r->test;
	u32 bytes = MESSAGES * MESSAGE;
	struct ib_mr *ibmr;

	r->target = kunit_kzalloc(test, bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->target);
	r->mr = mrc_mr_new(r->f->dev, &r->f->pd, MRC_MR_FAST,
			   IB_ACCESS_REMOTE_WRITE | IB_ACCESS_LOCAL_WRITE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r->mr);
	ibmr = &r->mr->ibmr;
	r->mr->max_segs = 1;
	r->mr->segs = kvmalloc_array(1, sizeof(*r->mr->segs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->mr->segs);
	KUNIT_ASSERT_EQ(test, 0,
			mrc_mr_add_piece(r->mr, virt_to_page(r->target),
					 offset_in_page(r->target), bytes));
	r->mr->length = bytes;
	KUNIT_ASSERT_EQ(test, 0, mrc_mr_publish(r->mr, MRC_MR_VALID));
	/* the packets carry a key known beforehand */
	KUNIT_ASSERT_EQ(test, ibmr->rkey >> 8, KEY >> 8);
	r->mr->key = KEY;
}

static void new_order(struct receivers *r)
{
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(r->order); i++)
		r->order[i] = i < TOTAL ? i : get_random_u32_below(TOTAL);
	r->arrivals = ARRAY_SIZE(r->order);
	for (i = r->arrivals - 1; i; i--) {
		k = get_random_u32_below(i + 1);
		swap(r->order[i], r->order[k]);
	}
}

static void start(struct receivers *r)
{
	size_t window = mrc_rxwin_storage(MRC_RX_WINDOW);
	struct mrc_qp *qp = r->f->qp;
	struct kunit *test = r->test;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0,
			mrc_ring_alloc(&qp->rq, MESSAGES,
				       struct_size_t(struct mrc_rqe, sge, 1),
				       NULL, NULL));
	for (i = 0; i < MESSAGES; i++) {
		struct mrc_rqe *rqe = mrc_ring_entry(&qp->rq, i);

		rqe->wr_id = i;
	}
	qp->rq.hdr->prod = MESSAGES;
	qp->cap.max_recv_sge = 1;
	qp->ibqp.recv_cq = &r->cq.ibcq;
	qp->ibqp.send_cq = &r->cq.ibcq;
	qp->mtu = MTU;
	qp->attr.qp_access_flags = IB_ACCESS_REMOTE_WRITE;
	qp->attr.rq_psn = FIRST_PSN;
	qp->attr.dest_qp_num = 18;
	/* as mrc_msg_start() does it, for a peer that no table has */
	qp->rxw_storage = kvzalloc(window + sizeof(*qp->resp.order),
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, qp->rxw_storage);
	mrc_rxwin_init(&qp->rxw, FIRST_PSN, MRC_RX_WINDOW, qp->rxw_storage);
	qp->resp.order = qp->rxw_storage + window;
	mrc_order_init(qp->resp.order, MTU);
	qp->peer = r->peer;
	qp->state = IB_QPS_RTR;
}

static void receive(struct kunit *test, bool shuffled)
{
	struct receivers *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct mrc_qp *qp;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->test = test;
	r->f = test->priv;
	qp = r->f->qp;
	new_peer(r);
	new_cq(r);
	new_target(r);
	if (shuffled) {
		new_order(r);
	} else {
		for (i = 0; i < TOTAL; i++)
			r->order[i] = i;
		r->arrivals = TOTAL;
	}
	start(r);
	mrc_fixture_threads(test, RECEIVERS + 2, thread, r);

	KUNIT_EXPECT_EQ(test, r->completions, MESSAGES);
	KUNIT_EXPECT_EQ(test, r->disorder, 0);
	KUNIT_EXPECT_EQ(test, r->wrong, 0);
	KUNIT_EXPECT_EQ(test, r->early, 0);
	KUNIT_EXPECT_EQ(test, qp->state, IB_QPS_RTR);
	KUNIT_EXPECT_EQ(test, mrc_rxwin_next(&qp->rxw),
			mrc_psn_add(FIRST_PSN, TOTAL));
	KUNIT_EXPECT_EQ(test, qp->rxw.claimed_count, 0);
	KUNIT_EXPECT_EQ(test, qp->rq.hdr->cons, MESSAGES);
	KUNIT_EXPECT_EQ(test, qp->busy, 0);

	mrc_msg_stop(qp);
	KUNIT_EXPECT_EQ(test, refcount_read(&r->peer->ref), 1);
	mrc_mr_retire(r->mr);
	mrc_ring_free(&qp->rq);
	mrc_ring_free(&r->cq.ring);
}

static void receive__any_order_and_twice(struct kunit *test)
{
	receive(test, true);
}

static void receive__in_order(struct kunit *test)
{
	receive(test, false);
}

static struct kunit_case receiver_cases[] = {
	KUNIT_CASE_SLOW(receive__any_order_and_twice),
	KUNIT_CASE_SLOW(receive__in_order),
	{}
};

static struct kunit_suite receiver_suite = {
	.name = "mrc_receivers",
	.init = mrc_fixture_init,
	.exit = mrc_fixture_exit,
	.test_cases = receiver_cases,
};

kunit_test_suite(receiver_suite);
