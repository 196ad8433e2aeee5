// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See fabric.h. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* ------------------------------------------------------------ pools */

#define POOL_FIRST	1024

/**
 * packet_new - a packet
 * @sim: the run
 *
 * Return: its number.
 */
u32 packet_new(struct sim *sim)
{
	struct fabric *f = &sim->fabric;
	struct packet *p;
	u32 n;

	if (f->free_packet == NONE) {
		u32 old = f->npackets;

		f->npackets = old ? 2 * old : POOL_FIRST;
		f->packets = sim_realloc(f->packets,
					 (size_t)f->npackets * sizeof(*p));
		for (u32 i = f->npackets; i-- > old;) {
			f->packets[i].next = f->free_packet;
			f->free_packet = i;
		}
	}
	n = f->free_packet;
	p = &f->packets[n];
	f->free_packet = p->next;
	memset(p, 0, sizeof(*p));
	p->next = NONE;
	p->body = NONE;
	p->link = NONE;
	return n;
}

/**
 * body_new - room for what a control packet carries
 * @sim: the run
 *
 * Return: its number; it is freed with the packet that has it.
 */
u32 body_new(struct sim *sim)
{
	struct fabric *f = &sim->fabric;
	u32 n;

	/* A free body holds the number of the next. */
	if (f->free_body == NONE) {
		u32 old = f->nbodies;

		f->nbodies = old ? 2 * old : POOL_FIRST;
		f->bodies = sim_realloc(f->bodies,
					(size_t)f->nbodies * sizeof(*f->bodies));
		for (u32 i = f->nbodies; i-- > old;) {
			f->bodies[i].planes_down = f->free_body;
			f->free_body = i;
		}
	}
	n = f->free_body;
	f->free_body = f->bodies[n].planes_down;
	memset(&f->bodies[n], 0, sizeof(f->bodies[n]));
	return n;
}

/**
 * packet_free - a packet has come to its end
 * @sim: the run
 * @pkt: its number
 */
void packet_free(struct sim *sim, u32 pkt)
{
	struct fabric *f = &sim->fabric;
	struct packet *p = &f->packets[pkt];

	if (p->body != NONE) {
		f->bodies[p->body].planes_down = f->free_body;
		f->free_body = p->body;
	}
	p->next = f->free_packet;
	f->free_packet = pkt;
}

/* ------------------------------------------------------------ layout */

u32 link_host_up(const struct fabric *f, u32 plane, u32 host)
{
	return plane * f->links_per_plane + host;
}

u32 link_host_down(const struct fabric *f, u32 plane, u32 host)
{
	return plane * f->links_per_plane + f->hosts + host;
}

u32 link_t0_t1(const struct fabric *f, u32 plane, u32 t0, u32 t1)
{
	return plane * f->links_per_plane + 2 * f->hosts + t0 * f->t1s + t1;
}

u32 link_t1_t0(const struct fabric *f, u32 plane, u32 t1, u32 t0)
{
	return plane * f->links_per_plane + 2 * f->hosts + f->t0s * f->t1s +
	       t1 * f->t0s + t0;
}

/**
 * fabric_link_rate - set how fast a link is
 * @sim: the run
 * @link: the link
 * @rate: bits/s; 0: as fast as the scenario has such links
 */
void fabric_link_rate(struct sim *sim, u32 link, u64 rate)
{
	struct link *l = &sim->fabric.links[link];

	if (!rate)
		rate = l->kind == LINK_HOST_UP || l->kind == LINK_HOST_DOWN ?
		       sim->c.speed : sim->c.fabric_speed;
	l->ps_per_byte = 8000000000000ULL / rate;
}

static void set_link(struct sim *sim, u32 n, enum link_kind kind, u32 plane,
		     u32 to)
{
	const struct scenario *c = &sim->c;
	struct link *l = &sim->fabric.links[n];

	l->kind = kind;
	l->plane = plane;
	l->to = to;
	fabric_link_rate(sim, n, 0);
	l->delay = PS_PER_NS * (c->link_delay + (kind == LINK_HOST_DOWN ?
						 c->host_delay : c->switch_delay));
	l->data.head = NONE;
	l->data.tail = NONE;
	l->control = l->data;
}

