// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "transport/rxwin.h"

static u64 storage[8192];

static void begin(struct mrc_rxwin *w, u32 first, u32 psns)
{
	CHECK(mrc_rxwin_storage(psns) <= sizeof(storage));
	memset(storage, 0xee, sizeof(storage));
	mrc_rxwin_init(w, first, psns, storage);
}

static void arrive(struct mrc_rxwin *w, u32 psn)
{
	CHECK(mrc_rxwin_check(w, psn) == MRC_RX_NEW);
	mrc_rxwin_claim(w, psn, 1000);
}

static u32 bit_psn(const struct mrc_sack *s, int i)
{
	return mrc_psn_add(s->cack, s->sack_offset + i);
}

static bool tells(const struct mrc_sack *s, u32 psn)
{
	s32 i;

	if (mrc_psn_diff(psn, s->cack) <= 0)
		return true;
	i = mrc_psn_diff(psn, bit_psn(s, 0));
	return i >= 0 && i < 64 && s->bitmap >> i & 1;
}

TEST(mrc_rxwin_check__verdicts)
{
	struct mrc_rxwin w;

	begin(&w, 100, 64);
	CHECK_EQ(mrc_rxwin_next(&w), 100);
	CHECK(mrc_rxwin_check(&w, 99) == MRC_RX_OLD);
	CHECK(mrc_rxwin_check(&w, 100) == MRC_RX_NEW);
	CHECK(mrc_rxwin_check(&w, 163) == MRC_RX_NEW);
	CHECK(mrc_rxwin_check(&w, 164) == MRC_RX_OUTSIDE);
	CHECK(mrc_rxwin_check(&w, mrc_psn_add(100, 0x7fffff)) ==
	      MRC_RX_OUTSIDE);
	CHECK(mrc_rxwin_check(&w, mrc_psn_add(100, -0x800000)) == MRC_RX_OLD);
	arrive(&w, 163);
	CHECK(mrc_rxwin_check(&w, 163) == MRC_RX_DUP);
	arrive(&w, 100);
	CHECK_EQ(mrc_rxwin_done(&w, 100), 1);
	CHECK(mrc_rxwin_check(&w, 100) == MRC_RX_OLD);
	CHECK(mrc_rxwin_check(&w, 164) == MRC_RX_NEW);
}

TEST(mrc_rxwin_pressure__offer_and_penalty)
{
	static const struct {
		u32 used;
		u8 mpr, penalty;
	} steps[] = {
		{ 0, 32, 0 }, { 499, 32, 0 }, { 500, 16, 0 }, { 749, 16, 0 },
		{ 750, 8, 64 }, { 874, 8, 64 }, { 875, 8, 127 },
		{ 5000, 8, 127 }, { 100, 32, 0 },
	};
	bool asked = false;
	struct mrc_rxwin w;

	begin(&w, 100, 4096);
	for (u32 i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct mrc_sack s = {};

		mrc_rxwin_pressure(&w, steps[i].used, 1000, true);
		mrc_rxwin_fill_sack(&w, &s, 99);
		CHECK_EQ(s.mpr, steps[i].mpr);
		CHECK_EQ(s.penalty, steps[i].penalty);
		asked |= s.penalty;
		CHECK_EQ(s.restore_cwnd, asked && !s.penalty);
		/* What was offered before is taken all the same. */
		CHECK(mrc_rxwin_check(&w, 100 + 4095) == MRC_RX_NEW);
		mrc_rxwin_pressure(&w, steps[i].used, 1000, false);
		mrc_rxwin_fill_sack(&w, &s, 99);
		CHECK_EQ(s.mpr, 32);
	}
	/* The window that MRC 1.0 requires is never cut. */
	begin(&w, 100, 1024);
	mrc_rxwin_pressure(&w, 1000, 1000, true);
	CHECK_EQ(w.offer, 1024);
}

TEST(mrc_rxwin_done__in_any_order)
{
	struct mrc_rxwin w;

	begin(&w, 0xfffffe, 64);
	for (u32 i = 0; i < 64; i++)
		arrive(&w, mrc_psn_add(0xfffffe, i));
	for (u32 i = 63; i > 0; i--)
		CHECK_EQ(mrc_rxwin_done(&w, mrc_psn_add(0xfffffe, i)), 0);
	CHECK_EQ(mrc_rxwin_done(&w, 0xfffffe), 64);
	CHECK_EQ(mrc_rxwin_next(&w), 62);
	/* Nothing of the last round is left in the rings. */
	for (u32 i = 0; i < 64; i++)
		CHECK(mrc_rxwin_check(&w, 62 + i) == MRC_RX_NEW);
}

