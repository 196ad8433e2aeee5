// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * MRC hosts: kernel/transport, used as kernel/message and kernel/port use it.
 * A peer is what one host knows of another: paths and congestion, shared by
 * all connections between them, at the receiver for its control packets.
 */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "transport/rxwin.h"
#include "transport/tx.h"

#define RX_WINDOW	(MRC_MPR_DEFAULT * MRC_MPR_UNIT)
#define TX_WINDOW	4096
#define MORE_SACKS	3
/* Of a queue less is not told from what hosts hold up. */
#define HOLD_JITTERS	4
#define REVERSE_PATHS	4	/* MRC_REVERSE_DEFAULT of kernel/mrc.h */
/* METH and RETH; TSETH. */
#define WIRE_DATA	(WIRE_BTH + 4 + 16)
#define WIRE_TSETH	4
#define WIRE_SACK	(WIRE_BTH + 28 + 8 + 4)
#define WIRE_NACK	(WIRE_BTH + 20)
#define WIRE_PROBE	(WIRE_BTH + 16)
#define WIRE_EP_REQUEST	(WIRE_BTH + 16)
#define WIRE_EP_ANSWER	(WIRE_BTH + 36)
/* From bytes on the wire to the nominal size: UDP length + 40. */
#define NOMINAL(wire)	((wire) - WIRE_UDP + 8 + 40)
/* Memory of a connection is given back when nothing has moved for so long. */
#define IDLE_AFTER	(1000000ULL * PS_PER_NS)

/* A connection's two ends. */
struct mrc_conn {
	struct mrc_tx tx;
	struct mrc_rxwin rx;
	u64 made;		/* packets sent for the first time */
	u64 acked;		/* below this all are acknowledged */
	u64 taken;		/* below this all have been delivered */
	u64 timer_at;		/* ps, of the timer event that counts; 0: none */
	u64 moved_at;		/* ps */
	struct mrc_txent *board;
	void *storage;
	u32 entries;
	u32 peer;		/* sender's; NONE: not yet */
	u32 back;		/* receiver's */
	u32 waiter;		/* next that waits for the peer */
	u32 ackreq_psn;
	bool waiting;
	bool started;
	bool retire;		/* an EV_CONN_RETIRE is on its way */
	bool ackreq, ack_due;	/* receiver */
};

struct mrc_host_peer {
	u32 src, dst;
	u32 sibling;		/* the host's next */
	u32 waiters, waiters_tail;
	u64 timer_at;		/* ns; 0: none */
	u32 remote_down;	/* planes without carrier at the other end */
	u32 went_bad;		/* paths->went_bad when last looked at */
	bool found;		/* a path was taken out when data had been lost */
	struct mrc_peer_state st;
	struct mrc_cc cc;
	struct mrc_rotor rotor;	/* of control packets */
};

struct mrc_hosts {
	struct mrc_conn *conn;
	struct mrc_host_peer *peer;
	u32 npeers, peers_size;
	u32 *table;		/* peers by their ends; NONE: unused */
	u32 table_size;		/* power of two */
	u32 *of_host;		/* first peer of each host */
	u32 wire_full;		/* bytes of a full data packet, headers too */
	u32 wire_head;
	u64 memory;
	u64 boards, storages;	/* connections that have them */
};

static struct mrc_hosts *mrc_of(const struct sim *sim)
{
	return sim->hosts.transport;
}

/* ------------------------------------------------------------ peers */

static u32 slot_of(const struct mrc_hosts *m, u32 src, u32 dst)
{
	u32 i = mix32((u64)src << 32 | dst) & (m->table_size - 1);

	while (m->table[i] != NONE && (m->peer[m->table[i]].src != src ||
				       m->peer[m->table[i]].dst != dst))
		i = (i + 1) & (m->table_size - 1);
	return i;
}

static void grow_table(struct mrc_hosts *m)
{
	m->table_size *= 2;
	m->table = sim_realloc(m->table, m->table_size * sizeof(*m->table));
	memset(m->table, 0xff, m->table_size * sizeof(*m->table));
	for (u32 i = 0; i < m->npeers; i++)
		m->table[slot_of(m, m->peer[i].src, m->peer[i].dst)] = i;
}

/* Paths that name their T1: all T1s in turn, beginning anywhere. */
static void name_paths(struct sim *sim, struct mrc_paths *ps)
{
	u32 base = rng_below(&sim->rng, 0x4000);

	for (u32 i = 0; i < mrc_paths_count(ps); i++)
		mrc_path_get(ps, i)->entropy =
			0xc000 | ((base + i / sim->c.planes) & 0x3fff);
}

