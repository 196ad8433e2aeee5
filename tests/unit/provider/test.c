// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the provider's data path. The kernel's end of each ring is
 * played by the test; the rings lie in heap memory of their exact size, so
 * that the address sanitizer sees every step outside.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mrc.h"

static int passed, failed;
static bool ok;

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("  %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			ok = false;					\
		}							\
	} while (0)

/* ---- the kernel's side ---- */

static int doorbells;
static int doorbell_error;
static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bell = PTHREAD_COND_INITIALIZER;

static int ring_bell(bool empty)
{
	pthread_mutex_lock(&bell_lock);
	CHECK(empty);
	doorbells++;
	pthread_cond_signal(&bell);
	pthread_mutex_unlock(&bell_lock);
	return doorbell_error;
}

int ibv_cmd_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		      struct ibv_send_wr **bad_wr)
{
	return ring_bell(!wr);
}

int ibv_cmd_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad_wr)
{
	return ring_bell(!wr);
}

int ibv_cmd_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr,
			  struct ibv_recv_wr **bad_wr)
{
	return ring_bell(!wr);
}

static void *alloc_ring(uint32_t log2_entries, uint32_t entry_size,
			uint32_t index, size_t *size)
{
	struct mrc_ring *hdr;

	*size = sizeof(*hdr) + ((size_t)entry_size << log2_entries);
	hdr = aligned_alloc(64, (*size + 63) & ~63ul);
	memset(hdr, 0, *size);
	hdr->prod = index;
	hdr->cons = index;
	hdr->log2_entries = log2_entries;
	hdr->entry_size = entry_size;
	hdr->offset = sizeof(*hdr);
	return hdr;
}

/* ---- objects ---- */

enum { SQ_LOG = 2, SQ_WR = 3, SGES = 4, INLINE = 64, CQ_LOG = 3 };

/* Indices begin just before they wrap: every test crosses the edge. */
static const uint32_t START = 0xfffffffe;

static struct mrc_qp *new_qp(enum ibv_qp_type type)
{
	struct mrc_qp *qp = calloc(1, sizeof(*qp));
	size_t size;
	void *base;

	qp->vqp.qp.qp_type = type;
	qp->vqp.qp.qp_num = 17;
	qp->vqp.qp.state = IBV_QPS_RTS;

	base = alloc_ring(SQ_LOG, sizeof(struct mrc_sqe) + INLINE, START,
			  &size);
	CHECK(!mrc_ring_attach(&qp->sq.map, base, size,
			       sizeof(struct mrc_sqe) + INLINE));
	mrc_wq_sync(&qp->sq);
	qp->sq.max_wr = SQ_WR;
	qp->sq.max_sge = SGES;
	qp->sq.max_inline = INLINE;
	mrc_lock_init(&qp->sq.lock, true);

	base = alloc_ring(SQ_LOG, sizeof(struct mrc_rqe) +
			  SGES * sizeof(struct mrc_sge), START, &size);
	CHECK(!mrc_ring_attach(&qp->rq.map, base, size,
			       sizeof(struct mrc_rqe)));
	mrc_wq_sync(&qp->rq);
	qp->rq.max_wr = SQ_WR;
	qp->rq.max_sge = SGES;
	mrc_lock_init(&qp->rq.lock, true);

	mrc_qp_set_wr_ops(qp);
	doorbells = 0;
	doorbell_error = 0;
	return qp;
}

static void free_qp(struct mrc_qp *qp)
{
	/* every path must have let go of the locks */
	CHECK(!pthread_spin_trylock(&qp->sq.lock.spin));
	CHECK(!pthread_spin_trylock(&qp->rq.lock.spin));
	free(qp->sq.map.hdr);
	free(qp->rq.map.hdr);
	free(qp);
}

static struct mrc_sqe *sqe_at(struct mrc_qp *qp, uint32_t i)
{
	return mrc_ring_entry(&qp->sq.map, START + i);
}

static struct mrc_cq *new_cq(void)
{
	struct mrc_cq *cq = calloc(1, sizeof(*cq));
	size_t size;
	void *base;

	base = alloc_ring(CQ_LOG, sizeof(struct mrc_cqe), START, &size);
	CHECK(!mrc_ring_attach(&cq->map, base, size, sizeof(struct mrc_cqe)));
	cq->cons = START;
	cq->prod = START;
	mrc_lock_init(&cq->lock, true);
	mrc_cq_set_poll_ops(cq);
	return cq;
}

