// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Properties that hold whatever the network does: every packet is delivered
 * once, what the sender knows to have arrived is not sent again, and it ends.
 * SEEDS=n tries n networks, SEED=n only that one.
 */
#include "model.h"

static void random_conf(struct model_conf *c, u64 seed)
{
	struct rng r = { .x = seed };
	static const u32 windows[] = { 64, 128, 1024, 4096, 4096, 4096 };

	model_defaults(c);
	c->seed = seed;
	c->planes = 1 + rng_below(&r, MODEL_PLANES);
	c->paths = c->planes * (1 + rng_below(&r, 16)) + rng_below(&r, 3);
	c->rx_window = windows[rng_below(&r, 6)];
	c->tx_window = c->rx_window;
	if (rng_chance(&r, 200000))
		c->tx_window = 1 + rng_below(&r, c->rx_window);
	c->board_max = 64 << rng_below(&r, 7);
	c->first_psn = rng_chance(&r, 500000) ? rng_next(&r) & MRC_PSN_MASK :
		       MRC_PSN_MASK - rng_below(&r, 500);
	c->packets = 1 + rng_below(&r, rng_chance(&r, 100000) ? 5000 : 600);
	c->bytes = 64 + rng_below(&r, 4200);
	c->ackreq_every = 1 + rng_below(&r, 300);
	c->done_delay = rng_chance(&r, 500000) ? rng_below(&r, 200000) : 0;
	c->send_gap = rng_chance(&r, 200000) ? rng_below(&r, 100000) : 0;
	c->rto_ns = rng_chance(&r, 100000) ? 0 :
		    4096ULL << (10 + rng_below(&r, 6));
	c->retry_cnt = 7;
	for (u32 i = 0; i < MODEL_PLANES; i++) {
		struct plane_model *p = &c->plane[i];

		p->delay = 1000 + rng_below(&r, rng_chance(&r, 100000) ?
					    5000000 : 200000);
		p->jitter = rng_chance(&r, 500000) ? rng_below(&r, 300000) : 0;
		p->loss = rng_chance(&r, 500000) ? rng_below(&r, 150000) : 0;
		p->late = rng_chance(&r, 300000) ? rng_below(&r, 500000) : 0;
		p->late_by = rng_below(&r, 10000000);
		p->dup = rng_chance(&r, 300000) ? rng_below(&r, 50000) : 0;
		if (rng_chance(&r, 200000)) {
			p->ns_per_kb = 100 + rng_below(&r, 10000);
			p->queue = 4 + rng_below(&r, 200);
		}
	}
	/* One plane may be dead, if there is another. */
	if (c->planes > 1 && rng_chance(&r, 100000))
		c->plane[rng_below(&r, c->planes)].dead = true;
	c->calm = rng_chance(&r, 500000);
	c->time_limit = 600ULL * 1000000000;
}

/* A plane dies or is mended, its link is seen down or up; the window changes. */
static void trouble(struct model *m)
{
	u32 plane = rng_below(&m->rng, m->c.planes);
	u32 down = mrc_paths_planes_down(m->ps.paths);
	bool others = false;
	struct mrc_tx_params tp = {
		.rto_ns = m->c.rto_ns, .retry_cnt = m->c.retry_cnt,
		.window = 1 + rng_below(&m->rng, m->c.rx_window), .seed = 5,
	};

	for (u32 i = 0; i < m->c.planes; i++)
		others |= i != plane && !m->c.plane[i].dead && !(down >> i & 1);
	switch (rng_below(&m->rng, 3)) {
	case 0:
		m->c.plane[plane].dead = !m->c.plane[plane].dead && others;
		break;
	case 1:
		mrc_paths_set_planes_down(m->ps.paths,
					  down || !others ? 0 : 1 << plane,
					  m->now);
		break;
	default:
		mrc_tx_set_params(&m->tx, &tp);
	}
	m->hook_at = m->now + 1000 + rng_below(&m->rng, 50000000);
}

static u64 calm;

static void one(u64 seed)
{
	struct model_conf c;
	static struct model m;

	test_seed(seed);
	random_conf(&c, seed);
	model_init(&m, &c);
	if (seed % 5 == 0) {
		m.hook = trouble;
		m.hook_at = m.now;
	}
	model_run(&m);
	if (m.dead && m.st.delivered < c.packets)
		test_note("gave up");
	model_check_end(&m);
	calm += m.st.calm;
	model_free(&m);
}

TEST(property__random_networks)
{
	u64 seeds = test_env("SEEDS", 10000);
	u64 only = test_env("SEED", 0);

	if (only) {
		one(only);
		return;
	}
	for (u64 s = 1; s <= seeds; s++)
		one(s);
	/* That nothing is lost for want of SACKs has been tried. */
	CHECK(calm || seeds < 1000);
	test_note("%llu packets were calm", (unsigned long long)calm);
}
