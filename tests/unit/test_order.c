// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <string.h>

#include "harness.h"
#include "transport/order.h"

#define MTU	16
#define WINDOW	64

static u64 storage[64];
static struct mrc_rxwin win;
static struct mrc_order order;

static void begin(u32 first)
{
	CHECK(mrc_rxwin_storage(WINDOW) <= sizeof(storage));
	mrc_rxwin_init(&win, first, WINDOW, storage);
	mrc_order_init(&order, MTU);
}

/* A packet of MTU bytes arrives. */
static enum mrc_order_verdict arrive(u32 psn, u16 msn, u64 va, u32 len)
{
	const struct mrc_order_pkt p = {
		.va = va, .rkey = 7, .psn = psn, .len = len, .msn = msn,
	};
	enum mrc_order_verdict v;

	CHECK(mrc_rxwin_check(&win, psn) == MRC_RX_NEW);
	v = mrc_order_begin(&order, &win, &p);
	mrc_rxwin_claim(&win, psn, len);
	return v;
}

static bool rest(u32 psn, u64 va, u32 len, u32 *at, u32 *n)
{
	const struct mrc_order_pkt p = {
		.va = va, .rkey = 7, .psn = psn, .len = len,
	};

	return mrc_order_next(&order, &win, &p, at, n);
}

