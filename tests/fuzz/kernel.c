// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The kernel's message layer, its rings and its memory regions, between a user
 * space that writes anything into the rings and a network that delivers
 * anything: kernel/message and kernel/verbs as they are, in a process
 * (kernel/shim.h). An RC QP that is connected to itself, so that real traffic
 * is easily had, and a UD QP.
 *
 * After every step all locks are free, nobody is busy, no MR is referred to
 * and no ring holds more than it has room for; in the end everything is given
 * back. What is touched outside of rings, packets and MRs the sanitizers see.
 *
 * Input: flags, then steps.
 */
#include "shim.h"

#include "fuzz.h"
#include "message/message.h"
#include "port/port.h"
#include "verbs/verbs.h"

#define MAX_STEPS	200
#define ENTRIES		8		/* of SQ, RQ, SRQ */
#define CQES		16
#define SGES		3
#define INLINE		64
#define MTU		1024
#define QPN		17
#define UD_QPN		18
#define PSN		0xfffffcu	/* wraps soon */
#define PAGES		3
#define QUEUE		64		/* packets on the wire */
#define IOVA		0x10000ULL
#define FULL		(IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE | \
			 IB_ACCESS_REMOTE_READ | IB_ACCESS_REMOTE_ATOMIC)

enum { MR_FULL = 1, MR_FOREIGN, MR_READ, MR_BASE, MR_WINDOW, NMRS };

struct packet {
	u32 len;
	u8 *data;
};

static struct world {
	struct input in;
	struct mrc_dev *dev;
	struct ib_pd pd, other;
	struct mrc_peer *peer;
	struct mrc_qp *qp, *ud;
	struct mrc_cq cq;
	struct mrc_srq srq;
	struct mrc_mr *mr[NMRS];
	void *page[NMRS][PAGES];
	struct mrc_ah ah;
	struct packet wire[QUEUE];
	u32 nwire;
	u32 msn, rqmsn;			/* of forged packets */
	u8 starve;			/* allocations until one fails; 0: never */
	bool wake;
	bool burst;			/* packets have left something to do */
} w;

bool fuzz_no_memory(gfp_t gfp)
{
	return (gfp & GFP_ATOMIC) && w.starve && !--w.starve;
}

/* ------------------------------------------------------------ port, peers */

struct sk_buff *mrc_skb_alloc(u32 len, gfp_t gfp)
{
	struct sk_buff *s;

	if (fuzz_no_memory(gfp))
		return NULL;
	s = calloc(1, sizeof(*s));
	/* of its exact size, so that the sanitizer guards its end */
	s->head = malloc(len);
	s->data = s->head;
	s->tail = s->head;
	s->end = s->head + len;
	s->truesize = sizeof(*s) + len;
	return s;
}

static void to_wire(struct sk_buff *skb)
{
	struct packet *p;

	MUST(skb->len >= sizeof(struct mrc_bth));
	if (w.nwire < QUEUE) {
		u32 pad = MRC_TXCB(skb)->pad;

		p = &w.wire[w.nwire++];
		p->len = skb->len + pad;
		p->data = calloc(1, p->len);
		MUST(!skb_copy_bits(skb, 0, p->data, skb->len));
	}
	kfree_skb(skb);
}

void mrc_event_qp(const struct mrc_qp *qp)
{
}

void mrc_port_xmit(struct mrc_peer *peer, struct sk_buff_head *list)
{
	struct sk_buff *skb;
	int path = -1;

	while ((skb = __skb_dequeue(list))) {
		MUST(MRC_TXCB(skb)->path < mrc_paths_count(peer->st.paths));
		/* a unit has one path, and no control packet in it */
		if (MRC_TXCB(skb)->joined)
			MUST(MRC_TXCB(skb)->class == MRC_CLASS_DATA &&
			     MRC_TXCB(skb)->path == path);
		path = MRC_TXCB(skb)->path;
		to_wire(skb);
	}
}

