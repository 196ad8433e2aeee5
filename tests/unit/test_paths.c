// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <linux/limits.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "transport/paths.h"

#define MSEC		1000000ULL
#define T0		(1000 * MSEC)

static u64 memory[65536];
static struct mrc_paths *const ps = (void *)memory;
static struct mrc_rotor rotor;
static u64 now;

static void begin(u32 n, u32 nplanes)
{
	u8 planes[32];

	for (u32 i = 0; i < 32; i++)
		planes[i] = i;
	CHECK(mrc_paths_size(n) <= sizeof(memory));
	memset(memory, 0xee, sizeof(memory));
	mrc_paths_init(ps, n, planes, nplanes, 42);
	mrc_rotor_init(&rotor, 7);
	now = T0;
}

static u32 pick(void)
{
	int p = mrc_paths_pick(ps, &rotor, -1, now);

	CHECK(p >= 0 && p < ps->n);
	return p;
}

/* Good traffic over everything but the planes in @dead_planes. */
static void traffic(u32 packets, u32 dead_planes)
{
	for (u32 i = 0; i < packets; i++) {
		u32 p = pick();

		now += 10000;
		if (dead_planes >> ps->path[p].plane & 1)
			mrc_paths_lost(ps, p, now);
		else
			mrc_paths_acked(ps, p, MRC_SACK_M_NONE, 200000, now);
	}
}

static u32 state(u32 p)
{
	return mrc_path_get(ps, p)->state;
}

/* The counts and lists agree with the states. */
static void consistent(void)
{
	u32 total = 0, loss = 0;

	for (u32 s = 0; s < ps->nplanes; s++) {
		struct mrc_plane *pl = &ps->planes[s];
		u32 states[MRC_PATH_STATES] = {};

		for (u32 k = 0; k < pl->npaths; k++) {
			struct mrc_path *p = &ps->path[pl->order[k]];
			bool act = (p->state == MRC_PATH_GOOD ||
				    p->state == MRC_PATH_SKIP) && !p->backup;

			CHECK_EQ(p->pos, k);
			CHECK_EQ(p->plane, pl->plane);
			CHECK(act == (k < pl->nactive));
			if (act)
				loss += p->loss;
			states[p->state]++;
		}
		total += pl->nactive;
		for (u32 k = 0; k < MRC_PATH_STATES; k++)
			CHECK_EQ(mrc_paths_in_state(ps, pl->plane, k), states[k]);

		for (u32 k = 0; k < pl->nready; k++) {
			CHECK_EQ(ps->path[pl->ready[k]].place, k);
			CHECK(ps->path[pl->ready[k]].proven == (k < pl->nproven));
		}
		for (u32 k = 0; k < pl->npaths; k++) {
			struct mrc_path *p = &ps->path[pl->order[k]];

			CHECK((p->place != MRC_PATH_NOT_READY) ==
			      (k < pl->nactive && !p->inflight));
		}
	}
	CHECK_EQ(total, ps->nactive);
	CHECK_EQ(loss, ps->loss_sum);
}

/* Answer probes until @until; those of planes in @dead get no answer. */
static u32 probing(u64 until, u32 dead)
{
	u32 n = 0;

	while (mrc_paths_probe_deadline(ps) <= until) {
		int p;

		now = max(now, mrc_paths_probe_deadline(ps));
		p = mrc_paths_next_probe(ps, now);
		consistent();
		if (p < 0)
			continue;
		n++;
		CHECK_EQ(state(p), MRC_PATH_ASSUMED_BAD);
		if (!(dead >> ps->path[p].plane & 1)) {
			now += 100000;
			mrc_paths_probe_answered(ps, p, 100000, now);
		}
	}
	now = until;
	return n;
}

TEST(mrc_paths_sum__piece_by_piece_is_the_same_as_at_once)
{
	for (u32 n = 3; n <= 4096; n = n * 5 / 2) {
		begin(n, 3);
		for (u32 i = 0; i < n; i++) {
			ps->path[i].tx = i + 3;
			ps->path[i].acked = i + 2;
			ps->path[i].lost = 1;
			ps->path[i].srtt_ns = i % 2;
		}
		for (u32 plane = 0; plane < 4; plane++) {
			struct mrc_path_sum all = {}, sum = {};
			u32 at = 0, pieces = 0;

			for (u32 i = 0; i < n; i++) {
				if (ps->path[i].plane != plane)
					continue;
				all.tx += i + 3;
				all.acked += i + 2;
				all.lost++;
				all.srtt_ns += i % 2;
				all.sampled += i % 2;
			}
			while (at < mrc_paths_count(ps)) {
				at = mrc_paths_sum(ps, plane, at, 10, &sum);
				pieces++;
			}
			CHECK(!memcmp(&sum, &all, sizeof(sum)));
			CHECK(pieces <= all.lost / 10 + 1);
		}
	}
}

TEST(mrc_paths_init__paths_divided_and_entropies_distinct)
{
	static u8 seen[65536];

	for (u32 n = 3; n <= 4096; n = n * 5 / 2) {
		u32 least = U32_MAX, most = 0;

		begin(n, 3);
		memset(seen, 0, sizeof(seen));
		CHECK_EQ(mrc_paths_count(ps), n);
		for (u32 i = 0; i < n; i++) {
			u16 e = mrc_path_get(ps, i)->entropy;

			CHECK(e >= 0xc000);
			CHECK(!seen[e]++);
		}
		for (u32 p = 0; p < 3; p++) {
			u32 k = mrc_paths_in_state(ps, p, MRC_PATH_GOOD);

			least = k < least ? k : least;
			most = k > most ? k : most;
		}
		CHECK(most - least <= 1);
		consistent();
	}
	begin(1, 1);
	CHECK_EQ(pick(), 0);
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
	CHECK(mrc_paths_probe_deadline(ps) == U64_MAX);
	CHECK(mrc_paths_next_probe(ps, now) == -1);
}

