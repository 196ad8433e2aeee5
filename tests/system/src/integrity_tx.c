// SPDX-License-Identifier: GPL-2.0
/* The requester's half of mrc-integrity. */
#include "integrity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 12
/* Work requests one message may need: INJECT_*, two overlapping WRITEs and a READ. */
#define PER_MSG 4

/* Work requests being collected for one ibv_post_send(). */
struct batch {
	struct ibv_send_wr wr[BATCH];
	struct ibv_sge sge[BATCH][MAX_SGE];
	int n;
};

uint32_t tx_sq_size(const struct plan_config *cfg)
{
	return cfg->depth < 16 ? 16 : cfg->depth;
}

void tx_init(struct flow *f)
{
	struct tx *tx = &f->tx;
	const struct plan_config *cfg = &f->run->cfg;

	plan_init(&tx->plan, cfg, f->id, f->run->is_client);
	tx->target.size = plan_target_size(cfg);
	tx->land.size = f->run->land_size;
	tx->sq_size = tx_sq_size(cfg);
	tx->sq = calloc(tx->sq_size, sizeof(*tx->sq));
	tx->fifo_size = 16 * (cfg->depth + 2);
	tx->fifo = calloc(tx->fifo_size, sizeof(*tx->fifo));
	if (!tx->sq || !tx->fifo)
		die("out of memory");
}

static uint32_t sq_room(const struct tx *tx)
{
	return tx->sq_size - (tx->sq_tail - tx->sq_head);
}

static void batch_flush(struct flow *f, struct batch *b)
{
	struct ibv_send_wr *bad;
	int i, ret;

	if (!b->n)
		return;
	for (i = 0; i < b->n; i++)
		b->wr[i].next = i + 1 < b->n ? &b->wr[i + 1] : NULL;
	ret = ibv_post_send(f->qp, b->wr, &bad);
	if (ret)
		mismatch(f, "ibv_post_send: %s (work request %" PRIu64 ", opcode %d, %d SGE, flags 0x%x)",
			 strerror(ret), bad->wr_id, bad->opcode, bad->num_sge, bad->send_flags);
	/* Inline data must have been taken: spoil its source, if it was a header. */
	for (i = 0; i < b->n; i++)
		if ((b->wr[i].send_flags & IBV_SEND_INLINE) && b->wr[i].num_sge &&
		    b->wr[i].sg_list[0].lkey == f->local_mr->lkey)
			memset((void *)(uintptr_t)b->wr[i].sg_list[0].addr, 0xee,
			       b->wr[i].sg_list[0].length);
	b->n = 0;
}

/* Takes the next work request number; the caller fills the rest. */
static struct ibv_send_wr *batch_add(struct flow *f, struct batch *b, enum ibv_wr_opcode opcode,
				     enum ibv_wc_opcode wc_opcode, uint64_t msg, bool signal,
				     struct sent **sent)
{
	struct tx *tx = &f->tx;
	struct sent *s = &tx->sq[tx->sq_tail % tx->sq_size];
	struct ibv_send_wr *wr = &b->wr[b->n];

	memset(wr, 0, sizeof(*wr));
	memset(s, 0, sizeof(*s));
	wr->wr_id = tx->sq_tail++;
	wr->opcode = opcode;
	wr->sg_list = b->sge[b->n];
	s->opcode = wc_opcode;
	s->msg = msg;
	s->signalled = signal || tx->unsignalled + 1 >= tx->sq_size / 4 ||
		       (prng_next(&f->rnd) & 1);
	if (s->signalled) {
		wr->send_flags |= IBV_SEND_SIGNALED;
		tx->unsignalled = 0;
	} else {
		tx->unsignalled++;
	}
	b->n++;
	*sent = s;
	return wr;
}

static void add_sge(struct ibv_send_wr *wr, const void *addr, uint32_t len, uint32_t lkey)
{
	wr->sg_list[wr->num_sge++] = (struct ibv_sge) {
		.addr = (uintptr_t)addr, .length = len, .lkey = lkey,
	};
}

