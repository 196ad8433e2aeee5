// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See model.h. */
#include <linux/bitops.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define TRUTH		131072	/* packets remembered: more than any window */
#define MSEC		1000000ULL

enum event_type {
	EV_DATA, EV_DONE, EV_SACK, EV_PROBE, EV_TIMER, EV_NEW,
	EV_PATH_TIMER, EV_PATH_PROBE, EV_PATH_ANSWER, EV_HOOK, EV_NACK,
};

struct event {
	u64 at;
	u32 seq;
	u16 type;
	u16 path;
	u32 n;			/* packet number, or probe id */
	bool rtx, ackreq, calm, trimmed;
	u64 sent;
	struct mrc_neth neth;
	struct mrc_seth seth;
	struct mrc_cc_state cc;
};

/* What really happened to a packet. */
struct truth {
	u16 copies;		/* in the network */
	bool arrived;
	bool known;		/* a SACK that reached the sender said so */
	bool done;
};

/* ------------------------------------------------------------ events */

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : (s32)(a->seq - b->seq) < 0;
}

static void post(struct model *m, struct event *e)
{
	u32 i;

	if (m->nheap == m->heap_size) {
		m->heap_size = m->heap_size ? 2 * m->heap_size : 256;
		m->heap = realloc(m->heap, m->heap_size * sizeof(*m->heap));
	}
	e->seq = m->event_seq++;
	i = m->nheap++;
	while (i && before(e, &m->heap[(i - 1) / 2])) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = *e;
}

static struct event take(struct model *m)
{
	struct event top = m->heap[0];
	struct event *e = &m->heap[--m->nheap];
	u32 i = 0;

	for (;;) {
		u32 c = 2 * i + 1;

		if (c >= m->nheap)
			break;
		if (c + 1 < m->nheap && before(&m->heap[c + 1], &m->heap[c]))
			c++;
		if (!before(&m->heap[c], e))
			break;
		m->heap[i] = m->heap[c];
		i = c;
	}
	m->heap[i] = *e;
	return top;
}

static void post_at(struct model *m, enum event_type type, u64 at)
{
	struct event e = { .type = type, .at = at };

	post(m, &e);
}

/* ------------------------------------------------------------ network */

/* Send @e over @path in direction @dir; number of copies that will arrive. */
static u32 transmit(struct model *m, struct event *e, int path, int dir,
		    u32 bytes)
{
	struct plane_model *p =
		&m->c.plane[mrc_path_get(m->ps.paths, path)->plane];
	u32 copies = 1;
	u64 at = m->now;

	if (p->dead || rng_chance(&m->rng, p->loss))
		return 0;
	if ((u32)path == m->c.bad_path && rng_chance(&m->rng, m->c.bad_loss))
		return 0;
	if (p->ns_per_kb) {
		u64 take_ns = p->ns_per_kb * bytes / 1024;
		u64 *busy = &p->busy_until[dir];

		if (*busy < m->now)
			*busy = m->now;
		if (p->queue && *busy - m->now >
		    p->queue * p->ns_per_kb * m->c.bytes / 1024) {
			if (!m->c.trim || e->type != EV_DATA)
				return 0;
			e->trimmed = true;
			m->st.trimmed++;
		} else {
			*busy += take_ns;
			at = *busy;
		}
	}
	if (rng_chance(&m->rng, p->dup))
		copies = 2;
	for (u32 i = 0; i < copies; i++) {
		e->at = at + p->delay +
			(p->jitter ? rng_below(&m->rng, p->jitter) : 0);
		if (rng_chance(&m->rng, p->late))
			e->at += p->late_by;
		e->path = path;
		post(m, e);
	}
	if (copies > 1)
		m->st.dups++;
	return copies;
}

static struct truth *truth_of(struct model *m, u32 n)
{
	return &m->truth[n % TRUTH];
}

static u32 psn_of(const struct model *m, u32 n)
{
	return mrc_psn_add(m->c.first_psn, n);
}

/* Number of the packet with @psn, which is near the newest one made. */
static u32 number_of(const struct model *m, u32 psn)
{
	return m->made + mrc_psn_diff(psn, mrc_tx_next_psn(&m->tx));
}

/* ------------------------------------------------------------ sender */