static void begin_profile(const struct mrc_paths_conf *conf)
{
	u8 planes[32];
	struct mrc_paths_conf c = *conf;

	for (u32 i = 0; i < 32; i++)
		planes[i] = i;
	c.planes = planes;
	CHECK(mrc_paths_size(c.n) <= sizeof(memory));
	memset(memory, 0xee, sizeof(memory));
	mrc_paths_setup(ps, &c);
	mrc_rotor_init(&rotor, 7);
	now = T0;
}

TEST(mrc_paths_setup__evs_as_given)
{
	u32 ev[12];

	for (u32 i = 0; i < 12; i++)
		ev[i] = i << 16 | (1000 + i);
	begin_profile(&(struct mrc_paths_conf){ .nplanes = 4, .n = 12, .ev = ev });
	for (u32 i = 0; i < 12; i++) {
		CHECK_EQ(mrc_path_get(ps, i)->entropy, ev[i]);
		CHECK_EQ(mrc_path_get(ps, i)->plane, i % 4);
	}
	consistent();
}

/* Replaced only from the same plane; the one that comes back is a backup. */
TEST(mrc_paths_setup__backups)
{
	static const struct mrc_paths_conf conf = {
		.nplanes = 4, .n = 64, .active = 4, .seed = 5, .answers = 2,
	};
	u32 used[64] = { 0 }, bad, n = 0;

	begin_profile(&conf);
	CHECK_EQ(ps->nactive, 16);
	consistent();
	for (u32 i = 0; i < 4000; i++)
		used[pick()]++;
	for (u32 i = 0; i < 64; i++)
		n += !!used[i];
	CHECK_EQ(n, 16);

	traffic(1000, 0);
	bad = pick();
	now += 10 * MSEC;
	mrc_paths_lost(ps, bad, now);
	CHECK_EQ(state(bad), MRC_PATH_ASSUMED_BAD);
	CHECK_EQ(ps->nactive, 16);
	CHECK_EQ(ps->planes[bad % 4].nactive, 4);
	consistent();
	for (u32 i = 0; i < 1000; i++)
		CHECK(pick() != bad);
	/* Two answers are enough here. */
	CHECK_EQ(probing(now + 20 * MSEC, 0), 2);
	CHECK_EQ(state(bad), MRC_PATH_GOOD);
	CHECK(mrc_path_get(ps, bad)->backup);
	CHECK_EQ(ps->nactive, 16);
	/* The operator's word is followed by a backup, too. */
	bad = pick();
	mrc_paths_deny(ps, bad, true);
	CHECK_EQ(ps->nactive, 16);
	mrc_paths_deny(ps, bad, false);
	CHECK(mrc_path_get(ps, bad)->backup);
	consistent();

	/* All paths of a plane bad one after the other: the last goes too. */
	for (u32 i = 0; i < 64; i += 4)
		for (u32 k = 0; k < 20 && state(i) == MRC_PATH_GOOD; k++) {
			traffic(20, 0);
			mrc_paths_lost(ps, i, now);
		}
	consistent();

	/* A dead plane leaves nothing in use, and comes back with as many. */
	begin_profile(&conf);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(1000, 0);
	traffic(100, 4);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	CHECK_EQ(ps->nactive, 12);
	probing(now + 200 * MSEC, 0);
	CHECK_EQ(ps->nactive, 16);
	consistent();
}

TEST(mrc_paths_setup__min_active)
{
	begin_profile(&(struct mrc_paths_conf){ .nplanes = 1, .n = 64,
						.min_active = 40 });
	traffic(1000, 0);
	for (u32 p = 0; p < 63; p++)
		for (u32 k = 0; k < 10; k++) {
			mrc_paths_acked(ps, 63, MRC_SACK_M_NONE, 0, now);
			mrc_paths_lost(ps, p, now);
		}
	CHECK_EQ(ps->nactive, 40);
	consistent();
}