static void free_cq(struct mrc_cq *cq)
{
	CHECK(!pthread_spin_trylock(&cq->lock.spin));
	free(cq->map.hdr);
	free(cq);
}

static void complete(struct mrc_cq *cq, uint64_t wr_id, uint32_t qpn)
{
	struct mrc_cqe *cqe = mrc_ring_entry(&cq->map, cq->map.hdr->prod);

	*cqe = (struct mrc_cqe){
		.wr_id = wr_id,
		.status = IBV_WC_REM_ACCESS_ERR,
		.opcode = IBV_WC_RECV_RDMA_WITH_IMM,
		.vendor_err = 5,
		.byte_len = 6,
		.imm = htobe32(7),
		.qpn = qpn,
		.src_qpn = 8,
		.wc_flags = MRC_CQE_WITH_IMM | MRC_CQE_GRH,
		.timestamp = 9,
		.pkey_index = 10,
		.vlan_id = 0xffff,
		.network_hdr_type = MRC_CQE_NET_IPV4,
	};
	mrc_ring_publish(&cq->map, cq->map.hdr->prod + 1);
}

static uint32_t freed(const struct mrc_cq *cq)
{
	return cq->map.hdr->cons - START;
}

/* ---- ring.c ---- */

static void ring_attach__sound_geometry(void)
{
	struct mrc_ring_map map = {};
	size_t size;
	struct mrc_ring *hdr = alloc_ring(3, 64, 0, &size);

	CHECK(mrc_ring_attach(&map, hdr, size, 64) == 0);
	CHECK(map.mask == 7 && map.entry_size == 64);
	CHECK(mrc_ring_entry(&map, 8) == mrc_ring_entry(&map, 0));
	CHECK((char *)mrc_ring_entry(&map, 0xffffffff) + 64 ==
	      (char *)hdr + size);
	free(hdr);
}

static void ring_attach__entries_outside_of_the_mapping(void)
{
	struct mrc_ring_map map = {};
	size_t size;
	struct mrc_ring *hdr = alloc_ring(3, 64, 0, &size), good = *hdr;

	CHECK(mrc_ring_attach(&map, hdr, size - 1, 64) == EINVAL);
	CHECK(mrc_ring_attach(&map, hdr, size, 72) == EINVAL);
	CHECK(mrc_ring_attach(&map, hdr, sizeof(*hdr) - 1, 64) == EINVAL);
	hdr->log2_entries = 4;
	CHECK(mrc_ring_attach(&map, hdr, size, 64) == EINVAL);
	hdr->log2_entries = 31;
	CHECK(mrc_ring_attach(&map, hdr, size, 64) == EINVAL);
	*hdr = good;
	hdr->entry_size = 65;
	CHECK(mrc_ring_attach(&map, hdr, size, 64) == EINVAL);
	*hdr = good;
	hdr->offset = 8;
	CHECK(mrc_ring_attach(&map, hdr, size, 64) == EINVAL);
	hdr->offset = 0xfffffff8;
	CHECK(mrc_ring_attach(&map, hdr, size, 64) == EINVAL);
	free(hdr);
}

/* ---- post.c ---- */

static void post_send__doorbell_only_when_wanted(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad;

	CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	CHECK(doorbells == 0 && qp->sq.map.hdr->prod == START + 1);
	qp->sq.map.hdr->want_doorbell = 1;
	CHECK(!mrc_post_send(&qp->vqp.qp, NULL, &bad));
	CHECK(doorbells == 0);
	CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	CHECK(doorbells == 1 && qp->sq.map.hdr->prod == START + 2);
	free_qp(qp);
}

static void post_send__device_gone(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad = NULL;

	qp->sq.map.hdr->want_doorbell = 1;
	doorbell_error = EIO;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EIO && bad == &wr);
	free_qp(qp);
}