static u32 peer_find(struct sim *sim, u32 src, u32 dst, bool make)
{
	struct mrc_hosts *m = mrc_of(sim);
	u32 n = sim->c.planes * sim->c.paths, i, slot;
	struct mrc_host_peer *p;
	u8 planes[MRC_MAX_PORTS];
	struct mrc_cc_profile profile = mrc_cc_default;
	struct mrc_cc_params cc = {
		.profile = &profile,
		.mtu = NOMINAL(m->wire_full),
		.speed_bps = sim->c.speed * sim->c.planes,
		.hold_ns = HOLD_JITTERS * sim->c.jitter,
	};

	struct mrc_paths_conf paths = {
		.planes = planes, .nplanes = sim->c.planes, .n = n,
		.reverse = REVERSE_PATHS,
	};

	profile.trimming = sim->c.overflow == OVERFLOW_TRIM;
	slot = slot_of(m, src, dst);
	if (m->table[slot] != NONE || !make)
		return m->table[slot];
	if (2 * (m->npeers + 1) > m->table_size) {
		grow_table(m);
		slot = slot_of(m, src, dst);
	}
	if (m->npeers == m->peers_size) {
		m->peers_size *= 2;
		m->peer = sim_realloc(m->peer, m->peers_size * sizeof(*m->peer));
		for (i = 0; i < m->npeers; i++)
			m->peer[i].st.cc = &m->peer[i].cc;
	}
	i = m->npeers++;
	m->table[slot] = i;
	p = &m->peer[i];
	memset(p, 0, sizeof(*p));
	p->src = src;
	p->dst = dst;
	p->sibling = m->of_host[src];
	m->of_host[src] = i;
	p->waiters = NONE;
	p->waiters_tail = NONE;
	p->st.cc = &p->cc;
	p->st.paths = sim_alloc(mrc_paths_size(n));
	m->memory += mrc_paths_size(n);
	for (u32 k = 0; k < sim->c.planes; k++)
		planes[k] = k;
	paths.seed = rng_next(&sim->rng);
	mrc_paths_setup(p->st.paths, &paths);
	if (sim->c.routing == ROUTING_NAMED)
		name_paths(sim, p->st.paths);
	mrc_cc_init(&p->cc, &cc, sim_ns(sim));
	mrc_rotor_init(&p->rotor, rng_next(&sim->rng));
	mrc_paths_set_planes_down(p->st.paths, sim->hosts.host[src].down,
				  sim_ns(sim));
	return i;
}

static void peer_arm(struct sim *sim, u32 peer)
{
	struct mrc_host_peer *p = &mrc_of(sim)->peer[peer];
	u64 at = mrc_paths_probe_deadline(p->st.paths);

	if (at == U64_MAX || (p->timer_at && p->timer_at <= at))
		return;
	at = at > sim_ns(sim) ? at : sim_ns(sim) + 1;
	p->timer_at = at;
	engine_post(&sim->engine, at * PS_PER_NS, EV_PEER_TIMER, peer);
}

/*
 * Of the connections that wait for the peer, as many as there is room for try
 * again, in the order in which they came.
 */
static void wake_waiters(struct sim *sim, u32 peer)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_host_peer *p = &m->peer[peer];
	u64 room = mrc_cc_room(&p->cc);
	u64 turn = (u64)HOST_TURN * NOMINAL(m->wire_full);

	while (p->waiters != NONE && room) {
		u32 c = p->waiters;

		p->waiters = m->conn[c].waiter;
		if (p->waiters == NONE)
			p->waiters_tail = NONE;
		m->conn[c].waiting = false;
		host_ready(sim, c);
		room -= room < turn ? room : turn;
	}
}

static void wait_for_peer(struct mrc_hosts *m, u32 conn)
{
	struct mrc_host_peer *p = &m->peer[m->conn[conn].peer];

	if (m->conn[conn].waiting)
		return;
	m->conn[conn].waiting = true;
	m->conn[conn].waiter = NONE;
	if (p->waiters_tail == NONE)
		p->waiters = conn;
	else
		m->conn[p->waiters_tail].waiter = conn;
	p->waiters_tail = conn;
}

/* ------------------------------------------------------------ memory */

static void get_board(struct mrc_hosts *m, struct mrc_conn *c, u32 entries)
{
	struct mrc_txent *b = sim_alloc(entries * sizeof(*b));

	free(mrc_tx_grow(&c->tx, b, entries));
	m->memory += (entries - c->entries) * sizeof(*b);
	c->board = b;
	c->entries = entries;
}