/* Answers use few paths, and probes find those that are dead. */
TEST(mrc_paths_pick_reverse__is_kept_fresh)
{
	u32 used[64] = { 0 }, n = 0, probes = 0;
	u64 end;

	begin_profile(&(struct mrc_paths_conf){ .nplanes = 4, .n = 64,
						.reverse = 2 });
	for (u32 i = 0; i < 1000; i++)
		used[mrc_paths_pick_reverse(ps, &rotor, now)]++;
	for (u32 i = 0; i < 64; i++)
		n += !!used[i];
	CHECK_EQ(n, 8);

	/* Plane 3 answers nothing. */
	end = now + 100 * MSEC;
	while (now < end && !mrc_paths_planes_bad(ps)) {
		int p = mrc_paths_next_probe(ps, now);

		mrc_paths_pick_reverse(ps, &rotor, now);
		if (p >= 0) {
			probes++;
			if (p % 4 != 3)
				mrc_paths_probe_answered(ps, p, 100000,
							 now + 100000);
		}
		now += 200000;
	}
	test_note("dead plane found by %u probes in %llu ms", probes,
		  (now + 100 * MSEC - end) / MSEC);
	CHECK_EQ(mrc_paths_planes_bad(ps), 8);
	for (u32 i = 0; i < 100; i++)
		CHECK(mrc_paths_pick_reverse(ps, &rotor, now) % 4 != 3);

	/* Where data is acknowledged, or nothing answered, no probe is sent. */
	begin(64, 4);
	for (u32 i = 0; i < 1000; i++) {
		traffic(1, 0);
		mrc_paths_pick_reverse(ps, &rotor, now);
		CHECK(mrc_paths_next_probe(ps, now) < 0);
	}
	/* A peer that answers none gets a few, and is left in peace. */
	begin(64, 4);
	for (probes = 0; now < T0 + 1000 * MSEC; now += MSEC / 2) {
		mrc_paths_pick_reverse(ps, &rotor, now);
		probes += mrc_paths_next_probe(ps, now) >= 0;
	}
	CHECK(probes >= 16 && probes <= 18);
	CHECK_EQ(ps->nactive, 64);
	consistent();
}

TEST(mrc_paths_pick__planes_in_turn_paths_at_random)
{
	u32 per_plane[4] = { 0 }, per_path[64] = { 0 };
	u32 last = U32_MAX;

	begin(64, 4);
	for (u32 i = 0; i < 64000; i++) {
		u32 p = pick(), plane = ps->path[p].plane;

		if (last != U32_MAX)
			CHECK_EQ(plane, (last + 1) % 4);
		last = plane;
		per_plane[plane]++;
		per_path[p]++;
	}
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(per_plane[i], 16000);
	for (u32 i = 0; i < 64; i++)
		CHECK(per_path[i] > 800 && per_path[i] < 1200);
}

TEST(mrc_paths_pick__rotors_differ)
{
	struct mrc_rotor a, b;
	u32 same = 0;

	begin(64, 4);
	mrc_rotor_init(&a, 1);
	mrc_rotor_init(&b, 2);
	for (u32 i = 0; i < 1000; i++)
		same += mrc_paths_pick(ps, &a, -1, now) ==
			mrc_paths_pick(ps, &b, -1, now);
	CHECK(same < 200);
	/* Zero is a seed as good as any. */
	mrc_rotor_init(&a, 0);
	CHECK(mrc_paths_pick(ps, &a, -1, now) >= 0);
	CHECK(a.key);
}

TEST(mrc_paths_pick__avoids_path_and_plane)
{
	begin(64, 4);
	for (u32 i = 0; i < 1000; i++) {
		int p = mrc_paths_pick(ps, &rotor, 6, now);

		CHECK(p >= 0 && p % 4 != 2);
	}
	/* With one plane, another path; with one path, that. */
	begin(2, 1);
	for (u32 i = 0; i < 100; i++)
		CHECK(mrc_paths_pick(ps, &rotor, 1, now) == 0);
	begin(1, 1);
	CHECK(mrc_paths_pick(ps, &rotor, 0, now) == 0);
}

TEST(mrc_paths_pick__planes_down)
{
	begin(64, 4);
	mrc_paths_set_planes_down(ps, 1 << 1 | 1 << 3, now);
	CHECK_EQ(mrc_paths_planes_down(ps), 0xa);
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
	for (u32 i = 0; i < 100; i++)
		CHECK(ps->path[pick()].plane % 2 == 0);
	mrc_paths_set_planes_down(ps, 0xf, now);
	CHECK(mrc_paths_pick(ps, &rotor, -1, now) == -1);
	/* Losses of a plane that is down say nothing. */
	for (u32 i = 0; i < 100; i++)
		mrc_paths_lost(ps, 1, now);
	CHECK_EQ(state(1), MRC_PATH_GOOD);
	mrc_paths_set_planes_down(ps, 0, now);
	mrc_paths_set_planes_down(ps, 0, now);
	traffic(100, 0);
	CHECK_EQ(ps->nactive, 64);
}

TEST(mrc_paths_pick__skip_is_passed_over_once)
{
	begin(3, 1);
	mrc_paths_acked(ps, 0, MRC_SACK_M_SKIP_ONCE, 0, now);
	mrc_paths_trimmed(ps, 1, now);
	mrc_paths_trimmed(ps, 9, now);
	CHECK_EQ(state(0), MRC_PATH_SKIP);
	CHECK_EQ(state(1), MRC_PATH_SKIP);
	for (u32 i = 0; i < 100; i++)
		pick();
	CHECK_EQ(mrc_paths_in_state(ps, 0, MRC_PATH_GOOD), 3);

	begin(3, 1);
	mrc_paths_trimmed(ps, 2, now);
	for (u32 i = 0; i < 100 && state(2) == MRC_PATH_SKIP; i++)
		CHECK(pick() != 2);
	/* All marked: one is used all the same. */
	for (u32 p = 0; p < 3; p++)
		mrc_paths_trimmed(ps, p, now);
	for (u32 i = 0; i < 10; i++)
		CHECK(mrc_paths_pick(ps, &rotor, 1, now) >= 0);
}

