// SPDX-License-Identifier: GPL-2.0
/* mrc-integrity: set-up, the loop, the checks that both halves use, the end. See integrity.h. */
#include "integrity.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const inject_name[INJECT_COUNT] = {
	"none", "data", "imm", "seq", "guard", "stale", "atomic", "dup", "lost", "read",
};

static void print_flow(const struct flow *f)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_UNKNOWN };
	struct ibv_qp_init_attr init;

	ibv_query_qp(f->qp, &attr, IBV_QP_STATE, &init);
	printf("  QP %u (number 0x%06x, peer's 0x%06x, state %d): sent %" PRIu64 " of %" PRIu64
	       " messages, %" PRIu64 " checked by the peer; work requests %" PRIu64 " to %" PRIu64
	       " outstanding; received and checked %" PRIu64 ", told the peer %" PRIu64
	       "; receives %" PRIu64 " to %" PRIu64 " posted\n",
	       f->id, f->qp->qp_num, f->peer.qp.qpn, attr.qp_state,
	       f->tx.plan.next - f->tx.have_msg, f->run->cfg.messages, f->tx.checked,
	       f->tx.sq_head, f->tx.sq_tail, f->rx.checked, f->rx.credit_sent,
	       f->rx.rq_head, f->rx.rq_tail);
}

void mismatch(struct flow *f, const char *fmt, ...)
{
	va_list ap;

	printf("MISMATCH on %s: ", f->run->is_client ? "client" : "server");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	print_flow(f);
	fflush(stdout);
	/* The peer learns of it before it meets what our end makes of its messages. */
	shutdown(f->run->channel, SHUT_RDWR);
	_exit(1);
}

void check_bytes(struct flow *f, const char *where, uint64_t msg, const uint8_t *got,
		 const uint8_t *want, uint32_t len, uint32_t base)
{
	uint32_t i, bad = 0, first = 0;
	char line[200];
	int n = 0;

	if (!memcmp(got, want, len))
		return;
	for (i = 0; i < len; i++) {
		if (got[i] == want[i])
			continue;
		if (!bad++)
			first = i;
		if (i - first < 8)
			n += snprintf(line + n, sizeof(line) - n, " %02x/%02x", want[i], got[i]);
	}
	mismatch(f, "%s, message %" PRIu64 ": %u of %u bytes differ, the first at offset %u; expected/got%s",
		 where, msg, bad, len, base + first, line);
}

/* Clean memory is looked up by offset modulo the clean buffer's size, a multiple of 64. */
void check_clean(struct flow *f, const char *where, uint64_t msg, const uint8_t *mem,
		 uint32_t off, uint32_t len)
{
	struct run *r = f->run;

	while (len) {
		uint32_t at = off % r->land_size, n = r->land_size - at;

		if (n > len)
			n = len;
		if (memcmp(mem + off, r->clean + at, n)) {
			printf("%s: bytes that nobody may write have changed, buffer offset %u\n",
			       where, off);
			check_bytes(f, where, msg, mem + off, r->clean + at, n, off);
		}
		off += n;
		len -= n;
	}
}

static void make_clean(struct run *r, uint8_t *mem, uint32_t off, uint64_t len)
{
	while (len) {
		uint32_t at = off % r->land_size;
		uint64_t n = r->land_size - at;

		if (n > len)
			n = len;
		memcpy(mem + off, r->clean + at, n);
		off += n;
		len -= n;
	}
}

void release_piece(struct flow *f, const char *where, uint64_t msg, uint8_t *mem,
		   uint32_t off, uint32_t len)
{
	check_clean(f, where, msg, mem, off - GUARD, GUARD);
	check_clean(f, where, msg, mem, off + len, GUARD);
	make_clean(f->run, mem, off, len);
}

bool landing_alloc(struct flow *f, struct vring *ring, uint32_t len, uint32_t align,
		   struct landing *l)
{
	struct vring probe = *ring;
	uint32_t max = f->run->max_sge;

	l->pieces = 0;
	l->end = ring->head;
	while (len) {
		struct piece *p = &l->piece[l->pieces];

		p->len = len;
		if (align == 1 && (uint32_t)l->pieces + 1 < max && (prng_next(&f->rnd) & 1))
			p->len = 1 + prng_below(&f->rnd, len);
		l->end = vring_next(&probe, p->len, prng_next(&f->rnd) % 32 / align * align, &p->off);
		if (!vring_fits(&probe, l->end))
			return false;
		probe.head = l->end;
		len -= p->len;
		l->pieces++;
	}
	ring->head = l->end;
	return true;
}