static void start_stream(struct sim *sim, u32 conn)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_conn *c = &m->conn[conn];
	struct mrc_tx_params p = {
		.rto_ns = sim->c.rto,
		.retry_cnt = sim->c.retry,
		.window = RX_WINDOW,
		.jitter_ns = sim->c.jitter,
		.seed = mix32((u64)sim->c.seed << 32 | conn) | 1,
	};

	c->started = true;
	c->peer = peer_find(sim, sim->hosts.conn[conn].src,
			    sim->hosts.conn[conn].dst, true);
	c->entries = MRC_TX_BOARD_MIN;
	c->board = sim_alloc(c->entries * sizeof(*c->board));
	m->memory += c->entries * sizeof(*c->board);
	mrc_tx_init(&c->tx, conn, c->board, c->entries);
	mrc_tx_set_params(&c->tx, &p);
	c->back = NONE;
	c->rx.next = conn & MRC_PSN_MASK;
}

/* The receiver's bitmaps; while a connection is idle there is nothing in them. */
static void get_storage(struct mrc_hosts *m, struct mrc_conn *c)
{
	u64 rcvd = c->rx.rcvd_bytes;

	c->storage = sim_alloc(mrc_rxwin_storage(RX_WINDOW));
	m->memory += mrc_rxwin_storage(RX_WINDOW);
	mrc_rxwin_init(&c->rx, c->rx.next, RX_WINDOW, c->storage);
	c->rx.rcvd_bytes = rcvd;
}

static void retire(struct sim *sim, u32 conn)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_conn *c = &m->conn[conn];

	c->retire = false;
	if (c->entries && mrc_tx_idle(&c->tx) &&
	    sim->engine.now - c->moved_at >= IDLE_AFTER) {
		m->memory -= c->entries * sizeof(*c->board);
		free(c->board);
		c->board = NULL;
		c->tx.board = NULL;
		c->entries = 0;
		if (c->storage) {
			free(c->storage);
			c->storage = NULL;
			m->memory -= mrc_rxwin_storage(RX_WINDOW);
		}
	}
}

static void retire_later(struct sim *sim, u32 conn)
{
	struct mrc_conn *c = &mrc_of(sim)->conn[conn];

	if (c->retire)
		return;
	c->retire = true;
	engine_post(&sim->engine, sim->engine.now + IDLE_AFTER, EV_CONN_RETIRE,
		    conn);
}

/* ------------------------------------------------------------ sending */

static u32 new_packet(struct sim *sim, enum packet_kind kind, u32 conn,
		      u32 dst, u32 size, const struct mrc_path *path)
{
	u32 n = packet_new(sim);
	struct packet *p = &sim->fabric.packets[n];

	p->kind = kind;
	p->conn = conn;
	p->dst = dst;
	p->size = size;
	p->plane = path->plane;
	p->entropy = path->entropy;
	return n;
}

static void arm(struct sim *sim, u32 conn)
{
	struct mrc_conn *c = &mrc_of(sim)->conn[conn];
	u64 at = mrc_tx_deadline(&c->tx, false);

	if (at == U64_MAX)
		return;
	at = at * PS_PER_NS > sim->engine.now ? at * PS_PER_NS :
						sim->engine.now + PS_PER_NS;
	if (c->timer_at && c->timer_at <= at)
		return;
	c->timer_at = at;
	engine_post(&sim->engine, at, EV_CONN_TIMER, conn);
}

static void mrc_posted(struct sim *sim, u32 conn)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_conn *c = &m->conn[conn];

	if (!c->started)
		start_stream(sim, conn);
	else if (!c->entries)
		get_board(m, c, MRC_TX_BOARD_MIN);
	host_ready(sim, conn);
	host_pump(sim, sim->hosts.conn[conn].src);
}

static u64 packet_number(const struct mrc_conn *c, u32 psn)
{
	return c->made + (s64)mrc_psn_diff(psn, mrc_tx_next_psn(&c->tx));
}