TEST(mrc_rxwin_done__claimed_but_not_done_holds_cack)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 10, 64);
	arrive(&w, 10);
	arrive(&w, 11);
	CHECK_EQ(mrc_rxwin_done(&w, 11), 0);
	mrc_rxwin_fill_sack(&w, &s, 11);
	CHECK_EQ(s.cack, 9);
	CHECK(tells(&s, 10) && tells(&s, 11) && !tells(&s, 12));
	CHECK_EQ(s.ooo_count, 0);
	CHECK_EQ(mrc_rxwin_done(&w, 10), 2);
}

TEST(mrc_rxwin_sack_due__triggers)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 0, 1024);
	CHECK(!mrc_rxwin_sack_due(&w, false, false, false, false, false));
	CHECK(mrc_rxwin_sack_due(&w, true, false, false, false, false));
	CHECK(mrc_rxwin_sack_due(&w, false, true, false, false, false));
	CHECK(mrc_rxwin_sack_due(&w, false, false, true, false, false));
	CHECK(mrc_rxwin_sack_due(&w, false, false, false, true, false));

	/* 16 KiB: four packets of 4096, or sixteen of any small size */
	for (u32 i = 0; i < 4; i++) {
		mrc_rxwin_claim(&w, i, 4096);
		mrc_rxwin_done(&w, i);
		CHECK(mrc_rxwin_sack_due(&w, false, false, false, false, false) ==
		      (i == 3));
	}
	mrc_rxwin_fill_sack(&w, &s, 3);
	for (u32 i = 0; i < 16; i++) {
		mrc_rxwin_claim(&w, 4 + i, 70);
		mrc_rxwin_done(&w, 4 + i);
		CHECK(mrc_rxwin_sack_due(&w, false, false, false, false, false) ==
		      (i == 15));
	}
	mrc_rxwin_fill_sack(&w, &s, 19);
	CHECK(!mrc_rxwin_sack_due(&w, false, false, false, false, false));
}

static bool calm_due(struct mrc_rxwin *w, u32 psn)
{
	mrc_rxwin_claim(w, psn, 4140);
	mrc_rxwin_done(w, psn);
	return mrc_rxwin_sack_due(w, false, false, false, false, true);
}

/* Its sender is calm: a SACK for each 44 packets as long as none is missing. */
TEST(mrc_rxwin_sack_due__calm)
{
	struct mrc_sack s = {};
	struct mrc_rxwin w;
	u32 psn = 0;

	begin(&w, 0, 1024);
	for (u32 i = 1; i < MRC_CALM_PACKETS; i++)
		CHECK(!calm_due(&w, psn++));
	/* Every other reason holds, and a packet that is not calm. */
	CHECK(mrc_rxwin_sack_due(&w, true, false, false, false, true));
	CHECK(mrc_rxwin_sack_due(&w, false, true, false, false, true));
	CHECK(mrc_rxwin_sack_due(&w, false, false, true, false, true));
	CHECK(mrc_rxwin_sack_due(&w, false, false, false, true, true));
	CHECK(mrc_rxwin_sack_due(&w, false, false, false, false, false));
	CHECK(calm_due(&w, psn));
	mrc_rxwin_fill_sack(&w, &s, psn++);

	/* One is late when the time has come: a few more, or until it is there. */
	for (u32 i = 1; i < MRC_CALM_PACKETS - 2; i++)
		CHECK(!calm_due(&w, psn++));
	psn++;
	for (u32 i = 0; i < MRC_CALM_GAP + 2; i++)
		CHECK(!calm_due(&w, psn++));
	CHECK(calm_due(&w, psn));
	mrc_rxwin_fill_sack(&w, &s, psn++);
	CHECK(s.ooo_count);
	/* What has been told as missing is not left at that. */
	CHECK(!calm_due(&w, psn++) && !calm_due(&w, psn++));
	CHECK(!calm_due(&w, psn++) && calm_due(&w, psn));
	mrc_rxwin_fill_sack(&w, &s, psn++);
	CHECK(s.ooo_count);
	mrc_rxwin_claim(&w, mrc_rxwin_next(&w), 4140);
	mrc_rxwin_done(&w, mrc_rxwin_next(&w));
	CHECK(!calm_due(&w, psn++) && !calm_due(&w, psn++) && calm_due(&w, psn));
	mrc_rxwin_fill_sack(&w, &s, psn++);
	CHECK(!s.ooo_count);
	for (u32 i = 1; i < MRC_CALM_PACKETS; i++)
		CHECK(!calm_due(&w, psn++));
	CHECK(calm_due(&w, psn));
	mrc_rxwin_fill_sack(&w, &s, psn++);

	/* What sixteen have overtaken may be lost. */
	psn++;
	for (u32 i = 1; i < 16; i++)
		CHECK(!calm_due(&w, psn++));
	CHECK(calm_due(&w, psn));
}