static void post_send__full_until_kernel_advances(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr[4] = {}, *bad = NULL;
	int i;

	for (i = 0; i < 4; i++) {
		wr[i].opcode = IBV_WR_SEND;
		wr[i].wr_id = i;
		wr[i].next = i < 3 ? &wr[i + 1] : NULL;
	}
	CHECK(mrc_post_send(&qp->vqp.qp, wr, &bad) == ENOMEM);
	CHECK(bad == &wr[3] && qp->sq.map.hdr->prod == START + 3);
	CHECK(mrc_post_send(&qp->vqp.qp, &wr[3], &bad) == ENOMEM);
	qp->sq.map.hdr->cons++;
	CHECK(!mrc_post_send(&qp->vqp.qp, &wr[3], &bad));
	for (i = 0; i < 4; i++)
		CHECK(sqe_at(qp, i)->wr_id == (uint64_t)i);
	free_qp(qp);
}

static void post_send__scribbled_header(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad;
	int i;

	qp->sq.map.hdr->log2_entries = 31;
	qp->sq.map.hdr->entry_size = 0xffffffff;
	for (i = 0; i < SQ_WR; i++)
		CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	qp->sq.map.hdr->cons = START + 100;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == ENOMEM);
	qp->sq.map.hdr->cons = START - 100;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == ENOMEM);
	qp->sq.map.hdr->cons = START + 1;
	CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	free_qp(qp);
}

static void post_send__bad_request_after_good_ones(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr[3] = {
		{ .opcode = IBV_WR_SEND, .next = &wr[1] },
		{ .opcode = IBV_WR_TSO, .next = &wr[2] },
		{ .opcode = IBV_WR_SEND },
	}, *bad = NULL;

	qp->sq.map.hdr->want_doorbell = 1;
	CHECK(mrc_post_send(&qp->vqp.qp, wr, &bad) == EINVAL);
	CHECK(bad == &wr[1] && doorbells == 1);
	CHECK(qp->sq.map.hdr->prod == START + 1);
	free_qp(qp);
}

static void post_send__state_of_the_qp(void)
{
	static const enum ibv_qp_state refused[] = {
		IBV_QPS_RESET, IBV_QPS_INIT, IBV_QPS_RTR };
	static const enum ibv_qp_state taken[] = {
		IBV_QPS_RTS, IBV_QPS_ERR };
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		bad = NULL;
		qp->vqp.qp.state = refused[i];
		CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
		CHECK(bad == &wr && qp->sq.map.hdr->prod == START);
	}
	for (i = 0; i < 2; i++) {
		qp->vqp.qp.state = taken[i];
		CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	}
	free_qp(qp);
}

static void post_send__fields_of_operations(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_sge sge[2] = { { 1, 2, 3 }, { 4, 5, 6 } };
	struct ibv_send_wr atomic = {
		.wr_id = 77, .opcode = IBV_WR_ATOMIC_CMP_AND_SWP,
		.sg_list = sge, .num_sge = 1, .send_flags = IBV_SEND_FENCE,
		.wr.atomic = { .remote_addr = 10, .compare_add = 11,
			       .swap = 12, .rkey = 13 },
	}, inv = {
		.opcode = IBV_WR_LOCAL_INV, .invalidate_rkey = 0x1234,
		.sg_list = sge, .num_sge = 1,
	}, write = {
		.opcode = IBV_WR_RDMA_WRITE_WITH_IMM, .sg_list = sge,
		.num_sge = 2, .imm_data = htobe32(0xabcd),
		.send_flags = IBV_SEND_SOLICITED,
		.wr.rdma = { .remote_addr = 20, .rkey = 21 },
	}, *bad;
	struct mrc_sqe *s;

	CHECK(!mrc_post_send(&qp->vqp.qp, &atomic, &bad));
	s = sqe_at(qp, 0);
	CHECK(s->wr_id == 77 && s->opcode == IBV_WR_ATOMIC_CMP_AND_SWP);
	CHECK(s->flags == MRC_SQE_FENCE && s->num_sge == 1);
	CHECK(s->rdma.remote_addr == 10 && s->rdma.rkey == 13);
	CHECK(s->rdma.compare_add == 11 && s->rdma.swap == 12);
	CHECK(s->sge[0].addr == 1 && s->sge[0].length == 2 &&
	      s->sge[0].lkey == 3);

	qp->sig_all = true;
	CHECK(!mrc_post_send(&qp->vqp.qp, &inv, &bad));
	s = sqe_at(qp, 1);
	CHECK(s->imm == 0x1234 && s->num_sge == 0);
	CHECK(s->flags == MRC_SQE_SIGNALED);

	CHECK(!mrc_post_send(&qp->vqp.qp, &write, &bad));
	s = sqe_at(qp, 2);
	CHECK(s->imm == htobe32(0xabcd) && s->num_sge == 2);
	CHECK(s->flags == (MRC_SQE_SIGNALED | MRC_SQE_SOLICITED));
	CHECK(s->rdma.remote_addr == 20 && s->rdma.rkey == 21);
	CHECK(s->sge[1].addr == 4 && s->sge[1].lkey == 6);
	free_qp(qp);
}