/**
 * fabric_init - lay out the network
 * @sim: the run
 */
void fabric_init(struct sim *sim)
{
	struct fabric *f = &sim->fabric;
	const struct scenario *c = &sim->c;

	f->hosts = c->hosts;
	f->planes = c->planes;
	f->per_t0 = c->hosts_per_t0;
	f->t0s = (c->hosts + c->hosts_per_t0 - 1) / c->hosts_per_t0;
	f->t1s = c->t1s;
	f->links_per_plane = 2 * f->hosts + 2 * f->t0s * f->t1s;
	f->nlinks = f->planes * f->links_per_plane;
	f->links = sim_alloc((size_t)f->nlinks * sizeof(*f->links));
	f->free_packet = NONE;
	f->free_body = NONE;
	f->hash_seed = rng_next(&sim->rng);
	for (u32 p = 0; p < f->planes; p++) {
		for (u32 h = 0; h < f->hosts; h++) {
			set_link(sim, link_host_up(f, p, h), LINK_HOST_UP, p,
				 h / f->per_t0);
			set_link(sim, link_host_down(f, p, h), LINK_HOST_DOWN,
				 p, h);
		}
		for (u32 t = 0; t < f->t0s; t++)
			for (u32 s = 0; s < f->t1s; s++) {
				set_link(sim, link_t0_t1(f, p, t, s),
					 LINK_T0_T1, p, s);
				set_link(sim, link_t1_t0(f, p, s, t),
					 LINK_T1_T0, p, t);
			}
	}
}

/**
 * fabric_free - give back its memory
 * @sim: the run
 */
void fabric_free(struct sim *sim)
{
	free(sim->fabric.links);
	free(sim->fabric.packets);
	free(sim->fabric.bodies);
}

/* ------------------------------------------------------------ queues */

static void queue_add(struct fabric *f, struct queue *q, u32 pkt)
{
	f->packets[pkt].next = NONE;
	if (q->tail == NONE)
		q->head = pkt;
	else
		f->packets[q->tail].next = pkt;
	q->tail = pkt;
}

static u32 queue_take(struct fabric *f, struct queue *q)
{
	u32 pkt = q->head;

	q->head = f->packets[pkt].next;
	if (q->head == NONE)
		q->tail = NONE;
	return pkt;
}

static bool data_can_go(const struct link *l)
{
	return l->data.head != NONE && !l->paused;
}

/* Pause frames travel back over the link that is to be paused. */
static void hold(struct sim *sim, u32 from, u32 bytes)
{
	struct link *l;

	if (!sim->c.pfc || from == NONE)
		return;
	l = &sim->fabric.links[from];
	l->held += bytes;
	if (!l->xoff && l->held > sim->c.pfc_xoff) {
		l->xoff = true;
		sim->fabric.stats.pauses++;
		engine_post(&sim->engine, sim->engine.now + l->delay, EV_PAUSE,
			    from);
	}
}

static void release(struct sim *sim, u32 from, u32 bytes)
{
	struct link *l;

	if (!sim->c.pfc || from == NONE)
		return;
	l = &sim->fabric.links[from];
	l->held -= bytes;
	if (l->xoff && l->held < sim->c.pfc_xoff - sim->c.pfc_xoff / 8) {
		l->xoff = false;
		engine_post(&sim->engine, sim->engine.now + l->delay, EV_RESUME,
			    from);
	}
}

static void drop(struct sim *sim, u32 pkt, u64 *why)
{
	const struct packet *p = &sim->fabric.packets[pkt];
	struct fabric_stats *s = &sim->fabric.stats;

	++*why;
	if (p->kind == PKT_DATA) {
		if (!s->data_lost++)
			s->data_lost_at = sim->engine.now;
		s->data_late += !!(p->flags & PKT_F_LATE);
		sim->hosts.conn[p->conn].lost++;
	}
	packet_free(sim, pkt);
}

