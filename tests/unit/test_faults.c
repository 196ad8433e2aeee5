// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * How many round trips a fault costs: one lossy path, one dead path, one dead
 * plane, a plane whose link is seen down, a slow plane, loss everywhere. They
 * have to be told apart. Times are in round trips as measured before the fault.
 */
#include <linux/limits.h>
#include <string.h>

#include "model.h"

#define USEC		1000ULL
#define MSEC		1000000ULL
#define SEC		1000000000ULL

/* Four planes whose links are the limit, 100 us and a bit of queue away. */
static void fabric(struct model_conf *c, u64 seed, u64 gbps, u32 paths)
{
	model_defaults(c);
	c->seed = seed;
	c->paths = paths;
	c->packets = 0;
	c->speed_bps = gbps * SEC;
	for (int i = 0; i < 4; i++) {
		c->plane[i].delay = 45 * USEC;
		c->plane[i].jitter = 10 * USEC;
		c->plane[i].ns_per_kb = 8 * 1024 * 4 / gbps;
		c->plane[i].queue = 500;
	}
}

#define STEP		(10 * USEC)
#define STEPS		200000

static struct {
	void (*fault)(struct model *m);
	u64 fault_at, heal_at;	/* steps */
	u64 step;
	u64 bytes[STEPS];	/* delivered, at each step */
	u64 rtt;		/* when the fault comes, ns */
	u64 drops;
	u64 first_drop;		/* steps; 0: not yet */
	u64 seen;		/* steps; 0: not yet */
	u64 back;
	u32 most_out;		/* paths out of use at a time, after the fault */
	u32 least_active;
	bool (*detected)(struct model *m);
} w;

static u32 out_of_use(struct model *m)
{
	return m->c.paths - m->ps.paths->nactive;
}

static void watch(struct model *m)
{
	u64 s = w.step++;
	u32 out = out_of_use(m);

	w.bytes[s] = m->st.bytes_delivered;
	m->hook_at = m->now + STEP;
	if (s == w.fault_at) {
		w.rtt = m->tx.srtt;
		w.drops = m->st.dropped;
		w.fault(m);
	}
	if (s == w.heal_at) {
		for (int i = 0; i < 4; i++)
			m->c.plane[i].dead = false;
		m->c.bad_path = U32_MAX;
	}
	if (s <= w.fault_at)
		return;
	if (out > w.most_out)
		w.most_out = out;
	if (!w.first_drop && m->st.dropped > w.drops)
		w.first_drop = s;
	if (!w.seen && w.detected(m))
		w.seen = s;
	if (!w.back && w.heal_at && s > w.heal_at && !out)
		w.back = s;
}

/* Gb/s between two steps. */
static double gbps(u64 from, u64 to)
{
	return 8.0 * (w.bytes[to] - w.bytes[from]) / ((to - from) * STEP);
}

static u64 steps_of_rtts(u64 n)
{
	return n * w.rtt / STEP + 1;
}

static double rtts(u64 steps)
{
	return (double)steps * STEP / w.rtt;
}

static struct model_stats run(struct model_conf *c, u64 steps,
			      void (*fault)(struct model *m), u64 fault_at,
			      u64 heal_at, bool (*detected)(struct model *m))
{
	static struct model m;
	struct model_stats st;

	memset(&w, 0, sizeof(w));
	w.fault = fault;
	w.fault_at = fault_at;
	w.heal_at = heal_at;
	w.detected = detected;
	c->time_limit = steps * STEP;
	model_init(&m, c);
	m.hook = watch;
	m.hook_at = m.now + STEP;
	model_run(&m);
	CHECK(!m.dead);
	w.least_active = m.ps.paths->nactive;
	st = m.st;
	model_free(&m);
	return st;
}

static void path_5_lossy(struct model *m)
{
	m->c.bad_path = 5;
	m->c.bad_loss = 200000;
}

static void path_5_dead(struct model *m)
{
	m->c.bad_path = 5;
	m->c.bad_loss = 1000000;
}

static bool path_5_out(struct model *m)
{
	return mrc_path_get(m->ps.paths, 5)->state == MRC_PATH_ASSUMED_BAD;
}