static void arm(struct model *m)
{
	u64 at = mrc_tx_deadline(&m->tx, false);

	if (at != U64_MAX && (!m->timer_at || at < m->timer_at)) {
		m->timer_at = at > m->now ? at : m->now;
		post_at(m, EV_TIMER, m->timer_at);
	}
	at = mrc_paths_probe_deadline(m->ps.paths);
	if (at != U64_MAX && (!m->path_timer_at || at < m->path_timer_at)) {
		m->path_timer_at = at > m->now ? at : m->now;
		post_at(m, EV_PATH_TIMER, m->path_timer_at);
	}
}

static bool send_packet(struct model *m, u32 psn, bool rtx)
{
	struct event e = { .type = EV_DATA, .rtx = rtx };
	struct truth *t;
	int path;
	u32 n;

	path = mrc_tx_pick_path(&m->tx, &m->ps, psn, m->now);
	if (path < 0)
		return false;
	if (rtx) {
		n = number_of(m, psn);
		t = truth_of(m, n);
		/* What the sender was told, it must not send again. */
		CHECK(!t->known);
		if (t->arrived || t->copies)
			m->st.spurious_needless++;
		m->st.retransmits++;
	} else {
		n = m->made++;
		CHECK_EQ(psn, psn_of(m, n));
		t = truth_of(m, n);
		memset(t, 0, sizeof(*t));
		m->st.sent++;
	}
	mrc_tx_sent(&m->tx, &m->ps, psn, path, m->c.bytes, m->now);
	m->st.plane_tx[mrc_path_get(m->ps.paths, path)->plane]++;
	e.n = n;
	e.sent = m->now;
	e.ackreq = (n + 1) % m->c.ackreq_every == 0 ||
		   m->made == m->c.packets || !mrc_tx_window_open(&m->tx) ||
		   !mrc_cc_may_send(&m->cc, m->c.bytes);
	e.calm = m->c.calm && mrc_tx_calm(&m->tx, &m->ps);
	m->st.calm += e.calm;
	n = transmit(m, &e, path, 0, m->c.bytes);
	if (n)
		t->copies += n;
	else
		m->st.dropped++;
	return true;
}

static bool grow(struct model *m)
{
	u32 n = 2 * m->entries;
	struct mrc_txent *b;

	if (n > m->c.board_max)
		return false;
	b = calloc(n, sizeof(*b));
	free(mrc_tx_grow(&m->tx, b, n));
	m->board = b;
	m->entries = n;
	return true;
}

static void pump(struct model *m)
{
	u32 psn;

	while (!m->dead && mrc_cc_may_send(&m->cc, m->c.bytes)) {
		if (mrc_tx_peek_lost(&m->tx, &psn)) {
			if (!send_packet(m, psn, true))
				break;
			continue;
		}
		if (m->c.packets && m->made == m->c.packets)
			break;
		if (mrc_tx_board_full(&m->tx) && grow(m))
			continue;
		if (!mrc_tx_window_open(&m->tx))
			break;
		if (m->c.send_gap) {
			if (m->now < m->next_new)
				break;
			m->next_new = m->now + m->c.send_gap;
			post_at(m, EV_NEW, m->next_new);
		}
		if (!send_packet(m, mrc_tx_next_psn(&m->tx), false))
			break;
	}
	arm(m);
}

static void timer(struct model *m)
{
	struct mrc_tx_result res;
	unsigned int what;
	int path;

	m->timer_at = 0;
	if (mrc_tx_deadline(&m->tx, false) > m->now) {
		arm(m);
		return;
	}
	what = mrc_tx_on_timer(&m->tx, &m->ps, m->now, false, &res);
	CHECK(!!(what & MRC_TX_RESEND) == !!res.lost_packets);
	if (what & MRC_TX_RTO)
		m->st.rtos++;
	if (what & MRC_TX_DEAD)
		m->dead = true;
	if (what & MRC_TX_PROBE) {
		struct event e = { .type = EV_PROBE };

		e.n = mrc_tx_probe_sent(&m->tx, &m->ps, &path, m->now);
		m->st.probes++;
		if (path >= 0)
			transmit(m, &e, path, 0, 64);
	}
	pump(m);
}