/* The message's bytes: a header if there is room for one, then pattern, in random pieces. */
static void add_payload(struct flow *f, struct ibv_send_wr *wr, uint64_t index, uint64_t src,
			uint32_t len, bool header)
{
	struct run *r = f->run;
	uint32_t done = 0;

	if (len && len <= r->max_inline && (prng_next(&f->rnd) & 1))
		wr->send_flags |= IBV_SEND_INLINE;
	if (header && len >= sizeof(struct msg_header)) {
		struct msg_header *h = &f->headers[wr->wr_id % f->tx.sq_size];

		*h = (struct msg_header) { .qp = f->id, .len = len, .index = index };
		add_sge(wr, h, sizeof(*h), f->local_mr->lkey);
		done = sizeof(*h);
	}
	while (done < len) {
		int copy = prng_next(&f->rnd) & 1;
		uint32_t n = len - done;

		if ((uint32_t)wr->num_sge + 1 < r->max_sge && (prng_next(&f->rnd) & 1))
			n = 1 + prng_below(&f->rnd, n);
		add_sge(wr, r->pattern[copy] + src + done, n, r->pattern_mr[copy]->lkey);
		done += n;
	}
}

static void set_remote(struct flow *f, struct ibv_send_wr *wr, uint64_t addr)
{
	wr->wr.rdma.remote_addr = addr;
	wr->wr.rdma.rkey = f->peer.rkey;
}

/* The same memory by the window that the next SEND_INV takes away, if it is bound. */
static void use_window(struct flow *f, struct ibv_send_wr *wr)
{
	if (f->tx.invs < WINDOWS && prng_below(&f->rnd, 4) == 0)
		wr->wr.rdma.rkey = window_key(f->peer.window_rkey, f->tx.next_inv);
}

static void add_landing(struct flow *f, struct ibv_send_wr *wr, struct sent *s,
			const struct landing *l)
{
	int i;

	s->lands = true;
	s->landing = *l;
	for (i = 0; i < l->pieces; i++)
		add_sge(wr, f->land + l->piece[i].off, l->piece[i].len, f->local_mr->lkey);
}

/* An extra WRITE of one byte to @addr in the target, to see it found. */
static void add_stray_write(struct flow *f, struct batch *b, uint64_t msg, uint32_t off)
{
	struct sent *s;
	struct ibv_send_wr *wr;

	wr = batch_add(f, b, IBV_WR_RDMA_WRITE, IBV_WC_RDMA_WRITE, msg, false, &s);
	add_sge(wr, f->run->pattern[0], 1, f->run->pattern_mr[0]->lkey);
	/* A byte that happens to be the clean one would do no harm: choose another. */
	while (*(uint8_t *)(uintptr_t)wr->sg_list[0].addr == f->run->clean[off])
		wr->sg_list[0].addr++;
	set_remote(f, wr, f->peer.target + off);
}

/* Changes message @m as the injected error says; true once, when it has. */
static bool inject(struct flow *f, struct batch *b, struct msg *m, struct msg_header *fake)
{
	const struct plan_config *cfg = &f->run->cfg;
	bool payload = (msg_is_write(m) || msg_consumes(m)) && m->len >= 64;

	if (cfg->inject == INJECT_NONE || f->run->injected || f->id || !f->run->is_client ||
	    m->index < cfg->inject_at)
		return false;
	switch (cfg->inject) {
	case INJECT_DATA:
		if (!payload)
			return false;
		m->src = m->src ? m->src - 1 : 1;
		break;
	case INJECT_IMM:
		if (!msg_has_imm(m))
			return false;
		m->imm ^= 0x100;
		break;
	case INJECT_SEQ:
		if (!payload)
			return false;
		fake->index ^= 1;
		break;
	case INJECT_GUARD:
		if (!msg_is_write(m) || !m->len)
			return false;
		add_stray_write(f, b, m->index, m->dst - 1);
		break;
	case INJECT_STALE:
		if (m->index + 1 < cfg->messages)
			return false;
		add_stray_write(f, b, m->index, GUARD / 2);
		break;
	case INJECT_ATOMIC:
		if (m->kind != K_FADD && m->kind != K_FADD_SHARED)
			return false;
		m->operand++;
		break;
	case INJECT_READ:
		if (m->kind != K_READ || m->len < 64)
			return false;
		m->dst = m->dst ? m->dst - 1 : 1;
		break;
	case INJECT_DUP:
	case INJECT_LOST:
		if (!msg_consumes(m) || m->index + 1 == cfg->messages)
			return false;
		break;
	}
	f->run->injected = 1;
	return true;
}