/* One of 16 EVs drops 20 %, or all: out within 3 RTTs of the first loss. */
static void one_path(const char *what, void (*fault)(struct model *m))
{
	double worst = 0, sum = 0, least = 1, back = 0;
	u32 n = 0, most_out = 0;

	for (u64 seed = 1; seed <= 4; seed++) {
		struct model_conf c;
		double before, during;

		fabric(&c, seed, 10, 16);
		run(&c, 140000, fault, 10000, 40000, path_5_out);
		CHECK(w.first_drop && w.seen);
		before = gbps(5000, 10000);
		during = gbps(10000, 40000) / before;
		least = during < least ? during : least;
		sum += rtts(w.seen - w.first_drop);
		n++;
		if (rtts(w.seen - w.first_drop) > worst)
			worst = rtts(w.seen - w.first_drop);
		if (w.most_out > most_out)
			most_out = w.most_out;
		CHECK(w.back);
		if ((w.back - w.heal_at) * STEP / 1e6 > back)
			back = (w.back - w.heal_at) * STEP / 1e6;
	}
	test_note("%s: out after %.1f RTTs on average, %.1f at most; throughput at least %.3f of before; at most %u of 16 out; back %.0f ms after mending at most",
		  what, sum / n, worst, least, most_out, back);
	CHECK(worst <= 3);
	CHECK(least >= 0.98);
	CHECK(most_out <= 3);
}

TEST(faults__one_of_16_paths_drops_a_fifth)
{
	one_path("20 % loss", path_5_lossy);
}

TEST(faults__one_of_16_paths_is_dead)
{
	one_path("dead", path_5_dead);
}

static void plane_2_dead(struct model *m)
{
	m->c.plane[2].dead = true;
}

static void plane_2_down(struct model *m)
{
	m->c.plane[2].dead = true;
	mrc_paths_set_planes_down(m->ps.paths, 4, m->now);
}

static bool plane_2_left(struct model *m)
{
	return (mrc_paths_planes_bad(m->ps.paths) |
		mrc_paths_planes_down(m->ps.paths)) == 4;
}

/* Least throughput of any span of three RTTs that begins @from RTTs after. */
static double least_after(u64 from, u64 to)
{
	u64 a = w.fault_at + steps_of_rtts(from), n = steps_of_rtts(3);
	double least = 1e9;

	for (; a + n < w.fault_at + steps_of_rtts(to); a++)
		if (gbps(a, a + n) < least)
			least = gbps(a, a + n);
	return least;
}

TEST(faults__dead_plane)
{
	static const u64 speeds[] = { 10, 40, 100, 400 };

	for (u32 i = 0; i < 4; i++) {
		double worst = 0, least = 1, again = 1;
		u64 dropped = 0;

		for (u64 seed = 1; seed <= 2; seed++) {
			struct model_conf c;
			struct model_stats st;
			double before;

			fabric(&c, seed, speeds[i], 64);
			st = run(&c, 12000, plane_2_dead, 2500, 7000,
				 plane_2_left);
			before = gbps(1500, 2500);
			CHECK(w.seen);
			if (rtts(w.seen - w.fault_at) > worst)
				worst = rtts(w.seen - w.fault_at);
			if (least_after(10, 100) / before < least)
				least = least_after(10, 100) / before;
			if (gbps(11000, 11999) / before < again)
				again = gbps(11000, 11999) / before;
			dropped = st.dropped > dropped ? st.dropped : dropped;
		}
		test_note("%3llu Gb/s: plane left after %.1f RTTs at most, %llu packets lost at most; from 10 RTTs on at least %.3f of before; after mending %.3f",
			  speeds[i], worst, dropped, least, again);
		CHECK(least >= 0.72);
		CHECK(again >= 0.98);
	}
}

TEST(faults__plane_down)
{
	struct model_conf c;
	double before;

	fabric(&c, 3, 40, 64);
	run(&c, 6000, plane_2_down, 2500, 0, plane_2_left);
	before = gbps(1500, 2500);
	test_note("from 2 RTTs on at least %.3f of before",
		  least_after(2, 100) / before);
	CHECK(least_after(10, 100) >= 0.72 * before);
}

static void nothing(struct model *m)
{
}