static void *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("cannot map %zu bytes", len);
	return p;
}

static struct ibv_mr *reg(struct run *r, void *p, size_t len, int access)
{
	struct ibv_mr *mr = ibv_reg_mr(r->ep.pd, p, len, access);

	if (!mr)
		die("ibv_reg_mr of %zu bytes: %s", len, strerror(errno));
	return mr;
}

static void set_up_memory(struct run *r)
{
	const struct plan_config *cfg = &r->cfg;
	size_t size = plan_pattern_size(cfg);
	struct prng rnd = { .state = cfg->seed ^ 0x636c65616eull };
	int i;

	r->land_size = (5 * cfg->max + 16 * 1024) / 64 * 64;
	r->recv_size = (5 * cfg->max_send + 256 * cfg->depth + 16 * 1024) / 64 * 64;
	r->clean = map(r->land_size);
	prng_fill(&rnd, r->clean, r->land_size);

	rnd.state = cfg->seed ^ !r->is_client;
	for (i = 0; i < 2; i++) {
		struct prng same = rnd;

		r->pattern[i] = map(size);
		prng_fill(&same, r->pattern[i], size);
		r->pattern_mr[i] = reg(r, r->pattern[i], size,
				       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ);
	}
	rnd.state = cfg->seed ^ r->is_client;
	r->peer_pattern = map(size);
	prng_fill(&rnd, r->peer_pattern, size);

	r->shared = map(4096);
	r->shared_mr = reg(r, r->shared, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_ATOMIC);
}

static void set_up_srq(struct run *r)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_sge = r->max_sge } };

	r->srq_slots = r->cfg.depth * r->cfg.qps;
	if (r->srq_slots > (uint32_t)r->ep.attr.max_srq_wr)
		r->srq_slots = r->ep.attr.max_srq_wr;
	r->srq_slot_size = (r->cfg.max_send + 3 * GUARD + 63) / 64 * 64;
	attr.attr.max_wr = r->srq_slots;
	r->srq = ibv_create_srq(r->ep.pd, &attr);
	if (!r->srq)
		die("ibv_create_srq with %u work requests: %s", r->srq_slots, strerror(errno));
	r->srq_mem = map((size_t)r->srq_slots * r->srq_slot_size);
	r->srq_mr = reg(r, r->srq_mem, (size_t)r->srq_slots * r->srq_slot_size,
			IBV_ACCESS_LOCAL_WRITE);
	rx_init_srq(r);
}

static void set_up_cqs(struct run *r)
{
	uint32_t per_qp = r->cfg.depth + tx_sq_size(&r->cfg), per_cq, i;

	/* As many QPs to a CQ as fit, but at least two CQs when there are several QPs. */
	per_cq = r->ep.attr.max_cqe / per_qp;
	if (!per_cq)
		die("max_cqe %d holds not even one QP's completions", r->ep.attr.max_cqe);
	if (per_cq > (r->cfg.qps + 1) / 2)
		per_cq = (r->cfg.qps + 1) / 2;
	r->cqs = (r->cfg.qps + per_cq - 1) / per_cq;
	r->cq = calloc(r->cqs, sizeof(*r->cq));
	if (r->cfg.events) {
		r->comp = ibv_create_comp_channel(r->ep.ctx);
		if (!r->comp)
			die("ibv_create_comp_channel: %s", strerror(errno));
		fcntl(r->comp->fd, F_SETFL, O_NONBLOCK);
	}
	for (i = 0; i < r->cqs; i++) {
		r->cq[i] = ibv_create_cq(r->ep.ctx, per_cq * per_qp, r, r->comp, 0);
		if (!r->cq[i])
			die("ibv_create_cq with %u entries: %s", per_cq * per_qp, strerror(errno));
	}
}

