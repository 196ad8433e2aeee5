// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See sim.h. */
#include <time.h>

#include "faults.h"
#include "sim.h"

/* Events between two looks at the clock on the wall. */
#define LOOK_EVERY	(1 << 18)

/**
 * sim_init - set up a run
 * @sim: the run
 * @c: the scenario, after scenario_finish(); copied
 */
void sim_init(struct sim *sim, const struct scenario *c)
{
	*sim = (struct sim){ .c = *c };
	engine_init(&sim->engine);
	sim->rng.x = c->seed;
	fabric_init(sim);
	hosts_init(sim);
	faults_init(sim);
	workload_init(sim);
	sim->hosts.ops->init(sim);
	engine_post(&sim->engine, c->warmup * PS_PER_NS, EV_WARM, 0);
	engine_post(&sim->engine, c->sample * PS_PER_NS, EV_SAMPLE, 0);
	if (c->duration)
		engine_post(&sim->engine, c->duration * PS_PER_NS, EV_END, 0);
}

/**
 * sim_free - give back all memory
 * @sim: the run
 */
void sim_free(struct sim *sim)
{
	hosts_free(sim);
	workload_free(sim);
	faults_free(sim);
	fabric_free(sim);
	engine_free(&sim->engine);
}

static void handle(struct sim *sim, const struct event *ev)
{
	switch (ev->kind) {
	case EV_ARRIVE:
		fabric_arrive(sim, ev->arg);
		break;
	case EV_WIRE_FREE:
		fabric_wire_free(sim, ev->arg);
		break;
	case EV_PAUSE:
	case EV_RESUME:
		fabric_pause(sim, ev->arg, ev->kind == EV_PAUSE);
		break;
	case EV_TRAFFIC:
		workload_start(sim, ev->arg);
		break;
	case EV_FAULT_BEGIN:
	case EV_FAULT_END:
		fault_event(sim, ev->arg, ev->kind == EV_FAULT_BEGIN);
		break;
	case EV_SAMPLE:
		workload_sample(sim);
		engine_post(&sim->engine, ev->at + sim->c.sample * PS_PER_NS,
			    EV_SAMPLE, 0);
		break;
	case EV_WARM:
		workload_measure(sim);
		break;
	case EV_END:
		sim->over = true;
		break;
	default:
		sim->hosts.ops->event(sim, ev->kind, ev->arg);
	}
}

/**
 * sim_run - until the traffic is done or the time is up
 * @sim: the run
 * @progress: called about once a second; NULL: not
 */
void sim_run(struct sim *sim, void (*progress)(const struct sim *sim))
{
	time_t last = time(NULL);
	struct event ev;
	u32 look = 0;

	while (!sim->over && engine_next(&sim->engine, &ev)) {
		handle(sim, &ev);
		if (progress && ++look == LOOK_EVERY) {
			look = 0;
			if (time(NULL) != last) {
				last = time(NULL);
				progress(sim);
			}
		}
	}
	sim->measure_to = sim->engine.now;
}

/**
 * sim_memory - memory held
 * @sim: the run
 *
 * Return: bytes.
 */
u64 sim_memory(const struct sim *sim)
{
	const struct fabric *f = &sim->fabric;

	return sim->engine.memory + (u64)f->nlinks * sizeof(*f->links) +
	       (u64)f->npackets * sizeof(*f->packets) +
	       (u64)f->nbodies * sizeof(*f->bodies) +
	       sim->c.hosts * sizeof(*sim->hosts.host) +
	       sim->hosts.nconns * sizeof(*sim->hosts.conn) +
	       sim->hosts.ops->memory(sim);
}