TEST(mrc_paths_lost__dead_path)
{
	u32 n = 0;

	begin(64, 4);
	traffic(1000, 0);
	while (state(17) == MRC_PATH_GOOD) {
		mrc_paths_lost(ps, 17, now);
		traffic(10, 0);
		CHECK(++n < 6);
	}
	/* Traffic went over it too; what counts is what it takes alone. */
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);
	CHECK_EQ(ps->nactive, 63);
	CHECK_EQ(mrc_paths_in_state(ps, 1, MRC_PATH_ASSUMED_BAD), 1);
	CHECK_EQ(ps->went_bad, 1);
	for (u32 i = 0; i < 1000; i++)
		CHECK(pick() != 17);
	consistent();
}

/* The first loss is enough where nobody else loses anything. */
TEST(mrc_paths_lost__first_loss)
{
	begin(64, 4);
	mrc_paths_lost(ps, 17, now);
	CHECK_EQ(state(17), MRC_PATH_GOOD);	/* too early to say */
	begin(64, 4);
	traffic(100, 0);
	mrc_paths_lost(ps, 17, now);
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);
	/* Another path's loss: it is not one path. */
	traffic(400, 0);
	mrc_paths_lost(ps, 18, now);
	CHECK_EQ(state(18), MRC_PATH_GOOD);
	/* Its own losses of before do not excuse a path. */
	now += 6 * MSEC;
	traffic(600, 0);
	mrc_paths_lost(ps, 19, now);
	CHECK_EQ(state(19), MRC_PATH_ASSUMED_BAD);
	/* No more than half of a plane that way, never the last path. */
	begin(8, 2);
	traffic(100, 0);
	for (u32 p = 0; p < 8; p += 2) {
		mrc_paths_lost(ps, p, now);
		now += 6 * MSEC;
		traffic(600, 0);
	}
	CHECK_EQ(mrc_paths_in_state(ps, 0, MRC_PATH_ASSUMED_BAD), 2);
	consistent();
}

/* What fails takes several paths with it: after quiet, up to four at a time. */
TEST(mrc_paths_lost__several_at_once)
{
	begin(64, 4);
	traffic(1000, 0);
	for (u32 p = 1; p < 40; p += 5) {
		mrc_paths_lost(ps, p, now);
		now += 10000;
	}
	for (u32 p = 1; p < 40; p += 5)
		CHECK_EQ(state(p), p < 20 ? MRC_PATH_ASSUMED_BAD : MRC_PATH_GOOD);
	/* Later it is something else. */
	begin(64, 4);
	traffic(1000, 0);
	mrc_paths_lost(ps, 1, now);
	traffic(100, 0);
	mrc_paths_lost(ps, 6, now);
	CHECK_EQ(state(1), MRC_PATH_ASSUMED_BAD);
	CHECK_EQ(state(6), MRC_PATH_GOOD);
	consistent();
}

/*
 * One path in ten is dead, and one packet of each plane is in flight: little
 * is lost to find those out, for what is known to work is used.
 */
TEST(mrc_paths_pick__proven_first)
{
	u32 lost = 0, used[64] = { 0 }, often = 0;

	begin_profile(&(struct mrc_paths_conf){ .nplanes = 4, .n = 64,
						.reverse = 4 });
	for (u32 i = 0; i < 1000; i++) {
		u32 p = pick();

		used[p]++;
		mrc_paths_flight(ps, p, true);
		consistent();
		mrc_paths_flight(ps, p, false);
		now += 10000;
		if (p % 10 == 3) {
			mrc_paths_lost(ps, p, now);
			lost++;
		} else {
			mrc_paths_acked(ps, p, MRC_SACK_M_NONE, 200000, now);
		}
		consistent();
	}
	for (u32 i = 0; i < 64; i++)
		often += used[i] > 20;
	test_note("%u of 1000 lost, %u of 64 paths used often", lost, often);
	/* By chance alone 100, less what is found out. */
	CHECK(lost < 12);
	/* But others are tried besides. */
	CHECK(often > 8);
	/* What is sent again, and answers, go by nothing else. */
	for (u32 i = 0; i < 1000; i++) {
		int p = mrc_paths_pick(ps, &rotor, pick(), now);

		CHECK(p >= 0 && ps->path[p].proven);
		p = mrc_paths_pick_reverse(ps, &rotor, now);
		CHECK(p >= 0 && p % 10 != 3);
	}
}

/* As many in flight as there are paths: each has one. */
TEST(mrc_paths_pick__idle_first)
{
	begin(64, 4);
	for (u32 i = 0; i < 64; i++)
		mrc_paths_flight(ps, pick(), true);
	consistent();
	for (u32 i = 0; i < 64; i++)
		CHECK_EQ(ps->path[i].inflight, 1);
	/* Beyond that the one with the least of those looked at. */
	for (u32 i = 0; i < 64; i++) {
		u32 p = pick();

		mrc_paths_flight(ps, p, true);
		CHECK(ps->path[p].inflight <= 4);
	}
	for (u32 i = 0; i < 64; i++)
		while (ps->path[i].inflight)
			mrc_paths_flight(ps, i, false);
	consistent();
	CHECK_EQ(ps->inflight, 0);
}

/* A plane with more than its share in flight is passed over. */
TEST(mrc_paths_pick__slow_plane)
{
	u32 sent[4] = { 0 };

	begin(64, 4);
	for (u32 i = 0; i < 4000; i++) {
		u32 p = pick(), plane = ps->path[p].plane;

		mrc_paths_flight(ps, p, true);
		sent[plane]++;
		/* Plane 1 delivers nothing, the others all but 20. */
		if (plane != 1 && sent[plane] > 20)
			mrc_paths_flight(ps, p, false);
	}
	CHECK(sent[1] > 85 && sent[1] < 100);
	/* It is used if there is nothing else. */
	mrc_paths_set_planes_down(ps, 0xd, now);
	for (u32 i = 0; i < 10; i++)
		CHECK_EQ(ps->path[pick()].plane, 1);
	mrc_paths_flight(ps, 64, true);
	mrc_paths_flight(ps, 64, false);
	for (u32 i = 0; i < 4000; i++)
		mrc_paths_flight(ps, 1, false);
	CHECK_EQ(ps->planes[1].inflight, 0);
	CHECK_EQ(ps->inflight, 60);
}

