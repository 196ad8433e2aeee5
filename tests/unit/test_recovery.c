// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Loss recovery, packet by packet. */
#include <linux/limits.h>
#include <string.h>

#include "stream.h"

/* Ten packets are sent, all but the first arrive, and its loss is noticed. */
static void lose_first_of_ten(void)
{
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	wait_timer(false);
}

TEST(mrc_tx_on_sack__reordered_is_not_lost)
{
	begin();
	send_new(20);
	now += RTT;
	/* 0 missing, the rest sent within 20 us after it */
	sack(0, 0, 0xffffe, 19);
	CHECK_EQ(res.acked_packets, 19);
	CHECK_EQ(res.lost_packets, 0);
	CHECK(mrc_tx_deadline(&tx, false) < now + MSEC);
	now += 20 * USEC;
	sack(20, 0, ~0ULL >> 44, 0);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(res.spurious, 0);
}

TEST(mrc_tx_on_timer__lost_after_reordering_window)
{
	begin();
	send_new(20);
	now += RTT;
	sack(0, 0, 0xffffe, 19);
	CHECK_EQ(wait_timer(false), MRC_TX_RESEND);
	CHECK_EQ(res.lost_packets, 1);
	CHECK(now < 9000 * MSEC + 2 * RTT);
	CHECK(lost(0));
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	/* To be sent first: no timer but the timeout */
	CHECK(mrc_tx_deadline(&tx, false) > now + 50 * MSEC);
	send_psn(nth(0));
	CHECK(last_path(nth(0)) % 4 != tx.board[nth(0) & tx.mask].prev_path % 4);
	now += RTT;
	sack(20, 0, ~0ULL >> 44, 0);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(res.spurious, 0);
}

TEST(mrc_tx_on_sack__lost_when_later_ones_arrive)
{
	begin();
	send_new(1);
	now += 500 * USEC;
	send_new(1);
	now += RTT;
	sack(0, 0, 2, 1);
	CHECK_EQ(res.lost_packets, 1);
	CHECK(lost(0));
}

TEST(mrc_tx_on_sack__unreported_region_is_not_lost)
{
	struct mrc_sack s;

	begin();
	send_new(100);
	now += RTT;
	/* Region 0 (16 PSNs here) told of; 16 and up not yet. */
	sack(0, 0, 0xfffe, 15);
	now += RTT;
	CHECK(wait_timer(false) & MRC_TX_RESEND);
	CHECK_EQ(res.lost_packets, 1);
	send_psn(nth(0));
	now += 3 * RTT;
	/* Its arrival is evidence against nothing above, of which there is much. */
	s = sack_of(16, 0, 0xffff, 0);
	s.ooo_count = 84;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.lost_packets, 0);
	CHECK(timer(false) != MRC_TX_RESEND);
}

/* All is known that the receiver has: so the last packets are missing, too. */
TEST(mrc_tx_on_sack__last_packets_are_lost)
{
	begin();
	send_new(20);
	now += RTT;
	sack(0, 0, 0xfffe, 15);
	CHECK_EQ(res.lost_packets, 0);
	CHECK(wait_timer(false) & MRC_TX_RESEND);
	CHECK(lost(0));
	send_psn(nth(0));
	now += RTT;
	/* The repeat was sent after 16 to 19; it arrived, and nothing of those. */
	sack(16, 0, 0xffff, 0);
	CHECK_EQ(res.lost_packets, 4);
	CHECK(lost(16));
	/* A SACK that another has overtaken tells nothing of them. */
	begin();
	send_new(20);
	now += RTT;
	sack(4, 0, 0xf, 3);
	sack(1, 0, 0xf1, 7);
	CHECK_EQ(res.acked_packets, 4);
	CHECK(!tx.told_valid || tx.told_sent == tx.board[nth(3) & tx.mask].sent);
}

TEST(mrc_tx_on_sack__retransmission_lost_again)
{
	begin();
	lose_first_of_ten();
	CHECK(lost(0));
	send_psn(nth(0));
	now += 10 * USEC;
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe | 0xffc00, 19);
	CHECK_EQ(res.lost_packets, 0);
	wait_timer(false);
	CHECK(lost(0));
	CHECK_EQ(tx.lost.count, 1);
}