static enum send_result send_packet(struct sim *sim, u32 conn)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_conn *c = &m->conn[conn];
	struct conn *cn = &sim->hosts.conn[conn];
	struct mrc_host_peer *p;
	bool rtx, last;
	u32 psn, size, pkt;
	u64 n;
	int path;

	if (!c->started || !c->entries)
		return SEND_DONE;
	p = &m->peer[c->peer];
	rtx = mrc_tx_peek_lost(&c->tx, &psn);
	if (rtx) {
		n = packet_number(c, psn);
	} else {
		n = c->made;
		if (n == conn_packets(cn))
			return SEND_DONE;
		while (!mrc_tx_window_open(&c->tx)) {
			if (!mrc_tx_board_full(&c->tx) ||
			    2 * c->entries > TX_WINDOW)
				return SEND_DONE;
			get_board(m, c, 2 * c->entries);
		}
		psn = mrc_tx_next_psn(&c->tx);
	}
	size = m->wire_head + conn_payload(sim, cn, n, &last);
	if (!mrc_cc_may_send(&p->cc, NOMINAL(size))) {
		wait_for_peer(m, conn);
		return SEND_DONE;
	}
	path = mrc_tx_pick_path(&c->tx, &p->st, psn, sim_ns(sim));
	if (path < 0) {
		wait_for_peer(m, conn);
		return SEND_DONE;
	}
	mrc_tx_sent(&c->tx, &p->st, psn, path, NOMINAL(size), sim_ns(sim));
	sim->hosts.stats.data++;
	if (rtx)
		sim->hosts.stats.rtx++;
	else
		c->made++;

	pkt = new_packet(sim, PKT_DATA, conn, cn->dst, size,
			 mrc_path_get(p->st.paths, path));
	sim->fabric.packets[pkt].psn = psn;
	sim->fabric.packets[pkt].flags |= PKT_F_TRIMMABLE;
	if (rtx)
		sim->fabric.packets[pkt].flags |= PKT_F_RTX;
	if (mrc_tx_calm(&c->tx, &p->st))
		sim->fabric.packets[pkt].flags |= PKT_F_CALM;
	if (p->found)
		sim->fabric.packets[pkt].flags |= PKT_F_LATE;
	if (sim->hosts.host[cn->dst].down >> sim->fabric.packets[pkt].plane & 1)
		sim->hosts.stats.to_down_at = sim->engine.now;
	/* As send_one() of kernel/message/run.c has it. */
	if (!mrc_cc_may_send(&p->cc, NOMINAL(size)) ||
	    !mrc_tx_window_open(&c->tx) ||
	    (last && c->made == conn_packets(cn)))
		sim->fabric.packets[pkt].flags |= PKT_F_ACKREQ;
	fabric_send(sim, cn->src, pkt);
	arm(sim, conn);
	return SEND_MORE;
}

static enum send_result mrc_send_one(struct sim *sim, u32 conn)
{
	enum send_result res = send_packet(sim, conn);

	/* It had its turn; what room is left is for others. */
	if (res == SEND_DONE && mrc_of(sim)->conn[conn].started &&
	    !mrc_of(sim)->conn[conn].waiting)
		wake_waiters(sim, mrc_of(sim)->conn[conn].peer);
	return res;
}

/* When did the sender first find out, and does it know better now? */
static void note_bad(struct sim *sim, struct mrc_host_peer *p)
{
	if (p->went_bad == p->st.paths->went_bad)
		return;
	p->went_bad = p->st.paths->went_bad;
	if (!sim->fabric.stats.data_lost)
		return;
	p->found = true;
	if (!sim->hosts.stats.found_at)
		sim->hosts.stats.found_at = sim->engine.now;
}

static void after_feedback(struct sim *sim, u32 conn,
			   const struct mrc_tx_result *res)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_conn *c = &m->conn[conn];
	struct conn *cn = &sim->hosts.conn[conn];

	sim->hosts.stats.spurious += res->spurious;
	note_bad(sim, &m->peer[c->peer]);
	c->moved_at = sim->engine.now;
	if (res->advanced) {
		u64 done;

		c->acked = packet_number(c, mrc_tx_una(&c->tx));
		done = c->acked / cn->ppm;
		while (cn->completed < done)
			workload_completed(sim, conn);
		if (mrc_tx_idle(&c->tx))
			retire_later(sim, conn);
	}
	host_ready(sim, conn);
	wake_waiters(sim, c->peer);
	arm(sim, conn);
	peer_arm(sim, c->peer);
	host_pump(sim, cn->src);
}

