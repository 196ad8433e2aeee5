// SPDX-License-Identifier: GPL-2.0
/* The responder's half of mrc-integrity. */
#include "integrity.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void rx_init(struct flow *f)
{
	struct rx *rx = &f->rx;
	const struct plan_config *cfg = &f->run->cfg;

	plan_init(&rx->plan, cfg, f->id, !f->run->is_client);
	rx->recv.size = f->run->recv_size;
	/* At least every 16th message consumes a receive, see plan_next(). */
	rx->fifo_size = 16 * (cfg->depth + 2);
	rx->fifo = calloc(rx->fifo_size, sizeof(*rx->fifo));
	rx->rq = calloc(cfg->depth, sizeof(*rx->rq));
	if (!rx->fifo || !rx->rq)
		die("out of memory");
}

static void srq_post(struct run *r, uint32_t slot)
{
	struct ibv_sge sge[2];
	struct ibv_recv_wr wr = { .wr_id = slot, .sg_list = sge, .num_sge = 1 }, *bad;
	uint8_t *base = r->srq_mem + (size_t)slot * r->srq_slot_size;
	uint32_t len = r->cfg.max_send, half = len / 2;
	int ret;

	sge[0] = (struct ibv_sge) {
		.addr = (uintptr_t)base + GUARD, .length = len, .lkey = r->srq_mr->lkey,
	};
	/* Odd slots in two pieces with a guard between them. */
	if ((slot & 1) && half && r->max_sge > 1) {
		sge[0].length = half;
		sge[1] = (struct ibv_sge) {
			.addr = (uintptr_t)base + 2 * GUARD + half,
			.length = len - half, .lkey = r->srq_mr->lkey,
		};
		wr.num_sge = 2;
	}
	ret = ibv_post_srq_recv(r->srq, &wr, &bad);
	if (ret)
		die("ibv_post_srq_recv: %s", strerror(ret));
}

/* The same pieces srq_post() made. */
static void srq_landing(const struct run *r, uint32_t slot, struct landing *l)
{
	uint32_t base = slot * r->srq_slot_size, len = r->cfg.max_send, half = len / 2;

	l->pieces = 1;
	l->piece[0] = (struct piece) { base + GUARD, len };
	if ((slot & 1) && half && r->max_sge > 1) {
		l->pieces = 2;
		l->piece[0].len = half;
		l->piece[1] = (struct piece) { base + 2 * GUARD + half, len - half };
	}
}

void rx_init_srq(struct run *r)
{
	uint32_t i, j;

	for (i = 0; i < r->srq_slots; i++) {
		/* The clean pattern is indexed by the offset in the whole buffer. */
		for (j = 0; j < r->srq_slot_size; j += 64)
			memcpy(r->srq_mem + (size_t)i * r->srq_slot_size + j, r->clean +
			       ((size_t)i * r->srq_slot_size + j) % r->land_size, 64);
		srq_post(r, i);
	}
}

void rx_post(struct flow *f)
{
	struct run *r = f->run;
	struct rx *rx = &f->rx;
	struct ibv_recv_wr wr[16], *bad;
	struct ibv_sge sge[16][MAX_SGE];
	int n = 0, i, ret;

	while (!rx->planned_all && rx->fifo_tail - rx->fifo_head < rx->fifo_size) {
		if (!plan_next(&rx->plan, &rx->fifo[rx->fifo_tail % rx->fifo_size])) {
			rx->planned_all = true;
			break;
		}
		rx->fifo_tail++;
	}
	if (r->srq)
		return;
	for (; rx->unposted < rx->fifo_tail; rx->unposted++) {
		const struct msg *m = &rx->fifo[rx->unposted % rx->fifo_size];
		struct landing *l;
		uint32_t len;

		if (!msg_consumes(m))
			continue;
		if (n == 16 || rx->rq_tail - rx->rq_head == r->cfg.depth)
			break;
		/* To measure, or a little more; nothing or a little for a WRITE WITH IMM. */
		len = m->kind == K_WRITE_IMM ? 0 : m->len;
		if (prng_next(&f->rnd) & 1)
			len += prng_below(&f->rnd, 200);
		l = &rx->rq[rx->rq_tail % r->cfg.depth];
		if (!landing_alloc(f, &rx->recv, len, 1, l))
			break;
		wr[n] = (struct ibv_recv_wr) {
			.wr_id = rx->rq_tail, .sg_list = sge[n], .num_sge = l->pieces,
			.next = &wr[n + 1],
		};
		for (i = 0; i < l->pieces; i++)
			sge[n][i] = (struct ibv_sge) {
				.addr = (uintptr_t)f->recv + l->piece[i].off,
				.length = l->piece[i].len, .lkey = f->local_mr->lkey,
			};
		rx->rq_tail++;
		n++;
	}
	if (!n)
		return;
	wr[n - 1].next = NULL;
	ret = ibv_post_recv(f->qp, wr, &bad);
	if (ret)
		mismatch(f, "ibv_post_recv: %s", strerror(ret));
}

/* The bytes of @m at @got, which hold the message from @from on. */
static void check_payload(struct flow *f, const struct msg *m, const char *where,
			  const uint8_t *got, uint32_t from, uint32_t len)
{
	struct run *r = f->run;
	const struct msg_header h = { .qp = f->id, .len = m->len, .index = m->index };

	if (m->len >= sizeof(h) && from < sizeof(h)) {
		uint32_t n = sizeof(h) - from < len ? sizeof(h) - from : len;

		check_bytes(f, where, m->index, got, (const uint8_t *)&h + from, n, from);
		got += n;
		from += n;
		len -= n;
	}
	check_bytes(f, where, m->index, got, r->peer_pattern + m->src + from, len, from);
}

