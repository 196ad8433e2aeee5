// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* What golden bytes (test_golden.c) do not show of the SACK and NACK codecs. */
#include <linux/limits.h>
#include <string.h>

#include "harness.h"
#include "transport/sack.h"

static void check_bytes(const void *got, const u8 *want, size_t n)
{
	const u8 *b = got;

	for (size_t i = 0; i < n; i++)
		if (b[i] != want[i])
			test_fail(__FILE__, __LINE__,
				  "byte %zu is %02x, not %02x", i, b[i],
				  want[i]);
}

TEST(mrc_sack_encode__values_out_of_range)
{
	struct mrc_cc_state cc;
	struct mrc_seth seth;
	struct mrc_sack s = {
		.cack = 0xff000123, .acked_psn = 0x800000, .m = 0xff,
		.ooo_count = 0xffff, .penalty = 0xff, .rcvd_bytes = 0xffffffff,
	};

	/* Nothing spills into a neighbour; a far PSN is told as cack. */
	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth, (const u8[]){ 0x00, 0x60, 0x00, 0x00 }, 4);
	check_bytes(&seth.cack_psn, (const u8[]){ 0x00, 0x00, 0x01, 0x23 }, 4);
	check_bytes(&cc, (const u8[8]){ 0, 0, 0x7f, 0xff, 0x7f, 0xff, 0xff,
					0xff }, 8);
	s.acked_psn = mrc_psn_add(0x123, -32768);
	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth.ack_psn_offset, (const u8[]){ 0x80, 0x00 }, 2);
	s.acked_psn = mrc_psn_add(0x123, 32768);
	mrc_sack_encode(&s, &seth, &cc);
	check_bytes(&seth.ack_psn_offset, (const u8[]){ 0x00, 0x00 }, 2);
}

TEST(mrc_sack_decode__probe_and_reserved_m)
{
	struct mrc_cc_state cc = { 0 };
	struct mrc_seth seth = { 0 };
	struct mrc_sack s;

	memcpy(&seth, (const u8[]){ 0x00, 0x62, 0xfe, 0xdc }, 4);
	CHECK(mrc_sack_decode(&s, &seth, &cc));
	CHECK(s.probe);
	CHECK_EQ(s.probe_id, 0xfedc);
	CHECK_EQ(s.acked_psn, s.cack);
	CHECK_EQ(s.m, MRC_SACK_M_NONE);
}

TEST(mrc_sack__round_trip)
{
	struct rng r = { .x = 1 };

	for (int i = 0; i < 20000; i++) {
		struct mrc_sack a = {
			.cack = rng_next(&r) & MRC_PSN_MASK,
			.probe = rng_below(&r, 2), .m = rng_below(&r, 3),
			.entropy = rng_next(&r), .spdcid = rng_next(&r),
			.dpdcid = rng_next(&r), .mpr = rng_next(&r),
			.sack_offset = rng_next(&r), .bitmap = rng_next(&r),
			.tx_timestamp = rng_next(&r),
			.ooo_count = rng_below(&r, 32768),
			.restore_cwnd = rng_below(&r, 2),
			.penalty = rng_below(&r, 128),
			.rcvd_bytes = rng_below(&r, 1 << 24),
		};
		struct mrc_cc_state cc;
		struct mrc_seth seth;
		struct mrc_sack b;

		if (a.probe)
			a.probe_id = rng_next(&r);
		a.acked_psn = a.probe ? a.cack :
			mrc_psn_add(a.cack, (s16)rng_next(&r));
		mrc_sack_encode(&a, &seth, &cc);
		CHECK(mrc_sack_decode(&b, &seth, &cc));
		CHECK_EQ(a.cack, b.cack);
		CHECK_EQ(a.acked_psn, b.acked_psn);
		CHECK_EQ(a.probe, b.probe);
		CHECK_EQ(a.probe_id, b.probe_id);
		CHECK_EQ(a.m, b.m);
		CHECK_EQ(a.entropy, b.entropy);
		CHECK_EQ(a.mpr, b.mpr);
		CHECK_EQ((u16)a.sack_offset, (u16)b.sack_offset);
		CHECK_EQ(a.bitmap, b.bitmap);
		CHECK_EQ(a.ooo_count, b.ooo_count);
		CHECK_EQ(a.restore_cwnd, b.restore_cwnd);
		CHECK_EQ(a.penalty, b.penalty);
		CHECK_EQ(a.rcvd_bytes, b.rcvd_bytes);
	}
}

TEST(mrc_nack_decode__types)
{
	struct mrc_neth neth = {};
	struct mrc_nack n;

	for (int type = 0; type < 16; type++) {
		neth.cc = type << 4;
		CHECK(mrc_nack_decode(&n, &neth) == (type == 2));
	}
}

TEST(mrc_psn_diff__circle)
{
	CHECK(mrc_psn_diff(5, 3) == 2);
	CHECK(mrc_psn_diff(3, 5) == -2);
	CHECK(mrc_psn_diff(2, 0xfffffe) == 4);
	CHECK(mrc_psn_diff(0xfffffe, 2) == -4);
	CHECK(mrc_psn_diff(0x800000, 0) == -0x800000);
	CHECK(mrc_psn_diff(0x7fffff, 0) == 0x7fffff);
	CHECK_EQ(mrc_psn_add(0xffffff, 1), 0);
	CHECK_EQ(mrc_psn_add(0, -1), 0xffffff);
}
