// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See workload.h. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* ------------------------------------------------------------ connections */

static void connect_hosts(struct sim *sim, u32 group, u32 src, u32 dst)
{
	struct group *g = &sim->work.groups[group];
	struct hosts *hs = &sim->hosts;

	for (u32 i = 0; i < g->t->qps; i++) {
		struct conn *c = &hs->conn[hs->nconns++];

		c->src = src;
		c->dst = dst;
		c->group = group;
		c->rank = g->nconns++;
		c->next = NONE;
		c->ppm = (g->message + sim->c.mtu - 1) / sim->c.mtu;
	}
}

/* Each host sends to one other, and each receives from one. */
static void permutation(struct sim *sim, u32 group, u32 first, u32 n)
{
	u32 *to = sim_alloc(n * sizeof(*to));

	/* Sattolo's: one cycle through all, so nobody sends to himself. */
	for (u32 i = 0; i < n; i++)
		to[i] = i;
	for (u32 i = n - 1; i; i--) {
		u32 k = rng_below(&sim->rng, i);
		u32 swap = to[i];

		to[i] = to[k];
		to[k] = swap;
	}
	for (u32 i = 0; i < n; i++)
		connect_hosts(sim, group, first + i, first + to[i]);
	free(to);
}

static void make_group(struct sim *sim, u32 group)
{
	struct group *g = &sim->work.groups[group];
	const struct traffic *t = g->t;
	u32 n = t->last - t->first + 1;

	g->first = sim->hosts.nconns;
	g->message = t->message;
	g->messages = t->count;
	switch (t->pattern) {
	case PATTERN_PERMUTATION:
		permutation(sim, group, t->first, n);
		break;
	case PATTERN_INCAST:
	case PATTERN_FLOW:
		for (u32 i = t->first; i <= t->last; i++)
			if (i != t->to)
				connect_hosts(sim, group, i, t->to);
		break;
	case PATTERN_ALLTOALL:
		if (!t->count)
			g->messages = 1;
		/* A host's own in a row, so that they may follow each other. */
		for (u32 i = 0; i < n; i++)
			for (u32 k = 1; k < n; k++)
				connect_hosts(sim, group, t->first + i,
					      t->first + (i + k) % n);
		break;
	case PATTERN_ALLREDUCE:
		/* Each step moves an n-th of the buffer to the next host. */
		g->message = (t->message + (u64)n * t->slices - 1) /
			     ((u64)n * t->slices);
		g->messages = 2 * (n - 1) * t->slices * (t->count ? t->count : 1);
		for (u32 i = 0; i < n; i++)
			connect_hosts(sim, group, t->first + i,
				      t->first + (i + 1) % n);
		break;
	}
	g->unfinished = g->nconns;
	if (g->messages)
		sim->work.unfinished++;
}

static u32 count_conns(const struct traffic *t)
{
	u32 n = t->last - t->first + 1;

	return (t->pattern == PATTERN_ALLTOALL ? n * (n - 1) : n) * t->qps;
}

/**
 * workload_init - make all connections
 * @sim: the run
 */
void workload_init(struct sim *sim)
{
	struct workload *w = &sim->work;
	u64 n = 0;

	w->ngroups = sim->c.ntraffic;
	w->groups = sim_alloc(w->ngroups * sizeof(*w->groups));
	for (u32 i = 0; i < w->ngroups; i++)
		n += count_conns(&sim->c.traffic[i]);
	sim->hosts.conn = sim_alloc(n * sizeof(*sim->hosts.conn));
	for (u32 i = 0; i < w->ngroups; i++) {
		w->groups[i].t = &sim->c.traffic[i];
		make_group(sim, i);
		engine_post(&sim->engine, w->groups[i].t->start * PS_PER_NS,
			    EV_TRAFFIC, i);
	}
}

/**
 * workload_free - give back its memory
 * @sim: the run
 */
void workload_free(struct sim *sim)
{
	for (u32 i = 0; i < sim->work.ngroups; i++)
		free(sim->work.groups[i].series);
	free(sim->work.groups);
}

/* ------------------------------------------------------------ messages */

/* Post up to @n more messages, as many as the connection still has to send. */
static void post(struct sim *sim, u32 conn, u32 n)
{
	struct conn *c = &sim->hosts.conn[conn];
	u32 total = sim->work.groups[c->group].messages;

	if (total && n > total - c->posted)
		n = total - c->posted;
	if (!n || c->failed)
		return;
	c->posted += n;
	sim->hosts.ops->posted(sim, conn);
}