int mrc_port_xmit_to(struct mrc_dev *dev, struct net_device *oif,
		     struct sk_buff *skb, const struct mrc_txhdr *h)
{
	to_wire(skb);
	return 0;
}

struct mrc_peer *mrc_peer_get(struct mrc_dev *dev,
			      const struct mrc_peer_key *key)
{
	refcount_inc(&w.peer->ref);
	return w.peer;
}

void mrc_peer_put(struct mrc_peer *peer)
{
	MUST(!refcount_dec_and_test(&peer->ref));
}

void mrc_peer_need_mtu(struct mrc_peer *peer, u32 mtu)
{
	peer->mtu.need = max(peer->mtu.need, mtu);
}

u32 mrc_peer_terms(const struct mrc_peer *peer)
{
	return peer->window | (u32)MRC_PLAIN_SERVICE_TIME << 24;
}

bool mrc_peer_addr_ok(const struct mrc_peer *peer, const struct in6_addr *saddr)
{
	return true;
}

int mrc_peer_control_path(struct mrc_peer *peer)
{
	return mrc_paths_pick(peer->st.paths, &peer->rotor, -1, fuzz_now);
}

void mrc_peer_wake(struct mrc_peer *peer)
{
	w.wake = true;
}

void mrc_batch_add(struct mrc_qp *qp)
{
	w.burst = true;
}

static void end_burst(void)
{
	if (w.burst) {
		w.burst = false;
		mrc_qp_after_rx(w.qp);
	}
}

void mrc_peer_run_waiters(struct mrc_peer *peer)
{
	struct mrc_qp *qp;

	while (!list_empty(&peer->waiters)) {
		qp = list_first_entry(&peer->waiters, struct mrc_qp, waiter);
		list_del_init(&qp->waiter);
		qp->turn = 4;
		mrc_qp_run(qp);
		mrc_qp_put(qp);
		if (!list_empty(&qp->waiter))
			break;
	}
}

void mrc_qp_put(struct mrc_qp *qp)
{
	MUST(!refcount_dec_and_test(&qp->ref));
}

struct mrc_qp *mrc_qp_get(struct mrc_dev *dev, u32 qpn)
{
	if (qpn != QPN)
		return NULL;
	refcount_inc(&w.qp->ref);
	return w.qp;
}

void mrc_dmabuf_put(struct mrc_dmabuf *d)
{
	MUST(!d);
}

bool mrc_addr_is_local(struct net *net, const struct in6_addr *addr)
{
	return true;
}

/* ------------------------------------------------------------ set-up */

static void comp_handler(struct ib_cq *cq, void *context)
{
}

static void ring(struct mrc_kring *r, u32 entries, u32 size)
{
	MUST(!mrc_ring_alloc(r, entries, size, NULL, NULL));
}

static void new_mr(int i, enum mrc_mr_type type, struct ib_pd *pd, int access)
{
	struct mrc_mr *mr = mrc_mr_new(w.dev, pd, type, access);

	MUST(!IS_ERR(mr));
	w.mr[i] = mr;
	if (type != MRC_MR_MW) {
		mr->max_segs = PAGES;
		mr->segs = calloc(PAGES, sizeof(*mr->segs));
		for (int k = 0; k < PAGES; k++) {
			/* the first begins late, the last ends early */
			u32 from = k ? 0 : 96;
			u32 to = k == PAGES - 1 ? 4000 : PAGE_SIZE;

			w.page[i][k] = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
			memset(w.page[i][k], i * 16 + k, PAGE_SIZE);
			MUST(!mrc_mr_add_piece(mr, w.page[i][k], from,
					       to - from));
		}
		mr->iova = IOVA;
		mr->length = mr->mapped;
	}
	MUST(!mrc_mr_publish(mr, type == MRC_MR_MW ? MRC_MR_FREE :
						     MRC_MR_VALID));
	mr->key = mr->key & ~0xff;
	MUST(mr->key == i << 8);
}

static struct mrc_qp *new_qp(enum ib_qp_type type, u32 qpn, bool srq)
{
	struct mrc_qp *qp = calloc(1, sizeof(*qp));