/*
 * A path that answers nothing has a packet in flight for ever, and is left
 * alone while others have none: well before a loss is known.
 */
TEST(mrc_paths_pick__fewest_in_flight)
{
	u32 dead[2] = { 0 };

	begin(64, 4);
	for (u32 i = 0; i < 4000; i++) {
		u32 p = pick();

		mrc_paths_flight(ps, p, true);
		if (p == 5 || p == 9)
			dead[p == 9]++;
		else
			mrc_paths_flight(ps, p, false);
	}
	/* By chance alone each would have had 62. */
	test_note("%u and %u packets to paths that do not answer", dead[0], dead[1]);
	CHECK(dead[0] >= 1 && dead[0] <= 2);
	CHECK(dead[1] >= 1 && dead[1] <= 2);
	/* Each other's share stays even. */
	for (u32 i = 0; i < 64; i++)
		if (i != 5 && i != 9)
			CHECK_EQ(ps->path[i].inflight, 0);
	/* With only one path it is taken whatever it has in flight. */
	begin(4, 4);
	for (u32 i = 0; i < 40; i++)
		mrc_paths_flight(ps, pick(), true);
	for (u32 i = 0; i < 4; i++)
		CHECK_EQ(ps->path[i].inflight, 10);
}

TEST(mrc_paths_lost__path_comes_back_by_probes)
{
	begin(64, 4);
	traffic(1000, 0);
	mrc_paths_lost(ps, 17, now);
	mrc_paths_acked(ps, 18, MRC_SACK_M_NONE, 0, now);
	mrc_paths_lost(ps, 17, now);
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);
	CHECK(mrc_paths_probe_deadline(ps) <= now + 2 * MSEC);
	/* An early call does nothing. */
	CHECK(mrc_paths_next_probe(ps, now) == -1);
	CHECK_EQ(probing(now + 20 * MSEC, 0), 3);
	CHECK_EQ(state(17), MRC_PATH_GOOD);
	CHECK(mrc_paths_probe_deadline(ps) == U64_MAX);
	CHECK_EQ(ps->went_good, 1);
	/* Answers for good paths, and of no path, change nothing. */
	mrc_paths_probe_answered(ps, 17, 0, now);
	mrc_paths_probe_answered(ps, 64, 0, now);
	consistent();
}

TEST(mrc_paths_next_probe__backs_off_without_answer)
{
	u64 first = 0, end;
	u32 n;

	begin(64, 4);
	/* Some probe was answered once: this peer knows them. */
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(1000, 0);
	mrc_paths_lost(ps, 17, now);
	mrc_paths_acked(ps, 18, MRC_SACK_M_NONE, 0, now);
	mrc_paths_lost(ps, 17, now);
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);
	first = now;
	n = probing(first + 1000 * MSEC, 2);
	CHECK(n >= 9 && n <= 12);
	end = now;
	n = probing(end + 10000 * MSEC, 2);
	CHECK(n >= 35 && n <= 45);
}

TEST(mrc_paths_lost__random_loss_everywhere)
{
	static const u32 ppm[] = { 1000, 10000, 50000, 100000 };
	struct rng r = { .x = 3 };

	for (u32 k = 0; k < ARRAY_SIZE(ppm); k++) {
		u64 sum = 0, samples = 0;

		begin(64, 4);
		for (u32 i = 0; i < 200000; i++) {
			u32 p = pick();

			now += 10000;
			if (rng_chance(&r, ppm[k]))
				mrc_paths_lost(ps, p, now);
			else
				mrc_paths_acked(ps, p, MRC_SACK_M_NONE,
						200000, now);
			while (mrc_paths_probe_deadline(ps) <= now) {
				int q = mrc_paths_next_probe(ps, now);

				if (q >= 0 && !rng_chance(&r, 2 * ppm[k]))
					mrc_paths_probe_answered(ps, q, 200000,
								 now);
			}
			CHECK(!mrc_paths_planes_bad(ps));
			sum += ps->nactive;
			samples++;
		}
		test_note("%u ppm: %.1f of 64 paths in use on average, %u taken out in 200,000 packets",
			  ppm[k], (double)sum / samples, ps->went_bad);
		CHECK(sum > 55 * samples);
		consistent();
	}
}

TEST(mrc_paths_lost__lossy_path_is_told_apart)
{
	struct rng r = { .x = 5 };
	u32 sent_bad = 0, all = 0;

	begin(16, 4);
	for (u32 i = 0; i < 100000; i++) {
		u32 p = pick();

		now += 10000;
		all++;
		sent_bad += p == 5;
		if (rng_chance(&r, p == 5 ? 210000 : 10000))
			mrc_paths_lost(ps, p, now);
		else
			mrc_paths_acked(ps, p, MRC_SACK_M_NONE, 200000, now);
		while (mrc_paths_probe_deadline(ps) <= now) {
			int q = mrc_paths_next_probe(ps, now);

			if (q >= 0 && !rng_chance(&r, q == 5 ? 210000 : 10000))
				mrc_paths_probe_answered(ps, q, 200000, now);
		}
	}
	test_note("%u of %u packets on the path of 16 that loses 20 %%",
		  sent_bad, all);
	CHECK(sent_bad < all / 16 / 4);
}