static void post_raw(struct flow *f, struct batch *b, const struct msg *m,
		     const struct landing *l)
{
	struct run *r = f->run;
	struct tx *tx = &f->tx;
	bool overlap = r->cfg.overlap && m->len >= 2;
	uint32_t slot = r->cfg.overlap ? 0 : tx->raws % SCRATCH_SLOTS;
	/* Who used this slot last may still be reading: the fence waits for it. */
	bool busy = tx->raws - tx->raws_done >= (r->cfg.overlap ? 1 : SCRATCH_SLOTS);
	uint64_t at = f->peer.scratch + (uint64_t)slot * r->cfg.max;
	uint32_t off = 0, len = 0;
	uint64_t src = 0;
	struct ibv_send_wr *wr;
	struct sent *s;

	wr = batch_add(f, b, IBV_WR_RDMA_WRITE, IBV_WC_RDMA_WRITE, m->index, false, &s);
	if (busy)
		wr->send_flags |= IBV_SEND_FENCE;
	add_payload(f, wr, m->index, m->src, m->len, false);
	set_remote(f, wr, at);
	if (overlap) {
		off = prng_below(&f->rnd, m->len);
		len = 1 + prng_below(&f->rnd, m->len - off);
		src = prng_below(&f->rnd, plan_pattern_size(&r->cfg) - len);
		wr = batch_add(f, b, IBV_WR_RDMA_WRITE, IBV_WC_RDMA_WRITE, m->index, false, &s);
		add_payload(f, wr, m->index, src, len, false);
		set_remote(f, wr, at + off);
	}
	wr = batch_add(f, b, IBV_WR_RDMA_READ, IBV_WC_RDMA_READ, m->index, false, &s);
	set_remote(f, wr, at);
	add_landing(f, wr, s, l);
	s->len = m->len;
	s->expect = r->pattern[0] + m->src;
	s->over = r->pattern[0] + src;
	s->over_off = off;
	s->over_len = len;
	tx->raws++;
}

static void post_atomic(struct flow *f, struct batch *b, const struct msg *m,
			const struct landing *l, uint64_t truth)
{
	struct run *r = f->run;
	struct tx *tx = &f->tx;
	struct ibv_send_wr *wr;
	struct sent *s;

	if (m->kind == K_CAS) {
		wr = batch_add(f, b, IBV_WR_ATOMIC_CMP_AND_SWP, IBV_WC_COMP_SWAP, m->index, false, &s);
		wr->wr.atomic.remote_addr = f->peer.words + offsetof(struct words, cas);
		wr->wr.atomic.rkey = f->peer.rkey;
		wr->wr.atomic.compare_add = m->cas_hits ? tx->cas : ~tx->cas;
		wr->wr.atomic.swap = m->operand;
		s->old = tx->cas;
		if (m->cas_hits)
			tx->cas = m->operand;
	} else {
		bool shared = m->kind == K_FADD_SHARED;

		wr = batch_add(f, b, IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_WC_FETCH_ADD, m->index, false, &s);
		/* Small steps on the shared counter, so that it never wraps and must grow. */
		wr->wr.atomic.compare_add = shared ? m->operand & 0xffff : m->operand;
		if (shared) {
			wr->wr.atomic.remote_addr = f->peer.shared;
			wr->wr.atomic.rkey = f->peer.shared_rkey;
			r->shared_sum += truth & 0xffff;
		} else {
			wr->wr.atomic.remote_addr = f->peer.words + offsetof(struct words, fadd);
			wr->wr.atomic.rkey = f->peer.rkey;
			s->old = tx->fadd;
			tx->fadd += truth;
		}
	}
	s->atomic = true;
	s->exact = m->kind != K_FADD_SHARED;
	s->len = 8;
	add_landing(f, wr, s, l);
}