static bool never(struct model *m)
{
	return false;
}

/* Loss everywhere is nobody's fault. */
TEST(faults__random_loss_everywhere)
{
	static const u32 ppm[] = { 0, 1000, 10000, 50000 };
	static const double want[] = { 0, 0.98, 0.95, 0.9 };

	for (u32 s = 0; s < 3; s++) {
		static const u64 speeds[] = { 10, 100, 400 };
		double none = 0;

		for (u32 k = 0; k < 4; k++) {
			struct model_stats st;
			struct model_conf c;
			double rate;

			fabric(&c, 5, speeds[s], 64);
			for (int i = 0; i < 4; i++)
				c.plane[i].loss = ppm[k];
			/*
			 * 4,096 packets are 340 us at 400 Gb/s, the time that
			 * a repeat takes: a larger MPR is needed there.
			 */
			if (speeds[s] == 400) {
				c.rx_window = 16384;
				c.tx_window = 16384;
				c.board_max = 16384;
			}
			st = run(&c, 10000, nothing, 2000, 0, never);
			rate = gbps(2000, 9999);
			if (!k)
				none = rate;
			test_note("%3llu Gb/s, %4.1f %% loss: %.3f of without, at most %u of 64 paths out, %.2f repeats per loss, %llu timeouts",
				  speeds[s], ppm[k] / 1e4, rate / none,
				  w.most_out, st.dropped ? (double)
				  st.retransmits / st.dropped : 0, st.rtos);
			CHECK(rate >= want[k] * none);
			CHECK(w.most_out <= 16);
		}
	}
}

/* A plane with a tenth of the others' speed, or ten times their delay. */
static void plane_2_slow(struct model *m)
{
	m->c.plane[2].ns_per_kb *= 10;
}

static void plane_2_far(struct model *m)
{
	m->c.plane[2].delay *= 10;
}

TEST(faults__slow_plane)
{
	struct model_conf c;
	struct model_stats st;

	fabric(&c, 3, 40, 64);
	st = run(&c, 30000, plane_2_far, 2500, 0, plane_2_left);
	test_note("far: %.3f of before, %llu lost, %llu sent again, plane %s",
		  gbps(20000, 29999) / gbps(1500, 2500), st.dropped,
		  st.retransmits, w.seen ? "left for a while" : "kept");
	CHECK(gbps(20000, 29999) > 0.2 * gbps(1500, 2500));

	fabric(&c, 3, 40, 64);
	st = run(&c, 30000, plane_2_slow, 2500, 0, plane_2_left);
	test_note("narrow: %.3f of before, %llu lost, %llu sent again, plane %s",
		  gbps(20000, 29999) / gbps(1500, 2500), st.dropped,
		  st.retransmits, w.seen ? "left for a while" : "kept");
	CHECK(gbps(20000, 29999) > 0.35 * gbps(1500, 2500));
}

/* Links much slower than announced, short queues: every loss is a trim. */
TEST(faults__trimming)
{
	for (u32 trim = 0; trim < 2; trim++) {
		struct model_conf c;
		struct model_stats st;

		fabric(&c, 3, 40, 64);
		for (int i = 0; i < 4; i++) {
			c.plane[i].ns_per_kb *= 4;
			c.plane[i].queue = 12;
		}
		c.trim = trim;
		st = run(&c, 10000, nothing, 2000, 0, never);
		test_note("%s: %.2f of 10 Gb/s, %llu trimmed, %llu dropped, %llu sent again, %llu timeouts, NACK after %llu us on average, %llu at most",
			  trim ? "trimming" : "dropping", gbps(2000, 9999),
			  st.trimmed, st.dropped, st.retransmits, st.rtos,
			  st.nacks ? st.repair / st.nacks / 1000 : 0,
			  st.repair_max / 1000);
		if (!trim)
			continue;
		CHECK(gbps(2000, 9999) > 9);
		CHECK(st.trimmed > 100);
		CHECK_EQ(st.rtos, 0);
		CHECK_EQ(w.most_out, 0);
		/* A round trip: the cut packet waits in no queue. */
		CHECK(st.repair_max < 150 * USEC);
		CHECK(st.retransmits <= st.trimmed + st.dropped + 10);
	}
}