static void timer(struct sim *sim, u32 conn)
{
	struct mrc_hosts *m = mrc_of(sim);
	struct mrc_conn *c = &m->conn[conn];
	struct mrc_host_peer *p = &m->peer[c->peer];
	struct conn *cn = &sim->hosts.conn[conn];
	struct mrc_tx_result res;
	unsigned int what;

	/* One that was overtaken by an earlier one. */
	if (sim->engine.now != c->timer_at)
		return;
	c->timer_at = 0;
	if (cn->failed || !c->entries)
		return;
	if (mrc_tx_deadline(&c->tx, false) > sim_ns(sim)) {
		arm(sim, conn);
		return;
	}
	what = mrc_tx_on_timer(&c->tx, &p->st, sim_ns(sim), false, &res);
	if (what & MRC_TX_RTO)
		sim->hosts.stats.rtos++;
	if (what & MRC_TX_DEAD) {
		mrc_tx_release(&c->tx, &p->st);
		workload_failed(sim, conn);
		wake_waiters(sim, c->peer);
		host_pump(sim, cn->src);
		return;
	}
	if (what & MRC_TX_PROBE) {
		u32 pkt;
		int path;
		u16 id = mrc_tx_probe_sent(&c->tx, &p->st, &path, sim_ns(sim));

		sim->hosts.stats.probes++;
		if (path >= 0) {
			pkt = new_packet(sim, PKT_PROBE, conn, cn->dst,
					 WIRE_PROBE,
					 mrc_path_get(p->st.paths, path));
			sim->fabric.packets[pkt].psn = id;
			fabric_send(sim, cn->src, pkt);
		}
	}
	after_feedback(sim, conn, &res);
}

static void sack_in(struct sim *sim, u32 pkt)
{
	struct mrc_hosts *m = mrc_of(sim);
	const struct packet *pk = &sim->fabric.packets[pkt];
	const union body *b = &sim->fabric.bodies[pk->body];
	struct mrc_conn *c = &m->conn[pk->conn];
	u32 conn = pk->conn;
	struct mrc_tx_result res = {};
	struct mrc_nack nack;
	struct mrc_sack s;
	bool ok;

	if (sim->hosts.conn[conn].failed || !c->entries) {
		packet_free(sim, pkt);
		return;
	}
	if (pk->kind == PKT_SACK) {
		ok = mrc_sack_decode(&s, &b->sack.seth, &b->sack.cc);
		if (ok)
			mrc_tx_on_sack(&c->tx, &m->peer[c->peer].st, &s,
				       sim_ns(sim), &res);
	} else {
		ok = mrc_nack_decode(&nack, &b->nack);
		if (ok)
			mrc_tx_on_nack(&c->tx, &m->peer[c->peer].st, &nack,
				       sim_ns(sim), &res);
	}
	packet_free(sim, pkt);
	if (ok && !res.stale)
		after_feedback(sim, conn, &res);
}

/* ------------------------------------------------------------ receiving */

/* A path for a control packet back to the sender; NULL: no plane is up. */
static const struct mrc_path *control_path(struct sim *sim, u32 peer)
{
	struct mrc_host_peer *p = &mrc_of(sim)->peer[peer];
	int path = mrc_paths_pick_reverse(p->st.paths, &p->rotor, sim_ns(sim));

	return path < 0 ? NULL : mrc_path_get(p->st.paths, path);
}

static struct mrc_host_peer *back_peer(struct sim *sim, u32 conn)
{
	struct mrc_conn *c = &mrc_of(sim)->conn[conn];
	const struct conn *cn = &sim->hosts.conn[conn];

	if (c->back == NONE)
		c->back = peer_find(sim, cn->dst, cn->src, true);
	return &mrc_of(sim)->peer[c->back];
}

/* A control packet from the receiver to the sender; NONE: none can go. */
static u32 answer(struct sim *sim, enum packet_kind kind, u32 conn, u32 size)
{
	const struct conn *cn = &sim->hosts.conn[conn];
	const struct mrc_path *path;
	u32 pkt, body;

	back_peer(sim, conn);
	path = control_path(sim, mrc_of(sim)->conn[conn].back);
	peer_arm(sim, mrc_of(sim)->conn[conn].back);
	if (!path)
		return NONE;
	pkt = new_packet(sim, kind, conn, cn->src, size, path);
	body = body_new(sim);
	sim->fabric.packets[pkt].body = body;
	sim->fabric.packets[pkt].flags = PKT_F_CONTROL;
	return pkt;
}