	qp->dev = w.dev;
	qp->qpn = qpn;
	qp->user = true;
	qp->ibqp.device = &w.dev->ibdev;
	qp->ibqp.pd = &w.pd;
	qp->ibqp.qp_type = type;
	qp->ibqp.send_cq = &w.cq.ibcq;
	qp->ibqp.recv_cq = &w.cq.ibcq;
	qp->mtu = MTU;
	refcount_set(&qp->ref, 1);
	mrc_msg_init(qp);
	ring(&qp->sq, ENTRIES, sizeof(struct mrc_sqe) + INLINE);
	if (srq)
		qp->srq = &w.srq;
	else
		ring(&qp->rq, ENTRIES, struct_size_t(struct mrc_rqe, sge, SGES));
	qp->cap.max_send_sge = SGES;
	qp->cap.max_recv_sge = SGES;
	qp->cap.max_inline_data = INLINE;
	qp->attr.qp_access_flags = FULL;
	qp->attr.dest_qp_num = qpn;
	qp->attr.rq_psn = PSN;
	qp->attr.sq_psn = PSN;
	qp->attr.max_rd_atomic = 2;
	qp->attr.max_dest_rd_atomic = 2;
	qp->attr.qkey = 7;
	return qp;
}

static void begin(u8 flags)
{
	static const u8 planes[] = { 0, 1 };
	static struct net_device netdev = { .mtu = 1500 };
	struct mrc_cc_params cp = { .mtu = MTU + 100,
				    .speed_bps = 1000000000 };
	struct mrc_peer_key key = {};

	fuzz_now = NSEC_PER_SEC;
	w.dev = calloc(1, sizeof(*w.dev));
	w.dev->stats = calloc(1, sizeof(*w.dev->stats));
	w.dev->set.ordered_last = !(flags & 1);
	w.dev->set.icrc = true;
	w.dev->set.spray_unit = flags & 128 ? 4 : 1;
	w.dev->netdev = &netdev;
	w.pd.device = &w.dev->ibdev;
	w.other.device = &w.dev->ibdev;

	new_mr(MR_FULL, MRC_MR_FAST, &w.pd, FULL);
	new_mr(MR_FOREIGN, MRC_MR_FAST, &w.other, FULL);
	new_mr(MR_READ, MRC_MR_FAST, &w.pd, IB_ACCESS_REMOTE_READ);
	new_mr(MR_BASE, MRC_MR_USER, &w.pd, FULL | IB_ACCESS_MW_BIND);
	new_mr(MR_WINDOW, MRC_MR_MW, &w.pd, 0);
	w.mr[MR_WINDOW]->mw_type = flags & 2 ? IB_MW_TYPE_1 : IB_MW_TYPE_2;

	spin_lock_init(&w.cq.lock);
	w.cq.ibcq.device = &w.dev->ibdev;
	w.cq.ibcq.comp_handler = comp_handler;
	ring(&w.cq.ring, CQES, sizeof(struct mrc_cqe));
	spin_lock_init(&w.srq.lock);
	w.srq.ibsrq.device = &w.dev->ibdev;
	w.srq.max_sge = SGES;
	ring(&w.srq.ring, ENTRIES, struct_size_t(struct mrc_rqe, sge, SGES));
	w.srq.max_wr = ENTRIES;

	w.peer = calloc(1, sizeof(*w.peer));
	w.peer->dev = w.dev;
	refcount_set(&w.peer->ref, 1);
	INIT_LIST_HEAD(&w.peer->waiters);
	w.peer->status = flags & 4 ? MRC_PEER_PLAIN : MRC_PEER_EXT;
	w.peer->features = flags & 4 ? 0 : MRC_HELLO_F_ALL;
	w.peer->window = MRC_RX_WINDOW;
	w.peer->st.paths = malloc(mrc_paths_size(8));
	mrc_paths_init(w.peer->st.paths, 8, planes, 2, 1);
	w.peer->st.cc = calloc(1, sizeof(struct mrc_cc));
	mrc_cc_init(w.peer->st.cc, &cp, fuzz_now);
	mrc_rotor_init(&w.peer->rotor, 1);

	w.ah.ibah.pd = &w.pd;
	xa_store(&w.dev->ahs, 1, &w.ah, GFP_KERNEL);

	w.qp = new_qp(IB_QPT_RC, QPN, flags & 8);
	MUST(!mrc_msg_start(w.qp, &key));
	w.qp->state = IB_QPS_RTR;
	if (!(flags & 16)) {
		spin_lock(&w.qp->lock);
		w.qp->attr.timeout = 10;
		w.qp->attr.rnr_retry = flags & 32 ? 7 : 1;
		mrc_msg_rts(w.qp);
		w.qp->state = IB_QPS_RTS;
		spin_unlock(&w.qp->lock);
	}
	w.ud = new_qp(IB_QPT_UD, UD_QPN, flags & 64);
	w.ud->state = IB_QPS_RTS;
}