TEST(mrc_rxwin_sack_overdue__after_64_kib)
{
	struct mrc_sack s = {};
	struct mrc_rxwin w;

	begin(&w, 0, 1024);
	for (u32 psn = 0; psn < 16; psn++) {
		CHECK(!mrc_rxwin_sack_overdue(&w));
		mrc_rxwin_claim(&w, psn, 4096);
	}
	CHECK(mrc_rxwin_sack_overdue(&w));
	mrc_rxwin_fill_sack(&w, &s, 15);
	CHECK(!mrc_rxwin_sack_overdue(&w));
}

TEST(mrc_rxwin_sack_due__two_regions_with_news)
{
	struct mrc_rxwin w;

	begin(&w, 0, 1024);
	arrive(&w, 5);
	CHECK(!mrc_rxwin_sack_due(&w, false, false, false, false, false));
	arrive(&w, 70);
	CHECK(mrc_rxwin_sack_due(&w, false, false, false, false, false));
}

TEST(mrc_rxwin_fill_sack__in_order)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 60, 4096);
	for (u32 i = 60; i < 70; i++) {
		arrive(&w, i);
		mrc_rxwin_done(&w, i);
	}
	mrc_rxwin_fill_sack(&w, &s, 69);
	CHECK_EQ(s.cack, 69);
	CHECK_EQ((u16)s.sack_offset, (u16)-5);
	CHECK_EQ(s.bitmap, 0x3f);
	CHECK_EQ(s.ooo_count, 0);
	CHECK_EQ(s.mpr, 32);
	CHECK_EQ(s.rcvd_bytes, (10000 + 255) / 256);
	CHECK(!mrc_rxwin_more(&w));
}

TEST(mrc_rxwin_fill_sack__nothing_yet)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 0, 64);
	mrc_rxwin_fill_sack(&w, &s, 0xffffff);
	CHECK_EQ(s.cack, 0xffffff);
	CHECK_EQ(s.bitmap, 0);
	CHECK_EQ((u16)s.sack_offset, 1);
	CHECK_EQ(s.rcvd_bytes, 0);
	CHECK_EQ(s.mpr, 1);
}

TEST(mrc_rxwin_fill_sack__largest_window)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 0xffff00, 32768);
	arrive(&w, mrc_psn_add(0xffff00, 32767));
	mrc_rxwin_fill_sack(&w, &s, mrc_psn_add(0xffff00, 32767));
	CHECK_EQ(s.mpr, 255);
	CHECK(tells(&s, mrc_psn_add(0xffff00, 32767)));
	CHECK_EQ(s.ooo_count, 1);
}

TEST(mrc_rxwin_fill_sack__oldest_news_first_and_twice)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 0, 1024);
	arrive(&w, 900);
	arrive(&w, 200);
	arrive(&w, 70);
	CHECK(mrc_rxwin_more(&w));
	mrc_rxwin_fill_sack(&w, &s, 900);
	CHECK(tells(&s, 70) && !tells(&s, 200));
	mrc_rxwin_fill_sack(&w, &s, 900);
	CHECK(tells(&s, 70));
	mrc_rxwin_fill_sack(&w, &s, 900);
	CHECK(tells(&s, 200));
	mrc_rxwin_fill_sack(&w, &s, 900);
	CHECK(tells(&s, 200));
	CHECK(mrc_rxwin_more(&w));
	mrc_rxwin_fill_sack(&w, &s, 900);
	CHECK(tells(&s, 900));
	CHECK(!mrc_rxwin_more(&w));
	mrc_rxwin_fill_sack(&w, &s, 900);
	CHECK(tells(&s, 900));
	/* No news: the region asked for, or the first if that is outside. */
	mrc_rxwin_fill_sack(&w, &s, 200);
	CHECK(tells(&s, 200));
	mrc_rxwin_fill_sack(&w, &s, 5000);
	CHECK(tells(&s, mrc_psn_add(0, -1)) && bit_psn(&s, 0) == 0);
	mrc_rxwin_fill_sack(&w, &s, mrc_psn_add(0, -1));
	CHECK(bit_psn(&s, 0) == 0);
}

