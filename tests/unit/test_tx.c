// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The scoreboard, packet by packet. */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

TEST(mrc_tx_init__idle)
{
	u32 psn;

	begin();
	CHECK(mrc_tx_idle(&tx));
	CHECK(mrc_tx_window_open(&tx));
	CHECK(!mrc_tx_peek_lost(&tx, &psn));
	CHECK_EQ(mrc_tx_next_psn(&tx), 0xfffff0);
	CHECK_EQ(mrc_tx_una(&tx), 0xfffff0);
	CHECK(mrc_tx_deadline(&tx, false) == U64_MAX);
	/* Waiting for an answer to nothing that was sent */
	CHECK(mrc_tx_deadline(&tx, true) == U64_MAX);
	CHECK(sizeof(struct mrc_txent) <= 16);
}

TEST(mrc_tx_window_open__window_and_board)
{
	begin_with(0xffffff, 64, 100, MSEC, 0);
	for (u32 i = 0; i < 64; i++) {
		CHECK(!mrc_tx_board_full(&tx));
		send_new(1);
	}
	CHECK(!mrc_tx_window_open(&tx));
	CHECK(mrc_tx_board_full(&tx));

	begin_with(0xffffff, 64, 10, MSEC, 0);
	send_new(10);
	CHECK(!mrc_tx_window_open(&tx));
	CHECK(!mrc_tx_board_full(&tx));
}

TEST(mrc_tx_grow__keeps_everything)
{
	struct mrc_txent *bigger = calloc(256, sizeof(*bigger));
	u32 psn;

	begin_with(0xffffe0, 64, 1000, 100 * MSEC, 3);
	send_new(20);
	now += RTT;
	sack(20, 0, ~0ULL >> 44, 19);
	CHECK(mrc_tx_idle(&tx));
	send_new(64);
	CHECK(mrc_tx_board_full(&tx));
	now += RTT;
	/* 20, 21 lost; 22 to 25 here */
	sack(20, 20, 0x3c, 25);
	now += 10 * MSEC;
	timer(false);
	CHECK(lost(20));
	CHECK(mrc_tx_grow(&tx, bigger, 256) == board);
	CHECK(lost(20));
	CHECK(!mrc_tx_board_full(&tx));
	send_psn(nth(20));
	CHECK(lost(21));
	send_psn(nth(21));
	CHECK(!mrc_tx_peek_lost(&tx, &psn));
	send_new(100);
	now += RTT;
	mrc_tx_on_ack(&tx, &ps, nth(183), now, &res);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(res.acked_packets, 160);
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	free(bigger);
}

TEST(mrc_tx_on_sack__cumulative)
{
	begin();
	send_new(10);
	CHECK_EQ(mrc_cc_inflight(&cc), 10 * BYTES);
	now += RTT;
	sack(4, 0, 0xf, 3);
	CHECK_EQ(res.acked_packets, 4);
	CHECK_EQ(res.acked_bytes, 4 * BYTES);
	CHECK(res.advanced && !res.stale && !res.lost_packets);
	CHECK_EQ(mrc_tx_una(&tx), nth(4));
	CHECK_EQ(mrc_cc_inflight(&cc), 6 * BYTES);
	CHECK(mrc_cc_base_rtt(&cc) >= RTT);
	/* The same again brings nothing. */
	sack(4, 0, 0xf, 3);
	CHECK_EQ(res.acked_packets, 0);
	CHECK(!res.advanced);
	/* An older one that was overtaken brings nothing either. */
	sack(2, 0, 0x3, 1);
	CHECK(!res.stale && !res.acked_packets);
	sack(10, 4, 0x3f, 9);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	CHECK(mrc_tx_deadline(&tx, false) == U64_MAX);
}

TEST(mrc_tx_on_sack__older_one_with_news)
{
	begin();
	send_new(80);
	now += RTT;
	sack(3, 64, 0x1, 64);
	CHECK_EQ(res.acked_packets, 4);
	/* Sent before, came later: tells of 10 and 20. */
	sack(1, 0, 1 << 10 | 1 << 20 | 1, 10);
	CHECK_EQ(res.acked_packets, 2);
	CHECK(!res.advanced);
	CHECK_EQ(mrc_tx_una(&tx), nth(3));
}