static void set_up_flow(struct run *r, uint32_t id)
{
	const struct plan_config *cfg = &r->cfg;
	struct flow *f = &r->flow[id];
	uint32_t target = plan_target_size(cfg), scratch = SCRATCH_SLOTS * cfg->max;
	uint32_t sq = tx_sq_size(cfg), h, i;
	size_t remote = target + scratch + 64, local;
	struct ibv_qp_init_attr init = {
		.send_cq = r->cq[id % r->cqs], .recv_cq = r->cq[id % r->cqs], .srq = r->srq,
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = sq, .max_recv_wr = r->srq ? 0 : cfg->depth,
			.max_send_sge = r->max_sge, .max_recv_sge = r->srq ? 0 : r->max_sge,
			.max_inline_data = r->max_inline,
		},
	};

	f->run = r;
	f->id = id;
	f->rnd.state = cfg->seed * 31 + id + getpid();
	f->cq = init.send_cq;
	f->qp = ibv_create_qp(r->ep.pd, &init);
	if (!f->qp && r->max_inline) {
		/* No more than an application can expect: ask again without inline data. */
		r->max_inline = 0;
		init.cap.max_inline_data = 0;
		f->qp = ibv_create_qp(r->ep.pd, &init);
	}
	if (!f->qp)
		die("ibv_create_qp number %u: %s", id, strerror(errno));
	for (h = f->qp->qp_num; r->by_qpn[h & r->by_qpn_mask]; h++)
		if (r->by_qpn[h & r->by_qpn_mask]->qp->qp_num == f->qp->qp_num)
			die("two QPs have number 0x%06x", f->qp->qp_num);
	r->by_qpn[h & r->by_qpn_mask] = f;

	f->target = map(remote);
	f->scratch = f->target + target;
	f->words = (struct words *)(f->target + remote - 64);
	f->remote_mr = reg(r, f->target, remote, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC |
			   IBV_ACCESS_MW_BIND);
	make_clean(r, f->target, 0, target);

	local = (size_t)r->land_size + r->recv_size + sq * sizeof(struct msg_header);
	f->land = map(local);
	f->recv = f->land + r->land_size;
	f->headers = (struct msg_header *)(f->recv + r->recv_size);
	f->local_mr = reg(r, f->land, local, IBV_ACCESS_LOCAL_WRITE);
	make_clean(r, f->land, 0, r->land_size);
	make_clean(r, f->recv, 0, r->recv_size);

	tx_init(f);
	rx_init(f);
	qp_to_init(&r->ep, f->qp, IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
		   IBV_ACCESS_REMOTE_ATOMIC);
	rx_post(f);
	f->self = (struct flow_address) {
		.qp = endpoint_address(&r->ep, f->qp, prng_next(&f->rnd)),
		.target = (uintptr_t)f->target, .scratch = (uintptr_t)f->scratch,
		.words = (uintptr_t)f->words, .rkey = f->remote_mr->rkey,
		.pattern = (uintptr_t)r->pattern[0], .pattern_rkey = r->pattern_mr[0]->rkey,
		.shared = (uintptr_t)r->shared, .shared_rkey = r->shared_mr->rkey,
	};
	for (i = 0; i < WINDOWS; i++) {
		f->window[i] = ibv_alloc_mw(r->ep.pd, IBV_MW_TYPE_2);
		if (!f->window[i])
			die("ibv_alloc_mw: %s", strerror(errno));
		f->self.window_rkey[i] = f->window[i]->rkey;
	}
}

static void set_up(struct run *r)
{
	uint32_t i;

	set_up_memory(r);
	set_up_cqs(r);
	if (r->cfg.srq)
		set_up_srq(r);
	for (i = 1; i < 4 * r->cfg.qps; i *= 2)
		;
	r->by_qpn_mask = i - 1;
	r->by_qpn = calloc(i, sizeof(*r->by_qpn));
	r->flow = calloc(r->cfg.qps, sizeof(*r->flow));
	if (!r->by_qpn || !r->flow)
		die("out of memory");
	for (i = 0; i < r->cfg.qps; i++)
		set_up_flow(r, i);
	for (i = 0; i < r->cfg.qps; i++) {
		struct flow *f = &r->flow[i];

		channel_swap(r->channel, &f->self, &f->peer, sizeof(f->self));
		qp_connect(&r->ep, f->qp, &f->self.qp, &f->peer.qp);
	}
}

static struct flow *flow_of(struct run *r, uint32_t qpn)
{
	uint32_t h;

