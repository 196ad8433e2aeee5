// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The queue of events. */
#include <stdlib.h>

#include "engine.h"
#include "harness.h"

TEST(engine__same_time_comes_out_in_order)
{
	struct engine e;
	struct event ev;

	engine_init(&e);
	for (u32 i = 0; i < 1000; i++)
		engine_post(&e, 5000000 + (i & 1), 7, i);
	for (u32 i = 0; i < 1000; i++) {
		CHECK(engine_next(&e, &ev));
		CHECK_EQ(ev.arg, i < 500 ? 2 * i : 2 * (i - 500) + 1);
		CHECK_EQ(ev.kind, 7);
		CHECK_EQ(e.now, 5000000 + (i >= 500));
	}
	CHECK(!engine_next(&e, &ev));
	engine_free(&e);
}

TEST(engine__past_becomes_now)
{
	struct engine e;
	struct event ev;

	engine_init(&e);
	engine_post(&e, 1000, 0, 0);
	engine_next(&e, &ev);
	engine_post(&e, 10, 0, 1);
	CHECK(engine_next(&e, &ev));
	CHECK_EQ(ev.at, 1000);
	engine_free(&e);
}

TEST(engine__far_future)
{
	struct engine e;
	struct event ev;

	engine_init(&e);
	engine_post(&e, NEVER - 1, 0, 3);
	engine_post(&e, 1ULL << 63, 0, 2);
	engine_post(&e, 0, 0, 0);
	engine_post(&e, 1, 0, 1);
	for (u32 i = 0; i < 4; i++) {
		CHECK(engine_next(&e, &ev));
		CHECK_EQ(ev.arg, i);
	}
	engine_free(&e);
}

/*
 * Against sorting: times never go back, each event comes out once, those of
 * one time in the order of posting, while more are posted all the time.
 */
TEST(engine__random_against_order)
{
	u64 seed = test_env("SEED", 1), posted = 0, last = 0;
	u64 *at = malloc(200000 * sizeof(*at));
	bool *seen = calloc(200000, 1);
	u32 last_arg = 0;
	struct rng r;
	struct engine e;
	struct event ev;

	test_seed(seed);
	r.x = seed;
	engine_init(&e);
	for (int i = 0; i < 1000; i++) {
		at[posted] = rng_below(&r, 100);
		engine_post(&e, at[posted], 0, posted);
		posted++;
	}
	while (engine_next(&e, &ev)) {
		CHECK(ev.at >= last);
		CHECK(ev.at != last || ev.arg > last_arg || ev.arg == 0);
		CHECK_EQ(ev.at, at[ev.arg]);
		CHECK(!seen[ev.arg]);
		seen[ev.arg] = true;
		last = ev.at;
		last_arg = ev.arg;
		for (int k = rng_below(&r, 3); k && posted < 200000; k--) {
			u32 bits = rng_below(&r, 40);

			at[posted] = e.now + (rng_next(&r) >> (63 - bits));
			engine_post(&e, at[posted], 0, posted);
			posted++;
		}
	}
	CHECK_EQ(e.taken, posted);
	CHECK_EQ(e.pending, 0);
	test_note("%llu events", posted);
	engine_free(&e);
	free(at);
	free(seen);
}

TEST(engine__memory_is_used_again)
{
	struct engine e;
	struct event ev;
	u64 memory;

	engine_init(&e);
	for (u32 i = 0; i < 10000; i++)
		engine_post(&e, i * 1000, 0, i);
	memory = e.memory;
	for (u32 i = 0; i < 200000; i++) {
		CHECK(engine_next(&e, &ev));
		engine_post(&e, ev.at + 10000000, 0, i);
	}
	test_note("%llu bytes for 10,000 events, then %llu", memory, e.memory);
	CHECK(e.memory < memory + memory / 2);
	engine_free(&e);
}
