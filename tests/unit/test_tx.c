// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* The scoreboard and loss recovery, packet by packet. */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "transport/tx.h"

#define USEC		1000ULL
#define MSEC		1000000ULL
#define RTT		(200 * USEC)
#define BYTES		1000

static struct mrc_tx tx;
static struct mrc_txent board[4096];
static struct mrc_cc cc;
static u64 memory[4096];
static struct mrc_peer_state ps = { .cc = &cc, .paths = (void *)memory };
static struct mrc_tx_result res;
static u32 first;
static u64 now;

static void begin_with(u32 psn, u32 entries, u32 window, u64 rto, u8 retry)
{
	struct mrc_cc_params cp = { .mtu = BYTES, .speed_bps = 100000 * MSEC };
	struct mrc_tx_params tp = {
		.rto_ns = rto, .retry_cnt = retry, .window = window, .seed = 9,
	};
	u8 planes[4] = { 0, 1, 2, 3 };

	now = 9000 * MSEC;
	first = psn;
	memset(board, 0xee, sizeof(board));
	mrc_tx_init(&tx, psn, board, entries);
	mrc_tx_set_params(&tx, &tp);
	mrc_paths_init(ps.paths, 16, planes, 4, 3);
	mrc_cc_init(&cc, &cp, now);
}

static void begin(void)
{
	begin_with(0xfffff0, 256, 1024, 100 * MSEC, 3);
}

static u32 nth(u32 n)
{
	return mrc_psn_add(first, n);
}

static int send_psn(u32 psn)
{
	int path = mrc_tx_pick_path(&tx, &ps, psn, now);

	CHECK(path >= 0);
	mrc_tx_sent(&tx, &ps, psn, path, BYTES, now);
	return path;
}

/* Send @n new packets, a microsecond and a bit apart. */
static void send_new(u32 n)
{
	while (n--) {
		CHECK(mrc_tx_window_open(&tx));
		send_psn(mrc_tx_next_psn(&tx));
		now += 1100;
	}
}

static u32 entropy_of(u32 path)
{
	return mrc_path_get(ps.paths, path)->entropy;
}

static u32 last_path(u32 psn)
{
	return tx.board[psn & tx.mask].path;
}

/* A SACK: all below number @cack arrived, of the others those in @bits. */
static struct mrc_sack sack_of(u32 cack, u32 base, u64 bits, u32 named)
{
	struct mrc_sack s = {
		.cack = nth(cack - 1),
		.sack_offset = (s32)(base - (cack - 1)),
		.bitmap = bits,
		.acked_psn = nth(named),
		.mpr = 32,
	};

	s.entropy = entropy_of(last_path(s.acked_psn));
	return s;
}

static void sack(u32 cack, u32 base, u64 bits, u32 named)
{
	struct mrc_sack s = sack_of(cack, base, bits, named);

	mrc_tx_on_sack(&tx, &ps, &s, now, &res);
}

static bool lost(u32 n)
{
	u32 psn;

	return mrc_tx_peek_lost(&tx, &psn) && psn == nth(n);
}

static unsigned int timer(bool awaiting)
{
	return mrc_tx_on_timer(&tx, &ps, now, awaiting, &res);
}

/* Let time pass until something is due; its action. */
static unsigned int wait_timer(bool awaiting)
{
	u64 at = mrc_tx_deadline(&tx, awaiting);
	unsigned int what;
	int path;

	CHECK(at != U64_MAX);
	now = at > now ? at : now;
	what = timer(awaiting);
	if (what & MRC_TX_PROBE)
		mrc_tx_probe_sent(&tx, &ps, &path, now);
	return what;
}

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
	/* Its arrival is evidence against nothing above. */
	sack(16, 0, 0xffff, 0);
	CHECK_EQ(res.lost_packets, 0);
	CHECK(timer(false) != MRC_TX_RESEND);
}

TEST(mrc_tx_on_sack__retransmission_lost_again)
{
	begin();
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	wait_timer(false);
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

/* A packet taken for lost and sent again; the original comes @late after. */
TEST(mrc_tx_on_sack__original_named)
{
	struct mrc_sack s;

	begin();
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	wait_timer(false);
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
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	wait_timer(false);
	send_psn(nth(0));
	now += 50 * USEC;
	sack(10, 0, 0x3ff, 9);
	CHECK_EQ(res.spurious, 1);
}

TEST(mrc_tx_on_sack__original_after_the_repeat)
{
	struct mrc_sack s;
	u32 original;

	begin();
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	wait_timer(false);
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
	send_new(10);
	now += RTT;
	sack(0, 0, 0x3fe, 9);
	wait_timer(false);
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
		if (last && probes < 6)
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

TEST(mrc_tx_sent__after_long_silence)
{
	begin();
	send_new(10);
	now += RTT;
	sack(10, 0, 0x3ff, 9);
	/* Ticks of 1.024 us wrap after 4,398 s. */
	now += 4400000 * MSEC;
	send_new(10);
	CHECK(mrc_tx_deadline(&tx, false) > now);
	now += RTT;
	sack(10, 10, 0x3fe, 19);
	CHECK_EQ(res.lost_packets, 0);
	wait_timer(false);
	CHECK(lost(10));
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
