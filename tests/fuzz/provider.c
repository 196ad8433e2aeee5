// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The provider against a kernel, or a stray pointer of the application, that
 * writes anything into the rings at any time: no step outside of them, no
 * endless loop, no lock kept.
 *
 * Input: the rings' headers as mrc_ring_attach() finds them, then steps.
 */
#include "fuzz.h"
#include "mrc.h"

#define RINGS		3	/* SQ, RQ, CQ */
#define SGES		4
#define INLINE		64
#define MAX_STEPS	300

int ibv_cmd_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		      struct ibv_send_wr **bad_wr)
{
	MUST(!wr);
	return 0;
}

int ibv_cmd_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad_wr)
{
	MUST(!wr);
	return 0;
}

int ibv_cmd_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr,
			  struct ibv_recv_wr **bad_wr)
{
	MUST(!wr);
	return 0;
}

int ibv_cmd_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type,
		     struct ibv_mw *mw, struct ibv_alloc_mw *cmd,
		     size_t cmd_size, struct ib_uverbs_alloc_mw_resp *resp,
		     size_t resp_size)
{
	abort();
}

int ibv_cmd_dealloc_mw(struct ibv_mw *mw)
{
	abort();
}

void mrc_context_put(struct ibv_context *ctx)
{
	abort();
}

struct world {
	struct input in;
	struct mrc_qp qp;
	struct mrc_cq cq;
	void *base[RINGS];
	size_t size[RINGS];
};

/* A mapping of a size that has nothing to do with what its header says. */
static bool attach(struct world *w, int i, struct mrc_ring_map *map,
		   size_t min_entry)
{
	struct mrc_ring *hdr;

	w->size[i] = sizeof(*hdr) + (input_u16(&w->in) & 0x3fff);
	hdr = aligned_alloc(64, (w->size[i] + 63) & ~63UL);
	w->base[i] = hdr;
	memset(hdr, 0, w->size[i]);
	hdr->prod = input_u32(&w->in);
	hdr->cons = input_u32(&w->in);
	hdr->want_doorbell = input_u8(&w->in);
	if (input_u8(&w->in) & 1) {
		hdr->log2_entries = input_u32(&w->in);
		hdr->entry_size = input_u32(&w->in);
		hdr->offset = input_u32(&w->in);
	} else {
		hdr->log2_entries = input_u8(&w->in) & 7;
		hdr->entry_size = min_entry;
		hdr->offset = sizeof(*hdr);
	}
	return !mrc_ring_attach(map, hdr, w->size[i], min_entry);
}

/* The other side writes where it likes. */
static void scribble(struct world *w)
{
	int i = input_u8(&w->in) % RINGS;
	size_t at = input_u16(&w->in) % (w->size[i] - 8);
	uint8_t n = input_u8(&w->in) % 9;

	input_bytes(&w->in, (uint8_t *)w->base[i] + at, n);
}

static void indices(struct world *w)
{
	struct mrc_ring *hdr = w->base[input_u8(&w->in) % RINGS];

	hdr->prod += (int16_t)input_u16(&w->in);
	hdr->cons += (int16_t)input_u16(&w->in);
	hdr->want_doorbell = input_u8(&w->in) & 1;
}

static void post_send(struct world *w)
{
	struct ibv_sge sge[SGES + 1] = {};
	struct ibv_send_wr wr = {}, *bad;
	static char data[INLINE + 8];

	wr.opcode = input_u8(&w->in) % 16;
	wr.send_flags = input_u8(&w->in) & 0x1f;
	wr.num_sge = input_u8(&w->in) % (SGES + 2) - 1;
	for (int i = 0; i <= SGES; i++) {
		sge[i].addr = (uintptr_t)data;
		sge[i].length = input_u8(&w->in) % (INLINE + 8);
	}
	wr.sg_list = sge;
	if (wr.opcode == IBV_WR_BIND_MW)
		return;
	mrc_post_send(&w->qp.vqp.qp, &wr, &bad);
}

