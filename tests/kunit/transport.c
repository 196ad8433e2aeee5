// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The transport's logic as this kernel's compiler and headers make it: a
 * stream with loss and reordering from end to end. tests/unit is thorough.
 */
#include <kunit/test.h>

#include "transport/rxwin.h"
#include "transport/tx.h"

#define WINDOW		256
#define PACKETS		5000u
#define BYTES		4160
#define HOP		50000ULL	/* ns */

struct stream {
	struct mrc_tx tx;
	struct mrc_rxwin rx;
	struct mrc_peer_state ps;
	u8 *got;
	u64 now;
	u32 sent, delivered, resent, twice;
};

static void send(struct kunit *test, struct stream *s, u32 psn)
{
	u32 n = mrc_psn_diff(psn, 0xfffff0) & MRC_PSN_MASK;
	int path = mrc_tx_pick_path(&s->tx, &s->ps, psn, s->now);
	struct mrc_tx_result res;
	struct mrc_seth seth;
	struct mrc_cc_state cc;
	struct mrc_sack k = {};

	KUNIT_ASSERT_GE(test, path, 0);
	mrc_tx_sent(&s->tx, &s->ps, psn, path, BYTES, s->now);
	s->sent++;
	s->now += 1000;
	/* every 7th packet is lost the first time */
	if (n % 7 == 3 && !s->got[n]) {
		s->got[n] = 1;
		return;
	}
	if (mrc_rxwin_check(&s->rx, psn) == MRC_RX_NEW) {
		s->twice += s->got[n] == 2;
		s->got[n] = 2;
		mrc_rxwin_claim(&s->rx, psn, BYTES);
		mrc_rxwin_done(&s->rx, psn);
		s->delivered++;
	}
	if (!mrc_rxwin_sack_due(&s->rx, n % 16 == 0 || s->got[n] != 2, false,
				false, false, n % 3 == 0))
		return;
	k.acked_psn = psn;
	k.entropy = mrc_path_get(s->ps.paths, path)->entropy;
	mrc_rxwin_fill_sack(&s->rx, &k, psn);
	mrc_sack_encode(&k, &seth, &cc);
	KUNIT_ASSERT_TRUE(test, mrc_sack_decode(&k, &seth, &cc));
	s->now += HOP;
	mrc_tx_on_sack(&s->tx, &s->ps, &k, s->now, &res);
	KUNIT_EXPECT_FALSE(test, res.stale);
}

static void stream__one_loss_in_seven(struct kunit *test)
{
	static const u8 planes[] = { 0, 1, 2, 3 };
	struct mrc_tx_params tp = { .rto_ns = 67000000, .retry_cnt = 7,
				    .window = WINDOW, .seed = 1 };
	struct mrc_cc_params cp = { .mtu = BYTES, .speed_bps = 40000000000 };
	struct stream *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	void *board, *storage;
	struct mrc_cc *cc;
	u32 psn, made = 0, idle = 0;

	KUNIT_ASSERT_NOT_NULL(test, s);
	board = kunit_kcalloc(test, WINDOW, sizeof(struct mrc_txent),
			      GFP_KERNEL);
	storage = kunit_kzalloc(test, mrc_rxwin_storage(WINDOW), GFP_KERNEL);
	s->got = kunit_kzalloc(test, PACKETS, GFP_KERNEL);
	s->ps.paths = kunit_kzalloc(test, mrc_paths_size(32), GFP_KERNEL);
	cc = kunit_kzalloc(test, sizeof(*cc), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, board && storage && s->got && s->ps.paths &&
			  cc);
	s->ps.cc = cc;
	s->now = NSEC_PER_SEC;
	mrc_tx_init(&s->tx, 0xfffff0, board, WINDOW);
	mrc_tx_set_params(&s->tx, &tp);
	mrc_rxwin_init(&s->rx, 0xfffff0, WINDOW, storage);
	mrc_paths_init(s->ps.paths, 32, planes, 4, 1);
	mrc_cc_init(cc, &cp, s->now);

	while (s->delivered < PACKETS || !mrc_tx_idle(&s->tx)) {
		struct mrc_tx_result res = {};
		int path;

		if (mrc_tx_peek_lost(&s->tx, &psn)) {
			s->resent++;
			send(test, s, psn);
			idle = 0;
		} else if (made < PACKETS && mrc_tx_window_open(&s->tx)) {
			made++;
			send(test, s, mrc_tx_next_psn(&s->tx));
			idle = 0;
		} else {
			u64 at = mrc_tx_deadline(&s->tx, false);

			KUNIT_ASSERT_NE(test, at, U64_MAX);
			KUNIT_ASSERT_LT(test, idle++, 100);
			s->now = max(s->now, at);
			if (mrc_tx_on_timer(&s->tx, &s->ps, s->now, false,
					    &res) & MRC_TX_PROBE) {
				struct mrc_sack k = { .probe = true };

				k.probe_id = mrc_tx_probe_sent(&s->tx, &s->ps,
							       &path, s->now);
				mrc_rxwin_fill_sack(&s->rx, &k,
						    mrc_psn_add(mrc_rxwin_next(&s->rx),
								-1));
				s->now += HOP;
				mrc_tx_on_sack(&s->tx, &s->ps, &k, s->now,
					       &res);
			}
		}
	}
	KUNIT_EXPECT_EQ(test, s->delivered, PACKETS);
	KUNIT_EXPECT_EQ(test, s->twice, 0);
	KUNIT_EXPECT_EQ(test, mrc_cc_inflight(cc), 0);
	KUNIT_EXPECT_EQ(test, mrc_rxwin_next(&s->rx),
			mrc_psn_add(0xfffff0, PACKETS));
	/* lost once each, and hardly any sent without need */
	KUNIT_EXPECT_GE(test, s->resent, PACKETS / 7);
	KUNIT_EXPECT_LE(test, s->resent, PACKETS / 7 + PACKETS / 50);
	kunit_info(test, "%u packets, %u sent again\n", PACKETS, s->resent);
}

static struct kunit_case transport_cases[] = {
	KUNIT_CASE(stream__one_loss_in_seven),
	{}
};

static struct kunit_suite transport_suite = {
	.name = "mrc_transport",
	.test_cases = transport_cases,
};

kunit_test_suite(transport_suite);