TEST(mrc_order_begin__late_packet_leaves_out_what_a_later_one_wrote)
{
	u32 at = 0, n;

	begin(0xfffffe);
	/* Message 0 is PSNs -2 and -1 at 100, message 1 PSNs 0 and 1 at 120. */
	CHECK(arrive(0, 1, 120, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 0);
	CHECK(arrive(0xfffffe, 0, 100, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 0xfffffe);
	CHECK(arrive(0xffffff, 0, 116, MTU) == MRC_ORDER_REST);
	CHECK(rest(0xffffff, 116, MTU, &at, &n));
	CHECK_EQ(at, 0);
	CHECK_EQ(n, 4);
	at += n;
	CHECK(!rest(0xffffff, 116, MTU, &at, &n));
}

TEST(mrc_order_begin__waits_for_an_earlier_one_that_is_being_placed)
{
	begin(0);
	CHECK(arrive(0, 0, 100, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(1, 1, 115, MTU) == MRC_ORDER_WAIT);
	CHECK(arrive(2, 2, 116, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 0);
	CHECK(arrive(3, 3, 100, MTU) == MRC_ORDER_ALL);
}

TEST(mrc_order_begin__waits_for_the_rest_of_a_message_half_done)
{
	begin(0);
	CHECK(arrive(0, 0, 100, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(1, 0, 116, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 0);
	CHECK(arrive(5, 3, 200, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(3, 2, 84, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(4, 2, 101, MTU) == MRC_ORDER_WAIT);
}

TEST(mrc_order_begin__other_keys_and_gaps_are_other_memory)
{
	struct mrc_order_pkt p = {
		.va = 100, .rkey = 8, .psn = 0, .len = MTU, .msn = 0,
	};

	begin(0);
	/* Message 1, PSNs 2 to 4 at 68, its second packet missing. */
	CHECK(arrive(2, 1, 68, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(4, 1, 100, MTU) == MRC_ORDER_ALL);
	CHECK(mrc_order_begin(&order, &win, &p) == MRC_ORDER_ALL);
	p.rkey = 7;
	p.va = 84;
	p.psn = 1;
	CHECK(mrc_order_begin(&order, &win, &p) == MRC_ORDER_ALL);
	p.va = 85;
	CHECK(mrc_order_begin(&order, &win, &p) == MRC_ORDER_REST);
}

TEST(mrc_order_begin__what_is_between_two_messages_is_not_of_them)
{
	begin(0);
	CHECK(arrive(1, 1, 16, MTU) == MRC_ORDER_ALL);
	/* two SENDs */
	mrc_rxwin_claim(&win, 2, MTU);
	mrc_rxwin_claim(&win, 3, MTU);
	CHECK(arrive(4, 4, 64, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(0, 0, 40, MTU) == MRC_ORDER_ALL);
}

/* A WRITE, then nothing but SENDs until the same PSNs come round again. */
TEST(mrc_order_forget__long_without_a_write)
{
	begin(0);
	CHECK(arrive(0, 0, 100, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 0);
	mrc_order_forget(&order, &win);
	CHECK_EQ(order.count, 0);
	mrc_rxwin_init(&win, 0xfffff0, WINDOW, storage);
	/* a SEND of the PSN that the WRITE had */
	mrc_rxwin_claim(&win, 0, MTU);
	CHECK(arrive(0xfffff8, 9, 100, MTU) == MRC_ORDER_ALL);

	/* What is not done yet is not forgotten. */
	begin(0);
	CHECK(arrive(1, 1, 100, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 1);
	mrc_order_forget(&order, &win);
	CHECK(arrive(0, 0, 100, MTU) == MRC_ORDER_REST);
}

TEST(mrc_order_begin__more_runs_than_it_remembers)
{
	u32 i;

	begin(0);
	for (i = 0; i < MRC_ORDER_RUNS - MRC_ORDER_SPARE; i++)
		CHECK(arrive(i + 2, i + 1, i * 100, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(i + 2, i + 1, i * 100, MTU) == MRC_ORDER_WAIT);
	/* Nobody else can place the packet whose turn it is. */
	for (i = 0; i < WINDOW; i++) {
		CHECK(mrc_order_begin(&order, &win, &(struct mrc_order_pkt){
			.va = 50 + 1000 * i, .rkey = 7, .psn = 0, .len = 5,
		}) != MRC_ORDER_WAIT);
		CHECK(order.count <= MRC_ORDER_RUNS);
	}
}

TEST(mrc_order_begin__addresses_at_the_end_of_the_world)
{
	begin(0);
	CHECK(arrive(5, 1, -8ULL, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(6, 2, 1ULL << 63, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(1, 0, 8, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(2, 0, (1ULL << 63) - MTU, MTU) == MRC_ORDER_ALL);
	CHECK(arrive(3, 0, -24ULL, MTU) == MRC_ORDER_ALL);
	mrc_rxwin_done(&win, 3);
	CHECK(arrive(4, 0, -23ULL, MTU) == MRC_ORDER_REST);
}

/*
 * WRITEs of random places, whose packets arrive in random order and are placed
 * by several CPUs, a byte at a time: memory ends as if they had come in order.
 */
#define MEMORY	160
#define CPUS	3

struct sim_pkt {
	struct mrc_order_pkt p;
	bool end, held, cut, placing, done;
	u32 number;	/* from 1: what it writes */
	u32 at, len;	/* CPU: where it is, how much of this piece is left */
};

static struct sim_pkt pkt[2000];
static u32 memory[MEMORY], truth[MEMORY];

static u32 make_plan(struct rng *r, bool ordered_last, u32 first)
{
	u32 n = 0, msn;

	memset(memory, 0, sizeof(memory));
	memset(truth, 0, sizeof(truth));
	for (msn = 0; n < 1900; msn++) {
		u32 len = 1 + rng_below(r, 5 * MTU), at, off;

		at = rng_below(r, MEMORY - len);
		for (off = 0; off < len; off += MTU) {
			struct sim_pkt *k = &pkt[n];
			u32 plen = len - off < MTU ? len - off : MTU;

			*k = (struct sim_pkt) {
				.p = { .va = at + off, .rkey = 7, .len = plen,
				       .psn = mrc_psn_add(first, n), .msn = msn },
				.end = ordered_last && off + MTU >= len,
				.number = ++n,
			};
			for (u32 i = 0; i < plen; i++)
				truth[at + off + i] = n;
		}
	}
	return n;
}

static void place_start(struct sim_pkt *k, enum mrc_order_verdict v)
{
	k->placing = true;
	k->cut = v == MRC_ORDER_REST;
	k->at = 0;
	k->len = k->cut ? 0 : k->p.len;
}

/* One byte further, or the end. */
static void place_step(struct sim_pkt *k)
{
	if (!k->len && k->cut)
		mrc_order_next(&order, &win, &k->p, &k->at, &k->len);
	if (k->len) {
		/* never over a later one */
		CHECK(memory[k->p.va + k->at] < k->number);
		memory[k->p.va + k->at++] = k->number;
		k->len--;
		return;
	}
	k->placing = false;
	k->done = true;
	mrc_rxwin_done(&win, k->p.psn);
}

static void random_run(u64 seed, bool ordered_last)
{
	struct rng r = { seed };
	u32 first = rng_next(&r) & MRC_PSN_MASK, base = 0, busy, total, i, waits = 0;

	test_seed(seed);
	total = make_plan(&r, ordered_last, first);
	begin(first);
	while (base < total) {
		u32 far = base + WINDOW < total ? base + WINDOW : total;
		struct sim_pkt *k = &pkt[base + rng_below(&r, far - base)];
		enum mrc_order_verdict v;

		for (busy = 0, i = base; i < far; i++) {
			if (!pkt[i].placing)
				continue;
			busy++;
			if (rng_below(&r, 2))
				place_step(&pkt[i]);
		}
		while (base < total && pkt[base].done)
			base++;
		if (base == total || busy >= CPUS)
			continue;
		/* The drainer: what is held, when its turn has come. */
		if (pkt[base].held) {
			v = mrc_order_begin(&order, &win, &pkt[base].p);
			CHECK(v != MRC_ORDER_WAIT);
			pkt[base].held = false;
			place_start(&pkt[base], v);
			continue;
		}
		if (k < &pkt[base] || mrc_rxwin_check(&win, k->p.psn) != MRC_RX_NEW)
			continue;
		if (k->end) {
			k->held = true;
		} else {
			v = mrc_order_begin(&order, &win, &k->p);
			k->held = v == MRC_ORDER_WAIT;
			waits += k->held;
			if (!k->held)
				place_start(k, v);
		}
		mrc_rxwin_claim(&win, k->p.psn, k->p.len);
	}
	CHECK(!memcmp(memory, truth, sizeof(memory)));
	CHECK(waits);
}

TEST(mrc_order__random)
{
	u64 seed = test_env("SEED", 0), n = test_env("SEEDS", 40);

	if (seed) {
		random_run(seed, seed & 1);
		return;
	}
	for (seed = 1; seed <= n; seed++)
		random_run(seed, seed & 1);
}