	for (h = qpn; r->by_qpn[h & r->by_qpn_mask]; h++)
		if (r->by_qpn[h & r->by_qpn_mask]->qp->qp_num == qpn)
			return r->by_qpn[h & r->by_qpn_mask];
	printf("MISMATCH: a completion of QP 0x%06x, which is not ours\n", qpn);
	exit(1);
}

static bool unfinished(const struct flow *f)
{
	return !tx_done(f) || !rx_done(f);
}

static void mark_landing(const struct landing *l, uint8_t *busy)
{
	int i;

	for (i = 0; i < l->pieces; i++)
		memset(busy + l->piece[i].off, 1, l->piece[i].len);
}

/* Bytes that are not busy must be clean. */
static void check_rest(struct flow *f, const char *where, const uint8_t *mem, uint32_t size,
		       const uint8_t *busy)
{
	uint32_t from, to = 0;

	while (to < size) {
		for (from = to; from < size && busy[from]; from++)
			;
		for (to = from; to < size && !busy[to]; to++)
			;
		check_clean(f, where, ~0ull, mem, from, to - from);
	}
}

/* A connection failed: what nothing under way goes to must be clean nevertheless. */
static void check_unfinished(struct flow *f)
{
	const struct run *r = f->run;
	uint32_t target = plan_target_size(&r->cfg), size = target;
	uint8_t *busy;
	uint64_t i;

	if (size < r->land_size)
		size = r->land_size;
	if (size < r->recv_size)
		size = r->recv_size;
	busy = calloc(1, size);
	if (!busy)
		die("out of memory");
	for (i = f->rx.fifo_head; i != f->rx.fifo_tail; i++) {
		const struct msg *m = &f->rx.fifo[i % f->rx.fifo_size];

		if (msg_is_write(m))
			memset(busy + m->dst, 1, m->len);
	}
	check_rest(f, "target memory", f->target, target, busy);
	memset(busy, 0, size);
	for (i = f->tx.sq_head; i != f->tx.sq_tail; i++) {
		const struct sent *s = &f->tx.sq[i % f->tx.sq_size];

		if (s->lands)
			mark_landing(&s->landing, busy);
	}
	check_rest(f, "READ memory", f->land, r->land_size, busy);
	if (!r->srq) {
		memset(busy, 0, size);
		for (i = f->rx.rq_head; i != f->rx.rq_tail; i++)
			mark_landing(&f->rx.rq[i % r->cfg.depth], busy);
		check_rest(f, "receive memory", f->recv, r->recv_size, busy);
	}
	free(busy);
}

/* Ends the program, for another reason than wrong data. */
static void __attribute__((noreturn)) give_up(struct run *r)
{
	uint32_t i, shown = 0;

	for (i = 0; i < r->cfg.qps && r->cfg.attacked; i++)
		check_unfinished(&r->flow[i]);
	for (i = 0; i < r->cfg.qps && shown < 8; i++) {
		if (unfinished(&r->flow[i])) {
			print_flow(&r->flow[i]);
			shown++;
		}
	}
	fflush(stdout);
	_exit(3);
}

static void __attribute__((noreturn)) peer_ended(struct run *r)
{
	printf("PEER ENDED before it was finished (seen by %s)\n",
	       r->is_client ? "client" : "server");
	give_up(r);
}

/* A connection failed, which is no mistake where packets are forged. */
static void __attribute__((noreturn, format(printf, 2, 3)))
failed(struct flow *f, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!f->run->cfg.attacked)
		mismatch(f, "%s", text);
	printf("ENDED on %s: %s\n", f->run->is_client ? "client" : "server", text);
	shutdown(f->run->channel, SHUT_RDWR);
	give_up(f->run);
}

static void completion(struct run *r, const struct ibv_wc *wc)
{
	struct flow *f = flow_of(r, wc->qp_num);
	bool recv = wc->opcode & IBV_WC_RECV;

	/* Its memory goes before its QPs: no wonder, then, that our messages are refused. */
	if (wc->status != IBV_WC_SUCCESS && channel_closed(r->channel))
		peer_ended(r);
	/* With an error only wr_id, status, qp_num and vendor_err count: say both. */
	if (wc->status != IBV_WC_SUCCESS)
		failed(f, "completion with '%s', vendor error 0x%x, wr_id %" PRIu64
		       " (outstanding: sends %" PRIu64 " to %" PRIu64 ", receives %" PRIu64
		       " to %" PRIu64 ")", ibv_wc_status_str(wc->status), wc->vendor_err, wc->wr_id,
		       f->tx.sq_head, f->tx.sq_tail, f->rx.rq_head, f->rx.rq_tail);
	r->completions++;
	if (recv)
		rx_completion(f, wc);
	else
		tx_completion(f, wc);
}