static void transmit(struct sim *sim, u32 link, u32 pkt)
{
	struct fabric *f = &sim->fabric;
	struct link *l = &f->links[link];
	struct packet *p = &f->packets[pkt];
	u64 at;

	l->busy_until = sim->engine.now + (u64)p->size * l->ps_per_byte;
	p->link = link;
	p->epoch = l->epoch;
	at = l->busy_until + l->delay;
	if (l->kind == LINK_HOST_DOWN && sim->c.host_jitter)
		at += rng_next(&sim->rng) % (sim->c.host_jitter * PS_PER_NS);
	engine_post(&sim->engine, at, EV_ARRIVE, pkt);
}

static void want_wire(struct sim *sim, u32 link)
{
	struct link *l = &sim->fabric.links[link];

	if (l->pending || (l->control.head == NONE && !data_can_go(l)))
		return;
	l->pending = true;
	engine_post(&sim->engine, l->busy_until, EV_WIRE_FREE, link);
}

/**
 * fabric_wire_free - a link's wire is free for the next packet
 * @sim: the run
 * @link: the link
 */
void fabric_wire_free(struct sim *sim, u32 link)
{
	struct fabric *f = &sim->fabric;
	struct link *l = &f->links[link];
	bool host = l->kind == LINK_HOST_UP;
	u32 pkt;

	l->pending = false;
	if (l->control.head != NONE) {
		pkt = queue_take(f, &l->control);
	} else if (data_can_go(l)) {
		u32 size;

		pkt = queue_take(f, &l->data);
		size = f->packets[pkt].size;
		l->bytes -= size;
		release(sim, f->packets[pkt].link, size);
		if (host)
			sim->hosts.host[link - link_host_up(f, l->plane, 0)].backlog -= size;
	} else {
		return;
	}
	transmit(sim, link, pkt);
	want_wire(sim, link);
	if (host)
		host_pump(sim, link - link_host_up(f, l->plane, 0));
}

/**
 * fabric_pause - a pause frame, or its end, has come back over a link
 * @sim: the run
 * @link: the link whose data is to wait
 * @pause: or to go on
 */
void fabric_pause(struct sim *sim, u32 link, bool pause)
{
	sim->fabric.links[link].paused = pause;
	want_wire(sim, link);
}

static bool marks(struct sim *sim, const struct link *l)
{
	const struct scenario *c = &sim->c;

	if (l->kind == LINK_HOST_DOWN && !c->ecn_last_hop)
		return false;
	if (l->bytes < c->ecn_min)
		return false;
	if (l->bytes >= c->ecn_max)
		return true;
	return rng_hits(&sim->rng, (u64)c->ecn_prob * (l->bytes - c->ecn_min) /
				     (c->ecn_max - c->ecn_min));
}

/* At a switch: into the output queue of @link. */
static void enqueue(struct sim *sim, u32 link, u32 pkt)
{
	struct fabric *f = &sim->fabric;
	struct link *l = &f->links[link];
	struct packet *p = &f->packets[pkt];

	if (l->down) {
		drop(sim, pkt, &f->stats.faulty);
		return;
	}
	if (!(p->flags & PKT_F_CONTROL)) {
		if (l->bytes + p->size > sim->c.queue && !sim->c.pfc) {
			if (sim->c.overflow != OVERFLOW_TRIM ||
			    !(p->flags & PKT_F_TRIMMABLE)) {
				drop(sim, pkt, &f->stats.full);
				return;
			}
			f->stats.trimmed++;
			p->size = WIRE_TRIMMED;
			p->flags |= PKT_F_TRIMMED | PKT_F_CONTROL;
			if (l->kind == LINK_HOST_DOWN)
				p->flags |= PKT_F_LASTHOP;
		} else if (marks(sim, l)) {
			p->flags |= PKT_F_ECN;
			f->stats.marked++;
		}
	}

	if (p->flags & PKT_F_CONTROL) {
		if (l->busy_until <= sim->engine.now && !l->pending) {
			transmit(sim, link, pkt);
			return;
		}
		queue_add(f, &l->control, pkt);
	} else {
		if (l->busy_until <= sim->engine.now && !l->pending &&
		    !l->paused && l->data.head == NONE) {
			transmit(sim, link, pkt);
			return;
		}
		queue_add(f, &l->data, pkt);
		l->bytes += p->size;
		hold(sim, p->link, p->size);
		if (l->bytes > l->max_bytes)
			l->max_bytes = l->bytes;
		if (l->bytes > f->stats.max_queue)
			f->stats.max_queue = l->bytes;
	}
	want_wire(sim, link);
}