/**
 * workload_start - a group's traffic begins
 * @sim: the run
 * @group: the group
 */
void workload_start(struct sim *sim, u32 group)
{
	struct group *g = &sim->work.groups[group];
	const struct traffic *t = g->t;
	u32 n = t->last - t->first + 1;
	u32 row = (n - 1) * t->qps;

	g->started = sim->engine.now;
	for (u32 i = 0; i < g->nconns; i++) {
		if (t->pattern == PATTERN_ALLREDUCE)
			post(sim, g->first + i, t->slices);
		else if (t->pattern != PATTERN_ALLTOALL || !t->parallel ||
			 i % row < t->parallel)
			post(sim, g->first + i, t->outstanding);
	}
}

static void finished(struct sim *sim, struct conn *c)
{
	struct group *g = &sim->work.groups[c->group];

	c->finished = sim->engine.now;
	if (--g->unfinished)
		return;
	g->finished = sim->engine.now;
	if (g->messages && !--sim->work.unfinished)
		sim->over = true;
}

/* An all-to-all's next connection of the same host. */
static void start_next(struct sim *sim, const struct conn *c)
{
	const struct group *g = &sim->work.groups[c->group];
	u32 row = (g->t->last - g->t->first) * g->t->qps;
	u32 next = c->rank % row + g->t->parallel;

	if (g->t->parallel && next < row)
		post(sim, g->first + c->rank + g->t->parallel, g->t->outstanding);
}

/**
 * workload_completed - the sender has been told that a message is delivered
 * @sim: the run
 * @conn: its connection
 */
void workload_completed(struct sim *sim, u32 conn)
{
	struct conn *c = &sim->hosts.conn[conn];
	struct group *g = &sim->work.groups[c->group];

	c->completed++;
	if (g->messages && c->completed == g->messages) {
		finished(sim, c);
		if (g->t->pattern == PATTERN_ALLTOALL)
			start_next(sim, c);
	} else if (g->t->pattern != PATTERN_ALLREDUCE) {
		post(sim, conn, 1);
	}
}

/**
 * workload_delivered - a message has been delivered, all before it too
 * @sim: the run
 * @conn: its connection
 */
void workload_delivered(struct sim *sim, u32 conn)
{
	struct conn *c = &sim->hosts.conn[conn];
	struct group *g = &sim->work.groups[c->group];

	c->delivered++;
	/* What was received is added up and passed on round the ring. */
	if (g->t->pattern == PATTERN_ALLREDUCE) {
		u32 qps = g->t->qps;
		u32 ring = c->rank / qps;

		ring = (ring + 1) % (g->nconns / qps);
		post(sim, g->first + ring * qps + c->rank % qps, 1);
	}
}

/**
 * workload_received - payload has arrived that had not before
 * @sim: the run
 * @conn: its connection
 * @bytes: of it
 */
void workload_received(struct sim *sim, u32 conn, u32 bytes)
{
	struct conn *c = &sim->hosts.conn[conn];

	c->rx_bytes += bytes;
	sim->work.groups[c->group].rx_bytes += bytes;
}

/**
 * workload_failed - a connection is in error
 * @sim: the run
 * @conn: the connection
 */
void workload_failed(struct sim *sim, u32 conn)
{
	struct conn *c = &sim->hosts.conn[conn];

	c->failed = true;
	sim->hosts.stats.failed++;
	if (!c->finished)
		finished(sim, c);
}

/* ------------------------------------------------------------ measuring */

/**
 * workload_sample - one more point of the time series
 * @sim: the run
 */
void workload_sample(struct sim *sim)
{
	struct workload *w = &sim->work;

	for (u32 i = 0; i < w->ngroups; i++) {
		struct group *g = &w->groups[i];

		if (w->nsamples == g->nseries) {
			g->nseries = g->nseries ? 2 * g->nseries : 256;
			g->series = sim_realloc(g->series, g->nseries *
						sizeof(*g->series));
		}
		g->series[w->nsamples] = g->rx_bytes - g->sample_mark;
		g->sample_mark = g->rx_bytes;
	}
	w->nsamples++;
}

/**
 * workload_measure - measuring begins now
 * @sim: the run
 */
void workload_measure(struct sim *sim)
{
	sim->measure_from = sim->engine.now;
	for (u32 i = 0; i < sim->hosts.nconns; i++)
		sim->hosts.conn[i].rx_mark = sim->hosts.conn[i].rx_bytes;
}
