// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * How well the whole transport does over four planes: throughput and
 * retransmissions under loss, reordering and failures. Prints its figures.
 */
#include <string.h>

#include <linux/limits.h>

#include "model.h"

#define USEC		1000ULL
#define MSEC		1000000ULL
#define SEC		1000000000ULL

struct figures {
	double gbps;
	double ratio;		/* retransmissions per packet lost */
	struct model_stats st;
};

static u64 run_ms(void)
{
	return test_env("SIM_MS", 1000);
}

static void report(const char *what, const struct figures *f)
{
	test_note("%-28s %6.2f Gb/s  sent %llu lost %llu again %llu (%.2f) needless %llu noticed %llu sacks %llu probes %llu rto %llu path probes %llu",
		  what, f->gbps, f->st.sent, f->st.dropped, f->st.retransmits,
		  f->ratio, f->st.spurious_needless, f->st.spurious_seen,
		  f->st.sacks, f->st.probes, f->st.rtos, f->st.path_probes);
}

static struct figures measure_for(const char *what, struct model_conf *c,
				  u64 time)
{
	static struct model m;
	struct figures f;

	c->packets = 0;
	c->time_limit = time;
	model_init(&m, c);
	model_run(&m);
	CHECK(!m.dead);
	f.st = m.st;
	f.gbps = 8.0 * m.st.bytes_delivered / c->time_limit;
	f.ratio = m.st.dropped ? (double)m.st.retransmits / m.st.dropped : 0;
	report(what, &f);
	model_free(&m);
	return f;
}

static struct figures measure(const char *what, struct model_conf *c)
{
	return measure_for(what, c, run_ms() * MSEC);
}

/* Four links of 2.5 Gb/s, 100 us each way: the links are the limit. */
static void links(struct model_conf *c)
{
	model_defaults(c);
	c->seed = 7;
	c->speed_bps = 10ULL * SEC;
	for (int i = 0; i < 4; i++) {
		c->plane[i].delay = 40 * USEC;
		c->plane[i].jitter = 10 * USEC;
		c->plane[i].ns_per_kb = 3277;
		c->plane[i].queue = 500;
	}
}

/* No link is the limit: only windows and latency are. */
static void latency(struct model_conf *c)
{
	model_defaults(c);
	c->seed = 8;
	c->speed_bps = 10ULL * SEC;
	for (int i = 0; i < 4; i++) {
		c->plane[i].delay = 80 * USEC;
		c->plane[i].jitter = 40 * USEC;
	}
}

static void all(struct model_conf *c, u32 loss, u32 late, u64 late_by, u32 dup)
{
	for (int i = 0; i < MODEL_PLANES; i++) {
		c->plane[i].loss = loss;
		c->plane[i].late = late;
		c->plane[i].late_by = late_by;
		c->plane[i].dup = dup;
	}
}

TEST(sim__random_loss_links)
{
	struct figures base, one, five;
	struct model_conf c;

	links(&c);
	base = measure("no loss", &c);
	all(&c, 10000, 0, 0, 0);
	one = measure("1 % loss", &c);
	all(&c, 50000, 0, 0, 0);
	five = measure("5 % loss", &c);
	CHECK(base.gbps > 9);
	CHECK(one.gbps > 0.95 * base.gbps);
	CHECK(five.gbps > 0.9 * base.gbps);
	CHECK(one.ratio < 1.2);
	CHECK(five.ratio < 1.2);
}

TEST(sim__random_loss_latency)
{
	struct figures base, one, five;
	struct model_conf c;

	latency(&c);
	base = measure("no loss", &c);
	all(&c, 10000, 0, 0, 0);
	one = measure("1 % loss", &c);
	all(&c, 50000, 0, 0, 0);
	five = measure("5 % loss", &c);
	CHECK(one.gbps > 0.8 * base.gbps);
	CHECK(five.gbps > 0.5 * base.gbps);
	CHECK(one.ratio < 1.2);
	CHECK(five.ratio < 1.2);
}

/*
 * What reordering extends to is learnt from packets sent again in vain, in
 * the first milliseconds; the ratio is that of a long run.
 */
