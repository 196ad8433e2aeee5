// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See faults.h. */
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "sim.h"

static void link_fault(struct sim *sim, const struct fault *f, u32 link,
		       bool begin)
{
	if (f->loss)
		sim->fabric.links[link].loss = begin ? f->loss : 0;
	else if (f->rate)
		fabric_link_rate(sim, link, begin ? f->rate : 0);
	else
		fabric_link_down(sim, link, begin);
}

static void host_link(struct sim *sim, const struct fault *f, u32 host,
		      u32 plane, bool begin)
{
	struct host *h = &sim->hosts.host[host];

	link_fault(sim, f, link_host_up(&sim->fabric, plane, host), begin);
	link_fault(sim, f, link_host_down(&sim->fabric, plane, host), begin);
	if (f->silent || f->loss || f->rate)
		return;
	if (begin)
		h->down |= 1U << plane;
	else
		h->down &= ~(1U << plane);
	sim->hosts.ops->carrier(sim, host);
	host_pump(sim, host);
}

static void t0_link(struct sim *sim, const struct fault *f, u32 plane, u32 t0,
		    u32 t1, bool begin)
{
	link_fault(sim, f, link_t0_t1(&sim->fabric, plane, t0, t1), begin);
	link_fault(sim, f, link_t1_t0(&sim->fabric, plane, t1, t0), begin);
}

static void t0_fault(struct sim *sim, const struct fault *f, u32 plane, u32 t0,
		     bool begin)
{
	const struct fabric *fab = &sim->fabric;

	for (u32 i = 0; i < fab->t1s; i++)
		t0_link(sim, f, plane, t0, i, begin);
	for (u32 h = t0 * fab->per_t0;
	     h < fab->hosts && h < (t0 + 1) * fab->per_t0; h++)
		host_link(sim, f, h, plane, begin);
}

/* Both directions of a share of the links between T0 and T1, drawn once. */
static void pick_links(struct sim *sim, const struct fault *f)
{
	const struct fabric *fab = &sim->fabric;
	u32 per_plane = fab->t0s * fab->t1s;
	u32 total = fab->planes * per_plane;
	u32 n = ((u64)total * f->share + (1U << 31)) >> 32;
	u32 *all;

	if (sim->picked || !n)
		return;
	all = sim_alloc(total * sizeof(*all));
	for (u32 i = 0; i < total; i++)
		all[i] = i;
	for (u32 i = 0; i < n; i++) {
		u32 k = i + rng_below(&sim->rng, total - i);
		u32 swap = all[i];

		all[i] = all[k];
		all[k] = swap;
	}
	sim->picked = all;
	sim->npicked = n;
}

static void some_links(struct sim *sim, const struct fault *f, bool begin)
{
	const struct fabric *fab = &sim->fabric;

	pick_links(sim, f);
	for (u32 i = 0; i < sim->npicked; i++) {
		u32 n = sim->picked[i];
		u32 per_plane = fab->t0s * fab->t1s;

		t0_link(sim, f, n / per_plane, n % per_plane / fab->t1s,
			n % fab->t1s, begin);
	}
}

/* The operator's word at all hosts that send the traffic. */
static void denied(struct sim *sim, const struct fault *f, bool begin)
{
	for (u32 i = 0; i < sim->work.ngroups; i++) {
		const struct group *g = &sim->work.groups[i];

		if (strcmp(g->t->name, f->traffic) || !sim->hosts.ops->deny)
			continue;
		for (u32 k = 0; k < g->nconns; k++)
			sim->hosts.ops->deny(sim, g->first + k, f->t1, f->plane,
					     begin);
	}
}

/**
 * fault_event - a fault begins or ends
 * @sim: the run
 * @fault: its number
 * @begin: which of the two
 */
void fault_event(struct sim *sim, u32 fault, bool begin)
{
	const struct fault *f = &sim->c.faults[fault];
	const struct fabric *fab = &sim->fabric;

	switch (f->target) {
	case FAULT_HOST_LINK:
		host_link(sim, f, f->host, f->plane, begin);
		break;
	case FAULT_T0_LINK:
		t0_link(sim, f, f->plane, f->t0, f->t1, begin);
		break;
	case FAULT_T0:
		t0_fault(sim, f, f->plane, f->t0, begin);
		break;
	case FAULT_T1:
		for (u32 i = 0; i < fab->t0s; i++)
			t0_link(sim, f, f->plane, i, f->t1, begin);
		break;
	case FAULT_PLANE:
		for (u32 i = 0; i < fab->t0s; i++)
			t0_fault(sim, f, f->plane, i, begin);
		break;
	case FAULT_NICS:
		for (u32 p = 0; p < fab->planes; p++)
			for (u32 h = 0; h < fab->hosts; h++)
				link_fault(sim, f, link_host_down(fab, p, h),
					   begin);
		break;
	case FAULT_SOME_LINKS:
		some_links(sim, f, begin);
		break;
	case FAULT_DENIED:
		denied(sim, f, begin);
		break;
	}
}

/**
 * faults_init - schedule the faults
 * @sim: the run
 */
void faults_init(struct sim *sim)
{
	for (u32 i = 0; i < sim->c.nfaults; i++) {
		const struct fault *f = &sim->c.faults[i];

		for (u32 k = 0; k < f->times; k++) {
			u64 at = f->at + k * f->every;

			engine_post(&sim->engine, at * PS_PER_NS,
				    EV_FAULT_BEGIN, i);
			if (f->lasts)
				engine_post(&sim->engine,
					    (at + f->lasts) * PS_PER_NS,
					    EV_FAULT_END, i);
		}
	}
}

/**
 * faults_free - give back their memory
 * @sim: the run
 */
void faults_free(struct sim *sim)
{
	free(sim->picked);
}

/**
 * faults_first - when a fault changes for the first time after the warm-up
 * @sim: the run
 *
 * Return: ns; NEVER if none does.
 */
u64 faults_first(const struct sim *sim)
{
	u64 first = NEVER;

	for (u32 i = 0; i < sim->c.nfaults; i++) {
		const struct fault *f = &sim->c.faults[i];
		u64 at = f->at > sim->c.warmup || !f->lasts ? f->at :
							      f->at + f->lasts;

		if (at > sim->c.warmup && at < first)
			first = at;
	}
	return first;
}

/**
 * faults_mended - when a fault first ends after the first change
 * @sim: the run
 *
 * Return: ns; NEVER if none does.
 */
u64 faults_mended(const struct sim *sim)
{
	u64 first = faults_first(sim), mended = NEVER;

	for (u32 i = 0; i < sim->c.nfaults; i++) {
		const struct fault *f = &sim->c.faults[i];

		if (f->lasts && f->at + f->lasts > first &&
		    f->at + f->lasts < mended)
			mended = f->at + f->lasts;
	}
	return mended;
}
