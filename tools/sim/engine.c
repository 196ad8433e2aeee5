// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* See engine.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/**
 * sim_alloc - memory, zeroed
 * @size: bytes
 *
 * Return: the memory; ends the program if there is none.
 */
void *sim_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p) {
		fprintf(stderr, "mrc-sim: out of memory (%zu bytes)\n", size);
		exit(2);
	}
	return p;
}

/**
 * sim_realloc - more memory
 * @p: what there was
 * @size: bytes
 *
 * Return: the memory; ends the program if there is none.
 */
void *sim_realloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p) {
		fprintf(stderr, "mrc-sim: out of memory (%zu bytes)\n", size);
		exit(2);
	}
	return p;
}

/**
 * engine_init - begin at time 0 with no events
 * @e: the engine
 */
void engine_init(struct engine *e)
{
	memset(e, 0, sizeof(*e));
}

static void free_chunks(struct event_chunk *c)
{
	while (c) {
		struct event_chunk *next = c->next;

		free(c);
		c = next;
	}
}

/**
 * engine_free - give back all memory
 * @e: the engine
 */
void engine_free(struct engine *e)
{
	for (int i = 0; i < RADIX_LEVELS; i++)
		for (int k = 0; k < RADIX_SLOTS; k++)
			free_chunks(e->slot[i][k].head);
	free_chunks(e->free);
	engine_init(e);
}

static struct event_chunk *chunk_get(struct engine *e)
{
	struct event_chunk *c = e->free;

	if (c) {
		e->free = c->next;
	} else {
		c = sim_alloc(sizeof(*c));
		e->memory += sizeof(*c);
	}
	c->next = NULL;
	c->used = 0;
	return c;
}

static void chunk_put(struct engine *e, struct event_chunk *c)
{
	c->next = e->free;
	e->free = c;
}

static inline void file_event(struct engine *e, const struct event *ev)
{
	u64 differs = ev->at ^ e->now;
	u32 level = differs ? (63 - __builtin_clzll(differs)) / RADIX_BITS : 0;
	u32 k = ev->at >> level * RADIX_BITS & (RADIX_SLOTS - 1);
	struct event_slot *s = &e->slot[level][k];

	if (!s->tail) {
		s->head = chunk_get(e);
		s->tail = s->head;
		s->taken = 0;
		e->used[level] |= 1ULL << k;
	} else if (s->tail->used == CHUNK_EVENTS) {
		s->tail->next = chunk_get(e);
		s->tail = s->tail->next;
	}
	s->tail->ev[s->tail->used++] = *ev;
}

/**
 * engine_post - have something happen
 * @e: the engine
 * @at: when, ps, not in the past
 * @kind: what; the caller's
 * @arg: the caller's
 */
void engine_post(struct engine *e, u64 at, u32 kind, u32 arg)
{
	struct event ev = { .at = at, .kind = kind, .arg = arg };

	if (ev.at < e->now)
		ev.at = e->now;
	file_event(e, &ev);
	e->pending++;
}

/* Deal a slot's events out to the levels below; time moves to the first. */
static void deal_out(struct engine *e, u32 level, u32 k)
{
	struct event_slot *s = &e->slot[level][k];
	struct event_chunk *c = s->head;
	u64 first = NEVER;

	for (struct event_chunk *i = c; i; i = i->next)
		for (u32 n = 0; n < i->used; n++)
			if (i->ev[n].at < first)
				first = i->ev[n].at;
	s->head = NULL;
	s->tail = NULL;
	e->used[level] &= ~(1ULL << k);
	e->now = first;
	while (c) {
		struct event_chunk *next = c->next;

		for (u32 n = 0; n < c->used; n++)
			file_event(e, &c->ev[n]);
		chunk_put(e, c);
		c = next;
	}
}

/**
 * engine_next - take the next event
 * @e: the engine, whose time becomes the event's
 * @ev: set to it
 *
 * Return: false if there is none.
 */
bool engine_next(struct engine *e, struct event *ev)
{
	struct event_slot *s;
	u32 level, k;

	if (!e->pending)
		return false;
	while (!e->used[0]) {
		level = 1;
		while (!e->used[level])
			level++;
		deal_out(e, level, __builtin_ctzll(e->used[level]));
	}
	k = __builtin_ctzll(e->used[0]);
	s = &e->slot[0][k];
	*ev = s->head->ev[s->taken++];
	if (s->taken == s->head->used) {
		struct event_chunk *c = s->head;

		s->head = c->next;
		s->taken = 0;
		if (!s->head) {
			s->tail = NULL;
			e->used[0] &= ~(1ULL << k);
		}
		chunk_put(e, c);
	}
	e->now = ev->at;
	e->pending--;
	e->taken++;
	return true;
}