static void send_sack(struct sim *sim, u32 conn, struct mrc_sack *s, u32 psn,
		      u16 entropy, bool ecn)
{
	struct mrc_conn *c = &mrc_of(sim)->conn[conn];
	u32 pkt = answer(sim, PKT_SACK, conn, WIRE_SACK);
	union body *b;

	/* It counts as sent even so: it would have been lost. */
	mrc_rxwin_fill_sack(&c->rx, s, psn);
	s->acked_psn = psn;
	s->m = ecn ? MRC_SACK_M_SKIP_ONCE : MRC_SACK_M_NONE;
	s->entropy = entropy;
	c->ack_due = false;
	if (mrc_psn_diff(mrc_rxwin_next(&c->rx), c->ackreq_psn) > 0)
		c->ackreq = false;
	if (pkt == NONE)
		return;
	b = &sim->fabric.bodies[sim->fabric.packets[pkt].body];
	mrc_sack_encode(s, &b->sack.seth, &b->sack.cc);
	sim->hosts.stats.acks++;
	fabric_send(sim, sim->hosts.conn[conn].dst, pkt);
}

static void send_more(struct sim *sim, u32 conn, struct mrc_sack *s, u32 psn,
		      u16 entropy, bool ecn)
{
	struct mrc_conn *c = &mrc_of(sim)->conn[conn];

	for (int i = 0; i < MORE_SACKS && mrc_rxwin_more(&c->rx); i++)
		send_sack(sim, conn, s, psn, entropy, ecn);
}

static void send_nack(struct sim *sim, u32 conn, const struct packet *p)
{
	struct mrc_nack n = {
		.reason = p->flags & PKT_F_LASTHOP ? MRC_NACK_TRIMMED_LASTHOP :
						     MRC_NACK_TRIMMED,
		.entropy = p->entropy,
		.psn = p->psn,
	};
	u32 pkt = answer(sim, PKT_NACK, conn, WIRE_NACK);

	if (pkt == NONE)
		return;
	mrc_nack_encode(&n, &sim->fabric.bodies[sim->fabric.packets[pkt].body].nack);
	sim->hosts.stats.nacks++;
	fabric_send(sim, sim->hosts.conn[conn].dst, pkt);
}

static void data_in(struct sim *sim, u32 pkt)
{
	/* The pool of packets may move when one is made. */
	struct packet p = sim->fabric.packets[pkt];
	struct mrc_conn *c = &mrc_of(sim)->conn[p.conn];
	struct conn *cn = &sim->hosts.conn[p.conn];
	bool due, last, ecn = p.flags & PKT_F_ECN;
	bool ackreq = p.flags & PKT_F_ACKREQ;
	enum mrc_rx_verdict v;
	struct mrc_sack s = {};
	u64 n, done;

	packet_free(sim, pkt);
	if (!c->storage)
		get_storage(mrc_of(sim), c);
	v = mrc_rxwin_check(&c->rx, p.psn);
	if (v == MRC_RX_OUTSIDE)
		return;
	if (v != MRC_RX_NEW) {
		if (mrc_rxwin_sack_due(&c->rx, ackreq, ecn, p.flags & PKT_F_RTX,
				       true, false))
			send_sack(sim, p.conn, &s, p.psn, p.entropy, ecn);
		return;
	}
	if (p.flags & PKT_F_TRIMMED) {
		send_nack(sim, p.conn, &p);
		return;
	}

	n = c->taken + (s64)mrc_psn_diff(p.psn, mrc_rxwin_next(&c->rx));
	mrc_rxwin_claim(&c->rx, p.psn, NOMINAL(p.size));
	workload_received(sim, p.conn, conn_payload(sim, cn, n, &last));
	due = mrc_rxwin_sack_due(&c->rx, ackreq, ecn, p.flags & PKT_F_RTX, false,
				 p.flags & PKT_F_CALM);
	if (ackreq && (!c->ackreq || mrc_psn_diff(p.psn, c->ackreq_psn) > 0)) {
		c->ackreq = true;
		c->ackreq_psn = p.psn;
	}
	/* Placed at once: hosts are as fast as their links. */
	c->taken += mrc_rxwin_done(&c->rx, p.psn);
	done = c->taken / cn->ppm;
	if (cn->delivered < done)
		c->ack_due = true;
	while (cn->delivered < done)
		workload_delivered(sim, p.conn);
	if (due || (c->ack_due && c->ackreq &&
		    mrc_psn_diff(mrc_rxwin_next(&c->rx), c->ackreq_psn) > 0)) {
		send_sack(sim, p.conn, &s, p.psn, p.entropy, ecn);
		if (ackreq)
			send_more(sim, p.conn, &s, p.psn, p.entropy, ecn);
	}
}