static void post_send__inline_limits(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	char data[INLINE + 1];
	struct ibv_sge sge[2] = {
		{ (uintptr_t)data, 60, 0 },
		{ (uintptr_t)data + 60, 4, 0 },
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE, .sg_list = sge, .num_sge = 2,
		.send_flags = IBV_SEND_INLINE,
	}, *bad;

	memset(data, 'x', sizeof(data));
	CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	CHECK(sqe_at(qp, 0)->inline_len == INLINE);
	CHECK(sqe_at(qp, 0)->flags == MRC_SQE_INLINE);
	CHECK(!memcmp(sqe_at(qp, 0)->data, data, INLINE));

	sge[1].length = 5;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	sge[1].length = 0xffffffff;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	sge[1].length = 4;
	wr.opcode = IBV_WR_RDMA_READ;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	CHECK(qp->sq.map.hdr->prod == START + 1);
	free_qp(qp);
}

static void post_send__wild_arguments(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad;

	wr.num_sge = SGES + 1;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	wr.num_sge = -1;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	wr.num_sge = 0;
	wr.opcode = 12345;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	wr.opcode = IBV_WR_SEND;
	wr.send_flags = 1u << 30;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	CHECK(qp->sq.map.hdr->prod == START);
	free_qp(qp);
}

static void post_send__datagram(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_UD);
	struct mrc_ah ah = { .ah_num = 31 };
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND,
		.wr.ud = { .remote_qpn = 32, .remote_qkey = 33 },
	}, *bad;

	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	wr.wr.ud.ah = &ah.ibv_ah;
	CHECK(!mrc_post_send(&qp->vqp.qp, &wr, &bad));
	CHECK(sqe_at(qp, 0)->ud.ah_num == 31);
	CHECK(sqe_at(qp, 0)->ud.remote_qpn == 32);
	CHECK(sqe_at(qp, 0)->ud.remote_qkey == 33);
	wr.opcode = IBV_WR_RDMA_WRITE;
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	free_qp(qp);
}

static void post_recv__list_and_limits(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_sge sge[SGES] = { { 1, 2, 3 }, { 4, 5, 6 } };
	struct ibv_recv_wr wr[2] = {
		{ .wr_id = 1, .sg_list = sge, .num_sge = 2, .next = &wr[1] },
		{ .wr_id = 2, .num_sge = SGES + 1 },
	}, *bad = NULL;
	struct mrc_rqe *rqe = mrc_ring_entry(&qp->rq.map, START);

	qp->rq.map.hdr->want_doorbell = 1;
	CHECK(mrc_post_recv(&qp->vqp.qp, wr, &bad) == EINVAL);
	CHECK(bad == &wr[1] && doorbells == 1);
	CHECK(qp->rq.map.hdr->prod == START + 1);
	CHECK(rqe->wr_id == 1 && rqe->num_sge == 2 && rqe->sge[1].addr == 4);

	wr[1].num_sge = 0;
	CHECK(!mrc_post_recv(&qp->vqp.qp, wr, &bad));
	CHECK(mrc_post_recv(&qp->vqp.qp, wr, &bad) == ENOMEM && bad == &wr[0]);

	qp->vqp.qp.state = IBV_QPS_RESET;
	CHECK(mrc_post_recv(&qp->vqp.qp, wr, &bad) == EINVAL);
	free_qp(qp);
}

static void post_recv__queue_pair_with_srq(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_recv_wr wr = {}, *bad;

	free(qp->rq.map.hdr);
	memset(&qp->rq.map, 0, sizeof(qp->rq.map));
	CHECK(mrc_post_recv(&qp->vqp.qp, &wr, &bad) == EINVAL && bad == &wr);
	free_qp(qp);
}

