/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Simulated time, the queue of events, random numbers.
 *
 * Time is in ps, so that a minimal packet on the fastest link still takes a
 * whole number of units. Events of the same time come out in the order in
 * which they were posted; so a run depends on its scenario and seed alone.
 */
#ifndef MRC_SIM_ENGINE_H
#define MRC_SIM_ENGINE_H

#include <linux/types.h>

#include "rng.h"

#define PS_PER_NS	1000ULL
#define NEVER		(~0ULL)

struct event {
	u64 at;			/* ps */
	u32 kind;
	u32 arg;
};

/*
 * A radix heap: events are filed by the highest digit (of six bits) in which
 * their time differs from that of the event taken last, and by its value. A
 * slot of the lowest level holds events of one time only; a slot of a higher
 * one is dealt out again when time reaches it. Each event moves once per
 * level at most, whatever the number of events, and always in sequential
 * memory.
 */
#define RADIX_BITS	6
#define RADIX_SLOTS	(1 << RADIX_BITS)
#define RADIX_LEVELS	11	/* 66 bits */
#define CHUNK_EVENTS	31

struct event_chunk {
	struct event_chunk *next;
	u32 used;
	struct event ev[CHUNK_EVENTS];
};

struct event_slot {
	struct event_chunk *head, *tail;
	u32 taken;		/* of the first chunk; lowest level only */
};

struct engine {
	u64 now;		/* ps: time of the event taken last */
	u64 taken;		/* events taken */
	u64 pending;
	u64 used[RADIX_LEVELS];	/* slots that hold something */
	struct event_slot slot[RADIX_LEVELS][RADIX_SLOTS];
	struct event_chunk *free;
	u64 memory;		/* bytes of chunks */
};

void engine_init(struct engine *e);
void engine_free(struct engine *e);
/* @at: not before e->now. */
void engine_post(struct engine *e, u64 at, u32 kind, u32 arg);
/* The next event, to which time moves; false: none is left. */
bool engine_next(struct engine *e, struct event *ev);

/* Mixes what names a packet's flow; the switches' ECMP hash. */
static inline u32 mix32(u64 x)
{
	struct rng r = { x };

	return rng_next(&r) >> 32;
}

/* Memory that must be there: the simulator ends without it. Zeroed. */
void *sim_alloc(size_t size);
void *sim_realloc(void *p, size_t size);

#endif
