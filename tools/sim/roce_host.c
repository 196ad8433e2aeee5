// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * RoCEv2 hosts, for comparison: RC with go-back-N, one path per connection as
 * ECMP hashes it, DCQCN. Losslessness is the network's business (PFC).
 */
#include <stdlib.h>

#include "dcqcn.h"
#include "sim.h"

#define WIRE_DATA	(WIRE_BTH + 16)		/* RETH, in the first */
#define WIRE_ACK	(WIRE_BTH + 4)
#define WIRE_CNP	(WIRE_BTH + 16)
/* An acknowledgment at least every so many packets. */
#define ACK_EVERY	16

struct roce_conn {
	struct dcqcn cc;
	u64 next, una;		/* packets: to be sent next, not acknowledged */
	u64 made;		/* below this all were sent at least once */
	u64 expected;		/* receiver */
	u64 next_at;		/* ps: when the rate allows the next packet */
	u64 moved_at;		/* ps: last progress */
	u64 cnp_at;		/* ps: last CNP by the receiver */
	u64 alpha_at, rate_at;	/* ps: of the timer events that count */
	u32 unacked;		/* receiver: packets since its last ACK */
	u16 entropy;
	u8 plane;
	u8 tries;
	bool paced;		/* an EV_CONN_PACE is on its way */
	bool timer;		/* an EV_CONN_TIMER is */
	bool nak_sent;		/* for this gap */
	bool cnp_sent;		/* ever */
};

static struct roce_conn *roce_of(const struct sim *sim, u32 conn)
{
	return (struct roce_conn *)sim->hosts.transport + conn;
}

static u32 control(struct sim *sim, enum packet_kind kind, u32 conn, u32 dst,
		   u32 size, u64 n)
{
	const struct roce_conn *c = roce_of(sim, conn);
	u32 pkt = packet_new(sim);
	struct packet *p = &sim->fabric.packets[pkt];

	p->kind = kind;
	p->conn = conn;
	p->dst = dst;
	p->size = size;
	p->psn = n & MRC_PSN_MASK;
	p->plane = c->plane;
	p->entropy = c->entropy;
	return pkt;
}

static void answer(struct sim *sim, enum packet_kind kind, u32 conn, u32 size)
{
	const struct conn *cn = &sim->hosts.conn[conn];
	u32 pkt = control(sim, kind, conn, cn->src, size,
			  roce_of(sim, conn)->expected);

	sim->fabric.packets[pkt].flags = PKT_F_CONTROL;
	sim->hosts.stats.acks++;
	fabric_send(sim, cn->dst, pkt);
}

static void arm(struct sim *sim, u32 conn)
{
	struct roce_conn *c = roce_of(sim, conn);

	if (c->timer || c->una == c->made)
		return;
	c->timer = true;
	engine_post(&sim->engine, c->moved_at + sim->c.rto * PS_PER_NS,
		    EV_CONN_TIMER, conn);
}

static enum send_result roce_send_one(struct sim *sim, u32 conn)
{
	struct roce_conn *c = roce_of(sim, conn);
	struct conn *cn = &sim->hosts.conn[conn];
	u64 now = sim->engine.now;
	u32 pkt, size;
	bool last;

	if (c->next == conn_packets(cn))
		return SEND_DONE;
	if (now < c->next_at) {
		if (!c->paced) {
			c->paced = true;
			engine_post(&sim->engine, c->next_at, EV_CONN_PACE, conn);
		}
		return SEND_DONE;
	}
	if (c->una == c->made)
		c->moved_at = now;
	size = WIRE_DATA + conn_payload(sim, cn, c->next, &last);
	pkt = control(sim, PKT_DATA, conn, cn->dst, size, c->next);
	if (last)
		sim->fabric.packets[pkt].flags |= PKT_F_ACKREQ;
	sim->hosts.stats.data++;
	if (c->next < c->made)
		sim->hosts.stats.rtx++;
	c->next++;
	if (c->next > c->made)
		c->made = c->next;
	c->next_at = now + (u64)(size * 8e12 / c->cc.rate);
	dcqcn_sent(&c->cc, size);
	fabric_send(sim, cn->src, pkt);
	arm(sim, conn);
	return SEND_MORE;
}

static void roce_posted(struct sim *sim, u32 conn)
{
	host_ready(sim, conn);
	host_pump(sim, sim->hosts.conn[conn].src);
}

/* Number of the packet with @psn, near @n. */
static u64 number_near(u64 n, u32 psn)
{
	return n + (s64)mrc_psn_diff(psn, n & MRC_PSN_MASK);
}

static void ack_in(struct sim *sim, u32 conn, u32 psn, bool nak)
{
	struct roce_conn *c = roce_of(sim, conn);
	struct conn *cn = &sim->hosts.conn[conn];
	u64 n = number_near(c->una, psn);

	if (n > c->una && n <= c->made) {
		c->una = n;
		c->moved_at = sim->engine.now;
		c->tries = 0;
		if (c->next < n)
			c->next = n;
		while (cn->completed < c->una / cn->ppm)
			workload_completed(sim, conn);
	}
	if (nak && n == c->una)
		c->next = c->una;
	host_ready(sim, conn);
	host_pump(sim, cn->src);
}