struct consumer {
	struct mrc_ring_map	*map;
	uint32_t		want;
	uint32_t		seen;
	bool			ordered;
};

/* The kernel's way: announce the sleep, look again, sleep. */
static void *consume(void *arg)
{
	struct consumer *c = arg;
	struct mrc_ring *hdr = c->map->hdr;
	uint32_t cons = START;
	struct mrc_sqe *sqe;

	while (c->seen < c->want) {
		if (mrc_ring_prod(c->map) == cons) {
			pthread_mutex_lock(&bell_lock);
			__atomic_store_n(&hdr->want_doorbell, 1,
					 __ATOMIC_RELAXED);
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			while (mrc_ring_prod(c->map) == cons)
				pthread_cond_wait(&bell, &bell_lock);
			__atomic_store_n(&hdr->want_doorbell, 0,
					 __ATOMIC_RELAXED);
			pthread_mutex_unlock(&bell_lock);
		}
		sqe = mrc_ring_entry(c->map, cons);
		if (sqe->wr_id != c->seen)
			c->ordered = false;
		c->seen++;
		mrc_ring_release(c->map, ++cons);
	}
	return NULL;
}

static void post_send__no_doorbell_is_missed(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct consumer c = { .map = &qp->sq.map, .want = 200000,
			      .ordered = true };
	struct ibv_send_wr wr = { .opcode = IBV_WR_SEND }, *bad;
	pthread_t thread;
	int ret;

	pthread_create(&thread, NULL, consume, &c);
	while (wr.wr_id < c.want) {
		ret = mrc_post_send(&qp->vqp.qp, &wr, &bad);
		if (!ret)
			wr.wr_id++;
		else if (ret == ENOMEM)
			sched_yield();
		else
			break;
	}
	CHECK(wr.wr_id == c.want);
	pthread_join(thread, NULL);
	CHECK(c.seen == c.want && c.ordered);
	free_qp(qp);
}

/* ---- mw.c ---- */

int ibv_cmd_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type,
		     struct ibv_mw *mw, struct ibv_alloc_mw *cmd,
		     size_t cmd_size, struct ib_uverbs_alloc_mw_resp *resp,
		     size_t resp_size)
{
	return EOPNOTSUPP;
}

int ibv_cmd_dealloc_mw(struct ibv_mw *mw)
{
	return 0;
}

void mrc_context_put(struct ibv_context *ctx)
{
}

static void bind_mw__key_and_rights(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_mw mw = { .rkey = 0x123ff };
	struct ibv_mr mr = { .lkey = 0x4501 };
	struct ibv_mw_bind bind = {
		.wr_id = 5,
		.bind_info = {
			.mr = &mr, .addr = 0x1000, .length = 0x200,
			.mw_access_flags = IBV_ACCESS_REMOTE_WRITE |
					   IBV_ACCESS_LOCAL_WRITE,
		},
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_BIND_MW,
		.bind_mw = { .mw = &mw, .rkey = 0x12400,
			     .bind_info = bind.bind_info },
	}, *bad;
	struct mrc_sqe *s = sqe_at(qp, 0);

	CHECK(!mrc_bind_mw(&qp->vqp.qp, &mw, &bind));
	CHECK(mw.rkey == 0x12300);
	CHECK(s->wr_id == 5 && s->opcode == IBV_WR_BIND_MW && !s->num_sge);
	CHECK(s->bind.rkey == 0x12300 && s->bind.lkey == 0x4501);
	CHECK(s->bind.addr == 0x1000 && s->bind.length == 0x200);
	CHECK(s->bind.access == IBV_ACCESS_REMOTE_WRITE);

	/* the key of another window, a right that none has, no MR */
	CHECK(mrc_post_send(&qp->vqp.qp, &wr, &bad) == EINVAL);
	bind.bind_info.mw_access_flags = IBV_ACCESS_ZERO_BASED;
	CHECK(mrc_bind_mw(&qp->vqp.qp, &mw, &bind) == EINVAL);
	bind.bind_info.mw_access_flags = 0;
	bind.bind_info.mr = NULL;
	CHECK(mrc_bind_mw(&qp->vqp.qp, &mw, &bind) == EINVAL);
	CHECK(mw.rkey == 0x12300);
	bind.bind_info.length = 0;
	CHECK(!mrc_bind_mw(&qp->vqp.qp, &mw, &bind));
	free_qp(qp);
}

