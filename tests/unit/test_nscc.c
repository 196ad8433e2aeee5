// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <linux/limits.h>
#include <linux/minmax.h>
#include <string.h>

#include "harness.h"
#include "transport/nscc.h"

#define USEC		1000ULL
#define MSEC		1000000ULL
#define MTU		4160

static struct mrc_cc cc;
static u64 now;

static void begin(u64 gbps, bool trimming)
{
	struct mrc_cc_profile profile = mrc_cc_default;
	struct mrc_cc_params p = {
		.mtu = MTU, .speed_bps = gbps * 1000 * MSEC,
		.profile = &profile,
	};

	profile.trimming = trimming;

	now = 5000 * MSEC;
	mrc_cc_init(&cc, &p, now);
}

/* Fill the window, then acknowledge it with @rtt; @n times. */
static void rounds(u32 n, u64 rtt, bool ecn)
{
	while (n--) {
		u64 k = 0;

		while (mrc_cc_may_send(&cc, MTU)) {
			mrc_cc_sent(&cc, MTU);
			k++;
		}
		CHECK(k);
		for (u64 i = 0; i < k; i++) {
			now += rtt / k + 1;
			mrc_cc_acked(&cc, MTU, rtt, ecn, now);
		}
		CHECK_EQ(mrc_cc_inflight(&cc), 0);
		CHECK(mrc_cc_cwnd(&cc) >= MTU);
		CHECK(mrc_cc_cwnd(&cc) <= cc.max_wnd);
	}
}

TEST(mrc_cc_init__defaults)
{
	struct mrc_cc_params p = { .mtu = 1 };

	begin(10, false);
	CHECK_EQ(mrc_cc_cwnd(&cc), 64 * MTU);
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 0);
	CHECK(mrc_cc_may_send(&cc, MTU));
	mrc_cc_init(&cc, &p, 0);
	CHECK_EQ(cc.mtu, 256);
	CHECK(cc.speed_bps);
}

TEST(mrc_cc_may_send__null_holds_nothing_back)
{
	struct mrc_cc_profile profile = mrc_cc_default;

	begin(10, false);
	profile.algorithm = MRC_CC_NULL;
	mrc_cc_set_profile(&cc, &profile, now);
	for (u32 i = 0; i < 100000; i++) {
		CHECK(mrc_cc_may_send(&cc, MTU));
		mrc_cc_sent(&cc, MTU);
	}
	/* It still counts, so that NSCC can take over in use. */
	for (u32 i = 0; i < 100000; i++) {
		now += USEC;
		if (i % 4)
			mrc_cc_acked(&cc, MTU, 100 * USEC, i % 3 == 0, now);
		else
			mrc_cc_lost(&cc, MTU, now);
		CHECK(mrc_cc_may_send(&cc, MTU));
	}
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 100 * USEC);
	mrc_cc_set_profile(&cc, &mrc_cc_default, now);
	rounds(3, 100 * USEC, false);
}

TEST(mrc_cc_set_profile__in_use)
{
	struct mrc_cc_profile profile = mrc_cc_default;
	u64 w;

	begin(100, false);
	rounds(30, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	CHECK_EQ(w, 1250000 * 3 / 2);
	profile.limit = 100;
	mrc_cc_set_profile(&cc, &profile, now);
	CHECK_EQ(mrc_cc_cwnd(&cc), 1250000);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 100 * USEC);
	profile.limit = 200;
	mrc_cc_set_profile(&cc, &profile, now);
	rounds(30, 100 * USEC, false);
	CHECK_EQ(mrc_cc_cwnd(&cc), 2500000);
	profile.target = 50;
	mrc_cc_set_profile(&cc, &profile, now);
	CHECK_EQ(cc.target, 50 * USEC);
}