/* A packet taken for lost and sent again; the original comes @late after. */
TEST(mrc_tx_on_sack__original_named)
{
	struct mrc_sack s;

	begin();
	lose_first_of_ten();
	send_psn(nth(0));
	now += 50 * USEC;
	s = sack_of(10, 0, 0x3ff, 0);
	s.entropy = entropy_of(tx.board[nth(0) & tx.mask].prev_path);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.spurious, 1);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	/* Learnt: later than the floor of 100 us */
	CHECK(mrc_paths_reordering(ps.paths, now) > 100 * USEC);
	/* Then the repeat arrives too, and a copy of it: no news */
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.spurious, 0);
}

TEST(mrc_tx_on_sack__acknowledged_sooner_than_possible)
{
	begin();
	lose_first_of_ten();
	send_psn(nth(0));
	now += 50 * USEC;
	sack(10, 0, 0x3ff, 9);
	CHECK_EQ(res.spurious, 1);
}

TEST(mrc_tx_on_sack__few_and_slow_samples)
{
	begin();
	send_new(10);
	now += 5 * RTT;
	sack(0, 0, 0x3fe, 9);
	/* another stream to the peer knows better what is possible */
	mrc_cc_acked(&cc, 0, RTT, false, now);
	wait_timer(false);
	send_psn(nth(0));
	now += RTT;
	sack(10, 0, 0x3ff, 9);
	CHECK_EQ(res.spurious, 0);
	CHECK(mrc_tx_idle(&tx));
}

TEST(mrc_tx_on_sack__lost_twice_then_acknowledged)
{
	u32 repeat;

	begin();
	lose_first_of_ten();
	send_psn(nth(0));
	repeat = last_path(nth(0));
	now += 10 * USEC;
	send_new(10);
	now += RTT;
	sack(0, 0, 0xffffe, 19);
	if (!tx.lost.count)
		wait_timer(false);
	CHECK(lost(0));
	CHECK_EQ(mrc_path_get(ps.paths, repeat)->lost, 1);
	/* Which of the two arrived is not said: no credit for the repeat's path. */
	sack(20, 0, 0xfffff, 19);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(mrc_path_get(ps.paths, repeat)->lost, 1);
}

TEST(mrc_tx_on_sack__original_after_the_repeat)
{
	struct mrc_sack s;
	u32 original;

	begin();
	lose_first_of_ten();
	original = last_path(nth(0));
	send_psn(nth(0));
	now += RTT;
	sack(10, 0, 0x3ff, 0);
	CHECK_EQ(res.spurious, 0);
	CHECK(mrc_tx_idle(&tx));
	now += 3 * MSEC;
	s = sack_of(10, 0, 0x3ff, 0);
	s.entropy = entropy_of(original);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.spurious, 1);
	CHECK(mrc_paths_reordering(ps.paths, now) > 3 * MSEC);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.spurious, 0);
}

TEST(mrc_tx_on_sack__original_after_the_board_forgot)
{
	struct mrc_sack s;
	u32 original;

	begin_with(100, 64, 64, 100 * MSEC, 3);
	lose_first_of_ten();
	original = last_path(nth(0));
	send_psn(nth(0));
	now += RTT;
	sack(10, 0, 0x3ff, 0);
	for (u32 i = 10; i < 190; i += 60) {
		send_new(60);
		now += RTT;
		mrc_tx_on_ack(&tx, &ps, nth(i + 59), now, &res);
	}
	s = sack_of(190, 128, 0, 0);
	s.entropy = entropy_of(original);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.spurious, 1);
	CHECK(mrc_paths_reordering(ps.paths, now) > 600 * USEC);
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.spurious, 0);
}

TEST(mrc_tx_on_sack__late_before_the_repeat)
{
	u64 w;

	begin();
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	w = mrc_cc_cwnd(&cc);
	wait_timer(false);
	CHECK(lost(0));
	now += 100 * USEC;
	sack(10, 0, 0x3ff, 0);
	CHECK_EQ(res.acked_packets, 1);
	CHECK_EQ(res.spurious, 0);
	CHECK_EQ(tx.lost.count, 0);
	CHECK(mrc_tx_idle(&tx));
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	CHECK_EQ(mrc_cc_cwnd(&cc), w);
	CHECK(mrc_paths_reordering(ps.paths, now) > 50 * USEC);
}