/* Note what a SACK tells, by reading it without the code under test. */
static void learn(struct model *m, const struct mrc_sack *s)
{
	u32 una = mrc_tx_una(&m->tx);

	for (u32 psn = una; mrc_psn_diff(psn, s->cack) <= 0;
	     psn = mrc_psn_add(psn, 1))
		truth_of(m, number_of(m, psn))->known = true;
	for (u32 i = 0; i < 64; i++)
		if (s->bitmap >> i & 1) {
			u32 psn = mrc_psn_add(s->cack, s->sack_offset + (s32)i);
			u32 n = number_of(m, psn);

			if (mrc_psn_diff(psn, una) < 0)
				continue;
			CHECK(mrc_psn_diff(psn, mrc_tx_next_psn(&m->tx)) < 0);
			CHECK(truth_of(m, n)->arrived);
			truth_of(m, n)->known = true;
		}
	if (!s->probe && mrc_psn_diff(s->acked_psn, una) >= 0)
		truth_of(m, number_of(m, s->acked_psn))->known = true;
}

static void sack_in(struct model *m, struct event *e)
{
	struct mrc_tx_result res;
	struct mrc_sack s;

	CHECK(mrc_sack_decode(&s, &e->seth, &e->cc));
	learn(m, &s);
	mrc_tx_on_sack(&m->tx, &m->ps, &s, m->now, &res);
	m->st.spurious_seen += res.spurious;
	pump(m);
}

static void nack_in(struct model *m, struct event *e)
{
	u64 took = m->now - e->sent;
	struct mrc_tx_result res;
	struct mrc_nack n;

	CHECK(mrc_nack_decode(&n, &e->neth));
	mrc_tx_on_nack(&m->tx, &m->ps, &n, m->now, &res);
	CHECK(!res.stale);
	m->st.nacks++;
	m->st.repair += took;
	if (took > m->st.repair_max)
		m->st.repair_max = took;
	pump(m);
}

static void path_timer(struct model *m)
{
	int path;

	m->path_timer_at = 0;
	while ((path = mrc_paths_next_probe(m->ps.paths, m->now)) >= 0) {
		struct event e = { .type = EV_PATH_PROBE };

		e.cc.rcvd = 0;
		m->st.path_probes++;
		e.n = (u32)(m->now / 1000);
		transmit(m, &e, path, 0, 64);
	}
	pump(m);
}

/* ------------------------------------------------------------ receiver */

static void send_sack(struct model *m, u32 psn, bool probe, u16 id,
		      u32 entropy)
{
	struct event e = { .type = EV_SACK };
	struct mrc_sack s = { .probe = probe, .probe_id = id };
	int path = rng_below(&m->rng, m->c.paths);

	s.acked_psn = psn;
	s.entropy = entropy;
	mrc_rxwin_fill_sack(&m->rx, &s, psn);
	mrc_sack_encode(&s, &e.seth, &e.cc);
	m->st.sacks++;
	/* Reverse paths: those of planes that work, known by other means. */
	while (m->c.plane[mrc_path_get(m->ps.paths, path)->plane].dead)
		path = rng_below(&m->rng, m->c.paths);
	if (!transmit(m, &e, path, 1, 100))
		m->st.sacks_dropped++;
}

static void finished(struct model *m, u32 n)
{
	struct truth *t = truth_of(m, n);

	CHECK(t->arrived && !t->done);
	t->done = true;
	m->st.delivered++;
	m->st.bytes_delivered += m->c.bytes;
	m->st.done_at = m->now;
	mrc_rxwin_done(&m->rx, psn_of(m, n));
}

/* Ask for a packet again of which only the headers came. */
static void trimmed_in(struct model *m, struct event *d, enum mrc_rx_verdict v)
{
	struct event e = { .type = EV_NACK, .sent = d->sent };
	struct mrc_nack n = {
		.reason = MRC_NACK_TRIMMED,
		.psn = psn_of(m, d->n),
		.entropy = mrc_path_get(m->ps.paths, d->path)->entropy,
	};

	if (v != MRC_RX_NEW)
		return;
	mrc_nack_encode(&n, &e.neth);
	transmit(m, &e, rng_below(&m->rng, m->c.paths), 1, 100);
}