static void end(void)
{
	mrc_msg_stop(w.qp);
	spin_lock(&w.ud->lock);
	w.ud->state = IB_QPS_RESET;
	spin_unlock(&w.ud->lock);
	if (cancel_work_sync(&w.ud->work))
		mrc_qp_put(w.ud);
	MUST(refcount_read(&w.qp->ref) == 1);
	MUST(refcount_read(&w.ud->ref) == 1);
	MUST(refcount_read(&w.peer->ref) == 1);
	MUST(!atomic_long_read(&w.dev->held_bytes));
	MUST(!mrc_cc_inflight(w.peer->st.cc));
	MUST(list_empty(&w.peer->waiters));
	for (int i = MR_FULL; i < NMRS; i++)
		mrc_mr_retire(w.mr[i]);
	MUST(!atomic_read(&w.dev->num_mr));
	for (int i = MR_FULL; i < NMRS; i++)
		for (int k = 0; k < PAGES; k++)
			free(w.page[i][k]);
	for (u32 i = 0; i < w.nwire; i++)
		free(w.wire[i].data);
	mrc_ring_free(&w.qp->sq);
	mrc_ring_free(&w.qp->rq);
	mrc_ring_free(&w.ud->sq);
	mrc_ring_free(&w.ud->rq);
	mrc_ring_free(&w.srq.ring);
	mrc_ring_free(&w.cq.ring);
	xa_destroy(&w.dev->mrs);
	xa_destroy(&w.dev->ahs);
	free(w.peer->st.paths);
	free(w.peer->st.cc);
	free(w.peer);
	free(w.qp);
	free(w.ud);
	free(w.dev->stats);
	free(w.dev);
	memset(&w, 0, sizeof(w));
}

static void check(void)
{
	MUST(!w.qp->lock.held && !w.qp->rq_lock.held && !w.cq.lock.held &&
	     !w.srq.lock.held && !w.peer->lock.held && !w.ud->lock.held &&
	     !w.ud->rq_lock.held);
	MUST(!w.qp->busy && !w.qp->running && !w.qp->resp.draining);
	MUST(!w.ud->busy && !w.ud->running);
	for (int i = MR_FULL; i < NMRS; i++)
		MUST(refcount_read(&w.mr[i]->ref) == 1);
	MUST(w.qp->req.taken - w.qp->sq.cons <= ENTRIES);
	/* no receive is lost */
	MUST(w.qp->rq_taken - w.qp->rq.cons == w.qp->resp.bound || w.qp->srq);
	MUST(w.qp->resp.bound <= ENTRIES || w.qp->srq);
	if (w.qp->state == IB_QPS_ERR && !w.qp->flush_pending)
		MUST(list_empty(&w.qp->msgs));
}

/* ------------------------------------------------------------ user space */