TEST(sim__reordering_5ms)
{
	struct figures base, f;
	struct model_conf c;

	latency(&c);
	all(&c, 0, 250000, 5 * MSEC, 0);
	base = measure_for("5 ms late, a quarter", &c, 4 * SEC);
	all(&c, 10000, 250000, 5 * MSEC, 5000);
	f = measure_for("the same, 1 % loss, 0.5 % dup", &c, 4 * SEC);
	CHECK(f.gbps > 0.8 * base.gbps);
	CHECK(f.ratio < 1.3);

	links(&c);
	all(&c, 0, 250000, 5 * MSEC, 0);
	base = measure("links: 5 ms late", &c);
	all(&c, 10000, 250000, 5 * MSEC, 5000);
	f = measure("links: the same, 1 % loss", &c);
	CHECK(f.gbps > 0.8 * base.gbps);
}

/* What every link of the system tests does, with much speed announced. */
TEST(sim__faulty_links)
{
	struct figures base, f;
	struct model_conf c;

	latency(&c);
	c.speed_bps = 40 * SEC;
	for (int i = 0; i < 4; i++)
		c.plane[i].ns_per_kb = 20000;	/* 4 times 50 MiB/s */
	base = measure("40 Gb/s announced", &c);
	all(&c, 10000, 250000, 5 * MSEC, 5000);
	f = measure_for("the same, all faults", &c, 4 * SEC);
	CHECK(f.gbps > 0.8 * base.gbps);
	CHECK(f.ratio < 1.3);
}

/* One packet at a time: what a loss costs is the wait for the probe. */
TEST(sim__one_at_a_time)
{
	struct figures base, f;
	struct model_conf c;

	latency(&c);
	c.tx_window = 1;
	base = measure("no loss", &c);
	all(&c, 10000, 0, 0, 0);
	f = measure("1 % loss", &c);
	CHECK(f.gbps > 0.8 * base.gbps);
	CHECK(f.ratio < 1.2);
	all(&c, 0, 250000, 5 * MSEC, 0);
	base = measure_for("5 ms late", &c, 4 * SEC);
	all(&c, 10000, 250000, 5 * MSEC, 5000);
	f = measure_for("all faults", &c, 4 * SEC);
	CHECK(f.gbps > 0.8 * base.gbps);
	CHECK(f.st.retransmits < f.st.dropped + 20);

	latency(&c);
	c.tx_window = 1;
	c.plane[1].dead = true;
	f = measure("plane 1 dead", &c);
	CHECK(f.st.dropped < 40);
}

/* Processors that stop for 4 ms, 50 times a second. */
TEST(sim__stalling_processors)
{
	struct figures base, f;
	struct model_conf c;

	latency(&c);
	for (int i = 0; i < 4; i++)
		c.plane[i].ns_per_kb = 20000;
	base = measure("no stall", &c);
	c.stall_every = 16 * MSEC;
	c.stall_for = 4 * MSEC;
	f = measure("stalls", &c);
	CHECK(f.gbps > 0.6 * base.gbps);
	all(&c, 10000, 0, 0, 0);
	f = measure("stalls, 1 % loss", &c);
	CHECK(f.gbps > 0.5 * base.gbps);
	CHECK(f.ratio < 1.5);
	all(&c, 10000, 250000, 5 * MSEC, 5000);
	f = measure("stalls, all faults", &c);
	CHECK(f.ratio < 1.5);
}

/* Times of delivery, in slices, for faults in the middle of a run. */
#define SLICE		(5 * MSEC)
static u64 slices[1000];
static struct {
	void (*act)(struct model *m, u32 slice);
	u64 last;
	u32 slice;
	u32 bad_seen;		/* slice in which the fault was found, 0: not */
	u32 good_seen;
} watch;

static void watching(struct model *m)
{
	slices[watch.slice] = m->st.bytes_delivered - watch.last;
	watch.last = m->st.bytes_delivered;
	watch.act(m, watch.slice++);
	m->hook_at = m->now + SLICE;
}

static double slice_gbps(u32 from, u32 to)
{
	u64 sum = 0;

	for (u32 i = from; i < to; i++)
		sum += slices[i];
	return 8.0 * sum / ((to - from) * SLICE);
}

static struct figures watched(const char *what, struct model_conf *c,
			      void (*act)(struct model *m, u32 slice), u64 time)
{
	static struct model m;
	struct figures f;

	c->packets = 0;
	c->time_limit = time;
	memset(&watch, 0, sizeof(watch));
	watch.act = act;
	model_init(&m, c);
	m.hook = watching;
	m.hook_at = m.now + SLICE;
	model_run(&m);
	CHECK(!m.dead);
	f.st = m.st;
	f.gbps = 8.0 * m.st.bytes_delivered / c->time_limit;
	f.ratio = m.st.dropped ? (double)m.st.retransmits / m.st.dropped : 0;
	report(what, &f);
	model_free(&m);
	return f;
}