static void check_target(struct flow *f, const struct msg *m)
{
	if (!m->len)
		return;
	check_payload(f, m, kind_name[m->kind], f->target + m->dst, 0, m->len);
	release_piece(f, "target", m->index, f->target, m->dst, m->len);
}

/* A receive's pieces hold @m (a SEND) or nothing at all, the rest of them is clean. */
static void check_landing(struct flow *f, const struct msg *m, uint8_t *mem,
			  const struct landing *l)
{
	uint32_t left = m->kind == K_WRITE_IMM ? 0 : m->len, done = 0;
	int i;

	for (i = 0; i < l->pieces; i++) {
		const struct piece *p = &l->piece[i];
		uint32_t n = p->len < left ? p->len : left;

		if (n)
			check_payload(f, m, kind_name[m->kind], mem + p->off, done, n);
		check_clean(f, "rest of a receive buffer", m->index, mem, p->off + n, p->len - n);
		release_piece(f, "receive buffer", m->index, mem, p->off, n);
		/* The guard behind an unfilled piece lies at its end, not behind its data. */
		check_clean(f, "behind a receive buffer", m->index, mem, p->off + p->len, GUARD);
		left -= n;
		done += n;
	}
	if (left)
		mismatch(f, "message %" PRIu64 ": %u bytes did not fit the receive", m->index, left);
}

static void check_wc(struct flow *f, const struct msg *m, const struct ibv_wc *wc)
{
	enum ibv_wc_opcode opcode = m->kind == K_WRITE_IMM ? IBV_WC_RECV_RDMA_WITH_IMM : IBV_WC_RECV;
	unsigned int flags = msg_has_imm(m) ? IBV_WC_WITH_IMM :
			     m->kind == K_SEND_INV ? IBV_WC_WITH_INV : 0;

	if (wc->opcode != opcode)
		mismatch(f, "message %" PRIu64 " (%s): receive completion's opcode is %d, not %d",
			 m->index, kind_name[m->kind], wc->opcode, opcode);
	if (wc->byte_len != m->len)
		mismatch(f, "message %" PRIu64 " (%s): receive completion's byte_len is %u, not %u",
			 m->index, kind_name[m->kind], wc->byte_len, m->len);
	/* IBV_WC_GRH says nothing for an RC QP; some drivers set it. */
	if ((wc->wc_flags & (IBV_WC_WITH_IMM | IBV_WC_WITH_INV)) != flags)
		mismatch(f, "message %" PRIu64 " (%s): wc_flags are 0x%x, not 0x%x",
			 m->index, kind_name[m->kind], wc->wc_flags, flags);
	if (flags == IBV_WC_WITH_INV &&
	    wc->invalidated_rkey != window_key(f->self.window_rkey, m->inv))
		mismatch(f, "message %" PRIu64 " (%s): invalidated 0x%08x, not 0x%08x", m->index,
			 kind_name[m->kind], wc->invalidated_rkey,
			 window_key(f->self.window_rkey, m->inv));
	if (flags == IBV_WC_WITH_IMM && wc->imm_data != m->imm)
		mismatch(f, "message %" PRIu64 " (%s): immediate is 0x%08x, not 0x%08x",
			 m->index, kind_name[m->kind], wc->imm_data, m->imm);
}

void rx_completion(struct flow *f, const struct ibv_wc *wc)
{
	struct run *r = f->run;
	struct rx *rx = &f->rx;
	const struct msg *m;
	struct landing l;

	if (wc->status != IBV_WC_SUCCESS)
		mismatch(f, "receive work request %" PRIu64 " ended with '%s', vendor error 0x%x",
			 wc->wr_id, ibv_wc_status_str(wc->status), wc->vendor_err);
	for (;; rx->fifo_head++) {
		if (rx->fifo_head == rx->fifo_tail)
			mismatch(f, "a receive completion (work request %" PRIu64 ", opcode %d, %u bytes) "
				 "after the last message", wc->wr_id, wc->opcode, wc->byte_len);
		m = &rx->fifo[rx->fifo_head % rx->fifo_size];
		r->rx_count[m->kind]++;
		r->rx_bytes += m->kind == K_READ || m->kind >= K_RAW ? 0 : m->len;
		if (msg_consumes(m))
			break;
		if (msg_is_write(m))
			check_target(f, m);
	}
	check_wc(f, m, wc);
	if (r->srq) {
		if (wc->wr_id >= r->srq_slots)
			mismatch(f, "receive completion of work request %" PRIu64 ", never posted",
				 wc->wr_id);
		srq_landing(r, wc->wr_id, &l);
		check_landing(f, m, r->srq_mem, &l);
		srq_post(r, wc->wr_id);
	} else {
		if (wc->wr_id != rx->rq_head || rx->rq_head == rx->rq_tail)
			mismatch(f, "receive completion of work request %" PRIu64 ", expected %" PRIu64,
				 wc->wr_id, rx->rq_head);
		l = rx->rq[rx->rq_head % r->cfg.depth];
		check_landing(f, m, f->recv, &l);
		if (l.pieces)
			rx->recv.tail = l.end;
		rx->rq_head++;
	}
	if (m->kind == K_WRITE_IMM)
		check_target(f, m);
	rx->invs += m->kind == K_SEND_INV;
	rx->fifo_head++;
	rx->checked = m->index + 1;
}

bool rx_done(const struct flow *f)
{
	return f->rx.checked == f->run->cfg.messages && f->rx.credit_sent == f->rx.checked;
}