/* ---- wr.c ---- */

static void wr__batch_is_handed_over_at_once(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_qp_ex *ex = &qp->vqp.qp_ex;
	char text[] = "inline";
	struct ibv_data_buf bufs[2] = { { text, 2 }, { text + 2, 4 } };

	qp->sq.map.hdr->want_doorbell = 1;
	ibv_wr_start(ex);
	ex->wr_id = 1;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write(ex, 2, 3);
	ibv_wr_set_sge(ex, 4, 5, 6);
	ex->wr_id = 2;
	ex->wr_flags = IBV_SEND_INLINE;
	ibv_wr_send_imm(ex, htobe32(9));
	ibv_wr_set_inline_data_list(ex, 2, bufs);
	CHECK(doorbells == 0 && qp->sq.map.hdr->prod == START);
	CHECK(!ibv_wr_complete(ex));
	CHECK(doorbells == 1 && qp->sq.map.hdr->prod == START + 2);

	CHECK(sqe_at(qp, 0)->wr_id == 1 && sqe_at(qp, 0)->num_sge == 1);
	CHECK(sqe_at(qp, 0)->flags == MRC_SQE_SIGNALED);
	CHECK(sqe_at(qp, 0)->rdma.rkey == 2);
	CHECK(sqe_at(qp, 0)->rdma.remote_addr == 3);
	CHECK(sqe_at(qp, 0)->sge[0].lkey == 4);
	CHECK(sqe_at(qp, 1)->flags == MRC_SQE_INLINE);
	CHECK(sqe_at(qp, 1)->inline_len == 6);
	CHECK(sqe_at(qp, 1)->imm == htobe32(9));
	CHECK(!memcmp(sqe_at(qp, 1)->data, "inline", 6));
	free_qp(qp);
}

static void wr__one_error_takes_back_the_batch(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_RC);
	struct ibv_qp_ex *ex = &qp->vqp.qp_ex;
	struct ibv_sge sges[SGES + 1] = {};
	char data[INLINE + 1] = {};

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_send(ex);
	ibv_wr_set_sge_list(ex, SGES + 1, sges);
	ibv_wr_send(ex);
	CHECK(ibv_wr_complete(ex) == EINVAL);

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_set_inline_data(ex, data, sizeof(data));
	CHECK(ibv_wr_complete(ex) == EINVAL);

	ibv_wr_start(ex);
	ibv_wr_rdma_read(ex, 0, 0);
	ibv_wr_set_inline_data(ex, data, 1);
	CHECK(ibv_wr_complete(ex) == EINVAL);

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_send(ex);
	ibv_wr_send(ex);
	ibv_wr_send(ex);
	ibv_wr_set_sge(ex, 0, 0, 0);
	CHECK(ibv_wr_complete(ex) == ENOMEM);

	qp->vqp.qp.state = IBV_QPS_INIT;
	ibv_wr_start(ex);
	ibv_wr_send(ex);
	CHECK(ibv_wr_complete(ex) == EINVAL);
	qp->vqp.qp.state = IBV_QPS_RTS;

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_abort(ex);

	CHECK(qp->sq.map.hdr->prod == START && qp->sq.prod == START);
	CHECK(doorbells == 0);

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	CHECK(!ibv_wr_complete(ex));
	CHECK(qp->sq.map.hdr->prod == START + 1);
	free_qp(qp);
}

static void wr__datagram(void)
{
	struct mrc_qp *qp = new_qp(IBV_QPT_UD);
	struct ibv_qp_ex *ex = &qp->vqp.qp_ex;
	struct mrc_ah ah = { .ah_num = 31 };

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_set_sge(ex, 1, 2, 3);
	ibv_wr_set_ud_addr(ex, &ah.ibv_ah, 32, 33);
	CHECK(!ibv_wr_complete(ex));
	CHECK(sqe_at(qp, 0)->ud.ah_num == 31);
	CHECK(sqe_at(qp, 0)->ud.remote_qpn == 32);
	CHECK(sqe_at(qp, 0)->ud.remote_qkey == 33);
	CHECK(sqe_at(qp, 0)->sge[0].addr == 2);
	CHECK(!mrc_wr_ops_supported(IBV_QPT_UD, IBV_QP_EX_WITH_RDMA_READ));
	CHECK(mrc_wr_ops_supported(IBV_QPT_RC, IBV_QP_EX_WITH_RDMA_READ));
	CHECK(!mrc_wr_ops_supported(IBV_QPT_UD, IBV_QP_EX_WITH_BIND_MW));
	CHECK(!mrc_wr_ops_supported(IBV_QPT_RC, IBV_QP_EX_WITH_TSO));
	free_qp(qp);
}