/* When the first of ten counts as lost, and when a probe asks for the last. */
static void patience(u32 jitter, u64 rtt, u64 *lost_after, u64 *probe_after)
{
	struct mrc_tx_params tp = {
		.rto_ns = 100 * MSEC, .retry_cnt = 3, .window = 1024, .seed = 9,
		.jitter_ns = jitter,
	};
	u64 sent, before;

	begin();
	mrc_tx_set_params(&tx, &tp);
	sent = now;
	for (int i = 0; i < 10; i++) {
		send_psn(nth(i));
		now += 300;
	}
	now = sent + 2700 + rtt;
	sack(0, 0, 0x3fe, 9);
	*lost_after = mrc_tx_deadline(&tx, false) - sent;
	sack(10, 0, 0x3ff, 0);
	CHECK(mrc_tx_idle(&tx));
	before = now;
	send_new(1);
	*probe_after = mrc_tx_deadline(&tx, false) - before;
}

TEST(mrc_tx_set_params__jitter)
{
	u64 lost_after, probe_after;

	/* Software: 100 us, 1 ms. */
	patience(0, 20 * USEC, &lost_after, &probe_after);
	CHECK(lost_after > 119 * USEC && lost_after < 121 * USEC);
	CHECK(probe_after > 990 * USEC && probe_after < 1020 * USEC);
	/* Hardware: 2 us but not below a quarter RTT; two RTTs. */
	patience(2000, 20 * USEC, &lost_after, &probe_after);
	CHECK(lost_after > 24 * USEC && lost_after < 26 * USEC);
	CHECK(probe_after > 30 * USEC && probe_after < 45 * USEC);
	/* A small jitter changes nothing where the RTT is what counts. */
	patience(2000, 400 * USEC, &lost_after, &probe_after);
	CHECK(lost_after > 499 * USEC && lost_after < 501 * USEC);
}

/* RTTs are told apart to less than a microsecond. */
TEST(mrc_tx_on_sack__short_rtt)
{
	u64 lost_after, probe_after;

	patience(2000, 3300, &lost_after, &probe_after);
	CHECK(tx.min_rtt >= 3300 - 512 && tx.min_rtt <= 3300 + 512);
	CHECK(mrc_cc_base_rtt(&cc) >= 3300 - 512);
}

TEST(mrc_tx_on_timer__tail_probe)
{
	struct mrc_sack s;
	int path;
	u16 id;

	begin();
	send_new(10);
	now += RTT;
	sack(5, 0, 0x1f, 4);
	/* 5 to 9 lost, nothing after them */
	now = mrc_tx_deadline(&tx, false);
	CHECK(now < 9000 * MSEC + 3 * MSEC);
	CHECK_EQ(timer(false), MRC_TX_PROBE);
	id = mrc_tx_probe_sent(&tx, &ps, &path, now);
	CHECK(path >= 0 && path % 4 != last_path(nth(5)) % 4);
	now += RTT;
	/* An answer to another probe says nothing more. */
	s = sack_of(5, 0, 0x1f, 0);
	s.probe = true;
	s.probe_id = id + 1;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.lost_packets, 0);
	s.probe_id = id;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.lost_packets, 5);
	CHECK(lost(5));
}

TEST(mrc_tx_on_timer__probe_answer_with_news)
{
	struct mrc_sack s;
	int path;

	begin();
	send_new(100);
	CHECK(mrc_tx_deadline(&tx, false) >= now);
	now = mrc_tx_deadline(&tx, false);
	CHECK_EQ(timer(false), MRC_TX_PROBE);
	s = sack_of(0, 0, 0, 0);
	s.probe = true;
	s.probe_id = mrc_tx_probe_sent(&tx, &ps, &path, now);
	now += RTT;
	/* Much has arrived beyond the region told of: only that is judged. */
	s.ooo_count = 30;
	s.bitmap = 0xfff0;
	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	CHECK_EQ(res.acked_packets, 12);
	CHECK_EQ(res.lost_packets, 4 + 48);
}