TEST(mrc_paths_lost__dead_plane_leaves_at_once)
{
	u32 n = 0;

	begin(64, 4);
	traffic(1000, 0);
	while (!mrc_paths_planes_bad(ps)) {
		traffic(1, 1 << 2);
		CHECK(++n < 40);
	}
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	CHECK_EQ(ps->nactive, 48);
	CHECK_EQ(mrc_paths_in_state(ps, 2, MRC_PATH_ASSUMED_BAD), 16);
	for (u32 i = 0; i < 1000; i++)
		CHECK(ps->path[pick()].plane != 2);
	/* More losses of it change nothing, those in flight. */
	for (u32 i = 0; i < 64; i += 4)
		mrc_paths_lost(ps, i + 2, now);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	consistent();
}

TEST(mrc_paths_lost__dead_plane_is_probed_and_comes_back)
{
	u64 mended;
	u32 n;

	begin(64, 4);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(1000, 0);
	traffic(40, 1 << 2);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	n = probing(now + 1000 * MSEC, 4);
	CHECK(n >= 20 && n < 100);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	mended = now;
	while (mrc_paths_in_state(ps, 2, MRC_PATH_GOOD) < 16 &&
	       now < mended + 1000 * MSEC)
		probing(now + MSEC, 0);
	test_note("all paths back %llu ms after mending",
		  (now - mended) / MSEC);
	CHECK(now - mended < 100 * MSEC);
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
	consistent();
}

TEST(mrc_paths_next_probe__silent_plane_half_dead)
{
	/* two paths on each plane; plane 2 is dead, then its path 2 alone */
	begin(8, 4);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(1000, 0);
	traffic(60, 1 << 2);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	for (u64 end = now + 1000 * MSEC; now < end;) {
		int p;

		now = max(now, mrc_paths_probe_deadline(ps));
		p = mrc_paths_next_probe(ps, now);
		if (p == 6)
			mrc_paths_probe_answered(ps, p, 100000, now);
		consistent();
	}
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
	CHECK_EQ(state(6), MRC_PATH_GOOD);
	CHECK_EQ(state(2), MRC_PATH_ASSUMED_BAD);
}

TEST(mrc_paths_lost__plane_of_one_path)
{
	begin(4, 4);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(100, 0);
	traffic(40, 1);
	CHECK_EQ(mrc_paths_planes_bad(ps), 1);
	traffic(100, 1);
	probing(now + 200 * MSEC, 0);
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
}

TEST(mrc_paths_lost__last_plane_stays)
{
	begin(64, 4);
	traffic(100, 0);
	traffic(4000, 7);
	CHECK_EQ(mrc_paths_planes_bad(ps), 7);
	/* Now it too loses everything: there is nothing else. */
	for (u32 i = 0; i < 1000; i++) {
		now += 10000;
		mrc_paths_lost(ps, pick(), now);
	}
	CHECK_EQ(mrc_paths_planes_bad(ps), 7);
	CHECK(ps->nactive >= 4);
	consistent();
}

TEST(mrc_paths_lost__silent_peer_blames_no_path)
{
	begin(64, 4);
	traffic(100, 0);
	now += 100 * MSEC;
	for (u32 i = 0; i < 1000; i++)
		mrc_paths_lost(ps, pick(), now);
	CHECK_EQ(ps->nactive, 64);
}

TEST(mrc_paths_lost__a_quarter_stays_active)
{
	begin(64, 1);
	traffic(1000, 0);
	for (u32 p = 0; p < 63; p++)
		for (u32 k = 0; k < 10; k++) {
			mrc_paths_acked(ps, 63, MRC_SACK_M_NONE, 0, now);
			mrc_paths_lost(ps, p, now);
		}
	CHECK_EQ(ps->nactive, 16);
	/* The receiver's ALWAYS_SKIP has the same limit. */
	mrc_paths_acked(ps, 63, MRC_SACK_M_ALWAYS_SKIP, 0, now);
	CHECK_EQ(state(63), MRC_PATH_GOOD);
	consistent();
}

TEST(mrc_paths_acked__always_skip)
{
	begin(64, 4);
	mrc_paths_acked(ps, 3, MRC_SACK_M_ALWAYS_SKIP, 0, now);
	CHECK_EQ(state(3), MRC_PATH_ASSUMED_BAD);
	mrc_paths_acked(ps, 3, MRC_SACK_M_SKIP_ONCE, 0, now);
	CHECK_EQ(state(3), MRC_PATH_ASSUMED_BAD);
	mrc_paths_acked(ps, 64, MRC_SACK_M_NONE, 0, now);
	mrc_paths_lost(ps, 64, now);
	mrc_paths_spurious(ps, 64, now);
	mrc_paths_deny(ps, 64, true);
}