/**
 * fabric_send - a host hands a packet to one of its ports
 * @sim: the run
 * @host: the host
 * @pkt: the packet
 */
void fabric_send(struct sim *sim, u32 host, u32 pkt)
{
	struct fabric *f = &sim->fabric;
	struct packet *p = &f->packets[pkt];
	u32 link = link_host_up(f, p->plane, host);
	struct link *l = &f->links[link];

	f->stats.sent++;
	if (l->down) {
		drop(sim, pkt, &f->stats.faulty);
		return;
	}
	if (p->flags & PKT_F_CONTROL) {
		queue_add(f, &l->control, pkt);
	} else {
		queue_add(f, &l->data, pkt);
		l->bytes += p->size;
		sim->hosts.host[host].backlog += p->size;
	}
	if (l->busy_until < sim->engine.now)
		l->busy_until = sim->engine.now;
	want_wire(sim, link);
}

/* ------------------------------------------------------------ switching */

/*
 * The T1 that a T0 sends a packet to: the entropy names it, or a hash of what
 * names the flow chooses.
 */
static u32 choose_t1(const struct sim *sim, const struct packet *p, u32 t0)
{
	const struct fabric *f = &sim->fabric;
	u64 flow;

	if (sim->c.routing == ROUTING_NAMED)
		return p->entropy % f->t1s;
	flow = (u64)p->entropy << 32 | p->dst;
	flow ^= (u64)t0 << 48 ^ (u64)f->hash_seed << 8;
	/* The 5-tuple has both ends; the link it came by stands for the sender. */
	flow ^= (u64)p->link << 20;
	return ((u64)mix32(flow) * f->t1s) >> 32;
}

/**
 * fabric_arrive - a packet has come to the end of its link
 * @sim: the run
 * @pkt: the packet
 */
void fabric_arrive(struct sim *sim, u32 pkt)
{
	struct fabric *f = &sim->fabric;
	struct packet *p = &f->packets[pkt];
	struct link *l = &f->links[p->link];
	u32 t0, out;

	if (l->epoch != p->epoch) {
		drop(sim, pkt, &f->stats.faulty);
		return;
	}
	if (rng_hits(&sim->rng, l->loss)) {
		drop(sim, pkt, &f->stats.lost);
		return;
	}
	t0 = p->dst / f->per_t0;
	switch (l->kind) {
	case LINK_HOST_UP:
		if (t0 != l->to) {
			out = link_t0_t1(f, l->plane, l->to,
					 choose_t1(sim, p, l->to));
			break;
		}
		fallthrough;
	case LINK_T1_T0:
		out = link_host_down(f, l->plane, p->dst);
		break;
	case LINK_T0_T1:
		out = link_t1_t0(f, l->plane, l->to, t0);
		break;
	default:
		f->stats.delivered++;
		sim->hosts.ops->receive(sim, l->to, pkt);
		return;
	}
	enqueue(sim, out, pkt);
}

/* ------------------------------------------------------------ faults */

static void flush(struct sim *sim, struct link *l)
{
	struct fabric *f = &sim->fabric;

	while (l->control.head != NONE)
		drop(sim, queue_take(f, &l->control), &f->stats.faulty);
	while (l->data.head != NONE) {
		u32 pkt = queue_take(f, &l->data);

		release(sim, f->packets[pkt].link, f->packets[pkt].size);
		if (l->kind == LINK_HOST_UP) {
			u32 host = l - &f->links[link_host_up(f, l->plane, 0)];

			sim->hosts.host[host].backlog -= f->packets[pkt].size;
		}
		drop(sim, pkt, &f->stats.faulty);
	}
	l->bytes = 0;
}

/**
 * fabric_link_down - a fault takes a link away, or ends
 * @sim: the run
 * @link: the link
 * @down: which of the two
 */
void fabric_link_down(struct sim *sim, u32 link, bool down)
{
	struct link *l = &sim->fabric.links[link];

	if (!down) {
		l->down--;
		return;
	}
	if (!l->down++) {
		l->epoch++;
		flush(sim, l);
	}
}