TEST(mrc_tx_on_timer__probes_back_off)
{
	u64 last = 0, gap = 0;
	u32 probes = 0;

	begin_with(0, 64, 64, 10000 * MSEC, 7);
	send_new(5);
	now += RTT;
	sack(1, 0, 1, 0);
	for (u64 end = now + 2000 * MSEC; now < end;) {
		CHECK_EQ(wait_timer(false), MRC_TX_PROBE);
		/* Three at one interval, as a probe may be lost, too. */
		if (gap && probes < 3)
			CHECK_EQ(now - last, gap);
		else if (gap && probes < 8)
			CHECK(now - last > gap + gap / 2);
		gap = last ? now - last : 0;
		last = now;
		probes++;
	}
	CHECK(probes > 15 && probes < 40);
	CHECK(gap <= 100 * MSEC);
	/* Progress makes them frequent again. */
	mrc_tx_progress(&tx, now);
	CHECK(mrc_tx_deadline(&tx, false) < now + 2 * MSEC);
}

TEST(mrc_tx_on_timer__timeouts_until_dead)
{
	unsigned int what = 0;
	u64 start = 9000 * MSEC;
	u32 rtos = 0;
	u32 psn;

	begin_with(5, 64, 64, 50 * MSEC, 3);
	send_new(5);
	while (!(what & MRC_TX_DEAD)) {
		what = wait_timer(false);
		if (what & MRC_TX_RTO) {
			rtos++;
			while (mrc_tx_peek_lost(&tx, &psn))
				send_psn(psn);
		}
		CHECK(now < start + 1000 * MSEC);
	}
	CHECK_EQ(rtos, 4);
	CHECK(now >= start + 200 * MSEC && now < start + 260 * MSEC);
}

/* linear_cnt intervals of one length, then exp_cnt that double. */
TEST(mrc_tx_on_timer__timeouts_that_double)
{
	u64 at[16], start = 9000 * MSEC;
	unsigned int what = 0;
	u32 rtos = 0;
	u32 psn;

	begin_with(5, 64, 64, 50 * MSEC, 2);
	tx.exp_cnt = 4;
	send_new(5);
	while (!(what & MRC_TX_DEAD)) {
		what = wait_timer(false);
		if (what & MRC_TX_RTO) {
			at[rtos++] = now;
			while (mrc_tx_peek_lost(&tx, &psn))
				send_psn(psn);
		}
		CHECK(now < start + 3000 * MSEC);
	}
	CHECK_EQ(rtos, 7);
	for (u32 i = 1; i < rtos; i++) {
		u64 want = i < 3 ? 50 * MSEC : 50 * MSEC << (i - 2);

		CHECK(at[i] - at[i - 1] >= want &&
		      at[i] - at[i - 1] < want + 10 * MSEC);
	}

	/* For ever, and never longer than half a minute apart. */
	begin_with(5, 64, 64, 50 * MSEC, 0);
	tx.exp_cnt = MRC_TX_EXP_FOREVER;
	send_new(5);
	rtos = 0;
	for (u64 end = now + 1000000 * MSEC; now < end;) {
		what = wait_timer(false);
		CHECK(!(what & MRC_TX_DEAD));
		rtos += !!(what & MRC_TX_RTO);
		while (mrc_tx_peek_lost(&tx, &psn))
			send_psn(psn);
	}
	CHECK(rtos >= 30 && rtos <= 45);
}

TEST(mrc_tx_on_timer__timeout_marks_all_lost)
{
	unsigned int what = 0;

	begin_with(5, 64, 64, 50 * MSEC, 7);
	send_new(5);
	while (!(what & MRC_TX_RTO))
		what = wait_timer(false);
	CHECK(what & MRC_TX_RESEND);
	CHECK_EQ(res.lost_packets, 5);
	CHECK(lost(0));
	CHECK_EQ(mrc_cc_inflight(&cc), 0);
	/* Progress: counting begins anew. */
	send_psn(nth(0));
	now += RTT;
	sack(1, 0, 1, 0);
	CHECK_EQ(tx.retry, 0);
}