static void probe_in(struct sim *sim, u32 pkt)
{
	struct packet p = sim->fabric.packets[pkt];
	struct mrc_conn *c = &mrc_of(sim)->conn[p.conn];
	struct mrc_sack s = { .probe = true, .probe_id = p.psn };
	u32 cack;

	packet_free(sim, pkt);
	if (!c->storage)
		get_storage(mrc_of(sim), c);
	cack = mrc_psn_add(mrc_rxwin_next(&c->rx), -1);
	send_sack(sim, p.conn, &s, cack, p.entropy, p.flags & PKT_F_ECN);
	send_more(sim, p.conn, &s, cack, p.entropy, p.flags & PKT_F_ECN);
}

/* ------------------------------------------------------------ between hosts */

static void peer_timer(struct sim *sim, u32 peer)
{
	struct mrc_host_peer *p = &mrc_of(sim)->peer[peer];
	int path;

	if (sim_ns(sim) != p->timer_at)
		return;
	p->timer_at = 0;
	path = mrc_paths_next_probe(p->st.paths, sim_ns(sim));
	if (path >= 0) {
		u32 pkt = new_packet(sim, PKT_PATH_PROBE, peer, p->dst,
				     WIRE_EP_REQUEST,
				     mrc_path_get(p->st.paths, path));
		u32 body = body_new(sim);

		sim->fabric.packets[pkt].body = body;
		sim->fabric.bodies[body].probe.path = path;
		sim->fabric.bodies[body].probe.sent = sim->engine.now;
		sim->hosts.stats.path_probes++;
		fabric_send(sim, p->src, pkt);
	}
	peer_arm(sim, peer);
}

static void path_probe_in(struct sim *sim, u32 host, u32 pkt)
{
	struct packet *pk = &sim->fabric.packets[pkt];
	u32 back = peer_find(sim, host, mrc_of(sim)->peer[pk->conn].src, true);
	const struct mrc_path *path = control_path(sim, back);

	if (!path) {
		packet_free(sim, pkt);
		return;
	}
	/* The same packet goes back. */
	pk->kind = PKT_PATH_ANSWER;
	pk->flags = PKT_F_CONTROL;
	pk->dst = mrc_of(sim)->peer[pk->conn].src;
	pk->size = WIRE_EP_ANSWER;
	pk->plane = path->plane;
	pk->entropy = path->entropy;
	pk->link = NONE;
	fabric_send(sim, host, pkt);
}

static void path_answer_in(struct sim *sim, u32 host, u32 pkt)
{
	const struct packet *pk = &sim->fabric.packets[pkt];
	const union body *b = &sim->fabric.bodies[pk->body];
	struct mrc_host_peer *p = &mrc_of(sim)->peer[pk->conn];
	u32 peer = pk->conn;

	mrc_paths_probe_answered(p->st.paths, b->probe.path,
				 (sim->engine.now - b->probe.sent) / PS_PER_NS,
				 sim_ns(sim));
	packet_free(sim, pkt);
	peer_arm(sim, peer);
	wake_waiters(sim, peer);
	host_pump(sim, host);
}

static void apply_planes(struct sim *sim, u32 peer)
{
	struct mrc_host_peer *p = &mrc_of(sim)->peer[peer];

	mrc_paths_set_planes_down(p->st.paths, p->remote_down |
				  sim->hosts.host[p->src].down, sim_ns(sim));
	peer_arm(sim, peer);
	wake_waiters(sim, peer);
}

/*
 * PORT_STATUS. The kernel repeats it until it is answered; here it goes once
 * over every plane, which comes to the same.
 */
static void mrc_carrier(struct sim *sim, u32 host)
{
	struct mrc_hosts *m = mrc_of(sim);

	for (u32 i = m->of_host[host]; i != NONE; i = m->peer[i].sibling) {
		apply_planes(sim, i);
		for (u32 k = 0; k < sim->c.planes; k++) {
			const struct mrc_path *path =
				mrc_path_get(m->peer[i].st.paths, k);
			u32 pkt, body;

			if (sim->hosts.host[host].down >> path->plane & 1)
				continue;
			pkt = new_packet(sim, PKT_PORT_STATUS, i,
					 m->peer[i].dst, WIRE_EP_REQUEST, path);
			body = body_new(sim);
			sim->fabric.packets[pkt].body = body;
			sim->fabric.packets[pkt].flags = PKT_F_CONTROL;
			sim->fabric.bodies[body].planes_down =
				sim->hosts.host[host].down;
			fabric_send(sim, host, pkt);
		}
	}
}