static void post_payload(struct flow *f, struct batch *b, const struct msg *m,
			 uint64_t header_index)
{
	static const struct {
		enum ibv_wr_opcode wr;
		enum ibv_wc_opcode wc;
	} op[] = {
		[K_WRITE] = { IBV_WR_RDMA_WRITE, IBV_WC_RDMA_WRITE },
		[K_WRITE_IMM] = { IBV_WR_RDMA_WRITE_WITH_IMM, IBV_WC_RDMA_WRITE },
		[K_SEND] = { IBV_WR_SEND, IBV_WC_SEND },
		[K_SEND_IMM] = { IBV_WR_SEND_WITH_IMM, IBV_WC_SEND },
		[K_SEND_INV] = { IBV_WR_SEND_WITH_INV, IBV_WC_SEND },
	};
	struct ibv_send_wr *wr;
	struct sent *s;

	wr = batch_add(f, b, op[m->kind].wr, op[m->kind].wc, m->index,
		       m->index + 1 == f->run->cfg.messages, &s);
	if (m->solicited && msg_consumes(m))
		wr->send_flags |= IBV_SEND_SOLICITED;
	if (prng_below(&f->rnd, 64) == 0)
		wr->send_flags |= IBV_SEND_FENCE;
	if (m->kind == K_SEND_INV)
		wr->invalidate_rkey = window_key(f->peer.window_rkey, m->inv);
	else
		wr->imm_data = m->imm;
	if (msg_is_write(m)) {
		set_remote(f, wr, f->peer.target + m->dst);
		use_window(f, wr);
	}
	s->len = m->len;
	add_payload(f, wr, header_index, m->src, m->len, true);
}

static void post_msg(struct flow *f, struct batch *b, const struct landing *l)
{
	struct run *r = f->run;
	struct tx *tx = &f->tx;
	struct msg m = tx->msg;
	struct msg_header fake = { .index = m.index };
	bool injected = inject(f, b, &m, &fake);
	struct ibv_send_wr *wr;
	struct sent *s;
	int times = 1;

	if (injected && r->cfg.inject == INJECT_DUP)
		times = 2;
	if (injected && r->cfg.inject == INJECT_LOST)
		times = 0;
	switch (m.kind) {
	case K_RAW:
		post_raw(f, b, &m, l);
		break;
	case K_READ:
		wr = batch_add(f, b, IBV_WR_RDMA_READ, IBV_WC_RDMA_READ, m.index, false, &s);
		wr->wr.rdma.remote_addr = f->peer.pattern + m.dst;
		wr->wr.rdma.rkey = f->peer.pattern_rkey;
		add_landing(f, wr, s, l);
		s->len = m.len;
		s->expect = r->peer_pattern + tx->msg.dst;
		break;
	case K_CAS:
	case K_FADD:
	case K_FADD_SHARED:
		post_atomic(f, b, &m, l, tx->msg.operand);
		break;
	default:
		while (times--)
			post_payload(f, b, &m, fake.index);
	}
	tx->fifo[tx->fifo_tail++ % tx->fifo_size] = (struct unchecked) {
		.index = m.index, .end = m.end,
		.consumes = msg_consumes(&m), .is_write = msg_is_write(&m),
		.is_inv = m.kind == K_SEND_INV,
	};
	tx->consuming += msg_consumes(&m);
	if (m.kind == K_SEND_INV) {
		tx->invs++;
		tx->next_inv++;
	}
	r->tx_count[m.kind]++;
	r->tx_bytes += m.kind == K_RAW ? 2 * m.len : m.len;
}

/* Looks at the word the peer writes how far it has checked our messages. */
static void take_credit(struct flow *f)
{
	struct tx *tx = &f->tx;
	uint64_t credit = __atomic_load_n(&f->words->credit, __ATOMIC_ACQUIRE);

	if (credit == tx->checked)
		return;
	if (credit < tx->checked || credit > tx->plan.next)
		mismatch(f, "the credit word went from %" PRIu64 " to %" PRIu64 " (%" PRIu64
			 " messages sent): a WRITE was placed in wrong order or place",
			 tx->checked, credit, tx->plan.next);
	tx->checked = credit;
	while (tx->fifo_head != tx->fifo_tail) {
		struct unchecked *u = &tx->fifo[tx->fifo_head % tx->fifo_size];

		if (u->index >= credit)
			break;
		if (u->is_write)
			tx->target.tail = u->end;
		tx->consuming -= u->consumes;
		tx->invs -= u->is_inv;
		tx->fifo_head++;
	}
	f->run->progress = now();
}