/* ---- poll.c ---- */

static void poll_cq__order_and_fields(void)
{
	struct mrc_cq *cq = new_cq();
	struct ibv_wc wc[4];

	CHECK(mrc_poll_cq(&cq->vcq.cq, 4, wc) == 0 && freed(cq) == 0);
	complete(cq, 1, 17);
	complete(cq, 2, 17);
	complete(cq, 3, 17);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 0, wc) == 0 && freed(cq) == 0);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 2, wc) == 2 && freed(cq) == 2);
	CHECK(wc[0].wr_id == 1 && wc[1].wr_id == 2);
	CHECK(wc[0].status == IBV_WC_REM_ACCESS_ERR);
	CHECK(wc[0].opcode == IBV_WC_RECV_RDMA_WITH_IMM);
	CHECK(wc[0].vendor_err == 5 && wc[0].byte_len == 6);
	CHECK(wc[0].imm_data == htobe32(7) && wc[0].qp_num == 17);
	CHECK(wc[0].src_qp == 8 && wc[0].pkey_index == 10);
	CHECK(wc[0].wc_flags == (IBV_WC_WITH_IMM | IBV_WC_GRH));
	CHECK(wc[0].sl == 10);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 4, wc) == 1 && wc[0].wr_id == 3);
	CHECK(freed(cq) == 3);
	free_cq(cq);
}

static void poll_cq__lost_ring(void)
{
	struct ibv_poll_cq_attr attr = {};
	struct mrc_cq *cq = new_cq();
	struct ibv_wc wc;

	complete(cq, 1, 17);
	cq->lost = true;
	CHECK(mrc_poll_cq(&cq->vcq.cq, 1, &wc) < 0);
	CHECK(ibv_start_poll(&cq->vcq.cq_ex, &attr) == EIO);
	free_cq(cq);
}

static void poll_cq__scribbled_header(void)
{
	struct ibv_poll_cq_attr attr = {};
	struct mrc_cq *cq = new_cq();
	struct ibv_wc wc[4];
	unsigned int i;

	/* with these an unbounded walk takes minutes */
	for (i = 0; i < 1 << CQ_LOG; i++)
		complete(cq, i, MRC_CQE_SKIP);
	cq->map.hdr->prod = START - 1;
	CHECK(mrc_poll_cq(&cq->vcq.cq, 4, wc) == 0 && freed(cq) == 0);
	CHECK(ibv_start_poll(&cq->vcq.cq_ex, &attr) == ENOENT);
	mrc_cq_forget_qp(cq, 17);
	cq->map.hdr->prod = START;
	complete(cq, 1, 17);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 4, wc) == 1 && wc[0].wr_id == 1);
	free_cq(cq);
}

static void forget_qp__only_that_one(void)
{
	struct ibv_poll_cq_attr attr = {};
	struct mrc_cq *cq = new_cq();
	struct ibv_wc wc[8];

	complete(cq, 1, 17);
	complete(cq, 2, 18);
	complete(cq, 3, 17);
	complete(cq, 4, 18);
	complete(cq, 5, 17);
	mrc_cq_forget_qp(cq, 17);
	complete(cq, 6, 17);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 8, wc) == 3 && freed(cq) == 6);
	CHECK(wc[0].wr_id == 2 && wc[1].wr_id == 4 && wc[2].wr_id == 6);

	/* what was passed over is given back even if nothing else is there */
	complete(cq, 7, 17);
	mrc_cq_forget_qp(cq, 17);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 8, wc) == 0 && freed(cq) == 7);
	complete(cq, 8, 17);
	mrc_cq_forget_qp(cq, 17);
	CHECK(ibv_start_poll(&cq->vcq.cq_ex, &attr) == ENOENT);
	CHECK(freed(cq) == 8);
	free_cq(cq);
}