TEST(mrc_tx_on_timer__never_dead_without_timeout)
{
	u32 rtos = 0, psn;

	begin_with(5, 64, 64, 0, 0);
	send_new(5);
	for (u64 end = now + 20000 * MSEC; now < end;) {
		unsigned int what = wait_timer(false);

		CHECK(!(what & MRC_TX_DEAD));
		rtos += !!(what & MRC_TX_RTO);
		while (mrc_tx_peek_lost(&tx, &psn))
			send_psn(psn);
	}
	CHECK(rtos >= 18 && rtos <= 21);
}

TEST(mrc_tx_on_timer__awaiting_an_answer)
{
	struct mrc_sack s;
	unsigned int what;
	int path;

	begin_with(5, 64, 64, 50 * MSEC, 2);
	send_new(5);
	now += RTT;
	sack(5, 0, 0x1f, 4);
	CHECK(mrc_tx_deadline(&tx, false) == U64_MAX);
	/* The peer answers probes: it may take its time. */
	for (u64 end = now + 1000 * MSEC; now < end;) {
		now = mrc_tx_deadline(&tx, true);
		what = timer(true);
		CHECK(!(what & (MRC_TX_RTO | MRC_TX_DEAD)));
		if (!(what & MRC_TX_PROBE))
			continue;
		s = sack_of(5, 0, 0x1f, 4);
		s.probe = true;
		s.probe_id = mrc_tx_probe_sent(&tx, &ps, &path, now);
		now += RTT;
		mrc_tx_on_sack(&tx, &ps, &s, now, &res);
	}
	/* It falls silent. */
	what = 0;
	for (u64 start = now; !(what & MRC_TX_DEAD);) {
		what = wait_timer(true);
		CHECK(now < start + 1000 * MSEC);
	}
}

TEST(mrc_tx_on_timer__received_but_not_processed)
{
	begin_with(5, 64, 64, 50 * MSEC, 2);
	send_new(5);
	now += RTT;
	sack(0, 0, 0x1f, 4);
	CHECK_EQ(tx.flight.count, 0);
	CHECK(!mrc_tx_idle(&tx));
	/* Nothing to send again, but the end is not in sight: probe. */
	CHECK_EQ(wait_timer(false), MRC_TX_PROBE);
	sack(5, 0, 0x1f, 4);
	CHECK(mrc_tx_idle(&tx));
}

TEST(mrc_tx_on_timer__waiting_for_the_window)
{
	unsigned int what = 0;

	begin_with(5, 64, 64, 50 * MSEC, 2);
	lose_first_of_ten();
	CHECK(lost(0));
	CHECK_EQ(tx.flight.count, 0);
	/* Other streams have the window: that is not the peer's fault. */
	mrc_cc_sent(ps.cc, 4096);
	for (u64 end = now + 2000 * MSEC; now < end;)
		CHECK(!(wait_timer(false) & (MRC_TX_RTO | MRC_TX_DEAD)));
	/* Nobody has, and still the packet cannot be sent. */
	mrc_cc_release(ps.cc, 4096);
	for (u64 start = now; !(what & MRC_TX_DEAD);) {
		what = wait_timer(false);
		CHECK(now < start + 1000 * MSEC);
	}
}

TEST(mrc_tx_on_timer__waiting_for_a_path)
{
	unsigned int what = 0;
	int path;

	begin_with(5, 64, 64, 50 * MSEC, 1);
	send_new(5);
	mrc_paths_set_planes_down(ps.paths, 0xf, now);
	CHECK(mrc_tx_pick_path(&tx, &ps, mrc_tx_next_psn(&tx), now) == -1);
	mrc_tx_probe_sent(&tx, &ps, &path, now);
	CHECK(path == -1);
	/* All planes stay down: the end comes all the same. */
	while (!(what & MRC_TX_DEAD)) {
		what = wait_timer(false);
		CHECK(now < 9000 * MSEC + 500 * MSEC);
	}
}

TEST(mrc_tx_sent__after_long_silence)
{
	begin();
	send_new(10);
	now += RTT;
	sack(10, 0, 0x3ff, 9);
	/* Ticks of 256 ns wrap after 1,099.5 s: two seconds after the fourth time. */
	now += 4400000 * MSEC;
	send_new(10);
	CHECK(mrc_tx_deadline(&tx, false) > now);
	now += RTT;
	sack(10, 10, 0x3fe, 19);
	CHECK_EQ(res.lost_packets, 0);
	wait_timer(false);
	CHECK(lost(10));
}