TEST(mrc_tx_on_sack__implausible)
{
	struct mrc_sack s;

	begin();
	send_new(10);
	s = sack_of(11, 0, 0, 0);	/* cack beyond what was sent */
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(res.stale);
	s = sack_of(0, 0, 1 << 10, 0);	/* a bit beyond */
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(res.stale);
	s = sack_of(0, 10, 1, 0);	/* region wholly beyond */
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(res.stale);
	s = sack_of(0, 0, 0, 10);	/* named packet beyond */
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(res.stale);
	s = sack_of(-2000, 0, 0, 0);	/* ages ago */
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(res.stale);
	CHECK_EQ(res.acked_packets, 0);
	CHECK_EQ(mrc_cc_inflight(&cc), 10 * BYTES);
	/* Empty bitmap beyond is all right. */
	s = sack_of(0, 64, 0, 0);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(!res.stale);
	mrc_tx_on_ack(&tx, &ps, nth(10), now, &res);
	CHECK(res.stale);
}

TEST(mrc_tx_peek_lost__oldest_first)
{
	begin();
	send_new(30);
	now += RTT;
	/* 5, 10 and 20 missing */
	sack(5, 5, ~(1ULL | 1 << 5 | 1 << 15) & 0x1ffffff, 29);
	while (tx.lost.count < 3)
		wait_timer(false);
	CHECK(lost(5));
	send_psn(nth(5));
	CHECK(lost(10));
	now += 10 * USEC;
	send_new(3);
	now += 2 * RTT;
	/* 5 lost once more while 10 and 20 still wait */
	sack(5, 5, (~(1ULL | 1 << 5 | 1 << 15) & 0x1ffffff) | 7ULL << 25, 32);
	wait_timer(false);
	CHECK_EQ(tx.lost.count, 3);
	CHECK(lost(5));
	send_psn(nth(5));
	CHECK(lost(10));
	send_psn(nth(10));
	CHECK(lost(20));
}

TEST(mrc_tx_on_nack__between_others_in_the_queue)
{
	struct mrc_nack n = { .reason = MRC_NACK_TRIMMED };
	static const u32 order[] = { 3, 9, 6, 1, 7 };
	static const u32 sorted[] = { 1, 3, 6, 7, 9 };

	begin();
	send_new(10);
	for (u32 i = 0; i < 5; i++) {
		n.psn = nth(order[i]);
		n.entropy = entropy_of(last_path(n.psn));
		mrc_tx_on_nack(&tx, &ps, &n, now, &res);
		CHECK_EQ(res.lost_packets, 1);
	}
	CHECK_EQ(mrc_cc_inflight(&cc), 5 * BYTES);
	for (u32 i = 0; i < 5; i++) {
		CHECK(lost(sorted[i]));
		send_psn(nth(sorted[i]));
	}
}

TEST(mrc_tx_on_nack__reasons)
{
	struct mrc_nack n = { .reason = MRC_NACK_TRIMMED };
	u64 w = 0;

	begin();
	send_new(10);
	w = mrc_cc_cwnd(&cc);
	n.psn = nth(0);
	n.entropy = entropy_of(last_path(nth(0)));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(mrc_path_get(ps.paths, last_path(nth(0)))->state,
		 MRC_PATH_SKIP);
	CHECK(mrc_cc_cwnd(&cc) < w);

	n.reason = MRC_NACK_TRIMMED_LASTHOP;
	n.psn = nth(1);
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(mrc_path_get(ps.paths, last_path(nth(1)))->state,
		 MRC_PATH_GOOD);

	w = mrc_cc_cwnd(&cc);
	n.reason = MRC_NACK_NO_RESOURCE;
	n.psn = nth(2);
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
	CHECK_EQ(res.lost_packets, 1);
	CHECK_EQ(mrc_path_get(ps.paths, last_path(nth(2)))->lost, 0);
	/* The same again, and of what is not in flight */
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(res.lost_packets, 0);
	n.psn = nth(10);
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK(res.stale);
	n.psn = nth(-1);
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK(!res.stale && !res.lost_packets);

	/* Of the transmission before */
	n.psn = nth(0);
	n.entropy = entropy_of(last_path(nth(0)));
	send_psn(nth(0));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(res.lost_packets, 0);
	n.entropy = entropy_of(last_path(nth(0)));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(res.lost_packets, 1);
}

/* What was trimmed met no queue: its NACK tells of the path's own RTT. */
TEST(mrc_tx_on_nack__of_a_trim_is_a_sample)
{
	struct mrc_nack n = { .reason = MRC_NACK_NO_PKT_BUFFER };

	begin();
	send_new(3);
	now += RTT;
	n.psn = nth(0);
	n.entropy = entropy_of(last_path(n.psn));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(mrc_cc_base_rtt(&cc), 0);

	n.reason = MRC_NACK_TRIMMED_LASTHOP;
	n.psn = nth(1);
	n.entropy = entropy_of(last_path(n.psn));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK(mrc_cc_base_rtt(&cc) >= RTT && mrc_cc_base_rtt(&cc) < RTT + 4 * USEC);

	/* Sent twice: which of them it answers is not sure. */
	send_psn(nth(1));
	now += RTT / 2;
	n.entropy = entropy_of(last_path(n.psn));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK_EQ(res.lost_packets, 1);
	CHECK(mrc_cc_base_rtt(&cc) >= RTT);
}

