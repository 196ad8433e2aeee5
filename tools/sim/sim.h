/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* One run: everything there is. */
#ifndef MRC_SIM_SIM_H
#define MRC_SIM_SIM_H

#include "engine.h"
#include "fabric.h"
#include "host.h"
#include "scenario.h"
#include "workload.h"

enum event_kind {
	EV_ARRIVE,		/* packet, at the end of its link */
	EV_WIRE_FREE,		/* link */
	EV_PAUSE, EV_RESUME,	/* link */
	EV_CONN_TIMER,		/* connection */
	EV_CONN_RETIRE,		/* connection: idle for a while? */
	EV_CONN_PACE,		/* connection: RoCE, the rate allows a packet */
	EV_CONN_ALPHA,		/* connection: DCQCN's timers */
	EV_CONN_RATE,
	EV_PEER_TIMER,		/* peer */
	EV_TRAFFIC,		/* group */
	EV_FAULT_BEGIN, EV_FAULT_END,	/* fault */
	EV_SAMPLE,
	EV_WARM,		/* measuring begins */
	EV_END,
};

struct sim {
	struct scenario c;
	struct engine engine;
	struct rng rng;		/* the network's chances */
	struct fabric fabric;
	struct hosts hosts;
	struct workload work;
	u32 *picked;		/* FAULT_SOME_LINKS: the links */
	u32 npicked;
	u64 measure_from, measure_to;	/* ps */
	bool over;
};

static inline u64 sim_ns(const struct sim *sim)
{
	return sim->engine.now / PS_PER_NS;
}

void sim_init(struct sim *sim, const struct scenario *c);
/*
 * Until the traffic is done or the time is up. @progress: called about once a
 * second of real time; NULL: not.
 */
void sim_run(struct sim *sim, void (*progress)(const struct sim *sim));
void sim_free(struct sim *sim);
/* Bytes of memory held, all told; and per connection that is idle. */
u64 sim_memory(const struct sim *sim);

#endif