static void cut_plane_2(struct model *m, u32 slice)
{
	u32 bad = mrc_paths_planes_bad(m->ps.paths);

	/* Not so at the very start, before reordering is known. */
	CHECK(slice < 10 || !(bad & ~4U));
	if (slice == 40)
		m->c.plane[2].dead = true;
	if (slice == 120)
		m->c.plane[2].dead = false;
	if (slice > 40 && bad == 4 && !watch.bad_seen)
		watch.bad_seen = slice;
	if (slice > 120 && mrc_paths_in_state(m->ps.paths, 2, MRC_PATH_GOOD) ==
			   m->c.paths / 4 && !watch.good_seen)
		watch.good_seen = slice;
}

TEST(sim__dead_plane)
{
	struct model_conf c;
	struct figures f;

	links(&c);
	f = watched("plane 2 dead 200 to 600 ms", &c, cut_plane_2, SEC);
	test_note("before %.2f, first 5 ms %.2f, then %.2f, after mending %.2f Gb/s; found after %u ms, all paths back after %u ms",
		  slice_gbps(10, 40), slice_gbps(41, 42), slice_gbps(42, 120),
		  slice_gbps(150, 199), (watch.bad_seen - 40) * 5,
		  (watch.good_seen - 120) * 5);
	CHECK(watch.bad_seen && watch.bad_seen <= 42);
	CHECK(watch.good_seen && watch.good_seen < 160);
	CHECK(slice_gbps(42, 120) > 0.74 * slice_gbps(10, 40));
	CHECK(slice_gbps(160, 199) > 0.98 * slice_gbps(10, 40));
	CHECK(f.st.dropped < 200);

	links(&c);
	all(&c, 10000, 250000, 5 * MSEC, 5000);
	f = watched("the same under all faults", &c, cut_plane_2, 2 * SEC);
	test_note("before %.2f, then %.2f, after mending %.2f Gb/s; found after %u ms, all paths back after %u ms",
		  slice_gbps(10, 40), slice_gbps(45, 120),
		  slice_gbps(250, 399), (watch.bad_seen - 40) * 5,
		  (watch.good_seen - 120) * 5);
	CHECK(watch.bad_seen && watch.bad_seen <= 50);
	CHECK(watch.good_seen);
	CHECK(f.ratio < 1.5);
}

static void one_bad_path(struct model *m, u32 slice)
{
	struct mrc_path *p = mrc_path_get(m->ps.paths, 5);

	if (slice == 40) {
		m->c.bad_path = 5;
		m->c.bad_loss = 200000;
	}
	if (slice == 240)
		m->c.bad_path = U32_MAX;
	if (slice > 40 && slice < 240 && p->state == MRC_PATH_ASSUMED_BAD &&
	    !watch.bad_seen)
		watch.bad_seen = slice;
	if (slice > 240 && p->state == MRC_PATH_GOOD && !watch.good_seen)
		watch.good_seen = slice;
}

TEST(sim__lossy_path)
{
	struct model_conf c;
	struct figures f;

	links(&c);
	c.paths = 16;
	f = watched("path 5 of 16 loses 20 %", &c, one_bad_path, 2 * SEC);
	test_note("before %.2f, while lossy %.2f, after %.2f Gb/s; out after %u ms, back %u ms after mending",
		  slice_gbps(10, 40), slice_gbps(40, 240),
		  slice_gbps(300, 399), (watch.bad_seen - 40) * 5,
		  watch.good_seen > 240 ? (watch.good_seen - 240) * 5 : 0);
	CHECK(watch.bad_seen && watch.bad_seen <= 42);
	CHECK(watch.good_seen);
	CHECK(slice_gbps(40, 240) > 0.98 * slice_gbps(10, 40));
	CHECK(f.st.dropped < 100);
}

TEST(sim__even_spraying)
{
	struct model_conf c;
	struct figures f;
	u64 lo, hi;

	links(&c);
	f = measure("no fault", &c);
	lo = f.st.plane_tx[0];
	hi = lo;
	for (int i = 1; i < 4; i++) {
		lo = f.st.plane_tx[i] < lo ? f.st.plane_tx[i] : lo;
		hi = f.st.plane_tx[i] > hi ? f.st.plane_tx[i] : hi;
	}
	test_note("packets per plane %llu to %llu", lo, hi);
	CHECK(hi - lo < hi / 100);
}