/* Gives the peer back a window that its SEND_INV has taken away. */
static void add_bind(struct flow *f, struct batch *b, bool signal)
{
	uint64_t n = f->rx.bound++;
	struct ibv_send_wr *wr;
	struct sent *s;

	wr = batch_add(f, b, IBV_WR_BIND_MW, IBV_WC_BIND_MW, ~0ull, signal, &s);
	wr->bind_mw.mw = f->window[n % WINDOWS];
	wr->bind_mw.rkey = window_key(f->self.window_rkey, n);
	wr->bind_mw.bind_info = (struct ibv_mw_bind_info) {
		.mr = f->remote_mr, .addr = (uintptr_t)f->remote_mr->addr,
		.length = f->remote_mr->length,
		.mw_access_flags = IBV_ACCESS_REMOTE_WRITE,
	};
}

void tx_bind_windows(struct flow *f)
{
	struct batch b = { .n = 0 };

	while (f->rx.bound < WINDOWS)
		add_bind(f, &b, f->rx.bound == WINDOWS - 1);
	batch_flush(f, &b);
}

/* Tells the peer how far we have checked. */
static void add_credit(struct flow *f, struct batch *b)
{
	struct tx *tx = &f->tx;
	uint64_t *value = (uint64_t *)&f->headers[tx->sq_tail % tx->sq_size];
	struct ibv_send_wr *wr;
	struct sent *s;

	wr = batch_add(f, b, IBV_WR_RDMA_WRITE, IBV_WC_RDMA_WRITE, ~0ull, tx->all_posted, &s);
	*value = f->rx.checked;
	add_sge(wr, value, 8, f->local_mr->lkey);
	if (f->run->max_inline >= 8)
		wr->send_flags |= IBV_SEND_INLINE;
	set_remote(f, wr, f->peer.words + offsetof(struct words, credit));
	f->rx.credit_sent = f->rx.checked;
}

void tx_post(struct flow *f, bool idle)
{
	const struct plan_config *cfg = &f->run->cfg;
	struct tx *tx = &f->tx;
	struct rx *rx = &f->rx;
	struct batch b = { .n = 0 };
	struct landing l;

	take_credit(f);
	/* Before the credit, which says that they are there again. */
	while (rx->bound < rx->invs + WINDOWS && sq_room(tx) > 1)
		add_bind(f, &b, false);
	if (rx->bound == rx->invs + WINDOWS && rx->checked != rx->credit_sent && sq_room(tx) &&
	    (idle || rx->checked - rx->credit_sent >= cfg->depth / 2 ||
	     rx->checked == cfg->messages))
		add_credit(f, &b);

	while (b.n + PER_MSG <= BATCH && !tx->all_posted) {
		struct msg *m = &tx->msg;

		if (!tx->have_msg)
			tx->have_msg = plan_next(&tx->plan, m);
		/* One more, so that a credit can always be sent. */
		if (sq_room(tx) < PER_MSG + 1 ||
		    tx->fifo_tail - tx->fifo_head >= tx->fifo_size)
			break;
		if (msg_consumes(m) && tx->consuming >= cfg->depth)
			break;
		if (m->kind == K_SEND_INV && tx->invs == WINDOWS)
			break;
		if (msg_is_write(m) && !vring_fits(&tx->target, m->end))
			break;
		l.pieces = 0;
		if (!msg_is_write(m) && !msg_consumes(m) &&
		    !landing_alloc(f, &tx->land, m->len, m->kind >= K_CAS ? 8 : 1, &l))
			break;
		post_msg(f, &b, &l);
		tx->have_msg = false;
		tx->all_posted = m->index + 1 == cfg->messages;
	}
	batch_flush(f, &b);
}