TEST(mrc_paths_acked__rtt)
{
	begin(4, 4);
	mrc_paths_acked(ps, 1, MRC_SACK_M_NONE, 1000, now);
	CHECK_EQ(mrc_path_get(ps, 1)->srtt_ns, 1000);
	mrc_paths_acked(ps, 1, MRC_SACK_M_NONE, 9000, now);
	CHECK_EQ(mrc_path_get(ps, 1)->srtt_ns, 2000);
	mrc_paths_acked(ps, 1, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(mrc_path_get(ps, 1)->srtt_ns, 2000);
	mrc_paths_acked(ps, 2, MRC_SACK_M_NONE, U32_MAX, now);
	CHECK_EQ(mrc_path_get(ps, 2)->srtt_ns, S32_MAX);
}

TEST(mrc_paths_spurious__all_losses_have_to_turn_up)
{
	begin(64, 4);
	traffic(1000, 0);
	mrc_paths_lost(ps, 17, now);
	mrc_paths_lost(ps, 18, now);
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);
	CHECK_EQ(state(18), MRC_PATH_ASSUMED_BAD);
	mrc_paths_spurious(ps, 17, now);
	CHECK_EQ(state(17), MRC_PATH_GOOD);
	CHECK_EQ(mrc_path_get(ps, 17)->lost, 0);
	/* What was in flight when it became bad counts, too. */
	mrc_paths_lost(ps, 18, now);
	mrc_paths_spurious(ps, 18, now);
	CHECK_EQ(state(18), MRC_PATH_ASSUMED_BAD);
	mrc_paths_acked(ps, 18, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(state(18), MRC_PATH_ASSUMED_BAD);
	mrc_paths_spurious(ps, 18, now);
	CHECK_EQ(state(18), MRC_PATH_GOOD);
	/* No more may turn up than was lost. */
	mrc_paths_spurious(ps, 20, now);
	CHECK_EQ(mrc_path_get(ps, 20)->lost, 0);
	consistent();
}

/* One that was sent before its path died, and came late. */
TEST(mrc_paths_spurious__others_are_on_their_way)
{
	begin(64, 4);
	traffic(1000, 0);
	for (u32 i = 0; i < 3; i++)
		mrc_paths_flight(ps, 17, true);
	mrc_paths_flight(ps, 17, false);
	mrc_paths_lost(ps, 17, now);
	mrc_paths_spurious(ps, 17, now);
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);
	mrc_paths_flight(ps, 17, false);
	mrc_paths_lost(ps, 17, now);
	mrc_paths_flight(ps, 17, false);
	mrc_paths_acked(ps, 17, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(state(17), MRC_PATH_ASSUMED_BAD);

	/* Another path was only slow: all that were on their way arrive. */
	for (u32 i = 0; i < 3; i++)
		mrc_paths_flight(ps, 22, true);
	mrc_paths_flight(ps, 22, false);
	mrc_paths_lost(ps, 22, now);
	mrc_paths_lost(ps, 22, now);
	CHECK_EQ(state(22), MRC_PATH_ASSUMED_BAD);
	mrc_paths_spurious(ps, 22, now);
	mrc_paths_spurious(ps, 22, now);
	mrc_paths_flight(ps, 22, false);
	mrc_paths_acked(ps, 22, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(state(22), MRC_PATH_ASSUMED_BAD);
	mrc_paths_flight(ps, 22, false);
	mrc_paths_acked(ps, 22, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(state(22), MRC_PATH_GOOD);
	consistent();
}

/* The receiver's word is not taken back by a packet that comes late. */
TEST(mrc_paths_spurious__does_not_undo_always_skip)
{
	begin(64, 4);
	traffic(1000, 0);
	mrc_paths_acked(ps, 3, MRC_SACK_M_ALWAYS_SKIP, 0, now);
	mrc_paths_spurious(ps, 3, now);
	CHECK_EQ(state(3), MRC_PATH_ASSUMED_BAD);
}

/* A whole plane that was only slow: its paths need no more than a probe each. */
TEST(mrc_paths_spurious__silent_plane)
{
	u32 p = 64;

	begin(64, 4);
	traffic(1000, 0);
	traffic(40, 1 << 2);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	for (u32 i = 0; i < 64; i++)
		if (ps->path[i].streak == 1)
			p = i;
	CHECK(p < 64);
	mrc_paths_flight(ps, p, true);
	mrc_paths_spurious(ps, p, now);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	CHECK(!ps->planes[2].silent);
	mrc_paths_flight(ps, p, false);
	mrc_paths_acked(ps, p, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
	CHECK_EQ(ps->nactive, 49);
	CHECK(probing(now + 20 * MSEC, 0) <= 15);
	CHECK_EQ(ps->nactive, 64);
	consistent();
}

TEST(mrc_paths_deny__and_allow)
{
	begin(4, 2);
	mrc_paths_deny(ps, 1, false);
	mrc_paths_deny(ps, 0, true);
	mrc_paths_deny(ps, 2, true);
	CHECK_EQ(state(0), MRC_PATH_DENIED);
	CHECK_EQ(mrc_paths_planes_bad(ps), 1);
	for (u32 i = 0; i < 50; i++)
		CHECK(pick() % 2 == 1);
	/* Denied paths are not probed, nor used in need. */
	CHECK(mrc_paths_next_probe(ps, now) == -1);
	mrc_paths_deny(ps, 1, true);
	for (u32 i = 0; i < 50; i++)
		CHECK_EQ(pick(), 3);
	mrc_paths_deny(ps, 3, true);
	CHECK(mrc_paths_pick(ps, &rotor, -1, now) == -1);
	mrc_paths_deny(ps, 3, false);
	mrc_paths_deny(ps, 0, false);
	CHECK_EQ(state(0), MRC_PATH_GOOD);
	CHECK_EQ(ps->nactive, 2);
	consistent();
}

/* Nothing works: all paths of all planes bad (one denied, one bad). */
TEST(mrc_paths_pick__uses_bad_paths_in_need)
{
	begin(4, 2);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(100, 0);
	traffic(40, 1);
	CHECK_EQ(mrc_paths_planes_bad(ps), 1);
	mrc_paths_set_planes_down(ps, 2, now);
	for (u32 i = 0; i < 50; i++)
		CHECK(pick() % 2 == 0);
	/* In need, an acknowledgment counts as a probe's answer. */
	mrc_paths_set_planes_down(ps, 0, now);
	mrc_paths_deny(ps, 1, true);
	mrc_paths_deny(ps, 3, true);
	CHECK_EQ(ps->nactive, 0);
	for (u32 i = 0; i < 3; i++)
		mrc_paths_acked(ps, 2, MRC_SACK_M_NONE, 0, now);
	CHECK_EQ(mrc_paths_planes_bad(ps), 2);
	consistent();
}

TEST(mrc_paths_next_probe__silent_plane_all_denied)
{
	begin(8, 2);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(100, 0);
	traffic(40, 1);
	CHECK_EQ(mrc_paths_planes_bad(ps), 1);
	for (u32 p = 0; p < 8; p += 2)
		mrc_paths_deny(ps, p, true);
	CHECK_EQ(probing(now + 100 * MSEC, 0), 0);
	CHECK(mrc_paths_probe_deadline(ps) == U64_MAX);
}

TEST(mrc_paths_next_probe__peer_that_answers_none)
{
	begin(8, 2);
	traffic(100, 0);
	traffic(40, 1);
	CHECK_EQ(mrc_paths_planes_bad(ps), 1);
	/* Later its paths are tried with data. */
	probing(now + 5000 * MSEC, 3);
	CHECK_EQ(mrc_paths_planes_bad(ps), 0);
	CHECK_EQ(ps->nactive, 8);
	consistent();
}

TEST(mrc_paths_set_planes_down__silent_plane_comes_up)
{
	u64 t;

	begin(64, 4);
	mrc_paths_probe_answered(ps, 0, 0, now);
	traffic(100, 0);
	traffic(40, 1 << 2);
	CHECK_EQ(mrc_paths_planes_bad(ps), 4);
	mrc_paths_set_planes_down(ps, 4, now);
	CHECK_EQ(probing(now + 500 * MSEC, 0), 0);
	mrc_paths_set_planes_down(ps, 0, now);
	t = now;
	CHECK(mrc_paths_probe_deadline(ps) <= t + MSEC);
	probing(now + 20 * MSEC, 0);
	CHECK_EQ(mrc_paths_in_state(ps, 2, MRC_PATH_GOOD), 16);
}

TEST(mrc_paths_reordering__remembered_for_seconds)
{
	begin(4, 2);
	CHECK_EQ(mrc_paths_reordering(ps, now), 0);
	mrc_paths_reordered(ps, 5 * MSEC, now);
	CHECK_EQ(mrc_paths_reordering(ps, now), 5 * MSEC);
	mrc_paths_reordered(ps, MSEC, now + MSEC);
	CHECK_EQ(mrc_paths_reordering(ps, now + 4500 * MSEC), 5 * MSEC);
	mrc_paths_reordered(ps, 2 * MSEC, now + 5000 * MSEC);
	CHECK_EQ(mrc_paths_reordering(ps, now + 9000 * MSEC), 2 * MSEC);
	mrc_paths_reordered(ps, 1000 * MSEC, now + 9000 * MSEC);
	CHECK_EQ(mrc_paths_reordering(ps, now + 9000 * MSEC), 50 * MSEC);
	CHECK_EQ(mrc_paths_reordering(ps, now + 99000 * MSEC), 0);
}

TEST(mrc_paths__random_events_stay_consistent)
{
	for (u64 seed = 1; seed <= 50; seed++) {
		struct rng r = { .x = seed };

		test_seed(seed);
		begin_profile(&(struct mrc_paths_conf){
			.nplanes = 1 + rng_below(&r, 5),
			.n = 5 + rng_below(&r, 60),
			.active = rng_below(&r, 8),
			.min_active = rng_below(&r, 5),
			.reverse = rng_below(&r, 3),
		});
		for (u32 i = 0; i < 5000; i++) {
			u32 p = rng_below(&r, ps->n + 1);

			now += rng_below(&r, MSEC);
			switch (rng_below(&r, 11)) {
			case 0:
			case 1:
			case 2:
				mrc_paths_lost(ps, p, now);
				break;
			case 3:
			case 4:
				mrc_paths_acked(ps, p, rng_below(&r, 3),
						rng_below(&r, 1000000), now);
				break;
			case 5:
				mrc_paths_spurious(ps, p, now);
				break;
			case 6:
				mrc_paths_deny(ps, p, rng_below(&r, 2));
				break;
			case 7:
				mrc_paths_probe_answered(ps, p, 1, now);
				break;
			case 8:
				mrc_paths_set_planes_down(ps,
							  rng_below(&r, 32),
							  now);
				break;
			case 9:
				mrc_paths_pick_reverse(ps, &rotor, now);
				break;
			default:
				mrc_paths_next_probe(ps, now);
			}
			consistent();
			mrc_paths_pick(ps, &rotor, p < ps->n ? (int)p : -1,
				       now);
		}
	}
}