static void port_status_in(struct sim *sim, u32 host, u32 pkt)
{
	struct packet *pk = &sim->fabric.packets[pkt];
	u32 peer = peer_find(sim, host, mrc_of(sim)->peer[pk->conn].src, true);

	mrc_of(sim)->peer[peer].remote_down =
		sim->fabric.bodies[pk->body].planes_down;
	packet_free(sim, pkt);
	apply_planes(sim, peer);
	host_pump(sim, host);
}

static void mrc_deny(struct sim *sim, u32 conn, u32 t1, u32 plane, bool deny)
{
	u32 host = sim->hosts.conn[conn].src;
	u32 peer = peer_find(sim, host, sim->hosts.conn[conn].dst, true);
	struct mrc_paths *ps = mrc_of(sim)->peer[peer].st.paths;

	for (u32 i = 0; i < mrc_paths_count(ps); i++) {
		const struct mrc_path *path = mrc_path_get(ps, i);

		if (path->plane == plane && path->entropy % sim->c.t1s == t1)
			mrc_paths_deny(ps, i, deny);
	}
	wake_waiters(sim, peer);
	host_pump(sim, host);
}

static void mrc_receive(struct sim *sim, u32 host, u32 pkt)
{
	switch (sim->fabric.packets[pkt].kind) {
	case PKT_DATA:
		data_in(sim, pkt);
		break;
	case PKT_PROBE:
		probe_in(sim, pkt);
		break;
	case PKT_SACK:
	case PKT_NACK:
		sack_in(sim, pkt);
		break;
	case PKT_PATH_PROBE:
		path_probe_in(sim, host, pkt);
		break;
	case PKT_PATH_ANSWER:
		path_answer_in(sim, host, pkt);
		break;
	case PKT_PORT_STATUS:
		port_status_in(sim, host, pkt);
		break;
	}
}

static void mrc_event(struct sim *sim, u32 kind, u32 arg)
{
	switch (kind) {
	case EV_CONN_TIMER:
		timer(sim, arg);
		break;
	case EV_CONN_RETIRE:
		retire(sim, arg);
		break;
	case EV_PEER_TIMER:
		peer_timer(sim, arg);
		break;
	}
}

/* ------------------------------------------------------------ begin, end */

static void mrc_init(struct sim *sim)
{
	struct mrc_hosts *m = sim_alloc(sizeof(*m));

	sim->hosts.transport = m;
	m->wire_head = WIRE_DATA + (sim->c.timestamps ? WIRE_TSETH : 0);
	m->wire_full = m->wire_head + sim->c.mtu;
	m->conn = sim_alloc(sim->hosts.nconns * sizeof(*m->conn));
	m->peers_size = 64;
	m->peer = sim_alloc(m->peers_size * sizeof(*m->peer));
	m->table_size = 64;
	m->table = sim_alloc(m->table_size * sizeof(*m->table));
	memset(m->table, 0xff, m->table_size * sizeof(*m->table));
	m->of_host = sim_alloc(sim->c.hosts * sizeof(*m->of_host));
	memset(m->of_host, 0xff, sim->c.hosts * sizeof(*m->of_host));
}

static void mrc_free(struct sim *sim)
{
	struct mrc_hosts *m = mrc_of(sim);

	for (u32 i = 0; i < sim->hosts.nconns; i++) {
		free(m->conn[i].board);
		free(m->conn[i].storage);
	}
	for (u32 i = 0; i < m->npeers; i++)
		free(m->peer[i].st.paths);
	free(m->conn);
	free(m->peer);
	free(m->table);
	free(m->of_host);
	free(m);
}

static u64 mrc_memory(const struct sim *sim)
{
	const struct mrc_hosts *m = mrc_of(sim);

	return m->memory + sim->hosts.nconns * sizeof(*m->conn) +
	       m->peers_size * sizeof(*m->peer) +
	       m->table_size * sizeof(*m->table);
}

static struct path_counts mrc_count_paths(const struct sim *sim)
{
	const struct mrc_hosts *m = mrc_of(sim);
	struct path_counts n = {};

	for (u32 i = 0; i < m->npeers; i++) {
		const struct mrc_paths *ps = m->peer[i].st.paths;

		n.bad += mrc_paths_in_state(ps, -1, MRC_PATH_ASSUMED_BAD);
		n.out += ps->went_bad;
	}
	return n;
}

const struct transport_ops mrc_transport = {
	.init = mrc_init,
	.free = mrc_free,
	.posted = mrc_posted,
	.send_one = mrc_send_one,
	.receive = mrc_receive,
	.event = mrc_event,
	.carrier = mrc_carrier,
	.memory = mrc_memory,
	.deny = mrc_deny,
	.count_paths = mrc_count_paths,
};