static int poll_cqs(struct run *r)
{
	struct ibv_wc wc[32];
	uint32_t c;
	int i, n, total = 0;

	for (c = 0; c < r->cqs; c++) {
		n = ibv_poll_cq(r->cq[c], 32, wc);
		if (n < 0)
			die("ibv_poll_cq: %d", n);
		for (i = 0; i < n; i++)
			completion(r, &wc[i]);
		total += n;
	}
	return total;
}

/* All windows are there before the peer sends anything. */
static void bind_windows(struct run *r)
{
	double end = now() + r->cfg.stall;
	uint32_t i;

	for (i = 0; i < r->cfg.qps; i++)
		tx_bind_windows(&r->flow[i]);
	for (i = 0; i < r->cfg.qps; i++) {
		struct flow *f = &r->flow[i];

		while (f->tx.sq_head != f->tx.sq_tail) {
			if (now() > end)
				mismatch(f, "memory windows are not bound");
			poll_cqs(r);
		}
	}
	channel_barrier(r->channel);
}

/* Sleeps until a completion comes, but not long: credits come without one. */
static void sleep_for_event(struct run *r)
{
	struct pollfd pfd = { .fd = r->comp->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;
	uint32_t c;

	for (c = 0; c < r->cqs; c++)
		if (ibv_req_notify_cq(r->cq[c], 0))
			die("ibv_req_notify_cq failed");
	if (poll_cqs(r))
		return;
	poll(&pfd, 1, 2);
	while (!ibv_get_cq_event(r->comp, &cq, &context)) {
		if (context != r)
			die("a completion event with a foreign context");
		ibv_ack_cq_events(cq, 1);
		r->events++;
	}
}

static void check_async(struct run *r)
{
	struct ibv_async_event event;

	while (!ibv_get_async_event(r->ep.ctx, &event)) {
		/* Links that go down and come up are no errors here. */
		bool harmless = event.event_type == IBV_EVENT_PORT_ACTIVE ||
				event.event_type == IBV_EVENT_PORT_ERR ||
				event.event_type == IBV_EVENT_GID_CHANGE ||
				event.event_type == IBV_EVENT_LID_CHANGE ||
				event.event_type == IBV_EVENT_PKEY_CHANGE ||
				event.event_type == IBV_EVENT_CLIENT_REREGISTER ||
				event.event_type == IBV_EVENT_COMM_EST ||
				event.event_type == IBV_EVENT_SM_CHANGE;

		ibv_ack_async_event(&event);
		if (!harmless)
			failed(&r->flow[0], "asynchronous event '%s'",
			       ibv_event_type_str(event.event_type));
	}
}

static void check_stall(struct run *r, double start)
{
	double t = now();

	if (t - r->progress > r->cfg.stall)
		printf("STALLED on %s: no completion and no credit for %u s\n",
		       r->is_client ? "client" : "server", r->cfg.stall);
	else if (r->cfg.max_time && t - start > r->cfg.max_time)
		printf("TOO SLOW on %s: not finished after %u s\n",
		       r->is_client ? "client" : "server", r->cfg.max_time);
	else if (channel_closed(r->channel))
		peer_ended(r);
	else
		return;
	give_up(r);
}

static void traffic(struct run *r)
{
	double start = now(), next_look = start;
	bool more = true;
	uint32_t i;
	int idle = 0;

	r->progress = start;
	while (more) {
		if (poll_cqs(r)) {
			r->progress = now();
			idle = 0;
		} else {
			idle++;
		}
		more = false;
		for (i = 0; i < r->cfg.qps; i++) {
			struct flow *f = &r->flow[i];

			if (!unfinished(f))
				continue;
			more = true;
			rx_post(f);
			tx_post(f, idle > 0);
		}
		if (idle > 2) {
			if (now() > next_look) {
				check_stall(r, start);
				check_async(r);
				next_look = now() + 0.2;
			}
			if (r->cfg.events && idle > 20)
				sleep_for_event(r);
			else
				sched_yield();
		}
	}
}

struct totals {
	uint64_t shared_sum;
	uint64_t messages;
};

struct words_sum {
	uint64_t fadd, cas;
};

/* What can be checked only when both ends are done. */
static void final_checks(struct run *r)
{
	struct totals mine = { .shared_sum = r->shared_sum }, theirs;
	uint32_t i;

	channel_swap(r->channel, &mine, &theirs, sizeof(mine));
	if (*r->shared != theirs.shared_sum)
		mismatch(&r->flow[0], "the shared counter is %" PRIu64 ", the peer added %" PRIu64,
			 *r->shared, theirs.shared_sum);
	for (i = 0; i < r->cfg.qps; i++) {
		struct flow *f = &r->flow[i];
		struct words_sum out = { f->tx.fadd, f->tx.cas }, in;

		channel_swap(r->channel, &out, &in, sizeof(out));
		if (f->words->fadd != in.fadd || f->words->cas != in.cas)
			mismatch(f, "counters are %" PRIu64 " and %" PRIu64 ", the peer left %" PRIu64
				 " and %" PRIu64, f->words->fadd, f->words->cas, in.fadd, in.cas);
		check_clean(f, "target memory at the end", ~0ull, f->target, 0,
			    plan_target_size(&r->cfg));
		check_clean(f, "READ memory at the end", ~0ull, f->land, 0, r->land_size);
		check_clean(f, "receive memory at the end", ~0ull, f->recv, 0, r->recv_size);
	}
	if (r->srq)
		check_clean(&r->flow[0], "SRQ memory at the end", ~0ull, r->srq_mem, 0,
			    r->srq_slots * r->srq_slot_size);
	check_async(r);
}

static void check_destroy(const char *what, int ret)
{
	if (ret)
		die("destroying a %s: %s", what, strerror(ret));
}

static void tear_down(struct run *r)
{
	uint32_t i, w;

	for (i = 0; i < r->cfg.qps; i++) {
		check_destroy("QP", ibv_destroy_qp(r->flow[i].qp));
		for (w = 0; w < WINDOWS; w++)
			check_destroy("MW", ibv_dealloc_mw(r->flow[i].window[w]));
		check_destroy("MR", ibv_dereg_mr(r->flow[i].remote_mr));
		check_destroy("MR", ibv_dereg_mr(r->flow[i].local_mr));
	}
	if (r->srq) {
		check_destroy("SRQ", ibv_destroy_srq(r->srq));
		check_destroy("MR", ibv_dereg_mr(r->srq_mr));
	}
	for (i = 0; i < r->cqs; i++)
		check_destroy("CQ", ibv_destroy_cq(r->cq[i]));
	if (r->comp)
		check_destroy("completion channel", ibv_destroy_comp_channel(r->comp));
	check_destroy("MR", ibv_dereg_mr(r->pattern_mr[0]));
	check_destroy("MR", ibv_dereg_mr(r->pattern_mr[1]));
	check_destroy("MR", ibv_dereg_mr(r->shared_mr));
	endpoint_close(&r->ep);
}

static void report(const struct run *r, double seconds)
{
	uint64_t tx = 0, rx = 0;
	int k;

	printf("%s:", r->is_client ? "client" : "server");
	for (k = 0; k < K_COUNT; k++) {
		printf(" %s %" PRIu64 "/%" PRIu64, kind_name[k], r->tx_count[k], r->rx_count[k]);
		tx += r->tx_count[k];
		rx += r->rx_count[k];
	}
	printf(" (sent/received)\n");
	printf("%s: messages=%" PRIu64 " sent=%" PRIu64 " received=%" PRIu64 " bytes=%" PRIu64
	       " completions=%" PRIu64 " events=%" PRIu64
	       " seconds=%.2f MiB/s=%.1f messages/s=%.0f errors=0\n",
	       r->is_client ? "client" : "server", tx + rx, tx, rx, r->tx_bytes + r->rx_bytes,
	       r->completions, r->events, seconds,
	       (r->tx_bytes + r->rx_bytes) / seconds / (1 << 20), (tx + rx) / seconds);
}

static void on_alarm(int sig)
{
	static const char text[] = "STALLED: a library call does not return\n";

	if (write(1, text, sizeof(text) - 1) < 0 || sig)
		_exit(3);
}

static void usage(FILE *out)
{
	fprintf(out,
"mrc-integrity [options] [HOST]      (no HOST: server; the client says what is done)\n"
"  -d, --dev NAME          RDMA device\n"
"  -x, --gid-index N       default: the first RoCEv2 GID that is an IPv4 address\n"
"  -i, --ib-port N\n"
"  -m, --mtu BYTES         path MTU\n"
"  -p, --port N            TCP port of the side channel (default 18600)\n"
"  -u, --unix PATH         a Unix socket instead (HOST is then any word, e.g. 'peer')\n"
"  -S, --seed N            default 1\n"
"  -n, --messages N        messages each end sends, over all QPs (default 10000)\n"
"  -q, --qps N             default 4\n"
"  -s, --max BYTES         largest message (default 1048576)\n"
"      --max-send BYTES    largest SEND (default 262144, 65536 with --srq)\n"
"  -D, --depth N           receives posted per QP (default 32)\n"
"      --ops LIST          write,write_imm,send,send_imm,send_inv,read,raw,cas,fadd,\n"
"                          fadd_shared; each may be followed by :WEIGHT\n"
"      --srq               one shared receive queue\n"
"      --events            sleep on the completion channel\n"
"      --overlap           the WRITEs of 'raw' overlap each other\n"
"      --attacked          a connection that fails ends the run (status 3) and is no mistake\n"
"      --timeout N --retry N --rnr-retry N   QP attributes\n"
"      --stall SECONDS     end when nothing moves for so long (default 30)\n"
"      --max-time SECONDS\n"
"      --inject-error KIND data, imm, seq, guard, stale, atomic, dup, lost, read:\n"
"                          do one thing wrong, to see it found\n");
}

static void parse_ops(struct plan_config *cfg, char *list)
{
	char *word, *weight;
	int k;

	memset(cfg->weight, 0, sizeof(cfg->weight));
	for (word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		weight = strchr(word, ':');
		if (weight)
			*weight++ = 0;
		for (k = 0; k < K_COUNT && strcmp(word, kind_name[k]); k++)
			;
		if (k == K_COUNT)
			die("unknown operation '%s'", word);
		cfg->weight[k] = weight ? strtoul(weight, NULL, 0) : 10;
	}
}

enum { OPT_MAX_SEND = 256, OPT_OPS, OPT_SRQ, OPT_EVENTS, OPT_OVERLAP, OPT_ATTACKED,
       OPT_TIMEOUT, OPT_RETRY, OPT_RNR_RETRY, OPT_STALL, OPT_MAX_TIME, OPT_INJECT };

static const struct option options[] = {
	{ "dev", 1, NULL, 'd' }, { "gid-index", 1, NULL, 'x' }, { "ib-port", 1, NULL, 'i' },
	{ "mtu", 1, NULL, 'm' }, { "port", 1, NULL, 'p' }, { "unix", 1, NULL, 'u' },
	{ "seed", 1, NULL, 'S' }, { "messages", 1, NULL, 'n' }, { "qps", 1, NULL, 'q' },
	{ "max", 1, NULL, 's' }, { "max-send", 1, NULL, OPT_MAX_SEND },
	{ "depth", 1, NULL, 'D' }, { "ops", 1, NULL, OPT_OPS }, { "srq", 0, NULL, OPT_SRQ },
	{ "events", 0, NULL, OPT_EVENTS }, { "overlap", 0, NULL, OPT_OVERLAP },
	{ "attacked", 0, NULL, OPT_ATTACKED },
	{ "timeout", 1, NULL, OPT_TIMEOUT }, { "retry", 1, NULL, OPT_RETRY },
	{ "rnr-retry", 1, NULL, OPT_RNR_RETRY }, { "stall", 1, NULL, OPT_STALL },
	{ "max-time", 1, NULL, OPT_MAX_TIME }, { "inject-error", 1, NULL, OPT_INJECT },
	{ "help", 0, NULL, 'h' }, { }
};

int main(int argc, char **argv)
{
	static struct run r;
	struct endpoint_options ep = ENDPOINT_OPTIONS_DEFAULT;
	struct plan_config *cfg = &r.cfg;
	const char *unix_path = NULL;
	uint64_t messages = 10000;
	int opt, port = 18600;
	double start;

	*cfg = (struct plan_config) {
		.seed = 1, .qps = 4, .depth = 32, .max = 1 << 20, .stall = 30,
		.weight = {
			[K_WRITE] = 25, [K_WRITE_IMM] = 15, [K_SEND] = 10, [K_SEND_IMM] = 10,
			[K_SEND_INV] = 5, [K_READ] = 10, [K_RAW] = 10, [K_CAS] = 5, [K_FADD] = 5,
			[K_FADD_SHARED] = 5,
		},
	};
	while ((opt = getopt_long(argc, argv, "d:x:i:m:p:u:S:n:q:s:D:h", options, NULL)) != -1) {
		switch (opt) {
		case 'd': ep.device = optarg; break;
		case 'x': ep.gid_index = atoi(optarg); break;
		case 'i': ep.port = atoi(optarg); break;
		case 'm': ep.mtu = atoi(optarg); break;
		case 'p': port = atoi(optarg); break;
		case 'u': unix_path = optarg; break;
		case 'S': cfg->seed = strtoull(optarg, NULL, 0); break;
		case 'n': messages = strtoull(optarg, NULL, 0); break;
		case 'q': cfg->qps = strtoul(optarg, NULL, 0); break;
		case 's': cfg->max = strtoul(optarg, NULL, 0); break;
		case 'D': cfg->depth = strtoul(optarg, NULL, 0); break;
		case OPT_MAX_SEND: cfg->max_send = strtoul(optarg, NULL, 0); break;
		case OPT_OPS: parse_ops(cfg, optarg); break;
		case OPT_SRQ: cfg->srq = 1; break;
		case OPT_EVENTS: cfg->events = 1; break;
		case OPT_OVERLAP: cfg->overlap = 1; break;
		case OPT_ATTACKED: cfg->attacked = 1; break;
		case OPT_TIMEOUT: ep.timeout = atoi(optarg); break;
		case OPT_RETRY: ep.retry_cnt = atoi(optarg); break;
		case OPT_RNR_RETRY: ep.rnr_retry = atoi(optarg); break;
		case OPT_STALL: cfg->stall = strtoul(optarg, NULL, 0); break;
		case OPT_MAX_TIME: cfg->max_time = strtoul(optarg, NULL, 0); break;
		case OPT_INJECT:
			for (; cfg->inject < INJECT_COUNT; cfg->inject++)
				if (!strcmp(optarg, inject_name[cfg->inject]))
					break;
			if (cfg->inject == INJECT_COUNT)
				die("unknown error kind '%s'", optarg);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!cfg->max_send)
		cfg->max_send = cfg->srq ? 65536 : 262144;
	if (cfg->max_send > cfg->max)
		cfg->max_send = cfg->max;
	if (!cfg->qps || cfg->depth < 4 || cfg->max < 64 || cfg->max > 64 << 20)
		die("--qps must be at least 1, --depth 4, --max 64 to 64 Mi");
	cfg->messages = (messages + cfg->qps - 1) / cfg->qps;
	cfg->inject_at = cfg->messages / 2;

	r.is_client = optind < argc;
	endpoint_open(&r.ep, &ep);
	fcntl(r.ep.ctx->async_fd, F_SETFL, O_NONBLOCK);
	if (r.is_client) {
		r.channel = channel_connect(unix_path ? unix_path : argv[optind], port, 30);
		channel_send(r.channel, cfg, sizeof(*cfg));
	} else {
		r.channel = channel_listen(unix_path, port, 120);
		channel_recv(r.channel, cfg, sizeof(*cfg));
	}
	signal(SIGALRM, on_alarm);
	alarm(cfg->max_time ? cfg->max_time + cfg->stall : 3600);
	r.max_sge = r.ep.attr.max_sge < MAX_SGE ? r.ep.attr.max_sge : MAX_SGE;
	r.max_inline = 64;

	set_up(&r);
	if (r.is_client)
		printf("%u QPs, %" PRIu64 " messages each way per QP, up to %u bytes, path MTU %d, inline %u%s%s\n",
		       cfg->qps, cfg->messages, cfg->max, 128 << r.ep.mtu, r.max_inline,
		       cfg->srq ? ", SRQ" : "", cfg->events ? ", events" : "");
	bind_windows(&r);
	start = now();
	traffic(&r);
	start = now() - start;
	final_checks(&r);
	report(&r, start);
	channel_barrier(r.channel);
	tear_down(&r);
	if (cfg->inject && r.is_client)
		printf("the injected error was not found\n");
	return 0;
}