TEST(mrc_cc_may_send__until_window_is_full)
{
	u32 n = 0;

	begin(10, false);
	while (mrc_cc_may_send(&cc, MTU)) {
		mrc_cc_sent(&cc, MTU);
		n++;
	}
	CHECK_EQ(n, 64);
	mrc_cc_release(&cc, MTU);
	CHECK(mrc_cc_may_send(&cc, MTU));
	/* Never below zero, whatever is given back. */
	mrc_cc_release(&cc, 0xffffffff);
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
}

TEST(mrc_cc_acked__grows_to_one_and_a_half_bdp)
{
	begin(100, false);
	rounds(2, 100 * USEC, false);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 100 * USEC);
	CHECK_EQ(cc.max_wnd, 1250000 * 3 / 2);
	rounds(30, 100 * USEC, false);
	CHECK_EQ(mrc_cc_cwnd(&cc), cc.max_wnd);
}

TEST(mrc_cc_acked__grows_by_fair_increase_when_delayed)
{
	u64 w;

	begin(100, false);
	rounds(1, 100 * USEC, false);
	rounds(1, 250 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	rounds(1, 250 * USEC, false);
	/* 5 MTU a + 0.15 MTU a with a = 1.25 MB / 150,000 B = 8.3 */
	CHECK(mrc_cc_cwnd(&cc) > w + 30 * MTU);
	CHECK(mrc_cc_cwnd(&cc) < w + 50 * MTU);
}

TEST(mrc_cc_acked__proportional_increase)
{
	u64 w;

	begin(100, false);
	rounds(1, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	rounds(1, 150 * USEC, false);
	/* Never more than was acknowledged. */
	CHECK(mrc_cc_cwnd(&cc) > w && mrc_cc_cwnd(&cc) <= 2 * w + 10 * MTU);
}

TEST(mrc_cc_acked__ecn_without_delay_changes_nothing)
{
	u64 w;

	begin(100, false);
	rounds(5, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	rounds(3, 120 * USEC, true);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
}

TEST(mrc_cc_acked__ecn_with_delay_decreases)
{
	u64 w;

	begin(100, false);
	rounds(30, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	rounds(3, 350 * USEC, true);
	CHECK(mrc_cc_cwnd(&cc) < w);
	rounds(100, 350 * USEC, true);
	CHECK(mrc_cc_cwnd(&cc) < w / 4);
	/* Without marks it grows again. */
	w = mrc_cc_cwnd(&cc);
	rounds(50, 100 * USEC, false);
	CHECK(mrc_cc_cwnd(&cc) > 2 * w);
}

TEST(mrc_cc_acked__small_links)
{
	begin(1, false);
	rounds(50, 50 * USEC, false);
	/* BDP is 6 KB; bursts of offload must fit all the same. */
	CHECK_EQ(mrc_cc_cwnd(&cc), 128 * MTU);
}

TEST(mrc_cc_acked__absurd_values)
{
	begin(800000, false);
	rounds(1, 1, false);
	rounds(2, U64_MAX, false);
	rounds(2, 10000 * MSEC, true);
	mrc_cc_acked(&cc, 0xffffffff, 1, false, now);
	mrc_cc_acked(&cc, 0, 0, false, now);
	mrc_cc_lost(&cc, 0xffffffff, now);
	mrc_cc_trimmed(&cc, 0xffffffff, U64_MAX, now);
	CHECK(mrc_cc_cwnd(&cc) >= MTU);
}

TEST(mrc_cc_acked__without_samples)
{
	begin(10, false);
	for (u32 i = 0; i < 100; i++) {
		mrc_cc_sent(&cc, MTU);
		mrc_cc_acked(&cc, MTU, 0, false, now += USEC);
	}
	CHECK_EQ(mrc_cc_cwnd(&cc), 64 * MTU);
	rounds(1, 100 * USEC, false);
	for (u32 i = 0; i < 100; i++) {
		mrc_cc_sent(&cc, MTU);
		mrc_cc_acked(&cc, MTU, 0, false, now += USEC);
	}
	CHECK(mrc_cc_cwnd(&cc) >= 64 * MTU);
}

TEST(mrc_cc_base_rtt__rises_after_ten_seconds)
{
	begin(10, false);
	rounds(1, 100 * USEC, false);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 100 * USEC);
	for (u32 i = 0; i < 25; i++) {
		now += 1000 * MSEC;
		mrc_cc_acked(&cc, 0, 300 * USEC, false, now);
	}
	CHECK_EQ(mrc_cc_base_rtt(&cc), 300 * USEC);
	mrc_cc_acked(&cc, 0, 200 * USEC, false, now);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 200 * USEC);
}

TEST(mrc_cc_lost__packets_are_delayed)
{
	u64 w;

	begin(100, false);
	rounds(30, 100 * USEC, false);
	/* Delays above the target, which is the base RTT. */
	rounds(2, 300 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	mrc_cc_sent(&cc, MTU);
	mrc_cc_lost(&cc, MTU, now);
	CHECK_EQ(mrc_cc_cwnd(&cc), w - MTU);
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	mrc_cc_spurious(&cc, MTU);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
	/* Nothing comes back that was not taken. */
	mrc_cc_spurious(&cc, MTU);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
	/* The least without ECN marks */
	for (u32 i = 0; i < 1000; i++)
		mrc_cc_lost(&cc, MTU, now);
	CHECK_EQ(mrc_cc_cwnd(&cc), 4 * MTU);
}

TEST(mrc_cc_lost__before_the_first_sample)
{
	u64 w;

	begin(100, false);
	w = mrc_cc_cwnd(&cc);
	mrc_cc_sent(&cc, MTU);
	mrc_cc_lost(&cc, MTU, now);
	CHECK_EQ(mrc_cc_cwnd(&cc), w - MTU);
}

/* One packet in twenty, by chance: nothing is delayed. */
TEST(mrc_cc_lost__by_chance_costs_nothing)
{
	u64 w;

	begin(100, false);
	rounds(30, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	for (u32 i = 0; i < 10000; i++) {
		now += USEC;
		mrc_cc_sent(&cc, MTU);
		if (i % 20)
			mrc_cc_acked(&cc, MTU, 100 * USEC, false, now);
		else
			mrc_cc_lost(&cc, MTU, now);
		CHECK(mrc_cc_cwnd(&cc) >= w);
	}
	/* One in three is more than chance. */
	for (u32 i = 0; i < 1000; i++) {
		now += USEC;
		mrc_cc_sent(&cc, MTU);
		if (i % 3)
			mrc_cc_acked(&cc, MTU, 100 * USEC, false, now);
		else
			mrc_cc_lost(&cc, MTU, now);
	}
	CHECK(mrc_cc_cwnd(&cc) < w);
}

/* @packets get through per period of 200 us, the others are lost. */
static void collapse(u32 packets, u32 lost, u32 periods)
{
	for (u32 i = 0; i < periods; i++) {
		for (u32 k = 0; k < packets; k++) {
			now += 210 * USEC / packets;
			mrc_cc_sent(&cc, MTU);
			mrc_cc_acked(&cc, MTU, 600 * USEC, false, now);
		}
		for (u32 k = 0; k < lost; k++)
			mrc_cc_lost(&cc, MTU, now);
	}
}

TEST(mrc_cc_acked__quick_adapt_after_heavy_loss)
{
	begin(100, false);
	rounds(30, 100 * USEC, false);
	CHECK(mrc_cc_cwnd(&cc) > 400 * MTU);
	collapse(20, 30, 2);
	/* About twice the spread of delays on top of what got through */
	CHECK(mrc_cc_cwnd(&cc) < 100 * MTU);
}

/* What was in flight when it fired does not make it fire again. */
TEST(mrc_cc_acked__quick_adapt_once_for_one_queue)
{
	u64 w, left;

	begin(40, false);
	rounds(30, 100 * USEC, false);
	while (mrc_cc_may_send(&cc, MTU))
		mrc_cc_sent(&cc, MTU);
	w = mrc_cc_cwnd(&cc);
	/* 2 ms of queue: a packet every 20 us. */
	while (mrc_cc_cwnd(&cc) >= w) {
		now += 20 * USEC;
		mrc_cc_acked(&cc, MTU, 2 * MSEC, false, now);
	}
	w = mrc_cc_cwnd(&cc);
	left = mrc_cc_inflight(&cc);
	CHECK(left > 50 * MTU);
	/* The rest comes slower still, and some of it is lost. */
	for (u32 i = 0; mrc_cc_inflight(&cc) > 2 * MTU; i++) {
		now += 60 * USEC;
		if (i % 3)
			mrc_cc_acked(&cc, MTU, 3 * MSEC, false, now);
		else
			mrc_cc_lost(&cc, MTU, now);
		CHECK_EQ(mrc_cc_cwnd(&cc), w);
	}
}

TEST(mrc_cc_acked__quick_adapt_after_lasting_delay)
{
	begin(100, false);
	rounds(30, 100 * USEC, false);
	collapse(20, 0, 2);
	CHECK(mrc_cc_cwnd(&cc) > 400 * MTU);
	collapse(20, 0, 4);
	CHECK(mrc_cc_cwnd(&cc) < 100 * MTU);
}

TEST(mrc_cc_trimmed__quick_adapt)
{
	u64 w;

	begin(100, true);
	rounds(30, 100 * USEC, false);
	CHECK_EQ(cc.target, 75 * USEC);
	w = mrc_cc_cwnd(&cc);
	mrc_cc_trimmed(&cc, MTU, 0, now);
	CHECK_EQ(mrc_cc_cwnd(&cc), w - MTU);
	now += 200 * USEC;
	mrc_cc_acked(&cc, MTU, 100 * USEC, false, now);
	mrc_cc_trimmed(&cc, MTU, 0, now);
	now += 200 * USEC;
	mrc_cc_trimmed(&cc, MTU, 0, now);
	CHECK_EQ(mrc_cc_cwnd(&cc), MTU);
}

/* Whoever begins while a queue stands takes it for the path, but for trims. */
TEST(mrc_cc_trimmed__tells_of_the_path_without_queues)
{
	begin(100, true);
	mrc_cc_sent(&cc, 3 * MTU);
	mrc_cc_acked(&cc, MTU, 300 * USEC, false, now);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 300 * USEC);
	mrc_cc_trimmed(&cc, MTU, 0, now);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 300 * USEC);
	mrc_cc_trimmed(&cc, MTU, 100 * USEC, now);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 100 * USEC);
	CHECK_EQ(cc.target, 75 * USEC);
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
}

TEST(mrc_cc_penalty__and_restore)
{
	u64 w;

	begin(100, false);
	rounds(30, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	/* 64 in all SACKs of an RTT halves the window. */
	for (u64 left = w; left >= MTU; left -= MTU)
		mrc_cc_penalty(&cc, 64, false, MTU);
	CHECK(mrc_cc_cwnd(&cc) < w / 2 + 2 * MTU);
	CHECK(mrc_cc_cwnd(&cc) > w / 2 - 2 * MTU);
	mrc_cc_penalty(&cc, 0, true, MTU);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
	mrc_cc_penalty(&cc, 127, false, 0x7fffffff);
	CHECK_EQ(mrc_cc_cwnd(&cc), MTU);
	mrc_cc_penalty(&cc, 0, false, MTU);
	CHECK_EQ(mrc_cc_cwnd(&cc), MTU);
	mrc_cc_penalty(&cc, 0, true, MTU);
	CHECK_EQ(mrc_cc_cwnd(&cc), MTU);
}

/*
 * @n senders share a last hop of 160 packets a base RTT that marks nothing: what
 * a sender has in flight beyond its part of those stands in the queue, which
 * all see. Jain's index of the windows, in permille.
 */
static u32 incast(u32 n, u32 ms)
{
	static struct mrc_cc all[8];
	struct mrc_cc_params p = {
		.mtu = MTU, .speed_bps = 133120ULL * MSEC, .hold_ns = 10 * USEC,
	};
	u64 sum = 0, squares = 0, end, rtt = 40 * USEC;
	u32 packets[8];

	now = 5000 * MSEC;
	for (u32 i = 0; i < n; i++) {
		mrc_cc_init(&all[i], &p, now);
		mrc_cc_acked(&all[i], MTU, 40 * USEC + 200 * i, false, now);
		/* From the most unequal beginning. */
		all[i].cwnd = i ? 4 * MTU : all[i].max_wnd;
	}
	for (end = now + ms * MSEC; now < end; now += rtt) {
		u32 total = 0;

		for (u32 i = 0; i < n; i++) {
			packets[i] = all[i].cwnd / MTU;
			total += packets[i];
		}
		rtt = max_t(u64, 40 * USEC, total * 40 * USEC / 160);
		for (u32 i = 0; i < n; i++)
			for (u32 k = 0; k < packets[i]; k++) {
				mrc_cc_sent(&all[i], MTU);
				mrc_cc_acked(&all[i], MTU, rtt + 200 * i, false,
					     now + rtt * k / packets[i]);
			}
		if (end - now < ms * MSEC / 2)
			for (u32 i = 0; i < n; i++)
				all[i].saved_wnd += packets[i];
	}
	/* Without the rule all have their greatest window: 425 us. */
	CHECK(rtt < 160 * USEC);
	for (u32 i = 0; i < n; i++) {
		sum += all[i].saved_wnd;
		squares += all[i].saved_wnd * all[i].saved_wnd;
	}
	test_note("%u senders: Jain %.3f, RTT at the end %llu us", n,
		  1. * sum * sum / n / squares, rtt / USEC);
	return sum * sum * 1000 / n / squares;
}

TEST(mrc_cc_acked__equal_shares_without_marks)
{
	CHECK(incast(2, 40) > 980);
	CHECK(incast(7, 40) > 950);
}

/* Three packets per RTT of half a millisecond, in a queue that all stand in. */
static void three_per_rtt(u32 rounds, u64 pause)
{
	while (rounds--)
		for (u32 i = 0; i < 3; i++) {
			now += 170 * USEC + pause;
			mrc_cc_sent(&cc, MTU);
			mrc_cc_acked(&cc, MTU, 500 * USEC, false, now);
		}
}

TEST(mrc_cc_acked__a_small_window_takes_several_periods_to_judge)
{
	struct mrc_cc_profile profile = mrc_cc_default;
	struct mrc_cc_params p = {
		.mtu = MTU, .speed_bps = 100000 * MSEC, .hold_ns = 10 * USEC,
		.profile = &profile,
	};

	profile.trimming = true;
	now = 5000 * MSEC;
	mrc_cc_init(&cc, &p, now);
	rounds(1, 100 * USEC, false);
	/* Samples from before and after silence are not of one queue. */
	cc.cwnd = 20 * MTU;
	three_per_rtt(4, MSEC);
	CHECK(mrc_cc_cwnd(&cc) > 20 * MTU);
	/* A period is 200 us: one sample or two */
	cc.cwnd = 20 * MTU;
	three_per_rtt(8, 0);
	CHECK(mrc_cc_cwnd(&cc) < 10 * MTU);
	/* Without trimming, links may hold packets up for other reasons. */
	profile.trimming = false;
	mrc_cc_init(&cc, &p, now);
	rounds(1, 100 * USEC, false);
	cc.cwnd = 20 * MTU;
	three_per_rtt(8, 0);
	CHECK(mrc_cc_cwnd(&cc) >= 20 * MTU);
}

TEST(mrc_cc_calm__and_room_for_what_is_not_told)
{
	struct mrc_cc_profile profile = mrc_cc_default;
	u64 w;

	begin(100, true);
	CHECK(!mrc_cc_calm(&cc));
	rounds(30, 100 * USEC, false);
	CHECK(mrc_cc_calm(&cc));
	w = mrc_cc_cwnd(&cc);
	CHECK_EQ(mrc_cc_room(&cc), w + 26 * MTU);
	mrc_cc_sent(&cc, w + 26 * MTU - 1);
	CHECK(mrc_cc_may_send(&cc, MTU));
	mrc_cc_sent(&cc, 1);
	CHECK(!mrc_cc_may_send(&cc, MTU));
	/* Nothing on top where there is a reason to hear soon. */
	mrc_cc_release(&cc, w + 26 * MTU - 1);
	mrc_cc_lost(&cc, 1, now);
	CHECK(!mrc_cc_calm(&cc));
	CHECK_EQ(mrc_cc_room(&cc), w);
	rounds(3, 100 * USEC, false);
	CHECK(mrc_cc_calm(&cc));
	mrc_cc_trimmed(&cc, 1, 0, now);
	CHECK(!mrc_cc_calm(&cc));
	now += 20 * MSEC;
	rounds(30, 100 * USEC, false);
	CHECK(mrc_cc_calm(&cc));
	mrc_cc_penalty(&cc, 1, false, MTU);
	CHECK(!mrc_cc_calm(&cc));
	rounds(3, 100 * USEC, false);
	CHECK(!mrc_cc_calm(&cc));
	mrc_cc_penalty(&cc, 0, true, MTU);
	rounds(3, 100 * USEC, false);
	CHECK(mrc_cc_calm(&cc));
	rounds(1, 100 * USEC, true);
	CHECK(!mrc_cc_calm(&cc));
	now += 20 * MSEC;
	rounds(30, 100 * USEC, false);
	CHECK(mrc_cc_calm(&cc));
	/* A small window gets a quarter. */
	cc.cwnd = 8 * MTU;
	CHECK_EQ(mrc_cc_room(&cc), 10 * MTU);
	mrc_cc_set_profile(&cc, &profile, now);
	CHECK(!mrc_cc_calm(&cc));
	rounds(30, 100 * USEC, false);
	rounds(10, 300 * USEC, false);
	CHECK(!mrc_cc_calm(&cc));
}

/* Where processors may be what packets wait for, nothing changes. */
/* A packet each millisecond, and each stands in a queue of two. */
TEST(mrc_cc_acked__a_long_queue_is_no_silence)
{
	struct mrc_cc_profile profile = mrc_cc_default;
	struct mrc_cc_params p = {
		.mtu = MTU, .speed_bps = 100000 * MSEC, .hold_ns = 10 * USEC,
		.profile = &profile,
	};

	profile.trimming = true;
	now = 5000 * MSEC;
	mrc_cc_init(&cc, &p, now);
	rounds(1, 100 * USEC, false);
	cc.cwnd = 20 * MTU;
	for (u32 i = 0; i < 20; i++) {
		now += MSEC;
		mrc_cc_sent(&cc, MTU);
		mrc_cc_acked(&cc, MTU, 2 * MSEC, false, now);
	}
	CHECK(mrc_cc_cwnd(&cc) < 10 * MTU);
}

TEST(mrc_cc_acked__delay_of_software_is_no_queue)
{
	u64 w;

	begin(100, false);
	rounds(30, 100 * USEC, false);
	w = mrc_cc_cwnd(&cc);
	rounds(30, 350 * USEC, false);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
	CHECK_EQ(cc.queue, MRC_CC_HOLD);
	/* But 10 ms are too much. */
	rounds(3, 10 * MSEC, false);
	CHECK(mrc_cc_cwnd(&cc) < w / 4);
}