static struct mrc_kring *any_ring(void)
{
	struct mrc_kring *rings[] = {
		&w.qp->sq, w.qp->srq ? &w.srq.ring : &w.qp->rq, &w.cq.ring,
		&w.ud->sq, w.ud->srq ? &w.srq.ring : &w.ud->rq,
	};

	return rings[input_u8(&w.in) % ARRAY_SIZE(rings)];
}

static void scribble(void)
{
	struct mrc_kring *r = any_ring();
	u32 n = input_u8(&w.in) % 17;
	size_t at = input_u16(&w.in) % (r->size - n);

	input_bytes(&w.in, (u8 *)r->hdr + at, n);
}

static u32 any_key(void)
{
	u8 v = input_u8(&w.in);

	return v % 16 < NMRS ? v % 16 << 8 : input_u32(&w.in);
}

static u64 any_addr(void)
{
	u16 v = input_u16(&w.in);

	return v >= 0xff00 ? input_u64(&w.in) : IOVA + v % 13000 - 16;
}

static void sges(struct mrc_sge *sge, u32 n)
{
	while (n--) {
		sge->lkey = any_key();
		sge->addr = any_addr();
		sge->length = input_u16(&w.in) % 5000;
		sge++;
	}
}

/* A work request that may even be right. */
static void post(struct mrc_qp *qp)
{
	struct mrc_kring *r = &qp->sq;
	struct mrc_sqe *e = mrc_ring_entry(r, r->hdr->prod);
	u8 op = input_u8(&w.in);

	memset(e, 0, r->entry_size);
	e->wr_id = op;
	e->opcode = op % 11;
	e->flags = input_u8(&w.in) & 0xf;
	e->imm = any_key();
	e->num_sge = input_u8(&w.in) % (SGES + 1);
	if (e->flags & MRC_SQE_INLINE)
		e->inline_len = input_u8(&w.in) % (INLINE + 4);
	else
		sges(e->sge, min(e->num_sge, 3U));
	if (qp == w.ud) {
		e->opcode = IB_WR_SEND + (op & 1);
		e->ud.ah_num = op >> 1 & 1;
		e->ud.remote_qpn = UD_QPN;
		e->ud.remote_qkey = op & 4 ? 7 : 1U << 31;
	} else if (e->opcode == IB_UVERBS_WR_BIND_MW) {
		e->bind.addr = any_addr();
		e->bind.length = input_u16(&w.in);
		e->bind.rkey = (MR_WINDOW << 8) + (op & 3);
		e->bind.lkey = any_key();
		e->bind.access = input_u8(&w.in) & 0x1f;
	} else {
		e->rdma.remote_addr = any_addr();
		e->rdma.rkey = any_key();
		e->rdma.compare_add = input_u8(&w.in);
		e->rdma.swap = op;
	}
	r->hdr->prod++;
	if (r->hdr->want_doorbell || op & 128)
		mrc_qp_run(qp);
}

static void post_recv(struct mrc_qp *qp)
{
	struct mrc_kring *r = qp->srq ? &qp->srq->ring : &qp->rq;
	struct mrc_rqe *e = mrc_ring_entry(r, r->hdr->prod);

	e->wr_id = input_u8(&w.in);
	e->num_sge = e->wr_id % (SGES + 1);
	sges(e->sge, e->num_sge);
	r->hdr->prod++;
}

static void poll(void)
{
	struct mrc_kring *r = &w.cq.ring;
	u32 n = r->hdr->prod - r->hdr->cons;

	if (n <= CQES)
		r->hdr->cons = r->hdr->prod;
	mrc_req_notify_cq(&w.cq.ibcq, input_u8(&w.in) & 7);
}

/* ------------------------------------------------------------ network */