static void data_in(struct sim *sim, u32 pkt)
{
	struct packet p = sim->fabric.packets[pkt];
	struct roce_conn *c = roce_of(sim, p.conn);
	struct conn *cn = &sim->hosts.conn[p.conn];
	u64 n = number_near(c->expected, p.psn), now = sim->engine.now;
	bool last;

	packet_free(sim, pkt);
	if (p.flags & PKT_F_ECN &&
	    (!c->cnp_sent || now - c->cnp_at >= DCQCN_CNP_INTERVAL * PS_PER_NS)) {
		c->cnp_sent = true;
		c->cnp_at = now;
		sim->hosts.stats.cnps++;
		answer(sim, PKT_CNP, p.conn, WIRE_CNP);
	}
	if (n > c->expected) {
		if (!c->nak_sent) {
			c->nak_sent = true;
			sim->hosts.stats.nacks++;
			answer(sim, PKT_NAK, p.conn, WIRE_ACK);
		}
		return;
	}
	if (n < c->expected) {
		if (p.flags & PKT_F_ACKREQ)
			answer(sim, PKT_ACK, p.conn, WIRE_ACK);
		return;
	}
	c->nak_sent = false;
	c->expected++;
	workload_received(sim, p.conn, conn_payload(sim, cn, n, &last));
	if (last)
		workload_delivered(sim, p.conn);
	if (++c->unacked >= ACK_EVERY || p.flags & PKT_F_ACKREQ) {
		c->unacked = 0;
		answer(sim, PKT_ACK, p.conn, WIRE_ACK);
	}
}

static void start_timers(struct sim *sim, u32 conn)
{
	struct roce_conn *c = roce_of(sim, conn);
	u64 now = sim->engine.now;

	c->alpha_at = now + DCQCN_ALPHA_TIMER * PS_PER_NS;
	c->rate_at = now + DCQCN_RATE_TIMER * PS_PER_NS;
	engine_post(&sim->engine, c->alpha_at, EV_CONN_ALPHA, conn);
	engine_post(&sim->engine, c->rate_at, EV_CONN_RATE, conn);
}

static void roce_receive(struct sim *sim, u32 host, u32 pkt)
{
	const struct packet p = sim->fabric.packets[pkt];

	if (p.kind == PKT_DATA) {
		data_in(sim, pkt);
		return;
	}
	packet_free(sim, pkt);
	if (p.kind == PKT_CNP) {
		dcqcn_cnp(&roce_of(sim, p.conn)->cc);
		start_timers(sim, p.conn);
	} else if (!sim->hosts.conn[p.conn].failed) {
		ack_in(sim, p.conn, p.psn, p.kind == PKT_NAK);
	}
}

static void timeout(struct sim *sim, u32 conn)
{
	struct roce_conn *c = roce_of(sim, conn);
	struct conn *cn = &sim->hosts.conn[conn];

	c->timer = false;
	if (cn->failed || c->una == c->made)
		return;
	if (sim->engine.now - c->moved_at >= sim->c.rto * PS_PER_NS) {
		sim->hosts.stats.rtos++;
		if (++c->tries > sim->c.retry) {
			workload_failed(sim, conn);
			return;
		}
		c->moved_at = sim->engine.now;
		c->next = c->una;
		host_ready(sim, conn);
		host_pump(sim, cn->src);
	}
	arm(sim, conn);
}

static void roce_event(struct sim *sim, u32 kind, u32 arg)
{
	struct roce_conn *c = roce_of(sim, arg);
	u64 now = sim->engine.now;

	switch (kind) {
	case EV_CONN_TIMER:
		timeout(sim, arg);
		break;
	case EV_CONN_PACE:
		c->paced = false;
		roce_posted(sim, arg);
		break;
	case EV_CONN_ALPHA:
		/* Of several on their way only the newest counts. */
		if (now != c->alpha_at || dcqcn_at_line(&c->cc))
			break;
		dcqcn_alpha(&c->cc);
		c->alpha_at = now + DCQCN_ALPHA_TIMER * PS_PER_NS;
		engine_post(&sim->engine, c->alpha_at, kind, arg);
		break;
	case EV_CONN_RATE:
		if (now != c->rate_at || dcqcn_at_line(&c->cc))
			break;
		dcqcn_timer(&c->cc);
		c->rate_at = now + DCQCN_RATE_TIMER * PS_PER_NS;
		engine_post(&sim->engine, c->rate_at, kind, arg);
		break;
	}
}

/* Nothing moves a connection to another plane: bonding would take seconds. */
static void roce_carrier(struct sim *sim, u32 host)
{
}

static void roce_init(struct sim *sim)
{
	struct roce_conn *c = sim_alloc(sim->hosts.nconns * sizeof(*c));

	sim->hosts.transport = c;
	for (u32 i = 0; i < sim->hosts.nconns; i++) {
		dcqcn_init(&c[i].cc, sim->c.speed);
		c[i].entropy = 0xc000 | rng_below(&sim->rng, 0x4000);
		c[i].plane = rng_below(&sim->rng, sim->c.planes);
	}
}

static void roce_free(struct sim *sim)
{
	free(sim->hosts.transport);
}

static u64 roce_memory(const struct sim *sim)
{
	return sim->hosts.nconns * sizeof(struct roce_conn);
}

const struct transport_ops roce_transport = {
	.init = roce_init,
	.free = roce_free,
	.posted = roce_posted,
	.send_one = roce_send_one,
	.receive = roce_receive,
	.event = roce_event,
	.carrier = roce_carrier,
	.memory = roce_memory,
};