static void check_read(struct flow *f, const struct sent *s)
{
	uint32_t done = 0;
	int i;

	for (i = 0; i < s->landing.pieces; i++) {
		const struct piece *p = &s->landing.piece[i];
		uint32_t at = 0;

		/* Before, inside and after the part that a second WRITE replaced. */
		while (at < p->len) {
			uint32_t pos = done + at, n = p->len - at;
			const uint8_t *want = s->expect + pos;

			if (pos < s->over_off) {
				if (n > s->over_off - pos)
					n = s->over_off - pos;
			} else if (pos < s->over_off + s->over_len) {
				want = s->over + (pos - s->over_off);
				if (n > s->over_off + s->over_len - pos)
					n = s->over_off + s->over_len - pos;
			}
			check_bytes(f, s->over_len ? "READ after overlapping WRITEs" : "READ",
				    s->msg, f->land + p->off + at, want, n, pos);
			at += n;
		}
		done += p->len;
		release_piece(f, "READ", s->msg, f->land, p->off, p->len);
	}
}

static void check_atomic(struct flow *f, const struct sent *s)
{
	struct tx *tx = &f->tx;
	uint64_t old;

	memcpy(&old, f->land + s->landing.piece[0].off, 8);
	if (s->exact && old != s->old)
		mismatch(f, "message %" PRIu64 ": %s returned %" PRIu64 ", not %" PRIu64, s->msg,
			 s->opcode == IBV_WC_COMP_SWAP ? "compare-and-swap" : "fetch-and-add",
			 old, s->old);
	if (!s->exact) {
		if (tx->shared_seen && old <= tx->shared_last)
			mismatch(f, "message %" PRIu64 ": the shared counter's old value went from %"
				 PRIu64 " to %" PRIu64, s->msg, tx->shared_last, old);
		tx->shared_seen = true;
		tx->shared_last = old;
	}
	release_piece(f, "atomic", s->msg, f->land, s->landing.piece[0].off, 8);
}

/* A work request whose completion we have, or that of a later one. */
static void retire(struct flow *f, const struct sent *s)
{
	struct tx *tx = &f->tx;

	if (!s->lands)
		return;
	if (s->atomic)
		check_atomic(f, s);
	else
		check_read(f, s);
	if (s->landing.pieces)
		tx->land.tail = s->landing.end;
	if (s->opcode == IBV_WC_RDMA_READ && s->expect >= f->run->pattern[0] &&
	    s->expect < f->run->pattern[0] + plan_pattern_size(&f->run->cfg))
		tx->raws_done++;
}

void tx_completion(struct flow *f, const struct ibv_wc *wc)
{
	struct tx *tx = &f->tx;
	const struct sent *s;

	if (wc->wr_id < tx->sq_head || wc->wr_id >= tx->sq_tail)
		mismatch(f, "send completion of work request %" PRIu64 ", but %" PRIu64 " to %" PRIu64
			 " are outstanding: completed twice or never posted",
			 wc->wr_id, tx->sq_head, tx->sq_tail);
	s = &tx->sq[wc->wr_id % tx->sq_size];
	if (wc->status != IBV_WC_SUCCESS)
		mismatch(f, "send work request %" PRIu64 " (message %" PRIu64
			 ") ended with '%s', vendor error 0x%x",
			 wc->wr_id, s->msg, ibv_wc_status_str(wc->status), wc->vendor_err);
	for (; tx->sq_head < wc->wr_id; tx->sq_head++) {
		const struct sent *before = &tx->sq[tx->sq_head % tx->sq_size];

		if (before->signalled)
			mismatch(f, "completion of work request %" PRIu64 " came before that of %" PRIu64,
				 wc->wr_id, tx->sq_head);
		retire(f, before);
	}
	if (!s->signalled)
		mismatch(f, "completion of work request %" PRIu64 ", which was not signalled",
			 wc->wr_id);
	if (wc->opcode != s->opcode)
		mismatch(f, "work request %" PRIu64 ": completion's opcode is %d, not %d",
			 wc->wr_id, wc->opcode, s->opcode);
	if (s->lands && wc->byte_len != s->len)
		mismatch(f, "work request %" PRIu64 ": completion's byte_len is %u, not %u",
			 wc->wr_id, wc->byte_len, s->len);
	retire(f, s);
	tx->sq_head++;
}

bool tx_done(const struct flow *f)
{
	const struct tx *tx = &f->tx;

	return tx->all_posted && tx->sq_head == tx->sq_tail &&
	       tx->checked == f->run->cfg.messages;
}