TEST(mrc_rxwin_fill_sack__both_ends_share_a_word)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	/* Window 10 .. 73: PSNs 10 and 74 - 1 lie in the ring's one word. */
	begin(&w, 10, 64);
	arrive(&w, 12);
	arrive(&w, 73);
	mrc_rxwin_fill_sack(&w, &s, 12);
	CHECK_EQ(bit_psn(&s, 0), 0);
	CHECK(tells(&s, 12) && !tells(&s, 10) && !tells(&s, 11));
	CHECK_EQ(s.bitmap, 0x3ff | 1 << 12);
	mrc_rxwin_fill_sack(&w, &s, 12);
	mrc_rxwin_fill_sack(&w, &s, 12);
	CHECK_EQ(bit_psn(&s, 0), 64);
	CHECK_EQ(s.bitmap, 1 << 9);
}

TEST(mrc_rxwin_fill_sack__counts)
{
	struct mrc_sack s = { 0 };
	struct mrc_rxwin w;

	begin(&w, 0, 4096);
	w.rcvd_bytes = 0xffffffULL * 256 + 1;
	for (u32 i = 0; i < 5; i++)
		arrive(&w, i);		/* no gap, not done */
	for (u32 i = 10; i < 17; i++)
		arrive(&w, i);
	mrc_rxwin_fill_sack(&w, &s, 16);
	CHECK_EQ(s.ooo_count, 7);
	/* 0xffffff + 12,001 / 256 rounded up, modulo 2^24 */
	CHECK_EQ(s.rcvd_bytes, 46);
	for (u32 i = 5; i < 10; i++)
		arrive(&w, i);
	mrc_rxwin_fill_sack(&w, &s, 16);
	CHECK_EQ(s.ooo_count, 0);
}

/*
 * Random arrivals and completions against a plain model; in the end all news
 * has been told at least once without any further arrival.
 */
static void against_model(u64 seed)
{
	struct rng r = { .x = seed };
	u32 size = 64U << rng_below(&r, rng_below(&r, 20) ? 3 : 6);
	u32 first = MRC_PSN_MASK - rng_below(&r, 3 * size);
	u32 n = 6 * size, base = 0, top = 0;
	u8 *state = calloc(n, 1);	/* 1 claimed, 2 done, 4 told */
	struct mrc_rxwin w;

	begin(&w, first, size);
	for (u32 step = 0; step < 8 * n; step++) {
		u32 k = base + rng_below(&r, size + 8);

		if (k >= n)
			break;
		if (rng_below(&r, 3) && k < base + size) {
			u32 psn = mrc_psn_add(first, k);

			CHECK(mrc_rxwin_check(&w, psn) ==
			      (state[k] & 1 ? MRC_RX_DUP : MRC_RX_NEW));
			if (!(state[k] & 1)) {
				mrc_rxwin_claim(&w, psn, 100);
				state[k] |= 1;
				if (k >= top)
					top = k + 1;
			} else if (!(state[k] & 2)) {
				u32 old = base;

				state[k] |= 2;
				while (base < n && state[base] & 2)
					base++;
				CHECK_EQ(mrc_rxwin_done(&w, psn), base - old);
				CHECK_EQ(mrc_rxwin_next(&w),
					 mrc_psn_add(first, base));
			}
		} else if (k >= base + size) {
			CHECK(mrc_rxwin_check(&w, mrc_psn_add(first, k)) ==
			      MRC_RX_OUTSIDE);
		} else {
			struct mrc_sack s = { 0 };
			u32 ooo = 0, gap = base;

			mrc_rxwin_fill_sack(&w, &s, mrc_psn_add(first, k));
			CHECK_EQ(s.cack, mrc_psn_add(first, base - 1));
			for (int i = 0; i < 64; i++) {
				s32 j = mrc_psn_diff(bit_psn(&s, i), first);
				bool set = s.bitmap >> i & 1;

				if (j < (s32)base) {
					CHECK(set);
				} else {
					CHECK(set == (j < (s32)n &&
						      (state[j] & 1)));
					if (set)
						state[j] |= 4;
				}
			}
			while (gap < top && state[gap] & 1)
				gap++;
			for (u32 j = gap; j < top; j++)
				ooo += state[j] & 1;
			CHECK_EQ(s.ooo_count, ooo);
		}
	}
	for (u32 i = 0; mrc_rxwin_more(&w); i++) {
		struct mrc_sack s = { 0 };

		CHECK(i <= 4 * size / 64);
		mrc_rxwin_fill_sack(&w, &s, mrc_rxwin_next(&w));
		for (u32 k = base; k < top; k++)
			if (tells(&s, mrc_psn_add(first, k)))
				state[k] |= 4;
	}
	for (u32 k = base; k < top; k++)
		CHECK(!(state[k] & 1) || state[k] & 4);
	free(state);
}

TEST(mrc_rxwin__random_against_model)
{
	u64 only = test_env("SEED", 0);

	for (u64 s = only ? only : 1; s <= (only ? only : 100); s++) {
		test_seed(s);
		against_model(s);
	}
}