static void arrive(const u8 *data, u32 len, u32 linear)
{
	struct mrc_rxinfo info = { .nominal = len + 52, .now = fuzz_now,
				   .entropy = 0xc000 };
	const struct mrc_bth *bth;
	struct sk_buff *skb;
	int hdrlen;
	u8 op;

	fuzz_now += 1000;
	skb = mrc_skb_alloc(len, GFP_KERNEL);
	memcpy(skb_put(skb, len), data, len);
	bth = (void *)skb->data;
	/* as mrc_udp_rcv() does it */
	if (len < sizeof(*bth))
		goto drop;
	hdrlen = mrc_bth_check(bth, len);
	if (hdrlen < 0)
		goto drop;
	if (linear >= (u32)hdrlen && linear < len && len - linear < PAGE_SIZE) {
		/* the rest of it in a fragment */
		void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

		memcpy(page, skb->data + linear, len - linear);
		skb_fill_page_desc(skb, 0, page, 0, len - linear);
		skb->data_len = len - linear;
		/* nobody may read these bytes but in the fragment */
		memset(skb->data + linear, 0xdb, len - linear);
	}
	op = bth->opcode;
	{
		/* the packet may be held: what it refers to is freed later */
		static void *pages[4096];
		static u32 n;

		n = (n + 1) % ARRAY_SIZE(pages);
		free(pages[n]);
		pages[n] = skb->info.nr_frags ? skb->info.frags[0].page : NULL;
	}
	if (op == MRC_OP_UD_SEND_ONLY || op == MRC_OP_UD_SEND_ONLY_IMM)
		mrc_ud_rx(w.ud, skb, &info);
	else
		mrc_qp_rx(w.qp, skb, &info);
	return;
drop:
	kfree_skb(skb);
}

/* What was sent comes back: the oldest, another, or one twice. */
static void deliver(u8 how)
{
	u32 i;
	struct packet p;

	if (!w.nwire)
		return;
	i = how & 1 ? input_u8(&w.in) % w.nwire : 0;
	p = w.wire[i];
	if (!(how & 2)) {
		w.nwire--;
		memmove(&w.wire[i], &w.wire[i + 1],
			(w.nwire - i) * sizeof(w.wire[0]));
	}
	if (how & 4)
		p.data[input_u16(&w.in) % p.len] = input_u8(&w.in);
	if (!(how & 8))
		arrive(p.data, p.len, how & 16 ? 80 : p.len);
	if (!(how & 2))
		free(p.data);
}

/* A packet of a stream that somebody made up. */
static void forge(void)
{
	static const u8 ops[] = {
		0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc6, 0xc7, 0xc8, 0xc9, 0xca,
		0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0,
	};
	u8 buf[128 + MTU + 8] __attribute__((aligned(4)));
	u8 a = input_u8(&w.in), b = input_u8(&w.in);
	struct mrc_pkt p = {
		.op = ops[a & 15],
		.ackreq = a & 16,
		.rtx = a & 32,
		.se = a & 64,
		.ts = true,
		.dqpn = QPN,
		.psn = mrc_psn_add(mrc_rxwin_next(&w.qp->rxw), b % 8),
		.msn = w.msn + (b >> 3 & 1),
		.rqmsn = w.qp->resp.next_rqmsn + (b >> 4 & 3),
		.rkey = any_key(),
		.va = any_addr(),
		.first_psn = PSN,
	};
	u32 len = b & 64 ? MTU : input_u8(&w.in), n;

	p.dmalen = b & 128 ? len : input_u16(&w.in);
	p.offset = b & 32 ? input_u16(&w.in) : p.dmalen > len ?
					       p.dmalen - len : 0;
	p.imm = cpu_to_be32(any_key());
	p.swap_add = b;
	p.compare = a;
	if (!(mrc_opcode_flags(p.op) & MRC_OPF_PAYLOAD))
		len = 0;
	p.pad = -len & 3;
	n = mrc_pkt_encode(&p, buf);
	memset(buf + n, 0xaa, len + p.pad);
	w.msn++;
	arrive(buf, n + len + p.pad, 90);
}