/* A SACK without delay: the n-th packets up to @n have arrived. */
static void told(u32 n)
{
	now += RTT;
	sack(n, n & ~63U, 0, n - 1);
}

TEST(mrc_tx_calm__while_sacks_change_nothing)
{
	static struct mrc_txent board2[256];
	struct mrc_tx other;
	struct mrc_tx_params tp = { .rto_ns = MSEC, .window = 1024, .seed = 4 };

	begin_with(0, 256, 1024, 100 * MSEC, 3);
	send_new(30);
	/* No sample yet */
	CHECK(!mrc_tx_calm(&tx, &ps));
	told(30);
	/* 16 paths: a packet that finds none of them busy */
	send_new(16);
	CHECK(!mrc_tx_calm(&tx, &ps));
	send_new(1);
	CHECK(mrc_tx_calm(&tx, &ps));
	/* A quarter of what is on its way may be of other streams. */
	mrc_tx_init(&other, 0, board2, 256);
	mrc_tx_set_params(&other, &tp);
	for (u32 i = 0; i < 6; i++) {
		CHECK_EQ(mrc_tx_calm(&tx, &ps), i <= 5);
		CHECK(!mrc_tx_calm(&other, &ps));
		mrc_tx_sent(&other, &ps, i, mrc_tx_pick_path(&other, &ps, i, now),
			    BYTES, now);
	}
	CHECK(!mrc_tx_calm(&tx, &ps));
	mrc_tx_release(&other, &ps);
	CHECK(mrc_tx_calm(&tx, &ps));
	/* The end of the window */
	while (mrc_tx_window_open(&tx) && mrc_cc_may_send(&cc, BYTES)) {
		CHECK(mrc_tx_calm(&tx, &ps));
		send_psn(mrc_tx_next_psn(&tx));
	}
	CHECK(!mrc_tx_calm(&tx, &ps));
}

TEST(mrc_tx_calm__not_with_packets_to_be_sent_again)
{
	struct mrc_nack n = { .reason = MRC_NACK_NO_PKT_BUFFER };

	begin_with(0, 256, 1024, 100 * MSEC, 3);
	send_new(30);
	told(30);
	send_new(20);
	CHECK(mrc_tx_calm(&tx, &ps));
	n.psn = nth(35);
	n.entropy = entropy_of(last_path(n.psn));
	mrc_tx_on_nack(&tx, &ps, &n, now, &res);
	CHECK(!mrc_tx_calm(&tx, &ps));
	send_psn(n.psn);
	CHECK(mrc_tx_calm(&tx, &ps));
}

TEST(mrc_tx_on_sack__penalty_and_mark)
{
	struct mrc_sack s;
	u64 w;

	begin();
	send_new(10);
	now += RTT;
	s = sack_of(10, 0, 0x3ff, 9);
	s.m = MRC_SACK_M_SKIP_ONCE;
	s.penalty = 127;
	w = mrc_cc_cwnd(&cc);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(mrc_path_get(ps.paths, last_path(nth(9)))->state,
		 MRC_PATH_SKIP);
	CHECK(mrc_cc_cwnd(&cc) < w);
}

TEST(mrc_tx_on_ack__delivers)
{
	begin();
	send_new(10);
	now += RTT;
	mrc_tx_on_ack(&tx, &ps, nth(4), now, &res);
	CHECK_EQ(res.acked_packets, 5);
	CHECK(res.advanced);
	mrc_tx_on_ack(&tx, &ps, nth(2), now, &res);
	CHECK(!res.stale && !res.advanced);
	mrc_tx_on_ack(&tx, &ps, nth(9), now, &res);
	CHECK(mrc_tx_idle(&tx));
}