static void data_in(struct model *m, struct event *e)
{
	struct truth *t = truth_of(m, e->n);
	u32 psn = psn_of(m, e->n);
	enum mrc_rx_verdict v = mrc_rxwin_check(&m->rx, psn);
	bool dup = t->arrived;
	bool due;

	t->copies--;
	if (e->trimmed) {
		trimmed_in(m, e, v);
		return;
	}
	if (v == MRC_RX_OUTSIDE) {
		/* Only if the sender was told of a larger window. */
		CHECK(m->c.tx_window > m->c.rx_window);
		return;
	}
	CHECK(dup == (v != MRC_RX_NEW));
	if (v == MRC_RX_NEW) {
		mrc_rxwin_claim(&m->rx, psn, m->c.bytes);
		CHECK(mrc_rxwin_check(&m->rx, psn) == MRC_RX_DUP);
		t->arrived = true;
		if (m->c.done_delay) {
			struct event d = { .type = EV_DONE, .n = e->n };

			d.at = m->now + rng_below(&m->rng, m->c.done_delay);
			post(m, &d);
		} else {
			finished(m, e->n);
		}
	}
	due = mrc_rxwin_sack_due(&m->rx, e->ackreq, false, e->rtx, dup,
				 e->calm);
	if (due) {
		u32 entropy = mrc_path_get(m->ps.paths, e->path)->entropy;

		send_sack(m, psn, false, 0, entropy);
		for (int i = 0; i < 4 && e->ackreq && mrc_rxwin_more(&m->rx); i++)
			send_sack(m, psn, false, 0, entropy);
	}
}

static void probe_in(struct model *m, struct event *e)
{
	u32 entropy = mrc_path_get(m->ps.paths, e->path)->entropy;
	u32 cack = mrc_psn_add(mrc_rxwin_next(&m->rx), -1);

	send_sack(m, cack, true, e->n, entropy);
	for (int i = 0; i < 4 && mrc_rxwin_more(&m->rx); i++)
		send_sack(m, cack, true, e->n, entropy);
}

/* ------------------------------------------------------------ running */

void model_defaults(struct model_conf *c)
{
	memset(c, 0, sizeof(*c));
	c->planes = 4;
	c->paths = 64;
	c->rx_window = 4096;
	c->tx_window = 4096;
	c->board = 64;
	c->board_max = 4096;
	c->bytes = 4160;
	c->ackreq_every = 64;
	c->rto_ns = 67 * MSEC;
	c->retry_cnt = 7;
	c->speed_bps = 40ULL * 1000 * MSEC;
	c->time_limit = 100000 * MSEC;
	c->bad_path = U32_MAX;
	for (int i = 0; i < MODEL_PLANES; i++) {
		c->plane[i].delay = 80000;
		c->plane[i].jitter = 40000;
	}
}

void model_init(struct model *m, const struct model_conf *c)
{
	u8 planes[MODEL_PLANES] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct mrc_tx_params tp = {
		.rto_ns = c->rto_ns,
		.retry_cnt = c->retry_cnt,
		.window = c->tx_window,
		.seed = c->seed | 1,
	};
	struct mrc_cc_profile profile = mrc_cc_default;
	struct mrc_cc_params cp = {
		.profile = &profile,
		.mtu = c->bytes,
		.speed_bps = c->speed_bps,
	};

	profile.trimming = c->trim;
	memset(m, 0, sizeof(*m));
	m->c = *c;
	m->rng.x = c->seed * 0x1234567 + 1;
	m->now = 1000 * MSEC + c->seed % 1000 * MSEC;
	m->truth = calloc(TRUTH, sizeof(*m->truth));
	m->entries = c->board;
	m->board = calloc(m->entries, sizeof(*m->board));
	mrc_tx_init(&m->tx, c->first_psn, m->board, m->entries);
	mrc_tx_set_params(&m->tx, &tp);
	m->ps.paths = malloc(mrc_paths_size(c->paths));
	mrc_paths_init(m->ps.paths, c->paths, planes, c->planes, c->seed);
	m->ps.cc = &m->cc;
	mrc_cc_init(&m->cc, &cp, m->now);
	m->rx_storage = malloc(mrc_rxwin_storage(c->rx_window));
	mrc_rxwin_init(&m->rx, c->first_psn, c->rx_window, m->rx_storage);
}