static void control(void)
{
	u8 buf[64] __attribute__((aligned(4))) = {};
	struct mrc_bth *bth = (void *)buf;
	void *h = bth + 1;
	u8 a = input_u8(&w.in);
	u32 near = w.qp->tx_started ?
		mrc_psn_add(mrc_tx_una(&w.qp->tx), (s8)input_u8(&w.in)) : PSN;
	struct mrc_sack s = {
		.cack = near, .acked_psn = near, .sack_offset = 1,
		.mpr = 32, .probe = a & 64, .probe_id = a,
		.bitmap = a & 128 ? input_u64(&w.in) : 0,
	};
	struct mrc_nack n = { .psn = near, .reason = input_u8(&w.in) };

	switch (a % 5) {
	case 0:
		mrc_bth_encode(bth, MRC_OP_SACK, QPN, near);
		mrc_sack_encode(&s, h, h + sizeof(struct mrc_seth));
		break;
	case 1:
		mrc_bth_encode(bth, MRC_OP_X_SACK_ACK, QPN, near);
		mrc_sack_encode(&s, h, h + sizeof(struct mrc_seth));
		break;
	case 2:
		mrc_bth_encode(bth, MRC_OP_NACK, QPN, near);
		mrc_nack_encode(&n, h);
		break;
	case 3:
		mrc_bth_encode(bth, MRC_OP_ACK, QPN, near);
		mrc_aeth_encode(h, a & 32 ? 0x60 + (a & 3) : MRC_AETH_ACK, 0);
		break;
	case 4:
		mrc_bth_encode(bth, MRC_OP_PROBE, QPN, near);
		break;
	}
	arrive(buf, mrc_opcode_hdrlen(bth->opcode), sizeof(buf));
}

static void raw(void)
{
	u8 buf[256] __attribute__((aligned(4)));
	u32 n = input_u8(&w.in);

	input_bytes(&w.in, buf, n);
	arrive(buf, n, input_u8(&w.in));
}

/* ------------------------------------------------------------ the rest */

static void clock(u8 how)
{
	struct mrc_qp *qps[] = { w.qp, w.ud };

	fuzz_now += 1ULL << (10 + how % 22);
	for (u32 i = 0; i < ARRAY_SIZE(qps); i++) {
		struct mrc_qp *qp = qps[i];

		if (qp->timer.at && qp->timer.at <= fuzz_now + 1) {
			qp->timer.at = 0;
			qp->timer.function(&qp->timer);
		}
		if (qp->work.queued) {
			qp->work.queued = false;
			qp->work.fn(&qp->work);
		}
	}
	if (w.wake) {
		w.wake = false;
		mrc_peer_run_waiters(w.peer);
	}
}

static void step(void)
{
	u8 op = input_u8(&w.in), how = op >> 4;

	/* packets that follow each other come in one burst */
	if ((op & 15) < 6 || (op & 15) > 11)
		end_burst();
	switch (op & 15) {
	case 0:
		scribble();
		break;
	case 1:
	case 2:
		post(w.qp);
		break;
	case 3:
		post_recv(how & 1 ? w.ud : w.qp);
		break;
	case 4:
		any_ring()->hdr->prod += (s8)input_u8(&w.in);
		break;
	case 5:
		mrc_qp_run(how & 1 ? w.ud : w.qp);
		break;
	case 6:
	case 7:
	case 8:
		deliver(how | (input_u8(&w.in) & 16));
		break;
	case 9:
		forge();
		break;
	case 10:
		control();
		break;
	case 11:
		raw();
		break;
	case 12:
		clock(input_u8(&w.in));
		break;
	case 13:
		poll();
		break;
	case 14:
		post(w.ud);
		break;
	case 15:
		if (how == 15) {
			spin_lock(&w.qp->lock);
			mrc_msg_error(w.qp, MRC_NL_QP_REASON_APPLICATION);
			spin_unlock(&w.qp->lock);
		} else {
			w.starve = how;
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int steps = 0;
	u8 flags;

	w.in = (struct input){ data, size };
	flags = input_u8(&w.in);
	begin(flags);
	while (w.in.left && steps++ < MAX_STEPS) {
		step();
		check();
	}
	w.starve = 0;
	end_burst();
	end();
	return 0;
}