static void post_ex(struct world *w)
{
	struct ibv_qp_ex *ex = &w->qp.vqp.qp_ex;
	static char data[INLINE + 8];
	int n = input_u8(&w->in) % 8;

	ibv_wr_start(ex);
	while (n--) {
		ex->wr_flags = input_u8(&w->in) & 0xf;
		switch (input_u8(&w->in) % 5) {
		case 0:
			ibv_wr_send(ex);
			break;
		case 1:
			ibv_wr_rdma_write(ex, 1, 2);
			break;
		case 2:
			ibv_wr_rdma_read(ex, 1, 2);
			break;
		case 3:
			indices(w);
			break;
		case 4:
			scribble(w);
			break;
		}
		if (input_u8(&w->in) & 1)
			ibv_wr_set_sge(ex, 1, 2, 3);
		else
			ibv_wr_set_inline_data(ex, data, input_u8(&w->in) %
					       (INLINE + 8));
	}
	if (input_u8(&w->in) & 1)
		ibv_wr_complete(ex);
	else
		ibv_wr_abort(ex);
}

static void post_recv(struct world *w)
{
	struct ibv_sge sge[SGES + 1] = {};
	struct ibv_recv_wr wr = {}, *bad;

	wr.num_sge = input_u8(&w->in) % (SGES + 2) - 1;
	wr.sg_list = sge;
	mrc_post_recv(&w->qp.vqp.qp, &wr, &bad);
}

static void poll(struct world *w)
{
	struct ibv_wc *wc;
	int max = input_u8(&w->in) % 40;
	int n;

	wc = malloc(max * sizeof(*wc) + 1);
	n = mrc_poll_cq(&w->cq.vcq.cq, max, wc);
	MUST(n >= 0 && n <= max);
	/* no more than the ring holds, whatever its indices say */
	MUST(n <= (int)(w->cq.map.mask + 1));
	free(wc);
}

static void poll_ex(struct world *w)
{
	struct ibv_cq_ex *ex = &w->cq.vcq.cq_ex;
	struct ibv_poll_cq_attr attr = {};
	int n = input_u8(&w->in) % 20;

	if (ibv_start_poll(ex, &attr))
		return;
	do {
		ibv_wc_read_opcode(ex);
		ibv_wc_read_byte_len(ex);
		ibv_wc_read_qp_num(ex);
		ibv_wc_read_completion_wallclock_ns(ex);
		if (n & 1)
			scribble(w);
	} while (n-- && !ibv_next_poll(ex));
	ibv_end_poll(ex);
}

static void step(struct world *w)
{
	switch (input_u8(&w->in) % 8) {
	case 0:
		scribble(w);
		break;
	case 1:
		indices(w);
		break;
	case 2:
		post_send(w);
		break;
	case 3:
		post_ex(w);
		break;
	case 4:
		post_recv(w);
		break;
	case 5:
		poll(w);
		break;
	case 6:
		poll_ex(w);
		break;
	case 7:
		mrc_cq_forget_qp(&w->cq, input_u8(&w->in) & 3);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .in = { data, size } };
	int i, steps = 0;
	bool ok;

	w.qp.vqp.qp.qp_type = IBV_QPT_RC;
	w.qp.vqp.qp.state = IBV_QPS_RTS;
	ok = attach(&w, 0, &w.qp.sq.map, sizeof(struct mrc_sqe) + INLINE);
	ok &= attach(&w, 1, &w.qp.rq.map, sizeof(struct mrc_rqe) +
		     SGES * sizeof(struct mrc_sge));
	ok &= attach(&w, 2, &w.cq.map, sizeof(struct mrc_cqe));
	if (ok) {
		mrc_wq_sync(&w.qp.sq);
		mrc_wq_sync(&w.qp.rq);
		w.qp.sq.max_wr = w.qp.sq.map.mask + 1;
		w.qp.rq.max_wr = w.qp.rq.map.mask + 1;
		w.qp.sq.max_sge = SGES;
		w.qp.rq.max_sge = SGES;
		w.qp.sq.max_inline = INLINE;
		mrc_lock_init(&w.qp.sq.lock, true);
		mrc_lock_init(&w.qp.rq.lock, true);
		mrc_lock_init(&w.cq.lock, true);
		mrc_qp_set_wr_ops(&w.qp);
		mrc_cq_set_poll_ops(&w.cq);
		w.cq.cons = mrc_ring_cons(&w.cq.map);
		w.cq.prod = w.cq.cons;
		while (w.in.left && steps++ < MAX_STEPS)
			step(&w);
		MUST(!pthread_spin_trylock(&w.qp.sq.lock.spin));
		MUST(!pthread_spin_trylock(&w.qp.rq.lock.spin));
		MUST(!pthread_spin_trylock(&w.cq.lock.spin));
	}
	for (i = 0; i < RINGS; i++)
		free(w.base[i]);
	return 0;
}