TEST(mrc_tx_on_sack__window_follows_the_mpr)
{
	struct mrc_sack s;

	begin_with(5, 1024, 1024, 50 * MSEC, 3);
	send_new(300);
	now += RTT;
	s = sack_of(200, 200, 0, 199);
	s.mpr = 1;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(tx.window, 1024);	/* it was not agreed on */

	tx.dynamic_mpr = true;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(tx.window, 128);
	CHECK(mrc_tx_window_open(&tx));
	send_new(28);
	CHECK(!mrc_tx_window_open(&tx));

	/* One that was overtaken, one that says nothing, one too much. */
	s = sack_of(100, 100, 0, 99);
	s.mpr = 4;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(tx.window, 128);
	s = sack_of(200, 200, 0, 199);
	s.mpr = 0;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(tx.window, 128);
	s.mpr = 255;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(tx.window, 1024);
	CHECK(mrc_tx_window_open(&tx));
}

TEST(mrc_tx_on_sack__service_time_is_not_the_network_s)
{
	struct mrc_sack s;
	u64 sent;

	begin();
	tx.service_time = true;
	sent = now;
	send_psn(nth(0));
	now += RTT + 300 * USEC;
	s = sack_of(1, 1, 0, 0);
	s.tx_timestamp = (sent + 300 * USEC) / MRC_TS_UNIT_NS;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(tx.srtt > RTT - 2000 && tx.srtt < RTT + 2000);

	/* Not where it contradicts our clock, nor beyond its wrap. */
	begin();
	tx.service_time = true;
	sent = now;
	send_psn(nth(0));
	now += RTT;
	s = sack_of(1, 1, 0, 0);
	s.tx_timestamp = (sent - 300 * USEC) / MRC_TS_UNIT_NS;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(tx.srtt > RTT - 2000 && tx.srtt < RTT + 2000);
	begin();
	tx.service_time = true;
	sent = now;
	send_psn(nth(0));
	now += 9 * MSEC;
	s = sack_of(1, 1, 0, 0);
	s.tx_timestamp = sent / MRC_TS_UNIT_NS;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK(tx.srtt > 9 * MSEC - 2000);
}

TEST(mrc_tx_release__gives_back)
{
	begin();
	send_new(10);
	now += RTT;
	sack(3, 0, 7 | 1 << 5, 2);
	CHECK_EQ(mrc_cc_inflight(&cc), 6 * BYTES);
	mrc_tx_release(&tx, &ps);
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	CHECK(mrc_tx_idle(&tx));
	CHECK(mrc_tx_deadline(&tx, false) == U64_MAX);
}

/* SACKs full of nonsense must be harmless; the same without a network. */
TEST(mrc_tx_on_sack__hostile)
{
	for (u64 seed = 1; seed <= 300; seed++) {
		struct rng r = { .x = seed };
		u32 psn;
		int path;

		test_seed(seed);
		begin_with(rng_next(&r) & MRC_PSN_MASK, 64, 4096, 10 * MSEC, 7);
		for (u32 i = 0; i < 500; i++) {
			struct mrc_sack s = {
				.cack = mrc_psn_add(mrc_tx_una(&tx),
						    rng_below(&r, 80) - 20),
				.sack_offset = rng_below(&r, 4) ?
					rng_below(&r, 100) - 50 :
					rng_next(&r),
				.bitmap = rng_next(&r) >> rng_below(&r, 64),
				.entropy = rng_next(&r),
				.m = rng_below(&r, 3),
				.probe = !rng_below(&r, 5),
				.probe_id = tx.probe_id,
				.ooo_count = rng_below(&r, 64),
			};
			struct mrc_nack n = {
				.reason = rng_below(&r, 3),
				.psn = mrc_psn_add(mrc_tx_una(&tx),
						   rng_below(&r, 80) - 10),
			};

			now += rng_below(&r, 1000) * USEC;
			s.acked_psn = mrc_psn_add(s.cack,
						  rng_below(&r, 100) - 50);
			mrc_tx_on_sack(&tx, &ps, &s, now, &res);
			if (rng_below(&r, 3) == 0)
				mrc_tx_on_nack(&tx, &ps, &n, now, &res);
			if (rng_below(&r, 9) == 0)
				mrc_tx_on_ack(&tx, &ps, n.psn, now, &res);
			while (mrc_tx_peek_lost(&tx, &psn))
				send_psn(psn);
			while (mrc_tx_window_open(&tx) && rng_below(&r, 10))
				send_new(1);
			if (now >= mrc_tx_deadline(&tx, false) &&
			    timer(false) & MRC_TX_PROBE)
				mrc_tx_probe_sent(&tx, &ps, &path, now);
			CHECK_EQ(mrc_cc_inflight(&cc), tx.flight.count * BYTES);
			CHECK(tx.flight.count + tx.lost.count + tx.sacked ==
			      ((tx.next_psn - tx.una) & MRC_PSN_MASK));
		}
	}
}