void model_free(struct model *m)
{
	free(m->truth);
	free(m->board);
	free(m->ps.paths);
	free(m->rx_storage);
	free(m->heap);
}

static bool over(const struct model *m, u64 end)
{
	if (m->dead || m->now > end)
		return true;
	return m->c.packets && m->made == m->c.packets &&
	       mrc_tx_idle(&m->tx) && m->st.delivered == m->c.packets;
}

/*
 * Processors of virtual machines stop for milliseconds: is the endpoint that
 * is to handle @e stopped? Then @e waits, in its place among the others.
 */
static bool stalled(struct model *m, struct event *e)
{
	int node;

	switch (e->type) {
	case EV_DATA:
	case EV_DONE:
	case EV_PROBE:
	case EV_PATH_PROBE:
		node = 1;
		break;
	case EV_HOOK:
		return false;
	default:
		node = 0;
	}
	if (!m->c.stall_every)
		return false;
	if (m->now >= m->next_stall[node]) {
		m->stalled_until[node] = m->now +
			rng_below(&m->rng, 2 * m->c.stall_for);
		m->next_stall[node] = m->stalled_until[node] +
			rng_below(&m->rng, 2 * m->c.stall_every);
	}
	if (m->now >= m->stalled_until[node])
		return false;
	e->at = m->stalled_until[node];
	if (e->type == EV_TIMER)
		m->timer_at = e->at;
	if (e->type == EV_PATH_TIMER)
		m->path_timer_at = e->at;
	post(m, e);
	return true;
}

void model_run(struct model *m)
{
	u64 end = m->now + m->c.time_limit;

	if (m->hook)
		post_at(m, EV_HOOK, m->hook_at);
	pump(m);
	while (!over(m, end)) {
		struct event e;

		if (!m->nheap)
			test_fail(__FILE__, __LINE__,
				  "deadlock: nothing will happen any more");
		e = take(m);
		CHECK(e.at >= m->now);
		m->now = e.at;
		if (e.type == EV_TIMER && e.at != m->timer_at)
			continue;
		if (e.type == EV_PATH_TIMER && e.at != m->path_timer_at)
			continue;
		if (stalled(m, &e))
			continue;
		switch (e.type) {
		case EV_DATA:
			data_in(m, &e);
			break;
		case EV_DONE:
			finished(m, e.n);
			break;
		case EV_SACK:
			sack_in(m, &e);
			break;
		case EV_PROBE:
			probe_in(m, &e);
			break;
		case EV_NACK:
			nack_in(m, &e);
			break;
		case EV_TIMER:
			timer(m);
			break;
		case EV_NEW:
			pump(m);
			break;
		case EV_PATH_TIMER:
			path_timer(m);
			break;
		case EV_PATH_PROBE: {
			int path = e.path;

			e.type = EV_PATH_ANSWER;
			transmit(m, &e, path, 1, 64);
			break;
		}
		case EV_PATH_ANSWER:
			mrc_paths_probe_answered(m->ps.paths, e.path,
						 (u32)(m->now - e.n * 1000ULL),
						 m->now);
			pump(m);
			break;
		case EV_HOOK:
			m->hook_at = 0;
			m->hook(m);
			if (m->hook_at)
				post_at(m, EV_HOOK, m->hook_at);
			pump(m);
			break;
		}
	}
}

void model_check_end(struct model *m)
{
	CHECK(!m->dead);
	CHECK_EQ(m->st.delivered, m->c.packets);
	CHECK(mrc_tx_idle(&m->tx));
	CHECK_EQ(mrc_tx_una(&m->tx), psn_of(m, m->c.packets));
	CHECK_EQ(mrc_rxwin_next(&m->rx), psn_of(m, m->c.packets));
	CHECK_EQ(mrc_cc_inflight(&m->cc), 0);
	CHECK_EQ(m->tx.flight.count, 0);
	CHECK_EQ(m->tx.lost.count, 0);
	CHECK_EQ(m->tx.sacked, 0);
	CHECK_EQ(m->ps.paths->inflight, 0);
	CHECK(mrc_tx_deadline(&m->tx, false) == U64_MAX);
}