static void extended_poll__walk(void)
{
	struct ibv_poll_cq_attr attr = {}, wrong = { .comp_mask = 1 };
	struct mrc_cq *cq = new_cq();
	struct ibv_cq_ex *ex = &cq->vcq.cq_ex;
	struct ibv_wc wc;

	CHECK(ibv_start_poll(ex, &attr) == ENOENT);
	CHECK(ibv_start_poll(ex, &wrong) == EINVAL);
	complete(cq, 1, 17);
	complete(cq, 2, 17);
	complete(cq, 3, 17);

	CHECK(!ibv_start_poll(ex, &attr));
	CHECK(ex->wr_id == 1 && ex->status == IBV_WC_REM_ACCESS_ERR);
	CHECK(ibv_wc_read_opcode(ex) == IBV_WC_RECV_RDMA_WITH_IMM);
	CHECK(ibv_wc_read_vendor_err(ex) == 5);
	CHECK(ibv_wc_read_byte_len(ex) == 6);
	CHECK(ibv_wc_read_imm_data(ex) == htobe32(7));
	CHECK(ibv_wc_read_qp_num(ex) == 17 && ibv_wc_read_src_qp(ex) == 8);
	CHECK(ibv_wc_read_sl(ex) == 10);
	CHECK(ibv_wc_read_wc_flags(ex) == (IBV_WC_WITH_IMM | IBV_WC_GRH));
	CHECK(ibv_wc_read_completion_ts(ex) == 9);
	/* an entry of the monotonic clock's year 0 lies well before now */
	CHECK(ibv_wc_read_completion_wallclock_ns(ex) > 9);
	CHECK(freed(cq) == 0);
	CHECK(!ibv_next_poll(ex) && ex->wr_id == 2);
	CHECK(freed(cq) == 1);
	ibv_end_poll(ex);
	CHECK(freed(cq) == 2);

	CHECK(!ibv_start_poll(ex, &attr) && ex->wr_id == 3);
	CHECK(ibv_next_poll(ex) == ENOENT);
	ibv_end_poll(ex);
	CHECK(freed(cq) == 3);

	complete(cq, 4, 17);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 1, &wc) == 1 && wc.wr_id == 4);
	free_cq(cq);
}

static void single_threaded__takes_no_lock(void)
{
	struct mrc_cq *cq = new_cq();
	struct ibv_wc wc;

	cq->lock.needed = false;
	pthread_spin_lock(&cq->lock.spin);
	complete(cq, 1, 17);
	CHECK(mrc_poll_cq(&cq->vcq.cq, 1, &wc) == 1);
	pthread_spin_unlock(&cq->lock.spin);
	free_cq(cq);
}

#define TEST(name) { #name, name }
static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	TEST(ring_attach__sound_geometry),
	TEST(ring_attach__entries_outside_of_the_mapping),
	TEST(post_send__doorbell_only_when_wanted),
	TEST(post_send__device_gone),
	TEST(post_send__full_until_kernel_advances),
	TEST(post_send__scribbled_header),
	TEST(post_send__bad_request_after_good_ones),
	TEST(post_send__state_of_the_qp),
	TEST(post_send__fields_of_operations),
	TEST(post_send__inline_limits),
	TEST(post_send__wild_arguments),
	TEST(post_send__datagram),
	TEST(post_send__no_doorbell_is_missed),
	TEST(post_recv__list_and_limits),
	TEST(post_recv__queue_pair_with_srq),
	TEST(bind_mw__key_and_rights),
	TEST(wr__batch_is_handed_over_at_once),
	TEST(wr__one_error_takes_back_the_batch),
	TEST(wr__datagram),
	TEST(poll_cq__order_and_fields),
	TEST(poll_cq__lost_ring),
	TEST(poll_cq__scribbled_header),
	TEST(forget_qp__only_that_one),
	TEST(extended_poll__walk),
	TEST(single_threaded__takes_no_lock),
};

int main(void)
{
	unsigned int i;

	/* a missed doorbell shows as a hang */
	alarm(120);

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		ok = true;
		tests[i].run();
		printf("%s - provider %s\n", ok ? "ok" : "not ok",
		       tests[i].name);
		if (ok)
			passed++;
		else
			failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
