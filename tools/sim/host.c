// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See host.h. */
#include <stdlib.h>

#include "sim.h"

/**
 * hosts_init - hosts without connections
 * @sim: the run
 */
void hosts_init(struct sim *sim)
{
	struct hosts *hs = &sim->hosts;

	hs->host = sim_alloc(sim->c.hosts * sizeof(*hs->host));
	for (u32 i = 0; i < sim->c.hosts; i++) {
		hs->host[i].head = NONE;
		hs->host[i].tail = NONE;
	}
	hs->ops = sim->c.transport == TRANSPORT_ROCE ? &roce_transport :
						       &mrc_transport;
}

/**
 * hosts_free - give back their memory
 * @sim: the run
 */
void hosts_free(struct sim *sim)
{
	sim->hosts.ops->free(sim);
	free(sim->hosts.host);
	free(sim->hosts.conn);
}

/**
 * conn_payload - payload of a packet
 * @sim: the run
 * @c: connection
 * @n: number of the packet since its beginning
 * @last: set to whether it is the last of its message
 *
 * Return: bytes.
 */
u32 conn_payload(const struct sim *sim, const struct conn *c, u64 n, bool *last)
{
	u64 message = sim->work.groups[c->group].message;
	u32 i = n % c->ppm;

	*last = i == c->ppm - 1;
	return *last ? message - (u64)i * sim->c.mtu : sim->c.mtu;
}

static void append(struct sim *sim, struct host *h, u32 conn)
{
	struct conn *c = sim->hosts.conn;

	c[conn].next = NONE;
	c[conn].ready = true;
	if (h->tail == NONE)
		h->head = conn;
	else
		c[h->tail].next = conn;
	h->tail = conn;
}

/**
 * host_ready - a connection may have something to send
 * @sim: the run
 * @conn: the connection
 */
void host_ready(struct sim *sim, u32 conn)
{
	struct conn *c = &sim->hosts.conn[conn];

	if (!c->ready && !c->failed)
		append(sim, &sim->hosts.host[c->src], conn);
}

/**
 * host_pump - packets to the ports while there is room, from each in turn
 * @sim: the run
 * @host: the host
 */
void host_pump(struct sim *sim, u32 host)
{
	struct host *h = &sim->hosts.host[host];
	u32 up = sim->c.planes - __builtin_popcount(h->down);
	bool more;

	/* What is sent may lead here again. */
	if (h->pumping)
		return;
	h->pumping = true;
	while (h->head != NONE && h->backlog < up * sim->c.nic_queue) {
		u32 conn = h->head;
		struct conn *c = &sim->hosts.conn[conn];

		if (!c->failed &&
		    sim->hosts.ops->send_one(sim, conn) == SEND_MORE &&
		    ++h->turn < HOST_TURN)
			continue;
		/* Sending never makes another the first. */
		more = h->turn == HOST_TURN;
		h->turn = 0;
		h->head = c->next;
		if (h->head == NONE)
			h->tail = NONE;
		c->ready = false;
		if (more)
			host_ready(sim, conn);
	}
	h->pumping = false;
}
